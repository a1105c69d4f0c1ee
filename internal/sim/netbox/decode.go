package netboxsim

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/big"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
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

// parse turns a JSON value into a field's, or says why not.
func (s *store) parse(f *field, v any) (any, string) {
	if f.typ == tChoice {
		return parseChoice(f, v)
	}
	if v == nil {
		if f.nullable {
			return nil, ""
		}
		return nil, msgNull
	}
	switch f.typ {
	case tText:
		return parseText(f, v)
	case tInt:
		return parseInt(f, v)
	case tDecimal:
		return parseDecimal(f, v)
	case tFloat:
		return parseFloat(v)
	case tBool:
		return parseBool(f, v)
	case tTime:
		return parseTime(v)
	case tJSON:
		return rawJSON(jsonText(v)), ""
	case tRef:
		return s.parseRef(f, v)
	case tRefs:
		return s.parseRefs(f, v)
	case tContentType:
		return parseContentType(f, v)
	case tAddress:
		return parseAddress(v)
	case tPrefix:
		return parseNetwork(v)
	case tMAC:
		text, ok := canonicalMAC(pyText(v))
		if !ok {
			return nil, "Invalid MAC address format: " + pyText(v)
		}
		return text, ""
	}
	panic(fmt.Sprintf("netboxsim: field %s.%s cannot be written", f.owner.name, f.name))
}

func parseText(f *field, v any) (any, string) {
	var text string
	switch v := v.(type) {
	case string:
		text = strings.TrimSpace(v)
	case json.Number:
		text = v.String()
	default:
		return nil, msgNoText
	}
	if text == "" {
		if f.blankable {
			return "", ""
		}
		return nil, msgBlank
	}
	if f.norm != nil {
		text = f.norm(text)
	}
	if f.max > 0 && len(text) > f.max && len([]rune(text)) > f.max {
		return nil, fmt.Sprintf("Ensure this field has no more than %d characters.", f.max)
	}
	if f.check != nil {
		if msg := f.check(text); msg != "" {
			return nil, msg
		}
	}
	return text, ""
}

var trailingZeros = regexp.MustCompile(`\.0*\s*$`)

func parseInt(f *field, v any) (any, string) {
	switch v.(type) {
	case string, json.Number:
	default:
		return nil, msgInt
	}
	text := trailingZeros.ReplaceAllString(strings.TrimSpace(pyText(v)), "")
	n, err := strconv.Atoi(text)
	if err != nil {
		if _, ok := new(big.Int).SetString(text, 10); !ok {
			return nil, msgInt
		}
		n = math.MaxInt
		if strings.HasPrefix(text, "-") {
			n = math.MinInt
		}
	}
	if n > f.maxInt {
		return nil, fmt.Sprintf("Ensure this value is less than or equal to %d.", f.maxInt)
	}
	if n < f.minInt {
		return nil, fmt.Sprintf("Ensure this value is greater than or equal to %d.", f.minInt)
	}
	return n, ""
}

func parseDecimal(f *field, v any) (any, string) {
	switch v.(type) {
	case string, json.Number:
	default:
		return nil, msgNumber
	}
	text := strings.TrimSpace(pyText(v))
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return nil, msgNumber
	}
	if strings.ContainsAny(text, "eE") {
		text = strconv.FormatFloat(n, 'f', -1, 64)
	}
	whole, frac, _ := strings.Cut(strings.TrimLeft(text, "+-"), ".")
	whole = strings.TrimLeft(whole, "0")
	switch {
	case len(whole)+len(frac) > f.digits:
		return nil, fmt.Sprintf("Ensure that there are no more than %d digits in total.", f.digits)
	case len(frac) > f.places:
		return nil, fmt.Sprintf("Ensure that there are no more than %d decimal places.", f.places)
	case len(whole) > f.digits-f.places:
		return nil, fmt.Sprintf("Ensure that there are no more than %d digits before the decimal point.", f.digits-f.places)
	case n < f.minDec:
		return nil, fmt.Sprintf("Ensure this value is greater than or equal to %s.", f.minDecText)
	}
	return fixedPoint(math.Round(n * math.Pow10(f.places))), ""
}

func parseFloat(v any) (any, string) {
	switch v.(type) {
	case string, json.Number:
		if n, err := strconv.ParseFloat(pyText(v), 64); err == nil {
			return n, ""
		}
	}
	return nil, msgNumber
}

func parseBool(f *field, v any) (any, string) {
	switch strings.ToLower(pyText(v)) {
	case "true", "t", "y", "yes", "on", "1":
		return true, ""
	case "false", "f", "n", "no", "off", "0":
		return false, ""
	case "", "null":
		if f.nullable {
			return nil, ""
		}
	}
	return nil, msgBool
}

