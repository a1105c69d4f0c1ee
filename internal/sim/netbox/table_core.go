package netboxsim

import "math"

// The kinds that the rest of the package names.
const (
	tagKind         = "extras.tag"
	customFieldKind = "extras.customfield"
	changeKind      = "core.objectchange"
	siteKind        = "dcim.site"
	deviceKind      = "dcim.device"
	interfaceKind   = "dcim.interface"
	macKind         = "dcim.macaddress"
	clusterKind     = "virtualization.cluster"
	vmKind          = "virtualization.virtualmachine"
	vmTypeKind      = "virtualization.virtualmachinetype"
	diskKind        = "virtualization.virtualdisk"
	vmInterfaceKind = "virtualization.vminterface"
	vlanKind        = "ipam.vlan"
	vlanGroupKind   = "ipam.vlangroup"
	addressKind     = "ipam.ipaddress"
	prefixKind      = "ipam.prefix"
	vrfKind         = "ipam.vrf"
)

const (
	maxInt16 = math.MaxInt16
	maxInt32 = math.MaxInt32
	minInt32 = math.MinInt32
	maxInt64 = math.MaxInt64
	minInt64 = math.MinInt64
)

// Shapes of nested objects that differ from the kind's brief fields.
const (
	primaryIPShape  = "id url display family address nat_inside nat_outside dns_name description"
	smallIPShape    = "id url display_url display family= address"
	smallTreeShape  = "id url display_url display name"
	smallVMIfShape  = "id url display_url display virtual_machine:id,url,display_url,display,name name"
	smallPortShape  = "id url display_url display device:id,url,display_url,display,name name cable _occupied"
	smallNamedShape = "id url display_url display name"
)

// The choices of the fields below, "value|Label".
var (
	siteStatus      = options("planned|Planned", "staging|Staging", "active|Active", "decommissioning|Decommissioning", "retired|Retired")
	deviceStatus    = options("offline|Offline", "active|Active", "planned|Planned", "staged|Staged", "failed|Failed", "inventory|Inventory", "decommissioning|Decommissioning")
	clusterStatus   = options("planned|Planned", "staging|Staging", "active|Active", "decommissioning|Decommissioning", "offline|Offline")
	vmStatus        = options("offline|Offline", "active|Active", "planned|Planned", "staged|Staged", "failed|Failed", "decommissioning|Decommissioning", "paused|Paused")
	vmStartOnBoot   = options("on|On", "off|Off", "laststate|Last State")
	interfaceMode   = options("access|Access", "tagged|Tagged", "tagged-all|Tagged (All)", "q-in-q|Q-in-Q (802.1ad)")
	interfaceDuplex = options("half|Half", "full|Full", "auto|Auto")
	vlanStatus      = options("active|Active", "reserved|Reserved", "deprecated|Deprecated")
	vlanQinQ        = options("svlan|Service", "cvlan|Customer")
	addressStatus   = options("active|Active", "reserved|Reserved", "deprecated|Deprecated", "dhcp|DHCP", "slaac|SLAAC")
	addressRole     = options("loopback|Loopback", "secondary|Secondary", "anycast|Anycast", "vip|VIP", "vrrp|VRRP", "hsrp|HSRP", "glbp|GLBP", "carp|CARP")
	prefixStatus    = options("container|Container", "active|Active", "reserved|Reserved", "deprecated|Deprecated")
	journalKind     = options("info|Info", "success|Success", "warning|Warning", "danger|Danger")
	changeAction    = options("create|Created", "update|Updated", "delete|Deleted")
	protocols       = options("tcp|TCP", "udp|UDP", "sctp|SCTP")

	customFieldType    = options("text|Text", "longtext|Text (long)", "integer|Integer", "decimal|Decimal", "boolean|Boolean", "date|Date", "datetime|Date & time", "url|URL", "json|JSON", "select|Selection", "multiselect|Multiple selection", "object|Object", "multiobject|Multiple objects")
	customFieldLogic   = options("disabled|Disabled", "loose|Loose", "exact|Exact")
	customFieldVisible = options("always|Always", "if-set|If set", "hidden|Hidden")
	customFieldEdit    = options("yes|Yes", "no|No", "hidden|Hidden")

	// NetBox knows some two hundred; these are what a Proxmox node can have.
	interfaceType = options("virtual|Virtual", "bridge|Bridge", "lag|Link Aggregation Group (LAG)",
		"100base-tx|100BASE-TX (10/100ME)", "1000base-t|1000BASE-T (1GE)", "1000base-x-gbic|1000BASE-X (1GE GBIC)",
		"1000base-x-sfp|1000BASE-X (1GE SFP)", "2.5gbase-t|2.5GBASE-T (2.5GE)", "5gbase-t|5GBASE-T (5GE)",
		"10gbase-t|10GBASE-T (10GE)", "10gbase-x-sfpp|10GBASE-X (10GE SFP+)", "25gbase-x-sfp28|25GBASE-X (25GE SFP28)",
		"40gbase-x-qsfpp|40GBASE-X (40GE QSFP+)", "50gbase-x-sfp56|50GBASE-X (50GE SFP56)",
		"100gbase-x-qsfp28|100GBASE-X (100GE QSFP28)", "200gbase-x-qsfp56|200GBASE-X (200GE QSFP56)",
		"400gbase-x-qsfpdd|400GBASE-X (400GE QSFP-DD)", "ieee802.11ac|IEEE 802.11ac", "ieee802.11ax|IEEE 802.11ax",
		"ieee802.15.1|IEEE 802.15.1 (Bluetooth)", "infiniband-fdr|Infiniband FDR (13 Gbps, 4X)", "other|Other")
)

