package server

import (
	"context"
	"net/http"
	"time"
)

// activeRun is a run that has not ended.
type activeRun struct {
	ID        string `json:"id"`
	Kind      string `json:"kind"`
	StartedAt string `json:"started_at"`
}

type activeOutput struct {
	Body struct {
		Active    bool        `json:"active"`
		StartedAt *string     `json:"started_at" doc:"Of the oldest run"`
		ID        *string     `json:"id"`
		Kind      *string     `json:"kind"`
		Runs      []activeRun `json:"runs" nullable:"false" doc:"The oldest first"`
	}
}

type runInput struct {
	ID string `path:"run_id" maxLength:"64"`
}

func (s *Server) activeRoutes() {
	register(s, operation(http.MethodGet, "/sync/active", "sync", "sync-active", "What is running"),
		func(context.Context, *struct{}) (*activeOutput, error) { return s.active(), nil })
	cancel := operation(http.MethodPost, "/sync/active/{run_id}/cancel", "sync", "sync-cancel", "Stop a run before its next write", http.StatusNotFound)
	cancel.DefaultStatus = http.StatusAccepted
	register(s, cancel, func(_ context.Context, in *runInput) (*detailOutput, error) {
		if !s.launcher.Manager.Cancel(in.ID) {
			return nil, fail(http.StatusNotFound, "There is no run %s, or it has ended; GET /sync/active lists what is running.", in.ID)
		}
		out := &detailOutput{}
		out.Body.Detail = "The run stops before its next write."
		return out, nil
	})
}

func (s *Server) active() *activeOutput {
	out := &activeOutput{}
	out.Body.Runs = []activeRun{}
	for _, r := range s.launcher.Manager.Active() {
		out.Body.Runs = append(out.Body.Runs, activeRun{r.ID, r.Kind, r.Started.UTC().Format(time.RFC3339)})
	}
	if len(out.Body.Runs) > 0 {
		first := out.Body.Runs[0]
		out.Body.Active, out.Body.ID, out.Body.Kind, out.Body.StartedAt = true, &first.ID, &first.Kind, &first.StartedAt
	}
	return out
}
