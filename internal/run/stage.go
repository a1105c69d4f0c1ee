package run

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"proxbox/internal/domain"
	"proxbox/internal/plan"
	"proxbox/internal/proxmox"
)

// Stage is a part of a full update that can be run by itself. It is a narrower
// view of the same plan: what it does not keep is not written in its run.
type Stage struct {
	Name  string // as the plugin and the wire call it
	Title string // for people
	kinds map[domain.Kind]side
	scope func(*proxmox.Scope)
}

// side tells the parts of nodes from those of guests, for kinds that both have.
type side int

const (
	both side = iota
	ofNodes
	ofGuests
)

func stage(name, title string, scope func(*proxmox.Scope), kinds ...domain.Kind) Stage {
	s := Stage{Name: name, Title: title, scope: scope, kinds: map[domain.Kind]side{}}
	for _, k := range kinds {
		s.kinds[k] = both
	}
	return s
}

func (s Stage) only(which side, kinds ...domain.Kind) Stage {
	for _, k := range kinds {
		s.kinds[k] = which
	}
	return s
}

// FullUpdate is everything.
var FullUpdate = Stage{Name: "full-update", Title: "full update"}

// guestNetwork is what the virtual machines' stage writes too unless it is
// told sync_vm_network=false.
var guestNetwork = []domain.Kind{
	domain.KindVMInterface, domain.KindVMInterfaceState, domain.KindMACAddress, domain.KindIPAddress, domain.KindIPAddressState, domain.KindVLAN,
	domain.KindGuestInterface, domain.KindGuestInterfaceAddr,
}

// Stages are the parts of a full update in the order in which the plugin asks
// for them.
var Stages = []Stage{
	stage("devices", "clusters and nodes", nil,
		domain.KindTag, domain.KindCustomField, domain.KindClusterType, domain.KindCluster, domain.KindSite, domain.KindManufacturer,
		domain.KindDeviceType, domain.KindDevice, domain.KindProxmoxCluster, domain.KindProxmoxNode,
		domain.KindClusterState, domain.KindDeviceState).only(ofNodes, domain.KindDeviceRole),
	stage("storage", "storages", func(s *proxmox.Scope) { s.Storages = true }, domain.KindProxmoxStorage),
	stage("virtual-machines", "virtual machines and containers", func(s *proxmox.Scope) { s.Configs = true },
		domain.KindTag, domain.KindCustomField, domain.KindVirtualMachineType, domain.KindPlatform, domain.KindVirtualMachine,
		domain.KindVMState, domain.KindCloudInit).only(ofGuests, domain.KindDeviceRole),
	stage("task-history", "task history", func(s *proxmox.Scope) { s.Tasks = true }, domain.KindTaskHistory),
	stage("virtual-disks", "virtual disks", func(s *proxmox.Scope) { s.Configs, s.Storages = true, true }, domain.KindVirtualDisk, domain.KindVirtualDiskState),
	stage("backups", "backups", func(s *proxmox.Scope) { s.Backups = true }, domain.KindBackup),
	stage("snapshots", "snapshots", func(s *proxmox.Scope) { s.Configs, s.Storages, s.Snapshots = true, true, true }, domain.KindSnapshot),
	stage("node-interfaces", "interfaces of nodes", func(s *proxmox.Scope) { s.NodeNetworks = true },
		domain.KindInterface, domain.KindInterfaceState, domain.KindVLAN).
		only(ofNodes, domain.KindMACAddress, domain.KindIPAddress, domain.KindIPAddressState),
	stage("vm-interfaces", "interfaces of guests", func(s *proxmox.Scope) { s.Configs, s.Agent, s.NodeNetworks = true, true, true },
		domain.KindVMInterface, domain.KindVMInterfaceState, domain.KindVLAN, domain.KindGuestInterface).only(ofGuests, domain.KindMACAddress),
	stage("vm-ip-addresses", "addresses of guests", func(s *proxmox.Scope) { s.Configs, s.Agent = true, true },
		domain.KindGuestInterfaceAddr).only(ofGuests, domain.KindIPAddress, domain.KindIPAddressState),
	stage("sdn", "SDN zones, vnets and subnets", nil, domain.KindSDNZone, domain.KindSDNVNet, domain.KindSDNSubnet, domain.KindPrefix),
	stage("replications", "replications", func(s *proxmox.Scope) { s.Replications = true }, domain.KindReplication),
	stage("backup-routines", "backup routines", func(s *proxmox.Scope) { s.Storages, s.BackupRoutines = true, true }, domain.KindBackupRoutine),
}

