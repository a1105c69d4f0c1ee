//go:build e2e

package plugin

import (
	"strings"
	"testing"

	proxmoxsim "proxbox/internal/sim/proxmox"
	"proxbox/test/lab"
)

// TestFullUpdate: the plugin's button brings an estate into NetBox, and pressed
// again it changes nothing.
func TestFullUpdate(t *testing.T) {
	s := lab.NetBox(t)
	pve := lab.FakePVE(t, proxmoxsim.Demo(50))
	backend := serve(t)
	s.ConnectPlugin(t, lab.Backend{URL: backend.url, Key: key}, pve.PluginEndpoint())
	s.StartWorker(t)

	s.Tap.Clear()
	out, err := s.FullUpdate(t.Context())
	if err != nil {
		t.Fatalf("the first Full Update: %v\n%s", err, out)
	}
	t.Logf("the first one: %d requests, %d writes", len(s.Tap.Requests()), len(s.Tap.Writes()))

	s.Tap.Clear()
	before := s.LastChange(t)
	if out, err = s.FullUpdate(t.Context()); err != nil {
		t.Fatalf("the second Full Update: %v\n%s", err, out)
	}
	for _, w := range s.Tap.Writes() {
		t.Errorf("the second one sends %v", w)
	}
	for _, c := range s.Changes(t, before) {
		if c.User == s.Service.Name {
			t.Errorf("the second one is in NetBox's change log: %v", c)
		}
	}
	if n := len(s.Tap.Requests()); n > 70 {
		t.Errorf("the second one sends %d requests", n)
		for _, r := range s.Tap.Requests() {
			t.Log(strings.SplitN(r.String(), "fields=", 2)[0])
		}
	}
	t.Logf("the second one: %d requests", len(s.Tap.Requests()))
}
