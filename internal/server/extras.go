package server

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"proxbox/internal/desire"
	"proxbox/internal/domain"
	"proxbox/internal/plan"
	"proxbox/internal/run"
)

// bootstrapStatus says whether NetBox has what every sync needs, in the shape
// of the Python service, which makes it when it starts.
type bootstrapStatus struct {
	OK        bool               `json:"ok"`
	Skipped   bool               `json:"skipped" doc:"Nothing was looked at, or there was nothing to do"`
	Reason    *string            `json:"reason"`
	Detail    string             `json:"detail,omitempty"`
	Warnings  []bootstrapWarning `json:"warnings" nullable:"false"`
	Created   []string           `json:"created" nullable:"false"`
	Patched   []string           `json:"patched" nullable:"false"`
	Unchanged []string           `json:"unchanged" nullable:"false" doc:"What NetBox has"`
	Missing   []string           `json:"missing" nullable:"false" doc:"What the next sync makes"`
}

// bootstrapWarning is an object that could not be made or read.
type bootstrapWarning struct {
	Object string `json:"object"`
	Error  string `json:"error"`
}

func newBootstrapStatus(reason string) *bootstrapStatus {
	return &bootstrapStatus{Reason: orNull(reason), Warnings: []bootstrapWarning{}, Created: []string{}, Patched: []string{}, Unchanged: []string{}, Missing: []string{}}
}

// Reasons of a status that is not simply well.
const (
	reasonNoNetBox    = "no_netbox_session"
	reasonUnreachable = "netbox_unreachable"
	reasonNextSync    = "made_by_next_sync"
	reasonSyncState   = "sync_state_rows"
)

// bootstrapPatience is less than the plugin's.
const bootstrapPatience = 4 * time.Second

type vocabularyOutput struct{ Body bootstrapStatus }

func (s *Server) extrasRoutes() {
	status := operation(http.MethodGet, "/extras/bootstrap-status", "extras", "extras-bootstrap-status", "Whether NetBox has the tags, roles and types that every sync needs")
	register(s, status, func(ctx context.Context, in *lookInput) (*vocabularyOutput, error) {
		return &vocabularyOutput{*s.bootstrap(ctx, branchOf(in.query))}, nil
	})
	statuses := []int{http.StatusConflict, http.StatusBadGateway, http.StatusGatewayTimeout}
	reconcile := operation(http.MethodPost, "/extras/custom-fields/reconcile", "extras", "custom-fields-reconcile",
		"Make the custom fields that release 0.0.15 of the plugin needs and NetBox does not have", statuses...)
	register(s, reconcile, func(ctx context.Context, in *lookInput) (*vocabularyOutput, error) {
		res, err := s.makeCustomFields(ctx, branchOf(in.query))
		if err != nil {
			return nil, err
		}
		return &vocabularyOutput{*customFieldsMade(res)}, nil
	})
	list := lookOperation("/extras/extras/custom-fields/create", "custom-fields-create", "extras", "The same, answered with the custom fields as NetBox has them")
	list.Responses = listResponse()
	register(s, list, func(ctx context.Context, in *lookInput) (*objectOutput, error) {
		if _, err := s.makeCustomFields(ctx, branchOf(in.query)); err != nil {
			return nil, err
		}
		names := url.Values{}
		for _, o := range desire.CustomFields(true) {
			names.Add("name", string(o.Key))
		}
		raw, err := s.lookList(ctx, "extras/custom-fields/", names, branchOf(in.query))
		return &objectOutput{raw}, netboxProblem(err)
	})
}

// bootstrap looks, and makes nothing: syncs make what they need.
func (s *Server) bootstrap(ctx context.Context, branch string) *bootstrapStatus {
	ctx, cancel := context.WithTimeout(ctx, bootstrapPatience)
	defer cancel()
	nb, _, err := s.launcher.OpenNetBox(ctx, true, branch)
	if errors.Is(err, run.ErrNoNetBox) {
		out := newBootstrapStatus(reasonNoNetBox)
		out.Skipped, out.Detail = true, sentence(err)
		return out
	}
	var all []run.Known
	if err == nil {
		defer nb.Close()
		all, err = run.Vocabulary(ctx, nb)
	}
	if err != nil {
		out := newBootstrapStatus(reasonUnreachable)
		out.Warnings = append(out.Warnings, bootstrapWarning{"netbox", bounded(err.Error())})
		return out
	}
	out := newBootstrapStatus("")
	out.OK = true
	for _, k := range all {
		if k.There {
			out.Unchanged = append(out.Unchanged, labelOf(k.Object))
		} else {
			out.Missing = append(out.Missing, labelOf(k.Object))
		}
	}
	if len(out.Missing) > 0 {
		out.Reason = orNull(reasonNextSync)
	}
	return out
}

// labelOf is an object as the Python service calls it: "tag:Proxbox".
func labelOf(o domain.Object) string {
	kinds := map[domain.Kind]string{domain.KindTag: "tag", domain.KindClusterType: "cluster_type", domain.KindManufacturer: "manufacturer",
		domain.KindDeviceType: "device_type", domain.KindDeviceRole: "device_role", domain.KindVirtualMachineType: "vm_type",
		domain.KindCustomField: "custom_field"}
	name := string(o.Key)
	if o.Kind == domain.KindTag {
		name = nameOf(&o)
	}
	kind := kinds[o.Kind]
	if vm, _ := o.Fields["vm_role"].(bool); vm {
		kind = "vm_role"
	}
	return kind + ":" + name
}

// makeCustomFields runs the engine for the custom fields alone.
func (s *Server) makeCustomFields(ctx context.Context, branch string) (*run.Result, error) {
	if _, err := s.launcher.Endpoints.NetBox(ctx); err != nil {
		return nil, err
	}
	return s.await(ctx, func() (*run.Run, error) { return s.launcher.MakeCustomFields(branch), nil })
}

// customFieldsMade sums up what became of the custom fields.
func customFieldsMade(res *run.Result) *bootstrapStatus {
	out := newBootstrapStatus("")
	out.OK = res.Outcome == run.OutcomeCompleted
	if len(res.Wanted) == 0 {
		out.Skipped, out.Reason = true, orNull(reasonSyncState)
		out.Detail = "This release of the plugin keeps what a sync has to remember in rows of its own; it needs no custom fields."
		return out
	}
	touched := map[domain.Key]bool{}
	for _, c := range res.Done {
		touched[c.Key] = true
		if c.Op == plan.Create {
			out.Created = append(out.Created, "custom_field:"+string(c.Key))
		} else {
			out.Patched = append(out.Patched, "custom_field:"+string(c.Key))
		}
	}
	var failed []string
	for _, r := range res.Reports {
		touched[r.Key] = true
		text := bounded(reportText(&r))
		failed = append(failed, text)
		out.Warnings = append(out.Warnings, bootstrapWarning{"custom_field:" + string(r.Key), text})
	}
	if out.Detail = bounded(strings.Join(failed, "; ")); !out.OK {
		out.Reason = orNull("custom_fields_refused")
	}
	for _, o := range res.Wanted {
		if !touched[o.Key] {
			out.Unchanged = append(out.Unchanged, "custom_field:"+string(o.Key))
		}
	}
	return out
}
