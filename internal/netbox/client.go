package netbox

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	gonetbox "github.com/netbox-community/go-netbox/v4"

	"proxbox/internal/domain"
)

// MaxBody is how many bytes a caller's batch should not exceed. NetBox itself
// refuses a body of more than 2.5 MB (2,621,440 bytes), and a batch grows when
// it is wrapped.
const MaxBody = 2_000_000

// refusedBody is the size of a body that is not even sent.
const refusedBody = 2_500_000

// Options are how a NetBox is spoken with. The zero value of each field is
// its default.
type Options struct {
	MaxConcurrent int           // requests in flight at most; default 2
	MaxRetries    int           // of one request, after its first attempt; default 5, negative: none
	RetryDelay    time.Duration // before the first retry, doubled for each further one; default 2 s
	Timeout       time.Duration // of one request with its answer; default 120 s
	PageSize      int           // rows asked for in one page; default 1000
	Branch        string        // schema id of a branch of netbox-branching, sent as X-NetBox-Branch
	ReadOnly      bool          // every write is refused with ErrReadOnly before it is sent
	Known         *Capabilities // what a Probe would answer, when it is known; Probe then asks nothing
	Transport     http.RoundTripper
	Logger        *slog.Logger
	Observe       func(Exchange) // told every request that was sent, from several goroutines
	Retrying      func(Retry)    // told before a request is tried again, from several goroutines
}

