package plan

import (
	"fmt"
	"net/netip"
	"slices"

	"proxbox/internal/domain"
)

// sharedRoles are the roles with which NetBox lets an address stand twice.
var sharedRoles = map[string]bool{"anycast": true, "vip": true, "vrrp": true, "hsrp": true, "glbp": true, "carp": true}

// space is the VRF of the interface that an address belongs to; no reference
// for the global table.
func (p *planner) space(it *item) domain.Ref {
	if iface := p.holder(it); iface != nil && iface.row != nil {
		return iface.row.Ref("vrf")
	}
	return domain.Ref{}
}

func (p *planner) vrf(it *item, set domain.Fields) {
	if v := p.space(it); v.ID != 0 {
		set["vrf"] = v
	}
}

func host(it *item) netip.Addr {
	prefix, err := netip.ParsePrefix(it.Fields["address"].(string))
	if err != nil {
		return netip.Addr{}
	}
	return prefix.Addr()
}

// settleClaims lets one of several guests that claim an address have it: who
// has it keeps it, else the first by cluster and vmid. The others keep their
// interfaces and the conflict is reported. Where the address has a role that
// is shared, each of them has it.
func (p *planner) settleClaims(items []*item) {
	claims := map[string][]*item{}
	var order []string
	for _, it := range items {
		if p.policy(it.Kind, it.Key) == domain.Leave {
			continue // claims nothing
		}
		if iface := p.holder(it); iface == nil || iface.state == dropped {
			p.skip(it, it.Fields["assigned_object"])
			continue
		}
		key := hostName(host(it), p.space(it))
		if claims[key] == nil {
			order = append(order, key)
		}
		claims[key] = append(claims[key], it)
	}
	for _, key := range order {
		group := claims[key]
		if len(group) == 1 {
			continue
		}
		rows := p.idx.find(domain.KindIPAddress, key)
		shared := p.sharedRole(rows) != ""
		winner := p.winner(group, rows)
		for _, it := range group {
			switch {
			case it == winner, shared && it.Owner != winner.Owner:
			case it.Owner == winner.Owner, it.Mode == domain.Fill:
				it.state = dropped // one interface that says it twice, or a mere configuration
			default:
				p.conflict(it, "address", fmt.Sprintf("%s has the same address", winner.Label),
					"give the address a role such as VIP or VRRP in NetBox, or change one of the two")
			}
		}
	}
}

// winner is who of several has an address: who has it in NetBox, then a guest
// that says so before one that is merely configured so, then the first.
func (p *planner) winner(group []*item, rows []*domain.Row) *item {
	for _, r := range rows {
		for _, it := range group {
			if here := p.here(it); here.ID != 0 && r.Ref("assigned_object") == here {
				return it
			}
		}
	}
	for _, it := range group {
		if it.Mode == domain.Manage {
			return it
		}
	}
	return group[0]
}

// holder is the interface that an address is wanted on.
func (p *planner) holder(it *item) *item { return p.at(it.Fields["assigned_object"].(domain.Ref)) }

// here is the row of that interface; no reference while it is to be made.
func (p *planner) here(it *item) domain.Ref {
	if iface := p.holder(it); iface != nil && iface.row != nil {
		return domain.At(iface.Kind, iface.row.ID)
	}
	return domain.Ref{}
}

// sharedRole is the role with which an address of ours may stand twice.
func (p *planner) sharedRole(rows []*domain.Row) string {
	for _, r := range rows {
		if role := r.Text("role"); sharedRoles[role] && p.oursHolds(r.Ref("assigned_object")) {
			return role
		}
	}
	return ""
}

