package netboxsim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	netboxsim "proxbox/internal/sim/netbox"
)

// request sends one request to a server in process, and fails unless it is
// answered with the status.
func request(tb testing.TB, sim *netboxsim.Server, method, path string, body any, status int) []byte {
	tb.Helper()
	raw, err := send(tb.Context(), sim, method, path, body, status)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func send(ctx context.Context, sim *netboxsim.Server, method, path string, body any, status int) ([]byte, error) {
	var content io.Reader
	switch body := body.(type) {
	case nil:
	case string:
		content = strings.NewReader(body)
	default:
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://netbox.example.org/api/"+path, content)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Token "+netboxsim.Token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := sim.Client().Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != status {
		err = fmt.Errorf("%s %s: want %d, got %d: %.500s", method, path, status, resp.StatusCode, raw)
	}
	return raw, err
}

// fill makes guests, each with an interface, an address, a disk and a
// sync-state row, in batches as the program does.
func fill(tb testing.TB, sim *netboxsim.Server, guests int) {
	tb.Helper()
	for _, one := range []struct{ path, body string }{
		{"extras/tags/", `[{"name":"Proxbox","slug":"proxbox"}]`},
		{"virtualization/cluster-types/", `[{"name":"Proxmox","slug":"proxmox"}]`},
		{"virtualization/clusters/", `[{"name":"c","type":1}]`},
	} {
		request(tb, sim, "POST", one.path, one.body, http.StatusCreated)
	}
	const batch = 500
	for _, kind := range []struct {
		path string
		of   func(id int) map[string]any
	}{
		{"virtualization/virtual-machines/", func(id int) map[string]any {
			return map[string]any{"name": fmt.Sprintf("vm%d", id), "cluster": 1, "vcpus": 2, "memory": 1024, "tags": []int{1}}
		}},
		{"virtualization/interfaces/", func(id int) map[string]any {
			return map[string]any{"virtual_machine": id, "name": "net0", "tags": []int{1}}
		}},
		{"ipam/ip-addresses/", func(id int) map[string]any {
			return map[string]any{
				"address":              fmt.Sprintf("10.%d.%d.%d/8", id>>16, id>>8&255, id&255),
				"assigned_object_type": "virtualization.vminterface", "assigned_object_id": id, "tags": []int{1},
			}
		}},
		{"virtualization/virtual-disks/", func(id int) map[string]any {
			return map[string]any{"virtual_machine": id, "name": "scsi0", "size": 10}
		}},
		{"plugins/proxbox/sync-state/virtual-machines/", func(id int) map[string]any {
			return map[string]any{"virtual_machine": id, "proxmox_vm_id": id}
		}},
	} {
		for from := 1; from <= guests; from += batch {
			var objects []map[string]any
			for id := from; id < from+batch && id <= guests; id++ {
				objects = append(objects, kind.of(id))
			}
			request(tb, sim, "POST", kind.path, objects, http.StatusCreated)
		}
	}
}

func BenchmarkFill(b *testing.B) {
	for b.Loop() {
		fill(b, netboxsim.New(netboxsim.NetBox47), 10_000)
	}
}

func BenchmarkPages(b *testing.B) {
	const guests = 10_000
	sim := netboxsim.New(netboxsim.NetBox47)
	fill(b, sim, guests)
	for _, list := range []struct{ name, query string }{
		{"all", "?limit=1000&start=%d"},
		{"fields", "?limit=1000&start=%d&fields=id,name,cluster,memory,custom_fields"},
		{"offset", "?limit=1000&offset=%d&ordering=id&fields=id,name"},
		{"tag", "?limit=1000&start=%d&tag=proxbox&fields=id"},
	} {
		b.Run(list.name, func(b *testing.B) {
			for b.Loop() {
				for from := 0; from < guests; from += 1000 {
					request(b, sim, "GET", "virtualization/virtual-machines/"+fmt.Sprintf(list.query, from), nil, http.StatusOK)
				}
			}
		})
	}
}
