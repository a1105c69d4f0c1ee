package desire

import (
	"fmt"
	"strings"

	"proxbox/internal/domain"
)

// backups wants the backup volumes of every storage. Those of guests that
// Proxmox does not have any more are wanted too: NetBox may still have the guest.
func (b *builder) backups(v *view) {
	guests := v.guests()
	former := 0
	for _, s := range v.Storages.Value {
		for _, volume := range s.Backups.Value {
			vm, runs := v.backupOf(guests, volume)
			if !runs {
				former++
			}
			b.backup(v, vm, volume)
		}
		if s.Backups.OK && v.Cluster.Quorate {
			b.whole(storageKey(v, s.Name), domain.KindBackup)
		}
	}
	if former > 0 && v.Complete.Guests {
		b.note(domain.Problem{What: "backups of " + v.Cluster.Name,
			Reason: fmt.Sprintf("%d are of guests that Proxmox does not have any more; NetBox shows them where it still has the guest", former),
			WayOut: "nothing has to be done; restore the guest, or remove its backups in Proxmox"})
	}
}

// backupOf is the guest of a backup, and whether Proxmox has it. A guest of
// the other type that has its vmid now is another one.
func (v *view) backupOf(guests map[int]domain.Guest, volume domain.Backup) (owner, bool) {
	if g, ok := guests[volume.VMID]; ok && (volume.Type == "" || volume.Type == g.Type) {
		return v.ownerOf(g), true
	}
	return v.former(volume.Type, volume.VMID), false
}

func (b *builder) backup(v *view, vm owner, volume domain.Backup) {
	subtype := string(volume.Type)
	if subtype == "" {
		subtype = "undefined"
	}
	f := domain.Fields{
		"virtual_machine": vm.ref(), "storage": cut(volume.Storage, 255), "volume_id": cut(volume.VolumeID, 255), "vmid": volume.VMID,
		"subtype": subtype, "format": backupFormat(volume), "creation_time": moment(volume.Created), "size": int(volume.SizeBytes),
		"used": nil, "notes": strings.TrimSpace(volume.Notes), "encrypted": cut(volume.Encrypted, 255),
		"verification_state": cut(volume.VerificationState, 255), "verification_upid": cut(volume.VerificationUPID, 255),
		"proxmox_storage": domain.To(domain.KindProxmoxStorage, storageKey(v, volume.Storage)),
	}
	if volume.UsedBytes > 0 {
		f["used"] = int(volume.UsedBytes)
	}
	b.add(domain.Object{Kind: domain.KindBackup, Key: vm.key + "/backup/" + domain.Key(volume.VolumeID), Owner: vm.key, Identity: vm.id,
		Label: "backup " + volume.VolumeID, Fields: f, Tags: domain.TagWish{Mark: b.rowMark()}})
}

// backupFormats are the plugin's names for what volumes are packed with.
var backupFormats = []struct{ ending, format string }{
	{"pbs-vm", "pbs-vm"}, {"pbs-ct", "pbs-ct"}, {"qcow2", "qcow2"}, {"raw", "raw"}, {"iso", "iso"},
	{"zst", "tzst"}, {"zstd", "tzst"}, {"tgz", "tgz"}, {"tar.gz", "tgz"}, {"tbz", "tbz"}, {"tar.bz2", "tbz"}, {"tar", "tar"},
}

// backupFormat is the format as Proxmox names it, else as the volume's name
// ends; the plugin has no name for some of them.
func backupFormat(volume domain.Backup) string {
	for _, name := range []string{volume.Format, volume.VolumeID} {
		for _, f := range backupFormats {
			if name == f.ending || strings.HasSuffix(name, "."+f.ending) {
				return f.format
			}
		}
	}
	return "undefined"
}
