package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// Gate lets one process at a time write: those that share a file, such as the
// service and a command beside it. Within a process the Manager decides.
type Gate struct {
	path string

	mu     sync.Mutex
	inside int // runs of this process
	file   *os.File
}

// NewGate returns a gate at a file, which is made when it is first needed.
func NewGate(path string) *Gate { return &Gate{path: path} }

// gatePoll is how often a process that waits looks whether the other is done.
const gatePoll = 200 * time.Millisecond

// enter waits until no other process is inside; waiting, if it comes to that,
// is called once. leave must be called.
func (g *Gate) enter(ctx context.Context, waiting func()) (leave func(), err error) {
	for told := false; ; {
		ok, err := g.try()
		if err != nil {
			return nil, fmt.Errorf("wait for other processes that write: %w", err)
		}
		if ok {
			return g.leave, nil
		}
		if !told {
			waiting()
			told = true
		}
		select {
		case <-time.After(gatePoll):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (g *Gate) try() (bool, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inside > 0 {
		g.inside++
		return true, nil
	}
	file, err := os.OpenFile(g.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return false, err
	}
	if err := own(file); err != nil {
		return false, errors.Join(err, file.Close())
	}
	if ok, err := lock(file); err != nil || !ok {
		_ = file.Close()
		return false, err
	}
	g.inside, g.file = 1, file
	return true, nil
}

func (g *Gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inside--; g.inside == 0 {
		_ = g.file.Close() // the lock goes with it, as it does with the process
		g.file = nil
	}
}
