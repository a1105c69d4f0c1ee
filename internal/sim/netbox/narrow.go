package netboxsim

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// narrow finds through an index the rows that a query can match at all,
// ordered by id: by id, by what they refer to, by a field that is unique, by
// an address. It tells whether there was an index to use; what it returns is
// still to be held against every condition.
func (s *store) narrow(k *kind, query url.Values) (rows []*row, ok bool) {
	var best []int
	for name, values := range query {
		if slices.Contains(values, "") || slices.Contains(values, "null") {
			continue // these have a meaning of their own
		}
		if ids, found := s.indexed(k, name, values); found && (!ok || len(ids) < len(best)) {
			best, ok = ids, true
		}
	}
	if !ok {
		return nil, false
	}
	slices.Sort(best)
	for _, id := range slices.Compact(best) {
		if r := s.row(k.name, id); r != nil {
			rows = append(rows, r)
		}
	}
	return rows, true
}

// indexed are the ids that one parameter leaves, when an index knows them.
func (s *store) indexed(k *kind, name string, values []string) (ids []int, ok bool) {
	t := s.table(k.name)
	var look func(want string) []int
	fl := k.compiled[name]
	switch {
	case name == "id":
		look = numbered(func(id int) []int { return []int{id} })
	case fl == nil || fl.folded || fl.part:
		return nil, false
	case k.name == addressKind && name == "address":
		look = func(want string) []int {
			p, msg := parseAddress(want)
			if msg != "" {
				return nil
			}
			return t.hosts[p.(netip.Prefix).Addr()]
		}
	case fl.special != nil:
		at, found := places[strings.TrimSuffix(name, "_id")]
		if !found || !strings.HasSuffix(name, "_id") {
			return nil, false
		}
		look = numbered(func(id int) []int { return s.placed(t, at.part, at.owner, id) })
	case len(fl.path) != 1:
		return nil, false
	case fl.path[0].typ == tRef && fl.path[0].indexed:
		look = numbered(func(id int) []int { return t.refs[fl.path[0].slot][id] })
	case fl.path[0].typ == tText && fl.path[0].uniq:
		look = func(want string) []int {
			if id, ok := t.alone[fl.path[0].slot][want]; ok {
				return []int{id}
			}
			return nil
		}
	default:
		return nil, false
	}
	for _, want := range values {
		ids = append(ids, look(want)...)
	}
	return ids, true
}

// placed are the rows that are on an interface or, with an owner, on any
// interface of it.
func (s *store) placed(t *table, part, owner string, id int) []int {
	if owner == "" {
		return t.generic[anyKey{part, id}]
	}
	var ids []int
	for _, o := range s.referring(s.kinds[part].field(owner), id) {
		ids = append(ids, t.generic[anyKey{part, o.id}]...)
	}
	return ids
}

// numbered is a look-up by a number; what is none is refused elsewhere.
func numbered(look func(int) []int) func(string) []int {
	return func(want string) []int {
		id, err := strconv.Atoi(want)
		if err != nil {
			return nil
		}
		return look(id)
	}
}
