package server

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"proxbox/internal/domain"
	"proxbox/internal/store"
)

// send is call with headers, from an address.
func (f *fixture) send(method, path, from string, headers ...string) *httptest.ResponseRecorder {
	f.t.Helper()
	r := httptest.NewRequestWithContext(f.t.Context(), method, path, nil)
	r.RemoteAddr = from + ":4711"
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w
}

func TestRateLimit(t *testing.T) {
	f := newFixture(t, "PROXBOX_RATE_LIMIT=3", "PROXBOX_TRUSTED_PROXIES=10.0.0.0/8").withKeys()
	clock := time.Unix(1_800_000_000, 0)
	f.limit.now = func() time.Time { return clock }
	const here, there = "192.0.2.1", "192.0.2.2"
	want := func(w *httptest.ResponseRecorder, status int) {
		t.Helper()
		if w.Code != status {
			t.Errorf("%d %s; want %d", w.Code, w.Body, status)
		}
		checkEveryAnswer(t, "a limited request", w)
	}
	for range 3 {
		want(f.send("GET", "/auth/bootstrap-status", here), http.StatusOK)
	}
	clock = clock.Add(20 * time.Second)
	w := f.send("GET", "/auth/bootstrap-status", here)
	want(w, http.StatusTooManyRequests)
	if w.Header().Get("Retry-After") != "40" || !strings.Contains(w.Body.String(), "Rate limit exceeded.") {
		t.Errorf("%v %s", w.Header(), w.Body)
	}
	want(f.send("GET", "/version", here), http.StatusTooManyRequests)
	want(f.send("GET", "/version", here, keyHeader, badKey), http.StatusTooManyRequests)
	want(f.send("GET", "/health", here), http.StatusOK)
	// A valid key is not limited, and others are not either.
	for range 5 {
		want(f.send("GET", "/version", here, keyHeader, goodKey), http.StatusOK)
		want(f.send("GET", "/auth/bootstrap-status", here, keyHeader, goodKey), http.StatusOK)
	}
	want(f.send("GET", "/auth/bootstrap-status", there), http.StatusOK)
	want(f.send("GET", "/auth/bootstrap-status", "10.0.0.1", "X-Forwarded-For", there), http.StatusOK)
	want(f.send("GET", "/auth/bootstrap-status", "10.0.0.1", "X-Forwarded-For", here), http.StatusTooManyRequests)
	// Who is no trusted proxy speaks for himself alone.
	want(f.send("GET", "/auth/bootstrap-status", here, "X-Forwarded-For", "192.0.2.9"), http.StatusTooManyRequests)
	clock = clock.Add(40 * time.Second)
	want(f.send("GET", "/auth/bootstrap-status", here), http.StatusOK)
}

func TestLimiterIsBounded(t *testing.T) {
	l := newLimiter(1)
	for i := range maxSources + 10 {
		wait := l.take(fmt.Sprint(i))
		if known := i < maxSources; known && wait != 0 {
			t.Fatalf("source %d has to wait %s", i, wait)
		}
	}
	if len(l.seen) > maxSources+1 {
		t.Errorf("%d sources are remembered", len(l.seen))
	}
	if l.take("one more") == 0 {
		t.Error("sources beyond the bound are not limited together")
	}
	off := newLimiter(0)
	for range 3 {
		if off.take("x") != 0 {
			t.Error("no limit is a limit")
		}
	}
}

func TestLockout(t *testing.T) {
	f := newFixture(t).withKeys()
	for range 5 {
		f.call("GET", "/version", badKey, "")
	}
	w := f.call("GET", "/version", badKey, "")
	checkEveryAnswer(t, "GET /version", w)
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "Too many failed authentication attempts.") {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if w := f.call("GET", "/version", goodKey, ""); w.Code != http.StatusOK {
		t.Errorf("somebody else's failures lock a valid key out: %d", w.Code)
	}
	if w := f.call("GET", "/health", badKey, ""); w.Code != http.StatusOK {
		t.Errorf("a public path: %d", w.Code)
	}
}

