package netbox

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCapabilitiesOfReleases(t *testing.T) {
	v45 := Capabilities{ChangelogMessage: true}
	v46 := Capabilities{ChangelogMessage: true, Cursor: true, AddTags: true, ETag: true, VirtualMachineTypes: true}
	v47 := v46
	v47.ErrorLists = true
	newer := v47
	for release, want := range map[string]Capabilities{
		"4.5.0": v45, "4.5.11-Docker-3.4.2": v45, "4.6.8": v46, "4.6": v46, "v4.6.0-beta1": v46, "4.7.3": v47,
		"4.8.0-beta1": newer, "5.0.0": newer,
	} {
		got, err := capabilitiesOf(release)
		if err != nil {
			t.Errorf("%s: %v", release, err)
		}
		if warned := got.Warning != ""; warned != (release == "4.8.0-beta1" || release == "5.0.0") {
			t.Errorf("%s: warning %q", release, got.Warning)
		}
		got.Warning, want.Release = "", release
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", release, d)
		}
	}
	for release, want := range map[string]string{"4.4.10": "too old", "3.7": "too old", "four": "which is none", "4": "which is none", "": "which is none"} {
		if _, err := capabilitiesOf(release); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", release, err)
		}
	}
}

func TestProbe(t *testing.T) {
	f := newFake(t, says(404, ""))
	serve := func(status int, body string) *Client {
		f.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/api/status/" {
				reply(w, status, body)
				return
			}
			f.ServeHTTP(w, r)
		})
		return f.open(t, Options{})
	}
	f.answer = says(200, `{"endpoints": "http://…", "sync-state/virtual-machines": "http://…", "guest-vm-interfaces": "http://…"}`)
	c := serve(200, `{"netbox-version": "4.7.3", "plugins": {"netbox_proxbox": "0.0.27", "other": "1"}}`)
	for range 2 {
		caps, err := c.Probe(t.Context())
		if err != nil || caps.Plugin != "0.0.27" || !caps.SyncState || !caps.GuestInterfaces || !caps.Cursor {
			t.Errorf("%+v, %v", caps, err)
		}
	}
	if got := f.seen(); len(got) != 1 || got[0] != "GET plugins/proxbox/" {
		t.Errorf("sent %q", got)
	}
	if s := c.Stats(); s.Requests != 2 {
		t.Errorf("%d requests for two probes", s.Requests)
	}

	f.answer = says(404, "")
	for release, has := range map[string]bool{"0.0.29.post6": true, "0.0.15.post2": false} {
		caps, err := serve(200, `{"netbox-version": "4.7.3", "plugins": {"netbox_proxbox": "`+release+`"}}`).Probe(t.Context())
		if err != nil || caps.SyncState != has || caps.GuestInterfaces != has {
			t.Errorf("a tested release: %+v, %v", caps, err)
		}
	}
	f.answer = says(200, `{"endpoints": "http://…"}`)
	caps, err := serve(200, `{"netbox-version": "4.5.4", "plugins": {"netbox_proxbox": "0.0.16"}}`).Probe(t.Context())
	if err != nil || caps.Plugin != "0.0.16" || caps.SyncState || caps.GuestInterfaces {
		t.Errorf("%+v, %v", caps, err)
	}
	for _, tt := range []struct {
		status     int
		body, want string
	}{
		{404, "<html>", "there is no NetBox at http://127.0.0.1:"},
		{200, `{"status": "ok"}`, "does not say a NetBox release"},
		{200, `[]`, "cannot be read"},
		{200, `{"netbox-version": "4.2.1"}`, "is too old"},
		{403, `{"detail": "Invalid v1 token"}`, "check the token"},
	} {
		c := serve(tt.status, tt.body)
		_, err := c.Probe(t.Context())
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%d %s: %v", tt.status, tt.body, err)
		}
		if tt.status == 403 && !fatal(err) {
			t.Error("a refused token is fatal")
		}
	}
}

func TestErrorsSayTheWayOut(t *testing.T) {
	at := func(method string, code int, detail string) error {
		return &StatusError{Method: method, Path: vms, URL: "http://nb:8000", Code: code, Detail: detail, RequestID: "x"}
	}
	for want, err := range map[string]error{
		"permission to view":            at("GET", 403, "You do not have permission to perform this action."),
		"permission to add":             at("POST", 403, "You do not have permission to perform this action."),
		"check the token":               at("GET", 403, "Invalid v2 token"),
		"lower PROXBOX_BULK_BATCH_SIZE": at("POST", 413, ""),
		"PROXBOX_NETBOX_MAX_CONCURRENT": at("GET", 429, ""),
		"NetBox is not running":         at("GET", 502, ""),
		"the proxy before NetBox":       at("GET", 504, ""),
		"GET virtualization/virtual-machines/ with 400 Bad Request: No.": at("GET", 400, "No."),
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q lacks %q", err, want)
		}
	}
	if !(&StatusError{Code: 404}).NotFound() || (&StatusError{Code: 403}).NotFound() {
		t.Error("NotFound")
	}
	if !(&StatusError{Code: 401}).Forbidden() || (&StatusError{Code: 400}).Forbidden() {
		t.Error("Forbidden")
	}
}
