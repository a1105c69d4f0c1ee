package logbook

import "slices"

// Backlog is how many of the entries that there are already a reader gets.
const Backlog = 200

// Reader reads what a filter wants as it is written. It belongs to one
// goroutine. The book is its queue: a reader that is slower than the log loses
// what the book no longer has, and the log waits for nobody.
type Reader struct {
	book   *Book
	filter Filter
	wake   chan struct{}
	seen   uint64   // number of the last entry that was looked at
	ready  []*Entry // of the backlog
}

// Read begins to read: the newest of what there is, then what comes. Close
// must be called.
func (b *Book) Read(f Filter) *Reader {
	r := &Reader{book: b, filter: f, wake: make(chan struct{}, 1)}
	b.mu.Lock()
	b.readers[r] = true
	r.seen = b.last
	b.mu.Unlock()
	f.OlderThan = r.seen + 1
	r.ready, _ = b.Page(f, 0, Backlog)
	slices.Reverse(r.ready)
	r.wake <- struct{}{}
	return r
}

// Wake is sent to when there may be something to read.
func (r *Reader) Wake() <-chan struct{} { return r.wake }

// Next returns the next entries, the oldest first, at most limit of them. When
// there may be more, Wake is sent to again.
func (r *Reader) Next(limit int) []*Entry {
	if len(r.ready) > 0 {
		n := min(limit, len(r.ready))
		out := r.ready[:n]
		r.ready = r.ready[n:]
		r.again()
		return out
	}
	looked := r.book.after(r.seen, limit)
	if len(looked) == 0 {
		return nil
	}
	r.seen = looked[len(looked)-1].Seq
	if len(looked) == limit {
		r.again()
	}
	return slices.DeleteFunc(looked, func(e *Entry) bool { return !r.filter.wants(e) })
}

func (r *Reader) again() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Close ends the reading.
func (r *Reader) Close() {
	r.book.mu.Lock()
	defer r.book.mu.Unlock()
	delete(r.book.readers, r)
}
