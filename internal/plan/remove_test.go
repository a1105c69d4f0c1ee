package plan_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"proxbox/internal/desire"
	"proxbox/internal/domain"
	"proxbox/internal/plan"
)

// TestPartsFollowTheirOwner, when it was read whole, and nothing not ours goes.
func TestPartsFollowTheirOwner(t *testing.T) {
	noNIC := func(s *domain.Snapshot) {
		config(&s.Guests[0], func(c *domain.GuestConfig) { c.NICs = nil })
		s.Guests[0].Agent = domain.Is([]domain.GuestInterface{})
	}
	run(t, []change{
		{name: "a NIC, and with it MAC and address", proxmox: noNIC, writes: []string{"- vminterface qemu 100 (web) net0"}},
		{
			name: "a NIC that holds a person's address stays", proxmox: noNIC,
			person: func(t *testing.T, w *world) {
				w.add(domain.KindIPAddress, domain.Fields{"address": "10.9.9.9/24", "assigned_object": w.ref(t, domain.KindVMInterface, "net0")})
			},
			reported: []string{"conflict qemu 100 (web) net0"},
		},
		{
			name: "a NIC whose address is behind NAT stays", proxmox: noNIC,
			person: func(t *testing.T, w *world) {
				w.add(domain.KindIPAddress, domain.Fields{"address": "198.51.100.1/32", "nat_inside": w.ref(t, domain.KindIPAddress, "10.0.0.100")})
			},
			reported: []string{"conflict qemu 100 (web) net0"},
		},
		{name: "a guest is not removed", proxmox: func(s *domain.Snapshot) { s.Guests = nil }},
		{name: "a node is not removed", proxmox: func(s *domain.Snapshot) { s.Nodes, s.Guests = nil, nil }},
	})
}

// many is a cluster of n guests with a disk each.
func many(n int) *domain.Snapshot {
	s := small()
	s.Guests = nil
	for i := range n {
		g := web(100 + i)
		g.Name, g.Agent = fmt.Sprintf("guest%d", i), domain.Known[[]domain.GuestInterface]{}
		config(&g, func(c *domain.GuestConfig) {
			c.NICs = nil
			for d := range 10 {
				c.Disks = append(c.Disks, domain.Disk{Key: fmt.Sprintf("sata%d", d), Storage: "local", SizeMB: 10})
			}
		})
		s.Guests = append(s.Guests, g)
	}
	return s
}

func dropDisks(s *domain.Snapshot, n int) {
	for i := range s.Guests {
		config(&s.Guests[i], func(c *domain.GuestConfig) {
			k := min(n, len(c.Disks))
			c.Disks = c.Disks[k:]
			n -= k
		})
	}
}

// TestFuse: a run that would remove more than the smaller of 20 and a tenth of
// what is ours of one kind in one cluster removes nothing (rules.md 7).
func TestFuse(t *testing.T) {
	for _, c := range []struct {
		owned, gone, removed int
		override             bool
	}{
		{owned: 11, gone: 1, removed: 1},
		{owned: 11, gone: 2, removed: 0},
		{owned: 11, gone: 2, removed: 2, override: true},
		{owned: 110, gone: 11, removed: 11},
		{owned: 110, gone: 12, removed: 0},
		{owned: 330, gone: 20, removed: 20},
		{owned: 330, gone: 21, removed: 0},
		{owned: 11, gone: 11, removed: 0},
	} {
		t.Run(fmt.Sprintf("%d of %d, overridden %t", c.gone, c.owned, c.override), func(t *testing.T) {
			s := many(c.owned / 11)
			w := synced(t, s)
			dropDisks(s, c.gone)
			d := desire.Build([]*domain.Snapshot{s}, everything)
			p := plan.Make(plan.Input{Objects: d.Objects, Whole: d.Whole, Inventory: w.inv, Owns: desire.Owns(desire.DefaultFlags), AddTags: true, OverrideFuse: c.override})
			if n := p.Counts()[domain.KindVirtualDisk][plan.Delete]; n != c.removed {
				t.Errorf("removes %d, want %d", n, c.removed)
			}
			if blown := len(p.Reports) > 0; blown != (c.removed != c.gone) {
				t.Errorf("reports %v", told(p))
			}
		})
	}
}

