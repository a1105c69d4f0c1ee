package conformance

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"proxbox/internal/netbox"
)

const (
	takenGuest = "Virtual machine name must be unique per cluster and tenant."
	required   = "This field is required."
)

// access is who gets what, and what does not exist.
func (s *suite) access() {
	for name, authorization := range map[string]string{
		"unknown v1 token": "Token " + strings.Repeat("0", 40), "unknown v2 token": "Bearer nbt_aaaaaaaaaaaa." + strings.Repeat("0", 40), "none": "",
	} {
		a := s.sendAs(s.Context(), authorization, "GET", guestsPath, nil)
		if a.status != http.StatusForbidden || a.object()["detail"] == nil {
			s.Errorf("%s: %s", name, a)
		}
	}
	a := s.send("GET", "status/", nil)
	if a.object()["netbox-version"] != s.caps.Release || a.header.Get("Api-Version") == "" || a.header.Get("X-Request-Id") == "" {
		s.Errorf("status: %s %v", a, a.header)
	}
	if a := s.send("GET", guestsPath+"2147483647/", nil); a.status != http.StatusNotFound || a.object()["detail"] == nil {
		s.Errorf("an object that does not exist: %s", a)
	}
	if a := s.send("GET", "no/such/list/", nil); a.status != http.StatusNotFound {
		s.Errorf("a list that does not exist: %s", a)
	}
	if has := s.send("GET", guestTypes+"?limit=1", nil).status == http.StatusOK; has != s.caps.VirtualMachineTypes {
		s.Errorf("virtual machine types: %t", has)
	}
	if a := s.send("POST", tagsPath, "[{"); a.status != http.StatusBadRequest || a.object()["detail"] == nil {
		s.Errorf("half a document: %s", a)
	}
	if a := s.send("POST", tagsPath, `[{"name": "`+strings.Repeat("x", 2_700_000)+`"}]`); a.status < 400 {
		s.Errorf("a body of 2.7 MB: %s", a)
	}
	within := s.send("POST", tagsPath, `[{"name": "`+strings.Repeat("x", netbox.MaxBody)+`"}]`)
	if within.status != http.StatusBadRequest || !strings.Contains(within.text, required) {
		s.Errorf("a body of 2 MB is read: %s", within)
	}
}

// bulkCreate is all or nothing, names the guilty and answers in order.
func (s *suite) bulkCreate() {
	names := []string{s.name("vm"), s.name("vm"), s.name("vm")}
	slices.Reverse(names)
	var objects []object
	for _, n := range names {
		objects = append(objects, object{"name": n, "cluster": s.cluster})
	}
	made := s.makeAll(guestsPath, objects...)
	for i, id := range made {
		s.equal("the name of an answer's object", s.field(guestsPath, id, "name"), names[i])
	}
	if !slices.IsSorted(made) {
		s.Errorf("ids %v are not in the order of the request", made)
	}

	fresh := s.name("vm")
	_, err := s.Create(s.Context(), guestsPath, []object{{"name": fresh, "cluster": s.cluster}, {"name": names[0], "cluster": s.cluster}, {"name": s.name("vm"), "cluster": s.cluster}})
	s.refuses(err, 1, "__all__", takenGuest)
	if n := len(s.list(guestsPath, query("name", fresh))); n != 0 {
		s.Errorf("%d objects of a refused batch were made", n)
	}

	batch := []object{{"cluster": s.cluster}, {"name": fresh, "cluster": s.cluster}, {"name": fresh + "x", "cluster": s.cluster, "memory": "much"}}
	a := s.send("POST", guestsPath, batch)
	if a.status != http.StatusBadRequest {
		s.Fatal(a)
	}
	if s.caps.ErrorLists {
		s.equal("4.7's refusal", a.doc, object{"detail": "2 of 3 objects could not be created.", "errors": []any{
			object{"index": 0.0, "errors": object{"name": []any{required}}},
			object{"index": 2.0, "errors": object{"memory": []any{"A valid integer is required."}}},
		}})
	} else {
		s.equal("an older refusal", a.doc, []any{object{"name": []any{required}}, object{}, object{"memory": []any{"A valid integer is required."}}})
	}

	// Twice the same within a batch: 4.7 names the second, the older ones see it too late.
	_, err = s.Create(s.Context(), guestsPath, []object{{"name": fresh, "cluster": s.cluster}, {"name": fresh, "cluster": s.cluster}})
	if s.caps.ErrorLists {
		s.refuses(err, 1, "__all__", takenGuest)
	} else if err == nil {
		s.Error("two guests of one name in one batch")
	}
	if n := len(s.list(guestsPath, query("name", fresh))); n != 0 {
		s.Errorf("%d objects of a refused batch were made", n)
	}
	if a := s.send("POST", guestsPath, []object{}); a.status != http.StatusCreated {
		s.Errorf("an empty batch: %s", a)
	}
	if a := s.send("POST", guestsPath, object{"name": fresh, "cluster": s.cluster}); a.status != http.StatusCreated || a.object()["name"] != fresh {
		s.Errorf("a single object: %s", a)
	}
	if a := s.send("POST", guestsPath, object{"name": fresh, "cluster": s.cluster}); a.status != http.StatusBadRequest {
		s.Errorf("a single duplicate: %s", a)
	} else if s.caps.ErrorLists {
		s.equal("a single refusal", a.doc, object{"__all__": []any{takenGuest}})
	}
}

