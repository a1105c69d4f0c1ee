//go:build unix

package lab

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	proxmoxsim "proxbox/internal/sim/proxmox"
	"proxbox/test/lab/tap"
)

// Python is the interpreter of the environment with NetBox and fakepve, for
// programs that need no NetBox running.
func Python(t testing.TB) string {
	t.Helper()
	found, err := setup(t.Context(), os.Stderr)
	if err != nil {
		t.Fatalf("lab: %v", err)
	}
	return filepath.Join(found.NetBoxVenv, "bin", "python")
}

// Schemathesis is the program that tries an API out by its OpenAPI document.
// The first time its environment is installed, which takes half a minute.
func Schemathesis(t testing.TB) string {
	t.Helper()
	found, err := setup(t.Context(), os.Stderr, "schemathesis")
	if err != nil {
		t.Fatalf("lab: %v", err)
	}
	return filepath.Join(found.SchemathesisVenv, "bin", "schemathesis")
}

// PythonService starts the Python proxbox-api beside the lab, with a database
// of its own and nothing in it, and stops it when the test ends. The first
// time its environment is installed, which takes half a minute.
func PythonService(t testing.TB) Backend {
	t.Helper()
	found, err := setup(t.Context(), os.Stderr, "python-service")
	if err != nil {
		t.Fatalf("lab: %v", err)
	}
	port := FreePort(t)
	dir := t.TempDir()
	log, err := os.Create(filepath.Join(dir, "service.log"))
	if err != nil {
		t.Fatalf("lab: %v", err)
	}
	defer log.Close()
	p, err := spawn{
		name: "the Python service", stop: "TERM", dir: dir, log: log,
		env: append(cleanEnvironment(),
			"PROXBOX_DATABASE_PATH="+filepath.Join(dir, "database.db"),
			"PROXBOX_ENCRYPTION_KEY=proxbox tests only",
			"PROXBOX_RATE_LIMIT=100000",
			// What it writes beside its own code goes here in place of the
			// shared environment.
			"PROXBOX_GENERATED_DIR="+filepath.Join(dir, "generated"),
			"HOME="+dir,
		),
		argv: []string{filepath.Join(found.ServiceVenv, "bin", "uvicorn"), "proxbox_api.main:app",
			"--host", "127.0.0.1", "--port", strconv.Itoa(port)},
	}.start()
	if err != nil {
		t.Fatalf("lab: %v", err)
	}
	t.Cleanup(func() {
		p.halt()
		if t.Failed() {
			if raw, err := os.ReadFile(log.Name()); err == nil {
				t.Logf("the Python service's log:\n%s", tail(raw))
			}
		}
	})
	url := "http://127.0.0.1:" + strconv.Itoa(port)
	if err := wait(t.Context(), p, 3*time.Minute, healthy(url)); err != nil {
		t.Fatalf("lab: %v", err)
	}
	return Backend{URL: url, Key: Key}
}

// PythonEstate is the estate that test/netbox/python-0.0.28.pgdump was filled
// from. Nothing had to be left out of it: two of its guests cost the Python
// service only themselves. It makes no container with a CPU limit of 1.5, for
// it takes whole CPUs alone, and no disk of more than NetBox's 2 PB.
func PythonEstate() proxmoxsim.Estate { return proxmoxsim.Demo(30) }

// FillPython fills a NetBox by the Python service and its plugin: one Full
// Update of [PythonEstate], which takes some minutes. It returns what the
// plugin's command said.
func FillPython(t testing.TB, s *Server) string {
	t.Helper()
	pve := FakePVE(t, PythonEstate())
	endpoint := pve.PluginEndpoint()
	endpoint.Address = ForPython(t, endpoint.Address)
	s.ConnectPlugin(t, PythonService(t), endpoint)
	s.StartWorker(t)
	defer s.StopWorker()
	// On a busy machine it takes far longer than a Full Update of ours may.
	said, err := s.Manage(t.Context(), "proxbox_sync", "--wait", "--timeout", "3000")
	if err != nil {
		t.Fatalf("lab: the plugin's Full Update with the Python service: %v\n%s\n%s", err, said, s.lab.logTail("worker.log"))
	}
	return said
}

// ForPython puts a proxy in front of fakepve and returns its address. It takes
// out of /cluster/status what a real Proxmox VE does not send and the Python
// service dies on: a count under `online` in the cluster's own row.
func ForPython(t testing.TB, fake netip.AddrPort) netip.AddrPort {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	p := tap.New(t, "https://"+fake.String(), tap.WithTLS(), tap.WithTransport(transport), tap.WithRewrite(func(r *http.Response) error {
		if !strings.HasSuffix(r.Request.URL.Path, "/cluster/status") || r.StatusCode != http.StatusOK {
			return nil
		}
		var status struct {
			Data []map[string]any `json:"data"`
		}
		if err := json.NewDecoder(r.Body).Decode(&status); err != nil {
			return err
		}
		for _, row := range status.Data {
			if row["type"] == "cluster" {
				delete(row, "online")
			}
		}
		raw, err := json.Marshal(status)
		if err != nil {
			return err
		}
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(raw)), int64(len(raw))
		r.Header.Set("Content-Length", strconv.Itoa(len(raw)))
		return nil
	}))
	return netip.MustParseAddrPort(strings.TrimPrefix(p.URL(), "https://"))
}
