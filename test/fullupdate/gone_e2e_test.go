//go:build e2e

package fullupdate

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"proxbox/internal/domain"
	"proxbox/internal/plan"
	"proxbox/internal/run"
	proxmoxsim "proxbox/internal/sim/proxmox"
	"proxbox/test/lab"
	"proxbox/test/lab/netboxstate"
)

const (
	orphans = "PROXBOX_DELETE_ORPHANS=true"
	atOnce  = "PROXBOX_DELETE_ORPHANS_AFTER_DAYS=0.000000001"
)

// vm is a virtual machine in NetBox.
type vm struct {
	ID      int
	Name    string
	Status  struct{ Value string }
	Cluster struct{ Name string }
	Tags    []struct{ Slug string }
}

// String is its status, and "marked" when it carries the tag.
func (v vm) String() string {
	if slices.ContainsFunc(v.Tags, func(t struct{ Slug string }) bool { return t.Slug == "proxbox-soft-deleted" }) {
		return v.Status.Value + ", marked"
	}
	return v.Status.Value
}

// machines are the virtual machines with a name, or all of them.
func (f *field) machines(t *testing.T, name string) []vm {
	t.Helper()
	var page struct{ Results []vm }
	query := ""
	if name != "" {
		query = "&name=" + name
	}
	f.Must(t, http.MethodGet, "/api/virtualization/virtual-machines/?limit=0&exclude=config_context"+query, nil, &page)
	return page.Results
}

func (f *field) machine(t *testing.T, name string) vm {
	t.Helper()
	all := f.machines(t, name)
	if len(all) != 1 {
		t.Fatalf("there are %d virtual machines %q", len(all), name)
	}
	return all[0]
}

func noFailures(t *testing.T, res *run.Result) {
	t.Helper()
	for _, r := range res.Reports {
		if r.Outcome != plan.Conflict {
			t.Errorf("%s %s %s %s: %s", r.Outcome, r.Kind, r.Label, r.Field, r.Reason)
		}
	}
}

// TestGoneGuests on the real NetBox and its plugin: marked, a person can remove
// one of them, another is back, a third is removed when its time is over.
func TestGoneGuests(t *testing.T) {
	f := newField(t, proxmoxsim.Demo(60))
	f.sync(t, run.Ask{})
	estate := netboxstate.Lines(t, f.Server)
	gone := map[int]proxmoxsim.Guest{}
	for _, vmid := range []int{130, 131, 132} {
		f.pve.Change(t, func(e *proxmoxsim.Estate) {
			gone[vmid] = *e.Guest(vmid)
			e.Remove(vmid)
		})
	}
	res := f.sync(t, run.Ask{})
	if w := f.Tap.Writes(); len(w) > 0 || len(res.Reports) > 0 {
		t.Errorf("nobody asked for it, and there are the writes %v and the reports %v", w, res.Reports)
	}
	if !slices.ContainsFunc(res.Problems, func(p domain.Problem) bool { return strings.Contains(p.Reason, "web-130") }) {
		t.Errorf("it was not noticed: %v", res.Problems)
	}

	f.setenv(t, orphans)
	before := f.LastChange(t)
	noFailures(t, f.sync(t, run.Ask{}))
	netboxstate.Golden(t, "gone", netboxstate.Written(t, f.Changes(t, before)))
	f.noWrites(t, "once marked")

	// A person can remove it: nothing of ours protects it.
	if status, body := f.Call(t, f.Admin.V2(), http.MethodDelete, fmt.Sprintf("/api/virtualization/virtual-machines/%d/", f.machine(t, "web-130").ID), nil, nil); status != http.StatusNoContent {
		t.Errorf("a person cannot remove it: %d %s", status, body)
	}
	back := f.machine(t, "app-131")
	f.pve.Change(t, func(e *proxmoxsim.Estate) { e.Guests = append(e.Guests, gone[131]) })
	noFailures(t, f.sync(t, run.Ask{}))
	if now := f.machine(t, "app-131"); now.ID != back.ID || now.String() != "active" {
		t.Errorf("back again, it is %d, %s", now.ID, now)
	}

	f.setenv(t, orphans, "PROXBOX_DELETE_ORPHANS_AFTER_DAYS=1")
	f.noWrites(t, "before its time")
	f.setenv(t, orphans, atOnce)
	id := f.machine(t, "db-132").ID
	f.Must(t, http.MethodPost, "/api/extras/journal-entries/", map[string]any{"assigned_object_type": "virtualization.virtualmachine", "assigned_object_id": id, "comments": "who needs it?"}, nil)
	res = f.sync(t, run.Ask{})
	if w := f.Tap.Writes(); len(w) > 0 || len(res.Reports) != 1 || !strings.Contains(res.Reports[0].Reason, "journal") {
		t.Errorf("somebody wrote about it, and there are the writes %v and the reports %v", w, res.Reports)
	}
	var journal struct{ Results []struct{ ID int } }
	f.Must(t, http.MethodGet, "/api/extras/journal-entries/", nil, &journal)
	for _, e := range journal.Results {
		f.Must(t, http.MethodDelete, fmt.Sprintf("/api/extras/journal-entries/%d/", e.ID), nil, nil)
	}
	noFailures(t, f.sync(t, run.Ask{}))
	if left := f.machines(t, "db-132"); len(left) != 0 {
		t.Errorf("after its time it is %v", left)
	}
	f.noWrites(t, "once removed")

	// Both were never there, as far as everything else is concerned.
	f.pve.Change(t, func(e *proxmoxsim.Estate) { e.Guests = append(e.Guests, gone[130], gone[132]) })
	noFailures(t, f.sync(t, run.Ask{}))
	if n := len(f.machines(t, "")); n != 60 {
		t.Errorf("%d virtual machines for 60 guests", n)
	}
	again := slices.DeleteFunc(netboxstate.Lines(t, f.Server), func(s string) bool {
		return strings.Contains(s, "proxbox-soft-deleted") || strings.Contains(s, "Soft-deleted")
	})
	netboxstate.Differ(t, "with all guests back", estate, again)
}

