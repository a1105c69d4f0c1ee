package run_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"proxbox/internal/domain"
	"proxbox/internal/plan"
	"proxbox/internal/run"
	proxmoxsim "proxbox/internal/sim/proxmox"
)

// life is how objects of a kind come to be in Proxmox, change and vanish, and
// what a run then writes of them: "+" made, "~" changed, "-" removed, with the
// fields that change. What goes with its owner has no line of its own.
type life struct {
	kind                   domain.Kind
	about                  string // what of it, where a kind has several lines
	create, change, vanish func(e *proxmoxsim.Estate)
	made, changed, gone    string
	// unread makes what it is read from unreadable, while it is there.
	unread func(e *proxmoxsim.Estate)
}

// deny has a path answer that it is not allowed.
func deny(path string) func(e *proxmoxsim.Estate) {
	return func(e *proxmoxsim.Estate) { e.Deny(path, "VM.Audit") }
}

func guestDo(vmid int, do func(g *proxmoxsim.Guest)) func(e *proxmoxsim.Estate) {
	return func(e *proxmoxsim.Estate) { do(e.Guest(vmid)) }
}

func setOption(vmid int, option string, value any) func(e *proxmoxsim.Estate) {
	return guestDo(vmid, func(g *proxmoxsim.Guest) { g.Set(option, value) })
}

func unsetOption(vmid int, options ...string) func(e *proxmoxsim.Estate) {
	return guestDo(vmid, func(g *proxmoxsim.Guest) { g.Unset(options...) })
}

// network changes the rows of a node's network.
func network(do func(rows []proxmoxsim.Row) []proxmoxsim.Row) func(e *proxmoxsim.Estate) {
	return func(e *proxmoxsim.Estate) { e.Node("pve2").Network = do(slices.Clone(e.Node("pve2").Network)) }
}

func row(rows []proxmoxsim.Row, iface string) proxmoxsim.Row {
	return rows[slices.IndexFunc(rows, func(r proxmoxsim.Row) bool { return r["iface"] == iface })]
}

func addRow(r proxmoxsim.Row) func(e *proxmoxsim.Estate) {
	return network(func(rows []proxmoxsim.Row) []proxmoxsim.Row { return append(rows, r) })
}

func editRow(iface, field string, value any) func(e *proxmoxsim.Estate) {
	return network(func(rows []proxmoxsim.Row) []proxmoxsim.Row { row(rows, iface)[field] = value; return rows })
}

func dropRow(iface string) func(e *proxmoxsim.Estate) {
	return network(func(rows []proxmoxsim.Row) []proxmoxsim.Row {
		return slices.DeleteFunc(rows, func(r proxmoxsim.Row) bool { return r["iface"] == iface })
	})
}

// inside changes what the agent of guest 100 says of its interfaces.
func inside(do func(a *proxmoxsim.Agent)) func(e *proxmoxsim.Estate) {
	return guestDo(100, func(g *proxmoxsim.Guest) { do(g.Agent) })
}

func backups(do func(list []proxmoxsim.Backup) []proxmoxsim.Backup) func(e *proxmoxsim.Estate) {
	return func(e *proxmoxsim.Estate) { e.Storage("nas").Backups = do(slices.Clone(e.Storage("nas").Backups)) }
}

const (
	config100 = "/nodes/pve1/qemu/100/config"
	agent100  = "/nodes/pve1/qemu/100/agent/network-get-interfaces"
)

