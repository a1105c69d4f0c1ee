package proxmox

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	goproxmox "github.com/luthermonson/go-proxmox"

	"proxbox/internal/domain"
)

// The defaults of Options.
const (
	DefaultTimeout      = 30 * time.Second
	DefaultAgentTimeout = 15 * time.Second
	DefaultConcurrency  = 4
	DefaultInFlight     = 8
	DefaultTaskLimit    = 500

	// pluginTimeout is what the plugin sends for an endpoint on which nobody
	// set a timeout; it is too short for a busy cluster.
	pluginTimeout = 5 * time.Second
	defaultPort   = 8006
)

var errNoData = errors.New("no data")

// Options are how an endpoint is read. The zero value reads with the defaults.
type Options struct {
	// Timeout of one request; an endpoint's own timeout wins when it is
	// longer than the plugin's default of 5 s.
	Timeout time.Duration
	// AgentTimeout of one question to a guest agent.
	AgentTimeout time.Duration
	// ConfigTimeout of the configuration of one guest; that of any request
	// when it is 0.
	ConfigTimeout time.Duration
	// Concurrency is the number of requests in flight to one node.
	Concurrency int
	// InFlight is the number of requests in flight to the endpoint, through
	// which all nodes are read. Guest agents and storages, which may take their
	// time, get three quarters of it.
	InFlight int
	// TaskLimit is how many of its latest tasks are read of each node.
	TaskLimit int
	// SkipGuest and SkipStorage, if not nil, tell of which guests nothing is
	// read beyond the list of guests, and of which storages no content.
	SkipGuest   func(domain.Guest) bool
	SkipStorage func(name string) bool
	// Transport carries the requests in place of the network (simulators).
	// The read-only guard and the credentials are put before it all the same.
	Transport http.RoundTripper
	// UserAgent of the requests; "proxbox-api" when empty.
	UserAgent string
	// Logger is told of every request at debug level.
	Logger *slog.Logger
	// Observe is called after every request, from several goroutines.
	Observe func(Exchange)
}

// Client reads one Proxmox endpoint. It may be used by several goroutines.
type Client struct {
	ep      domain.ProxmoxEndpoint
	opts    Options
	timeout time.Duration
	log     *slog.Logger

	flight chan struct{} // a place for each request in flight
	slow   chan struct{} // and for each of them that may take its time

	auth  *auth
	hosts *hosts
	http  *http.Client
	api   *goproxmox.Client
}

