package server

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"proxbox/internal/domain"
	proxmoxsim "proxbox/internal/sim/proxmox"
)

// exchange is one request that release 0.0.29 of the plugin made, and what the
// Python service answered. Long lists and texts are cut; "…" tells where.
type exchange struct {
	Method, Path, Query string
	Headers             map[string]string
	Body                json.RawMessage
	Status              int
	ResponseHeaders     map[string]string `json:"response_headers"`
	Response            any
	Frames              []exchangeFrame
}

type exchangeFrame struct {
	Event string
	Data  map[string]any
}

func (s exchange) String() string { return s.Method + " " + s.Path }

// recording is all that was said in a first setup, a full update, visits of
// every page and the buttons, in order.
func recording(t *testing.T) []exchange {
	t.Helper()
	raw, err := os.ReadFile("testdata/recorded-plugin-0.0.29.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var all []exchange
	lines := bufio.NewScanner(bytes.NewReader(raw))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var s exchange
		decodeInto(t, lines.Bytes(), &s)
		all = append(all, s)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// newRecorded returns a service without keys and endpoints, behind which is an
// estate of the recording's names.
func newRecorded(t *testing.T) *fixture {
	t.Helper()
	f := newFixture(t, "PROXBOX_RATE_LIMIT=0")
	names := strings.NewReplacer("pve1", "pve01", "pve2", "pve02", "pve3", "pve03")
	raw, err := json.Marshal(proxmoxsim.Demo(20))
	if err != nil {
		t.Fatal(err)
	}
	var estate proxmoxsim.Estate
	decodeInto(t, []byte(names.Replace(string(raw))), &estate)
	estate.Cluster = "fakecluster"
	estate.Tokens[0].ID, estate.Tokens[0].Secret = "root@pam!lab", "11111111-2222-3333-4444-555555555555"
	for vmid, node := range map[int]string{103: "pve01", 107: "pve02"} {
		was := estate.Guest(vmid)
		i := slices.IndexFunc(estate.Guests, func(g proxmoxsim.Guest) bool {
			return g.Type == domain.LXC && g.VMID != 103 && g.VMID != 107
		})
		now := &estate.Guests[i]
		was.VMID, now.VMID = now.VMID, was.VMID
		now.Node = node
	}
	f.proxmox = proxmoxsim.New(estate)
	answers := map[string]string{}
	for path, body := range more() {
		answers[names.Replace(path)] = names.Replace(body)
	}
	answers["/nodes/pve02/firewall/rules"] = "[]"
	answers["/cluster/ha/groups"] = `[{"group":"old"}]` // the recorded cluster has both groups and rules
	f.launcher.ProxmoxTransport = func(domain.ProxmoxEndpoint) http.RoundTripper {
		return overlay{answers, f.carry(f.proxmox.Transport())}
	}
	f.seed("netbox_proxbox.proxmoxendpoint", map[string]any{"id": 1, "name": "px1", "domain": "pve.example.org", "port": 8006, "mode": "cluster", "username": "root@pam"})
	return f
}

// What the plugin's release 0.0.29 asked of the Python service is answered
// with the same status, shape and types. Where that service failed, ours does
// not.
func TestReplay(t *testing.T) {
	f := newRecorded(t)
	all := recording(t)
	shapes := frameShapes(all)
	var key string
	for _, s := range all {
		if s.Path == "/auth/register-key" {
			var body struct {
				APIKey string `json:"api_key"`
			}
			decodeInto(t, s.Body, &body)
			key = body.APIKey
		}
		w := f.repeat(s, key)
		failed := s.Status >= http.StatusBadRequest
		if want := s.Status; failed && w.Code != http.StatusOK || !failed && w.Code != want {
			t.Errorf("%v: %d %s; recorded %d", s, w.Code, w.Body, want)
			continue
		}
		for name, want := range s.ResponseHeaders {
			if got := strings.Join(w.Header().Values(name), ", "); !strings.Contains(got, want) {
				t.Errorf("%v: the header %s is %q; recorded %q", s, name, got, want)
			}
		}
		switch {
		case s.Frames != nil:
			for _, difference := range s.differFrames(readEvents(t, w.Body), shapes) {
				t.Errorf("%v: %s", s, difference)
			}
		case failed:
			if body, ok := decode(t, w.Body.Bytes()).(map[string]any); !ok || body["error"] != nil {
				t.Errorf("%v: %s", s, w.Body)
			}
		default:
			for _, difference := range differ("", s.Response, decode(t, w.Body.Bytes()), s.optional()) {
				t.Errorf("%v: %s", s, difference)
			}
		}
	}
}

// repeat sends what was sent, with the key in place of the recorded one.
func (f *fixture) repeat(s exchange, key string) *httptest.ResponseRecorder {
	f.t.Helper()
	var body io.Reader
	if len(s.Body) > 0 && string(s.Body) != "null" {
		body = bytes.NewReader(s.Body)
	}
	r := httptest.NewRequestWithContext(f.t.Context(), s.Method, s.Path, body)
	r.URL.RawQuery = s.Query
	for name, value := range s.Headers {
		if name == keyHeader {
			value = key
		}
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w
}

// contractEvents are the events that the plugin knows.
var contractEvents = []string{
	"step", "complete", "error", "progress", "discovery", "substep", "item_progress", "phase_summary", "error_detail", "bootstrap_done",
	"duplicate_name_resolved", "hardware_discovery", "migrate_dispatched", "migrate_progress", "migrate_succeeded", "migrate_failed",
}

// contractCategories are those of an error_detail.
var contractCategories = []string{"connection", "authentication", "permission", "validation", "not_found", "timeout", "rate_limit", "internal", "unknown"}

// contractOptional are fields that the recorded events of a name have by
// chance: the contract has them as optional.
var contractOptional = map[string]string{"substep": "item"}

// frameShape is what the recorded events of one name have: the fields of all
// of them, and an example of every field that one of them has.
type frameShape struct {
	always  map[string]bool
	example map[string]any
}

func frameShapes(all []exchange) map[string]*frameShape {
	shapes := map[string]*frameShape{}
	for _, s := range all {
		for _, frame := range s.Frames {
			if frame.Event == "" {
				continue // a comment that keeps the connection alive
			}
			shape := shapes[frame.Event]
			if shape == nil {
				shape = &frameShape{always: map[string]bool{}, example: map[string]any{}}
				shapes[frame.Event] = shape
				for name := range frame.Data {
					shape.always[name] = true
				}
			}
			for name := range shape.always {
				if _, there := frame.Data[name]; !there {
					delete(shape.always, name)
				}
			}
			for name, value := range frame.Data {
				if shape.example[name] == nil {
					shape.example[name] = value
				}
			}
		}
	}
	return shapes
}

// differFrames tells where a stream is not what the recorded one was.
func (s exchange) differFrames(got []sent, shapes map[string]*frameShape) []string {
	if len(got) < 2 {
		return []string{fmt.Sprintf("the stream is %v", got)}
	}
	var out []string
	for i, e := range got {
		if !slices.Contains(contractEvents, e.event) {
			out = append(out, "the plugin knows no event "+e.event)
		}
		if (e.event == "complete") != (i == len(got)-1) {
			out = append(out, fmt.Sprintf("event %d of %d is %s", i+1, len(got), e.event))
		}
		if e.event == "error" {
			out = append(out, "it tells of an error: "+e.raw)
		}
		if e.event == "error_detail" && (!slices.Contains(contractCategories, fmt.Sprint(e.data["category"])) || e.data["message"] == nil) {
			out = append(out, "the plugin cannot show "+e.raw)
		}
		shape := shapes[e.event]
		if shape == nil {
			continue
		}
		for name := range shape.always {
			if _, there := e.data[name]; !there && contractOptional[e.event] != name {
				out = append(out, fmt.Sprintf("%s has no %s: %s", e.event, name, e.raw))
			}
		}
		for name, value := range e.data {
			if items, list := value.([]any); name == "result" || list && len(items) == 0 {
				continue
			}
			out = append(out, differ(e.event+"."+name, shape.example[name], value, func(string) bool { return true })...)
		}
	}
	first, last := s.Frames[0], s.Frames[len(s.Frames)-1]
	// A stage has one name with us, for one guest too: "virtual-machines".
	name, recordedName := fmt.Sprint(got[0].data["step"]), fmt.Sprint(first.Data["step"])
	if got[0].event != first.Event || strings.TrimSuffix(name, "s") != strings.TrimSuffix(recordedName, "s") || got[0].data["status"] != first.Data["status"] {
		out = append(out, fmt.Sprintf("it begins with %s %s; recorded %v", got[0].event, got[0].raw, first))
	}
	if recorded, ours := phase(s.Frames, func(f exchangeFrame) map[string]any { return f.Data }), phase(got, func(e sent) map[string]any { return e.data }); recorded != nil && recorded != ours {
		out = append(out, fmt.Sprintf("its phase is %v; recorded %v", ours, recorded))
	}
	done := got[len(got)-1].data
	if done["ok"] != true {
		out = append(out, fmt.Sprintf("it ends with %v", done))
	}
	return append(out, differ("complete.result", last.Data["result"], done["result"], nil)...)
}

// phase is the first phase that a stream names.
func phase[E any](events []E, data func(E) map[string]any) any {
	for _, e := range events {
		if phase := data(e)["phase"]; phase != nil {
			return phase
		}
	}
	return nil
}

// optional tells which fields need not be there: what Proxmox has or has not,
// and what is not said on purpose.
func (s exchange) optional() func(at string) bool {
	return func(at string) bool {
		i := strings.LastIndexByte(at, '.')
		switch in, name := at[:i], at[i+1:]; {
		case strings.HasSuffix(s.Path, "/config"):
			return true // a guest's own options
		case s.Path == "/version":
			return name == "capabilities" // with it the plugin would send commands as JSON
		case s.Path == "/openapi.json":
			return in == ".info" // it tells how that document was made
		case s.Path == "/proxmox/cluster/resources":
			return slices.Contains(passedOn, name)
		case s.Path == "/proxmox/firewall/summary":
			return strings.HasSuffix(in, ".datacenter_options.options")
		}
		return false
	}
}

// differ tells where an answer has not what the recorded one has: the same
// names, and values of the same types. Null is of any type; more is allowed.
func differ(at string, recorded, got any, optional func(at string) bool) []string {
	if recorded == nil || got == nil {
		return nil
	}
	if a, b := fmt.Sprintf("%T", recorded), fmt.Sprintf("%T", got); a != b {
		return []string{fmt.Sprintf("%s is %s; recorded %s", at, b, a)}
	}
	var out []string
	switch want := recorded.(type) {
	case map[string]any:
		have := got.(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(want)) {
			other, there := have[name]
			if !there && (optional == nil || !optional(at+"."+name)) && !strings.HasPrefix(name, "…") {
				out = append(out, at+"."+name+" is missing")
			}
			out = append(out, differ(at+"."+name, want[name], other, optional)...)
		}
	case []any:
		have := got.([]any)
		for i, value := range want {
			if text, cut := value.(string); cut && strings.HasPrefix(text, "…") {
				continue
			}
			if len(have) == 0 {
				return []string{at + " is empty"}
			}
			out = append(out, differ(fmt.Sprintf("%s[%d]", at, i), value, have[min(i, len(have)-1)], optional)...)
		}
	}
	return out
}
