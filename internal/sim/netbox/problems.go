package netboxsim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// allKey is what NetBox files an object's own errors under.
const allKey = "__all__"

// problems are the errors of one object, by field, in the order in which they
// were found.
type problems struct {
	keys   []string
	values map[string]any // []string, or what a nested serializer answered
}

func (p *problems) add(field string, messages ...string) {
	if p.values == nil {
		p.values = map[string]any{}
	}
	if _, ok := p.values[field]; !ok {
		p.keys = append(p.keys, field)
	}
	list, _ := p.values[field].([]string)
	p.values[field] = append(list, messages...)
}

func (p *problems) set(field string, v any) {
	p.add(field)
	p.values[field] = v
}

func (p *problems) has(field string) bool { return slices.Contains(p.keys, field) }

func (p *problems) empty() bool { return len(p.keys) == 0 }

// MarshalJSON keeps the order.
func (p *problems) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, k := range p.keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, k)
		b = append(b, ':')
		v, err := json.Marshal(p.values[k])
		if err != nil {
			return nil, err
		}
		b = append(b, v...)
	}
	return append(b, '}'), nil
}

// answer ends a request at once, whatever else it holds.
type answer struct {
	status int
	body   any
	header map[string]string
}

func detail(status int, format string, args ...any) *answer {
	return &answer{status: status, body: map[string]string{"detail": fmt.Sprintf(format, args...)}}
}

// crash is what NetBox answers to an error that nothing caught.
func (s *store) crash(exception, text string) *answer {
	return &answer{status: 500, body: map[string]string{
		"error": text, "exception": exception,
		"netbox_version": s.profile.Release, "python_version": "3.13.0",
	}}
}

// pyText is a decoded JSON value as Python's str() shows it.
func pyText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return pyRepr(v)
}

func pyRepr(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case string:
		if strings.Contains(v, "'") && !strings.Contains(v, `"`) {
			return `"` + v + `"`
		}
		return "'" + strings.ReplaceAll(strings.ReplaceAll(v, `\`, `\\`), "'", `\'`) + "'"
	case json.Number:
		return v.String()
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = pyRepr(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		parts := make([]string, 0, len(v))
		for _, k := range sortedKeys(v) {
			parts = append(parts, pyRepr(k)+": "+pyRepr(v[k]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return fmt.Sprint(v)
}

// pyType is the name of a decoded JSON value's Python type.
func pyType(v any) string {
	switch v := v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case string:
		return "str"
	case json.Number:
		if _, err := strconv.Atoi(v.String()); err == nil {
			return "int"
		}
		return "float"
	case []any:
		return "list"
	}
	return "dict"
}
