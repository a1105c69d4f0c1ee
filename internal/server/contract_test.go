package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
)

// contractRoutes are the routes of the Python service.
func contractRoutes(t *testing.T) [][2]string {
	t.Helper()
	raw, err := os.ReadFile("testdata/routes-0.0.15.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all [][2]string
	for line := range strings.Lines(string(raw)) {
		method, path, ok := strings.Cut(strings.TrimSpace(line), " ")
		if ok && method != "#" {
			all = append(all, [2]string{method, path})
		}
	}
	return all
}

// Every route of 0.0.15 is in the document and answers.
func TestRoutesOf0015(t *testing.T) {
	f := newFixture(t, "PROXBOX_RATE_LIMIT=0").withKeys()
	doc := f.api.OpenAPI()
	documented := map[string]*huma.PathItem{}
	for path, item := range doc.Paths {
		documented[anyParameter(path)] = item
	}
	for _, route := range contractRoutes(t) {
		method, path := route[0], route[1]
		if method == "WS" {
			method = http.MethodGet
		}
		if op := documentedAs(documented[anyParameter(path)], method); op == nil {
			t.Errorf("%s %s is not in the document", method, path)
		}
		if route[0] == "WS" || strings.HasSuffix(path, "/stream") {
			continue // it does not end; tests of its own follow it
		}
		w := f.call(method, pathParameter.ReplaceAllString(path, "987654321"), goodKey, "")
		missing := w.Code == http.StatusNotFound && strings.Contains(w.Body.String(), "lists what there is")
		if missing || w.Code == http.StatusMethodNotAllowed || w.Code >= 300 && w.Code < 400 || w.Code == http.StatusInternalServerError {
			t.Errorf("%s %s: %d %.300s", method, path, w.Code, w.Body)
		}
	}
}

// anyParameter is a path whatever its parameters are called.
func anyParameter(path string) string { return pathParameter.ReplaceAllString(path, "{}") }

func documentedAs(item *huma.PathItem, method string) *huma.Operation {
	if item == nil {
		return nil
	}
	return map[string]*huma.Operation{http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put, http.MethodPatch: item.Patch,
		http.MethodDelete: item.Delete}[method]
}

// What would write to Proxmox says so, in one way, whatever it is asked with,
// and Proxmox is not asked at all.
func TestReadOnlyRoutes(t *testing.T) {
	f := newFixture(t, "PROXBOX_RATE_LIMIT=0").withKeys().withEndpoints()
	for _, r := range readOnlyRoutes {
		target := pathParameter.ReplaceAllString(r.path, "1")
		for _, body := range []string{"", `{"target":"pve2","online":true}`, `{`} {
			w := f.call(r.method, target, goodKey, body)
			var got struct{ Reason, Detail, Message string }
			if w.Code == http.StatusForbidden {
				decodeInto(t, w.Body.Bytes(), &got)
			}
			if w.Code != http.StatusForbidden || got.Reason != "read_only" || !strings.HasPrefix(got.Detail, r.does) || got.Message == "" {
				t.Errorf("%s %s with %q: %d %s", r.method, target, body, w.Code, w.Body)
			}
		}
	}
	if asked := f.proxmox.Requests(); len(asked) > 0 {
		t.Errorf("Proxmox was asked: %v", asked)
	}
}

func TestAbsentRoutes(t *testing.T) {
	f := newFixture(t, "PROXBOX_RATE_LIMIT=0").withKeys()
	for _, r := range absentRoutes {
		target := pathParameter.ReplaceAllString(r.path, "1")
		w := f.call(r.method, target, goodKey, "")
		checkEveryAnswer(t, r.method+" "+target, w)
		if w.Code != http.StatusNotImplemented || !strings.Contains(w.Body.String(), "would need") && !strings.Contains(w.Body.String(), "PROXBOX_") && !strings.Contains(w.Body.String(), apiPath) {
			t.Errorf("%s %s: %d %s", r.method, target, w.Code, w.Body)
		}
	}
}

// docs/read-only.md lists what is refused.
func TestReadOnlyPage(t *testing.T) {
	var page strings.Builder
	page.WriteString(readOnlyPage)
	page.WriteString("| Method | Path | What it would do |\n|---|---|---|\n")
	for _, r := range readOnlyRoutes {
		fmt.Fprintf(&page, "| %s | `%s` | %s |\n", r.method, r.path, r.does)
	}
	page.WriteString("\n## What is not done yet\n\nThese routes are known, and answer 501 with a sentence that says what they would need:\n\n| Method | Path | What it would do |\n|---|---|---|\n")
	for _, r := range absentRoutes {
		fmt.Fprintf(&page, "| %s | `%s` | %s |\n", r.method, r.path, r.does)
	}
	golden(t, "../docs/read-only.md", []byte(page.String()))
}

const readOnlyPage = `# Proxmox is only read

Nothing in this program can change Proxmox. Its client sends GET, and the one POST that logs in with a password; anything else is refused before it is sent. An API token with the role PVEAuditor is enough ([permissions](permissions.md)).

The NetBox plugin has buttons for more: start and stop a guest, take a snapshot, migrate, change tags, arm the HA stack, push firewall rules, make guests of templates, open consoles. With this service they all get the same answer, whatever they are asked with, and Proxmox is not asked at all:

` + "```json" + `
{
  "detail": "Start a virtual machine: this would change Proxmox, and this service only ever reads it. Do it in Proxmox itself; the next sync brings it into NetBox.",
  "message": "Proxmox is only read",
  "reason": "read_only"
}
` + "```" + `

Its status is 403. Leave the plugin's settings that allow writes to an endpoint as they are: they are kept, and have no effect.

Reads are passed through: any GET of Proxmox's API can be asked for below ` + "`/proxmox/api2/`" + `, with the rights of the endpoint's own token.

## What is refused

`

func decodeInto(t *testing.T, raw []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
}
