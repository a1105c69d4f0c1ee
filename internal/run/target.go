package run

import (
	"fmt"
	"slices"
	"strings"

	"proxbox/internal/domain"
	"proxbox/internal/plan"
	"proxbox/internal/proxmox"
)

// Target is the one object that a run is about, with what belongs to it. What
// the object needs is made with it where NetBox has none; nothing else is
// written.
type Target struct {
	Kind domain.Kind
	// Name is the object's, in Proxmox or in NetBox: of a node, a disk, an
	// interface, an address. "" is every one of the kind. Which cluster or
	// guest it is, the endpoints and guests of the run say.
	Name string
}

// words are what people call the kinds that a run can be about.
var words = map[domain.Kind]string{
	domain.KindCluster: "cluster", domain.KindDevice: "node", domain.KindVirtualMachine: "virtual machine", domain.KindVirtualDisk: "disk",
	domain.KindVMInterface: "interface", domain.KindIPAddress: "address", domain.KindProxmoxStorage: "storage", domain.KindBackup: "backup",
	domain.KindSnapshot: "snapshot", domain.KindTaskHistory: "task", domain.KindReplication: "replication", domain.KindBackupRoutine: "backup routine",
}

// nameField is where the rows of the plugin have the name that Proxmox gives.
var nameField = map[domain.Kind]string{
	domain.KindProxmoxStorage: "name", domain.KindBackup: "volume_id", domain.KindSnapshot: "name", domain.KindTaskHistory: "upid",
	domain.KindReplication: "replication_id", domain.KindBackupRoutine: "job_id",
}

// String is what people call the target.
func (t Target) String() string { return strings.TrimSpace(words[t.Kind] + " " + t.Name) }

// kind is what a run about the target is called where runs are listed.
func (t Target) kind() string { return "individual-" + strings.ReplaceAll(words[t.Kind], " ", "-") }

// NoTargetError is a run about an object that Proxmox does not have, or that
// it did not show.
type NoTargetError struct {
	Target Target
	Guests []GuestID
	// Unread is true when it may be there all the same: its guest's
	// configuration could not be read. Problems says why.
	Unread   bool
	Problems []domain.Problem
}

func (e *NoTargetError) Error() string {
	text := "there is no " + e.Target.String()
	switch {
	case len(e.Guests) == 0:
	case e.Target.Kind == domain.KindVirtualMachine:
		text += fmt.Sprintf(" %d", e.Guests[0].VMID)
	default:
		text += fmt.Sprintf(" of guest %d", e.Guests[0].VMID)
	}
	text += " in Proxmox"
	if !e.Unread {
		return text
	}
	text += " that could be read"
	for _, p := range e.Problems {
		text += fmt.Sprintf("; %s: %s", p.What, p.Reason)
	}
	return text
}

// scope is what is read of Proxmox. It is never what another run has read: who
// asks for one object wants it as it is now.
func (t Target) scope(of Stage) proxmox.Scope {
	s := of.Scope()
	switch t.Kind {
	case domain.KindCluster:
		s = proxmox.Scope{}
	case domain.KindVMInterface, domain.KindIPAddress:
		s = proxmox.Guests() // the bridges that they need are their nodes'
	case domain.KindVirtualMachine:
		s = proxmox.Guests()
		s.Storages = true // its disks point at them
	}
	s.Guests = []int{}
	return s
}

// find returns the target among the wanted objects.
func (t Target) find(objects []domain.Object, guests []GuestID) []domain.Object {
	of := guestKeys(guests)
	var out []domain.Object
	for _, o := range objects {
		if o.Kind != t.Kind || !t.named(o) {
			continue
		}
		vm, _ := o.Fields["virtual_machine"].(domain.Ref)
		if len(guests) == 0 || of(o.Key) || of(vm.Key) {
			out = append(out, o)
		}
	}
	return out
}

