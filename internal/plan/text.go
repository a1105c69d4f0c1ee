package plan

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"proxbox/internal/domain"
)

// Shown is a change as people and other programs read it: names for ids.
type Shown struct {
	Op     Op           `json:"op"`
	Kind   domain.Kind  `json:"kind"`
	ID     int          `json:"id,omitempty"`
	Name   string       `json:"name"`
	Why    string       `json:"why"`
	Fields []ShownField `json:"fields,omitempty"`
}

// ShownField is one field of a change, old and new.
type ShownField struct {
	Name string `json:"name"`
	Old  any    `json:"old"`
	New  any    `json:"new"`
}

// Show turns the changes into what is printed. References are shown by the
// name of what they point at.
func (p *Plan) Show(inv *domain.Inventory) []Shown {
	labels := map[domain.Ref]string{}
	for _, c := range p.Changes {
		if c.Op == Create {
			labels[domain.To(c.Kind, c.Key)] = nameIn(c.Set, c.Label)
		}
	}
	name := func(r domain.Ref) string {
		if r.ID != 0 {
			if row := inv.Row(r); row != nil {
				return nameIn(row.Fields, fmt.Sprintf("%s %d", r.Kind, r.ID))
			}
			return fmt.Sprintf("%s %d", r.Kind, r.ID)
		}
		if l := labels[domain.To(r.Kind, r.Key)]; l != "" {
			return l
		}
		return string(r.Key)
	}
	out := make([]Shown, 0, len(p.Changes))
	for _, c := range p.Changes {
		s := Shown{Op: c.Op, Kind: c.Kind, ID: c.ID, Name: c.Label, Why: c.Why}
		if c.Op != Delete {
			for _, f := range slices.Sorted(maps.Keys(c.Set)) {
				s.Fields = append(s.Fields, ShownField{f, readable(c.Old[f], name), readable(c.Set[f], name)})
			}
		}
		out = append(out, s)
	}
	return out
}

func nameIn(f domain.Fields, fallback string) string {
	for _, k := range []string{"name", "model", "address", "mac_address", "prefix"} {
		if s, _ := f[k].(string); s != "" {
			return s
		}
	}
	return fallback
}

func readable(v any, name func(domain.Ref) string) any {
	switch v := v.(type) {
	case domain.Ref:
		if domain.IsEmpty(v) {
			return nil
		}
		return name(v)
	case domain.Refs:
		names := make([]string, 0, len(v))
		for _, r := range v {
			names = append(names, name(r))
		}
		slices.Sort(names)
		return names
	case domain.Decimal:
		return json.Number(strconv.FormatFloat(float64(v)/100, 'f', 2, 64))
	case string:
		if v == "" {
			return nil
		}
	}
	return v
}

var opSign = map[Op]string{Create: "+", Update: "~", Delete: "-"}

// WriteText prints the changes field by field, old → new, with the reason.
func WriteText(w io.Writer, changes []Shown) error {
	for _, c := range changes {
		if _, err := fmt.Fprintf(w, "%s %s %s  (%s)\n", opSign[c.Op], c.Kind, c.Name, c.Why); err != nil {
			return err
		}
		for _, f := range c.Fields {
			line := fmt.Sprintf("    %s: %s → %s\n", f.Name, printed(f.Old), printed(f.New))
			if c.Op == Create {
				line = fmt.Sprintf("    %s: %s\n", f.Name, printed(f.New))
			}
			if _, err := io.WriteString(w, line); err != nil {
				return err
			}
		}
	}
	return nil
}

func printed(v any) string {
	switch v := v.(type) {
	case nil:
		return "—"
	case []string:
		return "[" + strings.Join(v, ", ") + "]"
	case string:
		return strconv.Quote(v)
	}
	return fmt.Sprint(v)
}
