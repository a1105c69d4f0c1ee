package conformance

import (
	"errors"
	"net/http"
	"strconv"

	"proxbox/internal/netbox"
)

// pve is what the plugin knows of one Proxmox endpoint.
type pve struct{ endpoint, cluster, node, otherNode int }

func (s *suite) pve() pve {
	s.Helper()
	name := s.name("pve")
	var p pve
	p.endpoint = s.make(endpointsPath, object{"name": name, "domain": name + ".example.org", "port": 8006, "username": "root@pam", "mode": "cluster"})
	p.cluster = s.make(pveClusters, object{"name": name, "endpoint": p.endpoint, "mode": "cluster"})
	p.node = s.make(pveNodes, object{"name": "n1", "endpoint": p.endpoint, "proxmox_cluster": p.cluster, "ip_address": "192.0.2.1"})
	p.otherNode = s.make(pveNodes, object{"name": "n2", "endpoint": p.endpoint, "proxmox_cluster": p.cluster, "ip_address": "192.0.2.2"})
	return p
}

const (
	takenState = "This object already has a Proxbox sync-state row."
	notNull    = "This field may not be null."
)

// pluginSettings are one row, in a list and, flat, as what counts now.
func (s *suite) pluginSettings() {
	a := s.send("GET", pluginPath+"settings/", nil)
	results, _ := a.object()["results"].([]any)
	if a.status != http.StatusOK || len(results) != 1 {
		s.Fatal(a)
	}
	row, now := results[0].(object), s.send("GET", pluginPath+"settings/runtime/", nil).object()
	defaults := object{
		"use_guest_agent_interface_name": true, "proxbox_fetch_max_concurrency": 8.0, "ignore_ipv6_link_local_addresses": true,
		"primary_ip_preference": "ipv4", "ensure_netbox_objects": true, "delete_orphans": false,
		"netbox_timeout": 120.0, "netbox_max_concurrent": 1.0, "netbox_max_retries": 5.0, "netbox_retry_delay": 2.0,
		"netbox_write_concurrency": 8.0, "proxmox_fetch_concurrency": 8.0, "bulk_batch_size": 50.0, "bulk_batch_delay_ms": 500.0,
		"vm_sync_max_concurrency": 4.0, "proxmox_timeout": 5.0, "sync_mode_vm": "always", "overwrite_vm_role": true,
	}
	for name, want := range defaults {
		s.equal(name+" in the list", row[name], want)
		s.equal(name+" at runtime", now[name], want)
	}
	if now["encryption_key"] == nil || row["encryption_key"] != nil {
		s.Errorf("the key is %v at runtime and %v in the list", now["encryption_key"], row["encryption_key"])
	}
}

// pluginRows are lists like NetBox's own.
func (s *suite) pluginRows() {
	p := s.pve()
	s.refusesMake(pveClusters, object{"name": s.field(pveClusters, p.cluster, "name"), "endpoint": p.endpoint, "mode": "cluster"},
		"__all__", "Proxmox cluster with this Proxmox endpoint and Cluster name already exists.")
	if err := s.try(pveNodes, p.node, object{"endpoint": vanished}); !errors.As(err, new(*netbox.BatchError)) {
		s.Errorf("an endpoint that does not exist: %v", err)
	}
	device := s.device(s.site)
	s.change(pveNodes, p.node, object{"netbox_device": device})
	s.change(pveClusters, p.cluster, object{"netbox_cluster": s.cluster})
	s.equal("links", []any{s.field(pveNodes, p.node, "netbox_device"), s.field(pveClusters, p.cluster, "netbox_cluster")}, []any{device, s.cluster})
	s.equal("nodes of an endpoint", s.list(pveNodes, query("endpoint", strconv.Itoa(p.endpoint))), []int{p.node, p.otherNode})
}