// Open prepares the reading of an endpoint; nothing is sent yet. It fails
// when the endpoint has no address or no credentials.
func Open(ep domain.ProxmoxEndpoint, opts Options) (*Client, error) {
	if opts.Timeout <= 0 {
		opts.Timeout = DefaultTimeout
	}
	if opts.AgentTimeout <= 0 {
		opts.AgentTimeout = DefaultAgentTimeout
	}
	if opts.Concurrency <= 0 {
		opts.Concurrency = DefaultConcurrency
	}
	if opts.InFlight <= 0 {
		opts.InFlight = DefaultInFlight
	}
	if opts.TaskLimit <= 0 {
		opts.TaskLimit = DefaultTaskLimit
	}
	if opts.UserAgent == "" {
		opts.UserAgent = "proxbox-api"
	}
	c := &Client{ep: ep, opts: opts, timeout: opts.Timeout, log: opts.Logger,
		flight: make(chan struct{}, opts.InFlight), slow: make(chan struct{}, max(1, opts.InFlight*3/4))}
	if ep.Timeout > pluginTimeout {
		c.timeout = ep.Timeout
	}
	if c.opts.ConfigTimeout <= 0 {
		c.opts.ConfigTimeout = c.timeout
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	c.log = c.log.With("proxmox", ep.DisplayName())

	addrs := addresses(ep)
	if len(addrs) == 0 {
		return nil, fmt.Errorf("endpoint %q of Proxmox has no address: set its domain or its ip_address", ep.Name)
	}
	base := opts.Transport
	if base == nil {
		base = c.network()
	}
	c.hosts = &hosts{addrs: addrs, next: base}
	var err error
	if c.auth, err = newAuth(ep, &guard{next: c.hosts, observe: c.observe}, time.Now); err != nil {
		return nil, err
	}
	c.http = &http.Client{Transport: c.auth}
	c.api = goproxmox.NewClient("https://"+addrs[0]+apiPrefix,
		goproxmox.WithHTTPClient(c.http),
		goproxmox.WithUserAgent(opts.UserAgent),
		goproxmox.WithLogger(silent{}))
	return c, nil
}

// addresses are the endpoint's host:port, the domain before the address.
func addresses(ep domain.ProxmoxEndpoint) []string {
	port := ep.Port
	if port == 0 {
		port = defaultPort
	}
	var out []string
	ip, _, _ := strings.Cut(ep.IPAddress, "/") // an address may come with its mask
	for _, host := range []string{ep.Domain, ip} {
		host = strings.Trim(strings.TrimSpace(host), "[]")
		if host == "" {
			continue
		}
		if a := net.JoinHostPort(host, strconv.Itoa(port)); len(out) == 0 || out[0] != a {
			out = append(out, a)
		}
	}
	return out
}

// network is the transport to a real Proxmox.
func (c *Client) network() *http.Transport {
	// A dead domain has to leave time to try the address.
	connect := min(10*time.Second, c.timeout/3)
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: connect, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout: connect,
		TLSClientConfig: &tls.Config{
			MinVersion: tls.VersionTLS12,
			// Proxmox signs its own certificates unless it is told otherwise;
			// whether they are verified is a setting of the endpoint.
			InsecureSkipVerify: !c.ep.VerifySSL, //nolint:gosec // the operator's choice
		},
		MaxIdleConns:        256,
		MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     30 * time.Second,
	}
}

func (c *Client) observe(ex Exchange) {
	c.log.Debug("proxmox request", "method", ex.Method, "path", ex.Path, "status", ex.Status, "took", ex.Took, "error", ex.Err)
	if c.opts.Observe != nil {
		c.opts.Observe(ex)
	}
}

// Endpoint is the endpoint that the client reads.
func (c *Client) Endpoint() domain.ProxmoxEndpoint { return c.ep }

// Address is the host:port that answers, of the endpoint's two.
func (c *Client) Address() string { return c.hosts.current() }

// Close drops the connections. The client may not be used after it.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// CloseIdleConnections lets http.Client reach the transport behind the guard.
func (a *auth) CloseIdleConnections() { closeIdle(a.next) }

// CloseIdleConnections passes on to the next transport.
func (g *guard) CloseIdleConnections() { closeIdle(g.next) }

// CloseIdleConnections passes on to the next transport.
func (h *hosts) CloseIdleConnections() { closeIdle(h.next) }

