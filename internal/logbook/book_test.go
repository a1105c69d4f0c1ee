package logbook

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"proxbox/internal/domain"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newBook() (*Book, *slog.Logger) {
	b := New(MaxEntries, MaxBytes)
	return b, slog.New(b.Handler(slog.LevelDebug))
}

// only is the one entry of a book.
func only(t *testing.T, b *Book) *Entry {
	t.Helper()
	page, total := b.Page(Filter{}, 0, 10)
	if total != 1 {
		t.Fatalf("%d entries", total)
	}
	return page[0]
}

type opaque struct {
	Name   string
	token  domain.Secret
	Public domain.Secret
}

type nilError struct{ text string }

func (e *nilError) Error() string { return e.text }

func TestHandler(t *testing.T) {
	for name, c := range map[string]struct {
		log  func(*slog.Logger)
		want Entry
	}{
		"a run's record": {
			func(l *slog.Logger) {
				l.With("run", "r-1", "kind", "full-update").Info("the run ended", "outcome", "completed", "created", 3)
			},
			Entry{Level: Info, Message: "the run ended outcome=completed created=3", OperationID: "r-1", Operation: "full-update"},
		},
		"all that has a place": {
			func(l *slog.Logger) {
				l.Warn("not done", "run", "r-1", "operation", "devices", "phase", "apply", "resource_type", "virtual_machine", "resource_id", 7)
			},
			Entry{Level: Warning, Message: "not done", OperationID: "r-1", Operation: "devices", Phase: "apply", ResourceType: "virtual_machine", ResourceID: "7"},
		},
		"a kind of something else": {
			func(l *slog.Logger) { l.Debug("read", "kind", "dcim.device") }, Entry{Level: Debug, Message: "read kind=dcim.device"},
		},
		"groups and quotes": {
			func(l *slog.Logger) {
				l.WithGroup("a").With("b", "x y").WithGroup("").Info("m", slog.Group("g", "c", `say "hi"`), slog.Group("", "d", 1), "e", "")
			},
			Entry{Level: Info, Message: `m a.b="x y" a.g.c="say \"hi\"" a.d=1`},
		},
		"a run in a group is no run": {
			func(l *slog.Logger) { l.WithGroup("a").Info("m", "run", "r") }, Entry{Level: Info, Message: "m a.run=r"},
		},
		"errors": {
			func(l *slog.Logger) {
				l.Error("m", "error", errors.New("no way"), "other", error(nil), "nil", (*nilError)(nil))
			},
			Entry{Level: Error, Message: `m error="no way" nil=<nil>`},
		},
		"secrets": {
			func(l *slog.Logger) {
				l.Info("with token=abcdefgh12345", "password", "hunter22hunter22", "key", domain.Secret("k3y-of-somebody"), "all",
					opaque{"n", "hidden-token-1", "public-token-2"}, "header", "Authorization: Bearer abcdefghijkl")
			},
			Entry{Level: Info, Message: `with token=[REDACTED] password=[REDACTED] key=[REDACTED] all="{\"Name\":\"n\",\"Public\":\"********\"}" header="Authorization: Bearer [REDACTED]"`},
		},
		"bytes and what cannot be shown": {
			func(l *slog.Logger) { l.Info("m", "raw", []byte("password"), "f", func() {}, "took", time.Second) },
			Entry{Level: Info, Message: `m raw="8 bytes" f=func() took=1s`},
		},
		"a panic": {
			func(l *slog.Logger) { l.Error("a handler panicked", "stack", "goroutine 1\napi_key=abcdefgh") },
			Entry{Level: Error, Message: "a handler panicked", Traceback: "goroutine 1\napi_key=[REDACTED]"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, log := newBook()
			c.log(log)
			got := *only(t, b)
			if got.Module != "logbook" || got.Time.IsZero() || got.Seq == 0 {
				t.Errorf("module %q, time %v, number %d", got.Module, got.Time, got.Seq)
			}
			c.want.Seq, c.want.Time, c.want.Module = got.Seq, got.Time, got.Module
			if got != c.want {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestLevels(t *testing.T) {
	b := New(10, MaxBytes)
	log := slog.New(b.Handler(slog.LevelWarn))
	log.Debug("d")
	log.Info("i")
	log.Warn("w")
	log.Error("e")
	page, _ := b.Page(Filter{}, 0, 10)
	if len(page) != 2 || page[0].Level != Error || page[1].Level != Warning {
		t.Errorf("%+v", page)
	}
}

func TestPackageOf(t *testing.T) {
	for function, want := range map[string]string{
		"proxbox/internal/run.(*Launcher).end":       "run",
		"proxbox/internal/sim/netbox.New.func1":      "sim/netbox",
		"main.(*program).serve":                      "main",
		"proxbox/cmd/proxbox-api.(*service).close":   "proxbox/cmd/proxbox-api",
		"github.com/luthermonson/go-proxmox.(*C).Do": "github.com/luthermonson/go-proxmox",
		"": "",
	} {
		if got := packageOf(function); got != want {
			t.Errorf("%q: %q, want %q", function, got, want)
		}
	}
}

func TestPage(t *testing.T) {
	b, log := newBook()
	start := time.Now()
	for i := range 10 {
		l := log
		if i%2 == 1 {
			l = log.With("run", "odd")
		}
		switch i {
		case 3:
			l.Error("broken")
		case 4:
			l.Info("a request failed")
		default:
			l.Info(fmt.Sprint(i))
		}
	}
	all, _ := b.Page(Filter{}, 0, 100)
	first := all[9].Seq
	for name, c := range map[string]struct {
		f             Filter
		offset, limit int
		want          string // by position
		total         int
	}{
		"all, the newest first": {Filter{}, 0, 100, "9876543210", 10},
		"a page":                {Filter{}, 2, 3, "765", 10},
		"past the end":          {Filter{}, 20, 3, "", 10},
		"newer":                 {Filter{NewerThan: first + 6}, 0, 100, "987", 3},
		"older":                 {Filter{OlderThan: first + 3}, 0, 100, "210", 3},
		"between":               {Filter{NewerThan: first + 1, OlderThan: first + 4}, 0, 100, "32", 2},
		"a level":               {Filter{Level: Error}, 0, 100, "3", 1},
		"a level of none":       {Filter{Level: Critical}, 0, 100, "", 0},
		"errors of any level":   {Filter{ErrorsOnly: true, Level: Debug}, 0, 100, "43", 2},
		"a run":                 {Filter{OperationID: "odd"}, 1, 2, "75", 5},
		"since the start":       {Filter{Since: start.Add(-time.Hour)}, 0, 100, "9876543210", 10},
		"since later":           {Filter{Since: start.Add(time.Hour)}, 0, 100, "", 0},
	} {
		page, total := b.Page(c.f, c.offset, c.limit)
		got := ""
		for _, e := range page {
			got += fmt.Sprint(e.Seq - first)
		}
		if got != c.want || total != c.total || page == nil {
			t.Errorf("%s: %q of %d, want %q of %d", name, got, total, c.want, c.total)
		}
	}
}

// Whatever is written, the book holds the newest entries without a gap, within
// its bounds, and a reader that keeps up gets each once and in order.
func TestBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most, bytes := rapid.IntRange(1, 20).Draw(t, "entries"), rapid.IntRange(1, 8000).Draw(t, "bytes")
		b := New(most, bytes)
		log := slog.New(b.Handler(slog.LevelInfo))
		r := b.Read(Filter{})
		defer r.Close()
		before := b.last
		var read []uint64
		sizes := rapid.SliceOf(rapid.IntRange(0, 3000)).Draw(t, "sizes")
		for i, size := range sizes {
			log.Info(strings.Repeat("x", size))
			for _, e := range r.Next(5) {
				read = append(read, e.Seq)
			}
			page, total := b.Page(Filter{}, 0, 100)
			sum := 0
			for j, e := range page {
				sum += e.size()
				if e.Seq != before+uint64(i+1-j) {
					t.Fatalf("entry %d of the page is number %d", j, e.Seq)
				}
			}
			if total == 0 || total > most || sum > bytes && total > 1 || sum != b.bytes {
				t.Fatalf("%d entries of %d bytes (%d), bounds %d and %d", total, sum, b.bytes, most, bytes)
			}
		}
		if len(read) != len(sizes) {
			t.Fatalf("%d of %d were read", len(read), len(sizes))
		}
		for i, seq := range read {
			if seq != before+uint64(i)+1 {
				t.Fatalf("read %v", read)
			}
		}
	})
}

func TestReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, log := newBook()
		for i := range Backlog + 50 {
			log.Info(fmt.Sprint(i))
		}
		log.Error("last")
		r := b.Read(Filter{Level: Info})
		defer r.Close()
		var got []string
		read := func() {
			for {
				synctest.Wait()
				select {
				case <-r.Wake():
					for _, e := range r.Next(7) {
						got = append(got, e.Message)
					}
				default:
					return
				}
			}
		}
		read()
		if len(got) != Backlog || got[0] != "50" || got[Backlog-1] != "249" {
			t.Errorf("the backlog: %d, %q to %q", len(got), got[0], got[len(got)-1])
		}
		got = nil
		for i := range 30 {
			log.Info(fmt.Sprint("new ", i))
			log.Warn("other")
		}
		read()
		if len(got) != 30 || got[0] != "new 0" || got[29] != "new 29" {
			t.Errorf("what came: %v", got)
		}
	})
}

