package server

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"proxbox/internal/store"
)

// proxmoxEndpoint is a Proxmox endpoint as it is shown: never its secrets.
type proxmoxEndpoint struct {
	ID                        int      `json:"id"`
	Name                      string   `json:"name"`
	NodeDeviceNameTemplate    string   `json:"node_device_name_template"`
	IPAddress                 string   `json:"ip_address"`
	Domain                    *string  `json:"domain"`
	Port                      int      `json:"port"`
	Username                  string   `json:"username"`
	VerifySSL                 bool     `json:"verify_ssl"`
	Enabled                   bool     `json:"enabled"`
	AllowWrites               bool     `json:"allow_writes" doc:"Kept as it was given; Proxmox is never written to"`
	AllowPackerTemplateBuilds bool     `json:"allow_packer_template_builds"`
	AccessMethods             string   `json:"access_methods"`
	SSHTargetNode             *string  `json:"ssh_target_node"`
	SSHHost                   *string  `json:"ssh_host"`
	SSHUsername               *string  `json:"ssh_username"`
	SSHPort                   int      `json:"ssh_port"`
	SSHIdentityFile           *string  `json:"ssh_identity_file"`
	SSHKnownHostFingerprint   *string  `json:"ssh_known_host_fingerprint"`
	SiteID                    *int     `json:"site_id"`
	SiteSlug                  *string  `json:"site_slug"`
	SiteName                  *string  `json:"site_name"`
	TenantID                  *int     `json:"tenant_id"`
	TenantSlug                *string  `json:"tenant_slug"`
	TenantName                *string  `json:"tenant_name"`
	Timeout                   *float64 `json:"timeout" doc:"Seconds"`
	MaxRetries                *int     `json:"max_retries"`
	RetryBackoff              *float64 `json:"retry_backoff" doc:"Seconds"`
}

// proxmoxEndpointInput is what an endpoint is made of or changed by. Fields
// that are not given keep their value; those that we do not know are ignored.
type proxmoxEndpointInput struct {
	store.ProxmoxChange
}

// TransformSchema implements huma.SchemaTransformer.
func (proxmoxEndpointInput) TransformSchema(_ huma.Registry, schema *huma.Schema) *huma.Schema {
	return changeSchema(schema)
}

// changeSchema makes every field one that may be left out.
func changeSchema(schema *huma.Schema) *huma.Schema {
	schema.Required = nil
	schema.Description = "What is not given keeps its value, or takes its default in a new row. Null empties a field that may be empty."
	return schema
}

type (
	proxmoxListOutput struct {
		Body []proxmoxEndpoint `nullable:"false"`
	}
	proxmoxCreateInput struct{ Body proxmoxEndpointInput }
	proxmoxUpdateInput struct {
		ID   int `path:"endpoint_id" minimum:"1"`
		Body proxmoxEndpointInput
	}
	proxmoxIDInput struct {
		ID int `path:"endpoint_id" minimum:"1"`
	}
	proxmoxOutput struct{ Body proxmoxEndpoint }
	messageOutput struct {
		Body struct {
			Message string `json:"message"`
		}
	}
)

func (s *Server) proxmoxRoutes() {
	const base, row = "/proxmox/endpoints", "/proxmox/endpoints/{endpoint_id}"
	endpoints := s.endpoints()
	register(s, operation(http.MethodGet, base, "proxmox", "list-proxmox-endpoints", "List the Proxmox endpoints"),
		func(ctx context.Context, in *pageInput) (*proxmoxListOutput, error) {
			all, err := endpoints().List(ctx)
			if err != nil {
				return nil, err
			}
			out := &proxmoxListOutput{Body: []proxmoxEndpoint{}}
			for _, e := range page(all, *in) {
				out.Body = append(out.Body, showProxmox(e))
			}
			return out, nil
		})
	register(s, operation(http.MethodPost, base, "proxmox", "create-proxmox-endpoint", "Add a Proxmox endpoint", http.StatusConflict),
		func(ctx context.Context, in *proxmoxCreateInput) (*proxmoxOutput, error) {
			e, err := endpoints().Create(ctx, in.Body.ProxmoxChange)
			return proxmoxAnswer(e, err)
		})
	register(s, operation(http.MethodGet, row, "proxmox", "get-proxmox-endpoint", "Get a Proxmox endpoint", http.StatusNotFound),
		func(ctx context.Context, in *proxmoxIDInput) (*proxmoxOutput, error) {
			e, err := endpoints().Get(ctx, in.ID)
			return proxmoxAnswer(e, missing(err, "Proxmox endpoint not found."))
		})
	register(s, operation(http.MethodPut, row, "proxmox", "update-proxmox-endpoint", "Change what is given of a Proxmox endpoint", http.StatusNotFound, http.StatusConflict),
		func(ctx context.Context, in *proxmoxUpdateInput) (*proxmoxOutput, error) {
			e, err := endpoints().Update(ctx, in.ID, in.Body.ProxmoxChange)
			return proxmoxAnswer(e, missing(err, "Proxmox endpoint not found."))
		})
	register(s, operation(http.MethodDelete, row, "proxmox", "delete-proxmox-endpoint", "Remove a Proxmox endpoint", http.StatusNotFound),
		func(ctx context.Context, in *proxmoxIDInput) (*messageOutput, error) {
			if err := endpoints().Delete(ctx, in.ID); err != nil {
				return nil, missing(err, "Proxmox endpoint not found.")
			}
			out := &messageOutput{}
			out.Body.Message = "Proxmox endpoint deleted."
			return out, nil
		})
}

// endpoints is asked for with each request: the document is made without a store.
func (s *Server) endpoints() func() store.ProxmoxEndpoints {
	return func() store.ProxmoxEndpoints { return s.store.ProxmoxEndpoints() }
}

func proxmoxAnswer(e store.ProxmoxEndpoint, err error) (*proxmoxOutput, error) {
	if err != nil {
		return nil, err
	}
	return &proxmoxOutput{showProxmox(e)}, nil
}

func showProxmox(e store.ProxmoxEndpoint) proxmoxEndpoint {
	out := proxmoxEndpoint{
		ID: e.ID, Name: e.Name, NodeDeviceNameTemplate: e.NodeDeviceNameTemplate, IPAddress: e.IPAddress, Domain: orNull(e.Domain),
		Port: e.Port, Username: e.Username, VerifySSL: e.VerifySSL, Enabled: e.Enabled, AllowWrites: e.AllowWrites,
		AllowPackerTemplateBuilds: e.AllowPackerTemplateBuilds, AccessMethods: e.AccessMethods,
		SSHTargetNode: orNull(e.SSH.TargetNode), SSHHost: orNull(e.SSH.Host), SSHUsername: orNull(e.SSH.Username), SSHPort: e.SSH.Port,
		SSHIdentityFile: orNull(e.SSH.IdentityFile), SSHKnownHostFingerprint: orNull(e.SSH.KnownHostFingerprint),
		SiteID: orNull(e.SiteID), SiteSlug: orNull(e.SiteSlug), SiteName: orNull(e.SiteName),
		TenantID: orNull(e.TenantID), TenantSlug: orNull(e.TenantSlug), TenantName: orNull(e.TenantName),
		Timeout: seconds(e.Timeout), RetryBackoff: seconds(e.RetryBackoff),
	}
	if !e.DefaultRetries {
		out.MaxRetries = &e.MaxRetries
	}
	return out
}

// orNull is the wire's null for nothing.
func orNull[T comparable](v T) *T {
	var nothing T
	if v == nothing {
		return nil
	}
	return &v
}

func seconds(d time.Duration) *float64 { return orNull(d.Seconds()) }
