package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// row is an object as Proxmox sends it. The same field is a number in one
// release, a string in the next, and spelled with a dash or without.
type row map[string]any

// decodeObject reads an answer that must be an object; null is an empty one.
func decodeObject(raw json.RawMessage) (row, error) {
	var r row
	if err := decodeNumbers(raw, &r); err != nil {
		return nil, fmt.Errorf("an answer of Proxmox is no object: %w", err)
	}
	if r == nil {
		r = row{}
	}
	return r, nil
}

// decodeList reads an answer that must be a list. What is no object in it is
// left out.
func decodeList(raw json.RawMessage) ([]row, error) {
	var all []json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, fmt.Errorf("an answer of Proxmox is no list: %w", err)
	}
	rows := make([]row, 0, len(all))
	for _, one := range all {
		if r, err := decodeObject(one); err == nil && len(r) > 0 {
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// decodeNumbers decodes numbers as they are written: a byte more or less of a
// disk is a difference.
func decodeNumbers(raw json.RawMessage, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	return d.Decode(into)
}

// scalar is the first of the fields that is there, as text.
func (r row) scalar(names ...string) (string, bool) {
	for _, name := range names {
		switch v := r[name].(type) {
		case string:
			return v, true
		case json.Number:
			return v.String(), true
		case bool:
			if v {
				return "1", true
			}
			return "0", true
		}
	}
	return "", false
}

// text is a field as text; nil when it is not there.
func (r row) text(names ...string) *string {
	if v, ok := r.scalar(names...); ok {
		return &v
	}
	return nil
}

// word is a field as text; empty when it is not there.
func (r row) word(names ...string) string {
	v, _ := r.scalar(names...)
	return v
}

// number is a field as a number; nil when it is none.
func (r row) number(names ...string) *float64 {
	v, ok := r.scalar(names...)
	if !ok {
		return nil
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
	if err != nil || n != n || n > 1e300 || n < -1e300 {
		return nil
	}
	return &n
}

// whole is a field as a whole number; nil when it is none.
func (r row) whole(names ...string) *int64 {
	n := r.number(names...)
	if n == nil || *n > 1<<62 || *n < -1<<62 {
		return nil
	}
	i := int64(*n)
	return &i
}

// truth is a field as yes or no; nil when it is neither.
func (r row) truth(names ...string) *bool {
	v, ok := r.scalar(names...)
	if !ok {
		return nil
	}
	yes := false
	switch strings.ToLower(strings.TrimSpace(v)) {
	case "1", "true", "yes", "on":
		yes = true
	case "0", "false", "no", "off", "":
	default:
		n := r.number(names...)
		if n == nil {
			return nil
		}
		yes = *n != 0
	}
	return &yes
}

// below is an object in a field; empty when it is none.
func (r row) below(name string) row {
	nested, _ := r[name].(map[string]any)
	return nested
}

// or is a value, or its zero for nil.
func or[T any](v *T) T {
	if v == nil {
		var zero T
		return zero
	}
	return *v
}
