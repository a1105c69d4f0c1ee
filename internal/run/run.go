// Package run carries out a sync: it reads Proxmox and NetBox, asks for the
// wanted objects and for a plan, and has the plan carried out. A full update,
// one stage, one guest and a dry run are the same four steps with a narrower
// scope or without the last.
package run

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"proxbox/internal/apply"
	"proxbox/internal/desire"
	"proxbox/internal/domain"
	"proxbox/internal/netbox"
	"proxbox/internal/plan"
	"proxbox/internal/proxmox"
)

// Source reads one Proxmox endpoint.
type Source interface {
	Endpoint() domain.ProxmoxEndpoint
	Snapshot(ctx context.Context) (*domain.Snapshot, error)
}

// Request says what a run is to do.
type Request struct {
	ID      string // of the run, for logs, change logs and the wire
	Sources []Source
	NetBox  *netbox.Client
	Stage   Stage     // what is written of the plan
	Guests  []GuestID // only these are written; none: everything
	Target  *Target   // only this is written, in place of what the stage keeps; nil: all
	found   []domain.Object
	// Memory, if not nil, is shared with other runs; Shared names what they
	// must have in common with this one.
	Memory  *Memory
	Shared  string
	Options desire.Options
	Flags   desire.Flags
	// Rules, if not nil, are the flags of each endpoint, by what NetBox has of
	// it; they go before Flags.
	Rules func(domain.ProxmoxEndpoint, *domain.Inventory) desire.Rules
	// AgentNames names VM interfaces as the guest agent does where the plugin
	// has no rows for the guest's own view.
	AgentNames bool
	// DryRun stops before the first write.
	DryRun       bool
	OverrideFuse bool
	// Orphans says what becomes of guests, nodes and storages that are gone.
	Orphans Orphans
	// Removes names the kinds of the plugin's rows that are removed, and not
	// merely marked, when Proxmox does not have what they are about any more.
	Removes map[domain.Kind]bool
	// TaskAge bounds the task history: older tasks are neither written nor
	// read. 0 for no bound.
	TaskAge time.Duration
	// BackupBatchSize and BackupBatchDelay are those of backups, where they are
	// not those of everything.
	BackupBatchSize  int
	BackupBatchDelay time.Duration
	BatchSize        int
	BatchDelay       time.Duration
	// Turn, if not nil, lets more urgent runs go first.
	Turn  Turn
	Watch func(Event) // never nil inside; called from several goroutines
	Log   *slog.Logger
	Now   func() time.Time
}

// stopped tells whether a run ended because it was told to.
func stopped(err error) bool {
	return errors.Is(err, ErrCancelled) || errors.Is(err, ErrAbandoned) || errors.Is(err, context.Canceled)
}

// Outcome is how a run ended.
type Outcome string

const (
	OutcomeCompleted Outcome = "completed" // conflicts are listed
	OutcomePartial   Outcome = "partial"   // objects failed; they are listed
	OutcomeFailed    Outcome = "failed"    // Proxmox or NetBox could not be read at all
)

// Result is what a run did.
type Result struct {
	ID                        string
	Outcome                   Outcome
	Plan                      *plan.Plan
	Created, Updated, Deleted int
	// Wanted is what NetBox is to hold, of what the run is about.
	Wanted []domain.Object
	// Found are the objects that a run of one target is about.
	Found []domain.Object
	// Done is what was written, in the order of writing.
	Done     []plan.Change
	Reports  []plan.Report
	Problems []domain.Problem
	// Sweep is what was done about guests, nodes and storages that are gone;
	// nil when there was nothing to do and nobody asked for it.
	Sweep *Sweep
	// unsure is true when what NetBox has may be other than the inventory says.
	unsure         bool
	Started, Ended time.Time
	Desired        *desire.Desired
	Inventory      *domain.Inventory
}

// ErrNothing is the error of a run that has no endpoint to read.
var ErrNothing = errors.New("there is no enabled Proxmox endpoint to read: add one with `proxbox-api endpoints add` or from the NetBox plugin")

