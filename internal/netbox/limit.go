package netbox

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"
)

// limiter keeps so many requests in flight as NetBox takes well: it halves
// their number when NetBox errs, is too busy or slow, and adds one again for
// every ten good answers.
type limiter struct {
	next http.RoundTripper
	max  int // in tenths of a request
	slow time.Duration

	mu      sync.Mutex
	limit   int // in tenths of a request
	inUse   int
	waiting []chan struct{} // in the order of their coming
	lowered time.Time       // requests that started before say nothing about the new limit
}

// place is one request in the units of a limit: a good answer adds a tenth.
const place = 10

func newLimiter(next http.RoundTripper, limit int, slow time.Duration) *limiter {
	return &limiter{next: next, max: limit * place, limit: limit * place, slow: slow}
}

// RoundTrip implements http.RoundTripper. A request's place is taken until
// its answer's body is closed.
func (l *limiter) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := l.acquire(req.Context()); err != nil {
		return nil, err
	}
	start := time.Now()
	resp, err := l.next.RoundTrip(req)
	if err != nil {
		l.release(start, time.Now(), req.Context().Err() == nil)
		return nil, err
	}
	bad := resp.StatusCode >= http.StatusInternalServerError || resp.StatusCode == http.StatusTooManyRequests
	resp.Body = &closing{ReadCloser: resp.Body, then: func() {
		now := time.Now()
		l.release(start, now, bad || now.Sub(start) > l.slow)
	}}
	return resp, nil
}

// acquire waits for a place.
func (l *limiter) acquire(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	if len(l.waiting) == 0 && l.inUse < l.limit/place {
		l.inUse++
		l.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	l.waiting = append(l.waiting, turn)
	l.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		l.mu.Lock()
		defer l.mu.Unlock()
		if i := slices.Index(l.waiting, turn); i >= 0 {
			l.waiting = slices.Delete(l.waiting, i, i+1)
		} else { // the turn came at the same moment: pass it on
			l.inUse--
			l.wake()
		}
		return errors.Join(errors.New("waited for other requests to NetBox"), ctx.Err())
	}
}

// release gives a place back and learns from how the request went.
func (l *limiter) release(start, now time.Time, bad bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inUse--
	switch {
	case !bad:
		l.limit = min(l.max, l.limit+1)
	case start.After(l.lowered):
		l.limit = max(place, l.limit/2)
		l.lowered = now
	}
	l.wake()
}

// wake gives free places to those who wait. l.mu is held.
func (l *limiter) wake() {
	for len(l.waiting) > 0 && l.inUse < l.limit/place {
		l.inUse++
		close(l.waiting[0])
		l.waiting = l.waiting[1:]
	}
}
