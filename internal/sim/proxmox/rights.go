package proxmoxsim

import "slices"

// Rights are what an access control list gives: path, privilege, and whether
// it holds below the path too. A nil Rights gives everything.
type Rights map[string]map[string]bool

// Grant returns rights to some privileges on a path and all that is below it.
func Grant(path string, privileges ...string) Rights {
	return Rights{}.And(path, privileges...)
}

// And adds privileges on a path and all that is below it.
func (r Rights) And(path string, privileges ...string) Rights {
	if r[path] == nil {
		r[path] = map[string]bool{}
	}
	for _, p := range privileges {
		r[path][p] = true
	}
	return r
}

// Auditor are the privileges of the role PVEAuditor.
func Auditor() []string {
	return []string{"Datastore.Audit", "Mapping.Audit", "Pool.Audit", "SDN.Audit", "Sys.Audit", "VM.Audit", "VM.GuestAgent.Audit"}
}

// privileges are those that decide about what is read here.
var privileges = append(Auditor(), "Datastore.Allocate", "Datastore.AllocateSpace", "Permissions.Modify", "SDN.Allocate", "Sys.Modify",
	"VM.Allocate", "VM.Backup", "VM.Monitor", "VM.GuestAgent.Unrestricted")

// at are the privileges on a path: an entry further down takes the place of
// those above it.
func (r Rights) at(path string) map[string]bool {
	if r == nil {
		all := make(map[string]bool, len(privileges))
		for _, p := range privileges {
			all[p] = true
		}
		return all
	}
	held := inherited(r["/"], path == "/")
	for i := 1; i <= len(path); i++ {
		if i < len(path) && path[i] != '/' {
			continue
		}
		if entry, listed := r[path[:i]]; listed {
			held = inherited(entry, i == len(path))
		}
	}
	return held
}

// inherited leaves out what does not reach below its own path.
func inherited(entry map[string]bool, own bool) map[string]bool {
	out := map[string]bool{}
	for privilege, propagates := range entry {
		if own || propagates {
			out[privilege] = propagates
		}
	}
	return out
}

// has tells whether one of the privileges is held on a path.
func (r Rights) has(path string, privileges ...string) bool {
	if r == nil {
		return true
	}
	held := r.at(path)
	return slices.ContainsFunc(privileges, func(p string) bool {
		_, ok := held[p]
		return ok
	})
}

// onGuest tells whether one of the privileges is held on a guest, or on the
// pool that it is in.
func (r Rights) onGuest(g *Guest, privileges ...string) bool {
	return r == nil || r.has("/vms/"+word(g.VMID), privileges...) || g.Pool != "" && r.has("/pool/"+g.Pool, privileges...)
}

// permissions is the answer of /access/permissions.
func (r Rights) permissions() map[string]map[string]int {
	paths := []string{"/", "/access", "/nodes", "/pool", "/sdn", "/storage", "/vms"}
	for path := range r {
		paths = append(paths, path)
	}
	out := map[string]map[string]int{}
	for _, path := range paths {
		held := map[string]int{}
		for privilege, propagates := range r.at(path) {
			held[privilege] = 0
			if propagates {
				held[privilege] = 1
			}
		}
		if _, listed := r[path]; listed || len(held) > 0 {
			out[path] = held
		}
	}
	return out
}