// Do carries a run out. The error says why nothing could be done at all; what
// single objects ran into is in the result's reports.
func Do(ctx context.Context, req Request) (*Result, error) {
	if req.Watch == nil {
		req.Watch = func(Event) {}
	}
	if req.Log == nil {
		req.Log = slog.New(slog.DiscardHandler)
	}
	if req.Now == nil {
		req.Now = time.Now
	}
	if req.Flags == nil {
		req.Flags = desire.DefaultFlags
	}
	res := &Result{ID: req.ID, Outcome: OutcomeFailed, Started: req.Now()}
	defer func() { res.Ended = req.Now() }()
	if len(req.Sources) == 0 {
		return res, ErrNothing
	}
	caps, err := req.NetBox.Probe(ctx)
	if err != nil {
		return res, fmt.Errorf("read NetBox: %w", err)
	}
	opt := req.Options
	opt.VirtualMachineTypes = caps.VirtualMachineTypes
	opt.Plugin, opt.SyncState, opt.SDN = caps.Plugin != "", caps.SyncState, caps.SDN
	opt.LegacyRename = opt.LegacyRename || req.AgentNames && caps.Plugin != "" && !caps.GuestInterfaces
	opt.GuestInterfaces = opt.GuestInterfaces && caps.GuestInterfaces

	since := req.tasksSince(res.Started)
	if !since.IsZero() {
		opt.TasksSince = since.Unix()
	}
	snapshots, inv, err := read(ctx, req, res, since)
	if err != nil {
		return res, err
	}
	if req.Rules != nil {
		opt.Rules = func(ep domain.ProxmoxEndpoint) desire.Rules { return req.Rules(ep, inv) }
	} else {
		opt.Rules = func(domain.ProxmoxEndpoint) desire.Rules { return desire.Rules{Overwrite: req.Flags} }
	}
	snapshots = req.withSDN(ctx, res, snapshots, caps, opt.Rules)
	if err := req.inventorySDN(ctx, inv, snapshots); err != nil {
		return res, fmt.Errorf("read NetBox: %w", err)
	}
	res.Desired = desire.Build(snapshots, opt)
	req.Guests = slices.Clone(req.Guests)
	for i, g := range req.Guests {
		req.Guests[i] = g.in(res.Desired)
	}
	if req.Target != nil {
		req.found = req.Target.find(res.Desired.Objects, req.Guests)
		if res.Found = req.found; len(res.Found) == 0 && !req.Target.every() {
			return res, req.noTarget(snapshots, append(res.Problems, res.Desired.Problems...))
		}
	}
	res.Wanted = req.wanted(res.Desired.Objects)
	res.Problems = append(res.Problems, res.Desired.Problems...)
	for _, p := range res.Desired.Problems {
		req.Watch(Event{Notice: &p})
	}
	for {
		err := planAndWrite(ctx, req, res, inv, caps)
		if !errors.Is(err, ErrYield) {
			if err != nil {
				return res, err
			}
			break
		}
		// What the other run wrote is not in the picture: take a new one.
		if err := req.Turn.Yield(ctx); err != nil {
			return res, err
		}
		if inv, err = req.Memory.inventory(ctx, req.NetBox, req.Shared, req.ID, since); err != nil {
			return res, fmt.Errorf("read NetBox: %w", err)
		}
		if err := req.inventorySDN(ctx, inv, snapshots); err != nil {
			return res, fmt.Errorf("read NetBox: %w", err)
		}
	}
	res.Sweep = req.sweep(res)
	res.Outcome = OutcomeCompleted
	if slices.ContainsFunc(res.Reports, func(r plan.Report) bool { return r.Outcome == plan.Failed }) {
		res.Outcome = OutcomePartial
	}
	return res, nil
}

// tasksSince is how far back the task history goes; the zero moment for no end.
func (req Request) tasksSince(now time.Time) time.Time {
	if req.TaskAge <= 0 {
		return time.Time{}
	}
	return now.Add(-req.TaskAge).Truncate(time.Second)
}

// Turn is a run's place among others that write to the same NetBox.
type Turn interface {
	// Pause is asked between two batches: ErrYield when a more urgent run
	// waits, another error when the run has to stop.
	Pause(ctx context.Context) error
	// Yield lets it go first and returns when it is our turn again.
	Yield(ctx context.Context) error
}

