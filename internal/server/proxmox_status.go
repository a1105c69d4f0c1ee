package server

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"
	"time"
)

// clusterStatus is a cluster, or a host by itself, and its nodes.
type clusterStatus struct {
	ID                     string       `json:"id"`
	Name                   string       `json:"name"`
	Type                   string       `json:"type" enum:"cluster"`
	Nodes                  int64        `json:"nodes"`
	Quorate                bool         `json:"quorate"`
	Version                int64        `json:"version"`
	Mode                   string       `json:"mode" enum:"cluster,standalone,restricted"`
	EndpointName           string       `json:"endpoint_name"`
	NodeDeviceNameTemplate string       `json:"node_device_name_template"`
	EndpointID             int          `json:"db_endpoint_id"`
	SiteID                 *int         `json:"site_id"`
	SiteSlug               *string      `json:"site_slug"`
	SiteName               *string      `json:"site_name"`
	TenantID               *int         `json:"tenant_id"`
	TenantSlug             *string      `json:"tenant_slug"`
	TenantName             *string      `json:"tenant_name"`
	NodeList               []nodeStatus `json:"node_list" nullable:"false"`
}

// nodeStatus is a node of a cluster.
type nodeStatus struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Type   string `json:"type" enum:"node"`
	IP     string `json:"ip"`
	Level  string `json:"level"`
	Local  bool   `json:"local"`
	NodeID int64  `json:"nodeid"`
	Online bool   `json:"online"`
}

// nodeLoad is what a node has and uses.
type nodeLoad struct {
	Node           string  `json:"node"`
	Status         string  `json:"status"`
	CPU            float64 `json:"cpu"`
	Level          string  `json:"level"`
	MaxCPU         int64   `json:"maxcpu"`
	MaxMem         int64   `json:"maxmem"`
	Mem            int64   `json:"mem"`
	MaxDisk        int64   `json:"maxdisk"`
	Disk           int64   `json:"disk"`
	Uptime         int64   `json:"uptime"`
	SSLFingerprint string  `json:"ssl_fingerprint"`
}

// sessionRow is an endpoint as the plugin's card shows it.
type sessionRow struct {
	IPAddress     string       `json:"ip_address"`
	Domain        *string      `json:"domain"`
	Port          int          `json:"http_port"`
	User          string       `json:"user"`
	Name          string       `json:"name"`
	Mode          string       `json:"mode"`
	Version       row          `json:"proxmox_version"`
	SchemaRelease string       `json:"schema_release"`
	SchemaStatus  schemaStatus `json:"schema_status"`
}

// schemaStatus is there for clients that expect it: nothing is generated here.
type schemaStatus struct {
	Status     string `json:"status"`
	VersionTag string `json:"version_tag"`
	Reason     string `json:"reason"`
}

const noSchema = "answers of Proxmox are passed on as they are; there is no schema of a release to generate"

