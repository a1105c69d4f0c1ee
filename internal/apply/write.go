package apply

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"proxbox/internal/domain"
	"proxbox/internal/netbox"
	"proxbox/internal/plan"
)

// write sends entries in one request and deals with what comes back.
func (a *applier) write(ctx context.Context, b batch, entries []entry) error {
	if len(entries) == 0 {
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
	var refused *netbox.BatchError
	var lost *netbox.AmbiguousError
	var status *netbox.StatusError
	switch {
	case ctx.Err() != nil:
		return err
	case errors.As(err, &lost):
		return a.reread(ctx, b, entries, err)
	case errors.As(err, &refused):
		return a.refused(ctx, b, entries, refused)
	case errors.As(err, &status) && status.Forbidden():
		a.mu.Lock()
		defer a.mu.Unlock()
		a.refusals[b.kind] = &refusal{reason: status.Detail, stopped: true}
		for _, e := range entries {
			a.end(e.change, &plan.Report{Outcome: plan.Failed, Reason: err.Error(),
				WayOut: fmt.Sprintf("give the token's user the permission to %s %s", b.op, b.kind)})
		}
		return nil
	case errors.As(err, &status) && status.Code >= 400 && status.Code < 500:
		return a.bisect(ctx, b, entries, err)
	case errors.As(err, &status) && len(entries) > 1:
		return a.bisect(ctx, b, entries, err) // one object may be what NetBox stumbles on
	case errors.As(err, &status):
		a.fail(entries, err)
		return nil
	}
	return fmt.Errorf("%s %s: %w", b.op, b.kind, err)
}

// written takes NetBox's answers into the inventory.
func (a *applier) written(b batch, entries []entry, answers []json.RawMessage) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.refusals, b.kind)
	table := a.inv.Table(b.kind)
	if b.op == plan.Delete {
		for _, e := range entries {
			table.Delete(e.body["id"].(int))
			a.end(e.change, nil)
		}
		return nil
	}
	rows := map[int]*domain.Row{}
	var order []*domain.Row
	for _, raw := range answers {
		row, err := netbox.Decode(b.kind, raw)
		if err != nil {
			return err
		}
		rows[row.ID] = row
		order = append(order, row)
		table.Put(row)
	}
	for i, e := range entries {
		if b.op == plan.Create {
			if i >= len(order) {
				a.end(e.change, &plan.Report{Outcome: plan.Failed, Reason: "NetBox answered with fewer objects than it was sent"})
				continue
			}
			a.ids[domain.To(b.kind, e.change.Key)] = order[i].ID
			if e.fields["tags"] != nil && table.Marked != nil {
				table.Marked[order[i].ID] = true
			}
			a.end(e.change, nil)
			continue
		}
		id := e.body["id"].(int)
		if rows[id] == nil {
			table.Delete(id)
			a.end(e.change, &plan.Report{Outcome: plan.Failed, Reason: "it was removed from NetBox meanwhile", WayOut: "the next run makes it again"})
			continue
		}
		a.end(e.change, nil)
	}
	return nil
}

