//go:build e2e

package plugin

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	proxmoxsim "proxbox/internal/sim/proxmox"
)

// alone is what the plugin's form can ask for, and the stages that come of it.
var alone = []struct {
	kind   string
	stages []string
}{
	{"devices", nil},
	{"storage", nil},
	{"virtual-machines", nil},
	{"task-history", nil},
	{"vm-disks", nil},
	{"vm-backups", nil},
	{"vm-snapshots", nil},
	{"network-interfaces", []string{"network-interfaces", "vm-interfaces"}},
	{"vm-interfaces", nil},
	{"ip-addresses", []string{"vm-interfaces", "ip-addresses"}},
	{"sdn", nil},
	{"replications", nil},
	{"backup-routines", nil},
}

// testStages: each stage that the form can ask for, on its own, ends well and
// finds nothing to change.
func testStages(t *testing.T, f *field) {
	f.Tap.Clear()
	jobs := f.jobs(t, len(alone), func() {
		for _, a := range alone {
			f.press(t, "/plugins/proxbox/sync/schedule/", url.Values{"sync_types": {a.kind}, "interval_unit": {"hours"}})
		}
	})
	for i, a := range alone {
		want := a.stages
		if want == nil {
			want = []string{a.kind}
		}
		completed(t, jobs[i])
		if got := jobs[i].types(); !slices.Equal(got, want) {
			t.Errorf("%s: the stages %v ran, want %v", a.kind, got, want)
		}
		for _, s := range jobs[i].Data.Sync.Response.Stages {
			// SDN is off by the plugin's own default.
			if s.Result.Skipped != (s.Type == "sdn") || !s.Result.OK {
				t.Errorf("%s: the stage %s: %+v", a.kind, s.Type, s.Result)
			}
		}
	}
	f.untouched(t, "stages on their own")
}

// testButtons: each button of the plugin ends well, those that start a job and
// those that answer at once, and none writes where nothing changed.
func testButtons(t *testing.T, f *field) {
	vm := f.id(t, "virtualization/virtual-machines", "name=web-01")
	container := f.id(t, "virtualization/virtual-machines", "name=files-01")
	storage := f.id(t, "plugins/proxbox/storage", "name=local-lvm")
	snapshot := f.id(t, "plugins/proxbox/snapshots", "name=before-upgrade")
	backup := f.id(t, "plugins/proxbox/backups", "storage=nas")
	task := f.id(t, "plugins/proxbox/task-history", "limit=1")
	selected := func(ids ...int) url.Values {
		form := url.Values{}
		for _, id := range ids {
			form.Add("pk", fmt.Sprint(id))
		}
		return form
	}
	buttons := []struct {
		path string
		form url.Values
	}{
		{"/plugins/proxbox/sync/devices/", nil},
		{"/plugins/proxbox/sync/storage/", nil},
		{"/plugins/proxbox/sync/virtual-machines/", nil},
		{"/plugins/proxbox/sync/virtual-machines/virtual-disks/", nil},
		{"/plugins/proxbox/sync/virtual-machines/backups/", nil},
		{"/plugins/proxbox/sync/virtual-machines/snapshots/", nil},
		{"/plugins/proxbox/sync/network-interfaces/", nil},
		{"/plugins/proxbox/sync/ip-addresses/", nil},
		{"/plugins/proxbox/sync/replications/", nil},
		{"/plugins/proxbox/sync/backup-routines/", nil},
		{fmt.Sprintf("/plugins/proxbox/endpoints/proxmox/%d/sync-now/", f.plugin.ProxmoxIDs[0]), nil},
		{fmt.Sprintf("/virtualization/virtual-machines/%d/proxbox-sync-now/", vm), nil},
		{"/plugins/proxbox/sync/selected/virtual-machines/", selected(vm, container)},
		{"/plugins/proxbox/sync/selected/storage/", selected(storage)},
		{"/plugins/proxbox/sync/selected/snapshots/", selected(snapshot)},
		{"/plugins/proxbox/sync/selected/backups/", selected(backup)},
		{"/plugins/proxbox/sync/selected/task-history/", selected(task)},
	}
	f.Tap.Clear()
	for i, j := range f.jobs(t, len(buttons), func() {
		for _, b := range buttons {
			f.press(t, b.path, b.form)
		}
	}) {
		if j.Status.Value != "completed" {
			t.Errorf("%s: %s", buttons[i].path, j.text())
		}
	}
	f.untouched(t, "buttons that start a job")

	for _, path := range []string{
		fmt.Sprintf("proxmox-clusters/%d", f.id(t, "plugins/proxbox/proxmox-clusters", "name=demo")),
		fmt.Sprintf("proxmox-nodes/%d", f.id(t, "plugins/proxbox/proxmox-nodes", "name=pve1")),
		fmt.Sprintf("storage/%d", storage),
		fmt.Sprintf("snapshots/%d", snapshot),
		fmt.Sprintf("backups/%d", backup),
		fmt.Sprintf("task-history/%d", task),
	} {
		path = "/plugins/proxbox/" + path + "/proxbox-sync-now/"
		f.Tap.Clear()
		if page := f.press(t, path, nil); !strings.Contains(page, "successfully") {
			t.Errorf("%s: %s: %s", path, title(page), messages(page))
		}
		f.untouched(t, path)
	}
}

// testOneGuest: the button of one guest brings that guest up to date, and no
// other.
func testOneGuest(t *testing.T, f *field) {
	vm := f.id(t, "virtualization/virtual-machines", "name=web-01")
	other := f.id(t, "virtualization/virtual-machines", "name=db-01")
	status := func(id int) string {
		var got struct{ Status struct{ Value string } }
		f.Must(t, http.MethodGet, fmt.Sprintf("/api/virtualization/virtual-machines/%d/", id), nil, &got)
		return got.Status.Value
	}
	sync := func() {
		t.Helper()
		j := f.jobs(t, 1, func() { f.press(t, fmt.Sprintf("/virtualization/virtual-machines/%d/proxbox-sync-now/", vm), nil) })[0]
		completed(t, j)
		if got := j.types(); !slices.Equal(got, []string{"virtual-machines", "vm-backups", "vm-snapshots"}) {
			t.Errorf("the stages %v ran", got)
		}
		for _, s := range j.Data.Sync.Response.Stages {
			if !strings.Contains(s.Path, fmt.Sprintf("/%d/", vm)) {
				t.Errorf("the stage %s was asked for all guests: %s", s.Type, s.Path)
			}
		}
	}
	f.pve.Change(t, func(e *proxmoxsim.Estate) {
		e.Guest(vmidOf(e, "web-01")).Stop()
		e.Guest(vmidOf(e, "db-01")).Stop()
	})
	sync()
	if got := status(vm); got != "offline" {
		t.Errorf("the guest that was synced is %s", got)
	}
	if got := status(other); got != "active" {
		t.Errorf("the guest that was not synced is %s", got)
	}
	f.pve.Change(t, func(e *proxmoxsim.Estate) {
		e.Guest(vmidOf(e, "web-01")).Start()
		e.Guest(vmidOf(e, "db-01")).Start()
	})
	sync()
	if got := status(vm); got != "active" {
		t.Errorf("the guest that was synced again is %s", got)
	}
	f.recovered(t)
}

// vmidOf is the number of the guest of a name.
func vmidOf(e *proxmoxsim.Estate, name string) int {
	for _, g := range e.Guests {
		if g.Name() == name {
			return g.VMID
		}
	}
	return 0
}
