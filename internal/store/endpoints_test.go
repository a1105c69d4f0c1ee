package store

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"proxbox/internal/domain"
)

// What the plugin's release 0.0.29 pushes.
const pluginPush = `{"name": "px1 (nb:1)", "node_device_name_template": "", "ip_address": "127.0.0.2", "domain": null,
	"port": 8006, "username": "root@pam", "password": null, "verify_ssl": false, "timeout": 5, "max_retries": 0,
	"retry_backoff": 0.5, "token_name": "lab", "token_value": "1111-2222", "enabled": true,
	"allow_packer_template_builds": false, "access_methods": "api", "site_id": null, "site_slug": null,
	"site_name": null, "tenant_id": 7, "tenant_slug": "acme", "tenant_name": "Acme", "unknown": {"a": [1]}}`

func change(t testing.TB, body string) ProxmoxChange {
	t.Helper()
	var c ProxmoxChange
	if err := json.Unmarshal([]byte(body), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func proxmoxChange(name string) ProxmoxChange {
	return ProxmoxChange{Name: To(name), IPAddress: To("192.0.2.1"), Username: To("root@pam"),
		TokenName: To("lab"), TokenValue: To(domain.Secret("1111-2222"))}
}

func netboxChange() NetBoxChange {
	return NetBoxChange{Name: To("nb"), Domain: To("netbox.example.org"), Token: To(domain.Secret("0123456789abcdef"))}
}

func mustCreateProxmox(t testing.TB, s *Store, name string) ProxmoxEndpoint {
	t.Helper()
	e, err := s.ProxmoxEndpoints().Create(t.Context(), proxmoxChange(name))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestProxmoxAsThePluginPushesIt(t *testing.T) {
	s := open(t, t.TempDir())
	p := s.ProxmoxEndpoints()
	created, err := p.Create(t.Context(), change(t, pluginPush))
	if err != nil {
		t.Fatal(err)
	}
	want := ProxmoxEndpoint{
		ProxmoxEndpoint: domain.ProxmoxEndpoint{
			ID: 1, Name: "px1 (nb:1)", IPAddress: "127.0.0.2", Port: 8006, Username: "root@pam",
			TokenName: "lab", TokenValue: "1111-2222", Enabled: true,
			Timeout: 5 * time.Second, RetryBackoff: 500 * time.Millisecond,
			TenantID: 7, TenantSlug: "acme", TenantName: "Acme", AccessMethods: "api",
		},
		SSH: SSH{Port: 22},
	}
	if diff := cmp.Diff(want, created); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	pushedAgain, err := p.Update(t.Context(), 1, change(t, pluginPush))
	if err != nil || pushedAgain != created {
		t.Errorf("pushed again: %+v, %v", pushedAgain, err)
	}
	off, err := p.Update(t.Context(), 1, change(t, `{"enabled": false, "allow_packer_template_builds": false}`))
	want.Enabled = false
	if diff := cmp.Diff(want, off); err != nil || diff != "" {
		t.Errorf("switched off: %v (-want +got):\n%s", err, diff)
	}
	// From token to password: the token goes.
	withPassword, err := p.Update(t.Context(), 1, change(t, `{"password": " hunter2 ", "token_name": null, "token_value": null}`))
	if err != nil || withPassword.Password != " hunter2 " || withPassword.TokenName != "" || withPassword.TokenValue != "" {
		t.Errorf("from token to password: %+v, %v", withPassword, err)
	}
	if stored, err := p.Get(t.Context(), 1); err != nil || stored != withPassword {
		t.Errorf("stored: %+v, %v", stored, err)
	}
}

func TestEveryProxmoxFieldReadsBack(t *testing.T) {
	s := open(t, t.TempDir())
	want := ProxmoxEndpoint{
		ProxmoxEndpoint: domain.ProxmoxEndpoint{
			ID: 1000001, Name: "a", IPAddress: "2001:db8::1", Domain: "pve.example.org", Port: 443, Username: "a@pve",
			Password: "p", TokenName: "t", TokenValue: "v", VerifySSL: true, Enabled: true, AllowWrites: true,
			Timeout: 7 * time.Second, MaxRetries: 3, RetryBackoff: 250 * time.Millisecond,
			SiteID: 1, SiteSlug: "b", SiteName: "c", TenantID: 2, TenantSlug: "d", TenantName: "e",
			NodeDeviceNameTemplate: "{node}-{cluster}", AccessMethods: "api_ssh", AllowPackerTemplateBuilds: true,
		},
		SSH: SSH{TargetNode: "f", Host: "g", Username: "h", Port: 2222, IdentityFile: "i", KnownHostFingerprint: "j"},
	}
	_, err := s.ProxmoxEndpoints().Create(t.Context(), change(t, `{"name": "a", "ip_address": "2001:DB8:0::1", "domain": "pve.example.org",
		"port": 443, "username": "a@pve", "password": "p", "token_name": "t", "token_value": "v", "verify_ssl": true,
		"enabled": true, "allow_writes": true, "timeout": 7, "max_retries": 3, "retry_backoff": 0.25,
		"site_id": 1, "site_slug": "b", "site_name": "c", "tenant_id": 2, "tenant_slug": "d", "tenant_name": "e",
		"node_device_name_template": "{node}-{cluster}", "access_methods": "api_ssh", "allow_packer_template_builds": true,
		"ssh_target_node": "f", "ssh_host": "g", "ssh_username": "h", "ssh_port": 2222, "ssh_identity_file": "i",
		"ssh_known_host_fingerprint": "j"}`))
	if err != nil {
		t.Fatal(err)
	}
	all, err := s.ProxmoxEndpoints().List(t.Context())
	if diff := cmp.Diff([]ProxmoxEndpoint{want}, all); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestProxmoxIDs(t *testing.T) {
	s := open(t, t.TempDir())
	p := s.ProxmoxEndpoints()
	for _, tt := range []struct {
		name string
		want int
	}{
		{"made here", 1000001},
		{"px (nb:3)", 3},
		{"another made here", 1000002},
		{"px (nb:1)", 1},
		{"too large for an id of the plugin's (nb:1000001)", 1000003},
		{"no id (nb:0)", 1000004},
		{"not at the end (nb:9) x", 1000005},
		{"not even a number (nb:99999999999999999999)", 1000006},
	} {
		if e := mustCreateProxmox(t, s, tt.name); e.ID != tt.want {
			t.Errorf("%s has id %d; want %d", tt.name, e.ID, tt.want)
		}
	}
	// An id that was taken by a name since changed is not free.
	if _, err := p.Update(t.Context(), 3, ProxmoxChange{Name: To("px (nb:33)")}); err != nil {
		t.Fatal(err)
	}
	if e := mustCreateProxmox(t, s, "new (nb:3)"); e.ID != 1000007 {
		t.Errorf("id %d; want 1000007", e.ID)
	}
	for asked, want := range map[int]int{1: 1, 3: 3, 33: 3, 1000007: 1000007, 1000002: 1000002, 1000001: 1000001} {
		if e, err := p.Resolve(t.Context(), asked); err != nil || e.ID != want {
			t.Errorf("Resolve(%d) = %d, %v; want %d", asked, e.ID, err, want)
		}
	}
	if _, err := p.Resolve(t.Context(), 34); !errors.Is(err, ErrNotFound) {
		t.Errorf("Resolve(34) = %v; want ErrNotFound", err)
	}
	// A row that goes does not give its id to another one, unless the plugin
	// asks for it again.
	for _, id := range []int{1000007, 1} {
		if err := p.Delete(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if e := mustCreateProxmox(t, s, "after"); e.ID != 1000008 {
		t.Errorf("id %d; want 1000008", e.ID)
	}
	if e := mustCreateProxmox(t, s, "again (nb:1)"); e.ID != 1 {
		t.Errorf("id %d; want 1", e.ID)
	}
}

func TestProxmoxConflicts(t *testing.T) {
	s := open(t, t.TempDir())
	p := s.ProxmoxEndpoints()
	mustCreateProxmox(t, s, "px (nb:4)")
	other := mustCreateProxmox(t, s, "other")
	for name, err := range map[string]error{
		"create, same name":       second(p.Create(t.Context(), proxmoxChange("px (nb:4)"))),
		"create, same plugin id":  second(p.Create(t.Context(), proxmoxChange("renamed (nb:4)"))),
		"rename to the name":      second(p.Update(t.Context(), other.ID, ProxmoxChange{Name: To("px (nb:4)")})),
		"rename to the plugin id": second(p.Update(t.Context(), other.ID, ProxmoxChange{Name: To("x (nb:4)")})),
	} {
		var conflict *ConflictError
		if !errors.As(err, &conflict) || conflict.Field != "name" || conflict.ID != 4 {
			t.Errorf("%s: %v; want a conflict with row 4", name, err)
		}
	}
	if e, err := p.Get(t.Context(), other.ID); err != nil || e != other {
		t.Errorf("the refused update changed the row: %+v, %v", e, err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestProxmoxNotFound(t *testing.T) {
	p := open(t, t.TempDir()).ProxmoxEndpoints()
	for name, err := range map[string]error{
		"Get":    second(p.Get(t.Context(), 5)),
		"Update": second(p.Update(t.Context(), 5, ProxmoxChange{})),
		"Delete": p.Delete(t.Context(), 5),
	} {
		if !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "Proxmox endpoint 5") {
			t.Errorf("%s = %v; want ErrNotFound", name, err)
		}
	}
}

func TestProxmoxValidation(t *testing.T) {
	p := open(t, t.TempDir()).ProxmoxEndpoints()
	for _, tt := range []struct{ name, body, field string }{
		{"no name", `{"name": " "}`, "name"},
		{"name null", `{"name": null}`, "name"},
		{"endless name", `{"name": "` + strings.Repeat("x", 256) + `"}`, "name"},
		{"name with a line break", `{"name": "a\nb"}`, "name"},
		{"no host", `{"ip_address": "", "domain": null}`, "ip_address"},
		{"address with mask", `{"ip_address": "192.0.2.1/24"}`, "ip_address"},
		{"name as address", `{"ip_address": "pve"}`, "ip_address"},
		{"URL as host", `{"domain": "https://pve"}`, "domain"},
		{"host with port", `{"domain": "pve:8006"}`, "domain"},
		{"host with blank", `{"domain": "p ve"}`, "domain"},
		{"host that begins with a dash", `{"domain": "-pve"}`, "domain"},
		{"port 0", `{"port": 0}`, "port"},
		{"port 65536", `{"port": 65536}`, "port"},
		{"ssh port", `{"ssh_port": -1}`, "ssh_port"},
		{"no realm", `{"username": "root"}`, "username"},
		{"no user", `{"username": "@pam"}`, "username"},
		{"no user at all", `{"username": null}`, "username"},
		{"token of another user", `{"token_name": "a@pve!lab"}`, "token_name"},
		{"user with another token", `{"username": "root@pam!x"}`, "username"},
		{"user with a blank", `{"username": "ro ot@pam"}`, "username"},
		{"odd token name", `{"token_name": "lab=1111"}`, "token_name"},
		{"token in one piece", `{"token_name": "root@pam!lab=1111"}`, "token_name"},
		{"no way to log in", `{"token_name": null, "token_value": null}`, "password"},
		{"token without value", `{"token_value": ""}`, "token_value"},
		{"token without name", `{"token_name": ""}`, "token_name"},
		{"timeout", `{"timeout": -1}`, "timeout"},
		{"endless timeout", `{"timeout": 3601}`, "timeout"},
		{"retries", `{"max_retries": -1}`, "max_retries"},
		{"backoff", `{"retry_backoff": -0.5}`, "retry_backoff"},
		{"site", `{"site_id": -1}`, "site_id"},
		{"template without node", `{"node_device_name_template": "{cluster}"}`, "node_device_name_template"},
		{"template with another placeholder", `{"node_device_name_template": "{node}{name}"}`, "node_device_name_template"},
		{"template with half a brace", `{"node_device_name_template": "{node}}"}`, "node_device_name_template"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := proxmoxChange("px")
			if err := json.Unmarshal([]byte(tt.body), &c); err != nil {
				t.Fatal(err)
			}
			_, err := p.Create(t.Context(), c)
			var invalid *InvalidError
			if !errors.As(err, &invalid) || invalid.Field != tt.field || !strings.HasPrefix(err.Error(), tt.field+" ") {
				t.Errorf("Create = %v; want *InvalidError of %s", err, tt.field)
			}
		})
	}
	if all, err := p.List(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%d rows, %v", len(all), err)
	}
}

func TestProxmoxForms(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		host       string
		user, tok  string
	}{
		{"token as Proxmox shows it", `{"username": null, "token_name": "root@pam!lab"}`, "192.0.2.1", "root@pam", "lab"},
		{"and its user too", `{"username": "root@pam", "token_name": "root@pam!lab"}`, "192.0.2.1", "root@pam", "lab"},
		{"token in the user", `{"username": "root@pam!lab", "token_name": null}`, "192.0.2.1", "root@pam", "lab"},
		{"token in both", `{"username": "root@pam!lab", "token_name": "root@pam!lab"}`, "192.0.2.1", "root@pam", "lab"},
		{"realm with dots", `{"username": "a.b@corp.example.org"}`, "192.0.2.1", "a.b@corp.example.org", "lab"},
		{"host name", `{"domain": " pve_1.example.org "}`, "pve_1.example.org", "root@pam", "lab"},
		{"address in brackets", `{"ip_address": "[2001:db8::1]"}`, "2001:db8::1", "root@pam", "lab"},
		{"address as domain", `{"domain": "[2001:db8::2]"}`, "2001:db8::2", "root@pam", "lab"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := proxmoxChange("px")
			if err := json.Unmarshal([]byte(tt.body), &c); err != nil {
				t.Fatal(err)
			}
			e, err := open(t, t.TempDir()).ProxmoxEndpoints().Create(t.Context(), c)
			if err != nil || e.TokenValue != "1111-2222" || e.Host() != tt.host || e.Username != tt.user || e.TokenName != tt.tok {
				t.Errorf("%s %s %s, %v; want %s %s %s", e.Host(), e.Username, e.TokenName, err, tt.host, tt.user, tt.tok)
			}
		})
	}
}

func TestPartialUpdateKeepsTheRest(t *testing.T) {
	p := open(t, t.TempDir()).ProxmoxEndpoints()
	var whole map[string]any
	if err := json.Unmarshal([]byte(pluginPush), &whole); err != nil {
		t.Fatal(err)
	}
	delete(whole, "unknown")
	whole["password"], whole["domain"], whole["site_id"], whole["ssh_host"] = "p", "pve", 3, "h"
	names := []string{"ip_address", "domain", "port", "password", "verify_ssl", "timeout", "max_retries", "retry_backoff",
		"enabled", "access_methods", "site_id", "tenant_slug", "ssh_host", "node_device_name_template", "allow_writes"}
	others := map[string]any{"ip_address": "192.0.2.9", "domain": nil, "port": 1, "password": "q", "verify_ssl": true,
		"timeout": nil, "max_retries": 2, "retry_backoff": 1.5, "enabled": false, "access_methods": "api_ssh", "site_id": nil,
		"tenant_slug": "x", "ssh_host": nil, "node_device_name_template": "{node}", "allow_writes": true}
	body := func(t interface{ Fatal(...any) }, m map[string]any) (c ProxmoxChange) {
		raw, err := json.Marshal(m)
		if err == nil {
			err = json.Unmarshal(raw, &c)
		}
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if _, err := p.Create(t.Context(), body(t, whole)); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	rapid.Check(t, func(t *rapid.T) {
		if _, err := p.Update(ctx, 1, body(t, whole)); err != nil {
			t.Fatal(err)
		}
		given := map[string]any{}
		for _, name := range rapid.SliceOfDistinct(rapid.SampledFrom(names), rapid.ID[string]).Draw(t, "fields") {
			given[name] = others[name]
		}
		got, err := p.Update(ctx, 1, body(t, given))
		if err != nil {
			t.Fatal(err)
		}
		// The same as giving everything at once, what was not named with its
		// value from before.
		all := map[string]any{"allow_writes": false}
		for _, m := range []map[string]any{whole, given} {
			for name, v := range m {
				all[name] = v
			}
		}
		want, err := p.Update(ctx, 1, body(t, all))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%v (-want +got):\n%s", given, diff)
		}
		if _, err := p.Update(ctx, 1, body(t, map[string]any{"allow_writes": false})); err != nil {
			t.Fatal(err)
		}
	})
}

func TestNetBox(t *testing.T) {
	n := open(t, t.TempDir()).NetBoxEndpoints()
	if _, err := n.Enabled(t.Context()); !errors.Is(err, ErrNotFound) {
		t.Errorf("Enabled = %v; want ErrNotFound", err)
	}
	var c NetBoxChange
	if err := json.Unmarshal([]byte(`{"name": "nb", "ip_address": "127.0.0.1", "domain": "localhost", "port": 8080, "verify_ssl": false,
		"token_version": "v1", "token": "0123456789abcdef0123456789abcdef01234567"}`), &c); err != nil {
		t.Fatal(err)
	}
	created, err := n.Create(t.Context(), c)
	want := domain.NetBoxEndpoint{ID: 1, Name: "nb", IPAddress: "127.0.0.1", Domain: "localhost", Port: 8080,
		TokenVersion: "v1", Token: "0123456789abcdef0123456789abcdef01234567", Enabled: true}
	if err != nil || created != want {
		t.Fatalf("Create = %+v, %v; want %+v", created, err, want)
	}
	if again, err := n.Update(t.Context(), 1, c); err != nil || again != want {
		t.Errorf("Update = %+v, %v", again, err)
	}
	_, err = n.Create(t.Context(), netboxChange())
	var conflict *ConflictError
	if !errors.As(err, &conflict) || conflict.ID != 1 || !strings.HasPrefix(err.Error(), "Only one NetBox endpoint is allowed") {
		t.Errorf("a second one: %v", err)
	}
	// To a v2 token, given whole, and back.
	v2, err := n.Update(t.Context(), 1, NetBoxChange{Token: To(domain.Secret("nbt_abc.secret"))})
	if err != nil || v2.TokenVersion != "v2" || v2.TokenKey != "abc" || v2.Token != "secret" || v2.Authorization() != "Bearer nbt_abc.secret" {
		t.Errorf("v2: %+v, %v", v2, err)
	}
	v1, err := n.Update(t.Context(), 1, NetBoxChange{TokenVersion: To("v1"), Token: To(domain.Secret("old"))})
	if err != nil || v1.TokenKey != "" || v1.Authorization() != "Token old" {
		t.Errorf("v1: %+v, %v", v1, err)
	}
	if e, err := n.Enabled(t.Context()); err != nil || e != v1 {
		t.Errorf("Enabled = %+v, %v", e, err)
	}
	if _, err := n.Update(t.Context(), 1, NetBoxChange{Enabled: To(false)}); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Enabled(t.Context()); !errors.Is(err, ErrNotFound) {
		t.Errorf("Enabled = %v; want ErrNotFound", err)
	}
	if err := n.Delete(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"Get":    second(n.Get(t.Context(), 1)),
		"Update": second(n.Update(t.Context(), 1, NetBoxChange{})),
		"Delete": n.Delete(t.Context(), 1),
	} {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("%s = %v; want ErrNotFound", name, err)
		}
	}
}

func TestNetBoxValidation(t *testing.T) {
	n := open(t, t.TempDir()).NetBoxEndpoints()
	for _, tt := range []struct{ name, body, field string }{
		{"no name", `{"name": ""}`, "name"},
		{"no host", `{"domain": ""}`, "ip_address"},
		{"path in host", `{"domain": "nb/netbox"}`, "domain"},
		{"port", `{"port": 70000}`, "port"},
		{"no token", `{"token": ""}`, "token"},
		{"token null", `{"token": null}`, "token"},
		{"token with a blank", `{"token": "a b"}`, "token"},
		{"token version", `{"token_version": "v3"}`, "token_version"},
		{"v2 without key", `{"token_version": "v2"}`, "token_key"},
		{"v2 in one without dot", `{"token": "nbt_abc"}`, "token"},
		{"v2 in one with another key", `{"token": "nbt_abc.x", "token_key": "abd"}`, "token"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := netboxChange()
			if err := json.Unmarshal([]byte(tt.body), &c); err != nil {
				t.Fatal(err)
			}
			_, err := n.Create(t.Context(), c)
			var invalid *InvalidError
			if !errors.As(err, &invalid) || invalid.Field != tt.field {
				t.Errorf("Create = %v; want *InvalidError of %s", err, tt.field)
			}
		})
	}
}

func FuzzProxmoxChange(f *testing.F) {
	f.Add(pluginPush)
	f.Add(`{"name": "a", "token_name": "!", "username": "@!@"}`)
	f.Add(`{"domain": "[", "ip_address": "]"}`)
	f.Fuzz(func(t *testing.T, body string) {
		c := proxmoxChange("px")
		if json.Unmarshal([]byte(body), &c) != nil {
			return
		}
		var e ProxmoxEndpoint
		e.Port, e.SSH.Port = 8006, 22
		if c.apply(&e) != nil {
			return
		}
		// What was taken is canonical: taking it again changes nothing.
		again := e
		if err := (ProxmoxChange{}).apply(&again); err != nil || again != e {
			t.Errorf("%+v became %+v, %v", e, again, err)
		}
	})
}
