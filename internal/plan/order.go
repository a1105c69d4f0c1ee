package plan

import "proxbox/internal/domain"

// rank orders the kinds: what is pointed at comes before what points at it.
// References the other way (a VM's primary address) are written at the end.
var rank = map[domain.Kind]int{
	domain.KindTag: 0, domain.KindCustomField: 0, domain.KindTenant: 0, domain.KindClusterType: 0, domain.KindManufacturer: 0,
	domain.KindDeviceRole: 0, domain.KindPlatform: 0, domain.KindVirtualMachineType: 0, domain.KindSite: 0, domain.KindProxmoxEndpoint: 0,
	domain.KindDeviceType: 1, domain.KindCluster: 1,
	domain.KindVLAN: 2, domain.KindDevice: 2, domain.KindProxmoxCluster: 2, domain.KindProxmoxStorage: 2,
	domain.KindPrefix:      2,
	domain.KindProxmoxNode: 3, domain.KindVirtualMachine: 3, domain.KindClusterState: 3, domain.KindInterface: 3,
	domain.KindVMInterface: 4, domain.KindVirtualDisk: 4, domain.KindVMState: 4, domain.KindDeviceState: 4, domain.KindInterfaceState: 4,
	domain.KindSnapshot: 4, domain.KindBackup: 4, domain.KindTaskHistory: 4, domain.KindReplication: 4, domain.KindBackupRoutine: 4,
	domain.KindCloudInit: 4, domain.KindSDNZone: 4, domain.KindSDNVNet: 4, domain.KindSDNSubnet: 4,
	domain.KindMACAddress: 5, domain.KindIPAddress: 5, domain.KindVirtualDiskState: 5, domain.KindVMInterfaceState: 5, domain.KindGuestInterface: 5,
	domain.KindIPAddressState: 6, domain.KindGuestInterfaceAddr: 6,
}

const (
	phaseRelease = -1  // primary addresses are given up before they move
	phaseLate    = 10  // fields that point at what was just made
	phaseState   = 20  // changed sync-state rows, which keep what was written before
	phaseDelete  = 100 // last, so that what moves has left what is removed
)

func phaseOf(kind domain.Kind) int { return rank[kind] }

// isLate tells whether a value points at objects that are made after the kind.
func isLate(kind domain.Kind, v any) bool {
	ref, ok := v.(domain.Ref)
	return ok && ref.Kind != "" && rank[ref.Kind] >= rank[kind]
}

// required are the references without which NetBox takes no such object.
var required = map[domain.Kind]map[string]bool{
	domain.KindDeviceType:         {"manufacturer": true},
	domain.KindCluster:            {"type": true, "scope": true},
	domain.KindDevice:             {"cluster": true, "site": true, "device_type": true, "role": true},
	domain.KindVirtualMachine:     {"cluster": true},
	domain.KindVirtualDisk:        {"virtual_machine": true},
	domain.KindVMInterface:        {"virtual_machine": true},
	domain.KindInterface:          {"device": true},
	domain.KindMACAddress:         {"assigned_object": true},
	domain.KindIPAddress:          {"assigned_object": true},
	domain.KindVMState:            {"virtual_machine": true},
	domain.KindDeviceState:        {"device": true},
	domain.KindClusterState:       {"cluster": true},
	domain.KindVirtualDiskState:   {"virtual_disk": true},
	domain.KindVMInterfaceState:   {"vm_interface": true},
	domain.KindIPAddressState:     {"ip_address": true},
	domain.KindInterfaceState:     {"interface": true},
	domain.KindProxmoxStorage:     {"cluster": true},
	domain.KindBackup:             {"virtual_machine": true},
	domain.KindSnapshot:           {"virtual_machine": true},
	domain.KindTaskHistory:        {"virtual_machine": true},
	domain.KindReplication:        {"virtual_machine": true, "endpoint": true},
	domain.KindBackupRoutine:      {"endpoint": true},
	domain.KindSDNZone:            {"endpoint": true},
	domain.KindSDNVNet:            {"endpoint": true},
	domain.KindSDNSubnet:          {"endpoint": true},
	domain.KindCloudInit:          {"virtual_machine": true},
	domain.KindGuestInterface:     {"virtual_machine": true},
	domain.KindGuestInterfaceAddr: {"guest_interface": true, "ip_address": true},
}

