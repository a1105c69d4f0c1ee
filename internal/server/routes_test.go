package server

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"proxbox/internal/run"
)

var pathParameter = regexp.MustCompile(`\{[^}]*\}`)

// everyRoute returns the routes of the router, with parameters filled in.
func everyRoute(t *testing.T, s *Server) [][2]string {
	t.Helper()
	var all [][2]string
	err := chi.Walk(s.router, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		all = append(all, [2]string{method, pathParameter.ReplaceAllString(route, "987654321")})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Nothing but this is answered without an API key.
var publicRoutes = []string{"GET /", "GET /health", "GET /auth/bootstrap-status", "POST /auth/register-key", "GET /openapi.json",
	"GET /ws", "GET /ws/virtual-machines", // their key is in the first frame
	"GET /redoc", "GET /docs", "GET /docs/", "GET /docs/index.html", "GET /docs/swagger-ui.css", "GET /docs/swagger-ui-bundle.js",
	"GET /docs/swagger-ui-standalone-preset.js", "GET /docs/favicon-16x16.png", "GET /docs/favicon-32x32.png"}

// glance is call for who goes away when the answer begins, for some never end.
func (f *fixture) glance(method, path, key string) *httptest.ResponseRecorder {
	ctx, cancel := context.WithCancel(f.t.Context())
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, method, path, nil)
	if key != "" {
		r.Header.Set(keyHeader, key)
	}
	w := &glancing{httptest.NewRecorder(), cancel}
	f.ServeHTTP(w, r)
	return w.ResponseRecorder
}

type glancing struct {
	*httptest.ResponseRecorder
	leave func()
}

func (g *glancing) Write(b []byte) (int, error) {
	defer g.leave()
	return g.ResponseRecorder.Write(b)
}

// Every route with every kind of key: a new one cannot be forgotten.
func TestAuthorizationMatrix(t *testing.T) {
	f := newFixture(t, "PROXBOX_RATE_LIMIT=0", "PROXBOX_AUTH_LOCKOUT_THRESHOLD=1000000", "PROXBOX_AUTH_LOCKOUT_SOURCE_THRESHOLD=1000000").withKeys()
	routes := everyRoute(t, f.Server)
	if len(routes) < 60 {
		t.Errorf("%d routes", len(routes))
	}
	for _, route := range routes {
		method, path := route[0], route[1]
		public := slices.Contains(publicRoutes, method+" "+path)
		for name, key := range map[string]string{"no key": "", "bad key": badKey, "revoked key": revokedKey, "good key": goodKey} {
			w := f.glance(method, path, key)
			if refused := w.Code == http.StatusUnauthorized; refused != (!public && key != goodKey) {
				t.Errorf("%s %s with %s: %d %.200s", method, path, name, w.Code, w.Body)
			}
			if w.Code == http.StatusInternalServerError || w.Code == http.StatusNotFound && public {
				t.Errorf("%s %s with %s: %d %.200s", method, path, name, w.Code, w.Body)
			}
		}
	}
}

// Paths that look like public ones are not.
func TestPublicPathsAreExact(t *testing.T) {
	f := newFixture(t, "PROXBOX_AUTH_LOCKOUT_THRESHOLD=1000000", "PROXBOX_AUTH_LOCKOUT_SOURCE_THRESHOLD=1000000").withKeys()
	for _, path := range []string{"//", "/health/", "/docsx", "/auth/register-key/", "/auth/keys", "/docs/../auth/keys", "/docs/%2e%2e/auth/keys", "/Health",
		"//auth/keys", "/./auth/keys", "/docs//../../auth/keys"} {
		w := f.call(http.MethodGet, "http://example.org"+path, "", "")
		if strings.Contains(w.Body.String(), `"keys"`) || w.Code == http.StatusOK {
			t.Errorf("GET %s without a key: %d %.100s", path, w.Code, w.Body)
		}
	}
}

// What the plugin calls of syncs, word for word.
var pluginPaths = []string{
	"/dcim/devices/create/stream",
	"/virtualization/virtual-machines/storage/create/stream",
	"/virtualization/virtual-machines/create/stream",
	"/virtualization/virtual-machines/{netbox_vm_id}/create/stream",
	"/virtualization/virtual-machines/task-history/create/stream",
	"/virtualization/virtual-machines/virtual-disks/create/stream",
	"/virtualization/virtual-machines/{netbox_vm_id}/virtual-disks/create/stream",
	"/virtualization/virtual-machines/backups/all/create/stream",
	"/virtualization/virtual-machines/{netbox_vm_id}/backups/create/stream",
	"/virtualization/virtual-machines/snapshots/all/create/stream",
	"/virtualization/virtual-machines/{netbox_vm_id}/snapshots/create/stream",
	"/dcim/devices/interfaces/create/stream",
	"/virtualization/virtual-machines/interfaces/create/stream",
	"/virtualization/virtual-machines/interfaces/ip-address/create/stream",
	"/proxmox/sdn/create/stream",
	"/proxmox/replication/stream",
	"/proxmox/cluster/backup/stream",
	"/full-update", "/full-update/stream", "/sync/active",
	"/", "/health", "/version", "/docs", "/openapi.json",
	"/auth/bootstrap-status", "/auth/keys", "/netbox/endpoint", "/netbox/endpoint/{netbox_id}", "/proxmox/endpoints", "/proxmox/endpoints/{endpoint_id}",
}

func TestDocument(t *testing.T) {
	document, err := Document()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "openapi.json", document)
	doc := decode(t, document).(map[string]any)
	if version, _ := doc["openapi"].(string); !strings.HasPrefix(version, "3.0.") {
		t.Errorf("OpenAPI %s", version)
	}
	paths := doc["paths"].(map[string]any)
	for _, path := range pluginPaths {
		if paths[path] == nil {
			t.Errorf("%s is not in the document", path)
		}
	}
	f := newFixture(t)
	w := f.call(http.MethodGet, "/openapi.json", "", "")
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" || len(decode(t, w.Body.Bytes()).(map[string]any)["paths"].(map[string]any)) != len(paths) {
		t.Errorf("GET /openapi.json: %d %s", w.Code, w.Header().Get("Content-Type"))
	}
	// Every route is in the document, but for the files of the documentation.
	err = chi.Walk(f.router, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		item, _ := paths[strings.Replace(route, "/*", "/{path}", 1)].(map[string]any)
		if item[strings.ToLower(method)] == nil && !strings.HasPrefix(route, "/docs/") {
			t.Errorf("%s %s is not in the document", method, route)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestDocs(t *testing.T) {
	f := newFixture(t)
	for _, path := range []string{"/docs", "/docs/", "/docs/index.html"} {
		w := f.call(http.MethodGet, path, "", "")
		checkEveryAnswer(t, path, w)
		body := w.Body.String()
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(body, `openapi.json"`) {
			t.Fatalf("GET %s: %d %s", path, w.Code, body)
		}
		// Everything that the page loads is here, whatever the path it was asked for by.
		loads := regexp.MustCompile(`(?:src|href)="([^"#]*)"`).FindAllStringSubmatch(body, -1)
		if len(loads) < 5 {
			t.Errorf("the page loads %v", loads)
		}
		for _, load := range loads {
			if w := f.call(http.MethodGet, load[1], "", ""); w.Code != http.StatusOK || w.Body.Len() == 0 {
				t.Errorf("%s, which the page loads: %d", load[1], w.Code)
			}
		}
		if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "script-src 'self' 'sha256-") || strings.Contains(policy, "http") {
			t.Errorf("policy %s", policy)
		}
	}
	for encoding, want := range map[string]string{"gzip, deflate": "gzip", "": ""} {
		w := f.send(http.MethodGet, "/docs/swagger-ui-bundle.js", "192.0.2.1", "Accept-Encoding", encoding)
		if w.Code != http.StatusOK || w.Header().Get("Content-Encoding") != want || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/javascript") {
			t.Errorf("for %q: %d %v", encoding, w.Code, w.Header())
		}
		if want == "" && !strings.Contains(w.Body.String(), "SwaggerUIBundle") {
			t.Errorf("not expanded: %.40q", w.Body)
		}
	}
	if w := f.call(http.MethodGet, "/docs/oauth2-redirect.html", "", ""); w.Code != http.StatusNotFound {
		t.Errorf("a file that nothing needs: %d", w.Code)
	}
}

// The table of stages is run's.
func TestStagesAreThoseOfTheRun(t *testing.T) {
	var names, wire []string
	for _, s := range run.Stages {
		names = append(names, s.Name)
	}
	for _, w := range wireStages {
		wire = append(wire, w.name)
	}
	if !slices.Equal(names, wire) {
		t.Errorf("stages of the wire %v; of the run %v", wire, names)
	}
	for _, r := range stageRoutes {
		if _, err := run.StageNamed(r.stage); err != nil {
			t.Error(err)
		}
	}
}

// What other tests do is in the golden files only if those are written.
func TestGoldenFilesHoldNoSecret(t *testing.T) {
	files, err := filepath.Glob("../../api/wire/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range append(strings.Fields(secretTokens), goodKey, badKey, revokedKey) {
			if bytes.Contains(raw, []byte(word)) {
				t.Errorf("%s holds a secret", name)
			}
		}
	}
}
