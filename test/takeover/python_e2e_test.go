//go:build e2e

package takeover

import (
	"slices"
	"testing"

	"proxbox/test/lab"
	"proxbox/test/lab/netboxstate"
)

const pluginEndpoints = "plugins/proxbox/endpoints/proxmox"

// fromPython is the NetBox that the Python service filled.
func fromPython(t *testing.T) *field {
	t.Helper()
	f := newField(t, lab.PythonEstate(), "python-0.0.28")
	f.connect(t, only(t, f, pluginEndpoints, ""))
	return f
}

// TestFromPython: what the Python service 0.0.28.post1 made is ours from the
// first run on. Nothing is made twice, nothing goes away, and the second run
// has nothing left to write.
func TestFromPython(t *testing.T) {
	f := fromPython(t)
	before, last, guests := netboxstate.CountWithPlugin(t, f), f.LastChange(t), guestIDs(t, f)

	first := f.sync(t)

	now := guestIDs(t, f)
	for vmid, id := range guests {
		if now[vmid] != id {
			t.Errorf("guest %d was virtual machine %d and is %d", vmid, id, now[vmid])
		}
	}

	got := slices.Concat([]string{"# what is new"}, compare(t, before, netboxstate.CountWithPlugin(t, f)),
		[]string{"# what is changed"}, netboxstate.Written(t, f.Changes(t, last)),
		[]string{"# what is reported"}, conflicts(first))
	netboxstate.Golden(t, "python-0.0.28", got)

	f.rest(t, "the second run")
	f.rest(t, "the third run")
}

// guestIDs are the ids of virtual machines by vmid.
func guestIDs(t *testing.T, f *field) map[int]int {
	t.Helper()
	ids := map[int]int{}
	for _, r := range find(t, f, "plugins/proxbox/sync-state/virtual-machines", "") {
		ids[int(r["proxmox_vm_id"].(float64))] = int(r["virtual_machine"].(row)["id"].(float64))
	}
	if len(ids) == 0 {
		t.Fatal("NetBox knows no guest")
	}
	return ids
}

// TestPeopleReal and TestSitesReal are what people do, beside and to what the
// Python service made.
func TestPeopleReal(t *testing.T) { people(t, fromPython(t)) }

func TestSitesReal(t *testing.T) { sites(t, fromPython(t)) }
