package plan_test

import (
	"fmt"
	"slices"
	"testing"

	"proxbox/internal/domain"
)

// TestInterfaceIdentity: by name, else by the one MAC whose name is no longer
// wanted.
func TestInterfaceIdentity(t *testing.T) {
	run(t, []change{
		{
			name:   "renamed by a person, or named as the guest does by another program: found by its MAC",
			person: func(t *testing.T, w *world) { w.set(t, domain.KindVMInterface, "net0", "name", "eth0") },
			writes: []string{"~ vminterface qemu 100 (web) net0 name eth0→net0"},
		},
		{
			name: "a second NIC",
			proxmox: func(s *domain.Snapshot) {
				config(&s.Guests[0], func(c *domain.GuestConfig) { c.NICs = append(c.NICs, domain.NIC{Key: "net3", MAC: mac(3)}) })
			},
			writes: []string{"+ vminterface qemu 100 (web) net3", "+ macaddress qemu 100 (web) net3 BC:24:11:00:00:03",
				"+ sync-state of qemu 100 (web) net3", "~ vminterface qemu 100 (web) net3 primary_mac_address -→BC:24:11:00:00:03"},
		},
		{
			name: "made by a person on a guest that we made: it is ours",
			proxmox: func(s *domain.Snapshot) {
				config(&s.Guests[0], func(c *domain.GuestConfig) { c.NICs = append(c.NICs, domain.NIC{Key: "net3"}) })
			},
			person: func(t *testing.T, w *world) {
				w.add(domain.KindVMInterface, domain.Fields{"name": "net3", "virtual_machine": w.ref(t, domain.KindVirtualMachine, "web"), "enabled": true})
			},
			writes: []string{"+ sync-state of qemu 100 (web) net3"},
		},
		{
			name: "made by a person and not in Proxmox: not ours, and it stays",
			person: func(t *testing.T, w *world) {
				w.add(domain.KindVMInterface, domain.Fields{"name": "wg0", "virtual_machine": w.ref(t, domain.KindVirtualMachine, "web")})
				w.add(domain.KindVirtualDisk, domain.Fields{"name": "floppy", "virtual_machine": w.ref(t, domain.KindVirtualMachine, "web"), "size": 1})
			},
		},
	})
}

// TestGuestIdentity: a guest is its vmid and type in its cluster.
func TestGuestIdentity(t *testing.T) {
	run(t, []change{
		{
			name:   "a VM that a person took out of the cluster",
			person: func(t *testing.T, w *world) { w.set(t, domain.KindVirtualMachine, "web", "cluster", nil) },
			writes: []string{"~ virtualmachine qemu 100 (web) cluster -→lab"},
		},
		{
			name:   "a device that a person took out of the cluster",
			person: func(t *testing.T, w *world) { w.set(t, domain.KindDevice, "pve1", "cluster", nil) },
			writes: []string{"~ device node pve1 cluster -→lab"},
		},
		{
			name:   "a device that a person renamed",
			person: func(t *testing.T, w *world) { w.set(t, domain.KindDevice, "pve1", "name", "rack7-u12") },
		},
		{
			name: "the vmid of another type is another guest",
			proxmox: func(s *domain.Snapshot) {
				s.Guests = []domain.Guest{{VMID: 100, Type: domain.LXC, Name: "ct", Node: "pve1", Status: "stopped"}}
			},
			writes: []string{"+ sync-state of lxc 100 (ct)", "+ tag tag proxbox-discovered-lxc", "+ virtualmachine lxc 100 (ct)"},
		},
		{
			name: "no name and no status: not made",
			proxmox: func(s *domain.Snapshot) {
				s.Guests = append(s.Guests, domain.Guest{VMID: 7, Type: domain.QEMU, Node: "pve1", Status: "unknown"})
			},
		},
		{
			name: "no name and no status: what is there stays",
			proxmox: func(s *domain.Snapshot) {
				s.Guests[0] = domain.Guest{VMID: 100, Type: domain.QEMU, Node: "pve1", Status: "unknown"}
			},
		},
	})
}

