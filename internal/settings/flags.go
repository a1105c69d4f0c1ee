package settings

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// InterfaceStrategy says how VM interfaces are named.
type InterfaceStrategy string

// The strategies for VM interfaces.
const (
	GuestOSModel InterfaceStrategy = "guest_os_model"
	LegacyRename InterfaceStrategy = "legacy_rename"
)

// Family is an address family.
type Family string

// The address families.
const (
	IPv4 Family = "ipv4"
	IPv6 Family = "ipv6"
)

// SyncMode says what a run does with the objects of a kind.
type SyncMode string

// The modes.
const (
	Always        SyncMode = "always"         // create and update
	BootstrapOnly SyncMode = "bootstrap_only" // create, and then leave alone
	Disabled      SyncMode = "disabled"       // neither
)

// modeNames are the kinds that have a mode, and what each hangs on.
var modeNames = [...]struct{ name, parent, doc string }{
	{"vm", "", "Virtual machines and containers that are no templates."},
	{"vm_template", "", "Templates."},
	{"vm_interface", "vm", "Interfaces of guests."},
	{"mac", "vm_interface", "MAC addresses of guests' interfaces."},
	{"ip_address", "vm_interface", "IP addresses of guests."},
	{"cluster", "", "Clusters."},
	{"node", "cluster", "Nodes as devices."},
	{"storage", "", "Storages."},
	{"sdn", "", "SDN zones, vnets and subnets."},
	{"sdn_bgp", "sdn", "What SDN says of BGP."},
}

// overwriteNames are the flags that say whether an existing object's value
// is replaced.
var overwriteNames = [...]struct{ name, doc string }{
	{"device_role", "role of node devices"},
	{"device_type", "device type of node devices"},
	{"device_tags", "tags of node devices"},
	{"device_status", "status of node devices"},
	{"device_description", "description of node devices"},
	{"device_custom_fields", "custom fields of node devices"},
	{"vm_role", "role of guests"},
	{"vm_type", "virtual machine type of guests"},
	{"vm_platform", "platform of guests"},
	{"vm_tags", "tag proxbox and the like of guests"},
	{"vm_proxmox_tags", "tags that Proxmox has on guests"},
	{"vm_description", "description of guests"},
	{"vm_custom_fields", "custom fields of guests"},
	{"vm_cloudinit", "cloud-init rows of guests"},
	{"cluster_tags", "tags of clusters"},
	{"cluster_description", "description of clusters"},
	{"cluster_custom_fields", "custom fields of clusters"},
	{"node_interface_tags", "tags of nodes' interfaces"},
	{"node_interface_custom_fields", "custom fields of nodes' interfaces"},
	{"storage_tags", "tags of storages"},
	{"vm_interface_tags", "tags of guests' interfaces"},
	{"vm_interface_custom_fields", "custom fields of guests' interfaces"},
	{"ip_status", "status of guests' addresses"},
	{"ip_tags", "tags of guests' addresses"},
	{"ip_custom_fields", "custom fields of guests' addresses"},
	{"ip_address_dns_name", "DNS name of guests' addresses"},
}

const (
	overwritePrefix = "overwrite_"
	modePrefix      = "sync_mode_"
)

func declareOverwriteFlags() []Key[bool] {
	var all []Key[bool]
	for _, o := range overwriteNames {
		name := overwritePrefix + o.name
		s := Setting{Name: name, Param: name, Plugin: plugin("true"), Default: "true",
			Doc: "Replace the " + o.doc + " that NetBox has already."}
		if o.name == "vm_platform" {
			s.Plugin, s.Default = plugin0029("false"), "false"
		}
		all = append(all, boolean(s))
	}
	return all
}

func declareSyncModes() []Key[SyncMode] {
	var all []Key[SyncMode]
	for _, m := range modeNames {
		name := modePrefix + m.name
		def := string(Always)
		if strings.HasPrefix(m.name, "sdn") {
			def = string(Disabled)
		}
		doc := m.doc
		if m.parent != "" {
			doc += " Disabled with " + modePrefix + m.parent + "."
		}
		all = append(all, choice(Setting{Name: name, Param: name, Plugin: plugin0029(def), Default: def, Doc: doc},
			Always, BootstrapOnly, Disabled))
	}
	return all
}

