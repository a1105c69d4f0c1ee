package server

import (
	"fmt"
	"strings"

	"proxbox/internal/domain"
	"proxbox/internal/plan"
	"proxbox/internal/run"
)

// translator turns what happens in a run into the events of the wire. It
// knows no clock and does no I/O.
type translator struct {
	ask     run.Ask
	runID   string
	step    string // of the stream: "full-update", or the stage's name
	subject string // what the messages are about
	stages  []wireStage
	started map[string]bool // stages of a full update that began
	errors  int             // error details that were sent
}

func newTranslator(ask run.Ask, runID string) *translator {
	t := &translator{ask: ask, runID: runID, step: ask.Stage.Name, started: map[string]bool{}}
	if t.full() {
		t.step, t.subject, t.stages = run.FullUpdate.Name, "Full update", fullStages(ask, nil)
		return t
	}
	w := stageOfWire(t.step)
	t.stages, t.subject = []wireStage{w}, titled(w.title)
	return t
}

func (t *translator) full() bool {
	return t.ask.Stage.Name == "" || t.ask.Stage.Name == run.FullUpdate.Name
}

// phase is the one that an object's events belong to.
func (t *translator) phase(kind domain.Kind, key domain.Key) wireStage {
	if !t.full() {
		return t.stages[0]
	}
	return phaseOf(kind, key)
}

// phaseName of the run as a whole.
func (t *translator) phaseName() string {
	if t.full() {
		return run.FullUpdate.Name
	}
	return t.stages[0].phaseName()
}

// begin is sent before anything happened.
func (t *translator) begin() []frame {
	if !t.full() {
		return []frame{{"step", stepData{Step: t.step, Status: "started", Message: fmt.Sprintf("Starting %s synchronization.", t.stages[0].title)}}}
	}
	items := make([]itemData, len(t.stages))
	for i, w := range t.stages {
		items[i] = itemData{Name: w.name, Type: "stage"}
	}
	return []frame{
		{"bootstrap_done", bootstrapData{OK: true, Skipped: true, Warnings: []string{}, Created: []string{}, Patched: []string{}, Unchanged: []string{},
			Reason: "What NetBox needs is part of the plan of the run."}},
		{"step", stepData{Step: "stream", Status: "started", Message: fmt.Sprintf("Full update stream connected (operation_id=%s)", t.runID)}},
		{"discovery", discoveryData{Event: "discovery", Phase: t.phaseName(), Status: "discovered", Count: len(items), Items: items,
			Message: fmt.Sprintf("Discovered %d stage(s) to synchronize", len(items)), Progress: progressOf(0, len(items)),
			Metadata: map[string]string{"operation_id": t.runID}}},
	}
}

// event is what happened in the run.
func (t *translator) event(e run.Event) []frame {
	switch {
	case e.Step != nil:
		return t.stepEvent(e.Step)
	case e.Object != nil:
		return t.objectEvent(e.Object)
	case e.Notice != nil:
		return t.notice(e.Notice)
	}
	return nil
}

func (t *translator) stepEvent(s *run.Step) []frame {
	message := bounded(s.Message)
	if s.Name == "wait" {
		return []frame{{"step", stepData{Step: t.step, Status: "progress", Message: message}}}
	}
	status := string(s.Status)
	if s.Status == run.Progress {
		status = "processing"
	}
	frames := []frame{{"substep", substepData{Event: "substep", Phase: t.phaseName(), Substep: strings.ReplaceAll(s.Name, " ", "_"), Status: status, Message: message}}}
	if s.Name != "plan" {
		return frames
	}
	if t.full() {
		t.stages = fullStages(t.ask, &run.Result{Wanted: s.Wanted})
	}
	for _, w := range t.stages {
		if f, ok := discovered(w, s.Wanted); ok || !t.full() {
			frames = append(frames, f)
		}
	}
	return frames
}

// discovered says what Proxmox has of a stage's objects; false for nothing.
func discovered(w wireStage, wanted []domain.Object) (frame, bool) {
	d := discoveryData{Event: "discovery", Phase: w.phaseName(), Status: "discovered", Items: []itemData{}}
	for _, o := range wanted {
		if !w.counts(o.Kind, o.Key) {
			continue
		}
		d.Count++
		if len(d.Items) < maxItems {
			d.Items = append(d.Items, itemOfObject(o.Kind, o.Label))
		}
	}
	d.Message = fmt.Sprintf("Discovered %d %s to synchronize", d.Count, w.title)
	d.Progress = progressOf(0, d.Count)
	return frame{"discovery", d}, d.Count > 0
}

func itemOfObject(kind domain.Kind, label string) itemData {
	_, model, _ := strings.Cut(string(kind), ".")
	return itemData{Name: bounded(label), ItemType: model}
}

