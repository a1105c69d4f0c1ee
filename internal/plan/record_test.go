package plan_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"proxbox/internal/desire"
	"proxbox/internal/domain"
	"proxbox/internal/plan"
)

// recordFields are those of rows that only the plugin has.
var recordFields = map[domain.Kind][]string{
	domain.KindProxmoxStorage: {"storage_type", "content", "path", "nodes", "server", "username", "export", "share", "pool", "monhost", "namespace", "datastore",
		"subdir", "mountpoint", "is_mountpoint", "preallocation", "format", "prune_backups", "cluster", "shared", "port", "max_protected_backups", "raw_config"},
	domain.KindBackup: {"virtual_machine", "proxmox_storage", "storage", "volume_id", "notes", "encrypted", "verification_state", "verification_upid",
		"subtype", "format", "creation_time", "used", "vmid"},
	domain.KindSnapshot: {"virtual_machine", "proxmox_storage", "node", "vmid", "subtype", "snaptime"},
	domain.KindTaskHistory: {"virtual_machine", "upid", "node", "task_id", "task_type", "username", "task_state", "exitstatus", "vm_type", "pid", "pstart",
		"start_time", "end_time"},
	domain.KindReplication: {"virtual_machine", "replication_id", "target", "schedule", "comment", "source", "rate", "guest", "jobnum", "job_type",
		"remove_job", "disable", "raw_config"},
	domain.KindBackupRoutine: {"node", "storage", "fleecing_storage", "job_id", "schedule", "comment", "notes_template", "pbs_change_detection_mode",
		"fleecing", "keep_all", "repeat_missed", "keep_last", "keep_daily", "keep_weekly", "keep_monthly", "keep_yearly", "bwlimit", "zstd", "io_workers",
		"next_run", "selection", "raw_config"},
	domain.KindSDNZone:   {"cluster_name", "zone_name", "zone_type", "controller", "dns", "ipam", "vrf_vxlan", "tag", "mtu", "rt_import", "state", "raw_config"},
	domain.KindSDNVNet:   {"cluster_name", "zone_name", "vnet_name", "vnet_type", "alias", "tag", "vlanaware", "state", "raw_config"},
	domain.KindSDNSubnet: {"cluster_name", "zone_name", "vnet_name", "subnet", "subnet_type", "gateway", "snat", "prefix", "skip_reason", "raw_config"},
}

// day is the moment n days after a first one, in seconds.
func day(n int) int64 { return 1_767_225_600 + int64(n)*86_400 }

// kept is a cluster whose guest has one of everything that the plugin keeps.
func kept() *domain.Snapshot {
	s := small()
	s.Complete.Storages, s.Complete.Backups = true, true
	s.Storages = domain.Is([]domain.Storage{
		{Name: "local", Type: "dir", Content: []string{"images"}, Enabled: true, Options: map[string]string{"path": "/var/lib/vz"}},
		{Name: "nas", Type: "nfs", Content: []string{"backup"}, Enabled: true, Shared: true, Options: map[string]string{"server": "192.0.2.20"},
			Backups: domain.Is([]domain.Backup{volume(100, 1)})},
	})
	s.Guests[0].Snapshots = domain.Is([]domain.GuestSnapshot{{Name: "daily", Time: day(1)}})
	s.Nodes[0].Tasks = domain.Is([]domain.Task{task("100", 1)})
	s.Replications = domain.Is([]domain.Replication{{ID: "100-0", VMID: 100, Target: "pve2", Type: "local"}})
	s.BackupRoutines = domain.Is([]domain.BackupRoutine{{ID: "nightly", Enabled: true, Options: map[string]string{"all": "1", "storage": "nas"}}})
	return s
}

func volume(vmid, n int) domain.Backup {
	return domain.Backup{VolumeID: fmt.Sprintf("nas:backup/vzdump-qemu-%d-%02d.vma.zst", vmid, n), Storage: "nas", VMID: vmid, Type: domain.QEMU,
		Format: "vma.zst", SizeBytes: 1 << 30, Created: day(n)}
}

