package plan

import (
	"fmt"
	"slices"
	"strings"

	"proxbox/internal/domain"
)

// threeWay decides on a field that both Proxmox and people change: a person's
// change since our last write wins, and without a last write what NetBox has stays.
func (p *planner) threeWay(it *item, field string, now, want any) (why string, write bool) {
	base, known := p.base(it, field)
	if !known {
		p.report(Report{Outcome: Conflict, Kind: it.Kind, Key: it.Key, Label: it.Label, Field: field,
			Reason: fmt.Sprintf("NetBox has %v and Proxmox %v, and nothing says who changed it", p.show(now), p.show(want)),
			WayOut: "NetBox's value stays; change either side to the other's value"})
		return "", false
	}
	if field == "name" {
		text, _ := base.(string)
		return "renamed in Proxmox", wroteName(it, now.(string), text)
	}
	return "changed in Proxmox", domain.Equal(now, base)
}

// wroteName tells whether a name is one that we wrote for the name that
// Proxmox had then.
func wroteName(it *item, now, base string) bool {
	if it.Kind == domain.KindVirtualMachine {
		return now == base || isNumbered(now, base)
	}
	return now == base || strings.EqualFold(now, base+" ("+it.Suffix+")")
}

func isNumbered(now, base string) bool {
	return !strings.EqualFold(now, base) && isNameOf(now, base)
}

// base is what we wrote last, as the sync-state row or custom fields keep it.
func (p *planner) base(it *item, field string) (any, bool) {
	st := p.idx.stateRow(it.Kind, it.row.ID)
	switch {
	case field == "role":
		if st != nil {
			if role := st.Ref("proxmox_last_synced_role_id"); role.ID != 0 {
				return role, true
			}
		}
		return nil, domain.IsEmpty(it.row.Fields["role"])
	case it.Kind == domain.KindCluster && st != nil:
		return st.Text("proxmox_cluster_name"), st.Text("proxmox_cluster_name") != ""
	case it.Kind == domain.KindVirtualMachine && st != nil:
		return st.Text("proxmox_vm_name"), st.Text("proxmox_vm_name") != ""
	case it.Kind == domain.KindVirtualMachine:
		s := it.row.Text("cf_proxmox_vm_name")
		return s, s != ""
	}
	return nil, false
}

// baseOf names the fields of a sync-state row that keep what was last written
// to fields of its object.
var baseOf = map[string][]string{
	"proxmox_vm_name":             {"name"},
	"proxmox_cluster_name":        {"name"},
	"proxmox_last_synced_role_id": {"role"},
	"proxmox_tags":                {"tags", "add_tags", "remove_tags"},
}

// KeepsBase tells whether a field of a sync-state row keeps what was last
// written to one of the fields given: where that write was refused, the base
// must stay what it was, or the next run takes Proxmox's change for a person's.
func KeepsBase(field string, refused domain.Fields) bool {
	return slices.ContainsFunc(baseOf[field], func(f string) bool { _, ok := refused[f]; return ok })
}

// show is a value as a person reads it.
func (p *planner) show(v any) string {
	if domain.IsEmpty(v) {
		return "nothing"
	}
	ref, ok := v.(domain.Ref)
	if !ok {
		return fmt.Sprintf("%q", fmt.Sprint(v))
	}
	if row := p.Inventory.Row(ref); row != nil {
		return fmt.Sprintf("%q", nameIn(row.Fields, fmt.Sprint(ref.ID)))
	}
	if it := p.at(ref); it != nil {
		return fmt.Sprintf("%q", nameIn(it.Fields, string(ref.Key)))
	}
	return fmt.Sprintf("%s %d", ref.Kind, ref.ID)
}
