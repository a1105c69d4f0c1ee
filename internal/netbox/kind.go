package netbox

import (
	"slices"
	"strings"

	"proxbox/internal/domain"
)

// kindSpec says where a kind lives in NetBox's REST API, which of its fields
// the program compares and how each one is written there.
type kindSpec struct {
	path   string // below /api/
	fields []fieldSpec
	needs  need
	// custom are the custom fields that are read and written with the kind.
	custom []fieldSpec
	// described are those that are read only where the plugin keeps no
	// sync-state rows, which hold the same: with those nobody writes them.
	described []fieldSpec
}

// fieldSpec is one field with its codec.
type fieldSpec struct {
	name  string
	codec codec
}

// need is what a NetBox must have for a kind to exist.
type need int

const (
	needNothing need = iota
	needVirtualMachineTypes
	needPlugin
	needSyncState
	needGuestInterfaces
	needSDN
)

func text(names ...string) []fieldSpec    { return each(textCodec{}, names) }
func integer(names ...string) []fieldSpec { return each(intCodec{}, names) }
func boolean(names ...string) []fieldSpec { return each(boolCodec{}, names) }
func choice(names ...string) []fieldSpec  { return each(choiceCodec{}, names) }
func document(names ...string) []fieldSpec {
	return each(jsonCodec{}, names)
}
func moment(names ...string) []fieldSpec { return each(timeCodec{}, names) }

func each(c codec, names []string) []fieldSpec {
	out := make([]fieldSpec, len(names))
	for i, n := range names {
		out[i] = fieldSpec{n, c}
	}
	return out
}

func ref(kind domain.Kind, names ...string) []fieldSpec { return each(refCodec{kind}, names) }

// value are custom fields of texts, numbers and truths.
func value(names ...string) []fieldSpec { return each(customCodec{}, names) }

// object is a custom field that points at an object of a kind.
func object(kind domain.Kind, name string) []fieldSpec {
	return each(customObjectCodec{refCodec{kind}}, []string{name})
}

func refs(kind domain.Kind, name string) []fieldSpec {
	return []fieldSpec{{name, refsCodec{kind}}}
}

// generic is a reference that NetBox keeps in two fields, <name>_type and <name>_id.
func generic(name string) []fieldSpec { return []fieldSpec{{name, genericCodec{name}}} }