// Flags are what a run does beside what it reads. Two runs with equal Flags
// do the same.
type Flags struct {
	UseGuestAgentInterfaceName   bool
	VMInterfaceSyncStrategy      InterfaceStrategy
	FetchMaxConcurrency          int
	IgnoreIPv6LinkLocal          bool
	PrimaryIPPreference          Family
	ParseDescriptionMetadata     bool
	SyncVMPlatformFromGuestAgent bool

	// Partial work of the virtual machines' stage.
	SyncVMNetwork        bool // its interfaces and addresses
	SyncTaskHistory      bool
	AssignVMInterfaceIPs bool
	SyncVMInterfaceMACs  bool

	// Remove the plugin's rows of what Proxmox does not have any more.
	DeleteNonexistentBackup   bool
	DeleteNonexistentSnapshot bool

	// BranchSchemaID is the NetBox branch that the run reads and writes; ""
	// for none.
	BranchSchemaID string

	overwrite [len(overwriteNames)]bool // in their order
	modes     [len(modeNames)]SyncMode
}

// FlagsFrom returns the flags of a run that is asked for without any.
func FlagsFrom(v *Values) Flags {
	f := Flags{
		UseGuestAgentInterfaceName:   UseGuestAgentInterfaceName.In(v),
		VMInterfaceSyncStrategy:      VMInterfaceSyncStrategy.In(v),
		FetchMaxConcurrency:          FetchMaxConcurrency.In(v),
		IgnoreIPv6LinkLocal:          IgnoreIPv6LinkLocal.In(v),
		PrimaryIPPreference:          PrimaryIPPreference.In(v),
		ParseDescriptionMetadata:     ParseDescriptionMetadata.In(v),
		SyncVMPlatformFromGuestAgent: SyncVMPlatformFromGuestAgent.In(v),
		SyncVMNetwork:                true,
		SyncTaskHistory:              true,
		AssignVMInterfaceIPs:         true,
		SyncVMInterfaceMACs:          true,
	}
	for i, k := range overwriteFlags {
		f.overwrite[i] = k.In(v)
	}
	for i, k := range syncModes {
		f.modes[i] = k.In(v)
	}
	return f
}

// DefaultFlags returns the flags of a run when nothing is configured.
func DefaultFlags() Flags {
	v, err := Load(nil)
	if err != nil {
		panic(err) // an empty environment has no variable to fail on
	}
	return FlagsFrom(v)
}

// WithEndpoint returns the flags with those that the plugin's row of an endpoint
// sets for itself: a truth under the name of an overwrite flag, the name of a
// mode under that of a sync mode. What it leaves open, or is no flag, changes
// nothing.
func (f Flags) WithEndpoint(row map[string]any) Flags {
	for i, o := range overwriteNames {
		if on, ok := row[overwritePrefix+o.name].(bool); ok {
			f.overwrite[i] = on
		}
	}
	for i, k := range syncModes {
		text, _ := row[modePrefix+modeNames[i].name].(string)
		if mode, err := k.parse(text); err == nil {
			f.modes[i] = mode.(SyncMode)
		}
	}
	return f
}

// InvalidError is a parameter of a run whose value cannot be used.
type InvalidError struct {
	Param string
	Value string
	Form  string // that is accepted
}

func (e *InvalidError) Error() string {
	return fmt.Sprintf("%s is %q and must be %s", e.Param, e.Value, e.Form)
}

