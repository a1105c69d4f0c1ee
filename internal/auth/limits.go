package auth

import (
	"context"
	"sync"
)

// flights counts the checks under way.
type flights struct {
	mu             sync.Mutex
	perSource      map[string]int
	total          int
	max, maxGlobal int
}

// begin tells whether one more check may begin; then end must follow.
func (f *flights) begin(source string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.perSource[source] >= f.max || f.total >= f.maxGlobal {
		return false
	}
	f.perSource[source]++
	f.total++
	return true
}

func (f *flights) end(source string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.total--
	if f.perSource[source]--; f.perSource[source] == 0 {
		delete(f.perSource, source)
	}
}

// semaphore lets as many in as it has room for.
type semaphore chan struct{}

func (s semaphore) acquire(ctx context.Context) error {
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s semaphore) release() { <-s }
