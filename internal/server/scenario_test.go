package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// step is one request of a scenario and what must come back. The whole answer
// is in the golden file.
type step struct {
	method, path, key, body string
	status                  int
	contains                string // of the body
}

const (
	netboxBody  = `{"name":"nb","ip_address":"127.0.0.1","domain":"netbox.example.org","port":8080,"verify_ssl":false,"token_version":"v1","token":"0123456789abcdef0123456789abcdef01234567"}`
	proxmoxBody = `{"name":"px1 (nb:7)","node_device_name_template":"","ip_address":"127.0.0.2","domain":null,"port":8006,"username":"root@pam","password":null,"verify_ssl":false,` +
		`"timeout":5,"max_retries":0,"retry_backoff":0.5,"token_name":"lab","token_value":"11111111-2222-3333-4444-555555555555","enabled":true,"allow_packer_template_builds":false,` +
		`"access_methods":"api","site_id":null,"site_slug":null,"site_name":null,"tenant_id":null,"tenant_slug":null,"tenant_name":null,"what_we_do_not_know":[1,{"a":2}]}`
	secretTokens = "0123456789abcdef0123456789abcdef01234567 11111111-2222-3333-4444-555555555555"
)

var scenarios = []struct {
	name  string
	keys  bool
	steps []step
}{
	{"service", true, []step{
		{"GET", "/", "", "", 200, `"message":"Proxbox Backend`},
		{"GET", "/health", "", "", 200, `"status":"ready"`},
		{"GET", "/health", badKey, "", 200, `"init_ok":true`},
		{"GET", "/version", "", "", 401, "API key required. 4 attempts remaining."},
		{"GET", "/version", goodKey, "", 200, `"version":"0.0.29"`},
		{"GET", "/version/", goodKey, "", 404, "there is /version"},
		{"GET", "/nothing", goodKey, "", 404, "/docs"},
		{"GET", "/nothing", "", "", 401, "API key"},
		{"PATCH", "/version", goodKey, "", 405, "PATCH"},
		{"OPTIONS", "/version", "", "", 401, "API key"},
	}},
	{"bootstrap", false, []step{
		{"GET", "/auth/bootstrap-status", "", "", 200, `{"needs_bootstrap":true,"has_db_keys":false}`},
		{"GET", "/auth/keys", goodKey, "", 401, "No API key configured. Register a key via POST /auth/register-key"},
		{"POST", "/auth/register-key", "", `{"api_key":"short","label":"x"}`, 400, "at least 32 characters"},
		{"POST", "/auth/register-key", "", `{"label":"x"}`, 422, `"loc":["body"]`},
		{"POST", "/auth/register-key", "", `{"api_key":7}`, 422, `"loc":["body","api_key"]`},
		{"POST", "/auth/register-key", "", `{"api_key":`, 422, `"loc":["body"]`},
		{"POST", "/auth/register-key", "", "", 422, `"detail":[`},
		{"POST", "/auth/register-key", "", `{"api_key":"` + goodKey + `","label":"netbox-proxbox-plugin","more":1}`, 201, `{"detail":"API key registered."}`},
		{"POST", "/auth/register-key", "", `{"api_key":"` + badKey + `","label":"x"}`, 409, "An API key is already configured."},
		{"GET", "/auth/bootstrap-status", "", "", 200, `{"needs_bootstrap":false,"has_db_keys":true}`},
		{"GET", "/auth/keys", "", "", 401, "API key required. 4 attempts remaining."},
		{"GET", "/auth/keys", badKey, "", 401, "Invalid API key. 4 attempts remaining."},
	}},
	{"keys", true, []step{
		{"GET", "/auth/keys", goodKey, "", 200, `"created_at":1795488776.5`},
		{"POST", "/auth/keys/2/deactivate", goodKey, "", 409, "last_active_api_key_required"},
		{"DELETE", "/auth/keys/2", goodKey, "", 409, "This is the last active API key; create another one first."},
		{"POST", "/auth/keys/1/activate", goodKey, "", 200, `"is_active":true`},
		{"GET", "/version", revokedKey, "", 200, ""},
		{"POST", "/auth/keys/1/deactivate", goodKey, "", 200, `"is_active":false`},
		{"GET", "/version", revokedKey, "", 401, "Invalid API key."},
		{"DELETE", "/auth/keys/1", goodKey, "", 204, ""},
		{"DELETE", "/auth/keys/1", goodKey, "", 404, "API key not found."},
		{"POST", "/auth/keys/1/activate", goodKey, "", 404, "API key not found."},
		{"POST", "/auth/keys/one/activate", goodKey, "", 422, `"loc":["path","key_id"]`},
		{"POST", "/auth/keys", goodKey, `{"label":"` + strings.Repeat("x", 300) + `"}`, 422, `"loc":["body","label"]`},
	}},
	{"netbox endpoint", true, []step{
		{"GET", "/netbox/endpoint", goodKey, "", 200, "[]"},
		{"POST", "/netbox/endpoint", goodKey, netboxBody, 200, `"id":1,"name":"nb","ip_address":"127.0.0.1","domain":"netbox.example.org","port":8080,"token_version":"v1","verify_ssl":false,"enabled":true,"probe":{"reachable":true`},
		{"POST", "/netbox/endpoint", goodKey, netboxBody, 409, "Only one NetBox endpoint is allowed"},
		{"GET", "/netbox/endpoint", goodKey, "", 200, `"probe":null`},
		{"GET", "/netbox/endpoint/", goodKey, "", 404, "there is /netbox/endpoint"},
		{"PUT", "/netbox/endpoint/1", goodKey, netboxBody, 200, `"api_version":"4.7.3"`},
		{"PUT", "/netbox/endpoint/1", goodKey, `{"token":"ffffffffffffffffffffffffffffffffffffffff"}`, 200, `"error_type":"authentication"`},
		{"PUT", "/netbox/endpoint/1", goodKey, `{"domain":""}`, 200, `"domain":""`},
		{"PUT", "/netbox/endpoint/1", goodKey, `{"port":"8080"}`, 422, `"loc":["body","port"]`},
		{"PUT", "/netbox/endpoint/1", goodKey, `{"port":0}`, 422, `port`},
		{"PUT", "/netbox/endpoint/1", goodKey, `{"token_version":"v2"}`, 422, `"loc":["body","token_key"]`},
		{"PUT", "/netbox/endpoint/2", goodKey, `{}`, 404, "NetBox Endpoint not found."},
		{"GET", "/netbox/endpoint/1", goodKey, "", 200, `"id":1`},
		{"DELETE", "/netbox/endpoint/1", goodKey, "", 200, `{"message":"NetBox Endpoint deleted."}`},
		{"DELETE", "/netbox/endpoint/1", goodKey, "", 404, "NetBox Endpoint not found."},
		{"GET", "/netbox/endpoint/1", goodKey, "", 404, "NetBox Endpoint not found."},
	}},
	{"proxmox endpoints", true, []step{
		{"GET", "/proxmox/endpoints", goodKey, "", 200, "[]"},
		{"POST", "/proxmox/endpoints", goodKey, proxmoxBody, 200, `"id":7,"name":"px1 (nb:7)"`},
		{"POST", "/proxmox/endpoints", goodKey, proxmoxBody, 409, "px1 (nb:7)"},
		{"POST", "/proxmox/endpoints", goodKey, `{"name":"own","domain":"pve.example.org","username":"root@pam","password":"p"}`, 200, `"id":1000001`},
		{"GET", "/proxmox/endpoints", goodKey, "", 200, `"timeout":5,"max_retries":0,"retry_backoff":0.5`},
		{"GET", "/proxmox/endpoints?offset=1&limit=1&unknown=x", goodKey, "", 200, `[{"id":1000001`},
		{"GET", "/proxmox/endpoints?limit=-1", goodKey, "", 200, `[{"id":7`},
		{"GET", "/proxmox/endpoints/7", goodKey, "", 200, `"domain":null`},
		{"PUT", "/proxmox/endpoints/7", goodKey, `{"enabled":false,"allow_packer_template_builds":false}`, 200, `"enabled":false`},
		{"PUT", "/proxmox/endpoints/7", goodKey, `{"max_retries":null,"timeout":null,"site_id":3,"site_slug":"s"}`, 200, `"timeout":null,"max_retries":null`},
		{"PUT", "/proxmox/endpoints/7", goodKey, `{"token_value":null}`, 422, `"loc":["body","token_value"]`},
		{"PUT", "/proxmox/endpoints/7", goodKey, `{"port":70000,"enabled":"maybe"}`, 422, `"loc":["body","enabled"]`},
		{"PUT", "/proxmox/endpoints/7", goodKey, `{"port":70000}`, 422, `"loc":["body","port"]`},
		{"PUT", "/proxmox/endpoints/7", goodKey, `[]`, 422, `"detail":[`},
		{"PUT", "/proxmox/endpoints/9", goodKey, `{}`, 404, "Proxmox endpoint not found."},
		{"PUT", "/proxmox/endpoints/7", goodKey, `{"name":"` + strings.Repeat("x", maxBody) + `"}`, 413, "detail"},
		{"DELETE", "/proxmox/endpoints/7", goodKey, "", 200, `{"message":"Proxmox endpoint deleted."}`},
		{"GET", "/proxmox/endpoints/7", goodKey, "", 404, "Proxmox endpoint not found."},
	}},
	{"sync without endpoints", true, []step{
		{"GET", "/sync/active", goodKey, "", 200, `{"active":false,"started_at":null,"id":null,"kind":null,"runs":[]}`},
		{"POST", "/sync/active/none/cancel", goodKey, "", 404, "There is no run none"},
		{"GET", "/full-update", goodKey, "", 409, "NetBox endpoint"},
		{"GET", "/full-update/stream", goodKey, "", 409, "NetBox endpoint"},
		{"POST", "/netbox/endpoint", goodKey, netboxBody, 200, ""},
		{"GET", "/full-update", goodKey, "", 409, "Proxmox endpoint"},
		{"GET", "/dcim/devices/create/stream", goodKey, "", 409, "Proxmox endpoint"},
		{"GET", "/dcim/devices/create/stream?proxmox_endpoint_ids=5", goodKey, "", 422, `"loc":["query","proxmox_endpoint_ids"]`},
		{"GET", "/dcim/devices/create/stream?proxmox_endpoint_ids=", goodKey, "", 422, `"loc":["query","proxmox_endpoint_ids"]`},
		{"GET", "/dcim/devices/create/stream?netbox_vm_ids=", goodKey, "", 422, `"loc":["query","netbox_vm_ids"]`},
		{"GET", "/dcim/devices/create/stream?netbox_vm_ids=1,x", goodKey, "", 422, `"loc":["query","netbox_vm_ids"]`},
		{"GET", "/full-update?overwrite_vm_role=perhaps&primary_ip_preference=ipx", goodKey, "", 422, `"loc":["query","primary_ip_preference"]`},
		{"GET", "/full-update?dry_run=perhaps", goodKey, "", 422, `"loc":["query","dry_run"]`},
		{"GET", "/virtualization/virtual-machines/x/create/stream", goodKey, "", 422, `"loc":["path","netbox_vm_id"]`},
		{"GET", "/virtualization/virtual-machines/4/create/stream", goodKey, "", 404, "no virtual machine 4"},
		{"GET", "/virtualization/virtual-machines/create/stream?netbox_vm_ids=4", goodKey, "", 422, "no virtual machine 4"},
		{"GET", "/virtualization/virtual-machines/backups/create?vmid=x", goodKey, "", 422, `"loc":["query","vmid"]`},
		{"GET", "/proxmox/sdn/create/stream?sync_mode_sdn=always", goodKey, "", 409, "no enabled Proxmox endpoint"},
	}},
}

