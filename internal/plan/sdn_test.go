package plan_test

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"proxbox/internal/domain"
)

// networked is a cluster with a zone of two vnets, one of which has subnets.
func networked() *domain.Snapshot {
	s := small()
	s.SDN = domain.SDN{
		Zones: domain.Is([]domain.SDNZone{{Name: "lan", Options: map[string]string{"type": "simple"}, Raw: map[string]any{"zone": "lan"}}}),
		VNets: domain.Is([]domain.SDNVNet{
			{Name: "office", Zone: "lan", Options: map[string]string{"type": "vnet"}, Raw: map[string]any{"vnet": "office"},
				Subnets: domain.Is([]domain.SDNSubnet{network("10.0.0.0/24"), network("10.0.1.0/24")})},
			{Name: "users", Zone: "lan", Options: map[string]string{"tag": "7"}, Raw: map[string]any{"vnet": "users"}, Subnets: domain.Is([]domain.SDNSubnet{})},
		}),
	}
	return s
}

func network(cidr string) domain.SDNSubnet {
	p := netip.MustParsePrefix(cidr)
	return domain.SDNSubnet{ID: fmt.Sprintf("lan-%s-%d", p.Addr(), p.Bits()), Network: p, Raw: map[string]any{"cidr": cidr}}
}

