package proxmox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"proxbox/internal/domain"
)

// ticketLife is how long a ticket is used. Proxmox lets it live two hours.
const ticketLife = 90 * time.Minute

// refusalLife is how long a refused password is not tried again: each try
// takes Proxmox three seconds, and a directory server may lock the account.
const refusalLife = 30 * time.Second

var errSecondFactor = errors.New("this user logs in with a second factor, which a service cannot give")

// auth adds the credentials: an API token as it is, or a ticket for which it
// logs in once, however many requests wait for it, and again when it has
// grown old or was refused.
type auth struct {
	next     http.RoundTripper
	token    string // user@realm!name=value
	user     string
	password domain.Secret
	now      func() time.Time

	turn   chan struct{} // holds one: the turn to log in
	ticket atomic.Pointer[ticket]
}

// ticket is what a login brought.
type ticket struct {
	cookie  string
	issued  time.Time
	refused error // in place of a cookie: the password is wrong
}

func newAuth(ep domain.ProxmoxEndpoint, next http.RoundTripper, now func() time.Time) (*auth, error) {
	a := &auth{next: next, user: ep.Username, password: ep.Password, now: now, turn: make(chan struct{}, 1)}
	if ep.TokenName != "" && ep.TokenValue != "" {
		id := ep.TokenName
		if !strings.Contains(id, "!") {
			if ep.Username == "" {
				return nil, fmt.Errorf("endpoint %q of Proxmox has the token %q but no username: set username (user@realm), or token_name as user@realm!name", ep.Name, id)
			}
			id = ep.Username + "!" + id
		}
		a.user, _, _ = strings.Cut(id, "!")
		a.token = id + "=" + ep.TokenValue.Reveal()
		return a, nil
	}
	if ep.Username == "" || ep.Password == "" {
		return nil, fmt.Errorf("endpoint %q of Proxmox has no credentials: set token_name and token_value, or username and password", ep.Name)
	}
	return a, nil
}

// principal is whom Proxmox takes us for: user@realm or user@realm!name.
func (a *auth) principal() string {
	if id, _, ok := strings.Cut(a.token, "="); ok {
		return id
	}
	return a.user
}

// RoundTrip implements http.RoundTripper.
func (a *auth) RoundTrip(req *http.Request) (*http.Response, error) {
	if a.token != "" {
		out := req.Clone(req.Context())
		out.Header.Set("Authorization", "PVEAPIToken="+a.token)
		return a.next.RoundTrip(out)
	}
	t, err := a.valid(req.Context(), req.URL, a.ticket.Load())
	if err != nil {
		return nil, err
	}
	resp, err := a.next.RoundTrip(t.on(req))
	if !Unauthorized(err) {
		return resp, err
	}
	// The ticket was refused before its time: one more login, one more try.
	if t, err = a.renewed(req.Context(), req.URL, t); err != nil {
		return nil, err
	}
	return a.next.RoundTrip(t.on(req))
}

func (t *ticket) on(req *http.Request) *http.Request {
	out := req.Clone(req.Context())
	out.Header.Set("Cookie", "PVEAuthCookie="+t.cookie)
	return out
}

func (a *auth) valid(ctx context.Context, base *url.URL, t *ticket) (*ticket, error) {
	if t != nil && a.now().Sub(t.issued) < t.life() {
		return t, t.refused
	}
	return a.renewed(ctx, base, t)
}

func (t *ticket) life() time.Duration {
	if t.refused != nil {
		return refusalLife
	}
	return ticketLife
}

// renewed returns a ticket newer than the old one. Only one caller logs in;
// the others find what it brought when their turn comes.
func (a *auth) renewed(ctx context.Context, base *url.URL, old *ticket) (*ticket, error) {
	select {
	case a.turn <- struct{}{}:
		defer func() { <-a.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if t := a.ticket.Load(); t != nil && t != old {
		return t, t.refused
	}
	t, err := a.login(ctx, base)
	if err != nil {
		err = fmt.Errorf("logging in as %s: %w", a.user, err)
		if !Unauthorized(err) && !errors.Is(err, errSecondFactor) {
			return nil, err
		}
		t = &ticket{issued: a.now(), refused: err}
	}
	a.ticket.Store(t)
	return t, t.refused
}

func (a *auth) login(ctx context.Context, base *url.URL) (*ticket, error) {
	form := url.Values{"username": {a.user}, "password": {a.password.Reveal()}}
	target := url.URL{Scheme: base.Scheme, Host: base.Host, Path: ticketPath}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := a.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		Data struct {
			Ticket  text `json:"ticket"`
			NeedTFA flag `json:"NeedTFA"`
		} `json:"data"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return nil, fmt.Errorf("reading the ticket: %w", err)
	}
	if answer.Data.NeedTFA.on || strings.Contains(string(answer.Data.Ticket), "!tfa!") {
		return nil, errSecondFactor
	}
	if answer.Data.Ticket == "" {
		return nil, fmt.Errorf("%w: the login brought no ticket", errNoData)
	}
	return &ticket{cookie: string(answer.Data.Ticket), issued: a.now()}, nil
}
