package proxmoxsim

import (
	"net/http"
	"strconv"
	"strings"

	"proxbox/internal/domain"
)

// route finds who answers a path below /api2/json.
func (r *request) route() (any, error) {
	switch r.path {
	case "/version":
		return r.version(), nil
	case "/access/permissions":
		return r.caller.rights.permissions(), nil
	case "/cluster/resources":
		return r.resources()
	case "/cluster/status":
		return r.clusterStatus()
	case "/cluster/options":
		return r.options(), nil
	case "/cluster/replication":
		return r.replications(), nil
	case "/cluster/backup":
		return r.backupJobs()
	case "/nodes":
		return r.nodes(), nil
	case "/storage":
		return r.storages(), nil
	}
	if rest, ok := strings.CutPrefix(r.path, "/cluster/sdn/"); ok {
		return r.sdn(rest)
	}
	parts := strings.Split(strings.TrimPrefix(r.path, "/"), "/")
	if len(parts) < 3 || parts[0] != "nodes" {
		return nil, r.unknown()
	}
	node, err := r.reach(parts[1])
	if err != nil {
		return nil, err
	}
	switch rest := parts[2:]; {
	case len(rest) == 1 && rest[0] == "network":
		return rows(node.Network), nil
	case len(rest) == 1 && rest[0] == "tasks":
		return r.tasks(node)
	case len(rest) == 3 && rest[0] == "storage" && rest[2] == "content":
		return r.content(node, rest[1])
	case len(rest) >= 3 && (rest[0] == "qemu" || rest[0] == "lxc"):
		return r.guest(node, domain.GuestType(rest[0]), rest[1], strings.Join(rest[2:], "/"))
	}
	return nil, r.unknown()
}

func (r *request) unknown() error {
	return refuse(http.StatusNotImplemented, "Method 'GET %s' not implemented", r.path)
}

// reach is the node of a path, when the answering node can ask it.
func (r *request) reach(name string) (*Node, error) {
	for i := range r.Nodes {
		if n := &r.Nodes[i]; n.Name == name {
			if n.Offline {
				return nil, refuse(595, "No route to host")
			}
			return n, nil
		}
	}
	return nil, refuse(http.StatusInternalServerError,
		"hostname lookup '%s' failed - failed to get address info for: %s: Name or service not known", name, name)
}

// demand is the refusal of a caller that has none of the privileges.
func (r *request) demand(path string, privileges ...string) error {
	if r.caller.rights.has(path, privileges...) {
		return nil
	}
	return forbidden(path, privileges...)
}

func forbidden(path string, privileges ...string) error {
	return refuse(http.StatusForbidden, "Permission check failed (%s, %s)", path, strings.Join(privileges, "|"))
}

// malformed is Proxmox's answer to a parameter of the wrong kind.
func malformed(parameter, why string) error {
	return &refusal{status: http.StatusBadRequest, message: "Parameter verification failed.", fields: map[string]string{parameter: why}}
}

// guest answers what is asked of one guest.
func (r *request) guest(node *Node, kind domain.GuestType, id, what string) (any, error) {
	vmid, err := strconv.Atoi(id)
	if err != nil || vmid < 100 {
		return nil, malformed("vmid", "type check ('integer') failed - got '"+id+"'")
	}
	i, known := r.server.index[guestKey{kind, vmid}]
	var g *Guest
	if known {
		g = &r.Guests[i]
	} else {
		g = &Guest{VMID: vmid} // the right is asked for before the guest
	}
	needs := []string{"VM.Audit"}
	if strings.HasPrefix(what, "agent/") {
		needs = []string{"VM.GuestAgent.Audit", "VM.GuestAgent.Unrestricted"}
		if r.release() < 9 {
			needs = []string{"VM.Monitor"}
		}
	}
	if !r.caller.rights.onGuest(g, needs...) {
		return nil, forbidden("/vms/"+id, needs...)
	}
	if !known || g.Node != node.Name {
		folder := "qemu-server"
		if kind == domain.LXC {
			folder = "lxc"
		}
		return nil, refuse(http.StatusInternalServerError, "Configuration file 'nodes/%s/%s/%d.conf' does not exist", node.Name, folder, vmid)
	}
	switch {
	case what == "config":
		return r.config(g), nil
	case what == "snapshot":
		return g.snapshotRows(), nil
	case what == "interfaces" && kind == domain.LXC:
		return r.interfaces(g), nil
	case kind == domain.QEMU && strings.HasPrefix(what, "agent/"):
		return r.agent(g, strings.TrimPrefix(what, "agent/"))
	}
	return nil, r.unknown()
}
