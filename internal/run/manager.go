package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Abandoned is how long a run goes on that nobody listens to: the plugin's
// retries come back within a minute.
const Abandoned = 90 * time.Second

// Errors of runs that were ended from outside.
var (
	ErrCancelled = errors.New("the run was cancelled")
	ErrAbandoned = errors.New("nobody listened to the run any more")
)

// ErrYield is not an error: a more urgent run waits for its turn.
var ErrYield = errors.New("a more urgent run goes first")

// Manager lets one run at a time write to NetBox. The same run asked for twice
// is one run with two listeners; another waits, and one for a single object
// goes first, between two batches of a long one.
type Manager struct {
	mu      sync.Mutex
	runs    []*Run // not ended, oldest first
	writing *Run
	waiting []*ticket
	now     func() time.Time
	ended   func(*Run)
}

// ticket is a place in the queue for NetBox.
type ticket struct {
	run   *Run
	ready chan struct{}
}

// NewManager returns a manager. ended, if not nil, is told each run that ends.
func NewManager(ended func(*Run)) *Manager {
	return &Manager{now: time.Now, ended: ended}
}

// Job is what a run does; it gets a context that ends when the run is to stop.
type Job struct {
	Key    string // equal keys are the same run: scope, flags and endpoints
	Kind   string // "full-update", "virtual-machines", ...
	Urgent bool   // for one object: goes before longer runs
	Do     func(ctx context.Context, r *Run) (*Result, error)
}

// Run is one run, going on or ended.
type Run struct {
	ID      string
	Kind    string
	Started time.Time

	job       Job
	m         *Manager
	cancel    context.CancelCauseFunc
	toStop    <-chan struct{} // closed once it is cancelled or given up
	done      chan struct{}
	mu        sync.Mutex
	history   []Event
	diary     *diary // nil before the run began
	listeners map[chan Event]bool
	idle      *time.Timer
	result    *Result
	err       error
}

// maxHistory is how many events a late listener still gets.
const maxHistory = 500

// Start begins a run, or joins the one of the same key that neither has ended
// nor is about to.
func (m *Manager) Start(job Job) *Run {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.runs {
		if r.job.Key == job.Key && !r.stopping() {
			return r
		}
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	r := &Run{ID: uuid.NewString(), Kind: job.Kind, Started: m.now(), job: job, m: m, cancel: cancel, toStop: ctx.Done(),
		done: make(chan struct{}), listeners: map[chan Event]bool{}}
	m.runs = append(m.runs, r)
	r.idle = time.AfterFunc(Abandoned, func() { cancel(ErrAbandoned) })
	go m.carry(ctx, r)
	return r
}

func (m *Manager) carry(ctx context.Context, r *Run) {
	res, err := m.turn(ctx, r)
	if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(err, cause) {
		err = fmt.Errorf("%w: %w", cause, err)
	}
	m.mu.Lock()
	m.runs = slices.DeleteFunc(m.runs, func(o *Run) bool { return o == r })
	m.mu.Unlock()
	r.mu.Lock()
	r.result, r.err = res, err
	r.idle.Stop()
	for ch := range r.listeners {
		close(ch)
	}
	r.listeners = nil
	r.mu.Unlock()
	r.cancel(nil)
	if m.ended != nil {
		m.ended(r)
	}
	close(r.done)
}

// turn waits for NetBox and does the job.
func (m *Manager) turn(ctx context.Context, r *Run) (*Result, error) {
	if err := m.acquire(ctx, r, false); err != nil {
		return nil, err
	}
	defer m.release(r)
	return r.job.Do(ctx, r)
}

// acquire waits until no other run writes. One that goes on after it yielded
// comes before those that have not begun.
func (m *Manager) acquire(ctx context.Context, r *Run, goesOn bool) error {
	m.mu.Lock()
	if m.writing == nil && len(m.waiting) == 0 {
		m.writing = r
		m.mu.Unlock()
		return nil
	}
	t := &ticket{run: r, ready: make(chan struct{})}
	at := len(m.waiting)
	if r.job.Urgent || goesOn {
		at = slices.IndexFunc(m.waiting, func(o *ticket) bool { return !o.run.job.Urgent })
		if at < 0 {
			at = len(m.waiting)
		}
	}
	m.waiting = slices.Insert(m.waiting, at, t)
	first := m.writing
	m.mu.Unlock()
	if first != nil {
		r.Emit(Event{Step: &Step{Name: "wait", Status: Progress, Message: fmt.Sprintf("Waiting for the %s run %s", first.Kind, first.ID)}})
	}
	select {
	case <-t.ready:
		return nil
	case <-ctx.Done():
		m.mu.Lock()
		defer m.mu.Unlock()
		if i := slices.Index(m.waiting, t); i >= 0 {
			m.waiting = slices.Delete(m.waiting, i, i+1)
		} else if m.writing == r {
			m.next()
		}
		return context.Cause(ctx)
	}
}

func (m *Manager) release(r *Run) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.writing == r {
		m.next()
	}
}

