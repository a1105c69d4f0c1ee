package plan_test

import (
	"testing"

	"proxbox/internal/domain"
)

// TestCustomFieldKeepsItsOrder: NetBox answers the types of object that have a
// custom field in an order of its own. What it has already is no change.
func TestCustomFieldKeepsItsOrder(t *testing.T) {
	for name, c := range map[string]struct {
		types  string
		writes []string
	}{
		"in NetBox's order": {`["virtualization.virtualmachine","dcim.device"]`, nil},
		"without ours": {`["dcim.device"]`, []string{
			`~ customfield custom field proxmox_uuid object_types ["dcim.device"]→["dcim.device","virtualization.virtualmachine"]`}},
	} {
		t.Run(name, func(t *testing.T) {
			w := synced(t, small())
			w.set(t, domain.KindCustomField, "proxmox_uuid", "object_types", c.types)
			w.check(t, c.writes, nil, small())
		})
	}
}
