package run

import (
	"proxbox/internal/domain"
	"proxbox/internal/plan"
)

// Event is something that happened in a run, for those who watch it. Exactly
// one of its pointers is set.
type Event struct {
	Step   *Step
	Object *Object
	Notice *domain.Problem
}

// Step is a part of a run that began, went on or ended.
type Step struct {
	Name    string // "reach netbox", "read proxmox", "read netbox", "plan", "apply", "wait"
	Status  Status
	Message string
	// Planned is, once known, how many objects of each kind are written.
	Planned map[domain.Kind]map[plan.Op]int
	// Wanted is, once known, what NetBox is to hold. It must not be changed.
	Wanted []domain.Object
}

// Status of a step.
type Status string

const (
	Started   Status = "started"
	Progress  Status = "progress"
	Completed Status = "completed"
	Broken    Status = "failed"
)

// Object is one object that was written, or was not.
type Object struct {
	Op     plan.Op
	Kind   domain.Kind
	Key    domain.Key
	Label  string
	Report *plan.Report // nil when it was done
	// Orphan is true of a guest, node or storage that is gone in Proxmox.
	Orphan bool
	// Would is true in a dry run, of what another one would do.
	Would bool
	Done  int // objects so far
	Total int // objects in all
}
