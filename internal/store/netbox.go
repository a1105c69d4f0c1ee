package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"proxbox/internal/domain"
)

// NetBoxChange is what is given when the NetBox endpoint is created or
// updated, by the wire's names. The rules of ProxmoxChange hold.
type NetBoxChange struct {
	Name         Optional[string]        `json:"name"`
	IPAddress    Optional[string]        `json:"ip_address"`
	Domain       Optional[string]        `json:"domain"`
	Port         Optional[int]           `json:"port"`
	TokenVersion Optional[string]        `json:"token_version"`
	TokenKey     Optional[string]        `json:"token_key"`
	Token        Optional[domain.Secret] `json:"token"`
	VerifySSL    Optional[bool]          `json:"verify_ssl"`
	Enabled      Optional[bool]          `json:"enabled"`
}

// Endpoint returns the endpoint that a new row would be, without keeping it.
// It fails with *InvalidError.
func (c NetBoxChange) Endpoint() (domain.NetBoxEndpoint, error) {
	e := domain.NetBoxEndpoint{Port: 443, TokenVersion: "v1", VerifySSL: true, Enabled: true}
	if err := c.apply(&e); err != nil {
		return domain.NetBoxEndpoint{}, err
	}
	return e, nil
}

func (c NetBoxChange) apply(e *domain.NetBoxEndpoint) error {
	c.Name.fill(&e.Name)
	c.IPAddress.replace(&e.IPAddress)
	c.Domain.replace(&e.Domain)
	c.Port.fill(&e.Port)
	c.TokenVersion.fill(&e.TokenVersion)
	c.TokenKey.replace(&e.TokenKey)
	c.Token.replace(&e.Token)
	c.VerifySSL.fill(&e.VerifySSL)
	c.Enabled.fill(&e.Enabled)
	return checkNetBox(e)
}

// NetBoxEndpoints are the stored NetBox endpoints, of which there is at most
// one: the program keeps one NetBox true.
type NetBoxEndpoints struct{ s *Store }

// NetBoxEndpoints returns the stored NetBox endpoints.
func (s *Store) NetBoxEndpoints() NetBoxEndpoints { return NetBoxEndpoints{s} }

const netboxColumns = "name, ip_address, domain, port, token_version, token_key, token, verify_ssl, enabled"

// List returns all endpoints in the order of their ids.
func (n NetBoxEndpoints) List(ctx context.Context) ([]domain.NetBoxEndpoint, error) {
	return n.list(ctx, n.s.readers)
}

func (n NetBoxEndpoints) list(ctx context.Context, q querier) ([]domain.NetBoxEndpoint, error) {
	rows, err := q.QueryContext(ctx, "SELECT id, "+netboxColumns+" FROM netbox_endpoints ORDER BY id")
	if err != nil {
		return nil, fmt.Errorf("read the NetBox endpoints: %w", err)
	}
	defer rows.Close()
	var all []domain.NetBoxEndpoint
	for rows.Next() {
		e, err := n.scan(rows)
		if err != nil {
			return nil, fmt.Errorf("read the NetBox endpoints: %w", err)
		}
		all = append(all, e)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the NetBox endpoints: %w", err)
	}
	return all, nil
}

// Get returns the endpoint of a row id, or ErrNotFound.
func (n NetBoxEndpoints) Get(ctx context.Context, id int) (domain.NetBoxEndpoint, error) {
	return n.get(ctx, n.s.readers, id)
}

// Create adds the endpoint. It fails with *InvalidError, or with
// *ConflictError when there is one already.
func (n NetBoxEndpoints) Create(ctx context.Context, c NetBoxChange) (domain.NetBoxEndpoint, error) {
	e, err := c.Endpoint()
	if err != nil {
		return domain.NetBoxEndpoint{}, err
	}
	err = n.s.write(ctx, func(tx *sql.Tx) error {
		others, err := n.list(ctx, tx)
		if err != nil {
			return err
		}
		if len(others) > 0 {
			return &ConflictError{Field: "name", Value: e.Name, ID: others[0].ID,
				Reason: "Only one NetBox endpoint is allowed",
				WayOut: fmt.Sprintf("Change endpoint %d (%s), or remove it first", others[0].ID, others[0].Name)}
		}
		args, err := n.args(e)
		if err != nil {
			return err
		}
		result, err := tx.ExecContext(ctx, "INSERT INTO netbox_endpoints ("+netboxColumns+") VALUES ("+placeholders(len(args))[1:]+")", args...)
		if err != nil {
			return fmt.Errorf("keep the NetBox endpoint %s: %w", e.Name, err)
		}
		id, err := result.LastInsertId()
		e.ID = int(id)
		return err
	})
	if err != nil {
		return domain.NetBoxEndpoint{}, err
	}
	return e, nil
}

