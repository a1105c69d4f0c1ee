package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"golang.org/x/crypto/bcrypt"

	"proxbox/internal/auth"
	"proxbox/internal/domain"
	"proxbox/internal/run"
	"proxbox/internal/secret"
	"proxbox/internal/settings"
	netboxsim "proxbox/internal/sim/netbox"
	proxmoxsim "proxbox/internal/sim/proxmox"
	"proxbox/internal/store"
)

var update = flag.Bool("update", false, "write the golden files")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	goodKey    = "good-key-0123456789-0123456789-0123456789"
	revokedKey = "revoked-key-0123456789-0123456789-0123456"
	badKey     = "bad-key-0123456789-0123456789-0123456789"
)

// fixture is the whole service on a store of its own, with a simulated NetBox
// and Proxmox behind it.
type fixture struct {
	*Server
	t       *testing.T
	store   *store.Store
	netbox  *netboxsim.Server
	proxmox *proxmoxsim.Server
	log     *safeBuffer

	mu    sync.Mutex
	fault func(*http.Request) error // of a request to NetBox or Proxmox; nil for none
}

// safeBuffer may be written to from several goroutines.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// newFixture returns a service. Environ is its environment.
func newFixture(t *testing.T, environ ...string) *fixture {
	t.Helper()
	box, err := secret.NewBox("the key")
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(t.Context(), store.Options{DataDir: t.TempDir(), Box: box})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	values, err := settings.Load(append([]string{"PROXBOX_NETBOX_MAX_CONCURRENT=1", "PROXBOX_NETBOX_MAX_RETRIES=0", "PROXBOX_PROXMOX_MAX_RETRIES=0"}, environ...))
	if err != nil {
		t.Fatal(err)
	}
	authenticator, err := auth.New(t.Context(), st, auth.Options{Policy: auth.PolicyFrom(values)})
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{t: t, store: st, netbox: netboxsim.New(netboxsim.NetBox47), proxmox: proxmoxsim.New(proxmoxsim.Demo(3)), log: &safeBuffer{}}
	launcher := &run.Launcher{
		Endpoints: run.Stored{Store: st}, Settings: values, Manager: run.NewManager(nil), History: st.Runs(), Memory: run.NewMemory(time.Minute),
		ProxmoxTransport: func(domain.ProxmoxEndpoint) http.RoundTripper { return f.carry(f.proxmox.Transport()) },
		NetBoxTransport:  f.carry(f.netbox.Client().Transport),
	}
	log := slog.New(slog.NewTextHandler(f.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	f.Server, err = New(Options{Store: st, Auth: authenticator, Launcher: launcher, Settings: values, Version: "v1.2.3", Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = f.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := launcher.Manager.Shutdown(ctx); err != nil {
			t.Errorf("runs that do not end: %v", err)
		}
	})
	return f
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// carry lets the fixture's fault stand before a transport.
func (f *fixture) carry(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		f.mu.Lock()
		fault := f.fault
		f.mu.Unlock()
		if fault != nil {
			if err := fault(r); err != nil {
				return nil, err
			}
		}
		return next.RoundTrip(r)
	})
}

func (f *fixture) setFault(fault func(*http.Request) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = fault
}

// hang has NetBox and Proxmox answer nothing until the function that it returns
// is called.
func (f *fixture) hang() (answer func()) {
	block := make(chan struct{})
	f.setFault(func(r *http.Request) error {
		select {
		case <-block:
		case <-r.Context().Done():
		}
		return r.Context().Err()
	})
	return func() { close(block) }
}

var errRefused = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}

// withKeys adds the good key and the revoked one, with a bcrypt that costs
// next to nothing.
func (f *fixture) withKeys() *fixture {
	f.t.Helper()
	for _, key := range []string{revokedKey, goodKey} {
		hash, err := bcrypt.GenerateFromPassword([]byte(key), bcrypt.MinCost)
		if err != nil {
			f.t.Fatal(err)
		}
		row, err := f.store.Keys().Create(f.t.Context(), store.APIKey{Label: key[:4], Hash: string(hash), CreatedAt: time.Unix(1795488776, 500e6)}, 32)
		if err != nil {
			f.t.Fatal(err)
		}
		if key == goodKey {
			if _, err := f.store.Keys().SetActive(f.t.Context(), row.ID-1, false, 32); err != nil {
				f.t.Fatal(err)
			}
		}
	}
	return f
}

