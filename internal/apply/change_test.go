package apply_test

import (
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"proxbox/internal/domain"
	netboxsim "proxbox/internal/sim/netbox"
)

func configure(g *domain.Guest, change func(*domain.GuestConfig)) {
	cfg := g.Config.Value
	cfg.NICs, cfg.Disks = append([]domain.NIC(nil), cfg.NICs...), append([]domain.Disk(nil), cfg.Disks...)
	change(&cfg)
	g.Config = domain.Is(cfg)
}

// tells is what a guest says of its first NIC, if it has one.
func tells(g *domain.Guest, addresses ...string) {
	if len(g.Config.Value.NICs) == 0 {
		return
	}
	g.Agent = domain.Is([]domain.GuestInterface{{Name: "eth0", MAC: g.Config.Value.NICs[0].MAC, Addresses: prefixes(addresses...)}})
}

// sees is how a guest names its interfaces: the first is its first NIC and has
// its addresses, those that follow "docker0" have its MAC alone.
func sees(g *domain.Guest, names ...string) {
	if len(g.Config.Value.NICs) == 0 || !g.Agent.OK {
		return
	}
	mac := g.Config.Value.NICs[0].MAC
	var addresses []netip.Prefix
	for _, gi := range g.Agent.Value {
		if gi.MAC == mac {
			addresses = append(addresses, gi.Addresses...)
		}
	}
	list := []domain.GuestInterface{{Name: names[0], MAC: mac, Addresses: addresses}}
	for _, name := range names[1:] {
		list = append(list, domain.GuestInterface{Name: name, MAC: "02:42:00:00:00:01"})
	}
	g.Agent = domain.Is(list)
}

