package plan_test

import (
	"net/netip"
	"testing"

	"proxbox/internal/domain"
)

// other is an interface of a VM that is not ours, perhaps with an address.
func other(t *testing.T, w *world, address string) domain.Ref {
	t.Helper()
	vm := w.add(domain.KindVirtualMachine, domain.Fields{"name": "theirs"})
	iface := w.add(domain.KindVMInterface, domain.Fields{"name": "eth0", "virtual_machine": vm})
	if address != "" {
		w.add(domain.KindIPAddress, domain.Fields{"address": address, "assigned_object": iface})
	}
	return iface
}

// TestAddresses: whose an address is (rules.md 4).
func TestAddresses(t *testing.T) {
	const added = "+ ipaddress qemu 100 (web) net0 10.0.0.7/24"
	const addedState = "+ sync-state of qemu 100 (web) net0 10.0.0.7/24"
	more := func(s *domain.Snapshot) { says(&s.Guests[0], "10.0.0.100/24", "10.0.0.7/24") }
	run(t, []change{
		{name: "a second one", proxmox: more, writes: []string{added, addedState}},
		{
			name:    "another one: the old one goes, the primary mark moves",
			proxmox: func(s *domain.Snapshot) { says(&s.Guests[0], "10.0.0.7/24") },
			writes: []string{added, addedState, "- ipaddress qemu 100 (web) net0 10.0.0.100/24",
				"~ virtualmachine qemu 100 (web) primary_ip4 10.0.0.100/24→10.0.0.7/24"},
		},
		{
			name:    "another mask is the same address",
			proxmox: func(s *domain.Snapshot) { says(&s.Guests[0], "10.0.0.100/16") },
			writes:  []string{"~ ipaddress qemu 100 (web) net0 10.0.0.100/16 address 10.0.0.100/24→10.0.0.100/16"},
		},
		{
			name: "loopback, link-local and multicast are left out",
			proxmox: func(s *domain.Snapshot) {
				says(&s.Guests[0], "10.0.0.100/24", "127.0.0.1/8", "169.254.1.1/16", "fe80::1/64", "ff02::1/128")
			},
		},
		{
			name: "unassigned and not ours: adopted as it is, never marked", proxmox: more,
			person: func(_ *testing.T, w *world) {
				w.add(domain.KindIPAddress, domain.Fields{"address": "10.0.0.7/32", "status": "reserved", "dns_name": "mine.example.org"})
			},
			writes: []string{"~ ipaddress qemu 100 (web) net0 10.0.0.7/24 assigned_object -→net0"},
		},
		{
			name: "adopted and no longer told: never deleted",
			person: func(t *testing.T, w *world) {
				w.add(domain.KindIPAddress, domain.Fields{"address": "10.0.0.7/32", "assigned_object": w.ref(t, domain.KindVMInterface, "net0")})
			},
		},
		{
			name: "on somebody else's interface: a conflict, and the rest lands", proxmox: more,
			person:   func(t *testing.T, w *world) { other(t, w, "10.0.0.7/24") },
			reported: []string{"conflict qemu 100 (web) net0 10.0.0.7/24 address"},
		},
		{
			name: "in another VRF it is another address", proxmox: more,
			person: func(t *testing.T, w *world) {
				iface := other(t, w, "")
				w.add(domain.KindIPAddress, domain.Fields{"address": "10.0.0.7/24", "assigned_object": iface, "vrf": domain.At(domain.KindVRF, 9)})
			},
			writes: []string{added, addedState},
		},
		{
			name: "the address is made in the VRF of its interface", proxmox: more,
			person: func(t *testing.T, w *world) {
				w.set(t, domain.KindVMInterface, "net0", "vrf", domain.At(domain.KindVRF, 9))
				w.set(t, domain.KindIPAddress, "10.0.0.100", "vrf", domain.At(domain.KindVRF, 9))
				other(t, w, "10.0.0.7/24")
			},
			writes: []string{added, addedState},
		},
		{
			name: "on another NIC of the same guest, and the first has none: it goes along, and stays the primary one",
			proxmox: func(s *domain.Snapshot) {
				config(&s.Guests[0], func(c *domain.GuestConfig) { c.NICs = append(c.NICs, domain.NIC{Key: "net3", MAC: mac(3)}) })
				s.Guests[0].Agent = domain.Is([]domain.GuestInterface{{Name: "eth0", MAC: mac(100)}, {Name: "eth1", MAC: mac(3), Addresses: []netip.Prefix{address(100)}}})
			},
			writes: []string{"+ vminterface qemu 100 (web) net3", "+ macaddress qemu 100 (web) net3 BC:24:11:00:00:03", "+ sync-state of qemu 100 (web) net3",
				"~ vminterface qemu 100 (web) net3 primary_mac_address -→BC:24:11:00:00:03",
				"~ ipaddress qemu 100 (web) net3 10.0.0.100/24 assigned_object net0→net3",
				"~ sync-state of qemu 100 (web) net3 10.0.0.100/24 proxmox_interface net0→net3 proxmox_mac BC:24:11:00:00:64→BC:24:11:00:00:03"},
		},
		{
			name: "behind NAT it is not removed", proxmox: func(s *domain.Snapshot) { says(&s.Guests[0], "10.0.0.7/24") },
			person: func(t *testing.T, w *world) {
				w.add(domain.KindIPAddress, domain.Fields{"address": "198.51.100.1/32", "nat_inside": w.ref(t, domain.KindIPAddress, "10.0.0.100")})
			},
			writes: []string{added, addedState},
		},
	})
}

