package domain

import "net/netip"

// Snapshot is what one Proxmox endpoint answered in one reading.
type Snapshot struct {
	Endpoint ProxmoxEndpoint
	Version  string // "9.0.10"
	Cluster  Cluster
	Nodes    []Node  // ordered by name
	Guests   []Guest // ordered by VMID
	Storages Known[[]Storage]

	// Complete holds what the token may see to the last one: only then does
	// the absence of an object mean that it is gone.
	Complete Completeness

	Replications   Known[[]Replication]
	BackupRoutines Known[[]BackupRoutine]
	SDN            SDN
	TagColors      map[string]string // guest tag -> "rrggbb", from the cluster's tag-style
	Problems       []Problem         // what could not be read, and the way out
}

// Completeness says of which kinds every object was listed (rules.md 6).
type Completeness struct {
	Guests   bool // VM.Audit on / or /vms, propagating, in a quorate cluster
	Nodes    bool
	Storages bool // Datastore.Audit
	Backups  bool // VM.Backup or Datastore.AllocateSpace
	SDN      bool // SDN.Audit or SDN.Allocate
}

// Problem is one thing that could not be read or done, written for the
// person who has to mend it.
type Problem struct {
	What   string // the object, by its Proxmox name: "guest 100 (web)", "node pve2"
	Reason string // what was answered
	WayOut string // what to do; may be a command
}

// Cluster is a Proxmox cluster, or the stand-alone host that is its own.
type Cluster struct {
	Name       string // of the cluster, or of the one node
	Standalone bool
	Quorate    bool
	ID         string // what /cluster/status calls it: "cluster", or "" for a stand-alone host
	Version    int    // of the cluster's configuration
	// Unnamed is true while nothing says what the cluster is called, nor
	// whether it is one: Name and Standalone stand for it.
	Unnamed bool
}

// Mode is "cluster" or "standalone", as NetBox's cluster types are named.
func (c Cluster) Mode() string {
	if c.Standalone {
		return "standalone"
	}
	return "cluster"
}

// Node is one Proxmox host.
type Node struct {
	Name           string
	NodeID         int
	Online         bool
	Local          bool // the node that answered
	IP             string
	Level          string // of its subscription
	SSLFingerprint string
	CPUs           int   // logical
	MemoryBytes    int64 // in all
	Interfaces     Known[[]NodeInterface]
	Tasks          Known[[]Task]
}

// NodeInterface is one network interface of a node's configuration.
type NodeInterface struct {
	Name      string
	Type      string // as Proxmox says: eth, bridge, bond, vlan, OVSBridge, OVSBond, OVSPort, OVSIntPort, alias, ...
	Active    bool
	Autostart bool
	MAC       string // upper case with colons; "" when Proxmox does not say
	MTU       int    // 0 when unset
	VLAN      int    // of a vlan interface or OVS tag; 0 when none
	RawDevice string // what a VLAN interface sits on
	Ports     []string
	Slaves    []string // members of a bond
	VLANAware bool
	BondMode  string
	Bridge    string // the OVS bridge that it belongs to
	Addresses []netip.Prefix
	Gateways  []netip.Addr
	Comment   string
}

// GuestType is how Proxmox names the two kinds of guest.
type GuestType string

const (
	QEMU GuestType = "qemu"
	LXC  GuestType = "lxc"
)

// Guest is a virtual machine or a container.
type Guest struct {
	VMID     int
	Type     GuestType
	Name     string // "" when neither its row nor its configuration has one
	Node     string
	Status   string // running, stopped, paused, unknown, ...
	Template bool
	Pool     string
	Lock     string
	HAState  string
	Tags     []string // lower case, sorted, without doubles

	CPUs        float64 // 0 when unknown
	MemoryBytes int64   // 0 when unknown

	// Config is unknown when the node did not answer, or not in time.
	Config Known[GuestConfig]
	// Agent holds the interfaces as the guest itself sees them: from the QEMU
	// agent, or from /lxc/{vmid}/interfaces. Unknown while it is silent.
	Agent     Known[[]GuestInterface]
	AgentOS   Known[AgentOS]
	Hostname  string // as the agent says, or LXC's hostname
	Snapshots Known[[]GuestSnapshot]
}

