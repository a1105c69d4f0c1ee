package run_test

import (
	"strings"
	"testing"
	"time"

	"proxbox/internal/domain"
	"proxbox/internal/plan"
	"proxbox/internal/run"
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
