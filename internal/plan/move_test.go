package plan_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"proxbox/internal/domain"
	"proxbox/internal/plan"
)

// identities are what NetBox has of the VMs of a uuid: id, cluster, vmid.
func (w *world) identities(uuid string) []string {
	var out []string
	for r := range w.inv.Table(domain.KindVirtualMachine).Rows() {
		if r.Text("cf_proxmox_uuid") != uuid {
			continue
		}
		for st := range w.inv.Table(domain.KindVMState).Rows() {
			if st.Ref("virtual_machine").ID == r.ID {
				out = append(out, fmt.Sprintf("%s %d on %s", w.inv.Row(r.Ref("cluster")).Text("name"), st.Int("proxmox_vm_id"), st.Text("proxmox_node_name")))
			}
		}
	}
	return out
}

// annex is a second cluster, with two guests of its own.
func annex() *domain.Snapshot {
	s := dozen()
	s.Endpoint = domain.ProxmoxEndpoint{ID: 2, Name: "annex (nb:2)", Domain: "annex.example.org", Port: 8006}
	s.Cluster.Name = "annex"
	s.Nodes = []domain.Node{{Name: "node1", Online: true, SSLFingerprint: "zz"}}
	s.Guests = s.Guests[:2]
	for i := range s.Guests {
		g := &s.Guests[i]
		g.Name, g.Node = fmt.Sprintf("annex%d", i), "node1"
		config(g, func(c *domain.GuestConfig) {
			c.Name, c.UUID, c.CreatedAt = g.Name, fmt.Sprintf("annex-%d", i), int64(9000+i)
			c.NICs[0].MAC = mac(500 + i)
		})
		says(g, fmt.Sprintf("10.0.2.%d/24", i+1))
	}
	return s
}

// move takes a guest out of one cluster and puts it into another, or into the
// same one under another vmid.
func move(from, to *domain.Snapshot, vmid, newID int, node string) {
	i := slices.IndexFunc(from.Guests, func(g domain.Guest) bool { return g.VMID == vmid })
	g := from.Guests[i]
	dropGuest(from, vmid)
	g.VMID, g.Node = newID, node
	to.Guests = append(to.Guests, g)
	slices.SortFunc(to.Guests, func(a, b domain.Guest) int { return a.VMID - b.VMID })
}

