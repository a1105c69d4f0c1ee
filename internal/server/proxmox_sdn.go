package server

import (
	"context"

	"proxbox/internal/proxmox"
)

// SDNHead is what every object of the SDN begins with.
type SDNHead struct {
	EndpointID  *int   `json:"endpoint_id"`
	ClusterName string `json:"cluster_name"`
}

// SDNTail is what every object of the SDN ends with.
type SDNTail struct {
	Status    string  `json:"status"`
	Error     *string `json:"error"`
	RawConfig row     `json:"raw_config" doc:"As Proxmox has it"`
}

type (
	sdnFabric struct {
		SDNHead
		Fabric     *string `json:"fabric"`
		Type       *string `json:"type"`
		Advertise  *bool   `json:"advertise_subnets"`
		DisableARP *bool   `json:"disable_arp_nd_suppression"`
		VRFVXLAN   *int64  `json:"vrf_vxlan"`
		Peers      *string `json:"peers"`
		ASN        *int64  `json:"asn"`
		SDNTail
	}
	sdnRouteMap struct {
		SDNHead
		Name         *string `json:"name"`
		Action       *string `json:"action"`
		MatchPeer    *string `json:"match_peer"`
		MatchIP      *string `json:"match_ip"`
		SetCommunity *string `json:"set_community"`
		Order        *int64  `json:"order"`
		SDNTail
	}
	sdnPrefixList struct {
		SDNHead
		Name   *string `json:"name"`
		CIDR   *string `json:"cidr"`
		Action *string `json:"action"`
		LE     *int64  `json:"le"`
		GE     *int64  `json:"ge"`
		SDNTail
	}
	sdnController struct {
		SDNHead
		Controller *string `json:"controller"`
		Type       *string `json:"type"`
		ASN        *int64  `json:"asn"`
		Peers      *string `json:"peers"`
		Node       *string `json:"node"`
		Loopback   *string `json:"loopback"`
		State      *string `json:"state"`
		SDNTail
	}
	sdnZone struct {
		SDNHead
		Zone       *string `json:"zone"`
		Type       *string `json:"type"`
		Controller *string `json:"controller"`
		VRFVXLAN   *int64  `json:"vrf_vxlan"`
		Tag        *int64  `json:"tag"`
		MTU        *int64  `json:"mtu"`
		DNS        *string `json:"dns"`
		IPAM       *string `json:"ipam"`
		RTImport   *string `json:"rt_import"`
		State      *string `json:"state"`
		Pending    row     `json:"pending" nullable:"true"`
		SDNTail
	}
	sdnVNet struct {
		SDNHead
		VNet      *string `json:"vnet"`
		Zone      *string `json:"zone"`
		Type      *string `json:"type"`
		Tag       *int64  `json:"tag"`
		Alias     *string `json:"alias"`
		VLANAware *bool   `json:"vlanaware"`
		State     *string `json:"state"`
		Pending   row     `json:"pending" nullable:"true"`
		SDNTail
	}
	sdnSubnet struct {
		SDNHead
		VNet    *string `json:"vnet"`
		Zone    *string `json:"zone"`
		Subnet  *string `json:"subnet"`
		Type    *string `json:"type"`
		Gateway *string `json:"gateway"`
		SNAT    *bool   `json:"snat"`
		SDNTail
	}
)

const sdnPath = "/cluster/sdn"

func (s *Server) sdnReadRoutes() {
	const base = "/proxmox/sdn"
	for _, path := range []string{"/fabrics", "/fabrics/all"} {
		listRoute(s, base+path, "The SDN's fabrics", sdnPath+path, func(cluster string, in row) sdnFabric {
			return sdnFabric{SDNHead{nil, cluster}, in.text("fabric", "id", "name"), in.text("type"), in.truth("advertise-subnets", "advertise_subnets"),
				in.truth("disable-arp-nd-suppression", "disable_arp_nd_suppression"), in.whole("vrf-vxlan", "vrf_vxlan"), in.text("peers"), in.whole("asn"), tail(in)}
		})
	}
	listRoute(s, base+"/route-maps", "The SDN's route maps", sdnPath+"/route-maps", func(cluster string, in row) sdnRouteMap {
		return sdnRouteMap{SDNHead{nil, cluster}, in.text("name", "id"), in.text("action"), in.text("match-peer", "match_peer"), in.text("match-ip", "match_ip"),
			in.text("set-community", "set_community"), in.whole("order"), tail(in)}
	})
	listRoute(s, base+"/prefix-lists", "The SDN's prefix lists", sdnPath+"/prefix-lists", func(cluster string, in row) sdnPrefixList {
		return sdnPrefixList{SDNHead{nil, cluster}, in.text("name", "id"), in.text("cidr"), in.text("action"), in.whole("le"), in.whole("ge"), tail(in)}
	})
	listRoute(s, base+"/controllers", "The SDN's controllers", sdnPath+"/controllers", func(cluster string, in row) sdnController {
		return sdnController{SDNHead{nil, cluster}, in.text("controller", "id", "name"), in.text("type"), in.whole("asn"), in.text("peers"), in.text("node"),
			in.text("loopback"), in.text("state"), tail(in)}
	})
	listRoute(s, base+"/zones", "The SDN's zones", sdnPath+"/zones", func(cluster string, in row) sdnZone {
		return sdnZone{SDNHead{nil, cluster}, in.text("zone", "id", "name"), in.text("type"), in.text("controller"), in.whole("vrf-vxlan", "vrf_vxlan"), in.whole("tag"),
			in.whole("mtu"), in.text("dns"), in.text("ipam"), in.text("rt-import", "rt_import"), in.text("state"), in.below("pending"), tail(in)}
	})
	listRoute(s, base+"/vnets", "The SDN's vnets", sdnPath+"/vnets", func(cluster string, in row) sdnVNet {
		return sdnVNet{SDNHead{nil, cluster}, in.text("vnet", "id", "name"), in.text("zone"), in.text("type"), in.whole("tag"), in.text("alias"),
			in.truth("vlanaware", "vlan-aware"), in.text("state"), in.below("pending"), tail(in)}
	})
	flatRoute(s, base+"/subnets", "The subnets of the SDN's vnets", s.waits.tab, subnets)
}

func tail(in row) SDNTail { return SDNTail{Status: allOK, RawConfig: in} }

// subnets are those of every vnet of a cluster.
func subnets(ctx context.Context, src *source) ([]sdnSubnet, error) {
	id, err := src.identity(ctx)
	if err != nil {
		return nil, err
	}
	lists, err := nested(ctx, src, sdnPath+"/vnets", func(in row) string { return proxmox.Path(in.word("vnet"), "subnets") }, func(vnet row, rows []row) []sdnSubnet {
		return mapped(rows, func(in row) sdnSubnet {
			return sdnSubnet{SDNHead{nil, id.name}, vnet.text("vnet"), vnet.text("zone"), in.text("subnet", "cidr", "id"), in.text("type"), in.text("gateway"), in.truth("snat"), tail(in)}
		})
	})
	if absent(err) {
		return nil, nil
	}
	var out []sdnSubnet
	for _, list := range lists {
		out = append(out, list...)
	}
	return out, err
}
