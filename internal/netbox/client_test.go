package netbox

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"proxbox/internal/domain"
)

const (
	vms       = "virtualization/virtual-machines/"
	testToken = "c0ffee0123456789c0ffee0123456789c0ffee01"
)

// fake is a NetBox of which a test says how it answers.
type fake struct {
	*httptest.Server
	mu       sync.Mutex
	requests []string // "METHOD path?query body"
	release  string
	answer   http.HandlerFunc // for all but the probe
}

func newFake(t *testing.T, answer http.HandlerFunc) *fake {
	t.Helper()
	f := &fake{release: "4.7.3", answer: answer}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/api/status/" {
		reply(w, 200, fmt.Sprintf(`{"netbox-version": %q, "plugins": {}}`, f.release))
		return
	}
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	line := r.Method + " " + strings.TrimPrefix(r.URL.Path, "/api/")
	if r.URL.RawQuery != "" {
		query, _ := url.QueryUnescape(r.URL.RawQuery)
		line += "?" + query
	}
	if len(body) > 0 {
		line += " " + string(body)
	}
	f.mu.Lock()
	f.requests = append(f.requests, line)
	f.mu.Unlock()
	f.answer(w, r)
}

func (f *fake) seen() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.requests...)
}

func (f *fake) endpoint() domain.NetBoxEndpoint {
	u, _ := url.Parse(f.URL)
	port, _ := strconv.Atoi(u.Port())
	return domain.NetBoxEndpoint{Name: "test", IPAddress: u.Hostname(), Port: port, TokenVersion: "v1", Token: testToken}
}

func (f *fake) open(t *testing.T, opts Options) *Client {
	t.Helper()
	if opts.RetryDelay == 0 {
		opts.RetryDelay = time.Millisecond
	}
	c, err := Open(f.endpoint(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func reply(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// script answers the nth request with the nth handler, and every further one
// with the last.
func script(handlers ...http.HandlerFunc) http.HandlerFunc {
	var n atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) {
		i := int(n.Add(1)) - 1
		handlers[min(i, len(handlers)-1)](w, r)
	}
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { reply(w, status, body) }
}

// hangUp ends the connection after the request was read.
func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// truncated answers half of a document.
func truncated(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", "100")
	w.WriteHeader(statusOf(r.Method))
	_, _ = io.WriteString(w, `[{"id": 1`)
}

func statusOf(method string) int {
	switch method {
	case http.MethodPost:
		return http.StatusCreated
	case http.MethodDelete:
		return http.StatusNoContent
	}
	return http.StatusOK
}

func loginPage(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, "<html><head><title>Sign in</title></head></html>")
}

func items(names ...string) []map[string]any {
	var out []map[string]any
	for _, n := range names {
		out = append(out, map[string]any{"name": n})
	}
	return out
}

func ids(n ...int) []map[string]any {
	var out []map[string]any
	for _, id := range n {
		out = append(out, map[string]any{"id": id})
	}
	return out
}

func TestOpenRefusesWhatCannotWork(t *testing.T) {
	good := domain.NetBoxEndpoint{Name: "nb", Domain: "netbox.example", Port: 443, Token: "abc", VerifySSL: true}
	for name, change := range map[string]func(*domain.NetBoxEndpoint){
		"neither a domain nor an address": func(e *domain.NetBoxEndpoint) { e.Domain = "" },
		"has no token":                    func(e *domain.NetBoxEndpoint) { e.Token = "" },
		"v2 token without its key":        func(e *domain.NetBoxEndpoint) { e.TokenVersion = "v2" },
		"holds characters":                func(e *domain.NetBoxEndpoint) { e.Token = "geheim\n" },
		"not a plain host name":           func(e *domain.NetBoxEndpoint) { e.Domain = "user:geheim@netbox.example/x" },
	} {
		ep := good
		change(&ep)
		_, err := Open(ep, Options{})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("want an error with %q, got %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "geheim") {
			t.Errorf("a secret stands in %v", err)
		}
	}
	c, err := Open(good, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.URL(); got != "https://netbox.example:443" {
		t.Errorf("URL is %q", got)
	}
	if got := c.MaxConcurrent(); got != 2 {
		t.Errorf("MaxConcurrent is %d", got)
	}
}

func TestHeaders(t *testing.T) {
	var got http.Header
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		reply(w, 200, `{}`)
	})
	ep := f.endpoint()
	ep.TokenVersion, ep.TokenKey, ep.Token = "v2", "key", "secret"
	c, err := Open(ep, Options{Branch: "td5smq0f"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Get(t.Context(), "x/", nil); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"Authorization": "Bearer nbt_key.secret", "X-Netbox-Branch": "td5smq0f", "Accept": "application/json",
		"Accept-Language": "en", "User-Agent": "proxbox-api", "Accept-Encoding": "gzip", "Content-Type": "",
	} {
		if got.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.Get(name), want)
		}
	}
}

