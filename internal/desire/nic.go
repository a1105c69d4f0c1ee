package desire

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"proxbox/internal/domain"
)

// nics wants the VM interfaces, their MACs and their addresses.
func (b *builder) nics(v *view, vm, site domain.Ref, g domain.Guest, label string) {
	if !b.opt.Kinds.Has(domain.KindVMInterface) {
		return
	}
	for _, nic := range g.Config.Value.NICs {
		seen := b.seenByGuest(g, nic)
		name, presumed := b.nicName(g, nic, seen)
		nicLabel := label + " " + nic.Key
		if !b.opt.Filter.Interface(nic.Key, nic.Name, name) {
			b.leave(domain.Object{Kind: domain.KindVMInterface, Key: vm.Key + "/" + domain.Key(nic.Key), Owner: vm.Key, Label: nicLabel,
				Fields: domain.Fields{"virtual_machine": vm, "name": cut(name, 64)}})
			continue
		}
		f := domain.Fields{"virtual_machine": vm, "name": cut(name, 64), "enabled": !nic.LinkDown, "mtu": nil}
		if nic.MTU > 1 {
			f["mtu"] = nic.MTU
		}
		b.mode(v, site, nic, f)
		if !b.opt.SyncState && b.opt.Kinds.Has(domain.KindCustomField) {
			b.onBridge(v, g.Node, nic.Bridge, "cf_proxbox_bridge", f)
		}
		ref := b.add(domain.Object{Kind: domain.KindVMInterface, Key: vm.Key + "/" + domain.Key(nic.Key), Owner: vm.Key, Label: nicLabel,
			Fields: f, Presumed: presumed, Tags: domain.TagWish{Mark: b.partMark()}})
		if b.opt.SyncState {
			b.add(domain.Object{Kind: domain.KindVMInterfaceState, Key: ref.Key, Owner: vm.Key, Label: "sync-state of " + nicLabel,
				Fields: b.onBridge(v, g.Node, nic.Bridge, "proxbox_bridge", domain.Fields{"vm_interface": ref, "proxbox_bridge_raw_value": nic.Bridge})})
		}
		if nic.MAC != "" {
			b.mac(ref, vm.Key, nic.MAC, nicLabel)
		}
		b.addresses(vm, ref, g, nic, seen, nicLabel)
	}
	b.whole(vm.Key, domain.KindVMInterface)
}

// nicName is what the VM interface of a NIC is called: as the configuration
// has it, or by the strategy legacy_rename as the guest does. While an agent
// that would say so is silent, the configuration's is only presumed.
func (b *builder) nicName(g domain.Guest, nic domain.NIC, seen *domain.GuestInterface) (name string, presumed map[string]bool) {
	name = firstOf(nic.Name, nic.Key)
	switch {
	case !b.opt.LegacyRename:
	case seen != nil && seen.Name != "":
		name = seen.Name
	case g.Type == domain.QEMU && g.Config.Value.AgentEnabled:
		presumed = map[string]bool{"name": true}
	}
	return name, presumed
}

// onBridge sets a field that points at a bridge of a node. It is left as it is
// while it is not known which interfaces the node has.
func (b *builder) onBridge(v *view, node, bridge, field string, f domain.Fields) domain.Fields {
	ref := domain.To(domain.KindInterface, nodeInterfaceKey(nodeKey(v, node), bridge))
	known := slices.ContainsFunc(v.Nodes, func(n domain.Node) bool { return n.Name == node && n.Interfaces.OK })
	if _, wanted := b.seen[ref]; wanted {
		f[field] = ref
	} else if known && b.opt.Kinds.Has(domain.KindInterface) {
		f[field] = nil // a network that is no interface of the node's, or none
	}
	return f
}

// seenByGuest is the guest's own view of a NIC, recognised by its MAC alone:
// its bridges and VLAN interfaces have the MAC of what they sit on, and their
// addresses come in by the same NIC. The name is that of the first which has
// addresses; "ens20:1" is another name for ens20.
func (b *builder) seenByGuest(g domain.Guest, nic domain.NIC) *domain.GuestInterface {
	if !g.Agent.OK || nic.MAC == "" {
		return nil
	}
	var seen *domain.GuestInterface
	named := false
	for _, gi := range g.Agent.Value {
		if gi.MAC != nic.MAC || !b.opt.Filter.Interface(gi.Name) {
			continue
		}
		if seen == nil {
			seen = &domain.GuestInterface{MAC: gi.MAC}
		}
		if alias := strings.Contains(gi.Name, ":"); !alias && (seen.Name == "" || !named && len(gi.Addresses) > 0) {
			seen.Name, named = gi.Name, len(gi.Addresses) > 0
		}
		seen.Addresses = append(seen.Addresses, gi.Addresses...)
	}
	return seen
}

