package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"proxbox/internal/store"
)

func (p *program) endpointsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "endpoints",
		Short: "The NetBox and the Proxmox VEs that are kept together: add, list, test, remove",
		Long: `The endpoints that the service and the commands plan and sync work with. The
NetBox plugin pushes its own; those that are added here stand beside them.
Their tokens and passwords are encrypted in the database and never printed.`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	add := &cobra.Command{
		Use: "add", Short: "Add a Proxmox VE, or the NetBox", Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	add.AddCommand(p.addProxmoxCommand(), p.addNetBoxCommand())
	remove := &cobra.Command{
		Use: "remove", Short: "Remove a Proxmox VE, or the NetBox", Args: noArguments,
		Long: "Forgets an endpoint. Nothing is changed in NetBox or in Proxmox.",
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	remove.AddCommand(p.removeProxmoxCommand(), p.removeNetBoxCommand())
	c.AddCommand(add, p.listEndpointsCommand(), p.testEndpointsCommand(), remove)
	return c
}

func (p *program) addProxmoxCommand() *cobra.Command {
	var f proxmoxFlags
	var name, site, tenant string
	c := &cobra.Command{
		Use:   "proxmox",
		Short: "Add a Proxmox VE, a cluster through one of its nodes or a single host",
		Example: `  proxbox-api endpoints add proxmox --url https://pve1.example.org:8006 \
      --token-id proxbox@pve!sync --token-secret-file secret.txt`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.withStore(c.Context(), func(ctx context.Context, a *app) error {
				change, err := f.change(ctx, p, a.values)
				if err != nil {
					return err
				}
				if change == nil {
					return errors.New("which Proxmox VE is not said: give --url https://host:8006")
				}
				if name != "" {
					change.Name = store.To(name)
				}
				place(site, &change.SiteID, &change.SiteSlug, &change.SiteName)
				place(tenant, &change.TenantID, &change.TenantSlug, &change.TenantName)
				e, err := a.store.ProxmoxEndpoints().Create(ctx, *change)
				if err != nil {
					return inFlags(err)
				}
				p.say("Proxmox endpoint %d (%s) was added; `proxbox-api endpoints test` tries it", e.ID, e.Name)
				return nil
			})
		},
	}
	f.add(c.Flags(), "")
	c.Flags().BoolVar(&f.insecure, "insecure", false, "take any certificate")
	c.Flags().StringVar(&name, "name", "", "name of the endpoint (default: the host)")
	c.Flags().StringVar(&site, "site", "", "NetBox site of what is new: its id, slug or name")
	c.Flags().StringVar(&tenant, "tenant", "", "NetBox tenant of what is new: its id, slug or name")
	return c
}

// place takes a NetBox object by its id, slug or name.
func place(text string, id *store.Optional[int], slug, name *store.Optional[string]) {
	if text == "" {
		return
	}
	if n, err := strconv.Atoi(text); err == nil {
		*id = store.To(n)
		return
	}
	*name = store.To(text)
	if strings.ToLower(text) == text && !strings.ContainsAny(text, " .") {
		*slug = store.To(text)
	}
}

func (p *program) addNetBoxCommand() *cobra.Command {
	var f netboxFlags
	var name string
	c := &cobra.Command{
		Use:     "netbox",
		Short:   "Add the NetBox that is kept true",
		Example: "  proxbox-api endpoints add netbox --url https://netbox.example.org --token-file token.txt",
		Args:    noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.withStore(c.Context(), func(ctx context.Context, a *app) error {
				change, err := f.change(ctx, p, a.values)
				if err != nil {
					return err
				}
				if change == nil {
					return errors.New("which NetBox is not said: give --url https://host")
				}
				if name != "" {
					change.Name = store.To(name)
				}
				e, err := a.store.NetBoxEndpoints().Create(ctx, *change)
				if err != nil {
					return inFlags(err)
				}
				p.say("the NetBox endpoint %s was added; `proxbox-api endpoints test` tries it", e.Name)
				return nil
			})
		},
	}
	f.add(c.Flags(), "")
	c.Flags().BoolVar(&f.insecure, "insecure", false, "take any certificate")
	c.Flags().StringVar(&name, "name", "", "name of the endpoint (default: the host)")
	return c
}

