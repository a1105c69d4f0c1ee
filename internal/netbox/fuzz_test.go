package netbox

import (
	"maps"
	"slices"
	"testing"

	"proxbox/internal/domain"
)

// FuzzDecode: whatever NetBox answers in place of an object is read or refused,
// never a panic, and what was read can be compared.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"id": 1}`, `{"id": 1, "name": null, "tags": [{"id": 2}, 3], "status": {"value": "active", "label": "Active"}, "cluster": {"id": 4}, "vcpus": "2.00"}`,
		`{"id": 1, "assigned_object_type": "dcim.interface", "assigned_object_id": 5, "address": "192.0.2.1/24", "mac_address": "aa:bb:cc:00:11:22"}`,
		`{"id": 1, "custom_fields": {"proxmox_vm_id": 100.5, "proxmox_uuid": ["x"], "proxmox_tags": {"a": 1}}, "last_updated": "2026-01-01T00:00:00.5+02:00"}`,
		`{"id": {}, "scope_type": 7, "scope_id": "x"}`, `{"id": 1e400, "raw_config": {"b": 1, "a": [1e400]}, "memory": "NaN"}`, `[]`, `{"id": 1, "status": {}}`,
	} {
		f.Add([]byte(seed))
	}
	kinds := slices.Sorted(maps.Keys(specs))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, kind := range kinds {
			row, err := Decode(kind, raw)
			if err != nil {
				continue
			}
			for name, v := range row.Fields {
				if !domain.Equal(v, v) {
					t.Errorf("%s: %s is %#v, which is not itself", kind, name, v)
				}
			}
		}
	})
}
