package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"proxbox/internal/domain"
	netboxsim "proxbox/internal/sim/netbox"
	proxmoxsim "proxbox/internal/sim/proxmox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The secrets of the tests: none may ever be printed.
const (
	proxmoxSecret = "11111111-2222-4333-8444-555555555555" // of the simulator's token
	proxmoxPass   = "hunter2-of-the-tests"
	encryptionKey = "an-encryption-key-of-the-tests"
	presetKey     = "a-preset-api-key-of-the-tests-0123456789"
)

var secrets = []string{netboxsim.Token, proxmoxSecret, proxmoxPass, encryptionKey, presetKey}

// fixture is the command line over a Proxmox VE and a NetBox in memory.
type fixture struct {
	t       *testing.T
	dir     string // of the data
	proxmox *proxmoxsim.Server
	netbox  *netboxsim.Server
	environ []string
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{t: t, dir: filepath.Join(t.TempDir(), "data"), proxmox: proxmoxsim.New(proxmoxsim.Demo(12)), netbox: netboxsim.New(netboxsim.NetBox47)}
	f.environ = []string{"PROXBOX_DATA_DIR=" + f.dir, "PROXBOX_NETBOX_MAX_RETRIES=0", "PROXBOX_PROXMOX_MAX_RETRIES=0"}
	return f
}

// result is what became of a command line.
type result struct {
	code           int
	stdout, stderr string
}

func (f *fixture) program() (*program, *buffer, *buffer) {
	var out, errs buffer
	return &program{
		stdin: strings.NewReader(""), stdout: &out, stderr: &errs, environ: f.environ,
		proxmoxTransport: func(domain.ProxmoxEndpoint) http.RoundTripper { return f.proxmox.Transport() },
		netboxTransport:  f.netbox.Client().Transport,
	}, &out, &errs
}

// run carries out a command line and checks what holds of every one.
func (f *fixture) run(args ...string) result {
	f.t.Helper()
	return f.runContext(context.Background(), args...)
}

func (f *fixture) runContext(ctx context.Context, args ...string) result {
	f.t.Helper()
	p, out, errs := f.program()
	r := result{code: p.run(ctx, args)}
	r.stdout, r.stderr = out.String(), errs.String()
	f.check(r, args)
	return r
}

func (f *fixture) check(r result, args []string) {
	f.t.Helper()
	for _, secret := range secrets {
		if strings.Contains(r.stdout+r.stderr, secret) {
			f.t.Errorf("%q prints the secret %q:\n%s%s", args, secret, r.stdout, r.stderr)
		}
	}
	if strings.Contains(r.stderr, "goroutine ") {
		f.t.Errorf("%q prints a stack trace:\n%s", args, r.stderr)
	}
}

// mustRun wants exit code 0.
func (f *fixture) mustRun(args ...string) result {
	f.t.Helper()
	r := f.run(args...)
	if r.code != exitDone {
		f.t.Fatalf("%q ended with %d:\n%s%s", args, r.code, r.stdout, r.stderr)
	}
	return r
}

// refused wants exit code 1 and, as the last thing that is said, one sentence
// that holds the words.
func (f *fixture) refused(words string, args ...string) {
	f.t.Helper()
	r := f.run(args...)
	last := lastLine(r.stderr)
	if r.code != exitFailed || !strings.HasPrefix(last, "proxbox-api: ") || !strings.Contains(last, words) {
		f.t.Errorf("%q ended with %d and said\n%swant one sentence with %q", args, r.code, r.stderr, words)
	}
}

// addEndpoints stores both endpoints.
func (f *fixture) addEndpoints() {
	f.t.Helper()
	f.environ = append(f.environ, "PROXBOX_NETBOX_TOKEN="+netboxsim.Token, "PROXBOX_PROXMOX_TOKEN_SECRET="+proxmoxSecret)
	f.mustRun("endpoints", "add", "netbox", "--url", "https://netbox.example.org")
	f.mustRun("endpoints", "add", "proxmox", "--url", "https://pve1.example.org:8006", "--token-id", "root@pam!proxbox", "--name", "demo")
}

// targets are the flags that name both endpoints.
func targets() []string {
	return []string{
		"--netbox-url", "https://netbox.example.org", "--netbox-token", netboxsim.Token,
		"--proxmox-url", "https://pve1.example.org", "--proxmox-token-id", "root@pam!proxbox", "--proxmox-token-secret", proxmoxSecret,
	}
}

// buffer may be written and read at once.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// freePort is a port that nobody listened on a moment ago.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

// running is a service under test.
type running struct {
	base    string // http://host:port
	stop    context.CancelFunc
	stderr  *buffer
	endedAs chan int
}

// serve runs a command that serves until stop, and waits until it listens.
func (f *fixture) serve(args ...string) *running {
	f.t.Helper()
	f.environ = append(f.environ, "PORT="+strconv.Itoa(freePort(f.t)))
	p, _, errs := f.program()
	listening := make(chan string, 1)
	p.listening = func(address string) { listening <- address }
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{stop: cancel, stderr: errs, endedAs: make(chan int, 1)}
	go func() { r.endedAs <- p.run(ctx, args) }()
	select {
	case address := <-listening:
		r.base = "http://" + address
	case code := <-r.endedAs:
		cancel()
		f.t.Fatalf("%q ended with %d:\n%s", args, code, errs)
	}
	f.t.Cleanup(func() {
		cancel()
		if r.endedAs != nil {
			<-r.endedAs
		}
		f.check(result{stderr: errs.String()}, args)
	})
	return r
}

// end stops the service and returns its exit code.
func (r *running) end() int {
	r.stop()
	code := <-r.endedAs
	r.endedAs = nil
	return code
}
