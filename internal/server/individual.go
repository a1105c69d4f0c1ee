package server

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"proxbox/internal/domain"
	"proxbox/internal/run"
)

// individual is a kind of object that can be synced by itself.
type individual struct {
	object   string // as the plugin calls it, and the last part of the path
	kind     domain.Kind
	stage    string // of the full update that it belongs to; "" for the whole
	name     string // the parameter that names it; "" where its place says which it is
	cluster  bool   // cluster_name must be given
	guest    bool   // node, type and vmid say whose it is; vmid must be given
	optional bool   // without the name, every one
	post     bool   // POST is answered too
}

// individuals are all of them. Those whose stage is not written yet say so.
var individuals = []individual{
	{object: "cluster", kind: domain.KindCluster, stage: "devices", cluster: true},
	{object: "node", kind: domain.KindDevice, stage: "node-interfaces", name: "node_name", cluster: true},
	{object: "vm", kind: domain.KindVirtualMachine, cluster: true, guest: true},
	{object: "disk", kind: domain.KindVirtualDisk, stage: "virtual-disks", name: "disk_name", cluster: true, guest: true, post: true},
	{object: "interface", kind: domain.KindVMInterface, stage: "vm-interfaces", name: "interface_name", cluster: true, guest: true, post: true},
	{object: "ip", kind: domain.KindIPAddress, stage: "vm-ip-addresses", name: "ip_address", cluster: true, guest: true, post: true},
	{object: "storage", kind: domain.KindProxmoxStorage, stage: "storage", name: "storage_name", cluster: true},
	{object: "backup", kind: domain.KindBackup, stage: "backups", name: "volid", cluster: true, guest: true, post: true},
	{object: "snapshot", kind: domain.KindSnapshot, stage: "snapshots", name: "snapshot_name", cluster: true, guest: true, post: true},
	{object: "replication", kind: domain.KindReplication, stage: "replications", name: "replication_id", cluster: true, post: true},
	{object: "backup-routines", kind: domain.KindBackupRoutine, stage: "backup-routines", name: "job_id", optional: true, post: true},
	{object: "task-history", kind: domain.KindTaskHistory, stage: "task-history", name: "upid", guest: true, optional: true},
}

type (
	individualOutput struct{ Body individualResult }
	// guestOfPathInput is a guest named by the path.
	guestOfPathInput struct {
		syncInput
		Cluster string `path:"cluster_name" doc:"In Proxmox"`
		Node    string `path:"node"`
		Type    string `path:"type" enum:"qemu,lxc"`
		VMID    int    `path:"vmid" minimum:"1"`
	}
	nodeOfPathInput struct {
		syncInput
		Node string `path:"node"`
	}
)

func (s *Server) individualRoutes() {
	for _, w := range individuals {
		for _, method := range w.methods() {
			register(s, w.operation(method), func(ctx context.Context, in *syncInput) (*individualOutput, error) {
				return s.individually(ctx, w, in.query)
			})
		}
	}
	vm := individuals[slices.IndexFunc(individuals, func(w individual) bool { return w.object == "vm" })]
	op := vm.operation(http.MethodGet)
	op.Path += "/{cluster_name}/{node}/{type}/{vmid}"
	op.OperationID, op.Parameters = operationID(op.Path), sharedParams()
	register(s, op, func(ctx context.Context, in *guestOfPathInput) (*individualOutput, error) {
		query := url.Values{}
		for name, values := range in.query {
			query[name] = values
		}
		for name, value := range map[string]string{"cluster_name": in.Cluster, "node": in.Node, "type": in.Type} {
			query.Set(name, value)
		}
		query.Set("vmid", strconv.Itoa(in.VMID))
		return s.individually(ctx, vm, query)
	})
	s.nodeInterfacesRoute()
}

// nodeInterfacesRoute is the stage of the nodes' interfaces for one node.
func (s *Server) nodeInterfacesRoute() {
	op := operation(http.MethodGet, "/dcim/devices/{node}/interfaces/create", "sync", "dcim-devices-node-interfaces-create",
		"Sync a node and its interfaces", individualStatuses...)
	op.Parameters = append(sharedParams(), clusterParam(false))
	node := individual{object: "node", kind: domain.KindDevice, stage: "node-interfaces", name: "node_name"}
	register(s, op, func(ctx context.Context, in *nodeOfPathInput) (*listOutput, error) {
		query := url.Values{"node_name": {in.Node}}
		for name, values := range in.query {
			if name != "node_name" {
				query[name] = values
			}
		}
		_, res, err := s.carryOutOne(ctx, node, query)
		if err != nil {
			return nil, err
		}
		return &listOutput{tallies([]wireStage{stageOfWire("node-interfaces")}, res)[0].done()}, nil
	})
}

var individualStatuses = []int{http.StatusNotFound, http.StatusConflict, http.StatusNotImplemented, http.StatusBadGateway, http.StatusGatewayTimeout}

func (w individual) methods() []string {
	if w.post {
		return []string{http.MethodGet, http.MethodPost}
	}
	return []string{http.MethodGet}
}