var lives = []life{
	{kind: domain.KindVirtualMachine, create: func(e *proxmoxsim.Estate) {
		g := *e.Guest(108)
		g.VMID, g.Node, g.Config = 999, "pve1", proxmoxsim.Row{"name": "fresh", "memory": "1024", "cores": 1}
		e.Guests = append(e.Guests, g)
	}, change: setOption(999, "memory", "2048"), vanish: func(e *proxmoxsim.Estate) { e.Remove(999) },
		made: "+", changed: "~ memory", gone: "~ add_tags status", unread: deny("/nodes/pve1/qemu/999/config")},
	{kind: domain.KindVMState, create: func(e *proxmoxsim.Estate) {
		g := *e.Guest(108)
		g.VMID, g.Node, g.Config = 999, "pve1", proxmoxsim.Row{"name": "fresh", "memory": "1024", "cores": 1}
		e.Guests = append(e.Guests, g)
	}, change: guestDo(999, func(g *proxmoxsim.Guest) { g.Stop() }), vanish: func(e *proxmoxsim.Estate) { e.Remove(999) },
		made: "+", changed: "~ proxmox_status", gone: "~ proxmox_status", unread: deny("/nodes/pve1/qemu/999/config")},
	{kind: domain.KindVirtualMachine, about: "pool", create: guestDo(100, func(g *proxmoxsim.Guest) { g.Pool = "shop" }),
		change: guestDo(100, func(g *proxmoxsim.Guest) { g.Pool = "lab" }), vanish: guestDo(100, func(g *proxmoxsim.Guest) { g.Pool = "" }),
		made: "~ cf_proxmox_pool", changed: "~ cf_proxmox_pool", gone: "~ cf_proxmox_pool"},
	{kind: domain.KindVirtualMachine, about: "HA state", create: guestDo(100, func(g *proxmoxsim.Guest) { g.HAState = "started" }),
		change: guestDo(100, func(g *proxmoxsim.Guest) { g.HAState = "error" }), vanish: guestDo(100, func(g *proxmoxsim.Guest) { g.HAState = "" }),
		made: "~ cf_proxmox_ha_state", changed: "~ cf_proxmox_ha_state", gone: "~ cf_proxmox_ha_state"},
	{kind: domain.KindVirtualMachine, about: "tags", create: setOption(100, "tags", "prod;web;new"), change: setOption(100, "tags", "prod;web;newer"), vanish: setOption(100, "tags", "prod;web"),
		made: "~ add_tags", changed: "~ add_tags remove_tags", gone: "~ remove_tags", unread: deny(config100)},
	{kind: domain.KindVirtualMachine, about: "start on boot", create: setOption(103, "onboot", 0), change: setOption(103, "onboot", 1), vanish: unsetOption(103, "onboot"),
		made: "~ start_on_boot", changed: "~ start_on_boot", gone: "~ start_on_boot", unread: deny("/nodes/pve1/qemu/103/config")},
	{kind: domain.KindVirtualMachine, about: "serial number", create: setOption(105, "smbios1", "serial=S1"), vanish: unsetOption(105, "smbios1"), made: "~ serial",
		unread: deny("/nodes/pve3/qemu/105/config")},
	{kind: domain.KindTag, create: setOption(100, "tags", "prod;web;new"), vanish: setOption(100, "tags", "prod;web"), made: "+", unread: deny(config100)},
	{kind: domain.KindVLAN, create: setOption(100, "net0", "virtio=BC:24:11:00:00:64,bridge=vmbr0,tag=77"), vanish: setOption(100, "net0", "virtio=BC:24:11:00:00:64,bridge=vmbr0"),
		made: "+", unread: deny(config100)},
	{kind: domain.KindVirtualDisk, create: setOption(100, "scsi9", "ceph:vm-100-disk-9,size=4G"), change: setOption(100, "scsi9", "ceph:vm-100-disk-9,size=6G"), vanish: unsetOption(100, "scsi9"),
		made: "+", changed: "~ size", gone: "-", unread: deny(config100)},
	{kind: domain.KindVirtualDiskState, create: setOption(100, "scsi9", "ceph:vm-100-disk-9,size=4G"), change: setOption(100, "scsi9", "local-lvm:vm-100-disk-9,size=4G"), vanish: unsetOption(100, "scsi9"),
		made: "+", changed: "~ proxbox_storage proxbox_storage_raw_value", unread: deny(config100)},
	{kind: domain.KindVMInterface, create: setOption(100, "net9", "virtio=BC:24:AA:00:00:09,bridge=vmbr0"), change: setOption(100, "net9", "virtio=BC:24:AA:00:00:09,bridge=vmbr0,link_down=1,mtu=1400"),
		vanish: unsetOption(100, "net9"), made: "+ ~ primary_mac_address", changed: "~ enabled mtu", gone: "-", unread: deny(config100)},
	{kind: domain.KindVMInterfaceState, create: setOption(100, "net9", "virtio=BC:24:AA:00:00:09,bridge=vmbr0"), change: setOption(100, "net9", "virtio=BC:24:AA:00:00:09,bridge=vmbr1"),
		vanish: unsetOption(100, "net9"), made: "+", changed: "~ proxbox_bridge proxbox_bridge_raw_value", unread: deny(config100)},
	{kind: domain.KindMACAddress, create: setOption(100, "net9", "virtio=BC:24:AA:00:00:09,bridge=vmbr0"), change: setOption(100, "net9", "virtio=BC:24:AA:00:00:0A,bridge=vmbr0"),
		vanish: unsetOption(100, "net9"), made: "+", changed: "~ mac_address", unread: deny(config100)},
	{kind: domain.KindIPAddress, create: inside(func(a *proxmoxsim.Agent) {
		a.Interfaces[1].Addresses = append(a.Interfaces[1].Addresses, proxmoxsim.AgentAddress{Address: "10.77.0.1", Type: "ipv4", Prefix: 24})
	}), change: inside(func(a *proxmoxsim.Agent) { a.Interfaces[1].Addresses[len(a.Interfaces[1].Addresses)-1].Prefix = 16 }),
		vanish: inside(func(a *proxmoxsim.Agent) {
			a.Interfaces[1].Addresses = a.Interfaces[1].Addresses[:len(a.Interfaces[1].Addresses)-1]
		}),
		made: "+", changed: "~ address", gone: "-", unread: deny(agent100)},
	{kind: domain.KindGuestInterface, create: inside(func(a *proxmoxsim.Agent) {
		a.Interfaces = append(a.Interfaces, proxmoxsim.AgentInterface{Name: "wg0", MAC: "02:00:00:00:00:01"})
	}), change: inside(func(a *proxmoxsim.Agent) { a.Interfaces[len(a.Interfaces)-1].MAC = "02:00:00:00:00:02" }),
		vanish: inside(func(a *proxmoxsim.Agent) { a.Interfaces = a.Interfaces[:len(a.Interfaces)-1] }),
		made:   "+", changed: "~ mac_address", gone: "-", unread: deny(agent100)},
	{kind: domain.KindGuestInterface, about: "renamed", create: inside(func(a *proxmoxsim.Agent) { a.Interfaces[1].Name = "ens18" }),
		change: inside(func(a *proxmoxsim.Agent) { a.Interfaces[1].Name = "br0" }), vanish: inside(func(a *proxmoxsim.Agent) { a.Interfaces[1].Name = "eth0" }),
		made: "~ vm_interface + -", changed: "~ vm_interface + -", gone: "~ vm_interface + -", unread: deny(agent100)},
	{kind: domain.KindGuestInterfaceAddr, create: inside(func(a *proxmoxsim.Agent) {
		a.Interfaces[1].Addresses = append(a.Interfaces[1].Addresses, proxmoxsim.AgentAddress{Address: "10.77.0.1", Type: "ipv4", Prefix: 24})
	}), vanish: inside(func(a *proxmoxsim.Agent) {
		a.Interfaces[1].Addresses = a.Interfaces[1].Addresses[:len(a.Interfaces[1].Addresses)-1]
	}),
		made: "+", gone: "-", unread: deny(agent100)},
	{kind: domain.KindCloudInit, create: setOption(100, "ciuser", "ann"), change: setOption(100, "ciuser", "bob"), vanish: unsetOption(100, "ciuser"),
		made: "+", changed: "~ ciuser", gone: "-", unread: deny(config100)},
	{kind: domain.KindDevice, create: func(e *proxmoxsim.Estate) {
		n := *e.Node("pve3")
		n.Name, n.IP, n.Fingerprint, n.Network, n.Tasks = "pve4", "192.0.2.14", "44:44", nil, nil
		e.Nodes = append(e.Nodes, n)
	}, change: func(e *proxmoxsim.Estate) { e.Node("pve4").Offline = true }, vanish: func(e *proxmoxsim.Estate) { e.Nodes = e.Nodes[:3] },
		made: "+", changed: "~ status", gone: "~ add_tags status", unread: deny("/nodes/pve4/network")},
	{kind: domain.KindInterface, create: addRow(proxmoxsim.Row{"iface": "vmbr7", "type": "bridge", "active": 1, "bridge_ports": "eno3"}),
		change: editRow("vmbr7", "mtu", "9000"), vanish: dropRow("vmbr7"), made: "+ ~ bridge", changed: "~ mtu", gone: "~ bridge -", unread: deny("/nodes/pve2/network")},
	{kind: domain.KindInterface, about: "a bond's members", create: addRow(proxmoxsim.Row{"iface": "bond7", "type": "bond", "active": 1, "slaves": "eno3"}),
		change: editRow("bond7", "slaves", ""), vanish: dropRow("bond7"), made: "+ ~ lag", changed: "~ lag", gone: "-", unread: deny("/nodes/pve2/network")},
	{kind: domain.KindInterface, about: "Open vSwitch", create: addRow(proxmoxsim.Row{"iface": "vmbr8", "type": "OVSBridge", "active": 1, "ovs_ports": "eno3 mgmt"}),
		change: addRow(proxmoxsim.Row{"iface": "mgmt", "type": "OVSIntPort", "active": 1, "ovs_bridge": "vmbr8", "ovs_tag": "20"}),
		vanish: dropRow("mgmt"), made: "+ ~ bridge", changed: "+ ~ bridge", gone: "-", unread: deny("/nodes/pve2/network")},
	{kind: domain.KindInterfaceState, create: addRow(proxmoxsim.Row{"iface": "vmbr7", "type": "bridge", "active": 1}), vanish: dropRow("vmbr7"), made: "+",
		unread: deny("/nodes/pve2/network")},
	{kind: domain.KindIPAddress, about: "of a node", create: addRow(proxmoxsim.Row{"iface": "vmbr7", "type": "bridge", "active": 1, "cidr": "10.88.0.2/24"}),
		change: editRow("vmbr7", "cidr", "10.88.0.2/16"), vanish: editRow("vmbr7", "cidr", ""), made: "+", changed: "~ address", gone: "-", unread: deny("/nodes/pve2/network")},
	{kind: domain.KindMACAddress, about: "of a node", create: editRow("eno3", "hwaddr", "3c:ec:ef:00:02:03"), change: editRow("eno3", "hwaddr", "3c:ec:ef:00:02:04"),
		made: "+", changed: "~ mac_address", unread: deny("/nodes/pve2/network")},
	{kind: domain.KindCluster, change: func(e *proxmoxsim.Estate) { e.Cluster = "attic" }, changed: "~ name", unread: deny("/cluster/status")},
	{kind: domain.KindClusterState, change: func(e *proxmoxsim.Estate) { e.Cluster = "attic" }, changed: "~ proxmox_cluster_name", unread: deny("/cluster/status")},
	{kind: domain.KindDeviceState, create: func(e *proxmoxsim.Estate) {
		n := *e.Node("pve3")
		n.Name, n.IP, n.Fingerprint, n.Network, n.Tasks = "pve4", "192.0.2.14", "44:44", nil, nil
		e.Nodes = append(e.Nodes, n)
	}, made: "+"},
	{kind: domain.KindProxmoxStorage, create: func(e *proxmoxsim.Estate) {
		e.Storages = append(e.Storages, proxmoxsim.Storage{Config: proxmoxsim.Row{"storage": "tank", "type": "zfspool", "content": "images", "pool": "tank"}})
	}, change: func(e *proxmoxsim.Estate) { e.Storage("tank").Config["content"] = "images,rootdir" },
		vanish: func(e *proxmoxsim.Estate) { e.Storages = e.Storages[:len(e.Storages)-1] },
		made:   "+", changed: "~ content raw_config", gone: "~ add_tags enabled", unread: deny("/storage")},
	{kind: domain.KindSnapshot, create: guestDo(100, func(g *proxmoxsim.Guest) {
		g.Snapshots = append(slices.Clone(g.Snapshots), proxmoxsim.GuestSnapshot{Name: "daily", Time: 1770000000})
	}), change: guestDo(100, func(g *proxmoxsim.Guest) { g.Snapshots[len(g.Snapshots)-1].Description = "kept" }),
		vanish: guestDo(100, func(g *proxmoxsim.Guest) { g.Snapshots = g.Snapshots[:len(g.Snapshots)-1] }),
		made:   "+", changed: "~ description", gone: "-", unread: deny("/nodes/pve1/qemu/100/snapshot")},
	{kind: domain.KindBackup, create: backups(func(list []proxmoxsim.Backup) []proxmoxsim.Backup {
		b := list[0]
		b.VolumeID, b.Created = "nas:backup/vzdump-qemu-100-2026_01_01-02_00_00.vma.zst", 1767225600
		return append(list, b)
	}), change: backups(func(list []proxmoxsim.Backup) []proxmoxsim.Backup {
		list[len(list)-1].Notes = "kept"
		return list
	}), vanish: backups(func(list []proxmoxsim.Backup) []proxmoxsim.Backup { return list[:len(list)-1] }),
		made: "+", changed: "~ notes", gone: "-", unread: deny("/nodes/pve1/storage/nas/content")},
	{kind: domain.KindTaskHistory, create: func(e *proxmoxsim.Estate) {
		e.Node("pve1").Tasks = append(slices.Clone(e.Node("pve1").Tasks), proxmoxsim.Row{"upid": "UPID:pve1:00001004:00010004:695C1234:qmstop:100:root@pam:", "node": "pve1",
			"pid": 4100, "pstart": 65540, "starttime": 1767642676, "type": "qmstop", "id": "100", "user": "root@pam"})
	}, change: func(e *proxmoxsim.Estate) {
		t := e.Node("pve1").Tasks[len(e.Node("pve1").Tasks)-1]
		t["endtime"], t["status"] = 1767642680, "WARNINGS: 1"
	}, vanish: func(e *proxmoxsim.Estate) { e.Node("pve1").Tasks = nil },
		made: "+", changed: "~ end_time exitstatus status task_state", unread: deny("/nodes/pve1/tasks")},
	{kind: domain.KindReplication, create: func(e *proxmoxsim.Estate) {
		e.Replications = append(e.Replications, proxmoxsim.Row{"id": "101-0", "type": "local", "guest": 101, "jobnum": 0, "source": "pve2", "target": "pve1"})
	}, change: func(e *proxmoxsim.Estate) { e.Replications[1]["schedule"] = "*/5" }, vanish: func(e *proxmoxsim.Estate) { e.Replications = e.Replications[:1] },
		made: "+", changed: "~ raw_config schedule", gone: "~ status", unread: deny("/cluster/replication")},
	{kind: domain.KindBackupRoutine, create: func(e *proxmoxsim.Estate) {
		e.BackupJobs = append(e.BackupJobs, proxmoxsim.Row{"id": "third", "enabled": 1, "all": 1, "schedule": "05:00", "storage": "nas", "prune-backups": proxmoxsim.Row{"keep-hourly": "6", "keep-daily": "2"}})
	}, change: func(e *proxmoxsim.Estate) {
		e.BackupJobs[2]["prune-backups"] = proxmoxsim.Row{"keep-hourly": "12", "keep-daily": "2"}
	},
		vanish: func(e *proxmoxsim.Estate) { e.BackupJobs = e.BackupJobs[:2] },
		made:   "+", changed: "~ raw_config", gone: "~ status", unread: deny("/cluster/backup")},
}

