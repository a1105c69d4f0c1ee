package netboxsim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	netboxsim "proxbox/internal/sim/netbox"
)

const guestsPath = "virtualization/virtual-machines/"

// withCluster is a server with what guests need.
func withCluster(tb testing.TB, p netboxsim.Profile, opts ...netboxsim.Option) *netboxsim.Server {
	tb.Helper()
	sim := netboxsim.New(p, opts...)
	for _, one := range []struct {
		kind   string
		object map[string]any
	}{
		{"extras/tags", map[string]any{"name": "Proxbox", "slug": "proxbox"}},
		{"virtualization.clustertype", map[string]any{"name": "Proxmox", "slug": "proxmox"}},
		{"virtualization.cluster", map[string]any{"name": "c", "type": 1}},
	} {
		if _, err := sim.Seed(one.kind, one.object); err != nil {
			tb.Fatal(err)
		}
	}
	return sim
}

func TestTokens(t *testing.T) {
	sim := netboxsim.New(netboxsim.NetBox47, netboxsim.WithToken("mine"), netboxsim.WithTokenV2("key", "secret"))
	for _, tt := range []struct {
		authorization string
		status        int
		detail        string
	}{
		{"Token mine", 200, ""},
		{"Bearer nbt_key.secret", 200, ""},
		{"", 403, "Authentication credentials were not provided."},
		{"Basic x", 403, "Authentication credentials were not provided."},
		{"Token " + netboxsim.Token, 403, "Invalid v1 token"},
		{"Bearer nbt_key.other", 403, "Invalid v2 token"},
		{"Bearer nbt_other.secret", 403, "Invalid v2 token"},
	} {
		req := httptest.NewRequestWithContext(t.Context(), "GET", "/api/status/", nil)
		req.Header.Set("Authorization", tt.authorization)
		w := httptest.NewRecorder()
		sim.ServeHTTP(w, req)
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.detail) {
			t.Errorf("%q: %d %s", tt.authorization, w.Code, w.Body)
		}
	}
}

func TestStatsCountRequestsAndWrittenObjects(t *testing.T) {
	sim := withCluster(t, netboxsim.NetBox47)
	if st := sim.Stats(); st.Requests != 0 || st.Writes != 0 {
		t.Errorf("seeding was counted: %+v", st)
	}
	request(t, sim, "POST", guestsPath, `[{"name":"a","cluster":1},{"name":"b","cluster":1}]`, http.StatusCreated)
	request(t, sim, "POST", guestsPath, `[{"name":"c","cluster":1},{"name":"b","cluster":1}]`, http.StatusBadRequest)
	request(t, sim, "PATCH", guestsPath, `[{"id":1,"memory":1}]`, http.StatusOK)
	request(t, sim, "GET", guestsPath, nil, http.StatusOK)
	request(t, sim, "GET", "no/such/", nil, http.StatusNotFound)
	st := sim.Stats()
	if st.Requests != 5 || st.Writes != 3 {
		t.Errorf("%d requests, %d writes", st.Requests, st.Writes)
	}
	if d := cmp.Diff(map[string]int{"POST": 2, "PATCH": 1, "GET": 1}, st.ByKind["virtualization.virtualmachine"]); d != "" {
		t.Errorf("requests (-want +got): %s", d)
	}
	if d := cmp.Diff(map[string]int{"POST": 2, "PATCH": 1}, st.Objects["virtualization.virtualmachine"]); d != "" {
		t.Errorf("objects (-want +got): %s", d)
	}
	sim.ResetStats()
	if st := sim.Stats(); st.Requests != 0 || len(st.Objects) != 0 {
		t.Errorf("after a reset: %+v", st)
	}
}

