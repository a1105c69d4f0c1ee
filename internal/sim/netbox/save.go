package netboxsim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// create validates and saves one new object.
func (s *store) create(x *tx, k *kind, in map[string]any, only map[string]bool) (*row, *problems, *answer) {
	d, refused, stop := s.draftNew(x, k, in, only)
	if refused != nil || stop != nil {
		return nil, refused, stop
	}
	return d.save()
}

// draftNew reads and validates one new object.
func (s *store) draftNew(x *tx, k *kind, in map[string]any, only map[string]bool) (*draft, *problems, *answer) {
	d := &draft{
		s: s, k: k, tx: x, new: &row{vals: make([]any, len(k.stored))},
		given: map[string]bool{}, errs: &problems{}, macAddress: notGiven,
	}
	for _, f := range k.stored {
		switch {
		case f.def != nil:
			d.new.vals[f.slot] = f.def
		case f.typ == tText && f.blankable && !f.nullable:
			d.new.vals[f.slot] = ""
		}
	}
	d.new.cf = s.defaultCustom(k.name)
	if id, ok := pyInt(in["id"]); ok && x.keepIDs {
		d.new.id = id
	}
	d.read(in, false, only)
	refused, stop := d.validate(only)
	return d, refused, stop
}

// update validates and saves a change of one object.
func (s *store) update(x *tx, k *kind, old *row, in map[string]any, partial bool, only map[string]bool) (*row, *problems, *answer) {
	d := &draft{
		s: s, k: k, tx: x, old: old, new: old.clone(),
		given: map[string]bool{}, errs: &problems{}, macAddress: notGiven,
	}
	d.read(in, partial, only)
	if refused, stop := d.validate(only); refused != nil || stop != nil {
		return nil, refused, stop
	}
	return d.save()
}

// validate runs the checks in NetBox's order: the serializer's own, the
// model's fields, the model's rules, the constraints.
func (d *draft) validate(only map[string]bool) (*problems, *answer) {
	if d.stop != nil {
		return nil, d.stop
	}
	if !d.errs.empty() {
		return d.errs, nil
	}
	d.applyTagDeltas()
	d.run(d.k.early)
	if d.stop != nil {
		return nil, d.stop
	}
	if !d.errs.empty() {
		return d.errs, nil
	}
	if only != nil && d.adding() {
		d.missing()
	}
	if d.cleanCustom() {
		d.run(d.k.rules)
	}
	if d.stop != nil {
		return nil, d.stop
	}
	d.constraints()
	if d.errs.empty() {
		d.run(d.k.late)
	}
	if d.stop != nil {
		return nil, d.stop
	}
	if !d.errs.empty() {
		return d.errs, nil
	}
	return nil, nil
}

// run stops at the first rule that reports something.
func (d *draft) run(rules []rule) {
	before := len(d.errs.keys)
	for _, check := range rules {
		check(d)
		if len(d.errs.keys) > before || d.stop != nil {
			return
		}
	}
}

// missing reports required fields that ?fields= kept out of the request.
func (d *draft) missing() {
	for _, f := range d.k.stored {
		if f.required && d.new.vals[f.slot] == nil {
			what := "null"
			if f.typ == tText {
				what = "blank"
			}
			d.fail(f.name, "This field cannot be %s.", what)
		}
	}
}

func (d *draft) constraints() {
	t := d.s.table(d.k.name)
	for i := range d.k.unique {
		u := &d.k.unique[i]
		if u.silent || slices.ContainsFunc(u.slots, func(f *field) bool { return d.errs.has(f.name) }) {
			continue
		}
		key, ok := u.key(d.k, d.new)
		if !ok {
			continue
		}
		if id, ok := t.uniq[i][key]; ok && (d.old == nil || d.old.id != id) {
			under := u.under
			if under == "" {
				under = allKey
			}
			d.fail(under, "%s", u.text(d.k))
		}
	}
}

// text is how NetBox reports the constraint.
func (u *unique) text(k *kind) string {
	if u.message != "" {
		return u.message
	}
	names := make([]string, len(u.slots))
	for i, f := range u.slots {
		names[i] = f.verboseName()
	}
	last := len(names) - 1
	list := names[last]
	if last > 0 {
		list = strings.Join(names[:last], ", ") + " and " + list
	}
	return fmt.Sprintf("%s with this %s already exists.", k.verboseTitle(), list)
}

