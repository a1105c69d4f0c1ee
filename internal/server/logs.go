package server

import (
	"context"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"proxbox/internal/logbook"
)

const logsPath = "/admin/logs"

// logEntry is an entry of the log as the wire has it.
type logEntry struct {
	ID           string        `json:"id" doc:"A number that grows from entry to entry, over restarts too"`
	Timestamp    string        `json:"timestamp"`
	Level        logbook.Level `json:"level" enum:"DEBUG,INFO,WARNING,ERROR,CRITICAL"`
	Module       string        `json:"module" doc:"The part of the program that logged it"`
	Message      string        `json:"message"`
	OperationID  *string       `json:"operation_id" doc:"The run that it belongs to"`
	Operation    *string       `json:"operation" doc:"The kind of that run"`
	Phase        *string       `json:"phase"`
	ResourceType *string       `json:"resource_type"`
	ResourceID   *string       `json:"resource_id"`
	Expandable   *logDetail    `json:"expandable"`
}

type logDetail struct {
	Traceback string `json:"traceback"`
}

// TransformSchema implements huma.SchemaTransformer: an object that may be null
// cannot be a reference.
func (logEntry) TransformSchema(r huma.Registry, schema *huma.Schema) *huma.Schema {
	detail := *r.Schema(reflect.TypeFor[logDetail](), false, "")
	detail.Nullable = true
	schema.Properties["expandable"] = &detail
	return schema
}

func showEntry(e *logbook.Entry) logEntry {
	out := logEntry{ID: strconv.FormatUint(e.Seq, 10), Timestamp: e.Time.UTC().Format("2006-01-02T15:04:05.000000-07:00"),
		Level: e.Level, Module: e.Module, Message: e.Message, OperationID: some(e.OperationID), Operation: some(e.Operation),
		Phase: some(e.Phase), ResourceType: some(e.ResourceType), ResourceID: some(e.ResourceID)}
	if e.Traceback != "" {
		out.Expandable = &logDetail{e.Traceback}
	}
	return out
}

