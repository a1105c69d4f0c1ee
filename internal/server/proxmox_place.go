package server

import (
	"context"
	"net/http"
	"slices"
	"strings"
)

// nodeInput is a request for something of one node.
type nodeInput struct {
	readInput
	Node string `path:"node" pattern:"^[A-Za-z0-9][A-Za-z0-9._-]*$" maxLength:"255"`
}

// onNode leaves the one endpoint that has a node. Where there is but one, it
// is asked: Proxmox itself says when it does not know the node.
func (r *reading) onNode(ctx context.Context, node string) (*source, error) {
	if len(r.sources) == 1 {
		return r.sources[0], nil
	}
	having, err := each(ctx, r, func(ctx context.Context, src *source) (*source, error) {
		rows, err := src.nodes(ctx)
		if err != nil || !slices.ContainsFunc(rows, func(n row) bool { return n.word("type") == "node" && n.word("name") == node }) {
			return nil, err
		}
		return src, nil
	})
	if err != nil {
		return nil, err
	}
	having = slices.DeleteFunc(having, func(src *source) bool { return src == nil })
	return r.only(ctx, having, "node "+node)
}

// nodes are the rows of the cluster's status; those of a minute ago will do.
func (src *source) nodes(ctx context.Context) ([]row, error) {
	if a, ok := src.recent("/cluster/status"); ok {
		return decodeList(a.data)
	}
	return src.status(ctx)
}

// only is the one endpoint that has what is asked for. Several of one cluster
// are as good as one.
func (r *reading) only(ctx context.Context, having []*source, what string) (*source, error) {
	if len(having) == 0 {
		e := fail(http.StatusNotFound, "No Proxmox endpoint has a %s; GET /proxmox/cluster/status shows the nodes.", what)
		if len(r.sources) == 0 {
			e = fail(http.StatusNotFound, "There is no enabled Proxmox endpoint: add one with POST /proxmox/endpoints, or let the NetBox plugin push it.")
		}
		if len(r.failed) > 0 {
			e.Detail.Text += " Endpoints that could not be read: " + strings.Join(r.failed, ", ") + "."
		}
		return nil, e
	}
	if len(having) == 1 {
		return having[0], nil
	}
	first, err := having[0].identity(ctx)
	for _, src := range having[1:] {
		if id, other := src.identity(ctx); err != nil || other != nil || id != first || id.mode != modeCluster {
			return nil, fail(http.StatusConflict, "Several Proxmox endpoints have a %s. Say which one with proxmox_endpoint_ids or name; GET /proxmox/endpoints shows them.", what)
		}
	}
	return having[0], nil
}
