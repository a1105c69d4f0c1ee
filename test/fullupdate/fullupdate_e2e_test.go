//go:build e2e

package fullupdate

import (
	"testing"

	"proxbox/internal/run"
	proxmoxsim "proxbox/internal/sim/proxmox"
	"proxbox/test/lab/netboxstate"
)

// TestFullUpdate: an estate with every shape lands in an empty NetBox, and a
// second run writes nothing.
func TestFullUpdate(t *testing.T) {
	f := newField(t, proxmoxsim.Demo(guests))
	first := f.sync(t, run.Ask{})
	t.Logf("first run: %d created, %d updated, %d requests, %d writes", first.Created, first.Updated, len(f.Tap.Requests()), len(f.Tap.Writes()))
	for _, r := range first.Reports {
		t.Logf("%s %s %s %s: %s (%s)", r.Outcome, r.Kind, r.Label, r.Field, r.Reason, r.WayOut)
	}
	for _, p := range first.Problems {
		t.Logf("problem %s: %s (%s)", p.What, p.Reason, p.WayOut)
	}
	if first.Outcome != run.OutcomeCompleted {
		t.Errorf("the first run is %s", first.Outcome)
	}
	netboxstate.Golden(t, "estate", netboxstate.Lines(t, f.Server))

	f.noWrites(t, "the second run")
}

// noWrites runs again and expects that nothing is written.
func (f *field) noWrites(t *testing.T, what string) {
	t.Helper()
	before := f.LastChange(t)
	res := f.sync(t, run.Ask{})
	for _, c := range res.Plan.Changes {
		t.Errorf("%s plans to %s %s %s: %v -> %v (%s)", what, c.Op, c.Kind, c.Label, c.Old, c.Set, c.Why)
	}
	for _, w := range f.Tap.Writes() {
		t.Errorf("%s sends %v", what, w)
	}
	for _, c := range f.Changes(t, before) {
		t.Errorf("%s is in NetBox's change log: %v", what, c)
	}
	if n := len(f.Tap.Requests()); n > 55 {
		t.Errorf("%s sends %d requests", what, n)
	}
}