// next gives NetBox to the first who waits. m.mu is held.
func (m *Manager) next() {
	m.writing = nil
	if len(m.waiting) > 0 {
		t := m.waiting[0]
		m.waiting = m.waiting[1:]
		m.writing = t.run
		close(t.ready)
	}
}

// Pause implements Turn.
func (r *Run) Pause(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if r.job.Urgent {
		return nil
	}
	r.m.mu.Lock()
	defer r.m.mu.Unlock()
	if len(r.m.waiting) > 0 && r.m.waiting[0].run.job.Urgent {
		return ErrYield
	}
	return nil
}

// Yield implements Turn.
func (r *Run) Yield(ctx context.Context) error {
	r.m.release(r)
	return r.m.acquire(ctx, r, true)
}

// Active lists the runs that have not ended, oldest first.
func (m *Manager) Active() []*Run {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.runs)
}

// Cancel stops a run at its next batch boundary; false when there is none of
// that id.
func (m *Manager) Cancel(id string) bool {
	for _, r := range m.Active() {
		if r.ID == id {
			r.cancel(ErrCancelled)
			return true
		}
	}
	return false
}

// Shutdown stops all runs and waits for them.
func (m *Manager) Shutdown(ctx context.Context) error {
	runs := m.Active()
	for _, r := range runs {
		r.cancel(ErrCancelled)
	}
	for _, r := range runs {
		select {
		case <-r.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// stopping tells whether the run ended, or is on its last batch because it was
// told to.
func (r *Run) stopping() bool {
	select {
	case <-r.toStop:
		return true
	default:
		return false
	}
}

// Emit tells an event to everyone who listens. A listener that does not keep
// up loses events, never the run its time.
func (r *Run) Emit(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.diary != nil {
		r.diary.note(e)
	}
	r.history = append(r.history, e)
	if len(r.history) > maxHistory {
		r.history = slices.Delete(r.history, 0, len(r.history)-maxHistory)
	}
	for ch := range r.listeners {
		select {
		case ch <- e:
		default:
		}
	}
}

// Listen returns what happened so far and what happens from now on; the
// channel is closed when the run ends. stop must be called.
func (r *Run) Listen() (events <-chan Event, stop func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ch := make(chan Event, maxHistory+4096)
	for _, e := range r.history {
		ch <- e
	}
	if r.listeners == nil {
		close(ch)
		return ch, func() {}
	}
	r.listeners[ch] = true
	r.idle.Stop()
	return ch, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.listeners == nil || !r.listeners[ch] {
			return
		}
		delete(r.listeners, ch)
		if len(r.listeners) == 0 {
			r.idle.Reset(Abandoned)
		}
	}
}

// Done is closed when the run has ended.
func (r *Run) Done() <-chan struct{} { return r.done }

// Result is how an ended run ended; call it after Done.
func (r *Run) Result() (*Result, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.result, r.err
}
