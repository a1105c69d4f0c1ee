package plan

import (
	"slices"
	"strings"

	"proxbox/internal/domain"
)

// Things says what a plan knows and may do about guests, nodes and storages
// that Proxmox does not have any more (rules.md 7).
type Things struct {
	// Present are those that Proxmox has, wanted or not. Nil: not known, and
	// nothing is taken for gone.
	Present map[domain.Ref]bool
	// Mark is true when those that are gone get the status decommissioning and
	// the tag; otherwise they are only noticed.
	Mark bool
	// Tag is the tag that they get, made when NetBox has none.
	Tag domain.Object
	// Expired is the moment, RFC 3339, before which one must have been marked
	// to be removed; "" for never.
	Expired string
	// Confirmed says of guests, once their nodes were asked for their
	// configuration, why they may be there all the same; "" when they are gone.
	Confirmed map[domain.Ref]string
}

// thingKinds are the kinds whose objects are never parts of another.
var thingKinds = []domain.Kind{domain.KindVirtualMachine, domain.KindDevice, domain.KindProxmoxStorage}

// StatusGone is what the sync-state row of a guest says that is gone, or the
// custom field where there are no such rows.
const StatusGone = "gone"

const statusField = "cf_proxmox_status"

const decommissioning = "decommissioning"

// things plans what becomes of guests, nodes and storages that are gone: they
// are marked, and removed a while after.
func (p *planner) things() {
	if p.Things.Present == nil {
		return
	}
	owned := map[group]int{}
	var gone, marked []*thing
	for _, kind := range thingKinds {
		if !p.known(kind) {
			continue
		}
		for r := range p.Inventory.Table(kind).Rows() {
			cluster := p.clusterOfThing(kind, r)
			if cluster == nil {
				continue
			}
			before := p.marked(kind, r)
			if !before {
				owned[group{cluster.Key, kind}]++
			}
			t := p.vanished(kind, r, cluster)
			switch {
			case t == nil:
			case before:
				marked = append(marked, t)
			default:
				gone = append(gone, t)
			}
		}
	}
	p.markGone(gone, owned)
	p.unlessBlown(func() {
		for _, t := range marked {
			p.unlinkGuest(t)
			p.expire(t)
		}
	})
}

// goneTag is the tag on what is gone, when NetBox has it.
func (p *planner) goneTag() domain.Ref {
	slug, _ := p.Things.Tag.Fields["slug"].(string)
	if r := first(p.idx.find(domain.KindTag, lowerKey("slug", slug))); slug != "" && r != nil {
		return domain.At(domain.KindTag, r.ID)
	}
	return domain.Ref{}
}

// carriesMark tells whether a row has the tag of what is gone.
func (p *planner) carriesMark(r *domain.Row) bool {
	tag := p.goneTag()
	return tag.ID != 0 && r.Refs("tags").Has(tag)
}

// marked tells whether somebody marked an object as gone already. One whose
// mark a person took away stays as that person left it.
func (p *planner) marked(kind domain.Kind, r *domain.Row) bool {
	if p.carriesMark(r) {
		return true
	}
	if st := p.idx.stateRow(kind, r.ID); st != nil {
		return st.Text("proxmox_status") == StatusGone
	}
	return r.Text(statusField) == StatusGone
}

// markGone marks what is gone, if it may.
func (p *planner) markGone(gone []*thing, owned map[group]int) {
	var mark []*thing
	known := map[group][]*thing{}
	for _, t := range gone {
		if p.Things.Mark || t.replaced {
			mark = append(mark, t)
		} else {
			g := group{t.cluster.Key, t.kind}
			known[g] = append(known[g], t)
		}
	}
	for _, g := range sortedGroups(known) {
		p.noticeGone(g, known[g])
	}
	p.fuseThings(mark, owned)
	p.unlessBlown(func() {
		for _, t := range mark {
			if p.isConfirmed(t) {
				p.mark(t)
			}
		}
	})
}

// isConfirmed tells whether a thing is gone by its own node's word. A guest of
// which nobody asked yet is named, so that somebody does.
func (p *planner) isConfirmed(t *thing) bool {
	if t.kind != domain.KindVirtualMachine || t.replaced {
		return true
	}
	why, asked := p.Things.Confirmed[t.ref()]
	switch {
	case !asked:
		p.plan.Vanished = append(p.plan.Vanished, Vanished{Ref: t.ref(), Key: t.key, Label: t.label, Endpoints: t.cluster.Identity.Endpoints,
			Nodes: p.nodesFor(t), Type: t.guest.Type, VMID: t.guest.VMID})
	case why != "":
		p.notice(t.kind, t.key, domain.Problem{What: t.label, Reason: "Proxmox does not list it any more, and that it is gone is not confirmed: " + why,
			WayOut: "it stays as it is; the next run asks again"})
	default:
		return true
	}
	return false
}