// stateRows are lists like NetBox's own, too.
func (s *suite) stateRows() {
	var objects []object
	var guests []int
	for range 3 {
		g := s.guest()
		guests = append(guests, g)
		objects = append(objects, object{"virtual_machine": g, "proxmox_vm_id": 100})
	}
	ids := s.makeAll(guestState, objects...)
	if s.caps.Cursor {
		page := s.page(guestState + "?fields=id&limit=2&start=" + strconv.Itoa(ids[0]))
		if page.Count != nil {
			s.Error("a page by id has a count")
		}
		s.equal("a page by id", page.ids(), ids[:2])
		s.equal("where the next one starts", page.nextParam("start"), strconv.Itoa(ids[1]+1))
	}
	first := s.page(guestState + "?fields=id&limit=2&ordering=id&id__gte=" + strconv.Itoa(ids[0]))
	if first.Count == nil || *first.Count < 3 {
		s.Errorf("a page by offset has the count %v", first.Count)
	}
	s.equal("through the client", s.list(guestState, query("id__gte", strconv.Itoa(ids[0]))), ids)
	s.equal("by the guest", s.list(guestState, query("virtual_machine_id", strconv.Itoa(guests[1]))), ids[1:2])
	s.equal("by a guest that does not exist", s.list(guestState, query("virtual_machine_id", strconv.Itoa(vanished))), []int{})
	all := len(s.list(guestState, nil))
	s.equal("a filter that is none", len(s.list(guestState, query("proxmox_vm_name", "no such name"))), all)

	a := s.send("PATCH", guestState, []object{{"id": ids[0], "proxmox_vm_id": 7}, {"id": vanished, "proxmox_vm_id": 7}})
	if s.caps.ErrorLists && a.status != http.StatusBadRequest {
		s.Errorf("a vanished id beside another: %s", a)
	}
	changed, err := s.Update(s.Context(), guestState, []object{{"id": ids[0], "proxmox_vm_id": 8}, {"id": vanished, "proxmox_vm_id": 8}})
	if err != nil {
		s.Error(err)
	}
	s.equal("who was changed beside a vanished id", idsOf(changed), ids[:1])
	_, err = s.Update(s.Context(), guestState, []object{{"id": ids[0], "proxmox_vm_id": 9}, {"id": ids[1], "proxmox_vm_id": "x"}})
	s.refuses(err, 1, "proxmox_vm_id", "A valid integer is required.")
	s.equal("nothing was changed", s.field(guestState, ids[0], "proxmox_vm_id"), 8)
	if err := s.Delete(s.Context(), guestState, []object{{"id": ids[0]}, {"id": vanished}}); err != nil {
		s.Error(err)
	}
	s.delete(guestsPath, guests[1])
	if !s.gone(guestState, ids[0]) || !s.gone(guestState, ids[1]) || s.gone(guestState, ids[2]) {
		s.Error("a row goes by itself and with its guest")
	}
}

// binding returns what a row is bound to.
func (s *suite) binding(path string, id int) []any {
	s.Helper()
	o := s.read(path, id, "endpoint", "proxmox_cluster", "proxmox_node")
	return []any{flat(o["endpoint"]), flat(o["proxmox_cluster"]), flat(o["proxmox_node"])}
}

