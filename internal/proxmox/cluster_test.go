package proxmox

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"proxbox/internal/domain"
)

// TestResourceRows: one odd row costs only itself, and each release's rows
// are read.
func TestResourceRows(t *testing.T) {
	for name, tt := range map[string]struct {
		rows     string
		want     []domain.Guest
		complete bool
		odd      int // rows that are reported
	}{
		"template": {`{"type":"qemu","id":"qemu/906","vmid":906,"template":1,"node":"pve1","status":"stopped","name":"alse-1.7.4-cloud-base","maxcpu":4,"maxmem":2147483648,"maxdisk":3145728000,"disk":0}`,
			[]domain.Guest{{VMID: 906, Type: "qemu", Name: "alse-1.7.4-cloud-base", Node: "pve1", Status: "stopped", Template: true, CPUs: 4, MemoryBytes: 2 << 30}}, true, 0},
		"on a dead node": {`{"status":"unknown","vmid":1002,"type":"qemu","id":"qemu/1002","node":"pve3"}`,
			[]domain.Guest{{VMID: 1002, Type: "qemu", Node: "pve3", Status: "unknown"}}, true, 0},
		"just made": {`{"type":"qemu","status":"unknown","hastate":"started","node":"pve1","id":"qemu/9301","vmid":9301}`,
			[]domain.Guest{{VMID: 9301, Type: "qemu", Node: "pve1", Status: "unknown", HAState: "started"}}, true, 0},
		"all as text": {`{"type":"lxc","vmid":"106","id":"lxc/106","node":"pve1","status":"running","maxcpu":"1.5","maxmem":"1.5e9","template":"1","name":17,"lock":"","tags":5}`,
			[]domain.Guest{{VMID: 106, Type: "lxc", Name: "17", Node: "pve1", Status: "running", Template: true, CPUs: 1.5, MemoryBytes: 1.5e9, Tags: []string{"5"}}}, true, 0},
		"pool, lock and tags": {`{"type":"lxc","vmid":107,"node":"pve2","status":"stopped","pool":"/pool/red","lock":"migrate","tags":"B;a, b","maxcpu":-1,"maxmem":null}`,
			[]domain.Guest{{VMID: 107, Type: "lxc", Node: "pve2", Status: "stopped", Pool: "red", Lock: "migrate", Tags: []string{"a", "b"}}}, true, 0},
		"the id has the vmid":  {`{"type":"qemu","id":"qemu/108","vmid":null,"node":"pve1"}`, []domain.Guest{{VMID: 108, Type: "qemu", Node: "pve1"}}, true, 0},
		"objects for scalars":  {`{"type":"qemu","vmid":109,"node":"pve1","name":{"a":1},"maxmem":[1],"status":null}`, []domain.Guest{{VMID: 109, Type: "qemu", Node: "pve1"}}, true, 0},
		"in order, once each":  {`{"type":"qemu","vmid":20,"node":"b"},{"type":"lxc","vmid":3,"node":"a"},{"type":"qemu","vmid":20,"node":"b"}`, []domain.Guest{{VMID: 3, Type: "lxc", Node: "a"}, {VMID: 20, Type: "qemu", Node: "b"}}, true, 0},
		"odd beside good":      {`17,{"type":"qemu","vmid":1,"node":"pve1"},null,{"type":"lxc","node":"pve1"},{"id":"x"}`, []domain.Guest{{VMID: 1, Type: "qemu", Node: "pve1"}}, false, 4},
		"not of this world":    {`{"type":"network","network":"x"},{"type":"sdn"},{"type":"openvz","vmid":4},{"type":"storage","storage":"s","node":"pve1"}`, nil, true, 0},
		"no rows":              {``, nil, true, 0},
		"a node without name":  {`{"type":"node","status":"online"}`, nil, true, 0},
		"a guest without node": {`{"type":"qemu","vmid":5}`, []domain.Guest{{VMID: 5, Type: "qemu"}}, true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			pve := without(map[string]answer{"/cluster/resources": data("[" + tt.rows + "]")})
			snap := snapshot(t, pve.reader(t), Scope{})
			for i := range snap.Guests {
				if len(snap.Guests[i].Tags) == 0 {
					snap.Guests[i].Tags = nil
				}
			}
			if len(snap.Guests)+len(tt.want) > 0 && !reflect.DeepEqual(snap.Guests, tt.want) {
				t.Errorf("\n%+v, want\n%+v", snap.Guests, tt.want)
			}
			if snap.Complete.Guests != tt.complete || snap.Complete.Nodes != (name != "a node without name") {
				t.Errorf("complete: %+v", snap.Complete)
			}
			if len(snap.Problems) != tt.odd+1 { // and pve3, which is off
				t.Errorf("problems %+v", snap.Problems)
			}
		})
	}
}

