package netboxsim

import "strings"

// The plugin's kinds that rules name.
const (
	endpointKind        = "netbox_proxbox.proxmoxendpoint"
	proxmoxClusterKind  = "netbox_proxbox.proxmoxcluster"
	proxmoxNodeKind     = "netbox_proxbox.proxmoxnode"
	storageKind         = "netbox_proxbox.proxmoxstorage"
	guestInterfaceKind  = "netbox_proxbox.guestvminterface"
	deviceSyncStateKind = "netbox_proxbox.proxboxdevicesyncstate"
	settingsKind        = "netbox_proxbox.proxboxpluginsettings"
)

const (
	nodeShape    = "id url display name node_id online"
	namedShape   = "id url display name"
	pluginPrefix = "plugins/proxbox/"
)

var (
	proxmoxMode     = options("undefined|Undefined", "standalone|Standalone", "cluster|Cluster")
	environment     = options("production|Production", "staging|Staging", "development|Development", "homologation|Homologation", "testing|Testing", "lab|Lab")
	backupSubtype   = options("undefined|Undefined", "lxc|LXC", "ct|CT", "qemu|QEMU", "vm|VM")
	backupFormat    = options("undefined|Undefined", "pbs-vm|PBS VM", "pbs-ct|PBS CT", "zst|ZST", "iso|ISO", "tzst|TZST", "tgz|TGZ", "qcow2|QCOW2", "raw|RAW", "tar|TAR", "tbz|TBZ")
	snapshotSubtype = options("qemu|QEMU", "lxc|LXC")
	rowStatus       = options("active|Active", "stale|Stale")
	replicationType = options("local|Local")
	replicationDrop = options("local|Local", "full|Full")
	syncModes       = options("always|Always", "bootstrap_only|Bootstrap only", "disabled|Disabled")
	accessMethods   = options("api|API", "ssh|SSH", "api_ssh|API + SSH")
	addressFamilies = options("ipv4|IPv4", "ipv6|IPv6")
	ifaceStrategies = options("guest_os_model|Guest OS model", "legacy_rename|Legacy rename")
	sdnFabricTypes  = options("wireguard|WireGuard", "bgp|BGP", "vxlan|VXLAN", "ospf|OSPF")
	sdnStatus       = options("active|Active", "stale|Stale", "error|Error")
)

func pluginKinds(p Profile) []*kind {
	if p.Plugin == "" {
		return nil
	}
	kinds := []*kind{
		endpointTable(), netboxEndpointTable(), fastAPIEndpointTable(), proxmoxClusterTable(), proxmoxNodeTable(), storageTable(),
		backupTable(), snapshotTable(), taskHistoryTable(), replicationTable(), backupRoutineTable(), cloudInitTable(),
		settingsTable(),
	}
	if !p.syncState {
		return kinds
	}
	kinds = append(kinds, guestInterfaceTable(), guestAddressTable())
	kinds = append(kinds, syncStateTables()...)
	return append(kinds, sdnTables()...)
}

func kindsOf(p Profile) []*kind { return append(coreKinds(p), pluginKinds(p)...) }

// pluginObject is how every plugin object begins.
func pluginObject() []*field { return list(id(), selfURL(), display()) }

