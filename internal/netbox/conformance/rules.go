package conformance

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"proxbox/internal/netbox"
)

// logged is one entry of the change log.
type logged struct {
	Action, Message string
	Object          int
}

// lastChange is the id of the newest entry of the change log.
func (s *suite) lastChange() int {
	s.Helper()
	p := s.page(changesPath + "?fields=id&ordering=-id&limit=1")
	if len(p.Results) == 0 {
		return 0
	}
	return p.Results[0].ID
}

// changesAfter returns the entries after one, in their order.
func (s *suite) changesAfter(id int) []logged {
	s.Helper()
	a := s.send("GET", fmt.Sprintf("%s?id__gt=%d&ordering=id&limit=1000&fields=id,action,message,changed_object_type,changed_object_id", changesPath, id), nil)
	results, ok := a.object()["results"].([]any)
	if !ok {
		s.Fatal(a)
	}
	out := []logged{}
	for _, r := range results {
		o := r.(object)
		action, _ := flat(o["action"]).(string)
		message, _ := o["message"].(string)
		object, _ := flat(o["changed_object_id"]).(int)
		if o["changed_object_type"] != "virtualization.virtualmachine" {
			continue
		}
		out = append(out, logged{action, message, object})
	}
	return out
}

// changeLog has one entry an object and write that changed something, with
// the message that was sent.
func (s *suite) changeLog() {
	mark := s.lastChange()
	names := []string{s.name("vm"), s.name("vm"), s.name("vm")}
	ids := s.makeAll(guestsPath,
		object{"name": names[0], "cluster": s.cluster, "changelog_message": "made one"},
		object{"name": names[1], "cluster": s.cluster, "changelog_message": "made two"},
		object{"name": names[2], "cluster": s.cluster})
	s.equal("after a POST", s.changesAfter(mark), []logged{{"create", "made one", ids[0]}, {"create", "made two", ids[1]}, {"create", "", ids[2]}})

	mark = s.lastChange()
	if _, err := s.Update(s.Context(), guestsPath, []object{{"id": ids[0], "memory": 1, "changelog_message": "changed one"}, {"id": ids[1], "memory": 1}}); err != nil {
		s.Fatal(err)
	}
	s.equal("after a PATCH", byObject(s.changesAfter(mark)), []logged{{"update", "changed one", ids[0]}, {"update", "", ids[1]}})

	mark = s.lastChange()
	before := s.field(guestsPath, ids[0], "last_updated").(string)
	if _, err := s.Update(s.Context(), guestsPath, []object{{"id": ids[0], "memory": 1, "changelog_message": "changed nothing"}, {"id": ids[1]}}); err != nil {
		s.Fatal(err)
	}
	s.equal("after a PATCH that changes nothing", s.changesAfter(mark), []logged{})
	if after := s.field(guestsPath, ids[0], "last_updated").(string); after <= before {
		s.Errorf("a PATCH that changes nothing left last_updated at %s", after)
	}

	mark = s.lastChange()
	_, err := s.Create(s.Context(), guestsPath, []object{{"name": s.name("vm"), "cluster": s.cluster}, {"name": names[1], "cluster": s.cluster}})
	s.refuses(err, 1, "__all__", takenGuest)
	s.equal("after a refusal", s.changesAfter(mark), []logged{})

	if err := s.Delete(s.Context(), guestsPath, []object{{"id": ids[0], "changelog_message": "removed one"}, {"id": ids[1]}}); err != nil {
		s.Fatal(err)
	}
	s.equal("after a DELETE", byObject(s.changesAfter(mark)), []logged{{"delete", "removed one", ids[0]}, {"delete", "", ids[1]}})

	a := s.send("PATCH", guestsPath, []object{{"id": ids[2], "memory": 3}})
	request := a.header.Get("X-Request-Id")
	p := s.page(changesPath + "?fields=id&request_id=" + request)
	if len(p.Results) != 1 {
		s.Errorf("%d entries of request %s", len(p.Results), request)
	}
}

func byObject(changes []logged) []logged {
	slices.SortStableFunc(changes, func(a, b logged) int { return a.Object - b.Object })
	return changes
}