// planAndWrite compares the two pictures and has the difference written.
func planAndWrite(ctx context.Context, req Request, res *Result, inv *domain.Inventory, caps netbox.Capabilities) (err error) {
	in := plan.Input{Objects: res.Desired.Objects, Whole: res.Desired.Whole, Inventory: inv, Owns: desire.Owns(req.Flags),
		AddTags: caps.AddTags, OverrideFuse: req.OverrideFuse, Removes: req.Removes, Stamp: res.Started.UTC().Format(time.RFC3339),
		OwnsAt: res.Desired.Owns(req.Flags)}
	held, err := req.held(ctx, res.Desired, inv)
	if err != nil {
		return fmt.Errorf("read NetBox: %w", err)
	}
	if in.TagParts, err = req.readMarks(ctx, res.Desired, inv, caps); err != nil {
		return fmt.Errorf("read NetBox: %w", err)
	}
	in.Limits = req.limits(res.Desired, held)
	in.Things = req.Orphans.things(res.Desired, res.Started)
	if res.Plan, err = makePlan(ctx, req, caps, in); err != nil {
		return err
	}
	req.narrow(res.Plan)
	req.notices(res)
	res.Inventory = inv
	req.Watch(Event{Step: &Step{Name: "plan", Status: Completed, Planned: res.Plan.Counts(), Wanted: res.Wanted,
		Message: fmt.Sprintf("%d objects are as they should be, %d writes are planned", res.Plan.Unchanged, len(res.Plan.Changes))}})
	said := make(map[plan.Report]bool, len(res.Reports)) // before the run yielded
	for _, r := range res.Reports {
		said[r] = true
	}
	for _, r := range res.Plan.Reports {
		if said[r] {
			continue
		}
		said[r] = true
		res.Reports = append(res.Reports, r)
		req.Watch(Event{Object: &Object{Kind: r.Kind, Key: r.Key, Label: r.Label, Report: &r}})
	}
	if req.DryRun {
		req.wouldRemove(res.Plan)
		return nil
	}
	return write(ctx, req, res, inv, caps)
}

// narrow leaves in the plan what the request is about, and what is made for
// it: a guest's cluster, site, node, tags and types where NetBox has none. A
// row of the plugin has the key of what it is about.
func (req Request) narrow(p *plan.Plan) {
	if req.Target == nil {
		req.Stage.Narrow(p)
		if len(req.Guests) == 0 {
			return
		}
	}
	about := req.about()
	needed := map[domain.Key]bool{}
	keep := func(c plan.Change) bool {
		return about(c) || c.Op == plan.Create && (needed[c.Key] || c.Kind == domain.KindCustomField && len(req.Guests) > 0)
	}
	// What an object needs is made before it.
	for _, c := range slices.Backward(p.Changes) {
		if !keep(c) {
			continue
		}
		for _, v := range c.Set {
			refs, _ := v.(domain.Refs)
			if r, ok := v.(domain.Ref); ok {
				refs = domain.Refs{r}
			}
			for _, r := range refs {
				needed[r.Key] = r.Key != ""
			}
		}
	}
	p.Changes = slices.DeleteFunc(p.Changes, func(c plan.Change) bool { return !keep(c) })
	p.Reports = slices.DeleteFunc(p.Reports, func(r plan.Report) bool { return !about(plan.Change{Kind: r.Kind, Key: r.Key}) && !needed[r.Key] })
}

// wanted are the objects that the request is about.
func (req Request) wanted(all []domain.Object) []domain.Object {
	of := guestKeys(req.Guests)
	keeps := func(kind domain.Kind, key domain.Key) bool {
		return req.Stage.Keeps(kind, key) && (len(req.Guests) == 0 || of(key))
	}
	if req.Target != nil {
		keeps = req.Target.owns(req.found, req.Guests)
	}
	var out []domain.Object
	for _, o := range all {
		if keeps(o.Kind, o.Key) {
			out = append(out, o)
		}
	}
	return out
}

