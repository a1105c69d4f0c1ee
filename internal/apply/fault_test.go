package apply_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"proxbox/internal/apply"
	"proxbox/internal/domain"
	"proxbox/internal/plan"
	"proxbox/internal/run"
	netboxsim "proxbox/internal/sim/netbox"
)

// writes tells whether a request changes a kind of object.
func writes(r *http.Request, method, path string) bool {
	return r.Method == method && strings.HasSuffix(r.URL.Path, "/"+path+"/")
}

// TestRefusedBatch: one bad object never costs another, whether NetBox says
// which it is or not.
func TestRefusedBatch(t *testing.T) {
	for name, profile := range map[string]netboxsim.Profile{"4.7": netboxsim.NetBox47, "4.5": netboxsim.NetBox45} {
		for _, bad := range [][]int{{3}, {0, 4, 5}, {0, 1, 2, 3, 4, 5, 6, 7}} {
			t.Run(fmt.Sprintf("%s/%d guilty", name, len(bad)), func(t *testing.T) {
				e := newEngine(t, profile)
				s := estate(1, "lab")
				e.pluginRows(t, s)
				guilty := map[string]bool{}
				for _, i := range bad {
					s.Guests[i].CPUs = 12_345_678 // more digits than NetBox takes
					guilty[fmt.Sprintf("(%s)", s.Guests[i].Name)] = true
				}
				_, res, err := e.sync(t.Context(), s)
				if err != nil {
					t.Fatal(err)
				}
				if n := e.nb.Count("virtualization.virtualmachine"); n != len(s.Guests)-len(bad) {
					t.Errorf("%d virtual machines", n)
				}
				failed := map[string]bool{}
				for _, r := range res.Reports {
					switch r.Outcome {
					case plan.Failed:
						failed[r.Label[strings.Index(r.Label, "("):]] = true
						if r.Field != "vcpus" || !strings.Contains(r.Reason, "digits") {
							t.Errorf("%s: %q %q", r.Label, r.Field, r.Reason)
						}
					case plan.Conflict:
						t.Errorf("conflict %s: %s", r.Label, r.Reason)
					}
				}
				if len(failed) != len(guilty) {
					t.Errorf("blamed %v, guilty are %v", failed, guilty)
				}
				for i := range s.Guests {
					s.Guests[i].CPUs = 2
				}
				e.mustSync(t, s)
				e.mustRest(t, s)
			})
		}
	}
}

// TestRefusedUpdateKeepsItsBase: what NetBox refused is not recorded as
// written, so that the next run tries it again.
func TestRefusedUpdateKeepsItsBase(t *testing.T) {
	e := newEngine(t, netboxsim.NetBox47)
	s := estate(1, "lab")
	e.pluginRows(t, s)
	e.mustSync(t, s)
	s.Guests[0].Name, s.Guests[0].Node = "renamed", "pve2"
	e.nb.SetFault(func(r *http.Request) *netboxsim.Fault {
		if writes(r, http.MethodPatch, "virtual-machines") && !strings.Contains(r.URL.Path, "sync-state") {
			return &netboxsim.Fault{Status: 400, Body: `{"detail": "Validation failed", "errors": [{"index": 0, "errors": {"name": ["Not on a Friday."]}}]}`}
		}
		return nil
	})
	if _, res, err := e.sync(t.Context(), s); err != nil || len(res.Reports) != 1 || res.Reports[0].Field != "name" {
		t.Fatalf("%v, %s", err, labels(res.Reports))
	}
	e.nb.SetFault(nil)
	e.mustSync(t, s)
	if got := e.nb.Objects("virtualization.virtualmachine")[0]["name"]; got != "renamed" {
		t.Errorf("it is named %v", got)
	}
	e.mustRest(t, s)
}

