package plan

import (
	"cmp"
	"slices"
	"strings"

	"proxbox/internal/domain"
)

// fields are the names of fields in order; they hold until the next call.
func (p *planner) fields(f domain.Fields) []string {
	p.keys = p.keys[:0]
	for name := range f {
		p.keys = append(p.keys, name)
	}
	slices.Sort(p.keys)
	return p.keys
}

// create plans a new object.
func (p *planner) create(it *item) {
	set := domain.Fields{}
	for _, field := range p.fields(it.Fields) {
		if isLate(it.Kind, it.Fields[field]) {
			p.later(it, field)
			continue
		}
		v, ok := p.fieldValue(it, field)
		if !ok {
			if required[it.Kind][field] {
				p.skip(it, it.Fields[field])
				return
			}
			continue
		}
		if !domain.IsEmpty(v) {
			set[field] = v
		}
	}
	if it.Kind == domain.KindVirtualMachine && !p.place(it, set, domain.Fields{}) {
		return
	}
	if it.Kind == domain.KindIPAddress {
		p.vrf(it, set)
	}
	if tags := p.tagsOnCreate(it); len(tags) > 0 {
		set["tags"] = tags
	}
	p.change(it, Change{Op: Create, Set: set, Why: "new in Proxmox", Phase: phaseOf(it.Kind)})
}

// change adds a write of an item to the plan.
func (p *planner) change(it *item, c Change) {
	c.Kind, c.Key, c.Label = it.Kind, it.Key, it.Label
	if it.row != nil {
		c.ID = it.row.ID
	}
	if field, ok := stateOf[it.Kind]; ok {
		c.Of = it.Fields[field].(domain.Ref)
		if p.Stamp != "" {
			c.Set["proxmox_last_updated"] = p.Stamp
		}
		if c.Op == Update {
			c.Phase = phaseState
		}
	}
	p.stamp(it, c)
	p.plan.Changes = append(p.plan.Changes, c)
}

// fieldValue resolves what is wanted in a field. ok is false when the field
// must be left out: what it points at is not there, or NetBox has no such
// custom field and takes none from us.
func (p *planner) fieldValue(it *item, field string) (v any, ok bool) {
	if name, custom := strings.CutPrefix(field, "cf_"); custom {
		if def := p.items[domain.To(domain.KindCustomField, domain.Key(name))]; def != nil && def.state == dropped {
			return nil, false
		}
	}
	return p.value(it.Fields[field])
}

// skip drops an object that hangs on one which is not done. Objects that a
// dropped one explains already are not reported twice.
func (p *planner) skip(it *item, needs any) {
	it.state = dropped
	ref, _ := needs.(domain.Ref)
	other := p.at(ref)
	if other == nil || other.why == "" || it.Mode != domain.Manage || Companion(it.Kind) || p.policy(it.Kind, it.Key) == domain.Leave {
		return
	}
	it.why = "needs " + other.Label
	p.report(Report{Outcome: Skipped, Kind: it.Kind, Key: it.Key, Label: it.Label, Reason: it.why})
}

// update plans the difference between a row and what is wanted.
func (p *planner) update(it *item) {
	set, old := domain.Fields{}, domain.Fields{}
	why := "changed in Proxmox"
	p.statusAgain(it)
	p.clusterAgain(it)
	for _, field := range p.fields(it.Fields) {
		if isLate(it.Kind, it.Fields[field]) || it.nameLate && (field == "name" || field == "cf_proxmox_vm_name") {
			p.later(it, field)
			continue
		}
		current, known := it.row.Fields[field]
		if !known && !p.newField(field) {
			continue // this NetBox has no such field
		}
		if it.Kind == domain.KindGuestInterface && field == "vm_interface" && p.unclaimed[it.row.ID] {
			current = nil
		}
		v, ok := p.fieldValue(it, field)
		ok = ok && p.allThere(it.Fields[field])
		if ok && p.sameVLANs(field, current, v) {
			v = current
		}
		if it.Kind == domain.KindCustomField && field == "object_types" {
			v = union(current, v)
		} else if ok && !domain.Equal(current, v) {
			var reason string
			reason, ok = p.mayWrite(it, field, current, v)
			why = cmp.Or(reason, why)
		}
		if ok && !domain.Equal(current, v) {
			set[field], old[field] = v, current
		}
	}
	if it.Kind == domain.KindVirtualMachine && !p.place(it, set, old) {
		return
	}
	p.updateTags(it, set, old)
	if len(set) == 0 {
		p.plan.Unchanged++
		return
	}
	p.change(it, Change{Op: Update, Set: set, Old: old, Why: why, Phase: phaseOf(it.Kind)})
}

