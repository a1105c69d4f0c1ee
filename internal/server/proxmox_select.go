package server

import (
	"context"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"proxbox/internal/domain"
)

// readInput is a request for what Proxmox says. Which endpoints are meant is
// in its query; the rest of that is ignored.
type readInput struct{ query url.Values }

// Resolve implements huma.Resolver.
func (in *readInput) Resolve(ctx huma.Context) []error {
	u := ctx.URL()
	in.query = u.Query()
	return nil
}

// selector is a parameter that chooses an endpoint.
type selector struct {
	names []string // of Proxmox's API as it is passed through, and of all others
	doc   string
	match func(domain.ProxmoxEndpoint, string) bool
}

var selectors = []selector{
	{[]string{"target_name", "name"}, "The endpoint of this name", hasName},
	{[]string{"target_domain", "domain"}, "The endpoint of this domain",
		func(e domain.ProxmoxEndpoint, v string) bool { return strings.EqualFold(e.Domain, v) }},
	{[]string{"target_ip_address", "ip_address"}, "The endpoint of this address",
		func(e domain.ProxmoxEndpoint, v string) bool { return bareAddress(e.IPAddress) == bareAddress(v) }},
}

// hasName tells whether an endpoint is meant by a name: its own, with or
// without the plugin's "(nb:<pk>)", which alone would do.
func hasName(e domain.ProxmoxEndpoint, name string) bool {
	asked := domain.ProxmoxEndpoint{Name: name}
	return e.Name == name || e.DisplayName() == name || asked.PluginID() != 0 && asked.PluginID() == e.PluginID()
}

// bareAddress is an address without its mask and in one spelling.
func bareAddress(text string) string {
	text, _, _ = strings.Cut(strings.Trim(strings.TrimSpace(text), "[]"), "/")
	if ip := net.ParseIP(text); ip != nil {
		return ip.String()
	}
	return text
}

// readParams are the parameters of every route that reads Proxmox, beside the
// ids of endpoints, which syncs have too.
func readParams() []*huma.Param {
	text := &huma.Schema{Type: huma.TypeString}
	all := []*huma.Param{
		{Name: "endpoint_ids", In: "query", Schema: text, Description: "The same as proxmox_endpoint_ids."},
		{Name: "source", In: "query", Schema: text, Description: "Accepted, and without effect: endpoints are those that are stored here."},
		{Name: "port", In: "query", Schema: text, Description: "Narrows ip_address or domain where several endpoints have the same."},
		{Name: "cluster_name", In: "query", Schema: text, Description: "The endpoint that reads the cluster of this name."},
	}
	for _, sel := range selectors {
		all = append(all, &huma.Param{Name: sel.names[1], In: "query", Schema: text, Description: sel.doc + "."})
	}
	return all
}

// endpointsOf are the enabled endpoints that a request means; all of them when
// it does not say. It is an error to name one that there is not.
func (s *Server) endpointsOf(ctx context.Context, query url.Values, spelling ...int) ([]domain.ProxmoxEndpoint, error) {
	wanted, err := ids(given(query, "proxmox_endpoint_ids", "endpoint_ids"), "proxmox_endpoint_ids", "endpoint_ids")
	if err != nil {
		return nil, err
	}
	found, err := s.launcher.Endpoints.Proxmox(ctx, wanted)
	if err != nil {
		return nil, err
	}
	if wanted == nil {
		s.readers.keepOnly(found)
	}
	for _, sel := range selectors {
		for i, name := range sel.names {
			value := query.Get(name)
			if value == "" || len(spelling) > 0 && !slices.Contains(spelling, i) {
				continue
			}
			found = slices.DeleteFunc(found, func(e domain.ProxmoxEndpoint) bool { return !sel.match(e, value) })
			if len(found) == 0 {
				return nil, fail(404, "No enabled Proxmox endpoint has the %s %q; GET /proxmox/endpoints shows those that there are.", name, value)
			}
		}
	}
	if port, err := strconv.Atoi(query.Get("port")); err == nil && len(found) > 1 {
		same := slices.DeleteFunc(slices.Clone(found), func(e domain.ProxmoxEndpoint) bool { return e.Port != port })
		if len(same) > 0 {
			found = same
		}
	}
	return found, nil
}

// given leaves out parameters that are there and empty: the plugin's pages
// send such.
func given(query url.Values, names ...string) url.Values {
	out := url.Values{}
	for _, name := range names {
		if query.Get(name) != "" {
			out[name] = query[name]
		}
	}
	return out
}
