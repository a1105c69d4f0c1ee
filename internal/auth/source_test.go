package auth

import (
	"net/netip"
	"testing"
)

func TestClientIP(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:1::/48")}
	for _, tt := range []struct {
		name      string
		peer      string
		forwarded []string
		want      string
	}{
		{"no proxy", "192.0.2.1:5000", nil, "192.0.2.1"},
		{"a header that nobody trusted wrote", "192.0.2.1:5000", []string{"198.51.100.1"}, "192.0.2.1"},
		{"a trusted proxy", "10.0.0.1:5000", []string{"198.51.100.1"}, "198.51.100.1"},
		{"right to left", "10.0.0.1:5000", []string{"203.0.113.9, 198.51.100.1"}, "198.51.100.1"},
		{"through trusted ones", "10.0.0.1:5000", []string{"203.0.113.9, 198.51.100.1, 10.0.0.2"}, "198.51.100.1"},
		{"in several headers", "10.0.0.1:5000", []string{"203.0.113.9", "198.51.100.1, 10.0.0.2"}, "198.51.100.1"},
		{"trusted ones alone", "10.0.0.1:5000", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"no header", "10.0.0.1:5000", nil, "10.0.0.1"},
		{"nonsense", "10.0.0.1:5000", []string{"198.51.100.1, unknown"}, "10.0.0.1"},
		{"with port", "10.0.0.1:5000", []string{"198.51.100.1:4000"}, "198.51.100.1"},
		{"IPv6", "[2001:db8:1::1]:5000", []string{"[2001:db8:2::1]:4000"}, "2001:db8:2::1"},
		{"IPv6 in brackets", "[2001:db8:1::1]:5000", []string{"[2001:db8:2::1]"}, "2001:db8:2::1"},
		{"IPv4 in IPv6", "[::ffff:10.0.0.1]:5000", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		{"zone", "[fe80::1%eth0]:5000", nil, "fe80::1"},
		{"no address", "@", []string{"198.51.100.1"}, "invalid IP"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := ClientIP(tt.peer, tt.forwarded, trusted); got.String() != tt.want {
				t.Errorf("ClientIP = %s; want %s", got, tt.want)
			}
		})
	}
}

func TestSource(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1":           "192.0.2.1",
		"::ffff:192.0.2.1":    "192.0.2.1",
		"2001:db8:1:2:3::4":   "2001:db8:1:2::/64",
		"2001:db8:1:2:ffff::": "2001:db8:1:2::/64",
		"fe80::1%eth0":        "fe80::/64",
	} {
		if got := Source(netip.MustParseAddr(in)); got != want {
			t.Errorf("Source(%s) = %s; want %s", in, got, want)
		}
	}
	if got := Source(netip.Addr{}); got != "unknown" {
		t.Errorf("Source of no address = %s", got)
	}
}

func FuzzClientIP(f *testing.F) {
	f.Add("10.0.0.1:1", "1.2.3.4, [::1]:2")
	trusted := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	f.Fuzz(func(t *testing.T, peer, forwarded string) {
		Source(ClientIP(peer, []string{forwarded}, trusted))
	})
}
