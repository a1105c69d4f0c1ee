package netboxsim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// customField is a custom field as the objects of its kinds see it.
type customField struct {
	id       int
	name     string
	typ      string
	required bool
	unique   bool
	def      any
	related  string
	group    string
	weight   int
	logic    string // of its filter: disabled, loose or exact
}

// customFields returns the custom fields of a kind in NetBox's order. The
// caller holds the lock; the first after a change of them builds the list.
func (s *store) customFields(kindName string) []*customField {
	if s.fieldsOf == nil {
		s.buildCustomFields()
	}
	return s.fieldsOf[kindName]
}

func (s *store) buildCustomFields() {
	k, of := s.kinds[customFieldKind], map[string][]*customField{}
	for _, r := range s.table(customFieldKind).byID {
		cf := &customField{
			id: r.id, name: k.str(r, "name"), typ: k.str(r, "type"), related: k.str(r, "related_object_type"),
			group: k.str(r, "group_name"), weight: k.id(r, "weight"), logic: k.str(r, "filter_logic"),
		}
		cf.required, _ = k.get(r, "required").(bool)
		cf.unique, _ = k.get(r, "unique").(bool)
		if raw, ok := k.get(r, "default").(rawJSON); ok {
			cf.def = decodeJSON(string(raw))
		}
		types, _ := k.get(r, "object_types").(rawJSON)
		var names []string
		if err := json.Unmarshal([]byte(types), &names); err != nil {
			continue // was checked when it was written
		}
		for _, name := range names {
			of[name] = append(of[name], cf)
		}
	}
	for _, list := range of {
		slices.SortFunc(list, func(a, b *customField) int {
			return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.weight, b.weight), cmp.Compare(a.name, b.name))
		})
	}
	s.fieldsOf = of
}

func decodeJSON(text string) any {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil
	}
	return v
}

func (d *draft) readCustom(v any) {
	if v == nil {
		d.fail("custom_fields", msgNull)
		return
	}
	in, ok := v.(map[string]any)
	if !ok {
		d.fail("custom_fields", "Invalid data format. Custom field data must be passed as a dictionary mapping field names to their values.")
		return
	}
	fields := d.s.customFields(d.k.name)
	known := make(map[string]*customField, len(fields))
	for _, cf := range fields {
		known[cf.name] = cf
	}
	unknown := map[string]string{}
	for name := range in {
		if known[name] == nil {
			unknown[name] = fmt.Sprintf("Custom field '%s' does not exist for this object type.", name)
		}
	}
	if len(unknown) > 0 {
		d.errs.set("custom_fields", unknown)
		return
	}
	merged := make(map[string]any, len(d.new.cf)+len(in))
	for name, v := range d.new.cf {
		merged[name] = v
	}
	for name, v := range in {
		cf := known[name]
		if cf.typ == "object" || cf.typ == "multiobject" {
			ids, msg := d.s.customIDs(cf, v)
			if msg != "" {
				d.fail("custom_fields", "%s", msg)
				return
			}
			v = ids
		}
		if text, ok := v.(string); ok && cf.typ == "url" && text != "" && !strings.Contains(text, "://") {
			v = "https://" + text
		}
		merged[name] = v
	}
	d.new.cf = merged
}

// customIDs resolves the objects that a custom field shall point at.
func (s *store) customIDs(cf *customField, v any) (any, string) {
	k := s.kinds[cf.related]
	if v == nil || k == nil {
		return nil, ""
	}
	if cf.typ == "object" {
		id, msg := s.lookup(k, v)
		return json.Number(strconv.Itoa(id)), msg
	}
	list, ok := v.([]any)
	if !ok {
		return nil, "Unknown related object(s): " + pyText(v)
	}
	ids := make([]any, len(list))
	for i, e := range list {
		id, msg := s.lookup(k, e)
		if msg != "" {
			return nil, msg
		}
		ids[i] = json.Number(strconv.Itoa(id))
	}
	return ids, ""
}

// cleanCustom checks the custom fields as NetBox does before it saves.
func (d *draft) cleanCustom() bool {
	if !d.k.customAPI {
		return true
	}
	fields := d.s.customFields(d.k.name)
	for _, cf := range fields {
		v, ok := d.new.cf[cf.name]
		if !ok {
			continue
		}
		if msg := cf.check(v); msg != "" {
			d.fail(allKey, "Invalid value for custom field '%s': %s", cf.name, msg)
			return false
		}
		if cf.unique && !emptyCustom(v) {
			for _, r := range d.s.table(d.k.name).byID {
				if (d.old == nil || r.id != d.old.id) && jsonText(r.cf[cf.name]) == jsonText(v) {
					d.fail(allKey, "Custom field '%s' must have a unique value.", cf.name)
					return false
				}
			}
		}
	}
	for _, cf := range fields {
		if _, ok := d.new.cf[cf.name]; cf.required && !ok {
			d.fail(allKey, "Missing required custom field '%s'.", cf.name)
			return false
		}
	}
	return true
}

func emptyCustom(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	}
	return false
}

// check is the message about a value that the field cannot hold, or "".
func (cf *customField) check(v any) string {
	if emptyCustom(v) {
		if cf.required {
			return "Required field cannot be empty."
		}
		return ""
	}
	text, isText := v.(string)
	n, isNumber := v.(json.Number)
	switch cf.typ {
	case "text", "longtext", "url":
		if !isText {
			return "Value must be a string."
		}
	case "integer":
		if _, err := n.Int64(); !isNumber || err != nil {
			return "Value must be an integer."
		}
	case "decimal":
		if _, err := n.Float64(); !isNumber || err != nil {
			return "Value must be a decimal."
		}
	case "boolean":
		if _, ok := v.(bool); !ok && !(isNumber && (n == "0" || n == "1")) {
			return "Value must be true or false."
		}
	case "date":
		if _, err := time.Parse(time.DateOnly, text); err != nil {
			return "Date values must be in ISO 8601 format (YYYY-MM-DD)."
		}
	case "datetime":
		if _, msg := parseTime(text); msg != "" {
			return "Date and time values must be in ISO 8601 format (YYYY-MM-DD HH:MM:SS)."
		}
	}
	return ""
}

func (cf *customField) render(v *view, b []byte, val any) []byte {
	switch val := val.(type) {
	case nil:
		return append(b, "null"...)
	case string:
		if cf.typ == "datetime" {
			if t, msg := parseTime(val); msg == "" {
				return appendTime(b, t.(time.Time))
			}
		}
		return appendString(b, val)
	case json.Number:
		if cf.typ == "object" {
			id, _ := val.Int64()
			return v.brief(b, cf.related, int(id))
		}
		return append(b, val...)
	case []any:
		if cf.typ == "multiobject" {
			b = append(b, '[')
			for i, e := range val {
				if i > 0 {
					b = append(b, ',')
				}
				id, _ := pyInt(e)
				b = v.brief(b, cf.related, id)
			}
			return append(b, ']')
		}
	}
	return append(b, jsonText(val)...)
}

// defaultCustom are the custom fields of a new object.
func (s *store) defaultCustom(kindName string) map[string]any {
	fields := s.customFields(kindName)
	if len(fields) == 0 {
		return nil
	}
	cf := make(map[string]any, len(fields))
	for _, f := range fields {
		cf[f.name] = f.def
	}
	return cf
}
