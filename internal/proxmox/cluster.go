package proxmox

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"proxbox/internal/domain"
)

// resourceRow is a row of /cluster/resources, of the types that matter here.
type resourceRow struct {
	Type     text   `json:"type"`
	ID       text   `json:"id"`
	Node     text   `json:"node"`
	VMID     number `json:"vmid"`
	Name     text   `json:"name"`
	Status   text   `json:"status"`
	Template flag   `json:"template"`
	Pool     text   `json:"pool"`
	Lock     text   `json:"lock"`
	HAState  text   `json:"hastate"`
	Tags     text   `json:"tags"`
	MaxCPU   number `json:"maxcpu"`
	MaxMem   number `json:"maxmem"`
	Level    text   `json:"level"`
}

// statusRow is a row of /cluster/status: the cluster, or one of its nodes.
type statusRow struct {
	Type    text   `json:"type"`
	ID      text   `json:"id"`
	Name    text   `json:"name"`
	Quorate flag   `json:"quorate"`
	Version number `json:"version"`
	NodeID  number `json:"nodeid"`
	Online  flag   `json:"online"`
	Local   flag   `json:"local"`
	IP      text   `json:"ip"`
	Level   text   `json:"level"`
}

// nodeRow is a row of /nodes.
type nodeRow struct {
	Node           text   `json:"node"`
	Status         text   `json:"status"`
	Level          text   `json:"level"`
	MaxCPU         number `json:"maxcpu"`
	MaxMem         number `json:"maxmem"`
	SSLFingerprint text   `json:"ssl_fingerprint"`
}

// readResources sorts the rows of /cluster/resources by type. Types that are
// not known here (storage, sdn, network, ...) are none of our business.
func (r *reading) readResources(raw json.RawMessage) error {
	rows, odd, err := decodeRows[resourceRow](raw)
	if err != nil {
		return err
	}
	if r.scope.Guests == nil {
		r.snap.Guests = make([]domain.Guest, 0, len(rows))
	}
	for _, row := range rows {
		switch row.Type {
		case "node":
			r.nodeRows = append(r.nodeRows, row)
		case "qemu", "lxc":
			g, err := row.guest()
			if err != nil {
				shown, _ := json.Marshal(map[string]string{"id": string(row.ID), "type": string(row.Type), "node": string(row.Node)})
				odd = append(odd, oddRow{shown, err})
				continue
			}
			if r.scope.wants(g.VMID) {
				r.snap.Guests = append(r.snap.Guests, g)
			}
		case "":
			shown, _ := json.Marshal(map[string]string{"id": string(row.ID)})
			odd = append(odd, oddRow{shown, errors.New("no type")})
		}
	}
	// A row that was not understood may have been a guest.
	r.odd.guests = len(odd) > 0
	r.oddRows("/cluster/resources", odd)
	slices.SortStableFunc(r.snap.Guests, func(a, b domain.Guest) int {
		return cmp.Or(cmp.Compare(a.VMID, b.VMID), cmp.Compare(a.Type, b.Type))
	})
	r.snap.Guests = slices.CompactFunc(r.snap.Guests, func(a, b domain.Guest) bool {
		return a.VMID == b.VMID && a.Type == b.Type
	})
	return nil
}

// guest is what the row says of a guest, which may be no more than that it is
// there.
func (row resourceRow) guest() (domain.Guest, error) {
	vmid := row.VMID.int()
	if vmid <= 0 {
		_, number, _ := strings.Cut(string(row.ID), "/")
		if vmid, _ = strconv.Atoi(number); vmid <= 0 {
			return domain.Guest{}, errors.New("no vmid")
		}
	}
	return domain.Guest{
		VMID: vmid, Type: domain.GuestType(row.Type),
		Name: strings.TrimSpace(string(row.Name)), Node: string(row.Node), Status: string(row.Status),
		Template: row.Template.on, Pool: strings.TrimPrefix(string(row.Pool), "/pool/"),
		Lock: string(row.Lock), HAState: string(row.HAState), Tags: parseTags(string(row.Tags)),
		CPUs: max(0, row.MaxCPU.value), MemoryBytes: row.MaxMem.natural(),
	}, nil
}

// assemble makes the cluster and its nodes from the three lists that name
// them, and a gate for every node that is named anywhere.
func (r *reading) assemble(status []statusRow, listed []nodeRow) error {
	nodes := map[string]*domain.Node{}
	node := func(name text) *domain.Node {
		n := nodes[string(name)]
		if n == nil {
			n = &domain.Node{Name: string(name)}
			nodes[n.Name] = n
		}
		return n
	}
	saysOffline := map[string]bool{}
	for _, row := range r.nodeRows {
		if row.Node == "" {
			r.odd.nodes = true
			continue
		}
		n := node(row.Node)
		n.Online, n.Level = row.Status == "online", string(row.Level)
		n.CPUs, n.MemoryBytes = int(row.MaxCPU.natural()), row.MaxMem.natural()
	}
	for _, row := range listed {
		if row.Node == "" {
			continue
		}
		n := node(row.Node)
		n.Online = n.Online || row.Status == "online"
		n.SSLFingerprint = string(row.SSLFingerprint)
		n.Level = cmp.Or(n.Level, string(row.Level))
		n.CPUs = cmp.Or(n.CPUs, int(row.MaxCPU.natural()))
		n.MemoryBytes = cmp.Or(n.MemoryBytes, row.MaxMem.natural())
	}
	var cluster *domain.Cluster
	for _, row := range status {
		switch {
		case row.Type == "cluster":
			cluster = &domain.Cluster{
				Name: cmp.Or(string(row.Name), r.c.ep.Host()), ID: cmp.Or(string(row.ID), "cluster"),
				Quorate: row.Quorate.on, Version: row.Version.int(), Unnamed: row.Name == "",
			}
		case row.Type == "node" && row.Name != "":
			n := node(row.Name)
			n.NodeID, n.Local, n.IP = row.NodeID.int(), row.Local.on, string(row.IP)
			n.Level = cmp.Or(string(row.Level), n.Level)
			if row.Online.set {
				n.Online = row.Online.on
				saysOffline[n.Name] = !row.Online.on
			}
		default:
			r.odd.nodes = true
		}
	}
	for _, name := range sortedKeys(nodes) {
		r.snap.Nodes = append(r.snap.Nodes, *nodes[name])
	}
	if cluster == nil {
		var err error
		if cluster, err = r.withoutRow(); err != nil {
			return err
		}
	}
	r.snap.Cluster = *cluster

	for name := range nodes {
		r.gates[name] = newGate(name, r.c.opts.Concurrency)
	}
	for _, g := range r.snap.Guests {
		if g.Node != "" && r.gates[g.Node] == nil {
			r.gates[g.Node] = newGate(g.Node, r.c.opts.Concurrency)
		}
	}
	for name, off := range saysOffline {
		if off {
			r.gates[name].close(errors.New("the cluster says that it is offline"))
		}
	}
	return nil
}

// withoutRow is the cluster when no row of the status is about it: the one
// node is its own cluster then. A cluster of several whose status we may not
// read gets the name of the endpoint's host.
func (r *reading) withoutRow() (*domain.Cluster, error) {
	if len(r.snap.Nodes) == 1 {
		return &domain.Cluster{Name: r.snap.Nodes[0].Name, Standalone: true, Quorate: r.statusRead, Unnamed: !r.statusRead}, nil
	}
	if !r.statusRead {
		return &domain.Cluster{Name: r.c.ep.Host(), Unnamed: true}, nil
	}
	return nil, fmt.Errorf("%w: %d nodes and no word of their cluster", errNoData, len(r.snap.Nodes))
}
