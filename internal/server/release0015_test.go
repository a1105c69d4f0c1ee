package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"proxbox/internal/domain"
	netboxsim "proxbox/internal/sim/netbox"
	proxmoxsim "proxbox/internal/sim/proxmox"
	"proxbox/internal/store"
)

// old is the plugin's release 0.0.15 beside a NetBox that has it. It follows
// its requests, and writes down what was said.
type old struct {
	*fixture
	said    bytes.Buffer
	began   int64    // when the last task of guest 100 did
	written []string // to NetBox: objects with custom fields
}

const (
	oldToken = "plugin-0.0.15-token-0123456789-0123456789"
	oldPK    = 7 // of the Proxmox endpoint in NetBox
	oldName  = "px1 (nb:7)"
)

func newOld(t *testing.T) *old {
	t.Helper()
	f := newFixture(t, "PROXBOX_RATE_LIMIT=0")
	// The estate's own tasks are older than the history goes back.
	o := &old{fixture: f, began: time.Now().Add(-time.Hour).Unix()}
	f.proxmox = proxmoxsim.New(proxmoxsim.Demo(2))
	f.proxmox.Change(func(e *proxmoxsim.Estate) {
		e.Nodes[0].Tasks = append(e.Nodes[0].Tasks, proxmoxsim.Row{"upid": o.upid(), "node": "pve1", "pid": 50480,
			"pstart": 1874924, "starttime": o.began, "endtime": o.began + 2, "type": "qmstart", "id": "100", "user": "root@pam", "status": "OK"})
	})
	f.netbox = netboxsim.New(netboxsim.NetBox47Plugin15)
	f.launcher.NetBoxTransport = o.note(f.carry(f.netbox.Client().Transport))
	f.launcher.ProxmoxTransport = func(domain.ProxmoxEndpoint) http.RoundTripper {
		return overlay{more(), f.carry(f.proxmox.Transport())}
	}
	f.seed("netbox_proxbox.proxmoxendpoint", map[string]any{"id": oldPK, "name": "px1", "domain": "pve.example.org", "port": 8006, "mode": "cluster", "username": "root@pam"})
	return o
}

// upid is the name of the last task of guest 100.
func (o *old) upid() string {
	return fmt.Sprintf("UPID:pve1:0000C530:001C9BEC:%08X:qmstart:100:root@pam:", o.began)
}

// note writes down which objects are sent to NetBox with custom fields, one a
// line.
func (o *old) note(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.Method != http.MethodPost && r.Method != http.MethodPatch {
			return next.RoundTrip(r)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		var items []map[string]any
		if err := json.Unmarshal(body, &items); err != nil {
			return nil, fmt.Errorf("%s %s: %s is no list: %w", r.Method, r.URL, body, err)
		}
		for _, item := range items {
			if item["custom_fields"] == nil {
				continue
			}
			delete(item, "changelog_message")
			line, err := json.Marshal(item)
			if err != nil {
				return nil, err
			}
			o.written = append(o.written, fmt.Sprintf("%s %s %s", r.Method, r.URL.Path, line))
		}
		return next.RoundTrip(r)
	})
}

var stamped = regexp.MustCompile(`("proxmox_last_updated":")[^"]*`)

// writes compares which objects were written with custom fields since the last
// time with a file.
func (o *old) writes(name string) {
	o.t.Helper()
	text := strings.Join(o.written, "\n") + "\n"
	golden(o.t, "../internal/server/testdata/release-0.0.15/"+name, []byte(stamped.ReplaceAllString(text, "${1}2026-01-02T03:04:05Z")))
	o.written = nil
}

// ask sends a request as release 0.0.15 does, and writes it and its answer
// down.
func (o *old) ask(status int, method, path, body string) any {
	o.t.Helper()
	key := oldToken
	if strings.HasPrefix(path, "/auth/") || path == "/" {
		key = "" // the release sends none
	}
	w := o.call(method, path, key, body)
	checkEveryAnswer(o.t, method+" "+path, w)
	if w.Code != status {
		o.t.Errorf("%s %s: %d %s; expected %d", method, path, w.Code, w.Body, status)
	}
	got := decode(o.t, w.Body.Bytes())
	shown, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		o.t.Fatal(err)
	}
	fmt.Fprintf(&o.said, "%s %s\n", method, path)
	if body != "" {
		fmt.Fprintf(&o.said, "%s\n", body)
	}
	fmt.Fprintf(&o.said, "\n%d %s\n%s\n\n", w.Code, w.Header().Get("Content-Type"), shown)
	return got
}

