package run_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"proxbox/internal/domain"
	"proxbox/internal/plan"
	"proxbox/internal/run"
	netboxsim "proxbox/internal/sim/netbox"
	proxmoxsim "proxbox/internal/sim/proxmox"
)

// names are the names of the objects of a kind, sorted.
func (s *site) names(kind string) []string {
	var out []string
	for _, o := range s.nb.Objects(kind) {
		name := o["name"]
		if name == nil {
			name = o["address"]
		}
		out = append(out, fmt.Sprint(name))
	}
	slices.Sort(out)
	return out
}

// TestFilters: each filter leaves out what it names, costs no reading of it,
// and what was made before it was set stays, whatever becomes of it in Proxmox.
func TestFilters(t *testing.T) {
	for _, c := range []struct {
		environ string
		kind    string
		out     []string // of the names of the kind that are not made
		configs int      // that are read of 16 guests
	}{
		{"PROXBOX_FILTER_TAGS=pr*", "virtualization.virtualmachine", []string{"docker-01"}, 3},
		{"PROXBOX_FILTER_EXCLUDE_TAGS=prod docker", "virtualization.virtualmachine", []string{"db-01", "docker-01", "web-01"}, 12},
		{"PROXBOX_FILTER_POOLS=shop", "virtualization.virtualmachine", nil, 1},
		{"PROXBOX_FILTER_EXCLUDE_POOLS=shop", "virtualization.virtualmachine", []string{"web-01"}, 15},
		{"PROXBOX_FILTER_NAMES=web-*,db-01", "virtualization.virtualmachine", nil, 2},
		{"PROXBOX_FILTER_EXCLUDE_NAMES=WEB-0?", "virtualization.virtualmachine", []string{"web-01"}, 15},
		{"PROXBOX_FILTER_NODES=pve1", "virtualization.virtualmachine", nil, 6},
		{"PROXBOX_FILTER_EXCLUDE_NODES=pve1", "virtualization.virtualmachine", []string{"web-01"}, 10},
		{"PROXBOX_FILTER_TEMPLATES=exclude", "virtualization.virtualmachine", nil, -1},
		{"PROXBOX_FILTER_TEMPLATES=only", "virtualization.virtualmachine", []string{"web-01"}, -1},
		{"PROXBOX_FILTER_STORAGES=local*", "netbox_proxbox.proxmoxstorage", []string{"ceph", "nas", "old-nas"}, 16},
		{"PROXBOX_FILTER_EXCLUDE_STORAGES=nas", "netbox_proxbox.proxmoxstorage", []string{"nas"}, 16},
		{"PROXBOX_FILTER_EXCLUDE_INTERFACES=net2", "virtualization.vminterface", []string{"net2"}, 16},
		{"PROXBOX_FILTER_EXCLUDE_INTERFACES=docker* cni* veth*", "netbox_proxbox.guestvminterface", []string{"docker0", "cni0", "veth3a1b2c3"}, 16},
		{"PROXBOX_FILTER_SUBNETS=10.10.0.0/16", "ipam.ipaddress", []string{"192.0.2.11/24", "2001:db8:10::64/64"}, 16},
		{"PROXBOX_FILTER_IGNORE_SUBNETS=10.10.0.0/16,2001:db8::/32", "ipam.ipaddress", []string{"10.10.0.2/24", "2001:db8:10::64/64"}, 16},
	} {
		t.Run(c.environ, func(t *testing.T) {
			pool := func(e *proxmoxsim.Estate) { e.Guest(100).Pool = "shop" }
			s := newSite(t, 16, 0)
			s.pve.Change(pool)
			s.setenv(t, c.environ)
			s.sync(t, run.Ask{})
			made := s.names(c.kind)
			for _, name := range c.out {
				if slices.Contains(made, name) {
					t.Errorf("%s was made", name)
				}
			}
			if n := s.asked("/config"); c.configs >= 0 && n != c.configs {
				t.Errorf("%d configurations were read, want %d", n, c.configs)
			}
			if again := s.sync(t, run.Ask{}); again.Created+again.Updated+again.Deleted != 0 {
				t.Errorf("again: %v", again.Done)
			}

			s = newSite(t, 16, 0)
			s.pve.Change(pool)
			s.sync(t, run.Ask{})
			before := s.names(c.kind)
			s.setenv(t, c.environ, "PROXBOX_DELETE_ORPHANS=true")
			if res := s.sync(t, run.Ask{Query: url.Values{"delete_nonexistent_backup": {"true"}, "delete_nonexistent_snapshot": {"true"}}}); res.Created+res.Updated+res.Deleted != 0 {
				t.Errorf("set later: %v", res.Done)
			}
			if after := s.names(c.kind); !slices.Equal(before, after) {
				t.Errorf("set later it leaves %v of %v", after, before)
			}
		})
	}
}