// collides tells whether saving would break a constraint of the database
// that validation did not see.
func (d *draft) collides() *answer {
	t := d.s.table(d.k.name)
	for i := range d.k.unique {
		u := &d.k.unique[i]
		key, ok := u.key(d.k, d.new)
		if !ok {
			continue
		}
		if id, ok := t.uniq[i][key]; ok && (d.old == nil || d.old.id != id) {
			return d.s.crash("IntegrityError", fmt.Sprintf(
				"duplicate key value violates unique constraint on %s (%s)", d.k.name, u.fields))
		}
	}
	for _, f := range d.k.stored {
		if f.uniq && d.taken(f, d.new.vals[f.slot]) != "" || f.one && d.claimed(f) {
			return d.s.crash("IntegrityError", fmt.Sprintf(
				"duplicate key value violates unique constraint %q\nDETAIL:  Key (%s_id)=(%s) already exists.",
				strings.ReplaceAll(d.k.name, ".", "_")+"_"+f.name+"_id_key", f.name, f.text(d.new.vals[f.slot])))
		}
	}
	return nil
}

// claimed tells whether another row has the one-to-one target already.
func (d *draft) claimed(f *field) bool {
	id, ok := d.new.vals[f.slot].(int)
	if !ok {
		return false
	}
	for _, rid := range d.s.table(d.k.name).refs[f.slot][id] {
		if d.old == nil || rid != d.old.id {
			return true
		}
	}
	return false
}

// save puts the draft into its table, with all that NetBox does beside it.
func (d *draft) save() (*row, *problems, *answer) {
	s, t := d.s, d.s.table(d.k.name)
	for _, fill := range d.k.save {
		fill(d)
	}
	if stop := d.collides(); stop != nil {
		if d.adding() {
			t.nextID++ // PostgreSQL had given the id by then
		}
		return nil, nil, stop
	}
	now := s.now()
	d.new.updated = now
	if d.adding() {
		if d.new.id == 0 {
			d.new.id = t.nextID
		}
		t.nextID = max(t.nextID, d.new.id+1)
		d.new.created = now
	}
	d.tx.message = d.message
	d.tx.put(t, d.old, d.new)
	d.tx.record(d.k, d.old, d.new, now)
	for _, after := range d.k.after {
		after(s, d.tx, d.old, d.new)
	}
	if d.macAddress != notGiven {
		d.setPrimaryMAC()
	}
	d.tx.message = ""
	return t.rows[d.new.id], nil, nil
}

// how a change of another object is made.
type manner uint8

const (
	saved    manner = iota // as a request would: a new time stamp, an entry in the change log
	related                // of a many-to-many relation: an entry without a new time stamp
	silently               // in SQL: neither
)

// amend changes a row that is in its table.
func (x *tx) amend(k *kind, r *row, how manner, change func(*row)) *row {
	c := r.clone()
	change(c)
	now := x.s.now()
	if how == saved {
		c.updated = now
	}
	x.put(x.s.table(k.name), r, c)
	switch how {
	case saved:
		x.record(k, r, c, now)
	case related:
		if !x.extend(k, c) {
			x.record(k, r, c, now)
		}
	}
	return c
}

// remove deletes an object and what goes with it. The rows that forbid it
// are returned, and then nothing was done.
func (s *store) remove(x *tx, k *kind, r *row, message string) (forbidding []string) {
	c := collector{s: s, seen: map[anyKey]bool{}}
	c.collect(k, r)
	for _, v := range c.restricted {
		if !c.seen[anyKey{v.k.name, v.r.id}] {
			c.protected = append(c.protected, v)
		}
	}
	if len(c.protected) > 0 {
		listed := map[anyKey]bool{}
		for _, v := range c.protected {
			key := anyKey{v.k.name, v.r.id}
			if !listed[key] {
				listed[key] = true
				forbidding = append(forbidding, s.label(v.k, v.r)+" ("+strconv.Itoa(v.r.id)+")")
			}
		}
		return forbidding
	}
	now := s.now()
	for _, v := range slices.Backward(c.doomed) {
		cur := s.row(v.k.name, v.r.id)
		if v.r.id == r.id && v.k == k {
			x.message = message
		}
		x.record(v.k, cur, nil, now)
		x.message = ""
		s.unlink(x, v.k, cur, c.seen)
	}
	for _, v := range slices.Backward(c.doomed) {
		x.put(s.table(v.k.name), s.row(v.k.name, v.r.id), nil)
	}
	for _, v := range slices.Backward(c.doomed) {
		for _, after := range v.k.after {
			after(s, x, v.r, nil)
		}
	}
	return nil
}

type victim struct {
	k *kind
	r *row
}

// collector finds what a deletion takes along and what forbids it.
type collector struct {
	s          *store
	seen       map[anyKey]bool
	doomed     []victim
	protected  []victim
	restricted []victim
}

