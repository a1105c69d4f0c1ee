package proxmox

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"proxbox/internal/domain"
)

// node reads all that is asked for of one node: the node itself and the
// configurations of its guests before what may be slow, so that a hanging
// agent delays no configuration.
func (r *reading) node(ctx context.Context, g *gate, node *domain.Node, guests []*domain.Guest) {
	var first, then []func(context.Context)
	if node != nil && r.scope.NodeNetworks {
		first = append(first, func(ctx context.Context) { r.network(ctx, g, node) })
	}
	if node != nil && r.scope.Tasks {
		then = append(then, func(ctx context.Context) { r.tasks(ctx, g, node) })
	}
	for _, guest := range guests {
		if r.scope.Configs {
			first = append(first, func(ctx context.Context) { r.config(ctx, g, guest) })
		}
		if r.scope.Snapshots {
			then = append(then, func(ctx context.Context) { r.snapshots(ctx, g, guest) })
		}
		if r.scope.asksAgents() {
			then = append(then, func(ctx context.Context) { r.inside(ctx, g, guest) })
		}
	}
	inParallel(ctx, r.c.opts.Concurrency, first)
	inParallel(ctx, r.c.opts.Concurrency, then)
}

// ofNode reports a part of a node that could not be read.
func (r *reading) ofNode(ctx context.Context, node, part string, err error) {
	if err == nil || ctx.Err() != nil || errors.Is(err, errNodeDown) {
		return
	}
	r.problem(domain.Problem{What: "node " + node, Reason: part + ": " + short(err), WayOut: r.partRemedy(err)})
}

func (r *reading) network(ctx context.Context, g *gate, node *domain.Node) {
	err := r.read(ctx, g, Path("nodes", node.Name, "network"), nil, func(raw json.RawMessage) error {
		list, odd, err := parseNodeInterfaces(raw)
		r.oddRows("the network of node "+node.Name, odd)
		node.Interfaces = domain.Known[[]domain.NodeInterface]{Value: list, OK: err == nil && len(odd) == 0}
		return err
	})
	r.ofNode(ctx, node.Name, "network", err)
}

// networkRow is a row of /nodes/{node}/network.
type networkRow struct {
	Iface     text   `json:"iface"`
	Type      text   `json:"type"`
	Active    flag   `json:"active"`
	Autostart flag   `json:"autostart"`
	HWAddr    text   `json:"hwaddr"`
	HWAddress text   `json:"hardware-address"`
	MTU       number `json:"mtu"`
	VLANID    number `json:"vlan-id"`
	RawDevice text   `json:"vlan-raw-device"`
	OVSTag    number `json:"ovs_tag"`
	OVSBridge text   `json:"ovs_bridge"`
	OVSPorts  text   `json:"ovs_ports"`
	OVSBonds  text   `json:"ovs_bonds"`
	Ports     text   `json:"bridge_ports"`
	Aware     flag   `json:"bridge_vlan_aware"`
	Slaves    text   `json:"slaves"`
	BondMode  text   `json:"bond_mode"`
	CIDR      text   `json:"cidr"`
	Address   text   `json:"address"`
	Netmask   text   `json:"netmask"`
	CIDR6     text   `json:"cidr6"`
	Address6  text   `json:"address6"`
	Netmask6  text   `json:"netmask6"`
	Gateway   text   `json:"gateway"`
	Gateway6  text   `json:"gateway6"`
	Comments  text   `json:"comments"`
	Comments6 text   `json:"comments6"`
}

func parseNodeInterfaces(raw json.RawMessage) ([]domain.NodeInterface, []oddRow, error) {
	rows, odd, err := decodeRows[networkRow](raw)
	if err != nil {
		return nil, nil, err
	}
	list := make([]domain.NodeInterface, 0, len(rows))
	for _, row := range rows {
		if row.Iface == "" {
			odd = append(odd, oddRow{err: errors.New("an interface without a name")})
			continue
		}
		list = append(list, row.nodeInterface())
	}
	slices.SortFunc(list, func(a, b domain.NodeInterface) int { return cmp.Compare(a.Name, b.Name) })
	return list, odd, nil
}

