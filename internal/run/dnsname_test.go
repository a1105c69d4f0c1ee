package run_test

import (
	"testing"

	"proxbox/internal/run"
	proxmoxsim "proxbox/internal/sim/proxmox"
)

// TestDNSNameFromGuestAgent: agents are asked for it where that is set, and a
// name stays while they are silent and when they are not asked any more.
func TestDNSNameFromGuestAgent(t *testing.T) {
	s := newSite(t, 3, 0)
	name := func() any { return s.named(t, "ipam.ipaddress", "10.10.0.2/24")["dns_name"] }
	s.sync(t, run.Ask{})
	if n := s.asked("/agent/get-host-name"); n != 0 || name() != "" {
		t.Errorf("unset: %d questions, and the name is %q", n, name())
	}
	s.setenv(t, "PROXBOX_DNS_NAME_FROM_GUEST_AGENT=true")
	s.forget()
	s.sync(t, run.Ask{})
	if n := s.asked("/agent/get-host-name"); n != 2 || name() != "web-01" {
		t.Errorf("set: %d questions, and the name is %q", n, name())
	}
	s.pve.Change(func(e *proxmoxsim.Estate) { e.Guest(100).Agent = nil })
	for _, environ := range []string{"PROXBOX_DNS_NAME_FROM_GUEST_AGENT=true", ""} {
		s.setenv(t, environ)
		if res := s.sync(t, run.Ask{}); res.Created+res.Updated+res.Deleted != 0 || name() != "web-01" {
			t.Errorf("silent, %s: %v, and the name is %q", environ, res.Done, name())
		}
	}
}
