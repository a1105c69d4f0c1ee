package desire

import (
	"slices"
	"strings"

	"proxbox/internal/domain"
)

// TagBootstrapOnly is the slug of the tag on what is made once and then left
// alone.
const TagBootstrapOnly = "bootstrap-only"

// Rules are the flags of one endpoint.
type Rules struct {
	Overwrite Flags
	// Mode is what may be done with the objects of a sync mode, by its short
	// name: "vm", "ip_address".
	Mode func(name string) domain.Policy
}

// rules are those of one cluster.
func (o Options) rules(v *view) Rules {
	r := Rules{}
	if o.Rules != nil {
		r = o.Rules(v.Endpoint)
	}
	if r.Overwrite == nil {
		r.Overwrite = DefaultFlags
	}
	if r.Mode == nil {
		r.Mode = func(string) domain.Policy { return domain.Sync }
	}
	return r
}

// modeOf is the sync mode of each kind that has one. Those of guests are "vm"
// here, and "vm_template" for templates.
var modeOf = map[domain.Kind]string{
	domain.KindCluster: "cluster", domain.KindClusterState: "cluster", domain.KindProxmoxCluster: "cluster",
	domain.KindDevice: "node", domain.KindDeviceState: "node", domain.KindProxmoxNode: "node",
	domain.KindInterface: "node", domain.KindInterfaceState: "node",
	domain.KindProxmoxStorage: "storage",
	domain.KindVirtualMachine: "vm", domain.KindVMState: "vm", domain.KindVirtualDisk: "vm", domain.KindVirtualDiskState: "vm", domain.KindCloudInit: "vm",
	domain.KindSnapshot: "vm", domain.KindBackup: "vm", domain.KindReplication: "vm", domain.KindTaskHistory: "task_history",
	domain.KindSDNZone: "sdn", domain.KindSDNVNet: "sdn", domain.KindSDNSubnet: "sdn",
	domain.KindVMInterface: "vm_interface", domain.KindVMInterfaceState: "vm_interface", domain.KindGuestInterface: "vm_interface",
	domain.KindMACAddress: "mac", domain.KindIPAddress: "ip_address", domain.KindIPAddressState: "ip_address", domain.KindGuestInterfaceAddr: "ip_address",
}

// record are rows about a guest, which do not belong to what is made of it.
var record = map[domain.Kind]bool{domain.KindSnapshot: true, domain.KindBackup: true, domain.KindReplication: true, domain.KindTaskHistory: true}

// Policy says what may be done with the objects of a kind that a key belongs to.
func (d *Desired) Policy(kind domain.Kind, key domain.Key) domain.Policy {
	mode := modeOf[kind]
	rules, known := d.rules[key.Cluster()]
	if mode == "" || !known {
		return domain.Sync
	}
	if d.left[domain.To(kind, key)] {
		return domain.Leave
	}
	guest := guestOf(key)
	if guest == "" {
		if strings.Contains(string(key), "/node/") {
			mode = "node" // its addresses too
		}
		return rules.Mode(mode)
	}
	own := "vm"
	if d.templates[guest] {
		own = "vm_template"
	}
	policy := rules.Mode(own)
	switch {
	case policy == domain.Leave || d.left[domain.To(domain.KindVirtualMachine, guest)]:
		return domain.Leave
	case record[kind]:
		policy = domain.Sync
	}
	if mode != "vm" {
		policy = rules.Mode(mode)
	}
	return policy
}

// Owns says whose a field is, by the flags of the endpoint that a key belongs to.
func (d *Desired) Owns(fallback Flags) func(domain.Key, domain.Kind, string) domain.Ownership {
	by := map[domain.Key]func(domain.Kind, string) domain.Ownership{}
	for key, r := range d.rules {
		by[key] = Owns(r.Overwrite)
	}
	other := Owns(fallback)
	return func(key domain.Key, kind domain.Kind, field string) domain.Ownership {
		if owns := by[key.Cluster()]; owns != nil {
			return owns(kind, field)
		}
		return other(kind, field)
	}
}

