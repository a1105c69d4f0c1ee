package domain

import "slices"

// Complement returns the snapshot with the parts that only an earlier one
// could read, or was asked to. What both have is the newer one's.
func (s *Snapshot) Complement(earlier *Snapshot) *Snapshot {
	out := *s
	out.Guests = slices.Clone(s.Guests)
	for i := range out.Guests {
		g := &out.Guests[i]
		if o := earlier.Guest(g.Type, g.VMID); o != nil {
			g.complement(o)
		}
	}
	out.Nodes = slices.Clone(s.Nodes)
	for i := range out.Nodes {
		n := &out.Nodes[i]
		j := slices.IndexFunc(earlier.Nodes, func(o Node) bool { return o.Name == n.Name })
		if j >= 0 {
			n.Interfaces = n.Interfaces.Else(earlier.Nodes[j].Interfaces)
			n.Tasks = newerList(n.Tasks, earlier.Nodes[j].Tasks)
		}
	}
	out.Storages = s.Storages.Else(earlier.Storages)
	if s.Storages.OK && earlier.Storages.OK {
		out.Storages.Value = slices.Clone(s.Storages.Value)
		for i := range out.Storages.Value {
			st := &out.Storages.Value[i]
			j := slices.IndexFunc(earlier.Storages.Value, func(o Storage) bool { return o.Name == st.Name })
			if j >= 0 {
				st.Backups = newerList(st.Backups, earlier.Storages.Value[j].Backups)
			}
		}
	}
	out.Replications = newerList(s.Replications, earlier.Replications)
	out.BackupRoutines = newerList(s.BackupRoutines, earlier.BackupRoutines)
	out.Complete.Storages = s.Complete.Storages || earlier.Complete.Storages
	out.Complete.Backups = s.Complete.Backups || earlier.Complete.Backups
	for _, p := range earlier.Problems {
		if !slices.Contains(out.Problems, p) {
			out.Problems = append(slices.Clip(out.Problems), p)
		}
	}
	return &out
}

// Replace returns the snapshot with newer readings of single guests.
func (s *Snapshot) Replace(guests []Guest) *Snapshot {
	out := *s
	out.Guests = slices.Clone(s.Guests)
	for _, g := range guests {
		i := slices.IndexFunc(out.Guests, func(o Guest) bool { return o.Type == g.Type && o.VMID == g.VMID })
		switch {
		case i < 0 && !g.Config.OK:
		case i < 0:
			out.Guests = append(out.Guests, g)
		case g.Config.OK:
			old := out.Guests[i]
			g.Snapshots = g.Snapshots.Else(old.Snapshots)
			out.Guests[i] = g
		}
	}
	return &out
}

// Guest returns a guest, or nil. The snapshot may be nil.
func (s *Snapshot) Guest(t GuestType, vmid int) *Guest {
	if s == nil {
		return nil
	}
	i, ok := slices.BinarySearchFunc(s.Guests, vmid, func(g Guest, id int) int { return g.VMID - id })
	if !ok || s.Guests[i].Type != t {
		i = slices.IndexFunc(s.Guests, func(g Guest) bool { return g.Type == t && g.VMID == vmid })
		if i < 0 {
			return nil
		}
	}
	return &s.Guests[i]
}

// complement takes over what only an earlier reading has.
func (g *Guest) complement(o *Guest) {
	if !g.Config.OK && o.Config.OK {
		g.Config = o.Config
		g.Tags, g.Template = o.Tags, g.Template || o.Template
		if g.Name == "" {
			g.Name = o.Name
		}
	}
	if g.Hostname == "" {
		g.Hostname = o.Hostname
	}
	g.Agent = g.Agent.Else(o.Agent)
	g.AgentOS = g.AgentOS.Else(o.AgentOS)
	g.Snapshots = g.Snapshots.Else(o.Snapshots)
	if g.CPUs == 0 {
		g.CPUs = o.CPUs
	}
	if g.MemoryBytes == 0 {
		g.MemoryBytes = o.MemoryBytes
	}
}

// newerList is Else for lists of which what was read counts, though it may not
// be all.
func newerList[T any](now, before Known[[]T]) Known[[]T] {
	if !now.OK && !before.OK && now.Value != nil {
		return now
	}
	return now.Else(before)
}
