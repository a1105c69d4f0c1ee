package apply_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
)

// display is how NetBox shows the first of the objects that is there.
func display(objects ...any) string {
	for _, o := range objects {
		if m, ok := o.(map[string]any); ok {
			return fmt.Sprint(m["display"])
		}
	}
	return "-"
}

func tagNames(v any) string {
	var names []string
	list, _ := v.([]any)
	for _, t := range list {
		names = append(names, display(t))
	}
	return strings.Join(sorted(names), ",")
}

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}

func diff(want, got string) string {
	return cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n"))
}
