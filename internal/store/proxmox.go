package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"proxbox/internal/domain"
)

// ProxmoxEndpoint is a stored Proxmox endpoint: what the program reads with,
// and what it only keeps so that it reads back as it was pushed.
type ProxmoxEndpoint struct {
	domain.ProxmoxEndpoint
	// DefaultRetries is true when max_retries was not given; MaxRetries 0
	// alone does not tell.
	DefaultRetries bool
	SSH            SSH
}

// SSH is how the plugin would reach the endpoint's nodes by SSH. This program
// never does.
type SSH struct {
	TargetNode           string
	Host                 string
	Username             string
	Port                 int
	IdentityFile         string // a path, not a key
	KnownHostFingerprint string
}

// ProxmoxChange is what is given when a Proxmox endpoint is created or
// updated, by the wire's names and in its units. What is not given keeps its
// value, or takes its default in a new row. Null empties a field that may be
// empty, secrets too, and is as good as not given for any other.
type ProxmoxChange struct {
	Name                      Optional[string]        `json:"name"`
	IPAddress                 Optional[string]        `json:"ip_address"`
	Domain                    Optional[string]        `json:"domain"`
	Port                      Optional[int]           `json:"port"`
	Username                  Optional[string]        `json:"username"`
	Password                  Optional[domain.Secret] `json:"password"`
	TokenName                 Optional[string]        `json:"token_name"`
	TokenValue                Optional[domain.Secret] `json:"token_value"`
	VerifySSL                 Optional[bool]          `json:"verify_ssl"`
	Enabled                   Optional[bool]          `json:"enabled"`
	AllowWrites               Optional[bool]          `json:"allow_writes"`
	Timeout                   Optional[float64]       `json:"timeout"` // seconds
	MaxRetries                Optional[int]           `json:"max_retries"`
	RetryBackoff              Optional[float64]       `json:"retry_backoff"` // seconds
	SiteID                    Optional[int]           `json:"site_id"`
	SiteSlug                  Optional[string]        `json:"site_slug"`
	SiteName                  Optional[string]        `json:"site_name"`
	TenantID                  Optional[int]           `json:"tenant_id"`
	TenantSlug                Optional[string]        `json:"tenant_slug"`
	TenantName                Optional[string]        `json:"tenant_name"`
	NodeDeviceNameTemplate    Optional[string]        `json:"node_device_name_template"`
	AccessMethods             Optional[string]        `json:"access_methods"`
	AllowPackerTemplateBuilds Optional[bool]          `json:"allow_packer_template_builds"`
	SSHTargetNode             Optional[string]        `json:"ssh_target_node"`
	SSHHost                   Optional[string]        `json:"ssh_host"`
	SSHUsername               Optional[string]        `json:"ssh_username"`
	SSHPort                   Optional[int]           `json:"ssh_port"`
	SSHIdentityFile           Optional[string]        `json:"ssh_identity_file"`
	SSHKnownHostFingerprint   Optional[string]        `json:"ssh_known_host_fingerprint"`
}

// Endpoint returns the endpoint that a new row would be, without keeping it.
// It fails with *InvalidError.
func (c ProxmoxChange) Endpoint() (ProxmoxEndpoint, error) {
	e := ProxmoxEndpoint{
		ProxmoxEndpoint: domain.ProxmoxEndpoint{Port: 8006, VerifySSL: true, Enabled: true, AccessMethods: "api"},
		DefaultRetries:  true,
		SSH:             SSH{Port: 22},
	}
	if err := c.apply(&e); err != nil {
		return ProxmoxEndpoint{}, err
	}
	return e, nil
}

