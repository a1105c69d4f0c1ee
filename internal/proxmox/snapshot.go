package proxmox

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"proxbox/internal/domain"
)

// Snapshot reads what the endpoint runs, as far as the scope goes. What
// cannot be read stays unknown and is named in the Snapshot's Problems. It
// fails, with an *EndpointError, only when the list of resources, the list of
// nodes or the status of the cluster cannot be read, for they say which
// cluster it is; or when ctx ends.
func (c *Client) Snapshot(ctx context.Context, scope Scope) (*domain.Snapshot, error) {
	return c.SnapshotAfter(ctx, scope, nil)
}

// SnapshotAfter is Snapshot, taking the configurations of guests from an
// earlier one, if that is not nil and has them: they are not read again when
// they are needed to know which guests have an agent to be asked.
func (c *Client) SnapshotAfter(ctx context.Context, scope Scope, earlier *domain.Snapshot) (*domain.Snapshot, error) {
	r := &reading{
		c: c, scope: scope.complete(), earlier: earlier,
		snap:  &domain.Snapshot{Endpoint: c.ep},
		gates: map[string]*gate{},
	}
	if err := r.cluster(ctx); err != nil {
		return nil, err
	}
	r.parts(ctx)
	if ctx.Err() != nil {
		return nil, c.endpointError(ctx, "", ctx.Err())
	}
	r.snap.Problems = merged(append(r.problems, r.unreachable()...))
	return r.snap, nil
}

// reading is one Snapshot in the making.
type reading struct {
	c       *Client
	scope   Scope
	snap    *domain.Snapshot
	earlier *domain.Snapshot // nil when there is none

	rights     permissions // nil: not known
	statusRead bool        // false: /cluster/status is forbidden to us
	odd        struct{ guests, nodes bool }
	nodeRows   []resourceRow    // of /cluster/resources
	gates      map[string]*gate // by node; complete before the parts are read

	mu       sync.Mutex
	problems []domain.Problem
	missing  []*domain.Guest // whose node says that they do not exist
}

func (r *reading) problem(p domain.Problem) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problems = append(r.problems, p)
}

// unread reports a path without which the Snapshot is poorer but stands.
func (r *reading) unread(ctx context.Context, what string, err error) {
	if ctx.Err() != nil {
		return
	}
	r.problem(domain.Problem{What: what, Reason: short(err), WayOut: r.c.remedy(err)})
}

// oddRows reports the rows of a list that could not be understood.
func (r *reading) oddRows(what string, odd []oddRow) {
	for _, o := range odd {
		r.problem(domain.Problem{What: "a row of " + what, Reason: o.String(), WayOut: "the other rows were read; please report this one"})
	}
}

// get reads a path that belongs to no node.
func (r *reading) get(ctx context.Context, path string) (json.RawMessage, error) {
	return r.c.get(ctx, r.c.timeout, path, nil)
}

// cluster reads what is said of the cluster as a whole.
func (r *reading) cluster(ctx context.Context) error {
	// The first request logs in and finds the address that answers; the
	// others follow together.
	const resourcesPath = "/cluster/resources"
	raw, err := r.get(ctx, resourcesPath)
	if err == nil {
		err = r.readResources(raw)
	}
	if err != nil {
		return r.c.endpointError(ctx, resourcesPath, err)
	}

	const statusPath = "/cluster/status"
	var (
		status    []statusRow
		statusOdd []oddRow
		nodes     []nodeRow
	)
	group, gctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		raw, err := r.get(gctx, statusPath)
		if Forbidden(err) {
			r.unread(gctx, "the status of the cluster", err)
			return nil
		}
		if err == nil {
			status, statusOdd, err = decodeRows[statusRow](raw)
		}
		if err != nil {
			return r.c.endpointError(ctx, statusPath, err)
		}
		r.statusRead = true
		return nil
	})
	group.Go(func() error {
		v, err := r.c.version(gctx)
		if err != nil {
			r.unread(gctx, "the version of Proxmox", err)
		}
		r.snap.Version = v.Version
		return nil
	})
	group.Go(func() error {
		// It has the fingerprints by which two endpoints are known to be one
		// cluster: without them its guests would be made twice.
		const nodesPath = "/nodes"
		raw, err := r.get(gctx, nodesPath)
		var odd []oddRow
		if err == nil {
			nodes, odd, err = decodeRows[nodeRow](raw)
		}
		if err != nil {
			return r.c.endpointError(ctx, nodesPath, err)
		}
		r.oddRows(nodesPath, odd)
		return nil
	})
	group.Go(func() error {
		raw, err := r.get(gctx, "/access/permissions")
		if err == nil {
			r.rights, err = parsePermissions(raw)
		}
		if err != nil {
			r.unread(gctx, "the permissions of "+r.c.auth.principal(), err)
		}
		return nil
	})
	group.Go(func() error {
		raw, err := r.get(gctx, "/cluster/options")
		if err != nil {
			// Colours are an ornament: tags get NetBox's default without them.
			r.c.log.Debug("no tag colours", "error", err)
			return nil
		}
		r.snap.TagColors = parseTagColors(raw)
		return nil
	})
	if err := group.Wait(); err != nil {
		return err
	}
	r.oddRows(statusPath, statusOdd)
	r.odd.nodes = r.odd.nodes || len(statusOdd) > 0
	if err := r.assemble(status, nodes); err != nil {
		return r.c.endpointError(ctx, statusPath, err)
	}
	r.judge()
	return nil
}

