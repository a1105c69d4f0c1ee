package desire

import (
	"slices"
	"strings"

	"proxbox/internal/domain"
)

// customField is a custom field of NetBox as release 0.0.15 of the Python
// service made it.
type customField struct {
	name, kind, label string
	objects           string // that have it, parted by blanks
	visible           string
	weight            int
	group             string
	related           string // what an object field points at
	description       string
}

// customFields are all of them, and one of our own.
var customFields = []customField{
	{"proxmox_vm_id", "integer", "VM ID", "virtualization.virtualmachine", "always", 100, "Proxmox", "",
		"Proxmox Virtual Machine or Container ID"},
	{"proxmox_vm_type", "text", "VM Type", "virtualization.virtualmachine", "always", 100, "Proxmox", "",
		"Proxmox VM type (qemu or lxc)"},
	{"proxmox_start_at_boot", "boolean", "Start at Boot", "virtualization.virtualmachine", "always", 100, "Proxmox", "",
		"Proxmox Start at Boot Option"},
	{"proxmox_unprivileged_container", "boolean", "Unprivileged Container", "virtualization.virtualmachine", "if-set", 100, "Proxmox", "",
		"Proxmox Unprivileged Container"},
	{"proxmox_qemu_agent", "boolean", "QEMU Guest Agent", "virtualization.virtualmachine", "if-set", 100, "Proxmox", "",
		"Proxmox QEMU Guest Agent"},
	{"proxmox_search_domain", "text", "Search Domain", "virtualization.virtualmachine", "if-set", 100, "Proxmox", "",
		"Proxmox Search Domain"},
	{"proxmox_link", "url", "Proxmox Link", "dcim.device virtualization.virtualmachine", "always", 100, "Proxmox", "",
		"Link to Proxmox web interface"},
	{"proxmox_node", "text", "Proxmox Node", "dcim.device virtualization.virtualmachine", "always", 100, "Proxmox", "",
		"Proxmox node hosting this device/VM"},
	{"proxmox_cluster", "text", "Proxmox Cluster", "dcim.device virtualization.virtualmachine", "always", 100, "Proxmox", "",
		"Proxmox cluster name"},
	{"proxmox_status", "text", "Proxmox Status", "virtualization.virtualmachine", "always", 100, "Proxmox", "",
		"Current status in Proxmox"},
	{"proxmox_uptime", "integer", "Uptime (seconds)", "virtualization.virtualmachine", "if-set", 100, "Proxmox", "",
		"VM uptime in seconds"},
	{"proxmox_tags", "text", "Proxmox Tags", "dcim.device virtualization.virtualmachine", "if-set", 100, "Proxmox", "",
		"Comma-separated tags from Proxmox"},
	{"proxmox_os", "text", "Operating System", "dcim.device virtualization.virtualmachine", "if-set", 100, "Proxmox", "",
		"Operating system from Proxmox"},
	{"proxmox_storage", "text", "Storage", "dcim.device virtualization.virtualmachine", "if-set", 100, "Proxmox", "",
		"Storage disk size"},
	{"proxmox_disk", "text", "Disk (GB)", "dcim.device virtualization.virtualmachine", "if-set", 100, "Proxmox", "",
		"Total disk size in GB"},
	{"proxmox_interfaces", "text", "Network Interfaces", "dcim.device virtualization.virtualmachine", "if-set", 100, "Proxmox", "",
		"Network interface count"},
	{"proxmox_interface", "text", "Proxmox Interface", "ipam.ipaddress", "if-set", 100, "Proxmox", "",
		"Proxmox network interface name"},
	{"proxmox_vmid", "text", "Proxmox VMID", "dcim.device virtualization.virtualmachine", "if-set", 100, "Proxmox", "",
		"VM ID for reference"},
	{"proxmox_mac", "text", "Proxmox MAC", "ipam.ipaddress", "if-set", 100, "Proxmox", "",
		"MAC address from Proxmox"},
	{"proxmox_notes", "text", "Proxmox Notes", "dcim.device virtualization.virtualmachine", "if-set", 100, "Proxmox", "",
		"Notes from Proxmox"},
	{"proxmox_vlan_id", "integer", "Proxmox VLAN ID", "ipam.vlan", "if-set", 100, "Proxmox", "",
		"VLAN ID from Proxmox"},
	{"proxmox_cluster_name", "text", "Cluster Name", "virtualization.cluster virtualization.clustergroup", "always", 100, "Proxmox", "",
		"Cluster name from Proxmox"},
	{"proxmox_cluster_status", "text", "Cluster Status", "virtualization.cluster virtualization.clustergroup", "always", 100, "Proxmox", "",
		"Cluster status from Proxmox"},
	{"proxmox_tcp_states", "text", "TCP States", "dcim.device virtualization.virtualmachine", "if-set", 100, "Proxmox", "",
		"TCP connection states"},
	{"proxmox_cpu_type", "text", "CPU Type", "dcim.device virtualization.virtualmachine", "if-set", 100, "Proxmox", "",
		"CPU type from Proxmox"},
	{"proxmox_ip_addresses", "text", "IP Addresses", "ipam.ipaddress", "if-set", 100, "Proxmox", "",
		"All IP addresses from Proxmox"},
	{"proxmox_cluster_id", "integer", "Cluster ID", "virtualization.cluster", "always", 100, "Proxmox", "",
		"Proxmox cluster ID"},
	{"proxmox_storage_ids", "text", "Storage IDs", "dcim.device virtualization.virtualmachine", "if-set", 100, "Proxmox", "",
		"Comma-separated storage IDs"},
	{"proxmox_storage_names", "text", "Storage Names", "dcim.device virtualization.virtualmachine", "if-set", 100, "Proxmox", "",
		"Comma-separated storage names"},
	{"proxmox_device_names", "text", "Device Names", "dcim.device virtualization.virtualmachine", "if-set", 100, "Proxmox", "",
		"Comma-separated device names"},
	{"proxmox_migration_duration", "integer", "Migration Duration", "virtualization.virtualmachine", "if-set", 100, "Proxmox", "",
		"Migration duration in seconds"},
	{"proxmox_migration_type", "text", "Migration Type", "virtualization.virtualmachine", "if-set", 100, "Proxmox", "",
		"Migration type (live / offline)"},
	{"proxbox_storage_id", "object", "Proxbox Storage", "virtualization.virtualdisk", "always", 100, "Proxmox", "netbox_proxbox.proxmoxstorage",
		"Proxmox storage hosting this virtual disk"},
	{"proxbox_bridge", "object", "Proxbox Bridge", "virtualization.vminterface", "always", 100, "Proxmox", "dcim.interface",
		"Node-level bridge interface (vmbr) used by this VM interface"},
	{"proxmox_last_updated", "datetime", "Last Updated", "dcim.device dcim.devicerole dcim.devicetype dcim.interface dcim.manufacturer dcim.site ipam.ipaddress ipam.vlan virtualization.cluster virtualization.clustertype virtualization.virtualdisk virtualization.virtualmachine virtualization.vminterface", "always", 200, "Proxmox", "",
		"Proxmox Plugin last modified this object"},
	{"proxbox_last_run_id", "text", "Last Run ID", "dcim.device virtualization.cluster virtualization.virtualmachine", "if-set", 250, "Proxbox", "",
		"UUID of the most recent Proxbox sync run that touched this object."},
	{"hardware_chassis_serial", "text", "Chassis Serial", "dcim.device", "if-set", 300, "Proxmox", "",
		"Chassis serial reported by dmidecode -t 3"},
	{"hardware_chassis_manufacturer", "text", "Chassis Manufacturer", "dcim.device", "if-set", 300, "Proxmox", "",
		"Chassis manufacturer reported by dmidecode -t 3"},
	{"hardware_chassis_product", "text", "Chassis Product", "dcim.device", "if-set", 300, "Proxmox", "",
		"System product name reported by dmidecode -t 1"},
	{"nic_speed_gbps", "integer", "NIC Speed (Gbps)", "dcim.interface", "if-set", 300, "Proxmox", "",
		"Negotiated link speed reported by ethtool, in Gbps"},
	{"nic_duplex", "text", "NIC Duplex", "dcim.interface", "if-set", 300, "Proxmox", "",
		"Duplex mode reported by ethtool"},
	{"nic_link", "boolean", "NIC Link Up", "dcim.interface", "if-set", 300, "Proxmox", "",
		"Link-detected status reported by ethtool"},
	{"proxmox_vm_name", "text", "Proxmox Name", "virtualization.virtualmachine", "always", 100, "Proxmox", "",
		"Name of the guest in Proxmox when it was last synced"},
}