func task(vmid string, n int) domain.Task {
	return domain.Task{UPID: fmt.Sprintf("UPID:pve1:%08X:qmstart:%s:root@pam:", n, vmid), Node: "pve1", Type: "qmstart", ID: vmid, User: "root@pam",
		Start: day(n), End: day(n) + 30, Status: "stopped", ExitStatus: "OK"}
}

// both is what a run is asked to remove when it is asked.
var both = map[domain.Kind]bool{domain.KindBackup: true, domain.KindSnapshot: true}

// short leaves the beginning of volume ids and upids out of lines.
func short(lines []string) []string {
	for i := range lines {
		lines[i] = strings.NewReplacer("nas:backup/vzdump-qemu-", "", ".vma.zst", "").Replace(lines[i])
	}
	return lines
}

// TestRecords: what changes, goes or cannot be read of what the plugin keeps.
func TestRecords(t *testing.T) {
	storages := func(s *domain.Snapshot, change func(all []domain.Storage) []domain.Storage) {
		s.Storages.Value = change(s.Storages.Value)
	}
	nas := func(s *domain.Snapshot, backups ...domain.Backup) { s.Storages.Value[1].Backups = domain.Is(backups) }
	for _, c := range []struct {
		name     string
		removes  bool
		before   func(s *domain.Snapshot)
		proxmox  func(s *domain.Snapshot)
		person   func(t *testing.T, w *world)
		writes   []string
		reported []string
	}{
		{name: "nothing", removes: true},

		{name: "a storage changes", proxmox: func(s *domain.Snapshot) {
			s.Storages.Value[1].Options = map[string]string{"server": "192.0.2.21", "prune-backups": "keep-last=3", "max-protected-backups": "5"}
		}, writes: []string{`~ proxmoxstorage storage nas max_protected_backups -→5 prune_backups -→keep-last=3 raw_config ` +
			`{"content":"backup","server":"192.0.2.20","shared":"1","storage":"nas","type":"nfs"}→` +
			`{"content":"backup","max-protected-backups":"5","prune-backups":"keep-last=3","server":"192.0.2.21","shared":"1","storage":"nas","type":"nfs"} ` +
			`server 192.0.2.20→192.0.2.21`}},
		{name: "a storage is made", proxmox: func(s *domain.Snapshot) {
			storages(s, func(all []domain.Storage) []domain.Storage {
				return append(all, domain.Storage{Name: "ceph", Type: "rbd"})
			})
		}, writes: []string{"+ proxmoxstorage storage ceph"}},
		{name: "a disk moves to another storage", proxmox: func(s *domain.Snapshot) {
			config(&s.Guests[0], func(c *domain.GuestConfig) { c.Disks[0].Storage = "nas" })
		}, writes: []string{
			"~ virtualdisk qemu 100 (web) scsi0 description Storage: local→Storage: nas",
			"~ sync-state of qemu 100 (web) scsi0 proxbox_storage local→nas proxbox_storage_raw_value local→nas",
			"~ vmsnapshot qemu 100 (web) snapshot daily proxmox_storage local→nas",
		}},
		{name: "a storage is gone: its row stays, and its disks have none", removes: true, proxmox: func(s *domain.Snapshot) {
			storages(s, func(all []domain.Storage) []domain.Storage { return all[1:] })
		}, writes: []string{
			"~ sync-state of qemu 100 (web) scsi0 proxbox_storage local→-",
			"~ vmsnapshot qemu 100 (web) snapshot daily proxmox_storage local→-",
		}},
		{name: "a storage is not shown", removes: true, proxmox: func(s *domain.Snapshot) {
			s.Complete.Storages = false
			storages(s, func(all []domain.Storage) []domain.Storage { return all[1:] })
		}},
		{name: "the storages cannot be read", removes: true, proxmox: func(s *domain.Snapshot) { s.Storages = domain.Known[[]domain.Storage]{} }},

		{name: "a snapshot is made", proxmox: func(s *domain.Snapshot) {
			s.Guests[0].Snapshots.Value = append(s.Guests[0].Snapshots.Value, domain.GuestSnapshot{Name: "next", Parent: "daily"})
		}, writes: []string{"+ vmsnapshot qemu 100 (web) snapshot next"}},
		{name: "a snapshot changes", proxmox: func(s *domain.Snapshot) { s.Guests[0].Snapshots.Value[0].Description = "before 13\n" },
			writes: []string{"~ vmsnapshot qemu 100 (web) snapshot daily description -→before 13"}},
		{name: "a snapshot is gone", removes: true, proxmox: func(s *domain.Snapshot) { s.Guests[0].Snapshots.Value = nil },
			writes: []string{"- vmsnapshot qemu 100 (web) daily"}},
		{name: "a snapshot is gone, and nobody asked to remove it", proxmox: func(s *domain.Snapshot) { s.Guests[0].Snapshots.Value = nil },
			writes: []string{"~ vmsnapshot qemu 100 (web) daily status active→stale"}},
		{name: "a snapshot that a person uses is gone", removes: true, proxmox: func(s *domain.Snapshot) { s.Guests[0].Snapshots.Value = nil },
			person: func(t *testing.T, w *world) {
				w.keep = map[domain.Ref]string{w.ref(t, domain.KindSnapshot, "daily"): "it has the tag keep"}
			}, reported: []string{"conflict qemu 100 (web) daily"}},
		{name: "snapshots cannot be read", removes: true, proxmox: func(s *domain.Snapshot) { s.Guests[0].Snapshots = domain.Known[[]domain.GuestSnapshot]{} }},
		{name: "a snapshot was not understood", removes: true, proxmox: func(s *domain.Snapshot) { s.Guests[0].Snapshots = domain.Known[[]domain.GuestSnapshot]{} }},
		{name: "the guest moves to another node", removes: true, before: func(s *domain.Snapshot) { s.Nodes = append(s.Nodes, domain.Node{Name: "pve2"}) },
			proxmox: func(s *domain.Snapshot) { s.Guests[0].Node = "pve2" },
			writes: []string{
				"~ sync-state of qemu 100 (web) proxmox_node pve1→pve2 proxmox_node_name pve1→pve2",
				"~ virtualmachine qemu 100 (web) description Synced from Proxmox node pve1→Synced from Proxmox node pve2 device pve1→pve2",
				"~ vmsnapshot qemu 100 (web) snapshot daily node pve1→pve2",
			}},
		{name: "a second row of a snapshot, from before the guest moved, goes", removes: true, person: func(t *testing.T, w *world) {
			w.add(domain.KindSnapshot, domain.Fields{"virtual_machine": w.ref(t, domain.KindVirtualMachine, "web"), "name": "daily", "vmid": 100, "node": "pve9",
				"status": "active", "snaptime": "2025-01-01T00:00:00Z"})
		}, writes: []string{"- vmsnapshot qemu 100 (web) daily"}},

		{name: "a backup is made", proxmox: func(s *domain.Snapshot) { nas(s, volume(100, 1), volume(100, 2)) }, writes: []string{"+ vmbackup backup 100-02"}},
		{name: "a backup is verified", proxmox: func(s *domain.Snapshot) {
			v := volume(100, 1)
			v.VerificationState = "ok"
			nas(s, v)
		}, writes: []string{"~ vmbackup backup 100-01 verification_state -→ok"}},
		{name: "a backup is gone", removes: true, proxmox: func(s *domain.Snapshot) { nas(s) }, writes: []string{"- vmbackup qemu 100 (web) 100-01"}},
		{name: "a backup is gone, and nobody asked to remove it", proxmox: func(s *domain.Snapshot) { nas(s) }},
		{name: "a storage does not list its backups", removes: true, proxmox: func(s *domain.Snapshot) { s.Storages.Value[1].Backups = domain.Known[[]domain.Backup]{} }},
		{name: "a storage lists some of its backups", removes: true, proxmox: func(s *domain.Snapshot) {
			s.Storages.Value[1].Backups = domain.Known[[]domain.Backup]{Value: []domain.Backup{volume(100, 2)}}
		}, writes: []string{"+ vmbackup backup 100-02"}},
		{name: "a storage lists none of its backups", removes: true, before: func(s *domain.Snapshot) { nas(s, volume(100, 1), volume(100, 2)) },
			proxmox: func(s *domain.Snapshot) { nas(s) }, reported: []string{"conflict storage nas"}},
		{name: "backups without a quorum", removes: true, proxmox: func(s *domain.Snapshot) {
			s.Cluster.Quorate = false
			nas(s)
		}},
		{name: "a backup of a guest that nobody has", proxmox: func(s *domain.Snapshot) { nas(s, volume(100, 1), volume(900, 1)) }},
		{name: "backups of a guest that Proxmox does not have any more", removes: true, before: func(s *domain.Snapshot) {
			s.Guests = append(s.Guests, web(101))
			s.Guests[1].Name = "gone"
			nas(s, volume(100, 1), volume(101, 1))
		}, proxmox: func(s *domain.Snapshot) { nas(s, volume(100, 1), volume(101, 1), volume(101, 2)) },
			writes: []string{"+ vmbackup backup 101-02"}},
		{name: "a row that the Python service made, without its storage", removes: true, person: func(t *testing.T, w *world) {
			r := w.find(t, domain.KindBackup, "nas:backup/vzdump-qemu-100-01.vma.zst")
			r.Fields["proxmox_storage"] = nil
		}, writes: []string{"~ vmbackup backup 100-01 proxmox_storage -→nas"}},
		{name: "a row that the Python service gave to the guest of another cluster", removes: true, person: func(t *testing.T, w *world) {
			other := w.add(domain.KindVirtualMachine, domain.Fields{"name": "other"})
			w.find(t, domain.KindBackup, "nas:backup/vzdump-qemu-100-01.vma.zst").Fields["virtual_machine"] = other
		}, writes: []string{"~ vmbackup backup 100-01 virtual_machine other→web"}},

		{name: "a task ends", before: func(s *domain.Snapshot) {
			s.Nodes[0].Tasks.Value[0].End, s.Nodes[0].Tasks.Value[0].Status, s.Nodes[0].Tasks.Value[0].ExitStatus = 0, "running", ""
		}, writes: []string{"~ vmtaskhistory qemu 100 (web) task qmstart end_time -→2026-01-02T00:00:30Z exitstatus -→OK status running→OK task_state running→stopped"}},
		{name: "tasks are gone: they are history", removes: true, proxmox: func(s *domain.Snapshot) { s.Nodes[0].Tasks = domain.Is([]domain.Task{}) }},
		{name: "a task of a guest that nobody has", proxmox: func(s *domain.Snapshot) { s.Nodes[0].Tasks.Value = append(s.Nodes[0].Tasks.Value, task("900", 2)) }},
		{name: "a task stays with the guest that it was about", person: func(t *testing.T, w *world) {
			former := w.add(domain.KindVirtualMachine, domain.Fields{"name": "former"})
			for r := range w.inv.Table(domain.KindTaskHistory).Rows() {
				r.Fields["virtual_machine"] = former
			}
		}},

		{name: "a replication changes", proxmox: func(s *domain.Snapshot) {
			s.Replications.Value[0].Schedule, s.Replications.Value[0].Rate = "*/15", 10.5
		},
			writes: []string{"~ replication qemu 100 (web) replication 100-0 rate -→10.50 schedule -→*/15"}},
		{name: "a replication is gone", proxmox: func(s *domain.Snapshot) { s.Replications = domain.Is([]domain.Replication{}) },
			writes: []string{"~ replication cluster lab 100-0 status active→stale"}},
		{name: "some replications are not shown", proxmox: func(s *domain.Snapshot) { s.Replications = domain.Known[[]domain.Replication]{} }},
		{name: "a run that reads no guests", proxmox: func(s *domain.Snapshot) {
			s.Guests, s.Complete.Guests = nil, false
			s.Replications.Value = append(s.Replications.Value, domain.Replication{ID: "100-1", VMID: 100, Target: "pve2"})
		}, writes: []string{"+ replication guest 100 replication 100-1"}},
		{name: "a replication is there again", before: func(s *domain.Snapshot) {}, person: func(t *testing.T, w *world) {
			for r := range w.inv.Table(domain.KindReplication).Rows() {
				r.Fields["status"] = "stale"
			}
		}, writes: []string{"~ replication qemu 100 (web) replication 100-0 status stale→active"}},
		{name: "a backup routine changes", proxmox: func(s *domain.Snapshot) {
			s.BackupRoutines.Value[0].Options = map[string]string{"vmid": "100,102", "prune-backups": "keep-daily=7", "storage": "local"}
		}, writes: []string{`~ backuproutine backup routine nightly keep_daily -→7 selection ["all"]→[100,102] storage nas→local`}},
		{name: "a backup routine is gone", proxmox: func(s *domain.Snapshot) { s.BackupRoutines = domain.Is([]domain.BackupRoutine{}) },
			writes: []string{"~ backuproutine cluster lab nightly status active→stale"}},
		{name: "backup routines cannot be read", proxmox: func(s *domain.Snapshot) { s.BackupRoutines = domain.Known[[]domain.BackupRoutine]{} }},
		{name: "the plugin does not know the endpoint", before: func(s *domain.Snapshot) { s.Replications.Value, s.BackupRoutines.Value = nil, nil },
			person:   func(_ *testing.T, w *world) { w.inv.Table(domain.KindProxmoxEndpoint).Delete(1) },
			reported: []string{"conflict backup routine nightly endpoint", "conflict qemu 100 (web) replication 100-0 endpoint"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before, s := kept(), kept()
			if c.before != nil {
				c.before(before)
			}
			w := synced(t, before)
			if c.name == "the guest moves to another node" {
				c.before(s)
			}
			if c.proxmox != nil {
				c.proxmox(s)
			}
			if c.person != nil {
				c.person(t, w)
			}
			if c.removes {
				w.removes = both
			}
			p := planOf(w, s)
			if d := cmp.Diff(sorted(c.writes), short(lines(p, w.inv))); d != "" {
				t.Errorf("changes (-want +got):\n%s", d)
			}
			if d := cmp.Diff(c.reported, told(p)); d != "" {
				t.Errorf("reports (-want +got):\n%s", d)
			}
			w.do(t, p)
			if p := planOf(w, s); len(p.Changes) > 0 {
				t.Errorf("a second run would write: %v", lines(p, w.inv))
			}
		})
	}
}

