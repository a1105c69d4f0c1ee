package netboxsim

import (
	"fmt"
	"math"
	"strings"
)

// kind is one type of object: one line of routes, one table of rows.
type kind struct {
	name    string // "virtualization.virtualmachine"
	path    string // "virtualization/virtual-machines"
	page    string // path of the web page, where it is another
	class   string // "VirtualMachine", as a 404 names it
	verbose string // "virtual machine", as a duplicate's message names it
	order   string // fields of the default ordering, "name id"
	brief   string // fields of ?brief=1 and of a nested object
	filters string // what may be asked for, see filter.go
	methods string // "" for all
	fields  []*field
	unique  []unique
	// label is what str() of the object gives; the name when nil.
	label func(*store, *kind, *row) string
	// shown is the display field where it is not str(); a nested object has
	// str() all the same.
	shown func(*store, *kind, *row) string
	// early rules run as NetBox's serializer does, before the model's own.
	early []rule
	// rules are the model's clean(): the first that fails is reported.
	rules []rule
	// late rules run after the model's own.
	late []rule
	// save fills in and normalises what NetBox's save() does.
	save []func(*draft)
	// after are the effects on other objects of a row that was saved or, with
	// new nil, deleted.
	after []func(*store, *tx, *row, *row)
	// singleton kinds have one row and no POST.
	singleton bool

	byName      map[string]*field
	stored      []*field
	compiled    map[string]*filter
	briefSet    []*field
	briefNested []nestedField
	inTags      []nestedField // of tags: one in an object's list
	sortKeys    []sortKey
	customAPI   bool // has custom_fields
	taggable    bool
	inbound     []*field // stored references of any kind that point here
	owners      []*field // generic ids that may point here
	logged      bool
}

// rule is one check; it reports through the draft.
type rule func(*draft)

// unique is a constraint on several fields together.
type unique struct {
	fields  string // "virtual_machine name"
	folded  bool   // the name is compared without case
	message string // "" for NetBox's "X with this A and B already exists."
	// nulls are equal to each other (nulls_distinct=False).
	nullsEqual bool
	// when must hold for the constraint to count.
	when func(*kind, *row) bool
	// under names the field that the refusal is filed under; "" is __all__.
	under string
	// silent constraints are checked by the database alone: a duplicate is a
	// 500 there, where validation does not see it.
	silent bool

	slots []*field
}

type fieldType uint8

const (
	tID fieldType = iota
	tSelf
	tDisplayURL
	tDisplay
	tCreated
	tUpdated
	tTags
	tCustom
	tText
	tInt
	tDecimal
	tFloat
	tBool
	tChoice
	tRef
	tRefs
	tContentType
	tAddress // an address with its mask
	tPrefix
	tMAC
	tJSON
	tTime
	tComputed
	tFixed
)

type onDelete uint8

const (
	setNull onDelete = iota
	cascade
	protect
	restrict
)

// field is one key of an object's JSON. The methods below set it up; a table
// reads as a list of what a field is.
type field struct {
	name  string
	typ   fieldType
	owner *kind
	slot  int // in row.vals, -1 when nothing is kept

	required  bool
	nullable  bool
	blankable bool
	readOnly  bool
	writeOnly bool
	hidden    bool // kept, but no key of the JSON
	uniq      bool
	resets    bool // PUT without it sets it to null
	plain     bool // a choice or reference that is answered as the bare value
	topOnly   bool // a count that a nested object does not carry

	zeroNested bool // a count that a nested object shows as 0
	def        any
	label      string // verbose name in messages, when it is not the name itself

	max            int // characters
	minInt, maxInt int
	digits, places int
	minDec         float64
	minDecText     string
	options        []option
	check          func(string) string // a text's own rule: the message, or ""
	after          rule                // a rule of a value that was read
	norm           func(string) string

	target  string
	to      *kind
	shape   string // fields of the nested object; "" for the target's brief ones
	nested  []nestedField
	del     onDelete
	one     bool // one-to-one
	indexed bool

	allowed string // kinds that a content type may name
	idField string // of a content type: the field that holds the id
	typeOf  string // of a generic id: the field that holds the type

	compute func(v *view, k *kind, b []byte, r *row) []byte
	raw     string
}

// option is one value of a choice field and its label.
type option struct{ value, label string }

// nestedField is one field of a nested object, under the name and in the form
// that it has there.
type nestedField struct {
	f     *field
	plain bool
	shape []nestedField // of a reference; nil for its own
}

func options(pairs ...string) []option {
	opts := make([]option, len(pairs))
	for i, p := range pairs {
		value, label, ok := strings.Cut(p, "|")
		if !ok {
			label = value
		}
		opts[i] = option{value, label}
	}
	return opts
}

