package run_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"proxbox/internal/desire"
	"proxbox/internal/domain"
	"proxbox/internal/plan"
	"proxbox/internal/run"
	"proxbox/internal/settings"
	proxmoxsim "proxbox/internal/sim/proxmox"
)

// setenv gives the next runs other settings.
func (s *site) setenv(t *testing.T, environ ...string) {
	t.Helper()
	values, err := settings.Load(environ)
	if err != nil {
		t.Fatal(err)
	}
	s.Settings = values
	s.Memory.Forget()
}

// object is the one of a kind with a name.
func (s *site) object(t *testing.T, kind, name string) map[string]any {
	t.Helper()
	for _, o := range s.nb.Objects(kind) {
		if o["name"] == name {
			return o
		}
	}
	t.Fatalf("there is no %s %q", kind, name)
	return nil
}

// mark is how an object is marked: "active", "decommissioning, marked".
func (s *site) mark(t *testing.T, kind, name string) string {
	t.Helper()
	o := s.object(t, kind, name)
	out := fmt.Sprint(o["enabled"])
	if status, ok := o["status"].(map[string]any); ok {
		out = fmt.Sprint(status["value"])
	}
	for _, tag := range o["tags"].([]any) {
		if tag.(map[string]any)["slug"] == desire.TagSoftDeleted {
			out += ", marked"
		}
	}
	return out
}

const (
	vms     = "virtualization.virtualmachine"
	orphans = "PROXBOX_DELETE_ORPHANS=true"
)

// problems are what a run noticed of things that are gone.
func problems(res *run.Result, about string) []domain.Problem {
	return slices.DeleteFunc(slices.Clone(res.Problems), func(p domain.Problem) bool { return !strings.Contains(p.What+p.Reason, about) })
}

