package plan

import (
	"fmt"
	"slices"
	"strings"

	"proxbox/internal/domain"
)

// match binds a wanted object to the row that is it, by the rules of its kind
// (rules.md 4), or leaves it to be made.
func (p *planner) match(it *item) {
	switch it.Kind {
	case domain.KindSite:
		p.bind(it, p.site(it))
	case domain.KindTenant:
		p.bind(it, p.named(it))
	case domain.KindCluster:
		p.bind(it, p.cluster(it))
	case domain.KindDevice:
		p.bind(it, p.device(it))
	case domain.KindVirtualMachine:
		p.bind(it, p.guest(it))
	case domain.KindVLAN:
		site, ok := p.value(it.Fields["site"])
		if !ok {
			it.state = dropped
			return
		}
		ref, _ := site.(domain.Ref)
		if ref.ID == 0 && ref.Key != "" {
			it.state = fresh
			return
		}
		p.bind(it, first(p.idx.find(it.Kind, vlanName(it.Fields["vid"].(int), ref))))
	case domain.KindProxmoxCluster, domain.KindProxmoxNode:
		p.bind(it, p.pluginRow(it))
	case domain.KindVMInterface, domain.KindInterface, domain.KindVirtualDisk:
		p.part(it, "name")
	case domain.KindMACAddress:
		p.mac(it)
	case domain.KindIPAddress:
		p.address(it)
	default:
		if field, ok := stateOf[it.Kind]; ok {
			p.stateRow(it, field)
			return
		}
		if field, ok := naturalKey[it.Kind]; ok {
			p.part(it, field...)
			return
		}
		p.bind(it, p.named(it))
	}
}

// naturalKey names the fields that, within their parent, tell a plugin row.
var naturalKey = map[domain.Kind][]string{
	domain.KindProxmoxStorage:     {"name"},
	domain.KindSnapshot:           {"name"},
	domain.KindBackup:             {"volume_id"},
	domain.KindTaskHistory:        {"upid"},
	domain.KindReplication:        {"replication_id"},
	domain.KindBackupRoutine:      {"job_id"},
	domain.KindCloudInit:          {},
	domain.KindGuestInterface:     {"name"},
	domain.KindGuestInterfaceAddr: {"ip_address"},
}

// bind takes the row found, or decides what happens without one.
func (p *planner) bind(it *item, row *domain.Row) {
	switch {
	case it.state == dropped:
	case row != nil:
		it.state, it.row = bound, row
	case it.Mode == domain.Manage:
		it.state = fresh
	default:
		it.state = dropped
		if it.Kind == domain.KindSite || it.Kind == domain.KindTenant {
			it.why = fmt.Sprintf("the configured %s was not found in NetBox", it.Label)
			p.report(Report{Outcome: Failed, Kind: it.Kind, Key: it.Key, Label: it.Label, Reason: it.why,
				WayOut: "choose one that exists in the endpoint's placement, or empty it"})
		}
	}
}

func first(rows []*domain.Row) *domain.Row {
	if len(rows) == 0 {
		return nil
	}
	return rows[0]
}

// named finds shared vocabulary: by id, then slug, then name.
func (p *planner) named(it *item) *domain.Row {
	if id, _ := it.Fields["id"].(int); id != 0 {
		return p.Inventory.Table(it.Kind).Get(id)
	}
	for _, field := range []string{"slug", "name", "model"} {
		if s, _ := it.Fields[field].(string); s != "" {
			if r := first(p.idx.find(it.Kind, lowerKey(field, s))); r != nil {
				return r
			}
		}
	}
	return nil
}

// site is where the cluster is: a person who moved it there decided.
func (p *planner) site(it *item) *domain.Row {
	if c := p.items[domain.To(domain.KindCluster, it.Owner)]; c != nil && c.row != nil {
		if scope := c.row.Ref("scope"); scope.Kind == domain.KindSite {
			if r := p.Inventory.Row(scope); r != nil {
				return r
			}
		}
	}
	row := p.named(it)
	if it.Mode == domain.Existing || !p.elsewhere(it, row) {
		return row
	}
	suffixed(it, "name")
	it.Fields["slug"] = it.Fields["slug"].(string) + "-" + slugOf(it.Suffix)
	return p.named(it)
}

