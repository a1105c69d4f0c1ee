package server

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"proxbox/internal/domain"
	"proxbox/internal/proxmox"
	proxmoxsim "proxbox/internal/sim/proxmox"
)

// hang makes a path of Proxmox answer nothing.
func (p *park) hang(paths ...string) {
	p.proxmox.Change(func(e *proxmoxsim.Estate) {
		e.Faults = map[string]proxmoxsim.Fault{}
		for _, path := range paths {
			e.Faults[path] = proxmoxsim.Fault{Hangs: true}
		}
	})
}

// Control routes answer from the last known state when Proxmox is slow, and
// say so; without one they say that it is slow.
func TestSlowProxmox(t *testing.T) {
	for _, path := range []string{"/proxmox/version", "/proxmox/sessions", "/proxmox/cluster/status", "/proxmox/nodes/"} {
		t.Run(path, func(t *testing.T) {
			p := newPark(t)
			p.add("demo (nb:1)", p.proxmox.Transport())
			target := path + "?source=database&proxmox_endpoint_ids=1"
			before := p.call(http.MethodGet, target, goodKey, "")
			if before.Code != http.StatusOK || before.Header().Get("X-Proxbox-Stale") != "" {
				t.Fatalf("at first: %d %v", before.Code, before.Header())
			}
			p.waits = patience{card: time.Millisecond, page: time.Millisecond, tab: time.Millisecond, job: time.Millisecond}
			p.hang("/version", "/cluster/status", "/nodes")
			after := p.call(http.MethodGet, target, goodKey, "")
			if after.Code != http.StatusOK || after.Header().Get("X-Proxbox-Stale") == "" || after.Body.String() != before.Body.String() {
				t.Errorf("while it hangs: %d %v %s; want %s", after.Code, after.Header(), after.Body, before.Body)
			}
			p.hang()
			p.waits = defaultPatience
		})
	}
}

func TestSlowProxmoxWithoutLastState(t *testing.T) {
	p := newPark(t)
	p.add("demo (nb:1)", p.proxmox.Transport())
	p.hang("/version", "/cluster/status", "/cluster/resources", "/nodes/pve1/time")
	p.waits = patience{card: time.Millisecond, page: time.Millisecond, tab: time.Millisecond, job: time.Millisecond}
	for _, path := range []string{"/proxmox/version", "/proxmox/cluster/status", "/proxmox/cluster/resources", "/proxmox/api2/nodes/pve1/time"} {
		w := p.call(http.MethodGet, path+"?proxmox_endpoint_ids=1", goodKey, "")
		if w.Code != http.StatusGatewayTimeout || !strings.Contains(w.Body.String(), "demo (nb:1)") || !strings.Contains(w.Body.String(), "did not answer within") {
			t.Errorf("GET %s: %d %s", path, w.Code, w.Body)
		}
	}
}

