package run

import (
	"context"
	"fmt"
	"slices"

	"proxbox/internal/desire"
	"proxbox/internal/domain"
	"proxbox/internal/plan"
	"proxbox/internal/settings"
)

// CustomFieldsKind is what a run that makes custom fields is called.
const CustomFieldsKind = "custom-fields"

// MakeCustomFields begins a run that makes those custom fields of release
// 0.0.15 of the plugin that NetBox does not have, or joins it. A plugin that
// keeps sync-state rows needs none, and gets none: the run is empty.
func (l *Launcher) MakeCustomFields(branch string) *Run {
	return l.Manager.Start(Job{Key: CustomFieldsKind + " " + branch, Kind: CustomFieldsKind, Urgent: true,
		Do: func(ctx context.Context, r *Run) (*Result, error) {
			return l.pass(ctx, r, true, func() (*Result, error) { return l.makeCustomFields(ctx, r, branch) })
		}})
}

func (l *Launcher) makeCustomFields(ctx context.Context, r *Run, branch string) (*Result, error) {
	nb, values, err := l.OpenNetBox(ctx, false, branch)
	if err != nil {
		return nil, err
	}
	defer nb.Close()
	caps, err := nb.Probe(ctx)
	if err != nil {
		return nil, err
	}
	res := &Result{ID: r.ID, Outcome: OutcomeCompleted, Started: l.Manager.now(), Desired: &desire.Desired{}}
	defer func() { res.Ended = l.Manager.now() }()
	if caps.SyncState {
		return res, nil
	}
	res.Desired.Objects = desire.CustomFields(caps.Plugin != "")
	inv := domain.NewInventory(caps.Release)
	table, err := nb.ReadTable(ctx, domain.KindCustomField, nil)
	if err != nil {
		return nil, fmt.Errorf("read NetBox: %w", err)
	}
	inv.Set(table)
	req := Request{ID: r.ID, NetBox: nb, Stage: FullUpdate, Flags: desire.DefaultFlags, Turn: r, Watch: r.Emit, Log: l.logger().With("run", r.ID),
		BatchSize: settings.BulkBatchSize.In(values), BatchDelay: settings.BulkBatchDelay.In(values)}
	res.Wanted = res.Desired.Objects
	if err := planAndWrite(ctx, req, res, inv, caps); err != nil {
		l.Memory.Forget()
		return nil, err
	}
	if slices.ContainsFunc(res.Reports, func(r plan.Report) bool { return r.Outcome == plan.Failed }) {
		res.Outcome = OutcomePartial
	}
	return res, nil
}
