package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Failures are the failed attempts of one window.
type Failures struct {
	Count int
	First time.Time // the window begins with it
}

// Lockouts are the failed attempts to authenticate, kept so that neither a
// restart nor a second process forgets them. Package auth decides on them.
type Lockouts struct{ s *Store }

// Lockouts returns the failed attempts to authenticate.
func (s *Store) Lockouts() Lockouts { return Lockouts{s} }

// sourceBucket counts all failures of a source together.
var sourceBucket = []byte{}

// Failures returns what failed within the window before now: from a source
// with one credential, and from the source with any.
func (l Lockouts) Failures(ctx context.Context, source string, bucket []byte, now time.Time, window time.Duration) (one, any Failures, err error) {
	if one, err = l.failures(ctx, l.s.readers, source, bucket, now, window); err == nil {
		any, err = l.failures(ctx, l.s.readers, source, sourceBucket, now, window)
	}
	return one, any, err
}

// Add counts one more failure and returns what it makes, as Failures does. At
// most maxBuckets are kept; the oldest are forgotten.
func (l Lockouts) Add(ctx context.Context, source string, bucket []byte, now time.Time, window time.Duration, maxBuckets int) (one, any Failures, err error) {
	err = l.s.write(ctx, func(tx *sql.Tx) error {
		if one, err = l.add(ctx, tx, source, bucket, now, window); err != nil {
			return err
		}
		if any, err = l.add(ctx, tx, source, sourceBucket, now, window); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM auth_lockouts WHERE first_attempt <= ?1 OR (source, bucket) IN
			(SELECT source, bucket FROM auth_lockouts ORDER BY first_attempt DESC LIMIT -1 OFFSET ?2)`,
			toEpoch(now.Add(-window)), maxBuckets)
		if err != nil {
			return fmt.Errorf("count a failed authentication: %w", err)
		}
		return nil
	})
	return one, any, err
}

func (l Lockouts) add(ctx context.Context, tx *sql.Tx, source string, bucket []byte, now time.Time, window time.Duration) (Failures, error) {
	f, err := l.failures(ctx, tx, source, bucket, now, window)
	if err != nil {
		return f, err
	}
	f.Count++
	_, err = tx.ExecContext(ctx, `INSERT INTO auth_lockouts (source, bucket, attempts, first_attempt) VALUES (?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET attempts = excluded.attempts, first_attempt = excluded.first_attempt`,
		source, bucket, f.Count, toEpoch(f.First))
	if err != nil {
		return f, fmt.Errorf("count a failed authentication: %w", err)
	}
	return f, nil
}

// failures of a window that is over count no more; the next begins now.
func (l Lockouts) failures(ctx context.Context, q querier, source string, bucket []byte, now time.Time, window time.Duration) (Failures, error) {
	var (
		count int
		first float64
	)
	err := q.QueryRowContext(ctx, "SELECT attempts, first_attempt FROM auth_lockouts WHERE source = ? AND bucket = ?", source, bucket).
		Scan(&count, &first)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !fromEpoch(first).Add(window).After(now) {
		return Failures{First: now}, nil
	}
	if err != nil {
		return Failures{}, fmt.Errorf("read failed authentications: %w", err)
	}
	return Failures{Count: count, First: fromEpoch(first)}, nil
}
