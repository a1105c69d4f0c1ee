package plan_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"proxbox/internal/desire"
	"proxbox/internal/domain"
	"proxbox/internal/plan"
)

// small is a cluster of one node with one guest, which has one of everything.
func small() *domain.Snapshot {
	return &domain.Snapshot{
		Endpoint: domain.ProxmoxEndpoint{ID: 1, Name: "px (nb:1)", Domain: "px.example.org", Port: 8006},
		Cluster:  domain.Cluster{Name: "lab", Quorate: true},
		Complete: domain.Completeness{Guests: true},
		Nodes:    []domain.Node{{Name: "pve1", Online: true, SSLFingerprint: "aa"}},
		Guests:   []domain.Guest{web(100)},
	}
}

// web is a guest with one disk, and one NIC whose address the guest tells.
func web(vmid int) domain.Guest {
	nic := domain.NIC{Key: "net0", MAC: mac(vmid), Bridge: "vmbr0"}
	return domain.Guest{
		VMID: vmid, Type: domain.QEMU, Name: "web", Node: "pve1", Status: "running", CPUs: 2, MemoryBytes: 1 << 30, Tags: []string{"prod"},
		Config: domain.Is(domain.GuestConfig{Name: "web", OSType: "l26", AgentEnabled: true, Tags: []string{"prod"}, NICs: []domain.NIC{nic},
			Disks: []domain.Disk{{Key: "scsi0", Storage: "local", SizeMB: 1024}}}),
		Agent: domain.Is([]domain.GuestInterface{{Name: "eth0", MAC: nic.MAC, Addresses: []netip.Prefix{address(vmid)}}}),
	}
}

func address(vmid int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(vmid)}), 24)
}

// config changes the configuration of a guest.
func config(g *domain.Guest, change func(*domain.GuestConfig)) {
	cfg := g.Config.Value
	cfg.NICs, cfg.Disks = slices.Clone(cfg.NICs), slices.Clone(cfg.Disks)
	change(&cfg)
	g.Config = domain.Is(cfg)
}

// says is what the guest's agent tells of its only NIC.
func says(g *domain.Guest, addresses ...string) {
	seen := domain.GuestInterface{Name: "eth0", MAC: g.Config.Value.NICs[0].MAC}
	for _, a := range addresses {
		seen.Addresses = append(seen.Addresses, netip.MustParsePrefix(a))
	}
	g.Agent = domain.Is([]domain.GuestInterface{seen})
}

// synced is a NetBox that holds what the snapshots say.
func synced(t *testing.T, snaps ...*domain.Snapshot) *world {
	t.Helper()
	w := newWorld()
	for _, s := range snaps {
		w.plugin(s)
	}
	w.do(t, planOf(w, snaps...))
	return w
}

// plugin makes what the plugin itself keeps about an endpoint.
func (w *world) plugin(s *domain.Snapshot) {
	pk := s.Endpoint.PluginID()
	w.inv.Table(domain.KindProxmoxEndpoint).Put(&domain.Row{ID: pk, Fields: domain.Fields{"name": s.Endpoint.DisplayName()}})
	for _, n := range s.Nodes {
		w.put(domain.KindProxmoxNode, domain.Fields{"endpoint": domain.At(domain.KindProxmoxEndpoint, pk), "name": n.Name, "netbox_device": nil})
	}
	w.put(domain.KindProxmoxCluster, domain.Fields{"endpoint": domain.At(domain.KindProxmoxEndpoint, pk), "name": s.Cluster.Name, "netbox_cluster": nil})
}

// find is the row of a kind whose name, address or MAC begins so; with several
// the first.
func (w *world) find(t *testing.T, kind domain.Kind, name string) *domain.Row {
	t.Helper()
	for r := range w.inv.Table(kind).Rows() {
		for _, field := range []string{"name", "address", "mac_address", "proxmox_vm_name", "slug", "volume_id"} {
			if s := r.Text(field); s == name || s != "" && strings.HasPrefix(s, name+"/") {
				return r
			}
		}
	}
	t.Fatalf("no %s %q", kind, name)
	return nil
}

// set is a person's edit.
func (w *world) set(t *testing.T, kind domain.Kind, name, field string, v any) {
	t.Helper()
	r := w.find(t, kind, name)
	f := domain.Fields{}
	for k, old := range r.Fields {
		f[k] = old
	}
	f[field] = v
	w.inv.Table(kind).Put(&domain.Row{ID: r.ID, Fields: f})
}

// add is an object that a person makes.
func (w *world) add(kind domain.Kind, fields domain.Fields) domain.Ref {
	f := empty(kind)
	for k, v := range fields {
		f[k] = v
	}
	return domain.At(kind, w.put(kind, f).ID)
}

func (w *world) ref(t *testing.T, kind domain.Kind, name string) domain.Ref {
	t.Helper()
	return domain.At(kind, w.find(t, kind, name).ID)
}

// mark is our tag, as a list.
func (w *world) mark(t *testing.T) domain.Refs {
	return domain.Refs{w.ref(t, domain.KindTag, "Proxbox")}
}

// lines are the changes of a plan, a line each: "~ virtualmachine qemu 100
// (web) name web→www". What is set to make an object is not repeated.
func lines(p *plan.Plan, inv *domain.Inventory) []string {
	var out []string
	for _, s := range p.Show(inv) {
		_, kind, _ := strings.Cut(string(s.Kind), ".")
		name := kind + " " + s.Name
		if strings.HasPrefix(s.Name, "sync-state of ") {
			name = s.Name
		}
		line := map[plan.Op]string{plan.Create: "+ ", plan.Update: "~ ", plan.Delete: "- "}[s.Op] + name
		for _, f := range s.Fields {
			if s.Op == plan.Update && f.Name != "proxmox_last_updated" {
				line += fmt.Sprintf(" %s %s→%s", f.Name, brief(f.Old), brief(f.New))
			}
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return out
}

func brief(v any) string {
	if list, ok := v.([]string); v == nil || ok && len(list) == 0 {
		return "-"
	}
	return fmt.Sprint(v)
}

// told are the reports of a plan, a line each.
func told(p *plan.Plan) []string {
	var out []string
	for _, r := range p.Reports {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s", r.Outcome, r.Label, r.Field)))
	}
	slices.Sort(out)
	return out
}

// check compares what is planned and reported with what should be, carries it
// out, and makes sure that nothing is left to do.
func (w *world) check(t *testing.T, changes, reports []string, snaps ...*domain.Snapshot) {
	t.Helper()
	p := planOf(w, snaps...)
	slices.Sort(changes)
	slices.Sort(reports)
	if d := cmp.Diff(changes, lines(p, w.inv)); d != "" {
		t.Errorf("changes (-want +got):\n%s", d)
	}
	if d := cmp.Diff(reports, told(p)); d != "" {
		t.Errorf("reports (-want +got):\n%s", d)
	}
	w.do(t, p)
	if p := planOf(w, snaps...); len(p.Changes) > 0 {
		t.Errorf("a second run would write: %v", lines(p, w.inv))
	}
}

// options of a NetBox that has everything.
var everything = desire.Options{VirtualMachineTypes: true, SyncState: true, Plugin: true, SDN: true, IgnoreLinkLocal: true}
