package apply

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"proxbox/internal/domain"
	"proxbox/internal/netbox"
	"proxbox/internal/plan"
)

// entry is a change with the body that writes it.
type entry struct {
	change plan.Change
	fields domain.Fields // resolved
	body   map[string]any
	// repeated is true once the write was sent again after a lost answer.
	repeated bool
}

// id is the row that an entry changes or removes.
func (e entry) id() int { return e.body["id"].(int) }

// send encodes a batch, bounds it by bytes and writes it.
func (a *applier) send(ctx context.Context, b batch) error {
	var entries []entry
	size := 0
	for _, c := range b.changes {
		e, ok := a.encode(c)
		if !ok {
			continue
		}
		raw, err := json.Marshal(e.body)
		if err != nil {
			return fmt.Errorf("encode %s: %w", c.Label, err)
		}
		if len(raw) > netbox.MaxBody {
			a.tooLarge(c, len(raw))
			continue
		}
		if size+len(raw) > netbox.MaxBody && len(entries) > 0 {
			if err := a.write(ctx, b, entries); err != nil {
				return err
			}
			entries, size = nil, 0
		}
		entries = append(entries, e)
		size += len(raw) + 1
	}
	return a.write(ctx, b, entries)
}

// tooLarge ends a change that no request can carry.
func (a *applier) tooLarge(c plan.Change, bytes int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.end(c, &plan.Report{Outcome: plan.Failed, Reason: fmt.Sprintf("it takes %d bytes, and NetBox takes no request of more than 2.5 MB", bytes),
		WayOut: "shorten its notes or description in Proxmox"})
}

// encode resolves what a change points at. ok is false when it cannot be
// written because what it needs was not done.
func (a *applier) encode(c plan.Change) (e entry, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	id := c.ID
	if id == 0 && c.Op != plan.Create {
		if id = a.ids[domain.To(c.Kind, c.Key)]; id == 0 {
			a.end(c, skipped("", "it was not made"))
			return entry{}, false
		}
	}
	e = entry{change: c, body: map[string]any{}}
	if c.Op != plan.Delete {
		fields, missing := a.fields(c)
		if missing != "" {
			a.end(c, skipped(missing, "needs an object that was not made"))
			return entry{}, false
		}
		if len(fields) == 0 || c.Op == plan.Update && isStamp(fields) {
			return entry{}, false // nothing is left of it
		}
		body, err := netbox.Encode(c.Kind, 0, fields)
		if err != nil {
			a.end(c, &plan.Report{Outcome: plan.Failed, Reason: err.Error()})
			return entry{}, false
		}
		e.fields, e.body = fields, body
	}
	if c.Op != plan.Create {
		e.body["id"] = id
	}
	if a.opt.Message != nil {
		if m := a.opt.Message(c); m != "" {
			e.body["changelog_message"] = m
		}
	}
	return e, true
}

// fields resolves what is written; missing names a field without which NetBox
// takes no such object, and whose object was not made. Left out is what points
// at one that was not made, a custom field that could not be made, and the
// record of a write that was refused.
func (a *applier) fields(c plan.Change) (fields domain.Fields, missing string) {
	fields = make(domain.Fields, len(c.Set))
	for _, name := range slices.Sorted(maps.Keys(c.Set)) {
		v, ok := a.resolve(c.Set[name])
		switch custom, isCustom := strings.CutPrefix(name, "cf_"); {
		case !ok && plan.Required(c.Kind, name):
			return nil, name
		case !ok:
		case isCustom && a.failed[domain.To(domain.KindCustomField, domain.Key(custom))] != nil:
		case plan.KeepsBase(name, a.failed[domain.To(c.Of.Kind, c.Of.Key)]):
		default:
			fields[name] = v
		}
	}
	return fields, ""
}

// resolve gives references the ids of what this run made.
func (a *applier) resolve(v any) (any, bool) {
	switch v := v.(type) {
	case domain.Ref:
		if v.ID != 0 {
			return v, true
		}
		id, ok := a.ids[domain.To(v.Kind, v.Key)]
		return domain.At(v.Kind, id), ok
	case domain.Refs:
		var out domain.Refs
		for _, r := range v {
			if rr, ok := a.resolve(r); ok {
				out = append(out, rr.(domain.Ref))
			}
		}
		return out, true
	}
	return v, true
}

// isStamp tells whether nothing is left of a change but when it was made.
func isStamp(fields domain.Fields) bool {
	for name := range fields {
		if !plan.IsStamp(name) {
			return false
		}
	}
	return true
}
