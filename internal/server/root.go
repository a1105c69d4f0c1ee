package server

import (
	"context"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
)

const healthPath = "/health"

type rootOutput struct {
	Body struct {
		Message string `json:"message"`
		Proxbox struct {
			GitHub string `json:"github"`
			Docs   string `json:"docs"`
		} `json:"proxbox"`
		FastAPI struct {
			GitHub  string `json:"github"`
			Website string `json:"website"`
			Reason  string `json:"reason"`
		} `json:"fastapi" doc:"There for clients that expect it"`
	}
}

type healthOutput struct {
	Status int
	Body   struct {
		Status string `json:"status" enum:"ready,unready"`
		InitOK bool   `json:"init_ok"`
		Reason string `json:"reason,omitempty"`
	}
}

type versionOutput struct {
	Body struct {
		Version string `json:"version" doc:"The release of proxbox-api whose interface this is"`
		Build   string `json:"build" doc:"The program itself"`
	}
}

func (s *Server) rootRoutes() {
	register(s, s.publish(operation(http.MethodGet, "/", "service", "root", "What this is")),
		func(context.Context, *struct{}) (*rootOutput, error) {
			out := &rootOutput{}
			out.Body.Message = "Proxbox Backend made in Go"
			out.Body.Proxbox.GitHub = "https://github.com/netdevopsbr/netbox-proxbox"
			out.Body.Proxbox.Docs = docsPath
			out.Body.FastAPI.GitHub = "https://github.com/fastapi/fastapi"
			out.Body.FastAPI.Website = "https://fastapi.tiangolo.com/"
			out.Body.FastAPI.Reason = "This backend is written in Go and answers in place of the one made with FastAPI."
			return out, nil
		})
	health := s.publish(operation(http.MethodGet, healthPath, "service", "health", "Whether the service can do its work"))
	health.Responses = map[string]*huma.Response{strconv.Itoa(http.StatusServiceUnavailable): {Description: "It cannot, and why",
		Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Ref: "#/components/schemas/HealthOutputBody"}}}}}
	register(s, health,
		func(context.Context, *struct{}) (*healthOutput, error) {
			out := &healthOutput{Status: http.StatusOK}
			out.Body.Status, out.Body.InitOK = "ready", true
			if ok, reason := s.ready(); !ok {
				out.Status = http.StatusServiceUnavailable
				out.Body.Status, out.Body.InitOK, out.Body.Reason = "unready", false, clean(reason)
			}
			return out, nil
		})
	register(s, operation(http.MethodGet, "/version", "service", "version", "Which release this is"),
		func(context.Context, *struct{}) (*versionOutput, error) {
			out := &versionOutput{}
			out.Body.Version, out.Body.Build = Contract, s.version
			return out, nil
		})
}
