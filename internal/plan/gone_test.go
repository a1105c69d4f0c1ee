package plan_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"proxbox/internal/desire"
	"proxbox/internal/domain"
	"proxbox/internal/plan"
)

// goneRules are what a run is told about things that are gone, and what nodes
// answer who are asked for a guest's configuration.
type goneRules struct {
	mark     bool
	override bool
	expired  string
	there    map[int]string // vmid: why it may be there
}

// make plans, and plans again with what the nodes say.
func (g goneRules) make(in plan.Input, d *desire.Desired) *plan.Plan {
	in.OverrideFuse = g.override
	in.Things = plan.Things{Present: d.Present, Mark: g.mark, Tag: desire.SoftDeleted(), Expired: g.expired}
	p := plan.Make(in)
	if len(p.Vanished) == 0 {
		return p
	}
	in.Things.Confirmed = map[domain.Ref]string{}
	for _, v := range p.Vanished {
		in.Things.Confirmed[v.Ref] = g.there[v.VMID]
	}
	return plan.Make(in)
}

// dozen is a cluster of two nodes with twelve guests and two storages.
func dozen() *domain.Snapshot {
	s := small()
	s.Nodes = append(s.Nodes, domain.Node{Name: "pve2", Online: true, SSLFingerprint: "ab"})
	s.Storages = domain.Is([]domain.Storage{{Name: "local", Type: "dir", Enabled: true}, {Name: "tank", Type: "zfspool", Enabled: true}})
	s.Complete = domain.Completeness{Guests: true, Nodes: true, Storages: true}
	s.Guests = nil
	for i := range 12 {
		g := web(100 + i)
		g.Name = fmt.Sprintf("guest%d", i)
		config(&g, func(c *domain.GuestConfig) {
			c.Name, c.UUID, c.CreatedAt = g.Name, fmt.Sprintf("uuid-%d", i), int64(1000+i)
		})
		s.Guests = append(s.Guests, g)
	}
	return s
}

func dropGuest(s *domain.Snapshot, vmids ...int) {
	s.Guests = slices.DeleteFunc(slices.Clone(s.Guests), func(g domain.Guest) bool { return slices.Contains(vmids, g.VMID) })
}

// noticed are the notices of a plan, by what they are about.
func noticed(p *plan.Plan) []string {
	var out []string
	for _, n := range p.Notices {
		out = append(out, n.What)
	}
	return out
}

