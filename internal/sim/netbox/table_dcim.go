package netboxsim

func siteTable() *kind {
	return &kind{
		name: siteKind, path: "dcim/sites", class: "Site", verbose: "site",
		order:   "name",
		brief:   "id url display name description slug",
		filters: `name slug facility description tenant_id=tenant tenant=tenant.slug status`,
		fields: list(object(),
			text("name", 100).must().alone(),
			slug().alone(),
			choice("status", siteStatus).or("active"),
			nulls("region group"),
			ref("tenant", "tenancy.tenant").protect().null(),
			text("facility", 50).blank(),
			nulls("time_zone"),
			text("description", 200).blank(),
			text("physical_address", 200).blank(),
			text("shipping_address", 200).blank(),
			nulls("latitude longitude owner"),
			text("comments", 0).blank(),
			fixed("asns", "[]"),
			organized(),
			zeros("circuit_count"),
			counts("device_count", "dcim.device", "site"),
			counts("prefix_count", prefixKind, "_site"),
			zeros("rack_count"),
			counts("virtualmachine_count", vmKind, "site"),
			counts("vlan_count", vlanKind, "site"),
		),
	}
}

func deviceTypeTable(p Profile) *kind {
	return &kind{
		name: "dcim.devicetype", path: "dcim/device-types", class: "DeviceType", verbose: "device type",
		order: "manufacturer model",
		brief: "id url display manufacturer model slug description device_count",
		label: labelled("model"),
		filters: `model slug part_number u_height is_full_depth description
			manufacturer_id=manufacturer manufacturer=manufacturer.slug default_platform_id=default_platform
			default_platform=default_platform.slug`,
		fields: list(object(),
			ref("manufacturer", "dcim.manufacturer").protect().must(),
			ref("default_platform", "dcim.platform").null(),
			text("model", 100).must(),
			slug(),
			text("part_number", 50).blank(),
			decimal("u_height", 4, 1).or(fixedPoint(10)).atLeast(0, "0"),
			boolean("exclude_from_utilization").or(false),
			boolean("is_full_depth").or(true),
			nulls("subdevice_role airflow"),
			since(p.indexedErrors, nulls("cooling_method")...),
			nulls("weight weight_unit"),
			since(p.indexedErrors, nulls("end_of_life")...),
			nulls("front_image rear_image"),
			text("description", 200).blank(),
			nulls("owner"), text("comments", 0).blank(),
			organized(),
			counted("device_count", deviceKind, "device_type"),
			zeros(`console_port_template_count console_server_port_template_count power_port_template_count
				power_outlet_template_count`),
			since(p.indexedErrors, zeros("cooling_intake_template_count cooling_outflow_template_count")...),
			zeros(`interface_template_count front_port_template_count rear_port_template_count
				device_bay_template_count module_bay_template_count inventory_item_template_count`),
		),
		unique: []unique{{fields: "manufacturer model"}, {fields: "manufacturer slug"}},
	}
}

func deviceRoleTable() *kind {
	return &kind{
		name: "dcim.devicerole", path: "dcim/device-roles", class: "DeviceRole", verbose: "device role",
		order:   "name",
		brief:   "id url display name slug description device_count virtualmachine_count _depth",
		filters: `name slug color vm_role description parent_id=parent parent=parent.slug`,
		fields: list(object(),
			text("name", 100).must(),
			slug(),
			text("color", 6).or("9e9e9e").checked(colorCheck),
			boolean("vm_role").or(true),
			nulls("config_template"),
			ref("parent", "dcim.devicerole", smallTreeShape).cascade().null().reset(),
			text("description", 200).blank(),
			organized(),
			treeCounts("device_count", deviceKind, "role"),
			treeCounts("virtualmachine_count", vmKind, "role"),
			nulls("owner"), text("comments", 0).blank(),
			computed("_depth", depth),
		),
		unique: []unique{
			{fields: "parent name", message: "A device role with this name already exists.", nullsEqual: true},
			{fields: "parent slug", message: "A device role with this slug already exists.", nullsEqual: true},
		},
		rules: []rule{notBelowItself},
	}
}

