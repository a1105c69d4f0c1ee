package apply_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"proxbox/internal/apply"
	"proxbox/internal/desire"
	"proxbox/internal/domain"
	"proxbox/internal/netbox"
	"proxbox/internal/plan"
	"proxbox/internal/run"
	netboxsim "proxbox/internal/sim/netbox"
)

// engine is the whole way from snapshots to a simulated NetBox.
type engine struct {
	nb     *netboxsim.Server
	client *netbox.Client
	caps   netbox.Capabilities
	flags  desire.Flags

	removes map[domain.Kind]bool // what a run is asked to remove
	batches map[domain.Kind]apply.Batching
	orphans bool // things that are gone are marked, on their nodes' word
	views   bool // the guests' own view of their interfaces is kept too
}

func newEngine(t testing.TB, p netboxsim.Profile) *engine {
	t.Helper()
	e := &engine{nb: netboxsim.New(p), flags: desire.DefaultFlags}
	e.connect(t)
	return e
}

// connect opens a new client, as a new process would.
func (e *engine) connect(t testing.TB) {
	t.Helper()
	ep := domain.NetBoxEndpoint{Name: "sim", Domain: "netbox.invalid", Port: 80, TokenVersion: "v1", Token: netboxsim.Token}
	c, err := netbox.Open(ep, netbox.Options{Transport: e.nb.Client().Transport, MaxRetries: -1, MaxConcurrent: 2})
	if err != nil {
		t.Fatal(err)
	}
	e.client = c
	if e.caps, err = c.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
}

const changelogPrefix = "proxbox-api run "

// plan reads NetBox and plans.
func (e *engine) plan(ctx context.Context, snaps ...*domain.Snapshot) (*plan.Plan, *domain.Inventory, error) {
	inv, err := run.ReadInventory(ctx, e.client, time.Time{})
	if err != nil {
		return nil, nil, err
	}
	d := desire.Build(snaps, desire.Options{VirtualMachineTypes: e.caps.VirtualMachineTypes, SyncState: e.caps.SyncState,
		Plugin: e.caps.Plugin != "", GuestInterfaces: e.views && e.caps.GuestInterfaces, IgnoreLinkLocal: true})
	in := plan.Input{Objects: d.Objects, Whole: d.Whole, Inventory: inv, Owns: desire.Owns(e.flags), AddTags: e.caps.AddTags,
		Removes: e.removes, Stamp: "2026-01-01T00:00:00Z"}
	in.Things = plan.Things{Present: d.Present, Mark: e.orphans, Tag: desire.SoftDeleted()}
	p := plan.Make(in)
	if len(p.Vanished) > 0 {
		in.Things.Confirmed = map[domain.Ref]string{}
		for _, v := range p.Vanished {
			in.Things.Confirmed[v.Ref] = ""
		}
		p = plan.Make(in)
	}
	if len(p.Unproven) > 0 {
		made, err := e.client.MadeWith(ctx, domain.KindIPAddress, p.Unproven, changelogPrefix)
		if err != nil {
			return nil, nil, err
		}
		if t := inv.Table(domain.KindIPAddress); len(made) > 0 {
			if t.Marked == nil {
				t.Marked = map[int]bool{}
			}
			for id := range made {
				t.Marked[id] = true
			}
			p = plan.Make(in)
		}
	}
	if in.Keep, err = e.client.Missed(ctx, p.Doomed, desire.TagProxbox); err != nil {
		return nil, nil, err
	}
	if len(in.Keep) > 0 {
		p = plan.Make(in)
	}
	return p, inv, nil
}

// sync plans and carries out.
func (e *engine) sync(ctx context.Context, snaps ...*domain.Snapshot) (*plan.Plan, apply.Result, error) {
	p, inv, err := e.plan(ctx, snaps...)
	if err != nil {
		return nil, apply.Result{}, err
	}
	opt := apply.Options{Settle: time.Millisecond, Batches: e.batches}
	if e.caps.ChangelogMessage {
		opt.Message = func(c plan.Change) string { return changelogPrefix + "test: " + c.Why }
	}
	res, err := apply.Run(ctx, e.client, p, inv, opt)
	return p, res, err
}