// some is a text that is null where there is none.
func some(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// activeFilters are the filters of an answer; those that were not asked for
// are null.
type activeFilters struct {
	Level       *string `json:"level"`
	ErrorsOnly  bool    `json:"errors_only"`
	NewerThanID *uint64 `json:"newer_than_id"`
	OlderThanID *uint64 `json:"older_than_id"`
	OperationID *string `json:"operation_id"`
	Since       *string `json:"since"`
}

type logsOutput struct {
	Body struct {
		Logs          []logEntry    `json:"logs" nullable:"false" doc:"The newest first"`
		Total         int           `json:"total" doc:"How many entries the filters leave"`
		HasMore       bool          `json:"has_more" doc:"Whether there are more after these"`
		ActiveFilters activeFilters `json:"active_filters"`
	}
}

// LogFilter is a request for entries of the log. It is exported for the parts of
// a request that are embedded are documented only then.
type LogFilter struct {
	Level       string `query:"level" doc:"Exactly this level: DEBUG, INFO, WARNING, ERROR or CRITICAL"`
	ErrorsOnly  string `query:"errors_only" doc:"Only what has to do with an error, whatever its level"`
	NewerThanID string `query:"newer_than_id" doc:"Only entries after the one of this id"`
	OperationID string `query:"operation_id" maxLength:"64" doc:"Only entries of the run of this id"`

	filter logbook.Filter
}

// Resolve implements huma.Resolver.
func (in *LogFilter) Resolve(ctx huma.Context) []error {
	u := ctx.URL()
	var err error
	in.filter, err = filterOf(u.Query())
	if err != nil {
		return []error{err}
	}
	return nil
}

// logsInput is a request for a page of the log.
type logsInput struct {
	LogFilter
	OlderThanID string `query:"older_than_id" doc:"Only entries before the one of this id"`
	Since       string `query:"since" doc:"Only entries after this time, as 2026-11-25T18:30:00; without a zone it is UTC"`
	Limit       int    `query:"limit" minimum:"1" maximum:"5000" default:"200" doc:"How many entries at most"`
	Offset      int    `query:"offset" minimum:"0" doc:"How many of the newest are left out"`
}

// filterOf reads the filters of a request.
func filterOf(query url.Values) (f logbook.Filter, err error) {
	f.OperationID = query.Get("operation_id")
	if level := logbook.Level(strings.ToUpper(query.Get("level"))); level != "" {
		if !slices.Contains(logbook.Levels, level) {
			return f, invalid("query", "level", "level must be one of DEBUG, INFO, WARNING, ERROR and CRITICAL")
		}
		f.Level = level
	}
	if f.ErrorsOnly, err = boolean(query, "errors_only"); err != nil {
		return f, err
	}
	if f.NewerThan, err = entryID(query, "newer_than_id"); err != nil {
		return f, err
	}
	if f.OlderThan, err = entryID(query, "older_than_id"); err != nil {
		return f, err
	}
	if since := query.Get("since"); since != "" {
		if f.Since, err = timeOf(since); err != nil {
			return f, invalid("query", "since", "since must be a time such as 2026-11-25T18:30:00Z")
		}
	}
	return f, nil
}

func entryID(query url.Values, name string) (uint64, error) {
	value := query.Get(name)
	if value == "" {
		return 0, nil
	}
	id, err := strconv.ParseUint(value, 10, 63)
	if err != nil {
		return 0, invalid("query", name, name+" must be the id of an entry, which is a number")
	}
	return id, nil
}

// timeOf reads a time in the forms that browsers and people write. A plus
// sign that a client did not escape has become a space.
func timeOf(text string) (t time.Time, err error) {
	text = strings.ToUpper(strings.TrimSpace(text))
	if i := strings.LastIndexByte(text, ' '); i > len("2006-01-02") {
		text = text[:i] + "+" + text[i+1:]
	}
	text = strings.Replace(text, " ", "T", 1)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", time.DateOnly} {
		if t, err = time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return t, err
}

func showFilter(f logbook.Filter) activeFilters {
	out := activeFilters{Level: some(string(f.Level)), ErrorsOnly: f.ErrorsOnly, OperationID: some(f.OperationID)}
	if f.NewerThan > 0 {
		out.NewerThanID = &f.NewerThan
	}
	if f.OlderThan > 0 {
		out.OlderThanID = &f.OlderThan
	}
	if !f.Since.IsZero() {
		out.Since = some(f.Since.UTC().Format(time.RFC3339Nano))
	}
	return out
}

// logRoutes serve the log. They need a key: a log tells more than a stranger
// should know.
func (s *Server) logRoutes() {
	register(s, operation(http.MethodGet, logsPath, "admin", "admin-logs", "The last entries of the log"),
		func(_ context.Context, in *logsInput) (*logsOutput, error) {
			page, total := s.logs.Page(in.filter, in.Offset, in.Limit)
			out := &logsOutput{}
			out.Body.Logs = make([]logEntry, len(page))
			for i, e := range page {
				out.Body.Logs[i] = showEntry(e)
			}
			out.Body.Total, out.Body.HasMore = total, total > in.Offset+len(page)
			out.Body.ActiveFilters = showFilter(in.filter)
			return out, nil
		})
	op := operation(http.MethodGet, logsPath+"/stream", "admin", "admin-logs-stream", "The log, told as it is written")
	op.Responses = map[string]*huma.Response{"200": {Description: "The last entries, the oldest first, then what comes, each as the event log",
		Content: map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}}}}
	register(s, op, func(_ context.Context, in *LogFilter) (*streamOutput, error) {
		if !s.open() {
			return nil, errClosing
		}
		return &streamOutput{func(c huma.Context) {
			defer s.streams.Done()
			r, w := humachi.Unwrap(c)
			s.followLogs(w, r, in.filter)
		}}, nil
	})
}

// logBatch is how many entries are written at once.
const logBatch = 50

// followLogs tells the log until the client goes away, its key is revoked or
// the service stops.
func (s *Server) followLogs(w http.ResponseWriter, r *http.Request, f logbook.Filter) {
	reader := s.logs.Read(f)
	defer reader.Close()
	stream := newEventStream(w)
	stream.keepalive() // the client knows that it is connected
	silence := time.NewTimer(s.keepalive)
	defer silence.Stop()
	check := time.NewTicker(recheck)
	defer check.Stop()
	for stream.err == nil {
		select {
		case <-reader.Wake():
			var frames []frame
			for _, e := range reader.Next(logBatch) {
				frames = append(frames, frame{"log", showEntry(e)})
			}
			if len(frames) == 0 {
				continue
			}
			stream.send(frames...)
		case <-silence.C:
			stream.keepalive()
		case <-check.C:
			if s.revoked(r.Context()) {
				return
			}
			continue
		case <-r.Context().Done():
			return
		case <-s.closing.Done():
			return
		}
		silence.Reset(s.keepalive)
	}
}