// TestMoves: a guest that is elsewhere is the same object only when its old
// place was read whole and does not have it, and nothing else has its uuid.
func TestMoves(t *testing.T) {
	for _, c := range []struct {
		name     string
		edit     func(lab, annex *domain.Snapshot)
		person   func(t *testing.T, w *world)
		alone    bool // only the new place is read
		has      []string
		vms      int
		reported []string
	}{
		{name: "to another cluster", edit: func(l, a *domain.Snapshot) { move(l, a, 105, 205, "node1") }, has: []string{"annex 205 on node1"}, vms: 14},
		{name: "to another cluster, with its vmid", edit: func(l, a *domain.Snapshot) { move(l, a, 105, 105, "node1") }, has: []string{"annex 105 on node1"}, vms: 14},
		{name: "to another vmid", edit: func(l, _ *domain.Snapshot) { move(l, l, 105, 300, "pve2") }, has: []string{"lab 300 on pve2"}, vms: 14},
		{
			name: "to a cluster where its name is taken",
			edit: func(l, a *domain.Snapshot) {
				move(l, a, 105, 205, "node1")
				for i := range a.Guests {
					a.Guests[i].Name = "guest5"
					config(&a.Guests[i], func(c *domain.GuestConfig) { c.Name = "guest5" })
				}
			},
			has: []string{"annex 205 on node1"}, vms: 14,
		},
		{
			name: "its old place was not read", edit: func(l, a *domain.Snapshot) { move(l, a, 105, 205, "node1") }, alone: true,
			has: []string{"lab 105 on pve1", "annex 205 on node1"}, vms: 15, reported: []string{"conflict qemu 205 (guest5) cf_proxmox_uuid", "conflict qemu 205 (guest5) net0 10.0.0.105/24 address"},
		},
		{
			name: "its old place was not read whole",
			edit: func(l, a *domain.Snapshot) { move(l, a, 105, 205, "node1"); l.Complete.Guests = false },
			has:  []string{"lab 105 on pve1", "annex 205 on node1"}, vms: 15, reported: []string{"conflict qemu 205 (guest5) cf_proxmox_uuid", "conflict qemu 205 (guest5) net0 10.0.0.105/24 address"},
		},
		{
			name: "its old place has it still: a copy",
			edit: func(l, a *domain.Snapshot) {
				g := l.Guests[5]
				move(l, a, 105, 205, "node1")
				l.Guests = append(l.Guests, g)
			},
			has: []string{"lab 105 on pve1", "annex 205 on node1"}, vms: 15,
			reported: []string{"conflict qemu 205 (guest5) cf_proxmox_uuid", "conflict qemu 205 (guest5) net0 10.0.0.105/24 address"},
		},
		{
			name: "two objects have its uuid",
			edit: func(l, a *domain.Snapshot) { move(l, a, 105, 205, "node1") },
			person: func(t *testing.T, w *world) {
				w.set(t, domain.KindVirtualMachine, "annex1", "cf_proxmox_uuid", "uuid-5")
			},
			has: []string{"lab 105 on pve1", "annex 205 on node1"}, vms: 15, reported: []string{"conflict qemu 205 (guest5) cf_proxmox_uuid"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			lab, other := dozen(), annex()
			w := synced(t, lab, other)
			c.edit(lab, other)
			if c.person != nil {
				c.person(t, w)
			}
			snaps := []*domain.Snapshot{lab, other}
			if c.alone {
				snaps = snaps[1:]
			}
			before := w.inv.Table(domain.KindVMInterface).Len()
			p := planOf(w, snaps...)
			if got := told(p); !slices.Equal(got, c.reported) {
				t.Errorf("reported %v, want %v", got, c.reported)
			}
			w.do(t, p)
			if got := w.identities("uuid-5"); !slices.Equal(got, c.has) {
				t.Errorf("NetBox has %v, want %v", got, c.has)
			}
			if n := w.inv.Table(domain.KindVirtualMachine).Len(); n != c.vms {
				t.Errorf("%d virtual machines, want %d", n, c.vms)
			}
			if n := w.inv.Table(domain.KindVMInterface).Len(); n-before != c.vms-14 {
				t.Errorf("%d interfaces, and %d before", n, before)
			}
			if p := planOf(w, snaps...); len(p.Changes) > 0 {
				t.Errorf("a second run would write: %v", lines(p, w.inv))
			}
		})
	}
}

