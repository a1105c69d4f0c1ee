package desire

import (
	"net/netip"
	"strings"
	"testing"

	"proxbox/internal/domain"
)

// TestDescription: the first line of a guest's notes, without what is meant for
// programs.
func TestDescription(t *testing.T) {
	const block = "```netbox-metadata\n{\"role\": 3}\n```"
	for _, c := range []struct{ note, want string }{
		{"", "Synced from Proxmox node pve1"},
		{" \n\t\n", "Synced from Proxmox node pve1"},
		{"The shop\n", "The shop"},
		{"\r\n  The shop  \r\nask Ann\r\n", "The shop"},
		{block, "Synced from Proxmox node pve1"},
		{block + "\nThe shop", "The shop"},
		{"The shop\n" + strings.ReplaceAll(block, "\n", "\r\n"), "The shop"},
		{"```json\n{}\n```", "```json"},
		{strings.Repeat("ä", 300), strings.Repeat("ä", 200)},
	} {
		g := virtualMachine(func(_ *domain.Guest, cfg *domain.GuestConfig) { cfg.Description = c.note })
		if got := one(t, Build([]*domain.Snapshot{snapshot(g)}, full), domain.KindVirtualMachine).Fields["description"]; got != c.want {
			t.Errorf("%q is %q, want %q", c.note, got, c.want)
		}
	}
	unread := domain.Guest{VMID: 100, Type: domain.QEMU, Name: "web", Node: "pve1", Status: "running"}
	if got, ok := one(t, Build([]*domain.Snapshot{snapshot(unread)}, full), domain.KindVirtualMachine).Fields["description"]; ok {
		t.Errorf("notes that were not read are %q", got)
	}
}

// TestMetadata: what a guest's notes may set, and what is said of the rest.
func TestMetadata(t *testing.T) {
	fenced := func(body string) string { return "The shop\n```netbox-metadata\n" + body + "\n```\n" }
	for _, c := range []struct {
		name, note string
		set        domain.Fields
		told       []string
	}{
		{name: "no block", note: "The shop"},
		{name: "all that there is", note: fenced(`{"role": 3, "platform": 4, "tenant": 5, "type": 6}`), set: domain.Fields{
			"role": domain.At(domain.KindDeviceRole, 3), "platform": domain.At(domain.KindPlatform, 4), "tenant": domain.At(domain.KindTenant, 5),
			"virtual_machine_type": domain.At(domain.KindVirtualMachineType, 6)}},
		{name: "the last block counts", note: fenced(`{"role": 3}`) + fenced(`{"role": 4}`), set: domain.Fields{"role": domain.At(domain.KindDeviceRole, 4)}},
		{name: "several lines", note: fenced("{\n  \"role\": 3\n}"), set: domain.Fields{"role": domain.At(domain.KindDeviceRole, 3)}},
		{name: "no ids", note: fenced(`{"role": true, "platform": 0, "tenant": "acme", "type": 1.5}`),
			told: []string{"platform is 0", "role is true", "tenant is \"acme\"", "type is 1.5"}},
		{name: "fields that are not theirs", note: fenced(`{"cluster": 3, "role": 3}`), set: domain.Fields{"role": domain.At(domain.KindDeviceRole, 3)},
			told: []string{"cluster cannot be set"}},
		{name: "no JSON", note: fenced(`role: 3`), told: []string{"no JSON object"}},
		{name: "a list", note: fenced(`[3]`), told: []string{"no JSON object"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := virtualMachine(func(_ *domain.Guest, cfg *domain.GuestConfig) { cfg.Description = c.note })
			opt := full
			opt.Metadata = true
			d := Build([]*domain.Snapshot{snapshot(g)}, opt)
			vm := one(t, d, domain.KindVirtualMachine)
			for field := range map[string]bool{"role": true, "platform": true, "tenant": true, "virtual_machine_type": true} {
				want, set := c.set[field]
				if vm.Asked[field] != set || set && vm.Fields[field] != want {
					t.Errorf("%s is %v, asked for %t", field, vm.Fields[field], vm.Asked[field])
				}
			}
			if len(d.Problems) != len(c.told) {
				t.Fatalf("problems: %v", d.Problems)
			}
			for i, want := range c.told {
				if !strings.Contains(d.Problems[i].Reason, want) {
					t.Errorf("problem %q, want %q", d.Problems[i].Reason, want)
				}
			}
			if off := one(t, Build([]*domain.Snapshot{snapshot(g)}, full), domain.KindVirtualMachine); len(off.Asked) > 0 || off.Fields["role"] != nil {
				t.Errorf("without the setting: %v", off.Asked)
			}
		})
	}
}

