package server

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"proxbox/internal/domain"
	"proxbox/internal/proxmox"
)

// firewallRule is a rule of any zone.
type firewallRule struct {
	ClusterName   string  `json:"cluster_name"`
	Zone          string  `json:"zone" enum:"datacenter,node,vm_qemu,vm_lxc,security_group"`
	Node          *string `json:"node"`
	VMID          *int    `json:"vmid"`
	SecurityGroup *string `json:"security_group"`
	Pos           *int64  `json:"pos"`
	Type          *string `json:"type"`
	Action        *string `json:"action"`
	Enable        *bool   `json:"enable"`
	Macro         *string `json:"macro"`
	Iface         *string `json:"iface"`
	Source        *string `json:"source"`
	Dest          *string `json:"dest"`
	Proto         *string `json:"proto"`
	DPort         *string `json:"dport"`
	SPort         *string `json:"sport"`
	Log           *string `json:"log"`
	ICMPType      *string `json:"icmp_type"`
	Comment       *string `json:"comment"`
	Digest        *string `json:"digest"`
	Status        string  `json:"status"`
	Error         *string `json:"error"`
}

// securityGroup is a named list of rules.
type securityGroup struct {
	ClusterName string         `json:"cluster_name"`
	Name        string         `json:"name"`
	Comment     *string        `json:"comment"`
	Digest      *string        `json:"digest"`
	Rules       []firewallRule `json:"rules" nullable:"false"`
	Status      string         `json:"status"`
	Error       *string        `json:"error"`
}

// ipSet is a named list of networks.
type ipSet struct {
	ClusterName string       `json:"cluster_name"`
	Zone        string       `json:"zone"`
	Node        *string      `json:"node"`
	VMID        *int         `json:"vmid"`
	Name        string       `json:"name"`
	Comment     *string      `json:"comment"`
	Digest      *string      `json:"digest"`
	Entries     []ipSetEntry `json:"entries" nullable:"false"`
	Status      string       `json:"status"`
	Error       *string      `json:"error"`
}

// ipSetEntry is one network of a set.
type ipSetEntry struct {
	CIDR    *string `json:"cidr"`
	Comment *string `json:"comment"`
	NoMatch *bool   `json:"nomatch"`
}

// firewallAlias is a name for a network.
type firewallAlias struct {
	ClusterName string  `json:"cluster_name"`
	Zone        string  `json:"zone"`
	Node        *string `json:"node"`
	VMID        *int    `json:"vmid"`
	Name        *string `json:"name"`
	CIDR        *string `json:"cidr"`
	Comment     *string `json:"comment"`
	Digest      *string `json:"digest"`
	Status      string  `json:"status"`
	Error       *string `json:"error"`
}

// firewallOptions are the settings of a firewall.
type firewallOptions struct {
	ClusterName string  `json:"cluster_name"`
	Zone        string  `json:"zone"`
	Node        *string `json:"node"`
	VMID        *int    `json:"vmid"`
	Enable      *bool   `json:"enable"`
	PolicyIn    *string `json:"policy_in"`
	PolicyOut   *string `json:"policy_out"`
	Options     row     `json:"options" doc:"All others"`
	Status      string  `json:"status"`
	Error       *string `json:"error"`
}

// firewallSummary is the firewall of a cluster, without its nodes and guests.
// What the plugin reads by another name is there by both.
type firewallSummary struct {
	ClusterName       string            `json:"cluster_name"`
	DatacenterRules   []firewallRule    `json:"datacenter_rules" nullable:"false"`
	SecurityGroups    []securityGroup   `json:"security_groups" nullable:"false"`
	DatacenterIPSets  []ipSet           `json:"datacenter_ipsets" nullable:"false"`
	DatacenterAliases []firewallAlias   `json:"datacenter_aliases" nullable:"false"`
	DatacenterOptions *firewallOptions  `json:"datacenter_options"`
	NodeRules         []firewallRule    `json:"node_rules" nullable:"false"`
	NodeOptions       []firewallOptions `json:"node_options" nullable:"false"`
	VMRules           []firewallRule    `json:"vm_rules" nullable:"false"`
	VMIPSets          []ipSet           `json:"vm_ipsets" nullable:"false"`
	VMAliases         []firewallAlias   `json:"vm_aliases" nullable:"false"`
	VMOptions         []firewallOptions `json:"vm_options" nullable:"false"`
	Rules             []firewallRule    `json:"rules" nullable:"false"`
	IPSets            []ipSet           `json:"ip_sets" nullable:"false"`
	Aliases           []firewallAlias   `json:"aliases" nullable:"false"`
	Options           row               `json:"options"`
	Status            string            `json:"status"`
	Error             *string           `json:"error"`
}

