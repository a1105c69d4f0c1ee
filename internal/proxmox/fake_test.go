package proxmox

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"proxbox/internal/domain"
)

// answer is what a path answers. Without a status it is a success whose data
// is the body.
type answer struct {
	status int
	reason string
	body   string
	err    error // in place of an answer
	hang   bool  // until the request is given up
}

func data(json string) answer { return answer{body: `{"data":` + json + `}`} }

// refused is how a release before 9 refuses: all is said in the status line.
func refused(status int, reason string) answer {
	return answer{status: status, reason: reason, body: `{"data":null}`}
}

var (
	unreachable = answer{status: 595, reason: "No route to host"}
	forbidden   = refused(403, "Permission check failed (/, Sys.Audit)")
)

// server answers paths below /api2/json as told and writes down what it was
// asked. It is a transport and, where the wire matters, an http.Handler.
type server struct {
	mu      sync.Mutex
	answers map[string][]answer // by path, or by path?query; the last one repeats
	asked   map[string]int      // by path
	log     []*http.Request

	password string // asks for a ticket when set
	logins   int
	tickets  map[string]bool
}

func newServer(answers map[string]answer) *server {
	s := &server{answers: map[string][]answer{}, asked: map[string]int{}, tickets: map[string]bool{}}
	for path, a := range answers {
		s.answers[path] = []answer{a}
	}
	return s
}

func (s *server) on(path string, answers ...answer) *server {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[path] = answers
	return s
}

func (s *server) count(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[path]
}

func (s *server) total() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.log)
}

func (s *server) requests() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.asked)
}

func (s *server) take(req *http.Request, form url.Values) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	path := strings.TrimPrefix(req.URL.EscapedPath(), apiPrefix)
	nth := s.asked[path]
	s.asked[path]++
	s.log = append(s.log, req)
	if req.Method == http.MethodPost && path == "/access/ticket" {
		s.logins++
		if form.Get("password") != s.password {
			return refused(401, "authentication failure")
		}
		ticket := fmt.Sprintf("PVE:%s:%d::c2ln+/==", form.Get("username"), s.logins)
		s.tickets[ticket] = true
		return data(fmt.Sprintf(`{"ticket":%q,"username":%q,"CSRFPreventionToken":"x"}`, ticket, form.Get("username")))
	}
	if s.password != "" {
		cookie, _ := strings.CutPrefix(req.Header.Get("Cookie"), "PVEAuthCookie=")
		if !s.tickets[cookie] {
			return refused(401, "permission denied - invalid PVE ticket")
		}
	}
	list, ok := s.answers[path+"?"+req.URL.RawQuery]
	if !ok {
		list = s.answers[path]
	}
	if len(list) == 0 {
		return refused(501, "Method '"+req.Method+" "+path+"' not implemented")
	}
	return list[min(nth, len(list)-1)]
}

// RoundTrip implements http.RoundTripper.
func (s *server) RoundTrip(req *http.Request) (*http.Response, error) {
	form := url.Values{}
	if req.Body != nil {
		raw, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		if form, err = url.ParseQuery(string(raw)); err != nil {
			return nil, err
		}
	}
	a := s.take(req, form)
	if a.hang {
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	if a.err != nil {
		return nil, a.err
	}
	return http.ReadResponse(bufio.NewReader(bytes.NewReader(a.wire())), req)
}

func (a answer) wire() []byte {
	if a.status == 0 {
		a.status, a.reason = 200, "OK"
	}
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		a.status, a.reason, len(a.body), a.body)
}

// ServeHTTP implements http.Handler. The status line is written by hand, for
// what Proxmox has to say is in its reason.
func (s *server) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	_ = req.ParseForm()
	a := s.take(req, req.PostForm)
	if a.hang {
		<-req.Context().Done()
		return
	}
	if a.status == 0 {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, a.body)
		return
	}
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = conn.Write(a.wire())
}

// token is an endpoint that is read with an API token.
func token() domain.ProxmoxEndpoint {
	return domain.ProxmoxEndpoint{ID: 1, Name: "lab (nb:7)", IPAddress: "192.0.2.10", Username: "netbox@pve", TokenName: "sync", TokenValue: "s3cret-value", VerifySSL: true}
}

// withPassword is one that is read with a password.
func withPassword(password string) domain.ProxmoxEndpoint {
	ep := token()
	ep.TokenName, ep.TokenValue, ep.Password = "", "", domain.Secret(password)
	return ep
}

func open(t testing.TB, ep domain.ProxmoxEndpoint, opts Options) *Client {
	t.Helper()
	c, err := Open(ep, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// reader opens an endpoint that the server answers for, without a network.
func (s *server) reader(t testing.TB) *Client {
	t.Helper()
	return open(t, token(), Options{Transport: s})
}

// listen serves over TLS, with a certificate that nobody knows.
func (s *server) listen(t testing.TB, ep domain.ProxmoxEndpoint) domain.ProxmoxEndpoint {
	t.Helper()
	ts := httptest.NewUnstartedServer(s)
	// A client that has one connection more than it needs drops it unheard.
	ts.Config.ErrorLog = log.New(io.Discard, "", 0)
	ts.StartTLS()
	t.Cleanup(ts.Close)
	addr := ts.Listener.Addr().(*net.TCPAddr)
	ep.IPAddress, ep.Port, ep.VerifySSL = addr.IP.String(), addr.Port, false
	return ep
}

// whats are what the problems are about.
func whats(problems []domain.Problem) []string {
	out := make([]string, len(problems))
	for i, p := range problems {
		out[i] = p.What
	}
	return out
}

// about finds the problem of something; it fails when there is not one.
func about(t *testing.T, problems []domain.Problem, what string) domain.Problem {
	t.Helper()
	i := slices.IndexFunc(problems, func(p domain.Problem) bool { return p.What == what })
	if i < 0 {
		t.Fatalf("no problem about %q in %q", what, whats(problems))
	}
	return problems[i]
}

// pveWithoutLogin answers the login like any other path.
type pveWithoutLogin struct{ *server }

// RoundTrip implements http.RoundTripper.
func (s pveWithoutLogin) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method == http.MethodPost && req.URL.Path == ticketPath {
		req = req.Clone(req.Context())
		req.Method = http.MethodGet
	}
	return s.server.RoundTrip(req)
}
