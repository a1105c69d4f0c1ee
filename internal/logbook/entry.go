package logbook

import (
	"encoding/json"
	"log/slog"
	"regexp"
	"strconv"
	"time"
)

// Entry is a record of the log as it is kept. It is never changed.
type Entry struct {
	Seq          uint64 // numbers the entries, without gaps
	Time         time.Time
	Level        Level
	Module       string // the package that logged it
	Message      string // with the record's attributes, but for those below
	OperationID  string // of the run that it belongs to
	Operation    string // the run's kind
	Phase        string
	ResourceType string
	ResourceID   string
	Traceback    string // of a panic
}

// ID is the number as the wire has it.
func (e *Entry) ID() string { return strconv.FormatUint(e.Seq, 10) }

// MarshalJSON implements json.Marshaler: what there is none of is null.
func (e *Entry) MarshalJSON() ([]byte, error) {
	type expandable struct {
		Traceback string `json:"traceback"`
	}
	out := struct {
		ID           string      `json:"id"`
		Timestamp    string      `json:"timestamp"`
		Level        Level       `json:"level"`
		Module       string      `json:"module"`
		Message      string      `json:"message"`
		OperationID  *string     `json:"operation_id"`
		Operation    *string     `json:"operation"`
		Phase        *string     `json:"phase"`
		ResourceType *string     `json:"resource_type"`
		ResourceID   *string     `json:"resource_id"`
		Expandable   *expandable `json:"expandable"`
	}{e.ID(), e.Time.UTC().Format("2006-01-02T15:04:05.000000-07:00"), e.Level, e.Module, e.Message,
		some(e.OperationID), some(e.Operation), some(e.Phase), some(e.ResourceType), some(e.ResourceID), nil}
	if e.Traceback != "" {
		out.Expandable = &expandable{e.Traceback}
	}
	return json.Marshal(out)
}

func some(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

var errorWords = regexp.MustCompile(`(?i)\b(?:error|failed|failure|exception|traceback|fatal|critical|panicked)\b`)

// OfError tells whether the entry has to do with an error, whatever its level.
func (e *Entry) OfError() bool {
	return e.Level == Error || e.Level == Critical || e.Traceback != "" || errorWords.MatchString(e.Message)
}

// size is about how many bytes the entry takes.
func (e *Entry) size() int {
	const fixed = 256 // the struct, its place in the book, what the allocator adds
	return fixed + len(e.Message) + len(e.Traceback) + len(e.OperationID) + len(e.Operation) +
		len(e.Phase) + len(e.ResourceType) + len(e.ResourceID)
}

// Level is a level of the log by the name that the wire has for it.
type Level string

// The levels. Nothing in the program logs Critical; who asks for it gets none.
const (
	Debug    Level = "DEBUG"
	Info     Level = "INFO"
	Warning  Level = "WARNING"
	Error    Level = "ERROR"
	Critical Level = "CRITICAL"
)

// Levels are all of them, the least first.
var Levels = []Level{Debug, Info, Warning, Error, Critical}

func levelOf(l slog.Level) Level {
	switch {
	case l >= slog.LevelError:
		return Error
	case l >= slog.LevelWarn:
		return Warning
	case l >= slog.LevelInfo:
		return Info
	}
	return Debug
}
