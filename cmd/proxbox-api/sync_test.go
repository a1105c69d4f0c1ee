package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	netboxsim "proxbox/internal/sim/netbox"
)

func TestPlanThenSyncThenNothing(t *testing.T) {
	f := newFixture(t)
	f.addEndpoints()

	r := f.mustRun("plan")
	if n := f.netbox.Stats().Writes; n != 0 {
		t.Errorf("plan wrote %d times", n)
	}
	for _, want := range []string{
		"+ virtualization.virtualmachine qemu 100", "    vcpus: 2.00", "TO CREATE", "Full update planned: ", "Nothing was written.",
	} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("plan does not print %q:\n%s", want, r.stdout)
		}
	}

	r = f.mustRun("sync")
	if got := len(f.netbox.Objects("virtualization.virtualmachine")); got != 12 {
		t.Errorf("NetBox has %d virtual machines after the sync, want 12", got)
	}
	if !strings.Contains(r.stdout, "Full update completed.\n") || !regexp.MustCompile(`(?m)^virtual machine +12 +0 +0 +0$`).MatchString(r.stdout) {
		t.Errorf("sync printed:\n%s", r.stdout)
	}
	if !strings.Contains(r.stderr, "Writing ") || !strings.Contains(r.stderr, "of ") || strings.Contains(r.stderr, "\r") {
		t.Errorf("sync showed its progress in a pipe as:\n%s", r.stderr)
	}

	f.netbox.ResetStats()
	r = f.mustRun("sync")
	if n := f.netbox.Stats().Writes; n != 0 {
		t.Errorf("the second sync wrote %d times:\n%s", n, r.stdout)
	}
	if !strings.Contains(r.stdout, "nothing was written") || !regexp.MustCompile(`Requests: \d+ reads and 0 writes to NetBox, [1-9]\d* to Proxmox`).MatchString(r.stdout) {
		t.Errorf("the second sync printed:\n%s", r.stdout)
	}
}

func TestPlanShowsOldAndNew(t *testing.T) {
	f := newFixture(t)
	f.addEndpoints()
	f.mustRun("sync")
	vm := f.netbox.Objects("virtualization.virtualmachine")[0]
	if err := f.netbox.Patch("virtualization.virtualmachine", int(vm["id"].(float64)), map[string]any{"memory": 7}); err != nil {
		t.Fatal(err)
	}
	r := f.mustRun("plan")
	if !regexp.MustCompile(`(?m)^~ virtualization\.virtualmachine .*\n    memory: 7 → \d+$`).MatchString(r.stdout) {
		t.Errorf("plan printed:\n%s", r.stdout)
	}

	r = f.mustRun("plan", "--json")
	var got struct {
		Changes []struct {
			Op, Kind, Name, Why string
			Fields              []struct {
				Name     string
				Old, New any
			}
		}
		Unchanged int
		Reports   []any
		Problems  []map[string]string
	}
	if err := json.Unmarshal([]byte(r.stdout), &got); err != nil {
		t.Fatalf("plan --json printed no JSON: %v\n%s", err, r.stdout)
	}
	if len(got.Changes) != 1 || got.Changes[0].Op != "update" || got.Changes[0].Fields[0].Old != 7.0 || got.Unchanged == 0 || got.Reports == nil {
		t.Errorf("plan --json printed:\n%s", r.stdout)
	}
	if len(got.Problems) == 0 || got.Problems[0]["what"] == "" || got.Problems[0]["reason"] == "" || got.Problems[0]["way_out"] == "" {
		t.Errorf("plan --json printed as problems: %v", got.Problems)
	}
}

// The unchanged of the table are counted by kind, those of the plan in all.
func TestUnchangedByKindAddsUp(t *testing.T) {
	f := newFixture(t)
	f.addEndpoints()
	f.mustRun("sync")
	r := f.mustRun("plan", "--json")
	var got struct{ Unchanged int }
	if err := json.Unmarshal([]byte(r.stdout), &got); err != nil {
		t.Fatal(err)
	}
	r = f.mustRun("plan")
	all := regexp.MustCompile(`(?m)^all +0 +0 +0 +(\d+)$`).FindStringSubmatch(r.stdout)
	if all == nil || all[1] != jsonText(got.Unchanged) {
		t.Errorf("the plan has %d unchanged objects, the table says:\n%s", got.Unchanged, r.stdout)
	}
}

func jsonText(v any) string {
	raw, _ := json.Marshal(v)
	return string(raw)
}