// customFields are merged, not replaced.
func (s *suite) customFields() {
	name := "conf_" + s.mark
	s.makeAll(customPath,
		object{"name": name, "type": "text", "object_types": []string{"virtualization.virtualmachine"}},
		object{"name": name + "_n", "type": "integer", "object_types": []string{"virtualization.virtualmachine"}})
	id := s.guest(object{"custom_fields": object{name: "a", name + "_n": 7}})
	values := func() object {
		all := s.read(guestsPath, id, "custom_fields")["custom_fields"].(object)
		return object{name: all[name], name + "_n": all[name+"_n"]}
	}
	s.equal("new values", values(), object{name: "a", name + "_n": 7.0})
	s.change(guestsPath, id, object{"custom_fields": object{name: "b"}})
	s.equal("one changed", values(), object{name: "b", name + "_n": 7.0})
	s.change(guestsPath, id, object{"custom_fields": object{name: nil}})
	s.equal("one cleared", values(), object{name: nil, name + "_n": 7.0})
	s.equal("a guest without values", s.read(guestsPath, s.guest(), "custom_fields")["custom_fields"].(object)[name], nil)
	s.equal("the filter", s.list(guestsPath, query("cf_"+name+"_n", "7")), []int{id})
	if err := s.try(guestsPath, id, object{"custom_fields": object{name + "_n": "x"}}); err == nil {
		s.Error("a text in a number")
	}
	if err := s.try(guestsPath, id, object{"custom_fields": object{"no_such_" + s.mark: "x"}}); !errors.As(err, new(*netbox.BatchError)) {
		s.Errorf("a custom field that does not exist: %v", err)
	}
	s.refusesMake(customPath, object{"name": name, "type": "text", "object_types": []string{"virtualization.virtualmachine"}},
		"name", "custom field with this name already exists.")
}

// customTypes are those of the fields that stand for sync-state rows: an object
// is written by its id and read with it, a moment may be in UTC.
func (s *suite) customTypes() {
	name := "conf_types_" + s.mark
	field := func(kind string, more ...object) object {
		o := object{"name": name + "_" + kind, "type": kind, "object_types": []string{"virtualization.vminterface"}}
		for _, m := range more {
			maps.Copy(o, m)
		}
		return o
	}
	s.makeAll(customPath, field("boolean"), field("url"), field("datetime"), field("object", object{"related_object_type": "dcim.interface"}))
	ports := s.makeAll(portsPath, object{"device": s.device(s.site), "name": "vmbr0", "type": "bridge"}, object{"device": s.device(s.site), "name": "vmbr0", "type": "bridge"})
	nic := s.make(nicsPath, object{"virtual_machine": s.guest(), "name": "net0", "custom_fields": object{
		name + "_boolean": false, name + "_url": "https://pve:8006/#v1:0:=qemu/100", name + "_datetime": "2026-01-02T03:04:05Z", name + "_object": ports[0]}})
	values := func() []any {
		all := s.read(nicsPath, nic, "custom_fields")["custom_fields"].(object)
		at, _ := all[name+"_object"].(object)
		moment, err := time.Parse(time.RFC3339, fmt.Sprint(all[name+"_datetime"]))
		return []any{all[name+"_boolean"], all[name+"_url"], err == nil && moment.Unix() == 1767323045, at["id"]}
	}
	s.equal("new values", values(), []any{false, "https://pve:8006/#v1:0:=qemu/100", true, float64(ports[0])})
	s.change(nicsPath, nic, object{"custom_fields": object{name + "_boolean": true, name + "_object": ports[1]}})
	s.equal("two changed", values(), []any{true, "https://pve:8006/#v1:0:=qemu/100", true, float64(ports[1])})
	s.change(nicsPath, nic, object{"custom_fields": object{name + "_object": nil}})
	s.equal("one cleared", values(), []any{true, "https://pve:8006/#v1:0:=qemu/100", true, nil})
}