func TestWritesInBulk(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodPost:
			reply(w, 201, `[{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]`)
		case http.MethodPatch:
			reply(w, 200, `[{"id": 1, "name": "c"}]`)
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	})
	c := f.open(t, Options{})
	made, err := c.Create(t.Context(), vms, items("a", "b"))
	if err != nil || len(made) != 2 || string(made[1]) != `{"id": 2, "name": "b"}` {
		t.Errorf("Create: %s, %v", made, err)
	}
	changed, err := c.Update(t.Context(), vms, []map[string]any{{"id": 1, "name": "c"}, {"id": 9, "name": "d"}})
	if err != nil || len(changed) != 1 {
		t.Errorf("Update: %s, %v", changed, err)
	}
	if err := c.Delete(t.Context(), vms, ids(1, 2)); err != nil {
		t.Error(err)
	}
	want := []string{
		`POST virtualization/virtual-machines/ [{"name":"a"},{"name":"b"}]`,
		`PATCH virtualization/virtual-machines/ [{"id":1,"name":"c"},{"id":9,"name":"d"}]`,
		`DELETE virtualization/virtual-machines/ [{"id":1},{"id":2}]`,
	}
	if d := cmp.Diff(want, f.seen()); d != "" {
		t.Error(d)
	}
}

func TestNothingToWriteIsNotSent(t *testing.T) {
	f := newFake(t, says(500, ""))
	c := f.open(t, Options{})
	if _, err := c.Create(t.Context(), vms, nil); err != nil {
		t.Error(err)
	}
	if _, err := c.Update(t.Context(), vms, nil); err != nil {
		t.Error(err)
	}
	if err := c.Delete(t.Context(), vms, nil); err != nil {
		t.Error(err)
	}
	if n := len(f.seen()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestReadOnlySendsNoWrite(t *testing.T) {
	f := newFake(t, says(200, `{}`))
	c := f.open(t, Options{ReadOnly: true})
	_, create := c.Create(t.Context(), vms, items("a"))
	_, update := c.Update(t.Context(), vms, ids(1))
	for name, err := range map[string]error{"Create": create, "Update": update, "Delete": c.Delete(t.Context(), vms, ids(1))} {
		if !errors.Is(err, ErrReadOnly) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := c.Get(t.Context(), vms, nil); err != nil {
		t.Error(err)
	}
	if got, want := f.seen(), []string{"GET " + vms}; !cmp.Equal(got, want) {
		t.Errorf("sent %q", got)
	}
	if s := c.Stats(); s.Writes != 0 || s.Reads != 1 {
		t.Errorf("counted %+v", s)
	}
}

func TestTooLargeABodyIsNotSent(t *testing.T) {
	f := newFake(t, says(201, `[{}]`))
	c := f.open(t, Options{})
	_, err := c.Create(t.Context(), vms, items(strings.Repeat("x", refusedBody)))
	if err == nil || !strings.Contains(err.Error(), "2.5 MB") || len(f.seen()) != 0 {
		t.Errorf("%v, %d requests", err, len(f.seen()))
	}
}

// TestFaults holds for each fault and method how often it is tried, and what
// its error is when it does not pass.
func TestFaults(t *testing.T) {
	const refusal = `{"detail": "No."}`
	type outcome struct {
		tries int
		err   error // a nil pointer of the wanted type
	}
	var (
		status     *StatusError
		batch      *BatchError
		ambiguous  *AmbiguousError
		connection *ConnectionError
		answer     *AnswerError
	)
	tests := []struct {
		name                     string
		fault                    http.HandlerFunc
		get, post, patch, delete outcome
	}{
		{"400", says(400, refusal), outcome{1, status}, outcome{1, batch}, outcome{1, batch}, outcome{1, batch}},
		{"401", says(401, refusal), outcome{1, status}, outcome{1, status}, outcome{1, status}, outcome{1, status}},
		{"403", says(403, refusal), outcome{1, status}, outcome{1, status}, outcome{1, status}, outcome{1, status}},
		{"404", says(404, refusal), outcome{1, status}, outcome{1, status}, outcome{1, status}, outcome{1, status}},
		{"409", says(409, refusal), outcome{1, status}, outcome{1, batch}, outcome{1, batch}, outcome{1, batch}},
		{"413", says(413, refusal), outcome{1, status}, outcome{1, status}, outcome{1, status}, outcome{1, status}},
		{"429", says(429, refusal), outcome{3, status}, outcome{3, status}, outcome{3, status}, outcome{3, status}},
		{"500 from a page", says(500, "<html>"), outcome{1, status}, outcome{1, ambiguous}, outcome{1, status}, outcome{1, status}},
		{"500 rolled back", says(500, `{"error": "value too long", "exception": "DataError"}`),
			outcome{1, status}, outcome{1, status}, outcome{1, status}, outcome{1, status}},
		{"500 deadlock", says(500, `{"error": "deadlock detected\nDETAIL: …", "exception": "OperationalError"}`),
			outcome{3, status}, outcome{3, status}, outcome{3, status}, outcome{3, status}},
		{"502", says(502, "<html>"), outcome{3, status}, outcome{1, ambiguous}, outcome{3, ambiguous}, outcome{3, ambiguous}},
		{"503", says(503, refusal), outcome{3, status}, outcome{3, status}, outcome{3, status}, outcome{3, status}},
		{"503 after it was sent", says(503, `upstream connect error or disconnect/reset before headers. reset reason: connection termination`),
			outcome{3, status}, outcome{1, ambiguous}, outcome{3, ambiguous}, outcome{3, ambiguous}},
		{"504", says(504, "<html>"), outcome{3, status}, outcome{1, ambiguous}, outcome{3, ambiguous}, outcome{3, ambiguous}},
		{"reset", hangUp, outcome{3, connection}, outcome{1, ambiguous}, outcome{3, ambiguous}, outcome{3, ambiguous}},
		{"login page", loginPage, outcome{3, answer}, outcome{1, ambiguous}, outcome{3, ambiguous}, outcome{3, ambiguous}},
		{"accepted for later", says(202, `{"job": {}}`), outcome{3, answer}, outcome{1, ambiguous}, outcome{3, ambiguous}, outcome{3, ambiguous}},
		{"redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://netbox.example"+r.URL.Path, http.StatusMovedPermanently)
		}, outcome{1, status}, outcome{1, status}, outcome{1, status}, outcome{1, status}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, m := range []struct {
				method string
				want   outcome
				send   func(*Client) error
			}{
				{"GET", tt.get, func(c *Client) error { _, err := c.Get(t.Context(), vms, nil); return err }},
				{"POST", tt.post, func(c *Client) error { _, err := c.Create(t.Context(), vms, items("a", "b")); return err }},
				{"PATCH", tt.patch, func(c *Client) error { _, err := c.Update(t.Context(), vms, ids(1, 2)); return err }},
				{"DELETE", tt.delete, func(c *Client) error { return c.Delete(t.Context(), vms, ids(1, 2)) }},
			} {
				var log bytes.Buffer
				f := newFake(t, tt.fault)
				c := f.open(t, Options{MaxRetries: 2, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
				err := m.send(c)
				if n := len(f.seen()); n != m.want.tries {
					t.Errorf("%s: tried %d times, want %d", m.method, n, m.want.tries)
				}
				if fmt.Sprintf("%T", err) != fmt.Sprintf("%T", m.want.err) {
					t.Errorf("%s: %T (%v), want %T", m.method, err, err, m.want.err)
				}
				if err != nil && strings.Contains(err.Error()+log.String(), testToken) {
					t.Errorf("%s: the token stands in the error or the log", m.method)
				}
				if err != nil && !strings.Contains(err.Error(), c.URL()) && tt.name != "redirect" {
					t.Errorf("%s: the error does not say which NetBox: %v", m.method, err)
				}
			}
		})
	}
}

func TestTruncatedAnswer(t *testing.T) {
	f := newFake(t, script(truncated, says(200, `{"id": 1}`)))
	c := f.open(t, Options{})
	if doc, err := c.Get(t.Context(), vms, nil); err != nil || string(doc) != `{"id": 1}` {
		t.Errorf("GET: %s, %v", doc, err)
	}
	f = newFake(t, truncated)
	c = f.open(t, Options{})
	_, err := c.Create(t.Context(), vms, items("a"))
	var lost *AmbiguousError
	if !errors.As(err, &lost) || len(f.seen()) != 1 {
		t.Errorf("POST: %v after %d tries", err, len(f.seen()))
	}
	for name, body := range map[string]string{"short JSON": `[{"id": 1`, "fewer objects": `[]`, "no list": `{"id": 1}`, "two documents": `[{"id": 1}] []`} {
		f = newFake(t, says(201, body))
		_, err := f.open(t, Options{}).Create(t.Context(), vms, items("a"))
		var answer *AnswerError
		if !errors.As(err, &lost) || !errors.As(err, &answer) || len(f.seen()) != 1 {
			t.Errorf("POST with %s: %v after %d tries", name, err, len(f.seen()))
		}
	}
}

func TestRetriesUntilItPasses(t *testing.T) {
	busy := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "0")
		reply(w, 429, `{"detail": "Slow down."}`)
	}
	f := newFake(t, script(busy, says(503, ""), says(201, `[{"id": 1}]`)))
	c := f.open(t, Options{})
	if _, err := c.Create(t.Context(), vms, items("a")); err != nil {
		t.Error(err)
	}
	if s := c.Stats(); s.Requests != 3 || s.Writes != 3 || s.Retries != 2 || s.ByMethod["POST"] != 3 {
		t.Errorf("counted %+v", s)
	}
	f = newFake(t, script(hangUp, says(504, ""), says(200, `[{"id": 1}]`)))
	if _, err := f.open(t, Options{}).Update(t.Context(), vms, ids(1)); err != nil {
		t.Error(err)
	}
	f = newFake(t, script(hangUp, loginPage, truncated, says(502, ""), says(200, `{}`)))
	if _, err := f.open(t, Options{}).Get(t.Context(), vms, nil); err != nil {
		t.Error(err)
	}
}