// A reader that does not read costs the log nothing, and goes on with what
// there still is.
func TestSlowReader(t *testing.T) {
	b := New(100, MaxBytes)
	log := slog.New(b.Handler(slog.LevelInfo))
	slow := b.Read(Filter{})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 500 {
				log.Info("m", "writer", i, "record", j)
			}
		})
	}
	wg.Wait()
	got := slow.Next(1000)
	if len(got) != 100 || got[99].Seq != b.last {
		t.Errorf("%d entries", len(got))
	}
	slow.Close()
	if len(b.readers) != 0 {
		t.Error("a reader that is closed is kept")
	}
}

// What is much too long is cut, and holds no half of a secret.
func TestLongText(t *testing.T) {
	b, log := newBook()
	log.Info(strings.Repeat("é", maxMessage), "run", strings.Repeat("r", 2*maxField), "stack", strings.Repeat("token=abcdefgh ", maxTraceback))
	e := only(t, b)
	if len(e.Message) > maxMessage+3 || len(e.OperationID) > maxField+3 || len(e.Traceback) > maxTraceback+3 || strings.Contains(e.Traceback, "abcdefgh") {
		t.Errorf("%d, %d, %d bytes", len(e.Message), len(e.OperationID), len(e.Traceback))
	}
	if !strings.HasPrefix(e.Message, "é") || strings.Contains(e.Message, "\uFFFD") || !strings.HasSuffix(e.Message, "…") {
		t.Errorf("the text is cut in the middle of a letter: %q", e.Message[len(e.Message)-8:])
	}
}

func BenchmarkHandler(b *testing.B) {
	book, log := newBook()
	log = log.With("run", "0b1f2e64-7a3a-4a0e-9a3e-2f9a3b1c4d5e")
	b.ReportAllocs()
	for b.Loop() {
		log.Info("request", "id", "0b1f2e64-7a3a-4a0e-9a3e-2f9a3b1c4d5e", "method", "GET", "path", "/virtualization/virtual-machines/create/stream",
			"status", 200, "bytes", 123456, "duration", 123*time.Millisecond, "client", "192.0.2.1")
	}
	if _, total := book.Page(Filter{}, 0, 1); total == 0 {
		b.Error("nothing was kept")
	}
}