var timeForms = []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05"}

func parseTime(v any) (any, string) {
	text, ok := v.(string)
	if !ok {
		return nil, msgTime
	}
	for _, form := range timeForms {
		if t, err := time.Parse(form, text); err == nil {
			return t.UTC().Truncate(time.Microsecond), ""
		}
	}
	return nil, msgTime
}

func parseChoice(f *field, v any) (any, string) {
	if v == nil {
		if f.nullable {
			return nil, ""
		}
		v = ""
	}
	switch v.(type) {
	case []any, map[string]any:
		return nil, `Value must be passed directly (e.g. "foo": 123); do not use a dictionary or list.`
	}
	text := pyText(v)
	if text == "" {
		if f.blankable {
			return nil, ""
		}
		return nil, msgBlank
	}
	if len(f.options) > 0 && !slices.ContainsFunc(f.options, func(o option) bool { return o.value == text }) {
		return nil, text + " is not a valid choice."
	}
	return text, ""
}

func (s *store) parseRef(f *field, v any) (any, string) {
	if f.plain {
		return s.parsePK(f, v)
	}
	id, msg := s.lookup(f.to, v)
	if msg != "" {
		return nil, msg
	}
	return id, ""
}

// lookup finds a related object by its id or by its attributes.
func (s *store) lookup(k *kind, v any) (int, string) {
	if attrs, ok := v.(map[string]any); ok {
		return s.lookupAttrs(k, attrs)
	}
	id, ok := pyInt(v)
	if !ok {
		return 0, "Related objects must be referenced by numeric ID or by dictionary of attributes. Received an unrecognized value: " + pyText(v)
	}
	if s.row(k.name, id) == nil {
		return 0, fmt.Sprintf("Related object not found using the provided numeric ID: %d", id)
	}
	return id, ""
}

// pyInt is Python's int(v).
func pyInt(v any) (int, bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case json.Number:
		n, err := v.Float64()
		return int(n), err == nil
	case string:
		n, err := strconv.Atoi(strings.TrimSpace(v))
		return n, err == nil
	}
	return 0, false
}

func (s *store) lookupAttrs(k *kind, attrs map[string]any) (int, string) {
	var found []int
	t := s.table(k.name)
	if raw, ok := attrs["id"]; ok && len(attrs) == 1 {
		if id, ok := pyInt(raw); ok && t.rows[id] != nil {
			found = append(found, id)
		}
	} else {
		for name := range attrs {
			if f := k.byName[name]; name != "id" && (f == nil || f.slot < 0) {
				return 0, fmt.Sprintf("Cannot resolve keyword '%s' into field. Choices are: %s",
					name, strings.Join(slices.Sorted(maps.Keys(k.byName)), ", "))
			}
		}
		for _, r := range t.byID {
			if s.matchesAttrs(k, r, attrs) {
				found = append(found, r.id)
			}
		}
	}
	switch len(found) {
	case 0:
		return 0, "Related object not found using the provided attributes: " + pyRepr(attrs)
	case 1:
		return found[0], ""
	}
	return 0, "Multiple objects match the provided attributes: " + pyRepr(attrs)
}

func (s *store) matchesAttrs(k *kind, r *row, attrs map[string]any) bool {
	for name, want := range attrs {
		if name == "id" {
			if id, ok := pyInt(want); !ok || id != r.id {
				return false
			}
			continue
		}
		f := k.byName[name]
		have := r.vals[f.slot]
		if sub, ok := want.(map[string]any); ok && f.to != nil {
			id, _ := have.(int)
			target := s.row(f.target, id)
			if target == nil || !s.matchesAttrs(f.to, target, sub) {
				return false
			}
			continue
		}
		if have == nil {
			if want != nil {
				return false
			}
			continue
		}
		if f.text(have) != pyText(want) {
			return false
		}
	}
	return true
}

func (s *store) parsePK(f *field, v any) (any, string) {
	switch v.(type) {
	case bool, map[string]any, []any:
		return nil, fmt.Sprintf("Incorrect type. Expected pk value, received %s.", pyType(v))
	}
	id, ok := pyInt(v)
	if !ok {
		return nil, fmt.Sprintf("Incorrect type. Expected pk value, received %s.", pyType(v))
	}
	if s.row(f.target, id) == nil {
		return nil, fmt.Sprintf("Invalid pk %q - object does not exist.", strconv.Itoa(id))
	}
	return id, ""
}

func (s *store) parseRefs(f *field, v any) (any, string) {
	list, ok := v.([]any)
	if !ok {
		return nil, fmt.Sprintf("Expected a list of items but got type %q.", pyType(v))
	}
	ids := make([]int, 0, len(list))
	for _, e := range list {
		id, msg := s.parsePK(f, e)
		if msg != "" {
			return nil, msg
		}
		ids = append(ids, id.(int))
	}
	slices.Sort(ids)
	return slices.Compact(ids), ""
}

