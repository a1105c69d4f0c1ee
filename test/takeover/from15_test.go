//go:build unix

package takeover

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"proxbox/internal/domain"
	"proxbox/internal/plan"
	"proxbox/internal/proxmox"
	"proxbox/internal/run"
	"proxbox/internal/settings"
	netboxsim "proxbox/internal/sim/netbox"
	proxmoxsim "proxbox/internal/sim/proxmox"
	"proxbox/test/lab/netboxstate"
)

// simulator is a simulated NetBox as the tests ask it.
type simulator struct{ *netboxsim.Server }

func (s simulator) Must(t testing.TB, method, path string, body, into any) {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://netbox.invalid"+path, bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Token "+netboxsim.Token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && into != nil && resp.StatusCode < 300 {
		err = json.Unmarshal(answer, into)
	}
	if err != nil || resp.StatusCode >= 300 {
		t.Fatalf("the simulator answers %s %s %s with %s: %s (%v)", method, path, raw, resp.Status, answer, err)
	}
}

// snapshot is what our reader reads.
func snapshot(t *testing.T, ep domain.ProxmoxEndpoint, transport http.RoundTripper) *domain.Snapshot {
	t.Helper()
	c, err := proxmox.Open(ep, proxmox.Options{Transport: transport})
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

// simulated is a simulated NetBox and a simulated Proxmox VE.
type simulated struct {
	simulator
	pve      *proxmoxsim.Server
	launcher *run.Launcher
}

// newSimulated starts with what 0.0.15 made of the estate.
func newSimulated(t *testing.T, profile netboxsim.Profile, estate proxmoxsim.Estate) *simulated {
	t.Helper()
	s := &simulated{simulator: simulator{netboxsim.New(profile)}, pve: proxmoxsim.New(estate)}
	fill15(t, s, snapshot(t, s.pve.Endpoint(), s.pve.Transport()))
	values, err := settings.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	s.launcher = &run.Launcher{
		Endpoints: run.Given{
			NetBoxEndpoint:   domain.NetBoxEndpoint{Name: "sim", Domain: "netbox.invalid", Port: 80, TokenVersion: "v1", Token: netboxsim.Token},
			ProxmoxEndpoints: []domain.ProxmoxEndpoint{s.pve.Endpoint()},
		},
		Settings: values, Manager: run.NewManager(nil), NetBoxTransport: s.Transport(),
		ProxmoxTransport: func(domain.ProxmoxEndpoint) http.RoundTripper { return s.pve.Transport() },
	}
	return s
}

func (s *simulated) change(_ *testing.T, edit func(*proxmoxsim.Estate)) { s.pve.Change(edit) }

func (s *simulated) sync(t *testing.T) *run.Result {
	t.Helper()
	return carryOut(t, s.launcher)
}

func (s *simulated) rest(t *testing.T, what string) {
	t.Helper()
	s.ResetStats()
	res := s.sync(t)
	for _, c := range res.Plan.Changes {
		t.Errorf("%s plans to %s %s %s: %v -> %v (%s)", what, c.Op, c.Kind, c.Label, c.Old, c.Set, c.Why)
	}
	if n := s.Stats().Writes; n != 0 {
		t.Errorf("%s writes %d times", what, n)
	}
}

// TestFrom0015 takes over what 0.0.15 left, beside its own plugin, which has
// no sync-state rows: the identity is in the custom fields.
func TestFrom0015(t *testing.T) {
	for name, profile := range map[string]netboxsim.Profile{"0.0.15": netboxsim.NetBox47Plugin15, "bare": netboxsim.NetBox47Bare, "0.0.29": netboxsim.NetBox47, "0.0.29-4.6": netboxsim.NetBox46} {
		t.Run(name, func(t *testing.T) {
			s := newSimulated(t, profile, proxmoxsim.Demo(30))
			before := netboxstate.Count(t, s)
			first := s.sync(t)
			got := slices.Concat([]string{"# what is new"}, compare(t, before, netboxstate.Count(t, s)),
				[]string{"# what is changed"}, updates(first), []string{"# what is reported"}, conflicts(first))
			if name == "0.0.15" {
				netboxstate.Golden(t, "simulated-0.0.15", got)
			}
			s.rest(t, "the second run")
			s.rest(t, "the third run")
		})
	}
}

// updates are the changes of a run to what was there, one line each, without
// the values that are ids.
func updates(res *run.Result) []string {
	var lines []string
	made := map[domain.Ref]bool{}
	for _, c := range res.Done {
		of := domain.At(c.Kind, c.ID)
		if made[of] = made[of] || c.Op == plan.Create; made[of] {
			continue
		}
		var fields []string
		for _, name := range slices.Sorted(maps.Keys(c.Set)) {
			switch v := c.Set[name].(type) {
			case domain.Ref, domain.Refs:
				fields = append(fields, name)
			default:
				fields = append(fields, fmt.Sprintf("%s %v → %v", name, c.Old[name], v))
			}
		}
		lines = append(lines, fmt.Sprintf("%s %s %s: %s", c.Op, c.Kind, c.Label, strings.Join(fields, ", ")))
	}
	slices.Sort(lines)
	return lines
}
