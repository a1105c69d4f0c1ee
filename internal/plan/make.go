package plan

import (
	"fmt"
	"slices"

	"proxbox/internal/domain"
)

// state is what is known of a wanted object while the plan is made.
type state int

const (
	pending state = iota
	bound         // NetBox has it
	fresh         // it will be made
	dropped       // it cannot or need not be made; what needs it does without or is skipped
)

type item struct {
	domain.Object
	state    state
	row      *domain.Row
	adopted  bool // it was there before us: never marked, never removed
	moved    bool // it was another place's guest before
	nameLate bool // its name is another's until that one is renamed
	why      string
}

// planner is a plan in the making.
type planner struct {
	Input
	plan  Plan
	items map[domain.Ref]*item
	order []*item
	of    map[domain.Kind][]*item
	idx   index
	taken map[domain.Ref]*item // the wanted object that a row is bound to
	late  map[*item]domain.Fields
	freed map[int]bool // addresses whose primary mark is released in this plan
	// releases are the changes by which objects give such addresses up.
	releases map[domain.Ref]int
	gone     map[domain.Ref]bool
	vlans    map[vlanAt]*item // that are to be made
	// removing waits until it is known whether the fuse is blown.
	removing []func()
	blown    bool
	names    map[partName]bool
	// unclaimed are rows of guests' own views that give up their VM interface.
	unclaimed map[int]bool
	// addresses are those of each guest or node, once somebody asked.
	addresses map[domain.Key][]*item
	uuidCount map[string]int // of the wanted guests, once somebody asked
	keys      []string       // for fields
}

// Make returns the plan. The same input gives the same plan, and the input
// stays as it is.
func Make(in Input) *Plan {
	p := &planner{Input: in, items: make(map[domain.Ref]*item, len(in.Objects)), of: map[domain.Kind][]*item{}, taken: map[domain.Ref]*item{},
		late: map[*item]domain.Fields{}, freed: map[int]bool{}, releases: map[domain.Ref]int{}, gone: map[domain.Ref]bool{}, vlans: map[vlanAt]*item{}, unclaimed: map[int]bool{}}
	p.idx = newIndex(in.Inventory)
	kinds := p.take(in.Objects)
	p.bindClusters()
	for _, kind := range kinds {
		p.kind(kind, p.of[kind])
	}
	p.removeParts()
	p.removeRecords()
	p.things()
	p.removals()
	p.finishLate()
	p.dropUnused()
	slices.SortStableFunc(p.plan.Changes, func(a, b Change) int { return a.Phase - b.Phase })
	p.plan.Bound = map[domain.Ref]int{}
	for ref, it := range p.items {
		if it.row != nil && it.state == bound {
			p.plan.Bound[ref] = it.row.ID
		}
	}
	slices.Sort(p.plan.Unproven)
	return &p.plan
}

// take makes items of the wanted objects and returns their kinds in the order
// of writing.
func (p *planner) take(objects []domain.Object) []domain.Kind {
	items := make([]item, len(objects))
	p.order = make([]*item, len(objects))
	for i, o := range objects {
		items[i].Object = o
		p.order[i] = &items[i]
		p.items[domain.To(o.Kind, o.Key)] = &items[i]
	}
	slices.SortStableFunc(p.order, func(a, b *item) int { return rank[a.Kind] - rank[b.Kind] })
	var kinds []domain.Kind
	for _, it := range p.order {
		if p.of[it.Kind] == nil {
			kinds = append(kinds, it.Kind)
		}
		p.of[it.Kind] = append(p.of[it.Kind], it)
	}
	return kinds
}

// kind plans all wanted objects of one kind.
func (p *planner) kind(kind domain.Kind, items []*item) {
	if p.Inventory.Table(kind).Absent {
		p.drop(items)
		return
	}
	if err := p.unknown(kind); err != nil {
		p.report(Report{Outcome: Failed, Kind: kind, Label: string(kind), Reason: err.Error(),
			WayOut: "nothing of this kind is written until NetBox lists it whole"})
		p.drop(items)
		return
	}
	p.matchAll(kind, items)
	for _, it := range items {
		p.restrain(it)
	}
	if kind == domain.KindVirtualMachine {
		p.reportTwins(items)
	}
	p.name(kind, items)
	if kind == domain.KindGuestInterface {
		p.releaseViews(items)
	}
	for _, it := range items {
		switch it.state {
		case bound:
			if p.leaves(it) {
				p.complete(it)
				continue
			}
			p.update(it)
		case fresh:
			p.create(it)
		}
	}
}

