package proxmoxsim

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// StandAlone makes the estate a stand-alone host: its first node, with all
// guests on it.
func (e *Estate) StandAlone() {
	e.Cluster, e.Nodes = "", e.Nodes[:1]
	for i := range e.Guests {
		e.Guests[i].Node = e.Nodes[0].Name
	}
	for _, s := range e.Storages {
		delete(s.Config, "nodes")
		for i := range s.Backups {
			if s.Backups[i].Node != "" {
				s.Backups[i].Node = e.Nodes[0].Name
			}
		}
	}
	e.Replications = nil // there is no other node
}

// Remove takes a guest out of the estate.
func (e *Estate) Remove(vmid int) {
	e.Guest(vmid) // there must be one
	e.Guests = slices.DeleteFunc(e.Guests, func(g Guest) bool { return g.VMID == vmid })
}

// Deny makes a path below /api2/json answer 403, as for want of a privilege.
func (e *Estate) Deny(path, privilege string) {
	e.Fail(path, Fault{Status: 403, Message: fmt.Sprintf("Permission check failed (%s)", privilege)})
}

// Fail makes a path below /api2/json answer with an error.
func (e *Estate) Fail(path string, f Fault) {
	if e.Faults == nil {
		e.Faults = map[string]Fault{}
	}
	e.Faults[path] = f
}

// Path is where the guest answers, below /api2/json.
func (g *Guest) Path(rest ...string) string {
	return strings.Join(append([]string{"/nodes", g.Node, string(g.Type), strconv.Itoa(g.VMID)}, rest...), "/")
}

// Rename gives the guest another name.
func (g *Guest) Rename(name string) { g.Config[g.nameOption()] = name }

// Move puts the guest on another node.
func (g *Guest) Move(node string) { g.Node = node }

// Stop ends the guest.
func (g *Guest) Stop() { g.Status = "stopped" }

// Start runs the guest, with what its pending options change.
func (g *Guest) Start() {
	g.Status = "running"
	g.Config, g.Pending = g.next(), nil
}

// next is the configuration after the next start.
func (g *Guest) next() Row {
	if len(g.Pending) == 0 {
		return g.Config
	}
	out := maps.Clone(g.Config)
	for key, value := range g.Pending {
		if value == nil {
			delete(out, key)
			continue
		}
		out[key] = value
	}
	return out
}

// Set changes an option of the configuration: net0, scsi1, tags, ...
func (g *Guest) Set(option string, value any) { g.Config[option] = value }

// Unset takes options out of the configuration. They must be there.
func (g *Guest) Unset(options ...string) {
	for _, option := range options {
		if _, there := g.Config[option]; !there {
			panic(fmt.Sprintf("guest %d has no %s", g.VMID, option))
		}
		delete(g.Config, option)
	}
}

// Add puts a value into the first free option of a kind ("net", "scsi",
// "mp") and returns the option.
func (g *Guest) Add(kind, value string) string {
	for i := 0; ; i++ {
		option := kind + strconv.Itoa(i)
		if _, taken := g.Config[option]; !taken {
			g.Config[option] = value
			return option
		}
	}
}

// Readdress replaces an address by another wherever it occurs: in the
// configuration and in what the guest says of itself. It must occur.
func (g *Guest) Readdress(from, to string) {
	before, after := netip.MustParsePrefix(from), netip.MustParsePrefix(to)
	found := false
	for key, value := range g.Config {
		if !strings.HasPrefix(key, "net") && !strings.HasPrefix(key, "ipconfig") {
			continue
		}
		parts := strings.Split(word(value), ",")
		for i, part := range parts {
			k, v, _ := strings.Cut(part, "=")
			if p, err := netip.ParsePrefix(v); err == nil && p == before {
				parts[i], found = k+"="+to, true
			}
		}
		g.Config[key] = strings.Join(parts, ",")
	}
	if g.Agent != nil {
		for _, nic := range g.Agent.Interfaces {
			for i, a := range nic.Addresses {
				if a.Address == before.Addr().String() {
					nic.Addresses[i].Address, nic.Addresses[i].Prefix, found = after.Addr().String(), after.Bits(), true
				}
			}
		}
	}
	for i := range g.Interfaces {
		for _, cidr := range []*string{&g.Interfaces[i].Inet, &g.Interfaces[i].Inet6} {
			if *cidr == from {
				*cidr, found = to, true
			}
		}
	}
	if !found {
		panic(fmt.Sprintf("guest %d does not have the address %s", g.VMID, from))
	}
}
