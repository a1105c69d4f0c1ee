package server

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"proxbox/internal/run"
)

// A sync's stream ends with its key; the run goes on as long as one whose
// client hung up.
func TestStreamOfARevokedKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t).withKeys().withEndpoints()
		answer := f.hang()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/full-update/stream", nil)
		r.Header.Set(keyHeader, goodKey)
		w := &collector{header: http.Header{}}
		done := make(chan struct{})
		go func() { defer close(done); f.ServeHTTP(w, r) }()
		time.Sleep(5 * recheck)
		synctest.Wait()
		select {
		case <-done:
			t.Fatalf("the stream of a good key ends: %s", w.String())
		default:
		}
		f.revoke()
		time.Sleep(recheck)
		synctest.Wait()
		select {
		case <-done:
		default:
			t.Fatal("the stream goes on with a key that was revoked")
		}
		events := readEvents(t, strings.NewReader(w.String()))
		end := complete(t, events)
		if end["ok"] != false || !strings.Contains(w.String(), errRevoked.Error()) || !strings.Contains(w.String(), `"category":"authentication"`) {
			t.Errorf("it ends with %v", end)
		}
		going := f.launcher.Manager.Active()[0]
		time.Sleep(run.Abandoned - time.Second)
		select {
		case <-going.Done():
			t.Fatal("the run ended with the stream")
		default:
		}
		time.Sleep(2 * time.Second)
		answer()
		<-going.Done()
		if _, err := going.Result(); !errors.Is(err, run.ErrAbandoned) {
			t.Errorf("the run: %v", err)
		}
	})
}

// Every WebSocket ends with its key, whether it is silent or told of a run.
func TestSocketOfARevokedKey(t *testing.T) {
	bubble(t, func(t *testing.T, f *fixture, open func(string) *client) {
		answer := f.hang()
		defer answer()
		var all []*client
		for path := range socketPaths {
			all = append(all, open(path).sendKey(goodKey))
		}
		for _, c := range all {
			c.next()
		}
		time.Sleep(recheck)
		synctest.Wait()
		revoked := time.Now()
		f.revoke()
		for _, c := range all {
			if code, reason := c.closed(); code != closeUnauthorized || !strings.Contains(reason, "API key") || time.Since(revoked) > recheck {
				t.Errorf("closed with %d %q after %v", code, reason, time.Since(revoked))
			}
		}
	})
}
