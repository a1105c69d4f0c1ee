package netboxsim

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// row is one object. A row that is in a table is never changed: an update
// puts a changed copy in its place, so that undoing is putting back.
type row struct {
	id      int
	vals    []any // by field.slot: nil, string, int, float64, bool, fixedPoint, []int, netip.Prefix, time.Time, rawJSON
	tags    []int
	cf      map[string]any
	created time.Time
	updated time.Time
}

// fixedPoint is a decimal in units of its last place.
type fixedPoint int64

// rawJSON is a JSON value as it was written, compacted.
type rawJSON string

func (r *row) clone() *row {
	c := *r
	c.vals = slices.Clone(r.vals)
	return &c
}

// same tells whether two versions of a row differ in nothing that the change
// log would show.
func (r *row) same(o *row) bool {
	if !slices.Equal(r.tags, o.tags) || !jsonEqual(r.cf, o.cf) {
		return false
	}
	return slices.EqualFunc(r.vals, o.vals, valueEqual)
}

func valueEqual(a, b any) bool {
	switch a := a.(type) {
	case []int:
		b, ok := b.([]int)
		return ok && slices.Equal(a, b)
	case time.Time:
		b, ok := b.(time.Time)
		return ok && a.Equal(b)
	}
	if _, ok := b.([]int); ok {
		return false
	}
	return a == b
}

// anyKey identifies an object of whatever kind.
type anyKey struct {
	kind string
	id   int
}

// table holds the rows of a kind and what finds them quickly.
type table struct {
	k      *kind
	rows   map[int]*row
	byID   []*row // ordered by id
	nextID int

	refs    map[int]map[int][]int  // slot of an indexed reference -> target -> ids, ascending
	counts  map[int]map[int]int    // slot of any other reference -> target -> how many
	generic map[anyKey][]int       // of a generic relation -> ids
	uniq    []map[string]int       // by constraint: key -> id
	alone   map[int]map[string]int // by slot of a unique field: value -> id
	hosts   map[netip.Addr][]int   // of an address field: host part -> ids
	tagged  map[int]int            // tag -> how many rows carry it

	version atomic.Uint64
	sorted  atomic.Pointer[sortedRows]
}

type sortedRows struct {
	version uint64
	rows    []*row
}

// store is all tables. Reads hold mu for reading, writes for writing.
type store struct {
	mu      sync.RWMutex
	profile Profile
	kinds   map[string]*kind
	paths   map[string]*kind
	tables  map[string]*table
	clock   func() time.Time
	log     bool

	fieldsOf map[string][]*customField // by kind, ordered as NetBox shows them
}

func newStore(p Profile, clock func() time.Time, log bool) *store {
	kinds := kindsOf(p)
	s := &store{
		profile: p, kinds: link(kinds), clock: clock, log: log,
		paths:  make(map[string]*kind, len(kinds)),
		tables: make(map[string]*table, len(kinds)),
	}
	for _, k := range kinds {
		s.paths[k.path] = k
		t := &table{
			k: k, rows: map[int]*row{}, nextID: 1,
			refs: map[int]map[int][]int{}, counts: map[int]map[int]int{}, alone: map[int]map[string]int{},
			generic: map[anyKey][]int{}, hosts: map[netip.Addr][]int{}, tagged: map[int]int{},
			uniq: make([]map[string]int, len(k.unique)),
		}
		for i := range t.uniq {
			t.uniq[i] = map[string]int{}
		}
		for _, f := range k.stored {
			switch {
			case f.indexed:
				t.refs[f.slot] = map[int][]int{}
			case f.typ == tRef || f.typ == tRefs:
				t.counts[f.slot] = map[int]int{}
			}
			if f.uniq {
				t.alone[f.slot] = map[string]int{}
			}
		}
		s.tables[k.name] = t
	}
	return s
}

func (s *store) now() time.Time { return s.clock().UTC().Truncate(time.Microsecond) }

func (s *store) table(kindName string) *table { return s.tables[kindName] }

// row returns an object, or nil.
func (s *store) row(kindName string, id int) *row {
	if t := s.tables[kindName]; t != nil {
		return t.rows[id]
	}
	return nil
}

// get returns a field's value.
func (k *kind) get(r *row, name string) any { return r.vals[k.field(name).slot] }

