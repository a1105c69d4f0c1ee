package netboxsim

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// filter is one query parameter of a list. A kind lists them as
//
//	name            the field of that name
//	name=a.b        the field b of what the reference a points at
//	name~a          likewise, but an id that does not exist matches nothing
//	                (in place of being refused)
//	name:i          without case; name:ic for a part of the text
//	name:one        takes one value, and refuses others in its own words
//	name!           a filter of its own, from the list of special ones
type filter struct {
	name    string
	path    []*field // the last one is compared
	lenient bool
	single  bool
	folded  bool
	part    bool
	special func(v *view, r *row, want string) bool
}

// lookups are the suffixes that narrow a filter: name__ic=web.
var lookups = map[string]bool{
	"n": true, "ic": true, "nic": true, "isw": true, "nisw": true, "iew": true, "niew": true, "ie": true, "nie": true,
	"empty": true, "gt": true, "gte": true, "lt": true, "lte": true,
}

// notFilters are query parameters of other meaning.
var notFilters = map[string]bool{
	"limit": true, "offset": true, "start": true, "ordering": true, "fields": true, "omit": true,
	"exclude": true, "brief": true, "format": true,
}

func (k *kind) compileFilters(kinds map[string]*kind) {
	k.compiled = map[string]*filter{}
	for spec := range strings.FieldsSeq(k.filters) {
		fl := &filter{}
		if name, ok := strings.CutSuffix(spec, "!"); ok {
			fl.name = name
			if fl.special = specials[k.name+" "+name]; fl.special == nil {
				panic(fmt.Sprintf("netboxsim: %s has no special filter %q", k.name, name))
			}
			k.compiled[name] = fl
			continue
		}
		spec, how, _ := strings.Cut(spec, ":")
		fl.folded, fl.part, fl.single = how == "i" || how == "ic", how == "ic", how == "one"
		name, path, ok := strings.Cut(spec, "=")
		if !ok {
			if name, path, fl.lenient = strings.Cut(spec, "~"); !fl.lenient {
				path = name
			}
		}
		fl.name = name
		at := k
		for step := range strings.SplitSeq(path, ".") {
			if at == nil || at.byName[step] == nil {
				fl.path = nil // this release does not have the field
				break
			}
			f := at.byName[step]
			fl.path = append(fl.path, f)
			at = kinds[f.target]
		}
		if fl.path != nil {
			k.compiled[name] = fl
		}
	}
}

// condition is one parameter of a list request, ready to be asked of rows.
type condition func(r *row) bool

// conditions reads a query. Unknown parameters are ignored, as NetBox does.
func (v *view) conditions(k *kind, query url.Values) ([]condition, *problems) {
	var conds []condition
	errs := &problems{}
	for _, param := range sortedKeys(query) {
		if notFilters[param] {
			continue
		}
		cond, msg := v.condition(k, param, slices.Clone(query[param]))
		switch {
		case msg != "":
			errs.add(param, msg)
		case cond != nil:
			conds = append(conds, cond)
		}
	}
	return conds, errs
}

func (v *view) condition(k *kind, param string, values []string) (condition, string) {
	name, lookup := param, ""
	if i := strings.LastIndex(param, "__"); i > 0 && lookups[param[i+2:]] {
		name, lookup = param[:i], param[i+2:]
	}
	given := slices.DeleteFunc(slices.Clone(values), func(s string) bool { return s == "" })
	if fl := k.compiled[name]; len(given) == 0 && !(name == "tag" && k.taggable) && !fl.refusesEmpty() {
		return nil, ""
	}
	if len(given) > 0 {
		values = given
	}
	switch {
	case name == "id":
		return numbers(values, lookup, func(r *row) (int, bool) { return r.id, true })
	case name == "created":
		return times(values, lookup, func(r *row) any { return r.created })
	case name == "last_updated":
		return times(values, lookup, func(r *row) any { return r.updated })
	case name == "q":
		want := strings.ToLower(values[0])
		return func(r *row) bool { return strings.Contains(strings.ToLower(v.s.label(k, r)), want) }, ""
	case name == "tag" && k.taggable:
		return v.tagged(values, lookup, "slug")
	case name == "tag_id" && k.taggable:
		return v.tagged(values, lookup, "id")
	case strings.HasPrefix(name, "cf_") && k.customAPI:
		return v.customCondition(k, strings.TrimPrefix(name, "cf_"), lookup, values)
	}
	fl := k.compiled[name]
	if fl == nil {
		return nil, ""
	}
	if fl.special != nil {
		return func(r *row) bool {
			return slices.ContainsFunc(values, func(want string) bool { return fl.special(v, r, want) }) != (lookup == "n")
		}, ""
	}
	last := fl.path[len(fl.path)-1]
	get := func(r *row) any { return v.follow(fl.path, r) }
	switch {
	case lookup == "empty" && !fl.lenient:
		want := values[0] == "true"
		return func(r *row) bool { val := get(r); return (val == nil || val == "") == want }, ""
	case last.typ == tRef:
		return v.refCondition(fl, last, get, lookup, values)
	case last.typ == tInt:
		return numbers(values, lookup, func(r *row) (int, bool) { n, ok := get(r).(int); return n, ok })
	case last.typ == tTime:
		return times(values, lookup, get)
	case last.typ == tBool:
		want := strings.EqualFold(values[0], "true") || values[0] == "1"
		return func(r *row) bool { b, ok := get(r).(bool); return ok && b == want }, ""
	case last.typ == tDecimal || last.typ == tFloat:
		return decimals(last, values, lookup, get)
	case last.typ == tChoice && lookup == "":
		for _, want := range values {
			if want != "null" && len(last.options) > 0 && last.optionLabel(want) == "" {
				return nil, fmt.Sprintf("Select a valid choice. %s is not one of the available choices.", want)
			}
		}
	case last.typ == tMAC:
		for i, want := range values {
			text, ok := canonicalMAC(want)
			if !ok {
				return nil, "Invalid MAC address format: " + want
			}
			values[i] = text
		}
	case last.typ == tRefs:
		return func(r *row) bool {
			ids, _ := get(r).([]int)
			return slices.ContainsFunc(ids, func(id int) bool { return slices.Contains(values, strconv.Itoa(id)) })
		}, ""
	}
	if len(fl.path) > 1 && lookup == "" {
		if msg := v.existing(last, values); msg != "" {
			return nil, msg
		}
	}
	match := textMatch(lookup, fl.folded, fl.part, values)
	return func(r *row) bool { return match(last.text(get(r))) }, ""
}