func (cf customField) fields() domain.Fields {
	f := domain.Fields{"name": cf.name, "type": cf.kind, "label": cf.label, "group_name": cf.group, "description": cf.description,
		"object_types": `["` + strings.ReplaceAll(cf.objects, " ", `","`) + `"]`,
		"ui_visible":   cf.visible, "ui_editable": "hidden", "weight": cf.weight, "search_weight": 1000, "filter_logic": "loose"}
	if cf.related != "" {
		f["related_object_type"] = cf.related
	}
	return f
}

// CustomFields are the custom fields that release 0.0.15 of the plugin looks
// for. Without the plugin those that point at its rows are left out.
func CustomFields(plugin bool) []domain.Object {
	var out []domain.Object
	for _, cf := range customFields {
		if !plugin && strings.HasPrefix(cf.related, "netbox_proxbox.") {
			continue
		}
		out = append(out, domain.Object{Kind: domain.KindCustomField, Key: domain.Key(cf.name), Label: "custom field " + cf.name, Fields: cf.fields()})
	}
	return out
}

// descriptions are the custom fields in which release 0.0.15 of the Python
// service described guests and their interfaces, beside their identity. They
// are kept true where NetBox has them, and not made: MakeCustomFields does.
var descriptions = []string{"proxmox_start_at_boot", "proxmox_unprivileged_container", "proxmox_qemu_agent", "proxmox_search_domain", "proxmox_status",
	"proxmox_link", "proxbox_bridge"}