// TestUnreadRowsOfThePlugin: nothing of a kind that NetBox did not list whole
// is made or removed, nor what hangs on it.
func TestUnreadRowsOfThePlugin(t *testing.T) {
	for _, kind := range []domain.Kind{domain.KindProxmoxStorage, domain.KindSnapshot, domain.KindBackup, domain.KindTaskHistory, domain.KindReplication, domain.KindBackupRoutine} {
		w := synced(t, kept())
		w.removes = both
		w.inv.Set(&domain.Table{Kind: kind, Unknown: errors.New("504")})
		s := kept()
		s.Guests[0].Snapshots.Value = nil
		s.Storages.Value[1].Backups.Value = nil
		for _, c := range planOf(w, s).Changes {
			if c.Kind == kind || kind == domain.KindProxmoxStorage && c.Kind == domain.KindBackup {
				t.Errorf("%s is unknown, and the plan is to %s %s", kind, c.Op, c.Label)
			}
		}
	}
}

// TestFuseOfRecords: backups that retention rotates out go, however many; those
// that are gone without a newer one are held when they are too many.
func TestFuseOfRecords(t *testing.T) {
	estate := func(days ...int) *domain.Snapshot {
		s := kept()
		s.Guests, s.Replications = nil, domain.Known[[]domain.Replication]{}
		var backups []domain.Backup
		for i := range 40 {
			g := web(100 + i)
			g.Name, g.Agent = fmt.Sprintf("guest%d", i), domain.Known[[]domain.GuestInterface]{}
			g.Snapshots = domain.Is([]domain.GuestSnapshot{})
			config(&g, func(c *domain.GuestConfig) { c.NICs, c.Disks = nil, nil })
			for _, n := range days {
				backups = append(backups, volume(g.VMID, n))
				g.Snapshots.Value = append(g.Snapshots.Value, domain.GuestSnapshot{Name: fmt.Sprintf("day%d", n), Time: day(n)})
			}
			s.Guests = append(s.Guests, g)
		}
		s.Storages.Value[1].Backups = domain.Is(backups)
		return s
	}
	for _, c := range []struct {
		name             string
		now              *domain.Snapshot
		deleted, reports int
	}{
		{"a day later", estate(2, 3), 80, 0},
		{"the older ones of two days are gone", estate(2), 80, 0},
		{"the newer ones are gone", estate(1), 0, 2},
		{"everything is gone", estate(), 0, 2},
	} {
		w := synced(t, estate(1, 2))
		w.removes = both
		p := planOf(w, c.now)
		deleted := p.Counts()[domain.KindBackup][plan.Delete] + p.Counts()[domain.KindSnapshot][plan.Delete]
		if deleted != c.deleted || min(len(p.Reports), 1) != min(c.reports, 1) {
			t.Errorf("%s: %d removed, %v", c.name, deleted, told(p))
		}
	}
}

