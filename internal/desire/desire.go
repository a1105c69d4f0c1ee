// Package desire turns what Proxmox answered into the NetBox objects that are
// wanted. It is pure: no I/O, no clock, and no look at what NetBox has; what
// depends on that (identity, names that are taken, conflicts) is the plan's.
package desire

import (
	"fmt"
	"strings"

	"proxbox/internal/domain"
)

// Options are what the wanted objects depend on beside the snapshots.
type Options struct {
	VirtualMachineTypes bool // NetBox 4.6 and later
	SyncState           bool // the plugin keeps sync-state rows
	Plugin              bool // the plugin is there at all
	GuestInterfaces     bool // the plugin keeps the guests' own view of their interfaces
	SDN                 bool // the plugin keeps zones, vnets and subnets of the SDN
	// TagParts tags interfaces, disks and addresses too, as the Python
	// service does; their sync-state row is the mark otherwise.
	TagParts bool
	// IgnoreLinkLocal leaves link-local IPv6 addresses out.
	IgnoreLinkLocal bool
	// LegacyRename names VM interfaces as the guest does.
	LegacyRename bool
	// DefaultRoles are the ids of the roles that new guests of a type get; the
	// plugin's rows of their node and endpoint may name others.
	DefaultRoles map[domain.GuestType]int
	// TasksSince leaves out tasks that began before this moment, in seconds
	// since 1970.
	TasksSince int64
	Kinds      Scope
	// Rules are the flags of an endpoint; nil: the plugin's defaults.
	Rules  func(domain.ProxmoxEndpoint) Rules
	Filter Filter
	// Metadata applies the netbox-metadata block in a guest's notes.
	Metadata bool
	// AgentPlatform takes the platform from what the guest agent says.
	AgentPlatform bool
	// PreferIPv6 puts a guest's IPv6 addresses before the others.
	PreferIPv6 bool
}

// Scope says which kinds a run is about; the zero Scope is all of them.
type Scope map[domain.Kind]bool

// Has tells whether a kind is in the scope.
func (s Scope) Has(kind domain.Kind) bool { return s == nil || s[kind] }

// Desired is what NetBox should hold for the snapshots given.
type Desired struct {
	Objects []domain.Object
	// Whole names the parts of which every one is wanted or gone: only of
	// these may one of ours that is not wanted be removed (rules.md 7).
	Whole    map[domain.PartsOf]bool
	Problems []domain.Problem
	// Present are the guests, nodes and storages that Proxmox has, wanted or not.
	Present map[domain.Ref]bool

	clusters  map[int]domain.Key   // by the endpoints that read them
	rules     map[domain.Key]Rules // by cluster
	templates map[domain.Key]bool  // the guests that are templates
	left      map[domain.Ref]bool  // nothing is done to them
}

// Cluster is the key of the cluster that an endpoint reads; "" where it was not
// read. The keys of all that is in it begin with it.
func (d *Desired) Cluster(endpoint int) domain.Key { return d.clusters[endpoint] }

// builder gathers the objects; each key once, the first wish counts.
type builder struct {
	opt   Options
	out   Desired
	seen  map[domain.Ref]int
	noted map[domain.Problem]bool
}

// Build returns what is wanted for the snapshots. Snapshots of one cluster
// (they share a node's certificate) are one picture, under the lower row id.
func Build(snapshots []*domain.Snapshot, opt Options) *Desired {
	b := &builder{opt: opt, seen: map[domain.Ref]int{}, noted: map[domain.Problem]bool{}, out: Desired{
		Whole: map[domain.PartsOf]bool{}, Present: map[domain.Ref]bool{}, clusters: map[int]domain.Key{}, rules: map[domain.Key]Rules{}, templates: map[domain.Key]bool{}, left: map[domain.Ref]bool{}}}
	for _, c := range unite(snapshots) {
		for _, id := range c.endpoints {
			b.out.clusters[id] = c.key
		}
		b.cluster(c)
		b.things(c)
		b.out.Problems = append(b.out.Problems, c.Problems...)
	}
	b.out.prune()
	return &b.out
}

// add takes an object; a second one of the same key is dropped.
func (b *builder) add(o domain.Object) domain.Ref {
	ref := domain.To(o.Kind, o.Key)
	if _, ok := b.seen[ref]; ok {
		return ref
	}
	b.seen[ref] = len(b.out.Objects)
	b.out.Objects = append(b.out.Objects, o)
	return ref
}

// whole says that every part of a kind that an owner has is among the objects.
func (b *builder) whole(owner domain.Key, kind domain.Kind) {
	b.out.Whole[domain.PartsOf{Owner: owner, Kind: kind}] = true
}

// slug is NetBox's form of a name, or fallback when nothing is left of it.
func slug(name, fallback string) string {
	if s := domain.Slug(name); s != "" {
		return s
	}
	return fallback
}

// cut shortens a text to what a NetBox field holds, at a character's border.
// NetBox strips blanks at both ends, so that they would differ for ever.
func cut(s string, limit int) string {
	return strings.TrimSpace(domain.Cut(strings.TrimSpace(s), limit))
}

func guestLabel(g domain.Guest, name string) string {
	return fmt.Sprintf("%s %d (%s)", g.Type, g.VMID, name)
}
