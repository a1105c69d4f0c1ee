package proxmox

import (
	"fmt"
	"maps"
	"strings"
)

// estate is a cluster of three nodes, one of them switched off, with a guest
// of every sort that decides which requests are sent.
func estate() map[string]answer {
	rows := []string{
		// The cluster row of the status and the nodes of the resources come
		// in no order, and Proxmox VE 9 adds types of which we know nothing.
		`{"type":"node","node":"pve2","id":"node/pve2","status":"online","maxcpu":8,"maxmem":34359738368,"level":"","hastate":"online","cgroup-mode":2}`,
		`{"type":"network","network":"localnetwork","network-type":"zone","node":"pve1","id":"network/pve1/zone/localnetwork","status":"ok"}`,
		`{"type":"sdn","sdn":"localnetwork","node":"pve1","id":"sdn/pve1/localnetwork","status":"ok"}`,
		`{"type":"storage","storage":"local","node":"pve1","id":"storage/pve1/local","status":"available","disk":1,"maxdisk":2}`,
		`{"type":"qemu","vmid":100,"id":"qemu/100","node":"pve1","name":"web","status":"running","template":0,"maxcpu":2,"maxmem":2147483648,"tags":"prod;web"}`,
		`{"type":"qemu","vmid":101,"id":"qemu/101","node":"pve1","name":"db","status":"stopped","template":0,"maxcpu":4,"maxmem":4294967296,"pool":"data","hastate":"stopped","lock":"backup"}`,
		`{"type":"qemu","vmid":102,"id":"qemu/102","node":"pve1","name":"debian-12","status":"stopped","template":1,"maxcpu":1,"maxmem":1073741824}`,
		`{"type":"node","node":"pve1","id":"node/pve1","status":"online","maxcpu":16,"maxmem":68719476736,"level":"c"}`,
		`{"type":"qemu","vmid":103,"id":"qemu/103","node":"pve2","name":"appliance","status":"running","template":0,"maxcpu":1,"maxmem":1073741824}`,
		`{"type":"lxc","vmid":200,"id":"lxc/200","node":"pve2","name":"dns","status":"running","template":0,"maxcpu":1.5,"maxmem":536870912,"maxdisk":8350298112}`,
		`{"type":"lxc","vmid":"201","id":"lxc/201","node":"pve2","name":"old","status":"stopped","template":"","lock":"","maxcpu":2,"maxmem":"536870912","tags":" "}`,
		`{"type":"qemu","vmid":300,"id":"qemu/300","node":"pve3","status":"unknown"}`,
		`{"type":"qemu","vmid":301,"id":"qemu/301","node":"pve2","status":"unknown","hastate":"started"}`,
		`{"type":"node","node":"pve3","id":"node/pve3","status":"offline"}`,
	}
	vm := func(extra string) answer {
		return data(`{"memory":"2048","cores":2,"digest":"da39","net0":"virtio=BC:24:11:00:00:01,bridge=vmbr0","scsi0":"local-lvm:vm-disk-0,size=8G"` + extra + `}`)
	}
	network := data(`[{"iface":"eno1","type":"eth","active":1,"exists":1},{"iface":"vmbr0","type":"bridge","bridge_ports":"eno1","cidr":"192.0.2.10/24","address":"192.0.2.10","netmask":"24","gateway":"192.0.2.1","autostart":1,"active":1}]`)
	backup := func(storage, node string) answer {
		return data(fmt.Sprintf(`[{"volid":"%s:backup/vzdump-qemu-100-2026_01_02-03_04_05-%s.vma.zst","content":"backup","vmid":100,"subtype":"qemu","format":"vma.zst","size":1048576,"ctime":1767323045}]`, storage, node))
	}
	tasks := data(`[{"upid":"UPID:pve:0001:0002:0003:vzdump:100:root@pam:","node":"pve1","type":"vzdump","id":"100","user":"root@pam","starttime":1767323045,"endtime":1767323099,"status":"OK","pid":1,"pstart":2}]`)
	return map[string]answer{
		"/cluster/resources":  data("[" + strings.Join(rows, ",") + "]"),
		"/cluster/status":     data(`[{"type":"node","name":"pve2","id":"node/pve2","nodeid":2,"online":1,"local":0,"ip":"192.0.2.12","level":""},{"type":"cluster","id":"cluster","name":"lab","quorate":"1","version":7,"nodes":3},{"type":"node","name":"pve1","id":"node/pve1","nodeid":1,"online":1,"local":1,"ip":"192.0.2.10","level":"c"},{"type":"node","name":"pve3","id":"node/pve3","nodeid":3,"online":0,"local":0,"ip":"192.0.2.13","level":""}]`),
		"/version":            data(`{"version":"9.0.10","release":"9.0","repoid":"deadbeef"}`),
		"/nodes":              data(`[{"node":"pve1","status":"online","ssl_fingerprint":"AA:01","maxcpu":16},{"node":"pve3","status":"offline","ssl_fingerprint":"AA:03"},{"node":"pve2","status":"online","ssl_fingerprint":"AA:02"}]`),
		"/access/permissions": data(`{"/":{"VM.Audit":1,"Datastore.Audit":1,"Sys.Audit":1,"VM.Backup":1,"Datastore.AllocateSpace":1}}`),
		"/cluster/options":    data(`{"keyboard":"de","tag-style":{"color-map":"prod:FF0000;web:00ff00:ffffff;odd:12","ordering":"config"}}`),

		"/nodes/pve1/network": network,
		"/nodes/pve2/network": network,
		"/nodes/pve1/tasks":   tasks,
		"/nodes/pve2/tasks":   tasks,

		"/nodes/pve1/qemu/100/config": vm(`,"name":"web","agent":"1","tags":"prod;web","ostype":"l26","onboot":1`),
		"/nodes/pve1/qemu/101/config": vm(`,"name":"db","agent":"enabled=1,fstrim_cloned_disks=1"`),
		"/nodes/pve1/qemu/102/config": vm(`,"name":"debian-12","template":1`),
		"/nodes/pve2/qemu/103/config": vm(`,"name":"appliance","agent":0`),
		"/nodes/pve2/qemu/301/config": vm(`,"name":"fresh","agent":"1"`),
		"/nodes/pve2/lxc/200/config":  data(`{"hostname":"dns","cores":1,"memory":512,"rootfs":"local-lvm:vm-200-disk-0,size=8G","net0":"name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:02:00,ip=dhcp,type=veth","ostype":"debian","lxc":[["lxc.apparmor.profile","unconfined"]]}`),
		"/nodes/pve2/lxc/201/config":  data(`{"hostname":"old","memory":512,"tags":" "}`),

		"/nodes/pve1/qemu/100/agent/network-get-interfaces": data(`{"result":[{"name":"lo","hardware-address":"00:00:00:00:00:00","ip-addresses":[{"ip-address":"127.0.0.1","prefix":8}]},{"name":"ens18","hardware-address":"bc:24:11:00:00:01","ip-addresses":[{"ip-address":"198.51.100.5","prefix":24}]}]}`),
		"/nodes/pve1/qemu/100/agent/get-osinfo":             data(`{"result":{"name":"Debian GNU/Linux","version-id":"12","pretty-name":"Debian GNU/Linux 12 (bookworm)"}}`),
		"/nodes/pve1/qemu/100/agent/get-host-name":          data(`{"result":{"host-name":"web.example"}}`),
		"/nodes/pve2/lxc/200/interfaces":                    data(`[{"name":"lo","hwaddr":"00:00:00:00:00:00","inet":"127.0.0.1/8"},{"name":"eth0","hwaddr":"bc:24:11:00:02:00","inet":"198.51.100.53/24"}]`),

		"/nodes/pve1/qemu/100/snapshot": data(`[{"name":"before","snaptime":1767323045,"vmstate":1,"description":"x\n"},{"name":"current","digest":"da39","running":1,"description":"You are here!","parent":"before"}]`),
		"/nodes/pve1/qemu/101/snapshot": data(`[{"name":"current"}]`),
		"/nodes/pve1/qemu/102/snapshot": data(`[{"name":"current"}]`),
		"/nodes/pve2/qemu/103/snapshot": data(`[{"name":"current"}]`),
		"/nodes/pve2/qemu/301/snapshot": data(`[{"name":"current"}]`),
		"/nodes/pve2/lxc/200/snapshot":  data(`[{"name":"current"}]`),
		"/nodes/pve2/lxc/201/snapshot":  data(`[{"name":"current"}]`),

		"/storage":                         data(`[{"storage":"local-lvm","type":"lvmthin","vgname":"pve","thinpool":"data","content":"rootdir,images","digest":"x"},{"storage":"dump","type":"dir","path":"/srv","content":"iso,backup","nodes":"pve2,pve1","prune-backups":{"keep-last":"3","keep-daily":7},"digest":"x"},{"storage":"pbs","type":"pbs","server":"192.0.2.99","datastore":"main","content":"backup","nodes":"pve1","digest":"x"}]`),
		"/nodes/pve1/storage/dump/content": backup("dump", "one"),
		"/nodes/pve2/storage/dump/content": backup("dump", "two"),
		"/nodes/pve1/storage/pbs/content":  data(`[{"volid":"pbs:backup/vm/100/2026-01-02T03:04:05Z","content":"backup","format":"pbs-vm","ctime":1767323045,"size":42,"verification":{"state":"ok","upid":"UPID:pbs"}}]`),

		"/cluster/replication": data(`[{"id":"100-0","guest":100,"jobnum":0,"target":"pve2","type":"local","schedule":"*/15","source":"pve1"}]`),
		"/cluster/backup":      data(`[{"id":"backup-1","enabled":1,"schedule":"02:00","storage":"pbs","all":1,"prune-backups":"keep-last=3"}]`),
	}
}

// without is the estate in which some paths answer something else.
func without(other map[string]answer) *server {
	answers := estate()
	maps.Copy(answers, other)
	return newServer(answers)
}
