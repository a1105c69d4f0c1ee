package run

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"proxbox/internal/desire"
	"proxbox/internal/domain"
	"proxbox/internal/netbox"
	"proxbox/internal/plan"
	"proxbox/internal/proxmox"
	"proxbox/internal/settings"
)

// Memory is what the stages of one sync share, so that twelve streams do not
// read everything twelve times (rules.md 9): what NetBox has, kept true by the
// answers to our own writes and by NetBox's change log, and what Proxmox
// answered. It is forgotten when it was not used for the time to live, and
// when a run failed.
type Memory struct {
	ttl time.Duration
	now func() time.Time

	mu        sync.Mutex
	netbox    domain.NetBoxEndpoint
	about     *known
	picture   *picture
	snapshots map[int]*remembered // by endpoint row
	holds     int                 // runs under way
	drop      *time.Timer
}

// picture is a NetBox as a run left it.
type picture struct {
	key    string
	inv    *domain.Inventory
	change int             // the newest entry of the change log that is known
	seen   map[int]bool    // which are known of those just before it
	runs   map[string]bool // whose writes are in it by their answers
	used   time.Time
}

// remembered is a snapshot with what it was read for.
type remembered struct {
	of     domain.ProxmoxEndpoint // as it was read
	snap   *domain.Snapshot
	scope  proxmox.Scope
	used   time.Time
	served map[string]string // the run that had it, by stage
}

// need is for what a snapshot is asked: the run, its stage and its scope.
// Who only looks has neither run nor stage.
type need struct {
	run, stage string
	scope      proxmox.Scope
}

// again tells whether a snapshot was made for an earlier sync. Each stage has
// it once: who asks for a stage a second time waits to see what Proxmox has
// become since, and so does who asks for everything after a stage.
func (r *remembered) again(n need) bool {
	for stage, run := range r.served {
		if n.stage != "" && run != n.run && (stage == n.stage || stage == FullUpdate.Name || n.stage == FullUpdate.Name) {
			return true
		}
	}
	return false
}

func (r *remembered) serve(n need) *remembered {
	if n.stage != "" {
		r.served[n.stage] = n.run
	}
	return r
}

// known is what a NetBox can do and what its plugin is set to.
type known struct {
	caps   netbox.Capabilities
	values *settings.Values
	used   time.Time
}

// NewMemory returns a memory; with a time to live of 0 nothing is shared.
func NewMemory(ttl time.Duration) *Memory {
	return &Memory{ttl: ttl, now: time.Now, snapshots: map[int]*remembered{}}
}

func (m *Memory) fresh(used time.Time) bool { return m.ttl > 0 && m.now().Sub(used) <= m.ttl }

// hold keeps what is remembered while a run goes on, however long it takes. The
// function that it returns ends that: what nobody uses for the time to live is
// then let go, for of a large estate it is hundreds of megabytes.
func (m *Memory) hold() (release func()) {
	if m == nil {
		return func() {}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.holds++
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.holds--
		m.rest()
	}
}

// rest begins the time after which what is not used is let go. m.mu is held.
func (m *Memory) rest() {
	switch {
	case m.holds > 0 || m.ttl <= 0:
	case m.drop == nil:
		m.drop = time.AfterFunc(m.ttl, m.letGo)
	default:
		m.drop.Reset(m.ttl)
	}
}

func (m *Memory) letGo() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.holds > 0 {
		return
	}
	if m.about != nil && !m.fresh(m.about.used) {
		m.about = nil
	}
	if m.picture != nil && !m.fresh(m.picture.used) {
		m.picture = nil
	}
	maps.DeleteFunc(m.snapshots, func(_ int, r *remembered) bool { return !m.fresh(r.used) })
	if m.about != nil || m.picture != nil || len(m.snapshots) > 0 {
		m.rest()
	}
}

// known is what was learnt of a NetBox a moment ago.
func (m *Memory) known(ep domain.NetBoxEndpoint) (known, bool) {
	if m == nil {
		return known{}, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.about == nil || m.netbox != ep || !m.fresh(m.about.used) {
		return known{}, false
	}
	return *m.about, true
}

func (m *Memory) learn(ep domain.NetBoxEndpoint, k known) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	defer m.rest()
	k.used = m.now()
	m.netbox, m.about = ep, &k
}