// TestKindRefusedAltogether: a rule of the house that refuses all of a kind
// ends it after twenty refusals, with one report.
func TestKindRefusedAltogether(t *testing.T) {
	for name, profile := range map[string]netboxsim.Profile{"4.7": netboxsim.NetBox47, "4.5": netboxsim.NetBox45} {
		t.Run(name, func(t *testing.T) {
			e := newEngine(t, profile)
			s := crowd(120)
			e.pluginRows(t, s)
			e.seed(t, "extras.customfield", map[string]any{"name": "owner", "type": "text", "required": true, "object_types": []string{"virtualization.virtualmachine"}})
			_, res, err := e.sync(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			var failed []plan.Report
			for _, r := range res.Reports {
				if r.Outcome == plan.Failed {
					failed = append(failed, r)
				}
			}
			if len(failed) != 1 || failed[0].Kind != domain.KindVirtualMachine || !strings.Contains(failed[0].Reason, "owner") && !strings.Contains(failed[0].Field, "owner") {
				t.Errorf("reports:\n%s", labels(failed))
			}
			if n := e.nb.Stats().ByKind["virtualization.virtualmachine"]["POST"]; n > 50 {
				t.Errorf("%d attempts", n)
			}
			if n := e.nb.Count("dcim.device"); n != len(s.Nodes) {
				t.Errorf("%d devices", n)
			}
		})
	}
}

// TestForbiddenKind: a missing permission costs its kind and what hangs on it.
func TestForbiddenKind(t *testing.T) {
	e := newEngine(t, netboxsim.NetBox47)
	s := estate(1, "lab")
	e.pluginRows(t, s)
	e.nb.SetFault(func(r *http.Request) *netboxsim.Fault {
		if writes(r, http.MethodPost, "virtual-disks") || writes(r, http.MethodPost, "custom-fields") {
			return &netboxsim.Fault{Status: 403, Body: `{"detail": "You do not have permission to perform this action."}`}
		}
		return nil
	})
	_, res, err := e.sync(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	var failed []string
	for _, r := range res.Reports {
		if r.Outcome == plan.Failed {
			failed = append(failed, string(r.Kind))
			if !strings.Contains(r.WayOut, "permission") {
				t.Errorf("the way out is %q", r.WayOut)
			}
		}
	}
	if len(failed) != 2 {
		t.Errorf("failed %v", failed)
	}
	if n := e.nb.Count("virtualization.virtualmachine"); n != len(s.Guests) {
		t.Errorf("%d virtual machines: a custom field that cannot be made costs guests", n)
	}
	if n := e.nb.Count("ipam.ipaddress"); n == 0 {
		t.Error("no addresses")
	}
	e.nb.SetFault(nil)
	e.mustSync(t, s)
	e.mustRest(t, s)
}

// TestRefusedTokenEndsTheRun, with one error and not one an object.
func TestRefusedTokenEndsTheRun(t *testing.T) {
	for status, body := range map[int]string{401: `{"detail": "Invalid token"}`, 503: `{"detail": "busy"}`, 429: `{"detail": "slow down"}`, 502: `<html>`} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			e := newEngine(t, netboxsim.NetBox47)
			s := estate(1, "lab")
			e.pluginRows(t, s)
			var n atomic.Int32
			e.nb.SetFault(func(r *http.Request) *netboxsim.Fault {
				if r.Method == http.MethodGet && (status != 502 || n.Load() == 0) {
					return nil
				}
				n.Add(1)
				return &netboxsim.Fault{Status: status, Body: body}
			})
			_, res, err := e.sync(t.Context(), s)
			if err == nil || len(res.Reports) > 0 {
				t.Errorf("error %v, reports:\n%s", err, labels(res.Reports))
			}
			if n.Load() > 4 {
				t.Errorf("%d requests were refused before it gave up", n.Load())
			}
			e.nb.SetFault(nil)
			e.mustSync(t, s)
			e.mustRest(t, s)
		})
	}
}

