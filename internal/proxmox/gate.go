package proxmox

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"proxbox/internal/domain"
)

// tripAfter is how many answers in a row must say that a node is unreachable
// before the rest of its reads is not tried any more.
const tripAfter = 3

// gate stands before one node: it bounds the requests in flight and is a
// circuit breaker.
type gate struct {
	node  string
	slots chan struct{}

	mu      sync.Mutex
	inARow  int
	cause   error // the last reason for which the node was unreachable
	shut    bool
	skipped int // reads that stayed unknown for the node's sake
}

func newGate(node string, slots int) *gate {
	return &gate{node: node, slots: make(chan struct{}, slots)}
}

// errNodeDown is why a read stayed unknown for its node's sake. It is
// reported once, for the node.
var errNodeDown = errors.New("the node is unreachable")

// do reads something of the node. Patient reads depend on more than the node
// (a guest agent, a storage): their being too slow is no fault of the node.
func (g *gate) do(ctx context.Context, patient bool, read func(context.Context) error) error {
	select {
	case g.slots <- struct{}{}:
		defer func() { <-g.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if !g.open() {
		return errNodeDown
	}
	err := read(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return g.judge(err, patient)
}

// open tells whether the node may be asked; where not, that is counted.
func (g *gate) open() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		g.skipped++
	}
	return !g.shut
}

func (g *gate) judge(err error, patient bool) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	var se *StatusError
	switch {
	case err == nil, errors.As(err, &se) && !passing(err):
		g.inARow = 0 // the node answered, whatever it said
		return err
	case NodeUnreachable(err) && !(patient && slow(se)), !patient && passing(err):
		g.inARow++
		g.skipped++
		g.cause = err
		g.shut = g.shut || g.inARow >= tripAfter
		return errors.Join(errNodeDown, err)
	}
	return err
}

// slow tells whether the answering node reached the other one and then waited
// in vain: 596, where 595 says that it was not reached.
func slow(se *StatusError) bool { return se != nil && se.Code == 596 }

// close shuts the gate before anything was tried.
func (g *gate) close(cause error) { g.shut, g.cause = true, cause }

// problem is what is to be said of the node; false while it answered.
func (g *gate) problem() (domain.Problem, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.cause == nil {
		return domain.Problem{}, false
	}
	p := domain.Problem{What: "node " + g.node, Reason: short(g.cause), WayOut: "bring the node back, or look at its pveproxy and network; what is unknown is kept as it is"}
	if g.skipped > 0 {
		p.Reason += fmt.Sprintf(" (%d reads stayed unknown)", g.skipped)
	}
	return p, true
}

// unreachable names the nodes that did not answer.
func (r *reading) unreachable() []domain.Problem {
	var out []domain.Problem
	for _, name := range sortedKeys(r.gates) {
		if p, bad := r.gates[name].problem(); bad {
			out = append(out, p)
		}
	}
	return out
}
