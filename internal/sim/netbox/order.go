package netboxsim

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// sortKey is one part of an ordering.
type sortKey struct {
	f          *field // nil: the id
	name       string // of a time stamp
	desc       bool
	nullsFirst bool
}

// newSortKey reads "name", "-name", and "name:first" for nulls that come
// first.
func newSortKey(k *kind, name string) sortKey {
	name, desc := strings.CutPrefix(name, "-")
	name, nullsFirst := strings.CutSuffix(name, ":first")
	switch name {
	case "id", "pk":
		return sortKey{desc: desc}
	case "created", "last_updated":
		return sortKey{name: name, desc: desc}
	}
	return sortKey{f: k.field(name), desc: desc, nullsFirst: nullsFirst}
}

// ordering reads ?ordering=; names that are no fields are left out, as
// NetBox does.
func (k *kind) ordering(text string) []sortKey {
	var keys []sortKey
	for name := range strings.SplitSeq(text, ",") {
		name = strings.TrimSpace(name)
		bare := strings.TrimPrefix(name, "-")
		f := k.byName[bare]
		switch {
		case bare == "id" || bare == "pk" || bare == "created" || bare == "last_updated":
		case f == nil || f.slot < 0:
			continue
		}
		keys = append(keys, newSortKey(k, name))
	}
	return keys
}

// compare orders two rows by their kind's own ordering.
func (s *store) compare(k *kind, a, b *row) int { return s.compareBy(k.sortKeys, a, b) }

// sort orders rows, and leaves those that are equal as they were.
func (s *store) sort(keys []sortKey, rows []*row) {
	slices.SortStableFunc(rows, func(a, b *row) int { return s.compareBy(keys, a, b) })
}

func (s *store) compareBy(keys []sortKey, a, b *row) int {
	for _, key := range keys {
		c := s.compareKey(key, a, b)
		if key.desc {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

func (s *store) compareKey(key sortKey, a, b *row) int {
	switch {
	case key.name == "created":
		return a.created.Compare(b.created)
	case key.name == "last_updated":
		return a.updated.Compare(b.updated)
	case key.f == nil:
		return cmp.Compare(a.id, b.id)
	}
	va, vb := a.vals[key.f.slot], b.vals[key.f.slot]
	if va == nil || vb == nil {
		switch {
		case va == nil && vb == nil:
			return 0
		case (va == nil) != key.nullsFirst: // PostgreSQL puts nulls last
			return 1
		}
		return -1
	}
	switch x := va.(type) {
	case string:
		return natural(x, vb.(string))
	case int:
		y := vb.(int)
		if x == y {
			return 0
		}
		if to := key.f.to; to != nil {
			t := s.tables[to.name]
			if c := s.compare(to, t.rows[x], t.rows[y]); c != 0 {
				return c
			}
		}
		return cmp.Compare(x, y)
	case fixedPoint:
		return cmp.Compare(x, vb.(fixedPoint))
	case float64:
		return cmp.Compare(x, vb.(float64))
	case bool:
		y := vb.(bool)
		if x == y {
			return 0
		}
		if y {
			return -1
		}
		return 1
	case time.Time:
		return x.Compare(vb.(time.Time))
	case netip.Prefix:
		y := vb.(netip.Prefix)
		return cmp.Or(x.Addr().Compare(y.Addr()), cmp.Compare(x.Bits(), y.Bits()))
	}
	return 0
}

// natural orders texts as NetBox's natural_sort does: without case, runs of
// digits by their number.
func natural(a, b string) int {
	x, y := a, b
	for x != "" && y != "" {
		if isDigit(x[0]) && isDigit(y[0]) {
			var dx, dy string
			dx, x = digits(x)
			dy, y = digits(y)
			if c := cmp.Or(cmp.Compare(len(dx), len(dy)), strings.Compare(dx, dy)); c != 0 {
				return c
			}
			continue
		}
		rx, nx := utf8.DecodeRuneInString(x)
		ry, ny := utf8.DecodeRuneInString(y)
		if c := cmp.Or(cmp.Compare(class(rx), class(ry)), cmp.Compare(unicode.ToLower(rx), unicode.ToLower(ry))); c != 0 {
			return c
		}
		x, y = x[nx:], y[ny:]
	}
	if c := cmp.Compare(len(x), len(y)); c != 0 {
		return c
	}
	return -strings.Compare(a, b) // lower case before upper
}

// class puts marks before digits before letters.
func class(r rune) int {
	switch {
	case unicode.IsDigit(r):
		return 1
	case unicode.IsLetter(r):
		return 2
	}
	return 0
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// digits cuts the leading number off, without its zeros.
func digits(s string) (number, rest string) {
	i := 0
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	return strings.TrimLeft(s[:i], "0"), s[i:]
}

// inDefaultOrder returns all rows in the kind's ordering. The result is kept
// until the next change of the table or of one that the ordering goes by.
func (s *store) inDefaultOrder(t *table) []*row {
	version := s.orderVersion(t.k)
	if kept := t.sorted.Load(); kept != nil && kept.version == version {
		return kept.rows
	}
	rows := slices.Clone(t.byID)
	s.sort(t.k.sortKeys, rows)
	t.sorted.Store(&sortedRows{version, rows})
	return rows
}

func (s *store) orderVersion(k *kind) uint64 {
	version := s.tables[k.name].version.Load()
	for _, key := range k.sortKeys {
		if key.f != nil && key.f.to != nil {
			version += s.orderVersion(key.f.to)
		}
	}
	return version
}
