//go:build e2e

package fullupdate

import (
	"fmt"
	"testing"

	"proxbox/internal/run"
	proxmoxsim "proxbox/internal/sim/proxmox"
	"proxbox/test/lab/netboxstate"
)

// TestLives: what guests tell of themselves, cloud-init, pools, HA and the
// networks of nodes are made, change, vanish and cannot be read, and the real
// NetBox and its plugin take each of the writes that follow.
func TestLives(t *testing.T) {
	f := newField(t, proxmoxsim.Demo(10))
	f.sync(t, run.Ask{})
	var got []string
	for _, step := range []struct {
		name string
		edit func(e *proxmoxsim.Estate)
	}{
		{"a guest renames its interface", func(e *proxmoxsim.Estate) { e.Guest(100).Agent.Interfaces[1].Name = "ens18" }},
		{"interfaces of a guest change their names with one another", func(e *proxmoxsim.Estate) {
			a := e.Guest(107).Agent.Interfaces
			a[1].Name, a[2].Name = a[2].Name, a[1].Name
		}},
		{"an address moves to another NIC of its guest", func(e *proxmoxsim.Estate) {
			a := e.Guest(107).Agent.Interfaces
			a[2].Addresses, a[1].Addresses = a[1].Addresses, nil
		}},
		{"a guest has a hundred interfaces more, and cloud-init another user", func(e *proxmoxsim.Estate) {
			a := e.Guest(103).Agent
			for i := range 100 {
				a.Interfaces = append(a.Interfaces, proxmoxsim.AgentInterface{Name: fmt.Sprintf("vrrp.%d", 100+i), MAC: fmt.Sprintf("00:00:5e:00:01:%02x", i)})
			}
			e.Guest(101).Set("ciuser", "root")
		}},
		{"it loses them, and cloud-init is told nothing any more", func(e *proxmoxsim.Estate) {
			a := e.Guest(103).Agent
			a.Interfaces = a.Interfaces[:len(a.Interfaces)-100]
			e.Guest(101).Unset("ciuser", "sshkeys", "ipconfig0", "ide2")
		}},
		{"a guest comes into a pool, and under HA", func(e *proxmoxsim.Estate) { e.Guest(101).Pool, e.Guest(101).HAState = "web", "started" }},
		{"it leaves both", func(e *proxmoxsim.Estate) { e.Guest(101).Pool, e.Guest(101).HAState = "", "" }},
		{"a node changes to Open vSwitch", func(e *proxmoxsim.Estate) {
			e.Node("pve3").Network = []proxmoxsim.Row{
				{"iface": "eno1", "type": "eth", "active": 1, "exists": 1, "hwaddr": "3c:ec:ef:00:03:01"},
				{"iface": "eno2", "type": "OVSPort", "active": 1, "exists": 1, "ovs_bridge": "vmbr0", "ovs_type": "OVSPort"},
				{"iface": "eno3", "type": "eth", "exists": nil},
				{"iface": "bond0", "type": "OVSBond", "active": 1, "autostart": 1, "ovs_bonds": "eno1 eno3", "ovs_bridge": "vmbr0", "bond_mode": "balance-slb"},
				{"iface": "mgmt", "type": "OVSIntPort", "active": 1, "autostart": 1, "ovs_bridge": "vmbr0", "ovs_tag": "7", "cidr": "192.0.2.13/24", "address": "192.0.2.13", "netmask": "24"},
				{"iface": "vmbr0", "type": "OVSBridge", "active": 1, "autostart": 1, "ovs_ports": "bond0 mgmt eno2"},
				{"iface": "vlan30", "type": "vlan", "active": 1, "autostart": 1, "vlan-raw-device": "eno2", "mtu": "1400"},
			}
		}},
		{"its network cannot be read, nor the cluster's status", func(e *proxmoxsim.Estate) {
			e.Deny("/nodes/pve3/network", "Sys.Audit")
			e.Deny("/cluster/status", "Sys.Audit")
		}},
		{"both can again, and it has no VLAN interface any more", func(e *proxmoxsim.Estate) {
			e.Faults = nil
			e.Node("pve3").Network = e.Node("pve3").Network[:6]
		}},
	} {
		f.pve.Change(t, step.edit)
		before := f.LastChange(t)
		res := f.sync(t, run.Ask{})
		got = append(got, "# "+step.name)
		for _, r := range res.Reports {
			got = append(got, fmt.Sprintf("  %s %s: %s", r.Outcome, r.Label, r.Reason))
		}
		got = append(got, netboxstate.Written(t, f.Changes(t, before))...)
	}
	f.noWrites(t, "after all changes")
	netboxstate.Golden(t, "lives", got)
}
