package server

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"proxbox/internal/proxmox"
)

// apiPath is where Proxmox's own API is passed through.
const apiPath = "/proxmox/api2"

// releasePart is the release in a path, which the Python service has in its.
var releasePart = regexp.MustCompile(`^/(latest|\d+(\.\d+)+)/`)

// apiRoutes pass through any GET of Proxmox's API by its path.
func (s *Server) apiRoutes() {
	op := operation(http.MethodGet, apiPath+"/{path}", "proxmox", "read-proxmox-api",
		"What Proxmox's API answers below /api2/json, as it is; the path may have several parts")
	op.Parameters = []*huma.Param{
		{Name: "path", In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}, Description: "Such as nodes/pve1/time."},
		{Ref: "#/components/parameters/proxmox_endpoint_ids"}, {Ref: "#/components/parameters/endpoint_ids"}, {Ref: "#/components/parameters/source"},
	}
	for _, sel := range selectors {
		op.Parameters = append(op.Parameters, &huma.Param{Name: sel.names[0], In: "query", Schema: &huma.Schema{Type: huma.TypeString}, Description: sel.doc + "."})
	}
	op.Responses = map[string]*huma.Response{"200": {Description: "The data", Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{}}}}}
	for status, name := range map[int]string{400: "400", 401: "401", 404: "404", 409: "409", 422: "422", 429: "429", 500: "500", 502: "502", 503: "503", 504: "504"} {
		op.Responses[name] = s.errorResponse(status)
	}
	s.api.OpenAPI().AddOperation(&op)
	s.router.Get(apiPath+"/*", s.passAPI)
}

// passAPI answers one read of Proxmox's API.
func (s *Server) passAPI(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	out, err := s.readAPI(ctx, strings.TrimPrefix(r.URL.EscapedPath(), apiPath), r.URL.Query())
	if err != nil {
		writeError(w, s.problem(ctx, readProblem(ctx, err)))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(out)
}

func (s *Server) readAPI(ctx context.Context, path string, query url.Values) (json.RawMessage, error) {
	if found := releasePart.FindString(path); found != "" {
		path = path[len(found)-1:]
	}
	endpoints, err := s.endpointsOf(ctx, query, 0)
	if err != nil {
		return nil, err
	}
	r := s.readingOf(endpoints, s.waits.page)
	src, err := r.forPath(ctx, path)
	if err != nil {
		return nil, err
	}
	a, err := src.get(ctx, path, withoutSelectors(query))
	return a.data, err
}

// forPath is the one endpoint that a path of the API is asked of.
func (r *reading) forPath(ctx context.Context, path string) (*source, error) {
	parts := strings.Split(path, "/")
	if len(parts) > 2 && parts[1] == "nodes" {
		node, err := url.PathUnescape(parts[2])
		if err != nil {
			return nil, proxmox.ErrBadPath
		}
		return r.onNode(ctx, node)
	}
	return r.only(ctx, slices.Clone(r.sources), "path "+path)
}

// withoutSelectors are the parameters that are Proxmox's own.
func withoutSelectors(query url.Values) url.Values {
	out := url.Values{}
	for name, values := range query {
		ours := name == "proxmox_endpoint_ids" || name == "endpoint_ids" ||
			name == "source" && (query.Get(name) == "database" || query.Get(name) == "netbox") ||
			slices.ContainsFunc(selectors, func(sel selector) bool { return sel.names[0] == name })
		if !ours {
			out[name] = values
		}
	}
	return out
}