func id() *field           { return &field{name: "id", typ: tID, readOnly: true} }
func selfURL() *field      { return &field{name: "url", typ: tSelf, readOnly: true} }
func displayURL() *field   { return &field{name: "display_url", typ: tDisplayURL, readOnly: true} }
func display() *field      { return &field{name: "display", typ: tDisplay, readOnly: true} }
func created() *field      { return &field{name: "created", typ: tCreated, readOnly: true} }
func lastUpdated() *field  { return &field{name: "last_updated", typ: tUpdated, readOnly: true} }
func tags() *field         { return &field{name: "tags", typ: tTags} }
func customFields() *field { return &field{name: "custom_fields", typ: tCustom} }

func text(name string, max int) *field { return &field{name: name, typ: tText, max: max} }

func slug() *field {
	return text("slug", 100).must().checked(slugCheck)
}

func urlField(name string, max int) *field { return text(name, max).checked(urlCheck) }

func integer(name string, min, max int) *field {
	return &field{name: name, typ: tInt, minInt: min, maxInt: max}
}

func decimal(name string, digits, places int) *field {
	return &field{name: name, typ: tDecimal, digits: digits, places: places, minDec: math.Inf(-1)}
}

func float(name string) *field    { return &field{name: name, typ: tFloat} }
func boolean(name string) *field  { return &field{name: name, typ: tBool} }
func datetime(name string) *field { return &field{name: name, typ: tTime} }

func jsonField(name string) *field { return &field{name: name, typ: tJSON} }
func address(name string) *field   { return &field{name: name, typ: tAddress} }
func network(name string) *field   { return &field{name: name, typ: tPrefix} }
func mac(name string) *field       { return &field{name: name, typ: tMAC} }

func choice(name string, opts []option) *field {
	return &field{name: name, typ: tChoice, options: opts}
}

// ref is a foreign key; shape lists the fields of the nested object when they
// are not the target's brief ones: "family=" answers the bare value, and
// "device:id,name" gives the object nested in the nested one its own shape.
func ref(name, target string, shape ...string) *field {
	return &field{name: name, typ: tRef, target: target, shape: strings.Join(shape, " ")}
}

// pk is a foreign key that is answered as the id alone.
func pk(name, target string) *field {
	return &field{name: name, typ: tRef, target: target, plain: true}
}

// many is a many-to-many relation, written as a list of ids.
func many(name, target string, shape ...string) *field {
	return &field{name: name, typ: tRefs, target: target, shape: strings.Join(shape, " ")}
}

// contentType names the kind of a generic relation, and idField the field
// with its id.
func contentType(name, idField string, allowed ...string) *field {
	return &field{name: name, typ: tContentType, idField: idField, allowed: strings.Join(allowed, " ")}
}

// genericID is the id in the kind that the field typeOf names.
func genericID(name, typeOf string) *field {
	return &field{name: name, typ: tInt, maxInt: math.MaxInt64, typeOf: typeOf}
}

// computed is a read-only field.
func computed(name string, compute func(v *view, k *kind, b []byte, r *row) []byte) *field {
	return &field{name: name, typ: tComputed, readOnly: true, compute: compute}
}

// fixed is a field that the simulator does not keep: it always answers the
// JSON given, and a request that wants anything else of it is refused.
func fixed(name, raw string) *field { return &field{name: name, typ: tFixed, raw: raw} }

// zeros are counts of what the simulator has no kind for.
func zeros(names string) []*field {
	var fs []*field
	for name := range strings.FieldsSeq(names) {
		f := fixed(name, "0")
		f.readOnly = true
		fs = append(fs, f)
	}
	return fs
}

// nulls are fields that the simulator does not keep and answers as null.
func nulls(names string) []*field {
	var fs []*field
	for name := range strings.FieldsSeq(names) {
		fs = append(fs, fixed(name, "null"))
	}
	return fs
}

func (f *field) must() *field       { f.required = true; return f }
func (f *field) null() *field       { f.nullable = true; return f }
func (f *field) blank() *field      { f.blankable = true; return f }
func (f *field) ro() *field         { f.readOnly = true; return f }
func (f *field) writesOnly() *field { f.writeOnly = true; return f }
func (f *field) hide() *field       { f.hidden, f.readOnly = true, true; return f }
func (f *field) alone() *field      { f.uniq = true; return f }
func (f *field) reset() *field      { f.resets = true; return f }
func (f *field) bare() *field       { f.plain = true; return f }
func (f *field) or(v any) *field    { f.def = v; return f }
func (f *field) cascade() *field    { f.del, f.indexed = cascade, true; return f }
func (f *field) protect() *field    { f.del = protect; return f }
func (f *field) restrict() *field   { f.del, f.indexed = restrict, true; return f }
func (f *field) index() *field      { f.indexed = true; return f }
func (f *field) oneToOne() *field   { f.one, f.indexed = true, true; return f }

