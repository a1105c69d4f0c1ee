package desire

import (
	"net/netip"
	"path"
	"slices"
	"strings"

	"proxbox/internal/domain"
)

// Filter leaves out what an operator does not want to sync. The zero Filter
// leaves nothing out. Names, tags, pools, nodes and storages are given as
// patterns, in which * is any text and ? any character, without regard to
// case. What is left out is not gone: it is neither made nor changed nor
// removed.
type Filter struct {
	Tags, ExcludeTags         []string // of guests
	Pools, ExcludePools       []string
	Names, ExcludeNames       []string
	Nodes, ExcludeNodes       []string
	Templates                 Templates
	Storages, ExcludeStorages []string
	// Interfaces of guests that are left out, by their names in Proxmox, in the
	// guest or in NetBox.
	ExcludeInterfaces []string
	// Subnets are the only ones whose addresses are synced, unless there are none.
	Subnets, IgnoreSubnets []netip.Prefix
}

// Templates says which of templates and other guests are synced.
type Templates string

// The choices; "" is TemplatesToo.
const (
	TemplatesToo  Templates = "include"
	NoTemplates   Templates = "exclude"
	OnlyTemplates Templates = "only"
)

// Guest tells whether a guest is synced, by what the list of guests says of it.
func (f Filter) Guest(g domain.Guest) bool {
	if f.Templates == NoTemplates && g.Template || f.Templates == OnlyTemplates && !g.Template {
		return false
	}
	return passes(f.Tags, f.ExcludeTags, g.Tags...) && passes(f.Pools, f.ExcludePools, g.Pool) &&
		passes(f.Names, f.ExcludeNames, g.Name) && passes(f.Nodes, f.ExcludeNodes, g.Node)
}

// Storage tells whether a storage is synced.
func (f Filter) Storage(name string) bool { return passes(f.Storages, f.ExcludeStorages, name) }

// Interface tells whether an interface with these names is synced.
func (f Filter) Interface(names ...string) bool { return passes(nil, f.ExcludeInterfaces, names...) }

// Address tells whether an address is synced.
func (f Filter) Address(a netip.Addr) bool {
	in := func(subnets []netip.Prefix) bool {
		return slices.ContainsFunc(subnets, func(p netip.Prefix) bool { return p.Contains(a.Unmap().WithZone("")) })
	}
	return !in(f.IgnoreSubnets) && (len(f.Subnets) == 0 || in(f.Subnets))
}

// Spares tells whether an object in NetBox is of the sort that is left out: what
// an earlier run made of it stays.
func (f Filter) Spares(kind domain.Kind, row *domain.Row) bool {
	switch kind {
	case domain.KindIPAddress:
		p, err := netip.ParsePrefix(row.Text("address"))
		return err == nil && !f.Address(p.Addr())
	case domain.KindVMInterface, domain.KindGuestInterface:
		return !f.Interface(row.Text("name"))
	}
	return false
}

// passes tells whether one of the values is wanted and none is left out. A list
// of wanted patterns that is empty wants everything.
func passes(wanted, unwanted []string, values ...string) bool {
	return !matches(unwanted, values) && (len(wanted) == 0 || matches(wanted, values))
}

func matches(patterns, values []string) bool {
	for _, p := range patterns {
		for _, v := range values {
			if ok, err := path.Match(strings.ToLower(p), strings.ToLower(v)); err == nil && ok && v != "" {
				return true
			}
		}
	}
	return false
}
