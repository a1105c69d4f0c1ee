//go:build e2e

package conformance

import (
	"testing"
	"os"
	"strconv"

	"proxbox/internal/proxmox/conformance"
	proxmoxsim "proxbox/internal/sim/proxmox"
	"proxbox/test/lab"
)

func TestZZ(t *testing.T) {
	q := conformance.FakePVE()
	n, _ := strconv.Atoi(os.Getenv("ZZ"))
	t.Log(n, q[conformance.Quirk(n)])
	delete(q, conformance.Quirk(n))
	fake := fakepve{lab.FakePVE(t, proxmoxsim.Demo(0))}
	conformance.Run(t, conformance.Target{
		Start: func(t testing.TB, e proxmoxsim.Estate) conformance.System {
			fake.Run(t, e)
			return fake
		},
		Quirks: q,
	})
}
