package netboxsim

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
