package server

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	netboxsim "proxbox/internal/sim/netbox"
	proxmoxsim "proxbox/internal/sim/proxmox"
)

// asked are the requests that NetBox got since the last time.
func (f *fixture) asked() int {
	n := f.netbox.Stats().Requests
	f.netbox.ResetStats()
	return n
}

func (f *fixture) metrics() map[string]any {
	f.t.Helper()
	return f.get("/cache/metrics").(map[string]any)
}

func TestCacheOfNetBoxReads(t *testing.T) {
	f := newFixture(t).withKeys().withEndpoints()
	f.netbox.InstallBranching()
	f.get("/full-update")
	f.asked()
	first := f.get("/virtualization/virtual-machines/").([]any)
	if len(first) != 3 || f.asked() == 0 {
		t.Fatalf("%d guests", len(first))
	}
	if again := f.get("/virtualization/virtual-machines/").([]any); len(again) != 3 || f.asked() != 0 {
		t.Error("the second time NetBox is asked, too")
	}
	f.get("/virtualization/virtual-machines/?netbox_branch_schema_id=td5smq0f")
	if f.asked() == 0 {
		t.Error("a branch is answered what the main has")
	}
	m := f.metrics()
	if m["hits"] != 1.0 || m["misses"] != 2.0 || m["hit_rate"] != 33.33 || m["current_entries"] != 2.0 || m["max_entries"] != 4096.0 ||
		m["max_bytes"] != 52428800.0 || m["ttl_seconds"] != 60.0 || m["current_bytes"].(float64) < 1000 {
		t.Errorf("metrics %v", m)
	}
	about := f.get("/cache").(map[string]any)
	sample := about["netbox_get_cache_sample"].([]any)
	if len(sample) != 2 || sample[1].(map[string]any)["path"] != "virtualization/virtual-machines/" || about["proxbox_cache"] == nil ||
		about["netbox_get_cache_metrics"].(map[string]any)["hits"] != 1.0 {
		t.Errorf("cache %v", about)
	}
	w := f.call(http.MethodGet, "/cache/metrics/prometheus", goodKey, "")
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
		t.Errorf("%d %s", w.Code, w.Header().Get("Content-Type"))
	}
	for _, line := range []string{"# TYPE proxbox_cache_hits counter\nproxbox_cache_hits 1\n", "# TYPE proxbox_cache_max_bytes gauge\nproxbox_cache_max_bytes 5.24288e+07\n",
		"proxbox_cache_oldest_age_seconds "} {
		if !strings.Contains(w.Body.String(), line) {
			t.Errorf("%q is not in\n%s", line, w.Body)
		}
	}

	// What we write is seen at once.
	f.proxmox.Change(func(e *proxmoxsim.Estate) { e.Guest(100).Rename("renamed") })
	f.get("/sync/individual/vm?" + guest100)
	if !strings.Contains(f.call(http.MethodGet, "/virtualization/virtual-machines/", goodKey, "").Body.String(), `"renamed"`) {
		t.Error("after a write the old answer is given")
	}
	if m := f.metrics(); m["invalidations"] != 2.0 || m["current_entries"] != 1.0 {
		t.Errorf("metrics %v", m)
	}

	// What others write is seen when the cache is cleared.
	if err := f.netbox.Patch("virtualization.virtualmachine", 1, map[string]any{"comments": "from a person"}); err != nil {
		t.Fatal(err)
	}
	look := func() bool {
		return strings.Contains(f.call(http.MethodGet, "/virtualization/virtual-machines/", goodKey, "").Body.String(), "from a person")
	}
	if look() {
		t.Error("the answer was not kept")
	}
	if out := f.get("/clear-cache").(map[string]any); out["message"] != "All caches cleared" {
		t.Errorf("%v", out)
	}
	if !look() {
		t.Error("after clearing the old answer is given")
	}
	held := f.get("/cache").(map[string]any)["proxbox_cache"].(map[string]any)
	if held["netbox_inventory"] != false || len(held["proxmox_endpoints"].([]any)) != 0 {
		t.Errorf("after clearing %v", held)
	}
}

func TestCacheIsOffAndBound(t *testing.T) {
	f := newFixture(t, "PROXBOX_NETBOX_GET_CACHE_TTL=0").withKeys().withEndpoints()
	for range 2 {
		f.get("/netbox/status")
		if f.asked() == 0 {
			t.Error("with a time to live of 0 an answer is kept")
		}
	}
	f = newFixture(t, "PROXBOX_NETBOX_GET_CACHE_MAX_ENTRIES=1").withKeys().withEndpoints()
	f.get("/netbox/status")
	f.get("/dcim/devices")
	if m := f.metrics(); m["current_entries"] != 1.0 || m["evictions_size"] != 1.0 || m["max_entries"] != 1.0 {
		t.Errorf("metrics %v", m)
	}
}

func TestNetBoxReads(t *testing.T) {
	f := newFixture(t).withKeys()
	check := func(path string, status int, text string) {
		t.Helper()
		w := f.call(http.MethodGet, path, goodKey, "")
		checkEveryAnswer(t, path, w)
		checkDocumented(t, f.Server, http.MethodGet, path, w)
		if w.Code != status || !strings.Contains(w.Body.String(), text) {
			t.Errorf("%s: %d %.300s; want %d with %s", path, w.Code, w.Body, status, text)
		}
	}
	check("/netbox/status", 409, "NetBox endpoint")
	f.withEndpoints()
	f.get("/full-update")
	check("/netbox/status", 200, `"netbox-version":"4.7.3"`)
	check("/dcim/devices", 200, `"name":"pve1"`)
	check("/dcim/devices?name=pve2&fields=id,name", 200, `"name":"pve2"`)
	check("/virtualization/virtual-machines/1", 200, `"id":1`)
	check("/virtualization/virtual-machines/99", 404, "Virtual machine not found")
	check("/virtualization/virtual-machines/x", 422, `"loc":["path","id"]`)
	check("/virtualization/virtual-machines/1/summary", 501, "/virtualization/virtual-machines/1")
	check("/virtualization/virtual-machines/summary/example", 200, `"memory"`)
	check("/virtualization/virtual-machines/create-test", 501, "dry_run")
	check("/virtualization/clusters/create", 501, "/dcim/devices/create")
	check("/virtualization/cluster-types/create", 501, "/dcim/devices/create")
	if devices := f.get("/dcim/devices?name=pve2").([]any); len(devices) != 1 {
		t.Errorf("NetBox's filter is not passed on: %d devices", len(devices))
	}
	if raw := f.call(http.MethodGet, "/virtualization/virtual-machines/", goodKey, "").Body.String(); strings.Contains(raw, "config_context") {
		t.Error("the context of each guest is read, which costs NetBox more than all the rest")
	}
	if !json.Valid(exampleSummary) {
		t.Error("the example is not JSON")
	}
	f.netbox.SetFault(func(r *http.Request) *netboxsim.Fault {
		if strings.HasPrefix(r.URL.Path, "/api/schema/") && r.URL.Query().Get("format") == "json" {
			return &netboxsim.Fault{Status: 200, Body: `{"openapi":"3.0.3"}`}
		}
		return nil
	})
	check("/netbox/openapi", 200, `"openapi":"3.0.3"`)
	f.get("/clear-cache")
	f.setFault(func(*http.Request) error { return errRefused })
	check("/netbox/openapi", 502, "NetBox could not be read")
	check("/dcim/devices", 502, "connection refused")
}
