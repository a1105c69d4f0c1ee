package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"proxbox/internal/desire"
	"proxbox/internal/domain"
	"proxbox/internal/run"
)

// place is where in Proxmox the object of a request is.
type place struct {
	cluster   domain.Cluster
	endpoints []int // that read it
	node      *domain.Node
	guest     *domain.Guest
	netbox    string // its address
	dryRun    bool
}

// locate finds the object of a request. What was read of Proxmox a moment ago
// will do; but only what it says now can say that there is no such object.
func (s *Server) locate(ctx context.Context, w individual, query url.Values) (*place, error) {
	which, err := ids(given(query, "proxmox_endpoint_ids", "endpoint_ids"), "proxmox_endpoint_ids", "endpoint_ids")
	if err != nil {
		return nil, err
	}
	vmid := 0
	if w.guest {
		if vmid, err = strconv.Atoi(query.Get("vmid")); err != nil || vmid < 1 {
			return nil, invalid("query", "vmid", "vmid must be the number of a guest in Proxmox")
		}
	}
	for anew := false; ; anew = true {
		snapshots, unread := s.launcher.Look(ctx, which, anew)
		if len(snapshots) == 0 && unread != nil {
			return nil, unread
		}
		at, err := findPlace(w, query, vmid, snapshots)
		var missing *Error
		switch {
		case err == nil:
			return at, nil
		case !errors.As(err, &missing) || missing.status != http.StatusNotFound:
			return nil, err
		case anew && unread != nil:
			// It may be where nobody could look.
			return nil, fmt.Errorf("%w; and not every endpoint could be read: %w", missing, unread)
		case anew:
			return nil, err
		}
	}
}

// findPlace looks the object up in what the endpoints run.
func findPlace(w individual, query url.Values, vmid int, snapshots []*domain.Snapshot) (*place, error) {
	name := query.Get("cluster_name")
	found, err := ofCluster(name, snapshots)
	if err != nil {
		return nil, err
	}
	has := func(*domain.Snapshot) bool { return true }
	what := "cluster"
	switch {
	case w.guest:
		what = fmt.Sprintf("guest %d", vmid)
		has = func(s *domain.Snapshot) bool { return guestOf(s, vmid) != nil }
	case w.kind == domain.KindDevice:
		what = fmt.Sprintf("node %q", query.Get(w.name))
		has = func(s *domain.Snapshot) bool { return nodeOf(s, query.Get(w.name)) != nil }
	}
	if name == "" {
		found = slices.DeleteFunc(found, func(s *domain.Snapshot) bool { return !has(s) })
	}
	if err := oneCluster(name, what, found); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(found, has)
	if i < 0 {
		return nil, fail(http.StatusNotFound, "There is no %s in Proxmox%s.", what, inCluster(name))
	}
	at := &place{cluster: found[i].Cluster}
	for _, s := range found {
		at.endpoints = append(at.endpoints, s.Endpoint.ID)
	}
	if w.guest {
		at.guest = guestOf(found[i], vmid)
		at.node = nodeOf(found[i], at.guest.Node)
		if t := query.Get("type"); t != "" && t != string(at.guest.Type) {
			return nil, fail(http.StatusNotFound, "Guest %d%s is of type %s, not %s.", vmid, inCluster(at.cluster.Name), at.guest.Type, t)
		}
	} else if w.kind == domain.KindDevice {
		at.node = nodeOf(found[i], query.Get(w.name))
	}
	return at, nil
}

func inCluster(name string) string {
	if name == "" {
		return ""
	}
	return fmt.Sprintf(" in cluster %q", name)
}

// ofCluster are the snapshots of the clusters of a name, all for none. NetBox
// may have a cluster under a name of its own: with the endpoint's in brackets
// where two have the same, or the endpoint's alone.
func ofCluster(name string, snapshots []*domain.Snapshot) ([]*domain.Snapshot, error) {
	if name == "" {
		return slices.Clone(snapshots), nil
	}
	for _, matches := range []func(*domain.Snapshot) bool{
		func(s *domain.Snapshot) bool { return s.Cluster.Name == name },
		func(s *domain.Snapshot) bool { return strings.EqualFold(s.Cluster.Name, name) },
		func(s *domain.Snapshot) bool { return name == s.Cluster.Name+" ("+s.Endpoint.DisplayName()+")" },
		func(s *domain.Snapshot) bool { return name == s.Endpoint.DisplayName() },
	} {
		var found []*domain.Snapshot
		for _, s := range snapshots {
			if matches(s) {
				found = append(found, s)
			}
		}
		if found != nil {
			return found, nil
		}
	}
	var names []string
	for _, s := range snapshots {
		names = append(names, strconv.Quote(s.Cluster.Name))
	}
	slices.Sort(names)
	return nil, fail(http.StatusNotFound, "No Proxmox session found for cluster: %s. The endpoints read %s.", name, strings.Join(slices.Compact(names), ", "))
}

// oneCluster makes sure that all snapshots are of one cluster.
func oneCluster(name, what string, found []*domain.Snapshot) error {
	for i, s := range found {
		if i == 0 || slices.ContainsFunc(found[:i], func(o *domain.Snapshot) bool { return desire.SameCluster(o, s) }) {
			continue
		}
		var endpoints []string
		for _, s := range found {
			endpoints = append(endpoints, fmt.Sprintf("%d (%s)", s.Endpoint.ID, s.Endpoint.DisplayName()))
		}
		if name != "" {
			what = fmt.Sprintf("cluster named %q", name)
		}
		e := fail(http.StatusConflict, "There is more than one %s: endpoints %s. Say which with proxmox_endpoint_ids.", what, strings.Join(endpoints, ", "))
		e.Code = "ambiguous_cluster"
		return e
	}
	return nil
}

// guestOf is a guest by its number, which is a cluster's only one.
func guestOf(s *domain.Snapshot, vmid int) *domain.Guest {
	if g := s.Guest(domain.QEMU, vmid); g != nil {
		return g
	}
	return s.Guest(domain.LXC, vmid)
}

func nodeOf(s *domain.Snapshot, name string) *domain.Node {
	i := slices.IndexFunc(s.Nodes, func(n domain.Node) bool { return n.Name == name })
	if i < 0 {
		return nil
	}
	return &s.Nodes[i]
}

// noTarget is the answer for an object that a run did not find.
func noTarget(e *run.NoTargetError) *Error {
	status := http.StatusNotFound
	if e.Unread {
		status = http.StatusBadGateway
	}
	return fail(status, "%s", sentence(e))
}
