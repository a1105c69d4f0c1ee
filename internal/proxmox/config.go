package proxmox

import (
	"encoding/json"
	"fmt"
	"strings"

	"proxbox/internal/domain"
)

// defaultMemoryMB is what Proxmox gives a guest whose configuration has no
// memory option.
const defaultMemoryMB = 512

// ParseConfig reads a guest's configuration as Get returns it.
func ParseConfig(t domain.GuestType, raw json.RawMessage) (domain.GuestConfig, error) {
	return parseConfig(t, raw)
}

// parseConfig reads the answer of a guest's config path. Options that are no
// scalars (LXC's raw lxc.* pairs) are left out.
func parseConfig(t domain.GuestType, raw json.RawMessage) (domain.GuestConfig, error) {
	var opts map[string]text
	if err := json.Unmarshal(raw, &opts); err != nil {
		return domain.GuestConfig{}, fmt.Errorf("the configuration is no object: %w", err)
	}
	if opts == nil {
		return domain.GuestConfig{}, fmt.Errorf("%w: null in place of a configuration", errNoData)
	}
	word := func(key string) string { return strings.TrimSpace(string(opts[key])) }
	on := func(key string) bool { return parseFlag(string(opts[key])).on }

	cfg := domain.GuestConfig{
		Description:  strings.TrimRight(string(opts["description"]), "\r\n"),
		OSType:       word("ostype"),
		OnBoot:       on("onboot"),
		SearchDomain: word("searchdomain"),
		Nameserver:   word("nameserver"),
		MemoryBytes:  parseMemory(word("memory")),
		Cores:        parseCores(t, opts),
		NICs:         parseNICs(t, opts),
		Disks:        parseDisks(t, opts),
		Drives:       parseDrives(t, opts),
		Tags:         parseTags(word("tags")),
		Template:     on("template"),
	}
	if _, set := opts["memory"]; !set {
		cfg.MemoryBytes = defaultMemoryMB << 20
	}
	if t == domain.LXC {
		cfg.Name = word("hostname")
		cfg.Unprivileged = on("unprivileged")
		return cfg, nil
	}
	cfg.Name = word("name")
	cfg.CPUType = parseProperties(word("cpu")).text("cputype", "")
	cfg.AgentEnabled = parseAgent(word("agent"))
	cfg.UUID, cfg.Serial = parseSMBIOS(word("smbios1"))
	cfg.CreatedAt = parseCreated(word("meta"))
	cfg.CloudInit = parseCloudInit(opts)
	return cfg, nil
}

// parseCores counts a guest's CPUs as Proxmox does: the plugged-in vcpus or
// cores × sockets of a machine; the cores, else the CPU limit, of a container,
// which may use every CPU of its node when it has neither: 0.
func parseCores(t domain.GuestType, opts map[string]text) float64 {
	n := func(key string) float64 { return max(0, parseNumber(string(opts[key])).value) }
	if t == domain.LXC {
		if cores := n("cores"); cores > 0 {
			return cores
		}
		return n("cpulimit")
	}
	if vcpus := n("vcpus"); vcpus > 0 {
		return vcpus
	}
	return max(1, n("cores")) * max(1, n("sockets"))
}
