package proxmoxsim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// sdn answers what is asked below /cluster/sdn.
func (r *request) sdn(what string) (any, error) {
	parts := strings.Split(what, "/")
	switch {
	case r.SDN == nil:
	case what == "zones":
		return r.visible(r.SDN.Zones, func(row Row) string { return "/sdn/zones/" + word(row["zone"]) }), nil
	case what == "vnets":
		return r.visible(r.SDN.VNets, vnetACL), nil
	case len(parts) == 3 && parts[0] == "vnets" && parts[2] == "subnets":
		i := slices.IndexFunc(r.SDN.VNets, func(row Row) bool { return word(row["vnet"]) == parts[1] })
		if i < 0 {
			return nil, refuse(http.StatusInternalServerError, "sdn vnet object ID '%s' does not exist", parts[1])
		}
		if err := r.demand(vnetACL(r.SDN.VNets[i]), "SDN.Audit", "SDN.Allocate"); err != nil {
			return nil, err
		}
		return rows(r.SDN.Subnets[parts[1]]), nil
	}
	return nil, r.unknown()
}

func vnetACL(row Row) string {
	return fmt.Sprintf("/sdn/zones/%s/%s", word(row["zone"]), word(row["vnet"]))
}

// visible are the rows on whose path the caller may look.
func (r *request) visible(all []Row, path func(Row) string) []Row {
	out := []Row{}
	for _, row := range all {
		if r.caller.rights.has(path(row), "SDN.Audit", "SDN.Allocate") {
			out = append(out, row)
		}
	}
	return out
}

// DemoSDN is what a site of the demo, which has none, could have: a zone of each
// kind that is most in use, and their networks.
func DemoSDN(site int) *SDN {
	subnet := func(zone, vnet, network, mask string, more Row) Row {
		row := Row{"subnet": zone + "-" + network + "-" + mask, "id": zone + "-" + network + "-" + mask, "type": "subnet", "cidr": network + "/" + mask,
			"network": network, "mask": mask, "zone": zone, "vnet": vnet, "digest": "5146d6ca"}
		for key, value := range more {
			row[key] = value
		}
		return row
	}
	office, office6 := fmt.Sprintf("10.%d.0.0", 200+site), fmt.Sprintf("2001:db8:%d::", 200+site)
	return &SDN{
		Zones: []Row{
			{"zone": "lan", "type": "simple", "ipam": "pve", "dhcp": "dnsmasq", "digest": "5146d6ca"},
			{"zone": "overlay", "type": "vxlan", "ipam": "pve", "peers": "192.0.2.11,192.0.2.12", "nodes": "pve1,pve2", "mtu": 1450, "digest": "5146d6ca"},
			{"zone": "fabric", "type": "evpn", "controller": "evpn1", "vrf-vxlan": "10000", "rt-import": "65000:1,65000:2", "dns": "dns1", "digest": "5146d6ca"},
		},
		VNets: []Row{
			{"vnet": "office", "zone": "lan", "type": "vnet", "alias": "the office's network", "digest": "943543"},
			{"vnet": "users", "zone": "overlay", "type": "vnet", "tag": 10, "vlanaware": 1, "digest": "943543"},
			{"vnet": "tenant1", "zone": "fabric", "type": "vnet", "tag": "0", "digest": "943543"},
		},
		Subnets: map[string][]Row{
			"office": {
				subnet("lan", "office", office, "24", Row{"gateway": strings.TrimSuffix(office, "0") + "1", "snat": 1,
					"dhcp-range": []any{Row{"start-address": strings.TrimSuffix(office, "0") + "100", "end-address": strings.TrimSuffix(office, "0") + "150"}}}),
				subnet("lan", "office", office6, "64", nil),
			},
			"tenant1": {subnet("fabric", "tenant1", fmt.Sprintf("10.%d.16.0", 200+site), "20", nil)},
		},
	}
}