// read takes both pictures at once; neither waits for the other.
func read(ctx context.Context, req Request, res *Result, since time.Time) ([]*domain.Snapshot, *domain.Inventory, error) {
	var inv *domain.Inventory
	snapshots := make([]*domain.Snapshot, len(req.Sources))
	errs := make([]error, len(req.Sources))
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		req.Watch(Event{Step: &Step{Name: "read netbox", Status: Started, Message: "Reading what NetBox has"}})
		var err error
		if inv, err = req.Memory.inventory(gctx, req.NetBox, req.Shared, req.ID, since); err != nil {
			return fmt.Errorf("read NetBox: %w", err)
		}
		req.Watch(Event{Step: &Step{Name: "read netbox", Status: Completed, Message: "NetBox is read"}})
		return nil
	})
	var mu sync.Mutex
	for i, src := range req.Sources {
		g.Go(func() error {
			name := src.Endpoint().DisplayName()
			req.Watch(Event{Step: &Step{Name: "read proxmox", Status: Started, Message: "Reading Proxmox endpoint " + name}})
			s, err := src.Snapshot(gctx)
			if err != nil {
				mu.Lock()
				defer mu.Unlock()
				if named := (*proxmox.EndpointError)(nil); !errors.As(err, &named) {
					err = fmt.Errorf("read Proxmox endpoint %s: %w", name, err)
				}
				errs[i] = err
				return nil // the other endpoints are done without it
			}
			snapshots[i] = s
			req.Watch(Event{Step: &Step{Name: "read proxmox", Status: Completed,
				Message: fmt.Sprintf("Proxmox endpoint %s: %d nodes, %d guests", name, len(s.Nodes), len(s.Guests))}})
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, nil, err
	}
	for i, err := range errs {
		if err == nil {
			continue
		}
		name := req.Sources[i].Endpoint().DisplayName()
		p := domain.Problem{What: "Proxmox endpoint " + name, Reason: err.Error(), WayOut: "nothing of it is changed; mend it and run again"}
		res.Problems = append(res.Problems, p)
		res.Reports = append(res.Reports, plan.Report{Outcome: plan.Failed, Label: p.What, Reason: p.Reason, WayOut: p.WayOut})
		req.Watch(Event{Notice: &p})
	}
	snapshots = slices.DeleteFunc(snapshots, func(s *domain.Snapshot) bool { return s == nil })
	if len(snapshots) == 0 {
		return nil, nil, errors.Join(errs...)
	}
	return snapshots, inv, nil
}

// Inventoried are the kinds that a run reads from NetBox.
var Inventoried = []domain.Kind{
	domain.KindVMInterface, domain.KindVirtualMachine, domain.KindIPAddress, // the slow ones first
	domain.KindTag, domain.KindCustomField, domain.KindSite, domain.KindManufacturer, domain.KindDeviceType, domain.KindDeviceRole,
	domain.KindPlatform, domain.KindDevice, domain.KindInterface, domain.KindMACAddress, domain.KindClusterType, domain.KindCluster,
	domain.KindVirtualMachineType, domain.KindVirtualDisk, domain.KindVLAN,
	domain.KindProxmoxEndpoint, domain.KindProxmoxCluster, domain.KindProxmoxNode, domain.KindVMState, domain.KindDeviceState,
	domain.KindClusterState, domain.KindVirtualDiskState, domain.KindVMInterfaceState, domain.KindIPAddressState, domain.KindInterfaceState,
	domain.KindTaskHistory, domain.KindBackup, domain.KindSnapshot, domain.KindProxmoxStorage, domain.KindReplication, domain.KindBackupRoutine,
	domain.KindGuestInterface, domain.KindGuestInterfaceAddr, domain.KindCloudInit, domain.KindTenant,
}

// ReadInventory reads what NetBox has of the kinds that a run compares, of the
// task history what is not older than a moment (the zero one: all of it), and
// which parts of our objects carry our tag where nothing else says that they
// are ours.
func ReadInventory(ctx context.Context, nb *netbox.Client, tasksSince time.Time) (*domain.Inventory, error) {
	queries := map[domain.Kind]url.Values{}
	if !tasksSince.IsZero() {
		queries[domain.KindTaskHistory] = url.Values{"start_time__gte": {tasksSince.UTC().Format(time.RFC3339)}}
	}
	inv, err := nb.ReadInventory(ctx, Inventoried, queries)
	if err != nil {
		return nil, err
	}
	for _, kind := range plan.Unmarked(inv) {
		if inv.Table(kind).Marked, err = nb.ReadMarked(ctx, kind, desire.TagProxbox); err != nil {
			return nil, err
		}
	}
	return inv, nil
}

// changelogPrefix begins what NetBox's change log says of our changes.
const changelogPrefix = "proxbox-api run "

// runOf is the id of the run that a message of the change log names; "" when it
// names none.
func runOf(message string) string {
	rest, ok := strings.CutPrefix(message, changelogPrefix)
	if !ok {
		return ""
	}
	id, _, _ := strings.Cut(rest, ":")
	return id
}

// makePlan plans, and plans again with what the inventory does not say: which
// unmarked addresses on interfaces of ours a run made that ended before it
// could mark them, which guests are gone by their nodes' own word, and what of
// that which would be removed a person would miss.
func makePlan(ctx context.Context, req Request, caps netbox.Capabilities, in plan.Input) (*plan.Plan, error) {
	p := plan.Make(in)
	if len(p.Unproven) > 0 && caps.ChangelogMessage {
		made, err := req.NetBox.MadeWith(ctx, domain.KindIPAddress, p.Unproven, changelogPrefix)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			// Without the right to read the change log they stay a person's.
			req.Log.Warn("NetBox's change log cannot be read", "error", err)
		}
		if len(made) > 0 {
			for id := range made {
				in.Inventory.Table(domain.KindIPAddress).Mark(id)
			}
			p = plan.Make(in)
		}
	}
	if confirmed := req.confirm(ctx, p.Vanished); len(confirmed) > 0 {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		in.Things.Confirmed = confirmed
		p = plan.Make(in)
	}
	if len(p.Doomed) == 0 {
		return p, nil
	}
	missed, err := req.NetBox.Missed(ctx, p.Doomed, desire.TagProxbox)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		missed = map[domain.Ref]string{}
		for _, ref := range p.Doomed {
			missed[ref] = "whether somebody uses it is not known: " + err.Error()
		}
	}
	if len(missed) == 0 {
		return p, nil
	}
	in.Keep = missed
	return plan.Make(in), nil
}

