package netbox

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
)

// Permits are what NetBox lets a token do with the objects of a path. Whether
// it may delete them, NetBox does not tell.
type Permits struct{ Add, Change bool }

// Permits asks what the token may do; a token that may not write at all may do
// neither. Nothing is changed.
func (c *Client) Permits(ctx context.Context, path string) (Permits, error) {
	var answer struct {
		Actions map[string]json.RawMessage `json:"actions"`
	}
	err := c.call(ctx, request{method: http.MethodOptions, path: path, want: http.StatusOK}, func(body io.Reader, f *flight) error {
		f.objects = 1
		return json.NewDecoder(body).Decode(&answer)
	})
	_, add := answer.Actions[http.MethodPost]
	_, change := answer.Actions[http.MethodPut]
	return Permits{Add: add, Change: change}, err
}