func closeIdle(rt http.RoundTripper) {
	if c, ok := rt.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// Version is what a Proxmox node runs.
type Version struct {
	Version string // "9.0.10"
	Release string // "9.0"
	RepoID  string
}

// Version asks for the release of the node that answers. Its errors are
// *EndpointError.
func (c *Client) Version(ctx context.Context) (Version, error) {
	v, err := c.version(ctx)
	if err != nil {
		return Version{}, c.endpointError(ctx, "/version", err)
	}
	return v, nil
}

func (c *Client) version(ctx context.Context) (Version, error) {
	raw, err := c.get(ctx, c.timeout, "/version", nil)
	if err != nil {
		return Version{}, err
	}
	var row struct{ Version, Release, RepoID text }
	if err := json.Unmarshal(raw, &row); err != nil {
		return Version{}, fmt.Errorf("reading /version: %w", err)
	}
	if row.Version == "" {
		return Version{}, fmt.Errorf("/version: %w: it names no version", errNoData)
	}
	return Version{string(row.Version), string(row.Release), string(row.RepoID)}, nil
}

// ErrBadPath is a path that cannot be one of the Proxmox API.
var ErrBadPath = errors.New("no path of the Proxmox API")

// Get returns the data of any path below /api2/json, as Proxmox sent it;
// "null" when it sent none. Its errors are ErrBadPath and *EndpointError, in
// which a *StatusError may be found.
func (c *Client) Get(ctx context.Context, path string, query url.Values) (json.RawMessage, error) {
	if !validPath(path) {
		return nil, fmt.Errorf("%q is %w", path, ErrBadPath)
	}
	raw, err := c.get(ctx, c.timeout, path, query)
	if err != nil {
		return nil, c.endpointError(ctx, path, err)
	}
	return raw, nil
}

func validPath(path string) bool {
	plain, err := url.PathUnescape(path)
	return err == nil && strings.HasPrefix(path, "/") && !strings.ContainsAny(path, "?#") &&
		!strings.ContainsFunc(path, unicode.IsControl) && !slices.Contains(strings.Split(plain, "/"), "..")
}

// Gone tells whether a node says that it has no configuration of a guest. Any
// other refusal is an error, for it says nothing about the guest.
func (c *Client) Gone(ctx context.Context, node string, t domain.GuestType, vmid int) (bool, error) {
	path := guestPath(node, t, vmid, "config")
	_, err := c.get(ctx, c.timeout, path, nil)
	switch {
	case err == nil:
		return false, nil
	case noSuchGuest(err):
		return true, nil
	}
	return false, c.endpointError(ctx, path, err)
}

// Path joins the elements of a path below /api2/json, escaping each.
func Path(elems ...string) string {
	var b strings.Builder
	for _, e := range elems {
		b.WriteByte('/')
		b.WriteString(url.PathEscape(e))
	}
	return b.String()
}

func guestPath(node string, t domain.GuestType, vmid int, rest ...string) string {
	return Path(append([]string{"nodes", node, string(t), strconv.Itoa(vmid)}, rest...)...)
}

// get reads one path, trying again as often as the endpoint's max_retries
// says when there was no answer, or none of Proxmox itself.
func (c *Client) get(ctx context.Context, timeout time.Duration, path string, query url.Values) (json.RawMessage, error) {
	wait := c.ep.RetryBackoff
	for attempt := 0; ; attempt++ {
		raw, err := c.once(ctx, timeout, path, query)
		if err == nil || attempt >= c.ep.MaxRetries || ctx.Err() != nil || !passing(err) {
			return raw, err
		}
		c.log.Debug("trying again", "path", path, "attempt", attempt+1, "wait", wait, "error", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		wait *= 2
	}
}

// enter waits for a place, and leave gives it back.
func enter(ctx context.Context, places chan struct{}) error {
	select {
	case places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func leave(places chan struct{}) { <-places }

// passing tells whether the same request may fare better a moment later.
func passing(err error) bool {
	var se *StatusError
	if errors.As(err, &se) {
		return NodeUnreachable(se) || se.Code >= http.StatusBadGateway && se.Code <= http.StatusGatewayTimeout || se.Code == http.StatusTooManyRequests
	}
	switch causeOf(err) {
	case CauseTimeout, CauseRefused, CauseUnreachable:
		return true
	}
	return false
}

func (c *Client) once(ctx context.Context, timeout time.Duration, path string, query url.Values) (json.RawMessage, error) {
	full := path
	if len(query) > 0 {
		full += "?" + query.Encode()
	}
	if err := enter(ctx, c.flight); err != nil {
		return nil, err
	}
	defer leave(c.flight)
	bounded, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var raw json.RawMessage
	if err := c.api.Get(bounded, full, &raw); err != nil {
		if bounded.Err() != nil && ctx.Err() == nil {
			return nil, &TimeoutError{Path: path, After: timeout}
		}
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err // its text repeats the whole address
		}
		var se *StatusError
		if errors.As(err, &se) {
			return nil, err
		}
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if raw == nil {
		raw = json.RawMessage("null")
	}
	return raw, nil
}

// silent keeps go-proxmox from printing: what matters is in our own log.
type silent struct{}

func (silent) Debugf(string, ...any) {}
func (silent) Infof(string, ...any)  {}
func (silent) Warnf(string, ...any)  {}
func (silent) Errorf(string, ...any) {}
