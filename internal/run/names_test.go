package run_test

import (
	"net/url"
	"testing"
	"time"

	"proxbox/internal/run"
	netboxsim "proxbox/internal/sim/netbox"
	proxmoxsim "proxbox/internal/sim/proxmox"
)

// TestSilentAgentRenamesNothing: where VM interfaces have the names that their
// guests give them, one that is silent, or is not asked, keeps its name, its
// address and its guest's primary address.
func TestSilentAgentRenamesNothing(t *testing.T) {
	for _, c := range []struct {
		name    string
		profile netboxsim.Profile
		query   url.Values
	}{
		{"0.0.29, legacy", netboxsim.NetBox47, url.Values{"vm_interface_sync_strategy": {"legacy_rename"}}},
		{"0.0.15", netboxsim.NetBox47Plugin15, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, 20, time.Minute)
			s.nb = netboxsim.New(c.profile)
			s.NetBoxTransport = s.nb.Transport()
			for _, stage := range run.Stages {
				q := url.Values{"sync_vm_network": {"false"}}
				for k, v := range c.query {
					q[k] = v
				}
				s.sync(t, run.Ask{Stage: stage, Query: q})
			}
			names := s.names("virtualization.vminterface")
			addresses := s.names("ipam.ipaddress")
			same := func(what string, asks ...run.Ask) {
				t.Helper()
				s.forget()
				for _, ask := range asks {
					ask.Query["sync_vm_network"] = []string{"false"}
					for k, v := range c.query {
						ask.Query[k] = v
					}
					if res := s.sync(t, ask); res.Created+res.Updated+res.Deleted != 0 {
						t.Errorf("%s, %s: %d created, %d updated, %d deleted", what, ask.Stage.Name, res.Created, res.Updated, res.Deleted)
					}
				}
				if s.writes != 0 {
					t.Errorf("%s: %d writes", what, s.writes)
				}
				if got := s.names("virtualization.vminterface"); len(got) != len(names) {
					t.Errorf("%s: interfaces %v, which were %v", what, got, names)
				}
				if got := s.names("ipam.ipaddress"); len(got) != len(addresses) {
					t.Errorf("%s: addresses %v, which were %v", what, got, addresses)
				}
			}
			var stages []run.Ask
			for _, stage := range run.Stages {
				stages = append(stages, run.Ask{Stage: stage, Query: url.Values{}})
			}
			same("again", stages...)
			s.Memory = run.NewMemory(0)
			same("again, sharing nothing", stages...)
			s.pve.Change(func(e *proxmoxsim.Estate) {
				for i := range e.Guests {
					e.Guests[i].Agent = nil
				}
			})
			same("with silent agents", run.Ask{Query: url.Values{}})
			same("with silent agents, stage by stage", stages...)
		})
	}
}
