package desire

import (
	"crypto/md5"
	"encoding/hex"
	"math"
	"regexp"
	"slices"
	"strings"

	"proxbox/internal/domain"
)

func guestKey(v *view, g domain.Guest) domain.Key {
	return v.key + "/" + domain.Key(g.Type) + "/" + domain.Key(itoa(g.VMID))
}

var guestRoles = map[domain.GuestType]domain.Fields{
	domain.QEMU: {"name": "Virtual Machine (QEMU)", "slug": "virtual-machine-qemu", "color": "00ffff", "description": "Proxmox Virtual Machine", "vm_role": true},
	domain.LXC:  {"name": "Container (LXC)", "slug": "container-lxc", "color": "7fffd4", "description": "Proxmox LXC Container", "vm_role": true},
}

var guestTypes = map[domain.GuestType]domain.Fields{
	domain.QEMU: {"name": "QEMU Virtual Machine", "slug": "qemu-virtual-machine", "description": "Proxmox QEMU/KVM Virtual Machine"},
	domain.LXC:  {"name": "LXC Container", "slug": "lxc-container", "description": "Proxmox LXC Container"},
}

func vocabulary(kind domain.Kind, f domain.Fields) domain.Object {
	return domain.Object{Kind: kind, Key: domain.Key(f["slug"].(string)), Label: f["name"].(string), Fields: f}
}

// guestVocabulary wants the roles and types of guests, used or not: people
// choose them in the plugin's settings.
func (b *builder) guestVocabulary() {
	for _, t := range []domain.GuestType{domain.QEMU, domain.LXC} {
		b.add(vocabulary(domain.KindDeviceRole, guestRoles[t]))
		if b.opt.VirtualMachineTypes {
			b.add(vocabulary(domain.KindVirtualMachineType, guestTypes[t]))
		}
	}
	if b.opt.Kinds.Has(domain.KindCustomField) {
		b.add(domain.Object{Kind: domain.KindCustomField, Key: "proxmox_uuid", Label: "custom field proxmox_uuid", Fields: domain.Fields{
			"name": "proxmox_uuid", "type": "text", "label": "Proxmox UUID", "group_name": "Proxmox", "object_types": `["virtualization.virtualmachine"]`,
			"description": "SMBIOS UUID of the guest, by which a move to another cluster is recognised", "ui_visible": "if-set", "ui_editable": "hidden",
			"weight": 100, "search_weight": 1000, "filter_logic": "exact"}})
		for _, cf := range placeFields {
			b.add(domain.Object{Kind: domain.KindCustomField, Key: domain.Key(cf.name), Label: "custom field " + cf.name, Fields: cf.fields()})
		}
		if !b.opt.SyncState {
			b.oldFields()
		}
	}
}

func guestStatus(status string) (string, bool) {
	switch status {
	case "running", "online", "active":
		return "active", true
	case "stopped", "paused", "offline", "suspended", "prelaunch":
		return "offline", true
	}
	return "", false // unknown says nothing
}

// platforms are the names for ostype, as the Python service gives them.
var platforms = map[string]string{
	"l24": "Linux (kernel 2.4)", "l26": "Linux (kernel 2.6 or newer)", "other": "",
	"wxp": "Windows XP", "w2k": "Windows 2000", "w2k3": "Windows Server 2003", "w2k8": "Windows Server 2008", "wvista": "Windows Vista",
	"win7": "Windows 7", "win8": "Windows 8", "win10": "Windows 10", "win11": "Windows 11", "solaris": "Solaris",
	"debian": "Debian", "devuan": "Devuan", "ubuntu": "Ubuntu", "centos": "CentOS", "fedora": "Fedora", "opensuse": "openSUSE",
	"archlinux": "Arch Linux", "alpine": "Alpine Linux", "gentoo": "Gentoo", "nixos": "NixOS", "unmanaged": "",
}

