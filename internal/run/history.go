package run

import (
	"context"
	"encoding/json"
	"time"

	"proxbox/internal/domain"
	"proxbox/internal/plan"
	"proxbox/internal/store"
)

// History keeps the records of runs; store.Runs is one.
type History interface {
	Insert(ctx context.Context, run store.Run) error
	Update(ctx context.Context, run store.Run) error
}

// The states of a run's record beside its outcomes.
const (
	StateRunning     = "running"
	StateCancelled   = "cancelled"
	StateInterrupted = "interrupted" // the process ended before the run did
)

// Report is a run's record as it is kept and shown.
type Report struct {
	Created   int                             `json:"created"`
	Updated   int                             `json:"updated"`
	Deleted   int                             `json:"deleted"`
	Unchanged int                             `json:"unchanged"`
	Kinds     map[domain.Kind]map[plan.Op]int `json:"kinds,omitempty"`
	Reports   []plan.Report                   `json:"reports,omitempty"`
	Problems  []domain.Problem                `json:"problems,omitempty"`
	Error     string                          `json:"error,omitempty"`
}

// Report sums a result up.
func (r *Result) Report() Report {
	if r == nil {
		return Report{}
	}
	out := Report{Created: r.Created, Updated: r.Updated, Deleted: r.Deleted, Reports: r.Reports, Problems: r.Problems}
	if r.Plan != nil {
		out.Unchanged, out.Kinds = r.Plan.Unchanged, r.Plan.Counts()
	}
	return out
}

func (l *Launcher) begin(ctx context.Context, r *Run, ask Ask) {
	r.mu.Lock()
	r.diary = newDiary(l.logger(), r)
	r.mu.Unlock()
	if l.History == nil {
		return
	}
	scope, err := json.Marshal(map[string]any{"endpoints": ask.Endpoints, "guests": ask.Guests, "flags": ask.Query, "dry_run": ask.DryRun})
	if err == nil {
		err = l.History.Insert(ctx, store.Run{ID: r.ID, Kind: r.Kind, Scope: scope, State: StateRunning, Started: r.Started})
	}
	if err != nil {
		l.logger().Error("the run is not recorded", "run", r.ID, "error", err)
	}
}

// end records how a run ended. A record that cannot be written costs the run
// nothing.
func (l *Launcher) end(ctx context.Context, r *Run, res *Result, runErr error) {
	log := l.logger().With("run", r.ID, "kind", r.Kind)
	report := res.Report()
	state := string(OutcomeFailed)
	switch {
	case runErr != nil:
		report.Error = runErr.Error()
		if stopped(runErr) {
			state = StateCancelled
		}
		log.Error("the run failed", "error", runErr)
	default:
		state = string(res.Outcome)
		log.Info("the run ended", "outcome", state, "created", res.Created, "updated", res.Updated, "deleted", res.Deleted,
			"unchanged", report.Unchanged, "reports", len(res.Reports))
	}
	if l.History == nil {
		return
	}
	raw, err := json.Marshal(report)
	if err == nil {
		var counts []byte
		if counts, err = json.Marshal(report.Kinds); err == nil {
			err = l.History.Update(ctx, store.Run{ID: r.ID, State: state, Ended: time.Now(), Counts: counts, Report: raw})
		}
	}
	if err != nil {
		log.Error("the end of the run is not recorded", "error", err)
	}
}
