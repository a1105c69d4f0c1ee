package run

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"proxbox/internal/desire"
	"proxbox/internal/domain"
	"proxbox/internal/plan"
)

// Orphans says what becomes of guests, nodes and storages in NetBox that
// Proxmox does not have any more.
type Orphans struct {
	Mark  bool          // as gone; otherwise they are only noticed
	After time.Duration // the mark, they are removed; 0: never
}

// things is what a plan needs for it.
func (o Orphans) things(d *desire.Desired, now time.Time) plan.Things {
	t := plan.Things{Present: d.Present, Mark: o.Mark, Tag: desire.SoftDeleted()}
	if o.Mark && o.After > 0 {
		t.Expired = now.Add(-o.After).UTC().Format(time.RFC3339)
	}
	return t
}

// witness is a Source that can be asked whether a node has a guest's configuration.
type witness interface {
	Gone(ctx context.Context, node string, t domain.GuestType, vmid int) (bool, error)
}

// maxWitnesses is how many guests are asked for at once.
const maxWitnesses = 4

// confirm asks the nodes of guests that vanished for their configuration, and
// returns why each may be there all the same, "" for one that is gone. Only an
// answer that there is no such configuration confirms it.
func (req Request) confirm(ctx context.Context, vanished []plan.Vanished) map[domain.Ref]string {
	out := map[domain.Ref]string{}
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(maxWitnesses)
	for _, v := range vanished {
		if !req.Stage.Keeps(v.Ref.Kind, v.Key) {
			continue // another stage's
		}
		g.Go(func() error {
			why := req.isThere(ctx, v)
			mu.Lock()
			defer mu.Unlock()
			out[v.Ref] = why
			return nil
		})
	}
	_ = g.Wait()
	return out
}

// isThere says why a guest may still be there; "" when a node says that it is not.
func (req Request) isThere(ctx context.Context, v plan.Vanished) string {
	why := "none of its nodes could be asked"
	for _, src := range req.Sources {
		w, ok := src.(witness)
		if !ok || !slices.Contains(v.Endpoints, src.Endpoint().ID) {
			continue
		}
		for _, node := range v.Nodes {
			gone, err := w.Gone(ctx, node, v.Type, v.VMID)
			switch {
			case err != nil:
				why = err.Error()
			case gone:
				return ""
			default:
				return fmt.Sprintf("node %s has its configuration", node)
			}
		}
	}
	return why
}

// notices tells what a plan noticed, of what the request is about, once.
func (req Request) notices(res *Result) {
	if len(req.Guests) > 0 || req.Target != nil {
		return
	}
	for _, n := range res.Plan.Notices {
		if !req.Stage.Keeps(n.Kind, n.Key) || slices.Contains(res.Problems, n.Problem) {
			continue
		}
		res.Problems = append(res.Problems, n.Problem)
		req.Watch(Event{Notice: &n.Problem})
	}
}

// Sweep is what a run did about guests, nodes and storages that are gone, or
// would do.
type Sweep struct {
	Marked  int
	Deleted int
	Kept    int // because somebody has a use for them, or the fuse is blown
}

// sweep counts it; nil when it was neither asked for nor found.
func (req Request) sweep(res *Result) *Sweep {
	done := res.Done
	if req.DryRun && res.Plan != nil {
		done = res.Plan.Changes
	}
	var s Sweep
	for _, c := range done {
		switch {
		case !c.Orphan:
		case c.Op == plan.Delete:
			s.Deleted++
		default:
			s.Marked++
		}
	}
	for _, r := range res.Reports {
		if plan.Orphaned(r.Kind, r.Key) {
			s.Kept++
		}
	}
	if !req.Orphans.Mark && s == (Sweep{}) {
		return nil
	}
	return &s
}

// wouldRemove tells what a dry run would remove, or mark as gone.
func (req Request) wouldRemove(p *plan.Plan) {
	var would []plan.Change
	for _, c := range p.Changes {
		if c.Op == plan.Delete || c.Orphan {
			would = append(would, c)
		}
	}
	for i, c := range would {
		req.Watch(Event{Object: &Object{Op: c.Op, Kind: c.Kind, Key: c.Key, Label: c.Label, Orphan: c.Orphan, Would: true, Done: i + 1, Total: len(would)}})
	}
}
