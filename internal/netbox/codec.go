package netbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"proxbox/internal/domain"
)

// codec carries one field between NetBox's JSON and its canonical value.
// What NetBox answers to encode(v) decodes to v again.
type codec interface {
	// decode reads the value of a field from the object's members.
	decode(object map[string]json.RawMessage, field string) (any, error)
	// encode sets the members that write the value into body.
	encode(body map[string]any, field string, value any) error
	// read lists the members that decode needs, for NetBox's fields= parameter.
	read(field string) []string
}

// single is embedded by codecs whose field is one member of the same name.
type single struct{}

func (single) read(field string) []string { return []string{field} }

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

type textCodec struct{ single }

func (textCodec) decode(o map[string]json.RawMessage, field string) (any, error) {
	raw := o[field]
	if isNull(raw) {
		return "", nil
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		// A few plugin fields are numbers or objects in one release and text in another.
		return strings.Trim(string(raw), `"`), nil
	}
	return s, nil
}

func (textCodec) encode(body map[string]any, field string, value any) error {
	switch v := value.(type) {
	case nil:
		body[field] = "" // NetBox's text fields refuse null
	case string:
		body[field] = v
	default:
		return wrongType(field, value, "text")
	}
	return nil
}

// decodeNumber reads a number, or one in quotes as NetBox writes decimals; not
// known is null and a field that is not there.
func decodeNumber(o map[string]json.RawMessage, field string) (f float64, known bool, err error) {
	raw := o[field]
	if isNull(raw) {
		return 0, false, nil
	}
	f, err = strconv.ParseFloat(strings.Trim(string(raw), `"`), 64)
	if err != nil {
		return 0, false, fmt.Errorf("%s: %s is not a number", field, raw)
	}
	return f, true, nil
}

type intCodec struct{ single }

func (intCodec) decode(o map[string]json.RawMessage, field string) (any, error) {
	f, known, err := decodeNumber(o, field)
	if err != nil || !known {
		return nil, err
	}
	return int(f), nil
}

func (intCodec) encode(body map[string]any, field string, value any) error {
	switch v := value.(type) {
	case nil, int:
		body[field] = v
	default:
		return wrongType(field, value, "a whole number")
	}
	return nil
}

type boolCodec struct{ single }

func (boolCodec) decode(o map[string]json.RawMessage, field string) (any, error) {
	raw := o[field]
	if isNull(raw) {
		return nil, nil
	}
	var b bool
	if err := json.Unmarshal(raw, &b); err != nil {
		return nil, fmt.Errorf("%s: %s is neither true nor false", field, raw)
	}
	return b, nil
}

func (boolCodec) encode(body map[string]any, field string, value any) error {
	switch v := value.(type) {
	case nil, bool:
		body[field] = v
	default:
		return wrongType(field, value, "true or false")
	}
	return nil
}

// decimalCodec keeps two decimals, as NetBox's vcpus has.
type decimalCodec struct{ single }

func (decimalCodec) decode(o map[string]json.RawMessage, field string) (any, error) {
	f, known, err := decodeNumber(o, field)
	if err != nil || !known {
		return nil, err
	}
	return domain.Decimal(math.Round(f * 100)), nil
}

func (decimalCodec) encode(body map[string]any, field string, value any) error {
	switch v := value.(type) {
	case nil:
		body[field] = nil
	case domain.Decimal:
		body[field] = json.Number(strconv.FormatFloat(float64(v)/100, 'f', 2, 64))
	default:
		return wrongType(field, value, "a decimal")
	}
	return nil
}

// choiceCodec reads {"value": v, "label": l} or a plain value, and writes the value.
type choiceCodec struct{ single }

func (choiceCodec) decode(o map[string]json.RawMessage, field string) (any, error) {
	raw := o[field]
	if isNull(raw) {
		return "", nil
	}
	if raw[0] == '{' {
		var c struct {
			Value *json.RawMessage `json:"value"`
		}
		if err := json.Unmarshal(raw, &c); err != nil {
			return nil, fmt.Errorf("%s: %w", field, err)
		}
		if c.Value == nil {
			return "", nil
		}
		raw = *c.Value
	}
	return strings.Trim(string(raw), `"`), nil
}

