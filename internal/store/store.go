package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite" // and the driver of that name
	sqlite3 "modernc.org/sqlite/lib"

	"proxbox/internal/secret"
	"proxbox/migrations"
)

// Options say what to open.
type Options struct {
	DataDir string      // see DataDir
	Box     *secret.Box // seals and opens credentials
}

// Store is the open database. It may be used from many goroutines.
type Store struct {
	path    string
	box     *secret.Box
	writer  *sql.DB // one connection
	readers *sql.DB
	notices []string
}

// readConnections is how many reads run beside each other. Reads are short;
// more would only cost memory.
const readConnections = 4

// Open opens the database in the data directory, makes or migrates it, and
// proves that the encryption key is the one that its credentials were sealed
// with. It fails with *WrongKeyError when it is not, and with *NewerError
// when a newer release has changed the database.
func Open(ctx context.Context, o Options) (*Store, error) {
	s := &Store{path: filepath.Join(o.DataDir, databaseName), box: o.Box}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if python := filepath.Join(o.DataDir, pythonName); exists(python) {
		s.notices = append(s.notices, fmt.Sprintf("%s looks like the database of the Python service. "+
			"It is not read: enter the endpoints again, or let the plugin push them", python))
	}
	return s, nil
}

// Path is the file of the database.
func (s *Store) Path() string { return s.path }

// Notices are sentences about the data directory that the operator should
// find in the log.
func (s *Store) Notices() []string { return s.notices }

// Close closes the database.
func (s *Store) Close() error {
	var errs []error
	for _, db := range []*sql.DB{s.readers, s.writer} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

func (s *Store) open(ctx context.Context) error {
	// SQLite would make the file readable for everybody; its journal takes
	// over the mode of the file.
	f, err := os.OpenFile(s.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	if s.writer, err = sql.Open("sqlite", dsn(s.path, "")); err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	// SQLite has one writer at a time anyway: waiting for the connection is
	// fair and cheap, waiting for the file lock is neither.
	s.writer.SetMaxOpenConns(1)
	if err := s.migrate(ctx); err != nil {
		return err
	}
	if s.readers, err = sql.Open("sqlite", dsn(s.path, "&_pragma=query_only(1)")); err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	s.readers.SetMaxOpenConns(readConnections)
	s.readers.SetMaxIdleConns(readConnections)
	return s.proveKey(ctx)
}

func dsn(path, more string) string {
	u := url.URL{Scheme: "file", Path: path, OmitHost: true}
	return u.String() + "?" +
		// Readers go on while a write is under way.
		"_pragma=journal_mode(wal)" +
		// Another process (the command line beside the service) may hold the
		// write lock for a moment: wait for it instead of failing.
		"&_pragma=busy_timeout(5000)" +
		// With WAL this keeps the database whole in any crash; a power cut
		// may lose the last commits, which is no harm here.
		"&_pragma=synchronous(normal)" +
		"&_pragma=foreign_keys(1)" +
		// Take the write lock when a transaction begins. One that reads
		// first and takes it later fails at once when another write came in
		// between, and no timeout helps it.
		"&_txlock=immediate" + more
}

func (s *Store) migrate(ctx context.Context) error {
	var err error
	// Two processes that start at once both find steps to take; the one that
	// comes second fails on what the first has done, and finds nothing left
	// to do when it looks again.
	for range 3 {
		if err = s.tryMigrate(ctx); err == nil || ctx.Err() != nil || errors.As(err, new(*NewerError)) {
			return err
		}
	}
	return fmt.Errorf("prepare the database %s: %w", s.path, withWayOut(err))
}

// withWayOut says in words what SQLite says in codes, where it is for whoever
// runs the program to mend.
func withWayOut(err error) error {
	var code *sqlite.Error
	if !errors.As(err, &code) {
		return err
	}
	switch code.Code() & 0xff { // the rest tells kinds of one cause apart
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return fmt.Errorf("%w. The database cannot be written: give the user that runs this program the right to write in its directory, or set PROXBOX_DATA_DIR to another one", err)
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("%w. The disk is full: make room in the data directory's file system, or set PROXBOX_DATA_DIR to another one", err)
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%w. The file is damaged or no SQLite database: put a backup in its place, or move it away and enter the endpoints and keys again", err)
	}
	return err
}

func (s *Store) tryMigrate(ctx context.Context) error {
	provider, err := goose.NewProvider(goose.DialectSQLite3, s.writer, migrations.Files,
		goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	current, newest, err := provider.GetVersions(ctx)
	if err != nil {
		return err
	}
	if current > newest {
		return &NewerError{Path: s.path, Version: current, Known: newest}
	}
	_, err = provider.Up(ctx)
	return err
}

// write runs fn in a transaction, which is kept when fn returns nil.
func (s *Store) write(ctx context.Context, fn func(tx *sql.Tx) error) error {
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("write to the database: %w", err)
	}
	defer tx.Rollback() // after a commit it does nothing
	if err := fn(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("write to the database: %w", err)
	}
	return nil
}

// querier is what reads need: a pool or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// notFound turns "no rows" into ErrNotFound with the thing's name.
func notFound(err error, format string, args ...any) error {
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), err)
}

// Times are kept as the wire has them: seconds since 1970, as a float.

func toEpoch(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

func fromEpoch(s float64) time.Time { return time.UnixMicro(int64(s*1e6 + 0.5)).UTC() }
