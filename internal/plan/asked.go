package plan

import (
	"fmt"
	"maps"
	"slices"

	"proxbox/internal/domain"
)

// asked leaves out what somebody asked for by an id that NetBox does not have.
func (p *planner) asked(items []*item) {
	for _, it := range items {
		for _, field := range slices.Sorted(maps.Keys(it.Asked)) {
			ref, _ := it.Fields[field].(domain.Ref)
			if _, ok := p.resolve(ref); ok {
				continue
			}
			it.Fields, it.Asked = clone(it.Fields), maps.Clone(it.Asked)
			delete(it.Fields, field)
			delete(it.Asked, field)
			p.report(Report{Outcome: Conflict, Kind: it.Kind, Key: it.Key, Label: it.Label, Field: field,
				Reason: fmt.Sprintf("its notes in Proxmox ask for %s %d, which NetBox does not have", field, ref.ID),
				WayOut: "correct the netbox-metadata block in the guest's notes"})
		}
	}
}