func coreKinds(p Profile) []*kind {
	kinds := []*kind{
		tagTable(), customFieldTable(), journalTable(), changeTable(),
		siteTable(), manufacturerTable(), deviceTypeTable(p), deviceRoleTable(), platformTable(),
		deviceTable(p), interfaceTable(p), macTable(p),
		clusterTypeTable(), clusterGroupTable(), clusterTable(), vmTable(p), diskTable(), vmInterfaceTable(p),
		vlanGroupTable(), vlanTable(), addressTable(), prefixTable(), vrfTable(), serviceTable(p), tenantTable(),
	}
	if p.vmTypes {
		kinds = append(kinds, vmTypeTable())
	}
	return kinds
}

// list flattens what a table writes on one line.
func list(parts ...any) []*field {
	var fs []*field
	for _, p := range parts {
		switch p := p.(type) {
		case *field:
			fs = append(fs, p)
		case []*field:
			fs = append(fs, p...)
		}
	}
	return fs
}

// object is how every core object begins, organized how most end.
func object() []*field { return list(id(), selfURL(), displayURL(), display()) }

func organized() []*field { return list(tags(), customFields(), created(), lastUpdated()) }

// since keeps a field when a condition on the profile holds.
func since(ok bool, fs ...*field) []*field {
	if ok {
		return fs
	}
	return nil
}

func tagTable() *kind {
	return &kind{
		name: tagKind, path: "extras/tags", class: "Tag", verbose: "tag",
		order:   "weight name",
		brief:   "id url display name slug color description",
		filters: `name slug color weight description`,
		fields: list(object(),
			text("name", 100).must().alone(),
			slug().alone().checked(tagSlugCheck),
			text("color", 6).or("9e9e9e").checked(colorCheck),
			text("description", 200).blank(),
			integer("weight", 0, maxInt16).or(1000),
			jsonField("object_types").or(rawJSON("[]")).read(objectTypes),
			computed("tagged_items", taggedItems).aside(),
			created(), lastUpdated(),
		),
	}
}

