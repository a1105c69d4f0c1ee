package conformance

import (
	"slices"
	"strings"

	"proxbox/internal/domain"
	proxmoxsim "proxbox/internal/sim/proxmox"
)

// wholeEstate reads an estate with every shape, from the target and from the
// simulator.
func (s *suite) wholeEstate() {
	const guests = 60
	got := s.of(proxmoxsim.Demo(guests))

	sim := proxmoxsim.New(proxmoxsim.Demo(guests))
	want := s.read(simulated{sim}, sim.Endpoint())
	if len(got.Guests) != guests || len(got.Nodes) != 3 {
		s.Errorf("%d guests on %d nodes were read", len(got.Guests), len(got.Nodes))
	}
	s.same("completeness", domain.Completeness{Guests: true, Nodes: true, Storages: true, Backups: true, SDN: true}, got.Complete)
	level(s.target.Quirks, want)
	level(s.target.Quirks, got)
	s.same("the estate", want, got)
}

// row is a row of a list, as it was sent.
type row = map[string]any

// resources judges the list of resources: what is there, and what is not when
// it is unset.
func (s *suite) resources() {
	e := proxmoxsim.Demo(0)
	e.Guests = []proxmoxsim.Guest{
		{VMID: 100, Type: domain.QEMU, Node: "pve1", Status: "running", Config: proxmoxsim.Row{"name": "bare", "memory": "1024", "cores": 2, "sockets": 2}},
		{
			VMID: 101, Type: domain.LXC, Node: "pve2", Status: "stopped", Pool: "lab", HAState: "stopped",
			Config: proxmoxsim.Row{"hostname": "full", "memory": 256, "cores": 3, "tags": "b;A", "lock": "backup", "template": 1, "rootfs": "local-lvm:vm-101-disk-0,size=8G"},
		},
		{VMID: 102, Type: domain.QEMU, Node: "pve3", Status: "stopped", Config: proxmoxsim.Row{}},
	}
	system := s.start(e)
	c := s.open(system, system.Endpoint())
	byID := map[string]row{}
	for _, r := range raw[[]row](s, c, "/cluster/resources", nil) {
		byID[r["id"].(string)] = r
	}
	for id, want := range map[string]row{
		"qemu/100":  {"type": "qemu", "node": "pve1", "vmid": 100.0, "name": "bare", "status": "running", "template": 0.0, "maxcpu": 4.0, "maxmem": 1024.0 * (1 << 20), "disk": 0.0},
		"lxc/101":   {"type": "lxc", "node": "pve2", "vmid": 101.0, "name": "full", "status": "stopped", "template": 1.0, "maxcpu": 3.0, "maxmem": 256.0 * (1 << 20), "pool": "lab", "hastate": "stopped", "tags": "b;A", "lock": "backup"},
		"qemu/102":  {"name": "VM 102", "maxcpu": 1.0, "maxmem": 512.0 * (1 << 20)},
		"node/pve1": {"type": "node", "node": "pve1", "status": "online", "level": ""},
	} {
		for key, value := range want {
			if got := byID[id][key]; got != value {
				s.Errorf("%s has %s %v and should have %v", id, key, got, value)
			}
		}
	}
	for _, key := range []string{"pool", "hastate", "tags", "lock"} {
		if value, there := byID["qemu/100"][key]; there {
			s.Errorf("qemu/100 has %s %v, which is not set", key, value)
		}
	}
	for id, want := range map[string]row{
		"storage/pve1/nas":       {"type": "storage", "node": "pve1", "storage": "nas", "plugintype": "nfs", "shared": 1.0, "content": "backup,iso"},
		"storage/pve2/local-lvm": {"storage": "local-lvm", "shared": 0.0},
	} {
		for key, value := range want {
			if got := byID[id][key]; got != value {
				s.Errorf("%s has %s %v and should have %v", id, key, got, value)
			}
		}
	}
	if byID["storage/pve1/old-nas"] != nil {
		s.Error("a storage that is disabled is listed")
	}
	for _, r := range raw[[]row](s, c, "/cluster/resources", map[string][]string{"type": {"vm"}}) {
		if r["type"] != "qemu" && r["type"] != "lxc" {
			s.Errorf("type=vm lists %v", r)
		}
	}
	if got := len(s.read(system, system.Endpoint()).Guests); got != 3 {
		s.Errorf("%d guests were read", got)
	}

	if s.odd(EverybodyIsSeen) {
		return
	}
	system.Change(s, func(e *proxmoxsim.Estate) { e.Guest(100).Unseen = true })
	for _, r := range raw[[]row](s, c, "/cluster/resources", nil) {
		if r["id"] == "qemu/100" {
			s.same("the row of a guest just made", row{"id": "qemu/100", "type": "qemu", "node": "pve1", "vmid": 100.0, "status": "unknown"}, r)
		}
	}
	if g := s.read(system, system.Endpoint()).Guests[0]; g.Name != "bare" || g.Status != "unknown" || !g.Config.OK {
		s.Errorf("a guest just made reads %+v", g)
	}
}

