package server

import (
	"strings"

	"proxbox/internal/plan"
	"proxbox/internal/run"
)

// The phase and the step of what is done about guests, nodes and storages that
// are gone.
const (
	sweepPhase = "sweep_orphans"
	sweepStep  = "sweep-orphans"
)

// OrphanSweep is what became of guests, nodes and storages that are gone.
type OrphanSweep struct {
	DryRun  bool `json:"dry_run"`
	Marked  int  `json:"marked" doc:"With the status decommissioning and the tag proxbox-soft-deleted"`
	Deleted int  `json:"deleted" doc:"That were marked long enough ago"`
	Kept    int  `json:"kept" doc:"Because somebody uses them in NetBox, or because there were too many"`
}

func sweepOf(ask run.Ask, res *run.Result) *OrphanSweep {
	if res.Sweep == nil {
		return nil
	}
	return &OrphanSweep{DryRun: ask.DryRun, Marked: res.Sweep.Marked, Deleted: res.Sweep.Deleted, Kept: res.Sweep.Kept}
}

// swept is the step that sums it up, of a full update; false when there is none.
func (t *translator) swept(res *run.Result) (frame, bool) {
	if !t.full() || res.Sweep == nil {
		return frame{}, false
	}
	return frame{"step", stepData{Step: sweepStep, Status: "completed", Message: "What is gone in Proxmox was looked after.", Result: sweepOf(t.ask, res)}}, true
}

// itemOperation names what was done to an object, or would be: a dry run shows
// what would be removed, and what would be marked as gone.
func itemOperation(o *run.Object) string {
	if o.Would {
		return "would_delete"
	}
	return operationOf(o.Op)
}

func itemMessage(o *run.Object, name string) string {
	switch {
	case o.Would && o.Op != plan.Delete:
		return "Would mark " + name + " as gone"
	case o.Would:
		return "Would delete " + name
	case o.Orphan && o.Op != plan.Delete:
		return "Marked " + name + " as gone"
	}
	done := operationOf(o.Op)
	return strings.ToUpper(done[:1]) + done[1:] + " " + name
}
