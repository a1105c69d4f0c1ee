package run_test

import (
	"net/http"
	"net/url"
	"sync"
	"testing"

	"proxbox/internal/domain"
	"proxbox/internal/run"
)

// TestRequestsInFlight: the setting bounds what an endpoint is asked at once,
// and what a run is asked for goes before it.
func TestRequestsInFlight(t *testing.T) {
	for _, c := range []struct {
		environ string
		query   url.Values
		most    int
	}{
		{"PROXBOX_FETCH_MAX_CONCURRENCY=1", nil, 1},
		{"PROXBOX_FETCH_MAX_CONCURRENCY=1", url.Values{"fetch_max_concurrency": {"2"}}, 2},
		{"", url.Values{"fetch_max_concurrency": {"1"}}, 1},
	} {
		s := newSite(t, 12, 0)
		s.setenv(t, c.environ)
		var mu sync.Mutex
		var now, most int
		s.ProxmoxTransport = func(domain.ProxmoxEndpoint) http.RoundTripper {
			return roundTrip(func(r *http.Request) (*http.Response, error) {
				count := func(n int) {
					mu.Lock()
					defer mu.Unlock()
					now += n
					most = max(most, now)
				}
				count(1)
				defer count(-1)
				return s.pve.Transport().RoundTrip(r)
			})
		}
		s.sync(t, run.Ask{Query: c.query})
		if most == 0 || most > c.most {
			t.Errorf("%q %v: %d requests at once", c.environ, c.query, most)
		}
	}
}
