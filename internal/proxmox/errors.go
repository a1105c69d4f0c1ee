package proxmox

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"
)

// ErrReadOnly is what the transport answers to every request that could
// change Proxmox, before anything is sent.
var ErrReadOnly = errors.New("a Proxmox VE is only ever read")

// StatusError is any answer of Proxmox other than success.
type StatusError struct {
	Code    int    // 403, 500, 595, ...
	Reason  string // of the status line, where older releases say it all
	Message string // of the body, where newer ones say it; "" when it has none
	Path    string // below /api2/json
}

// Error implements error.
func (e *StatusError) Error() string {
	return fmt.Sprintf("%s answered %s", e.Path, e.Short())
}

// Short is the status and its reason, without the path.
func (e *StatusError) Short() string {
	s := fmt.Sprintf("%d %s", e.Code, e.Reason)
	if e.Message != "" && e.Message != e.Reason {
		s += ": " + e.Message
	}
	return strings.TrimSpace(s)
}

// says tells whether Proxmox's own words contain one of the phrases.
func (e *StatusError) says(phrases ...string) bool {
	words := strings.ToLower(e.Reason + "\n" + e.Message)
	for _, p := range phrases {
		if strings.Contains(words, p) {
			return true
		}
	}
	return false
}

// NodeUnreachable tells whether the answering node could not reach the node
// that was asked for: 595 to 599, or a node name that does not resolve.
func NodeUnreachable(err error) bool {
	var se *StatusError
	if !errors.As(err, &se) {
		return false
	}
	return se.Code >= 595 && se.Code <= 599 ||
		se.Code == http.StatusInternalServerError && se.says("hostname lookup")
}

// NotExist tells whether Proxmox said that the object does not exist. It
// says so with 404, 400 or, for a guest, 500.
func NotExist(err error) bool {
	var se *StatusError
	if !errors.As(err, &se) {
		return false
	}
	switch se.Code {
	case http.StatusNotFound:
		return true
	case http.StatusBadRequest, http.StatusInternalServerError:
		return se.says("does not exist", "unable to find configuration file", "no such")
	}
	return false
}

// noSuchGuest tells whether a node said that it has no configuration of the
// guest that was asked for. A missing path, storage or node is not that.
func noSuchGuest(err error) bool {
	var se *StatusError
	return NotExist(err) && errors.As(err, &se) && se.says("configuration file")
}

// Forbidden tells whether the user or token lacks a privilege.
func Forbidden(err error) bool {
	var se *StatusError
	return errors.As(err, &se) && se.Code == http.StatusForbidden
}

// Unauthorized tells whether Proxmox refused the credentials themselves.
func Unauthorized(err error) bool {
	var se *StatusError
	return errors.As(err, &se) && se.Code == http.StatusUnauthorized
}

// AgentSilent tells whether a read of the guest agent failed for the guest's
// own reasons: the agent does not run, does not answer or refuses the command.
func AgentSilent(err error) bool {
	var ae *AgentError
	if errors.As(err, &ae) {
		return true
	}
	var se *StatusError
	return errors.As(err, &se) && se.Code == http.StatusInternalServerError &&
		se.says("guest agent", "agent error", "guest-", "got timeout", "is not running", "not running")
}

// AgentError is what the guest agent itself answered, with status 200.
type AgentError struct {
	Class string // CommandDisabled, ...
	Desc  string
}

// Error implements error.
func (e *AgentError) Error() string {
	if e.Desc == "" {
		return "the guest agent answered " + e.Class
	}
	return e.Desc
}

// TimeoutError is a request that Proxmox did not answer in time.
type TimeoutError struct {
	Path  string
	After time.Duration
}

// Error implements error.
func (e *TimeoutError) Error() string {
	return fmt.Sprintf("%s did not answer within %s", e.Path, e.After)
}

// Unwrap makes it a context.DeadlineExceeded.
func (e *TimeoutError) Unwrap() error { return context.DeadlineExceeded }

// Timeout implements net.Error's question.
func (e *TimeoutError) Timeout() bool { return true }

// Cause is why an endpoint could not be read, as far as it decides on the way
// out.
type Cause string

// The causes.
const (
	CauseTimeout     Cause = "timeout"
	CauseName        Cause = "name resolution"
	CauseRefused     Cause = "connection refused"
	CauseUnreachable Cause = "unreachable"
	CauseCertificate Cause = "certificate"
	CauseCredentials Cause = "credentials"
	CausePermission  Cause = "permission"
	CauseReadOnly    Cause = "read-only"
	CauseAnswer      Cause = "unexpected answer"
)

