package server

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"proxbox/internal/proxmox"
	"proxbox/internal/run"
)

// machineTemplate is a template of virtual machines. Several of its fields say
// the same by two names: clients read either.
type machineTemplate struct {
	ID           int64    `json:"id"`
	EndpointID   int      `json:"endpoint_id"`
	EndpointName string   `json:"endpoint_name"`
	ClusterName  string   `json:"cluster_name"`
	SourceVMID   int64    `json:"source_vmid"`
	VMID         int64    `json:"vmid"`
	Name         string   `json:"name"`
	Node         string   `json:"node"`
	TargetNode   string   `json:"target_node"`
	Status       *string  `json:"status"`
	Template     bool     `json:"template"`
	CloudInit    bool     `json:"cloud_init"`
	Drives       []string `json:"cloud_init_drives" nullable:"false"`
	Custom       *string  `json:"cicustom"`
	Tags         *string  `json:"tags"`
	MemoryMB     *int64   `json:"memory_mb"`
	MaxDisk      *int64   `json:"maxdisk_bytes"`
	Description  *string  `json:"description"`
	LiveSource   bool     `json:"live_source"`
}

// machineTemplates are all of them.
type machineTemplates struct {
	Count   int               `json:"count"`
	Results []machineTemplate `json:"results" nullable:"false"`
}

// containerTemplate is an archive that containers are made of.
type containerTemplate struct {
	VolID   string  `json:"volid"`
	Storage string  `json:"storage"`
	Path    *string `json:"path"`
	Size    *int64  `json:"size"`
}

// templatesInput is a request for the templates of an endpoint.
type templatesInput struct {
	readInput
	EndpointID int `query:"endpoint_id" minimum:"1" doc:"The endpoint of this id; without it, every one."`
}

type machineTemplatesInput struct {
	readInput
	EndpointID    int  `query:"endpoint_id" minimum:"1" doc:"The endpoint of this id; without it, every one."`
	CloudInitOnly bool `query:"cloud_init_only" default:"true" doc:"Only those that cloud-init sets up."`
}

func (s *Server) templateRoutes() {
	readRoute(s, "/cloud/vm/templates", "The templates of virtual machines", func(ctx context.Context, in *machineTemplatesInput) (*said[machineTemplates], error) {
		r, err := s.readTemplates(ctx, in.query, in.EndpointID)
		if err != nil {
			return nil, err
		}
		all, err := flat(ctx, r, func(ctx context.Context, src *source) ([]machineTemplate, error) {
			return machineTemplatesOf(ctx, src, in.CloudInitOnly)
		})
		return answered(r, machineTemplates{len(all), all}, err)
	})
	readRoute(s, "/cloud/lxc/templates", "The archives that containers are made of", func(ctx context.Context, in *templatesInput) (*said[[]containerTemplate], error) {
		r, err := s.readTemplates(ctx, in.query, in.EndpointID)
		if err != nil {
			return nil, err
		}
		all, err := flat(ctx, r, containerTemplatesOf)
		return answered(r, all, err)
	})
}

func (s *Server) readTemplates(ctx context.Context, query url.Values, endpoint int) (*reading, error) {
	if endpoint != 0 {
		query.Set("proxmox_endpoint_ids", strconv.Itoa(endpoint))
	}
	r, err := s.read(ctx, query, s.waits.job)
	if unknown := (*run.UnknownEndpointError)(nil); errors.As(err, &unknown) {
		return nil, fail(http.StatusNotFound, "%s", sentence(err))
	}
	return r, err
}

// machineTemplatesOf are the templates of one endpoint. Of one whose
// configuration cannot be read nobody knows whether cloud-init sets it up.
func machineTemplatesOf(ctx context.Context, src *source, cloudInitOnly bool) ([]machineTemplate, error) {
	id, rows, err := named(ctx, src, func() ([]row, error) { return src.list(ctx, "/cluster/resources", url.Values{"type": {"vm"}}) })
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(in row) bool {
		return in.word("type") != "qemu" || !or(in.truth("template")) || in.word("node") == "" || or(in.whole("vmid")) < 1
	})
	configs, errs := besides(rows, func(in row) (row, error) {
		return src.object(ctx, proxmox.Path("nodes", in.word("node"), "qemu", in.word("vmid"), "config"), nil)
	})
	var out []machineTemplate
	for i, in := range rows {
		if errs[i] != nil {
			src.reading.lost(ctx, src, errs[i])
		}
		if t := showMachineTemplate(src, id, in, configs[i]); t.CloudInit || !cloudInitOnly {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b machineTemplate) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.VMID, b.VMID))
	})
	return out, nil
}

