package proxmox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"proxbox/internal/domain"
)

// guestLabel is how people know a guest.
func guestLabel(g *domain.Guest) string {
	if g.Name == "" {
		return fmt.Sprintf("guest %d", g.VMID)
	}
	return fmt.Sprintf("guest %d (%s)", g.VMID, g.Name)
}

// config reads a guest's configuration as it is now, without what waits for
// its next start.
func (r *reading) config(ctx context.Context, g *gate, guest *domain.Guest) {
	path := guestPath(guest.Node, guest.Type, guest.VMID, "config")
	err := r.read(ctx, g, path, url.Values{"current": {"1"}}, func(raw json.RawMessage) error {
		cfg, err := parseConfig(guest.Type, raw)
		guest.Config = domain.Known[domain.GuestConfig]{Value: cfg, OK: err == nil}
		return err
	})
	if NotExist(err) {
		r.mu.Lock()
		r.missing = append(r.missing, guest)
		r.mu.Unlock()
		return
	}
	if err != nil {
		r.unknown(ctx, guest, "configuration", err, r.c.remedy(err))
		return
	}
	cfg := guest.Config.Value
	if guest.Name == "" {
		guest.Name = cfg.Name
	}
	guest.Tags = cfg.Tags
	guest.Template = guest.Template || cfg.Template
	if guest.CPUs == 0 {
		guest.CPUs = cfg.Cores
	}
	if guest.MemoryBytes == 0 {
		guest.MemoryBytes = cfg.MemoryBytes
	}
	if guest.Type == domain.LXC {
		guest.Hostname = cfg.Name
	}
}

// inside reads what a running guest says of itself.
func (r *reading) inside(ctx context.Context, g *gate, guest *domain.Guest) {
	if !r.scope.asksAgents() || !guest.Config.OK || guest.Status != "running" {
		return
	}
	interfaces := func(raw json.RawMessage) error {
		list, err := parseGuestInterfaces(raw)
		guest.Agent = domain.Known[[]domain.GuestInterface]{Value: list, OK: err == nil}
		return err
	}
	if guest.Type == domain.LXC {
		if r.scope.Agent {
			path := guestPath(guest.Node, guest.Type, guest.VMID, "interfaces")
			if err := r.readPatiently(ctx, g, r.c.opts.AgentTimeout, path, nil, interfaces); err != nil {
				r.unknown(ctx, guest, "interfaces of the container", err, r.c.remedy(err))
			}
		}
		return
	}
	if !guest.Config.Value.AgentEnabled {
		return
	}
	if r.scope.Agent && !r.askAgent(ctx, g, guest, "network-get-interfaces", interfaces) {
		return // who does not answer the first question does not answer the next
	}
	if r.scope.AgentOS && !r.askAgent(ctx, g, guest, "get-osinfo", func(raw json.RawMessage) error {
		os, err := parseAgentOS(raw)
		guest.AgentOS = domain.Known[domain.AgentOS]{Value: os, OK: err == nil}
		return err
	}) {
		return
	}
	if r.scope.AgentHostname {
		r.askAgent(ctx, g, guest, "get-host-name", func(raw json.RawMessage) error {
			name, err := parseHostname(raw)
			guest.Hostname = name
			return err
		})
	}
}

// askAgent asks a guest's agent one thing, and tells whether it is there to
// be asked another.
func (r *reading) askAgent(ctx context.Context, g *gate, guest *domain.Guest, command string, take func(json.RawMessage) error) bool {
	path := guestPath(guest.Node, guest.Type, guest.VMID, "agent", command)
	err := r.readPatiently(ctx, g, r.c.opts.AgentTimeout, path, nil, take)
	var (
		late    *TimeoutError
		refused *AgentError
	)
	switch {
	case err == nil:
		return true
	case errors.As(err, &refused):
		r.unknown(ctx, guest, "guest agent", err, "allow "+command+" in the configuration of qemu-guest-agent in the guest")
		return true
	case errors.As(err, &late):
		err = fmt.Errorf("no answer within %s", late.After)
		fallthrough
	case AgentSilent(err):
		r.unknown(ctx, guest, "guest agent", err, "start qemu-guest-agent in the guest, or turn its agent option off")
	case Forbidden(err):
		r.unknown(ctx, guest, "guest agent", err, r.grantAgent())
	default:
		r.unknown(ctx, guest, "guest agent", err, "")
	}
	return false
}

// grantAgent is the command that allows asking guest agents: a right of its
// own from Proxmox VE 9 on.
func (r *reading) grantAgent() string {
	privilege := "VM.GuestAgent.Audit"
	if major, _, _ := strings.Cut(r.snap.Version, "."); major != "" && len(major) == 1 && major < "9" {
		privilege = "VM.Monitor"
	}
	return "pveum role add ProxboxAgent --privs " + privilege + " && " + r.c.grant("/vms", "ProxboxAgent")
}

