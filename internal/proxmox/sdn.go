package proxmox

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"proxbox/internal/domain"
)

const (
	zonesPath = "/cluster/sdn/zones"
	vnetsPath = "/cluster/sdn/vnets"
)

// SDN reads the SDN of the cluster that an earlier snapshot of this endpoint
// shows: one request for the zones, one for the vnets, and one for each vnet,
// for no list of Proxmox has the subnets of more than one. What could not be
// read is unknown, and named in the problems.
func (c *Client) SDN(ctx context.Context, snap *domain.Snapshot) (domain.SDN, []domain.Problem) {
	r := &reading{c: c, snap: snap}
	sdn := r.sdn(ctx)
	return sdn, merged(r.problems)
}

func (r *reading) sdn(ctx context.Context) domain.SDN {
	var sdn domain.SDN
	rows, whole, err := r.sdnRows(ctx, zonesPath, "zone")
	if err != nil {
		r.noSDN(ctx, "the SDN zones", err)
		return sdn
	}
	all := r.snap.Complete.SDN
	if !all && r.snap.Cluster.Quorate { // without a quorum nothing is, which is said already
		r.problem(domain.Problem{What: "SDN of " + r.snap.Cluster.Name, WayOut: r.c.grant("/", "PVEAuditor"),
			Reason: "that " + r.c.auth.principal() + " may see all of it (SDN.Audit on /sdn) is not certain, so nothing of it is taken for gone"})
	}
	sdn.Zones.OK = whole && all
	for _, row := range rows {
		sdn.Zones.Value = append(sdn.Zones.Value, domain.SDNZone{Name: row.id, Options: row.options, Raw: row.raw})
	}
	if rows, whole, err = r.sdnRows(ctx, vnetsPath, "vnet"); err != nil {
		r.noSDN(ctx, "the SDN vnets", err)
		return sdn
	}
	sdn.VNets.OK = whole && all
	for _, row := range rows {
		sdn.VNets.Value = append(sdn.VNets.Value, domain.SDNVNet{Name: row.id, Zone: row.options["zone"], Options: row.options, Raw: row.raw})
	}
	jobs := make([]func(context.Context), len(sdn.VNets.Value))
	for i := range sdn.VNets.Value {
		jobs[i] = func(ctx context.Context) { r.subnets(ctx, &sdn.VNets.Value[i]) }
	}
	inParallel(ctx, r.c.opts.Concurrency, jobs)
	return sdn
}

// subnets reads those of one vnet.
func (r *reading) subnets(ctx context.Context, vnet *domain.SDNVNet) {
	rows, whole, err := r.sdnRows(ctx, Path("cluster", "sdn", "vnets", vnet.Name, "subnets"), "subnet")
	if err != nil {
		r.unread(ctx, "the subnets of SDN vnet "+vnet.Name, err)
		return
	}
	vnet.Subnets.OK = whole && r.snap.Complete.SDN
	for _, row := range rows {
		vnet.Subnets.Value = append(vnet.Subnets.Value, domain.SDNSubnet{ID: row.id, Network: networkOf(row), Options: row.options, Raw: row.raw})
	}
}

// noSDN reports that a list could not be read. A Proxmox VE that has no SDN
// says that there is no such path.
func (r *reading) noSDN(ctx context.Context, what string, err error) {
	var se *StatusError
	if errors.As(err, &se) && (se.Code == http.StatusNotImplemented || se.Code == http.StatusNotFound) {
		r.problem(domain.Problem{What: "SDN of " + r.snap.Cluster.Name, Reason: "this Proxmox VE has none (" + se.Short() + ")",
			WayOut: "there is nothing to do; with sync_mode_sdn=disabled it is not asked"})
		return
	}
	r.unread(ctx, what, err)
}

// sdnRow is an object of the SDN: its name, all other options, and all of it.
type sdnRow struct {
	id      string
	options map[string]string
	raw     map[string]any
}

func (r *reading) sdnRows(ctx context.Context, path, name string) (rows []sdnRow, whole bool, err error) {
	raw, err := r.get(ctx, path)
	var odd []oddRow
	if err == nil {
		rows, odd, err = parseSDN(raw, name)
	}
	if err != nil {
		return nil, false, err
	}
	r.oddRows(path, odd)
	return rows, len(odd) == 0, nil
}

// parseSDN reads a list of the SDN, whose objects have their name under a key.
// The digest is of the whole list and changes with any of them: it is left out.
func parseSDN(list json.RawMessage, name string) ([]sdnRow, []oddRow, error) {
	items, odd, err := decodeRows[map[string]json.RawMessage](list)
	if err != nil {
		return nil, nil, err
	}
	rows := make([]sdnRow, 0, len(items))
	for _, item := range items {
		row := sdnRow{options: map[string]string{}, raw: map[string]any{}}
		for key, value := range item {
			if v := textual(value); v != nil && key != "digest" {
				row.raw[key] = v
				row.options[key] = optionText(value)
			}
		}
		if row.id = strings.TrimSpace(row.options[name]); row.id == "" {
			odd = append(odd, oddRow{err: fmt.Errorf("an object without %s", name)})
			continue
		}
		delete(row.options, name)
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b sdnRow) int { return cmp.Compare(a.id, b.id) })
	return slices.CompactFunc(rows, func(a, b sdnRow) bool { return a.id == b.id }), odd, nil
}

// textual is a value with its scalars as text: whether an option comes as a
// number or in quotes depends on the release, and is no change. Nil for null.
func textual(raw json.RawMessage) any {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return nil
	}
	return inText(v)
}

func inText(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key := range v {
			if v[key] = inText(v[key]); v[key] == nil {
				delete(v, key)
			}
		}
	case []any:
		for i := range v {
			v[i] = inText(v[i])
		}
	case json.Number:
		return v.String()
	case bool:
		if v {
			return "1"
		}
		return "0"
	}
	return v
}

// networkOf is the network of a subnet: its cidr, else what its name says,
// which is zone-address-mask.
func networkOf(row sdnRow) netip.Prefix {
	candidates := []string{row.options["cidr"], row.options["network"] + "/" + row.options["mask"], row.id}
	if parts := strings.Split(row.id, "-"); len(parts) == 3 {
		candidates = append(candidates, parts[1]+"/"+parts[2])
	}
	for _, text := range candidates {
		if p, err := netip.ParsePrefix(strings.TrimSpace(text)); err == nil {
			return p.Masked()
		}
	}
	return netip.Prefix{}
}
