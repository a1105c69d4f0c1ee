package netbox

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	maxDelay      = 30 * time.Second // of the backoff
	maxRetryAfter = time.Minute      // that is waited because NetBox asks for it
	// maxTimeouts is how often a request may go without an answer in time:
	// with the usual timeout a second try has cost four minutes.
	maxTimeouts = 2
)

// fate is what an attempt's error says about the request.
type fate int

const (
	final   fate = iota // refused; the same request would be refused again
	undone              // certainly not carried out, and worth another try
	unknown             // perhaps carried out, and worth another try where that is harmless
)

// fateOf judges the error of one attempt.
func fateOf(method string, err error) fate {
	var (
		connection *ConnectionError
		answer     *AnswerError
		status     *StatusError
	)
	switch {
	case errors.As(err, &connection):
		if !connection.Sent {
			return undone
		}
		return unknown
	case errors.As(err, &answer):
		return unknown
	case errors.As(err, &status):
		switch status.Code {
		case http.StatusServiceUnavailable:
			if strings.Contains(status.Detail, sentAndLost) {
				return unknown
			}
			return undone
		case http.StatusTooManyRequests:
			return undone
		case http.StatusBadGateway, http.StatusGatewayTimeout:
			return unknown
		case http.StatusInternalServerError:
			switch {
			case strings.Contains(status.Detail, "deadlock detected"):
				return undone // PostgreSQL took the transaction back, and expects another try
			case method == http.MethodPost && !rolledBack[status.exception]:
				return unknown
			}
		}
	}
	return final
}

// sentAndLost is in Envoy's words when NetBox ended the connection after it got
// the request: the same 503 as for a NetBox that is not there, but not the same.
const sentAndLost = "disconnect/reset before headers"

// rolledBack are the exceptions that leave no doubt that NetBox's transaction
// was undone. Another one may have come after it was committed, while the
// answer was made.
var rolledBack = map[string]bool{
	"DataError":         true,
	"IntegrityError":    true,
	"ValidationError":   true,
	"RequestDataTooBig": true,
}

// Retry is a request that is about to be tried again.
type Retry struct {
	Number, Of int           // which retry of the request it is, and of how many at most
	After      time.Duration // that is waited before it
	Err        error         // of the attempt before it
}

// retry runs an attempt until it succeeds, is refused, or another try would
// be of no use or not safe.
func (c *Client) retry(ctx context.Context, r request, attempt func() error) error {
	timeouts := 0
	for n := 0; ; n++ {
		if n > 0 {
			c.stats.retried()
		}
		err := attempt()
		if err == nil {
			return nil
		}
		fate := fateOf(r.method, err)
		if late := (*timeoutError)(nil); errors.As(err, &late) {
			timeouts++
		}
		lost := fate == unknown && !reads(r.method)
		again := fate != final && n < c.opt.MaxRetries && timeouts < maxTimeouts && ctx.Err() == nil &&
			!(lost && r.method == http.MethodPost)
		if again {
			delay := c.delay(n, err)
			c.opt.Logger.LogAttrs(ctx, slog.LevelWarn, "NetBox request is tried again", slog.String("method", r.method),
				slog.String("path", r.path), slog.Duration("after", delay), slog.Any("error", err))
			if c.opt.Retrying != nil {
				c.opt.Retrying(Retry{Number: n + 1, Of: c.opt.MaxRetries, After: delay, Err: err})
			}
			again = sleep(ctx, delay)
		}
		if !again {
			if lost {
				return &AmbiguousError{Method: r.method, Path: r.path, Err: err}
			}
			return err
		}
	}
}

// delay is how long to wait after the nth attempt: twice as long each time,
// a random half of it spared so that clients do not return in step, and no
// less than NetBox asks for.
func (c *Client) delay(n int, err error) time.Duration {
	d := maxDelay
	if n < 16 {
		d = min(d, c.opt.RetryDelay<<n)
	}
	d = d/2 + rand.N(d/2+1)
	if status := (*StatusError)(nil); errors.As(err, &status) {
		d = max(d, min(status.retryAfter, maxRetryAfter))
	}
	return d
}

// sleep waits, and tells whether it could wait to the end.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// retryAfter reads a Retry-After header: seconds, or a date.
func retryAfter(header string, now time.Time) time.Duration {
	if header == "" {
		return 0
	}
	if s, err := strconv.Atoi(header); err == nil {
		return time.Duration(max(s, 0)) * time.Second
	}
	if t, err := http.ParseTime(header); err == nil {
		return max(t.Sub(now), 0)
	}
	return 0
}
