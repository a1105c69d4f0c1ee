//go:build e2e

// Package conformance runs the conformance suite against the real NetBox.
package conformance

import (
	"net/url"
	"strconv"
	"testing"

	"proxbox/internal/domain"
	"proxbox/internal/netbox/conformance"
	"proxbox/test/lab"
)

func TestMain(m *testing.M) { lab.Main(m) }

func TestNetBoxConforms(t *testing.T) {
	s := lab.NetBox(t)
	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	conformance.Run(t, conformance.Target{
		Endpoint: domain.NetBoxEndpoint{Name: "lab", IPAddress: u.Hostname(), Port: port, TokenVersion: "v1", Token: domain.Secret(s.Admin.TokenV1)},
		Release:  "4.7", Plugin: true, SyncState: true,
	})
}
