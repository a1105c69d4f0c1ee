package server

import (
	"sync"
	"time"
)

// limiter counts requests by source in windows of a minute.
type limiter struct {
	max int // 0 for no limit
	now func() time.Time

	mu    sync.Mutex
	began time.Time
	seen  map[string]int
}

const (
	limitWindow = time.Minute
	// maxSources bounds what is remembered; all further sources of a window
	// are counted as one.
	maxSources = 65536
)

func newLimiter(perMinute int) *limiter {
	return &limiter{max: perMinute, now: time.Now, seen: map[string]int{}}
}

// take counts a request. It returns how long to wait when there were too many.
func (l *limiter) take(source string) (wait time.Duration) {
	if l.max <= 0 {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if now.Sub(l.began) >= limitWindow || now.Before(l.began) {
		l.began = now
		clear(l.seen)
	}
	if _, known := l.seen[source]; !known && len(l.seen) >= maxSources {
		source = ""
	}
	if l.seen[source] >= l.max {
		return l.began.Add(limitWindow).Sub(now)
	}
	l.seen[source]++
	return 0
}
