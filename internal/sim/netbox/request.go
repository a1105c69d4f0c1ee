package netboxsim

import (
	"fmt"
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

// write works on a POST, PUT, PATCH or DELETE and answers the status and body.
func (x *exchange) write(id int, detailed bool, in any) (int, []byte, *answer) {
	st := x.store
	t := &tx{s: st, requestID: x.reqID, user: x.user}
	status, body, a := x.apply(t, id, detailed, in)
	if a != nil {
		t.rollback()
	}
	return status, body, a
}

func (x *exchange) apply(t *tx, id int, detailed bool, in any) (int, []byte, *answer) {
	if detailed {
		return x.writeOne(t, id, in)
	}
	list, isList := in.([]any)
	if x.r.Method == http.MethodPost {
		if isList {
			return x.createMany(t, list)
		}
		return x.createOne(t, in)
	}
	if !isList {
		return 0, nil, x.notList(in)
	}
	ids, a := x.objectIDs(list)
	if a != nil {
		return 0, nil, a
	}
	if x.r.Method == http.MethodDelete {
		return x.deleteMany(t, ids, list)
	}
	return x.updateMany(t, ids, list)
}

func (x *exchange) notList(in any) *answer {
	if m, ok := in.(map[string]any); in == nil || ok && len(m) == 0 || in == "" {
		return detail(http.StatusBadRequest, "Expected a list of objects, but no data was submitted.")
	}
	return detail(http.StatusBadRequest, "Expected a list of objects, but got %s.", pyType(in))
}

// notObject is what NetBox says to an entry that is no JSON object.
func notObject(v any) *problems {
	p := &problems{}
	p.add(allKey, fmt.Sprintf("Invalid data. Expected a dictionary, but got %s.", pyType(v)))
	return p
}

// notSingle is notObject of a whole request.
func notSingle(v any) *answer {
	p := notObject(v)
	if v == nil {
		p = &problems{}
		p.add(allKey, "No data provided")
	}
	return &answer{status: http.StatusBadRequest, body: p}
}

func (x *exchange) createOne(t *tx, in any) (int, []byte, *answer) {
	obj, ok := in.(map[string]any)
	if !ok {
		return 0, nil, notSingle(in)
	}
	r, refused, stop := x.store.create(t, x.k, obj, x.only())
	if a := refusal(refused, stop); a != nil {
		return 0, nil, a
	}
	x.written++
	x.tag(r)
	x.w.Header().Set("Location", string(x.view.path(nil, "/api/", x.k.path, r.id)))
	return http.StatusCreated, x.view.object(nil, x.fields(), r), nil
}

func refusal(refused *problems, stop *answer) *answer {
	if stop == nil && refused != nil {
		return &answer{status: http.StatusBadRequest, body: refused}
	}
	return stop
}

// failure is one guilty object of a bulk request.
type failure struct {
	Index  *int      `json:"index,omitempty"`
	ID     *int      `json:"id,omitempty"`
	Errors *problems `json:"errors"`
}

type failures struct {
	Detail string    `json:"detail"`
	Errors []failure `json:"errors"`
}

func failed(status int, errs []failure, total int, what string) *answer {
	return &answer{status: status, body: failures{fmt.Sprintf("%d of %d objects %s.", len(errs), total, what), errs}}
}

func (x *exchange) createMany(t *tx, list []any) (int, []byte, *answer) {
	if !x.store.profile.indexedErrors && !x.k.sequential() {
		return x.createTogether(t, list)
	}
	rows := make([]*row, 0, len(list))
	var errs []failure
	for i, e := range list {
		obj, ok := e.(map[string]any)
		if !ok {
			errs = append(errs, failure{Index: &i, Errors: notObject(e)})
			continue
		}
		r, refused, stop := x.store.create(t, x.k, obj, x.only())
		switch {
		case stop != nil:
			return 0, nil, stop
		case refused != nil && !x.store.profile.indexedErrors:
			return 0, nil, refusal(refused, nil)
		case refused != nil:
			errs = append(errs, failure{Index: &i, Errors: refused})
		default:
			rows = append(rows, r)
		}
	}
	if len(errs) > 0 {
		return 0, nil, failed(http.StatusBadRequest, errs, len(list), "could not be created")
	}
	return x.created(rows)
}

func (x *exchange) created(rows []*row) (int, []byte, *answer) {
	for i, r := range rows {
		rows[i] = x.store.row(x.k.name, r.id) // a later one may have changed it
	}
	x.written += len(rows)
	b := x.objects(nil, rows)
	x.read -= len(rows)
	return http.StatusCreated, b, nil
}

// createTogether is the bulk create up to NetBox 4.6: all are validated
// against what was there, then all are saved.
func (x *exchange) createTogether(t *tx, list []any) (int, []byte, *answer) {
	drafts := make([]*draft, len(list))
	errs := make([]*problems, len(list))
	bad := false
	for i, e := range list {
		errs[i] = &problems{}
		obj, ok := e.(map[string]any)
		if !ok {
			errs[i], bad = notObject(e), true
			continue
		}
		d, refused, stop := x.store.draftNew(t, x.k, obj, x.only())
		if stop != nil {
			return 0, nil, stop
		}
		if refused != nil {
			errs[i], bad = refused, true
		}
		drafts[i] = d
	}
	if bad {
		return 0, nil, &answer{status: http.StatusBadRequest, body: errs}
	}
	rows := make([]*row, len(drafts))
	for i, d := range drafts {
		r, refused, stop := d.save()
		if a := refusal(refused, stop); a != nil {
			return 0, nil, a
		}
		rows[i] = r
	}
	return x.created(rows)
}

// objectIDs reads the ids of a bulk PATCH, PUT or DELETE.
func (x *exchange) objectIDs(list []any) ([]int, *answer) {
	ids := make([]int, len(list))
	var errs []failure
	for i, e := range list {
		p := &problems{}
		obj, ok := e.(map[string]any)
		switch {
		case !ok:
			p = notObject(e)
		case obj["id"] == nil:
			msg := "This field is required."
			if _, named := obj["id"]; named {
				msg = msgNull
			}
			p.add("id", msg)
		default:
			n, msg := parseInt(idField, obj["id"])
			if msg != "" {
				p.add("id", msg)
				break
			}
			ids[i] = n.(int)
			continue
		}
		errs = append(errs, failure{Index: &i, Errors: p})
	}
	if len(errs) == 0 {
		return ids, nil
	}
	if x.store.profile.indexedErrors {
		return nil, failed(http.StatusBadRequest, errs, len(list), "failed validation")
	}
	all := make([]*problems, len(list))
	for i := range all {
		all[i] = &problems{}
	}
	for _, e := range errs {
		all[*e.Index] = e.Errors
	}
	return nil, &answer{status: http.StatusBadRequest, body: all}
}

var idField = integer("id", minInt64, maxInt64)

// known refuses ids that are named twice or that no object has; up to NetBox
// 4.6 such are passed over in silence.
func (x *exchange) known(ids []int) *answer {
	if !x.store.profile.indexedErrors {
		return nil
	}
	times := map[int]int{}
	for _, id := range ids {
		times[id]++
	}
	var twice, gone []failure
	listed := map[int]bool{}
	for _, id := range ids {
		if listed[id] {
			continue
		}
		listed[id] = true
		p := &problems{}
		if times[id] > 1 {
			p.add("id", fmt.Sprintf("Each object may be specified only once; ID %d is listed %d times", id, times[id]))
			twice = append(twice, failure{ID: &id, Errors: p})
		}
		if x.store.row(x.k.name, id) == nil {
			p.add("id", fmt.Sprintf("Object with ID %d does not exist", id))
			gone = append(gone, failure{ID: &id, Errors: p})
		}
	}
	if len(twice) > 0 {
		return failed(http.StatusBadRequest, twice, len(ids), "are listed more than once")
	}
	if len(gone) > 0 {
		return failed(http.StatusBadRequest, gone, len(ids), "could not be found")
	}
	return nil
}

// targets are the objects of a bulk request in the order in which NetBox
// works on them: the kind's own.
func (x *exchange) targets(ids []int) []*row {
	var rows []*row
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		if r := x.store.row(x.k.name, id); r != nil {
			rows = append(rows, r)
		}
	}
	x.store.sort(x.k.sortKeys, rows)
	return rows
}

