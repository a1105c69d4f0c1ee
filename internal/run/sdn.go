package run

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"sync"

	"proxbox/internal/desire"
	"proxbox/internal/domain"
	"proxbox/internal/netbox"
)

// sdnKinds are read from NetBox by runs that sync the SDN, and by no other.
var sdnKinds = []domain.Kind{domain.KindSDNZone, domain.KindSDNVNet, domain.KindSDNSubnet}

// sdnReader is a Source that can read the SDN of the cluster that it showed.
type sdnReader interface {
	SDN(ctx context.Context, snap *domain.Snapshot) (domain.SDN, []domain.Problem)
}

// wantsSDN tells whether the run syncs the SDN of an endpoint.
func (req Request) wantsSDN(r desire.Rules) bool {
	return req.Target == nil && len(req.Guests) == 0 && req.Stage.Keeps(domain.KindSDNZone, "") && r.Mode != nil && r.Mode("sdn") != domain.Leave
}

// withSDN reads the SDN of the endpoints that it is synced of, which their rows
// in NetBox say: it waits for both pictures. The snapshots, which runs share,
// stay as they are.
func (req Request) withSDN(ctx context.Context, res *Result, snapshots []*domain.Snapshot, caps netbox.Capabilities, rules func(domain.ProxmoxEndpoint) desire.Rules) []*domain.Snapshot {
	out := slices.Clone(snapshots)
	var wg sync.WaitGroup
	asked := false
	for i, s := range snapshots {
		src, ok := req.sourceOf(s.Endpoint.ID).(sdnReader)
		if !ok || !req.wantsSDN(rules(s.Endpoint)) {
			continue
		}
		asked = true
		if !caps.SDN {
			continue
		}
		name := s.Endpoint.DisplayName()
		req.Watch(Event{Step: &Step{Name: "read sdn", Status: Started, Message: "Reading the SDN of Proxmox endpoint " + name}})
		wg.Go(func() {
			sdn, problems := src.SDN(ctx, s)
			with := *s
			with.SDN, with.Problems = sdn, slices.Concat(s.Problems, problems)
			out[i] = &with
			req.Watch(Event{Step: &Step{Name: "read sdn", Status: Completed,
				Message: fmt.Sprintf("SDN of Proxmox endpoint %s: %d zones, %d vnets", name, len(sdn.Zones.Value), len(sdn.VNets.Value))}})
		})
	}
	wg.Wait()
	switch {
	case asked && !caps.SDN:
		req.tell(res, domain.Problem{What: "NetBox", Reason: "it has no place for SDN zones, vnets and subnets, which releases of the plugin netbox-proxbox from 0.0.29 on have",
			WayOut: "install one to see them, or set sync_mode_sdn to disabled"})
	case !asked && len(req.Guests) == 0 && len(req.Stage.kinds) > 0 && req.Stage.Keeps(domain.KindSDNZone, ""):
		req.tell(res, domain.Problem{What: "SDN", Reason: "it is not synced, for sync_mode_sdn is disabled", WayOut: "set it to always, in the plugin or as a parameter of the run"})
	}
	return out
}

// tell says what the run ran into.
func (req Request) tell(res *Result, p domain.Problem) {
	res.Problems = append(res.Problems, p)
	req.Watch(Event{Notice: &p})
}

func (req Request) sourceOf(endpoint int) Source {
	i := slices.IndexFunc(req.Sources, func(s Source) bool { return s.Endpoint().ID == endpoint })
	if i < 0 {
		return nil
	}
	return req.Sources[i]
}

// inventorySDN adds what NetBox has of the SDN to an inventory, if a snapshot
// has any: its lists, and the prefixes of its subnets' networks.
func (req Request) inventorySDN(ctx context.Context, inv *domain.Inventory, snapshots []*domain.Snapshot) error {
	networks, read := map[string]bool{}, false
	for _, s := range snapshots {
		read = read || s.SDN.Zones.Value != nil || s.SDN.Zones.OK || s.SDN.VNets.Value != nil || s.SDN.VNets.OK
		for _, n := range s.SDN.VNets.Value {
			for _, subnet := range n.Subnets.Value {
				if subnet.Network.IsValid() {
					networks[subnet.Network.String()] = true
				}
			}
		}
	}
	if !read {
		return nil
	}
	var missing []domain.Kind
	for _, kind := range sdnKinds {
		if t := inv.Table(kind); t.Absent || t.Unknown != nil {
			missing = append(missing, kind)
		}
	}
	more, err := req.NetBox.ReadInventory(ctx, missing, nil)
	if err != nil {
		return err
	}
	for _, kind := range more.Kinds() {
		inv.Set(more.Table(kind))
	}
	prefixes := domain.NewTable(domain.KindPrefix)
	for chunk := range slices.Chunk(slices.Sorted(maps.Keys(networks)), netbox.MaxIDs) {
		some, err := req.NetBox.ReadInventory(ctx, []domain.Kind{domain.KindPrefix}, map[domain.Kind]url.Values{domain.KindPrefix: {"prefix": chunk}})
		if err != nil {
			return err
		}
		t := some.Table(domain.KindPrefix)
		for r := range t.Rows() {
			prefixes.Put(r)
		}
		if t.Unknown != nil {
			prefixes.Unknown = t.Unknown
		}
	}
	inv.Set(prefixes)
	return nil
}
