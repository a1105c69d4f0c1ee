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
	for _, o := range check.Optional {
		fmt.Fprintf(p.stdout, "  optional: %s: %s\n    %s\n", o.What, o.Reason, o.WayOut)
	}
	return len(check.Missing) == 0
}

// testNetBox tells whether the NetBox can be opened and lets the token do what
// a run does.
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
	missing, err := missingPermissions(ctx, nb, caps)
	if err != nil {
		fmt.Fprintf(p.stdout, "  %s\n", sentence(err))
		return false
	}
	for _, m := range missing {
		fmt.Fprintf(p.stdout, "  missing: the token may not %s\n", m)
	}
	if len(missing) > 0 {
		fmt.Fprintln(p.stdout, "    let the token write, and give its user the permissions of docs/permissions.md")
	}
	return len(missing) == 0
}

// onlyRead are the kinds that a run looks at and never writes.
var onlyRead = map[domain.Kind]bool{domain.KindTenant: true, domain.KindProxmoxEndpoint: true}

// missingPermissions are what the token may not do with the kinds that a run
// reads and writes, as "view ipam.ipaddress". A kind that this NetBox does not
// have is left out.
func missingPermissions(ctx context.Context, nb *netbox.Client, caps netbox.Capabilities) ([]string, error) {
	var missing []string
	for _, kind := range run.Inventoried {
		if !caps.Has(kind) {
			continue
		}
		path := netbox.Path(kind)
		var status *netbox.StatusError
		_, err := nb.Get(ctx, path, url.Values{"limit": {"1"}, "fields": {"id"}})
		switch {
		case err == nil:
		case errors.As(err, &status) && status.NotFound():
			continue
		case status != nil && status.Forbidden() && !status.BadToken():
			missing = append(missing, "view "+string(kind))
			continue // NetBox says nothing more of what may not be seen
		default:
			return nil, err
		}
		if onlyRead[kind] {
			continue
		}
		permits, err := nb.Permits(ctx, path)
		if err != nil {
			return nil, err
		}
		if !permits.Add {
			missing = append(missing, "add "+string(kind))
		}
		if !permits.Change {
			missing = append(missing, "change "+string(kind))
		}
	}
	slices.Sort(missing)
	return missing, nil
}
