//go:build unix

package netboxstate

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"proxbox/test/lab"
)

// Written is what a stretch of NetBox's change log says, one line a change,
// sorted.
func Written(t testing.TB, changes []lab.Change) []string {
	t.Helper()
	var lines []string
	for _, c := range changes {
		_, kind, _ := strings.Cut(c.Type, ".")
		l := fmt.Sprintf("  %s %s %s", c.Action, kind, c.Object)
		if c.Action == "update" {
			l += ": " + strings.Join(changedFields(t, c), ", ")
		}
		lines = append(lines, l)
	}
	slices.Sort(lines)
	return lines
}

// isID are fields whose values are ids, which differ each time, or begin with
// a port that does.
var isID = map[string]bool{"device": true, "proxmox_node": true, "primary_ip4": true, "primary_ip6": true, "primary_mac_address": true,
	"assigned_object_id": true, "untagged_vlan": true, "tagged_vlans": true, "platform": true, "proxbox_bridge": true, "proxbox_storage": true, "proxmox_storage": true,
	"bridge": true, "lag": true, "parent": true, "site": true, "proxmox_link": true, "vm_interface": true}

func changedFields(t testing.TB, c lab.Change) []string {
	t.Helper()
	var before, after map[string]any
	if err := json.Unmarshal(c.Before, &before); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(c.After, &after); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if notState[name] || reflect.DeepEqual(before[name], after[name]) {
			continue
		}
		if isID[name] {
			if after[name] == nil {
				name += " → nothing"
			}
			out = append(out, name)
			continue
		}
		out = append(out, fmt.Sprintf("%s %v → %v", name, before[name], after[name]))
	}
	return out
}
