//go:build unix

package takeover

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"proxbox/internal/domain"
	"proxbox/test/lab/netboxstate"
)

// filler makes what the Python service 0.0.15 made of an estate, one REST
// request an object: custom fields for the identity, its tag on everything,
// and no row of the plugin.
type filler struct {
	t    testing.TB
	nb   netboxstate.NetBox
	snap *domain.Snapshot

	tags                  map[string]int
	site, cluster         int
	bridges               map[string]int
	devices               map[string]int
	vlans                 map[int]int
	manufacturer, devType int
}

// updated stands for the moment of its last run.
const updated = "2026-01-02T03:04:05+00:00"

// fill15 fills an empty NetBox.
func fill15(t testing.TB, nb netboxstate.NetBox, snap *domain.Snapshot) {
	t.Helper()
	f := &filler{t: t, nb: nb, snap: snap, tags: map[string]int{}, devices: map[string]int{}, vlans: map[int]int{}, bridges: map[string]int{}}
	f.customFields()
	f.tag("Proxbox", "proxbox", "ff5722")
	f.place()
	for _, n := range snap.Nodes {
		f.node(n)
	}
	roles := map[domain.GuestType]int{
		domain.QEMU: f.role("Virtual Machine (QEMU)", "virtual-machine-qemu", "00ffff", "Proxmox Virtual Machine"),
		domain.LXC:  f.role("Container (LXC)", "container-lxc", "7fffd4", "Proxmox LXC Container"),
	}
	names := map[string]int{}
	for _, g := range snap.Guests {
		if g.Name == "" {
			continue // it made none
		}
		name := g.Name
		if names[name]++; names[name] > 1 {
			name = fmt.Sprintf("%s (%d)", name, names[name])
		}
		f.guest(g, name, roles[g.Type])
	}
}

// mark are the fields that everything has: the tag and the time.
func (f *filler) mark(fields row, more ...string) row {
	tags := []int{f.tags["proxbox"]}
	for _, slug := range more {
		tags = append(tags, f.tags[slug])
	}
	fields["tags"] = tags
	cf, _ := fields["custom_fields"].(row)
	if cf == nil {
		cf = row{}
	}
	cf["proxmox_last_updated"] = updated
	fields["custom_fields"] = cf
	return fields
}

func (f *filler) tag(name, slug, color string) {
	if f.tags[slug] == 0 {
		f.tags[slug] = create(f.t, f.nb, "extras/tags", row{"name": name, "slug": slug, "color": color})
	}
}

// role finds or makes a guest's role: a newer plugin brings them along.
func (f *filler) role(name, slug, color, description string) int {
	if there := find(f.t, f.nb, "dcim/device-roles", "slug="+slug); len(there) == 1 {
		return int(there[0]["id"].(float64))
	}
	return create(f.t, f.nb, "dcim/device-roles", row{"name": name, "slug": slug, "color": color, "description": description, "vm_role": true})
}

