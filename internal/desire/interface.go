package desire

import (
	"slices"
	"strings"

	"proxbox/internal/domain"
)

// nodeInterfaceType is NetBox's type for a type of interface in Proxmox.
func nodeInterfaceType(i domain.NodeInterface) string {
	switch i.Type {
	case "bridge", "OVSBridge":
		return "bridge"
	case "bond", "OVSBond":
		return "lag"
	case "vlan", "OVSIntPort", "alias":
		return "virtual"
	}
	if i.Name == "lo" {
		return "virtual"
	}
	return "other"
}

func nodeInterfaceKey(device domain.Key, name string) domain.Key {
	return device + "/if/" + domain.Key(name)
}

// nodeInterfaces wants the network configuration of a node: what is physical,
// its bonds, bridges and VLAN interfaces, and how they hang together.
func (b *builder) nodeInterfaces(v *view, device, site domain.Ref, n domain.Node) {
	if !n.Interfaces.OK || !b.opt.Kinds.Has(domain.KindInterface) {
		return
	}
	byName := map[string]domain.NodeInterface{}
	for _, i := range n.Interfaces.Value {
		byName[i.Name] = i
	}
	masterBridge, bond := map[string]string{}, map[string]string{}
	for _, i := range n.Interfaces.Value {
		for _, p := range i.Ports {
			masterBridge[p] = i.Name
		}
		for _, s := range i.Slaves {
			bond[s] = i.Name
		}
		if i.Bridge != "" {
			masterBridge[i.Name] = i.Bridge
		}
	}
	at := func(name string) any {
		if _, ok := byName[name]; !ok {
			return nil
		}
		return domain.To(domain.KindInterface, nodeInterfaceKey(device.Key, name))
	}
	for _, i := range n.Interfaces.Value {
		if i.Name == "lo" {
			continue
		}
		f := domain.Fields{
			"device": device, "name": cut(i.Name, 64), "type": nodeInterfaceType(i), "enabled": i.Active || i.Autostart,
			"bridge": at(masterBridge[i.Name]), "lag": at(bond[i.Name]), "parent": nil,
		}
		if f["type"] == "virtual" {
			f["parent"] = at(parentOf(i))
		}
		if i.MTU > 0 {
			f["mtu"] = i.MTU
		}
		switch {
		case i.VLAN > 0:
			f["mode"] = "access"
			f["untagged_vlan"] = b.vlan(v, site, i.VLAN)
		case i.VLANAware:
			f["mode"] = "tagged-all"
		}
		ref := b.add(domain.Object{Kind: domain.KindInterface, Key: nodeInterfaceKey(device.Key, i.Name), Owner: device.Key,
			Label: "node " + n.Name + " " + i.Name, Fields: f, Tags: domain.TagWish{Mark: b.partMark()}})
		if b.opt.SyncState {
			b.add(domain.Object{Kind: domain.KindInterfaceState, Key: ref.Key, Owner: device.Key, Label: "sync-state of node " + n.Name + " " + i.Name,
				Fields: domain.Fields{"interface": ref}})
		}
		if i.MAC != "" {
			b.mac(ref, device.Key, i.MAC, "node "+n.Name+" "+i.Name)
		}
		for _, p := range i.Addresses {
			if !b.usable(p.Addr()) {
				continue
			}
			ip := b.address(ref, device.Key, p, "", "node "+n.Name+" "+i.Name, i.Name, i.MAC, domain.Manage)
			b.primary(device, ip, p.Addr(), p.Addr().String() == n.IP)
		}
		b.whole(ref.Key, domain.KindIPAddress)
	}
	b.whole(device.Key, domain.KindInterface)
}

// parentOf is the interface that a VLAN interface sits on: what it names, or
// the part of its own name before the last dot.
func parentOf(i domain.NodeInterface) string {
	if i.RawDevice != "" {
		return i.RawDevice
	}
	if dot := strings.LastIndexByte(i.Name, '.'); dot > 0 {
		return i.Name[:dot]
	}
	if colon := strings.IndexByte(i.Name, ':'); colon > 0 {
		return i.Name[:colon]
	}
	return ""
}

// vlan wants a VLAN of the cluster's site; one that is there is used as it is.
func (b *builder) vlan(v *view, site domain.Ref, vid int) domain.Ref {
	return b.add(domain.Object{Kind: domain.KindVLAN, Key: v.key + "/vlan/" + domain.Key(itoa(vid)), Owner: v.key, Label: "VLAN " + itoa(vid),
		Fields: domain.Fields{"vid": vid, "name": "VLAN " + itoa(vid), "site": site, "status": "active"}})
}

// maxTrunks is how many VLANs a trunk may name before it counts as "all".
const maxTrunks = 64

// mode sets the VLANs of a VM interface.
func (b *builder) mode(v *view, site domain.Ref, nic domain.NIC, f domain.Fields) {
	f["mode"], f["untagged_vlan"], f["tagged_vlans"] = "", nil, domain.Refs(nil)
	if nic.VLAN > 0 {
		f["mode"] = "access"
		f["untagged_vlan"] = b.vlan(v, site, nic.VLAN)
	}
	switch {
	case len(nic.Trunks) > maxTrunks:
		f["mode"] = "tagged-all"
	case len(nic.Trunks) > 0:
		f["mode"] = "tagged"
		var tagged domain.Refs
		for _, vid := range slices.Compact(slices.Sorted(slices.Values(nic.Trunks))) {
			if vid > 0 && vid < 4095 && vid != nic.VLAN {
				tagged = append(tagged, b.vlan(v, site, vid))
			}
		}
		f["tagged_vlans"] = tagged
	}
}

// mac wants the MAC address of an interface and makes it the primary one.
func (b *builder) mac(iface domain.Ref, owner domain.Key, address, label string) {
	if !b.opt.Kinds.Has(domain.KindMACAddress) {
		return
	}
	ref := b.add(domain.Object{Kind: domain.KindMACAddress, Key: iface.Key, Owner: owner, Label: label + " " + address,
		Fields: domain.Fields{"mac_address": address, "assigned_object": iface}})
	b.out.Objects[b.seen[iface]].Fields["primary_mac_address"] = ref
}
