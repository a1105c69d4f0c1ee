//go:build e2e

package takeover

import (
	"fmt"
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

// field is the real NetBox, filled by somebody before us, and the Proxmox VE
// that it was filled from.
type field struct {
	*lab.Server
	pve      *lab.FakeProxmox
	launcher *run.Launcher
}

// newField starts with the database NAME.pgdump, or an empty one for "".
func newField(t *testing.T, estate proxmoxsim.Estate, database string) *field {
	t.Helper()
	f := &field{Server: lab.NetBox(t), pve: lab.FakePVE(t, estate)}
	if database != "" {
		f.Restore(t, database)
	}
	return f
}

// connect makes the launcher of our runs, which remembers nothing. The plugin
// knows Proxmox by the row with this id; 0: it knows nothing of it.
func (f *field) connect(t *testing.T, pluginID int) {
	t.Helper()
	values, err := settings.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(f.URL())
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	px := f.pve.Endpoint()
	px.ID, px.Name = max(pluginID, 1), "lab"
	if pluginID != 0 {
		px.Name = fmt.Sprintf("lab (nb:%d)", pluginID)
	}
	f.launcher = &run.Launcher{
		Endpoints: run.Given{
			NetBoxEndpoint: domain.NetBoxEndpoint{Name: "lab", IPAddress: u.Hostname(), Port: port, TokenVersion: "v1",
				Token: domain.Secret(f.Service.TokenV1)},
			ProxmoxEndpoints: []domain.ProxmoxEndpoint{px},
		},
		Settings: values, Manager: run.NewManager(nil),
	}
}

func (f *field) change(t *testing.T, edit func(*proxmoxsim.Estate)) { f.pve.Change(t, edit) }

// sync carries a full update out. One that cannot be done at all, and every
// report but a conflict, fails the test.
func (f *field) sync(t *testing.T) *run.Result {
	t.Helper()
	f.Tap.Clear()
	res := carryOut(t, f.launcher, nil)
	t.Logf("%d created, %d updated, %d deleted; %d requests, %d of them writes", res.Created, res.Updated, res.Deleted,
		len(f.Tap.Requests()), len(f.Tap.Writes()))
	return res
}

// rest runs again and expects that nothing is written.
func (f *field) rest(t *testing.T, what string) {
	t.Helper()
	before := f.LastChange(t)
	res := f.sync(t)
	for _, c := range res.Plan.Changes {
		t.Errorf("%s plans to %s %s %s: %v -> %v (%s)", what, c.Op, c.Kind, c.Label, c.Old, c.Set, c.Why)
	}
	for _, w := range f.Tap.Writes() {
		t.Errorf("%s sends %v", what, w)
	}
	for _, c := range f.Changes(t, before) {
		t.Errorf("%s is in NetBox's change log: %v", what, c)
	}
}
