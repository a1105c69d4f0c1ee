package proxmoxsim

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"proxbox/internal/domain"
)

const apiPrefix = "/api2/json"

// Server answers from an estate. It may be used by several goroutines, and
// its estate changed meanwhile.
type Server struct {
	mu     sync.RWMutex
	estate Estate
	index  map[guestKey]int // into estate.Guests

	counted sync.Mutex
	counts  map[string]int
	refused []string

	tickets tickets
}

type guestKey struct {
	kind domain.GuestType
	vmid int
}

// New returns a server over an estate, which is its own from then on.
func New(e Estate) *Server {
	s := &Server{estate: e, counts: map[string]int{}}
	s.reindex()
	return s
}

func (s *Server) reindex() {
	s.index = make(map[guestKey]int, len(s.estate.Guests))
	for i, g := range s.estate.Guests {
		s.index[guestKey{g.Type, g.VMID}] = i
	}
}

// Change edits the estate between two requests.
func (s *Server) Change(edit func(*Estate)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	edit(&s.estate)
	s.reindex()
}

// Endpoint is how the server is reached, by its Transport.
func (s *Server) Endpoint() domain.ProxmoxEndpoint {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.estate.Endpoint()
}

// Requests is how often each path below /api2/json was asked for, the login
// included.
func (s *Server) Requests() map[string]int {
	s.counted.Lock()
	defer s.counted.Unlock()
	return maps.Clone(s.counts)
}

// Refused are the requests that would have changed something ("PUT /nodes/…").
// A reader that keeps to its word has none.
func (s *Server) Refused() []string {
	s.counted.Lock()
	defer s.counted.Unlock()
	return slices.Clone(s.refused)
}

// ResetRequests forgets the requests so far.
func (s *Server) ResetRequests() {
	s.counted.Lock()
	defer s.counted.Unlock()
	s.counts, s.refused = map[string]int{}, nil
}

// answer is a response before it is one. Proxmox has its own reason phrase
// for every status.
type answer struct {
	status int
	reason string
	body   []byte
}

// refusal is a request that Proxmox does not answer with data.
type refusal struct {
	status  int
	message string
	fields  map[string]string // of a 400: what is wrong with which parameter
}

// Error implements error.
func (r *refusal) Error() string { return fmt.Sprintf("%d %s", r.status, r.message) }

func refuse(status int, format string, args ...any) *refusal {
	return &refusal{status: status, message: fmt.Sprintf(format, args...)}
}

// request is what a handler is asked.
type request struct {
	*Estate
	server *Server
	path   string
	query  url.Values
	caller caller
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a, err := s.serve(r)
	if err != nil {
		panic(http.ErrAbortHandler) // the caller gave up
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

// Transport answers in the process, whatever the address of a request.
func (s *Server) Transport() http.RoundTripper { return transport{s} }

type transport struct{ server *Server }

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer func() { _ = r.Body.Close() }()
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	a, err := t.server.serve(r)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		Status: strconv.Itoa(a.status) + " " + a.reason, StatusCode: a.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {"application/json;charset=UTF-8"}},
		Body:          io.NopCloser(bytes.NewReader(a.body)),
		ContentLength: int64(len(a.body)), Request: r,
	}, nil
}

// serve answers a request; its error is that of the request's context.
func (s *Server) serve(r *http.Request) (answer, error) {
	path, api := strings.CutPrefix(r.URL.Path, apiPrefix)
	login := path == "/access/ticket" && r.Method == http.MethodPost
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	s.count(r.Method, path, reads || login)

	var form url.Values
	if login {
		raw, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
		if err == nil {
			form, err = url.ParseQuery(string(raw))
		}
		if err != nil {
			return s.failed(refuse(http.StatusBadRequest, "malformed request body")), nil
		}
	}

	s.mu.RLock()
	fault, faulty := s.estate.Faults[path]
	s.mu.RUnlock()
	if faulty && fault.Hangs {
		<-r.Context().Done()
		return answer{}, context.Cause(r.Context())
	}

	s.mu.RLock()
	defer s.mu.RUnlock()
	var (
		data any
		err  error
	)
	switch {
	case !api:
		err = refuse(http.StatusNotFound, "no such file '%s'", r.URL.Path)
	case login:
		data, err = s.login(form)
	case !reads:
		err = refuse(http.StatusForbidden, "Permission check failed: this Proxmox VE is only read")
	default:
		data, err = s.read(r, path, fault, faulty)
	}
	if err != nil {
		return s.failed(err), nil
	}
	body, err := json.Marshal(map[string]any{"data": data})
	if err != nil {
		return answer{}, fmt.Errorf("writing %s: %w", path, err)
	}
	return answer{http.StatusOK, "OK", body}, nil
}

func (s *Server) read(r *http.Request, path string, fault Fault, faulty bool) (any, error) {
	who, err := s.authenticate(r)
	if err != nil {
		return nil, err
	}
	if faulty {
		return nil, refuse(fault.Status, "%s", fault.Message)
	}
	return (&request{Estate: &s.estate, server: s, path: path, query: r.URL.Query(), caller: who}).route()
}

func (s *Server) count(method, path string, allowed bool) {
	s.counted.Lock()
	defer s.counted.Unlock()
	s.counts[path]++
	if !allowed {
		s.refused = append(s.refused, method+" "+path)
	}
}

// failed is a refusal as it is sent: since release 8 with the message in the
// body too. pveproxy's own statuses come without a body.
func (s *Server) failed(err error) answer {
	r, ok := err.(*refusal)
	if !ok {
		r = refuse(http.StatusInternalServerError, "%v", err)
	}
	a := answer{status: r.status, reason: r.message}
	if r.status >= 595 {
		return a
	}
	body := map[string]any{"data": nil}
	if s.estate.release() >= 8 {
		body["message"] = r.message + "\n"
	}
	if r.fields != nil {
		body["errors"] = r.fields
	}
	a.body, err = json.Marshal(body)
	if err != nil {
		a.body = nil
	}
	return a
}