func (p *program) listEndpointsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the endpoints", Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return p.withStore(c.Context(), p.listEndpoints) },
	}
}

func (p *program) listEndpoints(ctx context.Context, a *app) error {
	netboxes, err := a.store.NetBoxEndpoints().List(ctx)
	if err != nil {
		return err
	}
	all, err := a.store.ProxmoxEndpoints().List(ctx)
	if err != nil {
		return err
	}
	if len(netboxes)+len(all) == 0 {
		p.say("there is no endpoint yet: `proxbox-api endpoints add` adds one, or the NetBox plugin pushes its own")
		return nil
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "KIND\tID\tNAME\tADDRESS\tLOGS IN AS\tCERTIFICATE\tENABLED")
	for _, e := range netboxes {
		fmt.Fprintf(w, "netbox\t%d\t%s\t%s\t%s\t%s\t%s\n", e.ID, e.Name, e.BaseURL(), "token "+e.TokenVersion,
			verified(strings.HasPrefix(e.BaseURL(), "https:"), e.VerifySSL), yesNo(e.Enabled))
	}
	for _, e := range all {
		who := e.Username
		if e.TokenName != "" {
			who += "!" + e.TokenName
		}
		fmt.Fprintf(w, "proxmox\t%d\t%s\t%s\t%s\t%s\t%s\n", e.ID, e.Name, e.BaseURL(), who, verified(true, e.VerifySSL), yesNo(e.Enabled))
	}
	return w.Flush()
}

func verified(tls, verify bool) string {
	switch {
	case !tls:
		return "none"
	case verify:
		return "verified"
	}
	return "any"
}

func (p *program) removeProxmoxCommand() *cobra.Command {
	return &cobra.Command{
		Use: "proxmox ID|NAME", Short: "Remove a Proxmox VE", Args: oneArgument("the id or name of an endpoint: `proxbox-api endpoints list` shows them"),
		RunE: func(c *cobra.Command, args []string) error {
			return p.withStore(c.Context(), func(ctx context.Context, a *app) error {
				ids, err := endpointIDs(ctx, a.store, args)
				if err != nil {
					return err
				}
				if err := a.store.ProxmoxEndpoints().Delete(ctx, ids[0]); err != nil {
					return err
				}
				p.say("Proxmox endpoint %d was removed; what it brought into NetBox stays there", ids[0])
				return nil
			})
		},
	}
}

func (p *program) removeNetBoxCommand() *cobra.Command {
	return &cobra.Command{
		Use: "netbox", Short: "Remove the NetBox", Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.withStore(c.Context(), func(ctx context.Context, a *app) error {
				all, err := a.store.NetBoxEndpoints().List(ctx)
				if err != nil {
					return err
				}
				if len(all) == 0 {
					return errors.New("there is no NetBox endpoint to remove")
				}
				if err := a.store.NetBoxEndpoints().Delete(ctx, all[0].ID); err != nil {
					return err
				}
				p.say("the NetBox endpoint %s was removed", all[0].Name)
				return nil
			})
		},
	}
}

// endpointIDs are the row ids of Proxmox endpoints that are given by id or by
// name, with the plugin's suffix or without.
func endpointIDs(ctx context.Context, s *store.Store, args []string) ([]int, error) {
	if len(args) == 0 {
		return nil, nil
	}
	all, err := s.ProxmoxEndpoints().List(ctx)
	if err != nil {
		return nil, err
	}
	var ids []int
	for _, arg := range args {
		found := 0
		for _, e := range all {
			if strconv.Itoa(e.ID) == arg || e.Name == arg || e.DisplayName() == arg {
				found = e.ID
				break
			}
		}
		if found == 0 {
			return nil, fmt.Errorf("there is no Proxmox endpoint %q: `proxbox-api endpoints list` shows those that there are", arg)
		}
		ids = append(ids, found)
	}
	return ids, nil
}
