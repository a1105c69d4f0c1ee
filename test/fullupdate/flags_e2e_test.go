//go:build e2e

package fullupdate

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"proxbox/internal/run"
	"proxbox/internal/settings"
	proxmoxsim "proxbox/internal/sim/proxmox"
)

type object = map[string]any

// one is the object of a list with a name or address.
func (f *field) one(t *testing.T, path, name string) object {
	t.Helper()
	var page struct {
		Results []object `json:"results"`
	}
	f.Must(t, http.MethodGet, "/api/"+path+"?limit=0", nil, &page)
	for _, o := range page.Results {
		if o["name"] == name || o["address"] == name {
			return o
		}
	}
	t.Fatalf("there is no %s %s", path, name)
	return nil
}

func (f *field) made(t *testing.T, path string, o object) int {
	t.Helper()
	var got struct {
		ID int `json:"id"`
	}
	f.Must(t, http.MethodPost, "/api/"+path, o, &got)
	return got.ID
}

// shown is a field as text: the names or slugs of what it points at.
func shown(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case object:
		for _, k := range []string{"value", "slug", "name"} {
			if s, ok := v[k].(string); ok {
				return s
			}
		}
		return fmt.Sprint(v)
	case []any:
		var all []string
		for _, e := range v {
			all = append(all, shown(e))
		}
		return strings.Join(all, " ")
	}
	return fmt.Sprint(v)
}

// TestFlags: a sample of the overwrite flags on the real NetBox, each with a
// person's value and none, true and false, from the endpoint's row.
func TestFlags(t *testing.T) {
	estate := proxmoxsim.Demo(18)
	estate.Guest(100).Pool, estate.Guest(100).HAState = "shop", "started"
	f := newField(t, estate)
	f.sync(t, run.Ask{})
	person := f.made(t, "extras/tags/", object{"name": "Theirs", "slug": "theirs"})
	platform := f.made(t, "dcim/platforms/", object{"name": "Theirs", "slug": "theirs"})
	const endpoints, vms = "plugins/proxbox/endpoints/proxmox/", "virtualization/virtual-machines/"
	row := f.one(t, endpoints, "lab")
	cases := []struct {
		flag, path, name, field string
		theirs, empty           any
		want                    [4]string // a person's with true, with false; none with true, with false
	}{
		{"device_status", "dcim/devices/", "pve1", "status", "planned", nil, [4]string{"active", "planned"}},
		{"device_tags", "dcim/devices/", "pve1", "tags", []int{person}, []int{}, [4]string{"proxbox theirs", "theirs", "proxbox", "proxbox"}},
		{"cluster_description", "virtualization/clusters/", "demo", "description", "cellar", "",
			[4]string{"Proxmox cluster cluster.", "cellar", "Proxmox cluster cluster.", "Proxmox cluster cluster."}},
		{"vm_description", vms, "web-01", "description", "ask Ann", "", [4]string{"The shop", "ask Ann", "The shop", "The shop"}},
		{"vm_platform", vms, "web-01", "platform", platform, nil, [4]string{"linux-kernel-2-6-or-newer", "theirs", "linux-kernel-2-6-or-newer", "linux-kernel-2-6-or-newer"}},
		{"vm_custom_fields", vms, "web-01", "custom_fields", object{"proxmox_pool": "mine", "proxmox_ha_state": "mine"}, object{"proxmox_pool": nil, "proxmox_ha_state": nil},
			[4]string{"shop started", "mine mine", "shop started", "shop started"}},
		{"ip_status", "ipam/ip-addresses/", "10.10.0.17/24", "status", "reserved", nil, [4]string{"active", "reserved"}},
		{"ip_address_dns_name", "ipam/ip-addresses/", "10.10.0.17/24", "dns_name", "mine.example.org", "",
			[4]string{"ns1.example.org", "mine.example.org", "ns1.example.org", "ns1.example.org"}},
	}
	for i := range 4 {
		flags := object{}
		for _, c := range cases {
			v := c.theirs
			if i > 1 {
				v = c.empty
			}
			if c.want[i] != "" { // else it cannot be empty
				o := f.one(t, c.path, c.name)
				f.Must(t, http.MethodPatch, fmt.Sprintf("/api/%s%v/", c.path, o["id"]), object{c.field: v}, nil)
			}
			flags["overwrite_"+c.flag] = i%2 == 0
		}
		f.Must(t, http.MethodPatch, fmt.Sprintf("/api/%s%v/", endpoints, row["id"]), flags, nil)
		f.sync(t, run.Ask{})
		for _, c := range cases {
			o := f.one(t, c.path, c.name)
			got := shown(o[c.field])
			if custom, ok := o[c.field].(object); ok && c.field == "custom_fields" {
				got = strings.TrimSpace(shown(custom["proxmox_pool"]) + " " + shown(custom["proxmox_ha_state"]))
			}
			if want := c.want[i]; want != "" && got != want {
				t.Errorf("overwrite_%s, case %d: %s is %q, want %q", c.flag, i, c.field, got, want)
			}
		}
	}
	f.noWrites(t, "after all flags")
}

