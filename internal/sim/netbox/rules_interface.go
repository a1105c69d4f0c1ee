package netboxsim

import (
	"strings"
)

// serviceVLAN allows a service VLAN on Q-in-Q interfaces alone.
func serviceVLAN(d *draft) {
	if d.get("qinq_svlan") != nil && d.str("mode") != "q-in-q" {
		d.fail("qinq_svlan", "Only Q-in-Q interfaces may specify a service VLAN.")
	}
}

func notItself(name, message string) rule {
	return func(d *draft) {
		if d.old != nil && d.id(name) == d.old.id {
			d.fail(name, "%s", message)
		}
	}
}

// sameOwner holds that an interface and the one it refers to belong to the
// same machine.
func sameOwner(name, role, owner, what string) rule {
	end := "."
	if name == "parent" && owner == "device" {
		end = "" // NetBox's own words
	}
	return func(d *draft) {
		other := d.ref(name)
		if other == nil || d.k.id(other, owner) == d.id(owner) {
			return
		}
		d.fail(name, "The selected %s interface (%s) belongs to a different %s (%s)%s", role,
			d.s.labelOf(d.k.name, other.id), what, d.s.labelOf(d.k.field(owner).target, d.k.id(other, owner)), end)
	}
}

// untaggedVLAN holds that the untagged VLAN is at the machine's site or at none.
func untaggedVLAN(owner, what string) rule {
	return func(d *draft) {
		vlan := d.ref("untagged_vlan")
		if vlan == nil || d.vlanFits(vlan, owner) {
			return
		}
		d.fail("untagged_vlan", "The untagged VLAN (%s) must belong to the same site as the interface's parent %s, or it must be global.",
			d.s.labelOf(vlanKind, vlan.id), what)
	}
}

func (d *draft) vlanFits(vlan *row, owner string) bool {
	site := d.s.kinds[vlanKind].id(vlan, "site")
	parent := d.ref(owner)
	return site == 0 || parent != nil && d.s.kinds[d.k.field(owner).target].id(parent, "site") == site
}

// taggedVLANs holds the same of tagged VLANs, when the request names them.
func taggedVLANs(owner string) rule {
	what := strings.ReplaceAll(owner, "_", " ")
	return func(d *draft) {
		if !d.given["tagged_vlans"] {
			return
		}
		for _, id := range idsOf(d.get("tagged_vlans")) {
			if vlan := d.s.row(vlanKind, id); !d.vlanFits(vlan, owner) {
				d.fail("tagged_vlans", "VLAN %s must belong to the same site as the interface's parent %s, or it must be global.",
					d.s.labelOf(vlanKind, id), what)
				return
			}
		}
	}
}

// dropVLANs takes off what an interface of this mode cannot have.
func dropVLANs(d *draft) {
	mode := d.str("mode")
	if mode == "" {
		d.set("untagged_vlan", nil)
	}
	if !d.adding() && mode != "tagged" && !d.given["tagged_vlans"] {
		d.set("tagged_vlans", nil)
	}
}

// portVLANs holds a node interface's VLANs to what its mode can carry.
func portVLANs(d *draft) {
	mode := d.str("mode")
	tagged := len(idsOf(d.get("tagged_vlans"))) > 0
	if mode != "q-in-q" && d.get("qinq_svlan") != nil {
		d.fail("qinq_svlan", "Interface mode does not support q-in-q service vlan")
	}
	if mode == "" && d.get("untagged_vlan") != nil {
		d.fail("untagged_vlan", "Interface mode does not support untagged vlan")
	}
	if tagged && (mode == "" || mode == "access" || mode == "tagged-all") {
		d.fail("tagged_vlans", "Interface mode does not support tagged vlans")
	}
}

// portParent allows a parent for virtual interfaces alone.
func portParent(p Profile) rule {
	message := "Only virtual interfaces may be assigned to a parent interface."
	if p.indexedErrors {
		message = "Only virtual interfaces, or a channel subinterface with a channel ID assigned, may be assigned to a parent interface."
	}
	return func(d *draft) {
		if d.get("parent") != nil && d.str("type") != "virtual" {
			d.fail("parent", "%s", message)
		}
	}
}

// portLAG refuses a LAG for virtual interfaces and for itself.
func portLAG(d *draft) {
	switch lag := d.id("lag"); {
	case lag == 0:
	case d.str("type") == "virtual":
		d.fail("lag", "Virtual interfaces cannot have a parent LAG interface.")
	case d.old != nil && lag == d.old.id:
		d.fail("lag", "A LAG interface cannot be its own parent.")
	}
}
