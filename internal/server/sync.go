package server

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"proxbox/internal/auth"
	"proxbox/internal/run"
	"proxbox/internal/settings"
)

// syncInput is a request for a run. Its parameters are read by package
// settings, which knows them all; the rest is ignored.
type syncInput struct{ query url.Values }

// Resolve implements huma.Resolver.
func (in *syncInput) Resolve(ctx huma.Context) []error {
	u := ctx.URL()
	in.query = u.Query()
	return nil
}

// guestInput is a request for a run of one guest.
type guestInput struct {
	syncInput
	ID int `path:"netbox_vm_id" minimum:"1" doc:"Of the virtual machine in NetBox"`
}

type (
	streamOutput struct{ Body func(huma.Context) }
	fullOutput   struct{ Body fullLists }
	listOutput   struct {
		Body []listed `nullable:"false"`
	}
	stageOutput struct{ Body stageResult }
)

func (s *Server) syncRoutes() {
	statuses := []int{http.StatusConflict, http.StatusBadGateway, http.StatusGatewayTimeout}
	full := syncOperation("/full-update", "full-update", "Bring NetBox up to date with Proxmox", statuses)
	register(s, full, func(ctx context.Context, in *syncInput) (*fullOutput, error) {
		ask, res, err := s.wait(ctx, run.FullUpdate, in.query, 0)
		if err != nil {
			return nil, err
		}
		return &fullOutput{fullListsOf(ask, res)}, nil
	})
	s.streamRoute("/full-update/stream", run.FullUpdate, "The same, told as it happens", statuses)
	for _, r := range stageRoutes {
		w := stageOfWire(r.stage)
		if r.stream != "" {
			s.streamRoute(r.stream, w.stage(), "Sync "+w.title+", told as it happens", statuses)
		}
		if r.plain != "" {
			s.plainRoute(r.plain, w, statuses)
		}
	}
}

// syncOperation describes a route that starts a run.
func syncOperation(path, id, summary string, statuses []int) huma.Operation {
	op := operation(http.MethodGet, path, "sync", id, summary, slices.Clone(statuses)...)
	for _, p := range runParams() {
		op.Parameters = append(op.Parameters, &huma.Param{Ref: "#/components/parameters/" + p.Name})
	}
	return op
}

// runParams are the parameters of every route that starts a run.
func runParams() []*huma.Param {
	text := &huma.Schema{Type: huma.TypeString}
	all := []*huma.Param{
		{Name: "proxmox_endpoint_ids", In: "query", Schema: text, Description: "Proxmox endpoints by their ids, parted by commas; without it, every enabled one."},
		{Name: "netbox_vm_ids", In: "query", Schema: text, Description: "Guests by their ids in NetBox, parted by commas; without it, all."},
		{Name: "netbox_branch_schema_id", In: "query", Schema: text, Description: "The NetBox branch to read and write."},
		{Name: "dry_run", In: "query", Schema: text, Description: "Plan, and write nothing."},
		{Name: "sync_vm_network", In: "query", Schema: text, Description: "Whether the virtual machines' stage writes their interfaces and addresses too."},
		{Name: "sync_task_history", In: "query", Schema: text, Description: "Whether it writes their task history too."},
		{Name: "assign_vm_interface_ips", In: "query", Schema: text, Description: "Whether addresses are assigned to interfaces."},
		{Name: "sync_vm_interface_macs", In: "query", Schema: text, Description: "Whether interfaces get their MAC addresses."},
		{Name: "delete_nonexistent_backup", In: "query", Schema: text, Description: "Remove the rows of backups that are gone."},
		{Name: "delete_nonexistent_snapshot", In: "query", Schema: text, Description: "Remove the rows of snapshots that are gone."},
	}
	for _, f := range settings.All() {
		if f.Param != "" {
			all = append(all, &huma.Param{Name: f.Param, In: "query", Schema: text, Description: f.Doc + " It must be " + f.Form + "."})
		}
	}
	return all
}

