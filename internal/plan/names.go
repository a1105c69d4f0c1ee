package plan

import (
	"fmt"
	"regexp"
	"strings"

	"proxbox/internal/domain"
)

// name settles the names of a kind in which NetBox lets a name stand once.
func (p *planner) name(kind domain.Kind, items []*item) {
	switch kind {
	case domain.KindCluster:
		p.suffixNames(items, "scope")
	case domain.KindDevice:
		p.suffixNames(items, "site")
	case domain.KindVirtualMachine:
		p.numberNames(items)
	}
}

// suffixNames gives a cluster or device whose name another cluster of ours has
// the name "name (endpoint)"; who came first keeps the plain one. A name that
// somebody else's object has in the same place is a conflict.
func (p *planner) suffixNames(items []*item, place string) {
	used := map[string]*item{}
	for _, it := range items {
		if it.state == bound {
			plain := it.Fields["name"].(string)
			now := it.row.Text("name")
			if strings.EqualFold(now, plain+" ("+it.Suffix+")") {
				suffixed(it, "name")
			}
			used[strings.ToLower(now)] = it
		}
	}
	for _, it := range items {
		if it.state != fresh {
			continue
		}
		if p.nameTaken(it, used, place) {
			suffixed(it, "name")
		}
		if it.state == fresh && p.nameTaken(it, used, place) {
			p.conflict(it, "name", fmt.Sprintf("%q is another object's in NetBox", it.Fields["name"]), "rename one of the two")
			continue
		}
		if it.state == fresh {
			used[strings.ToLower(it.Fields["name"].(string))] = it
		}
	}
}

// nameTaken tells whether a name is another cluster's of ours; one that is
// somebody else's in the same place becomes a conflict.
func (p *planner) nameTaken(it *item, used map[string]*item, place string) bool {
	name := it.Fields["name"].(string)
	if used[strings.ToLower(name)] != nil {
		return true
	}
	here, _ := p.value(it.Fields[place])
	for _, r := range p.idx.find(it.Kind, lowerKey("name", name)) {
		if p.taken[domain.At(it.Kind, r.ID)] != nil {
			continue
		}
		if p.idx.ours(it.Kind, r) {
			return true
		}
		foreign := fmt.Sprintf("%s %q in NetBox is not ours", it.Kind, r.Text("name"))
		if domain.Equal(r.Fields[place], here) && domain.Equal(r.Fields["tenant"], it.Fields["tenant"]) {
			p.conflict(it, "name", foreign, "give it the tag proxbox to hand it over, or rename it")
			return false
		}
		p.report(Report{Outcome: Conflict, Kind: it.Kind, Key: it.Key, Label: it.Label, Field: "name",
			Reason: foreign + "; ours is made beside it", WayOut: "give it the tag proxbox to hand it over"})
	}
	return false
}

var numbered = regexp.MustCompile(`^(.*) \((\d+)\)$`)

// numberNames lets every guest of a cluster land: the first keeps the name,
// the others become "name (2)", "name (3)", in the order of their vmids.
func (p *planner) numberNames(items []*item) {
	type place struct {
		cluster domain.Ref
		name    string
	}
	used := map[place]bool{}
	clusterOf := func(it *item) domain.Ref {
		v, _ := p.value(it.Fields["cluster"])
		ref, _ := v.(domain.Ref)
		return ref
	}
	bound_ := map[int]bool{}
	for _, it := range items {
		if it.state == bound {
			bound_[it.row.ID] = true
			if keepsName(it) {
				used[place{clusterOf(it), strings.ToLower(it.row.Text("name"))}] = true
			}
		}
	}
	for _, it := range items {
		name, _ := it.Fields["name"].(string)
		if it.state != fresh && it.state != bound || name == "" {
			continue
		}
		cluster := clusterOf(it)
		if it.state == bound && keepsName(it) {
			it.Fields = clone(it.Fields)
			it.Fields["name"] = it.row.Text("name") // already the name, or one of its numbers
			continue
		}
		if r := p.foreignNamed(cluster, name, bound_); r != nil && it.state == fresh {
			if !p.idx.ours(domain.KindVirtualMachine, r) {
				p.conflict(it, "name", fmt.Sprintf("the virtual machine %q in the same cluster in NetBox is not ours", r.Text("name")),
					"give it the tag proxbox to hand it over, or rename it")
				continue
			}
		}
		p.reportNamesake(it, name, cluster)
		final := name
		for n := 2; used[place{cluster, strings.ToLower(final)}] || p.foreignNamed(cluster, final, bound_) != nil; n++ {
			suffix := fmt.Sprintf(" (%d)", n)
			final = name[:min(len(name), 64-len(suffix))] + suffix
		}
		used[place{cluster, strings.ToLower(final)}] = true
		if final != name {
			it.Fields = clone(it.Fields)
			it.Fields["name"] = final
		}
	}
}