func (c *collector) collect(k *kind, r *row) {
	key := anyKey{k.name, r.id}
	if c.seen[key] {
		return
	}
	c.seen[key] = true
	c.doomed = append(c.doomed, victim{k, r})
	before := len(c.protected)
	for _, f := range k.inbound {
		if f.typ != tRef || f.del == setNull {
			continue
		}
		for _, other := range c.s.referring(f, r.id) {
			switch f.del {
			case cascade:
				c.collect(f.owner, other)
			case protect:
				c.protected = append(c.protected, victim{f.owner, other})
			case restrict:
				c.restricted = append(c.restricted, victim{f.owner, other})
			}
		}
	}
	if len(c.protected) > before {
		return // what hangs on generically is not even looked at
	}
	for _, f := range k.owners {
		t := c.s.table(f.owner.name)
		for _, id := range slices.Clone(t.generic[key]) {
			c.collect(f.owner, t.rows[id])
		}
	}
}

// unlink takes an object that is about to go out of the fields that point at
// it and may be empty.
func (s *store) unlink(x *tx, k *kind, r *row, going map[anyKey]bool) {
	for _, f := range k.inbound {
		if f.typ == tRef && f.del != setNull {
			continue
		}
		for _, other := range s.referring(f, r.id) {
			// A primary address leaves its machine even when that goes, too.
			if going[anyKey{f.owner.name, other.id}] && !(f.one && k.name == addressKind) {
				continue
			}
			// One-to-one fields are emptied by the database alone, but for
			// primary addresses.
			how := saved
			switch {
			case f.one && k.name != addressKind:
				how = silently
			case f.typ == tRefs:
				how = related
			}
			x.amend(f.owner, other, how, func(c *row) {
				if f.typ == tRefs {
					c.vals[f.slot] = without(slices.Clone(c.vals[f.slot].([]int)), r.id)
					return
				}
				c.vals[f.slot] = nil
			})
		}
	}
	if k.name == tagKind {
		s.untag(x, r.id)
	}
}

// untag takes a tag off everything.
func (s *store) untag(x *tx, tag int) {
	for _, name := range s.kindNames() {
		t := s.tables[name]
		if t.tagged[tag] == 0 {
			continue
		}
		for _, r := range slices.Clone(t.byID) {
			if slices.Contains(r.tags, tag) {
				x.amend(t.k, r, related, func(c *row) { c.tags = without(slices.Clone(c.tags), tag) })
			}
		}
	}
}

// snapshot is a version of a row for the change log.
type snapshot struct {
	k *kind
	r *row
}

func (n snapshot) appendTo(v *view, b []byte) []byte {
	b = append(b, '{')
	for _, f := range n.k.stored {
		if f.writeOnly || f.hidden {
			continue
		}
		if len(b) > 0 && b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = appendString(b, f.name)
		b = append(b, ':')
		b = v.value(b, f, n.r.vals[f.slot], true)
	}
	if n.k.taggable {
		b = append(b, `,"tags":[`...)
		for i, id := range n.r.tags {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, v.s.labelOf(tagKind, id))
		}
		b = append(b, ']')
	}
	if n.k.customAPI {
		b = append(b, `,"custom_fields":`...)
		if n.r.cf == nil {
			b = append(b, '{', '}')
		} else {
			b = append(b, jsonText(n.r.cf)...)
		}
	}
	return append(b, '}')
}

// record writes the change log entry of one object, if anything changed.
func (x *tx) record(k *kind, old, new *row, now time.Time) {
	s := x.s
	if !s.log || !k.logged || old != nil && new != nil && old.same(new) {
		return
	}
	action, subject := "update", new
	switch {
	case old == nil:
		action = "create"
	case new == nil:
		action, subject = "delete", old
	}
	t := s.table(changeKind)
	entry := &row{id: t.nextID, vals: make([]any, len(t.k.stored)), created: now, updated: now}
	set := func(name string, v any) { entry.vals[t.k.field(name).slot] = v }
	set("time", now)
	set("user_name", x.user)
	set("request_id", x.requestID)
	set("action", action)
	set("changed_object_type", k.name)
	set("changed_object_id", subject.id)
	set("object_repr", s.label(k, subject))
	set("message", x.message)
	set("prechange_data", rawJSON("{}"))
	set("postchange_data", rawJSON("{}"))
	if old != nil {
		set("prechange_data", snapshot{k, old})
	}
	if new != nil {
		set("postchange_data", snapshot{k, new})
	}
	x.put(t, nil, entry)
}

// extend adds a change to the entry that this request made for the object
// already, as NetBox does for many-to-many relations.
func (x *tx) extend(k *kind, new *row) bool {
	t := x.s.table(changeKind)
	for _, c := range slices.Backward(x.undo) {
		if c.t != t || t.k.id(c.new, "changed_object_id") != new.id || t.k.str(c.new, "changed_object_type") != k.name {
			continue
		}
		entry := c.new.clone()
		entry.vals[t.k.field("postchange_data").slot] = snapshot{k, new}
		x.put(t, c.new, entry)
		return true
	}
	return false
}
