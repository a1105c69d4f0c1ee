//go:build unix

package takeover

import (
	"fmt"
	"testing"

	netboxsim "proxbox/internal/sim/netbox"
	proxmoxsim "proxbox/internal/sim/proxmox"
)

// sites has a person move nodes to the site where they stand, which NetBox
// allows only while their cluster has no site, and then the cluster after
// them. The guests follow, and nothing is moved back.
func sites(t *testing.T, nb world) {
	nb.sync(t)
	cluster := only(t, nb, "virtualization/clusters", "name=demo")
	was := only(t, nb, "dcim/sites", "slug=proxmox-default-site-demo")
	berlin := create(t, nb, "dcim/sites", row{"name": "Berlin", "slug": "berlin", "status": "active"})
	node := func(name string) int { return only(t, nb, devices, "name="+name) }
	siteOf := func(path string, id int) int {
		site, ok := read(t, nb, path, id)["site"].(row)
		if !ok {
			return 0
		}
		return int(site["id"].(float64))
	}

	// NetBox refuses an interface whose VLAN is another site's.
	vlans := func(when string) {
		for _, iface := range find(t, nb, "virtualization/interfaces", "") {
			vlan, ok := iface["untagged_vlan"].(row)
			if !ok {
				continue
			}
			vm := iface["virtual_machine"].(row)
			is, want := siteOf("ipam/vlans", int(vlan["id"].(float64))), siteOf(vms, int(vm["id"].(float64)))
			if is != 0 && is != want {
				t.Errorf("%s: %s of %s, in site %d, has a VLAN of site %d", when, iface["name"], vm["name"], want, is)
			}
		}
	}

	patch(t, nb, "virtualization/clusters", cluster, row{"scope_type": nil, "scope_id": nil})
	patch(t, nb, devices, node("pve1"), row{"site": berlin})
	nb.sync(t)
	if got := siteOf(devices, node("pve1")); got != berlin {
		t.Errorf("the node was moved back to site %d", got)
	}
	for name, want := range map[string]int{"pve1": berlin, "pve2": was} {
		for _, vm := range find(t, nb, vms, fmt.Sprintf("device_id=%d", node(name))) {
			if got := siteOf(vms, int(vm["id"].(float64))); got != want {
				t.Errorf("guest %s on %s is in site %d, not %d", vm["name"], name, got, want)
			}
		}
	}
	vlans("one node moved")
	nb.rest(t, "the run after one node moved")

	for _, name := range []string{"pve2", "pve3"} {
		patch(t, nb, devices, node(name), row{"site": berlin})
	}
	patch(t, nb, "virtualization/clusters", cluster, row{"scope_type": "dcim.site", "scope_id": berlin})
	nb.sync(t)
	for _, vm := range find(t, nb, vms, fmt.Sprintf("cluster_id=%d", cluster)) {
		if got := siteOf(vms, int(vm["id"].(float64))); got != berlin {
			t.Errorf("guest %s is in site %d, its cluster in %d", vm["name"], got, berlin)
		}
	}
	vlans("the cluster moved")
	nb.rest(t, "the run after the cluster moved")
}

func TestSites(t *testing.T) {
	for name, profile := range netboxsim.Profiles() {
		t.Run(name, func(t *testing.T) { sites(t, newSimulated(t, profile, proxmoxsim.Demo(30))) })
	}
}