// TestGoneGuest: noticed once while nobody asked for more; marked when its node
// denies it, and no other answer will do; as it was when it is back; removed
// when its time is over.
func TestGoneGuest(t *testing.T) {
	s := newSite(t, 40, 0)
	s.sync(t, run.Ask{})
	before := s.nb.Dump(false, vms, "virtualization.vminterface", "ipam.ipaddress", "virtualization.virtualdisk")
	guest := *s.guest(130)
	path := guest.Path("config")
	s.pve.Change(func(e *proxmoxsim.Estate) { e.Remove(130) })

	s.forget()
	res := s.sync(t, run.Ask{})
	if got := problems(res, "web-130"); len(got) != 1 || !strings.Contains(got[0].WayOut, "delete_orphans") || s.writes != 0 || len(res.Reports) > 0 {
		t.Errorf("not asked for: noticed %v, %d writes, reports %v", got, s.writes, res.Reports)
	}
	if slices.Contains(s.proxmox, path) {
		t.Error("its node was asked though nothing would be done")
	}

	s.setenv(t, orphans)
	for _, answer := range []proxmoxsim.Fault{{Status: 403, Message: "Permission check failed"}, {Status: 595, Message: "No route to host"}, {Status: 500, Message: "got timeout"}, {Status: 200}} {
		s.pve.Change(func(e *proxmoxsim.Estate) {
			if answer.Status == 200 {
				e.Faults = nil
				e.Guests = append(e.Guests, guest) // on the way back, not listed yet
				return
			}
			e.Fail(path, answer)
		})
		s.Memory.Forget()
		s.forget()
		res = s.sync(t, run.Ask{})
		if s.writes != 0 {
			t.Errorf("its node answers %d, and there are %d writes", answer.Status, s.writes)
		}
		if answer.Status != 200 && len(problems(res, "web-130")) != 1 {
			t.Errorf("its node answers %d, and %v is noticed", answer.Status, res.Problems)
		}
	}
	s.pve.Change(func(e *proxmoxsim.Estate) { e.Remove(130) })
	s.forget()
	res = s.sync(t, run.Ask{})
	if got := s.mark(t, vms, "web-130"); got != "decommissioning, marked" || res.Plan.Counts()[domain.KindGuestInterfaceAddr][plan.Delete] != res.Deleted {
		t.Errorf("gone, it is %s, and the plan is %v", got, res.Plan.Counts())
	}
	if !slices.Contains(s.proxmox, path) {
		t.Error("its node was not asked")
	}
	s.forget()
	if s.sync(t, run.Ask{}); s.writes != 0 || slices.Contains(s.proxmox, path) {
		t.Errorf("once marked, there are %d writes, or its node is asked again", s.writes)
	}

	s.pve.Change(func(e *proxmoxsim.Estate) { e.Guests = append(e.Guests, guest) })
	s.sync(t, run.Ask{})
	if after := s.nb.Dump(false, vms, "virtualization.vminterface", "ipam.ipaddress", "virtualization.virtualdisk"); string(after) != string(before) {
		t.Error("back again it is not what it was")
	}

	s.pve.Change(func(e *proxmoxsim.Estate) { e.Remove(130) })
	s.sync(t, run.Ask{})
	s.setenv(t, orphans, "PROXBOX_DELETE_ORPHANS_AFTER_DAYS=1")
	if res := s.sync(t, run.Ask{}); res.Deleted != 0 {
		t.Errorf("%d were deleted before their time", res.Deleted)
	}
	s.setenv(t, orphans, "PROXBOX_DELETE_ORPHANS_AFTER_DAYS=0.000000001")
	id := int(s.object(t, vms, "web-130")["id"].(float64))
	if err := s.nb.Patch(vms, id, map[string]any{"comments": "a person's"}); err != nil {
		t.Fatal(err)
	}
	if res := s.sync(t, run.Ask{}); res.Deleted != 0 || len(res.Reports) != 1 || !strings.Contains(res.Reports[0].Reason, "comments") {
		t.Errorf("a person filled it in: %d deleted, %v", res.Deleted, res.Reports)
	}
	if err := s.nb.Patch(vms, id, map[string]any{"comments": ""}); err != nil {
		t.Fatal(err)
	}
	if dry := s.sync(t, run.Ask{DryRun: true}); dry.Deleted != 0 || dry.Plan.Counts()[domain.KindVirtualMachine][plan.Delete] != 1 {
		t.Errorf("a dry run deletes %d and plans %v", dry.Deleted, dry.Plan.Counts())
	}
	s.sync(t, run.Ask{})
	if n := s.nb.Count(vms); n != 39 {
		t.Errorf("%d virtual machines after its time", n)
	}
	s.forget()
	if s.sync(t, run.Ask{}); s.writes != 0 {
		t.Errorf("%d writes afterwards", s.writes)
	}
}

// guest is one of the simulated estate.
func (s *site) guest(vmid int) (g *proxmoxsim.Guest) {
	s.pve.Change(func(e *proxmoxsim.Estate) { c := *e.Guest(vmid); g = &c })
	return g
}

