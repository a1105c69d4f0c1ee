package server

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"proxbox/internal/run"
	netboxsim "proxbox/internal/sim/netbox"
	proxmoxsim "proxbox/internal/sim/proxmox"
)

// record writes events as they are sent. What two readers did beside each
// other is sorted, for which was first is chance.
func record(events []sent) []byte {
	var reads, all []string
	for _, e := range events {
		line := "event: " + e.event + "\ndata: " + e.raw + "\n\n"
		if sub, _ := e.data["substep"].(string); strings.HasPrefix(sub, "read_") {
			reads = append(reads, line)
			continue
		}
		all = append(all, line)
	}
	slices.Sort(reads)
	at := slices.IndexFunc(all, func(line string) bool {
		return strings.Contains(line, `"substep":"`) && !strings.Contains(line, `"substep":"reach_netbox"`)
	})
	return []byte(strings.Join(slices.Insert(all, max(at, 0), reads...), ""))
}

// The counts that clients of a full update look for.
var countKeys = []string{"devices_count", "storage_count", "virtual_machines_count", "virtual_disks_count", "task_history_count", "backups_count",
	"snapshots_count", "node_interfaces_count", "vm_interfaces_count", "vm_ip_addresses_count", "replications_count", "backup_routines_count"}

func TestFullUpdateStream(t *testing.T) {
	f := newFixture(t).withKeys().withEndpoints().withPluginEndpoint()
	f.proxmox = proxmoxsim.New(proxmoxsim.Demo(1))
	events := f.stream("/full-update/stream?unknown=1&run_id=x")
	golden(t, "wire/full-update-first.sse", record(events))
	done := complete(t, events)
	if done["ok"] != true {
		t.Fatalf("complete: %v", done)
	}
	result := done["result"].(map[string]any)
	for _, key := range countKeys {
		n, ok := result[key].(float64)
		if !ok || n != float64(int(n)) {
			t.Errorf("result.%s is %v", key, result[key])
		}
	}
	if result["virtual_machines_count"] != 1.0 || result["devices_count"] != 3.0 || result["status"] != "completed" || result["created"] == 0.0 {
		t.Errorf("result %v", result)
	}
	if events[0].event != "bootstrap_done" || events[1].data["step"] != "stream" || events[2].event != "discovery" {
		t.Errorf("the stream begins with %v", events[:3])
	}
	written := f.netbox.Count("core.objectchange")

	events = f.stream("/full-update/stream")
	golden(t, "wire/full-update-second.sse", record(events))
	result = complete(t, events)["result"].(map[string]any)
	if result["created"] != 0.0 || result["updated"] != 0.0 || result["deleted"] != 0.0 || result["virtual_machines_count"] != 1.0 {
		t.Errorf("the second run: %v", result)
	}
	if now := f.netbox.Count("core.objectchange"); now != written {
		t.Errorf("the second run changed NetBox: %d changes, then %d", written, now)
	}
}

// While NetBox does not answer, the stream says so at each try.
func TestNetBoxIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, "PROXBOX_NETBOX_MAX_RETRIES=5").withKeys().withEndpoints()
		var refused atomic.Int64
		f.setFault(func(r *http.Request) error {
			if r.Host == "netbox.example.org:8080" && refused.Add(1) <= 2 {
				return errRefused
			}
			return nil
		})
		events := f.stream("/dcim/devices/create/stream")
		var said []string
		for _, e := range events {
			if e.data["substep"] == "reach_netbox" {
				said = append(said, fmt.Sprintf("%s %v: %v", e.event, e.data["status"], e.data["message"]))
			}
		}
		if len(said) != 4 {
			t.Fatalf("%d times: %q", len(said), said)
		}
		for i, want := range []string{
			"substep started: Asking NetBox http://netbox.example.org:8080 what it can do", "(1 of 5)", "(2 of 5)", "substep completed: NetBox is 4.7",
		} {
			if !strings.Contains(said[i], want) {
				t.Errorf("%q, want %q", said[i], want)
			}
			if again := strings.Contains(want, " of 5"); again && (!strings.HasPrefix(said[i], "substep processing: NetBox http://netbox.example.org:8080 cannot be reached") ||
				!strings.Contains(said[i], "Trying again in ")) {
				t.Errorf("while it is waited: %q", said[i])
			}
		}
		if done := complete(t, events); done["ok"] != true {
			t.Errorf("it ends with %v", done)
		}
	})
}