// follow follows a stage's stream, and writes both down.
func (o *old) follow(path string) (done map[string]any) {
	o.t.Helper()
	w := o.call(http.MethodGet, path, oldToken, "")
	checkEveryAnswer(o.t, path, w)
	if w.Code != http.StatusOK {
		o.t.Errorf("GET %s: %d %s", path, w.Code, w.Body)
		return nil
	}
	events := readEvents(o.t, w.Body)
	fmt.Fprintf(&o.said, "GET %s\n\n%d %s\n%s", path, w.Code, w.Header().Get("Content-Type"), record(events))
	done = complete(o.t, events)
	if done["ok"] != true {
		o.t.Errorf("GET %s: %v", path, done)
	}
	return done
}

// oldStages are the stages of a full update with what each is asked with
// beside the rest.
var oldStages = []struct{ path, extra string }{
	{"/dcim/devices/create/stream", ""},
	{"/virtualization/virtual-machines/storage/create/stream", ""},
	{"/virtualization/virtual-machines/create/stream", "sync_vm_network=false"},
	{"/virtualization/virtual-machines/task-history/create/stream", ""},
	{"/virtualization/virtual-machines/virtual-disks/create/stream", ""},
	{"/virtualization/virtual-machines/backups/all/create/stream", "delete_nonexistent_backup=true"},
	{"/virtualization/virtual-machines/snapshots/all/create/stream", "delete_nonexistent_snapshot=true"},
	{"/dcim/devices/interfaces/create/stream", ""},
	{"/virtualization/virtual-machines/interfaces/create/stream", ""},
	{"/virtualization/virtual-machines/interfaces/ip-address/create/stream", ""},
	{"/proxmox/replication/stream", ""},
	{"/proxmox/cluster/backup/stream", ""},
}

// oldFlags are the 25 overwrite flags of the release.
var oldFlags = strings.Fields(`device_role device_type device_tags device_status device_description device_custom_fields
	vm_role vm_type vm_tags vm_proxmox_tags vm_description vm_custom_fields vm_cloudinit
	cluster_tags cluster_description cluster_custom_fields node_interface_tags node_interface_custom_fields storage_tags
	vm_interface_tags vm_interface_custom_fields ip_status ip_tags ip_custom_fields ip_address_dns_name`)

// oldQuery is what every stage is asked with. The endpoint is named by its id
// in NetBox.
func oldQuery(extra string) string {
	q := "use_guest_agent_interface_name=true&fetch_max_concurrency=8&ignore_ipv6_link_local_addresses=true&primary_ip_preference=ipv4&parse_description_metadata=false"
	for _, flag := range oldFlags {
		q += "&overwrite_" + flag + "=true"
	}
	q += fmt.Sprintf("&proxmox_endpoint_ids=%d", oldPK)
	if extra != "" {
		q += "&" + extra
	}
	return "?" + q
}

// endpointBody is the Proxmox endpoint as the release pushes it.
func (o *old) endpointBody() string {
	e := o.proxmox.Endpoint()
	return fmt.Sprintf(`{"name":%q,"ip_address":"127.0.0.2","domain":"pve.example.org","port":8006,"username":%q,"password":null,"verify_ssl":false,`+
		`"token_name":%q,"token_value":%q,"site_id":null,"site_slug":null,"site_name":null,"tenant_id":null,"tenant_slug":null,"tenant_name":null}`,
		oldName, e.Username, e.TokenName, string(e.TokenValue))
}

// begin is what a job asks before its stages.
func (o *old) begin() {
	o.t.Helper()
	status := o.ask(http.StatusOK, "GET", "/auth/bootstrap-status", "").(map[string]any)
	if status["needs_bootstrap"] == true {
		o.ask(http.StatusCreated, "POST", "/auth/register-key", `{"api_key":"`+oldToken+`","label":"netbox-proxbox-plugin"}`)
	}
	o.push("/netbox/endpoint", netboxBody, func(map[string]any) bool { return true })
	o.push("/proxmox/endpoints", o.endpointBody(), func(row map[string]any) bool { return row["name"] == oldName })
	o.ask(http.StatusOK, "GET", "/proxmox/cluster/status", "")
	o.ask(http.StatusOK, "GET", "/proxmox/nodes/", "")
}

// push changes the first row that is the endpoint, or makes one.
func (o *old) push(path, body string, is func(row map[string]any) bool) {
	o.t.Helper()
	for _, item := range o.ask(http.StatusOK, "GET", path, "").([]any) {
		if row := item.(map[string]any); is(row) {
			o.ask(http.StatusOK, "PUT", fmt.Sprintf("%s/%.0f", path, row["id"]), body)
			return
		}
	}
	o.ask(http.StatusOK, "POST", path, body)
}

// stages drives the twelve of them.
func (o *old) stages() {
	o.t.Helper()
	for _, s := range oldStages {
		o.ask(http.StatusOK, "GET", "/health", "")
		o.follow(s.path + oldQuery(s.extra))
	}
}