func platformTable() *kind {
	return &kind{
		name: "dcim.platform", path: "dcim/platforms", class: "Platform", verbose: "platform",
		order:   "name",
		brief:   "id url display name slug description device_count virtualmachine_count _depth",
		filters: `name slug description parent_id=parent parent=parent.slug manufacturer_id=manufacturer manufacturer=manufacturer.slug`,
		fields: list(object(),
			ref("parent", "dcim.platform", smallTreeShape).cascade().null().reset(),
			text("name", 100).must(),
			slug(),
			ref("manufacturer", "dcim.manufacturer").protect().null(),
			nulls("config_template"),
			text("description", 200).blank(),
			nulls("owner"), text("comments", 0).blank(),
			organized(),
			treeCounts("device_count", deviceKind, "platform"),
			treeCounts("virtualmachine_count", vmKind, "platform"),
			computed("_depth", depth),
		),
		unique: []unique{
			{fields: "manufacturer name", message: "Platform name must be unique.", nullsEqual: true},
			{fields: "manufacturer slug", message: "Platform slug must be unique.", nullsEqual: true},
		},
		rules: []rule{notBelowItself},
	}
}

func deviceTable(p Profile) *kind {
	return &kind{
		name: deviceKind, path: "dcim/devices", class: "Device", verbose: "device",
		order: "name id",
		brief: "id url display name description",
		label: deviceLabel,
		filters: `name:i serial:i description status tenant_id=tenant tenant=tenant.slug
			primary_ip4_id=primary_ip4 primary_ip6_id=primary_ip6 oob_ip_id=oob_ip has_primary_ip! mac_address!
			manufacturer_id=device_type.manufacturer manufacturer=device_type.manufacturer.slug
			device_type_id=device_type device_type=device_type.slug model=device_type.slug
			role_id=role role=role.slug platform_id=platform platform=platform.slug
			site_id=site site=site.slug cluster_id=cluster cluster_group_id=cluster.group cluster_group=cluster.group.slug`,
		fields: list(object(),
			text("name", 64).null().blank(),
			ref("device_type", "dcim.devicetype").protect().must(),
			ref("role", "dcim.devicerole").protect().must(),
			ref("tenant", "tenancy.tenant").protect().null().reset(),
			ref("platform", "dcim.platform").null(),
			text("serial", 50).blank(),
			nulls("asset_tag"),
			ref("site", siteKind).protect().must(),
			nulls("location rack position face latitude longitude parent_device"),
			choice("status", deviceStatus).or("active"),
			nulls("airflow"),
			since(p.indexedErrors, nulls("cooling_method")...),
			computed("primary_ip", primaryIP),
			ref("primary_ip4", addressKind, primaryIPShape).oneToOne().null(),
			ref("primary_ip6", addressKind, primaryIPShape).oneToOne().null(),
			ref("oob_ip", addressKind, primaryIPShape).oneToOne().null(),
			ref("cluster", clusterKind).null(),
			nulls("virtual_chassis vc_position vc_priority"),
			text("description", 200).blank(),
			nulls("owner"), text("comments", 0).blank(),
			nulls("config_template"),
			computed("config_context", configContext),
			localContext(),
			organized(),
			zeros("console_port_count console_server_port_count power_port_count power_outlet_count"),
			since(p.indexedErrors, zeros("cooling_intake_count cooling_outflow_count")...),
			counted("interface_count", interfaceKind, "device"),
			zeros("front_port_count rear_port_count device_bay_count module_bay_count inventory_item_count"),
		),
		unique: []unique{{
			fields: "name site tenant", folded: true, nullsEqual: true, when: has("name"),
			message: "Device name must be unique per site and tenant.",
		}},
		rules: []rule{deviceCluster, primaryIPs(interfaceKind, "device", "device")},
	}
}

