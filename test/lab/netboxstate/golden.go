//go:build unix

package netboxstate

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Golden compares lines with testdata/NAME.golden; -update writes it.
func Golden(t testing.TB, name string, got []string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(strings.Join(got, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: run the test with -update and read what it writes", err)
	}
	Differ(t, name, strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n"), got)
}

// Differ reports the lines that only one of two lists has, whatever their
// order.
func Differ(t testing.TB, what string, want, got []string) {
	t.Helper()
	count := map[string]int{}
	for _, l := range want {
		count[l]--
	}
	for _, l := range got {
		count[l]++
	}
	for _, l := range slices.Sorted(maps.Keys(count)) {
		switch n := count[l]; {
		case n > 0:
			t.Errorf("%s: + %s", what, l)
		case n < 0:
			t.Errorf("%s: - %s", what, l)
		}
	}
}
