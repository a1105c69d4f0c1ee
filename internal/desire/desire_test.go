package desire

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"proxbox/internal/domain"
)

// full is a NetBox that has everything.
var full = Options{VirtualMachineTypes: true, SyncState: true, Plugin: true, SDN: true, IgnoreLinkLocal: true}

func snapshot(guests ...domain.Guest) *domain.Snapshot {
	return &domain.Snapshot{
		Endpoint: domain.ProxmoxEndpoint{ID: 1, Name: "px (nb:1)", Domain: "px.example.org", Port: 8006},
		Cluster:  domain.Cluster{Name: "lab"},
		Nodes:    []domain.Node{{Name: "pve1", Online: true}},
		Guests:   guests,
	}
}

func virtualMachine(change func(g *domain.Guest, c *domain.GuestConfig)) domain.Guest {
	g := domain.Guest{VMID: 100, Type: domain.QEMU, Name: "web", Node: "pve1", Status: "running", CPUs: 2, MemoryBytes: 1 << 30}
	var c domain.GuestConfig
	change(&g, &c)
	g.Config = domain.Is(c)
	return g
}

// wanted are the objects of a kind.
func wanted(d *Desired, kind domain.Kind) []domain.Object {
	var out []domain.Object
	for _, o := range d.Objects {
		if o.Kind == kind {
			out = append(out, o)
		}
	}
	return out
}

// one is the only object of a kind.
func one(t *testing.T, d *Desired, kind domain.Kind) domain.Object {
	t.Helper()
	list := wanted(d, kind)
	if len(list) != 1 {
		t.Fatalf("%d objects of %s", len(list), kind)
	}
	return list[0]
}

// TestGuestValues: what each part of a guest's picture becomes.
func TestGuestValues(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(g *domain.Guest, c *domain.GuestConfig)
		field  string
		want   any
	}{
		{"name", nil, "name", "web"},
		{"a name that NetBox has no room for", func(g *domain.Guest, _ *domain.GuestConfig) { g.Name = strings.Repeat("ä", 70) }, "name", strings.Repeat("ä", 64)},
		{"the configuration's name", func(g *domain.Guest, c *domain.GuestConfig) { g.Name, c.Name = "", "db" }, "name", "db"},
		{"no name, but a status", func(g *domain.Guest, _ *domain.GuestConfig) { g.Name = "" }, "name", "VM 100"},
		{"no name and no status", func(g *domain.Guest, _ *domain.GuestConfig) { g.Name, g.Status = "", "unknown" }, "name", nil},
		{"running", nil, "status", "active"},
		{"stopped", func(g *domain.Guest, _ *domain.GuestConfig) { g.Status = "stopped" }, "status", "offline"},
		{"paused", func(g *domain.Guest, _ *domain.GuestConfig) { g.Status = "paused" }, "status", "offline"},
		{"suspended", func(g *domain.Guest, _ *domain.GuestConfig) { g.Status = "suspended" }, "status", "offline"},
		{"an unknown status", func(g *domain.Guest, _ *domain.GuestConfig) { g.Status = "unknown" }, "status", nil},
		{"processors", nil, "vcpus", domain.Decimal(200)},
		{"half a processor", func(g *domain.Guest, _ *domain.GuestConfig) { g.CPUs = 0.5 }, "vcpus", domain.Decimal(50)},
		{"the configuration's processors", func(g *domain.Guest, c *domain.GuestConfig) { g.CPUs, c.Cores = 0, 4 }, "vcpus", domain.Decimal(400)},
		{"no processors known", func(g *domain.Guest, _ *domain.GuestConfig) { g.CPUs = 0 }, "vcpus", nil},
		{"memory in MB", nil, "memory", 1024},
		{"the configuration's memory", func(g *domain.Guest, c *domain.GuestConfig) { g.MemoryBytes, c.MemoryBytes = 0, 512<<20 }, "memory", 512},
		{"no memory known", func(g *domain.Guest, _ *domain.GuestConfig) { g.MemoryBytes = 0 }, "memory", nil},
		{"the size is the disks'", func(_ *domain.Guest, c *domain.GuestConfig) { c.Disks = []domain.Disk{{Key: "scsi0", SizeMB: 9}} }, "disk", nil},
		{"starts with its node", func(_ *domain.Guest, c *domain.GuestConfig) { c.OnBoot = true }, "start_on_boot", "on"},
		{"does not", nil, "start_on_boot", "off"},
		{"serial number", func(_ *domain.Guest, c *domain.GuestConfig) { c.Serial = "S1" }, "serial", "S1"},
		{"platform", func(_ *domain.Guest, c *domain.GuestConfig) { c.OSType = "win11" }, "platform", domain.To(domain.KindPlatform, "windows-11")},
		{"an ostype that says nothing", func(_ *domain.Guest, c *domain.GuestConfig) { c.OSType = "other" }, "platform", nil},
		{"uuid", func(_ *domain.Guest, c *domain.GuestConfig) { c.UUID = "ab" }, "cf_proxmox_uuid", "ab"},
		{"node", nil, "device", domain.To(domain.KindDevice, "c1/node/pve1")},
		{"description", nil, "description", "Synced from Proxmox node pve1"},
		{"type", nil, "virtual_machine_type", domain.To(domain.KindVirtualMachineType, "qemu-virtual-machine")},
		{"no role beside a type", nil, "role", nil},
		{"no tenant", nil, "tenant", nil},
		{"no site: it follows the cluster's", nil, "site", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := virtualMachine(func(g *domain.Guest, cfg *domain.GuestConfig) {
				if c.change != nil {
					c.change(g, cfg)
				}
			})
			vm := one(t, Build([]*domain.Snapshot{snapshot(g)}, full), domain.KindVirtualMachine)
			if d := cmp.Diff(c.want, vm.Fields[c.field]); d != "" {
				t.Errorf("%s (-want +got):\n%s", c.field, d)
			}
		})
	}
}

