package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"proxbox/internal/domain"
	"proxbox/internal/run"
	netboxsim "proxbox/internal/sim/netbox"
	proxmoxsim "proxbox/internal/sim/proxmox"
	"proxbox/internal/store"
)

// one syncs one object and returns what is said of it.
func (f *fixture) one(path string) map[string]any {
	f.t.Helper()
	w := f.call(http.MethodGet, path, goodKey, "")
	if w.Code != http.StatusOK {
		f.t.Fatalf("GET %s: %d %s", path, w.Code, w.Body)
	}
	checkDocumented(f.t, f.Server, http.MethodGet, path, w)
	return decode(f.t, w.Body.Bytes()).(map[string]any)
}

// seed puts an object into NetBox.
func (f *fixture) seed(kind string, object map[string]any) {
	f.t.Helper()
	if _, err := f.netbox.Seed(kind, object); err != nil {
		f.t.Fatal(err)
	}
}

// dependencies are the objects written with it, as "type action name".
func dependencies(body map[string]any) []string {
	var out []string
	for _, d := range body["dependencies_synced"].([]any) {
		dep := d.(map[string]any)
		out = append(out, fmt.Sprintf("%v %v %v", dep["object_type"], dep["action"], dep["name"]))
	}
	return out
}

// recursive asks for an object and, as the plugin does, again for everything
// that was written with it; it returns how many requests that took.
func (f *fixture) recursive(path string, query map[string]string, seen map[string]bool) int {
	f.t.Helper()
	names := []string{"cluster_name", "node_name", "node", "type", "vmid", "interface_name", "ip_address", "disk_name"}
	target := "/sync/individual/" + path + "?"
	for _, name := range names {
		if query[name] != "" {
			target += name + "=" + query[name] + "&"
		}
	}
	if seen[target] {
		return 0
	}
	seen[target] = true
	asked := 1
	for _, d := range f.one(target)["dependencies_synced"].([]any) {
		dep := d.(map[string]any)
		action, kind := dep["action"], dep["object_type"].(string)
		if action != "created" && action != "updated" || !slices.Contains([]string{"cluster", "node", "vm", "interface", "ip", "disk"}, kind) {
			continue
		}
		next := map[string]string{}
		for _, name := range names {
			if v := dep[name]; v != nil {
				next[name] = fmt.Sprint(v)
			}
		}
		if kind == "node" {
			next["node_name"] = dep["name"].(string)
		}
		asked += f.recursive(kind, next, seen)
	}
	return asked
}

const (
	demoCluster = "cluster_name=demo"
	guest100    = demoCluster + "&node=pve1&type=qemu&vmid=100"
)

func TestIndividualClusterAndNode(t *testing.T) {
	f := newFixture(t).withKeys().withEndpoints()
	cluster := f.one("/sync/individual/cluster?" + demoCluster + "&proxmox_endpoint_ids=1&unknown=1")
	if cluster["action"] != "created" || cluster["object_type"] != "cluster" || cluster["dry_run"] != false || cluster["error"] != nil {
		t.Errorf("the cluster: %v", cluster)
	}
	raw, err := json.MarshalIndent(cluster, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "wire/individual-cluster.json", append(raw, '\n'))
	if f.netbox.Count("virtualization.cluster") != 1 || f.netbox.Count("dcim.device") != 0 || f.netbox.Count("virtualization.virtualmachine") != 0 {
		t.Error("a cluster by itself is a cluster, and no node or guest")
	}
	object := cluster["netbox_object"].(map[string]any)
	if object["id"] != 1.0 || object["name"] != "demo" || !strings.HasSuffix(object["url"].(string), "/api/virtualization/clusters/1/") {
		t.Errorf("the cluster in NetBox: %v", object)
	}
	resource := cluster["proxmox_resource"].(map[string]any)
	if resource["name"] != "demo" || resource["type"] != "cluster" || resource["mode"] != "cluster" {
		t.Errorf("the cluster in Proxmox: %v", resource)
	}

	node := f.one("/sync/individual/node?" + demoCluster + "&node_name=pve2")
	if node["action"] != "created" || node["proxmox_resource"].(map[string]any)["node"] != "pve2" {
		t.Errorf("the node: %v", node)
	}
	if n := f.netbox.Count("dcim.device"); n != 1 {
		t.Errorf("%d devices", n)
	}
	if slices.ContainsFunc(dependencies(node), func(d string) bool { return strings.HasPrefix(d, "cluster ") }) {
		t.Errorf("the cluster was there: %v", dependencies(node))
	}
	written := f.netbox.Count("core.objectchange")
	for _, path := range []string{"cluster?" + demoCluster, "node?" + demoCluster + "&node_name=pve2"} {
		if again := f.one("/sync/individual/" + path); again["action"] != "unchanged" || len(dependencies(again)) != 0 {
			t.Errorf("%s again: %v", path, again)
		}
	}
	if now := f.netbox.Count("core.objectchange"); now != written {
		t.Errorf("nothing was to be done, and %d changes were made", now-written)
	}
}