// refused drops the guilty objects and sends the others again.
func (a *applier) refused(ctx context.Context, b batch, entries []entry, err *netbox.BatchError) error {
	if len(err.Items) == 0 {
		return a.bisect(ctx, b, entries, err)
	}
	var rest []entry
	a.mu.Lock()
	for i, e := range entries {
		item, guilty := err.Items[i]
		if !guilty {
			rest = append(rest, e)
			continue
		}
		field, reason := worst(item)
		a.blame(b, e, field, reason)
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
		field, reason := "", err.Error()
		var refused *netbox.BatchError
		var status *netbox.StatusError
		switch {
		case errors.As(err, &refused):
			for _, item := range refused.Items {
				field, reason = worst(item)
			}
			if len(refused.Items) == 0 && refused.Detail != "" {
				reason = refused.Detail
			}
		case errors.As(err, &status) && status.Detail != "":
			reason = status.Detail
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		a.blame(b, entries[0], field, reason)
		return nil
	}
	half := len(entries) / 2
	if err := a.write(ctx, b, entries[:half]); err != nil {
		return err
	}
	a.mu.Lock()
	stopped := a.refusals[b.kind] != nil && a.refusals[b.kind].stopped
	a.mu.Unlock()
	if stopped {
		return nil
	}
	return a.write(ctx, b, entries[half:])
}

// blame ends an object that NetBox refused. a.mu is held.
func (a *applier) blame(b batch, e entry, field, reason string) {
	outcome, wayOut := judge(reason)
	a.end(e.change, &plan.Report{Outcome: outcome, Field: field, Reason: reason, WayOut: wayOut})
	r := a.refusals[b.kind]
	if r == nil || r.field != field || r.reason != reason {
		a.refusals[b.kind] = &refusal{field: field, reason: reason, count: 1}
		return
	}
	if r.count++; r.count >= MaxRefusals && !r.stopped {
		r.stopped = true
	}
}

func worst(item netbox.ItemError) (field, reason string) {
	fields := slices.Sorted(maps.Keys(item))
	if len(fields) == 0 {
		return "", "refused"
	}
	field = fields[0]
	reason = strings.Join(item[field], " ")
	if field == "__all__" || field == "non_field_errors" {
		field = ""
	}
	return field, reason
}

// expected are refusals that are somebody else's to solve: a rule of this
// NetBox, or an object that is not ours (rules.md 1).
var expected = []struct{ text, wayOut string }{
	{"duplicate ip address", "remove the other address, or put the interface into a VRF"},
	{"is a network id", "correct the address or its mask in the guest"},
	{"is a broadcast address", "correct the address or its mask in the guest"},
	{"inside range", "take the address out of the populated range in NetBox"},
	{"cannot reassign", "clear the primary mark in NetBox"},
	{"must be unique", "rename one of the two"},
	{"already exists", "rename one of the two, or give the one in NetBox the tag proxbox"},
	{"unique set", "rename one of the two, or give the one in NetBox the tag proxbox"},
	{"is not assigned to this site", "give the cluster, the device and the guest one site"},
	{"belongs to a different site", "give the cluster, the device and the guest one site"},
	{"is not assigned to this cluster", "put the node's device into the cluster"},
	{"must belong to the same site", "give the VLAN the site of the guest, or none"},
	{"endpoint_ownership_conflict", "the sync-state row names another backend: remove it once"},
}

func judge(reason string) (plan.Outcome, string) {
	lower := strings.ToLower(reason)
	for _, e := range expected {
		if strings.Contains(lower, e.text) {
			return plan.Conflict, e.wayOut
		}
	}
	return plan.Failed, "see NetBox's reason; the object is tried again in the next run"
}

func (a *applier) fail(entries []entry, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range entries {
		a.end(e.change, &plan.Report{Outcome: plan.Failed, Reason: err.Error()})
	}
}

// maxReadings bounds how often a kind is read again after a lost answer.
const maxReadings = 12

// reread finds out what became of a write whose answer was lost: the kind is
// read until two readings agree, for NetBox may still be writing; what is
// there counts as done, and only the rest is sent again.
func (a *applier) reread(ctx context.Context, b batch, entries []entry, cause error) error {
	var table *domain.Table
	for i := range maxReadings {
		if i > 0 {
			select {
			case <-time.After(a.opt.Settle):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		next, err := a.nb.ReadTable(ctx, b.kind, nil)
		if err != nil {
			return fmt.Errorf("%s %s: the answer was lost (%w), and reading again failed: %w", b.op, b.kind, cause, err)
		}
		if table != nil && sameRows(table, next) {
			table = next
			break
		}
		table = next
	}
	a.mu.Lock()
	table.Marked = a.inv.Table(b.kind).Marked
	a.inv.Set(table)
	var rest []entry
	for _, e := range entries {
		if row := landed(b, e, table); row != nil || b.op == plan.Delete && table.Get(e.body["id"].(int)) == nil {
			if b.op == plan.Create {
				a.ids[domain.To(b.kind, e.change.Key)] = row.ID
			}
			a.end(e.change, nil)
			continue
		}
		rest = append(rest, e)
	}
	a.mu.Unlock()
	if len(rest) == len(entries) && len(rest) > 0 {
		return a.again(ctx, b, rest, cause)
	}
	return a.write(ctx, b, rest)
}

// again repeats a write of which nothing landed, in halves: it may be its
// size that NetBox cannot answer in time.
func (a *applier) again(ctx context.Context, b batch, entries []entry, cause error) error {
	if len(entries) == 1 {
		if entries[0].repeated {
			a.fail(entries, cause)
			return nil
		}
		entries[0].repeated = true
		return a.write(ctx, b, entries)
	}
	half := len(entries) / 2
	if err := a.write(ctx, b, entries[:half]); err != nil {
		return err
	}
	return a.write(ctx, b, entries[half:])
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

// landed finds the row that a lost write made or changed.
func landed(b batch, e entry, table *domain.Table) *domain.Row {
	if b.op == plan.Update {
		row := table.Get(e.body["id"].(int))
		if row == nil || !agrees(row, e.fields, nil) {
			return nil
		}
		return row
	}
	if b.op != plan.Create {
		return nil
	}
	for row := range table.Rows() {
		if agrees(row, e.fields, plan.NaturalKey(b.kind)) {
			return row
		}
	}
	return nil
}

// agrees compares the fields named (nil: all that were sent).
func agrees(row *domain.Row, fields domain.Fields, names []string) bool {
	if names == nil {
		names = slices.Collect(maps.Keys(fields))
	}
	for _, n := range names {
		want, sent := fields[n]
		now, known := row.Fields[n]
		switch n {
		case "add_tags":
			for _, t := range want.(domain.Refs) {
				if !row.Refs("tags").Has(t) {
					return false
				}
			}
			continue
		case "remove_tags", "proxmox_last_updated":
			continue
		}
		if !known && !sent {
			continue
		}
		if !domain.Equal(now, want) {
			return false
		}
	}
	return true
}