func (o Options) withDefaults() Options {
	if o.MaxConcurrent <= 0 {
		o.MaxConcurrent = 2
	}
	switch {
	case o.MaxRetries == 0:
		o.MaxRetries = 5
	case o.MaxRetries < 0:
		o.MaxRetries = 0
	}
	if o.RetryDelay <= 0 {
		o.RetryDelay = 2 * time.Second
	}
	if o.Timeout <= 0 {
		o.Timeout = 120 * time.Second
	}
	if o.PageSize <= 0 {
		o.PageSize = 1000
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Client speaks with one NetBox. It is safe for use by several goroutines.
type Client struct {
	opt     Options
	config  *gonetbox.Configuration
	base    string // without credentials, without a slash at the end
	limiter *limiter
	stats   counter
	idle    func()

	probe struct {
		sync.Mutex
		done bool
		caps Capabilities
	}
}

// Open prepares a client for an endpoint; it sends nothing yet.
func Open(ep domain.NetBoxEndpoint, opts Options) (*Client, error) {
	if ep.Domain == "" && ep.IPAddress == "" {
		return nil, fmt.Errorf("NetBox endpoint %q has neither a domain nor an address", ep.Name)
	}
	if ep.Token == "" {
		return nil, fmt.Errorf("NetBox endpoint %q has no token: make one in NetBox under Admin, API Tokens", ep.Name)
	}
	if ep.TokenVersion == "v2" && ep.TokenKey == "" {
		return nil, fmt.Errorf("NetBox endpoint %q has a v2 token without its key: the key is what stands between \"nbt_\" and the dot", ep.Name)
	}
	authorization := ep.Authorization()
	if strings.ContainsFunc(authorization, func(r rune) bool { return r < ' ' || r > '~' }) {
		return nil, fmt.Errorf("the token of NetBox endpoint %q holds characters that no token has: copy it again", ep.Name)
	}
	opts = opts.withDefaults()

	config := gonetbox.NewConfiguration()
	config.Servers = gonetbox.ServerConfigurations{{URL: ep.BaseURL(), Description: ep.Name}}
	config.UserAgent = "proxbox-api"
	config.AddDefaultHeader("Authorization", authorization)
	if opts.Branch != "" {
		config.AddDefaultHeader("X-NetBox-Branch", opts.Branch)
	}
	base, err := config.ServerURLWithContext(context.Background(), "")
	if err != nil {
		return nil, fmt.Errorf("NetBox endpoint %q: %w", ep.Name, err)
	}
	if u, err := url.Parse(base); err != nil || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" {
		return nil, fmt.Errorf("NetBox endpoint %q: the domain or address is not a plain host name", ep.Name)
	}

	c := &Client{opt: opts, config: config, base: strings.TrimRight(base, "/"), idle: func() {}}
	if opts.Known != nil {
		c.probe.caps, c.probe.done = *opts.Known, true
	}
	transport := opts.Transport
	if transport == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.TLSClientConfig = &tls.Config{InsecureSkipVerify: !ep.VerifySSL} //nolint:gosec // the endpoint's own setting
		t.MaxIdleConnsPerHost = opts.MaxConcurrent
		// gunicorn closes an idle connection after 2 s. One that we close first
		// can never swallow a POST whose fate is then unknown.
		t.IdleConnTimeout = 1500 * time.Millisecond
		c.idle = t.CloseIdleConnections
		transport = t
	}
	transport = &authenticator{next: transport, headers: config.DefaultHeader, userAgent: config.UserAgent}
	transport = &deadline{next: transport, after: opts.Timeout}
	transport = &observer{next: transport, stats: &c.stats, log: opts.Logger, observe: opts.Observe}
	c.limiter = newLimiter(transport, opts.MaxConcurrent, opts.Timeout/2)
	transport = c.limiter
	if opts.ReadOnly {
		transport = &readOnly{next: transport}
	}
	config.HTTPClient = &http.Client{
		Transport: transport,
		// The token goes to the configured host alone; see checkRedirect.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

// URL is the NetBox's address, without credentials.
func (c *Client) URL() string { return c.base }

// MaxConcurrent is how many requests the client keeps in flight at most.
func (c *Client) MaxConcurrent() int { return c.opt.MaxConcurrent }

// Stats returns what was sent so far.
func (c *Client) Stats() Stats { return c.stats.get() }

// Close drops idle connections; the client stays usable.
func (c *Client) Close() { c.idle() }

// Get returns one document as NetBox answers it: one object, or one page.
func (c *Client) Get(ctx context.Context, path string, query url.Values) (json.RawMessage, error) {
	var doc json.RawMessage
	err := c.call(ctx, request{method: http.MethodGet, path: path, query: query, want: http.StatusOK}, func(body io.Reader, f *flight) error {
		dec := json.NewDecoder(body)
		if err := dec.Decode(&doc); err != nil {
			return err
		}
		f.objects = 1
		return atEnd(dec)
	})
	return doc, err
}

// Create makes the objects in one request, all or none, and returns them as
// NetBox answers them, in the order of items. A refusal is a *BatchError; a
// lost answer is an *AmbiguousError, and it is the caller's to look before
// the request is repeated.
func (c *Client) Create(ctx context.Context, path string, items []map[string]any) ([]json.RawMessage, error) {
	if len(items) == 0 {
		return nil, nil
	}
	var made []json.RawMessage
	err := c.write(ctx, http.MethodPost, path, http.StatusCreated, items, func(objects []json.RawMessage) error {
		if len(objects) != len(items) {
			return fmt.Errorf("%d objects were sent and %d came back", len(items), len(objects))
		}
		made = objects
		return nil
	})
	return made, err
}

// Update changes the objects, each item holding its id, in one request, all
// or none. It returns the objects that NetBox still had, in NetBox's order:
// match by id. An object that is gone is left out and costs the others
// nothing, on every release.
func (c *Client) Update(ctx context.Context, path string, items []map[string]any) ([]json.RawMessage, error) {
	var changed []json.RawMessage
	err := c.present(items, func(items []map[string]any) error {
		return c.write(ctx, http.MethodPatch, path, http.StatusOK, items, func(objects []json.RawMessage) error {
			changed = objects
			return nil
		})
	})
	return changed, err
}

// Delete removes the objects, each item holding its id and perhaps a
// changelog_message, in one request, all or none. One that is gone already
// counts as removed, on every release.
func (c *Client) Delete(ctx context.Context, path string, items []map[string]any) error {
	return c.present(items, func(items []map[string]any) error {
		return c.write(ctx, http.MethodDelete, path, http.StatusNoContent, items, nil)
	})
}

// present sends the items and, when NetBox refuses them because some do not
// exist (4.7 does, the older ones pass over them), sends the rest. One more
// object may vanish each time, so each turn is of fewer items than the last.
func (c *Client) present(items []map[string]any, send func([]map[string]any) error) error {
	for len(items) > 0 {
		err := send(items)
		var refused *BatchError
		if !errors.As(err, &refused) {
			return err
		}
		var left []map[string]any
		for i, item := range items {
			if !refused.Items[i].missing() {
				left = append(left, item)
			}
		}
		if len(left) == len(items) || len(items)-len(left) < len(refused.Items) {
			return err // something else is refused, too
		}
		items = left
	}
	return nil
}

// write sends a list of items and reads the list that comes back.
func (c *Client) write(ctx context.Context, method, path string, want int, items []map[string]any, take func([]json.RawMessage) error) error {
	body, err := json.Marshal(items)
	if err != nil {
		return fmt.Errorf("%s %s: encode: %w", method, path, err)
	}
	if len(body) > refusedBody {
		return fmt.Errorf("%s %s: a request of %d objects has %d bytes, and NetBox takes 2.5 MB: send fewer at once (PROXBOX_BULK_BATCH_SIZE)", method, path, len(items), len(body))
	}
	r := request{method: method, path: path, body: body, items: items, want: want}
	return c.call(ctx, r, func(answer io.Reader, f *flight) error {
		f.objects = len(items)
		if take == nil {
			return nil
		}
		var objects []json.RawMessage
		dec := json.NewDecoder(answer)
		if err := dec.Decode(&objects); err != nil {
			return err
		}
		if err := atEnd(dec); err != nil {
			return err
		}
		return take(objects)
	})
}

// request is one request, as often as it is tried.
type request struct {
	method, path string
	query        url.Values
	body         []byte
	items        []map[string]any // of a write
	want         int              // the status of success
}

// read is the reading of an answer; it may run once for each attempt. An
// error of it means that the answer is not what NetBox answers.
type read func(body io.Reader, f *flight) error

// call sends a request, again where that is safe, until its answer was read.
func (c *Client) call(ctx context.Context, r request, read read) error {
	return c.retry(ctx, r, func() error { return c.attempt(ctx, r, read) })
}

func (c *Client) attempt(ctx context.Context, r request, read read) error {
	f := &flight{}
	target := c.base + "/api/" + strings.TrimLeft(r.path, "/")
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(f.trace(ctx), r.method, target, bytes.NewReader(r.body))
	if err != nil {
		return fmt.Errorf("%s %s: %w", r.method, r.path, err)
	}
	if r.body == nil {
		req.Body, req.GetBody = http.NoBody, nil
	} else {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Accept-Language", "en") // the reasons of refusals, which are compared

	resp, err := c.config.HTTPClient.Do(req)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err
		}
		if errors.Is(err, ErrReadOnly) {
			return fmt.Errorf("%s %s: %w", r.method, r.path, ErrReadOnly)
		}
		return &ConnectionError{Method: r.method, Path: r.path, URL: c.base, Sent: f.sent(err), Timeout: c.opt.Timeout, Err: err}
	}
	defer func() {
		_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // what is read to its end can be used again
		_ = resp.Body.Close()
	}()
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return c.redirected(r, resp)
	case resp.StatusCode >= 400:
		return c.refused(r, resp)
	}
	unread := func(err error) error {
		return &AnswerError{Method: r.method, Path: r.path, URL: c.base, Code: resp.StatusCode, Err: err}
	}
	if resp.StatusCode != r.want {
		return unread(fmt.Errorf("status %d was expected", r.want))
	}
	if r.want == http.StatusNoContent {
		f.objects = len(r.items)
		return nil
	}
	if mediaType := resp.Header.Get("Content-Type"); !strings.Contains(mediaType, "json") {
		return unread(fmt.Errorf("it is %q and not JSON: a login page or a proxy may stand between", mediaType))
	}
	body := &bodyReader{r: resp.Body}
	if err := read(body, f); err != nil {
		if body.err != nil && body.err != io.EOF {
			return &ConnectionError{Method: r.method, Path: r.path, URL: c.base, Sent: true, Timeout: c.opt.Timeout, Err: body.err}
		}
		return unread(err)
	}
	return nil
}