// revoke switches the good key off; the other one takes its place.
func (f *fixture) revoke() {
	f.t.Helper()
	for _, key := range []struct {
		id     int
		active bool
	}{{1, true}, {2, false}} {
		if _, err := f.store.Keys().SetActive(f.t.Context(), key.id, key.active, 32); err != nil {
			f.t.Fatal(err)
		}
	}
}

// withEndpoints adds the simulated NetBox and Proxmox.
func (f *fixture) withEndpoints() *fixture {
	f.t.Helper()
	_, err := f.store.NetBoxEndpoints().Create(f.t.Context(), store.NetBoxChange{Name: store.To("nb"), Domain: store.To("netbox.example.org"),
		Port: store.To(8080), VerifySSL: store.To(false), Token: store.To(domain.Secret(netboxsim.Token))})
	if err != nil {
		f.t.Fatal(err)
	}
	e := f.proxmox.Endpoint()
	_, err = f.store.ProxmoxEndpoints().Create(f.t.Context(), store.ProxmoxChange{Name: store.To("demo (nb:1)"), Domain: store.To("pve.example.org"),
		Username: store.To(e.Username), TokenName: store.To(e.TokenName), TokenValue: store.To(e.TokenValue), Password: store.To(e.Password)})
	if err != nil {
		f.t.Fatal(err)
	}
	return f
}

// withPluginEndpoint makes what the plugin keeps about the Proxmox endpoint.
func (f *fixture) withPluginEndpoint() *fixture {
	f.t.Helper()
	f.seed("netbox_proxbox.proxmoxendpoint", map[string]any{"id": 1, "name": "demo", "domain": "pve.example.org", "port": 8006, "mode": "cluster", "username": "root@pam"})
	return f
}

// call sends a request with a key ("" for none) and returns the answer.
func (f *fixture) call(method, path, key, body string) *httptest.ResponseRecorder {
	f.t.Helper()
	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}
	r := httptest.NewRequestWithContext(f.t.Context(), method, path, in)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set(keyHeader, key)
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w
}

// get is call for what must succeed, decoded.
func (f *fixture) get(path string) any {
	f.t.Helper()
	w := f.call(http.MethodGet, path, goodKey, "")
	if w.Code != http.StatusOK {
		f.t.Fatalf("GET %s: %d %s", path, w.Code, w.Body)
	}
	return decode(f.t, w.Body.Bytes())
}

func decode(t *testing.T, raw []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	return v
}

// sent is an event as a client reads it.
type sent struct {
	event string
	data  map[string]any
	raw   string
}

// readEvents reads events as the plugin does: every line that is not event,
// data, a comment or blank is an error.
func readEvents(t *testing.T, body io.Reader) []sent {
	t.Helper()
	var all []sent
	var now sent
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, ":"):
		case strings.HasPrefix(line, "event: "):
			now.event = line[len("event: "):]
		case strings.HasPrefix(line, "data: "):
			now.raw += line[len("data: "):]
		case line == "" && now.event != "":
			if err := json.Unmarshal([]byte(now.raw), &now.data); err != nil {
				t.Errorf("event %s: %v: %s", now.event, err, now.raw)
			}
			all = append(all, now)
			now = sent{}
		case line != "":
			t.Errorf("a line that the plugin does not know: %q", line)
		}
	}
	return all
}

// stream follows a stream to its end.
func (f *fixture) stream(path string) []sent {
	f.t.Helper()
	w := f.call(http.MethodGet, path, goodKey, "")
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/event-stream; charset=utf-8" {
		f.t.Fatalf("GET %s: %d %s %s", path, w.Code, w.Header().Get("Content-Type"), w.Body)
	}
	return readEvents(f.t, w.Body)
}

// complete is the last event, which must be the only "complete".
func complete(t *testing.T, events []sent) map[string]any {
	t.Helper()
	for i, e := range events {
		if e.event == "complete" && i != len(events)-1 {
			t.Errorf("complete is event %d of %d", i+1, len(events))
		}
	}
	if len(events) == 0 || events[len(events)-1].event != "complete" {
		t.Fatalf("the stream has no complete: %v", events)
	}
	return events[len(events)-1].data
}

var uuidPattern = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// golden compares with a file in api/; -update writes it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	got = uuidPattern.ReplaceAll(got, []byte("00000000-0000-4000-8000-000000000000"))
	path := filepath.Join("..", "..", "api", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is not what it was (-update writes it; - golden, + now):\n%s", path, diff)
	}
}
