package proxmox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The types here take whatever scalar Proxmox sends: the same field is a
// number in one release, a string in the next and a null when it is unset.
// A list or an object where a scalar was expected reads as not set, so that
// one odd field does not cost its row.

// text is any scalar as text.
type text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(b []byte) error {
	*t = ""
	switch {
	case len(b) == 0 || b[0] == '{' || b[0] == '[' || bytes.Equal(b, []byte("null")):
	case b[0] == '"':
		// Nearly every text is what it looks like: no second decoder for it.
		if plain := b[1 : len(b)-1]; bytes.IndexByte(plain, '\\') < 0 && utf8.Valid(plain) {
			*t = text(plain)
			return nil
		}
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		*t = text(s)
	case bytes.Equal(b, []byte("true")):
		*t = "1"
	case bytes.Equal(b, []byte("false")):
		*t = "0"
	default:
		*t = text(b)
	}
	return nil
}

// number is any scalar as a number.
type number struct {
	value float64
	set   bool
}

// UnmarshalJSON implements json.Unmarshaler.
func (n *number) UnmarshalJSON(b []byte) error {
	var t text
	if err := t.UnmarshalJSON(b); err != nil {
		return err
	}
	*n = parseNumber(string(t))
	return nil
}

func parseNumber(s string) number {
	v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return number{}
	}
	return number{value: v, set: true}
}

// int64 is the number without its fraction; 0 when it does not fit.
func (n number) int64() int64 {
	if math.Abs(n.value) >= 1<<62 {
		return 0
	}
	return int64(n.value)
}

func (n number) int() int { return int(n.int64()) }

// natural is the number when it is one to count with, else 0.
func (n number) natural() int64 { return max(0, n.int64()) }

// flag is any scalar as yes or no.
type flag struct {
	on  bool
	set bool
}

// UnmarshalJSON implements json.Unmarshaler.
func (f *flag) UnmarshalJSON(b []byte) error {
	var t text
	if err := t.UnmarshalJSON(b); err != nil {
		return err
	}
	*f = parseFlag(string(t))
	return nil
}

func parseFlag(s string) flag {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "1", "true", "yes", "on":
		return flag{on: true, set: true}
	case "0", "false", "no", "off":
		return flag{set: true}
	}
	if n := parseNumber(s); n.set {
		return flag{on: n.value != 0, set: true}
	}
	return flag{}
}

// oddRow is a row of a list that could not be understood.
type oddRow struct {
	row json.RawMessage
	err error
}

// String shows the beginning of the row and what is wrong with it.
func (o oddRow) String() string {
	if len(o.row) == 0 {
		return o.err.Error()
	}
	shown := string(o.row)
	if len(shown) > 120 {
		shown = strings.ToValidUTF8(shown[:120], "") + "…"
	}
	return fmt.Sprintf("%v: %s", o.err, shown)
}

// decodeRows decodes a list row by row, so that an odd one costs only itself.
// What is no list at all is an error: nothing is known then.
func decodeRows[T any](raw json.RawMessage) (rows []T, odd []oddRow, err error) {
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, nil, fmt.Errorf("not a list: %w", err)
	}
	if list == nil {
		return nil, nil, fmt.Errorf("%w: null in place of a list", errNoData)
	}
	rows = make([]T, 0, len(list))
	for _, item := range list {
		var row T
		if len(item) == 0 || item[0] != '{' {
			odd = append(odd, oddRow{item, fmt.Errorf("not an object")})
			continue
		}
		if err := json.Unmarshal(item, &row); err != nil {
			odd = append(odd, oddRow{item, err})
			continue
		}
		rows = append(rows, row)
	}
	return rows, odd, nil
}
