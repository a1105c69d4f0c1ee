package netboxsim

// The rules of the kinds, and what saving does beside it.

// genericPair holds that kind and id of an assigned object are both there or
// both not, and name an object.
func genericPair(d *draft) {
	kindName, id := d.str("assigned_object_type"), d.get("assigned_object_id")
	switch {
	case kindName == "" && id == nil:
	case id == nil:
		d.fail("assigned_object_id", "This field cannot be null.")
	case kindName == "":
		d.fail("assigned_object_type", "This field cannot be null.")
	case d.s.row(kindName, id.(int)) == nil:
		d.fail("assigned_object_id", "Related object not found using the provided value: %d.", id)
	}
}

// notBelowItself holds a tree free of circles.
func notBelowItself(d *draft) {
	for parent := d.ref("parent"); parent != nil && d.old != nil; parent = d.s.row(d.k.name, d.k.id(parent, "parent")) {
		if parent.id == d.old.id {
			d.fail("parent", "Cannot assign self or a descendant as parent.")
			return
		}
	}
}

// has tells of rows whose field is set.
func has(name string) func(*kind, *row) bool {
	return func(k *kind, r *row) bool { return k.get(r, name) != nil }
}
