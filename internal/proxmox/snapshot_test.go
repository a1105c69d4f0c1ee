package proxmox

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"proxbox/internal/domain"
)

// clusterReads are the requests of every Snapshot.
var clusterReads = []string{"/cluster/resources", "/cluster/status", "/version", "/nodes", "/access/permissions", "/cluster/options"}

// guestReads are those of the guests' configurations, addresses, and the
// networks of the nodes: none goes to the node that is off, and agents are
// asked only where a guest runs and has one.
var guestReads = []string{
	"/nodes/pve1/network", "/nodes/pve2/network",
	"/nodes/pve1/qemu/100/config", "/nodes/pve1/qemu/101/config", "/nodes/pve1/qemu/102/config",
	"/nodes/pve2/qemu/103/config", "/nodes/pve2/qemu/301/config", "/nodes/pve2/lxc/200/config", "/nodes/pve2/lxc/201/config",
	"/nodes/pve1/qemu/100/agent/network-get-interfaces", "/nodes/pve2/lxc/200/interfaces",
}

var otherReads = []string{
	"/nodes/pve1/tasks", "/nodes/pve2/tasks",
	"/nodes/pve1/qemu/100/snapshot", "/nodes/pve1/qemu/101/snapshot", "/nodes/pve1/qemu/102/snapshot",
	"/nodes/pve2/qemu/103/snapshot", "/nodes/pve2/qemu/301/snapshot", "/nodes/pve2/lxc/200/snapshot", "/nodes/pve2/lxc/201/snapshot",
	"/storage", "/nodes/pve1/storage/dump/content", "/nodes/pve2/storage/dump/content", "/nodes/pve1/storage/pbs/content",
	"/cluster/replication", "/cluster/backup",
}

func once(paths ...[]string) map[string]int {
	out := map[string]int{}
	for _, path := range slices.Concat(paths...) {
		out[path] = 1
	}
	return out
}

func snapshot(t testing.TB, c *Client, scope Scope) *domain.Snapshot {
	t.Helper()
	snap, err := c.Snapshot(t.Context(), scope)
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

func guestOf(t testing.TB, snap *domain.Snapshot, vmid int) domain.Guest {
	t.Helper()
	i := slices.IndexFunc(snap.Guests, func(g domain.Guest) bool { return g.VMID == vmid })
	if i < 0 {
		t.Fatalf("no guest %d", vmid)
	}
	return snap.Guests[i]
}

func TestSnapshotRequests(t *testing.T) {
	for name, tt := range map[string]struct {
		scope Scope
		want  map[string]int
	}{
		"cluster": {Scope{}, once(clusterReads)},
		"guests":  {Guests(), once(clusterReads, guestReads)},
		"everything": {
			Everything(), once(clusterReads, guestReads, otherReads),
		},
		"one guest": {
			Scope{Configs: true, Agent: true}.Only(100),
			once(clusterReads, []string{"/nodes/pve1/qemu/100/config", "/nodes/pve1/qemu/100/agent/network-get-interfaces"}),
		},
		"no guest": {Scope{Configs: true}.Only(), once(clusterReads)},
		"all that an agent knows": {
			Scope{Agent: true, AgentOS: true, AgentHostname: true}.Only(100, 200),
			once(clusterReads, []string{
				"/nodes/pve1/qemu/100/config", "/nodes/pve1/qemu/100/agent/network-get-interfaces", "/nodes/pve1/qemu/100/agent/get-osinfo",
				"/nodes/pve1/qemu/100/agent/get-host-name", "/nodes/pve2/lxc/200/config", "/nodes/pve2/lxc/200/interfaces",
			}),
		},
		"backups": {
			Scope{Backups: true},
			once(clusterReads, []string{"/storage", "/nodes/pve1/storage/dump/content", "/nodes/pve2/storage/dump/content", "/nodes/pve1/storage/pbs/content"}),
		},
	} {
		t.Run(name, func(t *testing.T) {
			pve := newServer(estate())
			c := open(t, pve.listen(t, token()), Options{})
			if snap := snapshot(t, c, tt.scope); snap.Complete.Guests != (tt.scope.Guests == nil) {
				t.Errorf("the guests are complete: %t", snap.Complete.Guests)
			}
			if got := pve.requests(); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("asked\n%v, want\n%v", got, tt.want)
			}
			for _, req := range pve.log {
				if req.Method != http.MethodGet || req.Header.Get("Authorization") != "PVEAPIToken=netbox@pve!sync=s3cret-value" {
					t.Errorf("%s %s with %q", req.Method, req.URL, req.Header.Get("Authorization"))
				}
				if strings.HasSuffix(req.URL.Path, "/config") && req.URL.RawQuery != "current=1" {
					t.Errorf("%s is not asked for what is now: %q", req.URL.Path, req.URL.RawQuery)
				}
				if strings.HasSuffix(req.URL.Path, "/content") && req.URL.RawQuery != "content=backup" {
					t.Errorf("%s is asked for more than backups: %q", req.URL.Path, req.URL.RawQuery)
				}
			}
		})
	}
}

