package plan

import (
	"fmt"
	"strings"

	"proxbox/internal/domain"
)

// anotherGuest tells whether a VM is a guest that had the same vmid before: its
// uuid and the moment at which it was made are both known and both others
// (rules.md 4). What is not known makes no other guest.
func anotherGuest(id domain.Identity, vm *domain.Row) bool {
	uuid, at := vm.Text("cf_proxmox_uuid"), vm.Int("cf_proxmox_created_at")
	return id.UUID != "" && uuid != "" && !strings.EqualFold(uuid, id.UUID) && id.CreatedAt != 0 && at != 0 && int64(at) != id.CreatedAt
}

// guestMoved finds the VM of a guest that left its place for this one: the one
// object of ours with its uuid, whose old place was read whole in this run and
// does not have it any more.
func (p *planner) guestMoved(it *item) *domain.Row {
	vm := p.sameUUID(it)
	if vm == nil || !p.free(it.Kind, vm) || !p.leftItsPlace(it, vm) {
		return nil
	}
	it.moved = true
	return vm
}

// sameUUID is the one VM of ours with a guest's uuid, if no other wanted guest
// has it; nil when there is none, or more than one of either.
func (p *planner) sameUUID(it *item) *domain.Row {
	var found *domain.Row
	for _, vm := range p.withUUID(it.Identity.UUID) {
		if found != nil {
			return nil
		}
		found = vm
	}
	if found == nil || p.uuids()[strings.ToLower(it.Identity.UUID)] > 1 {
		return nil
	}
	return found
}

// uuids counts the wanted guests with each uuid.
func (p *planner) uuids() map[string]int {
	if p.uuidCount == nil {
		p.uuidCount = map[string]int{}
		for _, it := range p.of[domain.KindVirtualMachine] {
			p.uuidCount[strings.ToLower(it.Identity.UUID)]++
		}
	}
	return p.uuidCount
}

// withUUID are the VMs of ours with a uuid.
func (p *planner) withUUID(uuid string) []*domain.Row {
	if uuid == "" {
		return nil
	}
	var out []*domain.Row
	for _, vm := range p.idx.find(domain.KindVirtualMachine, lowerKey("uuid", uuid)) {
		if p.idx.ours(domain.KindVirtualMachine, vm) {
			out = append(out, vm)
		}
	}
	return out
}

// leftItsPlace tells whether the guest that a VM was is not where it was, by a
// reading that is whole.
func (p *planner) leftItsPlace(it *item, vm *domain.Row) bool {
	was := p.identityOf(vm)
	cluster := p.clusterOfThing(domain.KindVirtualMachine, vm)
	if cluster == nil || was.VMID == 0 || was.Type != it.Identity.Type || p.Things.Present == nil ||
		!p.Whole[domain.PartsOf{Owner: cluster.Key, Kind: domain.KindVirtualMachine}] {
		return false
	}
	place := domain.To(domain.KindVirtualMachine, cluster.Key+"/"+domain.Key(was.Type)+"/"+domain.Key(fmt.Sprint(was.VMID)))
	if !p.Things.Present[place] {
		return true
	}
	holder := p.items[place]
	return holder != nil && anotherGuest(holder.Identity, vm)
}

// clusterAgain takes the sync-state row of a guest along that another endpoint
// reads now: the plugin fills its cluster in while it is empty, and refuses the
// row while it is another endpoint's.
func (p *planner) clusterAgain(it *item) {
	if it.Kind != domain.KindVMState {
		return
	}
	link := p.Inventory.Row(it.row.Ref("proxmox_cluster"))
	endpoint, _ := it.Fields["endpoint"].(domain.Ref)
	if link == nil || endpoint.ID == 0 || link.Ref("endpoint") == endpoint {
		return
	}
	it.Fields = clone(it.Fields)
	it.Fields["proxmox_cluster"] = nil
	node, _ := it.Fields["proxmox_node"].(domain.Ref)
	if n := p.at(node); n != nil && n.row != nil && n.row.Ref("proxmox_cluster").ID != 0 {
		it.Fields["proxmox_cluster"] = n.row.Ref("proxmox_cluster")
	}
}

// reportTwins says once, when a guest is made, that another VM of ours has its
// uuid and nothing proves that it moved.
func (p *planner) reportTwins(items []*item) {
	for _, it := range items {
		if it.state != fresh {
			continue
		}
		if all := p.withUUID(it.Identity.UUID); len(all) > 0 {
			p.report(Report{Outcome: Conflict, Kind: it.Kind, Key: it.Key, Label: it.Label, Field: "cf_proxmox_uuid",
				Reason: fmt.Sprintf("the virtual machine %q in NetBox has the same uuid, and that it moved is not proved; ours is made beside it", all[0].Text("name")),
				WayOut: "if it is the same guest, remove one of the two in NetBox; if it is a copy, give it a uuid of its own in Proxmox (smbios1)"})
		}
	}
}