// address finds the address that is wanted: by its host part within its VRF,
// whatever the mask.
func (p *planner) address(it *item) {
	here := p.here(it)
	rows := p.idx.find(domain.KindIPAddress, hostName(host(it), p.space(it)))
	for _, r := range rows {
		if here.ID != 0 && r.Ref("assigned_object") == here {
			p.bind(it, r)
			if !p.idx.ours(it.Kind, r) {
				it.adopted = true
				p.plan.Unproven = append(p.plan.Unproven, r.ID)
			}
			return
		}
	}
	if it.Mode == domain.Fill && here.ID != 0 && p.filled(here, host(it)) {
		it.state = dropped // the guest is silent, and its interface has addresses
		return
	}
	role := p.sharedRole(rows)
	for _, r := range rows {
		if p.free(it.Kind, r) && !(role != "" && p.oursHolds(r.Ref("assigned_object"))) {
			p.claim(it, r)
			return
		}
	}
	if role != "" {
		it.Fields = clone(it.Fields)
		it.Fields["role"] = role
	}
	p.bind(it, nil)
}

// filled tells whether an interface has addresses of a family.
func (p *planner) filled(iface domain.Ref, a netip.Addr) bool {
	return slices.ContainsFunc(p.idx.parts(domain.KindIPAddress, iface), func(r *domain.Row) bool {
		prefix, err := netip.ParsePrefix(r.Text("address"))
		return err != nil || prefix.Addr().Is4() == a.Is4()
	})
}

// claim takes an address that is not on the wanted interface: one that nothing
// holds, or one of ours that its holder gave up.
func (p *planner) claim(it *item, r *domain.Row) {
	if p.policy(it.Kind, it.Key) == domain.Leave {
		it.state = dropped
		return
	}
	holder := r.Ref("assigned_object")
	why, stays := p.staysWhere(it, r)
	switch {
	case stays:
		p.conflict(it, "address", why, "remove the address there, or the tag, or change the filter or mode that says so")
	case holder.ID == 0:
		p.bind(it, r)
		it.adopted = !p.idx.ours(it.Kind, r)
	case !p.idx.ours(it.Kind, r) || !p.oursHolds(holder):
		p.conflict(it, "address", fmt.Sprintf("%s is on %s, which is not ours", r.Text("address"), p.describe(holder)),
			"remove the address there, or put the guest's interface into a VRF")
	case !p.mayLeave(holder) && !p.saysSo(it, holder):
		p.conflict(it, "address", fmt.Sprintf("%s has %s, and did not say that it gave it up", p.describe(holder), r.Text("address")),
			"start that guest or its agent, or remove the address there")
	default:
		p.bind(it, r)
		p.release(r, holder, p.holder(it))
	}
}

// oursHolds tells whether what an address is assigned to is ours.
func (p *planner) oursHolds(holder domain.Ref) bool {
	row := p.Inventory.Row(holder)
	if row == nil {
		return false
	}
	owner := p.Inventory.Row(row.Ref(parentField[holder.Kind]))
	return owner != nil && p.idx.ours(row.Ref(parentField[holder.Kind]).Kind, owner)
}

// mayLeave tells whether an address of ours may be taken from where it is: the
// holder was read, and no longer has it. One that is silent keeps it.
func (p *planner) mayLeave(holder domain.Ref) bool {
	if it := p.taken[holder]; it != nil {
		return p.Whole[domain.PartsOf{Owner: it.Key, Kind: domain.KindIPAddress}]
	}
	owner := p.Inventory.Row(holder).Ref(parentField[holder.Kind])
	if it := p.taken[owner]; it != nil {
		return p.Whole[domain.PartsOf{Owner: it.Key, Kind: holder.Kind}]
	}
	if row := p.Inventory.Row(owner); row != nil {
		if it := p.taken[row.Ref(parentField[owner.Kind])]; it != nil {
			return p.Whole[domain.PartsOf{Owner: it.Key, Kind: owner.Kind}]
		}
	}
	return false
}

// saysSo tells whether the guest that has an address says itself that it is on
// another of its interfaces now.
func (p *planner) saysSo(it *item, holder domain.Ref) bool {
	owner := p.Inventory.Row(holder).Ref(parentField[holder.Kind])
	return it.Mode == domain.Manage && owner.ID != 0 && p.ownerOf(p.holder(it)) == owner
}