// TestGoneThings: what a whole reading does not have is marked when that is
// asked for, and only noticed otherwise; what is not known to be gone stays.
func TestGoneThings(t *testing.T) {
	without := func(vmids ...int) func(*domain.Snapshot) {
		return func(s *domain.Snapshot) { dropGuest(s, vmids...) }
	}
	marked := func(vmid int) []string {
		label := fmt.Sprintf("qemu %d (guest%d)", vmid, vmid-100)
		return []string{"~ virtualmachine " + label + " add_tags -→[Proxbox: Soft-deleted VM] status active→decommissioning",
			"~ sync-state of " + label + " proxmox_status running→gone"}
	}
	const tag = "+ tag tag proxbox-soft-deleted"
	for _, c := range []struct {
		name     string
		proxmox  func(s *domain.Snapshot)
		person   func(t *testing.T, w *world)
		rules    goneRules
		writes   []string
		reported []string
		noticed  []string
	}{
		{name: "a guest, and nobody asked for it", proxmox: without(103), noticed: []string{"guests of lab"}},
		{name: "a guest", proxmox: without(103), rules: goneRules{mark: true}, writes: append(marked(103), tag)},
		{name: "a guest whose node has its configuration", proxmox: without(103), rules: goneRules{mark: true, there: map[int]string{103: "403"}},
			noticed: []string{"qemu 103 (guest3)"}},
		{name: "some guests may be hidden", proxmox: func(s *domain.Snapshot) { dropGuest(s, 103); s.Complete.Guests = false }, rules: goneRules{mark: true}},
		{name: "more than the fuse allows", proxmox: without(103, 104), rules: goneRules{mark: true}, reported: []string{"conflict 2 of 12"}},
		{name: "more, and the fuse is overridden", proxmox: without(103, 104), rules: goneRules{mark: true, override: true},
			writes: slices.Concat(marked(103), marked(104), []string{tag})},
		{name: "Proxmox lists no guest at all", proxmox: func(s *domain.Snapshot) { s.Guests = nil }, rules: goneRules{mark: true}, reported: []string{"conflict 12 of 12"}},
		{name: "a node", proxmox: func(s *domain.Snapshot) { s.Nodes = s.Nodes[:1] }, rules: goneRules{mark: true},
			writes: []string{"~ device node pve2 add_tags -→[Proxbox: Soft-deleted VM] status active→decommissioning", tag}},
		{name: "a node, and the cluster has no quorum", proxmox: func(s *domain.Snapshot) { s.Nodes, s.Complete.Nodes = s.Nodes[:1], false }, rules: goneRules{mark: true}},
		{name: "a storage", proxmox: func(s *domain.Snapshot) { s.Storages.Value = s.Storages.Value[:1] }, rules: goneRules{mark: true},
			writes: []string{"~ proxmoxstorage storage tank add_tags -→[Proxbox: Soft-deleted VM] enabled true→false", tag}},
		{name: "a storage, and storages were not read", proxmox: func(s *domain.Snapshot) {
			s.Storages, s.Complete.Storages = domain.Known[[]domain.Storage]{}, false
		}, rules: goneRules{mark: true}},
		{name: "a VM that names no endpoint of ours", proxmox: without(103), rules: goneRules{mark: true}, person: func(t *testing.T, w *world) {
			w.set(t, domain.KindVMState, "guest3", "endpoint", domain.At(domain.KindProxmoxEndpoint, 77))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := synced(t, dozen())
			s := dozen()
			c.proxmox(s)
			if c.person != nil {
				c.person(t, w)
			}
			w.gone = c.rules
			p := planOf(w, s)
			if got := noticed(p); !slices.Equal(got, c.noticed) {
				t.Errorf("noticed %v, want %v", got, c.noticed)
			}
			w.check(t, c.writes, c.reported, s)
		})
	}
}

// TestGoneAndBack: what is there again is as it was, and what a person decided
// about the mark stays.
func TestGoneAndBack(t *testing.T) {
	w := synced(t, dozen())
	before := fmt.Sprint(w.find(t, domain.KindVirtualMachine, "guest3").Fields)
	w.gone.mark = true
	s := dozen()
	dropGuest(s, 103)
	w.do(t, planOf(w, s))
	if n := w.inv.Table(domain.KindVirtualMachine).Len(); n != 12 {
		t.Fatalf("%d virtual machines", n)
	}
	// Once marked, it neither counts for the fuse again nor is written again.
	dropGuest(s, 104)
	w.do(t, planOf(w, s))
	if p := planOf(w, s); len(p.Changes)+len(p.Reports) > 0 {
		t.Errorf("planned again: %v %v", lines(p, w.inv), told(p))
	}
	w.set(t, domain.KindVirtualMachine, "guest4", "tags", w.mark(t))
	w.set(t, domain.KindVirtualMachine, "guest4", "status", "planned")
	if p := planOf(w, s); len(p.Changes) > 0 {
		t.Errorf("a person took the mark away, and %v is planned", lines(p, w.inv))
	}
	w.do(t, planOf(w, dozen()))
	if after := fmt.Sprint(w.find(t, domain.KindVirtualMachine, "guest3").Fields); after != before {
		t.Errorf("back again it is\n%s, and was\n%s", after, before)
	}
	if p := planOf(w, dozen()); len(p.Changes) > 0 {
		t.Errorf("a second run would write: %v", lines(p, w.inv))
	}
}

