package proxmoxsim_test

import (
	"testing"

	"go.uber.org/goleak"

	"proxbox/internal/proxmox"
	proxmoxsim "proxbox/internal/sim/proxmox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, s *proxmoxsim.Server) *proxmox.Client {
	t.Helper()
	c, err := proxmox.Open(s.Endpoint(), proxmox.Options{Transport: s.Transport()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestDemoIsReadWhole(t *testing.T) {
	s := proxmoxsim.New(proxmoxsim.Demo(60))
	snap, err := open(t, s).Snapshot(t.Context(), proxmox.Everything())
	if err != nil {
		t.Fatal(err)
	}
	if len(snap.Guests) != 60 || len(snap.Nodes) != 3 || !snap.Complete.Guests || !snap.Complete.Backups {
		t.Errorf("%d guests on %d nodes, complete: %+v", len(snap.Guests), len(snap.Nodes), snap.Complete)
	}
	// Three agents of the demo do not tell, and nothing else is amiss.
	if len(snap.Problems) != 3 {
		t.Errorf("problems: %v", snap.Problems)
	}
	if refused := s.Refused(); len(refused) != 0 {
		t.Errorf("the reader tried to change something: %v", refused)
	}
	if n := s.Requests()["/nodes/pve1/qemu/100/config"]; n != 1 {
		t.Errorf("a configuration was asked for %d times", n)
	}
}
