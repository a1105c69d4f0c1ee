package netboxsim

import (
	"math"
	"slices"
)

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
		siteTable(), vocabulary("dcim.manufacturer", "dcim/manufacturers", "Manufacturer", "manufacturer", "",
			counts("devicetype_count", "dcim.devicetype", "manufacturer"),
			zeros("moduletype_count inventoryitem_count"),
			counts("platform_count", "dcim.platform", "manufacturer")),
		deviceTypeTable(p), deviceRoleTable(), platformTable(),
		deviceTable(p), interfaceTable(p), macTable(p),
		vocabulary("virtualization.clustertype", "virtualization/cluster-types", "ClusterType", "cluster type", "cluster_count",
			counts("cluster_count", clusterKind, "type")),
		vocabulary("virtualization.clustergroup", "virtualization/cluster-groups", "ClusterGroup", "cluster group", "cluster_count",
			counts("cluster_count", clusterKind, "group")),
		clusterTable(), vmTable(p), diskTable(), vmInterfaceTable(p),
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

// vocabulary is a kind that is a name and little else; brief are the numbers
// that its brief form has, too.
func vocabulary(name, path, class, verbose, brief string, numbers ...[]*field) *kind {
	return &kind{
		name: name, path: path, class: class, verbose: verbose,
		order:   "name",
		brief:   "id url display name slug description " + brief,
		filters: `name slug description`,
		fields: list(object(),
			text("name", 100).must().alone(), slug().alone(), text("description", 200).blank(),
			nulls("owner"), text("comments", 0).blank(),
			organized(), slices.Concat(numbers...),
		),
	}
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
