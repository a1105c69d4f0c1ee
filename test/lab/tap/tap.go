// Package tap is a reverse proxy for tests: it stands between a client and a
// server, remembers every request, and can make the server or the network
// fail at a chosen one.
package tap

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Request is what the tap remembers of one request.
type Request struct {
	// N counts from 1, in the order in which requests arrived since the tap
	// was made or last cleared.
	N      int
	Method string
	Path   string
	// Query is the raw query, without the question mark.
	Query string
	// Agent is the User-Agent: it tells one client from another.
	Agent string
	// Body is the request's body. Reads have none.
	Body []byte
	// Status is what the client was answered; 0 while the request is under
	// way and for a connection that was cut before an answer.
	Status int
	// Bytes is the size of the answer's body as it went to the client.
	Bytes int64
	// Fault names the fault that was put in the way, if any.
	Fault string
	// Began and Took time the request as the tap saw it.
	Began time.Time
	Took  time.Duration
}

// Write says whether the request could change something on the server.
func (r Request) Write() bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return false
	}
	return true
}

// String is the request in one line, with the start of its body: made for
// the message of a failed test.
func (r Request) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "#%d %s %s", r.N, r.Method, r.Path)
	if r.Query != "" {
		b.WriteString("?" + r.Query)
	}
	fmt.Fprintf(&b, " -> %d", r.Status)
	if r.Fault != "" {
		b.WriteString(" (" + r.Fault + ")")
	}
	if len(r.Body) > 0 {
		const most = 500
		body := r.Body
		if len(body) > most {
			body = body[:most]
		}
		fmt.Fprintf(&b, " %s", body)
	}
	return b.String()
}

// Tap is one running proxy.
type Tap struct {
	target *url.URL
	server *httptest.Server
	proxy  *httputil.ReverseProxy

	mu       sync.Mutex
	requests []*Request
	rules    []*rule
}

// rule is a fault that waits for its request.
type rule struct {
	match func(Request) bool
	skip  int
	left  int
	fault Fault
}

// Option changes how a tap is made.
type Option func(*config)

type config struct {
	transport *http.Transport
	tls       bool
	rewrite   func(*http.Response) error
}

// WithTransport sets how the tap reaches its target, for one that needs a
// certificate of its own to be trusted.
func WithTransport(t *http.Transport) Option { return func(c *config) { c.transport = t } }

// WithTLS makes the tap itself speak TLS, with a certificate made by
// [httptest.Server] that nobody trusts.
func WithTLS() Option { return func(c *config) { c.tls = true } }

// WithRewrite lets f change every answer of the target before the client gets
// it.
func WithRewrite(f func(*http.Response) error) Option { return func(c *config) { c.rewrite = f } }

// New starts a tap in front of target (a URL without a path) on a free port
// of 127.0.0.1. It stops when the test ends.
func New(tb testing.TB, target string, options ...Option) *Tap {
	tb.Helper()
	u, err := url.Parse(target)
	if err != nil {
		tb.Fatalf("tap: the target %q is no URL: %v", target, err)
	}
	c := config{transport: http.DefaultTransport.(*http.Transport).Clone()}
	for _, o := range options {
		o(&c)
	}
	// A request is forwarded once or not at all: net/http would send a GET
	// again by itself on a kept connection that the server has closed, and
	// the server's count would no longer be ours.
	c.transport.DisableKeepAlives = true
	// The client decides on compression; the tap passes it on untouched.
	c.transport.DisableCompression = true

	t := &Tap{target: u}
	t.proxy = &httputil.ReverseProxy{
		Transport:      c.transport,
		FlushInterval:  -1,
		ModifyResponse: c.rewrite,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(u)
			// The target writes its links ("next" of a list) with the
			// host that it was asked under; they must lead through the tap.
			r.Out.Host = r.In.Host
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, "tap: "+err.Error(), http.StatusBadGateway)
		},
	}
	t.server = httptest.NewUnstartedServer(http.HandlerFunc(t.serve))
	if c.tls {
		t.server.StartTLS()
	} else {
		t.server.Start()
	}
	tb.Cleanup(t.server.Close)
	return t
}

// URL is where clients are sent, without a slash at its end.
func (t *Tap) URL() string { return t.server.URL }