func TestSyncFromFlagsOpensNoDatabase(t *testing.T) {
	f := newFixture(t)
	f.mustRun(append([]string{"sync"}, targets()...)...)
	if _, err := os.Stat(f.dir); !os.IsNotExist(err) {
		t.Errorf("the data directory was made: %v", err)
	}
	f.netbox.ResetStats()
	f.mustRun(append([]string{"sync"}, targets()...)...)
	if n := f.netbox.Stats().Writes; n != 0 {
		t.Errorf("the second sync wrote %d times", n)
	}
	f.refused("--endpoint chooses among the stored endpoints", append([]string{"sync", "--endpoint", "1"}, targets()...)...)
}

func TestSyncFromEnvironmentAndStore(t *testing.T) {
	f := newFixture(t)
	f.addEndpoints()
	f.environ = append(f.environ, "PROXBOX_PROXMOX_URL=https://pve9.example.org", "PROXBOX_PROXMOX_TOKEN_ID=root@pam!proxbox")
	r := f.mustRun("sync", "--stage", "devices")
	if !strings.Contains(r.stderr, "Proxmox endpoint pve9.example.org: 3 nodes") {
		t.Errorf("sync read:\n%s", r.stderr)
	}
	if !strings.Contains(r.stdout, "Clusters and nodes completed.") || len(f.netbox.Objects("virtualization.virtualmachine")) != 0 {
		t.Errorf("the stage devices wrote:\n%s", r.stdout)
	}
}

func TestSyncOfOneGuest(t *testing.T) {
	f := newFixture(t)
	f.addEndpoints()
	f.mustRun("sync", "--guest", "100", "--endpoint", "demo")
	if got := len(f.netbox.Objects("virtualization.virtualmachine")); got != 1 {
		t.Errorf("%d virtual machines were made, want 1", got)
	}
}

func TestSyncWithAFlagOfTheRun(t *testing.T) {
	f := newFixture(t)
	f.addEndpoints()
	f.mustRun("sync")
	f.refused("no flag of that name", "sync", "--set", "overwrite_nothing=true")
	f.refused("must be", "sync", "--set", "overwrite_vm_tags=perhaps")
	f.mustRun("sync", "--set", "overwrite_vm_tags=false")
}

func TestPartialSync(t *testing.T) {
	f := newFixture(t)
	f.addEndpoints()
	f.netbox.SetFault(func(r *http.Request) *netboxsim.Fault {
		if r.Method != http.MethodGet && strings.HasSuffix(r.URL.Path, "/virtualization/virtual-disks/") {
			return &netboxsim.Fault{Status: http.StatusForbidden, Body: `{"detail":"You do not have permission to perform this action."}`}
		}
		return nil
	})
	r := f.run("sync")
	if r.code != exitPartial {
		t.Fatalf("exit code %d, want 2:\n%s%s", r.code, r.stdout, r.stderr)
	}
	for _, want := range []string{"Failed (", "virtual disk ", "You do not have permission", "→ ", "Full update partly done"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("a partial sync does not print %q:\n%s", want, r.stdout)
		}
	}
	if got := len(f.netbox.Objects("virtualization.virtualmachine")); got != 12 {
		t.Errorf("%d virtual machines were made beside the disks that were refused, want 12", got)
	}
}

func TestConflictIsListedAndCompleted(t *testing.T) {
	first := newFixture(t)
	first.addEndpoints()
	first.mustRun("sync")
	address := first.netbox.Objects("ipam.ipaddress")[0]["address"].(string)

	// The same estate, and a NetBox in which the address is somebody else's.
	f := newFixture(t)
	f.addEndpoints()
	seed := func(kind string, fields map[string]any) int {
		t.Helper()
		ids, err := f.netbox.Seed(kind, fields)
		if err != nil {
			t.Fatal(err)
		}
		return ids[0]
	}
	kind := seed("virtualization.clustertype", map[string]any{"name": "other", "slug": "other"})
	cluster := seed("virtualization.cluster", map[string]any{"name": "other", "type": kind})
	vm := seed("virtualization.virtualmachine", map[string]any{"name": "theirs", "cluster": cluster})
	nic := seed("virtualization.vminterface", map[string]any{"name": "eth0", "virtual_machine": vm})
	seed("ipam.ipaddress", map[string]any{
		"address": address, "assigned_object_type": "virtualization.vminterface", "assigned_object_id": nic,
	})
	r := f.run("sync")
	if r.code != exitDone || !strings.Contains(r.stdout, "Conflicts, for a person to solve (") || !strings.Contains(r.stdout, address) {
		t.Errorf("a sync with a conflict ended with %d:\n%s%s", r.code, r.stdout, r.stderr)
	}
}