// shownWrites are what a run wrote of a kind, without doubles.
func shownWrites(res *run.Result, kind domain.Kind) string {
	sign := map[plan.Op]string{plan.Create: "+", plan.Update: "~", plan.Delete: "-"}
	var out []string
	for _, c := range res.Done {
		if c.Kind != kind {
			continue
		}
		if !slices.Contains(out, sign[c.Op]) && !(c.Op == plan.Update && slices.Contains(out, "+") && len(c.Set) == 1 && c.ID == 0) {
			out = append(out, sign[c.Op])
		}
		if c.Op != plan.Update {
			continue
		}
		var fields []string
		for f := range c.Set {
			if f != "proxmox_last_updated" && !slices.Contains(out, f) {
				fields = append(fields, f)
			}
		}
		slices.Sort(fields)
		out = append(out, fields...)
	}
	return strings.Join(out, " ")
}

// pluginRows makes what the plugin keeps itself of the demo, and of the node
// that comes to it.
func (s *site) pluginRows(t *testing.T) {
	t.Helper()
	seed := func(kind string, o map[string]any) int {
		ids, err := s.nb.Seed(kind, o)
		if err != nil {
			t.Fatal(err)
		}
		return ids[0]
	}
	cluster := seed("proxmox-clusters", map[string]any{"endpoint": 1, "name": "demo", "mode": "cluster"})
	for i := range 4 {
		seed("proxmox-nodes", map[string]any{"endpoint": 1, "proxmox_cluster": cluster, "name": fmt.Sprintf("pve%d", i+1), "node_id": i + 1,
			"ip_address": fmt.Sprintf("192.0.2.%d", 11+i)})
	}
}

