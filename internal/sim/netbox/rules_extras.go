package netboxsim

import (
	"slices"
	"strings"
)

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
