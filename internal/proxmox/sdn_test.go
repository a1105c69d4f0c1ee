package proxmox

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"proxbox/internal/domain"
)

// lists are a SDN in the forms that releases send: numbers and numbers in
// quotes, nulls, and what no release should.
var lists = map[string]answer{
	zonesPath: data(`[
		{"zone":"overlay","type":"vxlan","ipam":"pve","nodes":"pve1,pve2","peers":"192.0.2.11,192.0.2.12","mtu":"1450","digest":"5146"},
		{"zone":"lan","type":"simple","ipam":null,"advertise-subnets":true,"dhcp":{"range":1}}]`),
	vnetsPath: data(`[
		{"vnet":"users","zone":"overlay","type":"vnet","vlanaware":1,"tag":10,"alias":"everybody's network"},
		{"vnet":"office","zone":"lan","type":"vnet","tag":"0"}]`),
	"/cluster/sdn/vnets/office/subnets": data(`[
		{"subnet":"lan-10.0.0.0-24","cidr":"10.0.0.0/24","gateway":"10.0.0.1","snat":1,"type":"subnet","digest":"1"},
		{"subnet":"lan-10.1.0.0-16","network":"10.1.0.0","mask":16},
		{"subnet":"lan-2001:db8::-64"},
		{"subnet":"10.2.0.7/24"},
		{"subnet":"lan-of-the-office"}]`),
	"/cluster/sdn/vnets/users/subnets": data(`[]`),
}

// audited are the rights of an auditor.
const audited = `{"/":{"VM.Audit":1,"SDN.Audit":1},"/vms":{"VM.Audit":1},"/sdn":{"SDN.Audit":1}}`

// sdnOf reads the SDN that a server has, with some answers in place of others.
func sdnOf(t *testing.T, rights string, changed map[string]answer) (domain.SDN, []domain.Problem, *server) {
	t.Helper()
	answers := map[string]answer{}
	for path, a := range lists {
		answers[path] = a
	}
	for path, a := range changed {
		answers[path] = a
	}
	if rights == "" {
		rights = audited
	}
	answers["/access/permissions"] = data(rights)
	pve := without(answers)
	c := pve.reader(t)
	snap := snapshot(t, c, Scope{})
	sdn, problems := c.SDN(t.Context(), snap)
	return sdn, problems, pve
}