// TestHandedOver: what a person tagged as ours is taken over, and its parts
// that were there are updated but never removed.
func TestHandedOver(t *testing.T) {
	handed := func(t *testing.T) *world {
		s := small()
		s.Guests = nil
		w := synced(t, s)
		vm := w.add(domain.KindVirtualMachine, domain.Fields{"name": "WEB", "tags": w.mark(t), "description": "Shop", "memory": 4})
		w.add(domain.KindVirtualDisk, domain.Fields{"name": "scsi0", "virtual_machine": vm, "size": 7})
		return w
	}
	t.Run("a guest with the tag and in no cluster", func(t *testing.T) {
		w := handed(t)
		vm := w.ref(t, domain.KindVirtualMachine, "WEB")
		w.do(t, planOf(w, small()))
		if n := w.inv.Table(domain.KindVirtualMachine).Len(); n != 1 {
			t.Fatalf("%d virtual machines", n)
		}
		row := w.inv.Row(vm)
		if row.Text("name") != "WEB" || row.Int("memory") != 1024 {
			t.Errorf("taken over as %v", row.Fields)
		}
		if got := w.find(t, domain.KindVirtualDisk, "scsi0").Int("size"); got != 1024 {
			t.Errorf("its disk has %d MB", got)
		}
		s := small()
		config(&s.Guests[0], func(c *domain.GuestConfig) { c.Disks = nil })
		w.check(t, nil, nil, s)
	})
	t.Run("without the tag it is somebody else's, and ours is made beside it", func(t *testing.T) {
		w := handed(t)
		w.set(t, domain.KindVirtualMachine, "WEB", "tags", domain.Refs(nil))
		before := fmt.Sprint(w.find(t, domain.KindVirtualMachine, "WEB").Fields)
		p := planOf(w, small())
		if got := told(p); !slices.Equal(got, []string{"conflict qemu 100 (web) name"}) {
			t.Errorf("reported %v", got)
		}
		w.do(t, p)
		if after := fmt.Sprint(w.find(t, domain.KindVirtualMachine, "WEB").Fields); after != before {
			t.Errorf("it was changed: %s", after)
		}
		if n := w.inv.Table(domain.KindVirtualMachine).Len(); n != 2 {
			t.Errorf("%d virtual machines", n)
		}
	})
	t.Run("in the same cluster NetBox takes no second: a conflict", func(t *testing.T) {
		w := handed(t)
		w.set(t, domain.KindVirtualMachine, "WEB", "tags", domain.Refs(nil))
		w.set(t, domain.KindVirtualMachine, "WEB", "cluster", w.ref(t, domain.KindCluster, "lab"))
		w.check(t, []string{"+ tag tag prod", "+ tag tag proxbox-discovered-qemu"},
			[]string{"conflict qemu 100 (web) name", "skipped qemu 100 (web) net0", "skipped qemu 100 (web) net0 10.0.0.100/24", "skipped qemu 100 (web) scsi0"}, small())
	})
	t.Run("a device of the same name at the same site", func(t *testing.T) {
		w := newWorld()
		site := w.add(domain.KindSite, domain.Fields{"name": "Berlin", "slug": "berlin"})
		w.add(domain.KindDevice, domain.Fields{"name": "pve1", "site": site})
		s := small()
		s.Endpoint.SiteID, s.Guests = site.ID, nil
		if got := told(planOf(w, s)); !slices.Equal(got, []string{"conflict node pve1 name"}) {
			t.Errorf("reported %v", got)
		}
	})
}