// keepsName tells whether a guest's name in NetBox is its name in Proxmox, or
// that name with a number.
func keepsName(it *item) bool {
	now, want := it.row.Text("name"), ""
	want, _ = it.Fields["name"].(string)
	if now == want {
		return true
	}
	m := numbered.FindStringSubmatch(now)
	return m != nil && m[1] == want
}

// foreignNamed finds a VM of a name in a cluster that is none of the wanted.
func (p *planner) foreignNamed(cluster domain.Ref, name string, wanted map[int]bool) *domain.Row {
	if cluster.ID == 0 {
		return nil
	}
	for _, r := range p.idx.find(domain.KindVirtualMachine, lowerKey("name", name)) {
		if r.Ref("cluster").ID == cluster.ID && !wanted[r.ID] && domain.IsEmpty(r.Fields["tenant"]) {
			return r
		}
	}
	return nil
}

// reportNamesake says once that a VM of the same name elsewhere is not ours.
func (p *planner) reportNamesake(it *item, name string, cluster domain.Ref) {
	if it.state != fresh {
		return
	}
	for _, r := range p.idx.find(domain.KindVirtualMachine, lowerKey("name", name)) {
		if r.Ref("cluster").ID != cluster.ID && !p.idx.ours(domain.KindVirtualMachine, r) {
			p.report(Report{Outcome: Conflict, Kind: it.Kind, Key: it.Key, Label: it.Label, Field: "name",
				Reason: fmt.Sprintf("a virtual machine %q that is not ours is in NetBox; ours is made beside it", r.Text("name")),
				WayOut: "give it the tag proxbox and no cluster to hand it over"})
			return
		}
	}
}

// threeWay decides on a field that both Proxmox and people change: a person's
// change since our last write wins, and without a last write what NetBox has stays.
func (p *planner) threeWay(it *item, field string, now, want any) (why string, write bool) {
	base, known := p.base(it, field)
	if !known {
		p.report(Report{Outcome: Conflict, Kind: it.Kind, Key: it.Key, Label: it.Label, Field: field,
			Reason: fmt.Sprintf("NetBox has %v and Proxmox %v, and nothing says who changed it", show(now), show(want)),
			WayOut: "NetBox's value stays; change either side to the other's value"})
		return "", false
	}
	if domain.Equal(now, base) || field == "name" && isNumbered(now, base) || domain.IsEmpty(now) && field != "name" && domain.IsEmpty(base) {
		if field == "name" {
			return "renamed in Proxmox", true
		}
		return "changed in Proxmox", true
	}
	return "", false
}

func isNumbered(now, base any) bool {
	s, _ := now.(string)
	m := numbered.FindStringSubmatch(s)
	return m != nil && m[1] == base
}

func show(v any) any {
	if domain.IsEmpty(v) {
		return "nothing"
	}
	if ref, ok := v.(domain.Ref); ok {
		if ref.ID != 0 {
			return fmt.Sprintf("%s %d", ref.Kind, ref.ID)
		}
		return fmt.Sprintf("%s %s", ref.Kind, ref.Key)
	}
	return fmt.Sprintf("%q", fmt.Sprint(v))
}

// base is what we wrote last, as the sync-state row or custom fields keep it.
func (p *planner) base(it *item, field string) (any, bool) {
	st := p.idx.stateRow(it.Kind, it.row.ID)
	switch field {
	case "name":
		if st != nil && st.Text("proxmox_vm_name") != "" {
			return st.Text("proxmox_vm_name"), true
		}
		if s := it.row.Text("cf_proxmox_vm_name"); s != "" {
			return s, true
		}
	case "role":
		if st != nil {
			if role := st.Ref("proxmox_last_synced_role_id"); role.ID != 0 {
				return role, true
			}
			return nil, domain.IsEmpty(it.row.Fields["role"])
		}
		return nil, domain.IsEmpty(it.row.Fields["role"])
	}
	return nil, false
}
