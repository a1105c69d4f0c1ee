package proxmoxsim

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"proxbox/internal/domain"
)

// Row is an object as Proxmox sends it, odd types and all.
type Row map[string]any

// Estate is a Proxmox VE cluster, or a stand-alone host, and all that it
// runs. It is data: it survives being written as JSON.
type Estate struct {
	Cluster  string `json:"cluster,omitempty"` // "": a stand-alone host
	Version  string `json:"version"`           // "9.0.10"
	NoQuorum bool   `json:"no_quorum,omitempty"`
	// TagStyle is the tag-style of the cluster's options, a property string.
	TagStyle string `json:"tag_style,omitempty"`

	Nodes        []Node    `json:"nodes"`
	Guests       []Guest   `json:"guests"`
	Storages     []Storage `json:"storages"`
	Replications []Row     `json:"replications"`
	BackupJobs   []Row     `json:"backup_jobs"`
	// SDN is the software defined network; nil: none is installed.
	SDN *SDN `json:"sdn,omitempty"`

	Users  []User  `json:"users"`
	Tokens []Token `json:"tokens"`

	// Faults are what a path below /api2/json answers in place of its data.
	Faults map[string]Fault `json:"faults,omitempty"`
}

// Node is a host. The first one is the one that answers.
type Node struct {
	Name        string `json:"name"`
	IP          string `json:"ip"`
	Fingerprint string `json:"fingerprint"`
	Offline     bool   `json:"offline,omitempty"`
	CPUs        int    `json:"cpus"`
	MemoryBytes int64  `json:"memory_bytes"`
	Network     []Row  `json:"network"` // as /nodes/{node}/network has it
	Tasks       []Row  `json:"tasks"`   // as /nodes/{node}/tasks has it
}

// Guest is a virtual machine or a container.
type Guest struct {
	VMID   int              `json:"vmid"`
	Type   domain.GuestType `json:"type"`
	Node   string           `json:"node"`
	Status string           `json:"status"`
	Pool   string           `json:"pool,omitempty"`
	// HAState is set while the guest is managed by the HA stack.
	HAState string `json:"ha_state,omitempty"`
	// Unseen guests were just made: the list of resources has no more of them
	// than that they are there.
	Unseen bool `json:"unseen,omitempty"`

	// Config is the configuration as it is now, name, tags and template
	// included; Pending is what the next start changes in it, with nil for
	// an option that goes away.
	Config  Row `json:"config"`
	Pending Row `json:"pending,omitempty"`

	// Agent is the QEMU agent; nil: it does not run in the guest.
	Agent *Agent `json:"agent,omitempty"`
	// Interfaces are those of a running container; nil: what its
	// configuration says.
	Interfaces []ContainerInterface `json:"interfaces,omitempty"`
	Snapshots  []GuestSnapshot      `json:"snapshots,omitempty"`
}

// Agent is what the QEMU agent of a guest answers.
type Agent struct {
	// Hangs means that the agent runs and does not answer.
	Hangs      bool             `json:"hangs,omitempty"`
	Interfaces []AgentInterface `json:"interfaces"`
	OS         Row              `json:"os,omitempty"`
	Hostname   string           `json:"hostname,omitempty"`
	// Refusal is what it answers, with status 200, to every command.
	Refusal *AgentRefusal `json:"refusal,omitempty"`
}

// AgentRefusal is an error of the agent itself.
type AgentRefusal struct {
	Class string `json:"class"`
	Desc  string `json:"desc"`
}

// AgentInterface is an interface as the QEMU agent lists it.
type AgentInterface struct {
	Name      string         `json:"name"`
	MAC       string         `json:"hardware-address,omitempty"`
	Addresses []AgentAddress `json:"ip-addresses,omitempty"`
}

// AgentAddress is an address as the QEMU agent lists it.
type AgentAddress struct {
	Address string `json:"ip-address"` // on Windows with its zone: fe80::1%8
	Type    string `json:"ip-address-type"`
	Prefix  int    `json:"prefix"` // -1: an old agent on Windows
}

// ContainerInterface is an interface of a running container.
type ContainerInterface struct {
	Name  string `json:"name"`
	MAC   string `json:"mac"`
	Inet  string `json:"inet,omitempty"`  // 10.0.0.5/24
	Inet6 string `json:"inet6,omitempty"` // fe80::1/64
}

// GuestSnapshot is a snapshot of a guest.
type GuestSnapshot struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Parent      string `json:"parent,omitempty"`
	Time        int64  `json:"time"`
	WithMemory  bool   `json:"with_memory,omitempty"`
}

// Storage is a storage of the cluster.
type Storage struct {
	Config  Row      `json:"config"` // as /storage has it: storage, type, content, ...
	Backups []Backup `json:"backups,omitempty"`
}

