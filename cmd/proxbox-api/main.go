// Proxbox-api keeps NetBox true to Proxmox VE: as a service that the NetBox
// plugin netbox-proxbox speaks with, or once from the command line.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// version is set by the linker.
var version = "unknown"

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel() // what is under way is brought to an end
		<-signals
		fmt.Fprintln(os.Stderr, "proxbox-api: stopped at once; the next run goes on from what NetBox has")
		os.Exit(exitFailed)
	}()
	p := &program{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, environ: os.Environ()}
	os.Exit(p.run(ctx, os.Args[1:]))
}
