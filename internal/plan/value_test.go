package plan_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"proxbox/internal/desire"
	"proxbox/internal/domain"
	"proxbox/internal/plan"
)

// change is one thing that happened since the last run, in Proxmox or by a
// person in NetBox, and what follows from it.
type change struct {
	name     string
	proxmox  func(s *domain.Snapshot)
	person   func(t *testing.T, w *world)
	writes   []string
	reported []string
}

// run makes each change to a NetBox that was in step.
func run(t *testing.T, changes []change) {
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			w := synced(t, small())
			s := small()
			if c.proxmox != nil {
				c.proxmox(s)
			}
			if c.person != nil {
				c.person(t, w)
			}
			w.check(t, c.writes, c.reported, s)
		})
	}
}

// TestChangesInProxmoxFollow: exactly what changed is written.
func TestChangesInProxmoxFollow(t *testing.T) {
	run(t, []change{
		{name: "nothing", proxmox: func(*domain.Snapshot) {}},
		{
			name: "stopped: its addresses are unknown, not gone",
			proxmox: func(s *domain.Snapshot) {
				s.Guests[0].Status, s.Guests[0].Agent = "stopped", domain.Known[[]domain.GuestInterface]{}
			},
			writes: []string{
				"~ virtualmachine qemu 100 (web) status active→offline",
				"~ sync-state of qemu 100 (web) proxmox_status running→stopped"},
		},
		{
			name:    "memory and processors",
			proxmox: func(s *domain.Snapshot) { s.Guests[0].CPUs, s.Guests[0].MemoryBytes = 4, 2<<30 },
			writes:  []string{"~ virtualmachine qemu 100 (web) memory 1024→2048 vcpus 2.00→4.00"},
		},
		{
			name: "a new disk and another size",
			proxmox: func(s *domain.Snapshot) {
				config(&s.Guests[0], func(c *domain.GuestConfig) {
					c.Disks = []domain.Disk{{Key: "scsi0", Storage: "local", SizeMB: 2048}, {Key: "scsi1", Storage: "local", SizeMB: 512}}
				})
			},
			writes: []string{
				"+ virtualdisk qemu 100 (web) scsi1", "+ sync-state of qemu 100 (web) scsi1",
				"~ virtualdisk qemu 100 (web) scsi0 size 1024→2048"},
		},
		{
			name:    "a dropped disk",
			proxmox: func(s *domain.Snapshot) { config(&s.Guests[0], func(c *domain.GuestConfig) { c.Disks = nil }) },
			writes:  []string{"- virtualdisk qemu 100 (web) scsi0"},
		},
		{
			name:    "its configuration could not be read: it keeps its parts",
			proxmox: func(s *domain.Snapshot) { s.Guests[0].Config = domain.Known[domain.GuestConfig]{} },
		},
		{
			name: "a status that says nothing downgrades nothing",
			proxmox: func(s *domain.Snapshot) {
				s.Guests[0].Status, s.Guests[0].CPUs, s.Guests[0].MemoryBytes = "unknown", 0, 0
			},
		},
		{
			name: "a NIC unplugged",
			proxmox: func(s *domain.Snapshot) {
				config(&s.Guests[0], func(c *domain.GuestConfig) { c.NICs[0].LinkDown = true })
			},
			writes: []string{"~ vminterface qemu 100 (web) net0 enabled true→false"},
		},
		{
			name: "a VLAN and a trunk",
			proxmox: func(s *domain.Snapshot) {
				config(&s.Guests[0], func(c *domain.GuestConfig) { c.NICs[0].VLAN, c.NICs[0].Trunks = 20, []int{30, 31} })
			},
			writes: []string{
				"+ vlan VLAN 20", "+ vlan VLAN 30", "+ vlan VLAN 31",
				"~ vminterface qemu 100 (web) net0 mode -→tagged tagged_vlans -→[VLAN 30 VLAN 31] untagged_vlan -→VLAN 20"},
		},
		{
			name: "another MAC: the primary one changes its value",
			proxmox: func(s *domain.Snapshot) {
				config(&s.Guests[0], func(c *domain.GuestConfig) { c.NICs[0].MAC = mac(7) })
				says(&s.Guests[0], "10.0.0.100/24")
			},
			writes: []string{
				"~ macaddress qemu 100 (web) net0 BC:24:11:00:00:07 mac_address BC:24:11:00:00:64→BC:24:11:00:00:07",
				"~ sync-state of qemu 100 (web) net0 10.0.0.100/24 proxmox_mac BC:24:11:00:00:64→BC:24:11:00:00:07"},
		},
		{
			name:    "the node is down",
			proxmox: func(s *domain.Snapshot) { s.Nodes[0].Online = false },
			writes:  []string{"~ device node pve1 status active→offline"},
		},
		{
			name: "moved to another node",
			proxmox: func(s *domain.Snapshot) {
				s.Nodes = append(s.Nodes, domain.Node{Name: "pve2", Online: true, SSLFingerprint: "bb"})
				s.Guests[0].Node = "pve2"
			},
			writes: []string{
				"+ device node pve2", "+ sync-state of node pve2",
				"~ virtualmachine qemu 100 (web) description Synced from Proxmox node pve1→Synced from Proxmox node pve2 device pve1→pve2",
				"~ sync-state of qemu 100 (web) proxmox_node_name pve1→pve2"},
		},
		{
			name:    "the cluster is renamed",
			proxmox: func(s *domain.Snapshot) { s.Cluster.Name = "attic" },
			writes: []string{
				"~ cluster cluster attic name lab→attic",
				"~ sync-state of cluster attic proxmox_cluster_name lab→attic",
				"~ sync-state of node pve1 proxmox_cluster_name lab→attic",
				"~ sync-state of qemu 100 (web) proxmox_cluster_name lab→attic"},
		},
	})
}