// mustSync is a sync of which nothing fails.
func (e *engine) mustSync(t testing.TB, snaps ...*domain.Snapshot) (*plan.Plan, apply.Result) {
	t.Helper()
	p, res, err := e.sync(t.Context(), snaps...)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range append(p.Reports, res.Reports...) {
		if r.Outcome != plan.Conflict {
			t.Errorf("%s: %s %s %s: %s", r.Outcome, r.Kind, r.Label, r.Field, r.Reason)
		}
	}
	return p, res
}

// mustRest is a sync that has nothing to write.
func (e *engine) mustRest(t testing.TB, snaps ...*domain.Snapshot) {
	t.Helper()
	e.nb.ResetStats()
	p, _ := e.mustSync(t, snaps...)
	for i, c := range p.Changes {
		if i == 8 {
			t.Errorf("and %d more", len(p.Changes)-i)
			break
		}
		t.Errorf("planned without need: %s %s %s: %v -> %v (%s)", c.Op, c.Kind, c.Label, c.Old, c.Set, c.Why)
	}
	if n := e.nb.Stats().Writes; n != 0 {
		t.Errorf("%d writes without need", n)
	}
}

// seed makes objects that are there before any run.
func (e *engine) seed(t testing.TB, kind string, objects ...map[string]any) []int {
	t.Helper()
	ids, err := e.nb.Seed(kind, objects...)
	if err != nil {
		t.Fatalf("seed %s: %v", kind, err)
	}
	return ids
}

// pluginRows makes what the plugin itself keeps about an endpoint.
func (e *engine) pluginRows(t testing.TB, s *domain.Snapshot) {
	t.Helper()
	if e.caps.Plugin == "" {
		return
	}
	pk := s.Endpoint.PluginID()
	e.seed(t, "netbox_proxbox.proxmoxendpoint", map[string]any{"id": pk, "name": s.Endpoint.DisplayName(), "domain": s.Endpoint.Domain,
		"port": 8006, "mode": "cluster", "username": "root@pam"})
	cluster := e.seed(t, "netbox_proxbox.proxmoxcluster", map[string]any{"endpoint": pk, "name": s.Cluster.Name, "cluster_id": s.Cluster.Name, "mode": "cluster"})
	for i, n := range s.Nodes {
		e.seed(t, "netbox_proxbox.proxmoxnode", map[string]any{"endpoint": pk, "proxmox_cluster": cluster[0], "name": n.Name, "node_id": i + 1, "ip_address": n.IP})
	}
}

func macOf(endpoint, vmid, nic int) string {
	return fmt.Sprintf("BC:24:11:%02X:%02X:%02X", endpoint, vmid&0xff, nic)
}

