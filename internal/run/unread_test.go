package run_test

import (
	"net/url"
	"slices"
	"testing"

	"proxbox/internal/run"
	proxmoxsim "proxbox/internal/sim/proxmox"
)

// TestUnreadWritesNothing: whichever of the answers of Proxmox is refused or
// fails, the run writes nothing to a NetBox that was in step, whatever it is
// asked to remove, and says what it could not read.
func TestUnreadWritesNothing(t *testing.T) {
	s := newSite(t, 16, 0)
	s.sync(t, run.Ask{})
	s.forget()
	s.sync(t, run.Ask{})
	paths := slices.Compact(slices.Sorted(slices.Values(s.proxmox)))
	if len(paths) < 50 {
		t.Fatalf("only %d paths are read", len(paths))
	}
	s.setenv(t, orphans, "PROXBOX_PROXMOX_MAX_RETRIES=0")
	remove := url.Values{"delete_nonexistent_backup": {"true"}, "delete_nonexistent_snapshot": {"true"}}
	for _, path := range paths {
		for _, status := range []int{403, 595} {
			s.pve.Change(func(e *proxmoxsim.Estate) {
				e.Faults = nil
				e.Fail(path, proxmoxsim.Fault{Status: status, Message: "Permission check failed"})
			})
			s.forget()
			r, err := s.Start(run.Ask{Query: remove})
			if err != nil {
				t.Fatal(err)
			}
			<-r.Done()
			res, err := r.Result()
			if s.writes != 0 {
				t.Errorf("%s answers %d: %d writes, among them %v", path, status, s.writes, res.Done[0])
			}
			// Colours of tags are an ornament.
			if err == nil && len(res.Problems) == 0 && path != "/cluster/options" {
				t.Errorf("%s answers %d, and nothing is said", path, status)
			}
		}
	}
}
