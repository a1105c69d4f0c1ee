package server

import (
	"context"
	"net/http"
	"strconv"

	"proxbox/internal/settings"
)

func statusText(status int) string { return strconv.Itoa(status) }

// absentRoute is a route that is known and has no answer yet.
type absentRoute struct {
	refusedRoute
	needs string // what it would need, and what does the same meanwhile
}

const (
	needsCeph    = "Ceph's own status, pools and daemons are not read: it would need a reader of Proxmox's ceph paths and the plugin netbox-ceph to keep them in. GET /proxmox/api2/cluster/ceph/status passes Proxmox's answer through."
	needsPBS     = "Proxmox Backup Server is not read by itself: it would need a client of its API and a place for its endpoints. Its backups are synced through the storages of Proxmox VE."
	needsPDM     = "Proxmox Datacenter Manager is not read: it would need a client of its API and a place for its endpoints. Add each cluster as a Proxmox endpoint instead."
	needsImages  = "No images and templates are built here, so that there is nothing to list; it would need writing to Proxmox. GET /cloud/vm/templates and /cloud/lxc/templates have the templates that there are."
	needsViewer  = "No code is generated from Proxmox's schema, and none is needed: any path of Proxmox's API can be read below " + apiPath + ". It would need the schema of each release to be shipped."
	needsTask    = "No migration is begun here, so that there is none to follow. GET " + apiPath + "/nodes/{node}/tasks/{upid}/status has the state of any task."
	needsKeyFile = "The encryption key is set where the service is started: PROXBOX_ENCRYPTION_KEY or PROXBOX_ENCRYPTION_KEY_FILE, with PROXBOX_ENCRYPTION_KEY_PREVIOUS for the one before it. Changing it over HTTP would need every stored secret to be sealed anew in the same moment."
	needsMetrics = "Metrics are not kept here: it would need a connection to the metric server. GET " + apiPath + "/nodes/{node}/rrddata has Proxmox's own."
	needsSSH     = "Nodes are not reached by SSH: it would need credentials that this service does not keep."
)

// absentRoutes are all of them.
var absentRoutes = []absentRoute{
	{refusedRoute{"GET", "/ceph/status", "The state of Ceph"}, needsCeph},
	{refusedRoute{"GET", "/ceph/sync/status", "Sync the state of Ceph"}, needsCeph},
	{refusedRoute{"GET", "/ceph/sync/crush", "Sync the CRUSH map of Ceph"}, needsCeph},
	{refusedRoute{"GET", "/ceph/sync/daemons", "Sync the daemons of Ceph"}, needsCeph},
	{refusedRoute{"GET", "/ceph/sync/filesystems", "Sync the file systems of Ceph"}, needsCeph},
	{refusedRoute{"GET", "/ceph/sync/flags", "Sync the flags of Ceph"}, needsCeph},
	{refusedRoute{"GET", "/ceph/sync/full", "Sync everything of Ceph"}, needsCeph},
	{refusedRoute{"GET", "/ceph/sync/osds", "Sync the OSDs of Ceph"}, needsCeph},
	{refusedRoute{"GET", "/ceph/sync/pools", "Sync the pools of Ceph"}, needsCeph},

	{refusedRoute{"GET", "/pbs/endpoints", "List backup servers"}, needsPBS},
	{refusedRoute{"POST", "/pbs/endpoints", "Add a backup server"}, needsPBS},
	{refusedRoute{"GET", "/pbs/endpoints/{endpoint_id}", "Get a backup server"}, needsPBS},
	{refusedRoute{"PUT", "/pbs/endpoints/{endpoint_id}", "Change a backup server"}, needsPBS},
	{refusedRoute{"DELETE", "/pbs/endpoints/{endpoint_id}", "Remove a backup server"}, needsPBS},
	{refusedRoute{"GET", "/pbs/sync/datastores", "Sync the datastores of backup servers"}, needsPBS},
	{refusedRoute{"GET", "/pbs/sync/full", "Sync everything of backup servers"}, needsPBS},
	{refusedRoute{"GET", "/pbs/sync/jobs", "Sync the jobs of backup servers"}, needsPBS},
	{refusedRoute{"GET", "/pbs/sync/node", "Sync the nodes of backup servers"}, needsPBS},
	{refusedRoute{"GET", "/pbs/sync/snapshots", "Sync the snapshots of backup servers"}, needsPBS},

	{refusedRoute{"GET", "/pdm/status", "The state of datacenter managers"}, needsPDM},
	{refusedRoute{"GET", "/pdm/endpoints", "List datacenter managers"}, needsPDM},
	{refusedRoute{"POST", "/pdm/endpoints", "Add a datacenter manager"}, needsPDM},
	{refusedRoute{"GET", "/pdm/endpoints/{endpoint_id}", "Get a datacenter manager"}, needsPDM},
	{refusedRoute{"PUT", "/pdm/endpoints/{endpoint_id}", "Change a datacenter manager"}, needsPDM},
	{refusedRoute{"DELETE", "/pdm/endpoints/{endpoint_id}", "Remove a datacenter manager"}, needsPDM},
	{refusedRoute{"GET", "/pdm/sync/datastores", "Sync the datastores of datacenter managers"}, needsPDM},
	{refusedRoute{"GET", "/pdm/sync/full", "Sync everything of datacenter managers"}, needsPDM},
	{refusedRoute{"GET", "/pdm/sync/guests", "Sync the guests of datacenter managers"}, needsPDM},
	{refusedRoute{"GET", "/pdm/sync/remotes", "Sync the remotes of datacenter managers"}, needsPDM},
	{refusedRoute{"GET", "/pdm/sync/resources", "Sync the resources of datacenter managers"}, needsPDM},

	{refusedRoute{"GET", "/cloud/templates", "List templates to make machines of"}, needsImages},
	{refusedRoute{"GET", "/cloud/templates/versions", "List the versions of templates"}, needsImages},
	{refusedRoute{"POST", "/cloud/templates/images/preflight", "Look whether a template can be made of an image"}, needsImages},
	{refusedRoute{"POST", "/cloud/image-factory/validate", "Check a recipe for an image"}, needsImages},
	{refusedRoute{"GET", "/cloud/image-factory/builds/{build_id}", "Get the building of an image"}, needsImages},
	{refusedRoute{"GET", "/cloud/image-factory/builds/{build_id}/stream", "Follow the building of an image"}, needsImages},

	{refusedRoute{"POST", "/proxmox/viewer/generate", "Generate code from Proxmox's schema"}, needsViewer},
	{refusedRoute{"POST", "/proxmox/viewer/routes/refresh", "Make routes of Proxmox's schema"}, needsViewer},
	{refusedRoute{"GET", "/proxmox/viewer/integration/contracts", "The schemas that code is generated from"}, needsViewer},
	{refusedRoute{"GET", "/proxmox/viewer/openapi", "Proxmox's schema"}, needsViewer},
	{refusedRoute{"GET", "/proxmox/viewer/openapi/embedded", "Proxmox's schema as it is shipped"}, needsViewer},
	{refusedRoute{"GET", "/proxmox/viewer/pydantic", "Python's classes for Proxmox's schema"}, needsViewer},
	{refusedRoute{"GET", "/proxmox/viewer/schema-status", "Which of Proxmox's schemas there are"}, needsViewer},

	{refusedRoute{"GET", "/proxmox/qemu/{vmid}/migrate/{task_upid}/stream", "Follow the migration of a virtual machine"}, needsTask},
	{refusedRoute{"GET", "/proxmox/lxc/{vmid}/migrate/{task_upid}/stream", "Follow the migration of a container"}, needsTask},
	{refusedRoute{"POST", "/proxmox/metrics/influx/query", "Ask a metric server"}, needsMetrics},
	{refusedRoute{"POST", "/proxmox/metrics/pull/query", "Ask Proxmox for metrics"}, needsMetrics},
	{refusedRoute{"GET", "/ssh/host-key-fingerprint", "The SSH key of a node"}, needsSSH},

	{refusedRoute{"POST", "/admin/encryption/key", "Set the encryption key"}, needsKeyFile},
	{refusedRoute{"DELETE", "/admin/encryption/key", "Forget the encryption key"}, needsKeyFile},
	{refusedRoute{"POST", "/admin/encryption/generate", "Make an encryption key"}, needsKeyFile},
}