func TestSDN(t *testing.T) {
	got, problems, pve := sdnOf(t, "", nil)
	subnet := func(id, network string, options map[string]string, raw map[string]any) domain.SDNSubnet {
		s := domain.SDNSubnet{ID: id, Options: options, Raw: raw}
		if network != "" {
			s.Network = netip.MustParsePrefix(network)
		}
		if raw == nil {
			s.Raw = map[string]any{"subnet": id}
		}
		return s
	}
	want := domain.SDN{
		Zones: domain.Is([]domain.SDNZone{
			{Name: "lan", Options: map[string]string{"type": "simple", "advertise-subnets": "1", "dhcp": "range=1"},
				Raw: map[string]any{"zone": "lan", "type": "simple", "advertise-subnets": "1", "dhcp": map[string]any{"range": "1"}}},
			{Name: "overlay", Options: map[string]string{"type": "vxlan", "ipam": "pve", "nodes": "pve1,pve2", "peers": "192.0.2.11,192.0.2.12", "mtu": "1450"},
				Raw: map[string]any{"zone": "overlay", "type": "vxlan", "ipam": "pve", "nodes": "pve1,pve2", "peers": "192.0.2.11,192.0.2.12", "mtu": "1450"}},
		}),
		VNets: domain.Is([]domain.SDNVNet{
			{Name: "office", Zone: "lan", Options: map[string]string{"zone": "lan", "type": "vnet", "tag": "0"},
				Raw: map[string]any{"vnet": "office", "zone": "lan", "type": "vnet", "tag": "0"},
				Subnets: domain.Is([]domain.SDNSubnet{
					subnet("10.2.0.7/24", "10.2.0.0/24", nil, nil),
					subnet("lan-10.0.0.0-24", "10.0.0.0/24", map[string]string{"cidr": "10.0.0.0/24", "gateway": "10.0.0.1", "snat": "1", "type": "subnet"},
						map[string]any{"subnet": "lan-10.0.0.0-24", "cidr": "10.0.0.0/24", "gateway": "10.0.0.1", "snat": "1", "type": "subnet"}),
					subnet("lan-10.1.0.0-16", "10.1.0.0/16", map[string]string{"network": "10.1.0.0", "mask": "16"},
						map[string]any{"subnet": "lan-10.1.0.0-16", "network": "10.1.0.0", "mask": "16"}),
					subnet("lan-2001:db8::-64", "2001:db8::/64", nil, nil),
					subnet("lan-of-the-office", "", nil, nil),
				})},
			{Name: "users", Zone: "overlay", Options: map[string]string{"zone": "overlay", "type": "vnet", "vlanaware": "1", "tag": "10", "alias": "everybody's network"},
				Raw:     map[string]any{"vnet": "users", "zone": "overlay", "type": "vnet", "vlanaware": "1", "tag": "10", "alias": "everybody's network"},
				Subnets: domain.Is([]domain.SDNSubnet{})},
		}),
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(problems) > 0 {
		t.Errorf("problems: %v", problems)
	}
	if n := pve.count(zonesPath) + pve.count(vnetsPath) + pve.count("/cluster/sdn/vnets/office/subnets") + pve.count("/cluster/sdn/vnets/users/subnets"); n != 4 {
		t.Errorf("%d requests", n)
	}
}

// TestSDNUnknown: what is refused, hidden, odd or not there is not known, and
// said once.
func TestSDNUnknown(t *testing.T) {
	const office = "/cluster/sdn/vnets/office/subnets"
	beside := func(paths string) string {
		return `{"/":{"VM.Audit":1,"SDN.Audit":1},"/vms":{"VM.Audit":1},` + paths + `}`
	}
	for name, c := range map[string]struct {
		rights           string
		changed          map[string]answer
		zones, vnets     int // that were read
		zonesOK, vnetsOK bool
		subnetsOK        bool
		problem          string
	}{
		"all":                     {"", nil, 2, 2, true, true, true, ""},
		"who may allocate":        {beside(`"/sdn":{"SDN.Allocate":1}`), nil, 2, 2, true, true, true, ""},
		"a zone is out of sight":  {beside(`"/sdn":{"SDN.Audit":1},"/sdn/zones/secret":{"VM.Audit":1}`), nil, 2, 2, false, false, false, "pveum acl modify"},
		"nothing on /sdn":         {beside(`"/storage":{"Datastore.Audit":1}`), nil, 2, 2, false, false, false, "pveum acl modify"},
		"not installed":           {"", map[string]answer{zonesPath: refused(501, "Method 'GET /cluster/sdn/zones' not implemented")}, 0, 0, false, false, false, "nothing to do"},
		"no such path":            {"", map[string]answer{zonesPath: refused(404, "Not Found")}, 0, 0, false, false, false, "nothing to do"},
		"the zones are refused":   {"", map[string]answer{zonesPath: forbidden}, 0, 0, false, false, false, "PVEAuditor"},
		"the vnets fail":          {"", map[string]answer{vnetsPath: refused(500, "can't lock file")}, 2, 0, true, false, false, "the SDN vnets: 500"},
		"the subnets are refused": {"", map[string]answer{office: forbidden}, 2, 2, true, true, false, "the subnets of SDN vnet office"},
		"no list":                 {"", map[string]answer{zonesPath: data(`null`)}, 0, 0, false, false, false, "the SDN zones"},
		"an odd zone":             {"", map[string]answer{zonesPath: data(`[{"zone":"lan"},{"type":"vxlan"},7]`)}, 1, 2, false, true, true, "without zone"},
		"an odd subnet":           {"", map[string]answer{office: data(`[{"cidr":"10.0.0.0/24"}]`)}, 2, 2, true, true, false, "without subnet"},
		"a vnet of an odd name":   {"", map[string]answer{vnetsPath: data(`[{"vnet":"a/b","zone":"lan"}]`), "/cluster/sdn/vnets/a%2Fb/subnets": data(`[]`)}, 2, 1, true, true, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, problems, _ := sdnOf(t, c.rights, c.changed)
			subnets := len(got.VNets.Value) > 0 && got.VNets.Value[0].Subnets.OK
			if len(got.Zones.Value) != c.zones || len(got.VNets.Value) != c.vnets || got.Zones.OK != c.zonesOK || got.VNets.OK != c.vnetsOK || subnets != c.subnetsOK {
				t.Errorf("%+v", got)
			}
			var said []string
			for _, p := range problems {
				said = append(said, p.What+": "+p.Reason+"; "+p.WayOut)
			}
			if all := strings.Join(said, "\n"); !strings.Contains(all, c.problem) || (c.problem == "") != (all == "") {
				t.Errorf("problems:\n%s", all)
			}
		})
	}
}
