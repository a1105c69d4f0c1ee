package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"proxbox/internal/domain"
	"proxbox/internal/netbox"
	"proxbox/internal/settings"
	netboxsim "proxbox/internal/sim/netbox"
	proxmoxsim "proxbox/internal/sim/proxmox"
)

func (p *program) demoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Show it all with a Proxmox VE and a NetBox in memory",
		Long: `Starts the service on PORT (8000) with a Proxmox VE of 50 guests and a NetBox,
both in the memory of this process, and runs two Full Updates through its API:
the first one fills NetBox, the second one finds nothing to write. On a
terminal it serves until Ctrl-C then. Nothing is kept.`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return p.demo(c.Context()) },
	}
}

// demoEnviron is the environment of the demo: where it listens, and a data
// directory of its own. Keys and endpoints of the user do not matter.
func demoEnviron(environ []string, dir string) []string {
	out := []string{settings.DataDir.Env + "=" + dir}
	for _, pair := range environ {
		name, _, _ := strings.Cut(pair, "=")
		if slices.Contains([]string{settings.Port.Env, settings.BindHost.Env, settings.LogLevel.Env}, name) {
			out = append(out, pair)
		}
	}
	return out
}

func (p *program) demo(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "proxbox-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	v, err := settings.Load(demoEnviron(p.environ, dir))
	if err != nil {
		return err
	}
	level := settings.LogLevel.In(v)
	if settings.LogLevel.Source(v) == settings.FromDefault {
		level = slog.LevelError // what the demo does, it says itself
	}
	proxmox, nb := proxmoxsim.New(proxmoxsim.Demo(proxmoxsim.DemoGuests)), netboxsim.New(netboxsim.NetBox47)
	inner := *p
	inner.proxmoxTransport = func(domain.ProxmoxEndpoint) http.RoundTripper { return proxmox.Transport() }
	inner.netboxTransport = nb.Client().Transport
	service, err := inner.openService(ctx, v, newLog(p.stderr, level, onTerminal(p.stderr)))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, service.close()) }()
	if p.listening != nil {
		p.listening(service.address())
	}
	d := &demo{program: p, proxmox: proxmox, netbox: nb, api: &apiClient{base: "http://" + service.address()}}
	if err := d.show(ctx); err != nil {
		return err
	}
	d.where()
	if !onTerminal(p.stdout) {
		_, err := fmt.Fprintln(p.stdout, "\nThat is all: without a terminal the demo ends here, and these addresses with it.")
		return err
	}
	return d.serve(ctx, service)
}

// demo is what the demo shows.
type demo struct {
	*program
	proxmox *proxmoxsim.Server
	netbox  *netboxsim.Server
	api     *apiClient
}

func (d *demo) show(ctx context.Context) error {
	fmt.Fprintf(d.stdout, "The service runs on %s, beside a Proxmox VE and a NetBox in memory.\n\n", d.api.base)
	if err := d.api.register(ctx); err != nil {
		return err
	}
	if err := d.connect(ctx); err != nil {
		return err
	}
	first, err := d.fullUpdate(ctx, "First Full Update, through GET /full-update/stream:")
	if err != nil {
		return err
	}
	stats := d.netbox.Stats()
	fmt.Fprintf(d.stdout, "NetBox was filled in %s with %s:\n\n", first.took, count(stats.Requests, "request"))
	if err := d.table(stats); err != nil {
		return err
	}
	d.reports(first)
	d.netbox.ResetStats()
	second, err := d.fullUpdate(ctx, "Second Full Update, with nothing changed in between:")
	if err != nil {
		return err
	}
	stats = d.netbox.Stats()
	fmt.Fprintf(d.stdout, "%d created, %d updated, %d deleted, %d as they should be; %s to NetBox, %s.\n\n",
		second.result.Created, second.result.Updated, second.result.Deleted, second.result.Unchanged,
		count(stats.Requests, "request"), writes(stats.Writes))
	if stats.Writes > 0 {
		return fmt.Errorf("the second run wrote to NetBox %d times, and should not have: please report this", stats.Writes)
	}
	return nil
}