// A guest that NetBox has not seen is made with all that it needs, and the
// plugin asks again for each of these.
func TestIndividualGuest(t *testing.T) {
	f := newFixture(t).withKeys().withEndpoints()
	dry := f.one("/sync/individual/vm?" + guest100 + "&dry_run=true")
	if dry["action"] != "dry_run" || dry["planned"] != "created" || dry["netbox_object"] != nil || f.netbox.Count("virtualization.virtualmachine") != 0 {
		t.Errorf("the dry run: %v", dry)
	}
	first := f.one("/sync/individual/vm?" + guest100)
	got := dependencies(first)
	slices.Sort(got)
	for _, want := range []string{"cluster created demo", "node created pve1", "interface created net0", "disk created scsi0"} {
		if !slices.Contains(got, want) {
			t.Errorf("%q is not among what was written: %q", want, got)
		}
	}
	for _, d := range first["dependencies_synced"].([]any) {
		dep := d.(map[string]any)
		name := map[string]string{"interface": "interface_name", "disk": "disk_name", "ip": "ip_address"}[dep["object_type"].(string)]
		if name != "" && (dep["cluster_name"] != "demo" || dep["node"] != "pve1" || dep["type"] != "qemu" || dep["vmid"] != 100.0 || dep[name] != dep["name"]) {
			t.Errorf("it cannot be asked for: %v", dep)
		}
	}
	if f.netbox.Count("virtualization.virtualmachine") != 1 {
		t.Errorf("%d guests", f.netbox.Count("virtualization.virtualmachine"))
	}

	written := f.netbox.Count("core.objectchange")
	f.netbox.ResetStats()
	f.proxmox.ResetRequests()
	again := f.one("/sync/individual/vm?" + guest100)
	if again["action"] != "unchanged" || len(dependencies(again)) != 0 || again["netbox_object"].(map[string]any)["id"] != 1.0 {
		t.Errorf("the guest again: %v", again)
	}
	if now := f.netbox.Count("core.objectchange"); now != written {
		t.Errorf("an unchanged guest: %d writes", now-written)
	}
	if stats := f.netbox.Stats(); stats.Requests > 45 {
		t.Errorf("an unchanged guest takes %d requests to NetBox", stats.Requests)
	}
	if n := f.proxmox.Requests()["/nodes/pve1/qemu/101/config"]; n != 0 {
		t.Errorf("another guest was read, too")
	}
	byPath := f.one("/sync/individual/vm/demo/pve1/qemu/100")
	if byPath["action"] != "unchanged" {
		t.Errorf("by its path: %v", byPath)
	}
}

func TestThePluginAsksForEachDependency(t *testing.T) {
	f := newFixture(t).withKeys().withEndpoints()
	seen := map[string]bool{}
	asked := f.recursive("vm", map[string]string{"cluster_name": "demo", "node": "pve1", "type": "qemu", "vmid": "100"}, seen)
	if asked < 5 || asked > 12 {
		t.Errorf("the plugin asks %d times: %v", asked, seen)
	}
	if changed := f.recursive("vm", map[string]string{"cluster_name": "demo", "type": "qemu", "vmid": "100"}, map[string]bool{}); changed != 1 {
		t.Errorf("once more, and it asks %d times", changed)
	}
}

