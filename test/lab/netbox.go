//go:build unix

package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"proxbox/test/lab/tap"
)

// Server is NetBox as one test sees it.
type Server struct {
	// Tap stands in front of NetBox and belongs to this test alone.
	Tap *tap.Tap
	// Admin is a superuser. Service has the permissions that proxbox-api
	// needs and no other. Reader may see the same and change nothing.
	Admin, Service, Reader Account

	lab    *Lab
	worker *process
}

// The lab of this test binary.
var (
	starting sync.Mutex
	shared   *Lab
	startErr error
)

// Main runs the tests of a package that uses the lab and stops the lab that
// they started: func TestMain(m *testing.M) { lab.Main(m) }. Without it the
// lab ends with the process, a moment later.
func Main(m *testing.M) { Exit(m.Run()) }

// Exit stops the lab that the tests started and ends the process: for a
// TestMain that has something of its own to clear away.
func Exit(code int) {
	if shared != nil {
		shared.Stop()
	}
	os.Exit(code)
}

// connect returns the lab to use, and starts it when this is the first test.
func connect() (*Lab, error) {
	starting.Lock()
	defer starting.Unlock()
	if shared != nil || startErr != nil {
		return shared, startErr
	}
	if path := os.Getenv(Variable); path != "" {
		shared, startErr = Attach(path)
	} else {
		shared, startErr = Start(context.Background(), os.Stderr)
	}
	return shared, startErr
}

// NetBox returns an empty NetBox: the database has users and the plugin's
// tables and no objects. One test at a time has it, until its end; the tests
// of another package wait, and a second call in the same one is refused.
func NetBox(t testing.TB) *Server {
	t.Helper()
	l, err := connect()
	if err != nil {
		t.Fatalf("lab: %v", err)
	}
	l.occupy(t)
	s := &Server{
		Tap: tap.New(t, l.URL()), Admin: l.Admin, Service: l.Service, Reader: l.Reader, lab: l,
	}
	s.Reset(t)
	log := filepath.Join(l.Dir, "netbox.log")
	before, _ := os.Stat(log)
	t.Cleanup(func() {
		if s.worker != nil {
			s.StopWorker()
		}
		if t.Failed() {
			if raw, err := os.ReadFile(log); err == nil && before != nil && int64(len(raw)) > before.Size() {
				t.Logf("NetBox's log of this test:\n%s", tail(raw[before.Size():]))
			}
		}
	})
	return s
}

var occupied sync.Mutex

// occupy keeps other tests out until this one has ended.
func (l *Lab) occupy(t testing.TB) {
	t.Helper()
	if !occupied.TryLock() {
		t.Fatal("lab: another test of this package is using NetBox: no t.Parallel, and one lab.NetBox a test")
	}
	t.Cleanup(occupied.Unlock)
	lock, err := os.OpenFile(filepath.Join(l.Dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatalf("lab: %v", err)
	}
	t.Cleanup(func() { _ = lock.Close() })
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatalf("lab: %v", err)
	}
}

// URL is where the program under test finds NetBox: through the tap. There
// is no slash at its end.
func (s *Server) URL() string { return s.Tap.URL() }

// Reset puts the empty database back and clears the tap. It takes about half
// a second.
func (s *Server) Reset(t testing.TB) {
	t.Helper()
	if err := s.lab.reset(t.Context(), empty); err != nil {
		t.Fatalf("lab: reset: %v", err)
	}
	s.Tap.Clear()
}

// Restore makes NetBox's database that of test/netbox/NAME.pgdump and clears
// the tap. The lab's users and tokens are those of the dump, which has the
// same.
func (s *Server) Restore(t testing.TB, name string) {
	t.Helper()
	database := "stored_" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, name)
	there, err := s.lab.exists(t.Context(), database)
	if err == nil && !there {
		var dump string
		if dump, err = storedDump(name); err == nil {
			err = s.lab.restore(t.Context(), dump, database)
		}
	}
	if err == nil {
		err = s.lab.reset(t.Context(), database)
	}
	if err != nil {
		t.Fatalf("lab: restore %s: %v", name, err)
	}
	s.Tap.Clear()
}

// Store writes NetBox's database to a file, for [Server.Restore].
func (s *Server) Store(ctx context.Context, file string) error { return s.lab.dump(ctx, served, file) }

// SQL runs one statement in NetBox's database and returns its rows: fields
// parted by tabs, rows by line ends. What it changes leaves no entry in the
// change log.
func (s *Server) SQL(t testing.TB, statement string) string {
	t.Helper()
	out, err := s.lab.psql(t.Context(), served, statement)
	if err != nil {
		t.Fatalf("lab: %v", err)
	}
	return out
}

// Manage runs a management command (`netbox proxbox_sync --wait`) and returns
// its standard output; a command that fails is an error with its last words.
// It takes five seconds to start.
func (s *Server) Manage(ctx context.Context, arguments ...string) (string, error) {
	return s.lab.manage(ctx, served, "", arguments...)
}

// Shell runs Python inside NetBox and returns what it printed.
func (s *Server) Shell(t testing.TB, script string) string {
	t.Helper()
	out, err := s.lab.shell(t.Context(), served, script)
	if err != nil {
		t.Fatalf("lab: %v", err)
	}
	return out
}

