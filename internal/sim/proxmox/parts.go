package proxmoxsim

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// config is a guest's configuration: as it is now with current=1, else as it
// will be after the next start.
func (r *request) config(g *Guest) any {
	out := g.next()
	if r.query.Get("current") == "1" {
		out = g.Config
	}
	out = maps.Clone(out)
	out["digest"] = digest(out)
	return out
}

func digest(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	sum := sha1.Sum(raw)
	return hex.EncodeToString(sum[:])
}

// snapshotRows are the snapshots and, last, the guest itself.
func (g *Guest) snapshotRows() any {
	out := []Row{}
	current := Row{"name": "current", "description": "You are here!", "running": bit(g.Status == "running"), "digest": digest(g.Config)}
	for _, s := range g.Snapshots {
		row := Row{"name": s.Name, "description": s.Description, "snaptime": s.Time}
		if s.Parent != "" {
			row["parent"] = s.Parent
		}
		if g.Type == "qemu" {
			row["vmstate"] = bit(s.WithMemory)
		}
		out = append(out, row)
		current["parent"] = s.Name
	}
	return append(out, current)
}

// agent is what a command of the QEMU agent answers.
func (r *request) agent(g *Guest, command string) (any, error) {
	switch a := g.Agent; {
	case g.Status != "running":
		return nil, refuse(http.StatusInternalServerError, "VM %d is not running", g.VMID)
	case a == nil && number(option(word(g.Config["agent"]), "")) == 0 && number(option(word(g.Config["agent"]), "enabled")) == 0:
		return nil, refuse(http.StatusInternalServerError, "No QEMU guest agent configured")
	case a == nil:
		return nil, refuse(http.StatusInternalServerError, "QEMU guest agent is not running")
	case a.Hangs:
		return nil, refuse(http.StatusInternalServerError, "VM %d qmp command 'guest-ping' failed - got timeout", g.VMID)
	case a.Refusal != nil:
		return Row{"result": Row{"error": a.Refusal}}, nil
	case command == "network-get-interfaces":
		return Row{"result": a.Interfaces}, nil
	case command == "get-osinfo":
		return Row{"result": a.OS}, nil
	case command == "get-host-name":
		return Row{"result": Row{"host-name": a.Hostname}}, nil
	}
	return nil, r.unknown()
}

// interfaces are those of a container, in the form of the release: flat, and
// since 9 with a list as well, whose prefixes are text.
func (r *request) interfaces(g *Guest) any {
	if g.Status != "running" {
		return nil
	}
	out := []Row{}
	for _, nic := range append([]ContainerInterface{{Name: "lo", MAC: "00:00:00:00:00:00", Inet: "127.0.0.1/8", Inet6: "::1/128"}}, g.inside()...) {
		row := Row{"name": nic.Name, "hwaddr": nic.MAC}
		addresses := []Row{}
		for family, cidr := range map[string]string{"inet": nic.Inet, "inet6": nic.Inet6} {
			if cidr == "" {
				continue
			}
			row[family] = cidr
			address, prefix, _ := strings.Cut(cidr, "/")
			addresses = append(addresses, Row{"ip-address-type": family, "ip-address": address, "prefix": prefix})
		}
		if r.release() >= 9 {
			slices.SortFunc(addresses, func(a, b Row) int { return strings.Compare(word(a["ip-address-type"]), word(b["ip-address-type"])) })
			row["hardware-address"], row["ip-addresses"] = nic.MAC, addresses
		}
		out = append(out, row)
	}
	return out
}

// inside are a container's interfaces, told or taken from its configuration.
func (g *Guest) inside() []ContainerInterface {
	if g.Interfaces != nil {
		return g.Interfaces
	}
	var out []ContainerInterface
	for i := range 32 {
		value, there := g.Config["net"+strconv.Itoa(i)]
		if !there {
			continue
		}
		nic := ContainerInterface{Name: option(word(value), "name"), MAC: strings.ToLower(option(word(value), "hwaddr"))}
		if ip := option(word(value), "ip"); strings.Contains(ip, "/") {
			nic.Inet = ip
		}
		if ip := option(word(value), "ip6"); strings.Contains(ip, "/") {
			nic.Inet6 = ip
		}
		out = append(out, nic)
	}
	return out
}

