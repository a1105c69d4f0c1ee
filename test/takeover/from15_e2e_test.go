//go:build e2e

package takeover

import (
	"slices"
	"testing"

	proxmoxsim "proxbox/internal/sim/proxmox"
	"proxbox/test/lab/netboxstate"
)

// TestFrom0015Real takes over objects with 0.0.15's custom fields and its tag.
// Beside NetBox 4.7 there is only the newer plugin, whose sync-state rows they
// do not have yet.
func TestFrom0015Real(t *testing.T) {
	f := newField(t, proxmoxsim.Demo(30), "")
	fill15(t, f, snapshot(t, f.pve.Endpoint(), nil))
	f.connect(t, 0)
	before, last := netboxstate.CountWithPlugin(t, f), f.LastChange(t)

	first := f.sync(t)

	got := slices.Concat([]string{"# what is new"}, compare(t, before, netboxstate.CountWithPlugin(t, f)),
		[]string{"# what is changed"}, netboxstate.Written(t, f.Changes(t, last)),
		[]string{"# what is reported"}, conflicts(first))
	netboxstate.Golden(t, "0.0.15", got)

	f.rest(t, "the second run")
	f.rest(t, "the third run")
}