// Update changes what is given and keeps the rest. It fails with ErrNotFound
// or *InvalidError, and then nothing is changed.
func (n NetBoxEndpoints) Update(ctx context.Context, id int, c NetBoxChange) (domain.NetBoxEndpoint, error) {
	var e domain.NetBoxEndpoint
	err := n.s.write(ctx, func(tx *sql.Tx) (err error) {
		if e, err = n.get(ctx, tx, id); err != nil {
			return err
		}
		if err := c.apply(&e); err != nil {
			return err
		}
		args, err := n.args(e)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE netbox_endpoints SET ("+netboxColumns+") = ("+placeholders(len(args))[1:]+") WHERE id = ?",
			append(args, id)...)
		if err != nil {
			return fmt.Errorf("keep the NetBox endpoint %s: %w", e.Name, err)
		}
		return nil
	})
	if err != nil {
		return domain.NetBoxEndpoint{}, err
	}
	return e, nil
}

// Delete removes an endpoint, or fails with ErrNotFound.
func (n NetBoxEndpoints) Delete(ctx context.Context, id int) error {
	return n.s.deleteRow(ctx, "netbox_endpoints", id, "NetBox endpoint")
}

// Enabled returns the NetBox to work with. It fails with ErrNotFound when
// none is stored, or the one that is has been switched off.
func (n NetBoxEndpoints) Enabled(ctx context.Context) (domain.NetBoxEndpoint, error) {
	all, err := n.List(ctx)
	if err != nil {
		return domain.NetBoxEndpoint{}, err
	}
	for _, e := range all {
		if e.Enabled {
			return e, nil
		}
	}
	return domain.NetBoxEndpoint{}, fmt.Errorf("an enabled NetBox endpoint: %w", ErrNotFound)
}

func (n NetBoxEndpoints) get(ctx context.Context, q querier, id int) (domain.NetBoxEndpoint, error) {
	e, err := n.scan(q.QueryRowContext(ctx, "SELECT id, "+netboxColumns+" FROM netbox_endpoints WHERE id = ?", id))
	if err != nil {
		return domain.NetBoxEndpoint{}, notFound(err, "NetBox endpoint %d", id)
	}
	return e, nil
}

func (n NetBoxEndpoints) scan(row interface{ Scan(...any) error }) (domain.NetBoxEndpoint, error) {
	var (
		e          domain.NetBoxEndpoint
		key, token string
	)
	err := row.Scan(&e.ID, &e.Name, &e.IPAddress, &e.Domain, &e.Port, &e.TokenVersion, &key, &token, &e.VerifySSL, &e.Enabled)
	if err != nil {
		return domain.NetBoxEndpoint{}, err
	}
	tokenKey, keyErr := n.s.box.Open(key)
	e.TokenKey = tokenKey.Reveal()
	if e.Token, err = n.s.box.Open(token); errors.Join(keyErr, err) != nil {
		return domain.NetBoxEndpoint{}, fmt.Errorf("token of %s: %w", e.Name, errors.Join(keyErr, err))
	}
	return e, nil
}

// args are the values of netboxColumns.
func (n NetBoxEndpoints) args(e domain.NetBoxEndpoint) ([]any, error) {
	key, keyErr := n.s.box.Seal(domain.Secret(e.TokenKey))
	token, err := n.s.box.Seal(e.Token)
	if err := errors.Join(keyErr, err); err != nil {
		return nil, err
	}
	return []any{e.Name, e.IPAddress, e.Domain, e.Port, e.TokenVersion, key, token, e.VerifySSL, e.Enabled}, nil
}
