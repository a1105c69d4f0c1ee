package desire

import (
	"cmp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"proxbox/internal/domain"
)

// tasks wants the history of guests: what the nodes' lists say of them, as far
// back as it is asked for.
func (b *builder) tasks(v *view) {
	guests := v.guests()
	for _, n := range v.Nodes {
		for _, t := range n.Tasks.Value {
			if t.Start < b.opt.TasksSince || t.Start <= 0 {
				continue
			}
			if vm, ok := v.taskOf(guests, t); ok {
				b.task(vm, t)
			}
		}
	}
}

// taskOf is the guest that a task is about; false for a task about none. A
// task of the other type of guest, or one that ended before the guest was
// made, is about a former guest of the same vmid.
func (v *view) taskOf(guests map[int]domain.Guest, t domain.Task) (owner, bool) {
	vmid, err := strconv.Atoi(t.ID)
	if err != nil || vmid <= 0 {
		return owner{}, false
	}
	kind := taskType(t.Type)
	g, ok := guests[vmid]
	if ok && (kind == "" || kind == g.Type) {
		if t.End != 0 && t.End < g.Config.Value.CreatedAt {
			return owner{}, false
		}
		return v.ownerOf(g), true
	}
	return v.former(kind, vmid), kind != ""
}

// taskType is the type of guest that tasks of a name are about; "" when it may
// be either.
func taskType(name string) domain.GuestType {
	switch {
	case strings.HasPrefix(name, "qm"):
		return domain.QEMU
	case strings.HasPrefix(name, "vz") && name != "vzdump":
		return domain.LXC
	}
	return ""
}

func (b *builder) task(vm owner, t domain.Task) {
	status := cut(cmp.Or(t.ExitStatus, t.Status, "unknown"), 2048)
	f := domain.Fields{
		"virtual_machine": vm.ref(), "vm_type": string(vm.id.Type), "upid": cut(t.UPID, 255), "node": cut(t.Node, 255), "task_id": cut(t.ID, 255),
		"pid": number(strconv.Itoa(t.PID), 0), "pstart": int(t.PStart), "task_type": cut(cmp.Or(t.Type, "unknown"), 255),
		"username": cut(cmp.Or(t.User, "root@pam"), 255), "start_time": moment(t.Start), "end_time": moment(t.End),
		"description": taskDescription(vm.id.Type, t), "status": status, "task_state": cut(t.Status, 255), "exitstatus": strings.TrimSpace(t.ExitStatus),
	}
	b.add(domain.Object{Kind: domain.KindTaskHistory, Key: vm.key + "/task/" + domain.Key(t.UPID), Owner: vm.key, Identity: vm.id,
		Label: vm.label + " task " + t.Type, Fields: f, Tags: domain.TagWish{Mark: b.rowMark()}})
}

// actions are what a task's type is called in its description, by a part of
// the type; the first that fits counts.
var actions = []string{
	"start", "shutdown", "reboot", "stop", "pause", "resume", "suspend", "delete", "create", "clone", "move", "backup", "restore",
	"snapshot", "rollback", "migrate", "convert",
}

func taskDescription(kind domain.GuestType, t domain.Task) string {
	guest := "QEMU"
	if kind == domain.LXC {
		guest = "CT"
	}
	name := strings.ToLower(cmp.Or(t.Type, "unknown"))
	for _, a := range actions {
		if strings.Contains(name, a) {
			name = a
			break
		}
	}
	first, size := utf8.DecodeRuneInString(name)
	return guest + " " + t.ID + " - " + string(unicode.ToUpper(first)) + name[size:]
}