func prefixes(list ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// estate is a cluster of two nodes with guests of every sort, and what the
// plugin keeps of it.
func estate(endpoint int, name string) *domain.Snapshot {
	ep := domain.ProxmoxEndpoint{ID: endpoint, Name: fmt.Sprintf("%s-%d (nb:%d)", name, endpoint, endpoint),
		Domain: fmt.Sprintf("px%d.example.org", endpoint), Port: 8006}
	s := &domain.Snapshot{Endpoint: ep, Cluster: domain.Cluster{Name: name, Quorate: true}, Complete: domain.Completeness{Guests: true, Nodes: true}}
	for i := 1; i <= 2; i++ {
		s.Nodes = append(s.Nodes, domain.Node{Name: fmt.Sprintf("pve%d", i), NodeID: i, Online: true, IP: fmt.Sprintf("192.0.%d.%d", endpoint, i),
			SSLFingerprint: fmt.Sprintf("%d:%d", endpoint, i), Interfaces: domain.Is([]domain.NodeInterface{
				{Name: "eno1", Type: "eth", Active: true},
				{Name: "vmbr0", Type: "bridge", Active: true, VLANAware: true, Ports: []string{"eno1"}, Addresses: prefixes(fmt.Sprintf("192.0.%d.%d/24", endpoint, i))},
				{Name: "vmbr0.30", Type: "vlan", Active: true, VLAN: 30, RawDevice: "vmbr0"},
			})})
	}
	for n := range 8 {
		s.Guests = append(s.Guests, guest(endpoint, 100+n, s.Nodes[n%2].Name))
	}
	withRecords(s)
	return s
}

// guest is one guest; its vmid decides of which sort it is.
func guest(endpoint, vmid int, node string) domain.Guest {
	g := domain.Guest{VMID: vmid, Type: domain.QEMU, Name: fmt.Sprintf("guest%d", vmid), Node: node, Status: "running", CPUs: 2, MemoryBytes: 2 << 30}
	cfg := domain.GuestConfig{Name: g.Name, OSType: "l26", OnBoot: true, AgentEnabled: true, UUID: fmt.Sprintf("00000000-0000-4000-8000-%012d", vmid),
		Tags: []string{"prod"}, Disks: []domain.Disk{{Key: "scsi0", Storage: "local-lvm", SizeMB: 10240, Format: "raw"}},
		NICs: []domain.NIC{{Key: "net0", MAC: macOf(endpoint, vmid, 0), Model: "virtio", Bridge: "vmbr0", VLAN: 20}}}
	address := fmt.Sprintf("10.%d.%d.%d/16", endpoint, vmid>>8, vmid&0xff)
	switch vmid % 4 {
	case 1:
		g.Type, cfg.AgentEnabled, cfg.UUID = domain.LXC, false, ""
		cfg.NICs[0].Name, cfg.NICs[0].Model = "eth0", "veth"
		cfg.NICs[0].Addresses = prefixes(address)
	case 2:
		cfg.NICs = append(cfg.NICs, domain.NIC{Key: "net2", Index: 2, MAC: macOf(endpoint, vmid, 2), Model: "e1000", Bridge: "vmbr0", Trunks: []int{5, 6}, LinkDown: true, MTU: 9000})
		cfg.Disks = append(cfg.Disks, domain.Disk{Key: "virtio1", Storage: "ceph", SizeMB: 512})
	case 3:
		g.Status, cfg.AgentEnabled, g.Template = "stopped", false, true
		cfg.NICs[0].Addresses = prefixes(address)
	}
	if cfg.AgentEnabled {
		g.Agent = domain.Is([]domain.GuestInterface{
			{Name: "lo", MAC: "00:00:00:00:00:00", Addresses: prefixes("127.0.0.1/8")},
			{Name: "eth0", MAC: cfg.NICs[0].MAC, Addresses: prefixes(address, fmt.Sprintf("2001:db8:%d::%x/64", endpoint, vmid), "fe80::1/64")},
			{Name: "docker0", MAC: "02:42:00:00:00:01", Addresses: prefixes("172.17.0.1/16")},
		})
		g.Hostname = g.Name + ".example.org"
	}
	g.Tags = cfg.Tags
	g.Config = domain.Is(cfg)
	return g
}

// TestSecondRunWritesNothing on every supported NetBox.
func TestSecondRunWritesNothing(t *testing.T) {
	for name, profile := range netboxsim.Profiles() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEngine(t, profile)
			e.views = true
			s := estate(1, "lab")
			e.pluginRows(t, s)
			p, res := e.mustSync(t, s)
			if res.Created == 0 || len(p.Reports) > 0 {
				t.Errorf("created %d, reports %v", res.Created, p.Reports)
			}
			if n := e.nb.Count("virtualization.virtualmachine"); n != len(s.Guests) {
				t.Errorf("%d guests landed as %d virtual machines", len(s.Guests), n)
			}
			e.mustRest(t, s)
		})
	}
}

// labels of reports, for messages.
func labels(reports []plan.Report) string {
	var out []string
	for _, r := range reports {
		out = append(out, fmt.Sprintf("%s %s %s: %s", r.Outcome, r.Label, r.Field, r.Reason))
	}
	return strings.Join(out, "\n")
}
