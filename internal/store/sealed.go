package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"

	"proxbox/internal/domain"
	"proxbox/internal/secret"
)

// sealedColumns are all places where credentials rest. id names the row.
var sealedColumns = []struct{ table, column, id, label string }{
	{"secrets", "value", "name", "the program's own secret"},
	{"netbox_endpoints", "token", "name", "token of the NetBox endpoint"},
	{"netbox_endpoints", "token_key", "name", "token key of the NetBox endpoint"},
	{"proxmox_endpoints", "password", "name", "password of the Proxmox endpoint"},
	{"proxmox_endpoints", "token_value", "name", "token value of the Proxmox endpoint"},
}

// verifierName is the secret that is there from the first start on, so that
// a wrong key is found even when there is nothing else to open.
const verifierName = "encryption_key_verifier"

// proveKey opens every stored credential, and seals those anew that rest in
// plain text or under a key that has been replaced.
func (s *Store) proveKey(ctx context.Context) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		wrong := &WrongKeyError{Path: s.path}
		for _, c := range sealedColumns {
			stale, closed, err := s.examine(ctx, tx, c.table, c.column, c.id)
			if err != nil {
				return fmt.Errorf("check the stored credentials: %w", err)
			}
			for _, id := range closed {
				wrong.Values = append(wrong.Values, c.label+" "+id)
			}
			for id, value := range stale {
				sealed, err := s.box.Seal(value)
				if err != nil {
					return err
				}
				query := fmt.Sprintf("UPDATE %s SET %s = ? WHERE %s = ?", c.table, c.column, c.id)
				if _, err := tx.ExecContext(ctx, query, sealed, id); err != nil {
					return fmt.Errorf("seal the stored credentials anew: %w", err)
				}
			}
		}
		if len(wrong.Values) > 0 {
			return wrong
		}
		_, err := s.ownSecret(ctx, tx, verifierName)
		return err
	})
}

// examine reads one sealed column: what has to be sealed anew, and the rows
// that no key opens.
func (s *Store) examine(ctx context.Context, tx *sql.Tx, table, column, id string) (stale map[string]domain.Secret, closed []string, err error) {
	rows, err := tx.QueryContext(ctx, fmt.Sprintf("SELECT %s, %s FROM %s ORDER BY %s", id, column, table, id))
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	stale = map[string]domain.Secret{}
	for rows.Next() {
		var name, stored string
		if err := rows.Scan(&name, &stored); err != nil {
			return nil, nil, err
		}
		isStale, err := s.box.Stale(stored)
		switch {
		case errors.Is(err, secret.ErrWrongKey):
			closed = append(closed, name)
		case err != nil:
			return nil, nil, err
		case isStale:
			if stale[name], err = s.box.Open(stored); err != nil {
				return nil, nil, err
			}
		}
	}
	return stale, closed, rows.Err()
}

// OwnSecret returns a random secret of the program's own, which is made when
// it is asked for by that name for the first time and then stays.
func (s *Store) OwnSecret(ctx context.Context, name string) (domain.Secret, error) {
	var value domain.Secret
	err := s.write(ctx, func(tx *sql.Tx) (err error) {
		value, err = s.ownSecret(ctx, tx, name)
		return err
	})
	return value, err
}

func (s *Store) ownSecret(ctx context.Context, tx *sql.Tx, name string) (domain.Secret, error) {
	var stored string
	err := tx.QueryRowContext(ctx, "SELECT value FROM secrets WHERE name = ?", name).Scan(&stored)
	if err == nil {
		return s.box.Open(stored)
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("read the secret %s: %w", name, err)
	}
	value := domain.Secret(rand.Text() + rand.Text()) // 260 bits
	sealed, err := s.box.Seal(value)
	if err != nil {
		return "", err
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO secrets (name, value) VALUES (?, ?)", name, sealed); err != nil {
		return "", fmt.Errorf("keep the secret %s: %w", name, err)
	}
	return value, nil
}
