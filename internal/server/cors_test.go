package server

import (
	"net/http"
	"strings"
	"testing"
)

// A page may ask with any method that a route has, and with no credentials of
// the browser's. What it asks before asking needs no key, and not having one
// is no failure.
func TestCORSWithoutCredentials(t *testing.T) {
	const origin = "https://netbox.example.org"
	f := newFixture(t, "PROXBOX_CORS_EXTRA_ORIGINS="+origin, "PROXBOX_AUTH_LOCKOUT_THRESHOLD=1").withKeys()
	for _, path := range []string{"/admin/logs", "/admin/logs/stream", "/proxmox/endpoints/1", "/nothing", "/ws"} {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
			w := f.send(http.MethodOptions, path, "192.0.2.1", "Origin", origin, "Access-Control-Request-Method", method,
				"Access-Control-Request-Headers", strings.ToLower(keyHeader))
			checkEveryAnswer(t, path, w)
			h := w.Header()
			if w.Code != http.StatusNoContent || h.Get("Access-Control-Allow-Origin") != origin || !strings.Contains(h.Get("Access-Control-Allow-Methods"), method) ||
				h.Get("Access-Control-Allow-Credentials") != "" || w.Body.Len() != 0 {
				t.Errorf("%s %s: %d %v", method, path, w.Code, h)
			}
		}
	}
	w := f.send(http.MethodGet, "/admin/logs", "192.0.2.1", "Origin", origin, keyHeader, goodKey)
	if h := w.Header(); w.Code != http.StatusOK || h.Get("Access-Control-Allow-Origin") != origin || h.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("with a key: %d %v", w.Code, h)
	}
	if w := f.send(http.MethodGet, "/admin/logs", "192.0.2.1", "Origin", origin); w.Code != http.StatusUnauthorized {
		t.Errorf("the first request without a key: %d %s", w.Code, w.Body)
	}
	// OPTIONS that is no question of a browser is a request like any other.
	if w := f.send(http.MethodOptions, "/admin/logs", "192.0.2.9"); w.Code != http.StatusUnauthorized {
		t.Errorf("OPTIONS without an origin: %d", w.Code)
	}
}