// TestSilentAgentKeepsAddresses: configured addresses fill an interface that
// has none, and nothing more.
func TestSilentAgentKeepsAddresses(t *testing.T) {
	silent := func(s *domain.Snapshot) {
		s.Guests[0].Agent = domain.Known[[]domain.GuestInterface]{}
		config(&s.Guests[0], func(c *domain.GuestConfig) {
			c.NICs[0].Addresses = []netip.Prefix{netip.MustParsePrefix("10.0.0.7/24")}
		})
	}
	run(t, []change{
		{name: "it has one", proxmox: silent},
		{
			name: "it has none", proxmox: silent,
			person: func(t *testing.T, w *world) { w.remove(w.ref(t, domain.KindIPAddress, "10.0.0.100")) },
			writes: []string{"+ ipaddress qemu 100 (web) net0 10.0.0.7/24", "+ sync-state of qemu 100 (web) net0 10.0.0.7/24",
				"~ virtualmachine qemu 100 (web) primary_ip4 -→10.0.0.7/24"},
		},
		{
			name: "without an agent the configuration is the truth",
			proxmox: func(s *domain.Snapshot) {
				silent(s)
				config(&s.Guests[0], func(c *domain.GuestConfig) { c.AgentEnabled = false })
			},
			writes: []string{"+ ipaddress qemu 100 (web) net0 10.0.0.7/24", "+ sync-state of qemu 100 (web) net0 10.0.0.7/24",
				"- ipaddress qemu 100 (web) net0 10.0.0.100/24",
				"~ virtualmachine qemu 100 (web) primary_ip4 10.0.0.100/24→10.0.0.7/24",
				"~ sync-state of qemu 100 (web) proxmox_qemu_agent true→false"},
		},
		{
			name:    "the guest boots: its NIC has no address yet",
			proxmox: func(s *domain.Snapshot) { says(&s.Guests[0], "fe80::1/64") },
		},
		{
			name:    "the agent answers and does not know the NIC yet",
			proxmox: func(s *domain.Snapshot) { s.Guests[0].Agent = domain.Is([]domain.GuestInterface{{Name: "lo"}}) },
		},
	})
}

// TestPrimaryAddress: set while there is none, moved with its address, and
// otherwise as a person chose it.
func TestPrimaryAddress(t *testing.T) {
	two := func(s *domain.Snapshot) { says(&s.Guests[0], "10.0.0.100/24", "10.0.0.7/24") }
	run(t, []change{
		{
			name:   "set while there is none",
			person: func(t *testing.T, w *world) { w.set(t, domain.KindVirtualMachine, "web", "primary_ip4", nil) },
			writes: []string{"~ virtualmachine qemu 100 (web) primary_ip4 -→10.0.0.100/24"},
		},
		{
			name: "a person's choice stays", proxmox: two,
			person: func(t *testing.T, w *world) {
				nat := w.add(domain.KindIPAddress, domain.Fields{"address": "198.51.100.1/32", "nat_inside": w.ref(t, domain.KindIPAddress, "10.0.0.100")})
				w.set(t, domain.KindVirtualMachine, "web", "primary_ip4", nat)
			},
			writes: []string{"+ ipaddress qemu 100 (web) net0 10.0.0.7/24", "+ sync-state of qemu 100 (web) net0 10.0.0.7/24"},
		},
		{
			name:    "the first one is somebody else's: the next one",
			proxmox: func(s *domain.Snapshot) { says(&s.Guests[0], "10.0.0.7/24", "10.0.0.100/24") },
			person: func(t *testing.T, w *world) {
				other(t, w, "10.0.0.7/24")
				w.set(t, domain.KindVirtualMachine, "web", "primary_ip4", nil)
			},
			writes:   []string{"~ virtualmachine qemu 100 (web) primary_ip4 -→10.0.0.100/24"},
			reported: []string{"conflict qemu 100 (web) net0 10.0.0.7/24 address"},
		},
		{
			name:    "both families",
			proxmox: func(s *domain.Snapshot) { says(&s.Guests[0], "2001:db8::1/64", "10.0.0.100/24") },
			writes: []string{"+ ipaddress qemu 100 (web) net0 2001:db8::1/64", "+ sync-state of qemu 100 (web) net0 2001:db8::1/64",
				"~ virtualmachine qemu 100 (web) primary_ip6 -→2001:db8::1/64"},
		},
	})
}

