package netboxsim

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// view renders rows as the request asked for them.
type view struct {
	s    *store
	base string // "http://netbox.example", in front of every url
}

// tagShape is a tag in the list of an object's tags.
const tagShape = "id url display_url display name slug color"

const hexDigits = "0123456789abcdef"

// appendString is text as a JSON string.
func appendString(b []byte, text string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(text); {
		c := text[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(text[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(b, text[start:i]...)
				b = append(b, `\ufffd`...)
				i++
				start = i
				continue
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, text[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	b = append(b, text[start:]...)
	return append(b, '"')
}

// appendFloat is a number as Python prints it: 2.0, not 2.
func appendFloat(b []byte, n float64) []byte {
	text := strconv.AppendFloat(nil, n, 'f', -1, 64)
	b = append(b, text...)
	if !bytes.ContainsRune(text, '.') {
		b = append(b, '.', '0')
	}
	return b
}

// appendTime is a time as NetBox prints it: microseconds only when there are any.
func appendTime(b []byte, t time.Time) []byte {
	form := `"2006-01-02T15:04:05.000000Z"`
	if t.Nanosecond() == 0 {
		form = `"2006-01-02T15:04:05Z"`
	}
	return t.AppendFormat(b, form)
}

// jsonText is a value as compact JSON.
func jsonText(v any) string {
	if raw, ok := v.(rawJSON); ok {
		return string(raw)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("netboxsim: " + err.Error()) // only decoded JSON comes here
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte{'\n'}))
}

func jsonEqual(a, b map[string]any) bool {
	if len(a) == 0 && len(b) == 0 {
		return true
	}
	return jsonText(a) == jsonText(b)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// object renders the fields of one row.
func (v *view) object(b []byte, fields []*field, r *row) []byte {
	b = append(b, '{')
	for i, f := range fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, f.name...)
		b = append(b, '"', ':')
		if f.typ == tDisplay && f.owner.shown != nil {
			b = appendString(b, f.owner.shown(v.s, f.owner, r))
			continue
		}
		b = v.field(b, f, r, f.plain)
	}
	return append(b, '}')
}

func (v *view) field(b []byte, f *field, r *row, plain bool) []byte {
	switch f.typ {
	case tID:
		return strconv.AppendInt(b, int64(r.id), 10)
	case tSelf:
		b = append(b, '"')
		b = v.path(b, "/api/", f.owner.path, r.id)
		return append(b, '"')
	case tDisplayURL:
		b = append(b, '"')
		page := f.owner.page
		if page == "" {
			page = f.owner.path
		}
		b = v.path(b, "/", page, r.id)
		return append(b, '"')
	case tDisplay:
		return appendString(b, v.s.label(f.owner, r))
	case tCreated:
		return appendTime(b, r.created)
	case tUpdated:
		return appendTime(b, r.updated)
	case tTags:
		return v.tags(b, r.tags)
	case tCustom:
		return v.custom(b, f.owner, r)
	case tComputed:
		if plain {
			return f.plainValue(v, b, r)
		}
		return f.compute(v, f.owner, b, r)
	case tFixed:
		return append(b, f.raw...)
	}
	return v.value(b, f, r.vals[f.slot], plain)
}

func (v *view) value(b []byte, f *field, val any, plain bool) []byte {
	switch val := val.(type) {
	case nil:
		if f.typ == tRefs {
			return append(b, '[', ']')
		}
		return append(b, "null"...)
	case string:
		if f.typ == tChoice && !plain {
			b = append(b, `{"value":`...)
			b = appendString(b, val)
			b = append(b, `,"label":`...)
			b = appendString(b, f.optionLabel(val))
			return append(b, '}')
		}
		return appendString(b, val)
	case int:
		if f.typ == tRef && !plain {
			return v.nested(b, f.to, f.nested, val)
		}
		return strconv.AppendInt(b, int64(val), 10)
	case bool:
		return strconv.AppendBool(b, val)
	case fixedPoint:
		return appendFloat(b, float64(val)/math.Pow10(f.places))
	case float64:
		return appendFloat(b, val)
	case []int:
		b = append(b, '[')
		for i, id := range v.inOrder(f.to, val) {
			if i > 0 {
				b = append(b, ',')
			}
			if plain {
				b = strconv.AppendInt(b, int64(id), 10)
				continue
			}
			b = v.nested(b, f.to, f.nested, id)
		}
		return append(b, ']')
	case netip.Prefix:
		b = append(b, '"')
		b = val.AppendTo(b)
		return append(b, '"')
	case time.Time:
		return appendTime(b, val)
	case rawJSON:
		return append(b, val...)
	case snapshot:
		return val.appendTo(v, b)
	}
	return append(b, jsonText(val)...)
}

// nested renders the object that a reference points at.
func (v *view) nested(b []byte, k *kind, shape []nestedField, id int) []byte {
	r := v.s.tables[k.name].rows[id]
	if r == nil {
		return append(b, "null"...)
	}
	b = append(b, '{')
	for i, n := range shape {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, n.f.name...)
		b = append(b, '"', ':')
		if n.f.zeroNested {
			b = append(b, '0')
			continue
		}
		if n.shape != nil {
			id, _ := r.vals[n.f.slot].(int)
			b = v.nested(b, n.f.to, n.shape, id)
			continue
		}
		b = v.field(b, n.f, r, n.plain || n.f.plain)
	}
	return append(b, '}')
}

// brief renders an object as a nested one of its default shape.
func (v *view) brief(b []byte, kindName string, id int) []byte {
	k := v.s.kinds[kindName]
	if k == nil {
		return append(b, "null"...)
	}
	return v.nested(b, k, k.briefNested, id)
}

func (v *view) path(b []byte, prefix, path string, id int) []byte {
	b = append(b, v.base...)
	b = append(b, prefix...)
	b = append(b, path...)
	b = append(b, '/')
	b = strconv.AppendInt(b, int64(id), 10)
	return append(b, '/')
}

func (v *view) tags(b []byte, ids []int) []byte {
	b = append(b, '[')
	k := v.s.kinds[tagKind]
	for i, id := range v.inOrder(k, ids) {
		if i > 0 {
			b = append(b, ',')
		}
		b = v.nested(b, k, k.inTags, id)
	}
	return append(b, ']')
}

// inOrder returns ids in the kind's own ordering.
func (v *view) inOrder(k *kind, ids []int) []int {
	if len(ids) < 2 {
		return ids
	}
	t := v.s.tables[k.name]
	sorted := slices.Clone(ids)
	slices.SortFunc(sorted, func(a, b int) int {
		if c := v.s.compare(k, t.rows[a], t.rows[b]); c != 0 {
			return c
		}
		return cmp.Compare(a, b)
	})
	return sorted
}

func (v *view) custom(b []byte, k *kind, r *row) []byte {
	b = append(b, '{')
	for i, cf := range v.s.customFields(k.name) {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, cf.name)
		b = append(b, ':')
		b = cf.render(v, b, r.cf[cf.name])
	}
	return append(b, '}')
}
