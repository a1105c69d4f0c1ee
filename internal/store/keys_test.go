package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 424260000, time.UTC)

func TestClaimIsOnceForEver(t *testing.T) {
	dir := t.TempDir()
	// Two stores, as two processes would have them.
	stores := []*Store{open(t, dir), open(t, dir)}
	if claimed, err := stores[0].Keys().Claimed(t.Context()); err != nil || claimed {
		t.Errorf("Claimed = %v, %v", claimed, err)
	}
	var won, lost atomic.Int32
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			_, err := stores[i%2].Keys().Claim(context.Background(), "test", APIKey{Label: fmt.Sprint(i), Hash: "h", CreatedAt: noon})
			switch {
			case err == nil:
				won.Add(1)
			case errors.Is(err, ErrClaimed):
				lost.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 || lost.Load() != 39 {
		t.Errorf("%d won and %d lost", won.Load(), lost.Load())
	}
	for _, s := range stores {
		keys, err := s.Keys().List(t.Context())
		if err != nil || len(keys) != 1 {
			t.Errorf("%d keys, %v", len(keys), err)
		}
		if claimed, err := s.Keys().Claimed(t.Context()); err != nil || !claimed {
			t.Errorf("Claimed = %v, %v", claimed, err)
		}
	}
	// Not even a database without keys can be claimed again.
	if _, err := stores[0].writer.Exec("DELETE FROM api_keys"); err != nil {
		t.Fatal(err)
	}
	if _, err := stores[1].Keys().Claim(t.Context(), "test", APIKey{Hash: "h", CreatedAt: noon}); !errors.Is(err, ErrClaimed) {
		t.Errorf("Claim = %v; want ErrClaimed", err)
	}
}

func TestCreatingAKeyIsTheClaim(t *testing.T) {
	k := open(t, t.TempDir()).Keys()
	if _, err := k.Create(t.Context(), APIKey{Hash: "h", CreatedAt: noon}, 32); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Claim(t.Context(), "test", APIKey{Hash: "h", CreatedAt: noon}); !errors.Is(err, ErrClaimed) {
		t.Errorf("Claim = %v; want ErrClaimed", err)
	}
}

func TestKeys(t *testing.T) {
	k := open(t, t.TempDir()).Keys()
	generation := int64(0)
	changed := func(want bool) {
		t.Helper()
		n, err := k.Generation(t.Context())
		if err != nil || (n > generation) != want {
			t.Errorf("generation %d after %d, %v", n, generation, err)
		}
		generation = n
	}
	changed(true)
	a, err := k.Create(t.Context(), APIKey{Label: " a ", Hash: "hash a", Tag: []byte{1, 2}, CreatedAt: noon}, 2)
	if err != nil {
		t.Fatal(err)
	}
	changed(true)
	b, err := k.Create(t.Context(), APIKey{Label: "b", Hash: "hash b", CreatedAt: noon.Add(time.Second)}, 2)
	if err != nil {
		t.Fatal(err)
	}
	want := []APIKey{
		{ID: 2, Label: "b", Active: true, CreatedAt: noon.Add(time.Second), Hash: "hash b"},
		{ID: 1, Label: "a", Active: true, CreatedAt: noon, Hash: "hash a", Tag: []byte{1, 2}},
	}
	got, err := k.List(t.Context())
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff(want, []APIKey{b, a}); diff != "" {
		t.Errorf("as created (-want +got):\n%s", diff)
	}
	var conflict *ConflictError
	if _, err := k.Create(t.Context(), APIKey{Hash: "h", CreatedAt: noon}, 2); !errors.As(err, &conflict) {
		t.Errorf("a third one of two: %v", err)
	}
	changed(true)
	if off, err := k.SetActive(t.Context(), a.ID, false, 2); err != nil || off.Active {
		t.Errorf("SetActive = %+v, %v", off, err)
	}
	changed(true)
	if off, err := k.SetActive(t.Context(), a.ID, false, 2); err != nil || off.Active {
		t.Errorf("SetActive again = %+v, %v", off, err)
	}
	changed(false)
	for name, err := range map[string]error{
		"switched off": second(k.SetActive(t.Context(), b.ID, false, 2)),
		"removed":      k.Delete(t.Context(), b.ID),
	} {
		if !errors.Is(err, ErrLastActiveKey) {
			t.Errorf("the last active key was %s: %v", name, err)
		}
	}
	if _, err := k.Create(t.Context(), APIKey{Hash: "h", CreatedAt: noon}, 2); err != nil {
		t.Error(err)
	}
	if _, err := k.SetActive(t.Context(), a.ID, true, 2); !errors.As(err, &conflict) {
		t.Errorf("switched on beyond the limit: %v", err)
	}
	if err := k.Delete(t.Context(), b.ID); err != nil {
		t.Error(err)
	}
	if on, err := k.SetActive(t.Context(), a.ID, true, 2); err != nil || !on.Active {
		t.Errorf("SetActive = %+v, %v", on, err)
	}
	for name, err := range map[string]error{"SetActive": second(k.SetActive(t.Context(), b.ID, true, 2)), "Delete": k.Delete(t.Context(), b.ID)} {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("%s = %v; want ErrNotFound", name, err)
		}
	}
	if _, err := k.Create(t.Context(), APIKey{Label: "a\nb", Hash: "h", CreatedAt: noon}, 9); !errors.As(err, new(*InvalidError)) {
		t.Errorf("a label of two lines: %v", err)
	}
}

