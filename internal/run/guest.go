package run

import (
	"fmt"
	"slices"
	"strings"

	"proxbox/internal/desire"
	"proxbox/internal/domain"
)

// GuestID names a guest within what a run reads.
type GuestID struct {
	Type domain.GuestType // "" for either
	VMID int
	// Endpoint is the row id of an endpoint that reads the guest's cluster: the
	// number says nothing about which cluster that is. 0: whichever of the run's.
	Endpoint int

	cluster domain.Key // that the endpoint reads; "" where it was not read
}

// in is the guest as a run knows it that has read its endpoints.
func (g GuestID) in(d *desire.Desired) GuestID {
	g.cluster = d.Cluster(g.Endpoint)
	return g
}

// has tells whether a key is the guest's, or that of something of it.
func (g GuestID) has(key domain.Key) bool {
	for _, t := range []domain.GuestType{domain.QEMU, domain.LXC} {
		cluster, rest, ok := strings.Cut(string(key), fmt.Sprintf("/%s/%d", t, g.VMID))
		if ok && (g.Type == "" || g.Type == t) && (rest == "" || rest[0] == '/') && (g.Endpoint == 0 || cluster == string(g.cluster)) {
			return true
		}
	}
	return false
}

// guestKeys tells the keys of the guests that a run is narrowed to.
func guestKeys(guests []GuestID) func(domain.Key) bool {
	return func(key domain.Key) bool {
		return slices.ContainsFunc(guests, func(g GuestID) bool { return g.has(key) })
	}
}
