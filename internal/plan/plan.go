// Package plan compares what NetBox has with what is wanted and returns the
// shortest list of writes that makes the first like the second. It is pure:
// no I/O and no clock. Here live the rules of identity, of ownership applied,
// of names that are taken, of addresses claimed twice and of removing.
package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"proxbox/internal/domain"
)

// Op is what is done to an object.
type Op string

const (
	Create Op = "create"
	Update Op = "update"
	Delete Op = "delete"
)

// Change is one write of one object.
type Change struct {
	Op    Op
	Kind  domain.Kind
	Key   domain.Key // of the wanted object; "" for one that is only removed or released
	ID    int        // in NetBox; 0 until it is made
	Label string
	// Set is what is written, Old what NetBox had in the same fields.
	Set, Old domain.Fields
	Why      string
	Phase    int // the order of writing: a lower one is done first
	// Of is the object that a sync-state row belongs to.
	Of domain.Ref
}

// Outcome is what became of an object that could not be made true.
type Outcome string

const (
	Conflict Outcome = "conflict" // expected, somebody else's to solve
	Failed   Outcome = "failed"   // unexpected
	Skipped  Outcome = "skipped"  // needs an object that was not done
)

// Report is one object that was not made true, for the person who reads it.
type Report struct {
	Outcome Outcome
	Kind    domain.Kind
	Key     domain.Key
	Label   string
	Field   string
	Reason  string
	WayOut  string
}

// Input is everything that a plan depends on.
type Input struct {
	Objects   []domain.Object
	Whole     map[domain.PartsOf]bool
	Inventory *domain.Inventory
	Owns      func(kind domain.Kind, field string) domain.Ownership
	// AddTags is true when NetBox takes add_tags and remove_tags (4.6).
	AddTags bool
	// OverrideFuse lets one run remove more than the fuse allows.
	OverrideFuse bool
	// Keep says of objects that a plan would remove why they must stay.
	Keep map[domain.Ref]string
	// Stamp is the run's moment, RFC 3339. It is written to sync-state rows,
	// only together with another change of the same row.
	Stamp string
}

// Plan is the list of writes, in order, and what cannot be done.
type Plan struct {
	Changes   []Change
	Reports   []Report
	Unchanged int // wanted objects that NetBox has as they should be
	// Unproven are addresses of ours by place, not by mark: made by us in a
	// run that ended before the mark was written, or by a person. NetBox's
	// change log knows.
	Unproven []int
	// Doomed are the objects that this plan removes, and what goes with them:
	// whether a person would miss one of them, the inventory does not say.
	Doomed []domain.Ref
	// Bound is the id in NetBox of every wanted object that is there already.
	Bound map[domain.Ref]int
}

// Counts returns how many objects of a kind are created, updated and deleted.
func (p *Plan) Counts() map[domain.Kind]map[Op]int {
	out := map[domain.Kind]map[Op]int{}
	seen := map[string]bool{}
	for _, c := range p.Changes {
		id := fmt.Sprintf("%s/%s/%d", c.Kind, c.Key, c.ID)
		if c.Op == Update && seen[id] {
			continue // the later half of the same object
		}
		seen[id] = true
		if out[c.Kind] == nil {
			out[c.Kind] = map[Op]int{}
		}
		out[c.Kind][c.Op]++
	}
	return out
}

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
	gone  map[domain.Ref]bool
	vlans map[vlanAt]*item // that are to be made
	names map[partName]bool
	keys  []string // for fields
}