// sites must agree between a guest, its cluster and its device.
func (s *suite) sites() {
	scoped := func(site int) (int, string) {
		name := s.name("cluster")
		return s.make(clustersPath, object{"name": name, "type": s.clusterType, "scope_type": "dcim.site", "scope_id": site}), name
	}
	here, hereName := scoped(s.site)
	there, thereName := scoped(s.otherSite)
	siteName := s.field(sitesPath, s.site, "name").(string)
	otherName := s.field(sitesPath, s.otherSite, "name").(string)
	everywhereName := s.field(clustersPath, s.cluster, "name").(string)

	s.equal("the site of a guest in a cluster of a site", s.field(guestsPath, s.guest(object{"cluster": here}), "site"), s.site)
	s.refusesMake(guestsPath, object{"name": s.name("vm"), "cluster": here, "site": s.otherSite},
		"cluster", fmt.Sprintf("The selected cluster (%s) is not assigned to this site (%s).", hereName, otherName))

	node := s.device(s.site, object{"cluster": here})
	nodeName := s.field(devicesPath, node, "name").(string)
	s.refusesMake(devicesPath, object{"name": s.name("node"), "device_type": s.deviceType, "role": s.role, "site": s.otherSite, "cluster": here},
		"cluster", fmt.Sprintf("The assigned cluster belongs to a different site (%s)", siteName))
	s.refusesMake(guestsPath, object{"name": s.name("vm"), "cluster": s.cluster, "device": node},
		"device", fmt.Sprintf("The selected device (%s) is not assigned to this cluster (%s).", nodeName, everywhereName))
	s.refusesMake(guestsPath, object{"name": s.name("vm"), "device": node},
		"cluster", fmt.Sprintf("Must specify the assigned device's cluster (%s) when assigning host device %s.", hereName, nodeName))
	loose := s.device(s.site)
	s.refusesMake(guestsPath, object{"name": s.name("vm"), "cluster": s.cluster, "device": loose},
		"device", fmt.Sprintf("The selected device (%s) is not assigned to this cluster (%s).", s.field(devicesPath, loose, "name"), everywhereName))

	guest := s.guest(object{"cluster": here, "device": node})
	s.equal("the site of a guest on a device", s.field(guestsPath, guest, "site"), s.site)
	s.refusesChange(guestsPath, guest, object{"cluster": there, "device": nil},
		"cluster", fmt.Sprintf("The selected cluster (%s) is not assigned to this site (%s).", thereName, siteName))
	s.change(guestsPath, guest, object{"cluster": there, "device": nil, "site": s.otherSite})
	s.equal("a guest that moved", []any{s.field(guestsPath, guest, "cluster"), s.field(guestsPath, guest, "site")}, []any{there, s.otherSite})

	// a cluster without a site takes devices of every site
	far := s.device(s.otherSite, object{"cluster": s.cluster})
	onFar := s.guest(object{"device": far})
	s.equal("the site of a guest on a device, its cluster without one", s.field(guestsPath, onFar, "site"), s.otherSite)
	if s.caps.VirtualMachineTypes {
		s.refusesChange(guestsPath, onFar, object{"site": s.site},
			"site", fmt.Sprintf("The selected device (%s) is not assigned to this site (%s).", s.field(devicesPath, far, "name"), siteName))
	}

	s.refusesChange(clustersPath, here, object{"scope_id": s.otherSite},
		"scope", fmt.Sprintf("1 devices are assigned as hosts for this cluster but are not in site %s", otherName))
	s.refusesChange(devicesPath, node, object{"site": s.otherSite},
		"cluster", fmt.Sprintf("The assigned cluster belongs to a different site (%s)", siteName))
	s.change(devicesPath, node, object{"cluster": nil})
	s.change(clustersPath, here, object{"scope_id": s.otherSite})
	s.equal("the cluster's site", s.field(clustersPath, here, "scope_id"), s.otherSite)
}

