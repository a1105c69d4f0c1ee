package netboxsim

import (
	"fmt"
	"net/netip"
	"strings"
)

func each(names string, make func(string) *field) []*field {
	var fs []*field
	for name := range strings.FieldsSeq(names) {
		fs = append(fs, make(name))
	}
	return fs
}

func domainCheck(text string) string {
	if text == "localhost" || domainForm.MatchString(text) && !looksLikeIPv4(text) {
		return ""
	}
	return text + " is not a valid domain name"
}

func looksLikeIPv4(text string) bool {
	last := text[strings.LastIndexByte(text, '.')+1:]
	return len(last) < 2 && strings.Contains(text, ".")
}

// hostCheck is the plugin's node address: an address without a mask.
func hostCheck(text string) string {
	if _, err := netip.ParseAddr(text); err != nil {
		return "Enter a valid IPv4 or IPv6 address."
	}
	return ""
}

func hostOrDomain(d *draft) {
	if d.get("ip_address") == nil && d.str("domain") == "" {
		const msg = "Provide either a domain or an IP address."
		d.fail("domain", msg)
		d.fail("ip_address", msg)
	}
}

func selectionNotEmpty(d *draft) {
	switch raw, _ := d.get("selection").(rawJSON); raw {
	case "[]", "{}", `""`, "null", "":
		d.fail("selection", "This field cannot be blank.")
	}
}

// endpointLabel is an endpoint's name, else its domain, else its address.
func endpointLabel(s *store, k *kind, r *row) string {
	for _, text := range []string{k.str(r, "name"), k.str(r, "domain"), s.endpointIP(k, r)} {
		if text != "" {
			return text
		}
	}
	return fmt.Sprintf("%s(%d)", k.class, r.id)
}

// endpointDisplay is an endpoint as the plugin's lists show it: "pve (10.0.0.1)".
func endpointDisplay(s *store, k *kind, r *row) string {
	name, host := k.str(r, "name"), s.endpointIP(k, r)
	if name == "" {
		name = "Proxmox endpoint"
	}
	if host == "" {
		host = k.str(r, "domain")
	}
	if host == "" {
		return name
	}
	return name + " (" + host + ")"
}

func (s *store) endpointIP(k *kind, r *row) string {
	ip := s.row(addressKind, k.id(r, "ip_address"))
	if ip == nil {
		return ""
	}
	return s.kinds[addressKind].get(ip, "address").(netip.Prefix).Addr().String()
}

// underEndpoint labels a row by one of its fields and its endpoint's name.
func underEndpoint(name string) func(*store, *kind, *row) string {
	return func(s *store, k *kind, r *row) string {
		endpoint := s.row(endpointKind, k.id(r, "endpoint"))
		if endpoint == nil {
			return k.str(r, name) + " (None)"
		}
		return k.str(r, name) + " (" + s.label(s.kinds[endpointKind], endpoint) + ")"
	}
}

// underVM labels a row by its virtual machine and one of its fields.
func underVM(name, between string) func(*store, *kind, *row) string {
	return func(s *store, k *kind, r *row) string {
		label := s.labelOf(vmKind, k.id(r, "virtual_machine")) + between
		if name != "" {
			label += k.str(r, name)
		}
		return label
	}
}

// underCluster labels a row by its cluster's name and its own.
func underCluster(names string) func(*store, *kind, *row) string {
	return func(_ *store, k *kind, r *row) string {
		parts := []string{k.str(r, "cluster_name")}
		for name := range strings.FieldsSeq(names) {
			parts = append(parts, k.str(r, name))
		}
		return strings.Join(parts, " / ")
	}
}

func storageLabel(s *store, k *kind, r *row) string {
	return s.labelOf(clusterKind, k.id(r, "cluster")) + "/" + k.str(r, "name")
}

