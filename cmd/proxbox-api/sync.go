package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"proxbox/internal/domain"
	"proxbox/internal/plan"
	"proxbox/internal/run"
	"proxbox/internal/settings"
)

// syncFlags are the flags of plan and sync.
type syncFlags struct {
	netbox       netboxFlags
	proxmox      proxmoxFlags
	insecure     bool
	stage        string
	endpoints    []string
	guests       []string
	set          []string
	branch       string
	overrideFuse bool
	json         bool
}

const whereFrom = `
The endpoints are those of the service's database ("endpoints list"), unless
flags or variables name others. With both named, no database is opened.

Exit codes: 0 completed (conflicts are listed), 2 partial (objects failed, and
are listed), 1 failed. Ctrl-C stops at a batch boundary, a second one at once;
the next run goes on from what NetBox has.`

func (p *program) syncCommand() *cobra.Command {
	var f syncFlags
	c := &cobra.Command{
		Use:   "sync",
		Short: "Bring NetBox up to date, once",
		Long:  "Reads Proxmox and NetBox and writes to NetBox what differs.\n" + whereFrom,
		Example: `  proxbox-api sync
  proxbox-api sync --stage virtual-machines --endpoint pve1
  proxbox-api sync --netbox-url https://netbox.example.org --netbox-token-file token.txt \
      --proxmox-url https://pve1.example.org:8006 \
      --proxmox-token-id proxbox@pve!sync --proxmox-token-secret-file secret.txt`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return p.sync(c.Context(), f, false) },
	}
	f.add(c)
	return c
}

func (p *program) planCommand() *cobra.Command {
	var f syncFlags
	c := &cobra.Command{
		Use:   "plan",
		Short: "Show what a sync would write, and write nothing",
		Long: `Reads Proxmox and NetBox and prints what differs, field by field, old → new,
with the reason. NetBox is opened for reading only.
` + whereFrom,
		Example: `  proxbox-api plan
  proxbox-api plan --guest qemu/100
  proxbox-api plan --json | jq '.changes[] | select(.op == "delete")'`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return p.sync(c.Context(), f, true) },
	}
	f.add(c)
	c.Flags().BoolVar(&f.json, "json", false, "print the plan as JSON")
	return c
}

func (f *syncFlags) add(c *cobra.Command) {
	flags := c.Flags()
	f.netbox.add(flags, "netbox-")
	f.proxmox.add(flags, "proxmox-")
	flags.BoolVar(&f.insecure, "insecure", false, "take any certificate of the endpoints that are named here ("+settings.Insecure.Env+")")
	names := make([]string, len(run.Stages))
	for i, s := range run.Stages {
		names[i] = s.Name
	}
	flags.StringVar(&f.stage, "stage", "", "only one `stage`: "+strings.Join(names, ", "))
	_ = c.RegisterFlagCompletionFunc("stage", cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp)) // fails only for no such flag
	flags.StringArrayVar(&f.endpoints, "endpoint", nil, "only this stored Proxmox endpoint, by `ID|NAME`; may be repeated")
	flags.StringArrayVar(&f.guests, "guest", nil, "only this `guest`: 100, qemu/100 or lxc/101; may be repeated")
	flags.StringArrayVar(&f.set, "set", nil, "a flag of the run as `NAME=VALUE`, such as overwrite_vm_tags=false; may be repeated (docs/settings.md lists them)")
	flags.StringVar(&f.branch, "branch", "", "schema `ID` of a branch of netbox-branching to work in")
	flags.BoolVar(&f.overrideFuse, "override-fuse", false, "remove more than the fuse allows, this once")
}

// ask is what the flags ask for; the endpoints are left to the store.
func (f *syncFlags) ask(dryRun bool) (run.Ask, error) {
	stage, err := run.StageNamed(f.stage)
	if err != nil {
		return run.Ask{}, err
	}
	ask := run.Ask{Stage: stage, Query: url.Values{}, DryRun: dryRun, OverrideFuse: f.overrideFuse}
	for _, text := range f.guests {
		g, err := parseGuest(text)
		if err != nil {
			return run.Ask{}, err
		}
		ask.Guests = append(ask.Guests, g)
	}
	for _, text := range f.set {
		name, value, ok := strings.Cut(text, "=")
		if !ok {
			return run.Ask{}, fmt.Errorf("--set %s has no value: write it as name=value", text)
		}
		if !slices.ContainsFunc(settings.All(), func(s *settings.Setting) bool { return s.Param == name }) {
			return run.Ask{}, fmt.Errorf("--set %s: there is no flag of that name; docs/settings.md lists them", name)
		}
		ask.Query.Set(name, value)
	}
	if f.branch != "" {
		ask.Query.Set("netbox_branch_schema_id", f.branch)
	}
	return ask, ask.Check()
}

func parseGuest(text string) (run.GuestID, error) {
	kind, number, ok := strings.Cut(text, "/")
	if !ok {
		kind, number = "", text
	}
	vmid, err := strconv.Atoi(number)
	if err != nil || vmid < 1 || kind != "" && kind != string(domain.QEMU) && kind != string(domain.LXC) {
		return run.GuestID{}, fmt.Errorf("--guest %s is no guest: write 100, qemu/100 or lxc/101", text)
	}
	return run.GuestID{Type: domain.GuestType(kind), VMID: vmid}, nil
}

