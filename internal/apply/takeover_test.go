package apply_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"proxbox/internal/domain"
	netboxsim "proxbox/internal/sim/netbox"
)

type fields = map[string]any

// python is a NetBox that the Python service filled: everything tagged, and
// the identity in sync-state rows (0.0.28) or custom fields (0.0.15).
type python struct {
	*testing.T
	*engine
	s      *domain.Snapshot
	states bool
	legacy bool // interfaces are named as the guest does
	tag    int
	site   int
}

func (p *python) one(kind string, f fields) int { p.Helper(); return p.seed(p.T, kind, f)[0] }

// tagged makes an object with the tag that the service puts on everything.
func (p *python) tagged(kind string, f fields) int {
	p.Helper()
	f["tags"] = []int{p.tag}
	return p.one(kind, f)
}

func (p *python) fill() {
	p.tag = p.one("extras.tag", fields{"name": "Proxbox", "slug": "proxbox", "color": "ff5722"})
	maker := p.tagged("dcim.manufacturer", fields{"name": "Proxmox", "slug": "proxmox"})
	kind := p.tagged("dcim.devicetype", fields{"manufacturer": maker, "model": "Proxmox Generic Device", "slug": "proxmox-generic-device"})
	role := p.tagged("dcim.devicerole", fields{"name": "Proxmox Node", "slug": "proxmox-node", "color": "00bcd4"})
	mode := p.tagged("virtualization.clustertype", fields{"name": "Cluster", "slug": "cluster", "description": "Proxmox cluster mode"})
	p.site = p.tagged("dcim.site", fields{"name": "Proxmox Default Site - lab", "slug": "proxmox-default-site-lab", "status": "active"})
	cluster := p.tagged("virtualization.cluster", fields{"name": "lab", "type": mode, "scope_type": "dcim.site", "scope_id": p.site,
		"description": "Proxmox cluster cluster."})
	if !p.states {
		for _, name := range []string{"proxmox_vm_type", "proxmox_node", "proxmox_cluster"} {
			p.one("extras.customfield", fields{"name": name, "type": "text", "object_types": []string{"virtualization.virtualmachine", "dcim.device"}})
		}
		p.one("extras.customfield", fields{"name": "proxmox_vm_id", "type": "integer", "object_types": []string{"virtualization.virtualmachine"}})
	}
	p.state("clustersyncstate", fields{"cluster": cluster, "proxmox_cluster_name": "lab"})
	nodes := map[string]int{}
	for _, n := range p.s.Nodes {
		nodes[n.Name] = p.tagged("dcim.device", fields{"name": n.Name, "cluster": cluster, "site": p.site, "role": role, "device_type": kind,
			"description": "Proxmox Node " + n.Name, "status": "active"})
		p.state("devicesyncstate", fields{"device": nodes[n.Name], "proxmox_node_name": n.Name, "proxmox_cluster_name": "lab", "proxmox_endpoint_raw_id": 7})
	}
	for _, g := range p.s.Guests {
		p.guest(g, cluster, nodes[g.Node])
	}
}

func (p *python) state(kind string, f fields) {
	p.Helper()
	if p.states {
		p.one("netbox_proxbox.proxbox"+kind, f)
	}
}

func (p *python) guest(g domain.Guest, cluster, device int) {
	p.Helper()
	prod := p.nb.Objects("extras.tag")
	id := 0
	for _, t := range prod {
		if t["slug"] == "prod" {
			id = int(number(t["id"]))
		}
	}
	if id == 0 {
		id = p.one("extras.tag", fields{"name": "prod", "slug": "prod", "color": "abcdef"})
	}
	f := fields{"name": g.Name, "cluster": cluster, "device": device, "site": p.site, "status": "active", "vcpus": 2, "memory": 2048,
		"tags": []int{p.tag, id}, "description": "Synced from Proxmox node " + g.Node}
	if !p.states {
		f["custom_fields"] = fields{"proxmox_vm_id": g.VMID, "proxmox_vm_type": string(g.Type), "proxmox_node": g.Node, "proxmox_cluster": "lab"}
	}
	vm := p.one("virtualization.virtualmachine", f)
	p.state("virtualmachinesyncstate", fields{"virtual_machine": vm, "proxmox_vm_id": g.VMID, "proxmox_vm_type": string(g.Type),
		"proxmox_start_at_boot": true, "proxmox_status": g.Status, "proxmox_endpoint_raw_id": 7, "proxmox_node_name": g.Node, "proxmox_cluster_name": "lab"})
	for _, d := range g.Config.Value.Disks {
		disk := p.tagged("virtualization.virtualdisk", fields{"virtual_machine": vm, "name": d.Key, "size": d.SizeMB})
		p.state("virtualdisksyncstate", fields{"virtual_disk": disk, "proxbox_storage_raw_value": d.Storage})
	}
	for _, nic := range g.Config.Value.NICs {
		p.nic(g, nic, vm)
	}
}

