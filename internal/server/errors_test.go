package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"proxbox/internal/auth"
	"proxbox/internal/netbox"
	"proxbox/internal/plan"
	"proxbox/internal/proxmox"
	"proxbox/internal/run"
	"proxbox/internal/store"
)

func TestProblems(t *testing.T) {
	refused := func(code int, detail string) error {
		return fmt.Errorf("read NetBox: %w", &netbox.StatusError{Method: "GET", Path: "status/", URL: "http://nb", Code: code, Detail: detail})
	}
	endpoint := func(cause proxmox.Cause) error {
		return &proxmox.EndpointError{Endpoint: "px", Address: "https://px:8006", Path: "/nodes", Cause: cause, WayOut: "mend it", Err: errors.New("no")}
	}
	for _, tt := range []struct {
		err      error
		status   int
		category category
	}{
		{refused(401, "Invalid v1 token"), 502, catAuthentication},
		{refused(403, "You do not have permission to perform this action."), 502, catPermission},
		{refused(404, ""), 502, catNotFound},
		{refused(400, "bad"), 502, catValidation},
		{refused(429, ""), 502, catRateLimit},
		{refused(500, ""), 502, catInternal},
		{refused(504, ""), 504, catTimeout},
		{&netbox.ConnectionError{Method: "GET", URL: "http://nb", Err: errRefused}, 502, catConnection},
		{&netbox.ConnectionError{Method: "GET", URL: "http://nb", Err: context.DeadlineExceeded}, 504, catTimeout},
		{&netbox.AnswerError{Method: "GET", URL: "http://nb", Err: errors.New("a login page")}, 502, catUnknown},
		{&netbox.IncompleteError{Path: "dcim/devices/", Reason: "it changed"}, 502, catUnknown},
		{endpoint(proxmox.CauseTimeout), 504, catTimeout},
		{endpoint(proxmox.CauseRefused), 502, catConnection},
		{endpoint(proxmox.CauseCertificate), 502, catConnection},
		{endpoint(proxmox.CauseCredentials), 502, catAuthentication},
		{endpoint(proxmox.CausePermission), 502, catPermission},
		{endpoint(proxmox.CauseAnswer), 502, catUnknown},
		{auth.ErrBusy, 503, catUnknown},
		{run.ErrNothing, 409, catUnknown},
		{run.ErrNoBranches, 409, catUnknown},
		{fmt.Errorf("it was so: %w", run.ErrCancelled), 409, catUnknown},
		{fmt.Errorf("row 7: %w", store.ErrNotFound), 404, catUnknown},
		{errors.New("what nobody thought of: password=hunter22"), 500, catUnknown},
	} {
		f := &Server{log: newServer().log}
		e := f.problem(context.Background(), tt.err)
		if e.status != tt.status {
			t.Errorf("%v: %d; want %d", tt.err, e.status, tt.status)
		}
		if got := categoryOf(tt.err); got != tt.category {
			t.Errorf("%v: %s; want %s", tt.err, got, tt.category)
		}
		if strings.Contains(e.Error(), "hunter22") || e.Error() == "" {
			t.Errorf("%v: %s", tt.err, e)
		}
		if tt.status >= 502 && tt.status != 503 && !strings.Contains(e.Error(), tt.err.Error()) {
			t.Errorf("%v is not passed on: %s", tt.err, e)
		}
	}
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if e := newServer().problem(gone, errors.New("x")); e.status != http.StatusServiceUnavailable {
		t.Errorf("a request that was given up: %d", e.status)
	}
	for outcome, want := range map[plan.Outcome]category{plan.Conflict: catValidation, plan.Failed: catUnknown, plan.Skipped: catUnknown} {
		if got := ofReport(&plan.Report{Outcome: outcome}); got != want {
			t.Errorf("%s: %s", outcome, got)
		}
	}
}

// Whatever a body is, it is taken or refused with a reason; nothing breaks.
func TestAnyBodyIsAnswered(t *testing.T) {
	f := newFixture(t, "PROXBOX_RATE_LIMIT=0").withKeys().withEndpoints()
	document := f.api.OpenAPI().Components.Schemas.Map()
	targets := []struct{ method, path, schema string }{
		{"PUT", "/proxmox/endpoints/1", "ProxmoxEndpointInput"}, {"POST", "/proxmox/endpoints", "ProxmoxEndpointInput"},
		{"POST", "/netbox/endpoint", "NetboxEndpointInput"}, {"POST", "/auth/register-key", "RegisterInputBody"},
	}
	value := rapid.OneOf(rapid.Just[any](nil), rapid.Map(rapid.Bool(), toAny), rapid.Map(rapid.Int64(), toAny), rapid.Map(rapid.Float64(), toAny),
		rapid.Map(rapid.String(), toAny), rapid.Just[any]([]any{1, "a"}), rapid.Just[any](map[string]any{"id": 1}), rapid.Just[any]("1e400"))
	rapid.Check(t, func(rt *rapid.T) {
		target := rapid.SampledFrom(targets).Draw(rt, "target")
		var names []string
		for name := range document[target.schema].Properties {
			names = append(names, name)
		}
		slices.Sort(names)
		body := rapid.MapOfN(rapid.SampledFrom(append(names, "unknown")), value, 0, 4).Draw(rt, "body")
		raw, err := json.Marshal(body)
		if err != nil {
			rt.Skip()
		}
		if rapid.IntRange(0, 9).Draw(rt, "cut") == 0 {
			raw = raw[:len(raw)-1]
		}
		w := f.call(target.method, target.path, goodKey, string(raw))
		checkEveryAnswer(t, target.path, w)
		checkDocumented(t, f.Server, target.method, target.path, w)
		if w.Code >= 500 || w.Code == http.StatusUnauthorized {
			rt.Fatalf("%s %s %s: %d %s", target.method, target.path, raw, w.Code, w.Body)
		}
	})
}

func toAny[T any](v T) any { return v }

func TestOtherContentTypes(t *testing.T) {
	f := newFixture(t).withKeys()
	for contentType, want := range map[string]int{"": http.StatusConflict, "application/json; charset=utf-8": http.StatusConflict,
		"text/plain": http.StatusUnsupportedMediaType, "application/x-www-form-urlencoded": http.StatusUnsupportedMediaType} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/auth/register-key", strings.NewReader(`{"api_key":"`+goodKey+`"}`))
		if contentType != "" {
			r.Header.Set("Content-Type", contentType)
		}
		w := httptest.NewRecorder()
		f.ServeHTTP(w, r)
		checkEveryAnswer(t, contentType, w)
		checkDocumented(t, f.Server, http.MethodPost, "/auth/register-key", w)
		if w.Code != want {
			t.Errorf("%q: %d %s; want %d", contentType, w.Code, w.Body, want)
		}
	}
}