func endpointTable() *kind {
	return &kind{
		name: endpointKind, path: pluginPrefix + "endpoints/proxmox", class: "ProxmoxEndpoint", verbose: "Proxmox endpoint",
		order: "name id",
		brief: "id url display name domain port iana_timezone node_device_name_template",
		label: endpointLabel, shown: endpointDisplay,
		filters: `name domain mode environment enabled ip_address:one site:one tenant:one`,
		fields: list(pluginObject(),
			text("name", 255).null().blank().or("Proxmox Endpoint"),
			ref("ip_address", addressKind, smallIPShape).protect().null(),
			text("domain", 0).null().blank().checked(domainCheck),
			integer("port", 1, 65535).or(8006),
			choice("mode", proxmoxMode).must(),
			choice("environment", environment).null().blank(),
			text("version", 20).null().blank(), text("repoid", 16).null().blank(),
			text("iana_timezone", 0).blank().ro(),
			text("node_device_name_template", 128).blank(),
			text("username", 255).or("root@pam"),
			text("password", 0).null().blank().writesOnly(),
			text("token_name", 255).blank(),
			text("token_value", 0).blank().writesOnly(),
			text("credential_storage_backend", 0).blank(),
			boolean("verify_ssl").or(true),
			boolean("enabled").or(true),
			integer("timeout", 0, maxInt32).null(), integer("max_retries", 0, maxInt16).null(), decimal("retry_backoff", 5, 2).null(),
			text("ssh_credential_source", 0).or("dedicated"), text("ssh_username", 64).blank(),
			integer("ssh_port", 1, 65535).or(22), text("ssh_auth_method", 0).or("key"), text("ssh_known_host_fingerprint", 128).blank(),
			falses("has_ssh_password has_ssh_private_key has_ssh_terminal_credentials"),
			boolean("service_monitoring_enabled").or(false),
			integer("service_monitoring_interval_minutes", 1, 1440).or(5),
			jsonField("service_monitoring_units").or(rawJSON("[]")),
			nulls("service_monitoring_last_success_at"),
			fixed("service_monitoring_last_status", `""`).ro(), fixed("service_monitoring_last_error", `""`).ro(),
			falses("service_monitoring_eligible"),
			pk("default_role_qemu", "dcim.devicerole").null(), pk("default_role_lxc", "dcim.devicerole").null(),
			boolean("enable_tenant_name_regex").null(), jsonField("tenant_name_regex_rules").null(),
			boolean("enable_tenant_tag_assignment").null(), boolean("enable_tenant_from_cluster").null(),
			boolean("allow_writes").or(false), boolean("allow_packer_template_builds").or(false),
			falses("packer_template_builds_backend_authorized"),
			choice("access_methods", accessMethods).bare().or("api"),
			maybeModes("sync_mode_vm sync_mode_vm_template sync_mode_vm_interface sync_mode_mac sync_mode_ip_address "+
				"sync_mode_cluster sync_mode_node sync_mode_storage sync_mode_sdn sync_mode_sdn_bgp"),
			maybeBools(overwriteFlags),
			boolean("rpc_enabled").null(), falses("effective_rpc_enabled"),
			ref("site", siteKind).null(),
			ref("tenant", "tenancy.tenant").null(),
			fixed("allowed_tenants", "[]"),
			organized(),
		),
		rules: []rule{hostOrDomain},
	}
}

// overwriteFlags are what the plugin lets a person choose per endpoint.
const overwriteFlags = `overwrite_device_role overwrite_device_type overwrite_device_tags overwrite_device_status
	overwrite_device_description overwrite_device_custom_fields overwrite_vm_role overwrite_vm_type overwrite_vm_platform
	overwrite_vm_tags overwrite_vm_proxmox_tags overwrite_vm_description overwrite_vm_custom_fields overwrite_vm_cloudinit
	overwrite_cluster_tags overwrite_cluster_description overwrite_cluster_custom_fields overwrite_node_interface_tags
	overwrite_node_interface_custom_fields overwrite_storage_tags overwrite_vm_interface_tags
	overwrite_vm_interface_custom_fields overwrite_ip_status overwrite_ip_tags overwrite_ip_custom_fields
	overwrite_ip_address_dns_name`

func netboxEndpointTable() *kind {
	return &kind{
		name: "netbox_proxbox.netboxendpoint", path: pluginPrefix + "endpoints/netbox", class: "NetBoxEndpoint", verbose: "NetBox endpoint",
		order:   "name id",
		brief:   "id url display name domain port",
		label:   endpointLabel,
		filters: `name domain ip_address:one enabled`,
		fields: list(pluginObject(),
			text("name", 255).null().blank().or("NetBox Endpoint"),
			ref("ip_address", addressKind, smallIPShape).protect().null(),
			text("domain", 253).null().blank().checked(domainCheck),
			integer("port", 1, 65535).or(443),
			text("token_version", 0).or("v1"),
			nulls("token"),
			text("token_key", 255).blank(), text("token_secret", 255).blank().writesOnly(),
			boolean("verify_ssl").or(true), boolean("enabled").or(true),
			organized(),
		),
		unique: []unique{{fields: "name ip_address"}},
	}
}

