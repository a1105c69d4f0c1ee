package plan_test

import (
	"fmt"
	"net/netip"
	"testing"

	"proxbox/internal/desire"
	"proxbox/internal/domain"
	"proxbox/internal/plan"
)

// large is a cluster of many guests with two NICs and two disks each, whose
// names repeat.
func large(guests int) *domain.Snapshot {
	s := small()
	s.Guests = nil
	for i := range guests {
		g := web(100 + i)
		g.Name = fmt.Sprintf("guest%d", i/2)
		config(&g, func(c *domain.GuestConfig) {
			c.NICs = append(c.NICs, domain.NIC{Key: "net1", MAC: fmt.Sprintf("BC:24:12:%02X:%02X:%02X", i>>16, i>>8&0xff, i&0xff), VLAN: 1 + i%50})
			c.NICs[0].MAC = fmt.Sprintf("BC:24:11:%02X:%02X:%02X", i>>16, i>>8&0xff, i&0xff)
			c.Disks = append(c.Disks, domain.Disk{Key: "scsi1", Storage: "local", SizeMB: 10})
		})
		g.Agent = domain.Is([]domain.GuestInterface{{Name: "eth0", MAC: g.Config.Value.NICs[0].MAC,
			Addresses: []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 8)}}})
		s.Guests = append(s.Guests, g)
	}
	return s
}

// BenchmarkMake plans for 10,000 guests: a first run, one in which nothing
// changed, and one after another program had named every interface as the
// guest does.
func BenchmarkMake(b *testing.B) {
	s := large(10_000)
	d := desire.Build([]*domain.Snapshot{s}, everything)
	input := func(w *world) plan.Input {
		return plan.Input{Objects: d.Objects, Whole: d.Whole, Inventory: w.inv, Owns: desire.Owns(desire.DefaultFlags), AddTags: true}
	}
	w := newWorld()
	w.plugin(s)
	first := func(b *testing.B) {
		for b.Loop() {
			if len(plan.Make(input(w)).Changes) == 0 {
				b.Fatal("nothing is planned")
			}
		}
	}
	b.Run("first run", first)
	w.do(b, plan.Make(input(w)))
	b.Run("no change", func(b *testing.B) {
		for b.Loop() {
			if p := plan.Make(input(w)); len(p.Changes) > 0 {
				b.Fatal(lines(p, w.inv)[:3])
			}
		}
	})
	for r := range w.inv.Table(domain.KindVMInterface).Rows() {
		r.Fields["name"] = "eth" + r.Text("name")[3:]
	}
	b.Run("every interface renamed", first)
}

func BenchmarkBuild(b *testing.B) {
	s := large(10_000)
	for b.Loop() {
		desire.Build([]*domain.Snapshot{s}, everything)
	}
}
