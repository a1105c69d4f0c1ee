package netboxsim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

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
