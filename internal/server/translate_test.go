package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"proxbox/internal/domain"
	"proxbox/internal/plan"
	"proxbox/internal/run"
)

// written is what a client gets of frames.
func written(t testing.TB, frames []frame) string {
	t.Helper()
	w := httptest.NewRecorder()
	stream := newEventStream(w)
	stream.send(frames...)
	if stream.err != nil {
		t.Fatal(stream.err)
	}
	return w.Body.String()
}

func virtualMachines(t testing.TB) run.Ask {
	t.Helper()
	stage, err := run.StageNamed("virtual-machines")
	if err != nil {
		t.Fatal(err)
	}
	return run.Ask{Stage: stage}
}

// Every kind of event, with what became of an object in each way.
func TestTranslation(t *testing.T) {
	conflict := plan.Report{Outcome: plan.Conflict, Kind: domain.KindIPAddress, Key: "c1/qemu/100/net0/10.0.0.1", Label: "qemu 100 (web) net0 10.0.0.1/24",
		Field: "address", Reason: "is on interface eth0 of device sw1", WayOut: "free it in NetBox"}
	failed := plan.Report{Outcome: plan.Failed, Kind: domain.KindVirtualMachine, Key: "c1/qemu/101", Label: "qemu 101 (db)", Field: "name", Reason: "too long"}
	skipped := plan.Report{Outcome: plan.Skipped, Kind: domain.KindVirtualDisk, Key: "c1/qemu/101/scsi0", Label: "qemu 101 (db) scsi0", Reason: "needs qemu 101 (db)"}
	problem := domain.Problem{What: "node pve2", Reason: "595 No route to host", WayOut: "start it"}
	wanted := []domain.Object{
		{Kind: domain.KindVirtualMachine, Key: "c1/qemu/100", Label: "qemu 100 (web)"},
		{Kind: domain.KindVirtualMachine, Key: "c1/qemu/101", Label: "qemu 101 (db)"},
		{Kind: domain.KindIPAddress, Key: "c1/qemu/100/net0/10.0.0.1", Label: "qemu 100 (web) net0 10.0.0.1/24"},
		{Kind: domain.KindIPAddress, Key: "c1/node/pve1/vmbr0/10.0.0.9", Label: "node pve1 vmbr0 10.0.0.9/24"},
		{Kind: domain.KindVirtualDisk, Key: "c1/qemu/101/scsi0", Label: "qemu 101 (db) scsi0"},
	}
	events := []run.Event{
		{Step: &run.Step{Name: "wait", Status: run.Progress, Message: "Waiting for the devices run 1"}},
		{Step: &run.Step{Name: "read netbox", Status: run.Started, Message: "Reading what NetBox has"}},
		{Notice: &problem},
		{Step: &run.Step{Name: "plan", Status: run.Completed, Message: "planned", Wanted: wanted}},
		{Object: &run.Object{Kind: conflict.Kind, Key: conflict.Key, Label: conflict.Label, Report: &conflict}},
		{Object: &run.Object{Op: plan.Create, Kind: domain.KindVirtualMachine, Key: "c1/qemu/100", Label: "qemu 100 (web)", Done: 1, Total: 3}},
		{Object: &run.Object{Op: plan.Create, Kind: failed.Kind, Key: failed.Key, Label: failed.Label, Report: &failed, Done: 2, Total: 3}},
		{Object: &run.Object{Op: plan.Create, Kind: skipped.Kind, Key: skipped.Key, Label: skipped.Label, Report: &skipped, Done: 3, Total: 3}},
		{},
	}
	res := &run.Result{ID: "run", Outcome: run.OutcomePartial, Created: 1, Wanted: wanted, Reports: []plan.Report{conflict, failed, skipped},
		Problems: []domain.Problem{problem}, Plan: &plan.Plan{Unchanged: 4, Bound: map[domain.Ref]int{
			domain.To(domain.KindIPAddress, "c1/qemu/100/net0/10.0.0.1"): 7, domain.To(domain.KindIPAddress, "c1/node/pve1/vmbr0/10.0.0.9"): 8}},
		Done: []plan.Change{{Op: plan.Create, Kind: domain.KindVirtualMachine, Key: "c1/qemu/100", ID: 5}}}
	for name, ask := range map[string]run.Ask{"translation-full-update": {}, "translation-stage": virtualMachines(t)} {
		tr := newTranslator(ask, "run")
		frames := tr.begin()
		for _, e := range events {
			frames = append(frames, tr.event(e)...)
		}
		frames = append(frames, tr.end(res, nil)...)
		golden(t, "wire/"+name+".sse", []byte(written(t, frames)))
		frames = append(newTranslator(ask, "run").begin(), newTranslator(ask, "run").end(nil, errors.New("read NetBox: token=abcdefgh was refused"))...)
		golden(t, "wire/"+name+"-failed.sse", []byte(written(t, frames)))
	}
}

