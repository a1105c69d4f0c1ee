package server

import (
	"slices"

	"proxbox/internal/domain"
	"proxbox/internal/plan"
	"proxbox/internal/run"
	"proxbox/internal/settings"
)

// wireStage is a stage as the wire knows it.
type wireStage struct {
	name   string        // as package run has it
	phase  string        // in events, where the plugin knows it by another name
	result string        // in the result of a full update
	kind   domain.Kind   // what is counted
	title  string        // in messages
	list   bool          // its JSON answer is a list of objects, not counts
	also   []domain.Kind // what is counted beside the kind
	// optional stages are part of a full update that asks for them, or has
	// something of theirs.
	optional bool
}

// wireStages are the stages in the order of a full update.
var wireStages = []wireStage{
	{name: "devices", result: "devices", kind: domain.KindDevice, title: "devices", list: true},
	{name: "storage", result: "storage", kind: domain.KindProxmoxStorage, title: "storage", list: true},
	{name: "virtual-machines", result: "virtual_machines", kind: domain.KindVirtualMachine, title: "virtual machines", list: true},
	{name: "task-history", result: "task_history", kind: domain.KindTaskHistory, title: "task history"},
	{name: "virtual-disks", result: "virtual_disks", kind: domain.KindVirtualDisk, title: "virtual disks"},
	{name: "backups", result: "backups", kind: domain.KindBackup, title: "backups", list: true},
	{name: "snapshots", phase: "vm-snapshots", result: "snapshots", kind: domain.KindSnapshot, title: "snapshots"},
	{name: "node-interfaces", result: "node_interfaces", kind: domain.KindInterface, title: "node interfaces", list: true},
	{name: "vm-interfaces", result: "vm_interfaces", kind: domain.KindVMInterface, title: "VM interfaces", list: true},
	{name: "vm-ip-addresses", result: "vm_ip_addresses", kind: domain.KindIPAddress, title: "VM IP addresses", list: true},
	{name: "sdn", result: "sdn", kind: domain.KindSDNZone, also: []domain.Kind{domain.KindSDNVNet, domain.KindSDNSubnet}, title: "SDN objects", optional: true},
	{name: "replications", result: "replications", kind: domain.KindReplication, title: "replications"},
	{name: "backup-routines", result: "backup_routines", kind: domain.KindBackupRoutine, title: "backup routines"},
}

func (w wireStage) phaseName() string {
	if w.phase != "" {
		return w.phase
	}
	return w.name
}

// stage is the same in package run. The table's names are run's: a test goes
// through them.
func (w wireStage) stage() run.Stage {
	i := slices.IndexFunc(run.Stages, func(s run.Stage) bool { return s.Name == w.name })
	return run.Stages[i]
}

func stageOfWire(name string) wireStage {
	i := slices.IndexFunc(wireStages, func(w wireStage) bool { return w.name == name })
	return wireStages[i]
}

// counts tells whether an object is one of those that the stage counts.
func (w wireStage) counts(kind domain.Kind, key domain.Key) bool {
	return (kind == w.kind || slices.Contains(w.also, kind)) && w.stage().Keeps(kind, key)
}

// fullStages are the stages of a full update, in its result too where that is
// not nil.
func fullStages(ask run.Ask, res *run.Result) []wireStage {
	return slices.DeleteFunc(slices.Clone(wireStages), func(w wireStage) bool { return w.optional && !asks(ask, w) && !w.in(res) })
}

// asks tells whether a request asks for an optional stage. A query that cannot
// be used was refused before.
func asks(ask run.Ask, w wireStage) bool {
	flags, err := settings.ParseFlags(ask.Query, settings.DefaultFlags())
	return err == nil && flags.Mode(w.name) != settings.Disabled
}

// in tells whether a result has something of the stage.
func (w wireStage) in(res *run.Result) bool {
	of := func(kind domain.Kind, key domain.Key) bool { return kind != "" && phaseOf(kind, key).name == w.name }
	return res != nil && (slices.ContainsFunc(res.Wanted, func(o domain.Object) bool { return of(o.Kind, o.Key) }) ||
		slices.ContainsFunc(res.Done, func(c plan.Change) bool { return of(c.Kind, c.Key) }) ||
		slices.ContainsFunc(res.Reports, func(r plan.Report) bool { return of(r.Kind, r.Key) }))
}

// phaseOf is the stage of a full update that an object belongs to. What more
// than one stage may write, and is not told apart by its key, belongs to the
// last of them, but for what comes before everything.
func phaseOf(kind domain.Kind, key domain.Key) wireStage {
	if kind == domain.KindTag || kind == domain.KindCustomField {
		return wireStages[0]
	}
	for _, w := range slices.Backward(wireStages) {
		if w.stage().Keeps(kind, key) {
			return w
		}
	}
	return wireStages[0]
}

// stageRoute is a stage with its paths.
type stageRoute struct {
	stage  string
	stream string // "" for none
	plain  string // the same answered as JSON; "" for none
}

// stageRoutes are all of them. In a path {netbox_vm_id} narrows the stage to
// one guest.
var stageRoutes = []stageRoute{
	{"devices", "/dcim/devices/create/stream", "/dcim/devices/create"},
	{"storage", "/virtualization/virtual-machines/storage/create/stream", "/virtualization/virtual-machines/storage/create"},
	{"virtual-machines", "/virtualization/virtual-machines/create/stream", "/virtualization/virtual-machines/create"},
	{"virtual-machines", "/virtualization/virtual-machines/{netbox_vm_id}/create/stream", "/virtualization/virtual-machines/{netbox_vm_id}/create"},
	{"task-history", "/virtualization/virtual-machines/task-history/create/stream", ""},
	{"virtual-disks", "/virtualization/virtual-machines/virtual-disks/create/stream", "/virtualization/virtual-machines/virtual-disks/create"},
	{"virtual-disks", "/virtualization/virtual-machines/{netbox_vm_id}/virtual-disks/create/stream", ""},
	{"backups", "/virtualization/virtual-machines/backups/all/create/stream", "/virtualization/virtual-machines/backups/all/create"},
	{"backups", "/virtualization/virtual-machines/{netbox_vm_id}/backups/create/stream", ""},
	{"backups", "", "/virtualization/virtual-machines/backups/create"},
	{"snapshots", "/virtualization/virtual-machines/snapshots/all/create/stream", "/virtualization/virtual-machines/snapshots/all/create"},
	{"snapshots", "/virtualization/virtual-machines/{netbox_vm_id}/snapshots/create/stream", ""},
	{"snapshots", "", "/virtualization/virtual-machines/snapshots/create"},
	{"node-interfaces", "/dcim/devices/interfaces/create/stream", "/dcim/devices/interfaces/create"},
	{"vm-interfaces", "/virtualization/virtual-machines/interfaces/create/stream", "/virtualization/virtual-machines/interfaces/create"},
	{"vm-ip-addresses", "/virtualization/virtual-machines/interfaces/ip-address/create/stream", "/virtualization/virtual-machines/interfaces/ip-address/create"},
	{"sdn", "/proxmox/sdn/create/stream", ""},
	{"replications", "/proxmox/replication/stream", ""},
	{"backup-routines", "/proxmox/cluster/backup/stream", ""},
}
