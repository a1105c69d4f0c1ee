//go:build e2e

package plugin

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// job is one of NetBox's background jobs.
type job struct {
	ID     int                    `json:"id"`
	Name   string                 `json:"name"`
	Status struct{ Value string } `json:"status"`
	Error  string                 `json:"error"`
	Log    []struct {
		Level   string `json:"level"`
		Message string `json:"message"`
	} `json:"log_entries"`
	Data struct {
		Sync struct {
			Response struct {
				Stages []stage `json:"stages"`
			} `json:"response"`
		} `json:"proxbox_sync"`
	} `json:"data"`
}

// stage is what the plugin keeps of a stage in its job.
type stage struct {
	Type   string `json:"sync_type"`
	Path   string `json:"stream_path"`
	Result struct {
		OK      bool   `json:"ok"`
		Skipped bool   `json:"skipped"`
		Reason  string `json:"reason"`
	} `json:"result_summary"`
}

// types are the stages of a job, in the order in which they ran.
func (j job) types() (all []string) {
	for _, s := range j.Data.Sync.Response.Stages {
		all = append(all, s.Type)
	}
	return all
}

// text is all that the job tells who opens it.
func (j job) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "job %q is %s: %s\n", j.Name, j.Status.Value, j.Error)
	for _, e := range j.Log {
		fmt.Fprintf(&b, "%s %s\n", e.Level, e.Message)
	}
	return b.String()
}

// ids are the plugin's jobs after one, the oldest first, and how many of them
// have ended. NetBox has hundreds of its own beside them.
func (f *field) ids(t *testing.T, after int) (all []int, ended int) {
	t.Helper()
	var page struct {
		Results []job `json:"results"`
	}
	f.Must(t, http.MethodGet, fmt.Sprintf("/api/core/jobs/?limit=1000&ordering=id&name__isw=Proxbox&id__gt=%d&fields=id,name,status", after), nil, &page)
	for _, j := range page.Results {
		if !strings.HasPrefix(j.Name, "Proxbox") {
			continue
		}
		all = append(all, j.ID)
		switch j.Status.Value {
		case "pending", "scheduled", "running":
		default:
			ended++
		}
	}
	return all, ended
}

// jobs does what starts a number of jobs, and returns them when they have
// ended.
func (f *field) jobs(t *testing.T, count int, start func()) []job {
	t.Helper()
	before, _ := f.ids(t, 0)
	newest := 0
	if len(before) > 0 {
		newest = before[len(before)-1]
	}
	start()
	var all []int
	for deadline := time.Now().Add(5 * time.Minute); ; time.Sleep(250 * time.Millisecond) {
		var ended int
		if all, ended = f.ids(t, newest); ended >= count && ended == len(all) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("of %d jobs %d were started and %d have ended", count, len(all), ended)
		}
	}
	jobs := make([]job, len(all))
	for i, id := range all {
		f.Must(t, http.MethodGet, fmt.Sprintf("/api/core/jobs/%d/", id), nil, &jobs[i])
	}
	return jobs
}

// press uses a button, and says what NetBox says when it is none.
func (f *field) press(t *testing.T, path string, form url.Values) (page string) {
	t.Helper()
	status, page := f.browser.Post(t, path, form)
	if status != http.StatusOK {
		t.Errorf("%s: %d %s", path, status, title(page))
	}
	return page
}

// update presses Full Update and returns its job.
func (f *field) update(t *testing.T) job {
	t.Helper()
	return f.jobs(t, 1, func() { f.press(t, "/plugins/proxbox/sync/full-update/", nil) })[0]
}

// completed expects that a job ended well.
func completed(t *testing.T, j job) {
	t.Helper()
	if j.Status.Value != "completed" {
		t.Error(j.text())
	}
}

// recovered expects that the next Full Update ends well and finds all as it
// was.
func (f *field) recovered(t *testing.T) {
	t.Helper()
	f.Tap.Clear()
	completed(t, f.update(t))
	f.untouched(t, "all is as it was")
}

var toast = regexp.MustCompile(`(?s)<div class="toast-body[^>]*>(.*?)</div>`)

// messages is what NetBox tells its user on a page.
func messages(page string) string {
	var all []string
	for _, m := range toast.FindAllStringSubmatch(page, -1) {
		all = append(all, strings.Join(strings.Fields(m[1]), " "))
	}
	return strings.Join(all, "; ")
}

func title(page string) string {
	if _, rest, ok := strings.Cut(page, "<title>"); ok {
		name, _, _ := strings.Cut(rest, "</title>")
		return strings.TrimSpace(name)
	}
	return page[:min(len(page), 200)]
}