// lastUpdated is the custom field with the moment of the last change.
const lastUpdated = "proxmox_last_updated"

// storageField is the custom field by which release 0.0.15 of the plugin finds
// the virtual disks of a storage.
const storageField = "proxbox_storage_id"

// oldFields wants the custom fields that stand for sync-state rows: those that
// hold a guest's identity, and that by which the plugin finds disks, are made.
func (b *builder) oldFields() {
	for _, cf := range customFields {
		o := domain.Object{Kind: domain.KindCustomField, Key: domain.Key(cf.name), Label: "custom field " + cf.name}
		switch {
		case identityField["cf_"+cf.name]:
			cf.objects = "virtualization.virtualmachine" // guests alone have them
			o.Fields = cf.fields()
		case cf.name == storageField && b.opt.Plugin:
			o.Fields = cf.fields()
		case slices.Contains(descriptions, cf.name):
			o.Mode, o.Fields = domain.Existing, cf.kindOf()
		case cf.name == lastUpdated:
			o.Mode, o.Fields = domain.Existing, cf.kindOf()
			delete(o.Fields, "object_types") // of those that NetBox has it for
		default:
			continue
		}
		b.add(o)
	}
}

// kindOf is what a custom field must be to take our values.
func (cf customField) kindOf() domain.Fields {
	all, f := cf.fields(), domain.Fields{}
	for _, name := range []string{"name", "type", "object_types", "related_object_type"} {
		if v, ok := all[name]; ok {
			f[name] = v
		}
	}
	return f
}

// describe sets the custom fields that say of a guest what its sync-state row
// does elsewhere. What could not be read is left as it is.
func describe(f domain.Fields, v *view, g domain.Guest) {
	f["cf_proxmox_link"] = page(v, g)
	if _, ok := guestStatus(g.Status); ok {
		f["cf_proxmox_status"] = g.Status
	}
	if !g.Config.OK {
		return
	}
	cfg := g.Config.Value
	f["cf_proxmox_start_at_boot"] = cfg.OnBoot
	f["cf_proxmox_unprivileged_container"] = cfg.Unprivileged
	f["cf_proxmox_qemu_agent"] = cfg.AgentEnabled
	f["cf_proxmox_search_domain"] = cfg.SearchDomain
}
