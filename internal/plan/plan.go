// Package plan compares what NetBox has with what is wanted and returns the
// shortest list of writes that makes the first like the second. It is pure:
// no I/O and no clock. Here live the rules of identity, of ownership applied,
// of names that are taken, of addresses claimed twice and of removing.
package plan

import (
	"fmt"

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
	// Orphan is true of what is done to a guest, node or storage because Proxmox
	// does not have it any more.
	Orphan bool
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
	// OwnsAt, if not nil, goes before Owns: flags may differ by endpoint.
	OwnsAt func(key domain.Key, kind domain.Kind, field string) domain.Ownership
	Limits Limits
	// AddTags is true when NetBox takes add_tags and remove_tags (4.6).
	AddTags bool
	// TagParts has parts of ours tagged that are not, of the kinds of which the
	// inventory says which rows are marked.
	TagParts bool
	// OverrideFuse lets one run remove more than the fuse allows.
	OverrideFuse bool
	// Removes names the kinds of the plugin's rows that are removed, and not
	// merely marked, when Proxmox does not have what they are about any more.
	Removes map[domain.Kind]bool
	// Keep says of objects that a plan would remove why they must stay.
	Keep map[domain.Ref]string
	// Things is about guests, nodes and storages that are gone.
	Things Things
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
	// Vanished are guests that would be marked as gone, once it is confirmed.
	Vanished []Vanished
	Notices  []Notice
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
