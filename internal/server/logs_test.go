package server

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"proxbox/internal/logbook"
)

// withLogs has the fixture's log kept as that of the service is.
func (f *fixture) withLogs() *fixture {
	f.Server.logs = logbook.New(logbook.MaxEntries, logbook.MaxBytes)
	f.Server.log = slog.New(slog.NewMultiHandler(f.Server.log.Handler(), f.Server.logs.Handler(slog.LevelInfo)))
	f.launcher.Log = f.Server.log
	return f
}

type logPage struct {
	Logs          []logEntry
	Total         int
	HasMore       bool           `json:"has_more"`
	ActiveFilters map[string]any `json:"active_filters"`
}

func (f *fixture) logPage(query string) logPage {
	f.t.Helper()
	w := f.call(http.MethodGet, logsPath+query, goodKey, "")
	checkEveryAnswer(f.t, logsPath, w)
	checkDocumented(f.t, f.Server, http.MethodGet, logsPath+query, w)
	var page logPage
	if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || w.Code != http.StatusOK {
		f.t.Fatalf("GET %s%s: %d %s", logsPath, query, w.Code, w.Body)
	}
	return page
}

func (p logPage) messages() string {
	var all []string
	for _, e := range p.Logs {
		all = append(all, e.Message)
	}
	return strings.Join(all, ",")
}

func TestLogs(t *testing.T) {
	f := newFixture(t).withKeys().withLogs()
	f.Server.log.Info("one")
	f.Server.log.With("run", "r-1", "kind", "devices").Warn("two", "phase", "apply", "resource_type", "device", "resource_id", 7)
	f.Server.log.Error("three", "stack", "main.go:1")
	f.Server.log.Info("four failed")
	all := f.logPage("")
	if got := all.messages(); got != "four failed,three,two,one" || all.Total != 4 || all.HasMore {
		t.Fatalf("%s: %+v", got, all)
	}
	if diff := cmp.Diff(map[string]any{"level": nil, "errors_only": false, "newer_than_id": nil, "older_than_id": nil, "operation_id": nil, "since": nil},
		all.ActiveFilters); diff != "" {
		t.Error(diff)
	}
	var raw []map[string]any
	body := f.get(logsPath).(map[string]any)["logs"].([]any)
	for _, e := range body {
		raw = append(raw, e.(map[string]any))
	}
	want := map[string]any{"id": all.Logs[2].ID, "timestamp": all.Logs[2].Timestamp, "level": "WARNING", "module": "server", "message": "two", "operation_id": "r-1",
		"operation": "devices", "phase": "apply", "resource_type": "device", "resource_id": "7", "expandable": nil}
	if diff := cmp.Diff(want, raw[2]); diff != "" {
		t.Error(diff)
	}
	if at, err := time.Parse("2006-01-02T15:04:05.999999-07:00", all.Logs[0].Timestamp); err != nil || time.Since(at) > time.Hour {
		t.Errorf("timestamp %q: %v", all.Logs[0].Timestamp, err)
	}
	if diff := cmp.Diff(map[string]any{"traceback": "main.go:1"}, raw[1]["expandable"]); diff != "" {
		t.Error(diff)
	}
	second, third := all.Logs[2].ID, all.Logs[1].ID
	for query, want := range map[string]string{
		"?limit=1":                                "four failed/4 more",
		"?limit=2&offset=2":                       "two,one/4",
		"?level=INFO":                             "four failed,one/2",
		"?level=warning":                          "two/1",
		"?errors_only=true":                       "four failed,three/2",
		"?errors_only=1&level=INFO":               "four failed,three/2",
		"?newer_than_id=" + second:                "four failed,three/2",
		"?older_than_id=" + third:                 "two,one/2",
		"?operation_id=r-1":                       "two/1",
		"?operation_id=r-1&unknown=x":             "two/1",
		"?since=2001-01-01T00:00:00.000Z":         "four failed,three,two,one/4",
		"?since=2001-01-01":                       "four failed,three,two,one/4",
		"?since=2199-01-01T00:00":                 "/0",
		"?since=2199-01-01T00:00:00+02:00":        "/0",
		"?since=2199-01-01T00:00:00%2B02:00":      "/0",
		"?level=CRITICAL&operation_id=&since=":    "/0",
		"?newer_than_id=9223372036854775807":      "/0",
		"?older_than_id=" + second + "&limit=200": "one/1",
	} {
		page := f.logPage(query)
		got := fmt.Sprintf("%s/%d", page.messages(), page.Total)
		if page.HasMore {
			got += " more"
		}
		if got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	filters := f.logPage("?level=info&errors_only=true&newer_than_id=1&older_than_id=2&operation_id=x&since=2026-11-25T18:30:00").ActiveFilters
	if diff := cmp.Diff(map[string]any{"level": "INFO", "errors_only": true, "newer_than_id": 1.0, "older_than_id": 2.0, "operation_id": "x", "since": "2026-11-25T18:30:00Z"},
		filters); diff != "" {
		t.Error(diff)
	}
	for query, field := range map[string]string{"?limit=0": "limit", "?limit=5001": "limit", "?limit=x": "limit", "?offset=-1": "offset", "?level=loud": "level",
		"?errors_only=perhaps": "errors_only", "?newer_than_id=-1": "newer_than_id", "?older_than_id=x": "older_than_id", "?since=yesterday": "since"} {
		w := f.call(http.MethodGet, logsPath+query, goodKey, "")
		checkEveryAnswer(t, query, w)
		checkDocumented(t, f.Server, http.MethodGet, logsPath+query, w)
		if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), `"query","`+field+`"`) {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
	}
	var documented []string
	for _, p := range f.api.OpenAPI().Paths[logsPath].Get.Parameters {
		documented = append(documented, p.Name)
	}
	slices.Sort(documented)
	if diff := cmp.Diff([]string{"errors_only", "level", "limit", "newer_than_id", "offset", "older_than_id", "operation_id", "since"}, documented); diff != "" {
		t.Errorf("the parameters that are documented: %s", diff)
	}
	// Reading the log does not fill it.
	if now := f.logPage("?errors_only=false").Total; now != 4+9 {
		t.Errorf("%d entries after reading; want the 4 that there were and the 9 refusals", now)
	}
}

