package conformance

import (
	"proxbox/internal/domain"
	"proxbox/internal/proxmox"
	proxmoxsim "proxbox/internal/sim/proxmox"
)

// sdn judges the lists of the SDN: all of them, one that is refused, and a
// Proxmox VE that has none.
func (s *suite) sdn() {
	e := proxmoxsim.Demo(0)
	e.SDN = proxmoxsim.DemoSDN(0)
	system := s.start(e)
	c := s.open(system, system.Endpoint())
	read := func() (domain.SDN, []domain.Problem) {
		s.Helper()
		snap, err := c.Snapshot(s.Context(), proxmox.Scope{})
		if err != nil {
			s.Fatal(err)
		}
		return c.SDN(s.Context(), snap)
	}
	got, problems := read()
	s.same("problems", []domain.Problem{}, problems)
	var networks []string
	for _, n := range got.VNets.Value {
		if !n.Subnets.OK {
			s.Errorf("the subnets of %s are not known", n.Name)
		}
		for _, subnet := range n.Subnets.Value {
			networks = append(networks, n.Zone+" "+n.Name+" "+subnet.Network.String())
		}
	}
	if !got.Zones.OK || len(got.Zones.Value) != len(e.SDN.Zones) || !got.VNets.OK || len(got.VNets.Value) != len(e.SDN.VNets) {
		s.Errorf("the SDN reads %+v", got)
	}
	s.same("the networks", []string{"lan office 10.200.0.0/24", "lan office 2001:db8:200::/64", "fabric tenant1 10.200.16.0/20"}, networks)

	system.Change(s, func(e *proxmoxsim.Estate) { e.Deny("/cluster/sdn/vnets/office/subnets", "SDN.Audit") })
	if got, problems = read(); got.VNets.Value[0].Subnets.OK || !got.VNets.Value[1].Subnets.OK || len(problems) != 1 {
		s.Errorf("with one vnet's subnets refused: %+v, %v", got.VNets, problems)
	}
	system.Change(s, func(e *proxmoxsim.Estate) { e.SDN = nil })
	if got, problems = read(); got.Zones.OK || got.VNets.OK || len(problems) != 1 {
		s.Errorf("without SDN: %+v, %v", got, problems)
	}
}
