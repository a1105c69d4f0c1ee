package domain

import "net/netip"

// SDN is the software defined network of a cluster as it is configured, applied
// or not. A list is known when every object is among its values; what was read
// of another is its value all the same.
type SDN struct {
	Zones Known[[]SDNZone] // ordered by name
	VNets Known[[]SDNVNet] // ordered by name
}

// SDNZone is one zone of the SDN.
type SDNZone struct {
	Name    string
	Options map[string]string // every other option as text: type, peers, mtu, ...
	Raw     map[string]any    // the whole row, with scalars as text
}

// SDNVNet is one virtual network of a zone; its name is unique in the cluster.
type SDNVNet struct {
	Name    string
	Zone    string
	Options map[string]string
	Raw     map[string]any
	Subnets Known[[]SDNSubnet]
}

// SDNSubnet is one subnet of a virtual network.
type SDNSubnet struct {
	ID      string       // as Proxmox has it: "lan-10.0.0.0-24"
	Network netip.Prefix // masked; the zero prefix when the row does not say
	Options map[string]string
	Raw     map[string]any
}