// TestLostAnswer: a write whose answer was lost, before or after NetBox did
// it, is done once.
func TestLostAnswer(t *testing.T) {
	for _, method := range []string{http.MethodPost, http.MethodPatch, http.MethodDelete} {
		for name, fault := range map[string]netboxsim.Fault{"before": {Cut: true}, "after": {LoseAnswer: true}} {
			t.Run(method+" "+name, func(t *testing.T) {
				want := referenceState(t, netboxsim.NetBox47)
				e := newEngine(t, netboxsim.NetBox47)
				s := estate(1, "lab")
				e.pluginRows(t, s)
				if method != http.MethodPost {
					e.mustSync(t, s)
				}
				alter(s)
				// Every path loses the first answer to this method.
				seen := map[string]bool{}
				var lost atomic.Int32
				gate := make(chan struct{}, 1)
				e.nb.SetFault(func(r *http.Request) *netboxsim.Fault {
					gate <- struct{}{}
					defer func() { <-gate }()
					if r.Method != method || seen[r.URL.Path] {
						return nil
					}
					seen[r.URL.Path] = true
					lost.Add(1)
					return &fault
				})
				if _, res, err := e.sync(t.Context(), s); err != nil || len(res.Reports) > 0 {
					t.Fatalf("%v\n%s", err, labels(res.Reports))
				}
				if lost.Load() == 0 {
					t.Fatal("nothing was lost")
				}
				e.nb.SetFault(nil)
				e.mustRest(t, s)
				if got := e.state(); method == http.MethodPost && got != want {
					t.Errorf("the state differs from that of an undisturbed run: %s", diff(want, got))
				}
			})
		}
	}
}

// alter changes guests so that there is something to change and to remove.
func alter(s *domain.Snapshot) {
	cfg := s.Guests[2].Config.Value
	cfg.Disks = cfg.Disks[:1]
	s.Guests[2].Config = domain.Is(cfg)
	s.Guests[0].MemoryBytes = 4 << 30
}

// state is what NetBox holds, by what people know objects by and not by ids.
func (e *engine) state() string {
	var b strings.Builder
	for _, kind := range []string{"extras.tag", "dcim.site", "virtualization.cluster", "dcim.device", "dcim.interface", "virtualization.virtualmachine",
		"virtualization.virtualdisk", "virtualization.vminterface", "dcim.macaddress", "ipam.vlan", "ipam.ipaddress"} {
		var lines []string
		for _, o := range e.nb.Objects(kind) {
			lines = append(lines, fmt.Sprintf("%s %v of %v, %v %v %v %v", kind, o["display"], display(o["virtual_machine"], o["device"], o["assigned_object"]),
				display(o["primary_ip4"]), display(o["primary_mac_address"]), display(o["cluster"]), tagNames(o["tags"])))
		}
		for _, l := range sorted(lines) {
			b.WriteString(l + "\n")
		}
	}
	for _, kind := range e.nb.Kinds() {
		if strings.Contains(kind, "syncstate") {
			fmt.Fprintf(&b, "%d %s\n", e.nb.Count(kind), kind)
		}
	}
	return b.String()
}

// referenceState is that of a NetBox in which nothing went wrong.
func referenceState(t *testing.T, p netboxsim.Profile) string {
	t.Helper()
	e := newEngine(t, p)
	s := estate(1, "lab")
	e.pluginRows(t, s)
	alter(s)
	e.mustSync(t, s)
	return e.state()
}

// TestKilledAtAnyRequest: a run that ends at any of its requests, answered or
// not, is finished by the next one, as if nothing had happened.
func TestKilledAtAnyRequest(t *testing.T) {
	for name, profile := range map[string]netboxsim.Profile{"4.7": netboxsim.NetBox47, "4.5": netboxsim.NetBox45, "bare": netboxsim.NetBox47Bare} {
		for _, lose := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, answer lost %t", name, lose), func(t *testing.T) {
				t.Parallel()
				want := referenceState(t, profile)
				for n := 1; killed(t, profile, n, lose, want); n++ {
					if t.Failed() {
						t.Fatalf("killed at write %d", n)
					}
				}
			})
		}
	}
}

// killed ends a first run at its nth write and lets a second one finish; false
// when a run has fewer writes.
func killed(t *testing.T, profile netboxsim.Profile, n int, lose bool, want string) bool {
	e := newEngine(t, profile)
	s := estate(1, "lab")
	alter(s)
	e.pluginRows(t, s)
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	var count atomic.Int32
	e.nb.SetFault(func(r *http.Request) *netboxsim.Fault {
		if r.Method == http.MethodGet {
			return nil
		}
		switch c := int(count.Add(1)); {
		case c < n:
			return nil
		case c == n:
			kill()
			return &netboxsim.Fault{Cut: !lose, LoseAnswer: lose}
		}
		return &netboxsim.Fault{Cut: true}
	})
	_, _, err := e.sync(ctx, s)
	if int(count.Load()) < n {
		if n < 20 {
			t.Errorf("a run has %d writes only", n-1)
		}
		return false
	}
	if err == nil {
		t.Error("it ended without an error")
	}
	e.nb.SetFault(nil)
	e.connect(t)
	e.mustSync(t, s)
	if got := e.state(); got != want {
		t.Errorf("the state differs from that of an undisturbed run: %s", diff(want, got))
	}
	e.mustRest(t, s)
	return true
}

