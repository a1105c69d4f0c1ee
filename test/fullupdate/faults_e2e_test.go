//go:build e2e

package fullupdate

import (
	"strings"
	"testing"

	"proxbox/internal/domain"
	"proxbox/internal/run"
	"proxbox/internal/settings"
	proxmoxsim "proxbox/internal/sim/proxmox"
	"proxbox/test/lab/netboxstate"
	"proxbox/test/lab/tap"
)

// TestLostAnswers: NetBox carries writes out whose answers never arrive. What
// is there is found again, and nothing is made twice.
func TestLostAnswers(t *testing.T) {
	f := newField(t, proxmoxsim.Demo(12))
	undisturbed := f.sync(t, run.Ask{})
	want := netboxstate.Lines(t, f.Server)

	f.again(t, proxmoxsim.Demo(12))
	lost := f.Tap.Inject(tap.LoseAnswer(), func(r tap.Request) bool {
		return r.Write() && (strings.HasSuffix(r.Path, "/virtual-machines/") || strings.HasSuffix(r.Path, "/interfaces/") || strings.HasSuffix(r.Path, "/ip-addresses/"))
	}).Times(4)
	res, err := f.try(t.Context(), run.Ask{})
	lost.Remove()
	if err != nil {
		t.Fatal(err)
	}
	if res.Outcome != run.OutcomeCompleted || res.Created != undisturbed.Created {
		t.Errorf("%s with %d created in place of %d: %v", res.Outcome, res.Created, undisturbed.Created, res.Reports)
	}
	netboxstate.Differ(t, "after lost answers", want, netboxstate.Lines(t, f.Server))
	f.noWrites(t, "the run after it")
}

// TestNetBoxGoesAway in the middle of a first run: the run says so, and the
// next one makes the rest.
func TestNetBoxGoesAway(t *testing.T) {
	f := newField(t, proxmoxsim.Demo(12))
	f.sync(t, run.Ask{})
	want := netboxstate.Lines(t, f.Server)

	for _, after := range []int{9, 17, 23} {
		f.again(t, proxmoxsim.Demo(12))
		f.setenv(t, "PROXBOX_NETBOX_MAX_RETRIES=0")
		writes := 0
		gone := f.Tap.Inject(tap.LoseRequest(), func(r tap.Request) bool {
			if r.Write() {
				writes++
			}
			return writes > after
		}).Times(1 << 30)
		_, err := f.try(t.Context(), run.Ask{})
		gone.Remove()
		if err == nil || !strings.Contains(err.Error(), "NetBox http://127.0.0.1:") {
			t.Fatalf("NetBox went away after %d writes, and the run ended with %v", after, err)
		}
		if res := f.sync(t, run.Ask{}); res.Outcome != run.OutcomeCompleted {
			t.Errorf("the run after it is %s: %v", res.Outcome, res.Reports)
		}
		netboxstate.Differ(t, "after NetBox was away", want, netboxstate.Lines(t, f.Server))
		f.noWrites(t, "the run after that")
	}
}

// TestWrongToken: nothing is written, and the error says what to check.
func TestWrongToken(t *testing.T) {
	f := newField(t, proxmoxsim.Demo(1))
	given := f.launcher.Endpoints.(run.Given)
	given.NetBoxEndpoint.Token = domain.Secret(strings.Repeat("0", 40))
	f.launcher.Endpoints = given
	_, err := f.try(t.Context(), run.Ask{})
	if err == nil || !strings.Contains(err.Error(), "check the token of the NetBox endpoint") || strings.Contains(err.Error(), strings.Repeat("0", 40)) {
		t.Errorf("the error is %v", err)
	}
}

// TestReaderMayNotWrite: a token without the right to write costs each kind one
// refused request, and the run is partial.
func TestReaderMayNotWrite(t *testing.T) {
	f := newField(t, proxmoxsim.Demo(3))
	given := f.launcher.Endpoints.(run.Given)
	given.NetBoxEndpoint.Token = domain.Secret(f.Reader.TokenV1)
	f.launcher.Endpoints = given
	res := f.sync(t, run.Ask{})
	if res.Outcome != run.OutcomePartial || res.Created != 0 {
		t.Errorf("%s with %d created", res.Outcome, res.Created)
	}
	if n := len(f.Tap.Writes()); n > 20 {
		t.Errorf("%d writes were tried", n)
	}
	for _, r := range res.Reports {
		if strings.Contains(r.WayOut, "permission") {
			return
		}
	}
	t.Errorf("no report says that a permission is missing: %v", res.Reports)
}

// again empties NetBox and makes what the plugin makes.
func (f *field) again(t *testing.T, estate proxmoxsim.Estate) {
	t.Helper()
	f.Reset(t)
	f.restart(t, f.pluginRows(t, estate))
}

// setenv gives the next runs other settings.
func (f *field) setenv(t *testing.T, environ ...string) {
	t.Helper()
	values, err := settings.Load(append(environ, ofAllTimes...))
	if err != nil {
		t.Fatal(err)
	}
	f.launcher.Settings = values
}
