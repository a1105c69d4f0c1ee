package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"

	"github.com/spf13/cobra"

	"proxbox/internal/domain"
	"proxbox/internal/netbox"
	"proxbox/internal/run"
)

func (p *program) testEndpointsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "test [ID|NAME ...]",
		Short: "Open the endpoints, and say which rights are missing",
		Long: `Opens the NetBox and every Proxmox endpoint, or only the Proxmox endpoints that
are named, and says what they are, which rights are missing and what gives
them. Nothing is written. The exit code is 1 when an endpoint cannot be opened
or a right is missing.`,
		RunE: func(c *cobra.Command, args []string) error {
			return p.withStore(c.Context(), func(ctx context.Context, a *app) error { return p.testEndpoints(ctx, a, args) })
		},
	}
}

func (p *program) testEndpoints(ctx context.Context, a *app, args []string) error {
	ids, err := endpointIDs(ctx, a.store, args)
	if err != nil {
		return err
	}
	stored := run.Stored{Store: a.store}
	l := p.launcher(a.values, a.log, stored)
	good := true
	if len(ids) == 0 {
		good = p.testNetBox(ctx, l)
	}
	endpoints, err := stored.Proxmox(ctx, ids)
	if err != nil {
		return err
	}
	if len(endpoints) == 0 {
		fmt.Fprintf(p.stdout, "Proxmox  %v\n", run.ErrNothing)
		good = false
	}
	for _, e := range endpoints {
		good = p.testProxmox(ctx, l, e) && good
	}
	if !good {
		return exitError(exitFailed)
	}
	return nil
}

// testProxmox tells whether an endpoint can be opened and lacks nothing.
func (p *program) testProxmox(ctx context.Context, l *run.Launcher, e domain.ProxmoxEndpoint) bool {
	name := "Proxmox  " + e.DisplayName()
	client, err := l.OpenProxmox(e, l.Settings)
	if err != nil {
		fmt.Fprintf(p.stdout, "%s: %s\n", name, sentence(err))
		return false
	}
	defer client.Close()
	check, err := client.Check(ctx)
	if err != nil {
		fmt.Fprintf(p.stdout, "%s: %s\n", name, sentence(err))
		return false
	}
	fmt.Fprintf(p.stdout, "%s: Proxmox VE %s at %s, as %s\n", name, check.Version.Version, client.Address(), check.Principal)
	for _, m := range check.Missing {
		fmt.Fprintf(p.stdout, "  missing: %s: %s\n    %s\n", m.What, m.Reason, m.WayOut)
	}
	return len(check.Missing) == 0
}

// testNetBox tells whether the NetBox can be opened and shows every kind that
// a run reads.
func (p *program) testNetBox(ctx context.Context, l *run.Launcher) bool {
	nb, _, err := l.OpenNetBox(ctx, true, "")
	if err != nil {
		fmt.Fprintf(p.stdout, "NetBox   %s\n", sentence(err))
		return false
	}
	defer nb.Close()
	caps, err := nb.Probe(ctx)
	if err != nil {
		fmt.Fprintf(p.stdout, "NetBox   %s\n", sentence(err))
		return false
	}
	plugin := "without the plugin netbox-proxbox"
	if caps.Plugin != "" {
		plugin = "with the plugin netbox-proxbox " + caps.Plugin
	}
	fmt.Fprintf(p.stdout, "NetBox   NetBox %s at %s, %s\n", caps.Release, nb.URL(), plugin)
	hidden, err := hiddenKinds(ctx, nb)
	if err != nil {
		fmt.Fprintf(p.stdout, "  %s\n", sentence(err))
		return false
	}
	for _, k := range hidden {
		fmt.Fprintf(p.stdout, "  missing: the token may not view %s\n    give its user the permission to view, add, change and delete these objects (docs/permissions.md has the list)\n", k)
	}
	return len(hidden) == 0
}

// hiddenKinds are the kinds that NetBox does not show to the token. A kind
// that this NetBox or its plugin does not have is none.
func hiddenKinds(ctx context.Context, nb *netbox.Client) ([]domain.Kind, error) {
	var hidden []domain.Kind
	for _, kind := range run.Inventoried {
		_, err := nb.Get(ctx, netbox.Path(kind), url.Values{"limit": {"1"}, "fields": {"id"}})
		var status *netbox.StatusError
		switch {
		case err == nil, errors.As(err, &status) && status.NotFound():
		case status != nil && status.Forbidden():
			hidden = append(hidden, kind)
		default:
			return nil, err
		}
	}
	slices.Sort(hidden)
	return hidden, nil
}
