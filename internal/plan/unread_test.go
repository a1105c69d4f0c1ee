package plan_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"proxbox/internal/desire"
	"proxbox/internal/domain"
	"proxbox/internal/plan"
)

// all is a NetBox whose plugin keeps the guests' own view too.
var all = func() desire.Options {
	opt := everything
	opt.GuestInterfaces = true
	return opt
}()

// whole is a NetBox that has those lists.
func whole() *world {
	w := newWorld()
	for _, kind := range []domain.Kind{domain.KindCloudInit, domain.KindGuestInterface, domain.KindGuestInterfaceAddr, domain.KindVRF} {
		w.inv.Set(domain.NewTable(kind))
	}
	return w
}

// planAll is a plan that may do everything: nodes confirm whatever is gone, and
// no fuse holds.
func (w *world) planAll(s *domain.Snapshot) *plan.Plan {
	d := desire.Build([]*domain.Snapshot{s}, all)
	rules := goneRules{mark: true, override: true, there: map[int]string{}}
	return rules.make(plan.Input{Objects: d.Objects, Whole: d.Whole, Inventory: w.inv, Owns: desire.Owns(desire.DefaultFlags), AddTags: true, Removes: both}, d)
}

// TestUnreadListsWriteNothingMore: of a NetBox of which a list could not be
// read a plan writes nothing that it would not write of one that was read
// whole. What is not known is not made again, not removed and not emptied.
func TestUnreadListsWriteNothingMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := whole()
		before, now := anySnapshot(t, 1), anySnapshot(t, 1)
		now.Cluster.Name = before.Cluster.Name
		w.plugin(before)
		w.do(t, w.planAll(before))
		read := w.planAll(now)
		would := map[string][]plan.Change{}
		for _, c := range read.Changes {
			would[what(c)] = append(would[what(c)], c)
		}
		kind := rapid.SampledFrom(w.inv.Kinds()).Draw(t, "unread")
		w.inv.Set(&domain.Table{Kind: kind, Unknown: errors.New("504")})
		for _, c := range w.planAll(now).Changes {
			same := would[what(c)]
			if len(same) == 0 {
				t.Errorf("without %s: %s %s %s (%s)", kind, c.Op, c.Kind, c.Label, c.Why)
			}
			for field, v := range c.Set {
				if len(same) > 0 && !slices.ContainsFunc(same, func(o plan.Change) bool { w, set := o.Set[field]; return set && domain.Equal(w, v) }) {
					t.Errorf("without %s: %s %s %s: %s %v -> %v (%s)", kind, c.Op, c.Kind, c.Label, field, c.Old[field], v, c.Why)
				}
			}
		}
	})
}

// what names what a change is done to.
func what(c plan.Change) string {
	if c.ID != 0 {
		return fmt.Sprint(c.Op, c.Kind, c.ID)
	}
	return fmt.Sprint(c.Op, c.Kind, c.Key)
}

// TestLostReadingWritesNothing: in an estate on which nothing changed, nothing is
// written for the sake of what a reading of Proxmox lacks. Only where a guest's
// agent is silent now do configured addresses fill interfaces without any.
func TestLostReadingWritesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := whole()
		s := anySnapshot(t, 1)
		w.plugin(s)
		w.do(t, w.planAll(s))
		for _, c := range w.planAll(lossy(t, s)).Changes {
			switch {
			case c.Op == plan.Create && (c.Kind == domain.KindIPAddress || c.Kind == domain.KindIPAddressState):
			case c.Op == plan.Update && c.Kind == domain.KindVirtualMachine && len(c.Set) == 1 && (c.Set["primary_ip4"] != nil || c.Set["primary_ip6"] != nil):
			default:
				t.Errorf("%s %s %s: %v -> %v (%s)", c.Op, c.Kind, c.Label, c.Old, c.Set, c.Why)
			}
		}
	})
}

// lossy is a reading of the same cluster that lacks any parts.
func lossy(t *rapid.T, s *domain.Snapshot) *domain.Snapshot {
	lose := func(what string) bool { return rapid.Bool().Draw(t, "without "+what) }
	out := *s
	out.Complete = domain.Completeness{}
	if lose("jobs") {
		out.Replications, out.BackupRoutines = domain.Known[[]domain.Replication]{}, domain.Known[[]domain.BackupRoutine]{}
	}
	out.Storages.Value = slices.Clone(s.Storages.Value)
	for i := range out.Storages.Value {
		if lose("backups") {
			out.Storages.Value[i].Backups = domain.Known[[]domain.Backup]{}
		}
	}
	if lose("storages") {
		out.Storages = domain.Known[[]domain.Storage]{}
	}
	out.Nodes = slices.Clone(s.Nodes)
	for i := range out.Nodes {
		n := &out.Nodes[i]
		if lose("network") {
			n.Interfaces = domain.Known[[]domain.NodeInterface]{}
		}
		if lose("tasks") {
			n.Tasks = domain.Known[[]domain.Task]{}
		}
		if lose("certificate") {
			n.SSLFingerprint = ""
		}
	}
	if lose("a node") {
		out.Nodes = out.Nodes[1:]
	}
	out.Guests = nil
	for i, g := range s.Guests {
		if lose("snapshots") {
			g.Snapshots = domain.Known[[]domain.GuestSnapshot]{}
		}
		if lose("agent") {
			g.Agent = domain.Known[[]domain.GuestInterface]{}
		}
		switch rapid.IntRange(0, 3).Draw(t, fmt.Sprint("guest ", i)) {
		case 0:
			continue
		case 1:
			g.Config, g.Agent = domain.Known[domain.GuestConfig]{}, domain.Known[[]domain.GuestInterface]{}
		case 2:
			g.Config, g.Agent = domain.Known[domain.GuestConfig]{}, domain.Known[[]domain.GuestInterface]{}
			g.Name, g.Status, g.CPUs, g.MemoryBytes, g.Tags = "", "unknown", 0, 0, nil
		}
		out.Guests = append(out.Guests, g)
	}
	return &out
}
