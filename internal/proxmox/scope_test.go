package proxmox

import (
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func drawScope(t *rapid.T, label string) Scope {
	var s Scope
	for _, part := range s.parts() {
		*part = rapid.Bool().Draw(t, label)
	}
	return s
}

func asks(s Scope) int {
	n := 0
	for _, part := range s.parts() {
		if *part {
			n++
		}
	}
	return n
}

func TestScope(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawScope(t, "a"), drawScope(t, "b")
		if !a.Covers(a) || !a.And(b).Covers(a) || !a.And(b).Covers(b) {
			t.Fatalf("%+v and %+v is %+v", a, b, a.And(b))
		}
		rest := a.Without(b)
		if !b.And(rest).Covers(a) {
			t.Fatalf("%+v without %+v is %+v", a, b, rest)
		}
		if b.Covers(a) != (asks(rest) == 0) {
			t.Fatalf("%+v covers %+v is %t, but %+v is left", b, a, b.Covers(a), rest)
		}
		if one := a.Only(100); one.Covers(a) || a.Covers(one) {
			t.Fatal("one guest is every guest")
		}
		if done := a.complete(); done.asksAgents() && !done.Configs || done.Backups && !done.Storages {
			t.Fatalf("%+v", done)
		}
	})
	if everything := Everything(); !everything.Covers(Guests()) || Guests().Covers(everything) {
		t.Error("everything is less than the guests")
	}
}

func TestScopeOnly(t *testing.T) {
	vmids := []int{5, 6}
	s := Guests().Only(vmids...)
	vmids[0] = 9
	if !slices.Equal(s.Guests, []int{5, 6}) || !s.wants(5) || s.wants(9) || !Guests().wants(9) || Guests().Only().wants(9) {
		t.Errorf("%+v", s)
	}
}

// TestScopeParts: a part that is forgotten there would count as read.
func TestScopeParts(t *testing.T) {
	switches := 0
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Scope]()) {
		if f.Type.Kind() == reflect.Bool {
			switches++
		}
	}
	var s Scope
	seen := map[*bool]bool{}
	for _, part := range s.parts() {
		seen[part] = true
	}
	if len(seen) != switches {
		t.Errorf("%d of the scope's %d switches are its parts", len(seen), switches)
	}
}