// refusesEmpty tells of filters that do not pass over "?name=".
func (fl *filter) refusesEmpty() bool {
	if fl == nil || fl.special != nil || fl.lenient || fl.single {
		return false
	}
	last := fl.path[len(fl.path)-1]
	return last.typ == tRef || last.typ == tChoice || len(fl.path) > 1
}

// follow goes from a row through references to a value.
func (v *view) follow(path []*field, r *row) any {
	for i, f := range path {
		if r == nil {
			return nil
		}
		val := r.vals[f.slot]
		if i == len(path)-1 {
			return val
		}
		id, _ := val.(int)
		r = v.s.row(f.target, id)
	}
	return nil
}

// existing refuses values that no object of the referred kind has.
func (v *view) existing(f *field, values []string) string {
	for _, want := range values {
		if want == "null" {
			continue
		}
		t := v.s.table(f.owner.name)
		if !slices.ContainsFunc(t.byID, func(r *row) bool { return f.text(r.vals[f.slot]) == want }) {
			return fmt.Sprintf("Select a valid choice. %s is not one of the available choices.", want)
		}
	}
	return ""
}

func (v *view) refCondition(fl *filter, f *field, get func(*row) any, lookup string, values []string) (condition, string) {
	if fl.lenient && lookup == "empty" {
		// The plugin's filter takes "true" for the id 1, and "false" for none.
		if values[0] != "true" {
			return nil, ""
		}
		lookup, values = "", []string{"1"}
	}
	want, null := map[int]bool{}, false
	for _, text := range values {
		if text == "null" && !fl.lenient {
			null = true
			continue
		}
		id, err := strconv.Atoi(text)
		switch {
		case fl.single && (err != nil || v.s.row(f.target, id) == nil):
			return nil, "Select a valid choice. That choice is not one of the available choices."
		case err != nil && fl.lenient:
			return nil, "Enter a whole number."
		case err != nil:
			return nil, "“" + text + "” is not a valid value."
		case v.s.row(f.target, id) == nil && !fl.lenient:
			return nil, fmt.Sprintf("Select a valid choice. %s is not one of the available choices.", text)
		}
		want[id] = true
	}
	return func(r *row) bool {
		id, ok := get(r).(int)
		return (ok && want[id] || !ok && null) != (lookup == "n")
	}, ""
}

func (v *view) tagged(values []string, lookup, by string) (condition, string) {
	k := v.s.kinds[tagKind]
	var ids []int
	for _, want := range values {
		id := 0
		if _, err := strconv.Atoi(want); by == "id" && err != nil {
			return nil, "“" + want + "” is not a valid value."
		}
		for _, r := range v.s.table(tagKind).byID {
			if by == "slug" && k.str(r, "slug") == want || by == "id" && strconv.Itoa(r.id) == want {
				id = r.id
			}
		}
		if id == 0 {
			return nil, fmt.Sprintf("Select a valid choice. %s is not one of the available choices.", want)
		}
		ids = append(ids, id)
	}
	return func(r *row) bool {
		for _, id := range ids {
			if slices.Contains(r.tags, id) == (lookup == "n") {
				return false
			}
		}
		return true
	}, ""
}

