package plan

import (
	"slices"
	"strconv"
	"strings"

	"proxbox/internal/domain"
)

// namesEndpoint tells whether a sync-state row says that its object is read by
// one of the endpoints: by the plugin's own row, else by our row id.
func namesEndpoint(st *domain.Row, id domain.Identity) bool {
	if endpoint := st.Ref("endpoint").ID; endpoint != 0 {
		return slices.Contains(id.PluginIDs, endpoint)
	}
	raw := st.Int("proxmox_endpoint_raw_id")
	return raw != 0 && slices.Contains(id.Endpoints, raw)
}

// states are the sync-state rows that may be the guest's, with their VMs.
func (p *planner) states(it *item, accept func(st, vm *domain.Row) bool) *domain.Row {
	var former *domain.Row // one that was marked as gone may be there again
	for _, st := range p.idx.find(domain.KindVMState, strconv.Itoa(it.Identity.VMID)) {
		vm := p.Inventory.Row(st.Ref("virtual_machine"))
		if t := st.Text("proxmox_vm_type"); !p.free(domain.KindVirtualMachine, vm) || t != "" && t != string(it.Identity.Type) {
			continue
		}
		switch {
		case anotherGuest(it.Identity, vm), !accept(st, vm):
		case !p.marked(domain.KindVirtualMachine, vm):
			return vm
		case former == nil:
			former = vm
		}
	}
	return former
}

// guestByEndpoint: its row names our endpoint's row in the plugin, wherever
// somebody put the VM.
func (p *planner) guestByEndpoint(it *item) *domain.Row {
	cluster := p.clusterRow(it)
	return p.states(it, func(st, vm *domain.Row) bool {
		if st.Ref("endpoint").ID == 0 {
			return cluster != 0 && vm.Ref("cluster").ID == cluster && namesEndpoint(st, it.Identity)
		}
		return namesEndpoint(st, it.Identity)
	})
}

// guestInCluster: its row has the vmid, and the VM stands in our cluster.
func (p *planner) guestInCluster(it *item) *domain.Row {
	cluster := p.clusterRow(it)
	if cluster == 0 {
		return nil
	}
	return p.states(it, func(st, vm *domain.Row) bool { return vm.Ref("cluster").ID == cluster && !p.ofAnother(it, st) })
}

// guestByBackend: its row has the id of our endpoint in the backend. Where the
// VM stands in another cluster of ours, the name has to agree: ids of backends
// begin anew, and the Python service put clusters of one name together.
func (p *planner) guestByBackend(it *item) *domain.Row {
	return p.states(it, func(st, vm *domain.Row) bool {
		return namesEndpoint(st, it.Identity) && (!p.inOtherCluster(it, vm) || isNameOf(vm.Text("name"), it.Identity.Name))
	})
}

// guestByCustomField is the identity of release 0.0.15: vmid, type and, where
// the VM was taken out of its cluster, the cluster's name.
func (p *planner) guestByCustomField(it *item) *domain.Row {
	cluster, name := p.clusterRow(it), ""
	if c := p.at(it.Fields["cluster"].(domain.Ref)); c != nil {
		name = c.Identity.Name
	}
	var second, former *domain.Row
	for _, vm := range p.idx.find(domain.KindVirtualMachine, vmidKey(it.Identity.VMID)) {
		if t := vm.Text("cf_proxmox_vm_type"); !p.free(domain.KindVirtualMachine, vm) || t != "" && t != string(it.Identity.Type) {
			continue
		}
		if p.idx.stateRow(domain.KindVirtualMachine, vm.ID) != nil || anotherGuest(it.Identity, vm) {
			continue
		}
		switch {
		case cluster != 0 && vm.Ref("cluster").ID == cluster && p.marked(domain.KindVirtualMachine, vm):
			former = vm
		case cluster != 0 && vm.Ref("cluster").ID == cluster:
			return vm
		case vm.Text("cf_proxmox_cluster") == name && !p.idx.ours(domain.KindCluster, p.Inventory.Row(vm.Ref("cluster"))):
			second = vm
		}
	}
	if former != nil {
		return former
	}
	return second
}

// guestCutOff finds the VM that a run made which ended before it wrote the
// guest's identity: ours, in our cluster, without one, and with its uuid.
func (p *planner) guestCutOff(it *item) *domain.Row {
	if it.Identity.UUID == "" {
		return nil
	}
	return p.unidentified(it, lowerKey("uuid", it.Identity.UUID))
}

// guestHandedOver finds a VM that a person tagged as ours, or that a run made
// which was cut off: the same name, numbered or not, in our cluster or in
// none, and no identity yet.
func (p *planner) guestHandedOver(it *item) *domain.Row {
	for _, key := range []string{"name", "numbered"} {
		if vm := p.unidentified(it, lowerKey(key, it.Identity.Name)); vm != nil {
			return vm
		}
	}
	return p.handedOver(it, it.Identity.Name)
}

// unidentified finds a VM of ours in the item's cluster that no identity speaks for.
func (p *planner) unidentified(it *item, key string) *domain.Row {
	cluster := p.clusterRow(it)
	if cluster == 0 {
		return nil
	}
	for _, vm := range p.idx.find(domain.KindVirtualMachine, key) {
		if vm.Ref("cluster").ID != cluster || !p.freeOurs(domain.KindVirtualMachine, vm) || p.idx.identified(domain.KindVirtualMachine, vm) {
			continue
		}
		if uuid := vm.Text("cf_proxmox_uuid"); uuid != "" && it.Identity.UUID != "" && !strings.EqualFold(uuid, it.Identity.UUID) {
			continue // another guest of that name
		}
		return vm
	}
	return nil
}

// roles gives guests the role that the plugin's row of their node names, else
// that of their endpoint.
func (p *planner) roles(items []*item) {
	for _, it := range items {
		role := p.defaultRole(it)
		if role.ID == 0 || it.Asked["role"] {
			continue
		}
		it.Fields = clone(it.Fields)
		it.Fields["role"] = role
		if st := p.items[domain.To(domain.KindVMState, it.Key)]; st != nil {
			st.Fields = clone(st.Fields)
			st.Fields["proxmox_last_synced_role_id"] = role
		}
	}
}

func (p *planner) defaultRole(it *item) domain.Ref {
	field := "default_role_" + string(it.Identity.Type)
	device, _ := it.Fields["device"].(domain.Ref)
	if node := p.items[domain.To(domain.KindProxmoxNode, device.Key)]; node != nil && node.row != nil {
		if role := node.row.Ref(field); role.ID != 0 {
			return role
		}
	}
	for _, pk := range it.Identity.PluginIDs {
		if row := p.Inventory.Row(domain.At(domain.KindProxmoxEndpoint, pk)); row != nil && row.Ref(field).ID != 0 {
			return row.Ref(field)
		}
	}
	return domain.Ref{}
}

// isNameOf tells whether a name in NetBox is the name in Proxmox, or that name
// with the number that told it from an equal one.
func isNameOf(now, plain string) bool {
	if strings.EqualFold(now, plain) {
		return true
	}
	m := numbered.FindStringSubmatch(now)
	if m == nil {
		return false
	}
	if strings.EqualFold(m[1], plain) {
		return true
	}
	n, err := strconv.Atoi(m[2])
	return err == nil && strings.EqualFold(now, withNumber(plain, n))
}
