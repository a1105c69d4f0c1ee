package run_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"proxbox/internal/domain"
	"proxbox/internal/netbox"
	"proxbox/internal/run"
	"proxbox/internal/settings"
	proxmoxsim "proxbox/internal/sim/proxmox"
)

// flagCase is what an overwrite flag does to one field of one object.
type flagCase struct {
	flag, kind, name, field string
	theirs                  any // what a person writes; nil for a tag of theirs
	empty                   any // what the field is when it is empty; "never" when it cannot be
	ours                    string
	// keeps is set where no flag gives the field to us once a person wrote it,
	// or emptied it; apart where nothing of it is ours at all.
	keeps, apart bool
	// unfilled is set where the flag alone gives it to us, empty or not.
	unfilled bool
}

const never = "never"

// flagCases: each of the flags. Custom fields and tags that we do not write are
// a person's, whatever the flag.
func flagCases(other map[string]int) []flagCase {
	cf := func(flag, kind, name string) flagCase {
		return flagCase{flag: flag, kind: kind, name: name, field: "custom_fields.asset", theirs: "A-1", apart: true}
	}
	tags := func(flag, kind, name string) flagCase {
		return flagCase{flag: flag, kind: kind, name: name, field: "tags", empty: []int{}, ours: "proxbox"}
	}
	parts := func(flag, kind, name string) flagCase {
		c := tags(flag, kind, name)
		c.unfilled = true
		return c
	}
	const device, vm, cluster, iface, vmiface, ip = "dcim.device", "virtualization.virtualmachine", "virtualization.cluster", "dcim.interface",
		"virtualization.vminterface", "ipam.ipaddress"
	return []flagCase{
		{flag: "device_role", kind: device, name: "pve1", field: "role", theirs: other["role"], empty: never, ours: "Proxmox Node"},
		{flag: "device_type", kind: device, name: "pve1", field: "device_type", theirs: other["type"], empty: never, ours: "Proxmox Generic Device"},
		tags("device_tags", device, "pve1"),
		{flag: "device_status", kind: device, name: "pve1", field: "status", theirs: "planned", empty: never, ours: "active"},
		{flag: "device_description", kind: device, name: "pve1", field: "description", theirs: "rack 7", empty: "", ours: "Proxmox Node pve1"},
		cf("device_custom_fields", device, "pve1"),
		{flag: "vm_role", kind: vm, name: "web-01", field: "role", theirs: other["role"], empty: never, ours: "Default", keeps: true},
		{flag: "vm_type", kind: vm, name: "web-01", field: "virtual_machine_type", theirs: other["vmtype"], ours: "QEMU Virtual Machine"},
		{flag: "vm_platform", kind: vm, name: "web-01", field: "platform", theirs: other["platform"], ours: "Linux (kernel 2.6 or newer)"},
		tags("vm_tags", vm, "web-01"),
		{flag: "vm_proxmox_tags", kind: vm, name: "web-01", field: "tags", empty: []int{}, ours: "fresh"},
		{flag: "vm_description", kind: vm, name: "web-01", field: "description", theirs: "ask Ann", empty: "", ours: "The shop"},
		{flag: "vm_custom_fields", kind: vm, name: "web-01", field: "custom_fields.proxmox_pool", theirs: "mine", ours: "shop"},
		{flag: "vm_custom_fields", kind: vm, name: "web-01", field: "custom_fields.proxmox_ha_state", theirs: "mine", ours: "started"},
		cf("vm_custom_fields", vm, "web-01"),
		{flag: "vm_cloudinit", kind: "netbox_proxbox.proxmoxvmcloudinit", name: "docker-01", field: "ciuser", theirs: "root", empty: "", ours: "admin"},
		tags("cluster_tags", cluster, "demo"),
		{flag: "cluster_description", kind: cluster, name: "demo", field: "description", theirs: "cellar", empty: "", ours: "Proxmox cluster cluster."},
		cf("cluster_custom_fields", cluster, "demo"),
		parts("node_interface_tags", iface, "vmbr0"),
		cf("node_interface_custom_fields", iface, "vmbr0"),
		tags("storage_tags", "netbox_proxbox.proxmoxstorage", "nas"),
		parts("vm_interface_tags", vmiface, "net2"),
		cf("vm_interface_custom_fields", vmiface, "net2"),
		{flag: "ip_status", kind: ip, name: "10.10.0.6/24", field: "status", theirs: "reserved", empty: never, ours: "active"},
		parts("ip_tags", ip, "10.10.0.6/24"),
		cf("ip_custom_fields", ip, "10.10.0.6/24"),
		{flag: "ip_address_dns_name", kind: ip, name: "10.10.0.17/24", field: "dns_name", theirs: "mine.example.org", empty: "", ours: "ns1.example.org"},
	}
}

