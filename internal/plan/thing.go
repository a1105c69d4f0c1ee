package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"proxbox/internal/domain"
)

// thing is a guest, node or storage of ours that NetBox has and Proxmox has not.
type thing struct {
	kind     domain.Kind
	row      *domain.Row
	cluster  *item
	key      domain.Key // its own, for the plan
	label    string
	node     string // that a guest was last on
	guest    domain.Identity
	replaced bool // another guest has its vmid: nobody has to be asked
}

func (t *thing) ref() domain.Ref { return domain.At(t.kind, t.row.ID) }

// clusterOfThing is the wanted cluster that a row of ours belongs to beyond
// doubt; nil when it may be another's.
func (p *planner) clusterOfThing(kind domain.Kind, r *domain.Row) *item {
	if it := p.taken[domain.At(kind, r.ID)]; it != nil {
		return p.items[domain.To(domain.KindCluster, it.Key.Cluster())]
	}
	for _, c := range p.of[domain.KindCluster] {
		if c.row != nil && p.belongs(kind, r, c) {
			return c
		}
	}
	return nil
}

// belongs tells whether a row says that it is a cluster's: by the endpoint in
// its sync-state row, or by an identity that we wrote, for what other programs
// wrote does not tell two clusters of one name apart.
func (p *planner) belongs(kind domain.Kind, r *domain.Row, c *item) bool {
	here := r.Ref("cluster").ID == c.row.ID
	if kind == domain.KindProxmoxStorage {
		return here && !slices.ContainsFunc(p.idx.linked(c.row.ID), func(l *domain.Row) bool {
			return !slices.Contains(c.Identity.PluginIDs, l.Ref("endpoint").ID)
		})
	}
	st := p.idx.stateRow(kind, r.ID)
	switch {
	case st != nil && (st.Ref("endpoint").ID != 0 || len(c.Identity.PluginIDs) > 0):
		return slices.Contains(c.Identity.PluginIDs, st.Ref("endpoint").ID)
	case st != nil:
		return here && slices.Contains(c.Identity.Endpoints, st.Int("proxmox_endpoint_raw_id")) &&
			(kind == domain.KindDevice || st.Text("proxmox_vm_name") != "")
	case kind == domain.KindVirtualMachine:
		return here && r.Text("cf_proxmox_vm_name") != "" && r.Text("cf_proxmox_cluster") == c.Identity.Name
	}
	return here && slices.ContainsFunc(p.of[kind], func(d *item) bool {
		return d.Key.Cluster() == c.Key && slices.ContainsFunc(p.resolved(d.Tags.OnCreate), r.Refs("tags").Has)
	})
}

// vanished is a row as a thing that a complete reading does not have; nil when
// it is there, or may be.
func (p *planner) vanished(kind domain.Kind, r *domain.Row, c *item) *thing {
	if !p.free(kind, r) {
		return nil
	}
	t := &thing{kind: kind, row: r, cluster: c}
	var key domain.Key
	switch st := p.idx.stateRow(kind, r.ID); kind {
	case domain.KindVirtualMachine:
		t.guest = p.identityOf(r)
		if t.guest.VMID == 0 || t.guest.Type == "" {
			return nil
		}
		t.guest.Cluster = c.Key
		key = c.Key + "/" + domain.Key(t.guest.Type) + "/" + domain.Key(strconv.Itoa(t.guest.VMID))
		t.label = fmt.Sprintf("%s %d (%s)", t.guest.Type, t.guest.VMID, r.Text("name"))
		t.node = r.Text("cf_proxmox_node")
		if st != nil {
			t.node = st.Text("proxmox_node_name")
		}
	case domain.KindDevice:
		name := r.Text("name")
		if st != nil {
			name = cmp.Or(st.Text("proxmox_node_name"), name)
		}
		key, t.label = c.Key+"/node/"+domain.Key(name), "node "+name
	default:
		key, t.label = c.Key+"/storage/"+domain.Key(r.Text("name")), "storage "+r.Text("name")
	}
	t.key = key + "/gone/" + domain.Key(strconv.Itoa(r.ID))
	switch holder := p.items[domain.To(kind, key)]; {
	case holder != nil:
		t.replaced = kind == domain.KindVirtualMachine && anotherGuest(holder.Identity, r)
		if !t.replaced {
			return nil
		}
	case p.Things.Present[domain.To(kind, key)], !p.Whole[domain.PartsOf{Owner: c.Key, Kind: kind}]:
		return nil
	}
	if p.policy(kind, t.key) == domain.Leave || p.policy(kind, t.key) == domain.Bootstrap && p.held(kind, r) {
		return nil
	}
	return t
}

// identityOf is what NetBox says of which guest a VM is.
func (p *planner) identityOf(r *domain.Row) domain.Identity {
	if st := p.idx.stateRow(domain.KindVirtualMachine, r.ID); st != nil {
		return domain.Identity{VMID: st.Int("proxmox_vm_id"), Type: domain.GuestType(st.Text("proxmox_vm_type"))}
	}
	return domain.Identity{VMID: r.Int("cf_proxmox_vm_id"), Type: domain.GuestType(r.Text("cf_proxmox_vm_type"))}
}

// Orphaned tells whether a key is that of a guest, node or storage that is gone.
func Orphaned(kind domain.Kind, key domain.Key) bool {
	return isThing(kind) && (strings.Contains(string(key), "/gone/") || strings.HasSuffix(string(key), "/gone"))
}
