package store

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"unicode"

	"proxbox/internal/domain"
	"proxbox/internal/settings"
)

const maxText = 255 // characters of any text that is stored

// checkText refuses what cannot be meant: control characters and endless
// texts. It trims the blanks around.
func checkText(field string, text *string) error {
	*text = strings.TrimSpace(*text)
	if len([]rune(*text)) > maxText {
		return &InvalidError{field, fmt.Sprintf("is longer than %d characters", maxText), ""}
	}
	if strings.ContainsFunc(*text, unicode.IsControl) {
		return &InvalidError{field, "holds a control character", "Write it on one line of plain text."}
	}
	return nil
}

type textField struct {
	name string // on the wire
	text *string
}

func checkTexts(fields []textField) error {
	for _, f := range fields {
		if err := checkText(f.name, f.text); err != nil {
			return err
		}
	}
	return nil
}

func checkName(name *string) error {
	if err := checkText("name", name); err != nil {
		return err
	}
	if *name == "" {
		return &InvalidError{"name", "is empty", "Give the endpoint a name."}
	}
	return nil
}

func checkRange(field string, value, low, high int) error {
	if value < low || value > high {
		return &InvalidError{field, fmt.Sprintf("is %d and must be between %d and %d", value, low, high), ""}
	}
	return nil
}

// A host name as DNS and container networks know them; the underscore is not
// DNS, but container and service names have it.
var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})?)*\.?$`)

// checkHost takes an address and a host name, of which one must be there.
func checkHost(address, host *string) error {
	*address = strings.Trim(strings.TrimSpace(*address), "[]")
	*host = strings.TrimSpace(*host)
	if *address == "" && *host == "" {
		return &InvalidError{"ip_address", "is empty, and so is domain", "Give an IP address, or a host name in domain."}
	}
	if *address != "" {
		ip, err := netip.ParseAddr(*address)
		if err != nil {
			return &InvalidError{"ip_address", fmt.Sprintf("%q is no IP address", *address),
				"Give the address alone, without mask or port; a host name goes into domain."}
		}
		*address = ip.String()
	}
	if *host == "" {
		return nil
	}
	if ip, err := netip.ParseAddr(strings.Trim(*host, "[]")); err == nil {
		*host = ip.String()
		return nil
	}
	if len(*host) > 253 || !hostName.MatchString(*host) {
		return &InvalidError{"domain", fmt.Sprintf("%q is no host name", *host),
			"Give the name alone, such as pve.example.org, without https://, port or path."}
	}
	return nil
}

// checkProxmox brings an endpoint into its canonical form, or says what is
// wrong with it.
func checkProxmox(e *ProxmoxEndpoint) error {
	if err := checkName(&e.Name); err != nil {
		return err
	}
	if err := checkHost(&e.IPAddress, &e.Domain); err != nil {
		return err
	}
	if err := checkProxmoxLogin(&e.ProxmoxEndpoint); err != nil {
		return err
	}
	err := checkTexts([]textField{
		{"site_slug", &e.SiteSlug}, {"site_name", &e.SiteName},
		{"tenant_slug", &e.TenantSlug}, {"tenant_name", &e.TenantName},
		{"access_methods", &e.AccessMethods},
		{"ssh_target_node", &e.SSH.TargetNode}, {"ssh_host", &e.SSH.Host}, {"ssh_username", &e.SSH.Username},
		{"ssh_identity_file", &e.SSH.IdentityFile}, {"ssh_known_host_fingerprint", &e.SSH.KnownHostFingerprint},
	})
	if err != nil {
		return err
	}
	for _, n := range []struct {
		field            string
		value, low, high int
	}{
		{"port", e.Port, 1, 65535},
		{"ssh_port", e.SSH.Port, 1, 65535},
		{"timeout", int(e.Timeout.Seconds()), 0, 3600},
		{"max_retries", e.MaxRetries, 0, 100},
		{"retry_backoff", int(e.RetryBackoff.Seconds()), 0, 3600},
		{"site_id", e.SiteID, 0, 1 << 53},
		{"tenant_id", e.TenantID, 0, 1 << 53},
	} {
		if err := checkRange(n.field, n.value, n.low, n.high); err != nil {
			return err
		}
	}
	return checkNodeTemplate(&e.NodeDeviceNameTemplate)
}

// What Proxmox takes as the name of a user with its realm, and of a token.
var (
	proxmoxUser  = regexp.MustCompile(`^[^\s:/@!=][^\s:/!=]*@[A-Za-z][A-Za-z0-9._-]*$`)
	proxmoxToken = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]*$`)
)