// streamRoute registers a run that is told as it happens.
func (s *Server) streamRoute(path string, stage run.Stage, summary string, statuses []int) {
	op := syncOperation(path, operationID(path), summary, statuses)
	op.Responses = map[string]*huma.Response{"200": {Description: "Events; the last is complete", Content: map[string]*huma.MediaType{
		"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}},
	}}}
	if strings.Contains(path, "{netbox_vm_id}") {
		op.Errors = append(op.Errors, http.StatusNotFound)
		register(s, op, func(ctx context.Context, in *guestInput) (*streamOutput, error) {
			return s.stream(ctx, stage, in.query, in.ID)
		})
		return
	}
	register(s, op, func(ctx context.Context, in *syncInput) (*streamOutput, error) {
		return s.stream(ctx, stage, in.query, 0)
	})
}

// plainRoute registers a run that is answered when it has ended.
func (s *Server) plainRoute(path string, w wireStage, statuses []int) {
	op := syncOperation(path, operationID(path), "Sync "+w.title, statuses)
	list := func(ctx context.Context, query url.Values, vm int) (*listOutput, error) {
		_, res, err := s.wait(ctx, w.stage(), query, vm)
		if err != nil {
			return nil, err
		}
		return &listOutput{tallies([]wireStage{w}, res)[0].done()}, nil
	}
	switch {
	case strings.Contains(path, "{netbox_vm_id}"):
		op.Errors = append(op.Errors, http.StatusNotFound)
		register(s, op, func(ctx context.Context, in *guestInput) (*listOutput, error) { return list(ctx, in.query, in.ID) })
	case w.list:
		register(s, op, func(ctx context.Context, in *syncInput) (*listOutput, error) { return list(ctx, in.query, 0) })
	default:
		register(s, op, func(ctx context.Context, in *syncInput) (*stageOutput, error) {
			_, res, err := s.wait(ctx, w.stage(), in.query, 0)
			if err != nil {
				return nil, err
			}
			return &stageOutput{tallies([]wireStage{w}, res)[0].result()}, nil
		})
	}
}

func operationID(path string) string {
	return strings.NewReplacer("{", "", "}", "", "/", "-", "_", "-").Replace(strings.Trim(path, "/"))
}

// stream starts a run and follows it.
func (s *Server) stream(ctx context.Context, stage run.Stage, query url.Values, vm int) (*streamOutput, error) {
	ask, err := s.ask(ctx, stage, query, vm)
	if err != nil {
		return nil, err
	}
	client, _ := ctx.Value(clientKey).(netip.Addr)
	if err := s.cancels.again(auth.Source(client), ask); err != nil {
		return nil, err
	}
	if !s.open() {
		return nil, errClosing
	}
	r, err := s.launcher.Start(ask)
	if err != nil {
		s.streams.Done()
		return nil, err
	}
	return &streamOutput{func(c huma.Context) {
		defer s.streams.Done()
		req, w := humachi.Unwrap(c)
		s.follow(w, req, ask, r)
	}}, nil
}

// open counts a request that Close has to wait for; false when it is too late.
func (s *Server) open() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Err() != nil {
		return false
	}
	s.streams.Add(1)
	return true
}

// wait starts the run that a request means and returns how it ended.
func (s *Server) wait(ctx context.Context, stage run.Stage, query url.Values, vm int) (run.Ask, *run.Result, error) {
	ask, err := s.ask(ctx, stage, query, vm)
	if err != nil {
		return ask, nil, err
	}
	res, err := s.carryOut(ctx, ask)
	return ask, res, err
}

// carryOut starts a run and returns how it ended.
func (s *Server) carryOut(ctx context.Context, ask run.Ask) (*run.Result, error) {
	return s.await(ctx, func() (*run.Run, error) { return s.launcher.Start(ask) })
}