// write carries the plan out and gathers what became of it.
func write(ctx context.Context, req Request, res *Result, inv *domain.Inventory, caps netbox.Capabilities) error {
	total := len(res.Plan.Changes)
	done := 0
	opt := apply.Options{BatchSize: req.BatchSize, Delay: req.BatchDelay,
		Batches: map[domain.Kind]apply.Batching{domain.KindBackup: {Size: req.BackupBatchSize, Delay: req.BackupBatchDelay}},
		Done: func(e apply.Ended) {
			done++
			req.Watch(Event{Object: &Object{Op: e.Op, Kind: e.Kind, Key: e.Key, Label: e.Label, Report: e.Report, Orphan: e.Orphan, Done: done, Total: total}})
			if e.Report == nil {
				res.Done = append(res.Done, e.Change)
			}
		}}
	opt.Pause = func(context.Context) error {
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case req.Turn != nil:
			return req.Turn.Pause(ctx)
		}
		return nil
	}
	if caps.ChangelogMessage {
		opt.Message = func(c plan.Change) string {
			return strings.TrimSpace(changelogPrefix + req.ID + ": " + c.Why)
		}
	}
	if total > 0 {
		req.Watch(Event{Step: &Step{Name: "apply", Status: Started, Message: fmt.Sprintf("Writing %d changes to NetBox", total)}})
	}
	// A run that is to stop stops between two batches: those on their way end.
	onTheirWay, release := finishing(ctx, finishTime)
	defer release()
	out, err := apply.Run(onTheirWay, req.NetBox, res.Plan, inv, opt)
	res.Created, res.Updated, res.Deleted = res.Created+out.Created, res.Updated+out.Updated, res.Deleted+out.Deleted
	res.Reports = append(res.Reports, out.Reports...)
	res.unsure = res.unsure || out.Unsure
	if err != nil {
		return fmt.Errorf("write NetBox: %w", err)
	}
	return nil
}
