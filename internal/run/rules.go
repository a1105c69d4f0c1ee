package run

import (
	"context"

	"proxbox/internal/desire"
	"proxbox/internal/domain"
	"proxbox/internal/netbox"
	"proxbox/internal/plan"
	"proxbox/internal/settings"
)

// policies are the sync modes as the plan has them.
var policies = map[settings.SyncMode]domain.Policy{
	settings.Always: domain.Sync, settings.BootstrapOnly: domain.Bootstrap, settings.Disabled: domain.Leave,
}

// rules are the flags of an endpoint as what is wanted and planned has them.
func rules(f settings.Flags) desire.Rules {
	return desire.Rules{Overwrite: f.Overwrite, Mode: func(name string) domain.Policy {
		switch {
		case name == "task_history":
			return either(f.SyncTaskHistory, domain.Sync)
		case name == "mac":
			return either(f.SyncVMInterfaceMACs, policies[f.Mode(name)])
		case name == "ip_address":
			return either(f.AssignVMInterfaceIPs, policies[f.Mode(name)])
		}
		return policies[f.Mode(name)]
	}}
}

// either is the policy of what is wanted, or that of what is not.
func either(wanted bool, p domain.Policy) domain.Policy {
	if wanted {
		return p
	}
	return domain.Leave
}

// rulesBy returns the flags of each endpoint of a run: what its row in the
// plugin sets goes before the settings, and what the run was asked for before
// both. A query that cannot be used was refused before.
func (a Ask) rulesBy(v *settings.Values) func(domain.ProxmoxEndpoint, *domain.Inventory) desire.Rules {
	return func(ep domain.ProxmoxEndpoint, inv *domain.Inventory) desire.Rules {
		base := settings.FlagsFrom(v)
		if row := inv.Row(domain.At(domain.KindProxmoxEndpoint, ep.PluginID())); row != nil {
			base = base.WithEndpoint(row.Fields)
		}
		flags, _ := settings.ParseFlags(a.Query, base)
		return rules(flags)
	}
}

// filter is what the settings leave out.
func filter(v *settings.Values) desire.Filter {
	return desire.Filter{
		Tags: settings.FilterTags.In(v), ExcludeTags: settings.FilterExcludeTags.In(v),
		Pools: settings.FilterPools.In(v), ExcludePools: settings.FilterExcludePools.In(v),
		Names: settings.FilterNames.In(v), ExcludeNames: settings.FilterExcludeNames.In(v),
		Nodes: settings.FilterNodes.In(v), ExcludeNodes: settings.FilterExcludeNodes.In(v),
		Templates: desire.Templates(settings.FilterTemplates.In(v)),
		Storages:  settings.FilterStorages.In(v), ExcludeStorages: settings.FilterExcludeStorages.In(v),
		ExcludeInterfaces: settings.FilterExcludeInterfaces.In(v),
		Subnets:           settings.FilterSubnets.In(v), IgnoreSubnets: settings.FilterIgnoreSubnets.In(v),
	}
}

// limits are what the plan may do by the modes and the filter.
func (req Request) limits(d *desire.Desired, held map[domain.Ref]bool) plan.Limits {
	return plan.Limits{Policy: d.Policy, Held: held, Spare: req.Options.Filter.Spares}
}

// held reads which objects carry the tag bootstrap-only, of the kinds that are
// made with it in this run and whose tags are not read with them.
func (req Request) held(ctx context.Context, d *desire.Desired, inv *domain.Inventory) (map[domain.Ref]bool, error) {
	kinds := map[domain.Kind]bool{}
	for _, o := range d.Objects {
		if plan.Bootstrapped[o.Kind] && !netbox.ReadsTags(o.Kind) && d.Policy(o.Kind, o.Key) == domain.Bootstrap {
			kinds[o.Kind] = true
		}
	}
	held := map[domain.Ref]bool{}
	for kind := range kinds {
		if inv.Table(kind).Absent || !hasTag(inv, desire.TagBootstrapOnly) {
			continue
		}
		ids, err := req.NetBox.ReadMarked(ctx, kind, desire.TagBootstrapOnly)
		if err != nil {
			return nil, err
		}
		for id := range ids {
			held[domain.At(kind, id)] = true
		}
	}
	return held, nil
}

// readMarks reads which of the parts that are to be tagged are, of the kinds
// whose tags are not read with them, where NetBox takes one tag more without
// the others. It tells whether it did.
func (req Request) readMarks(ctx context.Context, d *desire.Desired, inv *domain.Inventory, caps netbox.Capabilities) (bool, error) {
	if !req.Options.TagParts || !caps.AddTags || !hasTag(inv, desire.TagProxbox) {
		return false, nil
	}
	kinds := map[domain.Kind]bool{}
	for _, o := range d.Objects {
		t := inv.Table(o.Kind)
		if len(o.Tags.Mark) > 0 && !netbox.ReadsTags(o.Kind) && !t.Absent && t.Unknown == nil && t.Marked == nil && t.Len() > 0 {
			kinds[o.Kind] = true
		}
	}
	for kind := range kinds {
		ids, err := req.NetBox.ReadMarked(ctx, kind, desire.TagProxbox)
		if err != nil {
			return false, err
		}
		if ids == nil {
			ids = map[int]bool{}
		}
		inv.Table(kind).Marked = ids
	}
	return true, nil
}

// hasTag tells whether NetBox knows a tag: asking for the objects of one that it
// does not know is refused.
func hasTag(inv *domain.Inventory, slug string) bool {
	for r := range inv.Table(domain.KindTag).Rows() {
		if r.Text("slug") == slug {
			return true
		}
	}
	return false
}
