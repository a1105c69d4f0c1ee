package netboxsim_test

import (
	"strings"
	"testing"

	"proxbox/internal/domain"
	"proxbox/internal/netbox/conformance"
	netboxsim "proxbox/internal/sim/netbox"
)

// TestSimulatorConforms holds the simulator to what the real NetBox passes.
func TestSimulatorConforms(t *testing.T) {
	for name, profile := range netboxsim.Profiles() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			release, _, _ := strings.Cut(name, "-")
			sim := netboxsim.New(profile)
			conformance.Run(t, conformance.Target{
				Endpoint: domain.NetBoxEndpoint{Name: name, Domain: "netbox.example.org", Port: 80, TokenVersion: "v1", Token: netboxsim.Token},
				Release:  release, Plugin: profile.Plugin != "", SyncState: strings.HasPrefix(profile.Plugin, "0.0.29"),
				Transport: sim.Transport(),
			})
		})
	}
}