func TestFaults(t *testing.T) {
	sim := withCluster(t, netboxsim.NetBox47)
	var fault *netboxsim.Fault
	sim.SetFault(func(r *http.Request) *netboxsim.Fault {
		if body, err := io.ReadAll(r.Body); err != nil || len(body) == 0 {
			t.Errorf("the hook reads %d bytes, %v", len(body), err)
		}
		return fault
	})
	post := func(name string) (*http.Response, error) {
		req, err := http.NewRequestWithContext(t.Context(), "POST", "http://x/api/"+guestsPath, strings.NewReader(`[{"name":"`+name+`","cluster":1}]`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Token "+netboxsim.Token)
		req.Header.Set("Content-Type", "application/json")
		resp, err := sim.Client().Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		return resp, err
	}
	count := func() int { return sim.Count("virtualization.virtualmachine") }

	if resp, err := post("a"); err != nil || resp.StatusCode != http.StatusCreated {
		t.Fatal(resp, err)
	}
	fault = &netboxsim.Fault{Status: 503, Body: `{}`, Header: http.Header{"Retry-After": {"7"}}}
	if resp, err := post("b"); err != nil || resp.StatusCode != 503 || resp.Header.Get("Retry-After") != "7" || count() != 1 {
		t.Errorf("a status: %v, %v, %d guests", resp, err, count())
	}
	fault = &netboxsim.Fault{Cut: true}
	if _, err := post("b"); !errors.Is(err, io.ErrUnexpectedEOF) || count() != 1 {
		t.Errorf("a cut: %v, %d guests", err, count())
	}
	fault = &netboxsim.Fault{LoseAnswer: true}
	if _, err := post("b"); !errors.Is(err, io.ErrUnexpectedEOF) || count() != 2 {
		t.Errorf("a lost answer: %v, %d guests", err, count())
	}
	sim.SetFault(nil)
	if resp, err := post("c"); err != nil || resp.StatusCode != http.StatusCreated || count() != 3 {
		t.Errorf("after all: %v, %v, %d guests", resp, err, count())
	}
}

func TestDelayEndsWithTheRequest(t *testing.T) {
	sim := netboxsim.New(netboxsim.NetBox47)
	sim.SetFault(func(*http.Request) *netboxsim.Fault { return &netboxsim.Fault{Delay: time.Hour} })
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "GET", "http://x/api/status/", nil)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		resp, err := sim.Client().Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		if !errors.Is(err, context.Canceled) {
			t.Errorf("want the request's own end, got %v", err)
		}
	})
	cancel()
	wg.Wait()
}

// TestOverASocket has the same answers as in process.
func TestOverASocket(t *testing.T) {
	sim := withCluster(t, netboxsim.NetBox47)
	server := httptest.NewServer(sim)
	defer server.Close()
	req, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/api/virtualization/clusters/1/?fields=url", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Token "+netboxsim.Token)
	resp, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if want := `{"url":"` + server.URL + `/api/virtualization/clusters/1/"}`; err != nil || string(raw) != want {
		t.Errorf("%s, %v", raw, err)
	}
}

func TestIfMatch(t *testing.T) {
	for _, tt := range []struct {
		profile netboxsim.Profile
		status  int
	}{{netboxsim.NetBox47, http.StatusPreconditionFailed}, {netboxsim.NetBox45, http.StatusOK}} {
		sim := withCluster(t, tt.profile)
		patch := func(match string) *http.Response {
			req, err := http.NewRequestWithContext(t.Context(), "PATCH", "http://x/api/virtualization/clusters/1/", strings.NewReader(`{"description":"`+match+`x"}`))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Token "+netboxsim.Token)
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("If-Match", strings.ReplaceAll(match, "'", `"`))
			resp, err := sim.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			return resp
		}
		if resp := patch("W/'stale'"); resp.StatusCode != tt.status {
			t.Errorf("NetBox %s, a stale tag: %s", tt.profile.Release, resp.Status)
		}
		if resp := patch("*"); resp.StatusCode != http.StatusOK {
			t.Errorf("NetBox %s, any tag: %s", tt.profile.Release, resp.Status)
		}
	}
}

func TestSeedPatchDelete(t *testing.T) {
	sim := withCluster(t, netboxsim.NetBox47)
	ids, err := sim.Seed(guestsPath, map[string]any{"id": 70, "name": "a", "cluster": 1}, map[string]any{"name": "b", "cluster": map[string]any{"name": "c"}})
	if err != nil || !slices.Equal(ids, []int{70, 71}) {
		t.Fatal(ids, err)
	}
	if _, err := sim.Seed("virtualization.virtualmachine", map[string]any{"name": "d", "cluster": 1}, map[string]any{"name": "a", "cluster": 1}); err == nil || sim.Count(guestsPath) != 2 {
		t.Errorf("a duplicate: %v, %d guests", err, sim.Count(guestsPath))
	}
	if err := sim.Patch(guestsPath, 70, map[string]any{"memory": "much"}); err == nil {
		t.Error("a refused change")
	}
	if err := sim.Patch(guestsPath, 70, map[string]any{"memory": 5}); err != nil {
		t.Error(err)
	}
	if got := sim.Objects(guestsPath)[0]["memory"]; got != 5.0 {
		t.Errorf("memory %v", got)
	}
	if err := sim.Delete("virtualization.cluster", 1); err == nil || !strings.Contains(err.Error(), "a (70)") {
		t.Errorf("a cluster with guests: %v", err)
	}
	if err := sim.Delete(guestsPath, 70); err != nil || sim.Count(guestsPath) != 1 {
		t.Errorf("%v, %d guests", err, sim.Count(guestsPath))
	}
	if _, err := sim.Seed("no.such"); err == nil {
		t.Error("a kind that is none")
	}
	sim.Reset()
	if n := sim.Count("virtualization.cluster"); n != 0 {
		t.Errorf("%d clusters after a reset", n)
	}
	if ids, err := sim.Seed("virtualization.clustertype", map[string]any{"name": "x", "slug": "x"}); err != nil || ids[0] != 1 {
		t.Errorf("ids begin at %v after a reset, %v", ids, err)
	}
}

