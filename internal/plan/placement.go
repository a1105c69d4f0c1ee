package plan

import (
	"fmt"

	"proxbox/internal/domain"
)

// place keeps a guest's site in step with its cluster and device, as NetBox
// insists (rules.md 5): it follows the cluster's, else the device's, in the
// same PATCH. Where the two disagree the device stays empty.
func (p *planner) place(it *item, set, old domain.Fields) bool {
	cluster := p.at(it.Fields["cluster"].(domain.Ref))
	if cluster == nil || cluster.state == dropped {
		p.skip(it, it.Fields["cluster"])
		return false
	}
	clusterSite := p.siteOf(cluster, "scope")
	var deviceSite domain.Ref
	if ref, ok := it.Fields["device"].(domain.Ref); ok {
		if device := p.at(ref); device != nil && device.state != dropped {
			deviceSite = p.siteOf(device, "site")
		}
	}
	site := clusterSite
	if domain.IsEmpty(site) {
		site = deviceSite
	} else if !domain.IsEmpty(deviceSite) && !domain.Equal(clusterSite, deviceSite) {
		p.report(Report{Outcome: Conflict, Kind: it.Kind, Key: it.Key, Label: it.Label, Field: "device",
			Reason: fmt.Sprintf("its cluster is at %v and its node's device at %v", p.siteName(clusterSite), p.siteName(deviceSite)),
			WayOut: "give cluster and device one site; until then the guest has no device"})
		delete(set, "device")
		delete(old, "device")
		if it.row != nil && !domain.IsEmpty(it.row.Fields["device"]) {
			set["device"], old["device"] = nil, it.row.Fields["device"]
		}
	}
	if domain.IsEmpty(site) {
		return true
	}
	if it.row == nil {
		set["site"] = site
	} else if !domain.Equal(it.row.Fields["site"], site) {
		set["site"], old["site"] = site, it.row.Fields["site"]
	}
	return true
}

// siteOf is where a cluster or device is, or will be.
func (p *planner) siteOf(it *item, field string) domain.Ref {
	if it.row != nil {
		if ref := it.row.Ref(field); ref.Kind == domain.KindSite {
			return ref
		}
		return domain.Ref{}
	}
	v, ok := p.value(it.Fields[field])
	ref, _ := v.(domain.Ref)
	if !ok {
		return domain.Ref{}
	}
	return ref
}

func (p *planner) siteName(ref domain.Ref) string {
	if r := p.Inventory.Row(ref); r != nil {
		return fmt.Sprintf("site %q", r.Text("name"))
	}
	return fmt.Sprintf("site %v", ref.Key)
}
