package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"proxbox/internal/domain"
)

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
		if !slices.ContainsFunc(theirs, func(s string) bool {
			return strings.EqualFold(s, tag.Text("name")) || domain.Slug(s) == tag.Text("slug")
		}) {
			return "it has the tag " + tag.Text("slug")
		}
	}
	return ""
}
