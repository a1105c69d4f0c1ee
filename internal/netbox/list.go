package netbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// maxReadings is how often a list that changes under the reading is begun
// again, where a NetBox pages by offset.
const maxReadings = 3

// List hands every row of a list to each, page by page. The query may narrow
// it (NetBox passes over a filter that it does not know, and answers all rows)
// and should name the fields that are needed; the id is always among them.
//
// From 4.6 on pages follow the id (start=), which misses no row that is there
// from the beginning to the end. Older ones page by offset, ordered by id, and
// so does a query with an ordering of its own: then rows are handed on only
// after the count was the same on every page and no row came twice. Else List
// begins again, and at last returns an *IncompleteError.
//
// After an error of List the rows so far say nothing about the others. An
// error of each ends the list and is returned as it is.
func (c *Client) List(ctx context.Context, path string, query url.Values, each func(json.RawMessage) error) error {
	caps, err := c.Probe(ctx)
	if err != nil {
		return err
	}
	q := url.Values{}
	for name, values := range query {
		q[name] = slices.Clone(values)
	}
	if fields := q.Get("fields"); fields != "" && !slices.Contains(strings.Split(fields, ","), "id") {
		q.Set("fields", "id,"+fields)
	}
	for _, name := range []string{"start", "offset"} {
		q.Del(name)
	}
	q.Set("limit", strconv.Itoa(c.opt.PageSize))
	if caps.Cursor && !q.Has("ordering") {
		counted, err := c.listByID(ctx, path, q, each)
		if err != nil || !counted {
			return err
		}
	}
	return c.listByOffset(ctx, path, q, each)
}

// listByID pages with start=. counted is true when the list turned out to
// page by offset alone; then no row was handed on.
func (c *Client) listByID(ctx context.Context, path string, q url.Values, each func(json.RawMessage) error) (counted bool, err error) {
	start := 0
	for first := true; ; first = false {
		q.Set("start", strconv.Itoa(start))
		p, err := c.page(ctx, path, q)
		if err != nil {
			return false, err
		}
		if p.count != nil && first {
			q.Del("start")
			return true, nil
		}
		for i, id := range p.ids {
			if id < start || i > 0 && id <= p.ids[i-1] {
				return false, &IncompleteError{Path: path, Reason: fmt.Sprintf("row %d came out of order", id)}
			}
		}
		for _, row := range p.rows {
			if err := each(row); err != nil {
				return false, err
			}
		}
		if p.next == "" {
			return false, nil
		}
		if len(p.ids) == 0 {
			return false, &IncompleteError{Path: path, Reason: "an empty page is said to have a next one"}
		}
		start = p.ids[len(p.ids)-1] + 1
	}
}

// listByOffset pages with offset= and proves that nothing slipped through.
func (c *Client) listByOffset(ctx context.Context, path string, q url.Values, each func(json.RawMessage) error) error {
	if !q.Has("ordering") {
		q.Set("ordering", "id")
	}
	var rows []json.RawMessage
	for reading := 1; ; reading++ {
		var err error
		if rows, err = c.readByOffset(ctx, path, q); err == nil {
			break
		}
		if incomplete := (*IncompleteError)(nil); !errors.As(err, &incomplete) || reading == maxReadings {
			return err
		}
	}
	for _, row := range rows {
		if err := each(row); err != nil {
			return err
		}
	}
	return nil
}

func (c *Client) readByOffset(ctx context.Context, path string, q url.Values) ([]json.RawMessage, error) {
	var rows []json.RawMessage
	seen := map[int]bool{}
	count := -1
	for {
		q.Set("offset", strconv.Itoa(len(rows)))
		p, err := c.page(ctx, path, q)
		if err != nil {
			return nil, err
		}
		switch {
		case p.count == nil:
			return nil, &IncompleteError{Path: path, Reason: "a page has no count"}
		case count >= 0 && *p.count != count:
			return nil, &IncompleteError{Path: path, Reason: fmt.Sprintf("it had %d rows and then %d", count, *p.count)}
		}
		count = *p.count
		for _, id := range p.ids {
			if seen[id] {
				return nil, &IncompleteError{Path: path, Reason: fmt.Sprintf("row %d came twice", id)}
			}
			seen[id] = true
		}
		rows = append(rows, p.rows...)
		if p.next == "" || len(p.rows) == 0 {
			break
		}
	}
	if len(rows) != count {
		return nil, &IncompleteError{Path: path, Reason: fmt.Sprintf("%d of %d rows came", len(rows), count)}
	}
	return rows, nil
}

// page is one page of a list.
type page struct {
	count *int // nil with start=
	next  string
	rows  []json.RawMessage
	ids   []int
}

func (c *Client) page(ctx context.Context, path string, q url.Values) (page, error) {
	var p page
	r := request{method: http.MethodGet, path: path, query: q, want: http.StatusOK}
	err := c.call(ctx, r, func(body io.Reader, f *flight) error {
		var err error
		p, err = readPage(body)
		f.objects = len(p.rows)
		return err
	})
	return p, err
}

// readPage reads one page, row by row, to its last brace.
func readPage(body io.Reader) (page, error) {
	var p page
	dec := json.NewDecoder(body)
	if err := expect(dec, json.Delim('{')); err != nil {
		return page{}, err
	}
	whole := false
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return page{}, err
		}
		switch name {
		case "count":
			err = dec.Decode(&p.count)
		case "next":
			var next *string
			if err = dec.Decode(&next); next != nil {
				p.next = *next
			}
		case "results":
			whole = true
			err = p.readRows(dec)
		default:
			err = dec.Decode(new(json.RawMessage))
		}
		if err != nil {
			return page{}, err
		}
	}
	if err := expect(dec, json.Delim('}')); err != nil {
		return page{}, err
	}
	if !whole {
		return page{}, errors.New("it is not a list")
	}
	if err := atEnd(dec); err != nil {
		return page{}, err
	}
	return p, nil
}

func (p *page) readRows(dec *json.Decoder) error {
	if err := expect(dec, json.Delim('[')); err != nil {
		return err
	}
	for dec.More() {
		var row json.RawMessage
		if err := dec.Decode(&row); err != nil {
			return err
		}
		var o struct {
			ID int `json:"id"`
		}
		if err := json.Unmarshal(row, &o); err != nil || o.ID <= 0 {
			return errors.New("a row has no id")
		}
		p.rows, p.ids = append(p.rows, row), append(p.ids, o.ID)
	}
	return expect(dec, json.Delim(']'))
}

func expect(dec *json.Decoder, want json.Delim) error {
	got, err := dec.Token()
	if err != nil {
		if err == io.EOF {
			return io.ErrUnexpectedEOF
		}
		return err
	}
	if got != want {
		return fmt.Errorf("%v where %v was expected", got, want)
	}
	return nil
}