// Who asks for one guest hears within 15 seconds that NetBox, which knows what
// it is in Proxmox, does not answer.
func TestNetBoxThatKnowsTheGuestIsNotWaitedForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, "PROXBOX_NETBOX_MAX_RETRIES=5").withKeys().withEndpoints()
		f.setFault(func(r *http.Request) error {
			if r.Host == "netbox.example.org:8080" {
				return errRefused
			}
			return nil
		})
		asked := time.Now()
		w := f.call(http.MethodGet, "/virtualization/virtual-machines/create/stream?netbox_vm_ids=1", goodKey, "")
		if w.Code != http.StatusBadGateway && w.Code != http.StatusGatewayTimeout || !strings.Contains(w.Body.String(), "netbox.example.org:8080") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if took := time.Since(asked); took > 15*time.Second {
			t.Errorf("it says nothing for %s", took)
		}
	})
}

func TestFullUpdateAsJSON(t *testing.T) {
	f := newFixture(t).withKeys().withEndpoints()
	dry := f.get("/full-update?dry_run=true").(map[string]any)
	if dry["dry_run"] != true || f.netbox.Count("virtualization.virtualmachine") != 0 {
		t.Errorf("a dry run: %v, and %d virtual machines", dry, f.netbox.Count("virtualization.virtualmachine"))
	}
	w := f.call(http.MethodGet, "/full-update", goodKey, "")
	checkEveryAnswer(t, "GET /full-update", w)
	checkDocumented(t, f.Server, http.MethodGet, "/full-update", w)
	got := decode(t, w.Body.Bytes()).(map[string]any)
	if got["status"] != "completed" || got["virtual_machines_count"] != 3.0 {
		t.Errorf("%d %v", w.Code, got)
	}
	for _, vm := range got["virtual_machines"].([]any) {
		if id, ok := vm.(map[string]any)["id"].(float64); !ok || id < 1 {
			t.Errorf("a virtual machine without its id in NetBox: %v", vm)
		}
	}
	for _, key := range []string{"devices", "storage", "backups", "node_interfaces", "vm_interfaces", "vm_ip_addresses"} {
		if _, ok := got[key].([]any); !ok {
			t.Errorf("%s is %v", key, got[key])
		}
	}
	again := f.get("/full-update").(map[string]any)
	for _, vm := range again["virtual_machines"].([]any) {
		if id, ok := vm.(map[string]any)["id"].(float64); !ok || id < 1 {
			t.Errorf("a virtual machine that was there, without its id: %v", vm)
		}
	}
	runs, total, err := f.store.Runs().List(t.Context(), 10, 0)
	if err != nil || total != 3 || runs[0].State != "completed" {
		t.Errorf("records of runs: %v, %v", runs, err)
	}
}

// Every stage by each of its paths, in the plugin's order and with all that
// the plugin sends: none fails, and what the stages made is a full update.
func TestStages(t *testing.T) {
	f := newFixture(t, "PROXBOX_RATE_LIMIT=0").withKeys().withEndpoints()
	query := "?use_guest_agent_interface_name=true&vm_interface_sync_strategy=guest_os_model&fetch_max_concurrency=8&ignore_ipv6_link_local_addresses=true" +
		"&primary_ip_preference=ipv4&parse_description_metadata=false&overwrite_vm_role=true&overwrite_vm_platform=false&sync_mode_vm=always&sync_mode_sdn=disabled" +
		"&proxmox_endpoint_ids=1&sync_task_history=false&run_id=e9f223a3-5f33-4d73-bc44-eb33d55177d3&delete_nonexistent_backup=true&netbox_endpoint_ids=1"
	for _, r := range stageRoutes {
		if r.stream == "" || strings.Contains(r.stream, "{") {
			continue
		}
		path := r.stream + query
		if r.stage == "virtual-machines" {
			path += "&sync_vm_network=false"
		}
		events := f.stream(path)
		done := complete(t, events)
		if done["ok"] != true {
			t.Errorf("%s: %v", r.stream, done)
		}
		if result, ok := done["result"].(map[string]any); !ok || result["count"] == nil {
			t.Errorf("%s: result %v", r.stream, done["result"])
		}
		if events[0].event != "step" || events[0].data["step"] != r.stage || events[0].data["status"] != "started" {
			t.Errorf("%s begins with %v", r.stream, events[0])
		}
		if last := events[len(events)-2]; last.event != "step" || last.data["status"] != "completed" || last.data["step"] != r.stage {
			t.Errorf("%s ends with %v", r.stream, last)
		}
	}
	result := complete(t, f.stream("/full-update/stream"+query))["result"].(map[string]any)
	if result["created"] != 0.0 || result["updated"] != 0.0 || result["deleted"] != 0.0 || result["virtual_machines_count"] != 3.0 {
		t.Errorf("a full update after all stages: %v", result)
	}
	for _, r := range stageRoutes {
		if r.plain == "" || strings.Contains(r.plain, "{") {
			continue
		}
		w := f.call(http.MethodGet, r.plain+query, goodKey, "")
		checkDocumented(t, f.Server, http.MethodGet, r.plain, w)
		if w.Code != http.StatusOK {
			t.Errorf("GET %s: %d %s", r.plain, w.Code, w.Body)
		}
	}
	var vm int
	for _, id := range f.names() {
		vm = id
	}
	for _, path := range []string{"create/stream", "virtual-disks/create/stream", "backups/create/stream", "snapshots/create/stream"} {
		if done := complete(t, f.stream(fmt.Sprintf("/virtualization/virtual-machines/%d/%s%s", vm, path, query))); done["ok"] != true {
			t.Errorf("%s: %v", path, done)
		}
	}
}