// ParseFlags returns base with what the query changes. Parameters that are no
// flags are ignored, and so are empty ones; of one that is repeated the last
// counts. It fails with one *InvalidError for each that cannot be used,
// joined.
func ParseFlags(query url.Values, base Flags) (Flags, error) {
	p := flagParser{query: query}
	param(&p, UseGuestAgentInterfaceName.Setting, &base.UseGuestAgentInterfaceName)
	param(&p, VMInterfaceSyncStrategy.Setting, &base.VMInterfaceSyncStrategy)
	param(&p, FetchMaxConcurrency.Setting, &base.FetchMaxConcurrency)
	param(&p, IgnoreIPv6LinkLocal.Setting, &base.IgnoreIPv6LinkLocal)
	param(&p, PrimaryIPPreference.Setting, &base.PrimaryIPPreference)
	param(&p, ParseDescriptionMetadata.Setting, &base.ParseDescriptionMetadata)
	param(&p, SyncVMPlatformFromGuestAgent.Setting, &base.SyncVMPlatformFromGuestAgent)
	p.boolean("sync_vm_network", &base.SyncVMNetwork)
	p.boolean("sync_task_history", &base.SyncTaskHistory)
	p.boolean("assign_vm_interface_ips", &base.AssignVMInterfaceIPs)
	p.boolean("sync_vm_interface_macs", &base.SyncVMInterfaceMACs)
	p.boolean("delete_nonexistent_backup", &base.DeleteNonexistentBackup)
	p.boolean("delete_nonexistent_snapshot", &base.DeleteNonexistentSnapshot)
	if schema := p.text("netbox_branch_schema_id"); schema != "" {
		base.BranchSchemaID = schema
	}
	for i, k := range overwriteFlags {
		param(&p, k.Setting, &base.overwrite[i])
	}
	for i, k := range syncModes {
		param(&p, k.Setting, &base.modes[i])
	}
	return base, errors.Join(p.errs...)
}

type flagParser struct {
	query url.Values
	errs  []error
}

func (p *flagParser) text(name string) string {
	all := p.query[name]
	if len(all) == 0 {
		return ""
	}
	return strings.TrimSpace(all[len(all)-1])
}

// boolean reads a parameter that no setting has a value for.
func (p *flagParser) boolean(name string, field *bool) {
	param(p, &Setting{Param: name, Form: booleanForm, parse: anyBool}, field)
}

func anyBool(text string) (any, error) { return parseBool(text) }

// param reads the parameter of a setting.
func param[T any](p *flagParser, s *Setting, field *T) {
	text := p.text(s.Param)
	if text == "" {
		return
	}
	value, err := s.parse(text)
	if err != nil {
		p.errs = append(p.errs, &InvalidError{s.Param, text, s.Form})
		return
	}
	*field = value.(T)
}

// Overwrite tells whether the value that an existing object has is replaced.
// Name is a flag's, with or without "overwrite_": "vm_role". It panics on a
// name that is none.
func (f Flags) Overwrite(name string) bool { return f.overwrite[overwriteIndex(name)] }

// WithOverwrite returns the flags with one overwrite flag set; it panics as
// Overwrite does.
func (f Flags) WithOverwrite(name string, value bool) Flags {
	f.overwrite[overwriteIndex(name)] = value
	return f
}

func overwriteIndex(name string) int {
	short := strings.TrimPrefix(name, overwritePrefix)
	for i, o := range overwriteNames {
		if o.name == short {
			return i
		}
	}
	panic("settings: there is no flag " + overwritePrefix + short)
}

// Mode returns the mode of a kind by its short name: "vm", "ip_address". What
// hangs on something disabled is disabled too; guests are disabled when
// neither virtual machines nor templates are wanted. It panics on a name that
// is none.
func (f Flags) Mode(name string) SyncMode {
	i := modeIndex(name)
	switch parent := modeNames[i].parent; {
	case parent == "":
	case parent == "vm" && (f.Mode("vm") != Disabled || f.Mode("vm_template") != Disabled):
	case f.Mode(parent) == Disabled:
		return Disabled
	}
	return f.modes[i]
}

// WithMode returns the flags with one mode set; it panics as Mode does.
func (f Flags) WithMode(name string, mode SyncMode) Flags {
	f.modes[modeIndex(name)] = mode
	return f
}

func modeIndex(name string) int {
	short := strings.TrimPrefix(name, modePrefix)
	for i, m := range modeNames {
		if m.name == short {
			return i
		}
	}
	panic("settings: there is no mode " + modePrefix + short)
}
