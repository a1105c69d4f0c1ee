package server

import (
	"context"
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
	readRoute(s, base+"/cpu-models", "The custom CPU models", func(ctx context.Context, in *readInput) (*said[[]cpuModel], error) {
		r, err := s.read(ctx, in.query, s.waits.job)
		if err != nil {
			return nil, err
		}
		out, err := flat(ctx, r, func(ctx context.Context, src *source) ([]cpuModel, error) {
			id, rows, err := named(ctx, src, func() ([]row, error) { return src.list(ctx, cpuModelsPath, nil) })
			if optional(err) {
				return nil, nil // before 9.2 there are none
			}
			return mapped(rows, func(in row) cpuModel { return showCPUModel(id.name, in) }), err
		})
		return answered(r, out, err)
	})
}