// named tells whether an object of the target's kind has its name.
func (t Target) named(o domain.Object) bool {
	text := func(field string) string { s, _ := o.Fields[field].(string); return s }
	switch t.Kind {
	case domain.KindCluster, domain.KindVirtualMachine:
		return true
	case domain.KindDevice:
		return t.Name == o.Identity.Name
	case domain.KindVMInterface, domain.KindVirtualDisk:
		return t.Name == text("name") || t.Name == lastOf(o.Key)
	case domain.KindIPAddress:
		return hostPart(t.Name) == hostPart(text("address"))
	}
	return t.Name == "" || t.Name == text(nameField[t.Kind])
}

func lastOf(key domain.Key) string { return string(key[strings.LastIndexByte(string(key), '/')+1:]) }

func hostPart(address string) string {
	host, _, _ := strings.Cut(address, "/")
	return strings.ToLower(host)
}

// every tells whether all rows of a kind are meant, those that are gone too.
func (t Target) every() bool { return t.Name == "" && nameField[t.Kind] != "" }

// owns tells the keys of what belongs to the objects that a target is.
func (t Target) owns(found []domain.Object, guests []GuestID) func(kind domain.Kind, key domain.Key) bool {
	keys := map[domain.Key]bool{}
	for _, o := range found {
		keys[o.Key] = true
	}
	of := guestKeys(guests)
	return func(kind domain.Kind, key domain.Key) bool {
		if keys[key] || t.every() && kind == t.Kind && (len(guests) == 0 || of(key)) {
			return true
		}
		if whole := t.Kind == domain.KindVirtualMachine || t.Kind == domain.KindDevice; !whole && kind != domain.KindProxmoxCluster {
			return false
		}
		for k := range keys {
			if strings.HasPrefix(string(key), string(k)+"/") {
				return true
			}
		}
		return false
	}
}

// noTarget is the error of a request whose target is not among the wanted objects.
func (req Request) noTarget(snapshots []*domain.Snapshot, problems []domain.Problem) error {
	e := &NoTargetError{Target: *req.Target, Guests: req.Guests, Problems: problems}
	switch req.Target.Kind {
	case domain.KindVirtualDisk, domain.KindVMInterface, domain.KindIPAddress:
	default:
		return e // not of the configuration
	}
	for _, s := range snapshots {
		for _, g := range s.Guests {
			e.Unread = e.Unread || !g.Config.OK && slices.ContainsFunc(req.Guests, func(id GuestID) bool {
				return id.VMID == g.VMID && (id.Type == "" || id.Type == g.Type) && (id.Endpoint == 0 || id.Endpoint == s.Endpoint.ID)
			})
		}
	}
	return e
}

// about tells the changes that a request asks for, among those of its stage.
func (req Request) about() func(plan.Change) bool {
	if req.Target == nil {
		of := guestKeys(req.Guests)
		return func(c plan.Change) bool { return of(c.Key) }
	}
	owns := req.Target.owns(req.found, req.Guests)
	return func(c plan.Change) bool {
		return owns(c.Kind, c.Key) || req.Target.Kind == domain.KindIPAddress && pointsAt(c, req.found)
	}
}

// pointsAt tells a change that only points at the objects: a primary address.
func pointsAt(c plan.Change, objects []domain.Object) bool {
	if c.Op != plan.Update || len(c.Set) == 0 {
		return false
	}
	for field, v := range c.Set {
		if field == plan.LastUpdated {
			continue
		}
		ref, ok := v.(domain.Ref)
		if !ok || !slices.ContainsFunc(objects, func(o domain.Object) bool { return o.Kind == ref.Kind && o.Key == ref.Key }) {
			return false
		}
	}
	return true
}

// Written tells whether runs of the stage write anything yet: what is not
// compared with NetBox is not written.
func (s Stage) Written() bool {
	for kind := range s.kinds {
		if slices.Contains(Inventoried, kind) || slices.Contains(sdnKinds, kind) {
			return true
		}
	}
	return s.kinds == nil
}