// transport is an http.RoundTripper that is a function.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestRefusedConnectionIsTriedAgainForEveryMethod(t *testing.T) {
	tries := 0
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	f := newFake(t, says(201, `[{"id": 1}]`))
	c := f.open(t, Options{Transport: transport(func(r *http.Request) (*http.Response, error) {
		if tries++; tries < 3 {
			return nil, refused
		}
		return http.DefaultTransport.RoundTrip(r)
	})})
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	if _, err := c.Create(t.Context(), vms, items("a")); err != nil {
		t.Error(err)
	}
	if n := len(f.seen()); n != 1 {
		t.Errorf("%d requests arrived", n)
	}
	_, err := f.open(t, Options{MaxRetries: -1, Transport: transport(func(*http.Request) (*http.Response, error) { return nil, refused })}).
		Create(t.Context(), vms, items("a"))
	var connection *ConnectionError
	if !errors.As(err, &connection) || connection.Sent || errors.As(err, new(*AmbiguousError)) {
		t.Errorf("%T: %v", err, err)
	}
	if !strings.Contains(err.Error(), "check host and port") || !fatal(err) {
		t.Errorf("%v", err)
	}
}

func TestNobodyListens(t *testing.T) {
	f := newFake(t, nil)
	f.Close()
	c := f.open(t, Options{MaxRetries: 1})
	_, err := c.Create(t.Context(), vms, items("a"))
	var connection *ConnectionError
	if !errors.As(err, &connection) || connection.Sent || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("%T: %v", err, err)
	}
	if s := c.Stats(); s.Retries != 1 {
		t.Errorf("counted %+v", s)
	}
}

