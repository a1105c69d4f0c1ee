package server

import (
	"testing"

	proxmoxsim "proxbox/internal/sim/proxmox"
)

// withSDN gives Proxmox a SDN.
func (f *fixture) withSDN() *fixture {
	f.proxmox.Change(func(e *proxmoxsim.Estate) { e.SDN = proxmoxsim.DemoSDN(0) })
	return f
}

// The plugin's optional stage: nothing without its mode, everything with it,
// and how many of what there are.
func TestSDNStage(t *testing.T) {
	f := newFixture(t, "PROXBOX_RATE_LIMIT=0").withSDN().withKeys().withEndpoints().withPluginEndpoint()
	const path = "/proxmox/sdn/create/stream?proxmox_endpoint_ids=1&sync_mode_sdn="
	counts := func(done map[string]any) (stage, kinds map[string]any) {
		stage = done["result"].(map[string]any)
		return stage, stage["counters"].(map[string]any)
	}
	f.get("/full-update")
	f.seed("ipam.prefix", map[string]any{"prefix": "10.200.0.0/24", "description": "a person's"})
	if done := complete(t, f.stream(path+"disabled")); done["ok"] != true || done["result"].(map[string]any)["count"] != 0.0 {
		t.Errorf("disabled: %v", done)
	}
	if n := f.netbox.Count("netbox_proxbox.proxmoxsdnzone"); n != 0 {
		t.Errorf("%d zones were made", n)
	}
	events := f.stream(path + "always")
	golden(t, "wire/sdn-stage.sse", record(events))
	stage, kinds := counts(complete(t, events))
	if stage["count"] != 9.0 || stage["created"] != 11.0 || f.netbox.Count("ipam.prefix") != 3 || kinds["zones"] != 3.0 || kinds["vnets"] != 3.0 || kinds["subnets"] != 3.0 || kinds["stale"] != 0.0 {
		t.Errorf("made: %v", stage)
	}
	f.launcher.Memory.Forget()
	f.proxmox.Change(func(e *proxmoxsim.Estate) { e.SDN.VNets = e.SDN.VNets[1:] })
	stage, kinds = counts(complete(t, f.stream(path+"always")))
	if stage["updated"] != 0.0 || kinds["stale"] != 3.0 || kinds["vnets"] != 2.0 || kinds["subnets"] != 1.0 {
		t.Errorf("gone: %v", stage)
	}
	f.launcher.Memory.Forget()
	f.proxmox.Change(func(e *proxmoxsim.Estate) { e.SDN = nil })
	if done := complete(t, f.stream(path+"always")); done["ok"] != true || done["result"].(map[string]any)["updated"] != 0.0 {
		t.Errorf("without SDN: %v", done)
	}
}

// A full update has the stage when it is asked for it, or when the plugin's row
// of the endpoint asks.
func TestSDNInAFullUpdate(t *testing.T) {
	for name, query := range map[string]string{"asked for": "?sync_mode_sdn=always", "by the endpoint's row": ""} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t).withSDN().withKeys().withEndpoints().withPluginEndpoint()
			if query == "" {
				if err := f.netbox.Patch("endpoints/proxmox", 1, map[string]any{"sync_mode_sdn": "always"}); err != nil {
					t.Fatal(err)
				}
			}
			events := f.stream("/full-update/stream" + query)
			if result := complete(t, events)["result"].(map[string]any); result["sdn_count"] != 9.0 || result["replications_count"] != 1.0 {
				t.Errorf("%v", result)
			}
			var steps []any
			for _, e := range events {
				if e.event == "step" && e.data["status"] == "completed" {
					steps = append(steps, e.data["step"])
				}
			}
			if len(steps) != len(wireStages) || steps[10] != "sdn" {
				t.Errorf("stages %v", steps)
			}
			lists := f.get("/full-update" + query).(map[string]any)
			if sdn, ok := lists["sdn"].(map[string]any); !ok || sdn["count"] != 9.0 || sdn["created"] != 0.0 {
				t.Errorf("as JSON: %v", lists["sdn"])
			}
		})
	}
	f := newFixture(t).withSDN().withKeys().withEndpoints().withPluginEndpoint()
	if lists := f.get("/full-update").(map[string]any); lists["sdn"] != nil || lists["sdn_count"] != nil {
		t.Errorf("not asked for: %v", lists["sdn"])
	}
}