// TestThreeWay: name and tags of a guest are changed by Proxmox unless a person
// changed them since we last did (rules.md 2).
func TestThreeWay(t *testing.T) {
	renamed := func(s *domain.Snapshot) { s.Guests[0].Name = "www" }
	run(t, []change{
		{
			name: "renamed in Proxmox", proxmox: renamed,
			writes: []string{
				"~ virtualmachine qemu 100 (www) name web→www",
				"~ sync-state of qemu 100 (www) proxmox_vm_name web→www"},
		},
		{
			name:   "renamed by a person",
			person: func(t *testing.T, w *world) { w.set(t, domain.KindVirtualMachine, "web", "name", "shop") },
		},
		{
			name: "renamed by both: the person wins, and Proxmox's name is the new base", proxmox: renamed,
			person: func(t *testing.T, w *world) { w.set(t, domain.KindVirtualMachine, "web", "name", "shop") },
			writes: []string{"~ sync-state of qemu 100 (www) proxmox_vm_name web→www"},
		},
		{
			name: "without a base NetBox's name stays, and that is reported", proxmox: renamed,
			person:   func(t *testing.T, w *world) { w.set(t, domain.KindVMState, "web", "proxmox_vm_name", "") },
			writes:   []string{"~ sync-state of qemu 100 (www) proxmox_vm_name -→www"},
			reported: []string{"conflict qemu 100 (www) name"},
		},
		{
			name: "tags changed in Proxmox",
			proxmox: func(s *domain.Snapshot) {
				config(&s.Guests[0], func(c *domain.GuestConfig) { c.Tags = []string{"dev"} })
			},
			writes: []string{"+ tag tag dev", "~ virtualmachine qemu 100 (web) add_tags -→[dev] remove_tags -→[prod]",
				"~ sync-state of qemu 100 (web) proxmox_tags prod→dev"},
		},
		{
			name: "a tag that a person removed stays removed, one that a person added stays",
			person: func(t *testing.T, w *world) {
				vm := w.find(t, domain.KindVirtualMachine, "web")
				tags := domain.Refs{w.add(domain.KindTag, domain.Fields{"name": "mine", "slug": "mine"})}
				for _, r := range vm.Refs("tags") {
					if r != w.ref(t, domain.KindTag, "prod") {
						tags = append(tags, r)
					}
				}
				w.set(t, domain.KindVirtualMachine, "web", "tags", tags)
			},
		},
		{
			name: "without a base NetBox's tags stay, and that is reported",
			person: func(t *testing.T, w *world) {
				w.set(t, domain.KindVirtualMachine, "web", "tags", w.mark(t))
				w.set(t, domain.KindVMState, "web", "proxmox_tags", "")
				for r := range w.inv.Table(domain.KindVMState).Rows() {
					r.Fields["proxmox_vm_name"] = ""
				}
			},
			writes:   []string{"~ sync-state of qemu 100 (web) proxmox_tags -→prod proxmox_vm_name -→web"},
			reported: []string{"conflict qemu 100 (web) tags"},
		},
		{
			name:   "the mark comes back",
			person: func(t *testing.T, w *world) { w.set(t, domain.KindVirtualMachine, "web", "tags", domain.Refs(nil)) },
			writes: []string{"~ virtualmachine qemu 100 (web) add_tags -→[Proxbox]"},
		},
		{
			name: "a cluster that a person renamed keeps the name", proxmox: func(s *domain.Snapshot) { s.Cluster.Name = "attic" },
			person: func(t *testing.T, w *world) { w.set(t, domain.KindCluster, "lab", "name", "Berlin") },
			writes: []string{
				"~ sync-state of cluster attic proxmox_cluster_name lab→attic",
				"~ sync-state of node pve1 proxmox_cluster_name lab→attic",
				"~ sync-state of qemu 100 (web) proxmox_cluster_name lab→attic"},
		},
	})
}

