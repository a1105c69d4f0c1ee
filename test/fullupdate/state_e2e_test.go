//go:build e2e

package fullupdate

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"proxbox/test/lab"
)

var update = flag.Bool("update", false, "write the golden files anew")

// lists are the lists of NetBox whose rows make up its state, by a short name.
var lists = []struct{ name, path string }{
	{"tag", "extras/tags"}, {"custom field", "extras/custom-fields"},
	{"site", "dcim/sites"}, {"manufacturer", "dcim/manufacturers"}, {"device type", "dcim/device-types"}, {"device role", "dcim/device-roles"},
	{"platform", "dcim/platforms"}, {"device", "dcim/devices"}, {"interface", "dcim/interfaces"}, {"mac address", "dcim/mac-addresses"},
	{"cluster type", "virtualization/cluster-types"}, {"cluster", "virtualization/clusters"},
	{"virtual machine type", "virtualization/virtual-machine-types"}, {"virtual machine", "virtualization/virtual-machines"},
	{"virtual disk", "virtualization/virtual-disks"}, {"vm interface", "virtualization/interfaces"},
	{"vlan", "ipam/vlans"}, {"ip address", "ipam/ip-addresses"},
	{"proxmox cluster", "plugins/proxbox/proxmox-clusters"}, {"proxmox node", "plugins/proxbox/proxmox-nodes"},
	{"vm state", "plugins/proxbox/sync-state/virtual-machines"}, {"device state", "plugins/proxbox/sync-state/devices"},
	{"cluster state", "plugins/proxbox/sync-state/clusters"}, {"disk state", "plugins/proxbox/sync-state/virtual-disks"},
	{"vm interface state", "plugins/proxbox/sync-state/vm-interfaces"}, {"ip address state", "plugins/proxbox/sync-state/ip-addresses"},
	{"interface state", "plugins/proxbox/sync-state/interfaces"},
}

// notState are fields that say nothing that matters, or that differ each time.
var notState = map[string]bool{
	"id": true, "url": true, "display": true, "display_url": true, "created": true, "last_updated": true, "proxmox_last_updated": true,
	"_depth": true, "_occupied": true, "config_context": true, "available": true,
}

// state is what NetBox has, one line an object, sorted: its name, names in
// place of ids, and nothing that is empty.
func state(t *testing.T, s *lab.Server) []string {
	t.Helper()
	var lines []string
	for _, l := range lists {
		var page struct {
			Results []map[string]any `json:"results"`
			Next    *string          `json:"next"`
		}
		s.Must(t, http.MethodGet, "/api/"+l.path+"/?limit=1000", nil, &page)
		if page.Next != nil {
			t.Fatalf("%s has more rows than one page", l.path)
		}
		for _, row := range page.Results {
			lines = append(lines, l.name+" "+plain(row["display"])+": "+line(row))
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

// fakeAddress is where this run's fakepve listens.
var fakeAddress = regexp.MustCompile(`https://127\.0\.\d+\.\d+:\d+`)

// plain is a value as a person knows it: an object's own name, within what it
// hangs on where that alone says little.
func plain(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return fakeAddress.ReplaceAllString(v, "https://pve")
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

// golden compares lines with a file; -update writes it.
func golden(t *testing.T, name string, got []string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	text := strings.Join(got, "\n") + "\n"
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: run the test with -update and read what it writes", err)
	}
	differ(t, name, strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n"), got)
}

// differ reports the lines that only one of two sorted lists has.
func differ(t *testing.T, what string, want, got []string) {
	t.Helper()
	count := map[string]int{}
	for _, l := range want {
		count[l]--
	}
	for _, l := range got {
		count[l]++
	}
	for _, l := range slices.Sorted(maps.Keys(count)) {
		switch n := count[l]; {
		case n > 0:
			t.Errorf("%s: + %s", what, l)
		case n < 0:
			t.Errorf("%s: - %s", what, l)
		}
	}
}
