package proxmox

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
)

// hosts sends a request to the first of an endpoint's addresses that answers
// and stays with that one until it fails.
type hosts struct {
	addrs  []string // host:port, the preferred one first
	next   http.RoundTripper
	chosen atomic.Int32
}

// current is the address that is in use.
func (h *hosts) current() string { return h.addrs[h.chosen.Load()] }

// RoundTrip implements http.RoundTripper.
func (h *hosts) RoundTrip(req *http.Request) (*http.Response, error) {
	var failed noAnswer
	first := int(h.chosen.Load())
	for i := range h.addrs {
		at := (first + i) % len(h.addrs)
		out := req.Clone(req.Context())
		out.URL.Scheme, out.URL.Host, out.Host = "https", h.addrs[at], ""
		if i > 0 && req.GetBody != nil {
			body, err := req.GetBody()
			if err != nil {
				return nil, fmt.Errorf("repeating a request body: %w", err)
			}
			out.Body = body
		}
		resp, err := h.next.RoundTrip(out)
		if err == nil {
			h.chosen.Store(int32(at))
			return resp, nil
		}
		failed = append(failed, fmt.Errorf("%s: %w", h.addrs[at], err))
		// Once the time is up, another address would fail the same way.
		if req.Context().Err() != nil {
			break
		}
	}
	return nil, failed
}

// noAnswer is what each address failed with, in the order of trying.
type noAnswer []error

func (n noAnswer) Error() string {
	texts := make([]string, len(n))
	for i, err := range n {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; then ")
}

func (n noAnswer) Unwrap() []error { return n }
