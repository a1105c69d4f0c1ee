package server

import (
	"cmp"
	"context"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"proxbox/internal/domain"
	"proxbox/internal/proxmox"
)

type configInput struct {
	readInput
	Node string `path:"node" pattern:"^[A-Za-z0-9][A-Za-z0-9._-]*$" maxLength:"255"`
	Type string `path:"type" enum:"qemu,lxc"`
	VMID int    `path:"vmid" minimum:"1"`
}

// configDisk is a disk of a configuration.
type configDisk struct {
	Name        string  `json:"name"`
	RawValue    string  `json:"raw_value"`
	Size        int     `json:"size"`
	Storage     string  `json:"storage"`
	StorageName *string `json:"storage_name"`
	Format      *string `json:"format"`
	Description *string `json:"description"`
	SizeMB      int     `json:"size_mb"`
}

func (s *Server) configRoutes() {
	readRoute(s, "/proxmox/{node}/{type}/{vmid}/config", "The configuration of a guest", func(ctx context.Context, in *configInput) (*said[row], error) {
		r, err := s.read(ctx, in.query, s.waits.page)
		if err != nil {
			return nil, err
		}
		src, err := r.onNode(ctx, in.Node)
		if err != nil {
			return nil, err
		}
		path := proxmox.Path("nodes", in.Node, in.Type, strconv.Itoa(in.VMID), "config")
		a, err := src.get(ctx, path, nil)
		if proxmox.NotExist(err) {
			return nil, fail(http.StatusNotFound, "Node %s has no %s guest %d; GET /proxmox/cluster/resources?type=vm shows where guests are.", in.Node, in.Type, in.VMID)
		}
		if err != nil {
			return nil, err
		}
		config, err := guestConfig(domain.GuestType(in.Type), a.data)
		return answered(r, config, src.notUnderstood(path, err))
	})
}

// configTruths are the options that are yes or no on the wire, and
// configNumbers those that are numbers; all others are texts, whatever Proxmox
// makes of a name such as 007.
var (
	configTruths = []string{"onboot", "unprivileged", "protection", "numa", "template", "tablet", "kvm", "acpi", "localtime", "freeze", "autostart",
		"ciupgrade", "keephugepages", "reboot", "tdf", "nesting", "allow-ksm"}
	configNumbers = []string{"cores", "sockets", "vcpus", "memory", "balloon", "shares", "cpulimit", "cpuunits", "swap", "smp", "snaptime", "migrate_speed",
		"migrate_downtime"}
	netKey = regexp.MustCompile(`^net(\d+)$`)
)

// guestConfig is a configuration as Proxmox has it, with its disks and
// interfaces taken apart beside it.
func guestConfig(kind domain.GuestType, raw []byte) (row, error) {
	in, err := decodeObject(raw)
	if err != nil {
		return nil, err
	}
	parsed, err := proxmox.ParseConfig(kind, raw)
	if err != nil {
		return nil, err
	}
	out := row{}
	networks := map[int]row{}
	for name := range in {
		value := in.text(name)
		if value == nil {
			continue // LXC's own options are lists of pairs
		}
		switch {
		case slices.Contains(configTruths, name):
			out[name] = nullable(in.truth(name))
		case name == "memory":
			out[name] = parsed.MemoryBytes >> 20
		case slices.Contains(configNumbers, name):
			out[name] = nullable(in.number(name))
		default:
			out[name] = *value
		}
		if m := netKey.FindStringSubmatch(name); m != nil {
			i, _ := strconv.Atoi(m[1])
			networks[i] = row{name: properties(*value)}
		}
	}
	if kind == domain.QEMU && in.text("agent") != nil {
		out["agent"] = parsed.AgentEnabled
	}
	disks := []configDisk{}
	for _, d := range parsed.Disks {
		disks = append(disks, showDisk(d, in.word(d.Key)))
	}
	nets := []row{}
	for _, i := range sortedKeys(networks) {
		nets = append(nets, networks[i])
	}
	out["disks"], out["networks"] = disks, nets
	return out, nil
}

func showDisk(d domain.Disk, raw string) configDisk {
	var said []string
	if d.Storage != "" {
		said = append(said, "Storage: "+d.Storage)
	}
	if d.Format != "" {
		said = append(said, "Format: "+d.Format)
	}
	return configDisk{
		Name: d.Key, RawValue: raw, Size: d.SizeMB, SizeMB: d.SizeMB, Storage: d.Volume, StorageName: orNull(d.Storage), Format: orNull(d.Format),
		Description: orNull(strings.Join(said, " | ")),
	}
}

// properties are the pairs of an option such as "virtio=…,bridge=vmbr0".
func properties(text string) row {
	out := row{}
	for part := range strings.SplitSeq(text, ",") {
		if key, value, ok := strings.Cut(part, "="); ok {
			out[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
	}
	return out
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
