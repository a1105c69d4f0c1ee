package netboxsim

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// pageSize is NetBox's PAGINATE_COUNT, maxPage its MAX_PAGE_SIZE.
const (
	pageSize = 50
	maxPage  = 1000
)

// fields are those that the answer shows: ?fields=, ?omit=, ?brief=.
func (x *exchange) fields() []*field {
	show := func(ok func(*field) bool) []*field {
		var fs []*field
		for _, f := range x.k.fields {
			if !f.hidden && !f.writeOnly && ok(f) {
				fs = append(fs, f)
			}
		}
		return fs
	}
	if only := x.only(); only != nil {
		return show(func(f *field) bool { return only[f.name] })
	}
	if x.r.Method == http.MethodGet && x.query.Get("brief") != "" && len(x.k.briefSet) > 0 && x.query.Get("omit") == "" {
		return x.k.briefSet
	}
	omit := strings.Split(x.query.Get("omit"), ",")
	if !x.store.profile.indexedErrors && slices.Contains(x.query["exclude"], "config_context") {
		omit = append(omit, "config_context")
	}
	return show(func(f *field) bool { return !slices.Contains(omit, f.name) })
}

// only are the names in ?fields=, nil without it. On a write they narrow what
// is read from the request, too.
func (x *exchange) only() map[string]bool {
	text := x.query.Get("fields")
	if text == "" {
		return nil
	}
	only := map[string]bool{}
	for name := range strings.SplitSeq(text, ",") {
		only[name] = true
	}
	return only
}

func etag(r *row) string {
	form := "2006-01-02T15:04:05.000000"
	if r.updated.Nanosecond() == 0 {
		form = "2006-01-02T15:04:05"
	}
	return `W/"` + r.updated.Format(form) + `+00:00"`
}

func (x *exchange) tag(r *row) {
	if x.store.profile.etag {
		x.w.Header().Set("ETag", etag(r))
	}
}

func (x *exchange) get(id int, detailed bool) ([]byte, *answer) {
	if !detailed {
		return x.list()
	}
	r := x.store.row(x.k.name, id)
	if r == nil {
		return nil, x.noSuch()
	}
	x.read++
	x.tag(r)
	fields := x.fields()
	if x.runtime {
		fields = append(fields, fixed("encryption_key_configured", "false"), fixed("encryption_key", `""`))
	}
	return x.view.object(nil, fields, r), nil
}

func (x *exchange) noSuch() *answer {
	return detail(http.StatusNotFound, "No %s matches the given query.", x.k.class)
}

// list answers one page.
func (x *exchange) list() ([]byte, *answer) {
	conds, errs := x.view.conditions(x.k, x.query)
	if !errs.empty() {
		return nil, &answer{status: http.StatusBadRequest, body: errs}
	}
	limit := x.limit()
	start, byCursor := x.query["start"]
	among, narrowed := x.store.narrow(x.k, x.query)
	if !narrowed {
		among = x.store.table(x.k.name).byID
	}
	if byCursor && x.store.profile.cursor {
		return x.cursorPage(among, conds, start[0], limit)
	}
	rows := x.ordered(among, narrowed)
	if len(conds) > 0 {
		kept := make([]*row, 0, 64)
		for _, r := range rows {
			if matches(conds, r) {
				kept = append(kept, r)
			}
		}
		rows = kept
	}
	count := len(rows)
	offset := 0
	if n, err := strconv.Atoi(x.query.Get("offset")); err == nil && n > 0 {
		offset = n
	}
	from := min(offset, count)
	page := rows[from:min(from+limit, count)]
	next, previous := "", ""
	if offset+limit < count {
		next = x.link(map[string]int{"limit": limit, "offset": offset + limit}, "")
	}
	switch {
	case offset > limit:
		previous = x.link(map[string]int{"limit": limit, "offset": offset - limit}, "")
	case offset > 0:
		previous = x.link(map[string]int{"limit": limit}, "offset")
	}
	b := make([]byte, 0, 256+512*len(page))
	b = append(b, `{"count":`...)
	b = strconv.AppendInt(b, int64(count), 10)
	return x.results(b, next, previous, page), nil
}

func (x *exchange) limit() int {
	n, err := strconv.Atoi(x.query.Get("limit"))
	switch {
	case err != nil || n < 0:
		return pageSize
	case n == 0:
		return maxPage
	}
	return min(n, maxPage)
}

// ordered puts rows, which come by id, into the order that was asked for. All
// rows of a kind are kept in its own order.
func (x *exchange) ordered(rows []*row, narrowed bool) []*row {
	text := x.query.Get("ordering")
	switch text {
	case "id":
		return rows
	case "-id":
		rows = slices.Clone(rows)
		slices.Reverse(rows)
		return rows
	}
	keys := x.k.ordering(text)
	switch {
	case narrowed:
		rows = slices.Clone(rows)
		x.store.sort(x.k.sortKeys, rows)
	case len(keys) == 0:
		return x.store.inDefaultOrder(x.store.table(x.k.name))
	default:
		rows = slices.Clone(x.store.inDefaultOrder(x.store.table(x.k.name)))
	}
	x.store.sort(keys, rows)
	return rows
}

func (x *exchange) cursorPage(among []*row, conds []condition, text string, limit int) ([]byte, *answer) {
	start, err := strconv.Atoi(text)
	refuse := func(msg string) ([]byte, *answer) {
		return nil, &answer{status: http.StatusBadRequest, body: []string{msg}}
	}
	switch {
	case err != nil || start < 0:
		return refuse("Invalid 'start' parameter: must be a non-negative integer.")
	case x.query.Has("offset"):
		return refuse("'start' and 'offset' are mutually exclusive.")
	case x.query.Has("ordering"):
		return refuse("Ordering cannot be specified in conjunction with cursor-based pagination.")
	}
	at, _ := find(among, start)
	page := make([]*row, 0, min(limit, len(among)-at))
	for _, r := range among[at:] {
		if len(page) == limit {
			break
		}
		if matches(conds, r) {
			page = append(page, r)
		}
	}
	next := ""
	if len(page) == limit && limit > 0 {
		next = x.link(map[string]int{"limit": limit, "start": page[len(page)-1].id + 1}, "offset")
	}
	b := make([]byte, 0, 256+512*len(page))
	return x.results(append(b, `{"count":null`...), next, "", page), nil
}

func matches(conds []condition, r *row) bool {
	for _, ok := range conds {
		if !ok(r) {
			return false
		}
	}
	return true
}

func (x *exchange) results(b []byte, next, previous string, page []*row) []byte {
	for _, l := range []struct{ name, url string }{{"next", next}, {"previous", previous}} {
		b = append(b, `,"`...)
		b = append(b, l.name...)
		b = append(b, `":`...)
		if l.url == "" {
			b = append(b, "null"...)
			continue
		}
		b = appendString(b, l.url)
	}
	b = append(b, `,"results":`...)
	b = x.objects(b, page)
	return append(b, '}')
}

func (x *exchange) objects(b []byte, rows []*row) []byte {
	fields := x.fields()
	x.read += len(rows)
	b = append(b, '[')
	for i, r := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = x.view.object(b, fields, r)
	}
	return append(b, ']')
}

// link is the address of another page: the query, sorted, with what is set
// and without what is dropped.
func (x *exchange) link(set map[string]int, drop string) string {
	q := url.Values{}
	for name, values := range x.query {
		if name != drop {
			q[name] = values
		}
	}
	for name, n := range set {
		q.Set(name, strconv.Itoa(n))
	}
	return x.view.base + x.r.URL.Path + "?" + q.Encode()
}
