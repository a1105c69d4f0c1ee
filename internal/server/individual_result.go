package server

import (
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"proxbox/internal/domain"
	"proxbox/internal/netbox"
	"proxbox/internal/plan"
	"proxbox/internal/run"
)

// individualResult is what became of one object.
type individualResult struct {
	ObjectType         string         `json:"object_type"`
	Action             string         `json:"action" enum:"created,updated,unchanged,dry_run,error"`
	Planned            string         `json:"planned,omitempty" enum:"created,updated,unchanged" doc:"In a dry run: what would be done"`
	ProxmoxResource    map[string]any `json:"proxmox_resource" doc:"Where it is in Proxmox"`
	NetBoxObject       *netboxObject  `json:"netbox_object" doc:"Null for one that NetBox does not have"`
	DryRun             bool           `json:"dry_run"`
	DependenciesSynced []dependency   `json:"dependencies_synced" nullable:"false" doc:"What else was written for it, or could not be"`
	Error              *string        `json:"error"`
	RunID              string         `json:"run_id"`
}

// TransformSchema implements huma.SchemaTransformer.
func (individualResult) TransformSchema(r huma.Registry, schema *huma.Schema) *huma.Schema {
	object := *r.Schema(reflect.TypeFor[netboxObject](), false, "")
	object.Nullable, object.Description = true, schema.Properties["netbox_object"].Description
	schema.Properties["netbox_object"] = &object
	return schema
}

// netboxObject is an object that NetBox has.
type netboxObject struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
	URL  string `json:"url"`
}

// dependency is another object of the same run, with what it takes to ask for
// it by itself.
type dependency struct {
	ObjectType    string  `json:"object_type"`
	Action        string  `json:"action" enum:"created,updated,deleted,unchanged,dry_run,error"`
	Planned       string  `json:"planned,omitempty" enum:"created,updated,deleted"`
	Name          string  `json:"name"`
	ClusterName   string  `json:"cluster_name,omitempty"`
	Node          string  `json:"node,omitempty"`
	Type          string  `json:"type,omitempty"`
	VMID          int     `json:"vmid,omitempty"`
	InterfaceName string  `json:"interface_name,omitempty"`
	IPAddress     string  `json:"ip_address,omitempty"`
	DiskName      string  `json:"disk_name,omitempty"`
	StorageName   string  `json:"storage_name,omitempty"`
	Storage       string  `json:"storage,omitempty"`
	SnapshotName  string  `json:"snapshot_name,omitempty"`
	VolumeID      string  `json:"volid,omitempty"`
	ReplicationID string  `json:"replication_id,omitempty"`
	Error         *string `json:"error,omitempty"`
}

// objectTypes are the plugin's names of kinds. By these it asks again for what
// was written, so a node's interface must not have that of a guest's.
var objectTypes = map[domain.Kind]string{
	domain.KindCluster: "cluster", domain.KindDevice: "node", domain.KindVirtualMachine: "vm", domain.KindVirtualDisk: "disk",
	domain.KindVMInterface: "interface", domain.KindIPAddress: "ip", domain.KindProxmoxStorage: "storage", domain.KindBackup: "backup",
	domain.KindSnapshot: "snapshot", domain.KindReplication: "replication", domain.KindTaskHistory: "task-history",
	domain.KindInterface: "node-interface",
}

// rowsOf are the kinds that are counted to the object whose key they have.
var rowsOf = map[domain.Kind]domain.Kind{
	domain.KindClusterState: domain.KindCluster, domain.KindProxmoxCluster: domain.KindCluster,
	domain.KindDeviceState: domain.KindDevice, domain.KindProxmoxNode: domain.KindDevice,
	domain.KindVMState: domain.KindVirtualMachine, domain.KindVirtualDiskState: domain.KindVirtualDisk,
	domain.KindVMInterfaceState: domain.KindVMInterface, domain.KindIPAddressState: domain.KindIPAddress,
	domain.KindInterfaceState: domain.KindInterface,
}

