package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"proxbox/internal/domain"
	"proxbox/internal/netbox"
	"proxbox/internal/plan"
	"proxbox/internal/proxmox"
	"proxbox/internal/run"
)

// requests counts what was sent.
type requests struct {
	netboxReads, netboxWrites, proxmox atomic.Int64
}

// countRequests lets the launcher count; it is called before it starts a run.
func countRequests(l *run.Launcher) *requests {
	var r requests
	l.ObserveNetBox = func(x netbox.Exchange) {
		if x.Method == "GET" || x.Method == "OPTIONS" || x.Method == "HEAD" {
			r.netboxReads.Add(1)
			return
		}
		r.netboxWrites.Add(1)
	}
	l.ObserveProxmox = func(proxmox.Exchange) { r.proxmox.Add(1) }
	return &r
}

// summary says how a run ended.
type summary struct {
	result *run.Result
	ask    run.Ask
	sent   *requests
}

func (s summary) text(p *program) error {
	res := s.result
	if s.ask.DryRun {
		if err := plan.WriteText(p.stdout, res.Plan.Show(res.Inventory)); err != nil {
			return err
		}
		if len(res.Plan.Changes) > 0 {
			fmt.Fprintln(p.stdout)
		}
	}
	if err := s.table(p); err != nil {
		return err
	}
	s.reports(p, plan.Conflict, "Conflicts, for a person to solve")
	s.reports(p, plan.Failed, "Failed")
	s.reports(p, plan.Skipped, "Skipped, for want of what they need")
	s.problems(p)
	took := res.Ended.Sub(res.Started).Round(10 * time.Millisecond)
	fmt.Fprintf(p.stdout, "Requests: %d reads and %d writes to NetBox, %d to Proxmox. Duration: %s.\n",
		s.sent.netboxReads.Load(), s.sent.netboxWrites.Load(), s.sent.proxmox.Load(), took)
	_, err := fmt.Fprintln(p.stdout, s.verdict())
	return err
}

// table lists what was written, or would be, and what was left as it is.
func (s summary) table(p *program) error {
	done := &plan.Plan{Changes: s.result.Done}
	if s.ask.DryRun {
		done = s.result.Plan
	}
	counts := done.Counts()
	unchanged := s.unchanged()
	kinds := slices.Collect(maps.Keys(unchanged))
	for k := range counts {
		if _, ok := unchanged[k]; !ok {
			kinds = append(kinds, k)
		}
	}
	slices.SortFunc(kinds, func(a, b domain.Kind) int { return strings.Compare(string(a), string(b)) })
	if len(kinds) == 0 {
		return nil
	}
	rows := [][]string{{"KIND", "CREATED", "UPDATED", "DELETED", "UNCHANGED"}}
	if s.ask.DryRun {
		rows = [][]string{{"KIND", "TO CREATE", "TO UPDATE", "TO DELETE", "UNCHANGED"}}
	}
	var total [4]int
	add := func(name string, n [4]int) {
		rows = append(rows, []string{name, strconv.Itoa(n[0]), strconv.Itoa(n[1]), strconv.Itoa(n[2]), strconv.Itoa(n[3])})
	}
	for _, k := range kinds {
		row := [4]int{counts[k][plan.Create], counts[k][plan.Update], counts[k][plan.Delete], unchanged[k]}
		for i, n := range row {
			total[i] += n
		}
		add(kindName(k), row)
	}
	add("all", total)
	writeTable(p.stdout, rows)
	_, err := fmt.Fprintln(p.stdout)
	return err
}

// writeTable writes rows with the first column to the left, the others, which
// are numbers, to the right.
func writeTable(w io.Writer, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		line := fmt.Sprintf("%-*s", widths[0], row[0])
		for i, cell := range row[1:] {
			line += fmt.Sprintf("  %*s", widths[i+1], cell)
		}
		fmt.Fprintln(w, line)
	}
}

// unchanged counts the wanted objects that NetBox has as they should be.
func (s summary) unchanged() map[domain.Kind]int {
	touched := map[domain.Ref]bool{}
	for _, c := range s.result.Plan.Changes {
		touched[domain.To(c.Kind, c.Key)] = true
	}
	out := map[domain.Kind]int{}
	stage := s.ask.Stage
	for ref := range s.result.Plan.Bound {
		if !touched[domain.To(ref.Kind, ref.Key)] && stage.Keeps(ref.Kind, ref.Key) {
			out[ref.Kind]++
		}
	}
	return out
}

func (s summary) reports(p *program, outcome plan.Outcome, title string) {
	var lines []string
	for _, r := range s.result.Reports {
		if r.Outcome != outcome {
			continue
		}
		line := r.Label
		if kind := kindName(r.Kind); !strings.HasPrefix(line, kind) {
			line = kind + " " + line
		}
		if r.Field != "" {
			line += ", " + r.Field
		}
		line += ": " + r.Reason
		if r.WayOut != "" {
			line += "\n    → " + r.WayOut
		}
		lines = append(lines, line)
	}
	list(p, title, lines)
}

func (s summary) problems(p *program) {
	var lines []string
	for _, problem := range s.result.Problems {
		line := problem.What + ": " + problem.Reason
		if problem.WayOut != "" {
			line += "\n    → " + problem.WayOut
		}
		lines = append(lines, line)
	}
	list(p, "Could not be read, and is left as it is", lines)
}

func list(p *program, title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(p.stdout, "%s (%d):\n", title, len(lines))
	for _, l := range lines {
		fmt.Fprintln(p.stdout, "  "+l)
	}
	fmt.Fprintln(p.stdout)
}

func (s summary) verdict() string {
	what := strings.ToUpper(s.ask.Stage.Title[:1]) + s.ask.Stage.Title[1:]
	if s.ask.DryRun {
		return fmt.Sprintf("%s planned: %s. Nothing was written.", what, count(len(s.result.Plan.Changes), "write"))
	}
	switch {
	case s.result.Outcome == run.OutcomePartial:
		return what + " partly done: what failed is listed above; all else is done."
	case len(s.result.Plan.Changes) == 0:
		return what + " completed: NetBox was up to date, nothing was written."
	}
	return what + " completed."
}