func (choiceCodec) encode(body map[string]any, field string, value any) error {
	switch v := value.(type) {
	case nil:
		body[field] = nil
	case string:
		if v == "" {
			body[field] = nil
		} else {
			body[field] = v
		}
	default:
		return wrongType(field, value, "one of NetBox's choices")
	}
	return nil
}

// refCodec reads a nested object, a bare id or null.
type refCodec struct{ kind domain.Kind }

func (refCodec) read(field string) []string { return []string{field} }

func (c refCodec) decode(o map[string]json.RawMessage, field string) (any, error) {
	id, err := idOf(o[field])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", field, err)
	}
	if id == 0 {
		return nil, nil
	}
	return domain.At(c.kind, id), nil
}

func (c refCodec) encode(body map[string]any, field string, value any) error {
	switch v := value.(type) {
	case nil:
		body[field] = nil
	case domain.Ref:
		if v.ID == 0 {
			return fmt.Errorf("%s: %s %q has no id yet", field, v.Kind, v.Key)
		}
		body[field] = v.ID
	default:
		return wrongType(field, value, "a reference")
	}
	return nil
}

func idOf(raw json.RawMessage) (int, error) {
	if isNull(raw) {
		return 0, nil
	}
	if raw[0] == '{' {
		var o struct {
			ID int `json:"id"`
		}
		if err := json.Unmarshal(raw, &o); err != nil {
			return 0, err
		}
		return o.ID, nil
	}
	var id int
	if err := json.Unmarshal(raw, &id); err != nil {
		return 0, fmt.Errorf("%s is no reference", raw)
	}
	return id, nil
}

// refsCodec reads a list of nested objects or ids.
type refsCodec struct{ kind domain.Kind }

func (refsCodec) read(field string) []string { return []string{field} }

func (c refsCodec) decode(o map[string]json.RawMessage, field string) (any, error) {
	raw := o[field]
	if isNull(raw) {
		return domain.Refs(nil), nil
	}
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return nil, fmt.Errorf("%s: %w", field, err)
	}
	refs := make(domain.Refs, 0, len(items))
	for _, item := range items {
		id, err := idOf(item)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", field, err)
		}
		refs = append(refs, domain.At(c.kind, id))
	}
	return refs.Sorted(), nil
}

func (c refsCodec) encode(body map[string]any, field string, value any) error {
	switch v := value.(type) {
	case nil:
		body[field] = []int{}
	case domain.Refs:
		ids := make([]int, 0, len(v))
		for _, r := range v.Sorted() {
			if r.ID == 0 {
				return fmt.Errorf("%s: %s %q has no id yet", field, r.Kind, r.Key)
			}
			ids = append(ids, r.ID)
		}
		body[field] = ids
	default:
		return wrongType(field, value, "references")
	}
	return nil
}

// genericCodec is a reference of any kind, in <name>_type and <name>_id.
type genericCodec struct{ name string }

func (c genericCodec) read(string) []string { return []string{c.name + "_type", c.name + "_id"} }

func (c genericCodec) decode(o map[string]json.RawMessage, field string) (any, error) {
	id, err := idOf(o[c.name+"_id"])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", field, err)
	}
	var kind string
	if raw := o[c.name+"_type"]; !isNull(raw) {
		if err := json.Unmarshal(raw, &kind); err != nil {
			return nil, fmt.Errorf("%s: %w", field, err)
		}
	}
	if id == 0 || kind == "" {
		return nil, nil
	}
	return domain.At(domain.Kind(kind), id), nil
}

func (c genericCodec) encode(body map[string]any, field string, value any) error {
	switch v := value.(type) {
	case nil:
		body[c.name+"_type"], body[c.name+"_id"] = nil, nil
	case domain.Ref:
		if v.ID == 0 {
			return fmt.Errorf("%s: %s %q has no id yet", field, v.Kind, v.Key)
		}
		body[c.name+"_type"], body[c.name+"_id"] = string(v.Kind), v.ID
	default:
		return wrongType(field, value, "a reference")
	}
	return nil
}

