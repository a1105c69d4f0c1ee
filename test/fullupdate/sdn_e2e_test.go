//go:build e2e

package fullupdate

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"proxbox/internal/run"
	proxmoxsim "proxbox/internal/sim/proxmox"
	"proxbox/test/lab/netboxstate"
)

// TestSDN: zones, vnets and subnets that are made, change, vanish or cannot be
// read, where they are asked for and nowhere else.
func TestSDN(t *testing.T) {
	estate := proxmoxsim.Demo(1)
	estate.SDN = proxmoxsim.DemoSDN(0)
	f := newField(t, estate)
	f.Must(t, http.MethodPost, "/api/ipam/prefixes/", map[string]any{"prefix": "10.200.0.0/24", "description": "a person's"}, nil)
	f.sync(t, run.Ask{})
	asked := url.Values{"sync_mode_sdn": {"always"}}
	stage, err := run.StageNamed("sdn")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, step := range []struct {
		name string
		ask  run.Ask
		edit func(e *proxmoxsim.Estate)
	}{
		{"nobody asks", run.Ask{}, nil},
		{"a full update that asks", run.Ask{Query: asked}, nil},
		{"another", run.Ask{Query: asked}, nil},
		{"the stage", run.Ask{Stage: stage, Query: asked}, nil},
		{"a zone changes", run.Ask{Stage: stage, Query: asked}, func(e *proxmoxsim.Estate) { e.SDN.Zones[1]["mtu"], e.SDN.Zones[2]["rt-import"] = 1400, "65000:3" }},
		{"a vnet changes", run.Ask{Query: asked}, func(e *proxmoxsim.Estate) { e.SDN.VNets[1]["tag"], e.SDN.VNets[1]["vlanaware"] = 0, "0" }},
		{"subnets cannot be read", run.Ask{Query: asked}, func(e *proxmoxsim.Estate) { e.Deny("/cluster/sdn/vnets/office/subnets", "SDN.Audit") }},
		{"a vnet vanishes", run.Ask{Query: asked}, func(e *proxmoxsim.Estate) {
			e.Faults = nil
			e.SDN.VNets = e.SDN.VNets[1:]
		}},
		{"it is there again", run.Ask{Stage: stage, Query: asked}, func(e *proxmoxsim.Estate) {
			e.SDN.VNets = append([]proxmoxsim.Row{proxmoxsim.DemoSDN(0).VNets[0]}, e.SDN.VNets...)
		}},
		{"SDN is uninstalled", run.Ask{Query: asked}, func(e *proxmoxsim.Estate) { e.SDN = nil }},
	} {
		if step.edit != nil {
			f.pve.Change(t, step.edit)
		}
		before := f.LastChange(t)
		res := f.sync(t, step.ask)
		got = append(got, "# "+step.name)
		for _, r := range res.Reports {
			got = append(got, fmt.Sprintf("  %s %s: %s", r.Outcome, r.Label, r.Reason))
		}
		for _, p := range res.Problems {
			if !strings.HasPrefix(p.Reason, "guest agent") {
				got = append(got, fmt.Sprintf("  %s: %s", p.What, p.Reason))
			}
		}
		got = append(got, netboxstate.Written(t, f.Changes(t, before))...)
	}
	netboxstate.Golden(t, "sdn", got)
}
