package server

import (
	"context"
	"encoding/json"
	"net/http"
)

// summaryRoutes are about a virtual machine in one document.
func (s *Server) summaryRoutes() {
	const machines = "/virtualization/virtual-machines/"
	register(s, operation(http.MethodGet, machines+"{id}/summary", "virtualization", "virtual-machine-summary", "Not done here", http.StatusNotImplemented),
		func(_ context.Context, in *lookIDInput) (*struct{}, error) {
			return nil, fail(http.StatusNotImplemented, "A summary would need what the guest uses at the moment, which is not in NetBox. "+
				"GET /virtualization/virtual-machines/%d has what NetBox knows, GET /proxmox/cluster/resources?type=vm what is used.", in.ID)
		})
	example := operation(http.MethodGet, machines+"summary/example", "virtualization", "virtual-machine-summary-example", "A made-up summary, to see its shape")
	example.Responses = objectResponse()
	register(s, example, func(context.Context, *struct{}) (*objectOutput, error) { return &objectOutput{exampleSummary}, nil })
}

// exampleSummary is of no guest that there is.
var exampleSummary = json.RawMessage(`{
  "id": "100", "name": "web", "status": "running", "node": "pve1", "cluster": "demo", "os": "Debian",
  "description": "An example", "uptime": "3 days, 4 hours, 5 minutes", "created": "2026-01-02",
  "cpu": {"cores": 2, "sockets": 1, "type": "host", "usage": 12},
  "memory": {"total": 2048, "used": 512, "usage": 25},
  "disks": [{"id": "scsi0", "storage": "local-lvm", "size": 32768, "used": 8192, "usage": 25, "format": "raw", "path": "/dev/pve/vm-100-disk-0"}],
  "networks": [{"id": "net0", "model": "virtio", "bridge": "vmbr0", "mac": "BC:24:11:00:00:01", "ip": "192.0.2.100", "netmask": "255.255.255.0", "gateway": "192.0.2.1"}],
  "snapshots": [{"id": "before-update", "name": "before-update", "created": "2026-02-03 04:05:06", "description": "Before the update"}],
  "backups": [{"id": "1", "storage": "backup", "created": "2026-02-04 01:00:00", "size": 4096, "status": "successful"}]
}`)
