package server

import (
	"context"

	"proxbox/internal/proxmox"
)

// cpuModel is a custom CPU model of a cluster. The plugin keeps its texts in
// columns that may be empty but not null.
type cpuModel struct {
	ClusterName string  `json:"cluster_name"`
	CPUType     string  `json:"cputype"`
	BaseCPUType string  `json:"base_cputype"`
	Flags       string  `json:"flags"`
	VendorID    string  `json:"vendor_id"`
	Level       *int64  `json:"level"`
	Description string  `json:"description"`
	Status      string  `json:"status"`
	Error       *string `json:"error"`
}

const cpuModelsPath = "/cluster/qemu/custom-cpu-models"

func showCPUModel(cluster string, in row) cpuModel {
	return cpuModel{
		ClusterName: cluster, CPUType: in.word("cputype", "name"), BaseCPUType: in.word("base-cputype", "base_cputype", "reported-model"), Flags: in.word("flags"),
		VendorID: in.word("vendor-id", "vendor_id"), Level: in.whole("level"), Description: in.word("description"), Status: allOK,
	}
}

func (s *Server) datacenterRoutes() {
	const base = "/proxmox/datacenter"
	flatRoute(s, base+"/cpu-models", "The custom CPU models", s.waits.job, func(ctx context.Context, src *source) ([]cpuModel, error) {
		id, rows, err := named(ctx, src, func() ([]row, error) { return src.list(ctx, cpuModelsPath, nil) })
		if optional(err) {
			return nil, nil // before 9.2 there are none
		}
		return mapped(rows, func(in row) cpuModel { return showCPUModel(id.name, in) }), err
	})
	readRoute(s, base+"/cpu-models/{cputype}", "A custom CPU model; null when no cluster has it",
		func(ctx context.Context, in *cpuModelInput) (*saidMaybe[cpuModel], error) {
			r, err := s.read(ctx, in.query, s.waits.tab)
			if err != nil {
				return nil, err
			}
			all, err := flat(ctx, r, func(ctx context.Context, src *source) ([]cpuModel, error) {
				id, found, err := named(ctx, src, func() (row, error) { return src.object(ctx, cpuModelsPath+proxmox.Path(in.CPUType), nil) })
				if absent(err) || err == nil && len(found) == 0 {
					return nil, nil
				}
				return []cpuModel{showCPUModel(id.name, found)}, err
			})
			return answeredFirst(r, all, err)
		})
	objectRoute(s, base+"/options", "The options of each cluster", "/cluster/options", showOptions)
}

type cpuModelInput struct {
	readInput
	CPUType string `path:"cputype" maxLength:"255"`
}

// datacenterOptions are the options of a cluster.
type datacenterOptions struct {
	ClusterName       string  `json:"cluster_name"`
	Keyboard          *string `json:"keyboard"`
	Language          *string `json:"language"`
	EmailFrom         *string `json:"email_from"`
	MaxWorkers        *int64  `json:"max_workers"`
	MigrationUnsecure *bool   `json:"migration_unsecure"`
	NextID            row     `json:"next_id" nullable:"true"`
	Notify            row     `json:"notify" nullable:"true"`
	CRS               row     `json:"crs" nullable:"true"`
	Location          *string `json:"location"`
	Status            string  `json:"status"`
	Error             *string `json:"error"`
}

func showOptions(cluster string, in row) datacenterOptions {
	return datacenterOptions{
		ClusterName: cluster, Keyboard: in.text("keyboard"), Language: in.text("language"), EmailFrom: in.text("email_from", "email-from"),
		MaxWorkers: in.whole("max_workers"), MigrationUnsecure: in.truth("migration_unsecure", "migration-unsecure"),
		NextID: in.propertiesOf("next-id", "next_id"), Notify: in.propertiesOf("notify"), CRS: in.propertiesOf("crs"), Location: in.text("location"), Status: allOK,
	}
}

// propertiesOf is a field that is an object in one release and a text of
// pairs in another; nil when it is not there.
func (r row) propertiesOf(names ...string) row {
	for _, name := range names {
		if nested := r.below(name); nested != nil {
			return nested
		}
		if text := r.text(name); text != nil {
			return properties(*text)
		}
	}
	return nil
}
