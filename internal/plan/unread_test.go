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

// TestUnreadListsWriteNothingMore: of a NetBox of which a list could not be
// read a plan writes nothing that it would not write of one that was read
// whole. What is not known is not made again, not removed and not emptied.
func TestUnreadListsWriteNothingMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		for _, kind := range []domain.Kind{domain.KindCloudInit, domain.KindGuestInterface, domain.KindGuestInterfaceAddr, domain.KindVRF} {
			w.inv.Set(domain.NewTable(kind))
		}
		before, now := anySnapshot(t, 1), anySnapshot(t, 1)
		now.Cluster.Name = before.Cluster.Name
		w.plugin(before)
		make := func(s *domain.Snapshot) *plan.Plan {
			d := desire.Build([]*domain.Snapshot{s}, all)
			rules := goneRules{mark: true, override: true, there: map[int]string{}}
			return rules.make(plan.Input{Objects: d.Objects, Whole: d.Whole, Inventory: w.inv, Owns: desire.Owns(desire.DefaultFlags), AddTags: true, Removes: both}, d)
		}
		w.do(t, make(before))
		read := make(now)
		would := map[string][]plan.Change{}
		for _, c := range read.Changes {
			would[what(c)] = append(would[what(c)], c)
		}
		kind := rapid.SampledFrom(w.inv.Kinds()).Draw(t, "unread")
		w.inv.Set(&domain.Table{Kind: kind, Unknown: errors.New("504")})
		for _, c := range make(now).Changes {
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
