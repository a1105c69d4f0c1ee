//go:build unix

package lab

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Browser is an administrator who is logged in to NetBox's pages.
type Browser struct {
	base   string
	client *http.Client
}

var formToken = regexp.MustCompile(`name="csrfmiddlewaretoken" value="([^"]+)"`)

// Browse logs the administrator in.
func (s *Server) Browse(t testing.TB) *Browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatalf("lab: %v", err)
	}
	b := &Browser{base: s.lab.URL(), client: &http.Client{Jar: jar, Timeout: 2 * time.Minute}}
	if status, page := b.Get(t, "/login/"); status != http.StatusOK || !formToken.MatchString(page) {
		t.Fatalf("lab: the login page is answered with %d", status)
	}
	if status, page := b.Post(t, "/login/", url.Values{"username": {s.Admin.Name}, "password": {s.Admin.Password}}); status != http.StatusOK || strings.Contains(page, "Please enter a correct") {
		t.Fatalf("lab: the login is answered with %d", status)
	}
	return b
}

// Get returns a page, after its redirections.
func (b *Browser) Get(t testing.TB, path string) (int, string) {
	t.Helper()
	return b.do(t, http.MethodGet, path, nil)
}

// Post sends a form as a button does, and returns the page that follows.
func (b *Browser) Post(t testing.TB, path string, form url.Values) (int, string) {
	t.Helper()
	return b.do(t, http.MethodPost, path, form)
}

func (b *Browser) do(t testing.TB, method, path string, form url.Values) (int, string) {
	t.Helper()
	var body io.Reader
	if method == http.MethodPost {
		sent := url.Values{}
		for name, values := range form {
			sent[name] = values
		}
		u, err := url.Parse(b.base)
		if err != nil {
			t.Fatalf("lab: %v", err)
		}
		for _, c := range b.client.Jar.Cookies(u) {
			if c.Name == "csrftoken" {
				sent.Set("csrfmiddlewaretoken", c.Value)
			}
		}
		body = strings.NewReader(sent.Encode())
	}
	req, err := http.NewRequestWithContext(t.Context(), method, b.base+path, body)
	if err != nil {
		t.Fatalf("lab: %v", err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Referer", b.base+path)
	}
	status, raw := answer(t, b.client, req)
	return status, string(raw)
}
