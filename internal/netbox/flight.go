package netbox

import (
	"context"
	"errors"
	"net"
	"net/http/httptrace"
	"sync/atomic"
)

// flight is what is known of one attempt of a request: how far it came, and
// how many objects went with it.
type flight struct {
	started atomic.Bool // it reached the transport
	dialled atomic.Bool // the transport tells of its steps
	wrote   atomic.Bool // the request's head was written
	objects int
}

type flightKey struct{}

// trace returns a context in which the transport tells the flight its steps.
func (f *flight) trace(ctx context.Context) context.Context {
	ctx = context.WithValue(ctx, flightKey{}, f)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:      func(string) { f.dialled.Store(true) },
		WroteHeaders: func() { f.wrote.Store(true) },
	})
}

// sent tells whether NetBox may have seen the request that ended with err.
// When in doubt it may.
func (f *flight) sent(err error) bool {
	if !f.started.Load() {
		return false
	}
	if op := (*net.OpError)(nil); errors.As(err, &op) && op.Op == "dial" {
		return false
	}
	return !f.dialled.Load() || f.wrote.Load()
}

// flightOf returns the flight of a request's context; never nil.
func flightOf(ctx context.Context) *flight {
	if f, ok := ctx.Value(flightKey{}).(*flight); ok {
		return f
	}
	return &flight{}
}
