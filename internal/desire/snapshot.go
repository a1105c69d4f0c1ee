package desire

import (
	"strings"

	"proxbox/internal/domain"
)

// snapshots wants the snapshots of a guest.
func (b *builder) snapshots(v *view, g domain.Guest) {
	if g.Node == "" {
		return
	}
	vm := v.ownerOf(g)
	for _, s := range g.Snapshots.Value {
		f := domain.Fields{
			"virtual_machine": vm.ref(), "name": cut(s.Name, 255), "vmid": g.VMID, "node": g.Node, "subtype": string(g.Type), "status": "active",
			"description": strings.TrimSpace(s.Description), "parent": cut(s.Parent, 255), "snaptime": moment(s.Time),
		}
		if g.Config.OK {
			b.onStorage(v, systemStorage(g.Config.Value.Disks), "proxmox_storage", f)
		}
		b.add(domain.Object{Kind: domain.KindSnapshot, Key: vm.key + "/snapshot/" + domain.Key(s.Name), Owner: vm.key,
			Label: vm.label + " snapshot " + s.Name, Fields: f, Tags: domain.TagWish{Mark: b.rowMark()}})
	}
	if g.Snapshots.OK {
		b.whole(vm.key, domain.KindSnapshot)
	}
}

// systemStorage is where the first disk of a guest is, those aside that hold
// settings of its firmware. The plugin has room for one storage.
func systemStorage(disks []domain.Disk) string {
	for _, d := range disks {
		if d.Storage != "" && !strings.HasPrefix(d.Key, "efidisk") && !strings.HasPrefix(d.Key, "tpmstate") && !strings.HasPrefix(d.Key, "mp") {
			return d.Storage
		}
	}
	return ""
}
