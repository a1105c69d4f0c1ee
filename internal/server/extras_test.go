package server

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	netboxsim "proxbox/internal/sim/netbox"
)

func texts(v any) []string {
	var out []string
	for _, s := range v.([]any) {
		out = append(out, s.(string))
	}
	return out
}

// status is what a route of the bootstrap answers.
func (f *fixture) status(method, path string) map[string]any {
	f.t.Helper()
	w := f.call(method, path, goodKey, "")
	checkEveryAnswer(f.t, path, w)
	checkDocumented(f.t, f.Server, method, path, w)
	if w.Code != http.StatusOK {
		f.t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	body := decode(f.t, w.Body.Bytes()).(map[string]any)
	for _, name := range []string{"warnings", "created", "patched", "unchanged"} {
		if _, ok := body[name].([]any); !ok {
			f.t.Errorf("%s is %v", name, body[name])
		}
	}
	return body
}

func TestBootstrapStatus(t *testing.T) {
	f := newFixture(t).withKeys()
	const path = "/extras/bootstrap-status"
	if got := f.status(http.MethodGet, path); got["ok"] != false || got["skipped"] != true || got["reason"] != "no_netbox_session" {
		t.Errorf("without a NetBox: %v", got)
	}
	f.withEndpoints()
	first := f.status(http.MethodGet, path)
	if first["ok"] != true || first["skipped"] != false || first["reason"] != "made_by_next_sync" || !slices.Contains(texts(first["missing"]), "tag:Proxbox") {
		t.Errorf("before the first sync: %v", first)
	}
	if stats := f.netbox.Stats(); stats.Writes != 0 {
		t.Errorf("%d writes for a look", stats.Writes)
	}
	f.get("/full-update")
	after := f.status(http.MethodGet, path)
	has := texts(after["unchanged"])
	for _, one := range []string{"tag:Proxbox", "cluster_type:cluster", "manufacturer:proxmox", "device_type:proxmox-generic-device", "device_role:proxmox-node",
		"vm_type:qemu-virtual-machine", "custom_field:proxmox_uuid"} {
		if !slices.Contains(has, one) {
			t.Errorf("%s is not among %q", one, has)
		}
	}
	// What this estate does not use is made when one does.
	if missing := texts(after["missing"]); slices.Contains(missing, "tag:Proxbox") || !slices.Contains(missing, "cluster_type:standalone") {
		t.Errorf("missing %q", missing)
	}
	f.setFault(func(*http.Request) error { return errRefused })
	f.launcher.Memory.Forget()
	down := f.status(http.MethodGet, path)
	if down["ok"] != false || down["reason"] != "netbox_unreachable" || !strings.Contains(down["warnings"].([]any)[0].(map[string]any)["error"].(string), "connection refused") {
		t.Errorf("without NetBox: %v", down)
	}
}

const customFields = "/extras/extras/custom-fields/create"

// Release 0.0.15 of the plugin looks for custom fields: they are made once, as
// that release makes them, and a person's are left alone.
func TestCustomFieldsOf0015(t *testing.T) {
	f := newFixture(t).withKeys().withEndpoints()
	f.netbox = netboxsim.New(netboxsim.NetBox47Plugin15)
	f.launcher.NetBoxTransport = f.carry(f.netbox.Client().Transport)
	f.seed("extras.customfield", map[string]any{"name": "proxmox_os", "type": "text", "label": "A person's", "object_types": []any{"virtualization.virtualmachine"}})
	f.seed("extras.customfield", map[string]any{"name": "rack_owner", "type": "text", "object_types": []any{"dcim.site"}})
	list := f.get(customFields).([]any)
	byName := map[string]map[string]any{}
	for _, one := range list {
		field := one.(map[string]any)
		byName[field["name"].(string)] = field
	}
	if len(list) != 43 || len(byName) != 43 || byName["rack_owner"] != nil {
		t.Errorf("%d custom fields", len(list))
	}
	id := byName["proxmox_vm_id"]
	if id["type"].(map[string]any)["value"] != "integer" || id["label"] != "VM ID" || id["search_weight"] != 1000.0 || id["group_name"] != "Proxmox" ||
		id["ui_editable"].(map[string]any)["value"] != "hidden" || id["filter_logic"].(map[string]any)["value"] != "loose" {
		t.Errorf("proxmox_vm_id: %v", id)
	}
	if related := byName["proxbox_storage_id"]["related_object_type"]; related != "netbox_proxbox.proxmoxstorage" {
		t.Errorf("proxbox_storage_id points at %v", related)
	}
	if types := texts(byName["proxmox_os"]["object_types"]); byName["proxmox_os"]["label"] != "A person's" || !slices.Contains(types, "dcim.device") {
		t.Errorf("proxmox_os, which a person made: %v", byName["proxmox_os"])
	}
	written := f.netbox.Count("core.objectchange")
	again := f.status(http.MethodPost, "/extras/custom-fields/reconcile")
	if again["ok"] != true || len(texts(again["unchanged"])) != 43 || len(texts(again["created"])) != 0 || len(texts(again["patched"])) != 0 {
		t.Errorf("once more: %v", again)
	}
	if now := f.netbox.Count("core.objectchange"); now != written {
		t.Errorf("once more, and %d changes were made", now-written)
	}
	if err := f.netbox.Delete("extras.customfield", int(byName["proxmox_node"]["id"].(float64))); err != nil {
		t.Fatal(err)
	}
	if mended := f.status(http.MethodPost, "/extras/custom-fields/reconcile"); !slices.Equal(texts(mended["created"]), []string{"custom_field:proxmox_node"}) {
		t.Errorf("with one that is gone: %v", mended)
	}
}

// Later releases keep rows of their own: nothing is made for them.
func TestCustomFieldsAreNotMadeWhereNothingNeedsThem(t *testing.T) {
	f := newFixture(t).withKeys().withEndpoints()
	before := f.netbox.Count("extras.customfield") // the plugin has some of its own
	for _, one := range f.get(customFields).([]any) {
		if name := one.(map[string]any)["name"]; name != "proxmox_node" && name != "proxmox_storage" {
			t.Errorf("%v", name)
		}
	}
	if got := f.status(http.MethodPost, "/extras/custom-fields/reconcile"); got["ok"] != true || got["skipped"] != true || got["reason"] != "sync_state_rows" {
		t.Errorf("%v", got)
	}
	if stats := f.netbox.Stats(); stats.Writes != 0 || f.netbox.Count("extras.customfield") != before {
		t.Errorf("%d writes", stats.Writes)
	}
}

func TestCustomFieldsThatNetBoxRefuses(t *testing.T) {
	f := newFixture(t).withKeys()
	if w := f.call(http.MethodPost, "/extras/custom-fields/reconcile", goodKey, ""); w.Code != http.StatusConflict {
		t.Errorf("without a NetBox: %d %s", w.Code, w.Body)
	}
	f.withEndpoints()
	f.netbox = netboxsim.New(netboxsim.NetBox47Plugin15)
	f.launcher.NetBoxTransport = f.carry(f.netbox.Client().Transport)
	f.netbox.SetFault(func(r *http.Request) *netboxsim.Fault {
		if r.Method == http.MethodPost {
			return &netboxsim.Fault{Status: 403, Body: `{"detail":"You do not have permission to perform this action."}`}
		}
		return nil
	})
	got := f.status(http.MethodPost, "/extras/custom-fields/reconcile")
	if got["ok"] != false || !strings.Contains(got["detail"].(string), "permission") || len(got["warnings"].([]any)) == 0 {
		t.Errorf("%v", got)
	}
	f.setFault(func(*http.Request) error { return errRefused })
	f.launcher.Memory.Forget()
	w := f.call(http.MethodGet, customFields, goodKey, "")
	checkDocumented(t, f.Server, http.MethodGet, customFields, w)
	if w.Code != http.StatusBadGateway {
		t.Errorf("without NetBox: %d %s", w.Code, w.Body)
	}
}
