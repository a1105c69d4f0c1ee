package netboxsim

import (
	"fmt"
	"strconv"
	"strings"
)

// counts is the number of objects of a kind that refer to this one. NetBox
// computes it for the object itself alone, not where it is nested.
func counts(name, kindName, by string) []*field {
	return list(counted(name, kindName, by).aside())
}

// counted is such a number that NetBox keeps with the object, so that a
// nested one has it, too.
func counted(name, kindName, by string) *field {
	return computed(name, func(v *view, k *kind, b []byte, r *row) []byte {
		return strconv.AppendInt(b, int64(v.s.refs(kindName, by, r.id)), 10)
	})
}

// treeCounts is one that counts for what is below the object in its tree,
// too; a nested object shows it as 0, whatever it is.
func treeCounts(name, kindName, by string) *field {
	f := computed(name, func(v *view, k *kind, b []byte, r *row) []byte {
		n := 0
		for _, below := range v.s.subtree(k, r) {
			n += v.s.refs(kindName, by, below.id)
		}
		return strconv.AppendInt(b, int64(n), 10)
	})
	f.zeroNested = true
	return f
}

// subtree is an object of a tree and all below it.
func (s *store) subtree(k *kind, r *row) []*row {
	rows := []*row{r}
	for i := 0; i < len(rows); i++ {
		rows = append(rows, s.referring(k.field("parent"), rows[i].id)...)
	}
	return rows
}

func (s *store) refs(kindName, by string, id int) int {
	k := s.kinds[kindName]
	if k == nil || k.byName[by] == nil {
		return 0
	}
	return s.count(k.byName[by], id)
}

// genericObject is the object that kind and id fields name.
func genericObject(typeOf, idField string) func(*view, *kind, []byte, *row) []byte {
	return func(v *view, k *kind, b []byte, r *row) []byte {
		kindName := k.str(r, typeOf)
		return v.brief(b, kindName, k.id(r, idField))
	}
}

func family(name string) func(*view, *kind, []byte, *row) []byte {
	return func(v *view, k *kind, b []byte, r *row) []byte {
		n := familyOf(k.get(r, name))
		return fmt.Appendf(b, `{"value":%d,"label":"IPv%d"}`, n, n)
	}
}

// plainValue is a computed field in the bare form of a nested object.
func (f *field) plainValue(v *view, b []byte, r *row) []byte {
	if f.name == "family" {
		for _, name := range []string{"address", "prefix"} {
			if of := f.owner.byName[name]; of != nil {
				return strconv.AppendInt(b, int64(familyOf(r.vals[of.slot])), 10)
			}
		}
	}
	return f.compute(v, f.owner, b, r)
}

// primaryIP is the one that NetBox prefers: IPv6 when there is one.
func primaryIP(v *view, k *kind, b []byte, r *row) []byte {
	id := v.s.primaryIP(k, r)
	if id == 0 {
		return append(b, "null"...)
	}
	f := k.field("primary_ip4")
	return v.nested(b, f.to, f.nested, id)
}

func (s *store) primaryIP(k *kind, r *row) int {
	if id := k.id(r, "primary_ip6"); id != 0 {
		return id
	}
	return k.id(r, "primary_ip4")
}

func natOutside(v *view, k *kind, b []byte, r *row) []byte {
	return v.mirrored(b, k.field("nat_inside"), r)
}

func isPrimaryMAC(v *view, k *kind, b []byte, r *row) []byte {
	return strconv.AppendBool(b, v.s.isPrimaryMAC(r))
}

// macField is mac_address of an interface: what its primary MAC address is;
// from NetBox 4.7 on it may be written.
func macField(p Profile) *field {
	f := computed("mac_address", func(v *view, k *kind, b []byte, r *row) []byte {
		addr := v.s.row(macKind, k.id(r, "primary_mac_address"))
		if addr == nil {
			return append(b, "null"...)
		}
		return appendString(b, v.s.kinds[macKind].str(addr, "mac_address"))
	})
	f.readOnly = !p.macPrimary
	return f
}

func macAddresses(v *view, k *kind, b []byte, r *row) []byte {
	b = append(b, '[')
	for i, id := range v.inOrder(v.s.kinds[macKind], v.s.table(macKind).generic[anyKey{k.name, r.id}]) {
		if i > 0 {
			b = append(b, ',')
		}
		b = v.brief(b, macKind, id)
	}
	return append(b, ']')
}

func countAddresses(v *view, k *kind, b []byte, r *row) []byte {
	n := len(v.s.table(addressKind).generic[anyKey{k.name, r.id}])
	return strconv.AppendInt(b, int64(n), 10)
}

func bridgeInterfaces(v *view, k *kind, b []byte, r *row) []byte {
	return v.mirrored(b, k.field("bridge"), r)
}

// mirrored lists the objects of a kind whose reference points at this one, in
// the shape in which each of them shows this one.
func (v *view) mirrored(b []byte, f *field, r *row) []byte {
	b = append(b, '[')
	for i, other := range v.s.referring(f, r.id) {
		if i > 0 {
			b = append(b, ',')
		}
		b = v.nested(b, f.owner, f.nested, other.id)
	}
	return append(b, ']')
}