// guest wants a virtual machine and all its parts.
func (b *builder) guest(v *view, cluster, site domain.Ref, g domain.Guest) {
	cfg := g.Config.Value
	name := firstOf(g.Name, cfg.Name)
	mode := domain.Manage
	if name == "" {
		if g.Status == "unknown" || g.Status == "" {
			mode = domain.Existing // not created without a name, but its parts stay what they are
		}
		name = "VM " + itoa(g.VMID)
	}
	label := guestLabel(g, name)
	key := guestKey(v, g)
	f := domain.Fields{
		"cluster": cluster,
		"device":  domain.To(domain.KindDevice, nodeKey(v, g.Node)),
	}
	if mode == domain.Manage {
		f["name"] = cut(name, 64)
	}
	if b.opt.Kinds.Has(domain.KindCustomField) {
		f["cf_proxmox_pool"], f["cf_proxmox_ha_state"] = g.Pool, g.HAState
	}
	if s, ok := guestStatus(g.Status); ok {
		f["status"] = s
	}
	if cpus := firstNumber(g.CPUs, cfg.Cores); cpus > 0 {
		f["vcpus"] = domain.Decimal(math.Round(cpus * 100))
	}
	if mem := max(g.MemoryBytes, 0); mem > 0 {
		f["memory"] = int(mem >> 20)
	} else if cfg.MemoryBytes > 0 {
		f["memory"] = int(cfg.MemoryBytes >> 20)
	}
	if b.opt.VirtualMachineTypes {
		f["virtual_machine_type"] = domain.To(domain.KindVirtualMachineType, domain.Key(guestTypes[g.Type]["slug"].(string)))
	}
	switch role := b.opt.DefaultRoles[g.Type]; {
	case role != 0:
		f["role"] = domain.At(domain.KindDeviceRole, role)
	case !b.opt.VirtualMachineTypes:
		f["role"] = domain.To(domain.KindDeviceRole, domain.Key(guestRoles[g.Type]["slug"].(string)))
	}
	var asked map[string]bool
	if g.Config.OK {
		b.guestFromConfig(f, g)
		asked = b.metadata(g, label, f)
	}
	tags := domain.TagWish{Mark: b.mark(), OnCreate: domain.Refs{b.tag(discovered(g.Type))}, Manages: mode == domain.Manage && (g.Config.OK || len(g.Tags) > 0)}
	if g.Template || cfg.Template {
		tags.Mark = append(tags.Mark, b.tag(TagTemplate))
	}
	for _, t := range guestTags(g) {
		tags.Synced = append(tags.Synced, b.guestTag(v, t))
	}
	vm := b.add(domain.Object{Kind: domain.KindVirtualMachine, Key: key, Mode: mode, Owner: v.key, Label: label, Fields: f, Asked: asked, Tags: tags,
		Identity: domain.Identity{Endpoints: v.endpoints, PluginIDs: v.pluginIDs, Cluster: v.key, Name: name, Type: g.Type, VMID: g.VMID,
			UUID: cfg.UUID, CreatedAt: cfg.CreatedAt}})
	b.guestRow(v, vm, g, name, label, mode)
	if g.Config.OK {
		b.disks(v, vm, label, cfg)
		b.nics(v, vm, site, g, label)
		b.inside(v, vm, g, label)
		b.cloudInit(vm, cfg, label)
	}
}

// guestFromConfig sets the fields that only the configuration knows.
func (b *builder) guestFromConfig(f domain.Fields, g domain.Guest) {
	cfg := g.Config.Value
	f["description"] = description(g)
	p := platforms[cfg.OSType]
	if b.opt.AgentPlatform && cfg.AgentEnabled && g.Type == domain.QEMU {
		p = agentPlatform(g.AgentOS.Value) // "" while it is silent
	}
	if p != "" {
		f["platform"] = b.add(domain.Object{Kind: domain.KindPlatform, Key: domain.Key(slug(p, "platform")), Label: "platform " + p,
			Fields: domain.Fields{"name": p, "slug": slug(p, "platform")}})
	}
	if cfg.OnBoot {
		f["start_on_boot"] = "on"
	} else {
		f["start_on_boot"] = "off"
	}
	if cfg.Serial != "" {
		f["serial"] = cut(cfg.Serial, 50)
	}
	if cfg.UUID != "" && b.opt.Kinds.Has(domain.KindCustomField) {
		f["cf_proxmox_uuid"] = cfg.UUID
	}
}

