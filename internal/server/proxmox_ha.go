package server

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"

	"proxbox/internal/proxmox"
)

// haStatus is a row of the HA stack's status: a service, or what the stack
// itself is made of.
type haStatus struct {
	ClusterName  string  `json:"cluster_name"`
	ID           *string `json:"id"`
	Type         *string `json:"type"`
	SID          *string `json:"sid"`
	Node         *string `json:"node"`
	State        *string `json:"state"`
	Status       *string `json:"status"`
	CRMState     *string `json:"crm_state"`
	RequestState *string `json:"request_state"`
	Quorate      *bool   `json:"quorate"`
	Failback     *bool   `json:"failback"`
	MaxRelocate  *int64  `json:"max_relocate"`
	MaxRestart   *int64  `json:"max_restart"`
	Timestamp    *int64  `json:"timestamp"`
}

// haResource is a guest that the HA stack manages, with what it does now.
type haResource struct {
	ClusterName  string  `json:"cluster_name"`
	SID          *string `json:"sid"`
	Type         *string `json:"type"`
	State        *string `json:"state"`
	Group        *string `json:"group"`
	MaxRelocate  *int64  `json:"max_relocate"`
	MaxRestart   *int64  `json:"max_restart"`
	Failback     *bool   `json:"failback"`
	Comment      *string `json:"comment"`
	Digest       *string `json:"digest"`
	Node         *string `json:"node"`
	CRMState     *string `json:"crm_state"`
	RequestState *string `json:"request_state"`
	Status       *string `json:"status"`
}

// haGroup is an HA group, which there is before release 9.
type haGroup struct {
	ClusterName string  `json:"cluster_name"`
	Group       *string `json:"group"`
	Type        *string `json:"type"`
	Nodes       *string `json:"nodes"`
	Restricted  *bool   `json:"restricted"`
	NoFailback  *bool   `json:"nofailback"`
	Comment     *string `json:"comment"`
	Digest      *string `json:"digest"`
}

// haRule is an HA rule, which there is since release 9.
type haRule struct {
	ClusterName string  `json:"cluster_name"`
	Rule        *string `json:"rule"`
	Type        *string `json:"type"`
	Affinity    *string `json:"affinity"`
	Nodes       *string `json:"nodes"`
	Resources   *string `json:"resources"`
	Strict      *bool   `json:"strict"`
	Disable     *bool   `json:"disable"`
	Comment     *string `json:"comment"`
}

// haSummary is all of it.
type haSummary struct {
	Status    []haStatus   `json:"status" nullable:"false"`
	Groups    []haGroup    `json:"groups" nullable:"false"`
	Resources []haResource `json:"resources" nullable:"false"`
	Rules     []haRule     `json:"rules" nullable:"false"`
}

// haManager is what the cluster's resource manager says of itself.
type haManager struct {
	ClusterName   string  `json:"cluster_name"`
	ManagerStatus *string `json:"manager_status"`
	Timestamp     *int64  `json:"timestamp"`
	QuorumOK      *bool   `json:"quorum_ok"`
	Mode          *string `json:"mode"`
}

// haScheduling is how the cluster chooses nodes for guests.
type haScheduling struct {
	ClusterName string  `json:"cluster_name"`
	HA          *string `json:"ha"`
	Status      string  `json:"status"`
	Error       *string `json:"error"`
}

const haPath = "/cluster/ha"

func showHAStatus(cluster string, in row) haStatus {
	return haStatus{
		ClusterName: cluster, ID: in.text("id"), Type: in.text("type"), SID: in.text("sid"), Node: in.text("node"), State: in.text("state"),
		Status: in.text("status"), CRMState: in.text("crm_state", "crm-state"), RequestState: in.text("request_state", "request-state"),
		Quorate: in.truth("quorate"), Failback: in.truth("failback"), MaxRelocate: in.whole("max_relocate", "max-relocate"),
		MaxRestart: in.whole("max_restart", "max-restart"), Timestamp: in.whole("timestamp"),
	}
}

func showHAGroup(cluster string, in row) haGroup {
	return haGroup{cluster, in.text("group"), in.text("type"), in.text("nodes"), in.truth("restricted"), in.truth("nofailback"), in.text("comment"), in.text("digest")}
}

func showHARule(cluster string, in row) haRule {
	return haRule{cluster, in.text("rule"), in.text("type"), in.text("affinity"), in.text("nodes"), in.text("resources"), in.truth("strict"), in.truth("disable"), in.text("comment")}
}

// haResources are the managed guests, with their state from the status rows.
func haResources(cluster string, rows, status []row) []haResource {
	now := map[string]haStatus{}
	for _, r := range status {
		if sid := r.word("sid"); sid != "" {
			now[sid] = showHAStatus(cluster, r)
		}
	}
	return mapped(rows, func(in row) haResource {
		live := now[in.word("sid")]
		return haResource{
			ClusterName: cluster, SID: in.text("sid"), Type: in.text("type"), State: in.text("state"), Group: in.text("group"),
			MaxRelocate: in.whole("max_relocate", "max-relocate"), MaxRestart: in.whole("max_restart", "max-restart"), Failback: in.truth("failback"),
			Comment: in.text("comment"), Digest: in.text("digest"),
			Node: live.Node, CRMState: live.CRMState, RequestState: live.RequestState, Status: live.Status,
		}
	})
}

