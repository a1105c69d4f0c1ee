package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

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

// Vanished is a guest that a complete reading does not have any more. Whether
// it is gone its node must say.
type Vanished struct {
	Ref       domain.Ref // in NetBox
	Key       domain.Key
	Label     string
	Endpoints []int    // that read its cluster
	Nodes     []string // to be asked: the one that it was last on, else others
	Type      domain.GuestType
	VMID      int
}

// Notice is something about objects of a kind that a person should know, and
// that costs no object.
type Notice struct {
	Kind domain.Kind
	Key  domain.Key
	domain.Problem
}

// thingKinds are the kinds whose objects are never parts of another.
var thingKinds = []domain.Kind{domain.KindVirtualMachine, domain.KindDevice, domain.KindProxmoxStorage}

// StatusGone is what the sync-state row of a guest says that is gone.
const StatusGone = "gone"

const decommissioning = "decommissioning"

// thing is a guest, node or storage of ours that NetBox has and Proxmox has not.
type thing struct {
	kind     domain.Kind
	row      *domain.Row
	cluster  *item
	key      domain.Key // its own, for the plan
	label    string
	node     string // that a guest was last on
	guest    domain.Identity
	replaced bool // another guest has its vmid: nobody has to be asked
}

func (t *thing) ref() domain.Ref { return domain.At(t.kind, t.row.ID) }

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
	for _, t := range marked {
		p.unlinkGuest(t)
		p.expire(t)
	}
}

// clusterOfThing is the wanted cluster that a row of ours belongs to beyond
// doubt; nil when it may be another's.
func (p *planner) clusterOfThing(kind domain.Kind, r *domain.Row) *item {
	if it := p.taken[domain.At(kind, r.ID)]; it != nil {
		return p.items[domain.To(domain.KindCluster, clusterOf(it.Key))]
	}
	for _, c := range p.of[domain.KindCluster] {
		if c.row != nil && p.belongs(kind, r, c) {
			return c
		}
	}
	return nil
}

// belongs tells whether a row says that it is a cluster's: by the endpoint in
// its sync-state row, or by an identity that we wrote, for what other programs
// wrote does not tell two clusters of one name apart.
func (p *planner) belongs(kind domain.Kind, r *domain.Row, c *item) bool {
	here := r.Ref("cluster").ID == c.row.ID
	if kind == domain.KindProxmoxStorage {
		return here && !slices.ContainsFunc(p.idx.linked(c.row.ID), func(l *domain.Row) bool {
			return !slices.Contains(c.Identity.PluginIDs, l.Ref("endpoint").ID)
		})
	}
	st := p.idx.stateRow(kind, r.ID)
	switch {
	case st != nil && (st.Ref("endpoint").ID != 0 || len(c.Identity.PluginIDs) > 0):
		return slices.Contains(c.Identity.PluginIDs, st.Ref("endpoint").ID)
	case st != nil:
		return here && slices.Contains(c.Identity.Endpoints, st.Int("proxmox_endpoint_raw_id")) &&
			(kind == domain.KindDevice || st.Text("proxmox_vm_name") != "")
	case kind == domain.KindVirtualMachine:
		return here && r.Text("cf_proxmox_vm_name") != "" && r.Text("cf_proxmox_cluster") == c.Identity.Name
	}
	return here && slices.ContainsFunc(p.of[kind], func(d *item) bool {
		return clusterOf(d.Key) == c.Key && slices.ContainsFunc(p.resolved(d.Tags.OnCreate), r.Refs("tags").Has)
	})
}