func backupLabel(s *store, k *kind, r *row) string {
	vm := s.labelOf(vmKind, k.id(r, "virtual_machine"))
	if created := k.get(r, "creation_time"); created != nil {
		text := k.field("creation_time").text(created)
		return vm + " - " + strings.NewReplacer("T", " ", "Z", "+00:00").Replace(text)
	}
	if k.get(r, "volume_id") == nil {
		return vm + " - None"
	}
	return vm + " - " + k.str(r, "volume_id")
}

func guestAddressLabel(s *store, k *kind, r *row) string {
	return s.labelOf(guestInterfaceKind, k.id(r, "guest_interface")) + " - " + s.labelOf(addressKind, k.id(r, "ip_address"))
}

func syncStateLabel(parent, target string) func(*store, *kind, *row) string {
	return func(s *store, k *kind, r *row) string {
		return s.labelOf(target, k.id(r, parent)) + " Proxbox sync state"
	}
}

// sameAs shows another field's bare value.
func sameAs(name string) func(*view, *kind, []byte, *row) []byte {
	return func(v *view, k *kind, b []byte, r *row) []byte {
		f := k.field(name)
		return v.value(b, f, r.vals[f.slot], true)
	}
}

func memoryPercent(_ *view, k *kind, b []byte, r *row) []byte {
	used, ok := k.get(r, "memory_usage").(int)
	all := k.id(r, "max_memory")
	if !ok || all == 0 {
		return append(b, "null"...)
	}
	return appendFloat(b, float64(used)*100/float64(all))
}

func cloudInitLookup(_ *view, k *kind, b []byte, r *row) []byte {
	return fmt.Appendf(b, `{"assigned_object_type":"%s","assigned_object_id":"%d","purpose":"login"}`, vmKind, k.id(r, "virtual_machine"))
}

// guestOfSameVM holds that a mapped interface is of the same virtual machine.
func guestOfSameVM(d *draft) {
	iface := d.ref("vm_interface")
	if iface != nil && d.s.kinds[vmInterfaceKind].id(iface, "virtual_machine") != d.id("virtual_machine") {
		d.fail("vm_interface", "Mapped core VM interface must belong to the same virtual machine as the guest interface.")
	}
}

// guestClaimsOnce refuses a second guest interface on one core interface.
func guestClaimsOnce(d *draft) {
	if d.given["vm_interface"] && d.claimed(d.k.field("vm_interface")) {
		d.fail("vm_interface", "This core VM interface is already mapped to another guest interface (one-to-one). "+
			"A guest interface that shares a MAC with the Proxmox NIC (e.g. a VLAN sub-interface) must not claim the same core interface.")
	}
}

// guestAddressPlace holds that a linked address is on the mapped interface,
// on some interface of the virtual machine, or on none.
func guestAddressPlace(d *draft) {
	ip, guest := d.ref("ip_address"), d.ref("guest_interface")
	if ip == nil || guest == nil {
		return
	}
	k, guests := d.s.kinds[addressKind], d.s.kinds[guestInterfaceKind]
	on := k.id(ip, "assigned_object_id")
	if on == 0 {
		return
	}
	isVMInterface := k.str(ip, "assigned_object_type") == vmInterfaceKind
	if mapped := guests.id(guest, "vm_interface"); mapped != 0 {
		if !isVMInterface || on != mapped {
			d.fail("ip_address", "IP address must be the same object assigned to the mapped Proxmox core VM interface.")
		}
		return
	}
	vm := 0
	if iface := d.s.row(vmInterfaceKind, on); isVMInterface && iface != nil {
		vm = d.s.kinds[vmInterfaceKind].id(iface, "virtual_machine")
	}
	if vm != guests.id(guest, "virtual_machine") {
		d.fail("ip_address", "IP address must be assigned to a VM interface on the same virtual machine as the guest interface.")
	}
}

// The rules of the sync-state rows.

func conflict(field, message string) *answer {
	return &answer{status: 409, body: map[string]string{field: message}}
}