// What is asked for is written, and nothing beside it.
func TestIndividualParts(t *testing.T) {
	f := newFixture(t).withKeys().withEndpoints()
	f.get("/full-update")
	count := func(kind string) int { return f.netbox.Count(kind) }
	disks, interfaces := count("virtualization.virtualdisk"), count("virtualization.vminterface")
	f.proxmox.Change(func(e *proxmoxsim.Estate) {
		g := e.Guest(100)
		g.Add("scsi", "local-lvm:vm-100-disk-9,size=7G")
		g.Add("net", "virtio=BC:24:11:99:00:01,bridge=vmbr0")
	})
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		w := f.call(method, "/sync/individual/disk?"+guest100+"&disk_name=scsi1", goodKey, "")
		body := decode(t, w.Body.Bytes()).(map[string]any)
		want := map[string]string{http.MethodGet: "created", http.MethodPost: "unchanged"}[method]
		if w.Code != http.StatusOK || body["action"] != want || body["proxmox_resource"].(map[string]any)["disk_name"] != "scsi1" {
			t.Errorf("%s the disk: %d %s", method, w.Code, w.Body)
		}
		checkDocumented(t, f.Server, method, "/sync/individual/disk", w)
	}
	if count("virtualization.virtualdisk") != disks+1 || count("virtualization.vminterface") != interfaces {
		t.Error("the disk alone was asked for")
	}
	nic := f.one("/sync/individual/interface?" + guest100 + "&interface_name=net1")
	if nic["action"] != "created" || nic["netbox_object"].(map[string]any)["name"] != "net1" || count("virtualization.vminterface") != interfaces+1 {
		t.Errorf("the interface: %v", nic)
	}
	for path, text := range map[string]string{
		"disk?" + guest100 + "&disk_name=scsi9":          "no disk scsi9 of guest 100",
		"interface?" + guest100 + "&interface_name=eth7": "no interface eth7 of guest 100",
		"ip?" + guest100 + "&ip_address=192.0.2.99":      "no address 192.0.2.99 of guest 100",
		"vm?" + demoCluster + "&vmid=4711":               "no guest 4711",
		"node?" + demoCluster + "&node_name=pve9":        `no node \"pve9\"`,
		"cluster?cluster_name=other":                     "No Proxmox session found for cluster: other",
		"vm?" + demoCluster + "&vmid=100&type=lxc":       "is of type qemu, not lxc",
	} {
		w := f.call(http.MethodGet, "/sync/individual/"+path, goodKey, "")
		checkDocumented(t, f.Server, http.MethodGet, "/sync/individual/"+path, w)
		if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), text) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