func (c ProxmoxChange) apply(e *ProxmoxEndpoint) error {
	c.Name.fill(&e.Name)
	c.IPAddress.replace(&e.IPAddress)
	c.Domain.replace(&e.Domain)
	c.Port.fill(&e.Port)
	c.Username.replace(&e.Username)
	c.Password.replace(&e.Password)
	c.TokenName.replace(&e.TokenName)
	c.TokenValue.replace(&e.TokenValue)
	c.VerifySSL.fill(&e.VerifySSL)
	c.Enabled.fill(&e.Enabled)
	c.AllowWrites.fill(&e.AllowWrites)
	if err := seconds(c.Timeout, "timeout", &e.Timeout); err != nil {
		return err
	}
	c.MaxRetries.replace(&e.MaxRetries)
	if c.MaxRetries.Given {
		e.DefaultRetries = c.MaxRetries.Null
	}
	if err := seconds(c.RetryBackoff, "retry_backoff", &e.RetryBackoff); err != nil {
		return err
	}
	c.SiteID.replace(&e.SiteID)
	c.SiteSlug.replace(&e.SiteSlug)
	c.SiteName.replace(&e.SiteName)
	c.TenantID.replace(&e.TenantID)
	c.TenantSlug.replace(&e.TenantSlug)
	c.TenantName.replace(&e.TenantName)
	c.NodeDeviceNameTemplate.replace(&e.NodeDeviceNameTemplate)
	c.AccessMethods.fill(&e.AccessMethods)
	c.AllowPackerTemplateBuilds.fill(&e.AllowPackerTemplateBuilds)
	c.SSHTargetNode.replace(&e.SSH.TargetNode)
	c.SSHHost.replace(&e.SSH.Host)
	c.SSHUsername.replace(&e.SSH.Username)
	c.SSHPort.fill(&e.SSH.Port)
	c.SSHIdentityFile.replace(&e.SSH.IdentityFile)
	c.SSHKnownHostFingerprint.replace(&e.SSH.KnownHostFingerprint)
	return checkProxmox(e)
}

// ProxmoxEndpoints are the stored Proxmox endpoints.
type ProxmoxEndpoints struct{ s *Store }

// ProxmoxEndpoints returns the stored Proxmox endpoints.
func (s *Store) ProxmoxEndpoints() ProxmoxEndpoints { return ProxmoxEndpoints{s} }

const proxmoxColumns = `name, plugin_id, ip_address, domain, port, username, password, token_name, token_value,
	verify_ssl, enabled, allow_writes, timeout_ms, max_retries, retry_backoff_ms,
	site_id, site_slug, site_name, tenant_id, tenant_slug, tenant_name,
	node_device_name_template, access_methods, allow_packer_template_builds,
	ssh_target_node, ssh_host, ssh_username, ssh_port, ssh_identity_file, ssh_known_host_fingerprint`

// List returns all endpoints in the order of their ids.
func (p ProxmoxEndpoints) List(ctx context.Context) ([]ProxmoxEndpoint, error) {
	rows, err := p.s.readers.QueryContext(ctx, "SELECT id, "+proxmoxColumns+" FROM proxmox_endpoints ORDER BY id")
	if err != nil {
		return nil, fmt.Errorf("read the Proxmox endpoints: %w", err)
	}
	defer rows.Close()
	var all []ProxmoxEndpoint
	for rows.Next() {
		e, err := p.scan(rows)
		if err != nil {
			return nil, fmt.Errorf("read the Proxmox endpoints: %w", err)
		}
		all = append(all, e)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the Proxmox endpoints: %w", err)
	}
	return all, nil
}

// Get returns the endpoint of a row id, or ErrNotFound.
func (p ProxmoxEndpoints) Get(ctx context.Context, id int) (ProxmoxEndpoint, error) {
	return p.get(ctx, p.s.readers, "id", id)
}

// Resolve returns the endpoint that a request means by an id: the row of that
// id, else the row whose name ends in "(nb:<id>)", for the plugin's release
// 0.0.15 sends its own ids. It fails with ErrNotFound.
func (p ProxmoxEndpoints) Resolve(ctx context.Context, id int) (ProxmoxEndpoint, error) {
	e, err := p.get(ctx, p.s.readers, "id", id)
	if errors.Is(err, ErrNotFound) {
		return p.get(ctx, p.s.readers, "plugin_id", id)
	}
	return e, err
}

