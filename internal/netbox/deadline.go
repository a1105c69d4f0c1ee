package netbox

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// timeoutError says that NetBox did not answer in time, in contrast to a
// context of the caller's that ended.
type timeoutError struct{ after time.Duration }

func (e *timeoutError) Error() string { return fmt.Sprintf("no answer within %s", e.after) }

// Timeout tells those who decide on a network error that it is one of time.
func (e *timeoutError) Timeout() bool { return true }

// deadline bounds one request with its answer, body included. It does not
// count the time in which the request waited for its turn.
type deadline struct {
	next  http.RoundTripper
	after time.Duration
}

// RoundTrip implements http.RoundTripper.
func (d *deadline) RoundTrip(req *http.Request) (*http.Response, error) {
	outer := req.Context()
	ctx, cancel := context.WithTimeout(outer, d.after)
	explain := func(err error) error {
		if err != nil && err != io.EOF && ctx.Err() == context.DeadlineExceeded && outer.Err() == nil {
			return &timeoutError{d.after}
		}
		return err
	}
	resp, err := d.next.RoundTrip(req.WithContext(ctx))
	if err != nil {
		err = explain(err)
		cancel()
		return nil, err
	}
	resp.Body = &deadlineBody{resp.Body, explain, cancel}
	return resp, nil
}

type deadlineBody struct {
	io.ReadCloser
	explain func(error) error
	cancel  context.CancelFunc
}

func (b *deadlineBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	return n, b.explain(err)
}

func (b *deadlineBody) Close() error {
	err := b.ReadCloser.Close()
	b.cancel()
	return err
}
