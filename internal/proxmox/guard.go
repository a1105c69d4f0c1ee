package proxmox

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	apiPrefix  = "/api2/json"
	ticketPath = apiPrefix + "/access/ticket"

	// maxAnswer bounds one answer. 50,000 guests are 16 MB of resources.
	maxAnswer = 256 << 20
	// maxRefusal bounds what is read of an answer that is an error.
	maxRefusal = 64 << 10
)

// Exchange is one request to Proxmox and what came of it, for counters.
type Exchange struct {
	Method string
	Path   string // below /api2/json, without the query
	Status int    // 0 when there was no answer
	Took   time.Duration
	Err    error
}

// guard is the only way to Proxmox. It lets pass GET and the login, and hands
// on only success: go-proxmox takes any status but a few for an empty answer.
type guard struct {
	next    http.RoundTripper
	observe func(Exchange)
}

// RoundTrip implements http.RoundTripper. Its errors are ErrReadOnly,
// *StatusError, or those of the network.
func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	path := strings.TrimPrefix(req.URL.Path, apiPrefix)
	if !allowed(req) {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, fmt.Errorf("%w: %s %s was not sent", ErrReadOnly, req.Method, path)
	}
	ex := Exchange{Method: req.Method, Path: path}
	start := time.Now()
	resp, err := g.next.RoundTrip(req)
	if err == nil {
		ex.Status = resp.StatusCode
		if resp.StatusCode < 200 || resp.StatusCode > 299 {
			err = statusError(path, resp)
			resp = nil
		} else {
			resp.Body = http.MaxBytesReader(nil, resp.Body, maxAnswer)
		}
	}
	ex.Took, ex.Err = time.Since(start), err
	g.observe(ex)
	return resp, err
}

func allowed(req *http.Request) bool {
	if req.URL.Opaque != "" { // it would be sent in place of the path
		return false
	}
	switch req.Method {
	case http.MethodGet, "":
		return true
	case http.MethodPost:
		return req.URL.Path == ticketPath && req.URL.RawQuery == ""
	}
	return false
}

// statusError reads and closes an answer that is no success.
func statusError(path string, resp *http.Response) *StatusError {
	defer func() { _ = resp.Body.Close() }()
	e := &StatusError{
		Code:   resp.StatusCode,
		Path:   path,
		Reason: strings.TrimSpace(strings.TrimPrefix(resp.Status, strconv.Itoa(resp.StatusCode))),
	}
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		// Never followed: the credentials are for this host alone.
		e.Message = "a redirection to " + resp.Header.Get("Location") + ", which is not followed"
		return e
	}
	raw, _ := io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
	var body struct {
		Message text            `json:"message"`
		Errors  map[string]text `json:"errors"`
	}
	// Half of the refusals have no body, or one that is no JSON.
	_ = json.Unmarshal(raw, &body)
	var said []string
	if m := strings.TrimSpace(string(body.Message)); m != "" {
		said = append(said, m)
	}
	for _, name := range sortedKeys(body.Errors) {
		said = append(said, name+": "+strings.TrimSpace(string(body.Errors[name])))
	}
	e.Message = strings.Join(said, "; ")
	return e
}
