package conformance

import (
	"fmt"
	"net/url"

	"proxbox/internal/domain"
	proxmoxsim "proxbox/internal/sim/proxmox"
)

// nics reads every kind of NIC.
func (s *suite) nics() {
	const mac = "BC:24:11:00:00:01"
	tests := []struct {
		guest proxmoxsim.Guest
		want  []domain.NIC
	}{
		{
			machine(proxmoxsim.Row{"net0": "virtio=" + mac + ",bridge=vmbr0,firewall=1", "net1": "e1000=BC:24:11:00:00:02,bridge=vmbr1,tag=20", "net7": "vmxnet3=bc:24:11:00:00:03,bridge=vmbr0,link_down=1"}),
			[]domain.NIC{
				{Key: "net0", Model: "virtio", MAC: mac, Bridge: "vmbr0", Firewall: true},
				{Key: "net1", Index: 1, Model: "e1000", MAC: "BC:24:11:00:00:02", Bridge: "vmbr1", VLAN: 20},
				{Key: "net7", Index: 7, Model: "vmxnet3", MAC: "BC:24:11:00:00:03", Bridge: "vmbr0", LinkDown: true},
			},
		},
		{
			machine(proxmoxsim.Row{"net1": "e1000e=" + mac + ",bridge=vmbr0,mtu=1", "net31": "rtl8139=BC:24:11:00:00:02,bridge=vmbr0,mtu=9000,trunks=5;7;10-12,rate=2.5"}),
			[]domain.NIC{
				{Key: "net1", Index: 1, Model: "e1000e", MAC: mac, Bridge: "vmbr0"},
				{Key: "net31", Index: 31, Model: "rtl8139", MAC: "BC:24:11:00:00:02", Bridge: "vmbr0", MTU: 9000, Trunks: []int{5, 7, 10, 11, 12}, RateMBps: 2.5},
			},
		},
		{
			machine(proxmoxsim.Row{"net0": "virtio=" + mac + ",bridge=vmbr0", "ipconfig0": "ip=192.0.2.5/24,gw=192.0.2.1,ip6=2001:db8::5/64,gw6=2001:db8::1", "ipconfig1": "ip=dhcp"}),
			[]domain.NIC{{Key: "net0", Model: "virtio", MAC: mac, Bridge: "vmbr0", Addresses: prefixes("192.0.2.5/24", "2001:db8::5/64"), Gateways: addrs("192.0.2.1", "2001:db8::1")}},
		},
		{
			container(proxmoxsim.Row{
				"net0": "name=eth0,bridge=vmbr0,firewall=1,gw=192.0.2.1,hwaddr=" + mac + ",ip=192.0.2.6/24,ip6=2001:db8::6/64,tag=30,type=veth",
				"net2": "name=mgmt0,bridge=vmbr1,hwaddr=BC:24:11:00:00:02,ip=dhcp,ip6=auto,link_down=1,mtu=1400,type=veth",
			}),
			[]domain.NIC{
				{Key: "net0", Name: "eth0", Model: "veth", MAC: mac, Bridge: "vmbr0", VLAN: 30, Firewall: true, Addresses: prefixes("192.0.2.6/24", "2001:db8::6/64"), Gateways: addrs("192.0.2.1")},
				{Key: "net2", Index: 2, Name: "mgmt0", Model: "veth", MAC: "BC:24:11:00:00:02", Bridge: "vmbr1", LinkDown: true, MTU: 1400},
			},
		},
	}
	var guests []proxmoxsim.Guest
	for _, tt := range tests {
		guests = append(guests, tt.guest)
	}
	for i, g := range s.of(small(guests...)).Guests {
		s.same("the NICs of "+g.Name, tests[i].want, g.Config.Value.NICs)
	}
}