// elsewhere tells whether a default site is another cluster's of ours already.
func (p *planner) elsewhere(it *item, row *domain.Row) bool {
	for _, other := range p.order {
		if other.Kind != domain.KindSite || other == it || other.Mode != domain.Manage {
			continue
		}
		if other.state == bound && row != nil && other.row == row || other.state == fresh && other.Fields["slug"] == it.Fields["slug"] {
			return true
		}
	}
	if row == nil {
		return false
	}
	for c := range p.Inventory.Table(domain.KindCluster).Rows() {
		if c.Ref("scope") == domain.At(domain.KindSite, row.ID) && p.idx.ours(domain.KindCluster, c) && !p.isWanted(c) {
			return true
		}
	}
	return false
}

// isWanted tells whether a cluster row is one of this plan's clusters.
func (p *planner) isWanted(row *domain.Row) bool {
	return p.taken[domain.At(domain.KindCluster, row.ID)] != nil
}

func suffixed(it *item, field string) {
	it.Fields = clone(it.Fields)
	it.Fields[field] = it.Fields[field].(string) + " (" + it.Suffix + ")"
}

func clone(f domain.Fields) domain.Fields {
	out := make(domain.Fields, len(f))
	for k, v := range f {
		out[k] = v
	}
	return out
}

func slugOf(s string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			b.WriteRune(r)
		} else if b.Len() > 0 && !strings.HasSuffix(b.String(), "-") {
			b.WriteByte('-')
		}
	}
	return strings.Trim(b.String(), "-")
}

// bindClusters finds the clusters first: where they are decides the sites.
func (p *planner) bindClusters() {
	var clusters []*item
	for _, it := range p.order {
		if it.Kind == domain.KindCluster {
			clusters = append(clusters, it)
		}
	}
	// The plugin's own link is certain; names are tried when all links are known.
	for _, it := range clusters {
		if row := p.linkedCluster(it); row != nil && p.taken[domain.At(it.Kind, row.ID)] == nil {
			it.row = row
			p.taken[domain.At(it.Kind, row.ID)] = it
		}
	}
	for _, it := range clusters {
		if it.row == nil {
			if row := p.namedCluster(it); row != nil {
				it.row = row
				p.taken[domain.At(it.Kind, row.ID)] = it
			}
		}
	}
}

func (p *planner) cluster(it *item) *domain.Row { return it.row }

// linkedCluster follows proxmox-clusters.netbox_cluster of the endpoints.
func (p *planner) linkedCluster(it *item) *domain.Row {
	for _, pk := range it.Identity.PluginIDs {
		for _, r := range p.idx.parts(domain.KindProxmoxCluster, domain.At(domain.KindProxmoxEndpoint, pk)) {
			if row := p.Inventory.Row(r.Ref("netbox_cluster")); p.idx.ours(domain.KindCluster, row) {
				return row
			}
		}
	}
	return nil
}

// namedCluster finds a cluster of ours by name that no other endpoint claims.
func (p *planner) namedCluster(it *item) *domain.Row {
	plain := it.Fields["name"].(string)
	for _, name := range []string{plain + " (" + it.Suffix + ")", plain} {
		for _, r := range p.idx.find(domain.KindCluster, lowerKey("name", name)) {
			if p.idx.ours(domain.KindCluster, r) && p.taken[domain.At(domain.KindCluster, r.ID)] == nil && !p.claimedByOther(it, r) {
				return r
			}
		}
	}
	return nil
}

// claimedByOther tells whether another endpoint's plugin row, or the guests'
// sync-state rows, say that a cluster is read by other endpoints than ours.
func (p *planner) claimedByOther(it *item, row *domain.Row) bool {
	ref := domain.At(domain.KindCluster, row.ID)
	for r := range p.Inventory.Table(domain.KindProxmoxCluster).Rows() {
		if r.Ref("netbox_cluster") == ref && !slices.Contains(it.Identity.PluginIDs, r.Ref("endpoint").ID) {
			return true
		}
	}
	if st := p.idx.stateRow(domain.KindCluster, row.ID); st != nil {
		if link := p.Inventory.Row(st.Ref("proxmox_cluster")); link != nil {
			return !slices.Contains(it.Identity.PluginIDs, link.Ref("endpoint").ID)
		}
	}
	return false
}