// TestVMIDUsedAgainAndMoves on the real NetBox: a new guest of an old vmid, and
// one that left for another cluster.
func TestVMIDUsedAgainAndMoves(t *testing.T) {
	f := newField(t, proxmoxsim.Demo(60))
	second := proxmoxsim.DemoAt(1, 3)
	for i := range second.Nodes {
		second.Nodes[i].Tasks = nil // both sites have the same ones
	}
	annex := &field{Server: f.Server, pve: lab.FakePVE(t, second)}
	px := annex.pve.Endpoint()
	px.ID = annex.pluginRowsNamed(t, second, "annex")
	px.Name = fmt.Sprintf("annex (nb:%d)", px.ID)
	given := f.launcher.Endpoints.(run.Given)
	given.ProxmoxEndpoints = append(given.ProxmoxEndpoints, px)
	f.launcher.Endpoints = given
	noFailures(t, f.sync(t, run.Ask{}))

	old := f.machine(t, "web-130")
	f.pve.Change(t, func(e *proxmoxsim.Estate) {
		g := e.Guest(130)
		g.Rename("fresh")
		g.Set("smbios1", "uuid=aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee")
		g.Set("meta", "creation-qemu=10.0.0,ctime=1790000000")
	})
	noFailures(t, f.sync(t, run.Ask{}))
	if a, b := f.machine(t, "web-130"), f.machine(t, "fresh"); a.ID != old.ID || a.String() != "decommissioning, marked" || b.ID == old.ID || b.String() != "active" {
		t.Errorf("its vmid is used again, and it is %s; the new one is %s", a, b)
	}

	moving := f.machine(t, "db-132")
	var guest proxmoxsim.Guest
	f.pve.Change(t, func(e *proxmoxsim.Estate) {
		guest = *e.Guest(132)
		e.Remove(132)
	})
	annex.pve.Change(t, func(e *proxmoxsim.Estate) {
		guest.VMID, guest.Node = 700, "pve2"
		e.Guests = append(e.Guests, guest)
	})
	before := f.LastChange(t)
	noFailures(t, f.sync(t, run.Ask{}))
	netboxstate.Golden(t, "moved", netboxstate.Written(t, f.Changes(t, before)))
	if now := f.machine(t, "db-132"); now.ID != moving.ID || now.Cluster.Name != "demo2" || now.String() != "active" {
		t.Errorf("it moved, and is %d of %s, %s", now.ID, now.Cluster.Name, now)
	}
	f.sync(t, run.Ask{})
	for _, w := range f.Tap.Writes() {
		t.Errorf("the next run sends %v", w)
	}
}
