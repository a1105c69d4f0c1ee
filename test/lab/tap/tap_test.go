package tap

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// target is a server that counts what reaches it.
func target(t *testing.T) (*httptest.Server, *atomic.Int64) {
	t.Helper()
	var reached atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached.Add(1)
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Host", r.Host)
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusCreated)
		}
		_, _ = io.WriteString(w, "hello "+string(body))
	}))
	t.Cleanup(s.Close)
	return s, &reached
}

func client(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// ask sends one request and returns status and body, or the error of either.
func ask(t *testing.T, c *http.Client, method, url, body string) (int, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(got), err
}

func TestTapRemembersRequests(t *testing.T) {
	s, _ := target(t)
	p := New(t, s.URL)
	c := client(t)

	if status, body, err := ask(t, c, http.MethodGet, p.URL()+"/api/x/?a=1&b=2", ""); err != nil || status != 200 || body != "hello " {
		t.Fatalf("GET: %d %q %v", status, body, err)
	}
	if status, body, err := ask(t, c, http.MethodPost, p.URL()+"/api/y/", "you"); err != nil || status != 201 || body != "hello you" {
		t.Fatalf("POST: %d %q %v", status, body, err)
	}

	all := p.Requests()
	if len(all) != 2 {
		t.Fatalf("requests: %v", all)
	}
	get, post := all[0], all[1]
	if get.N != 1 || get.Path != "/api/x/" || get.Query != "a=1&b=2" || get.Status != 200 || get.Bytes != 6 || get.Write() {
		t.Errorf("GET was written down as %+v", get)
	}
	if post.N != 2 || string(post.Body) != "you" || post.Status != 201 || post.Bytes != 9 || !post.Write() {
		t.Errorf("POST was written down as %+v", post)
	}
	if w := p.Writes(); len(w) != 1 || w[0].N != 2 {
		t.Errorf("writes: %v", w)
	}
	if got, want := post.String(), "#2 POST /api/y/ -> 201 you"; got != want {
		t.Errorf("String() = %q, want %q", got, want)
	}
	p.Clear()
	if n := len(p.Requests()); n != 0 {
		t.Errorf("after Clear: %d requests", n)
	}
}

func TestTapKeepsItsOwnHost(t *testing.T) {
	s, _ := target(t)
	p := New(t, s.URL)
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, p.URL(), nil)
	resp, err := client(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got, want := "http://"+resp.Header.Get("X-Host"), p.URL(); got != want {
		t.Errorf("the target was asked as %s, want %s", got, want)
	}
}

func TestFaults(t *testing.T) {
	tests := []struct {
		name    string
		fault   Fault
		reached int64 // what the target sees of it
		status  int   // what the client sees; 0 for an error
		body    string
		broken  bool // the body does not come whole
	}{
		{"lost request", LoseRequest(), 0, 0, "", false},
		{"lost answer", LoseAnswer(), 1, 0, "", false},
		{"cut answer", CutAnswer(3), 1, 201, "hel", true},
		{"bad gateway", BadGateway(), 0, 502, "<html><body><h1>502 Bad Gateway</h1></body></html>", false},
		{"replaced answer", ReplaceAnswer(504, "late"), 1, 504, "late", false},
		{"delay", Delay(1), 1, 201, "hello b", false},
		{"call", Call(func() {}), 1, 201, "hello b", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, reached := target(t)
			p := New(t, s.URL)
			c := client(t)
			p.Inject(test.fault, Writes)

			status, body, err := ask(t, c, http.MethodPost, p.URL()+"/", "b")
			switch {
			case test.broken && !errors.Is(err, io.ErrUnexpectedEOF):
				t.Errorf("the body ended with %v, want io.ErrUnexpectedEOF", err)
			case test.status == 0 && err == nil:
				t.Errorf("answered %d %q, want an error", status, body)
			case test.status != 0 && !test.broken && err != nil:
				t.Errorf("failed: %v", err)
			}
			if status != test.status || body != test.body {
				t.Errorf("answered %d %q, want %d %q", status, body, test.status, test.body)
			}
			if n := reached.Load(); n != test.reached {
				t.Errorf("the target saw %d requests, want %d", n, test.reached)
			}
			if got := p.Requests()[0].Fault; got != test.fault.name {
				t.Errorf("fault written down as %q, want %q", got, test.fault.name)
			}
			// The fault is spent.
			if status, _, err := ask(t, c, http.MethodPost, p.URL()+"/", "b"); err != nil || status != 201 {
				t.Errorf("the next request: %d %v", status, err)
			}
		})
	}
}

func TestInjectionChoosesItsRequest(t *testing.T) {
	s, _ := target(t)
	p := New(t, s.URL)
	c := client(t)
	statuses := func(n int) []int {
		var all []int
		for range n {
			status, _, err := ask(t, c, http.MethodGet, p.URL()+"/", "")
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, status)
		}
		return all
	}
	check := func(what string, got []int, want ...int) {
		t.Helper()
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s: %v, want %v", what, got, want)
				return
			}
		}
	}

	p.Inject(BadGateway(), Nth(2))
	check("the second", statuses(3), 200, 502, 200)
	p.Inject(BadGateway(), nil).After(1).Times(2)
	check("after one, twice", statuses(4), 200, 502, 502, 200)
	always := p.Inject(BadGateway(), nil).Times(-1)
	check("always", statuses(2), 502, 502)
	always.Remove()
	check("removed", statuses(1), 200)
}

func TestHold(t *testing.T) {
	s, reached := target(t)
	p := New(t, s.URL)
	here, release := make(chan struct{}), make(chan struct{})
	p.Inject(Hold(here, release), nil)

	done := make(chan error, 1)
	c := client(t)
	go func() {
		_, _, err := ask(t, c, http.MethodGet, p.URL()+"/", "")
		done <- err
	}()
	<-here
	if n := reached.Load(); n != 0 {
		t.Errorf("the target saw %d requests while one was held", n)
	}
	close(release)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestRewriteAndTLS(t *testing.T) {
	s, _ := target(t)
	p := New(t, s.URL, WithTLS(), WithRewrite(func(r *http.Response) error {
		r.StatusCode = http.StatusTeapot
		return nil
	}))
	c := p.server.Client()
	t.Cleanup(c.CloseIdleConnections)
	if status, _, err := ask(t, c, http.MethodGet, p.URL()+"/", ""); err != nil || status != http.StatusTeapot {
		t.Errorf("answered %d %v", status, err)
	}
}
