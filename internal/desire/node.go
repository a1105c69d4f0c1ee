package desire

import (
	"fmt"
	"strconv"
	"strings"

	"proxbox/internal/domain"
)

func itoa(n int) string { return strconv.Itoa(n) }

func nodeKey(v *view, name string) domain.Key { return v.key + "/node/" + domain.Key(name) }

// nodeRole is the key of the role of nodes.
const nodeRole = "proxmox-node"

// deviceName is the node's name in NetBox, by the endpoint's template.
func deviceName(v *view, node string) string {
	t := v.Endpoint.NodeDeviceNameTemplate
	if !strings.Contains(t, "{node}") {
		return cut(node, 64)
	}
	return cut(strings.NewReplacer(
		"{node}", node,
		"{cluster_slug}", slug(v.Cluster.Name, "cluster"),
		"{cluster}", v.Cluster.Name,
		"{endpoint}", v.Endpoint.DisplayName(),
	).Replace(t), 64)
}

// node wants the device of one node, its interfaces and its plugin rows.
func (b *builder) node(v *view, cluster, site domain.Ref, n domain.Node) {
	manufacturer := b.add(domain.Object{Kind: domain.KindManufacturer, Key: "proxmox", Label: "manufacturer Proxmox",
		Fields: domain.Fields{"name": "Proxmox", "slug": "proxmox"}})
	deviceType := b.add(domain.Object{Kind: domain.KindDeviceType, Key: "proxmox-generic-device", Label: "device type Proxmox Generic Device",
		Fields: domain.Fields{"manufacturer": manufacturer, "model": "Proxmox Generic Device", "slug": "proxmox-generic-device"}})
	role := b.add(domain.Object{Kind: domain.KindDeviceRole, Key: nodeRole, Label: "device role Proxmox Node",
		Fields: domain.Fields{"name": "Proxmox Node", "slug": "proxmox-node", "color": "00bcd4"}})
	status := "active"
	if !n.Online {
		status = "offline"
	}
	key := nodeKey(v, n.Name)
	fields := domain.Fields{
		"name": deviceName(v, n.Name), "cluster": cluster, "site": site, "status": status, "device_type": deviceType, "role": role,
		"description": "Proxmox Node " + n.Name,
	}
	if tenant, ok := b.tenant(v); ok {
		fields["tenant"] = tenant
	}
	device := b.add(domain.Object{Kind: domain.KindDevice, Key: key, Owner: v.key, Label: "node " + n.Name, Suffix: v.suffix(),
		Identity: domain.Identity{Endpoints: v.endpoints, PluginIDs: v.pluginIDs, Cluster: v.key, Name: n.Name},
		Fields:   fields, Tags: domain.TagWish{Mark: b.mark(), OnCreate: domain.Refs{b.tag(TagDiscoveredNode)}}})
	b.nodeRows(v, device, n)
	b.nodeInterfaces(v, device, site, n)
}

// nodeRows wants the plugin's link to the device and its sync-state row.
func (b *builder) nodeRows(v *view, device domain.Ref, n domain.Node) {
	if !b.opt.Plugin {
		return
	}
	for _, pk := range v.pluginIDs {
		key := device.Key
		if pk != v.pluginIDs[0] {
			key += "/" + domain.Key(itoa(pk))
		}
		b.add(domain.Object{Kind: domain.KindProxmoxNode, Key: key, Mode: domain.Existing, Owner: v.key,
			Label:    "plugin row of node " + n.Name,
			Identity: domain.Identity{PluginIDs: []int{pk}, Name: n.Name, Cluster: v.key},
			Fields:   domain.Fields{"netbox_device": device}})
	}
	if !b.opt.SyncState {
		return
	}
	f := domain.Fields{"device": device}
	b.whose(v, f, n.Name)
	delete(f, "endpoint") // the plugin takes it only by way of the node's own row
	b.add(domain.Object{Kind: domain.KindDeviceState, Key: device.Key, Owner: v.key, Fields: f, Presumed: v.presumed("proxmox_cluster_name"),
		Label: "sync-state of node " + n.Name})
}

// whose sets what a sync-state row says about its place in Proxmox. The node's
// plugin row fills endpoint and cluster by itself.
func (b *builder) whose(v *view, f domain.Fields, node string) {
	f["proxmox_node_name"] = node
	f["proxmox_cluster_name"] = v.Cluster.Name
	f["proxmox_endpoint_raw_id"] = v.Endpoint.ID
	if len(v.pluginIDs) > 0 {
		f["proxmox_node"] = domain.To(domain.KindProxmoxNode, nodeKey(v, node))
		f["endpoint"] = domain.At(domain.KindProxmoxEndpoint, v.pluginIDs[0])
	}
}

// page is the page of a guest in Proxmox's own interface.
func page(v *view, g domain.Guest) string {
	return fmt.Sprintf("%s/#v1:0:=%s/%d", v.Endpoint.BaseURL(), g.Type, g.VMID)
}

// link is that page, or "" when the plugin would refuse its host (a name of one
// label, or with an underscore).
func link(v *view, g domain.Guest) string {
	host := v.Endpoint.Host()
	if host != "localhost" && !strings.ContainsAny(host, ".:") || strings.Contains(host, "_") {
		return ""
	}
	return page(v, g)
}