// guestState is a guest's identity.
func (s *suite) guestState() {
	p := s.pve()
	guest := s.guest()
	id := s.make(guestState, object{"virtual_machine": guest, "proxmox_node": p.node})
	s.equal("a node fills endpoint and cluster", s.binding(guestState, id), []any{p.endpoint, p.cluster, p.node})
	s.equal("what was not given", s.read(guestState, id, "proxmox_vm_id", "proxmox_vm_type", "proxmox_vm_name", "proxmox_node_name", "proxmox_cluster_name",
		"proxmox_endpoint_raw_id", "proxmox_last_synced_role_id", "proxmox_status", "proxmox_link", "proxmox_tags", "proxmox_last_updated", "last_run_id",
		"proxmox_start_at_boot", "proxmox_unprivileged_container", "proxmox_qemu_agent", "proxmox_search_domain"), object{
		"proxmox_vm_id": nil, "proxmox_vm_type": "", "proxmox_vm_name": "", "proxmox_node_name": "", "proxmox_cluster_name": "",
		"proxmox_endpoint_raw_id": nil, "proxmox_last_synced_role_id": nil, "proxmox_status": "", "proxmox_link": "", "proxmox_tags": "",
		"proxmox_last_updated": nil, "last_run_id": "", "proxmox_start_at_boot": nil, "proxmox_unprivileged_container": nil, "proxmox_qemu_agent": nil,
		"proxmox_search_domain": ""})
	s.change(guestState, id, object{"proxmox_node": p.otherNode, "proxmox_node_name": "n2"})
	s.equal("moved to another node", s.binding(guestState, id), []any{p.endpoint, p.cluster, p.otherNode})
	s.change(guestState, id, object{"proxmox_node": nil})
	s.equal("without node", s.binding(guestState, id), []any{p.endpoint, p.cluster, nil})
	s.change(guestState, id, object{"endpoint": nil})
	s.equal("the endpoint alone cannot be taken away", s.binding(guestState, id), []any{p.endpoint, p.cluster, nil})
	s.change(guestState, id, object{"endpoint": nil, "proxmox_cluster": nil, "proxmox_node": nil})
	s.equal("unbound", s.binding(guestState, id), []any{nil, nil, nil})
	s.change(guestState, id, object{"endpoint": p.endpoint})
	s.equal("bound to the endpoint alone", s.binding(guestState, id), []any{p.endpoint, nil, nil})

	byCluster := s.make(guestState, object{"virtual_machine": s.guest(), "proxmox_cluster": p.cluster})
	s.equal("a cluster fills the endpoint", s.binding(guestState, byCluster), []any{p.endpoint, p.cluster, nil})

	free := s.guest()
	_, err := s.Create(s.Context(), guestState, []object{{"virtual_machine": free}, {"virtual_machine": guest}})
	s.conflicts(err, "virtual_machine", takenState)
	s.equal("nothing was made beside a duplicate", s.list(guestState, query("virtual_machine_id", strconv.Itoa(free))), []int{})
	_, err = s.Create(s.Context(), guestState, []object{{"virtual_machine": free}, {"virtual_machine": free}})
	if s.caps.ErrorLists {
		s.conflicts(err, "virtual_machine", takenState)
	} else if err == nil {
		s.Error("two rows of one guest in one batch")
	}
	s.refusesMake(guestState, object{"virtual_machine": vanished}, "virtual_machine", "Related object not found using the provided numeric ID: 2147480000")
	s.refusesMake(guestState, object{"proxmox_vm_id": 1}, "virtual_machine", required)
	s.refusesMake(guestState, object{"virtual_machine": free, "proxmox_vm_name": nil}, "proxmox_vm_name", notNull)
	s.refusesMake(guestState, object{"virtual_machine": free, "proxmox_link": "https://pve:8006"}, "proxmox_link", "Enter a valid URL.")
	s.refusesMake(guestState, object{"virtual_machine": free, "proxmox_link": "https://p_e.example.org:8006"}, "proxmox_link", "Enter a valid URL.")
	s.conflicts(s.try(guestState, id, object{"virtual_machine": s.guestWithState()}), "virtual_machine", takenState)
	s.refusesChange(guestState, id, object{"virtual_machine": free}, "virtual_machine", "The sync-state parent cannot be changed.")
	s.change(guestState, id, object{"virtual_machine": guest, "proxmox_link": "https://pve.example.org:8006/#v1:0:=qemu/100", "proxmox_endpoint_raw_id": 1})
	s.change(guestState, id, object{"proxmox_endpoint_raw_id": 2})
	s.change(guestState, id, object{"proxmox_endpoint_raw_id": nil})

	before := s.field(guestState, id, "last_updated").(string)
	mark := s.lastChange()
	s.change(guestState, id, object{"proxmox_endpoint_raw_id": nil})
	if after := s.field(guestState, id, "last_updated").(string); after <= before {
		s.Error("a PATCH that changes nothing left last_updated")
	}
	if now := s.lastChange(); now != mark {
		s.Error("a PATCH that changes nothing is in the change log")
	}
	s.change(guestState, id, object{"last_run_id": "x"})
	if now := s.lastChange(); now == mark {
		s.Error("a PATCH of last_run_id is not in the change log")
	}
}

func (s *suite) guestWithState() int {
	s.Helper()
	g := s.guest()
	s.make(guestState, object{"virtual_machine": g})
	return g
}

// deviceState needs the link of the node's own row first.
func (s *suite) deviceState() {
	p := s.pve()
	device := s.device(s.site)
	s.refusesMake(deviceState, object{"device": device, "proxmox_node": p.node}, "proxmox_node", "Proxmox node must be linked to the sync-state device.")
	s.change(pveNodes, p.node, object{"netbox_device": device})
	id := s.make(deviceState, object{"device": device, "proxmox_node": p.node, "proxmox_endpoint_raw_id": 5})
	s.equal("a node fills endpoint and cluster", s.binding(deviceState, id), []any{p.endpoint, p.cluster, p.node})
	_, err := s.Create(s.Context(), deviceState, []object{{"device": device}})
	s.conflicts(err, "device", takenState)
	s.conflicts(s.try(deviceState, id, object{"proxmox_endpoint_raw_id": 6}), "proxmox_endpoint_raw_id", "endpoint_ownership_conflict")
	s.conflicts(s.try(deviceState, id, object{"proxmox_endpoint_raw_id": nil}), "proxmox_endpoint_raw_id", "endpoint_ownership_conflict")
	s.equal("the raw id stays", s.field(deviceState, id, "proxmox_endpoint_raw_id"), 5)
	s.change(deviceState, id, object{"proxmox_endpoint_raw_id": 5, "proxmox_node_name": "n1"})
	s.delete(deviceState, id)
	id = s.make(deviceState, object{"device": device, "proxmox_endpoint_raw_id": 6})
	s.equal("the way out is a new row", s.field(deviceState, id, "proxmox_endpoint_raw_id"), 6)
}

