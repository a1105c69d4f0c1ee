package run_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"proxbox/internal/domain"
	"proxbox/internal/plan"
	"proxbox/internal/run"
	netboxsim "proxbox/internal/sim/netbox"
)

// TestEndpointWithoutCredentials costs only itself, and the run says so: it is
// not completed.
func TestEndpointWithoutCredentials(t *testing.T) {
	s := newSite(t, 5, time.Minute)
	given := s.Endpoints.(run.Given)
	given.ProxmoxEndpoints = append(given.ProxmoxEndpoints, domain.ProxmoxEndpoint{ID: 2, Name: "forgotten (nb:2)", Domain: "pve2.example.org", Port: 8006, Enabled: true})
	s.Endpoints = given
	r, err := s.Start(run.Ask{})
	if err != nil {
		t.Fatal(err)
	}
	<-r.Done()
	res, err := r.Result()
	if err != nil {
		t.Fatal(err)
	}
	if s.nb.Count("virtualization.virtualmachine") != 5 {
		t.Error("it costs the other endpoint")
	}
	if res.Outcome != run.OutcomePartial || len(res.Reports) != 1 || res.Reports[0].Outcome != plan.Failed ||
		!strings.Contains(res.Reports[0].Label, "forgotten") || !strings.Contains(res.Reports[0].Reason, "credentials") {
		t.Errorf("the run is %s, its reports %+v", res.Outcome, res.Reports)
	}
}

// broken are endpoints that no code is ready for.
type broken struct{ run.Given }

func (broken) Proxmox(context.Context, []int) ([]domain.ProxmoxEndpoint, error) {
	panic("an odd endpoint")
}

// TestDefectEndsTheRunAlone: what panics in a run is its error. The service
// lives, and the next run has its turn.
func TestDefectEndsTheRunAlone(t *testing.T) {
	s := newSite(t, 3, time.Minute)
	var log bytes.Buffer
	s.Log = slog.New(slog.NewTextHandler(&log, nil))
	whole := s.Endpoints
	s.Endpoints = broken{whole.(run.Given)}
	r, err := s.Start(run.Ask{})
	if err != nil {
		t.Fatal(err)
	}
	<-r.Done()
	if _, err := r.Result(); err == nil || !strings.Contains(err.Error(), "an odd endpoint") {
		t.Errorf("the run ended with %v", err)
	}
	if !strings.Contains(log.String(), "launcher_test.go") {
		t.Errorf("the log does not say where:\n%s", log.String())
	}
	s.Endpoints = whole
	s.sync(t, run.Ask{})
}

// TestWriteThatWasGivenUpIsNotBuiltOn: NetBox may carry out later what did not
// answer twice. The next stage reads anew, and makes nothing beside it.
func TestWriteThatWasGivenUpIsNotBuiltOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, 3, time.Hour)
		s.nb.SetFault(func(r *http.Request) *netboxsim.Fault {
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/dcim/mac-addresses/") {
				return &netboxsim.Fault{Cut: true}
			}
			return nil
		})
		r, err := s.Start(run.Ask{})
		if err != nil {
			t.Fatal(err)
		}
		_, stop := r.Listen()
		<-r.Done()
		stop()
		if res, err := r.Result(); err != nil || res.Outcome != run.OutcomePartial {
			t.Fatalf("%v, %v", res, err)
		}
		if s.Memory.Held().Inventory {
			t.Error("the inventory of a run that gave writes up is kept")
		}
		s.nb.SetFault(nil)
		s.sync(t, run.Ask{})
		if !s.Memory.Held().Inventory {
			t.Error("the inventory of a run in which all was answered is not kept")
		}
	})
}