func TestSnapshot(t *testing.T) {
	pve := newServer(estate())
	scope := Everything()
	scope.AgentOS, scope.AgentHostname = true, true
	snap := snapshot(t, pve.reader(t), scope)

	if want := (domain.Cluster{Name: "lab", Quorate: true, ID: "cluster", Version: 7}); snap.Cluster != want {
		t.Errorf("the cluster is %+v", snap.Cluster)
	}
	if snap.Version != "9.0.10" {
		t.Errorf("version %q", snap.Version)
	}
	if want := (domain.Completeness{Guests: true, Nodes: true, Storages: true, Backups: true}); snap.Complete != want {
		t.Errorf("complete: %+v", snap.Complete)
	}
	if want := map[string]string{"prod": "ff0000", "web": "00ff00"}; !reflect.DeepEqual(snap.TagColors, want) {
		t.Errorf("colours %v", snap.TagColors)
	}
	if p := about(t, snap.Problems, "node pve3"); len(snap.Problems) != 1 || !strings.Contains(p.Reason, "offline") {
		t.Errorf("problems %+v", snap.Problems)
	}

	type node struct {
		Name          string
		ID            int
		Online, Local bool
		IP, Level     string
		Print         string
		CPUs          int
		Network       bool
	}
	var nodes []node
	for _, n := range snap.Nodes {
		nodes = append(nodes, node{n.Name, n.NodeID, n.Online, n.Local, n.IP, n.Level, n.SSLFingerprint, n.CPUs, n.Interfaces.OK && n.Tasks.OK})
	}
	if want := []node{
		{"pve1", 1, true, true, "192.0.2.10", "c", "AA:01", 16, true},
		{"pve2", 2, true, false, "192.0.2.12", "", "AA:02", 8, true},
		{"pve3", 3, false, false, "192.0.2.13", "", "AA:03", 0, false},
	}; !reflect.DeepEqual(nodes, want) {
		t.Errorf("nodes\n%+v, want\n%+v", nodes, want)
	}

	type guest struct {
		VMID                   int
		Type                   domain.GuestType
		Name, Node, Status     string
		Template               bool
		Pool, Lock, HA, Tags   string
		CPUs                   float64
		MB                     int64
		Config, Agent, Snapped bool
		Hostname               string
	}
	var guests []guest
	for _, g := range snap.Guests {
		guests = append(guests, guest{g.VMID, g.Type, g.Name, g.Node, g.Status, g.Template, g.Pool, g.Lock, g.HAState, strings.Join(g.Tags, " "),
			g.CPUs, g.MemoryBytes >> 20, g.Config.OK, g.Agent.OK, g.Snapshots.OK, g.Hostname})
	}
	if want := []guest{
		{100, "qemu", "web", "pve1", "running", false, "", "", "", "prod web", 2, 2048, true, true, true, "web.example"},
		{101, "qemu", "db", "pve1", "stopped", false, "data", "backup", "stopped", "", 4, 4096, true, false, true, ""},
		{102, "qemu", "debian-12", "pve1", "stopped", true, "", "", "", "", 1, 1024, true, false, true, ""},
		{103, "qemu", "appliance", "pve2", "running", false, "", "", "", "", 1, 1024, true, false, true, ""},
		{200, "lxc", "dns", "pve2", "running", false, "", "", "", "", 1.5, 512, true, true, true, "dns"},
		{201, "lxc", "old", "pve2", "stopped", false, "", "", "", "", 2, 512, true, false, true, "old"},
		{300, "qemu", "", "pve3", "unknown", false, "", "", "", "", 0, 0, false, false, false, ""},
		// What a guest that was just made lacks comes from its configuration.
		{301, "qemu", "fresh", "pve2", "unknown", false, "", "", "started", "", 2, 2048, true, false, true, ""},
	}; !reflect.DeepEqual(guests, want) {
		for i := range max(len(guests), len(want)) {
			if i >= len(want) || i >= len(guests) || guests[i] != want[i] {
				t.Errorf("guest %d\n%+v", i, guests[min(i, len(guests)-1)])
			}
		}
	}

	web := guestOf(t, snap, 100)
	if want := domain.Is(domain.AgentOS{Name: "Debian GNU/Linux", VersionID: "12", PrettyName: "Debian GNU/Linux 12 (bookworm)"}); web.AgentOS != want {
		t.Errorf("system %+v", web.AgentOS)
	}
	if want := []domain.GuestSnapshot{{Name: "before", Description: "x", Time: 1767323045, WithMemory: true}}; !reflect.DeepEqual(web.Snapshots.Value, want) {
		t.Errorf("snapshots %+v", web.Snapshots.Value)
	}
	if !snap.Storages.OK || len(snap.Storages.Value) != 3 {
		t.Fatalf("storages %+v", snap.Storages)
	}
	for i, volumes := range []int{2, 0, 1} {
		s := snap.Storages.Value[i]
		if len(s.Backups.Value) != volumes || s.Backups.OK != (volumes > 0) {
			t.Errorf("storage %s has backups %+v", s.Name, s.Backups)
		}
	}
	if !snap.Replications.OK || len(snap.Replications.Value) != 1 || !snap.BackupRoutines.OK || len(snap.BackupRoutines.Value) != 1 {
		t.Errorf("jobs %+v %+v", snap.Replications, snap.BackupRoutines)
	}
}