// TestGoneNodeAndStorage.
func TestGoneNodeAndStorage(t *testing.T) {
	s := newSite(t, 12, 0)
	cluster, err := s.nb.Seed("netbox_proxbox.proxmoxcluster", map[string]any{"endpoint": 1, "name": "demo", "mode": "cluster"})
	if err != nil {
		t.Fatal(err)
	}
	s.pve.Change(func(e *proxmoxsim.Estate) {
		extra := e.Nodes[2]
		extra.Name, extra.IP, extra.Fingerprint = "pve9", "192.0.2.99", "99:99"
		e.Nodes = append(e.Nodes, extra)
		for i, n := range e.Nodes {
			if _, err := s.nb.Seed("netbox_proxbox.proxmoxnode", map[string]any{"endpoint": 1, "proxmox_cluster": cluster[0], "name": n.Name, "node_id": i + 1, "ip_address": n.IP}); err != nil {
				t.Fatal(err)
			}
		}
		e.Storages = append(e.Storages, proxmoxsim.Storage{Config: proxmoxsim.Row{"storage": "old", "type": "dir", "content": "iso", "path": "/old"}})
	})
	s.setenv(t, orphans)
	s.sync(t, run.Ask{})
	s.pve.Change(func(e *proxmoxsim.Estate) {
		e.Nodes, e.Storages = e.Nodes[:3], e.Storages[:len(e.Storages)-1]
		e.NoQuorum = true
	})
	s.forget()
	if s.sync(t, run.Ask{}); s.mark(t, "dcim.device", "pve9") == "decommissioning, marked" || s.mark(t, "netbox_proxbox.proxmoxstorage", "old") != "true" {
		t.Error("marked without quorum")
	}
	s.pve.Change(func(e *proxmoxsim.Estate) { e.NoQuorum = false })
	s.sync(t, run.Ask{})
	if got := s.mark(t, "dcim.device", "pve9"); got != "decommissioning, marked" {
		t.Errorf("the node is %s", got)
	}
	if got := s.mark(t, "netbox_proxbox.proxmoxstorage", "old"); got != "false, marked" {
		t.Errorf("the storage is %s", got)
	}
	s.forget()
	if s.sync(t, run.Ask{}); s.writes != 0 {
		t.Errorf("%d writes in the run after it", s.writes)
	}
	s.setenv(t, orphans, "PROXBOX_DELETE_ORPHANS_AFTER_DAYS=0.000000001")
	s.sync(t, run.Ask{})
	if n, m := s.nb.Count("dcim.device"), s.nb.Count("netbox_proxbox.proxmoxstorage"); n != 3 || m != len(s.storages()) {
		t.Errorf("%d devices and %d storages are left", n, m)
	}
}

func (s *site) storages() (out []string) {
	s.pve.Change(func(e *proxmoxsim.Estate) {
		for _, st := range e.Storages {
			out = append(out, st.Name())
		}
	})
	return out
}

// TestWhatMayNotBeSeenIsNotGone: a token that does not see everything loses
// nothing, and the run says once which command mends it.
func TestWhatMayNotBeSeenIsNotGone(t *testing.T) {
	s := newSite(t, 40, 0)
	s.setenv(t, orphans, "PROXBOX_DELETE_ORPHANS_AFTER_DAYS=0.000000001")
	s.sync(t, run.Ask{})
	before := s.nb.Dump(false)
	s.pve.Change(func(e *proxmoxsim.Estate) {
		rights := proxmoxsim.Grant("/", proxmoxsim.Auditor()...)
		rights["/vms/130"] = map[string]bool{"VM.Config.Disk": true}
		rights["/storage/ceph"] = map[string]bool{"Datastore.AllocateTemplate": true}
		e.Tokens[0].Rights = rights
	})
	res := s.sync(t, run.Ask{Query: map[string][]string{"delete_nonexistent_backup": {"true"}, "delete_nonexistent_snapshot": {"true"}}})
	if after := s.nb.Dump(false); string(after) != string(before) {
		t.Errorf("what cannot be seen changed NetBox: %d updated, %d deleted: %v", res.Updated, res.Deleted, res.Done)
	}
	for _, kind := range []string{"guests", "storages", "backups"} {
		got := problems(res, kind+" of demo")
		if len(got) != 1 || !strings.Contains(got[0].WayOut, "pveum") {
			t.Errorf("%s: %v", kind, got)
		}
	}
}