// await starts a run and returns how it ended. One that has to wait for
// another too long is 409; it keeps its place for who asks again.
func (s *Server) await(ctx context.Context, start func() (*run.Run, error)) (*run.Result, error) {
	if !s.open() {
		return nil, errClosing
	}
	defer s.streams.Done()
	r, err := start()
	if err != nil {
		return nil, err
	}
	events, stop := r.Listen()
	defer stop()
	patience := time.NewTimer(s.patience)
	defer patience.Stop()
	began, waiting, impatient := false, "", false
	for {
		if impatient && waiting != "" && !began {
			return nil, s.busy(r, waiting)
		}
		select {
		case e, more := <-events:
			if !more {
				<-r.Done()
				return r.Result()
			}
			if e.Step != nil && e.Step.Name == "wait" {
				waiting = e.Step.Message
			} else {
				began = true
			}
		case <-patience.C:
			impatient = true
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-s.closing.Done():
			return nil, errClosing
		}
	}
}

func (s *Server) busy(r *run.Run, waiting string) error {
	e := fail(http.StatusConflict, "%s. Ask again: this %s run %s keeps its place for %d seconds. POST /sync/active/{id}/cancel stops the other.",
		waiting, r.Kind, r.ID, int(run.Abandoned.Seconds()))
	e.Message, e.Code = "Another sync is running", "sync_running"
	for _, other := range s.launcher.Manager.Active() {
		if other != r {
			e.Run = other.ID
			break
		}
	}
	return e.retryAfter(5 * time.Second)
}

// ask is the run that a request means. Everything that can be said before it
// begins is said here, with a status of its own.
func (s *Server) ask(ctx context.Context, stage run.Stage, query url.Values, vm int) (run.Ask, error) {
	ask := run.Ask{Stage: stage, Query: query}
	if err := ask.Check(); err != nil {
		return ask, err
	}
	var err error
	if ask.DryRun, err = boolean(query, "dry_run"); err != nil {
		return ask, err
	}
	if ask.Endpoints, err = ids(query, "proxmox_endpoint_ids", "endpoint_ids"); err != nil {
		return ask, err
	}
	vms, err := ids(query, "netbox_vm_ids")
	if err != nil {
		return ask, err
	}
	if vm != 0 {
		vms = []int{vm} // the path says more than the parameter
	}
	if _, err := s.launcher.Endpoints.NetBox(ctx); err != nil {
		return ask, err
	}
	if len(vms) > 0 {
		if err := s.resolveGuests(ctx, vms, vm != 0, &ask); err != nil {
			return ask, err
		}
	}
	if vmid := query.Get("vmid"); vmid != "" && len(vms) == 0 && (stage.Name == "backups" || stage.Name == "snapshots") {
		n, err := strconv.Atoi(vmid)
		if err != nil || n < 1 {
			return ask, invalid("query", "vmid", "vmid must be the number of a guest in Proxmox")
		}
		ask.Guests = []run.GuestID{{VMID: n}}
	}
	endpoints, err := s.launcher.Endpoints.Proxmox(ctx, ask.Endpoints)
	if err == nil && len(endpoints) == 0 {
		err = run.ErrNothing
	}
	return ask, err
}

// maxIDs is how many ids one parameter may hold.
const maxIDs = 100

// ids reads a list of ids from the first parameter that is given. One that is
// given and empty narrows a run to nothing, which nobody means.
func ids(query url.Values, names ...string) ([]int, error) {
	for _, name := range names {
		values, given := query[name]
		if !given {
			continue
		}
		var all []int
		for part := range strings.SplitSeq(strings.Join(values, ","), ",") {
			id, err := strconv.Atoi(strings.TrimSpace(part))
			if err != nil || id < 1 {
				return nil, invalid("query", name, name+" must be ids parted by commas, such as 1,2. Leave it out for all.")
			}
			all = append(all, id)
		}
		slices.Sort(all)
		if all = slices.Compact(all); len(all) > maxIDs {
			return nil, invalid("query", name, name+" holds more than 100 ids. Ask in several requests.")
		}
		return all, nil
	}
	return nil, nil
}

func boolean(query url.Values, name string) (bool, error) {
	switch strings.ToLower(strings.TrimSpace(query.Get(name))) {
	case "", "false", "0", "no", "off":
		return false, nil
	case "true", "1", "yes", "on":
		return true, nil
	}
	return false, invalid("query", name, name+" must be true or false")
}
