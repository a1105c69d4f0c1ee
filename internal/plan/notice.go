package plan

import (
	"fmt"
	"strings"

	"proxbox/internal/domain"
)

// Vanished is a guest that a complete reading does not have any more. Whether
// it is gone its node must say.
type Vanished struct {
	Ref       domain.Ref // in NetBox
	Key       domain.Key
	Label     string
	Endpoints []int    // that read its cluster
	Nodes     []string // to be asked: the one that it was last on, else others
	Type      domain.GuestType
	VMID      int
}

// Notice is something about objects of a kind that a person should know, and
// that costs no object.
type Notice struct {
	Kind domain.Kind
	Key  domain.Key
	domain.Problem
}

func (p *planner) notice(kind domain.Kind, key domain.Key, problem domain.Problem) {
	p.plan.Notices = append(p.plan.Notices, Notice{kind, key, problem})
}

// wordsFor are what people call several things of a kind.
var wordsFor = map[domain.Kind]string{domain.KindVirtualMachine: "guests", domain.KindDevice: "nodes", domain.KindProxmoxStorage: "storages"}

// noticeGone says once what is in NetBox and not in Proxmox any more.
func (p *planner) noticeGone(g group, list []*thing) {
	const shown = 5
	var names []string
	for _, t := range list {
		names = append(names, t.label)
	}
	if more := len(names) - shown; more > 0 {
		names = append(names[:shown], fmt.Sprintf("%d more", more))
	}
	p.notice(g.kind, g.cluster+"/gone", domain.Problem{
		What:   fmt.Sprintf("%s of %s", wordsFor[g.kind], list[0].cluster.Identity.Name),
		Reason: fmt.Sprintf("NetBox has %d that Proxmox does not list any more: %s", len(list), strings.Join(names, ", ")),
		WayOut: "turn the setting delete_orphans on to have them marked as gone, or remove them in NetBox"})
}