// haLists are the lists of one endpoint, read side by side.
func haLists(ctx context.Context, src *source) (haSummary, error) {
	var (
		wait                            sync.WaitGroup
		id                              clusterIdentity
		status, groups, resources, rule []row
		errs                            [5]error
	)
	wait.Go(func() { id, errs[0] = src.identity(ctx) })
	wait.Go(func() { status, errs[1] = src.listIfAny(ctx, haPath+"/status/current") })
	wait.Go(func() { resources, errs[2] = src.listIfAny(ctx, haPath+"/resources") })
	wait.Go(func() { groups, errs[3] = src.listIfAny(ctx, haPath+"/groups") })
	wait.Go(func() { rule, errs[4] = src.listIfAny(ctx, haPath+"/rules") })
	wait.Wait()
	show := haSummary{
		Status:    mapped(status, func(in row) haStatus { return showHAStatus(id.name, in) }),
		Groups:    mapped(groups, func(in row) haGroup { return showHAGroup(id.name, in) }),
		Resources: haResources(id.name, resources, status),
		Rules:     mapped(rule, func(in row) haRule { return showHARule(id.name, in) }),
	}
	return show, cmp.Or(errs[:]...)
}

// managed are the guests of one endpoint that the HA stack manages.
func managed(ctx context.Context, src *source) ([]haResource, error) {
	all, err := haLists(ctx, src)
	return all.Resources, err
}

// listIfAny is a list that not every release has.
func (src *source) listIfAny(ctx context.Context, path string) ([]row, error) {
	rows, err := src.list(ctx, path, nil)
	if absent(err) {
		return nil, nil
	}
	return rows, err
}

func (s *Server) haRoutes() {
	const base = "/proxmox" + haPath
	readRoute(s, base+"/summary", "Everything of the HA stack", func(ctx context.Context, in *readInput) (*said[haSummary], error) {
		r, err := s.read(ctx, in.query, s.waits.tab)
		if err != nil {
			return nil, err
		}
		all, err := each(ctx, r, haLists)
		out := haSummary{[]haStatus{}, []haGroup{}, []haResource{}, []haRule{}}
		for _, one := range all {
			out.Status, out.Groups = append(out.Status, one.Status...), append(out.Groups, one.Groups...)
			out.Resources, out.Rules = append(out.Resources, one.Resources...), append(out.Rules, one.Rules...)
		}
		return answered(r, out, err)
	})
	listRoute(s, base+"/status", "The HA stack's status", haPath+"/status/current", showHAStatus)
	listRoute(s, base+"/groups", "The HA groups", haPath+"/groups", showHAGroup)
	listRoute(s, base+"/rules", "The HA rules", haPath+"/rules", showHARule)
	flatRoute(s, base+"/resources", "The guests that the HA stack manages", s.waits.tab, managed)
	readRoute(s, base+"/resources/by-vm/{vmid}", "A guest as the HA stack has it; null when it is not managed",
		func(ctx context.Context, in *vmidInput) (*saidMaybe[haResource], error) {
			r, err := s.read(ctx, in.query, s.waits.page)
			if err != nil {
				return nil, err
			}
			all, err := flat(ctx, r, managed)
			number := strconv.Itoa(in.VMID)
			all = slices.DeleteFunc(all, func(h haResource) bool {
				kind, id, _ := strings.Cut(or(h.SID), ":")
				return id != number || kind != "vm" && kind != "ct"
			})
			return answeredFirst(r, all, err)
		})
	readRoute(s, base+"/groups/{group}", "An HA group; null when no cluster has it", func(ctx context.Context, in *groupInput) (*saidMaybe[haGroup], error) {
		r, err := s.read(ctx, in.query, s.waits.tab)
		if err != nil {
			return nil, err
		}
		all, err := flat(ctx, r, func(ctx context.Context, src *source) ([]haGroup, error) {
			id, found, err := named(ctx, src, func() (row, error) { return src.object(ctx, haPath+proxmox.Path("groups", in.Group), nil) })
			switch {
			case absent(err), err == nil && len(found) == 0:
				return nil, nil
			case err != nil:
				return nil, err
			}
			found["group"] = in.Group
			return []haGroup{showHAGroup(id.name, found)}, nil
		})
		return answeredFirst(r, all, err)
	})
	objectRoute(s, base+"/manager-status", "What the HA resource manager says of itself", haPath+"/status/manager_status", showHAManager)
	objectRoute(s, base+"/crs", "How clusters choose nodes for guests", "/cluster/options", showHAScheduling)
}

type groupInput struct {
	readInput
	Group string `path:"group" maxLength:"255"`
}

type vmidInput struct {
	readInput
	VMID int `path:"vmid" minimum:"1"`
}

// showHAManager shows what is nested as a text: clients expect one.
func showHAManager(cluster string, in row) haManager {
	status, quorum := in.below("manager_status"), in.below("quorum")
	out := haManager{
		ClusterName: cluster, ManagerStatus: in.text("manager_status"), Timestamp: cmp.Or(in.whole("timestamp"), status.whole("timestamp")),
		QuorumOK: cmp.Or(in.truth("quorum_ok", "quorum-ok"), quorum.truth("quorate")), Mode: cmp.Or(in.text("mode"), status.text("mode")),
	}
	if out.ManagerStatus == nil && len(status) > 0 {
		if raw, err := json.Marshal(status); err == nil {
			text := string(raw)
			out.ManagerStatus = &text
		}
	}
	return out
}

func showHAScheduling(cluster string, in row) haScheduling {
	mode := in.below("crs").text("ha")
	if text, ok := in.scalar("crs"); ok {
		mode = cmp.Or(properties(text).text("ha"), &text)
	}
	return haScheduling{ClusterName: cluster, HA: mode, Status: allOK}
}