func (k *kind) id(r *row, name string) int {
	n, _ := k.get(r, name).(int)
	return n
}

func (k *kind) str(r *row, name string) string {
	s, _ := k.get(r, name).(string)
	return s
}

// tx is one write request: it remembers what was there, to put it back.
type tx struct {
	s         *store
	undo      []change
	requestID string
	user      string
	message   string
	keepIDs   bool // a new object may bring its own id
}

type change struct {
	t        *table
	old, new *row
}

// put replaces one version of a row by another; nil stands for "not there".
func (x *tx) put(t *table, old, new *row) {
	x.undo = append(x.undo, change{t, old, new})
	x.s.swap(t, old, new)
}

// rollback puts back all that was there. Ids that were given are not given
// again, as PostgreSQL's sequences are not.
func (x *tx) rollback() {
	for _, c := range slices.Backward(x.undo) {
		x.s.swap(c.t, c.new, c.old)
	}
	x.undo = nil
}

func (s *store) swap(t *table, old, new *row) {
	t.version.Add(1)
	switch {
	case old == nil:
		t.rows[new.id] = new
		if n := len(t.byID); n == 0 || t.byID[n-1].id < new.id {
			t.byID = append(t.byID, new)
		} else {
			i, _ := t.find(new.id)
			t.byID = slices.Insert(t.byID, i, new)
		}
		t.nextID = max(t.nextID, new.id+1)
	case new == nil:
		delete(t.rows, old.id)
		if i, ok := t.find(old.id); ok {
			t.byID = slices.Delete(t.byID, i, i+1)
		}
	default:
		t.rows[new.id] = new
		if i, ok := t.find(new.id); ok {
			t.byID[i] = new
		}
	}
	t.reindex(old, new)
	if t.k.name == customFieldKind {
		s.fieldsOf = nil
	}
}

func (t *table) find(id int) (int, bool) { return find(t.byID, id) }

// find looks an id up among rows that are ordered by it.
func find(rows []*row, id int) (int, bool) {
	return slices.BinarySearchFunc(rows, id, func(r *row, id int) int { return cmp.Compare(r.id, id) })
}

func (t *table) reindex(old, new *row) {
	if old != nil {
		count(t.tagged, old.tags, -1)
	}
	if new != nil {
		count(t.tagged, new.tags, 1)
	}
	for slot, index := range t.refs {
		was, is := value(old, slot), value(new, slot)
		if valueEqual(was, is) && old != nil && new != nil {
			continue
		}
		if id, ok := was.(int); ok {
			index[id] = without(index[id], old.id)
			if len(index[id]) == 0 {
				delete(index, id)
			}
		}
		if id, ok := is.(int); ok {
			index[id] = with(index[id], new.id)
		}
	}
	for slot, index := range t.counts {
		was, is := value(old, slot), value(new, slot)
		if valueEqual(was, is) {
			continue
		}
		count(index, idsOf(was), -1)
		count(index, idsOf(is), 1)
	}
	for slot, index := range t.alone {
		was, is := uniqueText(value(old, slot)), uniqueText(value(new, slot))
		if was == is {
			continue
		}
		if was != "" && index[was] == old.id {
			delete(index, was)
		}
		if is != "" {
			index[is] = new.id
		}
	}
	for i := range t.k.unique {
		u := &t.k.unique[i]
		was, wasOK := u.key(t.k, old)
		is, isOK := u.key(t.k, new)
		if was == is && wasOK == isOK {
			continue
		}
		if wasOK && t.uniq[i][was] == old.id {
			delete(t.uniq[i], was)
		}
		if isOK {
			t.uniq[i][is] = new.id
		}
	}
	for _, f := range t.k.stored {
		switch f.typ {
		case tContentType:
			was, wasOK := t.genericKey(f, old)
			is, isOK := t.genericKey(f, new)
			if was == is && wasOK == isOK {
				continue
			}
			if wasOK {
				t.generic[was] = without(t.generic[was], old.id)
				if len(t.generic[was]) == 0 {
					delete(t.generic, was)
				}
			}
			if isOK {
				t.generic[is] = with(t.generic[is], new.id)
			}
		case tAddress:
			was, wasOK := value(old, f.slot).(netip.Prefix)
			is, isOK := value(new, f.slot).(netip.Prefix)
			if wasOK && isOK && was.Addr() == is.Addr() {
				continue
			}
			if wasOK {
				t.hosts[was.Addr()] = without(t.hosts[was.Addr()], old.id)
				if len(t.hosts[was.Addr()]) == 0 {
					delete(t.hosts, was.Addr())
				}
			}
			if isOK {
				t.hosts[is.Addr()] = with(t.hosts[is.Addr()], new.id)
			}
		}
	}
}

