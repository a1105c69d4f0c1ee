package plan

import (
	"proxbox/internal/domain"
)

// releaseViews has rows of a guest's own view give up the VM interface that
// another of its rows is to claim: the guest renamed its interface, or put a
// bridge on it. The plugin lets a VM interface be claimed once, and refuses the
// new claim while the old one stands.
func (p *planner) releaseViews(items []*item) {
	for _, it := range items {
		iface := p.claims(it)
		if iface.ID == 0 {
			continue
		}
		for _, r := range p.idx.parts(it.Kind, p.Inventory.Row(iface).Ref("virtual_machine")) {
			if r == it.row || r.Ref("vm_interface") != iface || p.unclaimed[r.ID] {
				continue
			}
			if p.keepsClaim(r) {
				it.Fields = clone(it.Fields)
				it.Fields["vm_interface"] = nil
				continue
			}
			p.unclaimed[r.ID] = true
			p.plan.Changes = append(p.plan.Changes, Change{Op: Update, Kind: it.Kind, ID: r.ID, Key: it.Key, Label: it.Label + ", known as " + nameOf(r),
				Set: domain.Fields{"vm_interface": nil}, Old: domain.Fields{"vm_interface": iface}, Why: "the guest has it under another name", Phase: phaseRelease})
		}
	}
}

// claims is the VM interface in NetBox that a row of a guest's own view is to
// claim; no reference for none, or for one that is still to be made.
func (p *planner) claims(it *item) domain.Ref {
	if it.state != fresh && (it.state != bound || p.leaves(it)) {
		return domain.Ref{}
	}
	v, _ := p.value(it.Fields["vm_interface"])
	ref, _ := v.(domain.Ref)
	if p.Inventory.Row(ref) == nil {
		return domain.Ref{}
	}
	return ref
}

// keepsClaim tells whether a row of a guest's own view is left alone, with what
// it claims.
func (p *planner) keepsClaim(r *domain.Row) bool {
	if holder := p.taken[domain.At(domain.KindGuestInterface, r.ID)]; holder != nil {
		return p.leaves(holder)
	}
	return p.Limits.Spare != nil && p.Limits.Spare(domain.KindGuestInterface, r)
}
