package proxmox

import (
	"context"
	"errors"
	"slices"
	"testing"
)

// TestGate: only answers in a row that blame the node cut it off.
func TestGate(t *testing.T) {
	down := &StatusError{Code: 595}
	slow := &StatusError{Code: 596}
	no := &StatusError{Code: 500, Reason: "got no worker upid"}
	late := &TimeoutError{}
	for name, tt := range map[string]struct {
		answers []error
		patient bool
		shut    bool
	}{
		"unreachable":                   {[]error{down, down, down}, false, true},
		"not yet":                       {[]error{down, down}, false, false},
		"an answer between":             {[]error{down, down, nil, down, down}, false, false},
		"a refusal is an answer":        {[]error{down, down, no, down, down}, false, false},
		"in several ways":               {[]error{late, slow, errors.New("connection reset")}, false, true},
		"slow agents":                   {[]error{late, slow, late, slow}, true, false},
		"agents on an unreachable node": {[]error{down, down, down}, true, true},
		"silent agents":                 {slices.Repeat([]error{no}, 9), true, false},
	} {
		g := newGate("pve1", 1)
		for _, answer := range tt.answers {
			err := g.do(t.Context(), tt.patient, func(context.Context) error { return answer })
			if !errors.Is(err, answer) && answer != nil || answer == nil && err != nil {
				t.Errorf("%s: %v became %v", name, answer, err)
			}
		}
		asked := false
		err := g.do(t.Context(), tt.patient, func(context.Context) error { asked = true; return nil })
		if asked == tt.shut || errors.Is(err, errNodeDown) != tt.shut {
			t.Errorf("%s: asked is %t, %v", name, asked, err)
		}
		if _, bad := g.problem(); bad != slices.ContainsFunc(tt.answers, func(err error) bool {
			return errors.Is(err, down) || !tt.patient && err != nil && !errors.Is(err, no)
		}) {
			t.Errorf("%s: there is a problem: %t", name, bad)
		}
	}
}

// TestGateGivenUp: who gives up waiting for the node asks nothing.
func TestGateGivenUp(t *testing.T) {
	g := newGate("pve1", 1)
	g.slots <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := g.do(ctx, false, func(context.Context) error { t.Error("asked"); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	<-g.slots
	err = g.do(ctx, false, func(context.Context) error { return &StatusError{Code: 595} })
	if _, bad := g.problem(); !errors.Is(err, context.Canceled) || bad {
		t.Errorf("%v, a problem: %t", err, bad)
	}
}
