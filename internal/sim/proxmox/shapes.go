package proxmoxsim

import "fmt"

// demoShapes are the guests of the demo that are not ordinary, each the only
// one of its kind but for the two that share a name.
var demoShapes = []func(builder) Guest{
	// Both families, and a link-local address with its zone.
	func(b builder) Guest {
		g := b.machine("web-01", "agent", "1", "onboot", 1, "tags", "prod;web", "description", "The shop\n",
			"net0", b.nic("virtio", 0, "firewall=1"), "scsi0", b.disk("local-lvm", 0)+",discard=on,iothread=1,size=32G")
		g.Agent = agent("web-01", b.inside("eth0", 0, v4(b.ip(0), 24), v6(b.ip6(0), 64), v6(b.linkLocal(0)+"%eth0", 64)))
		g.Snapshots = []GuestSnapshot{{Name: "before-upgrade", Description: "before 13\n", Time: demoBirth + 86400, WithMemory: true}, {Name: "after-upgrade", Parent: "before-upgrade", Time: demoBirth + 90000}}
		return g
	},
	// Made with cloud-init, and docker in it.
	func(b builder) Guest {
		g := b.machine("docker-01", "agent", "enabled=1,fstrim_cloned_disks=1", "tags", "web;docker",
			"ide2", fmt.Sprintf("local-lvm:vm-%d-cloudinit,media=cdrom", b.vmid), "ciuser", "admin", "sshkeys", "ssh-ed25519%20AAAA%2Bdemo%20admin%0A",
			"ipconfig0", "ip="+b.ip(0)+"/24,gw="+b.gateway(0)+",ip6=auto", "searchdomain", "example.org", "nameserver", "192.0.2.53",
			"net0", b.nic("virtio", 0, ""), "scsi0", b.disk("local-lvm", 0)+",size=20G")
		g.Agent = agent("docker-01", b.inside("ens18", 0, v4(b.ip(0), 24)),
			AgentInterface{"docker0", "02:42:ac:11:00:01", []AgentAddress{v4("172.17.0.1", 16)}},
			AgentInterface{"veth3a1b2c3", "a2:5d:00:00:00:01", []AgentAddress{v6("fe80::a05d:ff:fe00:1", 64)}},
			AgentInterface{Name: "cni0", MAC: "0a:58:0a:f4:00:01", Addresses: []AgentAddress{v4("10.244.0.1", 24)}})
		return g
	},
	// A disk on every bus, with every size there is.
	func(b builder) Guest {
		return b.machine("db-01", "bios", "ovmf", "tags", "prod;db", "onboot", 1, "cores", 8, "sockets", 2, "memory", "65536",
			"net0", b.nic("e1000", 0, ""),
			"efidisk0", b.disk("local-lvm", 0)+",efitype=4m,pre-enrolled-keys=1,size=528K",
			"tpmstate0", b.disk("local-lvm", 1)+",size=4M,version=v2.0",
			"scsi0", b.disk("local-lvm", 2)+",size=2252M", "scsi30", b.disk("ceph", 3)+",size=1.5T",
			"virtio0", b.disk("local-lvm", 4)+",size=10.5G", "virtio15", b.disk("ceph", 5)+",size=1T",
			"sata0", b.disk("local-lvm", 6)+",size=1073741824", "ide0", fmt.Sprintf("local:%d/vm-%d-disk-7.qcow2,size=1G", b.vmid, b.vmid),
			"unused0", b.disk("local-lvm", 8))
	},
	// A router: gaps in netN, tags and trunks, VRRP and alias rows.
	func(b builder) Guest {
		g := b.machine("router-01", "agent", "1", "ostype", "other", "onboot", 1, "tags", "network",
			"net2", b.nic("virtio", 2, "mtu=1,queues=4,tag=20"), "net5", b.nic("virtio", 5, "trunks=5;7;10-12"), "net31", b.nic("virtio", 31, "tag=4094"),
			"virtio0", b.disk("local-lvm", 0)+",size=8G")
		g.Agent = agent("router-01", b.inside("ens20", 2, v4(b.ip(2), 24)),
			AgentInterface{"ens20:1", b.inside("", 2).MAC, []AgentAddress{v4(b.gateway(2), 24)}},
			b.inside("ens23", 5), b.inside("ens49", 31, v4(b.ip(4), 24)),
			AgentInterface{"vrrp.20", "00:00:5e:00:01:14", []AgentAddress{v4("198.51.100.1", 32)}},
			AgentInterface{Name: "vrrp6.20", MAC: "00:00:5e:00:02:14"}, AgentInterface{Name: "tun0", Addresses: []AgentAddress{v4("10.8.0.1", 24)}})
		return g
	},
	// Windows: zones that are numbers, a prefix of -1, a loopback without MAC.
	func(b builder) Guest {
		g := b.machine("WIN-11", "agent", "1", "ostype", "win11", "memory", "8192", "bios", "ovmf", "machine", "pc-q35-9.0",
			"net0", b.nic("e1000e", 0, ""), "sata0", b.disk("local-lvm", 0)+",size=64G", "ide2", "local:iso/virtio-win.iso,media=cdrom,size=612812K")
		g.Agent = &Agent{
			Hostname: "WIN-11", OS: Row{"id": "mswindows", "name": "Microsoft Windows", "pretty-name": "Windows 11 Pro", "version": "Microsoft Windows 11", "version-id": "11"},
			Interfaces: []AgentInterface{
				b.inside("Ethernet", 0, v6(b.linkLocal(0)+"%13", 64), v4(b.ip(0), 24), v4("169.254.10.20", -1)),
				{Name: "Loopback Pseudo-Interface 1", Addresses: []AgentAddress{v6("::1", 128), v4("127.0.0.1", 8)}},
			},
		}
		return g
	},
	// An old one, without an agent and stopped.
	func(b builder) Guest {
		g := b.machine("legacy-01", "ostype", "w2k8", "memory", "512", "smbios1", nil, "meta", nil, "sockets", nil,
			"net0", b.nic("rtl8139", 0, ""), "ide0", fmt.Sprintf("local:%d/vm-%d-disk-0.vmdk,size=20G", b.vmid, b.vmid))
		g.Stop()
		return g
	},
	// Moved here from an ESXi: its name has dots.
	func(b builder) Guest {
		g := b.machine("app.example.org", "agent", "1", "cores", nil, "sockets", nil,
			"net0", b.nic("vmxnet3", 0, ""), "scsihw", "pvscsi", "scsi0", b.disk("ceph", 0)+",size=3000M")
		g.Agent = agent("app", b.inside("ens192", 0, v4(b.ip(0), 24)))
		return g
	},
	// A cable that is out, and jumbo frames.
	func(b builder) Guest {
		g := b.machine("storage-gw", "agent", "1",
			"net0", b.nic("virtio", 0, ""), "net1", b.nic("virtio", 1, "link_down=1"), "net2", b.nic("virtio", 2, "mtu=9000,rate=12.5"),
			"scsi0", b.disk("local-lvm", 0)+",size=16G")
		g.Agent = agent("storage-gw", b.inside("eth0", 0, v4(b.ip(0), 24)), b.inside("eth1", 1), b.inside("eth2", 2, v4(b.ip(2), 24)))
		return g
	},
	// An agent that is turned on and not installed.
	func(b builder) Guest {
		return b.machine("no-agent-01", "agent", "1", "net0", b.nic("virtio", 0, ""), "scsi0", b.disk("local-lvm", 0)+",size=16G")
	},
	// An agent that hangs; what cloud-init was told is known.
	func(b builder) Guest {
		g := b.machine("hung-01", "agent", "1", "ipconfig0", "ip="+b.ip(0)+"/24,gw="+b.gateway(0),
			"net0", b.nic("virtio", 0, ""), "scsi0", b.disk("local-lvm", 0)+",size=16G")
		g.Agent = &Agent{Hangs: true}
		return g
	},
	// An agent that may not tell.
	func(b builder) Guest {
		g := b.machine("tight-lipped", "agent", "1", "net0", b.nic("virtio", 0, ""), "scsi0", b.disk("local-lvm", 0)+",size=16G")
		g.Agent = &Agent{Refusal: &AgentRefusal{Class: "CommandNotFound", Desc: "Command guest-network-get-interfaces has been disabled"}}
		return g
	},
	// A template.
	func(b builder) Guest {
		g := b.machine("debian-13-template", "template", 1, "agent", "1", "memory", "1024",
			"net0", b.nic("virtio", 0, ""), "scsi0", fmt.Sprintf("local-lvm:base-%d-disk-0,size=2252M", b.vmid), "ide2", fmt.Sprintf("local-lvm:vm-%d-cloudinit,media=cdrom", b.vmid))
		g.Stop()
		return g
	},
	// A container of both families, with a second volume and a bind mount.
	func(b builder) Guest {
		return b.container("files-01", "tags", "prod;files", "onboot", 1, "nameserver", "192.0.2.53", "searchdomain", "example.org",
			"net0", b.veth("eth0", 0, "firewall=1,ip="+b.ip(0)+"/24,gw="+b.gateway(0)+",ip6="+b.ip6(0)+"/64,gw6=fe80::1"),
			"mp0", fmt.Sprintf("local-lvm:vm-%d-disk-1,mp=/srv,backup=1,size=1T", b.vmid), "mp1", "/mnt/bulk,mp=/mnt/bulk")
	},
	// A container that asks for its addresses.
	func(b builder) Guest {
		g := b.container("dhcp-01", "net0", b.veth("eth0", 0, "ip=dhcp,ip6=auto"))
		g.Interfaces = []ContainerInterface{{"eth0", b.inside("", 0).MAC, b.ip(0) + "/24", b.linkLocal(0) + "/64"}}
		return g
	},
	// A template of a container.
	func(b builder) Guest {
		g := b.container("alpine-template", "template", 1, "ostype", "alpine", "rootfs", fmt.Sprintf("local-lvm:base-%d-disk-0,size=528M", b.vmid),
			"net0", b.veth("eth0", 0, "ip=dhcp"))
		g.Stop()
		return g
	},
	// A privileged container with raw options, a dotted name and no tags but
	// a space.
	func(b builder) Guest {
		g := b.container("ns1.example.org", "ostype", "ubuntu", "unprivileged", nil, "tags", " ", "cores", nil, "cpulimit", "1.5",
			"features", "nesting=1,mount=nfs;cifs", "lxc", [][]string{{"lxc.apparmor.profile", "unconfined"}},
			"net0", b.veth("eth0", 0, "tag=30,ip="+b.ip(0)+"/24"), "net3", b.veth("mgmt0", 3, "mtu=1400,link_down=1,ip=manual"))
		g.Stop()
		return g
	},
	// A disk that is the host's, and two kinds of empty drive.
	func(b builder) Guest {
		return b.machine("nas-01", "onboot", 1, "ostype", "l24", "net0", b.nic("virtio", 0, ""),
			"scsi0", b.disk("local-lvm", 0)+",size=16G", "scsi1", "/dev/disk/by-id/ata-DEMO_DISK_0001,size=3907018584K", "ide2", "none,media=cdrom", "ide3", "cdrom,media=cdrom")
	},
	// Two guests of one name.
	twin, twin,
	// A guest without a name.
	func(b builder) Guest {
		g := b.machine("", "name", nil, "net0", b.nic("virtio", 0, ""), "scsi0", b.disk("local-lvm", 0)+",size=16G")
		g.Stop()
		return g
	},
	// Types that differ from everybody else's.
	func(b builder) Guest {
		g := b.machine("odd-01", "memory", "current=2048", "agent", 1, "cores", "4", "onboot", "1", "cicustom", " ",
			"net0", b.nic("virtio", 0, ""), "scsi0", b.disk("local-lvm", 0)+",format=raw,size=16G")
		g.Agent = agent("odd-01", b.inside("eth0", 0, v4(b.ip(0), 24)))
		return g
	},
	func(b builder) Guest {
		return b.machine("odd-02", "memory", 65536, "agent", "0", "ostype", "solaris", "tags", "Prod,DB prod",
			"net0", "bridge=vmbr0,macaddr="+b.mac(0)+",model=virtio", "scsi0", "file="+b.disk("local-lvm", 0)+",size=16G")
	},
	// IPv6 alone.
	func(b builder) Guest {
		g := b.machine("six-01", "agent", "1", "net0", b.nic("virtio", 0, ""), "scsi0", b.disk("local-lvm", 0)+",size=16G")
		g.Agent = agent("six-01", b.inside("eth0", 0, v6(b.ip6(0), 64), v6(b.linkLocal(0), 64)))
		return g
	},
	// Every model of NIC, in one guest.
	func(b builder) Guest {
		return b.machine("all-models", "net0", b.nic("virtio", 0, ""), "net1", b.nic("e1000", 1, ""), "net2", b.nic("e1000e", 2, ""),
			"net3", b.nic("rtl8139", 3, ""), "net4", b.nic("vmxnet3", 4, ""), "net5", b.nic("e1000-82545em", 5, "bridge=vmbr1"),
			"scsi0", b.disk("local-lvm", 0)+",size=16G")
	},
	// Managed by HA, in a pool, and under a lock.
	func(b builder) Guest {
		g := b.machine("erp-01", "agent", "1", "onboot", 1, "lock", "backup", "tags", "prod", "net0", b.nic("virtio", 0, "tag=40"), "scsi0", b.disk("ceph", 0)+",size=200G")
		g.Pool, g.HAState = "production", "started"
		g.Agent = agent("erp-01", b.inside("eth0", 0, v4(b.ip(0), 24)))
		return g
	},
	// Stopped, with an agent that spoke while it ran.
	func(b builder) Guest {
		g := b.machine("asleep-01", "agent", "1", "net0", b.nic("virtio", 0, ""), "scsi0", b.disk("local-lvm", 0)+",size=16G")
		g.Pool, g.Agent = "production", agent("asleep-01", b.inside("eth0", 0, v4(b.ip(0), 24)))
		g.Stop()
		return g
	},
	// Starting up: the interface has no address yet.
	func(b builder) Guest {
		g := b.machine("booting-01", "agent", "1", "ostype", "l26", "net0", b.nic("virtio", 0, ""), "scsi0", b.disk("local-lvm", 0)+",size=16G")
		g.Agent = agent("booting-01", b.inside("eth0", 0))
		return g
	},
	// A change that waits for the next start.
	func(b builder) Guest {
		g := b.machine("pending-01", "agent", "1", "net0", b.nic("virtio", 0, ""), "scsi0", b.disk("local-lvm", 0)+",size=16G")
		g.Pending = Row{"memory": "16384", "net1": b.nic("virtio", 1, "")}
		g.Agent = agent("pending-01", b.inside("eth0", 0, v4(b.ip(0), 24)))
		return g
	},
	// A Windows server whose serial is base64.
	func(b builder) Guest {
		g := b.machine("DC-01", "agent", "1", "ostype", "win10", "onboot", 1, "net0", b.nic("virtio", 0, "tag=10"), "scsi0", b.disk("ceph", 0)+",size=80G",
			"smbios1", fmt.Sprintf("uuid=0D5C7830-98BC-4847-BB9%X-%012X,serial=REVNTy0wMDAx,base64=1", b.site, b.vmid))
		g.Agent = &Agent{
			Hostname: "DC-01", OS: Row{"id": "mswindows", "name": "Microsoft Windows", "pretty-name": "Windows Server 2022 Standard", "version-id": "2022"},
			Interfaces: []AgentInterface{b.inside("Ethernet 2", 0, v4(b.ip(0), 24), v6(b.linkLocal(0)+"%8", 64))},
		}
		return g
	},
}

func twin(b builder) Guest {
	g := b.machine("twin", "agent", "1", "net0", b.nic("virtio", 0, ""), "scsi0", b.disk("local-lvm", 0)+",size=16G")
	g.Agent = agent("twin", b.inside("eth0", 0, v4(b.ip(0), 24)))
	return g
}