func count(index map[int]int, ids []int, by int) {
	for _, id := range ids {
		if index[id] += by; index[id] == 0 {
			delete(index, id)
		}
	}
}

func (t *table) genericKey(f *field, r *row) (anyKey, bool) {
	if r == nil || f.idField == "" {
		return anyKey{}, false
	}
	kindName, _ := r.vals[f.slot].(string)
	id, ok := t.k.get(r, f.idField).(int)
	return anyKey{kindName, id}, ok && kindName != ""
}

func value(r *row, slot int) any {
	if r == nil {
		return nil
	}
	return r.vals[slot]
}

func idsOf(v any) []int {
	switch v := v.(type) {
	case int:
		return []int{v}
	case []int:
		return v
	}
	return nil
}

// uniqueText is a value of a unique field as a key; "" for null, which any
// number of rows may have.
func uniqueText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int:
		return strconv.Itoa(v)
	}
	return ""
}

func with(ids []int, id int) []int {
	if n := len(ids); n == 0 || ids[n-1] < id {
		return append(ids, id)
	}
	i, ok := slices.BinarySearch(ids, id)
	if ok {
		return ids
	}
	return slices.Insert(ids, i, id)
}

func without(ids []int, id int) []int {
	if i, ok := slices.BinarySearch(ids, id); ok {
		return slices.Delete(ids, i, i+1)
	}
	return ids
}

// key is what must be unique of a row, and false when the constraint does not
// count for it.
func (u *unique) key(k *kind, r *row) (string, bool) {
	if r == nil || u.when != nil && !u.when(k, r) {
		return "", false
	}
	var b strings.Builder
	for _, f := range u.slots {
		switch v := r.vals[f.slot].(type) {
		case nil:
			if !u.nullsEqual {
				return "", false
			}
			b.WriteString("-")
		case string:
			if u.folded {
				v = strings.ToLower(v)
			}
			b.WriteString(v)
		case int:
			b.WriteString(strconv.Itoa(v))
		default:
			b.WriteString(jsonText(v))
		}
		b.WriteByte(0)
	}
	return b.String(), true
}

// referring returns the rows of f's kind that point at the object.
func (s *store) referring(f *field, id int) []*row {
	t := s.tables[f.owner.name]
	if f.indexed {
		ids := t.refs[f.slot][id]
		rows := make([]*row, len(ids))
		for i, rid := range ids {
			rows[i] = t.rows[rid]
		}
		return rows
	}
	n := t.counts[f.slot][id]
	if n == 0 {
		return nil
	}
	rows := make([]*row, 0, n)
	for _, r := range t.byID {
		if slices.Contains(idsOf(r.vals[f.slot]), id) {
			rows = append(rows, r)
		}
	}
	return rows
}

// count is how many rows point at the object.
func (s *store) count(f *field, id int) int {
	t := s.tables[f.owner.name]
	if f.indexed {
		return len(t.refs[f.slot][id])
	}
	return t.counts[f.slot][id]
}

// label is str() of an object.
func (s *store) label(k *kind, r *row) string {
	switch {
	case r == nil:
		return "None"
	case k.label != nil:
		return k.label(s, k, r)
	}
	return k.str(r, "name")
}

// labelOf is str() of the object that a reference points at.
func (s *store) labelOf(kindName string, id int) string {
	return s.label(s.kinds[kindName], s.row(kindName, id))
}

// reset forgets every object and starts the ids anew.
func (s *store) reset() {
	fresh := newStore(s.profile, s.clock, s.log)
	s.kinds, s.paths, s.tables, s.fieldsOf = fresh.kinds, fresh.paths, fresh.tables, nil
}

// kindNames returns the kinds, sorted.
func (s *store) kindNames() []string { return slices.Sorted(maps.Keys(s.tables)) }
