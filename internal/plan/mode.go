package plan

import (
	"fmt"
	"slices"

	"proxbox/internal/domain"
)

// BootstrapOnly is the slug of the tag on what is made once and then left alone.
const BootstrapOnly = "bootstrap-only"

// Limits narrow what a plan may do.
type Limits struct {
	// Policy is what may be done with objects of a kind that belong to a key;
	// nil: everything.
	Policy func(kind domain.Kind, key domain.Key) domain.Policy
	// Held are the objects with the tag bootstrap-only, of kinds whose tags are
	// not in the inventory.
	Held map[domain.Ref]bool
	// Spare tells what an earlier run may have made and is filtered out now: it
	// is neither taken from where it is nor removed.
	Spare func(kind domain.Kind, row *domain.Row) bool
}

// Bootstrapped are the kinds of which each object gets the tag bootstrap-only.
// What else belongs to one of them goes by it.
var Bootstrapped = map[domain.Kind]bool{
	domain.KindCluster: true, domain.KindDevice: true, domain.KindVirtualMachine: true, domain.KindVMInterface: true,
	domain.KindMACAddress: true, domain.KindIPAddress: true, domain.KindProxmoxStorage: true,
	domain.KindSDNZone: true, domain.KindSDNVNet: true, domain.KindSDNSubnet: true,
}

// goesBy names the field by which an object without such a tag of its own
// belongs to one that may have it.
var goesBy = map[domain.Kind]string{
	domain.KindVirtualDisk: "virtual_machine", domain.KindCloudInit: "virtual_machine", domain.KindInterface: "device",
	domain.KindGuestInterface: "vm_interface", domain.KindGuestInterfaceAddr: "ip_address",
}

func (p *planner) policy(kind domain.Kind, key domain.Key) domain.Policy {
	if p.Limits.Policy == nil {
		return domain.Sync
	}
	return p.Limits.Policy(kind, key)
}

// leaves tells whether an object that NetBox has is left as it is: nothing of
// its kind is written, or it was made once and carries the tag that says so.
func (p *planner) leaves(it *item) bool {
	switch p.policy(it.Kind, it.Key) {
	case domain.Leave:
		return true
	case domain.Bootstrap:
		if owner := p.ownerByTag(it); owner != nil {
			return owner.state == bound && p.leaves(owner)
		}
		return it.row != nil && p.held(it.Kind, it.row)
	}
	return false
}

// ownerByTag is the object by whose tag bootstrap-only an object goes; nil when
// it has a tag of its own, or belongs to nothing that has.
func (p *planner) ownerByTag(it *item) *item {
	field := goesBy[it.Kind]
	if f, ok := stateOf[it.Kind]; ok {
		field = f
	}
	if it.Kind == domain.KindMACAddress || it.Kind == domain.KindIPAddress {
		if ref, _ := it.Fields["assigned_object"].(domain.Ref); ref.Kind == domain.KindInterface {
			return p.at(ref) // of a node, whose parts go by it
		}
		return nil
	}
	ref, _ := it.Fields[field].(domain.Ref)
	return p.at(ref)
}

// held tells whether a row carries the tag bootstrap-only.
func (p *planner) held(kind domain.Kind, r *domain.Row) bool {
	if p.Limits.Held[domain.At(kind, r.ID)] {
		return true
	}
	tag := p.at(domain.To(domain.KindTag, BootstrapOnly))
	return tag != nil && tag.row != nil && r.Refs("tags").Has(domain.At(domain.KindTag, tag.row.ID))
}

// restrain drops what would be made although nothing of its kind is, or
// although it belongs to something that is left alone and has such parts
// already. The first ones are made: the stages of one sync are runs of their
// own, and making a guest ends with the last of them.
func (p *planner) restrain(it *item) {
	if it.state != fresh {
		return
	}
	switch p.policy(it.Kind, it.Key) {
	case domain.Leave:
		it.state = dropped
		if it.Kind == domain.KindCluster {
			it.why = "NetBox has none, and clusters are not made"
			p.report(Report{Outcome: Skipped, Kind: it.Kind, Key: it.Key, Label: it.Label, Reason: it.why,
				WayOut: "let one run make it with sync_mode_cluster=bootstrap_only"})
		}
	case domain.Bootstrap:
		owner := p.ownerByTag(it)
		if owner == nil || owner.state != bound || stateOf[it.Kind] != "" || !p.leaves(owner) {
			return
		}
		if len(p.idx.parts(it.Kind, domain.At(owner.Kind, owner.row.ID))) > 0 {
			it.state = dropped
		}
	}
}

