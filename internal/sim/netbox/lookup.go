package netboxsim

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

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
