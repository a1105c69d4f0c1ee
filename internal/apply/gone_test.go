package apply_test

import (
	"slices"
	"strings"
	"testing"

	"proxbox/internal/desire"
	"proxbox/internal/domain"
	"proxbox/internal/plan"
	netboxsim "proxbox/internal/sim/netbox"
)

// statusOf is the status of the VM with a name, and whether it has the tag.
func (e *engine) statusOf(t *testing.T, name string) (status string, marked bool) {
	t.Helper()
	for _, o := range e.nb.Objects("virtualization.virtualmachine") {
		if o["name"] != name {
			continue
		}
		marked = slices.ContainsFunc(o["tags"].([]any), func(tag any) bool { return tag.(map[string]any)["slug"] == desire.TagSoftDeleted })
		return o["status"].(map[string]any)["value"].(string), marked
	}
	t.Fatalf("there is no virtual machine %q", name)
	return "", false
}

// larger is an estate of which one guest may go.
func larger(endpoint int, name string) *domain.Snapshot {
	s := estate(endpoint, name)
	for n := range 4 {
		s.Guests = append(s.Guests, guest(endpoint, 200+4*n, s.Nodes[0].Name))
	}
	return s
}

func without(s *domain.Snapshot, vmid int) *domain.Snapshot {
	out := *s
	out.Guests = slices.DeleteFunc(slices.Clone(s.Guests), func(g domain.Guest) bool { return g.VMID == vmid })
	return &out
}

// TestGoneOnEveryNetBox: marked, and as it was when it is back, whether its
// identity is in the plugin's rows or in custom fields.
func TestGoneOnEveryNetBox(t *testing.T) {
	for name, profile := range netboxsim.Profiles() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEngine(t, profile)
			e.orphans = true
			s := larger(1, "lab")
			e.pluginRows(t, s)
			e.mustSync(t, s)
			before := e.nb.Dump(false, "virtualization.virtualmachine", "ipam.ipaddress")
			e.mustSync(t, without(s, 200))
			if status, marked := e.statusOf(t, "guest200"); status != "decommissioning" || !marked {
				t.Errorf("gone, it is %s, marked %t", status, marked)
			}
			e.mustRest(t, without(s, 200))
			e.mustSync(t, s)
			if after := e.nb.Dump(false, "virtualization.virtualmachine", "ipam.ipaddress"); string(after) != string(before) {
				t.Error("back again it is not what it was")
			}
			e.mustRest(t, s)
		})
	}
}

// TestMovedOnEveryNetBox: a guest that left for another cluster of ours takes
// its object, its interfaces and its addresses along; and a vmid used again
// there is another guest.
func TestMovedOnEveryNetBox(t *testing.T) {
	for name, profile := range netboxsim.Profiles() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEngine(t, profile)
			lab, annex := larger(1, "lab"), estate(2, "annex")
			for i := range annex.Guests {
				g := &annex.Guests[i]
				cfg := g.Config.Value
				if cfg.UUID != "" {
					cfg.UUID = "10000000" + cfg.UUID[8:]
				}
				g.Config = domain.Is(cfg)
			}
			e.pluginRows(t, lab)
			e.pluginRows(t, annex)
			e.mustSync(t, lab, annex)
			moved := lab.Guests[slices.IndexFunc(lab.Guests, func(g domain.Guest) bool { return g.VMID == 204 })]
			cfg := moved.Config.Value
			cfg.CreatedAt = 1_700_000_000
			moved.Config = domain.Is(cfg)
			lab = without(lab, 204)
			moved.VMID, moved.Node = 700, "pve2"
			annex.Guests = append(annex.Guests, moved)
			p, res := e.mustSync(t, lab, annex)
			for _, c := range p.Changes {
				if c.Op != plan.Update && c.Kind != domain.KindVLAN && !strings.HasPrefix(string(c.Kind), "extras.") {
					t.Errorf("%s %s %s", c.Op, c.Kind, c.Label)
				}
			}
			if reports := append(p.Reports, res.Reports...); len(reports) > 0 {
				t.Errorf("reported:\n%s", labels(reports))
			}
			if n := e.nb.Count("virtualization.virtualmachine"); n != 20 {
				t.Errorf("%d virtual machines for 20 guests", n)
			}
			e.mustRest(t, lab, annex)

			again := moved
			cfg = again.Config.Value
			cfg.UUID, cfg.CreatedAt, cfg.Name = "20000000-0000-4000-8000-000000000000", 1_800_000_000, "another"
			again.Name, again.Config = "another", domain.Is(cfg)
			annex.Guests[len(annex.Guests)-1] = again
			e.mustSync(t, lab, annex)
			if status, marked := e.statusOf(t, "guest204"); status != "decommissioning" || !marked {
				t.Errorf("its vmid is used again, and it is %s, marked %t", status, marked)
			}
			if status, marked := e.statusOf(t, "another"); status != "active" || marked {
				t.Errorf("the new guest is %s, marked %t", status, marked)
			}
			e.mustRest(t, lab, annex)
		})
	}
}