// macCodec keeps a MAC address in upper case with colons.
type macCodec struct{ single }

func (macCodec) decode(o map[string]json.RawMessage, field string) (any, error) {
	v, err := textCodec{}.decode(o, field)
	if s, ok := v.(string); ok {
		return strings.ToUpper(s), err
	}
	return v, err
}

func (macCodec) encode(body map[string]any, field string, value any) error {
	return textCodec{}.encode(body, field, value)
}

// addressCodec keeps an IP address with its mask as netip prints it.
type addressCodec struct{ single }

func (addressCodec) decode(o map[string]json.RawMessage, field string) (any, error) {
	v, err := textCodec{}.decode(o, field)
	if err != nil {
		return nil, err
	}
	s := v.(string)
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.String(), nil
	}
	return s, nil
}

func (addressCodec) encode(body map[string]any, field string, value any) error {
	return textCodec{}.encode(body, field, value)
}

// timeCodec keeps a moment as RFC 3339 in UTC, to the second.
type timeCodec struct{ single }

func (timeCodec) decode(o map[string]json.RawMessage, field string) (any, error) {
	v, err := textCodec{}.decode(o, field)
	if err != nil {
		return nil, err
	}
	s := v.(string)
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.UTC().Truncate(time.Second).Format(time.RFC3339), nil
	}
	return s, nil
}

func (timeCodec) encode(body map[string]any, field string, value any) error {
	if domain.IsEmpty(value) {
		body[field] = nil
		return nil
	}
	return textCodec{}.encode(body, field, value)
}

// jsonCodec keeps any JSON value as its canonical text: no blanks, sorted keys.
type jsonCodec struct{ single }

func (jsonCodec) decode(o map[string]json.RawMessage, field string) (any, error) {
	raw := o[field]
	if isNull(raw) {
		return "", nil
	}
	return canonicalJSON(raw)
}

func (jsonCodec) encode(body map[string]any, field string, value any) error {
	switch v := value.(type) {
	case nil:
		body[field] = nil
	case string:
		if v == "" {
			body[field] = nil
			return nil
		}
		body[field] = json.RawMessage(v)
	default:
		return wrongType(field, value, "JSON text")
	}
	return nil
}

func canonicalJSON(raw []byte) (string, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return "", err
	}
	out, err := json.Marshal(v)
	return string(out), err
}

func wrongType(field string, value any, want string) error {
	return fmt.Errorf("%s: %T is not %s", field, value, want)
}

// customPrefix marks the fields of a kind that live in NetBox's custom_fields.
const customPrefix = "cf_"

// decodeRow reads one object of a list or of an answer to a write.
func decodeRow(spec kindSpec, raw json.RawMessage) (*domain.Row, error) {
	var o map[string]json.RawMessage
	if err := json.Unmarshal(raw, &o); err != nil {
		return nil, fmt.Errorf("decode %s: %w", spec.path, err)
	}
	id, err := idOf(o["id"])
	if err != nil || id == 0 {
		return nil, fmt.Errorf("decode %s: an object without id", spec.path)
	}
	row := &domain.Row{ID: id, Fields: make(domain.Fields, len(spec.fields)+len(spec.custom))}
	for _, f := range spec.fields {
		present := false
		for _, member := range f.codec.read(f.name) {
			if _, ok := o[member]; ok {
				present = true
			}
		}
		if !present {
			continue
		}
		v, err := f.codec.decode(o, f.name)
		if err != nil {
			return nil, fmt.Errorf("decode %s%d/: %w", spec.path, id, err)
		}
		row.Fields[f.name] = v
	}
	if len(spec.custom)+len(spec.described) > 0 {
		var custom map[string]json.RawMessage
		if raw := o["custom_fields"]; !isNull(raw) {
			if err := json.Unmarshal(raw, &custom); err != nil {
				return nil, fmt.Errorf("decode %s%d/: custom_fields: %w", spec.path, id, err)
			}
		}
		for f := range spec.customFields() {
			if _, ok := custom[f.name]; !ok {
				continue
			}
			if row.Fields[customPrefix+f.name], err = f.codec.decode(custom, f.name); err != nil {
				return nil, fmt.Errorf("decode %s%d/: custom_fields: %w", spec.path, id, err)
			}
		}
	}
	return row, nil
}

