package run_test

import (
	"strings"
	"testing"

	"proxbox/internal/run"
)

// TestRequestsWithoutChanges: a run without changes lists each kind once (no
// kind has more than a page of 1,000 rows here), asks NetBox at most five
// things beside, and writes nothing. Proxmox is asked once for each guest's
// configuration, at most once for each guest's agent, and for the rest by node,
// storage or cluster.
func TestRequestsWithoutChanges(t *testing.T) {
	const guests, nodes = 50, 3
	s := newSite(t, guests, 0)
	s.sync(t, run.Ask{})
	s.forget()
	s.sync(t, run.Ask{})

	if s.writes != 0 {
		t.Errorf("%d writes", s.writes)
	}
	times := map[string]int{}
	var others []string
	for _, path := range s.reads {
		if path == "status/" || strings.HasSuffix(path, "/settings/runtime/") {
			others = append(others, path)
			continue
		}
		if times[path]++; times[path] == 2 {
			t.Errorf("%s is listed a second time", path)
		}
	}
	if len(others) > 5 {
		t.Errorf("beside the lists: %q", others)
	}
	if len(s.reads) > 55 {
		t.Errorf("%d requests to NetBox", len(s.reads))
	}

	configs, agents, other := 0, 0, map[string]int{}
	for _, path := range s.proxmox {
		switch {
		case strings.HasSuffix(path, "/config"):
			configs++
		case strings.Contains(path, "/agent/"), strings.Contains(path, "/lxc/") && strings.HasSuffix(path, "/interfaces"):
			agents++
		default:
			other[path]++
		}
	}
	if configs != guests || agents > guests {
		t.Errorf("%d configurations and %d agents were asked of %d guests", configs, agents, guests)
	}
	snapshots := 0
	for path, n := range other {
		if n != 1 {
			t.Errorf("Proxmox is asked for %s %d times", path, n)
		}
		if strings.HasSuffix(path, "/snapshot") {
			snapshots++
		}
	}
	if snapshots > guests {
		t.Errorf("%d lists of snapshots of %d guests", snapshots, guests)
	}
}