func fastAPIEndpointTable() *kind {
	return &kind{
		name: "netbox_proxbox.fastapiendpoint", path: pluginPrefix + "endpoints/fastapi", class: "FastAPIEndpoint", verbose: "FastAPI endpoint",
		order:   "name id",
		brief:   "id url display name domain port",
		label:   endpointLabel,
		filters: `name domain ip_address:one enabled`,
		fields: list(pluginObject(),
			text("name", 255).null().blank().or("ProxBox Endpoint"),
			ref("ip_address", addressKind, smallIPShape).protect().null(),
			text("domain", 253).null().blank().checked(domainCheck),
			integer("port", 1, 65535).or(8800),
			boolean("use_https").or(true), boolean("verify_ssl").or(true), boolean("enabled").or(true),
			text("token", 0).null().blank().writesOnly(),
			boolean("use_websocket").or(false), text("websocket_domain", 255).null().blank(),
			integer("websocket_port", 1, 65535).null(), boolean("server_side_websocket").or(false),
			organized(),
		),
		unique: []unique{{fields: "name ip_address"}},
	}
}

func proxmoxClusterTable() *kind {
	return &kind{
		name: proxmoxClusterKind, path: pluginPrefix + "proxmox-clusters", class: "ProxmoxCluster", verbose: "Proxmox cluster",
		order:   "endpoint name",
		brief:   "id url display name",
		label:   underEndpoint("name"),
		filters: `endpoint:one netbox_cluster:one name mode quorate`,
		fields: list(pluginObject(),
			ref("endpoint", endpointKind, namedShape).cascade().must().named("Proxmox endpoint"),
			ref("netbox_cluster", clusterKind).null(),
			text("name", 255).must().named("Cluster name"),
			text("cluster_id", 255).blank(),
			choice("mode", proxmoxMode).must(),
			integer("nodes_count", 0, maxInt32).or(0),
			computed("node_count", sameAs("nodes_count")),
			boolean("quorate").or(false),
			integer("version", minInt32, maxInt32).null(),
			created(), lastUpdated(), customFields(), tags(),
		),
		unique: []unique{{fields: "endpoint name"}},
	}
}

func proxmoxNodeTable() *kind {
	return &kind{
		name: proxmoxNodeKind, path: pluginPrefix + "proxmox-nodes", class: "ProxmoxNode", verbose: "Proxmox node",
		order:   "endpoint name",
		brief:   "id url display name online",
		label:   underEndpoint("name"),
		filters: `endpoint:one proxmox_cluster:one netbox_device:one name ip_address online local location`,
		fields: list(pluginObject(),
			ref("endpoint", endpointKind, namedShape).cascade().must().named("Proxmox endpoint"),
			ref("proxmox_cluster", proxmoxClusterKind, namedShape).null(),
			ref("netbox_device", deviceKind, "id url display name status").null(),
			text("name", 255).must().named("Node name"),
			integer("node_id", minInt32, maxInt32).null(),
			text("ip_address", 0).must().checked(hostCheck),
			boolean("online").or(false),
			boolean("local").or(false),
			float("cpu_usage").null(), computed("cpu_usage_percent", sameAs("cpu_usage")),
			integer("max_cpu", minInt32, maxInt32).null(),
			integer("memory_usage", minInt64, maxInt64).null(), computed("memory_usage_percent", memoryPercent),
			integer("max_memory", minInt64, maxInt64).null(),
			text("ssl_fingerprint", 255).blank(), text("location", 255).blank(), text("support_level", 100).blank(),
			pk("default_role_qemu", "dcim.devicerole").null(), pk("default_role_lxc", "dcim.devicerole").null(),
			created(), lastUpdated(), customFields(), tags(),
		),
		unique: []unique{{fields: "endpoint name"}},
	}
}

