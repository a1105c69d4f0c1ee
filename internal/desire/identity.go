package desire

import (
	"strings"

	"proxbox/internal/domain"
)

// guestRow wants the guest's identity: the plugin's sync-state row, or custom fields.
func (b *builder) guestRow(v *view, vm domain.Ref, g domain.Guest, name, label string, mode domain.Mode) {
	cfg := g.Config.Value
	if !b.opt.SyncState {
		o := &b.out.Objects[b.seen[vm]]
		f := o.Fields
		o.Presumed = v.presumed("cf_proxmox_cluster")
		f["cf_proxmox_vm_id"] = g.VMID
		f["cf_proxmox_vm_type"] = string(g.Type)
		f["cf_proxmox_node"] = g.Node
		f["cf_proxmox_cluster"] = v.Cluster.Name
		f["cf_proxmox_vm_name"] = name
		f["cf_proxmox_tags"] = strings.Join(guestTags(g), ",")
		if b.opt.Kinds.Has(domain.KindCustomField) {
			describe(f, v, g)
		}
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
		card(f, cfg)
		if g.Type == domain.LXC {
			f["proxmox_unprivileged_container"] = cfg.Unprivileged
		} else {
			f["proxmox_qemu_agent"] = cfg.AgentEnabled
		}
	}
	b.add(domain.Object{Kind: domain.KindVMState, Key: vm.Key, Mode: mode, Owner: vm.Key, Fields: f, Presumed: v.presumed("proxmox_cluster_name"),
		Label: "sync-state of " + label})
}

// card sets what the plugin shows of a guest that NetBox itself has no place
// for. Its disks, storages and interfaces are objects of their own.
func card(f domain.Fields, cfg domain.GuestConfig) {
	f["proxmox_os"] = cut(cfg.OSType, 255)
	f["proxmox_cpu_type"] = cut(cfg.CPUType, 255)
	// NetBox takes no NUL.
	f["proxmox_notes"] = strings.TrimSpace(strings.ReplaceAll(cfg.Description, "\x00", ""))
}