// allThere tells whether everything that a list points at is there or will be.
// A list that lacks some of it would take from NetBox what is only not known.
func (p *planner) allThere(wanted any) bool {
	refs, _ := wanted.(domain.Refs)
	return !slices.ContainsFunc(refs, func(r domain.Ref) bool {
		_, ok := p.resolve(r)
		return !ok
	})
}

// newField tells whether a custom field is made in this plan, so that no row
// has it yet.
func (p *planner) newField(field string) bool {
	name, custom := strings.CutPrefix(field, "cf_")
	if !custom {
		return false
	}
	def := p.items[domain.To(domain.KindCustomField, domain.Key(name))]
	return def != nil && def.state == fresh
}

// mayWrite tells whether a field that differs is ours to write (rules.md 2).
func (p *planner) mayWrite(it *item, field string, current, v any) (why string, ok bool) {
	switch {
	case it.adopted && it.Kind == domain.KindIPAddress:
		return "", field == "assigned_object" // all else is as a person left it
	case it.Kind == domain.KindDeviceState && field == "proxmox_endpoint_raw_id":
		return "", domain.IsEmpty(current) // the plugin refuses to change it
	case it.Presumed[field]:
		return "", false
	case whose[field] && p.readByAnother(it):
		return "", false
	case (field == "status" || field == "enabled" || field == statusField) && p.back(it):
		return "it is there again in Proxmox", true
	}
	switch p.owns(it, field) {
	case domain.OnCreate:
		if it.Asked[field] {
			return "asked for in the guest's notes", true
		}
		return "", false
	case domain.WhenEmpty:
		return "", domain.IsEmpty(current)
	case domain.ThreeWay:
		return p.threeWay(it, field, current, v)
	}
	return "", true
}

// later keeps a field for the end, when what it points at is there.
func (p *planner) later(it *item, field string) {
	if p.late[it] == nil {
		p.late[it] = domain.Fields{}
	}
	p.late[it][field] = it.Fields[field]
}

// finishLate plans the fields that point at objects made after their own.
func (p *planner) finishLate() {
	for _, it := range p.order {
		fields, ok := p.late[it]
		if !ok || it.state == dropped {
			continue
		}
		set, old := domain.Fields{}, domain.Fields{}
		for _, field := range p.fields(fields) {
			v, ok := p.value(fields[field])
			if !ok {
				v, ok = p.otherAddress(it, field)
			}
			if !ok {
				continue
			}
			var current any
			if it.row != nil {
				var known bool
				if current, known = it.row.Fields[field]; !known {
					continue
				}
			}
			if domain.Equal(current, v) {
				continue
			}
			if it.row != nil && p.owns(it, field) == domain.WhenEmpty && !p.lost(it, current) {
				continue
			}
			set[field], old[field] = v, current
		}
		if len(set) == 0 {
			continue
		}
		why := "what it points at is there now"
		if _, ok := set["name"]; ok {
			why = "renamed in Proxmox"
		}
		p.change(it, Change{Op: Update, Set: set, Old: old, Why: why, Phase: phaseLate})
	}
}