// disks make up a guest's disk.
func (s *suite) disks() {
	id := s.guest(object{"disk": 100})
	disk := func() any { return s.field(guestsPath, id, "disk") }
	s.equal("a guest without virtual disks keeps what it was given", disk(), 100)
	disks := s.makeAll(disksPath, object{"virtual_machine": id, "name": "scsi0", "size": 10}, object{"virtual_machine": id, "name": "scsi1", "size": 20})
	s.equal("the sum of two", disk(), 30)
	s.refusesChange(guestsPath, id, object{"disk": 100}, "disk", "The specified disk size (100) must match the aggregate size of assigned virtual disks (30).")
	s.change(guestsPath, id, object{"disk": 30})
	s.change(guestsPath, id, object{"memory": 5})
	s.equal("the sum after another change", disk(), 30)
	s.change(disksPath, disks[0], object{"size": 15})
	s.equal("the sum after one grew", disk(), 35)
	s.delete(disksPath, disks[0])
	s.equal("the sum after one went", disk(), 20)
	s.delete(disksPath, disks[1])
	s.equal("without disks", disk(), nil)
	s.make(disksPath, object{"virtual_machine": id, "name": "efidisk0", "size": 0})
	s.equal("a disk of no size", disk(), 0)
	s.equal("their number", s.field(guestsPath, id, "virtual_disk_count"), 1)
}

func (s *suite) delete(path string, ids ...int) {
	s.Helper()
	var objects []object
	for _, id := range ids {
		objects = append(objects, object{"id": id})
	}
	if err := s.Delete(s.Context(), path, objects); err != nil {
		s.Fatal(err)
	}
}

func onNIC(id int) object {
	return object{"assigned_object_type": "virtualization.vminterface", "assigned_object_id": id}
}

