//go:build e2e

package lab

import (
	"net/http"
	"os"
	"testing"

	"proxbox/test/lab/tap"
)

func TestMain(m *testing.M) { Main(m) }

// tag is a NetBox tag as the REST API has it.
type tag struct {
	ID   int    `json:"id,omitempty"`
	Name string `json:"name"`
	Slug string `json:"slug"`
}

type list[T any] struct {
	Count   int `json:"count"`
	Results []T `json:"results"`
}

// through sends a request through the tap, as the program under test does.
func through(t *testing.T, s *Server, authorization, method, path string, body, into any) (int, string) {
	t.Helper()
	return call(t, s.URL(), authorization, method, path, body, into)
}

func TestWhatIsMadeIsCountedAndResetForgetsIt(t *testing.T) {
	s := NetBox(t)
	before := s.LastChange(t)

	var made tag
	status, body := through(t, s, s.Admin.V2(), http.MethodPost, "/api/extras/tags/", tag{Name: "Proxbox", Slug: "proxbox"}, &made)
	if status != http.StatusCreated {
		t.Fatalf("POST: %d %s", status, body)
	}
	if status, body := through(t, s, s.Admin.V1(), http.MethodGet, "/api/extras/tags/?slug=proxbox", nil, nil); status != http.StatusOK {
		t.Fatalf("GET: %d %s", status, body)
	}

	all, writes := s.Tap.Requests(), s.Tap.Writes()
	if len(all) != 2 || len(writes) != 1 || writes[0].Path != "/api/extras/tags/" || writes[0].Status != http.StatusCreated {
		t.Errorf("the tap saw %v", all)
	}
	changes := s.Changes(t, before)
	if len(changes) != 1 {
		t.Fatalf("the change log has %v", changes)
	}
	if c := changes[0]; c.Action != "create" || c.Type != "extras.tag" || c.ObjectID != int64(made.ID) || c.User != s.Admin.Name {
		t.Errorf("the change log has %+v", c)
	}

	s.Reset(t)
	if n := len(s.Tap.Requests()); n != 0 {
		t.Errorf("after Reset the tap remembers %d requests", n)
	}
	var found list[tag]
	s.Must(t, http.MethodGet, "/api/extras/tags/", nil, &found)
	if found.Count != 0 {
		t.Errorf("after Reset there are %d tags", found.Count)
	}
	if changes := s.Changes(t, 0); len(changes) != 0 {
		t.Errorf("after Reset the change log has %v", changes)
	}
}

func TestPluginAnswers(t *testing.T) {
	s := NetBox(t)
	var routes map[string]any
	s.Must(t, http.MethodGet, "/api/plugins/proxbox/", nil, &routes)
	if len(routes) == 0 {
		t.Error("/api/plugins/proxbox/ lists nothing")
	}
	var status struct {
		Version string            `json:"netbox-version"`
		Plugins map[string]string `json:"plugins"`
	}
	s.Must(t, http.MethodGet, "/api/status/", nil, &status)
	if status.Version != "4.7.3" || status.Plugins["netbox_proxbox"] != "0.0.29.post6" {
		t.Errorf("NetBox %s with %v", status.Version, status.Plugins)
	}
}

func TestAccounts(t *testing.T) {
	s := NetBox(t)
	tests := []struct {
		account      Account
		write, admin bool
	}{
		{s.Admin, true, true},
		{s.Service, true, false},
		{s.Reader, false, false},
	}
	for _, test := range tests {
		for version, authorization := range map[string]string{"v1": test.account.V1(), "v2": test.account.V2()} {
			name := test.account.Name + version
			want := func(allowed bool, yes int) int {
				if allowed {
					return yes
				}
				return http.StatusForbidden
			}
			if status, body := s.Call(t, authorization, http.MethodGet, "/api/dcim/devices/", nil, nil); status != http.StatusOK {
				t.Errorf("%s reads devices: %d %s", name, status, body)
			}
			if status, body := s.Call(t, authorization, http.MethodGet, "/api/plugins/proxbox/endpoints/proxmox/", nil, nil); status != http.StatusOK {
				t.Errorf("%s reads the plugin: %d %s", name, status, body)
			}
			if status, body := s.Call(t, authorization, http.MethodPost, "/api/extras/tags/", tag{Name: name, Slug: name}, nil); status != want(test.write, http.StatusCreated) {
				t.Errorf("%s writes a tag: %d %s", name, status, body)
			}
			if status, body := s.Call(t, authorization, http.MethodGet, "/api/users/users/", nil, nil); status != want(test.admin, http.StatusOK) {
				t.Errorf("%s reads users: %d %s", name, status, body)
			}
		}
	}
}

func TestLostAnswerHasHappened(t *testing.T) {
	s := NetBox(t)
	s.Tap.Inject(tap.LoseAnswer(), tap.Writes)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, s.URL()+"/api/extras/tags/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := http.DefaultClient.Do(req); err == nil {
		resp.Body.Close()
		t.Errorf("the answer came through: %d", resp.StatusCode)
	}
	if w := s.Tap.Writes(); len(w) != 1 || w[0].Fault == "" {
		t.Errorf("the tap saw %v", w)
	}
}

func TestShellAndManagementCommands(t *testing.T) {
	s := NetBox(t)
	if got := s.Shell(t, "from users.models import User\nprint(User.objects.count())"); got != "3\n" {
		t.Errorf("the shell counts %q users", got)
	}
	// The stored database is the one of this NetBox and this plugin.
	if out, err := s.Manage(t.Context(), "migrate", "--check"); err != nil {
		t.Errorf("test/netbox/empty.pgdump is out of date (make test-dump): %v", err)
	} else if out != "" {
		t.Log(out)
	}
	if _, err := s.Manage(t.Context(), "no-such-command"); err == nil {
		t.Error("an unknown command succeeds")
	}
}

func TestWorkerRunsJobs(t *testing.T) {
	s := NetBox(t)
	s.StartWorker(t)
	var workers list[any]
	s.Must(t, http.MethodGet, "/api/core/background-workers/", nil, &workers)
	if workers.Count != 1 {
		t.Errorf("NetBox knows %d workers", workers.Count)
	}
}

func TestStopLeavesNothing(t *testing.T) {
	l := &Lab{}
	if err := l.makeDir(); err != nil {
		t.Fatal(err)
	}
	l.Stop()
	if _, err := os.Stat(l.Dir); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", l.Dir, err)
	}
}
