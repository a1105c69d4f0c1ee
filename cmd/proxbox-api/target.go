package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"proxbox/internal/domain"
	"proxbox/internal/settings"
	"proxbox/internal/store"
)

// netboxFlags name a NetBox on the command line.
type netboxFlags struct {
	url      string
	token    secretFlag
	insecure bool
}

func (f *netboxFlags) add(flags *pflag.FlagSet, prefix string) {
	f.token = secretFlag{name: prefix + "token", env: settings.NetBoxToken, envFile: settings.NetBoxTokenFile}
	flags.StringVar(&f.url, prefix+"url", "", "`address` of NetBox, such as https://netbox.example.org ("+settings.NetBoxURL.Env+")")
	f.token.add(flags, "NetBox API token")
}

// change is what is given, as it would be stored; nil when no NetBox is named.
func (f *netboxFlags) change(ctx context.Context, p *program, v *settings.Values) (*store.NetBoxChange, error) {
	text := cmp.Or(f.url, settings.NetBoxURL.In(v))
	if text == "" {
		return nil, nil
	}
	a, err := parseNetBoxURL(text, f.insecure || settings.Insecure.In(v))
	if err != nil {
		return nil, err
	}
	token, err := p.secretOrAsk(ctx, &f.token, v, "NetBox API token")
	if err != nil {
		return nil, err
	}
	return &store.NetBoxChange{
		Name: store.To(a.host), IPAddress: store.To(a.ip), Domain: store.To(a.domain), Port: store.To(a.port),
		VerifySSL: store.To(a.verify), Token: store.To(token),
	}, nil
}

// proxmoxFlags name a Proxmox VE on the command line.
type proxmoxFlags struct {
	url      string
	tokenID  string
	secret   secretFlag
	username string
	password secretFlag
	insecure bool
}

func (f *proxmoxFlags) add(flags *pflag.FlagSet, prefix string) {
	f.secret = secretFlag{name: prefix + "token-secret", env: settings.ProxmoxTokenSecret, envFile: settings.ProxmoxTokenSecretFile}
	f.password = secretFlag{name: prefix + "password", env: settings.ProxmoxPassword, envFile: settings.ProxmoxPasswordFile}
	flags.StringVar(&f.url, prefix+"url", "", "`address` of one node of a Proxmox VE, such as https://pve1.example.org:8006 ("+settings.ProxmoxURL.Env+")")
	flags.StringVar(&f.tokenID, prefix+"token-id", "", "API token, as `user@realm!name` ("+settings.ProxmoxTokenID.Env+")")
	f.secret.add(flags, "secret of the API token")
	flags.StringVar(&f.username, prefix+"username", "", "`user@realm`, where there is no API token ("+settings.ProxmoxUsername.Env+")")
	f.password.add(flags, "password of the user")
}

// change is what is given, as it would be stored; nil when no Proxmox is
// named.
func (f *proxmoxFlags) change(ctx context.Context, p *program, v *settings.Values) (*store.ProxmoxChange, error) {
	text := cmp.Or(f.url, settings.ProxmoxURL.In(v))
	if text == "" {
		return nil, nil
	}
	a, err := parseProxmoxURL(text, f.insecure || settings.Insecure.In(v))
	if err != nil {
		return nil, err
	}
	c := &store.ProxmoxChange{
		Name: store.To(a.host), IPAddress: store.To(a.ip), Domain: store.To(a.domain), Port: store.To(a.port), VerifySSL: store.To(a.verify),
		Username: store.To(cmp.Or(f.username, settings.ProxmoxUsername.In(v))),
	}
	tokenID := cmp.Or(f.tokenID, settings.ProxmoxTokenID.In(v))
	if f.username != "" && f.tokenID == "" {
		tokenID = "" // the flag goes before the environment
	}
	if tokenID == "" && c.Username.Value == "" {
		return nil, errors.New("who logs in to Proxmox is not said: give --token-id user@realm!name with its secret (or --proxmox-token-id for sync and plan), " +
			"or set " + settings.ProxmoxTokenID.Env)
	}
	if tokenID != "" {
		user, name, ok := strings.Cut(tokenID, "!")
		if !ok {
			return nil, errors.New("the API token's id has no !: write it as Proxmox does, user@realm!name")
		}
		secret, err := p.secretOrAsk(ctx, &f.secret, v, "secret of the API token "+tokenID)
		if err != nil {
			return nil, err
		}
		c.Username, c.TokenName, c.TokenValue = store.To(user), store.To(name), store.To(secret)
		return c, nil
	}
	password, err := p.secretOrAsk(ctx, &f.password, v, "password of "+c.Username.Value)
	if err != nil {
		return nil, err
	}
	c.Password = store.To(password)
	return c, nil
}