func with(o object, more ...object) object {
	out := object{}
	for _, m := range append([]object{o}, more...) {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}

// addresses are unique in the global table, whatever their mask, and a
// guest's primary address is one of its own.
func (s *suite) addresses() {
	guest, other := s.guest(), s.guest()
	nic, second, foreign := s.nic(guest), s.nic(guest), s.nic(other)
	address := s.address()
	host := strings.TrimSuffix(address, "/24")
	id := s.make(addressesPath, with(object{"address": address}, onNIC(nic)))
	s.equal("an address", s.read(addressesPath, id, "address", "status", "role", "vrf", "dns_name", "assigned_object_type", "assigned_object_id"), object{
		"address": address, "status": object{"value": "active", "label": "Active"}, "role": nil, "vrf": nil, "dns_name": "",
		"assigned_object_type": "virtualization.vminterface", "assigned_object_id": float64(nic)})
	duplicate := "Duplicate IP address found in global table: " + address
	s.refusesMake(addressesPath, object{"address": address}, "address", duplicate)
	s.refusesMake(addressesPath, object{"address": host + "/32"}, "address", duplicate)
	s.refusesMake(addressesPath, object{"address": address, "role": "anycast"}, "address", duplicate)
	fresh := s.address()
	_, err := s.Create(s.Context(), addressesPath, []object{{"address": s.address()}, {"address": fresh}, {"address": fresh}})
	if s.caps.ErrorLists {
		s.refuses(err, 2, "address", "Duplicate IP address found in global table: "+fresh)
	}
	loose := s.make(addressesPath, object{"address": s.address()})
	s.refusesChange(addressesPath, loose, object{"address": address}, "address", duplicate)
	// roles that may share an address
	vip := s.address()
	s.make(addressesPath, object{"address": vip, "role": "vip"})
	s.make(addressesPath, object{"address": vip, "role": "vip"})
	s.refusesMake(addressesPath, object{"address": vip}, "address", "Duplicate IP address found in global table: "+vip)

	vrf := s.make(vrfsPath, object{"name": s.name("vrf")})
	inVRF := s.make(addressesPath, object{"address": address, "vrf": vrf})
	s.equal("the VRF", s.field(addressesPath, inVRF, "vrf"), vrf)
	lax := s.make(vrfsPath, object{"name": s.name("vrf"), "enforce_unique": false})
	s.makeAll(addressesPath, object{"address": address, "vrf": lax}, object{"address": address, "vrf": lax})

	network, broadcast := s.net+"0", s.net+"255"
	s.refusesMake(addressesPath, with(object{"address": network + "/24"}, onNIC(nic)), "__all__", network+" is a network ID, which may not be assigned to an interface.")
	s.refusesMake(addressesPath, with(object{"address": broadcast + "/24"}, onNIC(nic)), "__all__", broadcast+" is a broadcast address, which may not be assigned to an interface.")
	s.makeAll(addressesPath, with(object{"address": s.net + "252/31"}, onNIC(nic)), with(object{"address": s.net + "254/32"}, onNIC(nic)))

	s.refusesChange(guestsPath, other, object{"primary_ip4": id}, "primary_ip4", fmt.Sprintf("The specified IP address (%s) is not assigned to this VM.", address))
	s.refusesChange(guestsPath, guest, object{"primary_ip4": loose}, "primary_ip4",
		fmt.Sprintf("The specified IP address (%s) is not assigned to this VM.", s.field(addressesPath, loose, "address")))
	s.refusesChange(guestsPath, guest, object{"primary_ip6": id}, "primary_ip6", fmt.Sprintf("Must be an IPv6 address. (%s is an IPv4 address.)", address))
	s.change(guestsPath, guest, object{"primary_ip4": id})
	s.equal("the primary address", []any{s.field(guestsPath, guest, "primary_ip4"), s.field(guestsPath, guest, "primary_ip")}, []any{id, id})
	const primary = "Cannot reassign IP address while it is designated as the primary IP for the parent object"
	s.refusesChange(addressesPath, id, onNIC(foreign), "__all__", primary)
	s.refusesChange(addressesPath, id, object{"assigned_object_type": nil, "assigned_object_id": nil}, "__all__", primary)
	s.change(addressesPath, id, onNIC(second))
	s.change(guestsPath, guest, object{"primary_ip4": nil})
	s.change(addressesPath, id, onNIC(foreign))
	s.change(guestsPath, other, object{"primary_ip4": id})
	s.delete(addressesPath, id)
	s.equal("the primary address after it was deleted", s.field(guestsPath, other, "primary_ip4"), nil)

	// an address goes with its interface
	onSecond := s.make(addressesPath, with(object{"address": s.address()}, onNIC(second)))
	s.delete(nicsPath, second)
	if !s.gone(addressesPath, onSecond) {
		s.Error("an address outlived its interface")
	}
}

// macAddresses are not unique; an interface's primary one is one of its own.
func (s *suite) macAddresses() {
	guest := s.guest()
	nic, second := s.nic(guest), s.nic(guest)
	const address = "02:00:00:AA:BB:CC"
	macs := s.makeAll(macsPath, with(object{"mac_address": address}, onNIC(nic)), object{"mac_address": address})
	s.refusesChange(nicsPath, second, object{"primary_mac_address": macs[0]}, "__all__",
		fmt.Sprintf("MAC address %s is assigned to a different interface (%s).", address, s.field(nicsPath, nic, "name")))
	s.refusesChange(nicsPath, second, object{"primary_mac_address": macs[1]}, "__all__", "Only a MAC address assigned to this interface can be its primary MAC address.")
	s.change(nicsPath, nic, object{"primary_mac_address": macs[0]})
	s.equal("the primary MAC address", []any{s.field(nicsPath, nic, "primary_mac_address"), s.field(nicsPath, nic, "mac_address")}, []any{macs[0], address})
	s.refusesChange(macsPath, macs[0], onNIC(second), "__all__", "Cannot reassign MAC Address while it is designated as the primary MAC for an object")
	s.refusesChange(macsPath, macs[0], object{"assigned_object_type": nil, "assigned_object_id": nil},
		"__all__", "Cannot unassign MAC Address while it is designated as the primary MAC for an object")
	s.change(nicsPath, nic, object{"primary_mac_address": nil})
	s.change(macsPath, macs[0], onNIC(second))
	s.change(nicsPath, second, object{"primary_mac_address": macs[0]})
	s.delete(macsPath, macs[0])
	s.equal("the primary MAC address after it was deleted", s.field(nicsPath, second, "primary_mac_address"), nil)
	s.change(macsPath, macs[1], onNIC(second))
	s.delete(nicsPath, second)
	if !s.gone(macsPath, macs[1]) {
		s.Error("a MAC address outlived its interface")
	}
}

// vlans of an interface depend on its mode.
func (s *suite) vlans() {
	guest := s.guest(object{"site": s.site})
	nic := s.nic(guest)
	vlan := func(vid int, more ...object) int {
		return s.make(vlansPath, with(object{"vid": vid, "name": s.name("vlan")}, more...))
	}
	a, b := vlan(10), vlan(11)
	mine, theirs := vlan(12, object{"site": s.site}), vlan(13, object{"site": s.otherSite})
	state := func() object {
		o := s.read(nicsPath, nic, "mode", "untagged_vlan", "tagged_vlans")
		tagged := flat(o["tagged_vlans"]).([]any)
		slices.SortFunc(tagged, func(a, b any) int { return a.(int) - b.(int) })
		return object{"mode": flat(o["mode"]), "untagged": flat(o["untagged_vlan"]), "tagged": tagged}
	}
	s.change(nicsPath, nic, object{"mode": "access", "untagged_vlan": a})
	s.equal("access", state(), object{"mode": "access", "untagged": a, "tagged": []any{}})
	s.change(nicsPath, nic, object{"mode": "tagged", "tagged_vlans": []int{b, mine}})
	s.equal("tagged", state(), object{"mode": "tagged", "untagged": a, "tagged": []any{b, mine}})
	s.change(nicsPath, nic, object{"untagged_vlan": mine})
	s.refusesChange(nicsPath, nic, object{"untagged_vlan": theirs}, "untagged_vlan",
		fmt.Sprintf("The untagged VLAN (%s (13)) must belong to the same site as the interface's parent virtual machine, or it must be global.", s.field(vlansPath, theirs, "name")))
	s.refusesChange(nicsPath, nic, object{"tagged_vlans": []int{b, theirs}}, "tagged_vlans",
		fmt.Sprintf("VLAN %s (13) must belong to the same site as the interface's parent virtual machine, or it must be global.", s.field(vlansPath, theirs, "name")))
	s.change(nicsPath, nic, object{"mode": "access"})
	s.equal("access again", state(), object{"mode": "access", "untagged": mine, "tagged": []any{}})
	s.change(nicsPath, nic, object{"mode": "tagged", "tagged_vlans": []int{b}})
	s.change(nicsPath, nic, object{"mode": nil})
	s.equal("no mode", state(), object{"mode": nil, "untagged": nil, "tagged": []any{}})
	s.change(nicsPath, nic, object{"mode": "tagged", "tagged_vlans": []int{b}, "untagged_vlan": a})
	s.delete(vlansPath, a, b)
	s.equal("after the VLANs were deleted", state(), object{"mode": "tagged", "untagged": nil, "tagged": []any{}})
}

// deviceInterfaces are those of a node.
func (s *suite) deviceInterfaces() {
	node := s.device(s.site)
	ports := s.makeAll(portsPath,
		object{"device": node, "name": "eno1", "type": "other"},
		object{"device": node, "name": "vmbr0", "type": "bridge"},
		object{"device": node, "name": "vmbr0.10", "type": "virtual"},
		object{"device": node, "name": "bond0", "type": "lag"})
	s.refusesMake(portsPath, object{"device": node, "name": "eno1", "type": "other"}, "__all__", "Interface with this Device and Name already exists.")
	s.change(portsPath, ports[0], object{"lag": ports[3]})
	s.change(portsPath, ports[3], object{"bridge": ports[1]})
	s.change(portsPath, ports[2], object{"parent": ports[1]})
	s.equal("lag, bridge and parent", []any{s.field(portsPath, ports[0], "lag"), s.field(portsPath, ports[3], "bridge"), s.field(portsPath, ports[2], "parent")},
		[]any{ports[3], ports[1], ports[1]})
	other := s.device(s.site)
	foreign := s.make(portsPath, object{"device": other, "name": "bond0", "type": "lag"})
	if err := s.try(portsPath, ports[0], object{"lag": foreign}); !errors.As(err, new(*netbox.BatchError)) {
		s.Errorf("a lag of another device: %v", err)
	}
	address := s.address()
	ip := s.make(addressesPath, object{"address": address, "assigned_object_type": "dcim.interface", "assigned_object_id": ports[1]})
	s.change(devicesPath, node, object{"primary_ip4": ip})
	s.equal("the primary address", s.field(devicesPath, node, "primary_ip4"), ip)
	s.refusesChange(devicesPath, other, object{"primary_ip4": ip}, "primary_ip4", fmt.Sprintf("The specified IP address (%s) is not assigned to this device.", address))
	mac := s.make(macsPath, object{"mac_address": "02:00:00:00:00:02", "assigned_object_type": "dcim.interface", "assigned_object_id": ports[0]})
	s.change(portsPath, ports[0], object{"primary_mac_address": mac})
	s.equal("interfaces of a device", sorted(s.list(portsPath, query("device_id", strconv.Itoa(node)))), sorted(ports))
	s.refusesMake(portsPath, object{"device": node, "name": "x", "type": "no-such-type"}, "type", "no-such-type is not a valid choice.")
}

// removal is what goes along, and what stays in the way.
func (s *suite) removal() {
	guest := s.guest()
	nic := s.nic(guest)
	disk := s.make(disksPath, object{"virtual_machine": guest, "name": "scsi0", "size": 1})
	mac := s.make(macsPath, with(object{"mac_address": "02:00:00:00:00:03"}, onNIC(nic)))
	ip := s.make(addressesPath, with(object{"address": s.address()}, onNIC(nic)))
	s.change(guestsPath, guest, object{"primary_ip4": ip})
	s.delete(guestsPath, guest)
	for path, id := range map[string]int{nicsPath: nic, disksPath: disk, macsPath: mac, addressesPath: ip} {
		if !s.gone(path, id) {
			s.Errorf("%s%d/ outlived its guest", path, id)
		}
	}

	cluster := s.make(clustersPath, object{"name": s.name("cluster"), "type": s.clusterType})
	empty := s.make(clustersPath, object{"name": s.name("cluster"), "type": s.clusterType})
	s.guest(object{"cluster": cluster})
	s.inTheWay(clustersPath, cluster, empty)
	s.inTheWay(clusterTypes, s.clusterType, s.make(clusterTypes, s.named("type")))
	node := s.device(s.site, object{"cluster": s.cluster})
	onNode := s.guest(object{"device": node})
	s.inTheWay(devicesPath, node, s.device(s.site))
	s.delete(guestsPath, onNode)
	s.delete(devicesPath, node)

	role := s.make(rolesPath, s.named("role"))
	withRole := s.guest(object{"role": role})
	s.inTheWay(rolesPath, role, s.make(rolesPath, s.named("role")))
	platform := s.make(platformsPath, s.named("platform"))
	s.change(guestsPath, withRole, object{"role": nil, "platform": platform})
	s.delete(platformsPath, platform)
	s.equal("the platform after it was deleted", s.field(guestsPath, withRole, "platform"), nil)
	tag := s.make(tagsPath, s.named("tag"))
	s.change(guestsPath, withRole, object{"tags": []int{tag}})
	s.delete(tagsPath, tag)
	s.equal("the tags after one was deleted", s.tagsOf(withRole), []int{})
}

// inTheWay checks that an object cannot be deleted because of what hangs on
// it, and that one that could be is not, beside it.
func (s *suite) inTheWay(path string, id, free int) {
	s.Helper()
	err := s.Delete(s.Context(), path, []object{{"id": free}, {"id": id}})
	var refused *netbox.BatchError
	if !errors.As(err, &refused) || refused.Code != http.StatusConflict {
		s.Errorf("delete %s%d/: want a conflict, got %v", path, id, err)
		return
	}
	if s.caps.ErrorLists {
		if len(refused.Items) != 1 || !strings.HasPrefix(refused.Items[1].String(), "Unable to delete: ") {
			s.Errorf("delete %s%d/: %v", path, id, err)
		}
	} else if !strings.HasPrefix(refused.Detail, "Unable to delete object. ") {
		s.Errorf("delete %s%d/: %v", path, id, err)
	}
	if s.gone(path, id) || s.gone(path, free) {
		s.Errorf("delete %s%d/: one of the two is gone", path, id)
	}
}
