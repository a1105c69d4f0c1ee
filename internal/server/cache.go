package server

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"proxbox/internal/domain"
	"proxbox/internal/netbox"
	"proxbox/internal/run"
	"proxbox/internal/settings"
)

// answers keeps what NetBox answered to the routes that only pass it on.
type answers struct {
	*netbox.Cache

	mu   sync.Mutex
	last domain.NetBoxEndpoint // whose answers they are
}

func newAnswers() *answers { return &answers{Cache: netbox.NewCache(netbox.CacheLimits{})} }

// watch has every write to NetBox empty the cache.
func (a *answers) watch(l *run.Launcher) {
	told := l.ObserveNetBox
	l.ObserveNetBox = func(x netbox.Exchange) {
		switch x.Method {
		case http.MethodGet, http.MethodHead, http.MethodOptions:
		default:
			a.Written()
		}
		if told != nil {
			told(x)
		}
	}
}

// limit bounds the cache by the settings, which the plugin may change.
func (a *answers) limit(v *settings.Values) {
	a.SetLimits(netbox.CacheLimits{TTL: settings.NetBoxGetCacheTTL.In(v), Entries: settings.NetBoxGetCacheMaxEntries.In(v),
		Bytes: settings.NetBoxGetCacheMaxBytes.In(v)})
}

// of makes sure that no endpoint sees another's answers, nor those that were
// given to another token.
func (a *answers) of(ep domain.NetBoxEndpoint) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.last != ep {
		a.Clear()
		a.last = ep
	}
}

// fetch returns what is kept under a key, or reads it.
func (s *Server) fetch(ctx context.Context, branch, path, query string, read func(context.Context, *netbox.Client) (json.RawMessage, error)) (json.RawMessage, error) {
	ep, err := s.launcher.Endpoints.NetBox(ctx)
	if err != nil {
		return nil, err
	}
	s.answers.of(ep)
	key := netbox.CacheKey{URL: ep.BaseURL(), Branch: branch, Path: path, Query: query}
	answer, hit := s.answers.Get(key)
	if settings.DebugCache.In(s.values) {
		s.log.DebugContext(ctx, "the cache of NetBox's answers", "path", path, "query", query, "branch", branch, "hit", hit)
	}
	if hit {
		return answer, nil
	}
	keep := s.answers.Read(key)
	nb, values, err := s.launcher.OpenNetBox(ctx, true, branch)
	if err != nil {
		return nil, err
	}
	defer nb.Close()
	s.answers.limit(values)
	answer, err = read(ctx, nb)
	if err != nil {
		return nil, err
	}
	keep(answer)
	return answer, nil
}

// cacheMetrics are the figures of the cache, by the names that the wire has.
type cacheMetrics struct {
	Hits                  int     `json:"hits"`
	Misses                int     `json:"misses"`
	HitRate               float64 `json:"hit_rate" doc:"In percent"`
	Invalidations         int     `json:"invalidations" doc:"Answers that a write to NetBox made worthless"`
	EvictionsTTL          int     `json:"evictions_ttl" doc:"Answers that grew too old"`
	EvictionsSize         int     `json:"evictions_size" doc:"Answers that had to go for their number"`
	EvictionsBytes        int     `json:"evictions_bytes" doc:"Answers that had to go for their size"`
	CurrentEntries        int     `json:"current_entries"`
	CurrentBytes          int     `json:"current_bytes"`
	MaxEntries            int     `json:"max_entries"`
	MaxBytes              int     `json:"max_bytes"`
	TTLSeconds            float64 `json:"ttl_seconds"`
	OldestEntryAgeSeconds float64 `json:"oldest_entry_age_seconds"`
}

func showCache(s netbox.CacheStats) cacheMetrics {
	out := cacheMetrics{Hits: s.Hits, Misses: s.Misses, Invalidations: s.Invalidations, EvictionsTTL: s.Expired, EvictionsSize: s.EvictedByEntries,
		EvictionsBytes: s.EvictedByBytes, CurrentEntries: s.CurrentEntries, CurrentBytes: s.CurrentBytes, MaxEntries: s.Entries, MaxBytes: s.Bytes,
		TTLSeconds: s.TTL.Seconds(), OldestEntryAgeSeconds: math.Round(s.OldestAge.Seconds()*1000) / 1000}
	if asked := s.Hits + s.Misses; asked > 0 {
		out.HitRate = math.Round(float64(s.Hits)/float64(asked)*10000) / 100
	}
	return out
}

