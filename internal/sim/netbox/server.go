package netboxsim

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Token is the v1 token that every server accepts, unless WithToken gives
// another; the header is "Authorization: Token " + Token.
const Token = "0123456789abcdef0123456789abcdef01234567"

// maxBody is the size above which NetBox refuses a request body
// (DATA_UPLOAD_MAX_MEMORY_SIZE of Django), in bytes.
const maxBody = 2_621_440

// Server is a NetBox: an http.Handler, and the ways in for tests.
type Server struct {
	store   *store
	token   string
	v2      map[string]string // key -> secret
	cost    Cost
	workers chan struct{}

	mu    sync.Mutex // guards what is below
	fault func(*http.Request) *Fault
	stats Stats
	// branching means that it says to have netbox-branching. There are no
	// branches all the same: what is written in one is written in the main.
	branching bool
}

// Option sets a Server up.
type Option func(*Server)

// WithToken sets the v1 token in place of Token.
func WithToken(token string) Option { return func(s *Server) { s.token = token } }

// WithTokenV2 adds a v2 token: "Authorization: Bearer nbt_<key>.<secret>".
func WithTokenV2(key, secret string) Option { return func(s *Server) { s.v2[key] = secret } }

// WithClock sets where created and last_updated come from.
func WithClock(clock func() time.Time) Option { return func(s *Server) { s.store.clock = clock } }

// WithoutChangeLog keeps no /api/core/object-changes/ entries: they cost
// memory in a large estate.
func WithoutChangeLog() Option { return func(s *Server) { s.store.log = false } }

// WithCost makes the server as slow as it says.
func WithCost(c Cost) Option {
	return func(s *Server) {
		s.cost = c
		s.workers = make(chan struct{}, max(c.Workers, 1))
	}
}

// Cost is how long a request takes beyond the simulator's own time, to model
// a NetBox. The zero Cost is none.
type Cost struct {
	Request time.Duration // of every request
	Read    time.Duration // of every object answered to a GET
	Write   time.Duration // of every object written, changed or not
	Workers int           // requests that are worked on at once; at least 1
}

// Fault is what goes wrong with one request.
type Fault struct {
	Delay  time.Duration // waited before anything else
	Status int           // answered in place of working on the request; 0: none
	Body   string        // of that answer; JSON
	Header http.Header   // of that answer, Retry-After for one
	// Cut closes the connection before the request is worked on.
	Cut bool
	// LoseAnswer works on the request, then closes the connection.
	LoseAnswer bool
}

// New returns a server of the profile with no objects but those that an
// installation has from the start.
func New(p Profile, opts ...Option) *Server {
	s := &Server{store: newStore(p, time.Now, true), token: Token, v2: map[string]string{}}
	for _, o := range opts {
		o(s)
	}
	s.store.install()
	return s
}

// SetFault sets the hook that is asked about every request before it is
// worked on; nil takes it away. The hook may read the body.
func (s *Server) SetFault(hook func(*http.Request) *Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = hook
}

// InstallBranching makes the server say that it has netbox-branching.
func (s *Server) InstallBranching() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.branching = true
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, tooLarge := readBody(r)
	if f := s.faultFor(r, body); f != nil {
		wait(r, f.Delay)
		switch {
		case f.Cut:
			panic(http.ErrAbortHandler)
		case f.Status != 0:
			s.countRequest(r.Method, "", 0)
			for name, values := range f.Header {
				w.Header()[name] = values
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(f.Status)
			_, _ = io.WriteString(w, f.Body)
			return
		case f.LoseAnswer:
			s.serve(discard{http.Header{}}, r, body, tooLarge)
			panic(http.ErrAbortHandler)
		}
	}
	s.serve(w, r, body, tooLarge)
}

