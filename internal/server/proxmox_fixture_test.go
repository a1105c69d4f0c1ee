package server

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"proxbox/internal/domain"
	proxmoxsim "proxbox/internal/sim/proxmox"
	"proxbox/internal/store"
)

// park is a fixture with several Proxmox endpoints.
type park struct {
	*fixture
	mu       sync.Mutex
	byDomain map[string]http.RoundTripper
}

// newPark returns a service without endpoints, whose Proxmox transports are
// chosen by the domain of an endpoint.
func newPark(t *testing.T) *park {
	t.Helper()
	p := &park{fixture: newFixture(t, "PROXBOX_RATE_LIMIT=0").withKeys(), byDomain: map[string]http.RoundTripper{}}
	p.launcher.ProxmoxTransport = func(ep domain.ProxmoxEndpoint) http.RoundTripper {
		p.mu.Lock()
		defer p.mu.Unlock()
		if known := p.byDomain[ep.Domain]; known != nil {
			return known
		}
		return roundTripper(func(*http.Request) (*http.Response, error) { return nil, errRefused })
	}
	return p
}

// add stores an endpoint of a name that is reached by a transport.
func (p *park) add(name string, via http.RoundTripper, more ...func(*store.ProxmoxChange)) int {
	p.t.Helper()
	host, _, _ := strings.Cut(name, " ")
	host += ".example.org"
	p.mu.Lock()
	p.byDomain[host] = via
	p.mu.Unlock()
	e := p.proxmox.Endpoint()
	change := store.ProxmoxChange{Name: store.To(name), Domain: store.To(host), IPAddress: store.To("198.51.100.9"), Username: store.To(e.Username),
		TokenName: store.To(e.TokenName), TokenValue: store.To(e.TokenValue)}
	for _, m := range more {
		m(&change)
	}
	made, err := p.store.ProxmoxEndpoints().Create(p.t.Context(), change)
	if err != nil {
		p.t.Fatal(err)
	}
	return made.ID
}

// overlay answers paths that the simulator does not have. A value that begins
// with three digits and a space is a refusal.
type overlay struct {
	answers map[string]string
	next    http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (o overlay) RoundTrip(r *http.Request) (*http.Response, error) {
	body, ok := o.answers[strings.TrimPrefix(r.URL.EscapedPath(), "/api2/json")]
	if !ok {
		return o.next.RoundTrip(r)
	}
	var status int
	if _, err := fmt.Sscanf(body, "%3d ", &status); err == nil {
		return respond(r, status, body[4:], `{"data":null}`), nil
	}
	return respond(r, http.StatusOK, "OK", `{"data":`+body+`}`), nil
}

func respond(r *http.Request, status int, reason, body string) *http.Response {
	return &http.Response{Status: fmt.Sprintf("%d %s", status, reason), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader([]byte(body))), Request: r}
}

