// Package apply carries a plan out against NetBox: in bulk, several batches
// in flight, with a refused batch narrowed to the guilty object and a write
// whose answer was lost read again before it is repeated.
package apply

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"proxbox/internal/domain"
	"proxbox/internal/netbox"
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
	Settle    time.Duration // between two readings after a lost answer; 0 means 5 s
	// Message is what NetBox's change log says of a change; "" for none.
	Message func(plan.Change) string
	// Done is told each object as it ends, from several goroutines.
	Done func(Ended)
	// Pause is called between two batches: a more urgent run may go first. An
	// error ends the run at this boundary.
	Pause func(ctx context.Context) error
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
}

// MaxRefusals is after how many refusals in a row, of the same field with the
// same reason, a kind is given up: a rule of this NetBox refuses all of it.
const MaxRefusals = 20

type applier struct {
	nb     NetBox
	inv    *domain.Inventory
	opt    Options
	mu     sync.Mutex
	ids    map[domain.Ref]int
	failed map[domain.Ref]bool
	result Result
	// refusals counts equal refusals in a row by kind; stopped kinds are given up.
	refusals map[domain.Kind]*refusal
}

type refusal struct {
	field, reason string
	count         int
	stopped       bool
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
	a := &applier{nb: nb, inv: inv, opt: opt, ids: maps.Clone(p.Bound), failed: map[domain.Ref]bool{}, refusals: map[domain.Kind]*refusal{}}
	if a.ids == nil {
		a.ids = map[domain.Ref]int{}
	}
	for start := 0; start < len(p.Changes); {
		end := start
		for end < len(p.Changes) && p.Changes[end].Phase == p.Changes[start].Phase {
			end++
		}
		if err := a.phase(ctx, p.Changes[start:end]); err != nil {
			return a.result, err
		}
		start = end
	}
	return a.result, nil
}

// batch is a run of changes that go in one request.
type batch struct {
	op      plan.Op
	kind    domain.Kind
	changes []plan.Change
}

// phase carries out changes that do not depend on one another.
func (a *applier) phase(ctx context.Context, changes []plan.Change) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(max(a.nb.MaxConcurrent(), 1))
	for _, b := range a.batches(changes) {
		if gctx.Err() != nil {
			break
		}
		if a.opt.Pause != nil {
			if err := a.opt.Pause(gctx); err != nil {
				return errors.Join(err, g.Wait())
			}
		}
		g.Go(func() error {
			err := a.send(gctx, b)
			if err == nil && a.opt.Delay > 0 {
				select {
				case <-time.After(a.opt.Delay):
				case <-gctx.Done():
				}
			}
			return err
		})
	}
	return g.Wait()
}

// batches groups changes by kind and operation. A small lot is halved rather
// than sent whole, so that NetBox's workers share it.
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
		size := a.opt.BatchSize
		for chunk := range slices.Chunk(byLot[l], size) {
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

// entry is a change with the body that writes it.
type entry struct {
	change plan.Change
	fields domain.Fields // resolved
	body   map[string]any
	// repeated is true once the write was sent again after a lost answer.
	repeated bool
}

// send encodes a batch, bounds it by bytes and writes it.
func (a *applier) send(ctx context.Context, b batch) error {
	var entries []entry
	size := 0
	for _, c := range b.changes {
		e, ok := a.encode(c)
		if !ok {
			continue
		}
		raw, err := json.Marshal(e.body)
		if err != nil {
			return fmt.Errorf("encode %s: %w", c.Label, err)
		}
		if size+len(raw) > netbox.MaxBody && len(entries) > 0 {
			if err := a.write(ctx, b, entries); err != nil {
				return err
			}
			entries, size = nil, 0
		}
		entries = append(entries, e)
		size += len(raw) + 1
	}
	return a.write(ctx, b, entries)
}

// encode resolves what a change points at. ok is false when it cannot be
// written because what it needs was not done.
func (a *applier) encode(c plan.Change) (entry, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if r := a.refusals[c.Kind]; r != nil && r.stopped {
		a.end(c, &plan.Report{Outcome: plan.Skipped, Reason: "NetBox refuses every " + string(c.Kind) + ": " + r.reason})
		return entry{}, false
	}
	id := c.ID
	if id == 0 && c.Op != plan.Create {
		if id = a.ids[domain.To(c.Kind, c.Key)]; id == 0 {
			return entry{}, false // it was not made; that is reported already
		}
	}
	if c.Op == plan.Delete {
		body := map[string]any{"id": id}
		a.message(c, body)
		return entry{change: c, body: body}, true
	}
	fields := make(domain.Fields, len(c.Set))
	for name, v := range c.Set {
		resolved, ok := a.resolve(v)
		if ok {
			fields[name] = resolved
			continue
		}
		if plan.Required(c.Kind, name) {
			a.end(c, &plan.Report{Outcome: plan.Skipped, Field: name, Reason: "needs an object that was not made"})
			return entry{}, false
		}
	}
	if len(fields) == 0 || c.Op == plan.Update && len(fields) == 1 && fields["proxmox_last_updated"] != nil {
		return entry{}, false
	}
	body, err := netbox.Encode(c.Kind, 0, fields)
	if err != nil {
		a.end(c, &plan.Report{Outcome: plan.Failed, Reason: err.Error()})
		return entry{}, false
	}
	if c.Op == plan.Update {
		body["id"] = id
	}
	a.message(c, body)
	return entry{change: c, fields: fields, body: body}, true
}

func (a *applier) message(c plan.Change, body map[string]any) {
	if a.opt.Message != nil {
		if m := a.opt.Message(c); m != "" {
			body["changelog_message"] = m
		}
	}
}

// resolve gives references the ids of what this run made.
func (a *applier) resolve(v any) (any, bool) {
	switch v := v.(type) {
	case domain.Ref:
		if v.ID != 0 {
			return v, true
		}
		id, ok := a.ids[domain.To(v.Kind, v.Key)]
		return domain.At(v.Kind, id), ok
	case domain.Refs:
		var out domain.Refs
		for _, r := range v {
			if rr, ok := a.resolve(r); ok {
				out = append(out, rr.(domain.Ref))
			}
		}
		return out, true
	}
	return v, true
}

// end tells how a change ended. a.mu is held.
func (a *applier) end(c plan.Change, r *plan.Report) {
	switch {
	case r != nil:
		r.Kind, r.Key, r.Label = c.Kind, c.Key, c.Label
		a.result.Reports = append(a.result.Reports, *r)
		a.failed[domain.To(c.Kind, c.Key)] = true
	case c.Op == plan.Create:
		a.result.Created++
	case c.Op == plan.Update:
		a.result.Updated++
	case c.Op == plan.Delete:
		a.result.Deleted++
	}
	if a.opt.Done != nil {
		a.opt.Done(Ended{c, r})
	}
}
