package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"proxbox/internal/netbox"
)

// netboxPatience is how long a request waits for NetBox. Its OpenAPI document
// alone takes it ten seconds.
const netboxPatience = 25 * time.Second

// lookInput is a request for what NetBox has.
type lookInput struct{ query url.Values }

// Resolve implements huma.Resolver.
func (in *lookInput) Resolve(ctx huma.Context) []error {
	u := ctx.URL()
	in.query = u.Query()
	return nil
}

type (
	lookIDInput struct {
		lookInput
		ID int `path:"id" minimum:"1" doc:"Of the virtual machine in NetBox"`
	}
	objectOutput struct{ Body json.RawMessage }
)

func (s *Server) netboxReadRoutes() {
	s.lookRoute("/netbox/status", "netbox-status", "What NetBox says of itself", "status/", nil)
	s.lookRoute("/netbox/openapi", "netbox-openapi", "NetBox's OpenAPI document", "schema/", url.Values{"format": {"json"}})
	s.lookListRoute("/dcim/devices", "dcim-devices", "dcim", "Devices, as NetBox has them", "dcim/devices/")
	const machines = "/virtualization/virtual-machines/"
	s.lookListRoute(machines, "virtual-machines", "virtualization", "Virtual machines, as NetBox has them", "virtualization/virtual-machines/")
	one := lookOperation(machines+"{id}", "virtual-machine", "virtualization", "A virtual machine, as NetBox has it", http.StatusNotFound)
	one.Responses = objectResponse()
	register(s, one, func(ctx context.Context, in *lookIDInput) (*objectOutput, error) {
		raw, err := s.look(ctx, "virtualization/virtual-machines/"+strconv.Itoa(in.ID)+"/", withoutContext(nil), branchOf(in.query))
		var refused *netbox.StatusError
		if errors.As(err, &refused) && refused.NotFound() {
			return nil, fail(http.StatusNotFound, "Virtual machine not found: NetBox has none with the id %d, or does not show it to the token.", in.ID)
		}
		return &objectOutput{raw}, netboxProblem(err)
	})
	s.summaryRoutes()
	s.stubs()
}

func branchParam() *huma.Param {
	return &huma.Param{Ref: "#/components/parameters/netbox_branch_schema_id"}
}

func branchOf(query url.Values) string { return query.Get("netbox_branch_schema_id") }

func lookOperation(path, id, tag, summary string, errs ...int) huma.Operation {
	op := operation(http.MethodGet, path, tag, id, summary, append(errs, http.StatusConflict, http.StatusBadGateway, http.StatusGatewayTimeout)...)
	op.Parameters = []*huma.Param{branchParam()}
	return op
}

// objectResponse is an object whose shape is NetBox's.
func objectResponse() map[string]*huma.Response {
	return map[string]*huma.Response{"200": {Description: "As NetBox answers it", Content: map[string]*huma.MediaType{
		"application/json": {Schema: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}},
	}}}
}

// listResponse is a list of such objects.
func listResponse() map[string]*huma.Response {
	return map[string]*huma.Response{"200": {Description: "As NetBox answers them", Content: map[string]*huma.MediaType{
		"application/json": {Schema: &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}}},
	}}}
}

// lookRoute passes on one document of NetBox.
func (s *Server) lookRoute(path, id, summary, netboxPath string, query url.Values) {
	op := lookOperation(path, id, "netbox", summary)
	op.Responses = objectResponse()
	register(s, op, func(ctx context.Context, in *lookInput) (*objectOutput, error) {
		raw, err := s.look(ctx, netboxPath, query, branchOf(in.query))
		return &objectOutput{raw}, netboxProblem(err)
	})
}

// lookListRoute passes on a list of NetBox, every page of it.
func (s *Server) lookListRoute(path, id, tag, summary, netboxPath string) {
	op := lookOperation(path, id, tag, summary)
	op.Description = "NetBox's own filters may be given, such as tag=proxbox, and fields to have less of each."
	op.Responses = listResponse()
	register(s, op, func(ctx context.Context, in *lookInput) (*objectOutput, error) {
		raw, err := s.lookList(ctx, netboxPath, filters(in.query), branchOf(in.query))
		return &objectOutput{raw}, netboxProblem(err)
	})
}

// filters are the parameters that go on to NetBox.
func filters(query url.Values) url.Values {
	out := url.Values{}
	for name, values := range query {
		if !slices.Contains([]string{"netbox_branch_schema_id", "limit", "offset", "start", "format", "brief"}, name) {
			out[name] = values
		}
	}
	return withoutContext(out)
}

// withoutContext leaves out what costs NetBox more than all the rest.
func withoutContext(query url.Values) url.Values {
	if query == nil {
		query = url.Values{}
	}
	if !query.Has("fields") {
		query.Set("omit", "config_context")
	}
	return query
}

// look reads one document, or takes it from the cache.
func (s *Server) look(ctx context.Context, path string, query url.Values, branch string) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, netboxPatience)
	defer cancel()
	return s.fetch(ctx, branch, path, query.Encode(), func(ctx context.Context, nb *netbox.Client) (json.RawMessage, error) {
		return nb.Get(ctx, path, query)
	})
}

// lookList reads a whole list, or takes it from the cache.
func (s *Server) lookList(ctx context.Context, path string, query url.Values, branch string) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, netboxPatience)
	defer cancel()
	return s.fetch(ctx, branch, path, query.Encode(), func(ctx context.Context, nb *netbox.Client) (json.RawMessage, error) {
		var all bytes.Buffer
		all.WriteByte('[')
		err := nb.List(ctx, path, query, func(row json.RawMessage) error {
			if all.Len() > 1 {
				all.WriteByte(',')
			}
			_, err := all.Write(row)
			return err
		})
		all.WriteByte(']')
		return all.Bytes(), err
	})
}

// netboxProblem is the answer when NetBox could not be read.
func netboxProblem(err error) error {
	status, ok := upstream(err)
	if !ok {
		return err
	}
	e := fail(status, "%s", err.Error())
	e.Message = "NetBox could not be read."
	return e
}

// stubs are the routes that others have and that are no use here.
func (s *Server) stubs() {
	for _, one := range []struct{ path, why string }{
		{"/virtualization/cluster-types/create", "Cluster types are made together with the clusters that need them: GET /dcim/devices/create does both, GET /sync/individual/cluster for one cluster."},
		{"/virtualization/clusters/create", "Clusters are synced with their nodes: GET /dcim/devices/create does both, GET /sync/individual/cluster one cluster alone."},
		{"/virtualization/virtual-machines/create-test", "There is no test object to make. GET /virtualization/virtual-machines/create?dry_run=true shows what would be made, and makes nothing."},
	} {
		op := operation(http.MethodGet, one.path, "virtualization", operationID(one.path), "Not done here", http.StatusNotImplemented)
		register(s, op, func(context.Context, *struct{}) (*struct{}, error) {
			return nil, fail(http.StatusNotImplemented, "%s", one.why)
		})
	}
}
