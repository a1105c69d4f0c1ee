package plan_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"proxbox/internal/desire"
	"proxbox/internal/domain"
	"proxbox/internal/plan"
)

// limited is a plan under the modes and the filter.
func limited(w *world, opt desire.Options, snaps ...*domain.Snapshot) *plan.Plan {
	d := desire.Build(snaps, opt)
	return plan.Make(plan.Input{Objects: d.Objects, Whole: d.Whole, Inventory: w.inv, Owns: desire.Owns(desire.DefaultFlags), OwnsAt: d.Owns(desire.DefaultFlags),
		AddTags: true, Limits: plan.Limits{Policy: d.Policy, Spare: opt.Filter.Spares, Held: w.bootstrapped()}})
}

// bootstrapped are the rows that carry the tag bootstrap-only.
func (w *world) bootstrapped() map[domain.Ref]bool {
	out := map[domain.Ref]bool{}
	for kind := range plan.Bootstrapped {
		for r := range w.inv.Table(kind).Rows() {
			for _, tag := range r.Refs("tags") {
				if row := w.inv.Row(tag); row != nil && row.Text("slug") == plan.BootstrapOnly {
					out[domain.At(kind, r.ID)] = true
				}
			}
		}
	}
	return out
}

// modes are options with some sync modes.
func modes(set map[string]domain.Policy) desire.Options {
	opt := everything
	opt.Rules = func(domain.ProxmoxEndpoint) desire.Rules {
		return desire.Rules{Mode: func(name string) domain.Policy { return set[name] }}
	}
	return opt
}

// TestAddressOfWhatIsLeftAlone: an address that a guest gave up moves to the
// one that has it now, but not away from what is left alone.
func TestAddressOfWhatIsLeftAlone(t *testing.T) {
	two := func(a, b string) *domain.Snapshot {
		s := small()
		s.Guests = append(s.Guests, web(101))
		s.Guests[1].Name = "db"
		says(&s.Guests[0], a)
		says(&s.Guests[1], b)
		return s
	}
	before, after := two("10.0.0.1/24", "10.0.0.2/24"), two("10.0.0.7/24", "10.0.0.1/24")
	held := modes(map[string]domain.Policy{"vm": domain.Bootstrap})
	heldIP := modes(map[string]domain.Policy{"ip_address": domain.Bootstrap})
	filtered := everything
	filtered.Filter = desire.Filter{ExcludeNames: []string{"web"}}
	filteredNIC := everything
	filteredNIC.Filter = desire.Filter{ExcludeInterfaces: []string{"net0"}}
	for _, c := range []struct {
		name        string
		first, then desire.Options
		moves       bool
	}{
		{"nothing is left alone", everything, everything, true},
		{"the guest's primary address, and the guest was made once", held, held, false},
		{"the guest is made once, and not the address's holder", everything, held, true},
		{"the address was made once", heldIP, heldIP, false},
		{"the guest is filtered out", everything, filtered, false},
		{"addresses are not synced", everything, modes(map[string]domain.Policy{"ip_address": domain.Leave}), false},
		{"interfaces are filtered out", everything, filteredNIC, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld()
			w.plugin(before)
			w.do(t, limited(w, c.first, before))
			w.do(t, limited(w, c.then, after))
			vm := w.inv.Row(w.inv.Row(w.find(t, domain.KindIPAddress, "10.0.0.1").Ref("assigned_object")).Ref("virtual_machine"))
			if moved := vm.Text("name") == "db"; moved != c.moves {
				t.Errorf("10.0.0.1 is on %s", vm.Text("name"))
			}
			if p := limited(w, c.then, after); len(p.Changes) > 0 {
				t.Errorf("again: %v", lines(p, w.inv))
			}
		})
	}
}

// TestPartsOfWhatIsLeftAlone: what is gone in Proxmox stays where its kind or
// its owner is left alone, and an interface stays with an address that does.
func TestPartsOfWhatIsLeftAlone(t *testing.T) {
	bare := small()
	config(&bare.Guests[0], func(c *domain.GuestConfig) { c.NICs, c.Disks = nil, nil })
	subnet := everything
	subnet.Filter = desire.Filter{ExcludeInterfaces: []string{"net*"}}
	for _, c := range []struct {
		name string
		opt  desire.Options
		gone []string
	}{
		{"nothing is left alone", everything, []string{"- ipaddress", "- virtualdisk", "- vminterface"}},
		{"guests", modes(map[string]domain.Policy{"vm": domain.Leave}), nil},
		{"interfaces", modes(map[string]domain.Policy{"vm_interface": domain.Leave}), []string{"- virtualdisk"}},
		{"addresses", modes(map[string]domain.Policy{"ip_address": domain.Leave}), []string{"- virtualdisk"}},
		{"interfaces by a filter", subnet, []string{"- virtualdisk"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := synced(t, small())
			p := limited(w, c.opt, bare)
			var got []string
			for _, line := range lines(p, w.inv) {
				if strings.HasPrefix(line, "- ") {
					got = append(got, strings.Join(strings.Fields(line)[:2], " "))
				}
			}
			if c.name == "nothing is left alone" { // an address goes with its interface
				got = append(got, "- ipaddress")
			}
			slices.Sort(got)
			if !slices.Equal(slices.Compact(got), c.gone) {
				t.Errorf("%v, want %v", got, c.gone)
			}
		})
	}
}