// customCondition is the filter of a custom field: what it does depends on
// the field's type and logic.
func (v *view) customCondition(k *kind, name, lookup string, values []string) (condition, string) {
	i := slices.IndexFunc(v.s.customFields(k.name), func(cf *customField) bool { return cf.name == name })
	if i < 0 {
		return nil, ""
	}
	cf := v.s.customFields(k.name)[i]
	isText := cf.typ == "text" || cf.typ == "longtext" || cf.typ == "url" || cf.typ == "json"
	loose := isText && cf.logic == "loose"
	if cf.logic == "disabled" || loose && lookup != "" {
		return nil, ""
	}
	switch {
	case lookup == "empty":
		return func(r *row) bool { return emptyCustom(r.cf[name]) == (values[0] == "true") }, ""
	case cf.typ == "integer":
		return numbers(values, lookup, func(r *row) (int, bool) {
			if r.cf[name] == nil {
				return 0, false
			}
			return pyInt(r.cf[name])
		})
	case cf.typ == "multiobject" || cf.typ == "multiselect":
		return func(r *row) bool {
			list, _ := r.cf[name].([]any)
			return slices.ContainsFunc(list, func(e any) bool { return slices.Contains(values, pyText(e)) })
		}, ""
	}
	match := textMatch(lookup, false, loose, values)
	return func(r *row) bool {
		val := r.cf[name]
		if val == nil {
			return strings.HasPrefix(lookup, "n")
		}
		text := pyText(val)
		if b, ok := val.(bool); ok {
			text = strconv.FormatBool(b)
		}
		return match(text)
	}, ""
}

// textMatch compares texts as a lookup says; several values are alternatives,
// and all must differ in a negated lookup.
func textMatch(lookup string, folded, part bool, values []string) func(string) bool {
	negated := lookup == "n" || lookup == "nic" || lookup == "nisw" || lookup == "niew" || lookup == "nie"
	if negated {
		lookup = lookup[1:]
	}
	one := func(have, want string) bool {
		if lookup == "" && !folded && !part {
			return have == want || want == "null" && have == ""
		}
		if lookup == "" && !part {
			return strings.EqualFold(have, want)
		}
		have, want = strings.ToLower(have), strings.ToLower(want)
		switch {
		case lookup == "ic" || part:
			return strings.Contains(have, want)
		case lookup == "isw":
			return strings.HasPrefix(have, want)
		case lookup == "iew":
			return strings.HasSuffix(have, want)
		}
		return have == want
	}
	return func(have string) bool {
		return slices.ContainsFunc(values, func(want string) bool { return one(have, want) }) != negated
	}
}

func numbers(values []string, lookup string, get func(*row) (int, bool)) (condition, string) {
	want := make([]int, len(values))
	for i, text := range values {
		n, err := strconv.Atoi(text)
		if err != nil {
			return nil, "Enter a whole number."
		}
		want[i] = n
	}
	return func(r *row) bool {
		n, ok := get(r)
		if !ok {
			return lookup == "n"
		}
		return ordered(lookup, want, func(w int) int { return n - w })
	}, ""
}

func decimals(f *field, values []string, lookup string, get func(*row) any) (condition, string) {
	want := make([]float64, len(values))
	for i, text := range values {
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, "Enter a number."
		}
		want[i] = n
	}
	return func(r *row) bool {
		var n float64
		switch val := get(r).(type) {
		case fixedPoint:
			n = float64(val) / math.Pow10(f.places)
		case float64:
			n = val
		default:
			return lookup == "n"
		}
		return ordered(lookup, want, func(w float64) int {
			switch {
			case n < w:
				return -1
			case n > w:
				return 1
			}
			return 0
		})
	}, ""
}

func times(values []string, lookup string, get func(*row) any) (condition, string) {
	want := make([]time.Time, len(values))
	for i, text := range values {
		t, msg := parseTime(text)
		if msg != "" { // a "+" that was not escaped
			t, msg = parseTime(strings.ReplaceAll(text, " ", "+"))
		}
		if msg != "" {
			d, err := time.Parse(time.DateOnly, text)
			if err != nil {
				return nil, "Enter a valid date/time."
			}
			t = d
		}
		want[i] = t.(time.Time)
	}
	return func(r *row) bool {
		t, ok := get(r).(time.Time)
		return ok && ordered(lookup, want, func(w time.Time) int { return t.Compare(w) })
	}, ""
}

// ordered compares with every value; cmp is have against want.
func ordered[T any](lookup string, values []T, cmp func(T) int) bool {
	any := func(ok func(int) bool) bool {
		return slices.ContainsFunc(values, func(w T) bool { return ok(cmp(w)) })
	}
	switch lookup {
	case "gt":
		return any(func(c int) bool { return c > 0 })
	case "gte":
		return any(func(c int) bool { return c >= 0 })
	case "lt":
		return any(func(c int) bool { return c < 0 })
	case "lte":
		return any(func(c int) bool { return c <= 0 })
	case "n":
		return !any(func(c int) bool { return c == 0 })
	}
	return any(func(c int) bool { return c == 0 })
}
