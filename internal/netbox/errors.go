package netbox

import (
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// StatusError is an answer by which NetBox, or what stands before it, refused
// a request.
type StatusError struct {
	Method    string
	Path      string // below /api/
	URL       string // of the NetBox, without credentials
	Code      int
	Detail    string // the reason in NetBox's own words; may be empty
	RequestID string // NetBox's X-Request-ID, which its log and change log know

	exception  string        // the Python exception behind a 500
	retryAfter time.Duration // as asked for; 0 when it was not
}

// Error implements error.
func (e *StatusError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "NetBox %s refused %s %s with %d", e.URL, e.Method, e.Path, e.Code)
	if t := http.StatusText(e.Code); t != "" {
		b.WriteString(" " + t)
	}
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	if h := e.hint(); h != "" {
		b.WriteString(" (" + h + ")")
	}
	return b.String()
}

// Forbidden tells whether the token is unknown or lacks a permission.
func (e *StatusError) Forbidden() bool {
	return e.Code == http.StatusForbidden || e.Code == http.StatusUnauthorized
}

// BadToken tells whether the token itself is refused, so that no request will
// be answered.
func (e *StatusError) BadToken() bool {
	return e.Code == http.StatusUnauthorized ||
		e.Code == http.StatusForbidden && strings.Contains(strings.ToLower(e.Detail), "token")
}

// NotFound tells whether NetBox has no such object or no such path.
func (e *StatusError) NotFound() bool { return e.Code == http.StatusNotFound }

// hint is the way out, as far as the status tells.
func (e *StatusError) hint() string {
	switch {
	case e.BadToken():
		return "check the token of the NetBox endpoint: it must exist in NetBox, be enabled, not expired and allowed from this machine's address"
	case e.Forbidden() && reads(e.Method):
		return "give the token's user the permission to view these objects"
	case e.Forbidden():
		return "give the token's user the permission to add, change and delete these objects, and let the token write"
	case e.Code == http.StatusRequestEntityTooLarge:
		return "lower PROXBOX_BULK_BATCH_SIZE, or raise the body size of the proxy before NetBox"
	case e.Code == http.StatusTooManyRequests:
		return "lower PROXBOX_NETBOX_MAX_CONCURRENT, or raise the rate limit before NetBox"
	case e.Code == http.StatusBadGateway, e.Code == http.StatusServiceUnavailable:
		return "NetBox is not running, or is starting"
	case e.Code == http.StatusGatewayTimeout:
		return "the proxy before NetBox gave up: lower PROXBOX_BULK_BATCH_SIZE, or raise the proxy's timeout"
	}
	return ""
}

// ItemError is what NetBox says of one object: messages by field. What is
// about the object as a whole stands under "__all__" or "non_field_errors";
// fields within fields are joined with a dot.
type ItemError map[string][]string