func TestScenarios(t *testing.T) {
	for _, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) {
			f := newFixture(t)
			if sc.keys {
				f.withKeys()
			}
			var record bytes.Buffer
			for _, s := range sc.steps {
				w := f.call(s.method, s.path, s.key, s.body)
				if w.Code != s.status || !strings.Contains(w.Body.String(), s.contains) {
					t.Errorf("%s %s %.80s: %d %s; want %d with %s", s.method, s.path, s.body, w.Code, w.Body, s.status, s.contains)
				}
				checkEveryAnswer(t, s.method+" "+s.path, w)
				checkDocumented(t, f.Server, s.method, s.path, w)
				fmt.Fprintf(&record, "%s %s\n", s.method, s.path)
				if len(s.body) < 1000 {
					fmt.Fprintf(&record, "> %s\n", hide(s.body))
				}
				fmt.Fprintf(&record, "< %d %s\n\n", w.Code, pretty(t, w))
			}
			golden(t, "wire/"+strings.ReplaceAll(sc.name, " ", "-")+".txt", record.Bytes())
		})
	}
}

// hide keeps keys and tokens out of the golden files.
func hide(body string) string {
	for _, word := range append(strings.Fields(secretTokens), goodKey, badKey) {
		body = strings.ReplaceAll(body, word, "SECRET")
	}
	return body
}

