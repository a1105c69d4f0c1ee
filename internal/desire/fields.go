package desire

import (
	"strings"

	"proxbox/internal/domain"
)

// Flags tells which overwrite flags are on (of the plugin, without their
// prefix "overwrite_"): "vm_role", "device_tags", ...
type Flags func(name string) bool

// flagOf names the overwrite flag of each field that has one: true and the
// field is ours, false and it is written only while it is empty.
var flagOf = map[domain.Kind]map[string]string{
	domain.KindDevice: {
		"role": "device_role", "device_type": "device_type", "tags": "device_tags", "status": "device_status",
		"description": "device_description",
	},
	domain.KindVirtualMachine: {
		"role": "vm_role", "virtual_machine_type": "vm_type", "platform": "vm_platform", "tags": "vm_tags", "synced_tags": "vm_proxmox_tags",
		"description": "vm_description",
	},
	domain.KindCluster:        {"description": "cluster_description", "tags": "cluster_tags"},
	domain.KindInterface:      {"tags": "node_interface_tags"},
	domain.KindVMInterface:    {"tags": "vm_interface_tags"},
	domain.KindProxmoxStorage: {"tags": "storage_tags"},
	domain.KindIPAddress:      {"status": "ip_status", "tags": "ip_tags", "dns_name": "ip_address_dns_name"},
	domain.KindCloudInit:      {"ciuser": "vm_cloudinit", "sshkeys": "vm_cloudinit", "ipconfig0": "vm_cloudinit", "sshkeys_truncated": "vm_cloudinit"},
}

// customFieldFlag is the flag over all custom fields of a kind.
var customFieldFlag = map[domain.Kind]string{
	domain.KindDevice: "device_custom_fields", domain.KindVirtualMachine: "vm_custom_fields", domain.KindCluster: "cluster_custom_fields",
	domain.KindInterface: "node_interface_custom_fields", domain.KindVMInterface: "vm_interface_custom_fields",
	domain.KindIPAddress: "ip_custom_fields",
}

// sharedVocabulary is what many programs and people use together: taken as it
// is when it exists, never changed (rules.md 3).
var sharedVocabulary = map[domain.Kind]bool{
	domain.KindTag: true, domain.KindSite: true, domain.KindTenant: true, domain.KindManufacturer: true, domain.KindDeviceType: true,
	domain.KindDeviceRole: true, domain.KindPlatform: true, domain.KindVLAN: true, domain.KindClusterType: true,
	domain.KindVirtualMachineType: true, domain.KindCustomField: true,
}

// ownership names the fields of an object that exists already which are not
// simply kept true: those that are a person's from then on, those that are
// filled while they are empty, and those that both sides change. What is not
// wanted at all is a person's anyway.
var ownership = map[domain.Kind]map[string]domain.Ownership{
	domain.KindCluster: {"name": domain.ThreeWay, "type": domain.OnCreate, "scope": domain.OnCreate, "status": domain.OnCreate,
		"tenant": domain.OnCreate},
	domain.KindDevice: {"name": domain.OnCreate, "site": domain.OnCreate, "tenant": domain.OnCreate,
		"primary_ip4": domain.WhenEmpty, "primary_ip6": domain.WhenEmpty},
	domain.KindInterface: {"type": domain.OnCreate, "mode": domain.WhenEmpty, "untagged_vlan": domain.WhenEmpty},
	domain.KindVirtualMachine: {"name": domain.ThreeWay, "role": domain.ThreeWay, "tenant": domain.OnCreate, "serial": domain.WhenEmpty,
		"primary_ip4": domain.WhenEmpty, "primary_ip6": domain.WhenEmpty},
	domain.KindPrefix:      {"description": domain.OnCreate, "status": domain.OnCreate},
	domain.KindTaskHistory: {"virtual_machine": domain.OnCreate}, // a vmid that is used again takes no history along
}

// Owns says whose a field is on an object that exists already (rules.md 2).
// It is the one place where the ownership of fields is decided.
func Owns(flags Flags) func(kind domain.Kind, field string) domain.Ownership {
	return func(kind domain.Kind, field string) domain.Ownership {
		if sharedVocabulary[kind] {
			return domain.OnCreate
		}
		if flag := flagFor(kind, field); flag != "" && !flags(flag) {
			return domain.WhenEmpty
		}
		if o, ok := ownership[kind][field]; ok {
			return o
		}
		return domain.Always
	}
}

// flagFor is the overwrite flag of a field; "" when it has none.
func flagFor(kind domain.Kind, field string) string {
	if flag := flagOf[kind][field]; flag != "" {
		return flag
	}
	if strings.HasPrefix(field, "cf_") && !identityField[field] {
		return customFieldFlag[kind]
	}
	return ""
}

// identityField are the custom fields without which a guest is not known
// again: no flag gives them away.
var identityField = map[string]bool{
	"cf_proxmox_vm_id": true, "cf_proxmox_vm_type": true, "cf_proxmox_node": true, "cf_proxmox_cluster": true,
	"cf_proxmox_vm_name": true, "cf_proxmox_tags": true,
}

// DefaultFlags are the plugin's own defaults: everything but the platform.
func DefaultFlags(name string) bool { return name != "vm_platform" }
