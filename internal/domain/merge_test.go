package domain

import (
	"testing"
)

// TestComplementKeepsWhatWasRead: a list that is not proved whole is kept
// unless the earlier reading proved one.
func TestComplementKeepsWhatWasRead(t *testing.T) {
	some := Known[[]Replication]{Value: []Replication{{ID: "1"}}}
	whole := Is([]Replication{{ID: "1"}, {ID: "2"}})
	var none Known[[]Replication]
	for _, c := range []struct {
		name         string
		now, earlier Known[[]Replication]
		n            int
		ok           bool
	}{
		{"some, and nothing before", some, none, 1, false},
		{"some, and all before", some, whole, 2, true},
		{"all, and some before", whole, some, 2, true},
		{"not asked for, and some before", none, some, 1, false},
		{"not asked for, and all before", none, whole, 2, true},
	} {
		got := (&Snapshot{Replications: c.now}).Complement(&Snapshot{Replications: c.earlier}).Replications
		if len(got.Value) != c.n || got.OK != c.ok {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
	now := &Snapshot{Storages: Is([]Storage{{Name: "nas", Backups: Known[[]Backup]{Value: []Backup{{VolumeID: "a"}}}}}), Nodes: []Node{{Name: "pve1"}}}
	earlier := &Snapshot{Storages: Is([]Storage{{Name: "nas"}}), Nodes: []Node{{Name: "pve1", Tasks: Is([]Task{{UPID: "1"}})}}}
	got := now.Complement(earlier)
	if len(got.Storages.Value[0].Backups.Value) != 1 || len(got.Nodes[0].Tasks.Value) != 1 {
		t.Errorf("%+v", got)
	}
}
