//go:build e2e

package fullupdate

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"proxbox/internal/domain"
	"proxbox/internal/netbox"
	"proxbox/internal/run"
	proxmoxsim "proxbox/internal/sim/proxmox"
	"proxbox/test/lab/netboxstate"
)

// asPlugin is what the plugin asks of the stages of backups and snapshots.
var asPlugin = url.Values{"delete_nonexistent_backup": {"true"}, "delete_nonexistent_snapshot": {"true"}}

// TestRecords: storages, snapshots, backups, tasks and jobs that are made,
// change, vanish or cannot be read are followed by exactly the writes that they
// need, and then by none.
func TestRecords(t *testing.T) {
	f := newField(t, proxmoxsim.Demo(21))
	f.sync(t, run.Ask{})
	storage := func(e *proxmoxsim.Estate, name string) *proxmoxsim.Storage {
		return &e.Storages[slices.IndexFunc(e.Storages, func(s proxmoxsim.Storage) bool { return s.Name() == name })]
	}
	var got []string
	for _, step := range []struct {
		name  string
		query url.Values
		edit  func(e *proxmoxsim.Estate)
	}{
		{"a storage is made", nil, func(e *proxmoxsim.Estate) {
			pbs := proxmoxsim.Storage{Config: proxmoxsim.Row{"storage": "pbs", "type": "pbs", "content": "backup", "server": "192.0.2.30", "datastore": "store", "namespace": "lab",
				"username": "backup@pbs", "fingerprint": "aa:bb", "port": 8007, "shared": 1}}
			pbs.Backups = []proxmoxsim.Backup{
				{VMID: 100, Subtype: "qemu", Format: "pbs-vm", Size: 32 << 30, Created: 1770000000, VolumeID: "pbs:backup/vm/100/2026-02-02T02:40:00Z", Notes: "web-01\n",
					Encrypted: "11:22", Verification: proxmoxsim.Row{"state": "ok", "upid": "UPID:pbs:1"}},
				{VMID: 112, Subtype: "lxc", Format: "pbs-ct", Size: 8 << 30, Created: 1770000300, VolumeID: "pbs:backup/ct/112/2026-02-02T02:45:00Z"},
				{VMID: 900, Subtype: "qemu", Format: "pbs-vm", Size: 1 << 30, Created: 1770000600, VolumeID: "pbs:backup/vm/900/2026-02-02T02:50:00Z"},
			}
			e.Storages = append(e.Storages, pbs)
		}},
		{"a storage changes", nil, func(e *proxmoxsim.Estate) { storage(e, "nas").Config["prune-backups"] = "keep-last=3" }},
		{"a disk moves to another storage", nil, func(e *proxmoxsim.Estate) { e.Guest(100).Set("scsi0", "ceph:vm-100-disk-0,size=32G") }},
		{"a storage vanishes", asPlugin, func(e *proxmoxsim.Estate) {
			e.Storages = slices.DeleteFunc(e.Storages, func(s proxmoxsim.Storage) bool { return s.Name() == "old-nas" })
		}},
		{"a snapshot is made", asPlugin, func(e *proxmoxsim.Estate) {
			g := e.Guest(100)
			g.Snapshots = append(g.Snapshots, proxmoxsim.GuestSnapshot{Name: "daily", Parent: "after-upgrade", Time: 1770000000})
		}},
		{"the guest moves", asPlugin, func(e *proxmoxsim.Estate) { e.Guest(100).Move("pve3") }},
		{"snapshots cannot be read", asPlugin, func(e *proxmoxsim.Estate) { e.Deny(e.Guest(100).Path("snapshot"), "VM.Audit") }},
		{"a snapshot vanishes", asPlugin, func(e *proxmoxsim.Estate) {
			e.Faults = nil
			e.Guest(100).Snapshots = e.Guest(100).Snapshots[1:]
		}},
		{"another one, and nobody asked to remove it", nil, func(e *proxmoxsim.Estate) { e.Guest(100).Snapshots = e.Guest(100).Snapshots[1:] }},
		{"a backup is made, and the oldest is pruned", asPlugin, func(e *proxmoxsim.Estate) {
			b := storage(e, "nas").Backups[0]
			b.VolumeID, b.Created = "nas:backup/vzdump-qemu-100-2026_03_01-02_00_00.vma.zst", b.Created+28*86400
			storage(e, "nas").Backups = append(storage(e, "nas").Backups[1:], b)
		}},
		{"backups cannot be read", asPlugin, func(e *proxmoxsim.Estate) {
			e.Fail("/nodes/pve1/storage/nas/content", proxmoxsim.Fault{Status: 500, Message: "storage 'nas' is not online"})
			storage(e, "nas").Backups = nil
		}},
		{"all backups of a kind are gone at once", asPlugin, func(e *proxmoxsim.Estate) {
			e.Faults = nil
			storage(e, "local").Backups, storage(e, "pbs").Backups = nil, nil
		}},
		{"a task ended", nil, func(e *proxmoxsim.Estate) {
			e.Node("pve1").Tasks = append(e.Node("pve1").Tasks, proxmoxsim.Row{"upid": "UPID:pve1:00001004:00010004:695C1234:vzsnapshot:112:root@pam:", "node": "pve1",
				"pid": 4100, "pstart": 65540, "starttime": 1767642676, "endtime": 1767642680, "type": "vzsnapshot", "id": "112", "user": "root@pam", "status": "WARNINGS: 1"})
		}},
		{"the jobs vanish", nil, func(e *proxmoxsim.Estate) { e.Replications, e.BackupJobs = nil, e.BackupJobs[:1] }},
		{"a job changes", nil, func(e *proxmoxsim.Estate) {
			e.BackupJobs[0]["schedule"], e.BackupJobs[0]["next-run"] = "03:00", 1770087600
		}},
	} {
		f.pve.Change(t, step.edit)
		before := f.LastChange(t)
		res := f.sync(t, run.Ask{Query: step.query})
		got = append(got, "# "+step.name)
		for _, r := range res.Reports {
			got = append(got, fmt.Sprintf("  %s %s: %s", r.Outcome, r.Label, r.Reason))
		}
		for _, p := range res.Problems {
			if !strings.HasPrefix(p.Reason, "guest agent") {
				got = append(got, fmt.Sprintf("  %s: %s", p.What, p.Reason))
			}
		}
		got = append(got, netboxstate.Written(t, f.Changes(t, before))...)
	}
	f.noWrites(t, "after all changes")
	netboxstate.Golden(t, "records", got)

	// NetBox passes over a filter that it does not know: the bound must be one
	// that it does.
	nb, err := netbox.Open(f.netbox(t), netbox.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer nb.Close()
	for since, want := range map[time.Time]int{{}: 7, time.Unix(1767642676, 0): 1, time.Unix(1767642677, 0): 0} {
		inv, err := run.ReadInventory(t.Context(), nb, since)
		if err != nil {
			t.Fatal(err)
		}
		if n := inv.Table(domain.KindTaskHistory).Len(); n != want {
			t.Errorf("%d tasks since %s, not %d", n, since, want)
		}
	}
}