// TestStatusRows: what a cluster is, and what it is not.
func TestStatusRows(t *testing.T) {
	node := func(name string, more string) string {
		return fmt.Sprintf(`{"type":"node","name":%q,"id":"node/%s"%s}`, name, name, more)
	}
	three := node("pve1", `,"local":1,"online":1`) + "," + node("pve2", `,"online":"1"`) + "," + node("pve3", `,"online":0`)
	one := map[string]answer{
		"/cluster/resources": data(`[{"type":"node","node":"pve","status":"online"},{"type":"qemu","vmid":100,"node":"pve"}]`),
		"/nodes":             data(`[{"node":"pve","status":"online"}]`),
	}
	for name, tt := range map[string]struct {
		status  answer
		others  map[string]answer
		want    domain.Cluster
		nodes   bool // they are complete
		guests  bool
		failure bool
	}{
		"quorate":              {data(`[{"type":"cluster","id":"cluster","name":"lab","quorate":1,"version":4,"nodes":3},` + three + `]`), nil, domain.Cluster{Name: "lab", ID: "cluster", Quorate: true, Version: 4}, true, true, false},
		"text, in the middle":  {data(`[` + node("pve1", "") + `,{"type":"cluster","name":"lab","quorate":"1","version":"4"},` + node("pve2", "") + `]`), nil, domain.Cluster{Name: "lab", ID: "cluster", Quorate: true, Version: 4}, true, true, false},
		"without quorum":       {data(`[{"type":"cluster","name":"lab","quorate":0},` + three + `]`), nil, domain.Cluster{Name: "lab", ID: "cluster"}, false, false, false},
		"no word of quorum":    {data(`[{"type":"cluster","name":"lab"},` + three + `]`), nil, domain.Cluster{Name: "lab", ID: "cluster"}, false, false, false},
		"stand-alone":          {data(`[` + node("pve", `,"local":1,"online":1`) + `]`), one, domain.Cluster{Name: "pve", Standalone: true, Quorate: true}, true, true, false},
		"stand-alone, odd":     {data(`[17,` + node("pve", `,"local":1`) + `]`), one, domain.Cluster{Name: "pve", Standalone: true, Quorate: true}, false, true, false},
		"odd row":              {data(`[{"type":"cluster","name":"lab","quorate":1},"x",` + three + `]`), nil, domain.Cluster{Name: "lab", ID: "cluster", Quorate: true}, false, true, false},
		"the cluster row lost": {data(`[null,` + three + `]`), nil, domain.Cluster{}, false, false, true},
		"empty":                {data(`[]`), nil, domain.Cluster{}, false, false, true},
		"forbidden":            {forbidden, nil, domain.Cluster{Name: "192.0.2.10", Unnamed: true}, false, false, false},
		"forbidden, alone":     {forbidden, one, domain.Cluster{Name: "pve", Standalone: true, Unnamed: true}, false, false, false},
		"without a name":       {data(`[{"type":"cluster","quorate":1},` + three + `]`), nil, domain.Cluster{Name: "192.0.2.10", ID: "cluster", Quorate: true, Unnamed: true}, true, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			answers := map[string]answer{"/cluster/status": tt.status}
			for path, a := range tt.others {
				answers[path] = a
			}
			snap, err := without(answers).reader(t).Snapshot(t.Context(), Scope{})
			if tt.failure {
				var ee *EndpointError
				if !errors.As(err, &ee) || ee.Path != "/cluster/status" {
					t.Errorf("%+v, %v", snap, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if snap.Cluster != tt.want || snap.Complete.Nodes != tt.nodes || snap.Complete.Guests != tt.guests {
				t.Errorf("%+v, complete %+v", snap.Cluster, snap.Complete)
			}
		})
	}
}

// TestNodeRows: nodes that only one of the lists names are there, and who is
// said to be off is asked nothing.
func TestNodeRows(t *testing.T) {
	pve := without(map[string]answer{
		"/cluster/resources": data(`[{"type":"node","node":"a","status":"online","maxcpu":"4","maxmem":1024},{"type":"node","node":"b","status":"unknown"},{"type":"qemu","vmid":1,"node":"ghost","status":"running"}]`),
		"/nodes":             data(`[{"node":"c","status":"online","maxcpu":8,"maxmem":2048,"level":"s","ssl_fingerprint":"AA"},{"node":"a","status":"offline","maxcpu":99},17,{"status":"online"}]`),
		"/cluster/status":    data(`[{"type":"cluster","name":"x","quorate":1},{"type":"node","name":"a","online":1,"nodeid":"1","level":""},{"type":"node","name":"d","online":0}]`),
	})
	snap := snapshot(t, pve.reader(t), Guests())
	var got []domain.Node
	for _, n := range snap.Nodes {
		n.Interfaces = domain.Known[[]domain.NodeInterface]{}
		got = append(got, n)
	}
	want := []domain.Node{
		{Name: "a", NodeID: 1, Online: true, CPUs: 4, MemoryBytes: 1024},
		{Name: "b"},
		{Name: "c", Online: true, Level: "s", SSLFingerprint: "AA", CPUs: 8, MemoryBytes: 2048},
		{Name: "d"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n%+v, want\n%+v", got, want)
	}
	for node, asked := range map[string]int{"a": 1, "b": 1, "c": 1, "d": 0} {
		if n := pve.count("/nodes/" + node + "/network"); n != asked {
			t.Errorf("node %s was asked %d times", node, n)
		}
	}
	if pve.count("/nodes/ghost/qemu/1/config") != 1 {
		t.Error("the guest on a node that no list names was not read")
	}
}

func TestPermissions(t *testing.T) {
	all := func(path string) string {
		return fmt.Sprintf(`%q:{"VM.Audit":1,"Datastore.Audit":1,"VM.Backup":1,"Datastore.AllocateSpace":1}`, path)
	}
	for name, tt := range map[string]struct {
		raw                       string
		guests, storages, backups bool
	}{
		"root alone":                    {`{` + all("/") + `}`, true, true, true},
		"as Proxmox lists it":           {`{` + all("/") + `,` + all("/access") + `,` + all("/nodes") + `,` + all("/pool") + `,` + all("/sdn") + `,` + all("/storage") + `,` + all("/vms") + `}`, true, true, true},
		"text":                          {`{"/":{"VM.Audit":"1","Datastore.Audit":true}}`, true, true, false},
		"not propagating":               {`{"/":{"VM.Audit":0,"Datastore.Audit":0}}`, false, false, false},
		"on /vms":                       {`{"/vms":{"VM.Audit":1}}`, true, false, false},
		"on /vms, not propagating":      {`{"/":{"VM.Audit":1},"/vms":{"VM.Audit":0}}`, false, false, false},
		"nothing on /vms":               {`{` + all("/") + `,` + all("/storage") + `,` + all("/nodes") + `}`, false, true, false},
		"on one guest":                  {`{"/vms/100":{"VM.Audit":1}}`, false, false, false},
		"less on one guest":             {`{"/":{"VM.Audit":1},"/vms":{"VM.Audit":1},"/vms/100":{"VM.Console":1}}`, false, false, false},
		"more on one guest":             {`{"/":{"VM.Audit":1},"/vms":{"VM.Audit":1},"/vms/100":{"VM.Audit":1,"VM.Console":1}}`, true, false, false},
		"one guest, not propagating":    {`{"/":{"VM.Audit":1},"/vms/100":{"VM.Audit":0}}`, true, false, false},
		"less on one storage":           {`{` + all("/") + `,"/storage/x":{"Datastore.Audit":1}}`, true, true, false},
		"auditor sees no backups":       {`{"/":{"VM.Audit":1,"Datastore.Audit":1}}`, true, true, false},
		"allocate stands for all":       {`{"/":{"Datastore.Allocate":1}}`, false, false, true},
		"space, but no right to backup": {`{"/":{"Datastore.AllocateSpace":1}}`, false, false, false},
		"a path that only looks alike":  {`{"/":{"VM.Audit":1},"/vmsx/1":{}}`, true, false, false},
		"no rights":                     {`{}`, false, false, false},
		"null":                          {`null`, false, false, false},
		"odd":                           {`{"/":["VM.Audit"],"/vms":5}`, false, false, false},
	} {
		p, err := parsePermissions([]byte(tt.raw))
		if err != nil || p.allGuests() != tt.guests || p.allStorages() != tt.storages || p.allBackups() != tt.backups {
			t.Errorf("%s: %t %t %t, %v", name, p.allGuests(), p.allStorages(), p.allBackups(), err)
		}
	}
	if _, err := parsePermissions([]byte(`[]`)); err == nil {
		t.Error("a list is taken for permissions")
	}
}

// TestHidden: what may not be seen is said once, with the command that mends
// it, and nothing of it counts as gone.
func TestHidden(t *testing.T) {
	pve := without(map[string]answer{"/access/permissions": data(`{"/vms/100":{"VM.Audit":1}}`)})
	snap := snapshot(t, pve.reader(t), Everything())
	if snap.Complete != (domain.Completeness{Nodes: true}) {
		t.Errorf("%+v", snap.Complete)
	}
	for _, kind := range []string{"guests", "storages"} {
		p := about(t, snap.Problems, kind+" of lab")
		if p.WayOut != "pveum acl modify / --roles PVEAuditor --users 'netbox@pve' --tokens 'netbox@pve!sync'" || !strings.Contains(p.Reason, "netbox@pve!sync does not have") {
			t.Errorf("%+v", p)
		}
	}
	p := about(t, snap.Problems, "backups of lab")
	if !strings.Contains(p.WayOut, "pveum role add ProxboxBackup") {
		t.Errorf("%+v", p)
	}
	for _, s := range snap.Storages.Value {
		if s.Backups.OK {
			t.Errorf("the backups of %s are known", s.Name)
		}
	}
	if snap.Replications.OK {
		t.Error("the replications are known")
	}
}

// TestHiddenForPassword: a user has no token to give rights to.
func TestHiddenForPassword(t *testing.T) {
	pve := without(map[string]answer{"/access/permissions": data(`{}`)})
	pve.password = "p"
	snap := snapshot(t, open(t, withPassword("p"), Options{Transport: pve}), Scope{})
	if p := about(t, snap.Problems, "guests of lab"); p.WayOut != "pveum acl modify / --roles PVEAuditor --users 'netbox@pve'" {
		t.Errorf("%+v", p)
	}
}

// TestGrantAgent: the right to ask agents has another name from 9 on.
func TestGrantAgent(t *testing.T) {
	for version, right := range map[string]string{"8.4.1": "VM.Monitor", "7.4-16": "VM.Monitor", "9.0.10": "VM.GuestAgent.Audit", "10.1": "VM.GuestAgent.Audit"} {
		pve := without(map[string]answer{
			"/version": data(fmt.Sprintf(`{"version":%q}`, version)),
			"/nodes/pve1/qemu/100/agent/network-get-interfaces": refused(403, "Permission check failed (/vms/100, "+right+")"),
		})
		snap := snapshot(t, pve.reader(t), Guests())
		if p := about(t, snap.Problems, "guest 100 (web)"); !strings.Contains(p.WayOut, "--privs "+right+" ") {
			t.Errorf("%s: %+v", version, p)
		}
	}
}

func TestTagColors(t *testing.T) {
	for name, tt := range map[string]struct {
		raw  string
		want map[string]string
	}{
		"object":   {`{"tag-style":{"color-map":"Prod:FF0000;web:00ff00:ffffff;;x:12;:aabbcc;y"}}`, map[string]string{"prod": "ff0000", "web": "00ff00"}},
		"property": {`{"tag-style":"ordering=config,color-map=a:010203;b:040506:000000"}`, map[string]string{"a": "010203", "b": "040506"}},
		"no map":   {`{"tag-style":{"ordering":"config"}}`, map[string]string{}},
		"none":     {`{"keyboard":"de"}`, nil},
		"odd":      {`{"tag-style":[5]}`, map[string]string{}},
		"null":     {`null`, nil},
		"list":     {`[]`, nil},
	} {
		if got := parseTagColors([]byte(tt.raw)); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestMerged(t *testing.T) {
	var all []domain.Problem
	for _, vmid := range []int{1000, 99, 100, 101, 102, 103, 104, 99} {
		all = append(all, domain.Problem{What: fmt.Sprintf("guest %d", vmid), Reason: "r", WayOut: "w"})
	}
	all = append(all, domain.Problem{What: "node b", Reason: "r"}, domain.Problem{What: "node a", Reason: "r"}, domain.Problem{What: "cluster", Reason: "s"})
	got := merged(all)
	want := []domain.Problem{
		{What: "cluster", Reason: "s"},
		{What: "guest 99, guest 100, guest 101, guest 102, guest 103 and 2 more", Reason: "r", WayOut: "w"},
		{What: "node a and node b", Reason: "r"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	slices.Reverse(all)
	if again := merged(all); !reflect.DeepEqual(again, want) {
		t.Errorf("the order matters: %+v", again)
	}
}
