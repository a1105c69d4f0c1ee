package conformance

import (
	"net/http"
	"strings"

	"proxbox/internal/domain"
	"proxbox/internal/proxmox"
	proxmoxsim "proxbox/internal/sim/proxmox"
)

// agent judges what the QEMU agent says, and how it says nothing.
func (s *suite) agent() {
	with := func(agent *proxmoxsim.Agent) proxmoxsim.Guest {
		g := machine(proxmoxsim.Row{"agent": "1"})
		g.Agent = agent
		return g
	}
	linux := &proxmoxsim.Agent{
		Hostname: "web", OS: proxmoxsim.Row{"id": "debian", "name": "Debian GNU/Linux", "version-id": "13", "pretty-name": "Debian GNU/Linux 13 (trixie)"},
		Interfaces: []proxmoxsim.AgentInterface{
			{Name: "lo", MAC: "00:00:00:00:00:00", Addresses: []proxmoxsim.AgentAddress{{Address: "127.0.0.1", Type: "ipv4", Prefix: 8}, {Address: "::1", Type: "ipv6", Prefix: 128}}},
			{Name: "eth0", MAC: "bc:24:11:00:00:01", Addresses: []proxmoxsim.AgentAddress{{Address: "192.0.2.5", Type: "ipv4", Prefix: 24}, {Address: "fe80::1%eth0", Type: "ipv6", Prefix: 64}}},
			{Name: "eth0:1", MAC: "bc:24:11:00:00:01", Addresses: []proxmoxsim.AgentAddress{{Address: "192.0.2.6", Type: "ipv4", Prefix: 24}}},
			{Name: "vrrp.20", MAC: "00:00:5e:00:01:14"},
			{Name: "tun0", Addresses: []proxmoxsim.AgentAddress{{Address: "10.8.0.1", Type: "ipv4", Prefix: 24}}},
			{Name: "Ethernet", MAC: "bc:24:11:00:00:02", Addresses: []proxmoxsim.AgentAddress{{Address: "169.254.1.2", Type: "ipv4", Prefix: -1}, {Address: "fe80::2%8", Type: "ipv6", Prefix: 64}}},
		},
	}
	stopped := with(linux)
	stopped.Status = "stopped"
	e := small(
		with(linux), with(nil), with(&proxmoxsim.Agent{Hangs: true}),
		with(&proxmoxsim.Agent{Refusal: &proxmoxsim.AgentRefusal{Class: "CommandNotFound", Desc: "Command guest-network-get-interfaces has been disabled"}}),
		stopped, with(&proxmoxsim.Agent{}),
	)
	system := s.start(e)
	snap := s.read(system, system.Endpoint())
	s.same("the interfaces", domain.Is([]domain.GuestInterface{
		{Name: "lo", Addresses: prefixes("127.0.0.1/8", "::1/128")},
		{Name: "eth0", MAC: "BC:24:11:00:00:01", Addresses: prefixes("192.0.2.5/24", "fe80::1/64")},
		{Name: "eth0:1", MAC: "BC:24:11:00:00:01", Addresses: prefixes("192.0.2.6/24")},
		{Name: "vrrp.20", MAC: "00:00:5E:00:01:14"},
		{Name: "tun0", Addresses: prefixes("10.8.0.1/24")},
		{Name: "Ethernet", MAC: "BC:24:11:00:00:02", Addresses: prefixes("169.254.1.2/32", "fe80::2/64")},
	}), snap.Guests[0].Agent)
	s.same("the system", domain.Is(domain.AgentOS{Name: "Debian GNU/Linux", VersionID: "13", PrettyName: "Debian GNU/Linux 13 (trixie)"}), snap.Guests[0].AgentOS)
	s.same("the host name", "web", snap.Guests[0].Hostname)
	for _, g := range snap.Guests[1:] {
		if g.Agent.OK || !g.Config.OK {
			s.Errorf("guest %d without a word of its agent reads %+v", g.VMID, g.Agent)
		}
	}

	c := s.open(system, system.Endpoint())
	const command = "network-get-interfaces"
	for vmid, words := range map[int]string{101: "QEMU guest agent is not running", 102: "got timeout"} {
		refusal := s.refused(c, e.Guest(vmid).Path("agent", command))
		if refusal.Code != http.StatusInternalServerError || !strings.Contains(refusal.Message, words) || !proxmox.AgentSilent(refusal) {
			s.Errorf("a silent agent answers %v", refusal)
		}
	}
	answer := raw[map[string]any](s, c, e.Guest(103).Path("agent", command), nil)
	s.same("an agent that may not tell", row{"result": row{"error": row{"class": "CommandNotFound", "desc": "Command guest-network-get-interfaces has been disabled"}}}, answer)
	refusal := s.refused(c, e.Guest(104).Path("agent", command))
	if refusal.Code != http.StatusInternalServerError || !proxmox.AgentSilent(refusal) {
		s.Errorf("a stopped machine's agent answers %v", refusal)
	}
	if !s.odd(SilentIsOneWord) && refusal.Message != "VM 104 is not running" {
		s.Errorf("a stopped machine's agent answers %v", refusal)
	}
}

// container judges what a container says of its interfaces.
func (s *suite) container() {
	static := container(proxmoxsim.Row{"hostname": "static", "net0": "name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:01,ip=192.0.2.5/24,ip6=2001:db8::5/64,type=veth"})
	dhcp := container(proxmoxsim.Row{"hostname": "dhcp", "net0": "name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:02,ip=dhcp,type=veth"})
	dhcp.Interfaces = []proxmoxsim.ContainerInterface{{Name: "eth0", MAC: "bc:24:11:00:00:02", Inet: "192.0.2.6/24", Inet6: "fe80::be24:11ff:fe00:2/64"}}
	stopped := container(proxmoxsim.Row{"hostname": "stopped", "net0": "name=eth0,hwaddr=BC:24:11:00:00:03,ip=192.0.2.7/24"})
	stopped.Status = "stopped"
	e := small(static, dhcp, stopped)
	system := s.start(e)
	snap := s.read(system, system.Endpoint())
	loopback := domain.GuestInterface{Name: "lo", Addresses: prefixes("127.0.0.1/8", "::1/128")}
	s.same("static addresses", domain.Is([]domain.GuestInterface{loopback, {Name: "eth0", MAC: "BC:24:11:00:00:01", Addresses: prefixes("192.0.2.5/24", "2001:db8::5/64")}}), snap.Guests[0].Agent)
	s.same("leased addresses", domain.Is([]domain.GuestInterface{loopback, {Name: "eth0", MAC: "BC:24:11:00:00:02", Addresses: prefixes("192.0.2.6/24", "fe80::be24:11ff:fe00:2/64")}}), snap.Guests[1].Agent)
	s.same("a container that does not run", domain.Known[[]domain.GuestInterface]{}, snap.Guests[2].Agent)
	s.same("the host name", "static", snap.Guests[0].Hostname)

	rows := raw[[]row](s, s.open(system, system.Endpoint()), e.Guests[0].Path("interfaces"), nil)
	nic := rows[len(rows)-1]
	if nic["inet"] != "192.0.2.5/24" || nic["hwaddr"] != nic["hardware-address"] {
		s.Errorf("an interface of a container is %v", nic)
	}
	s.same("its addresses", []any{
		row{"ip-address-type": "inet", "ip-address": "192.0.2.5", "prefix": "24"},
		row{"ip-address-type": "inet6", "ip-address": "2001:db8::5", "prefix": "64"},
	}, nic["ip-addresses"])
}
