package netbox

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"proxbox/internal/domain"
)

// ReadInventory reads the kinds given, each in pages and with no more fields
// than are compared. A kind whose list did not come back whole is Unknown in
// the inventory, with the reason; a kind that this NetBox does not have is
// Absent. A query, where there is one, narrows its kind. The error is for what
// makes the whole picture worthless: NetBox is not reachable, or refuses the
// token.
func (c *Client) ReadInventory(ctx context.Context, kinds []domain.Kind, queries map[domain.Kind]url.Values) (*domain.Inventory, error) {
	caps, err := c.Probe(ctx)
	if err != nil {
		return nil, err
	}
	inv := domain.NewInventory(caps.Release)
	var mu sync.Mutex
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(max(c.MaxConcurrent(), 1))
	for _, kind := range kinds {
		if !caps.Has(kind) {
			continue
		}
		g.Go(func() error {
			t, err := c.ReadTable(gctx, kind, queries[kind])
			if err != nil {
				if gctx.Err() != nil || fatal(err) {
					return err
				}
				t = domain.NewTable(kind)
				t.Unknown = err
			}
			mu.Lock()
			defer mu.Unlock()
			inv.Set(t)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return inv, nil
}

// ReadTable reads the rows of one kind that match a query (nil: all).
func (c *Client) ReadTable(ctx context.Context, kind domain.Kind, query url.Values) (*domain.Table, error) {
	spec, ok := specs[kind]
	if !ok {
		return nil, fmt.Errorf("read inventory: unknown kind %s", kind)
	}
	caps, err := c.Probe(ctx)
	if err != nil {
		return nil, err
	}
	q := url.Values{}
	for k, v := range query {
		q[k] = v
	}
	q.Set("fields", strings.Join(spec.members(caps), ","))
	t := domain.NewTable(kind)
	err = c.List(ctx, spec.path, q, func(raw json.RawMessage) error {
		row, err := decodeRow(spec, raw)
		if err != nil {
			return err
		}
		t.Put(row)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", kind, err)
	}
	return t, nil
}

// ReadMarked returns the ids of the objects of a kind that carry a tag.
func (c *Client) ReadMarked(ctx context.Context, kind domain.Kind, tag string) (map[int]bool, error) {
	ids := map[int]bool{}
	q := url.Values{"tag": {tag}, "fields": {"id"}}
	err := c.List(ctx, specs[kind].path, q, func(raw json.RawMessage) error {
		var o struct {
			ID int `json:"id"`
		}
		if err := json.Unmarshal(raw, &o); err != nil {
			return err
		}
		ids[o.ID] = true
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read %s with tag %s: %w", kind, tag, err)
	}
	return ids, nil
}

// MadeWith returns those of the objects that NetBox's change log says were
// made with a message that begins with prefix.
func (c *Client) MadeWith(ctx context.Context, kind domain.Kind, ids []int, prefix string) (map[int]bool, error) {
	made := map[int]bool{}
	for chunk := range slices.Chunk(ids, MaxIDs) {
		q := ByID("changed_object_id", chunk)
		q.Set("changed_object_type", string(kind))
		q.Set("action", "create")
		q.Set("fields", "id,changed_object_id,message")
		err := c.List(ctx, "core/object-changes/", q, func(raw json.RawMessage) error {
			var entry struct {
				ObjectID int    `json:"changed_object_id"`
				Message  string `json:"message"`
			}
			if err := json.Unmarshal(raw, &entry); err != nil {
				return err
			}
			if strings.HasPrefix(entry.Message, prefix) {
				made[entry.ObjectID] = true
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read the change log of %s: %w", kind, err)
		}
	}
	return made, nil
}

// MaxIDs is how many ids are put into one query: web servers bound its length.
const MaxIDs = 150

// members lists what decodeRow reads of a NetBox, for fields=.
func (s kindSpec) members(caps Capabilities) []string {
	out := []string{"id"}
	for _, f := range s.fields {
		out = append(out, f.codec.read(f.name)...)
	}
	if len(s.custom) > 0 || len(s.described) > 0 && !caps.SyncState {
		out = append(out, "custom_fields")
	}
	slices.Sort(out[1:])
	return slices.Compact(out)
}

// ByID is the query for the objects with these ids.
func ByID(param string, ids []int) url.Values {
	q := url.Values{}
	for _, id := range ids {
		q.Add(param, strconv.Itoa(id))
	}
	return q
}
