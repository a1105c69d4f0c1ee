package proxmox

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"proxbox/internal/domain"
)

// agentResult unwraps {"result": …}, in which the agent may also report an
// error of its own. An answer without the wrapping is taken as it is.
func agentResult(raw json.RawMessage) (json.RawMessage, error) {
	body := raw
	var outer map[string]json.RawMessage
	if json.Unmarshal(raw, &outer) == nil {
		if result, ok := outer["result"]; ok {
			body = result
		}
	}
	var failed struct {
		Error *struct {
			Class text `json:"class"`
			Desc  text `json:"desc"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &failed) == nil && failed.Error != nil {
		return nil, &AgentError{Class: string(failed.Error.Class), Desc: strings.TrimSpace(string(failed.Error.Desc))}
	}
	return body, nil
}

// interfaceRow is a row of the agent's list, and of both forms of
// /lxc/{vmid}/interfaces.
type interfaceRow struct {
	Name            text            `json:"name"`
	HardwareAddress text            `json:"hardware-address"`
	HWAddr          text            `json:"hwaddr"`
	Addresses       json.RawMessage `json:"ip-addresses"`
	Inet            text            `json:"inet"`  // 10.0.0.5/24
	Inet6           text            `json:"inet6"` // fe80::1/64
}

type addressRow struct {
	Address text   `json:"ip-address"`
	Prefix  number `json:"prefix"`
}

// parseGuestInterfaces reads what a guest says of its interfaces, either from
// the QEMU agent or from /lxc/{vmid}/interfaces. Only addresses that cannot
// be parsed are left out; an empty list is no answer, for every running
// system has a loopback.
func parseGuestInterfaces(raw json.RawMessage) ([]domain.GuestInterface, []oddRow, error) {
	body, err := agentResult(raw)
	if err != nil {
		return nil, nil, err
	}
	rows, odd, err := decodeRows[interfaceRow](body)
	if err != nil {
		return nil, nil, fmt.Errorf("the interfaces of the guest: %w", err)
	}
	if len(rows)+len(odd) == 0 {
		return nil, nil, fmt.Errorf("%w: the guest named no interface at all", errNoData)
	}
	out := make([]domain.GuestInterface, 0, len(rows))
	for _, row := range rows {
		addrs, err := row.prefixes()
		if err != nil {
			odd = append(odd, oddRow{row.Addresses, err})
		}
		out = append(out, domain.GuestInterface{
			Name:      strings.TrimSpace(string(row.Name)),
			MAC:       cmp.Or(parseMAC(string(row.HardwareAddress)), parseMAC(string(row.HWAddr))),
			Addresses: addrs,
		})
	}
	return out, odd, nil
}

// prefixes are the interface's addresses, each once; an interface that is
// just coming up has no list of them.
func (row interfaceRow) prefixes() ([]netip.Prefix, error) {
	var out []netip.Prefix
	add := func(p netip.Prefix) {
		if !slices.ContainsFunc(out, func(q netip.Prefix) bool { return p.Addr() == q.Addr() }) {
			out = append(out, p)
		}
	}
	if len(row.Addresses) > 0 && string(row.Addresses) != "null" {
		list, odd, err := decodeRows[addressRow](row.Addresses)
		if err == nil && len(odd) > 0 {
			err = odd[0].err
		}
		if err != nil {
			return nil, err
		}
		for _, a := range list {
			if p, ok := a.prefix(); ok {
				add(p)
			}
		}
	}
	for _, flat := range []text{row.Inet, row.Inet6} {
		for word := range strings.FieldsFuncSeq(string(flat), func(r rune) bool { return r == ' ' || r == ',' }) {
			if p, ok := parseAddress(word); ok {
				add(p)
			}
		}
	}
	return out, nil
}

// prefix is the address with its mask. An old agent on Windows says -1 where
// it does not know the mask: the address then stands for itself alone.
func (a addressRow) prefix() (netip.Prefix, bool) {
	if strings.Contains(string(a.Address), "/") {
		return parseAddress(string(a.Address))
	}
	addr, ok := parseIP(string(a.Address))
	if !ok {
		return netip.Prefix{}, false
	}
	bits := a.Prefix.int()
	if !a.Prefix.set || bits < 0 || bits > addr.BitLen() {
		bits = addr.BitLen()
	}
	return netip.PrefixFrom(addr, bits), true
}

// parseAgentOS reads get-osinfo.
func parseAgentOS(raw json.RawMessage) (domain.AgentOS, error) {
	body, err := agentResult(raw)
	if err != nil {
		return domain.AgentOS{}, err
	}
	var row struct {
		Name       text `json:"name"`
		VersionID  text `json:"version-id"`
		PrettyName text `json:"pretty-name"`
	}
	if err := json.Unmarshal(body, &row); err != nil {
		return domain.AgentOS{}, fmt.Errorf("the guest's operating system: %w", err)
	}
	os := domain.AgentOS{Name: string(row.Name), VersionID: string(row.VersionID), PrettyName: string(row.PrettyName)}
	if os == (domain.AgentOS{}) {
		return os, fmt.Errorf("%w: the guest named no operating system", errNoData)
	}
	return os, nil
}

// parseHostname reads get-host-name.
func parseHostname(raw json.RawMessage) (string, error) {
	body, err := agentResult(raw)
	if err != nil {
		return "", err
	}
	var row struct {
		Name text `json:"host-name"`
	}
	if err := json.Unmarshal(body, &row); err != nil {
		return "", fmt.Errorf("the guest's host name: %w", err)
	}
	return strings.TrimSpace(string(row.Name)), nil
}
