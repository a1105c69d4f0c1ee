package plan

import "proxbox/internal/domain"

// isThing tells the kinds whose objects are marked when they are gone.
func isThing(kind domain.Kind) bool {
	switch kind {
	case domain.KindVirtualMachine, domain.KindDevice, domain.KindProxmoxStorage:
		return true
	}
	return false
}

// back tells whether a bound object was marked as gone and is there again.
func (p *planner) back(it *item) bool {
	return isThing(it.Kind) && it.row != nil && p.carriesMark(it.row)
}

// statusAgain is what the sync-state row of a guest, or its custom field, says
// that is there again, while Proxmox does not tell how it is.
func (p *planner) statusAgain(it *item) {
	field := "proxmox_status"
	switch it.Kind {
	case domain.KindVMState:
	case domain.KindVirtualMachine:
		field = statusField
	default:
		return
	}
	if _, told := it.Fields[field]; !told && it.row.Text(field) == StatusGone {
		it.Fields = clone(it.Fields)
		it.Fields[field] = "unknown"
	}
}