// disks reads disks on every bus, with every kind of size.
func (s *suite) disks() {
	tests := []struct {
		guest proxmoxsim.Guest
		want  []domain.Disk
	}{
		{
			machine(proxmoxsim.Row{
				"efidisk0": "local-lvm:vm-100-disk-0,efitype=4m,size=528K", "tpmstate0": "local-lvm:vm-100-disk-1,size=4M,version=v2.0", "scsi0": "local-lvm:vm-100-disk-2,size=32G",
				"virtio1": "local:100/vm-100-disk-3.qcow2,size=2252M", "sata2": "local-lvm:vm-100-disk-4,size=1T", "ide1": "local-lvm:vm-100-disk-5,size=1.5G",
				"ide2": "local:iso/debian.iso,media=cdrom,size=648M", "ide3": "none,media=cdrom", "ide0": "local-lvm:vm-100-cloudinit,media=cdrom", "unused0": "local-lvm:vm-100-disk-9",
				"scsi1": "/dev/disk/by-id/ata-DEMO,size=3907018584K",
			}),
			[]domain.Disk{
				{Key: "efidisk0", Storage: "local-lvm", Volume: "local-lvm:vm-100-disk-0", SizeMB: 1},
				{Key: "ide1", Storage: "local-lvm", Volume: "local-lvm:vm-100-disk-5", SizeMB: 1536},
				{Key: "sata2", Storage: "local-lvm", Volume: "local-lvm:vm-100-disk-4", SizeMB: 1 << 20},
				{Key: "scsi0", Storage: "local-lvm", Volume: "local-lvm:vm-100-disk-2", SizeMB: 32768},
				{Key: "scsi1", Volume: "/dev/disk/by-id/ata-DEMO", SizeMB: 3815448},
				{Key: "tpmstate0", Storage: "local-lvm", Volume: "local-lvm:vm-100-disk-1", SizeMB: 4},
				{Key: "virtio1", Storage: "local", Volume: "local:100/vm-100-disk-3.qcow2", SizeMB: 2252, Format: "qcow2"},
			},
		},
		{
			container(proxmoxsim.Row{"rootfs": "local-lvm:vm-101-disk-0,size=8G", "mp0": "local-lvm:subvol-101-disk-1,mp=/srv,size=528K", "mp7": "/mnt/bulk,mp=/mnt/bulk"}),
			[]domain.Disk{
				{Key: "mp0", Storage: "local-lvm", Volume: "local-lvm:subvol-101-disk-1", SizeMB: 1, Format: "subvol"},
				{Key: "mp7", Volume: "/mnt/bulk"},
				{Key: "rootfs", Storage: "local-lvm", Volume: "local-lvm:vm-101-disk-0", SizeMB: 8192},
			},
		},
	}
	var guests []proxmoxsim.Guest
	for _, tt := range tests {
		guests = append(guests, tt.guest)
	}
	for i, g := range s.of(small(guests...)).Guests {
		s.same("the disks of "+g.Name, tests[i].want, g.Config.Value.Disks)
	}
}

// configuration reads the options that are neither NIC nor disk, in the types
// in which they come.
func (s *suite) configuration() {
	snap := s.of(small(
		machine(proxmoxsim.Row{
			"name": "db.example.org", "ostype": "win11", "onboot": 1, "agent": "enabled=1,type=virtio", "description": "first\nsecond\n", "tags": "Prod;db,web",
			"cores": 4, "sockets": 2, "memory": "4096", "smbios1": "uuid=0D5C7830-98BC-4847-BB9A-000000000001,serial=REVNTw==,base64=1", "meta": "creation-qemu=9.0.2,ctime=1730191495",
			"ciuser": "admin", "sshkeys": "ssh-ed25519%20AA%2BA%20me%0A", "ipconfig0": "ip=dhcp", "nameserver": "192.0.2.53", "searchdomain": "example.org",
		}),
		machine(proxmoxsim.Row{"name": "odd", "memory": "current=2048", "cores": "4", "onboot": "1", "agent": 1, "tags": " ", "cicustom": " "}),
		machine(proxmoxsim.Row{"name": "int", "memory": 65536, "agent": "0", "template": 1}),
		container(proxmoxsim.Row{"hostname": "ct.example.org", "ostype": "alpine", "memory": 256, "cores": 2, "unprivileged": 1, "lxc": [][]string{{"lxc.apparmor.profile", "unconfined"}}}),
	))
	want := []domain.GuestConfig{
		{
			Name: "db.example.org", Description: "first\nsecond", OSType: "win11", OnBoot: true, AgentEnabled: true, Tags: []string{"db", "prod", "web"},
			Cores: 8, MemoryBytes: 4096 << 20, UUID: "0d5c7830-98bc-4847-bb9a-000000000001", Serial: "DEMO", CreatedAt: 1730191495,
			CloudInit: &domain.CloudInit{User: "admin", SSHKeys: "ssh-ed25519 AA+A me", IPConfig0: "ip=dhcp"}, Nameserver: "192.0.2.53", SearchDomain: "example.org",
		},
		{Name: "odd", Cores: 4, MemoryBytes: 2048 << 20, OnBoot: true, AgentEnabled: true},
		{Name: "int", Cores: 1, MemoryBytes: 65536 << 20, Template: true},
		{Name: "ct.example.org", OSType: "alpine", Cores: 2, MemoryBytes: 256 << 20, Unprivileged: true},
	}
	for i, g := range snap.Guests {
		s.same("the configuration of "+g.Name, domain.Is(want[i]), g.Config)
		if g.CPUs != want[i].Cores || g.MemoryBytes != want[i].MemoryBytes || g.Template != want[i].Template {
			s.Errorf("%s has %v CPUs, %d bytes, template %t in the list of resources", g.Name, g.CPUs, g.MemoryBytes, g.Template)
		}
	}
	if s.odd(UnlimitedContainers) {
		return
	}
	e := small(container(proxmoxsim.Row{"hostname": "unlimited"}))
	if got := s.of(e).Guests[0].CPUs; got != float64(e.Nodes[0].CPUs) {
		s.Errorf("a container without a limit has %v CPUs", got)
	}
}

