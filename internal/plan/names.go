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
	case domain.KindCluster, domain.KindDevice:
		p.suffixNames(items)
	case domain.KindVirtualMachine:
		p.numberNames(items)
	}
}

// nameLimit is how long a name may be in NetBox.
var nameLimit = map[domain.Kind]int{domain.KindCluster: 100, domain.KindSite: 100, domain.KindDevice: 64, domain.KindVirtualMachine: 64}

// withSuffix is an item's name told from an equal one of another cluster.
func withSuffix(it *item) string {
	suffix := " (" + it.Suffix + ")"
	return domain.Cut(it.Fields["name"].(string), nameLimit[it.Kind]-len([]rune(suffix))) + suffix
}

// withNumber is a guest's name told from an equal one.
func withNumber(name string, n int) string {
	suffix := fmt.Sprintf(" (%d)", n)
	return domain.Cut(name, nameLimit[domain.KindVirtualMachine]-len(suffix)) + suffix
}

func (p *planner) rename(it *item, name string) {
	it.Fields = clone(it.Fields)
	it.Fields["name"] = name
}

func clone(f domain.Fields) domain.Fields {
	out := make(domain.Fields, len(f))
	for k, v := range f {
		out[k] = v
	}
	return out
}

// keepsName tells whether a bound object's name in NetBox stays: it is the one
// that Proxmox has, told from others or not, or it is a person's.
func (p *planner) keepsName(it *item) bool {
	want, _ := it.Fields["name"].(string)
	now := it.row.Text("name")
	if want == "" || now == want || it.Presumed["name"] || p.leaves(it) {
		return true
	}
	switch it.Kind {
	case domain.KindVirtualMachine:
		if now != want && strings.EqualFold(now, want) {
			break // another case of the same letters is a rename
		}
		if isNameOf(now, want) {
			return true
		}
	default:
		if strings.EqualFold(now, withSuffix(it)) {
			return true
		}
	}
	if p.owns(it, "name") != domain.ThreeWay {
		return true
	}
	_, write := p.threeWay(it, "name", now, want)
	return !write
}

// suffixNames gives a cluster or device whose name another cluster of ours has
// the name "name (endpoint)"; who came first keeps the plain one. A name that
// somebody else's object has in the same place is a conflict.
func (p *planner) suffixNames(items []*item) {
	used := map[string]bool{}
	var rest []*item
	for _, it := range items {
		switch {
		case it.state == bound && p.keepsName(it):
			p.rename(it, it.row.Text("name"))
			used[strings.ToLower(it.row.Text("name"))] = true
		case it.state == bound || it.state == fresh:
			rest = append(rest, it)
		}
	}
	for _, it := range rest {
		if p.nameTaken(it, used) {
			p.rename(it, withSuffix(it))
		}
		switch foreign := p.foreign(it); {
		case p.nameTaken(it, used):
			p.refuseName(it, fmt.Sprintf("%q is another object's in NetBox", it.Fields["name"]), "rename one of the two")
		case foreign != nil:
			p.refuseName(it, fmt.Sprintf("%s %q in NetBox is not ours", it.Kind, foreign.Text("name")), handOver)
		}
		if it.state != dropped {
			used[strings.ToLower(it.Fields["name"].(string))] = true
		}
	}
}

const handOver = "give it the tag proxbox to hand it over, or rename it"

// refuseName is a conflict over a name: nothing is made, and what is there
// keeps the name it has.
func (p *planner) refuseName(it *item, reason, wayOut string) {
	if it.state == fresh {
		p.conflict(it, "name", reason, wayOut)
		return
	}
	p.rename(it, it.row.Text("name"))
	p.report(Report{Outcome: Conflict, Kind: it.Kind, Key: it.Key, Label: it.Label, Field: "name", Reason: reason, WayOut: wayOut})
}

// nameTaken tells whether a name is that of another object of ours.
func (p *planner) nameTaken(it *item, used map[string]bool) bool {
	name := it.Fields["name"].(string)
	if used[strings.ToLower(name)] {
		return true
	}
	for _, r := range p.idx.find(it.Kind, lowerKey("name", name)) {
		if p.freeOurs(it.Kind, r) {
			return true
		}
	}
	return false
}

// foreign finds an object of the wanted name, not ours, beside which NetBox
// allows no second. One beside which it does is reported.
func (p *planner) foreign(it *item) *domain.Row {
	for _, r := range p.idx.find(it.Kind, lowerKey("name", it.Fields["name"].(string))) {
		switch {
		case p.idx.ours(it.Kind, r):
		case p.excludes(it, r):
			return r
		case it.state == fresh:
			p.report(Report{Outcome: Conflict, Kind: it.Kind, Key: it.Key, Label: it.Label, Field: "name",
				Reason: fmt.Sprintf("%s %q in NetBox is not ours; ours is made beside it", it.Kind, r.Text("name")),
				WayOut: "give it the tag proxbox to hand it over"})
		}
	}
	return nil
}