// named finds an object by its name, address or virtual machine.
func (s *site) named(t *testing.T, kind, name string) map[string]any {
	t.Helper()
	for _, o := range s.nb.Objects(kind) {
		vm, _ := o["virtual_machine"].(map[string]any)
		if o["name"] == name || o["address"] == name || o["name"] == nil && vm["name"] == name {
			return o
		}
	}
	t.Fatalf("there is no %s %s", kind, name)
	return nil
}

// value is a field as text: the name of what it points at, all tags.
func value(o map[string]any, field string) string {
	name, member, _ := strings.Cut(field, ".")
	v := o[name]
	if m, ok := v.(map[string]any); ok && member != "" {
		v = m[member]
	}
	switch v := v.(type) {
	case nil:
		return ""
	case map[string]any:
		for _, k := range []string{"value", "name", "model"} {
			if text, ok := v[k].(string); ok {
				return text
			}
		}
	case []any:
		var slugs []string
		for _, e := range v {
			slugs = append(slugs, e.(map[string]any)["slug"].(string))
		}
		return strings.Join(slugs, " ")
	}
	return fmt.Sprint(v)
}

// seedOthers makes what people choose instead of ours, and the role that the
// plugin's settings of the endpoint choose.
func (s *site) seedOthers(t *testing.T) map[string]int {
	t.Helper()
	seed := func(kind string, o map[string]any) int {
		ids, err := s.nb.Seed(kind, o)
		if err != nil {
			t.Fatal(err)
		}
		return ids[0]
	}
	named := func(name string) map[string]any { return map[string]any{"name": name, "slug": strings.ToLower(name)} }
	maker := seed("dcim.manufacturer", named("Acme"))
	role := seed("dcim.devicerole", named("Default"))
	seed("extras.customfield", map[string]any{"name": "asset", "type": "text", "object_types": []string{"dcim.device", "dcim.interface",
		"virtualization.virtualmachine", "virtualization.vminterface", "virtualization.cluster", "ipam.ipaddress"}})
	if err := s.nb.Patch("endpoints/proxmox", 1, map[string]any{"default_role_qemu": role}); err != nil {
		t.Fatal(err)
	}
	return map[string]int{
		"role": seed("dcim.devicerole", named("Theirs")), "vmtype": seed("virtualization.virtualmachinetype", named("Theirs")),
		"platform": seed("dcim.platform", named("Theirs")), "tag": seed("extras.tag", named("Theirs")),
		"type": seed("dcim.devicetype", map[string]any{"manufacturer": maker, "model": "Theirs", "slug": "theirs"}),
	}
}

// TestOverwriteFlags: each flag, each kind and field that it names, a value of
// a person's and none, true and false.
func TestOverwriteFlags(t *testing.T) {
	s := newSite(t, 18, 0)
	values, err := settings.Load([]string{"PROXBOX_TAG_PARTS=true"})
	if err != nil {
		t.Fatal(err)
	}
	s.Settings = values
	other := s.seedOthers(t)
	s.pve.Change(func(e *proxmoxsim.Estate) { e.Guest(100).Pool, e.Guest(100).HAState = "shop", "started" })
	s.sync(t, run.Ask{})
	tested := map[string]bool{}
	for _, c := range flagCases(other) {
		tested["overwrite_"+c.flag] = true
		for _, empty := range []bool{false, true} {
			for _, on := range []bool{true, false} {
				if empty && c.empty == never {
					continue
				}
				t.Run(fmt.Sprintf("%s %s empty=%t flag=%t", c.flag, c.field, empty, on), func(t *testing.T) { s.flagCase(t, c, other, empty, on) })
			}
		}
	}
	for _, k := range settings.All() {
		if strings.HasPrefix(k.Name, "overwrite_") && !tested[k.Name] {
			t.Errorf("%s is not tested", k.Name)
		}
	}
	if len(tested) != 26 {
		t.Errorf("%d flags", len(tested))
	}
}

func (s *site) flagCase(t *testing.T, c flagCase, other map[string]int, empty, on bool) {
	o := s.named(t, c.kind, c.name)
	id := int(o["id"].(float64))
	v, theirs := c.theirs, fmt.Sprint(c.theirs)
	if c.theirs == nil {
		v, theirs = []int{other["tag"]}, "theirs"
	}
	if n, ok := c.theirs.(int); ok && n > 0 {
		theirs = "Theirs"
	}
	if empty {
		v, theirs = c.empty, ""
	}
	if c.flag == "vm_proxmox_tags" {
		s.pve.Change(func(e *proxmoxsim.Estate) { e.Guest(100).Set("tags", "prod;web") })
		s.sync(t, run.Ask{})
		s.pve.Change(func(e *proxmoxsim.Estate) { e.Guest(100).Set("tags", "prod;web;fresh") })
	}
	name, member, nested := strings.Cut(c.field, ".")
	if nested {
		v = map[string]any{member: v}
	}
	if err := s.nb.Patch(c.kind, id, map[string]any{name: v}); err != nil {
		t.Fatal(err)
	}
	query := url.Values{"overwrite_" + c.flag: {strconv.FormatBool(on)}}
	s.sync(t, run.Ask{Query: query})
	got := value(s.named(t, c.kind, c.name), c.field)
	want := c.ours
	switch {
	case c.apart, c.keeps && !empty:
		want = theirs
	case !on && (!empty || c.unfilled):
		want = theirs
	}
	if c.field == "tags" && !c.apart && want != theirs {
		if !slices.Contains(strings.Fields(got), want) || !empty && !slices.Contains(strings.Fields(got), theirs) {
			t.Errorf("%s %s has the tags %q, without %s", c.kind, c.name, got, want)
		}
	} else if c.field == "tags" && c.ours != "fresh" || c.field != "tags" {
		if got != want {
			t.Errorf("%s of %s %s is %q, want %q", c.field, c.kind, c.name, got, want)
		}
	} else if slices.Contains(strings.Fields(got), "fresh") {
		t.Errorf("%s has the tags %q", c.name, got)
	}
	if again := s.sync(t, run.Ask{Query: query}); again.Created+again.Updated+again.Deleted != 0 {
		t.Errorf("again: %v", again.Done)
	}
	s.restore(t, c, id, o)
}

