package proxmox

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"proxbox/internal/domain"
)

// Check is what can be said of an endpoint without reading its guests.
type Check struct {
	Version   Version
	Principal string // whom Proxmox takes us for: user@realm or user@realm!name
	// Missing are the rights without which a part cannot be read, each with
	// the command that gives it.
	Missing []domain.Problem
	// Optional are rights that are more than looking, with what goes without.
	Optional []domain.Problem
}

// Check asks for the release and for what the user or token may read. Its
// errors are *EndpointError.
func (c *Client) Check(ctx context.Context) (Check, error) {
	out := Check{Principal: c.auth.principal()}
	var err error
	if out.Version, err = c.Version(ctx); err != nil {
		return out, err
	}
	raw, err := c.Get(ctx, "/access/permissions", nil)
	if err != nil {
		return out, err
	}
	rights, err := parsePermissions(raw)
	if err != nil {
		return out, c.endpointError(ctx, "/access/permissions", err)
	}
	auditor := c.grant("/", "PVEAuditor")
	agent := agentPrivilege(out.Version.Version)
	for _, need := range []struct {
		privilege, path, without, wayOut string
	}{
		{"VM.Audit", "/vms", "guests stay hidden", auditor},
		{"Sys.Audit", "/nodes", "nodes are not described", auditor},
		{"Datastore.Audit", "/storage", "storages stay hidden", auditor},
		{agent, "/vms", "guest agents are not asked for addresses", c.grantAgent(out.Version.Version)},
	} {
		if !rights.everywhere(need.privilege, need.path) {
			out.Missing = append(out.Missing, domain.Problem{
				What:   need.privilege + " on " + need.path,
				Reason: fmt.Sprintf("%s does not have it on all of it, so %s", out.Principal, need.without),
				WayOut: need.wayOut,
			})
		}
	}
	if !rights.allBackups() {
		out.Optional = append(out.Optional, domain.Problem{
			What:   "Datastore.AllocateSpace on /storage and VM.Backup on /vms",
			Reason: fmt.Sprintf("%s does not have both on all of it, so backups stay hidden; Proxmox lists them to nobody else", out.Principal),
			WayOut: `pveum role add ProxboxBackup --privs "Datastore.AllocateSpace VM.Backup" && ` + c.grant("/", "ProxboxBackup"),
		})
	}
	return out, nil
}

// agentPrivilege is the right to ask a guest agent: Proxmox VE 9 has one of
// its own for reading.
func agentPrivilege(version string) string {
	major, _, _ := strings.Cut(version, ".")
	if n, err := strconv.Atoi(major); err == nil && n < 9 {
		return "VM.Monitor"
	}
	return "VM.GuestAgent.Audit"
}
