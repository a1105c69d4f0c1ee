//go:build unix

package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"proxbox/internal/domain"
	proxmoxsim "proxbox/internal/sim/proxmox"
)

// FakeProxmox is a running fakepve with an estate.
type FakeProxmox struct {
	estate  proxmoxsim.Estate
	address netip.AddrPort
	control string
}

// fakes counts them: each gets a loopback address of its own, as each host
// has one.
var fakes atomic.Int32

// FakePVE starts a fakepve that runs an estate, and stops it when the test
// ends. It needs no NetBox. The estate is the fake's own from then on.
func FakePVE(t testing.TB, estate proxmoxsim.Estate) *FakeProxmox {
	t.Helper()
	python := Python(t)
	root, err := projectRoot()
	if err != nil {
		t.Fatalf("lab: %v", err)
	}
	dir := t.TempDir()
	log, err := os.Create(filepath.Join(dir, "fakepve.log"))
	if err != nil {
		t.Fatalf("lab: %v", err)
	}
	defer log.Close()
	host, ready := loopback(int(fakes.Add(1))), filepath.Join(dir, "ready.json")
	p, err := spawn{
		name: "fakepve", stop: "TERM", dir: dir, log: log, env: append(cleanEnvironment(), "PYTHONUNBUFFERED=1", "PYTHONDONTWRITEBYTECODE=1"),
		argv: []string{python, filepath.Join(root, "test", "fakepve", "estate.py"), host, ready},
	}.start()
	if err != nil {
		t.Fatalf("lab: %v", err)
	}
	t.Cleanup(func() {
		p.halt()
		if t.Failed() {
			if raw, err := os.ReadFile(log.Name()); err == nil && len(raw) > 0 {
				t.Logf("fakepve's log:\n%s", tail(raw))
			}
		}
	})
	var ports struct {
		Port, Control uint16
	}
	err = wait(t.Context(), p, time.Minute, func(context.Context) error {
		raw, err := os.ReadFile(ready)
		if err != nil {
			return err
		}
		return json.Unmarshal(raw, &ports)
	})
	if err != nil {
		t.Fatalf("lab: %v", err)
	}
	addr := netip.MustParseAddr(host)
	f := &FakeProxmox{
		address: netip.AddrPortFrom(addr, ports.Port),
		control: "http://" + netip.AddrPortFrom(addr, ports.Control).String(),
	}
	f.Run(t, estate)
	return f
}

// loopback is the nth address of the loopback network; where the system has
// but one of them, it is that.
func loopback(n int) string {
	host := fmt.Sprintf("127.0.%d.%d", n/250, n%250+1)
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return "127.0.0.1"
	}
	listener.Close()
	return host
}

// put makes fakepve run the estate as it now is.
func (f *FakeProxmox) put(t testing.TB) {
	t.Helper()
	raw, err := json.Marshal(f.estate)
	if err != nil {
		t.Fatalf("lab: %v", err)
	}
	f.ask(t, http.MethodPut, "/estate", raw, http.StatusNoContent, nil)
}

func (f *FakeProxmox) ask(t testing.TB, method, path string, body []byte, expected int, into any) {
	t.Helper()
	// Tests ask in their clean-up too, when their own context has ended.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, f.control+path, bytes.NewReader(body))
	if err != nil {
		t.Fatalf("lab: %v", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("lab: fakepve: %v", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != expected {
		t.Fatalf("lab: fakepve answers %s %s with %s", method, path, resp.Status)
	}
	if into != nil {
		if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
			t.Fatalf("lab: fakepve: %v", err)
		}
	}
}

// Change edits the estate, and fakepve runs it so from then on.
func (f *FakeProxmox) Change(t testing.TB, edit func(*proxmoxsim.Estate)) {
	t.Helper()
	edit(&f.estate)
	f.put(t)
}

// Run makes fakepve run another estate.
func (f *FakeProxmox) Run(t testing.TB, estate proxmoxsim.Estate) {
	t.Helper()
	f.estate = estate
	f.put(t)
}

// Address is where fakepve listens.
func (f *FakeProxmox) Address() netip.AddrPort { return f.address }

// Endpoint reaches fakepve with the estate's first API token.
func (f *FakeProxmox) Endpoint() domain.ProxmoxEndpoint {
	ep := f.estate.Endpoint()
	ep.IPAddress, ep.Port = f.address.Addr().String(), int(f.address.Port())
	return ep
}

// PasswordEndpoint reaches fakepve with the password of the estate's first
// user.
func (f *FakeProxmox) PasswordEndpoint() domain.ProxmoxEndpoint {
	ep, user := f.Endpoint(), f.estate.Users[0]
	ep.Username, ep.Password = user.ID, domain.Secret(user.Password)
	ep.TokenName, ep.TokenValue = "", ""
	return ep
}

// PluginEndpoint is fakepve as [Server.ConnectPlugin] takes it.
func (f *FakeProxmox) PluginEndpoint() ProxmoxEndpoint {
	token := f.estate.Tokens[0]
	user, name, _ := strings.Cut(token.ID, "!")
	return ProxmoxEndpoint{Name: f.Endpoint().Name, Address: f.address, User: user, TokenName: name, TokenSecret: token.Secret}
}

// RevokeTickets logs everybody out who came with a password.
func (f *FakeProxmox) RevokeTickets(t testing.TB) {
	t.Helper()
	f.ask(t, http.MethodDelete, "/tickets", nil, http.StatusNoContent, nil)
}

// Writes are the requests so far that would have changed something: fakepve
// carries them out, so a reader must have sent none.
func (f *FakeProxmox) Writes(t testing.TB) []string {
	t.Helper()
	var list []string
	f.ask(t, http.MethodGet, "/writes", nil, http.StatusOK, &list)
	return list
}