// restore gives a field back what it was.
func (s *site) restore(t *testing.T, c flagCase, id int, before map[string]any) {
	t.Helper()
	name, _, _ := strings.Cut(c.field, ".")
	v := before[name]
	switch m := v.(type) {
	case map[string]any:
		if m["value"] != nil {
			v = m["value"]
		} else if m["id"] != nil {
			v = m["id"]
		}
	case []any:
		var ids []any
		for _, e := range m {
			ids = append(ids, e.(map[string]any)["id"])
		}
		v = ids
	}
	if err := s.nb.Patch(c.kind, id, map[string]any{name: v}); err != nil {
		t.Fatal(err)
	}
	s.sync(t, run.Ask{})
}

// TestFlagsOfAnEndpoint: the endpoint's row goes before the plugin's settings,
// and what a run is asked for before both.
func TestFlagsOfAnEndpoint(t *testing.T) {
	for _, c := range []struct {
		name     string
		settings map[string]any
		row      map[string]any
		query    url.Values
		kept     bool
	}{
		{name: "the default"},
		{name: "the settings", settings: map[string]any{"overwrite_vm_description": false}, kept: true},
		{name: "the row before the settings", settings: map[string]any{"overwrite_vm_description": false}, row: map[string]any{"overwrite_vm_description": true}},
		{name: "the row alone", row: map[string]any{"overwrite_vm_description": false}, kept: true},
		{name: "the query before the row", row: map[string]any{"overwrite_vm_description": false}, query: url.Values{"overwrite_vm_description": {"true"}}},
		{name: "a mode of the settings", settings: map[string]any{"sync_mode_vm": "disabled"}, kept: true},
		{name: "a mode of the row before the settings", settings: map[string]any{"sync_mode_vm": "disabled"}, row: map[string]any{"sync_mode_vm": "always"}},
		{name: "a mode of the row", row: map[string]any{"sync_mode_vm": "disabled"}, kept: true},
		{name: "a mode of the query", row: map[string]any{"sync_mode_vm": "disabled"}, query: url.Values{"sync_mode_vm": {"always"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, 3, 0)
			s.sync(t, run.Ask{})
			id := int(s.named(t, "virtualization.virtualmachine", "web-01")["id"].(float64))
			for _, p := range []struct {
				kind   string
				id     int
				fields map[string]any
			}{{"virtualization.virtualmachine", id, map[string]any{"description": "a person's"}}, {"settings", 1, c.settings}, {"endpoints/proxmox", 1, c.row}} {
				if len(p.fields) == 0 {
					continue
				}
				if err := s.nb.Patch(p.kind, p.id, p.fields); err != nil {
					t.Fatal(err)
				}
			}
			s.sync(t, run.Ask{Query: c.query})
			if got := s.named(t, "virtualization.virtualmachine", "web-01")["description"]; (got == "a person's") != c.kept {
				t.Errorf("the description is %q", got)
			}
		})
	}
}

// TestEndpointRowHasEveryFlag: what the settings know as flags is read from the
// rows of endpoints.
func TestEndpointRowHasEveryFlag(t *testing.T) {
	row := map[string]any{"id": 1}
	want := domain.Fields{}
	for _, k := range settings.All() {
		if strings.HasPrefix(k.Name, "overwrite_") {
			row[k.Name], want[k.Name] = true, true
		}
		if strings.HasPrefix(k.Name, "sync_mode_") {
			row[k.Name], want[k.Name] = map[string]any{"value": "disabled", "label": "Disabled"}, "disabled"
		}
	}
	raw, err := json.Marshal(row)
	if err != nil {
		t.Fatal(err)
	}
	got, err := netbox.Decode(domain.KindProxmoxEndpoint, raw)
	if err != nil || !maps.Equal(got.Fields, want) {
		t.Errorf("%v, %v", got, err)
	}
}