// However large a run is, what is told of it is bounded, and its end is told.
func TestStreamsAreBounded(t *testing.T) {
	const n = 10_000
	tr := newTranslator(run.Ask{}, "run")
	res := &run.Result{ID: "run", Outcome: run.OutcomePartial}
	frames := tr.begin()
	for i := range n {
		key := domain.Key(fmt.Sprintf("c1/qemu/%d", i))
		o := &run.Object{Op: plan.Update, Kind: domain.KindVirtualMachine, Key: key, Label: strings.Repeat("é", 2000), Done: i + 1, Total: n}
		if i%2 == 0 {
			o.Report = &plan.Report{Outcome: plan.Failed, Kind: o.Kind, Key: key, Label: o.Label, Reason: strings.Repeat("ü", 2000), WayOut: strings.Repeat("x", 2000)}
			res.Reports = append(res.Reports, *o.Report)
		}
		res.Wanted = append(res.Wanted, domain.Object{Kind: o.Kind, Key: key, Label: o.Label})
		frames = append(frames, tr.event(run.Event{Object: o})...)
		frames = append(frames, tr.event(run.Event{Notice: &domain.Problem{What: "w", Reason: "r"}})...)
	}
	frames = append(frames, tr.event(run.Event{Step: &run.Step{Name: "plan", Status: run.Completed, Wanted: res.Wanted}})...)
	frames = append(frames, tr.end(res, nil)...)
	if len(frames) > 1500 {
		t.Errorf("%d events", len(frames))
	}
	if size := len(written(t, frames)); size > 5_000_000 {
		t.Errorf("%d bytes", size)
	}
	last := frames[len(frames)-1].data.(completeData)
	if len(last.Errors) != maxErrors || !last.OK {
		t.Errorf("complete: %t with %d errors", last.OK, len(last.Errors))
	}
}

// Whatever a text is, it goes through as one line of JSON, and no longer than
// it may be.
func TestAnyTextIsOneFrame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		got := bounded(strings.Repeat(text, rapid.IntRange(1, 50).Draw(t, "times")))
		if len(got) > maxText+len("…") {
			t.Fatalf("%d bytes", len(got))
		}
		var b bytes.Buffer
		w := httptest.NewRecorder()
		stream := newEventStream(w)
		stream.send(frame{"step", stepData{Step: "s", Message: got}})
		b.Write(w.Body.Bytes())
		lines := strings.Split(b.String(), "\n")
		if len(lines) != 4 || lines[0] != "event: step" || lines[2] != "" || lines[3] != "" {
			t.Fatalf("lines %q", lines)
		}
		if !json.Valid([]byte(strings.TrimPrefix(lines[1], "data: "))) {
			t.Fatalf("no JSON: %q", lines[1])
		}
	})
}

func FuzzIDs(f *testing.F) {
	for _, seed := range []string{"1", "1,2", "", ",", "1,,2", "0", "-1", "1e3", " 3 , 4 ", "99999999999999999999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ids(map[string][]string{"netbox_vm_ids": {text}}, "netbox_vm_ids")
		if err == nil && (len(got) == 0 || len(got) > maxIDs) {
			t.Errorf("%q is %d ids", text, len(got))
		}
		for i, id := range got {
			if id < 1 || i > 0 && id <= got[i-1] {
				t.Errorf("%q is %v", text, got)
			}
		}
		var ours *Error
		if err != nil && (!errors.As(err, &ours) || ours.status != 422) {
			t.Errorf("%q: %v", text, err)
		}
	})
}
