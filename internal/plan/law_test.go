package plan_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"proxbox/internal/desire"
	"proxbox/internal/domain"
	"proxbox/internal/plan"
)

// kinds of an inventory that has everything, as NetBox 4.7 with the plugin.
var kinds = []domain.Kind{
	domain.KindTag, domain.KindCustomField, domain.KindTenant, domain.KindSite, domain.KindManufacturer, domain.KindDeviceType,
	domain.KindDeviceRole, domain.KindPlatform, domain.KindDevice, domain.KindInterface, domain.KindMACAddress, domain.KindClusterType,
	domain.KindCluster, domain.KindVirtualMachineType, domain.KindVirtualMachine, domain.KindVirtualDisk, domain.KindVMInterface,
	domain.KindVLAN, domain.KindIPAddress, domain.KindProxmoxEndpoint, domain.KindProxmoxCluster, domain.KindProxmoxNode,
	domain.KindVMState, domain.KindDeviceState, domain.KindClusterState, domain.KindVirtualDiskState, domain.KindVMInterfaceState,
	domain.KindIPAddressState, domain.KindInterfaceState,
	domain.KindProxmoxStorage, domain.KindSnapshot, domain.KindBackup, domain.KindTaskHistory, domain.KindReplication, domain.KindBackupRoutine,
	domain.KindSDNZone, domain.KindSDNVNet, domain.KindSDNSubnet, domain.KindPrefix,
}

// world is a NetBox of the mind: it does what a plan says and nothing else.
type world struct {
	inv  *domain.Inventory
	next int
	keep map[domain.Ref]string // what a person would miss
	gone goneRules

	removes map[domain.Kind]bool // what a run is asked to remove
}

func newWorld() *world {
	w := &world{inv: domain.NewInventory("4.7.3"), next: 1}
	for _, k := range kinds {
		w.inv.Set(domain.NewTable(k))
	}
	return w
}

func (w *world) put(kind domain.Kind, f domain.Fields) *domain.Row {
	r := &domain.Row{ID: w.next, Fields: f}
	w.next++
	w.inv.Table(kind).Put(r)
	return r
}

// do carries a plan out.
func (w *world) do(t interface{ Fatalf(string, ...any) }, p *plan.Plan) {
	ids := map[domain.Ref]int{}
	for k, v := range p.Bound {
		ids[k] = v
	}
	resolve := func(v any) any {
		switch v := v.(type) {
		case domain.Ref:
			if v.ID == 0 {
				id := ids[domain.To(v.Kind, v.Key)]
				if id == 0 {
					t.Fatalf("%s %s is pointed at before it is made", v.Kind, v.Key)
				}
				return domain.At(v.Kind, id)
			}
		case domain.Refs:
			var out domain.Refs
			for _, r := range v {
				if r.ID == 0 {
					r = domain.At(r.Kind, ids[domain.To(r.Kind, r.Key)])
				}
				out = append(out, r)
			}
			return out.Sorted()
		}
		return v
	}
	for _, c := range p.Changes {
		table := w.inv.Table(c.Kind)
		switch c.Op {
		case plan.Delete:
			w.remove(domain.At(c.Kind, c.ID))
		case plan.Create:
			f := empty(c.Kind)
			for k, v := range c.Set {
				f[k] = resolve(v)
			}
			if c.Kind == domain.KindVirtualMachine && f["site"] == nil {
				if cl := w.inv.Row(f["cluster"].(domain.Ref)); cl != nil {
					f["site"] = cl.Fields["scope"]
				}
			}
			w.fillOwnership(f)
			ids[domain.To(c.Kind, c.Key)] = w.put(c.Kind, f).ID
		case plan.Update:
			id := c.ID
			if id == 0 {
				id = ids[domain.To(c.Kind, c.Key)]
			}
			row := table.Get(id)
			if row == nil {
				t.Fatalf("update of %s %s that is not there", c.Kind, c.Label)
			}
			f := domain.Fields{}
			for k, v := range row.Fields {
				f[k] = v
			}
			for k, v := range c.Set {
				switch k {
				case "add_tags":
					now, _ := f["tags"].(domain.Refs)
					f["tags"] = slices.Concat(now, resolve(v).(domain.Refs)).Sorted()
				case "remove_tags":
					var rest domain.Refs
					for _, r := range f["tags"].(domain.Refs) {
						if !v.(domain.Refs).Has(r) {
							rest = append(rest, r)
						}
					}
					f["tags"] = rest
				default:
					f[k] = resolve(v)
				}
			}
			w.fillOwnership(f)
			table.Put(&domain.Row{ID: id, Fields: f})
		}
	}
}

