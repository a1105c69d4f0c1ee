package server

import (
	"testing"

	proxmoxsim "proxbox/internal/sim/proxmox"
)

// TestStale: rows of the plugin that Proxmox does not have any more are counted
// as what they became, by the run that said so of them.
func TestStale(t *testing.T) {
	f := newFixture(t).withKeys().withEndpoints().withPluginEndpoint()
	f.stream("/full-update/stream")
	replications, routines := f.netbox.Count("netbox_proxbox.replication"), f.netbox.Count("netbox_proxbox.backuproutine")
	if replications == 0 || routines < 2 {
		t.Fatalf("%d replications, %d backup routines", replications, routines)
	}
	change := func(edit func(*proxmoxsim.Estate)) {
		f.proxmox.Change(edit)
		f.launcher.Memory.Forget() // what the stages share
	}
	var jobs []proxmoxsim.Row
	change(func(e *proxmoxsim.Estate) {
		e.Replications, jobs = nil, e.BackupJobs
		e.BackupJobs = []proxmoxsim.Row{with(jobs[0], "comment", "changed")}
	})
	counts := func(path string, want map[string]float64) {
		t.Helper()
		result := complete(t, f.stream(path))["result"].(map[string]any)
		for name, n := range want {
			if result[name] != n {
				t.Errorf("%s: %s is %v, want %v", path, name, result[name], n)
			}
		}
	}
	counts("/proxmox/replication/stream", map[string]float64{"created": 0, "updated": 0, "stale": float64(replications), "deleted": 0, "errors": 0})
	counts("/proxmox/cluster/backup/stream", map[string]float64{"created": 0, "updated": 1, "stale": float64(routines - 1), "deleted": 0, "errors": 0})
	for _, path := range []string{"/proxmox/replication/stream", "/proxmox/cluster/backup/stream"} {
		counts(path, map[string]float64{"created": 0, "updated": 0, "stale": 0})
	}

	change(func(e *proxmoxsim.Estate) { e.BackupJobs = jobs })
	full := f.get("/full-update").(map[string]any)["backup_routines"].(map[string]any)
	if full["updated"] != float64(routines) || full["stale"] != 0.0 {
		t.Errorf("there again: %v", full)
	}
	change(func(e *proxmoxsim.Estate) { e.BackupJobs = nil })
	full = f.get("/full-update").(map[string]any)["backup_routines"].(map[string]any)
	if full["updated"] != 0.0 || full["stale"] != float64(routines) {
		t.Errorf("gone in a full update: %v", full)
	}
}

// with is a row with another value.
func with(r proxmoxsim.Row, name string, value any) proxmoxsim.Row {
	out := proxmoxsim.Row{name: value}
	for k, v := range r {
		if k != name {
			out[k] = v
		}
	}
	return out
}
