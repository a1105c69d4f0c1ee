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
	if known := r.earlier.Guest(guest.Type, guest.VMID); known != nil && known.Config.OK {
		guest.Config = known.Config
		fromConfig(guest)
		return
	}
	path := guestPath(guest.Node, guest.Type, guest.VMID, "config")
	err := r.through(ctx, g, false, r.c.opts.ConfigTimeout, path, url.Values{"current": {"1"}}, func(raw json.RawMessage) error {
		cfg, err := parseConfig(guest.Type, raw)
		guest.Config = domain.Known[domain.GuestConfig]{Value: cfg, OK: err == nil}
		return err
	})
	if noSuchGuest(err) {
		r.mu.Lock()
		r.missing = append(r.missing, guest)
		r.mu.Unlock()
		return
	}
	if err != nil {
		r.unknown(ctx, guest, "configuration", err, r.partRemedy(err))
		return
	}
	fromConfig(guest)
}

// fromConfig fills in what the configuration alone says of a guest.
func fromConfig(guest *domain.Guest) {
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
		list, odd, err := parseGuestInterfaces(raw)
		r.oddRows("the interfaces of "+guestLabel(guest), odd)
		guest.Agent = domain.Known[[]domain.GuestInterface]{Value: list, OK: err == nil && len(odd) == 0}
		return err
	}
	if guest.Type == domain.LXC {
		if r.scope.Agent {
			path := guestPath(guest.Node, guest.Type, guest.VMID, "interfaces")
			if err := r.readPatiently(ctx, g, r.c.opts.AgentTimeout, path, nil, interfaces); err != nil {
				r.unknown(ctx, guest, "interfaces of the container", err, r.partRemedy(err))
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
		r.unknown(ctx, guest, "guest agent", err, r.c.grantAgent(r.snap.Version))
	default:
		r.unknown(ctx, guest, "guest agent", err, "")
	}
	return false
}

// grantAgent is the command that allows asking guest agents.
func (c *Client) grantAgent(version string) string {
	return "pveum role add ProxboxAgent --privs " + agentPrivilege(version) + " && " + c.grant("/vms", "ProxboxAgent")
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
	if err != nil && !(r.scope.Configs && noSuchGuest(err)) { // that one is looked for again
		r.unknown(ctx, guest, "snapshots", err, r.partRemedy(err))
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
	missing := r.missing
	r.missing = nil
	if len(missing) == 0 || ctx.Err() != nil {
		return
	}
	now, whole, err := r.listedNow(ctx)
	if err != nil {
		r.unread(ctx, "the guests that were moved or removed during the reading", err)
		return
	}
	gone := map[*domain.Guest]bool{}
	var again []func(context.Context)
	for _, guest := range missing {
		row, there := now[guestKey{guest.Type, guest.VMID}]
		g := r.gates[row.Node]
		switch {
		case !there && whole:
			gone[guest] = true
		case !there:
			r.misplaced(guest, "its node has no configuration of it, and the list of guests could not be understood")
		case row.Node == guest.Node, g == nil:
			r.misplaced(guest, "Proxmox lists it on node "+row.Node+", which has no configuration of it")
		default:
			guest.Node, guest.Status, guest.Lock = row.Node, row.Status, row.Lock
			again = append(again, func(ctx context.Context) { r.guest(ctx, g, guest) })
		}
	}
	inParallel(ctx, r.c.opts.Concurrency, again)
	for _, guest := range r.missing {
		r.misplaced(guest, "it moved more than once during the reading")
	}
	kept := r.snap.Guests[:0]
	for i := range r.snap.Guests {
		if !gone[&r.snap.Guests[i]] {
			kept = append(kept, r.snap.Guests[i])
		}
	}
	r.snap.Guests = kept
}

type guestKey struct {
	Type domain.GuestType
	VMID int
}

// listedNow lists the guests once more, and tells whether it knows them all.
func (r *reading) listedNow(ctx context.Context) (now map[guestKey]domain.Guest, whole bool, err error) {
	raw, err := r.c.get(ctx, r.c.timeout, "/cluster/resources", url.Values{"type": {"vm"}})
	if err != nil {
		return nil, false, err
	}
	rows, odd, err := decodeRows[resourceRow](raw)
	if err != nil {
		return nil, false, err
	}
	whole = len(odd) == 0
	now = make(map[guestKey]domain.Guest, len(rows))
	for _, row := range rows {
		g, err := row.guest()
		if err != nil {
			whole = false
			continue
		}
		now[guestKey{g.Type, g.VMID}] = g
	}
	return now, whole, nil
}

func (r *reading) misplaced(guest *domain.Guest, reason string) {
	r.problem(domain.Problem{What: guestLabel(guest), Reason: reason, WayOut: "the next run reads it again"})
}

// guest reads all that is asked for of one guest.
func (r *reading) guest(ctx context.Context, g *gate, guest *domain.Guest) {
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
// storage: its being slow is no measure of the node's health, and asking
// again would cost the same wait.
func (r *reading) readPatiently(ctx context.Context, g *gate, timeout time.Duration, path string, query url.Values, take func(json.RawMessage) error) error {
	return r.through(ctx, g, true, timeout, path, query, take)
}

func (r *reading) through(ctx context.Context, g *gate, patient bool, timeout time.Duration, path string, query url.Values, take func(json.RawMessage) error) error {
	if patient {
		if err := enter(ctx, r.c.slow); err != nil {
			return err
		}
		defer leave(r.c.slow)
	}
	var raw json.RawMessage
	err := g.do(ctx, patient, func(ctx context.Context) (err error) {
		if patient {
			raw, err = r.c.once(ctx, timeout, path, query)
		} else {
			raw, err = r.c.get(ctx, timeout, path, query)
		}
		return err
	})
	if err != nil {
		return err
	}
	return take(raw)
}

// partRemedy is the way out of a failed read of one object. That its answer
// makes no sense says nothing about the endpoint's address.
func (r *reading) partRemedy(err error) string {
	if causeOf(err) == CauseAnswer {
		return ""
	}
	return r.c.remedy(err)
}

// unknown reports a part of a guest that could not be read. A node that is
// unreachable is reported for itself, once.
func (r *reading) unknown(ctx context.Context, guest *domain.Guest, part string, err error, wayOut string) {
	if ctx.Err() != nil || errors.Is(err, errNodeDown) {
		return
	}
	// Without the guest's own number and path the same reason is reported once.
	reason := strings.ReplaceAll(short(err), fmt.Sprintf("VM %d ", guest.VMID), "")
	var se *StatusError
	if errors.As(err, &se) {
		reason = strings.ReplaceAll(reason, se.Path, "…")
	}
	r.problem(domain.Problem{What: guestLabel(guest), Reason: part + ": " + reason, WayOut: wayOut})
}
