package main

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	netboxsim "proxbox/internal/sim/netbox"
)

// status asks the service for a path with a key.
func status(t *testing.T, base, path, key string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Proxbox-API-Key", key)
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	return resp.StatusCode
}

func TestServe(t *testing.T) {
	f := newFixture(t)
	f.environ = append(f.environ, "PROXBOX_API_KEY="+presetKey, "PROXBOX_LOG_LEVLE=debug")
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(f.dir, "database.db"), []byte("python"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := f.serve("serve")
	if got := status(t, s.base, "/version", presetKey); got != http.StatusOK {
		t.Errorf("the preset API key is answered with %d", got)
	}
	if got := status(t, s.base, "/version", "another-key-of-more-than-32-characters"); got != http.StatusUnauthorized {
		t.Errorf("another API key is answered with %d", got)
	}
	if got := status(t, s.base, "/admin/logs", presetKey); got != http.StatusOK {
		t.Errorf("the log is answered with %d", got)
	}
	if r := f.run("healthcheck"); r.code != exitDone {
		t.Errorf("healthcheck beside the service ended with %d: %s", r.code, r.stderr)
	}
	if code := s.end(); code != exitDone {
		t.Errorf("the service ended with %d:\n%s", code, s.stderr)
	}
	log := s.stderr.String()
	for _, want := range []string{
		"PROXBOX_LOG_LEVLE is no setting", "the encryption key was made", filepath.Join(f.dir, "encryption.key"),
		"looks like the database of the Python service", "the service is ready", "stopping", "msg=stopped",
	} {
		if !strings.Contains(log, want) {
			t.Errorf("the log does not say %q:\n%s", want, log)
		}
	}
	f.refused("no service answers", "healthcheck")
}

func TestKeysBesideTheService(t *testing.T) {
	f := newFixture(t)
	s := f.serve("serve")
	key := strings.TrimSpace(f.mustRun("keys", "create", "--label", "backup job").stdout)
	if got := status(t, s.base, "/version", key); got != http.StatusOK {
		t.Fatalf("the new key is answered with %d", got)
	}
	list := f.mustRun("keys", "list").stdout
	if !strings.Contains(list, "backup job") || strings.Contains(list, key) {
		t.Errorf("keys list printed:\n%s", list)
	}
	f.refused("last active API key", "keys", "revoke", "1")
	f.refused("there is no API key 7", "keys", "revoke", "7")
	f.refused("is no id of a key", "keys", "revoke", "one")
	f.refused("wants one argument", "keys", "revoke")
	f.mustRun("keys", "create")
	f.mustRun("keys", "revoke", "1")
	if got := status(t, s.base, "/version", key); got != http.StatusUnauthorized {
		t.Errorf("the revoked key is answered with %d", got)
	}
}

func TestServeRefusals(t *testing.T) {
	for name, tt := range map[string]struct {
		environ []string
		words   string
	}{
		"bad port":         {[]string{"PORT=nonsense"}, `PORT is "nonsense" and must be a whole number`},
		"key required":     {[]string{"PROXBOX_REQUIRE_ENCRYPTION_KEY=true"}, "PROXBOX_REQUIRE_ENCRYPTION_KEY is true and no key is given"},
		"key file missing": {[]string{"PROXBOX_ENCRYPTION_KEY_FILE=/nonexistent/key"}, "PROXBOX_ENCRYPTION_KEY_FILE names cannot be used"},
		"short API key":    {[]string{"PROXBOX_API_KEY=short"}, "PROXBOX_API_KEY: api_key must be at least 32 characters"},
		"no data":          {[]string{"PROXBOX_DATA_DIR=/proc/nothing"}, "Set PROXBOX_DATA_DIR"},
		"no such address":  {[]string{"PROXBOX_BIND_HOST=192.0.2.1"}, "PROXBOX_BIND_HOST is the address of this machine"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.environ = append(append(f.environ, "PROXBOX_BIND_HOST=127.0.0.1"), tt.environ...)
			f.refused(tt.words, "serve")
		})
	}
}

func TestWrongKeyIsRefusedAtStart(t *testing.T) {
	f := newFixture(t)
	f.environ = append(f.environ, "PROXBOX_ENCRYPTION_KEY="+encryptionKey)
	f.addEndpoints()
	f.environ = append(f.environ, "PROXBOX_ENCRYPTION_KEY=another key")
	f.refused("the encryption key does not open what", "serve")
	f.refused("the encryption key does not open what", "sync")
}

func TestTakenPort(t *testing.T) {
	f := newFixture(t)
	f.serve("serve")
	other := newFixture(t)
	other.environ = append(other.environ, f.environ[len(f.environ)-1])
	other.refused("choose another with PORT=", "serve")
	if _, err := os.Stat(other.dir); !os.IsNotExist(err) {
		t.Errorf("a service that cannot listen made its data: %v", err)
	}
	other.refused("choose another with PORT=", "demo")
}

// A run under way is stopped with the service, its stream is told, and its
// record says so.
func TestStopDuringARun(t *testing.T) {
	f := newFixture(t)
	f.environ = append(f.environ, "PROXBOX_API_KEY="+presetKey)
	f.addEndpoints()
	s := f.serve("serve")
	f.netbox.SetFault(func(r *http.Request) *netboxsim.Fault {
		if r.Method == http.MethodPost {
			s.stop()
		}
		return nil
	})
	var last apiFrame
	client := &apiClient{base: s.base, key: presetKey}
	_, err := client.fullUpdate(context.Background(), func(f apiFrame) { last = f })
	if err == nil || last.event != "complete" || last.OK {
		t.Errorf("the stream ended with %+v, %v; want a complete that is not ok", last, err)
	}
	if code := s.end(); code != exitDone {
		t.Errorf("the service ended with %d:\n%s", code, s.stderr)
	}
	f.netbox.SetFault(nil)
	f.mustRun("sync")
	f.netbox.ResetStats()
	f.mustRun("sync")
	if n := f.netbox.Stats().Writes; n != 0 {
		t.Errorf("the sync after the next wrote %d times", n)
	}
}

func TestDemo(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	f := newFixture(t)
	f.environ = []string{"PORT=" + jsonText(freePort(t)), "PROXBOX_DATA_DIR=/proc/nothing", "PROXBOX_ENCRYPTION_KEY=" + encryptionKey}
	p, out, errs := f.program()
	if code := p.run(t.Context(), []string{"demo"}); code != exitDone {
		t.Fatalf("demo ended with %d:\n%s%s", code, out, errs)
	}
	for _, want := range []string{
		`(?m)^  50 +virtual machine +/api/virtualization/virtual-machines/$`, `(?m)^  3 +device +/api/dcim/devices/$`,
		`0 created, 0 updated, 0 deleted, [1-9]\d* as they should be; \d+ requests? to NetBox, no write\.`,
		`http://\S+/docs`, `curl -H 'X-Proxbox-API-Key: `, `of \d+ writes done`, `without a terminal the demo ends here`,
	} {
		if !regexp.MustCompile(want).MatchString(out.String()) {
			t.Errorf("the demo does not print %s:\n%s", want, out)
		}
	}
	if errs.String() != "" {
		t.Errorf("the demo complains:\n%s", errs)
	}
	if left, _ := os.ReadDir(temp); len(left) != 0 {
		t.Errorf("the demo leaves %v behind", left)
	}
}
