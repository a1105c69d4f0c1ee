package proxmox

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"proxbox/internal/domain"
)

// replications reads the replication jobs of the cluster.
func (r *reading) replications(ctx context.Context) {
	raw, err := r.get(ctx, "/cluster/replication")
	var (
		list []domain.Replication
		odd  []oddRow
	)
	if err == nil {
		list, odd, err = parseReplications(raw)
	}
	if err != nil {
		r.unread(ctx, "the replication jobs", err)
		return
	}
	r.oddRows("/cluster/replication", odd)
	// A job is listed to those who may see its guest.
	seen := r.rights != nil && r.rights.allGuests()
	r.snap.Replications = domain.Known[[]domain.Replication]{Value: list, OK: seen && len(odd) == 0}
}

func parseReplications(raw json.RawMessage) ([]domain.Replication, []oddRow, error) {
	type row struct {
		ID        text   `json:"id"`
		Guest     number `json:"guest"`
		Source    text   `json:"source"`
		Target    text   `json:"target"`
		Type      text   `json:"type"`
		Schedule  text   `json:"schedule"`
		Rate      number `json:"rate"`
		Comment   text   `json:"comment"`
		Disable   flag   `json:"disable"`
		JobNum    number `json:"jobnum"`
		RemoveJob text   `json:"remove_job"`
	}
	items, odd, err := decodeRows[json.RawMessage](raw)
	if err != nil {
		return nil, nil, err
	}
	list := make([]domain.Replication, 0, len(items))
	for _, item := range items {
		var job row
		whole := map[string]any{}
		if err := errors.Join(json.Unmarshal(item, &job), json.Unmarshal(item, &whole)); err != nil {
			odd = append(odd, oddRow{item, err})
			continue
		}
		if job.ID == "" {
			odd = append(odd, oddRow{item, errors.New("a job without an id")})
			continue
		}
		vmid := int(job.Guest.natural())
		if before, after, ok := strings.Cut(string(job.ID), "-"); ok {
			if n, err := strconv.Atoi(before); err == nil {
				vmid = cmp.Or(vmid, n)
			}
			if n, err := strconv.Atoi(after); err == nil && !job.JobNum.set {
				job.JobNum = number{value: float64(n), set: true}
			}
		}
		list = append(list, domain.Replication{
			ID: string(job.ID), VMID: vmid, Source: string(job.Source), Target: string(job.Target), Type: string(job.Type),
			Schedule: string(job.Schedule), Rate: max(0, job.Rate.value), Comment: strings.TrimSpace(string(job.Comment)),
			Disabled: job.Disable.on, JobNum: job.JobNum.int(), RemoveJob: string(job.RemoveJob), Raw: whole,
		})
	}
	slices.SortFunc(list, func(a, b domain.Replication) int { return cmp.Compare(a.ID, b.ID) })
	return list, odd, nil
}

// backupRoutines reads the backup jobs of the cluster.
func (r *reading) backupRoutines(ctx context.Context) {
	raw, err := r.get(ctx, "/cluster/backup")
	var (
		list []domain.BackupRoutine
		odd  []oddRow
	)
	if err == nil {
		list, odd, err = parseBackupRoutines(raw)
	}
	if err != nil {
		r.unread(ctx, "the backup jobs", err)
		return
	}
	r.oddRows("/cluster/backup", odd)
	r.snap.BackupRoutines = domain.Known[[]domain.BackupRoutine]{Value: list, OK: len(odd) == 0}
}

func parseBackupRoutines(raw json.RawMessage) ([]domain.BackupRoutine, []oddRow, error) {
	rows, odd, err := decodeRows[map[string]json.RawMessage](raw)
	if err != nil {
		return nil, nil, err
	}
	list := make([]domain.BackupRoutine, 0, len(rows))
	for _, row := range rows {
		job := domain.BackupRoutine{Enabled: true, Options: map[string]string{}, Raw: map[string]any{}}
		for key, value := range row {
			var v any
			if err := json.Unmarshal(value, &v); err != nil {
				continue
			}
			job.Raw[key] = v
			job.Options[key] = optionText(value)
		}
		job.ID = job.Options["id"]
		if job.ID == "" {
			odd = append(odd, oddRow{err: errors.New("a job without an id")})
			continue
		}
		if enabled := parseFlag(job.Options["enabled"]); enabled.set {
			job.Enabled = enabled.on
		}
		delete(job.Options, "id")
		delete(job.Options, "enabled")
		list = append(list, job)
	}
	slices.SortFunc(list, func(a, b domain.BackupRoutine) int { return cmp.Compare(a.ID, b.ID) })
	return list, odd, nil
}