// vanished is a row as a thing that a complete reading does not have; nil when
// it is there, or may be.
func (p *planner) vanished(kind domain.Kind, r *domain.Row, c *item) *thing {
	if !p.free(kind, r) {
		return nil
	}
	t := &thing{kind: kind, row: r, cluster: c}
	var key domain.Key
	switch st := p.idx.stateRow(kind, r.ID); kind {
	case domain.KindVirtualMachine:
		t.guest = p.identityOf(r)
		if t.guest.VMID == 0 || t.guest.Type == "" {
			return nil
		}
		t.guest.Cluster = c.Key
		key = c.Key + "/" + domain.Key(t.guest.Type) + "/" + domain.Key(strconv.Itoa(t.guest.VMID))
		t.label = fmt.Sprintf("%s %d (%s)", t.guest.Type, t.guest.VMID, r.Text("name"))
		t.node = r.Text("cf_proxmox_node")
		if st != nil {
			t.node = st.Text("proxmox_node_name")
		}
	case domain.KindDevice:
		name := r.Text("name")
		if st != nil {
			name = cmp.Or(st.Text("proxmox_node_name"), name)
		}
		key, t.label = c.Key+"/node/"+domain.Key(name), "node "+name
	default:
		key, t.label = c.Key+"/storage/"+domain.Key(r.Text("name")), "storage "+r.Text("name")
	}
	t.key = key + "/gone/" + domain.Key(strconv.Itoa(r.ID))
	switch holder := p.items[domain.To(kind, key)]; {
	case holder != nil:
		t.replaced = kind == domain.KindVirtualMachine && anotherGuest(holder.Identity, r)
		if !t.replaced {
			return nil
		}
	case p.Things.Present[domain.To(kind, key)], !p.Whole[domain.PartsOf{Owner: c.Key, Kind: kind}]:
		return nil
	}
	if p.policy(kind, t.key) == domain.Leave || p.policy(kind, t.key) == domain.Bootstrap && p.held(kind, r) {
		return nil
	}
	return t
}

