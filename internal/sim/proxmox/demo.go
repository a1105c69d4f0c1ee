package proxmoxsim

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"proxbox/internal/domain"
)

// DemoGuests is how many guests the demo has unless it is told otherwise.
const DemoGuests = 50

// firstVMID is the vmid of the demo's first guest.
const firstVMID = 100

// The moments of the demo are counted from its birth.
const demoBirth = 1767225600 // 2026-01-01 00:00 UTC

// Demo is an estate of n guests, at most 60,000, on three nodes, the same every
// time. The first ones are one of each shape that the reader knows; the rest
// are ordinary machines and containers, of which an estate has most.
func Demo(n int) Estate { return DemoAt(0, n) }

// DemoAt is the demo of one of several sites, 0 to 9, each with a cluster of
// its own. Nodes, guests and storages have the same names and numbers at all
// of them; fingerprints, UUIDs, MAC and IP addresses are a site's own, as
// those of real estates are.
func DemoAt(site, n int) Estate {
	name := "demo"
	if site > 0 {
		name += strconv.Itoa(site + 1)
	}
	e := Estate{
		Cluster: name, Version: "9.0.10",
		TagStyle: "case-sensitive=0,color-map=prod:cc0000:ffffff;web:00aa55;db:3366ff",
		Nodes:    demoNodes(name),
		Users:    []User{{ID: "root@pam", Password: "demo-password"}},
		Tokens:   []Token{{ID: "root@pam!proxbox", Secret: "11111111-2222-4333-8444-555555555555"}},
	}
	e.Guests = make([]Guest, 0, n)
	for i := range n {
		b := builder{site: site, i: i, vmid: firstVMID + i, node: e.Nodes[i%len(e.Nodes)].Name}
		switch {
		case i < len(demoShapes):
			e.Guests = append(e.Guests, demoShapes[i](b))
		case i%5 == 4:
			e.Guests = append(e.Guests, b.plainContainer())
		default:
			e.Guests = append(e.Guests, b.plainMachine())
		}
	}
	e.Storages = demoStorages(e.Guests)
	e.Replications, e.BackupJobs = demoJobs(e.Guests)
	return e
}

// builder makes the parts of one guest.
type builder struct {
	site int
	i    int
	vmid int
	node string
}

// mac is the address of the guest's nth interface.
func (b builder) mac(n int) string {
	return fmt.Sprintf("BC:24:%02X:%02X:%02X:%02X", 0x11+n, b.site<<4|b.vmid>>16&0xf, b.vmid>>8&0xff, b.vmid&0xff)
}

// ip is the guest's address in the nth network, a /24 of 250 guests.
func (b builder) ip(n int) string {
	return fmt.Sprintf("10.%d.%d.%d", 10+40*n+b.site, b.i/250, b.i%250+2)
}

func (b builder) gateway(n int) string {
	return fmt.Sprintf("10.%d.%d.254", 10+40*n+b.site, b.i/250)
}

// ip6 is the guest's address in the nth network.
func (b builder) ip6(n int) string { return fmt.Sprintf("2001:db8:%d::%x", 100*b.site+10+n, b.vmid) }

// linkLocal is what the guest gives its nth interface by itself.
func (b builder) linkLocal(n int) string { return fmt.Sprintf("fe80::be24:11ff:fe%02x:%x", n, b.vmid) }

func (b builder) disk(storage string, n int) string {
	return fmt.Sprintf("%s:vm-%d-disk-%d", storage, b.vmid, n)
}

// machine is a running QEMU guest with what every one has; more options come
// in pairs of key and value.
func (b builder) machine(name string, more ...any) Guest {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d/%d", b.site, b.vmid))
	uuid := hex.EncodeToString(sum[:])
	return b.guest(domain.QEMU, Row{
		"name": name, "ostype": "l26", "memory": "2048", "cores": 2, "sockets": 1, "scsihw": "virtio-scsi-single", "numa": 0,
		"boot":    "order=scsi0;net0",
		"smbios1": fmt.Sprintf("uuid=%s-%s-4%s-8%s-%s", uuid[:8], uuid[8:12], uuid[12:15], uuid[15:18], uuid[18:30]),
		"meta":    fmt.Sprintf("creation-qemu=9.0.2,ctime=%d", demoBirth+60*b.i),
	}, more...)
}

