package proxmoxsim

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

func demoNodes(cluster string) []Node {
	var nodes []Node
	for i := range 3 {
		name := fmt.Sprintf("pve%d", i+1)
		sum := sha256.Sum256([]byte(cluster + "/" + name))
		pairs := make([]string, len(sum))
		for k, b := range sum {
			pairs[k] = fmt.Sprintf("%02X", b)
		}
		nodes = append(nodes, Node{
			Name: name, IP: fmt.Sprintf("192.0.2.%d", 11+i), Fingerprint: strings.Join(pairs, ":"), CPUs: 64, MemoryBytes: 512 << 30,
			Network: demoNetwork(i), Tasks: demoTasks(name),
		})
	}
	return nodes
}

func demoNetwork(i int) []Row {
	mac := func(n int) string { return fmt.Sprintf("3c:ec:ef:00:%02x:%02x", i+1, n) }
	return []Row{
		{"iface": "eno1", "type": "eth", "method": "manual", "method6": "manual", "families": []string{"inet"}, "priority": 3, "active": 1, "exists": 1, "hwaddr": mac(1)},
		{"iface": "eno2", "type": "eth", "method": "manual", "method6": "manual", "families": []string{"inet"}, "priority": 4, "active": 1, "exists": 1, "hwaddr": mac(2)},
		{"iface": "eno3", "type": "eth", "method": "manual", "method6": "manual", "families": []string{"inet"}, "priority": 5, "exists": nil},
		{"iface": "bond0", "type": "bond", "method": "manual", "method6": "manual", "families": []string{"inet"}, "priority": 6, "active": 1, "autostart": 1, "slaves": "eno1 eno2", "bond_mode": "802.3ad", "bond_miimon": "100", "bond-primary": "eno1", "mtu": "9000"},
		{
			"iface": "vmbr0", "type": "bridge", "method": "static", "method6": "static", "families": []string{"inet", "inet6"}, "priority": 7, "active": 1, "autostart": 1,
			"bridge_ports": "bond0", "bridge_stp": "off", "bridge_fd": "0", "bridge_vlan_aware": 1, "bridge_vids": "2-4094",
			"address": fmt.Sprintf("192.0.2.%d", 11+i), "netmask": "24", "cidr": fmt.Sprintf("192.0.2.%d/24", 11+i), "gateway": "192.0.2.1",
			"address6": fmt.Sprintf("2001:db8::%d", 11+i), "netmask6": 64, "cidr6": fmt.Sprintf("2001:db8::%d/64", 11+i), "gateway6": "2001:db8::1",
			"comments": "guests and management\n",
		},
		{"iface": "vmbr0.20", "type": "vlan", "method": "static", "method6": "manual", "families": []string{"inet"}, "priority": 8, "active": 1, "autostart": 1, "vlan-id": "20", "vlan-raw-device": "vmbr0", "cidr": fmt.Sprintf("198.51.100.%d/24", 11+i), "address": fmt.Sprintf("198.51.100.%d", 11+i), "netmask": "24"},
		{"iface": "vmbr1", "type": "bridge", "method": "manual", "method6": "manual", "families": []string{"inet"}, "priority": 9, "active": 1, "autostart": 1, "bridge_ports": "", "bridge_stp": "off", "bridge_fd": "0"},
	}
}

func demoTasks(node string) []Row {
	task := func(n int, kind, id, user, status string) Row {
		start := demoBirth + 3600*n
		return Row{
			"upid": fmt.Sprintf("UPID:%s:%08X:%08X:%08X:%s:%s:%s:", node, 4096+n, 65536+n, start, kind, id, user), "node": node, "pid": 4096 + n, "pstart": 65536 + n,
			"starttime": start, "endtime": start + 30, "type": kind, "id": id, "user": user, "status": status,
		}
	}
	return []Row{
		task(3, "vzdump", "", "root@pam", "WARNINGS: 1"),
		task(2, "qmstart", "100", "root@pam", "OK"),
		task(1, "qmigrate", "101", "root@pam", "migration aborted"),
	}
}

// demoStorages are of the kinds that most estates have. Every tenth guest is
// backed up on the shared ones.
func demoStorages(guests []Guest) []Storage {
	nas := Storage{Config: Row{"storage": "nas", "type": "nfs", "content": "backup,iso", "server": "192.0.2.20", "export": "/srv/pve", "path": "/mnt/pve/nas", "shared": 1, "prune-backups": "keep-daily=7,keep-weekly=4"}}
	local := Storage{Config: Row{"storage": "local", "type": "dir", "content": "vztmpl,iso,backup,images", "path": "/var/lib/vz"}}
	for i, g := range guests {
		if i%10 != 0 {
			continue
		}
		extension := "vma.zst"
		if g.Type == "lxc" {
			extension = "tar.zst"
		}
		day := 1 + i/10%28
		file := fmt.Sprintf("backup/vzdump-%s-%d-2026_02_%02d-02_00_00.%s", g.Type, g.VMID, day, extension)
		b := Backup{VMID: g.VMID, Subtype: string(g.Type), Format: extension, Size: 1 << 30, Created: demoBirth + int64(31+day)*86400, Notes: g.Name(), VolumeID: "nas:" + file}
		nas.Backups = append(nas.Backups, b)
		if i%20 == 0 {
			b.Node, b.VolumeID, b.Notes, b.Protected = g.Node, "local:"+file, "", true
			local.Backups = append(local.Backups, b)
		}
	}
	return []Storage{
		local,
		{Config: Row{"storage": "local-lvm", "type": "lvmthin", "content": "images,rootdir", "vgname": "pve", "thinpool": "data"}},
		{Config: Row{"storage": "ceph", "type": "rbd", "content": "images,rootdir", "pool": "vms", "krbd": 0, "shared": 1}},
		nas,
		{Config: Row{"storage": "old-nas", "type": "cifs", "content": "iso", "server": "192.0.2.21", "share": "pve", "path": "/mnt/pve/old-nas", "nodes": "pve1,pve2", "disable": 1, "shared": 1}},
	}
}

// demoJobs replicates the first guest and backs the nodes up every night.
func demoJobs(guests []Guest) (replications, backups []Row) {
	if len(guests) > 0 {
		g := guests[0]
		replications = append(replications, Row{"id": strconv.Itoa(g.VMID) + "-0", "type": "local", "guest": g.VMID, "jobnum": 0, "source": g.Node, "target": "pve2", "schedule": "*/15", "rate": 10.5, "comment": "warm copy\n"})
	}
	all := []string{}
	for _, g := range guests[:min(len(guests), 3)] {
		all = append(all, strconv.Itoa(g.VMID))
	}
	slices.Sort(all)
	backups = append(backups,
		Row{"id": "backup-7f1c2d3e-0001", "type": "vzdump", "enabled": 1, "all": 1, "schedule": "02:00", "storage": "nas", "mode": "snapshot", "compress": "zstd", "prune-backups": Row{"keep-daily": "7", "keep-weekly": "4"}, "next-run": demoBirth + 93600, "notes-template": "{{guestname}}"},
		Row{"id": "backup-7f1c2d3e-0002", "type": "vzdump", "enabled": 0, "vmid": strings.Join(all, ","), "schedule": "sun 04:00", "storage": "local", "mode": "stop"},
	)
	return replications, backups
}
