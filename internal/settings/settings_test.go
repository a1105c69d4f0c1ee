package settings

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"proxbox/internal/domain"
)

func load(t testing.TB, environ ...string) *Values {
	t.Helper()
	v, err := Load(environ)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTable(t *testing.T) {
	name := regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	seen := map[string]bool{}
	for _, s := range All() {
		for _, id := range []string{s.Name, s.Env, "?" + s.Param} {
			if id == "" || id == "?" {
				continue
			}
			if seen[id] {
				t.Errorf("%s is declared twice", id)
			}
			seen[id] = true
		}
		if !name.MatchString(s.Name) {
			t.Errorf("%q is no name of a setting", s.Name)
		}
		if _, err := s.parse(s.Default); err != nil && s.Default != "" {
			t.Errorf("%s: the default %q is not %s", s.Name, s.Default, s.Form)
		}
		for release, def := range s.Plugin {
			if _, err := s.parse(def); err != nil && def != "" {
				t.Errorf("%s: the plugin's default %q (%s) is not %s", s.Name, def, release, s.Form)
			}
		}
		if s.Env == "" && s.Plugin == nil && s.Param == "" {
			t.Errorf("%s cannot be set", s.Name)
		}
		if (s.Doc == "") == (s.Without == "") {
			t.Errorf("%s needs either what it does or why it does nothing", s.Name)
		}
		for _, sentence := range []string{s.Doc, s.Without} {
			if sentence != "" && !strings.HasSuffix(sentence, ".") {
				t.Errorf("%s: %q is no sentence", s.Name, sentence)
			}
		}
	}
}

// Every variable that the Python service reads for what this program does
// too is in the table.
func TestVariablesOfThePythonService(t *testing.T) {
	const all = `PORT PROXBOX_BIND_HOST UVICORN_WORKERS MKCERT_CERT_DIR MKCERT_EXTRA_NAMES CAROOT PROXBOX_RATE_LIMIT
		PROXBOX_TRUSTED_PROXIES PROXBOX_CORS_EXTRA_ORIGINS PROXBOX_ENCRYPTION_KEY PROXBOX_ENCRYPTION_KEY_FILE
		PROXBOX_ALLOW_PLAINTEXT_CREDENTIALS PROXBOX_STRICT_STARTUP PROXBOX_SKIP_NETBOX_BOOTSTRAP
		PROXBOX_ENSURE_NETBOX_OBJECTS PROXBOX_DELETE_ORPHANS PROXBOX_EXPOSE_INTERNAL_ERRORS PROXBOX_LOG_LEVEL
		PROXBOX_FEATURES PROXBOX_GENERATED_DIR PROXBOX_NETBOX_TIMEOUT PROXBOX_NETBOX_MAX_CONCURRENT
		PROXBOX_NETBOX_MAX_RETRIES PROXBOX_NETBOX_RETRY_DELAY PROXBOX_NETBOX_WRITE_CONCURRENCY PROXBOX_NETBOX_GET_CACHE_TTL
		PROXBOX_NETBOX_GET_CACHE_MAX_ENTRIES PROXBOX_NETBOX_GET_CACHE_MAX_BYTES PROXBOX_DEBUG_CACHE
		PROXBOX_VM_SYNC_MAX_CONCURRENCY PROXBOX_PROXMOX_FETCH_CONCURRENCY PROXBOX_FETCH_MAX_CONCURRENCY
		PROXBOX_BACKUP_BATCH_SIZE PROXBOX_BACKUP_BATCH_DELAY_MS PROXBOX_BULK_BATCH_SIZE PROXBOX_BULK_BATCH_DELAY_MS
		PROXBOX_CUSTOM_FIELDS_REQUEST_DELAY PROXMOX_API_MODE PROXBOX_ENABLE_CLOUD_IMAGE_EXECUTION PROXBOX_PACKER_BINARY
		PROXBOX_PACKER_WORKDIR PROXBOX_DATABASE_PATH DATABASE_URL PROXBOX_AUTH_LOCKOUT_THRESHOLD
		PROXBOX_AUTH_LOCKOUT_WINDOW_SECONDS PROXBOX_AUTH_LOCKOUT_SOURCE_THRESHOLD PROXBOX_AUTH_LOCKOUT_MAX_BUCKETS
		PROXBOX_AUTH_LOCKOUT_MAX_IN_FLIGHT PROXBOX_AUTH_LOCKOUT_MAX_GLOBAL_IN_FLIGHT
		PROXBOX_AUTH_LOCKOUT_VERIFICATION_MAX_SECONDS PROXBOX_AUTH_LOCKOUT_HMAC_KEY PROXBOX_AUTH_LOCKOUT_HMAC_KEY_FILE
		PROXBOX_AUTH_MAX_ACTIVE_KEYS PROXBOX_GUEST_AGENT_TIMEOUT PROXBOX_INTERFACE_BATCH_SIZE PROXBOX_INTERFACE_BATCH_DELAY_MS
		PROXBOX_NODE_DEVICE_NAME_TEMPLATE PROXBOX_SESSION_ACQUIRE_CONCURRENCY PROXBOX_VM_CONFIG_FETCH_TIMEOUT_SECONDS
		PROXBOX_NETBOX_OPENAPI_PERSIST PROXBOX_EXECUTION_MODE PROXBOX_EXECUTION_GENERATION
		PROXBOX_ALLOW_FRESH_DATABASE_WITH_LEGACY`
	known := map[string]bool{}
	for _, s := range All() {
		known[s.Env] = true
	}
	for variable := range strings.FieldsSeq(all) {
		if !known[variable] {
			t.Errorf("%s is not in the table", variable)
		}
	}
}

func TestDefaults(t *testing.T) {
	v := load(t)
	for _, tt := range []struct {
		name      string
		got, want any
	}{
		{"PORT", Port.In(v), 8000},
		{"PROXBOX_BIND_HOST", BindHost.In(v), ""},
		{"PROXBOX_DATA_DIR", DataDir.In(v), ""},
		{"PROXBOX_LOG_LEVEL", LogLevel.In(v), slog.LevelInfo},
		{"PROXBOX_NETBOX_MAX_CONCURRENT", NetBoxMaxConcurrent.In(v), 2},
		{"PROXBOX_NETBOX_TIMEOUT", NetBoxTimeout.In(v), 120 * time.Second},
		{"PROXBOX_NETBOX_MAX_RETRIES", NetBoxMaxRetries.In(v), 5},
		{"PROXBOX_NETBOX_RETRY_DELAY", NetBoxRetryDelay.In(v), 2 * time.Second},
		{"PROXBOX_BULK_BATCH_SIZE", BulkBatchSize.In(v), 50},
		{"PROXBOX_BULK_BATCH_DELAY_MS", BulkBatchDelay.In(v), time.Duration(0)},
		{"PROXBOX_BACKUP_BATCH_DELAY_MS", BackupBatchDelay.In(v), time.Duration(0)},
		{"PROXBOX_VM_SYNC_MAX_CONCURRENCY", VMSyncMaxConcurrency.In(v), 4},
		{"PROXBOX_GUEST_AGENT_TIMEOUT", GuestAgentTimeout.In(v), 15 * time.Second},
		{"PROXBOX_TAG_PARTS", TagParts.In(v), false},
		{"PROXBOX_TRUSTED_PROXIES", TrustedProxies.In(v), []netip.Prefix(nil)},
	} {
		if !reflect.DeepEqual(tt.got, tt.want) {
			t.Errorf("%s = %v; want %v", tt.name, tt.got, tt.want)
		}
	}
	for _, r := range v.All() {
		if r.Source != FromDefault || r.Text != r.Default {
			t.Errorf("%s: %q from %s", r.Name, r.Text, r.Source)
		}
	}
}

func TestEnvironment(t *testing.T) {
	for _, tt := range []struct {
		env  string
		got  func(v *Values) any
		want any
	}{
		{"PORT= 8080 ", func(v *Values) any { return Port.In(v) }, 8080},
		{"PORT=", func(v *Values) any { return Port.In(v) }, 8000},
		{`PROXBOX_BIND_HOST="::"`, func(v *Values) any { return BindHost.In(v) }, "::"},
		{"PROXBOX_BIND_HOST=[::1]", func(v *Values) any { return BindHost.In(v) }, "::1"},
		{"PROXBOX_LOG_LEVEL=WARNING", func(v *Values) any { return LogLevel.In(v) }, slog.LevelWarn},
		{"PROXBOX_LOG_LEVEL=CRITICAL", func(v *Values) any { return LogLevel.In(v) }, slog.LevelError},
		{"PROXBOX_LOG_LEVEL=debug", func(v *Values) any { return LogLevel.In(v) }, slog.LevelDebug},
		{"PROXBOX_NETBOX_TIMEOUT=1.5", func(v *Values) any { return NetBoxTimeout.In(v) }, 1500 * time.Millisecond},
		{"PROXBOX_BULK_BATCH_DELAY_MS=500", func(v *Values) any { return BulkBatchDelay.In(v) }, 500 * time.Millisecond},
		{"PROXBOX_TAG_PARTS=Yes", func(v *Values) any { return TagParts.In(v) }, true},
		{"PROXBOX_TAG_PARTS=off", func(v *Values) any { return TagParts.In(v) }, false},
		{"PROXBOX_API_KEY=a=b", func(v *Values) any { return APIKey.In(v) }, domain.Secret("a=b")},
		{"PROXBOX_TRUSTED_PROXIES=10.1.2.3/8, 192.0.2.1 2001:db8::/32", func(v *Values) any { return TrustedProxies.In(v) },
			[]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("2001:db8::/32")}},
		{"PROXBOX_CORS_EXTRA_ORIGINS=https://a.example/,http://b:3000", func(v *Values) any { return CORSExtraOrigins.In(v) },
			[]string{"https://a.example", "http://b:3000"}},
		{"PROXBOX_NODE_DEVICE_NAME_TEMPLATE={node}.{cluster}", func(v *Values) any { return NodeDeviceNameTemplate.In(v) }, "{node}.{cluster}"},
	} {
		if got := tt.got(load(t, tt.env)); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s makes %v; want %v", tt.env, got, tt.want)
		}
	}
}