func parseContentType(f *field, v any) (any, string) {
	text, ok := v.(string)
	if !ok || strings.Count(text, ".") != 1 {
		return nil, "Invalid value. Specify a content type as '<app_label>.<model_name>'."
	}
	if f.allowed != "" && !slices.Contains(strings.Fields(f.allowed), text) {
		return nil, "Invalid content type: " + text
	}
	return text, ""
}

func parseAddress(v any) (any, string) {
	text := pyText(v)
	if p, err := netip.ParsePrefix(text); err == nil {
		return p, ""
	}
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a, a.BitLen()), ""
	}
	return nil, "Invalid IP address format: " + text
}

func parseNetwork(v any) (any, string) {
	p, msg := parseAddress(v)
	if msg != "" {
		msg = "Invalid IP prefix format: " + pyText(v)
	}
	return p, msg
}

var macDigits = regexp.MustCompile(`^[0-9A-Fa-f]{12}$`)

// canonicalMAC is a MAC address in upper case with colons.
func canonicalMAC(text string) (string, bool) {
	hex := strings.NewReplacer(":", "", "-", "", ".", "").Replace(text)
	if !macDigits.MatchString(hex) {
		return "", false
	}
	hex = strings.ToUpper(hex)
	var b strings.Builder
	for i := 0; i < 12; i += 2 {
		if i > 0 {
			b.WriteByte(':')
		}
		b.WriteString(hex[i : i+2])
	}
	return b.String(), true
}

// text is a stored value as a filter or a lookup names it.
func (f *field) text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case int:
		return strconv.Itoa(v)
	case bool:
		return strconv.FormatBool(v)
	case fixedPoint:
		return strconv.FormatFloat(float64(v)/math.Pow10(f.places), 'f', -1, 64)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case netip.Prefix:
		return v.String()
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case rawJSON:
		return string(v)
	}
	return jsonText(v)
}

func (d *draft) readTags(v any) {
	if v == nil {
		d.fail("tags", msgNull)
		return
	}
	list, ok := v.([]any)
	if !ok {
		d.errs.set("tags", map[string][]string{allKey: {fmt.Sprintf("Expected a list of items but got type %q.", pyType(v))}})
		return
	}
	ids, msg := d.s.tagIDs(list)
	if msg != "" {
		d.fail("tags", "%s", msg)
		return
	}
	d.new.tags = ids
}

func (s *store) tagIDs(list []any) ([]int, string) {
	ids := make([]int, 0, len(list))
	for _, e := range list {
		id, msg := s.lookup(s.kinds[tagKind], e)
		if msg != "" {
			return nil, msg
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return slices.Compact(ids), ""
}

// readTagDelta reads add_tags or remove_tags. NetBox does not catch a tag
// that is not there.
func (d *draft) readTagDelta(in map[string]any, name string) []int {
	v, ok := in[name]
	if !ok || !d.errs.empty() || d.stop != nil {
		return nil
	}
	list, ok := v.([]any)
	if !ok {
		d.fail(allKey, "Expected a list of items but got type %q.", pyType(v))
		return nil
	}
	ids, msg := d.s.tagIDs(list)
	if msg != "" {
		d.stop = d.s.crash("ValidationError", "['"+msg+"']")
	}
	return ids
}

// applyTagDeltas works add_tags and remove_tags into the draft.
func (d *draft) applyTagDeltas() {
	if d.given["tags"] && len(d.new.tags) > 0 && (len(d.addTags) > 0 || len(d.dropTags) > 0) {
		d.fail("tags", `Cannot specify "tags" together with "add_tags" or "remove_tags".`)
		return
	}
	if d.adding() && len(d.dropTags) > 0 {
		d.fail("remove_tags", `Cannot use "remove_tags" when creating a new object.`)
		return
	}
	var both []string
	for _, id := range d.addTags {
		if slices.Contains(d.dropTags, id) {
			both = append(both, d.s.labelOf(tagKind, id))
		}
	}
	if len(both) > 0 {
		d.fail("remove_tags", `Tags may not be present in both "add_tags" and "remove_tags": %s`, strings.Join(both, ", "))
		return
	}
	if len(d.addTags) == 0 && len(d.dropTags) == 0 {
		return
	}
	tags := append(slices.Clone(d.new.tags), d.addTags...)
	tags = slices.DeleteFunc(tags, func(id int) bool { return slices.Contains(d.dropTags, id) })
	slices.Sort(tags)
	d.new.tags = slices.Compact(tags)
}