// TestTagTakenAway: whoever takes the tag bootstrap-only away has the object
// synced again.
func TestTagTakenAway(t *testing.T) {
	opt := modes(map[string]domain.Policy{"vm": domain.Bootstrap})
	w, s := newWorld(), small()
	w.plugin(s)
	w.do(t, limited(w, opt, s))
	s.Guests[0].MemoryBytes = 4 << 30
	if p := limited(w, opt, s); len(p.Changes) > 0 {
		t.Errorf("left alone: %v", lines(p, w.inv))
	}
	w.set(t, domain.KindVirtualMachine, "web", "tags", w.mark(t))
	if got := lines(limited(w, opt, s), w.inv); !slices.Equal(got, []string{"~ virtualmachine qemu 100 (web) memory 1024→4096"}) {
		t.Errorf("without the tag: %v", got)
	}
}

// TestPrimaryOfWhatIsLeftAlone: a guest that was made once and whose primary
// address is gone gets the next one with the same plan.
func TestPrimaryOfWhatIsLeftAlone(t *testing.T) {
	opt := modes(map[string]domain.Policy{"vm": domain.Bootstrap})
	w, s := newWorld(), small()
	w.plugin(s)
	w.do(t, limited(w, opt, s))
	says(&s.Guests[0], "10.0.0.9/24")
	w.do(t, limited(w, opt, s))
	if ip := w.inv.Row(w.find(t, domain.KindVirtualMachine, "web").Ref("primary_ip4")); ip == nil || ip.Text("address") != "10.0.0.9/24" {
		t.Errorf("the primary address is %v", ip)
	}
	if p := limited(w, opt, s); len(p.Changes) > 0 {
		t.Errorf("again: %v", lines(p, w.inv))
	}
}

// TestPrimaryOfWhatIsLeftAloneMoves: the primary address of a guest that was
// made once goes along to another NIC of the same guest.
func TestPrimaryOfWhatIsLeftAloneMoves(t *testing.T) {
	opt := modes(map[string]domain.Policy{"vm": domain.Bootstrap})
	two := func(has int) *domain.Snapshot {
		s := small()
		other := domain.NIC{Key: "net1", MAC: mac(7), Bridge: "vmbr0"}
		config(&s.Guests[0], func(c *domain.GuestConfig) { c.NICs = append(c.NICs, other) })
		seen := []domain.GuestInterface{{Name: "eth0", MAC: s.Guests[0].Config.Value.NICs[0].MAC}, {Name: "eth1", MAC: other.MAC}}
		seen[has].Addresses = []netip.Prefix{address(9)}
		seen[1-has].Addresses = []netip.Prefix{address(8 + has*2)}
		s.Guests[0].Agent = domain.Is(seen)
		return s
	}
	w := newWorld()
	w.plugin(two(0))
	w.do(t, limited(w, opt, two(0)))
	w.do(t, limited(w, opt, two(1)))
	if iface := w.inv.Row(w.find(t, domain.KindIPAddress, "10.0.0.9").Ref("assigned_object")); iface.Text("name") != "net1" {
		t.Errorf("the address is on %s", iface.Text("name"))
	}
	if p := limited(w, opt, two(1)); len(p.Changes) > 0 {
		t.Errorf("again: %v", lines(p, w.inv))
	}
}

// TestLawOfModes: whatever the modes and whatever changes, nothing is written of
// what is left alone, what was made once keeps its fields, and a second run
// writes nothing.
func TestLawOfModes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set := map[string]domain.Policy{}
		for _, mode := range []string{"cluster", "node", "vm", "vm_template", "vm_interface", "mac", "ip_address", "storage", "sdn"} {
			set[mode] = rapid.SampledFrom([]domain.Policy{domain.Sync, domain.Sync, domain.Bootstrap, domain.Leave}).Draw(t, mode)
		}
		opt := modes(set)
		w, first := newWorld(), anySnapshot(t, 1)
		w.plugin(first)
		if rapid.Bool().Draw(t, "everything first") {
			w.do(t, planOf(w, first))
		}
		w.do(t, limited(w, opt, first))
		now := anySnapshot(t, 1)
		held := w.bootstrapped()
		d := desire.Build([]*domain.Snapshot{now}, opt)
		p := limited(w, opt, now)
		for _, c := range p.Changes {
			if d.Policy(c.Kind, c.Key) == domain.Leave {
				t.Errorf("left alone: %s %s %s %v", c.Op, c.Kind, c.Label, c.Set)
			}
			if !held[domain.At(c.Kind, c.ID)] || d.Policy(c.Kind, c.Key) != domain.Bootstrap {
				continue
			}
			for field := range c.Set {
				if field != "primary_ip4" && field != "primary_ip6" || c.Op == plan.Delete {
					t.Errorf("made once: %s %s %s %v", c.Op, c.Kind, c.Label, c.Set)
				}
			}
		}
		w.do(t, p)
		if again := limited(w, opt, now); len(again.Changes) > 0 {
			t.Errorf("a second run would write %v", lines(again, w.inv))
		}
	})
}
