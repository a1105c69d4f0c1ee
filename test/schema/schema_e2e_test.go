//go:build e2e

// Package schema has schemathesis try the built binary out by its OpenAPI
// document: hundreds of requests for each route, right ones and wrong ones.
package schema

import (
	"context"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"proxbox/test/lab"
)

// The checks: never 500, no status and no type that the document does not list,
// no other shape; and no way around the API key.
//
// Not among them are those that want to know from the document which values are
// refused. It calls a list of ids and a time strings, for the 422 says what is
// wrong with them in better words.
const checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance," +
	"response_schema_conformance,unsupported_method,allow_header_conformance,ignored_auth"

// endpoints are the routes that keep endpoints.
const endpoints = `^/(netbox|proxmox)/endpoints?(/|$)`

// Left out everywhere are
//   - syncs: they have tests of their own with something to sync;
//   - streams and WebSockets: they are no single answer that has a shape, and
//     some never end;
//   - whatever takes an API key away, ours perhaps.
var leftOut = []string{
	`^/full-update`, `^/sync/individual/`, `^/dcim/.*/create$`, `^/virtualization/virtual-machines/.*create$`, `^/extras/.*/(create|reconcile)$`,
	`/stream$`, `^/ws(/|$)`,
	`^/auth/keys/\{key_id\}(/deactivate)?$`,
}

// Nothing is known yet: no NetBox, no Proxmox. The endpoints have a test of
// their own, for here made-up ones would be asked.
func TestEmptyStore(t *testing.T) {
	try(t, serve(t), 180, "--exclude-path-regex", strings.Join(append(leftOut, endpoints), "|"))
}

// One endpoint of each kind is there, so that there is something to list, to
// change and to delete. Nobody listens where they are.
func TestEndpoints(t *testing.T) {
	service := serve(t)
	push(t, service, "/netbox/endpoint", `{"name":"nb","ip_address":"127.0.0.1","port":1,"verify_ssl":false,
		"token_version":"v1","token":"0123456789abcdef0123456789abcdef01234567"}`)
	push(t, service, "/proxmox/endpoints", `{"name":"px1 (nb:1)","ip_address":"127.0.0.1","port":1,"username":"root@pam","verify_ssl":false,
		"token_name":"lab","token_value":"11111111-2222-3333-4444-555555555555"}`)
	try(t, service, 10, "--include-path-regex", endpoints)
}

func push(t *testing.T, service *lab.Service, path, body string) {
	t.Helper()
	if status, said := service.Call(t, http.MethodPost, path, body); status != http.StatusOK {
		t.Fatalf("%s: %d: %s", path, status, said)
	}
}

var tested = regexp.MustCompile(`(?m)^\s*Tested: (\d+)$`)

// try runs schemathesis against a service. At least so many operations must be
// in the selection: a pattern may match too much.
func try(t *testing.T, service *lab.Service, atLeast int, selection ...string) {
	t.Helper()
	program := lab.Schemathesis(t)
	configuration, err := filepath.Abs("schemathesis.toml")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, append([]string{"--config-file", configuration, "--no-color", "run", service.URL + "/openapi.json",
		"--header", "X-Proxbox-API-Key: " + service.Key, "--checks", checks, "--phases", "examples,coverage,fuzzing",
		"--continue-on-failure", "--warnings", "off"}, selection...)...)
	cmd.Dir = t.TempDir() // it leaves what it found where it runs
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("schemathesis: %v\n%s", err, said)
	}
	found := tested.FindSubmatch(said)
	if found == nil {
		t.Fatalf("schemathesis does not say how many operations it tested:\n%s", said)
	}
	if n, err := strconv.Atoi(string(found[1])); err != nil || n < atLeast {
		t.Errorf("%d operations were tested, %d at least should be:\n%s", n, atLeast, said)
	}
}

// serve starts the program with nothing in its store but the API key.
func serve(t *testing.T) *lab.Service {
	t.Helper()
	return lab.Serve(t, "PROXBOX_API_KEY="+lab.Key, "PROXBOX_RATE_LIMIT=0",
		// It comes with wrong keys too, and must not be locked out.
		"PROXBOX_AUTH_LOCKOUT_THRESHOLD=1000000", "PROXBOX_AUTH_LOCKOUT_SOURCE_THRESHOLD=1000000")
}
