package netboxsim

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// The numbers that a VLAN may have.
const minVID, maxVID = 1, 4094

// vidRange is one range of VLAN numbers, both ends included.
type vidRange struct{ from, to int }

// rangesOf are the ranges of a VLAN group, in the order in which they were
// written.
func rangesOf(group *row, k *kind) []vidRange {
	raw, _ := k.get(group, "vid_ranges").(rawJSON)
	list, _ := decodeJSON(string(raw)).([]any)
	ranges := make([]vidRange, 0, len(list))
	for _, e := range list {
		if ends, ok := e.([]any); ok && len(ends) == 2 {
			from, _ := pyInt(ends[0])
			to, _ := pyInt(ends[1])
			ranges = append(ranges, vidRange{from, to})
		}
	}
	return ranges
}

// vlanRanges checks the ranges of a VLAN group: first their form, then the
// numbers in them.
func vlanRanges(d *draft) {
	const name = "vid_ranges"
	raw, _ := d.get(name).(rawJSON)
	v := decodeJSON(string(raw))
	list, ok := v.([]any)
	switch {
	case !ok:
		d.errs.set(name, map[string][]string{allKey: {fmt.Sprintf("Expected a list of items but got type %q.", pyType(v))}})
		return
	case len(list) == 0:
		d.fail(name, "This field cannot be blank.")
		return
	}
	forms := map[string][]string{}
	for i, e := range list {
		ends, ok := e.([]any)
		switch {
		case !ok || len(ends) != 2:
			forms[strconv.Itoa(i)] = []string{"Ranges must be specified in the form (lower, upper)."}
		case pyType(ends[0]) != "int" || pyType(ends[1]) != "int":
			forms[strconv.Itoa(i)] = []string{"Range boundaries must be defined as integers."}
		}
	}
	if len(forms) > 0 {
		d.errs.set(name, forms)
		return
	}
	ranges := rangesOf(d.new, d.k)
	for _, r := range ranges {
		switch {
		case r.from < minVID:
			d.fail(name, "Starting VLAN ID in range (%d) cannot be less than %d", r.from, minVID)
		case r.to > maxVID:
			d.fail(name, "Ending VLAN ID in range (%d) cannot exceed %d", r.to, maxVID)
		case r.from > r.to:
			d.fail(name, "Ending VLAN ID in range must be greater than or equal to the starting VLAN ID (%d-%d)", r.from, r.to)
		default:
			continue
		}
		return
	}
	slices.SortFunc(ranges, func(a, b vidRange) int { return a.from - b.from })
	for i := 1; i < len(ranges); i++ {
		if ranges[i].from <= ranges[i-1].to {
			d.fail(name, "Ranges cannot overlap.")
			return
		}
	}
}

// vlanGroupScope holds that kind and id of a scope are both there or both
// not, and name a site.
func vlanGroupScope(d *draft) {
	kindName, id := d.str("scope_type"), d.get("scope_id")
	switch {
	case kindName == "" && id == nil:
	case kindName == "":
		d.fail("scope_type", "Please select a scope type.")
	case id == nil:
		d.fail(allKey, "Please select a site.")
	case d.s.row(kindName, id.(int)) == nil:
		d.fail("scope_id", "Related object not found using the provided value: %d.", id)
	}
}

// vlanPlace holds a VLAN to the site and to the numbers of its group.
func vlanPlace(d *draft) {
	group := d.ref("group")
	if group == nil {
		return
	}
	k := d.s.kinds[vlanGroupKind]
	label := d.s.labelOf(vlanGroupKind, group.id)
	if site, scope := d.id("site"), k.id(group, "scope_id"); site != 0 && scope != 0 && site != scope {
		d.fail(allKey, "VLAN is assigned to group %s (scope: %s); cannot also assign to site %s.",
			label, d.s.labelOf(siteKind, scope), d.s.labelOf(siteKind, site))
		return
	}
	ranges := rangesOf(group, k)
	vid := d.id("vid")
	if slices.ContainsFunc(ranges, func(r vidRange) bool { return r.from <= vid && vid <= r.to }) {
		return
	}
	texts := make([]string, len(ranges))
	for i, r := range ranges {
		texts[i] = fmt.Sprintf("%d-%d", r.from, r.to)
	}
	d.fail("vid", "VID must be in ranges %s for VLANs in group %s", strings.Join(texts, ","), label)
}

// vlansOf is how many numbers a VLAN group has.
func vlansOf(k *kind, group *row) int {
	n := 0
	for _, r := range rangesOf(group, k) {
		n += r.to - r.from + 1
	}
	return n
}

func totalVLANs(_ *view, k *kind, b []byte, r *row) []byte {
	return strconv.AppendInt(b, int64(vlansOf(k, r)), 10)
}

// vlanUtilization is how much of a group's numbers is taken, in percent with
// at most two places.
func vlanUtilization(v *view, k *kind, b []byte, r *row) []byte {
	taken := float64(v.s.refs(vlanKind, "group", r.id)) / float64(vlansOf(k, r)) * 100
	b = append(b, '"')
	b = appendFloat(b, math.Round(taken*100)/100)
	return append(b, '"')
}