// One guest alone is synced, wherever NetBox keeps what it is in Proxmox.
func TestOneGuest(t *testing.T) {
	for name, profile := range map[string]netboxsim.Profile{"sync-state rows": netboxsim.NetBox47, "custom fields": netboxsim.NetBox47Plugin15, "no plugin": netboxsim.NetBox47Bare} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t).withKeys().withEndpoints()
			f.netbox = netboxsim.New(profile)
			f.launcher.NetBoxTransport = f.carry(f.netbox.Client().Transport)
			f.get("/full-update")
			before := f.names()
			var old string
			f.proxmox.Change(func(e *proxmoxsim.Estate) {
				old = e.Guests[0].Name()
				e.Guests[0].Rename("renamed-0")
				e.Guests[1].Rename("renamed-1")
			})
			path := fmt.Sprintf("/virtualization/virtual-machines/%d/create/stream?proxmox_endpoint_ids=1", before[old])
			result := complete(t, f.stream(path))["result"].(map[string]any)
			if result["count"] != 1.0 || result["updated"] == 0.0 {
				t.Errorf("the guest's own stream: %v", result)
			}
			after := f.names()
			if after["renamed-0"] != before[old] || after["renamed-1"] != 0 || len(after) != len(before) {
				t.Errorf("virtual machines before %v, after %v", before, after)
			}
			again := complete(t, f.stream(fmt.Sprintf("/virtualization/virtual-machines/create/stream?netbox_vm_ids=%d", before[old])))["result"].(map[string]any)
			if again["count"] != 1.0 || again["updated"] != 0.0 || again["created"] != 0.0 {
				t.Errorf("the same again: %v", again)
			}
			ids, err := f.netbox.Seed("virtualization.virtualmachine", map[string]any{"name": "somebody's", "cluster": 1})
			if err != nil {
				t.Fatal(err)
			}
			for path, status := range map[string]int{"/virtualization/virtual-machines/%d/create/stream": 422, "/virtualization/virtual-machines/create/stream?netbox_vm_ids=%d": 422} {
				w := f.call(http.MethodGet, fmt.Sprintf(path, ids[0]), goodKey, "")
				checkEveryAnswer(t, path, w)
				if w.Code != status || !strings.Contains(w.Body.String(), "proxmox_vm_id") {
					t.Errorf("%s for a virtual machine that is no guest: %d %s", path, w.Code, w.Body)
				}
			}
		})
	}
}

// names are the virtual machines in NetBox with their ids.
func (f *fixture) names() map[string]int {
	out := map[string]int{}
	for _, row := range f.netbox.Objects("virtualization.virtualmachine") {
		var vm struct {
			ID   int    `json:"id"`
			Name string `json:"name"`
		}
		raw, err := json.Marshal(row)
		if err == nil {
			err = json.Unmarshal(raw, &vm)
		}
		if err != nil {
			f.t.Fatal(err)
		}
		out[vm.Name] = vm.ID
	}
	return out
}