// container is a running LXC guest with what every one has.
func (b builder) container(name string, more ...any) Guest {
	return b.guest(domain.LXC, Row{
		"hostname": name, "ostype": "debian", "arch": "amd64", "memory": 512, "swap": 512, "cores": 1, "unprivileged": 1,
		"rootfs": fmt.Sprintf("local-lvm:vm-%d-disk-0,size=8G", b.vmid),
	}, more...)
}

func (b builder) guest(kind domain.GuestType, config Row, more ...any) Guest {
	for i := 0; i < len(more); i += 2 {
		key := more[i].(string)
		if config[key] = more[i+1]; more[i+1] == nil {
			delete(config, key)
		}
	}
	return Guest{VMID: b.vmid, Type: kind, Node: b.node, Status: "running", Config: config}
}

// nic is a netN of a QEMU guest.
func (b builder) nic(model string, n int, more string) string {
	return strings.TrimSuffix(fmt.Sprintf("%s=%s,bridge=vmbr0,%s", model, b.mac(n), more), ",")
}

// veth is a netN of a container.
func (b builder) veth(name string, n int, more string) string {
	return strings.TrimSuffix(fmt.Sprintf("name=%s,bridge=vmbr0,hwaddr=%s,type=veth,%s", name, b.mac(n), more), ",")
}

// agent answers with a loopback, the interfaces given and a Linux.
func agent(hostname string, interfaces ...AgentInterface) *Agent {
	loopback := AgentInterface{"lo", "00:00:00:00:00:00", []AgentAddress{v4("127.0.0.1", 8), v6("::1", 128)}}
	return &Agent{
		Interfaces: append([]AgentInterface{loopback}, interfaces...), Hostname: hostname,
		OS: Row{"id": "debian", "name": "Debian GNU/Linux", "version-id": "13", "version": "13 (trixie)", "pretty-name": "Debian GNU/Linux 13 (trixie)", "machine": "x86_64"},
	}
}

func v4(address string, prefix int) AgentAddress { return AgentAddress{address, "ipv4", prefix} }
func v6(address string, prefix int) AgentAddress { return AgentAddress{address, "ipv6", prefix} }

// inside is the guest's nth interface as the agent sees it: with MACs in
// lower case.
func (b builder) inside(name string, n int, addresses ...AgentAddress) AgentInterface {
	return AgentInterface{name, strings.ToLower(b.mac(n)), addresses}
}

func (b builder) plainMachine() Guest {
	role := []string{"web", "app", "db", "cache", "mail"}[b.i%5]
	name := fmt.Sprintf("%s-%d", role, b.vmid)
	g := b.machine(name,
		"cores", 1+b.i%4, "memory", strconv.Itoa(1024<<(b.i%4)), "agent", "1", "onboot", b.i%2,
		"net0", b.nic("virtio", 0, "firewall=1,tag="+strconv.Itoa(10+b.i%20)),
		"scsi0", b.disk("local-lvm", 0)+",size="+strconv.Itoa(16+b.i%3*16)+"G",
	)
	if b.i%2 == 0 {
		g.Config["scsi1"] = b.disk("ceph", 1) + ",size=100G"
	}
	if b.i%3 == 0 {
		g.Config["tags"] = "prod;" + role
	}
	g.Agent = agent(name, b.inside("eth0", 0, v4(b.ip(0), 24), v6(b.linkLocal(0), 64)))
	if b.i%20 == 17 {
		g.Stop()
	}
	return g
}

func (b builder) plainContainer() Guest {
	return b.container(fmt.Sprintf("ct-%d", b.vmid),
		"net0", b.veth("eth0", 0, "ip="+b.ip(0)+"/24,gw="+b.gateway(0)), "tags", "container")
}
