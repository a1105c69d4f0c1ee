//go:build unix

package lab

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// Backend is a running proxbox-api, ours or another, as the plugin knows it.
type Backend struct {
	// URL is http://host:port.
	URL string
	// Key is the API key that the plugin registers and sends.
	Key string
}

// Call sends the service a request with its key, as the plugin does. A body of
// "" sends none. It returns the status and the answer's body.
func (b Backend) Call(t testing.TB, method, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, b.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatalf("lab: %v", err)
	}
	req.Header.Set("X-Proxbox-API-Key", b.Key)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	status, raw := answer(t, http.DefaultClient, req)
	return status, string(raw)
}

// ProxmoxEndpoint is a Proxmox VE as the plugin knows it.
type ProxmoxEndpoint struct {
	Name string
	// Address is host:port. The host is an address: the plugin takes one
	// only if NetBox has it, so it is made there.
	Address netip.AddrPort
	// User is root@pam; TokenName is what comes after the exclamation mark.
	User, TokenName, TokenSecret string
}

// Plugin is what ConnectPlugin made, by id.
type Plugin struct {
	BackendID, NetBoxID int
	ProxmoxIDs          []int
}

// row is the part of a plugin's row that is read back.
type row struct {
	ID int `json:"id"`
}

// ConnectPlugin makes the plugin's endpoint rows, by which it sends a backend
// to this NetBox and to these Proxmox endpoints, and approves them as an
// administrator does. The backend must be running: the plugin registers its
// key there.
func (s *Server) ConnectPlugin(t testing.TB, b Backend, endpoints ...ProxmoxEndpoint) Plugin {
	t.Helper()
	const base = "/api/plugins/proxbox/endpoints/"
	var p Plugin

	host, port := hostPort(t, b.URL)
	var made row
	s.Must(t, http.MethodPost, base+"fastapi/", map[string]any{
		"name": "proxbox-api", "domain": host, "port": port, "use_https": false, "verify_ssl": false, "token": b.Key,
	}, &made)
	p.BackendID = made.ID

	// The backend reaches NetBox through the tap.
	host, port = hostPort(t, s.URL())
	s.Must(t, http.MethodPost, base+"netbox/", map[string]any{
		"name": "netbox", "domain": host, "port": port, "verify_ssl": false,
		"token_version": "v1", "token": map[string]any{"id": s.Service.TokenV1ID},
	}, &made)
	p.NetBoxID = made.ID
	s.approve(t, base+"netbox/", made.ID)

	for _, e := range endpoints {
		address := map[string]any{"address": netip.PrefixFrom(e.Address.Addr(), e.Address.Addr().BitLen()).String()}
		s.Must(t, http.MethodPost, "/api/ipam/ip-addresses/", address, nil)
		s.Must(t, http.MethodPost, base+"proxmox/", map[string]any{
			"name": e.Name, "mode": "cluster", "ip_address": address, "port": e.Address.Port(),
			"username": e.User, "token_name": e.TokenName, "token_value": e.TokenSecret,
			"verify_ssl": false,
		}, &made)
		p.ProxmoxIDs = append(p.ProxmoxIDs, made.ID)
		s.approve(t, base+"proxmox/", made.ID)
	}
	return p
}

// approve allows the plugin to send an endpoint's credentials to the backend.
func (s *Server) approve(t testing.TB, collection string, id int) {
	t.Helper()
	path := collection + strconv.Itoa(id) + "/connection-authority/"
	var authority struct {
		Fingerprint string `json:"target_fingerprint"`
	}
	s.Must(t, http.MethodGet, path, nil, &authority)
	s.Must(t, http.MethodPut, path, authority, nil)
}

// FullUpdate starts the plugin's Full Update, as its button does, and returns
// when it has ended, with what the command said. The worker must be running.
func (s *Server) FullUpdate(ctx context.Context) (string, error) {
	return s.Manage(ctx, "proxbox_sync", "--wait", "--timeout", "900")
}

func hostPort(t testing.TB, address string) (string, int) {
	t.Helper()
	u, err := url.Parse(address)
	if err == nil {
		var port int
		if port, err = strconv.Atoi(u.Port()); err == nil {
			host := u.Hostname()
			// The plugin takes no bare address for a name.
			if host == "127.0.0.1" {
				host = "localhost"
			}
			return host, port
		}
	}
	t.Fatal(fmt.Errorf("lab: %q is not http://host:port: %w", address, err))
	return "", 0
}