// bodyReader remembers how the connection ended, which decoders hide.
type bodyReader struct {
	r   io.Reader
	err error
}

func (b *bodyReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err != nil {
		b.err = err
	}
	return n, err
}

// atEnd makes sure that nothing follows a document.
func atEnd(dec *json.Decoder) error {
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("something follows the document")
	}
	return nil
}

// redirected explains a redirect, which is never followed: the token belongs
// to the configured host alone, and a POST would lose its body on the way.
func (c *Client) redirected(r request, resp *http.Response) error {
	detail := "NetBox answers with a redirect"
	if to, err := resp.Location(); err == nil {
		to.User, to.RawQuery, to.Fragment = nil, "", ""
		if before, _, found := strings.Cut(to.String(), "/api/"); found && before != c.base {
			detail += " to " + before + ": give the NetBox endpoint that host, port and protocol (https is used for port 443 and with verify_ssl)"
		} else {
			detail += " to " + to.String() + ", which is not its API: a login page or a proxy stands between"
		}
	}
	return &StatusError{Method: r.method, Path: r.path, URL: c.base, Code: resp.StatusCode, Detail: detail, RequestID: resp.Header.Get("X-Request-ID")}
}

// maxErrorBody bounds what is read of a refusal; one of a full batch fits.
const maxErrorBody = 4 << 20

// refused reads the refusal out of an answer.
func (c *Client) refused(r request, resp *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	if err != nil {
		body = nil // the status says enough
	}
	status := StatusError{
		Method: r.method, Path: r.path, URL: c.base, Code: resp.StatusCode,
		RequestID:  resp.Header.Get("X-Request-ID"),
		retryAfter: retryAfter(resp.Header.Get("Retry-After"), time.Now()),
	}
	p := parseRefusal(body, resp.Header.Get("Content-Type"), r.items)
	status.Detail, status.exception = p.detail, p.exception
	if r.items != nil {
		switch resp.StatusCode {
		case http.StatusBadRequest, http.StatusConflict, http.StatusPreconditionFailed, http.StatusUnprocessableEntity:
			return &BatchError{StatusError: status, Items: p.items, Fields: p.fields}
		case http.StatusForbidden:
			if len(p.items) > 0 {
				return &BatchError{StatusError: status, Items: p.items, Fields: p.fields}
			}
		}
	}
	return &status
}

// Stats counts what was sent to NetBox, every attempt of a request for one.
type Stats struct {
	Requests int
	Reads    int // GET, HEAD, OPTIONS
	Writes   int // all others
	Retries  int // requests that were an attempt after the first
	ByMethod map[string]int
}

type counter struct {
	mu    sync.Mutex
	stats Stats
}

func (c *counter) sent(method string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.Requests++
	if reads(method) {
		c.stats.Reads++
	} else {
		c.stats.Writes++
	}
	if c.stats.ByMethod == nil {
		c.stats.ByMethod = map[string]int{}
	}
	c.stats.ByMethod[method]++
}

func (c *counter) retried() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.Retries++
}

func (c *counter) get() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.ByMethod = maps.Clone(s.ByMethod)
	return s
}
