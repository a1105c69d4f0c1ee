package netboxsim

import (
	"fmt"
)

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
