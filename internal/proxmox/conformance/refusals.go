package conformance

import (
	"errors"
	"net/http"
	"strings"

	"proxbox/internal/domain"
	"proxbox/internal/proxmox"
	proxmoxsim "proxbox/internal/sim/proxmox"
)

// refusals judges the words in which Proxmox refuses, on which the reader
// decides.
func (s *suite) refusals() {
	e := proxmoxsim.Demo(20)
	system := s.start(e)
	c := s.open(system, system.Endpoint())
	for _, tt := range []struct {
		path  string
		code  int
		words string
		is    func(error) bool
	}{
		{"/nodes/pve1/qemu/9999/config", 500, "Configuration file 'nodes/pve1/qemu-server/9999.conf' does not exist", proxmox.NotExist},
		{"/nodes/pve1/lxc/9999/config", 500, "Configuration file 'nodes/pve1/lxc/9999.conf' does not exist", proxmox.NotExist},
		{"/nodes/pve2/qemu/100/config", 500, "Configuration file 'nodes/pve2/qemu-server/100.conf' does not exist", proxmox.NotExist},
		{"/nodes/pve1/lxc/100/config", 500, "Configuration file 'nodes/pve1/lxc/100.conf' does not exist", proxmox.NotExist},
		{"/nodes/pve1/qemu/9999/snapshot", 500, "does not exist", proxmox.NotExist},
		{"/nodes/nowhere/network", 500, "hostname lookup 'nowhere' failed", proxmox.NodeUnreachable},
		{"/nodes/pve1/storage/nowhere/content", 500, "storage 'nowhere' does not exist", proxmox.NotExist},
		{"/nodes/pve1/storage/old-nas/content", 500, "storage 'old-nas' is disabled", nil},
		{"/nodes/pve1/qemu/abc/config", 400, "vmid: type check ('integer') failed - got 'abc'", nil},
	} {
		refusal := s.refused(c, tt.path)
		if refusal.Code != tt.code || !strings.Contains(refusal.Message, tt.words) {
			s.Errorf("%s is refused with %v", tt.path, refusal)
		}
		if tt.is != nil && !tt.is(refusal) {
			s.Errorf("%s: the reader does not understand %v", tt.path, refusal)
		}
		if tt.code == 500 && !strings.Contains(refusal.Reason, tt.words) && system.Transport() != nil {
			s.Errorf("%s: the reason is %q", tt.path, refusal.Reason)
		}
	}
	if gone, err := c.Gone(s.Context(), "pve1", domain.QEMU, 9999); !gone || err != nil {
		s.Errorf("a guest that is not there is gone: %t, %v", gone, err)
	}

	// A configuration that fails costs only itself.
	system.Change(s, func(e *proxmoxsim.Estate) {
		e.Fail(e.Guest(100).Path("config"), proxmoxsim.Fault{Status: 500, Message: "unable to read it"})
		e.Deny(e.Guest(101).Path("config"), "VM.Audit")
	})
	snap := s.read(system, system.Endpoint())
	for _, g := range snap.Guests {
		if known := g.VMID > 101; g.Config.OK != known {
			s.Errorf("the configuration of %d is known: %t", g.VMID, g.Config.OK)
		}
	}
	if g := snap.Guests[0]; g.Name != "web-01" || g.Agent.OK {
		s.Errorf("without its configuration, guest 100 reads %+v", g)
	}
}

