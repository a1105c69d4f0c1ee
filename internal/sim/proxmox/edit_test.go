package proxmoxsim

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStartTakesWhatIsPending(t *testing.T) {
	g := Guest{Status: "stopped", Config: Row{"memory": "1024", "swap": 512, "name": "x"}, Pending: Row{"memory": "2048", "swap": nil, "net0": "virtio"}}
	g.Start()
	want := Guest{Status: "running", Config: Row{"memory": "2048", "name": "x", "net0": "virtio"}}
	if diff := cmp.Diff(want, g); diff != "" {
		t.Errorf("(-, +):\n%s", diff)
	}
}

func TestAddTakesTheFirstGap(t *testing.T) {
	g := Guest{Config: Row{"net0": "a", "net2": "c"}}
	if first, second := g.Add("net", "b"), g.Add("net", "d"); first != "net1" || second != "net3" || g.Config["net1"] != "b" {
		t.Errorf("%s and %s: %v", first, second, g.Config)
	}
}

// TestEditsMustHit: an edit that changes nothing would make a test pass that
// tests nothing.
func TestEditsMustHit(t *testing.T) {
	e := Demo(3)
	for name, edit := range map[string]func(){
		"no such guest":   func() { e.Guest(99) },
		"no such node":    func() { e.Node("pve9") },
		"no such storage": func() { e.Storage("tape") },
		"removed twice":   func() { e.Remove(101); e.Remove(101) },
		"no such option":  func() { e.Guest(100).Unset("net9") },
		"no such address": func() { e.Guest(100).Readdress("192.0.2.1/24", "192.0.2.2/24") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: it went through", name)
				}
			}()
			edit()
		}()
	}
}

func TestRightsFurtherDownReplaceThoseAbove(t *testing.T) {
	r := Grant("/", "VM.Audit", "Sys.Audit").And("/vms/101").And("/pool/lab", "VM.Audit")
	r["/vms/102"] = map[string]bool{"VM.Audit": false}
	for path, want := range map[string]bool{"/": true, "/vms": true, "/vms/100": true, "/vms/101": false, "/vms/1010": true, "/vms/102": true, "/vms/102/x": false} {
		if got := r.has(path, "VM.Audit"); got != want {
			t.Errorf("VM.Audit on %s: %t", path, got)
		}
	}
	if !r.onGuest(&Guest{VMID: 101, Pool: "lab"}, "VM.Audit") {
		t.Error("a pool gives no right to its guests")
	}
	if p := r.permissions(); p["/vms/102"]["VM.Audit"] != 0 || p["/vms"]["VM.Audit"] != 1 || p["/vms/101"] == nil || len(p["/vms/101"]) != 0 {
		t.Errorf("permissions: %v", p)
	}
}
