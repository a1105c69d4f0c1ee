package secret

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestRedact(t *testing.T) {
	for _, tt := range []struct{ line, want string }{
		{"", ""},
		{"guest 100 (web): 3 interfaces", "guest 100 (web): 3 interfaces"},
		{"the token expired, the key is missing", "the token expired, the key is missing"},
		{"token=abc123 next", "token=[REDACTED] next"},
		{"password: hunter2, user: root@pam", "password: [REDACTED], user: root@pam"},
		{`{"password": "hun\"ter, 2", "port": 8006}`, `{"password": "[REDACTED]", "port": 8006}`},
		{`{'token_value': 'a b'}`, `{'token_value': '[REDACTED]'}`},
		{`body="{\"password\":\"hunter2\",\"port\":1}"`, `body="{\"password\":[REDACTED],\"port\":1}"`},
		{"api_key=abc&name=x", "api_key=[REDACTED]&name=x"},
		{"auth=abc", "auth=[REDACTED]"},
		{"client_secret=abc", "client_secret=[REDACTED]"},
		{"X-Proxbox-API-Key: abcdef", "X-Proxbox-API-Key: [REDACTED]"},
		{"Authorization: Bearer abcdef.ghi-jkl", "Authorization: Bearer [REDACTED]"},
		{"Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic [REDACTED]"},
		{"Authorization: Token 0123456789abcdef", "Authorization: Token [REDACTED]"},
		{"PVEAPIToken=root@pam!lab=1111-2222", "PVEAPIToken=root@pam!lab=[REDACTED]"},
		{"ticket PVE:root@pam:65A1B2C3::abcDEF+/== sent", "ticket [REDACTED] sent"},
		{"nbt_abc123.deadbeef", "nbt_abc123.[REDACTED]"},
		{"stored enc:Z0FBQUFBQmxVX0VBQUFBQUFB==", "stored [REDACTED]"},
		{"GET https://root:hunter2@pve:8006/api2", "GET https://root:[REDACTED]@pve:8006/api2"},
		{"monkey=banana author=me", "monkey=banana author=me"},
	} {
		if got := Redact(tt.line); got != tt.want {
			t.Errorf("Redact(%q)\n got %q\nwant %q", tt.line, got, tt.want)
		}
	}
}

func TestRedactLeavesNoSecret(t *testing.T) {
	forms := []string{
		"token=%", "a_token = %", `"password":"%"`, `{\"api_key\":\"%\"}`, "secret: %", "KEY=%", "auth=%",
		"Authorization: Bearer %", "X-Proxbox-API-Key: %", "PVEAPIToken=u@pve!t=%", "http://u:%@host/",
	}
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringMatching(`[A-Za-z0-9]{12,40}`).Draw(t, "value")
		form := rapid.SampledFrom(forms).Draw(t, "form")
		before := rapid.StringMatching(`[a-z ]{0,20} `).Draw(t, "before")
		line := before + strings.ReplaceAll(form, "%", value) + " after"
		got := Redact(line)
		if strings.Contains(got, value) {
			t.Fatalf("Redact(%q) = %q", line, got)
		}
		if !strings.HasPrefix(got, before) || !strings.HasSuffix(got, " after") {
			t.Fatalf("Redact(%q) = %q: the rest of the line is gone", line, got)
		}
		if again := Redact(got); strings.Contains(again, value) {
			t.Fatalf("Redact twice: %q", again)
		}
	})
}

// thorough is Redact with every pattern.
func thorough(line string) string {
	for _, r := range redactions {
		line = r.pattern.ReplaceAllString(line, r.with)
	}
	return line
}

// What a line is looked at for before its patterns misses none of them.
func TestRedactMissesNothing(t *testing.T) {
	pieces := []string{"token", "TOKENS", "api_key", "Key", "keys", "passwd", "PassPhrase", "secret", "auth", "pveauthcookie", "token-value", "bearer ", "BASIC ",
		"authorization", "PVEAPIToken=", "PVE:", "root@pam", ":65A1B2C3::", "nbt_", "enc:", "http://", "u:p@", "=", ":", " ", "\n", "\t", "\\", `"`, "'", "_", "-", ".", "&",
		"abcdefghijklmnopqrstuvwxyz", "x", "7", "é", "\u212A", "\u017F", "\xff"}
	rapid.Check(t, func(t *rapid.T) {
		line := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 20).Draw(t, "pieces"), "")
		if got, want := Redact(line), thorough(line); got != want {
			t.Fatalf("Redact(%q)\n got %q\nwant %q", line, got, want)
		}
	})
}

func BenchmarkRedact(b *testing.B) {
	for name, line := range map[string]string{
		"nothing": `time=2026-11-25T18:30:31.000Z level=INFO msg=request id=0b1f2e64-7a3a-4a0e-9a3e-2f9a3b1c4d5e method=GET path=/proxmox/cluster/resources status=200 bytes=12345 client=192.0.2.1`,
		"secret":  `time=2026-11-25T18:30:31.000Z level=INFO msg=request token_value=0b1f2e64-7a3a-4a0e-9a3e-2f9a3b1c4d5e method=GET path=/proxmox/cluster/resources status=200`,
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				Redact(line)
			}
		})
	}
}

func FuzzRedact(f *testing.F) {
	f.Add(`{"password": "x"`)
	f.Add("token==\\\"")
	f.Fuzz(func(t *testing.T, line string) {
		if got, want := Redact(line), thorough(line); got != want {
			t.Errorf("Redact(%q)\n got %q\nwant %q", line, got, want)
		}
	})
}