// TestSnapshotsOfTwoClusters that the plugin cannot tell apart: who has the
// row keeps it.
func TestSnapshotsOfTwoClusters(t *testing.T) {
	first, second := kept(), kept()
	second.Endpoint.ID, second.Endpoint.Name, second.Endpoint.Domain = 2, "py (nb:2)", "py.example.org"
	second.Nodes[0].SSLFingerprint, second.Cluster.Name = "bb", "other"
	second.Guests[0].Config, second.Guests[0].Agent = domain.Known[domain.GuestConfig]{}, domain.Known[[]domain.GuestInterface]{}
	w := newWorld()
	w.plugin(first)
	w.plugin(second)
	w.do(t, planOf(w, second))
	for range 2 {
		p := planOf(w, first, second)
		if got := told(p); !cmp.Equal(got, []string{"conflict qemu 100 (web) snapshot daily name"}) {
			t.Errorf("reported %v", got)
		}
		w.do(t, p)
	}
	if n := w.inv.Table(domain.KindSnapshot).Len(); n != 1 {
		t.Errorf("%d rows", n)
	}
	if n := w.inv.Table(domain.KindBackup).Len(); n != 2 {
		t.Errorf("%d backups: the storages of two clusters are two", n)
	}
}

// anyRecords draws what the plugin keeps of a cluster.
func anyRecords(t *rapid.T, s *domain.Snapshot) {
	anySDN(t, s)
	s.Complete.Storages = rapid.Bool().Draw(t, "all storages")
	s.Storages = domain.Is([]domain.Storage{{Name: "local", Type: "dir", Enabled: true, Options: map[string]string{"path": "/var/lib/vz"}}})
	if rapid.Bool().Draw(t, "nas") {
		nas := domain.Storage{Name: "nas", Type: "nfs", Shared: true, Enabled: true, Backups: domain.Known[[]domain.Backup]{OK: rapid.Bool().Draw(t, "all backups")}}
		for _, vmid := range rapid.SliceOfN(rapid.IntRange(98, 121), 0, 9).Draw(t, "backups") {
			nas.Backups.Value = append(nas.Backups.Value, volume(vmid, rapid.IntRange(1, 4).Draw(t, "backup")))
		}
		s.Storages.Value = append(s.Storages.Value, nas)
	}
	for i := range s.Guests {
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 3, rapid.ID).Draw(t, "snapshots") {
			g := &s.Guests[i]
			// Two clusters that the plugin cannot tell apart have a test of their own.
			g.Snapshots.Value = append(g.Snapshots.Value, domain.GuestSnapshot{Name: fmt.Sprint(name, s.Endpoint.ID), Time: day(len(g.Snapshots.Value))})
		}
		s.Guests[i].Snapshots.OK = rapid.Bool().Draw(t, "all snapshots")
	}
	for i := range s.Nodes {
		for n := range rapid.IntRange(0, 4).Draw(t, "tasks") {
			one := task(fmt.Sprint(rapid.IntRange(98, 121).Draw(t, "task of")), n)
			one.UPID = fmt.Sprintf("UPID:%d:%d:%d:%s", s.Endpoint.ID, i, n, one.ID)
			if rapid.Bool().Draw(t, "runs") {
				one.End, one.Status, one.ExitStatus = 0, "running", ""
			}
			s.Nodes[i].Tasks.Value = append(s.Nodes[i].Tasks.Value, one)
		}
	}
	for i, g := range s.Guests {
		if rapid.IntRange(0, 4).Draw(t, "replicated") == 0 {
			s.Replications.Value = append(s.Replications.Value, domain.Replication{ID: fmt.Sprint(g.VMID, "-", i), VMID: g.VMID, Target: "pve2", Rate: 1.5})
		}
	}
	s.Replications.OK, s.BackupRoutines.OK = rapid.Bool().Draw(t, "all replications"), true
	for n := range rapid.IntRange(0, 2).Draw(t, "routines") {
		s.BackupRoutines.Value = append(s.BackupRoutines.Value, domain.BackupRoutine{ID: fmt.Sprint("job", n), Options: map[string]string{
			"storage": "nas", "node": "pve1", "prune-backups": "keep-last=3", "fleecing": "enabled=1,storage=local"}, Raw: map[string]any{"id": fmt.Sprint("job", n), "next-run": float64(n)}})
	}
}