// maxProgress is about how many objects of one run are told one by one.
const maxProgress = 1000

func (t *translator) objectEvent(o *run.Object) []frame {
	if o.Report == nil && o.Total > maxProgress && o.Done%((o.Total+maxProgress-1)/maxProgress) != 0 && o.Done != o.Total {
		return nil
	}
	w := t.phase(o.Kind, o.Key)
	var frames []frame
	if t.full() && !t.started[w.name] {
		frames = append(frames, t.stageStarted(w))
	}
	if o.Report != nil {
		if t.errors++; t.errors > maxErrors {
			return frames // the summaries count it
		}
	}
	d := itemProgressData{Event: "item_progress", Phase: w.phaseName(), Status: "completed", Item: itemOfObject(o.Kind, o.Label),
		Progress: progressOf(o.Done, o.Total)}
	if t.full() && o.Orphan {
		d.Phase = sweepPhase
	}
	if o.Report == nil {
		d.Operation, d.Message = itemOperation(o), itemMessage(o, d.Item.Name)
		return append(frames, frame{"item_progress", d})
	}
	text := bounded(reportText(o.Report))
	d.Message, d.Operation = text, "skipped"
	if o.Report.Outcome == plan.Failed {
		d.Status, d.Operation, d.Error = "failed", "failed", text
	} else {
		d.Warning = text
	}
	return append(frames, frame{"item_progress", d}, frame{"error_detail", errorDetailData{Event: "error_detail", Phase: d.Phase, Item: &d.Item,
		Category: ofReport(o.Report), Message: text, Suggestion: bounded(o.Report.WayOut)}})
}

func operationOf(op plan.Op) string {
	switch op {
	case plan.Create:
		return "created"
	case plan.Delete:
		return "deleted"
	}
	return "updated"
}

func (t *translator) notice(p *domain.Problem) []frame {
	if t.errors++; t.errors > maxErrors {
		return nil
	}
	return []frame{{"error_detail", errorDetailData{Event: "error_detail", Phase: t.phaseName(), Item: &itemData{Name: bounded(p.What)},
		Category: catUnknown, Message: bounded(p.What + ": " + p.Reason), Suggestion: bounded(p.WayOut)}}}
}

func (t *translator) stageStarted(w wireStage) frame {
	t.started[w.name] = true
	return frame{"step", stepData{Step: w.name, Status: "started", Message: fmt.Sprintf("Starting %s synchronization.", w.title)}}
}

// end is sent when the run has ended; "complete" is its last.
func (t *translator) end(res *run.Result, err error) []frame {
	if err != nil {
		return t.failed(err)
	}
	if t.full() {
		t.stages = fullStages(t.ask, res)
	}
	all := tallies(t.stages, res)
	var frames []frame
	for _, s := range all {
		if t.full() && !t.started[s.name] {
			frames = append(frames, t.stageStarted(s.wireStage))
		}
		frames = append(frames,
			frame{"phase_summary", phaseSummaryData{Event: "phase_summary", Phase: s.phaseName(), Status: s.status(), Result: s.summary,
				Message: fmt.Sprintf("%s sync completed: %d created, %d updated, %d deleted, %d failed, %d skipped", titled(s.title),
					s.summary.Created, s.summary.Updated, s.summary.Deleted, s.summary.Failed, s.summary.Skipped)}},
			frame{"step", stepData{Step: s.name, Status: "completed", Message: fmt.Sprintf("%s synchronization finished.", titled(s.title)), Result: s.streamed()}})
	}
	if f, ok := t.swept(res); ok {
		frames = append(frames, f)
	}
	done := completeData{OK: true, Errors: errorItems(res), Message: fmt.Sprintf("%s sync completed.", t.subject)}
	if n := len(res.Reports); n > 0 {
		done.Message = fmt.Sprintf("%s sync completed; %d object(s) could not be done, errors says which.", t.subject, n)
	}
	if t.full() {
		done.Result = fullResultOf(t.ask, res, all)
	} else {
		done.Result = all[0].streamed()
	}
	return append(frames, frame{"complete", done})
}

// failed ends a run that could not read its endpoint or NetBox at all, or was
// stopped.
func (t *translator) failed(err error) []frame {
	text := bounded(err.Error())
	message := fmt.Sprintf("Error while syncing %s.", strings.ToLower(t.subject[:1])+t.subject[1:])
	return []frame{
		{"error_detail", errorDetailData{Event: "error_detail", Phase: t.phaseName(), Category: categoryOf(err), Message: message, Detail: text}},
		{"error", errorData{Step: t.step, Status: "failed", Error: message, Detail: text}},
		{"complete", completeData{OK: false, Message: message, Errors: []errorItem{{Detail: text}}}},
	}
}

func titled(title string) string { return strings.ToUpper(title[:1]) + title[1:] }