// TestSDN: what changes, goes or cannot be read of the SDN, and what people do
// to its rows and prefixes.
func TestSDN(t *testing.T) {
	prefix := func(cidr string, vrf int) func(*testing.T, *world) {
		return func(_ *testing.T, w *world) {
			f := domain.Fields{"prefix": cidr, "vrf": nil}
			if vrf != 0 {
				f["vrf"] = domain.At(domain.KindVRF, vrf)
			}
			w.put(domain.KindPrefix, f)
		}
	}
	for _, c := range []struct {
		name     string
		proxmox  func(s *domain.Snapshot)
		person   func(t *testing.T, w *world)
		writes   []string
		reported []string
	}{
		{name: "nothing"},
		{name: "a vnet changes", proxmox: func(s *domain.Snapshot) {
			s.SDN.VNets.Value[1].Options = map[string]string{"tag": "0", "vlanaware": "1"}
		},
			writes: []string{"~ proxmoxsdnvnet SDN vnet users tag 7→0 vlanaware false→true"}},
		{name: "a zone is made", proxmox: func(s *domain.Snapshot) { s.SDN.Zones.Value = append(s.SDN.Zones.Value, domain.SDNZone{Name: "new"}) },
			writes: []string{"+ proxmoxsdnzone SDN zone new"}},
		{name: "a zone is gone", proxmox: func(s *domain.Snapshot) { s.SDN.Zones.Value = nil }, writes: []string{"~ proxmoxsdnzone cluster lab lan status active→stale"}},
		{name: "zones may be hidden", proxmox: func(s *domain.Snapshot) { s.SDN.Zones = domain.Known[[]domain.SDNZone]{} }},
		{name: "a subnet is gone", proxmox: func(s *domain.Snapshot) {
			s.SDN.VNets.Value[0].Subnets = domain.Is([]domain.SDNSubnet{network("10.0.1.0/24")})
		},
			writes: []string{"~ proxmoxsdnsubnet cluster lab lan-10.0.0.0-24 status active→stale"}},
		{name: "subnets cannot be read", proxmox: func(s *domain.Snapshot) { s.SDN.VNets.Value[0].Subnets = domain.Known[[]domain.SDNSubnet]{} }},
		{name: "a vnet is gone", proxmox: func(s *domain.Snapshot) { s.SDN.VNets.Value = s.SDN.VNets.Value[1:] }, writes: []string{
			"~ proxmoxsdnsubnet cluster lab lan-10.0.0.0-24 status active→stale", "~ proxmoxsdnsubnet cluster lab lan-10.0.1.0-24 status active→stale",
			"~ proxmoxsdnvnet cluster lab office status active→stale",
		}},
		{name: "a vnet may be hidden", proxmox: func(s *domain.Snapshot) {
			s.SDN.VNets = domain.Known[[]domain.SDNVNet]{Value: s.SDN.VNets.Value[1:]}
		}},
		{name: "the SDN is not read", proxmox: func(s *domain.Snapshot) { s.SDN = domain.SDN{} }},
		{name: "the cluster is renamed", proxmox: func(s *domain.Snapshot) { s.Cluster.Name = "attic" }, writes: []string{
			"~ cluster cluster attic name lab→attic", "~ proxmoxsdnsubnet SDN subnet lan-10.0.0.0-24 cluster_name lab→attic",
			"~ proxmoxsdnsubnet SDN subnet lan-10.0.1.0-24 cluster_name lab→attic", "~ proxmoxsdnvnet SDN vnet office cluster_name lab→attic",
			"~ proxmoxsdnvnet SDN vnet users cluster_name lab→attic", "~ proxmoxsdnzone SDN zone lan cluster_name lab→attic",
			"~ sync-state of cluster attic proxmox_cluster_name lab→attic", "~ sync-state of node pve1 proxmox_cluster_name lab→attic",
			"~ sync-state of qemu 100 (web) proxmox_cluster_name lab→attic",
		}},
		{name: "another cluster was read by the endpoint before", person: func(_ *testing.T, w *world) {
			w.put(domain.KindSDNZone, domain.Fields{"endpoint": domain.At(domain.KindProxmoxEndpoint, 1), "cluster_name": "cellar", "zone_name": "lan", "status": "active"})
		}, writes: []string{"~ proxmoxsdnzone cluster lab lan status active→stale"}},
		{name: "a zone of another endpoint", person: func(_ *testing.T, w *world) {
			w.put(domain.KindSDNZone, domain.Fields{"endpoint": domain.At(domain.KindProxmoxEndpoint, 9), "cluster_name": "lab", "zone_name": "other", "status": "active"})
		}},
		{name: "a person changes a prefix of ours", person: func(_ *testing.T, w *world) {
			for r := range w.inv.Table(domain.KindPrefix).Rows() {
				r.Fields["description"], r.Fields["status"], r.Fields["vrf"] = "mine", "reserved", domain.At(domain.KindVRF, 3)
			}
		}},
		{name: "a person removes one", person: func(_ *testing.T, w *world) {
			for r := range w.inv.Table(domain.KindSDNSubnet).Rows() {
				if r.Text("subnet") == "lan-10.0.0.0-24" {
					w.inv.Table(domain.KindPrefix).Delete(r.Ref("prefix").ID)
					r.Fields["prefix"] = nil
				}
			}
		}, writes: []string{"+ prefix prefix 10.0.0.0/24", "~ proxmoxsdnsubnet SDN subnet lan-10.0.0.0-24 prefix -→10.0.0.0/24"}},
		{name: "a person makes another one of the network", person: prefix("10.0.0.0/24", 3)},
		{name: "the prefixes cannot be listed", person: func(_ *testing.T, w *world) {
			table := domain.NewTable(domain.KindPrefix)
			table.Unknown = errors.New("out of order")
			w.inv.Set(table)
		}, reported: []string{"failed ipam.prefix"}},
		{name: "the endpoint is gone from the plugin", person: func(_ *testing.T, w *world) {
			w.inv.Table(domain.KindProxmoxEndpoint).Delete(1)
			for _, kind := range []domain.Kind{domain.KindSDNZone, domain.KindSDNVNet, domain.KindSDNSubnet} {
				w.inv.Set(domain.NewTable(kind)) // the plugin removes them with it
			}
		},
			reported: []string{"conflict SDN zone lan endpoint", "conflict SDN vnet office endpoint", "conflict SDN subnet lan-10.0.0.0-24 endpoint"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := synced(t, networked())
			s := networked()
			if c.proxmox != nil {
				c.proxmox(s)
			}
			if c.person != nil {
				c.person(t, w)
			}
			w.check(t, c.writes, c.reported, s)
		})
	}
}

