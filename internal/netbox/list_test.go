package netbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// estate answers pages as NetBox does, of rows with these ids.
type estate struct {
	ids      []int
	maxPage  int // MAX_PAGE_SIZE
	noCursor bool
	// change is called before each page but the first.
	change func(e *estate, page int)
	pages  int
}

func (e *estate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if e.pages++; e.pages > 1 && e.change != nil {
		e.change(e, e.pages)
	}
	q := r.URL.Query()
	limit, _ := strconv.Atoi(q.Get("limit"))
	limit = min(limit, e.maxPage)
	rows := slices.Clone(e.ids)
	slices.Sort(rows)
	count, next := "null", ""
	if q.Has("start") && !e.noCursor {
		start, _ := strconv.Atoi(q.Get("start"))
		rows = slices.DeleteFunc(rows, func(id int) bool { return id < start })
		rows = rows[:min(limit, len(rows))]
		if len(rows) == limit {
			next = fmt.Sprintf("start=%d", rows[len(rows)-1]+1)
		}
	} else {
		offset, _ := strconv.Atoi(q.Get("offset"))
		count = strconv.Itoa(len(rows))
		if offset+limit < len(rows) {
			next = fmt.Sprintf("offset=%d", offset+limit)
		}
		rows = rows[min(offset, len(rows)):]
		rows = rows[:min(limit, len(rows))]
	}
	link := "null"
	if next != "" {
		// a host that the client cannot know, as behind a proxy
		link = fmt.Sprintf(`"http://inner:8000%s?%s"`, r.URL.Path, next)
	}
	var results []string
	for _, id := range rows {
		results = append(results, fmt.Sprintf(`{"id": %d}`, id))
	}
	reply(w, 200, fmt.Sprintf(`{"count": %s, "next": %s, "previous": null, "results": [%s]}`, count, link, strings.Join(results, ", ")))
}

func collect(into *[]int) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		var o struct{ ID int }
		if err := json.Unmarshal(raw, &o); err != nil {
			return err
		}
		*into = append(*into, o.ID)
		return nil
	}
}

func TestListByID(t *testing.T) {
	f := newFake(t, (&estate{ids: []int{3, 5, 9, 12}, maxPage: 1000}).ServeHTTP)
	var got []int
	err := f.open(t, Options{PageSize: 2}).List(t.Context(), vms, url.Values{"fields": {"name"}, "tag": {"x"}}, collect(&got))
	if err != nil || !slices.Equal(got, []int{3, 5, 9, 12}) {
		t.Errorf("%v, %v", got, err)
	}
	want := []string{
		"GET " + vms + "?fields=id,name&limit=2&start=0&tag=x",
		"GET " + vms + "?fields=id,name&limit=2&start=6&tag=x",
		"GET " + vms + "?fields=id,name&limit=2&start=13&tag=x",
	}
	if d := cmp.Diff(want, f.seen()); d != "" {
		t.Error(d)
	}
}

func TestListByOffset(t *testing.T) {
	f := newFake(t, (&estate{ids: []int{3, 5, 9, 12}, maxPage: 1000}).ServeHTTP)
	f.release = "4.5.9"
	var got []int
	query := url.Values{"fields": {"id,name"}, "start": {"7"}, "offset": {"7"}}
	if err := f.open(t, Options{PageSize: 3}).List(t.Context(), vms, query, collect(&got)); err != nil || len(got) != 4 {
		t.Errorf("%v, %v", got, err)
	}
	want := []string{
		"GET " + vms + "?fields=id,name&limit=3&offset=0&ordering=id",
		"GET " + vms + "?fields=id,name&limit=3&offset=3&ordering=id",
	}
	if d := cmp.Diff(want, f.seen()); d != "" {
		t.Error(d)
	}
	if query.Get("start") != "7" {
		t.Error("the caller's query was changed")
	}
}

func TestListWithItsOwnOrderPagesByOffset(t *testing.T) {
	f := newFake(t, (&estate{ids: []int{1}, maxPage: 1000}).ServeHTTP)
	var got []int
	if err := f.open(t, Options{}).List(t.Context(), vms, url.Values{"ordering": {"-last_updated"}}, collect(&got)); err != nil {
		t.Error(err)
	}
	if got := f.seen(); len(got) != 1 || got[0] != "GET "+vms+"?limit=1000&offset=0&ordering=-last_updated" {
		t.Errorf("sent %q", got)
	}
}