func (p *program) secretOrAsk(ctx context.Context, s *secretFlag, v *settings.Values, what string) (domain.Secret, error) {
	text, err := s.given(p, v)
	if err == nil && text == "" {
		text, err = p.ask(ctx, what)
	}
	return text, err
}

// givenID is the row id of an endpoint that is not stored: the same for the
// same address, and far from those that the store gives.
func givenID(e domain.ProxmoxEndpoint) int {
	h := fnv.New32a()
	fmt.Fprintf(h, "%s:%d", strings.ToLower(e.Host()), e.Port)
	return 1<<30 | int(h.Sum32()>>2)
}

// address is where an endpoint is, and whether its certificate is verified.
type address struct {
	host   string // as given, for people
	ip     string
	domain string // one of the two is ""
	port   int
	verify bool
}

func parseURL(text string) (*url.URL, address, error) {
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" {
		return nil, address{}, errors.New("the address cannot be read: write it as https://host or https://host:port")
	}
	if u.User != nil {
		return nil, address{}, errors.New("the address holds a user or password: give those by their own flags")
	}
	a := address{host: u.Hostname(), domain: u.Hostname()}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil {
		a.ip, a.domain = ip.String(), ""
	}
	if u.Port() != "" {
		if a.port, err = strconv.Atoi(u.Port()); err != nil || a.port < 1 || a.port > 65535 {
			return nil, address{}, fmt.Errorf("%s is no port: it is a number from 1 to 65535", u.Port())
		}
	}
	return u, a, nil
}

func parseNetBoxURL(text string, insecure bool) (address, error) {
	u, a, err := parseURL(text)
	if err != nil {
		return a, err
	}
	if path := strings.Trim(u.Path, "/"); path != "" && path != "api" {
		return a, fmt.Errorf("NetBox below a path (/%s) is not supported: give the address of a NetBox that has a host name of its own", path)
	}
	switch u.Scheme {
	case "http":
		if a.port == 0 {
			a.port = 80
		}
		if a.port == 443 {
			return a, errors.New("port 443 speaks https: write https:// for NetBox")
		}
	case "https":
		if a.port == 0 {
			a.port = 443
		}
		// An endpoint has a port and a switch, as the plugin has it: without
		// verification any other port means http.
		if a.verify = !insecure; insecure && a.port != 443 {
			return a, fmt.Errorf("https on port %d works only with a certificate that is verified: trust its authority (SSL_CERT_FILE names a file of them), or use port 443", a.port)
		}
	default:
		return a, fmt.Errorf("%s:// is no way to NetBox: write https:// or http://", u.Scheme)
	}
	return a, nil
}

func parseProxmoxURL(text string, insecure bool) (address, error) {
	u, a, err := parseURL(text)
	if err != nil {
		return a, err
	}
	if u.Scheme != "https" {
		return a, fmt.Errorf("%s:// is no way to Proxmox, which serves its API over https alone", u.Scheme)
	}
	if a.port == 0 {
		a.port = 8006
	}
	a.verify = !insecure
	return a, nil
}

// flagOf says, by the wire's names, what the person gave.
var flagOf = map[string]string{
	"token": "the NetBox token", "token_key": "the NetBox token", "token_value": "the secret of the API token",
	"token_name": "the id of the API token", "password": "the password", "username": "the user",
	"ip_address": "the address", "domain": "the address", "port": "the port", "name": "the name",
}

// inFlags says a refusal of the store by what the person gave.
func inFlags(err error) error {
	var invalid *store.InvalidError
	if !errors.As(err, &invalid) || flagOf[invalid.Field] == "" {
		return err
	}
	out := *invalid
	out.Field = flagOf[invalid.Field]
	return &out
}