// changes are what may happen to an estate between two runs.
var changes = []struct {
	name    string
	proxmox func(s *domain.Snapshot)
	person  func(t testing.TB, e *engine)
	views   bool // only what the plugin keeps of the guests' own view changes
}{
	{name: "two guests change their names with one another", proxmox: func(s *domain.Snapshot) {
		s.Guests[0].Name, s.Guests[1].Name = s.Guests[1].Name, s.Guests[0].Name
	}},
	{name: "a name that another guest gives up", proxmox: func(s *domain.Snapshot) {
		s.Guests[0].Name, s.Guests[1].Name = s.Guests[1].Name, "fresh"
	}},
	{name: "all guests have one name", proxmox: func(s *domain.Snapshot) {
		for i := range s.Guests {
			s.Guests[i].Name = "clone"
		}
	}},
	{name: "an address moves, and with it the primary mark", proxmox: func(s *domain.Snapshot) {
		tells(&s.Guests[0], "10.1.0.7/16")
		tells(&s.Guests[4], "10.1.0.100/16")
	}},
	{name: "two guests change their addresses with one another", proxmox: func(s *domain.Snapshot) {
		tells(&s.Guests[0], "10.1.0.104/16")
		tells(&s.Guests[4], "10.1.0.100/16")
	}},
	{name: "another mask", proxmox: func(s *domain.Snapshot) { tells(&s.Guests[0], "10.1.0.100/24") }},
	{name: "a NIC between guests, with its address", proxmox: func(s *domain.Snapshot) {
		if len(s.Guests[0].Config.Value.NICs) == 0 {
			return
		}
		nic := s.Guests[0].Config.Value.NICs[0]
		configure(&s.Guests[0], func(c *domain.GuestConfig) { c.NICs = nil })
		s.Guests[0].Agent = domain.Is([]domain.GuestInterface{})
		nic.Key = "net5"
		configure(&s.Guests[4], func(c *domain.GuestConfig) { c.NICs = append(c.NICs, nic) })
		s.Guests[4].Agent = domain.Is(append(s.Guests[4].Agent.Value, domain.GuestInterface{Name: "eth1", MAC: nic.MAC, Addresses: prefixes("10.1.0.100/16")}))
	}},
	{name: "a guest renames its interface", views: true, proxmox: func(s *domain.Snapshot) { sees(&s.Guests[4], "ens18", "docker0") }},
	{name: "a guest puts a bridge on its interface", views: true, proxmox: func(s *domain.Snapshot) { sees(&s.Guests[4], "br0", "docker0", "eth0") }},
	{name: "interfaces of a guest change their names with one another", views: true, proxmox: func(s *domain.Snapshot) {
		sees(&s.Guests[4], "docker0", "eth0")
	}},
	{name: "an address moves to a new NIC of its guest", proxmox: func(s *domain.Snapshot) {
		nic := domain.NIC{Key: "net7", Index: 7, MAC: "BC:24:11:FF:FF:07", Bridge: "vmbr0"}
		configure(&s.Guests[4], func(c *domain.GuestConfig) { c.NICs = append(c.NICs, nic) })
		s.Guests[4].Agent = domain.Is(append(slices.Clone(s.Guests[4].Agent.Value), domain.GuestInterface{Name: "eth7", MAC: nic.MAC, Addresses: prefixes("10.1.0.104/16")}))
		for i := range s.Guests[4].Agent.Value[:len(s.Guests[4].Agent.Value)-1] {
			s.Guests[4].Agent.Value[i].Addresses = nil
		}
	}},
	{name: "from a trunk to a VLAN, and back to none", proxmox: func(s *domain.Snapshot) {
		configure(&s.Guests[2], func(c *domain.GuestConfig) { c.NICs[1].Trunks, c.NICs[1].VLAN = nil, 20 })
		configure(&s.Guests[0], func(c *domain.GuestConfig) {
			if len(c.NICs) > 0 {
				c.NICs[0].VLAN = 0
			}
		})
	}},
	{name: "another MAC", proxmox: func(s *domain.Snapshot) {
		configure(&s.Guests[0], func(c *domain.GuestConfig) {
			if len(c.NICs) > 0 {
				c.NICs[0].MAC = "BC:24:11:FF:FF:01"
			}
		})
		tells(&s.Guests[0], "10.1.0.100/16")
	}},
	{name: "disks come, grow and go", proxmox: func(s *domain.Snapshot) {
		configure(&s.Guests[2], func(c *domain.GuestConfig) {
			c.Disks = []domain.Disk{{Key: "scsi0", Storage: "local", SizeMB: 99}, {Key: "scsi9", Storage: "local", SizeMB: 5}}
		})
	}},
	{name: "all guests move to the other node", proxmox: func(s *domain.Snapshot) {
		for i := range s.Guests {
			s.Guests[i].Node = "pve2"
		}
	}},
	{name: "a node joins", proxmox: func(s *domain.Snapshot) {
		if len(s.Nodes) == 2 {
			s.Nodes = append(s.Nodes, domain.Node{Name: "pve3", Online: true})
		}
		s.Guests[0].Node = "pve3"
	}},
	{name: "bridges and bonds of a node", proxmox: func(s *domain.Snapshot) {
		s.Nodes[0].Interfaces = domain.Is([]domain.NodeInterface{
			{Name: "eno1", Type: "eth", Active: true}, {Name: "eno2", Type: "eth", Active: true},
			{Name: "bond0", Type: "bond", Slaves: []string{"eno1", "eno2"}, Active: true},
			{Name: "vmbr0", Type: "bridge", Ports: []string{"bond0"}, Active: true, Addresses: prefixes("192.0.1.1/24")},
			{Name: "vmbr0.30", Type: "vlan", Active: true, VLAN: 31, RawDevice: "vmbr0"},
		})
	}},
	{name: "a node changes to Open vSwitch, and its address to a new port", proxmox: func(s *domain.Snapshot) {
		s.Nodes[0].Interfaces = domain.Is([]domain.NodeInterface{
			{Name: "eno1", Type: "eth", Active: true}, {Name: "eno2", Type: "OVSPort", Active: true, Bridge: "vmbr0"},
			{Name: "bond0", Type: "OVSBond", Slaves: []string{"eno1"}, Bridge: "vmbr0", Active: true},
			{Name: "vmbr0", Type: "OVSBridge", Ports: []string{"bond0", "mgmt", "eno2"}, Active: true},
			{Name: "mgmt", Type: "OVSIntPort", Bridge: "vmbr0", VLAN: 7, Active: true, Addresses: prefixes("192.0.1.1/24")},
		})
	}},
	{name: "a person moves the cluster to its real site", person: func(t testing.TB, e *engine) {
		site := e.seed(t, "dcim.site", fields{"name": "Berlin", "slug": "berlin"})[0]
		patch(t, e, "virtualization.cluster", fields{"scope_type": nil, "scope_id": nil})
		for _, o := range e.nb.Objects("virtualization.virtualmachine") {
			must(t, e.nb.Patch("virtualization.virtualmachine", int(number(o["id"])), fields{"device": nil}))
		}
		patch(t, e, "dcim.device", fields{"site": site})
		patch(t, e, "virtualization.cluster", fields{"scope_type": "dcim.site", "scope_id": site})
	}},
	{name: "a person takes the cluster off its site, and the nodes to theirs", person: func(t testing.TB, e *engine) {
		a := e.seed(t, "dcim.site", fields{"name": "Berlin", "slug": "berlin"}, fields{"name": "Bonn", "slug": "bonn"})
		patch(t, e, "virtualization.cluster", fields{"scope_type": nil, "scope_id": nil})
		for _, o := range e.nb.Objects("virtualization.virtualmachine") {
			must(t, e.nb.Patch("virtualization.virtualmachine", int(number(o["id"])), fields{"device": nil}))
		}
		for i, o := range e.nb.Objects("dcim.device") {
			must(t, e.nb.Patch("dcim.device", int(number(o["id"])), fields{"site": a[i]}))
		}
	}},
}