// TestRoleWithoutTypes: before NetBox 4.6 the role says what a guest is.
func TestRoleWithoutTypes(t *testing.T) {
	opt := full
	opt.VirtualMachineTypes = false
	g := virtualMachine(func(g *domain.Guest, _ *domain.GuestConfig) { g.Type = domain.LXC })
	d := Build([]*domain.Snapshot{snapshot(g)}, opt)
	role := domain.To(domain.KindDeviceRole, "container-lxc")
	if got := one(t, d, domain.KindVirtualMachine).Fields["role"]; got != role {
		t.Errorf("role %v", got)
	}
	if got := one(t, d, domain.KindVMState).Fields["proxmox_last_synced_role_id"]; got != role {
		t.Errorf("the base is %v", got)
	}
}

// TestUnknownConfiguration: of a guest whose configuration could not be read
// nothing is said that only the configuration knows.
func TestUnknownConfiguration(t *testing.T) {
	g := virtualMachine(func(*domain.Guest, *domain.GuestConfig) {})
	g.Config = domain.Known[domain.GuestConfig]{}
	d := Build([]*domain.Snapshot{snapshot(g)}, full)
	vm, st := one(t, d, domain.KindVirtualMachine), one(t, d, domain.KindVMState)
	for _, f := range []string{"start_on_boot", "platform", "serial", "cf_proxmox_uuid"} {
		if v, ok := vm.Fields[f]; ok {
			t.Errorf("%s is %v", f, v)
		}
	}
	for _, f := range []string{"proxmox_start_at_boot", "proxmox_tags", "proxmox_qemu_agent", "proxmox_search_domain", "proxmox_os", "proxmox_cpu_type", "proxmox_notes"} {
		if v, ok := st.Fields[f]; ok {
			t.Errorf("%s is %v", f, v)
		}
	}
	if vm.Tags.Manages {
		t.Error("its tags are not known")
	}
	for whole := range d.Whole {
		if whole.Owner == vm.Key {
			t.Errorf("%s are not known whole", whole.Kind)
		}
	}
}