func storageTable() *kind {
	return &kind{
		name: storageKind, path: pluginPrefix + "storage", class: "ProxmoxStorage", verbose: "Proxmox Storage",
		order:   "cluster name",
		brief:   "id url display cluster name",
		label:   storageLabel,
		filters: `cluster:one name storage_type content path nodes shared enabled server port format datastore pool`,
		fields: list(pluginObject(),
			ref("cluster", clusterKind).cascade().must(),
			text("name", 255).must(),
			text("storage_type", 100).null().blank(), text("content", 255).null().blank(), text("path", 255).null().blank(),
			text("nodes", 0).null().blank(),
			boolean("shared").or(false), boolean("enabled").or(true),
			text("server", 255).null().blank(), integer("port", 0, maxInt32).null(), text("username", 255).null().blank(),
			text("export", 255).null().blank(), text("share", 255).null().blank(),
			text("pool", 255).null().blank(), text("monhost", 512).null().blank(), text("namespace", 255).null().blank(),
			text("datastore", 255).null().blank(), text("subdir", 255).null().blank(),
			text("mountpoint", 255).null().blank(), text("is_mountpoint", 255).null().blank(),
			text("preallocation", 50).null().blank(), text("format", 100).null().blank(),
			text("prune_backups", 512).null().blank(), integer("max_protected_backups", minInt32, maxInt32).null(),
			jsonField("raw_config").or(rawJSON("{}")),
			organized(),
		),
		unique: []unique{{fields: "cluster name"}},
	}
}

// ofVM is the virtual machine that a row of the plugin belongs to.
func ofVM() *field { return ref("virtual_machine", vmKind, smallNamedShape).cascade().must() }

func backupTable() *kind {
	return &kind{
		name: "netbox_proxbox.vmbackup", path: pluginPrefix + "backups", class: "VMBackup", verbose: "VM Backup",
		order:   "storage virtual_machine creation_time",
		brief:   "id url display proxmox_storage storage creation_time",
		label:   backupLabel,
		filters: `proxmox_storage:one virtual_machine:one subtype format creation_time size used encrypted volume_id vmid`,
		fields: list(pluginObject(),
			ref("proxmox_storage", storageKind).null(),
			ofVM(),
			text("storage", 255).null().blank(),
			choice("subtype", backupSubtype).null().or("undefined"),
			choice("format", backupFormat).null().or("undefined"),
			datetime("creation_time").null(),
			integer("size", minInt64, maxInt64).null(),
			text("notes", 0).null().blank(),
			text("volume_id", 255).null().blank(),
			integer("vmid", 0, maxInt32).null(),
			integer("used", minInt64, maxInt64).null(),
			text("encrypted", 255).blank(),
			text("verification_state", 255).null().blank(), text("verification_upid", 255).null().blank(),
			organized(),
		),
		unique: []unique{{fields: "storage virtual_machine subtype format volume_id vmid"}},
	}
}

func snapshotTable() *kind {
	return &kind{
		name: "netbox_proxbox.vmsnapshot", path: pluginPrefix + "snapshots", class: "VMSnapshot", verbose: "VM Snapshot",
		order:   "virtual_machine node name",
		brief:   "id url display proxmox_storage name virtual_machine status",
		label:   underVM("name", " - "),
		filters: `proxmox_storage:one virtual_machine:one subtype status name description vmid node parent snaptime`,
		fields: list(pluginObject(),
			ref("proxmox_storage", storageKind).null(),
			ofVM(),
			text("name", 255).must(),
			text("description", 0).null().blank(),
			integer("vmid", 0, maxInt32).must(),
			text("node", 255).must(),
			datetime("snaptime").null(),
			text("parent", 255).null().blank(),
			choice("subtype", snapshotSubtype).must(),
			choice("status", rowStatus).must(),
			organized(),
		),
		unique: []unique{{fields: "vmid name node"}},
	}
}