// TestPluginRows seeds what the plugin writes, and reads its settings.
func TestPluginRows(t *testing.T) {
	sim := netboxsim.New(netboxsim.NetBox47)
	for _, row := range []struct {
		kind   string
		object map[string]any
	}{
		{"endpoints/proxmox", map[string]any{"name": "pve", "domain": "pve.example.org", "mode": "cluster"}},
		{"proxmox-clusters", map[string]any{"name": "c", "endpoint": 1, "mode": "cluster"}},
		{"proxmox-nodes", map[string]any{"name": "n1", "endpoint": 1, "proxmox_cluster": 1, "ip_address": "192.0.2.1"}},
	} {
		if _, err := sim.Seed(row.kind, row.object); err != nil {
			t.Error(err)
		}
	}
	request(t, sim, "PATCH", "plugins/proxbox/settings/1/", `{"delete_orphans":true,"netbox_retry_delay":"3.5"}`, http.StatusOK)
	var now map[string]any
	if err := json.Unmarshal(request(t, sim, "GET", "plugins/proxbox/settings/runtime/", nil, http.StatusOK), &now); err != nil {
		t.Fatal(err)
	}
	if now["delete_orphans"] != true || now["netbox_retry_delay"] != 3.5 || now["encryption_key"] != "" {
		t.Errorf("settings: %v", now)
	}
	request(t, sim, "POST", "plugins/proxbox/settings/", `{}`, http.StatusMethodNotAllowed)
	request(t, netboxsim.New(netboxsim.NetBox47Bare), "GET", "plugins/proxbox/settings/runtime/", nil, http.StatusNotFound)
	request(t, netboxsim.New(netboxsim.NetBox47Plugin15), "GET", "plugins/proxbox/settings/runtime/", nil, http.StatusOK)
	request(t, netboxsim.New(netboxsim.NetBox47Plugin15), "GET", "plugins/proxbox/sync-state/devices/", nil, http.StatusNotFound)
}

func TestDumpWithoutStampsIsRepeatable(t *testing.T) {
	make := func(stamps bool) []byte {
		sim := withCluster(t, netboxsim.NetBox47)
		fill := `[{"name":"a","cluster":1,"tags":[1]},{"name":"b","cluster":1}]`
		request(t, sim, "POST", guestsPath, fill, http.StatusCreated)
		return sim.Dump(stamps)
	}
	first, second := make(false), make(false)
	if !bytes.Equal(first, second) || !bytes.Contains(first, []byte(`"virtualization.virtualmachine"`)) || bytes.Contains(first, []byte("last_updated")) {
		t.Errorf("%s\n%s", first, second)
	}
	if !bytes.Contains(make(true), []byte("last_updated")) {
		t.Error("no stamps though they were asked for")
	}
}

func TestClockAndChangeLog(t *testing.T) {
	moment := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	sim := withCluster(t, netboxsim.NetBox47, netboxsim.WithClock(func() time.Time { return moment }), netboxsim.WithoutChangeLog())
	request(t, sim, "POST", guestsPath, `{"name":"a","cluster":1}`, http.StatusCreated)
	if got := sim.Objects(guestsPath)[0]["created"]; got != "2026-01-02T03:04:05Z" {
		t.Errorf("created %v", got)
	}
	if n := sim.Count("core.objectchange"); n != 0 {
		t.Errorf("%d entries in a change log that is not kept", n)
	}
}

// TestSideBySide reads and writes at once, for the race detector.
func TestSideBySide(t *testing.T) {
	sim := withCluster(t, netboxsim.NetBox47)
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			for i := range 20 {
				name := string(rune('a'+n)) + strings.Repeat("x", i)
				_, err := send(t.Context(), sim, "POST", guestsPath, `[{"name":"`+name+`","cluster":1,"tags":[1]}]`, http.StatusCreated)
				if err != nil {
					t.Error(err)
				}
				for _, path := range []string{guestsPath + "?limit=1000", guestsPath + "?tag=proxbox&ordering=-name", "core/object-changes/?limit=5"} {
					if _, err := send(t.Context(), sim, "GET", path, nil, http.StatusOK); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	if n := sim.Count(guestsPath); n != 80 {
		t.Errorf("%d guests", n)
	}
	if st := sim.Stats(); st.Requests != 320 || st.Writes != 80 {
		t.Errorf("%d requests, %d writes", st.Requests, st.Writes)
	}
}