// TestSyncStateOfGuest: identity, place and base, and no clock.
func TestSyncStateOfGuest(t *testing.T) {
	g := virtualMachine(func(g *domain.Guest, c *domain.GuestConfig) {
		c.AgentEnabled, c.OnBoot, c.Tags, c.SearchDomain = true, true, []string{"b", "a"}, "example.org"
		c.OSType, c.CPUType, c.Description = "l26", "host", " first\nsecond\x00\n"
	})
	want := domain.Fields{
		"virtual_machine": domain.To(domain.KindVirtualMachine, "c1/qemu/100"), "proxmox_vm_id": 100, "proxmox_vm_type": "qemu", "proxmox_vm_name": "web",
		"proxmox_link": "https://px.example.org:8006/#v1:0:=qemu/100", "proxmox_node_name": "pve1", "proxmox_cluster_name": "lab",
		"proxmox_endpoint_raw_id": 1, "proxmox_node": domain.To(domain.KindProxmoxNode, "c1/node/pve1"),
		"endpoint": domain.At(domain.KindProxmoxEndpoint, 1), "proxmox_status": "running", "proxmox_start_at_boot": true,
		"proxmox_search_domain": "example.org", "proxmox_tags": "a,b", "proxmox_qemu_agent": true,
		"proxmox_os": "l26", "proxmox_cpu_type": "host", "proxmox_notes": "first\nsecond",
	}
	if d := cmp.Diff(want, one(t, Build([]*domain.Snapshot{snapshot(g)}, full), domain.KindVMState).Fields); d != "" {
		t.Error(d)
	}
}

// TestLink is left out where the plugin would refuse the host.
func TestLink(t *testing.T) {
	for host, want := range map[string]string{
		"px.example.org": "https://px.example.org:8006/#v1:0:=qemu/100", "192.0.2.1": "https://192.0.2.1:8006/#v1:0:=qemu/100",
		"2001:db8::1": "https://[2001:db8::1]:8006/#v1:0:=qemu/100", "localhost": "https://localhost:8006/#v1:0:=qemu/100",
		"pve": "", "px_1.example.org": "",
	} {
		s := snapshot(virtualMachine(func(*domain.Guest, *domain.GuestConfig) {}))
		s.Endpoint.Domain = host
		got, _ := one(t, Build([]*domain.Snapshot{s}, full), domain.KindVMState).Fields["proxmox_link"].(string)
		if got != want {
			t.Errorf("%s: %q", host, got)
		}
	}
}

// TestTags: marks, discovery tags and Proxmox's own.
func TestTags(t *testing.T) {
	g := virtualMachine(func(g *domain.Guest, c *domain.GuestConfig) { g.Template, c.Tags = true, []string{"prod", "db tier"} })
	s := snapshot(g)
	s.TagColors = map[string]string{"prod": "FF0000", "db tier": "nonsense"}
	d := Build([]*domain.Snapshot{s}, full)
	vm := one(t, d, domain.KindVirtualMachine)
	keys := func(refs domain.Refs) (out []string) {
		for _, r := range refs {
			out = append(out, string(r.Key))
		}
		return out
	}
	got := fmt.Sprint(keys(vm.Tags.Mark), keys(vm.Tags.OnCreate), keys(vm.Tags.Synced), vm.Tags.Manages)
	if want := "[proxbox proxbox-template] [proxbox-discovered-qemu] [db-tier prod] true"; got != want {
		t.Errorf("tags %s, want %s", got, want)
	}
	for _, o := range wanted(d, domain.KindTag) {
		switch o.Key {
		case "prod":
			if o.Fields["color"] != "ff0000" {
				t.Errorf("color %v", o.Fields["color"])
			}
		case "db-tier":
			if o.Fields["name"] != "db tier" || !hexColor.MatchString(o.Fields["color"].(string)) {
				t.Errorf("tag %v", o.Fields)
			}
		}
	}
	for kind, mark := range map[domain.Kind]int{domain.KindVirtualMachine: 2, domain.KindCluster: 1, domain.KindDevice: 1} {
		if n := len(one(t, d, kind).Tags.Mark); n != mark {
			t.Errorf("%s has %d marks", kind, n)
		}
	}
}

