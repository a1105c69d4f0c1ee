package apply_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"testing"

	"proxbox/internal/apply"
	"proxbox/internal/domain"
	"proxbox/internal/plan"
)

// willing is a NetBox that removes whatever it is told to.
type willing struct{}

func (willing) Create(context.Context, string, []map[string]any) ([]json.RawMessage, error) {
	return nil, nil
}

func (willing) Update(context.Context, string, []map[string]any) ([]json.RawMessage, error) {
	return nil, nil
}

func (willing) Delete(context.Context, string, []map[string]any) error { return nil }

func (willing) ReadTable(_ context.Context, kind domain.Kind, _ url.Values) (*domain.Table, error) {
	return domain.NewTable(kind), nil
}

func (willing) MaxConcurrent() int { return 2 }

// BenchmarkRetention removes one backup of each of many guests, as a night of
// pruning does.
func BenchmarkRetention(b *testing.B) {
	for _, guests := range []int{1000, 4000} {
		b.Run(fmt.Sprint(guests), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				inv, p := domain.NewInventory("4.7.3"), &plan.Plan{}
				vm, disks, addresses, backups := domain.NewTable(domain.KindVirtualMachine), domain.NewTable(domain.KindVirtualDisk),
					domain.NewTable(domain.KindIPAddress), domain.NewTable(domain.KindBackup)
				for i := 1; i <= guests; i++ {
					ref := domain.At(domain.KindVirtualMachine, i)
					vm.Put(&domain.Row{ID: i, Fields: domain.Fields{"name": fmt.Sprint(i), "cluster": domain.At(domain.KindCluster, 1), "status": "active"}})
					disks.Put(&domain.Row{ID: i, Fields: domain.Fields{"name": "scsi0", "virtual_machine": ref, "size": 10}})
					addresses.Put(&domain.Row{ID: i, Fields: domain.Fields{"address": "192.0.2.1/24", "status": "active"}})
					backups.Put(&domain.Row{ID: i, Fields: domain.Fields{"volume_id": fmt.Sprint(i), "virtual_machine": ref}})
					p.Changes = append(p.Changes, plan.Change{Op: plan.Delete, Kind: domain.KindBackup, ID: i, Key: domain.Key(fmt.Sprint(i))})
				}
				for _, t := range []*domain.Table{vm, disks, addresses, backups} {
					inv.Set(t)
				}
				b.StartTimer()
				res, err := apply.Run(b.Context(), willing{}, p, inv, apply.Options{})
				if err != nil || res.Deleted != guests || backups.Len() != 0 {
					b.Fatal(res, err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*guests), "ns/guest")
		})
	}
}
