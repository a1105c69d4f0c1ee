package run

import (
	"context"
	"log/slog"
	"strings"

	"proxbox/internal/domain"
	"proxbox/internal/plan"
)

// maxLogged is how many objects and problems of one run are logged one by one;
// all of them are in the run's record.
const maxLogged = 200

// diary logs what happens in a run, so that the log of it can be read from its
// beginning on.
type diary struct {
	log   *slog.Logger // of the run
	lines int
}

func newDiary(log *slog.Logger, r *Run) *diary {
	return &diary{log: log.With("run", r.ID, "kind", r.Kind)}
}

// note logs an event. One of an object that was written is only for who looks
// for it.
func (d *diary) note(e Event) {
	switch {
	case e.Step != nil:
		level := slog.LevelInfo
		switch e.Step.Status {
		case Started, Progress:
			if e.Step.Name != "wait" {
				level = slog.LevelDebug
			}
		case Broken:
			level = slog.LevelWarn
		}
		d.log.Log(context.Background(), level, e.Step.Message, "phase", e.Step.Name)
	case e.Object != nil && e.Object.Report != nil:
		r := e.Object.Report
		level := slog.LevelWarn
		if r.Outcome == plan.Failed {
			level = slog.LevelError
		}
		d.one(level, "not written", "reason", r.Reason, "phase", "apply", "resource_type", model(r.Kind), "resource_id", r.Label,
			"outcome", string(r.Outcome), "field", r.Field, "way_out", r.WayOut)
	case e.Object != nil && !e.Object.Would && d.log.Enabled(context.Background(), slog.LevelDebug):
		o := e.Object
		d.log.Debug("written", "op", string(o.Op), "phase", "apply", "resource_type", model(o.Kind), "resource_id", o.Label)
	case e.Notice != nil:
		d.one(slog.LevelWarn, e.Notice.Reason, "of", e.Notice.What, "way_out", e.Notice.WayOut)
	}
}

// one logs one of many.
func (d *diary) one(level slog.Level, message string, args ...any) {
	switch d.lines++; {
	case d.lines <= maxLogged:
		d.log.Log(context.Background(), level, message, args...)
	case d.lines == maxLogged+1:
		d.log.Warn("what else could not be done is in the record of the run alone")
	}
}

// model is the name of a kind in NetBox without its app.
func model(kind domain.Kind) string {
	_, name, _ := strings.Cut(string(kind), ".")
	return name
}
