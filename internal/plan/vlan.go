package plan

import (
	"slices"

	"proxbox/internal/domain"
)

// sameVLANs tells whether the VLANs that an interface has in NetBox are the
// wanted ones, by their numbers: which of several VLANs of one number it is, one
// of a group for instance, a person may choose. One of another site is not the
// same, for NetBox does not take it.
func (p *planner) sameVLANs(field string, current, want any) bool {
	if field != "untagged_vlan" && field != "tagged_vlans" {
		return false
	}
	now, wanted := refsOf(current), refsOf(want)
	if len(now) == 0 || len(now) != len(wanted) {
		return false
	}
	sites := map[int]domain.Ref{}
	for _, r := range wanted {
		f := p.fieldsOf(r)
		vid, _ := f["vid"].(int)
		v, _ := p.value(f["site"])
		sites[vid], _ = v.(domain.Ref)
	}
	return !slices.ContainsFunc(now, func(r domain.Ref) bool {
		f := p.fieldsOf(r)
		vid, _ := f["vid"].(int)
		site, wanted := sites[vid]
		delete(sites, vid)
		return !wanted || !domain.IsEmpty(f["site"]) && !domain.Equal(f["site"], site)
	})
}

func refsOf(v any) domain.Refs {
	switch v := v.(type) {
	case domain.Refs:
		return v
	case domain.Ref:
		if !domain.IsEmpty(v) {
			return domain.Refs{v}
		}
	}
	return nil
}

// fieldsOf are the fields of what a reference points at, be it in NetBox or
// still to be made.
func (p *planner) fieldsOf(r domain.Ref) domain.Fields {
	if row := p.Inventory.Row(r); row != nil {
		return row.Fields
	}
	if it := p.at(r); it != nil {
		return it.Fields
	}
	return nil
}
