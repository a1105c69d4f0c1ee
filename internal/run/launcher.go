package run

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"

	"proxbox/internal/desire"
	"proxbox/internal/domain"
	"proxbox/internal/netbox"
	"proxbox/internal/proxmox"
	"proxbox/internal/settings"
)

// Endpoints say between what a run carries.
type Endpoints interface {
	// NetBox is the NetBox that is kept true.
	NetBox(ctx context.Context) (domain.NetBoxEndpoint, error)
	// Proxmox are the enabled endpoints of these row ids, all for none. An id
	// that there is no endpoint for is an *UnknownEndpointError.
	Proxmox(ctx context.Context, ids []int) ([]domain.ProxmoxEndpoint, error)
}

// UnknownEndpointError is an id for which there is no Proxmox endpoint.
type UnknownEndpointError struct{ ID int }

func (e *UnknownEndpointError) Error() string {
	return fmt.Sprintf("there is no Proxmox endpoint %d: GET /proxmox/endpoints, or `proxbox-api endpoints list`, shows those that there are", e.ID)
}

// Ask is what a run is asked for. The zero Ask is a full update of everything.
type Ask struct {
	Stage Stage
	// Endpoints are row ids of Proxmox endpoints; none: every enabled one.
	Endpoints []int
	// Guests narrows the run to single guests; none: all.
	Guests []GuestID
	// Target, if not nil, narrows it further, to one object.
	Target *Target
	// Query holds the flags of the run as the wire has them (settings.ParseFlags).
	Query url.Values
	// DryRun stops before the first write; NetBox is then opened for reading.
	DryRun bool
	// OverrideFuse lets this one run remove more than the fuse allows.
	OverrideFuse bool
}

// Check says whether the flags can be used, as *settings.InvalidError.
func (a Ask) Check() error {
	_, err := settings.ParseFlags(a.Query, settings.DefaultFlags())
	return err
}

// Key is equal for asks that are the same run.
func (a Ask) Key() string {
	ids := slices.Sorted(slices.Values(a.Endpoints))
	flags, _ := settings.ParseFlags(a.Query, settings.DefaultFlags())
	var target Target
	if a.Target != nil {
		target = *a.Target
	}
	return fmt.Sprintf("%s %q %v %v %+v %t %t %q", a.kind(), target.Name, slices.Compact(ids), a.Guests, flags, a.DryRun, a.OverrideFuse,
		a.Query.Get("netbox_branch_schema_id"))
}

// kind is what the run is called where runs are listed.
func (a Ask) kind() string {
	if a.Target != nil {
		return a.Target.kind()
	}
	return a.stage().Name
}

func (a Ask) stage() Stage {
	if a.Stage.Name == "" {
		return FullUpdate
	}
	return a.Stage
}

// Launcher starts runs: it opens the endpoints by the settings and lets one
// run at a time write.
type Launcher struct {
	Endpoints Endpoints
	Settings  *settings.Values
	Manager   *Manager
	Log       *slog.Logger
	// Gate, if not nil, lets other processes write first.
	Gate *Gate
	// History, if not nil, keeps the record of every run.
	History History
	// Memory, if not nil, is what runs that follow one another share.
	Memory *Memory
	// ProxmoxTransport and NetBoxTransport carry the requests in place of the
	// network; nil for the network. They are for simulators.
	ProxmoxTransport func(domain.ProxmoxEndpoint) http.RoundTripper
	NetBoxTransport  http.RoundTripper
	// ObserveProxmox and ObserveNetBox, if not nil, are told every request
	// that was sent, from several goroutines.
	ObserveProxmox func(proxmox.Exchange)
	ObserveNetBox  func(netbox.Exchange)
}

// Start begins a run, or joins the same one.
func (l *Launcher) Start(ask Ask) (*Run, error) {
	if err := ask.Check(); err != nil {
		return nil, err
	}
	return l.Manager.Start(Job{Key: ask.Key(), Kind: ask.kind(), Urgent: len(ask.Guests) > 0 || ask.Target != nil,
		Do: func(ctx context.Context, r *Run) (*Result, error) { return l.do(ctx, r, ask) }}), nil
}