// operation describes the route.
func (w individual) operation(method string) huma.Operation {
	path := "/sync/individual/" + w.object
	id := operationID(path)
	if method != http.MethodGet {
		id += "-" + strings.ToLower(method)
	}
	op := operation(method, path, "sync", id, "Sync one "+strings.TrimSuffix(w.object, "s")+", with what it needs", individualStatuses...)
	if w.object == "backup-routines" {
		op.Summary = "Sync the backup routines of a cluster"
	}
	op.Parameters = append([]*huma.Param{clusterParam(w.cluster)}, w.params()...)
	op.Parameters = append(op.Parameters, sharedParams()...)
	return op
}

func clusterParam(required bool) *huma.Param {
	return &huma.Param{Name: "cluster_name", In: "query", Schema: &huma.Schema{Type: huma.TypeString}, Required: required,
		Description: "The cluster's name in Proxmox, or a stand-alone host's."}
}

func (w individual) params() []*huma.Param {
	text := &huma.Schema{Type: huma.TypeString}
	var out []*huma.Param
	if w.guest {
		out = append(out,
			&huma.Param{Name: "vmid", In: "query", Schema: &huma.Schema{Type: huma.TypeInteger}, Required: true, Description: "The guest's number in Proxmox."},
			&huma.Param{Name: "type", In: "query", Schema: text, Description: "qemu or lxc. Without it, whichever the guest is."},
			&huma.Param{Name: "node", In: "query", Schema: text, Description: "Accepted, and without effect: a guest is found wherever it runs."})
	}
	if w.name != "" {
		out = append(out, &huma.Param{Name: w.name, In: "query", Schema: text, Required: !w.optional, Description: "Which one it is, as Proxmox or NetBox names it."})
	}
	return out
}

// sharedParams are those parameters of runs that one for a single object has.
func sharedParams() []*huma.Param {
	var out []*huma.Param
	for _, p := range runParams() {
		if p.Name != "netbox_vm_ids" && !strings.HasPrefix(p.Name, "delete_") {
			out = append(out, &huma.Param{Ref: "#/components/parameters/" + p.Name})
		}
	}
	return out
}

// individually syncs one object and says what became of it.
func (s *Server) individually(ctx context.Context, w individual, query url.Values) (*individualOutput, error) {
	at, res, err := s.carryOutOne(ctx, w, query)
	if err != nil {
		return nil, err
	}
	body, err := at.result(w, res)
	if err != nil {
		return nil, err
	}
	return &individualOutput{*body}, nil
}

// carryOutOne finds an object in Proxmox and runs the engine for it alone.
func (s *Server) carryOutOne(ctx context.Context, w individual, query url.Values) (*place, *run.Result, error) {
	stage, err := run.StageNamed(w.stage)
	if err != nil {
		return nil, nil, err
	}
	if !stage.Written() {
		return nil, nil, fail(http.StatusNotImplemented, "The %s stage is not written to NetBox yet; nothing was read or changed.", stage.Name)
	}
	ask := run.Ask{Stage: stage, Target: &run.Target{Kind: w.kind, Name: query.Get(w.name)}, Query: query}
	if err := w.check(query); err != nil {
		return nil, nil, err
	}
	if err := ask.Check(); err != nil {
		return nil, nil, err
	}
	if ask.DryRun, err = boolean(query, "dry_run"); err != nil {
		return nil, nil, err
	}
	nb, err := s.launcher.Endpoints.NetBox(ctx)
	if err != nil {
		return nil, nil, err
	}
	at, err := s.locate(ctx, w, query)
	if err != nil {
		return nil, nil, err
	}
	at.netbox, at.dryRun = nb.BaseURL(), ask.DryRun
	ask.Endpoints = at.endpoints
	switch {
	case at.guest != nil:
		ask.Guests = []run.GuestID{{Type: at.guest.Type, VMID: at.guest.VMID}}
	case w.kind == domain.KindReplication:
		ask.Guests = replicated(ask.Target.Name)
	}
	res, err := s.carryOut(ctx, ask)
	return at, res, err
}

// replicated is the guest of a replication, whose id begins with its number.
func replicated(id string) []run.GuestID {
	vmid, _, _ := strings.Cut(id, "-")
	if n, err := strconv.Atoi(vmid); err == nil {
		return []run.GuestID{{VMID: n}}
	}
	return nil
}

// check says what is missing of the parameters.
func (w individual) check(query url.Values) error {
	e := &Error{status: http.StatusUnprocessableEntity}
	need := func(name string) {
		if query.Get(name) == "" {
			e.Detail.Items = append(e.Detail.Items, Item{Loc: []any{"query", name}, Msg: name + " is missing", Type: "missing"})
		}
	}
	if w.cluster {
		need("cluster_name")
	}
	if w.guest {
		need("vmid")
	}
	if w.name != "" && !w.optional {
		need(w.name)
	}
	if e.Detail.Items != nil {
		return e
	}
	return nil
}
