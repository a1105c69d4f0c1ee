package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"proxbox/internal/domain"
	"proxbox/internal/netbox"
	"proxbox/internal/store"
)

// netboxEndpoint is the NetBox endpoint as it is shown: never its token.
type netboxEndpoint struct {
	ID           int          `json:"id"`
	Name         string       `json:"name"`
	IPAddress    string       `json:"ip_address"`
	Domain       string       `json:"domain"`
	Port         int          `json:"port"`
	TokenVersion string       `json:"token_version" enum:"v1,v2"`
	VerifySSL    bool         `json:"verify_ssl"`
	Enabled      bool         `json:"enabled"`
	Probe        *netboxProbe `json:"probe"`
}

// netboxProbe says whether a NetBox that was just given answers.
type netboxProbe struct {
	Reachable      bool    `json:"reachable"`
	Status         string  `json:"status" enum:"reachable,unreachable"`
	APIVersion     *string `json:"api_version"`
	ErrorType      *string `json:"error_type"`
	Error          *string `json:"error"`
	TimeoutSeconds float64 `json:"timeout_seconds"`
}

// TransformSchema implements huma.SchemaTransformer: an object that may be null
// cannot be a reference.
func (netboxEndpoint) TransformSchema(r huma.Registry, schema *huma.Schema) *huma.Schema {
	probe := *r.Schema(reflect.TypeFor[netboxProbe](), false, "")
	probe.Nullable = true
	schema.Properties["probe"] = &probe
	return schema
}

// netboxEndpointInput is what the endpoint is made of or changed by.
type netboxEndpointInput struct {
	store.NetBoxChange
}

// TransformSchema implements huma.SchemaTransformer.
func (netboxEndpointInput) TransformSchema(_ huma.Registry, schema *huma.Schema) *huma.Schema {
	return changeSchema(schema)
}

// pageInput narrows a list. What is out of bounds is brought into them.
type pageInput struct {
	Offset int `query:"offset" doc:"How many rows to leave out"`
	Limit  int `query:"limit" doc:"How many rows at most; 100 and more are 100, 0 is 100"`
}

const maxPage = 100

func page[T any](all []T, in pageInput) []T {
	from := min(max(in.Offset, 0), len(all))
	limit := in.Limit
	if limit <= 0 || limit > maxPage {
		limit = maxPage
	}
	return all[from:min(from+limit, len(all))]
}

type (
	netboxListOutput struct {
		Body []netboxEndpoint `nullable:"false"`
	}
	netboxCreateInput struct{ Body netboxEndpointInput }
	netboxUpdateInput struct {
		ID   int `path:"netbox_id" minimum:"1"`
		Body netboxEndpointInput
	}
	netboxIDInput struct {
		ID int `path:"netbox_id" minimum:"1"`
	}
	netboxOutput struct{ Body netboxEndpoint }
)

func (s *Server) netboxRoutes() {
	const base, row = "/netbox/endpoint", "/netbox/endpoint/{netbox_id}"
	const notFound = "NetBox Endpoint not found."
	register(s, operation(http.MethodGet, base, "netbox", "list-netbox-endpoints", "List the NetBox endpoint, of which there is at most one"),
		func(ctx context.Context, in *pageInput) (*netboxListOutput, error) {
			all, err := s.store.NetBoxEndpoints().List(ctx)
			if err != nil {
				return nil, err
			}
			out := &netboxListOutput{Body: []netboxEndpoint{}}
			for _, e := range page(all, *in) {
				out.Body = append(out.Body, showNetBox(e))
			}
			return out, nil
		})
	register(s, operation(http.MethodPost, base, "netbox", "create-netbox-endpoint", "Add the NetBox endpoint", http.StatusConflict),
		func(ctx context.Context, in *netboxCreateInput) (*netboxOutput, error) {
			e, err := s.store.NetBoxEndpoints().Create(ctx, in.Body.NetBoxChange)
			if err != nil {
				return nil, err
			}
			return s.probed(ctx, e), nil
		})
	register(s, operation(http.MethodGet, row, "netbox", "get-netbox-endpoint", "Get the NetBox endpoint", http.StatusNotFound),
		func(ctx context.Context, in *netboxIDInput) (*netboxOutput, error) {
			e, err := s.store.NetBoxEndpoints().Get(ctx, in.ID)
			if err != nil {
				return nil, missing(err, notFound)
			}
			return &netboxOutput{showNetBox(e)}, nil
		})
	register(s, operation(http.MethodPut, row, "netbox", "update-netbox-endpoint", "Change what is given of the NetBox endpoint", http.StatusNotFound),
		func(ctx context.Context, in *netboxUpdateInput) (*netboxOutput, error) {
			e, err := s.store.NetBoxEndpoints().Update(ctx, in.ID, in.Body.NetBoxChange)
			if err != nil {
				return nil, missing(err, notFound)
			}
			return s.probed(ctx, e), nil
		})
	register(s, operation(http.MethodDelete, row, "netbox", "delete-netbox-endpoint", "Remove the NetBox endpoint", http.StatusNotFound),
		func(ctx context.Context, in *netboxIDInput) (*messageOutput, error) {
			if err := s.store.NetBoxEndpoints().Delete(ctx, in.ID); err != nil {
				return nil, missing(err, notFound)
			}
			out := &messageOutput{}
			out.Body.Message = "NetBox Endpoint deleted."
			return out, nil
		})
}

// missing is the 404 for a row that is not there.
func missing(err error, text string) error {
	if errors.Is(err, store.ErrNotFound) {
		return fail(http.StatusNotFound, "%s", text)
	}
	return err
}

func showNetBox(e domain.NetBoxEndpoint) netboxEndpoint {
	return netboxEndpoint{ID: e.ID, Name: e.Name, IPAddress: e.IPAddress, Domain: e.Domain, Port: e.Port,
		TokenVersion: e.TokenVersion, VerifySSL: e.VerifySSL, Enabled: e.Enabled}
}

// probeTimeout is short: the plugin waits for the answer, with a NetBox that
// may be busy saving the very endpoint.
const probeTimeout = 2 * time.Second

// probed shows an endpoint with whether it answers. One that does not is
// stored all the same: it may be about to start.
func (s *Server) probed(ctx context.Context, e domain.NetBoxEndpoint) *netboxOutput {
	out := &netboxOutput{showNetBox(e)}
	probe := &netboxProbe{Status: "unreachable", TimeoutSeconds: probeTimeout.Seconds()}
	out.Body.Probe = probe
	release, err := s.askRelease(ctx, e)
	if err != nil {
		kind, text := string(categoryOf(err)), clean(err.Error())
		probe.ErrorType, probe.Error = &kind, &text
		return out
	}
	probe.Reachable, probe.Status, probe.APIVersion = true, "reachable", &release
	return out
}

func (s *Server) askRelease(ctx context.Context, e domain.NetBoxEndpoint) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	nb, err := netbox.Open(e, netbox.Options{MaxRetries: -1, Timeout: probeTimeout, ReadOnly: true, Transport: s.launcher.NetBoxTransport})
	if err != nil {
		return "", err
	}
	defer nb.Close()
	raw, err := nb.Get(ctx, "status/", nil)
	if err != nil {
		return "", err
	}
	var status struct {
		Release string `json:"netbox-version"`
	}
	return status.Release, json.Unmarshal(raw, &status)
}