func discovered(t domain.GuestType) string {
	if t == domain.LXC {
		return TagDiscoveredLXC
	}
	return TagDiscoveredQEMU
}

func guestTags(g domain.Guest) []string {
	tags := g.Tags
	if g.Config.OK {
		tags = g.Config.Value.Tags
	}
	return slices.Compact(slices.Sorted(slices.Values(tags)))
}

var hexColor = regexp.MustCompile(`^[0-9a-f]{6}$`)

func (b *builder) guestTag(v *view, name string) domain.Ref {
	color := strings.ToLower(v.TagColors[name])
	if !hexColor.MatchString(color) {
		sum := md5.Sum([]byte(name))
		color = hex.EncodeToString(sum[:])[:6]
	}
	s := cut(slug(name, "tag"), 100)
	return b.add(domain.Object{Kind: domain.KindTag, Key: domain.Key(s), Label: "tag " + name,
		Fields: domain.Fields{"name": cut(name, 100), "slug": s, "color": color, "description": "Synced by Proxbox"}})
}

func (b *builder) disks(v *view, vm domain.Ref, label string, cfg domain.GuestConfig) {
	if !b.opt.Kinds.Has(domain.KindVirtualDisk) {
		return
	}
	for _, d := range cfg.Disks {
		if d.SizeMB <= 0 {
			b.sizeless(vm, label, d.Key) // a passed-through device has no size of its own
			continue
		}
		description := "Storage: " + firstOf(d.Storage, d.Volume)
		if d.Format != "" {
			description += " | Format: " + d.Format
		}
		f := domain.Fields{"virtual_machine": vm, "name": d.Key, "size": min(d.SizeMB, math.MaxInt32), "description": cut(description, 200)}
		if !b.opt.SyncState && b.opt.Kinds.Has(domain.KindCustomField) {
			b.onStorage(v, d.Storage, "cf_"+storageField, f)
		}
		ref := b.add(domain.Object{Kind: domain.KindVirtualDisk, Key: vm.Key + "/" + domain.Key(d.Key), Owner: vm.Key, Label: label + " " + d.Key,
			Fields: f, Tags: domain.TagWish{Mark: b.partMark()}})
		if b.opt.SyncState {
			b.add(domain.Object{Kind: domain.KindVirtualDiskState, Key: ref.Key, Owner: vm.Key, Label: "sync-state of " + label + " " + d.Key,
				Fields: b.onStorage(v, d.Storage, "proxbox_storage", domain.Fields{"virtual_disk": ref, "proxbox_storage_raw_value": d.Storage})})
		}
	}
	for _, key := range cfg.Drives {
		b.sizeless(vm, label, key)
	}
	b.whole(vm.Key, domain.KindVirtualDisk)
}

// sizeless keeps the virtual disk that NetBox has for a drive whose size is not
// known, and makes none: the Python service made them of CD-ROMs.
func (b *builder) sizeless(vm domain.Ref, label, key string) {
	b.add(domain.Object{Kind: domain.KindVirtualDisk, Key: vm.Key + "/" + domain.Key(key), Mode: domain.Existing, Owner: vm.Key, Label: label + " " + key,
		Fields: domain.Fields{"virtual_machine": vm, "name": key}})
}

func firstNumber(values ...float64) float64 {
	for _, v := range values {
		if v > 0 {
			return v
		}
	}
	return 0
}