func TestBadEnvironment(t *testing.T) {
	for _, tt := range []struct{ variable, value, form string }{
		{"PORT", "0", "a whole number from 1 to 65535"},
		{"PORT", "65536", "a whole number from 1 to 65535"},
		{"PORT", "http", "a whole number from 1 to 65535"},
		{"PORT", "80.5", "a whole number from 1 to 65535"},
		{"PROXBOX_NETBOX_TIMEOUT", "2m", "a number of seconds from 1 to 3600"},
		{"PROXBOX_NETBOX_TIMEOUT", "NaN", "a number of seconds from 1 to 3600"},
		{"PROXBOX_NETBOX_TIMEOUT", "+Inf", "a number of seconds from 1 to 3600"},
		{"PROXBOX_BULK_BATCH_DELAY_MS", "-1", "a number of milliseconds from 0 to 600000"},
		{"PROXBOX_TAG_PARTS", "maybe", "true or false"},
		{"PROXBOX_LOG_LEVEL", "loud", "one of debug, info, warning, error"},
		{"PROXBOX_TRUSTED_PROXIES", "10.0.0.0/33", "addresses and networks"},
		{"PROXBOX_CORS_EXTRA_ORIGINS", "netbox.example.org", "origins"},
		{"PROXBOX_CORS_EXTRA_ORIGINS", "https://netbox/path", "origins"},
		{"PROXBOX_CORS_EXTRA_ORIGINS", "*", "origins"},
		{"PROXBOX_BIND_HOST", "http://x", "an address or host name"},
		{"PROXBOX_NODE_DEVICE_NAME_TEMPLATE", "{cluster}", "text with {node}"},
		{"PROXBOX_NODE_DEVICE_NAME_TEMPLATE", "{node}{x}", "text with {node}"},
	} {
		_, err := Load([]string{tt.variable + "=" + tt.value})
		var bad *EnvError
		if !errors.As(err, &bad) || bad.Variable != tt.variable || bad.Value != tt.value || !strings.Contains(err.Error(), tt.form) {
			t.Errorf("%s=%s: %v", tt.variable, tt.value, err)
		}
	}
	_, err := Load([]string{"PORT=x", "PROXBOX_TAG_PARTS=y"})
	if err == nil || !strings.Contains(err.Error(), "PORT") || !strings.Contains(err.Error(), "PROXBOX_TAG_PARTS") {
		t.Errorf("two bad ones: %v", err)
	}
}

