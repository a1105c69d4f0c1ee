package netbox

import (
	"net/http"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"": 0, "0": 0, "7": 7 * time.Second, "-3": 0, "soon": 0,
		now.Add(90 * time.Second).Format(http.TimeFormat): 90 * time.Second,
		now.Add(-time.Second).Format(http.TimeFormat):     0,
	} {
		if got := retryAfter(header, now); got != want {
			t.Errorf("%q is %s, want %s", header, got, want)
		}
	}
}

func TestDelay(t *testing.T) {
	c := &Client{opt: Options{}.withDefaults()}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 100).Draw(t, "n")
		asked := time.Duration(rapid.IntRange(0, 600).Draw(t, "asked")) * time.Second
		d := c.delay(n, &StatusError{retryAfter: asked})
		if d < min(asked, maxRetryAfter) || d > max(maxDelay, maxRetryAfter) {
			t.Fatalf("%s", d)
		}
		if asked == 0 && (d < time.Second || d > maxDelay) {
			t.Fatalf("%s", d)
		}
	})
	if first := c.delay(0, nil); first < time.Second || first > 2*time.Second {
		t.Errorf("the first delay is %s", first)
	}
}