func TestCORS(t *testing.T) {
	f := newFixture(t, "PROXBOX_CORS_EXTRA_ORIGINS=https://ui.example.org").withKeys()
	const own = "http://netbox.example.org:8080"
	preflight := func(origin string) *httptest.ResponseRecorder {
		w := f.send("OPTIONS", "/admin/logs", "192.0.2.1", "Origin", origin, "Access-Control-Request-Method", "PATCH")
		checkEveryAnswer(t, "preflight", w)
		return w
	}
	if w := preflight(own); w.Code != http.StatusForbidden || w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("before there is an endpoint: %d %v", w.Code, w.Header())
	}
	_, err := f.store.NetBoxEndpoints().Create(t.Context(), store.NetBoxChange{Name: store.To("nb"), Domain: store.To("NetBox.example.org"),
		IPAddress: store.To("2001:db8::1"), Port: store.To(8080), VerifySSL: store.To(false), Token: store.To(domain.Secret("t"))})
	if err != nil {
		t.Fatal(err)
	}
	for _, origin := range []string{own, "https://netbox.example.org", "http://[2001:db8::1]:8080", "https://ui.example.org"} {
		w := preflight(origin)
		if w.Code != http.StatusNoContent || w.Header().Get("Access-Control-Allow-Origin") != origin ||
			!strings.Contains(w.Header().Get("Access-Control-Allow-Methods"), "PATCH") ||
			!strings.Contains(w.Header().Get("Access-Control-Allow-Headers"), keyHeader) || w.Header().Get("Vary") != "Origin" {
			t.Errorf("%s: %d %v", origin, w.Code, w.Header())
		}
		// A refusal must be readable in the browser too.
		if w := f.send("GET", "/version", "192.0.2.1", "Origin", origin); w.Code != http.StatusUnauthorized || w.Header().Get("Access-Control-Allow-Origin") != origin {
			t.Errorf("a refusal for %s: %d %v", origin, w.Code, w.Header())
		}
	}
	for _, origin := range []string{"https://evil.example.org", "http://netbox.example.org.evil.org", "null", "https://netbox.example.org:8443", "http://localhost:3000"} {
		if w := preflight(origin); w.Code != http.StatusForbidden || w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %d %v", origin, w.Code, w.Header())
		}
		if w := f.send("GET", "/version", "192.0.2.1", "Origin", origin, keyHeader, goodKey); w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s may read: %v", origin, w.Header())
		}
	}
}

func TestRecover(t *testing.T) {
	f := newFixture(t)
	handler := f.access(f.secure(f.recover(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		panic("token_value=11111111-2222-3333-4444-555555555555 is odd")
	}))))
	w := httptest.NewRecorder()
	identify(handler).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/x", nil))
	checkEveryAnswer(t, "a handler that panics", w)
	if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), w.Header().Get("X-Request-ID")) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if log := f.log.String(); !strings.Contains(log, w.Header().Get("X-Request-ID")) || strings.Contains(log, "11111111-2222") {
		t.Errorf("log: %s", log)
	}
	// Half an answer is cut off, so that it does not look whole.
	half := identify(f.access(f.recover(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("half"))
		panic("late")
	}))))
	defer func() {
		if p := recover(); p != http.ErrAbortHandler {
			t.Errorf("recovered %v", p)
		}
	}()
	half.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/x", nil))
}

func TestRequestID(t *testing.T) {
	f := newFixture(t)
	if w := f.send("GET", "/health", "192.0.2.1", "X-Request-ID", "abc-123"); w.Header().Get("X-Request-ID") != "abc-123" {
		t.Errorf("id %q", w.Header().Get("X-Request-ID"))
	}
	if w := f.send("GET", "/health", "192.0.2.1", "X-Request-ID", "a b\tc"); !uuidPattern.MatchString(w.Header().Get("X-Request-ID")) {
		t.Errorf("id %q", w.Header().Get("X-Request-ID"))
	}
}

func TestStrictTransportSecurityOnlyWithTLS(t *testing.T) {
	f := newFixture(t, "PROXBOX_TRUSTED_PROXIES=10.0.0.0/8")
	for from, want := range map[string]bool{"10.0.0.1": true, "192.0.2.1": false} {
		w := f.send("GET", "/health", from, "X-Forwarded-Proto", "https")
		if got := w.Header().Get("Strict-Transport-Security") != ""; got != want {
			t.Errorf("from %s: %v", from, got)
		}
	}
}

func TestUnready(t *testing.T) {
	f := newFixture(t)
	f.ready = func() (bool, string) { return false, "the database is read-only, api_key=abcdefghijkl" }
	w := f.call("GET", "/health", "", "")
	checkDocumented(t, f.Server, "GET", "/health", w)
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), `"status":"unready","init_ok":false,"reason":"the database is read-only`) ||
		strings.Contains(w.Body.String(), "abcdefghijkl") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestNewNeedsWhatItStandsOn(t *testing.T) {
	if _, err := New(Options{}); err == nil {
		t.Error("a service that stands on nothing")
	}
}
