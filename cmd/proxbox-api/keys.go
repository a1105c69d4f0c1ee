package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"proxbox/internal/store"
)

func (p *program) keysCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "keys",
		Short: "API keys of the service: create, list, revoke",
		Long: `API keys open the service: the plugin, and whoever calls it, sends one with
every request. They are changed in the database, so a service that runs beside
it takes or refuses them with the next request.`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	var label string
	create := &cobra.Command{
		Use:   "create",
		Short: "Make a new key and print it, once",
		Args:  noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.withKeys(c.Context(), func(ctx context.Context, a *app) error {
				row, key, err := a.auth.Create(ctx, label)
				if err != nil {
					return err
				}
				p.say("API key %d was made in %s; it cannot be shown again", row.ID, a.store.Path())
				_, err = fmt.Fprintln(p.stdout, key.Reveal())
				return err
			})
		},
	}
	create.Flags().StringVar(&label, "label", "", "what the key is for")
	list := &cobra.Command{
		Use:   "list",
		Short: "List the keys, without the keys themselves",
		Args:  noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.withKeys(c.Context(), p.listKeys)
		},
	}
	revoke := &cobra.Command{
		Use:     "revoke ID",
		Short:   "Remove a key for good",
		Example: "  proxbox-api keys revoke 3",
		Args:    oneArgument("the id of a key: `proxbox-api keys list` shows it"),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := strconv.Atoi(args[0])
			if err != nil {
				return fmt.Errorf("%q is no id of a key: `proxbox-api keys list` shows them", args[0])
			}
			return p.withKeys(c.Context(), func(ctx context.Context, a *app) error {
				err := a.auth.Delete(ctx, id)
				if errors.Is(err, store.ErrNotFound) {
					return fmt.Errorf("there is no API key %d: `proxbox-api keys list` shows them", id)
				}
				if err == nil {
					p.say("API key %d is revoked", id)
				}
				return err
			})
		},
	}
	c.AddCommand(create, list, revoke)
	return c
}

func (p *program) listKeys(ctx context.Context, a *app) error {
	keys, err := a.auth.List(ctx)
	if err != nil {
		return err
	}
	if len(keys) == 0 {
		p.say("there is no API key yet: the plugin registers one, or `proxbox-api keys create` makes one")
		return nil
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tLABEL\tACTIVE\tMADE")
	for _, k := range keys {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\n", k.ID, dash(k.Label), yesNo(k.Active), k.CreatedAt.Local().Format(time.DateTime))
	}
	return w.Flush()
}

// withKeys does something with the API keys.
func (p *program) withKeys(ctx context.Context, do func(context.Context, *app) error) error {
	return p.withStore(ctx, func(ctx context.Context, a *app) error {
		if err := a.authenticate(ctx); err != nil {
			return err
		}
		return do(ctx, a)
	})
}

// withStore does something with the store that a service may have open too.
func (p *program) withStore(ctx context.Context, do func(context.Context, *app) error) error {
	v, err := p.settings()
	if err != nil {
		return err
	}
	a, err := p.open(ctx, v, p.commandLog(v))
	if err != nil {
		return err
	}
	return errors.Join(do(ctx, a), a.store.Close())
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