// TestModesAndFilters: on the real NetBox what is made once is tagged and left
// alone, what is disabled is used as it is, and what is filtered stays.
func TestModesAndFilters(t *testing.T) {
	f := newField(t, proxmoxsim.Demo(12))
	once := url.Values{}
	for _, m := range []string{"vm", "vm_template", "vm_interface", "mac", "ip_address", "cluster", "node", "storage"} {
		once.Set("sync_mode_"+m, string(settings.BootstrapOnly))
	}
	ask := run.Ask{Query: once}
	if res := f.sync(t, ask); res.Outcome != run.OutcomeCompleted {
		t.Fatalf("%v", res.Reports)
	}
	for _, o := range []object{f.one(t, "virtualization/clusters/", "demo"), f.one(t, "dcim/devices/", "pve1"), f.one(t, "virtualization/virtual-machines/", "web-01"),
		f.one(t, "ipam/ip-addresses/", "10.10.0.2/24"), f.one(t, "virtualization/interfaces/", "net0"), f.one(t, "plugins/proxbox/storage/", "nas")} {
		if !slices.Contains(strings.Fields(shown(o["tags"])), "bootstrap-only") {
			t.Errorf("%v has the tags %s", o["display"], shown(o["tags"]))
		}
	}
	f.pve.Change(t, func(e *proxmoxsim.Estate) {
		e.Guest(100).Set("memory", "4096")
		e.Guest(100).Set("net0", "virtio=BC:24:11:00:00:64,bridge=vmbr0,tag=99")
		e.Guest(108).Set("scsi0", "local-lvm:vm-108-disk-0,size=99G")
		e.Node("pve2").Offline = true
	})
	if res := f.sync(t, ask); res.Created+res.Updated+res.Deleted != 0 {
		t.Errorf("made once: %v", res.Done)
	}
	disabled := run.Ask{Query: url.Values{"sync_mode_vm": {"disabled"}, "sync_mode_vm_template": {"disabled"}, "sync_mode_cluster": {"disabled"}}}
	if res := f.sync(t, disabled); res.Created+res.Updated+res.Deleted != 0 {
		t.Errorf("disabled: %v", res.Done)
	}
	values, err := settings.Load([]string{"PROXBOX_FILTER_EXCLUDE_NAMES=*", "PROXBOX_FILTER_EXCLUDE_STORAGES=*", "PROXBOX_DELETE_ORPHANS=true"})
	if err != nil {
		t.Fatal(err)
	}
	f.launcher.Settings = values
	for _, c := range f.sync(t, run.Ask{}).Done {
		if strings.Contains(string(c.Key), "/qemu/") || strings.Contains(string(c.Key), "/lxc/") || strings.Contains(string(c.Key), "/storage/") {
			t.Errorf("filtered: %s %s %s %v", c.Op, c.Kind, c.Label, c.Set)
		}
	}
}