func interfaceTable(p Profile) *kind {
	return &kind{
		name: interfaceKind, path: "dcim/interfaces", class: "Interface", verbose: "interface",
		order: "device name",
		brief: "id url display device name description cable _occupied",
		filters: `name label type enabled mtu mgmt_only mode description speed duplex
			device_id=device device=device.name device_role_id=device.role device_role=device.role.slug
			site_id=device.site site=device.site.slug tenant_id=device.tenant tenant=device.tenant.slug
			vrf_id=vrf vrf=vrf.rd vlan_id! vlan! parent_id=parent bridge_id=bridge lag_id=lag mac_address!
			primary_mac_address_id=primary_mac_address`,
		fields: list(object(),
			ref("device", deviceKind).cascade().must(),
			fixed("vdcs", "[]"),
			nulls("module"),
			text("name", 64).must(),
			text("label", 64).blank(),
			choice("type", interfaceType).must(),
			since(p.indexedErrors, nulls("channels channel_id")...),
			boolean("enabled").or(true),
			ref("parent", interfaceKind, smallPortShape).restrict().null(),
			ref("bridge", interfaceKind, smallPortShape).null(),
			computed("bridge_interfaces", bridgeInterfaces),
			ref("lag", interfaceKind, smallPortShape).null(),
			integer("mtu", 1, 65536).null(),
			macField(p),
			ref("primary_mac_address", macKind).oneToOne().null(),
			computed("mac_addresses", macAddresses),
			integer("speed", 0, maxInt64).null(),
			choice("duplex", interfaceDuplex).null().blank(),
			nulls("wwn"),
			boolean("mgmt_only").or(false),
			text("description", 200).blank(),
			choice("mode", interfaceMode).blank(),
			nulls("rf_role rf_channel poe_mode poe_type rf_channel_frequency rf_channel_width tx_power"),
			ref("untagged_vlan", vlanKind).null(),
			many("tagged_vlans", vlanKind),
			ref("qinq_svlan", vlanKind).null(),
			nulls("vlan_translation_policy"),
			fixed("mark_connected", "false"),
			nulls("cable cable_end wireless_link"),
			fixed("link_peers", "[]").ro(), nulls("link_peers_type"),
			fixed("wireless_lans", "[]"),
			ref("vrf", vrfKind).null(),
			nulls("l2vpn_termination connected_endpoints connected_endpoints_type"),
			fixed("connected_endpoints_reachable", "false").ro(),
			nulls("owner"),
			organized(),
			computed("count_ipaddresses", countAddresses),
			zeros("count_fhrp_groups"),
			fixed("_occupied", "false").ro(),
		),
		unique: []unique{{fields: "device name"}},
		early:  []rule{macShortcutRule, portVLANs, taggedVLANs("device")},
		rules: []rule{
			serviceVLAN, ownPrimaryMAC, notItself("parent", "An interface cannot be its own parent."), portParent(p),
			notItself("bridge", "An interface cannot be bridged to itself."),
			sameOwner("parent", "parent", "device", "device"), sameOwner("bridge", "bridge", "device", "device"),
			portLAG, sameOwner("lag", "LAG", "device", "device"), untaggedVLAN("device", "device"),
		},
		save: []func(*draft){dropVLANs},
	}
}

func macTable(p Profile) *kind {
	return &kind{
		name: macKind, path: "dcim/mac-addresses", class: "MACAddress", verbose: "MAC address",
		order: "mac_address id",
		brief: "id url display mac_address description",
		label: labelled("mac_address"),
		filters: `mac_address description assigned_object_type assigned_object_id assigned! primary! device! device_id!
			virtual_machine! virtual_machine_id! interface! interface_id! vminterface! vminterface_id!`,
		fields: list(object(),
			mac("mac_address").must(),
			contentType("assigned_object_type", "assigned_object_id", interfaceKind, vmInterfaceKind).null(),
			genericID("assigned_object_id", "assigned_object_type").null(),
			computed("assigned_object", genericObject("assigned_object_type", "assigned_object_id")),
			since(p.macPrimary, computed("is_primary", isPrimaryMAC)),
			text("description", 200).blank(),
			nulls("owner"), text("comments", 0).blank(),
			organized(),
		),
		rules: []rule{genericPair, keepPrimaryMAC},
	}
}