// firewallPlace is whose firewall it is.
type firewallPlace struct {
	cluster string
	zone    string
	path    string // of the firewall below /api2/json
	node    *string
	vmid    *int
}

const allOK = "ok"

func datacenter(cluster string) firewallPlace {
	return firewallPlace{cluster: cluster, zone: "datacenter", path: "/cluster/firewall"}
}

func ofNode(cluster, node string) firewallPlace {
	return firewallPlace{cluster: cluster, zone: "node", path: proxmox.Path("nodes", node, "firewall"), node: &node}
}

func ofGuest(cluster, node string, kind domain.GuestType, vmid int) firewallPlace {
	return firewallPlace{cluster: cluster, zone: "vm_" + string(kind), path: proxmox.Path("nodes", node, string(kind), strconv.Itoa(vmid), "firewall"), node: &node, vmid: &vmid}
}

func (p firewallPlace) rule(in row) firewallRule {
	return firewallRule{
		ClusterName: p.cluster, Zone: p.zone, Node: p.node, VMID: p.vmid, Pos: in.whole("pos"), Type: in.text("type"), Action: in.text("action"),
		Enable: in.truth("enable"), Macro: in.text("macro"), Iface: in.text("iface"), Source: in.text("source"), Dest: in.text("dest"), Proto: in.text("proto"),
		DPort: in.text("dport"), SPort: in.text("sport"), Log: in.text("log"), ICMPType: in.text("icmp-type"), Comment: in.text("comment"),
		Digest: in.text("digest"), Status: allOK,
	}
}

func (p firewallPlace) rules(ctx context.Context, src *source) ([]firewallRule, error) {
	rows, err := src.list(ctx, p.path+"/rules", nil)
	return mapped(rows, p.rule), err
}

func (p firewallPlace) aliases(ctx context.Context, src *source) ([]firewallAlias, error) {
	rows, err := src.list(ctx, p.path+"/aliases", nil)
	return mapped(rows, func(in row) firewallAlias {
		return firewallAlias{ClusterName: p.cluster, Zone: p.zone, Node: p.node, VMID: p.vmid, Name: in.text("name"), CIDR: in.text("cidr"),
			Comment: in.text("comment"), Digest: in.text("digest"), Status: allOK}
	}), err
}

// sets are the IP sets with their entries.
func (p firewallPlace) sets(ctx context.Context, src *source) ([]ipSet, error) {
	return nested(ctx, src, p.path+"/ipset", by("name"), func(in row, entries []row) ipSet {
		return ipSet{ClusterName: p.cluster, Zone: p.zone, Node: p.node, VMID: p.vmid, Name: in.word("name"), Comment: in.text("comment"),
			Digest: in.text("digest"), Status: allOK, Entries: mapped(entries, func(e row) ipSetEntry {
				return ipSetEntry{e.text("cidr"), e.text("comment"), e.truth("nomatch")}
			})}
	})
}

func (p firewallPlace) groups(ctx context.Context, src *source) ([]securityGroup, error) {
	return nested(ctx, src, p.path+"/groups", by("group"), func(in row, rules []row) securityGroup {
		name := in.word("group")
		return securityGroup{ClusterName: p.cluster, Name: name, Comment: in.text("comment"), Digest: in.text("digest"), Status: allOK,
			Rules: mapped(rules, func(r row) firewallRule {
				rule := firewallPlace{cluster: p.cluster, zone: "security_group"}.rule(r)
				rule.SecurityGroup = &name
				return rule
			})}
	})
}

// options are the settings, and the same as Proxmox has them.
func (p firewallPlace) options(ctx context.Context, src *source) (firewallOptions, row, error) {
	raw, err := src.object(ctx, p.path+"/options", nil)
	if err != nil {
		return firewallOptions{}, nil, err
	}
	out := firewallOptions{ClusterName: p.cluster, Zone: p.zone, Node: p.node, VMID: p.vmid, Enable: raw.truth("enable"), PolicyIn: raw.text("policy_in"),
		PolicyOut: raw.text("policy_out"), Options: row{}, Status: allOK}
	for name, value := range raw {
		if !slices.Contains([]string{"enable", "policy_in", "policy_out", "log_ratelimit"}, name) {
			out.Options[name] = value
		}
	}
	return out, raw, nil
}

