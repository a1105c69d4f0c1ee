package server

import (
	"errors"
	"net/http"

	"proxbox/internal/netbox"
	"proxbox/internal/plan"
	"proxbox/internal/proxmox"
)

// category is the kind of an error, as the plugin knows them.
type category string

// The categories.
const (
	catConnection     category = "connection"
	catAuthentication category = "authentication"
	catPermission     category = "permission"
	catValidation     category = "validation"
	catNotFound       category = "not_found"
	catTimeout        category = "timeout"
	catRateLimit      category = "rate_limit"
	catInternal       category = "internal"
	catUnknown        category = "unknown"
)

// categoryOf sorts an error of a run.
func categoryOf(err error) category {
	var (
		refused    *netbox.StatusError
		connection *netbox.ConnectionError
		endpoint   *proxmox.EndpointError
	)
	switch {
	case errors.As(err, &endpoint):
		return ofCause(endpoint.Cause)
	case errors.Is(err, errRevoked):
		return catAuthentication
	case timedOut(err):
		return catTimeout
	case errors.As(err, &refused):
		return ofStatus(refused)
	case errors.As(err, &connection):
		return catConnection
	}
	return catUnknown
}

func ofCause(c proxmox.Cause) category {
	switch c {
	case proxmox.CauseTimeout:
		return catTimeout
	case proxmox.CauseName, proxmox.CauseRefused, proxmox.CauseUnreachable, proxmox.CauseCertificate:
		return catConnection
	case proxmox.CauseCredentials:
		return catAuthentication
	case proxmox.CausePermission, proxmox.CauseReadOnly:
		return catPermission
	}
	return catUnknown
}

func ofStatus(e *netbox.StatusError) category {
	switch {
	case e.BadToken():
		return catAuthentication
	case e.Forbidden():
		return catPermission
	case e.NotFound():
		return catNotFound
	case e.Code == http.StatusTooManyRequests:
		return catRateLimit
	case e.Code == http.StatusGatewayTimeout:
		return catTimeout
	case e.Code >= http.StatusInternalServerError:
		return catInternal
	}
	return catValidation
}

// ofReport sorts an object that was not done.
func ofReport(r *plan.Report) category {
	switch {
	case r.Outcome == plan.Skipped:
		return catUnknown
	case r.Field != "", r.Outcome == plan.Conflict:
		return catValidation
	}
	return catUnknown
}
