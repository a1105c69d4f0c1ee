package proxmox

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"proxbox/internal/domain"
)

// sharedTypes are the storages that every node sees alike, whether their
// configuration says so or not.
var sharedTypes = []string{"cephfs", "cifs", "drbd", "esxi", "glusterfs", "iscsi", "iscsidirect", "nfs", "pbs", "rbd", "zfs"}

// notOptions are the parts of a storage's configuration that have a field of
// their own, are of no interest, or must not travel.
var notOptions = []string{"storage", "type", "content", "nodes", "shared", "disable", "digest", "password", "keyring", "encryption-key", "master-pubkey"}

// storages reads the storage configuration and, where it is asked for, the
// backups in it.
func (r *reading) storages(ctx context.Context) {
	raw, err := r.get(ctx, "/storage")
	var (
		list []domain.Storage
		odd  []oddRow
	)
	if err == nil {
		list, odd, err = parseStorages(raw)
	}
	if err != nil {
		r.unread(ctx, "the list of storages", err)
		return
	}
	r.oddRows("/storage", odd)
	if r.rights != nil {
		all := r.rights.allStorages()
		r.snap.Complete.Storages = all && r.snap.Cluster.Quorate && len(odd) == 0
		if !all {
			r.hidden("storages", "Datastore.Audit on all of /storage", r.c.grant("/", "PVEAuditor"))
		}
	}
	if r.scope.Backups {
		r.backups(ctx, list)
	}
	r.snap.Storages = domain.Is(list)
}

func parseStorages(raw json.RawMessage) ([]domain.Storage, []oddRow, error) {
	rows, odd, err := decodeRows[map[string]json.RawMessage](raw)
	if err != nil {
		return nil, nil, err
	}
	list := make([]domain.Storage, 0, len(rows))
	for _, row := range rows {
		opts := make(map[string]string, len(row))
		for key, value := range row {
			opts[key] = optionText(value)
		}
		if opts["storage"] == "" {
			odd = append(odd, oddRow{err: errors.New("a storage without a name")})
			continue
		}
		s := domain.Storage{
			Name: opts["storage"], Type: opts["type"], Content: names(opts["content"]), Nodes: names(opts["nodes"]),
			Shared:  parseFlag(opts["shared"]).on || slices.Contains(sharedTypes, opts["type"]),
			Enabled: !parseFlag(opts["disable"]).on,
		}
		for _, key := range notOptions {
			delete(opts, key)
		}
		s.Options = opts
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b domain.Storage) int { return cmp.Compare(a.Name, b.Name) })
	return list, odd, nil
}

// optionText is an option as text. An object becomes a property string in the
// order of its keys: prune-backups comes as either.
func optionText(raw json.RawMessage) string {
	var object map[string]text
	if json.Unmarshal(raw, &object) == nil && object != nil {
		parts := make([]string, 0, len(object))
		for _, key := range sortedKeys(object) {
			parts = append(parts, key+"="+string(object[key]))
		}
		return strings.Join(parts, ",")
	}
	var list []text
	if json.Unmarshal(raw, &list) == nil && list != nil {
		parts := make([]string, 0, len(list))
		for _, item := range list {
			parts = append(parts, string(item))
		}
		return strings.Join(parts, ",")
	}
	var t text
	_ = t.UnmarshalJSON(raw) // a scalar of valid JSON, for it came out of a row
	return string(t)
}

// names splits a comma-separated list and sorts it.
func names(s string) []string {
	out := strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == ';' })
	slices.Sort(out)
	return slices.Compact(out)
}

// hasBackups tells whether the content of a storage is read.
func (r *reading) hasBackups(s *domain.Storage) bool {
	skip := r.c.opts.SkipStorage
	return slices.Contains(s.Content, "backup") && s.Enabled && (skip == nil || !skip(s.Name))
}

// backups lists the backup volumes of every storage that may hold some: a
// shared storage through one node, any other through each. Only a list that
// is whole is known; what was read of another is kept as its value.
func (r *reading) backups(ctx context.Context, list []domain.Storage) {
	allowed := r.rights != nil && r.rights.allBackups()
	whole := allowed && r.snap.Cluster.Quorate
	if r.rights != nil && !allowed {
		r.hidden("backups", "Datastore.AllocateSpace on all of /storage with VM.Backup on all of /vms",
			`pveum role add ProxboxBackup --privs "Datastore.AllocateSpace VM.Backup" && `+r.c.grant("/", "ProxboxBackup"))
	}
	var wg sync.WaitGroup
	for i := range list {
		s := &list[i]
		if !r.hasBackups(s) {
			continue
		}
		wg.Go(func() {
			var ok bool
			if s.Shared {
				s.Backups.Value, ok = r.sharedBackups(ctx, s)
			} else {
				s.Backups.Value, ok = r.localBackups(ctx, s)
			}
			s.Backups.OK = ok && allowed
		})
	}
	wg.Wait()
	for _, s := range list {
		if r.hasBackups(&s) && !s.Backups.OK {
			whole = false
		}
	}
	r.snap.Complete.Backups = whole
}

// nodesOf are the nodes that have a storage, the answering one first.
func (r *reading) nodesOf(s *domain.Storage) []*domain.Node {
	var out []*domain.Node
	for i := range r.snap.Nodes {
		// Not the node itself: its parts are being read at the same time.
		n := &r.snap.Nodes[i]
		if len(s.Nodes) == 0 || slices.Contains(s.Nodes, n.Name) {
			out = append(out, n)
		}
	}
	slices.SortStableFunc(out, func(a, b *domain.Node) int {
		rank := func(n *domain.Node) int {
			switch {
			case n.Local:
				return 0
			case n.Online:
				return 1
			}
			return 2
		}
		return rank(a) - rank(b)
	})
	return out
}