func customFieldTable() *kind {
	return &kind{
		name: customFieldKind, path: "extras/custom-fields", class: "CustomField", verbose: "custom field",
		order: "group_name weight name",
		brief: "id url display name description",
		label: customFieldLabel,
		filters: `name label group_name required unique search_weight filter_logic ui_visible ui_editable weight
			is_cloneable description type object_type! related_object_type`,
		fields: list(object(),
			jsonField("object_types").must().read(objectTypes),
			choice("type", customFieldType).must(),
			contentType("related_object_type", "").null(),
			computed("data_type", dataType),
			text("name", 50).must().alone().checked(customNameCheck),
			text("label", 50).blank(), text("group_name", 50).blank(), text("description", 200).blank(),
			boolean("required").or(false), boolean("unique").or(false),
			integer("search_weight", 0, maxInt16).or(1000),
			choice("filter_logic", customFieldLogic).or("loose"),
			choice("ui_visible", customFieldVisible).or("always"),
			choice("ui_editable", customFieldEdit).or("yes"),
			boolean("is_cloneable").or(false),
			boolean("nulls_first").or(true),
			jsonField("default").null(), jsonField("related_object_filter").null(),
			integer("weight", 0, maxInt16).or(100),
			decimal("validation_minimum", 16, 4).null(), decimal("validation_maximum", 16, 4).null(),
			text("validation_regex", 500).blank(),
			nulls("validation_schema choice_set"),
			fixed("status", `{"value":"active","label":"Active"}`).ro(),
			nulls("owner"), text("comments", 0).blank(),
			created(), lastUpdated(),
		),
		rules: []rule{customFieldTypeRule},
		after: []func(*store, *tx, *row, *row){fillCustomField},
	}
}

func journalTable() *kind {
	return &kind{
		name: "extras.journalentry", path: "extras/journal-entries", class: "JournalEntry", verbose: "journal entry",
		order:   "-created",
		brief:   "id url display created",
		label:   journalLabel,
		filters: `assigned_object_id assigned_object_type kind`,
		fields: list(object(),
			contentType("assigned_object_type", "assigned_object_id", journalled...).must(),
			genericID("assigned_object_id", "assigned_object_type").must(),
			computed("assigned_object", genericObject("assigned_object_type", "assigned_object_id")),
			created(),
			fixed("created_by", "1"),
			choice("kind", journalKind).or("info"),
			text("comments", 0).must(),
			tags(), customFields(), lastUpdated(),
		),
		rules: []rule{journalSubject},
	}
}

// journalled are the kinds that can have journal entries.
var journalled = []string{
	siteKind, "dcim.manufacturer", "dcim.devicetype", "dcim.devicerole", "dcim.platform", deviceKind, interfaceKind, macKind,
	"virtualization.clustertype", "virtualization.clustergroup", clusterKind, vmTypeKind, vmKind, diskKind, vmInterfaceKind,
	vlanGroupKind, vlanKind, addressKind, prefixKind, vrfKind, "ipam.service", "tenancy.tenant",
}

func changeTable() *kind {
	return &kind{
		name: changeKind, path: "core/object-changes", page: "core/changelog", class: "ObjectChange", verbose: "object change",
		methods: "GET, HEAD, OPTIONS",
		order:   "-time -id",
		label:   changeLabel,
		filters: `user_name request_id action changed_object_id changed_object_type object_repr time`,
		fields: list(object(),
			datetime("time").ro(),
			computed("user", changeUser),
			text("user_name", 150).ro(),
			text("request_id", 0).ro(),
			choice("action", changeAction).ro(),
			contentType("changed_object_type", "").ro(),
			integer("changed_object_id", 0, maxInt64).ro(),
			computed("changed_object", genericObject("changed_object_type", "changed_object_id")),
			text("object_repr", 200).ro(),
			text("message", 200).ro(),
			jsonField("prechange_data").ro(),
			jsonField("postchange_data").ro(),
		),
	}
}

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

