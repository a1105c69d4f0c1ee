package run

import (
	"context"
	"errors"

	"proxbox/internal/domain"
	"proxbox/internal/store"
)

// ErrNoNetBox is the error of a run before a NetBox endpoint is stored.
var ErrNoNetBox = errors.New("there is no enabled NetBox endpoint: add one with `proxbox-api endpoints add netbox`, or start a sync in the NetBox plugin, which pushes its own")

// ErrNoBranches is the error of what is to work in a branch of a NetBox that
// has none: it would take no notice of the header, and the main would be
// written.
var ErrNoBranches = errors.New("this NetBox has no branches: install netbox-branching in it, or run without netbox_branch_schema_id (--branch)")

// Stored are the endpoints in the store.
type Stored struct{ Store *store.Store }

// NetBox implements Endpoints.
func (s Stored) NetBox(ctx context.Context) (domain.NetBoxEndpoint, error) {
	ep, err := s.Store.NetBoxEndpoints().Enabled(ctx)
	if errors.Is(err, store.ErrNotFound) {
		return ep, ErrNoNetBox
	}
	return ep, err
}

// Proxmox implements Endpoints.
func (s Stored) Proxmox(ctx context.Context, ids []int) ([]domain.ProxmoxEndpoint, error) {
	var out []domain.ProxmoxEndpoint
	if len(ids) == 0 {
		all, err := s.Store.ProxmoxEndpoints().List(ctx)
		for _, e := range all {
			if e.Enabled {
				out = append(out, e.ProxmoxEndpoint)
			}
		}
		return out, err
	}
	for _, id := range ids {
		e, err := s.Store.ProxmoxEndpoints().Resolve(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			return nil, &UnknownEndpointError{ID: id}
		}
		if err != nil {
			return nil, err
		}
		if e.Enabled {
			out = append(out, e.ProxmoxEndpoint)
		}
	}
	return out, nil
}
