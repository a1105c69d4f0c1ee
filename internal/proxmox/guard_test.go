package proxmox

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	goproxmox "github.com/luthermonson/go-proxmox"
)

// TestReadOnly asserts on what reaches the server: nothing but GET and the
// login, whoever asks.
func TestReadOnly(t *testing.T) {
	pve := newServer(estate())
	pve.password = "secret"
	c := open(t, pve.listen(t, withPassword("secret")), Options{})
	base := "https://" + c.Address() + apiPrefix
	ctx := t.Context()

	for name, try := range map[string]func() error{
		"go-proxmox POST":   func() error { return c.api.Post(ctx, "/nodes/pve1/qemu/100/status/stop", nil, nil) },
		"go-proxmox PUT":    func() error { return c.api.Put(ctx, "/nodes/pve1/qemu/100/config", map[string]any{"cores": 1}, nil) },
		"go-proxmox DELETE": func() error { return c.api.Delete(ctx, "/nodes/pve1/qemu/100", nil) },
		"go-proxmox ticket": func() error { _, err := c.api.Ticket(ctx, &goproxmox.Credentials{}); return err },
	} {
		if err := try(); name != "go-proxmox ticket" && !errors.Is(err, ErrReadOnly) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "get", "Post", "MKCOL"} {
		for _, path := range []string{"/nodes/pve1/qemu/100/status/start", "/access/ticket/x", "/access/ticket?realm=pam", "/access/ticket/../acl", "/access/password", "/nodes/pve1/qemu/100/agent/exec", ""} {
			req, err := http.NewRequestWithContext(ctx, method, base+path, strings.NewReader("a=b"))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := c.http.Do(req)
			if err == nil {
				_ = resp.Body.Close()
			}
			if !errors.Is(err, ErrReadOnly) {
				t.Errorf("%s %s: %v", method, path, err)
			}
		}
	}
	if _, err := c.Get(ctx, "/version", nil); err != nil {
		t.Fatal(err)
	}
	for _, req := range pve.log {
		login := req.Method == http.MethodPost && req.RequestURI == ticketPath
		if req.Method != http.MethodGet && !login {
			t.Errorf("%s %s reached Proxmox", req.Method, req.RequestURI)
		}
	}
	if pve.count("/version") != 1 || pve.logins == 0 {
		t.Errorf("%v", pve.requests())
	}
}

// TestReadOnlyOpaque: what is sent is the opaque part where there is one.
func TestReadOnlyOpaque(t *testing.T) {
	pve := newServer(nil)
	g := &guard{next: pve, observe: func(Exchange) {}}
	body := &closed{Reader: strings.NewReader("x")}
	req := &http.Request{Method: http.MethodPost, URL: &url.URL{Scheme: "https", Host: "pve", Path: ticketPath, Opaque: "//pve/api2/json/access/acl"}, Body: body}
	if _, err := g.RoundTrip(req.WithContext(t.Context())); !errors.Is(err, ErrReadOnly) || pve.total() != 0 {
		t.Errorf("%v, %d sent", err, pve.total())
	}
	if !body.closed {
		t.Error("the body was not closed")
	}
}

type closed struct {
	io.Reader
	closed bool
}

func (c *closed) Close() error { c.closed = true; return nil }