// String lists the messages, each with its field.
func (e ItemError) String() string {
	var parts []string
	for _, field := range slices.Sorted(maps.Keys(e)) {
		text := strings.Join(e[field], " ")
		if field != "__all__" && field != "non_field_errors" {
			text = field + ": " + text
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}

// missing tells whether NetBox says that the object does not exist.
func (e ItemError) missing() bool {
	return len(e) == 1 && len(e["id"]) == 1 && strings.Contains(e["id"][0], "does not exist")
}

// BatchError is the refusal of a bulk write. Nothing of the batch was written.
type BatchError struct {
	StatusError
	// Items holds the guilty objects by their position in the request. It is
	// empty where NetBox does not say which they are: 4.5 and 4.6 for changes
	// and for devices, every release for what a deletion would break.
	Items map[int]ItemError
	// Fields is the reason where it is not said whose it is.
	Fields ItemError
}

// Error implements error.
func (e *BatchError) Error() string {
	var reasons []string
	for _, i := range slices.Sorted(maps.Keys(e.Items)) {
		reasons = append(reasons, fmt.Sprintf("object %d: %s", i+1, e.Items[i]))
		if len(reasons) == 3 && len(e.Items) > 3 {
			reasons = append(reasons, fmt.Sprintf("and %d more", len(e.Items)-3))
			break
		}
	}
	if len(reasons) == 0 {
		return e.StatusError.Error()
	}
	return e.StatusError.Error() + ": " + strings.Join(reasons, "; ")
}

// Unwrap returns the refusal as a whole.
func (e *BatchError) Unwrap() error { return &e.StatusError }

// ConnectionError is a request to which no whole answer came.
type ConnectionError struct {
	Method  string
	Path    string // below /api/
	URL     string // of the NetBox, without credentials
	Sent    bool   // whether NetBox may have seen the request
	Timeout time.Duration
	Err     error
}

// Error implements error.
func (e *ConnectionError) Error() string {
	what := "cannot be reached"
	if e.Sent {
		what = fmt.Sprintf("did not answer %s %s", e.Method, e.Path)
	}
	text := fmt.Sprintf("NetBox %s %s: %v", e.URL, what, e.Err)
	if h := e.hint(); h != "" {
		text += " (" + h + ")"
	}
	return text
}

// Unwrap returns what the connection ended with.
func (e *ConnectionError) Unwrap() error { return e.Err }

func (e *ConnectionError) hint() string {
	var (
		timeout   *timeoutError
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
	)
	text := e.Err.Error()
	switch {
	case errors.As(e.Err, &timeout):
		return fmt.Sprintf("PROXBOX_NETBOX_TIMEOUT is %.0f s; a smaller PROXBOX_BULK_BATCH_SIZE makes shorter requests", e.Timeout.Seconds())
	case errors.As(e.Err, &authority), errors.As(e.Err, &hostname), errors.As(e.Err, &invalid):
		return "install the certificate's authority on this machine, or switch verify_ssl off for the NetBox endpoint"
	case strings.Contains(text, "server gave HTTP response to HTTPS client"):
		return "this port speaks http: switch verify_ssl off for the NetBox endpoint, or give it the https port"
	case strings.Contains(text, "connection refused"), strings.Contains(text, "no such host"), strings.Contains(text, "no route to host"):
		return "check host and port of the NetBox endpoint, and that NetBox is running"
	}
	return ""
}

// AnswerError is an answer that NetBox does not give: a login page, half a
// document, another status of success than the request has.
type AnswerError struct {
	Method string
	Path   string // below /api/
	URL    string // of the NetBox, without credentials
	Code   int
	Err    error
}

// Error implements error.
func (e *AnswerError) Error() string {
	return fmt.Sprintf("NetBox %s: the answer (%d) to %s %s cannot be used: %v", e.URL, e.Code, e.Method, e.Path, e.Err)
}

// Unwrap returns what was wrong with the answer.
func (e *AnswerError) Unwrap() error { return e.Err }

// AmbiguousError is a write of which is not known whether NetBox carried it
// out: its answer was lost, or came from a proxy that had lost it. NetBox may
// even be still at it. A POST must not be repeated before a look at what is
// there; a PATCH or DELETE was repeated already.
type AmbiguousError struct {
	Method string
	Path   string // below /api/
	Err    error
}

// Error implements error.
func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%s %s may or may not have been carried out: %v", e.Method, e.Path, e.Err)
}

// Unwrap returns how the answer was lost.
func (e *AmbiguousError) Unwrap() error { return e.Err }

// IncompleteError is a list that did not come back whole: it changed while it
// was read page by page. Nothing may be concluded from what is not in it.
type IncompleteError struct {
	Path   string // below /api/
	Reason string
}

// Error implements error.
func (e *IncompleteError) Error() string {
	return fmt.Sprintf("the list %s did not come back whole: %s; something else writes to NetBox at the same time", e.Path, e.Reason)
}

// fatal tells whether an error makes every further request pointless: NetBox
// cannot be reached, or refuses the token.
func fatal(err error) bool {
	var connection *ConnectionError
	var status *StatusError
	return errors.As(err, &connection) || errors.As(err, &status) && status.BadToken()
}