// Create adds an endpoint. A name that ends in the plugin's "(nb:<pk>)" gives
// the row that id when it is free; any other row gets one above a million.
// It fails with *InvalidError or *ConflictError.
func (p ProxmoxEndpoints) Create(ctx context.Context, c ProxmoxChange) (ProxmoxEndpoint, error) {
	e, err := c.Endpoint()
	if err != nil {
		return ProxmoxEndpoint{}, err
	}
	err = p.s.write(ctx, func(tx *sql.Tx) error {
		if err := p.checkFree(ctx, tx, e); err != nil {
			return err
		}
		id, err := p.freeID(ctx, tx, e)
		if err != nil {
			return err
		}
		args, err := p.args(e)
		if err != nil {
			return err
		}
		result, err := tx.ExecContext(ctx, "INSERT INTO proxmox_endpoints (id, "+proxmoxColumns+") VALUES (?"+placeholders(len(args))+")",
			append([]any{id}, args...)...)
		if err != nil {
			return fmt.Errorf("keep the Proxmox endpoint %s: %w", e.Name, err)
		}
		newID, err := result.LastInsertId()
		e.ID = int(newID)
		return err
	})
	if err != nil {
		return ProxmoxEndpoint{}, err
	}
	return e, nil
}

// Update changes what is given and keeps the rest. It fails with ErrNotFound,
// *InvalidError or *ConflictError, and then nothing is changed.
func (p ProxmoxEndpoints) Update(ctx context.Context, id int, c ProxmoxChange) (ProxmoxEndpoint, error) {
	var e ProxmoxEndpoint
	err := p.s.write(ctx, func(tx *sql.Tx) (err error) {
		if e, err = p.get(ctx, tx, "id", id); err != nil {
			return err
		}
		if err := c.apply(&e); err != nil {
			return err
		}
		if err := p.checkFree(ctx, tx, e); err != nil {
			return err
		}
		args, err := p.args(e)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE proxmox_endpoints SET ("+proxmoxColumns+") = ("+placeholders(len(args))[1:]+") WHERE id = ?",
			append(args, id)...)
		if err != nil {
			return fmt.Errorf("keep the Proxmox endpoint %s: %w", e.Name, err)
		}
		return nil
	})
	if err != nil {
		return ProxmoxEndpoint{}, err
	}
	return e, nil
}

// Delete removes an endpoint, or fails with ErrNotFound.
func (p ProxmoxEndpoints) Delete(ctx context.Context, id int) error {
	return p.s.deleteRow(ctx, "proxmox_endpoints", id, "Proxmox endpoint")
}

// freeID is the id that the plugin asks for when no row has it, else nil: the
// next one above a million.
func (p ProxmoxEndpoints) freeID(ctx context.Context, tx *sql.Tx, e ProxmoxEndpoint) (any, error) {
	const aboveAsked = 1_000_000 // as the schema starts its own ids
	pk := e.PluginID()
	if pk <= 0 || pk > aboveAsked {
		return nil, nil
	}
	switch _, err := p.get(ctx, tx, "id", pk); {
	case errors.Is(err, ErrNotFound):
		return pk, nil
	default:
		return nil, err
	}
}

