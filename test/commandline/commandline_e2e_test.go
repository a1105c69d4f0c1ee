//go:build e2e

// Package commandline runs the program as a person does, against the real
// NetBox and fakepve over the network.
package commandline

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	proxmoxsim "proxbox/internal/sim/proxmox"
	"proxbox/test/lab"
	"proxbox/test/lab/tap"
)

func TestMain(m *testing.M) { lab.Main(m) }

// guests is how many guests the estate has.
const guests = 12

// shell is a place in which the program is run.
type shell struct {
	*lab.Server
	t       *testing.T
	pve     *lab.FakeProxmox
	binary  string
	environ []string
	secrets []string
}

func newShell(t *testing.T) *shell {
	t.Helper()
	s := &shell{Server: lab.NetBox(t), t: t, pve: lab.FakePVE(t, proxmoxsim.Demo(guests)), binary: lab.Binary(t)}
	home := t.TempDir()
	s.environ = []string{"HOME=" + home, "PROXBOX_DATA_DIR=" + filepath.Join(home, "data")}
	s.secrets = []string{s.Service.TokenV1, s.Reader.TokenV1, s.pve.Endpoint().TokenValue.Reveal()}
	return s
}

func (s *shell) command(args ...string) (*exec.Cmd, *bytes.Buffer, *bytes.Buffer) {
	var out, errs bytes.Buffer
	c := exec.CommandContext(s.t.Context(), s.binary, args...)
	c.Env, c.Stdout, c.Stderr = s.environ, &out, &errs
	return c, &out, &errs
}

// run carries out a command line and returns what it printed.
func (s *shell) run(code int, args ...string) string {
	s.t.Helper()
	c, out, errs := s.command(args...)
	err := c.Run()
	if c.ProcessState == nil {
		s.t.Fatalf("%q: %v", args, err)
	}
	if got := c.ProcessState.ExitCode(); got != code {
		s.t.Fatalf("%q ended with %d, want %d:\n%s%s", args, got, code, out, errs)
	}
	for _, secret := range s.secrets {
		if strings.Contains(out.String()+errs.String(), secret) {
			s.t.Errorf("%q prints a secret:\n%s%s", args, out, errs)
		}
	}
	return out.String() + errs.String()
}

