//go:build e2e

package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	proxmoxsim "proxbox/internal/sim/proxmox"
)

// relay is what the plugin's page does whose buttons go over its WebSocket: it
// sends the plugin's view a command and asks it for messages until the button
// is let go. The view keeps its connection in its process, so that all of it
// happens in one.
const relay = `
import json, time
from django.test import Client
from netbox_proxbox import websocket_client
from users.models import User

browser = Client()
browser.force_login(User.objects.get(username="admin"))

def run(kind):
    path = "/plugins/proxbox/websocket/" + kind
    answer = browser.post(path)
    told = {"status": answer.status_code, "frames": []}
    cursor = answer.json().get("cursor", "") if answer.status_code == 202 else ""
    deadline = time.monotonic() + 60
    while answer.status_code == 202 and time.monotonic() < deadline:
        page = browser.get(path, {"json_response": "true", "after": cursor})
        cursor = page["X-Proxbox-Next-Cursor"]
        told["frames"] += page.json()
        if not page.json():
            if websocket_client.ws_sync_button_state[kind] == "not-started":
                break
            time.sleep(0.1)
    told["button"] = websocket_client.ws_sync_button_state[kind]
    return told

print(json.dumps({kind: run(kind) for kind in ("full-update", "devices", "virtual-machines")}))
`

// testPluginsSocket: the plugin's own client of the WebSocket has its commands
// carried out, and understands how they end.
func testPluginsSocket(t *testing.T, f *field) {
	f.edit(t, "fastapi", f.plugin.BackendID, map[string]any{"use_websocket": true, "server_side_websocket": true, "token": f.backend.Key})
	f.pve.Change(t, func(e *proxmoxsim.Estate) { e.Guest(vmidOf(e, "web-01")).Stop() })
	var told map[string]struct {
		Status int      `json:"status"`
		Button string   `json:"button"`
		Frames []string `json:"frames"`
	}
	if said := f.Shell(t, relay); json.Unmarshal([]byte(said), &told) != nil {
		t.Fatalf("the plugin says %s", said)
	}
	for kind, object := range map[string]string{"full-update": "full-update", "devices": "device", "virtual-machines": "virtual_machine"} {
		run := told[kind]
		if run.Status != http.StatusAccepted || run.Button != "not-started" {
			t.Errorf("%s: the plugin answers %d, and its button is %s:\n%s", kind, run.Status, run.Button, strings.Join(run.Frames, "\n"))
			continue
		}
		last := "" // a Full Update has the ends of its parts before its own
		for _, text := range run.Frames {
			var frame struct {
				Object, Status string
				End            bool
			}
			if json.Unmarshal([]byte(text), &frame) == nil && frame.End {
				if last = frame.Object; frame.Status != "completed" {
					t.Errorf("%s ends with %s", kind, text)
				}
			}
		}
		if last != object {
			t.Errorf("%s ends with the end of %q:\n%s", kind, last, strings.Join(run.Frames, "\n"))
		}
	}
	if all := strings.Join(told["full-update"].Frames, "\n"); !strings.Contains(all, "Connected!") || !strings.Contains(all, "web-01") {
		t.Errorf("the plugin was not told of the guest that changed:\n%s", all)
	}
	f.pve.Change(t, func(e *proxmoxsim.Estate) { e.Guest(vmidOf(e, "web-01")).Start() })
	completed(t, f.update(t))
}

// testBrowsersSocket: a page of this NetBox may open the WebSocket, and is let
// in with the key as its first frame; a page from elsewhere may not.
func testBrowsersSocket(t *testing.T, f *field) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	connect := func(origin string) (*websocket.Conn, *http.Response, error) {
		return websocket.Dial(ctx, "ws"+strings.TrimPrefix(f.backend.URL, "http")+"/ws", &websocket.DialOptions{HTTPHeader: http.Header{"Origin": {origin}}})
	}
	if _, resp, err := connect("http://elsewhere.example.com"); err == nil || resp == nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("a page from elsewhere: %v, %v", resp, err)
	}
	here := strings.Replace(f.URL(), "127.0.0.1", "localhost", 1) // as the endpoint has it
	wrong, _, err := connect(here)
	if err != nil {
		t.Fatal(err)
	}
	send := func(conn *websocket.Conn, text string) {
		t.Helper()
		if err := conn.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	send(wrong, `{"api_key":"0000000000000000000000000000000000000000"}`)
	var end websocket.CloseError
	if _, _, err = wrong.Read(ctx); !errors.As(err, &end) || end.Code != 4001 {
		t.Errorf("with a wrong key: %v", err)
	}

	conn, _, err := connect(here)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	conn.SetReadLimit(1 << 20)
	send(conn, fmt.Sprintf(`{"api_key":%q}`, f.backend.Key))
	for _, want := range []string{"Connected!", "Connected 2!"} {
		if _, raw, err := conn.Read(ctx); string(raw) != want || err != nil {
			t.Fatalf("the greeting is %q, %v", raw, err)
		}
	}
	send(conn, `{"command":"logs"}`)
	send(conn, "Sync Nodes")
	seen := map[string]bool{}
	for !seen["log"] || !seen["device end"] {
		_, raw, err := conn.Read(ctx)
		if err != nil {
			t.Fatalf("after %v: %v", seen, err)
		}
		var frame struct {
			Object, Status string
			End            bool
		}
		if json.Unmarshal(raw, &frame) != nil {
			continue
		}
		if frame.End {
			if frame.Object += " end"; frame.Status != "completed" {
				t.Errorf("the end is %s", raw)
			}
		}
		seen[frame.Object] = true
	}
}
