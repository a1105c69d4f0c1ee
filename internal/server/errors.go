package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"proxbox/internal/auth"
	"proxbox/internal/netbox"
	"proxbox/internal/proxmox"
	"proxbox/internal/run"
	"proxbox/internal/secret"
	"proxbox/internal/settings"
	"proxbox/internal/store"
)

// The names of huma's own errors are for the whole process; nothing else in
// the program uses huma.
func init() {
	huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
		return fromHuma(status, message, errs)
	}
}

// Error is what a client gets instead of an answer, in the shape that the
// plugin reads: detail, and message before it where something else failed.
type Error struct {
	status  int
	headers http.Header

	Detail  Detail `json:"detail"`
	Message string `json:"message,omitempty" doc:"What failed, where detail says why"`
	Code    string `json:"code,omitempty" doc:"A name of the error that does not change"`
	Reason  string `json:"reason,omitempty" doc:"Why it is never done here, as one word"`
	Run     string `json:"run,omitempty" doc:"The run that stands in the way"`
}

// Detail is a sentence, or a list of values that cannot be used.
type Detail struct {
	Text  string
	Items []Item
}

// Item is one value that cannot be used.
type Item struct {
	Loc  []any  `json:"loc"` // "body" or "query" and so on, then names and positions
	Msg  string `json:"msg"`
	Type string `json:"type"`
}

// MarshalJSON implements json.Marshaler.
func (d Detail) MarshalJSON() ([]byte, error) {
	if d.Items != nil {
		return json.Marshal(d.Items)
	}
	return json.Marshal(d.Text)
}

// Schema implements huma.SchemaProvider.
func (Detail) Schema(huma.Registry) *huma.Schema {
	item := &huma.Schema{Type: huma.TypeObject, Required: []string{"loc", "msg", "type"}, Properties: map[string]*huma.Schema{
		"loc": {Type: huma.TypeArray, Items: &huma.Schema{OneOf: []*huma.Schema{{Type: huma.TypeString}, {Type: huma.TypeInteger}}},
			Description: "Where it is: body, query or path, and the name"},
		"msg":  {Type: huma.TypeString, Description: "What is wrong with it, and what to do"},
		"type": {Type: huma.TypeString},
	}}
	return &huma.Schema{
		Description: "What is wrong and what to do: a sentence, or one entry for each value that cannot be used",
		OneOf:       []*huma.Schema{{Type: huma.TypeString}, {Type: huma.TypeArray, Items: item}},
	}
}

// Error implements error.
func (e *Error) Error() string {
	text := e.Detail.Text
	for _, item := range e.Detail.Items {
		text = strings.TrimPrefix(text+"; "+item.Msg, "; ")
	}
	if e.Message != "" {
		text = e.Message + ": " + text
	}
	return text
}

// GetStatus implements huma.StatusError.
func (e *Error) GetStatus() int { return e.status }

// GetHeaders implements huma.HeadersError.
func (e *Error) GetHeaders() http.Header { return e.headers }

// fail is an error of one sentence.
func fail(status int, format string, args ...any) *Error {
	return &Error{status: status, Detail: Detail{Text: clean(fmt.Sprintf(format, args...))}}
}

// retryAfter adds when it is worth trying again.
func (e *Error) retryAfter(d time.Duration) *Error {
	seconds := max(1, int((d+time.Second-1)/time.Second))
	e.headers = http.Header{"Retry-After": {strconv.Itoa(seconds)}}
	return e
}

// invalid is a value of a request that cannot be used.
func invalid(where, field, msg string) *Error {
	return &Error{status: http.StatusUnprocessableEntity,
		Detail: Detail{Items: []Item{{Loc: []any{where, field}, Msg: clean(msg), Type: "value_error"}}}}
}

// clean takes out of a text what must never be seen. It is the last net; no
// error holds a secret by intention.
func clean(text string) string { return secret.Redact(text) }

// fromHuma brings huma's errors into our shape. What huma says of the body as
// a whole with 400 is a body that cannot be used, which the wire has as 422.
func fromHuma(status int, message string, errs []error) *Error {
	e := &Error{status: status}
	if status == http.StatusUnsupportedMediaType {
		message = "The body must be JSON: send it with the header Content-Type: application/json."
	}
	for _, err := range errs {
		var ours *Error
		if errors.As(err, &ours) {
			e.Detail.Items = append(e.Detail.Items, ours.Detail.Items...)
			if ours.Detail.Items == nil {
				e.Detail.Text = ours.Detail.Text
			}
			continue
		}
		var detail huma.ErrorDetailer
		if errors.As(err, &detail) {
			e.Detail.Items = append(e.Detail.Items, itemOf(detail.ErrorDetail()))
		}
	}
	if status == http.StatusBadRequest || status == http.StatusUnprocessableEntity {
		e.status = http.StatusUnprocessableEntity
		if e.Detail.Items == nil {
			e.Detail.Items = []Item{{Loc: []any{"body"}, Msg: clean(message), Type: "value_error"}}
		}
		return e
	}
	if e.Detail.Items = nil; e.Detail.Text == "" {
		e.Detail.Text = clean(message)
	}
	return e
}