// pending judges that current=1 shows what is, not what will be.
func (s *suite) pending() {
	m, ct := machine(proxmoxsim.Row{"name": "m", "memory": "1024"}), container(proxmoxsim.Row{"hostname": "ct", "memory": 1024, "swap": 512})
	m.Pending = proxmoxsim.Row{"memory": "2048"}
	ct.Pending = proxmoxsim.Row{"memory": 2048, "swap": nil}
	e := small(m, ct)
	system := s.start(e)
	c := s.open(system, system.Endpoint())
	for i := range e.Guests {
		g := &e.Guests[i]
		now := raw[row](s, c, g.Path("config"), url.Values{"current": {"1"}})
		s.same("memory now", "1024", text(now["memory"]))
		if now["digest"] == "" || now["digest"] == nil {
			s.Errorf("the configuration of %d has no digest", g.VMID)
		}
		if g.Type == domain.QEMU && s.odd(PendingMachines) {
			continue
		}
		next := raw[row](s, c, g.Path("config"), nil)
		s.same("memory after the next start", "2048", text(next["memory"]))
		if _, there := next["swap"]; there {
			s.Errorf("guest %d keeps an option that its next start takes away", g.VMID)
		}
	}
	for _, g := range s.read(system, system.Endpoint()).Guests {
		if got := g.Config.Value.MemoryBytes; got != 1024<<20 {
			s.Errorf("%s reads %d bytes of memory", g.Name, got)
		}
	}
}

func (s *suite) snapshots() {
	m, ct := machine(proxmoxsim.Row{"name": "m"}), container(proxmoxsim.Row{"hostname": "ct"})
	m.Snapshots = []proxmoxsim.GuestSnapshot{{Name: "first", Description: "before\n", Time: 1700000000, WithMemory: true}, {Name: "second", Parent: "first", Time: 1700000100}}
	ct.Snapshots = []proxmoxsim.GuestSnapshot{{Name: "only", Time: 1700000200}}
	e := small(m, ct, machine(proxmoxsim.Row{"name": "none"}))
	system := s.start(e)
	rows := raw[[]row](s, s.open(system, system.Endpoint()), e.Guests[0].Path("snapshot"), nil)
	if last := rows[len(rows)-1]; last["name"] != "current" || last["description"] != "You are here!" || last["snaptime"] != nil {
		s.Errorf("the last snapshot is %v", last)
	}
	snap := s.read(system, system.Endpoint())
	for i, want := range [][]domain.GuestSnapshot{
		{{Name: "first", Description: "before", Time: 1700000000, WithMemory: true}, {Name: "second", Parent: "first", Time: 1700000100}},
		{{Name: "only", Time: 1700000200}},
		{},
	} {
		s.same("snapshots", domain.Is(want), snap.Guests[i].Snapshots)
	}
}