// pbsStatusOutput is the state of the backup servers, of which none are known.
type pbsStatusOutput struct {
	Body struct {
		Items []pbsStatus `json:"items" nullable:"false"`
	}
}

type pbsStatus struct {
	EndpointID int    `json:"endpoint_id"`
	Host       string `json:"host"`
	Port       int    `json:"port"`
	Name       string `json:"name"`
	Reachable  bool   `json:"reachable"`
	Reason     string `json:"reason"`
}

type encryptionOutput struct {
	Body struct {
		Configured bool   `json:"configured"`
		Source     string `json:"source" enum:"env,local" doc:"Where the key is: in the environment, or in a file"`
	}
}

// adminOutput is what the Python service shows on a page.
type adminOutput struct {
	Body struct {
		Name      string           `json:"name"`
		Endpoints []netboxEndpoint `json:"netbox_endpoints" nullable:"false"`
	}
}

func (s *Server) absentRoutes() {
	for _, r := range absentRoutes {
		e := fail(http.StatusNotImplemented, "%s", r.needs)
		e.Message = r.does + " is not done here"
		s.refuse(r.refusedRoute, http.StatusNotImplemented, "not done here", e)
	}
	register(s, operation(http.MethodGet, "/pbs/status", "service", "pbs-status", "The backup servers that are known by themselves: none"),
		func(context.Context, *struct{}) (*pbsStatusOutput, error) {
			out := &pbsStatusOutput{}
			out.Body.Items = []pbsStatus{}
			return out, nil
		})
	register(s, operation(http.MethodGet, "/admin/encryption/status", "service", "encryption-status", "Whether stored secrets are sealed, and where the key is"),
		func(context.Context, *struct{}) (*encryptionOutput, error) {
			out := &encryptionOutput{}
			out.Body.Configured, out.Body.Source = true, "local"
			if settings.EncryptionKey.In(s.values) != "" {
				out.Body.Source = "env"
			}
			return out, nil
		})
	register(s, operation(http.MethodGet, "/admin/", "service", "admin", "The NetBox endpoint, which the Python service shows on a page"),
		func(ctx context.Context, _ *struct{}) (*adminOutput, error) {
			all, err := s.store.NetBoxEndpoints().List(ctx)
			if err != nil {
				return nil, err
			}
			out := &adminOutput{}
			out.Body.Name, out.Body.Endpoints = "Proxbox", []netboxEndpoint{}
			for _, e := range all {
				out.Body.Endpoints = append(out.Body.Endpoints, showNetBox(e))
			}
			return out, nil
		})
}
