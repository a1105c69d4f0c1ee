package desire_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"proxbox/internal/desire"
	"proxbox/internal/domain"
)

// dockerHost is a guest with one NIC and more interfaces than that within.
func dockerHost() *domain.Snapshot {
	at := netip.MustParsePrefix
	return &domain.Snapshot{
		Endpoint: domain.ProxmoxEndpoint{ID: 1, Name: "lab (nb:1)", IPAddress: "192.0.2.1", Port: 8006},
		Cluster:  domain.Cluster{Name: "lab", Quorate: true},
		Nodes:    []domain.Node{{Name: "pve1", Online: true}},
		Guests: []domain.Guest{{
			VMID: 100, Type: domain.QEMU, Name: "docker", Node: "pve1", Status: "running",
			Config: domain.Is(domain.GuestConfig{Name: "docker", AgentEnabled: true,
				NICs:      []domain.NIC{{Key: "net0", MAC: "BC:24:11:00:00:01", Bridge: "vmbr0"}},
				CloudInit: &domain.CloudInit{User: "admin", SSHKeys: strings.Repeat("k", 11<<10), IPConfig0: "ip=dhcp"}}),
			Agent: domain.Is([]domain.GuestInterface{
				{Name: "lo", Addresses: []netip.Prefix{at("127.0.0.1/8")}},
				{Name: "ens18", MAC: "BC:24:11:00:00:01", Addresses: []netip.Prefix{at("10.0.0.5/24"), at("fe80::1/64")}},
				{Name: "ens18:1", MAC: "BC:24:11:00:00:01", Addresses: []netip.Prefix{at("10.0.0.6/24")}},
				{Name: "docker0", MAC: "02:42:AC:11:00:01", Addresses: []netip.Prefix{at("172.17.0.1/16")}},
				{Name: "docker0", MAC: "02:42:AC:11:00:02"},
				{Name: ""},
			}),
		}},
	}
}

func keysOf(d *desire.Desired, kind domain.Kind) []string {
	var keys []string
	for _, o := range d.Objects {
		if o.Kind == kind {
			keys = append(keys, string(o.Key))
		}
	}
	slices.Sort(keys)
	return keys
}

// TestGuestsOwnView: every interface that the agent names gets a row; only what
// is a NIC of the configuration gets addresses.
func TestGuestsOwnView(t *testing.T) {
	opt := desire.Options{Plugin: true, SyncState: true, GuestInterfaces: true, IgnoreLinkLocal: true}
	d := desire.Build([]*domain.Snapshot{dockerHost()}, opt)
	if diff := cmp.Diff([]string{"c1/qemu/100/inside/docker0", "c1/qemu/100/inside/ens18", "c1/qemu/100/inside/lo"}, keysOf(d, domain.KindGuestInterface)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"c1/qemu/100/inside/ens18/10.0.0.5", "c1/qemu/100/inside/ens18/10.0.0.6"}, keysOf(d, domain.KindGuestInterfaceAddr)); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"c1/qemu/100/net0/ip/10.0.0.5", "c1/qemu/100/net0/ip/10.0.0.6"}, keysOf(d, domain.KindIPAddress)); diff != "" {
		t.Errorf("addresses (-want +got):\n%s", diff)
	}
	for _, o := range d.Objects {
		if o.Kind == domain.KindGuestInterface && o.Key == "c1/qemu/100/inside/ens18" && o.Fields["vm_interface"] != domain.To(domain.KindVMInterface, "c1/qemu/100/net0") {
			t.Errorf("ens18 is %v", o.Fields["vm_interface"])
		}
		if mac, said := o.Fields["mac_address"].(string); o.Kind == domain.KindGuestInterface && (mac != strings.ToLower(mac) || said && mac == "") {
			t.Errorf("%s has the MAC %q", o.Key, mac)
		}
	}
	for _, owner := range []domain.PartsOf{{Owner: "c1/qemu/100", Kind: domain.KindGuestInterface}, {Owner: "c1/qemu/100/inside/lo", Kind: domain.KindGuestInterfaceAddr}} {
		if !d.Whole[owner] {
			t.Errorf("%v is not said to be whole", owner)
		}
	}

	silent := dockerHost()
	silent.Guests[0].Agent = domain.Known[[]domain.GuestInterface]{}
	d = desire.Build([]*domain.Snapshot{silent}, opt)
	if len(keysOf(d, domain.KindGuestInterface)) != 0 || d.Whole[domain.PartsOf{Owner: "c1/qemu/100", Kind: domain.KindGuestInterface}] {
		t.Error("a silent agent says something of the guest's interfaces")
	}
	opt.GuestInterfaces = false
	if d = desire.Build([]*domain.Snapshot{dockerHost()}, opt); len(keysOf(d, domain.KindGuestInterface)) != 0 {
		t.Error("rows for a plugin that does not have them")
	}
}

// TestCloudInitRow: what is too long for the plugin is cut, and says so.
func TestCloudInitRow(t *testing.T) {
	d := desire.Build([]*domain.Snapshot{dockerHost()}, desire.Options{Plugin: true})
	i := slices.IndexFunc(d.Objects, func(o domain.Object) bool { return o.Kind == domain.KindCloudInit })
	if i < 0 {
		t.Fatal("there is no row")
	}
	f := d.Objects[i].Fields
	keys, _ := f["sshkeys"].(string)
	if f["ciuser"] != "admin" || f["ipconfig0"] != "ip=dhcp" || f["sshkeys_truncated"] != true || !strings.HasSuffix(keys, "truncated by proxbox-api at 10KB") {
		t.Errorf("%v, keys of %d bytes", f["ciuser"], len(keys))
	}
	if d := desire.Build([]*domain.Snapshot{dockerHost()}, desire.Options{}); len(keysOf(d, domain.KindCloudInit)) != 0 {
		t.Error("a row without the plugin")
	}
}