// TestStatus: every answer that is no success is a typed error, with what
// Proxmox said wherever it said it.
func TestStatus(t *testing.T) {
	for name, tt := range map[string]struct {
		answer  answer
		want    StatusError // without the path
		text    string
		cause   Cause
		dead    bool
		missing bool
	}{
		"595, nothing in it":  {unreachable, StatusError{Code: 595, Reason: "No route to host"}, "/x answered 595 No route to host", CauseUnreachable, true, false},
		"596":                 {answer{status: 596, reason: "tls_process_server_certificate: certificate verify failed"}, StatusError{Code: 596, Reason: "tls_process_server_certificate: certificate verify failed"}, "", CauseUnreachable, true, false},
		"599, without reason": {answer{status: 599}, StatusError{Code: 599}, "/x answered 599", CauseUnreachable, true, false},
		"node name":           {refused(500, "hostname lookup 'pve9' failed - failed to get address info"), StatusError{Code: 500, Reason: "hostname lookup 'pve9' failed - failed to get address info"}, "", CauseUnreachable, true, false},
		"reason":              {refused(403, "Permission check failed (/vms/100, VM.Audit)"), StatusError{Code: 403, Reason: "Permission check failed (/vms/100, VM.Audit)"}, "", CausePermission, false, false},
		"no ticket":           {refused(401, "permission denied - invalid PVE ticket"), StatusError{Code: 401, Reason: "permission denied - invalid PVE ticket"}, "", CauseCredentials, false, false},
		"message": {answer{status: 500, reason: "Internal Server Error", body: `{"data":null,"message":"ha groups have been migrated to rules\n"}`},
			StatusError{Code: 500, Reason: "Internal Server Error", Message: "ha groups have been migrated to rules"}, "/x answered 500 Internal Server Error: ha groups have been migrated to rules", CauseAnswer, false, false},
		"the same twice": {answer{status: 500, reason: "no luck", body: `{"message":"no luck\n"}`}, StatusError{Code: 500, Reason: "no luck", Message: "no luck"}, "/x answered 500 no luck", CauseAnswer, false, false},
		"errors": {answer{status: 400, reason: "Parameter verification failed.", body: `{"errors":{"vmid":"too small\n","node":"invalid format"},"message":"Parameter verification failed.\n","data":null}`},
			StatusError{Code: 400, Reason: "Parameter verification failed.", Message: "Parameter verification failed.; node: invalid format; vmid: too small"}, "", CauseAnswer, false, false},
		"errors alone": {answer{status: 400, reason: "Bad", body: `{"errors":{"z":"1","a":2}}`}, StatusError{Code: 400, Reason: "Bad", Message: "a: 2; z: 1"}, "", CauseAnswer, false, false},
		"odd errors":   {answer{status: 400, reason: "Bad", body: `{"errors":["a"],"message":"said"}`}, StatusError{Code: 400, Reason: "Bad", Message: "said"}, "", CauseAnswer, false, false},
		"gone":         {refused(500, "Configuration file 'nodes/pve1/qemu-server/100.conf' does not exist"), StatusError{Code: 500, Reason: "Configuration file 'nodes/pve1/qemu-server/100.conf' does not exist"}, "", CauseAnswer, false, true},
		"no storage":   {refused(400, "storage 'x' does not exist"), StatusError{Code: 400, Reason: "storage 'x' does not exist"}, "", CauseAnswer, false, true},
		"a proxy":      {answer{status: 502, reason: "Bad Gateway", body: "<html>"}, StatusError{Code: 502, Reason: "Bad Gateway"}, "", CauseAnswer, false, false},
		"not there":    {answer{status: 404, reason: "Not Found"}, StatusError{Code: 404, Reason: "Not Found"}, "", CauseAnswer, false, true},
		"switching":    {answer{status: 204}, StatusError{}, "", "", false, false},
		"not modified": {answer{status: 304, reason: "Not Modified"}, StatusError{Code: 304, Reason: "Not Modified", Message: "a redirection to , which is not followed"}, "", CauseAnswer, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			pve := newServer(map[string]answer{"/x": tt.answer})
			_, err := open(t, pve.listen(t, token()), Options{}).Get(t.Context(), "/x", nil)
			if tt.want.Code == 0 {
				if err == nil {
					t.Fatal("an answer without a body is taken for data")
				}
				return
			}
			var (
				se *StatusError
				ee *EndpointError
			)
			if !errors.As(err, &se) || !errors.As(err, &ee) {
				t.Fatalf("%T %v", err, err)
			}
			if tt.want.Path = "/x"; *se != tt.want {
				t.Errorf("%+v", *se)
			}
			if tt.text != "" && se.Error() != tt.text {
				t.Errorf("%q", se.Error())
			}
			if ee.Cause != tt.cause || NodeUnreachable(err) != tt.dead || NotExist(err) != tt.missing ||
				Forbidden(err) != (se.Code == 403) || Unauthorized(err) != (se.Code == 401) || ee.Timeout() {
				t.Errorf("cause %s, dead %t, missing %t", ee.Cause, NodeUnreachable(err), NotExist(err))
			}
			if (se.Code == 401 || se.Code == 403 || se.Code < 400) != (ee.WayOut != "") {
				t.Errorf("way out %q", ee.WayOut)
			}
		})
	}
}

// TestRedirection: credentials go nowhere else.
func TestRedirection(t *testing.T) {
	pve := newServer(nil)
	through := roundTrip(func(req *http.Request) (*http.Response, error) {
		resp, err := pve.RoundTrip(req)
		if err == nil {
			resp.StatusCode, resp.Status = 301, "301 Moved Permanently"
			resp.Header.Set("Location", "https://elsewhere.example/api2/json/x")
		}
		return resp, err
	})
	_, err := open(t, token(), Options{Transport: through}).Get(t.Context(), "/x", nil)
	var se *StatusError
	if !errors.As(err, &se) || se.Code != 301 || !strings.Contains(se.Message, "elsewhere.example") || pve.total() != 1 {
		t.Errorf("%v after %d requests", err, pve.total())
	}
}

func TestTooLarge(t *testing.T) {
	endless := roundTrip(func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Status: "200 OK", Header: http.Header{}, Request: req, Body: io.NopCloser(io.MultiReader(strings.NewReader(`{"data":"`), spaces{}))}, nil
	})
	g := &guard{next: endless, observe: func(Exchange) {}}
	resp, err := g.RoundTrip((&http.Request{Method: http.MethodGet, URL: &url.URL{Path: apiPrefix + "/x"}}).WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, resp.Body)
	var large *http.MaxBytesError
	if !errors.As(err, &large) || n != maxAnswer || causeOf(err) != CauseAnswer {
		t.Errorf("%d bytes, %v, cause %s", n, err, causeOf(err))
	}
	_ = resp.Body.Close()
}

type spaces struct{}

func (spaces) Read(p []byte) (int, error) { return len(p), nil }

func TestObserve(t *testing.T) {
	seen := make(chan Exchange, 8)
	pve := newServer(map[string]answer{"/version": data(`{"version":"9.0.10"}`), "/x": forbidden})
	c := open(t, token(), Options{Transport: pve, Observe: func(ex Exchange) { seen <- ex }})
	for _, path := range []string{"/version", "/x"} {
		_, _ = c.Get(t.Context(), path, url.Values{"secret": {"never observed"}})
	}
	first, second := <-seen, <-seen
	if first.Method != "GET" || first.Path != "/version" || first.Status != 200 || first.Err != nil || first.Took < 0 || first.Took > time.Minute {
		t.Errorf("%+v", first)
	}
	if second.Path != "/x" || second.Status != 403 || !Forbidden(second.Err) {
		t.Errorf("%+v", second)
	}
}
