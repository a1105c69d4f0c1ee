package proxmox

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"

	"proxbox/internal/domain"
)

var nicKey = regexp.MustCompile(`^net(\d{1,4})$`)

// parseNICs reads every netN of a configuration, gaps and all, with the
// addresses of the ipconfigN that belongs to it.
func parseNICs(t domain.GuestType, opts map[string]text) []domain.NIC {
	var nics []domain.NIC
	for key, value := range opts {
		m := nicKey.FindStringSubmatch(key)
		if m == nil {
			continue
		}
		index, err := strconv.Atoi(m[1])
		if err != nil {
			continue
		}
		var nic domain.NIC
		if t == domain.LXC {
			nic = parseContainerNIC(string(value))
		} else {
			nic = parseMachineNIC(string(value))
			ipconfig := parseProperties(string(opts["ipconfig"+m[1]]))
			nic.Addresses, nic.Gateways = configuredAddresses(ipconfig)
		}
		nic.Key, nic.Index = key, index
		nics = append(nics, nic)
	}
	slices.SortFunc(nics, func(a, b domain.NIC) int { return a.Index - b.Index })
	return nics
}

// parseMachineNIC reads QEMU's "virtio=AA:BB:CC:DD:EE:FF,bridge=vmbr0,…" and
// the long form "model=virtio,macaddr=…". The model is whatever key holds a
// MAC address, so that one that is not known yet is read as well.
func parseMachineNIC(s string) domain.NIC {
	ps := parseProperties(s)
	nic := commonNIC(ps)
	nic.Model = ps.text("model", "")
	nic.MAC = parseMAC(ps.text("macaddr"))
	for _, p := range ps {
		if p.key == "" || p.key == "macaddr" {
			continue
		}
		if mac := parseMAC(p.value); mac != "" {
			nic.Model, nic.MAC = p.key, mac
			break
		}
	}
	return nic
}

// parseContainerNIC reads LXC's "name=eth0,hwaddr=…,ip=…,type=veth".
func parseContainerNIC(s string) domain.NIC {
	ps := parseProperties(s)
	nic := commonNIC(ps)
	nic.Name = ps.text("name")
	nic.MAC = parseMAC(ps.text("hwaddr"))
	if nic.Model = ps.text("type"); nic.Model == "" {
		nic.Model = "veth"
	}
	nic.Addresses, nic.Gateways = configuredAddresses(ps)
	return nic
}

func commonNIC(ps properties) domain.NIC {
	nic := domain.NIC{
		Bridge:   ps.text("bridge"),
		VLAN:     validVLAN(ps.count("tag")),
		Trunks:   parseTrunks(ps.text("trunks")),
		LinkDown: ps.on("link_down"),
		Firewall: ps.on("firewall"),
		RateMBps: max(0, parseNumber(ps.text("rate")).value),
	}
	if mtu := ps.count("mtu"); mtu > 1 { // 1 stands for the bridge's
		nic.MTU = mtu
	}
	return nic
}

// configuredAddresses reads ip=, ip6=, gw= and gw6=; dhcp, auto and manual
// configure no address.
func configuredAddresses(ps properties) (addrs []netip.Prefix, gateways []netip.Addr) {
	for _, key := range []string{"ip", "ip6"} {
		if a, ok := parseAddress(ps.text(key)); ok {
			addrs = append(addrs, a)
		}
	}
	for _, key := range []string{"gw", "gw6"} {
		if a, ok := parseIP(ps.text(key)); ok {
			gateways = append(gateways, a)
		}
	}
	return addrs, gateways
}