// mapped is a list, never null, of what rows are made to.
func mapped[T any](rows []row, build func(row) T) []T {
	out := []T{}
	for _, r := range rows {
		out = append(out, build(r))
	}
	return out
}

// by is the path of a row below its list, which is the name in one of its fields.
func by(field string) func(row) string {
	return func(in row) string { return proxmox.Path(in.word(field)) }
}

// nested reads a list and, side by side, what each of its rows has below it.
func nested[T any](ctx context.Context, src *source, path string, below func(row) string, build func(row, []row) T) ([]T, error) {
	rows, err := src.list(ctx, path, nil)
	if err != nil {
		return []T{}, err
	}
	lists, errs := besides(rows, func(r row) ([]row, error) { return src.list(ctx, path+below(r), nil) })
	out := []T{}
	for i, r := range rows {
		if errs[i] != nil {
			return []T{}, errs[i]
		}
		out = append(out, build(r, lists[i]))
	}
	return out, nil
}

// summaryOf reads the firewall of a cluster. Where one of its parts cannot be
// read, none is told: half of it would look like the rest being gone.
func summaryOf(ctx context.Context, src *source) ([]firewallSummary, error) {
	id, err := src.identity(ctx)
	if err != nil {
		return nil, err
	}
	place := datacenter(id.name)
	out := firewallSummary{
		ClusterName: id.name, Status: allOK,
		NodeRules: []firewallRule{}, NodeOptions: []firewallOptions{}, VMRules: []firewallRule{}, VMIPSets: []ipSet{}, VMAliases: []firewallAlias{}, VMOptions: []firewallOptions{},
	}
	var errs [5]error
	var wait sync.WaitGroup
	wait.Go(func() { out.Rules, errs[0] = place.rules(ctx, src) })
	wait.Go(func() { out.SecurityGroups, errs[1] = place.groups(ctx, src) })
	wait.Go(func() { out.IPSets, errs[2] = place.sets(ctx, src) })
	wait.Go(func() { out.Aliases, errs[3] = place.aliases(ctx, src) })
	wait.Go(func() {
		var options firewallOptions
		options, out.Options, errs[4] = place.options(ctx, src)
		out.DatacenterOptions = &options
	})
	wait.Wait()
	if err := cmp.Or(errs[:]...); err != nil {
		if optional(err) {
			src.reading.lost(ctx, src, err)
			return nil, nil
		}
		return nil, err
	}
	out.DatacenterRules, out.DatacenterIPSets, out.DatacenterAliases = out.Rules, out.IPSets, out.Aliases
	return []firewallSummary{out}, nil
}

// guestFirewallInput is a request for the firewall of a guest.
type guestFirewallInput struct {
	readInput
	VMID   int    `path:"vmid" minimum:"1"`
	Node   string `query:"node" maxLength:"255" doc:"Where the guest is; looked for when it is not given."`
	VMType string `query:"vm_type" enum:"qemu,lxc" doc:"What it is; looked for when it is not given."`
}

// part reads a part of a firewall.
type part[T any] func(place firewallPlace, ctx context.Context, src *source) (T, error)

// clusterFirewall registers a list of the clusters' firewalls.
func clusterFirewall[T any](s *Server, what, summary string, read part[[]T]) {
	flatRoute(s, firewallRoute+"/datacenter/"+what, summary, s.waits.tab, func(ctx context.Context, src *source) ([]T, error) {
		id, err := src.identity(ctx)
		if err != nil {
			return nil, err
		}
		return read(datacenter(id.name), ctx, src)
	})
}

// nodeFirewall registers a part of a node's firewall.
func nodeFirewall[T any](s *Server, what, summary string, patience time.Duration, read part[T]) {
	readRoute(s, firewallRoute+"/nodes/{node}/"+what, summary, func(ctx context.Context, in *nodeInput) (*said[T], error) {
		r, src, id, err := s.atNode(ctx, in.query, in.Node, patience)
		if err != nil {
			return nil, err
		}
		out, err := read(ofNode(id.name, in.Node), ctx, src)
		return answered(r, out, err)
	})
}

