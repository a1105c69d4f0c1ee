package netbox

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestNoMoreThanTheLimitInFlight(t *testing.T) {
	var mu sync.Mutex
	inFlight, most := 0, 0
	arrived := make(chan struct{}, 20)
	leave := make(chan struct{})
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		inFlight++
		most = max(most, inFlight)
		mu.Unlock()
		arrived <- struct{}{}
		<-leave
		mu.Lock()
		inFlight--
		mu.Unlock()
		reply(w, 200, `{}`)
	})
	c := f.open(t, Options{MaxConcurrent: 3})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := c.Get(t.Context(), vms, nil); err != nil {
				t.Error(err)
			}
		})
	}
	for range 3 {
		<-arrived
	}
	close(leave)
	wg.Wait()
	if most != 3 {
		t.Errorf("%d requests were in flight", most)
	}
}

func TestLimitFallsAndRises(t *testing.T) {
	l := newLimiter(nil, 8, time.Minute)
	now := time.Now()
	at := func(s int) time.Time { return now.Add(time.Duration(s) * time.Second) }
	take := func() {
		if err := l.acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	step := func(start, end int, bad bool, want int) {
		t.Helper()
		take()
		l.release(at(start), at(end), bad)
		if got := l.limit / place; got != want {
			t.Fatalf("the limit is %d, want %d", got, want)
		}
	}
	step(0, 1, false, 8)
	step(0, 2, true, 4)
	step(1, 3, true, 4) // it started before the limit fell
	step(3, 4, true, 2)
	step(5, 6, true, 1)
	step(7, 8, true, 1)
	for range place - 1 {
		step(9, 9, false, 1)
	}
	step(9, 9, false, 2)
	for range 100 {
		step(9, 9, false, l.limit/place+min(1, (l.limit%place+1)/place))
	}
	if l.limit != 8*place || l.inUse != 0 {
		t.Errorf("limit %d, %d in use", l.limit, l.inUse)
	}
}

func TestBusyAnswersLowerTheLimit(t *testing.T) {
	for _, fault := range []http.HandlerFunc{says(503, ""), says(429, ""), says(500, ""), hangUp} {
		f := newFake(t, fault)
		c := f.open(t, Options{MaxConcurrent: 8, MaxRetries: -1})
		if _, err := c.Get(t.Context(), vms, nil); err == nil {
			t.Fatal("no error")
		}
		if got := c.limiter.limit / place; got != 4 {
			t.Errorf("the limit is %d", got)
		}
	}
	f := newFake(t, says(400, ""))
	c := f.open(t, Options{MaxConcurrent: 8})
	if _, err := c.Get(t.Context(), vms, nil); err == nil {
		t.Fatal("no error")
	}
	if got := c.limiter.limit / place; got != 8 {
		t.Errorf("a refusal lowered the limit to %d", got)
	}
}

func TestSlowAnswersLowerTheLimit(t *testing.T) {
	f := newFake(t, says(200, `{}`))
	c := f.open(t, Options{MaxConcurrent: 8})
	c.limiter.slow = -1 // every answer is slower
	if _, err := c.Get(t.Context(), vms, nil); err != nil {
		t.Fatal(err)
	}
	if got := c.limiter.limit / place; got != 4 {
		t.Errorf("the limit is %d", got)
	}
}

func TestWhoStopsWaitingLeavesItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(nil, 1, time.Minute)
		if err := l.acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		order := make(chan string, 2)
		go func() {
			if err := l.acquire(ctx); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			order <- "gave up"
		}()
		synctest.Wait()
		go func() {
			if err := l.acquire(t.Context()); err != nil {
				t.Error(err)
			}
			order <- "went"
		}()
		synctest.Wait()
		if len(l.waiting) != 2 {
			t.Fatalf("%d wait", len(l.waiting))
		}
		cancel()
		synctest.Wait()
		l.release(time.Now(), time.Now(), false)
		if a, b := <-order, <-order; a != "gave up" || b != "went" {
			t.Errorf("%s, %s", a, b)
		}
		if l.inUse != 1 || len(l.waiting) != 0 {
			t.Errorf("%d in use, %d waiting", l.inUse, len(l.waiting))
		}
	})
}
