package plan

import (
	"slices"
	"strings"

	"proxbox/internal/domain"
)

// part finds a part by its natural key within its parent.
func (p *planner) part(it *item, fields ...string) {
	parent, ok := p.value(it.Fields[parentField[it.Kind]])
	owner, _ := parent.(domain.Ref)
	if !ok {
		p.skip(it, it.Fields[parentField[it.Kind]])
		return
	}
	if owner.ID == 0 {
		p.bind(it, nil)
		return
	}
	rows := p.idx.parts(it.Kind, owner)
	for _, r := range rows {
		if !p.free(it.Kind, r) || !p.sameKey(it, r, fields) {
			continue
		}
		if isIntent(r) {
			it.state = dropped // a person's: what the guest is to become
			return
		}
		p.adopt(it, r, owner)
		return
	}
	if it.Kind == domain.KindVMInterface {
		if r := p.renamed(it, rows); r != nil {
			p.bind(it, r)
			return
		}
	}
	p.bind(it, nil)
}

// adopt binds a part by its name. One without our mark, on a guest or node
// that was handed over to us, stays what it is but for the values: it gets no
// mark and is never removed. On one that we made it is ours: the mark is
// written after the part, and a run may have ended between the two.
func (p *planner) adopt(it *item, r *domain.Row, owner domain.Ref) {
	p.bind(it, r)
	if stateKind[it.Kind] != "" && !p.idx.ours(it.Kind, r) {
		it.adopted = !p.madeByUs(p.taken[owner])
	}
}

// madeByUs tells whether an object carries the tag that we put on what we
// make, and on nothing else.
func (p *planner) madeByUs(owner *item) bool {
	if owner == nil || owner.row == nil {
		return false
	}
	tags := owner.row.Refs("tags")
	return slices.ContainsFunc(p.resolved(owner.Tags.OnCreate), tags.Has)
}

func (p *planner) sameKey(it *item, r *domain.Row, fields []string) bool {
	for _, f := range fields {
		v, _ := p.value(it.Fields[f])
		if !domain.Equal(r.Fields[f], v) {
			return false
		}
	}
	return true
}

// renamed finds the one interface of ours that has the wanted MAC and a name
// that is no longer wanted; else the one that is named as the NIC is in the
// configuration, and was so before the guest told its own name.
func (p *planner) renamed(it *item, rows []*domain.Row) *domain.Row {
	if r := p.byMAC(it, rows); r != nil {
		return r
	}
	nic := string(it.Key[strings.LastIndexByte(string(it.Key), '/')+1:])
	for _, r := range rows {
		if r.Text("name") == nic && p.freeOurs(it.Kind, r) && !p.interfaceNames()[partName{it.Owner, nic}] &&
			len(p.idx.parts(domain.KindMACAddress, domain.At(it.Kind, r.ID))) == 0 {
			return r
		}
	}
	return nil
}

func (p *planner) byMAC(it *item, rows []*domain.Row) *domain.Row {
	mac := p.items[domain.To(domain.KindMACAddress, it.Key)]
	if mac == nil {
		return nil
	}
	var found *domain.Row
	for _, r := range rows {
		if !p.freeOurs(it.Kind, r) || p.interfaceNames()[partName{it.Owner, r.Text("name")}] {
			continue
		}
		for _, m := range p.idx.parts(domain.KindMACAddress, domain.At(it.Kind, r.ID)) {
			if m.Text("mac_address") != mac.Fields["mac_address"] || found == r {
				continue
			}
			if found != nil {
				return nil
			}
			found = r
		}
	}
	return found
}

// partName names an interface of a guest.
type partName struct {
	owner domain.Key
	name  string
}

// interfaceNames are the names of all VM interfaces that are wanted.
func (p *planner) interfaceNames() map[partName]bool {
	if p.names == nil {
		p.names = map[partName]bool{}
		for _, it := range p.of[domain.KindVMInterface] {
			p.names[partName{it.Owner, it.Fields["name"].(string)}] = true
		}
	}
	return p.names
}

// mac finds the MAC address of an interface: the same one, else its primary
// one, which then changes its value.
func (p *planner) mac(it *item) {
	parent, ok := p.value(it.Fields["assigned_object"])
	owner, _ := parent.(domain.Ref)
	if !ok {
		p.skip(it, it.Fields["assigned_object"])
		return
	}
	if owner.ID == 0 {
		it.state = fresh
		return
	}
	rows := p.idx.parts(domain.KindMACAddress, owner)
	for _, r := range rows {
		if r.Text("mac_address") == it.Fields["mac_address"] {
			p.bind(it, r)
			return
		}
	}
	if iface := p.Inventory.Row(owner); iface != nil && p.idx.ours(owner.Kind, iface) {
		if m := p.Inventory.Row(iface.Ref("primary_mac_address")); m != nil && slices.Contains(rows, m) {
			p.bind(it, m)
			return
		}
	}
	p.bind(it, nil)
}

// stateRow finds the sync-state row of an object. One that was there before us
// gets none: the row is the mark by which we remove.
func (p *planner) stateRow(it *item, field string) {
	parent := p.at(it.Fields[field].(domain.Ref))
	switch {
	case parent == nil || parent.state == dropped || parent.adopted:
		it.state = dropped
	case parent.state == fresh:
		it.state = fresh
	default:
		row := p.idx.stateRow(parent.Kind, parent.row.ID)
		if row == nil && it.Mode == domain.Existing {
			it.state = dropped
			return
		}
		if row != nil {
			it.state, it.row = bound, row
			return
		}
		it.state = fresh
	}
}
