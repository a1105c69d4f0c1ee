//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package run

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestGateOfAnotherUser: what root makes in the folder of a service's user is
// that user's.
func TestGateOfAnotherUser(t *testing.T) {
	dir := t.TempDir()
	if os.Geteuid() == 0 {
		if err := os.Chown(dir, 65532, 65532); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "writing.lock")
	leave, err := NewGate(path).enter(t.Context(), func() { t.Error("it waits for nobody") })
	if err != nil {
		t.Fatal(err)
	}
	leave()
	owner := func(path string) uint32 {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Sys().(*syscall.Stat_t).Uid
	}
	if folder, file := owner(dir), owner(path); folder != file {
		t.Errorf("the folder is of user %d, the file of %d", folder, file)
	}
}