func taskHistoryTable() *kind {
	return &kind{
		name: "netbox_proxbox.vmtaskhistory", path: pluginPrefix + "task-history", class: "VMTaskHistory", verbose: "VM Task History",
		order: "-start_time virtual_machine node",
		brief: "id url display virtual_machine start_time end_time username status",
		label: underVM("description", " - "),
		filters: `virtual_machine:one vm_type upid node pid pstart task_id task_type username start_time end_time description
			status task_state exitstatus`,
		fields: list(pluginObject(),
			ofVM(),
			text("vm_type", 16).or("unknown"),
			text("upid", 255).must().alone(),
			text("node", 255).must(),
			integer("pid", 0, maxInt32).null(),
			integer("pstart", minInt64, maxInt64).null(),
			text("task_id", 255).null().blank(),
			text("task_type", 255).must(),
			text("username", 255).must(),
			datetime("start_time").must(),
			datetime("end_time").null(),
			text("description", 0).must(),
			text("status", 0).must(),
			text("task_state", 255).null().blank(),
			text("exitstatus", 0).null().blank(),
			organized(),
		),
	}
}

func replicationTable() *kind {
	return &kind{
		name: "netbox_proxbox.replication", path: pluginPrefix + "replications", class: "Replication", verbose: "Replication",
		order: "endpoint replication_id",
		brief: "id url display replication_id virtual_machine target status",
		label: underVM("replication_id", " - "),
		filters: `endpoint:one replication_id virtual_machine:one proxmox_node:one guest target job_type schedule disable source jobnum
			remove_job status`,
		fields: list(pluginObject(),
			ref("endpoint", endpointKind, namedShape).cascade().null().named("Proxmox endpoint"),
			text("replication_id", 255).must(),
			ofVM(),
			ref("proxmox_node", proxmoxNodeKind, nodeShape).null(),
			integer("guest", 0, maxInt32).must(),
			text("target", 255).must(),
			choice("job_type", replicationType).or("local"),
			text("schedule", 128).blank(),
			float("rate").null(),
			text("comment", 0).null().blank(),
			boolean("disable").or(false),
			text("source", 255).null().blank(),
			integer("jobnum", 0, maxInt32).must(),
			choice("remove_job", replicationDrop).null().blank(),
			choice("status", rowStatus).or("active"),
			jsonField("raw_config").or(rawJSON("{}")),
			organized(),
		),
		unique: []unique{{fields: "endpoint replication_id"}},
	}
}

func backupRoutineTable() *kind {
	return &kind{
		name: "netbox_proxbox.backuproutine", path: pluginPrefix + "backup-routines", class: "BackupRoutine", verbose: "Backup Routine",
		order:   "endpoint job_id",
		brief:   "id url display endpoint job_id enabled schedule next_run storage status",
		label:   underEndpoint("job_id"),
		filters: `endpoint:one job_id enabled node:one storage:one status keep_last keep_daily keep_weekly keep_monthly`,
		fields: list(pluginObject(),
			ref("endpoint", endpointKind, namedShape).cascade().must().named("Proxmox endpoint"),
			text("job_id", 255).must().named("Job ID"),
			boolean("enabled").or(true),
			text("schedule", 255).blank(),
			datetime("next_run").null(),
			ref("node", proxmoxNodeKind, nodeShape).null(),
			ref("storage", storageKind).null(),
			jsonField("selection").or(rawJSON("[]")),
			text("comment", 0).blank(),
			choice("status", rowStatus).null().or("active"),
			integer("keep_last", 0, maxInt32).null(), integer("keep_daily", 0, maxInt32).null(), integer("keep_weekly", 0, maxInt32).null(),
			integer("keep_monthly", 0, maxInt32).null(), integer("keep_yearly", 0, maxInt32).null(), boolean("keep_all").null(),
			text("notes_template", 0).blank(),
			integer("bwlimit", 0, maxInt32).null(), integer("zstd", 0, maxInt32).null(), integer("io_workers", 0, maxInt32).null(),
			text("fleecing", 255).blank(),
			ref("fleecing_storage", storageKind).null(),
			boolean("repeat_missed").null(),
			text("pbs_change_detection_mode", 50).blank(),
			jsonField("raw_config").or(rawJSON("{}")),
			organized(),
		),
		unique: []unique{{fields: "endpoint job_id"}},
		rules:  []rule{selectionNotEmpty},
	}
}

