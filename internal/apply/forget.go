package apply

import (
	"maps"

	"proxbox/internal/domain"
	"proxbox/internal/plan"
)

// removed ends removals. What NetBox removed with them leaves the inventory at
// the end of the phase: to find it, all of the inventory is looked through,
// which once a batch would cost a night's retention minutes. a.mu is held.
func (a *applier) removed(entries []entry) {
	for _, e := range entries {
		ref := domain.At(e.change.Kind, e.id())
		a.inv.Table(ref.Kind).Delete(ref.ID)
		a.gone[ref] = true
		a.end(e.change, nil)
	}
}

// forget takes out of the inventory what NetBox removed together with what is
// gone: addresses and MACs of an interface, sync-state rows.
func (a *applier) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for gone := a.gone; len(gone) > 0; {
		gone = a.orphans(gone)
		for ref := range gone {
			a.inv.Table(ref.Kind).Delete(ref.ID)
		}
	}
	clear(a.gone)
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
