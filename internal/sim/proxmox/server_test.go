package proxmoxsim_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"proxbox/internal/domain"
	"proxbox/internal/proxmox"
	proxmoxsim "proxbox/internal/sim/proxmox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB, s *proxmoxsim.Server) *proxmox.Client {
	t.Helper()
	c, err := proxmox.Open(s.Endpoint(), proxmox.Options{Transport: s.Transport()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestDemoIsReadWhole(t *testing.T) {
	s := proxmoxsim.New(proxmoxsim.Demo(60))
	snap, err := open(t, s).Snapshot(t.Context(), proxmox.Everything())
	if err != nil {
		t.Fatal(err)
	}
	if len(snap.Guests) != 60 || len(snap.Nodes) != 3 || !snap.Complete.Guests || !snap.Complete.Backups {
		t.Errorf("%d guests on %d nodes, complete: %+v", len(snap.Guests), len(snap.Nodes), snap.Complete)
	}
	// Three agents of the demo do not tell, and nothing else is amiss.
	if len(snap.Problems) != 3 {
		t.Errorf("problems: %v", snap.Problems)
	}
	if refused := s.Refused(); len(refused) != 0 {
		t.Errorf("the reader tried to change something: %v", refused)
	}
	if n := s.Requests()["/nodes/pve1/qemu/100/config"]; n != 1 {
		t.Errorf("a configuration was asked for %d times", n)
	}
	s.ResetRequests()
	if n := len(s.Requests()); n != 0 {
		t.Errorf("%d requests are remembered", n)
	}
}

func TestServesOverTLS(t *testing.T) {
	s := proxmoxsim.New(proxmoxsim.Demo(10))
	server := httptest.NewTLSServer(s)
	defer server.Close()
	ep := s.Endpoint()
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	ep.IPAddress = u.Hostname()
	if ep.Port, err = strconv.Atoi(u.Port()); err != nil {
		t.Fatal(err)
	}
	c, err := proxmox.Open(ep, proxmox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	over, err := c.Snapshot(t.Context(), proxmox.Everything())
	if err != nil {
		t.Fatal(err)
	}
	within, err := open(t, s).Snapshot(t.Context(), proxmox.Everything())
	if err != nil {
		t.Fatal(err)
	}
	over.Endpoint = within.Endpoint
	// The reason phrases of refusals are Go's over the network.
	over.Problems, within.Problems = nil, nil
	if diff := cmp.Diff(asJSON(t, within), asJSON(t, over)); diff != "" {
		t.Errorf("in the process and over the network (-, +):\n%s", diff)
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestRefusesToBeChanged(t *testing.T) {
	s := proxmoxsim.New(proxmoxsim.Demo(1))
	client := &http.Client{Transport: s.Transport()}
	ep := s.Endpoint()
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch} {
		req, err := http.NewRequestWithContext(t.Context(), method, "https://pve/api2/json/nodes/pve1/qemu/100/config", strings.NewReader("name=x"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "PVEAPIToken="+ep.Username+"!"+ep.TokenName+"="+ep.TokenValue.Reveal())
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden || !strings.Contains(string(body), "only read") {
			t.Errorf("%s is answered with %s %s", method, resp.Status, body)
		}
	}
	if refused := s.Refused(); len(refused) != 4 || refused[1] != "PUT /nodes/pve1/qemu/100/config" {
		t.Errorf("refused: %v", refused)
	}
}

func TestAnswersInTheFormOfItsRelease(t *testing.T) {
	interfaces := func(version string) string {
		e := proxmoxsim.Demo(15)
		e.Version = version
		s := proxmoxsim.New(e)
		raw, err := open(t, s).Get(t.Context(), e.Guest(113).Path("interfaces"), nil)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	if got := interfaces("8.4.1"); strings.Contains(got, "ip-addresses") || !strings.Contains(got, `"inet":"10.10.0.15/24"`) {
		t.Errorf("release 8 has %s", got)
	}
	if got := interfaces("9.0.10"); !strings.Contains(got, `"prefix":"24"`) || !strings.Contains(got, `"inet":"10.10.0.15/24"`) {
		t.Errorf("release 9 has %s", got)
	}

	for version, message := range map[string]string{"7.4-16": "", "8.2.2": "QEMU guest agent is not running"} {
		e := proxmoxsim.Demo(10)
		e.Version = version
		_, err := open(t, proxmoxsim.New(e)).Get(t.Context(), e.Guest(108).Path("agent", "get-osinfo"), nil)
		var refusal *proxmox.StatusError
		if !errors.As(err, &refusal) {
			t.Fatal(err)
		}
		if refusal.Message != message || refusal.Reason != "QEMU guest agent is not running" {
			t.Errorf("release %s refuses with %q and %q", version, refusal.Reason, refusal.Message)
		}
	}
}

func TestHangsUntilTheReaderGivesUp(t *testing.T) {
	e := proxmoxsim.Demo(3)
	e.Fail(e.Guest(101).Path("config"), proxmoxsim.Fault{Hangs: true})
	s := proxmoxsim.New(e)
	c, err := proxmox.Open(s.Endpoint(), proxmox.Options{Transport: s.Transport(), Timeout: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var late *proxmox.TimeoutError
	if _, err := c.Get(t.Context(), e.Guest(101).Path("config"), nil); !errors.As(err, &late) {
		t.Errorf("a hanging path ends with %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Version(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a request that was given up before it was sent ends with %v", err)
	}
}

func TestChangesWhileItIsRead(t *testing.T) {
	s := proxmoxsim.New(proxmoxsim.Demo(40))
	c := open(t, s)
	done := make(chan error)
	go func() {
		for range 5 {
			snap, err := c.Snapshot(t.Context(), proxmox.Guests())
			if err == nil && len(snap.Guests) < 39 {
				err = errors.New("a guest is missing that is there")
			}
			if err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for i := range 50 {
		s.Change(func(e *proxmoxsim.Estate) {
			e.Guest(100).Rename("web-" + strconv.Itoa(i))
			e.Guest(101).Move(e.Nodes[i%3].Name)
			if i == 25 {
				e.Remove(139)
			}
		})
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestDemoIsTheSameEveryTimeAndSurvivesJSON(t *testing.T) {
	first, err := json.Marshal(proxmoxsim.Demo(100))
	if err != nil {
		t.Fatal(err)
	}
	second, err := json.Marshal(proxmoxsim.Demo(100))
	if err != nil {
		t.Fatal(err)
	}
	if string(first) != string(second) {
		t.Error("two demos differ")
	}
	var e proxmoxsim.Estate
	if err := json.Unmarshal(first, &e); err != nil {
		t.Fatal(err)
	}
	read := func(e proxmoxsim.Estate) string {
		snap, err := open(t, proxmoxsim.New(e)).Snapshot(t.Context(), proxmox.Everything())
		if err != nil {
			t.Fatal(err)
		}
		return asJSON(t, snap)
	}
	if diff := cmp.Diff(read(proxmoxsim.Demo(100)), read(e)); diff != "" {
		t.Errorf("written as JSON and read again, the estate differs (-, +):\n%s", diff)
	}
}

// TestDemoHasEveryShape keeps the demo from losing one of the shapes that the
// tests of the whole program are to meet in it.
func TestDemoHasEveryShape(t *testing.T) {

	snap, err := open(t, proxmoxsim.New(proxmoxsim.Demo(proxmoxsim.DemoGuests))).Snapshot(t.Context(), proxmox.Everything())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	names := map[string]int{}
	macs, addresses := map[string]int{}, map[string]int{}
	for _, g := range snap.Guests {
		names[g.Name]++
		c := g.Config.Value
		for shape, is := range map[string]bool{
			string(g.Type) + " " + g.Status: true,
			string(g.Type) + " template":    g.Template,
			"os " + c.OSType:                true,
			"onboot":                        c.OnBoot,
			"no name":                       c.Name == "",
			"dotted name":                   strings.Contains(g.Name, "."),
			"serial":                        c.Serial != "",
			"created":                       c.CreatedAt != 0,
			"no uuid":                       g.Type == domain.QEMU && c.UUID == "",
			"cloud-init":                    c.CloudInit != nil && c.CloudInit.User != "",
			"silent agent":                  c.AgentEnabled && g.Status == "running" && !g.Agent.OK,
			"no agent":                      g.Type == domain.QEMU && !c.AgentEnabled,
			"lock":                          g.Lock != "",
			"pool":                          g.Pool != "",
			"HA":                            g.HAState != "",
			"tags":                          len(g.Tags) > 1,
			"snapshots":                     len(g.Snapshots.Value) > 1,
			"gap in netN":                   len(c.NICs) > 0 && c.NICs[len(c.NICs)-1].Index >= len(c.NICs),
			"privileged":                    g.Type == domain.LXC && !c.Unprivileged,
		} {
			seen[shape] = seen[shape] || is
		}
		for _, nic := range c.NICs {
			macs[nic.MAC]++
			seen["model "+nic.Model] = true
			for shape, is := range map[string]bool{
				"VLAN": nic.VLAN != 0, "trunks": len(nic.Trunks) > 1, "link down": nic.LinkDown, "MTU": nic.MTU != 0, "rate": nic.RateMBps != 0,
				"firewall": nic.Firewall, "configured address": len(nic.Addresses) > 0, "configured IPv6": len(nic.Addresses) > 1, "gateway": len(nic.Gateways) > 0,
			} {
				seen[shape] = seen[shape] || is
			}
		}
		for _, d := range c.Disks {
			seen["bus "+strings.TrimRight(d.Key, "0123456789")] = true
			seen["disk of the host"] = seen["disk of the host"] || strings.HasPrefix(d.Volume, "/dev/")
			seen["bind mount"] = seen["bind mount"] || d.SizeMB == 0
			seen["format "+d.Format] = true
		}
		own := map[string]bool{}
		for _, nic := range c.NICs {
			own[nic.MAC] = true
		}
		for _, nic := range g.Agent.Value {
			seen["noise"] = seen["noise"] || nic.MAC != "" && !own[nic.MAC]
			seen["alias"] = seen["alias"] || strings.Contains(nic.Name, ":")
			for _, a := range nic.Addresses {
				seen["link-local"] = seen["link-local"] || a.Addr().IsLinkLocalUnicast()
				seen["IPv6"] = seen["IPv6"] || a.Addr().Is6() && a.Addr().IsGlobalUnicast()
				if own[nic.MAC] && a.Addr().IsGlobalUnicast() {
					addresses[a.Addr().String()]++
				}
			}
		}
	}
	for _, shape := range []string{
		"qemu running", "qemu stopped", "lxc running", "lxc stopped", "qemu template", "lxc template", "os l26", "os win11", "os alpine", "os other", "os debian",
		"onboot", "no name", "dotted name", "serial", "created", "no uuid", "cloud-init", "silent agent", "no agent", "lock", "pool", "HA", "tags", "snapshots", "gap in netN", "privileged",
		"model virtio", "model e1000", "model e1000e", "model rtl8139", "model vmxnet3", "model veth", "VLAN", "trunks", "link down", "MTU", "rate", "firewall",
		"configured address", "configured IPv6", "gateway", "bus scsi", "bus virtio", "bus sata", "bus ide", "bus efidisk", "bus tpmstate", "bus rootfs", "bus mp",
		"disk of the host", "bind mount", "format qcow2", "format vmdk", "noise", "alias", "link-local", "IPv6",
	} {
		if !seen[shape] {
			t.Errorf("the demo has no guest with: %s", shape)
		}
	}
	if names["twin"] != 2 {
		t.Errorf("%d guests are called twin", names["twin"])
	}
	for what, counts := range map[string]map[string]int{"MAC": macs, "address": addresses} {
		for value, n := range counts {
			if n > 1 {
				t.Errorf("%d interfaces have the %s %s", n, what, value)
			}
		}
	}
}

// BenchmarkSnapshot reads an estate of 50,000 guests.
func BenchmarkSnapshot(b *testing.B) {
	s := proxmoxsim.New(proxmoxsim.Demo(50_000))
	c := open(b, s)
	for b.Loop() {
		snap, err := c.Snapshot(b.Context(), proxmox.Guests())
		if err != nil {
			b.Fatal(err)
		}
		if i := slices.IndexFunc(snap.Guests, func(g domain.Guest) bool { return !g.Config.OK }); i >= 0 {
			b.Fatalf("guest %d has no configuration", snap.Guests[i].VMID)
		}
	}
}

func TestSitesShareNamesAndNothingElse(t *testing.T) {
	read := func(e proxmoxsim.Estate) *domain.Snapshot {
		snap, err := open(t, proxmoxsim.New(e)).Snapshot(t.Context(), proxmox.Guests())
		if err != nil {
			t.Fatal(err)
		}
		return snap
	}
	here, there := read(proxmoxsim.Demo(60)), read(proxmoxsim.DemoAt(9, 60))
	own := func(snap *domain.Snapshot) map[string]bool {
		out := map[string]bool{snap.Cluster.Name: true}
		for _, n := range snap.Nodes {
			out[n.SSLFingerprint] = true
		}
		for _, g := range snap.Guests {
			macs := map[string]bool{}
			if uuid := g.Config.Value.UUID; uuid != "" {
				out[uuid] = true
			}
			for _, nic := range g.Config.Value.NICs {
				out[nic.MAC], macs[nic.MAC] = true, true
			}
			for _, nic := range g.Agent.Value {
				for _, a := range nic.Addresses {
					if macs[nic.MAC] && a.Addr().IsGlobalUnicast() {
						out[a.Addr().String()] = true
					}
				}
			}
		}
		return out
	}
	theirs := own(there)
	for value := range own(here) {
		if theirs[value] {
			t.Errorf("both sites have %s", value)
		}
	}
	for i, g := range here.Guests {
		if o := there.Guests[i]; g.VMID != o.VMID || g.Name != o.Name || g.Node != o.Node {
			t.Errorf("guest %d (%s) on %s is %d (%s) on %s at the other site", g.VMID, g.Name, g.Node, o.VMID, o.Name, o.Node)
		}
	}
}
