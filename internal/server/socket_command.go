package server

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"

	"proxbox/internal/logbook"
	"proxbox/internal/run"
)

// command is what a client asks for over a WebSocket.
type command struct {
	name  string
	runID string // of the client's own; its frames have it
	raw   string // as it came, when it is none that we know
	// Of the command logs.
	filter logbook.Filter
	stop   bool
	err    error // of its filters
}

// order is what a command does.
type order struct {
	stage  run.Stage
	object string // whose end ends it
	echo   bool
}

// orders are the commands that start runs.
var orders = map[string]order{
	"Full Update":           {stage: run.FullUpdate, object: fullUpdateObject},
	"Full Update Sync":      {stage: run.FullUpdate, object: fullUpdateObject},
	"Sync Nodes":            {stage: stageOfWire("devices").stage(), object: deviceObject, echo: true},
	"Sync Virtual Machines": {stage: stageOfWire("virtual-machines").stage(), object: guestObject},
}

const (
	logsCommand   = "logs"
	validCommands = "Valid commands: 'Sync Nodes', 'Sync Virtual Machines', 'Full Update Sync'"
)

// usableRunID is a run_id as the plugin makes them.
var usableRunID = regexp.MustCompile(`^[A-Za-z0-9_-]{8,64}$`)

// commandOf reads a command: its name, or a JSON object with its name and a
// run_id.
func commandOf(frame string) command {
	frame = strings.TrimSpace(frame)
	if !strings.HasPrefix(frame, "{") {
		if _, known := orders[frame]; known {
			return command{name: frame}
		}
		return command{raw: frame}
	}
	var in struct {
		Command     string  `json:"command"`
		RunID       *string `json:"run_id"`
		Level       string  `json:"level"`
		ErrorsOnly  bool    `json:"errors_only"`
		OperationID string  `json:"operation_id"`
		NewerThanID any     `json:"newer_than_id"`
		Stop        bool    `json:"stop"`
	}
	d := json.NewDecoder(strings.NewReader(frame))
	d.UseNumber()
	if d.Decode(&in) != nil {
		return command{}
	}
	var c command
	if in.RunID != nil {
		if !usableRunID.MatchString(*in.RunID) {
			return command{}
		}
		c.runID = *in.RunID
	}
	name := strings.TrimSpace(in.Command)
	if _, known := orders[name]; known {
		c.name = name
		return c
	}
	if name != logsCommand {
		return c
	}
	c.name, c.stop = name, in.Stop
	query := url.Values{"level": {in.Level}, "operation_id": {in.OperationID}}
	switch id := in.NewerThanID.(type) {
	case nil:
	case string:
		query.Set("newer_than_id", id)
	case json.Number:
		query.Set("newer_than_id", id.String())
	default:
		query.Set("newer_than_id", "?")
	}
	c.filter, c.err = filterOf(query)
	c.filter.ErrorsOnly = in.ErrorsOnly
	return c
}