// fillOwnership does what the plugin does when a row of its own is named.
func (w *world) fillOwnership(f domain.Fields) {
	if ref, ok := f["proxmox_node"].(domain.Ref); ok {
		f["endpoint"] = w.inv.Row(ref).Fields["endpoint"]
	}
}

// remove removes a row and what NetBox removes with it.
func (w *world) remove(ref domain.Ref) {
	w.inv.Table(ref.Kind).Delete(ref.ID)
	for _, kind := range kinds {
		t := w.inv.Table(kind)
		for r := range t.Rows() {
			for field, v := range r.Fields {
				if v != ref {
					continue
				}
				if cascades[field] {
					w.remove(domain.At(kind, r.ID))
				} else {
					r.Fields[field] = nil
				}
			}
		}
	}
}

// cascades are the fields of what goes with what it points at.
var cascades = map[string]bool{"assigned_object": true, "virtual_machine": true, "vm_interface": true, "virtual_disk": true, "ip_address": true,
	"device": true, "interface": true, "cluster": true}

// empty is a row as NetBox would answer it with nothing set.
func empty(kind domain.Kind) domain.Fields {
	f := domain.Fields{}
	for _, name := range []string{"name", "slug", "model", "description", "status", "platform", "role", "device", "site", "tenant", "vrf", "serial",
		"start_on_boot", "cf_proxmox_uuid", "primary_ip4", "primary_ip6", "primary_mac_address", "mode", "untagged_vlan", "tagged_vlans", "mtu",
		"enabled", "vcpus", "memory", "virtual_machine_type", "dns_name", "assigned_object", "size", "endpoint", "proxmox_node", "proxmox_cluster",
		"proxmox_status", "proxmox_tags", "proxmox_search_domain", "proxmox_link", "proxmox_start_at_boot", "proxmox_qemu_agent",
		"proxmox_unprivileged_container", "proxbox_bridge", "proxbox_bridge_raw_value", "proxbox_storage_raw_value", "proxmox_mac",
		"parent", "bridge", "lag", "type", "proxmox_last_synced_role_id", "cf_proxmox_created_at", "proxbox_storage"} {
		f[name] = nil
	}
	for _, name := range recordFields[kind] {
		f[name] = nil
	}
	switch kind {
	case domain.KindCluster, domain.KindDevice, domain.KindVirtualMachine:
		f["tags"] = domain.Refs(nil)
	}
	return f
}

func planOf(w *world, snaps ...*domain.Snapshot) *plan.Plan {
	d := desire.Build(snaps, everything)
	return w.gone.make(plan.Input{Objects: d.Objects, Whole: d.Whole, Inventory: w.inv, Owns: desire.Owns(desire.DefaultFlags), AddTags: true,
		Keep: w.keep, Removes: w.removes, Stamp: "2026-01-01T00:00:00Z"}, d)
}

func mac(n int) string { return fmt.Sprintf("BC:24:11:00:%02X:%02X", n>>8&0xff, n&0xff) }