func TestTimeout(t *testing.T) {
	release := make(chan struct{})
	hang := func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}
	f := newFake(t, hang)
	defer close(release)
	c := f.open(t, Options{Timeout: 20 * time.Millisecond})
	_, err := c.Get(t.Context(), vms, nil)
	var connection *ConnectionError
	if !errors.As(err, &connection) || !strings.Contains(err.Error(), "PROXBOX_NETBOX_TIMEOUT") {
		t.Errorf("GET: %v", err)
	}
	if n := len(f.seen()); n != maxTimeouts {
		t.Errorf("GET was tried %d times", n)
	}
	_, err = c.Create(t.Context(), vms, items("a"))
	var lost *AmbiguousError
	if !errors.As(err, &lost) || !strings.Contains(err.Error(), "PROXBOX_NETBOX_TIMEOUT") {
		t.Errorf("POST: %v", err)
	}
	// half an answer, then silence
	f = newFake(t, func(w http.ResponseWriter, r *http.Request) {
		reply(w, 200, `{"id"`)
		w.(http.Flusher).Flush()
		hang(w, r)
	})
	c = f.open(t, Options{Timeout: 20 * time.Millisecond})
	if _, err = c.Get(t.Context(), vms, nil); err == nil || !strings.Contains(err.Error(), "PROXBOX_NETBOX_TIMEOUT") {
		t.Errorf("half an answer: %v", err)
	}
}

