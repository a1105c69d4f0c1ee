package run_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"proxbox/internal/domain"
	"proxbox/internal/netbox"
	"proxbox/internal/proxmox"
	"proxbox/internal/run"
	"proxbox/internal/settings"
	netboxsim "proxbox/internal/sim/netbox"
	proxmoxsim "proxbox/internal/sim/proxmox"
)

// site is a simulated Proxmox VE and a simulated NetBox, and what was asked of
// them.
type site struct {
	pve *proxmoxsim.Server
	nb  *netboxsim.Server
	run.Launcher

	mu      sync.Mutex
	reads   []string // of NetBox, below /api/
	writes  int
	proxmox []string
}

func newSite(t *testing.T, guests int, ttl time.Duration) *site {
	t.Helper()
	s := &site{pve: proxmoxsim.New(proxmoxsim.Demo(guests)), nb: netboxsim.New(netboxsim.NetBox47)}
	for kind, row := range map[string]map[string]any{
		"endpoints/proxmox": {"name": "demo", "domain": "pve.example.org", "mode": "cluster"},
	} {
		if _, err := s.nb.Seed(kind, row); err != nil {
			t.Fatal(err)
		}
	}
	values, err := settings.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	px := s.pve.Endpoint()
	px.ID, px.Name = 1, "demo (nb:1)"
	s.Launcher = run.Launcher{
		Endpoints: run.Given{
			NetBoxEndpoint:   domain.NetBoxEndpoint{Name: "sim", Domain: "netbox.invalid", Port: 80, TokenVersion: "v1", Token: netboxsim.Token},
			ProxmoxEndpoints: []domain.ProxmoxEndpoint{px},
		},
		Settings: values, Manager: run.NewManager(nil), Memory: run.NewMemory(ttl),
		NetBoxTransport:  s.nb.Transport(),
		ProxmoxTransport: func(domain.ProxmoxEndpoint) http.RoundTripper { return s.pve.Transport() },
		ObserveNetBox: func(x netbox.Exchange) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if x.Method == http.MethodGet {
				s.reads = append(s.reads, x.Path)
			} else {
				s.writes++
			}
		},
		ObserveProxmox: func(x proxmox.Exchange) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.proxmox = append(s.proxmox, x.Path)
		},
	}
	return s
}

// forget begins counting anew.
func (s *site) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads, s.writes, s.proxmox = nil, 0, nil
}

func (s *site) asked(path string) int {
	n := 0
	for _, p := range s.proxmox {
		if strings.HasSuffix(p, path) {
			n++
		}
	}
	return n
}

func (s *site) sync(t *testing.T, ask run.Ask) *run.Result {
	t.Helper()
	r, err := s.Start(ask)
	if err != nil {
		t.Fatal(err)
	}
	_, stop := r.Listen()
	defer stop()
	<-r.Done()
	res, err := r.Result()
	if err != nil {
		t.Fatalf("%s: %v", r.Kind, err)
	}
	if res.Outcome != run.OutcomeCompleted {
		t.Fatalf("%s is %s: %v", r.Kind, res.Outcome, res.Reports)
	}
	return res
}

// allStages runs those that the plugin asks for: not the SDN's, whose mode is
// disabled.
func (s *site) allStages(t *testing.T) {
	t.Helper()
	for _, stage := range run.Stages {
		if stage.Name == "sdn" {
			continue
		}
		s.sync(t, run.Ask{Stage: stage, Query: map[string][]string{"sync_vm_network": {"false"}}})
	}
}