// subject is the object that a change or report is about.
func subject(kind domain.Kind, key domain.Key) domain.Ref {
	switch {
	case kind == domain.KindMACAddress && isNodes(key):
		kind = domain.KindInterface
	case kind == domain.KindMACAddress:
		kind = domain.KindVMInterface
	case kind == domain.KindProxmoxCluster:
		key = firstOfKey(key, 1)
	case kind == domain.KindProxmoxNode:
		key = firstOfKey(key, 3)
	}
	if of, ok := rowsOf[kind]; ok {
		kind = of
	}
	return domain.To(kind, key)
}

func isNodes(key domain.Key) bool { return strings.Contains(string(key), "/node/") }

// firstOfKey is a key's first parts.
func firstOfKey(key domain.Key, n int) domain.Key {
	parts := strings.SplitN(string(key), "/", n+1)
	return domain.Key(strings.Join(parts[:min(n, len(parts))], "/"))
}

// became is what was done to one object.
type became struct {
	ref    domain.Ref
	label  string
	action string // "" for nothing
	failed *plan.Report
}

// gather sorts what a run wrote, or would write, by object.
func gather(res *run.Result, dryRun bool) []*became {
	changes := res.Done
	if dryRun {
		changes = res.Plan.Changes
	}
	var all []*became
	index := map[domain.Ref]*became{}
	of := func(kind domain.Kind, key domain.Key, label string) *became {
		ref := subject(kind, key)
		b := index[ref]
		if b == nil || key == "" {
			b = &became{ref: ref, label: label}
			index[ref] = b
			all = append(all, b)
		}
		if ref.Kind == kind {
			b.label = label
		}
		return b
	}
	for _, c := range changes {
		b := of(c.Kind, c.Key, c.Label)
		switch itself := b.ref.Kind == c.Kind; {
		case itself && c.Op == plan.Create:
			b.action = "created"
		case itself && c.Op == plan.Delete:
			b.action = "deleted"
		case b.action == "":
			b.action = "updated"
		}
	}
	for _, r := range res.Reports {
		if b := of(r.Kind, r.Key, r.Label); b.failed == nil || r.Outcome == plan.Failed {
			b.failed = &r
		}
	}
	return all
}

// result says what became of the object, and of what was written with it.
func (at *place) result(w individual, res *run.Result) (*individualResult, error) {
	out := &individualResult{ObjectType: w.object, Action: "unchanged", DryRun: at.dryRun, DependenciesSynced: []dependency{},
		ProxmoxResource: at.resource(w, res), RunID: res.ID}
	wanted := map[domain.Ref]*domain.Object{}
	for i, o := range res.Desired.Objects {
		wanted[domain.To(o.Kind, o.Key)] = &res.Desired.Objects[i]
	}
	mine := map[domain.Ref]bool{}
	for _, o := range res.Found {
		mine[domain.To(o.Kind, o.Key)] = true
	}
	for _, b := range gather(res, at.dryRun) {
		if !mine[b.ref] && !(w.optional && b.ref.Kind == w.kind) {
			out.DependenciesSynced = append(out.DependenciesSynced, at.dependency(b, wanted[b.ref]))
			continue
		}
		switch {
		case b.action == "" || out.Action == "created":
		case b.action == "deleted":
			out.Action = "updated" // of several, one that is gone
		default:
			out.Action = b.action
		}
		if b.failed == nil {
			continue
		}
		text := bounded(reportText(b.failed))
		if b.failed.WayOut != "" {
			text += ". " + bounded(b.failed.WayOut)
		}
		if b.failed.Outcome == plan.Failed {
			return nil, fail(http.StatusBadGateway, "%s", text)
		}
		out.Error = &text
	}
	if at.dryRun {
		out.Planned, out.Action = out.Action, "dry_run"
	}
	if out.Error == nil {
		out.Error = failedParts(out.DependenciesSynced, res)
	}
	if out.Error != nil {
		out.Action = "error"
	}
	out.NetBoxObject = at.object(res)
	return out, nil
}

// failedParts is the error of a run whose object was written, and something
// that belongs to it was refused.
func failedParts(all []dependency, res *run.Result) *string {
	if res.Outcome != run.OutcomePartial {
		return nil
	}
	for _, d := range all {
		if d.Error != nil {
			text := "Not everything could be written: " + *d.Error
			return &text
		}
	}
	return nil
}