// StageNamed returns a stage by its name, the full update included.
func StageNamed(name string) (Stage, error) {
	if name == FullUpdate.Name || name == "" {
		return FullUpdate, nil
	}
	i := slices.IndexFunc(Stages, func(s Stage) bool { return s.Name == name })
	if i < 0 {
		names := []string{FullUpdate.Name}
		for _, s := range Stages {
			names = append(names, s.Name)
		}
		return Stage{}, fmt.Errorf("there is no stage %q: it is one of %s", name, strings.Join(names, ", "))
	}
	return Stages[i], nil
}

// With returns a stage that keeps what another keeps too.
func (s Stage) With(kinds ...domain.Kind) Stage {
	if s.kinds == nil {
		return s
	}
	out := s
	out.kinds = map[domain.Kind]side{}
	for k, v := range s.kinds {
		out.kinds[k] = v
	}
	return out.only(both, kinds...)
}

// Scope is what has to be read of Proxmox for the stage.
func (s Stage) Scope() proxmox.Scope {
	if s.kinds == nil {
		return proxmox.Everything()
	}
	var scope proxmox.Scope
	if s.scope != nil {
		s.scope(&scope)
	}
	return scope
}

// Keeps tells whether a kind, on the side of nodes or guests that a key says,
// belongs to the stage.
func (s Stage) Keeps(kind domain.Kind, key domain.Key) bool {
	if s.kinds == nil {
		return true
	}
	which, ok := s.kinds[kind]
	if !ok || which == both || key == "" {
		return ok
	}
	return (which == ofNodes) == isNodes(kind, key)
}

// isNodes tells whether a key is a node's, or one of its parts'.
func isNodes(kind domain.Kind, key domain.Key) bool {
	if kind == domain.KindDeviceRole {
		return key == "proxmox-node"
	}
	return strings.Contains(string(key), "/node/")
}

// Narrow leaves out of a plan what does not belong to the stage. A change that
// only points at objects of the stage (a primary address) belongs to it.
func (s Stage) Narrow(p *plan.Plan) {
	if s.kinds == nil {
		return
	}
	needed := map[domain.Ref]bool{} // tags and custom fields that no other stage makes
	for _, c := range p.Changes {
		if !s.Keeps(c.Kind, c.Key) {
			continue
		}
		for field, v := range c.Set {
			if name, custom := strings.CutPrefix(field, "cf_"); custom {
				needed[domain.To(domain.KindCustomField, domain.Key(name))] = true
			}
			if tags, ok := v.(domain.Refs); ok && (c.Orphan || c.Op == plan.Create) && (field == "add_tags" || field == "tags") {
				for _, t := range tags {
					needed[domain.To(domain.KindTag, t.Key)] = t.Key != ""
				}
			}
		}
	}
	p.Changes = slices.DeleteFunc(p.Changes, func(c plan.Change) bool {
		return !s.Keeps(c.Kind, c.Key) && !s.pointsInto(c) && !needed[domain.To(c.Kind, c.Key)]
	})
	p.Reports = slices.DeleteFunc(p.Reports, func(r plan.Report) bool { return r.Kind != "" && !s.Keeps(r.Kind, r.Key) })
}

func (s Stage) pointsInto(c plan.Change) bool {
	if c.Op != plan.Update || len(c.Set) == 0 {
		return false
	}
	for field, v := range c.Set {
		if field == plan.LastUpdated {
			continue
		}
		ref, ok := v.(domain.Ref)
		if !ok {
			ref, ok = c.Old[field].(domain.Ref) // a primary address that is given up
		}
		if !ok || ref.Kind == c.Kind || !s.Keeps(ref.Kind, cmp.Or(ref.Key, c.Key)) {
			return false
		}
	}
	return true
}
