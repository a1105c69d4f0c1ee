package store

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"strings"
	"time"
)

// orNull keeps 0 as NULL, for numbers where 0 means that there is none.
func orNull(n int) sql.Null[int] { return sql.Null[int]{V: n, Valid: n != 0} }

// placeholders is ", ?" n times.
func placeholders(n int) string { return strings.Repeat(", ?", n) }

// seconds sets a duration that the wire gives in seconds; null and 0 both
// mean that the default holds.
func seconds(o Optional[float64], field string, d *time.Duration) error {
	if !o.Given {
		return nil
	}
	if math.IsNaN(o.Value) || o.Value < 0 || o.Value > 3600 {
		return &InvalidError{field, fmt.Sprintf("is %v and must be between 0 and 3600 seconds", o.Value), ""}
	}
	*d = time.Duration(math.Round(o.Value*1000)) * time.Millisecond
	return nil
}

// deleteRow removes a row, or fails with ErrNotFound.
func (s *Store) deleteRow(ctx context.Context, table string, id int, what string) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, "DELETE FROM "+table+" WHERE id = ?", id)
		if err != nil {
			return fmt.Errorf("remove the %s %d: %w", what, id, err)
		}
		if n, err := result.RowsAffected(); err != nil || n > 0 {
			return err
		}
		return fmt.Errorf("%s %d: %w", what, id, ErrNotFound)
	})
}
