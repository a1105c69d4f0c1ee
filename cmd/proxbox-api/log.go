package main

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"time"

	"proxbox/internal/secret"
	"proxbox/internal/settings"
)

// newLog is the service's log: one plain line a record, without secrets.
// On a terminal the lines begin with the time of day alone.
func newLog(w io.Writer, level slog.Leveler, terminal bool) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if terminal {
		options.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				a.Value = slog.StringValue(a.Value.Time().Format(time.TimeOnly))
			}
			return a
		}
	}
	return slog.New(slog.NewTextHandler(redacting{w}, options))
}

// redacting takes out of every line what looks like a secret. The handler
// writes a record with one call.
type redacting struct{ w io.Writer }

func (r redacting) Write(line []byte) (int, error) {
	if _, err := io.WriteString(r.w, secret.Redact(string(line))); err != nil {
		return 0, err
	}
	return len(line), nil
}

// spoken is the log of a command: warnings and errors as sentences. What
// belongs to a run is left out, for the command itself says how that ended.
type spoken struct {
	say   func(format string, args ...any)
	level slog.Level
	ofRun bool
	attrs []slog.Attr
}

func (s *spoken) Enabled(_ context.Context, l slog.Level) bool { return l >= s.level }

func (s *spoken) Handle(_ context.Context, r slog.Record) error {
	if s.ofRun {
		return nil
	}
	var b strings.Builder
	b.WriteString(r.Message)
	add := func(a slog.Attr) bool {
		b.WriteString("; " + strings.ReplaceAll(a.Key, "_", " ") + ": " + a.Value.Resolve().String())
		return true
	}
	for _, a := range s.attrs {
		add(a)
	}
	r.Attrs(add)
	s.say("%s", b.String())
	return nil
}

func (s *spoken) WithAttrs(attrs []slog.Attr) slog.Handler {
	out := *s
	out.attrs = append(out.attrs[:len(out.attrs):len(out.attrs)], attrs...)
	for _, a := range attrs {
		out.ofRun = out.ofRun || a.Key == "run"
	}
	return &out
}

func (s *spoken) WithGroup(string) slog.Handler { return s }

// commandLog is the log of a command that is no service: its own sentences,
// unless PROXBOX_LOG_LEVEL asks for the log as it is.
func (p *program) commandLog(v *settings.Values) *slog.Logger {
	if settings.LogLevel.Source(v) == settings.FromEnvironment {
		return newLog(p.stderr, settings.LogLevel.In(v), onTerminal(p.stderr))
	}
	return slog.New(&spoken{say: p.say, level: slog.LevelWarn})
}
