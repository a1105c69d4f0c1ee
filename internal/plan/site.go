package plan

import "proxbox/internal/domain"

// site is where the cluster is: a person who moved it there decided. A cluster
// that a person put at no site, or at something else than a site, needs no
// default one of ours while its nodes are somewhere.
func (p *planner) site(it *item) *domain.Row {
	if c := p.items[domain.To(domain.KindCluster, it.Owner)]; c != nil && c.state == dropped {
		it.state = dropped
		return nil
	}
	if c := p.items[domain.To(domain.KindCluster, it.Owner)]; c != nil && c.row != nil {
		if r := p.siteAt(c.row.Ref("scope")); r != nil {
			return r
		}
		if it.Mode == domain.Manage {
			for _, d := range p.idx.parts(domain.KindDevice, domain.At(domain.KindCluster, c.row.ID)) {
				if r := p.siteAt(d.Ref("site")); r != nil {
					return r
				}
			}
		}
	}
	row := p.named(it)
	if row == nil && p.unknown(domain.KindCluster) != nil {
		it.state = dropped // whose sites are whose is not known
		return nil
	}
	if it.Mode == domain.Existing || p.unknown(domain.KindCluster) != nil || !p.elsewhere(it, row) {
		return row
	}
	slug := it.Fields["slug"].(string) + "-" + domain.Slug(it.Suffix)
	p.rename(it, withSuffix(it))
	it.Fields["slug"] = slug[:min(len(slug), 100)]
	return p.named(it)
}

func (p *planner) siteAt(ref domain.Ref) *domain.Row {
	if ref.Kind != domain.KindSite {
		return nil
	}
	return p.Inventory.Row(ref)
}

// elsewhere tells whether a default site is another cluster's of ours already.
func (p *planner) elsewhere(it *item, row *domain.Row) bool {
	for _, other := range p.of[domain.KindSite] {
		if other == it || other.Mode != domain.Manage {
			continue
		}
		if other.state == bound && row != nil && other.row == row || other.state == fresh && other.Fields["slug"] == it.Fields["slug"] {
			return true
		}
	}
	if row == nil {
		return false
	}
	for _, c := range p.idx.parts(domain.KindCluster, domain.At(domain.KindSite, row.ID)) {
		if p.freeOurs(domain.KindCluster, c) {
			return true
		}
	}
	return false
}

// vlan finds a VLAN by its number: at the site of the cluster, else one that
// belongs to no site. A cluster that a person put at no site has VLANs of no
// site. Clusters at one site share its VLANs.
func (p *planner) vlan(it *item) {
	v, ok := p.value(it.Fields["site"])
	if !ok {
		it.state = dropped
		return
	}
	site, _ := v.(domain.Ref)
	if c := p.items[domain.To(domain.KindCluster, it.Owner)]; c != nil && c.row != nil && c.row.Ref("scope").Kind != domain.KindSite {
		site = domain.Ref{}
		it.Fields = clone(it.Fields)
		it.Fields["site"] = nil
	}
	vid := it.Fields["vid"].(int)
	for _, at := range []domain.Ref{site, {}} {
		if at.ID == 0 && at.Key != "" {
			continue // a site that is still to be made has none
		}
		if r := first(p.idx.find(it.Kind, vlanName(vid, at))); r != nil {
			p.bind(it, r)
			return
		}
	}
	key := vlanAt{vid, site}
	if other := p.vlans[key]; other != nil {
		it.state = dropped
		p.items[domain.To(it.Kind, it.Key)] = other
		return
	}
	p.vlans[key] = it
	p.bind(it, nil)
}

// vlanAt is the natural key of a VLAN that is to be made.
type vlanAt struct {
	vid  int
	site domain.Ref
}
