package netboxsim

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

// furnished is a server with one object of each kind that the fuzzers write.
func furnished() *Server {
	s := New(NetBox47)
	call(s, "POST", "extras/tags/", `[{"name":"a","slug":"a"}]`)
	call(s, "POST", "dcim/sites/", `[{"name":"s","slug":"s"}]`)
	call(s, "POST", "virtualization/cluster-types/", `[{"name":"t","slug":"t"}]`)
	call(s, "POST", "virtualization/clusters/", `[{"name":"c","type":1}]`)
	call(s, "POST", "virtualization/virtual-machines/", `[{"name":"v","cluster":1}]`)
	call(s, "POST", "virtualization/interfaces/", `[{"name":"n","virtual_machine":1}]`)
	call(s, "POST", "ipam/ip-addresses/", `[{"address":"10.0.0.1/24","assigned_object_type":"virtualization.vminterface","assigned_object_id":1}]`)
	call(s, "POST", "extras/custom-fields/", `[{"name":"x","type":"integer","object_types":["virtualization.virtualmachine"]}]`)
	return s
}

// FuzzWrite sends any body: the answer is JSON, and a refused one changes nothing.
func FuzzWrite(f *testing.F) {
	for _, body := range []string{
		`[{"name":"x","cluster":1,"tags":[1],"custom_fields":{"x":1}}]`, `{"name":"x","cluster":{"name":"c"}}`, `[{"id":1,"vcpus":1e3,"memory":"5","disk":null}]`,
		`[{"id":1,"name":"v","add_tags":[1],"remove_tags":[{"slug":"a"}]}]`, `[{"address":"10.0.0.1/24","vrf":null,"role":""}]`, `[{"address":"::1/0"}]`,
		`[{"mac_address":"0200.0000.0001","assigned_object_type":"virtualization.vminterface","assigned_object_id":1}]`,
		`[{"name":"g","slug":"g","vid_ranges":[[1,2],[3]]}]`, `[{"name":"y","type":"object","object_types":["dcim.site"],"related_object_type":"dcim.site","default":1}]`,
		`[{"virtual_machine":1,"name":"m","mode":"tagged","tagged_vlans":[1],"untagged_vlan":{"vid":1}}]`, `[{"virtual_machine":1,"proxmox_link":"https://a.b/","endpoint":1}]`,
		`[[]]`, `null`, `7`, `{"id":{}}`, `[{"id":[]}]`, `[{"id":1e99}]`,
	} {
		for method := range uint8(4) {
			f.Add(method, method, body)
		}
	}
	methods := []string{"POST", "PATCH", "PUT", "DELETE"}
	paths := []string{
		"virtualization/virtual-machines/", "virtualization/virtual-machines/1/", "virtualization/interfaces/", "virtualization/clusters/", "ipam/ip-addresses/", "ipam/vlan-groups/",
		"dcim/mac-addresses/", "extras/custom-fields/", "extras/tags/", "plugins/proxbox/sync-state/virtual-machines/", "plugins/proxbox/settings/1/", "dcim/sites/1/",
	}
	f.Fuzz(func(t *testing.T, method, path uint8, body string) {
		s := furnished()
		before := string(s.Dump(true))
		status, answer := call(s, methods[int(method)%len(methods)], paths[int(path)%len(paths)], body)
		if answer != "" && !json.Valid([]byte(answer)) {
			t.Errorf("%d %s", status, answer)
		}
		if status >= 400 && string(s.Dump(true)) != before {
			t.Errorf("refused with %d %s, and changed something", status, answer)
		}
		if !json.Valid(s.Dump(true)) {
			t.Error("what is there is no JSON any more")
		}
	})
}

// FuzzQuery lists with any query: the answer is JSON, and no status but 200
// and 400.
func FuzzQuery(f *testing.F) {
	for _, query := range []string{
		"limit=1&offset=-1", "start=5&limit=0", "ordering=-name,none,id", "tag=a&tag__n=b&tag_id=x", "id=1&id=x", "fields=,id&omit=&brief=1", "cf_x=1&cf_x__empty=true",
		"cluster_id=1&cluster=c&name__ic=V&vcpus__gte=1.5&last_updated__lt=2026-01-01", "role=null&status__n=x&has_primary_ip=x&mac_address=x", "%zz=1", "created=2026-01-01T00:00:00+01:00",
	} {
		f.Add(query)
	}
	s := furnished()
	f.Fuzz(func(t *testing.T, query string) {
		if u, err := url.Parse("/api/?" + query); err != nil || u.Fragment != "" || strings.ContainsAny(query, " \x00\r\n\t\x7f") {
			return
		}
		for _, path := range []string{"virtualization/virtual-machines/?", "ipam/ip-addresses/?", "core/object-changes/?"} {
			status, answer := call(s, "GET", path+query, "")
			if status != 200 && status != 400 || !json.Valid([]byte(answer)) {
				t.Errorf("%s: %d %s", path+query, status, answer)
			}
		}
	})
}
