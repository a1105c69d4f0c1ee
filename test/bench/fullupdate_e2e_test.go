//go:build e2e

// Package bench measures: `make bench` prints what docs/performance.md keeps.
// What is compared is compared within one run, for machines differ.
package bench

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"proxbox/internal/domain"
	"proxbox/internal/netbox"
	"proxbox/internal/plan"
	"proxbox/internal/run"
	"proxbox/internal/settings"
	proxmoxsim "proxbox/internal/sim/proxmox"
	"proxbox/test/lab"
)

func TestMain(m *testing.M) { lab.Main(m) }

// guests is how many guests the measured estate has: that of `make demo`.
const guests = 50

// inFlight and batch are what runs and hand-made requests both keep to.
const (
	inFlight = 2
	batch    = 50
)

func endpoint(b *testing.B, s *lab.Server) domain.NetBoxEndpoint {
	b.Helper()
	u, err := url.Parse(s.URL())
	if err != nil {
		b.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		b.Fatal(err)
	}
	return domain.NetBoxEndpoint{Name: "lab", IPAddress: u.Hostname(), Port: port, TokenVersion: "v1", Token: domain.Secret(s.Service.TokenV1)}
}

// newLauncher carries between the estate, in process, and the real NetBox.
func newLauncher(b *testing.B, s *lab.Server, pve *proxmoxsim.Server) *run.Launcher {
	b.Helper()
	values, err := settings.Load(nil)
	if err != nil {
		b.Fatal(err)
	}
	px := pve.Endpoint()
	px.ID, px.Name = 1, "lab (nb:1)"
	return &run.Launcher{
		Endpoints: run.Given{NetBoxEndpoint: endpoint(b, s), ProxmoxEndpoints: []domain.ProxmoxEndpoint{px}},
		Settings:  values, Manager: run.NewManager(nil),
		ProxmoxTransport: func(domain.ProxmoxEndpoint) http.RoundTripper { return pve.Transport() },
	}
}

// pluginRows makes what the plugin makes itself before a sync.
func pluginRows(b *testing.B, s *lab.Server) {
	b.Helper()
	const base = "/api/plugins/proxbox/"
	s.Must(b, http.MethodPost, base+"endpoints/proxmox/", map[string]any{"name": "lab", "domain": "pve.example.org", "port": 8006, "mode": "cluster",
		"username": "root@pam", "verify_ssl": false}, nil)
	s.Must(b, http.MethodPost, base+"proxmox-clusters/", map[string]any{"endpoint": 1, "name": "demo", "mode": "cluster"}, nil)
	for _, n := range []string{"pve1", "pve2", "pve3"} {
		s.Must(b, http.MethodPost, base+"proxmox-nodes/", map[string]any{"endpoint": 1, "proxmox_cluster": 1, "name": n, "ip_address": "192.0.2.1"}, nil)
	}
}

func carry(b *testing.B, l *run.Launcher, ask run.Ask) *run.Result {
	b.Helper()
	r, err := l.Start(ask)
	if err != nil {
		b.Fatal(err)
	}
	_, stop := r.Listen()
	defer stop()
	<-r.Done()
	res, err := r.Result()
	if err != nil {
		b.Fatal(err)
	}
	if res.Outcome != run.OutcomeCompleted {
		b.Fatalf("the run is %s: %v", res.Outcome, res.Reports)
	}
	return res
}

// BenchmarkFirstRun: how long a first run takes beside hand-made bulk requests
// that write the same objects, one after the other, twice, the faster of each.
func BenchmarkFirstRun(b *testing.B) {
	s := lab.NetBox(b)
	pve := proxmoxsim.New(proxmoxsim.Demo(guests))
	for range b.N {
		var ours, byHand []time.Duration
		var requests, writes, objects int
		for range 2 {
			s.Reset(b)
			pluginRows(b, s)
			planned := carry(b, newLauncher(b, s, pve), run.Ask{DryRun: true}).Plan
			start := time.Now()
			writeByHand(b, s, planned)
			byHand = append(byHand, time.Since(start))

			s.Reset(b)
			pluginRows(b, s)
			s.Tap.Clear()
			start = time.Now()
			res := carry(b, newLauncher(b, s, pve), run.Ask{})
			ours = append(ours, time.Since(start))
			requests, writes, objects = len(s.Tap.Requests()), len(s.Tap.Writes()), res.Created
		}
		b.ReportMetric(min(ours[0], ours[1]).Seconds(), "s/run")
		b.ReportMetric(min(byHand[0], byHand[1]).Seconds(), "s/by-hand")
		b.ReportMetric(min(ours[0], ours[1]).Seconds()/min(byHand[0], byHand[1]).Seconds(), "times-by-hand")
		b.ReportMetric(float64(requests), "requests")
		b.ReportMetric(float64(writes), "writes")
		b.ReportMetric(float64(objects), "objects")
	}
	b.ReportMetric(0, "ns/op")
}

