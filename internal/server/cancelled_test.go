package server

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// followCancelled asks for a stream as a client of an address, and cancels the
// run while it is told.
func (f *fixture) followCancelled(path, client string) {
	f.t.Helper()
	answer := f.hang()
	ctx, cancel := context.WithCancel(f.t.Context())
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil)
	r.Header.Set(keyHeader, goodKey)
	r.RemoteAddr = client + ":1"
	w := &collector{header: http.Header{}}
	done := make(chan struct{})
	go func() { defer close(done); f.ServeHTTP(w, r) }()
	synctest.Wait()
	id := f.launcher.Manager.Active()[0].ID
	if c := f.call(http.MethodPost, "/sync/active/"+id+"/cancel", goodKey, ""); c.Code != http.StatusAccepted {
		f.t.Fatalf("cancelling: %d %s", c.Code, c.Body)
	}
	answer()
	<-done
	f.setFault(nil)
	if end := complete(f.t, readEvents(f.t, strings.NewReader(w.String()))); end["ok"] != false || !strings.Contains(fmt.Sprint(end["errors"]), "cancelled") {
		f.t.Fatalf("a stream of a run that was cancelled ends with %v", end)
	}
}

// What a person cancelled is not begun again by the client that followed it,
// which takes the end of its stream for a failure: its next try is refused in
// a way that it does not try again after.
func TestCancelledIsNotTriedAgain(t *testing.T) {
	const worker, other = "192.0.2.7", "192.0.2.8"
	const stage, another, full = "/dcim/devices/create/stream?proxmox_endpoint_ids=1", "/dcim/devices/create/stream?proxmox_endpoint_ids=1&overwrite_device_tags=false",
		"/full-update/stream"
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, "PROXBOX_RATE_LIMIT=0").withKeys().withEndpoints()
		ask := func(path, client string, want int) string {
			t.Helper()
			w := f.send(http.MethodGet, path, client, keyHeader, goodKey)
			checkDocumented(t, f.Server, http.MethodGet, path, w)
			if w.Code != want {
				t.Errorf("%s from %s: %d %s; want %d", path, client, w.Code, w.Body, want)
			}
			return w.Body.String()
		}
		f.followCancelled(stage, worker)
		ask(stage, other, http.StatusOK)
		ask(another, worker, http.StatusOK)
		time.Sleep(8 * time.Second) // which the plugin waits
		if said := ask(stage, worker, http.StatusConflict); !strings.Contains(said, `"sync_cancelled"`) || !strings.Contains(said, "was cancelled") {
			t.Errorf("the try after it: %s", said)
		}
		ask(stage, worker, http.StatusOK) // a person began it anew

		f.followCancelled(stage, worker)
		time.Sleep(cancelHolds + time.Second)
		ask(stage, worker, http.StatusOK)

		f.followCancelled(full, worker)
		ask(full, worker, http.StatusOK)
	})
}
