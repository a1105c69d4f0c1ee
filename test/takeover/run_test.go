//go:build unix

// Package takeover puts our program where the Python service was, and people
// beside it: nothing is made twice, and what is theirs stays theirs.
package takeover

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"proxbox/internal/plan"
	"proxbox/internal/run"
	proxmoxsim "proxbox/internal/sim/proxmox"
	"proxbox/test/lab/netboxstate"
)

// world is a NetBox, real or simulated, and a Proxmox VE between which our
// runs carry.
type world interface {
	netboxstate.NetBox
	change(t *testing.T, edit func(*proxmoxsim.Estate))
	// sync carries a full update out. One that cannot be done at all, and
	// whatever failed in it, fails the test.
	sync(t *testing.T) *run.Result
	// rest runs again and expects that nothing is written.
	rest(t *testing.T, what string)
}

type row = map[string]any

// find are the objects of a list, with the query that narrows it.
func find(t testing.TB, nb netboxstate.NetBox, path, query string) []row {
	t.Helper()
	var page struct {
		Results []row `json:"results"`
	}
	nb.Must(t, http.MethodGet, "/api/"+path+"/?limit=1000&"+query, nil, &page)
	return page.Results
}

// only is the id of the one object of a list.
func only(t testing.TB, nb netboxstate.NetBox, path, query string) int {
	t.Helper()
	found := find(t, nb, path, query)
	if len(found) != 1 {
		t.Fatalf("%s?%s has %d objects", path, query, len(found))
	}
	return int(found[0]["id"].(float64))
}

// create makes an object as an administrator and returns its id.
func create(t testing.TB, nb netboxstate.NetBox, path string, fields row) int {
	t.Helper()
	var made struct {
		ID int `json:"id"`
	}
	nb.Must(t, http.MethodPost, "/api/"+path+"/", fields, &made)
	return made.ID
}

// patch changes an object as an administrator.
func patch(t testing.TB, nb netboxstate.NetBox, path string, id int, fields row) {
	t.Helper()
	nb.Must(t, http.MethodPatch, fmt.Sprintf("/api/%s/%d/", path, id), fields, nil)
}

// read is an object as NetBox has it.
func read(t testing.TB, nb netboxstate.NetBox, path string, id int) row {
	t.Helper()
	var r row
	nb.Must(t, http.MethodGet, fmt.Sprintf("/api/%s/%d/", path, id), nil, &r)
	return r
}

// carryOut carries a full update out.
func carryOut(t *testing.T, l *run.Launcher, query url.Values) *run.Result {
	t.Helper()
	r, err := l.Start(run.Ask{Query: query})
	if err != nil {
		t.Fatal(err)
	}
	_, stop := r.Listen()
	defer stop()
	select {
	case <-r.Done():
	case <-t.Context().Done():
		t.Fatal("the run did not end")
	}
	res, err := r.Result()
	if err != nil {
		t.Fatalf("the run failed: %v", err)
	}
	for _, r := range res.Reports {
		if r.Outcome == plan.Failed {
			t.Errorf("%s %s %s %s: %s (%s)", r.Outcome, r.Kind, r.Label, r.Field, r.Reason, r.WayOut)
		}
	}
	if res.Outcome != run.OutcomeCompleted {
		t.Errorf("the run is %s", res.Outcome)
	}
	return res
}

// conflicts are a run's conflicts and what hangs on them, one line each.
func conflicts(res *run.Result) []string {
	var lines []string
	for _, r := range res.Reports {
		lines = append(lines, fmt.Sprintf("%s %s %s: %s; %s", r.Outcome, r.Label, r.Field, r.Reason, r.WayOut))
	}
	slices.Sort(lines)
	return lines
}

// compare says what is new in a NetBox after a run, by kind and key, and fails
// the test for whatever went away or stands twice.
func compare(t *testing.T, before, after netboxstate.Census) []string {
	t.Helper()
	for id, key := range before {
		if after[id] == "" {
			t.Errorf("gone: %s (%s)", key, id)
		}
	}
	holders := map[string][]string{}
	var added []string
	for id, key := range after {
		holders[key] = append(holders[key], id)
		if before[id] == "" {
			added = append(added, "new "+key)
		}
	}
	for key, ids := range holders {
		if len(ids) > 1 {
			t.Errorf("%d objects are %s: %s", len(ids), key, strings.Join(ids, ", "))
		}
	}
	slices.Sort(added)
	return added
}
