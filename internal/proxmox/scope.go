package proxmox

import "slices"

// Scope says what of an endpoint is read. What is not read stays unknown.
// The cluster, its nodes and the list of guests are read in any case.
type Scope struct {
	// Guests are the vmids wanted; nil means every guest.
	Guests []int

	Configs        bool // one request a guest
	Agent          bool // one a running guest that has an agent, or is a container; needs Configs
	AgentOS        bool // one more a running QEMU guest with an agent
	AgentHostname  bool // likewise
	Snapshots      bool // one a guest
	NodeNetworks   bool // one a node
	Tasks          bool // one a node
	Storages       bool // one
	Backups        bool // one a backup storage, and a node where it is not shared; needs Storages
	Replications   bool // one
	BackupRoutines bool // one
}

// Guests reads all guests with their configuration and addresses, and the
// networks of the nodes.
func Guests() Scope {
	return Scope{Configs: true, Agent: true, NodeNetworks: true}
}

// Everything reads all that a Snapshot can hold, but for the questions that
// cost a second request to each guest agent.
func Everything() Scope {
	s := Guests()
	s.Snapshots, s.Tasks, s.Storages, s.Backups, s.Replications, s.BackupRoutines = true, true, true, true, true, true
	return s
}

// Only narrows the scope to some guests.
func (s Scope) Only(vmids ...int) Scope {
	s.Guests = append([]int{}, vmids...)
	return s
}

// complete adds what the parts asked for need themselves.
func (s Scope) complete() Scope {
	s.Configs = s.Configs || s.asksAgents()
	s.Storages = s.Storages || s.Backups
	return s
}

func (s Scope) asksAgents() bool { return s.Agent || s.AgentOS || s.AgentHostname }

func (s Scope) wants(vmid int) bool {
	return s.Guests == nil || slices.Contains(s.Guests, vmid)
}

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
