package apply_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"

	"proxbox/internal/apply"
	netboxsim "proxbox/internal/sim/netbox"
)

// TestLostAnswerTakesNothingForeign: what was in NetBox before the write whose
// answer was lost is not what that write made, though its name is the same.
func TestLostAnswerTakesNothingForeign(t *testing.T) {
	for name, fault := range map[string]netboxsim.Fault{"before": {Cut: true}, "after": {LoseAnswer: true}} {
		t.Run(name, func(t *testing.T) {
			e := newEngine(t, netboxsim.NetBox47)
			s := estate(1, "lab")
			e.pluginRows(t, s)
			e.mustSync(t, s)
			tenant := e.seed(t, "tenancy.tenant", fields{"name": "customer", "slug": "customer"})[0]
			cluster := e.nb.Objects("virtualization.cluster")[0]["id"]
			foreign := e.seed(t, "virtualization.virtualmachine", fields{"name": "shop", "cluster": cluster, "tenant": tenant, "status": "active"})[0]

			g := guest(1, 208, "pve1")
			g.Name = "shop"
			s.Guests = append(s.Guests, g)
			var lost atomic.Bool
			e.nb.SetFault(func(r *http.Request) *netboxsim.Fault {
				if writes(r, http.MethodPost, "virtual-machines") && lost.CompareAndSwap(false, true) {
					return &fault
				}
				return nil
			})
			e.mustSync(t, s)
			if !lost.Load() {
				t.Fatal("nothing was lost")
			}
			for _, o := range e.nb.Objects("netbox_proxbox.proxboxvirtualmachinesyncstate") {
				if vm, _ := o["virtual_machine"].(map[string]any); int(number(vm["id"])) == foreign {
					t.Error("the customer's virtual machine was taken for ours")
				}
			}
			if n := e.nb.Count("virtualization.virtualmachine"); n != len(s.Guests)+1 {
				t.Errorf("%d virtual machines for %d guests and one of the customer's", n, len(s.Guests))
			}
			e.nb.SetFault(nil)
			e.mustRest(t, s)
		})
	}
}

// TestPauseHidesNoFailure: a run that is asked to let another go first while a
// batch of it fails has failed. What became of that batch is not known, so it
// must not go on with the inventory that it has.
func TestPauseHidesNoFailure(t *testing.T) {
	e := newEngine(t, netboxsim.NetBox47)
	s := estate(1, "lab")
	e.pluginRows(t, s)
	p, inv, err := e.plan(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	yield := errors.New("another goes first")
	sent, paused := make(chan struct{}), make(chan struct{})
	e.nb.SetFault(func(r *http.Request) *netboxsim.Fault {
		if r.Method == http.MethodGet {
			return nil
		}
		close(sent)
		<-paused
		return &netboxsim.Fault{Status: http.StatusUnauthorized, Body: `{"detail": "Invalid token"}`}
	})
	first := true
	_, err = apply.Run(t.Context(), e.client, p, inv, apply.Options{Pause: func(context.Context) error {
		if first {
			first = false
			return nil
		}
		<-sent
		close(paused)
		return yield
	}})
	if err == nil || errors.Is(err, yield) {
		t.Errorf("it ended with %v, as if all that was sent had been answered", err)
	}
}

// TestEndedContextIsAnError: a run that did not do everything says so.
func TestEndedContextIsAnError(t *testing.T) {
	e := newEngine(t, netboxsim.NetBox47)
	s := estate(1, "lab")
	e.pluginRows(t, s)
	p, inv, err := e.plan(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if res, err := apply.Run(ctx, e.client, p, inv, apply.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%d of %d changes were made, and the error is %v", res.Created, len(p.Changes), err)
	}
}
