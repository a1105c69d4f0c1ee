package run

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/errgroup"

	"proxbox/internal/domain"
)

// Look returns what the endpoints of these row ids run, every enabled one's
// for none, in the order of the endpoints: clusters, nodes and the list of
// guests, as they were read a moment ago or, when they were not or anew is
// asked for, as they are now. With the snapshots of those that answered comes
// the error of those that did not.
func (l *Launcher) Look(ctx context.Context, ids []int, anew bool) ([]*domain.Snapshot, error) {
	endpoints, err := l.Endpoints.Proxmox(ctx, ids)
	if err != nil {
		return nil, err
	}
	if len(endpoints) == 0 {
		return nil, ErrNothing
	}
	memory := l.Memory
	if anew {
		memory = nil
	}
	var mu sync.Mutex
	var errs []error
	all := make([]*domain.Snapshot, len(endpoints))
	var g errgroup.Group
	for i, ep := range endpoints {
		g.Go(func() error {
			snap, err := l.look(ctx, ep, memory)
			mu.Lock()
			defer mu.Unlock()
			if all[i] = snap; err != nil {
				errs = append(errs, err)
			}
			return nil
		})
	}
	_ = g.Wait()
	var out []*domain.Snapshot
	for _, s := range all {
		if s != nil {
			out = append(out, s)
		}
	}
	return out, errors.Join(errs...)
}

func (l *Launcher) look(ctx context.Context, ep domain.ProxmoxEndpoint, memory *Memory) (*domain.Snapshot, error) {
	client, err := l.OpenProxmox(ep, l.Settings)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	return memory.snapshot(ctx, client.Endpoint(), need{}, client.SnapshotAfter)
}
