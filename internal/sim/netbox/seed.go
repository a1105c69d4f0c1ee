package netboxsim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// install makes what an installation has from the start: the plugin brings
// its settings, two device roles and two custom fields.
func (s *store) install() {
	s.buildCustomFields()
	if s.profile.Plugin == "" {
		return
	}
	x := &tx{s: s, user: "admin", keepIDs: true}
	add := func(kindName string, in map[string]any) {
		if _, refused, stop := s.create(x, s.kinds[kindName], in, nil); refused != nil || stop != nil {
			panic(fmt.Sprintf("netboxsim: %s %v: %s", kindName, in, jsonText(refused)))
		}
	}
	log := s.log
	s.log = false
	add(settingsKind, map[string]any{})
	if s.profile.syncState {
		add("dcim.devicerole", map[string]any{"name": "Virtual Machine (QEMU)", "slug": "virtual-machine-qemu", "color": "9c27b0"})
		add("dcim.devicerole", map[string]any{"name": "Container (LXC)", "slug": "container-lxc", "color": "00bcd4"})
		for _, cf := range []struct{ id, name, label, description string }{
			{"8", "proxmox_node", "Proxmox target node", "Cluster node where the VM should run. Read by proxbox-api when applying CREATE/UPDATE intent diffs from a branched NetBox merge."},
			{"9", "proxmox_storage", "Proxmox storage pool", "Storage pool to use for the VM's primary disk during CREATE. Validated at plan time against the node's available storages."},
		} {
			add(customFieldKind, map[string]any{
				"id": json.Number(cf.id), "name": cf.name, "label": cf.label, "description": cf.description, "type": "text",
				"search_weight": json.Number("0"), "object_types": []any{vmKind},
			})
		}
		s.table(customFieldKind).nextID = 18 // the plugin's migrations made and dropped others
	}
	s.log = log
	s.buildCustomFields()
}

// Reset forgets all objects, as if the server were new; the statistics stay.
func (s *Server) Reset() {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.store.reset()
	s.store.install()
}

// kindFor finds a kind by its name ("ipam.ipaddress") or its path
// ("ipam/ip-addresses"; the plugin's with or without "plugins/proxbox/").
func (s *store) kindFor(name string) (*kind, error) {
	name = strings.Trim(strings.TrimPrefix(name, "/api/"), "/")
	for _, k := range []*kind{s.kinds[name], s.paths[name], s.paths[pluginPrefix+name]} {
		if k != nil {
			return k, nil
		}
	}
	return nil, fmt.Errorf("netboxsim: NetBox %s with plugin %q has no kind %q", s.profile.Release, s.profile.Plugin, name)
}

