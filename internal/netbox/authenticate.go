package netbox

import "net/http"

// authenticator adds the token and the other headers that go with every
// request.
type authenticator struct {
	next      http.RoundTripper
	headers   map[string]string
	userAgent string
}

// RoundTrip implements http.RoundTripper.
func (a *authenticator) RoundTrip(req *http.Request) (*http.Response, error) {
	flightOf(req.Context()).started.Store(true)
	req = req.Clone(req.Context())
	for name, value := range a.headers {
		req.Header.Set(name, value)
	}
	req.Header.Set("User-Agent", a.userAgent)
	return a.next.RoundTrip(req)
}