// The browser that shows the plugin's page sends no key, and learns so.
func TestLogsNeedAKey(t *testing.T) {
	f := newFixture(t, "PROXBOX_CORS_EXTRA_ORIGINS=https://netbox.example.org").withKeys().withLogs()
	for _, path := range []string{logsPath, logsPath + "/stream", logsPath + "/stream?api_key=" + goodKey, logsPath + "?api_key=" + goodKey} {
		w := f.send(http.MethodGet, path, "192.0.2.1", "Origin", "https://netbox.example.org")
		checkEveryAnswer(t, path, w)
		if w.Code != http.StatusUnauthorized || w.Header().Get("Access-Control-Allow-Origin") != "https://netbox.example.org" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
	}
	if log := fmt.Sprint(f.logPage("")); strings.Contains(log, goodKey) || !strings.Contains(log, "path=/admin/logs/stream status=401") {
		t.Errorf("the log: %s", log)
	}
}

// logStream reads a stream of the log over a real connection.
type logStream struct {
	t     *testing.T
	lines *bufio.Scanner
}

func openLogStream(t *testing.T, client *http.Client, base, query, key string) *logStream {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+logsPath+"/stream"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set(keyHeader, key)
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream; charset=utf-8" {
		t.Fatalf("%s: %d %v", query, resp.StatusCode, resp.Header)
	}
	return &logStream{t, bufio.NewScanner(resp.Body)}
}

// next is the next thing that is no blank line: a comment, or an event's entry.
func (s *logStream) next() (comment string, e logEntry, more bool) {
	s.t.Helper()
	for s.lines.Scan() {
		switch line := s.lines.Text(); {
		case line == "" || line == "event: log":
		case strings.HasPrefix(line, ":"):
			return line, e, true
		case strings.HasPrefix(line, "data: "):
			if err := json.Unmarshal([]byte(line[len("data: "):]), &e); err != nil {
				s.t.Fatalf("%v: %s", err, line)
			}
			return "", e, true
		default:
			s.t.Fatalf("a line that nobody knows: %q", line)
		}
	}
	return "", e, false
}

// message is the next entry's, whatever comments come before it.
func (s *logStream) message() string {
	s.t.Helper()
	for {
		comment, e, more := s.next()
		if !more {
			s.t.Fatal("the stream has ended")
		}
		if comment == "" {
			return e.Message
		}
	}
}

