package run

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// started starts a run that works until told to go on, and reports what it does.
func started(m *Manager, key string, urgent bool, log *[]string, gate chan struct{}) *Run {
	return m.Start(Job{Key: key, Kind: key, Urgent: urgent, Do: func(ctx context.Context, r *Run) (*Result, error) {
		*log = append(*log, key+" begins")
		select {
		case <-gate:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		err := r.Pause(ctx)
		if errors.Is(err, ErrYield) {
			err = r.Yield(ctx)
		}
		if err != nil {
			return nil, err
		}
		*log = append(*log, key+" ends")
		return &Result{ID: r.ID, Outcome: OutcomeCompleted}, nil
	}})
}

func TestSameRunIsJoined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewManager(nil)
		var log []string
		gate := make(chan struct{})
		a := started(m, "full", false, &log, gate)
		if b := started(m, "full", false, &log, gate); a != b {
			t.Fatal("the same run asked for twice is two runs")
		}
		synctest.Wait()
		events, stop := a.Listen()
		defer stop()
		close(gate)
		for range events {
		}
		<-a.Done()
		if res, err := a.Result(); err != nil || res.Outcome != OutcomeCompleted {
			t.Fatalf("result %v, %v", res, err)
		}
		if c := started(m, "full", false, &log, gate); c == a {
			t.Fatal("an ended run was joined")
		} else {
			<-c.Done()
		}
	})
}

// TestRunThatStopsIsNotJoined: who asks for a run again that was cancelled or
// given up, and still ends its last batch, gets one of its own after it.
func TestRunThatStopsIsNotJoined(t *testing.T) {
	for name, stop := range map[string]func(m *Manager, r *Run){
		"cancelled": func(m *Manager, r *Run) { m.Cancel(r.ID) },
		"given up":  func(*Manager, *Run) { time.Sleep(2 * Abandoned) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := NewManager(nil)
				batch := make(chan struct{})
				a := m.Start(Job{Key: "full", Kind: "full", Do: func(ctx context.Context, _ *Run) (*Result, error) {
					<-batch
					return nil, ctx.Err()
				}})
				synctest.Wait()
				stop(m, a)
				var log []string
				b := started(m, "full", false, &log, batch)
				close(batch)
				<-a.Done()
				<-b.Done()
				if res, err := b.Result(); a == b || err != nil || res.Outcome != OutcomeCompleted {
					t.Errorf("the second run ended with %v, %v", res, err)
				}
			})
		})
	}
}

func TestUrgentRunGoesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewManager(nil)
		var log []string
		long, other, quick := make(chan struct{}), make(chan struct{}), make(chan struct{})
		a := started(m, "long", false, &log, long)
		synctest.Wait()
		b := started(m, "other", false, &log, other)
		c := started(m, "vm", true, &log, quick)
		synctest.Wait()
		close(long) // reaches its batch boundary
		synctest.Wait()
		close(quick)
		synctest.Wait()
		close(other)
		for _, r := range []*Run{a, b, c} {
			<-r.Done()
		}
		want := []string{"long begins", "vm begins", "vm ends", "long ends", "other begins", "other ends"}
		for i, w := range want {
			if log[i] != w {
				t.Fatalf("order %v", log)
			}
		}
		if len(log) != 6 {
			t.Fatalf("order %v", log)
		}
	})
}

func TestAbandonedAndCancelledRunsStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewManager(nil)
		var log []string
		never := make(chan struct{})
		a := started(m, "a", false, &log, never)
		_, stop := a.Listen()
		time.Sleep(2 * Abandoned)
		if a.stopping() {
			t.Fatal("a run with a listener was given up")
		}
		stop()
		<-a.Done()
		if _, err := a.Result(); !errors.Is(err, ErrAbandoned) {
			t.Fatalf("ended with %v", err)
		}
		b := started(m, "b", false, &log, never)
		if len(m.Active()) != 1 || !m.Cancel(b.ID) || m.Cancel("no such run") {
			t.Fatal("cancel does not find the run by its id")
		}
		<-b.Done()
		if _, err := b.Result(); !errors.Is(err, ErrCancelled) {
			t.Fatalf("ended with %v", err)
		}
		if len(m.Active()) != 0 {
			t.Fatal("an ended run is active")
		}
	})
}