// guestFirewall registers a part of a guest's firewall.
func guestFirewall[T any](s *Server, what, summary string, read part[T]) {
	readRoute(s, firewallRoute+"/vms/{vmid}/"+what, summary, func(ctx context.Context, in *guestFirewallInput) (*said[T], error) {
		r, err := s.read(ctx, in.query, s.waits.job)
		if err != nil {
			return nil, err
		}
		src, place, err := r.onGuest(ctx, in)
		if err != nil {
			return nil, err
		}
		out, err := read(place, ctx, src)
		return answered(r, out, err)
	})
}

// onGuest is the one endpoint that has a guest, and where the guest's firewall
// is.
func (r *reading) onGuest(ctx context.Context, in *guestFirewallInput) (*source, firewallPlace, error) {
	node, kind := in.Node, in.VMType
	var src *source
	var err error
	if node != "" && kind != "" {
		src, err = r.onNode(ctx, node)
	} else {
		src, node, kind, err = r.find(ctx, in.VMID)
	}
	if err != nil {
		return nil, firewallPlace{}, err
	}
	id, err := src.identity(ctx)
	return src, ofGuest(id.name, node, domain.GuestType(kind), in.VMID), err
}

// find looks for a guest in the endpoints.
func (r *reading) find(ctx context.Context, vmid int) (src *source, node, kind string, err error) {
	type place struct {
		src        *source
		node, kind string
	}
	found, err := flat(ctx, r, func(ctx context.Context, src *source) ([]place, error) {
		rows, err := src.list(ctx, "/cluster/resources", url.Values{"type": {"vm"}})
		for _, row := range rows {
			if or(row.whole("vmid")) == int64(vmid) {
				return []place{{src, row.word("node"), row.word("type")}}, err
			}
		}
		return nil, err
	})
	if err != nil {
		return nil, "", "", err
	}
	var having []*source
	for _, p := range found {
		having = append(having, p.src)
	}
	if src, err = r.only(ctx, having, "guest "+strconv.Itoa(vmid)); err != nil {
		return nil, "", "", err
	}
	return src, found[0].node, found[0].kind, nil
}

const firewallRoute = "/proxmox/firewall"

func (s *Server) firewallRoutes() {
	flatRoute(s, firewallRoute+"/summary", "The firewall of each cluster", s.waits.job, summaryOf)
	clusterFirewall(s, "rules", "The firewall rules of clusters", firewallPlace.rules)
	clusterFirewall(s, "groups", "The security groups of clusters", firewallPlace.groups)
	clusterFirewall(s, "ipsets", "The IP sets of clusters", firewallPlace.sets)
	clusterFirewall(s, "aliases", "The aliases of clusters", firewallPlace.aliases)
	readRoute(s, firewallRoute+"/datacenter/options", "The firewall options of the first cluster; null when there is none",
		func(ctx context.Context, in *readInput) (*saidMaybe[firewallOptions], error) {
			r, err := s.read(ctx, in.query, s.waits.tab)
			if err != nil {
				return nil, err
			}
			all, err := each(ctx, r, func(ctx context.Context, src *source) (firewallOptions, error) {
				id, err := src.identity(ctx)
				if err != nil {
					return firewallOptions{}, err
				}
				return datacenter(id.name).settings(ctx, src)
			})
			return answeredFirst(r, all, err)
		})
	nodeFirewall(s, "rules", "The firewall rules of a node", s.waits.job, firewallPlace.rules)
	nodeFirewall(s, "options", "The firewall options of a node", s.waits.tab, firewallPlace.settings)
	guestFirewall(s, "rules", "The firewall rules of a guest", firewallPlace.rules)
	guestFirewall(s, "ipsets", "The IP sets of a guest", firewallPlace.sets)
	guestFirewall(s, "aliases", "The aliases of a guest", firewallPlace.aliases)
	guestFirewall(s, "options", "The firewall options of a guest", firewallPlace.settings)
}

// settings are the options alone.
func (p firewallPlace) settings(ctx context.Context, src *source) (firewallOptions, error) {
	out, _, err := p.options(ctx, src)
	return out, err
}

// atNode begins the reading of the one endpoint that has a node.
func (s *Server) atNode(ctx context.Context, query url.Values, node string, patience time.Duration) (*reading, *source, clusterIdentity, error) {
	r, err := s.read(ctx, query, patience)
	if err != nil {
		return nil, nil, clusterIdentity{}, err
	}
	src, err := r.onNode(ctx, node)
	if err != nil {
		return nil, nil, clusterIdentity{}, err
	}
	id, err := src.identity(ctx)
	return r, src, id, err
}
