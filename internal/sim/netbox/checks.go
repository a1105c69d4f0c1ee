package netboxsim

import (
	"net/netip"
	neturl "net/url"
	"regexp"
	"strings"
)

// The checks of single texts.

var (
	slugForm    = regexp.MustCompile(`^[-a-zA-Z0-9_]+$`)
	tagSlugForm = regexp.MustCompile(`^[-\p{L}\p{N}_]+$`)
	colorForm   = regexp.MustCompile(`^[0-9a-f]{6}$`)
	dnsForm     = regexp.MustCompile(`^([0-9A-Za-z_-]+|\*)(\.[0-9A-Za-z_-]+)*\.?$`)
	customForm  = regexp.MustCompile(`^[A-Za-z0-9_]+$`)
	hostForm    = regexp.MustCompile(`(?i)^(localhost|([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+([a-z][a-z0-9-]{0,61}[a-z0-9])\.?)$`)
	domainForm  = regexp.MustCompile(`(?i)^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
)

func slugCheck(text string) string {
	if slugForm.MatchString(text) {
		return ""
	}
	return `Enter a valid "slug" consisting of letters, numbers, underscores or hyphens.`
}

// tagSlugCheck is that of tags, whose slug may have letters of any script:
// two validators refuse it.
func tagSlugCheck(text string) string {
	if tagSlugForm.MatchString(text) {
		return ""
	}
	return "Enter a valid “slug” consisting of Unicode letters, numbers, underscores, or hyphens.\n" +
		`Enter a valid "slug" consisting of Unicode letters, numbers, underscores, or hyphens.`
}

func colorCheck(text string) string {
	if colorForm.MatchString(text) {
		return ""
	}
	return "Enter a valid hexadecimal RGB color code."
}

func dnsCheck(text string) string {
	if dnsForm.MatchString(text) {
		return ""
	}
	return "Only alphanumeric characters, asterisks, hyphens, periods, and underscores are allowed in DNS names"
}

func customNameCheck(text string) string {
	switch {
	case !customForm.MatchString(text):
		return "Only alphanumeric characters and underscores are allowed."
	case strings.Contains(text, "__"):
		return "Double underscores are not permitted in custom field names."
	}
	return ""
}

// urlCheck is Django's: the host must be localhost, an address or a name
// with a dot.
func urlCheck(text string) string {
	const invalid = "Enter a valid URL."
	u, err := neturl.Parse(text)
	if err != nil || strings.ContainsAny(text, " \n") {
		return invalid
	}
	switch u.Scheme {
	case "http", "https", "ftp", "ftps":
	default:
		return invalid
	}
	host := u.Hostname()
	if _, err := netip.ParseAddr(host); err == nil || hostForm.MatchString(host) {
		return ""
	}
	return invalid
}

func lowerCase(text string) string { return strings.ToLower(text) }