// Requests returns every request since the tap was made or last cleared, in
// the order in which they arrived.
func (t *Tap) Requests() []Request {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]Request, len(t.requests))
	for i, r := range t.requests {
		all[i] = *r
	}
	return all
}

// Writes returns the requests that could change something on the server.
func (t *Tap) Writes() []Request {
	return slices.DeleteFunc(t.Requests(), func(r Request) bool { return !r.Write() })
}

// Clear forgets the requests and counts anew from 1. Faults that wait for
// their request stay.
func (t *Tap) Clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.requests = nil
}

// Inject puts a fault in the way of the next request that match accepts; nil
// accepts every request. The request's answer is not known yet when match
// sees it. The returned Injection says how often and when.
func (t *Tap) Inject(f Fault, match func(Request) bool) *Injection {
	if match == nil {
		match = func(Request) bool { return true }
	}
	r := &rule{match: match, left: 1, fault: f}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rules = append(t.rules, r)
	return &Injection{tap: t, rule: r}
}

// Injection is a fault that waits in a tap.
type Injection struct {
	tap  *Tap
	rule *rule
}

// After lets n matching requests pass first: After(4) hits the fifth.
func (i *Injection) After(n int) *Injection {
	i.tap.mu.Lock()
	defer i.tap.mu.Unlock()
	i.rule.skip = n
	return i
}

// Times hits n matching requests in place of one; a negative n hits all
// until the injection is removed.
func (i *Injection) Times(n int) *Injection {
	i.tap.mu.Lock()
	defer i.tap.mu.Unlock()
	i.rule.left = n
	return i
}

// Remove takes the fault out of the tap.
func (i *Injection) Remove() {
	i.tap.mu.Lock()
	defer i.tap.mu.Unlock()
	i.tap.rules = slices.DeleteFunc(i.tap.rules, func(r *rule) bool { return r == i.rule })
}

// Nth matches by position alone: the n-th request since the last Clear.
func Nth(n int) func(Request) bool { return func(r Request) bool { return r.N == n } }

// Writes matches the requests that could change something.
func Writes(r Request) bool { return r.Write() }

func (t *Tap) serve(w http.ResponseWriter, r *http.Request) {
	// The body is read whole before anything is decided, so that a lost
	// answer is told apart from a lost request. A WebSocket's first request
	// has none.
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))

	seen, fault := t.note(r, body)
	out := &recorder{ResponseWriter: w, tap: t, seen: seen}
	defer func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		seen.Took = time.Since(seen.Began)
	}()

	forward := func(w http.ResponseWriter) { t.proxy.ServeHTTP(w, r) }
	if fault == nil {
		forward(out)
		return
	}
	fault.apply(out, r, forward)
}

// note writes the request down and picks the fault for it.
func (t *Tap) note(r *http.Request, body []byte) (*Request, *Fault) {
	t.mu.Lock()
	defer t.mu.Unlock()
	seen := &Request{
		N: len(t.requests) + 1, Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery,
		Agent: r.UserAgent(), Body: body, Began: time.Now(),
	}
	t.requests = append(t.requests, seen)
	for _, rule := range t.rules {
		if rule.left == 0 || !rule.match(*seen) {
			continue
		}
		if rule.skip > 0 {
			rule.skip--
			continue
		}
		if rule.left > 0 {
			rule.left--
		}
		seen.Fault = rule.fault.name
		return seen, &rule.fault
	}
	return seen, nil
}

// recorder writes down what goes to the client, before it goes: who has read
// an answer finds it in the tap.
type recorder struct {
	http.ResponseWriter
	tap  *Tap
	seen *Request
}

func (w *recorder) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.note(status, 0)
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(p []byte) (int, error) {
	w.note(http.StatusOK, len(p))
	return w.ResponseWriter.Write(p)
}

// note adds to the request's size and sets its status if it has none yet.
func (w *recorder) note(status, bytes int) {
	w.tap.mu.Lock()
	defer w.tap.mu.Unlock()
	if w.seen.Status == 0 {
		w.seen.Status = status
	}
	w.seen.Bytes += int64(bytes)
}

// Unwrap lets [http.ResponseController] flush and hijack.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// cut closes the client's connection without another byte.
func cut(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		// With SO_LINGER 0 the client sees a reset, as from a machine that
		// went away, and not an orderly end.
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
		return
	}
	panic(http.ErrAbortHandler)
}
