package proxmox

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// permissions are the effective rights of the user or token, as
// /access/permissions lists them: path, privilege, whether it propagates.
type permissions map[string]map[string]bool

func parsePermissions(raw json.RawMessage) (permissions, error) {
	var paths map[string]json.RawMessage
	if err := json.Unmarshal(raw, &paths); err != nil {
		return nil, fmt.Errorf("the permissions are no object: %w", err)
	}
	out := make(permissions, len(paths))
	for path, body := range paths {
		privileges := map[string]bool{}
		var row map[string]flag
		if json.Unmarshal(body, &row) == nil {
			for name, propagates := range row {
				if propagates.set {
					privileges[name] = propagates.on
				}
			}
		}
		out[path] = privileges
	}
	return out, nil
}

// topPaths are those that Proxmox lists whenever anything is allowed there.
var topPaths = []string{"/access", "/nodes", "/pool", "/storage", "/vms"}

// everywhere tells whether a privilege is held on all that is below a path:
// it propagates from there, or from the root, and no path below is without
// it, for rights given further down replace those from above. A path on which
// nothing at all is allowed is not listed: beside its like, its absence says
// that what the root gives was taken away there.
func (p permissions) everywhere(privilege, path string) bool {
	own, listed := p[path]
	if !listed {
		if slices.ContainsFunc(topPaths, func(top string) bool { return p[top] != nil }) {
			return false
		}
		own = p["/"]
	}
	if !own[privilege] {
		return false
	}
	for below, own := range p {
		if _, has := own[privilege]; !has && strings.HasPrefix(below, path+"/") {
			return false
		}
	}
	return true
}

// allGuests: every guest is listed.
func (p permissions) allGuests() bool { return p.everywhere("VM.Audit", "/vms") }

// allStorages: every storage is listed.
func (p permissions) allStorages() bool { return p.everywhere("Datastore.Audit", "/storage") }

// allBackups: every backup volume is listed. Without the right the answer is
// an empty list. Proxmox asks for the right to allocate on the storage, and
// unless that is the full one, for the right to back up the guest.
func (p permissions) allBackups() bool {
	return p.everywhere("Datastore.Allocate", "/storage") ||
		p.everywhere("Datastore.AllocateSpace", "/storage") && p.everywhere("VM.Backup", "/vms")
}

// allSDN: every zone, vnet and subnet of the SDN is listed.
func (p permissions) allSDN() bool {
	return p.everywhere("SDN.Audit", "/sdn") || p.everywhere("SDN.Allocate", "/sdn")
}

// grant is the command that gives a role on a path to whom we are. A token
// with privilege separation has at most the rights of its user: both get it.
func (c *Client) grant(path, role string) string {
	who := "--users '" + c.auth.user + "'"
	if id := c.auth.principal(); id != c.auth.user {
		who += " --tokens '" + id + "'"
	}
	return "pveum acl modify " + path + " --roles " + role + " " + who
}
