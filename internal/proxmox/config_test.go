package proxmox

import (
	"encoding/json"
	"errors"
	"net/netip"
	"reflect"
	"testing"

	"proxbox/internal/domain"
)

func prefixes(s ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range s {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

func addrs(s ...string) []netip.Addr {
	var out []netip.Addr
	for _, a := range s {
		out = append(out, netip.MustParseAddr(a))
	}
	return out
}

func TestMachineNIC(t *testing.T) {
	const mac = "BC:24:11:00:0A:01"
	for s, want := range map[string]domain.NIC{
		"virtio=bc:24:11:00:0a:01,bridge=vmbr0":             {Model: "virtio", MAC: mac, Bridge: "vmbr0"},
		"e1000=BC:24:11:00:0A:01,bridge=vmbr0":              {Model: "e1000", MAC: mac, Bridge: "vmbr0"},
		"e1000e=BC:24:11:00:0A:01":                          {Model: "e1000e", MAC: mac},
		"rtl8139=BC:24:11:00:0A:01,bridge=vmbr1,tag=5":      {Model: "rtl8139", MAC: mac, Bridge: "vmbr1", VLAN: 5},
		"vmxnet3=BC:24:11:00:0A:01,tag=4095":                {Model: "vmxnet3", MAC: mac},
		"e1000-82545em=BC:24:11:00:0A:01":                   {Model: "e1000-82545em", MAC: mac},
		"bridge=vmbr0,some-new-model=BC:24:11:00:0A:01":     {Model: "some-new-model", MAC: mac, Bridge: "vmbr0"},
		"model=virtio,macaddr=BC:24:11:00:0A:01,bridge=v":   {Model: "virtio", MAC: mac, Bridge: "v"},
		"virtio,bridge=vmbr0":                               {Model: "virtio", Bridge: "vmbr0"},
		"virtio=BC:24:11:00:0A:01,mtu=1,queues=4":           {Model: "virtio", MAC: mac},
		"virtio=BC:24:11:00:0A:01,mtu=9000":                 {Model: "virtio", MAC: mac, MTU: 9000},
		"virtio=BC:24:11:00:0A:01,link_down=1,firewall=1":   {Model: "virtio", MAC: mac, LinkDown: true, Firewall: true},
		"virtio=BC:24:11:00:0A:01,link_down=0,firewall=0":   {Model: "virtio", MAC: mac},
		"virtio=BC:24:11:00:0A:01,rate=12.5":                {Model: "virtio", MAC: mac, RateMBps: 12.5},
		"virtio=BC:24:11:00:0A:01,tag=10,trunks=5;7;10-12":  {Model: "virtio", MAC: mac, VLAN: 10, Trunks: []int{5, 7, 10, 11, 12}},
		"virtio=BC:24:11:00:0A:01,mtu=-4,rate=-1,tag=wrong": {Model: "virtio", MAC: mac},
		"": {},
	} {
		if got := parseMachineNIC(s); !reflect.DeepEqual(got, want) {
			t.Errorf("%q is\n%+v, want\n%+v", s, got, want)
		}
	}
}

func TestContainerNIC(t *testing.T) {
	for s, want := range map[string]domain.NIC{
		"name=eth0,bridge=vmbr0,gw=192.0.2.1,hwaddr=BC:24:11:00:0A:01,ip=192.0.2.44/24,type=veth": {
			Name: "eth0", Model: "veth", MAC: "BC:24:11:00:0A:01", Bridge: "vmbr0", Addresses: prefixes("192.0.2.44/24"), Gateways: addrs("192.0.2.1"),
		},
		"name=lan,hwaddr=BC:24:11:00:0A:01,ip=dhcp,ip6=auto,firewall=1,link_down=1,mtu=1400,tag=3": {
			Name: "lan", Model: "veth", MAC: "BC:24:11:00:0A:01", Firewall: true, LinkDown: true, MTU: 1400, VLAN: 3,
		},
		"name=eth1,ip6=2001:db8::4/64,gw6=fe80::1,ip=manual": {Name: "eth1", Model: "veth", Addresses: prefixes("2001:db8::4/64"), Gateways: addrs("fe80::1")},
		"name=eth2,type=phys":                                {Name: "eth2", Model: "phys"},
	} {
		if got := parseContainerNIC(s); !reflect.DeepEqual(got, want) {
			t.Errorf("%q is\n%+v, want\n%+v", s, got, want)
		}
	}
}

// TestNICs: the first may be net2, there may be gaps, and an address belongs
// to the interface of its own number.
func TestNICs(t *testing.T) {
	opts := map[string]text{
		"net2": "virtio=BC:24:11:00:00:02,bridge=vmbr2,mtu=1", "net31": "e1000=BC:24:11:00:00:31,bridge=vmbr31", "net10": "virtio=BC:24:11:00:00:10",
		"ipconfig2": "ip=192.0.2.2/24,gw=192.0.2.1,ip6=2001:db8::2/64,gw6=2001:db8::1", "ipconfig0": "ip=192.0.2.99/24", "ipconfig10": "ip=dhcp,ip6=auto",
		"net": "virtio=BC:24:11:00:00:77", "net5x": "virtio=BC:24:11:00:00:78", "network": "x", "net99999": "virtio=BC:24:11:00:00:79",
	}
	var got []domain.NIC
	for _, n := range parseNICs(domain.QEMU, opts) {
		got = append(got, domain.NIC{Key: n.Key, Index: n.Index, MAC: n.MAC, Addresses: n.Addresses, Gateways: n.Gateways})
	}
	want := []domain.NIC{
		{Key: "net2", Index: 2, MAC: "BC:24:11:00:00:02", Addresses: prefixes("192.0.2.2/24", "2001:db8::2/64"), Gateways: addrs("192.0.2.1", "2001:db8::1")},
		{Key: "net10", Index: 10, MAC: "BC:24:11:00:00:10"},
		{Key: "net31", Index: 31, MAC: "BC:24:11:00:00:31"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n%+v, want\n%+v", got, want)
	}
}

func TestDisk(t *testing.T) {
	for s, want := range map[string]domain.Disk{
		"data:vm-128-disk-0,discard=on,format=raw,iothread=1,size=20G": {Storage: "data", Volume: "data:vm-128-disk-0", SizeMB: 20480, Format: "raw"},
		"local-lvm:vm-100-disk-1,size=528K":                            {Storage: "local-lvm", Volume: "local-lvm:vm-100-disk-1", SizeMB: 1},
		"local:100/vm-100-disk-0.qcow2,size=2252M":                     {Storage: "local", Volume: "local:100/vm-100-disk-0.qcow2", SizeMB: 2252, Format: "qcow2"},
		"local:9/base-9-disk-0.qcow2/100/vm-100-disk-0.vmdk,size=1T":   {Storage: "local", Volume: "local:9/base-9-disk-0.qcow2/100/vm-100-disk-0.vmdk", SizeMB: 1048576, Format: "vmdk"},
		"size=1.5G,file=ceph:vm-1-disk-0":                              {Storage: "ceph", Volume: "ceph:vm-1-disk-0", SizeMB: 1536},
		"/dev/disk/by-id/ata-X_1:2,size=476940M":                       {Volume: "/dev/disk/by-id/ata-X_1:2", SizeMB: 476940},
		"local-zfs:subvol-500-disk-0,replicate=0,size=6G":              {Storage: "local-zfs", Volume: "local-zfs:subvol-500-disk-0", SizeMB: 6144, Format: "subvol"},
		"/mnt/pve/storage-box/,mp=/mnt/shared/":                        {Volume: "/mnt/pve/storage-box/"},
		"volume=/mnt/nas,mp=/mnt/nas":                                  {Volume: "/mnt/nas"},
		"ceph:vm-128-cloudinit,media=cdrom":                            {},
		"local:100/vm-100-cloudinit.qcow2,media=disk":                  {},
		"local:iso/debian-12.iso,media=cdrom,size=600M":                {},
		"none,media=cdrom":                                             {},
		"none":                                                         {},
		"size=5G":                                                      {},
		"":                                                             {},
	} {
		got, ok := parseDisk(s)
		if ok != (want != domain.Disk{}) || got != want {
			t.Errorf("%q is %+v, %t", s, got, ok)
		}
	}
}

func TestDisks(t *testing.T) {
	opts := map[string]text{}
	for _, key := range []string{
		"scsi0", "scsi30", "ide0", "sata5", "virtio15", "efidisk0", "tpmstate0", // of machines
		"rootfs", "mp0", "mp255", // of containers
		"unused0", "scsihw", "scsi", "virtiofs0", "bootdisk", "rootfs2", "ide2x",
	} {
		opts[key] = "data:vm-1-disk-0,size=1G"
	}
	for guest, want := range map[domain.GuestType][]string{
		domain.QEMU: {"efidisk0", "ide0", "sata5", "scsi0", "scsi30", "tpmstate0", "virtio15"},
		domain.LXC:  {"mp0", "mp255", "rootfs"},
	} {
		var keys []string
		for _, d := range parseDisks(guest, opts) {
			keys = append(keys, d.Key)
		}
		if !reflect.DeepEqual(keys, want) {
			t.Errorf("%s: %q", guest, keys)
		}
	}
}

func TestCores(t *testing.T) {
	for _, tt := range []struct {
		guest domain.GuestType
		opts  map[string]text
		want  float64
	}{
		{domain.QEMU, nil, 1},
		{domain.QEMU, map[string]text{"cores": "4"}, 4},
		{domain.QEMU, map[string]text{"cores": "4", "sockets": "2"}, 8},
		{domain.QEMU, map[string]text{"sockets": "2"}, 2},
		{domain.QEMU, map[string]text{"cores": "4", "sockets": "2", "vcpus": "3", "cpulimit": "1"}, 3},
		{domain.QEMU, map[string]text{"cores": "no", "sockets": "-1"}, 1},
		{domain.LXC, nil, 0},
		{domain.LXC, map[string]text{"cores": "2", "cpulimit": "0.5"}, 2},
		{domain.LXC, map[string]text{"cpulimit": "0.5"}, 0.5},
	} {
		if got := parseCores(tt.guest, tt.opts); got != tt.want {
			t.Errorf("%s %v has %v", tt.guest, tt.opts, got)
		}
	}
}

func TestConfig(t *testing.T) {
	for name, tt := range map[string]struct {
		guest domain.GuestType
		raw   string
		want  domain.GuestConfig
	}{
		"cloud-init machine": {domain.QEMU, `{
			"sockets":1,"cores":4,"cpu":"x86-64-v2-AES,flags=+aes","memory":"4096","balloon":0,"name":"lb-2","agent":"1","onboot":0,"ostype":"l26","description":"first\nsecond\n",
			"ciuser":"ansible","ipconfig0":"ip=192.0.2.52/24,gw=192.0.2.1","cicustom":" ","searchdomain":"example.org","nameserver":"192.0.2.53",
			"meta":"creation-qemu=9.0.2,ctime=1730191495","smbios1":"uuid=10D5C783-98BC-4847-BB9A-9F06E932F0D9",
			"scsi0":"data:vm-128-disk-0,format=raw,size=20G","ide2":"pool:vm-128-cloudinit,media=cdrom","scsihw":"virtio-scsi-single",
			"net0":"virtio=BC:24:11:20:00:1E,bridge=vmbr219","tags":"lb;infra;managed_by_terraform_true","digest":"x"}`,
			domain.GuestConfig{
				Name: "lb-2", Description: "first\nsecond", OSType: "l26", CPUType: "x86-64-v2-AES", AgentEnabled: true, SearchDomain: "example.org", Nameserver: "192.0.2.53",
				UUID: "10d5c783-98bc-4847-bb9a-9f06e932f0d9", CreatedAt: 1730191495, Cores: 4, MemoryBytes: 4096 << 20,
				NICs:      []domain.NIC{{Key: "net0", Model: "virtio", MAC: "BC:24:11:20:00:1E", Bridge: "vmbr219", Addresses: prefixes("192.0.2.52/24"), Gateways: addrs("192.0.2.1")}},
				Disks:     []domain.Disk{{Key: "scsi0", Storage: "data", Volume: "data:vm-128-disk-0", SizeMB: 20480, Format: "raw"}},
				Drives:    []string{"ide2"},
				CloudInit: &domain.CloudInit{User: "ansible", IPConfig0: "ip=192.0.2.52/24,gw=192.0.2.1"},
				Tags:      []string{"infra", "lb", "managed_by_terraform_true"},
			},
		},
		"memory as a number, name a number": {domain.QEMU, `{"memory":65536,"name":123,"cores":"2","agent":1,"onboot":"1","template":1,"tags":5}`,
			domain.GuestConfig{Name: "123", MemoryBytes: 65536 << 20, Cores: 2, AgentEnabled: true, OnBoot: true, Template: true, Tags: []string{"5"}}},
		"memory as properties": {domain.QEMU, `{"memory":"current=2048"}`, domain.GuestConfig{MemoryBytes: 2048 << 20, Cores: 1}},
		"next to nothing":      {domain.QEMU, `{"digest":"x"}`, domain.GuestConfig{MemoryBytes: 512 << 20, Cores: 1}},
		"odd values":           {domain.QEMU, `{"name":null,"memory":[1],"cores":{"a":1},"scsi0":null,"tags":null}`, domain.GuestConfig{Cores: 1, Drives: []string{"scsi0"}}},
		"privileged container": {domain.LXC, `{"hostname":"docker","memory":4096,"swap":2048,"cores":1,"arch":"amd64","ostype":"debian","parent":"auto1","tags":" ",
			"features":"fuse=1,mount=nfs;cifs,nesting=1","lxc":[["lxc.apparmor.profile","unconfined"]],"rootfs":"local-zfs:subvol-500-disk-0,size=6G",
			"mp0":"/mnt/pve/box/,mp=/mnt/shared/","net0":"name=eth0,bridge=vmbr0,hwaddr=BC:24:11:1B:00:D4,ip=192.0.2.44/24,gw=192.0.2.1,type=veth"}`,
			domain.GuestConfig{
				Name: "docker", OSType: "debian", Cores: 1, MemoryBytes: 4096 << 20,
				NICs:  []domain.NIC{{Key: "net0", Name: "eth0", Model: "veth", MAC: "BC:24:11:1B:00:D4", Bridge: "vmbr0", Addresses: prefixes("192.0.2.44/24"), Gateways: addrs("192.0.2.1")}},
				Disks: []domain.Disk{{Key: "mp0", Volume: "/mnt/pve/box/"}, {Key: "rootfs", Storage: "local-zfs", Volume: "local-zfs:subvol-500-disk-0", SizeMB: 6144, Format: "subvol"}},
			}},
		"unprivileged container": {domain.LXC, `{"hostname":"a.example.org","unprivileged":1,"cpulimit":0.5,"memory":"256","onboot":1,"template":0,"description":"by hand\n","agent":"1","name":"not this"}`,
			domain.GuestConfig{Name: "a.example.org", Description: "by hand", Unprivileged: true, OnBoot: true, Cores: 0.5, MemoryBytes: 256 << 20}},
	} {
		got, err := parseConfig(tt.guest, json.RawMessage(tt.raw))
		if len(got.Tags) == 0 {
			got.Tags = nil
		}
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s:\n%+v, %v, want\n%+v", name, got, err, tt.want)
		}
	}
	for _, raw := range []string{`null`, `[]`, `"x"`, `{`, ``} {
		if _, err := parseConfig(domain.QEMU, json.RawMessage(raw)); err == nil {
			t.Errorf("%q is a configuration", raw)
		}
	}
	if _, err := parseConfig(domain.LXC, json.RawMessage(`null`)); !errors.Is(err, errNoData) {
		t.Errorf("null: %v", err)
	}
}
