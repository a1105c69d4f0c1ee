package desire

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"proxbox/internal/domain"
)

// old is a NetBox with release 0.0.15 of the plugin.
var old = Options{VirtualMachineTypes: true, Plugin: true, IgnoreLinkLocal: true}

// TestDescriptions: what is said of a guest in custom fields, by what Proxmox
// says; nothing where it says nothing.
func TestDescriptions(t *testing.T) {
	const unsaid = "unsaid"
	unread := func(g *domain.Guest, _ *domain.Snapshot) { g.Config = domain.Known[domain.GuestConfig]{} }
	cfg := func(change func(*domain.GuestConfig)) func(*domain.Guest, *domain.Snapshot) {
		return func(g *domain.Guest, _ *domain.Snapshot) { change(&g.Config.Value) }
	}
	for _, c := range []struct {
		name   string
		change func(*domain.Guest, *domain.Snapshot)
		field  string
		want   any
	}{
		{"starts at boot", cfg(func(c *domain.GuestConfig) { c.OnBoot = true }), "start_at_boot", true},
		{"does not start at boot", cfg(func(*domain.GuestConfig) {}), "start_at_boot", false},
		{"unread", unread, "start_at_boot", unsaid},
		{"unprivileged", cfg(func(c *domain.GuestConfig) { c.Unprivileged = true }), "unprivileged_container", true},
		{"not unprivileged", cfg(func(*domain.GuestConfig) {}), "unprivileged_container", false},
		{"unread", unread, "unprivileged_container", unsaid},
		{"an agent", cfg(func(c *domain.GuestConfig) { c.AgentEnabled = true }), "qemu_agent", true},
		{"no agent", cfg(func(*domain.GuestConfig) {}), "qemu_agent", false},
		{"unread", unread, "qemu_agent", unsaid},
		{"a search domain", cfg(func(c *domain.GuestConfig) { c.SearchDomain = "example.org" }), "search_domain", "example.org"},
		{"none any more", cfg(func(*domain.GuestConfig) {}), "search_domain", ""},
		{"unread", unread, "search_domain", unsaid},
		{"running", func(*domain.Guest, *domain.Snapshot) {}, "status", "running"},
		{"paused", func(g *domain.Guest, _ *domain.Snapshot) { g.Status = "paused" }, "status", "paused"},
		{"of a node that does not answer", func(g *domain.Guest, _ *domain.Snapshot) { g.Status = "unknown" }, "status", unsaid},
		{"unread, but listed", unread, "status", "running"},
		{"by a name", func(*domain.Guest, *domain.Snapshot) {}, "link", "https://px.example.org:8006/#v1:0:=qemu/100"},
		{"by a name of one label", func(_ *domain.Guest, s *domain.Snapshot) { s.Endpoint.Domain = "pve" }, "link", "https://pve:8006/#v1:0:=qemu/100"},
		{"unread", unread, "link", "https://px.example.org:8006/#v1:0:=qemu/100"},
	} {
		t.Run(c.field+" "+c.name, func(t *testing.T) {
			s := snapshot(virtualMachine(func(*domain.Guest, *domain.GuestConfig) {}))
			c.change(&s.Guests[0], s)
			got, ok := one(t, Build([]*domain.Snapshot{s}, old), domain.KindVirtualMachine).Fields["cf_proxmox_"+c.field]
			if !ok {
				got = unsaid
			}
			if got != c.want {
				t.Errorf("%#v, want %#v", got, c.want)
			}
		})
	}
}

// TestDescriptionsAreInOnePlace: in sync-state rows where there are such, else
// in custom fields.
func TestDescriptionsAreInOnePlace(t *testing.T) {
	g := virtualMachine(func(_ *domain.Guest, c *domain.GuestConfig) {
		c.Disks = []domain.Disk{{Key: "scsi0", Storage: "local", SizeMB: 1}}
		c.NICs = []domain.NIC{{Key: "net0", Bridge: "vmbr0"}}
	})
	described := func(opt Options) (fields []string) {
		s := snapshot(g)
		s.Storages = domain.Is([]domain.Storage{{Name: "local"}})
		s.Nodes[0].Interfaces = domain.Is([]domain.NodeInterface{{Name: "vmbr0", Type: "bridge"}})
		for _, o := range Build([]*domain.Snapshot{s}, opt).Objects {
			for field := range o.Fields {
				if name, ok := strings.CutPrefix(field, "cf_"); ok && (slices.Contains(descriptions, name) || name == storageField) {
					fields = append(fields, name)
				}
			}
		}
		slices.Sort(fields)
		return fields
	}
	if got := described(full); got != nil {
		t.Errorf("beside sync-state rows: %s", got)
	}
	if d := cmp.Diff(slices.Sorted(slices.Values(append(slices.Clone(descriptions), storageField))), described(old)); d != "" {
		t.Errorf("without them (-want +got):\n%s", d)
	}
	bare := old
	bare.Plugin = false
	if got := described(bare); slices.Contains(got, storageField) || len(got) != len(descriptions) {
		t.Errorf("without the plugin: %s", got)
	}
}

