package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"proxbox/internal/auth"
	"proxbox/internal/domain"
	"proxbox/internal/logbook"
	"proxbox/internal/proxmox"
	"proxbox/internal/run"
	"proxbox/internal/settings"
	"proxbox/internal/store"
)

// Contract is the release of the Python service whose wire this one speaks.
// The plugin refuses a backend that says it is older than 0.0.13.
const Contract = "0.0.29"

// Options say what the service works with.
type Options struct {
	Store    *store.Store
	Auth     *auth.Authenticator
	Launcher *run.Launcher
	Settings *settings.Values
	Version  string       // of the program
	Log      *slog.Logger // nil for none
	// Logs is where Log is kept to be read; nil for nowhere.
	Logs *logbook.Book
	// Ready tells whether the service can do its work, and if not, why; nil
	// when it always can.
	Ready func() (ok bool, reason string)
}

// Server answers HTTP requests.
type Server struct {
	store    *store.Store
	auth     *auth.Authenticator
	launcher *run.Launcher
	values   *settings.Values
	version  string
	log      *slog.Logger
	ready    func() (bool, string)

	router   chi.Router
	api      huma.API
	handler  http.Handler
	document []byte
	public   map[string]bool // paths that need no API key
	trusted  []netip.Prefix
	limit    *limiter
	answers  *answers // of NetBox, kept for who only looks
	logs     *logbook.Book
	taken    crowd   // of WebSockets
	readers  readers // of Proxmox, for requests
	cancels  cancels // of runs, that clients were told of

	closing   context.Context
	close     context.CancelFunc
	mu        sync.Mutex // between streams that begin and Close
	streams   sync.WaitGroup
	keepalive time.Duration // of silence before a stream says that it lives
	patience  time.Duration // of a JSON sync that waits for another run
	waits     patience      // of a request for Proxmox
}

// New returns the service.
func New(o Options) (*Server, error) {
	for name, missing := range map[string]bool{
		"Store": o.Store == nil, "Auth": o.Auth == nil, "Launcher": o.Launcher == nil, "Settings": o.Settings == nil,
	} {
		if missing {
			return nil, fmt.Errorf("server: Options.%s is missing", name)
		}
	}
	s := newServer()
	s.store, s.auth, s.launcher, s.values = o.Store, o.Auth, o.Launcher, o.Settings
	s.version, s.trusted = o.Version, settings.TrustedProxies.In(o.Settings)
	s.limit = newLimiter(settings.RateLimit.In(o.Settings))
	s.answers.watch(o.Launcher)
	s.answers.limit(o.Settings)
	if o.Log != nil {
		s.log = o.Log
	}
	if o.Logs != nil {
		s.logs = o.Logs
	}
	if o.Ready != nil {
		s.ready = o.Ready
	}
	if err := s.routes(); err != nil {
		return nil, err
	}
	s.handler = s.middleware(s.sockets(s.router))
	return s, nil
}

func newServer() *Server {
	s := &Server{
		log:   slog.New(slog.DiscardHandler),
		ready: func() (bool, string) { return true, "" },
		limit: newLimiter(0), answers: newAnswers(), public: map[string]bool{},
		logs: logbook.New(0, 0), taken: crowd{source: map[string]int{}},
		keepalive: 15 * time.Second, patience: 25 * time.Second, waits: defaultPatience,
	}
	s.closing, s.close = context.WithCancel(context.Background())
	s.readers = readers{begin: s.open, end: s.streams.Done, stop: s.closing, open: func(ep domain.ProxmoxEndpoint) (*proxmox.Client, error) {
		return s.launcher.OpenProxmox(ep, s.values)
	}}
	return s
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Close ends the streams that are open and waits until their handlers are
// done. It does not end runs; the run manager does.
func (s *Server) Close() error {
	s.mu.Lock()
	s.close()
	s.mu.Unlock()
	s.streams.Wait()
	s.readers.close()
	return nil
}

var errClosing = errors.New("the service is stopping")