// nodesFor are the nodes to ask for a guest's configuration: the one that it was
// last on while the cluster has it, else one that is there.
func (p *planner) nodesFor(t *thing) []string {
	node := func(name string) domain.Ref {
		return domain.To(domain.KindDevice, t.cluster.Key+"/node/"+domain.Key(name))
	}
	if t.node != "" && p.Things.Present[node(t.node)] {
		return []string{t.node}
	}
	var online, others []string
	for ref := range p.Things.Present {
		name, ok := strings.CutPrefix(string(ref.Key), string(node("").Key))
		if ref.Kind != domain.KindDevice || !ok {
			continue
		}
		if it := p.items[ref]; it != nil && it.Fields["status"] == "active" {
			online = append(online, name)
		} else {
			others = append(others, name)
		}
	}
	slices.Sort(online)
	slices.Sort(others)
	return append(online, others...)
}

// mark says of a thing in NetBox that it is gone.
func (p *planner) mark(t *thing) {
	why := "gone in Proxmox"
	if t.replaced {
		why = "its vmid is another guest's in Proxmox now"
	}
	set, old := domain.Fields{}, domain.Fields{}
	field, value := "status", any(decommissioning)
	if t.kind == domain.KindProxmoxStorage {
		field, value = "enabled", false
	}
	if now := t.row.Fields[field]; !domain.Equal(now, value) {
		set[field], old[field] = value, now
	}
	if tag := p.tagFor(); !domain.IsEmpty(tag) {
		p.addTag(t.row, tag, set, old)
	}
	if now, known := t.row.Fields[statusField]; known && now != StatusGone && p.hasField(t.kind, statusField) &&
		p.ownsAt(t.cluster.Key, t.kind, statusField) == domain.Always {
		set[statusField], old[statusField] = StatusGone, now
	}
	p.plan.Changes = append(p.plan.Changes, Change{Op: Update, Kind: t.kind, Key: t.key, ID: t.row.ID, Label: t.label, Set: set, Old: old, Why: why,
		Phase: phaseOf(t.kind), Orphan: true})
	if st := p.idx.stateRow(t.kind, t.row.ID); st != nil && t.kind == domain.KindVirtualMachine {
		c := Change{Op: Update, Kind: domain.KindVMState, Key: t.key, ID: st.ID, Label: "sync-state of " + t.label, Why: why, Phase: phaseState, Of: t.ref(),
			Set: domain.Fields{"proxmox_status": StatusGone}, Old: domain.Fields{"proxmox_status": st.Fields["proxmox_status"]}}
		if p.Stamp != "" {
			c.Set["proxmox_last_updated"] = p.Stamp
		}
		p.plan.Changes = append(p.plan.Changes, c)
	}
	p.unlinkGuest(t)
}

// tagFor is the tag of what is gone, which is made when NetBox has none.
func (p *planner) tagFor() domain.Ref {
	if tag := p.goneTag(); tag.ID != 0 {
		return tag
	}
	ref := domain.To(domain.KindTag, p.Things.Tag.Key)
	if p.Things.Tag.Key == "" || p.Inventory.Table(domain.KindTag).Absent {
		return domain.Ref{}
	}
	if p.items[ref] == nil {
		it := &item{Object: p.Things.Tag, state: fresh}
		p.items[ref] = it
		p.create(it)
	}
	return ref
}

// addTag adds one tag to a row's.
func (p *planner) addTag(r *domain.Row, tag domain.Ref, set, old domain.Fields) {
	current := r.Refs("tags")
	old["tags"] = current
	if p.AddTags {
		set["add_tags"] = domain.Refs{tag}
	} else {
		set["tags"] = append(slices.Clone(current), tag).Sorted()
	}
}

// unlinkGuest removes the rows of a gone guest's own view that protect its
// addresses: a person could not remove it otherwise.
func (p *planner) unlinkGuest(t *thing) {
	if t.kind != domain.KindVirtualMachine || !p.known(domain.KindGuestInterfaceAddr) || !p.known(domain.KindGuestInterface) {
		return
	}
	for _, view := range p.idx.parts(domain.KindGuestInterface, t.ref()) {
		for _, r := range p.idx.parts(domain.KindGuestInterfaceAddr, domain.At(domain.KindGuestInterface, view.ID)) {
			if p.free(domain.KindGuestInterfaceAddr, r) {
				p.removeLink(r, t)
			}
		}
	}
}

func (p *planner) removeLink(r *domain.Row, t *thing) {
	ref := domain.At(domain.KindGuestInterfaceAddr, r.ID)
	if p.gone[ref] {
		return
	}
	p.gone[ref] = true
	p.plan.Changes = append(p.plan.Changes, Change{Op: Delete, Kind: ref.Kind, ID: r.ID, Key: t.key, Label: t.label, Old: r.Fields, Why: "gone in Proxmox",
		Phase: phaseDelete + slices.Index(parts, ref.Kind)})
}
