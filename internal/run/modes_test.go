package run_test

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"proxbox/internal/domain"
	"proxbox/internal/plan"
	"proxbox/internal/run"
	"proxbox/internal/settings"
	proxmoxsim "proxbox/internal/sim/proxmox"
)

// kindsOf are what each sync mode is about.
var kindsOf = map[string][]domain.Kind{
	"cluster":      {domain.KindCluster, domain.KindClusterState, domain.KindProxmoxCluster},
	"node":         {domain.KindDevice, domain.KindDeviceState, domain.KindInterface, domain.KindInterfaceState},
	"vm":           {domain.KindVirtualMachine, domain.KindVMState, domain.KindVirtualDisk, domain.KindVMInterface, domain.KindCloudInit},
	"vm_interface": {domain.KindVMInterface, domain.KindVMInterfaceState, domain.KindGuestInterface},
	"mac":          {domain.KindMACAddress},
	"ip_address":   {domain.KindIPAddress, domain.KindIPAddressState, domain.KindGuestInterfaceAddr},
	"storage":      {domain.KindProxmoxStorage},
}

// edits change something of every kind in Proxmox.
func edits(e *proxmoxsim.Estate) {
	e.Guest(100).Set("memory", "4096")
	e.Guest(100).Set("description", "changed")
	e.Guest(100).Set("scsi0", "local-lvm:vm-100-disk-0,size=99G")
	e.Guest(100).Set("net0", "virtio=BC:24:11:00:00:64,bridge=vmbr0,tag=99,link_down=1")
	e.Guest(100).Readdress("10.10.0.2/24", "10.10.77.2/24")
	e.Guest(101).Add("net", "virtio=BC:24:AA:00:00:01,bridge=vmbr0")
	e.Guest(105).Set("net0", "rtl8139=BC:24:AA:00:00:02,bridge=vmbr0")
	e.Node("pve2").Offline = true
	e.Node("pve1").Network[0]["autostart"] = 0
	e.Storages = append(e.Storages, proxmoxsim.Storage{Config: proxmoxsim.Row{"storage": "added", "type": "dir", "content": "images", "path": "/srv"}})
}

// spoil changes the cluster in NetBox.
func (s *site) spoil(t *testing.T) {
	t.Helper()
	for _, o := range s.nb.Objects("virtualization.cluster") {
		if err := s.nb.Patch("virtualization.cluster", int(o["id"].(float64)), map[string]any{"description": "a person's"}); err != nil {
			t.Fatal(err)
		}
	}
}

// writes are what a run wrote of some kinds, but for what belongs to nodes.
func writes(res *run.Result, kinds []domain.Kind) []string {
	var out []string
	for _, c := range res.Done {
		onNode := c.Kind == domain.KindMACAddress || c.Kind == domain.KindIPAddress || c.Kind == domain.KindIPAddressState
		if slices.Contains(kinds, c.Kind) && !(onNode && strings.Contains(string(c.Key), "/node/")) {
			out = append(out, fmt.Sprintf("%s %s %s %v", c.Op, c.Kind, c.Label, c.Set))
		}
	}
	return out
}

// TestDisabledMode: nothing is made of a kind whose mode is disabled; what was
// made of it before is neither changed nor removed.
func TestDisabledMode(t *testing.T) {
	for mode, kinds := range kindsOf {
		t.Run(mode, func(t *testing.T) {
			query := url.Values{"sync_mode_" + mode: {"disabled"}}
			if mode == "vm" {
				query.Set("sync_mode_vm_template", "disabled")
			}
			fresh := newSite(t, 12, 0)
			res := fresh.sync(t, run.Ask{Query: query})
			if w := writes(res, kinds); len(w) > 0 {
				t.Errorf("made: %v", w)
			}
			if again := fresh.sync(t, run.Ask{Query: query}); again.Created+again.Updated+again.Deleted != 0 {
				t.Errorf("again: %v", again.Done)
			}
			s := newSite(t, 12, 0)
			s.sync(t, run.Ask{})
			s.pve.Change(edits)
			s.spoil(t)
			if w := writes(s.sync(t, run.Ask{Query: query}), kinds); len(w) > 0 {
				t.Errorf("after Proxmox changed: %v", w)
			}
			if w := writes(s.sync(t, run.Ask{}), kinds); len(w) == 0 {
				t.Error("without the mode there is nothing to write either")
			}
		})
	}
}

