package domain

import (
	"cmp"
	"slices"
	"strings"
)

// Kind names a NetBox object type as NetBox does: app_label.model.
type Kind string

// The kinds that the program knows. Their order here is of no meaning; what
// hangs on what is said by the references in each kind's fields.
const (
	KindTag                Kind = "extras.tag"
	KindCustomField        Kind = "extras.customfield"
	KindSite               Kind = "dcim.site"
	KindManufacturer       Kind = "dcim.manufacturer"
	KindDeviceType         Kind = "dcim.devicetype"
	KindDeviceRole         Kind = "dcim.devicerole"
	KindPlatform           Kind = "dcim.platform"
	KindDevice             Kind = "dcim.device"
	KindInterface          Kind = "dcim.interface"
	KindMACAddress         Kind = "dcim.macaddress"
	KindClusterType        Kind = "virtualization.clustertype"
	KindCluster            Kind = "virtualization.cluster"
	KindVirtualMachineType Kind = "virtualization.virtualmachinetype"
	KindVirtualMachine     Kind = "virtualization.virtualmachine"
	KindVirtualDisk        Kind = "virtualization.virtualdisk"
	KindVMInterface        Kind = "virtualization.vminterface"
	KindVLAN               Kind = "ipam.vlan"
	KindIPAddress          Kind = "ipam.ipaddress"
	KindTenant             Kind = "tenancy.tenant"
	KindVRF                Kind = "ipam.vrf"
	KindVLANGroup          Kind = "ipam.vlangroup"
	KindPrefix             Kind = "ipam.prefix"

	KindProxmoxEndpoint Kind = "netbox_proxbox.proxmoxendpoint"
	KindProxmoxCluster  Kind = "netbox_proxbox.proxmoxcluster"
	KindProxmoxNode     Kind = "netbox_proxbox.proxmoxnode"
	KindProxmoxStorage  Kind = "netbox_proxbox.proxmoxstorage"

	KindVMState          Kind = "netbox_proxbox.proxboxvirtualmachinesyncstate"
	KindDeviceState      Kind = "netbox_proxbox.proxboxdevicesyncstate"
	KindClusterState     Kind = "netbox_proxbox.proxboxclustersyncstate"
	KindVirtualDiskState Kind = "netbox_proxbox.proxboxvirtualdisksyncstate"
	KindVMInterfaceState Kind = "netbox_proxbox.proxboxvminterfacesyncstate"
	KindIPAddressState   Kind = "netbox_proxbox.proxboxipaddresssyncstate"
	KindInterfaceState   Kind = "netbox_proxbox.proxboxinterfacesyncstate"

	KindBackup             Kind = "netbox_proxbox.vmbackup"
	KindSnapshot           Kind = "netbox_proxbox.vmsnapshot"
	KindTaskHistory        Kind = "netbox_proxbox.vmtaskhistory"
	KindReplication        Kind = "netbox_proxbox.replication"
	KindBackupRoutine      Kind = "netbox_proxbox.backuproutine"
	KindCloudInit          Kind = "netbox_proxbox.proxmoxvmcloudinit"
	KindGuestInterface     Kind = "netbox_proxbox.guestvminterface"
	KindGuestInterfaceAddr Kind = "netbox_proxbox.guestvminterfaceaddress"
	KindSDNZone            Kind = "netbox_proxbox.proxmoxsdnzone"
	KindSDNVNet            Kind = "netbox_proxbox.proxmoxsdnvnet"
	KindSDNSubnet          Kind = "netbox_proxbox.proxmoxsdnsubnet"
)

// Key is an object's natural key, unique within its kind in one plan. It is
// ours and never leaves the program: "7/qemu/100" for a guest, "7/qemu/100/net0"
// for its interface.
type Key string

// Cluster is the cluster's part of a key, which is its beginning.
func (k Key) Cluster() Key {
	cluster, _, _ := strings.Cut(string(k), "/")
	return Key(cluster)
}

// Ref points at another object: at one that NetBox has by ID, at one that is
// wanted by Key. A Ref that has both has been resolved.
type Ref struct {
	Kind Kind
	ID   int
	Key  Key
}

// To is a reference to a wanted object.
func To(kind Kind, key Key) Ref { return Ref{Kind: kind, Key: key} }

// At is a reference to an object that NetBox has.
func At(kind Kind, id int) Ref { return Ref{Kind: kind, ID: id} }

// Fields are canonical values by NetBox's own field names. A value is one of
// nil, string, int, bool, Decimal, Ref or Refs; nothing else, so that Equal
// decides everything. "cf_" before a name makes it a custom field. A field that
// is not there is not managed; nil is the wish that it be empty.
type Fields map[string]any

// Decimal is a number as NetBox keeps it, in hundredths: 2.00 is Decimal(200).
type Decimal int64

// Refs are references in no order of meaning (tags, tagged VLANs).
type Refs []Ref