// TestChangesPassNetBox: what follows from a change is what NetBox's own rules
// let pass, on every supported NetBox, and one run is enough.
func TestChangesPassNetBox(t *testing.T) {
	for _, c := range changes {
		for version, profile := range map[string]netboxsim.Profile{"4.7": netboxsim.NetBox47, "4.5": netboxsim.NetBox45, "bare": netboxsim.NetBox47Bare} {
			t.Run(c.name+"/"+version, func(t *testing.T) {
				t.Parallel()
				e := newEngine(t, profile)
				e.views = true
				if c.views && !e.caps.GuestInterfaces {
					return
				}
				s := crowdOfAll(12)
				e.pluginRows(t, s)
				e.mustSync(t, s)
				if c.proxmox != nil {
					c.proxmox(s)
				}
				if c.person != nil {
					c.person(t, e)
				}
				p, res := e.mustSync(t, s)
				if len(p.Changes) == 0 || len(p.Reports)+len(res.Reports) > 0 {
					t.Errorf("%d changes, reported:\n%s\n%s", len(p.Changes), labels(p.Reports), labels(res.Reports))
				}
				e.mustRest(t, s)
			})
		}
	}
}

// patch is a person's edit of all objects of a kind.
func patch(t testing.TB, e *engine, kind string, f fields) {
	t.Helper()
	for _, o := range e.nb.Objects(kind) {
		must(t, e.nb.Patch(kind, int(number(o["id"])), f))
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestAnyChangesPassNetBox, in any order and several at once: nothing is
// refused, a second run writes nothing, and every guest is there once.
func TestAnyChangesPassNetBox(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		e := newEngine(t, netboxsim.NetBox47)
		e.views = true
		s := estate(1, "lab")
		e.pluginRows(t, s)
		e.mustSync(t, s)
		for range 3 {
			for _, i := range rapid.SliceOfN(rapid.IntRange(0, len(changes)-1), 1, 4).Draw(r, "changes") {
				if c := changes[i]; c.proxmox != nil {
					c.proxmox(s)
				}
			}
			e.mustSync(t, s)
			e.mustRest(t, s)
			if n := e.nb.Count("virtualization.virtualmachine"); n != len(s.Guests) {
				r.Fatalf("%d guests are %d virtual machines", len(s.Guests), n)
			}
			if t.Failed() {
				r.FailNow()
			}
		}
	})
}