func cloudInitTable() *kind {
	return &kind{
		name: "netbox_proxbox.proxmoxvmcloudinit", path: pluginPrefix + "vm-cloudinit", class: "ProxmoxVMCloudInit", verbose: "Proxmox VM cloud-init",
		order:   "virtual_machine",
		brief:   "id url display virtual_machine ciuser",
		label:   underVM("", " cloud-init"),
		filters: `virtual_machine:one ciuser ipconfig0 sshkeys_truncated`,
		fields: list(pluginObject(),
			ofVM().oneToOne(),
			text("ciuser", 64).blank(), text("sshkeys", 0).blank(), text("ipconfig0", 255).blank(),
			boolean("sshkeys_truncated").or(false),
			boolean("is_intent").or(false), text("hostname", 255).blank(), text("search_domain", 255).blank(),
			text("dns_servers", 255).blank(), text("bridge", 64).blank(), integer("vlan_tag", 0, maxInt16).null(),
			text("gateway", 64).blank(), text("ip_cidr", 64).blank(), boolean("ssh_pwauth").null(), boolean("enable_agent").null(),
			integer("credential_reference_id", 0, maxInt32).null(),
			falses("password_configured private_key_configured"),
			fixed("credential_assignment_ready", "true").ro(),
			fixed("credential_assignment_detail", `"Legacy storage uses the external credential reference."`).ro(),
			computed("credential_assignment_lookup", cloudInitLookup),
			falses("has_sshkeys"),
			computed("last_synced", func(_ *view, _ *kind, b []byte, r *row) []byte { return appendTime(b, r.updated) }),
			organized(),
		),
	}
}

func guestInterfaceTable() *kind {
	return &kind{
		name: guestInterfaceKind, path: pluginPrefix + "guest-vm-interfaces", class: "GuestVMInterface", verbose: "Guest VM interface",
		order: "virtual_machine name",
		brief: "id url display virtual_machine vm_interface name",
		filters: `virtual_machine virtual_machine_id=virtual_machine vm_interface vm_interface_id=vm_interface name
			mac_address:ic enabled mtu`,
		fields: list(pluginObject(),
			ofVM(),
			ref("vm_interface", vmInterfaceKind, smallVMIfShape).oneToOne().null(),
			text("name", 128).must(),
			text("mac_address", 32).blank(),
			boolean("enabled").or(true),
			integer("mtu", 0, maxInt32).null(),
			organized(),
		),
		unique: []unique{{fields: "virtual_machine name"}},
		rules:  []rule{guestOfSameVM},
		late:   []rule{guestClaimsOnce},
	}
}

func guestAddressTable() *kind {
	return &kind{
		name: "netbox_proxbox.guestvminterfaceaddress", path: pluginPrefix + "guest-vm-interface-addresses",
		class: "GuestVMInterfaceAddress", verbose: "Guest VM interface address",
		order: "guest_interface ip_address id",
		brief: "id url display guest_interface ip_address",
		label: guestAddressLabel,
		filters: `guest_interface guest_interface_id=guest_interface ip_address ip_address_id=ip_address
			virtual_machine=guest_interface.virtual_machine vm_interface=guest_interface.vm_interface`,
		fields: list(pluginObject(),
			ref("guest_interface", guestInterfaceKind, "id url display virtual_machine name").cascade().must(),
			ref("ip_address", addressKind, smallIPShape).protect().must().index().named("Ip address"),
			organized(),
		),
		unique: []unique{{fields: "guest_interface ip_address"}},
		rules:  []rule{guestAddressPlace},
	}
}