func (p *python) nic(g domain.Guest, nic domain.NIC, vm int) {
	p.Helper()
	name := nic.Key
	var seen []string
	if nic.Name != "" {
		name = nic.Name
	}
	for _, gi := range g.Agent.Value {
		if gi.MAC != nic.MAC {
			continue
		}
		if p.legacy {
			name = gi.Name
		}
		for _, a := range gi.Addresses {
			if !a.Addr().IsLinkLocalUnicast() {
				seen = append(seen, a.String())
			}
		}
	}
	f := fields{"virtual_machine": vm, "name": name, "enabled": true}
	if nic.VLAN > 0 {
		f["mode"], f["untagged_vlan"] = "access", p.vlan(nic.VLAN)
	}
	iface := p.tagged("virtualization.vminterface", f)
	p.state("vminterfacesyncstate", fields{"vm_interface": iface, "proxbox_bridge_raw_value": nic.Bridge})
	if nic.Model == "virtio" || nic.Model == "veth" {
		mac := p.tagged("dcim.macaddress", fields{"mac_address": nic.MAC, "assigned_object_type": "virtualization.vminterface", "assigned_object_id": iface})
		if err := p.nb.Patch("virtualization.vminterface", iface, fields{"primary_mac_address": mac}); err != nil {
			p.Fatal(err)
		}
	}
	for _, a := range seen {
		ip := p.tagged("ipam.ipaddress", fields{"address": a, "status": "active", "assigned_object_type": "virtualization.vminterface", "assigned_object_id": iface})
		if !strings.Contains(a, ":") {
			if err := p.nb.Patch("virtualization.virtualmachine", vm, fields{"primary_ip4": ip}); err != nil {
				p.Fatal(err)
			}
		}
	}
}

func (p *python) vlan(vid int) int {
	p.Helper()
	for _, o := range p.nb.Objects("ipam.vlan") {
		if int(number(o["vid"])) == vid {
			return int(number(o["id"]))
		}
	}
	return p.tagged("ipam.vlan", fields{"vid": vid, "name": fmt.Sprintf("VLAN %d", vid), "site": p.site, "status": "active"})
}

func number(v any) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case int:
		return float64(v)
	case json.Number:
		f, _ := v.Float64()
		return f
	}
	return 0
}

// TestTakeOver: what the Python service made is ours from the first run on:
// no second copy of anything, and the third run writes nothing. A person's
// device and VM of the same names beside it stay as they are.
func TestTakeOver(t *testing.T) {
	for _, c := range []struct {
		name    string
		profile netboxsim.Profile
		states  bool
		legacy  bool
	}{
		{"0.0.28 on 4.7", netboxsim.NetBox47, true, false},
		{"0.0.28 on 4.5", netboxsim.NetBox45, true, false},
		{"0.0.28 with the guests' names", netboxsim.NetBox47, true, true},
		{"0.0.15 on 4.7", netboxsim.NetBox47Plugin15, false, false},
		{"0.0.15 with the guests' names", netboxsim.NetBox47Plugin15, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := newEngine(t, c.profile)
			s := estate(1, "lab")
			e.pluginRows(t, s)
			p := &python{T: t, engine: e, s: s, states: c.states, legacy: c.legacy}
			p.fill()
			elsewhere := p.one("dcim.site", fields{"name": "Berlin", "slug": "berlin"})
			p.one("dcim.device", fields{"name": "pve1", "site": elsewhere, "role": 1, "device_type": 1, "description": "mine"})
			p.one("virtualization.virtualmachine", fields{"name": "guest100", "site": elsewhere, "description": "mine"})
			theirs := e.theirs(t)
			count := map[string]int{}
			kinds := []string{"virtualization.cluster", "virtualization.virtualmachine", "virtualization.virtualdisk", "virtualization.vminterface",
				"dcim.device", "dcim.site", "ipam.vlan"}
			for _, k := range kinds {
				count[k] = e.nb.Count(k)
			}
			addresses := e.nb.Count("ipam.ipaddress")
			if plan, res := e.mustSync(t, s); len(plan.Reports)+len(res.Reports) > 0 {
				t.Errorf("reported:\n%s\n%s", labels(plan.Reports), labels(res.Reports))
			}
			for _, k := range kinds {
				want := count[k]
				if k == "ipam.vlan" {
					want += 3 // two of a trunk and that of a node, which the Python service leaves out
				}
				if n := e.nb.Count(k); n != want {
					t.Errorf("%d of %s, there were %d", n, k, count[k])
				}
			}
			if n := e.nb.Count("ipam.ipaddress"); n < addresses {
				t.Errorf("%d addresses, there were %d", n, addresses)
			}
			for _, o := range e.nb.Objects("virtualization.vminterface") {
				if name := o["name"].(string); name != "net0" && name != "net2" && !strings.HasPrefix(display(o["virtual_machine"]), "guest101") && !strings.HasPrefix(display(o["virtual_machine"]), "guest105") {
					t.Errorf("an interface of %s is named %s", display(o["virtual_machine"]), name)
				}
			}
			e.mustRest(t, s)
			if after := e.theirs(t); after != theirs {
				t.Errorf("what is not ours was changed: %s", diff(theirs, after))
			}
		})
	}
}

// theirs are the objects that carry a person's description, to the last bit.
func (e *engine) theirs(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, kind := range []string{"dcim.device", "virtualization.virtualmachine"} {
		for _, o := range e.nb.Objects(kind) {
			if o["description"] == "mine" {
				delete(o, "custom_fields") // which fields there are is no one object's
				raw, err := json.MarshalIndent(o, "", " ")
				if err != nil {
					t.Fatal(err)
				}
				b.Write(raw)
			}
		}
	}
	return b.String()
}
