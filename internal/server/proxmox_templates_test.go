package server

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// templatePark is a cluster with templates of every kind, and one without.
func templatePark(t *testing.T) *park {
	t.Helper()
	p := newPark(t)
	p.add("has (nb:1)", overlay{map[string]string{
		"/cluster/resources": `[
			{"type":"qemu","vmid":9002,"node":"pve2","name":"plain","template":1,"status":"stopped","maxmem":2147483648,"maxdisk":"3758096384","tags":"a;b"},
			{"type":"qemu","vmid":9001,"node":"pve1","name":"cloud","template":"1","status":"stopped","maxmem":536870912},
			{"type":"qemu","vmid":9003,"node":"pve2","name":"custom","template":true},
			{"type":"qemu","vmid":9004,"node":"pve3","name":"unreadable","template":1},
			{"type":"qemu","vmid":100,"node":"pve1","name":"no template","template":0},
			{"type":"lxc","vmid":300,"node":"pve1","name":"a container","template":1},
			{"type":"storage","storage":"local","node":"pve1","content":"iso,vztmpl","status":"available","shared":0},
			{"type":"storage","storage":"local","node":"pve2","content":"iso,vztmpl","status":"available","shared":0},
			{"type":"storage","storage":"local","node":"pve3","content":"iso,vztmpl","status":"unknown","shared":0},
			{"type":"storage","storage":"nas","node":"pve1","content":"vztmpl","status":"available","shared":1},
			{"type":"storage","storage":"nas","node":"pve2","content":"vztmpl","status":"available","shared":1},
			{"type":"storage","storage":"lvm","node":"pve1","content":"images","status":"available","shared":0},
			{"type":"storage","storage":"old","node":"pve1","status":"available"}]`,
		"/nodes/pve1/qemu/9001/config":      `{"name":"cloud","scsihw":"virtio-scsi-pci","ide2":"local-lvm:vm-9001-cloudinit,media=cdrom","scsi0":"local-lvm:base-9001-disk-0,size=3G","description":"made by hand"}`,
		"/nodes/pve2/qemu/9002/config":      `{"name":"plain","description":"ide2: cloudinit, one day"}`,
		"/nodes/pve2/qemu/9003/config":      `{"name":"custom","cicustom":"user=local:snippets/user.yaml"}`,
		"/nodes/pve3/qemu/9004/config":      `595 No route to host`,
		"/nodes/pve1/storage/local/content": `[{"volid":"local:vztmpl/debian-13.tar.zst","content":"vztmpl","size":126515062},{"volid":"local:iso/debian.iso","content":"iso","size":1}]`,
		"/nodes/pve2/storage/local/content": `[{"volid":"local:vztmpl/debian-13.tar.zst","content":"vztmpl","size":126515062},{"volid":"local:vztmpl/alpine-3.22.tar.xz","content":"vztmpl","size":"3000000"}]`,
		"/nodes/pve1/storage/nas/content":   `500 storage 'nas' is not online`,
		"/nodes/pve1/storage/old/content":   `[]`,
		"/nodes/pve3/storage/local/content": `595 No route to host`,
		"/nodes/pve2/storage/nas/content":   `[{"volid":"nas:vztmpl/never-asked-twice.tar.zst","content":"vztmpl"}]`,
		"/nodes/pve1/storage/lvm/content":   `500 never asked`,
		"/nodes/pve1/qemu/100/config":       `500 never asked`,
		"/nodes/pve1/qemu/300/config":       `500 never asked`,
	}, p.proxmox.Transport()})
	p.add("none (nb:2)", overlay{map[string]string{"/cluster/resources": `[]`}, p.proxmox.Transport()})
	p.add("dead (nb:3)", nil)
	return p
}

func TestMachineTemplates(t *testing.T) {
	p := templatePark(t)
	names := func(query string) string {
		t.Helper()
		w := p.call(http.MethodGet, "/cloud/vm/templates"+query, goodKey, "")
		checkEveryAnswer(t, query, w)
		checkDocumented(t, p.Server, http.MethodGet, "/cloud/vm/templates", w)
		var all machineTemplates
		if err := json.Unmarshal(w.Body.Bytes(), &all); err != nil || w.Code != http.StatusOK || all.Count != len(all.Results) {
			t.Fatalf("%s: %d %s", query, w.Code, w.Body)
		}
		var out []string
		for _, one := range all.Results {
			out = append(out, one.Name)
		}
		return strings.Join(out, " ") + "/" + w.Header().Get("X-Proxbox-Failed")
	}
	for query, want := range map[string]string{
		"?endpoint_id=1":                       "cloud custom/1",
		"?endpoint_id=1&cloud_init_only=false": "cloud plain custom unreadable/1",
		"?endpoint_id=2&cloud_init_only=false": "/",
		"":                                     "cloud custom/1,3",
	} {
		if got := names(query); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	body := p.get("/cloud/vm/templates?endpoint_id=1&cloud_init_only=false").(map[string]any)
	want := map[string]any{
		"id": 9001.0, "endpoint_id": 1.0, "endpoint_name": "has (nb:1)", "cluster_name": "demo", "source_vmid": 9001.0, "vmid": 9001.0, "name": "cloud",
		"node": "pve1", "target_node": "pve1", "status": "stopped", "template": true, "cloud_init": true, "cloud_init_drives": []any{"ide2"}, "cicustom": nil,
		"tags": nil, "memory_mb": 512.0, "maxdisk_bytes": nil, "description": "made by hand", "live_source": true,
	}
	if diff := cmp.Diff(want, body["results"].([]any)[0]); diff != "" {
		t.Error(diff)
	}
	for query, status := range map[string]int{"?endpoint_id=3": http.StatusBadGateway, "?endpoint_id=8": http.StatusNotFound, "?endpoint_id=0": http.StatusUnprocessableEntity,
		"?endpoint_id=one": http.StatusUnprocessableEntity, "?cloud_init_only=perhaps": http.StatusUnprocessableEntity} {
		w := p.call(http.MethodGet, "/cloud/vm/templates"+query, goodKey, "")
		checkDocumented(t, p.Server, http.MethodGet, "/cloud/vm/templates", w)
		if w.Code != status {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
	}
}

func TestContainerTemplates(t *testing.T) {
	p := templatePark(t)
	w := p.call(http.MethodGet, "/cloud/lxc/templates?endpoint_id=1", goodKey, "")
	checkDocumented(t, p.Server, http.MethodGet, "/cloud/lxc/templates", w)
	want := []any{
		map[string]any{"volid": "local:vztmpl/alpine-3.22.tar.xz", "storage": "local", "path": nil, "size": 3000000.0},
		map[string]any{"volid": "local:vztmpl/debian-13.tar.zst", "storage": "local", "path": nil, "size": 126515062.0},
	}
	if diff := cmp.Diff(want, decode(t, w.Body.Bytes())); diff != "" || w.Header().Get("X-Proxbox-Failed") != "1" {
		t.Errorf("failed %q: %s", w.Header().Get("X-Proxbox-Failed"), diff)
	}
	if diff := cmp.Diff([]any{}, p.get("/cloud/lxc/templates?endpoint_id=2")); diff != "" {
		t.Error(diff)
	}
	if w := p.call(http.MethodGet, "/cloud/lxc/templates?endpoint_id=3", goodKey, ""); w.Code != http.StatusBadGateway {
		t.Errorf("of a dead endpoint: %d %s", w.Code, w.Body)
	}
}
