package server

import (
	"context"
	"net/url"
	"strings"

	"proxbox/internal/proxmox"
)

// storageRow is a storage of a cluster as it is configured.
type storageRow struct {
	Type         *string `json:"type"`
	Storage      *string `json:"storage"`
	Path         *string `json:"path"`
	Content      *string `json:"content"`
	Digest       *string `json:"digest"`
	Nodes        *string `json:"nodes"`
	PruneBackups *string `json:"prune-backups"`
	Shared       *bool   `json:"shared"`
	Export       *string `json:"export"`
	Server       *string `json:"server"`
	Disable      *bool   `json:"disable"`
	Pool         *string `json:"pool"`
	Sparse       *bool   `json:"sparse"`
	Username     *string `json:"username"`
	Datastore    *string `json:"datastore"`
	Fingerprint  *string `json:"fingerprint"`
	Mountpoint   *string `json:"mountpoint"`
}

// storageContent is a volume on a storage.
type storageContent struct {
	Subtype      *string             `json:"subtype"`
	Format       *string             `json:"format"`
	Size         *int64              `json:"size"`
	CTime        *int64              `json:"ctime"`
	Notes        *string             `json:"notes"`
	Content      *string             `json:"content"`
	VolID        *string             `json:"volid"`
	VMID         *int64              `json:"vmid"`
	Used         *int64              `json:"used"`
	Encrypted    *string             `json:"encrypted"`
	Verification maybe[verification] `json:"verification"`
	Parent       *string             `json:"parent"`
}

// verification is what a backup server found when it checked a backup.
type verification struct {
	UPID  string `json:"upid"`
	State string `json:"state"`
}

// storageIdentity says which backup server a storage is.
type storageIdentity struct {
	ClusterName string  `json:"cluster_name"`
	Node        string  `json:"node"`
	Storage     string  `json:"storage"`
	InstanceID  *string `json:"instance_id"`
	Status      string  `json:"status"`
	Error       *string `json:"error"`
}

type storageInput struct {
	readInput
	Node    string `path:"node" pattern:"^[A-Za-z0-9][A-Za-z0-9._-]*$" maxLength:"255"`
	Storage string `path:"storage" maxLength:"255"`
}

type contentInput struct {
	readInput
	Node    string `path:"node" pattern:"^[A-Za-z0-9][A-Za-z0-9._-]*$" maxLength:"255"`
	Storage string `path:"storage" maxLength:"255"`
	VMID    string `query:"vmid" doc:"Only what belongs to this guest."`
	Content string `query:"content" doc:"Only this kind: backup, images, rootdir, iso, vztmpl, …"`
}

func (s *Server) storageRoutes() {
	readRoute(s, "/proxmox/storage", "The storages as they are configured", func(ctx context.Context, in *readInput) (*said[[]map[string][]storageRow], error) {
		r, err := s.read(ctx, in.query, s.waits.page)
		if err != nil {
			return nil, err
		}
		out, err := each(ctx, r, func(ctx context.Context, src *source) (map[string][]storageRow, error) {
			id, rows, err := named(ctx, src, func() ([]row, error) { return src.list(ctx, "/storage", nil) })
			return map[string][]storageRow{id.name: mapped(rows, showStorage)}, err
		})
		return answered(r, out, err)
	})
	readRoute(s, "/proxmox/nodes/{node}/storage/{storage}/content", "What is on a storage", func(ctx context.Context, in *contentInput) (*said[[]storageContent], error) {
		r, src, _, err := s.atNode(ctx, in.query, in.Node, s.waits.tab)
		if err != nil {
			return nil, err
		}
		query := url.Values{}
		if in.VMID != "" {
			query.Set("vmid", in.VMID)
		}
		if in.Content != "" {
			query.Set("content", in.Content)
		}
		rows, err := src.list(ctx, proxmox.Path("nodes", in.Node, "storage", in.Storage, "content"), query)
		return answered(r, mapped(rows, showContent), err)
	})
	readRoute(s, "/proxmox/nodes/{node}/storage/{storage}/identity", "Which backup server a storage is", func(ctx context.Context, in *storageInput) (*said[storageIdentity], error) {
		r, src, id, err := s.atNode(ctx, in.query, in.Node, s.waits.tab)
		if err != nil {
			return nil, err
		}
		found, err := src.object(ctx, proxmox.Path("nodes", in.Node, "storage", in.Storage, "identity"), nil)
		return answered(r, storageIdentity{ClusterName: id.name, Node: in.Node, Storage: in.Storage, InstanceID: found.text("instance-id", "instance_id"), Status: allOK}, err)
	})
}

func showStorage(in row) storageRow {
	out := storageRow{
		Type: in.text("type"), Storage: in.text("storage"), Path: in.text("path"), Content: in.text("content"), Digest: in.text("digest"), Nodes: in.text("nodes"),
		PruneBackups: in.text("prune-backups"), Shared: in.truth("shared"), Export: in.text("export"), Server: in.text("server"), Disable: in.truth("disable"),
		Pool: in.text("pool"), Sparse: in.truth("sparse"), Username: in.text("username"), Datastore: in.text("datastore"),
		Fingerprint: in.text("fingerprint"), Mountpoint: in.text("mountpoint"),
	}
	if keep := in.below("prune-backups"); keep != nil {
		var parts []string
		for _, name := range sortedKeys(keep) {
			parts = append(parts, name+"="+keep.word(name))
		}
		out.PruneBackups = orNull(strings.Join(parts, ","))
	}
	return out
}

func showContent(in row) storageContent {
	out := storageContent{
		Subtype: in.text("subtype"), Format: in.text("format"), Size: in.whole("size"), CTime: in.whole("ctime"), Notes: in.text("notes"),
		Content: in.text("content"), VolID: in.text("volid"), VMID: in.whole("vmid"), Used: in.whole("used"), Encrypted: in.text("encrypted"), Parent: in.text("parent"),
	}
	if v := in.below("verification"); v != nil {
		out.Verification.value = &verification{v.word("upid"), v.word("state")}
	}
	return out
}
