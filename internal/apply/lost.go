package apply

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"proxbox/internal/domain"
	"proxbox/internal/netbox"
	"proxbox/internal/plan"
)

// maxReadings bounds how often a kind is read again after a lost answer.
const maxReadings = 12

// reread finds out what became of a write whose answer was lost: what is there
// counts as done, and only the rest is sent again.
func (a *applier) reread(ctx context.Context, b batch, entries []entry, cause error) error {
	table, err := a.settled(ctx, b, entries)
	if err != nil {
		return fmt.Errorf("%s %s: the answer was lost (%w), and reading again failed: %w", b.op, b.kind, cause, err)
	}
	rest := a.found(b, entries, table)
	if len(rest) == len(entries) {
		return a.again(ctx, b, rest, cause)
	}
	return a.write(ctx, b, rest)
}

// settled reads the objects of a write until two readings agree, for NetBox
// may still be writing: all of the kind where their ids are not known.
func (a *applier) settled(ctx context.Context, b batch, entries []entry) (*domain.Table, error) {
	var query url.Values
	if b.op != plan.Create && len(entries) <= netbox.MaxIDs {
		ids := make([]int, len(entries))
		for i, e := range entries {
			ids[i] = e.id()
		}
		query = netbox.ByID("id", ids)
	}
	var table *domain.Table
	for i := range maxReadings {
		if i > 0 {
			select {
			case <-time.After(a.opt.Settle):
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		next, err := a.nb.ReadTable(ctx, b.kind, query)
		if err != nil {
			return nil, err
		}
		if table != nil && sameRows(table, next) {
			return next, nil
		}
		table = next
	}
	return table, nil
}

// found takes what was read again into the inventory, ends what has landed and
// returns the rest. A row that was there before this run is not what it made:
// NetBox lets a person's object have the name of ours beside it.
func (a *applier) found(b batch, entries []entry, table *domain.Table) (rest []entry) {
	a.mu.Lock()
	defer a.mu.Unlock()
	known := a.inv.Table(b.kind)
	made := map[string]*domain.Row{}
	key := plan.NaturalKey(b.kind)
	for row := range table.Rows() {
		known.Put(row)
		if b.op == plan.Create && row.ID > a.before[b.kind] {
			made[keyOf(row.Fields, key)] = row
		}
	}
	for _, e := range entries {
		switch b.op {
		case plan.Create:
			if row := made[keyOf(e.fields, key)]; row != nil {
				a.made(known, e, row)
				continue
			}
		case plan.Update:
			if row := table.Get(e.id()); row != nil && agrees(row, e.fields) {
				a.end(e.change, nil)
				continue
			}
		case plan.Delete:
			if table.Get(e.id()) == nil {
				a.removed([]entry{e})
				continue
			}
		}
		rest = append(rest, e)
	}
	return rest
}

// again repeats a write of which nothing landed, in halves: it may be its
// size that NetBox cannot answer in time.
func (a *applier) again(ctx context.Context, b batch, entries []entry, cause error) error {
	if len(entries) == 1 {
		e := entries[0]
		if e.repeated {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.result.Unsure = true
			a.end(e.change, &plan.Report{Outcome: plan.Failed, Reason: cause.Error(), WayOut: "the next run tries it again"})
			return nil
		}
		e.repeated = true
		return a.write(ctx, b, []entry{e})
	}
	half := len(entries) / 2
	if err := a.write(ctx, b, entries[:half]); err != nil {
		return err
	}
	return a.write(ctx, b, entries[half:])
}

// newest is the highest id of a table; NetBox gives them in the order of making.
func newest(t *domain.Table) int {
	id := 0
	for r := range t.Rows() {
		id = max(id, r.ID)
	}
	return id
}

func sameRows(a, b *domain.Table) bool {
	if a.Len() != b.Len() {
		return false
	}
	for r := range a.Rows() {
		if b.Get(r.ID) == nil {
			return false
		}
	}
	return true
}

// keyOf is an object's natural key as text.
func keyOf(fields domain.Fields, names []string) string {
	var b strings.Builder
	for _, n := range names {
		if v := fields[n]; !domain.IsEmpty(v) {
			fmt.Fprint(&b, v)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// agrees tells whether a row has what was sent.
func agrees(row *domain.Row, fields domain.Fields) bool {
	for name, want := range fields {
		switch name {
		case "add_tags":
			for _, t := range want.(domain.Refs) {
				if !row.Refs("tags").Has(t) {
					return false
				}
			}
		case "remove_tags":
			for _, t := range want.(domain.Refs) {
				if row.Refs("tags").Has(t) {
					return false
				}
			}
		default:
			if !plan.IsStamp(name) && !domain.Equal(row.Fields[name], want) {
				return false
			}
		}
	}
	return true
}