// TestStagesShareWhatWasRead: the twelve streams of one Full Update write what
// a full update writes and read everything once.
func TestStagesShareWhatWasRead(t *testing.T) {
	s := newSite(t, 50, time.Minute)
	s.allStages(t)
	if n := s.asked("/config"); n != 50 {
		t.Errorf("%d configurations were read of 50 guests", n)
	}
	if n := s.asked("/agent/network-get-interfaces"); n > 50 {
		t.Errorf("%d questions to guest agents", n)
	}
	if n := s.asked("/network"); n != 3 {
		t.Errorf("%d node networks were read of 3", n)
	}
	first := len(s.proxmox)
	s.forget()
	s.allStages(t)
	if s.writes != 0 || len(s.reads) > 12 || len(s.proxmox) > first {
		t.Errorf("unchanged and within a minute: %d writes, %d reads of NetBox, %d of Proxmox after %d", s.writes, len(s.reads), len(s.proxmox), first)
	}
	if n := s.asked("/config"); n != 50 {
		t.Errorf("the second time %d configurations were read of 50 guests", n)
	}
	s.Memory.Forget()
	s.forget()
	s.allStages(t)
	if s.writes != 0 || len(s.reads) > 70 {
		t.Errorf("unchanged, after everything was forgotten: %d writes, %d reads of NetBox in twelve stages", s.writes, len(s.reads))
	}

	whole := newSite(t, 50, 0)
	whole.sync(t, run.Ask{})
	for _, kind := range whole.nb.Kinds() {
		if a, b := s.nb.Count(kind), whole.nb.Count(kind); a != b {
			t.Errorf("twelve stages leave %d of %s, one full update %d", a, kind, b)
		}
	}
	s.Memory.Forget()
	if res := s.sync(t, run.Ask{}); res.Created+res.Updated+res.Deleted != 0 {
		t.Errorf("a full update after the twelve stages: %d created, %d updated, %d deleted", res.Created, res.Updated, res.Deleted)
	}
}

// TestSharingStaysTrue: what others change in NetBox between two stages is
// seen by the second one; what Proxmox changes is seen by whoever asks for a
// stage again, and the stages of one sync see one Proxmox; a reading of one
// guest is always new.
func TestSharingStaysTrue(t *testing.T) {
	s := newSite(t, 10, time.Minute)
	s.sync(t, run.Ask{})
	vm := func(name string) map[string]any {
		t.Helper()
		for _, o := range s.nb.Objects("virtualization.virtualmachine") {
			if o["name"] == name {
				return o
			}
		}
		t.Fatalf("there is no virtual machine %s", name)
		return nil
	}
	id := int(vm("web-01")["id"].(float64))
	if err := s.nb.Patch("virtualization.virtualmachine", id, map[string]any{"memory": 1, "comments": "a person's"}); err != nil {
		t.Fatal(err)
	}
	s.forget()
	res := s.sync(t, run.Ask{})
	if res.Updated != 1 || len(s.reads) > 3 {
		t.Errorf("after a person's change: %d updated with %d reads", res.Updated, len(s.reads))
	}
	if got := vm("web-01"); got["memory"] != 2048.0 || got["comments"] != "a person's" {
		t.Errorf("the virtual machine has %v MB and the comment %q", got["memory"], got["comments"])
	}

	stage := func(name string) run.Ask {
		t.Helper()
		stage, err := run.StageNamed(name)
		if err != nil {
			t.Fatal(err)
		}
		return run.Ask{Stage: stage, Query: map[string][]string{"sync_vm_network": {"false"}}}
	}
	s.sync(t, stage("virtual-disks"))
	s.pve.Change(func(e *proxmoxsim.Estate) { e.Guest(100).Set("memory", "4096"); e.Guest(101).Set("memory", "4096") })
	if res := s.sync(t, stage("virtual-machines")); res.Updated != 0 {
		t.Errorf("the next stage of the same sync: %d updated", res.Updated)
	}
	if res := s.sync(t, run.Ask{Guests: []run.GuestID{{VMID: 100}}}); res.Updated != 1 {
		t.Errorf("one guest alone: %d updated", res.Updated)
	}
	if res := s.sync(t, stage("virtual-machines")); res.Updated != 1 {
		t.Errorf("the same stage again: %d updated", res.Updated)
	}
	s.pve.Change(func(e *proxmoxsim.Estate) { e.Guest(100).Set("memory", "1024") })
	if res := s.sync(t, run.Ask{}); res.Updated != 1 {
		t.Errorf("a full update after the stages: %d updated", res.Updated)
	}
	s.pve.Change(func(e *proxmoxsim.Estate) { e.Guest(100).Set("memory", "2048") })
	if res := s.sync(t, run.Ask{}); res.Updated != 1 {
		t.Errorf("a second full update: %d updated", res.Updated)
	}
}

