package netbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// refusal is what a refused request's body says.
type refusal struct {
	detail    string
	exception string
	items     map[int]ItemError
	fields    ItemError
}

// parseRefusal reads a refusal. Its shapes are, by release and origin:
//
//	{"detail": …, "errors": [{"index": 1, "errors": {field: […]}}]}  4.7, by position
//	{"detail": …, "errors": [{"id": 12, "errors": {field: […]}}]}    4.7, by id
//	[{}, {field: […]}, {}]                                           4.5 and 4.6, by position
//	{field: […]}                                                     one object, or the first guilty one
//	{field: …}                                                       the plugin's own rules, with 409
//	{"detail": …}                                                    permissions, protected objects
//	["…"]                                                            a parameter
//	{"error": …, "exception": …}                                     an exception within NetBox
//
// and whatever a proxy says.
func parseRefusal(body []byte, contentType string, items []map[string]any) refusal {
	var doc any
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(&doc); err != nil {
		return refusal{detail: plain(body, contentType)}
	}
	switch doc := doc.(type) {
	case map[string]any:
		return parseObject(doc, items)
	case []any:
		return parseList(doc, items)
	case string:
		return refusal{detail: shorten(doc)}
	}
	return refusal{}
}

func parseObject(doc map[string]any, items []map[string]any) refusal {
	if exception, ok := doc["exception"].(string); ok {
		return refusal{exception: exception, detail: shorten(exception + ": " + wording(doc["error"]))}
	}
	r := refusal{}
	detail, hasDetail := doc["detail"]
	if errs, ok := doc["errors"].([]any); ok && hasDetail {
		r.detail = shorten(wording(detail))
		byID := positions(items)
		for _, e := range errs {
			r.place(e, len(items), byID)
		}
		return r
	}
	if hasDetail {
		r.detail = shorten(wording(detail))
		if code, ok := doc["code"].(string); ok && !strings.Contains(r.detail, code) {
			r.detail = strings.TrimSpace(code + ": " + r.detail)
		}
		return r
	}
	if len(doc) > 1 {
		delete(doc, "code") // the plugin repeats the reason under it
	}
	fields := itemError(doc)
	r.detail = shorten(fields.String())
	if len(items) == 1 {
		r.items = map[int]ItemError{0: fields}
	} else {
		r.fields = fields
	}
	return r
}

// place puts one entry of 4.7's list where it belongs.
func (r *refusal) place(entry any, count int, byID map[int]int) {
	e, ok := entry.(map[string]any)
	if !ok {
		r.fields = merge(r.fields, itemError(entry))
		return
	}
	fields := itemError(e["errors"])
	index, ok := number(e["index"])
	if !ok {
		var id int
		if id, ok = number(e["id"]); ok {
			index, ok = byID[id]
		}
	}
	if !ok || index < 0 || index >= count {
		r.fields = merge(r.fields, fields)
		return
	}
	if r.items == nil {
		r.items = map[int]ItemError{}
	}
	r.items[index] = merge(r.items[index], fields)
}

func parseList(doc []any, items []map[string]any) refusal {
	byPosition := len(doc) == len(items)
	for _, e := range doc {
		if _, ok := e.(map[string]any); !ok {
			byPosition = false
		}
	}
	r := refusal{}
	for i, e := range doc {
		fields := itemError(e)
		if len(fields) == 0 {
			continue
		}
		if !byPosition {
			r.fields = merge(r.fields, fields)
			continue
		}
		if r.items == nil {
			r.items = map[int]ItemError{}
		}
		r.items[i] = fields
	}
	if byPosition {
		r.detail = fmt.Sprintf("%d of %d objects were refused", len(r.items), len(items))
	} else {
		r.detail = shorten(r.fields.String())
	}
	return r
}

// positions maps the ids of a request's items to their places in it.
func positions(items []map[string]any) map[int]int {
	m := make(map[int]int, len(items))
	for i, item := range items {
		if id, ok := number(item["id"]); ok {
			m[id] = i
		}
	}
	return m
}

func number(v any) (int, bool) {
	switch v := v.(type) {
	case int:
		return v, true
	case int64:
		return int(v), true
	case float64:
		return int(v), v == float64(int(v))
	case json.Number:
		n, err := strconv.Atoi(v.String())
		return n, err == nil
	}
	return 0, false
}

// itemError flattens the messages of one object.
func itemError(v any) ItemError {
	e := ItemError{}
	e.gather("", v)
	if len(e) == 0 {
		return nil
	}
	return e
}

func (e ItemError) gather(field string, v any) {
	switch v := v.(type) {
	case nil:
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			inner := name
			if field != "" {
				inner = field + "." + name
			}
			e.gather(inner, v[name])
		}
	case []any:
		for _, x := range v {
			e.gather(field, x)
		}
	default:
		if field == "" {
			field = "__all__"
		}
		e[field] = append(e[field], shorten(wording(v)))
	}
}

func merge(a, b ItemError) ItemError {
	if a == nil {
		return b
	}
	for field, messages := range b {
		a[field] = append(a[field], messages...)
	}
	return a
}

// wording is a JSON value as a person reads it.
func wording(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return itemError(v).String()
}

var title = regexp.MustCompile(`(?i)<title>([^<]*)<`)

// plain is what a body that is not JSON says: the title of a page, or a line.
func plain(body []byte, contentType string) string {
	line := strings.Join(strings.Fields(string(body)), " ")
	if !strings.Contains(contentType, "html") && !strings.HasPrefix(line, "<") {
		return shorten(line)
	}
	if m := title.FindStringSubmatch(line); m != nil {
		return shorten(`a page titled "` + strings.TrimSpace(m[1]) + `"`)
	}
	return "a page instead of an answer"
}

// maxText bounds a message that is shown to a person, in bytes.
const maxText = 500

func shorten(s string) string {
	s = strings.ToValidUTF8(s, "�")
	if len(s) <= maxText {
		return s
	}
	s = s[:maxText]
	for len(s) > 0 && !utf8.RuneStart(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s[:len(s)-1] + "…"
}
