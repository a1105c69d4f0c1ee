package netbox

import (
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Exchange is one request that was sent, and what came back.
type Exchange struct {
	Method   string
	Path     string // below /api/, without the query
	Query    string
	Status   int           // 0 when no answer came
	Duration time.Duration // from sending to the end of the answer
	Objects  int           // rows that were read, or objects that were written
	Err      error         // why no answer came
}

// observer counts, logs and tells every request that is sent.
type observer struct {
	next    http.RoundTripper
	stats   *counter
	log     *slog.Logger
	observe func(Exchange)
}

// RoundTrip implements http.RoundTripper.
func (o *observer) RoundTrip(req *http.Request) (*http.Response, error) {
	o.stats.sent(req.Method)
	_, path, _ := strings.Cut(req.URL.Path, "/api/")
	x := Exchange{Method: req.Method, Path: path, Query: req.URL.RawQuery}
	start := time.Now()
	resp, err := o.next.RoundTrip(req)
	if err != nil {
		x.Err, x.Duration = err, time.Since(start)
		o.tell(req, x)
		return nil, err
	}
	x.Status = resp.StatusCode
	resp.Body = &closing{ReadCloser: resp.Body, then: func() {
		x.Duration, x.Objects = time.Since(start), flightOf(req.Context()).objects
		o.tell(req, x)
	}}
	return resp, nil
}

func (o *observer) tell(req *http.Request, x Exchange) {
	o.log.LogAttrs(req.Context(), slog.LevelDebug, "NetBox", slog.String("method", x.Method), slog.String("path", x.Path),
		slog.Int("status", x.Status), slog.Duration("duration", x.Duration), slog.Int("objects", x.Objects))
	if o.observe != nil {
		o.observe(x)
	}
}

// closing is a body that does something once after it was closed.
type closing struct {
	io.ReadCloser
	once sync.Once
	then func()
}

func (c *closing) Close() error {
	err := c.ReadCloser.Close()
	c.once.Do(c.then)
	return err
}