// addresses wants the addresses of one VM interface (rules.md 4): what the
// guest says wins; while it is silent what is configured fills an interface
// that has none, and where no agent will ever answer, it is the truth. A guest
// that names no address at all is still booting: then nothing is gone.
func (b *builder) addresses(vm, iface domain.Ref, g domain.Guest, nic domain.NIC, seen *domain.GuestInterface, label string) {
	if !b.opt.Kinds.Has(domain.KindIPAddress) {
		return
	}
	addresses, mode := nic.Addresses, domain.Fill
	switch {
	case seen != nil:
		addresses, mode = seen.Addresses, domain.Manage
	case g.Agent.OK:
		addresses = nil // the guest answered, and does not know this interface yet
	case g.Type == domain.QEMU && !g.Config.Value.AgentEnabled:
		mode = domain.Manage
	}
	for _, p := range b.inOrder(addresses) {
		if !b.usable(p.Addr()) || p.Bits() <= 0 {
			continue
		}
		ip := b.address(iface, vm.Key, p, g.Hostname, label, nic.Key, nic.MAC, mode)
		b.primary(vm, ip, p.Addr(), false)
		if mode == domain.Manage {
			b.whole(iface.Key, domain.KindIPAddress)
		}
	}
	b.leaveHidden(iface, g, nic, label)
}

// leaveHidden leaves the addresses alone that the guest has on interfaces which
// the filter leaves out.
func (b *builder) leaveHidden(iface domain.Ref, g domain.Guest, nic domain.NIC, label string) {
	for _, gi := range g.Agent.Value {
		if gi.MAC == "" || gi.MAC != nic.MAC || b.opt.Filter.Interface(gi.Name) {
			continue
		}
		for _, p := range gi.Addresses {
			key := iface.Key + "/ip/" + domain.Key(p.Addr().String())
			if _, wanted := b.seen[domain.To(domain.KindIPAddress, key)]; !wanted {
				b.leave(domain.Object{Kind: domain.KindIPAddress, Key: key, Owner: iface.Key, Label: label + " " + p.String(),
					Fields: domain.Fields{"address": p.String(), "assigned_object": iface}})
			}
		}
	}
}

// inOrder puts the addresses of the preferred family first.
func (b *builder) inOrder(addresses []netip.Prefix) []netip.Prefix {
	last := func(p netip.Prefix) int {
		if p.Addr().Is4() == b.opt.PreferIPv6 {
			return 1
		}
		return 0
	}
	return slices.SortedStableFunc(slices.Values(addresses), func(x, y netip.Prefix) int { return last(x) - last(y) })
}

// usable leaves out what is filtered, and what is no address to sync.
func (b *builder) usable(a netip.Addr) bool {
	return usable(a, b.opt.IgnoreLinkLocal) && b.opt.Filter.Address(a)
}

// usable leaves loopback, unspecified, multicast and, if so set, link-local
// addresses out.
func usable(a netip.Addr, ignoreLinkLocal bool) bool {
	if !a.IsValid() || a.IsLoopback() || a.IsUnspecified() || a.IsMulticast() {
		return false
	}
	if a.IsLinkLocalUnicast() {
		return a.Is6() && !ignoreLinkLocal
	}
	return true
}

var dnsName = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$`)

func (b *builder) address(iface domain.Ref, owner domain.Key, p netip.Prefix, hostname, label, name, mac string, mode domain.Mode) domain.Ref {
	f := domain.Fields{"address": p.String(), "status": "active", "assigned_object": iface}
	host := strings.TrimSuffix(strings.ToLower(hostname), ".")
	if host != "" && !strings.HasPrefix(host, "localhost") && len(host) <= 255 && dnsName.MatchString(host) {
		f["dns_name"] = host
	}
	ref := b.add(domain.Object{Kind: domain.KindIPAddress, Key: iface.Key + "/ip/" + domain.Key(p.Addr().String()), Mode: mode, Owner: iface.Key,
		Label: label + " " + p.String(), Fields: f, Tags: domain.TagWish{Mark: b.partMark()}})
	if b.opt.SyncState {
		// Keyed like its address: what the plan decides on the address decides on the row.
		b.add(domain.Object{Kind: domain.KindIPAddressState, Key: ref.Key, Mode: mode, Owner: owner, Label: "sync-state of " + label + " " + p.String(),
			Fields: domain.Fields{"ip_address": ref, "proxmox_interface": cut(name, 255), "proxmox_mac": mac}})
	}
	return ref
}

// primary offers an address as its owner's primary one: the first of its
// family, or the one that is preferred.
func (b *builder) primary(owner, ip domain.Ref, a netip.Addr, preferred bool) {
	if a.IsLinkLocalUnicast() {
		return
	}
	field := "primary_ip6"
	if a.Is4() {
		field = "primary_ip4"
	}
	f := b.out.Objects[b.seen[owner]].Fields
	if _, ok := f[field]; !ok || preferred {
		f[field] = ip
	}
}