// customFields makes those of its forty fields that it filled.
func (f *filler) customFields() {
	const vm, device = "virtualization.virtualmachine", "dcim.device"
	for _, c := range []struct {
		name, kind string
		of         []string
	}{
		{"proxmox_vm_id", "integer", []string{vm}},
		{"proxmox_vm_type", "text", []string{vm}},
		{"proxmox_start_at_boot", "boolean", []string{vm}},
		{"proxmox_unprivileged_container", "boolean", []string{vm}},
		{"proxmox_qemu_agent", "boolean", []string{vm}},
		{"proxmox_search_domain", "text", []string{vm}},
		{"proxmox_link", "url", []string{device, vm}},
		{"proxmox_node", "text", []string{device, vm}},
		{"proxmox_cluster", "text", []string{device, vm}},
		{"proxmox_status", "text", []string{vm}},
		{"proxbox_bridge", "object", []string{"virtualization.vminterface"}},
		{"proxmox_last_updated", "datetime", []string{device, "dcim.devicerole", "dcim.devicetype", "dcim.interface", "dcim.manufacturer", "dcim.site",
			"ipam.ipaddress", "ipam.vlan", "virtualization.cluster", "virtualization.clustertype", "virtualization.virtualdisk", vm, "virtualization.vminterface"}},
	} {
		if there := find(f.t, f.nb, "extras/custom-fields", "name="+c.name); len(there) == 1 {
			// A newer plugin kept some of them. It extended them too.
			types := c.of
			for _, kind := range there[0]["object_types"].([]any) {
				types = append(types, kind.(string))
			}
			patch(f.t, f.nb, "extras/custom-fields", int(there[0]["id"].(float64)), row{"object_types": types})
			continue
		}
		fields := row{"name": c.name, "type": c.kind, "object_types": c.of, "group_name": "Proxmox",
			"ui_visible": "always", "ui_editable": "hidden", "filter_logic": "loose", "search_weight": 1000, "weight": 100}
		if c.kind == "object" {
			fields["related_object_type"] = "dcim.interface"
		}
		create(f.t, f.nb, "extras/custom-fields", fields)
	}
}

// place makes the cluster and what it stands in.
func (f *filler) place() {
	name := f.snap.Cluster.Name
	kind := create(f.t, f.nb, "virtualization/cluster-types", f.mark(row{"name": "Cluster", "slug": "cluster", "description": "Proxmox cluster mode"}))
	f.manufacturer = create(f.t, f.nb, "dcim/manufacturers", f.mark(row{"name": "Proxmox", "slug": "proxmox"}))
	f.devType = create(f.t, f.nb, "dcim/device-types", f.mark(row{"model": "Proxmox Generic Device", "slug": "proxmox-generic-device", "manufacturer": f.manufacturer}))
	f.site = create(f.t, f.nb, "dcim/sites", f.mark(row{"name": "Proxmox Default Site - " + name, "slug": "proxmox-default-site-" + name, "status": "active"}))
	f.cluster = create(f.t, f.nb, "virtualization/clusters", f.mark(row{"name": name, "type": kind, "description": "Proxmox cluster cluster.",
		"scope_type": "dcim.site", "scope_id": f.site}))
}

func (f *filler) node(n domain.Node) {
	if f.devices["role"] == 0 {
		f.devices["role"] = create(f.t, f.nb, "dcim/device-roles", f.mark(row{"name": "Proxmox Node", "slug": "proxmox-node", "color": "00bcd4"}))
	}
	f.devices[n.Name] = create(f.t, f.nb, "dcim/devices", f.mark(row{"name": n.Name, "cluster": f.cluster, "status": "active", "site": f.site,
		"description": "Proxmox Node " + n.Name, "device_type": f.devType, "role": f.devices["role"]}))
}

func (f *filler) guest(g domain.Guest, name string, role int) {
	cfg := g.Config.Value
	var tags []string
	for _, tag := range cfg.Tags {
		slug := strings.Trim(notSlug.ReplaceAllString(strings.ToLower(tag), "-"), "-")
		f.tag(tag, slug, "9e9e9e")
		tags = append(tags, slug)
	}
	status := map[string]string{"running": "active", "stopped": "offline"}[g.Status]
	disk := 0
	for _, d := range cfg.Disks {
		disk += d.SizeMB
	}
	vm := create(f.t, f.nb, "virtualization/virtual-machines", f.mark(row{
		"name": name, "status": status, "cluster": f.cluster, "device": f.devices[g.Node], "site": f.site, "role": role,
		"vcpus": int(g.CPUs), "memory": g.MemoryBytes >> 20, "disk": disk, "description": "Synced from Proxmox node " + g.Node,
		"custom_fields": row{
			"proxmox_vm_id": g.VMID, "proxmox_vm_type": string(g.Type), "proxmox_start_at_boot": cfg.OnBoot,
			"proxmox_unprivileged_container": cfg.Unprivileged, "proxmox_qemu_agent": cfg.AgentEnabled, "proxmox_search_domain": cfg.SearchDomain,
			"proxmox_node": g.Node, "proxmox_status": g.Status, "proxmox_cluster": f.snap.Cluster.Name,
			"proxmox_link": fmt.Sprintf("https://192.0.2.11:8006/#v1:0:=%s/%d", g.Type, g.VMID),
		},
	}, tags...))
	for _, d := range cfg.Disks {
		if d.SizeMB == 0 {
			continue
		}
		size := d.SizeMB
		if d.Key == "efidisk0" {
			size = 528 // it took K for M
		}
		create(f.t, f.nb, "virtualization/virtual-disks", f.mark(row{"virtual_machine": vm, "name": d.Key, "size": size,
			"description": "Storage: " + d.Storage}))
	}
	f.interfaces(g, vm)
}

