//go:build unix

package takeover

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
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
	s := newEmpty(t, profile, estate)
	fill15(t, s, snapshot(t, s.pve.Endpoint(), s.pve.Transport()))
	return s
}

// loaded are the settings of an environment.
func loaded(t *testing.T, environ ...string) *settings.Values {
	t.Helper()
	values, err := settings.Load(environ)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// newEmpty starts with nothing.
func newEmpty(t *testing.T, profile netboxsim.Profile, estate proxmoxsim.Estate) *simulated {
	t.Helper()
	s := &simulated{simulator: simulator{netboxsim.New(profile)}, pve: proxmoxsim.New(estate)}
	s.launcher = &run.Launcher{
		Endpoints: run.Given{
			NetBoxEndpoint:   domain.NetBoxEndpoint{Name: "sim", Domain: "netbox.invalid", Port: 80, TokenVersion: "v1", Token: netboxsim.Token},
			ProxmoxEndpoints: []domain.ProxmoxEndpoint{s.pve.Endpoint()},
		},
		Settings: loaded(t), Manager: run.NewManager(nil), NetBoxTransport: s.Transport(),
		ProxmoxTransport: func(domain.ProxmoxEndpoint) http.RoundTripper { return s.pve.Transport() },
	}
	return s
}

func (s *simulated) change(_ *testing.T, edit func(*proxmoxsim.Estate)) { s.pve.Change(edit) }

func (s *simulated) sync(t *testing.T) *run.Result {
	t.Helper()
	return carryOut(t, s.launcher, nil)
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

// guest is a guest of the estate as NetBox has it.
func (s *simulated) guest(t *testing.T, vmid int) row {
	t.Helper()
	found := find(t, s, "virtualization/virtual-machines", fmt.Sprintf("cf_proxmox_vm_id=%d", vmid))
	if len(found) != 1 {
		t.Fatalf("%d guests have the vmid %d", len(found), vmid)
	}
	return found[0]
}

// customFields are those of an object whose names are given, as text.
func customFields(o row, names ...string) string {
	var out []string
	for _, name := range names {
		v := o["custom_fields"].(row)[name]
		if to, ok := v.(row); ok {
			v = to["name"]
		}
		out = append(out, fmt.Sprint(v))
	}
	return strings.Join(out, " ")
}

// TestDescriptions0015 keeps true what 0.0.15 said of guests in custom fields:
// what changes in Proxmox, what is not read, and what is gone.
func TestDescriptions0015(t *testing.T) {
	of := []string{"proxmox_status", "proxmox_start_at_boot", "proxmox_qemu_agent", "proxmox_unprivileged_container", "proxmox_search_domain", "proxmox_node"}
	for name, profile := range map[string]netboxsim.Profile{"0.0.15": netboxsim.NetBox47Plugin15, "bare": netboxsim.NetBox47Bare} {
		t.Run(name, func(t *testing.T) {
			s := newSimulated(t, profile, proxmoxsim.Demo(30))
			s.launcher.Settings = loaded(t, "PROXBOX_DELETE_ORPHANS=true")
			expect := func(when string, vmid int, want string) {
				t.Helper()
				if got := customFields(s.guest(t, vmid), of...); got != want {
					t.Errorf("%s: guest %d is %s, want %s", when, vmid, got, want)
				}
			}
			s.sync(t)
			expect("taken over", 100, "running true true false  pve1")
			expect("taken over", 112, "running true false true example.org pve1")
			if link := customFields(s.guest(t, 100), "proxmox_link"); link != s.pve.Endpoint().BaseURL()+"/#v1:0:=qemu/100" {
				t.Errorf("the link is %s", link)
			}
			s.rest(t, "the run after")

			s.change(t, func(e *proxmoxsim.Estate) {
				g := e.Guest(100)
				g.Status, g.Node = "stopped", "pve2"
				g.Set("onboot", 0)
				g.Set("agent", "0")
				g.Set("searchdomain", "example.org")
			})
			s.sync(t)
			expect("changed", 100, "stopped false false false example.org pve2")
			if got := customFields(s.guest(t, 100), "proxmox_last_updated"); strings.HasPrefix(got, "2026-01-02") {
				t.Errorf("it was changed after %s", got)
			}
			if got := customFields(s.guest(t, 112), "proxmox_last_updated"); got == "<nil>" {
				t.Error("when another one was changed is forgotten")
			}
			s.rest(t, "the run after the change")

			s.change(t, func(e *proxmoxsim.Estate) {
				e.Guest(100).Unset("searchdomain")
				e.Faults = map[string]proxmoxsim.Fault{"/nodes/pve2/qemu/100/config": {Status: 500, Message: "got timeout"}}
			})
			s.sync(t)
			expect("unread", 100, "stopped false false false example.org pve2")
			s.change(t, func(e *proxmoxsim.Estate) { e.Faults = nil })
			s.sync(t)
			expect("read again", 100, "stopped false false false  pve2")
			s.rest(t, "the run after that")

			var was proxmoxsim.Guest
			s.change(t, func(e *proxmoxsim.Estate) {
				was = *e.Guest(100)
				e.Guests = slices.DeleteFunc(e.Guests, func(g proxmoxsim.Guest) bool { return g.VMID == 100 })
			})
			s.sync(t)
			expect("gone", 100, "gone false false false  pve2")
			s.rest(t, "the run after it went")
			s.change(t, func(e *proxmoxsim.Estate) { e.Guests = append(e.Guests, was) })
			s.sync(t)
			expect("back", 100, "stopped false false false  pve2")
			s.rest(t, "the run after it came back")
		})
	}
}

// TestDescriptions0015Kept: without the flags of custom fields those that hold
// something are a person's, but for the identity.
func TestDescriptions0015Kept(t *testing.T) {
	s := newSimulated(t, netboxsim.NetBox47Plugin15, proxmoxsim.Demo(3))
	s.change(t, func(e *proxmoxsim.Estate) {
		g := e.Guest(100)
		g.Status, g.Node = "stopped", "pve2"
		g.Set("searchdomain", "example.org")
	})
	kept := url.Values{"overwrite_vm_custom_fields": {"false"}, "overwrite_vm_interface_custom_fields": {"false"}}
	was := customFields(find(t, s, "virtualization/interfaces", "virtual_machine=web-01")[0], "proxbox_bridge", "proxmox_last_updated")
	carryOut(t, s.launcher, kept)
	if got := customFields(s.guest(t, 100), "proxmox_status", "proxmox_node", "proxmox_search_domain"); got != "running pve2 example.org" {
		t.Errorf("guest 100 is %s", got)
	}
	if got := customFields(s.guest(t, 100), "proxmox_last_updated"); !strings.HasPrefix(got, "2026-01-02") {
		t.Errorf("it was changed %s", got)
	}
	if got := customFields(find(t, s, "virtualization/interfaces", "virtual_machine=web-01")[0], "proxbox_bridge", "proxmox_last_updated"); got != was {
		t.Errorf("its interface is %s and was %s", got, was)
	}
	s.ResetStats()
	carryOut(t, s.launcher, kept)
	if n := s.Stats().Writes; n != 0 {
		t.Errorf("again: %d writes", n)
	}
}

// TestFields0015OfOthers leaves custom fields alone that are not what 0.0.15
// made, and makes none of those that only describe.
func TestFields0015OfOthers(t *testing.T) {
	const vm, disk = "virtualization.virtualmachine", "virtualization.virtualdisk"
	s := newEmpty(t, netboxsim.NetBox47Plugin15, proxmoxsim.Demo(3))
	create(t, s, "extras/custom-fields", row{"name": "proxmox_status", "type": "integer", "object_types": []string{vm}})
	create(t, s, "extras/custom-fields", row{"name": "proxmox_link", "type": "url", "object_types": []string{disk}})
	create(t, s, "extras/custom-fields", row{"name": "proxbox_bridge", "type": "object", "related_object_type": "dcim.device",
		"object_types": []string{"virtualization.vminterface"}})
	create(t, s, "extras/custom-fields", row{"name": "proxmox_qemu_agent", "type": "boolean", "object_types": []string{vm}})
	s.sync(t)
	s.rest(t, "the second run")
	g := s.guest(t, 100)
	cf := g["custom_fields"].(row)
	if got := customFields(g, "proxmox_status", "proxmox_qemu_agent"); got != "<nil> true" {
		t.Errorf("status and agent are %s", got)
	}
	for _, name := range []string{"proxmox_link", "proxmox_start_at_boot", "proxmox_last_updated"} {
		if v, ok := cf[name]; ok {
			t.Errorf("guests have a custom field %s: %v", name, v)
		}
	}
	for _, i := range find(t, s, "virtualization/interfaces", "") {
		if got := customFields(i, "proxbox_bridge"); got != "<nil>" {
			t.Errorf("%v points at %s", i["name"], got)
		}
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
			if name == plan.LastUpdated {
				continue // with every change
			}
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