func TestPlugin(t *testing.T) {
	fields := map[string]any{
		"netbox_max_concurrent": float64(1),  // its own default
		"netbox_timeout":        float64(90), // chosen
		"bulk_batch_delay_ms":   float64(500),
		"netbox_retry_delay":    "2.00",
		"netbox_get_cache_ttl":  "30.00",
		"overwrite_vm_role":     false,
		"overwrite_vm_platform": false,
		"primary_ip_preference": map[string]any{"value": "ipv6", "label": "IPv6"},
		"default_role_qemu":     map[string]any{"id": float64(7), "name": "VM"},
		"default_role_lxc":      nil,
		"bulk_batch_size":       "many",
		"encryption_key":        "not ours to use",
		"port":                  float64(1),
		"something_new":         true,
	}
	v, notices := load(t, "PROXBOX_NETBOX_GET_CACHE_TTL=10").WithPlugin("0.0.29.post6", fields)
	for _, tt := range []struct {
		name      string
		got, want any
		source    Source
		gotSource Source
	}{
		{"the plugin's default", NetBoxMaxConcurrent.In(v), 2, FromDefault, NetBoxMaxConcurrent.Source(v)},
		{"chosen", NetBoxTimeout.In(v), 90 * time.Second, FromPlugin, NetBoxTimeout.Source(v)},
		{"the plugin's default, ours differs", BulkBatchDelay.In(v), time.Duration(0), FromDefault, BulkBatchDelay.Source(v)},
		{"a decimal text", NetBoxRetryDelay.In(v), 2 * time.Second, FromDefault, NetBoxRetryDelay.Source(v)},
		{"the environment first", NetBoxGetCacheTTL.In(v), 10 * time.Second, FromEnvironment, NetBoxGetCacheTTL.Source(v)},
		{"a choice", PrimaryIPPreference.In(v), IPv6, FromPlugin, PrimaryIPPreference.Source(v)},
		{"a reference", DefaultRoleQEMU.In(v), 7, FromPlugin, DefaultRoleQEMU.Source(v)},
		{"null", DefaultRoleLXC.In(v), 0, FromDefault, DefaultRoleLXC.Source(v)},
		{"nonsense", BulkBatchSize.In(v), 50, FromDefault, BulkBatchSize.Source(v)},
		{"not the plugin's", Port.In(v), 8000, FromDefault, Port.Source(v)},
		{"the plugin's key", EncryptionKey.In(v), domain.Secret(""), FromDefault, EncryptionKey.Source(v)},
	} {
		if !reflect.DeepEqual(tt.got, tt.want) || tt.source != tt.gotSource {
			t.Errorf("%s: %v from %s; want %v from %s", tt.name, tt.got, tt.gotSource, tt.want, tt.source)
		}
	}
	if f := FlagsFrom(v); f.Overwrite("vm_role") || f.Overwrite("vm_platform") || !f.Overwrite("vm_tags") {
		t.Error("the overwrite flags are not the plugin's")
	}
	if len(notices) != 1 || !strings.Contains(notices[0], "bulk_batch_size") || !strings.Contains(notices[0], "many") {
		t.Errorf("notices: %q", notices)
	}
	// The values before are as they were.
	if before := load(t); NetBoxTimeout.In(before) != 120*time.Second {
		t.Error("WithPlugin changed other values")
	}
}

