package proxmox

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"proxbox/internal/domain"
)

func TestAddresses(t *testing.T) {
	for name, tt := range map[string]struct {
		ep   domain.ProxmoxEndpoint
		want []string
	}{
		"domain first":   {domain.ProxmoxEndpoint{Domain: "pve.example", IPAddress: "192.0.2.1"}, []string{"pve.example:8006", "192.0.2.1:8006"}},
		"with its mask":  {domain.ProxmoxEndpoint{IPAddress: "192.0.2.1/24", Port: 443}, []string{"192.0.2.1:443"}},
		"IPv6":           {domain.ProxmoxEndpoint{IPAddress: "2001:db8::1/64"}, []string{"[2001:db8::1]:8006"}},
		"in brackets":    {domain.ProxmoxEndpoint{IPAddress: "[2001:db8::1]"}, []string{"[2001:db8::1]:8006"}},
		"the same twice": {domain.ProxmoxEndpoint{Domain: "192.0.2.1", IPAddress: "192.0.2.1"}, []string{"192.0.2.1:8006"}},
		"blank":          {domain.ProxmoxEndpoint{Domain: "  "}, nil},
	} {
		if got := addresses(tt.ep); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
	ep := token()
	ep.IPAddress = ""
	if _, err := Open(ep, Options{}); err == nil || !strings.Contains(err.Error(), "ip_address") {
		t.Errorf("no address: %v", err)
	}
}

func TestPath(t *testing.T) {
	for want, elems := range map[string][]string{
		"/nodes/pve1/qemu/100/config":       {"nodes", "pve1", "qemu", "100", "config"},
		"/nodes/a%2Fb/storage/c%3Fd%23/%20": {"nodes", "a/b", "storage", "c?d#", " "},
		"":                                  nil,
	} {
		if got := Path(elems...); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestGet(t *testing.T) {
	pve := newServer(map[string]answer{"/a%2Fb": data(`[1,{"x":null}]`), "/null": data(`null`), "/list": {body: `[]`}})
	c := pve.reader(t)
	for path, want := range map[string]string{Path("a/b"): `[1,{"x":null}]`, "/null": "null"} {
		raw, err := c.Get(t.Context(), path, url.Values{"type": {"vm"}, "q": {"a b"}})
		if err != nil || string(raw) != want {
			t.Errorf("%s: %s, %v", path, raw, err)
		}
	}
	if q := pve.log[0].URL.RawQuery; q != "q=a+b&type=vm" {
		t.Errorf("query %q", q)
	}
	before := pve.total()
	for _, path := range []string{"", "nodes", "/nodes?x=1", "/nodes#x", "/nodes/../access", "/nodes/..", "/nodes/%2e%2e/x", "/a\nb", "/%zz"} {
		if _, err := c.Get(t.Context(), path, nil); !errors.Is(err, ErrBadPath) {
			t.Errorf("%q: %v", path, err)
		}
	}
	if pve.total() != before {
		t.Error("a bad path was sent")
	}
	if _, err := c.Get(t.Context(), "/list", nil); err == nil {
		t.Error("an answer without the envelope passes")
	}
}

func TestVersion(t *testing.T) {
	for body, want := range map[string]Version{
		`{"version":"9.2.2","release":"9.2","repoid":"b9984c6d"}`: {"9.2.2", "9.2", "b9984c6d"},
		`{"version":"7.4-16","release":7.4,"repoid":null}`:        {"7.4-16", "7.4", ""},
	} {
		got, err := newServer(map[string]answer{"/version": data(body)}).reader(t).Version(t.Context())
		if err != nil || got != want {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

// TestHosts: the second address is tried when the first fails, and kept.
func TestHosts(t *testing.T) {
	ep := token()
	ep.Domain = "pve.example"
	var asked []string
	down := map[string]bool{"pve.example:8006": true}
	pve := newServer(map[string]answer{"/version": data(`{"version":"9.0.10"}`)})
	c := open(t, ep, Options{Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
		asked = append(asked, req.URL.Host)
		if req.URL.Scheme != "https" || req.Host != "" && req.Host != req.URL.Host {
			t.Errorf("%s for %s", req.URL, req.Host)
		}
		if down[req.URL.Host] {
			return nil, &net.DNSError{Err: "no such host", Name: "pve.example", IsNotFound: true}
		}
		return pve.RoundTrip(req)
	})})
	for range 2 {
		if _, err := c.Version(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"pve.example:8006", "192.0.2.10:8006", "192.0.2.10:8006"}; !reflect.DeepEqual(asked, want) || c.Address() != "192.0.2.10:8006" {
		t.Errorf("asked %q", asked)
	}
	down = map[string]bool{"192.0.2.10:8006": true}
	if _, err := c.Version(t.Context()); err != nil || c.Address() != "pve.example:8006" {
		t.Errorf("%v at %s", err, c.Address())
	}
	down["pve.example:8006"] = true
	_, err := c.Version(t.Context())
	var ee *EndpointError
	if !errors.As(err, &ee) || ee.Cause != CauseName || !strings.Contains(err.Error(), "192.0.2.10:8006") || !strings.Contains(err.Error(), "pve.example:8006") {
		t.Errorf("both down: %v", err)
	}
}

// TestPasswordAtSecondHost: the body of the login is sent again.
func TestPasswordAtSecondHost(t *testing.T) {
	ep := withPassword("secret")
	ep.Domain = "pve.example"
	pve := newServer(map[string]answer{"/version": data(`{"version":"9.0.10"}`)})
	pve.password = "secret"
	c := open(t, ep, Options{Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
		if req.URL.Host == "pve.example:8006" {
			if req.Body != nil {
				_ = req.Body.Close()
			}
			return nil, syscall.ECONNREFUSED
		}
		return pve.RoundTrip(req)
	})})
	if _, err := c.Version(t.Context()); err != nil || pve.logins != 1 {
		t.Errorf("%v after %d logins", err, pve.logins)
	}
}

func TestRetry(t *testing.T) {
	reset, version := answer{err: syscall.ECONNRESET}, data(`{"version":"9.0.10"}`)
	for name, tt := range map[string]struct {
		answers []answer
		asked   int
		ok      bool
	}{
		"at once":         {[]answer{version}, 1, true},
		"second":          {[]answer{reset, version}, 2, true},
		"third":           {[]answer{unreachable, {status: 503}, version}, 3, true},
		"too many":        {[]answer{{status: 429}, reset, reset, version}, 3, false},
		"forbidden":       {[]answer{forbidden, version}, 1, false},
		"Proxmox says no": {[]answer{refused(500, "got no worker upid"), version}, 1, false},
		"nonsense":        {[]answer{{body: "<html>"}, version}, 1, false},
		"hangs once":      {[]answer{{hang: true}, version}, 2, true},
	} {
		ep := token()
		ep.MaxRetries, ep.RetryBackoff = 2, time.Millisecond
		pve := newServer(nil).on("/version", tt.answers...)
		_, err := open(t, ep, Options{Transport: pve, Timeout: 30 * time.Millisecond}).Version(t.Context())
		if (err == nil) != tt.ok || pve.count("/version") != tt.asked {
			t.Errorf("%s: %v after %d requests", name, err, pve.count("/version"))
		}
	}
}

func TestRetryIsCancelled(t *testing.T) {
	ep := token()
	ep.MaxRetries, ep.RetryBackoff = 5, time.Hour
	pve := newServer(map[string]answer{"/version": unreachable})
	ctx, cancel := context.WithCancel(t.Context())
	c := open(t, ep, Options{Transport: pve, Observe: func(Exchange) { cancel() }})
	if _, err := c.Version(ctx); !errors.Is(err, context.Canceled) || pve.total() != 1 {
		t.Errorf("%v after %d requests", err, pve.total())
	}
}

func TestTimeout(t *testing.T) {
	pve := newServer(map[string]answer{"/version": {hang: true}})
	c := open(t, token(), Options{Transport: pve, Timeout: 20 * time.Millisecond})
	_, err := c.Version(t.Context())
	var (
		ee   *EndpointError
		late *TimeoutError
	)
	if !errors.As(err, &ee) || !ee.Timeout() || !errors.As(err, &late) || !errors.Is(err, context.DeadlineExceeded) || !late.Timeout() {
		t.Fatalf("%v", err)
	}
	if late.Path != "/version" || !strings.Contains(ee.WayOut, "timeout (now 20ms)") {
		t.Errorf("%v", err)
	}
}

func TestEndpointTimeout(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{
		0: DefaultTimeout, pluginTimeout: DefaultTimeout, time.Second: DefaultTimeout, 90 * time.Second: 90 * time.Second,
	} {
		ep := token()
		ep.Timeout = asked
		if c := open(t, ep, Options{}); c.timeout != want {
			t.Errorf("%s makes %s", asked, c.timeout)
		}
	}
}

func TestCertificate(t *testing.T) {
	pve := newServer(map[string]answer{"/version": data(`{"version":"9.0.10"}`)})
	ep := pve.listen(t, token())
	ep.VerifySSL = true
	c := open(t, ep, Options{})
	_, err := c.Version(t.Context())
	var ee *EndpointError
	if !errors.As(err, &ee) || ee.Cause != CauseCertificate || !strings.Contains(ee.WayOut, "verify_ssl") || pve.total() != 0 {
		t.Errorf("%v", err)
	}
	if ee.Endpoint != "lab (nb:7)" || ee.Address != "https://"+c.Address() || ee.Path != "/version" {
		t.Errorf("%+v", ee)
	}
}

// TestNobodyThere: a port on which nothing listens, and one that speaks no TLS.
func TestNobodyThere(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	plain := &http.Server{Handler: http.NotFoundHandler()}
	served := make(chan error)
	go func() { served <- plain.Serve(listener) }()
	ep := token()
	ep.IPAddress, ep.Port = "127.0.0.1", listener.Addr().(*net.TCPAddr).Port
	c := open(t, ep, Options{})
	_, err = c.Version(t.Context())
	var ee *EndpointError
	if !errors.As(err, &ee) || ee.Cause != CauseAnswer {
		t.Errorf("no TLS: %v", err)
	}
	_ = plain.Close()
	<-served
	_, err = c.Version(t.Context())
	if !errors.As(err, &ee) || ee.Cause != CauseRefused || !strings.Contains(ee.WayOut, "port") {
		t.Errorf("nobody: %v", err)
	}
}

func TestCauses(t *testing.T) {
	for want, errs := range map[Cause][]error{
		CauseReadOnly:    {ErrReadOnly},
		CauseCredentials: {&StatusError{Code: 401}, errSecondFactor},
		CausePermission:  {&StatusError{Code: 403}},
		CauseUnreachable: {&StatusError{Code: 595}, syscall.EHOSTUNREACH, syscall.ECONNRESET},
		CauseAnswer:      {&StatusError{Code: 500}, errNoData, tls.RecordHeaderError{}, &http.MaxBytesError{}},
		CauseName:        {&net.DNSError{IsNotFound: true}},
		CauseRefused:     {&net.OpError{Err: syscall.ECONNREFUSED}},
		CauseTimeout:     {context.DeadlineExceeded, &TimeoutError{}, &net.OpError{Err: context.DeadlineExceeded}},
		CauseCertificate: {&tls.CertificateVerificationError{Err: errors.New("x")}},
	} {
		for _, err := range errs {
			if got := causeOf(fmt.Errorf("wrapped: %w", noAnswer{err})); got != want {
				t.Errorf("%v is %q, want %q", err, got, want)
			}
		}
	}
}

// TestSecrets: neither errors nor the log repeat what opens the door.
func TestSecrets(t *testing.T) {
	for _, bad := range lost {
		pve := newServer(map[string]answer{"/version": bad})
		if _, err := pve.reader(t).Version(t.Context()); err == nil || strings.Contains(fmt.Sprintf("%v %+v", err, err), "s3cret") {
			t.Errorf("%v", err)
		}
	}
	c := newServer(nil).reader(t)
	if s := fmt.Sprintf("%v %+v", c.Endpoint(), c.Endpoint()); strings.Contains(s, "s3cret") {
		t.Error(s)
	}
}
