package plan

import (
	"fmt"
	"strconv"

	"proxbox/internal/domain"
)

// guestOf is the guest of a record (a snapshot, backup or task): the wanted
// one, else one that Proxmox does not have any more and NetBox still has. The
// record then points at that.
func (p *planner) guestOf(it *item) (domain.Ref, bool) {
	ref := it.Fields["virtual_machine"].(domain.Ref)
	if ref.ID != 0 || p.at(ref) != nil {
		return p.resolve(ref)
	}
	vm := p.formerGuest(it.Identity)
	if vm == nil {
		return ref, false
	}
	ref = domain.At(domain.KindVirtualMachine, vm.ID)
	it.Fields = clone(it.Fields)
	it.Fields["virtual_machine"] = ref
	return ref, true
}

// formerGuest is the one VM of ours in a cluster that had a vmid, and is none
// of the wanted guests.
func (p *planner) formerGuest(id domain.Identity) *domain.Row {
	var found *domain.Row
	for _, vm := range p.withVMID(id.VMID) {
		if !p.free(domain.KindVirtualMachine, vm) || !p.wasGuest(vm, id) || vm == found {
			continue
		}
		if found != nil {
			return nil
		}
		found = vm
	}
	return found
}

// withVMID are the VMs of which NetBox says that they have a vmid.
func (p *planner) withVMID(vmid int) []*domain.Row {
	var out []*domain.Row
	for _, st := range p.idx.find(domain.KindVMState, strconv.Itoa(vmid)) {
		if vm := p.Inventory.Row(st.Ref("virtual_machine")); vm != nil {
			out = append(out, vm)
		}
	}
	return append(out, p.idx.find(domain.KindVirtualMachine, vmidKey(vmid))...)
}

// wasGuest tells whether NetBox says of a VM that it is, or was, the guest of a
// cluster, type and vmid; a type that is not known fits either.
func (p *planner) wasGuest(vm *domain.Row, id domain.Identity) bool {
	cluster := p.items[domain.To(domain.KindCluster, id.Cluster)]
	if vm == nil || cluster == nil || cluster.row == nil || vm.Ref("cluster").ID != cluster.row.ID {
		return false
	}
	vmid, kind := vm.Int("cf_proxmox_vm_id"), vm.Text("cf_proxmox_vm_type")
	if st := p.idx.stateRow(domain.KindVirtualMachine, vm.ID); st != nil {
		vmid, kind = st.Int("proxmox_vm_id"), st.Text("proxmox_vm_type")
	}
	return vmid == id.VMID && (kind == "" || id.Type == "" || kind == string(id.Type))
}

// backups finds backups by their volume in a storage, else, where a row names
// none, by their volume and guest. A backup of a guest that NetBox does not
// have is left out: the wish for it has told so.
func (p *planner) backups(items []*item) {
	for _, own := range []bool{true, false} {
		for _, it := range items {
			if it.state != pending {
				continue
			}
			for _, r := range p.idx.find(it.Kind, it.Fields["volume_id"].(string)) {
				if p.free(it.Kind, r) && p.isBackup(it, r, own) {
					p.bind(it, r)
					p.keepsGuest(it)
					break
				}
			}
		}
	}
	for _, it := range items {
		if it.state == pending {
			p.forGuest(it)
		}
	}
}

// isBackup tells whether a row is a wanted backup; own asks for one that names
// the storage.
func (p *planner) isBackup(it *item, r *domain.Row, own bool) bool {
	storage := p.at(it.Fields["proxmox_storage"].(domain.Ref))
	if own {
		return storage != nil && storage.row != nil && r.Ref("proxmox_storage").ID == storage.row.ID
	}
	if r.Ref("proxmox_storage").ID != 0 || r.Text("storage") != "" && r.Text("storage") != it.Fields["storage"] {
		return false
	}
	vm, ok := p.guestOf(it)
	return ok && vm.ID != 0 && r.Ref("virtual_machine") == vm
}

// keepsGuest leaves a backup with the guest that it was made of, though
// another one has its vmid now.
func (p *planner) keepsGuest(it *item) {
	if vm := p.Inventory.Row(it.row.Ref("virtual_machine")); p.wasGuest(vm, it.Identity) {
		it.Fields = clone(it.Fields)
		it.Fields["virtual_machine"] = domain.At(domain.KindVirtualMachine, vm.ID)
	}
}

// tasks finds tasks by their id, which no other task anywhere has.
func (p *planner) tasks(items []*item) {
	for _, it := range items {
		if r := first(p.idx.find(it.Kind, it.Fields["upid"].(string))); p.free(it.Kind, r) {
			p.bind(it, r)
			continue
		}
		p.forGuest(it)
	}
}

// forGuest has a record made where it has a guest to hang on.
func (p *planner) forGuest(it *item) {
	if _, ok := p.guestOf(it); ok {
		p.bind(it, nil)
		return
	}
	p.skip(it, it.Fields["virtual_machine"])
}

