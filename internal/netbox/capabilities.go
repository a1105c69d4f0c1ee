package netbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
)

// Capabilities are what a NetBox, and the plugin in it, can do.
type Capabilities struct {
	Release string // of NetBox: "4.7.3"
	Warning string // why this release may not do, for people; "" for a supported one

	Cursor              bool // pages by start=, without a count
	AddTags             bool // add_tags and remove_tags
	ETag                bool // ETag and If-Match on single objects
	VirtualMachineTypes bool
	ErrorLists          bool // a refused batch names the guilty objects
	ChangelogMessage    bool // changelog_message on every write

	Plugin          string // release of netbox-proxbox; "" when it is not installed
	SyncState       bool   // the plugin has sync-state rows
	GuestInterfaces bool   // the plugin has guest interfaces
	Branching       bool   // netbox-branching is installed
	SDN             bool   // the plugin has zones, vnets and subnets of the SDN
}

// releases is the one table of what each release of NetBox can do, the oldest
// first.
var releases = []struct {
	major, minor int
	can          Capabilities
}{
	{4, 5, Capabilities{ChangelogMessage: true}},
	{4, 6, Capabilities{ChangelogMessage: true, Cursor: true, AddTags: true, ETag: true, VirtualMachineTypes: true}},
	{4, 7, Capabilities{ChangelogMessage: true, Cursor: true, AddTags: true, ETag: true, VirtualMachineTypes: true, ErrorLists: true}},
}

// capabilitiesOf looks a release up. One that is too old is an error; one
// that is newer than all that are known can what the newest can.
func capabilitiesOf(release string) (Capabilities, error) {
	major, minor, err := parseRelease(release)
	if err != nil {
		return Capabilities{}, err
	}
	oldest, newest := releases[0], releases[len(releases)-1]
	caps := Capabilities{}
	switch {
	case major < oldest.major || major == oldest.major && minor < oldest.minor:
		return Capabilities{}, fmt.Errorf("NetBox %s is too old: %d.%d or newer is needed", release, oldest.major, oldest.minor)
	case major > newest.major || minor > newest.minor:
		caps = newest.can
		caps.Warning = fmt.Sprintf("NetBox %s is newer than %d.%d, the newest release this version was tested with", release, newest.major, newest.minor)
	default:
		caps = releases[minor-oldest.minor].can
	}
	caps.Release = release
	return caps, nil
}

// parseRelease reads "4.7.3", "4.6.0-beta1" and "4.5.2-Docker-3.4.1".
func parseRelease(release string) (major, minor int, err error) {
	a, rest, _ := strings.Cut(release, ".")
	b, _, _ := strings.Cut(rest, ".")
	b, _, _ = strings.Cut(b, "-")
	if major, err = strconv.Atoi(strings.TrimPrefix(a, "v")); err == nil {
		minor, err = strconv.Atoi(b)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("NetBox says its release is %q, which is none", release)
	}
	return major, minor, nil
}

// Probe asks NetBox for its release and its plugins, once: a success is kept
// for the life of the client.
func (c *Client) Probe(ctx context.Context) (Capabilities, error) {
	c.probe.Lock()
	defer c.probe.Unlock()
	if c.probe.done {
		return c.probe.caps, nil
	}
	raw, err := c.Get(ctx, "status/", nil)
	if err != nil {
		if status := (*StatusError)(nil); errors.As(err, &status) && status.NotFound() {
			return Capabilities{}, fmt.Errorf("there is no NetBox at %s: %w", c.base, err)
		}
		return Capabilities{}, err
	}
	var status struct {
		Release string            `json:"netbox-version"`
		Plugins map[string]string `json:"plugins"`
	}
	if err := json.Unmarshal(raw, &status); err != nil {
		return Capabilities{}, fmt.Errorf("the status of NetBox %s cannot be read: %w", c.base, err)
	}
	if status.Release == "" {
		return Capabilities{}, fmt.Errorf("what answers at %s does not say a NetBox release", c.base)
	}
	caps, err := capabilitiesOf(status.Release)
	if err != nil {
		return Capabilities{}, fmt.Errorf("%s: %w", c.base, err)
	}
	_, caps.Branching = status.Plugins["netbox_branching"]
	if caps.Plugin = status.Plugins["netbox_proxbox"]; caps.Plugin != "" {
		if err := c.probePlugin(ctx, &caps); err != nil {
			return Capabilities{}, err
		}
	}
	if caps.Warning != "" {
		c.opt.Logger.LogAttrs(ctx, slog.LevelWarn, caps.Warning, slog.String("netbox", c.base))
	}
	c.probe.caps, c.probe.done = caps, true
	return caps, nil
}

// testedPlugins are the releases of the plugin of which is known what they have.
var testedPlugins = map[string]Capabilities{
	"0.0.15": {},
	"0.0.29": {SyncState: true, GuestInterfaces: true, SDN: true},
}

// probePlugin finds out what the plugin has. A release that was not tested is
// asked for its lists: which release brought which is not written anywhere.
func (c *Client) probePlugin(ctx context.Context, caps *Capabilities) error {
	release, _, _ := strings.Cut(caps.Plugin, ".post")
	if known, ok := testedPlugins[release]; ok {
		caps.SyncState, caps.GuestInterfaces, caps.SDN = known.SyncState, known.GuestInterfaces, known.SDN
		return nil
	}
	raw, err := c.Get(ctx, "plugins/proxbox/", nil)
	if err != nil {
		return fmt.Errorf("the lists of the plugin netbox-proxbox %s: %w", caps.Plugin, err)
	}
	var lists map[string]json.RawMessage
	if err := json.Unmarshal(raw, &lists); err != nil {
		return fmt.Errorf("the lists of the plugin netbox-proxbox %s: %w", caps.Plugin, err)
	}
	_, caps.SyncState = lists["sync-state/virtual-machines"]
	_, caps.GuestInterfaces = lists["guest-vm-interfaces"]
	_, caps.SDN = lists["sdn-zones"]
	return nil
}