func TestListThatKnowsNoCursor(t *testing.T) {
	f := newFake(t, (&estate{ids: []int{1, 2, 3}, maxPage: 2, noCursor: true}).ServeHTTP)
	var got []int
	if err := f.open(t, Options{}).List(t.Context(), vms, nil, collect(&got)); err != nil || !slices.Equal(got, []int{1, 2, 3}) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestListThatChangesIsReadAgain(t *testing.T) {
	e := &estate{ids: []int{1, 2, 3, 4}, maxPage: 2, change: func(e *estate, page int) {
		if page == 2 {
			e.ids = []int{2, 3, 4} // the second page would begin with row 4
		}
	}}
	f := newFake(t, e.ServeHTTP)
	f.release = "4.5.0"
	var got []int
	if err := f.open(t, Options{}).List(t.Context(), vms, nil, collect(&got)); err != nil || !slices.Equal(got, []int{2, 3, 4}) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestIncompleteLists(t *testing.T) {
	growing := &estate{ids: []int{1, 2, 3}, maxPage: 2, change: func(e *estate, page int) { e.ids = append(e.ids, 10+page) }}
	// one row goes as another comes: the count stays, and row 2 comes twice
	swap := &estate{ids: []int{2, 3, 4, 5}, maxPage: 2}
	swap.change = func(e *estate, page int) {
		if page%2 == 0 {
			e.ids = []int{1, 2, 3, 4}
		} else {
			e.ids = []int{2, 3, 4, 5}
		}
	}
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		reason string
	}{
		"growing": {growing.ServeHTTP, "rows and then"},
		"swap":    {swap.ServeHTTP, "came twice"},
		"short":   {says(200, `{"count": 2, "next": null, "results": [{"id": 1}]}`), "1 of 2 rows"},
		"uncount": {says(200, `{"count": null, "next": null, "results": [{"id": 1}]}`), "no count"},
	} {
		f := newFake(t, tt.answer)
		f.release = "4.5.0"
		var got []int
		err := f.open(t, Options{}).List(t.Context(), vms, nil, collect(&got))
		var incomplete *IncompleteError
		if !errors.As(err, &incomplete) || !strings.Contains(err.Error(), tt.reason) || got != nil {
			t.Errorf("%s: %v, handed on %v", name, err, got)
		}
	}
	for name, body := range map[string]string{
		"disorder": `{"count": null, "next": "x", "results": [{"id": 2}, {"id": 1}]}`,
		"empty":    `{"count": null, "next": "x", "results": []}`,
	} {
		f := newFake(t, says(200, body))
		var got []int
		err := f.open(t, Options{}).List(t.Context(), vms, nil, collect(&got))
		if !errors.As(err, new(*IncompleteError)) || got != nil {
			t.Errorf("%s: %v, handed on %v", name, err, got)
		}
	}
}

func TestListStopsAtTheCallersError(t *testing.T) {
	f := newFake(t, (&estate{ids: []int{1, 2, 3}, maxPage: 1}).ServeHTTP)
	stop := errors.New("stop")
	err := f.open(t, Options{}).List(t.Context(), vms, nil, func(json.RawMessage) error { return stop })
	if err != stop || len(f.seen()) != 1 {
		t.Errorf("%v after %d requests", err, len(f.seen()))
	}
}

func TestListReadsATruncatedPageAgain(t *testing.T) {
	pages := &estate{ids: []int{1, 2, 3}, maxPage: 2}
	cut := func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 200, `{"count": null, "next": null, "previous": null, "results": [{"id": 1}, {"id": 2}`)
	}
	f := newFake(t, script(cut, truncated, pages.ServeHTTP))
	var got []int
	if err := f.open(t, Options{}).List(t.Context(), vms, nil, collect(&got)); err != nil || !slices.Equal(got, []int{1, 2, 3}) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestNoLists(t *testing.T) {
	for _, body := range []string{
		``, `null`, `[]`, `{}`, `{"results": null}`, `{"results": {}}`, `{"results": [{"name": "x"}]}`, `{"results": [1]}`,
		`{"results": [{"id": "1"}]}`, `{"results": []`, `{"results": []} x`, `{"count": "x", "results": []}`, `{"results": [{"id": 1},]}`,
	} {
		if p, err := readPage(strings.NewReader(body)); err == nil {
			t.Errorf("%s is read as %v", body, p.ids)
		}
	}
}

// TestEveryRowOnce is the law of List: whatever the ids, the page sizes and the
// kind of paging, every row comes once and in order.
func TestEveryRowOnce(t *testing.T) {
	e := &estate{}
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) { e.ServeHTTP(w, r) })
	byRelease := map[string]*Client{}
	for _, release := range []string{"4.5.2", "4.7.3"} {
		f.release = release
		byRelease[release] = f.open(t, Options{PageSize: 3})
		if _, err := byRelease[release].Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfDistinct(rapid.IntRange(1, 60), rapid.ID[int]).Draw(t, "ids")
		*e = estate{ids: want, maxPage: rapid.IntRange(1, 5).Draw(t, "max page size"), noCursor: rapid.Bool().Draw(t, "no cursor")}
		for release, c := range byRelease {
			var got []int
			if err := c.List(t.Context(), vms, nil, collect(&got)); err != nil {
				t.Fatal(err)
			}
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Fatalf("%s: %v, want %v", release, got, want)
			}
		}
	})
}

func FuzzReadPage(f *testing.F) {
	f.Add(`{"count": null, "next": "http://nb/api/x/?start=3", "previous": null, "results": [{"id": 1}, {"id": 2}]}`)
	f.Add(`{"count": 1, "next": null, "results": [{"id": 1, "x": {"y": [1, 2, null]}}]}`)
	f.Add(`{"results": [{"id": 1}`)
	f.Add(`{"results": [{"id": 1}]} and more`)
	f.Fuzz(func(t *testing.T, body string) {
		p, err := readPage(strings.NewReader(body))
		if err != nil {
			if len(p.rows) > 0 {
				t.Error("rows of a page that was not read")
			}
			return
		}
		if len(p.rows) != len(p.ids) || !json.Valid([]byte(body)) {
			t.Errorf("%q is read as %d rows and %d ids", body, len(p.rows), len(p.ids))
		}
	})
}
