package run_test

import (
	"fmt"
	"strings"
	"testing"

	"proxbox/internal/run"
)

// TestTagPartsLater: parts that were made without the tag get it once parts are
// tagged, those of other people never, and it stays when they are not any more.
func TestTagPartsLater(t *testing.T) {
	s := newSite(t, 9, 0)
	s.sync(t, run.Ask{})
	vm := s.named(t, "virtualization.virtualmachine", "web-01")["id"]
	if _, err := s.nb.Seed("virtualization.vminterface", map[string]any{"virtual_machine": vm, "name": "vpn0"}); err != nil {
		t.Fatal(err)
	}
	s.setenv(t, "PROXBOX_TAG_PARTS=true")
	s.forget()
	res := s.sync(t, run.Ask{})
	if res.Created+res.Deleted != 0 {
		t.Errorf("%d made, %d removed", res.Created, res.Deleted)
	}
	for _, kind := range []string{"virtualization.vminterface", "virtualization.virtualdisk", "ipam.ipaddress", "dcim.interface", "netbox_proxbox.proxmoxstorage",
		"netbox_proxbox.vmsnapshot", "netbox_proxbox.vmbackup"} {
		for _, o := range s.nb.Objects(kind) {
			if tagged := strings.Contains(fmt.Sprint(o["tags"]), "proxbox"); tagged == (o["name"] == "vpn0") {
				t.Errorf("%s %v has the tags %v", kind, o["display"], o["tags"])
			}
		}
	}
	s.forget()
	if again := s.sync(t, run.Ask{}); again.Created+again.Updated+again.Deleted != 0 || len(s.reads) > 60 {
		t.Errorf("again: %d requests, %v", len(s.reads), again.Done)
	}
	s.setenv(t, "")
	if off := s.sync(t, run.Ask{}); off.Created+off.Updated+off.Deleted != 0 {
		t.Errorf("without it: %v", off.Done)
	}
}