// What only the plugin keeps is written one by one as well.
func TestIndividualRows(t *testing.T) {
	f := newFixture(t).withKeys().withEndpoints().withPluginEndpoint()
	const volume = "local:backup/vzdump-qemu-100-2026_02_01-02_00_00.vma.zst"
	for _, one := range []struct {
		path, kind string
		objects    int // that NetBox then has of the kind
		name       string
	}{
		{"storage?" + demoCluster + "&storage_name=local", "proxmoxstorage", 1, "local"},
		{"backup?" + demoCluster + "&node=pve1&storage=local&vmid=100&volid=" + volume, "vmbackup", 1, volume},
		{"snapshot?" + guest100 + "&snapshot_name=before-upgrade", "vmsnapshot", 1, "before-upgrade"},
		{"replication?" + demoCluster + "&replication_id=100-0", "replication", 1, "100-0"},
		{"backup-routines?" + demoCluster, "backuproutine", 2, ""},
		{"task-history?node=pve1&vmid=100", "vmtaskhistory", 0, ""},
	} {
		first := f.one("/sync/individual/" + one.path)
		want := "created"
		if one.objects == 0 {
			want = "unchanged"
		}
		if first["action"] != want || first["error"] != nil {
			t.Errorf("%s: %v", one.path, first)
		}
		if object, _ := first["netbox_object"].(map[string]any); one.name != "" && (object == nil || object["name"] != one.name) {
			t.Errorf("%s in NetBox: %v", one.path, object)
		}
		if n := f.netbox.Count("netbox_proxbox." + one.kind); n != one.objects {
			t.Errorf("%s, and NetBox has %d", one.path, n)
		}
		written := f.netbox.Count("core.objectchange")
		if again := f.one("/sync/individual/" + one.path); again["action"] != "unchanged" || len(dependencies(again)) != 0 {
			t.Errorf("%s again: %v", one.path, again)
		}
		if now := f.netbox.Count("core.objectchange"); now != written {
			t.Errorf("%s again: %d changes", one.path, now-written)
		}
	}
	for path, text := range map[string]string{
		"storage?" + demoCluster + "&storage_name=nowhere":          "no storage nowhere in Proxmox",
		"snapshot?" + guest100 + "&snapshot_name=nowhere":           "no snapshot nowhere of guest 100",
		"backup?" + demoCluster + "&vmid=100&volid=nowhere":         "no backup nowhere of guest 100",
		"replication?" + demoCluster + "&replication_id=9-9":        "no replication 9-9",
		"task-history?vmid=100&upid=UPID:nowhere&" + demoCluster:    "no task UPID:nowhere of guest 100",
		"backup-routines?" + demoCluster + "&job_id=backup-nowhere": "no backup routine backup-nowhere",
	} {
		w := f.call(http.MethodGet, "/sync/individual/"+path, goodKey, "")
		if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), text) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	// A routine that is gone is marked when all are asked for.
	f.proxmox.Change(func(e *proxmoxsim.Estate) { e.BackupJobs = e.BackupJobs[1:] })
	if gone := f.one("/sync/individual/backup-routines?" + demoCluster); gone["action"] != "updated" {
		t.Errorf("with one that is gone: %v", gone)
	}
}

func TestIndividualAddress(t *testing.T) {
	f := newFixture(t).withKeys().withEndpoints()
	first := f.one("/sync/individual/vm?" + guest100)
	address := ""
	for _, d := range first["dependencies_synced"].([]any) {
		if dep := d.(map[string]any); dep["object_type"] == "ip" {
			address = dep["ip_address"].(string)
		}
	}
	if address == "" {
		t.Fatalf("the guest has no address: %v", dependencies(first))
	}
	host, _, _ := strings.Cut(address, "/")
	if one := f.one("/sync/individual/ip?" + guest100 + "&ip_address=" + host); one["action"] != "unchanged" {
		t.Errorf("the address: %v", one)
	}
	f.proxmox.Change(func(e *proxmoxsim.Estate) { e.Guest(100).Readdress(address, "192.0.2.77/24") })
	moved := f.one("/sync/individual/ip?" + guest100 + "&ip_address=192.0.2.77/24")
	if moved["action"] != "created" || moved["netbox_object"].(map[string]any)["name"] != "192.0.2.77/24" {
		t.Errorf("the new address: %v", moved)
	}
}