func writes(n int) string {
	if n == 0 {
		return "no write"
	}
	return count(n, "write")
}

// connect enters the two endpoints, as the plugin does.
func (d *demo) connect(ctx context.Context) error {
	e := d.proxmox.Endpoint()
	if err := d.api.post(ctx, "/netbox/endpoint", map[string]any{
		"name": "NetBox in memory", "domain": "netbox.demo", "port": 443, "token_version": "v1", "token": netboxsim.Token,
	}); err != nil {
		return err
	}
	return d.api.post(ctx, "/proxmox/endpoints", map[string]any{
		"name": e.Name, "domain": e.Domain, "ip_address": e.IPAddress, "port": e.Port,
		"username": e.Username, "token_name": e.TokenName, "token_value": e.TokenValue.Reveal(),
	})
}

func (d *demo) fullUpdate(ctx context.Context, title string) (outcome, error) {
	fmt.Fprintln(d.stdout, title)
	show := &progress{w: d.stdout, terminal: onTerminal(d.stdout)}
	defer show.end()
	out, err := d.api.fullUpdate(ctx, func(f apiFrame) {
		switch {
		case f.event == "substep" && f.Message != "":
			show.line("  %s", f.Message)
		case f.event == "item_progress" && f.Progress.Total > 0:
			show.done(f.Progress.Current, f.Progress.Total)
		}
	})
	if err != nil {
		return out, err
	}
	show.end()
	show.line("  %s\n", out.message)
	return out, nil
}

// table lists what NetBox says was created.
func (d *demo) table(stats netboxsim.Stats) error {
	var kinds []domain.Kind
	for name, methods := range stats.Objects {
		if methods[http.MethodPost] > 0 {
			kinds = append(kinds, domain.Kind(name))
		}
	}
	slices.Sort(kinds)
	w := tabwriter.NewWriter(d.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "  CREATED\tKIND\tIN NETBOX'S API")
	for _, k := range kinds {
		fmt.Fprintf(w, "  %d\t%s\t/api/%s\n", stats.Objects[string(k)][http.MethodPost], kindName(k), netbox.Path(k))
	}
	fmt.Fprintln(w)
	return w.Flush()
}

// shownReports is how many reports the demo lists.
const shownReports = 5

func (d *demo) reports(o outcome) {
	if len(o.errors) == 0 {
		return
	}
	fmt.Fprintf(d.stdout, "Left for a person to decide (%d):\n", len(o.errors))
	for i, e := range o.errors {
		if i == shownReports {
			fmt.Fprintf(d.stdout, "  and %d more\n", len(o.errors)-i)
			break
		}
		fmt.Fprintf(d.stdout, "  %s\n", e.Detail)
		if e.Suggestion != "" {
			fmt.Fprintf(d.stdout, "    → %s\n", e.Suggestion)
		}
	}
	fmt.Fprintln(d.stdout)
}

// where says where to look while the service runs.
func (d *demo) where() {
	header := "-H 'X-Proxbox-API-Key: " + d.api.key + "'"
	fmt.Fprintf(d.stdout, `Where to look while it runs:
  the API and its documentation   %[1]s/docs
  every object of the last run    curl %[2]s '%[1]s/full-update?dry_run=true'
  the endpoints                   curl %[2]s %[1]s/proxmox/endpoints
`, d.api.base, header)
}

// serve lets a person look around until Ctrl-C, in NetBox too.
func (d *demo) serve(ctx context.Context, s *service) error {
	if l, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
		look := &http.Server{Handler: d.netbox, ReadHeaderTimeout: 10 * time.Second}
		go func() { _ = look.Serve(l) }()
		defer func() { _ = look.Close() }()
		fmt.Fprintf(d.stdout, "  the NetBox in memory            curl -H 'Authorization: Token %s' http://%s/api/virtualization/virtual-machines/\n", netboxsim.Token, l.Addr())
	}
	fmt.Fprintln(d.stdout, "\nServing until Ctrl-C. Then everything is forgotten.")
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.failed:
		return err
	}
}
