package run

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"proxbox/internal/domain"
	"proxbox/internal/plan"
)

func TestDiary(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelInfo, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	d := newDiary(log, &Run{ID: "r-1", Kind: "devices"})
	for _, e := range []Event{
		{Step: &Step{Name: "wait", Status: Progress, Message: "Waiting for another"}},
		{Step: &Step{Name: "read netbox", Status: Started, Message: "Reading"}},
		{Step: &Step{Name: "read netbox", Status: Completed, Message: "NetBox is read"}},
		{Step: &Step{Name: "read proxmox", Status: Broken, Message: "pve1 is away"}},
		{Object: &Object{Kind: domain.KindDevice, Label: "node pve1"}},
		{Object: &Object{Kind: domain.KindDevice, Report: &plan.Report{Outcome: plan.Conflict, Kind: domain.KindDevice, Label: "node pve2", Field: "name", Reason: "taken"}}},
		{Object: &Object{Kind: domain.KindDevice, Report: &plan.Report{Outcome: plan.Failed, Kind: domain.KindDevice, Label: "node pve3", Reason: "refused", WayOut: "ask"}}},
		{Notice: &domain.Problem{What: "guest 100", Reason: "no agent", WayOut: "start it"}},
	} {
		d.note(e)
	}
	want := `level=INFO msg="Waiting for another" run=r-1 kind=devices phase=wait
level=INFO msg="NetBox is read" run=r-1 kind=devices phase="read netbox"
level=WARN msg="pve1 is away" run=r-1 kind=devices phase="read proxmox"
level=WARN msg="not written" run=r-1 kind=devices reason=taken phase=apply resource_type=device resource_id="node pve2" outcome=conflict field=name way_out=""
level=ERROR msg="not written" run=r-1 kind=devices reason=refused phase=apply resource_type=device resource_id="node pve3" outcome=failed field="" way_out=ask
level=WARN msg="no agent" run=r-1 kind=devices of="guest 100" way_out="start it"
`
	if got := out.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	for i := range 2 * maxLogged {
		d.note(Event{Notice: &domain.Problem{Reason: fmt.Sprint("number ", i)}})
	}
	if n := strings.Count(out.String(), "number "); n != maxLogged-3 || !strings.HasSuffix(out.String(), "is in the record of the run alone\" run=r-1 kind=devices\n") {
		t.Errorf("%d of %d lines: %s", n, 2*maxLogged, out.String()[out.Len()-200:])
	}
}
