package server

import (
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

// streamed is the result in a stream: with the names that clients of the
// Python service look for in the two stages that it counts in its own way.
func (t *tally) streamed() any {
	if name := t.name; name == "replications" || name == "backup-routines" {
		rows := rowsResult{stageResult: t.result(), Stale: t.stale, Errors: t.summary.Failed}
		rows.Updated -= t.stale
		return rows
	}
	return t.result()
}

// fullResultOf sums a full update up; all is tallies(wireStages, res).
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
	into := []*int{&out.DevicesCount, &out.StorageCount, &out.VirtualMachinesCount, &out.TaskHistoryCount, &out.VirtualDisksCount,
		&out.BackupsCount, &out.SnapshotsCount, &out.NodeInterfacesCount, &out.VMInterfacesCount, &out.VMIPAddressesCount,
		&out.ReplicationsCount, &out.BackupRoutinesCount}
	for i, t := range all { // in the order of wireStages
		*into[i] = len(t.done())
	}
	return out
}

func fullListsOf(ask run.Ask, res *run.Result) fullLists {
	all := tallies(wireStages, res)
	list := func(i int) []listed { return all[i].done() }
	return fullLists{
		FullResult: fullResultOf(ask, res, all), Errors: append([]errorItem{}, errorItems(res)...),
		Devices: list(0), Storage: list(1), VirtualMachines: list(2), TaskHistory: all[3].result(), VirtualDisks: all[4].result(),
		Backups: list(5), Snapshots: all[6].result(), NodeInterfaces: list(7), VMInterfaces: list(8), VMIPAddresses: list(9),
		Replications: all[10].staleResult(), BackupRoutines: all[11].staleResult(),
	}
}