// TestFuseCountsByCluster: a small cluster is not covered by a large one.
func TestFuseCountsByCluster(t *testing.T) {
	large, little := many(30), many(1)
	little.Endpoint = domain.ProxmoxEndpoint{ID: 2, Name: "px2 (nb:2)", Domain: "px2.example.org"}
	little.Cluster.Name, little.Nodes[0].SSLFingerprint = "little", "bb"
	w := synced(t, large, little)
	dropDisks(little, 3)
	if got := told(planOf(w, large, little)); len(got) != 1 {
		t.Errorf("reported %v", got)
	}
}

// TestListThatIsNotWhole: of a kind that NetBox did not list to the last row,
// or that could not be told from somebody else's without it, nothing is made
// or removed.
func TestListThatIsNotWhole(t *testing.T) {
	for _, c := range []struct {
		unknown domain.Kind
		spared  []domain.Kind
	}{
		{domain.KindVirtualMachine, []domain.Kind{domain.KindVirtualMachine, domain.KindVirtualDisk, domain.KindVMInterface, domain.KindMACAddress, domain.KindIPAddress}},
		{domain.KindVMState, []domain.Kind{domain.KindVirtualMachine, domain.KindVirtualDisk, domain.KindVMInterface, domain.KindMACAddress, domain.KindIPAddress}},
		{domain.KindVMInterface, []domain.Kind{domain.KindVMInterface, domain.KindMACAddress, domain.KindIPAddress}},
		{domain.KindMACAddress, []domain.Kind{domain.KindVMInterface, domain.KindMACAddress, domain.KindIPAddress}},
		{domain.KindIPAddress, []domain.Kind{domain.KindIPAddress}},
		{domain.KindTag, []domain.Kind{domain.KindCluster, domain.KindSite, domain.KindDevice, domain.KindVirtualMachine, domain.KindVirtualDisk, domain.KindVMInterface, domain.KindIPAddress}},
		{domain.KindCluster, []domain.Kind{domain.KindCluster, domain.KindSite, domain.KindDevice, domain.KindVirtualMachine}},
		{domain.KindClusterState, []domain.Kind{domain.KindCluster, domain.KindSite, domain.KindDevice, domain.KindVirtualMachine}},
		{domain.KindDeviceState, []domain.Kind{domain.KindDevice}},
		{domain.KindSite, []domain.Kind{domain.KindSite}},
		{domain.KindVLAN, []domain.Kind{domain.KindVLAN}},
	} {
		t.Run(string(c.unknown), func(t *testing.T) {
			w := synced(t, small())
			w.inv.Set(&domain.Table{Kind: c.unknown, Unknown: errors.New("it changed while it was read")})
			s := pair()
			config(&s.Guests[0], func(c *domain.GuestConfig) { c.Disks, c.NICs = nil, nil })
			s.Guests[0].Agent = domain.Is([]domain.GuestInterface{})
			config(&s.Guests[1], func(c *domain.GuestConfig) { c.NICs[0].VLAN = 20 })
			s.Nodes = append(s.Nodes, domain.Node{Name: "pve2", Online: true})
			p := planOf(w, s)
			for _, ch := range p.Changes {
				if slices.Contains(c.spared, ch.Kind) && ch.Op != plan.Update {
					t.Errorf("%s %s %s", ch.Op, ch.Kind, ch.Label)
				}
			}
			failed := slices.DeleteFunc(told(p), func(s string) bool { return s[:6] != "failed" })
			if len(failed) == 0 {
				t.Error("nothing is said")
			}
		})
	}
}