// identityOf is what NetBox says of which guest a VM is.
func (p *planner) identityOf(r *domain.Row) domain.Identity {
	if st := p.idx.stateRow(domain.KindVirtualMachine, r.ID); st != nil {
		return domain.Identity{VMID: st.Int("proxmox_vm_id"), Type: domain.GuestType(st.Text("proxmox_vm_type"))}
	}
	return domain.Identity{VMID: r.Int("cf_proxmox_vm_id"), Type: domain.GuestType(r.Text("cf_proxmox_vm_type"))}
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
	st := p.idx.stateRow(kind, r.ID)
	return st != nil && st.Text("proxmox_status") == StatusGone
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
	if !p.fuseThings(mark, owned) {
		return
	}
	for _, t := range mark {
		if t.kind == domain.KindVirtualMachine && !t.replaced {
			why, asked := p.Things.Confirmed[t.ref()]
			if !asked {
				p.plan.Vanished = append(p.plan.Vanished, Vanished{Ref: t.ref(), Key: t.key, Label: t.label, Endpoints: t.cluster.Identity.Endpoints,
					Nodes: p.nodesFor(t), Type: t.guest.Type, VMID: t.guest.VMID})
				continue
			}
			if why != "" {
				p.notice(t.kind, t.key, domain.Problem{What: t.label, Reason: "Proxmox does not list it any more, and that it is gone is not confirmed: " + why,
					WayOut: "it stays as it is; the next run asks again"})
				continue
			}
		}
		p.mark(t)
	}
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

func (p *planner) notice(kind domain.Kind, key domain.Key, problem domain.Problem) {
	p.plan.Notices = append(p.plan.Notices, Notice{kind, key, problem})
}

// wordsFor are what people call several things of a kind.
var wordsFor = map[domain.Kind]string{domain.KindVirtualMachine: "guests", domain.KindDevice: "nodes", domain.KindProxmoxStorage: "storages"}

// noticeGone says once what is in NetBox and not in Proxmox any more.
func (p *planner) noticeGone(g group, list []*thing) {
	const shown = 5
	var names []string
	for _, t := range list {
		names = append(names, t.label)
	}
	if more := len(names) - shown; more > 0 {
		names = append(names[:shown], fmt.Sprintf("%d more", more))
	}
	p.notice(g.kind, g.cluster+"/gone", domain.Problem{
		What:   fmt.Sprintf("%d %s of %s", len(list), wordsFor[g.kind], list[0].cluster.Identity.Name),
		Reason: "NetBox has them and Proxmox does not any more: " + strings.Join(names, ", "),
		WayOut: "turn the setting delete_orphans on to have them marked as gone, or remove them in NetBox"})
}

// fuseThings tells whether as many things may be marked in one run. What was
// marked in an earlier one does not count again.
func (p *planner) fuseThings(mark []*thing, owned map[group]int) bool {
	if p.OverrideFuse {
		return true
	}
	by := map[group][]*thing{}
	for _, t := range mark {
		g := group{t.cluster.Key, t.kind}
		by[g] = append(by[g], t)
	}
	for _, g := range sortedGroups(by) {
		n, limit := len(by[g]), fuseLimit(owned[g])
		if n <= limit && !p.readsAsEmpty(g) {
			continue
		}
		reason := fmt.Sprintf("this run would mark %d of our %d %s of %s as gone; at most %d are in one run, so none is", n, owned[g], wordsFor[g.kind],
			by[g][0].cluster.Identity.Name, limit)
		if p.readsAsEmpty(g) {
			reason = fmt.Sprintf("Proxmox lists no %s of %s at all, and NetBox has %d, so none is marked as gone", wordsFor[g.kind], by[g][0].cluster.Identity.Name, owned[g])
		}
		p.report(Report{Outcome: Conflict, Kind: g.kind, Key: g.cluster + "/gone", Label: fmt.Sprintf("%d of %d", n, owned[g]), Reason: reason,
			WayOut: "check that Proxmox answers truly, then run once with the fuse overridden"})
		return false
	}
	return true
}

// readsAsEmpty tells whether Proxmox lists none of a kind in a cluster.
func (p *planner) readsAsEmpty(g group) bool {
	for ref := range p.Things.Present {
		if ref.Kind == g.kind && clusterOf(ref.Key) == g.cluster {
			return false
		}
	}
	return true
}

func sortedGroups[T any](m map[group]T) []group {
	return slices.SortedFunc(maps.Keys(m), func(a, b group) int {
		return cmp.Or(cmp.Compare(a.cluster, b.cluster), cmp.Compare(a.kind, b.kind))
	})
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

// since is when a thing was marked: as its sync-state row says, else at the
// latest when it was last changed; the zero moment when neither is known.
func (p *planner) since(t *thing) time.Time {
	text := t.row.Text("last_updated")
	if st := p.idx.stateRow(t.kind, t.row.ID); st != nil && st.Text("proxmox_status") == StatusGone {
		text = st.Text("proxmox_last_updated")
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return at
}

// expire removes a thing that was marked long enough ago, unless somebody has a
// use for it.
func (p *planner) expire(t *thing) {
	limit, err := time.Parse(time.RFC3339, p.Things.Expired)
	at := p.since(t)
	if err != nil || at.IsZero() || at.After(limit) || !p.carriesMark(t.row) {
		return
	}
	doomed, why := p.belongings(t)
	if why == "" {
		for _, ref := range append([]domain.Ref{t.ref()}, doomed...) {
			if why == "" && p.Keep[ref] != "" {
				why = p.Keep[ref]
				if ref != t.ref() {
					why = fmt.Sprintf("its %s %s: %s", modelOf(ref.Kind), nameOf(p.Inventory.Row(ref)), why)
				}
			}
		}
	}
	if why != "" {
		p.report(Report{Outcome: Conflict, Kind: t.kind, Key: t.key, Label: t.label, Reason: "it is gone in Proxmox and would be removed, but " + why,
			WayOut: fmt.Sprintf("clear that in NetBox, and the next run removes it; or take the tag %s away to keep it", p.Things.Tag.Key)})
		return
	}
	for _, ref := range doomed {
		if ref.Kind == domain.KindIPAddress {
			for _, r := range p.idx.linking(ref.ID) {
				p.removeLink(r, t)
			}
		}
		p.gone[ref] = true
	}
	p.gone[t.ref()] = true
	p.plan.Doomed = append(append(p.plan.Doomed, t.ref()), doomed...)
	p.plan.Changes = append(p.plan.Changes, Change{Op: Delete, Kind: t.kind, ID: t.row.ID, Key: t.key, Label: t.label, Old: t.row.Fields,
		Why: "gone in Proxmox since " + at.UTC().Format(time.DateOnly), Phase: phaseDelete + len(parts) + slices.Index(thingKinds, t.kind), Orphan: true})
}

func modelOf(kind domain.Kind) string {
	_, model, _ := strings.Cut(string(kind), ".")
	return model
}

// belongings is what NetBox removes together with a thing. Why is set when
// something among it, or that points at it, is not ours.
func (p *planner) belongings(t *thing) (doomed []domain.Ref, why string) {
	for _, kind := range []domain.Kind{domain.KindIPAddress, domain.KindGuestInterface} {
		if err := p.unknown(kind); err != nil {
			return nil, "what belongs to it is not known whole: " + err.Error()
		}
	}
	if why := p.foreignTag(t); why != "" {
		return nil, why
	}
	for _, kind := range map[domain.Kind][]domain.Kind{
		domain.KindVirtualMachine: {domain.KindVMInterface, domain.KindVirtualDisk, domain.KindCloudInit},
		domain.KindDevice:         {domain.KindInterface},
	}[t.kind] {
		if err := p.unknown(kind); err != nil {
			return nil, "what belongs to it is not known whole: " + err.Error()
		}
		for _, r := range p.idx.parts(kind, t.ref()) {
			if !p.idx.ours(kind, r) {
				return nil, fmt.Sprintf("it has the %s %s, which is not ours", modelOf(kind), nameOf(r))
			}
			if kind != domain.KindCloudInit {
				doomed = append(doomed, domain.At(kind, r.ID))
			}
			for _, ip := range p.idx.parts(domain.KindIPAddress, domain.At(kind, r.ID)) {
				switch at := domain.At(domain.KindIPAddress, ip.ID); {
				case !p.free(at.Kind, ip): // it moves to another guest in this plan
				case !p.idx.ours(at.Kind, ip), p.idx.behindNAT(ip.ID):
					return nil, fmt.Sprintf("it holds %s, which is not ours or behind NAT", ip.Text("address"))
				default:
					doomed = append(doomed, at)
				}
			}
		}
	}
	if t.kind == domain.KindDevice {
		if err := p.unknown(domain.KindVirtualMachine); err != nil {
			return nil, "which guests are on it is not known whole: " + err.Error()
		}
		for r := range p.Inventory.Table(domain.KindVirtualMachine).Rows() {
			if r.Ref("device") == t.ref() && !p.leavesDevice(r) {
				return nil, fmt.Sprintf("the virtual machine %q is on it", r.Text("name"))
			}
		}
	}
	return doomed, ""
}

// leavesDevice tells whether a VM gets another device in this plan, or goes.
func (p *planner) leavesDevice(vm *domain.Row) bool {
	ref := domain.At(domain.KindVirtualMachine, vm.ID)
	return p.gone[ref] || slices.ContainsFunc(p.plan.Changes, func(c Change) bool {
		_, moves := c.Set["device"]
		return moves && c.Kind == ref.Kind && c.ID == ref.ID
	})
}

// foreignTag names a tag of a thing that neither we nor Proxmox gave it.
func (p *planner) foreignTag(t *thing) string {
	base := ""
	if st := p.idx.stateRow(t.kind, t.row.ID); st != nil {
		base = st.Text("proxmox_tags")
	} else {
		base = t.row.Text("cf_proxmox_tags")
	}
	theirs := strings.Split(base, ",")
	for _, ref := range t.row.Refs("tags") {
		tag := p.Inventory.Row(ref)
		if tag == nil || strings.HasPrefix(tag.Text("slug"), "proxbox") {
			continue
		}
		if !slices.ContainsFunc(theirs, func(s string) bool { return strings.EqualFold(s, tag.Text("name")) || slugOf(s) == tag.Text("slug") }) {
			return "it has the tag " + tag.Text("slug")
		}
	}
	return ""
}