// object is what NetBox has, if it is one.
func (at *place) object(res *run.Result) *netboxObject {
	if len(res.Found) != 1 {
		return nil
	}
	o := res.Found[0]
	id := res.Plan.Bound[domain.To(o.Kind, o.Key)]
	for _, c := range res.Done {
		if c.Kind == o.Kind && c.Key == o.Key && c.ID != 0 {
			id = c.ID
		}
	}
	if id == 0 {
		return nil
	}
	return &netboxObject{ID: id, Name: nameOf(&o), URL: at.netbox + "/api/" + netbox.Path(o.Kind) + strconv.Itoa(id) + "/"}
}

// nameOf is an object's name as Proxmox has it.
func nameOf(o *domain.Object) string {
	for _, field := range []string{"name", "address", "model", "upid", "volume_id", "replication_id", "job_id"} {
		if s, _ := o.Fields[field].(string); s != "" && o.Identity.Name == "" {
			return s
		}
	}
	if o.Identity.Name != "" {
		return o.Identity.Name
	}
	return o.Label
}

// dependency shows an object that is not the one that was asked for.
func (at *place) dependency(b *became, o *domain.Object) dependency {
	d := dependency{ObjectType: objectTypes[b.ref.Kind], Action: b.action, Name: b.label}
	if d.ObjectType == "" {
		_, d.ObjectType, _ = strings.Cut(string(b.ref.Kind), ".")
	}
	if o != nil {
		d.Name = nameOf(o)
	}
	switch {
	case b.failed != nil:
		text := bounded(reportText(b.failed))
		d.Action, d.Error = "error", &text
	case at.dryRun:
		d.Action, d.Planned = "dry_run", b.action
	}
	if isNodes(b.ref.Key) && b.ref.Kind == domain.KindIPAddress {
		d.ObjectType = "node-ip"
	}
	at.context(&d, b.ref)
	if d.ObjectType == "backup" && o != nil {
		d.Storage, _ = o.Fields["storage"].(string)
	}
	return d
}

// context sets what it takes to ask for the object by itself.
func (at *place) context(d *dependency, ref domain.Ref) {
	switch d.ObjectType {
	case "cluster", "node", "vm", "disk", "interface", "ip", "storage", "backup", "snapshot", "replication", "task-history":
		d.ClusterName = at.cluster.Name
	}
	switch d.ObjectType {
	case "interface":
		d.InterfaceName = d.Name
	case "ip":
		d.IPAddress = d.Name
	case "disk":
		d.DiskName = d.Name
	case "storage":
		d.StorageName = d.Name
	case "snapshot":
		d.SnapshotName = d.Name
	case "backup":
		d.VolumeID = d.Name
	case "replication":
		d.ReplicationID = d.Name
	}
	parts := strings.Split(string(ref.Key), "/")
	if len(parts) < 3 || parts[1] != string(domain.QEMU) && parts[1] != string(domain.LXC) {
		return
	}
	d.Type = parts[1]
	d.VMID, _ = strconv.Atoi(parts[2])
	if at.guest != nil && at.guest.VMID == d.VMID {
		d.Node = at.guest.Node
	}
}

// resource is where the object is in Proxmox.
func (at *place) resource(w individual, res *run.Result) map[string]any {
	r := map[string]any{"cluster_name": at.cluster.Name}
	switch {
	case at.guest != nil:
		g := at.guest
		r["node"], r["type"], r["vmid"], r["name"], r["status"], r["template"] = g.Node, g.Type, g.VMID, g.Name, g.Status, g.Template
	case at.node != nil:
		status := "offline"
		if at.node.Online {
			status = "online"
		}
		r["node"], r["name"], r["type"], r["status"], r["ip"] = at.node.Name, at.node.Name, "node", status, at.node.IP
	default:
		r["name"], r["type"], r["mode"], r["quorate"] = at.cluster.Name, "cluster", at.cluster.Mode(), at.cluster.Quorate
	}
	if w.name != "" && len(res.Found) == 1 {
		r[w.name] = nameOf(&res.Found[0])
	}
	return r
}