// device finds a node's device: by the plugin's link, by its sync-state row,
// then by our tag and its name within the cluster.
func (p *planner) device(it *item) *domain.Row {
	free := func(r *domain.Row) bool {
		return r != nil && p.taken[domain.At(domain.KindDevice, r.ID)] == nil && p.idx.ours(domain.KindDevice, r)
	}
	for _, pk := range it.Identity.PluginIDs {
		for _, n := range p.idx.parts(domain.KindProxmoxNode, domain.At(domain.KindProxmoxEndpoint, pk)) {
			if n.Text("name") == it.Identity.Name {
				if r := p.Inventory.Row(n.Ref("netbox_device")); free(r) {
					return r
				}
			}
		}
	}
	c := p.at(it.Fields["cluster"].(domain.Ref))
	if c == nil || c.row == nil {
		return p.handedOver(it, free)
	}
	rows := p.idx.parts(domain.KindDevice, domain.At(domain.KindCluster, c.row.ID))
	for _, r := range rows {
		if st := p.idx.stateRow(domain.KindDevice, r.ID); st != nil && st.Text("proxmox_node_name") == it.Identity.Name && free(r) {
			return r
		}
	}
	plain := it.Fields["name"].(string)
	for _, name := range []string{plain, plain + " (" + it.Suffix + ")"} {
		for _, r := range rows {
			st := p.idx.stateRow(domain.KindDevice, r.ID)
			if strings.EqualFold(r.Text("name"), name) && free(r) && (st == nil || st.Text("proxmox_node_name") == "") {
				return r
			}
		}
	}
	return p.handedOver(it, free)
}

// handedOver finds an object that a person tagged as ours: of the same name,
// in no cluster yet, and without another identity.
func (p *planner) handedOver(it *item, free func(*domain.Row) bool) *domain.Row {
	name, _ := it.Fields["name"].(string)
	for _, r := range p.idx.find(it.Kind, lowerKey("name", name)) {
		if free(r) && r.Ref("cluster").ID == 0 && p.idx.stateRow(it.Kind, r.ID) == nil {
			return r
		}
	}
	return nil
}

// guest finds a guest by (cluster, type, vmid).
func (p *planner) guest(it *item) *domain.Row {
	id := it.Identity
	cluster := 0
	if c := p.at(it.Fields["cluster"].(domain.Ref)); c != nil {
		if c.state == dropped {
			p.skip(it, it.Fields["cluster"])
			return nil
		}
		if c.row != nil {
			cluster = c.row.ID
		}
	}
	free := func(r *domain.Row) bool {
		return r != nil && p.taken[domain.At(domain.KindVirtualMachine, r.ID)] == nil
	}
	var second *domain.Row
	for _, st := range p.idx.find(domain.KindVMState, fmt.Sprint(id.VMID)) {
		vm := p.Inventory.Row(st.Ref("virtual_machine"))
		if t := st.Text("proxmox_vm_type"); !free(vm) || t != "" && t != string(id.Type) {
			continue
		}
		if cluster != 0 && vm.Ref("cluster").ID == cluster {
			return vm
		}
		// Its row names our endpoint though somebody took it out of the cluster.
		if endpoint := st.Ref("endpoint").ID; slices.Contains(id.PluginIDs, endpoint) ||
			endpoint == 0 && cluster != 0 && slices.Contains(id.Endpoints, st.Int("proxmox_endpoint_raw_id")) && !p.ofOtherCluster(vm) {
			second = vm
		}
	}
	if second != nil || cluster == 0 {
		return second
	}
	for _, vm := range p.idx.parts(domain.KindVirtualMachine, domain.At(domain.KindCluster, cluster)) {
		if vm.Int("cf_proxmox_vm_id") == id.VMID && free(vm) && p.idx.stateRow(domain.KindVirtualMachine, vm.ID) == nil {
			if t := vm.Text("cf_proxmox_vm_type"); t == "" || t == string(id.Type) {
				return vm
			}
		}
	}
	// Tagged by a person to hand it over: the same name, and no identity yet.
	for _, vm := range p.idx.parts(domain.KindVirtualMachine, domain.At(domain.KindCluster, cluster)) {
		if free(vm) && p.idx.ours(domain.KindVirtualMachine, vm) && strings.EqualFold(vm.Text("name"), id.Name) &&
			p.idx.stateRow(domain.KindVirtualMachine, vm.ID) == nil && vm.Int("cf_proxmox_vm_id") == 0 {
			return vm
		}
	}
	return p.handedOver(it, func(r *domain.Row) bool {
		return free(r) && p.idx.ours(domain.KindVirtualMachine, r) && r.Int("cf_proxmox_vm_id") == 0
	})
}

