package server

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"proxbox/internal/domain"
	"proxbox/internal/plan"
	"proxbox/internal/run"
)

// TestSweepOnTheWire: what is gone has its own phase, a step that sums it up
// and a place in the result; a dry run says what would be deleted.
func TestSweepOnTheWire(t *testing.T) {
	gone := func(op plan.Op, would bool) run.Event {
		return run.Event{Object: &run.Object{Op: op, Kind: domain.KindVirtualMachine, Key: "c1/qemu/100/gone/7", Label: "qemu 100 (web)",
			Orphan: true, Would: would, Done: 1, Total: 1}}
	}
	for _, c := range []struct {
		event   run.Event
		says    string
		message string
	}{
		{gone(plan.Update, false), "sweep_orphans updated", "Marked qemu 100 (web) as gone"},
		{gone(plan.Delete, false), "sweep_orphans deleted", "Deleted qemu 100 (web)"},
		{gone(plan.Update, true), "sweep_orphans would_delete", "Would mark qemu 100 (web) as gone"},
		{gone(plan.Delete, true), "sweep_orphans would_delete", "Would delete qemu 100 (web)"},
		{run.Event{Object: &run.Object{Op: plan.Delete, Kind: domain.KindVirtualDisk, Key: "c1/qemu/100", Label: "scsi0", Would: true, Done: 1, Total: 1}},
			"virtual-disks would_delete", "Would delete scsi0"},
	} {
		tr := newTranslator(run.Ask{DryRun: c.event.Object.Would}, "run")
		frames := tr.event(c.event)
		d, ok := frames[len(frames)-1].data.(itemProgressData)
		if got := d.Phase + " " + d.Operation; !ok || got != c.says || d.Message != c.message {
			t.Errorf("%q, %q; want %q, %q", got, d.Message, c.says, c.message)
		}
	}

	tr := newTranslator(run.Ask{}, "run")
	frames := tr.end(&run.Result{Outcome: run.OutcomeCompleted, Plan: &plan.Plan{}, Sweep: &run.Sweep{Marked: 2, Deleted: 1}}, nil)
	if !slices.ContainsFunc(frames, func(f frame) bool {
		d, ok := f.data.(stepData)
		return ok && d.Step == "sweep-orphans" && d.Status == "completed"
	}) {
		t.Error("there is no step sweep-orphans")
	}
	raw, err := json.Marshal(frames[len(frames)-1].data)
	if err != nil || !strings.Contains(string(raw), `"orphan_sweep":{"dry_run":false,"marked":2,"deleted":1,"kept":0}`) {
		t.Errorf("complete is %s, %v", raw, err)
	}
	frames = tr.end(&run.Result{Outcome: run.OutcomeCompleted, Plan: &plan.Plan{}}, nil)
	if raw := fmt.Sprint(frames); strings.Contains(raw, "sweep") {
		t.Errorf("nothing was swept, and it says %s", raw)
	}
}
