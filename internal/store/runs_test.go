package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRuns(t *testing.T) {
	r := open(t, t.TempDir()).Runs()
	run := Run{ID: "r1", Kind: "full-update", Scope: json.RawMessage(`{"endpoints":[1]}`), State: "running", Started: noon}
	if err := r.Insert(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	if err := r.Insert(t.Context(), run); err == nil {
		t.Error("one id, two runs")
	}
	if got, err := r.Get(t.Context(), "r1"); err != nil || cmp.Diff(run, got) != "" {
		t.Errorf("%v (-want +got):\n%s", err, cmp.Diff(run, got))
	}
	run.State, run.Ended = "completed", noon.Add(time.Minute)
	run.Counts, run.Report = json.RawMessage(`{"created":3}`), json.RawMessage(`[{"kind":"dcim.device"}]`)
	if err := r.Update(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	if got, err := r.Get(t.Context(), "r1"); err != nil || cmp.Diff(run, got) != "" {
		t.Errorf("%v (-want +got):\n%s", err, cmp.Diff(run, got))
	}
	open := Run{ID: "r2", Kind: "stage", State: "running", Started: noon.Add(time.Hour)}
	if err := r.Insert(t.Context(), open); err != nil {
		t.Fatal(err)
	}
	listed := run
	listed.Report = nil
	runs, total, err := r.List(t.Context(), 10, 0)
	if diff := cmp.Diff([]Run{open, listed}, runs); err != nil || total != 2 || diff != "" {
		t.Errorf("%d, %v (-want +got):\n%s", total, err, diff)
	}
	runs, total, err = r.List(t.Context(), 10, 1)
	if diff := cmp.Diff([]Run{listed}, runs); err != nil || total != 2 || diff != "" {
		t.Errorf("%d, %v (-want +got):\n%s", total, err, diff)
	}
	if n, err := r.Interrupt(t.Context(), "interrupted", noon.Add(2*time.Hour)); err != nil || n != 1 {
		t.Errorf("Interrupt = %d, %v; want 1", n, err)
	}
	if got, err := r.Get(t.Context(), "r2"); err != nil || got.State != "interrupted" || !got.Ended.Equal(noon.Add(2*time.Hour)) {
		t.Errorf("%+v, %v", got, err)
	}
	for name, err := range map[string]error{"Get": second(r.Get(t.Context(), "no")), "Update": r.Update(t.Context(), Run{ID: "no"})} {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("%s = %v; want ErrNotFound", name, err)
		}
	}
}

func TestOldRunsAreForgotten(t *testing.T) {
	s := open(t, t.TempDir())
	r := s.Runs()
	if err := r.Insert(t.Context(), Run{ID: "still running", Started: noon.Add(-time.Hour)}); err != nil {
		t.Fatal(err)
	}
	for i := range runHistory + 5 {
		at := noon.Add(time.Duration(i) * time.Second)
		if err := r.Insert(t.Context(), Run{ID: fmt.Sprint(i), Started: at, Ended: at}); err != nil {
			t.Fatal(err)
		}
	}
	_, total, err := r.List(t.Context(), 1, 0)
	if err != nil || total != runHistory+1 {
		t.Errorf("%d runs, %v; want %d", total, err, runHistory+1)
	}
	if _, err := r.Get(t.Context(), "still running"); err != nil {
		t.Errorf("an unfinished run was forgotten: %v", err)
	}
}
