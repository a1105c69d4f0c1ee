package desire

import (
	"strings"

	"proxbox/internal/domain"
)

// Slugs of the tags that the program puts on what it makes.
const (
	TagProxbox           = "proxbox"
	TagTemplate          = "proxbox-template"
	TagDiscoveredQEMU    = "proxbox-discovered-qemu"
	TagDiscoveredLXC     = "proxbox-discovered-lxc"
	TagDiscoveredCluster = "proxbox-discovered-cluster"
	TagDiscoveredNode    = "proxbox-discovered-node"
)

var ownTags = map[string]domain.Fields{
	TagProxbox:           {"name": "Proxbox", "color": "ff5722", "description": "Proxbox Identifier (used to identify the items the plugin created)"},
	TagTemplate:          {"name": "Proxbox: Template", "color": "607d8b", "description": "Guest that is a template in Proxmox"},
	TagDiscoveredQEMU:    {"name": "Proxbox: Discovered QEMU VM", "color": "2196f3", "description": "QEMU virtual machine first discovered by Proxbox (apply-on-create-only)."},
	TagDiscoveredLXC:     {"name": "Proxbox: Discovered LXC Container", "color": "00bcd4", "description": "LXC Container first discovered by Proxbox (apply-on-create-only)."},
	TagDiscoveredCluster: {"name": "Proxbox: Discovered Cluster", "color": "4caf50", "description": "Cluster first discovered by Proxbox (apply-on-create-only)."},
	TagBootstrapOnly:     {"name": "Bootstrap only", "color": "9e9e9e", "description": "Made once by Proxbox in the sync mode bootstrap_only, and left alone since"},
	TagDiscoveredNode:    {"name": "Proxbox: Discovered Node", "color": "9c27b0", "description": "Proxmox node first discovered by Proxbox (apply-on-create-only)."},
}

func (b *builder) tag(slug string) domain.Ref {
	f := domain.Fields{"slug": slug}
	for k, v := range ownTags[slug] {
		f[k] = v
	}
	return b.add(domain.Object{Kind: domain.KindTag, Key: domain.Key(slug), Label: "tag " + slug, Fields: f})
}

func (b *builder) mark() domain.Refs { return domain.Refs{b.tag(TagProxbox)} }

// partMark is the mark of an interface, disk or address: none where its
// sync-state row is one.
func (b *builder) partMark() domain.Refs {
	if b.opt.SyncState && !b.opt.TagParts {
		return nil
	}
	return b.mark()
}

// cluster wants everything of one Proxmox cluster.
func (b *builder) cluster(v *view) {
	rules := b.opt.rules(v)
	b.out.rules[v.key] = rules
	b.modeTags(rules)
	b.leaveStorages(v)
	name := v.Cluster.Name
	mode := v.Cluster.Mode()
	suffix := v.suffix()
	kind := b.add(domain.Object{Kind: domain.KindClusterType, Key: domain.Key(mode), Label: "cluster type " + mode, Fields: domain.Fields{
		"name": strings.ToUpper(mode[:1]) + mode[1:], "slug": mode, "description": "Proxmox " + mode + " mode"}})
	site := b.site(v)
	fields := domain.Fields{
		"name": cut(name, 100), "type": kind, "scope": site, "status": "active",
		"description": "Proxmox " + mode + " cluster.",
	}
	if tenant, ok := b.tenant(v); ok {
		fields["tenant"] = tenant
	}
	id := domain.Identity{Endpoints: v.endpoints, PluginIDs: v.pluginIDs, Cluster: v.key, Name: name}
	for _, n := range v.Nodes {
		if n.SSLFingerprint != "" {
			id.Certs = append(id.Certs, n.SSLFingerprint)
		}
	}
	cluster := b.add(domain.Object{Kind: domain.KindCluster, Key: v.key, Fields: fields, Label: "cluster " + name, Suffix: suffix,
		Identity: id, Presumed: v.presumed("name", "description"), Tags: domain.TagWish{Mark: b.mark(), OnCreate: domain.Refs{b.tag(TagDiscoveredCluster)}}})

	b.clusterRows(v, cluster)
	for _, n := range v.Nodes {
		b.node(v, cluster, site, n)
	}
	if rules.Mode("vm") != domain.Leave || rules.Mode("vm_template") != domain.Leave {
		b.guestVocabulary()
	}
	for _, g := range v.Guests {
		b.out.templates[guestKey(v, g)] = g.Template || g.Config.Value.Template
		if !b.opt.Filter.Guest(g) {
			b.leftOut(v, cluster, g)
			continue
		}
		b.guest(v, cluster, site, g)
	}
	if v.Complete.Guests {
		b.whole(v.key, domain.KindVirtualMachine)
	}
	b.records(v, cluster)
}

