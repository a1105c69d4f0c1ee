// Package conformance holds what the reader relies on in Proxmox VE, as tests
// that fakepve, which was written by others from Proxmox's own sources, and
// the simulator must both pass. Both run the same estates, and what is read
// of them must be the same.
//
// What fakepve cannot show is named in [FakePVE], each with its reason: there
// the tests ask the simulator alone.
package conformance

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"proxbox/internal/domain"
	"proxbox/internal/proxmox"
	proxmoxsim "proxbox/internal/sim/proxmox"
)

// System is a Proxmox VE that runs an estate.
type System interface {
	// Endpoint reaches it with the first API token of its estate.
	Endpoint() domain.ProxmoxEndpoint
	// Transport leads to it; nil: the network does.
	Transport() http.RoundTripper
	// Change edits its estate.
	Change(t testing.TB, edit func(*proxmoxsim.Estate))
	// RevokeTickets makes the tickets of all logins invalid.
	RevokeTickets(t testing.TB)
	// Writes are the requests that would have changed something.
	Writes(t testing.TB) []string
}

// Target is a Proxmox VE to be judged.
type Target struct {
	// Start runs an estate until the test ends.
	Start func(t testing.TB, e proxmoxsim.Estate) System
	// Quirks are where it differs from a real one, and why.
	Quirks map[Quirk]string
}

// Run judges a Proxmox VE.
func Run(t *testing.T, target Target) {
	for _, part := range []struct {
		name  string
		judge func(*suite)
	}{
		{"whole estate", (*suite).wholeEstate},
		{"list of resources", (*suite).resources},
		{"cluster", (*suite).cluster},
		{"stand-alone host", (*suite).standalone},
		{"interfaces", (*suite).nics},
		{"disks", (*suite).disks},
		{"configuration", (*suite).configuration},
		{"pending changes", (*suite).pending},
		{"agent", (*suite).agent},
		{"container", (*suite).container},
		{"snapshots", (*suite).snapshots},
		{"storages", (*suite).storages},
		{"sdn", (*suite).sdn},
		{"refusals", (*suite).refusals},
		{"dead node", (*suite).deadNode},
		{"token", (*suite).token},
		{"password", (*suite).password},
		{"rights", (*suite).rights},
		{"changes", (*suite).changes},
	} {
		t.Run(part.name, func(t *testing.T) { part.judge(&suite{T: t, target: target}) })
	}
}

// suite is one test of the suite.
type suite struct {
	*testing.T
	target Target
}

// odd tells whether the target has a quirk.
func (s *suite) odd(q Quirk) bool { return s.target.Quirks[q] != "" }

// start runs an estate, and judges at the end that it was only read.
func (s *suite) start(e proxmoxsim.Estate) System {
	s.Helper()
	system := s.target.Start(s, e)
	s.Cleanup(func() {
		if writes := system.Writes(s); len(writes) != 0 {
			s.Errorf("the reader tried to change something: %v", writes)
		}
	})
	return system
}

// open is a client of the system with these credentials.
func (s *suite) open(system System, ep domain.ProxmoxEndpoint) *proxmox.Client {
	s.Helper()
	c, err := proxmox.Open(ep, proxmox.Options{Transport: system.Transport()})
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(c.Close)
	return c
}

// everything is all that can be read.
func everything() proxmox.Scope {
	scope := proxmox.Everything()
	scope.AgentOS, scope.AgentHostname = true, true
	return scope
}

// read reads all of a system.
func (s *suite) read(system System, ep domain.ProxmoxEndpoint) *domain.Snapshot {
	s.Helper()
	snap, err := s.open(system, ep).Snapshot(s.Context(), everything())
	if err != nil {
		s.Fatal(err)
	}
	return snap
}

// of runs an estate and reads it.
func (s *suite) of(e proxmoxsim.Estate) *domain.Snapshot {
	s.Helper()
	system := s.start(e)
	return s.read(system, system.Endpoint())
}

// raw is what a path answers, before the reader made anything of it.
func raw[T any](s *suite, c *proxmox.Client, path string, query url.Values) T {
	s.Helper()
	data, err := c.Get(s.Context(), path, query)
	if err != nil {
		s.Fatal(err)
	}
	var into T
	if err := json.Unmarshal(data, &into); err != nil {
		s.Fatalf("%s: %v in %s", path, err, data)
	}
	return into
}

// refused is the refusal that a path answers.
func (s *suite) refused(c *proxmox.Client, path string) *proxmox.StatusError {
	s.Helper()
	data, err := c.Get(s.Context(), path, nil)
	var refusal *proxmox.StatusError
	if !errors.As(err, &refusal) {
		s.Fatalf("%s answers %s, %v in place of a refusal", path, data, err)
	}
	return refusal
}

// same compares, an empty list being no list.
func (s *suite) same(what string, want, got any) {
	s.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.EquateComparable(netip.Prefix{}, netip.Addr{})); diff != "" {
		s.Errorf("%s (- as it should be, + as it was read):\n%s", what, diff)
	}
}

// small is an estate of one node that runs these guests, numbered from 100.
func small(guests ...proxmoxsim.Guest) proxmoxsim.Estate {
	e := proxmoxsim.Demo(0)
	e.Nodes, e.Storages = e.Nodes[:1], e.Storages[:1]
	for i, g := range guests {
		g.VMID, g.Node = 100+i, e.Nodes[0].Name
		if g.Status == "" {
			g.Status = "running"
		}
		e.Guests = append(e.Guests, g)
	}
	return e
}

func machine(config proxmoxsim.Row) proxmoxsim.Guest {
	return proxmoxsim.Guest{Type: domain.QEMU, Config: config}
}

func container(config proxmoxsim.Row) proxmoxsim.Guest {
	return proxmoxsim.Guest{Type: domain.LXC, Config: config}
}

func prefixes(list ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range list {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

func addrs(list ...string) []netip.Addr {
	var out []netip.Addr
	for _, a := range list {
		out = append(out, netip.MustParseAddr(a))
	}
	return out
}