// bridge makes the bridge of a NIC on its node, and no other interface there.
func (f *filler) bridge(node, name string) any {
	if name == "" {
		return nil
	}
	key := node + "/" + name
	if f.bridges[key] == 0 {
		f.bridges[key] = create(f.t, f.nb, "dcim/interfaces", f.mark(row{"device": f.devices[node], "name": name, "type": "bridge"}))
	}
	return f.bridges[key]
}

var notSlug = regexp.MustCompile(`[^a-z0-9]+`)

// interfaces makes those up to the first gap in netN, named as the guest
// names them, with the MAC of the two models that it knew.
func (f *filler) interfaces(g domain.Guest, vm int) {
	primary := row{}
	for i, nic := range g.Config.Value.NICs {
		if nic.Index != i {
			break
		}
		name, known := nic.Key, nic.Model == "virtio" || nic.Model == "veth"
		if nic.Name != "" {
			name = nic.Name
		}
		addresses := nic.Addresses
		for _, seen := range g.Agent.Value {
			if known && seen.MAC == nic.MAC {
				name, addresses = seen.Name, seen.Addresses
				break
			}
		}
		fields := row{"virtual_machine": vm, "name": name, "enabled": true, "custom_fields": row{"proxbox_bridge": f.bridge(g.Node, nic.Bridge)}}
		if nic.VLAN != 0 {
			if f.vlans[nic.VLAN] == 0 {
				f.vlans[nic.VLAN] = create(f.t, f.nb, "ipam/vlans", f.mark(row{"vid": nic.VLAN, "name": fmt.Sprintf("VLAN %d", nic.VLAN), "site": f.site, "status": "active"}))
			}
			fields["untagged_vlan"], fields["mode"] = f.vlans[nic.VLAN], "access"
		}
		iface := create(f.t, f.nb, "virtualization/interfaces", f.mark(fields))
		if known {
			mac := create(f.t, f.nb, "dcim/mac-addresses", row{"mac_address": nic.MAC, "assigned_object_type": "virtualization.vminterface", "assigned_object_id": iface})
			patch(f.t, f.nb, "virtualization/interfaces", iface, row{"primary_mac_address": mac})
		}
		f.addresses(g, iface, addresses, primary)
	}
	if len(primary) > 0 {
		patch(f.t, f.nb, "virtualization/virtual-machines", vm, primary)
	}
}

func (f *filler) addresses(g domain.Guest, iface int, addresses []netip.Prefix, primary row) {
	for _, a := range addresses {
		if a.Addr().IsLoopback() || a.Addr().IsLinkLocalUnicast() {
			continue
		}
		id := create(f.t, f.nb, "ipam/ip-addresses", f.mark(row{"address": a.String(), "assigned_object_type": "virtualization.vminterface", "assigned_object_id": iface,
			"status": "active", "dns_name": strings.ToLower(g.Hostname)}))
		family := "primary_ip6"
		if a.Addr().Is4() {
			family = "primary_ip4"
		}
		if primary[family] == nil {
			primary[family] = id
		}
	}
}
