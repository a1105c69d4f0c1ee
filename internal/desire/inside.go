package desire

import (
	"cmp"
	"slices"
	"strings"

	"proxbox/internal/domain"
)

// inside wants the guest's own view of its interfaces, which the plugin keeps
// beside NetBox's: a row for each that a QEMU agent names, loopback and
// bridges of containers too, and what links one to the addresses in NetBox.
// "ens20:1" is another name for ens20: it gets none, and its addresses are
// those of ens20. A MAC is plain text there, as the agent writes it: in
// lower case.
func (b *builder) inside(v *view, vm domain.Ref, g domain.Guest, label string) {
	if !b.opt.GuestInterfaces || g.Type != domain.QEMU || !g.Agent.OK || !b.opt.Kinds.Has(domain.KindGuestInterface) {
		return
	}
	mapped := b.mapped(vm, g)
	for _, gi := range byName(g.Agent.Value) {
		if !b.opt.Filter.Interface(gi.Name) {
			continue
		}
		f := domain.Fields{"virtual_machine": vm, "name": cut(gi.Name, 128), "vm_interface": nil, "enabled": true}
		if gi.MAC != "" {
			f["mac_address"] = strings.ToLower(gi.MAC)
		}
		iface, ok := mapped[gi.Name]
		if ok {
			f["vm_interface"] = iface
		}
		if b.out.left[iface] {
			b.leave(domain.Object{Kind: domain.KindGuestInterface, Key: vm.Key + "/inside/" + domain.Key(gi.Name), Owner: vm.Key, Label: label + " " + gi.Name, Fields: f})
			continue
		}
		ref := b.add(domain.Object{Kind: domain.KindGuestInterface, Key: vm.Key + "/inside/" + domain.Key(gi.Name), Owner: vm.Key,
			Label: label + " " + gi.Name, Fields: f})
		if ok {
			b.links(ref, iface, g.Agent.Value, gi.Name)
		}
		b.whole(ref.Key, domain.KindGuestInterfaceAddr)
	}
	b.whole(vm.Key, domain.KindGuestInterface)
}

// mapped tells which of the guest's interfaces is which NIC: that with its
// MAC, and of several the one that the VM interface was named after.
func (b *builder) mapped(vm domain.Ref, g domain.Guest) map[string]domain.Ref {
	out := map[string]domain.Ref{}
	for _, nic := range g.Config.Value.NICs {
		seen := b.seenByGuest(g, nic)
		ref := domain.To(domain.KindVMInterface, vm.Key+"/"+domain.Key(nic.Key))
		if _, wanted := b.seen[ref]; seen == nil || seen.Name == "" || !wanted {
			continue
		}
		if _, taken := out[seen.Name]; !taken {
			out[seen.Name] = ref
		}
	}
	return out
}

// links wants what ties a guest's interface to the addresses that its NIC has
// in NetBox.
func (b *builder) links(ref, iface domain.Ref, all []domain.GuestInterface, name string) {
	for _, gi := range all {
		if plain, _, _ := strings.Cut(gi.Name, ":"); plain != name {
			continue
		}
		for _, p := range gi.Addresses {
			ip := domain.To(domain.KindIPAddress, iface.Key+"/ip/"+domain.Key(p.Addr().String()))
			if _, wanted := b.seen[ip]; !wanted {
				continue
			}
			b.add(domain.Object{Kind: domain.KindGuestInterfaceAddr, Key: ref.Key + "/" + domain.Key(p.Addr().String()), Owner: ref.Key,
				Label:  b.out.Objects[b.seen[ref]].Label + " " + p.String(),
				Fields: domain.Fields{"guest_interface": ref, "ip_address": ip}})
		}
	}
}

// byName is the guest's interfaces without aliases and without doubles, whose
// names NetBox would refuse.
func byName(all []domain.GuestInterface) []domain.GuestInterface {
	out := slices.Clone(all)
	slices.SortStableFunc(out, func(a, b domain.GuestInterface) int { return cmp.Compare(a.Name, b.Name) })
	out = slices.DeleteFunc(out, func(gi domain.GuestInterface) bool { return gi.Name == "" || strings.Contains(gi.Name, ":") })
	return slices.CompactFunc(out, func(a, b domain.GuestInterface) bool { return cut(a.Name, 128) == cut(b.Name, 128) })
}

// sshKeysLimit is how many bytes of a guest's SSH keys the plugin's row holds.
const sshKeysLimit = 10 << 10

const sshKeysCut = "\n# truncated by proxbox-api at 10KB"

// cloudInit wants the plugin's row of what cloud-init is told.
func (b *builder) cloudInit(vm domain.Ref, cfg domain.GuestConfig, label string) {
	if !b.opt.Plugin || !b.opt.Kinds.Has(domain.KindCloudInit) {
		return
	}
	if ci := cfg.CloudInit; ci != nil {
		keys, truncated := ci.SSHKeys, len(ci.SSHKeys) > sshKeysLimit
		if truncated {
			keys = strings.ToValidUTF8(keys[:sshKeysLimit], "") + sshKeysCut
		}
		b.add(domain.Object{Kind: domain.KindCloudInit, Key: vm.Key, Owner: vm.Key, Label: "cloud-init of " + label, Fields: domain.Fields{
			"virtual_machine": vm, "ciuser": cut(ci.User, 64), "sshkeys": keys, "ipconfig0": cut(ci.IPConfig0, 255), "sshkeys_truncated": truncated}})
	}
	b.whole(vm.Key, domain.KindCloudInit)
}
