package apply_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"proxbox/internal/apply"
	"proxbox/internal/domain"
	"proxbox/internal/plan"
	netboxsim "proxbox/internal/sim/netbox"
)

// withRecords gives a cluster what the plugin keeps beside guests and nodes.
func withRecords(s *domain.Snapshot) {
	s.Complete.Storages, s.Complete.Backups = true, true
	id := s.Endpoint.ID
	nas := domain.Storage{Name: "nas", Type: "nfs", Content: []string{"backup", "iso"}, Shared: true, Enabled: true, Options: map[string]string{"server": "192.0.2.20", "export": "/srv"}}
	for _, g := range s.Guests[:3] {
		nas.Backups.Value = append(nas.Backups.Value, backup(g.Type, g.VMID, 1), backup(g.Type, g.VMID, 2))
	}
	nas.Backups.Value = append(nas.Backups.Value, backup(domain.QEMU, 900, 1))
	nas.Backups.OK = true
	s.Storages = domain.Is([]domain.Storage{
		{Name: "ceph", Type: "rbd", Content: []string{"images"}, Shared: true, Enabled: true, Options: map[string]string{"pool": "vms"}},
		{Name: "local-lvm", Type: "lvmthin", Content: []string{"images"}, Enabled: true, Options: map[string]string{"thinpool": "data"}}, nas,
	})
	for i := range s.Guests {
		g := &s.Guests[i]
		g.Snapshots = domain.Is([]domain.GuestSnapshot{})
		if i < 3 {
			g.Snapshots.Value = []domain.GuestSnapshot{{Name: fmt.Sprintf("old%d", id), Time: 1770000000}, {Name: fmt.Sprintf("new%d", id), Parent: fmt.Sprintf("old%d", id), Time: 1770086400}}
		}
	}
	for i := range s.Nodes {
		s.Nodes[i].Tasks = domain.Is([]domain.Task{
			{UPID: fmt.Sprintf("UPID:%d:%d:1", id, i), Node: s.Nodes[i].Name, Type: "qmstart", ID: "100", User: "root@pam", PID: 1, Start: 1770000000, Status: "running"},
			{UPID: fmt.Sprintf("UPID:%d:%d:2", id, i), Node: s.Nodes[i].Name, Type: "vzdump", ID: "101", Start: 1770000100, End: 1770000200, Status: "stopped", ExitStatus: "OK"},
			{UPID: fmt.Sprintf("UPID:%d:%d:3", id, i), Node: s.Nodes[i].Name, Type: "aptupdate", Start: 1770000100, End: 1770000200, Status: "stopped", ExitStatus: "OK"},
		})
	}
	s.Replications = domain.Is([]domain.Replication{{ID: "100-0", VMID: 100, Source: "pve1", Target: "pve2", Type: "local", Schedule: "*/15", Rate: 10.5, Raw: map[string]any{"id": "100-0"}}})
	s.BackupRoutines = domain.Is([]domain.BackupRoutine{{ID: "nightly", Enabled: true, Raw: map[string]any{"id": "nightly"}, Options: map[string]string{
		"all": "1", "storage": "nas", "node": "pve1", "prune-backups": "keep-last=3", "fleecing": "enabled=1,storage=local-lvm", "next-run": "1770000000"}}})
}

func backup(t domain.GuestType, vmid, n int) domain.Backup {
	return domain.Backup{VolumeID: fmt.Sprintf("nas:backup/vzdump-%s-%d-%d.vma.zst", t, vmid, n), Storage: "nas", VMID: vmid, Type: t, Format: "vma.zst",
		SizeBytes: 1 << 35, Created: 1770000000 + int64(n)*86400}
}

// rows are the plugin's rows of a kind, a line each.
func (e *engine) rows(kind string, fields ...string) []string {
	var out []string
	for _, row := range e.nb.Objects(kind) {
		var parts []string
		for _, f := range fields {
			if o, ok := row[f].(map[string]any); ok && o["value"] != nil {
				parts = append(parts, fmt.Sprint(o["value"]))
			} else if ok {
				parts = append(parts, display(o))
			} else {
				parts = append(parts, fmt.Sprint(row[f]))
			}
		}
		out = append(out, strings.Join(parts, " "))
	}
	return sorted(out)
}

