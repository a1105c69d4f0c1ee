//go:build e2e

// Package plugin has the real netbox-proxbox, in the real NetBox, drive the
// built binary with a fakepve behind it.
package plugin

import (
	"bytes"
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

	"proxbox/test/lab"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if binary.dir != "" {
		_ = os.RemoveAll(binary.dir)
	}
	lab.Exit(code)
}

// key is what the plugin registers with the service.
const key = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// binary is the program, built once.
var binary struct {
	sync.Once
	dir, path string
	err       error
}

func build(t testing.TB) string {
	t.Helper()
	binary.Do(func() {
		if binary.dir, binary.err = os.MkdirTemp("", "proxbox-plugin-"); binary.err != nil {
			return
		}
		binary.path = filepath.Join(binary.dir, "proxbox-api")
		out, err := exec.Command("go", "build", "-o", binary.path, "proxbox/cmd/proxbox-api").CombinedOutput()
		if err != nil {
			binary.err = fmt.Errorf("%w\n%s", err, out)
		}
	})
	if binary.err != nil {
		t.Fatal(binary.err)
	}
	return binary.path
}

// service is the running program.
type service struct {
	url  string
	port int
	data string
	cmd  *exec.Cmd
	log  *bytes.Buffer
}

// serve starts the program on a free port and stops it with the test.
func serve(t testing.TB, environment ...string) *service {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	s := &service{url: fmt.Sprintf("http://127.0.0.1:%d", port), port: port, data: t.TempDir()}
	s.start(t, environment...)
	t.Cleanup(func() {
		s.stop(syscall.SIGTERM)
		if t.Failed() {
			t.Logf("the service's log:\n%s", tail(s.log.Bytes()))
		}
	})
	return s
}

func (s *service) start(t testing.TB, environment ...string) {
	t.Helper()
	s.log = &bytes.Buffer{}
	s.cmd = exec.Command(build(t), "serve")
	s.cmd.Env = append(os.Environ(), append([]string{"PROXBOX_DATA_DIR=" + s.data, "PORT=" + strconv.Itoa(s.port), "PROXBOX_BIND_HOST=127.0.0.1"}, environment...)...)
	s.cmd.Stderr = s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for range 300 {
		if resp, err := http.Get(s.url + "/health"); err == nil {
			resp.Body.Close()
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	s.stop(syscall.SIGKILL)
	t.Fatalf("the service does not answer:\n%s", s.log)
}

func (s *service) stop(how syscall.Signal) {
	if s.cmd.ProcessState == nil {
		_ = s.cmd.Process.Signal(how)
		_ = s.cmd.Wait()
	}
}

func tail(raw []byte) []byte { return raw[max(0, len(raw)-8000):] }
