package secret

import (
	"regexp"
	"strings"
)

// redactedText stands where a secret was.
const redactedText = "[REDACTED]"

// What a secret looks like in a line of text. Each pattern keeps what comes
// before the secret, so that the line still says what it was about.
var redactions = []struct {
	may     func(line string) bool // whether the pattern can match
	pattern *regexp.Regexp
	with    string
}{
	// Authorization: Bearer …, Basic …, Token …; the scheme is kept. The
	// plain word "token" is left to the last pattern: "token expired" is prose.
	{holds("bearer", "basic"), regexp.MustCompile(`(?i)\b(bearer|basic)(\s+)[A-Za-z0-9._~+/=\-]{6,}`), "${1}${2}" + redactedText},
	{holds("authorization"), regexp.MustCompile(`(?i)(authorization["']?\s*[:=]\s*["']?(?:token|apikey)\s+)[^\s"',;]+`), "${1}" + redactedText},
	// Proxmox: PVEAPIToken=user@realm!name=value; whose token it is, is kept.
	{holds("pveapitoken="), regexp.MustCompile(`(?i)(PVEAPIToken=[^\s"'=]*=)[^\s"',;]+`), "${1}" + redactedText},
	{holds("pve:"), regexp.MustCompile(`PVE:[^\s"':]+:[0-9A-F]{8}::[A-Za-z0-9+/=]+`), redactedText},
	// NetBox's v2 tokens: nbt_<key>.<token>; the key is public.
	{holds("nbt_"), regexp.MustCompile(`\b(nbt_[A-Za-z0-9]+\.)[A-Za-z0-9_\-]+`), "${1}" + redactedText},
	// What this program stores.
	{holds("enc:"), regexp.MustCompile(`\benc:[A-Za-z0-9_\-]{20,}=*`), redactedText},
	// user:password@host
	{holds("://"), regexp.MustCompile(`(?i)\b([a-z][a-z0-9+.\-]*://[^\s/:@"']+:)[^\s/@"']+@`), "${1}" + redactedText + "@"},
	// name=value, name: value and "name": "value" where the name says that
	// the value is secret; a quoted value may hold anything but its quote,
	// and the quotes may be escaped, as in JSON inside a log line.
	{names, named(`\\+"[^"\\]*\\+"`), "${1}" + redactedText},
	{names, named(`"(?:[^"\\]|\\.)*"`), `${1}"` + redactedText + `"`},
	{names, named(`'(?:[^'\\]|\\.)*'`), `${1}'` + redactedText + `'`},
	{names, named(`(?:(?:bearer|basic|token)\s+)?[^\s"'\\&,;}\])\[]+`), "${1}" + redactedText},
}

// secretNames are the last words of names whose values are secret.
const secretNames = `x[_\-]proxbox[_\-]api[_\-]key|csrfpreventiontoken|pveauthcookie|` +
	`token[_\-]?value|passwords?|passwd|passphrase|secrets?|api[_\-]?keys?|tokens?|keys?|auth`

// named matches a value behind a name that says that the value is secret.
func named(value string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)\b((?:[a-z0-9]+[_\-])*(?:` + secretNames + `)\\*["']?\s*[=:]\s*)` + value)
}

// Redact returns a line with every secret in it replaced by "[REDACTED]". It
// is the last net under what is logged and streamed, not the first: a secret
// is kept in a domain.Secret, which does not print itself.
func Redact(line string) string {
	all := strings.ContainsAny(line, folded)
	for _, r := range redactions {
		if all || r.may(line) {
			line = r.pattern.ReplaceAllString(line, r.with)
		}
	}
	return line
}