// TestRecords on every supported NetBox that has the plugin: what vanishes is
// removed, marked or left, and what cannot be read is left.
func TestRecords(t *testing.T) {
	for name, profile := range netboxsim.Profiles() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEngine(t, profile)
			s := estate(1, "lab")
			e.pluginRows(t, s)
			e.mustSync(t, s)
			if e.caps.Plugin == "" {
				return // the second run of it is another test's
			}
			check := func(what, kind string, want []string, fields ...string) {
				t.Helper()
				if d := cmp.Diff(want, e.rows("netbox_proxbox."+kind, fields...)); d != "" {
					t.Errorf("%s (-want +got):\n%s", what, d)
				}
			}
			check("storages", "proxmoxstorage", []string{"ceph rbd true", "local-lvm lvmthin false", "nas nfs true"}, "name", "storage_type", "shared")
			check("snapshots", "vmsnapshot", []string{
				"guest100 new1 pve1 active", "guest100 old1 pve1 active", "guest101 new1 pve2 active", "guest101 old1 pve2 active", "guest102 new1 pve1 active", "guest102 old1 pve1 active",
			}, "virtual_machine", "name", "node", "status")
			check("tasks", "vmtaskhistory", []string{
				"guest100 QEMU 100 - Start running", "guest100 QEMU 100 - Start running", "guest101 CT 101 - Vzdump OK", "guest101 CT 101 - Vzdump OK",
			}, "virtual_machine", "description", "status")

			// What cannot be read changes nothing.
			unread := estate(1, "lab")
			for i := range unread.Guests {
				unread.Guests[i].Snapshots = domain.Known[[]domain.GuestSnapshot]{}
			}
			unread.Storages.Value[2].Backups = domain.Known[[]domain.Backup]{}
			unread.Replications, unread.BackupRoutines = domain.Known[[]domain.Replication]{}, domain.Known[[]domain.BackupRoutine]{}
			unread.Nodes[0].Tasks = domain.Known[[]domain.Task]{}
			e.removes = map[domain.Kind]bool{domain.KindBackup: true, domain.KindSnapshot: true}
			e.mustRest(t, unread)
			unread.Storages = domain.Known[[]domain.Storage]{}
			e.mustRest(t, unread)

			// What vanished is removed where a newer one is, and marked.
			s = estate(1, "lab")
			for i := range s.Guests[:3] {
				s.Guests[i].Snapshots.Value = s.Guests[i].Snapshots.Value[1:]
			}
			s.Storages.Value[2].Backups.Value = slices.DeleteFunc(s.Storages.Value[2].Backups.Value, func(b domain.Backup) bool { return strings.HasSuffix(b.VolumeID, "-1.vma.zst") })
			s.Replications, s.BackupRoutines = domain.Is([]domain.Replication{}), domain.Is([]domain.BackupRoutine{})
			s.Nodes[0].Tasks = domain.Is([]domain.Task{})
			s.Guests[0].Node = "pve2"
			e.mustSync(t, s)
			check("the snapshots that are left", "vmsnapshot", []string{"guest100 new1 pve2 active", "guest101 new1 pve2 active", "guest102 new1 pve1 active"},
				"virtual_machine", "name", "node", "status")
			check("the backups that are left", "vmbackup", []string{"100 nas:backup/vzdump-qemu-100-2.vma.zst", "101 nas:backup/vzdump-lxc-101-2.vma.zst", "102 nas:backup/vzdump-qemu-102-2.vma.zst"},
				"vmid", "volume_id")
			check("replications", "replication", []string{"100-0 stale"}, "replication_id", "status")
			check("backup routines", "backuproutine", []string{"nightly stale"}, "job_id", "status")
			if n := e.nb.Count("netbox_proxbox.vmtaskhistory"); n != 4 {
				t.Errorf("%d tasks are left of 4", n)
			}
			e.mustRest(t, s)
		})
	}
}

// TestSnapshotsOfTwoClusters that the plugin cannot tell apart: NetBox refuses
// none, for the plan does not ask for the second.
func TestSnapshotsOfTwoClusters(t *testing.T) {
	e := newEngine(t, netboxsim.NetBox47)
	a, b := estate(1, "lab"), estate(2, "other")
	for i := range b.Guests {
		b.Guests[i].Snapshots = a.Guests[i].Snapshots
	}
	e.pluginRows(t, a)
	e.pluginRows(t, b)
	for range 2 {
		p, res := e.mustSync(t, a, b)
		if len(res.Reports) > 0 {
			t.Errorf("NetBox refused: %s", labels(res.Reports))
		}
		conflicts := slices.DeleteFunc(p.Reports, func(r plan.Report) bool { return r.Kind != domain.KindSnapshot })
		if len(conflicts) != 6 {
			t.Errorf("%d conflicts: %s", len(conflicts), labels(conflicts))
		}
	}
}

// TestBatchesOfAKind: backups go in batches of their own size.
func TestBatchesOfAKind(t *testing.T) {
	e := newEngine(t, netboxsim.NetBox47)
	e.batches = map[domain.Kind]apply.Batching{domain.KindBackup: {Size: 2}}
	s := estate(1, "lab")
	e.pluginRows(t, s)
	var mu sync.Mutex
	n := 0
	e.nb.SetFault(func(r *http.Request) *netboxsim.Fault {
		if r.Method == http.MethodPost && r.URL.Path == "/api/plugins/proxbox/backups/" {
			mu.Lock()
			defer mu.Unlock()
			n++
		}
		return nil
	})
	e.mustSync(t, s)
	if n != 3 {
		t.Errorf("6 backups went in %d requests, not 3", n)
	}
}
