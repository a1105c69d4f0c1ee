package server

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"proxbox/internal/domain"
	"proxbox/internal/plan"
	"proxbox/internal/run"
)

// The bounds of what one answer holds.
const (
	maxErrors = 100
	maxItems  = 100 // of those that are only named
	maxText   = 1000
)

// bounded is a text that may be sent: without secrets and not endless.
func bounded(text string) string {
	text = clean(cut(text, 8*maxText))
	if len(text) <= maxText {
		return text
	}
	return cut(text, maxText) + "…"
}

// cut takes at most n bytes, and whole characters.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

// tally is what became of the objects of one stage.
type tally struct {
	wireStage
	summary   summaryData
	stale     int // rows that were updated to say so
	conflicts int
	wanted    []domain.Object // of the kind that is counted
	undone    map[domain.Ref]bool
	ids       map[domain.Ref]int // in NetBox, of all stages
}

// done are the objects that are counted and that NetBox has as they should be.
func (t *tally) done() []listed {
	out := []listed{}
	for _, o := range t.wanted {
		if t.isDone(o) {
			out = append(out, listed{t.ids[domain.To(o.Kind, o.Key)], o.Label})
		}
	}
	return out
}

func (t *tally) isDone(o domain.Object) bool {
	ref := domain.To(o.Kind, o.Key)
	return t.ids[ref] != 0 && !t.undone[ref]
}

// listed is an object of NetBox.
type listed struct {
	ID   int    `json:"id" doc:"In NetBox"`
	Name string `json:"name" doc:"As Proxmox has it"`
}

func (t *tally) status() string {
	if t.summary.Failed+t.summary.Skipped > 0 {
		return "completed_with_errors"
	}
	return "completed"
}

// tallies sorts what a run did by stage. For a run of one stage everything
// belongs to it.
func tallies(stages []wireStage, res *run.Result) []*tally {
	all := make([]*tally, len(stages))
	for i, w := range stages {
		all[i] = &tally{wireStage: w, undone: map[domain.Ref]bool{}}
	}
	of := func(kind domain.Kind, key domain.Key) *tally {
		if len(all) == 1 {
			return all[0]
		}
		name := phaseOf(kind, key).name
		return all[slices.IndexFunc(all, func(t *tally) bool { return t.name == name })]
	}
	if res == nil {
		return all
	}
	ids := map[domain.Ref]int{}
	if res.Plan != nil {
		maps.Copy(ids, res.Plan.Bound)
	}
	seen := map[domain.Ref]bool{}
	for _, c := range res.Done {
		t := of(c.Kind, c.Key)
		s := &t.summary
		ref := domain.Ref{Kind: c.Kind, Key: c.Key, ID: c.ID}
		switch {
		case c.Op == plan.Delete:
			s.Deleted++
		case c.Op == plan.Create:
			s.Created++
		case !seen[ref]:
			s.Updated++
			if t.counts(c.Kind, c.Key) && c.Set["status"] == "stale" {
				t.stale++
			}
		}
		seen[ref] = true
		if c.ID != 0 && c.Op != plan.Delete {
			ids[domain.To(c.Kind, c.Key)] = c.ID
		}
	}
	for _, r := range res.Reports {
		t := of(r.Kind, r.Key)
		t.undone[domain.To(r.Kind, r.Key)] = true
		switch r.Outcome {
		case plan.Failed:
			t.summary.Failed++
		case plan.Conflict:
			t.conflicts++
			t.summary.Skipped++
		default:
			t.summary.Skipped++
		}
	}
	for _, t := range all {
		t.ids = ids
		s := &t.summary
		s.Total = s.Created + s.Updated + s.Deleted + s.Failed + s.Skipped
		for _, o := range res.Wanted {
			if t.counts(o.Kind, o.Key) {
				t.wanted = append(t.wanted, o)
			}
		}
	}
	return all
}

// errorItems are the objects that were not done, the failed ones first.
func errorItems(res *run.Result) []errorItem {
	if res == nil {
		return nil
	}
	var items []errorItem
	for _, outcome := range []plan.Outcome{plan.Failed, plan.Conflict, plan.Skipped} {
		for _, r := range res.Reports {
			if r.Outcome == outcome && len(items) < maxErrors {
				items = append(items, showReport(&r))
			}
		}
	}
	return items
}

func showReport(r *plan.Report) errorItem {
	item := errorItem{Detail: bounded(reportText(r)), Outcome: string(r.Outcome), Item: bounded(r.Label), Field: r.Field, Suggestion: bounded(r.WayOut)}
	if r.Kind != "" {
		item.Phase = phaseOf(r.Kind, r.Key).phaseName()
	}
	return item
}

// reportText is a report in one sentence.
func reportText(r *plan.Report) string {
	text := r.Reason
	if r.Field != "" && !strings.Contains(text, r.Field) {
		text = r.Field + ": " + text
	}
	if r.Label != "" && !strings.Contains(text, r.Label) {
		text = r.Label + ": " + text
	}
	return text
}

// warnings are what was noticed and cost no object.
func warnings(res *run.Result) []string {
	out := []string{}
	if res == nil {
		return out
	}
	reported := map[string]bool{}
	for _, r := range res.Reports {
		reported[r.Reason] = true
	}
	for _, p := range res.Problems {
		if len(out) == maxErrors {
			break
		}
		if !reported[p.Reason] {
			out = append(out, bounded(problemText(p)))
		}
	}
	return out
}

func problemText(p domain.Problem) string {
	text := p.What + ": " + p.Reason
	if p.WayOut != "" {
		text += "; " + p.WayOut
	}
	return text
}
