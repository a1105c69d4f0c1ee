package desire

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"proxbox/internal/domain"
)

// perEndpoint visits the records that the plugin has of the endpoints that read a
// cluster, with what the keys of their rows end in.
func (v *view) perEndpoint(each func(pk int, ending domain.Key)) {
	for i, pk := range v.pluginIDs {
		ending := domain.Key("")
		if i > 0 {
			ending = "/" + domain.Key(itoa(pk))
		}
		each(pk, ending)
	}
}

// hasEndpoint tells whether the plugin knows an endpoint of the cluster, and
// says so where there is something that it would have to hang on.
func (b *builder) hasEndpoint(v *view, what string, n int) bool {
	if len(v.pluginIDs) == 0 && n > 0 {
		b.note(domain.Problem{What: what + " of " + v.Cluster.Name,
			Reason: fmt.Sprintf("%d are left out: the plugin keeps them with its own record of the endpoint, and %s names none", n, firstOf(v.Endpoint.DisplayName(), v.Endpoint.Host())),
			WayOut: "add the endpoint in the plugin and let it push it, or name it with (nb:<id>) at the end"})
	}
	return len(v.pluginIDs) > 0
}

// onNode sets a field that points at the plugin's record of a node. It is left
// as it is while it is not known which nodes there are.
func (v *view) onNode(name string, ending domain.Key, field string, f domain.Fields) {
	switch {
	case slices.ContainsFunc(v.Nodes, func(n domain.Node) bool { return n.Name == name }):
		f[field] = domain.To(domain.KindProxmoxNode, nodeKey(v, name)+ending)
	case name == "" || v.Complete.Nodes:
		f[field] = nil
	}
}

// replications wants the replication jobs of a cluster.
func (b *builder) replications(v *view) {
	if !b.hasEndpoint(v, "replications", len(v.Replications.Value)) {
		return
	}
	guests := v.guests()
	v.perEndpoint(func(pk int, ending domain.Key) {
		for _, r := range v.Replications.Value {
			vm := v.former("", r.VMID)
			if g, ok := guests[r.VMID]; ok {
				vm = v.ownerOf(g)
			}
			f := domain.Fields{
				"endpoint": domain.At(domain.KindProxmoxEndpoint, pk), "replication_id": cut(r.ID, 255), "virtual_machine": vm.ref(), "guest": r.VMID,
				"target": cut(r.Target, 255), "source": cut(r.Source, 255), "schedule": cut(r.Schedule, 128),
				"rate": nil, "comment": strings.TrimSpace(r.Comment), "disable": r.Disabled, "jobnum": r.JobNum, "remove_job": "",
				"status": "active", "raw_config": rawJob(r.Raw),
			}
			v.onNode(r.Target, ending, "proxmox_node", f)
			if r.Rate > 0 {
				f["rate"] = domain.Decimal(math.Round(r.Rate * 100))
			}
			if r.Type == "local" || r.Type == "" {
				f["job_type"] = "local" // the plugin knows no other
			}
			if r.RemoveJob == "local" || r.RemoveJob == "full" {
				f["remove_job"] = r.RemoveJob
			}
			b.add(domain.Object{Kind: domain.KindReplication, Key: vm.key + "/replication/" + domain.Key(r.ID) + ending, Owner: v.key, Identity: vm.id,
				Label: vm.label + " replication " + r.ID, Fields: f, Tags: domain.TagWish{Mark: b.rowMark()}})
		}
	})
	if v.Replications.OK {
		b.whole(v.key, domain.KindReplication)
	}
}

// routines wants the backup jobs of a cluster.
func (b *builder) routines(v *view) {
	if !b.hasEndpoint(v, "backup routines", len(v.BackupRoutines.Value)) {
		return
	}
	v.perEndpoint(func(pk int, ending domain.Key) {
		for _, r := range v.BackupRoutines.Value {
			b.routine(v, r, pk, ending)
		}
	})
	if v.BackupRoutines.OK {
		b.whole(v.key, domain.KindBackupRoutine)
	}
}