func (row networkRow) nodeInterface() domain.NodeInterface {
	n := domain.NodeInterface{
		Name: string(row.Iface), Type: string(row.Type), Active: row.Active.on, Autostart: row.Autostart.on,
		MAC:  cmp.Or(parseMAC(string(row.HWAddr)), parseMAC(string(row.HWAddress))),
		MTU:  int(row.MTU.natural()),
		VLAN: cmp.Or(validVLAN(row.VLANID.int()), validVLAN(row.OVSTag.int())), RawDevice: string(row.RawDevice),
		Ports: words(row.Ports, row.OVSPorts), Slaves: words(row.Slaves, row.OVSBonds),
		VLANAware: row.Aware.on, BondMode: string(row.BondMode), Bridge: string(row.OVSBridge),
		Comment: strings.TrimSpace(string(cmp.Or(row.Comments, row.Comments6))),
	}
	if n.Type == "vlan" {
		// "eno1.20" says by its name what vlan-id and vlan-raw-device may not.
		if i := strings.LastIndexByte(n.Name, '.'); i > 0 {
			if vid, err := strconv.Atoi(n.Name[i+1:]); err == nil {
				n.RawDevice, n.VLAN = cmp.Or(n.RawDevice, n.Name[:i]), cmp.Or(n.VLAN, validVLAN(vid))
			}
		} else if vid, err := strconv.Atoi(strings.TrimPrefix(n.Name, "vlan")); err == nil {
			n.VLAN = cmp.Or(n.VLAN, validVLAN(vid))
		}
	}
	for _, a := range [][3]text{{row.CIDR, row.Address, row.Netmask}, {row.CIDR6, row.Address6, row.Netmask6}} {
		if p, ok := nodeAddress(string(a[0]), string(a[1]), string(a[2])); ok {
			n.Addresses = append(n.Addresses, p)
		}
	}
	for _, gw := range []text{row.Gateway, row.Gateway6} {
		if a, ok := parseIP(string(gw)); ok {
			n.Gateways = append(n.Gateways, a)
		}
	}
	return n
}

// nodeAddress takes the address with its mask from cidr, and where an older
// release has none, from address and netmask ("24" or "255.255.255.0").
func nodeAddress(cidr, address, netmask string) (netip.Prefix, bool) {
	if p, ok := parseAddress(cidr); ok {
		return p, true
	}
	if mask, ok := parseIP(netmask); ok && mask.Is4() {
		bits := 0
		for _, b := range mask.As4() {
			for ; b&0x80 != 0; b <<= 1 {
				bits++
			}
		}
		netmask = strconv.Itoa(bits)
	}
	if netmask != "" && !strings.Contains(address, "/") {
		address += "/" + netmask
	}
	return parseAddress(address)
}

// words splits a list of names at white space.
func words(lists ...text) []string {
	var out []string
	for _, l := range lists {
		out = append(out, strings.Fields(string(l))...)
	}
	return out
}

func (r *reading) tasks(ctx context.Context, g *gate, node *domain.Node) {
	query := url.Values{"source": {"all"}, "limit": {strconv.Itoa(r.c.opts.TaskLimit)}}
	err := r.read(ctx, g, Path("nodes", node.Name, "tasks"), query, func(raw json.RawMessage) error {
		list, odd, err := parseTasks(raw, node.Name)
		r.oddRows("the tasks of node "+node.Name, odd)
		node.Tasks = domain.Known[[]domain.Task]{Value: list, OK: err == nil}
		return err
	})
	r.ofNode(ctx, node.Name, "tasks", err)
}

// parseTasks reads a node's task list, in which a finished task has its exit
// status as status.
func parseTasks(raw json.RawMessage, node string) ([]domain.Task, []oddRow, error) {
	type row struct {
		UPID       text   `json:"upid"`
		Node       text   `json:"node"`
		Type       text   `json:"type"`
		ID         text   `json:"id"`
		User       text   `json:"user"`
		TokenID    text   `json:"tokenid"`
		PID        number `json:"pid"`
		PStart     number `json:"pstart"`
		StartTime  number `json:"starttime"`
		EndTime    number `json:"endtime"`
		Status     text   `json:"status"`
		ExitStatus text   `json:"exitstatus"`
	}
	rows, odd, err := decodeRows[row](raw)
	if err != nil {
		return nil, nil, err
	}
	list := make([]domain.Task, 0, len(rows))
	for _, t := range rows {
		if t.UPID == "" {
			odd = append(odd, oddRow{err: errors.New("a task without a upid")})
			continue
		}
		task := domain.Task{
			UPID: string(t.UPID), Node: cmp.Or(string(t.Node), node), Type: string(t.Type), ID: string(t.ID),
			User: string(t.User), PID: int(t.PID.natural()), PStart: t.PStart.natural(),
			Start: t.StartTime.natural(), End: t.EndTime.natural(), Status: "running",
		}
		if t.TokenID != "" && !strings.Contains(task.User, "!") {
			task.User += "!" + string(t.TokenID)
		}
		if task.End != 0 {
			task.Status, task.ExitStatus = "stopped", string(cmp.Or(t.ExitStatus, t.Status))
		}
		list = append(list, task)
	}
	slices.SortFunc(list, func(a, b domain.Task) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.UPID, b.UPID))
	})
	return list, odd, nil
}