func TestFailedSync(t *testing.T) {
	f := newFixture(t)
	f.refused("there is no enabled NetBox endpoint", "sync")
	f.addEndpoints()
	f.netbox.SetFault(func(*http.Request) *netboxsim.Fault { return &netboxsim.Fault{Cut: true} })
	r := f.run("sync")
	if last := lastLine(r.stderr); r.code != exitFailed || !strings.Contains(last, "proxbox-api: read NetBox: ") {
		t.Errorf("a sync without NetBox ended with %d:\n%s", r.code, r.stderr)
	}
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

func TestInterruptedSyncGoesOnInTheNext(t *testing.T) {
	f := newFixture(t)
	f.addEndpoints()
	ctx, interrupt := context.WithCancel(context.Background())
	defer interrupt()
	var written atomic.Int32
	f.netbox.SetFault(func(r *http.Request) *netboxsim.Fault {
		if r.Method == http.MethodPost && written.Add(1) == 5 {
			interrupt()
		}
		return nil
	})
	r := f.runContext(ctx, "sync")
	if r.code != exitFailed || !strings.Contains(r.stderr, "Stopping at the next batch boundary") ||
		!regexp.MustCompile(`the run was stopped after \d+ writes?; the next run goes on from there`).MatchString(lastLine(r.stderr)) {
		t.Errorf("an interrupted sync ended with %d:\n%s", r.code, r.stderr)
	}
	f.mustRun("sync")
	f.netbox.ResetStats()
	f.mustRun("sync")
	if n := f.netbox.Stats().Writes; n != 0 {
		t.Errorf("the sync after the next wrote %d times", n)
	}
	names := map[string]bool{}
	for _, o := range f.netbox.Objects("virtualization.virtualmachine") {
		name := o["name"].(string)
		if names[name] {
			t.Errorf("there are two virtual machines %s", name)
		}
		names[name] = true
	}
}

// A sync waits for a run of the service beside it, and does not spoil it.
func TestSyncBesideTheService(t *testing.T) {
	f := newFixture(t)
	f.environ = append(f.environ, "PROXBOX_API_KEY="+presetKey)
	f.addEndpoints()
	s := f.serve("serve")
	var once sync.Once
	began, release := make(chan struct{}), make(chan struct{})
	f.netbox.SetFault(func(r *http.Request) *netboxsim.Fault {
		if r.Method == http.MethodPost {
			once.Do(func() {
				close(began)
				<-release
			})
		}
		return nil
	})
	ended := make(chan error, 1)
	go func() {
		_, err := (&apiClient{base: s.base, key: presetKey}).fullUpdate(context.Background(), func(apiFrame) {})
		ended <- err
	}()
	<-began
	p, out, errs := f.program()
	code := make(chan int, 1)
	go func() { code <- p.run(context.Background(), []string{"sync"}) }()
	for !strings.Contains(errs.String(), "Waiting for another proxbox-api that writes to NetBox") {
		select {
		case c := <-code:
			t.Fatalf("the sync did not wait, and ended with %d:\n%s%s", c, out, errs)
		case <-time.After(10 * time.Millisecond):
		}
	}
	close(release)
	if err := <-ended; err != nil {
		t.Errorf("the service's run ended with %v", err)
	}
	if c := <-code; c != exitDone || !strings.Contains(out.String(), "nothing was written") {
		t.Errorf("the sync ended with %d:\n%s%s", c, out, errs)
	}
}

func TestSyncRefusals(t *testing.T) {
	f := newFixture(t)
	for _, tt := range []struct {
		words string
		args  []string
	}{
		{"there is no stage", []string{"--stage", "nonsense"}},
		{"is no guest: write 100, qemu/100 or lxc/101", []string{"--guest", "web"}},
		{"write it as name=value", []string{"--set", "overwrite_vm_tags"}},
		{"--json", []string{"--json"}},
		{"the NetBox token is empty", []string{"--netbox-url", "https://netbox.example.org"}},
		{"not both", slices.Concat(targets(), []string{"--netbox-token-file", "token.txt"})},
		{"no such file", []string{"--netbox-url", "https://netbox.example.org", "--netbox-token-file", "/nonexistent/token"}},
		{"who logs in to Proxmox is not said", []string{"--proxmox-url", "https://pve1.example.org"}},
		{"has no !", []string{"--proxmox-url", "https://pve1.example.org", "--proxmox-token-id", "root@pam"}},
		{"the secret of the API token is empty", []string{"--proxmox-url", "https://pve1.example.org", "--proxmox-token-id", "root@pam!x"}},
	} {
		f.refused(tt.words, append([]string{"sync"}, tt.args...)...)
	}
}
