package server

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"slices"
	"sync"
	"time"

	"proxbox/internal/domain"
	"proxbox/internal/proxmox"
)

const (
	// keptFor is how old a kept answer may be when Proxmox is too slow to give
	// another.
	keptFor = 10 * time.Minute
	// freshFor is how old one may be for what seldom changes: the name of a
	// cluster.
	freshFor = time.Minute
	// maxRead is how long a read goes on whose asker has left.
	maxRead = time.Minute
)

// readers are the Proxmox endpoints that requests read. They outlive a request:
// so do connections, logins, and the last answers to what control routes ask.
type readers struct {
	open  func(domain.ProxmoxEndpoint) (*proxmox.Client, error)
	begin func() bool // counts a read that the service has to wait for
	end   func()
	stop  context.Context // of the service

	mu  sync.Mutex
	all map[int]*reader
}

// of is the reader of an endpoint, a new one when the endpoint has changed.
func (r *readers) of(ep domain.ProxmoxEndpoint) (*reader, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if known := r.all[ep.ID]; known != nil && known.ep == ep {
		return known, nil
	}
	client, err := r.open(ep)
	if err != nil {
		return nil, err
	}
	if old := r.all[ep.ID]; old != nil {
		old.client.Close()
	}
	if r.all == nil {
		r.all = map[int]*reader{}
	}
	r.all[ep.ID] = &reader{readers: r, ep: ep, client: client, kept: map[string]answer{}, under: map[string]*flight{}}
	return r.all[ep.ID], nil
}

// keepOnly forgets the endpoints that are no more.
func (r *readers) keepOnly(endpoints []domain.ProxmoxEndpoint) {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.all, func(id int, known *reader) bool {
		gone := !slices.ContainsFunc(endpoints, func(e domain.ProxmoxEndpoint) bool { return e.ID == id })
		if gone {
			known.client.Close()
		}
		return gone
	})
}

func (r *readers) close() {
	r.keepOnly(nil)
}

// reader reads one endpoint.
type reader struct {
	*readers
	ep     domain.ProxmoxEndpoint
	client *proxmox.Client

	mu    sync.Mutex
	kept  map[string]answer  // the last good ones, by path
	under map[string]*flight // under way
}

// answer is what Proxmox said, and when.
type answer struct {
	data json.RawMessage
	at   time.Time
	kept bool // from an earlier request
}

// flight is a read under way. Who asks the same meanwhile waits for it too.
type flight struct {
	done   chan struct{}
	cancel context.CancelFunc
	asking int

	answer answer
	err    error
}

// kepts are the paths whose last answers are kept.
var kepts = []string{"/version", "/cluster/status", "/nodes"}

// last is the kept answer, if it is younger than the limit.
func (r *reader) last(path string, limit time.Duration) (answer, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a, ok := r.kept[path]
	a.kept = true
	return a, ok && time.Since(a.at) < limit
}

// read asks for a path until the deadline. Where Proxmox is too slow, and only
// then, the kept answer must do; an endpoint that refuses is one that is down.
func (r *reader) read(ctx context.Context, deadline time.Time, path string, query url.Values) (answer, error) {
	keep := len(query) == 0 && slices.Contains(kepts, path)
	f, err := r.join(path, query, keep)
	if err != nil {
		return answer{}, err
	}
	defer r.leave(f, keep)
	asked := time.Now()
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case <-f.done:
		if f.err == nil {
			return f.answer, nil
		}
		if r.stop.Err() != nil {
			return answer{}, errClosing
		}
		var failed *proxmox.EndpointError
		if errors.As(f.err, &failed) && failed.Timeout() {
			if a, ok := r.last(path, keptFor); ok && keep {
				return a, nil
			}
		}
		return answer{}, f.err
	case <-timer.C:
		if a, ok := r.last(path, keptFor); ok && keep {
			return a, nil
		}
		return answer{}, r.tooSlow(path, time.Since(asked))
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
}

func (r *reader) tooSlow(path string, after time.Duration) error {
	return &proxmox.EndpointError{
		Endpoint: r.ep.Name, Address: "https://" + r.client.Address(), Path: path, Cause: proxmox.CauseTimeout,
		WayOut: "look why Proxmox is slow, or whether its address is right; who asked waits no longer, whatever the endpoint's timeout is",
		Err:    &proxmox.TimeoutError{Path: path, After: after.Round(100 * time.Millisecond)},
	}
}

// join takes part in the read of a path, or begins it.
func (r *reader) join(path string, query url.Values, keep bool) (*flight, error) {
	key := path + "?" + query.Encode()
	r.mu.Lock()
	defer r.mu.Unlock()
	if f := r.under[key]; f != nil {
		f.asking++
		return f, nil
	}
	if !r.begin() {
		return nil, errClosing
	}
	ctx, cancel := context.WithTimeout(r.stop, maxRead)
	f := &flight{done: make(chan struct{}), cancel: cancel, asking: 1}
	r.under[key] = f
	go func() {
		defer r.end()
		defer cancel()
		data, err := r.client.Get(ctx, path, query)
		if err != nil && ctx.Err() != nil && r.stop.Err() == nil {
			err = r.tooSlow(path, maxRead)
		}
		r.mu.Lock()
		f.answer, f.err = answer{data: data, at: time.Now()}, err
		delete(r.under, key)
		if keep && err == nil {
			r.kept[path] = f.answer
		}
		r.mu.Unlock()
		close(f.done)
	}()
	return f, nil
}

// leave ends a read that nobody waits for, unless its answer is kept.
func (r *reader) leave(f *flight, keep bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f.asking--; f.asking == 0 && !keep {
		f.cancel()
	}
}
