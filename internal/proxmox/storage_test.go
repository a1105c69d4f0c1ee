package proxmox

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"proxbox/internal/domain"
)

func TestStorages(t *testing.T) {
	raw := `[
		{"digest":"92","type":"lvmthin","vgname":"pve","thinpool":"data","storage":"local-lvm","content":"rootdir,images"},
		{"storage":"nfs","type":"nfs","server":"192.0.2.9","export":"/x","content":"iso,vztmpl,snippets,import,backup","nodes":"pve2,pve1","prune-backups":{"keep-last":"3","keep-daily":7},"password":"p","options":"vers=4.2"},
		{"storage":"dir","type":"dir","path":"/srv","prune-backups":"keep-last=3","disable":"1","shared":1,"content":null},
		{"storage":"list","type":"dir","nodes":["a","b"]},
		{"type":"dir"},"x"]`
	got, odd, err := parseStorages(json.RawMessage(raw))
	want := []domain.Storage{
		{Name: "dir", Type: "dir", Content: []string{}, Nodes: []string{}, Shared: true, Options: map[string]string{"path": "/srv", "prune-backups": "keep-last=3"}},
		{Name: "list", Type: "dir", Content: []string{}, Nodes: []string{"a", "b"}, Enabled: true, Options: map[string]string{}},
		{Name: "local-lvm", Type: "lvmthin", Content: []string{"images", "rootdir"}, Nodes: []string{}, Enabled: true, Options: map[string]string{"vgname": "pve", "thinpool": "data"}},
		{Name: "nfs", Type: "nfs", Content: []string{"backup", "import", "iso", "snippets", "vztmpl"}, Nodes: []string{"pve1", "pve2"}, Shared: true, Enabled: true,
			Options: map[string]string{"server": "192.0.2.9", "export": "/x", "prune-backups": "keep-daily=7,keep-last=3", "options": "vers=4.2"}},
	}
	for i := range got {
		got[i].Content, got[i].Nodes = append([]string{}, got[i].Content...), append([]string{}, got[i].Nodes...)
	}
	if err != nil || len(odd) != 2 || !reflect.DeepEqual(got, want) {
		t.Errorf("\n%+v, %v, %v, want\n%+v", got, odd, err, want)
	}
}

func TestBackups(t *testing.T) {
	raw := `[
		{"vmid":133,"size":34359738368,"used":1024,"volid":"pbs:backup/vm/133/2026-08-30T02:03:57Z","verification":{"state":"ok","upid":"UPID:pbs:1"},"format":"pbs-vm","notes":"host\n","content":"backup","ctime":1788055437,"subtype":"qemu","encrypted":"AA:BB","protected":1},
		{"volid":"pbs:backup/ct/104/2026-08-30T05:00:00Z","format":"pbs-ct","size":"1073741824","ctime":"1788066000","verification":null},
		{"content":"backup","ctime":1786864579,"format":"tar.zst","size":1273148176,"subtype":"lxc","vmid":"105","volid":"nas:backup/vzdump-lxc-104-2026_08_16-02_16_19.tar.zst","protected":"0"},
		{"volid":"nas:backup/vzdump-openvz-9-2014.tar","content":"backup"},
		{"volid":"nas:backup/by-hand.vma","content":"backup","verification":"odd"},
		{"volid":"nas:backup/vzdump-qemu-99999999999999999999999-1.vma","content":"backup"},
		{"volid":"nas:iso/x.iso","content":"iso"},
		{"content":"backup"},7]`
	got, odd, err := parseBackups(json.RawMessage(raw), "s", "n")
	want := []domain.Backup{
		{VolumeID: "nas:backup/by-hand.vma"},
		{VolumeID: "nas:backup/vzdump-lxc-104-2026_08_16-02_16_19.tar.zst", VMID: 105, Type: "lxc", Format: "tar.zst", SizeBytes: 1273148176, Created: 1786864579},
		{VolumeID: "nas:backup/vzdump-openvz-9-2014.tar", VMID: 9, Type: "lxc"},
		{VolumeID: "nas:backup/vzdump-qemu-99999999999999999999999-1.vma", Type: "qemu"},
		{VolumeID: "pbs:backup/ct/104/2026-08-30T05:00:00Z", VMID: 104, Type: "lxc", Format: "pbs-ct", SizeBytes: 1 << 30, Created: 1788066000},
		{VolumeID: "pbs:backup/vm/133/2026-08-30T02:03:57Z", VMID: 133, Type: "qemu", Format: "pbs-vm", SizeBytes: 32 << 30, UsedBytes: 1024, Created: 1788055437, Notes: "host", Encrypted: "AA:BB", VerificationState: "ok", VerificationUPID: "UPID:pbs:1", Protected: true},
	}
	for i := range want {
		want[i].Storage, want[i].Node = "s", "n"
	}
	if err != nil || len(odd) != 2 || !reflect.DeepEqual(got, want) {
		t.Errorf("\n%+v, %v, %v, want\n%+v", got, odd, err, want)
	}
}

