package netboxsim

import (
	"fmt"
	"net/netip"
	neturl "net/url"
	"regexp"
	"slices"
	"strings"
)

// The checks of single texts.

var (
	slugForm    = regexp.MustCompile(`^[-a-zA-Z0-9_]+$`)
	tagSlugForm = regexp.MustCompile(`^[-\p{L}\p{N}_]+$`)
	colorForm   = regexp.MustCompile(`^[0-9a-f]{6}$`)
	dnsForm     = regexp.MustCompile(`^([0-9A-Za-z_-]+|\*)(\.[0-9A-Za-z_-]+)*\.?$`)
	customForm  = regexp.MustCompile(`^[A-Za-z0-9_]+$`)
	hostForm    = regexp.MustCompile(`(?i)^(localhost|([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+([a-z][a-z0-9-]{0,61}[a-z0-9])\.?)$`)
	domainForm  = regexp.MustCompile(`(?i)^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
)

func slugCheck(text string) string {
	if slugForm.MatchString(text) {
		return ""
	}
	return `Enter a valid "slug" consisting of letters, numbers, underscores or hyphens.`
}

// tagSlugCheck is that of tags, whose slug may have letters of any script:
// two validators refuse it.
func tagSlugCheck(text string) string {
	if tagSlugForm.MatchString(text) {
		return ""
	}
	return "Enter a valid “slug” consisting of Unicode letters, numbers, underscores, or hyphens.\n" +
		`Enter a valid "slug" consisting of Unicode letters, numbers, underscores, or hyphens.`
}

func colorCheck(text string) string {
	if colorForm.MatchString(text) {
		return ""
	}
	return "Enter a valid hexadecimal RGB color code."
}

func dnsCheck(text string) string {
	if dnsForm.MatchString(text) {
		return ""
	}
	return "Only alphanumeric characters, asterisks, hyphens, periods, and underscores are allowed in DNS names"
}

func customNameCheck(text string) string {
	switch {
	case !customForm.MatchString(text):
		return "Only alphanumeric characters and underscores are allowed."
	case strings.Contains(text, "__"):
		return "Double underscores are not permitted in custom field names."
	}
	return ""
}

// urlCheck is Django's: the host must be localhost, an address or a name
// with a dot.
func urlCheck(text string) string {
	const invalid = "Enter a valid URL."
	u, err := neturl.Parse(text)
	if err != nil || strings.ContainsAny(text, " \n") {
		return invalid
	}
	switch u.Scheme {
	case "http", "https", "ftp", "ftps":
	default:
		return invalid
	}
	host := u.Hostname()
	if _, err := netip.ParseAddr(host); err == nil || hostForm.MatchString(host) {
		return ""
	}
	return invalid
}

func lowerCase(text string) string { return strings.ToLower(text) }

// The rules of the kinds, and what saving does beside it.

func familyOf(v any) int {
	p, ok := v.(netip.Prefix)
	switch {
	case !ok:
		return 0
	case p.Addr().Is4():
		return 4
	}
	return 6
}

// vmPlace checks that site, cluster and device of a virtual machine agree.
func vmPlace(p Profile) rule {
	return func(d *draft) {
		site, cluster, device := d.ref("site"), d.ref("cluster"), d.ref("device")
		deviceCluster := 0
		if device != nil {
			deviceCluster = d.s.kinds[deviceKind].id(device, "cluster")
		}
		switch {
		case !p.vmTypes && site == nil && cluster == nil:
			d.fail("cluster", "A virtual machine must be assigned to a site and/or cluster.")
		case site == nil && cluster == nil && device == nil:
			d.fail(allKey, "A virtual machine must be assigned to a site, cluster, or device.")
		case cluster != nil && site != nil && d.s.siteOfCluster(cluster) != 0 && d.s.siteOfCluster(cluster) != site.id:
			d.fail("cluster", "The selected cluster (%s) is not assigned to this site (%s).",
				d.s.labelOf(clusterKind, cluster.id), d.s.labelOf(siteKind, site.id))
		case p.vmTypes && device != nil && site != nil && d.s.kinds[deviceKind].id(device, "site") != site.id:
			d.fail("site", "The selected device (%s) is not assigned to this site (%s).",
				d.s.labelOf(deviceKind, device.id), d.s.labelOf(siteKind, site.id))
		case !p.vmTypes && device != nil && cluster == nil:
			d.fail("device", "Must specify a cluster when assigning a host device.")
		case device != nil && cluster == nil && deviceCluster != 0:
			d.fail("cluster", "Must specify the assigned device's cluster (%s) when assigning host device %s.",
				d.s.labelOf(clusterKind, deviceCluster), d.s.labelOf(deviceKind, device.id))
		case device != nil && cluster != nil && deviceCluster != cluster.id:
			d.fail("device", "The selected device (%s) is not assigned to this cluster (%s).",
				d.s.labelOf(deviceKind, device.id), d.s.labelOf(clusterKind, cluster.id))
		}
	}
}

func (s *store) siteOfCluster(cluster *row) int { return s.kinds[clusterKind].id(cluster, "_site") }

// vmDisk holds the size of a virtual machine to the sum of its disks.
func vmDisk(d *draft) {
	if d.adding() {
		return
	}
	total, any := d.s.diskSum(d.old.id)
	if !any || total == 0 {
		return
	}
	switch disk := d.get("disk").(type) {
	case nil:
		if !d.given["disk"] {
			d.set("disk", total)
		}
	case int:
		if disk != total {
			d.fail("disk", "The specified disk size (%d) must match the aggregate size of assigned virtual disks (%d).", disk, total)
		}
	}
}

// diskSum is the size of a virtual machine's disks together, in MB.
func (s *store) diskSum(vm int) (total int, any bool) {
	k := s.kinds[diskKind]
	for _, r := range s.referring(k.field("virtual_machine"), vm) {
		total, any = total+k.id(r, "size"), true
	}
	return total, any
}

// sumDisks keeps a virtual machine's size after a change of a disk. One that
// a disk was moved away from keeps what it had, as in NetBox.
func sumDisks(s *store, x *tx, old, new *row) {
	k, vms := s.kinds[diskKind], s.kinds[vmKind]
	r := new
	if r == nil {
		r = old
	}
	vm := s.row(vmKind, k.id(r, "virtual_machine"))
	if vm == nil {
		return
	}
	var want any
	if total, any := s.diskSum(vm.id); any {
		want = total
	}
	if vms.get(vm, "disk") != want {
		x.amend(vms, vm, silently, func(c *row) { c.vals[vms.field("disk").slot] = want })
	}
}

// primaryIPs checks the primary addresses of a virtual machine or device:
// each must be on one of its interfaces.
func primaryIPs(part, owner, what string) rule {
	return func(d *draft) {
		for family := 4; family <= 6; family += 2 {
			name := fmt.Sprintf("primary_ip%d", family)
			ip := d.ref(name)
			if ip == nil {
				continue
			}
			k := d.s.kinds[addressKind]
			label := d.s.labelOf(addressKind, ip.id)
			if is := familyOf(k.get(ip, "address")); is != family {
				if what == "VM" {
					d.fail(name, "Must be an IPv%d address. (%s is an IPv%d address.)", family, label, is)
				} else {
					d.fail(name, "%s is not an IPv%d address.", label, family)
				}
				return
			}
			if d.onOwn(ip, part, owner) {
				continue
			}
			if inside := d.s.row(addressKind, k.id(ip, "nat_inside")); inside != nil && d.onOwn(inside, part, owner) {
				continue
			}
			d.fail(name, "The specified IP address (%s) is not assigned to this %s.", label, what)
			return
		}
	}
}

func (d *draft) onOwn(ip *row, part, owner string) bool {
	k := d.s.kinds[addressKind]
	if d.old == nil || k.str(ip, "assigned_object_type") != part {
		return false
	}
	on := d.s.row(part, k.id(ip, "assigned_object_id"))
	return on != nil && d.s.kinds[part].id(on, owner) == d.old.id
}

// vmSite gives a virtual machine the site of its cluster, else its device's.
func vmSite(d *draft) {
	if d.get("site") != nil {
		return
	}
	if cluster := d.ref("cluster"); cluster != nil {
		if site := d.s.siteOfCluster(cluster); site != 0 {
			d.set("site", site)
			return
		}
	}
	if device := d.ref("device"); device != nil {
		d.set("site", d.s.kinds[deviceKind].get(device, "site"))
	}
}

// vmTypeDefaults fills what a new virtual machine leaves to its type.
func vmTypeDefaults(d *draft) {
	if !d.adding() || d.k.byName["virtual_machine_type"] == nil {
		return
	}
	typ := d.ref("virtual_machine_type")
	if typ == nil {
		return
	}
	k := d.s.kinds[vmTypeKind]
	for name, from := range map[string]string{"platform": "default_platform", "vcpus": "default_vcpus", "memory": "default_memory"} {
		if d.get(name) == nil {
			d.set(name, k.get(typ, from))
		}
	}
}

// deviceCluster checks that a device is at the site of its cluster.
func deviceCluster(d *draft) {
	cluster, site := d.ref("cluster"), d.id("site")
	if cluster == nil {
		return
	}
	if of := d.s.siteOfCluster(cluster); of != 0 && of != site {
		d.fail("cluster", "The assigned cluster belongs to a different site (%s)", d.s.labelOf(siteKind, of))
	}
}

// scopeSite resolves a scope; the simulator knows sites alone.
func scopeSite(d *draft) {
	d.set("_site", nil)
	id, hasID := d.get("scope_id").(int)
	switch hasType := d.get("scope_type") != nil; {
	case hasType && !hasID:
		d.fail(allKey, "Please select a site.")
	case !hasType && hasID:
		d.fail("scope_type", "This field cannot be null.")
	case hasID && d.s.row(siteKind, id) == nil:
		d.fail("scope_id", "Related object not found using the provided value: %d.", id)
	case hasID:
		d.set("_site", id)
	}
}

// clusterSite refuses a site that a host device of the cluster is not at.
func clusterSite(d *draft) {
	site, ok := d.get("_site").(int)
	if !ok || d.adding() {
		return
	}
	k, others := d.s.kinds[deviceKind], 0
	for _, r := range d.s.referring(k.field("cluster"), d.old.id) {
		if k.id(r, "site") != site {
			others++
		}
	}
	if others > 0 {
		d.fail("scope", "%d devices are assigned as hosts for this cluster but are not in site %s", others, d.s.labelOf(siteKind, site))
	}
}

// moveVMsToSite gives the virtual machines of a cluster its site.
func moveVMsToSite(s *store, x *tx, _, new *row) {
	if new == nil {
		return
	}
	site := s.siteOfCluster(new)
	if site == 0 {
		return
	}
	vms := s.kinds[vmKind]
	for _, vm := range s.referring(vms.field("cluster"), new.id) {
		if vms.id(vm, "site") != site {
			x.amend(vms, vm, silently, func(c *row) { c.vals[vms.field("site").slot] = site })
		}
	}
}

// serviceVLAN allows a service VLAN on Q-in-Q interfaces alone.
func serviceVLAN(d *draft) {
	if d.get("qinq_svlan") != nil && d.str("mode") != "q-in-q" {
		d.fail("qinq_svlan", "Only Q-in-Q interfaces may specify a service VLAN.")
	}
}

// ownPrimaryMAC holds that a primary MAC address is on this interface.
func ownPrimaryMAC(d *draft) {
	addr := d.ref("primary_mac_address")
	if addr == nil {
		return
	}
	k := d.s.kinds[macKind]
	on, kindName := k.id(addr, "assigned_object_id"), k.str(addr, "assigned_object_type")
	switch {
	case on == 0 && d.adding():
	case on == 0:
		d.fail(allKey, "Only a MAC address assigned to this interface can be its primary MAC address.")
	case d.adding() || kindName != d.k.name || on != d.old.id:
		d.fail(allKey, "MAC address %s is assigned to a different interface (%s).", k.str(addr, "mac_address"), d.s.labelOf(kindName, on))
	}
}

func notItself(name, message string) rule {
	return func(d *draft) {
		if d.old != nil && d.id(name) == d.old.id {
			d.fail(name, "%s", message)
		}
	}
}

// sameOwner holds that an interface and the one it refers to belong to the
// same machine.
func sameOwner(name, role, owner, what string) rule {
	end := "."
	if name == "parent" && owner == "device" {
		end = "" // NetBox's own words
	}
	return func(d *draft) {
		other := d.ref(name)
		if other == nil || d.k.id(other, owner) == d.id(owner) {
			return
		}
		d.fail(name, "The selected %s interface (%s) belongs to a different %s (%s)%s", role,
			d.s.labelOf(d.k.name, other.id), what, d.s.labelOf(d.k.field(owner).target, d.k.id(other, owner)), end)
	}
}

// untaggedVLAN holds that the untagged VLAN is at the machine's site or at none.
func untaggedVLAN(owner, what string) rule {
	return func(d *draft) {
		vlan := d.ref("untagged_vlan")
		if vlan == nil || d.vlanFits(vlan, owner) {
			return
		}
		d.fail("untagged_vlan", "The untagged VLAN (%s) must belong to the same site as the interface's parent %s, or it must be global.",
			d.s.labelOf(vlanKind, vlan.id), what)
	}
}

func (d *draft) vlanFits(vlan *row, owner string) bool {
	site := d.s.kinds[vlanKind].id(vlan, "site")
	parent := d.ref(owner)
	return site == 0 || parent != nil && d.s.kinds[d.k.field(owner).target].id(parent, "site") == site
}

// taggedVLANs holds the same of tagged VLANs, when the request names them.
func taggedVLANs(owner string) rule {
	what := strings.ReplaceAll(owner, "_", " ")
	return func(d *draft) {
		if !d.given["tagged_vlans"] {
			return
		}
		for _, id := range idsOf(d.get("tagged_vlans")) {
			if vlan := d.s.row(vlanKind, id); !d.vlanFits(vlan, owner) {
				d.fail("tagged_vlans", "VLAN %s must belong to the same site as the interface's parent %s, or it must be global.",
					d.s.labelOf(vlanKind, id), what)
				return
			}
		}
	}
}

// dropVLANs takes off what an interface of this mode cannot have.
func dropVLANs(d *draft) {
	mode := d.str("mode")
	if mode == "" {
		d.set("untagged_vlan", nil)
	}
	if !d.adding() && mode != "tagged" && !d.given["tagged_vlans"] {
		d.set("tagged_vlans", nil)
	}
}

// readMAC reads the interfaces' mac_address shortcut.
func (d *draft) readMAC(f *field, v any) {
	if v == nil {
		d.macAddress = nil
		return
	}
	text, msg := parseText(f, v)
	if msg != "" {
		d.fail(f.name, "%s", msg)
		return
	}
	d.macAddress = text
}

// macShortcutRule checks the shortcut against its form and against
// primary_mac_address.
func macShortcutRule(d *draft) {
	if d.macAddress == notGiven {
		return
	}
	want := ""
	if d.macAddress != nil {
		text, ok := canonicalMAC(d.macAddress.(string))
		if !ok {
			d.fail("mac_address", macFormErr)
			return
		}
		want = text
		d.macAddress = text
	}
	if !d.given["primary_mac_address"] {
		return
	}
	have := ""
	if r := d.ref("primary_mac_address"); r != nil {
		have = d.s.kinds[macKind].str(r, "mac_address")
	}
	if have != want {
		d.fail(allKey, "The provided 'mac_address' and 'primary_mac_address' values conflict.")
	}
}

// setPrimaryMAC makes the address of the shortcut the interface's primary
// one, creating it when the interface does not have it.
func (d *draft) setPrimaryMAC() {
	s, x := d.s, d.tx
	slot := d.k.field("primary_mac_address").slot
	cur := s.row(d.k.name, d.new.id)
	var want any
	if text, ok := d.macAddress.(string); ok {
		want = s.ensureMAC(x, d.k.name, cur.id, text)
	}
	if cur.vals[slot] != want {
		x.amend(d.k, cur, saved, func(c *row) { c.vals[slot] = want })
	}
}

func (s *store) ensureMAC(x *tx, kindName string, id int, text string) int {
	t := s.table(macKind)
	for _, mid := range t.generic[anyKey{kindName, id}] {
		if t.k.str(t.rows[mid], "mac_address") == text {
			return mid
		}
	}
	now := s.now()
	r := &row{id: t.nextID, vals: make([]any, len(t.k.stored)), cf: s.defaultCustom(macKind), created: now, updated: now}
	for name, v := range map[string]any{
		"mac_address": text, "assigned_object_type": kindName, "assigned_object_id": id, "description": "", "comments": "",
	} {
		r.vals[t.k.field(name).slot] = v
	}
	x.put(t, nil, r)
	x.record(t.k, nil, r, now)
	return r.id
}

// genericPair holds that kind and id of an assigned object are both there or
// both not, and name an object.
func genericPair(d *draft) {
	kindName, id := d.str("assigned_object_type"), d.get("assigned_object_id")
	switch {
	case kindName == "" && id == nil:
	case id == nil:
		d.fail("assigned_object_id", "This field cannot be null.")
	case kindName == "":
		d.fail("assigned_object_type", "This field cannot be null.")
	case d.s.row(kindName, id.(int)) == nil:
		d.fail("assigned_object_id", "Related object not found using the provided value: %d.", id)
	}
}

func (s *store) isPrimaryMAC(r *row) bool {
	k := s.kinds[macKind]
	kindName := k.str(r, "assigned_object_type")
	on := s.row(kindName, k.id(r, "assigned_object_id"))
	return on != nil && s.kinds[kindName].id(on, "primary_mac_address") == r.id
}

// keepPrimaryMAC refuses to move a MAC address that is some interface's primary.
func keepPrimaryMAC(d *draft) {
	if d.old == nil || !d.s.isPrimaryMAC(d.old) {
		return
	}
	switch {
	case d.get("assigned_object_id") == nil:
		d.fail(allKey, "Cannot unassign MAC Address while it is designated as the primary MAC for an object")
	case d.get("assigned_object_id") != d.was("assigned_object_id") || d.get("assigned_object_type") != d.was("assigned_object_type"):
		d.fail(allKey, "Cannot reassign MAC Address while it is designated as the primary MAC for an object")
	}
}

// addressPlace refuses /0, and network and broadcast addresses on interfaces.
func addressPlace(d *draft) {
	p, ok := d.get("address").(netip.Prefix)
	if !ok {
		return
	}
	if p.Bits() == 0 {
		d.fail("address", "Cannot create IP address with /0 mask.")
		return
	}
	if d.get("assigned_object_id") == nil || p.Bits() >= p.Addr().BitLen()-1 {
		return
	}
	switch {
	case p.Addr() == p.Masked().Addr():
		d.fail(allKey, "%s is a network ID, which may not be assigned to an interface.", p.Addr())
	case p.Addr().Is4() && p.Addr() == broadcast(p):
		d.fail(allKey, "%s is a broadcast address, which may not be assigned to an interface.", p.Addr())
	}
}

func broadcast(p netip.Prefix) netip.Addr {
	b := p.Addr().As4()
	for i := p.Bits(); i < 32; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	return netip.AddrFrom4(b)
}

// sharedRoles are those of addresses that may exist more than once.
var sharedRoles = []string{"anycast", "vip", "vrrp", "hsrp", "glbp", "carp"}

// addressDuplicate refuses a second address with the same host part in the
// global table, or in a VRF that enforces it.
func addressDuplicate(d *draft) {
	p, ok := d.get("address").(netip.Prefix)
	if !ok {
		return
	}
	where := "global table"
	vrf := d.get("vrf")
	if r := d.ref("vrf"); r != nil {
		if enforced, _ := d.s.kinds[vrfKind].get(r, "enforce_unique").(bool); !enforced {
			return
		}
		where = "VRF " + d.s.labelOf(vrfKind, r.id)
	}
	t := d.s.table(addressKind)
	var first *row
	shared := slices.Contains(sharedRoles, d.str("role"))
	for _, id := range t.hosts[p.Addr()] {
		r := t.rows[id]
		if d.old != nil && id == d.old.id || t.k.get(r, "vrf") != vrf {
			continue
		}
		if first == nil || d.s.compare(t.k, r, first) < 0 {
			first = r
		}
		shared = shared && slices.Contains(sharedRoles, t.k.str(r, "role"))
	}
	if first != nil && !shared {
		d.fail("address", "Duplicate IP address found in %s: %s", where, d.s.labelOf(addressKind, first.id))
	}
}

// prefixDuplicate refuses a second equal prefix likewise.
func prefixDuplicate(d *draft) {
	p, ok := d.get("prefix").(netip.Prefix)
	if !ok {
		return
	}
	if p.Bits() == 0 {
		d.fail("prefix", "Cannot create prefix with /0 mask.")
		return
	}
	if p != p.Masked() {
		d.fail("prefix", "%s is not a valid prefix. Did you mean %s?", p, p.Masked())
		return
	}
	where := "global table"
	if r := d.ref("vrf"); r != nil {
		if enforced, _ := d.s.kinds[vrfKind].get(r, "enforce_unique").(bool); !enforced {
			return
		}
		where = "VRF " + d.s.labelOf(vrfKind, r.id)
	}
	for _, r := range d.s.table(prefixKind).byID {
		if (d.old == nil || r.id != d.old.id) && d.k.get(r, "prefix") == p && d.k.get(r, "vrf") == d.get("vrf") {
			d.fail("prefix", "Duplicate prefix found in %s: %s", where, p)
			return
		}
	}
}

// keepPrimaryIP refuses to move an address that is a machine's primary one.
func keepPrimaryIP(d *draft) {
	if d.old == nil {
		return
	}
	oldKind, oldOwner := d.s.ownerOfPart(d.k.str(d.old, "assigned_object_type"), d.k.id(d.old, "assigned_object_id"))
	if oldOwner == nil {
		return
	}
	newKind, newOwner := d.s.ownerOfPart(d.str("assigned_object_type"), d.id("assigned_object_id"))
	if newKind == oldKind && newOwner == oldOwner {
		return
	}
	name := fmt.Sprintf("primary_ip%d", familyOf(d.get("address")))
	if oldKind.id(oldOwner, name) == d.old.id {
		d.fail(allKey, "Cannot reassign IP address while it is designated as the primary IP for the parent object")
		return
	}
	if oldKind.byName["oob_ip"] != nil && oldKind.id(oldOwner, "oob_ip") == d.old.id {
		d.fail(allKey, "Cannot reassign IP address while it is designated as the OOB IP for the parent object")
	}
}

// ownerOfPart is the machine that an interface belongs to.
func (s *store) ownerOfPart(kindName string, id int) (*kind, *row) {
	owner := map[string]string{vmInterfaceKind: "virtual_machine", interfaceKind: "device"}[kindName]
	part := s.row(kindName, id)
	if part == nil || owner == "" {
		return nil, nil
	}
	f := s.kinds[kindName].field(owner)
	return f.to, s.row(f.target, part.vals[f.slot].(int))
}

// slaacFamily allows the status SLAAC for IPv6 alone.
func slaacFamily(d *draft) {
	if d.str("status") == "slaac" && familyOf(d.get("address")) != 6 {
		d.fail("status", "Only IPv6 addresses can be assigned SLAAC status")
	}
}

// journalSubject holds that a journal entry is about an object.
func journalSubject(d *draft) {
	kindName, id := d.str("assigned_object_type"), d.id("assigned_object_id")
	if d.s.row(kindName, id) == nil {
		app, _, _ := strings.Cut(kindName, ".")
		d.fail(allKey, "Invalid assigned_object: %s > %s ID %d", title(app), title(d.s.kinds[kindName].verbose), id)
	}
}

// title is a name as Django's pages show it.
func title(text string) string {
	switch text {
	case "dcim", "ipam", "vpn":
		return strings.ToUpper(text)
	case "netbox_proxbox":
		return "Proxbox"
	}
	words := strings.Fields(text)
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, " ")
}

// objectTypes reads a list of kinds, and keeps it sorted.
func objectTypes(d *draft) {
	raw, _ := d.get("object_types").(rawJSON)
	v := decodeJSON(string(raw))
	list, ok := v.([]any)
	if !ok {
		d.fail("object_types", "Expected a list of items but got type %q.", pyType(v))
		return
	}
	names := make([]string, len(list))
	for i, n := range list {
		name, _ := n.(string)
		switch {
		case strings.Count(name, ".") != 1:
			d.fail("object_types", "Invalid value. Specify a content type as '<app_label>.<model_name>'.")
			return
		case d.s.kinds[name] == nil || !d.s.kinds[name].customAPI:
			d.fail("object_types", "Invalid content type: %s", name)
			return
		}
		names[i] = name
	}
	slices.Sort(names)
	d.set("object_types", rawJSON(jsonText(names)))
}

// customFieldType holds type, related kind and default together.
func customFieldTypeRule(d *draft) {
	typ := d.str("type")
	label := d.k.field("type").optionLabel(typ)
	isObject := typ == "object" || typ == "multiobject"
	raw, hasDefault := d.get("default").(rawJSON)
	switch {
	case d.old != nil && d.was("type") != d.get("type"):
		d.fail("type", "Changing the type of custom fields is not supported.")
	case typ == "select" || typ == "multiselect":
		d.fail("choice_set", "Selection fields must specify a set of choices.")
	case isObject && d.get("related_object_type") == nil:
		d.fail("related_object_type", "Object fields must define an object type.")
	case !isObject && d.get("related_object_type") != nil:
		d.fail("type", "%s fields may not define an object type.", label)
	case hasDefault:
		cf := customField{typ: typ}
		if msg := cf.check(decodeJSON(string(raw))); msg != "" {
			d.fail("default", "Invalid default value \"%s\": %s", pyText(decodeJSON(string(raw))), msg)
		}
	}
}

// fillCustomField gives the objects of a custom field's kinds its default, and
// takes its values off them when it goes.
func fillCustomField(s *store, x *tx, old, new *row) {
	k := s.kinds[customFieldKind]
	of := func(r *row) map[string]bool {
		kinds := map[string]bool{}
		if r == nil {
			return kinds
		}
		raw, _ := k.get(r, "object_types").(rawJSON)
		names, _ := decodeJSON(string(raw)).([]any)
		for _, n := range names {
			kinds[pyText(n)] = true
		}
		return kinds
	}
	was, is := of(old), of(new)
	each := func(kindName string, change func(cf map[string]any)) {
		t := s.table(kindName)
		for _, r := range slices.Clone(t.byID) {
			x.amend(t.k, r, silently, func(c *row) {
				cf := make(map[string]any, len(c.cf)+1)
				for name, v := range c.cf {
					cf[name] = v
				}
				change(cf)
				c.cf = cf
			})
		}
	}
	for kindName := range was {
		if !is[kindName] {
			each(kindName, func(cf map[string]any) { delete(cf, k.str(old, "name")) })
		}
	}
	for kindName := range is {
		if was[kindName] {
			continue
		}
		raw, ok := k.get(new, "default").(rawJSON)
		if !ok {
			continue
		}
		def := decodeJSON(string(raw))
		each(kindName, func(cf map[string]any) { cf[k.str(new, "name")] = def })
	}
}

// notBelowItself holds a tree free of circles.
func notBelowItself(d *draft) {
	for parent := d.ref("parent"); parent != nil && d.old != nil; parent = d.s.row(d.k.name, d.k.id(parent, "parent")) {
		if parent.id == d.old.id {
			d.fail("parent", "Cannot assign self or a descendant as parent.")
			return
		}
	}
}

// portVLANs holds a node interface's VLANs to what its mode can carry.
func portVLANs(d *draft) {
	mode := d.str("mode")
	tagged := len(idsOf(d.get("tagged_vlans"))) > 0
	if mode != "q-in-q" && d.get("qinq_svlan") != nil {
		d.fail("qinq_svlan", "Interface mode does not support q-in-q service vlan")
	}
	if mode == "" && d.get("untagged_vlan") != nil {
		d.fail("untagged_vlan", "Interface mode does not support untagged vlan")
	}
	if tagged && (mode == "" || mode == "access" || mode == "tagged-all") {
		d.fail("tagged_vlans", "Interface mode does not support tagged vlans")
	}
}

// portParent allows a parent for virtual interfaces alone.
func portParent(p Profile) rule {
	message := "Only virtual interfaces may be assigned to a parent interface."
	if p.indexedErrors {
		message = "Only virtual interfaces, or a channel subinterface with a channel ID assigned, may be assigned to a parent interface."
	}
	return func(d *draft) {
		if d.get("parent") != nil && d.str("type") != "virtual" {
			d.fail("parent", "%s", message)
		}
	}
}

// portLAG refuses a LAG for virtual interfaces and for itself.
func portLAG(d *draft) {
	switch lag := d.id("lag"); {
	case lag == 0:
	case d.str("type") == "virtual":
		d.fail("lag", "Virtual interfaces cannot have a parent LAG interface.")
	case d.old != nil && lag == d.old.id:
		d.fail("lag", "A LAG interface cannot be its own parent.")
	}
}

// has tells of rows whose field is set.
func has(name string) func(*kind, *row) bool {
	return func(k *kind, r *row) bool { return k.get(r, name) != nil }
}
