package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"proxbox/internal/settings"
)

func (p *program) healthcheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "healthcheck",
		Short: "Ask the service on this machine whether it is ready",
		Long: `Asks GET /health of the service on PORT of this machine. The exit code is 0
when it is ready, else 1. The container image asks it every 30 seconds.`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			v, err := settings.Load(p.environ) // without a word on misspelt names: it is asked often
			if err != nil {
				return err
			}
			return p.healthcheck(c.Context(), net.JoinHostPort(localHost(settings.BindHost.In(v)), strconv.Itoa(settings.Port.In(v))))
		},
	}
}

// localHost is where a service that is bound to a host is reached from its own
// machine.
func localHost(bound string) string {
	ip, err := netip.ParseAddr(bound)
	switch {
	case bound == "" || err == nil && ip == netip.IPv4Unspecified():
		return "127.0.0.1"
	case err == nil && ip == netip.IPv6Unspecified():
		return "::1"
	}
	return bound
}

func (p *program) healthcheck(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second) // the image gives it 5
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/health", nil)
	if err != nil {
		return err
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req) // no proxy
	if err != nil {
		return fmt.Errorf("no service answers on %s: %w", address, err)
	}
	defer func() { _ = resp.Body.Close() }()
	var health struct {
		Status string `json:"status"`
		Reason string `json:"reason"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&health); err != nil {
		return fmt.Errorf("what answers on %s is no proxbox-api: its health cannot be read", address)
	}
	if resp.StatusCode != http.StatusOK || health.Status != "ready" {
		return fmt.Errorf("the service on %s is not ready (%d %s): %s", address, resp.StatusCode, health.Status, health.Reason)
	}
	_, err = fmt.Fprintln(p.stdout, "ready")
	return err
}
