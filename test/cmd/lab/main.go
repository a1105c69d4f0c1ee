//go:build unix

// Command lab runs the real NetBox for tests and for trying things out.
//
//	lab up                     start it, say where it is, stop on Ctrl-C
//	lab run -- COMMAND…        start it, run the command with it, stop it
//	lab dump [-scratch] FILE   write the migrated, empty database to a file
//	lab fill python FILE       write a database that the Python service filled
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"proxbox/test/lab"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, os.Args[1:])
	stop()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.Exited() {
		os.Exit(exit.ExitCode())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	verb := ""
	if len(args) > 0 {
		verb, args = args[0], args[1:]
	}
	switch verb {
	case "up":
		return up(ctx)
	case "run":
		if len(args) > 0 && args[0] == "--" {
			args = args[1:]
		}
		if len(args) == 0 {
			return errors.New("run needs a command")
		}
		return with(ctx, args)
	case "dump":
		flags := flag.NewFlagSet("dump", flag.ContinueOnError)
		scratch := flags.Bool("scratch", false, "begin with an empty database and not with the stored one")
		if err := flags.Parse(args); err != nil {
			return err
		}
		if flags.NArg() != 1 {
			return errors.New("dump needs the file to write")
		}
		return lab.Dump(ctx, os.Stderr, flags.Arg(0), *scratch)
	case "fill":
		if len(args) != 2 || args[0] != "python" {
			return errors.New("fill needs by whom (python) and the file to write")
		}
		return fillPython(ctx, args[1])
	}
	return errors.New("one of up, run, dump, fill is needed")
}

func up(ctx context.Context) error {
	l, err := lab.Start(ctx, os.Stderr)
	if err != nil {
		return err
	}
	defer l.Stop()
	fmt.Printf(`NetBox     %s
log in as  %s / %s
token      %s  (version 1)
           %s  (version 2)
logs       %s

For tests in another terminal:
  export %s=%s
  go test -tags e2e ./test/...

Ctrl-C stops it.
`, l.URL(), l.Admin.Name, l.Admin.Password, l.Admin.TokenV1, l.Admin.TokenV2, l.Dir, lab.Variable, l.Description())
	<-ctx.Done()
	return nil
}

// with runs a command that finds the lab in its environment. An interrupt
// from a terminal reaches the command too: it is waited for, and asked to
// stop if only we were told.
func with(ctx context.Context, args []string) error {
	l, err := lab.Start(ctx, os.Stderr)
	if err != nil {
		return err
	}
	defer l.Stop()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), lab.Variable+"="+l.Description())
	return cmd.Run()
}
