package server

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// refusedRoute is a route that is never done here.
type refusedRoute struct {
	method, path string
	does         string // what the Python service would do
}

// readOnlyRoutes are the routes that would write to Proxmox. Every one of them
// answers the same 403.
var readOnlyRoutes = []refusedRoute{
	{"POST", "/proxmox/qemu/{vmid}/start", "Start a virtual machine"},
	{"POST", "/proxmox/qemu/{vmid}/stop", "Stop a virtual machine"},
	{"POST", "/proxmox/qemu/{vmid}/reboot", "Restart a virtual machine"},
	{"POST", "/proxmox/qemu/{vmid}/snapshot", "Take a snapshot of a virtual machine"},
	{"DELETE", "/proxmox/qemu/{vmid}/snapshot/{snapname}", "Remove a snapshot of a virtual machine"},
	{"POST", "/proxmox/qemu/{vmid}/backup", "Back up a virtual machine"},
	{"POST", "/proxmox/qemu/{vmid}/migrate", "Migrate a virtual machine"},
	{"DELETE", "/proxmox/qemu/{vmid}/migrate/{task_upid}", "Stop the migration of a virtual machine"},
	{"DELETE", "/proxmox/qemu/{vmid}", "Remove a virtual machine"},
	{"POST", "/proxmox/lxc/{vmid}/start", "Start a container"},
	{"POST", "/proxmox/lxc/{vmid}/stop", "Stop a container"},
	{"POST", "/proxmox/lxc/{vmid}/reboot", "Restart a container"},
	{"POST", "/proxmox/lxc/{vmid}/snapshot", "Take a snapshot of a container"},
	{"DELETE", "/proxmox/lxc/{vmid}/snapshot/{snapname}", "Remove a snapshot of a container"},
	{"POST", "/proxmox/lxc/{vmid}/backup", "Back up a container"},
	{"POST", "/proxmox/lxc/{vmid}/migrate", "Migrate a container"},
	{"DELETE", "/proxmox/lxc/{vmid}/migrate/{task_upid}", "Stop the migration of a container"},
	{"DELETE", "/proxmox/lxc/{vmid}", "Remove a container"},
	{"PUT", "/proxmox/{vm_type}/{vmid}/tags", "Set a guest's tags"},
	{"PATCH", "/proxmox/{vm_type}/{vmid}/tags", "Change a guest's tags"},

	{"POST", "/proxmox/cluster/ha/arm", "Arm the HA stack"},
	{"POST", "/proxmox/cluster/ha/disarm", "Disarm the HA stack"},
	{"POST", "/proxmox/datacenter/cpu-models", "Add a custom CPU model"},
	{"PUT", "/proxmox/datacenter/cpu-models/{cputype}", "Change a custom CPU model"},
	{"DELETE", "/proxmox/datacenter/cpu-models/{cputype}", "Remove a custom CPU model"},
	{"PUT", "/proxmox/access/tokens/{userid}/{tokenid}/regenerate", "Give an API token another secret"},
	{"PUT", "/proxmox/metrics/influx/servers/{config_id}", "Set up a metric server"},

	{"POST", "/proxmox/firewall/datacenter/rules", "Add a firewall rule to a cluster"},
	{"PUT", "/proxmox/firewall/datacenter/rules/{pos}", "Change a firewall rule of a cluster"},
	{"DELETE", "/proxmox/firewall/datacenter/rules/{pos}", "Remove a firewall rule of a cluster"},
	{"POST", "/proxmox/firewall/datacenter/groups", "Add a security group"},
	{"DELETE", "/proxmox/firewall/datacenter/groups/{group}", "Remove a security group"},
	{"POST", "/proxmox/firewall/datacenter/groups/{group}/rules", "Add a rule to a security group"},
	{"PUT", "/proxmox/firewall/datacenter/groups/{group}/rules/{pos}", "Change a rule of a security group"},
	{"DELETE", "/proxmox/firewall/datacenter/groups/{group}/rules/{pos}", "Remove a rule of a security group"},
	{"POST", "/proxmox/firewall/datacenter/ipsets", "Add an IP set to a cluster"},
	{"DELETE", "/proxmox/firewall/datacenter/ipsets/{name}", "Remove an IP set of a cluster"},
	{"POST", "/proxmox/firewall/datacenter/ipsets/{name}/entries", "Add a network to an IP set of a cluster"},
	{"PUT", "/proxmox/firewall/datacenter/ipsets/{name}/entries/{cidr}", "Change a network of an IP set of a cluster"},
	{"DELETE", "/proxmox/firewall/datacenter/ipsets/{name}/entries/{cidr}", "Remove a network of an IP set of a cluster"},
	{"POST", "/proxmox/firewall/datacenter/aliases", "Add an alias to a cluster"},
	{"PUT", "/proxmox/firewall/datacenter/aliases/{name}", "Change an alias of a cluster"},
	{"DELETE", "/proxmox/firewall/datacenter/aliases/{name}", "Remove an alias of a cluster"},
	{"PUT", "/proxmox/firewall/datacenter/options", "Change the firewall options of a cluster"},
	{"POST", "/proxmox/firewall/nodes/{node}/rules", "Add a firewall rule to a node"},
	{"PUT", "/proxmox/firewall/nodes/{node}/rules/{pos}", "Change a firewall rule of a node"},
	{"DELETE", "/proxmox/firewall/nodes/{node}/rules/{pos}", "Remove a firewall rule of a node"},
	{"PUT", "/proxmox/firewall/nodes/{node}/options", "Change the firewall options of a node"},
	{"POST", "/proxmox/firewall/vms/{vmid}/rules", "Add a firewall rule to a guest"},
	{"PUT", "/proxmox/firewall/vms/{vmid}/rules/{pos}", "Change a firewall rule of a guest"},
	{"DELETE", "/proxmox/firewall/vms/{vmid}/rules/{pos}", "Remove a firewall rule of a guest"},
	{"POST", "/proxmox/firewall/vms/{vmid}/ipsets", "Add an IP set to a guest"},
	{"DELETE", "/proxmox/firewall/vms/{vmid}/ipsets/{name}", "Remove an IP set of a guest"},
	{"POST", "/proxmox/firewall/vms/{vmid}/ipsets/{name}/entries", "Add a network to an IP set of a guest"},
	{"PUT", "/proxmox/firewall/vms/{vmid}/ipsets/{name}/entries/{cidr}", "Change a network of an IP set of a guest"},
	{"DELETE", "/proxmox/firewall/vms/{vmid}/ipsets/{name}/entries/{cidr}", "Remove a network of an IP set of a guest"},
	{"POST", "/proxmox/firewall/vms/{vmid}/aliases", "Add an alias to a guest"},
	{"PUT", "/proxmox/firewall/vms/{vmid}/aliases/{name}", "Change an alias of a guest"},
	{"DELETE", "/proxmox/firewall/vms/{vmid}/aliases/{name}", "Remove an alias of a guest"},
	{"PUT", "/proxmox/firewall/vms/{vmid}/options", "Change the firewall options of a guest"},
	{"POST", "/proxmox/firewall/vnets/{vnet}/rules", "Add a firewall rule to a vnet"},
	{"PUT", "/proxmox/firewall/vnets/{vnet}/rules/{pos}", "Change a firewall rule of a vnet"},
	{"DELETE", "/proxmox/firewall/vnets/{vnet}/rules/{pos}", "Remove a firewall rule of a vnet"},

	{"POST", "/proxmox/console/browser-sessions", "Open a guest's console in a browser"},
	{"GET", "/proxmox/console/browser-stream", "Show a guest's console in a browser"},
	{"POST", "/proxmox/console/sessions", "Open a guest's console"},
	{"POST", "/ssh/sessions", "Open a shell on a node"},

	{"POST", "/intent/plan", "Plan what NetBox wants of Proxmox"},
	{"POST", "/intent/apply", "Do what NetBox wants of Proxmox"},
	{"PUT", "/intent/tag-pending-deletion", "Mark a guest for removal"},
	{"PUT", "/intent/untag-pending-deletion", "Take the mark for removal from a guest"},
	{"POST", "/intent/deletion-requests/{deletion_request_id}/approve", "Approve the removal of a guest"},
	{"POST", "/intent/deletion-requests/{deletion_request_id}/reject", "Reject the removal of a guest"},
	{"POST", "/intent/deletion-requests/{deletion_request_id}/execute", "Remove a guest"},

	{"POST", "/cloud/vm/provision", "Make a virtual machine of a template"},
	{"POST", "/cloud/vm/provision/stream", "Make a virtual machine of a template, told as it happens"},
	{"POST", "/cloud/lxc/provision", "Make a container of a template"},
	{"POST", "/cloud/templates/pve", "Make a template"},
	{"POST", "/cloud/templates/images", "Make a template of an image"},
	{"POST", "/cloud/templates/images/operations/{operation_id}/cancel", "Stop the making of a template"},
	{"POST", "/cloud/image-factory/builds", "Build an image"},
	{"POST", "/cloud/image-factory/builds/{build_id}/cancel", "Stop the building of an image"},
	{"POST", "/cloud/firecracker/provision", "Make a Firecracker machine"},
	{"POST", "/cloud/firecracker/provision/stream", "Make a Firecracker machine, told as it happens"},
	{"POST", "/cloud/azure/vhd-imports", "Make a virtual machine of an image of Azure"},

	{"POST", apiPath + "/{path}", "Anything that Proxmox's API makes"},
	{"PUT", apiPath + "/{path}", "Anything that Proxmox's API changes"},
	{"PATCH", apiPath + "/{path}", "Anything that Proxmox's API changes"},
	{"DELETE", apiPath + "/{path}", "Anything that Proxmox's API removes"},
}