// lost are the ways in which an answer may fail to come.
var lost = map[string]answer{
	"595":            unreachable,
	"596":            {status: 596, reason: "tls_process_server_certificate: certificate verify failed"},
	"599":            {status: 599, reason: "Too many redirections"},
	"403":            refused(403, "Permission check failed"),
	"401":            refused(401, "no such user"),
	"404":            {status: 404, reason: "Not Found", body: "<h1>nginx</h1>"},
	"500":            {status: 500, reason: "Internal Server Error", body: `{"message":"got no worker upid\n","data":null}`},
	"501":            refused(501, "Not Implemented"),
	"503":            {status: 503, reason: "Service Unavailable"},
	"302":            {status: 302, reason: "Found"},
	"null":           data("null"),
	"a page":         {body: "<html>Welcome</html>"},
	"cut":            {body: `{"data":[{"type":"qe`},
	"nothing":        {body: ""},
	"text for a row": data(`"soon"`),
	"no connection":  {err: errors.New("connection reset by peer")},
}

// TestLostAnswers: whatever answers are lost, in whatever way, their parts are
// unknown and nothing else is.
func TestLostAnswers(t *testing.T) {
	scope := Everything()
	scope.AgentOS = true
	paths := slices.Concat(clusterReads, guestReads, otherReads, []string{"/nodes/pve1/qemu/100/agent/get-osinfo"})
	ways := sortedKeys(lost)
	rapid.Check(t, func(t *rapid.T) {
		gone := map[string]answer{}
		for _, path := range rapid.SliceOfDistinct(rapid.SampledFrom(paths), rapid.ID).Draw(t, "lost") {
			gone[path] = lost[rapid.SampledFrom(ways).Draw(t, "how")]
		}
		c, err := Open(token(), Options{Transport: without(gone)})
		if err != nil {
			t.Fatal(err)
		}
		snap, err := c.Snapshot(context.Background(), scope)
		vital := slices.ContainsFunc([]string{"/cluster/resources", "/nodes", "/cluster/status"}, func(path string) bool {
			a, bad := gone[path]
			return bad && !(path == "/cluster/status" && a.status == 403)
		})
		if vital {
			var ee *EndpointError
			if !errors.As(err, &ee) || snap != nil || ee.Endpoint == "" || ee.Path == "" {
				t.Fatalf("the endpoint cannot be read, but: %v, %v", snap, err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(snap.Guests) != 8 || len(snap.Nodes) != 3 {
			t.Fatalf("%d guests on %d nodes", len(snap.Guests), len(snap.Nodes))
		}
		ill := map[string]bool{} // nodes and storages of which something is lost
		for path := range gone {
			if elems := strings.Split(path, "/"); len(elems) > 3 && elems[1] == "nodes" {
				ill[elems[2]] = true
			}
		}
		for path := range gone {
			if known(snap, path) {
				t.Errorf("%s was lost, but is known", path)
			}
		}
		for _, path := range paths {
			elems := strings.Split(path, "/")
			_, bad := gone[path]
			if bad || len(elems) > 3 && elems[1] == "nodes" && (ill[elems[2]] || elems[3] == "storage") {
				continue // what else is lost with it is not told here
			}
			if needs := neededBy(path); slices.ContainsFunc(needs, func(p string) bool { _, bad := gone[p]; return bad }) {
				continue
			}
			if !known(snap, path) {
				t.Errorf("%s was answered, but is unknown", path)
			}
		}
		if len(snap.Problems) == 0 {
			t.Error("no problem is named")
		}
	})
}

// neededBy are the cluster-wide answers without which a part is not known
// either.
func neededBy(path string) []string {
	switch path {
	case "/access/permissions":
		return []string{"/cluster/status"}
	case "/cluster/replication":
		return []string{"/access/permissions"}
	}
	return nil
}

// known tells whether what a path answers is known in a Snapshot.
func known(snap *domain.Snapshot, path string) bool {
	switch path {
	case "/cluster/resources", "/nodes":
		return len(snap.Nodes) > 0
	case "/cluster/status":
		return snap.Cluster.Name == "lab" || snap.Complete != (domain.Completeness{})
	case "/version":
		return snap.Version != ""
	case "/access/permissions":
		return snap.Complete.Guests || snap.Complete.Storages || snap.Complete.Backups
	case "/cluster/options":
		return snap.TagColors != nil
	case "/storage":
		return snap.Storages.OK
	case "/cluster/replication":
		return snap.Replications.OK
	case "/cluster/backup":
		return snap.BackupRoutines.OK
	}
	elems := strings.Split(path, "/")[2:] // pve1, qemu, 100, config
	switch elems[1] {
	case "network", "tasks":
		n := snap.Nodes[slices.IndexFunc(snap.Nodes, func(n domain.Node) bool { return n.Name == elems[0] })]
		return elems[1] == "network" && n.Interfaces.OK || elems[1] == "tasks" && n.Tasks.OK
	case "storage":
		i := slices.IndexFunc(snap.Storages.Value, func(s domain.Storage) bool { return s.Name == elems[2] })
		return i >= 0 && snap.Storages.Value[i].Backups.OK
	}
	i := slices.IndexFunc(snap.Guests, func(g domain.Guest) bool { return strconv.Itoa(g.VMID) == elems[2] })
	g := snap.Guests[i]
	switch elems[len(elems)-1] {
	case "config":
		return g.Config.OK
	case "snapshot":
		return g.Snapshots.OK
	case "get-osinfo":
		return g.AgentOS.OK
	}
	return g.Agent.OK
}

// TestDeadNode: a node that does not answer costs a bounded number of
// requests and leaves everything on it unknown, never empty.
func TestDeadNode(t *testing.T) {
	const guests, concurrency = 60, 4
	for name, dead := range map[string]answer{
		"595":  unreachable,
		"name": refused(500, "hostname lookup 'pve2' failed - failed to get address info for: pve2: Name or service not known"),
		"hang": {hang: true},
	} {
		t.Run(name, func(t *testing.T) {
			rows := []string{`{"type":"node","node":"pve1","status":"online"}`, `{"type":"node","node":"pve2","status":"online"}`}
			answers := map[string]answer{}
			for i := range guests {
				rows = append(rows,
					fmt.Sprintf(`{"type":"qemu","vmid":%d,"node":"pve1","status":"running","name":"a%d"}`, 100+i, i),
					fmt.Sprintf(`{"type":"qemu","vmid":%d,"node":"pve2","status":"running","name":"b%d"}`, 500+i, i))
				answers[guestPath("pve1", domain.QEMU, 100+i, "config")] = data(`{"memory":"1"}`)
				answers[guestPath("pve2", domain.QEMU, 500+i, "config")] = dead
			}
			answers["/nodes/pve1/network"], answers["/nodes/pve2/network"] = data("[]"), dead
			answers["/cluster/resources"] = data("[" + strings.Join(rows, ",") + "]")
			pve := without(answers)
			c := open(t, token(), Options{Transport: pve, Concurrency: concurrency, Timeout: 50 * time.Millisecond})
			snap := snapshot(t, c, Guests())

			sent := 0
			for path, n := range pve.requests() {
				if strings.HasPrefix(path, "/nodes/pve2/") {
					sent += n
				}
			}
			if sent > tripAfter+concurrency-1 {
				t.Errorf("%d requests to the dead node", sent)
			}
			for _, g := range snap.Guests {
				if g.Config.OK != (g.Node == "pve1") {
					t.Errorf("guest %d on %s: known is %t", g.VMID, g.Node, g.Config.OK)
				}
			}
			if len(snap.Guests) != 2*guests {
				t.Errorf("%d guests", len(snap.Guests))
			}
			if n := snap.Nodes[1]; n.Name != "pve2" || n.Interfaces.OK {
				t.Errorf("the node's interfaces are known: %+v", n)
			}
			p := about(t, snap.Problems, "node pve2")
			if !strings.Contains(p.Reason, fmt.Sprintf("(%d reads stayed unknown)", guests+1)) {
				t.Errorf("%+v", p)
			}
		})
	}
}

// TestSlowAgents: agents that hang cut off neither the node nor their guests.
func TestSlowAgents(t *testing.T) {
	for name, silent := range map[string]answer{
		"hang":     {hang: true},
		"596":      {status: 596, reason: "Connection timed out"},
		"off":      refused(500, "QEMU guest agent is not running"),
		"message":  {status: 500, reason: "Internal Server Error", body: `{"message":"QEMU guest agent is not running\n","data":null}`},
		"timeout":  refused(500, "VM 100 qmp command 'guest-ping' failed - got timeout"),
		"disabled": data(`{"result":{"error":{"class":"CommandDisabled","desc":"The command guest-network-get-interfaces has been disabled for this instance"}}}`),
		"empty":    data(`{"result":[]}`),
		"null":     data(`{"result":null}`),
		"odd row":  data(`{"result":[{"name":"lo","ip-addresses":[{"ip-address":"127.0.0.1","prefix":8}]},17]}`),
		"odd list": data(`{"result":[{"name":"lo","ip-addresses":"127.0.0.1"}]}`),
	} {
		t.Run(name, func(t *testing.T) {
			rows, answers := []string{}, map[string]answer{}
			for vmid := 100; vmid < 112; vmid++ {
				rows = append(rows, fmt.Sprintf(`{"type":"qemu","vmid":%d,"node":"pve1","status":"running"}`, vmid))
				answers[guestPath("pve1", domain.QEMU, vmid, "config")] = data(`{"agent":1,"name":"x"}`)
				answers[guestPath("pve1", domain.QEMU, vmid, "agent", "network-get-interfaces")] = silent
				answers[guestPath("pve1", domain.QEMU, vmid, "agent", "get-osinfo")] = refused(501, "Method 'GET "+guestPath("pve1", domain.QEMU, vmid, "agent", "get-osinfo")+"' not implemented")
				answers[guestPath("pve1", domain.QEMU, vmid, "snapshot")] = data(`[]`)
			}
			answers["/cluster/resources"] = data("[" + strings.Join(rows, ",") + "]")
			pve := without(answers)
			ep := token()
			ep.MaxRetries = 3 // not for agents
			snap := snapshot(t, open(t, ep, Options{Transport: pve, AgentTimeout: 10 * time.Millisecond}), Scope{Configs: true, Agent: true, AgentOS: true, Snapshots: true})
			for _, g := range snap.Guests {
				if !g.Config.OK || !g.Snapshots.OK || g.Agent.OK || g.AgentOS.OK {
					t.Errorf("%+v", g)
				}
				if n := pve.count(guestPath("pve1", domain.QEMU, g.VMID, "agent", "network-get-interfaces")); n != 1 {
					t.Errorf("the agent of %d was asked %d times", g.VMID, n)
				}
			}
			if i := slices.IndexFunc(snap.Problems, func(p domain.Problem) bool { return p.What == "node pve1" }); i >= 0 {
				t.Errorf("%+v", snap.Problems[i])
			}
			if len(snap.Problems) == 0 || len(snap.Problems) > 3 {
				t.Errorf("twelve agents make the problems %+v", snap.Problems)
			}
		})
	}
}

// TestRemoved: who vanishes during the reading is looked for again.
func TestRemoved(t *testing.T) {
	notHere := refused(500, "Configuration file 'nodes/pve1/qemu-server/100.conf' does not exist")
	const path = "/nodes/pve1/qemu/100/config"
	list := func(rows string) map[string]answer {
		return map[string]answer{path: notHere, "/nodes/pve1/qemu/100/snapshot": notHere, "/cluster/resources?type=vm": data(rows)}
	}
	moved := `[{"type":"qemu","vmid":100,"node":"pve2","status":"running"}]`
	for name, tt := range map[string]struct {
		answers map[string]answer
		there   bool
		node    string // where its configuration was read
	}{
		"removed":                  {list(`[{"type":"qemu","vmid":101,"node":"pve1"}]`), false, ""},
		"removed, in other words":  {map[string]answer{path: refused(500, "unable to find configuration file for VM 100 on node 'pve1'"), "/cluster/resources?type=vm": data(`[]`)}, false, ""},
		"moved":                    {list(moved), true, "pve2"},
		"still listed":             {list(`[{"type":"qemu","vmid":100,"node":"pve1"}]`), true, ""},
		"to a node without gate":   {list(`[{"type":"qemu","vmid":100,"node":"pve9"}]`), true, ""},
		"an odd row in the list":   {list(`[17]`), true, ""},
		"a row without vmid":       {list(`[{"type":"qemu"}]`), true, ""},
		"list lost":                {map[string]answer{path: notHere, "/cluster/resources?type=vm": unreachable}, true, ""},
		"moved, and moved again":   {map[string]answer{path: notHere, "/cluster/resources?type=vm": data(moved), "/nodes/pve2/qemu/100/config": refused(500, "Configuration file 'nodes/pve2/qemu-server/100.conf' does not exist")}, true, ""},
		"forbidden is not gone":    {map[string]answer{path: refused(403, "Permission check failed (/vms/100, VM.Audit)"), "/cluster/resources?type=vm": data(`[]`)}, true, ""},
		"a path that is not there": {map[string]answer{path: {status: 404, reason: "Not Found"}, "/cluster/resources?type=vm": data(`[]`)}, true, ""},
		"no such node":             {map[string]answer{path: refused(500, "no such cluster node 'pve1'"), "/cluster/resources?type=vm": data(`[]`)}, true, ""},
		"unreachable is not gone":  {map[string]answer{path: unreachable, "/cluster/resources?type=vm": data(`[]`)}, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			answers := map[string]answer{"/nodes/pve2/qemu/100/config": data(`{"name":"web","cores":1}`), "/nodes/pve2/qemu/100/snapshot": data(`[]`)}
			for k, v := range tt.answers {
				answers[k] = v
			}
			pve := without(answers)
			snap := snapshot(t, pve.reader(t), Scope{Configs: true, Snapshots: true})
			i := slices.IndexFunc(snap.Guests, func(g domain.Guest) bool { return g.VMID == 100 })
			if (i >= 0) != tt.there {
				t.Fatalf("there: %t", i >= 0)
			}
			if !tt.there {
				if len(snap.Guests) != 7 || !snap.Complete.Guests || !guestOf(t, snap, 101).Config.OK || !guestOf(t, snap, 301).Config.OK {
					t.Errorf("%+v", snap.Guests)
				}
				if !reflect.DeepEqual(whats(snap.Problems), []string{"node pve3"}) {
					t.Errorf("problems %+v", snap.Problems)
				}
				return
			}
			g := snap.Guests[i]
			if g.Config.OK != (tt.node != "") || g.Snapshots.OK != (tt.node != "") && name != "forbidden is not gone" && pve.count("/nodes/pve1/qemu/100/snapshot") == 0 {
				t.Errorf("%+v", g)
			}
			if tt.node != "" && g.Node != tt.node {
				t.Errorf("on %s", g.Node)
			}
			if tt.node == "" && len(snap.Problems) < 2 {
				t.Errorf("problems %+v", snap.Problems)
			}
		})
	}
}

func TestGone(t *testing.T) {
	for name, tt := range map[string]struct {
		answer answer
		gone   bool
		failed bool
	}{
		"there":       {data(`{}`), false, false},
		"gone":        {refused(500, "Configuration file 'nodes/pve1/lxc/200.conf' does not exist"), true, false},
		"in the body": {answer{status: 500, reason: "Internal Server Error", body: `{"data":null,"message":"Configuration file 'nodes/pve1/lxc/200.conf' does not exist\n"}`}, true, false},
		"forbidden":   {forbidden, false, true},
		"unreachable": {unreachable, false, true},
		"no path":     {answer{status: 404, reason: "Not Found"}, false, true},
		"no node":     {refused(500, "no such cluster node 'pve1'"), false, true},
		"no network":  {answer{err: errors.New("reset")}, false, true},
	} {
		pve := newServer(map[string]answer{"/nodes/pve1/lxc/200/config": tt.answer})
		gone, err := pve.reader(t).Gone(t.Context(), "pve1", domain.LXC, 200)
		if gone != tt.gone || (err != nil) != tt.failed {
			t.Errorf("%s: %t, %v", name, gone, err)
		}
	}
}

// TestCancel: a Snapshot ends with its context and leaves nothing behind.
func TestCancel(t *testing.T) {
	why := errors.New("the user pressed Ctrl-C")
	for _, path := range []string{"/cluster/resources", "/cluster/status", "/nodes/pve1/qemu/100/config", "/nodes/pve2/lxc/200/interfaces", "/storage"} {
		ctx, cancel := context.WithCancelCause(t.Context())
		pve := without(map[string]answer{path: {hang: true}})
		c := open(t, token(), Options{Transport: stopAt{pve, path, func() { cancel(why) }}})
		snap, err := c.Snapshot(ctx, Everything())
		if !errors.Is(err, why) || snap != nil {
			t.Errorf("%s: %v, %v", path, snap, err)
		}
		cancel(nil)
	}
}

// stopAt calls stop when a path is asked for.
type stopAt struct {
	next http.RoundTripper
	path string
	stop func()
}

func (s stopAt) RoundTrip(req *http.Request) (*http.Response, error) {
	if strings.HasSuffix(req.URL.Path, s.path) {
		s.stop()
	}
	return s.next.RoundTrip(req)
}

// TestConcurrency: no node is asked more than the setting allows at once.
func TestConcurrency(t *testing.T) {
	var (
		mu    sync.Mutex
		now   = map[string]int{}
		most  atomic.Int32
		pve   = newServer(estate())
		limit = 2
	)
	through := roundTrip(func(req *http.Request) (*http.Response, error) {
		elems := strings.Split(strings.TrimPrefix(req.URL.Path, apiPrefix), "/")
		if len(elems) > 3 && elems[1] == "nodes" {
			mu.Lock()
			now[elems[2]]++
			most.Store(max(most.Load(), int32(now[elems[2]])))
			mu.Unlock()
			defer func() {
				mu.Lock()
				now[elems[2]]--
				mu.Unlock()
			}()
		}
		return pve.RoundTrip(req)
	})
	snapshot(t, open(t, token(), Options{Transport: through, Concurrency: limit}), Everything())
	if n := most.Load(); int(n) > limit {
		t.Errorf("%d requests to one node at once", n)
	}
}

// TestInFlight: all nodes together are asked no more than the setting allows at
// once, and guest agents that hang leave room for everything else.
func TestInFlight(t *testing.T) {
	rows, answers := []string{}, map[string]answer{}
	for vmid := 100; vmid < 130; vmid++ {
		node := fmt.Sprintf("n%d", vmid%5)
		rows = append(rows, fmt.Sprintf(`{"type":"qemu","vmid":%d,"node":%q,"status":"running"}`, vmid, node))
		answers[guestPath(node, domain.QEMU, vmid, "config")] = data(`{"agent":1,"name":"x"}`)
		answers[guestPath(node, domain.QEMU, vmid, "agent", "network-get-interfaces")] = answer{hang: true}
	}
	answers["/cluster/resources"] = data("[" + strings.Join(rows, ",") + "]")
	var mu sync.Mutex
	var now, most, slow, slowest int
	pve := without(answers)
	through := roundTrip(func(req *http.Request) (*http.Response, error) {
		agent := 0
		if strings.Contains(req.URL.Path, "/agent/") {
			agent = 1
		}
		count := func(n int) {
			mu.Lock()
			defer mu.Unlock()
			now, slow = now+n, slow+n*agent
			most, slowest = max(most, now), max(slowest, slow)
		}
		count(1)
		defer count(-1)
		return pve.RoundTrip(req)
	})
	snap := snapshot(t, open(t, token(), Options{Transport: through, Concurrency: 4, InFlight: 5, AgentTimeout: 5 * time.Millisecond}), Guests())
	for _, g := range snap.Guests {
		if !g.Config.OK || g.Agent.OK {
			t.Errorf("%+v", g)
		}
	}
	if most > 5 || slowest > 3 {
		t.Errorf("%d requests at once, %d of them to guest agents", most, slowest)
	}
}

// TestConfigTimeout: a configuration has a limit of its own, and without one
// that of every request.
func TestConfigTimeout(t *testing.T) {
	for _, c := range []struct{ config, request, want time.Duration }{
		{5 * time.Millisecond, time.Minute, 5 * time.Millisecond}, {0, 5 * time.Millisecond, 5 * time.Millisecond},
	} {
		pve := without(map[string]answer{"/nodes/pve1/qemu/100/config": {hang: true}})
		ep := token()
		ep.MaxRetries = 0
		snap := snapshot(t, open(t, ep, Options{Transport: pve, Timeout: c.request, ConfigTimeout: c.config}), Scope{Configs: true}.Only(100))
		if guestOf(t, snap, 100).Config.OK || len(snap.Problems) == 0 || !strings.Contains(fmt.Sprint(snap.Problems), c.want.String()) {
			t.Errorf("%+v: %v", c, snap.Problems)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// TestSharedClient: runs at the same time read through one client.
func TestSharedClient(t *testing.T) {
	c := newServer(estate()).reader(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if snap, err := c.Snapshot(t.Context(), Everything()); err != nil || len(snap.Guests) != 8 {
				t.Errorf("%v, %v", snap, err)
			}
		})
	}
	wg.Wait()
}

// TestOddRows: a list in which a row was not understood is kept, but is no
// proof of what is not in it.
func TestOddRows(t *testing.T) {
	odd := map[string]answer{
		"/nodes/pve1/network":              data(`[{"iface":"eno1","type":"eth"},17]`),
		"/nodes/pve1/qemu/100/snapshot":    data(`[{"name":"a"},{"snaptime":1}]`),
		"/nodes/pve1/storage/pbs/content":  data(`[{"volid":"pbs:backup/vm/100/x"},{"content":"backup"}]`),
		"/cluster/replication":             data(`[{"id":"100-0"},{}]`),
		"/cluster/backup":                  data(`[{"id":"b"},{}]`),
		"/nodes/pve2/lxc/200/interfaces":   data(`[{"name":"lo"},"x"]`),
		"/nodes/pve2/storage/dump/content": data(`[{"volid":"dump:backup/vzdump-qemu-1-x.vma"}]`),
	}
	snap := snapshot(t, without(odd).reader(t), Everything())
	for path := range odd {
		if whole := path == "/nodes/pve2/storage/dump/content"; known(snap, path) != whole {
			t.Errorf("%s is known: %t", path, !whole)
		}
	}
	web, dns := guestOf(t, snap, 100), guestOf(t, snap, 200)
	if len(snap.Nodes[0].Interfaces.Value) != 1 || len(web.Snapshots.Value) != 1 || len(dns.Agent.Value) != 1 || len(snap.Replications.Value) != 1 || len(snap.BackupRoutines.Value) != 1 ||
		len(snap.Storages.Value[2].Backups.Value) != 1 {
		t.Error("the other rows were not kept")
	}
	if !snap.Complete.Guests || snap.Complete.Backups || len(snap.Problems) != 7 {
		t.Errorf("complete %+v, problems %+v", snap.Complete, snap.Problems)
	}
	snap = snapshot(t, without(map[string]answer{"/storage": data(`[{"storage":"a","type":"dir"},{"type":"dir"}]`)}).reader(t), Scope{Storages: true})
	if len(snap.Storages.Value) != 1 || snap.Complete.Storages {
		t.Errorf("%+v, complete %+v", snap.Storages, snap.Complete)
	}
}
