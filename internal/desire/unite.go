package desire

import (
	"cmp"
	"slices"

	"proxbox/internal/domain"
)

// view is one Proxmox cluster as its endpoints together show it.
type view struct {
	*domain.Snapshot
	key       domain.Key
	endpoints []int
	pluginIDs []int
}

// presumed are those of some fields of which it is not known whether their value
// is Proxmox's, for they say what the cluster is called.
func (v *view) presumed(fields ...string) map[string]bool {
	if !v.Cluster.Unnamed {
		return nil
	}
	out := map[string]bool{}
	for _, f := range fields {
		out[f] = true
	}
	return out
}

// suffix tells objects of this cluster from those of another one with the
// same name.
func (v *view) suffix() string {
	return cut(firstOf(v.Endpoint.DisplayName(), v.Endpoint.Host(), itoa(v.Endpoint.ID)), 40)
}

// unite groups the snapshots by cluster (rules.md 4): two endpoints are one
// cluster only when they share a node with the same certificate.
func unite(snapshots []*domain.Snapshot) []*view {
	sorted := slices.Clone(snapshots)
	slices.SortFunc(sorted, func(a, b *domain.Snapshot) int { return cmp.Compare(a.Endpoint.ID, b.Endpoint.ID) })
	var views []*view
	for _, s := range sorted {
		i := slices.IndexFunc(views, func(v *view) bool { return SameCluster(v.Snapshot, s) })
		if i < 0 {
			i = len(views)
			views = append(views, &view{Snapshot: s, key: domain.Key("c" + itoa(s.Endpoint.ID))})
		} else {
			views[i].Snapshot = merge(views[i].Snapshot, s)
		}
		v := views[i]
		v.endpoints = append(v.endpoints, s.Endpoint.ID)
		if id := s.Endpoint.PluginID(); id != 0 {
			v.pluginIDs = append(v.pluginIDs, id)
		}
	}
	return views
}

// SameCluster tells whether two endpoints show one Proxmox cluster: they share
// a node with the same certificate.
func SameCluster(a, b *domain.Snapshot) bool {
	known := map[string]bool{}
	for _, n := range a.Nodes {
		known[n.SSLFingerprint] = n.SSLFingerprint != ""
	}
	return slices.ContainsFunc(b.Nodes, func(n domain.Node) bool { return known[n.SSLFingerprint] })
}

// merge returns the first snapshot, with what only the second could read.
func merge(a, b *domain.Snapshot) *domain.Snapshot {
	m := *a
	m.Problems = slices.Concat(a.Problems, b.Problems)
	m.Complete = domain.Completeness{
		Guests: a.Complete.Guests || b.Complete.Guests, Nodes: a.Complete.Nodes || b.Complete.Nodes,
		Storages: a.Complete.Storages || b.Complete.Storages, Backups: a.Complete.Backups || b.Complete.Backups, SDN: a.Complete.SDN || b.Complete.SDN,
	}
	if a.Cluster.Unnamed && !b.Cluster.Unnamed {
		m.Cluster = b.Cluster
	}
	m.Storages = a.Storages.Else(b.Storages)
	if a.Storages.OK && b.Storages.OK {
		m.Storages.Value = mergeBy(a.Storages.Value, b.Storages.Value, func(s domain.Storage) string { return s.Name }, func(s, o domain.Storage) domain.Storage {
			s.Backups = fuller(s.Backups, o.Backups)
			return s
		})
	}
	m.Replications, m.BackupRoutines = fuller(a.Replications, b.Replications), fuller(a.BackupRoutines, b.BackupRoutines)
	m.SDN = mergeSDN(a.SDN, b.SDN)
	m.Nodes = mergeBy(a.Nodes, b.Nodes, func(n domain.Node) string { return n.Name }, func(n, o domain.Node) domain.Node {
		n.Interfaces, n.Tasks = n.Interfaces.Else(o.Interfaces), fuller(n.Tasks, o.Tasks)
		return n
	})
	type vmid struct {
		kind domain.GuestType
		id   int
	}
	m.Guests = mergeBy(a.Guests, b.Guests, func(g domain.Guest) vmid { return vmid{g.Type, g.VMID} }, mergeGuest)
	slices.SortStableFunc(m.Guests, func(x, y domain.Guest) int { return cmp.Compare(x.VMID, y.VMID) })
	return &m
}

// mergeSDN is the SDN that either shows, with the subnets of who could read them.
func mergeSDN(a, b domain.SDN) domain.SDN {
	m := domain.SDN{Zones: fuller(a.Zones, b.Zones), VNets: fuller(a.VNets, b.VNets)}
	if a.VNets.OK && b.VNets.OK {
		m.VNets.Value = mergeBy(a.VNets.Value, b.VNets.Value, func(n domain.SDNVNet) string { return n.Name }, func(n, o domain.SDNVNet) domain.SDNVNet {
			n.Subnets = fuller(n.Subnets, o.Subnets)
			return n
		})
	}
	return m
}

func mergeGuest(g, o domain.Guest) domain.Guest {
	if !g.Config.OK && o.Config.OK {
		// What the row of a guest says was filled up from its configuration.
		o.Agent, o.Snapshots = o.Agent.Else(g.Agent), o.Snapshots.Else(g.Snapshots)
		return o
	}
	g.Agent, g.AgentOS, g.Snapshots = g.Agent.Else(o.Agent), g.AgentOS.Else(o.AgentOS), g.Snapshots.Else(o.Snapshots)
	g.Hostname = firstOf(g.Hostname, o.Hostname)
	return g
}

// fuller is the list that is whole, else the longer one.
func fuller[T any](a, b domain.Known[[]T]) domain.Known[[]T] {
	if a.OK || !b.OK && len(a.Value) >= len(b.Value) {
		return a
	}
	return b
}

// mergeBy returns the first list in its order, each with its twin of the
// second joined in, and then what only the second has.
func mergeBy[T any, K comparable](first, second []T, key func(T) K, join func(T, T) T) []T {
	twins := make(map[K]T, len(second))
	for _, x := range second {
		twins[key(x)] = x
	}
	out := make([]T, 0, len(first))
	for _, x := range first {
		if twin, ok := twins[key(x)]; ok {
			x = join(x, twin)
			delete(twins, key(x))
		}
		out = append(out, x)
	}
	for _, x := range second {
		if _, ok := twins[key(x)]; ok {
			out = append(out, x)
		}
	}
	return out
}
