package server

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/danielgtaylor/huma/v2"

	"proxbox/internal/auth"
	"proxbox/internal/domain"
	"proxbox/internal/logbook"
)

// The bounds of WebSockets.
const (
	maxSockets       = 256 // open at once
	maxSocketsOfOne  = 32  // from one address; each worker of NetBox has one
	maxSocketMessage = 4096
	// keyDeadline is how long a client may take to send its API key.
	keyDeadline = 10 * time.Second
	// pulse is the silence after which something is sent: the plugin 0.0.15
	// sends a command only after it received something.
	pulse = 5 * time.Second
	// pingEvery finds out that a client is gone that never said so.
	pingEvery = 30 * time.Second
	pongTime  = 20 * time.Second
)

// The codes that a WebSocket is closed with beside those of the protocol.
const closeUnauthorized websocket.StatusCode = 4001

// socketPaths are the paths of WebSockets and what goes on there once the
// client has shown its key.
var socketPaths = map[string]func(*socket) error{
	"/":                    (*socket).count,
	"/ws":                  (*socket).obey,
	"/ws/virtual-machines": (*socket).syncGuests,
}

// socketRoutes say what there is on the paths for who is no WebSocket. The key
// comes in the first frame, so that they are public before it.
func (s *Server) socketRoutes() {
	for _, path := range []string{"/ws", "/ws/virtual-machines"} {
		s.public[path] = true
		s.router.Get(path, func(w http.ResponseWriter, _ *http.Request) { writeError(w, noUpgrade()) })
		s.api.OpenAPI().AddOperation(&huma.Operation{Method: http.MethodGet, Path: path, OperationID: operationID(path), Tags: []string{"service"},
			Summary:  "A WebSocket; docs/logs.md has its frames",
			Security: []map[string][]string{}, Responses: map[string]*huma.Response{
				"101": {Description: "The first frame of the client must be {\"api_key\": \"...\"}"},
				"400": s.errorResponse(http.StatusBadRequest), "403": s.errorResponse(http.StatusForbidden),
				"426": s.errorResponse(http.StatusUpgradeRequired), "429": s.errorResponse(http.StatusTooManyRequests),
				"503": s.errorResponse(http.StatusServiceUnavailable),
			}})
	}
}

func noUpgrade() *Error {
	e := fail(http.StatusUpgradeRequired, "This is a WebSocket: connect with one, and send {\"api_key\": …} as the first frame.")
	e.headers = http.Header{"Upgrade": {"websocket"}, "Connection": {"Upgrade"}}
	return e
}

// sockets answers the requests that ask for a WebSocket.
func (s *Server) sockets(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		serve := socketPaths[r.URL.Path]
		if serve == nil || r.Method != http.MethodGet || !hasToken(r.Header, "Upgrade", "websocket") || !hasToken(r.Header, "Connection", "upgrade") {
			next.ServeHTTP(w, r)
			return
		}
		if e := s.handshake(r); e != nil {
			writeError(w, e)
			return
		}
		if !s.open() {
			writeError(w, s.problem(r.Context(), errClosing))
			return
		}
		defer s.streams.Done()
		// The origin is checked, and by the same rule as that of CORS.
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
		if err != nil {
			return // it has answered
		}
		s.serveSocket(r, conn, serve)
	})
}

// hasToken tells whether a header that is a list has a token.
func hasToken(h http.Header, name, token string) bool {
	for _, value := range h.Values(name) {
		for part := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.TrimSpace(part), token) {
				return true
			}
		}
	}
	return false
}

// handshake says what is wrong with the request for a WebSocket. A page may
// open one where CORS lets it call, and at its own host; who is no browser
// sends no Origin.
func (s *Server) handshake(r *http.Request) *Error {
	if origin := r.Header.Get("Origin"); origin != "" && !ofHost(origin, r.Host) && !s.allowsOrigin(r, origin) {
		return fail(http.StatusForbidden,
			"Pages of %s may not call this service. Add the origin to PROXBOX_CORS_EXTRA_ORIGINS to allow it.", origin)
	}
	if !r.ProtoAtLeast(1, 1) {
		return noUpgrade()
	}
	if r.Header.Get("Sec-WebSocket-Version") != "13" {
		e := fail(http.StatusBadRequest, "Sec-WebSocket-Version must be 13.")
		e.headers = http.Header{"Sec-Websocket-Version": {"13"}}
		return e
	}
	keys := r.Header.Values("Sec-WebSocket-Key")
	if len(keys) == 1 {
		if raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(keys[0])); err == nil && len(raw) == 16 {
			return nil
		}
	}
	return fail(http.StatusBadRequest, "Sec-WebSocket-Key must be 16 bytes in base64, once.")
}

func ofHost(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, host)
}

// socket is one WebSocket. But for its reading, it belongs to one goroutine.
type socket struct {
	*Server
	ctx    context.Context
	conn   *websocket.Conn
	source string
	key    domain.Secret
	frames chan string // from the client
	quiet  *time.Timer // fires after a silence of ours
	check  *time.Ticker

	told    *told           // the run that is told now; nil for none
	pending []command       // that come after it
	logs    *logbook.Reader // nil until the client asks for the log
	logsID  string          // run_id of who asked for it
}