// TestOldFieldsThatAreMade: the identity, and that by which the plugin finds
// virtual disks. Those that only describe are used where they are.
func TestOldFieldsThatAreMade(t *testing.T) {
	names := func(opt Options, mode domain.Mode) (out []string) {
		for _, o := range wanted(Build([]*domain.Snapshot{snapshot()}, opt), domain.KindCustomField) {
			if o.Mode == mode {
				out = append(out, string(o.Key))
			}
		}
		slices.Sort(out)
		return out
	}
	made := []string{"proxbox_storage_id", "proxmox_cluster", "proxmox_ha_state", "proxmox_node", "proxmox_pool", "proxmox_tags", "proxmox_uuid",
		"proxmox_vm_id", "proxmox_vm_name", "proxmox_vm_type"}
	used := []string{"proxbox_bridge", "proxmox_last_updated", "proxmox_link", "proxmox_qemu_agent", "proxmox_search_domain", "proxmox_start_at_boot",
		"proxmox_status", "proxmox_unprivileged_container"}
	if d := cmp.Diff(made, names(old, domain.Manage)); d != "" {
		t.Errorf("made (-want +got):\n%s", d)
	}
	if d := cmp.Diff(used, names(old, domain.Existing)); d != "" {
		t.Errorf("used (-want +got):\n%s", d)
	}
	if got := names(full, domain.Existing); got != nil {
		t.Errorf("beside sync-state rows: %s", got)
	}
	if got := names(Options{}, domain.Manage); slices.Contains(got, "proxbox_storage_id") {
		t.Error("a field that points at rows of a plugin that is not there")
	}
}

// TestBridge: a NIC points at the bridge on its guest's node; at none when its
// network is no interface there; and stays while the node's are not known.
func TestBridge(t *testing.T) {
	at := domain.To(domain.KindInterface, "c1/node/pve1/if/vmbr0")
	read := domain.Is([]domain.NodeInterface{{Name: "vmbr0", Type: "bridge"}})
	for _, c := range []struct {
		name, bridge string
		interfaces   domain.Known[[]domain.NodeInterface]
		want         any
		said         bool
	}{
		{"a bridge", "vmbr0", read, at, true},
		{"a network of SDN", "vnet0", read, nil, true},
		{"none", "", read, nil, true},
		{"a node that was not read", "vmbr0", domain.Known[[]domain.NodeInterface]{}, nil, false},
		{"none on a node that was not read", "", domain.Known[[]domain.NodeInterface]{}, nil, false},
	} {
		g := virtualMachine(func(_ *domain.Guest, cfg *domain.GuestConfig) {
			cfg.NICs = []domain.NIC{{Key: "net0", Bridge: c.bridge}}
		})
		s := snapshot(g)
		s.Nodes[0].Interfaces = c.interfaces
		for where, got := range map[string]domain.Fields{
			"cf_proxbox_bridge": one(t, Build([]*domain.Snapshot{s}, old), domain.KindVMInterface).Fields,
			"proxbox_bridge":    one(t, Build([]*domain.Snapshot{s}, full), domain.KindVMInterfaceState).Fields,
		} {
			if v, ok := got[where]; v != c.want || ok != c.said {
				t.Errorf("%s: %s is %v (%t)", c.name, where, v, ok)
			}
		}
	}
}

// TestDiskOnStorage: the custom field points at the plugin's row.
func TestDiskOnStorage(t *testing.T) {
	for _, c := range []struct {
		name, storage string
		storages      domain.Known[[]domain.Storage]
		whole         bool
		want          string
	}{
		{"a storage", "local", domain.Is([]domain.Storage{{Name: "local"}}), false, fmt.Sprint(domain.To(domain.KindProxmoxStorage, "c1/storage/local"))},
		{"one that may not be seen", "hidden", domain.Is([]domain.Storage{{Name: "local"}}), false, "unsaid"},
		{"one that is gone", "hidden", domain.Is([]domain.Storage{{Name: "local"}}), true, "<nil>"},
		{"no list", "local", domain.Known[[]domain.Storage]{}, true, "unsaid"},
	} {
		g := virtualMachine(func(_ *domain.Guest, cfg *domain.GuestConfig) {
			cfg.Disks = []domain.Disk{{Key: "scsi0", Storage: c.storage, SizeMB: 1}}
		})
		s := snapshot(g)
		s.Storages, s.Complete.Storages = c.storages, c.whole
		got := "unsaid"
		if v, ok := one(t, Build([]*domain.Snapshot{s}, old), domain.KindVirtualDisk).Fields["cf_"+storageField]; ok {
			got = fmt.Sprint(v)
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