// vanished is an id that no object has.
const vanished = 2147480000

// bulkUpdate is all or nothing, too, and tells what is gone.
func (s *suite) bulkUpdate() {
	names := []string{s.name("vm"), s.name("vm")}
	ids := s.makeAll(guestsPath, object{"name": names[0], "cluster": s.cluster}, object{"name": names[1], "cluster": s.cluster})
	changed, err := s.Update(s.Context(), guestsPath, []object{{"id": ids[1], "memory": 1}, {"id": ids[0], "memory": 2}})
	if err != nil {
		s.Fatal(err)
	}
	s.equal("who was changed", sorted(idsOf(changed)), ids)
	s.equal("memory", []any{s.field(guestsPath, ids[0], "memory"), s.field(guestsPath, ids[1], "memory")}, []any{2, 1})

	_, err = s.Update(s.Context(), guestsPath, []object{{"id": ids[0], "memory": 3}, {"id": ids[1], "name": names[0]}})
	s.refuses(err, 1, "__all__", takenGuest)
	s.equal("memory after a refusal", s.field(guestsPath, ids[0], "memory"), 2)

	_, err = s.Update(s.Context(), guestsPath, []object{{"id": ids[0], "memory": 4}, {"id": ids[1], "memory": "much"}})
	s.refuses(err, 1, "memory", "A valid integer is required.")

	a := s.send("PATCH", guestsPath, []object{{"id": ids[0], "memory": 5}, {"id": vanished, "memory": 5}})
	if s.caps.ErrorLists {
		s.equal("the refusal of a vanished id", a.doc, object{"detail": "1 of 2 objects could not be found.", "errors": []any{
			object{"id": float64(vanished), "errors": object{"id": []any{"Object with ID 2147480000 does not exist"}}},
		}})
		s.equal("memory beside a vanished id", s.field(guestsPath, ids[0], "memory"), 2)
	} else if list, ok := a.doc.([]any); a.status != http.StatusOK || !ok || len(list) != 1 {
		s.Errorf("a vanished id beside another: %s", a)
	}
	changed, err = s.Update(s.Context(), guestsPath, []object{{"id": vanished, "memory": 6}, {"id": ids[0], "memory": 6}})
	if err != nil {
		s.Error(err)
	}
	s.equal("who was changed beside a vanished id", idsOf(changed), ids[:1])
	s.equal("memory beside a vanished id", s.field(guestsPath, ids[0], "memory"), 6)
	if changed, err = s.Update(s.Context(), guestsPath, []object{{"id": vanished, "memory": 6}}); err != nil || len(changed) != 0 {
		s.Errorf("a vanished id alone: %s, %v", changed, err)
	}
	if a := s.send("PATCH", guestsPath, []object{{"memory": 6}}); a.status != http.StatusBadRequest || !strings.Contains(a.text, required) {
		s.Errorf("no id: %s", a)
	}
	if a := s.send("PATCH", guestsPath, []object{}); a.status != http.StatusOK {
		s.Errorf("an empty batch: %s", a)
	}
	// one name handed on within a batch, in the order of NetBox's list
	if s.caps.ErrorLists {
		if _, err = s.Update(s.Context(), guestsPath, []object{{"id": ids[0], "name": s.name("vm")}, {"id": ids[1], "name": names[0]}}); err != nil {
			s.Errorf("a name handed on: %v", err)
		}
	}
}