// An endpoint that refuses is down, whatever it said a moment ago.
func TestRefusingProxmoxHasNoLastState(t *testing.T) {
	p := newPark(t)
	p.add("demo (nb:1)", p.carry(p.proxmox.Transport()))
	const target = "/proxmox/version?proxmox_endpoint_ids=1"
	if w := p.call(http.MethodGet, target, goodKey, ""); w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	p.setFault(func(*http.Request) error { return errRefused })
	if w := p.call(http.MethodGet, target, goodKey, ""); w.Code != http.StatusBadGateway {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	// Another token is another endpoint: nothing is known of it.
	p.setFault(nil)
	if w := p.call(http.MethodPut, "/proxmox/endpoints/1", goodKey, `{"token_value":"00000000-0000-0000-0000-000000000001"}`); w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if w := p.call(http.MethodGet, target, goodKey, ""); w.Code != http.StatusBadGateway || !strings.Contains(w.Body.String(), "token_value") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// Many who ask the same at once make Proxmox answer once.
func TestReadsAreShared(t *testing.T) {
	p := newPark(t)
	release := make(chan struct{})
	var mu sync.Mutex
	sent := 0
	p.add("demo (nb:1)", roundTripper(func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "/nodes") {
			mu.Lock()
			sent++
			mu.Unlock()
			<-release
		}
		return p.proxmox.Transport().RoundTrip(r)
	}))
	const askers = 8
	answers := make(chan *httptest.ResponseRecorder, askers)
	for range askers {
		go func() { answers <- p.call(http.MethodGet, "/proxmox/nodes/?proxmox_endpoint_ids=1", goodKey, "") }()
	}
	for joined := 0; joined < askers; {
		time.Sleep(time.Millisecond)
		p.readers.mu.Lock()
		known := p.readers.all[1]
		p.readers.mu.Unlock()
		if known == nil {
			continue
		}
		known.mu.Lock()
		if f := known.under["/nodes?"]; f != nil {
			joined = f.asking
		}
		known.mu.Unlock()
	}
	close(release)
	for range askers {
		if w := <-answers; w.Code != http.StatusOK {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if sent != 1 {
		t.Errorf("%d requests for %d askers", sent, askers)
	}
}

// Reads end with the service, and with who asked.
func TestReadsEnd(t *testing.T) {
	p := newPark(t)
	p.add("demo (nb:1)", p.proxmox.Transport())
	p.hang("/version", "/cluster/status")
	answer := make(chan *httptest.ResponseRecorder, 1)
	go func() { answer <- p.call(http.MethodGet, "/proxmox/version?proxmox_endpoint_ids=1", goodKey, "") }()
	for p.proxmox.Requests()["/version"] == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if w := <-answer; w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if w := p.call(http.MethodGet, "/proxmox/version?proxmox_endpoint_ids=1", goodKey, ""); w.Code != http.StatusServiceUnavailable {
		t.Errorf("after the end: %d %s", w.Code, w.Body)
	}
}

// A token that may not see the cluster's status is still told its nodes, each
// with an address.
func TestRestrictedToken(t *testing.T) {
	p := newPark(t)
	p.add("demo (nb:1)", overlay{map[string]string{"/cluster/status": "403 Permission check failed (/, Sys.Audit)"}, p.proxmox.Transport()})
	w := p.call(http.MethodGet, "/proxmox/cluster/status?proxmox_endpoint_ids=1", goodKey, "")
	var got []clusterStatus
	decodeInto(t, w.Body.Bytes(), &got)
	if len(got) != 1 || got[0].Mode != "restricted" || got[0].Name != "demo.example.org" || len(got[0].NodeList) != 3 {
		t.Fatalf("%s", w.Body)
	}
	for _, n := range got[0].NodeList {
		if n.IP != "198.51.100.9" || !n.Online {
			t.Errorf("%+v", n)
		}
	}
}

// The plugin's release 0.0.15 means its own ids.
func TestPluginIDsAreResolved(t *testing.T) {
	p := newPark(t)
	if id := p.add("first (nb:4)", nil); id != 4 {
		t.Fatalf("id %d", id)
	}
	id := p.add("plain", nil)
	if w := p.call(http.MethodPut, "/proxmox/endpoints/"+statusText(id), goodKey, `{"name":"demo (nb:9)","domain":"host.example.org"}`); w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	p.mu.Lock()
	p.byDomain["host.example.org"] = proxmoxsim.New(standalone()).Transport()
	p.mu.Unlock()
	if w := p.call(http.MethodGet, "/proxmox/cluster/status?proxmox_endpoint_ids=9", goodKey, ""); !strings.Contains(w.Body.String(), `"name":"pve9"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// Two endpoints of one cluster are as good as one; two hosts of one name are
// not.
func TestNodesOfOneName(t *testing.T) {
	p := newPark(t)
	p.add("demo (nb:1)", p.proxmox.Transport())
	p.add("again (nb:2)", p.proxmox.Transport())
	w := p.call(http.MethodGet, "/proxmox/pve1/qemu/100/config", goodKey, "")
	if w.Code != http.StatusOK {
		t.Errorf("two of a cluster: %d %s", w.Code, w.Body)
	}
	if w = p.call(http.MethodGet, "/proxmox/cluster/resources?type=node", goodKey, ""); strings.Count(w.Body.String(), `"node/pve1"`) != 1 {
		t.Errorf("a node twice: %s", w.Body)
	}
	p.add("host (nb:3)", proxmoxsim.New(standalone()).Transport())
	p.add("other (nb:4)", proxmoxsim.New(standalone()).Transport())
	if w = p.call(http.MethodGet, "/proxmox/pve9/qemu/100/config", goodKey, ""); w.Code != http.StatusConflict {
		t.Errorf("two hosts: %d %s", w.Code, w.Body)
	}
	if w = p.call(http.MethodGet, "/proxmox/pve9/qemu/100/config?name=other", goodKey, ""); w.Code != http.StatusOK {
		t.Errorf("one of them: %d %s", w.Code, w.Body)
	}
}

// Without endpoints there is nothing to say, and it is said plainly.
func TestReadsWithoutEndpoints(t *testing.T) {
	p := newPark(t)
	for path, want := range map[string]string{"/proxmox/cluster/status": "[]", "/proxmox/nodes/": "[]", "/proxmox/version": "[]", "/proxmox/firewall/summary": "[]",
		"/proxmox/cluster/ha/summary": `{"status":[],"groups":[],"resources":[],"rules":[]}`} {
		if w := p.call(http.MethodGet, path, goodKey, ""); w.Code != http.StatusOK || strings.TrimSpace(w.Body.String()) != want {
			t.Errorf("GET %s: %d %s", path, w.Code, w.Body)
		}
	}
	if w := p.call(http.MethodGet, "/proxmox/pve1/qemu/100/config", goodKey, ""); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "no enabled Proxmox endpoint") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// An endpoint whose row cannot be used costs only itself.
func TestUnusableEndpoint(t *testing.T) {
	p := newPark(t)
	p.add("demo (nb:1)", p.proxmox.Transport())
	p.add("broken (nb:2)", nil)
	open := p.readers.open
	p.readers.open = func(ep domain.ProxmoxEndpoint) (*proxmox.Client, error) {
		if ep.ID == 2 {
			ep.Domain, ep.IPAddress = "", ""
		}
		return open(ep)
	}
	if w := p.call(http.MethodGet, "/proxmox/version", goodKey, ""); w.Code != http.StatusOK || w.Header().Get("X-Proxbox-Failed") != "2" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if w := p.call(http.MethodGet, "/proxmox/version?proxmox_endpoint_ids=2", goodKey, ""); w.Code != http.StatusBadGateway || !strings.Contains(w.Body.String(), "ip_address") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
