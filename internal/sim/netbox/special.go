package netboxsim

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// places are where an address can be: on an interface, or on any of those of
// a machine. The filter of that name takes the name, with "_id" the id.
var places = map[string]struct{ part, owner string }{
	"vminterface":     {vmInterfaceKind, ""},
	"interface":       {interfaceKind, ""},
	"virtual_machine": {vmInterfaceKind, "virtual_machine"},
	"device":          {interfaceKind, "device"},
}

// specials are the filters that are no comparison of one field.
var specials = makeSpecials()

func makeSpecials() map[string]func(v *view, r *row, want string) bool {
	specials := map[string]func(v *view, r *row, want string) bool{}
	truth := func(has func(v *view, r *row) bool) func(*view, *row, string) bool {
		return func(v *view, r *row, want string) bool {
			return has(v, r) == (strings.EqualFold(want, "true") || want == "1")
		}
	}
	for _, kindName := range []string{addressKind, macKind} {
		on := func(v *view, r *row, target string) *row {
			own := v.s.kinds[kindName]
			if own.str(r, "assigned_object_type") != target {
				return nil
			}
			return v.s.row(target, own.id(r, "assigned_object_id"))
		}
		for name, at := range places {
			specials[kindName+" "+name] = func(v *view, r *row, want string) bool {
				o := on(v, r, at.part)
				switch {
				case o == nil:
					return false
				case at.owner == "":
					return v.s.kinds[at.part].str(o, "name") == want
				}
				owner := v.s.kinds[at.part].field(at.owner)
				return v.s.labelOf(owner.target, o.vals[owner.slot].(int)) == want
			}
			specials[kindName+" "+name+"_id"] = func(v *view, r *row, want string) bool {
				o := on(v, r, at.part)
				switch {
				case o == nil:
					return false
				case at.owner == "":
					return strconv.Itoa(o.id) == want
				}
				return strconv.Itoa(v.s.kinds[at.part].id(o, at.owner)) == want
			}
		}
		assigned := truth(func(v *view, r *row) bool { return v.s.kinds[kindName].get(r, "assigned_object_id") != nil })
		specials[kindName+" assigned"] = assigned
		if kindName == addressKind {
			specials[kindName+" assigned_to_interface"] = assigned
		}
	}
	specials[macKind+" primary"] = truth(func(v *view, r *row) bool { return v.s.isPrimaryMAC(r) })
	specials[addressKind+" family"] = func(v *view, r *row, want string) bool {
		return strconv.Itoa(familyOf(v.s.kinds[addressKind].get(r, "address"))) == want
	}
	specials[addressKind+" address"] = func(v *view, r *row, want string) bool {
		have, _ := v.s.kinds[addressKind].get(r, "address").(netip.Prefix)
		if !strings.Contains(want, "/") {
			a, err := netip.ParseAddr(want)
			return err == nil && have.Addr() == a
		}
		p, err := netip.ParsePrefix(want)
		return err == nil && have == p
	}
	within := func(kindName, name string) func(*view, *row, string) bool {
		return func(v *view, r *row, want string) bool {
			have, _ := v.s.kinds[kindName].get(r, name).(netip.Prefix)
			p, err := netip.ParsePrefix(want)
			return err == nil && p.Masked().Contains(have.Addr()) && have.Bits() >= p.Bits()
		}
	}
	specials[addressKind+" parent"] = within(addressKind, "address")
	specials[prefixKind+" within_include"] = within(prefixKind, "prefix")
	specials[prefixKind+" family"] = func(v *view, r *row, want string) bool {
		return strconv.Itoa(familyOf(v.s.kinds[prefixKind].get(r, "prefix"))) == want
	}
	specials[prefixKind+" contains"] = func(v *view, r *row, want string) bool {
		have, _ := v.s.kinds[prefixKind].get(r, "prefix").(netip.Prefix)
		p, msg := parseAddress(want)
		return msg == "" && have.Contains(p.(netip.Prefix).Addr()) && have.Bits() <= p.(netip.Prefix).Bits()
	}
	for _, kindName := range []string{vmInterfaceKind, interfaceKind} {
		onVLAN := func(match func(v *view, id int, want string) bool) func(*view, *row, string) bool {
			return func(v *view, r *row, want string) bool {
				k := v.s.kinds[kindName]
				ids := append(idsOf(k.get(r, "untagged_vlan")), idsOf(k.get(r, "tagged_vlans"))...)
				return slices.ContainsFunc(ids, func(id int) bool { return match(v, id, want) })
			}
		}
		specials[kindName+" vlan_id"] = onVLAN(func(_ *view, id int, want string) bool { return strconv.Itoa(id) == want })
		specials[kindName+" vlan"] = onVLAN(func(v *view, id int, want string) bool {
			return strconv.Itoa(v.s.kinds[vlanKind].id(v.s.row(vlanKind, id), "vid")) == want
		})
	}
	specials[customFieldKind+" object_type"] = func(v *view, r *row, want string) bool {
		types, _ := v.s.kinds[customFieldKind].get(r, "object_types").(rawJSON)
		return strings.Contains(string(types), `"`+want+`"`)
	}
	specials[vmKind+" has_primary_ip"] = truth(func(v *view, r *row) bool { return v.s.primaryIP(v.s.kinds[vmKind], r) != 0 })
	specials[deviceKind+" has_primary_ip"] = truth(func(v *view, r *row) bool { return v.s.primaryIP(v.s.kinds[deviceKind], r) != 0 })
	ofMAC := func(kindName string) func(*view, *row, string) bool {
		return func(v *view, r *row, want string) bool {
			text, ok := canonicalMAC(want)
			if !ok {
				return false
			}
			t := v.s.table(macKind)
			for _, id := range t.generic[anyKey{kindName, r.id}] {
				if t.k.str(t.rows[id], "mac_address") == text {
					return true
				}
			}
			return false
		}
	}
	specials[vmInterfaceKind+" mac_address"] = ofMAC(vmInterfaceKind)
	specials[interfaceKind+" mac_address"] = ofMAC(interfaceKind)
	ofParts := func(part, key string) func(*view, *row, string) bool {
		match := ofMAC(part)
		return func(v *view, r *row, want string) bool {
			return slices.ContainsFunc(v.s.referring(v.s.kinds[part].field(key), r.id), func(i *row) bool { return match(v, i, want) })
		}
	}
	specials[vmKind+" mac_address"] = ofParts(vmInterfaceKind, "virtual_machine")
	specials[deviceKind+" mac_address"] = ofParts(interfaceKind, "device")
	specials["netbox_proxbox.proxboxdevicesyncstate proxmox_endpoint_raw_id"] = func(v *view, r *row, want string) bool {
		// The plugin lets rows pass that name no endpoint at all.
		n, ok := v.s.kinds["netbox_proxbox.proxboxdevicesyncstate"].get(r, "proxmox_endpoint_raw_id").(int)
		return !ok || strconv.Itoa(n) == want
	}
	return specials
}
