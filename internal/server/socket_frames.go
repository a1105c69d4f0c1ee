package server

import (
	"proxbox/internal/domain"
	"proxbox/internal/run"
)

// The objects whose end lets the plugin's buttons go.
const (
	deviceObject     = "device"
	guestObject      = "virtual_machine"
	fullUpdateObject = "full-update"
)

// socketFrame is what a WebSocket says of a run and of the log.
type socketFrame struct {
	Object      string `json:"object"`
	Type        string `json:"type,omitempty"`
	Data        any    `json:"data,omitempty"`
	End         bool   `json:"end,omitempty"`
	Status      string `json:"status,omitempty"` // of an end: completed, failed
	OperationID string `json:"operation_id,omitempty"`
	RunID       string `json:"run_id,omitempty"` // the client's
}

// messageFrame is a text for a client that gave a run_id.
type messageFrame struct {
	Message string `json:"message"`
	RunID   string `json:"run_id"`
}

// rowData is an object as the plugin's tables show it. Everything in it is
// plain text.
type rowData struct {
	Completed  bool         `json:"completed"`
	SyncStatus string       `json:"sync_status"` // created, updated, deleted, skipped, failed
	RowID      string       `json:"rowid"`
	Name       string       `json:"name"`
	Message    string       `json:"message"`
	Progress   progressData `json:"progress"`
	Error      string       `json:"error,omitempty"`
	Warning    string       `json:"warning,omitempty"`
}

// types are the operations of item_progress by their names here.
var types = map[string]string{"created": "create", "updated": "update", "deleted": "delete"}

// socketFrames are server-sent events as a WebSocket tells them. o is what the
// run was ordered as.
func socketFrames(o order, events ...frame) []socketFrame {
	var out []socketFrame
	for _, e := range events {
		switch d := e.data.(type) {
		case stepData:
			out = append(out, socketFrame{Object: "step", Type: d.Status, Data: d})
		case substepData:
			out = append(out, socketFrame{Object: "step", Type: d.Status, Data: d})
		case discoveryData:
			out = append(out, socketFrame{Object: "discovery", Type: d.Status, Data: d})
		case itemProgressData:
			out = append(out, rowFrame(d))
		case phaseSummaryData:
			out = append(out, socketFrame{Object: "summary", Type: d.Status, Data: d})
		case errorDetailData:
			out = append(out, socketFrame{Object: "error", Type: string(d.Category), Data: d})
		case completeData:
			out = append(out, endFrames(o, d)...)
		}
	}
	return out
}

func rowFrame(d itemProgressData) socketFrame {
	f := socketFrame{Object: d.Item.ItemType, Type: types[d.Operation], Data: rowData{
		Completed: d.Status == "completed" && d.Warning == "", SyncStatus: d.Operation, RowID: d.Item.Name, Name: d.Item.Name,
		Message: d.Message, Progress: d.Progress, Error: d.Error, Warning: d.Warning,
	}}
	if f.Object == itemOfObject(domain.KindVirtualMachine, "").ItemType {
		f.Object = guestObject
	}
	if f.Type == "" {
		f.Type = d.Operation
	}
	return f
}

// endFrames end a run. A full update ends what it is made of first, and itself
// last of all: the plugin 0.0.15 waits for its virtual machines' end.
func endFrames(o order, d completeData) []socketFrame {
	status := string(run.Completed)
	if !d.OK {
		status = string(run.Broken)
	}
	end := socketFrame{Object: o.object, End: true, Status: status, Data: d}
	if o.object != fullUpdateObject {
		return []socketFrame{end}
	}
	return []socketFrame{{Object: deviceObject, End: true, Status: status}, {Object: guestObject, End: true, Status: status}, end}
}