// bulkDelete is all or nothing, too.
func (s *suite) bulkDelete() {
	ids := []int{s.guest(), s.guest(), s.guest()}
	a := s.send("DELETE", guestsPath, []object{{"id": ids[0]}, {"id": vanished}})
	if s.caps.ErrorLists {
		s.equal("the refusal of a vanished id", a.doc, object{"detail": "1 of 2 objects could not be found.", "errors": []any{
			object{"id": float64(vanished), "errors": object{"id": []any{"Object with ID 2147480000 does not exist"}}},
		}})
		if s.gone(guestsPath, ids[0]) {
			s.Error("the other was deleted")
		}
	} else if a.status != http.StatusNoContent {
		s.Errorf("a vanished id beside another: %s", a)
	}
	if err := s.Delete(s.Context(), guestsPath, []object{{"id": ids[0]}, {"id": vanished}, {"id": ids[1]}}); err != nil {
		s.Error(err)
	}
	if !s.gone(guestsPath, ids[0]) || !s.gone(guestsPath, ids[1]) || s.gone(guestsPath, ids[2]) {
		s.Error("deleted are not the first two alone")
	}
	if err := s.Delete(s.Context(), guestsPath, []object{{"id": ids[0]}, {"id": ids[1]}}); err != nil {
		s.Errorf("deleted again: %v", err)
	}
	if a := s.send("DELETE", guestsPath, []object{{"name": "x"}}); a.status != http.StatusBadRequest || !strings.Contains(a.text, required) {
		s.Errorf("no id: %s", a)
	}
	if a := s.send("DELETE", guestsPath, []object{}); a.status != http.StatusNoContent {
		s.Errorf("an empty batch: %s", a)
	}
}

