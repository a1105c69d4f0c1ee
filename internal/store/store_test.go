package store

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"proxbox/internal/domain"
	"proxbox/internal/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func box(t testing.TB, keys ...domain.Secret) *secret.Box {
	t.Helper()
	if keys == nil {
		keys = []domain.Secret{"the key"}
	}
	b, err := secret.NewBox(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func open(t testing.TB, dir string, keys ...domain.Secret) *Store {
	t.Helper()
	s, err := Open(t.Context(), Options{DataDir: dir, Box: box(t, keys...)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestOpen(t *testing.T) {
	// A directory whose name means something in a URL and in a glob.
	dir := filepath.Join(t.TempDir(), "a b?c#d%20[é]")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	if want := filepath.Join(dir, "proxbox.db"); s.Path() != want {
		t.Errorf("path = %s; want %s", s.Path(), want)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 || !strings.HasPrefix(f.Name(), "proxbox.db") {
			t.Errorf("%s has mode %v; want 0600", f.Name(), info.Mode().Perm())
		}
	}
	if len(s.Notices()) != 0 {
		t.Errorf("notices: %q", s.Notices())
	}
	for pragma, want := range map[string]string{"journal_mode": "wal", "busy_timeout": "5000", "synchronous": "1", "foreign_keys": "1"} {
		var got string
		if err := s.writer.QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s = %s, %v; want %s", pragma, got, err, want)
		}
	}
	if _, err := s.readers.Exec("DELETE FROM secrets"); err == nil {
		t.Error("a reader can write")
	}
}

func TestOpenNamesThePythonDatabaseAndLeavesItAlone(t *testing.T) {
	dir := t.TempDir()
	python := filepath.Join(dir, "database.db")
	const content = "not even a database"
	if err := os.WriteFile(python, []byte(content), 0o400); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	if len(s.Notices()) != 1 || !strings.Contains(s.Notices()[0], python) {
		t.Errorf("notices = %q", s.Notices())
	}
	if got, err := os.ReadFile(python); err != nil || string(got) != content {
		t.Errorf("it was changed: %q, %v", got, err)
	}
}

func TestOpenTwiceAtOnce(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			s, err := Open(context.Background(), Options{DataDir: dir, Box: box(t)})
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestOpenRefusesANewerDatabase(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if _, err := s.writer.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)"); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), Options{DataDir: dir, Box: box(t)})
	var newer *NewerError
	if !errors.As(err, &newer) || newer.Version != 999 {
		t.Errorf("Open = %v; want *NewerError", err)
	}
}

func TestOpenSaysWhyItCannot(t *testing.T) {
	_, err := Open(t.Context(), Options{DataDir: filepath.Join(t.TempDir(), "none"), Box: box(t)})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Open = %v", err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "proxbox.db"), []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), Options{DataDir: dir, Box: box(t)})
	if err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "put a backup in its place") {
		t.Errorf("Open = %v", err)
	}
}

func TestWrongKeyIsFoundAtStart(t *testing.T) {
	t.Run("nothing stored yet", func(t *testing.T) {
		dir := t.TempDir()
		open(t, dir, "right")
		wantWrongKey(t, dir, "wrong", "the program's own secret")
	})
	t.Run("credentials stored", func(t *testing.T) {
		dir := t.TempDir()
		s := open(t, dir, "right")
		mustCreateProxmox(t, s, "px1")
		if _, err := s.NetBoxEndpoints().Create(t.Context(), netboxChange()); err != nil {
			t.Fatal(err)
		}
		wantWrongKey(t, dir, "wrong", "the program's own secret", "token of the NetBox endpoint nb", "token value of the Proxmox endpoint px1")
		open(t, dir, "right")
	})
}

func wantWrongKey(t *testing.T, dir string, key domain.Secret, values ...string) {
	t.Helper()
	_, err := Open(t.Context(), Options{DataDir: dir, Box: box(t, key)})
	var wrong *WrongKeyError
	if !errors.As(err, &wrong) {
		t.Fatalf("Open = %v; want *WrongKeyError", err)
	}
	all := strings.Join(wrong.Values, "\n")
	for _, v := range values {
		if !strings.Contains(all, v) {
			t.Errorf("%q does not name %q", wrong.Values, v)
		}
	}
	if !strings.Contains(err.Error(), secret.EnvKey) {
		t.Errorf("%q shows no way out", err)
	}
}

func TestKeyRotation(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, "old")
	e := mustCreateProxmox(t, s, "px1")
	own, err := s.OwnSecret(t.Context(), "mine")
	if err != nil {
		t.Fatal(err)
	}
	open(t, dir, "new", "old")
	wantWrongKey(t, dir, "old")
	s = open(t, dir, "new")
	got, err := s.ProxmoxEndpoints().Get(t.Context(), e.ID)
	if err != nil || got != e {
		t.Errorf("after the change of the key: %+v, %v; want %+v", got, err, e)
	}
	if again, err := s.OwnSecret(t.Context(), "mine"); err != nil || again != own {
		t.Errorf("the own secret changed: %v", err)
	}
}

func TestPlainTextIsSealedAtStart(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	e := mustCreateProxmox(t, s, "px1")
	if _, err := s.writer.Exec("UPDATE proxmox_endpoints SET token_value = 'in the clear'"); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	got, err := s.ProxmoxEndpoints().Get(t.Context(), e.ID)
	if err != nil || got.TokenValue != "in the clear" {
		t.Errorf("%q, %v", got.TokenValue.Reveal(), err)
	}
	var stored string
	if err := s.readers.QueryRow("SELECT token_value FROM proxmox_endpoints").Scan(&stored); err != nil || !secret.Sealed(stored) {
		t.Errorf("stored as %q, %v", stored, err)
	}
}

func TestOwnSecret(t *testing.T) {
	s := open(t, t.TempDir())
	a, err := s.OwnSecret(t.Context(), "a")
	if err != nil || len(a) < 43 {
		t.Fatalf("%d characters, %v", len(a), err)
	}
	b, err := s.OwnSecret(t.Context(), "b")
	if err != nil || a == b {
		t.Errorf("two secrets are the same: %v", err)
	}
}

func TestNoCredentialRestsInClear(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	const canary = "canary-5f2c9a"
	_, err := s.ProxmoxEndpoints().Create(t.Context(), ProxmoxChange{
		Name: To("px"), IPAddress: To("192.0.2.1"), Username: To("root@pam"), Password: To(domain.Secret(canary + "1")),
		TokenName: To("t"), TokenValue: To(domain.Secret(canary + "2"))})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.NetBoxEndpoints().Create(t.Context(), NetBoxChange{Name: To("nb"), Domain: To("netbox"),
		TokenVersion: To("v2"), TokenKey: To(canary + "3"), Token: To(domain.Secret(canary + "4"))})
	if err != nil {
		t.Fatal(err)
	}
	own, err := s.OwnSecret(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	checkSealedColumns(t, s)
	if _, err := s.writer.Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, clear := range []string{canary, own.Reveal()} {
			if strings.Contains(string(raw), clear) {
				t.Errorf("%s holds a credential in clear", f.Name())
			}
		}
	}
}

// Every column that holds a credential must be in the list by which a wrong
// key is found and a new key is brought in.
func checkSealedColumns(t *testing.T, s *Store) {
	t.Helper()
	listed := map[string]bool{}
	for _, c := range sealedColumns {
		listed[c.table+"."+c.column] = true
	}
	rows, err := s.readers.Query(`SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var table, column string
		var sealed int
		if err := rows.Scan(&table, &column); err != nil {
			t.Fatal(err)
		}
		if err := s.readers.QueryRow("SELECT count(*) FROM " + table + " WHERE " + column + " LIKE 'enc:%'").Scan(&sealed); err != nil {
			t.Fatal(err)
		}
		if (sealed > 0) != listed[table+"."+column] {
			t.Errorf("%s.%s: %d sealed values, and listed: %v", table, column, sealed, listed[table+"."+column])
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

func TestWriteIsAllOrNothing(t *testing.T) {
	s := open(t, t.TempDir())
	boom := errors.New("boom")
	err := s.write(t.Context(), func(tx *sql.Tx) error {
		if _, err := tx.Exec("INSERT INTO secrets (name, value) VALUES ('half', 'x')"); err != nil {
			t.Fatal(err)
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Errorf("write = %v", err)
	}
	var n int
	if err := s.readers.QueryRow("SELECT count(*) FROM secrets WHERE name = 'half'").Scan(&n); err != nil || n != 0 {
		t.Errorf("%d rows, %v", n, err)
	}
}

func TestDataDir(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	for _, tt := range []struct{ name, configured, xdg, want string }{
		{"configured", filepath.Join(home, "here"), "/ignored", filepath.Join(home, "here")},
		{"XDG", "", filepath.Join(home, "xdg"), filepath.Join(home, "xdg", "proxbox-api")},
		{"relative XDG does not count", "", "xdg", filepath.Join(home, ".local", "share", "proxbox-api")},
		{"home", "", "", filepath.Join(home, ".local", "share", "proxbox-api")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("XDG_DATA_HOME", tt.xdg)
			got, err := DataDir(tt.configured)
			if err != nil || got != tt.want {
				t.Fatalf("DataDir = %s, %v; want %s", got, err, tt.want)
			}
			info, err := os.Stat(got)
			if err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("%v, %v; want mode 0700", info, err)
			}
		})
	}
	t.Run("a file is in the way", func(t *testing.T) {
		file := filepath.Join(home, "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := DataDir(file); err == nil || !strings.Contains(err.Error(), "PROXBOX_DATA_DIR") {
			t.Errorf("DataDir = %v", err)
		}
	})
	t.Run("no home", func(t *testing.T) {
		t.Setenv("HOME", "")
		t.Setenv("XDG_DATA_HOME", "")
		if _, err := DataDir(""); err == nil || !strings.Contains(err.Error(), "PROXBOX_DATA_DIR") {
			t.Errorf("DataDir = %v", err)
		}
	})
}