func TestLogStream(t *testing.T) {
	f := newFixture(t).withKeys().withLogs()
	srv := httptest.NewServer(f)
	defer srv.Close()
	for i := range logbook.Backlog + 3 {
		f.Server.log.Info(fmt.Sprint("old ", i))
	}
	f.Server.log.Error("broken", "run", "r-1")
	newest := f.logPage("?limit=1").Logs[0].ID
	all := openLogStream(t, srv.Client(), srv.URL, "", goodKey)
	if first := all.message(); first != "old 4" {
		t.Errorf("the backlog begins with %q", first)
	}
	for i := 5; i < logbook.Backlog+3; i++ {
		if got := all.message(); got != fmt.Sprint("old ", i) {
			t.Fatalf("%q after %d", got, i-1)
		}
	}
	if got := all.message(); got != "broken" {
		t.Errorf("the last of the backlog is %q", got)
	}
	errs := openLogStream(t, srv.Client(), srv.URL, "?errors_only=true&level=INFO", goodKey)
	ofRun := openLogStream(t, srv.Client(), srv.URL, "?operation_id=r-1", goodKey)
	later := openLogStream(t, srv.Client(), srv.URL, "?newer_than_id="+newest, goodKey)
	for _, s := range []*logStream{errs, ofRun} {
		if got := s.message(); got != "broken" {
			t.Errorf("filtered: %q", got)
		}
	}
	f.Server.log.Info("of no run")
	f.Server.log.Info("of a run", "run", "r-1")
	f.Server.log.Warn("it failed")
	for what, c := range map[string]struct {
		s    *logStream
		want []string
	}{
		"all": {all, []string{"of no run", "of a run", "it failed"}}, "errors": {errs, []string{"it failed"}},
		"a run": {ofRun, []string{"of a run"}}, "newer": {later, []string{"of no run", "of a run", "it failed"}},
	} {
		for _, want := range c.want {
			if got := c.s.message(); got != want {
				t.Errorf("%s: %q, want %q", what, got, want)
			}
		}
	}
	// Nothing is left behind when the service stops.
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*logStream{all, errs, ofRun, later} {
		for more := true; more; {
			_, _, more = s.next()
		}
	}
	if w := f.call(http.MethodGet, logsPath+"/stream", goodKey, ""); w.Code != http.StatusServiceUnavailable {
		t.Errorf("a stream after the end: %d %s", w.Code, w.Body)
	}
}

// collector is an answer that is read while it is written.
type collector struct {
	safeBuffer
	header http.Header
}

func (c *collector) Header() http.Header { return c.header }
func (*collector) WriteHeader(int)       {}
func (*collector) Flush()                {}

func TestLogStreamLivesAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t).withKeys().withLogs()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, logsPath+"/stream", nil)
		r.Header.Set(keyHeader, goodKey)
		w := &collector{header: http.Header{}}
		done := make(chan struct{})
		go func() { defer close(done); f.ServeHTTP(w, r) }()
		synctest.Wait()
		if got := w.String(); got != ": keepalive\n\n" {
			t.Fatalf("it begins with %q", got)
		}
		time.Sleep(14 * time.Second)
		f.Server.log.Info("something")
		time.Sleep(14 * time.Second)
		synctest.Wait()
		if n := strings.Count(w.String(), "keepalive"); n != 1 || !strings.Contains(w.String(), `"message":"something"`) {
			t.Errorf("while something happens: %q", w.String())
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if n := strings.Count(w.String(), "keepalive"); n != 2 {
			t.Errorf("after 16 seconds of silence: %q", w.String())
		}
		// A key that is revoked opens nothing any more, not even what is open.
		f.revoke()
		time.Sleep(recheck)
		synctest.Wait()
		select {
		case <-done:
		default:
			t.Error("the stream goes on with a key that was revoked")
		}
	})
}

// Who has a run's id finds what happened in it.
func TestLogOfARun(t *testing.T) {
	f := newFixture(t).withKeys().withEndpoints().withLogs()
	result := f.get("/full-update").(map[string]any)
	id, _ := result["run_id"].(string)
	page := f.logPage("?operation_id=" + id)
	said := page.messages()
	for _, want := range []string{"NetBox is read", "the run ended"} {
		if !strings.Contains(said, want) {
			t.Errorf("the log of the run does not say %q: %s", want, said)
		}
	}
	phases := map[string]bool{}
	for _, e := range page.Logs {
		if e.Operation == nil || *e.Operation != "full-update" {
			t.Errorf("an entry of the run: %+v", e)
		}
		if e.Phase != nil {
			phases[*e.Phase] = true
		}
	}
	if !phases["read netbox"] || !phases["read proxmox"] || !phases["plan"] {
		t.Errorf("phases %v", phases)
	}
}