// EndpointError is why an endpoint, or what was asked of it, could not be
// read: what, where, and the setting that mends it.
type EndpointError struct {
	Endpoint string // its name
	Address  string // https://host:port
	Path     string // below /api2/json
	Cause    Cause
	WayOut   string
	Err      error
}

// Error implements error.
func (e *EndpointError) Error() string {
	s := fmt.Sprintf("Proxmox endpoint %q (%s): %v", e.Endpoint, e.Address, e.Err)
	if e.WayOut != "" {
		s += "; " + e.WayOut
	}
	return s
}

// Unwrap returns what happened.
func (e *EndpointError) Unwrap() error { return e.Err }

// Timeout tells whether Proxmox was too slow rather than wrong.
func (e *EndpointError) Timeout() bool { return e.Cause == CauseTimeout }

// causeOf sorts an error of a request.
func causeOf(err error) Cause {
	if errors.Is(err, ErrReadOnly) {
		return CauseReadOnly
	}
	var se *StatusError
	if errors.As(err, &se) {
		switch {
		case se.Code == http.StatusUnauthorized:
			return CauseCredentials
		case se.Code == http.StatusForbidden:
			return CausePermission
		case NodeUnreachable(se):
			return CauseUnreachable
		}
		return CauseAnswer
	}
	if errors.Is(err, errSecondFactor) {
		return CauseCredentials
	}
	var (
		verification *tls.CertificateVerificationError
		authority    x509.UnknownAuthorityError
		hostname     x509.HostnameError
		invalid      x509.CertificateInvalidError
		dns          *net.DNSError
		syntax       *json.SyntaxError
		wrongType    *json.UnmarshalTypeError
		record       tls.RecordHeaderError
		tooLarge     *http.MaxBytesError
		netErr       net.Error
	)
	switch {
	case errors.As(err, &verification), errors.As(err, &authority), errors.As(err, &hostname), errors.As(err, &invalid):
		return CauseCertificate
	case errors.As(err, &dns):
		return CauseName
	case errors.Is(err, syscall.ECONNREFUSED):
		return CauseRefused
	case errors.As(err, &record), errors.As(err, &syntax), errors.As(err, &wrongType), errors.As(err, &tooLarge), errors.Is(err, errNoData):
		return CauseAnswer
	case errors.As(err, &netErr) && netErr.Timeout():
		return CauseTimeout
	}
	return CauseUnreachable
}

// wayOut names the setting of an endpoint that mends a cause.
func (c *Client) wayOut(cause Cause) string {
	switch cause {
	case CauseTimeout:
		return fmt.Sprintf("raise the endpoint's timeout (now %s) or look why Proxmox is slow", c.timeout)
	case CauseName:
		return fmt.Sprintf("check the endpoint's domain (%s), or set its ip_address", c.ep.Domain)
	case CauseRefused:
		return "check the endpoint's address and port, and that pveproxy runs there"
	case CauseUnreachable:
		return "check the endpoint's address, the network and any firewall on the way"
	case CauseCertificate:
		return "give the node a certificate that this system trusts, or set the endpoint's verify_ssl to false"
	case CauseCredentials:
		if c.auth.token != "" {
			return fmt.Sprintf("check the endpoint's token_name and token_value (%s), and that the token has not expired", c.auth.principal())
		}
		return fmt.Sprintf("check the endpoint's username and password (%s), or use an API token", c.auth.principal())
	case CausePermission:
		return "give it rights: " + c.grant("/", "PVEAuditor")
	case CauseAnswer:
		return "check that the endpoint's address and port are those of a Proxmox VE API"
	}
	return ""
}

// remedy is the way out of a failed read; "" when Proxmox's own words must do.
func (c *Client) remedy(err error) string {
	var se *StatusError
	if errors.As(err, &se) && se.Code != http.StatusUnauthorized && se.Code != http.StatusForbidden && se.Code >= http.StatusBadRequest {
		return ""
	}
	return c.wayOut(causeOf(err))
}

// endpointError says what failed where, and what mends it. The caller's own
// cancellation is passed on as it is.
func (c *Client) endpointError(ctx context.Context, path string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("reading Proxmox endpoint %q: %w", c.ep.Name, context.Cause(ctx))
	}
	return &EndpointError{
		Endpoint: c.ep.Name, Address: "https://" + c.hosts.current(), Path: path,
		Cause: causeOf(err), WayOut: c.remedy(err), Err: err,
	}
}

// short is an error's text for a Problem, which names the object itself.
func short(err error) string {
	var se *StatusError
	if errors.As(err, &se) {
		return se.Short()
	}
	return err.Error()
}