// TestAgentPlatform: the platform is what the agent says, and not another one
// while it is silent.
func TestAgentPlatform(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*domain.Guest, *domain.GuestConfig)
		want   string
	}{
		{"it says", func(g *domain.Guest, cfg *domain.GuestConfig) {
			cfg.AgentEnabled, g.AgentOS = true, domain.Is(domain.AgentOS{PrettyName: "Debian GNU/Linux 13 (trixie)"})
		}, "Debian GNU/Linux 13 (trixie)"},
		{"it says less", func(g *domain.Guest, cfg *domain.GuestConfig) {
			cfg.AgentEnabled, g.AgentOS = true, domain.Is(domain.AgentOS{Name: "Alpine", VersionID: "3.22"})
		}, "Alpine 3.22"},
		{"it is silent", func(_ *domain.Guest, cfg *domain.GuestConfig) { cfg.AgentEnabled = true }, ""},
		{"there is none", func(*domain.Guest, *domain.GuestConfig) {}, "Linux (kernel 2.6 or newer)"},
	} {
		g := virtualMachine(func(g *domain.Guest, cfg *domain.GuestConfig) { cfg.OSType = "l26"; c.change(g, cfg) })
		opt := full
		opt.AgentPlatform = true
		var got string
		for _, p := range wanted(Build([]*domain.Snapshot{snapshot(g)}, opt), domain.KindPlatform) {
			got = p.Fields["name"].(string)
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestPoolAndHAState: they are kept in custom fields, and emptied when they are
// gone.
func TestPoolAndHAState(t *testing.T) {
	g := virtualMachine(func(g *domain.Guest, _ *domain.GuestConfig) { g.Pool, g.HAState = "shop", "started" })
	vm := one(t, Build([]*domain.Snapshot{snapshot(g)}, full), domain.KindVirtualMachine)
	if vm.Fields["cf_proxmox_pool"] != "shop" || vm.Fields["cf_proxmox_ha_state"] != "started" {
		t.Errorf("%v", vm.Fields)
	}
	g.Pool, g.HAState = "", ""
	vm = one(t, Build([]*domain.Snapshot{snapshot(g)}, full), domain.KindVirtualMachine)
	if vm.Fields["cf_proxmox_pool"] != "" || vm.Fields["cf_proxmox_ha_state"] != "" {
		t.Errorf("%v", vm.Fields)
	}
}

// TestPreferredFamily: the addresses of the preferred family come first, and
// both families have a primary address.
func TestPreferredFamily(t *testing.T) {
	g := virtualMachine(func(g *domain.Guest, cfg *domain.GuestConfig) {
		cfg.AgentEnabled, cfg.NICs = true, []domain.NIC{{Key: "net0", MAC: "BC:24:11:00:00:01"}}
		g.Agent = domain.Is([]domain.GuestInterface{{Name: "eth0", MAC: "BC:24:11:00:00:01", Addresses: []netip.Prefix{
			netip.MustParsePrefix("2001:db8::1/64"), netip.MustParsePrefix("10.0.0.1/24"), netip.MustParsePrefix("10.0.0.2/24")}}})
	})
	for prefer6, first := range map[bool]string{false: "10.0.0.1/24", true: "2001:db8::1/64"} {
		opt := full
		opt.PreferIPv6 = prefer6
		d := Build([]*domain.Snapshot{snapshot(g)}, opt)
		if got := wanted(d, domain.KindIPAddress)[0].Fields["address"]; got != first {
			t.Errorf("IPv6 preferred: %t: %v comes first", prefer6, got)
		}
		vm := one(t, d, domain.KindVirtualMachine)
		if vm.Fields["primary_ip4"] != domain.To(domain.KindIPAddress, "c1/qemu/100/net0/ip/10.0.0.1") ||
			vm.Fields["primary_ip6"] != domain.To(domain.KindIPAddress, "c1/qemu/100/net0/ip/2001:db8::1") {
			t.Errorf("primary addresses %v and %v", vm.Fields["primary_ip4"], vm.Fields["primary_ip6"])
		}
	}
}