// Name of the storage.
func (s Storage) Name() string { return word(s.Config["storage"]) }

// Backup is a backup volume.
type Backup struct {
	Node         string `json:"node,omitempty"` // "": on every node, for the storage is shared
	VolumeID     string `json:"volid"`
	VMID         int    `json:"vmid"`
	Subtype      string `json:"subtype,omitempty"`
	Format       string `json:"format"`
	Size         int64  `json:"size"`
	Created      int64  `json:"ctime"`
	Notes        string `json:"notes,omitempty"`
	Protected    bool   `json:"protected,omitempty"`
	Encrypted    string `json:"encrypted,omitempty"`
	Verification Row    `json:"verification,omitempty"` // state, upid
}

// SDN is the software defined network, as its lists below /cluster/sdn have it.
type SDN struct {
	Zones   []Row            `json:"zones"`
	VNets   []Row            `json:"vnets"`
	Subnets map[string][]Row `json:"subnets"` // by vnet
}

// User logs in with a password.
type User struct {
	ID       string `json:"id"` // user@realm
	Password string `json:"password"`
	// Rights are those of the user; nil: all of them.
	Rights Rights `json:"rights"`
}

// Token is an API token.
type Token struct {
	ID     string `json:"id"` // user@realm!name
	Secret string `json:"secret"`
	// Rights are those of the token; nil: its user's.
	Rights Rights `json:"rights"`
}

// Fault is an answer in place of data.
type Fault struct {
	Status  int    `json:"status"`
	Message string `json:"message"`
	// Hangs means that there is no answer until the caller gives up.
	Hangs bool `json:"hangs,omitempty"`
}

// Guest returns a guest, to be read or changed. There must be one.
func (e *Estate) Guest(vmid int) *Guest {
	if i := slices.IndexFunc(e.Guests, func(g Guest) bool { return g.VMID == vmid }); i >= 0 {
		return &e.Guests[i]
	}
	panic(fmt.Sprintf("the estate has no guest %d", vmid))
}

// Node returns a node, to be read or changed. There must be one.
func (e *Estate) Node(name string) *Node {
	if i := slices.IndexFunc(e.Nodes, func(n Node) bool { return n.Name == name }); i >= 0 {
		return &e.Nodes[i]
	}
	panic(fmt.Sprintf("the estate has no node %q", name))
}

// Storage returns a storage, to be read or changed. There must be one.
func (e *Estate) Storage(name string) *Storage {
	if i := slices.IndexFunc(e.Storages, func(s Storage) bool { return s.Name() == name }); i >= 0 {
		return &e.Storages[i]
	}
	panic(fmt.Sprintf("the estate has no storage %q", name))
}

// Endpoint is how this Proxmox VE is reached with the first API token, by a
// [Server]'s Transport or, once address and port are set, over the network.
func (e *Estate) Endpoint() domain.ProxmoxEndpoint {
	ep := domain.ProxmoxEndpoint{
		ID: 1, Name: cmp.Or(e.Cluster, e.Nodes[0].Name), IPAddress: e.Nodes[0].IP, Port: 8006, Enabled: true,
	}
	if len(e.Tokens) > 0 {
		ep.Username, ep.TokenName, _ = strings.Cut(e.Tokens[0].ID, "!")
		ep.TokenValue = domain.Secret(e.Tokens[0].Secret)
	}
	return ep
}

// release is the major number of the version.
func (e *Estate) release() int {
	major, _, _ := strings.Cut(e.Version, ".")
	n, _ := strconv.Atoi(major)
	return n
}

// nameOption is where a guest's configuration has its name.
func (g *Guest) nameOption() string {
	if g.Type == domain.LXC {
		return "hostname"
	}
	return "name"
}

// Name is what Proxmox calls the guest in its lists; one without a name gets
// its number for it.
func (g *Guest) Name() string {
	fallback := "VM "
	if g.Type == domain.LXC {
		fallback = "CT"
	}
	return cmp.Or(word(g.Config[g.nameOption()]), fallback+strconv.Itoa(g.VMID))
}

// Template tells whether guests are cloned from it.
func (g *Guest) Template() bool { return number(g.Config["template"]) != 0 }

// word is a scalar as text.
func word(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

// number is a scalar as a number; 0 for what is none.
func number(v any) float64 {
	n, _ := strconv.ParseFloat(word(v), 64)
	return n
}

// option is one part of a property string; the part without a key for "".
func option(properties, key string) string {
	for part := range strings.SplitSeq(properties, ",") {
		k, v, ok := strings.Cut(part, "=")
		if !ok {
			k, v = "", part
		}
		if k == key {
			return v
		}
	}
	return ""
}