// TestChangedEndpointIsReadAnew: what an endpoint showed is nothing to go by
// once it leads elsewhere or comes with other credentials.
func TestChangedEndpointIsReadAnew(t *testing.T) {
	for name, change := range map[string]func(*domain.ProxmoxEndpoint){
		"nothing": func(*domain.ProxmoxEndpoint) {},
		"address": func(e *domain.ProxmoxEndpoint) { e.Domain = "other.example.org" },
		"user":    func(e *domain.ProxmoxEndpoint) { e.Username = "auditor@pve" },
	} {
		s := newSite(t, 10, time.Minute)
		s.sync(t, run.Ask{Stage: run.Stages[2]})
		given := s.Endpoints.(run.Given)
		changed := given.ProxmoxEndpoints[0]
		change(&changed)
		given.ProxmoxEndpoints = []domain.ProxmoxEndpoint{changed}
		s.Endpoints = given
		s.forget()
		r, err := s.Start(run.Ask{Stage: run.Stages[0]})
		if err != nil {
			t.Fatal(err)
		}
		<-r.Done()
		// The simulator refuses the other user, after it was asked.
		if asked := len(s.proxmox) > 0; asked != (name != "nothing") {
			t.Errorf("its %s was changed, and the endpoint was asked anew: %t", name, asked)
		}
	}
}

// TestUrgentRunBetweenBatches: a sync of one guest goes between two batches of
// a long run, which then plans anew; nothing is made twice.
func TestUrgentRunBetweenBatches(t *testing.T) {
	s := newSite(t, 30, time.Minute)
	urgent := make(chan *run.Run, 1)
	var once sync.Once
	observe := s.ObserveNetBox
	s.ObserveNetBox = func(x netbox.Exchange) {
		observe(x)
		if x.Method != http.MethodPost || !strings.HasSuffix(x.Path, "virtual-machines/") {
			return
		}
		once.Do(func() {
			r, err := s.Start(run.Ask{Guests: []run.GuestID{{VMID: 105}}})
			if err != nil {
				t.Error(err)
			}
			urgent <- r
		})
	}
	long := s.sync(t, run.Ask{})
	r := <-urgent
	<-r.Done()
	if res, err := r.Result(); err != nil || res.Created == 0 {
		t.Errorf("the urgent run: %+v, %v", res, err)
	}
	if len(long.Reports) != 0 {
		t.Errorf("the long run reports %v", long.Reports)
	}
	s.Memory.Forget()
	if res := s.sync(t, run.Ask{}); res.Created+res.Updated+res.Deleted != 0 {
		t.Errorf("afterwards: %d created, %d updated, %d deleted", res.Created, res.Updated, res.Deleted)
	}
	if n := s.nb.Count("virtualization.virtualmachine"); n != 30 {
		t.Errorf("%d virtual machines for 30 guests", n)
	}
}

