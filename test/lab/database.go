//go:build unix

package lab

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// storedDump is the path of a dump that the project keeps.
func storedDump(name string) (string, error) {
	root, err := projectRoot()
	if err != nil {
		return "", err
	}
	path := filepath.Join(root, "test", "netbox", name+".pgdump")
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("the stored database %s: %w", name, err)
	}
	return path, nil
}

// postgres runs one of PostgreSQL's client programs and returns its output.
func (l *Lab) postgres(ctx context.Context, program string, arguments ...string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(l.Tools.PostgresBin, program),
		append([]string{"--host", "127.0.0.1", "--port", strconv.Itoa(l.PostgresPort), "--username", "netbox"}, arguments...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", program, err, tail(stderr.Bytes()))
	}
	return strings.TrimSuffix(stdout.String(), "\n"), nil
}

// psql runs the statements, each for itself, and returns bare values: fields
// parted by tabs, rows by line ends.
func (l *Lab) psql(ctx context.Context, database string, statements ...string) (string, error) {
	arguments := []string{"--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--field-separator", "\t",
		"--set", "ON_ERROR_STOP=1", "--dbname", database}
	for _, s := range statements {
		arguments = append(arguments, "--command", s)
	}
	return l.postgres(ctx, "psql", arguments...)
}

// restore makes a database from a dump.
func (l *Lab) restore(ctx context.Context, dump, database string) error {
	if _, err := l.psql(ctx, "postgres", "CREATE DATABASE "+database); err != nil {
		return err
	}
	_, err := l.postgres(ctx, "pg_restore", "--dbname", database, "--no-owner", "--no-privileges",
		"--exit-on-error", "--jobs", strconv.Itoa(runtime.NumCPU()), dump)
	return err
}

// dump writes a database to a file, for [Lab.restore].
func (l *Lab) dump(ctx context.Context, database, file string) error {
	_, err := l.postgres(ctx, "pg_dump", "--dbname", database, "--format", "custom", "--compress", "9",
		"--no-owner", "--no-privileges", "--file", file)
	return err
}

// reset makes what NetBox serves a copy of another database, and empties its
// cache and queues.
func (l *Lab) reset(ctx context.Context, from string) error {
	if _, err := l.psql(ctx, "postgres",
		"DROP DATABASE IF EXISTS "+served+" WITH (FORCE)",
		"CREATE DATABASE "+served+" TEMPLATE "+from,
	); err != nil {
		return err
	}
	return l.flushRedis(ctx)
}

// exists says whether there is such a database.
func (l *Lab) exists(ctx context.Context, database string) (bool, error) {
	out, err := l.psql(ctx, "postgres", "SELECT 1 FROM pg_database WHERE datname = '"+database+"'")
	return out != "", err
}

// Dump brings a stored database up to the NetBox and plugin of
// test/requirements.txt and writes it to file. From scratch it begins with
// nothing, which takes a quarter of an hour.
func Dump(ctx context.Context, log *os.File, file string, scratch bool) error {
	l, err := startServers(ctx, log)
	if err != nil {
		return err
	}
	defer l.Stop()
	if scratch {
		_, err = l.psql(ctx, "postgres", "CREATE DATABASE "+empty)
	} else {
		var stored string
		if stored, err = storedDump("empty"); err == nil {
			err = l.restore(ctx, stored, empty)
		}
	}
	if err != nil {
		return err
	}
	out, err := l.manage(ctx, empty, "", "migrate", "--no-input")
	if err != nil {
		return err
	}
	fmt.Fprint(log, out)
	// Written beside and renamed: a broken dump never replaces a good one.
	if err := l.dump(ctx, empty, file+".new"); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}
