package plan

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"proxbox/internal/domain"
)

// index finds rows of the inventory by what they are known by.
type index struct {
	inv    *domain.Inventory
	tag    domain.Ref // our mark, when NetBox has it
	by     map[domain.Kind]map[string][]*domain.Row
	parent map[domain.Kind]map[domain.Ref][]*domain.Row
	state  map[domain.Kind]map[int]*domain.Row // sync-state kind -> id of the parent -> row
	links  map[int][]*domain.Row               // NetBox cluster -> the plugin's records
	inside map[int]bool                        // addresses behind another one
	views  map[int][]*domain.Row               // address -> the rows of guests' own views that point at it
}

// nameKey is what rows of a kind are looked up by; lower case, since NetBox
// compares most names so.
var nameKey = map[domain.Kind]func(r *domain.Row) []string{
	domain.KindTag:                bySlugAndName("slug", "name"),
	domain.KindSite:               bySlugAndName("slug", "name"),
	domain.KindTenant:             bySlugAndName("slug", "name"),
	domain.KindManufacturer:       bySlugAndName("slug", "name"),
	domain.KindDeviceRole:         bySlugAndName("slug", "name"),
	domain.KindPlatform:           bySlugAndName("slug", "name"),
	domain.KindClusterType:        bySlugAndName("slug", "name"),
	domain.KindVirtualMachineType: bySlugAndName("slug", "name"),
	domain.KindDeviceType:         bySlugAndName("slug", "model"),
	domain.KindCustomField:        bySlugAndName("name"),
	domain.KindCluster:            bySlugAndName("name"),
	domain.KindDevice:             bySlugAndName("name"),
	domain.KindVirtualMachine: func(r *domain.Row) []string {
		keys := bySlugAndName("name")(r)
		if vmid := r.Int("cf_proxmox_vm_id"); vmid != 0 {
			keys = append(keys, vmidKey(vmid))
		}
		if uuid := r.Text("cf_proxmox_uuid"); uuid != "" {
			keys = append(keys, lowerKey("uuid", uuid))
		}
		if m := numbered.FindStringSubmatch(r.Text("name")); m != nil {
			keys = append(keys, lowerKey("numbered", m[1]))
		}
		return keys
	},
	domain.KindVLAN: func(r *domain.Row) []string {
		if r.Ref("site").ID == 0 && r.Ref("group").ID != 0 {
			return nil // of a group that has a place of its own
		}
		return []string{vlanName(r.Int("vid"), r.Ref("site"))}
	},
	domain.KindIPAddress: func(r *domain.Row) []string {
		p, err := netip.ParsePrefix(r.Text("address"))
		if err != nil {
			return nil
		}
		return []string{hostName(p.Addr(), r.Ref("vrf"))}
	},
	domain.KindPrefix:      func(r *domain.Row) []string { return []string{r.Text("prefix")} },
	domain.KindBackup:      func(r *domain.Row) []string { return []string{r.Text("volume_id")} },
	domain.KindTaskHistory: func(r *domain.Row) []string { return []string{r.Text("upid")} },
	domain.KindSnapshot:    func(r *domain.Row) []string { return []string{snapshotName(r.Fields)} },
	domain.KindVMState:     func(r *domain.Row) []string { return []string{strconv.Itoa(r.Int("proxmox_vm_id"))} },
	domain.KindDeviceState: func(r *domain.Row) []string { return []string{r.Text("proxmox_node_name")} },
}

func bySlugAndName(fields ...string) func(r *domain.Row) []string {
	return func(r *domain.Row) []string {
		var out []string
		for _, f := range fields {
			if s := r.Text(f); s != "" {
				out = append(out, f+":"+strings.ToLower(s))
			}
		}
		return out
	}
}

func vlanName(vid int, site domain.Ref) string              { return fmt.Sprintf("%d@%d", vid, site.ID) }
func hostName(host netip.Addr, vrf domain.Ref) string       { return fmt.Sprintf("%s@%d", host, vrf.ID) }
func vmidKey(vmid int) string                               { return "vmid:" + strconv.Itoa(vmid) }
func lowerKey(field, value string) string                   { return field + ":" + strings.ToLower(value) }
func (x *index) table(kind domain.Kind) *domain.Table       { return x.inv.Table(kind) }
func (x *index) find(k domain.Kind, s string) []*domain.Row { return x.names(k)[s] }

