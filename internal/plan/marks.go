package plan

import (
	"slices"

	"proxbox/internal/domain"
)

// Unmarked returns the kinds of parts of which some row hangs on an object of
// ours and has no sync-state row: only there does it matter whether the row
// carries our tag, which costs NetBox a request to tell.
func Unmarked(inv *domain.Inventory) []domain.Kind {
	idx := newIndex(inv)
	var out []domain.Kind
	for _, kind := range []domain.Kind{domain.KindVMInterface, domain.KindVirtualDisk, domain.KindInterface, domain.KindIPAddress} {
		t := inv.Table(kind)
		if t.Absent || t.Unknown != nil {
			continue
		}
		for r := range t.Rows() {
			if idx.stateRow(kind, r.ID) == nil && idx.onOurs(kind, r) {
				out = append(out, kind)
				break
			}
		}
	}
	return slices.Clip(out)
}

// onOurs tells whether a part hangs on a guest or node of ours, an address by
// way of its interface.
func (x *index) onOurs(kind domain.Kind, r *domain.Row) bool {
	owner := r.Ref(parentField[kind])
	if kind == domain.KindIPAddress {
		iface := x.inv.Row(owner)
		return iface != nil && x.onOurs(owner.Kind, iface)
	}
	return x.ours(owner.Kind, x.inv.Row(owner))
}
