package server

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"
)

// checkDocumented holds an answer against the OpenAPI document: its status is
// listed, and its body has what the schema says, and at its top nothing else.
func checkDocumented(t *testing.T, s *Server, method, target string, w *httptest.ResponseRecorder) {
	t.Helper()
	path, _, _ := strings.Cut(target, "?")
	route := chi.NewRouteContext()
	if !s.router.Match(route, method, path) {
		return
	}
	doc := s.api.OpenAPI()
	item := doc.Paths[route.RoutePattern()]
	if item == nil {
		return
	}
	op := map[string]*huma.Operation{http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put, http.MethodDelete: item.Delete}[method]
	response := op.Responses[strconv.Itoa(w.Code)]
	if response == nil {
		t.Errorf("%s %s answers %d, which the document does not list", method, target, w.Code)
		return
	}
	if name, ok := strings.CutPrefix(response.Ref, "#/components/responses/"); ok {
		response = doc.Components.Responses[name]
	}
	media := response.Content["application/json"]
	if media == nil || media.Schema == nil {
		return
	}
	body := decode(t, w.Body.Bytes())
	res := &huma.ValidateResult{}
	media.Schema.PrecomputeMessages()
	huma.Validate(doc.Components.Schemas, media.Schema, huma.NewPathBuffer([]byte{}, 0), huma.ModeReadFromServer, body, res)
	for _, err := range res.Errors {
		t.Errorf("%s %s: the answer is not as documented: %v", method, target, err)
	}
	schema := media.Schema
	if list, ok := body.([]any); ok {
		schema = schema.Items
		body = nil
		if len(list) > 0 {
			body = list[0]
		}
	}
	if schema == nil {
		return // of any shape
	}
	if schema.Ref != "" {
		schema = doc.Components.Schemas.SchemaFromRef(schema.Ref)
	}
	object, _ := body.(map[string]any)
	if len(schema.Properties) == 0 {
		object = nil // its shape is another's
	}
	for name := range object {
		if schema.Properties[name] == nil {
			t.Errorf("%s %s: %s is not in the document", method, target, name)
		}
	}
}

// What need not be sent may be null, which every such field of a body takes;
// and the document says so.
func TestWhatMayBeLeftOutMayBeNull(t *testing.T) {
	f := newFixture(t).withKeys()
	doc := f.api.OpenAPI()
	for path, item := range doc.Paths {
		for method, op := range map[string]*huma.Operation{http.MethodPost: item.Post, http.MethodPut: item.Put, http.MethodPatch: item.Patch} {
			if op == nil || op.RequestBody == nil {
				continue
			}
			schema := op.RequestBody.Content["application/json"].Schema
			if schema.Ref != "" {
				schema = doc.Components.Schemas.SchemaFromRef(schema.Ref)
			}
			for name, field := range schema.Properties {
				if !slices.Contains(schema.Required, name) && !field.Nullable {
					t.Errorf("%s %s: %s need not be sent, and may not be null", method, path, name)
				}
			}
		}
	}
	w := f.call(http.MethodPost, "/auth/keys", goodKey, `{"label":null}`)
	checkDocumented(t, f.Server, http.MethodPost, "/auth/keys", w)
	if key, ok := decode(t, w.Body.Bytes()).(map[string]any); !ok || w.Code != http.StatusCreated || key["label"] != "" {
		t.Errorf("a key without a label: %d %s", w.Code, w.Body)
	}
	w = newFixture(t).call(http.MethodPost, "/auth/register-key", "", `{"api_key":"`+goodKey+`","label":null}`)
	if w.Code != http.StatusCreated {
		t.Errorf("a first key without a label: %d %s", w.Code, w.Body)
	}
}
