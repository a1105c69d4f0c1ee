package netbox

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"proxbox/internal/domain"
)

// TestCustomFields: each is read as what it is, and written back so.
func TestCustomFields(t *testing.T) {
	for _, c := range []struct {
		kind       domain.Kind
		name, read string
		want       any
		written    string
	}{
		{domain.KindVirtualMachine, "proxmox_vm_id", "100", 100, "100"},
		{domain.KindVirtualMachine, "proxmox_status", `"running"`, "running", `"running"`},
		{domain.KindVirtualMachine, "proxmox_status", "null", nil, "null"},
		{domain.KindVirtualMachine, "proxmox_status", `["a"]`, `["a"]`, `"[\"a\"]"`}, // a person's, of another type
		{domain.KindVirtualMachine, "proxmox_start_at_boot", "false", false, "false"},
		{domain.KindVirtualDisk, "proxbox_storage_id", `{"id": 3, "url": "http://x/3/", "display": "local"}`, domain.At(domain.KindProxmoxStorage, 3), "3"},
		{domain.KindVirtualDisk, "proxbox_storage_id", "null", nil, "null"},
		{domain.KindVirtualDisk, "proxbox_storage_id", "4", domain.At(domain.KindProxmoxStorage, 4), "4"},
		{domain.KindVMInterface, "proxbox_bridge", `{"id": 5, "name": "vmbr0"}`, domain.At(domain.KindInterface, 5), "5"},
	} {
		row, err := Decode(c.kind, []byte(`{"id": 1, "custom_fields": {"theirs": [{}], "`+c.name+`": `+c.read+`}}`))
		if err != nil {
			t.Errorf("%s %s: %v", c.name, c.read, err)
			continue
		}
		field := "cf_" + c.name
		if d := cmp.Diff(domain.Fields{field: c.want}, row.Fields); d != "" {
			t.Errorf("%s %s (-want +got):\n%s", c.name, c.read, d)
		}
		body, err := Encode(c.kind, 0, row.Fields)
		if err != nil {
			t.Errorf("%s %s: %v", c.name, c.read, err)
			continue
		}
		raw, err := json.Marshal(body)
		if want := `{"custom_fields":{"` + c.name + `":` + c.written + `}}`; err != nil || string(raw) != want {
			t.Errorf("%s %s is written as %s (%v), want %s", c.name, c.read, raw, err, want)
		}
	}
	if row, err := Decode(domain.KindVMInterface, []byte(`{"id": 1, "custom_fields": {"proxbox_bridge": "vmbr0"}}`)); err != nil || row.Fields["cf_proxbox_bridge"] != "vmbr0" {
		t.Errorf("one that a person made a text: %v, %v", row, err)
	}
}
