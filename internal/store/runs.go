package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"
)

// Run is the record of one run. What its texts mean is decided by package
// run; here they are only kept.
type Run struct {
	ID      string
	Kind    string
	Scope   json.RawMessage
	State   string
	Started time.Time
	Ended   time.Time // zero while it runs
	Counts  json.RawMessage
	Report  json.RawMessage // left out by List
}

// runHistory is how many runs are kept.
const runHistory = 1000

// Runs are the records of runs.
type Runs struct{ s *Store }

// Runs returns the records of runs.
func (s *Store) Runs() Runs { return Runs{s} }

// Insert adds a run. The oldest finished ones beyond a thousand are forgotten.
func (r Runs) Insert(ctx context.Context, run Run) error {
	return r.s.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO runs (id, kind, scope, state, started, ended, counts, report) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			run.ID, run.Kind, jsonText(run.Scope), run.State, toEpoch(run.Started), orNever(run.Ended), jsonText(run.Counts), jsonText(run.Report))
		if err != nil {
			return fmt.Errorf("record run %s: %w", run.ID, err)
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM runs WHERE ended IS NOT NULL AND id IN
			(SELECT id FROM runs ORDER BY started DESC, id DESC LIMIT -1 OFFSET ?)`, runHistory)
		if err != nil {
			return fmt.Errorf("forget old runs: %w", err)
		}
		return nil
	})
}

// Update replaces what changes while a run goes on: state, end, counts and
// report. It fails with ErrNotFound.
func (r Runs) Update(ctx context.Context, run Run) error {
	return r.s.write(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, "UPDATE runs SET state = ?, ended = ?, counts = ?, report = ? WHERE id = ?",
			run.State, orNever(run.Ended), jsonText(run.Counts), jsonText(run.Report), run.ID)
		if err != nil {
			return fmt.Errorf("record run %s: %w", run.ID, err)
		}
		if n, err := result.RowsAffected(); err != nil || n > 0 {
			return err
		}
		return fmt.Errorf("run %s: %w", run.ID, ErrNotFound)
	})
}

// Interrupt gives the state to every run that has no end: a process that
// died left them. It returns how many there were.
func (r Runs) Interrupt(ctx context.Context, state string, at time.Time) (int, error) {
	var n int64
	err := r.s.write(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, "UPDATE runs SET state = ?, ended = ? WHERE ended IS NULL", state, toEpoch(at))
		if err != nil {
			return fmt.Errorf("close the records of interrupted runs: %w", err)
		}
		n, err = result.RowsAffected()
		return err
	})
	return int(n), err
}

// List returns up to limit runs, the newest first, leaving out the first
// offset ones and every report, and how many there are in all.
func (r Runs) List(ctx context.Context, limit, offset int) ([]Run, int, error) {
	var total int
	if err := r.s.readers.QueryRowContext(ctx, "SELECT count(*) FROM runs").Scan(&total); err != nil {
		return nil, 0, fmt.Errorf("read the runs: %w", err)
	}
	rows, err := r.s.readers.QueryContext(ctx, `SELECT id, kind, scope, state, started, ended, counts, '' FROM runs
		ORDER BY started DESC, id DESC LIMIT ? OFFSET ?`, limit, offset)
	if err != nil {
		return nil, 0, fmt.Errorf("read the runs: %w", err)
	}
	defer rows.Close()
	var runs []Run
	for rows.Next() {
		run, err := scanRun(rows)
		if err != nil {
			return nil, 0, fmt.Errorf("read the runs: %w", err)
		}
		runs = append(runs, run)
	}
	if err := rows.Err(); err != nil {
		return nil, 0, fmt.Errorf("read the runs: %w", err)
	}
	return runs, total, nil
}

// Get returns a run with its report, or ErrNotFound.
func (r Runs) Get(ctx context.Context, id string) (Run, error) {
	run, err := scanRun(r.s.readers.QueryRowContext(ctx,
		"SELECT id, kind, scope, state, started, ended, counts, report FROM runs WHERE id = ?", id))
	if err != nil {
		return Run{}, notFound(err, "run %s", id)
	}
	return run, nil
}

func scanRun(row interface{ Scan(...any) error }) (Run, error) {
	var (
		run                   Run
		scope, counts, report string
		started               float64
		ended                 sql.Null[float64]
	)
	if err := row.Scan(&run.ID, &run.Kind, &scope, &run.State, &started, &ended, &counts, &report); err != nil {
		return Run{}, err
	}
	run.Started = fromEpoch(started)
	if ended.Valid {
		run.Ended = fromEpoch(ended.V)
	}
	run.Scope, run.Counts, run.Report = rawJSON(scope), rawJSON(counts), rawJSON(report)
	return run, nil
}

func orNever(t time.Time) sql.Null[float64] {
	if t.IsZero() {
		return sql.Null[float64]{}
	}
	return sql.Null[float64]{V: toEpoch(t), Valid: true}
}

// jsonText keeps nothing as "null", which every reader of JSON understands.
func jsonText(raw json.RawMessage) string {
	if len(raw) == 0 {
		return "null"
	}
	return string(raw)
}

func rawJSON(text string) json.RawMessage {
	if text == "" || text == "null" {
		return nil
	}
	return json.RawMessage(text)
}