func TestNoRetryOnceTheContextIsDone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request) {
		cancel()
		reply(w, 503, "")
	})
	if _, err := f.open(t, Options{}).Get(ctx, vms, nil); err == nil {
		t.Error("no error")
	}
	if n := len(f.seen()); n != 1 {
		t.Errorf("tried %d times", n)
	}
}

func TestCancelledWrite(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f := newFake(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	c := f.open(t, Options{})
	_, err := c.Create(ctx, vms, items("a"))
	if !errors.As(err, new(*AmbiguousError)) || !errors.Is(err, context.Canceled) {
		t.Errorf("in flight: %T %v", err, err)
	}
	_, err = c.Create(ctx, vms, items("a"))
	if errors.As(err, new(*AmbiguousError)) || !errors.Is(err, context.Canceled) || len(f.seen()) != 1 {
		t.Errorf("before it was sent: %T %v", err, err)
	}
}

func TestRefusalOfABatch(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Request-ID", "a54af660")
		reply(w, 400, `{"detail": "1 of 3 objects could not be created.", "errors": [{"index": 1, "errors": {"name": ["Taken."]}}]}`)
	})
	_, err := f.open(t, Options{}).Create(t.Context(), vms, items("a", "b", "c"))
	var refused *BatchError
	if !errors.As(err, &refused) {
		t.Fatalf("%T: %v", err, err)
	}
	if d := cmp.Diff(map[int]ItemError{1: {"name": {"Taken."}}}, refused.Items); d != "" {
		t.Error(d)
	}
	if refused.Detail != "1 of 3 objects could not be created." || refused.RequestID != "a54af660" || refused.Code != 400 {
		t.Errorf("%+v", refused)
	}
	var status *StatusError
	if !errors.As(err, &status) || status.Code != 400 {
		t.Error("a BatchError is a StatusError, too")
	}
	if want := "object 2: name: Taken."; !strings.Contains(err.Error(), want) {
		t.Errorf("%q lacks %q", err, want)
	}
}

func missingAnswer(n int, gone ...int) string {
	var errs []string
	for _, id := range gone {
		errs = append(errs, fmt.Sprintf(`{"id": %d, "errors": {"id": ["Object with ID %d does not exist"]}}`, id, id))
	}
	return fmt.Sprintf(`{"detail": "%d of %d objects could not be found.", "errors": [%s]}`, len(gone), n, strings.Join(errs, ","))
}

func TestVanishedObjectsCostTheOthersNothing(t *testing.T) {
	t.Run("PATCH", func(t *testing.T) {
		f := newFake(t, script(says(400, missingAnswer(3, 2)), says(400, missingAnswer(2, 3)), says(200, `[{"id": 1}]`)))
		changed, err := f.open(t, Options{}).Update(t.Context(), vms, ids(1, 2, 3))
		if err != nil || len(changed) != 1 {
			t.Errorf("%s, %v", changed, err)
		}
		want := []string{"PATCH " + vms + ` [{"id":1},{"id":2},{"id":3}]`, "PATCH " + vms + ` [{"id":1},{"id":3}]`, "PATCH " + vms + ` [{"id":1}]`}
		if d := cmp.Diff(want, f.seen()); d != "" {
			t.Error(d)
		}
	})
	t.Run("DELETE whose answer was lost", func(t *testing.T) {
		f := newFake(t, script(hangUp, says(400, missingAnswer(2, 1, 2))))
		if err := f.open(t, Options{}).Delete(t.Context(), vms, ids(1, 2)); err != nil {
			t.Error(err)
		}
		if n := len(f.seen()); n != 2 {
			t.Errorf("%d requests", n)
		}
	})
	t.Run("other refusals stay", func(t *testing.T) {
		body := `{"detail": "x", "errors": [{"id": 1, "errors": {"id": ["Object with ID 1 does not exist"]}}, {"id": 2, "errors": {"name": ["Taken."]}}]}`
		f := newFake(t, says(400, body))
		_, err := f.open(t, Options{}).Update(t.Context(), vms, ids(1, 2))
		if !errors.As(err, new(*BatchError)) || len(f.seen()) != 1 {
			t.Errorf("%v after %d requests", err, len(f.seen()))
		}
	})
}