func pretty(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	if w.Body.Len() == 0 {
		return ""
	}
	var out bytes.Buffer
	if err := json.Indent(&out, w.Body.Bytes(), "", "  "); err != nil {
		t.Fatalf("no JSON: %v: %s", err, w.Body)
	}
	return strings.TrimSpace(out.String())
}

// checkEveryAnswer holds for every answer whatsoever.
func checkEveryAnswer(t *testing.T, what string, w *httptest.ResponseRecorder) {
	t.Helper()
	for header, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
		"Referrer-Policy": "strict-origin-when-cross-origin"} {
		if got := w.Header().Get(header); got != want {
			t.Errorf("%s: %s is %q", what, header, got)
		}
	}
	if w.Header().Get("X-Request-ID") == "" || w.Header().Get("Content-Security-Policy") == "" || w.Header().Get("Permissions-Policy") == "" {
		t.Errorf("%s: a header is missing: %v", what, w.Header())
	}
	if w.Code >= 300 && w.Code < 400 {
		t.Errorf("%s: a redirect (%d)", what, w.Code)
	}
	for _, word := range append(strings.Fields(secretTokens), goodKey) {
		if strings.Contains(w.Body.String(), word) {
			t.Errorf("%s: the answer holds a secret", what)
		}
	}
	if w.Code == http.StatusUnauthorized && !strings.Contains(w.Body.String(), "API key") {
		t.Errorf("%s: a 401 that does not say API key: %s", what, w.Body)
	}
	if w.Code >= 400 {
		body, ok := decode(t, w.Body.Bytes()).(map[string]any)
		if !ok || body["detail"] == nil || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: an error without detail: %s %s", what, w.Header().Get("Content-Type"), w.Body)
		}
	}
}

func TestNewKeyOpensTheService(t *testing.T) {
	f := newFixture(t).withKeys()
	for _, body := range []string{"", `{"label":"second"}`} {
		w := f.call("POST", "/auth/keys", goodKey, body)
		if w.Code != http.StatusCreated {
			t.Fatalf("POST /auth/keys %s: %d %s", body, w.Code, w.Body)
		}
		made := decode(t, w.Body.Bytes()).(map[string]any)
		raw, _ := made["raw_key"].(string)
		if len(raw) != 64 || made["is_active"] != true {
			t.Errorf("the new key: %v", made)
		}
		if w := f.call("GET", "/version", raw, ""); w.Code != http.StatusOK {
			t.Errorf("with the new key: %d %s", w.Code, w.Body)
		}
		if strings.Contains(fmt.Sprint(f.get("/auth/keys")), raw) {
			t.Error("a key is shown a second time")
		}
	}
	if strings.Contains(f.log.String(), "raw_key") || strings.Contains(f.log.String(), goodKey) {
		t.Error("a key is in the log")
	}
}