// TestLives: each kind of object is made, changed, and removed or marked with
// what it stands for in Proxmox; what cannot be read is left as it is; and each
// time the next run writes nothing.
func TestLives(t *testing.T) {
	for _, l := range lives {
		t.Run(strings.TrimSpace(fmt.Sprintf("%s %s", l.kind, l.about)), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, 9, 0)
			s.pluginRows(t)
			s.setenv(t, orphans, "PROXBOX_TASK_HISTORY_DAYS=0", "PROXBOX_PROXMOX_MAX_RETRIES=0")
			ask := run.Ask{Query: url.Values{"delete_nonexistent_backup": {"true"}, "delete_nonexistent_snapshot": {"true"}}}
			s.sync(t, ask)
			step := func(name, want string, edit func(e *proxmoxsim.Estate)) {
				if edit == nil {
					return
				}
				s.pve.Change(edit)
				if got := shownWrites(s.sync(t, ask), l.kind); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
				if again := s.sync(t, ask); again.Created+again.Updated+again.Deleted != 0 {
					t.Errorf("%s, and again: %v", name, again.Done)
				}
			}
			unread := func(e *proxmoxsim.Estate) {
				e.Faults = nil
				l.unread(e)
			}
			step("made", l.made, l.create)
			if l.unread != nil {
				step("unread", "", unread)
				s.pve.Change(func(e *proxmoxsim.Estate) { e.Faults = nil })
			}
			step("changed", l.changed, l.change)
			step("gone", l.gone, l.vanish)
		})
	}
}
