//go:build unix

// Package netboxstate writes down what a NetBox has and what was changed in
// it, as lines that a person can read and a test can compare.
package netboxstate

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// NetBox is what the package asks: a lab.Server, or a simulator behind the
// same method.
type NetBox interface {
	Must(t testing.TB, method, path string, body, into any)
}

// list is one of NetBox's lists, by a short name.
type list struct {
	name, path string
	// key are the fields that tell one of its objects from another, if it is
	// one that people know by a key.
	key []string
}

// lists are those whose rows make up the state.
var lists = []list{
	{"tag", "extras/tags", []string{"slug"}},
	{"custom field", "extras/custom-fields", []string{"name"}},
	{"site", "dcim/sites", []string{"name"}},
	{"manufacturer", "dcim/manufacturers", []string{"name"}},
	{"device type", "dcim/device-types", []string{"model"}},
	{"device role", "dcim/device-roles", []string{"name"}},
	{"platform", "dcim/platforms", []string{"name"}},
	{"device", "dcim/devices", []string{"name", "cluster", "site"}},
	{"interface", "dcim/interfaces", []string{"device", "name"}},
	{"mac address", "dcim/mac-addresses", []string{"mac_address", "assigned_object"}},
	{"cluster type", "virtualization/cluster-types", []string{"name"}},
	{"cluster", "virtualization/clusters", []string{"name", "scope"}},
	{"virtual machine type", "virtualization/virtual-machine-types", []string{"name"}},
	{"virtual machine", "virtualization/virtual-machines", []string{"name", "cluster"}},
	{"virtual disk", "virtualization/virtual-disks", []string{"virtual_machine", "name"}},
	{"vm interface", "virtualization/interfaces", []string{"virtual_machine", "name"}},
	{"vlan", "ipam/vlans", []string{"vid", "site", "group"}},
	{"ip address", "ipam/ip-addresses", []string{"address", "vrf", "assigned_object"}},
	{"proxmox cluster", "plugins/proxbox/proxmox-clusters", nil},
	{"proxmox node", "plugins/proxbox/proxmox-nodes", nil},
	{"vm state", "plugins/proxbox/sync-state/virtual-machines", nil},
	{"device state", "plugins/proxbox/sync-state/devices", nil},
	{"cluster state", "plugins/proxbox/sync-state/clusters", nil},
	{"disk state", "plugins/proxbox/sync-state/virtual-disks", nil},
	{"vm interface state", "plugins/proxbox/sync-state/vm-interfaces", nil},
	{"ip address state", "plugins/proxbox/sync-state/ip-addresses", nil},
	{"interface state", "plugins/proxbox/sync-state/interfaces", nil},
	{"guest interface", "plugins/proxbox/guest-vm-interfaces", nil},
	{"guest interface address", "plugins/proxbox/guest-vm-interface-addresses", nil},
	{"cloud-init", "plugins/proxbox/vm-cloudinit", nil},
	{"storage", "plugins/proxbox/storage", nil},
	{"snapshot", "plugins/proxbox/snapshots", nil},
	{"backup", "plugins/proxbox/backups", nil},
	{"task", "plugins/proxbox/task-history", nil},
	{"replication", "plugins/proxbox/replications", nil},
	{"backup routine", "plugins/proxbox/backup-routines", nil},
}

// notState are fields that say nothing that matters, or that differ each time.
var notState = map[string]bool{
	"id": true, "url": true, "display": true, "display_url": true, "created": true, "last_updated": true, "proxmox_last_updated": true, "last_synced": true,
	"_depth": true, "_occupied": true, "config_context": true, "available": true,
}

func rows(t testing.TB, nb NetBox, path string) []map[string]any {
	t.Helper()
	var page struct {
		Results []map[string]any `json:"results"`
		Next    *string          `json:"next"`
	}
	nb.Must(t, http.MethodGet, "/api/"+path+"/?limit=1000", nil, &page)
	if page.Next != nil {
		t.Fatalf("netboxstate: %s has more rows than one page", path)
	}
	return page.Results
}

// Lines is what NetBox has, one line an object, sorted: names in place of ids,
// and nothing that is empty.
func Lines(t testing.TB, nb NetBox) []string {
	t.Helper()
	var lines []string
	for _, l := range lists {
		for _, row := range rows(t, nb, l.path) {
			lines = append(lines, l.name+" "+line(row))
		}
	}
	slices.Sort(lines)
	return lines
}

func line(row map[string]any) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(row)) {
		if notState[name] || strings.HasSuffix(name, "_count") || strings.HasSuffix(name, "object_id") {
			continue
		}
		if v := plain(row[name]); v != "" {
			parts = append(parts, name+"="+v)
		}
	}
	return strings.Join(parts, " ")
}

// ofLab is where a Proxmox VE of the lab answers; its port is another each time.
var ofLab = regexp.MustCompile(`https://127\.0\.0\.\d+:\d+`)

// plain is a value as a person knows it: an object's own name, within what it
// hangs on where that alone says little.
func plain(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return ofLab.ReplaceAllString(v, "https://pve")
	case bool:
		return fmt.Sprint(v)
	case map[string]any:
		if value, ok := v["value"]; ok {
			return plain(value)
		}
		if _, ok := v["id"]; ok {
			name := plain(v["display"])
			for _, owner := range []string{"virtual_machine", "device"} {
				if o, ok := v[owner].(map[string]any); ok {
					return plain(o["display"]) + "/" + name
				}
			}
			return name
		}
		return strings.Trim(line(v), " ")
	case []any:
		var all []string
		for _, e := range v {
			all = append(all, plain(e))
		}
		slices.Sort(all)
		return strings.Join(all, ",")
	}
	raw, err := json.Marshal(v)
	if err != nil || string(raw) == "0" {
		return ""
	}
	return string(raw)
}