// TestTemplatesHaveTheirOwnMode: sync_mode_vm_template is about templates
// alone, and sync_mode_vm about the others.
func TestTemplatesHaveTheirOwnMode(t *testing.T) {
	templates := func(s *site) (all, others int) {
		for _, o := range s.nb.Objects("virtualization.virtualmachine") {
			if strings.Contains(fmt.Sprint(o["tags"]), "proxbox-template") {
				all++
			} else {
				others++
			}
		}
		return all, others
	}
	whole := newSite(t, 30, 0)
	whole.sync(t, run.Ask{})
	wantTemplates, wantOthers := templates(whole)
	if wantTemplates == 0 {
		t.Fatal("the demo has no template")
	}
	for _, c := range []struct {
		mode              string
		templates, others int
	}{{"sync_mode_vm", wantTemplates, 0}, {"sync_mode_vm_template", 0, wantOthers}} {
		s := newSite(t, 30, 0)
		s.sync(t, run.Ask{Query: url.Values{c.mode: {"disabled"}}})
		if a, b := templates(s); a != c.templates || b != c.others {
			t.Errorf("%s=disabled: %d templates and %d others, want %d and %d", c.mode, a, b, c.templates, c.others)
		}
	}
}

// bootstrap is a query that makes everything once.
func bootstrap() url.Values {
	q := url.Values{}
	for _, m := range []string{"vm", "vm_template", "vm_interface", "mac", "ip_address", "cluster", "node", "storage"} {
		q.Set("sync_mode_"+m, string(settings.BootstrapOnly))
	}
	return q
}

// TestBootstrapOnly: everything is made, with the tag, in one run and in the
// stages of the plugin alike; then Proxmox may change as it likes.
func TestBootstrapOnly(t *testing.T) {
	for _, stages := range []bool{false, true} {
		t.Run(fmt.Sprintf("stages %t", stages), func(t *testing.T) {
			sync := func(s *site, q url.Values) (done []string) {
				asks := []run.Ask{{Query: q}}
				if stages {
					asks = nil
					for _, stage := range run.Stages {
						q := maps.Clone(q)
						q.Set("sync_vm_network", "false")
						asks = append(asks, run.Ask{Stage: stage, Query: q})
					}
				}
				for _, ask := range asks {
					for _, c := range s.sync(t, ask).Done {
						done = append(done, fmt.Sprintf("%s %s %s %v", c.Op, c.Kind, c.Label, c.Set))
					}
				}
				return done
			}
			plain, s := newSite(t, 12, time.Minute), newSite(t, 12, time.Minute)
			sync(plain, url.Values{})
			sync(s, bootstrap())
			for _, kind := range s.nb.Kinds() {
				want := plain.nb.Count(kind)
				if kind == "extras.tag" {
					want++
				}
				if got := s.nb.Count(kind); got != want && kind != "core.objectchange" {
					t.Errorf("%d of %s, want %d", got, kind, want)
				}
			}
			for _, kind := range []string{"virtualization.cluster", "dcim.device", "virtualization.virtualmachine", "virtualization.vminterface",
				"netbox_proxbox.proxmoxstorage"} {
				for _, o := range s.nb.Objects(kind) {
					if !strings.Contains(fmt.Sprint(o["tags"]), "bootstrap-only") {
						t.Errorf("%s %v has the tags %v", kind, o["name"], o["tags"])
					}
				}
			}
			s.Memory.Forget()
			if done := sync(s, bootstrap()); len(done) > 0 {
				t.Errorf("again: %v", done)
			}
			s.pve.Change(edits)
			s.spoil(t)
			s.Memory.Forget()
			for _, line := range sync(s, bootstrap()) {
				if !strings.HasPrefix(line, string(plan.Create)) {
					t.Errorf("written: %s", line)
				}
			}
			s.Memory.Forget()
			if done := sync(s, bootstrap()); len(done) > 0 {
				t.Errorf("at last: %v", done)
			}
		})
	}
}
