package server

import (
	"errors"
	"fmt"
	"time"

	"proxbox/internal/run"
)

// errGone is a client that went away.
var errGone = errors.New("the client is gone")

// told is a run that is told over a WebSocket.
type told struct {
	command command
	order   order
	*translator
	run    *run.Run
	events <-chan run.Event
	stop   func()
}

// count says every two seconds that it is still there, as the Python service
// does at this path.
func (c *socket) count() error {
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for n := 1; ; n++ {
		if err := c.text(fmt.Sprintf("Message: %d", n)); err != nil {
			return err
		}
		for waiting := true; waiting; {
			select {
			case <-tick.C:
				waiting = false
			case _, more := <-c.frames:
				if !more {
					return errGone
				}
			case <-c.check.C:
				if err := c.still(); err != nil {
					return err
				}
			case <-c.closing.Done():
				return stopping
			}
		}
	}
}

// obey greets and does what it is told.
func (c *socket) obey() error {
	for _, greeting := range []string{"Connected!", "Connected 2!"} {
		if err := c.text(greeting); err != nil {
			return err
		}
	}
	for {
		if err := c.step(); err != nil {
			return err
		}
	}
}

// syncGuests greets, syncs the virtual machines and closes.
func (c *socket) syncGuests() error {
	if err := c.text("Connected!"); err != nil {
		return err
	}
	c.pending = []command{{name: "Sync Virtual Machines"}}
	for {
		if err := c.step(); err != nil {
			return err
		}
		if c.told == nil && len(c.pending) == 0 {
			return finished
		}
	}
}

// step waits for the next thing to happen, and does what follows from it.
func (c *socket) step() error {
	if c.told == nil && len(c.pending) > 0 {
		next := c.pending[0]
		c.pending = c.pending[1:]
		return c.begin(next)
	}
	var events <-chan run.Event
	if c.told != nil {
		events = c.told.events
	}
	var written <-chan struct{}
	if c.logs != nil {
		written = c.logs.Wake()
	}
	select {
	case frame, more := <-c.frames:
		if !more {
			return errGone
		}
		return c.command(commandOf(frame))
	case e, more := <-events:
		if !more {
			return c.ended()
		}
		return c.tell(c.told.event(e)...)
	case <-written:
		return c.tellLog()
	case <-c.quiet.C:
		return c.json(socketFrame{Object: "keepalive"})
	case <-c.check.C:
		return c.still()
	case <-c.closing.Done():
		if c.told != nil {
			if err := c.tell(c.told.failed(errClosing)...); err != nil {
				return err
			}
		}
		return stopping
	}
}

// maxPending is how many commands may wait for the one that is being done.
const maxPending = 8

// command does what is asked for now, and remembers what has to wait.
func (c *socket) command(cmd command) error {
	if err := c.still(); err != nil {
		return err
	}
	o, known := orders[cmd.name]
	switch {
	case cmd.name == logsCommand:
		return c.readLogs(cmd)
	case !known:
		return c.invalid(cmd)
	case len(c.pending) >= maxPending:
		return c.frame(cmd, nil, socketFrames(o, newTranslator(run.Ask{Stage: o.stage}, "").failed(
			errors.New("too many commands wait for the one that is being done; send it again when that has ended"))...)...)
	}
	c.pending = append(c.pending, cmd)
	return nil
}

// invalid says that a command is none. What came as JSON is not repeated: it
// may be a key.
func (c *socket) invalid(cmd command) error {
	first := "Invalid sync command"
	if cmd.raw != "" {
		first = "Invalid command: " + clean(cut(cmd.raw, 100))
	}
	for _, text := range []string{first, validCommands} {
		if err := c.say(cmd, text); err != nil {
			return err
		}
	}
	return nil
}

// say sends a text, within a frame for a client that gave a run_id.
func (c *socket) say(cmd command, text string) error {
	if cmd.runID != "" {
		return c.json(messageFrame{text, cmd.runID})
	}
	return c.text(text)
}

// begin starts the run that a command asks for.
func (c *socket) begin(cmd command) error {
	o := orders[cmd.name]
	if o.echo {
		if err := c.say(cmd, cmd.name); err != nil {
			return err
		}
	}
	ask, err := c.ask(c.ctx, o.stage, nil, 0)
	var r *run.Run
	if err == nil {
		r, err = c.launcher.Start(ask)
	}
	if err != nil {
		return c.frame(cmd, nil, socketFrames(o, newTranslator(ask, "").failed(c.problem(c.ctx, err))...)...)
	}
	c.told = &told{command: cmd, order: o, translator: newTranslator(ask, r.ID), run: r}
	c.told.events, c.told.stop = r.Listen()
	return c.tell(c.told.begin()...)
}

// ended tells how the run ended.
func (c *socket) ended() error {
	<-c.told.run.Done()
	err := c.tell(c.told.end(c.told.run.Result())...)
	c.told.stop()
	c.told = nil
	return err
}

// tell sends what happened in the run that is told.
func (c *socket) tell(events ...frame) error {
	return c.frame(c.told.command, c.told.run, socketFrames(c.told.order, events...)...)
}

func (c *socket) frame(cmd command, r *run.Run, frames ...socketFrame) error {
	for _, f := range frames {
		f.RunID = cmd.runID
		if r != nil {
			f.OperationID = r.ID
		}
		if err := c.json(f); err != nil {
			return err
		}
	}
	return nil
}

// readLogs begins to tell the log, begins anew with other filters, or ends it.
func (c *socket) readLogs(cmd command) error {
	if cmd.err != nil {
		return c.json(socketFrame{Object: "log", Type: "error", RunID: cmd.runID, Data: map[string]string{"message": cmd.err.Error()}})
	}
	if c.logs != nil {
		c.logs.Close()
		c.logs = nil
	}
	if cmd.stop {
		return c.json(socketFrame{Object: "log", End: true, RunID: cmd.runID})
	}
	c.logs, c.logsID = c.Server.logs.Read(cmd.filter), cmd.runID
	return nil
}

func (c *socket) tellLog() error {
	for _, e := range c.logs.Next(logBatch) {
		if err := c.json(socketFrame{Object: "log", Type: "entry", Data: showEntry(e), RunID: c.logsID}); err != nil {
			return err
		}
	}
	return nil
}