// What cannot be read at all fails the stage, with what, where and the way
// out; nothing else does.
func TestUpstreamFailures(t *testing.T) {
	toNetBox := func(r *http.Request) bool { return strings.HasPrefix(r.URL.Host, "netbox.") }
	for _, tt := range []struct {
		name   string
		fault  func(*http.Request) error
		status int
		words  []string
	}{
		{"NetBox is down", func(r *http.Request) error {
			if toNetBox(r) {
				return errRefused
			}
			return nil
		}, http.StatusBadGateway, []string{"NetBox http://netbox.example.org:8080", "check host and port"}},
		{"NetBox hangs", func(r *http.Request) error {
			if toNetBox(r) {
				<-r.Context().Done()
				return r.Context().Err()
			}
			return nil
		}, http.StatusGatewayTimeout, []string{"NetBox http://netbox.example.org:8080", "PROXBOX_NETBOX_TIMEOUT"}},
		{"Proxmox is down", func(r *http.Request) error {
			if !toNetBox(r) {
				return errRefused
			}
			return nil
		}, http.StatusBadGateway, []string{"https://pve.example.org:8006"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, "PROXBOX_NETBOX_TIMEOUT=1").withKeys().withEndpoints()
			f.setFault(tt.fault)
			w := f.call(http.MethodGet, "/full-update", goodKey, "")
			checkEveryAnswer(t, "GET /full-update", w)
			events := f.stream("/virtualization/virtual-machines/create/stream")
			done := complete(t, events)
			said := fmt.Sprint(done["errors"])
			for _, word := range tt.words {
				if !strings.Contains(w.Body.String(), word) || !strings.Contains(said, word) {
					t.Errorf("JSON %s\nevents %s\nwant %q in both", w.Body, said, word)
				}
			}
			if w.Code != tt.status || done["ok"] != false {
				t.Errorf("JSON %d (want %d), events %v", w.Code, tt.status, done)
			}
			var names []string
			for _, e := range events[len(events)-3:] {
				names = append(names, e.event)
			}
			if !slices.Equal(names, []string{"error_detail", "error", "complete"}) {
				t.Errorf("the stream ends with %v", names)
			}
		})
	}
}

// A run in which objects failed is a success that lists them.
func TestPartialRun(t *testing.T) {
	f := newFixture(t).withKeys().withEndpoints()
	f.netbox.SetFault(func(r *http.Request) *netboxsim.Fault {
		if r.Method == http.MethodPost && strings.Contains(r.URL.Path, "virtual-disks") {
			return &netboxsim.Fault{Status: http.StatusForbidden, Body: `{"detail":"You do not have permission to perform this action."}`}
		}
		return nil
	})
	events := f.stream("/full-update/stream")
	done := complete(t, events)
	result := done["result"].(map[string]any)
	failures, _ := done["errors"].([]any)
	if done["ok"] != true || len(failures) == 0 || result["status"] != "partial" || result["failed"] == 0.0 || result["virtual_disks_count"] != 0.0 {
		t.Errorf("complete: %v", done)
	}
	for _, item := range failures {
		if detail, _ := item.(map[string]any)["detail"].(string); detail == "" {
			t.Errorf("an error without detail: %v", item)
		}
	}
	found := false
	for _, e := range events {
		if e.event == "phase_summary" && e.data["phase"] == "virtual-disks" {
			found = true
			if e.data["status"] != "completed_with_errors" || e.data["result"].(map[string]any)["failed"] == 0.0 {
				t.Errorf("summary %v", e.data)
			}
		}
	}
	if !found {
		t.Error("no summary of the disks")
	}
}