// judge says which kinds are listed to the last object, and names those that
// are not with the command that mends it.
func (r *reading) judge() {
	s := r.snap
	if r.statusRead && !s.Cluster.Quorate {
		r.problem(domain.Problem{
			What: "cluster " + s.Cluster.Name, Reason: "it has no quorum, so nothing is taken for gone",
			WayOut: "bring the missing nodes back; `pvecm status` on a node says which",
		})
	}
	s.Complete.Nodes = r.statusRead && s.Cluster.Quorate && !r.odd.nodes
	if r.rights == nil {
		return // named where they could not be read
	}
	all := r.rights.allGuests()
	s.Complete.Guests = all && s.Cluster.Quorate && r.scope.Guests == nil && !r.odd.guests
	s.Complete.SDN = r.rights.allSDN() && s.Cluster.Quorate
	if !all {
		r.hidden("guests", "VM.Audit on all of /vms", r.c.grant("/", "PVEAuditor"))
	}
}

// hidden names a kind of which the answers may lack some.
func (r *reading) hidden(kind, right, wayOut string) {
	r.problem(domain.Problem{
		What:   kind + " of " + r.snap.Cluster.Name,
		Reason: fmt.Sprintf("%s does not have %s: some may be hidden, so none is taken for gone", r.c.auth.principal(), right),
		WayOut: wayOut,
	})
}

// parts reads what the scope asks for beyond the cluster as a whole.
func (r *reading) parts(ctx context.Context) {
	var wg sync.WaitGroup
	if r.scope.Storages {
		wg.Go(func() { r.storages(ctx) })
	}
	if r.scope.Replications {
		wg.Go(func() { r.replications(ctx) })
	}
	if r.scope.BackupRoutines {
		wg.Go(func() { r.backupRoutines(ctx) })
	}
	guests := map[string][]*domain.Guest{}
	for i := range r.snap.Guests {
		g := &r.snap.Guests[i]
		if skip := r.c.opts.SkipGuest; skip != nil && skip(*g) {
			continue
		}
		guests[g.Node] = append(guests[g.Node], g)
	}
	nodes := map[string]*domain.Node{}
	for i := range r.snap.Nodes {
		nodes[r.snap.Nodes[i].Name] = &r.snap.Nodes[i]
	}
	for name, g := range r.gates {
		wg.Go(func() { r.node(ctx, g, nodes[name], guests[name]) })
	}
	for _, g := range guests[""] {
		r.problem(domain.Problem{What: guestLabel(g), Reason: "Proxmox does not say on which node it is"})
	}
	wg.Wait()
	r.moved(ctx)
}

// inParallel does all jobs, n at a time. It starts none after ctx has ended.
func inParallel(ctx context.Context, n int, jobs []func(context.Context)) {
	queue := make(chan func(context.Context))
	var wg sync.WaitGroup
	for range min(n, len(jobs)) {
		wg.Go(func() {
			for job := range queue {
				job(ctx)
			}
		})
	}
	for _, job := range jobs {
		if ctx.Err() != nil {
			break
		}
		queue <- job
	}
	close(queue)
	wg.Wait()
}

// merged joins problems that have the same reason and the same way out: a
// right that is missing concerns every guest, and is mended once.
func merged(problems []domain.Problem) []domain.Problem {
	type ill struct{ reason, wayOut string }
	names := map[ill][]string{}
	for _, p := range problems {
		k := ill{p.Reason, p.WayOut}
		names[k] = append(names[k], p.What)
	}
	out := make([]domain.Problem, 0, len(names))
	for k, what := range names {
		slices.SortFunc(what, naturally)
		what = slices.Compact(what)
		const shown = 5
		if more := len(what) - shown; more > 1 {
			what = append(what[:shown:shown], fmt.Sprintf("%d more", more))
		}
		out = append(out, domain.Problem{What: enumerate(what), Reason: k.reason, WayOut: k.wayOut})
	}
	slices.SortFunc(out, func(a, b domain.Problem) int {
		return cmp.Or(naturally(a.What, b.What), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.WayOut, b.WayOut))
	})
	return out
}

// naturally orders "guest 99" before "guest 100".
func naturally(a, b string) int {
	da, db := strings.IndexFunc(a, digit), strings.IndexFunc(b, digit)
	if da >= 0 && da == db && a[:da] == b[:db] {
		na := len(a[da:]) - len(strings.TrimLeftFunc(a[da:], digit))
		nb := len(b[db:]) - len(strings.TrimLeftFunc(b[db:], digit))
		if na != nb {
			return cmp.Compare(na, nb)
		}
	}
	return cmp.Compare(a, b)
}

func digit(r rune) bool { return r >= '0' && r <= '9' }

func enumerate(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// parseTagColors reads the tag-style of /cluster/options, an object or a
// property string, whose color-map is "tag:background[:text];…".
func parseTagColors(raw json.RawMessage) map[string]string {
	var options struct {
		TagStyle json.RawMessage `json:"tag-style"`
	}
	if json.Unmarshal(raw, &options) != nil || len(options.TagStyle) == 0 {
		return nil
	}
	var style struct {
		ColorMap text `json:"color-map"`
	}
	if json.Unmarshal(options.TagStyle, &style) != nil {
		var s text
		if json.Unmarshal(options.TagStyle, &s) != nil {
			return nil
		}
		style.ColorMap = text(parseProperties(string(s)).text("color-map"))
	}
	colors := map[string]string{}
	for entry := range strings.SplitSeq(string(style.ColorMap), ";") {
		parts := strings.Split(strings.ToLower(strings.TrimSpace(entry)), ":")
		if len(parts) < 2 || parts[0] == "" || !hexColor(parts[1]) {
			continue
		}
		colors[parts[0]] = parts[1]
	}
	return colors
}

func hexColor(s string) bool {
	return len(s) == 6 && strings.Trim(s, "0123456789abcdef") == ""
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