// TestPartsAreMarkedOnce: by their sync-state row, else by the tag.
func TestPartsAreMarkedOnce(t *testing.T) {
	g := virtualMachine(func(g *domain.Guest, c *domain.GuestConfig) {
		c.Disks = []domain.Disk{{Key: "scsi0", Storage: "local", SizeMB: 1}}
		c.NICs = []domain.NIC{{Key: "net0", MAC: "BC:24:11:00:00:01", Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/24")}}}
	})
	parts := []domain.Kind{domain.KindVirtualDisk, domain.KindVMInterface, domain.KindIPAddress}
	states := []domain.Kind{domain.KindVirtualDiskState, domain.KindVMInterfaceState, domain.KindIPAddressState}
	bare, both := Options{}, full
	both.TagParts = true
	for name, c := range map[string]struct {
		opt          Options
		tags, states int
	}{"rows": {full, 0, 1}, "no rows": {bare, 1, 0}, "both": {both, 1, 1}} {
		d := Build([]*domain.Snapshot{snapshot(g)}, c.opt)
		for i := range parts {
			if n := len(one(t, d, parts[i]).Tags.Mark); n != c.tags {
				t.Errorf("%s: %s has %d tags", name, parts[i], n)
			}
			if n := len(wanted(d, states[i])); n != c.states {
				t.Errorf("%s: %d of %s", name, n, states[i])
			}
		}
	}
}

// TestDisks: every bus, in MB; what has no size is made by nobody, and left
// where NetBox has it.
func TestDisks(t *testing.T) {
	g := virtualMachine(func(_ *domain.Guest, c *domain.GuestConfig) {
		c.Disks = []domain.Disk{
			{Key: "scsi0", Storage: "ceph", SizeMB: 10240, Format: "raw"}, {Key: "efidisk0", Storage: "local", SizeMB: 1},
			{Key: "mp1", Storage: "zfs", SizeMB: 3 << 31}, {Key: "scsi1", Volume: "/dev/sdb"}, {Key: "sata0", Volume: "/dev/sdc", SizeMB: 5},
		}
		c.Drives = []string{"ide2"}
	})
	var got []string
	for _, o := range wanted(Build([]*domain.Snapshot{snapshot(g)}, full), domain.KindVirtualDisk) {
		if o.Mode == domain.Existing {
			got = append(got, fmt.Sprintf("%s if it is there: %d fields", o.Fields["name"], len(o.Fields)))
			continue
		}
		got = append(got, fmt.Sprintf("%s %d %s", o.Fields["name"], o.Fields["size"], o.Fields["description"]))
	}
	want := []string{"scsi0 10240 Storage: ceph | Format: raw", "efidisk0 1 Storage: local", "mp1 2147483647 Storage: zfs",
		"scsi1 if it is there: 2 fields", "sata0 5 Storage: /dev/sdc", "ide2 if it is there: 2 fields"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestInterfaceValues: VLANs, trunks, names and what is left empty.
func TestInterfaceValues(t *testing.T) {
	vlan := func(vid int) domain.Ref {
		return domain.To(domain.KindVLAN, domain.Key(fmt.Sprintf("c1/vlan/%d", vid)))
	}
	all := make([]int, 100)
	for i := range all {
		all[i] = i + 2
	}
	for _, c := range []struct {
		name string
		nic  domain.NIC
		want domain.Fields
	}{
		{"plain", domain.NIC{}, domain.Fields{"name": "net0", "enabled": true, "mtu": nil, "mode": "", "untagged_vlan": nil, "tagged_vlans": domain.Refs(nil)}},
		{"link down and a size", domain.NIC{LinkDown: true, MTU: 9000}, domain.Fields{"enabled": false, "mtu": 9000}},
		{"the bridge's size", domain.NIC{MTU: 1}, domain.Fields{"mtu": nil}},
		{"a VLAN", domain.NIC{VLAN: 20}, domain.Fields{"mode": "access", "untagged_vlan": vlan(20), "tagged_vlans": domain.Refs(nil)}},
		{"a trunk", domain.NIC{Trunks: []int{7, 5, 7}}, domain.Fields{"mode": "tagged", "untagged_vlan": nil, "tagged_vlans": domain.Refs{vlan(5), vlan(7)}}},
		{"a trunk beside a VLAN", domain.NIC{VLAN: 5, Trunks: []int{5, 7}}, domain.Fields{"mode": "tagged", "untagged_vlan": vlan(5), "tagged_vlans": domain.Refs{vlan(7)}}},
		{"a trunk of all", domain.NIC{VLAN: 5, Trunks: all}, domain.Fields{"mode": "tagged-all", "untagged_vlan": vlan(5), "tagged_vlans": domain.Refs(nil)}},
		{"a container's own name", domain.NIC{Name: "eth0"}, domain.Fields{"name": "eth0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.nic.Key = "net0"
			g := virtualMachine(func(_ *domain.Guest, cfg *domain.GuestConfig) { cfg.NICs = []domain.NIC{c.nic} })
			got := one(t, Build([]*domain.Snapshot{snapshot(g)}, full), domain.KindVMInterface).Fields
			for f, want := range c.want {
				if d := cmp.Diff(want, got[f]); d != "" {
					t.Errorf("%s (-want +got):\n%s", f, d)
				}
			}
		})
	}
}

// addresses lists the addresses that are wanted, with how much.
func addresses(d *Desired) []string {
	var out []string
	for _, o := range wanted(d, domain.KindIPAddress) {
		out = append(out, fmt.Sprintf("%s %s%s", o.Fields["address"], map[domain.Mode]string{domain.Manage: "true", domain.Fill: "fill"}[o.Mode],
			map[bool]string{true: " whole"}[d.Whole[domain.PartsOf{Owner: o.Owner, Kind: domain.KindIPAddress}]]))
	}
	slices.Sort(out)
	return out
}

// TestWhereAddressesComeFrom: what the guest says, else what is configured.
func TestWhereAddressesComeFrom(t *testing.T) {
	const mac = "BC:24:11:00:00:01"
	static := domain.NIC{Key: "net0", MAC: mac, Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/24")}}
	says := func(interfaces ...domain.GuestInterface) domain.Known[[]domain.GuestInterface] {
		return domain.Is(interfaces)
	}
	at := func(name, mac string, list ...string) domain.GuestInterface {
		gi := domain.GuestInterface{Name: name, MAC: mac}
		for _, a := range list {
			gi.Addresses = append(gi.Addresses, netip.MustParsePrefix(a))
		}
		return gi
	}
	for _, c := range []struct {
		name  string
		kind  domain.GuestType
		agent bool
		seen  domain.Known[[]domain.GuestInterface]
		want  []string
	}{
		{name: "no agent: the configuration is the truth", kind: domain.QEMU, want: []string{"10.0.0.1/24 true whole"}},
		{name: "a silent agent: it fills", kind: domain.QEMU, agent: true, want: []string{"10.0.0.1/24 fill"}},
		{name: "a stopped container: it fills", kind: domain.LXC, want: []string{"10.0.0.1/24 fill"}},
		{name: "the guest answers", kind: domain.QEMU, agent: true, seen: says(at("eth0", mac, "10.0.0.2/24")), want: []string{"10.0.0.2/24 true whole"}},
		{name: "the guest answers and has none", kind: domain.QEMU, agent: true, seen: says(at("eth0", mac))},
		{name: "the guest answers and does not know the NIC", kind: domain.QEMU, agent: true, seen: says(at("lo", ""))},
		{name: "only interfaces of the configuration", kind: domain.QEMU, agent: true,
			seen: says(at("eth0", mac, "10.0.0.2/24"), at("docker0", "02:42:00:00:00:01", "172.17.0.1/16"), at("vrrp", "00:00:5E:00:01:01", "10.0.0.9/24")),
			want: []string{"10.0.0.2/24 true whole"}},
		{name: "bridge, VLAN and alias on the NIC", kind: domain.QEMU, agent: true,
			seen: says(at("eth0", mac), at("br0", mac, "10.0.0.2/24"), at("br0:1", mac, "10.0.0.3/24"), at("eth0.7", mac, "10.7.0.2/24")),
			want: []string{"10.0.0.2/24 true whole", "10.0.0.3/24 true whole", "10.7.0.2/24 true whole"}},
		{name: "what is no address of a host", kind: domain.QEMU, agent: true,
			seen: says(at("eth0", mac, "127.0.0.1/8", "169.254.0.9/16", "fe80::1/64", "ff02::1/16", "0.0.0.0/0", "2001:db8::1/64")),
			want: []string{"2001:db8::1/64 true whole"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := virtualMachine(func(g *domain.Guest, cfg *domain.GuestConfig) {
				g.Type, g.Agent, cfg.AgentEnabled, cfg.NICs = c.kind, c.seen, c.agent, []domain.NIC{static}
			})
			if d := cmp.Diff(c.want, addresses(Build([]*domain.Snapshot{snapshot(g)}, full))); d != "" {
				t.Error(d)
			}
		})
	}
	t.Run("link-local if so set", func(t *testing.T) {
		opt := full
		opt.IgnoreLinkLocal = false
		g := virtualMachine(func(g *domain.Guest, cfg *domain.GuestConfig) {
			g.Agent, cfg.NICs = says(at("eth0", mac, "fe80::1/64", "169.254.0.9/16")), []domain.NIC{static}
		})
		d := Build([]*domain.Snapshot{snapshot(g)}, opt)
		if got := addresses(d); !slices.Equal(got, []string{"fe80::1/64 true whole"}) {
			t.Error(got)
		}
		if v, ok := one(t, d, domain.KindVirtualMachine).Fields["primary_ip6"]; ok {
			t.Errorf("the primary address is %v", v)
		}
	})
	t.Run("the guest's names", func(t *testing.T) {
		opt := full
		opt.LegacyRename = true
		g := virtualMachine(func(g *domain.Guest, cfg *domain.GuestConfig) {
			g.Agent, cfg.NICs = says(at("eth0", mac), at("ens18", mac, "10.0.0.2/24")), []domain.NIC{static}
		})
		if got := one(t, Build([]*domain.Snapshot{snapshot(g)}, opt), domain.KindVMInterface).Fields["name"]; got != "ens18" {
			t.Errorf("name %v", got)
		}
	})
}

// TestDNSNames: what NetBox takes, and no host of its own.
func TestDNSNames(t *testing.T) {
	for hostname, want := range map[string]any{
		"Web.Example.Org.": "web.example.org", "web": "web", "localhost": nil, "localhost.localdomain": nil, "": nil, "bad name": nil, "a..b": nil,
		strings.Repeat("a.", 130): nil,
	} {
		g := virtualMachine(func(g *domain.Guest, cfg *domain.GuestConfig) {
			g.Hostname = hostname
			cfg.NICs = []domain.NIC{{Key: "net0", Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/24")}}}
		})
		if got := one(t, Build([]*domain.Snapshot{snapshot(g)}, full), domain.KindIPAddress).Fields["dns_name"]; got != want {
			t.Errorf("%q becomes %v", hostname, got)
		}
	}
}

// TestNodes: status, name by the endpoint's template, and its network.
func TestNodes(t *testing.T) {
	s := snapshot()
	s.Endpoint.NodeDeviceNameTemplate = "{cluster_slug}-{node}"
	s.Cluster.Name = "My Lab"
	s.Nodes[0].Online = false
	s.Nodes[0].IP = "192.0.2.9"
	prefix := func(s string) []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix(s)} }
	s.Nodes[0].Interfaces = domain.Is([]domain.NodeInterface{
		{Name: "lo", Type: "loopback", Addresses: prefix("127.0.0.1/8")},
		{Name: "eno1", Type: "eth", Active: true, MAC: "BC:24:11:00:00:09"},
		{Name: "bond0", Type: "bond", Slaves: []string{"eno1"}, Active: true, MTU: 9000},
		{Name: "vmbr0", Type: "bridge", Ports: []string{"bond0"}, Active: true, VLANAware: true, Addresses: prefix("192.0.2.1/24")},
		{Name: "vmbr0.30", Type: "vlan", VLAN: 30, RawDevice: "vmbr0", Autostart: true, Addresses: prefix("192.0.2.9/24")},
	})
	d := Build([]*domain.Snapshot{s}, full)
	device := one(t, d, domain.KindDevice)
	if device.Fields["name"] != "my-lab-pve1" || device.Fields["status"] != "offline" || device.Fields["description"] != "Proxmox Node pve1" {
		t.Errorf("device %v", device.Fields)
	}
	if got := device.Fields["primary_ip4"].(domain.Ref).Key; got != "c1/node/pve1/if/vmbr0.30/ip/192.0.2.9" {
		t.Errorf("its primary address is %s: it should be that of the cluster's network", got)
	}
	name := func(v any) string {
		ref, _ := v.(domain.Ref)
		return strings.TrimPrefix(string(ref.Key), "c1/node/pve1/if/")
	}
	var got []string
	for _, o := range wanted(d, domain.KindInterface) {
		got = append(got, fmt.Sprintf("%s %s %v bridge:%s lag:%s parent:%s mode:%v vlan:%s mtu:%v", o.Fields["name"], o.Fields["type"], o.Fields["enabled"],
			name(o.Fields["bridge"]), name(o.Fields["lag"]), name(o.Fields["parent"]), o.Fields["mode"], name(o.Fields["untagged_vlan"]), o.Fields["mtu"]))
	}
	want := []string{
		"eno1 other true bridge: lag:bond0 parent: mode:<nil> vlan: mtu:<nil>",
		"bond0 lag true bridge:vmbr0 lag: parent: mode:<nil> vlan: mtu:9000",
		"vmbr0 bridge true bridge: lag: parent: mode:tagged-all vlan: mtu:<nil>",
		"vmbr0.30 virtual true bridge: lag: parent:vmbr0 mode:access vlan:c1/vlan/30 mtu:<nil>",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestUnite: endpoints that share a node's certificate are one cluster, under
// the lower row id, and complete each other.
func TestUnite(t *testing.T) {
	a, b, c := snapshot(), snapshot(), snapshot()
	a.Nodes = []domain.Node{{Name: "pve1", SSLFingerprint: "A"}}
	b.Nodes = []domain.Node{{Name: "pve1", SSLFingerprint: "A", Interfaces: domain.Is([]domain.NodeInterface{{Name: "eno1"}})}, {Name: "pve2", SSLFingerprint: "B"}}
	c.Nodes = []domain.Node{{Name: "pve1", SSLFingerprint: "C"}}
	b.Endpoint.ID, b.Endpoint.Name = 2, "second (nb:2)"
	c.Endpoint.ID, c.Endpoint.Name = 3, "third (nb:3)"
	unread := domain.Guest{VMID: 100, Type: domain.QEMU, Name: "web", Node: "pve1"}
	read := unread
	read.Config = domain.Is(domain.GuestConfig{Name: "web"})
	a.Guests, b.Guests = []domain.Guest{unread}, []domain.Guest{{VMID: 7, Type: domain.QEMU, Name: "low"}, read}
	b.Complete.Guests = true
	views := unite([]*domain.Snapshot{c, b, a})
	if len(views) != 2 || views[0].key != "c1" || !slices.Equal(views[0].pluginIDs, []int{1, 2}) || views[1].key != "c3" {
		t.Fatalf("%d clusters: %+v", len(views), views)
	}
	v := views[0]
	if !v.Complete.Guests || len(v.Nodes) != 2 || !v.Nodes[0].Interfaces.OK {
		t.Errorf("united to %+v", v.Snapshot)
	}
	if len(v.Guests) != 2 || v.Guests[0].VMID != 7 || !v.Guests[1].Config.OK {
		t.Errorf("guests %+v", v.Guests)
	}
	if len(a.Guests) != 1 || len(a.Nodes) != 1 {
		t.Error("the snapshots were changed")
	}
}

// TestOwns: whose each field is, with and without its flag (rules.md 2).
func TestOwns(t *testing.T) {
	on, off := Owns(DefaultFlags), Owns(func(string) bool { return false })
	for _, c := range []struct {
		kind     domain.Kind
		field    string
		set, not domain.Ownership
	}{
		{domain.KindVirtualMachine, "status", domain.Always, domain.Always},
		{domain.KindVirtualMachine, "vcpus", domain.Always, domain.Always},
		{domain.KindVirtualMachine, "memory", domain.Always, domain.Always},
		{domain.KindVirtualMachine, "cluster", domain.Always, domain.Always},
		{domain.KindVirtualMachine, "device", domain.Always, domain.Always},
		{domain.KindVirtualMachine, "name", domain.ThreeWay, domain.ThreeWay},
		{domain.KindVirtualMachine, "role", domain.ThreeWay, domain.WhenEmpty},
		{domain.KindVirtualMachine, "synced_tags", domain.Always, domain.WhenEmpty},
		{domain.KindVirtualMachine, "tags", domain.Always, domain.WhenEmpty},
		{domain.KindVirtualMachine, "description", domain.Always, domain.WhenEmpty},
		{domain.KindVirtualMachine, "virtual_machine_type", domain.Always, domain.WhenEmpty},
		{domain.KindVirtualMachine, "platform", domain.WhenEmpty, domain.WhenEmpty},
		{domain.KindVirtualMachine, "primary_ip4", domain.WhenEmpty, domain.WhenEmpty},
		{domain.KindVirtualMachine, "cf_proxmox_uuid", domain.Always, domain.WhenEmpty},
		{domain.KindVirtualMachine, "cf_proxmox_vm_id", domain.Always, domain.Always},
		{domain.KindVirtualMachine, "cf_proxmox_status", domain.Always, domain.WhenEmpty},
		{domain.KindVirtualMachine, "cf_proxmox_last_updated", domain.Always, domain.WhenEmpty},
		{domain.KindVirtualDisk, "cf_proxbox_storage_id", domain.Always, domain.Always},
		{domain.KindVMInterface, "cf_proxbox_bridge", domain.Always, domain.WhenEmpty},
		{domain.KindDevice, "cluster", domain.Always, domain.Always},
		{domain.KindDevice, "name", domain.OnCreate, domain.OnCreate},
		{domain.KindDevice, "site", domain.OnCreate, domain.OnCreate},
		{domain.KindDevice, "role", domain.Always, domain.WhenEmpty},
		{domain.KindDevice, "device_type", domain.Always, domain.WhenEmpty},
		{domain.KindDevice, "status", domain.Always, domain.WhenEmpty},
		{domain.KindDevice, "description", domain.Always, domain.WhenEmpty},
		{domain.KindDevice, "tags", domain.Always, domain.WhenEmpty},
		{domain.KindCluster, "name", domain.ThreeWay, domain.ThreeWay},
		{domain.KindCluster, "scope", domain.OnCreate, domain.OnCreate},
		{domain.KindCluster, "description", domain.Always, domain.WhenEmpty},
		{domain.KindCluster, "tags", domain.Always, domain.WhenEmpty},
		{domain.KindInterface, "type", domain.OnCreate, domain.OnCreate},
		{domain.KindVMInterface, "enabled", domain.Always, domain.Always},
		{domain.KindVirtualDisk, "size", domain.Always, domain.Always},
		{domain.KindIPAddress, "assigned_object", domain.Always, domain.Always},
		{domain.KindIPAddress, "status", domain.Always, domain.WhenEmpty},
		{domain.KindIPAddress, "dns_name", domain.Always, domain.WhenEmpty},
		{domain.KindTag, "color", domain.OnCreate, domain.OnCreate},
		{domain.KindSite, "name", domain.OnCreate, domain.OnCreate},
		{domain.KindVLAN, "name", domain.OnCreate, domain.OnCreate},
	} {
		if got := on(c.kind, c.field); got != c.set {
			t.Errorf("%s %s: %d with its flag, want %d", c.kind, c.field, got, c.set)
		}
		if got := off(c.kind, c.field); got != c.not {
			t.Errorf("%s %s: %d without its flag, want %d", c.kind, c.field, got, c.not)
		}
	}
}

// TestSlugs are NetBox's.
func TestSlugs(t *testing.T) {
	for name, want := range map[string]string{"My Lab": "my-lab", "--a__b--": "a-b", "Übung 1": "bung-1", "日本": "fallback", "": "fallback"} {
		if got := slug(name, "fallback"); got != want {
			t.Errorf("%q becomes %q", name, got)
		}
	}
}
