package server

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"proxbox/internal/proxmox"
)

// nodeGuestInput is a request for something of a guest on a node.
type nodeGuestInput struct {
	readInput
	Node string `path:"node" pattern:"^[A-Za-z0-9][A-Za-z0-9._-]*$" maxLength:"255"`
	VMID int    `path:"vmid" minimum:"1"`
}

type networkInput struct {
	readInput
	Node string `path:"node" pattern:"^[A-Za-z0-9][A-Za-z0-9._-]*$" maxLength:"255"`
	Type string `query:"type" enum:"bridge,bond,eth,alias,vlan,fabric,OVSBridge,OVSBond,OVSPort,OVSIntPort,any_bridge,any_local_bridge" doc:"Only these."`
}

// nodeConfig is the configuration of a node.
type nodeConfig struct {
	ClusterName  string  `json:"cluster_name"`
	Node         string  `json:"node"`
	Description  *string `json:"description"`
	WakeOnLAN    *string `json:"wakeonlan"`
	StartAllWait *int64  `json:"startall_onboot_delay"`
	Location     *string `json:"location"`
	Status       string  `json:"status"`
	Error        *string `json:"error"`
}

// networkTruths are the fields of an interface that are yes or no on the wire.
var networkTruths = []string{"active", "autostart", "bridge_vlan_aware", "exists"}

func (s *Server) nodeRoutes() {
	const base = "/proxmox/nodes/{node}"
	readRoute(s, base+"/network", "The interfaces of a node", func(ctx context.Context, in *networkInput) (*said[[]row], error) {
		r, src, _, err := s.atNode(ctx, in.query, in.Node, s.waits.tab)
		if err != nil {
			return nil, err
		}
		query := in.query
		for name := range query {
			if name != "type" {
				delete(query, name)
			}
		}
		rows, err := src.list(ctx, proxmox.Path("nodes", in.Node, "network"), query)
		return answered(r, mapped(rows, showInterface), err)
	})
	readRoute(s, base+"/qemu", "The virtual machines on a node", func(ctx context.Context, in *nodeInput) (*said[[]map[string][]row], error) {
		r, src, id, err := s.atNode(ctx, in.query, in.Node, s.waits.tab)
		if err != nil {
			return nil, err
		}
		rows, err := src.list(ctx, proxmox.Path("nodes", in.Node, "qemu"), nil)
		return answered(r, []map[string][]row{{id.name: rows}}, err)
	})
	readRoute(s, base+"/qemu/{vmid}/firewall", "What there is below a virtual machine's firewall, as Proxmox has it",
		func(ctx context.Context, in *nodeGuestInput) (*said[json.RawMessage], error) {
			r, src, _, err := s.atNode(ctx, in.query, in.Node, s.waits.page)
			if err != nil {
				return nil, err
			}
			a, err := src.get(ctx, proxmox.Path("nodes", in.Node, "qemu", strconv.Itoa(in.VMID), "firewall"), nil)
			return answered(r, a.data, err)
		})
	readRoute(s, base+"/config", "The configuration of a node", func(ctx context.Context, in *nodeInput) (*said[nodeConfig], error) {
		r, src, id, err := s.atNode(ctx, in.query, in.Node, s.waits.tab)
		if err != nil {
			return nil, err
		}
		found, err := src.object(ctx, proxmox.Path("nodes", in.Node, "config"), nil)
		return answered(r, nodeConfig{
			ClusterName: id.name, Node: in.Node, Description: found.text("description"), WakeOnLAN: found.text("wakeonlan"),
			StartAllWait: found.whole("startall-onboot-delay", "startall_onboot_delay"), Location: found.text("location"), Status: allOK,
		}, err)
	})
}

// showInterface is an interface as Proxmox has it, without what it leaves open.
func showInterface(in row) row {
	out := row{}
	for name, value := range in {
		if name = strings.ReplaceAll(name, "-", "_"); value != nil {
			out[name] = value
		}
	}
	for _, name := range networkTruths {
		if v := out.truth(name); v != nil {
			out[name] = *v
		}
	}
	return out
}