// anySnapshot draws a cluster with guests of all sorts.
func anySnapshot(t *rapid.T, endpoint int) *domain.Snapshot {
	s := &domain.Snapshot{
		Endpoint: domain.ProxmoxEndpoint{ID: endpoint, Name: fmt.Sprintf("px%d (nb:%d)", endpoint, endpoint), IPAddress: "127.0.0.2", Port: 8006},
		Cluster:  domain.Cluster{Name: rapid.SampledFrom([]string{"lab", "pve", "Prod"}).Draw(t, "cluster"), Quorate: true},
		Complete: domain.Completeness{Guests: true},
	}
	for i := range rapid.IntRange(1, 3).Draw(t, "nodes") {
		s.Nodes = append(s.Nodes, domain.Node{Name: fmt.Sprintf("pve%d", i+1), Online: rapid.Bool().Draw(t, "online"),
			SSLFingerprint: fmt.Sprintf("%d:%d", endpoint, i), IP: fmt.Sprintf("192.0.2.%d", i+1),
			Interfaces: domain.Is([]domain.NodeInterface{
				{Name: "eno1", Type: "eth", Active: true},
				{Name: "vmbr0", Type: "bridge", Active: true, Ports: []string{"eno1"}, VLANAware: true,
					Addresses: []netip.Prefix{netip.MustParsePrefix(fmt.Sprintf("192.0.%d.%d/24", endpoint, i+1))}},
				{Name: "vmbr0.7", Type: "vlan", Active: true, VLAN: 7},
			})})
	}
	vmids := rapid.SliceOfNDistinct(rapid.IntRange(100, 120), 0, 12, rapid.ID).Draw(t, "vmids")
	for _, id := range vmids {
		g := domain.Guest{VMID: id, Type: rapid.SampledFrom([]domain.GuestType{domain.QEMU, domain.LXC}).Draw(t, "type"),
			Name: rapid.SampledFrom([]string{"web", "db", "Web", "app"}).Draw(t, "name"), Node: s.Nodes[id%len(s.Nodes)].Name,
			Status: rapid.SampledFrom([]string{"running", "stopped", "unknown"}).Draw(t, "status"),
			Tags:   rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"prod", "dev", "db tier"}), 0, 3, rapid.ID).Draw(t, "tags"),
			CPUs:   float64(rapid.IntRange(0, 8).Draw(t, "cpus")) / 2, MemoryBytes: int64(rapid.IntRange(0, 4).Draw(t, "mem")) << 30,
			Template: rapid.Bool().Draw(t, "template")}
		if rapid.Bool().Draw(t, "config") {
			cfg := domain.GuestConfig{Name: g.Name, OSType: rapid.SampledFrom([]string{"l26", "win11", ""}).Draw(t, "os"),
				OnBoot: rapid.Bool().Draw(t, "onboot"), AgentEnabled: rapid.Bool().Draw(t, "agent"), Tags: g.Tags, UUID: fmt.Sprintf("uuid-%d", id),
				CreatedAt: rapid.SampledFrom([]int64{0, 1_700_000_000 + int64(id)}).Draw(t, "created")}
			for n := range rapid.IntRange(0, 3).Draw(t, "nics") {
				nic := domain.NIC{Key: fmt.Sprintf("net%d", n*2), Index: n * 2, MAC: mac(endpoint*1000 + id*4 + n), Bridge: "vmbr0",
					VLAN: rapid.SampledFrom([]int{0, 7, 20}).Draw(t, "vlan"), LinkDown: rapid.Bool().Draw(t, "down")}
				if rapid.Bool().Draw(t, "trunk") {
					nic.Trunks = []int{5, 6}
				}
				if rapid.Bool().Draw(t, "static") {
					nic.Addresses = []netip.Prefix{netip.MustParsePrefix(fmt.Sprintf("10.%d.0.%d/24", endpoint, rapid.IntRange(1, 40).Draw(t, "host")))}
				}
				cfg.NICs = append(cfg.NICs, nic)
			}
			for n := range rapid.IntRange(0, 2).Draw(t, "disks") {
				cfg.Disks = append(cfg.Disks, domain.Disk{Key: fmt.Sprintf("scsi%d", n), Storage: "local", SizeMB: 1024 * (n + 1)})
			}
			g.Config = domain.Is(cfg)
			if (cfg.AgentEnabled || g.Type == domain.LXC) && rapid.Bool().Draw(t, "answers") {
				var seen []domain.GuestInterface
				for n, nic := range cfg.NICs {
					seen = append(seen, domain.GuestInterface{Name: fmt.Sprintf("eth%d", n), MAC: nic.MAC, Addresses: []netip.Prefix{
						netip.MustParsePrefix(fmt.Sprintf("10.%d.0.%d/24", endpoint, rapid.IntRange(1, 40).Draw(t, "host"))),
						netip.MustParsePrefix("fe80::1/64")}})
				}
				g.Agent = domain.Is(seen)
			}
		}
		s.Guests = append(s.Guests, g)
	}
	anyRecords(t, s)
	return s
}

