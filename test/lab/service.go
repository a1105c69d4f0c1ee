//go:build unix

package lab

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Key is the API key that services of the lab are asked with.
const Key = "proxbox-tests-only-proxbox-tests-only-key"

// built is the program, built once for a test process.
var built struct {
	sync.Once
	path string
	err  error
}

// Binary builds the program, once for a test process, and returns its path.
func Binary(t testing.TB) string {
	t.Helper()
	built.Do(func() {
		var dir string
		if dir, built.err = os.MkdirTemp("", "proxbox-built-"); built.err != nil {
			return
		}
		// It goes when we do, in whichever way.
		if _, built.err = startJanitor(dir); built.err != nil {
			return
		}
		built.path = filepath.Join(dir, "proxbox-api")
		if out, err := exec.Command("go", "build", "-o", built.path, "proxbox/cmd/proxbox-api").CombinedOutput(); err != nil {
			built.err = fmt.Errorf("the program cannot be built: %w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatalf("lab: %v", built.err)
	}
	return built.path
}

// FreePort is a port of 127.0.0.1 that nobody listens on.
func FreePort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("lab: %v", err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// Service is the program as it serves. Its port stays the same when it is
// started anew.
type Service struct {
	// Backend is the service as the plugin knows it. The key is registered
	// by whoever needs it.
	Backend
	// Data is the directory of its database.
	Data string

	program string
	port    int
	log     *os.File
	process *process
	killed  bool
}

// Serve starts the program with nothing in its store, waits until it answers
// and stops it when the test ends. Its settings are pairs NAME=value.
func Serve(t testing.TB, settings ...string) *Service {
	t.Helper()
	dir := t.TempDir()
	s := &Service{program: Binary(t), port: FreePort(t), Data: filepath.Join(dir, "data")}
	s.Backend = Backend{URL: "http://127.0.0.1:" + strconv.Itoa(s.port), Key: Key}
	log, err := os.Create(filepath.Join(dir, "proxbox-api.log"))
	if err != nil {
		t.Fatalf("lab: %v", err)
	}
	s.log = log
	t.Cleanup(func() {
		s.process.halt()
		if s.process.err != nil && !s.killed {
			t.Errorf("lab: the service ended: %v", s.process.err)
		}
		if raw, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("the service's log:\n%s", tail(raw))
		}
		_ = log.Close()
	})
	s.Start(t, settings...)
	return s
}

// Start starts a service that was killed, with the data that it left unless
// that was removed.
func (s *Service) Start(t testing.TB, settings ...string) {
	t.Helper()
	s.killed = false
	var err error
	s.process, err = spawn{
		name: "proxbox-api", stop: "TERM", dir: filepath.Dir(s.log.Name()), log: s.log, argv: []string{s.program, "serve"},
		env: append(os.Environ(), append([]string{"PROXBOX_DATA_DIR=" + s.Data, "PROXBOX_BIND_HOST=127.0.0.1", "PORT=" + strconv.Itoa(s.port)}, settings...)...),
	}.start()
	if err != nil {
		t.Fatalf("lab: %v", err)
	}
	if err := wait(t.Context(), s.process, time.Minute, healthy(s.URL)); err != nil {
		raw, _ := os.ReadFile(s.log.Name())
		t.Fatalf("lab: %v\n%s", err, tail(raw))
	}
}

// healthy asks a service whether it answers.
func healthy(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/health", nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("/health answers %s", resp.Status)
		}
		return nil
	}
}

// Kill ends the service as a power failure does, and returns when its port is
// free.
func (s *Service) Kill() {
	s.killed = true
	_ = syscall.Kill(-s.process.cmd.Process.Pid, syscall.SIGKILL)
	<-s.process.done // of the tether; the program may take a moment longer
	for range 100 {
		if listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port))); err == nil {
			_ = listener.Close()
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}
