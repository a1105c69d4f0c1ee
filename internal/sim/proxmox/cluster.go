package proxmoxsim

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"proxbox/internal/domain"
)

// rows is a list that is never null.
func rows(list []Row) []Row {
	if list == nil {
		return []Row{}
	}
	return list
}

func (r *request) version() any {
	release := r.Version
	if parts := strings.SplitN(r.Version, ".", 3); len(parts) > 1 {
		release = parts[0] + "." + parts[1]
	}
	return Row{"version": r.Version, "release": release, "repoid": "simulated"}
}

func (r *request) clusterStatus() (any, error) {
	if err := r.demand("/", "Sys.Audit"); err != nil {
		return nil, err
	}
	out := []Row{}
	if r.Cluster != "" {
		out = append(out, Row{
			"type": "cluster", "id": "cluster", "name": r.Cluster, "nodes": len(r.Nodes), "version": 1, "quorate": bit(!r.NoQuorum),
		})
	}
	for i, n := range r.Nodes {
		id := i + 1
		if r.Cluster == "" {
			id = 0
		}
		out = append(out, Row{
			"type": "node", "id": "node/" + n.Name, "name": n.Name, "nodeid": id, "ip": n.IP, "level": "",
			"online": bit(!n.Offline), "local": bit(i == 0),
		})
	}
	return out, nil
}

func (r *request) options() any {
	out := Row{}
	if r.TagStyle != "" {
		style := Row{}
		for part := range strings.SplitSeq(r.TagStyle, ",") {
			key, value, _ := strings.Cut(part, "=")
			style[key] = value
		}
		out["tag-style"] = style
	}
	return out
}

// usage is what a node that is there says of its load, to those who may know.
func (r *request) usage(row Row, n Node) Row {
	if n.Offline || !r.caller.rights.has("/nodes/"+n.Name, "Sys.Audit") {
		return row
	}
	maps.Copy(row, Row{
		"cpu": 0.125, "maxcpu": n.CPUs, "mem": n.MemoryBytes / 2, "maxmem": n.MemoryBytes,
		"disk": int64(8) << 30, "maxdisk": int64(64) << 30, "uptime": 864000, "level": "",
	})
	return row
}

func (n Node) status() string {
	if n.Offline {
		return "offline"
	}
	return "online"
}

func (r *request) nodes() any {
	out := []Row{}
	for _, n := range r.Nodes {
		out = append(out, r.usage(Row{
			"node": n.Name, "id": "node/" + n.Name, "type": "node", "status": n.status(), "ssl_fingerprint": n.Fingerprint,
		}, n))
	}
	return out
}

// guestRow is a guest in the list of resources. What is nil is not sent: of
// a guest that nobody has seen there is but the head of the row.
type guestRow struct {
	ID     string `json:"id"`
	Type   string `json:"type"`
	Node   string `json:"node"`
	VMID   int    `json:"vmid"`
	Status string `json:"status"`
	Pool   string `json:"pool,omitempty"`
	HA     string `json:"hastate,omitempty"`
	*seen
}

type seen struct {
	Name     string  `json:"name"`
	Template int     `json:"template"`
	MaxCPU   float64 `json:"maxcpu"`
	MaxMem   int64   `json:"maxmem"`
	MaxDisk  int64   `json:"maxdisk"`
	CPU      float64 `json:"cpu"`
	Mem      int64   `json:"mem"`
	Disk     int64   `json:"disk"`
	Uptime   int     `json:"uptime"`
	NetIn    int64   `json:"netin"`
	NetOut   int64   `json:"netout"`
	Tags     any     `json:"tags,omitempty"`
	Lock     any     `json:"lock,omitempty"`
}

func (r *request) resources() (any, error) {
	kind := r.query.Get("type")
	if kind != "" && !slices.Contains([]string{"vm", "storage", "node", "sdn", "network"}, kind) {
		return nil, malformed("type", "value '"+kind+"' does not have a value in the enumeration 'vm, storage, node, sdn'")
	}
	wanted := func(k string) bool { return kind == "" || kind == k }
	offline := map[string]bool{}
	cpus := map[string]int{}
	for _, n := range r.Nodes {
		offline[n.Name], cpus[n.Name] = n.Offline, n.CPUs
	}
	out := []any{}
	if wanted("vm") {
		for i := range r.Guests {
			if g := &r.Guests[i]; r.caller.rights.onGuest(g, "VM.Audit") {
				out = append(out, g.resource(offline[g.Node], cpus[g.Node]))
			}
		}
	}
	if wanted("node") {
		for _, n := range r.Nodes {
			out = append(out, r.usage(Row{"id": "node/" + n.Name, "type": "node", "node": n.Name, "status": n.status()}, n))
		}
	}
	if wanted("storage") {
		for _, n := range r.Nodes {
			for _, s := range r.Storages {
				if s.on(n.Name) && r.caller.rights.has("/storage/"+s.Name(), "Datastore.Audit", "Datastore.AllocateSpace") {
					out = append(out, s.resource(n))
				}
			}
		}
	}
	// Since release 9 the networks of the SDN have a type of their own.
	if network := "network"; r.release() >= 9 && (wanted(network) || wanted("sdn")) || wanted("sdn") {
		if r.release() < 9 {
			network = "sdn"
		}
		for _, n := range r.Nodes {
			out = append(out, Row{"id": network + "/" + n.Name + "/localnetwork", "type": network, "node": n.Name, network: "localnetwork", "status": "ok"})
		}
	}
	return out, nil
}

func (g *Guest) resource(offline bool, cpus int) guestRow {
	row := guestRow{
		ID: string(g.Type) + "/" + strconv.Itoa(g.VMID), Type: string(g.Type), Node: g.Node, VMID: g.VMID, Status: "unknown",
		Pool: g.Pool, HA: g.HAState,
	}
	if offline || g.Unseen {
		return row
	}
	row.Status = g.Status
	row.seen = &seen{
		Name: g.Name(), Template: bit(g.Template()), MaxCPU: g.cpus(cpus), MaxMem: g.memoryMB() << 20, MaxDisk: 8 << 30,
		Tags: g.Config["tags"], Lock: g.Config["lock"],
	}
	if g.Status == "running" {
		row.CPU, row.Mem, row.Uptime, row.NetIn, row.NetOut = 0.03125, row.MaxMem/2, 86400, 1<<20, 1<<20
		if g.Type == domain.LXC {
			row.Disk = 1 << 30
		}
	}
	return row
}

// cpus counts the processors as the list of resources does; a container may
// use all of its node when nothing limits it.
func (g *Guest) cpus(node int) float64 {
	if g.Type == domain.LXC {
		return cmp.Or(number(g.Config["cores"]), number(g.Config["cpulimit"]), float64(node))
	}
	return cmp.Or(number(g.Config["vcpus"]), max(1, number(g.Config["cores"]))*max(1, number(g.Config["sockets"])))
}

// memoryMB is the memory option, which is a number or "current=2048".
func (g *Guest) memoryMB() int64 {
	value := word(g.Config["memory"])
	return int64(cmp.Or(number(cmp.Or(option(value, "current"), option(value, ""))), 512))
}

func (r *request) replications() any {
	out := []Row{}
	for _, job := range r.Replications {
		if r.caller.rights.has("/vms/"+word(job["guest"]), "VM.Audit") {
			out = append(out, job)
		}
	}
	return out
}

func (r *request) backupJobs() (any, error) {
	if err := r.demand("/", "Sys.Audit"); err != nil {
		return nil, err
	}
	return rows(r.BackupJobs), nil
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