// TestRoles: the plugin's row of the node, then that of the endpoint, names the
// role of guests; what a person chose since stays.
func TestRoles(t *testing.T) {
	endpoint, node := domain.At(domain.KindDeviceRole, 901), domain.At(domain.KindDeviceRole, 902)
	roles := func(t *testing.T, w *world) {
		for _, r := range []domain.Ref{endpoint, node} {
			w.inv.Table(r.Kind).Put(&domain.Row{ID: r.ID, Fields: domain.Fields{"name": fmt.Sprint("role ", r.ID), "slug": fmt.Sprint(r.ID)}})
		}
		w.find(t, domain.KindProxmoxEndpoint, "px").Fields["default_role_qemu"] = endpoint
	}
	base := "~ sync-state of qemu 100 (web) proxmox_last_synced_role_id -→role "
	run(t, []change{
		{
			name: "of the endpoint", person: roles,
			writes: []string{"~ virtualmachine qemu 100 (web) role -→role 901", base + "901"},
		},
		{
			name: "of the node",
			person: func(t *testing.T, w *world) {
				roles(t, w)
				w.find(t, domain.KindProxmoxNode, "pve1").Fields["default_role_qemu"] = node
			},
			writes: []string{"~ virtualmachine qemu 100 (web) role -→role 902", base + "902"},
		},
		{
			name: "a person chose another one, and nothing says since when",
			person: func(t *testing.T, w *world) {
				roles(t, w)
				w.set(t, domain.KindVirtualMachine, "web", "role", node)
			},
			writes:   []string{base + "901"},
			reported: []string{"conflict qemu 100 (web) role"},
		},
		{
			name: "a person chose another one since",
			person: func(t *testing.T, w *world) {
				roles(t, w)
				w.set(t, domain.KindVirtualMachine, "web", "role", node)
				w.set(t, domain.KindVMState, "web", "proxmox_last_synced_role_id", endpoint)
			},
		},
		{
			name: "the endpoint's changed since",
			person: func(t *testing.T, w *world) {
				roles(t, w)
				w.set(t, domain.KindVirtualMachine, "web", "role", node)
				w.set(t, domain.KindVMState, "web", "proxmox_last_synced_role_id", node)
			},
			writes: []string{"~ virtualmachine qemu 100 (web) role role 902→role 901",
				"~ sync-state of qemu 100 (web) proxmox_last_synced_role_id role 902→role 901"},
		},
	})
}

// TestOverwriteFlags: with its flag off a field is filled while it is empty,
// and a person's from then on.
func TestOverwriteFlags(t *testing.T) {
	w := synced(t, small())
	for _, field := range []string{"description", "platform"} {
		w.set(t, domain.KindVirtualMachine, "web", field, nil)
	}
	w.set(t, domain.KindDevice, "pve1", "status", "staged")
	w.set(t, domain.KindIPAddress, "10.0.0.100", "dns_name", "mine.example.org")
	w.set(t, domain.KindCluster, "lab", "tags", domain.Refs{w.add(domain.KindTag, domain.Fields{"name": "mine", "slug": "mine"})})
	s := small()
	s.Guests[0].Node, s.Guests[0].Hostname = "pve1", "web.example.org"
	d := desire.Build([]*domain.Snapshot{s}, everything)
	p := plan.Make(plan.Input{Objects: d.Objects, Whole: d.Whole, Inventory: w.inv, Owns: desire.Owns(func(string) bool { return false }), AddTags: true})
	want := []string{"~ virtualmachine qemu 100 (web) description -→Synced from Proxmox node pve1 platform -→Linux (kernel 2.6 or newer)"}
	if d := cmp.Diff(want, lines(p, w.inv)); d != "" {
		t.Error(d)
	}
}