// golden compares what was said since the last time with a file.
func (o *old) golden(name string) {
	o.t.Helper()
	said := bytes.ReplaceAll(o.said.Bytes(), []byte(o.upid()), []byte("UPID:pve1:0000C530:001C9BEC:69570000:qmstart:100:root@pam:"))
	golden(o.t, "../internal/server/testdata/release-0.0.15/"+name, said)
	o.said.Reset()
}

// A job of release 0.0.15, and the same again: NetBox has what it looks for,
// and the second one changes nothing.
func TestRelease0015Job(t *testing.T) {
	if len(oldFlags) != 25 || len(oldStages) != 12 {
		t.Fatalf("%d flags, %d stages", len(oldFlags), len(oldStages))
	}
	o := newOld(t)
	o.begin()
	o.ask(http.StatusConflict, "POST", "/auth/register-key", `{"api_key":"`+oldToken+`","label":"netbox-fastapi-1"}`)
	o.golden("first-job.txt")
	o.stages()
	o.golden("first-stages.txt")

	vms := o.netbox.Objects("virtualization.virtualmachine")
	if len(vms) != 2 {
		t.Fatalf("%d virtual machines", len(vms))
	}
	for i, vm := range vms {
		cf := vm["custom_fields"].(map[string]any)
		for name, want := range map[string]any{"proxmox_vm_id": float64(100 + i), "proxmox_vm_type": "qemu",
			"proxmox_node": fmt.Sprintf("pve%d", i+1), "proxmox_cluster": "demo", "proxmox_vm_name": vm["name"]} {
			if got := cf[name]; got != want {
				t.Errorf("%v: the custom field %s is %v, not %v", vm["name"], name, got, want)
			}
		}
	}
	for _, kind := range []string{"dcim.device", "dcim.interface", "virtualization.vminterface", "virtualization.virtualdisk", "ipam.ipaddress",
		"netbox_proxbox.proxmoxstorage", "netbox_proxbox.vmbackup", "netbox_proxbox.vmsnapshot", "netbox_proxbox.replication", "netbox_proxbox.backuproutine"} {
		if o.netbox.Count(kind) == 0 {
			t.Errorf("NetBox has no %s", kind)
		}
	}
	tasks := o.netbox.Objects("netbox_proxbox.vmtaskhistory")
	if len(tasks) != 1 || tasks[0]["upid"] != o.upid() || tasks[0]["vm_type"] != "qemu" || tasks[0]["status"] != "OK" ||
		tasks[0]["virtual_machine"].(map[string]any)["id"] != vms[0]["id"] {
		t.Errorf("the task history is %v", tasks)
	}

	before := o.netbox.Dump(true)
	o.netbox.ResetStats()
	o.begin()
	o.golden("second-job.txt")
	o.stages()
	o.golden("second-stages.txt")
	if n := o.netbox.Stats().Writes; n != 0 || !bytes.Equal(before, o.netbox.Dump(true)) {
		t.Errorf("the second job writes %d times", n)
	}
}

// What release 0.0.15 of the plugin and the people beside it look for in custom
// fields is sent to NetBox: when it is new, when it changes, and not again.
func TestRelease0015CustomFields(t *testing.T) {
	o := newOld(t)
	o.begin()
	o.ask(http.StatusOK, "GET", "/extras/extras/custom-fields/create", "")
	o.stages()
	o.writes("first-writes.txt")
	o.proxmox.Change(func(e *proxmoxsim.Estate) {
		g := e.Guest(100)
		g.Status, g.Node = "stopped", "pve2"
		g.Set("onboot", 0)
		g.Set("tags", "prod")
	})
	o.launcher.Memory.Forget()
	o.stages()
	o.writes("changed-writes.txt")
	o.launcher.Memory.Forget()
	o.netbox.ResetStats()
	o.stages()
	if n := o.netbox.Stats().Writes; n != 0 {
		t.Errorf("once more: %d writes, of them %q", n, o.written)
	}
}

