package apply_test

import (
	"flag"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain draws fewer examples than rapid does by itself, unless it is told:
// each is four runs against a NetBox.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "25"); err != nil {
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}