// Seed creates objects as a POST would, without being counted, and returns
// their ids. An object may carry its "id". The kind is named as in the change
// log ("ipam.ipaddress") or by its path. Nothing is created when one of the
// objects is refused.
func (s *Server) Seed(kindName string, objects ...map[string]any) ([]int, error) {
	ids := make([]int, 0, len(objects))
	err := s.edit("seed", kindName, func(k *kind, x *tx) error {
		x.keepIDs = true
		for i, o := range objects {
			in, err := asJSON(o)
			if err != nil {
				return err
			}
			r, refused, stop := x.s.create(x, k, in, nil)
			if a := refusal(refused, stop); a != nil {
				return fmt.Errorf("object %d (%v): %s", i, o["name"], jsonText(a.body))
			}
			ids = append(ids, r.id)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return ids, nil
}

// Patch changes an object as a PATCH would, without being counted: what a
// person does in NetBox between two runs.
func (s *Server) Patch(kindName string, id int, fields map[string]any) error {
	return s.edit("person", kindName, func(k *kind, x *tx) error {
		r := x.s.row(k.name, id)
		if r == nil {
			return fmt.Errorf("there is no object %d", id)
		}
		in, err := asJSON(fields)
		if err != nil {
			return err
		}
		_, refused, stop := x.s.update(x, k, r, in, true, nil)
		if a := refusal(refused, stop); a != nil {
			return fmt.Errorf("change object %d: %s", id, jsonText(a.body))
		}
		return nil
	})
}

// Delete removes an object as a DELETE would, without being counted.
func (s *Server) Delete(kindName string, id int) error {
	return s.edit("person", kindName, func(k *kind, x *tx) error {
		r := x.s.row(k.name, id)
		if r == nil {
			return fmt.Errorf("there is no object %d", id)
		}
		if forbidding := x.s.remove(x, k, r, ""); len(forbidding) > 0 {
			return fmt.Errorf("delete object %d: kept by %s", id, strings.Join(forbidding, ", "))
		}
		return nil
	})
}

// edit changes objects of a kind beside the API, all or nothing.
func (s *Server) edit(user, kindName string, change func(*kind, *tx) error) error {
	st := s.store
	st.mu.Lock()
	defer st.mu.Unlock()
	defer st.settle()
	k, err := st.kindFor(kindName)
	if err != nil {
		return err
	}
	x := &tx{s: st, user: user, requestID: newUUID()}
	if err := change(k, x); err != nil {
		x.rollback()
		return fmt.Errorf("netboxsim: %s: %w", k.name, err)
	}
	return nil
}

// asJSON turns Go values into what a request body decodes to.
func asJSON(o map[string]any) (map[string]any, error) {
	text, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var in map[string]any
	if err := d.Decode(&in); err != nil {
		return nil, err
	}
	return in, nil
}

// Objects returns every object of a kind as its GET shows it, ordered by id;
// nil for a kind that this profile does not have.
func (s *Server) Objects(kindName string) []map[string]any {
	st := s.store
	st.mu.RLock()
	defer st.mu.RUnlock()
	k, err := st.kindFor(kindName)
	if err != nil {
		return nil
	}
	v := &view{s: st}
	var out []map[string]any
	for _, r := range st.table(k.name).byID {
		var o map[string]any
		if err := json.Unmarshal(v.object(nil, shown(k), r), &o); err != nil {
			panic("netboxsim: " + err.Error()) // the encoder's own output
		}
		out = append(out, o)
	}
	return out
}

// Count is the number of objects of a kind.
func (s *Server) Count(kindName string) int {
	s.store.mu.RLock()
	defer s.store.mu.RUnlock()
	k, err := s.store.kindFor(kindName)
	if err != nil {
		return 0
	}
	return len(s.store.table(k.name).rows)
}

func shown(k *kind) []*field {
	var fs []*field
	for _, f := range k.fields {
		if !f.hidden && !f.writeOnly {
			fs = append(fs, f)
		}
	}
	return fs
}

// Kinds returns the names of all kinds of the profile, sorted.
func (s *Server) Kinds() []string { return s.store.kindNames() }

// Dump is the state of the kinds named, or of all but the change log, as
// indented JSON for comparisons: {kind: [objects by id]}. With stamps false
// the time stamps are left out, so that two dumps are equal when nothing but
// they differ.
func (s *Server) Dump(stamps bool, kindNames ...string) []byte {
	st := s.store
	st.mu.RLock()
	defer st.mu.RUnlock()
	if len(kindNames) == 0 {
		for _, name := range st.kindNames() {
			if name != changeKind {
				kindNames = append(kindNames, name)
			}
		}
	}
	v := &view{s: st}
	var b []byte
	b = append(b, '{')
	for i, name := range kindNames {
		k, err := st.kindFor(name)
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, name)
		b = append(b, ':', '[')
		if err == nil {
			fs := shown(k)
			if !stamps {
				fs = withoutStamps(fs)
			}
			for j, r := range st.table(k.name).byID {
				if j > 0 {
					b = append(b, ',')
				}
				b = v.object(b, fs, r)
			}
		}
		b = append(b, ']')
	}
	b = append(b, '}')
	var out bytes.Buffer
	if err := json.Indent(&out, b, "", " "); err != nil {
		panic("netboxsim: " + err.Error()) // the encoder's own output
	}
	return out.Bytes()
}

func withoutStamps(fs []*field) []*field {
	var kept []*field
	for _, f := range fs {
		switch f.typ {
		case tCreated, tUpdated, tSelf, tDisplayURL:
			continue
		}
		if f.name != "last_synced" {
			kept = append(kept, f)
		}
	}
	return kept
}