// checkFree refuses a name, or a plugin's id in the name, that another row has.
func (p ProxmoxEndpoints) checkFree(ctx context.Context, tx *sql.Tx, e ProxmoxEndpoint) error {
	other, err := p.get(ctx, tx, "name", e.Name)
	if err == nil && other.ID != e.ID {
		return &ConflictError{Field: "name", Value: e.Name, ID: other.ID,
			Reason: fmt.Sprintf("there is a Proxmox endpoint named %q already", e.Name),
			WayOut: fmt.Sprintf("Choose another name, or change endpoint %d", other.ID)}
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	pk := e.PluginID()
	if pk == 0 {
		return nil
	}
	other, err = p.get(ctx, tx, "plugin_id", pk)
	if err == nil && other.ID != e.ID {
		return &ConflictError{Field: "name", Value: fmt.Sprintf("(nb:%d)", pk), ID: other.ID,
			Reason: fmt.Sprintf("the plugin's endpoint %d is stored already, as %q", pk, other.Name),
			WayOut: fmt.Sprintf("Change endpoint %d", other.ID)}
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	return nil
}

func (p ProxmoxEndpoints) get(ctx context.Context, q querier, column string, value any) (ProxmoxEndpoint, error) {
	row := q.QueryRowContext(ctx, "SELECT id, "+proxmoxColumns+" FROM proxmox_endpoints WHERE "+column+" = ?", value)
	e, err := p.scan(row)
	if err != nil {
		return ProxmoxEndpoint{}, notFound(err, "Proxmox endpoint %v", value)
	}
	return e, nil
}

func (p ProxmoxEndpoints) scan(row interface{ Scan(...any) error }) (ProxmoxEndpoint, error) {
	var (
		e                                ProxmoxEndpoint
		password, tokenValue             string
		pluginID, siteID, tenantID       sql.Null[int]
		timeoutMS, maxRetries, backoffMS sql.Null[int64]
	)
	err := row.Scan(&e.ID, &e.Name, &pluginID, &e.IPAddress, &e.Domain, &e.Port, &e.Username, &password, &e.TokenName, &tokenValue,
		&e.VerifySSL, &e.Enabled, &e.AllowWrites, &timeoutMS, &maxRetries, &backoffMS,
		&siteID, &e.SiteSlug, &e.SiteName, &tenantID, &e.TenantSlug, &e.TenantName,
		&e.NodeDeviceNameTemplate, &e.AccessMethods, &e.AllowPackerTemplateBuilds,
		&e.SSH.TargetNode, &e.SSH.Host, &e.SSH.Username, &e.SSH.Port, &e.SSH.IdentityFile, &e.SSH.KnownHostFingerprint)
	if err != nil {
		return ProxmoxEndpoint{}, err
	}
	e.SiteID, e.TenantID = siteID.V, tenantID.V
	e.Timeout = time.Duration(timeoutMS.V) * time.Millisecond
	e.RetryBackoff = time.Duration(backoffMS.V) * time.Millisecond
	e.MaxRetries, e.DefaultRetries = int(maxRetries.V), !maxRetries.Valid
	if e.Password, err = p.s.box.Open(password); err != nil {
		return ProxmoxEndpoint{}, fmt.Errorf("password of %s: %w", e.Name, err)
	}
	if e.TokenValue, err = p.s.box.Open(tokenValue); err != nil {
		return ProxmoxEndpoint{}, fmt.Errorf("token value of %s: %w", e.Name, err)
	}
	return e, nil
}

// args are the values of proxmoxColumns.
func (p ProxmoxEndpoints) args(e ProxmoxEndpoint) ([]any, error) {
	password, err := p.s.box.Seal(e.Password)
	if err != nil {
		return nil, err
	}
	tokenValue, err := p.s.box.Seal(e.TokenValue)
	if err != nil {
		return nil, err
	}
	maxRetries := sql.Null[int]{V: e.MaxRetries, Valid: !e.DefaultRetries}
	return []any{e.Name, orNull(e.PluginID()), e.IPAddress, e.Domain, e.Port, e.Username, password, e.TokenName, tokenValue,
		e.VerifySSL, e.Enabled, e.AllowWrites, orNull(int(e.Timeout.Milliseconds())), maxRetries, orNull(int(e.RetryBackoff.Milliseconds())),
		orNull(e.SiteID), e.SiteSlug, e.SiteName, orNull(e.TenantID), e.TenantSlug, e.TenantName,
		e.NodeDeviceNameTemplate, e.AccessMethods, e.AllowPackerTemplateBuilds,
		e.SSH.TargetNode, e.SSH.Host, e.SSH.Username, e.SSH.Port, e.SSH.IdentityFile, e.SSH.KnownHostFingerprint}, nil
}