func sorted(lines []string) []string {
	slices.Sort(lines)
	return lines
}

// TestTagsOfStorages: where everything is tagged, storages are too, unless the
// flag leaves the tags that they have.
func TestTagsOfStorages(t *testing.T) {
	w := synced(t, kept())
	theirs := w.add(domain.KindTag, domain.Fields{"name": "theirs", "slug": "theirs"})
	for r := range w.inv.Table(domain.KindProxmoxStorage).Rows() {
		r.Fields["tags"] = domain.Refs{theirs}
	}
	opt := everything
	opt.TagParts = true
	d := desire.Build([]*domain.Snapshot{kept()}, opt)
	for flag, want := range map[bool]int{true: 2, false: 0} {
		p := plan.Make(plan.Input{Objects: d.Objects, Whole: d.Whole, Inventory: w.inv, AddTags: true,
			Owns: desire.Owns(func(name string) bool { return name != "storage_tags" || flag })})
		tagged := 0
		for _, c := range p.Changes {
			if c.Kind == domain.KindProxmoxStorage && len(c.Set["add_tags"].(domain.Refs)) == 1 {
				tagged++
			}
		}
		if tagged != want {
			t.Errorf("overwrite_storage_tags=%t: %d storages are tagged, not %d", flag, tagged, want)
		}
	}
}