func (s *shell) file(name, text string) string {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// targets are the flags that name both sides.
func (s *shell) targets(token string) []string {
	e := s.pve.Endpoint()
	return []string{"--insecure",
		"--netbox-url", s.URL(), "--netbox-token-file", s.file("token", token),
		"--proxmox-url", e.BaseURL(), "--proxmox-token-id", e.Username + "!" + e.TokenName,
		"--proxmox-token-secret-file", s.file("secret", e.TokenValue.Reveal()),
	}
}

func TestPlanSyncAndSyncAgain(t *testing.T) {
	s := newShell(t)
	e := s.pve.Endpoint()
	s.run(0, "endpoints", "add", "netbox", "--url", s.URL(), "--token-file", s.file("token", s.Service.TokenV1))
	s.run(0, "endpoints", "add", "proxmox", "--name", "lab", "--url", e.BaseURL(), "--insecure",
		"--token-id", e.Username+"!"+e.TokenName, "--token-secret-file", s.file("secret", e.TokenValue.Reveal()))
	if out := s.run(0, "endpoints", "test"); !strings.Contains(out, "NetBox 4.7.3 at "+s.URL()) || !strings.Contains(out, "as "+e.Username+"!"+e.TokenName) {
		t.Errorf("endpoints test printed:\n%s", out)
	}

	s.run(0, "plan")
	if w := s.Tap.Writes(); len(w) != 0 {
		t.Errorf("plan wrote %d times", len(w))
	}
	s.run(0, "sync")
	var vms struct {
		Count int `json:"count"`
	}
	s.Must(t, "GET", "/api/virtualization/virtual-machines/?brief=1&limit=1", nil, &vms)
	if vms.Count != guests {
		t.Errorf("NetBox has %d virtual machines, want %d", vms.Count, guests)
	}
	s.Tap.Clear()
	out := s.run(0, "sync")
	if w := s.Tap.Writes(); len(w) != 0 || !strings.Contains(out, "nothing was written") {
		t.Errorf("the second sync wrote %d times:\n%s", len(w), out)
	}
}

// A token that may only read is enough for a plan. A sync with it does what it
// can, which is nothing, and says which permission is missing.
func TestTokenThatMayOnlyRead(t *testing.T) {
	s := newShell(t)
	targets := s.targets(s.Reader.TokenV1)
	if out := s.run(0, append([]string{"plan"}, targets...)...); !strings.Contains(out, "Nothing was written.") {
		t.Errorf("plan printed:\n%s", out)
	}
	s.run(0, "endpoints", "add", "netbox", "--url", s.URL(), "--token-file", s.file("token", s.Reader.TokenV1))
	if out := s.run(1, "endpoints", "test"); !strings.Contains(out, "the token may not add virtualization.virtualmachine\n") ||
		!strings.Contains(out, "the token may not change virtualization.virtualmachine\n") || strings.Contains(out, "may not view") {
		t.Errorf("endpoints test printed:\n%s", out)
	}
	out := s.run(2, append([]string{"sync"}, targets...)...)
	for _, want := range []string{"Failed (", "You do not have permission", "give the token's user the permission to"} {
		if !strings.Contains(out, want) {
			t.Errorf("sync does not print %q:\n%s", want, out)
		}
	}
}

func TestInterruptedSyncGoesOn(t *testing.T) {
	s := newShell(t)
	c, out, errs := s.command(append([]string{"sync"}, s.targets(s.Service.TokenV1)...)...)
	started := make(chan struct{})
	s.Tap.Inject(tap.Call(func() { <-started; _ = c.Process.Signal(syscall.SIGINT) }), tap.Writes).After(5)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	close(started)
	_ = c.Wait()
	if code := c.ProcessState.ExitCode(); code != 1 || !regexp.MustCompile(`the run was stopped after [1-9]\d* writes?`).MatchString(errs.String()) {
		t.Fatalf("an interrupted sync ended with %d:\n%s%s", code, out, errs)
	}
	s.run(0, append([]string{"sync"}, s.targets(s.Service.TokenV1)...)...)
	s.Tap.Clear()
	s.run(0, append([]string{"sync"}, s.targets(s.Service.TokenV1)...)...)
	if w := s.Tap.Writes(); len(w) != 0 {
		t.Errorf("the sync after the next wrote %d times", len(w))
	}
}

// The permissions that docs/permissions.md gives, with its own script, are
// enough.
func TestDocumentedPermissions(t *testing.T) {
	s := newShell(t)
	page, err := os.ReadFile("../../docs/permissions.md")
	if err != nil {
		t.Fatal(err)
	}
	_, script, _ := strings.Cut(string(page), "```python\n")
	script, _, ok := strings.Cut(script, "```")
	if !ok {
		t.Fatal("the page has no script")
	}
	// The lab has a user of that name already.
	script = strings.Replace(script, `create_user("proxbox")`, `create_user("documented")`, 1)
	token := strings.Repeat("d0c5", 10)
	s.Shell(t, script+"\nToken(user=user, version=1, token='"+token+"').save()\n")

	s.secrets = append(s.secrets, token)
	targets := s.targets(token)
	out := s.run(0, append([]string{"sync"}, targets...)...)
	if strings.Contains(out, "permission") {
		t.Errorf("with the documented permissions the sync says:\n%s", out)
	}
	s.Tap.Clear()
	s.run(0, append([]string{"sync"}, targets...)...)
	if w := s.Tap.Writes(); len(w) != 0 {
		t.Errorf("the second sync wrote %d times", len(w))
	}
}
