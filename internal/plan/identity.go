package plan

import (
	"fmt"

	"proxbox/internal/domain"
)

// matchAll binds the wanted objects of one kind to the rows that are they, by
// the rules of the kind (rules.md 4), and leaves the others to be made.
func (p *planner) matchAll(kind domain.Kind, items []*item) {
	switch kind {
	case domain.KindDevice:
		p.inTurn(items, p.deviceByLink, p.deviceByState, p.deviceByName, p.deviceHandedOver)
	case domain.KindVirtualMachine:
		p.asked(items)
		p.roles(items)
		p.inTurn(items, p.guestByEndpoint, p.guestInCluster, p.guestByBackend, p.guestByCustomField, p.guestCutOff, p.guestMoved, p.guestHandedOver)
	case domain.KindIPAddress:
		p.settleClaims(items)
	case domain.KindSnapshot:
		p.snapshots(items)
	case domain.KindBackup:
		p.backups(items)
	case domain.KindTaskHistory:
		p.tasks(items)
	case domain.KindReplication, domain.KindBackupRoutine:
		p.jobs(items)
	case domain.KindPrefix:
		p.prefixes(items)
	case domain.KindSDNZone, domain.KindSDNVNet, domain.KindSDNSubnet:
		p.sdn(items)
	}
	for _, it := range items {
		if it.state == pending {
			p.match(it)
		}
	}
}

// inTurn tries one piece of evidence after another, the surest first, each for
// all items: what one of them is known by is no longer there for a guess.
func (p *planner) inTurn(items []*item, evidence ...func(*item) *domain.Row) {
	for _, find := range evidence {
		for _, it := range items {
			if it.state != pending {
				continue
			}
			if row := find(it); row != nil {
				p.bind(it, row)
			}
		}
	}
}

// match binds one wanted object, or leaves it to be made.
func (p *planner) match(it *item) {
	switch it.Kind {
	case domain.KindSite:
		p.bind(it, p.site(it))
	case domain.KindCluster, domain.KindDevice:
		p.bind(it, it.row)
	case domain.KindVirtualMachine:
		if c := p.at(it.Fields["cluster"].(domain.Ref)); c != nil && c.state == dropped {
			p.skip(it, it.Fields["cluster"])
			return
		}
		p.bind(it, nil)
	case domain.KindCustomField:
		p.bind(it, p.customField(it))
	case domain.KindVLAN:
		p.vlan(it)
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
	domain.KindSDNZone:            {"cluster_name", "zone_name"},
	domain.KindSDNVNet:            {"cluster_name", "vnet_name"},
	domain.KindSDNSubnet:          {"cluster_name", "vnet_name", "subnet"},
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
		p.taken[domain.At(it.Kind, row.ID)] = it
	case it.Mode != domain.Existing:
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

// free tells whether a row is there and nobody's yet.
func (p *planner) free(kind domain.Kind, r *domain.Row) bool {
	return r != nil && p.taken[domain.At(kind, r.ID)] == nil
}

// freeOurs tells whether a row is ours and nobody's yet.
func (p *planner) freeOurs(kind domain.Kind, r *domain.Row) bool {
	return p.free(kind, r) && p.idx.ours(kind, r)
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
		if r := p.Inventory.Table(it.Kind).Get(id); r != nil {
			return r
		}
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

// clusterRow is the row of an item's cluster; 0 while it is still to be made.
func (p *planner) clusterRow(it *item) int {
	ref, _ := it.Fields["cluster"].(domain.Ref)
	if c := p.at(ref); c != nil && c.row != nil {
		return c.row.ID
	}
	return 0
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

// ofAnother tells whether a sync-state row names an endpoint of another
// cluster of this plan.
func (p *planner) ofAnother(it *item, st *domain.Row) bool {
	for _, c := range p.of[domain.KindCluster] {
		if c.Key == it.Identity.Cluster {
			continue
		}
		if namesEndpoint(st, c.Identity) {
			return true
		}
	}
	return false
}
