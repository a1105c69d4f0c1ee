//go:build e2e

package plugin

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

var sitemapPath = regexp.MustCompile(`/plugins/proxbox/[^\s]*`)

// testPages: every page of the plugin's sitemap, and those that show what the
// program answers, with data on them.
func testPages(t *testing.T, f *field) {
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
		fmt.Sprintf("/dcim/devices/%d/", device):                               "/proxbox-sync-now/",
		fmt.Sprintf("/virtualization/clusters/%d/", cluster):                   "/proxbox-sync-now/",
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