// Make returns the plan. The same input gives the same plan, and the input
// stays as it is.
func Make(in Input) *Plan {
	p := &planner{Input: in, items: make(map[domain.Ref]*item, len(in.Objects)), of: map[domain.Kind][]*item{}, taken: map[domain.Ref]*item{},
		late: map[*item]domain.Fields{}, freed: map[int]bool{}, gone: map[domain.Ref]bool{}, vlans: map[vlanAt]*item{}}
	p.idx = newIndex(in.Inventory)
	kinds := p.take(in.Objects)
	p.bindClusters()
	for _, kind := range kinds {
		p.kind(kind, p.of[kind])
	}
	p.removeParts()
	p.finishLate()
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
	p.name(kind, items)
	for _, it := range items {
		switch it.state {
		case bound:
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

// fields are the names of fields in order; they hold until the next call.
func (p *planner) fields(f domain.Fields) []string {
	p.keys = p.keys[:0]
	for name := range f {
		p.keys = append(p.keys, name)
	}
	slices.Sort(p.keys)
	return p.keys
}

// create plans a new object.
func (p *planner) create(it *item) {
	set := domain.Fields{}
	for _, field := range p.fields(it.Fields) {
		if isLate(it.Kind, it.Fields[field]) {
			p.later(it, field)
			continue
		}
		v, ok := p.fieldValue(it, field)
		if !ok {
			if required[it.Kind][field] {
				p.skip(it, it.Fields[field])
				return
			}
			continue
		}
		if !domain.IsEmpty(v) {
			set[field] = v
		}
	}
	if it.Kind == domain.KindVirtualMachine && !p.place(it, set, domain.Fields{}) {
		return
	}
	if it.Kind == domain.KindIPAddress {
		p.vrf(it, set)
	}
	if tags := p.tagsOnCreate(it); len(tags) > 0 {
		set["tags"] = tags
	}
	p.change(it, Change{Op: Create, Set: set, Why: "new in Proxmox", Phase: phaseOf(it.Kind)})
}

// change adds a write of an item to the plan.
func (p *planner) change(it *item, c Change) {
	c.Kind, c.Key, c.Label = it.Kind, it.Key, it.Label
	if it.row != nil {
		c.ID = it.row.ID
	}
	if field, ok := stateOf[it.Kind]; ok {
		c.Of = it.Fields[field].(domain.Ref)
		if p.Stamp != "" {
			c.Set["proxmox_last_updated"] = p.Stamp
		}
		if c.Op == Update {
			c.Phase = phaseState
		}
	}
	p.plan.Changes = append(p.plan.Changes, c)
}

// fieldValue resolves what is wanted in a field. ok is false when the field
// must be left out: what it points at is not there, or NetBox has no such
// custom field and takes none from us.
func (p *planner) fieldValue(it *item, field string) (v any, ok bool) {
	if name, custom := strings.CutPrefix(field, "cf_"); custom {
		if def := p.items[domain.To(domain.KindCustomField, domain.Key(name))]; def != nil && def.state == dropped {
			return nil, false
		}
	}
	return p.value(it.Fields[field])
}

// skip drops an object that hangs on one which is not done. Objects that a
// dropped one explains already are not reported twice.
func (p *planner) skip(it *item, needs any) {
	it.state = dropped
	ref, _ := needs.(domain.Ref)
	other := p.at(ref)
	if other == nil || other.why == "" || it.Mode != domain.Manage || Companion(it.Kind) {
		return
	}
	it.why = "needs " + other.Label
	p.report(Report{Outcome: Skipped, Kind: it.Kind, Key: it.Key, Label: it.Label, Reason: it.why})
}

// update plans the difference between a row and what is wanted.
func (p *planner) update(it *item) {
	set, old := domain.Fields{}, domain.Fields{}
	why := "changed in Proxmox"
	for _, field := range p.fields(it.Fields) {
		if isLate(it.Kind, it.Fields[field]) || field == "name" && it.nameLate {
			p.later(it, field)
			continue
		}
		current, known := it.row.Fields[field]
		if !known && !p.newField(field) {
			continue // this NetBox has no such field
		}
		v, ok := p.fieldValue(it, field)
		if it.Kind == domain.KindCustomField && field == "object_types" {
			v = union(current, v)
		} else if ok && !domain.Equal(current, v) {
			var reason string
			reason, ok = p.mayWrite(it, field, current, v)
			why = cmp.Or(reason, why)
		}
		if ok && !domain.Equal(current, v) {
			set[field], old[field] = v, current
		}
	}
	if it.Kind == domain.KindVirtualMachine && !p.place(it, set, old) {
		return
	}
	p.updateTags(it, set, old)
	if len(set) == 0 {
		p.plan.Unchanged++
		return
	}
	p.change(it, Change{Op: Update, Set: set, Old: old, Why: why, Phase: phaseOf(it.Kind)})
}

// newField tells whether a custom field is made in this plan, so that no row
// has it yet.
func (p *planner) newField(field string) bool {
	name, custom := strings.CutPrefix(field, "cf_")
	if !custom {
		return false
	}
	def := p.items[domain.To(domain.KindCustomField, domain.Key(name))]
	return def != nil && def.state == fresh
}

// mayWrite tells whether a field that differs is ours to write (rules.md 2).
func (p *planner) mayWrite(it *item, field string, current, v any) (why string, ok bool) {
	switch {
	case it.adopted && it.Kind == domain.KindIPAddress:
		return "", field == "assigned_object" // all else is as a person left it
	case it.Kind == domain.KindDeviceState && field == "proxmox_endpoint_raw_id":
		return "", domain.IsEmpty(current) // the plugin refuses to change it
	case whose[field] && p.readByAnother(it):
		return "", false
	}
	switch p.Owns(it.Kind, field) {
	case domain.OnCreate:
		return "", false
	case domain.WhenEmpty:
		return "", domain.IsEmpty(current)
	case domain.ThreeWay:
		return p.threeWay(it, field, current, v)
	}
	return "", true
}

// later keeps a field for the end, when what it points at is there.
func (p *planner) later(it *item, field string) {
	if p.late[it] == nil {
		p.late[it] = domain.Fields{}
	}
	p.late[it][field] = it.Fields[field]
}

// finishLate plans the fields that point at objects made after their own.
func (p *planner) finishLate() {
	for _, it := range p.order {
		fields, ok := p.late[it]
		if !ok || it.state == dropped {
			continue
		}
		set, old := domain.Fields{}, domain.Fields{}
		for _, field := range p.fields(fields) {
			v, ok := p.value(fields[field])
			if !ok {
				continue
			}
			var current any
			if it.row != nil {
				var known bool
				if current, known = it.row.Fields[field]; !known {
					continue
				}
			}
			if domain.Equal(current, v) {
				continue
			}
			if it.row != nil && p.Owns(it.Kind, field) == domain.WhenEmpty && !p.lost(it, current) {
				continue
			}
			set[field], old[field] = v, current
		}
		if len(set) > 0 {
			p.change(it, Change{Op: Update, Set: set, Old: old, Why: "what it points at is there now", Phase: phaseLate})
		}
	}
}