func (f *field) aside() *field { f.topOnly = true; return f }

func (f *field) named(label string) *field { f.label = label; return f }

func (f *field) checked(check func(string) string) *field { f.check = check; return f }

func (f *field) read(check rule) *field { f.after = check; return f }

func (f *field) normed(norm func(string) string) *field { f.norm = norm; return f }

func (f *field) atLeast(v float64, text string) *field { f.minDec, f.minDecText = v, text; return f }

// verboseName is the field as a message names it: "Virtual machine".
func (f *field) verboseName() string {
	if f.label != "" {
		return f.label
	}
	s := strings.TrimPrefix(strings.ReplaceAll(f.name, "_", " "), " ")
	return strings.ToUpper(s[:1]) + s[1:]
}

func (f *field) optionLabel(value string) string {
	for _, o := range f.options {
		if o.value == value {
			return o.label
		}
	}
	return ""
}

// link resolves the names in the kinds to each other. A field whose target
// this profile does not have is dropped.
func link(kinds []*kind) map[string]*kind {
	byName := make(map[string]*kind, len(kinds))
	for _, k := range kinds {
		byName[k.name] = k
	}
	for _, k := range kinds {
		k.byName = make(map[string]*field, len(k.fields))
		kept := k.fields[:0]
		for _, f := range k.fields {
			if f.target != "" {
				if f.to = byName[f.target]; f.to == nil {
					continue
				}
			}
			kept = append(kept, f)
		}
		k.fields = kept
		k.logged = k.name != changeKind
		for _, f := range k.fields {
			f.owner, f.slot = k, -1
			k.byName[f.name] = f
			switch f.typ {
			case tTags:
				k.taggable = true
			case tCustom:
				k.customAPI = true
			case tText, tInt, tDecimal, tFloat, tBool, tChoice, tRef, tRefs, tContentType, tAddress, tPrefix, tMAC, tJSON, tTime:
				f.slot = len(k.stored)
				k.stored = append(k.stored, f)
				if f.to != nil {
					f.to.inbound = append(f.to.inbound, f)
				}
			}
		}
	}
	for _, k := range kinds {
		for _, f := range k.fields {
			for name := range strings.FieldsSeq(f.allowed) {
				if to := byName[name]; to != nil && f.idField != "" {
					to.owners = append(to.owners, f)
				}
			}
		}
		for i := range k.unique {
			u := &k.unique[i]
			for name := range strings.FieldsSeq(u.fields) {
				u.slots = append(u.slots, k.field(name))
			}
		}
		k.briefSet, k.briefNested = k.pick(k.brief), k.nestedShape("")
		if k.name == tagKind {
			k.inTags = k.nestedShape(tagShape)
		}
		for _, f := range k.fields {
			if f.to != nil {
				f.nested = f.to.nestedShape(f.shape)
			}
		}
		for name := range strings.FieldsSeq(k.order) {
			k.sortKeys = append(k.sortKeys, newSortKey(k, name))
		}
		k.compileFilters(byName)
	}
	return byName
}

func (k *kind) field(name string) *field {
	f := k.byName[name]
	if f == nil {
		panic(fmt.Sprintf("netboxsim: %s has no field %q", k.name, name))
	}
	return f
}

// pick returns the fields named, in the order of the kind.
func (k *kind) pick(names string) []*field {
	want := map[string]bool{}
	for name := range strings.FieldsSeq(names) {
		want[name] = true
	}
	var fs []*field
	for _, f := range k.fields {
		if want[f.name] && !f.hidden && !f.writeOnly {
			fs = append(fs, f)
		}
	}
	return fs
}

func (k *kind) nestedShape(shape string) []nestedField {
	if shape == "" {
		shape = k.brief
	}
	var fs []nestedField
	for name := range strings.FieldsSeq(shape) {
		name, inner, _ := strings.Cut(name, ":")
		name, plain := strings.CutSuffix(name, "=")
		f := k.byName[name]
		if f == nil {
			continue // this release does not have it
		}
		if f.topOnly {
			continue
		}
		n := nestedField{f: f, plain: plain}
		if inner != "" {
			n.shape = f.to.nestedShape(strings.ReplaceAll(inner, ",", " "))
		}
		fs = append(fs, n)
	}
	return fs
}

// verboseTitle is the kind as a duplicate's message begins: "Virtual disk".
func (k *kind) verboseTitle() string { return strings.ToUpper(k.verbose[:1]) + k.verbose[1:] }