// specs is the one table of kinds.
var specs = map[domain.Kind]kindSpec{
	domain.KindTag: {path: "extras/tags/", fields: slices.Concat(text("name", "slug", "color", "description"))},
	domain.KindCustomField: {path: "extras/custom-fields/", fields: slices.Concat(
		text("name", "label", "group_name", "description"), choice("type", "ui_visible", "ui_editable", "filter_logic"),
		integer("weight", "search_weight"), document("object_types"), text("related_object_type"))},
	domain.KindTenant:       {path: "tenancy/tenants/", fields: text("name", "slug")},
	domain.KindSite:         {path: "dcim/sites/", fields: slices.Concat(text("name", "slug"), choice("status"))},
	domain.KindManufacturer: {path: "dcim/manufacturers/", fields: text("name", "slug")},
	domain.KindDeviceType: {path: "dcim/device-types/", fields: slices.Concat(
		text("model", "slug"), ref(domain.KindManufacturer, "manufacturer"))},
	domain.KindDeviceRole: {path: "dcim/device-roles/", fields: slices.Concat(
		text("name", "slug", "color", "description"), boolean("vm_role"))},
	domain.KindPlatform:    {path: "dcim/platforms/", fields: text("name", "slug")},
	domain.KindClusterType: {path: "virtualization/cluster-types/", fields: text("name", "slug", "description")},
	domain.KindCluster: {path: "virtualization/clusters/", fields: slices.Concat(
		text("name", "description"), ref(domain.KindClusterType, "type"), generic("scope"),
		ref(domain.KindTenant, "tenant"), choice("status"), refs(domain.KindTag, "tags"))},
	domain.KindDevice: {path: "dcim/devices/", fields: slices.Concat(
		text("name", "description"), ref(domain.KindCluster, "cluster"), choice("status"),
		ref(domain.KindDeviceType, "device_type"), ref(domain.KindDeviceRole, "role"), ref(domain.KindSite, "site"),
		ref(domain.KindTenant, "tenant"), ref(domain.KindIPAddress, "primary_ip4", "primary_ip6"), refs(domain.KindTag, "tags"), moment("last_updated"))},
	domain.KindInterface: {path: "dcim/interfaces/", fields: slices.Concat(
		text("name", "description"), ref(domain.KindDevice, "device"), choice("type", "mode"), boolean("enabled"),
		integer("mtu"), ref(domain.KindVLAN, "untagged_vlan"), refs(domain.KindVLAN, "tagged_vlans"),
		ref(domain.KindInterface, "parent", "bridge", "lag"), ref(domain.KindMACAddress, "primary_mac_address"),
		ref(domain.KindVRF, "vrf"))},
	domain.KindMACAddress: {path: "dcim/mac-addresses/", fields: slices.Concat(
		[]fieldSpec{{"mac_address", macCodec{}}}, generic("assigned_object"))},
	domain.KindVirtualMachineType: {path: "virtualization/virtual-machine-types/", needs: needVirtualMachineTypes,
		fields: text("name", "slug", "description")},
	domain.KindVirtualMachine: {path: "virtualization/virtual-machines/", fields: slices.Concat(
		text("name", "description", "serial"), choice("status", "start_on_boot"),
		ref(domain.KindCluster, "cluster"), ref(domain.KindDevice, "device"), ref(domain.KindSite, "site"),
		ref(domain.KindDeviceRole, "role"), ref(domain.KindVirtualMachineType, "virtual_machine_type"),
		ref(domain.KindPlatform, "platform"), ref(domain.KindTenant, "tenant"),
		[]fieldSpec{{"vcpus", decimalCodec{}}}, integer("memory", "disk"),
		ref(domain.KindIPAddress, "primary_ip4", "primary_ip6"), refs(domain.KindTag, "tags"), moment("last_updated")),
		custom: value("proxmox_uuid", "proxmox_created_at", "proxmox_pool", "proxmox_ha_state", "proxmox_vm_id", "proxmox_vm_type", "proxmox_node", "proxmox_cluster",
			"proxmox_vm_name", "proxmox_tags", "proxmox_last_synced_role_id"),
		described: value("proxmox_start_at_boot", "proxmox_unprivileged_container", "proxmox_qemu_agent", "proxmox_search_domain", "proxmox_status", "proxmox_link")},
	domain.KindVirtualDisk: {path: "virtualization/virtual-disks/", fields: slices.Concat(
		text("name", "description"), ref(domain.KindVirtualMachine, "virtual_machine"), integer("size")),
		described: object(domain.KindProxmoxStorage, "proxbox_storage_id")},
	domain.KindVMInterface: {path: "virtualization/interfaces/", fields: slices.Concat(
		text("name"), ref(domain.KindVirtualMachine, "virtual_machine"), boolean("enabled"), integer("mtu"),
		choice("mode"), ref(domain.KindVLAN, "untagged_vlan"), refs(domain.KindVLAN, "tagged_vlans"),
		ref(domain.KindMACAddress, "primary_mac_address"), ref(domain.KindVRF, "vrf")),
		described: object(domain.KindInterface, "proxbox_bridge")},
	domain.KindVLAN: {path: "ipam/vlans/", fields: slices.Concat(
		integer("vid"), text("name"), ref(domain.KindSite, "site"), ref(domain.KindVLANGroup, "group"),
		ref(domain.KindTenant, "tenant"), choice("status"))},
	domain.KindPrefix: {path: "ipam/prefixes/", fields: slices.Concat(text("prefix", "description"), choice("status"), ref(domain.KindVRF, "vrf"))},
	domain.KindIPAddress: {path: "ipam/ip-addresses/", fields: slices.Concat(
		[]fieldSpec{{"address", addressCodec{}}}, text("dns_name"), choice("status", "role"), generic("assigned_object"),
		ref(domain.KindVRF, "vrf"), ref(domain.KindIPAddress, "nat_inside"))},

	domain.KindProxmoxEndpoint: {path: "plugins/proxbox/endpoints/proxmox/", needs: needPlugin, fields: slices.Concat(
		text("name", "domain"), ref(domain.KindIPAddress, "ip_address"), integer("port"),
		ref(domain.KindDeviceRole, "default_role_qemu", "default_role_lxc"), endpointFlags)},
	domain.KindProxmoxCluster: {path: "plugins/proxbox/proxmox-clusters/", needs: needPlugin, fields: slices.Concat(
		text("name"), ref(domain.KindProxmoxEndpoint, "endpoint"), ref(domain.KindCluster, "netbox_cluster"))},
	domain.KindProxmoxNode: {path: "plugins/proxbox/proxmox-nodes/", needs: needPlugin, fields: slices.Concat(
		text("name", "ssl_fingerprint"), ref(domain.KindProxmoxEndpoint, "endpoint"), ref(domain.KindProxmoxCluster, "proxmox_cluster"),
		ref(domain.KindDevice, "netbox_device"), ref(domain.KindDeviceRole, "default_role_qemu", "default_role_lxc"))},

	domain.KindVMState: {path: "plugins/proxbox/sync-state/virtual-machines/", needs: needSyncState, fields: slices.Concat(
		ref(domain.KindVirtualMachine, "virtual_machine"), ownership, integer("proxmox_vm_id"), ref(domain.KindDeviceRole, "proxmox_last_synced_role_id"),
		text("proxmox_vm_type", "proxmox_vm_name", "proxmox_status", "proxmox_search_domain", "proxmox_link", "proxmox_tags",
			"proxmox_os", "proxmox_cpu_type", "proxmox_notes"),
		boolean("proxmox_start_at_boot", "proxmox_unprivileged_container", "proxmox_qemu_agent"), moment("proxmox_last_updated"))},
	domain.KindDeviceState: {path: "plugins/proxbox/sync-state/devices/", needs: needSyncState, fields: slices.Concat(
		ref(domain.KindDevice, "device"), ownership, text("proxmox_link"))},
	domain.KindClusterState: {path: "plugins/proxbox/sync-state/clusters/", needs: needSyncState, fields: slices.Concat(
		ref(domain.KindCluster, "cluster"), ref(domain.KindProxmoxCluster, "proxmox_cluster"),
		text("proxmox_cluster_name", "proxmox_cluster_status"), integer("proxmox_cluster_raw_id"))},
	domain.KindVirtualDiskState: {path: "plugins/proxbox/sync-state/virtual-disks/", needs: needSyncState, fields: slices.Concat(
		ref(domain.KindVirtualDisk, "virtual_disk"), ref(domain.KindProxmoxStorage, "proxbox_storage"),
		text("proxbox_storage_raw_value"))},
	domain.KindVMInterfaceState: {path: "plugins/proxbox/sync-state/vm-interfaces/", needs: needSyncState, fields: slices.Concat(
		ref(domain.KindVMInterface, "vm_interface"), ref(domain.KindInterface, "proxbox_bridge"),
		text("proxbox_bridge_raw_value"))},
	domain.KindIPAddressState: {path: "plugins/proxbox/sync-state/ip-addresses/", needs: needSyncState, fields: slices.Concat(
		ref(domain.KindIPAddress, "ip_address"), text("proxmox_interface", "proxmox_mac"))},
	domain.KindInterfaceState: {path: "plugins/proxbox/sync-state/interfaces/", needs: needSyncState, fields: slices.Concat(
		ref(domain.KindInterface, "interface"))},

	domain.KindProxmoxStorage: {path: "plugins/proxbox/storage/", needs: needPlugin, fields: slices.Concat(
		text("name", "storage_type", "content", "path", "nodes", "server", "username", "export", "share", "pool", "monhost",
			"namespace", "datastore", "subdir", "mountpoint", "is_mountpoint", "preallocation", "format", "prune_backups"),
		ref(domain.KindCluster, "cluster"), boolean("shared", "enabled"), integer("port", "max_protected_backups"),
		document("raw_config"), refs(domain.KindTag, "tags"), moment("last_updated"))},
	domain.KindBackup: {path: "plugins/proxbox/backups/", needs: needPlugin, fields: slices.Concat(
		ref(domain.KindVirtualMachine, "virtual_machine"), ref(domain.KindProxmoxStorage, "proxmox_storage"),
		text("storage", "volume_id", "notes", "encrypted", "verification_state", "verification_upid"),
		choice("subtype", "format"), moment("creation_time"), integer("size", "used", "vmid"))},
	domain.KindSnapshot: {path: "plugins/proxbox/snapshots/", needs: needPlugin, fields: slices.Concat(
		ref(domain.KindVirtualMachine, "virtual_machine"), ref(domain.KindProxmoxStorage, "proxmox_storage"),
		text("name", "node", "description", "parent"), integer("vmid"), choice("subtype", "status"), moment("snaptime"))},
	domain.KindTaskHistory: {path: "plugins/proxbox/task-history/", needs: needPlugin, fields: slices.Concat(
		ref(domain.KindVirtualMachine, "virtual_machine"), text("upid", "node", "task_id", "task_type", "username", "description",
			"status", "task_state", "exitstatus", "vm_type"), integer("pid", "pstart"), moment("start_time", "end_time"))},
	domain.KindReplication: {path: "plugins/proxbox/replications/", needs: needPlugin, fields: slices.Concat(
		ref(domain.KindVirtualMachine, "virtual_machine"), ref(domain.KindProxmoxEndpoint, "endpoint"),
		ref(domain.KindProxmoxNode, "proxmox_node"), text("replication_id", "target", "schedule", "comment", "source"),
		[]fieldSpec{{"rate", decimalCodec{}}}, integer("guest", "jobnum"), choice("job_type", "remove_job", "status"), boolean("disable"), document("raw_config"))},
	domain.KindBackupRoutine: {path: "plugins/proxbox/backup-routines/", needs: needPlugin, fields: slices.Concat(
		ref(domain.KindProxmoxEndpoint, "endpoint"), ref(domain.KindProxmoxNode, "node"), ref(domain.KindProxmoxStorage, "storage", "fleecing_storage"),
		text("job_id", "schedule", "comment", "notes_template", "pbs_change_detection_mode", "fleecing"),
		boolean("enabled", "keep_all", "repeat_missed"), integer("keep_last", "keep_daily", "keep_weekly", "keep_monthly", "keep_yearly",
			"bwlimit", "zstd", "io_workers"), choice("status"), document("selection", "raw_config"))},
	domain.KindCloudInit: {path: "plugins/proxbox/vm-cloudinit/", needs: needPlugin, fields: slices.Concat(
		ref(domain.KindVirtualMachine, "virtual_machine"), text("ciuser", "sshkeys", "ipconfig0"), boolean("sshkeys_truncated", "is_intent"))},
	domain.KindGuestInterface: {path: "plugins/proxbox/guest-vm-interfaces/", needs: needGuestInterfaces, fields: slices.Concat(
		ref(domain.KindVirtualMachine, "virtual_machine"), ref(domain.KindVMInterface, "vm_interface"), text("name", "mac_address"),
		boolean("enabled"), integer("mtu"))},
	domain.KindGuestInterfaceAddr: {path: "plugins/proxbox/guest-vm-interface-addresses/", needs: needGuestInterfaces, fields: slices.Concat(
		ref(domain.KindGuestInterface, "guest_interface"), ref(domain.KindIPAddress, "ip_address"))},
	domain.KindSDNZone: {path: "plugins/proxbox/sdn-zones/", needs: needSDN, fields: slices.Concat(sdnFields,
		text("zone_type", "controller", "dns", "ipam", "state"), integer("vrf_vxlan", "tag", "mtu"), document("rt_import"))},
	domain.KindSDNVNet: {path: "plugins/proxbox/sdn-vnets/", needs: needSDN, fields: slices.Concat(sdnFields,
		text("vnet_name", "vnet_type", "alias", "state"), integer("tag"), boolean("vlanaware"))},
	domain.KindSDNSubnet: {path: "plugins/proxbox/sdn-subnets/", needs: needSDN, fields: slices.Concat(sdnFields,
		text("vnet_name", "subnet", "subnet_type", "gateway", "skip_reason"), boolean("snat"), ref(domain.KindPrefix, "prefix"))},
}

