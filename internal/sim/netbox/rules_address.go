package netboxsim

import (
	"fmt"
	"net/netip"
	"slices"
)

func familyOf(v any) int {
	p, ok := v.(netip.Prefix)
	switch {
	case !ok:
		return 0
	case p.Addr().Is4():
		return 4
	}
	return 6
}

// addressPlace refuses /0, and network and broadcast addresses on interfaces.
func addressPlace(d *draft) {
	p, ok := d.get("address").(netip.Prefix)
	if !ok {
		return
	}
	if p.Bits() == 0 {
		d.fail("address", "Cannot create IP address with /0 mask.")
		return
	}
	if d.get("assigned_object_id") == nil || p.Bits() >= p.Addr().BitLen()-1 {
		return
	}
	switch {
	case p.Addr() == p.Masked().Addr():
		d.fail(allKey, "%s is a network ID, which may not be assigned to an interface.", p.Addr())
	case p.Addr().Is4() && p.Addr() == broadcast(p):
		d.fail(allKey, "%s is a broadcast address, which may not be assigned to an interface.", p.Addr())
	}
}

func broadcast(p netip.Prefix) netip.Addr {
	b := p.Addr().As4()
	for i := p.Bits(); i < 32; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	return netip.AddrFrom4(b)
}

// sharedRoles are those of addresses that may exist more than once.
var sharedRoles = []string{"anycast", "vip", "vrrp", "hsrp", "glbp", "carp"}

// addressDuplicate refuses a second address with the same host part in the
// global table, or in a VRF that enforces it.
func addressDuplicate(d *draft) {
	p, ok := d.get("address").(netip.Prefix)
	if !ok {
		return
	}
	where := "global table"
	vrf := d.get("vrf")
	if r := d.ref("vrf"); r != nil {
		if enforced, _ := d.s.kinds[vrfKind].get(r, "enforce_unique").(bool); !enforced {
			return
		}
		where = "VRF " + d.s.labelOf(vrfKind, r.id)
	}
	t := d.s.table(addressKind)
	var first *row
	shared := slices.Contains(sharedRoles, d.str("role"))
	for _, id := range t.hosts[p.Addr()] {
		r := t.rows[id]
		if d.old != nil && id == d.old.id || t.k.get(r, "vrf") != vrf {
			continue
		}
		if first == nil || d.s.compare(t.k, r, first) < 0 {
			first = r
		}
		shared = shared && slices.Contains(sharedRoles, t.k.str(r, "role"))
	}
	if first != nil && !shared {
		d.fail("address", "Duplicate IP address found in %s: %s", where, d.s.labelOf(addressKind, first.id))
	}
}

// prefixDuplicate refuses a second equal prefix likewise.
func prefixDuplicate(d *draft) {
	p, ok := d.get("prefix").(netip.Prefix)
	if !ok {
		return
	}
	if p.Bits() == 0 {
		d.fail("prefix", "Cannot create prefix with /0 mask.")
		return
	}
	if p != p.Masked() {
		d.fail("prefix", "%s is not a valid prefix. Did you mean %s?", p, p.Masked())
		return
	}
	where := "global table"
	if r := d.ref("vrf"); r != nil {
		if enforced, _ := d.s.kinds[vrfKind].get(r, "enforce_unique").(bool); !enforced {
			return
		}
		where = "VRF " + d.s.labelOf(vrfKind, r.id)
	}
	for _, r := range d.s.table(prefixKind).byID {
		if (d.old == nil || r.id != d.old.id) && d.k.get(r, "prefix") == p && d.k.get(r, "vrf") == d.get("vrf") {
			d.fail("prefix", "Duplicate prefix found in %s: %s", where, p)
			return
		}
	}
}

// keepPrimaryIP refuses to move an address that is a machine's primary one.
func keepPrimaryIP(d *draft) {
	if d.old == nil {
		return
	}
	oldKind, oldOwner := d.s.ownerOfPart(d.k.str(d.old, "assigned_object_type"), d.k.id(d.old, "assigned_object_id"))
	if oldOwner == nil {
		return
	}
	newKind, newOwner := d.s.ownerOfPart(d.str("assigned_object_type"), d.id("assigned_object_id"))
	if newKind == oldKind && newOwner == oldOwner {
		return
	}
	name := fmt.Sprintf("primary_ip%d", familyOf(d.get("address")))
	if oldKind.id(oldOwner, name) == d.old.id {
		d.fail(allKey, "Cannot reassign IP address while it is designated as the primary IP for the parent object")
		return
	}
	if oldKind.byName["oob_ip"] != nil && oldKind.id(oldOwner, "oob_ip") == d.old.id {
		d.fail(allKey, "Cannot reassign IP address while it is designated as the OOB IP for the parent object")
	}
}

// ownerOfPart is the machine that an interface belongs to.
func (s *store) ownerOfPart(kindName string, id int) (*kind, *row) {
	owner := map[string]string{vmInterfaceKind: "virtual_machine", interfaceKind: "device"}[kindName]
	part := s.row(kindName, id)
	if part == nil || owner == "" {
		return nil, nil
	}
	f := s.kinds[kindName].field(owner)
	return f.to, s.row(f.target, part.vals[f.slot].(int))
}

// slaacFamily allows the status SLAAC for IPv6 alone.
func slaacFamily(d *draft) {
	if d.str("status") == "slaac" && familyOf(d.get("address")) != 6 {
		d.fail("status", "Only IPv6 addresses can be assigned SLAAC status")
	}
}
