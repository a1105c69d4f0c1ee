package desire_test

import (
	"testing"

	"proxbox/internal/desire"
	"proxbox/internal/domain"
)

// TestPresent: what a filter leaves out is there all the same, and of what is
// not known whole nothing is said to be all.
func TestPresent(t *testing.T) {
	snap := func(complete domain.Completeness) *domain.Snapshot {
		guest := func(vmid int, tag string, created int64) domain.Guest {
			return domain.Guest{VMID: vmid, Type: domain.QEMU, Name: tag, Node: "pve1", Status: "running", Tags: []string{tag},
				Config: domain.Is(domain.GuestConfig{Name: tag, Tags: []string{tag}, UUID: tag, CreatedAt: created})}
		}
		return &domain.Snapshot{Endpoint: domain.ProxmoxEndpoint{ID: 1, Name: "px (nb:1)", Domain: "px.example.org"}, Complete: complete,
			Cluster: domain.Cluster{Name: "lab", Quorate: true}, Nodes: []domain.Node{{Name: "pve1", Online: true}},
			Guests:   []domain.Guest{guest(100, "prod", 17), guest(101, "dev", 18), guest(102, "prod", 0)},
			Storages: domain.Is([]domain.Storage{{Name: "local", Enabled: true}, {Name: "tank", Enabled: true}})}
	}
	opt := desire.Options{SyncState: true, Plugin: true, Filter: desire.Filter{ExcludeTags: []string{"dev"}, ExcludeStorages: []string{"tank"}}}
	all := domain.Completeness{Guests: true, Nodes: true, Storages: true}
	d := desire.Build([]*domain.Snapshot{snap(all)}, opt)
	for _, ref := range []domain.Ref{
		domain.To(domain.KindVirtualMachine, "c1/qemu/100"), domain.To(domain.KindVirtualMachine, "c1/qemu/101"), domain.To(domain.KindDevice, "c1/node/pve1"),
		domain.To(domain.KindProxmoxStorage, "c1/storage/local"), domain.To(domain.KindProxmoxStorage, "c1/storage/tank"),
	} {
		if !d.Present[ref] {
			t.Errorf("%s %s is not there", ref.Kind, ref.Key)
		}
	}
	kinds := []domain.Kind{domain.KindVirtualMachine, domain.KindDevice, domain.KindProxmoxStorage}
	some := desire.Build([]*domain.Snapshot{snap(domain.Completeness{})}, opt)
	for _, kind := range kinds {
		parts := domain.PartsOf{Owner: "c1", Kind: kind}
		if !d.Whole[parts] || some.Whole[parts] {
			t.Errorf("%s: known whole %t, and %t where it is not", kind, d.Whole[parts], some.Whole[parts])
		}
	}
	created := map[domain.Key]any{}
	for _, o := range d.Objects {
		if at, ok := o.Fields["cf_proxmox_created_at"]; ok {
			created[o.Key] = at
		}
	}
	if len(created) != 1 || created["c1/qemu/100"] != 17 {
		t.Errorf("the moments of creation are %v", created)
	}
}