// ofOtherCluster tells whether a VM stands in another cluster of ours.
func (p *planner) ofOtherCluster(vm *domain.Row) bool {
	return p.idx.ours(domain.KindCluster, p.Inventory.Row(vm.Ref("cluster")))
}

// pluginRow finds the plugin's own record of a cluster or node.
func (p *planner) pluginRow(it *item) *domain.Row {
	var rows []*domain.Row
	for _, pk := range it.Identity.PluginIDs {
		rows = append(rows, p.idx.parts(it.Kind, domain.At(domain.KindProxmoxEndpoint, pk))...)
	}
	for _, r := range rows {
		if r.Text("name") == it.Identity.Name {
			return r
		}
	}
	if it.Kind == domain.KindProxmoxCluster && len(rows) == 1 {
		return rows[0]
	}
	return nil
}

// part finds a part by its natural key within its parent.
func (p *planner) part(it *item, fields ...string) {
	parent, ok := p.value(it.Fields[parentField[it.Kind]])
	owner, _ := parent.(domain.Ref)
	if !ok {
		p.skip(it, it.Fields[parentField[it.Kind]])
		return
	}
	if owner.ID == 0 {
		it.state = fresh
		return
	}
	rows := p.idx.parts(it.Kind, owner)
	for _, r := range rows {
		if p.taken[domain.At(it.Kind, r.ID)] == nil && p.sameKey(it, r, fields) {
			p.bind(it, r)
			return
		}
	}
	if it.Kind == domain.KindVMInterface {
		if r := p.renamed(it, rows); r != nil {
			p.bind(it, r)
			return
		}
	}
	p.bind(it, nil)
}

func (p *planner) sameKey(it *item, r *domain.Row, fields []string) bool {
	for _, f := range fields {
		v, _ := p.value(it.Fields[f])
		if !domain.Equal(r.Fields[f], v) {
			return false
		}
	}
	return true
}

// renamed finds the one interface of ours that has the wanted MAC and a name
// that is no longer wanted.
func (p *planner) renamed(it *item, rows []*domain.Row) *domain.Row {
	mac := p.items[domain.To(domain.KindMACAddress, it.Key)]
	if mac == nil {
		return nil
	}
	var found *domain.Row
	for _, r := range rows {
		if p.taken[domain.At(it.Kind, r.ID)] != nil || !p.idx.ours(it.Kind, r) || p.nameWanted(it, r.Text("name")) {
			continue
		}
		for _, m := range p.idx.parts(domain.KindMACAddress, domain.At(it.Kind, r.ID)) {
			if m.Text("mac_address") == mac.Fields["mac_address"] {
				if found != nil && found != r {
					return nil
				}
				found = r
			}
		}
	}
	return found
}

func (p *planner) nameWanted(it *item, name string) bool {
	for _, other := range p.order {
		if other.Kind == it.Kind && other.Owner == it.Owner && other.Fields["name"] == name {
			return true
		}
	}
	return false
}

// mac finds the MAC address of an interface: the same one, else its primary
// one, which then changes its value.
func (p *planner) mac(it *item) {
	parent, ok := p.value(it.Fields["assigned_object"])
	owner, _ := parent.(domain.Ref)
	if !ok {
		p.skip(it, it.Fields["assigned_object"])
		return
	}
	if owner.ID == 0 {
		it.state = fresh
		return
	}
	rows := p.idx.parts(domain.KindMACAddress, owner)
	for _, r := range rows {
		if r.Text("mac_address") == it.Fields["mac_address"] {
			p.bind(it, r)
			return
		}
	}
	if iface := p.Inventory.Row(owner); iface != nil && p.idx.ours(owner.Kind, iface) {
		if m := p.Inventory.Row(iface.Ref("primary_mac_address")); m != nil && slices.Contains(rows, m) {
			p.bind(it, m)
			return
		}
	}
	p.bind(it, nil)
}

// stateRow finds the sync-state row of an object. One that was there before us
// gets none: the row is the mark by which we remove.
func (p *planner) stateRow(it *item, field string) {
	parent := p.at(it.Fields[field].(domain.Ref))
	switch {
	case parent == nil || parent.state == dropped || parent.adopted:
		it.state = dropped
	case parent.state == fresh:
		it.state = fresh
	default:
		row := p.idx.stateRow(parent.Kind, parent.row.ID)
		if row == nil && it.Mode == domain.Existing {
			it.state = dropped
			return
		}
		if row != nil {
			it.state, it.row = bound, row
			return
		}
		it.state = fresh
	}
}