// TestAbsentKinds: without the plugin identity and mark are custom fields and tag.
func TestAbsentKinds(t *testing.T) {
	w := newWorld()
	for _, k := range []domain.Kind{domain.KindVMState, domain.KindDeviceState, domain.KindClusterState, domain.KindVirtualDiskState,
		domain.KindVMInterfaceState, domain.KindIPAddressState, domain.KindInterfaceState, domain.KindProxmoxCluster, domain.KindProxmoxNode,
		domain.KindProxmoxEndpoint, domain.KindVirtualMachineType} {
		w.inv.Set(&domain.Table{Kind: k, Absent: true})
	}
	bare := func() *plan.Plan {
		d := desire.Build([]*domain.Snapshot{small()}, desire.Options{IgnoreLinkLocal: true})
		return plan.Make(plan.Input{Objects: d.Objects, Whole: d.Whole, Inventory: w.inv, Owns: desire.Owns(desire.DefaultFlags)})
	}
	w.do(t, bare())
	vm := w.find(t, domain.KindVirtualMachine, "web")
	if vm.Int("cf_proxmox_vm_id") != 100 || vm.Text("cf_proxmox_vm_type") != "qemu" || vm.Ref("role").ID == 0 {
		t.Errorf("the guest's identity is %v", vm.Fields)
	}
	for _, kind := range []domain.Kind{domain.KindVirtualDisk, domain.KindVMInterface, domain.KindIPAddress} {
		for r := range w.inv.Table(kind).Rows() {
			if !r.Refs("tags").Has(w.mark(t)[0]) {
				t.Errorf("%s has no mark", kind)
			}
		}
	}
	if p := bare(); len(p.Changes) > 0 {
		t.Errorf("a second run would write: %v", lines(p, w.inv))
	}
}

// TestInputStaysAsItIs: a plan can be made twice of one input.
func TestInputStaysAsItIs(t *testing.T) {
	a, b := twins()
	w := newWorld()
	d := desire.Build([]*domain.Snapshot{a, b}, everything)
	in := plan.Input{Objects: d.Objects, Whole: d.Whole, Inventory: w.inv, Owns: desire.Owns(desire.DefaultFlags), AddTags: true}
	first := lines(plan.Make(in), w.inv)
	if again := lines(plan.Make(in), w.inv); !slices.Equal(first, again) {
		t.Error("the second plan of one input differs")
	}
}

// TestWhatAPersonWouldMissStays: the plan names what it removes, and what is
// said to be of use to somebody stays, an address without its interface.
func TestWhatAPersonWouldMissStays(t *testing.T) {
	s := small()
	w := synced(t, s)
	says(&s.Guests[0], "10.0.0.7/24")
	config(&s.Guests[0], func(c *domain.GuestConfig) { c.Disks = nil })
	ip, disk := w.ref(t, domain.KindIPAddress, "10.0.0.100"), w.ref(t, domain.KindVirtualDisk, "scsi0")
	p := planOf(w, s)
	if d := p.Doomed; !slices.Equal(d, []domain.Ref{ip, disk}) {
		t.Errorf("doomed are %v", d)
	}
	w.keep = map[domain.Ref]string{ip: "a service uses it", disk: "it has a description"}
	w.check(t, []string{
		"+ ipaddress qemu 100 (web) net0 10.0.0.7/24", "+ sync-state of qemu 100 (web) net0 10.0.0.7/24",
		"~ ipaddress qemu 100 (web) net0 10.0.0.100/24 assigned_object net0→-",
		"~ virtualmachine qemu 100 (web) primary_ip4 10.0.0.100/24→10.0.0.7/24", "~ virtualmachine web primary_ip4 10.0.0.100/24→-",
	}, []string{"conflict qemu 100 (web) net0 10.0.0.100/24", "conflict qemu 100 (web) scsi0"}, s)
	config(&s.Guests[0], func(c *domain.GuestConfig) { c.NICs = nil })
	s.Guests[0].Agent = domain.Is([]domain.GuestInterface{})
	w.keep = map[domain.Ref]string{w.ref(t, domain.KindIPAddress, "10.0.0.7"): "it has a tenant"}
	w.inv.Table(domain.KindVirtualDisk).Delete(disk.ID)
	w.check(t, nil, []string{"conflict qemu 100 (web) net0"}, s)
}
