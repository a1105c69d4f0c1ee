package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"proxbox/internal/domain"
	"proxbox/internal/settings"
)

// The exit codes.
const (
	exitDone    = 0
	exitFailed  = 1
	exitPartial = 2
)

// program is the command line with everything that it touches outside.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        []string

	// Carry the requests in place of the network; nil for the network.
	proxmoxTransport func(domain.ProxmoxEndpoint) http.RoundTripper
	netboxTransport  http.RoundTripper

	// listening, if not nil, is told the address that the service listens on.
	listening func(address string)
}

// exitError ends the program with a code; what there is to say was said.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// run carries out a command line and returns the exit code.
func (p *program) run(ctx context.Context, args []string) int {
	root := p.command()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var code exitError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &code):
		return int(code)
	}
	fmt.Fprintln(p.stderr, "proxbox-api: "+sentence(err))
	return exitFailed
}

// sentence is an error on one line.
func sentence(err error) string {
	lines := strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' })
	return strings.Join(lines, "; ")
}

const about = `Proxbox-api reads Proxmox VE and keeps NetBox true to it. It never writes to
Proxmox, and in NetBox only to what it made or was given.

As a service it answers the NetBox plugin netbox-proxbox ("serve"); from the
command line it does the same work once ("plan" to look, "sync" to write).
Settings are environment variables: docs/settings.md lists them.`

func (p *program) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "proxbox-api",
		Short: "Keeps NetBox true to Proxmox VE",
		Long:  about,
		Args:  noArguments,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
		// Errors are printed once, by run, in one sentence.
		SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w: `%s --help` shows the flags", err, c.CommandPath())
	})
	root.AddGroup(&cobra.Group{ID: "work", Title: "Keep NetBox true:"}, &cobra.Group{ID: "data", Title: "What the service knows:"})
	add := func(group string, c *cobra.Command) {
		c.GroupID = group
		root.AddCommand(c)
	}
	add("work", p.demoCommand())
	add("work", p.serveCommand())
	add("work", p.planCommand())
	add("work", p.syncCommand())
	add("data", p.endpointsCommand())
	add("data", p.keysCommand())
	root.AddCommand(p.healthcheckCommand(), p.versionCommand())
	return root
}

// noArguments wants none. What follows a command that only has others is a
// misspelt one.
func noArguments(c *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case c.HasSubCommands():
		return fmt.Errorf("there is no command `%s %s`: `%s --help` lists them", c.CommandPath(), args[0], c.CommandPath())
	}
	return fmt.Errorf("`%s` takes no argument, and %q is one: `%s --help` shows the flags", c.CommandPath(), args[0], c.CommandPath())
}

// oneArgument wants exactly one, and says what it is.
func oneArgument(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return fmt.Errorf("`%s` wants one argument, %s", c.CommandPath(), what)
		}
		return nil
	}
}

func (p *program) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the release of this program", Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(p.stdout, "proxbox-api "+version)
			return err
		},
	}
}

// settings are the values of the environment. Variables that look like
// settings and are none are said.
func (p *program) settings() (*settings.Values, error) {
	v, err := settings.Load(p.environ)
	if err != nil {
		return nil, err
	}
	for _, name := range settings.UnknownEnv(p.environ) {
		p.say("%s is no setting of this program and is not used: docs/settings.md lists them all", name)
	}
	return v, nil
}

// say writes a sentence for the person to standard error.
func (p *program) say(format string, args ...any) {
	fmt.Fprintf(p.stderr, "proxbox-api: "+format+"\n", args...)
}

// onTerminal tells whether a stream is a person's terminal.
func onTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
