//go:build e2e

package plugin

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// paced passes streams of events on, and takes a breath before the event that
// a stage ends with. The plugin writes an event into its job's log only when a
// second and a half has gone by since the last one: in a stage that is done in
// less, there would be none.
func paced(slow *atomic.Bool) func(*http.Response) error {
	return func(r *http.Response) error {
		if !slow.Load() || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/event-stream") {
			return nil
		}
		body := r.Body
		out, in := io.Pipe()
		r.Body = out
		go func() {
			defer body.Close()
			lines := bufio.NewReader(body)
			var frame []byte
			for {
				line, err := lines.ReadBytes('\n')
				if frame = append(frame, line...); err == nil && len(bytes.TrimSpace(line)) > 0 {
					continue
				}
				if bytes.HasPrefix(frame, []byte("event: step\n")) && bytes.Contains(frame, []byte(`"status":"completed"`)) {
					time.Sleep(1600 * time.Millisecond)
				}
				if _, gone := in.Write(frame); gone != nil {
					return
				}
				if err != nil {
					_ = in.CloseWithError(err)
					return
				}
				frame = frame[:0]
			}
		}()
		return nil
	}
}

// stagesTold are the stages as the job's log has them, in their order, and
// where NetBox has what each of them counts.
var stagesTold = []struct {
	kind, step, path, table string
}{
	{"devices", "devices", "dcim/devices/create/stream", "dcim_device"},
	{"storage", "storage", "virtualization/virtual-machines/storage/create/stream", "netbox_proxbox_proxmoxstorage"},
	{"virtual-machines", "virtual-machines", "virtualization/virtual-machines/create/stream", "virtualization_virtualmachine"},
	{"task-history", "task-history", "virtualization/virtual-machines/task-history/create/stream", "netbox_proxbox_vmtaskhistory"},
	{"vm-disks", "virtual-disks", "virtualization/virtual-machines/virtual-disks/create/stream", "virtualization_virtualdisk"},
	{"vm-backups", "backups", "virtualization/virtual-machines/backups/all/create/stream", "netbox_proxbox_vmbackup"},
	{"vm-snapshots", "snapshots", "virtualization/virtual-machines/snapshots/all/create/stream", "netbox_proxbox_vmsnapshot"},
	{"network-interfaces", "node-interfaces", "dcim/devices/interfaces/create/stream", "dcim_interface"},
	{"vm-interfaces", "vm-interfaces", "virtualization/virtual-machines/interfaces/create/stream", "virtualization_vminterface"},
	{"ip-addresses", "vm-ip-addresses", "virtualization/virtual-machines/interfaces/ip-address/create/stream",
		"ipam_ipaddress WHERE assigned_object_type_id = (SELECT id FROM django_content_type WHERE model = 'vminterface')"},
	{"replications", "replications", "proxmox/replication/stream", "netbox_proxbox_replication"},
	{"backup-routines", "backup-routines", "proxmox/cluster/backup/stream", "netbox_proxbox_backuproutine"},
}

// told expects that a job's log follows each stage from its start to its end,
// and says how many objects it brought.
func told(t *testing.T, f *field, j job) {
	t.Helper()
	rest := j.Log
	find := func(start string) string {
		for i, e := range rest {
			if strings.HasPrefix(e.Message, start) {
				rest = rest[i+1:]
				return strings.TrimPrefix(e.Message, start)
			}
		}
		t.Errorf("the job's log does not go on with %q", start)
		return "{}"
	}
	for _, s := range stagesTold {
		find("Starting stage: " + s.kind + " (" + s.path + ")")
		said := find(`[proxbox-stream] step: {"step": "` + s.step + `", "status": "completed"`)
		find("Stage completed: " + s.kind + " (" + s.path + ") HTTP 200")
		_, said, _ = strings.Cut(said, `"result": `)
		var result struct{ Count, Created, Failed, Skipped int }
		if err := json.Unmarshal([]byte(strings.TrimSuffix(said, "}")), &result); err != nil {
			t.Errorf("%s: %v: %s", s.kind, err, said)
			continue
		}
		rows, err := strconv.Atoi(f.SQL(t, "SELECT count(*) FROM "+s.table))
		if err != nil {
			t.Fatal(err)
		}
		if rows == 0 || result.Count != rows || result.Created < rows || result.Failed+result.Skipped != 0 {
			t.Errorf("%s: the log says %s, and NetBox has %d of them", s.kind, said, rows)
		}
	}
	if t.Failed() {
		t.Log(j.text())
	}
	var ran []stage
	for _, s := range j.Data.Sync.Response.Stages {
		if !s.Result.OK {
			t.Errorf("the stage %s: %+v", s.Type, s.Result)
		}
		if !s.Result.Skipped {
			ran = append(ran, s)
		}
	}
	if len(ran) != len(stagesTold) {
		t.Errorf("the job keeps %d stages, want %d", len(ran), len(stagesTold))
	}
}
