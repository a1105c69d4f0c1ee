//go:build e2e

// Package plugin has the real netbox-proxbox, in the real NetBox, drive the
// built binary with a fakepve behind it.
package plugin

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	proxmoxsim "proxbox/internal/sim/proxmox"
	"proxbox/test/lab"
)

func TestMain(m *testing.M) { lab.Main(m) }

// field is NetBox with the plugin, the program and a fakepve, after a first
// Full Update.
type field struct {
	*lab.Server
	backend *lab.Service
	pve     *lab.FakeProxmox
	plugin  lab.Plugin
	browser *lab.Browser
}

// estate is the demo's, with something in the log of a node.
func estate(guests int) proxmoxsim.Estate {
	e := proxmoxsim.Demo(guests)
	start := time.Now().Add(-time.Hour).Unix()
	e.Nodes[0].Tasks = append(e.Nodes[0].Tasks, proxmoxsim.Row{
		"upid": fmt.Sprintf("UPID:%s:00001004:00010004:%08X:qmstart:100:root@pam:", e.Nodes[0].Name, start), "node": e.Nodes[0].Name,
		"pid": 4100, "pstart": 65540, "starttime": start, "endtime": start + 4, "type": "qmstart", "id": "100", "user": "root@pam", "status": "OK",
	})
	return e
}

func newField(t *testing.T, guests int) *field {
	t.Helper()
	f := &field{Server: lab.NetBox(t), pve: lab.FakePVE(t, estate(guests)), backend: lab.Serve(t)}
	f.plugin = f.ConnectPlugin(t, f.backend.Backend, f.pve.PluginEndpoint())
	f.StartWorker(t)
	if out, err := f.FullUpdate(t.Context()); err != nil {
		t.Fatalf("the first Full Update: %v\n%s", err, out)
	}
	f.DropJobs(t)
	f.browser = f.Browse(t)
	return f
}

// The plugin's endpoints in NetBox's REST API.
const endpoints = "/api/plugins/proxbox/endpoints/"

// edit changes one of the plugin's endpoints, as an administrator does.
func (f *field) edit(t *testing.T, kind string, id int, values map[string]any) {
	t.Helper()
	f.Must(t, http.MethodPatch, fmt.Sprintf("%s%s/%d/", endpoints, kind, id), values, nil)
}

// id is the NetBox id of the one object that a list's filter finds.
func (f *field) id(t *testing.T, list, filter string) int {
	t.Helper()
	var page struct {
		Results []struct{ ID int } `json:"results"`
	}
	f.Must(t, http.MethodGet, "/api/"+list+"/?"+filter, nil, &page)
	if len(page.Results) == 0 {
		t.Fatalf("%s has nothing with %s", list, filter)
	}
	return page.Results[0].ID
}

// untouched expects that the program wrote nothing to NetBox since the tap was
// cleared. What it is about goes before the message.
func (f *field) untouched(t *testing.T, what string) {
	t.Helper()
	for _, w := range f.Tap.Writes() {
		t.Errorf("%s: the program sends %v", what, w)
	}
}

// TestPlugin is all that needs one estate in NetBox and leaves it as it was.
func TestPlugin(t *testing.T) {
	f := newField(t, 20)
	for _, part := range []struct {
		name string
		test func(*testing.T, *field)
	}{
		{"Pages", testPages},
		{"Stages", testStages},
		{"Buttons", testButtons},
		{"OneGuest", testOneGuest},
		{"PluginsSocket", testPluginsSocket},
		{"BrowsersSocket", testBrowsersSocket},
		{"ProxmoxIsAway", testProxmoxIsAway},
		{"WrongProxmoxToken", testWrongProxmoxToken},
		{"RevokedNetBoxToken", testRevokedNetBoxToken},
		{"UnknownEndpoint", testUnknownEndpoint},
		{"LostDatabase", testLostDatabase},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(t, f) })
	}
}