// TestGoneIsRemovedLater, with what belongs to it, and not while somebody has a
// use for it.
func TestGoneIsRemovedLater(t *testing.T) {
	gone := func(t *testing.T) (*world, *domain.Snapshot) {
		w := synced(t, dozen())
		w.gone.mark = true
		s := dozen()
		dropGuest(s, 103)
		w.do(t, planOf(w, s))
		return w, s
	}
	const removal = "- virtualmachine qemu 103 (guest3)"
	for _, c := range []struct {
		name     string
		expired  string
		person   func(t *testing.T, w *world)
		writes   []string
		reported []string
	}{
		{name: "never, unless it is asked for"},
		{name: "not before its time", expired: "2025-12-31T23:59:59Z"},
		{name: "when its time is over", expired: "2026-01-01T00:00:00Z", writes: []string{removal}},
		{name: "a person took the tag away", expired: "2026-02-01T00:00:00Z", person: func(t *testing.T, w *world) {
			w.set(t, domain.KindVirtualMachine, "guest3", "tags", w.mark(t))
		}},
		{name: "a person gave it a tag", expired: "2026-02-01T00:00:00Z", person: func(t *testing.T, w *world) {
			tag := w.add(domain.KindTag, domain.Fields{"name": "audit", "slug": "audit"})
			w.set(t, domain.KindVirtualMachine, "guest3", "tags", append(slices.Clone(w.find(t, domain.KindVirtualMachine, "guest3").Refs("tags")), tag))
		}, reported: []string{"conflict qemu 103 (guest3)"}},
		{name: "a person's interface is on it", expired: "2026-02-01T00:00:00Z", person: func(t *testing.T, w *world) {
			w.add(domain.KindVMInterface, domain.Fields{"name": "wg0", "virtual_machine": w.ref(t, domain.KindVirtualMachine, "guest3")})
		}, reported: []string{"conflict qemu 103 (guest3)"}},
		{name: "its address is behind NAT", expired: "2026-02-01T00:00:00Z", person: func(t *testing.T, w *world) {
			w.add(domain.KindIPAddress, domain.Fields{"address": "198.51.100.1/32", "nat_inside": w.ref(t, domain.KindIPAddress, "10.0.0.103")})
		}, reported: []string{"conflict qemu 103 (guest3)"}},
		{name: "a person filled it in", expired: "2026-02-01T00:00:00Z", person: func(t *testing.T, w *world) {
			w.keep = map[domain.Ref]string{w.ref(t, domain.KindVirtualMachine, "guest3"): "its field comments is filled in"}
		}, reported: []string{"conflict qemu 103 (guest3)"}},
		{name: "a person filled its address in", expired: "2026-02-01T00:00:00Z", person: func(t *testing.T, w *world) {
			w.keep = map[domain.Ref]string{w.ref(t, domain.KindIPAddress, "10.0.0.103"): "a service listens at it"}
		}, reported: []string{"conflict qemu 103 (guest3)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, s := gone(t)
			if c.person != nil {
				c.person(t, w)
			}
			w.gone.expired = c.expired
			w.check(t, c.writes, c.reported, s)
		})
	}
}

// TestGoneGuestIsUnlinked: the rows of its own view that protect its addresses
// go with the mark, so that a person can remove it.
func TestGoneGuestIsUnlinked(t *testing.T) {
	w := synced(t, dozen())
	for _, k := range []domain.Kind{domain.KindGuestInterface, domain.KindGuestInterfaceAddr} {
		w.inv.Set(domain.NewTable(k))
	}
	view := w.add(domain.KindGuestInterface, domain.Fields{"name": "eth0", "virtual_machine": w.ref(t, domain.KindVirtualMachine, "guest3")})
	w.add(domain.KindGuestInterfaceAddr, domain.Fields{"guest_interface": view, "ip_address": w.ref(t, domain.KindIPAddress, "10.0.0.103")})
	s := dozen()
	dropGuest(s, 103)
	w.gone.mark = true
	p := planOf(w, s)
	if n := p.Counts()[domain.KindGuestInterfaceAddr][plan.Delete]; n != 1 {
		t.Errorf("%d links are removed: %v", n, lines(p, w.inv))
	}
	if n := p.Counts()[domain.KindIPAddress][plan.Delete]; n != 0 {
		t.Errorf("%d addresses are removed", n)
	}
	w.do(t, p)
	if p := planOf(w, s); len(p.Changes) > 0 {
		t.Errorf("a second run would write: %v", lines(p, w.inv))
	}
}