// routine wants the row of one backup job. When it runs next is a clock, and
// would be a write each time that it ran (rules.md 2): it is left out.
func (b *builder) routine(v *view, r domain.BackupRoutine, pk int, ending domain.Key) {
	o := r.Options
	f := domain.Fields{
		"endpoint": domain.At(domain.KindProxmoxEndpoint, pk), "job_id": cut(r.ID, 255), "enabled": r.Enabled,
		"schedule": cut(firstOf(o["schedule"], strings.TrimSpace(o["dow"]+" "+o["starttime"])), 255), "selection": selection(o),
		"comment": strings.TrimSpace(o["comment"]), "notes_template": strings.TrimSpace(o["notes-template"]),
		"bwlimit": number(o["bwlimit"], 0), "zstd": number(o["zstd"], 0), "io_workers": number(properties(o["performance"])["max-workers"], 0),
		"fleecing": cut(o["fleecing"], 255), "repeat_missed": truth(o["repeat-missed"]),
		"pbs_change_detection_mode": cut(o["pbs-change-detection-mode"], 50), "status": "active", "raw_config": rawJob(r.Raw),
	}
	retention(f, o)
	v.onNode(o["node"], ending, "node", f)
	b.onStorage(v, o["storage"], "storage", f)
	b.onStorage(v, properties(o["fleecing"])["storage"], "fleecing_storage", f)
	b.add(domain.Object{Kind: domain.KindBackupRoutine, Key: v.key + "/routine/" + domain.Key(r.ID) + ending, Owner: v.key,
		Label: "backup routine " + r.ID, Fields: f, Tags: domain.TagWish{Mark: b.rowMark()}})
}

// selection is what a job backs up, as the list that the plugin shows.
func selection(o map[string]string) string {
	list := []any{}
	for vmid := range strings.FieldsFuncSeq(o["vmid"], listed) {
		if n, err := strconv.Atoi(vmid); err == nil {
			list = append(list, n)
		}
	}
	if o["pool"] != "" {
		list = append(list, "pool "+o["pool"])
	}
	if len(list) == 0 {
		list = append(list, "all")
	}
	for vmid := range strings.FieldsFuncSeq(o["exclude"], listed) {
		list = append(list, "except "+vmid)
	}
	return document(list)
}

func listed(r rune) bool { return r == ',' || r == ';' || r == ' ' }

// retention sets how many backups a job keeps. The plugin has no field for
// those of an hour; raw_config has them.
func retention(f domain.Fields, o map[string]string) {
	keep := properties(o["prune-backups"])
	if o["prune-backups"] == "" {
		keep = map[string]string{"keep-last": o["maxfiles"]} // before release 7
	}
	for _, unit := range []string{"last", "daily", "weekly", "monthly", "yearly"} {
		f["keep_"+unit] = number(keep["keep-"+unit], 0)
	}
	f["keep_all"] = truth(keep["keep-all"])
}

// properties splits a property string.
func properties(text string) map[string]string {
	out := map[string]string{}
	for part := range strings.SplitSeq(text, ",") {
		if k, v, ok := strings.Cut(strings.TrimSpace(part), "="); ok {
			out[k] = v
		}
	}
	return out
}

// truth is a flag of Proxmox; nil when it is not set.
func truth(text string) any {
	switch strings.ToLower(text) {
	case "1", "on", "yes", "true":
		return true
	case "0", "off", "no", "false":
		return false
	}
	return nil
}

// rawJob is a job's configuration as Proxmox has it, without what changes by
// itself.
func rawJob(raw map[string]any) string {
	raw = maps.Clone(raw)
	delete(raw, "next-run")
	delete(raw, "digest")
	if len(raw) == 0 {
		return ""
	}
	return document(raw)
}
