//go:build e2e

package plugin

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	proxmoxsim "proxbox/internal/sim/proxmox"
	"proxbox/test/lab"
	"proxbox/test/lab/tap"
)

// TestCancelledStage: what a person cancels in the program stays cancelled. The
// plugin's job asks for the stage once more, is told so, and ends; one that is
// started anew is done.
func TestCancelledStage(t *testing.T) {
	s := lab.NetBox(t)
	pve := lab.FakePVE(t, proxmoxsim.Demo(5))
	backend := lab.Serve(t)
	s.ConnectPlugin(t, backend.Backend, pve.PluginEndpoint())
	s.StartWorker(t)

	var once sync.Once
	disks := func(r tap.Request) bool { return r.Write() && strings.HasSuffix(r.Path, "/virtual-disks/") }
	s.Tap.Inject(tap.Call(func() { once.Do(func() { cancelAll(t, backend) }) }), disks)
	out, err := s.FullUpdate(t.Context())
	if err == nil {
		t.Errorf("the Full Update of which a stage was cancelled ends well: %s", out)
	}
	said := s.SQL(t, "SELECT string_agg(log_entries::text, chr(10)) FROM core_job")
	for _, want := range []string{"the run was cancelled", "(attempt 1/2)", "so that it is not tried again by itself"} {
		if !strings.Contains(said, want) {
			t.Errorf("the job's log does not say %q", want)
		}
	}
	if strings.Contains(said, "(attempt 2/2)") {
		t.Error("the plugin asks for the stage a third time")
	}
	written := 0
	for _, r := range s.Tap.Writes() {
		if disks(r) {
			written++
		}
	}
	if written != 1 {
		t.Errorf("%d batches of disks were written, and the first was to be the last", written)
	}
	if t.Failed() {
		t.Log(said)
	}
	s.DropJobs(t)
	if out, err = s.FullUpdate(t.Context()); err != nil {
		t.Errorf("a Full Update that is started anew: %v\n%s", err, out)
	}
}

// cancelAll cancels what the program does.
func cancelAll(t *testing.T, backend *lab.Service) {
	ask := func(method, path string, into any) {
		r, err := http.NewRequestWithContext(t.Context(), method, backend.URL+path, nil)
		if err != nil {
			t.Error(err)
			return
		}
		r.Header.Set("X-Proxbox-API-Key", backend.Key)
		w, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Error(err)
			return
		}
		defer w.Body.Close()
		if err := json.NewDecoder(w.Body).Decode(into); err != nil || w.StatusCode >= http.StatusBadRequest {
			t.Errorf("%s %s: %d, %v", method, path, w.StatusCode, err)
		}
	}
	var active struct{ Runs []struct{ ID string } }
	ask(http.MethodGet, "/sync/active", &active)
	if len(active.Runs) != 1 {
		t.Errorf("%d runs are going on", len(active.Runs))
	}
	for _, r := range active.Runs {
		var answer struct{ Detail string }
		ask(http.MethodPost, "/sync/active/"+r.ID+"/cancel", &answer)
	}
}