// stateOf names the field by which a sync-state row hangs on its parent.
var stateOf = map[domain.Kind]string{
	domain.KindVMState: "virtual_machine", domain.KindDeviceState: "device", domain.KindClusterState: "cluster",
	domain.KindVirtualDiskState: "virtual_disk", domain.KindVMInterfaceState: "vm_interface", domain.KindIPAddressState: "ip_address",
	domain.KindInterfaceState: "interface",
}

// stateKind is the sync-state kind that marks a kind as ours.
var stateKind = map[domain.Kind]domain.Kind{
	domain.KindVirtualMachine: domain.KindVMState, domain.KindDevice: domain.KindDeviceState, domain.KindCluster: domain.KindClusterState,
	domain.KindVirtualDisk: domain.KindVirtualDiskState, domain.KindVMInterface: domain.KindVMInterfaceState,
	domain.KindIPAddress: domain.KindIPAddressState, domain.KindInterface: domain.KindInterfaceState,
}

// ofPlugin are rows of the plugin that nobody but the program writes: those of
// our guests are ours without a mark. What a person intends for a guest that
// is still to be made is not.
var ofPlugin = map[domain.Kind]bool{
	domain.KindGuestInterface: true, domain.KindGuestInterfaceAddr: true, domain.KindCloudInit: true,
}

// Companion tells whether objects of a kind are nothing without another one: a
// sync-state row, the MAC address of an interface, a link to an address. Where that one could not be
// made, they need no report of their own.
func Companion(kind domain.Kind) bool {
	switch kind {
	case domain.KindMACAddress, domain.KindSnapshot, domain.KindBackup, domain.KindTaskHistory, domain.KindGuestInterfaceAddr:
		return true
	}
	return stateOf[kind] != ""
}

// HangsOn names the field by which a part or a sync-state row hangs on its
// object, with which NetBox removes it; "" for what hangs on nothing.
func HangsOn(kind domain.Kind) string {
	switch kind {
	case domain.KindCluster, domain.KindDevice, domain.KindVirtualMachine:
		return ""
	}
	if f, ok := stateOf[kind]; ok {
		return f
	}
	return parentField[kind]
}

// Required tells whether NetBox takes no object of the kind without a field.
func Required(kind domain.Kind, field string) bool { return required[kind][field] }

// NaturalKey names the fields by which an object of a kind is known in NetBox,
// for finding out whether a write whose answer was lost has landed.
func NaturalKey(kind domain.Kind) []string {
	if f, ok := stateOf[kind]; ok {
		return []string{f}
	}
	switch kind {
	case domain.KindDeviceType:
		return []string{"slug", "manufacturer"}
	case domain.KindCustomField:
		return []string{"name"}
	case domain.KindCluster:
		return []string{"name", "scope"}
	case domain.KindDevice:
		return []string{"name", "site"}
	case domain.KindVirtualMachine:
		return []string{"name", "cluster"}
	case domain.KindVLAN:
		return []string{"vid", "site"}
	case domain.KindMACAddress:
		return []string{"mac_address", "assigned_object"}
	case domain.KindPrefix:
		return []string{"prefix", "vrf"}
	case domain.KindIPAddress:
		return []string{"address", "assigned_object", "vrf"}
	case domain.KindVMInterface, domain.KindVirtualDisk, domain.KindInterface:
		return []string{"name", parentField[kind]}
	}
	if f, ok := naturalKey[kind]; ok {
		return append([]string{parentField[kind]}, f...)
	}
	return []string{"slug"}
}