// uniqueNames is what may not be there twice.
func (s *suite) uniqueNames() {
	group := s.make(clusterGroups, s.named("group"))
	vlanGroup := s.make(vlanGroups, s.named("group"))
	guest := s.guest()
	other := s.make(clustersPath, object{"name": s.name("cluster"), "type": s.clusterType})
	tests := []struct {
		what    string
		path    string
		first   object
		change  object // what the second has other than the first
		field   string
		message string // "" when the second is allowed
	}{
		{"tag name", tagsPath, s.named("x"), object{"slug": s.name("x")}, "name", "tag with this name already exists."},
		{"tag slug", tagsPath, s.named("x"), object{"name": s.name("x")}, "slug", "tag with this slug already exists."},
		{"site name", sitesPath, s.named("x"), object{"slug": s.name("x")}, "name", "site with this name already exists."},
		{"site slug", sitesPath, s.named("x"), object{"name": s.name("x")}, "slug", "site with this slug already exists."},
		{"manufacturer", makersPath, s.named("x"), object{"slug": s.name("x")}, "name", "manufacturer with this name already exists."},
		{"device type", typesPath, object{"manufacturer": s.maker, "model": s.name("x"), "slug": s.name("x")}, object{"slug": s.name("x")},
			"__all__", "Device type with this Manufacturer and Model already exists."},
		{"device type slug", typesPath, object{"manufacturer": s.maker, "model": s.name("x"), "slug": s.name("x")}, object{"model": s.name("x")},
			"__all__", "Device type with this Manufacturer and Slug already exists."},
		{"device role", rolesPath, s.named("x"), object{"slug": s.name("x")}, "__all__", "A device role with this name already exists."},
		{"device role slug", rolesPath, s.named("x"), object{"name": s.name("x")}, "__all__", "A device role with this slug already exists."},
		{"platform", platformsPath, s.named("x"), object{"slug": s.name("x")}, "__all__", "Platform name must be unique."},
		{"cluster type", clusterTypes, s.named("x"), object{"slug": s.name("x")}, "name", "cluster type with this name already exists."},
		{"cluster type slug", clusterTypes, s.named("x"), object{"name": s.name("x")}, "slug", "cluster type with this slug already exists."},
		{"cluster", clustersPath, object{"name": s.name("x"), "type": s.clusterType}, nil, "", ""},
		{"cluster in a group", clustersPath, object{"name": s.name("x"), "type": s.clusterType, "group": group}, nil,
			"__all__", "Cluster with this Group and Name already exists."},
		{"cluster in another site", clustersPath, object{"name": s.name("x"), "type": s.clusterType, "scope_type": "dcim.site", "scope_id": s.site},
			object{"scope_id": s.otherSite}, "", ""},
		{"device", devicesPath, object{"name": s.name("x"), "device_type": s.deviceType, "role": s.role, "site": s.site}, nil,
			"__all__", "Device name must be unique per site and tenant."},
		{"device in capitals", devicesPath, object{"name": s.name("x"), "device_type": s.deviceType, "role": s.role, "site": s.site}, object{"name": upper},
			"__all__", "Device name must be unique per site and tenant."},
		{"device of a tenant", devicesPath, object{"name": s.name("x"), "device_type": s.deviceType, "role": s.role, "site": s.site}, object{"tenant": s.tenant}, "", ""},
		{"device in another site", devicesPath, object{"name": s.name("x"), "device_type": s.deviceType, "role": s.role, "site": s.site}, object{"site": s.otherSite}, "", ""},
		{"guest", guestsPath, object{"name": s.name("x"), "cluster": s.cluster}, nil, "__all__", takenGuest},
		{"guest in capitals", guestsPath, object{"name": s.name("x"), "cluster": s.cluster}, object{"name": upper}, "__all__", takenGuest},
		{"guest of a tenant", guestsPath, object{"name": s.name("x"), "cluster": s.cluster}, object{"tenant": s.tenant}, "", ""},
		{"guest in another cluster", guestsPath, object{"name": s.name("x"), "cluster": s.cluster}, object{"cluster": other}, "", ""},
		{"guest interface", nicsPath, object{"virtual_machine": guest, "name": "net0"}, nil,
			"__all__", "Interface with this Virtual machine and Name already exists."},
		{"guest interface in capitals", nicsPath, object{"virtual_machine": guest, "name": "net1"}, object{"name": upper}, "", ""},
		{"virtual disk", disksPath, object{"virtual_machine": guest, "name": "scsi0", "size": 1}, nil,
			"__all__", "Virtual disk with this Virtual machine and Name already exists."},
		{"VLAN", vlansPath, object{"vid": 7, "name": s.name("x")}, nil, "", ""},
		{"VLAN of a site", vlansPath, object{"vid": 7, "name": s.name("x"), "site": s.site}, nil, "", ""},
		{"VLAN number in a group", vlansPath, object{"vid": 7, "name": s.name("x"), "group": vlanGroup}, object{"name": s.name("x")},
			"__all__", "VLAN with this Group and VLAN ID already exists."},
		{"VLAN name in a group", vlansPath, object{"vid": 8, "name": s.name("x"), "group": vlanGroup}, object{"vid": 9},
			"__all__", "VLAN with this Group and Name already exists."},
		{"MAC address", macsPath, object{"mac_address": "02:00:00:00:00:01"}, nil, "", ""},
	}
	if s.caps.VirtualMachineTypes {
		first := s.named("x")
		s.make(guestTypes, first)
		s.refusesMake(guestTypes, object{"name": first["name"], "slug": s.name("x")}, "__all__", "Virtual machine type name must be unique.")
	}
	for _, tt := range tests {
		s.T.Run(tt.what, func(t *testing.T) {
			inner := *s
			inner.T = t
			inner.make(tt.path, tt.first)
			second := object{}
			for k, v := range tt.first {
				second[k] = v
			}
			for k, v := range tt.change {
				if v == upper {
					v = strings.ToUpper(tt.first[k].(string))
				}
				second[k] = v
			}
			_, err := inner.Create(t.Context(), tt.path, []object{second})
			if tt.message != "" {
				inner.refuses(err, 0, tt.field, tt.message)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	// A cluster twice in one site is refused by the database alone.
	twice := object{"name": s.name("x"), "type": s.clusterType, "scope_type": "dcim.site", "scope_id": s.site}
	s.make(clustersPath, twice)
	_, err := s.Create(s.Context(), clustersPath, []object{twice})
	var status *netbox.StatusError
	if !errors.As(err, &status) || errors.As(err, new(*netbox.AmbiguousError)) {
		s.Errorf("a cluster twice in one site: %v", err)
	}
	if n := len(s.list(clustersPath, query("name", twice["name"].(string)))); n != 1 {
		s.Errorf("it is there %d times", n)
	}
}

// upper stands for the first's name in capitals.
const upper = "\x00upper"

// values is in which form NetBox answers what it was given, and what it refuses.
func (s *suite) values() {
	id := s.guest(object{"vcpus": 2, "memory": 1024, "status": "active"})
	s.equal("a guest", s.read(guestsPath, id, "vcpus", "memory", "status", "disk", "description", "serial", "role", "site", "tags"), object{
		"vcpus": 2.0, "memory": 1024.0, "status": object{"value": "active", "label": "Active"}, "disk": nil,
		"description": "", "serial": "", "role": nil, "site": nil, "tags": []any{}})
	half := s.guest(object{"vcpus": 0.5, "name": s.name("vm") + " "})
	s.equal("half a CPU", s.field(guestsPath, half, "vcpus"), 0.5)
	if name := s.field(guestsPath, half, "name").(string); strings.HasSuffix(name, " ") {
		s.Errorf("%q keeps its blank", name)
	}
	for _, tt := range []struct {
		set            object
		field, message string
	}{
		{object{"name": ""}, "name", "This field may not be blank."},
		{object{"name": strings.Repeat("x", 65)}, "name", "Ensure this field has no more than 64 characters."},
		{object{"vcpus": 0.001}, "vcpus", "Ensure that there are no more than 2 decimal places."},
		{object{"vcpus": 10000}, "vcpus", "Ensure that there are no more than 4 digits before the decimal point."},
		{object{"memory": 1 << 31}, "memory", "Ensure this value is less than or equal to 2147483647."},
		{object{"status": "x"}, "status", "x is not a valid choice."},
		{object{"role": vanished}, "role", "Related object not found using the provided numeric ID: 2147480000"},
		{object{"tags": []int{vanished}}, "tags", "Related object not found using the provided numeric ID: 2147480000"},
		{object{"description": strings.Repeat("x", 201)}, "description", "Ensure this field has no more than 200 characters."},
		{object{"description": nil}, "description", "This field may not be null."},
	} {
		o := object{"name": s.name("vm"), "cluster": s.cluster}
		for k, v := range tt.set {
			o[k] = v
		}
		s.refusesMake(guestsPath, o, tt.field, tt.message)
	}
	s.refusesMake(guestsPath, object{"name": s.name("vm")}, "__all__", "A virtual machine must be assigned to a site, cluster, or device.")
	s.guest(object{"no_such_field": 1})

	nic := s.make(nicsPath, object{"virtual_machine": id, "name": "net0"})
	s.equal("an interface", s.read(nicsPath, nic, "enabled", "mtu", "mode", "untagged_vlan", "tagged_vlans", "primary_mac_address", "vrf"), object{
		"enabled": true, "mtu": nil, "mode": nil, "untagged_vlan": nil, "tagged_vlans": []any{}, "primary_mac_address": nil, "vrf": nil})
	s.refusesChange(nicsPath, nic, object{"mtu": 0}, "mtu", "Ensure this value is greater than or equal to 1.")
	s.refusesChange(nicsPath, nic, object{"mtu": 65537}, "mtu", "Ensure this value is less than or equal to 65536.")
	s.refusesMake(nicsPath, object{"virtual_machine": id, "name": strings.Repeat("x", 65)}, "name", "Ensure this field has no more than 64 characters.")

	mac := s.make(macsPath, object{"mac_address": "0a-bb-cc-00-00-0f"})
	s.equal("a MAC address", s.field(macsPath, mac, "mac_address"), "0A:BB:CC:00:00:0F")
	s.refusesMake(macsPath, object{"mac_address": "x"}, "mac_address", "Invalid MAC address format: x")
	s.refusesMake(addressesPath, object{"address": "x"}, "address", "Invalid IP address format: x")
	v6 := s.make(addressesPath, object{"address": "2001:0DB8:" + s.mark[:4] + ":0:0:0:0:" + s.mark[2:] + "/64"})
	if got := s.field(addressesPath, v6, "address").(string); strings.ToLower(got) != got || !strings.HasSuffix(got, "/64") || !strings.Contains(got, "::") {
		s.Errorf("an IPv6 address is answered as %q", got)
	}
	s.refusesMake(tagsPath, object{"name": s.name("x"), "slug": ""}, "slug", "This field may not be blank.")
	s.refusesMake(vlansPath, object{"vid": 0, "name": "x"}, "vid", "Ensure this value is greater than or equal to 1.")
	s.refusesMake(vlansPath, object{"vid": 4095, "name": "x"}, "vid", "Ensure this value is less than or equal to 4094.")
	s.refusesMake(disksPath, object{"virtual_machine": id, "name": "x", "size": -1}, "size", "Ensure this value is greater than or equal to 0.")
}