// Object is a wanted NetBox object.
type Object struct {
	Kind   Kind
	Key    Key
	Mode   Mode
	Fields Fields
	// Owner is the key of the guest, node or cluster that the object is a
	// part of; for one that is no part, the key of its cluster, or "".
	Owner Key
	// Label is how people know the object in Proxmox: "guest 100 (web) net0".
	Label string
	// Suffix tells the object's name from an equal one of another cluster:
	// "name (suffix)". Guests have none; theirs are numbered.
	Suffix string
	// Asked are the fields that somebody asked for in Proxmox by their NetBox
	// ids: they are kept true where they would only be set on a new object.
	Asked map[string]bool
	// Presumed are the fields whose value Proxmox does not tell now: what
	// stands for it is written to a new object and changes none that is there.
	Presumed map[string]bool
	Tags     TagWish
	// Identity is how a guest, node or cluster is recognised beyond its name.
	Identity Identity
}

// Mode says what may be done for a wanted object.
type Mode int

const (
	// Manage creates the object when it is missing and keeps its fields true.
	Manage Mode = iota
	// Existing never creates: the object is somebody else's (a plugin row, a
	// configured site), and where it is missing what points at it does without.
	Existing
	// Fill creates the object only where its owner has none of its kind.
	Fill
)

// TagWish says which tags an object is to carry; all others are left alone.
type TagWish struct {
	Mark     Refs // always, whoever removes them
	OnCreate Refs // once, when the object is made
	Synced   Refs // three-way: as Proxmox has them, unless a person decided otherwise
	Manages  bool // whether Synced is known at all
}

// Identity is what Proxmox itself knows an object by.
type Identity struct {
	Endpoints []int // row ids of the endpoints that read the cluster
	PluginIDs []int // the plugin's pks of the same endpoints
	Cluster   Key
	Name      string   // of the cluster or node, as Proxmox has it
	Certs     []string // fingerprints of the certificates of a cluster's nodes
	Type      GuestType
	VMID      int
	UUID      string // smbios uuid; "" when unknown
	CreatedAt int64  // meta ctime; 0 when unknown
}

// PartsOf names all parts of one kind of one owner: every virtual disk of a guest.
type PartsOf struct {
	Owner Key
	Kind  Kind
}

// Ownership says when a field of an object that exists already is written.
type Ownership int

const (
	// OnCreate: written when the object is made, never after.
	OnCreate Ownership = iota
	// Always: kept true.
	Always
	// WhenEmpty: written while NetBox has nothing there.
	WhenEmpty
	// ThreeWay: written unless a person changed it since we last did.
	ThreeWay
)

// Row is an object that NetBox has.
type Row struct {
	ID     int
	Fields Fields
}

// Ref returns the reference in a field; the zero Ref when there is none.
func (r *Row) Ref(field string) Ref {
	ref, _ := r.Fields[field].(Ref)
	return ref
}

// Text returns the text in a field; "" when there is none.
func (r *Row) Text(field string) string {
	s, _ := r.Fields[field].(string)
	return s
}

// Int returns the number in a field; 0 when there is none.
func (r *Row) Int(field string) int {
	n, _ := r.Fields[field].(int)
	return n
}

// Refs returns the references in a field.
func (r *Row) Refs(field string) Refs {
	refs, _ := r.Fields[field].(Refs)
	return refs
}

// Equal tells whether two canonical values are the same for NetBox. An empty
// text, an empty list and nil are one: NetBox answers either for "nothing".
func Equal(a, b any) bool {
	if IsEmpty(a) || IsEmpty(b) {
		return IsEmpty(a) && IsEmpty(b)
	}
	switch a := a.(type) {
	case Refs:
		b, ok := b.(Refs)
		return ok && a.sameAs(b)
	case Ref:
		b, ok := b.(Ref)
		return ok && a.sameAs(b)
	default:
		return a == b
	}
}

// IsEmpty tells whether a value means "nothing". False and 0 are values.
func IsEmpty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case Refs:
		return len(v) == 0
	case Ref:
		return v.ID == 0 && v.Key == ""
	}
	return false
}

func (r Ref) sameAs(o Ref) bool {
	if r.Kind != o.Kind {
		return false
	}
	if r.ID != 0 || o.ID != 0 {
		return r.ID == o.ID
	}
	return r.Key == o.Key
}

func (rs Refs) sameAs(os Refs) bool {
	if len(rs) != len(os) {
		return false
	}
	a, b := rs.Sorted(), os.Sorted()
	return slices.EqualFunc(a, b, Ref.sameAs)
}

// Sorted returns a sorted copy without doubles.
func (rs Refs) Sorted() Refs {
	out := slices.Clone(rs)
	slices.SortFunc(out, func(a, b Ref) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Key, b.Key))
	})
	return slices.Compact(out)
}

// Has tells whether a reference is among them.
func (rs Refs) Has(r Ref) bool {
	return slices.ContainsFunc(rs, r.sameAs)
}