// release gives up the primary mark of an address that moves to another
// object: NetBox refuses to move it otherwise. It is done for the one that the
// address moves to, and has its key.
func (p *planner) release(r *domain.Row, holder domain.Ref, to *item) {
	ownerRef := p.Inventory.Row(holder).Ref(parentField[holder.Kind])
	owner := p.Inventory.Row(ownerRef)
	if owner == nil {
		return
	}
	if p.ownerOf(to) == ownerRef {
		return
	}
	for _, field := range []string{"primary_ip4", "primary_ip6"} {
		if owner.Ref(field) != domain.At(domain.KindIPAddress, r.ID) {
			continue
		}
		p.freed[r.ID] = true
		if i, releasing := p.releases[ownerRef]; releasing { // NetBox takes an object once in a request
			p.plan.Changes[i].Set[field], p.plan.Changes[i].Old[field] = nil, owner.Ref(field)
			continue
		}
		p.releases[ownerRef] = len(p.plan.Changes)
		p.plan.Changes = append(p.plan.Changes, Change{Op: Update, Kind: ownerRef.Kind, ID: owner.ID, Key: to.Key, Label: owner.Text("name"),
			Set: domain.Fields{field: nil}, Old: domain.Fields{field: owner.Ref(field)},
			Why: "its address moves to " + to.Label, Phase: phaseRelease})
	}
}

// ownerOf is the guest or node in NetBox that an interface belongs to, be it
// still to be made; no reference when that is to be made as well.
func (p *planner) ownerOf(iface *item) domain.Ref {
	if iface.row != nil {
		return iface.row.Ref(parentField[iface.Kind])
	}
	ref, _ := iface.Fields[parentField[iface.Kind]].(domain.Ref)
	ref, _ = p.resolve(ref)
	return ref
}

func (p *planner) describe(holder domain.Ref) string {
	row := p.Inventory.Row(holder)
	if row == nil {
		return fmt.Sprintf("%s %d", holder.Kind, holder.ID)
	}
	owner := p.Inventory.Row(row.Ref(parentField[holder.Kind]))
	if owner == nil {
		return fmt.Sprintf("interface %q", row.Text("name"))
	}
	return fmt.Sprintf("interface %q of %q", row.Text("name"), owner.Text("name"))
}

// lost tells whether what a primary field points at is no longer the owner's:
// only then does a new one take its place. What a person chose stays.
func (p *planner) lost(it *item, current any) bool {
	ref, _ := current.(domain.Ref)
	if ref.ID == 0 {
		return true
	}
	if ref.Kind != domain.KindIPAddress {
		return false
	}
	if p.freed[ref.ID] || p.gone[ref] {
		return true
	}
	row := p.Inventory.Row(ref)
	if row == nil {
		return !p.Inventory.Table(ref.Kind).Absent && p.Inventory.Table(ref.Kind).Unknown == nil
	}
	if row.Ref("nat_inside").ID != 0 {
		return false // an outside address: a person's choice
	}
	iface := p.Inventory.Row(row.Ref("assigned_object"))
	return iface == nil || iface.Ref(parentField[row.Ref("assigned_object").Kind]).ID != it.row.ID
}

// otherAddress is what becomes an object's primary address when the one meant
// for it is somebody else's: its next one of that family.
func (p *planner) otherAddress(it *item, field string) (any, bool) {
	if field != "primary_ip4" && field != "primary_ip6" {
		return nil, false
	}
	for _, ip := range p.addressesOf(it.Key) {
		if a := host(ip); a.Is4() == (field == "primary_ip4") && !a.IsLinkLocalUnicast() {
			if ref, ok := p.resolve(domain.To(ip.Kind, ip.Key)); ok {
				return ref, true
			}
		}
	}
	return nil, false
}

// addressesOf are the addresses that are wanted on the interfaces of a guest or
// node.
func (p *planner) addressesOf(owner domain.Key) []*item {
	if p.addresses == nil {
		p.addresses = map[domain.Key][]*item{}
		for _, ip := range p.of[domain.KindIPAddress] {
			if iface := p.holder(ip); iface != nil {
				p.addresses[iface.Owner] = append(p.addresses[iface.Owner], ip)
			}
		}
	}
	return p.addresses[owner]
}
