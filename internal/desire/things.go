package desire

import "proxbox/internal/domain"

// TagSoftDeleted is the slug of the tag on what Proxmox does not have any more.
const TagSoftDeleted = "proxbox-soft-deleted"

// SoftDeleted is that tag, as the plugin's clean-up page looks for it.
func SoftDeleted() domain.Object {
	return domain.Object{Kind: domain.KindTag, Key: TagSoftDeleted, Label: "tag " + TagSoftDeleted, Fields: domain.Fields{
		"slug": TagSoftDeleted, "name": "Proxbox: Soft-deleted VM", "color": "d32f2f",
		"description": "Proxmox does not have it any more; it can be removed."}}
}

// createdAt is the custom field with the moment at which a guest was made: with
// the uuid it tells a guest from an earlier one of the same vmid.
var createdAt = domain.Fields{
	"name": "proxmox_created_at", "type": "integer", "label": "Proxmox creation time", "group_name": "Proxmox",
	"object_types": `["virtualization.virtualmachine"]`, "ui_visible": "if-set", "ui_editable": "hidden", "weight": 100, "search_weight": 1000,
	"filter_logic": "exact", "description": "When the guest was made, in seconds since 1970, by which a vmid that is used again is recognised"}

// things says which guests, nodes and storages a cluster has, wanted or left
// out, and of which of them all are known: only there is what is not among them
// gone.
func (b *builder) things(v *view) {
	there := func(kind domain.Kind, key domain.Key) { b.out.Present[domain.To(kind, key)] = true }
	for _, n := range v.Nodes {
		there(domain.KindDevice, nodeKey(v, n.Name))
	}
	if v.Complete.Nodes {
		b.whole(v.key, domain.KindDevice)
	}
	for _, s := range v.Storages.Value {
		there(domain.KindProxmoxStorage, storageKey(v, s.Name))
	}
	if v.Storages.OK && v.Complete.Storages {
		b.whole(v.key, domain.KindProxmoxStorage)
	}
	for _, g := range v.Guests {
		there(domain.KindVirtualMachine, guestKey(v, g))
	}
	b.creations(v)
}

// creations wants the moments at which guests were made, where they are known.
func (b *builder) creations(v *view) {
	if !b.opt.Kinds.Has(domain.KindCustomField) {
		return
	}
	name := createdAt["name"].(string)
	field := domain.Object{Kind: domain.KindCustomField, Key: domain.Key(name), Label: "custom field " + name, Fields: createdAt}
	for _, g := range v.Guests {
		ref := domain.To(domain.KindVirtualMachine, guestKey(v, g))
		i, wanted := b.seen[ref]
		if at := g.Config.Value.CreatedAt; wanted && g.Config.OK && at > 0 && !b.out.left[ref] {
			b.add(field)
			b.out.Objects[i].Fields["cf_"+name] = int(at)
		}
	}
}
