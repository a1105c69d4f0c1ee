//go:build e2e

package plugin

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	proxmoxsim "proxbox/internal/sim/proxmox"
	"proxbox/test/lab"
)

// field is NetBox with the plugin, the program and a fakepve, after a first
// Full Update.
type field struct {
	*lab.Server
	backend *service
	pve     *lab.FakeProxmox
	plugin  lab.Plugin
	browser *lab.Browser
}

func newField(t *testing.T, guests int, environment ...string) *field {
	t.Helper()
	f := &field{Server: lab.NetBox(t), pve: lab.FakePVE(t, proxmoxsim.Demo(guests)), backend: serve(t, environment...)}
	f.plugin = f.ConnectPlugin(t, lab.Backend{URL: f.backend.url, Key: key}, f.pve.PluginEndpoint())
	f.StartWorker(t)
	if out, err := f.FullUpdate(t.Context()); err != nil {
		t.Fatalf("the first Full Update: %v\n%s", err, out)
	}
	f.browser = f.Browse(t)
	return f
}

// id is the NetBox id of the one object that a list's filter finds.
func (f *field) id(t *testing.T, list, filter string) int {
	t.Helper()
	var page struct {
		Results []struct{ ID int } `json:"results"`
	}
	f.Must(t, http.MethodGet, "/api/"+list+"/?"+filter, nil, &page)
	if len(page.Results) == 0 {
		t.Fatalf("%s has nothing with %s", list, filter)
	}
	return page.Results[0].ID
}

var sitemapPath = regexp.MustCompile(`/plugins/proxbox/[^\s]*`)

// TestPages: every page of the plugin's sitemap, and those that show what the
// program answers, with data on them.
func TestPages(t *testing.T) {
	f := newField(t, 20)
	status, sitemap := f.browser.Get(t, "/plugins/proxbox/sitemap.txt")
	if status != http.StatusOK {
		t.Fatalf("the sitemap is answered with %d", status)
	}
	seen := map[string]bool{}
	for _, path := range sitemapPath.FindAllString(sitemap, -1) {
		if seen[path] || strings.ContainsAny(path, "<{") {
			continue
		}
		seen[path] = true
		if status, page := f.browser.Get(t, path); status != http.StatusOK {
			t.Errorf("%s: %d %s", path, status, title(page))
		}
	}
	if len(seen) < 30 {
		t.Errorf("the sitemap names %d pages", len(seen))
	}

	vm := f.id(t, "virtualization/virtual-machines", "name=web-01")
	cluster := f.id(t, "virtualization/clusters", "name=demo")
	device := f.id(t, "dcim/devices", "name=pve1")
	storage := f.id(t, "plugins/proxbox/storage", "name=local-lvm")
	endpoint := f.plugin.ProxmoxIDs[0]
	for path, want := range map[string]string{
		fmt.Sprintf("/plugins/proxbox/keepalive-status/fastapi/%d/", f.plugin.BackendID): "success",
		fmt.Sprintf("/plugins/proxbox/keepalive-status/netbox/%d/", f.plugin.NetBoxID):   "success",
		fmt.Sprintf("/plugins/proxbox/keepalive-status/proxmox/%d/", endpoint):           "success",
		fmt.Sprintf("/plugins/proxbox/proxmox-card/%d/", endpoint):                       "demo",
		"/plugins/proxbox/":                                                    "demo",
		"/plugins/proxbox/dashboard/":                                          "pve1",
		"/plugins/proxbox/nodes/":                                              "pve1",
		"/plugins/proxbox/virtual_machines/":                                   "web-01",
		"/plugins/proxbox/lxc_containers/":                                     "files-01",
		"/plugins/proxbox/virtual-disks/":                                      "scsi0",
		"/plugins/proxbox/ha/":                                                 "demo",
		fmt.Sprintf("/virtualization/virtual-machines/%d/", vm):                "Proxmox",
		fmt.Sprintf("/virtualization/virtual-machines/%d/proxmox-config/", vm): "local-lvm:vm-100-disk-0",
		fmt.Sprintf("/virtualization/clusters/%d/storages/", cluster):          "local-lvm",
		fmt.Sprintf("/virtualization/clusters/%d/summary/", cluster):           "demo",
		fmt.Sprintf("/dcim/devices/%d/", device):                               "pve1",
		fmt.Sprintf("/plugins/proxbox/storage/%d/", storage):                   "lvmthin",
		fmt.Sprintf("/plugins/proxbox/storage/%d/virtual-disks/", storage):     "scsi0",
		"/plugins/proxbox/sync-state/":                                         "sync-state",
	} {
		status, page := f.browser.Get(t, path)
		if status != http.StatusOK || !strings.Contains(page, want) {
			t.Errorf("%s: %d, and %q is not on it: %s", path, status, want, title(page))
		}
	}
}

func title(page string) string {
	if _, rest, ok := strings.Cut(page, "<title>"); ok {
		name, _, _ := strings.Cut(rest, "</title>")
		return strings.TrimSpace(name)
	}
	return page[:min(len(page), 200)]
}