// tasks are the latest tasks of a node; a user without Sys.Audit sees his own.
func (r *request) tasks(node *Node) (any, error) {
	limit := 50
	if text := r.query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return nil, malformed("limit", "type check ('integer') failed - got '"+text+"'")
		}
		limit = n
	}
	out := []Row{}
	all := r.caller.rights.has("/nodes/"+node.Name, "Sys.Audit")
	for _, task := range node.Tasks {
		if all || word(task["user"]) == r.caller.id {
			out = append(out, task)
		}
	}
	slices.SortStableFunc(out, func(a, b Row) int { return int(number(b["starttime"]) - number(a["starttime"])) })
	return out[:min(len(out), limit)], nil
}

// on tells whether a node has the storage.
func (s Storage) on(node string) bool {
	nodes := word(s.Config["nodes"])
	return number(s.Config["disable"]) == 0 && (nodes == "" || slices.Contains(strings.Split(nodes, ","), node))
}

func (s Storage) resource(n Node) Row {
	row := Row{
		"id": "storage/" + n.Name + "/" + s.Name(), "type": "storage", "node": n.Name, "storage": s.Name(),
		"plugintype": s.Config["type"], "content": s.Config["content"], "shared": int(number(s.Config["shared"])),
		"status": "available", "disk": int64(10) << 30, "maxdisk": int64(100) << 30,
	}
	if n.Offline {
		row["status"] = "unknown"
	}
	return row
}

func (r *request) storages() any {
	configs := []Row{}
	for _, s := range r.Storages {
		configs = append(configs, s.Config)
	}
	sum := digest(configs)
	out := []Row{}
	for _, s := range r.Storages {
		if !r.caller.rights.has("/storage/"+s.Name(), "Datastore.Audit", "Datastore.AllocateSpace") {
			continue
		}
		row := maps.Clone(s.Config)
		row["digest"] = sum
		out = append(out, row)
	}
	return out
}

// content are the backups in a storage that the caller may see: none of
// those that he may not back up, and no word about it.
func (r *request) content(node *Node, name string) (any, error) {
	path := "/storage/" + name
	if err := r.demand(path, "Datastore.Audit", "Datastore.AllocateSpace"); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(r.Storages, func(s Storage) bool { return s.Name() == name })
	switch {
	case i < 0:
		return nil, refuse(http.StatusInternalServerError, "storage '%s' does not exist", name)
	case number(r.Storages[i].Config["disable"]) != 0:
		return nil, refuse(http.StatusInternalServerError, "storage '%s' is disabled", name)
	case !r.Storages[i].on(node.Name):
		return nil, refuse(http.StatusInternalServerError, "storage '%s' is not available on node '%s'", name, node.Name)
	}
	out := []Row{}
	for _, b := range r.Storages[i].Backups {
		if b.Node != "" && b.Node != node.Name {
			continue
		}
		seen := r.caller.rights.has(path, "Datastore.Allocate") ||
			r.caller.rights.has(path, "Datastore.AllocateSpace") && r.caller.rights.has("/vms/"+strconv.Itoa(b.VMID), "VM.Backup")
		if seen {
			out = append(out, b.row())
		}
	}
	return out, nil
}

func (b Backup) row() Row {
	row := Row{"volid": b.VolumeID, "content": "backup", "vmid": b.VMID, "format": b.Format, "size": b.Size, "ctime": b.Created}
	for key, value := range map[string]string{"subtype": b.Subtype, "notes": b.Notes, "encrypted": b.Encrypted} {
		if value != "" {
			row[key] = value
		}
	}
	if b.Protected {
		row["protected"] = 1
	}
	if b.Verification != nil {
		row["verification"] = b.Verification
	}
	return row
}
