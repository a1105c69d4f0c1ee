// Package apply carries a plan out against NetBox: in bulk, several batches
// in flight, with a refused batch narrowed to the guilty object and a write
// whose answer was lost read again before it is repeated.
package apply

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"proxbox/internal/domain"
	"proxbox/internal/plan"
)

// NetBox is what a plan is carried out on; *netbox.Client is one.
type NetBox interface {
	Create(ctx context.Context, path string, items []map[string]any) ([]json.RawMessage, error)
	Update(ctx context.Context, path string, items []map[string]any) ([]json.RawMessage, error)
	Delete(ctx context.Context, path string, items []map[string]any) error
	ReadTable(ctx context.Context, kind domain.Kind, query url.Values) (*domain.Table, error)
	MaxConcurrent() int
}

// Options say how a plan is carried out.
type Options struct {
	BatchSize int           // objects in one request at most; 0 means 50
	Delay     time.Duration // between two batches
	// Batches are those of kinds that have their own; a size of 0 means the
	// general one.
	Batches map[domain.Kind]Batching
	Settle  time.Duration // between two readings after a lost answer; 0 means 5 s
	// Message is what NetBox's change log says of a change; "" for none.
	Message func(plan.Change) string
	// Done is told each object as it ends, from several goroutines.
	Done func(Ended)
	// Pause is called before each batch: a more urgent run may go first, while
	// the batches that are on their way are finished. An error ends the run at
	// this boundary.
	Pause func(ctx context.Context) error
}

// Batching is how the objects of a kind are sent.
type Batching struct {
	Size  int
	Delay time.Duration
}

// batching is that of a kind.
func (o Options) batching(kind domain.Kind) Batching {
	if b, ok := o.Batches[kind]; ok && b.Size > 0 {
		return b
	}
	return Batching{Size: o.BatchSize, Delay: o.Delay}
}

// Ended is one change that was carried out, or was not.
type Ended struct {
	plan.Change
	Report *plan.Report // nil when it was done
}

// Result is what became of a plan.
type Result struct {
	Created, Updated, Deleted int
	Reports                   []plan.Report
	// Unsure is true when NetBox may still carry out a write that was given up:
	// the inventory is then not to be built on.
	Unsure bool
}

type applier struct {
	nb  NetBox
	inv *domain.Inventory
	opt Options

	mu     sync.Mutex // guards the inventory and what is below
	ids    map[domain.Ref]int
	failed map[domain.Ref]domain.Fields // what could not be written to an object
	done   map[domain.Ref]bool
	result Result
	// refusals are the last refusals in a row of each kind.
	refusals map[domain.Kind]*refusal
	gone     map[domain.Ref]bool // what was removed in this phase
	// before is the newest row of each kind that this run makes, as it began:
	// what a write of ours made is newer.
	before map[domain.Kind]int
}

// Run carries the changes out, phase by phase, and keeps the inventory true to
// every answer. The error is for what ends the whole run: NetBox is gone, the
// token is refused, ctx is done. What single objects ran into is in the result.
func Run(ctx context.Context, nb NetBox, p *plan.Plan, inv *domain.Inventory, opt Options) (Result, error) {
	if opt.BatchSize <= 0 {
		opt.BatchSize = 50
	}
	if opt.Settle <= 0 {
		opt.Settle = 5 * time.Second
	}
	a := &applier{nb: nb, inv: inv, opt: opt, ids: maps.Clone(p.Bound), failed: map[domain.Ref]domain.Fields{},
		done: map[domain.Ref]bool{}, refusals: map[domain.Kind]*refusal{}, before: map[domain.Kind]int{},
		gone: map[domain.Ref]bool{}}
	if a.ids == nil {
		a.ids = map[domain.Ref]int{}
	}
	for _, c := range p.Changes {
		if _, known := a.before[c.Kind]; !known && c.Op == plan.Create {
			a.before[c.Kind] = newest(inv.Table(c.Kind))
		}
	}
	var err error
	for start := 0; start < len(p.Changes) && err == nil; {
		end := start
		for end < len(p.Changes) && p.Changes[end].Phase == p.Changes[start].Phase {
			end++
		}
		err = a.phase(ctx, p.Changes[start:end])
		start = end
	}
	a.reportStopped()
	return a.result, err
}

