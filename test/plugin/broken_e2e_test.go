//go:build e2e

package plugin

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	proxmoxsim "proxbox/internal/sim/proxmox"
	"proxbox/test/lab"
	"proxbox/test/lab/netboxstate"
	"proxbox/test/lab/tap"
)

// TestKilledInMidStage: the program is killed while it writes and comes back;
// the plugin asks for the stage again and its job ends well, and nothing is
// there twice.
func TestKilledInMidStage(t *testing.T) {
	s := lab.NetBox(t)
	pve := lab.FakePVE(t, proxmoxsim.Demo(20))
	backend := lab.Serve(t)
	s.ConnectPlugin(t, backend.Backend, pve.PluginEndpoint())
	s.StartWorker(t)

	back := interrupt(s, backend, func() { backend.Start(t) }, func(r tap.Request) bool {
		return r.Write() && strings.HasSuffix(r.Path, "/virtual-disks/")
	})
	out, err := s.FullUpdate(t.Context())
	<-back
	if err != nil {
		t.Fatalf("the Full Update in which the program was killed: %v\n%s", err, out)
	}
	s.DropJobs(t)
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

// interrupt kills the program when it sends NetBox a request that match
// accepts, and has it started again a moment later. The channel is closed when
// it is back.
func interrupt(s *lab.Server, b *lab.Service, start func(), match func(tap.Request) bool) <-chan struct{} {
	var once sync.Once
	back := make(chan struct{})
	s.Tap.Inject(tap.Call(func() {
		once.Do(func() {
			b.Kill()
			go func() {
				defer close(back)
				time.Sleep(3 * time.Second)
				start()
			}()
		})
	}), match)
	return back
}

// fails expects a Full Update that ends badly, whose job says so in all these
// words, and that it costs NetBox nothing.
func (f *field) fails(t *testing.T, words ...string) {
	t.Helper()
	before, last := netboxstate.CountWithPlugin(t, f.Server), f.LastChange(t)
	f.Tap.Clear()
	j := f.update(t)
	if j.Status.Value != "errored" && j.Status.Value != "failed" {
		t.Errorf("it ends well: %s", j.text())
	}
	for _, w := range words {
		if !strings.Contains(j.text(), w) {
			t.Errorf("it does not say %q: %s", w, j.text())
		}
	}
	f.untouched(t, "it failed")
	for _, c := range f.Changes(t, last) {
		if c.User == f.Service.Name {
			t.Errorf("the change log has %v", c)
		}
	}
	if after := netboxstate.CountWithPlugin(t, f.Server); !maps.Equal(before, after) {
		t.Errorf("NetBox had %d objects and has %d", len(before), len(after))
	}
}

// keepalive is what the plugin's page shows beside an endpoint.
func (f *field) keepalive(t *testing.T, kind string, id int) string {
	t.Helper()
	_, page := f.browser.Get(t, fmt.Sprintf("/plugins/proxbox/keepalive-status/%s/%d/", kind, id))
	return page
}

// testProxmoxIsAway: the plugin's job says so, and nothing in NetBox is removed
// or changed by the program; when Proxmox is back all is well.
func testProxmoxIsAway(t *testing.T, f *field) {
	f.pve.Change(t, func(e *proxmoxsim.Estate) {
		for _, path := range []string{"/cluster/resources", "/cluster/status", "/nodes", "/version"} {
			e.Fail(path, proxmoxsim.Fault{Status: 595, Message: "No route to host"})
		}
	})
	f.fails(t, "No route to host", f.pve.Address().String())
	f.pve.Change(t, func(e *proxmoxsim.Estate) { e.Faults = nil })
	f.recovered(t)
}

// testWrongProxmoxToken: somebody enters a wrong secret in NetBox, and then the
// right one.
func testWrongProxmoxToken(t *testing.T, f *field) {
	id, right := f.plugin.ProxmoxIDs[0], f.pve.PluginEndpoint()
	wrong := "00000000-1111-2222-3333-444444444444"
	f.edit(t, "proxmox", id, map[string]any{"token_value": wrong})
	f.fails(t, fmt.Sprintf("Proxmox endpoint \"%s", right.Name), right.Address.String(), "401", "token_name and token_value", right.User+"!"+right.TokenName)
	if said := f.keepalive(t, "proxmox", id); !strings.Contains(said, "error") || strings.Contains(said, wrong) {
		t.Errorf("the endpoint's page says %s", said)
	}
	f.edit(t, "proxmox", id, map[string]any{"token_value": right.TokenSecret})
	f.recovered(t)
	if said := f.keepalive(t, "proxmox", id); !strings.Contains(said, "success") {
		t.Errorf("the endpoint's page says %s", said)
	}
}

// testRevokedNetBoxToken: the token that the plugin gave the program is
// disabled, and enabled again.
func testRevokedNetBoxToken(t *testing.T, f *field) {
	enabled := func(yes bool) {
		f.Must(t, http.MethodPatch, fmt.Sprintf("/api/users/tokens/%d/", f.Service.TokenV1ID), map[string]any{"enabled": yes}, nil)
	}
	enabled(false)
	f.fails(t, "check the token of the NetBox endpoint", "enabled", "localhost:")
	enabled(true)
	f.recovered(t)
}

// testUnknownEndpoint: the program has lost an endpoint that the plugin knows.
// It says so to who asks for it, and the plugin's next job brings it back.
func testUnknownEndpoint(t *testing.T, f *field) {
	cluster := fmt.Sprintf("/plugins/proxbox/proxmox-clusters/%d/proxbox-sync-now/", f.id(t, "plugins/proxbox/proxmox-clusters", "name=demo"))
	path := fmt.Sprintf("/proxmox/endpoints/%d", f.plugin.ProxmoxIDs[0])
	if status, said := f.backend.Call(t, http.MethodDelete, path, ""); status >= 300 {
		t.Fatalf("%d %s", status, said)
	}
	stream := fmt.Sprintf("/dcim/devices/create/stream?proxmox_endpoint_ids=%d", f.plugin.ProxmoxIDs[0])
	if status, said := f.backend.Call(t, http.MethodGet, stream, ""); status != http.StatusUnprocessableEntity || !strings.Contains(said, "endpoint") {
		t.Errorf("the stage is answered with %d %s", status, said)
	}
	if page := f.press(t, cluster, nil); strings.Contains(page, "successfully") {
		t.Errorf("the cluster was synced: %s", messages(page))
	}
	f.recovered(t)
	if page := f.press(t, cluster, nil); !strings.Contains(page, "successfully") {
		t.Errorf("the cluster is not synced: %s", messages(page))
	}
	if status, said := f.backend.Call(t, http.MethodGet, path, ""); status != http.StatusOK {
		t.Errorf("the endpoint did not get its id again: %d %s", status, said)
	}
}

// testLostDatabase: the program comes back with nothing in its store. Its key
// has to be entered again, for it must not take one from whoever comes; the
// rest the plugin brings back.
func testLostDatabase(t *testing.T, f *field) {
	empty := func(settings ...string) {
		if err := os.RemoveAll(f.backend.Data); err != nil {
			t.Error(err)
		}
		f.backend.Start(t, settings...)
	}
	f.backend.Kill()
	empty()
	f.fails(t, "bootstrap_required")
	if said := f.keepalive(t, "fastapi", f.plugin.BackendID); !strings.Contains(said, "error") {
		t.Errorf("the backend's page says %s", said)
	}
	// The way out: the endpoint is switched off and on, with its key.
	f.edit(t, "fastapi", f.plugin.BackendID, map[string]any{"enabled": false})
	f.edit(t, "fastapi", f.plugin.BackendID, map[string]any{"enabled": true, "token": f.backend.Key})
	f.recovered(t)

	// The same in the middle of a job, with a key that is not in the store.
	back := interrupt(f.Server, f.backend, func() { empty("PROXBOX_API_KEY=" + f.backend.Key) }, func(r tap.Request) bool {
		return r.Path == "/api/core/object-changes/" // a stage begins
	})
	f.fails(t, "no enabled NetBox endpoint", "plugin")
	<-back
	f.recovered(t)
}