// prometheus writes the figures in the format that Prometheus reads.
func (m cacheMetrics) prometheus() string {
	var b strings.Builder
	for _, one := range []struct {
		name, kind, help string
		value            float64
	}{
		{"hits", "counter", "Answers of NetBox that were still kept.", float64(m.Hits)},
		{"misses", "counter", "Answers of NetBox that had to be read.", float64(m.Misses)},
		{"invalidations", "counter", "Kept answers that a write to NetBox made worthless.", float64(m.Invalidations)},
		{"evictions_ttl", "counter", "Kept answers that grew too old.", float64(m.EvictionsTTL)},
		{"evictions_size", "counter", "Kept answers that had to go for their number.", float64(m.EvictionsSize)},
		{"evictions_bytes", "counter", "Kept answers that had to go for their size.", float64(m.EvictionsBytes)},
		{"hit_rate", "gauge", "Hits in percent of what was asked for.", m.HitRate},
		{"entries", "gauge", "Answers that are kept.", float64(m.CurrentEntries)},
		{"bytes", "gauge", "Bytes of what is kept.", float64(m.CurrentBytes)},
		{"max_entries", "gauge", "Answers that may be kept.", float64(m.MaxEntries)},
		{"max_bytes", "gauge", "Bytes that may be kept.", float64(m.MaxBytes)},
		{"ttl_seconds", "gauge", "How long an answer is kept.", m.TTLSeconds},
		{"oldest_age_seconds", "gauge", "The age of the oldest answer that is kept.", m.OldestEntryAgeSeconds},
	} {
		name := "proxbox_cache_" + one.name
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n%s %g\n", name, one.help, name, one.kind, name, one.value)
	}
	return b.String()
}

// maxSample is how many of the kept answers are named.
const maxSample = 20

type (
	cacheOutput struct {
		Body struct {
			Shared  sharedReadings `json:"proxbox_cache" doc:"What syncs that follow one another share"`
			Metrics cacheMetrics   `json:"netbox_get_cache_metrics" doc:"The cache of the routes that pass on what NetBox answers"`
			Sample  []cacheEntry   `json:"netbox_get_cache_sample" nullable:"false" doc:"What it holds, the last used first, at most 20"`
		}
	}
	sharedReadings struct {
		NetBox     bool    `json:"netbox_inventory" doc:"Whether the next sync goes on from what this one has read of NetBox"`
		Proxmox    []int   `json:"proxmox_endpoints" nullable:"false" doc:"Likewise of Proxmox, by endpoint"`
		TTLSeconds float64 `json:"ttl_seconds"`
	}
	cacheEntry struct {
		API   string `json:"api_id" doc:"Which NetBox, and which branch of it"`
		Path  string `json:"path"`
		Query string `json:"query"`
	}
	metricsOutput    struct{ Body cacheMetrics }
	prometheusOutput struct {
		ContentType string `header:"Content-Type"`
		Body        []byte
	}
)

func (s *Server) cacheRoutes() {
	register(s, operation(http.MethodGet, "/cache", "service", "cache", "What is kept of NetBox and Proxmox"),
		func(context.Context, *struct{}) (*cacheOutput, error) {
			out := &cacheOutput{}
			held := s.launcher.Memory.Held()
			out.Body.Shared = sharedReadings{NetBox: held.Inventory, Proxmox: append([]int{}, held.Snapshots...), TTLSeconds: held.TTL.Seconds()}
			out.Body.Metrics, out.Body.Sample = showCache(s.answers.Stats()), []cacheEntry{}
			for _, k := range s.answers.Keys(maxSample) {
				api := k.URL
				if k.Branch != "" {
					api += " " + k.Branch
				}
				out.Body.Sample = append(out.Body.Sample, cacheEntry{bounded(api), bounded(k.Path), bounded(k.Query)})
			}
			return out, nil
		})
	register(s, operation(http.MethodGet, "/cache/metrics", "service", "cache-metrics", "Figures of the cache of NetBox's answers"),
		func(context.Context, *struct{}) (*metricsOutput, error) {
			return &metricsOutput{showCache(s.answers.Stats())}, nil
		})
	text := operation(http.MethodGet, "/cache/metrics/prometheus", "service", "cache-metrics-prometheus", "The same for Prometheus")
	text.Responses = map[string]*huma.Response{"200": {Description: "Metrics", Content: map[string]*huma.MediaType{
		"text/plain": {Schema: &huma.Schema{Type: huma.TypeString}},
	}}}
	register(s, text, func(context.Context, *struct{}) (*prometheusOutput, error) {
		return &prometheusOutput{"text/plain; version=0.0.4; charset=utf-8", []byte(showCache(s.answers.Stats()).prometheus())}, nil
	})
	register(s, operation(http.MethodGet, "/clear-cache", "service", "clear-cache", "Forget what is kept: the next sync reads everything anew"),
		func(context.Context, *struct{}) (*messageOutput, error) {
			s.answers.Clear()
			s.launcher.Memory.Forget()
			out := &messageOutput{}
			out.Body.Message = "All caches cleared"
			return out, nil
		})
}
