//go:build unix

package netboxstate

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Census is every object that NetBox has, of the kinds that people know by a
// key: its kind and key, by its kind and id.
type Census map[string]string

// ofPlugin are the lists of the plugin that people know by a key.
var ofPlugin = []list{
	{"storage", "plugins/proxbox/storage", []string{"cluster", "name"}},
	{"snapshot", "plugins/proxbox/snapshots", []string{"virtual_machine", "name"}},
	{"backup", "plugins/proxbox/backups", []string{"volume_id"}},
	{"replication", "plugins/proxbox/replications", []string{"endpoint", "replication_id"}},
	{"backup routine", "plugins/proxbox/backup-routines", []string{"endpoint", "job_id"}},
	{"guest interface", "plugins/proxbox/guest-vm-interfaces", []string{"virtual_machine", "name"}},
	{"guest interface address", "plugins/proxbox/guest-vm-interface-addresses", []string{"guest_interface", "ip_address"}},
	{"cloud-init", "plugins/proxbox/vm-cloudinit", []string{"virtual_machine"}},
}

// Count takes a census.
func Count(t testing.TB, nb NetBox) Census {
	t.Helper()
	return count(t, nb, lists)
}

// CountWithPlugin takes a census that has the plugin's rows too.
func CountWithPlugin(t testing.TB, nb NetBox) Census {
	t.Helper()
	return count(t, nb, slices.Concat(lists, ofPlugin))
}

func count(t testing.TB, nb NetBox, of []list) Census {
	t.Helper()
	c := Census{}
	for _, l := range of {
		if l.key == nil {
			continue
		}
		for _, row := range rows(t, nb, l.path) {
			var key []string
			for _, f := range l.key {
				if v := plain(row[f]); v != "" {
					key = append(key, v)
				}
			}
			c[fmt.Sprintf("%s %v", l.name, row["id"])] = l.name + " " + strings.Join(key, " | ")
		}
	}
	return c
}