// complete fills in the primary addresses of an object that is left alone: it
// was made in the same sync, before its addresses were, or the one that it has
// goes with this plan.
func (p *planner) complete(it *item) {
	if p.policy(it.Kind, it.Key) != domain.Bootstrap {
		return
	}
	for _, field := range []string{"primary_ip4", "primary_ip6"} {
		if _, wanted := it.Fields[field]; wanted {
			p.later(it, field)
		}
	}
}

// bootstrapTag is the tag that an object gets when it is made to be left alone.
func (p *planner) bootstrapTag(it *item) domain.Refs {
	if p.policy(it.Kind, it.Key) != domain.Bootstrap || !Bootstrapped[it.Kind] || p.ownerByTag(it) != nil {
		return nil
	}
	return domain.Refs{domain.To(domain.KindTag, BootstrapOnly)}
}

// spared tells whether a row of an owner that is not wanted stays all the same.
func (p *planner) spared(owner *item, kind domain.Kind, r *domain.Row) bool {
	if p.Limits.Spare != nil {
		if ip := p.Inventory.Row(r.Ref("ip_address")); p.Limits.Spare(kind, r) || ip != nil && p.Limits.Spare(domain.KindIPAddress, ip) {
			return true
		}
	}
	switch p.policy(kind, owner.Key) {
	case domain.Leave:
		return true
	case domain.Bootstrap:
		return p.held(kind, r) || (goesBy[kind] != "" || owner.Kind == domain.KindInterface) && p.leaves(owner)
	}
	return false
}

// staysWhere tells whether an address may not be taken from where it is,
// because it or its holder is left alone.
func (p *planner) staysWhere(it *item, r *domain.Row) (why string, stays bool) {
	holder := r.Ref("assigned_object")
	iface := p.Inventory.Row(holder)
	switch {
	case p.policy(it.Kind, it.Key) == domain.Bootstrap && p.held(it.Kind, r):
		return fmt.Sprintf("%s carries the tag %s", r.Text("address"), BootstrapOnly), true
	case p.Limits.Spare != nil && iface != nil && p.Limits.Spare(holder.Kind, iface):
		return p.describe(holder) + " is filtered out", true
	case iface == nil:
		return "", false
	}
	owner := p.taken[iface.Ref(parentField[holder.Kind])]
	if owner == nil || !p.leaves(owner) {
		return "", false
	}
	if p.ownerOf(p.holder(it)) == domain.At(owner.Kind, owner.row.ID) {
		return "", false // it stays the same object's, on another of its interfaces
	}
	for _, field := range []string{"primary_ip4", "primary_ip6"} {
		if owner.row.Ref(field) == domain.At(domain.KindIPAddress, r.ID) {
			return owner.Label + " has it as its primary address and is left alone", true
		}
	}
	return "", false
}

// owns says whose a field of an object is, by the flags of its endpoint.
func (p *planner) owns(it *item, field string) domain.Ownership {
	return p.ownsAt(it.Key, it.Kind, field)
}

func (p *planner) ownsAt(key domain.Key, kind domain.Kind, field string) domain.Ownership {
	if p.OwnsAt != nil {
		return p.OwnsAt(key, kind, field)
	}
	return p.Owns(kind, field)
}

// dropUnused leaves out VLANs, platforms and prefixes that would be made although
// nothing that is written points at them.
func (p *planner) dropUnused() {
	used := map[domain.Ref]bool{}
	for _, c := range p.plan.Changes {
		for _, v := range c.Set {
			refs, _ := v.(domain.Refs)
			if r, ok := v.(domain.Ref); ok {
				refs = domain.Refs{r}
			}
			for _, r := range refs {
				used[domain.To(r.Kind, r.Key)] = true
			}
		}
	}
	p.plan.Changes = slices.DeleteFunc(p.plan.Changes, func(c Change) bool {
		return c.Op == Create && (c.Kind == domain.KindVLAN || c.Kind == domain.KindPlatform || c.Kind == domain.KindPrefix) && !used[domain.To(c.Kind, c.Key)]
	})
}