// more is what a cluster of release 9.2 answers beside what the simulator has.
func more() map[string]string {
	return map[string]string{
		"/cluster/firewall/rules":               `[{"pos":0,"type":"in","action":"ACCEPT","enable":1,"proto":"tcp","dport":"22","source":"+admins","comment":"ssh","digest":"d1"},{"pos":"1","type":"group","action":"web"}]`,
		"/cluster/firewall/groups":              `[{"group":"web","comment":"web servers","digest":"d2"}]`,
		"/cluster/firewall/groups/web":          `[{"pos":0,"type":"in","action":"ACCEPT","enable":0,"dport":443,"proto":"tcp","icmp-type":"any"}]`,
		"/cluster/firewall/ipset":               `[{"name":"admins","digest":"d3"}]`,
		"/cluster/firewall/ipset/admins":        `[{"cidr":"192.0.2.0/24"},{"cidr":"192.0.2.7","nomatch":1,"comment":"not this one"}]`,
		"/cluster/firewall/aliases":             `[{"name":"gateway","cidr":"192.0.2.1","digest":"d4","ipversion":4}]`,
		"/cluster/firewall/options":             `{"enable":1,"policy_in":"DROP","policy_out":"ACCEPT","log_ratelimit":"enable=1","ebtables":0,"digest":"d5"}`,
		"/nodes/pve1/firewall/rules":            `[{"pos":0,"type":"in","action":"DROP","iface":"vmbr0"}]`,
		"/nodes/pve1/firewall/options":          `{"enable":1,"nftables":0}`,
		"/nodes/pve1/qemu/100/firewall":         `[{"name":"rules"},{"name":"options"}]`,
		"/nodes/pve1/qemu/100/firewall/rules":   `[{"pos":0,"type":"out","action":"REJECT","enable":"1"}]`,
		"/nodes/pve1/qemu/100/firewall/ipset":   `[]`,
		"/nodes/pve1/qemu/100/firewall/aliases": `[]`,
		"/nodes/pve1/qemu/100/firewall/options": `{"enable":0,"dhcp":1}`,
		"/cluster/qemu/custom-cpu-models":       `[{"cputype":"fast","flags":"+aes","reported-model":"EPYC"}]`,
		"/cluster/qemu/custom-cpu-models/fast":  `{"cputype":"fast","flags":"+aes","reported-model":"EPYC"}`,
		"/cluster/qemu/custom-cpu-models/slow":  `404 Not Found`,
		"/cluster/options":                      `{"keyboard":"de","crs":"ha=static,ha-rebalance-on-start=1","migration":{"type":"secure"},"next-id":"lower=100,upper=999","max_workers":"4","location":"dc1"}`,
		"/cluster/ha/status/current":            `[{"id":"quorum","type":"quorum","quorate":1,"node":"pve1","status":"OK"},{"id":"service:vm:100","type":"service","sid":"vm:100","node":"pve1","state":"started","crm_state":"started","request_state":"started","status":"pve1 (started)","max_relocate":1}]`,
		"/cluster/ha/resources":                 `[{"sid":"vm:100","type":"vm","state":"started","max_relocate":1,"max_restart":"2","digest":"d6"},{"sid":"ct:300","type":"ct","state":"ignored"}]`,
		"/cluster/ha/groups":                    `500 cannot index groups: ha groups have been migrated to rules`,
		"/cluster/ha/groups/old":                `500 cannot index groups: ha groups have been migrated to rules`,
		"/cluster/ha/rules":                     `[{"rule":"apart","type":"resource-affinity","affinity":"negative","resources":"vm:100,ct:300","disable":0}]`,
		"/cluster/ha/status/manager_status":     `{"manager_status":{"master_node":"pve1","node_status":{"pve1":"online"},"timestamp":1784810226},"quorum":{"quorate":"1","node":"pve1"}}`,
		"/cluster/sdn/zones":                    `[{"zone":"lan","type":"vxlan","peers":"192.0.2.11,192.0.2.12","mtu":1450,"pending":{"mtu":1400}}]`,
		"/cluster/sdn/vnets":                    `[{"vnet":"office","zone":"lan","tag":0,"vlanaware":1,"alias":"the office"}]`,
		"/cluster/sdn/vnets/office/subnets":     `[{"subnet":"lan-10.0.0.0-24","cidr":"10.0.0.0/24","gateway":"10.0.0.1","snat":1}]`,
		"/cluster/sdn/controllers":              `[{"controller":"bgp1","type":"bgp","asn":"65000","peers":"192.0.2.1"}]`,
		"/cluster/sdn/fabrics":                  `[{"id":"fab","type":"openfabric"}]`,
		"/cluster/sdn/fabrics/all":              `[{"id":"fab","type":"openfabric","asn":65001}]`,
		"/cluster/sdn/route-maps":               `501 Method 'GET /cluster/sdn/route-maps' not implemented`,
		"/cluster/sdn/prefix-lists":             `[{"id":"all","cidr":"0.0.0.0/0","action":"permit","le":32}]`,
		"/nodes/pve1/time":                      `{"timezone":"Europe/Berlin","time":1784810226,"localtime":1784817426}`,
		"/nodes/pve1/config":                    `{"description":"first","startall-onboot-delay":"10","location":"52.5,13.4","digest":"d7"}`,
		"/nodes/pve1/qemu":                      `[{"vmid":100,"name":"web-01","status":"running"}]`,
		"/nodes/pve1/storage/nas/identity":      `{"instance-id":"0f3c"}`,
		"/access":                               `[{"subdir":"users"},{"subdir":"roles"}]`,
		"/cluster":                              `[{"name":"resources"},{"name":"status"}]`,
		"/pools":                                `[{"poolid":"production"}]`,
		"/access/users/root@pam/token/proxbox":  `{"comment":"reads","privsep":1,"expire":0}`,
		"/access/users/root@pam/token/none":     `404 no such token`,
	}
}

// standalone is a host by itself.
func standalone() proxmoxsim.Estate {
	e := proxmoxsim.DemoAt(1, 2)
	e.Cluster, e.Nodes = "", e.Nodes[:1]
	e.Nodes[0].Name = "pve9"
	for i := range e.Guests {
		e.Guests[i].Node = "pve9"
	}
	return e
}

// withAll adds a cluster, a host by itself, one that is dead and one that
// refuses the token.
func (p *park) withAll() *park {
	p.t.Helper()
	p.add("demo (nb:1)", overlay{more(), p.carry(p.proxmox.Transport())}, func(c *store.ProxmoxChange) {
		c.SiteID, c.SiteSlug, c.SiteName = store.To(3), store.To("dc1"), store.To("DC 1")
	})
	p.add("host (nb:2)", overlay{map[string]string{"/cluster/ha/groups": `[{"group":"old","nodes":"pve9:2","restricted":0,"type":"group"}]`,
		"/cluster/ha/groups/old": `{"nodes":"pve9:2","restricted":0,"type":"group"}`}, proxmoxsim.New(standalone()).Transport()})
	p.add("dead (nb:3)", nil)
	p.add("locked (nb:4)", p.proxmox.Transport(), func(c *store.ProxmoxChange) {
		c.TokenValue = store.To(domain.Secret("00000000-0000-0000-0000-000000000000"))
	})
	return p
}
