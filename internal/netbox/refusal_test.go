package netbox

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestParseRefusal(t *testing.T) {
	three := []map[string]any{{"id": 7}, {"id": 8}, {"id": 9}}
	for _, tt := range []struct {
		name  string
		body  string
		items []map[string]any
		want  refusal
	}{
		{"4.7 by position", `{"detail": "2 of 3 objects could not be created.", "errors": [
			{"index": 1, "errors": {"__all__": ["Virtual machine name must be unique per cluster and tenant."]}},
			{"index": 2, "errors": {"name": ["This field is required."], "custom_fields": {"x": ["Bad.", "Worse."]}}}]}`, three,
			refusal{detail: "2 of 3 objects could not be created.", items: map[int]ItemError{
				1: {"__all__": {"Virtual machine name must be unique per cluster and tenant."}},
				2: {"name": {"This field is required."}, "custom_fields.x": {"Bad.", "Worse."}}}}},
		{"4.7 by id", `{"detail": "1 of 3 objects could not be updated.", "errors": [{"id": 9, "errors": {"disk": ["No."]}}]}`, three,
			refusal{detail: "1 of 3 objects could not be updated.", items: map[int]ItemError{2: {"disk": {"No."}}}}},
		{"4.7 of a stranger", `{"detail": "x", "errors": [{"id": 99, "errors": {"disk": ["No."]}}, {"index": 3, "errors": ["Out."]}, "odd"]}`, three,
			refusal{detail: "x", fields: ItemError{"disk": {"No."}, "__all__": {"Out.", "odd"}}}},
		{"4.6 by position", `[{}, {"name": ["Taken."]}, {}]`, three,
			refusal{detail: "1 of 3 objects were refused", items: map[int]ItemError{1: {"name": {"Taken."}}}}},
		{"a list of another length", `[{}, {"name": ["Taken."]}]`, three,
			refusal{detail: "name: Taken.", fields: ItemError{"name": {"Taken."}}}},
		{"the fields of one", `{"name": ["Taken."]}`, three[:1],
			refusal{detail: "name: Taken.", items: map[int]ItemError{0: {"name": {"Taken."}}}}},
		{"the fields of some", `{"name": ["Taken."], "__all__": ["No."]}`, three,
			refusal{detail: "No.; name: Taken.", fields: ItemError{"name": {"Taken."}, "__all__": {"No."}}}},
		{"a detail", `{"detail": "Unable to delete object. 1 dependent objects were found: 10.0.0.1/24 (4)"}`, three,
			refusal{detail: "Unable to delete object. 1 dependent objects were found: 10.0.0.1/24 (4)"}},
		{"a detail with a code", `{"detail": "The row names another backend.", "code": "endpoint_ownership_conflict"}`, three,
			refusal{detail: "endpoint_ownership_conflict: The row names another backend."}},
		{"the plugin's duplicate", `{"virtual_machine": "This object already has a Proxbox sync-state row."}`, three,
			refusal{detail: "virtual_machine: This object already has a Proxbox sync-state row.",
				fields: ItemError{"virtual_machine": {"This object already has a Proxbox sync-state row."}}}},
		{"the plugin's conflict", `{"proxmox_endpoint_raw_id": ["endpoint_ownership_conflict"], "code": "endpoint_ownership_conflict"}`, three[:1],
			refusal{detail: "proxmox_endpoint_raw_id: endpoint_ownership_conflict",
				items: map[int]ItemError{0: {"proxmox_endpoint_raw_id": {"endpoint_ownership_conflict"}}}}},
		{"a parameter", `["'start' and 'offset' are mutually exclusive."]`, nil,
			refusal{detail: "'start' and 'offset' are mutually exclusive.", fields: ItemError{"__all__": {"'start' and 'offset' are mutually exclusive."}}}},
		{"an exception", `{"error": "value too long", "exception": "DataError", "netbox_version": "4.7.3"}`, three,
			refusal{detail: "DataError: value too long", exception: "DataError"}},
		{"a page", "\n<!DOCTYPE html><html><head>\n<title>Page Not\nFound | NetBox</title>", nil,
			refusal{detail: `a page titled "Page Not Found | NetBox"`}},
		{"a page without title", "<html>", nil, refusal{detail: "a page instead of an answer"}},
		{"a line", "upstream  connect error\n", nil, refusal{detail: "upstream connect error"}},
		{"text", `"No."`, nil, refusal{detail: "No."}},
		{"nothing", ``, three, refusal{}},
		{"null", `null`, three, refusal{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := parseRefusal([]byte(tt.body), "", tt.items)
			if d := cmp.Diff(tt.want, got, cmp.AllowUnexported(refusal{})); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestLongReasonsAreShortened(t *testing.T) {
	long := strings.Repeat("ä", maxText)
	body, err := json.Marshal(map[string]any{"detail": long})
	if err != nil {
		t.Fatal(err)
	}
	got := parseRefusal(body, "", nil).detail
	if len(got) > maxText+len("…") || !utf8.ValidString(got) || !strings.HasSuffix(got, "ä…") {
		t.Errorf("%d bytes: …%s", len(got), got[len(got)-20:])
	}
}

func FuzzParseRefusal(f *testing.F) {
	f.Add([]byte(`{"detail": "x", "errors": [{"index": 1, "errors": {"a": ["b"]}}, {"id": 7, "errors": {}}]}`), "application/json")
	f.Add([]byte(`[{}, {"field": ["x"]}, {}]`), "application/json")
	f.Add([]byte(`{"error": "x", "exception": "DataError"}`), "")
	f.Add([]byte(`<html><title>x`), "text/html")
	items := []map[string]any{{"id": 7}, {"id": 8}, {"id": 9}}
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		r := parseRefusal(body, contentType, items)
		for i, item := range r.items {
			if i < 0 || i >= len(items) {
				t.Errorf("item %d of %d", i, len(items))
			}
			if item == nil && r.detail == "" {
				t.Errorf("item %d is refused without a word", i)
			}
		}
		if len(r.detail) > maxText+len("…") || !utf8.ValidString(r.detail) {
			t.Errorf("detail %q", r.detail)
		}
	})
}
