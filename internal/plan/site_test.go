package plan_test

import (
	"fmt"
	"slices"
	"testing"

	"proxbox/internal/domain"
)

// TestSites: written when an object is made; afterwards a guest's follows its
// cluster's, else its device's (rules.md 5).
func TestSites(t *testing.T) {
	berlin := func(w *world) domain.Ref {
		return w.add(domain.KindSite, domain.Fields{"name": "Berlin", "slug": "berlin"})
	}
	tagged := func(s *domain.Snapshot) { config(&s.Guests[0], func(c *domain.GuestConfig) { c.NICs[0].VLAN = 20 }) }
	run(t, []change{
		{
			name: "a person moves the whole cluster: its guests follow", proxmox: tagged,
			person: func(t *testing.T, w *world) {
				site := berlin(w)
				w.set(t, domain.KindCluster, "lab", "scope", site)
				w.set(t, domain.KindDevice, "pve1", "site", site)
			},
			writes: []string{"+ vlan VLAN 20", "~ virtualmachine qemu 100 (web) site Proxmox Default Site - lab→Berlin",
				"~ vminterface qemu 100 (web) net0 mode -→access untagged_vlan -→VLAN 20"},
		},
		{
			name: "a person moves a node to its real site: the device stays empty, and the conflict names both",
			person: func(t *testing.T, w *world) {
				w.set(t, domain.KindDevice, "pve1", "site", berlin(w))
			},
			writes:   []string{"~ virtualmachine qemu 100 (web) device pve1→-"},
			reported: []string{"conflict qemu 100 (web) device"},
		},
		{
			name: "a cluster at no site: guests are where their devices are, and VLANs at no site", proxmox: tagged,
			person: func(t *testing.T, w *world) {
				w.set(t, domain.KindCluster, "lab", "scope", nil)
				w.set(t, domain.KindDevice, "pve1", "site", berlin(w))
			},
			writes: []string{"+ vlan VLAN 20", "~ virtualmachine qemu 100 (web) site Proxmox Default Site - lab→Berlin",
				"~ vminterface qemu 100 (web) net0 mode -→access untagged_vlan -→VLAN 20"},
		},
		{
			name: "a cluster in a location: a new node goes where the others are, and no default site comes back",
			proxmox: func(s *domain.Snapshot) {
				s.Nodes = append(s.Nodes, domain.Node{Name: "pve2", Online: true, SSLFingerprint: "bb"})
			},
			person: func(t *testing.T, w *world) {
				site := berlin(w)
				w.set(t, domain.KindCluster, "lab", "scope", domain.At("dcim.location", 4))
				w.set(t, domain.KindDevice, "pve1", "site", site)
				w.set(t, domain.KindVirtualMachine, "web", "site", site)
				w.inv.Table(domain.KindSite).Delete(w.find(t, domain.KindSite, "Proxmox Default Site - lab").ID)
			},
			writes: []string{"+ device node pve2", "+ sync-state of node pve2"},
		},
		{
			name: "a VLAN of no site is used as it is", proxmox: tagged,
			person: func(_ *testing.T, w *world) { w.add(domain.KindVLAN, domain.Fields{"name": "Office", "vid": 20}) },
			writes: []string{"~ vminterface qemu 100 (web) net0 mode -→access untagged_vlan -→Office"},
		},
		{
			name: "a VLAN of the site comes before it", proxmox: tagged,
			person: func(t *testing.T, w *world) {
				w.add(domain.KindVLAN, domain.Fields{"name": "Office", "vid": 20})
				w.add(domain.KindVLAN, domain.Fields{"name": "Lab", "vid": 20, "site": w.ref(t, domain.KindSite, "Proxmox Default Site - lab")})
			},
			writes: []string{"~ vminterface qemu 100 (web) net0 mode -→access untagged_vlan -→Lab"},
		},
		{
			name: "another VLAN of the same number, which a person chose, stays; one of another number does not",
			proxmox: func(s *domain.Snapshot) {
				config(&s.Guests[0], func(c *domain.GuestConfig) { c.NICs[0].VLAN, c.NICs[0].Trunks = 20, []int{30, 31} })
			},
			person: func(t *testing.T, w *world) {
				group := domain.At(domain.KindVLANGroup, 3)
				office := w.add(domain.KindVLAN, domain.Fields{"name": "Office", "vid": 20, "group": group})
				phones := w.add(domain.KindVLAN, domain.Fields{"name": "Phones", "vid": 30, "group": group})
				other := w.add(domain.KindVLAN, domain.Fields{"name": "Other", "vid": 32, "group": group})
				w.set(t, domain.KindVMInterface, "net0", "mode", "tagged")
				w.set(t, domain.KindVMInterface, "net0", "untagged_vlan", office)
				w.set(t, domain.KindVMInterface, "net0", "tagged_vlans", domain.Refs{phones, other})
			},
			writes: []string{"+ vlan VLAN 30", "+ vlan VLAN 31", "~ vminterface qemu 100 (web) net0 tagged_vlans [Other Phones]→[VLAN 30 VLAN 31]"},
		},
		{
			name: "VLANs of a group that a person chose", proxmox: func(s *domain.Snapshot) {
				config(&s.Guests[0], func(c *domain.GuestConfig) { c.NICs[0].Trunks = []int{30, 31} })
			},
			person: func(t *testing.T, w *world) {
				var chosen domain.Refs
				for _, vid := range []int{31, 30} {
					chosen = append(chosen, w.add(domain.KindVLAN, domain.Fields{"name": fmt.Sprint("Lab ", vid), "vid": vid, "group": domain.At(domain.KindVLANGroup, 3)}))
				}
				w.set(t, domain.KindVMInterface, "net0", "mode", "tagged")
				w.set(t, domain.KindVMInterface, "net0", "tagged_vlans", chosen)
			},
		},
		{
			name: "a VLAN of another site, from before the cluster moved, does not stay", proxmox: tagged,
			person: func(t *testing.T, w *world) {
				w.set(t, domain.KindVMInterface, "net0", "mode", "access")
				w.set(t, domain.KindVMInterface, "net0", "untagged_vlan", w.add(domain.KindVLAN, domain.Fields{"name": "Old", "vid": 20, "site": berlin(w)}))
			},
			writes: []string{"+ vlan VLAN 20", "~ vminterface qemu 100 (web) net0 untagged_vlan Old→VLAN 20"},
		},
		{
			name: "a VLAN of a group elsewhere is none of ours", proxmox: tagged,
			person: func(_ *testing.T, w *world) {
				w.add(domain.KindVLAN, domain.Fields{"name": "Office", "vid": 20, "group": domain.At(domain.KindVLANGroup, 3)})
			},
			writes: []string{"+ vlan VLAN 20", "~ vminterface qemu 100 (web) net0 mode -→access untagged_vlan -→VLAN 20"},
		},
	})
}

