package proxmox

// parts are the scope's switches, in one order.
func (s *Scope) parts() []*bool {
	return []*bool{&s.Configs, &s.Agent, &s.AgentOS, &s.AgentHostname, &s.Snapshots, &s.NodeNetworks, &s.Tasks, &s.Storages, &s.Backups,
		&s.Replications, &s.BackupRoutines}
}

// Covers tells whether a reading of this scope holds all that another asks for.
func (s Scope) Covers(other Scope) bool {
	if s.Guests != nil || other.Guests != nil {
		return false
	}
	have, asked := s.complete(), other.complete()
	h, a := have.parts(), asked.parts()
	for i := range a {
		if *a[i] && !*h[i] {
			return false
		}
	}
	return true
}

// And is a scope with all that either asks for, of every guest.
func (s Scope) And(other Scope) Scope {
	out := s
	o, b := out.parts(), other.parts()
	for i := range o {
		*o[i] = *o[i] || *b[i]
	}
	out.Guests = nil
	return out.complete()
}

// Without asks for what another scope does not hold. Guest agents are asked
// by way of the configuration, so that stays where they are.
func (s Scope) Without(other Scope) Scope {
	out, held := s.complete(), other.complete()
	o, h := out.parts(), held.parts()
	for i := range o {
		*o[i] = *o[i] && !*h[i]
	}
	return out.complete()
}