func (s *Server) serveSocket(r *http.Request, conn *websocket.Conn, serve func(*socket) error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	conn.SetReadLimit(maxSocketMessage)
	c := &socket{Server: s, ctx: ctx, conn: conn, source: auth.Source(s.client(r)), frames: make(chan string),
		quiet: time.NewTimer(pulse), check: time.NewTicker(recheck)}
	var beside sync.WaitGroup
	defer beside.Wait()
	defer cancel()
	defer c.quiet.Stop()
	defer c.check.Stop()
	defer func() { _ = conn.CloseNow() }()
	beside.Go(c.read)
	if !s.taken.enter(c.source) {
		c.end(&closing{websocket.StatusTryAgainLater, "Too many WebSockets are open. Please try again later."})
		return
	}
	defer s.taken.leave(c.source)
	err := c.authenticate()
	if err == nil {
		beside.Go(c.ping)
		err = serve(c)
		if c.told != nil {
			c.told.stop()
		}
		if c.logs != nil {
			c.logs.Close()
		}
	}
	c.end(err)
}

// closing is why a WebSocket is closed, as the client is told. It is an error
// that ends the serving.
type closing struct {
	code   websocket.StatusCode
	reason string
}

// Error implements error.
func (c *closing) Error() string { return c.reason }

// The ends of a WebSocket that are no fault of the client's.
var (
	stopping = &closing{websocket.StatusGoingAway, "The service is stopping."}
	finished = &closing{websocket.StatusNormalClosure, "That is all."}
)

// end closes the WebSocket; nothing is said to a client that is gone.
func (c *socket) end(err error) {
	why, ok := err.(*closing)
	if !ok {
		return
	}
	if why.code == closeUnauthorized {
		c.log.WarnContext(c.ctx, "a WebSocket was refused", "request", requestID(c.ctx), "client", c.source, "reason", why.reason)
	}
	_ = c.conn.Close(why.code, cut(why.reason, 123)) // more does not fit into the frame
}

// read passes on what the client sends. It goes on all the time, for it also
// answers pings.
func (c *socket) read() {
	defer close(c.frames)
	for {
		kind, raw, err := c.conn.Read(c.ctx)
		if err != nil {
			return
		}
		if kind != websocket.MessageText {
			raw = nil // which is no command and no key
		}
		select {
		case c.frames <- string(raw):
		case <-c.ctx.Done():
			return
		}
	}
}

// ping keeps the connection alive for proxies, and ends one whose client is
// gone.
func (c *socket) ping() {
	t := time.NewTicker(pingEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-c.ctx.Done():
			return
		}
		ctx, cancel := context.WithTimeout(c.ctx, pongTime)
		err := c.conn.Ping(ctx)
		cancel()
		if err != nil {
			_ = c.conn.CloseNow()
			return
		}
	}
}

// authenticate waits for the API key, which must be the first frame. Nothing
// is done for the client before it: not a request to NetBox or Proxmox.
func (c *socket) authenticate() error {
	deadline := time.NewTimer(keyDeadline)
	defer deadline.Stop()
	select {
	case frame, more := <-c.frames:
		if !more {
			return errGone
		}
		var first struct {
			APIKey domain.Secret `json:"api_key"`
		}
		if json.Unmarshal([]byte(frame), &first) == nil {
			c.key = domain.Secret(strings.TrimSpace(first.APIKey.Reveal()))
		}
		return c.admit()
	case <-deadline.C:
		return &closing{closeUnauthorized, "API key required. Send {\"api_key\": \"…\"} as the first frame, within 10 seconds."}
	case <-c.closing.Done():
		return stopping
	}
}

// admit checks the key, by the rules and with the counters of HTTP.
func (c *socket) admit() error {
	decision, err := c.auth.Verify(c.ctx, c.source, c.key)
	switch {
	case err != nil:
		return &closing{websocket.StatusInternalError, c.problem(c.ctx, err).Error()}
	case decision.Outcome == auth.Allowed:
		if id, ok := c.ctx.Value(keyIDKey).(*int); ok {
			*id = decision.KeyID
		}
		return nil
	case decision.Outcome == auth.Busy:
		return &closing{websocket.StatusTryAgainLater, decision.Detail}
	}
	return &closing{closeUnauthorized, decision.Detail}
}

// still ends a WebSocket whose key was revoked since it was shown.
func (c *socket) still() error {
	if c.revoked(c.ctx) {
		return &closing{closeUnauthorized, sentence(errRevoked)}
	}
	return nil
}

// text sends a text frame. A client that does not take it in time is gone.
func (c *socket) text(text string) error {
	ctx, cancel := context.WithTimeout(c.ctx, writeTimeout)
	defer cancel()
	c.quiet.Reset(pulse)
	return c.conn.Write(ctx, websocket.MessageText, []byte(text))
}

func (c *socket) json(v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return c.text(string(raw))
}

// crowd counts the WebSockets that are open.
type crowd struct {
	mu     sync.Mutex
	all    int
	source map[string]int
}

func (c *crowd) enter(source string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all >= maxSockets || c.source[source] >= maxSocketsOfOne {
		return false
	}
	c.all++
	c.source[source]++
	return true
}

func (c *crowd) leave(source string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all--
	if c.source[source]--; c.source[source] == 0 {
		delete(c.source, source)
	}
}
