//go:build e2e

package lab

import (
	"testing"

	"proxbox/internal/domain"
	"proxbox/internal/proxmox"
	proxmoxsim "proxbox/internal/sim/proxmox"
)

func snapshot(t *testing.T, ep domain.ProxmoxEndpoint) *domain.Snapshot {
	t.Helper()
	c, err := proxmox.Open(ep, proxmox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	snap, err := c.Snapshot(t.Context(), proxmox.Everything())
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

func TestFakePVERunsAnEstateThatChanges(t *testing.T) {
	f := FakePVE(t, proxmoxsim.Demo(60))
	for name, ep := range map[string]domain.ProxmoxEndpoint{"token": f.Endpoint(), "password": f.PasswordEndpoint()} {
		snap := snapshot(t, ep)
		if len(snap.Guests) != 60 || len(snap.Nodes) != 3 || !snap.Complete.Guests {
			t.Errorf("by %s: %d guests on %d nodes, complete: %+v", name, len(snap.Guests), len(snap.Nodes), snap.Complete)
		}
		if len(snap.Problems) != 3 { // three agents of the demo do not tell
			t.Errorf("by %s: problems: %v", name, snap.Problems)
		}
	}
	f.Change(t, func(e *proxmoxsim.Estate) {
		e.Guest(100).Rename("shop")
		e.Guest(100).Move("pve3")
		e.Guest(100).Add("net", "virtio=BC:24:11:FF:00:01,bridge=vmbr0")
		e.Remove(101)
	})
	snap := snapshot(t, f.Endpoint())
	g := snap.Guests[0]
	if g.Name != "shop" || g.Node != "pve3" || len(g.Config.Value.NICs) != 2 || snap.Guests[1].VMID != 102 {
		t.Errorf("after the change: %q on %s with %d NICs, then %d", g.Name, g.Node, len(g.Config.Value.NICs), snap.Guests[1].VMID)
	}
	if writes := f.Writes(t); len(writes) != 0 {
		t.Errorf("the reader tried to change something: %v", writes)
	}
}