func TestIndividualRefusals(t *testing.T) {
	f := newFixture(t).withKeys()
	check := func(path string, status int, text string) {
		t.Helper()
		w := f.call(http.MethodGet, path, goodKey, "")
		checkEveryAnswer(t, path, w)
		checkDocumented(t, f.Server, http.MethodGet, path, w)
		if w.Code != status || !strings.Contains(w.Body.String(), text) {
			t.Errorf("%s: %d %s; want %d with %s", path, w.Code, w.Body, status, text)
		}
	}
	check("/sync/individual/vm?"+guest100, 409, "NetBox endpoint")
	f.withEndpoints()
	check("/sync/individual/vm?cluster_name=demo", 422, "vmid is missing")
	check("/sync/individual/vm?cluster_name=demo&vmid=x", 422, "number of a guest")
	check("/sync/individual/disk?vmid=1", 422, "disk_name")
	check("/sync/individual/node", 422, "cluster_name")
	check("/sync/individual/vm?"+guest100+"&overwrite_vm_role=perhaps", 422, "overwrite_vm_role")
	check("/sync/individual/vm?"+guest100+"&dry_run=perhaps", 422, "dry_run")
	check("/sync/individual/cluster?cluster_name=demo&proxmox_endpoint_ids=9", 422, "no Proxmox endpoint 9")
	for _, w := range individuals {
		stage, err := run.StageNamed(w.stage)
		if err != nil {
			t.Fatal(err)
		}
		if !stage.Written() {
			check("/sync/individual/"+w.object, 501, stage.Name)
		}
	}
	f.setFault(func(r *http.Request) error {
		if strings.HasPrefix(r.URL.Path, "/api2/") {
			return errRefused
		}
		return nil
	})
	check("/sync/individual/cluster?cluster_name=demo", 502, "connection refused")
}

// Two clusters of one name: the endpoint says which is meant.
func TestIndividualOfTwoClustersOfOneName(t *testing.T) {
	f := newFixture(t).withKeys().withEndpoints()
	second := proxmoxsim.New(proxmoxsim.DemoAt(1, 2))
	second.Change(func(e *proxmoxsim.Estate) { e.Cluster = "demo" })
	e := second.Endpoint()
	row, err := f.store.ProxmoxEndpoints().Create(t.Context(), store.ProxmoxChange{Name: store.To("twin (nb:2)"), Domain: store.To("twin.example.org"),
		Username: store.To(e.Username), TokenName: store.To(e.TokenName), TokenValue: store.To(e.TokenValue), Password: store.To(e.Password)})
	if err != nil {
		t.Fatal(err)
	}
	f.launcher.ProxmoxTransport = func(ep domain.ProxmoxEndpoint) http.RoundTripper {
		if ep.ID == row.ID {
			return second.Transport()
		}
		return f.proxmox.Transport()
	}
	for pk := 1; pk <= 2; pk++ { // as the plugin makes them
		f.seed("netbox_proxbox.proxmoxendpoint", map[string]any{"id": pk, "name": fmt.Sprintf("e%d", pk), "domain": "pve.example.org", "port": 8006,
			"mode": "cluster", "username": "root@pam"})
		f.seed("netbox_proxbox.proxmoxcluster", map[string]any{"endpoint": pk, "name": "demo", "cluster_id": "demo", "mode": "cluster"})
	}
	w := f.call(http.MethodGet, "/sync/individual/cluster?"+demoCluster, goodKey, "")
	if w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "1 (demo), 2 (twin)") || !strings.Contains(w.Body.String(), "proxmox_endpoint_ids") {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	for _, id := range []string{"1", "2"} {
		if one := f.one("/sync/individual/cluster?" + demoCluster + "&proxmox_endpoint_ids=" + id); one["action"] != "created" {
			t.Errorf("endpoint %s: %v", id, one)
		}
	}
	if n := f.netbox.Count("virtualization.cluster"); n != 2 {
		t.Errorf("%d clusters", n)
	}
}

// The branch goes with every request to NetBox.
func TestIndividualInABranch(t *testing.T) {
	f := newFixture(t).withKeys().withEndpoints()
	f.netbox.InstallBranching()
	var without []string
	f.setFault(func(r *http.Request) error {
		if strings.HasPrefix(r.URL.Path, "/api/") && r.Method != http.MethodGet && r.Header.Get("X-NetBox-Branch") != "td5smq0f" {
			without = append(without, r.Method+" "+r.URL.Path)
		}
		return nil
	})
	if one := f.one("/sync/individual/cluster?" + demoCluster + "&netbox_branch_schema_id=td5smq0f"); one["action"] != "created" {
		t.Errorf("%v", one)
	}
	f.setFault(nil)
	if len(without) > 0 {
		t.Errorf("written outside the branch: %v", without)
	}
}

