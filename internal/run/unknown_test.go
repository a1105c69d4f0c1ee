package run_test

import (
	"net/http"
	"strings"
	"testing"

	"proxbox/internal/domain"
	"proxbox/internal/netbox"
	"proxbox/internal/run"
	netboxsim "proxbox/internal/sim/netbox"
)

// TestUnknownListChangesNothing: whichever list NetBox does not give, nothing
// is written of an estate that has not changed.
func TestUnknownListChangesNothing(t *testing.T) {
	s := newSite(t, 16, 0)
	s.sync(t, run.Ask{})
	for _, kind := range run.Inventoried {
		if kind == domain.KindTenant { // nothing hangs on it here
			continue
		}
		t.Run(string(kind), func(t *testing.T) {
			refused := 0
			s.nb.SetFault(func(r *http.Request) *netboxsim.Fault {
				if r.Method != http.MethodGet || strings.TrimPrefix(r.URL.Path, "/api/") != netbox.Path(kind) {
					return nil
				}
				refused++
				return &netboxsim.Fault{Status: http.StatusForbidden, Body: `{"detail": "You do not have permission to perform this action."}`}
			})
			defer s.nb.SetFault(nil)
			r, err := s.Start(run.Ask{})
			if err != nil {
				t.Fatal(err)
			}
			<-r.Done()
			res, err := r.Result()
			if err != nil {
				t.Fatal(err)
			}
			if refused == 0 {
				t.Error("the list was not asked for")
			}
			for _, c := range res.Plan.Changes {
				t.Errorf("%s %s %s: %v -> %v", c.Op, c.Kind, c.Label, c.Old, c.Set)
			}
		})
	}
	if again := s.sync(t, run.Ask{}); again.Created+again.Updated+again.Deleted != 0 {
		t.Errorf("after it: %v", again.Done)
	}
}
