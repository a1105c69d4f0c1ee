package desire

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"proxbox/internal/domain"
)

// fieldsOf are the fields of the only object of a kind that a snapshot makes.
func fieldsOf(t *testing.T, kind domain.Kind, opt Options, change func(s *domain.Snapshot)) domain.Fields {
	t.Helper()
	s := snapshot(virtualMachine(func(*domain.Guest, *domain.GuestConfig) {}))
	change(s)
	return one(t, Build([]*domain.Snapshot{s}, opt), kind).Fields
}

// TestStorage: every option that the plugin has a field for, and no secret.
func TestStorage(t *testing.T) {
	got := fieldsOf(t, domain.KindProxmoxStorage, full, func(s *domain.Snapshot) {
		s.Storages = domain.Is([]domain.Storage{{Name: "pbs", Type: "pbs", Content: []string{"backup"}, Nodes: []string{"pve1", "pve2"}, Shared: true, Options: map[string]string{
			"server": "192.0.2.30", "datastore": "store", "namespace": "lab", "username": "backup@pbs", "port": "8007", "prune-backups": "keep-all=1",
			"max-protected-backups": "-1", "fingerprint": "aa:bb", "export": "/srv", "share": "s", "pool": "p", "monhost": "m", "subdir": "d", "mountpoint": "/m",
			"is_mountpoint": "yes", "preallocation": "off", "format": "raw", "path": "/p",
		}}})
	})
	want := domain.Fields{
		"cluster": domain.To(domain.KindCluster, "c1"), "name": "pbs", "storage_type": "pbs", "content": "backup", "nodes": "pve1,pve2", "shared": true, "enabled": false,
		"server": "192.0.2.30", "datastore": "store", "namespace": "lab", "username": "backup@pbs", "port": 8007, "prune_backups": "keep-all=1",
		"max_protected_backups": -1, "export": "/srv", "share": "s", "pool": "p", "monhost": "m", "subdir": "d", "mountpoint": "/m", "is_mountpoint": "yes",
		"preallocation": "off", "format": "raw", "path": "/p",
		"raw_config": `{"content":"backup","datastore":"store","disable":"1","export":"/srv","fingerprint":"aa:bb","format":"raw","is_mountpoint":"yes",` +
			`"max-protected-backups":"-1","monhost":"m","mountpoint":"/m","namespace":"lab","nodes":"pve1,pve2","path":"/p","pool":"p","port":"8007",` +
			`"preallocation":"off","prune-backups":"keep-all=1","server":"192.0.2.30","share":"s","shared":"1","storage":"pbs","subdir":"d","type":"pbs","username":"backup@pbs"}`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestStorageOptions: what does not fit, and what is not set, which empties the
// field.
func TestStorageOptions(t *testing.T) {
	for _, c := range []struct {
		name, option, value, field string
		opt                        Options
		want                       any
	}{
		{"not set", "path", "", "path", full, ""},
		{"too long", "path", strings.Repeat("/x", 200), "path", full, strings.Repeat("/x", 127) + "/"},
		{"a port that is none", "port", "default", "port", full, nil},
		{"a port below all", "port", "-1", "port", full, nil},
		{"a number that the plugin has no room for", "max-protected-backups", "99999999999", "max_protected_backups", full, nil},
	} {
		got := fieldsOf(t, domain.KindProxmoxStorage, c.opt, func(s *domain.Snapshot) {
			s.Storages = domain.Is([]domain.Storage{{Name: "x", Options: map[string]string{c.option: c.value}}})
		})
		if v, ok := got[c.field]; v != c.want || !ok {
			t.Errorf("%s: %v", c.name, v)
		}
	}
	var many []string
	for range 100 {
		many = append(many, "node")
	}
	for sync, want := range map[bool]int{true: 499, false: 255} {
		opt := full
		opt.SyncState = sync
		got := fieldsOf(t, domain.KindProxmoxStorage, opt, func(s *domain.Snapshot) { s.Storages = domain.Is([]domain.Storage{{Name: "x", Nodes: many}}) })
		if n := len(got["nodes"].(string)); n != want {
			t.Errorf("sync-state rows %t: nodes has %d characters", sync, n)
		}
	}
}

// TestDiskIsOnStorage: the link of a disk is set, emptied, or left alone.
func TestDiskIsOnStorage(t *testing.T) {
	for _, c := range []struct {
		name     string
		disk     string
		storages domain.Known[[]domain.Storage]
		complete bool
		want     any // "left" for not touched
	}{
		{"there", "nas", domain.Is([]domain.Storage{{Name: "nas"}}), true, domain.To(domain.KindProxmoxStorage, "c1/storage/nas")},
		{"gone", "nas", domain.Is([]domain.Storage{}), true, nil},
		{"perhaps hidden", "nas", domain.Is([]domain.Storage{}), false, "left"},
		{"not read", "nas", domain.Known[[]domain.Storage]{}, true, "left"},
		{"passed through", "", domain.Is([]domain.Storage{{Name: "nas"}}), false, nil},
	} {
		g := virtualMachine(func(_ *domain.Guest, cfg *domain.GuestConfig) {
			cfg.Disks = []domain.Disk{{Key: "scsi0", Storage: c.disk, SizeMB: 10}}
		})
		s := snapshot(g)
		s.Storages, s.Complete.Storages = c.storages, c.complete
		got, ok := one(t, Build([]*domain.Snapshot{s}, full), domain.KindVirtualDiskState).Fields["proxbox_storage"]
		if !ok {
			got = "left"
		}
		if got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// TestSnapshot: a snapshot's moments are UTC, its storage is the system disk's.
func TestSnapshot(t *testing.T) {
	g := virtualMachine(func(_ *domain.Guest, cfg *domain.GuestConfig) {
		cfg.Disks = []domain.Disk{{Key: "efidisk0", Storage: "local", SizeMB: 1}, {Key: "scsi0", Storage: "ceph", SizeMB: 10}}
	})
	g.Snapshots = domain.Is([]domain.GuestSnapshot{{Name: "daily", Description: "before 13\n", Parent: "old", Time: 1770000000, WithMemory: true}})
	s := snapshot(g)
	s.Storages = domain.Is([]domain.Storage{{Name: "ceph"}, {Name: "local"}})
	d := Build([]*domain.Snapshot{s}, full)
	o := one(t, d, domain.KindSnapshot)
	want := domain.Fields{
		"virtual_machine": domain.To(domain.KindVirtualMachine, "c1/qemu/100"), "proxmox_storage": domain.To(domain.KindProxmoxStorage, "c1/storage/ceph"),
		"name": "daily", "vmid": 100, "node": "pve1", "subtype": "qemu", "status": "active", "description": "before 13", "parent": "old", "snaptime": "2026-02-02T02:40:00Z",
	}
	if diff := cmp.Diff(want, o.Fields); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if o.Key != "c1/qemu/100/snapshot/daily" || !d.Whole[domain.PartsOf{Owner: "c1/qemu/100", Kind: domain.KindSnapshot}] {
		t.Errorf("key %s, whole %v", o.Key, d.Whole)
	}
}

// TestBackup: local and PBS volumes.
func TestBackup(t *testing.T) {
	for _, c := range []struct {
		name   string
		volume domain.Backup
		want   domain.Fields
	}{
		{
			"a local one", domain.Backup{VolumeID: "nas:backup/vzdump-qemu-100-2026_02_01-02_00_00.vma.zst", Storage: "nas", VMID: 100, Type: domain.QEMU, Format: "vma.zst",
				SizeBytes: 1 << 40, Created: 1770000000, Notes: "web-01\n", Protected: true},
			domain.Fields{
				"virtual_machine": domain.To(domain.KindVirtualMachine, "c1/qemu/100"), "proxmox_storage": domain.To(domain.KindProxmoxStorage, "c1/storage/nas"),
				"storage": "nas", "volume_id": "nas:backup/vzdump-qemu-100-2026_02_01-02_00_00.vma.zst", "vmid": 100, "subtype": "qemu", "format": "tzst",
				"creation_time": "2026-02-02T02:40:00Z", "size": 1 << 40, "used": nil, "notes": "web-01", "encrypted": "", "verification_state": "", "verification_upid": "",
			},
		},
		{
			"one of PBS", domain.Backup{VolumeID: "pbs:backup/vm/100/2026-02-02T02:40:00Z", Storage: "pbs", VMID: 100, Type: domain.QEMU, Format: "pbs-vm", SizeBytes: 10, UsedBytes: 5,
				Encrypted: "11:22", VerificationState: "ok", VerificationUPID: "UPID:1"},
			domain.Fields{
				"virtual_machine": domain.To(domain.KindVirtualMachine, "c1/qemu/100"), "proxmox_storage": domain.To(domain.KindProxmoxStorage, "c1/storage/pbs"),
				"storage": "pbs", "volume_id": "pbs:backup/vm/100/2026-02-02T02:40:00Z", "vmid": 100, "subtype": "qemu", "format": "pbs-vm", "creation_time": nil,
				"size": 10, "used": 5, "notes": "", "encrypted": "11:22", "verification_state": "ok", "verification_upid": "UPID:1",
			},
		},
	} {
		got := fieldsOf(t, domain.KindBackup, full, func(s *domain.Snapshot) {
			s.Storages = domain.Is([]domain.Storage{{Name: c.volume.Storage, Backups: domain.Known[[]domain.Backup]{Value: []domain.Backup{c.volume}}}})
		})
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
}

func TestBackupFormat(t *testing.T) {
	for name, want := range map[string]string{
		"vma.zst": "tzst", "tar.zst": "tzst", "zst": "tzst", "tgz": "tgz", "tar.gz": "tgz", "tar": "tar", "pbs-ct": "pbs-ct", "vma.lzo": "undefined", "vma": "undefined", "": "undefined",
	} {
		if got := backupFormat(domain.Backup{Format: name}); got != want {
			t.Errorf("%q is %q", name, got)
		}
	}
	if got := backupFormat(domain.Backup{VolumeID: "local:backup/vzdump-lxc-100-x.tar.zst"}); got != "tzst" {
		t.Errorf("by its name it is %q", got)
	}
}

// TestWhoseBackup: a backup is the guest's of its type and vmid; those of
// guests that are not there are told once, and only where all guests are shown.
func TestWhoseBackup(t *testing.T) {
	s := snapshot(virtualMachine(func(*domain.Guest, *domain.GuestConfig) {}))
	s.Cluster.Quorate = true
	s.Storages = domain.Is([]domain.Storage{{Name: "nas", Backups: domain.Is([]domain.Backup{
		{VolumeID: "a", VMID: 100, Type: domain.QEMU}, {VolumeID: "b", VMID: 100, Type: domain.LXC}, {VolumeID: "c", VMID: 100}, {VolumeID: "d", VMID: 900, Type: domain.QEMU},
		{VolumeID: "a", VMID: 100, Type: domain.QEMU},
	})}})
	var keys []string
	for _, o := range wanted(Build([]*domain.Snapshot{s}, full), domain.KindBackup) {
		keys = append(keys, string(o.Fields["virtual_machine"].(domain.Ref).Key)+" "+string(o.Key))
	}
	want := []string{"c1/qemu/100 c1/qemu/100/backup/a", "c1/lxc/100 c1/lxc/100/backup/b", "c1/qemu/100 c1/qemu/100/backup/c", "c1/qemu/900 c1/qemu/900/backup/d"}
	if d := cmp.Diff(want, keys); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for _, complete := range []bool{false, true} {
		s.Complete.Guests = complete
		d := Build([]*domain.Snapshot{s}, full)
		if told := len(d.Problems) == 1 && strings.HasPrefix(d.Problems[0].Reason, "2 are of guests"); told != complete {
			t.Errorf("all guests shown %t: %v", complete, d.Problems)
		}
		if !d.Whole[domain.PartsOf{Owner: "c1/storage/nas", Kind: domain.KindBackup}] {
			t.Error("all backups of the storage are known")
		}
	}
}

// TestTask: every field, and which tasks are about a guest.
func TestTask(t *testing.T) {
	started := domain.Task{UPID: "UPID:1", Node: "pve1", Type: "qmstart", ID: "100", User: "root@pam", PID: 4096, PStart: 1 << 40, Start: 1770000000, Status: "running"}
	ended := started
	ended.End, ended.Status, ended.ExitStatus = 1770000030, "stopped", "WARNINGS: 1"
	want := domain.Fields{
		"virtual_machine": domain.To(domain.KindVirtualMachine, "c1/qemu/100"), "vm_type": "qemu", "upid": "UPID:1", "node": "pve1", "task_id": "100", "pid": 4096,
		"pstart": 1 << 40, "task_type": "qmstart", "username": "root@pam", "start_time": "2026-02-02T02:40:00Z", "end_time": nil, "description": "QEMU 100 - Start",
		"status": "running", "task_state": "running", "exitstatus": "",
	}
	tasks := func(list ...domain.Task) func(*domain.Snapshot) {
		return func(s *domain.Snapshot) { s.Nodes[0].Tasks.Value = list }
	}
	if d := cmp.Diff(want, fieldsOf(t, domain.KindTaskHistory, full, tasks(started))); d != "" {
		t.Errorf("it runs (-want +got):\n%s", d)
	}
	want["end_time"], want["status"], want["task_state"], want["exitstatus"] = "2026-02-02T02:40:30Z", "WARNINGS: 1", "stopped", "WARNINGS: 1"
	if d := cmp.Diff(want, fieldsOf(t, domain.KindTaskHistory, full, tasks(ended))); d != "" {
		t.Errorf("it ended (-want +got):\n%s", d)
	}
	for _, c := range []struct {
		name   string
		change func(*domain.Task)
		want   string // the guest's key; "" for no guest
	}{
		{"of a guest", func(*domain.Task) {}, "c1/qemu/100"},
		{"of all guests", func(x *domain.Task) { x.ID = "" }, ""},
		{"of no guest", func(x *domain.Task) { x.ID = "pveproxy" }, ""},
		{"of either type", func(x *domain.Task) { x.Type = "vzdump" }, "c1/qemu/100"},
		{"of a container that had the vmid", func(x *domain.Task) { x.Type = "vzstart" }, "c1/lxc/100"},
		{"of a guest that is gone", func(x *domain.Task) { x.ID = "900" }, "c1/qemu/900"},
		{"of a guest of a type that nobody knows", func(x *domain.Task) { x.ID, x.Type = "900", "vzdump" }, ""},
		{"from before the guest was made", func(x *domain.Task) { x.End = 1600000000 }, ""},
		{"too old", func(x *domain.Task) { x.Start = 1600000000 }, ""},
	} {
		s := snapshot(virtualMachine(func(_ *domain.Guest, cfg *domain.GuestConfig) { cfg.CreatedAt = 1700000000 }))
		x := started
		c.change(&x)
		tasks(x)(s)
		opt := full
		opt.TasksSince = 1750000000
		var got string
		for _, o := range wanted(Build([]*domain.Snapshot{s}, opt), domain.KindTaskHistory) {
			got = string(o.Fields["virtual_machine"].(domain.Ref).Key)
		}
		if got != c.want {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}

func TestTaskDescription(t *testing.T) {
	for kind, want := range map[string]string{
		"qmstart": "Start", "qmshutdown": "Shutdown", "qmreboot": "Reboot", "qmsnapshot": "Snapshot", "qmdelsnapshot": "Snapshot", "qmrollback": "Rollback",
		"qmigrate": "Migrate", "qmrestore": "Restore", "qmclone": "Clone", "qmcreate": "Create", "move_volume": "Move", "vzdump": "Vzdump", "qmdestroy": "Qmdestroy", "": "Unknown",
	} {
		if got := taskDescription(domain.LXC, domain.Task{Type: kind, ID: "7"}); got != "CT 7 - "+want {
			t.Errorf("%s: %s", kind, got)
		}
	}
}

// TestReplication of a cluster that two of the plugin's endpoints read: a row
// of each.
func TestReplication(t *testing.T) {
	first := snapshot(virtualMachine(func(*domain.Guest, *domain.GuestConfig) {}))
	first.Nodes = []domain.Node{{Name: "pve1", SSLFingerprint: "aa"}, {Name: "pve2"}}
	first.Replications = domain.Is([]domain.Replication{{ID: "100-1", VMID: 100, Source: "pve1", Target: "pve2", Type: "local", Schedule: "*/15", Rate: 10.5,
		Comment: "warm copy\n", Disabled: true, JobNum: 1, RemoveJob: "full", Raw: map[string]any{"id": "100-1", "digest": "x"}}})
	second := *first
	second.Endpoint.ID, second.Endpoint.Name = 2, "py (nb:7)"
	rows := wanted(Build([]*domain.Snapshot{first, &second}, full), domain.KindReplication)
	if len(rows) != 2 || rows[1].Fields["endpoint"] != domain.At(domain.KindProxmoxEndpoint, 7) || rows[1].Fields["proxmox_node"] != domain.To(domain.KindProxmoxNode, "c1/node/pve2/7") {
		t.Fatalf("rows %v", rows)
	}
	want := domain.Fields{
		"endpoint": domain.At(domain.KindProxmoxEndpoint, 1), "replication_id": "100-1", "virtual_machine": domain.To(domain.KindVirtualMachine, "c1/qemu/100"), "guest": 100,
		"proxmox_node": domain.To(domain.KindProxmoxNode, "c1/node/pve2"), "target": "pve2", "source": "pve1", "schedule": "*/15", "rate": domain.Decimal(1050),
		"comment": "warm copy", "disable": true, "jobnum": 1, "remove_job": "full", "status": "active", "job_type": "local", "raw_config": `{"id":"100-1"}`,
	}
	if d := cmp.Diff(want, rows[0].Fields); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestBackupRoutine: every option that the plugin has a field for.
func TestBackupRoutine(t *testing.T) {
	got := fieldsOf(t, domain.KindBackupRoutine, full, func(s *domain.Snapshot) {
		s.Complete.Storages = true
		s.Storages = domain.Is([]domain.Storage{{Name: "nas"}, {Name: "local"}})
		s.BackupRoutines = domain.Is([]domain.BackupRoutine{{ID: "backup-1", Enabled: true, Raw: map[string]any{"id": "backup-1", "next-run": 1.0}, Options: map[string]string{
			"schedule": "02:00", "next-run": "1770000000", "node": "pve1", "storage": "nas", "vmid": "100,101", "comment": "nightly\n", "notes-template": "{{guestname}}",
			"prune-backups": "keep-last=1,keep-hourly=2,keep-daily=3,keep-weekly=4,keep-monthly=5,keep-yearly=6,keep-all=0", "bwlimit": "1000", "zstd": "2",
			"performance": "max-workers=8,pbs-entries-max=1", "fleecing": "enabled=1,storage=local", "repeat-missed": "1", "pbs-change-detection-mode": "metadata",
		}}})
	})
	want := domain.Fields{
		"endpoint": domain.At(domain.KindProxmoxEndpoint, 1), "job_id": "backup-1", "enabled": true, "schedule": "02:00", "selection": "[100,101]",
		"node": domain.To(domain.KindProxmoxNode, "c1/node/pve1"), "storage": domain.To(domain.KindProxmoxStorage, "c1/storage/nas"),
		"fleecing_storage": domain.To(domain.KindProxmoxStorage, "c1/storage/local"), "fleecing": "enabled=1,storage=local", "comment": "nightly",
		"notes_template": "{{guestname}}", "keep_last": 1, "keep_daily": 3, "keep_weekly": 4, "keep_monthly": 5, "keep_yearly": 6, "keep_all": false,
		"bwlimit": 1000, "zstd": 2, "io_workers": 8, "repeat_missed": true, "pbs_change_detection_mode": "metadata", "status": "active", "raw_config": `{"id":"backup-1"}`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for _, c := range []struct {
		options map[string]string
		want    string
	}{
		{map[string]string{"all": "1"}, `["all"]`},
		{map[string]string{"all": "1", "exclude": "103"}, `["all","except 103"]`},
		{map[string]string{"pool": "prod"}, `["pool prod"]`},
		{nil, `["all"]`},
	} {
		if got := selection(c.options); got != c.want {
			t.Errorf("%v: %s", c.options, got)
		}
	}
}

// TestNoPlaceForRecords: without the plugin, or its record of the endpoint, one
// sentence says so.
func TestNoPlaceForRecords(t *testing.T) {
	s := snapshot(virtualMachine(func(*domain.Guest, *domain.GuestConfig) {}))
	s.Storages = domain.Is([]domain.Storage{{Name: "nas"}})
	s.Replications.Value = []domain.Replication{{ID: "100-0"}, {ID: "100-1"}}
	s.BackupRoutines = domain.Is([]domain.BackupRoutine{{ID: "a"}})
	opt := full
	opt.Plugin, opt.SyncState = false, false
	if d := Build([]*domain.Snapshot{s, s}, opt); len(d.Problems) != 1 || len(wanted(d, domain.KindProxmoxStorage)) > 0 {
		t.Errorf("without the plugin: %v", d.Problems)
	}
	s.Endpoint.Name = "px"
	d := Build([]*domain.Snapshot{s}, full)
	if len(d.Problems) != 2 || !strings.HasPrefix(d.Problems[0].Reason, "2 are left out") || len(wanted(d, domain.KindReplication)) > 0 || len(wanted(d, domain.KindProxmoxStorage)) != 1 {
		t.Errorf("without its record: %v", d.Problems)
	}
}

// TestTagOfRecords: they carry our tag only where everything does.
func TestTagOfRecords(t *testing.T) {
	s := snapshot()
	s.Storages = domain.Is([]domain.Storage{{Name: "nas"}})
	opt := full
	for _, all := range []bool{false, true} {
		opt.TagParts = all
		if got := len(one(t, Build([]*domain.Snapshot{s}, opt), domain.KindProxmoxStorage).Tags.Mark) > 0; got != all {
			t.Errorf("all parts %t, storage %t", all, got)
		}
	}
}

// TestTwoEndpointsCompleteEachOthersLists: of two that read one cluster, the
// list that is whole counts, else the longer one.
func TestTwoEndpointsCompleteEachOthersLists(t *testing.T) {
	picture := func(id, backups, tasks, jobs int, whole bool) *domain.Snapshot {
		s := snapshot(virtualMachine(func(*domain.Guest, *domain.GuestConfig) {}))
		s.Endpoint.ID, s.Nodes[0].SSLFingerprint = id, "aa"
		if id == 2 {
			s.Endpoint.Name = "py" // of which the plugin knows nothing
		}
		nas := domain.Storage{Name: "nas"}
		for i := range backups {
			nas.Backups.Value = append(nas.Backups.Value, domain.Backup{VolumeID: itoa(i), VMID: 100})
		}
		for i := range tasks {
			s.Nodes[0].Tasks.Value = append(s.Nodes[0].Tasks.Value, domain.Task{UPID: itoa(i), ID: "100", Start: 1})
		}
		for i := range jobs {
			s.Replications.Value = append(s.Replications.Value, domain.Replication{ID: itoa(i), VMID: 100})
		}
		nas.Backups.OK, s.Nodes[0].Tasks.OK, s.Replications.OK = whole, whole, whole
		s.Storages = domain.Is([]domain.Storage{nas})
		return s
	}
	for _, c := range []struct {
		name          string
		first, second *domain.Snapshot
		want          int
	}{
		{"the second sees more", picture(1, 1, 1, 1, false), picture(2, 3, 3, 3, false), 3},
		{"the first sees more", picture(1, 3, 3, 3, false), picture(2, 1, 1, 1, false), 3},
		{"the second sees all, which is less", picture(1, 3, 3, 3, false), picture(2, 1, 1, 1, true), 1},
	} {
		d := Build([]*domain.Snapshot{c.first, c.second}, full)
		for _, kind := range []domain.Kind{domain.KindBackup, domain.KindTaskHistory, domain.KindReplication} {
			if n := len(wanted(d, kind)); n != c.want {
				t.Errorf("%s: %d of %s", c.name, n, kind)
			}
		}
	}
}
