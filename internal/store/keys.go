package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// APIKey is a key that opens the service, as far as it is kept: the key
// itself is known only to who made it.
type APIKey struct {
	ID        int
	Label     string
	Active    bool
	CreatedAt time.Time
	Hash      string // bcrypt
	// Tag is a keyed digest of the key; a key with another tag is another
	// key. Nil when it is not known.
	Tag []byte
}

// Keys are the API keys. Package auth makes and checks them; here they are
// only kept.
type Keys struct{ s *Store }

// Keys returns the API keys.
func (s *Store) Keys() Keys { return Keys{s} }

// List returns all keys, the newest first.
func (k Keys) List(ctx context.Context) ([]APIKey, error) {
	return k.list(ctx, k.s.readers)
}

func (k Keys) list(ctx context.Context, q querier) ([]APIKey, error) {
	rows, err := q.QueryContext(ctx, "SELECT id, label, is_active, created_at, key_hash, key_tag FROM api_keys ORDER BY created_at DESC, id DESC")
	if err != nil {
		return nil, fmt.Errorf("read the API keys: %w", err)
	}
	defer rows.Close()
	var all []APIKey
	for rows.Next() {
		var (
			key     APIKey
			created float64
		)
		if err := rows.Scan(&key.ID, &key.Label, &key.Active, &created, &key.Hash, &key.Tag); err != nil {
			return nil, fmt.Errorf("read the API keys: %w", err)
		}
		key.CreatedAt = fromEpoch(created)
		all = append(all, key)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the API keys: %w", err)
	}
	return all, nil
}

// Generation is a number that grows with every change of the keys, whichever
// process makes it.
func (k Keys) Generation(ctx context.Context) (int64, error) {
	var n int64
	if err := k.s.readers.QueryRowContext(ctx, "SELECT value FROM api_keys_generation").Scan(&n); err != nil {
		return 0, fmt.Errorf("read the API keys: %w", err)
	}
	return n, nil
}

// Claimed tells whether the first key was registered already. It stays true
// for ever, whatever becomes of the keys.
func (k Keys) Claimed(ctx context.Context) (bool, error) {
	var n int
	if err := k.s.readers.QueryRowContext(ctx, "SELECT count(*) FROM bootstrap_claim").Scan(&n); err != nil {
		return false, fmt.Errorf("read the claim of the first API key: %w", err)
	}
	return n > 0, nil
}

// Claim adds the first key. Of all that ever try, in whatever process, one
// succeeds; the others fail with ErrClaimed. By says who claims, for the
// record.
func (k Keys) Claim(ctx context.Context, by string, key APIKey) (APIKey, error) {
	err := k.s.write(ctx, func(tx *sql.Tx) error {
		claimed, err := k.claim(ctx, tx, by, key.CreatedAt)
		if err != nil {
			return err
		}
		if !claimed {
			return ErrClaimed
		}
		return k.insert(ctx, tx, &key)
	})
	if err != nil {
		return APIKey{}, err
	}
	return key, nil
}

// Create adds a key, and is the claim as well when there was none: who may
// make keys has the service. It fails with *ConflictError when maxActive keys
// are active.
func (k Keys) Create(ctx context.Context, key APIKey, maxActive int) (APIKey, error) {
	err := k.s.write(ctx, func(tx *sql.Tx) error {
		if err := k.checkRoom(ctx, tx, maxActive); err != nil {
			return err
		}
		if _, err := k.claim(ctx, tx, "create", key.CreatedAt); err != nil {
			return err
		}
		return k.insert(ctx, tx, &key)
	})
	if err != nil {
		return APIKey{}, err
	}
	return key, nil
}

// SetActive switches a key on or off and returns it. It fails with
// ErrNotFound, with ErrLastActiveKey, or with *ConflictError when maxActive
// keys are active.
func (k Keys) SetActive(ctx context.Context, id int, active bool, maxActive int) (APIKey, error) {
	var key APIKey
	err := k.s.write(ctx, func(tx *sql.Tx) (err error) {
		if key, err = k.get(ctx, tx, id); err != nil || key.Active == active {
			return err
		}
		if active {
			err = k.checkRoom(ctx, tx, maxActive)
		} else {
			err = k.checkNotLast(ctx, tx, key)
		}
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE api_keys SET is_active = ? WHERE id = ?", active, id); err != nil {
			return fmt.Errorf("change API key %d: %w", id, err)
		}
		key.Active = active
		return nil
	})
	if err != nil {
		return APIKey{}, err
	}
	return key, nil
}

// Delete removes a key. It fails with ErrNotFound or ErrLastActiveKey.
func (k Keys) Delete(ctx context.Context, id int) error {
	return k.s.write(ctx, func(tx *sql.Tx) error {
		key, err := k.get(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := k.checkNotLast(ctx, tx, key); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM api_keys WHERE id = ?", id); err != nil {
			return fmt.Errorf("remove API key %d: %w", id, err)
		}
		return nil
	})
}

func (k Keys) get(ctx context.Context, tx *sql.Tx, id int) (APIKey, error) {
	all, err := k.list(ctx, tx)
	if err != nil {
		return APIKey{}, err
	}
	for _, key := range all {
		if key.ID == id {
			return key, nil
		}
	}
	return APIKey{}, fmt.Errorf("API key %d: %w", id, ErrNotFound)
}

func (k Keys) insert(ctx context.Context, tx *sql.Tx, key *APIKey) error {
	if err := checkText("label", &key.Label); err != nil {
		return err
	}
	result, err := tx.ExecContext(ctx, "INSERT INTO api_keys (label, key_hash, key_tag, is_active, created_at) VALUES (?, ?, ?, ?, ?)",
		key.Label, key.Hash, key.Tag, true, toEpoch(key.CreatedAt))
	if err != nil {
		return fmt.Errorf("keep the API key: %w", err)
	}
	id, err := result.LastInsertId()
	key.ID, key.Active = int(id), true
	return err
}

// claim tells whether this was the claim.
func (k Keys) claim(ctx context.Context, tx *sql.Tx, by string, at time.Time) (bool, error) {
	result, err := tx.ExecContext(ctx, "INSERT INTO bootstrap_claim (id, claimed_by, claimed_at) VALUES (1, ?, ?) ON CONFLICT DO NOTHING", by, toEpoch(at))
	if err != nil {
		return false, fmt.Errorf("claim the first API key: %w", err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

func (k Keys) checkRoom(ctx context.Context, tx *sql.Tx, maxActive int) error {
	active, err := k.active(ctx, tx)
	if err != nil || active < maxActive {
		return err
	}
	return &ConflictError{Field: "is_active", Value: "true",
		Reason: fmt.Sprintf("%d API keys are active, and no more are allowed", active),
		WayOut: "Revoke one that is not needed, or raise PROXBOX_AUTH_MAX_ACTIVE_KEYS"}
}

func (k Keys) checkNotLast(ctx context.Context, tx *sql.Tx, key APIKey) error {
	if !key.Active {
		return nil
	}
	active, err := k.active(ctx, tx)
	if err == nil && active == 1 {
		err = ErrLastActiveKey
	}
	return err
}

func (k Keys) active(ctx context.Context, tx *sql.Tx) (int, error) {
	var n int
	err := tx.QueryRowContext(ctx, "SELECT count(*) FROM api_keys WHERE is_active").Scan(&n)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("read the API keys: %w", err)
	}
	return n, nil
}