// ownership is what sync-state rows of guests and devices say about whose they are.
var ownership = slices.Concat(
	ref(domain.KindProxmoxEndpoint, "endpoint"), ref(domain.KindProxmoxNode, "proxmox_node"),
	ref(domain.KindProxmoxCluster, "proxmox_cluster"), text("proxmox_node_name", "proxmox_cluster_name"),
	integer("proxmox_endpoint_raw_id"))

// sdnFields are those that all objects of the SDN have.
var sdnFields = slices.Concat(
	ref(domain.KindProxmoxEndpoint, "endpoint"), text("cluster_name", "zone_name"), choice("status"), document("raw_config"),
	refs(domain.KindTag, "tags"))

// endpointFlags are the flags that an endpoint's row may set for itself.
var endpointFlags = slices.Concat(
	boolean(strings.Fields(`overwrite_device_role overwrite_device_type overwrite_device_tags overwrite_device_status
		overwrite_device_description overwrite_device_custom_fields overwrite_vm_role overwrite_vm_type overwrite_vm_platform
		overwrite_vm_tags overwrite_vm_proxmox_tags overwrite_vm_description overwrite_vm_custom_fields overwrite_vm_cloudinit
		overwrite_cluster_tags overwrite_cluster_description overwrite_cluster_custom_fields overwrite_node_interface_tags
		overwrite_node_interface_custom_fields overwrite_storage_tags overwrite_vm_interface_tags
		overwrite_vm_interface_custom_fields overwrite_ip_status overwrite_ip_tags overwrite_ip_custom_fields
		overwrite_ip_address_dns_name`)...),
	choice(strings.Fields(`sync_mode_vm sync_mode_vm_template sync_mode_vm_interface sync_mode_mac sync_mode_ip_address
		sync_mode_cluster sync_mode_node sync_mode_storage sync_mode_sdn sync_mode_sdn_bgp`)...))

// Path returns where a kind lives below /api/.
func Path(kind domain.Kind) string { return specs[kind].path }

// ReadsTags tells whether the tags of a kind's objects are read with them.
func ReadsTags(kind domain.Kind) bool { return specs[kind].reads("tags") }

// Has tells whether a NetBox with these capabilities has the kind.
func (c Capabilities) Has(kind domain.Kind) bool {
	switch specs[kind].needs {
	case needVirtualMachineTypes:
		return c.VirtualMachineTypes
	case needPlugin:
		return c.Plugin != ""
	case needSyncState:
		return c.SyncState
	case needGuestInterfaces:
		return c.GuestInterfaces
	case needSDN:
		return c.SDN
	}
	return true
}