func TestLastKeyStaysWhateverIsTriedAtOnce(t *testing.T) {
	k := open(t, t.TempDir()).Keys()
	for range 8 {
		if _, err := k.Create(t.Context(), APIKey{Hash: "h", CreatedAt: noon}, 32); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for id := 1; id <= 8; id++ {
		wg.Go(func() {
			err := k.Delete(context.Background(), id)
			if err != nil && !errors.Is(err, ErrLastActiveKey) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if keys, err := k.List(t.Context()); err != nil || len(keys) != 1 {
		t.Errorf("%d keys are left, %v", len(keys), err)
	}
}

func TestLockouts(t *testing.T) {
	const window = 300 * time.Second
	dir := t.TempDir()
	l := open(t, dir).Lockouts()
	add := func(source, bucket string, at time.Time) (Failures, Failures) {
		t.Helper()
		one, all, err := l.Add(t.Context(), source, []byte(bucket), at, window, 100)
		if err != nil {
			t.Fatal(err)
		}
		return one, all
	}
	check := func(what string, got, want Failures) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %+v; want %+v", what, got, want)
		}
	}
	one, all := add("192.0.2.1", "a", noon)
	check("first", one, Failures{1, noon})
	check("first of the source", all, Failures{1, noon})
	one, all = add("192.0.2.1", "b", noon.Add(time.Second))
	check("another credential", one, Failures{1, noon.Add(time.Second)})
	check("of the source", all, Failures{2, noon})
	one, all = add("192.0.2.2", "a", noon.Add(2*time.Second))
	check("another source", one, Failures{1, noon.Add(2 * time.Second)})
	check("of the other source", all, Failures{1, noon.Add(2 * time.Second)})

	// Another process sees the same.
	other := open(t, dir).Lockouts()
	one, all, err := other.Failures(t.Context(), "192.0.2.1", []byte("a"), noon.Add(window-time.Second), window)
	check("later", one, Failures{1, noon})
	check("later, of the source", all, Failures{2, noon})
	if err != nil {
		t.Error(err)
	}
	after := noon.Add(window)
	one, all, err = other.Failures(t.Context(), "192.0.2.1", []byte("a"), after, window)
	check("after the window", one, Failures{0, after})
	check("after the window, of the source", all, Failures{0, after})
	if err != nil {
		t.Error(err)
	}
}

func TestLockoutsAreBounded(t *testing.T) {
	s := open(t, t.TempDir())
	for i := range 30 {
		if _, _, err := s.Lockouts().Add(t.Context(), "192.0.2.1", fmt.Append(nil, i), noon.Add(time.Duration(i)*time.Second), time.Hour, 10); err != nil {
			t.Fatal(err)
		}
	}
	count := func() (n int) {
		if err := s.readers.QueryRow("SELECT count(*) FROM auth_lockouts").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := count(); n != 10 {
		t.Errorf("%d rows; want 10", n)
	}
	if _, _, err := s.Lockouts().Add(t.Context(), "192.0.2.2", []byte("x"), noon.Add(2*time.Hour), time.Hour, 10); err != nil {
		t.Fatal(err)
	}
	if n := count(); n != 2 {
		t.Errorf("%d rows after the window; want the 2 new ones", n)
	}
}