// customCodec keeps a custom field's value by what it is: text, number or truth.
type customCodec struct{ single }

func (customCodec) decode(o map[string]json.RawMessage, field string) (any, error) {
	raw := o[field]
	if isNull(raw) {
		return nil, nil
	}
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return nil, nil
	}
	switch v := v.(type) {
	case string, bool:
		return v, nil
	case float64:
		return int(v), nil
	}
	return string(raw), nil
}

func (customCodec) encode(body map[string]any, field string, value any) error {
	body[field] = value
	return nil
}

// customObjectCodec is a custom field that points at an object. Where a person
// made it of another type, its value is kept as what it is.
type customObjectCodec struct{ refCodec }

func (c customObjectCodec) decode(o map[string]json.RawMessage, field string) (any, error) {
	if v, err := c.refCodec.decode(o, field); err == nil {
		return v, nil
	}
	return customCodec{}.decode(o, field)
}

// Encode turns canonical values into the body of a POST or, with its id, of a PATCH.
func Encode(kind domain.Kind, id int, fields domain.Fields) (map[string]any, error) {
	spec, ok := specs[kind]
	if !ok {
		return nil, fmt.Errorf("encode: unknown kind %s", kind)
	}
	body := make(map[string]any, len(fields)+1)
	if id != 0 {
		body["id"] = id
	}
	left := len(fields)
	for _, f := range spec.fields {
		v, ok := fields[f.name]
		if !ok {
			continue
		}
		left--
		if err := f.codec.encode(body, f.name, v); err != nil {
			return nil, fmt.Errorf("encode %s: %w", kind, err)
		}
	}
	custom := map[string]any{}
	for name, v := range fields {
		switch {
		case strings.HasPrefix(name, customPrefix):
			name = strings.TrimPrefix(name, customPrefix)
			if err := spec.customCodec(name).encode(custom, name, v); err != nil {
				return nil, fmt.Errorf("encode %s: %w", kind, err)
			}
			left--
		case name == "add_tags" || name == "remove_tags" || name == "tags" && !spec.reads("tags"):
			if err := (refsCodec{domain.KindTag}).encode(body, name, v); err != nil {
				return nil, fmt.Errorf("encode %s: %w", kind, err)
			}
			left--
		case name == "proxmox_last_updated" && !spec.reads(name), name == "changelog_message":
			body[name] = v
			left--
		}
	}
	if len(custom) > 0 {
		body["custom_fields"] = custom
	}
	if left != 0 {
		return nil, fmt.Errorf("encode %s: a field that the kind does not have among %v", kind, fields)
	}
	return body, nil
}

// customCodec is the codec of a custom field; the plain one for those that are
// only written.
func (s kindSpec) customCodec(name string) codec {
	for f := range s.customFields() {
		if f.name == name {
			return f.codec
		}
	}
	return customCodec{}
}

// customFields are those of a kind that are read, everywhere or somewhere. Each
// row is read by them: they are not gathered in a list.
func (s kindSpec) customFields() iter.Seq[fieldSpec] {
	return func(yield func(fieldSpec) bool) {
		for _, fields := range [...][]fieldSpec{s.custom, s.described} {
			for _, f := range fields {
				if !yield(f) {
					return
				}
			}
		}
	}
}

// reads tells whether a field is among those that are compared. Tags of parts
// are written with them and read by filter.
func (s kindSpec) reads(field string) bool {
	return slices.ContainsFunc(s.fields, func(f fieldSpec) bool { return f.name == field })
}

// Decode turns NetBox's answer for one object into a row.
func Decode(kind domain.Kind, raw json.RawMessage) (*domain.Row, error) {
	spec, ok := specs[kind]
	if !ok {
		return nil, fmt.Errorf("decode: unknown kind %s", kind)
	}
	return decodeRow(spec, raw)
}
