package server

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// controlRoutes are what the plugin asks to find out whether the service is
// there and what it has. It waits 5 seconds for most of them.
var controlRoutes = []string{
	"/", "/health", "/version", "/openapi.json", "/auth/bootstrap-status", "/auth/keys", "/netbox/endpoint", "/netbox/endpoint/1", "/proxmox/endpoints",
	"/proxmox/endpoints/1", "/proxmox/version?source=database&proxmox_endpoint_ids=1", "/proxmox/sessions?source=database&proxmox_endpoint_ids=1",
	"/proxmox/cluster/status?source=database&proxmox_endpoint_ids=1", "/proxmox/nodes/?source=database&proxmox_endpoint_ids=1", "/sync/active", "/admin/logs",
	"/admin/encryption/status", "/extras/bootstrap-status", "/pbs/status", "/cache", "/cache/metrics",
}

// While a sync runs whose NetBox and Proxmox hang, control routes answer within
// 4 seconds, and the sync's own stream is not silent for longer than 15.
func TestControlRoutesAnswerWhileASyncHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, "PROXBOX_RATE_LIMIT=0").withKeys().withEndpoints()
		for _, path := range controlRoutes {
			if w := f.call(http.MethodGet, path, goodKey, ""); w.Code != http.StatusOK {
				t.Errorf("%s before: %d %s", path, w.Code, w.Body)
			}
		}
		answer := f.hang()
		ctx, cancel := context.WithCancel(t.Context())
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/full-update/stream", nil)
		r.Header.Set(keyHeader, goodKey)
		w := &collector{header: http.Header{}}
		done := make(chan struct{})
		go func() { defer close(done); f.ServeHTTP(w, r) }()
		for silent := range 3 {
			synctest.Wait()
			if n := strings.Count(w.String(), ": keepalive\n\n"); n < silent {
				t.Errorf("after %d times 15 seconds there are %d comments", silent, n)
			}
			for _, path := range controlRoutes {
				began := time.Now()
				w := f.call(http.MethodGet, path, goodKey, "")
				if after := time.Since(began); w.Code != http.StatusOK || after > 4*time.Second {
					t.Errorf("%s while the sync hangs: %d after %v %s", path, w.Code, after, w.Body)
				}
			}
			time.Sleep(15 * time.Second)
		}
		cancel()
		<-done
		answer()
	})
}