// syncState is one kind of sync-state rows: one row for each parent.
func syncState(what, class, parent, target, shape, brief, filters string, own ...any) *kind {
	return &kind{
		name: "netbox_proxbox.proxbox" + what + "syncstate", path: pluginPrefix + "sync-state/" + class2path[class],
		class: "Proxbox" + class + "SyncState", verbose: "Proxbox " + words.Replace(parent) + " sync state",
		order:   parent,
		brief:   "id url display " + parent + " " + brief,
		label:   syncStateLabel(parent, target),
		filters: parent + "~" + parent + " " + parent + "_id~" + parent + " proxmox_last_updated " + filters,
		fields: list(pluginObject(),
			ref(parent, target, shape).cascade().oneToOne().must(),
			list(own...),
			datetime("proxmox_last_updated").null(),
			lastUpdated(),
			text("last_run_id", 255).blank(),
			tags(), customFields(), created(),
		),
		rules: []rule{syncStateLinked(parent)},
		late:  []rule{syncStateParent(parent), syncStateCoherent(parent)},
	}
}

// words are a field's name as a title has it.
var words = strings.NewReplacer("vm_", "VM ", "ip_", "IP ", "vlan", "VLAN", "_", " ")

var class2path = map[string]string{
	"VirtualMachine": "virtual-machines", "Device": "devices", "Cluster": "clusters", "VirtualDisk": "virtual-disks",
	"VMInterface": "vm-interfaces", "IPAddress": "ip-addresses", "Interface": "interfaces", "VLAN": "vlans",
	"ClusterGroup": "cluster-groups", "DeviceRole": "device-roles", "DeviceType": "device-types",
	"Manufacturer": "manufacturers", "Site": "sites", "ClusterType": "cluster-types",
}