// excludes tells whether NetBox lets a name stand once in the places of two
// clusters (a site) or devices (a site and a tenant).
func (p *planner) excludes(it *item, r *domain.Row) bool {
	same := func(field string) bool {
		v, _ := p.value(it.Fields[field])
		if it.row != nil {
			v = it.row.Fields[field]
		}
		return domain.Equal(r.Fields[field], v)
	}
	if it.Kind == domain.KindCluster {
		return r.Text("name") == it.Fields["name"] && same("scope")
	}
	return same("site") && same("tenant")
}

var numbered = regexp.MustCompile(`^(.*) \((\d+)\)$`)

// place is where NetBox lets a guest's name stand once; it compares them
// without regard to case.
type place struct {
	cluster domain.Ref
	name    string
}

func (p *planner) placeOf(it *item, name string) place {
	v, _ := p.value(it.Fields["cluster"])
	cluster, _ := v.(domain.Ref)
	return place{cluster, strings.ToLower(name)}
}

// numberNames lets every guest of a cluster land: the first keeps the name,
// the others become "name (2)", "name (3)", in the order of their vmids.
func (p *planner) numberNames(items []*item) {
	used := map[place]bool{}
	leaving := map[place]*item{} // names of guests that are renamed in this plan
	next := map[place]int{}      // the number that nobody of that name has had yet
	var rest []*item
	for _, it := range items {
		switch {
		case it.state == fresh:
			rest = append(rest, it)
		case it.state != bound:
		case it.moved: // its name may be taken where it is now
			if p.keepsName(it) {
				p.rename(it, it.row.Text("name"))
			}
			rest = append(rest, it)
		case p.keepsName(it):
			p.rename(it, it.row.Text("name"))
			used[p.placeOf(it, it.row.Text("name"))] = true
		default:
			rest = append(rest, it)
			leaving[p.placeOf(it, it.row.Text("name"))] = it
		}
	}
	for _, it := range rest {
		name := it.Fields["name"].(string)
		if r := p.foreignGuest(it, name); r != nil && !p.idx.ours(domain.KindVirtualMachine, r) {
			p.refuseName(it, fmt.Sprintf("the virtual machine %q in the same cluster in NetBox is not ours", r.Text("name")), handOver)
			continue
		}
		p.reportNamesake(it, name)
		free := func(name string) bool {
			at := p.placeOf(it, name)
			holder := leaving[at]
			return !used[at] && p.foreignGuest(it, name) == nil && (holder == nil || holder == it || !holder.nameLate)
		}
		final, plain := name, p.placeOf(it, name)
		for !free(final) {
			n := max(next[plain], 2)
			final, next[plain] = withNumber(name, n), n+1
		}
		at := p.placeOf(it, final)
		used[at] = true
		// A name that another guest has until it is renamed is written after that.
		it.nameLate = leaving[at] != nil && leaving[at] != it
		p.rename(it, final)
	}
}

// foreignGuest finds a VM of a name in the item's cluster that is none of the
// wanted ones.
func (p *planner) foreignGuest(it *item, name string) *domain.Row {
	at := p.placeOf(it, name)
	if at.cluster.ID == 0 {
		return nil
	}
	for _, r := range p.idx.find(domain.KindVirtualMachine, lowerKey("name", name)) {
		if r.Ref("cluster").ID == at.cluster.ID && p.free(domain.KindVirtualMachine, r) && domain.IsEmpty(r.Fields["tenant"]) {
			return r
		}
	}
	return nil
}

// reportNamesake says once that a VM of the same name elsewhere is not ours.
func (p *planner) reportNamesake(it *item, name string) {
	if it.state != fresh {
		return
	}
	cluster := p.clusterRow(it)
	for _, r := range p.idx.find(domain.KindVirtualMachine, lowerKey("name", name)) {
		if (cluster == 0 || r.Ref("cluster").ID != cluster) && !p.idx.ours(domain.KindVirtualMachine, r) {
			p.report(Report{Outcome: Conflict, Kind: it.Kind, Key: it.Key, Label: it.Label, Field: "name",
				Reason: fmt.Sprintf("a virtual machine %q that is not ours is in NetBox; ours is made beside it", r.Text("name")),
				WayOut: "give it the tag proxbox and no cluster to hand it over"})
			return
		}
	}
}