// TestConfiguredSite: the endpoint's placement decides where new objects are.
func TestConfiguredSite(t *testing.T) {
	placed := func() *domain.Snapshot {
		s := small()
		s.Endpoint.SiteSlug = "berlin"
		config(&s.Guests[0], func(c *domain.GuestConfig) { c.NICs[0].VLAN = 20 })
		return s
	}
	t.Run("one that exists", func(t *testing.T) {
		w := newWorld()
		site := w.add(domain.KindSite, domain.Fields{"name": "Berlin", "slug": "berlin"})
		w.do(t, planOf(w, placed()))
		for kind, field := range map[domain.Kind]string{domain.KindCluster: "scope", domain.KindDevice: "site", domain.KindVirtualMachine: "site", domain.KindVLAN: "site"} {
			for r := range w.inv.Table(kind).Rows() {
				if r.Ref(field) != site {
					t.Errorf("%s is at %v", kind, r.Ref(field))
				}
			}
		}
		w.check(t, nil, nil, placed())
	})
	t.Run("one that does not: nothing of the endpoint is made, and it is said once how to go on", func(t *testing.T) {
		w := newWorld()
		p := planOf(w, placed())
		if got := told(p); !slices.Contains(got, "failed site berlin") || !slices.Contains(got, "skipped cluster lab") {
			t.Errorf("reported %q", got)
		}
		for _, c := range p.Changes {
			if c.Kind == domain.KindCluster || c.Kind == domain.KindVirtualMachine || c.Kind == domain.KindSite {
				t.Errorf("%s %s", c.Op, c.Label)
			}
		}
	})
	t.Run("two clusters there share its VLANs", func(t *testing.T) {
		w := newWorld()
		w.add(domain.KindSite, domain.Fields{"name": "Berlin", "slug": "berlin"})
		a, b := placed(), placed()
		b.Endpoint.ID, b.Endpoint.Name, b.Cluster.Name = 2, "px2 (nb:2)", "second"
		b.Nodes[0].SSLFingerprint, b.Nodes[0].Name, b.Guests[0].Node = "bb", "pve9", "pve9"
		says(&b.Guests[0], "10.0.1.1/24")
		w.do(t, planOf(w, a, b))
		if n := w.inv.Table(domain.KindVLAN).Len(); n != 1 {
			t.Errorf("%d VLANs", n)
		}
		w.check(t, nil, nil, a, b)
	})
}