// TestGuestMovesToAnotherCluster of ours: one object, which everything that
// hangs on it follows. Read alone, the new place has a guest of its own.
func TestGuestMovesToAnotherCluster(t *testing.T) {
	for name, alone := range map[string]bool{"both are read": false, "the new one alone is read": true} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, 40, 0)
			annex := proxmoxsim.New(proxmoxsim.DemoAt(1, 12))
			if _, err := s.nb.Seed("endpoints/proxmox", map[string]any{"name": "annex", "domain": "annex.example.org", "mode": "cluster"}); err != nil {
				t.Fatal(err)
			}
			px := annex.Endpoint()
			px.ID, px.Name = 2, "annex (nb:2)"
			given := s.Endpoints.(run.Given)
			given.ProxmoxEndpoints = append(given.ProxmoxEndpoints, px)
			s.Endpoints = given
			s.ProxmoxTransport = func(ep domain.ProxmoxEndpoint) http.RoundTripper {
				if ep.ID == 2 {
					return annex.Transport()
				}
				return s.pve.Transport()
			}
			s.setenv(t, orphans)
			s.sync(t, run.Ask{})
			old := s.object(t, vms, "web-130")
			guest := *s.guest(130)
			s.pve.Change(func(e *proxmoxsim.Estate) { e.Remove(130) })
			annex.Change(func(e *proxmoxsim.Estate) {
				guest.VMID, guest.Node = 700, "pve2"
				e.Guests = append(e.Guests, guest)
			})
			ask := run.Ask{}
			if alone {
				ask.Endpoints = []int{2}
			}
			res := s.sync(t, ask)
			reports := slices.DeleteFunc(slices.Clone(res.Reports), func(r plan.Report) bool { return r.Kind != domain.KindVirtualMachine })
			created := slices.DeleteFunc(slices.Clone(res.Done), func(c plan.Change) bool { return c.Op != plan.Create })
			if alone {
				if len(reports) != 1 || s.nb.Count(vms) != 53 {
					t.Errorf("%d virtual machines, %v", s.nb.Count(vms), reports)
				}
				return
			}
			if len(created) > 0 || len(reports) > 0 || s.nb.Count(vms) != 52 {
				t.Errorf("%d virtual machines; created %v, reports %v", s.nb.Count(vms), created, reports)
			}
			now := s.object(t, vms, "web-130")
			cluster := now["cluster"].(map[string]any)["name"]
			if now["id"] != old["id"] || cluster != "demo2" || s.mark(t, vms, "web-130") != "active" {
				t.Errorf("it is %v of %v", now["id"], cluster)
			}
			s.forget()
			if s.sync(t, run.Ask{}); s.writes != 0 {
				t.Errorf("%d writes afterwards", s.writes)
			}
		})
	}
}

// TestVMIDUsedAgain: the old object is marked, and a new one is made.
func TestVMIDUsedAgain(t *testing.T) {
	s := newSite(t, 40, 0)
	s.sync(t, run.Ask{})
	old := s.object(t, vms, "web-130")["id"]
	s.pve.Change(func(e *proxmoxsim.Estate) {
		g := e.Guest(130)
		g.Rename("fresh")
		g.Set("smbios1", "uuid=aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee")
		g.Set("meta", "creation-qemu=10.0.0,ctime=1790000000")
	})
	s.sync(t, run.Ask{})
	if s.nb.Count(vms) != 41 || s.object(t, vms, "web-130")["id"] != old || s.object(t, vms, "fresh")["id"] == old {
		t.Errorf("%d virtual machines", s.nb.Count(vms))
	}
	if got := s.mark(t, vms, "web-130") + "; " + s.mark(t, vms, "fresh"); got != "decommissioning, marked; active" {
		t.Errorf("the old and the new one are %s", got)
	}
	s.forget()
	if s.sync(t, run.Ask{}); s.writes != 0 {
		t.Errorf("%d writes afterwards", s.writes)
	}
}

// TestGoneInStages: the stages of the plugin mark what is theirs, once.
func TestGoneInStages(t *testing.T) {
	s := newSite(t, 40, 0)
	s.setenv(t, orphans)
	s.allStages(t)
	s.pve.Change(func(e *proxmoxsim.Estate) {
		e.Remove(130)
		e.Storages = slices.DeleteFunc(e.Storages, func(st proxmoxsim.Storage) bool { return st.Name() == "ceph" })
	})
	s.forget()
	s.allStages(t)
	if got := s.mark(t, vms, "web-130") + "; " + s.mark(t, "netbox_proxbox.proxmoxstorage", "ceph"); got != "decommissioning, marked; false, marked" {
		t.Errorf("guest and storage are %s", got)
	}
	if n := s.asked("/130/config"); n != 1 {
		t.Errorf("its node was asked %d times", n)
	}
	s.forget()
	if s.allStages(t); s.writes != 0 {
		t.Errorf("%d writes in the next sync", s.writes)
	}
}