func manufacturerTable() *kind {
	return &kind{
		name: "dcim.manufacturer", path: "dcim/manufacturers", class: "Manufacturer", verbose: "manufacturer",
		order:   "name",
		brief:   "id url display name slug description",
		filters: `name slug description`,
		fields: list(object(),
			text("name", 100).must().alone(), slug().alone(), text("description", 200).blank(),
			nulls("owner"), text("comments", 0).blank(),
			organized(),
			counts("devicetype_count", "dcim.devicetype", "manufacturer"),
			zeros("moduletype_count inventoryitem_count"),
			counts("platform_count", "dcim.platform", "manufacturer"),
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

func clusterTypeTable() *kind {
	return &kind{
		name: "virtualization.clustertype", path: "virtualization/cluster-types", class: "ClusterType", verbose: "cluster type",
		order:   "name",
		brief:   "id url display name slug description cluster_count",
		filters: `name slug description`,
		fields: list(object(),
			text("name", 100).must().alone(), slug().alone(), text("description", 200).blank(),
			nulls("owner"), text("comments", 0).blank(),
			organized(),
			counts("cluster_count", clusterKind, "type"),
		),
	}
}

func clusterGroupTable() *kind {
	return &kind{
		name: "virtualization.clustergroup", path: "virtualization/cluster-groups", class: "ClusterGroup", verbose: "cluster group",
		order:   "name",
		brief:   "id url display name slug description cluster_count",
		filters: `name slug description`,
		fields: list(object(),
			text("name", 100).must().alone(), slug().alone(), text("description", 200).blank(),
			nulls("owner"), text("comments", 0).blank(),
			organized(),
			counts("cluster_count", clusterKind, "group"),
		),
	}
}

func clusterTable() *kind {
	return &kind{
		name: clusterKind, path: "virtualization/clusters", class: "Cluster", verbose: "cluster",
		order: "name",
		brief: "id url display name description virtualmachine_count",
		filters: `name description scope_type scope_id site_id=_site site=_site.slug status
			tenant_id=tenant tenant=tenant.slug group_id=group group=group.slug type_id=type type=type.slug`,
		fields: list(object(),
			text("name", 100).must(),
			ref("type", "virtualization.clustertype").protect().must(),
			ref("group", "virtualization.clustergroup").protect().null().reset(),
			choice("status", clusterStatus).or("active"),
			ref("tenant", "tenancy.tenant").protect().null(),
			contentType("scope_type", "", siteKind).null().reset(),
			integer("scope_id", minInt64, maxInt64).null().reset(),
			computed("scope", genericObject("scope_type", "scope_id")),
			ref("_site", siteKind).cascade().null().hide(),
			text("description", 200).blank(),
			nulls("owner"), text("comments", 0).blank(),
			organized(),
			counts("device_count", deviceKind, "cluster"),
			counts("virtualmachine_count", vmKind, "cluster"),
			computed("allocated_vcpus", allocated("vcpus")).aside(),
			computed("allocated_memory", allocated("memory")).aside(),
			computed("allocated_disk", allocated("disk")).aside(),
		),
		unique: []unique{{fields: "group name"}, {fields: "_site name", silent: true}},
		early:  []rule{scopeSite},
		rules:  []rule{clusterSite},
		after:  []func(*store, *tx, *row, *row){moveVMsToSite},
	}
}

func vmTypeTable() *kind {
	return &kind{
		name: vmTypeKind, path: "virtualization/virtual-machine-types", class: "VirtualMachineType", verbose: "virtual machine type",
		order: "name",
		brief: "id url display name slug description",
		filters: `name slug default_vcpus default_memory description default_platform_id=default_platform
			default_platform=default_platform.slug`,
		fields: list(object(),
			text("name", 100).must(),
			slug().alone(),
			ref("default_platform", "dcim.platform").null(),
			decimal("default_vcpus", 6, 2).null().atLeast(0.01, "0.01"),
			integer("default_memory", 0, maxInt32).null(),
			text("description", 200).blank(),
			nulls("owner"), text("comments", 0).blank(),
			organized(),
			counted("virtual_machine_count", vmKind, "virtual_machine_type"),
		),
		unique: []unique{{fields: "name", folded: true, message: "Virtual machine type name must be unique."}},
	}
}

func vmTable(p Profile) *kind {
	return &kind{
		name: vmKind, path: "virtualization/virtual-machines", class: "VirtualMachine", verbose: "virtual machine",
		order: "name id",
		brief: "id url display name description",
		filters: `name:i vcpus memory disk description serial status start_on_boot
			tenant_id=tenant tenant=tenant.slug primary_ip4_id=primary_ip4 primary_ip6_id=primary_ip6
			virtual_machine_type_id=virtual_machine_type virtual_machine_type=virtual_machine_type.slug
			cluster_id=cluster cluster=cluster.name cluster_group_id=cluster.group cluster_group=cluster.group.slug
			cluster_type_id=cluster.type cluster_type=cluster.type.slug device_id=device device=device.name
			site_id=site site=site.slug role_id=role role=role.slug platform_id=platform platform=platform.slug
			mac_address! has_primary_ip!`,
		fields: list(object(),
			text("name", 64).must(),
			ref("virtual_machine_type", vmTypeKind).protect().null().reset(),
			ref("role", "dcim.devicerole").protect().null(),
			choice("status", vmStatus).or("active"),
			choice("start_on_boot", vmStartOnBoot).or("off"),
			ref("site", siteKind).protect().null().reset(),
			ref("cluster", clusterKind).protect().null().reset(),
			ref("device", deviceKind).protect().null().reset(),
			ref("platform", "dcim.platform").null(),
			computed("primary_ip", primaryIP),
			ref("primary_ip4", addressKind, primaryIPShape).oneToOne().null(),
			ref("primary_ip6", addressKind, primaryIPShape).oneToOne().null(),
			decimal("vcpus", 6, 2).null().atLeast(0.01, "0.01000000000000000020816681711721685132943093776702880859375"),
			integer("memory", 0, maxInt32).null(),
			integer("disk", 0, maxInt32).null(),
			text("description", 200).blank(),
			text("serial", 50).blank(),
			ref("tenant", "tenancy.tenant").protect().null().reset(),
			nulls("owner"), text("comments", 0).blank(),
			tags(),
			localContext(),
			nulls("config_template"),
			customFields(), created(), lastUpdated(),
			counted("interface_count", vmInterfaceKind, "virtual_machine"),
			counted("virtual_disk_count", diskKind, "virtual_machine"),
			computed("config_context", configContext),
		),
		unique: vmNames(p),
		rules:  []rule{vmPlace(p), vmDisk, primaryIPs(vmInterfaceKind, "virtual_machine", "VM")},
		save:   []func(*draft){vmSite, vmTypeDefaults},
	}
}

// vmNames are the constraints on a virtual machine's name, which differ by
// release in their words and in what no tenant means.
func vmNames(p Profile) []unique {
	onCluster := func(k *kind, r *row) bool { return k.get(r, "cluster") != nil }
	onDevice := func(k *kind, r *row) bool { return k.get(r, "cluster") == nil && k.get(r, "device") != nil }
	if p.indexedErrors {
		return []unique{
			{fields: "name cluster tenant", folded: true, nullsEqual: true, when: onCluster,
				message: "Virtual machine name must be unique per cluster and tenant."},
			{fields: "name device tenant", folded: true, nullsEqual: true, when: onDevice,
				message: "Virtual machine name must be unique per device and tenant."},
		}
	}
	alone := func(on func(*kind, *row) bool) func(*kind, *row) bool {
		return func(k *kind, r *row) bool { return on(k, r) && k.get(r, "tenant") == nil }
	}
	names := []unique{
		{fields: "name cluster tenant", folded: true, when: onCluster,
			message: "Virtual machine name must be unique per cluster and tenant."},
		{fields: "name cluster", folded: true, when: alone(onCluster),
			message: "Virtual machine name must be unique per cluster."},
	}
	if p.vmTypes {
		names = append(names,
			unique{fields: "name device tenant", folded: true, when: onDevice,
				message: "Virtual machine name must be unique per device and tenant."},
			unique{fields: "name device", folded: true, when: alone(onDevice),
				message: "Virtual machine name must be unique per device."})
	}
	return names
}

func diskTable() *kind {
	return &kind{
		name: diskKind, path: "virtualization/virtual-disks", class: "VirtualDisk", verbose: "virtual disk",
		order:   "virtual_machine name",
		brief:   "id url display virtual_machine name description size",
		filters: `name size description virtual_machine_id=virtual_machine virtual_machine=virtual_machine.name`,
		fields: list(object(),
			ref("virtual_machine", vmKind).cascade().must(),
			text("name", 64).must(),
			text("description", 200).blank(),
			integer("size", 0, maxInt32).must(),
			nulls("owner"),
			organized(),
		),
		unique: []unique{{fields: "virtual_machine name"}},
		after:  []func(*store, *tx, *row, *row){sumDisks},
	}
}

func vmInterfaceTable(p Profile) *kind {
	return &kind{
		name: vmInterfaceKind, path: "virtualization/interfaces", class: "VMInterface", verbose: "interface",
		order: "virtual_machine name",
		brief: "id url display virtual_machine name description",
		filters: `name enabled mtu mode description vrf_id=vrf vrf=vrf.rd vlan_id! vlan!
			cluster_id=virtual_machine.cluster cluster=virtual_machine.cluster.name
			virtual_machine_id=virtual_machine virtual_machine=virtual_machine.name parent_id=parent bridge_id=bridge
			mac_address! primary_mac_address_id=primary_mac_address`,
		fields: list(object(),
			ref("virtual_machine", vmKind).cascade().must(),
			text("name", 64).must(),
			boolean("enabled").or(true),
			ref("parent", vmInterfaceKind, smallVMIfShape).restrict().null(),
			ref("bridge", vmInterfaceKind, smallVMIfShape).null(),
			integer("mtu", 1, 65536).null(),
			macField(p),
			ref("primary_mac_address", macKind).oneToOne().null(),
			computed("mac_addresses", macAddresses),
			text("description", 200).blank(),
			choice("mode", interfaceMode).blank(),
			ref("untagged_vlan", vlanKind).null(),
			many("tagged_vlans", vlanKind),
			ref("qinq_svlan", vlanKind).null(),
			nulls("vlan_translation_policy"),
			ref("vrf", vrfKind).null(),
			nulls("l2vpn_termination owner"),
			organized(),
			computed("count_ipaddresses", countAddresses),
			zeros("count_fhrp_groups"),
		),
		unique: []unique{{fields: "virtual_machine name"}},
		early:  []rule{macShortcutRule, taggedVLANs("virtual_machine")},
		rules: []rule{
			serviceVLAN, ownPrimaryMAC, notItself("parent", "An interface cannot be its own parent."),
			sameOwner("parent", "parent", "virtual_machine", "virtual machine"),
			notItself("bridge", "An interface cannot be bridged to itself."),
			sameOwner("bridge", "bridge", "virtual_machine", "virtual machine"),
			untaggedVLAN("virtual_machine", "virtual machine"),
		},
		save: []func(*draft){dropVLANs},
	}
}

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

func tenantTable() *kind {
	return &kind{
		name: "tenancy.tenant", path: "tenancy/tenants", class: "Tenant", verbose: "tenant",
		order:   "name",
		brief:   "id url display name slug description",
		filters: `name slug description`,
		fields: list(object(),
			text("name", 100).must(), slug(),
			nulls("group"),
			text("description", 200).blank(),
			nulls("owner"), text("comments", 0).blank(),
			organized(),
			zeros("circuit_count"),
			counts("device_count", deviceKind, "tenant"),
			counts("ipaddress_count", addressKind, "tenant"),
			counts("prefix_count", prefixKind, "tenant"),
			zeros("rack_count"),
			counts("site_count", siteKind, "tenant"),
			counts("virtualmachine_count", vmKind, "tenant"),
			counts("vlan_count", vlanKind, "tenant"),
			counts("vrf_count", vrfKind, "tenant"),
			counts("cluster_count", clusterKind, "tenant"),
		),
		unique: []unique{
			{fields: "name", message: "Tenant name must be unique per group."},
			{fields: "slug", message: "Tenant slug must be unique per group."},
		},
	}
}
