//go:build unix

package takeover

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"proxbox/internal/run"
	netboxsim "proxbox/internal/sim/netbox"
	proxmoxsim "proxbox/internal/sim/proxmox"
)

const (
	vms     = "virtualization/virtual-machines"
	devices = "dcim/devices"
)

// witness remembers objects as NetBox has them, and the fields that people
// filled of others.
type witness struct {
	whole  map[string]row
	fields map[string]row
}

func newWitness() *witness { return &witness{whole: map[string]row{}, fields: map[string]row{}} }

func at(path string, id int) string { return fmt.Sprintf("%s/%d", path, id) }

// keep remembers a whole object, its time stamps included.
func (w *witness) keep(t *testing.T, nb world, path string, ids ...int) {
	t.Helper()
	for _, id := range ids {
		w.whole[at(path, id)] = own(read(t, nb, path, id))
	}
}

// own is an object without what other objects make of it: their numbers, the
// fields of those that it points at, new custom fields that it has not filled.
func own(r row) row {
	out := row{}
	for f, v := range r {
		switch of, ok := v.(row); {
		case strings.HasSuffix(f, "_count"):
			continue
		case f == "custom_fields":
			v = filled(of)
		case ok && of["url"] != nil:
			v = of["url"]
		}
		out[f] = v
	}
	return out
}

// filled are the custom fields that have a value: a new one comes to every
// object, empty.
func filled(fields row) row {
	out := row{}
	for name, v := range fields {
		if v != nil {
			out[name] = v
		}
	}
	return out
}

// give fills fields of one of our objects, as a person does.
func (w *witness) give(t *testing.T, nb world, path string, id int, fields row) {
	t.Helper()
	patch(t, nb, path, id, fields)
	now, mine := read(t, nb, path, id), row{}
	for f := range fields {
		mine[f] = now[f]
	}
	w.fields[at(path, id)] = mine
}

// check fails the test for everything that is no longer as it was.
func (w *witness) check(t *testing.T, nb world, when string) {
	t.Helper()
	for where, was := range w.whole {
		path, id := where[:strings.LastIndex(where, "/")], int(was["id"].(float64))
		for f, v := range own(read(t, nb, path, id)) {
			if !reflect.DeepEqual(was[f], v) {
				t.Errorf("%s: %s of %s is %v, was %v", when, f, where, v, was[f])
			}
		}
	}
	for where, was := range w.fields {
		var now row
		nb.Must(t, "GET", "/api/"+where+"/", nil, &now)
		for f, v := range was {
			if f == "tags" {
				// Our own tags may have come to them.
				for _, tag := range v.([]any) {
					if !slices.ContainsFunc(now[f].([]any), func(other any) bool { return reflect.DeepEqual(tag, other) }) {
						t.Errorf("%s: %s lost the tag %v", when, where, tag)
					}
				}
				continue
			}
			if f == "custom_fields" {
				if owner := now[f].(row)["owner"]; owner != v.(row)["owner"] {
					t.Errorf("%s: %s has the owner %v", when, where, owner)
				}
				continue
			}
			if !reflect.DeepEqual(now[f], v) {
				t.Errorf("%s: %s of %s is %v, was %v", when, f, where, now[f], v)
			}
		}
	}
}

// reported fails the test unless the run tells of a conflict over an object,
// in a field, with a way out.
func reported(t *testing.T, res *run.Result, label, field string) {
	t.Helper()
	for _, r := range res.Reports {
		if r.Label == label && r.Field == field && r.Reason != "" && r.WayOut != "" {
			return
		}
	}
	t.Errorf("no conflict over the %s of %s among: %s", field, label, strings.Join(conflicts(res), "\n"))
}

// machine is a guest like number 108 of the demo, with one address.
func machine(e *proxmoxsim.Estate, vmid int, name, address string) {
	g := *e.Guest(108)
	mac := fmt.Sprintf("BC:24:BB:00:%02X:%02X", vmid>>8, vmid&0xff)
	g.VMID, g.Config = vmid, proxmoxsim.Row{"name": name, "memory": "1024", "cores": 1, "agent": "1", "net0": "virtio=" + mac + ",bridge=vmbr0",
		"scsi0": fmt.Sprintf("local-lvm:vm-%d-disk-0,size=4G", vmid)}
	g.Agent = &proxmoxsim.Agent{Interfaces: []proxmoxsim.AgentInterface{{Name: "eth0", MAC: strings.ToLower(mac),
		Addresses: []proxmoxsim.AgentAddress{{Address: address, Type: "ipv4", Prefix: 24}}}}}
	e.Guests = append(e.Guests, g)
}