// jobs gives jobs their guest, where they have one, and leaves out those of an
// endpoint that the plugin does not have, which it says once.
func (p *planner) jobs(items []*item) {
	count := map[int]int{}
	for _, it := range items {
		if it.Kind == domain.KindReplication {
			p.guestOf(it)
		}
		if ref := it.Fields["endpoint"].(domain.Ref); p.Inventory.Row(ref) == nil && p.known(ref.Kind) {
			it.state = dropped
			if count[ref.ID]++; count[ref.ID] == 1 {
				p.report(Report{Outcome: Conflict, Kind: it.Kind, Key: it.Key, Label: it.Label, Field: "endpoint",
					Reason: fmt.Sprintf("the plugin keeps it, and all of its kind, with its own record of the endpoint, and has none with the id %d", ref.ID),
					WayOut: "let the plugin push its endpoints again, or take the wrong (nb:<id>) out of the endpoint's name"})
			}
		}
	}
}

// snapshotName is what the plugin lets stand once, whatever the cluster.
func snapshotName(f domain.Fields) string {
	name, _ := f["name"].(string)
	node, _ := f["node"].(string)
	vmid, _ := f["vmid"].(int)
	return fmt.Sprintf("%d/%s/%s", vmid, node, name)
}

// snapshots finds snapshots by their name within the guest, whatever node it is
// on: of several, the one on the guest's node. One whose place is taken by
// another guest of the same vmid, on a node of the same name in another
// cluster, is a conflict.
func (p *planner) snapshots(items []*item) {
	for _, it := range items {
		vm, ok := p.guestOf(it)
		if !ok {
			p.skip(it, it.Fields["virtual_machine"])
			continue
		}
		var row *domain.Row
		if vm.ID != 0 {
			for _, r := range p.idx.parts(it.Kind, vm) {
				if r.Text("name") == it.Fields["name"] && p.free(it.Kind, r) && (row == nil || r.Text("node") == it.Fields["node"]) {
					row = r
				}
			}
		}
		p.bind(it, row)
	}
	made := map[string]*item{}
	for _, it := range items {
		if it.state == dropped {
			continue
		}
		key := snapshotName(it.Fields)
		var of string
		if r := first(p.idx.find(it.Kind, key)); r != nil && r != it.row {
			of = p.show(r.Ref("virtual_machine"))
		} else if other := made[key]; other != nil {
			of = other.Label
		}
		if of != "" {
			p.conflict(it, "name", fmt.Sprintf("the plugin has a snapshot %q of guest %d on node %q already, of %s", it.Fields["name"], it.Fields["vmid"], it.Fields["node"], of),
				"the plugin lets them stand once, whatever the cluster: rename the snapshot, or change the vmid of one of the two guests")
			continue
		}
		made[key] = it
	}
}

// removeRecords plans what becomes of snapshots, backups, replications, backup
// routines and objects of the SDN that are gone from where everything was read: backups and
// snapshots are removed if the run was asked to, what has a status is marked
// stale otherwise, and all else stays.
func (p *planner) removeRecords() {
	g := vanished{owned: map[group]int{}}
	p.goneSnapshots(&g)
	p.goneBackups(&g)
	p.goneJobs()
	p.goneSDN()
	p.fuse(g.losses, g.owned)
	p.unlessBlown(func() {
		for _, c := range append(g.losses, g.rotated...) {
			p.remove(c)
		}
	})
}

// vanished are the records that are to be removed.
type vanished struct {
	owned  map[group]int
	losses []Change
	// rotated are those whose guest has a newer one of its kind: their going is
	// what retention does every day, and the fuse does not count them.
	rotated []Change
}

func (g *vanished) add(c Change, newer bool) {
	if newer {
		g.rotated = append(g.rotated, c)
	} else {
		g.losses = append(g.losses, c)
	}
}

// known tells whether NetBox has a kind and listed it whole.
func (p *planner) known(kind domain.Kind) bool {
	return !p.Inventory.Table(kind).Absent && p.unknown(kind) == nil
}

func (p *planner) goneSnapshots(g *vanished) {
	const kind = domain.KindSnapshot
	if !p.known(kind) {
		return
	}
	latest := p.latest(kind, "snaptime", func(it *item) domain.Key { return it.Owner })
	for _, vm := range p.of[domain.KindVirtualMachine] {
		if vm.state != bound {
			continue
		}
		for _, r := range p.idx.parts(kind, domain.At(vm.Kind, vm.row.ID)) {
			g.owned[group{vm.Key.Cluster(), kind}]++
			switch {
			case !p.free(kind, r) || !p.Whole[domain.PartsOf{Owner: vm.Key, Kind: kind}]:
			case !p.Removes[kind]:
				p.stale(vm, kind, r)
			case !p.needed(vm, kind, r):
				g.add(removal(vm, kind, r), r.Text("snaptime") < latest[vm.Key])
			}
		}
	}
}

