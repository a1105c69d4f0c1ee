package plan_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"proxbox/internal/domain"
	"proxbox/internal/plan"
)

// theirs are edits that a person may make to objects of ours.
var theirs = []struct {
	kind  domain.Kind
	field string
	value any
}{
	{domain.KindCluster, "name", "Berlin"},
	{domain.KindCluster, "status", "planned"},
	{domain.KindCluster, "type", domain.At(domain.KindClusterType, 99)},
	{domain.KindCluster, "tenant", domain.At(domain.KindTenant, 5)},
	{domain.KindCluster, "comments", "ask Ann"},
	{domain.KindSite, "name", "Cellar"},
	{domain.KindDevice, "name", "rack7-u12"},
	{domain.KindDevice, "tenant", domain.At(domain.KindTenant, 5)},
	{domain.KindDevice, "serial", "XY12"},
	{domain.KindDeviceRole, "name", "Hypervisor"},
	{domain.KindInterface, "type", "10gbase-t"},
	{domain.KindInterface, "mode", "tagged"},
	{domain.KindInterface, "description", "to the switch"},
	{domain.KindVirtualMachine, "name", "a person's name"},
	{domain.KindVirtualMachine, "tenant", domain.At(domain.KindTenant, 5)},
	{domain.KindVirtualMachine, "platform", domain.At(domain.KindPlatform, 999)},
	{domain.KindVirtualMachine, "serial", "S-1"},
	{domain.KindVirtualMachine, "comments", "ask Bob"},
	{domain.KindVirtualDisk, "custom", "fast"},
	{domain.KindVMInterface, "description", "front"},
	{domain.KindVLAN, "name", "Office"},
	{domain.KindVLAN, "status", "reserved"},
	{domain.KindTag, "color", "123456"},
	{domain.KindPlatform, "description", "ours"},
	{domain.KindIPAddress, "description", "VIP"},
}

// foreigners makes objects that are not ours, some of them named, addressed or
// tagged like those of the cluster.
func foreigners(w *world) []domain.Ref {
	site := w.add(domain.KindSite, domain.Fields{"name": "elsewhere", "slug": "elsewhere"})
	cluster := w.add(domain.KindCluster, domain.Fields{"name": "theirs", "scope": site})
	other := w.add(domain.KindTag, domain.Fields{"name": "prod", "slug": "prod", "color": "000001"})
	device := w.add(domain.KindDevice, domain.Fields{"name": "pve1", "site": site, "tags": domain.Refs{other}})
	refs := []domain.Ref{site, cluster, other, device}
	for i, name := range []string{"web", "db"} {
		vm := w.add(domain.KindVirtualMachine, domain.Fields{"name": name, "cluster": cluster, "tags": domain.Refs{other}})
		iface := w.add(domain.KindVMInterface, domain.Fields{"name": "net0", "virtual_machine": vm})
		ip := w.add(domain.KindIPAddress, domain.Fields{"address": fmt.Sprintf("10.1.0.%d/24", 10+i), "assigned_object": iface, "status": "reserved"})
		refs = append(refs, vm, iface, ip,
			w.add(domain.KindMACAddress, domain.Fields{"mac_address": mac(1400 + i), "assigned_object": iface}),
			w.add(domain.KindVirtualDisk, domain.Fields{"name": "scsi0", "virtual_machine": vm, "size": 1}))
	}
	return append(refs, w.add(domain.KindVLAN, domain.Fields{"vid": 7, "name": "theirs", "site": site}))
}

func show(w *world, refs []domain.Ref) map[domain.Ref]string {
	out := map[domain.Ref]string{}
	for _, r := range refs {
		out[r] = fmt.Sprint(w.inv.Row(r))
		if row := w.inv.Row(r); row != nil {
			out[r] = fmt.Sprint(row.Fields)
		}
	}
	return out
}

// TestOwnership: whatever happens in Proxmox, what a person wrote into fields
// that are theirs is there after the run, and rows that are not ours are
// untouched.
func TestOwnership(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		foreign := foreigners(w)
		before := show(w, foreign)
		s := anySnapshot(t, 1)
		w.plugin(s)
		w.do(t, planOf(w, s))
		type edit struct {
			row   domain.Ref
			field string
			value any
		}
		var edits []edit
		mine := map[domain.Ref]bool{}
		for _, r := range foreign {
			mine[r] = true
		}
		for i, e := range theirs {
			for r := range w.inv.Table(e.kind).Rows() {
				ref := domain.At(e.kind, r.ID)
				if mine[ref] || !rapid.Bool().Draw(t, fmt.Sprint("edit", i)) {
					continue
				}
				value := e.value
				if e.field == "name" {
					value = fmt.Sprintf("%v %d", e.value, r.ID)
				}
				f := maps.Clone(r.Fields)
				f[e.field] = value
				w.inv.Table(e.kind).Put(&domain.Row{ID: r.ID, Fields: f})
				edits = append(edits, edit{ref, e.field, value})
			}
		}
		now := anySnapshot(t, 1)
		now.Cluster.Name = rapid.SampledFrom([]string{s.Cluster.Name, "attic"}).Draw(t, "renamed")
		for range 2 {
			w.do(t, planOf(w, now))
		}
		if p := planOf(w, now); len(p.Changes) > 0 {
			t.Errorf("the third run would write %v", lines(p, w.inv))
		}
		for _, e := range edits {
			if row := w.inv.Row(e.row); row != nil && row.Fields[e.field] != e.value {
				t.Errorf("%v: %s is %v, a person wrote %v", e.row, e.field, row.Fields[e.field], e.value)
			}
		}
		for r, text := range show(w, foreign) {
			if text != before[r] {
				t.Errorf("not ours: %v was\n%s and is\n%s", r, before[r], text)
			}
		}
	})
}

// TestIsolation: what happens in one cluster changes nothing of another one,
// whatever their names.
func TestIsolation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		a, b := anySnapshot(t, 1), anySnapshot(t, 2)
		w.plugin(a)
		w.plugin(b)
		w.do(t, planOf(w, a, b))
		now := anySnapshot(t, 1)
		now.Cluster = a.Cluster
		for _, runs := range [][]*domain.Snapshot{{now, b}, {now}, {b}} {
			p := planOf(w, runs...)
			for _, c := range p.Changes {
				if strings.HasPrefix(string(c.Key), "c2") || c.Op == plan.Delete && strings.Contains(c.Label, "node pve9") {
					t.Errorf("%s %s %s: %v -> %v", c.Op, c.Kind, c.Label, c.Old, c.Set)
				}
			}
			w.do(t, p)
		}
	})
}