// itemOf names the field in the sentence too: people read only that. The value
// is not repeated, for it may be a secret.
func itemOf(d *huma.ErrorDetail) Item {
	item := Item{Type: "value_error"}
	name := ""
	for part := range strings.FieldsFuncSeq(d.Location, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		if n, err := strconv.Atoi(part); err == nil {
			item.Loc = append(item.Loc, n)
			continue
		}
		item.Loc = append(item.Loc, part)
		name = part
	}
	if len(item.Loc) == 0 {
		item.Loc = []any{"body"}
	}
	item.Msg = clean(d.Message)
	if name != "" && name != "body" && !strings.Contains(d.Message, name) {
		item.Msg = name + ": " + item.Msg
	}
	if strings.Contains(d.Message, "required") {
		item.Type = "missing"
	}
	return item
}

// problem is the answer for an error of what the service stands on. It tells
// whether the error is the client's to see or ours to look into.
func (s *Server) problem(ctx context.Context, err error) *Error {
	var (
		ours     *Error
		value    *store.InvalidError
		conflict *store.ConflictError
		flag     *settings.InvalidError
		unknown  *run.UnknownEndpointError
		target   *run.NoTargetError
	)
	switch {
	case errors.As(err, &ours):
		return ours
	case errors.As(err, &value):
		return invalid("body", value.Field, value.Error())
	case errors.As(err, &conflict):
		return fail(http.StatusConflict, "%s", conflict.Error())
	case errors.As(err, &flag):
		return invalidFlags(err)
	case errors.As(err, &unknown):
		return invalid("query", "proxmox_endpoint_ids", unknown.Error())
	case errors.As(err, &target):
		return noTarget(target)
	case errors.Is(err, store.ErrNotFound):
		return fail(http.StatusNotFound, "%s", sentence(err))
	case errors.Is(err, run.ErrNoNetBox), errors.Is(err, run.ErrNothing), errors.Is(err, run.ErrNoBranches):
		return fail(http.StatusConflict, "%s", sentence(err))
	case errors.Is(err, auth.ErrBusy):
		return fail(http.StatusServiceUnavailable, "Too many API keys are being checked at the moment. Please try again.").retryAfter(time.Second)
	case errors.Is(err, run.ErrCancelled), errors.Is(err, run.ErrAbandoned):
		return fail(http.StatusConflict, "%s", sentence(err))
	case errors.Is(err, errClosing):
		return fail(http.StatusServiceUnavailable, "The service is stopping. Please try again.").retryAfter(5 * time.Second)
	case ctx.Err() != nil:
		return fail(http.StatusServiceUnavailable, "The request was given up.")
	}
	if status, ok := upstream(err); ok {
		e := fail(status, "%s", err.Error())
		e.Message = "The sync could not read or write what it needs."
		return e
	}
	s.log.ErrorContext(ctx, "a request failed", "request", requestID(ctx), "error", clean(err.Error()))
	return internal(ctx)
}

// internal is an error of the service's own. What it was is in the log.
func internal(ctx context.Context) *Error {
	e := fail(http.StatusInternalServerError, "An unexpected error occurred; the log has it under request %s.", requestID(ctx))
	e.Message = "Internal server error"
	return e
}

func invalidFlags(err error) *Error {
	e := &Error{status: http.StatusUnprocessableEntity}
	for _, one := range unjoin(err) {
		var flag *settings.InvalidError
		if errors.As(one, &flag) {
			e.Detail.Items = append(e.Detail.Items, Item{Loc: []any{"query", flag.Param}, Msg: clean(flag.Error()), Type: "value_error"})
		}
	}
	return e
}

func unjoin(err error) []error {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		return many.Unwrap()
	}
	return []error{err}
}

// upstream tells whether NetBox or Proxmox failed, and with which status that
// is passed on.
func upstream(err error) (status int, ok bool) {
	var (
		connection *netbox.ConnectionError
		refused    *netbox.StatusError
		answer     *netbox.AnswerError
		incomplete *netbox.IncompleteError
		ambiguous  *netbox.AmbiguousError
		endpoint   *proxmox.EndpointError
	)
	switch {
	case errors.As(err, &endpoint) && endpoint.Timeout(),
		errors.As(err, &refused) && refused.Code == http.StatusGatewayTimeout,
		errors.As(err, &connection) && timedOut(err):
		return http.StatusGatewayTimeout, true
	case errors.As(err, &connection), errors.As(err, &refused), errors.As(err, &answer), errors.As(err, &incomplete),
		errors.As(err, &ambiguous), errors.As(err, &endpoint):
		return http.StatusBadGateway, true
	}
	return 0, false
}

// timedOut tells whether an error is one of time.
func timedOut(err error) bool {
	var t interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}

// sentence is an error's text as one that begins a line.
func sentence(err error) string {
	text := err.Error()
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