func (s *suite) storages() {
	e := proxmoxsim.Demo(1)
	e.Storages = append(e.Storages, proxmoxsim.Storage{
		Config: proxmoxsim.Row{"storage": "pbs", "type": "pbs", "content": "backup", "server": "192.0.2.30", "datastore": "main", "prune-backups": proxmoxsim.Row{"keep-all": "1"}},
		Backups: []proxmoxsim.Backup{{
			VolumeID: "pbs:backup/vm/100/2026-01-02T03:04:05Z", VMID: 100, Subtype: "qemu", Format: "pbs-vm", Size: 4096, Created: 1767323045, Notes: "nightly", Protected: true,
			Encrypted: "1", Verification: proxmoxsim.Row{"state": "ok", "upid": "UPID:verify"},
		}},
	})
	snap := s.of(e)
	byName := map[string]domain.Storage{}
	for _, st := range snap.Storages.Value {
		byName[st.Name] = st
	}
	pbs := domain.Storage{
		Name: "pbs", Type: "pbs", Content: []string{"backup"}, Shared: true, Enabled: true, Options: map[string]string{"server": "192.0.2.30", "datastore": "main", "prune-backups": "keep-all=1"},
		Backups: domain.Is([]domain.Backup{{
			VolumeID: "pbs:backup/vm/100/2026-01-02T03:04:05Z", Storage: "pbs", Node: "pve1", VMID: 100, Type: domain.QEMU, Format: "pbs-vm", SizeBytes: 4096, Created: 1767323045,
			Notes: "nightly", Protected: true, Encrypted: "1", VerificationState: "ok", VerificationUPID: "UPID:verify",
		}}),
	}
	if s.odd(BackupDetails) {
		b := &pbs.Backups.Value[0]
		b.Encrypted, b.VerificationState, b.VerificationUPID = "", "", ""
	}
	s.same("a backup server", pbs, byName["pbs"])
	s.same("a disabled storage", domain.Storage{
		Name: "old-nas", Type: "cifs", Content: []string{"iso"}, Nodes: []string{"pve1", "pve2"}, Shared: true,
		Options: map[string]string{"server": "192.0.2.21", "share": "pve", "path": "/mnt/pve/old-nas"},
	}, byName["old-nas"])
	s.same("a thin pool", domain.Storage{
		Name: "local-lvm", Type: "lvmthin", Content: []string{"images", "rootdir"}, Enabled: true, Options: map[string]string{"vgname": "pve", "thinpool": "data"},
	}, byName["local-lvm"])
	nodes := map[string]int{}
	for _, b := range byName["local"].Backups.Value {
		nodes[b.Node]++
	}
	if !s.odd(LocalIsShared) {
		s.same("where the local backup is", map[string]int{"pve1": 1}, nodes)
	}
	if !byName["local"].Backups.OK || !byName["nas"].Backups.OK {
		s.Error("the backups are not known")
	}
	if len(snap.Replications.Value) != 1 || len(snap.BackupRoutines.Value) != 2 {
		s.Errorf("%d replications and %d backup jobs", len(snap.Replications.Value), len(snap.BackupRoutines.Value))
	}
}

// text is a scalar of JSON as text: memory is a string in one release and a
// number in another.
func text(v any) string {
	return fmt.Sprint(v)
}

// changes judges that what changes is read: the other tests of the program
// change estates in these ways.
func (s *suite) changes() {
	system := s.start(proxmoxsim.Demo(30))
	before := s.read(system, system.Endpoint())
	system.Change(s, func(e *proxmoxsim.Estate) {
		e.Guest(100).Rename("shop")
		e.Guest(100).Readdress("10.10.0.2/24", "10.10.0.222/24")
		e.Guest(101).Move("pve1")
		e.Guest(102).Unset("scsi30")
		e.Guest(103).Add("net", "virtio=BC:24:11:FF:FF:01,bridge=vmbr0")
		e.Guest(106).Stop()
		e.Guest(112).Readdress("10.10.0.14/24", "10.10.0.223/24")
		e.Guest(113).Readdress("10.10.0.15/24", "10.10.0.224/24")
		e.Guest(127).Start()
		e.Remove(128)
	})
	after := s.read(system, system.Endpoint())
	was, is := before.Guests, after.Guests
	if len(is) != len(was)-1 {
		s.Errorf("%d guests became %d", len(was), len(is))
	}
	for what, ok := range map[string]bool{
		"renamed":           is[0].Name == "shop" && is[0].Config.Value.Name == "shop",
		"new address":       is[0].Agent.Value[1].Addresses[0] == prefixes("10.10.0.222/24")[0],
		"moved":             was[1].Node == "pve2" && is[1].Node == "pve1" && is[1].Config.OK && is[1].Agent.OK,
		"disk dropped":      len(is[2].Config.Value.Disks) == len(was[2].Config.Value.Disks)-1,
		"NIC added":         is[3].Config.Value.NICs[0].MAC == "BC:24:11:FF:FF:01",
		"stopped":           was[6].Agent.OK && is[6].Status == "stopped" && is[6].Config.OK && !is[6].Agent.OK,
		"container's":       is[12].Config.Value.NICs[0].Addresses[0] == prefixes("10.10.0.223/24")[0] && is[12].Agent.Value[1].Addresses[0] == prefixes("10.10.0.223/24")[0],
		"container's lease": is[13].Agent.Value[1].Addresses[0] == prefixes("10.10.0.224/24")[0],
		"started":           is[27].Config.Value.MemoryBytes == 16384<<20 && len(is[27].Config.Value.NICs) == 2,
	} {
		if !ok {
			s.Errorf("%s: it does not show", what)
		}
	}
	gone, err := s.open(system, system.Endpoint()).Gone(s.Context(), "pve2", domain.QEMU, 128)
	if err != nil || !gone {
		s.Errorf("the removed guest is gone: %t, %v", gone, err)
	}
	// The others are as they were.
	s.same("an untouched guest", was[4], is[4])
	s.same("problems", before.Problems, after.Problems)
}
