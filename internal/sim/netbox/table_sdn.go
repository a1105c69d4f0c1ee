package netboxsim

import "strings"

// sdnKind is one kind of what the plugin keeps of Proxmox's software defined
// network. All are objects of a cluster of an endpoint; label, order and
// unique are what comes behind these two.
type sdnKind struct {
	class, path, verbose          string
	label, order, unique, filters string
	fields                        []*field
}

func (n sdnKind) table() *kind {
	return &kind{
		name: "netbox_proxbox." + strings.ToLower(n.class), path: pluginPrefix + n.path,
		class: n.class, verbose: n.verbose,
		label:   underCluster(n.label),
		order:   "endpoint cluster_name " + n.order,
		filters: "endpoint:one cluster_name " + n.filters,
		fields: list(
			pluginObject(),
			pk("endpoint", endpointKind).cascade().null().named("Proxmox endpoint"),
			text("cluster_name", 255).must(),
			n.fields,
			jsonField("raw_config").or(rawJSON("{}")),
			organized(),
		),
		unique: []unique{{fields: "endpoint cluster_name " + n.unique}},
	}
}

func sdnTables() []*kind {
	state := func() *field { return choice("status", sdnStatus).or("active") }
	var kinds []*kind
	for _, n := range []sdnKind{
		{
			class: "ProxmoxSdnFabric", path: "sdn-fabrics", verbose: "SDN Fabric",
			label: "fabric_name", order: "fabric_name", unique: "fabric_name",
			filters: "fabric_name fabric_type status",
			fields: list(
				text("fabric_name", 255).must(),
				choice("fabric_type", sdnFabricTypes),
				integer("asn", minInt32, maxInt32).null(),
				boolean("advertise_subnets").or(false),
				boolean("disable_arp_nd_suppression").or(false),
				integer("vrf_vxlan", minInt32, maxInt32).null(),
				jsonField("peers").or(rawJSON("[]")),
				state(),
			),
		},
		{
			class: "ProxmoxSdnController", path: "sdn-controllers", verbose: "SDN Controller",
			label: "controller_name", order: "controller_name", unique: "controller_name",
			filters: "controller_name controller_type status",
			fields: list(
				text("controller_name", 255).must(),
				text("controller_type", 32).blank(),
				integer("asn", minInt32, maxInt32).null(),
				jsonField("peers").or(rawJSON("[]")),
				jsonField("nodes").or(rawJSON("[]")),
				text("loopback", 255).blank(),
				text("state", 32).blank(),
				state(),
			),
		},
		{
			class: "ProxmoxSdnZone", path: "sdn-zones", verbose: "SDN Zone",
			label: "zone_name", order: "zone_name", unique: "zone_name",
			filters: "zone_name zone_type status",
			fields: list(
				text("zone_name", 255).must(),
				text("zone_type", 32).blank(),
				text("controller", 255).blank(),
				integer("vrf_vxlan", minInt32, maxInt32).null(),
				integer("tag", minInt32, maxInt32).null(),
				integer("mtu", minInt32, maxInt32).null(),
				text("dns", 255).blank(),
				text("ipam", 255).blank(),
				jsonField("rt_import").or(rawJSON("[]")),
				text("state", 32).blank(),
				state(),
			),
		},
		{
			class: "ProxmoxSdnVNet", path: "sdn-vnets", verbose: "SDN VNet",
			label: "zone_name vnet_name", order: "zone_name vnet_name", unique: "vnet_name",
			filters: "zone_name vnet_name vnet_type status",
			fields: list(
				text("zone_name", 255).blank(),
				text("vnet_name", 255).must(),
				text("vnet_type", 32).blank(),
				integer("tag", minInt32, maxInt32).null(),
				text("alias", 255).blank(),
				boolean("vlanaware").or(false),
				text("state", 32).blank(),
				nulls("l2vpn"),
				state(),
			),
		},
		{
			class: "ProxmoxSdnSubnet", path: "sdn-subnets", verbose: "SDN Subnet",
			label: "vnet_name subnet", order: "vnet_name subnet", unique: "vnet_name subnet",
			filters: "zone_name vnet_name subnet status",
			fields: list(
				text("zone_name", 255).blank(),
				text("vnet_name", 255).must(),
				text("subnet", 128).must(),
				text("subnet_type", 32).blank(),
				text("gateway", 128).blank(),
				boolean("snat").or(false),
				pk("prefix", prefixKind).null(),
				text("skip_reason", 0).blank(),
				state(),
			),
		},
		{
			class: "ProxmoxSdnBinding", path: "sdn-bindings", verbose: "SDN Binding",
			label: "source_type source_name", order: "source_type source_name", unique: "source_type source_name",
			filters: "source_type source_name target_type status",
			fields: list(
				text("source_type", 64).must(),
				text("source_name", 512).must(),
				text("node", 255).blank(),
				text("zone_name", 255).blank(),
				text("vnet_name", 255).blank(),
				text("target_type", 64).blank(),
				integer("target_id", 0, maxInt64).null(),
				text("status", 64).or("active"),
				text("conflict_reason", 0).blank(),
			),
		},
		{
			class: "ProxmoxSdnRouteMap", path: "sdn-route-maps", verbose: "SDN Route Map",
			label: "name", order: "name order", unique: "name order",
			filters: "name action status",
			fields: list(
				text("name", 255).must(),
				text("action", 16).blank(),
				text("match_peer", 255).blank(),
				text("match_ip", 255).blank(),
				text("set_community", 255).blank(),
				integer("order", minInt32, maxInt32).or(0),
				state(),
			),
		},
		{
			class: "ProxmoxSdnPrefixList", path: "sdn-prefix-lists", verbose: "SDN Prefix List",
			label: "name", order: "name", unique: "name cidr",
			filters: "name action status",
			fields: list(
				text("name", 255).must(),
				text("cidr", 64).blank(),
				text("action", 16).blank(),
				integer("le", minInt32, maxInt32).null(),
				integer("ge", minInt32, maxInt32).null(),
				state(),
			),
		},
	} {
		kinds = append(kinds, n.table())
	}
	return kinds
}
