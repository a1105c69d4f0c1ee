package logbook

import (
	"slices"
	"sync"
	"time"
)

// The bounds of a book, unless others are given.
const (
	MaxEntries = 10_000
	MaxBytes   = 16 << 20
)

// Book keeps the last entries. It may be used from many goroutines.
type Book struct {
	maxEntries, maxBytes int

	mu      sync.Mutex
	entries []*Entry // the oldest first; their numbers have no gaps
	bytes   int
	last    uint64
	readers map[*Reader]bool
}

// New returns an empty book that keeps at most so many entries, and so many
// bytes. Its numbers begin at the time in milliseconds, so that they grow over
// a restart too, and who asks for what is newer than a number gets it.
func New(maxEntries, maxBytes int) *Book {
	return &Book{maxEntries: maxEntries, maxBytes: maxBytes, last: uint64(time.Now().UnixMilli()), readers: map[*Reader]bool{}}
}

// add numbers the entry and keeps it.
func (b *Book) add(e *Entry) {
	size := e.size()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last++
	e.Seq = b.last
	b.entries = append(b.entries, e)
	b.bytes += size
	for len(b.entries) > b.maxEntries || b.bytes > b.maxBytes && len(b.entries) > 1 {
		b.bytes -= b.entries[0].size()
		b.entries[0] = nil
		b.entries = b.entries[1:]
	}
	for r := range b.readers {
		select {
		case r.wake <- struct{}{}:
		default: // it knows already
		}
	}
}

// after are the entries with greater numbers, the oldest first, at most limit
// of them. What comes after them may be more.
func (b *Book) after(seq uint64, limit int) []*Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := 0
	if len(b.entries) > 0 && seq >= b.entries[0].Seq {
		at = int(min(seq-b.entries[0].Seq+1, uint64(len(b.entries))))
	}
	return slices.Clone(b.entries[at:min(len(b.entries), at+limit)])
}

// Page returns the entries that the filter wants, the newest first, without
// the first offset of them and at most limit, and how many it wants in all.
func (b *Book) Page(f Filter, offset, limit int) (page []*Entry, total int) {
	page = []*Entry{}
	for _, e := range slices.Backward(b.after(0, b.maxEntries)) {
		if !f.wants(e) {
			continue
		}
		if total >= offset && len(page) < limit {
			page = append(page, e)
		}
		total++
	}
	return page, total
}
