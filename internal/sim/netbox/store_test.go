package netboxsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// call sends one request and returns the status and the body.
func call(s *Server, method, path, body string) (int, string) {
	r := httptest.NewRequest(method, "/api/"+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Token "+Token)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// shadow is what the indexes of a table say, in a form that can be compared.
func shadow(t *table) map[string]any {
	return map[string]any{
		"refs": t.refs, "counts": t.counts, "generic": t.generic, "uniq": t.uniq, "alone": t.alone, "hosts": t.hosts, "tagged": t.tagged,
	}
}

// checkIndexes holds every index against one that is built anew from the rows.
func checkIndexes(t *rapid.T, s *store) {
	fresh := newStore(s.profile, time.Now, false)
	for name, tab := range s.tables {
		if len(tab.byID) != len(tab.rows) || !slices.IsSortedFunc(tab.byID, func(a, b *row) int { return a.id - b.id }) {
			t.Fatalf("%s: %d rows by id, %d in all", name, len(tab.byID), len(tab.rows))
		}
		for _, r := range tab.byID {
			if tab.rows[r.id] != r {
				t.Fatalf("%s %d is there in two versions", name, r.id)
			}
			fresh.swap(fresh.tables[name], nil, r)
		}
		want := shadow(fresh.tables[name])
		if d := cmp.Diff(want, shadow(tab), cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.AllowUnexported(anyKey{})); d != "" {
			t.Fatalf("%s: the indexes (-of the rows +kept): %s", name, d)
		}
	}
}

// TestIndexesHold does things at random, some of which are refused in the
// midst of a batch, and looks whether the indexes are those of the rows and a
// refused request left everything as it was.
func TestIndexesHold(t *testing.T) {
	profiles := []Profile{NetBox47, NetBox45}
	rapid.Check(t, func(t *rapid.T) {
		s := New(rapid.SampledFrom(profiles).Draw(t, "profile"))
		call(s, "POST", "extras/tags/", `[{"name":"a","slug":"a"},{"name":"b","slug":"b"}]`)
		call(s, "POST", "dcim/sites/", `[{"name":"s","slug":"s"}]`)
		call(s, "POST", "virtualization/cluster-types/", `[{"name":"t","slug":"t"}]`)
		call(s, "POST", "virtualization/clusters/", `[{"name":"c1","type":1},{"name":"c2","type":1,"scope_type":"dcim.site","scope_id":1}]`)
		small := rapid.IntRange(1, 6)
		tags := rapid.SampledFrom([]string{"[]", "[1]", "[2]", "[1,2]", "[9]"})
		makers := map[string]func() string{
			"virtualization/virtual-machines/": func() string {
				return fmt.Sprintf(`"name":"vm%d","cluster":%d,"tags":%s`, small.Draw(t, "name"), rapid.IntRange(1, 2).Draw(t, "cluster"), tags.Draw(t, "tags"))
			},
			"virtualization/interfaces/": func() string {
				return fmt.Sprintf(`"name":"net%d","virtual_machine":%d,"tags":%s`, small.Draw(t, "name"), small.Draw(t, "guest"), tags.Draw(t, "tags"))
			},
			"virtualization/virtual-disks/": func() string {
				return fmt.Sprintf(`"name":"d%d","virtual_machine":%d,"size":%d`, small.Draw(t, "name"), small.Draw(t, "guest"), small.Draw(t, "size"))
			},
			"ipam/ip-addresses/": func() string {
				return fmt.Sprintf(`"address":"10.0.0.%d/24","assigned_object_type":"virtualization.vminterface","assigned_object_id":%d`, small.Draw(t, "host"), small.Draw(t, "nic"))
			},
			"dcim/mac-addresses/": func() string {
				return fmt.Sprintf(`"mac_address":"02:00:00:00:00:0%d","assigned_object_type":"virtualization.vminterface","assigned_object_id":%d`, small.Draw(t, "mac"), small.Draw(t, "nic"))
			},
			"plugins/proxbox/sync-state/virtual-machines/": func() string {
				return fmt.Sprintf(`"virtual_machine":%d,"proxmox_vm_id":%d`, small.Draw(t, "guest"), small.Draw(t, "vmid"))
			},
			"extras/tags/": func() string {
				return fmt.Sprintf(`"name":"t%d","slug":"t%d"`, small.Draw(t, "name"), small.Draw(t, "slug"))
			},
		}
		paths := sortedKeys(makers)
		for range rapid.IntRange(1, 25).Draw(t, "requests") {
			path := rapid.SampledFrom(paths).Draw(t, "path")
			method := rapid.SampledFrom([]string{"POST", "POST", "PATCH", "DELETE"}).Draw(t, "method")
			var items []string
			for range rapid.IntRange(1, 3).Draw(t, "objects") {
				item := makers[path]()
				switch method {
				case "PATCH":
					item = fmt.Sprintf(`"id":%d,%s`, small.Draw(t, "id"), item)
				case "DELETE":
					item = fmt.Sprintf(`"id":%d`, small.Draw(t, "id"))
				}
				items = append(items, "{"+item+"}")
			}
			before := string(s.Dump(true, paths...))
			changes := s.Count(changeKind)
			status, _ := call(s, method, path, "["+strings.Join(items, ",")+"]")
			if status >= http.StatusBadRequest && (string(s.Dump(true, paths...)) != before || s.Count(changeKind) != changes) {
				t.Fatalf("%s %s %v was refused with %d and changed something", method, path, items, status)
			}
		}
		checkIndexes(t, s.store)
	})
}

// TestNarrowIsNoMoreThanFaster holds lists that go through an index against
// the same ones without it.
func TestNarrowIsNoMoreThanFaster(t *testing.T) {
	s := New(NetBox47)
	call(s, "POST", "extras/tags/", `[{"name":"a","slug":"a"},{"name":"b","slug":"b"}]`)
	call(s, "POST", "virtualization/cluster-types/", `[{"name":"t","slug":"t"}]`)
	call(s, "POST", "virtualization/clusters/", `[{"name":"c1","type":1}]`)
	call(s, "POST", "virtualization/virtual-machines/", `[{"name":"z","cluster":1},{"name":"y","cluster":1},{"name":"x","cluster":1}]`)
	call(s, "POST", "virtualization/interfaces/", `[{"name":"b","virtual_machine":1},{"name":"a","virtual_machine":1},{"name":"b","virtual_machine":2}]`)
	call(s, "POST", "ipam/ip-addresses/", `[{"address":"10.0.0.1/24","assigned_object_type":"virtualization.vminterface","assigned_object_id":1},{"address":"10.0.0.2/24"}]`)
	for path, want := range map[string][]int{
		"virtualization/virtual-machines/?id=3&id=1":                           {3, 1}, // in their own order: by name
		"virtualization/virtual-machines/?id=3&id=1&ordering=id":               {1, 3},
		"virtualization/virtual-machines/?id=3&id=1&ordering=-id":              {3, 1},
		"virtualization/virtual-machines/?id=3&id=1&start=2":                   {3},
		"virtualization/virtual-machines/?id=3&name=z":                         {},
		"virtualization/virtual-machines/?id=":                                 {3, 2, 1},
		"virtualization/virtual-machines/?id=99":                               {},
		"virtualization/virtual-machines/?id=1&limit=1&offset=1":               {},
		"virtualization/interfaces/?virtual_machine_id=1":                      {2, 1},
		"virtualization/interfaces/?virtual_machine_id=1&id=1&id=3":            {1},
		"virtualization/interfaces/?virtual_machine_id=1&virtual_machine_id=2": {3, 2, 1}, // by the guest's name first
		"virtualization/interfaces/?virtual_machine_id=1&ordering=-name":       {1, 2},
		"virtualization/interfaces/?virtual_machine_id__n=1":                   {3},
		"ipam/ip-addresses/?address=10.0.0.1":                                  {1},
		"ipam/ip-addresses/?address=10.0.0.1/24&address=10.0.0.2/32":           {1},
		"ipam/ip-addresses/?virtual_machine_id=1":                              {1},
		"ipam/ip-addresses/?virtual_machine_id=1&virtual_machine_id=3":         {1},
		"ipam/ip-addresses/?virtual_machine_id=2":                              {},
		"ipam/ip-addresses/?virtual_machine=z":                                 {1},
		"ipam/ip-addresses/?vminterface_id=1":                                  {1},
		"ipam/ip-addresses/?interface_id=1":                                    {},
		"ipam/ip-addresses/?device_id=1":                                       {},
		"ipam/ip-addresses/?address=x":                                         {},
		"extras/tags/?slug=b":                                                  {2},
		"extras/tags/?slug=b&slug=none&name=b":                                 {2},
		"extras/tags/?slug__ic=B":                                              {2},
	} {
		status, body := call(s, "GET", path, "")
		var page struct{ Results []struct{ ID int } }
		if err := json.Unmarshal([]byte(body), &page); err != nil || status != http.StatusOK {
			t.Errorf("%s: %d %s", path, status, body)
			continue
		}
		got := []int{}
		for _, r := range page.Results {
			got = append(got, r.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: want %v, got %v", path, want, got)
		}
	}
}
