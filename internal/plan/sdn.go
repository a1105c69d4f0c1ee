package plan

import (
	"fmt"
	"slices"

	"proxbox/internal/domain"
)

// prefixes finds the prefix of each network: the one in the global table, else
// the only one. Of several none is chosen; where there is none, in whatever VRF,
// it is made.
func (p *planner) prefixes(items []*item) {
	for _, it := range items {
		rows := p.idx.find(it.Kind, it.Fields["prefix"].(string))
		global := slices.DeleteFunc(slices.Clone(rows), func(r *domain.Row) bool { return r.Ref("vrf").ID != 0 })
		switch {
		case len(global) == 1:
			p.bind(it, global[0])
		case len(rows) == 1:
			p.bind(it, rows[0])
		case len(rows) > 1:
			it.state, it.why = dropped, fmt.Sprintf("NetBox has %d prefixes %s, and nothing says which it is", len(rows), it.Fields["prefix"])
		default:
			p.bind(it, nil)
		}
	}
}

// sdn finds zones, vnets and subnets by their names, within the endpoint and
// cluster: a cluster that was renamed has the same ones.
func (p *planner) sdn(items []*item) {
	p.jobs(items)
	for _, renamed := range []bool{false, true} {
		for _, it := range items {
			if it.state != pending {
				continue
			}
			for _, r := range p.idx.parts(it.Kind, it.Fields["endpoint"].(domain.Ref)) {
				if p.free(it.Kind, r) && p.sameKey(it, r, naturalKey[it.Kind][1:]) && (renamed || r.Text("cluster_name") == it.Fields["cluster_name"]) {
					p.bind(it, r)
					break
				}
			}
		}
	}
	for _, it := range items {
		if it.state == pending {
			p.bind(it, nil)
		}
		p.prefixOf(it)
	}
}

// prefixOf says of a subnet why it has no prefix. One of several that a person
// chose stays.
func (p *planner) prefixOf(it *item) {
	ref, _ := it.Fields["prefix"].(domain.Ref)
	prefix := p.at(ref)
	if prefix == nil {
		return
	}
	it.Fields = clone(it.Fields)
	if it.row != nil {
		now := it.row.Ref("prefix")
		if r := p.Inventory.Row(now); r != nil && r.Text("prefix") == prefix.Fields["prefix"] {
			it.Fields["prefix"] = now
			return
		}
	}
	switch {
	case !p.known(domain.KindPrefix):
		delete(it.Fields, "prefix")
		delete(it.Fields, "skip_reason")
	case prefix.state == dropped:
		it.Fields["prefix"], it.Fields["skip_reason"] = nil, prefix.why
	}
}

// goneSDN marks what the SDN of a cluster does not have any more. The subnets
// of a vnet that is gone are gone with it.
func (p *planner) goneSDN() {
	for _, kind := range []domain.Kind{domain.KindSDNZone, domain.KindSDNVNet, domain.KindSDNSubnet} {
		if !p.known(kind) {
			continue
		}
		for _, cluster := range p.of[domain.KindCluster] {
			for _, pk := range cluster.Identity.PluginIDs {
				for _, r := range p.idx.parts(kind, domain.At(domain.KindProxmoxEndpoint, pk)) {
					if p.free(kind, r) && p.isGoneSDN(cluster.Key, kind, r) {
						p.stale(cluster, kind, r)
					}
				}
			}
		}
	}
}

func (p *planner) isGoneSDN(cluster domain.Key, kind domain.Kind, r *domain.Row) bool {
	if kind != domain.KindSDNSubnet {
		return p.Whole[domain.PartsOf{Owner: cluster, Kind: kind}]
	}
	vnet := cluster + "/sdn/vnet/" + domain.Key(r.Text("vnet_name"))
	if p.items[domain.To(domain.KindSDNVNet, vnet)] == nil {
		return p.Whole[domain.PartsOf{Owner: cluster, Kind: domain.KindSDNVNet}]
	}
	return p.Whole[domain.PartsOf{Owner: vnet, Kind: kind}]
}
