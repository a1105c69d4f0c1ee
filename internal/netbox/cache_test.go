package netbox

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func key(path string) CacheKey { return CacheKey{URL: "http://netbox.example.org", Path: path} }

func keep(c *Cache, path, answer string) { c.Read(key(path))(json.RawMessage(answer)) }

func paths(c *Cache) string {
	var out []string
	for _, k := range c.Keys(100) {
		out = append(out, k.Path)
	}
	return strings.Join(out, " ")
}

func TestCacheKeepsTheLastUsed(t *testing.T) {
	c := NewCache(CacheLimits{TTL: time.Minute, Entries: 3, Bytes: 1 << 20})
	for _, path := range []string{"a", "b", "c"} {
		keep(c, path, "1")
	}
	if _, ok := c.Get(key("a")); !ok {
		t.Error("a is not kept")
	}
	keep(c, "d", "1")
	if got := paths(c); got != "d a c" {
		t.Errorf("kept %s", got)
	}
	keep(c, "c", "2")
	if answer, _ := c.Get(key("c")); string(answer) != "2" || paths(c) != "c d a" {
		t.Errorf("c is %s; kept %s", answer, paths(c))
	}
	other := key("c")
	other.Branch = "td5smq0f"
	if _, ok := c.Get(other); ok {
		t.Error("a branch sees what the main has")
	}
	stats := c.Stats()
	if stats.EvictedByEntries != 1 || stats.Hits != 2 || stats.Misses != 1 || stats.CurrentEntries != 3 {
		t.Errorf("%+v", stats)
	}
}

func TestCacheForgets(t *testing.T) {
	now := time.Unix(1795488776, 0)
	c := NewCache(CacheLimits{TTL: time.Minute, Entries: 10, Bytes: 1 << 20})
	c.now = func() time.Time { return now }
	keep(c, "a", "1")
	now = now.Add(59 * time.Second)
	if _, ok := c.Get(key("a")); !ok || c.Stats().OldestAge != 59*time.Second {
		t.Errorf("after 59 s: %v %+v", ok, c.Stats())
	}
	now = now.Add(time.Second)
	if _, ok := c.Get(key("a")); ok || c.Stats().Expired != 1 || c.Stats().CurrentBytes != 0 {
		t.Errorf("after 60 s: %v %+v", ok, c.Stats())
	}
	keep(c, "a", "1")
	keep(c, "b", "1")
	c.Written()
	if s := c.Stats(); s.Invalidations != 2 || s.CurrentEntries != 0 || s.CurrentBytes != 0 || s.OldestAge != 0 {
		t.Errorf("after a write: %+v", s)
	}
	// An answer that was on its way when something was written may be the old one.
	for name, change := range map[string]func(){"a write": c.Written, "clearing": c.Clear} {
		stored := c.Read(key("a"))
		change()
		stored(json.RawMessage("1"))
		if paths(c) != "" {
			t.Errorf("%s during a reading, and the answer is kept", name)
		}
	}
	keep(c, "a", "1")
	c.SetLimits(CacheLimits{Entries: 10, Bytes: 1 << 20})
	if _, ok := c.Get(key("a")); ok {
		t.Error("with a time to live of 0 an answer is kept")
	}
	keep(c, "a", "1")
	if paths(c) != "" {
		t.Error("with a time to live of 0 an answer is stored")
	}
}

func TestCacheIsBoundInBytes(t *testing.T) {
	c := NewCache(CacheLimits{TTL: time.Minute, Entries: 100, Bytes: 3000})
	keep(c, "huge", strings.Repeat("x", 3000))
	if paths(c) != "" {
		t.Error("an answer larger than the whole is kept")
	}
	for i := range 10 {
		keep(c, fmt.Sprint(i), strings.Repeat("x", 600))
	}
	if s := c.Stats(); s.CurrentEntries != 3 || s.CurrentBytes > 3000 || s.EvictedByBytes != 7 || paths(c) != "9 8 7" {
		t.Errorf("%+v: %s", s, paths(c))
	}
	c.SetLimits(CacheLimits{TTL: time.Minute, Entries: 1, Bytes: 3000})
	if paths(c) != "9" {
		t.Errorf("kept %s", paths(c))
	}
}

// Whatever is done to it, it stays within its limits, counts what it holds,
// and answers the last that was stored, or nothing.
func TestCacheIsConsistent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := CacheLimits{TTL: time.Duration(rapid.IntRange(0, 5).Draw(t, "ttl")), Entries: rapid.IntRange(0, 4).Draw(t, "entries"),
			Bytes: rapid.IntRange(0, 1500).Draw(t, "bytes")}
		c := NewCache(limits)
		var now int64
		c.now = func() time.Time { return time.Unix(0, now) }
		last := map[string]string{}
		for i := range rapid.IntRange(0, 60).Draw(t, "steps") {
			path := rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}).Draw(t, "path")
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0, 1:
				last[path] = fmt.Sprint(i) + strings.Repeat(" ", rapid.IntRange(0, 600).Draw(t, "size"))
				keep(c, path, last[path])
			case 2, 3:
				if answer, ok := c.Get(key(path)); ok && string(answer) != last[path] {
					t.Fatalf("%s is %.5s, not %.5s", path, answer, last[path])
				}
			case 4:
				now++
			case 5:
				c.Written()
			}
			sum := 0
			for at := c.order.Front(); at != nil; at = at.Next() {
				sum += at.Value.(*cached).size()
			}
			s := c.Stats()
			if s.CurrentBytes != sum || s.CurrentBytes > limits.Bytes && limits.Bytes > 0 || s.CurrentEntries > limits.Entries || s.CurrentEntries != len(c.index) {
				t.Fatalf("%+v, in truth %d bytes in %d", s, sum, len(c.index))
			}
		}
	})
}

func TestCacheIsSafeForMany(t *testing.T) {
	c := NewCache(CacheLimits{TTL: time.Minute, Entries: 5, Bytes: 5000})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 200 {
				path := fmt.Sprint((i + j) % 7)
				if _, ok := c.Get(key(path)); !ok {
					keep(c, path, path)
				}
				if j%50 == 0 {
					c.Written()
				}
				c.Stats()
			}
		})
	}
	wg.Wait()
	for _, k := range c.Keys(100) {
		if answer, ok := c.Get(k); !ok || string(answer) != k.Path {
			t.Errorf("%s is %s", k.Path, answer)
		}
	}
	if n := c.Stats().CurrentEntries; n > 5 {
		t.Errorf("%d entries", n)
	}
}
