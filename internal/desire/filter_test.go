package desire

import (
	"net/netip"
	"testing"

	"proxbox/internal/domain"
)

func TestFilterGuest(t *testing.T) {
	web := domain.Guest{VMID: 100, Type: domain.QEMU, Name: "web-01", Node: "pve1", Pool: "shop", Tags: []string{"prod", "web"}}
	template := domain.Guest{VMID: 900, Type: domain.QEMU, Name: "debian-13", Node: "pve2", Template: true}
	for _, c := range []struct {
		name          string
		filter        Filter
		web, template bool
	}{
		{"nothing", Filter{}, true, true},
		{"a tag", Filter{Tags: []string{"prod"}}, true, false},
		{"one of two tags", Filter{Tags: []string{"dev", "w?b"}}, true, false},
		{"not a tag", Filter{ExcludeTags: []string{"PROD"}}, false, true},
		{"a pool", Filter{Pools: []string{"s*"}}, true, false},
		{"not a pool", Filter{ExcludePools: []string{"shop"}}, false, true},
		{"no pool at all is none", Filter{ExcludePools: []string{"*"}}, false, true},
		{"a name", Filter{Names: []string{"WEB-*"}}, true, false},
		{"not a name", Filter{ExcludeNames: []string{"web-0[1-3]"}}, false, true},
		{"a node", Filter{Nodes: []string{"pve2"}}, false, true},
		{"not a node", Filter{ExcludeNodes: []string{"pve2"}}, true, false},
		{"without templates", Filter{Templates: NoTemplates}, true, false},
		{"only templates", Filter{Templates: OnlyTemplates}, false, true},
		{"what is left out goes before what is wanted", Filter{Names: []string{"*"}, ExcludeTags: []string{"web"}}, false, true},
	} {
		if a, b := c.filter.Guest(web), c.filter.Guest(template); a != c.web || b != c.template {
			t.Errorf("%s: %t and %t", c.name, a, b)
		}
	}
}

func TestFilterAddress(t *testing.T) {
	in := func(s string) []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix(s)} }
	for _, c := range []struct {
		filter  Filter
		address string
		want    bool
	}{
		{Filter{}, "10.0.0.1", true},
		{Filter{Subnets: in("10.0.0.0/8")}, "10.0.0.1", true},
		{Filter{Subnets: in("10.0.0.0/8")}, "192.0.2.1", false},
		{Filter{IgnoreSubnets: in("172.16.0.0/12")}, "172.17.0.1", false},
		{Filter{IgnoreSubnets: in("172.16.0.0/12")}, "10.0.0.1", true},
		{Filter{Subnets: in("10.0.0.0/8"), IgnoreSubnets: in("10.1.0.0/16")}, "10.1.0.1", false},
		{Filter{IgnoreSubnets: in("fd00::/8")}, "fd12::1", false},
		{Filter{IgnoreSubnets: in("10.0.0.0/8")}, "::ffff:10.0.0.1", false},
	} {
		if got := c.filter.Address(netip.MustParseAddr(c.address)); got != c.want {
			t.Errorf("%+v: %s is %t", c.filter, c.address, got)
		}
	}
}

// TestFilteredIsNotGone: what is left out is bound where NetBox has it, with
// nothing done to it, and no part of it is said to be all there is.
func TestFilteredIsNotGone(t *testing.T) {
	g := virtualMachine(func(_ *domain.Guest, cfg *domain.GuestConfig) {
		cfg.NICs = []domain.NIC{{Key: "net0", MAC: "BC:24:11:00:00:01"}, {Key: "net1", MAC: "BC:24:11:00:00:02"}}
	})
	opt := full
	opt.Filter = Filter{ExcludeNames: []string{"web"}}
	d := Build([]*domain.Snapshot{snapshot(g)}, opt)
	vm := one(t, d, domain.KindVirtualMachine)
	if vm.Mode != domain.Existing || d.Policy(vm.Kind, vm.Key) != domain.Leave || d.Policy(domain.KindVirtualDisk, vm.Key+"/scsi0") != domain.Leave ||
		d.Whole[domain.PartsOf{Owner: vm.Key, Kind: domain.KindVirtualDisk}] || len(wanted(d, domain.KindVMInterface)) > 0 {
		t.Errorf("%+v", vm)
	}
	opt.Filter = Filter{ExcludeInterfaces: []string{"net1"}}
	d = Build([]*domain.Snapshot{snapshot(g)}, opt)
	for _, nic := range wanted(d, domain.KindVMInterface) {
		if left := nic.Fields["name"] == "net1"; (d.Policy(nic.Kind, nic.Key) == domain.Leave) != left {
			t.Errorf("%s is left: %t", nic.Key, !left)
		}
	}
}

func TestFilterSpares(t *testing.T) {
	f := Filter{ExcludeInterfaces: []string{"docker*"}, IgnoreSubnets: []netip.Prefix{netip.MustParsePrefix("172.16.0.0/12")}}
	for _, c := range []struct {
		kind  domain.Kind
		field string
		value string
		want  bool
	}{
		{domain.KindIPAddress, "address", "172.17.0.1/16", true}, {domain.KindIPAddress, "address", "10.0.0.1/24", false}, {domain.KindIPAddress, "address", "", false},
		{domain.KindVMInterface, "name", "docker0", true}, {domain.KindGuestInterface, "name", "eth0", false}, {domain.KindVirtualDisk, "name", "docker0", false},
	} {
		if got := f.Spares(c.kind, &domain.Row{Fields: domain.Fields{c.field: c.value}}); got != c.want {
			t.Errorf("%s %q: %t", c.kind, c.value, got)
		}
	}
}
