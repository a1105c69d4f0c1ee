//go:build e2e

package bench

import (
	"net/http"
	"testing"
	"time"

	proxmoxsim "proxbox/internal/sim/proxmox"
	"proxbox/test/lab"
	"proxbox/test/lab/tap"
)

// BenchmarkPlugin: a Full Update by the plugin of 50 guests when nothing
// changed, with this program behind it and with the Python service. What is
// compared is the time that the plugin waits for the backend; its own time
// between the stages is the same for both, and shown apart.
func BenchmarkPlugin(b *testing.B) {
	s := lab.NetBox(b)
	pve := lab.FakePVE(b, proxmoxsim.Demo(guests))
	endpoint := pve.PluginEndpoint()
	forPython := endpoint
	forPython.Address = lab.ForPython(b, endpoint.Address)
	for range b.N {
		ours := unchanged(b, s, lab.Serve(b).Backend, endpoint)
		s.Reset(b)
		theirs := unchanged(b, s, lab.PythonService(b), forPython)
		b.ReportMetric(ours.backend.Seconds(), "s/backend")
		b.ReportMetric((ours.whole - ours.backend).Seconds(), "s/plugin")
		b.ReportMetric(float64(ours.requests), "requests")
		b.ReportMetric(float64(ours.writes), "writes")
		b.ReportMetric(theirs.backend.Seconds(), "s/backend-python")
		b.ReportMetric((theirs.whole - theirs.backend).Seconds(), "s/plugin-python")
		b.ReportMetric(float64(theirs.requests), "requests-python")
		b.ReportMetric(float64(theirs.writes), "writes-python")
		b.ReportMetric(theirs.backend.Seconds()/ours.backend.Seconds(), "times-faster")
	}
	b.ReportMetric(0, "ns/op")
}

// measured is one Full Update.
type measured struct {
	whole, backend   time.Duration
	requests, writes int // of the backend to NetBox
}

// unchanged runs two Full Updates and measures the second one.
func unchanged(b *testing.B, s *lab.Server, backend lab.Backend, endpoint lab.ProxmoxEndpoint) measured {
	b.Helper()
	between := tap.New(b, backend.URL)
	s.ConnectPlugin(b, lab.Backend{URL: between.URL(), Key: backend.Key}, endpoint)
	s.StartWorker(b)
	defer s.StopWorker()
	update := func() {
		if out, err := s.Manage(b.Context(), "proxbox_sync", "--wait", "--timeout", "3000"); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
	}
	update()
	// A sync that comes a minute after the last one and later has to read everything.
	if status, body := backend.Call(b, http.MethodGet, "/clear-cache", ""); status != http.StatusOK {
		b.Fatalf("clear-cache: %d %s", status, body)
	}
	s.Tap.Clear()
	between.Clear()
	start := time.Now()
	update()
	m := measured{whole: time.Since(start), requests: len(s.Tap.Requests()), writes: len(s.Tap.Writes())}
	for _, r := range between.Requests() {
		m.backend += r.Took
	}
	return m
}