func (l *Launcher) do(ctx context.Context, r *Run, ask Ask) (*Result, error) {
	l.begin(ctx, r, ask)
	res, err := l.pass(ctx, r, !ask.DryRun, func() (*Result, error) { return l.carryOut(ctx, r, ask) })
	l.end(context.WithoutCancel(ctx), r, res, err)
	return res, err
}

// pass does a run; one that writes waits for other processes. A defect that
// shows in it ends the run, and not the service with all that it answers.
func (l *Launcher) pass(ctx context.Context, r *Run, writes bool, do func() (*Result, error)) (res *Result, err error) {
	if l.Gate != nil && writes {
		leave, err := l.Gate.enter(ctx, func() {
			r.Emit(Event{Step: &Step{Name: "wait", Status: Progress, Message: "Waiting for another proxbox-api that writes to NetBox"}})
		})
		if err != nil {
			return nil, err
		}
		defer leave()
	}
	defer func() {
		if p := recover(); p != nil {
			l.Memory.Forget()
			l.logger().Error("the run panicked", "run", r.ID, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			res, err = nil, fmt.Errorf("the run met a defect of proxbox-api (%v): the log says where; please report it", p)
		}
	}()
	return do()
}

func (l *Launcher) carryOut(ctx context.Context, r *Run, ask Ask) (*Result, error) {
	defer l.Memory.hold()()
	asked, err := settings.ParseFlags(ask.Query, settings.DefaultFlags())
	if err != nil {
		return nil, err
	}
	branch := asked.BranchSchemaID
	nb, values, err := l.reachNetBox(ctx, ask.DryRun, branch, r.Emit)
	if err != nil {
		return nil, err
	}
	defer nb.Close()
	flags, err := settings.ParseFlags(ask.Query, settings.FlagsFrom(values))
	if err != nil {
		return nil, err
	}
	sources, release, err := l.sources(ctx, values, flags, ask, r.ID)
	if err != nil {
		return nil, err
	}
	defer release()
	res, err := Do(ctx, Request{
		Memory: l.Memory, Shared: fmt.Sprintf("%s %s %v", nb.URL(), branch, slices.Sorted(slices.Values(ask.Endpoints))),
		ID: r.ID, Sources: sources, NetBox: nb, Stage: ask.withNetwork(flags), Guests: ask.Guests, Target: ask.Target,
		Options: options(values, flags), Flags: flags.Overwrite, Rules: ask.rulesBy(values), AgentNames: flags.UseGuestAgentInterfaceName,
		DryRun: ask.DryRun, OverrideFuse: ask.OverrideFuse,
		BatchSize: settings.BulkBatchSize.In(values), BatchDelay: settings.BulkBatchDelay.In(values),
		BackupBatchSize: settings.BackupBatchSize.In(values), BackupBatchDelay: settings.BackupBatchDelay.In(values),
		Removes: map[domain.Kind]bool{domain.KindBackup: flags.DeleteNonexistentBackup, domain.KindSnapshot: flags.DeleteNonexistentSnapshot},
		TaskAge: settings.TaskHistoryAge.In(values),
		Orphans: Orphans{Mark: settings.DeleteOrphans.In(values), After: settings.DeleteOrphansAfter.In(values)},
		Turn:    r, Watch: r.Emit, Log: l.logger().With("run", r.ID),
	})
	if err != nil || res.unsure {
		l.Memory.Forget() // nobody knows what became of the last writes
	} else {
		l.Memory.touch()
	}
	return res, err
}

// withNetwork is the stage as the flags have it: the virtual machines' stage
// covers the guests' networks too unless it is told not to.
func (a Ask) withNetwork(flags settings.Flags) Stage {
	s := a.stage()
	if s.Name != "virtual-machines" || !flags.SyncVMNetwork {
		return s
	}
	s = s.With(guestNetwork...)
	s.scope = func(scope *proxmox.Scope) { scope.Configs, scope.Agent = true, true }
	return s
}

func options(v *settings.Values, f settings.Flags) desire.Options {
	return desire.Options{
		TagParts:        settings.TagParts.In(v),
		IgnoreLinkLocal: f.IgnoreIPv6LinkLocal,
		GuestInterfaces: f.VMInterfaceSyncStrategy == settings.GuestOSModel,
		LegacyRename:    f.VMInterfaceSyncStrategy == settings.LegacyRename && f.UseGuestAgentInterfaceName,
		DefaultRoles: map[domain.GuestType]int{
			domain.QEMU: settings.DefaultRoleQEMU.In(v), domain.LXC: settings.DefaultRoleLXC.In(v),
		},
		Metadata:      f.ParseDescriptionMetadata,
		AgentPlatform: f.SyncVMPlatformFromGuestAgent,
		PreferIPv6:    f.PrimaryIPPreference == settings.IPv6,
		Filter:        filter(v),
	}
}

// OpenNetBox opens the NetBox and returns the settings with the plugin's among
// them. Errors say what to do about them.
func (l *Launcher) OpenNetBox(ctx context.Context, readOnly bool, branch string) (*netbox.Client, *settings.Values, error) {
	return l.reachNetBox(ctx, readOnly, branch, func(Event) {})
}

// reachNetBox is OpenNetBox for who watches: what is waited for is told, now
// and in all that the client does later.
func (l *Launcher) reachNetBox(ctx context.Context, readOnly bool, branch string, watch func(Event)) (*netbox.Client, *settings.Values, error) {
	ep, err := l.Endpoints.NetBox(ctx)
	if err != nil {
		return nil, nil, err
	}
	known, ok := l.Memory.known(ep)
	if !ok {
		if known, err = l.probe(ctx, ep, watch); err != nil {
			return nil, nil, err
		}
		l.Memory.learn(ep, known)
	}
	if branch != "" && !known.caps.Branching {
		return nil, nil, ErrNoBranches
	}
	opts := l.netboxOptions(known.values, readOnly, branch, &known.caps)
	opts.Retrying = waiting(watch)
	nb, err := netbox.Open(ep, opts)
	return nb, known.values, err
}

// probe asks a NetBox what it can do and what its plugin is set to.
func (l *Launcher) probe(ctx context.Context, ep domain.NetBoxEndpoint, watch func(Event)) (known, error) {
	opts := l.netboxOptions(l.Settings, true, "", nil)
	opts.Retrying = waiting(watch)
	nb, err := netbox.Open(ep, opts)
	if err != nil {
		return known{}, err
	}
	defer nb.Close()
	watch(Event{Step: &Step{Name: reach, Status: Started, Message: "Asking NetBox " + nb.URL() + " what it can do"}})
	caps, err := nb.Probe(ctx)
	if err != nil {
		return known{}, fmt.Errorf("read NetBox: %w", err)
	}
	out := known{caps: caps, values: l.Settings}
	if caps.Plugin != "" {
		out.values = l.withPlugin(ctx, nb, caps)
	}
	watch(Event{Step: &Step{Name: reach, Status: Completed, Message: reached(caps)}})
	return out, nil
}

func (l *Launcher) netboxOptions(v *settings.Values, readOnly bool, branch string, known *netbox.Capabilities) netbox.Options {
	retries := settings.NetBoxMaxRetries.In(v)
	if retries == 0 {
		retries = -1 // zero is the default there
	}
	return netbox.Options{
		MaxConcurrent: settings.NetBoxMaxConcurrent.In(v), MaxRetries: retries, RetryDelay: settings.NetBoxRetryDelay.In(v),
		Timeout: settings.NetBoxTimeout.In(v), Branch: branch, ReadOnly: readOnly, Known: known,
		Transport: l.NetBoxTransport, Logger: l.logger(), Observe: l.ObserveNetBox,
	}
}

// withPlugin puts the plugin's settings between the environment and the
// defaults. A plugin that does not show them to the token changes nothing.
func (l *Launcher) withPlugin(ctx context.Context, nb *netbox.Client, caps netbox.Capabilities) *settings.Values {
	raw, err := nb.Get(ctx, "plugins/proxbox/settings/runtime/", nil)
	var fields map[string]any
	if err == nil {
		err = json.Unmarshal(raw, &fields)
	}
	if err != nil {
		l.logger().Warn("the plugin's settings cannot be read; the environment and the defaults hold", "error", err)
		return l.Settings
	}
	values, notices := l.Settings.WithPlugin(caps.Plugin, fields)
	for _, n := range notices {
		l.logger().Warn(n)
	}
	return values
}

// source reads one endpoint for a run.
type source struct {
	*proxmox.Client
	need   need
	memory *Memory
}

// Snapshot implements Source.
func (s *source) Snapshot(ctx context.Context) (*domain.Snapshot, error) {
	return s.memory.snapshot(ctx, s.Endpoint(), s.need, s.SnapshotAfter)
}

// unopened is an endpoint that cannot be asked as it is stored. The run says so
// in its name, as of one that does not answer.
type unopened struct {
	endpoint domain.ProxmoxEndpoint
	why      error
}

// Endpoint implements Source.
func (u unopened) Endpoint() domain.ProxmoxEndpoint { return u.endpoint }

// Snapshot implements Source.
func (u unopened) Snapshot(context.Context) (*domain.Snapshot, error) { return nil, u.why }

// sources are the endpoints that a run reads; release must be called after it.
func (l *Launcher) sources(ctx context.Context, v *settings.Values, f settings.Flags, ask Ask, run string) (all []Source, release func(), err error) {
	endpoints, err := l.Endpoints.Proxmox(ctx, ask.Endpoints)
	if err != nil {
		return nil, nil, err
	}
	scope := ask.withNetwork(f).Scope()
	if ask.Target != nil {
		scope = ask.Target.scope(ask.stage())
	}
	for _, g := range ask.Guests {
		scope.Guests = append(scope.Guests, g.VMID)
	}
	scope.AgentOS = f.SyncVMPlatformFromGuestAgent && scope.Configs
	scope.AgentHostname = settings.DNSNameFromGuestAgent.In(v) && scope.Agent
	scope.Tasks = scope.Tasks && f.SyncTaskHistory
	var clients []*proxmox.Client
	for _, ep := range endpoints {
		client, err := l.openProxmox(ep, v, f.FetchMaxConcurrency)
		if err != nil {
			all = append(all, unopened{ep, err})
			continue
		}
		clients = append(clients, client)
		all = append(all, &source{client, need{run, ask.stage().Name, scope}, l.Memory})
	}
	return all, func() {
		for _, c := range clients {
			c.Close()
		}
	}, nil
}

// OpenProxmox opens one endpoint by the settings.
func (l *Launcher) OpenProxmox(ep domain.ProxmoxEndpoint, v *settings.Values) (*proxmox.Client, error) {
	return l.openProxmox(ep, v, settings.FetchMaxConcurrency.In(v))
}

func (l *Launcher) openProxmox(ep domain.ProxmoxEndpoint, v *settings.Values, inFlight int) (*proxmox.Client, error) {
	left := filter(v)
	opts := proxmox.Options{
		SkipGuest:    func(g domain.Guest) bool { return !left.Guest(g) },
		SkipStorage:  func(name string) bool { return !left.Storage(name) },
		AgentTimeout: settings.GuestAgentTimeout.In(v), ConfigTimeout: settings.VMConfigFetchTimeout.In(v),
		Concurrency: settings.VMSyncMaxConcurrency.In(v), InFlight: inFlight, Logger: l.logger(),
		Observe: l.ObserveProxmox, TaskLimit: settings.TaskHistoryLimit.In(v),
	}
	if l.ProxmoxTransport != nil {
		opts.Transport = l.ProxmoxTransport(ep)
	}
	return proxmox.Open(settings.ForEndpoint(v, ep), opts)
}

func (l *Launcher) logger() *slog.Logger {
	if l.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return l.Log
}

// Given are endpoints that are not stored: those of the command line.
type Given struct {
	NetBoxEndpoint   domain.NetBoxEndpoint
	ProxmoxEndpoints []domain.ProxmoxEndpoint
}

// NetBox implements Endpoints.
func (g Given) NetBox(context.Context) (domain.NetBoxEndpoint, error) { return g.NetBoxEndpoint, nil }

// Proxmox implements Endpoints.
func (g Given) Proxmox(_ context.Context, ids []int) ([]domain.ProxmoxEndpoint, error) {
	if len(ids) == 0 {
		return g.ProxmoxEndpoints, nil
	}
	var out []domain.ProxmoxEndpoint
	for _, id := range ids {
		i := slices.IndexFunc(g.ProxmoxEndpoints, func(e domain.ProxmoxEndpoint) bool { return e.ID == id })
		if i < 0 {
			return nil, &UnknownEndpointError{ID: id}
		}
		out = append(out, g.ProxmoxEndpoints[i])
	}
	return out, nil
}
