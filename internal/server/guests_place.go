package server

import (
	"context"
	"slices"

	"proxbox/internal/desire"
	"proxbox/internal/domain"
	"proxbox/internal/run"
)

// places tell which endpoints read the clusters of guests.
type places struct {
	launcher  *run.Launcher
	endpoints []domain.ProxmoxEndpoint // that are enabled
	asked     []int                    // row ids of those that are meant; none for all

	looked    bool
	snapshots []*domain.Snapshot
}

func (s *Server) places(ctx context.Context, asked []int) (*places, error) {
	p := &places{launcher: s.launcher}
	var err error
	if p.endpoints, err = s.launcher.Endpoints.Proxmox(ctx, nil); err != nil || len(asked) == 0 {
		return p, err
	}
	meant, err := s.launcher.Endpoints.Proxmox(ctx, asked)
	for _, e := range meant {
		p.asked = append(p.asked, e.ID)
	}
	return p, err
}

// home is the row id of an endpoint that reads the cluster of a guest, one of
// those that are meant if there is such; 0 when NetBox does not tell.
func (p *places) home(ctx context.Context, who identity) int {
	if len(p.endpoints) < 2 {
		return 0 // there is but one place
	}
	home := p.first(func(e domain.ProxmoxEndpoint) bool { return who.plugin != 0 && e.PluginID() == who.plugin })
	if home == 0 && who.cluster != "" {
		home = p.named(ctx, who.cluster)
	}
	if home == 0 { // the last resort: another backend may have written it
		home = p.first(func(e domain.ProxmoxEndpoint) bool { return e.ID == who.endpoint })
	}
	if home == 0 || len(p.asked) == 0 || slices.Contains(p.asked, home) {
		return home
	}
	return p.beside(ctx, home)
}

func (p *places) first(is func(domain.ProxmoxEndpoint) bool) int {
	if i := slices.IndexFunc(p.endpoints, is); i >= 0 {
		return p.endpoints[i].ID
	}
	return 0
}

// named is an endpoint that reads the one cluster of a name.
func (p *places) named(ctx context.Context, cluster string) int {
	var found []*domain.Snapshot
	for _, s := range p.look(ctx) {
		if s.Cluster.Name == cluster {
			found = append(found, s)
		}
	}
	if len(found) == 0 || oneCluster(cluster, "", found) != nil {
		return 0
	}
	for _, s := range found {
		if slices.Contains(p.asked, s.Endpoint.ID) {
			return s.Endpoint.ID
		}
	}
	return found[0].Endpoint.ID
}

// beside is an endpoint that is meant and reads the same cluster as another
// one; that one itself when there is none.
func (p *places) beside(ctx context.Context, home int) int {
	all := p.look(ctx)
	i := slices.IndexFunc(all, func(s *domain.Snapshot) bool { return s.Endpoint.ID == home })
	if i < 0 {
		return home
	}
	for _, s := range all {
		if slices.Contains(p.asked, s.Endpoint.ID) && desire.SameCluster(all[i], s) {
			return s.Endpoint.ID
		}
	}
	return home
}

// look reads what the endpoints run, once. One that cannot be read tells
// nothing.
func (p *places) look(ctx context.Context) []*domain.Snapshot {
	if !p.looked {
		p.snapshots, _ = p.launcher.Look(ctx, nil, false)
		p.looked = true
	}
	return p.snapshots
}
