package plan

import (
	"slices"
	"strings"

	"proxbox/internal/domain"
)

// bindClusters finds the clusters before all else: where they are decides the
// sites, and the sites are written first.
func (p *planner) bindClusters() {
	clusters := p.of[domain.KindCluster]
	if p.unknown(domain.KindCluster) != nil {
		return
	}
	for _, find := range []func(*item) *domain.Row{p.clusterByLink, p.clusterByNodes, p.clusterByName, p.clusterRenamed} {
		for _, it := range clusters {
			if it.row != nil || it.state == dropped {
				continue
			}
			if row := find(it); row != nil {
				it.row = row
				p.taken[domain.At(it.Kind, row.ID)] = it
			}
		}
	}
}

// clusterByLink follows proxmox-clusters.netbox_cluster of the endpoints.
func (p *planner) clusterByLink(it *item) *domain.Row {
	for _, pk := range it.Identity.PluginIDs {
		for _, r := range p.idx.parts(domain.KindProxmoxCluster, domain.At(domain.KindProxmoxEndpoint, pk)) {
			if row := p.Inventory.Row(r.Ref("netbox_cluster")); p.freeOurs(domain.KindCluster, row) && !p.claimedByOther(it, row) {
				return row
			}
		}
	}
	return nil
}

// clusterByNodes finds a cluster of which Proxmox does not tell the name: that of
// ours in which its nodes stand. Where they stand in several, it is not known
// which one it is, and nothing is made.
func (p *planner) clusterByNodes(it *item) *domain.Row {
	if !it.Presumed["name"] {
		return nil
	}
	sure, likely := map[domain.Ref]bool{}, map[domain.Ref]bool{}
	for _, node := range p.of[domain.KindDevice] {
		if node.Key.Cluster() == it.Key {
			p.clustersWith(it, node.Identity.Name, sure, likely)
		}
	}
	if len(sure) == 0 {
		sure = likely
	}
	if len(sure) > 1 {
		p.conflict(it, "name", "Proxmox does not tell its name, and its nodes stand in several clusters in NetBox",
			"give the token the right to read /cluster/status (Sys.Audit on /)")
	}
	for ref := range sure {
		if len(sure) == 1 {
			return p.Inventory.Row(ref)
		}
	}
	return nil
}

// clusterRenamed finds a cluster that has another name in Proxmox now: that of
// ours in which each of its nodes stands, by rows that name our endpoint.
func (p *planner) clusterRenamed(it *item) *domain.Row {
	var found domain.Ref
	for _, node := range p.of[domain.KindDevice] {
		if node.Key.Cluster() != it.Key {
			continue
		}
		sure := map[domain.Ref]bool{}
		p.clustersWith(it, node.Identity.Name, sure, map[domain.Ref]bool{})
		if len(sure) != 1 || found.ID != 0 && !sure[found] {
			return nil
		}
		for ref := range sure {
			found = ref
		}
	}
	return p.Inventory.Row(found)
}

// clustersWith gathers the clusters of ours with a device of a node's name:
// those of which it is sure that one of the item's endpoints reads them, and
// those that may be.
func (p *planner) clustersWith(it *item, node string, sure, likely map[domain.Ref]bool) {
	add := func(to map[domain.Ref]bool, d *domain.Row) {
		if c := p.Inventory.Row(d.Ref("cluster")); p.freeOurs(domain.KindCluster, c) && !p.claimedByOther(it, c) {
			to[d.Ref("cluster")] = true
		}
	}
	for _, st := range p.idx.find(domain.KindDeviceState, node) {
		if d := p.Inventory.Row(st.Ref("device")); d != nil && namesEndpoint(st, it.Identity) {
			add(sure, d)
		}
	}
	for _, d := range p.idx.find(domain.KindDevice, lowerKey("name", node)) {
		if p.idx.ours(domain.KindDevice, d) {
			add(likely, d)
		}
	}
}

// clusterByName finds a cluster of ours by name that no other endpoint claims.
func (p *planner) clusterByName(it *item) *domain.Row {
	plain := it.Fields["name"].(string)
	for _, name := range []string{withSuffix(it), plain} {
		for _, r := range p.idx.find(domain.KindCluster, lowerKey("name", name)) {
			if p.freeOurs(domain.KindCluster, r) && !p.claimedByOther(it, r) {
				return r
			}
		}
	}
	return nil
}

// claimedByOther tells whether another endpoint has a better claim to a
// cluster than those of the item. The Python service linked by name alone, so
// a link that several endpoints have proves nothing by itself: then counts
// whose cluster its sync-state row says it is, whose nodes' devices stand in
// it, and at last which endpoint was there first. Endpoints that share a
// node's certificate read the same cluster.
func (p *planner) claimedByOther(it *item, row *domain.Row) bool {
	mine := it.Identity.PluginIDs
	var linked []int
	for _, r := range p.idx.linked(row.ID) {
		endpoint := r.Ref("endpoint")
		if p.sharesNode(it, endpoint) {
			return false
		}
		linked = append(linked, endpoint.ID)
	}
	foreign := slices.ContainsFunc(linked, func(pk int) bool { return !slices.Contains(mine, pk) })
	if st := p.idx.stateRow(domain.KindCluster, row.ID); st != nil {
		if link := p.Inventory.Row(st.Ref("proxmox_cluster")); link != nil {
			return !slices.Contains(mine, link.Ref("endpoint").ID) && !p.hasNodesIn(it, row)
		}
	}
	return foreign && !slices.Contains(mine, slices.Min(linked)) && !p.hasNodesIn(it, row)
}

// sharesNode tells whether the plugin's nodes of an endpoint have one of the
// cluster's certificates.
func (p *planner) sharesNode(it *item, endpoint domain.Ref) bool {
	return slices.ContainsFunc(p.idx.parts(domain.KindProxmoxNode, endpoint), func(n *domain.Row) bool {
		cert := n.Text("ssl_fingerprint")
		return cert != "" && slices.ContainsFunc(it.Identity.Certs, func(c string) bool { return strings.EqualFold(c, cert) })
	})
}

// hasNodesIn tells whether the plugin's nodes of the item's endpoints are
// linked to devices in a cluster. Only we set those links.
func (p *planner) hasNodesIn(it *item, cluster *domain.Row) bool {
	for _, pk := range it.Identity.PluginIDs {
		for _, n := range p.idx.parts(domain.KindProxmoxNode, domain.At(domain.KindProxmoxEndpoint, pk)) {
			if d := p.Inventory.Row(n.Ref("netbox_device")); d != nil && d.Ref("cluster").ID == cluster.ID {
				return true
			}
		}
	}
	return false
}