// sharedBackups lists a shared storage through the first node that answers.
func (r *reading) sharedBackups(ctx context.Context, s *domain.Storage) ([]domain.Backup, bool) {
	var last error
	for _, n := range r.nodesOf(s) {
		list, whole, err := r.content(ctx, s.Name, n.Name)
		if err == nil {
			return list, whole
		}
		last = err
		if !errors.Is(err, errNodeDown) {
			break // the storage itself, not the node, is what fails
		}
	}
	r.ofStorage(ctx, s.Name, last)
	return nil, false
}

// localBackups lists a storage on each of its nodes. One that none of the nodes
// has was not listed at all.
func (r *reading) localBackups(ctx context.Context, s *domain.Storage) ([]domain.Backup, bool) {
	var all []domain.Backup
	nodes := r.nodesOf(s)
	complete := len(nodes) > 0
	for _, n := range nodes {
		list, whole, err := r.content(ctx, s.Name, n.Name)
		r.ofStorage(ctx, s.Name+" on node "+n.Name, err)
		all = append(all, list...)
		complete = complete && whole && err == nil
	}
	slices.SortStableFunc(all, func(a, b domain.Backup) int {
		return cmp.Or(cmp.Compare(a.VolumeID, b.VolumeID), cmp.Compare(a.Node, b.Node))
	})
	return all, complete
}

func (r *reading) ofStorage(ctx context.Context, name string, err error) {
	if err == nil || ctx.Err() != nil || errors.Is(err, errNodeDown) {
		return
	}
	r.problem(domain.Problem{What: "storage " + name, Reason: "backups: " + short(err), WayOut: r.partRemedy(err)})
}

func (r *reading) content(ctx context.Context, storage, node string) (list []domain.Backup, whole bool, err error) {
	path := Path("nodes", node, "storage", storage, "content")
	err = r.readPatiently(ctx, r.gates[node], r.c.timeout, path, url.Values{"content": {"backup"}}, func(raw json.RawMessage) error {
		var odd []oddRow
		list, odd, err = parseBackups(raw, storage, node)
		r.oddRows("storage "+storage+" on node "+node, odd)
		whole = err == nil && len(odd) == 0
		return err
	})
	return list, whole, err
}

// parseBackups reads the content of a storage.
func parseBackups(raw json.RawMessage, storage, node string) ([]domain.Backup, []oddRow, error) {
	type row struct {
		VolID        text            `json:"volid"`
		Content      text            `json:"content"`
		VMID         number          `json:"vmid"`
		Subtype      text            `json:"subtype"`
		Format       text            `json:"format"`
		Size         number          `json:"size"`
		Used         number          `json:"used"`
		CTime        number          `json:"ctime"`
		Notes        text            `json:"notes"`
		Encrypted    text            `json:"encrypted"`
		Protected    flag            `json:"protected"`
		Verification json.RawMessage `json:"verification"`
	}
	rows, odd, err := decodeRows[row](raw)
	if err != nil {
		return nil, nil, err
	}
	list := make([]domain.Backup, 0, len(rows))
	for _, v := range rows {
		if v.Content != "" && v.Content != "backup" {
			continue
		}
		if v.VolID == "" {
			odd = append(odd, oddRow{err: errors.New("a volume without an id")})
			continue
		}
		b := domain.Backup{
			VolumeID: string(v.VolID), Storage: storage, Node: node, VMID: int(v.VMID.natural()),
			Type: guestType(string(v.Subtype)), Format: string(v.Format), SizeBytes: v.Size.natural(), UsedBytes: v.Used.natural(),
			Created: v.CTime.natural(), Notes: strings.TrimRight(string(v.Notes), "\r\n"),
			Encrypted: string(v.Encrypted), Protected: v.Protected.on,
		}
		var verified struct {
			State text `json:"state"`
			UPID  text `json:"upid"`
		}
		if json.Unmarshal(v.Verification, &verified) == nil {
			b.VerificationState, b.VerificationUPID = string(verified.State), string(verified.UPID)
		}
		t, vmid := volumeOwner(b.VolumeID)
		b.Type, b.VMID = cmp.Or(b.Type, t), cmp.Or(b.VMID, vmid)
		list = append(list, b)
	}
	slices.SortFunc(list, func(a, b domain.Backup) int { return cmp.Compare(a.VolumeID, b.VolumeID) })
	return list, odd, nil
}

// guestType knows the names that storages have for the two kinds of guest.
func guestType(s string) domain.GuestType {
	switch s {
	case "qemu", "vm":
		return domain.QEMU
	case "lxc", "ct", "openvz":
		return domain.LXC
	}
	return ""
}

var (
	vzdumpVolume = regexp.MustCompile(`vzdump-(qemu|lxc|openvz)-(\d+)-`)
	pbsVolume    = regexp.MustCompile(`backup/(vm|ct)/(\d+)/`)
)

// volumeOwner reads the guest of a backup from its volume id.
func volumeOwner(volid string) (domain.GuestType, int) {
	for _, pattern := range []*regexp.Regexp{vzdumpVolume, pbsVolume} {
		if m := pattern.FindStringSubmatch(volid); m != nil {
			vmid, err := strconv.Atoi(m[2])
			if err != nil {
				return guestType(m[1]), 0
			}
			return guestType(m[1]), vmid
		}
	}
	return "", 0
}
