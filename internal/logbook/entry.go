package logbook

import (
	"log/slog"
	"regexp"
	"time"
)

// Entry is a record of the log as it is kept. Nobody changes it.
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