// snapshots reads a guest's snapshots. The row "current" is the guest itself.
func (r *reading) snapshots(ctx context.Context, g *gate, guest *domain.Guest) {
	path := guestPath(guest.Node, guest.Type, guest.VMID, "snapshot")
	err := r.read(ctx, g, path, nil, func(raw json.RawMessage) error {
		list, odd, err := parseSnapshots(raw)
		r.oddRows("the snapshots of "+guestLabel(guest), odd)
		guest.Snapshots = domain.Known[[]domain.GuestSnapshot]{Value: list, OK: err == nil && len(odd) == 0}
		return err
	})
	if err != nil {
		r.unknown(ctx, guest, "snapshots", err, r.c.remedy(err))
	}
}

func parseSnapshots(raw json.RawMessage) ([]domain.GuestSnapshot, []oddRow, error) {
	type row struct {
		Name        text   `json:"name"`
		Description text   `json:"description"`
		Parent      text   `json:"parent"`
		SnapTime    number `json:"snaptime"`
		VMState     flag   `json:"vmstate"`
	}
	rows, odd, err := decodeRows[row](raw)
	if err != nil {
		return nil, nil, err
	}
	list := []domain.GuestSnapshot{}
	for _, s := range rows {
		switch s.Name {
		case "current":
		case "":
			odd = append(odd, oddRow{err: errors.New("a snapshot without a name")})
		default:
			list = append(list, domain.GuestSnapshot{
				Name: string(s.Name), Description: strings.TrimRight(string(s.Description), "\r\n"),
				Parent: string(s.Parent), Time: s.SnapTime.natural(), WithMemory: s.VMState.on,
			})
		}
	}
	slices.SortFunc(list, func(a, b domain.GuestSnapshot) int { return strings.Compare(a.Name, b.Name) })
	return list, odd, nil
}

// moved looks again for the guests whose node said that they do not exist:
// they were moved or removed since the list of resources was read.
func (r *reading) moved(ctx context.Context) {
	if len(r.missing) == 0 || ctx.Err() != nil {
		return
	}
	raw, err := r.c.get(ctx, r.c.timeout, "/cluster/resources", url.Values{"type": {"vm"}})
	var (
		rows []resourceRow
		odd  []oddRow
	)
	if err == nil {
		rows, odd, err = decodeRows[resourceRow](raw)
	}
	if err != nil {
		r.unread(ctx, "the guests that were moved or removed during the reading", err)
		return
	}
	now := map[string]domain.Guest{}
	for _, row := range rows {
		if g, err := row.guest(); err == nil {
			now[guestPath("", g.Type, g.VMID)] = g
		}
	}
	gone := map[*domain.Guest]bool{}
	for _, guest := range r.missing {
		g, there := now[guestPath("", guest.Type, guest.VMID)]
		switch {
		case !there:
			gone[guest] = len(odd) == 0
		case g.Node == guest.Node || r.gates[g.Node] == nil:
			r.problem(domain.Problem{What: guestLabel(guest), Reason: "Proxmox lists it on node " + g.Node + ", which has no configuration of it", WayOut: "the next run reads it again"})
		default:
			guest.Node, guest.Status, guest.Lock = g.Node, g.Status, g.Lock
			r.guest(ctx, r.gates[g.Node], guest)
		}
	}
	kept := r.snap.Guests[:0]
	for i := range r.snap.Guests {
		if !gone[&r.snap.Guests[i]] {
			kept = append(kept, r.snap.Guests[i])
		}
	}
	r.snap.Guests = kept
}

// guest reads all that is asked for of one guest.
func (r *reading) guest(ctx context.Context, g *gate, guest *domain.Guest) {
	r.missing = nil
	if r.scope.Configs {
		r.config(ctx, g, guest)
	}
	r.inside(ctx, g, guest)
	if r.scope.Snapshots {
		r.snapshots(ctx, g, guest)
	}
}

// read reads a path of a node through its gate.
func (r *reading) read(ctx context.Context, g *gate, path string, query url.Values, take func(json.RawMessage) error) error {
	return r.through(ctx, g, false, r.c.timeout, path, query, take)
}

// readPatiently reads what hangs on more than the node, a guest agent or a
// storage: its being slow is no measure of the node's health.
func (r *reading) readPatiently(ctx context.Context, g *gate, timeout time.Duration, path string, query url.Values, take func(json.RawMessage) error) error {
	return r.through(ctx, g, true, timeout, path, query, take)
}

func (r *reading) through(ctx context.Context, g *gate, patient bool, timeout time.Duration, path string, query url.Values, take func(json.RawMessage) error) error {
	return g.do(ctx, patient, func(ctx context.Context) error {
		raw, err := r.c.get(ctx, timeout, path, query)
		if err != nil {
			return err
		}
		return take(raw)
	})
}

// unknown reports a part of a guest that could not be read. A node that is
// unreachable is reported for itself, once.
func (r *reading) unknown(ctx context.Context, guest *domain.Guest, part string, err error, wayOut string) {
	if ctx.Err() != nil || errors.Is(err, errNodeDown) {
		return
	}
	// Without the guest's own number the same reason is reported once.
	reason := strings.ReplaceAll(short(err), fmt.Sprintf("VM %d ", guest.VMID), "")
	r.problem(domain.Problem{What: guestLabel(guest), Reason: part + ": " + reason, WayOut: wayOut})
}