func (p *program) sync(ctx context.Context, f syncFlags, dryRun bool) error {
	v, err := p.settings()
	if err != nil {
		return err
	}
	ask, err := f.ask(dryRun)
	if err != nil {
		return err
	}
	given, err := f.given(ctx, p, v)
	if err != nil {
		return err
	}
	if given.proxmox != nil && len(f.endpoints) > 0 {
		return errors.New("--endpoint chooses among the stored endpoints, and --proxmox-url names one that is not stored: give one of the two")
	}
	log := p.commandLog(v)
	if given.netbox != nil && given.proxmox != nil {
		return p.carryOut(ctx, p.launcher(v, log, given), ask, f.json)
	}
	a, err := p.open(ctx, v, log)
	if err != nil {
		return err
	}
	return errors.Join(p.syncStored(ctx, a, given, ask, f), a.store.Close())
}

func (p *program) syncStored(ctx context.Context, a *app, given mixed, ask run.Ask, f syncFlags) error {
	stored := run.Stored{Store: a.store}
	if given.netbox == nil {
		given.netbox = stored
	}
	if given.proxmox == nil {
		given.proxmox = stored
		var err error
		if ask.Endpoints, err = endpointIDs(ctx, a.store, f.endpoints); err != nil {
			return err
		}
	}
	l := p.launcher(a.values, a.log, given)
	l.Gate = a.gate
	if !ask.DryRun {
		l.History = a.store.Runs()
	}
	return p.carryOut(ctx, l, ask, f.json)
}

// given are the endpoints that flags and variables name; nil for those that
// they do not.
func (f *syncFlags) given(ctx context.Context, p *program, v *settings.Values) (mixed, error) {
	f.netbox.insecure, f.proxmox.insecure = f.insecure, f.insecure
	var out mixed
	nb, err := f.netbox.change(ctx, p, v)
	if err != nil {
		return out, err
	}
	if nb != nil {
		e, err := nb.Endpoint()
		if err != nil {
			return out, inFlags(err)
		}
		out.netbox = run.Given{NetBoxEndpoint: e}
	}
	px, err := f.proxmox.change(ctx, p, v)
	if err != nil {
		return out, err
	}
	if px != nil {
		e, err := px.Endpoint()
		if err != nil {
			return out, inFlags(err)
		}
		e.ID = givenID(e.ProxmoxEndpoint)
		out.proxmox = run.Given{ProxmoxEndpoints: []domain.ProxmoxEndpoint{e.ProxmoxEndpoint}}
	}
	return out, nil
}

// carryOut runs what is asked, shows how it goes and says how it ended.
func (p *program) carryOut(ctx context.Context, l *run.Launcher, ask run.Ask, asJSON bool) error {
	sent := countRequests(l)
	r, err := l.Start(ask)
	if err != nil {
		return err
	}
	show := p.progress()
	events, stop := r.Listen()
	defer stop()
	stopping := ctx.Done()
	for events != nil {
		select {
		case e, ok := <-events:
			if !ok {
				events = nil
				break
			}
			show.event(e)
		case <-stopping:
			stopping = nil
			show.line("Stopping at the next batch boundary; Ctrl-C once more stops at once")
			l.Manager.Cancel(r.ID)
		}
	}
	<-r.Done()
	show.end()
	res, err := r.Result()
	if err != nil && ctx.Err() != nil {
		written := 0
		if res != nil {
			written = res.Created + res.Updated + res.Deleted
		}
		return fmt.Errorf("the run was stopped after %s; the next run goes on from there", count(written, "write"))
	}
	if err != nil {
		return err
	}
	s := summary{result: res, ask: ask, sent: sent}
	if asJSON {
		err = s.json(p)
	} else {
		err = s.text(p)
	}
	if err == nil && res.Outcome == run.OutcomePartial {
		err = exitError(exitPartial)
	}
	return err
}

// shownPlan is a plan as --json prints it.
type shownPlan struct {
	Changes   []plan.Shown   `json:"changes"`
	Unchanged int            `json:"unchanged"`
	Reports   []shownReport  `json:"reports"`
	Problems  []shownProblem `json:"problems"`
}

type shownProblem struct {
	What   string `json:"what"`
	Reason string `json:"reason"`
	WayOut string `json:"way_out,omitempty"`
}

type shownReport struct {
	Outcome plan.Outcome `json:"outcome"`
	Kind    domain.Kind  `json:"kind,omitempty"`
	Object  string       `json:"object"`
	Field   string       `json:"field,omitempty"`
	Reason  string       `json:"reason"`
	WayOut  string       `json:"way_out,omitempty"`
}

func (s summary) json(p *program) error {
	out := shownPlan{Changes: s.result.Plan.Show(s.result.Inventory), Unchanged: s.result.Plan.Unchanged,
		Reports: []shownReport{}, Problems: []shownProblem{}}
	for _, problem := range s.result.Problems {
		out.Problems = append(out.Problems, shownProblem{problem.What, problem.Reason, problem.WayOut})
	}
	for _, r := range s.result.Reports {
		out.Reports = append(out.Reports, shownReport{r.Outcome, r.Kind, r.Label, r.Field, r.Reason, r.WayOut})
	}
	encoder := json.NewEncoder(p.stdout)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(out)
}