// TestPrefixOfSubnet: what NetBox has of a network is taken, where it is clear
// which; where it has none, in whatever VRF, one is made.
func TestPrefixOfSubnet(t *testing.T) {
	for _, c := range []struct {
		name string
		vrfs []int // of the prefixes that are there
		want int   // the VRF of the subnet's; -1 for none
		why  string
		made int
	}{
		{"none", nil, 0, "", 2},
		{"a global one", []int{0}, 0, "", 1},
		{"one in a VRF", []int{3}, 3, "", 1},
		{"two in VRFs", []int{3, 4}, -1, "NetBox has 2 prefixes 10.0.0.0/24, and nothing says which it is", 1},
		{"a global one among others", []int{3, 0, 4}, 0, "", 1},
		{"two global ones", []int{0, 0}, -1, "NetBox has 2 prefixes 10.0.0.0/24, and nothing says which it is", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld()
			s := networked()
			w.plugin(s)
			for _, vrf := range c.vrfs {
				w.put(domain.KindPrefix, domain.Fields{"prefix": "10.0.0.0/24", "vrf": nil, "description": "a person's"})
				if vrf != 0 {
					w.inv.Table(domain.KindPrefix).Get(w.next - 1).Fields["vrf"] = domain.At(domain.KindVRF, vrf)
				}
			}
			w.do(t, planOf(w, s))
			w.check(t, nil, nil, s)
			if n := w.inv.Table(domain.KindPrefix).Len() - len(c.vrfs); n != c.made {
				t.Errorf("%d were made", n)
			}
			for r := range w.inv.Table(domain.KindSDNSubnet).Rows() {
				if r.Text("subnet") != "lan-10.0.0.0-24" {
					continue
				}
				vrf := -1
				if p := w.inv.Row(r.Ref("prefix")); p != nil {
					vrf = p.Ref("vrf").ID
				}
				if vrf != c.want || r.Text("skip_reason") != c.why {
					t.Errorf("it points at the one in VRF %d: %q", vrf, r.Text("skip_reason"))
				}
			}
		})
	}
}

// TestSDNOfTwoClusters with the same names: rows of their own, one prefix.
func TestSDNOfTwoClusters(t *testing.T) {
	first, second := networked(), networked()
	second.Endpoint.ID, second.Endpoint.Name, second.Endpoint.Domain = 2, "py (nb:2)", "py.example.org"
	second.Nodes[0].SSLFingerprint, second.Cluster.Name = "bb", "other"
	second.Guests = nil
	w := newWorld()
	w.plugin(first)
	w.plugin(second)
	row := w.put(domain.KindPrefix, domain.Fields{"prefix": "10.0.0.0/24", "vrf": nil})
	w.do(t, planOf(w, first, second))
	w.check(t, nil, nil, first, second)
	linked := 0
	for r := range w.inv.Table(domain.KindSDNSubnet).Rows() {
		if r.Ref("prefix").ID == row.ID {
			linked++
		}
	}
	if n := w.inv.Table(domain.KindSDNZone).Len(); n != 2 || linked != 2 {
		t.Errorf("%d zones, %d subnets with the prefix", n, linked)
	}
}

// anySDN draws the SDN of a cluster.
func anySDN(t *rapid.T, s *domain.Snapshot) {
	names := func(what string) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 3, rapid.ID).Draw(t, what)
	}
	for _, name := range names("zones") {
		s.SDN.Zones.Value = append(s.SDN.Zones.Value, domain.SDNZone{Name: name, Options: map[string]string{"mtu": rapid.SampledFrom([]string{"", "0", "1450"}).Draw(t, "mtu")}})
	}
	for _, name := range names("vnets") {
		n := domain.SDNVNet{Name: name, Zone: "a", Options: map[string]string{"tag": "0"}}
		for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(0, 3), 0, 2, rapid.ID).Draw(t, "subnets") {
			n.Subnets.Value = append(n.Subnets.Value, network(fmt.Sprintf("10.99.%d.0/24", i)))
		}
		n.Subnets.OK = rapid.Bool().Draw(t, "all subnets")
		s.SDN.VNets.Value = append(s.SDN.VNets.Value, n)
	}
	s.SDN.Zones.OK, s.SDN.VNets.OK = rapid.Bool().Draw(t, "all zones"), rapid.Bool().Draw(t, "all vnets")
}