func (p *planner) goneBackups(g *vanished) {
	const kind = domain.KindBackup
	if !p.known(kind) {
		return
	}
	latest := p.latest(kind, "creation_time", func(it *item) domain.Key { return inStorage(it.Fields["proxmox_storage"].(domain.Ref).Key, it.Owner) })
	storages := map[*item][]*domain.Row{}
	kept := map[*item]int{}
	for r := range p.Inventory.Table(kind).Rows() {
		storage := p.storageOf(r)
		if storage == nil {
			continue
		}
		g.owned[group{storage.Key.Cluster(), kind}]++
		if p.free(kind, r) && p.Removes[kind] && p.Whole[domain.PartsOf{Owner: storage.Key, Kind: kind}] {
			storages[storage] = append(storages[storage], r)
		} else {
			kept[storage]++
		}
	}
	for _, storage := range p.of[domain.KindProxmoxStorage] {
		rows := storages[storage]
		if kept[storage] == 0 && len(rows) > 1 && !p.OverrideFuse {
			p.report(Report{Outcome: Conflict, Kind: kind, Key: storage.Key, Label: storage.Label,
				Reason: fmt.Sprintf("it lists none of its %d backups any more, so none is removed", len(rows)),
				WayOut: "check that the storage is mounted, then run once with the fuse overridden"})
			continue
		}
		p.goneFrom(g, storage, rows, latest)
	}
}

// goneFrom plans the removal of backups that a storage does not list any more.
func (p *planner) goneFrom(g *vanished, storage *item, rows []*domain.Row, latest map[domain.Key]string) {
	for _, r := range rows {
		owner := p.taken[r.Ref("virtual_machine")]
		if owner == nil {
			owner = storage
		}
		if !p.needed(owner, domain.KindBackup, r) {
			g.add(removal(owner, domain.KindBackup, r), r.Text("creation_time") < latest[inStorage(storage.Key, owner.Key)])
		}
	}
}

// inStorage names the backups of one owner in one storage.
func inStorage(storage, owner domain.Key) domain.Key { return storage + "/" + owner }

// storageOf is the wanted storage that a backup is in: the one that its row
// points at, else the one of that name in its guest's cluster.
func (p *planner) storageOf(r *domain.Row) *item {
	if ref := r.Ref("proxmox_storage"); ref.ID != 0 {
		return p.taken[ref]
	}
	vm := p.Inventory.Row(r.Ref("virtual_machine"))
	if vm == nil {
		return nil
	}
	for _, s := range p.of[domain.KindProxmoxStorage] {
		if s.row != nil && s.row.Ref("cluster") == vm.Ref("cluster") && s.row.Text("name") == r.Text("storage") {
			return s
		}
	}
	return nil
}

// latest are the newest of the wanted objects of a kind, by what they belong to.
func (p *planner) latest(kind domain.Kind, field string, of func(*item) domain.Key) map[domain.Key]string {
	out := map[domain.Key]string{}
	for _, it := range p.of[kind] {
		if t, _ := it.Fields[field].(string); it.state != dropped && t > out[of(it)] {
			out[of(it)] = t
		}
	}
	return out
}

func removal(owner *item, kind domain.Kind, r *domain.Row) Change {
	return Change{Op: Delete, Kind: kind, ID: r.ID, Key: owner.Key, Label: owner.Label + " " + nameOf(r), Old: r.Fields, Why: "gone in Proxmox", Phase: phaseDelete}
}

// goneJobs marks what the list of an endpoint does not have any more.
func (p *planner) goneJobs() {
	for _, kind := range []domain.Kind{domain.KindReplication, domain.KindBackupRoutine} {
		if !p.known(kind) {
			continue
		}
		for _, cluster := range p.of[domain.KindCluster] {
			if !p.Whole[domain.PartsOf{Owner: cluster.Key, Kind: kind}] {
				continue
			}
			for _, pk := range cluster.Identity.PluginIDs {
				for _, r := range p.idx.parts(kind, domain.At(domain.KindProxmoxEndpoint, pk)) {
					if p.free(kind, r) {
						p.stale(cluster, kind, r)
					}
				}
			}
		}
	}
}

// stale says of a row that Proxmox does not have what it is about any more.
func (p *planner) stale(owner *item, kind domain.Kind, r *domain.Row) {
	if r.Text("status") == "stale" || p.spared(owner, kind, r) {
		return
	}
	p.plan.Changes = append(p.plan.Changes, Change{Op: Update, Kind: kind, ID: r.ID, Key: owner.Key + "/" + domain.Key(strconv.Itoa(r.ID)),
		Label: owner.Label + " " + nameOf(r), Set: domain.Fields{"status": "stale"}, Old: domain.Fields{"status": r.Fields["status"]},
		Why: "gone in Proxmox", Phase: phaseOf(kind)})
}
