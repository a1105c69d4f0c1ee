package server

import (
	"slices"

	"proxbox/internal/domain"
	"proxbox/internal/plan"
	"proxbox/internal/run"
)

// FullResult is what became of a full update. The counts are those that
// clients look for; the objects themselves are in NetBox.
type FullResult struct {
	Status    string `json:"status" enum:"completed,partial"`
	RunID     string `json:"run_id"`
	DryRun    bool   `json:"dry_run"`
	Created   int    `json:"created"`
	Updated   int    `json:"updated"`
	Deleted   int    `json:"deleted"`
	Unchanged int    `json:"unchanged"`
	Failed    int    `json:"failed"`
	Conflicts int    `json:"conflicts"`
	Skipped   int    `json:"skipped" doc:"Objects that need one that was not done"`

	DevicesCount         int `json:"devices_count"`
	StorageCount         int `json:"storage_count"`
	VirtualMachinesCount int `json:"virtual_machines_count"`
	VirtualDisksCount    int `json:"virtual_disks_count"`
	TaskHistoryCount     int `json:"task_history_count"`
	BackupsCount         int `json:"backups_count"`
	SnapshotsCount       int `json:"snapshots_count"`
	NodeInterfacesCount  int `json:"node_interfaces_count"`
	VMInterfacesCount    int `json:"vm_interfaces_count"`
	VMIPAddressesCount   int `json:"vm_ip_addresses_count"`
	ReplicationsCount    int `json:"replications_count"`
	BackupRoutinesCount  int `json:"backup_routines_count"`
	SDNCount             int `json:"sdn_count,omitempty" doc:"Missing while SDN is not synced"`

	Warnings []string `json:"warnings" nullable:"false"`

	OrphanSweep *OrphanSweep `json:"orphan_sweep,omitempty" doc:"What became of guests, nodes and storages that are gone in Proxmox; missing when there was nothing to do and delete_orphans is off"`
}

// fullLists is FullResult with the objects, for who wants them in one answer.
type fullLists struct {
	FullResult
	Errors          []errorItem `json:"errors" nullable:"false"`
	Devices         []listed    `json:"devices" nullable:"false"`
	Storage         []listed    `json:"storage" nullable:"false"`
	VirtualMachines []listed    `json:"virtual_machines" nullable:"false"`
	VirtualDisks    stageResult `json:"virtual_disks"`
	TaskHistory     stageResult `json:"task_history"`
	Backups         []listed    `json:"backups" nullable:"false"`
	Snapshots       stageResult `json:"snapshots"`
	NodeInterfaces  []listed    `json:"node_interfaces" nullable:"false"`
	VMInterfaces    []listed    `json:"vm_interfaces" nullable:"false"`
	VMIPAddresses   []listed    `json:"vm_ip_addresses" nullable:"false"`
	Replications    staleResult `json:"replications"`
	BackupRoutines  staleResult `json:"backup_routines"`
	SDN             *sdnResult  `json:"sdn,omitempty" doc:"Missing while SDN is not synced"`
}

// stageResult is what became of one stage.
type stageResult struct {
	Count   int `json:"count" doc:"Objects that NetBox has as they should be"`
	Created int `json:"created"`
	Updated int `json:"updated"`
	Deleted int `json:"deleted"`
	Failed  int `json:"failed"`
	Skipped int `json:"skipped" doc:"Conflicts, and objects that need one that was not done"`
}

// staleResult is what became of the plugin's rows that are never removed.
type staleResult struct {
	Created int `json:"created"`
	Updated int `json:"updated" doc:"Without those that became stale"`
	Stale   int `json:"stale" doc:"Rows that Proxmox does not have any more, since this run"`
	Errors  int `json:"errors"`
}

func (t *tally) result() stageResult {
	s := t.summary
	return stageResult{len(t.done()), s.Created, s.Updated, s.Deleted, s.Failed, s.Skipped}
}

func (t *tally) staleResult() staleResult {
	return staleResult{Created: t.summary.Created, Updated: t.summary.Updated - t.stale, Stale: t.stale, Errors: t.summary.Failed}
}

// rowsResult is stageResult with what staleResult has under other names.
type rowsResult struct {
	stageResult
	Stale  int `json:"stale"`
	Errors int `json:"errors"`
}