// GuestConfig is a guest's own configuration, as it is now (current=1).
type GuestConfig struct {
	Name         string // qemu name, lxc hostname
	Description  string
	OSType       string // l26, win11, debian, ...
	CPUType      string // host, x86-64-v2-AES, ...; "" where Proxmox takes its default, and for containers
	OnBoot       bool
	AgentEnabled bool
	Unprivileged bool
	SearchDomain string
	Nameserver   string
	UUID         string // smbios1 uuid, lower case; QEMU alone
	Serial       string // smbios1 serial, decoded
	CreatedAt    int64  // meta ctime, seconds since 1970; 0 when unknown
	Cores        float64
	MemoryBytes  int64
	NICs         []NIC    // ordered by index
	Disks        []Disk   // ordered by key; without CD-ROMs and unused volumes
	Drives       []string // keys of what is no disk of the guest's own: CD-ROMs, cloud-init; sorted
	CloudInit    *CloudInit
	Tags         []string
	Template     bool
}

// NIC is one netN of a guest's configuration.
type NIC struct {
	Key       string // net0
	Index     int
	Name      string // LXC's name=, "" for QEMU
	Model     string // virtio, e1000, e1000e, rtl8139, vmxnet3, veth, ...
	MAC       string // upper case with colons
	Bridge    string
	VLAN      int   // tag=; 0 when none
	Trunks    []int // trunks=, expanded, sorted
	LinkDown  bool
	MTU       int // 0 when unset or inherited from the bridge (mtu=1)
	Firewall  bool
	RateMBps  float64
	Addresses []netip.Prefix // configured: LXC ip=, ip6=; QEMU ipconfigN
	Gateways  []netip.Addr
}

// Disk is one volume of a guest.
type Disk struct {
	Key     string // scsi0, rootfs, mp1, efidisk0, ...
	Storage string // "" for a passed-through device or a bind mount
	Volume  string // the volume id, or the path
	SizeMB  int    // MB, rounded up, at least 1; 0 when the configuration has no size
	Format  string
}

// GuestInterface is one interface as the guest itself sees it.
type GuestInterface struct {
	Name      string
	MAC       string // upper case with colons; "" when it has none
	Addresses []netip.Prefix
}

// AgentOS is what the QEMU agent's get-osinfo answers.
type AgentOS struct {
	Name, VersionID, PrettyName string
}

// CloudInit is the cloud-init part of a QEMU configuration.
type CloudInit struct {
	User      string
	SSHKeys   string // decoded
	IPConfig0 string
}

// GuestSnapshot is one snapshot of a guest.
type GuestSnapshot struct {
	Name        string
	Description string
	Parent      string
	Time        int64 // seconds since 1970, UTC; 0 when unknown
	WithMemory  bool
}

// Storage is one row of the cluster's storage configuration.
type Storage struct {
	Name    string
	Type    string
	Content []string // sorted
	Nodes   []string // sorted; empty: all
	Shared  bool
	Enabled bool
	Options map[string]string // every other option as text: server, path, export, prune-backups, ...
	Backups Known[[]Backup]   // of a storage with content=backup
}

// Backup is one backup volume.
type Backup struct {
	VolumeID          string
	Storage           string
	Node              string // that it was listed on
	VMID              int
	Type              GuestType // "" when the volume does not say
	Format            string
	SizeBytes         int64
	UsedBytes         int64 // 0 when the storage does not say
	Created           int64 // seconds since 1970
	Notes             string
	Encrypted         string
	VerificationState string
	VerificationUPID  string
	Protected         bool
}

// Replication is one job of /cluster/replication.
type Replication struct {
	ID        string
	VMID      int
	Source    string
	Target    string
	Type      string
	Schedule  string
	Rate      float64
	Comment   string
	Disabled  bool
	JobNum    int
	RemoveJob string
	Raw       map[string]any
}

// BackupRoutine is one job of /cluster/backup.
type BackupRoutine struct {
	ID      string
	Enabled bool
	Options map[string]string
	Raw     map[string]any
}

// Task is one entry of a node's task list.
type Task struct {
	UPID       string
	Node       string
	Type       string
	ID         string // most often a VMID
	User       string
	PID        int
	PStart     int64
	Start      int64 // seconds since 1970
	End        int64 // 0 while it runs
	Status     string
	ExitStatus string
}