// readOnlyReason is the reason by which clients know the refusal.
const readOnlyReason = "read_only"

func readOnlyError(does string) *Error {
	e := fail(http.StatusForbidden, "%s: this would change Proxmox, and this service only ever reads it. Do it in Proxmox itself; the next sync brings it into NetBox.", does)
	e.Message, e.Reason = "Proxmox is only read", readOnlyReason
	return e
}

func (s *Server) readOnlyRoutes() {
	for _, r := range readOnlyRoutes {
		s.refuse(r, http.StatusForbidden, "refused: Proxmox is only read", readOnlyError(r.does))
	}
}

var pathParts = regexp.MustCompile(`\{([^}]+)\}`)

// refuse registers a route that always answers the same error. It looks at
// nothing of the request but the key.
func (s *Server) refuse(r refusedRoute, status int, why string, answer *Error) {
	op := operation(r.method, r.path, "refused", strings.ToLower(r.method)+"-"+operationID(r.path), r.does+" ("+why+")")
	for _, part := range pathParts.FindAllStringSubmatch(r.path, -1) {
		op.Parameters = append(op.Parameters, &huma.Param{Name: part[1], In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}})
	}
	op.Responses = map[string]*huma.Response{}
	for _, possible := range []int{status, http.StatusUnauthorized, http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		op.Responses[statusText(possible)] = s.errorResponse(possible)
	}
	s.api.OpenAPI().AddOperation(&op)
	s.router.MethodFunc(r.method, strings.Replace(r.path, apiPath+"/{path}", apiPath+"/*", 1), func(w http.ResponseWriter, _ *http.Request) {
		writeError(w, answer)
	})
}
