package plan

import (
	"slices"

	"proxbox/internal/domain"
)

// whose are the fields by which a sync-state row says through which endpoint
// its object is read.
var whose = map[string]bool{"endpoint": true, "proxmox_endpoint_raw_id": true, "proxmox_node": true, "proxmox_cluster": true, "proxmox_link": true}

// readByAnother tells whether a sync-state row names another endpoint of the
// same cluster, one that stands for both: the lower one, or one that the plugin
// knows where it does not know ours. Then a run of this endpoint alone leaves
// it so.
func (p *planner) readByAnother(it *item) bool {
	field, ok := stateOf[it.Kind]
	if !ok {
		return false
	}
	parent := p.at(it.Fields[field].(domain.Ref))
	if parent == nil || parent.row == nil {
		return false
	}
	cluster := parent.row.ID
	if parent.Kind != domain.KindCluster {
		if cluster = parent.row.Ref("cluster").ID; parent.moved {
			return false // who read it before does not any more
		}
	}
	endpoint := it.row.Ref("endpoint").ID
	if link := p.Inventory.Row(it.row.Ref("proxmox_cluster")); endpoint == 0 && link != nil {
		endpoint = link.Ref("endpoint").ID
	}
	mine := parent.Identity.PluginIDs
	return endpoint != 0 && (len(mine) == 0 || endpoint < slices.Min(mine)) &&
		slices.ContainsFunc(p.idx.linked(cluster), func(r *domain.Row) bool { return r.Ref("endpoint").ID == endpoint })
}