// twins are two stand-alone hosts of one name, with the same node, vmids and
// names.
func twins() (a, b *domain.Snapshot) {
	a, b = pair(), pair()
	for _, s := range []*domain.Snapshot{a, b} {
		s.Cluster = domain.Cluster{Name: "pve", Standalone: true, Quorate: true}
		s.Nodes[0].Name = "pve"
		for i := range s.Guests {
			s.Guests[i].Node = "pve"
		}
	}
	b.Endpoint = domain.ProxmoxEndpoint{ID: 2, Name: "attic (nb:2)", Domain: "attic.example.org", Port: 8006}
	b.Nodes[0].SSLFingerprint = "zz"
	for i := range b.Guests {
		config(&b.Guests[i], func(c *domain.GuestConfig) { c.NICs[0].MAC = mac(200 + i) })
		says(&b.Guests[i], fmt.Sprintf("10.0.1.%d/24", i+1))
	}
	return a, b
}

// TestEqualClustersNeverMix, whether they are read in one run or one after the
// other.
func TestEqualClustersNeverMix(t *testing.T) {
	a, b := twins()
	verify := func(t *testing.T, w *world) {
		t.Helper()
		for _, kind := range []domain.Kind{domain.KindCluster, domain.KindDevice, domain.KindSite} {
			if n := w.inv.Table(kind).Len(); n != 2 {
				t.Errorf("%d of %s", n, kind)
			}
		}
		w.find(t, domain.KindCluster, "pve (attic)")
		w.find(t, domain.KindDevice, "pve (attic)")
		perCluster := map[int][]string{}
		for r := range w.inv.Table(domain.KindVirtualMachine).Rows() {
			perCluster[r.Ref("cluster").ID] = append(perCluster[r.Ref("cluster").ID], r.Text("name"))
		}
		for _, names := range perCluster {
			if slices.Sort(names); !slices.Equal(names, []string{"db", "web"}) {
				t.Errorf("guests %v", perCluster)
			}
		}
		for _, runs := range [][]*domain.Snapshot{{a, b}, {b, a}, {a}, {b}} {
			if p := planOf(w, runs...); len(p.Changes) > 0 {
				t.Errorf("%d endpoints: %v", len(runs), lines(p, w.inv))
			}
		}
	}
	t.Run("in one run", func(t *testing.T) {
		verify(t, synced(t, a, b))
	})
	t.Run("one after the other", func(t *testing.T) {
		w := newWorld()
		w.plugin(a)
		w.plugin(b)
		w.do(t, planOf(w, a))
		w.do(t, planOf(w, b))
		verify(t, w)
	})
	t.Run("put together by another program", func(t *testing.T) {
		// One cluster for both, which both endpoints' rows point at, and the
		// guests of both in it, known by the backend's ids alone.
		w := newWorld()
		w.plugin(a)
		w.plugin(b)
		tag := w.add(domain.KindTag, domain.Fields{"name": "Proxbox", "slug": "proxbox"})
		site := w.add(domain.KindSite, domain.Fields{"name": "Proxmox Default Site - pve", "slug": "proxmox-default-site-pve"})
		cluster := w.add(domain.KindCluster, domain.Fields{"name": "pve", "scope": site, "tags": domain.Refs{tag}})
		for r := range w.inv.Table(domain.KindProxmoxCluster).Rows() {
			r.Fields["netbox_cluster"] = cluster
		}
		w.add(domain.KindDevice, domain.Fields{"name": "pve", "cluster": cluster, "site": site, "tags": domain.Refs{tag}})
		for i, name := range []string{"web", "web (2)", "db", "db (2)"} {
			vm := w.add(domain.KindVirtualMachine, domain.Fields{"name": name, "cluster": cluster, "site": site, "tags": domain.Refs{tag}})
			w.add(domain.KindVMState, domain.Fields{"virtual_machine": vm, "proxmox_vm_id": 100 + i/2, "proxmox_vm_type": "qemu", "proxmox_endpoint_raw_id": i%2 + 1})
		}
		w.do(t, planOf(w, b))
		w.do(t, planOf(w, a))
		w.do(t, planOf(w, b, a))
		if n := w.inv.Table(domain.KindVirtualMachine).Len(); n != 4 {
			t.Fatalf("%d virtual machines", n)
		}
		for _, c := range []string{"pve", "pve (attic)"} {
			at := w.ref(t, domain.KindCluster, c)
			n := 0
			for r := range w.inv.Table(domain.KindVirtualMachine).Rows() {
				if r.Ref("cluster") == at {
					n++
				}
			}
			if n != 2 {
				t.Errorf("cluster %s has %d guests", c, n)
			}
		}
		w.check(t, nil, nil, a, b)
	})
}