// clusterState needs the link of the cluster's own row first.
func (s *suite) clusterState() {
	p := s.pve()
	cluster := s.make(clustersPath, object{"name": s.name("cluster"), "type": s.clusterType})
	s.refusesMake(clusterState, object{"cluster": cluster, "proxmox_cluster": p.cluster}, "proxmox_cluster", "Proxmox cluster must be linked to the sync-state cluster.")
	s.change(pveClusters, p.cluster, object{"netbox_cluster": cluster})
	id := s.make(clusterState, object{"cluster": cluster, "proxmox_cluster": p.cluster, "proxmox_cluster_name": "c"})
	s.equal("the cluster", s.field(clusterState, id, "proxmox_cluster"), p.cluster)
	_, err := s.Create(s.Context(), clusterState, []object{{"cluster": cluster}})
	s.conflicts(err, "cluster", takenState)
	s.equal("by the cluster", s.list(clusterState, query("cluster_id", strconv.Itoa(cluster))), []int{id})
}

// partState marks disks, interfaces and addresses.
func (s *suite) partState() {
	guest := s.guest()
	nic := s.nic(guest)
	disk := s.make(disksPath, object{"virtual_machine": guest, "name": "scsi0", "size": 1})
	ip := s.make(addressesPath, with(object{"address": s.address()}, onNIC(nic)))
	for _, part := range []struct {
		path, parent string
		id           int
		more         object
	}{
		{diskState, "virtual_disk", disk, object{"proxbox_storage_raw_value": "local-lvm"}},
		{nicState, "vm_interface", nic, object{"proxbox_bridge_raw_value": "vmbr0"}},
		{addressState, "ip_address", ip, object{"proxmox_interface": "net0", "proxmox_mac": "02:00:00:00:00:01"}},
	} {
		row := s.make(part.path, with(object{part.parent: part.id}, part.more))
		s.equal("the parent of "+part.path, s.field(part.path, row, part.parent), part.id)
		_, err := s.Create(s.Context(), part.path, []object{{part.parent: part.id}})
		s.conflicts(err, part.parent, takenState)
		s.equal("by the parent", s.list(part.path, query(part.parent+"_id", strconv.Itoa(part.id))), []int{row})
		defer func() {
			if !s.gone(part.path, row) {
				s.Errorf("%s%d/ outlived its guest", part.path, row)
			}
		}()
	}
	s.delete(guestsPath, guest)
}

// guestInterfaces are as the guest sees them; an address that they name stays
// until they let go of it.
func (s *suite) guestInterfaces() {
	guest, other := s.guest(), s.guest()
	nic, foreign := s.nic(guest), s.nic(other)
	ids := s.makeAll(guestNICs, object{"virtual_machine": guest, "name": "eth0", "vm_interface": nic}, object{"virtual_machine": guest, "name": "lo"})
	s.refusesMake(guestNICs, object{"virtual_machine": guest, "name": "eth0"}, "__all__", "Guest VM interface with this Virtual machine and Name already exists.")
	s.refusesMake(guestNICs, object{"virtual_machine": guest, "name": "eth1", "vm_interface": foreign},
		"vm_interface", "Mapped core VM interface must belong to the same virtual machine as the guest interface.")
	s.refusesMake(guestNICs, object{"virtual_machine": guest, "name": "eth1", "mac_address": nil}, "mac_address", notNull)
	ip := s.make(addressesPath, with(object{"address": s.address()}, onNIC(nic)))
	link := s.make(guestAddresses, object{"guest_interface": ids[0], "ip_address": ip})
	s.refusesMake(guestAddresses, object{"guest_interface": ids[0], "ip_address": ip}, "__all__", "Guest VM interface address with this Guest interface and Ip address already exists.")
	theirs := s.make(addressesPath, with(object{"address": s.address()}, onNIC(foreign)))
	if _, err := s.Create(s.Context(), guestAddresses, []object{{"guest_interface": ids[0], "ip_address": theirs}}); !errors.As(err, new(*netbox.BatchError)) {
		s.Errorf("an address of another guest: %v", err)
	}
	s.inTheWay(addressesPath, ip, s.make(addressesPath, object{"address": s.address()}))
	s.inTheWay(nicsPath, nic, s.nic(guest))
	s.inTheWay(guestsPath, guest, s.guest())
	s.delete(guestAddresses, link)
	s.delete(addressesPath, ip)
	s.delete(guestsPath, guest)
	if !s.gone(guestNICs, ids[1]) {
		s.Error("a guest interface outlived its guest")
	}
}
