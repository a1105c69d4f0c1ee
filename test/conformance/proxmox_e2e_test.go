//go:build e2e

package conformance

import (
	"net/http"
	"testing"

	"proxbox/internal/proxmox/conformance"
	proxmoxsim "proxbox/internal/sim/proxmox"
	"proxbox/test/lab"
)

// fakepve is one as the suite takes it.
type fakepve struct{ *lab.FakeProxmox }

func (fakepve) Transport() http.RoundTripper { return nil }

func TestFakePVEConforms(t *testing.T) {
	fake := fakepve{lab.FakePVE(t, proxmoxsim.Demo(0))}
	conformance.Run(t, conformance.Target{
		// One fakepve runs all estates, one after the other: its start is the
		// longest part.
		Start: func(t testing.TB, e proxmoxsim.Estate) conformance.System {
			fake.Run(t, e)
			return fake
		},
		Quirks: conformance.FakePVE(),
	})
}
