//go:build e2e

package fullupdate

import (
	"fmt"
	"testing"

	"proxbox/internal/run"
	proxmoxsim "proxbox/internal/sim/proxmox"
	"proxbox/test/lab/netboxstate"
)

// TestChanges: each way in which a guest changes is followed by exactly the
// writes that it needs, and then by none.
func TestChanges(t *testing.T) {
	f := newField(t, proxmoxsim.Demo(30))
	f.sync(t, run.Ask{})
	var got []string
	for _, step := range []struct {
		name string
		edit func(e *proxmoxsim.Estate)
	}{
		{"a guest is renamed", func(e *proxmoxsim.Estate) { e.Guest(100).Rename("shop-01") }},
		{"a guest moves to another node", func(e *proxmoxsim.Estate) { e.Guest(101).Move("pve3") }},
		{"a guest gets a NIC", func(e *proxmoxsim.Estate) { e.Guest(108).Add("net", "virtio=BC:24:AA:00:00:01,bridge=vmbr1,tag=77") }},
		{"a guest loses a NIC", func(e *proxmoxsim.Estate) { e.Guest(123).Unset("net5") }},
		{"a guest loses a disk", func(e *proxmoxsim.Estate) { e.Guest(102).Unset("virtio15") }},
		{"a disk grows", func(e *proxmoxsim.Estate) { e.Guest(108).Set("scsi0", "local-lvm:vm-108-disk-0,size=24G") }},
		{"a guest gets another address", func(e *proxmoxsim.Estate) { e.Guest(112).Readdress("10.10.0.14/24", "10.10.9.14/24") }},
		{"a guest's NIC is replaced", func(e *proxmoxsim.Estate) { e.Guest(105).Set("net0", "rtl8139=BC:24:AA:00:00:02,bridge=vmbr0") }},
		{"a guest stops", func(e *proxmoxsim.Estate) { e.Guest(100).Stop() }},
		{"a stopped guest starts", func(e *proxmoxsim.Estate) { e.Guest(100).Start() }},
		{"an agent falls silent", func(e *proxmoxsim.Estate) { e.Guest(106).Agent = nil }},
		{"a guest gets more memory and CPUs", func(e *proxmoxsim.Estate) { e.Guest(107).Set("memory", "4096"); e.Guest(107).Set("cores", 6) }},
		{"a guest's tags change", func(e *proxmoxsim.Estate) { e.Guest(101).Set("tags", "web;new") }},
		{"an address moves from one guest to another", func(e *proxmoxsim.Estate) {
			e.Guest(120).Readdress("10.10.0.22/24", "10.10.9.22/24")
			e.Guest(124).Readdress("10.10.0.26/24", "10.10.0.22/24")
		}},
		{"a node goes down", func(e *proxmoxsim.Estate) { e.Node("pve2").Offline = true }},
		{"the node comes back", func(e *proxmoxsim.Estate) { e.Node("pve2").Offline = false }},
		{"a guest is removed", func(e *proxmoxsim.Estate) { e.Remove(121) }},
		{"a guest is made", func(e *proxmoxsim.Estate) {
			g := *e.Guest(108)
			g.VMID, g.Config = 999, proxmoxsim.Row{"name": "fresh", "memory": "1024", "cores": 1, "net0": "virtio=BC:24:AA:00:00:03,bridge=vmbr0", "scsi0": "local-lvm:vm-999-disk-0,size=4G"}
			e.Guests = append(e.Guests, g)
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
	netboxstate.Golden(t, "changes", got)
}