// TestFilteredAddressThatChanges: neither the address that a guest gave up nor
// the one that it has now is touched where the filter leaves both out.
func TestFilteredAddressThatChanges(t *testing.T) {
	s := newSite(t, 3, 0)
	s.sync(t, run.Ask{})
	s.setenv(t, "PROXBOX_FILTER_IGNORE_SUBNETS=10.10.0.0/16")
	s.pve.Change(func(e *proxmoxsim.Estate) { e.Guest(100).Readdress("10.10.0.2/24", "10.10.7.2/24") })
	if res := s.sync(t, run.Ask{}); res.Created+res.Updated+res.Deleted != 0 {
		t.Errorf("%v", res.Done)
	}
}

// TestBranch: every request of a run in a branch names it, and the readings of
// another branch are not shared with it.
func TestBranch(t *testing.T) {
	s := newSite(t, 3, time.Minute)
	s.nb.InstallBranching()
	inner := s.NetBoxTransport
	branches := map[string]int{}
	s.NetBoxTransport = roundTrip(func(r *http.Request) (*http.Response, error) {
		if !strings.HasSuffix(r.URL.Path, "/api/status/") && !strings.HasSuffix(r.URL.Path, "/settings/runtime/") {
			s.mu.Lock()
			branches[r.Method+" "+r.Header.Get("X-NetBox-Branch")]++
			s.mu.Unlock()
		}
		return inner.RoundTrip(r)
	})
	s.sync(t, run.Ask{Stage: run.Stages[0], Query: url.Values{"netbox_branch_schema_id": {"abcd1234"}}})
	for key := range branches {
		if !strings.HasSuffix(key, " abcd1234") {
			t.Errorf("%s without the branch", key)
		}
	}
	if branches["POST abcd1234"] == 0 || branches["GET abcd1234"] < 20 {
		t.Errorf("%v", branches)
	}
	clear(branches)
	s.sync(t, run.Ask{Stage: run.Stages[0]})
	if branches["GET "] < 20 || len(branches) > 2 {
		t.Errorf("after it, without a branch: %v", slices.Sorted(maps.Keys(branches)))
	}
}