// maxChanged is how many foreign changes are looked up one by one; with more a
// new reading is cheaper.
const maxChanged = 1000

// inventory returns what NetBox has for a run: the remembered picture brought
// up to date, or a new one. The key names NetBox, branch and endpoints.
func (m *Memory) inventory(ctx context.Context, nb *netbox.Client, key, run string, tasksSince time.Time) (*domain.Inventory, error) {
	if m == nil || m.ttl <= 0 {
		return ReadInventory(ctx, nb, tasksSince)
	}
	m.mu.Lock()
	p := m.picture
	m.picture = nil // whoever succeeds gives it back
	m.mu.Unlock()
	if p != nil && p.key == key && m.fresh(p.used) {
		if p.catchUp(ctx, nb) {
			p.runs[run] = true
			m.keep(p)
			return p.inv, nil
		}
	}
	last, seen, err := lastChanges(ctx, nb)
	if err != nil {
		// Without the change log nobody could tell what others did.
		return ReadInventory(ctx, nb, tasksSince)
	}
	inv, err := ReadInventory(ctx, nb, tasksSince)
	if err != nil {
		return nil, err
	}
	m.keep(&picture{key: key, inv: inv, change: last, seen: seen, runs: map[string]bool{run: true}})
	return inv, nil
}

func (m *Memory) keep(p *picture) {
	m.mu.Lock()
	defer m.mu.Unlock()
	defer m.rest()
	p.used = m.now()
	m.picture = p
}

// touch says that a run ended well just now: the next stage may go on.
func (m *Memory) touch() {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.about != nil {
		m.about.used = m.now()
	}
	if m.picture != nil {
		m.picture.used = m.now()
	}
	for _, r := range m.snapshots {
		r.used = m.now()
	}
}

// Forget drops everything: the next run reads anew.
func (m *Memory) Forget() {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.about, m.picture = nil, nil
	m.snapshots = map[int]*remembered{}
}

// changeEntry is one line of NetBox's change log.
type changeEntry struct {
	ID       int                    `json:"id"`
	Action   struct{ Value string } `json:"action"`
	Type     string                 `json:"changed_object_type"`
	ObjectID int                    `json:"changed_object_id"`
	Message  string                 `json:"message"`
}

const changeLog = "core/object-changes/"

// overlap is how far back the change log is read again: a transaction that was
// open at the last look has lower ids than others that were over by then.
const overlap = 100

// lastChanges are the newest entry of the change log, 0 for none, and the ids
// of those within the overlap before it.
func lastChanges(ctx context.Context, nb *netbox.Client) (last int, seen map[int]bool, err error) {
	raw, err := nb.Get(ctx, changeLog, url.Values{"limit": {strconv.Itoa(overlap)}, "ordering": {"-id"}, "fields": {"id"}})
	if err != nil {
		return 0, nil, err
	}
	var page struct {
		Results []changeEntry `json:"results"`
	}
	if err := json.Unmarshal(raw, &page); err != nil {
		return 0, nil, err
	}
	seen = map[int]bool{}
	for _, e := range page.Results {
		last, seen[e.ID] = max(last, e.ID), true
	}
	return last, seen, nil
}