// TestKilledWhileRenaming: names that wait for one another are written in the
// end, whenever a run ends.
func TestKilledWhileRenaming(t *testing.T) {
	for name, profile := range map[string]netboxsim.Profile{"4.7": netboxsim.NetBox47, "bare": netboxsim.NetBox47Bare} {
		t.Run(name, func(t *testing.T) {
			for n, more := 1, true; more; n++ {
				e := newEngine(t, profile)
				s := estate(1, "lab")
				e.pluginRows(t, s)
				e.mustSync(t, s)
				s.Guests[0].Name, s.Guests[1].Name = s.Guests[1].Name, "fresh"
				ctx, kill := context.WithCancel(t.Context())
				var count atomic.Int32
				e.nb.SetFault(func(r *http.Request) *netboxsim.Fault {
					if r.Method == http.MethodGet || int(count.Add(1)) < n {
						return nil
					}
					kill()
					return &netboxsim.Fault{Cut: true}
				})
				_, _, err := e.sync(ctx, s)
				kill()
				more = err != nil
				e.nb.SetFault(nil)
				e.mustSync(t, s)
				e.mustRest(t, s)
				if a, b := e.nb.Objects("virtualization.virtualmachine")[0]["name"], e.nb.Objects("virtualization.virtualmachine")[1]["name"]; a != "guest101" || b != "fresh" {
					t.Errorf("killed at write %d: they are named %v and %v", n, a, b)
				}
			}
		})
	}
}

// TestNetBoxGoesAway in the middle: the error says what, and the next run
// converges.
func TestNetBoxGoesAway(t *testing.T) {
	e := newEngine(t, netboxsim.NetBox47)
	s := estate(1, "lab")
	e.pluginRows(t, s)
	var n atomic.Int32
	e.nb.SetFault(func(r *http.Request) *netboxsim.Fault {
		if r.Method != http.MethodGet && n.Add(1) > 12 || n.Load() > 12 {
			return &netboxsim.Fault{Cut: true}
		}
		return nil
	})
	_, _, err := e.sync(t.Context(), s)
	if err == nil || !strings.Contains(err.Error(), "netbox.invalid") {
		t.Errorf("the error is %v", err)
	}
	e.nb.SetFault(nil)
	e.mustSync(t, s)
	e.mustRest(t, s)
}

