package apply

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"proxbox/internal/domain"
	"proxbox/internal/netbox"
	"proxbox/internal/plan"
)

// write sends entries in one request and deals with what comes back.
func (a *applier) write(ctx context.Context, b batch, entries []entry) error {
	if len(entries) == 0 || a.givenUp(b, entries) {
		return nil
	}
	bodies := make([]map[string]any, len(entries))
	for i, e := range entries {
		bodies[i] = e.body
	}
	path := netbox.Path(b.kind)
	var answers []json.RawMessage
	var err error
	switch b.op {
	case plan.Create:
		answers, err = a.nb.Create(ctx, path, bodies)
	case plan.Update:
		answers, err = a.nb.Update(ctx, path, bodies)
	case plan.Delete:
		err = a.nb.Delete(ctx, path, bodies)
	}
	if err == nil {
		return a.written(b, entries, answers)
	}
	return a.recover(ctx, b, entries, err)
}

// recover decides by the error of a write what becomes of its entries. What
// it returns ends the run: NetBox is gone, busy beyond patience, or refuses
// the token.
func (a *applier) recover(ctx context.Context, b batch, entries []entry, err error) error {
	var (
		refused *netbox.BatchError
		lost    *netbox.AmbiguousError
		status  *netbox.StatusError
	)
	switch {
	case ctx.Err() != nil:
	case errors.As(err, &lost):
		return a.reread(ctx, b, entries, err)
	case errors.As(err, &refused):
		return a.refused(ctx, b, entries, refused)
	case !errors.As(err, &status) || status.BadToken():
	case status.Forbidden():
		a.forbidden(b, entries, status)
		return nil
	case status.Code == http.StatusTooManyRequests:
	case status.Code < 500, status.Code == http.StatusInternalServerError:
		return a.bisect(ctx, b, entries, err) // one object may be what NetBox stumbles on
	}
	return fmt.Errorf("%s %s: %w", b.op, b.kind, err)
}

// written takes NetBox's answers into the inventory.
func (a *applier) written(b batch, entries []entry, answers []json.RawMessage) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.landed(b)
	table := a.inv.Table(b.kind)
	rows := make([]*domain.Row, len(answers))
	byID := make(map[int]*domain.Row, len(answers))
	for i, raw := range answers {
		row, err := netbox.Decode(b.kind, raw)
		if err != nil {
			return err
		}
		rows[i], byID[row.ID] = row, row
		table.Put(row)
	}
	if b.op == plan.Delete {
		a.removed(entries)
		return nil
	}
	for i, e := range entries {
		switch {
		case b.op == plan.Create && i < len(rows):
			a.made(table, e, rows[i])
		case b.op == plan.Update && byID[e.id()] != nil:
			if e.fields["add_tags"] != nil && table.Marked != nil {
				table.Mark(e.id())
			}
			a.end(e.change, nil)
		case b.op == plan.Update:
			table.Delete(e.id())
			a.end(e.change, &plan.Report{Outcome: plan.Failed, Reason: "it was removed from NetBox meanwhile", WayOut: "the next run makes it again"})
		default:
			a.end(e.change, &plan.Report{Outcome: plan.Failed, Reason: "NetBox answered with fewer objects than it was sent"})
		}
	}
	return nil
}

// made takes a new object into account. a.mu is held.
func (a *applier) made(table *domain.Table, e entry, row *domain.Row) {
	a.ids[domain.To(e.change.Kind, e.change.Key)] = row.ID
	if e.fields["tags"] != nil {
		table.Mark(row.ID)
	}
	a.end(e.change, nil)
}

// refused drops the guilty objects and sends the others again.
func (a *applier) refused(ctx context.Context, b batch, entries []entry, err *netbox.BatchError) error {
	var rest []entry
	a.mu.Lock()
	for i, e := range entries {
		if item, guilty := err.Items[i]; guilty {
			field, reason := worst(item)
			a.blame(b, e, field, reason)
		} else {
			rest = append(rest, e)
		}
	}
	a.mu.Unlock()
	if len(rest) == len(entries) {
		return a.bisect(ctx, b, entries, err)
	}
	return a.write(ctx, b, rest)
}

// bisect narrows a refused batch to the objects that NetBox refuses.
func (a *applier) bisect(ctx context.Context, b batch, entries []entry, err error) error {
	if len(entries) == 1 {
		a.mu.Lock()
		defer a.mu.Unlock()
		field, reason := reasonOf(err)
		a.blame(b, entries[0], field, reason)
		return nil
	}
	half := len(entries) / 2
	if err := a.write(ctx, b, entries[:half]); err != nil {
		return err
	}
	return a.write(ctx, b, entries[half:])
}