// catchUp reads again what others changed since the picture was taken. What
// its own runs changed is in it already, by NetBox's answers. It is false when
// a new reading is needed.
func (p *picture) catchUp(ctx context.Context, nb *netbox.Client) bool {
	changed := map[domain.Kind]map[int]bool{}
	last, count, seen := p.change, 0, map[int]bool{}
	q := url.Values{"id__gt": {strconv.Itoa(max(0, p.change-overlap))}, "fields": {"id,action,changed_object_type,changed_object_id,message"}}
	err := nb.List(ctx, changeLog, q, func(raw json.RawMessage) error {
		var e changeEntry
		if err := json.Unmarshal(raw, &e); err != nil {
			return err
		}
		last, seen[e.ID] = max(last, e.ID), true
		kind := domain.Kind(e.Type)
		if p.seen[e.ID] || p.runs[runOf(e.Message)] || p.inv.Table(kind).Absent {
			return nil
		}
		if count++; count > maxChanged {
			return fmt.Errorf("more than %d changes", maxChanged)
		}
		if changed[kind] == nil {
			changed[kind] = map[int]bool{}
		}
		changed[kind][e.ObjectID] = true
		return nil
	})
	if err != nil {
		return false
	}
	for kind, ids := range changed {
		if !reread(ctx, nb, p.inv.Table(kind), slices.Sorted(maps.Keys(ids))) {
			return false
		}
	}
	for _, kind := range plan.Unmarked(p.inv) {
		if changed[kind] == nil {
			continue
		}
		marked, err := nb.ReadMarked(ctx, kind, desire.TagProxbox)
		if err != nil {
			return false
		}
		p.inv.Table(kind).Marked = marked
	}
	p.change, p.seen = last, seen
	return true
}

// reread brings single rows of a table up to date.
func reread(ctx context.Context, nb *netbox.Client, t *domain.Table, ids []int) bool {
	for chunk := range slices.Chunk(ids, netbox.MaxIDs) {
		again, err := nb.ReadTable(ctx, t.Kind, netbox.ByID("id", chunk))
		if err != nil {
			return false
		}
		for _, id := range chunk {
			if row := again.Get(id); row != nil {
				t.Put(row)
			} else {
				t.Delete(id)
			}
		}
	}
	return true
}

// snapshot returns what an endpoint runs, in a scope: the parts that are
// remembered, and those that were never read through read. A reading of single
// guests is always new, and is remembered for the stages that follow. What was
// read before the endpoint was changed is another Proxmox's, perhaps.
func (m *Memory) snapshot(ctx context.Context, endpoint domain.ProxmoxEndpoint, n need,
	read func(context.Context, proxmox.Scope, *domain.Snapshot) (*domain.Snapshot, error)) (*domain.Snapshot, error) {
	scope := n.scope
	if m == nil || m.ttl <= 0 {
		return read(ctx, scope, nil)
	}
	single := scope.Guests != nil
	m.mu.Lock()
	old := m.snapshots[endpoint.ID]
	if old != nil && (old.of != endpoint || !m.fresh(old.used) || !single && old.again(n)) {
		delete(m.snapshots, endpoint.ID)
		old = nil
	}
	if old != nil && !single && old.scope.Covers(scope) {
		defer m.mu.Unlock()
		return old.serve(n).snap, nil
	}
	m.mu.Unlock()
	missing, earlier := scope, (*domain.Snapshot)(nil)
	if old != nil && !single {
		missing, earlier = scope.Without(old.scope), old.snap
	}
	snap, err := read(ctx, missing, earlier)
	if err != nil {
		return nil, err
	}
	kept := &remembered{of: endpoint, snap: snap, scope: scope, used: m.now(), served: map[string]string{}}
	if old != nil {
		kept.served = old.served
	}
	switch {
	case single && old == nil:
		return snap, nil
	case single:
		kept.snap, kept.scope = old.snap.Replace(snap.Guests), old.scope
	case old != nil:
		kept.snap, kept.scope = snap.Complement(old.snap), old.scope.And(scope)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	defer m.rest()
	m.snapshots[endpoint.ID] = kept
	if single {
		return snap, nil
	}
	return kept.serve(n).snap, nil
}

// Held is what a memory remembers.
type Held struct {
	TTL       time.Duration
	Inventory bool  // of NetBox
	Snapshots []int // endpoints, by row id
}

// Held says what is remembered and still good.
func (m *Memory) Held() Held {
	if m == nil {
		return Held{}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	out := Held{TTL: m.ttl, Inventory: m.picture != nil && m.fresh(m.picture.used)}
	for id, r := range m.snapshots {
		if m.fresh(r.used) {
			out.Snapshots = append(out.Snapshots, id)
		}
	}
	slices.Sort(out.Snapshots)
	return out
}
