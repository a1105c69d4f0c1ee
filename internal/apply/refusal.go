package apply

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"proxbox/internal/domain"
	"proxbox/internal/netbox"
	"proxbox/internal/plan"
)

// MaxRefusals is after how many refusals in a row, of the same field with the
// same reason, a kind is given up: a rule of this NetBox refuses all of it.
const MaxRefusals = 20

// refusal is what NetBox says of objects of one kind, one after another.
type refusal struct {
	field, reason string
	wayOut        string
	count         int
	stopped       bool
	untried       int // objects that were not sent any more
}

// blame ends an object that NetBox refused. a.mu is held.
func (a *applier) blame(b batch, e entry, field, reason string) {
	outcome, wayOut := judge(reason)
	a.end(e.change, &plan.Report{Outcome: outcome, Field: field, Reason: reason, WayOut: wayOut})
	if outcome == plan.Conflict {
		return // somebody else's to solve, object by object
	}
	r := a.refusals[b.kind]
	switch {
	case r == nil || !r.stopped && (r.field != field || r.reason != reason):
		a.refusals[b.kind] = &refusal{field: field, reason: reason, count: 1,
			wayOut: "a rule of this NetBox refuses them all: give the field a default, or relax the rule"}
	default:
		if r.count++; r.count >= MaxRefusals {
			r.stopped = true
		}
	}
}

// landed forgets the refusals of a kind of which something was written. a.mu
// is held.
func (a *applier) landed(b batch) {
	if r := a.refusals[b.kind]; r != nil && !r.stopped {
		delete(a.refusals, b.kind)
	}
}

// forbidden gives a kind up at once.
func (a *applier) forbidden(b batch, entries []entry, status *netbox.StatusError) {
	a.mu.Lock()
	defer a.mu.Unlock()
	reason := status.Detail
	if reason == "" {
		reason = status.Error()
	}
	if r := a.refusals[b.kind]; r == nil || !r.stopped {
		a.refusals[b.kind] = &refusal{reason: reason, stopped: true,
			wayOut: fmt.Sprintf("give the token's user the permission to %s %s, and let the token write", b.op, b.kind)}
	}
	for _, e := range entries {
		a.refusals[b.kind].count++
		a.end(e.change, &plan.Report{Outcome: plan.Failed, Reason: reason})
	}
}

// givenUp tells whether NetBox refuses the whole kind, and ends the entries.
func (a *applier) givenUp(b batch, entries []entry) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	r := a.refusals[b.kind]
	if r == nil || !r.stopped {
		return false
	}
	for _, e := range entries {
		r.untried++
		a.end(e.change, skipped("", r.reason))
	}
	return true
}

// reportStopped puts one report of each kind that was given up in the place of
// those of its objects.
func (a *applier) reportStopped() {
	for _, kind := range slices.Sorted(maps.Keys(a.refusals)) {
		r := a.refusals[kind]
		if !r.stopped {
			continue
		}
		a.result.Reports = slices.DeleteFunc(a.result.Reports, func(o plan.Report) bool {
			return o.Kind == kind && o.Reason == r.reason && (o.Outcome == plan.Skipped || o.Field == r.field)
		})
		a.result.Reports = append(a.result.Reports, plan.Report{Outcome: plan.Failed, Kind: kind, Field: r.field, Reason: r.reason, WayOut: r.wayOut,
			Label: fmt.Sprintf("%d objects refused, %d not tried", r.count, r.untried)})
	}
}

// skipped is the report of an object that hangs on one that was not done.
func skipped(field, reason string) *plan.Report {
	return &plan.Report{Outcome: plan.Skipped, Field: field, Reason: reason}
}

// reasonOf finds NetBox's own words in the refusal of a single object.
func reasonOf(err error) (field, reason string) {
	var refused *netbox.BatchError
	var status *netbox.StatusError
	switch {
	case errors.As(err, &refused):
		for _, item := range refused.Items {
			return worst(item)
		}
		if len(refused.Fields) > 0 {
			return worst(refused.Fields)
		}
		if refused.Detail != "" {
			return "", refused.Detail
		}
	case errors.As(err, &status) && status.Detail != "":
		return "", status.Detail
	}
	return "", err.Error()
}

func worst(item netbox.ItemError) (field, reason string) {
	fields := slices.Sorted(maps.Keys(item))
	if len(fields) == 0 {
		return "", "refused"
	}
	field = fields[0]
	reason = strings.Join(item[field], " ")
	if field == "__all__" || field == "non_field_errors" {
		field = ""
	}
	return field, reason
}

// expected are refusals that are somebody else's to solve: a rule of this
// NetBox, or an object that is not ours (rules.md 1).
var expected = []struct{ text, wayOut string }{
	{"duplicate ip address", "remove the other address, or put the interface into a VRF"},
	{"is a network id", "correct the address or its mask in the guest"},
	{"is a broadcast address", "correct the address or its mask in the guest"},
	{"inside range", "take the address out of the populated range in NetBox"},
	{"cannot reassign", "clear the primary mark in NetBox"},
	{"must be unique", "rename one of the two"},
	{"already exists", "rename one of the two, or give the one in NetBox the tag proxbox"},
	{"unique set", "rename one of the two, or give the one in NetBox the tag proxbox"},
	{"is not assigned to this site", "give the cluster, the device and the guest one site"},
	{"belongs to a different site", "give the cluster, the device and the guest one site"},
	{"is not assigned to this cluster", "put the node's device into the cluster"},
	{"must belong to the same site", "give the VLAN the site of the guest, or none"},
	{"endpoint_ownership_conflict", "the sync-state row names another backend: remove it once"},
	{"dependent object", "remove in NetBox what points at it, then the next run removes it"},
}

func judge(reason string) (plan.Outcome, string) {
	lower := strings.ToLower(reason)
	for _, e := range expected {
		if strings.Contains(lower, e.text) {
			return plan.Conflict, e.wayOut
		}
	}
	return plan.Failed, "see NetBox's reason; the object is tried again in the next run"
}

// remember keeps what could not be written. a.mu is held.
func (a *applier) remember(ref domain.Ref, c plan.Change) {
	fields := a.failed[ref]
	if fields == nil {
		fields = domain.Fields{}
		a.failed[ref] = fields
	}
	maps.Copy(fields, c.Set)
}
