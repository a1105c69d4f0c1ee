package netboxsim

func vlanGroupTable() *kind {
	return &kind{
		name: vlanGroupKind, path: "ipam/vlan-groups", class: "VLANGroup", verbose: "VLAN group",
		order: "name id",
		brief: "id url display name slug description vlan_count",
		filters: `name slug description scope_type scope_id site=scope_id
			tenant_id=tenant tenant=tenant.slug`,
		fields: list(object(),
			text("name", 100).must(), slug(),
			contentType("scope_type", "scope_id", siteKind).null().reset(),
			genericID("scope_id", "scope_type").null().reset(),
			computed("scope", genericObject("scope_type", "scope_id")),
			jsonField("vid_ranges").or(rawJSON("[[1,4094]]")).read(vlanRanges),
			computed("total_vlan_ids", totalVLANs),
			ref("tenant", "tenancy.tenant").protect().null(),
			text("description", 200).blank(),
			nulls("owner"), text("comments", 0).blank(),
			organized(),
			counts("vlan_count", vlanKind, "group"),
			computed("utilization", vlanUtilization).aside(),
		),
		unique: []unique{
			{fields: "scope_type scope_id name", message: "VLAN group with this Scope type, Scope id and Name already exists."},
			{fields: "scope_type scope_id slug", message: "VLAN group with this Scope type, Scope id and Slug already exists."},
		},
		early: []rule{vlanGroupScope},
	}
}

func vlanTable() *kind {
	return &kind{
		name: vlanKind, path: "ipam/vlans", class: "VLAN", verbose: "VLAN",
		order: "site group vid id",
		brief: "id url display vid name description",
		label: vlanLabel,
		filters: `vid name description tenant_id=tenant tenant=tenant.slug site_id=site site=site.slug status
			group_id=group group=group.slug qinq_role qinq_svlan_id=qinq_svlan`,
		fields: list(object(),
			ref("site", siteKind).protect().null(),
			ref("group", vlanGroupKind).protect().null(),
			integer("vid", 1, 4094).must().named("VLAN ID"),
			text("name", 64).must(),
			ref("tenant", "tenancy.tenant").protect().null(),
			choice("status", vlanStatus).or("active"),
			nulls("role"),
			text("description", 200).blank(),
			choice("qinq_role", vlanQinQ).null(),
			ref("qinq_svlan", vlanKind).protect().null().reset(),
			nulls("owner"), text("comments", 0).blank(),
			nulls("l2vpn_termination"),
			organized(),
			counts("prefix_count", prefixKind, "vlan"),
		),
		unique: []unique{
			{fields: "group vid"}, {fields: "group name"},
			{fields: "qinq_svlan vid"}, {fields: "qinq_svlan name"},
		},
		rules: []rule{vlanPlace},
	}
}

func addressTable() *kind {
	return &kind{
		name: addressKind, path: "ipam/ip-addresses", class: "IPAddress", verbose: "IP address",
		order: "address id",
		brief: "id url display family address description",
		label: labelled("address"),
		filters: `dns_name description status role assigned_object_type assigned_object_id
			tenant_id=tenant tenant=tenant.slug family! parent! address! vrf_id=vrf vrf=vrf.rd
			device! device_id! virtual_machine! virtual_machine_id! interface! interface_id!
			vminterface! vminterface_id! assigned_to_interface! assigned! nat_inside_id=nat_inside`,
		fields: list(object(),
			computed("family", family("address")),
			address("address").must(),
			ref("vrf", vrfKind).protect().null(),
			ref("tenant", "tenancy.tenant").protect().null(),
			choice("status", addressStatus).or("active"),
			choice("role", addressRole).blank(),
			contentType("assigned_object_type", "assigned_object_id", interfaceKind, vmInterfaceKind).null(),
			genericID("assigned_object_id", "assigned_object_type").null(),
			computed("assigned_object", genericObject("assigned_object_type", "assigned_object_id")),
			ref("nat_inside", addressKind, smallIPShape).null().index(),
			computed("nat_outside", natOutside),
			text("dns_name", 255).blank().checked(dnsCheck).normed(lowerCase),
			text("description", 200).blank(),
			nulls("owner"), text("comments", 0).blank(),
			organized(),
		),
		rules: []rule{genericPair, addressPlace, addressDuplicate, keepPrimaryIP, slaacFamily},
	}
}

func prefixTable() *kind {
	return &kind{
		name: prefixKind, path: "ipam/prefixes", class: "Prefix", verbose: "prefix",
		order: "vrf:first prefix id",
		brief: "id url display family prefix description _depth",
		label: labelled("prefix"),
		filters: `prefix is_pool mark_utilized description scope_type scope_id site_id=_site site=_site.slug status
			tenant_id=tenant tenant=tenant.slug family! within_include! contains! vrf_id=vrf vrf=vrf.rd
			vlan_id=vlan vlan_vid=vlan.vid`,
		fields: list(object(),
			computed("family", family("prefix")),
			network("prefix").must(),
			ref("vrf", vrfKind).protect().null(),
			contentType("scope_type", "", siteKind).null().reset(),
			integer("scope_id", minInt64, maxInt64).null().reset(),
			computed("scope", genericObject("scope_type", "scope_id")),
			ref("_site", siteKind).cascade().null().hide(),
			ref("tenant", "tenancy.tenant").protect().null(),
			ref("vlan", vlanKind).protect().null(),
			choice("status", prefixStatus).or("active"),
			nulls("role"),
			boolean("is_pool").or(false),
			boolean("mark_utilized").or(false),
			text("description", 200).blank(),
			nulls("owner"), text("comments", 0).blank(),
			organized(),
			zeros("children _depth"),
		),
		rules: []rule{scopeSite, prefixDuplicate},
	}
}

func vrfTable() *kind {
	return &kind{
		name: vrfKind, path: "ipam/vrfs", class: "VRF", verbose: "VRF",
		order:   "name rd id",
		brief:   "id url display name rd description prefix_count",
		label:   vrfLabel,
		filters: `name rd enforce_unique description tenant_id=tenant tenant=tenant.slug`,
		fields: list(object(),
			text("name", 100).must(),
			text("rd", 21).null().blank().alone().named("route distinguisher"),
			ref("tenant", "tenancy.tenant").protect().null(),
			boolean("enforce_unique").or(true),
			text("description", 200).blank(),
			nulls("owner"), text("comments", 0).blank(),
			fixed("import_targets", "[]"), fixed("export_targets", "[]"),
			organized(),
			counts("ipaddress_count", addressKind, "vrf"),
			counts("prefix_count", prefixKind, "vrf"),
		),
	}
}

func serviceTable(p Profile) *kind {
	ports := "protocol ports"
	if p.indexedErrors {
		ports = "port_mappings"
	}
	return &kind{
		name: "ipam.service", path: "ipam/services", class: "Service", verbose: "application service",
		order:   "name id",
		brief:   "id url display name " + ports + " description",
		filters: `name description parent_object_type parent_object_id protocol ip_address_id=ipaddresses`,
		fields: list(object(),
			contentType("parent_object_type", "parent_object_id", deviceKind, vmKind).must(),
			genericID("parent_object_id", "parent_object_type").must(),
			computed("parent", genericObject("parent_object_type", "parent_object_id")),
			text("name", 100).must(),
			since(p.indexedErrors, computed("port_mappings", portMappings)),
			choice("protocol", protocols).null().reset(),
			jsonField("ports").null().reset(),
			many("ipaddresses", addressKind),
			text("description", 200).blank(),
			nulls("owner"), text("comments", 0).blank(),
			organized(),
		),
	}
}