// occupy holds NetBox until the test lets it go.
func (f *fixture) occupy() (r *run.Run, letGo func()) {
	f.t.Helper()
	gate, begun := make(chan struct{}), make(chan struct{})
	r = f.launcher.Manager.Start(run.Job{Key: "occupy", Kind: "occupation", Do: func(ctx context.Context, r *run.Run) (*run.Result, error) {
		close(begun)
		select {
		case <-gate:
			return &run.Result{ID: r.ID, Outcome: run.OutcomeCompleted}, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}})
	<-begun
	return r, func() { close(gate); <-r.Done() }
}

func TestJSONSyncThatWaitsTooLong(t *testing.T) {
	f := newFixture(t).withKeys().withEndpoints()
	other, letGo := f.occupy()
	f.patience = time.Millisecond
	w := f.call(http.MethodGet, "/full-update", goodKey, "")
	checkEveryAnswer(t, "GET /full-update", w)
	body := decode(t, w.Body.Bytes()).(map[string]any)
	if w.Code != http.StatusConflict || body["run"] != other.ID || body["code"] != "sync_running" || !strings.Contains(w.Body.String(), "occupation") ||
		w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	active := f.get("/sync/active").(map[string]any)
	if runs := active["runs"].([]any); active["active"] != true || active["id"] != other.ID || active["kind"] != "occupation" || len(runs) != 2 {
		t.Errorf("active: %v", active)
	}
	letGo()
	f.patience = time.Minute
	if got := f.get("/full-update").(map[string]any); got["status"] != "completed" {
		t.Errorf("asked again: %v", got)
	}
}

// Over a real connection: a stream that waits says for what and that it lives,
// control routes answer meanwhile, and cancelling ends it.
func TestStreamThatWaits(t *testing.T) {
	f := newFixture(t).withKeys().withEndpoints()
	other, letGo := f.occupy()
	defer letGo()
	f.keepalive = 5 * time.Millisecond
	web := httptest.NewServer(f)
	defer web.Close()
	body := f.open(t, web, "/full-update/stream")
	defer body.Close()
	lines := bufio.NewScanner(body)
	seen := map[string]bool{}
	for lines.Scan() && !(seen["keepalive"] && seen["wait"]) {
		seen["keepalive"] = seen["keepalive"] || lines.Text() == ": keepalive"
		seen["wait"] = seen["wait"] || strings.Contains(lines.Text(), "Waiting for the occupation run "+other.ID)
	}
	var waiting string
	for _, r := range f.get("/sync/active").(map[string]any)["runs"].([]any) {
		if r := r.(map[string]any); r["kind"] == "full-update" {
			waiting, _ = r["id"].(string)
		}
	}
	if w := f.call(http.MethodPost, "/sync/active/"+waiting+"/cancel", goodKey, ""); w.Code != http.StatusAccepted {
		t.Fatalf("cancel: %d %s", w.Code, w.Body)
	}
	rest := ""
	for lines.Scan() {
		rest += lines.Text() + "\n"
	}
	if !strings.Contains(rest, `"ok":false`) || !strings.Contains(rest, "the run was cancelled") {
		t.Errorf("after the cancel: %s", rest)
	}
}

func (f *fixture) open(t *testing.T, web *httptest.Server, path string) interface {
	Read([]byte) (int, error)
	Close() error
} {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, web.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set(keyHeader, goodKey)
	resp, err := web.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK || resp.Header.Get("X-Accel-Buffering") != "no" || resp.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
	return resp.Body
}

// A client that goes away leaves the run; the next one joins it.
func TestClientThatGoesAway(t *testing.T) {
	f := newFixture(t).withKeys().withEndpoints()
	_, letGo := f.occupy()
	web := httptest.NewServer(f)
	defer web.Close()
	body := f.open(t, web, "/full-update/stream")
	if _, err := bufio.NewReader(body).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	_ = body.Close()
	runs := f.launcher.Manager.Active()
	if len(runs) != 2 {
		t.Fatalf("%d runs", len(runs))
	}
	letGo()
	events := f.stream("/full-update/stream")
	if done := complete(t, events); done["ok"] != true {
		t.Errorf("complete: %v", done)
	}
	<-runs[1].Done()
	if _, err := runs[1].Result(); err != nil {
		t.Errorf("the run that was left: %v", err)
	}
}

func TestCloseEndsStreams(t *testing.T) {
	f := newFixture(t).withKeys().withEndpoints()
	_, letGo := f.occupy()
	defer letGo()
	web := httptest.NewServer(f)
	defer web.Close()
	body := f.open(t, web, "/full-update/stream")
	defer body.Close()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	done := complete(t, readEvents(t, body))
	if done["ok"] != false || !strings.Contains(fmt.Sprint(done["errors"]), errClosing.Error()) {
		t.Errorf("complete: %v", done)
	}
	w := f.call(http.MethodGet, "/full-update/stream", goodKey, "")
	checkEveryAnswer(t, "GET /full-update/stream", w)
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("after Close: %d %s", w.Code, w.Body)
	}
	if w := f.call(http.MethodGet, "/full-update", goodKey, ""); w.Code != http.StatusServiceUnavailable {
		t.Errorf("after Close: %d %s", w.Code, w.Body)
	}
	if !errors.Is(f.closing.Err(), context.Canceled) {
		t.Error("not closed")
	}
}