// TestEndpointsOfOneCluster are one cluster, alone or together.
func TestEndpointsOfOneCluster(t *testing.T) {
	a, b := pair(), pair()
	b.Endpoint = domain.ProxmoxEndpoint{ID: 2, Name: "second (nb:2)", Domain: "px2.example.org", Port: 8006}
	w := synced(t, a, b)
	if n := w.inv.Table(domain.KindVirtualMachine).Len(); n != 2 {
		t.Fatalf("%d virtual machines", n)
	}
	for _, s := range []*domain.Snapshot{a, b} {
		w.check(t, nil, nil, s)
		for _, kind := range []domain.Kind{domain.KindCluster, domain.KindDevice, domain.KindSite} {
			if n := w.inv.Table(kind).Len(); n != 1 {
				t.Errorf("read by endpoint %d alone: %d of %s", s.Endpoint.ID, n, kind)
			}
		}
		if n := w.inv.Table(domain.KindVirtualMachine).Len(); n != 2 {
			t.Errorf("read by endpoint %d alone: %d virtual machines", s.Endpoint.ID, n)
		}
	}
}

// TestEndpointThatThePluginDoesNotKnow reads the same cluster as one that it
// knows, as the certificate of a node says: no second copy, and the plugin's
// endpoint stays the one that the rows name.
func TestEndpointThatThePluginDoesNotKnow(t *testing.T) {
	w := synced(t, pair())
	w.find(t, domain.KindProxmoxNode, "pve1").Fields["ssl_fingerprint"] = "AA"
	s := pair()
	s.Endpoint = domain.ProxmoxEndpoint{ID: 1_000_001, Name: "by hand", Domain: "px9.example.org", Port: 8006}
	w.check(t, nil, nil, s)
	s.Nodes[0].SSLFingerprint = "another"
	w.do(t, planOf(w, s))
	w.find(t, domain.KindCluster, "lab (by hand)")
}