// TestNoOpLaw: what a plan made needs no second plan, and the same input gives
// the same plan.
func TestNoOpLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		snaps := []*domain.Snapshot{anySnapshot(t, 1)}
		if rapid.Bool().Draw(t, "second cluster") {
			snaps = append(snaps, anySnapshot(t, 2))
		}
		for _, s := range snaps {
			ep := w.inv.Table(domain.KindProxmoxEndpoint)
			ep.Put(&domain.Row{ID: s.Endpoint.ID, Fields: domain.Fields{"name": s.Endpoint.DisplayName()}})
			for _, n := range s.Nodes {
				w.put(domain.KindProxmoxNode, domain.Fields{"endpoint": domain.At(domain.KindProxmoxEndpoint, s.Endpoint.ID), "name": n.Name, "netbox_device": nil})
			}
			w.put(domain.KindProxmoxCluster, domain.Fields{"endpoint": domain.At(domain.KindProxmoxEndpoint, s.Endpoint.ID), "name": s.Cluster.Name, "netbox_cluster": nil})
		}
		first, again := planOf(w, snaps...), planOf(w, snaps...)
		if fmt.Sprint(first.Changes) != fmt.Sprint(again.Changes) {
			t.Fatalf("the same input gave two plans")
		}
		for _, r := range first.Reports {
			if r.Outcome == plan.Failed {
				t.Fatalf("failed: %+v", r)
			}
		}
		w.do(t, first)
		second := planOf(w, snaps...)
		for _, c := range second.Changes {
			t.Errorf("second run: %s %s %s: %v -> %v (%s)", c.Op, c.Kind, c.Label, c.Old, c.Set, c.Why)
		}
		guests := 0
		for _, s := range snaps {
			guests += len(s.Guests)
		}
		if got := w.inv.Table(domain.KindVirtualMachine).Len(); got != guests {
			t.Errorf("%d guests landed as %d virtual machines", guests, got)
		}
	})
}

// TestUnknownIsNotGone: after any part of the picture was lost, nothing is
// removed and no field is emptied.
func TestUnknownIsNotGone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		s := anySnapshot(t, 1)
		w.do(t, planOf(w, s))
		w.removes = both
		lost := *s
		lost.Complete = domain.Completeness{}
		lost.Replications, lost.BackupRoutines = domain.Known[[]domain.Replication]{}, domain.Known[[]domain.BackupRoutine]{}
		lost.Storages.Value = slices.Clone(s.Storages.Value)
		for i := range lost.Storages.Value {
			lost.Storages.Value[i].Backups = domain.Known[[]domain.Backup]{}
		}
		if rapid.Bool().Draw(t, "storages lost") {
			lost.Storages = domain.Known[[]domain.Storage]{}
		}
		lost.Guests = nil
		for i, g := range s.Guests {
			g.Snapshots = domain.Known[[]domain.GuestSnapshot]{}
			switch rapid.IntRange(0, 3).Draw(t, fmt.Sprint("lost", i)) {
			case 0:
				continue
			case 1:
				g.Config, g.Agent, g.Status, g.CPUs, g.MemoryBytes = domain.Known[domain.GuestConfig]{}, domain.Known[[]domain.GuestInterface]{}, "unknown", 0, 0
			case 2:
				g.Agent, g.Status = domain.Known[[]domain.GuestInterface]{}, "stopped"
			}
			lost.Guests = append(lost.Guests, g)
		}
		for i := range lost.Nodes {
			lost.Nodes[i].Interfaces, lost.Nodes[i].Tasks = domain.Known[[]domain.NodeInterface]{}, domain.Known[[]domain.Task]{}
		}
		for _, c := range planOf(w, &lost).Changes {
			if c.Op == plan.Delete {
				t.Errorf("removed on unknown: %s %s", c.Kind, c.Label)
			}
			if c.Set["status"] == "stale" {
				t.Errorf("stale on unknown: %s %s", c.Kind, c.Label)
			}
			for field, v := range c.Set {
				if domain.IsEmpty(v) {
					t.Errorf("emptied on unknown: %s %s %s", c.Kind, c.Label, field)
				}
			}
		}
	})
}