// TestUnknownThingsAreNotGone: whatever part of a picture is lost, with every
// policy on and the fuse out of the way, only what a whole reading does not
// have and its node denies is marked, and nothing that is there ever is.
func TestUnknownThingsAreNotGone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		s := anySnapshot(t, 1)
		s.Complete = domain.Completeness{Guests: true, Nodes: true}
		w.plugin(s)
		w.do(t, planOf(w, s))
		lost := *s
		lost.Complete = domain.Completeness{Guests: rapid.Bool().Draw(t, "all guests"), Nodes: rapid.Bool().Draw(t, "all nodes")}
		lost.Guests = nil
		w.gone = goneRules{mark: true, override: true, expired: "2099-01-01T00:00:00Z", there: map[int]string{}}
		may := map[string]bool{} // labels of what may be marked
		for _, g := range s.Guests {
			switch rapid.IntRange(0, 2).Draw(t, fmt.Sprint("guest", g.VMID)) {
			case 0:
				lost.Guests = append(lost.Guests, g)
				continue
			case 1:
				w.gone.there[g.VMID] = "it did not answer"
				continue
			}
			if lost.Complete.Guests {
				may[fmt.Sprintf("c1/%s/%d/gone/", g.Type, g.VMID)] = true
			}
		}
		keep := rapid.IntRange(0, len(s.Nodes)).Draw(t, "nodes")
		lost.Nodes = s.Nodes[:keep]
		for _, n := range s.Nodes[keep:] {
			if lost.Complete.Nodes {
				may["c1/node/"+n.Name+"/gone/"] = true
			}
		}
		for range 2 {
			p := planOf(w, &lost)
			for _, c := range p.Changes {
				if c.Orphan && !may[trimID(c.Key)] {
					t.Errorf("%s %s %s: %v (%s)", c.Op, c.Kind, c.Key, c.Set, c.Why)
				}
			}
			w.do(t, p)
		}
		// What comes back is there again, and nothing was made a second time.
		w.gone = goneRules{mark: true}
		w.do(t, planOf(w, s))
		if n := w.inv.Table(domain.KindVirtualMachine).Len(); n != len(s.Guests) {
			t.Errorf("%d guests are %d virtual machines", len(s.Guests), n)
		}
		for r := range w.inv.Table(domain.KindVirtualMachine).Rows() {
			if slices.ContainsFunc(r.Refs("tags"), func(ref domain.Ref) bool { return w.inv.Row(ref).Text("slug") == desire.TagSoftDeleted }) {
				t.Errorf("%s carries the mark still", r.Text("name"))
			}
		}
	})
}

func trimID(key domain.Key) string {
	s := string(key)
	for len(s) > 0 && s[len(s)-1] != '/' {
		s = s[:len(s)-1]
	}
	return s
}

// TestWhoIsAsked for the configuration of a guest that vanished: the node that
// it was last on, and if that is gone too, one that is there.
func TestWhoIsAsked(t *testing.T) {
	first := dozen()
	first.Guests[3].Node = "pve2"
	w := synced(t, first)
	for _, c := range []struct {
		name  string
		edit  func(s *domain.Snapshot)
		nodes []string
	}{
		{"the node that it was last on", func(*domain.Snapshot) {}, []string{"pve2"}},
		{"that node is down", func(s *domain.Snapshot) { s.Nodes[1].Online = false }, []string{"pve2"}},
		{"that node is gone", func(s *domain.Snapshot) { s.Nodes = s.Nodes[:1] }, []string{"pve1"}},
		{"that node is gone, and another is down", func(s *domain.Snapshot) {
			s.Nodes = append(s.Nodes[:1], domain.Node{Name: "pve0", SSLFingerprint: "ac"})
		}, []string{"pve1", "pve0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := dozen()
			dropGuest(s, 103)
			c.edit(s)
			d := desire.Build([]*domain.Snapshot{s}, everything)
			p := plan.Make(plan.Input{Objects: d.Objects, Whole: d.Whole, Inventory: w.inv, Owns: desire.Owns(desire.DefaultFlags), AddTags: true,
				Things: plan.Things{Present: d.Present, Mark: true, Tag: desire.SoftDeleted()}})
			if len(p.Vanished) != 1 || !slices.Equal(p.Vanished[0].Nodes, c.nodes) || !slices.Equal(p.Vanished[0].Endpoints, []int{1}) || p.Vanished[0].VMID != 103 {
				t.Errorf("asked is %+v", p.Vanished)
			}
		})
	}
}