// A conflict is said of the object, and the run is none that failed.
func TestIndividualConflict(t *testing.T) {
	f := newFixture(t).withKeys().withEndpoints()
	f.netbox.SetFault(func(r *http.Request) *netboxsim.Fault {
		if r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, "/api/virtualization/clusters/") {
			return &netboxsim.Fault{Status: 400, Body: `[{"name":["This name is not allowed here."]}]`}
		}
		return nil
	})
	w := f.call(http.MethodGet, "/sync/individual/cluster?"+demoCluster, goodKey, "")
	if w.Code != http.StatusBadGateway || !strings.Contains(w.Body.String(), "This name is not allowed here.") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestNodeWithItsInterfaces(t *testing.T) {
	f := newFixture(t).withKeys().withEndpoints()
	list := f.get("/dcim/devices/pve1/interfaces/create").([]any)
	if len(list) == 0 || f.netbox.Count("dcim.device") != 1 {
		t.Errorf("%v", list)
	}
	for _, i := range list {
		if one := i.(map[string]any); one["id"] == 0.0 || !strings.HasPrefix(one["name"].(string), "node pve1 ") {
			t.Errorf("%v", one)
		}
	}
	w := f.call(http.MethodGet, "/dcim/devices/nowhere/interfaces/create", goodKey, "")
	if w.Code != http.StatusNotFound {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// A guest that did not change costs what it takes to look: nothing of the
// other guests, and of NetBox only what changed since the last look.
func TestIndividualCostsLittle(t *testing.T) {
	f := newFixture(t).withKeys().withEndpoints()
	f.get("/full-update?proxmox_endpoint_ids=1")
	for _, what := range []string{
		"vm?" + guest100, "disk?" + guest100 + "&disk_name=scsi0", "interface?" + guest100 + "&interface_name=net0",
		"node?" + demoCluster + "&node_name=pve1", "cluster?" + demoCluster,
	} {
		what += "&proxmox_endpoint_ids=1"
		f.netbox.ResetStats()
		f.proxmox.ResetRequests()
		if one := f.one("/sync/individual/" + what); one["action"] != "unchanged" {
			t.Errorf("%s: %v", what, one)
		}
		read := 0
		for path, n := range f.proxmox.Requests() {
			if read += n; strings.Contains(path, "/101") || strings.Contains(path, "/102") {
				t.Errorf("%s reads %s", what, path)
			}
		}
		stats := f.netbox.Stats()
		if stats.Writes != 0 || stats.Requests > 2 || read > 15 {
			t.Errorf("%s: %d requests to NetBox, %d of them writes, and %d to Proxmox", what, stats.Requests, stats.Writes, read)
		}
	}
}

// While another run writes, the request says so in time; and it goes first.
func TestIndividualWaitsForAnotherRun(t *testing.T) {
	f := newFixture(t).withKeys().withEndpoints()
	f.Server.patience = 50 * time.Millisecond
	reached, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	f.setFault(func(r *http.Request) error {
		if r.Method == http.MethodPost {
			once.Do(func() {
				close(reached)
				<-release
			})
		}
		return nil
	})
	full := make(chan map[string]any, 1)
	go func() {
		w := f.call(http.MethodGet, "/full-update", goodKey, "")
		var body map[string]any
		_ = json.Unmarshal(w.Body.Bytes(), &body)
		full <- body
	}()
	<-reached
	w := f.call(http.MethodGet, "/sync/individual/cluster?"+demoCluster, goodKey, "")
	checkDocumented(t, f.Server, http.MethodGet, "/sync/individual/cluster", w)
	if w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "Waiting for the full-update run") || w.Header().Get("Retry-After") == "" {
		t.Errorf("while another run writes: %d %s", w.Code, w.Body)
	}
	close(release)
	if body := <-full; body["status"] != "completed" {
		t.Errorf("the other run: %v", body)
	}
	f.Server.patience = 25 * time.Second
	if one := f.one("/sync/individual/cluster?" + demoCluster); one["action"] != "unchanged" {
		t.Errorf("afterwards: %v", one)
	}
}