func (s *suite) cluster() {
	e := proxmoxsim.Demo(3)
	e.Nodes[1].IP = "198.51.100.2"
	system := s.start(e)
	snap := s.read(system, system.Endpoint())
	s.same("the cluster", domain.Cluster{Name: "demo", Quorate: true, ID: "cluster", Version: 1}, snap.Cluster)
	s.same("the version", "9.0.10", snap.Version)
	s.same("the colours", map[string]string{"prod": "cc0000", "web": "00aa55", "db": "3366ff"}, snap.TagColors)
	for i, n := range snap.Nodes {
		want := e.Nodes[i]
		if n.Name != want.Name || n.NodeID != i+1 || !n.Online || n.Local != (i == 0) {
			s.Errorf("node %d reads %+v", i, n)
		}
		if !s.odd(NodeAddress) && n.IP != want.IP || n.IP == "" {
			s.Errorf("%s has the address %q", n.Name, n.IP)
		}
		if !s.odd(NodeFingerprint) && n.SSLFingerprint != want.Fingerprint || n.SSLFingerprint == "" {
			s.Errorf("%s has the fingerprint %q", n.Name, n.SSLFingerprint)
		}
		if !s.odd(NodeSize) && (n.CPUs != want.CPUs || n.MemoryBytes != want.MemoryBytes) {
			s.Errorf("%s has %d CPUs and %d bytes", n.Name, n.CPUs, n.MemoryBytes)
		}
		if !n.Interfaces.OK || len(n.Interfaces.Value) != len(want.Network) || !n.Tasks.OK || len(n.Tasks.Value) != len(want.Tasks) {
			s.Errorf("%s has %d interfaces and %d tasks", n.Name, len(n.Interfaces.Value), len(n.Tasks.Value))
		}
	}
	tasks := snap.Nodes[0].Tasks.Value
	if last := tasks[len(tasks)-1]; last.Status != "stopped" || last.ExitStatus != "WARNINGS: 1" || last.ID != "" {
		s.Errorf("the last task reads %+v", last)
	}

	system.Change(s, func(e *proxmoxsim.Estate) { e.NoQuorum = true })
	snap = s.read(system, system.Endpoint())
	if snap.Cluster.Quorate || snap.Complete != (domain.Completeness{}) {
		s.Errorf("without quorum: %+v, complete: %+v", snap.Cluster, snap.Complete)
	}
	if !slices.ContainsFunc(snap.Problems, func(p domain.Problem) bool { return strings.Contains(p.Reason, "no quorum") }) {
		s.Errorf("that there is no quorum is not said: %v", snap.Problems)
	}
}

func (s *suite) standalone() {
	e := proxmoxsim.Demo(10)
	e.StandAlone()
	snap := s.of(e)
	s.same("the cluster", domain.Cluster{Name: "pve1", Standalone: true, Quorate: true}, snap.Cluster)
	if n := snap.Nodes[0]; len(snap.Nodes) != 1 || n.NodeID != 0 || !n.Local || !n.Online || n.IP != e.Nodes[0].IP {
		s.Errorf("the host reads %+v", n)
	}
	s.same("completeness", domain.Completeness{Guests: true, Nodes: true, Storages: true, Backups: true, SDN: true}, snap.Complete)
	s.same("its guests", 10, len(snap.Guests))
}