func (x *exchange) updateMany(t *tx, ids []int, list []any) (int, []byte, *answer) {
	if a := x.known(ids); a != nil {
		return 0, nil, a
	}
	wanted := make(map[int]map[string]any, len(ids))
	for i, id := range ids {
		wanted[id] = list[i].(map[string]any)
	}
	targets := x.targets(ids)
	partial := x.r.Method == http.MethodPatch
	var errs []failure
	for _, r := range targets {
		in := wanted[r.id]
		_, refused, stop := x.store.update(t, x.k, x.store.row(x.k.name, r.id), in, partial, x.only())
		switch {
		case stop != nil:
			return 0, nil, stop
		case refused != nil && !x.store.profile.indexedErrors:
			return 0, nil, refusal(refused, nil)
		case refused != nil:
			errs = append(errs, failure{ID: &r.id, Errors: refused})
		}
	}
	if len(errs) > 0 {
		return 0, nil, failed(http.StatusBadRequest, errs, len(targets), "could not be updated")
	}
	x.written += len(targets)
	rows := x.targets(ids)
	b := x.objects(nil, rows)
	x.read -= len(rows)
	return http.StatusOK, b, nil
}

func (x *exchange) deleteMany(t *tx, ids []int, list []any) (int, []byte, *answer) {
	if a := x.known(ids); a != nil {
		return 0, nil, a
	}
	messages := map[int]string{}
	for i, id := range ids {
		messages[id], _ = list[i].(map[string]any)["changelog_message"].(string)
	}
	targets := x.targets(ids)
	var errs []failure
	for _, r := range targets {
		cur := x.store.row(x.k.name, r.id)
		if cur == nil {
			continue // went with another of them
		}
		forbidding := x.store.remove(t, x.k, cur, messages[r.id])
		switch {
		case len(forbidding) == 0:
		case !x.store.profile.indexedErrors:
			return 0, nil, dependents(forbidding)
		default:
			p := &problems{}
			p.add(allKey, fmt.Sprintf("Unable to delete: %d dependent object(s) prevent deletion.", len(forbidding)))
			errs = append(errs, failure{ID: &r.id, Errors: p})
		}
	}
	if len(errs) > 0 {
		return 0, nil, failed(http.StatusConflict, errs, len(targets), "could not be deleted")
	}
	x.written += len(targets)
	return http.StatusNoContent, nil, nil
}

