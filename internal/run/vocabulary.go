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
		if vocabulary[o.Kind] != "" && caps.Has(o.Kind) && o.Mode == domain.Manage {
			all = append(all, Known{Object: o})
		}
	}
	names := map[domain.Kind][]string{}
	for _, k := range all {
		names[k.Kind] = append(names[k.Kind], k.Fields[vocabulary[k.Kind]].(string))
	}
	var mu sync.Mutex
	there := map[domain.Kind]map[string]bool{}
	g, gctx := errgroup.WithContext(ctx)
	for kind, wanted := range names {
		g.Go(func() error {
			field := vocabulary[kind]
			table, err := nb.ReadTable(gctx, kind, map[string][]string{field: wanted})
			if err != nil {
				return err
			}
			found := map[string]bool{}
			for row := range table.Rows() {
				found[row.Text(field)] = true
			}
			mu.Lock()
			defer mu.Unlock()
			there[kind] = found
			return nil
		})
	}
	err = g.Wait()
	for i, k := range all {
		all[i].There = there[k.Kind][k.Fields[vocabulary[k.Kind]].(string)]
	}
	return all, err
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