// batch is a run of changes that go in one request.
type batch struct {
	op      plan.Op
	kind    domain.Kind
	changes []plan.Change
}

// phase carries out changes that do not depend on one another.
func (a *applier) phase(ctx context.Context, changes []plan.Change) error {
	defer a.forget()
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(max(a.nb.MaxConcurrent(), 1))
	for _, b := range a.batches(changes) {
		if gctx.Err() != nil {
			if err := g.Wait(); err != nil {
				return err
			}
			return context.Cause(ctx)
		}
		if a.opt.Pause != nil {
			if err := a.opt.Pause(gctx); err != nil {
				if failed := g.Wait(); failed != nil {
					// What that batch did is not known: a run that merely pauses
					// would go on with an inventory that is not true.
					return fmt.Errorf("%w, before it could stop: %v", failed, err)
				}
				return err
			}
		}
		g.Go(func() error {
			err := a.send(gctx, b)
			if delay := a.opt.batching(b.kind).Delay; err == nil && delay > 0 {
				select {
				case <-time.After(delay):
				case <-gctx.Done():
				}
			}
			return err
		})
	}
	return g.Wait()
}

// batches groups changes by kind and operation, and bounds them.
func (a *applier) batches(changes []plan.Change) []batch {
	type lot struct {
		op   plan.Op
		kind domain.Kind
	}
	byLot := map[lot][]plan.Change{}
	var order []lot
	for _, c := range changes {
		l := lot{c.Op, c.Kind}
		if byLot[l] == nil {
			order = append(order, l)
		}
		byLot[l] = append(byLot[l], c)
	}
	var out []batch
	for _, l := range order {
		for chunk := range slices.Chunk(byLot[l], a.opt.batching(l.kind).Size) {
			out = append(out, batch{l.op, l.kind, chunk})
		}
	}
	return a.spread(out)
}

// minShare is the smallest part of a batch that is worth a request of its own.
const minShare = 12

// spread splits the largest batches while fewer are there than NetBox takes at
// once: one batch of fifty on one worker takes twice as long as two halves.
func (a *applier) spread(batches []batch) []batch {
	workers := max(a.nb.MaxConcurrent(), 1)
	for len(batches) > 0 && len(batches) < workers {
		largest := 0
		for i, b := range batches {
			if len(b.changes) > len(batches[largest].changes) {
				largest = i
			}
		}
		b := batches[largest]
		half := len(b.changes) / 2
		if half < minShare {
			break
		}
		batches[largest].changes = b.changes[:half]
		batches = append(batches, batch{b.op, b.kind, b.changes[half:]})
	}
	return batches
}

// end tells how a change ended; r is nil when it was done. a.mu is held.
func (a *applier) end(c plan.Change, r *plan.Report) {
	ref := domain.To(c.Kind, c.Key)
	switch {
	case r != nil:
		r.Kind, r.Key, r.Label = c.Kind, c.Key, c.Label
		if r.Outcome != plan.Skipped || !plan.Companion(c.Kind) && c.Op == plan.Create {
			a.result.Reports = append(a.result.Reports, *r)
		}
		a.remember(ref, c)
	case c.Op == plan.Create:
		a.result.Created++
	case c.Op == plan.Delete:
		a.result.Deleted++
	case c.Key == "" || !a.done[ref]:
		a.result.Updated++ // once, however often it is written
	}
	a.done[ref] = true
	if a.opt.Done != nil {
		if c.ID == 0 && r == nil {
			c.ID = a.ids[domain.To(c.Kind, c.Key)]
		}
		a.opt.Done(Ended{c, r})
	}
}