// deadNode judges what is seen of a node that does not answer: it and its
// guests are there, and nothing of them is known.
func (s *suite) deadNode() {
	e := proxmoxsim.Demo(12)
	system := s.start(e)
	before := s.read(system, system.Endpoint())
	system.Change(s, func(e *proxmoxsim.Estate) { e.Node("pve3").Offline = true })
	c := s.open(system, system.Endpoint())
	for _, path := range []string{"/nodes/pve3/network", "/nodes/pve3/qemu/102/config", "/nodes/pve3/tasks"} {
		if path == "/nodes/pve3/network" && s.odd(OwnNetworkAnswers) {
			continue
		}
		if refusal := s.refused(c, path); refusal.Code != 595 || !proxmox.NodeUnreachable(refusal) {
			s.Errorf("%s is refused with %v", path, refusal)
		}
	}
	after := s.read(system, system.Endpoint())
	if len(after.Guests) != len(before.Guests) || !after.Complete.Guests {
		s.Errorf("%d guests became %d, complete: %+v", len(before.Guests), len(after.Guests), after.Complete)
	}
	if n := after.Nodes[2]; n.Online || n.Interfaces.OK || n.Tasks.OK || n.CPUs != 0 {
		s.Errorf("a dead node reads %+v", n)
	}
	for i, g := range after.Guests {
		if g.Node != "pve3" {
			s.same("a guest of a living node", before.Guests[i], g)
			continue
		}
		if g.Status != "unknown" || g.Config.OK || g.Agent.OK || g.Snapshots.OK {
			s.Errorf("guest %d of a dead node reads %+v", g.VMID, g)
		}
		if !s.odd(DeadGuestsAreKnown) && (g.Name != "" || g.CPUs != 0 || g.MemoryBytes != 0 || g.Template) {
			s.Errorf("guest %d of a dead node reads %+v", g.VMID, g)
		}
	}
	if _, err := c.Gone(s.Context(), "pve3", domain.QEMU, 102); err == nil {
		s.Error("a guest of a dead node is said to be there or gone")
	}
	system.Change(s, func(e *proxmoxsim.Estate) { e.Node("pve3").Offline = false })
	again := s.read(system, system.Endpoint())
	s.same("the node come back", before, again)
}

// token judges API tokens.
func (s *suite) token() {
	system := s.start(proxmoxsim.Demo(3))
	ep := system.Endpoint()
	if got := len(s.read(system, ep).Guests); got != 3 {
		s.Errorf("%d guests by token", got)
	}
	for name, change := range map[string]func(*domain.ProxmoxEndpoint){
		"invalid token value!":                      func(ep *domain.ProxmoxEndpoint) { ep.TokenValue = "wrong" },
		"no such token 'other' for user 'root@pam'": func(ep *domain.ProxmoxEndpoint) { ep.TokenName = "other" },
		"no such user ('nobody@pve')":               func(ep *domain.ProxmoxEndpoint) { ep.Username = "nobody@pve" },
	} {
		bad := ep
		change(&bad)
		_, err := s.open(system, bad).Snapshot(s.Context(), proxmox.Guests())
		var refusal *proxmox.StatusError
		if !errors.As(err, &refusal) || refusal.Code != http.StatusUnauthorized || !proxmox.Unauthorized(err) {
			s.Errorf("%s: %v", name, err)
			continue
		}
		if s.odd(OneWordFor401) {
			name = "authentication failure"
		}
		if refusal.Message != name {
			s.Errorf("the refusal is %v and should be %s", refusal, name)
		}
	}
}

// password judges logins.
func (s *suite) password() {
	e := proxmoxsim.Demo(3)
	system := s.start(e)
	ep := system.Endpoint()
	ep.TokenName, ep.TokenValue = "", ""
	ep.Username, ep.Password = e.Users[0].ID, domain.Secret(e.Users[0].Password)
	c := s.open(system, ep)
	for range 2 { // the second time with a new ticket
		snap, err := c.Snapshot(s.Context(), proxmox.Guests())
		if err != nil || len(snap.Guests) != 3 {
			s.Fatalf("by password: %v", err)
		}
		system.RevokeTickets(s)
	}
	ep.Password = "wrong"
	_, err := s.open(system, ep).Version(s.Context())
	var refusal *proxmox.StatusError
	if !errors.As(err, &refusal) || refusal.Code != http.StatusUnauthorized || refusal.Message != "authentication failure" {
		s.Errorf("a wrong password: %v", err)
	}
}