// statusRoutes are what tells whether an endpoint is there and what it reads.
func (s *Server) statusRoutes() {
	readRoute(s, "/proxmox/version", "What Proxmox runs", func(ctx context.Context, in *readInput) (*said[[]map[string]row], error) {
		r, err := s.read(ctx, in.query, s.waits.card)
		if err != nil {
			return nil, err
		}
		out, err := each(ctx, r, func(ctx context.Context, src *source) (map[string]row, error) {
			id, version, err := named(ctx, src, func() (row, error) { return src.object(ctx, "/version", nil) })
			return map[string]row{id.name: version}, err
		})
		return answered(r, out, err)
	})
	readRoute(s, "/proxmox/sessions", "The endpoints and what they read", func(ctx context.Context, in *readInput) (*said[[]sessionRow], error) {
		r, err := s.read(ctx, in.query, s.waits.card)
		if err != nil {
			return nil, err
		}
		out, err := each(ctx, r, session)
		return answered(r, out, err)
	})
	readRoute(s, "/proxmox/cluster/status", "The clusters and their nodes", func(ctx context.Context, in *readInput) (*said[[]clusterStatus], error) {
		r, err := s.read(ctx, in.query, s.cardOrJob(in.query))
		if err != nil {
			return nil, err
		}
		out, err := each(ctx, r, statusOf)
		return answered(r, out, err)
	})
	readRoute(s, "/proxmox/nodes/", "The nodes and their load", func(ctx context.Context, in *readInput) (*said[[]map[string]nodeLoad], error) {
		r, err := s.read(ctx, in.query, s.cardOrJob(in.query))
		if err != nil {
			return nil, err
		}
		out, err := flat(ctx, r, loads)
		return answered(r, out, err)
	})
	readRoute(s, "/proxmox/cluster/resources", "Guests, nodes, storages and networks",
		func(ctx context.Context, in *resourcesInput) (*said[[]map[string][]row], error) {
			r, err := s.read(ctx, in.query, s.pageOrJob(in))
			if err != nil {
				return nil, err
			}
			out, err := each(ctx, r, func(ctx context.Context, src *source) (clusterRows, error) {
				query := url.Values{}
				if in.Type != "" {
					query.Set("type", in.Type)
				}
				id, rows, err := named(ctx, src, func() ([]row, error) { return src.list(ctx, "/cluster/resources", query) })
				return clusterRows{id.name, rows}, err
			})
			return answered(r, byCluster(out), err)
		})
}

// answered is a body, or the error in its place.
func answered[T any](r *reading, body T, err error) (*said[T], error) {
	if err != nil {
		return nil, err
	}
	return say(r, body), nil
}

// cardOrJob is how long a control route waits. A card says its source; the jobs
// do not, and wait longer themselves.
func (s *Server) cardOrJob(query url.Values) time.Duration {
	if query.Get("source") == "" {
		return s.waits.job
	}
	return s.waits.card
}

type resourcesInput struct {
	readInput
	Type string `query:"type" enum:"vm,storage,node,sdn,network" doc:"Only these."`
}

// pageOrJob is how long the resources are waited for: the dashboard, which
// wants all of them, leaves sooner than the job, which wants the guests.
func (s *Server) pageOrJob(in *resourcesInput) time.Duration {
	if in.Type == "" && in.query.Get("source") != "" {
		return s.waits.page
	}
	return s.waits.job
}

func session(ctx context.Context, src *source) (sessionRow, error) {
	id, version, err := named(ctx, src, func() (row, error) { return src.object(ctx, "/version", nil) })
	if err != nil {
		return sessionRow{}, err
	}
	release := version.word("release")
	return sessionRow{
		IPAddress: src.ep.IPAddress, Domain: orNull(src.ep.Domain), Port: src.ep.Port, User: src.ep.Username, Name: id.name, Mode: id.mode,
		Version: version, SchemaRelease: release, SchemaStatus: schemaStatus{"unavailable", release, noSchema},
	}, nil
}