// A row that the Python service left has an id of its own: the endpoint is
// found by its name when it is pushed, and by the id in its name when a stage
// asks for it.
func TestRelease0015KeptRow(t *testing.T) {
	o := newOld(t)
	kept, err := o.store.ProxmoxEndpoints().Create(t.Context(), store.ProxmoxChange{Name: store.To("px1"), Domain: store.To("old.example.org"),
		Username: store.To("root@pam"), Password: store.To(o.proxmox.Endpoint().TokenValue)})
	if err == nil {
		kept, err = o.store.ProxmoxEndpoints().Update(t.Context(), kept.ID, store.ProxmoxChange{Name: store.To(oldName)})
	}
	if err != nil || kept.ID == oldPK {
		t.Fatalf("%+v, %v", kept, err)
	}
	o.begin()
	rows, err := o.store.ProxmoxEndpoints().List(t.Context())
	if err != nil || len(rows) != 1 || rows[0].ID != kept.ID || rows[0].Domain != "pve.example.org" {
		t.Errorf("endpoints %+v, %v", rows, err)
	}
	done := o.follow("/dcim/devices/create/stream" + oldQuery(""))
	if result := done["result"].(map[string]any); result["count"] != 3.0 {
		t.Errorf("the devices: %v", result)
	}
	w := o.call(http.MethodGet, "/dcim/devices/create/stream?proxmox_endpoint_ids=8", oldToken, "")
	if w.Code != http.StatusUnprocessableEntity && w.Code != http.StatusNotFound {
		t.Errorf("an endpoint that there is not: %d %s", w.Code, w.Body)
	}
}

// backup is a text of the first backup in NetBox, for a query.
func (o *old) backup(field string) string {
	o.t.Helper()
	for _, row := range o.netbox.Objects("netbox_proxbox.vmbackup") {
		if text, ok := row[field].(string); ok && row["vmid"] == 100.0 {
			return url.QueryEscape(text)
		}
	}
	o.t.Fatalf("NetBox has no backup of guest 100 with its %s", field)
	return ""
}

// The pages of release 0.0.15 choose an endpoint by its domain, address or
// name, and its buttons sync one object.
func TestRelease0015Pages(t *testing.T) {
	o := newOld(t)
	o.begin()
	o.stages()
	o.said.Reset()
	selector := "?source=database&domain=pve.example.org"
	for _, path := range []string{"/proxmox/version", "/proxmox/sessions", "/proxmox/cluster/status", "/proxmox/nodes/", "/proxmox/cluster/resources", "/proxmox/storage",
		"/proxmox/nodes/pve1/storage/local/content", "/proxmox/cluster/ha/resources/by-vm/100"} {
		o.ask(http.StatusOK, "GET", path+selector, "")
	}
	o.ask(http.StatusOK, "GET", "/proxmox/version?source=database&ip_address=127.0.0.2", "")
	o.ask(http.StatusOK, "GET", "/proxmox/pve1/qemu/100/config?source=database&name="+url.QueryEscape(oldName), "")
	o.ask(http.StatusOK, "GET", "/", "")
	o.ask(http.StatusOK, "GET", "/version", "")
	o.golden("pages.txt")

	const guest = "cluster_name=demo&node=pve1&type=qemu&vmid=100"
	for _, query := range []string{
		"cluster?cluster_name=demo", "node?cluster_name=demo&node_name=pve1", "vm?" + guest, "storage?cluster_name=demo&storage_name=local",
		"snapshot?" + guest + "&snapshot_name=before-upgrade", "interface?" + guest + "&interface_name=eth0", "ip?" + guest + "&ip_address=10.10.0.2/24", "disk?" + guest + "&disk_name=scsi0",
		"task-history?node=pve1&vmid=100&vm_type=qemu&cluster_name=demo", "task-history?node=pve1&vmid=100&type=qemu", "backup-routines?cluster_name=demo", "backup-routines",
		"replication?cluster_name=demo&replication_id=100-0", "backup?cluster_name=demo&node=pve1&vmid=100&storage=" + o.backup("storage") + "&volid=" + o.backup("volume_id"),
	} {
		got := o.ask(http.StatusOK, "GET", "/sync/individual/"+query, "").(map[string]any)
		if _, list := got["dependencies_synced"].([]any); got["error"] != nil || !list {
			t.Errorf("%s: %v", query, got)
		}
	}
	o.golden("buttons.txt")
}

// No answer holds a secret that was pushed.
func TestRelease0015KeepsSecrets(t *testing.T) {
	o := newOld(t)
	o.begin()
	secret := string(o.proxmox.Endpoint().TokenValue)
	answers := []*httptest.ResponseRecorder{
		o.call(http.MethodGet, "/proxmox/endpoints", oldToken, ""), o.call(http.MethodGet, "/netbox/endpoint", oldToken, ""),
		o.call(http.MethodPut, fmt.Sprintf("/proxmox/endpoints/%d", oldPK), oldToken, o.endpointBody()), o.call(http.MethodPut, "/netbox/endpoint/1", oldToken, netboxBody),
	}
	if i := slices.IndexFunc(answers, func(w *httptest.ResponseRecorder) bool {
		return w.Code != http.StatusOK || strings.Contains(w.Body.String(), secret) || strings.Contains(w.Body.String(), netboxsim.Token)
	}); i >= 0 {
		t.Errorf("answer %d: %d %s", i, answers[i].Code, answers[i].Body)
	}
}
