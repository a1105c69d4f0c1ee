package desire

import (
	"encoding/json"
	"time"

	"proxbox/internal/domain"
)

// records wants the rows that only the plugin has: storages, snapshots,
// backups, tasks, replications, backup routines and
// the SDN.
func (b *builder) records(v *view, cluster domain.Ref) {
	if !b.opt.Plugin {
		b.noPlugin(v)
		return
	}
	b.storages(v, cluster)
	for _, g := range v.Guests {
		b.snapshots(v, g)
	}
	b.backups(v)
	b.tasks(v)
	b.replications(v)
	b.routines(v)
	b.sdn(v)
}

// noPlugin says once what has no place in a NetBox without the plugin.
func (b *builder) noPlugin(v *view) {
	if !v.Storages.OK && len(v.Replications.Value)+len(v.BackupRoutines.Value) == 0 {
		return
	}
	b.note(domain.Problem{What: "NetBox", Reason: "it does not have the plugin netbox-proxbox, so storages, snapshots, backups, replications, backup routines and the task history have no place there",
		WayOut: "install the plugin to see them; everything else is kept without it"})
}

// note tells a problem, once.
func (b *builder) note(p domain.Problem) {
	if !b.noted[p] {
		b.noted[p] = true
		b.out.Problems = append(b.out.Problems, p)
	}
}

// rowMark is the mark of a row that only the plugin has: it needs none.
func (b *builder) rowMark() domain.Refs {
	if !b.opt.TagParts {
		return nil
	}
	return b.mark()
}

// guests finds the guests of a cluster by vmid.
func (v *view) guests() map[int]domain.Guest {
	out := make(map[int]domain.Guest, len(v.Guests))
	for _, g := range v.Guests {
		out[g.VMID] = g
	}
	return out
}

// owner is the guest that a record is about: one that runs, or one that NetBox
// may still have.
type owner struct {
	key   domain.Key
	id    domain.Identity
	label string
}

func (v *view) ownerOf(g domain.Guest) owner {
	name := firstOf(g.Name, g.Config.Value.Name, "VM "+itoa(g.VMID))
	return owner{guestKey(v, g), domain.Identity{Cluster: v.key, Type: g.Type, VMID: g.VMID}, guestLabel(g, name)}
}

// former is the owner of what a guest left behind that Proxmox does not have.
func (v *view) former(t domain.GuestType, vmid int) owner {
	g := domain.Guest{Type: t, VMID: vmid}
	return owner{guestKey(v, g), domain.Identity{Cluster: v.key, Type: t, VMID: vmid}, "guest " + itoa(vmid)}
}

func (o owner) ref() domain.Ref { return domain.To(domain.KindVirtualMachine, o.key) }

// moment is a time as NetBox has it; nil for none.
func moment(seconds int64) any {
	if seconds <= 0 {
		return nil
	}
	return time.Unix(seconds, 0).UTC().Format(time.RFC3339)
}

// document is a value as canonical JSON.
func document(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(raw)
}