func syncStateTables() []*kind {
	ownership := func() []*field {
		return list(
			ref("endpoint", endpointKind, namedShape).null(),
			ref("proxmox_node", proxmoxNodeKind, nodeShape).null(),
			text("proxmox_node_name", 255).blank(),
			ref("proxmox_cluster", proxmoxClusterKind, namedShape).null(),
			text("proxmox_cluster_name", 255).blank(),
			integer("proxmox_endpoint_raw_id", minInt32, maxInt32).null(),
		)
	}
	const ownershipFilters = `endpoint~endpoint endpoint_id~endpoint proxmox_node~proxmox_node proxmox_node_id~proxmox_node
		proxmox_cluster~proxmox_cluster proxmox_cluster_id~proxmox_cluster `
	facts := func() []*field {
		return list(
			text("proxmox_tags", 0).blank(), text("proxmox_os", 255).blank(), text("proxmox_storage", 255).blank(),
			text("proxmox_disk", 255).blank(), text("proxmox_interfaces", 0).blank(), text("proxmox_vmid", 64).blank(),
			text("proxmox_notes", 0).blank(), text("proxmox_tcp_states", 0).blank(), text("proxmox_cpu_type", 255).blank(),
			text("proxmox_storage_ids", 0).blank(), text("proxmox_storage_names", 0).blank(), text("proxmox_device_names", 0).blank(),
		)
	}
	device := syncState("device", "Device", "device", deviceKind, namedShape, "proxmox_node_name",
		ownershipFilters+`proxmox_node_name proxmox_cluster_name proxmox_endpoint_raw_id! proxmox_vmid hardware_chassis_serial`,
		ownership(), urlField("proxmox_link", 500).blank(), facts(),
		text("hardware_chassis_serial", 255).blank(), text("hardware_chassis_manufacturer", 255).blank(),
		text("hardware_chassis_product", 255).blank(),
	)
	device.late = []rule{deviceOwnership, syncStateParent("device"), syncStateCoherent("device")}
	return []*kind{
		syncState("virtualmachine", "VirtualMachine", "virtual_machine", vmKind, namedShape, "proxmox_vm_id",
			ownershipFilters+`proxmox_vm_id proxmox_vm_type proxmox_last_synced_role_id proxmox_status proxmox_endpoint_raw_id`,
			ownership(),
			integer("proxmox_vm_id", minInt32, maxInt32).null(),
			text("proxmox_vm_type", 64).blank(), text("proxmox_vm_name", 255).blank(),
			integer("proxmox_last_synced_role_id", 0, maxInt64).null(),
			maybeBools("proxmox_start_at_boot proxmox_unprivileged_container proxmox_qemu_agent"),
			text("proxmox_search_domain", 255).blank(), urlField("proxmox_link", 500).blank(),
			text("proxmox_status", 64).blank(), integer("proxmox_uptime", minInt32, maxInt32).null(),
			facts(),
			integer("proxmox_migration_duration", minInt32, maxInt32).null(), text("proxmox_migration_type", 64).blank(),
		),
		device,
		syncState("cluster", "Cluster", "cluster", clusterKind, namedShape, "proxmox_cluster_name",
			`proxmox_cluster~proxmox_cluster proxmox_cluster_id~proxmox_cluster proxmox_cluster_name proxmox_cluster_status proxmox_cluster_raw_id`,
			ref("proxmox_cluster", proxmoxClusterKind, namedShape).null(),
			text("proxmox_cluster_name", 255).blank(), text("proxmox_cluster_status", 64).blank(),
			integer("proxmox_cluster_raw_id", minInt32, maxInt32).null(),
		),
		syncState("virtualdisk", "VirtualDisk", "virtual_disk", diskKind, namedShape, "proxbox_storage_id",
			`proxbox_storage~proxbox_storage proxbox_storage_id~proxbox_storage proxbox_storage_raw_id`,
			ref("proxbox_storage", storageKind).null(), computed("proxbox_storage_id", sameAs("proxbox_storage")),
			integer("proxbox_storage_raw_id", minInt64, maxInt64).null(), text("proxbox_storage_raw_value", 0).blank(),
		),
		syncState("vminterface", "VMInterface", "vm_interface", vmInterfaceKind, namedShape, "proxbox_bridge",
			`proxbox_bridge~proxbox_bridge proxbox_bridge_id~proxbox_bridge proxbox_bridge_raw_id`,
			ref("proxbox_bridge", interfaceKind, namedShape).null(),
			integer("proxbox_bridge_raw_id", minInt64, maxInt64).null(), text("proxbox_bridge_raw_value", 0).blank(),
		),
		syncState("ipaddress", "IPAddress", "ip_address", addressKind, "id url display address", "proxmox_interface",
			`proxmox_interface proxmox_mac`,
			text("proxmox_interface", 255).blank(), text("proxmox_mac", 64).blank(), text("proxmox_ip_addresses", 0).blank(),
		),
		syncState("interface", "Interface", "interface", interfaceKind, namedShape, "nic_speed_gbps",
			`nic_speed_gbps nic_duplex nic_link`,
			integer("nic_speed_gbps", minInt32, maxInt32).null(), text("nic_duplex", 64).blank(), boolean("nic_link").null(),
		),
		syncState("vlan", "VLAN", "vlan", vlanKind, "id url display vid name", "proxmox_vlan_id",
			`proxmox_vlan_id`, integer("proxmox_vlan_id", minInt32, maxInt32).null()),
		syncState("clustergroup", "ClusterGroup", "cluster_group", "virtualization.clustergroup", namedShape, "",
			`proxmox_cluster_name proxmox_cluster_status`,
			text("proxmox_cluster_name", 255).blank(), text("proxmox_cluster_status", 64).blank()),
		syncState("devicerole", "DeviceRole", "device_role", "dcim.devicerole", namedShape, "", ""),
		syncState("devicetype", "DeviceType", "device_type", "dcim.devicetype", "id url display model", "", ""),
		syncState("manufacturer", "Manufacturer", "manufacturer", "dcim.manufacturer", namedShape, "", ""),
		syncState("site", "Site", "site", siteKind, namedShape, "", ""),
		syncState("clustertype", "ClusterType", "cluster_type", "virtualization.clustertype", namedShape, "", ""),
	}
}

// falses are read-only flags that are false here.
func falses(names string) []*field {
	return each(names, func(name string) *field { return fixed(name, "false").ro() })
}

func maybeBools(names string) []*field {
	return each(names, func(name string) *field { return boolean(name).null() })
}

func maybeModes(names string) []*field {
	return each(names, func(name string) *field { return choice(name, syncModes).bare().null().blank() })
}
