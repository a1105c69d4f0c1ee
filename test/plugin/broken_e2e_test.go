//go:build e2e

package plugin

import (
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	proxmoxsim "proxbox/internal/sim/proxmox"
	"proxbox/test/lab"
	"proxbox/test/lab/tap"
)

// TestKilledInMidStage: the program is killed while it writes and comes back;
// the plugin asks for the stage again and its job ends well, and nothing is
// there twice.
func TestKilledInMidStage(t *testing.T) {
	s := lab.NetBox(t)
	pve := lab.FakePVE(t, proxmoxsim.Demo(20))
	backend := serve(t)
	s.ConnectPlugin(t, lab.Backend{URL: backend.url, Key: key}, pve.PluginEndpoint())
	s.StartWorker(t)

	var once sync.Once
	back := make(chan struct{})
	s.Tap.Inject(tap.Call(func() {
		once.Do(func() {
			backend.stop(syscall.SIGKILL)
			go func() {
				defer close(back)
				time.Sleep(3 * time.Second)
				backend.start(t)
			}()
		})
	}), func(r tap.Request) bool { return r.Write() && strings.HasSuffix(r.Path, "/virtual-disks/") })
	out, err := s.FullUpdate(t.Context())
	<-back
	if err != nil {
		t.Fatalf("the Full Update in which the program was killed: %v\n%s", err, out)
	}
	s.Tap.Clear()
	if out, err = s.FullUpdate(t.Context()); err != nil {
		t.Fatalf("the Full Update after it: %v\n%s", err, out)
	}
	for _, w := range s.Tap.Writes() {
		t.Errorf("the Full Update after it sends %v", w)
	}
	if n := s.SQL(t, "SELECT count(*) FROM virtualization_virtualmachine"); strings.TrimSpace(n) != "20" {
		t.Errorf("%s virtual machines for 20 guests", n)
	}
}

// TestProxmoxIsAway: the plugin's job says so, and nothing in NetBox is removed
// or changed by the program; when Proxmox is back all is well.
func TestProxmoxIsAway(t *testing.T) {
	f := newField(t, 8, "PROXBOX_NETBOX_GET_CACHE_TTL=0") // nothing is shared with the first Full Update
	before := f.LastChange(t)
	f.pve.Change(t, func(e *proxmoxsim.Estate) {
		for _, path := range []string{"/cluster/resources", "/cluster/status", "/nodes", "/version"} {
			e.Fail(path, proxmoxsim.Fault{Status: 595, Message: "No route to host"})
		}
	})
	f.Tap.Clear()
	if out, err := f.FullUpdate(t.Context()); err == nil {
		t.Errorf("a Full Update without Proxmox ends well:\n%s", out)
	}
	for _, w := range f.Tap.Writes() {
		t.Errorf("without Proxmox the program sends %v", w)
	}
	for _, c := range f.Changes(t, before) {
		if c.User == f.Service.Name {
			t.Errorf("without Proxmox the change log has %v", c)
		}
	}
	f.pve.Change(t, func(e *proxmoxsim.Estate) { e.Faults = nil })
	f.Tap.Clear()
	if out, err := f.FullUpdate(t.Context()); err != nil {
		t.Errorf("with Proxmox back: %v\n%s", err, out)
	}
	for _, w := range f.Tap.Writes() {
		t.Errorf("with Proxmox back the program sends %v", w)
	}
}
