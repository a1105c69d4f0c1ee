package desire

import (
	"strings"

	"proxbox/internal/domain"
)

// guestRow wants the guest's identity: the plugin's sync-state row, or custom fields.
func (b *builder) guestRow(v *view, vm domain.Ref, g domain.Guest, name, label string, mode domain.Mode) {
	cfg := g.Config.Value
	if !b.opt.SyncState {
		f := b.out.Objects[b.seen[vm]].Fields
		f["cf_proxmox_vm_id"] = g.VMID
		f["cf_proxmox_vm_type"] = string(g.Type)
		f["cf_proxmox_node"] = g.Node
		f["cf_proxmox_cluster"] = v.Cluster.Name
		f["cf_proxmox_vm_name"] = name
		f["cf_proxmox_tags"] = strings.Join(guestTags(g), ",")
		return
	}
	f := domain.Fields{
		"virtual_machine": vm, "proxmox_vm_id": g.VMID, "proxmox_vm_type": string(g.Type),
	}
	if l := link(v, g); l != "" {
		f["proxmox_link"] = l
	}
	b.whose(v, f, g.Node)
	if mode == domain.Manage {
		f["proxmox_vm_name"] = name
	}
	if _, ok := guestStatus(g.Status); ok {
		f["proxmox_status"] = g.Status
	}
	if role, ok := b.out.Objects[b.seen[vm]].Fields["role"]; ok {
		f["proxmox_last_synced_role_id"] = role
	}
	if g.Config.OK {
		f["proxmox_start_at_boot"] = cfg.OnBoot
		f["proxmox_search_domain"] = cut(cfg.SearchDomain, 255)
		f["proxmox_tags"] = strings.Join(guestTags(g), ",")
		if g.Type == domain.LXC {
			f["proxmox_unprivileged_container"] = cfg.Unprivileged
		} else {
			f["proxmox_qemu_agent"] = cfg.AgentEnabled
		}
	}
	b.add(domain.Object{Kind: domain.KindVMState, Key: vm.Key, Mode: mode, Owner: vm.Key, Fields: f, Label: "sync-state of " + label})
}

// identityFields are the custom fields that hold a guest's identity where the
// plugin has no sync-state rows (release 0.0.15, or no plugin at all).
var identityFields = func() []domain.Fields {
	cf := func(name, kind, label, description string) domain.Fields {
		return domain.Fields{"name": name, "type": kind, "label": label, "group_name": "Proxmox", "object_types": `["virtualization.virtualmachine"]`,
			"description": description, "ui_visible": "always", "ui_editable": "hidden", "weight": 100, "search_weight": 1000, "filter_logic": "loose"}
	}
	return []domain.Fields{
		cf("proxmox_vm_id", "integer", "VM ID", "Proxmox Virtual Machine or Container ID"),
		cf("proxmox_vm_type", "text", "VM Type", "Proxmox VM type (qemu or lxc)"),
		cf("proxmox_node", "text", "Proxmox Node", "Proxmox node hosting this device/VM"),
		cf("proxmox_cluster", "text", "Proxmox Cluster", "Proxmox cluster name"),
		cf("proxmox_vm_name", "text", "Proxmox Name", "Name of the guest in Proxmox when it was last synced"),
		cf("proxmox_tags", "text", "Proxmox Tags", "Comma-separated tags from Proxmox"),
	}
}()
