package run

import (
	"testing"

	"proxbox/internal/desire"
	"proxbox/internal/domain"
)

func TestGuestID(t *testing.T) {
	d := desire.Build([]*domain.Snapshot{
		{Endpoint: domain.ProxmoxEndpoint{ID: 1}, Nodes: []domain.Node{{Name: "a", SSLFingerprint: "AA"}}},
		{Endpoint: domain.ProxmoxEndpoint{ID: 2}, Nodes: []domain.Node{{Name: "a", SSLFingerprint: "BB"}}},
		{Endpoint: domain.ProxmoxEndpoint{ID: 3}, Nodes: []domain.Node{{Name: "a", SSLFingerprint: "AA"}}},
	}, desire.Options{})
	for _, c := range []struct {
		guest GuestID
		key   domain.Key
		want  bool
	}{
		{GuestID{VMID: 100}, "c1/qemu/100", true},
		{GuestID{VMID: 100}, "c2/lxc/100/net0", true},
		{GuestID{VMID: 100}, "c1/qemu/1000", false},
		{GuestID{VMID: 100}, "c1/node/a", false},
		{GuestID{Type: domain.LXC, VMID: 100}, "c1/qemu/100", false},
		{GuestID{VMID: 100, Endpoint: 1}, "c1/qemu/100/snapshot/before", true},
		{GuestID{VMID: 100, Endpoint: 1}, "c2/qemu/100", false},
		{GuestID{VMID: 100, Endpoint: 2}, "c2/qemu/100", true},
		{GuestID{VMID: 100, Endpoint: 3}, "c1/qemu/100", true}, // the same cluster as endpoint 1
		{GuestID{VMID: 100, Endpoint: 4}, "c1/qemu/100", false},
	} {
		if got := c.guest.in(d).has(c.key); got != c.want {
			t.Errorf("%+v has %s: %t", c.guest, c.key, got)
		}
	}
}