// parentField is the field by which the parts of an object hang on it.
var parentField = map[domain.Kind]string{
	domain.KindVMInterface: "virtual_machine", domain.KindVirtualDisk: "virtual_machine", domain.KindInterface: "device",
	domain.KindMACAddress: "assigned_object", domain.KindIPAddress: "assigned_object", domain.KindProxmoxNode: "endpoint",
	domain.KindProxmoxCluster: "endpoint", domain.KindVirtualMachine: "cluster", domain.KindDevice: "cluster",
	domain.KindProxmoxStorage: "cluster", domain.KindSnapshot: "virtual_machine", domain.KindBackup: "virtual_machine",
	domain.KindTaskHistory: "virtual_machine", domain.KindReplication: "endpoint", domain.KindBackupRoutine: "endpoint",
	domain.KindSDNZone: "endpoint", domain.KindSDNVNet: "endpoint", domain.KindSDNSubnet: "endpoint",
	domain.KindCluster:   "scope",
	domain.KindCloudInit: "virtual_machine", domain.KindGuestInterface: "virtual_machine", domain.KindGuestInterfaceAddr: "guest_interface",
}

func newIndex(inv *domain.Inventory) index {
	x := index{inv: inv, by: map[domain.Kind]map[string][]*domain.Row{}, parent: map[domain.Kind]map[domain.Ref][]*domain.Row{},
		state: map[domain.Kind]map[int]*domain.Row{}}
	for r := range inv.Table(domain.KindTag).Rows() {
		if r.Text("slug") == "proxbox" {
			x.tag = domain.At(domain.KindTag, r.ID)
		}
	}
	return x
}

func (x *index) names(kind domain.Kind) map[string][]*domain.Row {
	m, ok := x.by[kind]
	if !ok {
		m = map[string][]*domain.Row{}
		if keys := nameKey[kind]; keys != nil {
			for r := range x.table(kind).Rows() {
				for _, k := range keys(r) {
					m[k] = append(m[k], r)
				}
			}
		}
		x.by[kind] = m
	}
	return m
}

// parts are the rows of a kind that hang on an object.
func (x *index) parts(kind domain.Kind, owner domain.Ref) []*domain.Row {
	m, ok := x.parent[kind]
	if !ok {
		m = map[domain.Ref][]*domain.Row{}
		field := parentField[kind]
		for r := range x.table(kind).Rows() {
			if ref := r.Ref(field); ref.ID != 0 {
				m[ref] = append(m[ref], r)
			}
		}
		x.parent[kind] = m
	}
	return m[domain.At(owner.Kind, owner.ID)]
}

// stateRow is the sync-state row of an object, or nil.
func (x *index) stateRow(kind domain.Kind, id int) *domain.Row {
	sk, ok := stateKind[kind]
	if !ok {
		return nil
	}
	m, ok := x.state[sk]
	if !ok {
		m = map[int]*domain.Row{}
		for r := range x.table(sk).Rows() {
			m[r.Ref(stateOf[sk]).ID] = r
		}
		x.state[sk] = m
	}
	return m[id]
}

// linked are the plugin's records of clusters that point at a NetBox cluster.
func (x *index) linked(cluster int) []*domain.Row {
	if x.links == nil {
		x.links = map[int][]*domain.Row{}
		for r := range x.table(domain.KindProxmoxCluster).Rows() {
			if id := r.Ref("netbox_cluster").ID; id != 0 {
				x.links[id] = append(x.links[id], r)
			}
		}
	}
	return x.links[cluster]
}

// behindNAT tells whether another address names this one as its inside.
func (x *index) behindNAT(address int) bool {
	if x.inside == nil {
		x.inside = map[int]bool{}
		for r := range x.table(domain.KindIPAddress).Rows() {
			x.inside[r.Ref("nat_inside").ID] = true
		}
	}
	return x.inside[address]
}

// isIntent tells whether a row of the plugin is what a person wants to be made.
func isIntent(r *domain.Row) bool {
	intent, _ := r.Fields["is_intent"].(bool)
	return intent
}

// linking are the rows of guests' own views that point at an address.
func (x *index) linking(address int) []*domain.Row {
	if x.views == nil {
		x.views = map[int][]*domain.Row{}
		for r := range x.table(domain.KindGuestInterfaceAddr).Rows() {
			id := r.Ref("ip_address").ID
			x.views[id] = append(x.views[id], r)
		}
	}
	return x.views[address]
}

// identified tells whether an object has an identity in Proxmox already.
func (x *index) identified(kind domain.Kind, r *domain.Row) bool {
	return x.stateRow(kind, r.ID) != nil || kind == domain.KindVirtualMachine && r.Int("cf_proxmox_vm_id") != 0
}

// ours tells whether an object carries our identity or our mark (rules.md 3).
func (x *index) ours(kind domain.Kind, r *domain.Row) bool {
	if r == nil {
		return false
	}
	if x.stateRow(kind, r.ID) != nil || x.table(kind).Marked[r.ID] {
		return true
	}
	if ofPlugin[kind] {
		return !isIntent(r)
	}
	if x.tag.ID != 0 && r.Refs("tags").Has(x.tag) {
		return true
	}
	return kind == domain.KindVirtualMachine && r.Int("cf_proxmox_vm_id") != 0
}
