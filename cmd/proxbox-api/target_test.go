package main

import (
	"strings"
	"testing"

	"proxbox/internal/domain"
)

func TestParseNetBoxURL(t *testing.T) {
	for _, tt := range []struct {
		url      string
		insecure bool
		want     string // base URL, and "verified" or "any"; or words of the error
		bad      bool
	}{
		{"https://netbox.example.org", false, "https://netbox.example.org:443 verified", false},
		{"netbox.example.org", false, "https://netbox.example.org:443 verified", false},
		{"https://netbox.example.org/api/", true, "https://netbox.example.org:443 any", false},
		{"https://netbox.example.org:8443", false, "https://netbox.example.org:8443 verified", false},
		{"https://netbox.example.org:8443", true, "certificate that is verified", true},
		{"http://netbox.example.org:8000", false, "http://netbox.example.org:8000 any", false},
		{"http://10.0.0.5", false, "http://10.0.0.5:80 any", false},
		{"http://netbox.example.org:443", false, "speaks https", true},
		{"https://[2001:db8::5]", false, "https://[2001:db8::5]:443 verified", false},
		{"https://example.org/netbox", false, "below a path", true},
		{"https://user:pass@example.org", false, "holds a user", true},
		{"ftp://example.org", false, "no way to NetBox", true},
		{"https://example.org:0", false, "is no port", true},
		{"https://", false, "cannot be read", true},
	} {
		a, err := parseNetBoxURL(tt.url, tt.insecure)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			e := domain.NetBoxEndpoint{IPAddress: a.ip, Domain: a.domain, Port: a.port, VerifySSL: a.verify}
			got = e.BaseURL() + " " + verified(true, e.VerifySSL)
		}
		if tt.bad != (err != nil) || !strings.Contains(got, tt.want) || strings.Contains(got, "pass@") {
			t.Errorf("parseNetBoxURL(%q, %v) = %q, want %q", tt.url, tt.insecure, got, tt.want)
		}
	}
}

func TestParseProxmoxURL(t *testing.T) {
	for _, tt := range []struct {
		url, want string
		bad       bool
	}{
		{"https://pve1.example.org:8006", "https://pve1.example.org:8006", false},
		{"pve1.example.org", "https://pve1.example.org:8006", false},
		{"https://10.0.0.1:443/", "https://10.0.0.1:443", false},
		{"http://pve1.example.org", "https alone", true},
	} {
		a, err := parseProxmoxURL(tt.url, false)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = domain.ProxmoxEndpoint{IPAddress: a.ip, Domain: a.domain, Port: a.port}.BaseURL()
		}
		if tt.bad != (err != nil) || !strings.Contains(got, tt.want) {
			t.Errorf("parseProxmoxURL(%q) = %q, want %q", tt.url, got, tt.want)
		}
	}
}

// An endpoint that is not stored is the same one in every run, and no other.
func TestGivenID(t *testing.T) {
	id := func(host string, port int) int { return givenID(domain.ProxmoxEndpoint{Domain: host, Port: port}) }
	if id("pve1", 8006) != id("PVE1", 8006) || id("pve1", 8006) == id("pve2", 8006) || id("pve1", 8006) == id("pve1", 443) {
		t.Error("the ids of endpoints that are not stored do not follow their addresses")
	}
	if n := id("pve1", 8006); n < 1<<30 || n > 1<<31-1 {
		t.Errorf("the id %d is among those of stored endpoints, or too large for NetBox", n)
	}
}
