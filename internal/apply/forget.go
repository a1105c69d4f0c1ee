package apply

import (
	"maps"

	"proxbox/internal/domain"
	"proxbox/internal/plan"
)

// removed ends removals and takes out of the inventory what NetBox removed
// with them: addresses and MACs of an interface, sync-state rows. a.mu is held.
func (a *applier) removed(entries []entry) {
	gone := map[domain.Ref]bool{}
	for _, e := range entries {
		gone[domain.At(e.change.Kind, e.id())] = true
		a.end(e.change, nil)
	}
	for len(gone) > 0 {
		for ref := range gone {
			a.inv.Table(ref.Kind).Delete(ref.ID)
		}
		gone = a.orphans(gone)
	}
}

// orphans are the rows that hang on what is gone. What merely points there
// points at nothing from now on.
func (a *applier) orphans(gone map[domain.Ref]bool) map[domain.Ref]bool {
	orphans := map[domain.Ref]bool{}
	for _, kind := range a.inv.Kinds() {
		table, owner := a.inv.Table(kind), plan.HangsOn(kind)
		for row := range table.Rows() {
			for field, v := range row.Fields {
				ref, ok := v.(domain.Ref)
				switch {
				case !ok || !gone[ref]:
				case field == owner:
					orphans[domain.At(kind, row.ID)] = true
				default:
					row.Fields = maps.Clone(row.Fields)
					row.Fields[field] = nil
				}
			}
		}
	}
	return orphans
}