func dependents(forbidding []string) *answer {
	return detail(http.StatusConflict, "Unable to delete object. %d dependent objects were found: %s",
		len(forbidding), strings.Join(forbidding, ", "))
}

func (x *exchange) writeOne(t *tx, id int, in any) (int, []byte, *answer) {
	st := x.store
	r := st.row(x.k.name, id)
	if r == nil {
		return 0, nil, x.noSuch()
	}
	if want := x.r.Header.Get("If-Match"); st.profile.etag && want != "" && want != "*" {
		tags := strings.Split(want, ",")
		if !slices.ContainsFunc(tags, func(tag string) bool { return strings.TrimSpace(tag) == etag(r) }) {
			return 0, nil, &answer{
				status: http.StatusPreconditionFailed, body: map[string]string{"detail": "Precondition failed."},
				header: map[string]string{"ETag": etag(r)},
			}
		}
	}
	obj, ok := in.(map[string]any)
	if _, isList := in.([]any); isList && x.r.Method != http.MethodDelete {
		return 0, nil, st.crash("NotImplementedError", "Serializers with many=True do not support multiple update by default.")
	}
	if !ok {
		return 0, nil, notSingle(in)
	}
	if x.r.Method == http.MethodDelete {
		message, _ := obj["changelog_message"].(string)
		if forbidding := st.remove(t, x.k, r, message); len(forbidding) > 0 {
			return 0, nil, dependents(forbidding)
		}
		x.written++
		return http.StatusNoContent, nil, nil
	}
	r, refused, stop := st.update(t, x.k, r, obj, x.r.Method == http.MethodPatch, x.only())
	if a := refusal(refused, stop); a != nil {
		return 0, nil, a
	}
	x.written++
	x.tag(r)
	return http.StatusOK, x.view.object(nil, x.fields(), r), nil
}

// sequential kinds are created one after the other also before NetBox 4.7.
func (k *kind) sequential() bool { return k.name == deviceKind }