// syncStateLinked holds that the node of a device's row, or the cluster of a
// cluster's, is linked to that device or cluster.
func syncStateLinked(parent string) rule {
	return func(d *draft) {
		switch parent {
		case "device":
			node := d.ref("proxmox_node")
			if node != nil && d.s.kinds[proxmoxNodeKind].id(node, "netbox_device") != d.id("device") {
				d.fail("proxmox_node", "Proxmox node must be linked to the sync-state device.")
			}
		case "cluster":
			cluster := d.ref("proxmox_cluster")
			if cluster != nil && d.s.kinds[proxmoxClusterKind].id(cluster, "netbox_cluster") != d.id("cluster") {
				d.fail("proxmox_cluster", "Proxmox cluster must be linked to the sync-state cluster.")
			}
		}
	}
}

// syncStateParent holds to one row for each parent, which never changes.
func syncStateParent(parent string) rule {
	return func(d *draft) {
		const taken = "This object already has a Proxbox sync-state row."
		f := d.k.field(parent)
		switch {
		case d.claimed(f):
			d.stop = conflict(parent, taken)
		case d.old != nil && d.was(parent) != d.get(parent):
			d.fail(parent, "The sync-state parent cannot be changed.")
		}
	}
}

// deviceOwnership holds the backend endpoint of a device's row once it is set.
func deviceOwnership(d *draft) {
	if !d.given["proxmox_endpoint_raw_id"] {
		return
	}
	stored := d.was("proxmox_endpoint_raw_id")
	if d.old == nil {
		t := d.s.table(deviceSyncStateKind)
		ids := t.refs[d.k.field("device").slot][d.id("device")]
		if len(ids) == 0 {
			return
		}
		stored = d.k.get(t.rows[ids[0]], "proxmox_endpoint_raw_id")
	}
	if stored != nil && stored != d.get("proxmox_endpoint_raw_id") {
		const code = "endpoint_ownership_conflict"
		d.stop = &answer{status: 409, body: map[string]any{"proxmox_endpoint_raw_id": []string{code}, "code": code}}
	}
}

// syncStateCoherent fills endpoint and cluster from the node, and the
// endpoint from the cluster, and refuses what contradicts.
func syncStateCoherent(parent string) rule {
	return func(d *draft) {
		has := func(name string) bool { return d.k.byName[name] != nil }
		if !d.given["endpoint"] && !d.given["proxmox_node"] && !d.given["proxmox_cluster"] {
			return
		}
		endpoint, node, cluster := 0, (*row)(nil), (*row)(nil)
		if has("endpoint") {
			endpoint = d.id("endpoint")
		}
		if has("proxmox_node") {
			node = d.ref("proxmox_node")
		}
		if has("proxmox_cluster") {
			cluster = d.ref("proxmox_cluster")
		}
		errs := map[string]string{}
		if node != nil {
			nodes := d.s.kinds[proxmoxNodeKind]
			of := nodes.id(node, "endpoint")
			if endpoint != 0 && of != endpoint {
				errs["proxmox_node"] = "Node endpoint must match the sync-state endpoint."
			} else {
				endpoint = of
				d.set("endpoint", of)
			}
			if own := d.s.row(proxmoxClusterKind, nodes.id(node, "proxmox_cluster")); own != nil {
				switch {
				case cluster != nil && cluster.id != own.id:
					errs["proxmox_cluster"] = "Cluster must match the selected node's Proxmox cluster."
				case cluster == nil && has("proxmox_cluster"):
					cluster = own
					d.set("proxmox_cluster", own.id)
				}
			}
		}
		if cluster != nil {
			of := d.s.kinds[proxmoxClusterKind].id(cluster, "endpoint")
			switch {
			case endpoint != 0 && of != endpoint:
				errs["proxmox_cluster"] = "Cluster endpoint must match the sync-state endpoint."
			case has("endpoint"):
				d.set("endpoint", of)
			}
		}
		for _, name := range []string{"proxmox_node", "proxmox_cluster"} {
			if msg := errs[name]; msg != "" {
				d.fail(name, "%s", msg)
			}
		}
	}
}