func (s *Server) faultFor(r *http.Request, body []byte) *Fault {
	s.mu.Lock()
	hook := s.fault
	s.mu.Unlock()
	if hook == nil {
		return nil
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return hook(r)
}

func readBody(r *http.Request) (body []byte, tooLarge bool) {
	if r.Body == nil {
		return nil, false
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	return body, err == nil && len(body) > maxBody
}

func wait(r *http.Request, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
	}
}

// discard is where an answer goes that is lost.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

// exchange is one request being worked on.
type exchange struct {
	*Server
	w     http.ResponseWriter
	r     *http.Request
	body  []byte
	query url.Values
	view  *view
	k     *kind
	user  string
	reqID string
	// runtime asks for settings/runtime/, which shows two fields more.
	runtime  bool
	tooLarge bool

	read, written int // objects, for the cost and the statistics
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, body []byte, tooLarge bool) {
	x := &exchange{
		Server: s, w: w, r: r, body: body, query: r.URL.Query(),
		view: &view{s: s.store, base: baseURL(r)}, user: "admin", reqID: newUUID(),
	}
	if s.workers != nil {
		s.workers <- struct{}{}
		defer func() { <-s.workers }()
	}
	h := w.Header()
	h.Set("X-Request-ID", x.reqID)
	h.Set("API-Version", s.store.profile.apiVersion())
	h.Set("Vary", "HX-Request, Accept-Language, Cookie, origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("Content-Language", "en")
	x.tooLarge = tooLarge
	x.route()
}

func baseURL(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

func newUUID() string {
	var u [16]byte
	_, _ = rand.Read(u[:]) // never fails
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

func (x *exchange) route() {
	path := x.r.URL.Path
	rest, isAPI := strings.CutPrefix(path, "/api/")
	if !isAPI && path != "/api" {
		x.count()
		x.page(http.StatusNotFound, "Page Not Found")
		return
	}
	if !strings.HasSuffix(path, "/") {
		x.count()
		if x.r.Method != http.MethodGet && x.r.Method != http.MethodHead {
			x.page(http.StatusNotFound, "Page Not Found")
			return
		}
		u := *x.r.URL
		u.Path += "/"
		x.w.Header().Set("Location", u.RequestURI())
		x.w.WriteHeader(http.StatusMovedPermanently)
		return
	}
	rest = strings.TrimSuffix(rest, "/")
	if rest == "status" || rest == "" || rest == "plugins/proxbox" {
		x.count()
		if x.authenticate() {
			x.root(rest)
		}
		return
	}
	st := x.store
	st.mu.RLock()
	k := st.paths[rest]
	id, detail := 0, false
	if k == nil {
		head, last, _ := cutLast(rest)
		if n, err := strconv.Atoi(last); err == nil && n >= 0 {
			k, id, detail = st.paths[head], n, true
		} else if last == "runtime" && st.paths[head] != nil && st.paths[head].singleton {
			k, id, detail, x.runtime = st.paths[head], 1, true, true
		}
	}
	st.mu.RUnlock()
	if k == nil {
		x.count()
		x.page(http.StatusNotFound, "Page Not Found")
		return
	}
	x.k = k
	x.serveKind(id, detail)
	x.count()
}

func cutLast(path string) (head, last string, ok bool) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return path, "", false
	}
	return path[:i], path[i+1:], true
}

func (x *exchange) serveKind(id int, detail bool) {
	allow := "GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS"
	switch {
	case x.k.methods != "":
		allow = x.k.methods
	case x.k.singleton && !detail:
		allow = "GET, PUT, PATCH, HEAD, OPTIONS"
	case detail:
		allow = "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"
	}
	x.w.Header().Set("Allow", allow)
	if !x.authenticate() {
		return
	}
	method := x.r.Method
	if method != http.MethodOptions && !slices.Contains(strings.Split(allow, ", "), method) {
		x.json(http.StatusMethodNotAllowed, map[string]string{"detail": fmt.Sprintf("Method %q not allowed.", method)})
		return
	}
	switch method {
	case http.MethodGet, http.MethodHead:
		x.store.mu.RLock()
		b, a := x.get(id, detail)
		x.store.mu.RUnlock()
		x.answer(a, http.StatusOK, b)
		return
	case http.MethodOptions:
		// The fields of each action are left out: what matters is which there are.
		actions := map[string]any{}
		for _, m := range []string{http.MethodPost, http.MethodPut} {
			if slices.Contains(strings.Split(allow, ", "), m) {
				actions[m] = map[string]any{}
			}
		}
		x.json(http.StatusOK, map[string]any{"name": x.k.verbose + " list", "actions": actions})
		return
	}
	in, a := x.decode()
	if x.tooLarge {
		a = x.store.crash("RequestDataTooBig", "Request body exceeded settings.DATA_UPLOAD_MAX_MEMORY_SIZE.")
	}
	if a != nil {
		x.answer(a, 0, nil)
		return
	}
	x.store.mu.Lock()
	status, b, a := x.write(id, detail, in)
	x.store.settle()
	x.store.mu.Unlock()
	x.answer(a, status, b)
}

// settle makes ready what readers share, after a write.
func (s *store) settle() {
	if s.fieldsOf == nil {
		s.buildCustomFields()
	}
}

func (x *exchange) decode() (any, *answer) {
	if len(bytes.TrimSpace(x.body)) == 0 {
		return map[string]any{}, nil
	}
	if t, _, _ := strings.Cut(x.r.Header.Get("Content-Type"), ";"); strings.TrimSpace(t) != "application/json" {
		return nil, detail(http.StatusUnsupportedMediaType, "Unsupported media type %q in request.", x.r.Header.Get("Content-Type"))
	}
	d := json.NewDecoder(bytes.NewReader(x.body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, detail(http.StatusBadRequest, "JSON parse error - %s", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, detail(http.StatusBadRequest, "JSON parse error - Extra data")
	}
	return v, nil
}

// authenticate answers 403 itself when the request may not pass.
func (x *exchange) authenticate() bool {
	msg := x.refusal(x.r.Header.Get("Authorization"))
	if msg == "" {
		return true
	}
	x.json(http.StatusForbidden, map[string]string{"detail": msg})
	return false
}

func (s *Server) refusal(header string) string {
	const missing = "Authentication credentials were not provided."
	parts := strings.Fields(header)
	if len(parts) == 0 {
		return missing
	}
	if word := strings.ToLower(parts[0]); word != "token" && word != "bearer" {
		return missing
	}
	if len(parts) != 2 {
		return `Invalid authorization header: Must be in the form "Bearer <key>.<token>" or "Token <token>"`
	}
	rest, isV2 := strings.CutPrefix(parts[1], "nbt_")
	if !isV2 {
		if rest == s.token {
			return ""
		}
		return "Invalid v1 token"
	}
	key, secret, ok := strings.Cut(rest, ".")
	if !ok {
		return "Invalid authorization header: Could not parse key from v2 token. Did you mean to use 'Token' instead of 'Bearer'?"
	}
	if want, known := s.v2[key]; known && want == secret {
		return ""
	}
	return "Invalid v2 token"
}

func (x *exchange) root(path string) {
	switch path {
	case "status":
		p := x.store.profile
		plugins := map[string]string{}
		if p.Plugin != "" {
			plugins["netbox_proxbox"] = p.Plugin
		}
		x.mu.Lock()
		if x.branching {
			plugins["netbox_branching"] = "1.0.0"
		}
		x.mu.Unlock()
		x.json(http.StatusOK, map[string]any{
			"django-version": "6.1.2", "hostname": "netbox", "installed_apps": map[string]string{},
			"netbox-version": p.Release, "netbox-full-version": p.Release, "plugins": plugins,
			"python-version": "3.13.0", "rq-workers-running": 1,
		})
	case "":
		links := map[string]string{"status": x.view.base + "/api/status/"}
		for _, k := range x.store.kinds {
			app, _, _ := strings.Cut(k.path, "/")
			links[app] = x.view.base + "/api/" + app + "/"
		}
		x.json(http.StatusOK, links)
	default:
		if x.store.profile.Plugin == "" {
			x.page(http.StatusNotFound, "Page Not Found")
			return
		}
		links := map[string]string{}
		for _, k := range x.store.kinds {
			if name, ok := strings.CutPrefix(k.path, "plugins/proxbox/"); ok {
				links[name] = x.view.base + "/api/" + k.path + "/"
			}
		}
		x.json(http.StatusOK, links)
	}
}

func (x *exchange) json(status int, v any) {
	x.raw(status, []byte(jsonText(v)))
}

func (x *exchange) answer(a *answer, status int, body []byte) {
	if a == nil {
		x.raw(status, body)
		return
	}
	for name, v := range a.header {
		x.w.Header().Set(name, v)
	}
	x.json(a.status, a.body)
}

func (x *exchange) raw(status int, body []byte) {
	wait(x.r, x.cost.Request+time.Duration(x.read)*x.cost.Read+time.Duration(x.written)*x.cost.Write)
	if status != http.StatusNoContent {
		x.w.Header().Set("Content-Type", "application/json")
		x.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	x.w.WriteHeader(status)
	if x.r.Method != http.MethodHead && len(body) > 0 {
		_, _ = x.w.Write(body) // a client that is gone needs no answer
	}
}

// page is an answer that NetBox gives as a web page.
func (x *exchange) page(status int, title string) {
	x.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	x.w.WriteHeader(status)
	_, _ = fmt.Fprintf(x.w, "<!DOCTYPE html>\n<html lang=\"en\"><head><title>%s | NetBox</title></head><body></body></html>\n", title)
}
