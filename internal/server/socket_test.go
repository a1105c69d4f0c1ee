package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"proxbox/internal/run"
	netboxsim "proxbox/internal/sim/netbox"
	proxmoxsim "proxbox/internal/sim/proxmox"
)

// client is who is at the other end of a WebSocket.
type client struct {
	t    *testing.T
	conn *websocket.Conn
}

// connect opens a WebSocket to a real server.
func connect(t *testing.T, base, path string, header ...string) *client {
	t.Helper()
	c, resp := dial(t, base, path, nil, header...)
	if c == nil {
		t.Fatalf("%s: %d", path, resp.StatusCode)
	}
	return c
}

// dial opens a WebSocket, or returns the answer that refuses it.
func dial(t *testing.T, base, path string, through *http.Client, header ...string) (*client, *http.Response) {
	t.Helper()
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	conn, resp, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(base, "http")+path, &websocket.DialOptions{HTTPHeader: h, HTTPClient: through})
	if err != nil {
		if resp == nil {
			t.Fatal(err)
		}
		return nil, resp
	}
	conn.SetReadLimit(1 << 20)
	t.Cleanup(func() { _ = conn.CloseNow() })
	return &client{t, conn}, resp
}

func (c *client) send(text string) {
	c.t.Helper()
	if err := c.conn.Write(c.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) sendKey(key string) *client {
	c.t.Helper()
	c.send(`{"api_key":"` + key + `"}`)
	return c
}

// next is the next frame that is there for more than to keep awake.
func (c *client) next() string {
	c.t.Helper()
	for {
		_, raw, err := c.conn.Read(c.t.Context())
		if err != nil {
			c.t.Fatalf("the WebSocket has ended: %v", err)
		}
		if text := string(raw); text != `{"object":"keepalive"}` {
			return text
		}
	}
}

func (c *client) want(texts ...string) {
	c.t.Helper()
	for _, want := range texts {
		if got := c.next(); got != want {
			c.t.Fatalf("frame %q, want %q", got, want)
		}
	}
}

// until returns the frames up to the end of an object, decoded; texts are left
// out.
func (c *client) until(object string) []map[string]any {
	c.t.Helper()
	var all []map[string]any
	for {
		var f map[string]any
		if json.Unmarshal([]byte(c.next()), &f) != nil {
			continue
		}
		all = append(all, f)
		if f["object"] == object && f["end"] == true {
			return all
		}
	}
}

// closed is how the WebSocket ends, after frames that do not matter.
func (c *client) closed() (code websocket.StatusCode, reason string) {
	c.t.Helper()
	for {
		_, _, err := c.conn.Read(c.t.Context())
		var end websocket.CloseError
		if errors.As(err, &end) {
			return end.Code, end.Reason
		}
		if err != nil {
			return 0, err.Error()
		}
	}
}

// withServer serves the fixture on a real port.
func (f *fixture) withServer() (base string) {
	srv := httptest.NewServer(f)
	f.t.Cleanup(func() {
		_ = f.Close()
		srv.Close()
	})
	return srv.URL
}

// outward counts the requests to NetBox and Proxmox.
func (f *fixture) outward() *atomic.Int64 {
	var n atomic.Int64
	f.setFault(func(*http.Request) error {
		n.Add(1)
		return nil
	})
	return &n
}

// Nothing is done for a client that has not shown its key.
func TestSocketKeyComesFirst(t *testing.T) {
	f := newFixture(t, "PROXBOX_AUTH_LOCKOUT_THRESHOLD=1000", "PROXBOX_AUTH_LOCKOUT_SOURCE_THRESHOLD=1000", "PROXBOX_RATE_LIMIT=0").withKeys().withEndpoints()
	n := f.outward()
	base := f.withServer()
	for path := range socketPaths {
		for name, first := range map[string]string{
			"a bad key": `{"api_key":"` + badKey + `"}`, "a revoked key": `{"api_key":"` + revokedKey + `"}`, "no key": `{}`, "null": `{"api_key":null}`,
			"a number": `{"api_key":7}`, "a command": "Full Update", "a command in an envelope": `{"command":"Full Update","run_id":"12345678"}`,
			"a list": `[]`, "nothing": "", "a key as text": goodKey, "half": `{"api_key":"` + goodKey,
		} {
			c := connect(t, base, path)
			c.send(first)
			code, reason := c.closed()
			if code != closeUnauthorized || !strings.Contains(reason, "API key") || strings.Contains(reason, badKey) {
				t.Errorf("%s with %s: %d %q", path, name, code, reason)
			}
		}
		c := connect(t, base, path)
		if err := c.conn.Write(t.Context(), websocket.MessageBinary, []byte(`{"api_key":"`+goodKey+`"}`)); err != nil {
			t.Fatal(err)
		}
		if code, _ := c.closed(); code != closeUnauthorized {
			t.Errorf("%s with a binary frame: %d", path, code)
		}
		c = connect(t, base, path)
		c.send(`{"api_key":"` + strings.Repeat("x", maxSocketMessage) + `"}`)
		if code, _ := c.closed(); code != websocket.StatusMessageTooBig {
			t.Errorf("%s with a frame of no end: %d", path, code)
		}
	}
	if n.Load() != 0 || len(f.launcher.Manager.Active()) != 0 {
		t.Errorf("%d requests were sent for clients without a key", n.Load())
	}
	if log := f.log.String(); strings.Contains(log, badKey) || strings.Contains(log, goodKey) || !strings.Contains(log, "a WebSocket was refused") {
		t.Error("the log holds a key, or does not say that clients were refused")
	}
}

// Failures count as they do over HTTP.
func TestSocketLockout(t *testing.T) {
	f := newFixture(t).withKeys()
	base := f.withServer()
	for left := 4; left >= 0; left-- {
		_, reason := connect(t, base, "/ws").sendKey(badKey).closed()
		if tail := fmt.Sprintf("%d attempts remaining", left); left > 0 && !strings.Contains(reason, tail) {
			t.Errorf("%q, want %s", reason, tail)
		}
	}
	if code, reason := connect(t, base, "/ws").sendKey(badKey).closed(); code != closeUnauthorized || !strings.Contains(reason, "Too many failed") {
		t.Errorf("%d %q", code, reason)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/version", nil)
	r.RemoteAddr = "127.0.0.1:1"
	r.Header.Set(keyHeader, badKey)
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	if w.Code != http.StatusTooManyRequests {
		t.Errorf("over HTTP: %d", w.Code)
	}
	connect(t, base, "/ws").sendKey(goodKey).want("Connected!", "Connected 2!")
}

func TestSocketBeforeThereIsAKey(t *testing.T) {
	f := newFixture(t)
	if code, reason := connect(t, f.withServer(), "/ws").sendKey(goodKey).closed(); code != closeUnauthorized || !strings.Contains(reason, "POST /auth/register-key") {
		t.Errorf("%d %q", code, reason)
	}
}

func TestSocketHandshake(t *testing.T) {
	f := newFixture(t, "PROXBOX_CORS_EXTRA_ORIGINS=https://ui.example.org").withKeys().withEndpoints()
	base := f.withServer()
	for origin, allowed := range map[string]bool{
		"https://ui.example.org": true, "http://netbox.example.org:8080": true, "https://NetBox.example.org": true, base: true,
		"https://evil.example.org": false, "null": false, "https://ui.example.org.evil.org": false, "http://localhost:3000": false, "file://": false,
	} {
		c, resp := dial(t, base, "/ws", nil, "Origin", origin)
		if (c != nil) != allowed || !allowed && resp.StatusCode != http.StatusForbidden {
			t.Errorf("from a page of %s: %d", origin, resp.StatusCode)
		}
	}
	upgrade := []string{"Connection", "keep-alive, Upgrade", "Upgrade", "websocket"}
	for name, c := range map[string]struct {
		path   string
		header []string
		status int
	}{
		"no upgrade":              {"/ws", nil, http.StatusUpgradeRequired},
		"no upgrade of the other": {"/ws/virtual-machines", nil, http.StatusUpgradeRequired},
		"no upgrade of the root":  {"/", nil, http.StatusOK},
		"another upgrade":         {"/ws", []string{"Connection", "Upgrade", "Upgrade", "h2c"}, http.StatusUpgradeRequired},
		"another path":            {"/version", append(upgrade, "Sec-WebSocket-Version", "13"), http.StatusUnauthorized},
		"another version":         {"/ws", append(upgrade, "Sec-WebSocket-Version", "8"), http.StatusBadRequest},
		"no key of the handshake": {"/ws", append(upgrade, "Sec-WebSocket-Version", "13"), http.StatusBadRequest},
		"a short key":             {"/", append(upgrade, "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "YWJj"), http.StatusBadRequest},
	} {
		w := f.send(http.MethodGet, c.path, "192.0.2.1", c.header...)
		checkEveryAnswer(t, name, w)
		if c.path != "/" { // which is described as what it is without an upgrade
			checkDocumented(t, f.Server, http.MethodGet, c.path, w)
		}
		if w.Code != c.status {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

func TestSocketCapacity(t *testing.T) {
	f := newFixture(t).withKeys()
	base := f.withServer()
	var open []*client
	for range maxSocketsOfOne {
		c := connect(t, base, "/ws").sendKey(goodKey)
		c.want("Connected!", "Connected 2!")
		open = append(open, c)
	}
	if code, reason := connect(t, base, "/ws").sendKey(goodKey).closed(); code != websocket.StatusTryAgainLater || !strings.Contains(reason, "Too many") {
		t.Errorf("%d %q", code, reason)
	}
	_ = open[0].conn.Close(websocket.StatusNormalClosure, "")
	f.streamsAre(maxSocketsOfOne - 1)
	connect(t, base, "/ws").sendKey(goodKey).want("Connected!", "Connected 2!")
	// All of them are told when the service stops.
	done := make(chan struct{})
	go func() { defer close(done); _ = f.Close() }()
	for _, c := range open[1:] {
		if code, _ := c.closed(); code != websocket.StatusGoingAway {
			t.Errorf("closed with %d", code)
		}
	}
	<-done
	if _, resp := dial(t, base, "/ws", nil); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("after the end: %d", resp.StatusCode)
	}
}

// streamsAre waits until so many WebSockets are open.
func (f *fixture) streamsAre(n int) {
	f.t.Helper()
	for {
		f.taken.mu.Lock()
		now := f.taken.all
		f.taken.mu.Unlock()
		if now == n {
			return
		}
		if f.t.Context().Err() != nil {
			f.t.Fatalf("%d WebSockets are open", now)
		}
		time.Sleep(time.Millisecond)
	}
}

func TestCrowd(t *testing.T) {
	c := crowd{source: map[string]int{}}
	for i := range maxSockets {
		if !c.enter(fmt.Sprint(i / maxSocketsOfOne)) {
			t.Fatalf("number %d is refused", i)
		}
	}
	if c.enter("another") {
		t.Error("more than there is room for")
	}
	for i := range maxSockets {
		c.leave(fmt.Sprint(i / maxSocketsOfOne))
	}
	if c.all != 0 || len(c.source) != 0 {
		t.Errorf("%d are left: %v", c.all, c.source)
	}
}

func TestSocketFullUpdate(t *testing.T) {
	f := newFixture(t).withKeys().withEndpoints().withPluginEndpoint()
	f.proxmox = proxmoxsim.New(proxmoxsim.Demo(2))
	c := connect(t, f.withServer(), "/ws").sendKey(goodKey)
	c.want("Connected!", "Connected 2!")
	for _, name := range []string{"Full Update", " Full Update Sync\n"} {
		c.send(name)
		frames := c.until(fullUpdateObject)
		rows := map[string]int{}
		var ends []string
		for i, frame := range frames {
			object, _ := frame["object"].(string)
			if frame["operation_id"] == nil || frame["run_id"] != nil {
				t.Errorf("frame %d: %v", i, frame)
			}
			if frame["end"] == true {
				ends = append(ends, object+" "+frame["status"].(string))
				continue
			}
			if data, ok := frame["data"].(map[string]any); ok && data["rowid"] != nil {
				written := data["completed"] == true && data["sync_status"] == frame["type"].(string)+"d" && data["warning"] == nil
				skipped := data["completed"] == false && data["sync_status"] == "skipped" && frame["type"] == "skipped" && data["warning"] != nil
				if written == skipped || data["name"] != data["rowid"] {
					t.Errorf("row %v", frame)
				}
				if frame["type"] == "create" {
					rows[object]++
				}
			}
		}
		if got := strings.Join(ends, ", "); got != "device completed, virtual_machine completed, full-update completed" {
			t.Errorf("ends: %s", got)
		}
		data := frames[len(frames)-1]["data"].(map[string]any)
		result := data["result"].(map[string]any)
		if data["ok"] != true || result["virtual_machines_count"] != 2.0 || result["devices_count"] != 3.0 {
			t.Errorf("the end: %v", data)
		}
		if first := name == "Full Update"; first != (rows[deviceObject] == 3 && rows[guestObject] == 2) || !first && len(rows) != 0 {
			t.Errorf("%q: rows %v", name, rows)
		}
	}
}

func TestSocketStages(t *testing.T) {
	f := newFixture(t).withKeys().withEndpoints()
	f.proxmox = proxmoxsim.New(proxmoxsim.Demo(2))
	base := f.withServer()
	c := connect(t, base, "/ws").sendKey(goodKey)
	c.want("Connected!", "Connected 2!")
	c.send("Sync Nodes")
	c.want("Sync Nodes")
	frames := c.until(deviceObject)
	if end := frames[len(frames)-1]; end["status"] != "completed" || end["data"].(map[string]any)["result"].(map[string]any)["created"] == 0.0 {
		t.Errorf("the end %v", end)
	}
	if f.netbox.Count("virtualization.virtualmachine") != 0 {
		t.Error("the nodes' sync wrote guests")
	}
	// A client that gave an id finds it in every frame.
	c.send(`{"command":"Sync Virtual Machines","run_id":"run_0123-abc","more":1}`)
	for i, frame := range c.until(guestObject) {
		if frame["run_id"] != "run_0123-abc" {
			t.Errorf("frame %d: %v", i, frame)
		}
	}
	if n := f.netbox.Count("virtualization.virtualmachine"); n != 2 {
		t.Errorf("%d guests", n)
	}
	c.send(`{"command":"Sync Nodes","run_id":"run_0123-abc"}`)
	c.want(`{"message":"Sync Nodes","run_id":"run_0123-abc"}`)
	c.until(deviceObject)

	guests := connect(t, base, "/ws/virtual-machines").sendKey(goodKey)
	guests.want("Connected!")
	frames = guests.until(guestObject)
	if end := frames[len(frames)-1]; end["status"] != "completed" {
		t.Errorf("the end %v", end)
	}
	if code, _ := guests.closed(); code != websocket.StatusNormalClosure {
		t.Errorf("closed with %d", code)
	}
}

func TestSocketInvalidCommands(t *testing.T) {
	f := newFixture(t).withKeys().withEndpoints()
	n := f.outward()
	c := connect(t, f.withServer(), "/ws").sendKey(goodKey)
	c.want("Connected!", "Connected 2!")
	for frame, want := range map[string]string{
		"Reboot":                              "Invalid command: Reboot",
		"full update":                         "Invalid command: full update",
		"<b>token=abcdefghijkl</b>":           "Invalid command: <b>token=[REDACTED]",
		strings.Repeat("x", 200):              "Invalid command: " + strings.Repeat("x", 100),
		"":                                    "Invalid sync command",
		`{"api_key":"` + goodKey + `"}`:       "Invalid sync command",
		`{"command":"Full Update"`:            "Invalid sync command",
		`{"command":7}`:                       "Invalid sync command",
		`{"command":"Sync Nodes","run_id":7}`: "Invalid sync command",
		`{"command":"Full Update","run_id":"short"}`: "Invalid sync command",
	} {
		c.send(frame)
		c.want(want, validCommands)
	}
	c.send(`{"command":"Reboot","run_id":"12345678"}`)
	c.want(`{"message":"Invalid sync command","run_id":"12345678"}`, `{"message":"`+validCommands+`","run_id":"12345678"}`)
	if n.Load() != 0 {
		t.Errorf("%d requests were sent", n.Load())
	}
}

// A run that cannot begin, or fails, lets the client's button go.
func TestSocketFailures(t *testing.T) {
	f := newFixture(t).withKeys()
	base := f.withServer()
	failed := func(c *client, command, object, says string) {
		t.Helper()
		c.send(command)
		frames := c.until(object)
		end := frames[len(frames)-1]
		errs := fmt.Sprint(end["data"])
		if end["status"] != "failed" || !strings.Contains(errs, says) {
			t.Errorf("%s: %v", command, end)
		}
		if frames[0]["object"] != "error" && frames[0]["object"] != "step" && frames[0]["object"] != "discovery" {
			t.Errorf("%s begins with %v", command, frames[0])
		}
	}
	c := connect(t, base, "/ws").sendKey(goodKey)
	failed(c, "Full Update", fullUpdateObject, "NetBox endpoint")
	failed(c, "Sync Virtual Machines", guestObject, "NetBox endpoint")
	f.withEndpoints()
	f.setFault(func(r *http.Request) error {
		if r.Host == "netbox.example.org:8080" {
			return errRefused
		}
		return nil
	})
	failed(c, "Full Update", fullUpdateObject, "connection refused")
	failed(c, "Sync Nodes", deviceObject, "connection refused")
	f.setFault(nil)
	c.send("Sync Nodes")
	if frames := c.until(deviceObject); frames[len(frames)-1]["status"] != "completed" {
		t.Error("it does not go on after a failure")
	}
	// A client whose key is revoked is told so with its next command.
	f.revoke()
	c.send("Sync Nodes")
	if code, reason := c.closed(); code != closeUnauthorized || !strings.Contains(reason, "API key") {
		t.Errorf("with a revoked key: %d %q", code, reason)
	}
}

// Commands wait for their turn, but not without end; who goes away does not
// end the run at once, and a stop of the service is told.
func TestSocketQueueAndStop(t *testing.T) {
	f := newFixture(t).withKeys().withEndpoints()
	release := make(chan struct{})
	entered := make(chan struct{}, 100)
	f.setFault(func(*http.Request) error {
		entered <- struct{}{}
		<-release
		return nil
	})
	base := f.withServer()
	c := connect(t, base, "/ws").sendKey(goodKey)
	c.want("Connected!", "Connected 2!")
	c.send("Sync Nodes")
	<-entered
	for range maxPending {
		c.send("Sync Nodes")
	}
	c.send("Sync Virtual Machines")
	frames := c.until(guestObject)
	if end := frames[len(frames)-1]; end["status"] != "failed" || !strings.Contains(fmt.Sprint(end["data"]), "too many commands wait") {
		t.Errorf("the one too many: %v", end)
	}
	left := connect(t, base, "/ws").sendKey(goodKey)
	left.send("Sync Nodes") // joins the run
	left.want("Connected!", "Connected 2!", "Sync Nodes")
	_ = left.conn.CloseNow()
	f.streamsAre(1)
	if active := f.launcher.Manager.Active(); len(active) != 1 || active[0].Kind != "devices" {
		t.Errorf("active: %v", active)
	}
	go func() { _ = f.Close() }()
	frames = c.until(deviceObject)
	if end := frames[len(frames)-1]; end["status"] != "failed" || !strings.Contains(fmt.Sprint(end["data"]), errClosing.Error()) {
		t.Errorf("the end: %v", end)
	}
	if code, _ := c.closed(); code != websocket.StatusGoingAway {
		t.Errorf("closed with %d", code)
	}
	close(release)
}

func TestSocketLog(t *testing.T) {
	f := newFixture(t).withKeys().withLogs()
	c := connect(t, f.withServer(), "/ws").sendKey(goodKey)
	c.want("Connected!", "Connected 2!")
	f.Server.log.Info("before")
	f.Server.log.Error("broken", "run", "r-1")
	entry := func() string {
		t.Helper()
		var frame struct {
			Object, Type string
			Data         logEntry
			RunID        string `json:"run_id"`
		}
		text := c.next()
		if err := json.Unmarshal([]byte(text), &frame); err != nil || frame.Object != "log" || frame.Type != "entry" {
			t.Fatalf("%v: %s", err, text)
		}
		return frame.Data.Message + frame.RunID
	}
	c.send(`{"command":"logs","errors_only":true,"run_id":"12345678"}`)
	if got := entry(); got != "broken12345678" {
		t.Errorf("%q", got)
	}
	f.Server.log.Info("fine")
	f.Server.log.Info("it failed")
	if got := entry(); got != "it failed12345678" {
		t.Errorf("%q", got)
	}
	newest := f.logPage("?operation_id=r-1").Logs[0].ID
	for _, id := range []string{newest, `"` + newest + `"`} {
		c.send(`{"command":"logs","level":"info","newer_than_id":` + id + `}`) // other filters
		for _, want := range []string{"fine", "it failed"} {
			if got := entry(); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
	}
	for _, filters := range []string{`"level":"loud"`, `"newer_than_id":"x"`, `"newer_than_id":[1]`, `"newer_than_id":-1`} {
		c.send(`{"command":"logs",` + filters + `}`)
		if got := c.next(); !strings.HasPrefix(got, `{"object":"log","type":"error","data":{"message":"`) {
			t.Errorf("%s: %s", filters, got)
		}
	}
	c.send(`{"command":"logs","stop":true}`)
	c.want(`{"object":"log","end":true}`)
	f.Server.log.Info("nobody hears")
	c.send("Reboot")
	c.want("Invalid command: Reboot")
}

// A client that asks for the log and does not read it costs nobody anything.
func TestSocketSlowReader(t *testing.T) {
	f := newFixture(t).withKeys().withLogs()
	base := f.withServer()
	slow := connect(t, base, "/ws").sendKey(goodKey)
	slow.want("Connected!", "Connected 2!")
	slow.send(`{"command":"logs"}`)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 500 {
				f.Server.log.Info(strings.Repeat("x", 4000))
			}
		})
	}
	wg.Wait()
	f.Server.log.Error("the last")
	quick := connect(t, base, "/ws").sendKey(goodKey)
	quick.want("Connected!", "Connected 2!")
	quick.send(`{"command":"logs","level":"ERROR"}`)
	if got := quick.next(); !strings.Contains(got, "the last") {
		t.Errorf("%.200s", got)
	}
}

// No secret is in what clients are told of the log and of runs.
func TestSocketsAndLogsHoldNoSecret(t *testing.T) {
	const password = "correct-horse-battery-staple-1"
	f := newFixture(t).withKeys().withLogs()
	base := f.withServer()
	f.call(http.MethodPost, "/netbox/endpoint", goodKey, netboxBody)
	f.call(http.MethodPost, "/proxmox/endpoints", goodKey, proxmoxBody)
	f.call(http.MethodPost, "/proxmox/endpoints", goodKey, `{"name":"own","domain":"pve.example.org","username":"root@pam","password":"`+password+`"}`)
	f.call(http.MethodGet, "/version?token="+goodKey, goodKey, "")
	f.call(http.MethodGet, "/api_key="+goodKey, goodKey, "")
	f.call(http.MethodGet, "/version", badKey, "")
	f.setFault(func(r *http.Request) error {
		return fmt.Errorf("cannot send %s with Authorization: %s; password=%s", r.URL, r.Header.Get("Authorization"), password)
	})
	c := connect(t, base, "/ws").sendKey(goodKey)
	c.want("Connected!", "Connected 2!")
	c.send(`{"command":"logs"}`)
	c.send(`{"api_key":"` + goodKey + `"}`)
	c.send("api_key=" + goodKey)
	c.send("Sync Nodes")
	raw, err := json.Marshal(c.until(deviceObject))
	if err != nil {
		t.Fatal(err)
	}
	said := string(raw) + f.call(http.MethodGet, logsPath+"?limit=5000", goodKey, "").Body.String()
	if !strings.Contains(said, "the run failed") || !strings.Contains(said, `"object":"log"`) {
		t.Errorf("the run did not get that far: %s", said)
	}
	for _, word := range append(strings.Fields(secretTokens), goodKey, badKey, password, netboxsim.Token) {
		if strings.Contains(said, word) {
			t.Errorf("%q is in what is told", word)
		}
	}
}

// pipes is a network of one listener within a bubble of time.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (*pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 8000} }
func (p *pipes) Close() error { close(p.done); return nil }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	p.conns <- theirs
	return ours, nil
}

// bubble runs a test of the service where time is simulated.
func bubble(t *testing.T, test func(t *testing.T, f *fixture, open func(path string) *client)) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t).withKeys().withEndpoints()
		p := &pipes{make(chan net.Conn), make(chan struct{})}
		srv := &http.Server{Handler: f}
		go func() { _ = srv.Serve(p) }()
		through := &http.Client{Transport: &http.Transport{DialContext: p.dial}}
		t.Cleanup(func() {
			_ = f.Close()
			_ = srv.Close()
			through.CloseIdleConnections()
		})
		test(t, f, func(path string) *client {
			c, resp := dial(t, "http://proxbox.example.org", path, through)
			if c == nil {
				t.Fatalf("%s: %d", path, resp.StatusCode)
			}
			return c
		})
	})
}