func TestRedirectSaysWhatToConfigure(t *testing.T) {
	var authorization string
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { authorization = r.Header.Get("Authorization") }))
	defer elsewhere.Close()
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusFound)
	})
	_, err := f.open(t, Options{}).Get(t.Context(), vms, nil)
	if err == nil || !strings.Contains(err.Error(), elsewhere.URL+":") {
		t.Errorf("%v", err)
	}
	if authorization != "" {
		t.Error("the token went to another host")
	}
	f.answer = func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login/?next=x", http.StatusFound) }
	if _, err = f.open(t, Options{}).Get(t.Context(), vms, nil); err == nil || !strings.Contains(err.Error(), "/login/, which is not its API") {
		t.Errorf("%v", err)
	}
}

func TestCertificates(t *testing.T) {
	f := &fake{answer: says(200, `{}`)}
	f.Server = httptest.NewUnstartedServer(f)
	f.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	f.StartTLS()
	defer f.Close()
	ep := f.endpoint()
	ep.VerifySSL = true
	c, err := Open(ep, Options{MaxRetries: -1})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Get(t.Context(), vms, nil)
	var connection *ConnectionError
	if !errors.As(err, &connection) || connection.Sent || !strings.Contains(err.Error(), "verify_ssl") {
		t.Errorf("an unknown authority: %v", err)
	}
	plain := newFake(t, says(200, `{}`))
	ep = plain.endpoint()
	ep.VerifySSL = true
	if c, err = Open(ep, Options{MaxRetries: -1}); err != nil {
		t.Fatal(err)
	}
	if _, err = c.Get(t.Context(), vms, nil); err == nil || !strings.Contains(err.Error(), "this port speaks http") {
		t.Errorf("http on an https endpoint: %v", err)
	}
}

func TestCompressedAnswersAndReusedConnections(t *testing.T) {
	f := &fake{answer: func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "gzip" {
			t.Error("gzip is not offered")
		}
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Content-Type", "application/json")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, `{"name": "`+strings.Repeat("x", 10_000)+`"}`)
		_ = z.Close()
	}}
	f.Server = httptest.NewUnstartedServer(f)
	var connections atomic.Int64
	f.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	f.Start()
	defer f.Close()
	c := f.open(t, Options{})
	for range 10 {
		doc, err := c.Get(t.Context(), vms, nil)
		if err != nil || len(doc) < 10_000 {
			t.Fatalf("%d bytes, %v", len(doc), err)
		}
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestObserve(t *testing.T) {
	var seen []Exchange
	f := newFake(t, script(says(503, ""), says(201, `[{"id": 1}, {"id": 2}]`), hangUp))
	c := f.open(t, Options{MaxRetries: 1, Observe: func(x Exchange) { seen = append(seen, x) }})
	if _, err := c.Create(t.Context(), vms, items("a", "b")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Create(t.Context(), vms, items("a", "b")); err == nil {
		t.Fatal("no error")
	}
	want := []Exchange{{Method: "POST", Path: vms, Status: 503}, {Method: "POST", Path: vms, Status: 201, Objects: 2}, {Method: "POST", Path: vms}}
	if len(seen) != 3 || seen[2].Err == nil {
		t.Fatalf("%+v", seen)
	}
	for i, x := range seen {
		if x.Duration <= 0 {
			t.Error("no duration")
		}
		x.Duration, x.Err = 0, nil
		if x != want[i] {
			t.Errorf("%+v, want %+v", x, want[i])
		}
	}
}

func TestGetNamesItsQuery(t *testing.T) {
	f := newFake(t, says(200, `[1]`))
	doc, err := f.open(t, Options{}).Get(t.Context(), "/x/", url.Values{"tag": {"a", "b"}})
	if err != nil || string(doc) != `[1]` {
		t.Errorf("%s, %v", doc, err)
	}
	if got := f.seen()[0]; got != "GET x/?tag=a&tag=b" {
		t.Errorf("sent %q", got)
	}
	var v []int
	if err := json.Unmarshal(doc, &v); err != nil {
		t.Error(err)
	}
}