// checkProxmoxLogin wants a user with realm and a password or a whole token.
// A token may be named as Proxmox shows it, user@realm!name, in either field.
// No error repeats what was given, for it may hold the token's value.
func checkProxmoxLogin(e *domain.ProxmoxEndpoint) error {
	user, name := strings.TrimSpace(e.Username), strings.TrimSpace(e.TokenName)
	if tokenUser, tokenName, whole := strings.Cut(name, "!"); whole {
		if user != "" && user != tokenUser && user != name {
			return &InvalidError{"token_name", "belongs to another user than username", "A token logs in as its own user: make the two agree."}
		}
		user, name = tokenUser, tokenName
	}
	if tokenUser, tokenName, whole := strings.Cut(user, "!"); whole {
		if name != "" && name != tokenName {
			return &InvalidError{"username", "names another token than token_name", "Give the user in username and the token's name in token_name."}
		}
		user, name = tokenUser, tokenName
	}
	e.Username, e.TokenName = user, name
	e.TokenValue = domain.Secret(strings.TrimSpace(e.TokenValue.Reveal()))
	if !proxmoxUser.MatchString(user) || len(user) > maxText {
		return &InvalidError{"username", "is no user with its realm", "Write it as Proxmox does, such as root@pam or proxbox@pve."}
	}
	if name != "" && !proxmoxToken.MatchString(name) || len(name) > maxText {
		return &InvalidError{"token_name", "is no name of a token", "Give the part after the ! in user@realm!name, and the secret in token_value."}
	}
	switch {
	case name != "" && e.TokenValue != "" || e.Password != "":
		return nil
	case name != "":
		return &InvalidError{"token_value", "is empty", "Give the secret that Proxmox showed when the token was made, or a password."}
	case e.TokenValue != "":
		return &InvalidError{"token_name", "is empty", "Give the token's name, the part after the ! in user@realm!name."}
	}
	return &InvalidError{"password", "is empty, and so are token_name and token_value", "Give an API token (preferred) or a password."}
}

// checkNodeTemplate takes what node devices are to be called; empty leaves it
// to the settings.
func checkNodeTemplate(template *string) error {
	const field = "node_device_name_template"
	if err := checkText(field, template); err != nil || *template == "" {
		return err
	}
	if err := settings.CheckNodeTemplate(*template); err != nil {
		return &InvalidError{field, err.Error(), "Use {node}, and beside it {cluster}, {cluster_slug} and {endpoint} as you like."}
	}
	return nil
}

// checkNetBox brings an endpoint into its canonical form, or says what is
// wrong with it.
func checkNetBox(e *domain.NetBoxEndpoint) error {
	if err := checkName(&e.Name); err != nil {
		return err
	}
	if err := checkHost(&e.IPAddress, &e.Domain); err != nil {
		return err
	}
	if err := checkRange("port", e.Port, 1, 65535); err != nil {
		return err
	}
	token := strings.TrimSpace(e.Token.Reveal())
	e.TokenKey = strings.TrimPrefix(strings.TrimSpace(e.TokenKey), "nbt_")
	// A v2 token may be given whole, as NetBox shows it once: nbt_<key>.<token>.
	if whole, ok := strings.CutPrefix(token, "nbt_"); ok {
		key, value, ok := strings.Cut(whole, ".")
		if !ok || e.TokenKey != "" && e.TokenKey != key {
			return &InvalidError{"token", "looks like a v2 token, and does not fit", "Give nbt_<key>.<token> whole, or the two parts in token_key and token."}
		}
		e.TokenVersion, e.TokenKey, token = "v2", key, value
	}
	e.Token = domain.Secret(token)
	switch e.TokenVersion {
	case "v1":
		e.TokenKey = ""
	case "v2":
		if e.TokenKey == "" {
			return &InvalidError{"token_key", "is empty", "A v2 token needs its key, the part between nbt_ and the dot."}
		}
	default:
		return &InvalidError{"token_version", fmt.Sprintf("is %q and must be v1 or v2", e.TokenVersion), ""}
	}
	if token == "" {
		return &InvalidError{"token", "is empty", "Give the NetBox token that the program is to write with."}
	}
	for _, f := range []textField{{"token_key", &e.TokenKey}, {"token", &token}} {
		if strings.ContainsFunc(*f.text, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return &InvalidError{f.name, "holds a character that no NetBox token has", "Copy it again, without blanks."}
		}
	}
	return nil
}
