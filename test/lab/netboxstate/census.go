//go:build unix

package netboxstate

import (
	"fmt"
	"strings"
	"testing"
)

// Census is every object that NetBox has, of the kinds that people know by a
// key: its kind and key, by its kind and id.
type Census map[string]string

// Count takes a census.
func Count(t testing.TB, nb NetBox) Census {
	t.Helper()
	c := Census{}
	for _, l := range lists {
		if l.key == nil {
			continue
		}
		for _, row := range rows(t, nb, l.path) {
			var key []string
			for _, f := range l.key {
				if v := plain(row[f]); v != "" {
					key = append(key, v)
				}
			}
			c[fmt.Sprintf("%s %v", l.name, row["id"])] = l.name + " " + strings.Join(key, " | ")
		}
	}
	return c
}