// allocated sums a field over the virtual machines of a cluster.
func allocated(name string) func(*view, *kind, []byte, *row) []byte {
	return func(v *view, k *kind, b []byte, r *row) []byte {
		vms := v.s.kinds[vmKind]
		f := vms.field(name)
		total, any := 0, false
		for _, vm := range v.s.referring(vms.field("cluster"), r.id) {
			switch n := vm.vals[f.slot].(type) {
			case int:
				total, any = total+n, true
			case fixedPoint:
				total, any = total+int(n), true
			}
		}
		switch {
		case !any:
			return append(b, "null"...)
		case f.typ == tDecimal:
			return v.value(b, f, fixedPoint(total), false)
		}
		return strconv.AppendInt(b, int64(total), 10)
	}
}

// depth is how deep in its tree an object is.
func depth(v *view, k *kind, b []byte, r *row) []byte {
	n := 0
	for parent := v.s.row(k.name, k.id(r, "parent")); parent != nil; n++ {
		parent = v.s.row(k.name, k.id(parent, "parent"))
	}
	return strconv.AppendInt(b, int64(n), 10)
}

func taggedItems(v *view, k *kind, b []byte, r *row) []byte {
	n := 0
	for _, t := range v.s.tables {
		n += t.tagged[r.id]
	}
	return strconv.AppendInt(b, int64(n), 10)
}

func dataType(v *view, k *kind, b []byte, r *row) []byte {
	typ := k.str(r, "type")
	switch typ {
	case "multiselect", "multiobject":
		typ = "array"
	case "json":
		typ = "object"
	case "object", "integer", "boolean", "decimal":
	default:
		typ = "string"
	}
	return appendString(b, typ)
}

// portMappings is the form in which NetBox 4.7 shows a service's ports.
func portMappings(_ *view, k *kind, b []byte, r *row) []byte {
	raw, _ := k.get(r, "ports").(rawJSON)
	ports, _ := decodeJSON(string(raw)).([]any)
	b = append(b, '[')
	for i, port := range ports {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, k.str(r, "protocol")+"/"+pyText(port))
	}
	return append(b, ']')
}

// localContext is what an object adds to its configuration context, and all
// that there is of it here.
func localContext() *field { return jsonField("local_context_data").null() }

func configContext(_ *view, k *kind, b []byte, r *row) []byte {
	if raw, ok := k.get(r, "local_context_data").(rawJSON); ok && raw != "null" {
		return append(b, raw...)
	}
	return append(b, '{', '}')
}

func changeUser(v *view, k *kind, b []byte, r *row) []byte {
	name := k.str(r, "user_name")
	b = append(b, `{"id":1,"url":"`...)
	b = append(b, v.base...)
	b = append(b, `/api/users/users/1/","display":`...)
	b = appendString(b, name)
	b = append(b, `,"username":`...)
	b = appendString(b, name)
	return append(b, '}')
}

// What str() of an object gives, where it is not the name.

func labelled(name string) func(*store, *kind, *row) string {
	return func(_ *store, k *kind, r *row) string {
		f := k.field(name)
		return f.text(r.vals[f.slot])
	}
}

func customFieldLabel(_ *store, k *kind, r *row) string {
	if label := k.str(r, "label"); label != "" {
		return label
	}
	name := strings.ReplaceAll(k.str(r, "name"), "_", " ")
	return strings.ToUpper(name[:1]) + strings.ToLower(name[1:])
}

func journalLabel(_ *store, k *kind, r *row) string {
	f := k.field("kind")
	return fmt.Sprintf("%s (%s)", r.created.Format("2006-01-02 15:04"), f.optionLabel(k.str(r, "kind")))
}

func changeLabel(s *store, k *kind, r *row) string {
	kindName := k.str(r, "changed_object_type")
	app, _, _ := strings.Cut(kindName, ".")
	action := map[string]string{"create": "created", "update": "updated", "delete": "deleted"}[k.str(r, "action")]
	return fmt.Sprintf("%s | %s %s %s by %s", title(app), s.kinds[kindName].verbose, k.str(r, "object_repr"), action, k.str(r, "user_name"))
}

func deviceLabel(s *store, k *kind, r *row) string {
	if name := k.str(r, "name"); name != "" {
		return name
	}
	types := s.kinds["dcim.devicetype"]
	typ := s.row(types.name, k.id(r, "device_type"))
	if typ == nil {
		return fmt.Sprintf("%s (%d)", k.verbose, r.id)
	}
	return fmt.Sprintf("%s %s (%d)", s.labelOf("dcim.manufacturer", types.id(typ, "manufacturer")), types.str(typ, "model"), r.id)
}

func vlanLabel(_ *store, k *kind, r *row) string {
	return fmt.Sprintf("%s (%d)", k.str(r, "name"), k.id(r, "vid"))
}

func vrfLabel(_ *store, k *kind, r *row) string {
	if rd := k.str(r, "rd"); rd != "" {
		return k.str(r, "name") + " (" + rd + ")"
	}
	return k.str(r, "name")
}
