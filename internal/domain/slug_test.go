package domain

import "testing"

func TestCut(t *testing.T) {
	for _, c := range []struct {
		text  string
		limit int
		want  string
	}{{"web", 3, "web"}, {"web", 2, "we"}, {"web", 0, ""}, {"web", -1, ""}, {"Österreich", 1, "Ö"}, {"äöü", 3, "äöü"}, {"äöü", 2, "äö"}, {"a b", 2, "a "}} {
		if got := Cut(c.text, c.limit); got != c.want {
			t.Errorf("%q in %d is %q, want %q", c.text, c.limit, got, c.want)
		}
	}
}