// TestVMIDUsedAgain: another uuid and another moment of being made, all four
// known, make another guest; anything less is the same one.
func TestVMIDUsedAgain(t *testing.T) {
	again := func(change func(*domain.GuestConfig)) func(*domain.Snapshot) {
		return func(s *domain.Snapshot) { config(&s.Guests[5], change) }
	}
	both := again(func(c *domain.GuestConfig) { c.UUID, c.CreatedAt = "new", 5000 })
	for _, c := range []struct {
		name    string
		proxmox func(*domain.Snapshot)
		person  func(t *testing.T, w *world)
		another bool
	}{
		{name: "both are others", proxmox: both, another: true},
		{name: "another uuid alone", proxmox: again(func(c *domain.GuestConfig) { c.UUID = "new" })},
		{name: "another moment alone", proxmox: again(func(c *domain.GuestConfig) { c.CreatedAt = 5000 })},
		{name: "its moment is not known", proxmox: again(func(c *domain.GuestConfig) { c.UUID, c.CreatedAt = "new", 0 })},
		{name: "its configuration was not read", proxmox: func(s *domain.Snapshot) { s.Guests[5].Config = domain.Known[domain.GuestConfig]{} }},
		{name: "NetBox does not know the moment", proxmox: both, person: func(t *testing.T, w *world) {
			w.set(t, domain.KindVirtualMachine, "guest5", "cf_proxmox_created_at", nil)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := synced(t, dozen())
			s := dozen()
			c.proxmox(s)
			if c.person != nil {
				c.person(t, w)
			}
			old := w.ref(t, domain.KindVirtualMachine, "guest5")
			p := planOf(w, s) // nobody asked for orphans to be marked
			w.do(t, p)
			vms, status := w.inv.Table(domain.KindVirtualMachine).Len(), w.inv.Row(old).Text("status")
			if c.another && (vms != 13 || status != "decommissioning") || !c.another && (vms != 12 || status != "active") {
				t.Errorf("%d virtual machines, the old one is %s: %v", vms, status, lines(p, w.inv))
			}
			if len(p.Reports) > 0 {
				t.Errorf("reported %v", told(p))
			}
			if p := planOf(w, s); len(p.Changes) > 0 {
				t.Errorf("a second run would write: %v", lines(p, w.inv))
			}
			if !c.another {
				return
			}
			// While its configuration cannot be read it is the one that is there.
			s.Guests[5].Config, s.Guests[5].Agent = domain.Known[domain.GuestConfig]{}, domain.Known[[]domain.GuestInterface]{}
			if p := planOf(w, s); len(p.Changes) > 0 {
				t.Errorf("unread, a run would write: %v", lines(p, w.inv))
			}
			// Restored from a backup of the old one, it is the old one.
			p = planOf(w, dozen())
			w.do(t, p)
			if row := w.inv.Row(old); row.Text("status") != "active" {
				t.Errorf("restored, the old one is %s: %v", row.Text("status"), lines(p, w.inv))
			}
			if n := p.Counts()[domain.KindVirtualMachine][plan.Create]; n != 0 {
				t.Errorf("restored, %d are made", n)
			}
		})
	}
}

// TestAnyMoves: however guests are shuffled between the places of two clusters
// that are read whole, each keeps its object, and none is made twice.
func TestAnyMoves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lab, other := dozen(), annex()
		w := newWorld()
		w.plugin(lab)
		w.plugin(other)
		w.gone = goneRules{mark: true, override: true}
		w.do(t, planOf(w, lab, other))
		objects := map[string]int{}
		for r := range w.inv.Table(domain.KindVirtualMachine).Rows() {
			objects[r.Text("cf_proxmox_uuid")] = r.ID
		}
		guests := append(slices.Clone(lab.Guests), other.Guests...)
		vmids := rapid.SliceOfNDistinct(rapid.IntRange(95, 120), len(guests), len(guests), rapid.ID).Draw(t, "vmids")
		lab.Guests, other.Guests = nil, nil
		for i, g := range guests {
			if rapid.IntRange(0, 3).Draw(t, "moves") > 0 {
				g.VMID = vmids[i]
			}
			to, node := lab, "pve1"
			if rapid.Bool().Draw(t, "elsewhere") {
				to, node = other, "node1"
			}
			if slices.ContainsFunc(to.Guests, func(o domain.Guest) bool { return o.VMID == g.VMID }) {
				g.VMID = 200 + i
			}
			g.Node = node
			to.Guests = append(to.Guests, g)
		}
		w.do(t, planOf(w, lab, other))
		for _, g := range guests {
			uuid := g.Config.Value.UUID
			if got := w.identities(uuid); len(got) != 1 {
				t.Errorf("the guest %s is %v", uuid, got)
			}
		}
		for r := range w.inv.Table(domain.KindVirtualMachine).Rows() {
			if objects[r.Text("cf_proxmox_uuid")] != r.ID || r.Text("status") != "active" {
				t.Errorf("%s of %s is a new object, or is %s", r.Text("name"), r.Text("cf_proxmox_uuid"), r.Text("status"))
			}
		}
		if p := planOf(w, lab, other); len(p.Changes) > 0 {
			t.Errorf("a second run would write: %v", lines(p, w.inv))
		}
	})
}