// TestVanishedObject: what somebody removed between plan and write is said,
// costs the others nothing, and is made again.
func TestVanishedObject(t *testing.T) {
	for name, profile := range map[string]netboxsim.Profile{"4.7": netboxsim.NetBox47, "4.5": netboxsim.NetBox45} {
		t.Run(name, func(t *testing.T) {
			e := newEngine(t, profile)
			s := estate(1, "lab")
			e.pluginRows(t, s)
			e.mustSync(t, s)
			for i := range s.Guests {
				s.Guests[i].MemoryBytes = 8 << 30
			}
			p, inv, err := e.plan(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			if err := e.nb.Delete("virtualization.virtualmachine", p.Changes[0].ID); err != nil {
				t.Fatal(err)
			}
			res, err := apply.Run(t.Context(), e.client, p, inv, apply.Options{})
			if err != nil || len(res.Reports) != 1 || res.Updated != len(s.Guests)-1 {
				t.Errorf("%v, %d updated, reports:\n%s", err, res.Updated, labels(res.Reports))
			}
			e.mustSync(t, s)
			e.mustRest(t, s)
		})
	}
}

// TestPauseEndsTheRun at a boundary between batches.
func TestPauseEndsTheRun(t *testing.T) {
	e := newEngine(t, netboxsim.NetBox47)
	s := estate(1, "lab")
	e.pluginRows(t, s)
	p, inv, err := e.plan(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	stop := errors.New("stop here")
	n := 0
	_, err = apply.Run(t.Context(), e.client, p, inv, apply.Options{Pause: func(context.Context) error {
		if n++; n == 5 {
			return stop
		}
		return nil
	}})
	if !errors.Is(err, stop) {
		t.Errorf("ended with %v", err)
	}
	if w := e.nb.Stats().Writes; w != 4 {
		t.Errorf("%d writes before the fifth boundary", w)
	}
}

// TestFewRequests: writes go in full batches, and what is written late goes in
// batches, too.
func TestFewRequests(t *testing.T) {
	e := newEngine(t, netboxsim.NetBox47)
	s := crowd(200)
	e.pluginRows(t, s)
	e.nb.ResetStats()
	p, _ := e.mustSync(t, s)
	full, lots := 0, map[string]int{}
	for _, c := range p.Changes {
		lots[fmt.Sprintf("%s %s %d", c.Op, c.Kind, c.Phase)]++
	}
	for _, n := range lots {
		full += (n + 49) / 50
	}
	if got := e.nb.Stats().Writes; got > full+12 {
		t.Errorf("%d writes for %d changes of %d sorts; full batches are %d", got, len(p.Changes), len(lots), full)
	}
	e.mustRest(t, s)
	if got, most := e.nb.Stats().Requests, len(run.Inventoried)+5; got > most {
		t.Errorf("%d requests when nothing changed; one a kind and 5 are %d", got, most)
	}
}

// crowd is a cluster of many guests.
func crowd(n int) *domain.Snapshot {
	s := estate(1, "lab")
	s.Guests = nil
	for i := range n {
		g := guest(1, 100+i, s.Nodes[i%2].Name)
		cfg := g.Config.Value
		cfg.NICs[0].MAC = fmt.Sprintf("BC:24:11:00:%02X:%02X", i>>8, i&0xff)
		cfg.NICs = cfg.NICs[:1]
		cfg.NICs[0].Addresses = nil
		cfg.AgentEnabled = true
		g.Config, g.Type, g.Status = domain.Is(cfg), domain.QEMU, "running"
		g.Agent = domain.Is([]domain.GuestInterface{{Name: "eth0", MAC: cfg.NICs[0].MAC, Addresses: prefixes(fmt.Sprintf("10.0.%d.%d/16", i>>8, i&0xff+1))}})
		s.Guests = append(s.Guests, g)
	}
	return s
}

// TestInventoryIsKeptTrue: after a run the inventory is what a new reading
// would be, what NetBox removes or fills in by itself included.
func TestInventoryIsKeptTrue(t *testing.T) {
	e := newEngine(t, netboxsim.NetBox47)
	s := estate(1, "lab")
	e.pluginRows(t, s)
	for _, change := range []func(){
		func() {},
		func() { alter(s) },
		func() {
			cfg := s.Guests[6].Config.Value
			cfg.NICs = cfg.NICs[1:]
			s.Guests[6].Config = domain.Is(cfg)
		},
	} {
		change()
		p, inv, err := e.plan(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Changes) == 0 {
			t.Error("nothing to do")
		}
		if _, err := apply.Run(t.Context(), e.client, p, inv, apply.Options{}); err != nil {
			t.Fatal(err)
		}
		_, fresh, err := e.plan(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range fresh.Kinds() {
			if kind == domain.KindProxmoxEndpoint {
				continue
			}
			if d := cmp.Diff(rows(fresh, kind), rows(inv, kind)); d != "" {
				t.Errorf("%s (-NetBox +inventory):\n%s", kind, d)
			}
		}
	}
}

// rows are what the inventory says of a kind, without what NetBox computes.
func rows(inv *domain.Inventory, kind domain.Kind) map[int]domain.Fields {
	out := map[int]domain.Fields{}
	for r := range inv.Table(kind).Rows() {
		f := maps.Clone(r.Fields)
		delete(f, "disk")
		delete(f, "last_updated")
		out[r.ID] = f
	}
	return out
}

// TestWhatAPersonUsesIsNotRemoved: a part that somebody described, tagged or
// points at stays when it is gone in Proxmox, and that is reported; a default
// of a custom field is nobody's.
func TestWhatAPersonUsesIsNotRemoved(t *testing.T) {
	id := func(e *engine, kind, name, vm string) int {
		for _, o := range e.nb.Objects(kind) {
			if o["name"] == name && display(o["virtual_machine"]) == vm || o["address"] == name {
				return int(number(o["id"]))
			}
		}
		t.Fatalf("no %s %s", kind, name)
		return 0
	}
	for name, use := range map[string]func(e *engine) error{
		"nobody": func(e *engine) error {
			e.seed(t, "extras.customfield", fields{"name": "site_code", "type": "text", "default": "x", "object_types": []string{"virtualization.virtualdisk"}})
			return nil
		},
		"a tag": func(e *engine) error {
			tag := e.seed(t, "extras.tag", fields{"name": "mine", "slug": "mine"})[0]
			return e.nb.Patch("virtualization.virtualdisk", id(e, "virtualization.virtualdisk", "virtio1", "guest102"), fields{"tags": []int{tag}})
		},
		"a description": func(e *engine) error {
			return e.nb.Patch("virtualization.vminterface", id(e, "virtualization.vminterface", "net2", "guest102"), fields{"description": "uplink"})
		},
		"a service": func(e *engine) error {
			_, err := e.nb.Seed("ipam.service", fields{"name": "shop", "protocol": "tcp", "ports": []int{443}, "parent_object_type": "virtualization.virtualmachine",
				"parent_object_id": id(e, "virtualization.virtualmachine", "guest102", "-"), "ipaddresses": []int{id(e, "ipam.ipaddress", "10.1.0.102/16", "")}})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEngine(t, netboxsim.NetBox47)
			s := crowdOfAll(12)
			e.pluginRows(t, s)
			e.mustSync(t, s)
			if err := use(e); err != nil {
				t.Fatal(err)
			}
			g := &s.Guests[2]
			cfg := g.Config.Value
			cfg.Disks, cfg.NICs = cfg.Disks[:1], cfg.NICs[:1]
			g.Config = domain.Is(cfg)
			tells(g, "10.1.0.9/16")
			p, res := e.mustSync(t, s)
			removed, kept := res.Deleted, 0
			for _, r := range p.Reports {
				if strings.HasPrefix(r.Reason, "gone in Proxmox, but") {
					kept++
				}
			}
			want := 1
			if name == "nobody" {
				want = 0
			}
			if kept != want || removed+kept != 4 {
				t.Errorf("%d removed, %d kept:\n%s", removed, kept, labels(p.Reports))
			}
			if name == "a service" {
				if o := e.nb.Objects("ipam.ipaddress"); !slices.ContainsFunc(o, func(o map[string]any) bool {
					return o["address"] == "10.1.0.102/16" && o["assigned_object"] == nil
				}) {
					t.Error("the address is not there, or still on the interface")
				}
			}
			e.mustRest(t, s)
		})
	}
}

// crowdOfAll is a cluster of guests of every sort, enough that the fuse lets
// one guest lose its parts.
func crowdOfAll(n int) *domain.Snapshot {
	s := estate(1, "lab")
	for i := len(s.Guests); i < n*2; i++ {
		s.Guests = append(s.Guests, guest(1, 100+i, "pve1"))
	}
	return s
}

// TestTooLargeObject: an object that no request can carry costs only itself.
func TestTooLargeObject(t *testing.T) {
	e := newEngine(t, netboxsim.NetBox47)
	s := estate(1, "lab")
	s.Guests[0].Snapshots = domain.Is([]domain.GuestSnapshot{{Name: "novel", Description: strings.Repeat("x", 3_000_000)}, {Name: "short"}})
	e.pluginRows(t, s)
	_, res, err := e.sync(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Reports) != 1 || res.Reports[0].Outcome != plan.Failed || !strings.Contains(res.Reports[0].Label, "novel") || !strings.Contains(res.Reports[0].Reason, "2.5 MB") {
		t.Errorf("reports:\n%s", labels(res.Reports))
	}
	if !slices.ContainsFunc(e.nb.Objects("netbox_proxbox.vmsnapshot"), func(o map[string]any) bool { return o["name"] == "short" }) {
		t.Error("it costs another one")
	}
}
