package domain

import (
	"net"
	"regexp"
	"strconv"
	"time"
)

// ProxmoxEndpoint is one Proxmox VE API that is read: a cluster through one
// of its nodes, or a stand-alone host.
type ProxmoxEndpoint struct {
	ID          int    // our row id; stored in NetBox as proxmox_endpoint_raw_id, so it never changes
	Name        string // as pushed; the plugin's end in "(nb:<pk>)"
	IPAddress   string
	Domain      string // tried before IPAddress when set
	Port        int
	Username    string // user@realm
	Password    Secret
	TokenName   string // the part after "!" of user@realm!name
	TokenValue  Secret
	VerifySSL   bool
	Enabled     bool
	AllowWrites bool // kept for the wire; Proxmox is never written to

	Timeout      time.Duration // of one request; 0 means the reader's default
	MaxRetries   int
	RetryBackoff time.Duration

	SiteID     int
	SiteSlug   string
	SiteName   string
	TenantID   int
	TenantSlug string
	TenantName string

	NodeDeviceNameTemplate    string // "" means "{node}"
	AccessMethods             string
	AllowPackerTemplateBuilds bool
}

// Host is the domain when there is one, else the address.
func (e ProxmoxEndpoint) Host() string {
	if e.Domain != "" {
		return e.Domain
	}
	return e.IPAddress
}

// BaseURL is https://host:port; Proxmox serves its API over TLS alone.
func (e ProxmoxEndpoint) BaseURL() string {
	return "https://" + net.JoinHostPort(e.Host(), strconv.Itoa(e.Port))
}

var pluginSuffix = regexp.MustCompile(`\s*\(nb:(\d+)\)$`)

// PluginID is the pk of the plugin's own row for this endpoint, which the
// plugin writes at the end of the name as "(nb:<pk>)"; 0 when there is none.
func (e ProxmoxEndpoint) PluginID() int {
	m := pluginSuffix.FindStringSubmatch(e.Name)
	if m == nil {
		return 0
	}
	id, err := strconv.Atoi(m[1])
	if err != nil {
		return 0
	}
	return id
}

// DisplayName is the name without the plugin's "(nb:<pk>)" suffix.
func (e ProxmoxEndpoint) DisplayName() string {
	return pluginSuffix.ReplaceAllString(e.Name, "")
}

// NetBoxEndpoint is the NetBox that is kept true.
type NetBoxEndpoint struct {
	ID           int
	Name         string
	IPAddress    string
	Domain       string
	Port         int
	TokenVersion string // "v1" or "v2"
	TokenKey     string // v2 alone: the public part of "nbt_<key>.<token>"
	Token        Secret
	VerifySSL    bool
	Enabled      bool
}

// BaseURL is https when the port is 443 or the certificate is verified, as
// the plugin's own stored rows mean it, and http otherwise.
func (e NetBoxEndpoint) BaseURL() string {
	scheme := "http"
	if e.Port == 443 || e.VerifySSL {
		scheme = "https"
	}
	host := e.Domain
	if host == "" {
		host = e.IPAddress
	}
	return scheme + "://" + net.JoinHostPort(host, strconv.Itoa(e.Port))
}

// Authorization is the header value NetBox expects for this token.
func (e NetBoxEndpoint) Authorization() string {
	if e.TokenVersion == "v2" {
		return "Bearer nbt_" + e.TokenKey + "." + e.Token.Reveal()
	}
	return "Token " + e.Token.Reveal()
}