// TestUnnamedCluster: while the token may not read what a cluster is called, it
// is the one that its nodes stand in, under the name that it has.
func TestUnnamedCluster(t *testing.T) {
	unnamed := func(s *domain.Snapshot) *domain.Snapshot {
		s.Cluster = domain.Cluster{Name: s.Endpoint.Host(), Unnamed: true, Standalone: len(s.Nodes) == 1}
		s.Complete = domain.Completeness{}
		return s
	}
	for name, sever := range map[string]func(w *world){
		"known by the plugin's row": func(*world) {},
		"known by the rows of its nodes": func(w *world) {
			for r := range w.inv.Table(domain.KindProxmoxCluster).Rows() {
				r.Fields["netbox_cluster"] = nil
			}
		},
		"known by its nodes' names": func(w *world) {
			for _, kind := range []domain.Kind{domain.KindProxmoxCluster, domain.KindProxmoxNode, domain.KindClusterState, domain.KindDeviceState} {
				w.inv.Set(domain.NewTable(kind))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := synced(t, pair())
			sever(w)
			s := unnamed(pair())
			w.do(t, planOf(w, s))
			w.check(t, nil, nil, s)
			if n := w.inv.Table(domain.KindCluster).Len() + w.inv.Table(domain.KindSite).Len() + w.inv.Table(domain.KindDevice).Len(); n != 3 {
				t.Errorf("%d clusters, sites and devices", n)
			}
			w.find(t, domain.KindCluster, "lab")
			w.do(t, planOf(w, pair()))
			w.check(t, nil, nil, pair())
		})
	}
	t.Run("renamed, and the plugin has no row of it", func(t *testing.T) {
		w := synced(t, pair())
		w.inv.Set(domain.NewTable(domain.KindProxmoxCluster))
		s := pair()
		s.Cluster.Name = "attic"
		w.do(t, planOf(w, s))
		w.check(t, nil, nil, s)
		w.find(t, domain.KindCluster, "attic")
		if n := w.inv.Table(domain.KindCluster).Len(); n != 1 {
			t.Errorf("%d clusters", n)
		}
	})
	t.Run("never named before: made under its host's name, which is not its own", func(t *testing.T) {
		w := newWorld()
		w.plugin(pair())
		w.do(t, planOf(w, unnamed(pair())))
		w.find(t, domain.KindCluster, "px.example.org")
		w.do(t, planOf(w, pair()))
		w.find(t, domain.KindCluster, "lab")
		w.check(t, nil, nil, pair())
	})
	t.Run("two that may be it: nothing is made", func(t *testing.T) {
		a, b := twins()
		w := synced(t, a, b)
		for _, kind := range []domain.Kind{domain.KindProxmoxCluster, domain.KindProxmoxNode, domain.KindClusterState, domain.KindDeviceState, domain.KindProxmoxEndpoint} {
			w.inv.Set(domain.NewTable(kind))
		}
		for r := range w.inv.Table(domain.KindDevice).Rows() {
			r.Fields["name"] = "pve"
		}
		p := planOf(w, unnamed(a))
		if got := told(p); !slices.Contains(got, "conflict cluster px.example.org name") {
			t.Errorf("reported %q", got)
		}
		for _, c := range p.Changes {
			if c.Kind != domain.KindTag {
				t.Errorf("%s %s %s", c.Op, c.Kind, c.Label)
			}
		}
	})
}

// TestGuestNames: every guest lands, the first keeps the plain name.
func TestGuestNames(t *testing.T) {
	names := func(w *world) []string {
		var out []string
		for r := range w.inv.Table(domain.KindVirtualMachine).Rows() {
			out = append(out, r.Text("name"))
		}
		slices.Sort(out)
		return out
	}
	named := func(list ...string) *domain.Snapshot {
		s := small()
		s.Guests = nil
		for i, n := range list {
			s.Guests = append(s.Guests, domain.Guest{VMID: 100 + i, Type: domain.QEMU, Name: n, Node: "pve1", Status: "stopped"})
		}
		return s
	}
	long := "a-name-of-sixty-four-characters-which-is-as-long-as-netbox-allows"[:64]
	for _, c := range []struct {
		name         string
		before, then *domain.Snapshot
		want         []string
	}{
		{"equal names", named("web", "web", "db", "web"), nil, []string{"db", "web", "web (2)", "web (3)"}},
		{"equal but for their case", named("web", "Web"), nil, []string{"Web (2)", "web"}},
		{"at the limit", named(long, long), nil, []string{long[:60] + " (2)", long}},
		{"renamed to a name that is taken", named("web", "db"), named("web", "web"), []string{"web", "web (2)"}},
		{"renamed to a name that becomes free", named("a", "b"), named("b", "c"), []string{"b", "c"}},
		{"names changed with one another", named("a", "b"), named("b", "a"), []string{"a (2)", "b"}},
		{"another case", named("web"), named("WEB"), []string{"WEB"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := synced(t, c.before)
			last := c.before
			if c.then != nil {
				last = c.then
				w.do(t, planOf(w, last))
			}
			if got := names(w); !slices.Equal(got, c.want) {
				t.Errorf("names %q, want %q", got, c.want)
			}
			w.check(t, nil, nil, last)
		})
	}
}
