package run_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"proxbox/internal/domain"
	"proxbox/internal/run"
	netboxsim "proxbox/internal/sim/netbox"
	proxmoxsim "proxbox/internal/sim/proxmox"
)

// withSDN asks for the SDN.
func withSDN(mode string) url.Values { return url.Values{"sync_mode_sdn": {mode}} }

// newSDN is a site with a SDN.
func newSDN(t *testing.T, guests int, ttl time.Duration) *site {
	t.Helper()
	s := newSite(t, guests, ttl)
	s.pve.Change(func(e *proxmoxsim.Estate) { e.SDN = proxmoxsim.DemoSDN(0) })
	return s
}

// sdnPaths are what was asked about the SDN: of NetBox, and of Proxmox.
func (s *site) sdnPaths() (nb, pve []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.reads {
		if strings.Contains(p, "sdn-") || strings.Contains(p, "prefixes") {
			nb = append(nb, p)
		}
	}
	for _, p := range s.proxmox {
		if strings.Contains(p, "/sdn") {
			pve = append(pve, p)
		}
	}
	return nb, pve
}

// stageOf is a stage by its name.
func stageOf(t *testing.T, name string) run.Stage {
	t.Helper()
	s, err := run.StageNamed(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSDNIsAskedFor: without the mode nobody is asked about the SDN; with it, a
// full update and the stage write the same, in four requests more to NetBox and
// two and one a vnet to Proxmox; and then nothing.
func TestSDNIsAskedFor(t *testing.T) {
	off := newSDN(t, 3, 0)
	off.sync(t, run.Ask{})
	for _, stage := range run.Stages {
		off.sync(t, run.Ask{Stage: stage})
	}
	if nb, pve := off.sdnPaths(); len(nb)+len(pve) > 0 {
		t.Errorf("without the mode: %v, %v", nb, pve)
	}
	whole, parts := newSDN(t, 3, 0), newSDN(t, 3, time.Minute)
	whole.sync(t, run.Ask{Query: withSDN("always")})
	parts.sync(t, run.Ask{})
	parts.sync(t, run.Ask{Stage: stageOf(t, "sdn"), Query: withSDN("always")})
	for _, kind := range []string{"netbox_proxbox.proxmoxsdnzone", "netbox_proxbox.proxmoxsdnvnet", "netbox_proxbox.proxmoxsdnsubnet", "ipam.prefix"} {
		if a, b := string(whole.nb.Dump(false, kind)), string(parts.nb.Dump(false, kind)); a != b || kind != "ipam.prefix" && whole.nb.Count(kind) != 3 {
			t.Errorf("%s: a full update makes\n%s\nthe stage\n%s", kind, a, b)
		}
	}
	for _, s := range []*site{whole, parts} {
		s.forget()
		ask := run.Ask{Query: withSDN("always")}
		if s == parts {
			ask.Stage = stageOf(t, "sdn")
		}
		if res := s.sync(t, ask); res.Created+res.Updated+res.Deleted != 0 || s.writes != 0 {
			t.Errorf("again: %v", res.Done)
		}
	}
	nb, pve := whole.sdnPaths()
	if len(nb) != 4 || len(pve) != 5 {
		t.Errorf("NetBox was asked %v, Proxmox %v", nb, pve)
	}
}

// TestSDNStageAlone says that it does nothing when the mode is disabled.
func TestSDNStageAlone(t *testing.T) {
	s := newSDN(t, 1, 0)
	if res := s.sync(t, run.Ask{Stage: stageOf(t, "sdn"), Guests: []run.GuestID{{VMID: 100}}, Query: withSDN("always")}); len(res.Done)+len(res.Problems) > 0 {
		t.Errorf("of a guest: %v, %v", res.Done, res.Problems)
	}
	res := s.sync(t, run.Ask{Stage: stageOf(t, "sdn")})
	if len(res.Done) > 0 || !slices.ContainsFunc(res.Problems, func(p domain.Problem) bool { return strings.Contains(p.Reason, "sync_mode_sdn") }) {
		t.Errorf("%v, %v", res.Done, res.Problems)
	}
}

// TestSDNOfTheEndpointsRow: the plugin's row of an endpoint may ask for it too.
func TestSDNOfTheEndpointsRow(t *testing.T) {
	s := newSDN(t, 1, 0)
	if err := s.nb.Patch("endpoints/proxmox", 1, map[string]any{"sync_mode_sdn": "always"}); err != nil {
		t.Fatal(err)
	}
	s.sync(t, run.Ask{})
	if n := s.nb.Count("netbox_proxbox.proxmoxsdnzone"); n != 3 {
		t.Errorf("%d zones", n)
	}
}

// TestSDNFollowsProxmox: what is made, changes, vanishes and cannot be read.
func TestSDNFollowsProxmox(t *testing.T) {
	s := newSDN(t, 1, 0)
	ask := run.Ask{Stage: stageOf(t, "sdn"), Query: withSDN("always")}
	s.sync(t, ask)
	for _, step := range []struct {
		name   string
		edit   func(e *proxmoxsim.Estate)
		writes []string
		said   string
	}{
		{"nothing", func(*proxmoxsim.Estate) {}, nil, ""},
		{"a number comes in quotes", func(e *proxmoxsim.Estate) { e.SDN.VNets[1]["tag"] = "10" }, nil, ""},
		{"everything is applied", func(e *proxmoxsim.Estate) {
			for _, row := range e.SDN.Zones {
				row["digest"] = "another"
			}
		}, nil, ""},
		{"a vnet changes", func(e *proxmoxsim.Estate) { e.SDN.VNets[1]["alias"] = "all" }, []string{"update SDN vnet users alias raw_config"}, ""},
		{"a subnet is made", func(e *proxmoxsim.Estate) {
			e.SDN.Subnets["users"] = []proxmoxsim.Row{{"subnet": "overlay-192.0.2.128-25", "cidr": "192.0.2.128/25"}}
		}, []string{"create SDN subnet overlay-192.0.2.128-25", "create prefix 192.0.2.128/25"}, ""},
		{"its list cannot be read", func(e *proxmoxsim.Estate) {
			e.Deny("/cluster/sdn/vnets/users/subnets", "SDN.Audit")
			e.SDN.Subnets["users"] = nil
		}, nil, "the subnets of SDN vnet users"},
		{"the vnets cannot be read", func(e *proxmoxsim.Estate) {
			e.Fail("/cluster/sdn/vnets", proxmoxsim.Fault{Status: 500, Message: "out of order"})
		}, nil, "the SDN vnets"},
		{"SDN is not installed", func(e *proxmoxsim.Estate) {
			e.Fail("/cluster/sdn/zones", proxmoxsim.Fault{Status: http.StatusNotImplemented, Message: "Method 'GET /cluster/sdn/zones' not implemented"})
		}, nil, "SDN of demo"},
		{"no quorum", func(e *proxmoxsim.Estate) { e.Faults, e.NoQuorum = nil, true }, nil, "cluster demo"},
		{"the subnet vanished", func(e *proxmoxsim.Estate) { e.NoQuorum = false }, []string{"update cluster demo overlay-192.0.2.128-25 status"}, ""},
		{"a vnet vanishes with its subnets", func(e *proxmoxsim.Estate) { e.SDN.VNets = e.SDN.VNets[1:] },
			[]string{"update cluster demo lan-10.200.0.0-24 status", "update cluster demo lan-2001:db8:200::-64 status", "update cluster demo office status"}, ""},
		{"nothing more", func(*proxmoxsim.Estate) {}, nil, ""},
		{"it is there again", func(e *proxmoxsim.Estate) {
			e.SDN.VNets = append(e.SDN.VNets, proxmoxsim.Row{"vnet": "office", "zone": "lan", "type": "vnet", "alias": "the office's network"})
		}, []string{"update SDN subnet lan-10.200.0.0-24 status", "update SDN subnet lan-2001:db8:200::-64 status", "update SDN vnet office status"}, ""},
		{"all of it is gone", func(e *proxmoxsim.Estate) { e.SDN = &proxmoxsim.SDN{} }, []string{
			"update cluster demo fabric status", "update cluster demo fabric-10.200.16.0-20 status", "update cluster demo lan status",
			"update cluster demo lan-10.200.0.0-24 status", "update cluster demo lan-2001:db8:200::-64 status", "update cluster demo office status",
			"update cluster demo overlay status", "update cluster demo tenant1 status", "update cluster demo users status",
		}, ""},
	} {
		s.pve.Change(step.edit)
		res := s.sync(t, ask)
		var got []string
		for _, c := range res.Done {
			line := fmt.Sprintf("%s %s", c.Op, c.Label)
			if c.Op == "update" {
				line += " " + strings.Join(slices.Sorted(maps.Keys(c.Set)), " ")
			}
			got = append(got, line)
		}
		slices.Sort(got)
		if !slices.Equal(got, step.writes) {
			t.Errorf("%s: wrote\n%s\nwant\n%s", step.name, strings.Join(got, "\n"), strings.Join(step.writes, "\n"))
		}
		if said := fmt.Sprint(res.Problems); !strings.Contains(said, step.said) || step.said == "" && len(res.Problems) > 0 || len(res.Reports) > 0 {
			t.Errorf("%s: said %v, %v", step.name, said, res.Reports)
		}
	}
}

// TestSDNBootstrap: rows that are made once are left alone while they carry the
// tag.
func TestSDNBootstrap(t *testing.T) {
	s := newSDN(t, 1, 0)
	ask := run.Ask{Query: withSDN("bootstrap_only")}
	s.sync(t, ask)
	s.pve.Change(func(e *proxmoxsim.Estate) {
		e.SDN.Zones[0]["mtu"], e.SDN.VNets[0]["alias"] = 1400, "changed"
		e.SDN.Zones = e.SDN.Zones[:2]
		e.SDN.VNets = append(e.SDN.VNets, proxmoxsim.Row{"vnet": "more", "zone": "lan"})
	})
	var made []string
	for _, c := range s.sync(t, ask).Done {
		made = append(made, fmt.Sprint(c.Op, " ", c.Label))
	}
	if !slices.Equal(made, []string{"create SDN vnet more"}) {
		t.Errorf("%v", made)
	}
}

// TestSDNPrefix: a subnet points at the prefix that NetBox has of its network,
// if it is clear which, and none of those is touched. One is made where there is
// none.
func TestSDNPrefix(t *testing.T) {
	s := newSDN(t, 1, 0)
	seed := func(kind string, o map[string]any) int {
		ids, err := s.nb.Seed(kind, o)
		if err != nil {
			t.Fatal(err)
		}
		return ids[0]
	}
	blue := seed("ipam.vrf", map[string]any{"name": "blue"})
	red := seed("ipam.vrf", map[string]any{"name": "red"})
	want := map[string]any{
		"lan-10.200.0.0-24":     seed("ipam.prefix", map[string]any{"prefix": "10.200.0.0/24", "description": "a person's"}),
		"lan-2001:db8:200::-64": seed("ipam.prefix", map[string]any{"prefix": "2001:db8:200::/64", "vrf": blue}),
		"fabric-10.200.16.0-20": nil,
	}
	const made1 = "overlay-192.0.2.128-25"
	seed("ipam.prefix", map[string]any{"prefix": "10.200.0.0/24", "vrf": blue})
	seed("ipam.prefix", map[string]any{"prefix": "10.200.0.0/16"})
	s.pve.Change(func(e *proxmoxsim.Estate) {
		e.SDN.Subnets["users"] = []proxmoxsim.Row{{"subnet": "overlay-192.0.2.128-25", "cidr": "192.0.2.128/25"}}
	})
	seed("ipam.prefix", map[string]any{"prefix": "10.200.16.0/20", "vrf": blue})
	chosen := seed("ipam.prefix", map[string]any{"prefix": "10.200.16.0/20", "vrf": red})
	before := fmt.Sprint(s.nb.Objects("ipam.prefix"))
	ask := run.Ask{Stage: stageOf(t, "sdn"), Query: withSDN("always")}
	s.sync(t, run.Ask{})
	s.sync(t, ask)
	var ambiguous int
	for _, o := range s.nb.Objects("netbox_proxbox.proxmoxsdnsubnet") {
		var got any
		if id, ok := o["prefix"].(float64); ok {
			got = int(id)
		}
		if name := o["subnet"].(string); name == made1 && got != nil {
			continue
		} else if got != want[name] || (o["skip_reason"] == "") != (want[name] != nil) {
			t.Errorf("%s points at %v, not %v: %v", name, o["prefix"], want[name], o["skip_reason"])
		} else if got == nil {
			ambiguous = int(o["id"].(float64))
		}
	}
	if err := s.nb.Patch("netbox_proxbox.proxmoxsdnsubnet", ambiguous, map[string]any{"prefix": chosen}); err != nil {
		t.Fatal(err)
	}
	s.sync(t, ask)
	for _, o := range s.nb.Objects("netbox_proxbox.proxmoxsdnsubnet") {
		if int(o["id"].(float64)) == ambiguous && (o["prefix"] != float64(chosen) || o["skip_reason"] != "") {
			t.Errorf("what a person chose: %v, %v", o["prefix"], o["skip_reason"])
		}
	}
	after := s.nb.Objects("ipam.prefix")
	made := after[len(after)-1]
	if now := fmt.Sprint(after[:len(after)-1]); now != before {
		t.Errorf("the prefixes were\n%s\nand are\n%s", before, now)
	}
	if made["prefix"] != "192.0.2.128/25" || value(made, "tags") != "proxbox" {
		t.Errorf("made: %v", made)
	}
}

// TestSDNUnknownPrefixes: while NetBox does not list its prefixes, the subnets'
// stay as they are.
func TestSDNUnknownPrefixes(t *testing.T) {
	s := newSDN(t, 1, 0)
	if _, err := s.nb.Seed("ipam.prefix", map[string]any{"prefix": "10.200.0.0/24"}); err != nil {
		t.Fatal(err)
	}
	ask := run.Ask{Query: withSDN("always")}
	s.sync(t, ask)
	before := string(s.nb.Dump(true, "netbox_proxbox.proxmoxsdnsubnet"))
	s.nb.SetFault(func(r *http.Request) *netboxsim.Fault {
		if strings.HasPrefix(r.URL.Path, "/api/ipam/prefixes/") {
			return &netboxsim.Fault{Status: http.StatusBadRequest, Body: `{"detail":"not today"}`}
		}
		return nil
	})
	r, err := s.Start(ask)
	if err != nil {
		t.Fatal(err)
	}
	<-r.Done()
	res, err := r.Result()
	if err != nil || len(res.Reports) != 1 || res.Reports[0].Kind != domain.KindPrefix {
		t.Errorf("%v, %v", err, res.Reports)
	}
	if after := string(s.nb.Dump(true, "netbox_proxbox.proxmoxsdnsubnet")); after != before {
		t.Errorf("the subnets were\n%s\nand are\n%s", before, after)
	}
}

// TestSDNWithoutAPlace: a NetBox that has no lists for it is told so, once, and
// Proxmox is not asked.
func TestSDNWithoutAPlace(t *testing.T) {
	for name, profile := range map[string]netboxsim.Profile{"an older plugin": netboxsim.NetBox47Plugin15, "no plugin": netboxsim.NetBox47Bare} {
		s := newSDN(t, 1, 0)
		s.nb = netboxsim.New(profile)
		s.Launcher.NetBoxTransport = s.nb.Transport()
		res := s.sync(t, run.Ask{Query: withSDN("always")})
		told := 0
		for _, p := range res.Problems {
			if strings.Contains(p.Reason, "no place for SDN") {
				told++
			}
		}
		if _, pve := s.sdnPaths(); told != 1 || len(pve) > 0 {
			t.Errorf("%s: %v, %v", name, res.Problems, pve)
		}
	}
}