func showMachineTemplate(src *source, id clusterIdentity, in, config row) machineTemplate {
	vmid, node := or(in.whole("vmid")), in.word("node")
	t := machineTemplate{
		ID: vmid, SourceVMID: vmid, VMID: vmid, EndpointID: src.ep.ID, EndpointName: src.ep.Name, ClusterName: id.name,
		Name: cmp.Or(in.word("name"), config.word("name"), "template-"+strconv.FormatInt(vmid, 10)), Node: node, TargetNode: node,
		Status: in.text("status"), Template: true, LiveSource: true, Drives: cloudInitDrives(config), Custom: config.text("cicustom"),
		Tags: in.text("tags"), MaxDisk: in.whole("maxdisk"), Description: config.text("description"),
	}
	t.CloudInit = len(t.Drives) > 0 || or(t.Custom) != ""
	if bytes := in.whole("maxmem"); bytes != nil {
		mb := *bytes >> 20
		t.MemoryMB = &mb
	}
	return t
}

// cloudInitDrives are the drives of a configuration by which a guest is given
// its cloud-init data.
func cloudInitDrives(config row) []string {
	out := []string{}
	for _, key := range sortedKeys(config) {
		bus := strings.TrimRight(key, "0123456789")
		volume, _, _ := strings.Cut(config.word(key), ",")
		if slices.Contains([]string{"ide", "sata", "scsi", "virtio"}, bus) && strings.Contains(volume, "cloudinit") {
			out = append(out, key)
		}
	}
	return out
}

// containerTemplatesOf are the archives on the storages of one endpoint, each
// once. A storage that cannot be read costs only itself, unless none can.
func containerTemplatesOf(ctx context.Context, src *source) ([]containerTemplate, error) {
	rows, err := src.list(ctx, "/cluster/resources", url.Values{"type": {"storage"}})
	if err != nil {
		return nil, err
	}
	shared := map[string]bool{}
	rows = slices.DeleteFunc(rows, func(in row) bool {
		name := in.word("storage")
		if content, said := in.scalar("content"); in.word("status") != "available" || said && !slices.Contains(strings.Split(content, ","), "vztmpl") || shared[name] {
			return true
		}
		shared[name] = or(in.truth("shared"))
		return false
	})
	lists, errs := besides(rows, func(in row) ([]row, error) {
		return src.list(ctx, proxmox.Path("nodes", in.word("node"), "storage", in.word("storage"), "content"), url.Values{"content": {"vztmpl"}})
	})
	var out []containerTemplate
	var failed []error
	for i, in := range rows {
		if errs[i] != nil {
			failed = append(failed, errs[i])
			src.reading.lost(ctx, src, errs[i])
			continue
		}
		for _, volume := range lists[i] {
			if id := volume.word("volid"); id != "" && volume.word("content") == "vztmpl" {
				out = append(out, containerTemplate{id, in.word("storage"), volume.text("path"), volume.whole("size")})
			}
		}
	}
	if len(failed) > 0 && len(failed) == len(rows) {
		return nil, errors.Join(failed...)
	}
	slices.SortStableFunc(out, func(a, b containerTemplate) int { return cmp.Compare(a.VolID, b.VolID) })
	return slices.CompactFunc(out, func(a, b containerTemplate) bool { return a.VolID == b.VolID }), nil
}

// besides does something with each of a list, side by side.
func besides[A, B any](all []A, do func(A) (B, error)) ([]B, []error) {
	out, errs := make([]B, len(all)), make([]error, len(all))
	var wait sync.WaitGroup
	for i, a := range all {
		wait.Go(func() { out[i], errs[i] = do(a) })
	}
	wait.Wait()
	return out, errs
}