// TestKeptPictureIsNetBox: after the stages of a sync, in which everything is
// made, what is kept of NetBox by its answers is what a new reading finds.
func TestKeptPictureIsNetBox(t *testing.T) {
	for name, profile := range map[string]netboxsim.Profile{
		"4.5": netboxsim.NetBox45, "4.6": netboxsim.NetBox46, "4.7": netboxsim.NetBox47, "no plugin": netboxsim.NetBox47Bare, "plugin 0.0.15": netboxsim.NetBox47Plugin15,
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, 20, time.Minute)
			s.nb = netboxsim.New(profile)
			s.NetBoxTransport = s.nb.Transport()
			s.allStages(t)
			nb, _, err := s.OpenNetBox(t.Context(), true, "")
			if err != nil {
				t.Fatal(err)
			}
			defer nb.Close()
			anew, err := run.ReadInventory(t.Context(), nb, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			kept := s.Memory.Picture()
			if kept == nil {
				t.Fatal("nothing is kept")
			}
			for _, kind := range anew.Kinds() {
				want, got := anew.Table(kind), kept.Table(kind)
				if want.Len() != got.Len() {
					t.Errorf("%d rows of %s are kept, NetBox has %d", got.Len(), kind, want.Len())
				}
				for row := range want.Rows() {
					is := got.Get(row.ID)
					if is == nil {
						t.Errorf("%s %d is not kept", kind, row.ID)
						continue
					}
					for field, v := range row.Fields {
						if field == "disk" {
							continue // NetBox's sum of the virtual disks, which nobody wants of it
						}
						if !domain.Equal(v, is.Fields[field]) {
							t.Errorf("%s %d: %s is kept as %v, NetBox has %v", kind, row.ID, field, is.Fields[field], v)
						}
					}
				}
				if want.Marked != nil && !maps.Equal(want.Marked, got.Marked) {
					t.Errorf("%s: %d rows are known as marked, in NetBox %d are", kind, len(got.Marked), len(want.Marked))
				}
			}
		})
	}
}

// TestUnusedIsLetGo: what no stage asked for within the time to live does not
// stay in memory until somebody asks again.
func TestUnusedIsLetGo(t *testing.T) {
	s := newSite(t, 3, 10*time.Millisecond)
	s.sync(t, run.Ask{})
	for deadline := time.Now().Add(10 * time.Second); s.Memory.Picture() != nil || len(s.Memory.Held().Snapshots) > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after 10 s it still holds %+v", s.Memory.Held())
		}
	}
}

// TestLateTransactionIsSeen: an entry of the change log that appears behind one
// that was seen already, for its transaction was longer, is not missed.
func TestLateTransactionIsSeen(t *testing.T) {
	s := newSite(t, 3, time.Minute)
	inner, hidden := s.NetBoxTransport, 0.0
	s.NetBoxTransport = roundTrip(func(r *http.Request) (*http.Response, error) {
		resp, err := inner.RoundTrip(r)
		if err != nil || !strings.Contains(r.URL.Path, "object-changes") {
			return resp, err
		}
		defer resp.Body.Close()
		var page map[string]any
		if err := json.NewDecoder(resp.Body).Decode(&page); err != nil {
			return nil, err
		}
		page["results"] = slices.DeleteFunc(page["results"].([]any), func(e any) bool { return e.(map[string]any)["id"] == hidden })
		raw, err := json.Marshal(page)
		resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(raw)), int64(len(raw))
		resp.Header.Del("Content-Length")
		return resp, err
	})
	s.sync(t, run.Ask{})
	const vms = "virtualization.virtualmachine"
	for i, o := range s.nb.Objects(vms)[:2] {
		if err := s.nb.Patch(vms, int(o["id"].(float64)), map[string]any{"memory": 1}); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			for _, e := range s.nb.Objects("core.objectchange") {
				hidden = max(hidden, e["id"].(float64))
			}
		}
	}
	if hidden == 0 {
		t.Fatal("the change log is empty")
	}
	if res := s.sync(t, run.Ask{}); res.Updated != 1 {
		t.Errorf("while one of two changes is not to be seen: %d updated", res.Updated)
	}
	hidden = 0
	if res := s.sync(t, run.Ask{}); res.Updated != 1 {
		t.Errorf("when the other is to be seen: %d updated", res.Updated)
	}
	s.forget()
	if res := s.sync(t, run.Ask{}); res.Updated != 0 || len(s.reads) > 1 {
		t.Errorf("and after that: %d updated with %d reads: %v", res.Updated, len(s.reads), s.reads)
	}
}
