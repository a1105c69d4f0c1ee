package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// What the service logs can be read from it, and holds no key.
func TestLogIsKept(t *testing.T) {
	f := newFixture(t)
	f.environ = append(f.environ, "PROXBOX_API_KEY="+presetKey)
	s := f.serve("serve")
	status(t, s.base, "/version?api_key="+presetKey, presetKey)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.base+"/admin/logs", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Proxbox-API-Key", presetKey)
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"message":"the data is open`, `"message":"the service is ready`, `path=/version`} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("the log that is kept does not say %s:\n%s", want, raw)
		}
	}
	if strings.Contains(string(raw), presetKey) || strings.Contains(s.stderr.String(), presetKey) {
		t.Error("the API key is in the log")
	}
	if code := s.end(); code != exitDone {
		t.Errorf("the service ended with %d:\n%s", code, s.stderr)
	}
}
