package server

import (
	"context"
	"encoding/json"
	"sync"

	"proxbox/internal/proxmox"
)

// replicationJob is a replication of a guest to another node.
type replicationJob struct {
	ClusterName string   `json:"cluster_name"`
	Status      string   `json:"status"`
	Error       *string  `json:"error"`
	Comment     *string  `json:"comment"`
	Disable     *bool    `json:"disable"`
	Guest       *int64   `json:"guest"`
	ID          *string  `json:"id"`
	JobNum      *int64   `json:"jobnum"`
	Rate        *float64 `json:"rate"`
	RemoveJob   *string  `json:"remove_job"`
	Schedule    *string  `json:"schedule"`
	Source      *string  `json:"source"`
	Target      *string  `json:"target"`
	Type        *string  `json:"type"`
}

// tokenInfo is what there is to know of an API token, but for its secret.
type tokenInfo struct {
	ClusterName string  `json:"cluster_name"`
	UserID      string  `json:"userid"`
	TokenID     string  `json:"tokenid"`
	Comment     *string `json:"comment"`
	PrivSep     *bool   `json:"privsep"`
	Expire      *int64  `json:"expire"`
	Value       *string `json:"value" doc:"Always null: Proxmox shows a token's secret but once."`
	Status      string  `json:"status"`
	Error       *string `json:"error"`
}

// overview is an endpoint at a glance.
type overview struct {
	Access  []string `json:"access" nullable:"false"`
	Cluster []string `json:"cluster" nullable:"false"`
	Nodes   []row    `json:"nodes" nullable:"false"`
	Pools   []row    `json:"pools" nullable:"false"`
	Storage []row    `json:"storage" nullable:"false"`
	Version row      `json:"version"`
}

// overviews are all endpoints at a glance.
type overviews struct {
	Message  string                `json:"message"`
	Viewer   string                `json:"proxmox_api_viewer"`
	GitHub   map[string]string     `json:"github"`
	Clusters []map[string]overview `json:"clusters" nullable:"false"`
}

type tokenInput struct {
	readInput
	UserID  string `path:"userid" maxLength:"255" doc:"With its realm: root@pam"`
	TokenID string `path:"tokenid" maxLength:"255"`
}

type topInput struct {
	readInput
	Top string `path:"top_level" enum:"access,cluster,nodes,pools,storage,version"`
}

func (s *Server) clusterRoutes() {
	listRoute(s, "/proxmox/replication", "The replication jobs", "/cluster/replication", func(cluster string, in row) replicationJob {
		return replicationJob{
			ClusterName: cluster, Status: allOK, Comment: in.text("comment"), Disable: in.truth("disable"), Guest: in.whole("guest"), ID: in.text("id"),
			JobNum: in.whole("jobnum"), Rate: in.number("rate"), RemoveJob: in.text("remove_job"), Schedule: in.text("schedule"), Source: in.text("source"),
			Target: in.text("target"), Type: in.text("type"),
		}
	})
	listRoute(s, "/proxmox/cluster/backup", "The backup jobs", "/cluster/backup", func(cluster string, in row) row {
		in["cluster_name"] = cluster
		return in
	})
	readRoute(s, "/proxmox/access/tokens/{userid}/{tokenid}", "An API token; null when no cluster has it",
		func(ctx context.Context, in *tokenInput) (*saidMaybe[tokenInfo], error) {
			r, err := s.read(ctx, in.query, s.waits.tab)
			if err != nil {
				return nil, err
			}
			all, err := flat(ctx, r, func(ctx context.Context, src *source) ([]tokenInfo, error) {
				id, found, err := named(ctx, src, func() (row, error) {
					return src.object(ctx, proxmox.Path("access", "users", in.UserID, "token", in.TokenID), nil)
				})
				if absent(err) {
					return nil, nil
				}
				return []tokenInfo{{ClusterName: id.name, UserID: in.UserID, TokenID: in.TokenID, Comment: found.text("comment"), PrivSep: found.truth("privsep"),
					Expire: found.whole("expire"), Status: allOK}}, err
			})
			return answeredFirst(r, all, err)
		})
	readRoute(s, "/proxmox/", "All endpoints at a glance", func(ctx context.Context, in *readInput) (*said[overviews], error) {
		r, err := s.read(ctx, in.query, s.waits.tab)
		if err != nil {
			return nil, err
		}
		all, err := each(ctx, r, glance)
		return answered(r, overviews{"Proxmox API", "https://pve.proxmox.com/pve-docs/api-viewer/",
			map[string]string{"netbox": "https://github.com/netbox-community/netbox", "proxbox": "https://github.com/netdevopsbr/netbox-proxbox"}, all}, err)
	})
	readRoute(s, "/proxmox/{top_level}", "What there is at the top of Proxmox's API, as it is", func(ctx context.Context, in *topInput) (*said[[]map[string]json.RawMessage], error) {
		r, err := s.read(ctx, in.query, s.waits.tab)
		if err != nil {
			return nil, err
		}
		out, err := each(ctx, r, func(ctx context.Context, src *source) (map[string]json.RawMessage, error) {
			id, a, err := named(ctx, src, func() (answer, error) { return src.get(ctx, "/"+in.Top, nil) })
			return map[string]json.RawMessage{id.name: a.data}, err
		})
		return answered(r, out, err)
	})
}

// glance reads what an overview shows.
func glance(ctx context.Context, src *source) (map[string]overview, error) {
	var (
		wait sync.WaitGroup
		id   clusterIdentity
		out  overview
		errs [7]error
	)
	names := func(path, field string, into *[]string, failed *error) {
		wait.Go(func() {
			rows, err := src.list(ctx, path, nil)
			*into, *failed = mapped(rows, func(in row) string { return in.word(field) }), err
		})
	}
	names("/access", "subdir", &out.Access, &errs[0])
	names("/cluster", "name", &out.Cluster, &errs[1])
	wait.Go(func() { out.Nodes, errs[2] = src.list(ctx, "/nodes", nil) })
	wait.Go(func() { out.Pools, errs[3] = src.list(ctx, "/pools", nil) })
	wait.Go(func() { out.Storage, errs[4] = src.list(ctx, "/storage", nil) })
	wait.Go(func() { out.Version, errs[5] = src.object(ctx, "/version", nil) })
	wait.Go(func() { id, errs[6] = src.identity(ctx) })
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return map[string]overview{id.name: out}, nil
}