func TestPluginDefaultsByRelease(t *testing.T) {
	s := &Setting{Name: "x", Plugin: map[Release]string{Release0015: "1", Release0029: "2"},
		parse: func(text string) (any, error) { return text, nil }}
	for _, tt := range []struct {
		release, value string
		want           bool
	}{
		{"0.0.15", "1", true}, {"0.0.15.post2", "1", true}, {"0.0.15", "2", false},
		{"0.0.28", "1", true}, {"0.0.29.post6", "2", true}, {"0.0.29", "1", false}, {"0.1.0", "2", true},
		{"", "1", true}, {"", "2", true}, {"", "3", false}, {"0.0.14", "1", false},
	} {
		if got := s.isPluginDefault(tt.release, tt.value); got != tt.want {
			t.Errorf("release %q, value %s: %v", tt.release, tt.value, got)
		}
	}
}

func TestCompareReleases(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{{"0.0.15", "0.0.29", -1}, {"0.0.29.post6", "0.0.29", 0}, {"0.0.100", "0.0.29", 1}, {"0.1", "0.0.99", 1}} {
		if got := CompareReleases(tt.a, tt.b); got != tt.want {
			t.Errorf("CompareReleases(%s, %s) = %d; want %d", tt.a, tt.b, got, tt.want)
		}
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	v := load(t, "PROXBOX_API_KEY=canary-1", "PROXBOX_ENCRYPTION_KEY=canary-2", "PROXBOX_AUTH_LOCKOUT_HMAC_KEY=canary-3")
	var all strings.Builder
	for _, r := range v.All() {
		fmt.Fprintln(&all, r.Name, r.Text)
	}
	for _, shown := range []string{all.String(), fmt.Sprintf("%v %+v %#v %s", v, v, v, v)} {
		if strings.Contains(shown, "canary") {
			t.Errorf("a secret is shown in %q", shown)
		}
	}
	if !strings.Contains(all.String(), "api_key ********") {
		t.Error("it is not shown that there is one")
	}
}

func TestUnknownEnv(t *testing.T) {
	got := UnknownEnv([]string{"PATH=x", "PROXBOX_NETBOX_TIMOUT=1", "PORT=1", "PROXBOX_API_KEY=x", "PROXBOX_B=", "PROXBOX_B=1"})
	if want := []string{"PROXBOX_B", "PROXBOX_NETBOX_TIMOUT"}; !slices.Equal(got, want) {
		t.Errorf("UnknownEnv = %q; want %q", got, want)
	}
}

func TestForEndpoint(t *testing.T) {
	v := load(t, "PROXBOX_NODE_DEVICE_NAME_TEMPLATE={node}.{cluster}")
	defaults := domain.ProxmoxEndpoint{Timeout: 30 * time.Second, MaxRetries: 2, RetryBackoff: 500 * time.Millisecond, NodeDeviceNameTemplate: "{node}.{cluster}"}
	for _, tt := range []struct {
		name    string
		e, want domain.ProxmoxEndpoint
	}{
		{"left open", domain.ProxmoxEndpoint{}, defaults},
		{"the plugin's defaults", domain.ProxmoxEndpoint{Name: "px (nb:1)", Timeout: 5 * time.Second, RetryBackoff: 500 * time.Millisecond, NodeDeviceNameTemplate: "{node}"}, defaults},
		{"the same by hand", domain.ProxmoxEndpoint{Name: "px", Timeout: 5 * time.Second, RetryBackoff: time.Second, NodeDeviceNameTemplate: "{node}"},
			domain.ProxmoxEndpoint{Timeout: 5 * time.Second, MaxRetries: 2, RetryBackoff: time.Second, NodeDeviceNameTemplate: "{node}"}},
		{"chosen in the plugin", domain.ProxmoxEndpoint{Name: "px (nb:1)", Timeout: 60 * time.Second, MaxRetries: 7, RetryBackoff: time.Second, NodeDeviceNameTemplate: "{endpoint}-{node}"},
			domain.ProxmoxEndpoint{Timeout: 60 * time.Second, MaxRetries: 7, RetryBackoff: time.Second, NodeDeviceNameTemplate: "{endpoint}-{node}"}},
	} {
		tt.want.Name = tt.e.Name
		if got := ForEndpoint(v, tt.e); got != tt.want {
			t.Errorf("%s: %+v; want %+v", tt.name, got, tt.want)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("1", "2.5", "{node}", "10.0.0.0/8")
	f.Fuzz(func(t *testing.T, a, b, c, d string) {
		var environ []string
		for i, s := range All() {
			environ = append(environ, s.Env+"="+[]string{a, b, c, d}[i%4])
		}
		v, err := Load(environ)
		if v == nil {
			t.Fatalf("no values, %v", err)
		}
		FlagsFrom(v)
	})
}
