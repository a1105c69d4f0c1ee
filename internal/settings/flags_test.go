package settings

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// What the plugin's release 0.0.29 sends with a stage.
const stageQuery = "fetch_max_concurrency=8&ignore_ipv6_link_local_addresses=true&overwrite_vm_platform=false&overwrite_vm_role=false" +
	"&parse_description_metadata=false&primary_ip_preference=ipv6&proxmox_endpoint_ids=1&run_id=1d6bd30e&sync_mode_cluster=always" +
	"&sync_mode_sdn=disabled&sync_mode_vm=bootstrap_only&sync_task_history=false&sync_vm_network=false&delete_nonexistent_backup=true" +
	"&use_guest_agent_interface_name=false&vm_interface_sync_strategy=legacy_rename&netbox_branch_schema_id=ab12"

func query(t testing.TB, text string) url.Values {
	t.Helper()
	q, err := url.ParseQuery(text)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestParseFlags(t *testing.T) {
	got, err := ParseFlags(query(t, stageQuery), DefaultFlags())
	if err != nil {
		t.Fatal(err)
	}
	want := DefaultFlags().WithOverwrite("vm_role", false).WithMode("vm", BootstrapOnly)
	want.PrimaryIPPreference = IPv6
	want.SyncTaskHistory, want.SyncVMNetwork = false, false
	want.DeleteNonexistentBackup = true
	want.UseGuestAgentInterfaceName = false
	want.VMInterfaceSyncStrategy = LegacyRename
	want.BranchSchemaID = "ab12"
	if got != want {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}

func TestDefaultFlags(t *testing.T) {
	f := DefaultFlags()
	for _, o := range overwriteNames {
		if want := o.name != "vm_platform"; f.Overwrite(o.name) != want || f.Overwrite("overwrite_"+o.name) != want {
			t.Errorf("overwrite_%s is not %v", o.name, want)
		}
	}
	for _, m := range modeNames {
		want := Always
		if strings.HasPrefix(m.name, "sdn") {
			want = Disabled
		}
		if got := f.Mode(m.name); got != want || f.Mode("sync_mode_"+m.name) != want {
			t.Errorf("sync_mode_%s is %s; want %s", m.name, got, want)
		}
	}
	if len(overwriteNames) != 26 || len(modeNames) != 10 {
		t.Errorf("%d overwrite flags and %d modes; want 26 and 10", len(overwriteNames), len(modeNames))
	}
	if f.DeleteNonexistentBackup || f.DeleteNonexistentSnapshot || !f.SyncVMNetwork || !f.SyncTaskHistory {
		t.Errorf("%+v", f)
	}
}

func TestParseFlagsIgnoresWhatItDoesNotKnow(t *testing.T) {
	base := DefaultFlags().WithOverwrite("vm_role", false)
	got, err := ParseFlags(query(t, "unknown=1&overwrite_moon=maybe&overwrite_vm_tags=&sync_mode_vm="), base)
	if err != nil || got != base {
		t.Errorf("%+v, %v", got, err)
	}
	got, err = ParseFlags(query(t, "overwrite_vm_role=no&overwrite_vm_role=TRUE"), base)
	if err != nil || !got.Overwrite("vm_role") {
		t.Errorf("of a repeated one the last counts: %v", err)
	}
}

func TestParseFlagsRefuses(t *testing.T) {
	for _, tt := range []struct{ param, value, form string }{
		{"overwrite_vm_role", "maybe", "true or false"},
		{"sync_vm_network", "2", "true or false"},
		{"sync_mode_vm", "sometimes", "one of always, bootstrap_only, disabled"},
		{"primary_ip_preference", "ipx", "one of ipv4, ipv6"},
		{"vm_interface_sync_strategy", "x", "one of guest_os_model, legacy_rename"},
		{"fetch_max_concurrency", "0", "a whole number from 1 to 256"},
	} {
		_, err := ParseFlags(url.Values{tt.param: {tt.value}, "overwrite_vm_tags": {"true"}}, DefaultFlags())
		var invalid *InvalidError
		if !errors.As(err, &invalid) || invalid.Param != tt.param || invalid.Value != tt.value || !strings.Contains(err.Error(), tt.form) {
			t.Errorf("%s=%s: %v", tt.param, tt.value, err)
		}
	}
	_, err := ParseFlags(query(t, "overwrite_vm_role=x&sync_mode_vm=y"), DefaultFlags())
	if err == nil || !strings.Contains(err.Error(), "overwrite_vm_role") || !strings.Contains(err.Error(), "sync_mode_vm") {
		t.Errorf("two bad ones: %v", err)
	}
}

func TestModesCascade(t *testing.T) {
	for _, tt := range []struct {
		name     string
		disabled []string
		want     []string // what is disabled by it, sdn left out
	}{
		{"cluster", []string{"cluster"}, []string{"cluster", "node"}},
		{"machines alone", []string{"vm"}, []string{"vm"}},
		{"templates alone", []string{"vm_template"}, []string{"vm_template"}},
		{"both", []string{"vm", "vm_template"}, []string{"ip_address", "mac", "vm", "vm_interface", "vm_template"}},
		{"interfaces", []string{"vm_interface"}, []string{"ip_address", "mac", "vm_interface"}},
		{"addresses", []string{"ip_address"}, []string{"ip_address"}},
	} {
		f := DefaultFlags()
		for _, name := range tt.disabled {
			f = f.WithMode(name, Disabled)
		}
		var got []string
		for _, m := range modeNames {
			if f.Mode(m.name) == Disabled && !strings.HasPrefix(m.name, "sdn") {
				got = append(got, m.name)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q are disabled; want %q", tt.name, got, tt.want)
		}
	}
	if DefaultFlags().WithMode("sdn_bgp", Always).Mode("sdn_bgp") != Disabled {
		t.Error("sdn_bgp without sdn")
	}
}

func TestUnknownNamesPanic(t *testing.T) {
	for name, call := range map[string]func(){
		"Overwrite":     func() { DefaultFlags().Overwrite("moon") },
		"WithOverwrite": func() { DefaultFlags().WithOverwrite("moon", true) },
		"Mode":          func() { DefaultFlags().Mode("moon") },
		"WithMode":      func() { DefaultFlags().WithMode("moon", Always) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s takes any name", name)
				}
			}()
			call()
		}()
	}
}

// What one flag says changes that flag alone.
func TestEachFlagIsItsOwn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := DefaultFlags()
		given := url.Values{}
		want := base
		for _, o := range overwriteNames {
			if rapid.Bool().Draw(t, o.name+" given") {
				v := rapid.Bool().Draw(t, o.name)
				given.Set("overwrite_"+o.name, map[bool]string{true: "true", false: "false"}[v])
				want = want.WithOverwrite(o.name, v)
			}
		}
		for _, m := range modeNames {
			if rapid.Bool().Draw(t, m.name+" given") {
				v := rapid.SampledFrom([]SyncMode{Always, BootstrapOnly, Disabled}).Draw(t, m.name)
				given.Set("sync_mode_"+m.name, string(v))
				want = want.WithMode(m.name, v)
			}
		}
		got, err := ParseFlags(given, base)
		if err != nil || got != want {
			t.Fatalf("%v makes %+v, %v; want %+v", given, got, err, want)
		}
	})
}

func FuzzParseFlags(f *testing.F) {
	f.Add(stageQuery)
	f.Add("overwrite_vm_role=%ff&fetch_max_concurrency=1e3")
	f.Fuzz(func(t *testing.T, text string) {
		q, err := url.ParseQuery(text)
		if err != nil {
			return
		}
		flags, err := ParseFlags(q, DefaultFlags())
		if err == nil && (flags.FetchMaxConcurrency < 1 || flags.FetchMaxConcurrency > 256) {
			t.Errorf("%q makes %+v", text, flags)
		}
	})
}