// knownBy names the kinds without which it is not known which objects of a
// kind are which, and which are ours.
var knownBy = map[domain.Kind][]domain.Kind{
	domain.KindCluster:        {domain.KindTag, domain.KindClusterState, domain.KindProxmoxCluster},
	domain.KindDevice:         {domain.KindTag, domain.KindCluster, domain.KindDeviceState, domain.KindProxmoxNode},
	domain.KindVirtualMachine: {domain.KindTag, domain.KindCluster, domain.KindVMState},
	domain.KindVirtualDisk:    {domain.KindTag, domain.KindVirtualDiskState},
	domain.KindVMInterface:    {domain.KindTag, domain.KindVMInterfaceState, domain.KindMACAddress},
	domain.KindInterface:      {domain.KindTag, domain.KindInterfaceState},
	domain.KindIPAddress:      {domain.KindTag, domain.KindIPAddressState, domain.KindVMInterface, domain.KindInterface},
	domain.KindBackup:         {domain.KindProxmoxStorage, domain.KindVMState},
	domain.KindTaskHistory:    {domain.KindVMState},
	// Of an address that is not known it is not known which row links it.
	domain.KindGuestInterfaceAddr: {domain.KindTag, domain.KindGuestInterface, domain.KindIPAddress, domain.KindIPAddressState,
		domain.KindVMInterface, domain.KindVMInterfaceState, domain.KindInterface, domain.KindMACAddress},
}

// unknown tells why a kind cannot be planned: NetBox did not list it, or what
// it is known by, to the last row.
func (p *planner) unknown(kind domain.Kind) error {
	if err := p.Inventory.Table(kind).Unknown; err != nil {
		return err
	}
	for _, k := range knownBy[kind] {
		if err := p.Inventory.Table(k).Unknown; err != nil {
			return fmt.Errorf("%s is not known whole: %w", k, err)
		}
	}
	return nil
}

func (p *planner) drop(items []*item) {
	for _, it := range items {
		it.state = dropped
	}
}

func (p *planner) report(r Report) { p.plan.Reports = append(p.plan.Reports, r) }

// conflict drops a wanted object that somebody else's stands against.
func (p *planner) conflict(it *item, field, reason, wayOut string) {
	it.state, it.why = dropped, reason
	p.report(Report{Outcome: Conflict, Kind: it.Kind, Key: it.Key, Label: it.Label, Field: field, Reason: reason, WayOut: wayOut})
}

// at returns the item a reference points at, or nil.
func (p *planner) at(ref domain.Ref) *item { return p.items[domain.Ref{Kind: ref.Kind, Key: ref.Key}] }

// resolve gives a reference its id when NetBox has the object. ok is false
// when there is and will be no such object.
func (p *planner) resolve(ref domain.Ref) (domain.Ref, bool) {
	if ref.ID != 0 {
		t := p.Inventory.Table(ref.Kind)
		return ref, t.Absent || t.Unknown != nil || t.Get(ref.ID) != nil
	}
	it := p.at(ref)
	if it == nil {
		return ref, false
	}
	switch it.state {
	case bound:
		return domain.At(ref.Kind, it.row.ID), true
	case fresh:
		return domain.To(it.Kind, it.Key), true
	}
	return ref, false
}

// value resolves what a field wants; ok is false when the field must be left out.
func (p *planner) value(v any) (any, bool) {
	switch v := v.(type) {
	case domain.Ref:
		return p.resolve(v)
	case domain.Refs:
		var out domain.Refs
		for _, r := range v {
			if r, ok := p.resolve(r); ok {
				out = append(out, r)
			}
		}
		return out.Sorted(), true
	}
	return v, true
}