// BenchmarkUnchanged: how long a run takes that finds nothing to change, beside
// the bare reads that it needs.
func BenchmarkUnchanged(b *testing.B) {
	s := lab.NetBox(b)
	pluginRows(b, s)
	pve := proxmoxsim.New(proxmoxsim.Demo(guests))
	carry(b, newLauncher(b, s, pve), run.Ask{})
	for range b.N {
		var ours, bare []time.Duration
		var requests, writes int
		for range 5 {
			s.Tap.Clear()
			start := time.Now()
			carry(b, newLauncher(b, s, pve), run.Ask{})
			ours = append(ours, time.Since(start))
			reads := s.Tap.Requests()
			requests, writes = len(reads), len(s.Tap.Writes())

			start = time.Now()
			var g errgroup.Group
			g.SetLimit(inFlight)
			for _, r := range reads {
				g.Go(func() error { return read(b.Context(), s, r.Path+"?"+r.Query) })
			}
			if err := g.Wait(); err != nil {
				b.Fatal(err)
			}
			bare = append(bare, time.Since(start))
		}
		b.ReportMetric(least(ours).Seconds(), "s/run")
		b.ReportMetric(least(bare).Seconds(), "s/bare-reads")
		b.ReportMetric(least(ours).Seconds()/least(bare).Seconds(), "times-bare-reads")
		b.ReportMetric(float64(requests), "requests")
		b.ReportMetric(float64(writes), "writes")
	}
	b.ReportMetric(0, "ns/op")
}

func least(all []time.Duration) time.Duration {
	out := all[0]
	for _, d := range all {
		out = min(out, d)
	}
	return out
}

func read(ctx context.Context, s *lab.Server, path string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL()+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", s.Service.V1())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var any json.RawMessage
	return json.NewDecoder(resp.Body).Decode(&any)
}

// writeByHand sends what a person would who wrote a script for just these
// objects: kind after kind in bulk, so many batches in flight.
func writeByHand(b *testing.B, s *lab.Server, p *plan.Plan) {
	b.Helper()
	nb, err := netbox.Open(endpoint(b, s), netbox.Options{MaxConcurrent: inFlight})
	if err != nil {
		b.Fatal(err)
	}
	ids := map[domain.Ref]int{}
	for ref, id := range p.Bound {
		ids[ref] = id
	}
	for start := 0; start < len(p.Changes); {
		end := start
		for end < len(p.Changes) && p.Changes[end].Phase == p.Changes[start].Phase && p.Changes[end].Kind == p.Changes[start].Kind &&
			p.Changes[end].Op == p.Changes[start].Op {
			end++
		}
		sendByHand(b, nb, p.Changes[start:end], ids)
		start = end
	}
}

func sendByHand(b *testing.B, nb *netbox.Client, changes []plan.Change, ids map[domain.Ref]int) {
	b.Helper()
	kind := changes[0].Kind
	bodies := make([]map[string]any, len(changes))
	for i, c := range changes {
		fields := domain.Fields{}
		for name, v := range c.Set {
			fields[name] = resolved(v, ids)
		}
		var err error
		if bodies[i], err = netbox.Encode(kind, 0, fields); err != nil {
			b.Fatal(err)
		}
		if c.Op == plan.Update {
			bodies[i]["id"] = max(c.ID, ids[domain.To(kind, c.Key)])
		}
	}
	made := make([][]json.RawMessage, (len(bodies)+batch-1)/batch)
	var g errgroup.Group
	g.SetLimit(inFlight)
	for i := range made {
		part := bodies[i*batch : min((i+1)*batch, len(bodies))]
		g.Go(func() (err error) {
			if changes[0].Op == plan.Create {
				made[i], err = nb.Create(b.Context(), netbox.Path(kind), part)
				return err
			}
			_, err = nb.Update(b.Context(), netbox.Path(kind), part)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		b.Fatal(err)
	}
	i := 0
	for _, answers := range made {
		for _, raw := range answers {
			var o struct{ ID int }
			if err := json.Unmarshal(raw, &o); err != nil {
				b.Fatal(err)
			}
			ids[domain.To(kind, changes[i].Key)] = o.ID
			i++
		}
	}
}

func resolved(v any, ids map[domain.Ref]int) any {
	switch v := v.(type) {
	case domain.Ref:
		if v.ID == 0 && v.Key != "" {
			return domain.At(v.Kind, ids[domain.To(v.Kind, v.Key)])
		}
	case domain.Refs:
		out := make(domain.Refs, len(v))
		for i, r := range v {
			out[i] = resolved(r, ids).(domain.Ref)
		}
		return out
	}
	return v
}