func TestSocketKeyDeadline(t *testing.T) {
	bubble(t, func(t *testing.T, f *fixture, open func(string) *client) {
		n := f.outward()
		for path := range socketPaths {
			began := time.Now()
			code, reason := open(path).closed()
			if code != closeUnauthorized || !strings.Contains(reason, "API key") || time.Since(began) != keyDeadline {
				t.Errorf("%s: closed with %d %q after %v", path, code, reason, time.Since(began))
			}
		}
		if n.Load() != 0 {
			t.Errorf("%d requests were sent", n.Load())
		}
	})
}

// A client that is greeted and silent is sent something every few seconds, and
// one that does not answer pings any more is let go.
func TestSocketPulse(t *testing.T) {
	bubble(t, func(t *testing.T, f *fixture, open func(string) *client) {
		c := open("/ws").sendKey(goodKey)
		c.want("Connected!", "Connected 2!")
		began := time.Now()
		for i := 1; i <= 30; i++ {
			_, raw, err := c.conn.Read(t.Context())
			if err != nil || string(raw) != `{"object":"keepalive"}` || time.Since(began) != time.Duration(i)*pulse {
				t.Fatalf("%v: %s after %v", err, raw, time.Since(began))
			}
		}
		root := open("/").sendKey(goodKey)
		began = time.Now()
		for i := range 3 {
			root.want(fmt.Sprintf("Message: %d", i+1))
			if time.Since(began) != time.Duration(i)*2*time.Second {
				t.Errorf("message %d after %v", i+1, time.Since(began))
			}
		}
		_ = root.conn.CloseNow()
		time.Sleep(writeTimeout + pingEvery + pongTime)
		synctest.Wait() // c does not read, and so does not answer pings
		f.taken.mu.Lock()
		defer f.taken.mu.Unlock()
		if f.taken.all != 0 {
			t.Errorf("%d WebSockets are open to clients that are gone", f.taken.all)
		}
	})
}

// A run that nobody hears of any more ends like one of a stream.
func TestSocketGone(t *testing.T) {
	bubble(t, func(t *testing.T, f *fixture, open func(string) *client) {
		answer := f.hang()
		c := open("/ws/virtual-machines").sendKey(goodKey)
		c.want("Connected!")
		c.next()
		synctest.Wait()
		r := f.launcher.Manager.Active()[0]
		_ = c.conn.CloseNow()
		time.Sleep(run.Abandoned - time.Second)
		select {
		case <-r.Done():
			t.Fatal("the run ended at once")
		default:
		}
		time.Sleep(2 * time.Second)
		answer()
		<-r.Done()
		if _, err := r.Result(); !errors.Is(err, run.ErrAbandoned) {
			t.Errorf("the run: %v", err)
		}
	})
}
