package plan

import (
	"strings"

	"proxbox/internal/domain"
)

// deviceByLink follows proxmox-nodes.netbox_device of the endpoints.
func (p *planner) deviceByLink(it *item) *domain.Row {
	for _, pk := range it.Identity.PluginIDs {
		for _, n := range p.idx.parts(domain.KindProxmoxNode, domain.At(domain.KindProxmoxEndpoint, pk)) {
			if n.Text("name") != it.Identity.Name {
				continue
			}
			if r := p.Inventory.Row(n.Ref("netbox_device")); p.freeOurs(domain.KindDevice, r) {
				return r
			}
		}
	}
	return nil
}

// deviceByState finds the device whose sync-state row names the node, in the
// cluster or, if the row names one of our endpoints, wherever it was put.
func (p *planner) deviceByState(it *item) *domain.Row {
	cluster := p.clusterRow(it)
	for _, st := range p.idx.find(domain.KindDeviceState, it.Identity.Name) {
		r := p.Inventory.Row(st.Ref("device"))
		if !p.free(domain.KindDevice, r) {
			continue
		}
		if cluster != 0 && r.Ref("cluster").ID == cluster && !p.ofAnother(it, st) ||
			namesEndpoint(st, it.Identity) && !p.inOtherCluster(it, r) {
			return r
		}
	}
	return nil
}

// deviceByName finds a device of ours by name within the cluster, unless its
// sync-state row says that it is another node.
func (p *planner) deviceByName(it *item) *domain.Row {
	cluster := p.clusterRow(it)
	if cluster == 0 {
		return nil
	}
	plain := it.Fields["name"].(string)
	for _, name := range []string{plain, withSuffix(it)} {
		for _, r := range p.idx.find(domain.KindDevice, lowerKey("name", name)) {
			if r.Ref("cluster").ID != cluster || !p.freeOurs(domain.KindDevice, r) {
				continue
			}
			st := p.idx.stateRow(domain.KindDevice, r.ID)
			if st == nil || st.Text("proxmox_node_name") == "" || strings.EqualFold(st.Text("proxmox_node_name"), it.Identity.Name) {
				return r
			}
		}
	}
	return nil
}

func (p *planner) deviceHandedOver(it *item) *domain.Row {
	name, _ := it.Fields["name"].(string)
	return p.handedOver(it, name)
}

// handedOver finds an object that a person tagged as ours: of the same name,
// in no cluster yet, and without another identity.
func (p *planner) handedOver(it *item, name string) *domain.Row {
	for _, r := range p.idx.find(it.Kind, lowerKey("name", name)) {
		if p.freeOurs(it.Kind, r) && r.Ref("cluster").ID == 0 && !p.idx.identified(it.Kind, r) {
			return r
		}
	}
	return nil
}

// inOtherCluster tells whether an object stands in a cluster of ours that is
// not the item's own.
func (p *planner) inOtherCluster(it *item, r *domain.Row) bool {
	cluster := r.Ref("cluster")
	return cluster.ID != p.clusterRow(it) && p.idx.ours(domain.KindCluster, p.Inventory.Row(cluster))
}
