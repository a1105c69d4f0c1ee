package netboxsim

import (
	"fmt"
	"slices"
	"strings"
)

func (d *draft) readTags(v any) {
	if v == nil {
		d.fail("tags", msgNull)
		return
	}
	list, ok := v.([]any)
	if !ok {
		d.errs.set("tags", map[string][]string{allKey: {fmt.Sprintf("Expected a list of items but got type %q.", pyType(v))}})
		return
	}
	ids, msg := d.s.tagIDs(list)
	if msg != "" {
		d.fail("tags", "%s", msg)
		return
	}
	d.new.tags = ids
}

func (s *store) tagIDs(list []any) ([]int, string) {
	ids := make([]int, 0, len(list))
	for _, e := range list {
		id, msg := s.lookup(s.kinds[tagKind], e)
		if msg != "" {
			return nil, msg
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return slices.Compact(ids), ""
}

// readTagDelta reads add_tags or remove_tags. NetBox does not catch a tag
// that is not there.
func (d *draft) readTagDelta(in map[string]any, name string) []int {
	v, ok := in[name]
	if !ok || !d.errs.empty() || d.stop != nil {
		return nil
	}
	list, ok := v.([]any)
	if !ok {
		d.fail(allKey, "Expected a list of items but got type %q.", pyType(v))
		return nil
	}
	ids, msg := d.s.tagIDs(list)
	if msg != "" {
		d.stop = d.s.crash("ValidationError", "['"+msg+"']")
	}
	return ids
}

// applyTagDeltas works add_tags and remove_tags into the draft.
func (d *draft) applyTagDeltas() {
	if d.given["tags"] && len(d.new.tags) > 0 && (len(d.addTags) > 0 || len(d.dropTags) > 0) {
		d.fail("tags", `Cannot specify "tags" together with "add_tags" or "remove_tags".`)
		return
	}
	if d.adding() && len(d.dropTags) > 0 {
		d.fail("remove_tags", `Cannot use "remove_tags" when creating a new object.`)
		return
	}
	var both []string
	for _, id := range d.addTags {
		if slices.Contains(d.dropTags, id) {
			both = append(both, d.s.labelOf(tagKind, id))
		}
	}
	if len(both) > 0 {
		d.fail("remove_tags", `Tags may not be present in both "add_tags" and "remove_tags": %s`, strings.Join(both, ", "))
		return
	}
	if len(d.addTags) == 0 && len(d.dropTags) == 0 {
		return
	}
	tags := append(slices.Clone(d.new.tags), d.addTags...)
	tags = slices.DeleteFunc(tags, func(id int) bool { return slices.Contains(d.dropTags, id) })
	slices.Sort(tags)
	d.new.tags = slices.Compact(tags)
}
