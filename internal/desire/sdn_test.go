package desire

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"proxbox/internal/domain"
)

// withSDN is a cluster with one zone, vnet and subnet.
func withSDN() *domain.Snapshot {
	s := snapshot()
	s.Nodes[0].SSLFingerprint = "aa"
	s.SDN = domain.SDN{
		Zones: domain.Is([]domain.SDNZone{{Name: "fabric", Raw: map[string]any{"zone": "fabric", "mtu": "1450"}, Options: map[string]string{
			"type": "evpn", "controller": "evpn1", "vrf-vxlan": "10000", "tag": "0", "mtu": "1450", "dns": "dns1", "ipam": "pve", "rt-import": "65000:1, 65000:2", "state": "new"}}}),
		VNets: domain.Is([]domain.SDNVNet{{Name: "office", Zone: "fabric", Raw: map[string]any{"vnet": "office"},
			Options: map[string]string{"type": "vnet", "tag": "10", "alias": " the office ", "vlanaware": "1", "zone": "fabric"},
			Subnets: domain.Is([]domain.SDNSubnet{{ID: "fabric-10.0.0.0-24", Network: netip.MustParsePrefix("10.0.0.0/24"), Raw: map[string]any{"cidr": "10.0.0.0/24"},
				Options: map[string]string{"type": "subnet", "gateway": "10.0.0.1", "snat": "1"}}})}}),
	}
	return s
}

// TestSDN: every option that the plugin has a field for, for each of the
// plugin's endpoints that read the cluster.
func TestSDN(t *testing.T) {
	first, second := withSDN(), withSDN()
	second.Endpoint.ID, second.Endpoint.Name, second.SDN = 2, "py (nb:7)", domain.SDN{}
	d := Build([]*domain.Snapshot{first, second}, full)
	of := func(pk int, f domain.Fields) domain.Fields {
		f["endpoint"], f["cluster_name"], f["zone_name"], f["status"] = domain.At(domain.KindProxmoxEndpoint, pk), "lab", "fabric", "active"
		return f
	}
	for i, pk := range []int{1, 7} {
		for kind, want := range map[domain.Kind]domain.Fields{
			domain.KindSDNZone: of(pk, domain.Fields{"zone_type": "evpn", "controller": "evpn1", "vrf_vxlan": 10000, "tag": 0, "mtu": 1450, "dns": "dns1", "ipam": "pve",
				"rt_import": `["65000:1","65000:2"]`, "state": "new", "raw_config": `{"mtu":"1450","zone":"fabric"}`}),
			domain.KindSDNVNet: of(pk, domain.Fields{"vnet_name": "office", "vnet_type": "vnet", "tag": 10, "alias": "the office", "vlanaware": true, "state": "",
				"raw_config": `{"vnet":"office"}`}),
			domain.KindSDNSubnet: of(pk, domain.Fields{"vnet_name": "office", "subnet": "fabric-10.0.0.0-24", "subnet_type": "subnet", "gateway": "10.0.0.1", "snat": true,
				"prefix": domain.To(domain.KindPrefix, "prefix/10.0.0.0/24"), "skip_reason": "", "raw_config": `{"cidr":"10.0.0.0/24"}`}),
		} {
			rows := wanted(d, kind)
			if len(rows) != 2 {
				t.Fatalf("%d of %s", len(rows), kind)
			}
			if diff := cmp.Diff(want, rows[i].Fields); diff != "" {
				t.Errorf("%s (-want +got):\n%s", kind, diff)
			}
		}
	}
	if o := one(t, d, domain.KindPrefix); o.Fields["prefix"] != "10.0.0.0/24" || o.Fields["description"] != "SDN vnet office of lab" || len(o.Tags.Mark) > 0 || len(o.Tags.OnCreate) != 1 {
		t.Errorf("prefix %v", o.Fields)
	}
	for owner, kind := range map[domain.Key]domain.Kind{"c1": domain.KindSDNZone, "c1/sdn/vnet/office": domain.KindSDNSubnet} {
		if !d.Whole[domain.PartsOf{Owner: owner, Kind: kind}] {
			t.Errorf("%s of %s are not whole", kind, owner)
		}
	}
}

// TestSDNValues: what is not set, does not fit or is no number.
func TestSDNValues(t *testing.T) {
	for _, c := range []struct {
		option, value, field string
		want                 any
	}{
		{"mtu", "", "mtu", nil}, {"mtu", "auto", "mtu", nil}, {"tag", "99999999999", "tag", nil}, {"vrf-vxlan", "-1", "vrf_vxlan", nil},
		{"rt-import", "", "rt_import", "[]"}, {"type", strings.Repeat("x", 40), "zone_type", strings.Repeat("x", 32)}, {"ipam", "", "ipam", ""},
	} {
		s := withSDN()
		s.SDN.Zones.Value[0].Options = map[string]string{c.option: c.value}
		if got := one(t, Build([]*domain.Snapshot{s}, full), domain.KindSDNZone).Fields[c.field]; got != c.want {
			t.Errorf("%s %q: %v", c.option, c.value, got)
		}
	}
	s := withSDN()
	s.SDN.VNets.Value[0].Options = nil
	s.SDN.VNets.Value[0].Subnets.Value[0] = domain.SDNSubnet{ID: "odd"}
	d := Build([]*domain.Snapshot{s}, full)
	if f := one(t, d, domain.KindSDNVNet).Fields; f["tag"] != nil || f["vlanaware"] != false {
		t.Errorf("vnet %v", f)
	}
	if f := one(t, d, domain.KindSDNSubnet).Fields; f["prefix"] != nil || f["skip_reason"] == "" || f["snat"] != false || len(wanted(d, domain.KindPrefix)) != 0 {
		t.Errorf("subnet %v", f)
	}
}

// TestSDNWithoutAPlace: a plugin that has no lists for it, and an endpoint that
// the plugin does not know.
func TestSDNWithoutAPlace(t *testing.T) {
	opt := full
	opt.SDN = false
	unknown := withSDN()
	unknown.Endpoint.Name = "px"
	for _, d := range []*Desired{Build([]*domain.Snapshot{withSDN()}, opt), Build([]*domain.Snapshot{unknown}, full)} {
		if n := len(wanted(d, domain.KindSDNZone)) + len(wanted(d, domain.KindSDNVNet)) + len(wanted(d, domain.KindPrefix)); n > 0 {
			t.Errorf("%d objects", n)
		}
	}
	if d := Build([]*domain.Snapshot{unknown}, full); len(d.Problems) != 1 || !strings.Contains(d.Problems[0].WayOut, "(nb:<id>)") {
		t.Errorf("problems %v", d.Problems)
	}
}

// TestTwoEndpointsCompleteTheSDN: the vnets of both, with the subnets of who
// could read them.
func TestTwoEndpointsCompleteTheSDN(t *testing.T) {
	first, second := withSDN(), withSDN()
	second.Endpoint.ID, second.Endpoint.Name = 2, "py"
	first.SDN.VNets.Value[0].Subnets = domain.Known[[]domain.SDNSubnet]{}
	first.SDN.Zones = domain.Known[[]domain.SDNZone]{}
	d := Build([]*domain.Snapshot{first, second}, full)
	if len(wanted(d, domain.KindSDNZone)) != 1 || len(wanted(d, domain.KindSDNSubnet)) != 1 {
		t.Errorf("%v", d.Objects)
	}
}