// TestNoBranches: a NetBox without branches takes no notice of the header, so
// nothing is written to it for a run that is to work in one.
func TestNoBranches(t *testing.T) {
	s := newSite(t, 3, time.Minute)
	r, err := s.Start(run.Ask{Query: url.Values{"netbox_branch_schema_id": {"abcd1234"}}})
	if err != nil {
		t.Fatal(err)
	}
	<-r.Done()
	if _, err := r.Result(); !errors.Is(err, run.ErrNoBranches) {
		t.Errorf("the run ended with %v", err)
	}
	if s.writes > 0 {
		t.Errorf("%d writes to the main", s.writes)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestPlacement: what is new gets the endpoint's site and tenant; what is there
// keeps its own.
func TestPlacement(t *testing.T) {
	s := newSite(t, 2, 0)
	if _, err := s.nb.Seed("tenancy.tenant", map[string]any{"name": "Acme", "slug": "acme"}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Berlin", "Paris"} {
		if _, err := s.nb.Seed("dcim.site", map[string]any{"name": name, "slug": strings.ToLower(name)}); err != nil {
			t.Fatal(err)
		}
	}
	endpoints := s.Endpoints.(run.Given)
	endpoints.ProxmoxEndpoints[0].SiteSlug, endpoints.ProxmoxEndpoints[0].TenantName = "berlin", "Acme"
	endpoints.ProxmoxEndpoints[0].NodeDeviceNameTemplate = "{cluster}-{node}"
	s.sync(t, run.Ask{})
	device, cluster := s.named(t, "dcim.device", "demo-pve1"), s.named(t, "virtualization.cluster", "demo")
	if value(device, "site") != "Berlin" || value(device, "tenant") != "Acme" || value(cluster, "scope") != "Berlin" || value(cluster, "tenant") != "Acme" {
		t.Errorf("device at %s of %s, cluster at %s of %s", value(device, "site"), value(device, "tenant"), value(cluster, "scope"), value(cluster, "tenant"))
	}
	endpoints.ProxmoxEndpoints[0].SiteSlug, endpoints.ProxmoxEndpoints[0].TenantName = "paris", ""
	endpoints.ProxmoxEndpoints[0].NodeDeviceNameTemplate = ""
	if res := s.sync(t, run.Ask{}); res.Created+res.Updated+res.Deleted != 0 {
		t.Errorf("placed elsewhere: %v", res.Done)
	}
}

// TestMetadataInNotes: the ids in a guest's notes are set, under the flags, and
// one that NetBox does not have is a conflict.
func TestMetadataInNotes(t *testing.T) {
	s := newSite(t, 3, 0)
	other := s.seedOthers(t)
	tenants, err := s.nb.Seed("tenancy.tenant", map[string]any{"name": "Acme", "slug": "acme"})
	if err != nil {
		t.Fatal(err)
	}
	note := func(body string) {
		s.pve.Change(func(e *proxmoxsim.Estate) {
			e.Guest(100).Set("description", "The shop\n```netbox-metadata\n"+body+"\n```\n")
		})
	}
	note(fmt.Sprintf(`{"role": %d, "tenant": %d, "platform": %d}`, other["role"], tenants[0], other["platform"]))
	ask := run.Ask{Query: url.Values{"parse_description_metadata": {"true"}}}
	s.sync(t, ask)
	vm := s.named(t, "virtualization.virtualmachine", "web-01")
	if value(vm, "role") != "Theirs" || value(vm, "tenant") != "Acme" || value(vm, "platform") != "Theirs" || vm["description"] != "The shop" {
		t.Errorf("role %s, tenant %s, platform %s, description %s", value(vm, "role"), value(vm, "tenant"), value(vm, "platform"), vm["description"])
	}
	if res := s.sync(t, ask); res.Created+res.Updated+res.Deleted != 0 {
		t.Errorf("again: %v", res.Done)
	}
	note(`{"tenant": 999}`)
	res := s.sync(t, ask)
	if !slices.ContainsFunc(res.Reports, func(r plan.Report) bool { return r.Field == "tenant" && strings.Contains(r.Reason, "999") }) {
		t.Errorf("an id that is not there: %v", res.Reports)
	}
}

// TestInterfaceNames: who names the VM interfaces, by strategy and release of
// the plugin.
func TestInterfaceNames(t *testing.T) {
	for _, c := range []struct {
		name    string
		profile netboxsim.Profile
		query   url.Values
		want    string
	}{
		{"0.0.29", netboxsim.NetBox47, nil, "net0"},
		{"0.0.29, legacy", netboxsim.NetBox47, url.Values{"vm_interface_sync_strategy": {"legacy_rename"}}, "ens18"},
		{"0.0.29, legacy without the agent", netboxsim.NetBox47, url.Values{"vm_interface_sync_strategy": {"legacy_rename"},
			"use_guest_agent_interface_name": {"false"}}, "net0"},
		{"0.0.15", netboxsim.NetBox47Plugin15, nil, "ens18"},
		{"0.0.15 without the agent", netboxsim.NetBox47Plugin15, url.Values{"use_guest_agent_interface_name": {"false"}}, "net0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, 3, 0)
			s.nb = netboxsim.New(c.profile)
			s.NetBoxTransport = s.nb.Transport()
			s.sync(t, run.Ask{Query: c.query, Guests: []run.GuestID{{Type: domain.QEMU, VMID: 101}}})
			if got := s.names("virtualization.vminterface"); !slices.Equal(got, []string{c.want}) {
				t.Errorf("the interface is %v, want %s", got, c.want)
			}
		})
	}
}