// TestBackupNodes: a shared storage is listed through one node that answers,
// any other through each; what one node keeps back makes the list unknown.
func TestBackupNodes(t *testing.T) {
	volume := data(`[{"volid":"s:backup/vzdump-qemu-100-1.vma","content":"backup"}]`)
	for name, tt := range map[string]struct {
		storage string
		answers map[string]answer
		asked   string // the nodes
		known   bool
		volumes int
	}{
		"shared":             {`"type":"nfs"`, map[string]answer{"pve1": volume, "pve2": volume}, "pve1", true, 1},
		"shared by its flag": {`"type":"dir","shared":1`, map[string]answer{"pve1": volume, "pve2": volume}, "pve1", true, 1},
		"the first is down":  {`"type":"nfs"`, map[string]answer{"pve1": unreachable, "pve2": volume}, "pve1 pve2", true, 1},
		"the storage fails":  {`"type":"nfs"`, map[string]answer{"pve1": refused(500, "storage 's' is not online"), "pve2": volume}, "pve1", false, 0},
		"all are down":       {`"type":"nfs"`, map[string]answer{"pve1": unreachable, "pve2": unreachable}, "pve1 pve2", false, 0},
		"local":              {`"type":"dir","nodes":"pve1,pve2"`, map[string]answer{"pve1": volume, "pve2": volume}, "pve1 pve2", true, 2},
		"local, one fails":   {`"type":"dir","nodes":"pve1,pve2"`, map[string]answer{"pve1": forbidden, "pve2": volume}, "pve1 pve2", false, 1},
		"local, one is off":  {`"type":"dir"`, map[string]answer{"pve1": volume, "pve2": volume}, "pve1 pve2", false, 2},
		"an odd row":         {`"type":"nfs"`, map[string]answer{"pve1": data(`[5,{"volid":"s:backup/vzdump-qemu-100-1.vma"}]`)}, "pve1", false, 1},
		"empty":              {`"type":"nfs"`, map[string]answer{"pve1": data(`[]`)}, "pve1", true, 0},
		"disabled":           {`"type":"nfs","disable":1`, nil, "", false, 0},
		"on no node of ours": {`"type":"nfs","nodes":"elsewhere"`, nil, "", false, 0},
		"local, on none":     {`"type":"dir","nodes":"elsewhere"`, nil, "", false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			answers := map[string]answer{"/storage": data(`[{"storage":"s","content":"backup",` + tt.storage + `}]`)}
			for node, a := range tt.answers {
				answers[Path("nodes", node, "storage", "s", "content")] = a
			}
			pve := without(answers)
			snap := snapshot(t, pve.reader(t), Scope{Backups: true})
			var asked []string
			for _, node := range []string{"pve1", "pve2", "pve3"} {
				if pve.count(Path("nodes", node, "storage", "s", "content")) == 1 {
					asked = append(asked, node)
				}
			}
			s := snap.Storages.Value[0]
			if strings.Join(asked, " ") != tt.asked || s.Backups.OK != tt.known || len(s.Backups.Value) != tt.volumes {
				t.Errorf("asked %q, backups %+v", asked, s.Backups)
			}
			if snap.Complete.Backups != (tt.known || name == "disabled") {
				t.Errorf("complete: %+v", snap.Complete)
			}
		})
	}
}

func TestReplications(t *testing.T) {
	raw := `[
		{"id":"200-1","guest":"200","jobnum":1,"target":"pve2","type":"local","rate":"10.5","disable":1,"comment":"x\n","remove_job":"local","source":"pve1","schedule":"*/15"},
		{"id":"100-0","target":"pve2","type":"local","rate":-1},
		{"id":"odd","guest":7},
		{"guest":5},[]]`
	got, odd, err := parseReplications(json.RawMessage(raw))
	for i := range got {
		if got[i].Raw["id"] != got[i].ID {
			t.Errorf("raw %v", got[i].Raw)
		}
		got[i].Raw = nil
	}
	want := []domain.Replication{
		{ID: "100-0", VMID: 100, Target: "pve2", Type: "local"},
		{ID: "200-1", VMID: 200, JobNum: 1, Source: "pve1", Target: "pve2", Type: "local", Schedule: "*/15", Rate: 10.5, Comment: "x", Disabled: true, RemoveJob: "local"},
		{ID: "odd", VMID: 7},
	}
	if err != nil || len(odd) != 2 || !reflect.DeepEqual(got, want) {
		t.Errorf("\n%+v, %v, %v, want\n%+v", got, odd, err, want)
	}
}

func TestBackupRoutines(t *testing.T) {
	raw := `[
		{"id":"b","enabled":0,"schedule":"sat 02:00","storage":"pbs","vmid":"100,101","prune-backups":{"keep-last":"3"}},
		{"id":"a","all":1,"fleecing":{"enabled":"1","storage":"x"},"repeat-missed":0,"exclude":["1","2"]},
		{"schedule":"x"},null]`
	got, odd, err := parseBackupRoutines(json.RawMessage(raw))
	if err != nil || len(odd) != 2 || len(got) != 2 {
		t.Fatalf("%+v, %v, %v", got, odd, err)
	}
	a, b := got[0], got[1]
	if want := map[string]string{"all": "1", "fleecing": "enabled=1,storage=x", "repeat-missed": "0", "exclude": "1,2"}; a.ID != "a" || !a.Enabled || !reflect.DeepEqual(a.Options, want) {
		t.Errorf("%+v", a)
	}
	if want := map[string]string{"schedule": "sat 02:00", "storage": "pbs", "vmid": "100,101", "prune-backups": "keep-last=3"}; b.ID != "b" || b.Enabled || !reflect.DeepEqual(b.Options, want) || b.Raw["id"] != "b" {
		t.Errorf("%+v", b)
	}
}
