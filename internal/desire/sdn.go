package desire

import (
	"strings"

	"proxbox/internal/domain"
)

// sdn wants the zones, vnets and subnets of a cluster's SDN, and the prefixes of
// the subnets.
func (b *builder) sdn(v *view) {
	zones, vnets := v.SDN.Zones, v.SDN.VNets
	if !b.opt.SDN || !b.hasEndpoint(v, "SDN zones and vnets", len(zones.Value)+len(vnets.Value)) {
		return
	}
	v.perEndpoint(func(pk int, ending domain.Key) {
		of := sdnOf{v: v, pk: pk, ending: ending}
		for _, z := range zones.Value {
			b.zone(of, z)
		}
		for _, n := range vnets.Value {
			b.vnet(of, n)
			for _, s := range n.Subnets.Value {
				b.subnet(of, n, s)
			}
		}
	})
	if zones.OK {
		b.whole(v.key, domain.KindSDNZone)
	}
	if vnets.OK {
		b.whole(v.key, domain.KindSDNVNet)
	}
	for _, n := range vnets.Value {
		if n.Subnets.OK {
			b.whole(vnetKey(v, n.Name), domain.KindSDNSubnet)
		}
	}
}

// sdnOf is whose rows are wanted: those of a cluster that the plugin keeps with
// one of its endpoints.
type sdnOf struct {
	v      *view
	pk     int
	ending domain.Key
}

func vnetKey(v *view, name string) domain.Key { return v.key + "/sdn/vnet/" + domain.Key(name) }

// want adds a row with what all of the SDN have.
func (b *builder) want(of sdnOf, kind domain.Kind, key domain.Key, label, zone string, raw map[string]any, f domain.Fields) {
	f["endpoint"], f["cluster_name"], f["zone_name"] = domain.At(domain.KindProxmoxEndpoint, of.pk), cut(of.v.Cluster.Name, 255), cut(zone, 255)
	f["status"], f["raw_config"] = "active", document(raw)
	b.add(domain.Object{Kind: kind, Key: key + of.ending, Owner: of.v.key, Label: label, Fields: f, Tags: domain.TagWish{Mark: b.rowMark()}})
}

func (b *builder) zone(of sdnOf, z domain.SDNZone) {
	o := z.Options
	targets := []any{}
	for rt := range strings.FieldsFuncSeq(o["rt-import"], listed) {
		targets = append(targets, rt)
	}
	b.want(of, domain.KindSDNZone, of.v.key+"/sdn/zone/"+domain.Key(z.Name), "SDN zone "+z.Name, z.Name, z.Raw, domain.Fields{
		"zone_type": cut(o["type"], 32), "controller": cut(o["controller"], 255), "dns": cut(o["dns"], 255), "ipam": cut(o["ipam"], 255),
		"vrf_vxlan": number(o["vrf-vxlan"], 0), "tag": number(o["tag"], 0), "mtu": number(o["mtu"], 0), "rt_import": document(targets),
		"state": cut(o["state"], 32),
	})
}

func (b *builder) vnet(of sdnOf, n domain.SDNVNet) {
	o := n.Options
	b.want(of, domain.KindSDNVNet, vnetKey(of.v, n.Name), "SDN vnet "+n.Name, n.Zone, n.Raw, domain.Fields{
		"vnet_name": cut(n.Name, 255), "vnet_type": cut(o["type"], 32), "tag": number(o["tag"], 0), "alias": cut(o["alias"], 255),
		"vlanaware": truth(o["vlanaware"]) == true, "state": cut(o["state"], 32),
	})
}

func (b *builder) subnet(of sdnOf, n domain.SDNVNet, s domain.SDNSubnet) {
	o := s.Options
	f := domain.Fields{
		"vnet_name": cut(n.Name, 255), "subnet": cut(s.ID, 128), "subnet_type": cut(o["type"], 32), "gateway": cut(o["gateway"], 128),
		"snat": truth(o["snat"]) == true, "prefix": nil, "skip_reason": "Proxmox does not say which network it is",
	}
	if s.Network.IsValid() {
		f["prefix"], f["skip_reason"] = b.prefix(of.v, n, s), ""
	}
	b.want(of, domain.KindSDNSubnet, vnetKey(of.v, n.Name)+"/subnet/"+domain.Key(s.ID), "SDN subnet "+s.ID, n.Zone, s.Raw, f)
}

// prefix is NetBox's prefix of a subnet's network, whatever cluster has it. One
// that is there is a person's, ours too once it is made.
func (b *builder) prefix(v *view, n domain.SDNVNet, s domain.SDNSubnet) domain.Ref {
	network := s.Network.String()
	return b.add(domain.Object{Kind: domain.KindPrefix, Key: domain.Key("prefix/" + network), Label: "prefix " + network, Fields: domain.Fields{
		"prefix": network, "status": "active", "description": cut("SDN vnet "+n.Name+" of "+v.Cluster.Name, 200)}, Tags: domain.TagWish{OnCreate: b.mark()}})
}
