package netboxsim

// ownPrimaryMAC holds that a primary MAC address is on this interface.
func ownPrimaryMAC(d *draft) {
	addr := d.ref("primary_mac_address")
	if addr == nil {
		return
	}
	k := d.s.kinds[macKind]
	on, kindName := k.id(addr, "assigned_object_id"), k.str(addr, "assigned_object_type")
	switch {
	case on == 0 && d.adding():
	case on == 0:
		d.fail(allKey, "Only a MAC address assigned to this interface can be its primary MAC address.")
	case d.adding() || kindName != d.k.name || on != d.old.id:
		d.fail(allKey, "MAC address %s is assigned to a different interface (%s).", k.str(addr, "mac_address"), d.s.labelOf(kindName, on))
	}
}

// readMAC reads the interfaces' mac_address shortcut.
func (d *draft) readMAC(f *field, v any) {
	if v == nil {
		d.macAddress = nil
		return
	}
	text, msg := parseText(f, v)
	if msg != "" {
		d.fail(f.name, "%s", msg)
		return
	}
	d.macAddress = text
}

// macShortcutRule checks the shortcut against its form and against
// primary_mac_address.
func macShortcutRule(d *draft) {
	if d.macAddress == notGiven {
		return
	}
	want := ""
	if d.macAddress != nil {
		text, ok := canonicalMAC(d.macAddress.(string))
		if !ok {
			d.fail("mac_address", macFormErr)
			return
		}
		want = text
		d.macAddress = text
	}
	if !d.given["primary_mac_address"] {
		return
	}
	have := ""
	if r := d.ref("primary_mac_address"); r != nil {
		have = d.s.kinds[macKind].str(r, "mac_address")
	}
	if have != want {
		d.fail(allKey, "The provided 'mac_address' and 'primary_mac_address' values conflict.")
	}
}

// setPrimaryMAC makes the address of the shortcut the interface's primary
// one, creating it when the interface does not have it.
func (d *draft) setPrimaryMAC() {
	s, x := d.s, d.tx
	slot := d.k.field("primary_mac_address").slot
	cur := s.row(d.k.name, d.new.id)
	var want any
	if text, ok := d.macAddress.(string); ok {
		want = s.ensureMAC(x, d.k.name, cur.id, text)
	}
	if cur.vals[slot] != want {
		x.amend(d.k, cur, saved, func(c *row) { c.vals[slot] = want })
	}
}

func (s *store) ensureMAC(x *tx, kindName string, id int, text string) int {
	t := s.table(macKind)
	for _, mid := range t.generic[anyKey{kindName, id}] {
		if t.k.str(t.rows[mid], "mac_address") == text {
			return mid
		}
	}
	now := s.now()
	r := &row{id: t.nextID, vals: make([]any, len(t.k.stored)), cf: s.defaultCustom(macKind), created: now, updated: now}
	for name, v := range map[string]any{
		"mac_address": text, "assigned_object_type": kindName, "assigned_object_id": id, "description": "", "comments": "",
	} {
		r.vals[t.k.field(name).slot] = v
	}
	x.put(t, nil, r)
	x.record(t.k, nil, r, now)
	return r.id
}

func (s *store) isPrimaryMAC(r *row) bool {
	k := s.kinds[macKind]
	kindName := k.str(r, "assigned_object_type")
	on := s.row(kindName, k.id(r, "assigned_object_id"))
	return on != nil && s.kinds[kindName].id(on, "primary_mac_address") == r.id
}

// keepPrimaryMAC refuses to move a MAC address that is some interface's primary.
func keepPrimaryMAC(d *draft) {
	if d.old == nil || !d.s.isPrimaryMAC(d.old) {
		return
	}
	switch {
	case d.get("assigned_object_id") == nil:
		d.fail(allKey, "Cannot unassign MAC Address while it is designated as the primary MAC for an object")
	case d.get("assigned_object_id") != d.was("assigned_object_id") || d.get("assigned_object_type") != d.was("assigned_object_type"):
		d.fail(allKey, "Cannot reassign MAC Address while it is designated as the primary MAC for an object")
	}
}