// rights judges what is seen with less than all rights.
func (s *suite) rights() {
	e := proxmoxsim.Demo(30)
	nothing := proxmoxsim.Rights{}
	token := func(name string, rights proxmoxsim.Rights) {
		e.Users = append(e.Users, proxmoxsim.User{ID: name + "@pve", Password: "password", Rights: nothing})
		e.Tokens = append(e.Tokens, proxmoxsim.Token{ID: name + "@pve!t", Secret: "secret", Rights: rights})
	}
	token("auditor", proxmoxsim.Grant("/", proxmoxsim.Auditor()...))
	token("narrow", proxmoxsim.Grant("/vms/100", "VM.Audit").And("/storage/nas", "Datastore.Audit"))
	token("pool", proxmoxsim.Grant("/pool/production", "VM.Audit"))
	token("mute", proxmoxsim.Grant("/vms", "VM.Audit"))
	token("blind", nothing)
	token("less", proxmoxsim.Grant("/", proxmoxsim.Auditor()...).And("/vms/101"))
	system := s.start(e)
	as := func(name string) domain.ProxmoxEndpoint {
		ep := system.Endpoint()
		ep.Username, ep.TokenName, ep.TokenValue = name+"@pve", "t", "secret"
		return ep
	}

	snap := s.read(system, as("auditor"))
	s.same("what an auditor may see", domain.Completeness{Guests: true, Nodes: true, Storages: true, SDN: true}, snap.Complete)
	s.same("his guests", len(e.Guests), len(snap.Guests))
	for _, st := range snap.Storages.Value {
		if len(st.Backups.Value) != 0 || st.Backups.OK {
			s.Errorf("an auditor sees the backups of %s: %+v", st.Name, st.Backups)
		}
	}

	snap = s.read(system, as("narrow"))
	s.same("the only guest in sight", []int{100}, vmids(snap))
	if !snap.Guests[0].Config.OK || snap.Complete.Guests || snap.Complete.Storages || len(snap.Storages.Value) != 1 {
		s.Errorf("with one guest in sight: %+v, complete: %+v, %d storages", snap.Guests[0].Config.OK, snap.Complete, len(snap.Storages.Value))
	}
	c := s.open(system, as("narrow"))
	refusal := s.refused(c, e.Guest(101).Path("config"))
	if refusal.Message != "Permission check failed (/vms/101, VM.Audit)" || !proxmox.Forbidden(refusal) {
		s.Errorf("a guest out of sight is refused with %v", refusal)
	}
	if _, err := c.Gone(s.Context(), "pve1", domain.QEMU, 9999); !proxmox.Forbidden(err) && !s.odd(RightsComeLast) {
		s.Errorf("a guest that may not be seen and is not there: %v", err)
	}
	if !s.odd(StatusForAll) {
		if refusal := s.refused(c, "/cluster/status"); !proxmox.Forbidden(refusal) {
			s.Errorf("the status of the cluster is refused with %v", refusal)
		}
		if snap.Complete.Nodes {
			s.Error("the nodes are complete without their list")
		}
	}

	s.same("guests of a pool", []int{124, 125}, vmids(s.read(system, as("pool"))))

	snap = s.read(system, as("mute"))
	if g := snap.Guests[0]; !g.Config.OK || g.Agent.OK {
		s.Errorf("without the right to ask agents: %+v", g)
	}
	refusal = s.refused(s.open(system, as("mute")), e.Guest(100).Path("agent", "get-osinfo"))
	if !proxmox.Forbidden(refusal) || !strings.Contains(refusal.Message, "VM.GuestAgent.Audit") {
		s.Errorf("an agent that may not be asked is refused with %v", refusal)
	}

	snap = s.read(system, as("blind"))
	if len(snap.Guests) != 0 || snap.Complete.Guests || snap.Complete.Storages {
		s.Errorf("without any right: %d guests, complete: %+v", len(snap.Guests), snap.Complete)
	}

	if s.odd(RightsAddUp) {
		return
	}
	snap = s.read(system, as("less"))
	if snap.Complete.Guests || len(snap.Guests) != len(e.Guests)-1 {
		s.Errorf("with one guest out of sight: %d guests, complete: %+v", len(snap.Guests), snap.Complete)
	}
}

func vmids(snap *domain.Snapshot) []int {
	var out []int
	for _, g := range snap.Guests {
		out = append(out, g.VMID)
	}
	return out
}
