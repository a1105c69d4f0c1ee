package plan

import (
	"fmt"
	"slices"
	"strings"

	"proxbox/internal/domain"
)

// tagsOnCreate are all tags of a new object.
func (p *planner) tagsOnCreate(it *item) domain.Refs {
	all := slices.Concat(it.Tags.Mark, it.Tags.OnCreate, it.Tags.Synced, p.bootstrapTag(it))
	v, _ := p.value(all)
	refs, _ := v.(domain.Refs)
	return refs
}

// updateTags adds the marks that are missing and carries Proxmox's own tags
// over three-way. Whatever else an object is tagged with stays (rules.md 2).
func (p *planner) updateTags(it *item, set, old domain.Fields) {
	current, known := it.row.Fields["tags"].(domain.Refs)
	if _, has := it.row.Fields["tags"]; !has && !known {
		p.tagPart(it, set)
		return
	}
	var add, remove domain.Refs
	if p.owns(it, "tags") == domain.Always || len(current) == 0 {
		for _, m := range p.resolved(it.Tags.Mark) {
			if !current.Has(m) {
				add = append(add, m)
			}
		}
	}
	if it.Tags.Manages && (p.owns(it, "synced_tags") == domain.Always || len(current) == 0) {
		a, r := p.syncedTags(it, current)
		add, remove = append(add, a...), r
	}
	if p.back(it) {
		remove = append(remove, p.goneTag())
	}
	if len(add) == 0 && len(remove) == 0 {
		return
	}
	old["tags"] = current
	if p.AddTags {
		if len(add) > 0 {
			set["add_tags"] = add.Sorted()
		}
		if len(remove) > 0 {
			set["remove_tags"] = remove.Sorted()
		}
		return
	}
	var all domain.Refs
	for _, t := range slices.Concat(current, add) {
		if !remove.Has(t) {
			all = append(all, t)
		}
	}
	set["tags"] = all.Sorted()
}

// tagPart gives a part of ours the mark that it does not carry, where it is read
// which parts do. Their other tags are not read: NetBox has to take one more
// without them.
func (p *planner) tagPart(it *item, set domain.Fields) {
	marked := p.Inventory.Table(it.Kind).Marked
	if !p.TagParts || !p.AddTags || marked == nil || marked[it.row.ID] || it.adopted || !p.marksParts(it) || p.owns(it, "tags") != domain.Always {
		return
	}
	if mark := p.resolved(it.Tags.Mark); len(mark) > 0 {
		set["add_tags"] = mark.Sorted()
	}
}

// marksParts tells whether a row is a part of ours, or a row of the plugin about
// one, which nobody but the program makes.
func (p *planner) marksParts(it *item) bool {
	return stateKind[it.Kind] == "" || p.idx.ours(it.Kind, it.row)
}

// syncedTags carries Proxmox's own tags over three-way.
func (p *planner) syncedTags(it *item, current domain.Refs) (add, remove domain.Refs) {
	want, keep := p.resolved(it.Tags.Synced), slices.Concat(p.resolved(it.Tags.Mark), p.resolved(it.Tags.OnCreate))
	base, known := p.tagBase(it)
	if !known {
		missing := slices.DeleteFunc(slices.Clone(want), current.Has)
		if len(missing) > 0 {
			p.report(Report{Outcome: Conflict, Kind: it.Kind, Key: it.Key, Label: it.Label, Field: "tags",
				Reason: fmt.Sprintf("Proxmox has the tag %s, and nothing says whether somebody removed it in NetBox", p.show(missing[0])),
				WayOut: "NetBox's tags stay; add it there, or remove it in Proxmox and add it again"})
		}
		return nil, nil
	}
	for _, t := range want {
		if !current.Has(t) && !base.Has(t) {
			add = append(add, t)
		}
	}
	for _, t := range base {
		if current.Has(t) && !want.Has(t) && !keep.Has(t) {
			remove = append(remove, t)
		}
	}
	return add, remove
}

func (p *planner) resolved(refs domain.Refs) domain.Refs {
	v, _ := p.value(refs)
	out, _ := v.(domain.Refs)
	return out
}

// tagBase is which of Proxmox's tags the object had when we last wrote them.
func (p *planner) tagBase(it *item) (domain.Refs, bool) {
	var text string
	if st := p.idx.stateRow(it.Kind, it.row.ID); st != nil {
		text = st.Text("proxmox_tags")
		if text == "" && st.Text("proxmox_vm_name") == "" {
			return nil, false // made by the Python service, which keeps no base
		}
	} else if text = it.row.Text("cf_proxmox_tags"); text == "" && it.row.Text("cf_proxmox_vm_name") == "" {
		return nil, false
	}
	var base domain.Refs
	for _, name := range strings.Split(text, ",") {
		for _, key := range []string{lowerKey("name", name), lowerKey("slug", domain.Slug(name))} {
			if r := first(p.idx.find(domain.KindTag, key)); name != "" && r != nil {
				base = append(base, domain.At(domain.KindTag, r.ID))
				break
			}
		}
	}
	return base, true
}
