package desire

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"proxbox/internal/domain"
)

func storageKey(v *view, name string) domain.Key { return v.key + "/storage/" + domain.Key(name) }

// storageOptions are the options of a storage that the plugin has a field for,
// and how much fits in there.
var storageOptions = []struct {
	option, field string
	limit         int
}{
	{"path", "path", 255}, {"server", "server", 255}, {"username", "username", 255}, {"export", "export", 255}, {"share", "share", 255},
	{"pool", "pool", 255}, {"monhost", "monhost", 512}, {"namespace", "namespace", 255}, {"datastore", "datastore", 255},
	{"subdir", "subdir", 255}, {"mountpoint", "mountpoint", 255}, {"is_mountpoint", "is_mountpoint", 255},
	{"preallocation", "preallocation", 50}, {"format", "format", 100}, {"prune-backups", "prune_backups", 512},
}

// storages wants the storages of a cluster.
func (b *builder) storages(v *view, cluster domain.Ref) {
	for _, s := range v.Storages.Value {
		if !b.opt.Filter.Storage(s.Name) {
			b.leave(domain.Object{Kind: domain.KindProxmoxStorage, Key: storageKey(v, s.Name), Owner: v.key, Label: "storage " + s.Name,
				Fields: domain.Fields{"cluster": cluster, "name": cut(s.Name, 255)}})
			continue
		}
		nodes := strings.Join(s.Nodes, ",")
		if !b.opt.SyncState {
			nodes = cut(nodes, 255) // release 0.0.15 has no room for more
		}
		f := domain.Fields{
			"cluster": cluster, "name": cut(s.Name, 255), "storage_type": cut(s.Type, 100), "content": cut(strings.Join(s.Content, ","), 255),
			"nodes": nodes, "shared": s.Shared, "enabled": s.Enabled,
			"port": number(s.Options["port"], 0), "max_protected_backups": number(s.Options["max-protected-backups"], math.MinInt32),
			"raw_config": rawStorage(s),
		}
		for _, o := range storageOptions {
			f[o.field] = cut(s.Options[o.option], o.limit)
		}
		b.add(domain.Object{Kind: domain.KindProxmoxStorage, Key: storageKey(v, s.Name), Owner: v.key, Label: "storage " + s.Name, Fields: f,
			Tags: domain.TagWish{Mark: b.rowMark()}})
	}
}

// rawStorage is a storage's configuration without its secrets.
func rawStorage(s domain.Storage) string {
	raw := map[string]string{"storage": s.Name, "type": s.Type}
	for k, text := range s.Options {
		raw[k] = text
	}
	for k, list := range map[string][]string{"content": s.Content, "nodes": s.Nodes} {
		if len(list) > 0 {
			raw[k] = strings.Join(list, ",")
		}
	}
	if s.Shared {
		raw["shared"] = "1"
	}
	if !s.Enabled {
		raw["disable"] = "1"
	}
	return document(raw)
}

// number is a whole number as a NetBox field holds it; nil for none.
func number(text string, low int) any {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n < low || n > math.MaxInt32 {
		return nil
	}
	return n
}

// onStorage sets a field that points at a storage. It is left as it is while it
// is not known which storages there are.
func (b *builder) onStorage(v *view, name, field string, f domain.Fields) domain.Fields {
	switch {
	case !v.Storages.OK || !b.opt.Plugin:
	case slices.ContainsFunc(v.Storages.Value, func(s domain.Storage) bool { return s.Name == name }):
		f[field] = domain.To(domain.KindProxmoxStorage, storageKey(v, name))
	case name == "" || v.Complete.Storages:
		f[field] = nil
	}
	return f
}