func statusOf(ctx context.Context, src *source) (clusterStatus, error) {
	rows, err := src.status(ctx)
	if err != nil {
		return clusterStatus{}, err
	}
	id := identityOf(src.ep, rows)
	out := clusterStatus{
		ID: "cluster/" + id.name, Name: id.name, Type: "cluster", Quorate: true, Mode: id.mode, EndpointName: src.ep.Name, EndpointID: src.ep.ID,
		NodeDeviceNameTemplate: cmp.Or(src.ep.NodeDeviceNameTemplate, "{node}"), NodeList: []nodeStatus{},
		SiteID: orNull(src.ep.SiteID), SiteSlug: orNull(src.ep.SiteSlug), SiteName: orNull(src.ep.SiteName),
		TenantID: orNull(src.ep.TenantID), TenantSlug: orNull(src.ep.TenantSlug), TenantName: orNull(src.ep.TenantName),
	}
	fallback := ""
	for _, r := range rows {
		switch r.word("type") {
		case "cluster":
			out.ID = cmp.Or(r.word("id"), out.ID)
			out.Nodes, out.Version = or(r.whole("nodes")), or(r.whole("version"))
			out.Quorate = or(r.truth("quorate"))
		case "node":
			name := r.word("name")
			n := nodeStatus{
				ID: cmp.Or(r.word("id"), "node/"+name), Name: name, Type: "node", IP: r.word("ip"), Level: r.word("level"),
				Local: or(r.truth("local")), NodeID: or(r.whole("nodeid")), Online: or(r.truth("online")),
			}
			if n.IP == "" {
				if fallback == "" {
					fallback = src.address(ctx)
				}
				n.IP = fallback
			}
			out.NodeList = append(out.NodeList, n)
		}
	}
	out.Nodes = cmp.Or(out.Nodes, int64(len(out.NodeList)))
	slices.SortFunc(out.NodeList, func(a, b nodeStatus) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

func loads(ctx context.Context, src *source) ([]map[string]nodeLoad, error) {
	id, rows, err := named(ctx, src, func() ([]row, error) { return src.list(ctx, "/nodes", nil) })
	if err != nil {
		return nil, err
	}
	out := []map[string]nodeLoad{}
	slices.SortFunc(rows, func(a, b row) int { return strings.Compare(a.word("node"), b.word("node")) })
	for _, r := range rows {
		out = append(out, map[string]nodeLoad{id.name: {
			Node: r.word("node"), Status: cmp.Or(r.word("status"), "unknown"), CPU: or(r.number("cpu")), Level: r.word("level"),
			MaxCPU: or(r.whole("maxcpu")), MaxMem: or(r.whole("maxmem")), Mem: or(r.whole("mem")),
			MaxDisk: or(r.whole("maxdisk")), Disk: or(r.whole("disk")), Uptime: or(r.whole("uptime")), SSLFingerprint: r.word("ssl_fingerprint"),
		}})
	}
	return out, nil
}

// clusterRows are rows of one cluster.
type clusterRows struct {
	cluster string
	rows    []row
}

// resourceFields are what every resource has on the wire, null where Proxmox
// does not say it. The dashboard counts rows that have them.
var resourceFields = []string{"cgroup_mode", "content", "cpu", "disk", "hastate", "id", "level", "maxcpu", "maxdisk", "maxmem", "mem", "name", "node",
	"plugintype", "pool", "status", "storage", "type", "uptime", "vmid"}

var resourceNumbers = map[string]bool{"cpu": true, "disk": true, "maxcpu": true, "maxdisk": true, "maxmem": true, "mem": true, "uptime": true, "vmid": true,
	"cgroup_mode": true}

// byCluster unites what several endpoints of one cluster say. Ids are unique
// within a cluster alone.
func byCluster(all []clusterRows) []map[string][]row {
	out := []map[string][]row{}
	place := map[string]int{}
	seen := map[string]bool{}
	for _, c := range all {
		at, known := place[c.cluster]
		if !known {
			at = len(out)
			place[c.cluster] = at
			out = append(out, map[string][]row{c.cluster: {}})
		}
		for _, r := range c.rows {
			id := c.cluster + "\x00" + r.word("id")
			if r.word("id") == "" || seen[id] {
				continue
			}
			seen[id] = true
			out[at][c.cluster] = append(out[at][c.cluster], resource(r))
		}
	}
	return out
}

// resource is a row without anything nested: the plugin looks for rows in what
// is nested.
func resource(in row) row {
	out := row{}
	for name, value := range in {
		switch value.(type) {
		case map[string]any, []any:
			continue
		}
		out[strings.ReplaceAll(name, "-", "_")] = value
	}
	for _, name := range resourceFields {
		if resourceNumbers[name] {
			out[name] = nullable(out.number(name))
		} else {
			out[name] = nullable(out.text(name))
		}
	}
	if v := out.truth("template"); v != nil {
		out["template"] = *v
	}
	return out
}

func nullable[T any](v *T) any {
	if v == nil {
		return nil
	}
	return *v
}