// TestButtons: each button of the plugin ends well, those that start a job and
// those that answer at once, and none writes where nothing changed.
func TestButtons(t *testing.T) {
	f := newField(t, 20)
	vm := f.id(t, "virtualization/virtual-machines", "name=web-01")
	container := f.id(t, "virtualization/virtual-machines", "name=files-01")
	storage := f.id(t, "plugins/proxbox/storage", "name=local-lvm")
	for _, path := range []string{
		"/plugins/proxbox/sync/devices/",
		"/plugins/proxbox/sync/storage/",
		"/plugins/proxbox/sync/virtual-machines/",
		"/plugins/proxbox/sync/virtual-machines/virtual-disks/",
		"/plugins/proxbox/sync/virtual-machines/backups/",
		"/plugins/proxbox/sync/virtual-machines/snapshots/",
		"/plugins/proxbox/sync/network-interfaces/",
		"/plugins/proxbox/sync/ip-addresses/",
		"/plugins/proxbox/sync/replications/",
		"/plugins/proxbox/sync/backup-routines/",
		fmt.Sprintf("/virtualization/virtual-machines/%d/proxbox-sync-now/", vm),
	} {
		f.press(t, path, nil)
	}
	f.press(t, "/plugins/proxbox/sync/selected/virtual-machines/", url.Values{"pk": {fmt.Sprint(vm), fmt.Sprint(container)}})
	f.press(t, "/plugins/proxbox/sync/selected/storage/", url.Values{"pk": {fmt.Sprint(storage)}})

	for _, path := range []string{
		fmt.Sprintf("/plugins/proxbox/proxmox-clusters/%d/proxbox-sync-now/", f.id(t, "plugins/proxbox/proxmox-clusters", "name=demo")),
		fmt.Sprintf("/plugins/proxbox/proxmox-nodes/%d/proxbox-sync-now/", f.id(t, "plugins/proxbox/proxmox-nodes", "name=pve1")),
		fmt.Sprintf("/plugins/proxbox/storage/%d/proxbox-sync-now/", storage),
		fmt.Sprintf("/plugins/proxbox/snapshots/%d/proxbox-sync-now/", f.id(t, "plugins/proxbox/snapshots", "name=before-upgrade")),
		fmt.Sprintf("/plugins/proxbox/backups/%d/proxbox-sync-now/", f.id(t, "plugins/proxbox/backups", "storage=nas")),
	} {
		f.Tap.Clear()
		status, page := f.browser.Post(t, path, nil)
		if status != http.StatusOK || !strings.Contains(page, "successfully") {
			t.Errorf("%s: %d %s: %s", path, status, title(page), messages(page))
		}
		f.quiet(t, path)
	}
}

var toast = regexp.MustCompile(`(?s)<div class="toast-body[^>]*>(.*?)</div>`)

// messages is what NetBox tells its user on a page.
func messages(page string) string {
	var all []string
	for _, m := range toast.FindAllStringSubmatch(page, -1) {
		all = append(all, strings.Join(strings.Fields(m[1]), " "))
	}
	return strings.Join(all, "; ")
}

// press uses a button that starts a job, and waits for its end.
func (f *field) press(t *testing.T, path string, form url.Values) {
	t.Helper()
	newest := f.newestJob(t)
	f.Tap.Clear()
	if status, page := f.browser.Post(t, path, form); status != http.StatusOK {
		t.Errorf("%s: %d %s", path, status, title(page))
		return
	}
	jobs := f.jobsAfter(t, newest)
	if len(jobs) == 0 {
		t.Errorf("%s starts no job", path)
	}
	for _, j := range jobs {
		if j.Status.Value != "completed" {
			t.Errorf("%s: job %q is %s: %s", path, j.Name, j.Status.Value, j.Error)
		}
	}
	f.quiet(t, path)
}

// quiet expects that the program wrote nothing to NetBox.
func (f *field) quiet(t *testing.T, path string) {
	t.Helper()
	for _, w := range f.Tap.Writes() {
		t.Errorf("%s: nothing changed, and the program sends %v", path, w)
	}
}

// job is one of NetBox's background jobs.
type job struct {
	ID     int                    `json:"id"`
	Name   string                 `json:"name"`
	Status struct{ Value string } `json:"status"`
	Error  string                 `json:"error"`
}

func (f *field) jobs(t *testing.T, after int) []job {
	t.Helper()
	var page struct {
		Results []job `json:"results"`
	}
	f.Must(t, http.MethodGet, "/api/core/jobs/?limit=100&ordering=-id", nil, &page)
	var out []job
	for _, j := range page.Results {
		if j.ID > after && strings.HasPrefix(j.Name, "Proxbox") {
			out = append(out, j)
		}
	}
	return out
}

func (f *field) newestJob(t *testing.T) int {
	t.Helper()
	newest := 0
	for _, j := range f.jobs(t, 0) {
		newest = max(newest, j.ID)
	}
	return newest
}

// jobsAfter waits until all jobs that were started after one have ended.
func (f *field) jobsAfter(t *testing.T, newest int) []job {
	t.Helper()
	for range 240 {
		jobs := f.jobs(t, newest)
		ended := 0
		for _, j := range jobs {
			switch j.Status.Value {
			case "pending", "scheduled", "running":
			default:
				ended++
			}
		}
		if ended == len(jobs) && ended > 0 {
			return jobs
		}
		time.Sleep(500 * time.Millisecond)
	}
	return f.jobs(t, newest)
}
