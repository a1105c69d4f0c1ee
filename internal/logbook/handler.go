package logbook

import (
	"context"
	"encoding"
	"encoding/json"
	"fmt"
	"log/slog"
	"path"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"proxbox/internal/secret"
)

// The bounds of one entry, in bytes.
const (
	maxMessage   = 8 << 10
	maxTraceback = 32 << 10
	maxField     = 256
)

// Handler returns a slog.Handler that writes records of a level and above to
// the book.
func (b *Book) Handler(level slog.Leveler) slog.Handler {
	return &handler{book: b, level: level}
}

type handler struct {
	book   *Book
	level  slog.Leveler
	prefix string // of the names of attributes: the open groups
	text   string // of the attributes that every record has
	fields fields
}

// fields are the attributes that an entry has a place of its own for.
type fields struct {
	run, operation, phase, resourceType, resourceID, traceback string
}

// place is where an attribute goes; nil when it belongs to the message.
func (f *fields) place(name string) *string {
	switch name {
	case "run":
		return &f.run
	case "operation":
		return &f.operation
	case "kind":
		if f.run != "" { // the run's kind; elsewhere it is anything's
			return &f.operation
		}
	case "phase":
		return &f.phase
	case "resource_type":
		return &f.resourceType
	case "resource_id":
		return &f.resourceID
	case "stack":
		return &f.traceback
	}
	return nil
}

// Enabled implements slog.Handler.
func (h *handler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level.Level() }

// Handle implements slog.Handler.
func (h *handler) Handle(_ context.Context, r slog.Record) error {
	f := h.fields
	var b strings.Builder
	b.WriteString(r.Message)
	b.WriteString(h.text)
	r.Attrs(func(a slog.Attr) bool {
		write(&b, &f, h.prefix, a)
		return true
	})
	e := &Entry{Time: r.Time, Level: levelOf(r.Level), Module: module(r.PC), Message: clean(b.String(), maxMessage),
		OperationID: clean(f.run, maxField), Operation: clean(f.operation, maxField), Phase: clean(f.phase, maxField),
		ResourceType: clean(f.resourceType, maxField), ResourceID: clean(f.resourceID, maxField), Traceback: clean(f.traceback, maxTraceback)}
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	h.book.add(e)
	return nil
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	out := *h
	var b strings.Builder
	for _, a := range attrs {
		write(&b, &out.fields, h.prefix, a)
	}
	out.text += b.String()
	return &out
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	out := *h
	if name != "" {
		out.prefix += name + "."
	}
	return &out
}

// write adds an attribute to its place, or to the message as name=value. One
// that says nothing is left out.
func write(b *strings.Builder, f *fields, prefix string, a slog.Attr) {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, inner := range v.Group() {
			write(b, f, prefix, inner)
		}
		return
	}
	value := text(v)
	if a.Key == "" || value == "" {
		return
	}
	if place := f.place(prefix + a.Key); place != nil {
		*place = value
		return
	}
	b.WriteByte(' ')
	b.WriteString(prefix)
	b.WriteString(a.Key)
	b.WriteByte('=')
	if strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r == '"' || r == '=' || r == utf8.RuneError || r == 0x7f }) {
		value = strconv.Quote(value)
	}
	b.WriteString(value)
}

// text is a value as it is read. A type that does not say how it is shown is
// shown as JSON, which no unexported field gets into.
func text(v slog.Value) string {
	if v.Kind() != slog.KindAny {
		return v.String()
	}
	switch x := v.Any().(type) {
	case nil:
		return ""
	case error:
		return safely(x.Error)
	case fmt.Stringer:
		return safely(x.String)
	case encoding.TextMarshaler, json.Marshaler:
	case []byte:
		return strconv.Itoa(len(x)) + " bytes"
	}
	raw, err := json.Marshal(v.Any())
	if err != nil {
		return fmt.Sprintf("%T", v.Any())
	}
	return string(raw)
}

// safely keeps a method that panics, as one of a nil pointer does, from
// ending what only wanted to be logged.
func safely(say func() string) (said string) {
	defer func() {
		if recover() != nil {
			said = "<nil>"
		}
	}()
	return say()
}

// clean takes out of a text what looks like a secret, and what is too much of
// it. The cut comes after, so that it leaves no half of a secret; what is much
// too long is cut before as well, and loses its last word.
func clean(text string, most int) string {
	if text == "" {
		return ""
	}
	if len(text) > 2*most {
		text = text[:2*most]
		if at := strings.LastIndexAny(text, " \n\"',;&"); at > 0 {
			text = text[:at]
		}
	}
	text = strings.ToValidUTF8(secret.Redact(text), "\uFFFD")
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most] + "…"
}

// modules are the packages by the program counter of who logged.
var modules sync.Map

// module is the package that logged a record.
func module(pc uintptr) string {
	if pc == 0 {
		return ""
	}
	if known, ok := modules.Load(pc); ok {
		return known.(string)
	}
	frame, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	name := packageOf(frame.Function)
	modules.Store(pc, name)
	return name
}

// packageOf is the package of a function, without what all have in common.
func packageOf(function string) string {
	dir, base := path.Split(function)
	base, _, _ = strings.Cut(base, ".")
	parts := strings.Split(dir+base, "/")
	if at := slices.Index(parts, "internal"); at >= 0 && at+1 < len(parts) {
		parts = parts[at+1:]
	}
	return strings.Join(parts, "/")
}