// StartWorker starts the process that runs NetBox's background jobs, the
// plugin's among them, and returns when it listens. It stops with the test.
// Reset takes its registration away: reset first.
func (s *Server) StartWorker(t testing.TB) {
	t.Helper()
	if s.worker != nil {
		t.Fatal("lab: the worker runs already")
	}
	log := filepath.Join(s.lab.Dir, "worker.log")
	_ = os.Remove(log)
	out, err := os.Create(log)
	if err != nil {
		t.Fatalf("lab: %v", err)
	}
	defer out.Close()
	s.worker, err = spawn{
		name: "worker", stop: "TERM", dir: s.lab.Dir, log: out,
		// The plugin's jobs for selected objects use the database from within a
		// coroutine, which Django refuses; without this they fail whatever the
		// backend is.
		env:  append(s.lab.environment(served), "DJANGO_ALLOW_ASYNC_UNSAFE=true"),
		argv: []string{s.lab.program("netbox"), "rqworker"},
	}.start()
	if err != nil {
		t.Fatalf("lab: %v", err)
	}
	err = wait(t.Context(), s.worker, time.Minute, func(context.Context) error {
		raw, err := os.ReadFile(log)
		if err == nil && !bytes.Contains(raw, []byte("Listening on")) {
			err = fmt.Errorf("it does not listen yet")
		}
		return err
	})
	if err != nil {
		t.Fatalf("lab: %v\n%s", err, s.lab.logTail("worker.log"))
	}
}

// DropJobs forgets the background jobs that wait for the worker. After a sync
// those are hundreds, by which NetBox indexes what was written, and the
// plugin's next job would come after them.
func (s *Server) DropJobs(t testing.TB) {
	t.Helper()
	if err := s.lab.redis(t.Context(), "DEL rq:queue:default"); err != nil {
		t.Fatalf("lab: %v", err)
	}
}

// StopWorker ends the background process.
func (s *Server) StopWorker() {
	s.worker.halt()
	s.worker = nil
}

// Change is one entry of NetBox's change log.
type Change struct {
	ID        int64  `json:"id"`
	User      string `json:"user"`
	RequestID string `json:"request_id"`
	// Action is create, update or delete.
	Action string `json:"action"`
	// Type is the kind of object: dcim.device.
	Type     string `json:"type"`
	ObjectID int64  `json:"object_id"`
	Object   string `json:"object"`
	// Message is the changelog_message that the client sent.
	Message string `json:"message"`
	// Before and After are the object's data, null where there is none.
	Before json.RawMessage `json:"before"`
	After  json.RawMessage `json:"after"`
}

func (c Change) String() string {
	return fmt.Sprintf("#%d %s %s %s %d %q", c.ID, c.User, c.Action, c.Type, c.ObjectID, c.Object)
}

// Changes returns NetBox's change log after the entry with this id, in order;
// 0 is the beginning.
func (s *Server) Changes(t testing.TB, after int64) []Change {
	t.Helper()
	raw := s.SQL(t, `SELECT coalesce(json_agg(c ORDER BY c.id), '[]') FROM (
		SELECT l.id, l.user_name AS user, l.request_id, l.action, o.app_label || '.' || o.model AS type,
			l.changed_object_id AS object_id, l.object_repr AS object, l.message,
			l.prechange_data AS before, l.postchange_data AS after
		FROM core_objectchange l JOIN django_content_type o ON o.id = l.changed_object_type_id
		WHERE l.id > `+strconv.FormatInt(after, 10)+`) c`)
	var changes []Change
	if err := json.Unmarshal([]byte(raw), &changes); err != nil {
		t.Fatalf("lab: the change log: %v", err)
	}
	return changes
}

// LastChange is the id of the newest entry of the change log, 0 when it is
// empty.
func (s *Server) LastChange(t testing.TB) int64 {
	t.Helper()
	id, err := strconv.ParseInt(s.SQL(t, "SELECT coalesce(max(id), 0) FROM core_objectchange"), 10, 64)
	if err != nil {
		t.Fatalf("lab: %v", err)
	}
	return id
}

// V1 is the account's Authorization header with its token of version 1.
func (a Account) V1() string { return "Token " + a.TokenV1 }

// V2 is the account's Authorization header with its token of version 2.
func (a Account) V2() string { return "Bearer " + a.TokenV2 }

// Call sends one JSON request to NetBox itself, past the tap, for what a test
// sets up or looks up. A body of nil sends none; an answer that fits is
// decoded into into, if that is not nil. It returns the status and the body.
func (s *Server) Call(t testing.TB, authorization, method, path string, body, into any) (int, string) {
	t.Helper()
	return call(t, s.lab.URL(), authorization, method, path, body, into)
}

// Must is [Server.Call] as the superuser, for requests that cannot fail.
func (s *Server) Must(t testing.TB, method, path string, body, into any) {
	t.Helper()
	if status, answer := s.Call(t, s.Admin.V2(), method, path, body, into); status >= 300 {
		t.Fatalf("lab: NetBox answers %s %s with %d: %s", method, path, status, tail([]byte(answer)))
	}
}

func call(t testing.TB, base, authorization, method, path string, body, into any) (int, string) {
	t.Helper()
	var payload io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			t.Fatalf("lab: %v", err)
		}
		payload = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, base+path, payload)
	if err != nil {
		t.Fatalf("lab: %v", err)
	}
	req.Header.Set("Authorization", authorization)
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	status, raw := answer(t, http.DefaultClient, req)
	if into != nil && status < 300 {
		if err := json.Unmarshal(raw, into); err != nil {
			t.Fatalf("lab: %s %s: %v: %s", method, path, err, tail(raw))
		}
	}
	return status, string(raw)
}

// answer sends a request and returns the status and the body.
func answer(t testing.TB, client *http.Client, req *http.Request) (int, []byte) {
	t.Helper()
	resp, err := client.Do(req)
	if err != nil {
		t.Fatalf("lab: %v", err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("lab: %s %s: %v", req.Method, req.URL.Path, err)
	}
	return resp.StatusCode, raw
}