// site is where the endpoint was placed, else a default site of the cluster's own.
func (b *builder) site(v *view) domain.Ref {
	e := v.Endpoint
	key := v.key + "/site"
	if e.SiteID != 0 || e.SiteSlug != "" || e.SiteName != "" {
		return b.add(domain.Object{Kind: domain.KindSite, Key: key, Mode: domain.Existing, Label: "site " + firstOf(e.SiteName, e.SiteSlug),
			Owner: v.key, Fields: domain.Fields{"id": e.SiteID, "slug": e.SiteSlug, "name": e.SiteName}})
	}
	name := cut("Proxmox Default Site - "+v.Cluster.Name, 100)
	return b.add(domain.Object{Kind: domain.KindSite, Key: key, Label: "site " + name, Suffix: v.suffix(), Owner: v.key,
		Fields: domain.Fields{"name": name, "slug": cut("proxmox-default-site-"+slug(v.Cluster.Name, "cluster"), 100), "status": "active"}})
}

func (b *builder) tenant(v *view) (domain.Ref, bool) {
	e := v.Endpoint
	if e.TenantID == 0 && e.TenantSlug == "" && e.TenantName == "" {
		return domain.Ref{}, false
	}
	return b.add(domain.Object{Kind: domain.KindTenant, Key: v.key + "/tenant", Mode: domain.Existing, Owner: v.key,
		Label:  "tenant " + firstOf(e.TenantName, e.TenantSlug),
		Fields: domain.Fields{"id": e.TenantID, "slug": e.TenantSlug, "name": e.TenantName}}), true
}

// clusterRows wants the plugin's rows about the cluster: the link from its own
// record and the sync-state row.
func (b *builder) clusterRows(v *view, cluster domain.Ref) {
	if !b.opt.Plugin {
		return
	}
	link := domain.Ref{}
	for i, pk := range v.pluginIDs {
		r := b.add(domain.Object{Kind: domain.KindProxmoxCluster, Key: pluginKey(v, pk), Mode: domain.Existing, Owner: v.key,
			Label:    "plugin row of cluster " + v.Cluster.Name,
			Identity: domain.Identity{PluginIDs: []int{pk}, Name: v.Cluster.Name, Cluster: v.key},
			Fields:   domain.Fields{"netbox_cluster": cluster}})
		if i == 0 {
			link = r
		}
	}
	if !b.opt.SyncState {
		return
	}
	f := domain.Fields{"cluster": cluster, "proxmox_cluster_name": v.Cluster.Name}
	if link.Key != "" {
		f["proxmox_cluster"] = link
	}
	b.add(domain.Object{Kind: domain.KindClusterState, Key: v.key, Owner: v.key, Fields: f, Presumed: v.presumed("proxmox_cluster_name"),
		Label: "sync-state of cluster " + v.Cluster.Name})
}

func pluginKey(v *view, pk int) domain.Key {
	if len(v.pluginIDs) > 0 && v.pluginIDs[0] == pk {
		return v.key
	}
	return v.key + "/" + domain.Key(itoa(pk))
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
