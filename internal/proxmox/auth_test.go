package proxmox

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"proxbox/internal/domain"
)

// clock is one that a test turns forward.
type clock struct{ ns atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(0, c.ns.Load()) }
func (c *clock) forward(d time.Duration) { c.ns.Add(int64(d)) }

func together(n int, do func()) {
	var wg sync.WaitGroup
	for range n {
		wg.Go(do)
	}
	wg.Wait()
}

func TestLoginOnce(t *testing.T) {
	pve := newServer(estate())
	pve.password = "secret"
	c := open(t, pve.listen(t, withPassword("secret")), Options{})
	read := func() {
		if _, err := c.Get(t.Context(), "/nodes", nil); err != nil {
			t.Error(err)
		}
	}
	together(16, read)
	if pve.logins != 1 || pve.count("/nodes") != 16 {
		t.Errorf("%d logins for %d reads", pve.logins, pve.count("/nodes"))
	}
	// The server forgets its tickets, as it does when it gets a new key.
	pve.mu.Lock()
	clear(pve.tickets)
	pve.mu.Unlock()
	together(16, read)
	if pve.logins != 2 {
		t.Errorf("%d logins after the ticket was refused", pve.logins)
	}
}

func TestRenewal(t *testing.T) {
	pve := newServer(estate())
	pve.password = "secret"
	c := open(t, withPassword("secret"), Options{Transport: pve})
	clock := &clock{}
	c.auth.now = clock.now
	read := func() {
		if _, err := c.Get(t.Context(), "/nodes", nil); err != nil {
			t.Error(err)
		}
	}
	for i, step := range []struct {
		after  time.Duration
		logins int
	}{{0, 1}, {ticketLife - time.Second, 1}, {time.Second, 2}, {time.Minute, 2}, {3 * time.Hour, 3}} {
		clock.forward(step.after)
		together(8, read)
		if pve.logins != step.logins {
			t.Errorf("step %d: %d logins, want %d", i, pve.logins, step.logins)
		}
	}
}

// TestWrongPassword: it is tried once, however many reads want it, for each
// try may bring a directory nearer to locking the account.
func TestWrongPassword(t *testing.T) {
	pve := newServer(estate())
	pve.password = "secret"
	c := open(t, withPassword("wr0ng-word"), Options{Transport: pve})
	clock := &clock{}
	c.auth.now = clock.now
	read := func() {
		_, err := c.Get(t.Context(), "/nodes", nil)
		var ee *EndpointError
		if !errors.As(err, &ee) || ee.Cause != CauseCredentials || !strings.Contains(ee.WayOut, "username and password (netbox@pve)") || strings.Contains(err.Error(), "wr0ng") {
			t.Errorf("%v", err)
		}
	}
	together(16, read)
	read()
	if pve.logins != 1 {
		t.Errorf("%d logins", pve.logins)
	}
	clock.forward(refusalLife)
	together(16, read)
	if pve.logins != 2 {
		t.Errorf("%d logins after a while", pve.logins)
	}
	if pve.count("/nodes") != 0 {
		t.Error("read without a ticket")
	}
}

// TestLoginFails: what is no refusal of the password is tried again.
func TestLoginFails(t *testing.T) {
	for name, tt := range map[string]struct {
		answer answer
		cause  Cause
		again  bool
	}{
		"no network":    {answer{err: errors.New("connection reset")}, CauseUnreachable, true},
		"busy":          {answer{status: 503, reason: "Service Unavailable"}, CauseAnswer, true},
		"a page":        {answer{body: "<html>"}, CauseAnswer, true},
		"no ticket":     {data(`{"username":"netbox@pve"}`), CauseAnswer, true},
		"null":          {data(`null`), CauseAnswer, true},
		"second factor": {data(`{"ticket":"PVE:!tfa!%7B%7D","NeedTFA":1}`), CauseCredentials, false},
		"tfa as text":   {data(`{"ticket":"x","NeedTFA":"1"}`), CauseCredentials, false},
	} {
		pve := newServer(map[string]answer{"/access/ticket": tt.answer})
		c := open(t, withPassword("secret"), Options{Transport: pveWithoutLogin{pve}})
		for range 2 {
			_, err := c.Version(t.Context())
			var ee *EndpointError
			if !errors.As(err, &ee) || ee.Cause != tt.cause {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n := pve.count("/access/ticket"); (n == 2) != tt.again {
			t.Errorf("%s: %d logins", name, n)
		}
	}
}

// TestLoginGivenUp: who gives up waiting does not spoil the login of others.
func TestLoginGivenUp(t *testing.T) {
	pve := newServer(estate())
	pve.password = "secret"
	c := open(t, withPassword("secret"), Options{Transport: pve})
	c.auth.turn <- struct{}{} // somebody is logging in
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := c.Get(ctx, "/nodes", nil)
		done <- err
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	<-c.auth.turn
	if _, err := c.Get(t.Context(), "/nodes", nil); err != nil || pve.logins != 1 {
		t.Errorf("%v after %d logins", err, pve.logins)
	}
}

func TestCredentials(t *testing.T) {
	for name, tt := range map[string]struct {
		change    func(*domain.ProxmoxEndpoint)
		principal string // "" when it is refused
		header    string
	}{
		"token":            {func(*domain.ProxmoxEndpoint) {}, "netbox@pve!sync", "PVEAPIToken=netbox@pve!sync=s3cret-value"},
		"full token name":  {func(e *domain.ProxmoxEndpoint) { e.Username, e.TokenName = "", "root@pam!x" }, "root@pam!x", "PVEAPIToken=root@pam!x=s3cret-value"},
		"token first":      {func(e *domain.ProxmoxEndpoint) { e.Password = "p" }, "netbox@pve!sync", "PVEAPIToken=netbox@pve!sync=s3cret-value"},
		"password":         {func(e *domain.ProxmoxEndpoint) { e.TokenValue, e.Password = "", "p" }, "netbox@pve", ""},
		"no user":          {func(e *domain.ProxmoxEndpoint) { e.Username = "" }, "", ""},
		"nothing":          {func(e *domain.ProxmoxEndpoint) { e.TokenValue = "" }, "", ""},
		"password, no one": {func(e *domain.ProxmoxEndpoint) { e.TokenName, e.Username, e.Password = "", "", "p" }, "", ""},
	} {
		ep := token()
		tt.change(&ep)
		pve := newServer(map[string]answer{"/version": data(`{"version":"9.0.10"}`)})
		pve.password = ep.Password.Reveal()
		if tt.header != "" {
			pve.password = ""
		}
		c, err := Open(ep, Options{Transport: pve})
		if (err != nil) != (tt.principal == "") {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil {
			if !strings.Contains(err.Error(), "username") {
				t.Errorf("%s: %v does not say what to set", name, err)
			}
			continue
		}
		if _, err := c.Version(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		last := pve.log[len(pve.log)-1]
		if c.auth.principal() != tt.principal || last.Header.Get("Authorization") != tt.header || (last.Header.Get("Cookie") != "") != (tt.header == "") {
			t.Errorf("%s: %s with %v", name, c.auth.principal(), last.Header)
		}
	}
}
