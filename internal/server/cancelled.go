package server

import (
	"errors"
	"net/http"
	"sync"
	"time"

	"proxbox/internal/run"
)

// cancelHolds is how long a client that was told that a run was cancelled is
// kept from beginning it again, once.
const cancelHolds = 20 * time.Second

// cancels are the runs that a person cancelled while a client followed them. The
// plugin takes the end of such a stream for a failure and asks for the stage
// again, 8 seconds later; after a 409 it does not.
type cancels struct {
	mu  sync.Mutex
	all map[cancelled]cancellation
}

// cancelled is what was asked for, and by whom.
type cancelled struct{ client, ask string }

type cancellation struct {
	run string
	at  time.Time
}

// ended notes a run that ended under the eyes of a client, if it was cancelled.
// A full update is a person's to begin anew; the plugin asks for stages.
func (c *cancels) ended(client string, ask run.Ask, r *run.Run) {
	if _, err := r.Result(); !errors.Is(err, run.ErrCancelled) || r.Kind == run.FullUpdate.Name {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		c.all = map[cancelled]cancellation{}
	}
	for key, t := range c.all {
		if time.Since(t.at) > cancelHolds {
			delete(c.all, key)
		}
	}
	c.all[cancelled{client, ask.Key()}] = cancellation{r.ID, time.Now()}
}

// again is the answer to who asks for what was cancelled; nil for anybody else,
// and for who asks once more.
func (c *cancels) again(client string, ask run.Ask) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := cancelled{client, ask.Key()}
	t, was := c.all[key]
	delete(c.all, key)
	if !was || time.Since(t.at) > cancelHolds {
		return nil
	}
	e := fail(http.StatusConflict, "Run %s of this was cancelled, so that it is not tried again by itself. Start the sync anew to have it done.", t.run)
	e.Message, e.Code, e.Run = "The sync was cancelled", "sync_cancelled", t.run
	return e
}
