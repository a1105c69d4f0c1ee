package plan

import (
	"encoding/json"
	"slices"

	"proxbox/internal/domain"
)

// parts are the kinds that follow their owner by default, in the order in
// which they are removed.
var parts = []domain.Kind{
	domain.KindGuestInterfaceAddr, domain.KindIPAddress, domain.KindVirtualDisk, domain.KindVMInterface, domain.KindInterface,
	domain.KindGuestInterface, domain.KindCloudInit,
}

// view are the rows of the guests' own view, which come and go with what runs
// in a guest. They hold nothing that could be lost, so the fuse does not count
// them.
var view = map[domain.Kind]bool{domain.KindGuestInterface: true, domain.KindGuestInterfaceAddr: true}

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
			whole := p.Whole[domain.PartsOf{Owner: owner.Key, Kind: kind}]
			for _, r := range p.idx.parts(kind, domain.At(owner.Kind, owner.row.ID)) {
				if !p.idx.ours(kind, r) {
					continue
				}
				if !view[kind] {
					owned[group{owner.Key.Cluster(), kind}]++
				}
				if whole && p.free(kind, r) && !p.needed(owner, kind, r) {
					removals = append(removals, Change{Op: Delete, Kind: kind, ID: r.ID, Key: owner.Key, Label: owner.Label + " " + nameOf(r),
						Old: r.Fields, Why: "gone in Proxmox", Phase: phaseDelete + slices.Index(parts, kind)})
				}
			}
		}
	}
	p.fuse(removals, owned)
	p.unlessBlown(func() {
		for _, c := range removals {
			p.remove(c)
		}
	})
}

// remove adds a removal to the plan, and names all that goes with it.
func (p *planner) remove(c Change) {
	ref := domain.At(c.Kind, c.ID)
	if p.gone[ref] && c.Kind == domain.KindGuestInterfaceAddr {
		return // it went before its address
	}
	p.plan.Doomed = append(p.plan.Doomed, ref)
	if c.Kind == domain.KindIPAddress {
		p.unlink(c.ID, c)
	}
	for _, ip := range p.idx.parts(domain.KindIPAddress, ref) {
		if at := domain.At(domain.KindIPAddress, ip.ID); p.free(domain.KindIPAddress, ip) && !p.gone[at] {
			p.gone[at] = true
			p.plan.Doomed = append(p.plan.Doomed, at)
			p.unlink(ip.ID, c)
		}
	}
	p.gone[ref] = true
	p.plan.Changes = append(p.plan.Changes, c)
}

// unlink removes the rows of a guest's own view that point at an address which
// goes: NetBox refuses to remove it otherwise.
func (p *planner) unlink(address int, with Change) {
	for _, r := range p.idx.linking(address) {
		ref := domain.At(domain.KindGuestInterfaceAddr, r.ID)
		if p.gone[ref] || !p.free(ref.Kind, r) {
			continue
		}
		p.gone[ref] = true
		p.plan.Changes = append(p.plan.Changes, Change{Op: Delete, Kind: ref.Kind, ID: r.ID, Key: with.Key, Label: with.Label, Old: r.Fields,
			Why: with.Why, Phase: phaseDelete + slices.Index(parts, ref.Kind)})
	}
}

// needed tells whether a part has to stay: something that is not ours points
// at it or would go with it (NetBox removes an interface's addresses together
// with it), or a person filled in what we do not manage.
func (p *planner) needed(owner *item, kind domain.Kind, r *domain.Row) bool {
	if p.spared(owner, kind, r) {
		return true
	}
	keep := func(reason, wayOut string) bool {
		p.report(Report{Outcome: Conflict, Kind: kind, Key: owner.Key, Label: owner.Label + " " + nameOf(r), Reason: "gone in Proxmox, but " + reason, WayOut: wayOut})
		return true
	}
	if why := p.Keep[domain.At(kind, r.ID)]; why != "" {
		if kind == domain.KindIPAddress {
			p.unassign(owner, r)
		}
		return keep(why, "clear that in NetBox, and the next run removes it; or remove it there")
	}
	switch kind {
	case domain.KindIPAddress:
		return p.idx.behindNAT(r.ID)
	case domain.KindVMInterface, domain.KindInterface:
		if p.unknown(domain.KindIPAddress) != nil {
			return true
		}
		for _, ip := range p.idx.parts(domain.KindIPAddress, domain.At(kind, r.ID)) {
			why := p.Keep[domain.At(domain.KindIPAddress, ip.ID)]
			switch {
			case !p.free(domain.KindIPAddress, ip): // it moves to another interface in this plan
			case p.spared(&item{Object: domain.Object{Kind: kind, Key: owner.Key}}, domain.KindIPAddress, ip):
				return keep("its address "+ip.Text("address")+" is left alone", "move or remove that address, then the interface goes")
			case !p.idx.ours(domain.KindIPAddress, ip) || p.idx.behindNAT(ip.ID):
				return keep("it holds "+ip.Text("address")+", which is not ours or behind NAT", "move or remove that address, then the interface goes")
			case why != "":
				return keep("its address "+ip.Text("address")+": "+why, "move or remove that address, then the interface goes")
			}
		}
	}
	return false
}

// unassign takes an address from its interface and leaves it to whoever filled
// it in.
func (p *planner) unassign(owner *item, r *domain.Row) {
	holder := r.Ref("assigned_object")
	p.release(r, holder, &item{Object: domain.Object{Key: owner.Key, Label: "nobody"}})
	p.plan.Changes = append(p.plan.Changes, Change{Op: Update, Kind: domain.KindIPAddress, ID: r.ID, Key: owner.Key, Label: owner.Label + " " + nameOf(r),
		Set: domain.Fields{"assigned_object": nil}, Old: domain.Fields{"assigned_object": holder}, Why: "gone in Proxmox", Phase: phaseOf(domain.KindIPAddress)})
}

func nameOf(r *domain.Row) string {
	for _, field := range []string{"name", "address", "volume_id", "replication_id", "job_id", "subnet", "vnet_name", "zone_name"} {
		if s := r.Text(field); s != "" {
			return s
		}
	}
	return ""
}

// group is what the fuse counts by: one kind of one cluster.
type group struct {
	cluster domain.Key
	kind    domain.Kind
}

// union is a JSON list of text with what another one has beyond it. One that
// has it all stays to the letter: in which order NetBox answers, is NetBox's.
func union(a, b any) any {
	list := func(v any) (out []string) {
		if s, ok := v.(string); ok && s != "" && json.Unmarshal([]byte(s), &out) != nil {
			return nil
		}
		return out
	}
	has := list(a)
	missing := slices.DeleteFunc(list(b), func(s string) bool { return slices.Contains(has, s) })
	if len(missing) == 0 {
		return a
	}
	text, err := json.Marshal(slices.Sorted(slices.Values(append(has, missing...))))
	if err != nil {
		return a
	}
	return string(text)
}
