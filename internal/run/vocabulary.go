package run

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"proxbox/internal/desire"
	"proxbox/internal/domain"
	"proxbox/internal/netbox"
)

// Known is an object that every sync needs, and whether NetBox has it.
type Known struct {
	domain.Object
	There bool
}

// vocabulary are the kinds that do not depend on what Proxmox runs.
var vocabulary = map[domain.Kind]string{ // by the field that names them
	domain.KindTag: "slug", domain.KindClusterType: "slug", domain.KindManufacturer: "slug", domain.KindDeviceType: "slug",
	domain.KindDeviceRole: "slug", domain.KindVirtualMachineType: "slug", domain.KindCustomField: "name",
}

// Vocabulary says which of the tags, roles, types and custom fields that any
// sync needs NetBox has. What it does not have, the first sync makes.
func Vocabulary(ctx context.Context, nb *netbox.Client) ([]Known, error) {
	caps, err := nb.Probe(ctx)
	if err != nil {
		return nil, err
	}
	var all []Known
	for _, o := range anySync(caps) {
		if vocabulary[o.Kind] != "" && caps.Has(o.Kind) {
			all = append(all, Known{Object: o})
		}
	}
	var mu sync.Mutex
	g, gctx := errgroup.WithContext(ctx)
	for kind, field := range vocabulary {
		if !caps.Has(kind) {
			continue
		}
		g.Go(func() error {
			query := map[string][]string{}
			for _, k := range all {
				if k.Kind == kind {
					query[field] = append(query[field], k.Fields[field].(string))
				}
			}
			if len(query) == 0 {
				return nil
			}
			table, err := nb.ReadTable(gctx, kind, query)
			if err != nil {
				return err
			}
			there := map[string]bool{}
			for row := range table.Rows() {
				there[row.Text(field)] = true
			}
			mu.Lock()
			defer mu.Unlock()
			for i, k := range all {
				all[i].There = k.There || k.Kind == kind && there[k.Fields[field].(string)]
			}
			return nil
		})
	}
	return all, g.Wait()
}

// anySync are the wanted objects of a cluster of each mode with a guest of
// each type.
func anySync(caps netbox.Capabilities) []domain.Object {
	guests := []domain.Guest{{VMID: 1, Type: domain.QEMU, Node: "any", Name: "any", Status: "running"},
		{VMID: 2, Type: domain.LXC, Node: "any", Name: "any", Status: "running"}}
	opt := desire.Options{VirtualMachineTypes: caps.VirtualMachineTypes, Plugin: caps.Plugin != "", SyncState: caps.SyncState, GuestInterfaces: caps.GuestInterfaces}
	var snapshots []*domain.Snapshot
	for i, standalone := range []bool{false, true} {
		snapshots = append(snapshots, &domain.Snapshot{Endpoint: domain.ProxmoxEndpoint{ID: i + 1}, Cluster: domain.Cluster{Name: "any", Standalone: standalone},
			Nodes: []domain.Node{{Name: "any"}}, Guests: guests})
	}
	return desire.Build(snapshots, opt).Objects
}
