package netbox

import (
	"container/list"
	"encoding/json"
	"sync"
	"time"
)

// CacheLimits bound a Cache. A limit of zero keeps nothing.
type CacheLimits struct {
	TTL     time.Duration
	Entries int
	Bytes   int // of answers, with what it takes to find them
}

// CacheKey says what was asked for.
type CacheKey struct {
	URL    string // of the NetBox
	Branch string
	Path   string // below /api/
	Query  string
}

// entryOverhead is what an entry takes beside its texts, in round figures.
const entryOverhead = 200

func (k CacheKey) size() int { return len(k.URL) + len(k.Branch) + len(k.Path) + len(k.Query) }

// Cache keeps answers of NetBox for those who only look. Nothing that decides
// on a write may use it. When it is full, the answer that was not asked for
// the longest goes first. It is safe for use by several goroutines.
type Cache struct {
	now func() time.Time

	mu     sync.Mutex
	limits CacheLimits
	order  *list.List // of *cached, the last used first
	index  map[CacheKey]*list.Element
	bytes  int
	writes uint64 // so far
	counts CacheCounts
}

type cached struct {
	key    CacheKey
	answer json.RawMessage
	stored time.Time
}

func (e *cached) size() int { return len(e.answer) + e.key.size() + entryOverhead }

// CacheCounts is what a cache did since it was made.
type CacheCounts struct {
	Hits, Misses     int
	Invalidations    int // entries that a write made worthless
	Expired          int // entries that grew too old
	EvictedByEntries int // entries that had to go for their number
	EvictedByBytes   int // entries that had to go for their size
}

// CacheStats is what a cache did and what it holds.
type CacheStats struct {
	CacheCounts
	CacheLimits
	CurrentEntries, CurrentBytes int
	OldestAge                    time.Duration // 0 when there is none
}

// NewCache returns an empty cache.
func NewCache(limits CacheLimits) *Cache {
	return &Cache{now: time.Now, limits: limits, order: list.New(), index: map[CacheKey]*list.Element{}}
}

// SetLimits bounds the cache anew.
func (c *Cache) SetLimits(limits CacheLimits) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limits = limits
	c.shrink()
}

// Get returns an answer that is kept.
func (c *Cache) Get(key CacheKey) (json.RawMessage, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at := c.index[key]; at != nil {
		e := at.Value.(*cached)
		if c.now().Sub(e.stored) < c.limits.TTL {
			c.counts.Hits++
			c.order.MoveToFront(at)
			return e.answer, true
		}
		c.counts.Expired++
		c.remove(at)
	}
	c.counts.Misses++
	return nil, false
}

// Read begins a reading of NetBox. What it returns keeps the answer, unless
// something was written in between: then nobody knows which came first.
func (c *Cache) Read(key CacheKey) (keep func(json.RawMessage)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.writes
	return func(answer json.RawMessage) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.writes == before {
			c.put(&cached{key: key, answer: answer, stored: c.now()})
		}
	}
}

func (c *Cache) put(e *cached) {
	if at := c.index[e.key]; at != nil {
		c.remove(at) // also when the newer one does not fit
	}
	if c.limits.TTL <= 0 || e.size() > c.limits.Bytes {
		return
	}
	c.index[e.key] = c.order.PushFront(e)
	c.bytes += e.size()
	c.shrink()
}

// shrink brings the cache into its limits.
func (c *Cache) shrink() {
	for c.order.Len() > max(c.limits.Entries, 0) {
		c.counts.EvictedByEntries++
		c.remove(c.order.Back())
	}
	for c.bytes > c.limits.Bytes && c.order.Len() > 0 {
		c.counts.EvictedByBytes++
		c.remove(c.order.Back())
	}
}

func (c *Cache) remove(at *list.Element) {
	e := c.order.Remove(at).(*cached)
	delete(c.index, e.key)
	c.bytes -= e.size()
}

// Written says that NetBox was written to. Answers show the objects that they
// point at, so that one write may make any of them wrong: all go.
func (c *Cache) Written() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writes++
	c.counts.Invalidations += c.order.Len()
	c.empty()
}

// Clear drops all answers, those that are on their way included.
func (c *Cache) Clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writes++
	c.empty()
}

func (c *Cache) empty() {
	c.order.Init()
	clear(c.index)
	c.bytes = 0
}

// Stats returns what the cache did and holds.
func (c *Cache) Stats() CacheStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := CacheStats{CacheCounts: c.counts, CacheLimits: c.limits, CurrentEntries: c.order.Len(), CurrentBytes: c.bytes}
	for at := c.order.Front(); at != nil; at = at.Next() {
		out.OldestAge = max(out.OldestAge, c.now().Sub(at.Value.(*cached).stored))
	}
	return out
}

// Keys returns what is kept, the last used first, at most n.
func (c *Cache) Keys(n int) []CacheKey {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []CacheKey
	for at := c.order.Front(); at != nil && len(out) < n; at = at.Next() {
		out = append(out, at.Value.(*cached).key)
	}
	return out
}
