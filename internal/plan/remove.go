package plan

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"proxbox/internal/domain"
)

// parts are the kinds that follow their owner by default, in the order in
// which they are removed.
var parts = []domain.Kind{
	domain.KindGuestInterfaceAddr, domain.KindIPAddress, domain.KindVirtualDisk, domain.KindVMInterface, domain.KindInterface,
}

// removeParts plans the removal of parts that are ours, are not wanted, and
// whose owner was read to the last one (rules.md 7).
func (p *planner) removeParts() {
	var removals []Change
	owned := map[group]int{}
	for _, kind := range parts {
		if p.Inventory.Table(kind).Absent || p.unknown(kind) != nil {
			continue
		}
		for _, owner := range p.order {
			if owner.state != bound {
				continue
			}
			g := group{clusterOf(owner.Key), kind}
			mine := p.idx.parts(kind, domain.At(owner.Kind, owner.row.ID))
			for _, r := range mine {
				ref := domain.At(kind, r.ID)
				if !p.idx.ours(kind, r) {
					continue
				}
				owned[g]++
				if p.taken[ref] != nil || !p.Whole[domain.PartsOf{Owner: owner.Key, Kind: kind}] || p.needed(kind, r) {
					continue
				}
				removals = append(removals, Change{Op: Delete, Kind: kind, ID: r.ID, Label: owner.Label + " " + nameOf(r),
					Old: r.Fields, Why: "gone in Proxmox", Phase: phaseDelete + slices.Index(parts, kind), Key: owner.Key})
			}
		}
	}
	for _, c := range p.fuse(removals, owned) {
		p.gone[domain.At(c.Kind, c.ID)] = true
		c.Key = ""
		p.plan.Changes = append(p.plan.Changes, c)
	}
}

// needed tells whether something that is not ours points at a part, or would
// go with it: NetBox removes an interface's addresses together with it.
func (p *planner) needed(kind domain.Kind, r *domain.Row) bool {
	switch kind {
	case domain.KindIPAddress:
		return p.idx.behindNAT(r.ID)
	case domain.KindVMInterface, domain.KindInterface:
	default:
		return false
	}
	if p.unknown(domain.KindIPAddress) != nil {
		return true
	}
	for _, ip := range p.idx.parts(domain.KindIPAddress, domain.At(kind, r.ID)) {
		if p.taken[domain.At(domain.KindIPAddress, ip.ID)] != nil {
			continue // it moves to another interface in this plan
		}
		if !p.idx.ours(domain.KindIPAddress, ip) || p.idx.behindNAT(ip.ID) {
			p.report(Report{Outcome: Conflict, Kind: kind, Label: nameOf(r), Reason: "gone in Proxmox, but it holds " + ip.Text("address") + ", which is not ours or behind NAT",
				WayOut: "move or remove that address, then the interface goes"})
			return true
		}
	}
	return false
}

func nameOf(r *domain.Row) string {
	if s := r.Text("name"); s != "" {
		return s
	}
	return r.Text("address")
}

// group is what the fuse counts by: one kind of one cluster.
type group struct {
	cluster domain.Key
	kind    domain.Kind
}

// clusterOf is the cluster's part of a key.
func clusterOf(key domain.Key) domain.Key {
	for i, r := range key {
		if r == '/' {
			return key[:i]
		}
	}
	return key
}

// MaxRemovals and MaxShare are the fuse: a run that would remove more of one
// kind of one cluster than the smaller of the two removes nothing at all. One
// is always allowed.
const (
	MaxRemovals = 20
	MaxShare    = 0.10
)

func (p *planner) fuse(removals []Change, owned map[group]int) []Change {
	if p.OverrideFuse {
		return removals
	}
	count := map[group]int{}
	for _, c := range removals {
		count[group{clusterOf(c.Key), c.Kind}]++
	}
	groups := slices.SortedFunc(maps.Keys(count), func(a, b group) int {
		return cmp.Or(cmp.Compare(a.cluster, b.cluster), cmp.Compare(a.kind, b.kind))
	})
	for _, g := range groups {
		n := count[g]
		limit := max(1, min(MaxRemovals, int(float64(owned[g])*MaxShare)))
		if n > limit || n == owned[g] && n > 1 {
			p.report(Report{Outcome: Conflict, Kind: g.kind, Label: fmt.Sprintf("%d of %d", n, owned[g]),
				Reason: fmt.Sprintf("this run would remove %d of our %d %s of one cluster; at most %d go in one run, so nothing is removed", n, owned[g], g.kind, limit),
				WayOut: "check that Proxmox answers truly, then run once with the fuse overridden"})
			return nil
		}
	}
	return removals
}

// union joins two JSON lists of text, sorted.
func union(a, b any) any {
	var out []string
	for _, v := range []any{a, b} {
		var list []string
		if s, ok := v.(string); ok && s != "" && json.Unmarshal([]byte(s), &list) == nil {
			out = append(out, list...)
		}
	}
	slices.Sort(out)
	text, err := json.Marshal(slices.Compact(out))
	if err != nil {
		return a
	}
	return string(text)
}
