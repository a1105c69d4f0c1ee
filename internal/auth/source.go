package auth

import (
	"net/netip"
	"strings"
)

// ClientIP returns who sent a request: the peer, or, when the peer is a
// trusted proxy, the last address in X-Forwarded-For that is not one. Peer is
// http.Request.RemoteAddr, forwarded the values of the header in their order.
// The zero Addr means that the peer has no address.
func ClientIP(peer string, forwarded []string, trusted []netip.Prefix) netip.Addr {
	client := parseHop(peer)
	hops := strings.Split(strings.Join(forwarded, ","), ",")
	for i := len(hops) - 1; i >= 0 && isTrusted(client, trusted); i-- {
		hop := parseHop(hops[i])
		if !hop.IsValid() {
			break // whoever wrote this, the last trusted hop passed it on
		}
		client = hop
	}
	return client
}

// Source is what failures of an address are counted under: the address
// itself, or its /64 for IPv6, where one host has as many as it likes.
func Source(client netip.Addr) string {
	client = client.Unmap()
	if !client.IsValid() {
		return "unknown"
	}
	if client.Is6() {
		prefix, _ := client.WithZone("").Prefix(64) // 64 is no more than 128
		return prefix.String()
	}
	return client.String()
}

func isTrusted(client netip.Addr, trusted []netip.Prefix) bool {
	for _, p := range trusted {
		if p.Contains(client) {
			return true
		}
	}
	return false
}

// parseHop reads an address with or without a port; the zero Addr is none.
func parseHop(text string) netip.Addr {
	text = strings.TrimSpace(text)
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return withPort.Addr().Unmap().WithZone("")
	}
	client, _ := netip.ParseAddr(strings.Trim(text, "[]"))
	return client.Unmap().WithZone("")
}