// host is a node like the demo's third.
func host(e *proxmoxsim.Estate, name, ip string) {
	n := *e.Node("pve3")
	n.Name, n.IP, n.Fingerprint, n.Network, n.Tasks = name, ip, strings.Replace(n.Fingerprint, n.Fingerprint[:2], name[3:]+"0", 1), nil, nil
	e.Nodes = append(e.Nodes, n)
}

// people puts the objects of a person beside ours and what a person knows onto
// ours. Then Proxmox gets guests and nodes whose names and address are the
// person's.
func people(t *testing.T, nb world) {
	w := newWitness()
	ours, ourSite := only(t, nb, "virtualization/clusters", "name=demo"), only(t, nb, "dcim/sites", "slug=proxmox-default-site-demo")
	tenant := create(t, nb, "tenancy/tenants", row{"name": "Accounting", "slug": "accounting"})
	tag := create(t, nb, "extras/tags", row{"name": "Critical", "slug": "critical"})
	create(t, nb, "extras/custom-fields", row{"name": "owner", "type": "text", "object_types": []string{
		"dcim.device", "virtualization.virtualmachine", "virtualization.cluster", "virtualization.vminterface", "virtualization.virtualdisk", "ipam.ipaddress"}})

	// A person's own.
	site := create(t, nb, "dcim/sites", row{"name": "Berlin", "slug": "berlin", "status": "active"})
	maker := create(t, nb, "dcim/manufacturers", row{"name": "Maker", "slug": "maker"})
	model := create(t, nb, "dcim/device-types", row{"model": "One", "slug": "one", "manufacturer": maker})
	role := create(t, nb, "dcim/device-roles", row{"name": "Server", "slug": "server", "color": "112233", "vm_role": true})
	kind := create(t, nb, "virtualization/cluster-types", row{"name": "Other", "slug": "other"})
	cluster := create(t, nb, "virtualization/clusters", row{"name": "other", "type": kind})
	device := func(name string, site int) int {
		return create(t, nb, devices, row{"name": name, "site": site, "device_type": model, "role": role, "status": "active",
			"comments": "a person's", "tags": []int{tag}, "custom_fields": row{"owner": "ann"}})
	}
	vm := func(name string, cluster int) int {
		return create(t, nb, vms, row{"name": name, "cluster": cluster, "status": "active", "comments": "a person's", "tags": []int{tag},
			"memory": 7, "custom_fields": row{"owner": "ann"}})
	}
	namesakes := []int{device("pve1", site), device("pve4", site), device("pve5", ourSite)}
	mine := vm("mine", ours)
	guests := []int{vm("web-01", cluster), vm("beside", cluster), mine}
	eth0 := create(t, nb, "virtualization/interfaces", row{"virtual_machine": guests[0], "name": "eth0", "enabled": true})
	address := create(t, nb, "ipam/ip-addresses", row{"address": "10.99.0.9/24", "assigned_object_type": "virtualization.vminterface",
		"assigned_object_id": eth0, "status": "reserved", "description": "a person's"})
	// One of ours that a person took for a machine of theirs.
	docker := only(t, nb, vms, fmt.Sprintf("name=docker-01&cluster_id=%d", ours))
	taken := only(t, nb, "ipam/ip-addresses", "address=10.10.0.3")
	patch(t, nb, vms, docker, row{"primary_ip4": nil})
	patch(t, nb, "ipam/ip-addresses", taken, row{"assigned_object_type": "virtualization.vminterface", "assigned_object_id": eth0,
		"tags": []int{tag}, "description": "a person's now"})
	// What a person added to a guest of ours.
	web := only(t, nb, vms, fmt.Sprintf("name=web-01&cluster_id=%d", ours))
	vpn := create(t, nb, "virtualization/interfaces", row{"virtual_machine": web, "name": "vpn0", "enabled": true})
	inside := create(t, nb, "ipam/ip-addresses", row{"address": "10.99.1.1/24", "assigned_object_type": "virtualization.vminterface", "assigned_object_id": vpn,
		"status": "active"})
	w.keep(t, nb, devices, namesakes...)
	w.keep(t, nb, vms, guests...)
	w.keep(t, nb, "virtualization/interfaces", eth0, vpn)
	w.keep(t, nb, "ipam/ip-addresses", address, taken, inside)

	// What a person knows about ours.
	tagsAnd := func(path string, id int) []any {
		var tags []any
		for _, old := range read(t, nb, path, id)["tags"].([]any) {
			tags = append(tags, old.(row)["id"])
		}
		return append(tags, tag)
	}
	know := func(path string, id int, more row) {
		fields := row{"tags": tagsAnd(path, id), "custom_fields": row{"owner": "bob"}}
		for k, v := range more {
			fields[k] = v
		}
		w.give(t, nb, path, id, fields)
	}
	know(vms, web, row{"comments": "the shop", "tenant": tenant, "role": role})
	know(devices, only(t, nb, devices, fmt.Sprintf("name=pve1&cluster_id=%d", ours)), row{"comments": "in the cellar", "tenant": tenant, "serial": "S-1"})
	know("virtualization/clusters", ours, row{"comments": "the only one", "tenant": tenant})
	uplink := find(t, nb, "virtualization/interfaces", fmt.Sprintf("name__n=vpn0&virtual_machine_id=%d", web))
	know("virtualization/interfaces", int(uplink[0]["id"].(float64)), row{"description": "uplink"})
	know("virtualization/virtual-disks", only(t, nb, "virtualization/virtual-disks", fmt.Sprintf("virtual_machine_id=%d", web)), row{})
	know("ipam/ip-addresses", only(t, nb, "ipam/ip-addresses", "address=10.10.0.2"), row{"comments": "public", "description": "the shop's", "tenant": tenant})
	renamed := only(t, nb, vms, fmt.Sprintf("name=nas-01&cluster_id=%d", ours))
	w.give(t, nb, vms, renamed, row{"name": "Big storage"})

	nb.change(t, func(e *proxmoxsim.Estate) {
		machine(e, 900, "beside", "10.99.0.10")
		machine(e, 901, "mine", "10.99.0.11")
		machine(e, 902, "clash", "10.99.0.9")
		host(e, "pve4", "192.0.2.14")
		host(e, "pve5", "192.0.2.15")
	})
	res := nb.sync(t)
	t.Log(strings.Join(conflicts(res), "\n"))
	w.check(t, nb, "after the first run")
	reported(t, res, "qemu 900 (beside)", "name")
	reported(t, res, "qemu 901 (mine)", "name")
	reported(t, res, "node pve4", "name")
	reported(t, res, "node pve5", "name")
	clash := only(t, nb, vms, fmt.Sprintf("name=clash&cluster_id=%d", ours))
	if n := len(find(t, nb, "virtualization/interfaces", fmt.Sprintf("virtual_machine_id=%d", clash))); n != 1 {
		t.Errorf("the guest whose address is a person's has %d interfaces", n)
	}
	reported(t, res, "qemu 902 (clash) net0 10.99.0.9/24", "address")
	reported(t, res, "qemu 101 (docker-01) net0 10.10.0.3/24", "address")
	for name, want := range map[string]int{"beside": 2, "mine": 1, "web-01": 2} {
		if n := len(find(t, nb, vms, "name="+name)); n != want {
			t.Errorf("there are %d virtual machines %s", n, name)
		}
	}
	for name, want := range map[string]int{"pve1": 2, "pve4": 2, "pve5": 1} {
		if n := len(find(t, nb, devices, "name="+name)); n != want {
			t.Errorf("there are %d devices %s", n, name)
		}
	}
	nb.rest(t, "the second run")
	w.check(t, nb, "after the second run")

	// The person hands one over.
	delete(w.whole, at(vms, mine))
	w.give(t, nb, vms, mine, row{"tags": []int{tag, only(t, nb, "extras/tags", "slug=proxbox")}, "comments": "handed over", "custom_fields": row{"owner": "ann"}})
	res = nb.sync(t)
	w.check(t, nb, "after the hand-over")
	if id := only(t, nb, vms, "name=mine"); id != mine {
		t.Errorf("what was handed over is %d and not %d", id, mine)
	}
	now := read(t, nb, vms, mine)
	if now["memory"] != float64(1024) || now["status"].(row)["value"] != "active" || len(find(t, nb, "virtualization/interfaces", fmt.Sprintf("virtual_machine_id=%d", mine))) != 1 {
		t.Errorf("what was handed over is not kept true: %v", now)
	}
	for _, r := range res.Reports {
		if r.Label == "qemu 901 (mine)" {
			t.Errorf("it is handed over and still reported: %s", r.Reason)
		}
	}
	nb.rest(t, "the run after the hand-over")
}

// TestPeople: what a person has beside ours and on ours stays.
func TestPeople(t *testing.T) {
	for name, profile := range netboxsim.Profiles() {
		t.Run(name, func(t *testing.T) {
			s := newSimulated(t, profile, proxmoxsim.Demo(30))
			people(t, s)
		})
	}
}
