package netbox

import (
	"errors"
	"net/http"
)

// ErrReadOnly is the error of a write on a client that was opened read-only.
var ErrReadOnly = errors.New("NetBox was opened for reading only: nothing was written")

// readOnly refuses every request that could change something.
type readOnly struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (r *readOnly) RoundTrip(req *http.Request) (*http.Response, error) {
	if !reads(req.Method) {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, ErrReadOnly
	}
	return r.next.RoundTrip(req)
}

// reads tells whether a method cannot change anything.
func reads(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}