// pair is a cluster with two guests, web (100) and db (101).
func pair() *domain.Snapshot {
	s := small()
	db := web(101)
	db.Name = "db"
	config(&db, func(c *domain.GuestConfig) { c.Name = "db" })
	s.Guests = append(s.Guests, db)
	return s
}

// TestAddressBetweenGuests: an address of ours moves with its guest, and only
// when who had it gave it up.
func TestAddressBetweenGuests(t *testing.T) {
	t.Run("moved: the primary marks follow", func(t *testing.T) {
		w := synced(t, pair())
		s := pair()
		says(&s.Guests[0], "10.0.0.7/24")
		says(&s.Guests[1], "10.0.0.101/24", "10.0.0.100/24")
		w.check(t, []string{
			"+ ipaddress qemu 100 (web) net0 10.0.0.7/24", "+ sync-state of qemu 100 (web) net0 10.0.0.7/24",
			"~ ipaddress qemu 101 (db) net0 10.0.0.100/24 assigned_object net0→net0",
			"~ sync-state of qemu 101 (db) net0 10.0.0.100/24 proxmox_mac BC:24:11:00:00:64→BC:24:11:00:00:65",
			"~ virtualmachine web primary_ip4 10.0.0.100/24→-",
			"~ virtualmachine qemu 100 (web) primary_ip4 10.0.0.100/24→10.0.0.7/24",
		}, nil, s)
	})
	t.Run("claimed by both: who has it keeps it", func(t *testing.T) {
		w := synced(t, pair())
		s := pair()
		says(&s.Guests[0], "10.0.0.100/24", "10.0.0.101/24")
		w.check(t, nil, []string{"conflict qemu 100 (web) net0 10.0.0.101/24 address"}, s)
	})
	t.Run("claimed by two new ones: the first has it", func(t *testing.T) {
		w := newWorld()
		s := pair()
		says(&s.Guests[0], "10.0.0.9/24")
		says(&s.Guests[1], "10.0.0.9/24")
		w.do(t, planOf(w, s))
		w.check(t, nil, []string{"conflict qemu 101 (db) net0 10.0.0.9/24 address"}, s)
		if got := w.inv.Row(w.find(t, domain.KindIPAddress, "10.0.0.9").Ref("assigned_object")).Ref("virtual_machine"); got != w.ref(t, domain.KindVirtualMachine, "web") {
			t.Errorf("the address is at %v", got)
		}
	})
	t.Run("a silent holder keeps it", func(t *testing.T) {
		w := synced(t, pair())
		s := pair()
		s.Guests[0].Agent = domain.Known[[]domain.GuestInterface]{}
		says(&s.Guests[1], "10.0.0.101/24", "10.0.0.100/24")
		w.check(t, nil, []string{"conflict qemu 101 (db) net0 10.0.0.100/24 address"}, s)
	})
	t.Run("shared by its role: each has its own", func(t *testing.T) {
		w := synced(t, pair())
		w.set(t, domain.KindIPAddress, "10.0.0.100", "role", "vip")
		s := pair()
		says(&s.Guests[1], "10.0.0.101/24", "10.0.0.100/24")
		w.check(t, []string{"+ ipaddress qemu 101 (db) net0 10.0.0.100/24", "+ sync-state of qemu 101 (db) net0 10.0.0.100/24"}, nil, s)
	})
	t.Run("with a NIC between guests", func(t *testing.T) {
		w := synced(t, pair())
		s := pair()
		config(&s.Guests[0], func(c *domain.GuestConfig) { c.NICs = nil })
		s.Guests[0].Agent = domain.Is([]domain.GuestInterface{})
		says(&s.Guests[1], "10.0.0.101/24", "10.0.0.100/24")
		w.check(t, []string{
			"- vminterface qemu 100 (web) net0",
			"~ ipaddress qemu 101 (db) net0 10.0.0.100/24 assigned_object net0→net0",
			"~ sync-state of qemu 101 (db) net0 10.0.0.100/24 proxmox_mac BC:24:11:00:00:64→BC:24:11:00:00:65",
			"~ virtualmachine web primary_ip4 10.0.0.100/24→-",
		}, nil, s)
	})
}
