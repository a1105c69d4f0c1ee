package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// MaxRemovals and MaxShare are the fuse: a run that would remove more of one
// kind of one cluster than the smaller of the two removes nothing at all. One
// is always allowed.
const (
	MaxRemovals = 20
	MaxShare    = 0.10
)

// unlessBlown has something removed or marked once it is known that the fuse
// holds for everything: a run that stops, stops before the first of them.
func (p *planner) unlessBlown(remove func()) { p.removing = append(p.removing, remove) }

// removals carries out what waited for that.
func (p *planner) removals() {
	if p.blown {
		return
	}
	for _, remove := range p.removing {
		remove()
	}
}

// fuseLimit is how many of a number of objects may go in one run.
func fuseLimit(owned int) int { return max(1, min(MaxRemovals, int(float64(owned)*MaxShare))) }

// fuse blows when a run would remove too much of a kind of a cluster.
func (p *planner) fuse(removals []Change, owned map[group]int) {
	if p.OverrideFuse {
		return
	}
	count := map[group]int{}
	for _, c := range removals {
		if !view[c.Kind] {
			count[group{c.Key.Cluster(), c.Kind}]++
		}
	}
	for _, g := range sortedGroups(count) {
		n := count[g]
		limit := fuseLimit(owned[g])
		if n > limit || n == owned[g] && n > 1 {
			p.report(Report{Outcome: Conflict, Kind: g.kind, Label: fmt.Sprintf("%d of %d", n, owned[g]),
				Reason: fmt.Sprintf("this run would remove %d of our %d %s of one cluster; at most %d go in one run, so nothing is removed", n, owned[g], g.kind, limit),
				WayOut: "check that Proxmox answers truly, then run once with the fuse overridden"})
			p.blown = true
			return
		}
	}
}

// fuseThings blows when a run would mark too many guests, nodes or storages of
// a cluster, or those of one that reads as empty. What was marked in an earlier
// run does not count again.
func (p *planner) fuseThings(mark []*thing, owned map[group]int) {
	if p.OverrideFuse {
		return
	}
	by := map[group][]*thing{}
	for _, t := range mark {
		g := group{t.cluster.Key, t.kind}
		by[g] = append(by[g], t)
	}
	for _, g := range sortedGroups(by) {
		n, limit := len(by[g]), fuseLimit(owned[g])
		if n <= limit && !p.readsAsEmpty(g) {
			continue
		}
		reason := fmt.Sprintf("this run would mark %d of our %d %s of %s as gone; at most %d are in one run, so none is", n, owned[g], wordsFor[g.kind],
			by[g][0].cluster.Identity.Name, limit)
		if p.readsAsEmpty(g) {
			reason = fmt.Sprintf("Proxmox lists no %s of %s at all, and NetBox has %d, so none is marked as gone", wordsFor[g.kind], by[g][0].cluster.Identity.Name, owned[g])
		}
		p.report(Report{Outcome: Conflict, Kind: g.kind, Key: g.cluster + "/gone", Label: fmt.Sprintf("%d of %d", n, owned[g]), Reason: reason,
			WayOut: "check that Proxmox answers truly, then run once with the fuse overridden"})
		p.blown = true
		return
	}
}

// readsAsEmpty tells whether Proxmox lists none of a kind in a cluster.
func (p *planner) readsAsEmpty(g group) bool {
	for ref := range p.Things.Present {
		if ref.Kind == g.kind && ref.Key.Cluster() == g.cluster {
			return false
		}
	}
	return true
}

func sortedGroups[T any](m map[group]T) []group {
	return slices.SortedFunc(maps.Keys(m), func(a, b group) int {
		return cmp.Or(cmp.Compare(a.cluster, b.cluster), cmp.Compare(a.kind, b.kind))
	})
}
