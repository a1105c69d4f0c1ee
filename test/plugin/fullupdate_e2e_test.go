//go:build e2e

package plugin

import (
	"strings"
	"sync/atomic"
	"testing"

	"proxbox/test/lab"
	"proxbox/test/lab/tap"
)

// TestFullUpdate: the plugin's button brings an estate into NetBox, and its job
// tells how; pressed again it changes nothing.
func TestFullUpdate(t *testing.T) {
	f := &field{Server: lab.NetBox(t), pve: lab.FakePVE(t, estate(50)), backend: lab.Serve(t)}
	var slow atomic.Bool
	between := tap.New(t, f.backend.URL, tap.WithRewrite(paced(&slow)))
	f.plugin = f.ConnectPlugin(t, lab.Backend{URL: between.URL(), Key: f.backend.Key}, f.pve.PluginEndpoint())
	f.StartWorker(t)
	f.browser = f.Browse(t)

	slow.Store(true)
	f.Tap.Clear()
	first := f.update(t)
	completed(t, first)
	told(t, f, first)
	t.Logf("the first one: %d requests, %d writes", len(f.Tap.Requests()), len(f.Tap.Writes()))
	ours := 0
	for _, c := range f.Changes(t, 0) {
		if c.User == f.Service.Name {
			ours++
		}
	}
	if ours < 50 {
		t.Errorf("the first one has %d entries of ours in NetBox's change log", ours)
	}

	slow.Store(false)
	f.DropJobs(t)
	f.Tap.Clear()
	before := f.LastChange(t)
	if out, err := f.FullUpdate(t.Context()); err != nil {
		t.Fatalf("the second Full Update: %v\n%s", err, out)
	}
	f.untouched(t, "the second one")
	// What the plugin itself writes in a job leaves no entry at all.
	for _, c := range f.Changes(t, before) {
		t.Errorf("the second one is in NetBox's change log: %v", c)
	}
	if n := len(f.Tap.Requests()); n > 70 {
		t.Errorf("the second one sends %d requests", n)
		for _, r := range f.Tap.Requests() {
			t.Log(strings.SplitN(r.String(), "fields=", 2)[0])
		}
	}
	t.Logf("the second one: %d requests", len(f.Tap.Requests()))
}