// guestOf is the guest's part of a key, "c1/qemu/100"; "" when it has none.
func guestOf(key domain.Key) domain.Key {
	_, rest, _ := strings.Cut(string(key), "/")
	kind, rest, _ := strings.Cut(rest, "/")
	vmid, below, _ := strings.Cut(rest, "/")
	if vmid == "" || kind != string(domain.QEMU) && kind != string(domain.LXC) {
		return ""
	}
	if below == "" {
		return key
	}
	return key[:len(key)-len(below)-1]
}

// leave wants an object bound where NetBox has it, and nothing done to it.
func (b *builder) leave(o domain.Object) domain.Ref {
	o.Mode = domain.Existing
	ref := b.add(o)
	b.out.left[ref] = true
	return ref
}

// leftOut is a guest that the filter leaves out: NetBox's VM stays its own.
func (b *builder) leftOut(v *view, cluster domain.Ref, g domain.Guest) {
	name := firstOf(g.Name, "VM "+itoa(g.VMID))
	b.leave(domain.Object{Kind: domain.KindVirtualMachine, Key: guestKey(v, g), Owner: v.key, Label: guestLabel(g, name),
		Fields:   domain.Fields{"name": cut(name, 64), "cluster": cluster},
		Identity: domain.Identity{Endpoints: v.endpoints, PluginIDs: v.pluginIDs, Cluster: v.key, Name: name, Type: g.Type, VMID: g.VMID}})
}

// modeTags wants the tag of what is made once, if anything is.
func (b *builder) modeTags(r Rules) {
	for _, mode := range modeOf {
		if r.Mode(mode) == domain.Bootstrap || r.Mode("vm_template") == domain.Bootstrap {
			b.tag(TagBootstrapOnly)
			return
		}
	}
}

// vocabularyOf are the kinds that are wanted for the sake of others alone.
var vocabularyOf = map[domain.Kind]bool{
	domain.KindTag: true, domain.KindClusterType: true, domain.KindSite: true, domain.KindManufacturer: true, domain.KindDeviceType: true,
	domain.KindPlatform: true, domain.KindVLAN: true,
}

// prune drops the vocabulary that only objects would need which are left alone.
func (d *Desired) prune() {
	used := map[domain.Ref]bool{domain.To(domain.KindTag, TagBootstrapOnly): true}
	use := func(v any) {
		switch v := v.(type) {
		case domain.Ref:
			used[v] = true
		case domain.Refs:
			for _, r := range v {
				used[r] = true
			}
		}
	}
	left := false
	for _, o := range slices.Backward(d.Objects) { // what points comes after what it points at
		if d.Policy(o.Kind, o.Key) == domain.Leave {
			left = true
			continue
		}
		if isVocabulary(o) && !used[domain.To(o.Kind, o.Key)] {
			continue
		}
		for _, v := range o.Fields {
			use(v)
		}
		use(slices.Concat(o.Tags.Mark, o.Tags.OnCreate, o.Tags.Synced))
	}
	if !left {
		return // everything is for something, or for people to choose
	}
	d.Objects = slices.DeleteFunc(d.Objects, func(o domain.Object) bool {
		return isVocabulary(o) && !used[domain.To(o.Kind, o.Key)]
	})
}

// isVocabulary tells what is wanted for the sake of others alone. The roles of
// guests are not: people choose them in the plugin's settings.
func isVocabulary(o domain.Object) bool {
	return vocabularyOf[o.Kind] || o.Kind == domain.KindDeviceRole && o.Key == nodeRole
}

// leaveStorages takes the backups away of storages that the filter leaves out:
// they are not known.
func (b *builder) leaveStorages(v *view) {
	snap := *v.Snapshot
	snap.Storages.Value = slices.Clone(snap.Storages.Value)
	for i, s := range snap.Storages.Value {
		if !b.opt.Filter.Storage(s.Name) {
			snap.Storages.Value[i].Backups = domain.Known[[]domain.Backup]{}
		}
	}
	v.Snapshot = &snap
}
