package server

import (
	"context"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"

	"proxbox/internal/domain"
	"proxbox/internal/store"
)

// keyScheme names the API key in the OpenAPI document.
const keyScheme = "apiKey"

// routes registers every route.
func (s *Server) routes() error {
	s.router = chi.NewRouter()
	s.api = humachi.New(s.router, config())
	aliases(s.api.OpenAPI().Components.Schemas)
	s.rootRoutes()
	s.keyRoutes()
	s.netboxRoutes()
	s.proxmoxRoutes()
	s.passThroughRoutes()
	s.syncRoutes()
	s.activeRoutes()
	s.logRoutes()
	s.socketRoutes()
	s.individualRoutes()
	s.netboxReadRoutes()
	s.extrasRoutes()
	s.cacheRoutes()
	s.router.NotFound(s.notFound)
	s.router.MethodNotAllowed(s.methodNotAllowed)
	if err := s.documentRoutes(); err != nil {
		return err
	}
	return s.docsRoutes()
}

func config() huma.Config {
	c := huma.DefaultConfig("proxbox-api", Contract)
	c.Info.Description = "Reads Proxmox VE and keeps NetBox true to it. It answers the NetBox plugin netbox-proxbox."
	c.CreateHooks, c.DocsPath, c.OpenAPIPath, c.SchemasPath = nil, "", "", ""
	c.AllowAdditionalPropertiesByDefault = true // a client may say more than we know
	c.Components.Parameters = map[string]*huma.Param{}
	for _, p := range slices.Concat(runParams(), readParams()) {
		c.Components.Parameters[p.Name] = p
	}
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		keyScheme: {Type: "apiKey", In: "header", Name: keyHeader, Description: "An API key: POST /auth/register-key makes the first one."},
	}
	return c
}

// aliases are the types of the store as the wire has them.
func aliases(r huma.Registry) {
	r.RegisterTypeAlias(reflect.TypeFor[domain.Secret](), reflect.TypeFor[string]())
	r.RegisterTypeAlias(reflect.TypeFor[store.Optional[string]](), reflect.TypeFor[*string]())
	r.RegisterTypeAlias(reflect.TypeFor[store.Optional[domain.Secret]](), reflect.TypeFor[*string]())
	r.RegisterTypeAlias(reflect.TypeFor[store.Optional[int]](), reflect.TypeFor[*int]())
	r.RegisterTypeAlias(reflect.TypeFor[store.Optional[float64]](), reflect.TypeFor[*float64]())
	r.RegisterTypeAlias(reflect.TypeFor[store.Optional[bool]](), reflect.TypeFor[*bool]())
}

// operation describes a route. Errors are the statuses that it answers beside
// those that any route may.
func operation(method, path, tag, id, summary string, errs ...int) huma.Operation {
	return huma.Operation{Method: method, Path: path, OperationID: id, Summary: summary, Tags: []string{tag},
		Security: []map[string][]string{{keyScheme: {}}}, Errors: errs}
}

// public makes a route one that needs no API key.
func (s *Server) publish(op huma.Operation) huma.Operation {
	s.public[op.Path] = true
	op.Security = []map[string][]string{}
	return op
}

// register adds a route whose errors are answered in our shape.
func register[I, O any](s *Server, op huma.Operation, handle func(context.Context, *I) (*O, error)) {
	statuses := append(slices.Clone(op.Errors), http.StatusTooManyRequests, http.StatusInternalServerError)
	if len(op.Security) > 0 {
		statuses = append(statuses, http.StatusUnauthorized, http.StatusServiceUnavailable)
	}
	if op.Method == http.MethodPost || op.Method == http.MethodPut {
		statuses = append(statuses, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	if reflect.TypeFor[I]().NumField() > 0 {
		statuses = append(statuses, http.StatusUnprocessableEntity)
	}
	if reflect.TypeFor[O]().NumField() == 0 && slices.Contains(op.Errors, http.StatusNotImplemented) {
		op.DefaultStatus = http.StatusNotImplemented // a route that is none: huma would list 204
	}
	op.Errors = nil
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{}
	}
	for _, status := range statuses {
		if op.Path == healthPath && status == http.StatusServiceUnavailable {
			continue // it answers in its own shape
		}
		op.Responses[strconv.Itoa(status)] = s.errorResponse(status)
	}
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, s.problem(ctx, err)
		}
		return out, nil
	})
}

// errorResponse is an error in the document, which has each status once.
func (s *Server) errorResponse(status int) *huma.Response {
	components := s.api.OpenAPI().Components
	name := strings.ReplaceAll(http.StatusText(status), " ", "")
	if components.Responses == nil {
		components.Responses = map[string]*huma.Response{}
	}
	if components.Responses[name] == nil {
		components.Responses[name] = &huma.Response{Description: http.StatusText(status), Content: map[string]*huma.MediaType{
			"application/json": {Schema: components.Schemas.Schema(reflect.TypeFor[Error](), true, "Error")},
		}}
	}
	return &huma.Response{Ref: "#/components/responses/" + name}
}

// notFound answers for a path that is none. Routes are exact, and a redirect
// would be an error for the plugin; so the right path is said.
func (s *Server) notFound(w http.ResponseWriter, r *http.Request) {
	other := r.URL.Path + "/"
	if n := len(r.URL.Path); n > 1 && r.URL.Path[n-1] == '/' {
		other = r.URL.Path[:n-1]
	}
	if s.router.Match(chi.NewRouteContext(), r.Method, other) {
		writeError(w, fail(http.StatusNotFound, "There is no %s here; there is %s.", r.URL.Path, other))
		return
	}
	writeError(w, fail(http.StatusNotFound, "There is no %s here; %s lists what there is.", r.URL.Path, docsPath))
}

func (s *Server) methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if s.router.Match(chi.NewRouteContext(), method, r.URL.Path) {
			w.Header().Add("Allow", method)
		}
	}
	writeError(w, fail(http.StatusMethodNotAllowed, "%s cannot be used with %s.", r.Method, r.URL.Path))
}
