//go:build e2e

// Package fullupdate runs full updates of a Proxmox estate (fakepve) into the
// real NetBox, and looks at what NetBox then has.
package fullupdate

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"testing"

	"proxbox/internal/domain"
	"proxbox/internal/run"
	"proxbox/internal/settings"
	proxmoxsim "proxbox/internal/sim/proxmox"
	"proxbox/test/lab"
)

func TestMain(m *testing.M) { lab.Main(m) }

// guests is how many guests the estate has.
const guests = 60

// ofAllTimes lets the estate's tasks count, which are as old as the estate.
var ofAllTimes = []string{"PROXBOX_TASK_HISTORY_DAYS=0"}

// field is a NetBox and a Proxmox VE between which runs carry.
type field struct {
	*lab.Server
	pve      *lab.FakeProxmox
	launcher *run.Launcher
	values   *settings.Values
}

// newField starts with an empty NetBox in which the plugin knows the Proxmox
// endpoint, its cluster and its nodes, as after the plugin's own part of a sync.
func newField(t *testing.T, estate proxmoxsim.Estate) *field {
	t.Helper()
	f := &field{Server: lab.NetBox(t), pve: lab.FakePVE(t, estate)}
	f.restart(t, f.pluginRows(t, estate))
	return f
}

// restart makes a launcher that remembers nothing.
func (f *field) restart(t *testing.T, pluginID int) {
	t.Helper()
	values, err := settings.Load(ofAllTimes)
	if err != nil {
		t.Fatal(err)
	}
	f.values = values
	px := f.pve.Endpoint()
	px.ID, px.Name = max(pluginID, 1), "lab"
	if pluginID != 0 {
		px.Name = fmt.Sprintf("lab (nb:%d)", pluginID)
	}
	f.launcher = &run.Launcher{
		Endpoints: run.Given{NetBoxEndpoint: f.netbox(t), ProxmoxEndpoints: []domain.ProxmoxEndpoint{px}},
		Settings:  values, Manager: run.NewManager(nil),
	}
}

func (f *field) netbox(t *testing.T) domain.NetBoxEndpoint {
	t.Helper()
	u, err := url.Parse(f.URL())
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	return domain.NetBoxEndpoint{Name: "lab", IPAddress: u.Hostname(), Port: port, TokenVersion: "v1", Token: domain.Secret(f.Service.TokenV1)}
}

// pluginRows makes what the plugin makes itself, and returns its id of the
// endpoint.
func (f *field) pluginRows(t *testing.T, estate proxmoxsim.Estate) int {
	t.Helper()
	return f.pluginRowsNamed(t, estate, "lab")
}

// pluginRowsNamed does so for an endpoint with a name.
func (f *field) pluginRowsNamed(t *testing.T, estate proxmoxsim.Estate, name string) int {
	t.Helper()
	const base = "/api/plugins/proxbox/"
	var endpoint, cluster struct {
		ID int `json:"id"`
	}
	f.Must(t, http.MethodPost, base+"endpoints/proxmox/", map[string]any{"name": name, "domain": name + ".example.org", "port": 8006, "mode": "cluster",
		"username": "root@pam", "verify_ssl": false}, &endpoint)
	f.Must(t, http.MethodPost, base+"proxmox-clusters/", map[string]any{"endpoint": endpoint.ID, "name": estate.Cluster, "mode": "cluster"}, &cluster)
	for i, n := range estate.Nodes {
		f.Must(t, http.MethodPost, base+"proxmox-nodes/", map[string]any{"endpoint": endpoint.ID, "proxmox_cluster": cluster.ID, "name": n.Name,
			"node_id": i + 1, "ip_address": n.IP, "online": true}, nil)
	}
	return endpoint.ID
}

// sync carries a run out and returns its result; one that cannot be done at
// all fails the test.
func (f *field) sync(t *testing.T, ask run.Ask) *run.Result {
	t.Helper()
	f.Tap.Clear()
	res, err := f.try(t.Context(), ask)
	if err != nil {
		t.Fatalf("the run failed: %v", err)
	}
	return res
}

func (f *field) try(ctx context.Context, ask run.Ask) (*run.Result, error) {
	r, err := f.launcher.Start(ask)
	if err != nil {
		return nil, err
	}
	_, stop := r.Listen()
	defer stop()
	select {
	case <-r.Done():
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return r.Result()
}
