package netboxsim

import (
	"fmt"
	"strings"
)

// draft is one row on its way in.
type draft struct {
	s   *store
	k   *kind
	tx  *tx
	old *row // nil when it is created
	new *row
	// given are the fields that the request named.
	given map[string]bool
	errs  *problems
	// stop ends the whole request, a bulk one too.
	stop *answer
	// late values, applied once the row is saved.
	macAddress any // of the interfaces' shortcut; notGiven when absent
	addTags    []int
	dropTags   []int
	message    string // for the change log
}

type absent struct{}

var notGiven = absent{}

func (d *draft) fail(field, format string, args ...any) {
	d.errs.add(field, fmt.Sprintf(format, args...))
}

// value helpers of the row as it shall be

func (d *draft) id(name string) int     { return d.k.id(d.new, name) }
func (d *draft) str(name string) string { return d.k.str(d.new, name) }
func (d *draft) get(name string) any    { return d.k.get(d.new, name) }

func (d *draft) set(name string, v any) { d.new.vals[d.k.field(name).slot] = v }

// was is the field as it was, nil for a new row.
func (d *draft) was(name string) any {
	if d.old == nil {
		return nil
	}
	return d.k.get(d.old, name)
}

// ref is the object that a field points at, or nil.
func (d *draft) ref(name string) *row {
	f := d.k.field(name)
	n, _ := d.new.vals[f.slot].(int)
	return d.s.row(f.target, n)
}

// adding tells a creation from a change.
func (d *draft) adding() bool { return d.old == nil }

// read takes one object of a request into the draft, field by field.
// With partial, what is not named stays.
func (d *draft) read(in map[string]any, partial bool, only map[string]bool) {
	for _, f := range d.k.fields {
		if f.readOnly || only != nil && !only[f.name] {
			continue
		}
		v, ok := in[f.name]
		if !ok {
			switch {
			case partial:
			case f.required:
				d.fail(f.name, "This field is required.")
			case f.resets && d.old != nil:
				d.new.vals[f.slot] = nil
			}
			continue
		}
		d.given[f.name] = true
		d.readField(f, v)
	}
	if d.s.profile.tagDeltas && d.k.taggable {
		d.addTags = d.readTagDelta(in, "add_tags")
		d.dropTags = d.readTagDelta(in, "remove_tags")
	}
	if m, ok := in["changelog_message"].(string); ok {
		d.message = m
	}
}

func (d *draft) readField(f *field, v any) {
	switch f.typ {
	case tTags:
		d.readTags(v)
		return
	case tCustom:
		d.readCustom(v)
		return
	case tFixed:
		d.readFixed(f, v)
		return
	case tComputed: // the interfaces' mac_address, the one that can be written
		d.readMAC(f, v)
		return
	}
	val, msg := d.s.parse(f, v)
	if msg != "" {
		d.errs.add(f.name, strings.Split(msg, "\n")...)
		return
	}
	if msg := d.taken(f, val); msg != "" {
		d.fail(f.name, "%s", msg)
		return
	}
	d.new.vals[f.slot] = val
	if f.after != nil {
		f.after(d)
	}
}

// taken is the message of a field that must be unique alone.
func (d *draft) taken(f *field, val any) string {
	if !f.uniq {
		return ""
	}
	id, ok := d.s.table(d.k.name).alone[f.slot][uniqueText(val)]
	if !ok || d.old != nil && d.old.id == id {
		return ""
	}
	return fmt.Sprintf("%s with this %s already exists.", d.k.verbose, f.uniqueLabel())
}

// uniqueLabel is a unique field as its message names it.
func (f *field) uniqueLabel() string {
	if f.label != "" {
		return f.label
	}
	return strings.ReplaceAll(f.name, "_", " ")
}

// readFixed accepts what the simulator answers anyway, and refuses the rest
// rather than to forget it silently.
func (d *draft) readFixed(f *field, v any) {
	text := jsonText(v)
	if text == f.raw || v == nil || text == `""` || text == "[]" || text == "false" {
		return
	}
	d.fail(f.name, "The NetBox simulator does not keep this field.")
}

const (
	msgNull    = "This field may not be null."
	msgBlank   = "This field may not be blank."
	msgInt     = "A valid integer is required."
	msgNumber  = "A valid number is required."
	msgNoText  = "Not a valid string."
	msgBool    = "Must be a valid boolean."
	msgTime    = "Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."
	macFormErr = "Enter a valid MAC address (e.g. 00:11:22:33:44:55)."
)