// sdnResult is what became of the SDN, counted by kind as well.
type sdnResult struct {
	Count    int         `json:"count" doc:"Objects that NetBox has as they should be"`
	Created  int         `json:"created"`
	Updated  int         `json:"updated" doc:"But for those that are stale"`
	Deleted  int         `json:"deleted"`
	Failed   int         `json:"failed"`
	Skipped  int         `json:"skipped" doc:"Conflicts, and objects that need one that was not done"`
	Counters sdnCounters `json:"counters"`
}

// sdnCounters are objects that NetBox has as they should be, but for the last two.
type sdnCounters struct {
	Zones   int `json:"zones"`
	VNets   int `json:"vnets"`
	Subnets int `json:"subnets"`
	Stale   int `json:"stale" doc:"Rows of what is gone in Proxmox, marked in this run"`
	Skipped int `json:"skipped"`
}

func (t *tally) sdnResult() *sdnResult {
	s := t.summary
	out := sdnResult{len(t.done()), s.Created, s.Updated - t.stale, s.Deleted, s.Failed, s.Skipped, sdnCounters{Stale: t.stale, Skipped: s.Skipped}}
	count := map[domain.Kind]*int{domain.KindSDNZone: &out.Counters.Zones, domain.KindSDNVNet: &out.Counters.VNets, domain.KindSDNSubnet: &out.Counters.Subnets}
	for _, o := range t.wanted {
		if t.isDone(o) {
			*count[o.Kind]++
		}
	}
	return &out
}

// streamed is the result in a stream: with the names that clients of the
// Python service look for in the stages that it counts in its own way.
func (t *tally) streamed() any {
	switch t.name {
	case "replications", "backup-routines":
		rows := rowsResult{stageResult: t.result(), Stale: t.stale, Errors: t.summary.Failed}
		rows.Updated -= t.stale
		return rows
	case "sdn":
		return t.sdnResult()
	}
	return t.result()
}

// fullResultOf sums a full update up; all is tallies(fullStages(ask, res), res).
func fullResultOf(ask run.Ask, res *run.Result, all []*tally) FullResult {
	out := FullResult{Status: string(res.Outcome), RunID: res.ID, DryRun: ask.DryRun,
		Created: res.Created, Updated: res.Updated, Deleted: res.Deleted, Warnings: warnings(res), OrphanSweep: sweepOf(ask, res)}
	if res.Plan != nil {
		out.Unchanged = res.Plan.Unchanged
	}
	for _, r := range res.Reports {
		switch r.Outcome {
		case plan.Failed:
			out.Failed++
		case plan.Conflict:
			out.Conflicts++
		default:
			out.Skipped++
		}
	}
	into := map[string]*int{"devices": &out.DevicesCount, "storage": &out.StorageCount, "virtual-machines": &out.VirtualMachinesCount,
		"task-history": &out.TaskHistoryCount, "virtual-disks": &out.VirtualDisksCount, "backups": &out.BackupsCount, "snapshots": &out.SnapshotsCount,
		"node-interfaces": &out.NodeInterfacesCount, "vm-interfaces": &out.VMInterfacesCount, "vm-ip-addresses": &out.VMIPAddressesCount,
		"sdn": &out.SDNCount, "replications": &out.ReplicationsCount, "backup-routines": &out.BackupRoutinesCount}
	for _, t := range all {
		*into[t.name] = len(t.done())
	}
	return out
}

func fullListsOf(ask run.Ask, res *run.Result) fullLists {
	all := tallies(fullStages(ask, res), res)
	of := func(name string) *tally {
		return all[slices.IndexFunc(all, func(t *tally) bool { return t.name == name })]
	}
	list := func(name string) []listed { return of(name).done() }
	out := fullLists{
		FullResult: fullResultOf(ask, res, all), Errors: append([]errorItem{}, errorItems(res)...),
		Devices: list("devices"), Storage: list("storage"), VirtualMachines: list("virtual-machines"), TaskHistory: of("task-history").result(),
		VirtualDisks: of("virtual-disks").result(), Backups: list("backups"), Snapshots: of("snapshots").result(), NodeInterfaces: list("node-interfaces"),
		VMInterfaces: list("vm-interfaces"), VMIPAddresses: list("vm-ip-addresses"), Replications: of("replications").staleResult(),
		BackupRoutines: of("backup-routines").staleResult(),
	}
	for _, t := range all {
		if t.name == "sdn" {
			out.SDN = t.sdnResult()
		}
	}
	return out
}
