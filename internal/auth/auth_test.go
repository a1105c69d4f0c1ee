package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/crypto/bcrypt"

	"proxbox/internal/domain"
	"proxbox/internal/secret"
	"proxbox/internal/settings"
	"proxbox/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	goodKey = domain.Secret("good-key-0123456789-0123456789-0123456789")
	here    = "192.0.2.1"
)

// fixture is an authenticator with a clock of its own and a cheap bcrypt.
type fixture struct {
	*Authenticator
	store *store.Store
	clock time.Time
}

func newFixture(t testing.TB, dir string) *fixture {
	t.Helper()
	box, err := secret.NewBox("the key")
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), store.Options{DataDir: dir, Box: box})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	values, err := settings.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(t.Context(), s, Options{Policy: PolicyFrom(values)})
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{Authenticator: a, store: s, clock: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
	a.cost = bcrypt.MinCost
	a.now = func() time.Time { return f.clock }
	return f
}

func (f *fixture) register(t testing.TB, key domain.Secret) store.APIKey {
	t.Helper()
	row, err := f.Register(t.Context(), here, key, "test")
	if err != nil {
		t.Fatal(err)
	}
	return row
}

func (f *fixture) verify(t testing.TB, source string, key domain.Secret) Decision {
	t.Helper()
	d, err := f.Verify(t.Context(), source, key)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (f *fixture) want(t testing.TB, source string, key domain.Secret, status int, detail string) {
	t.Helper()
	d := f.verify(t, source, key)
	if d.Status() != status || d.Detail != detail {
		t.Errorf("Verify(%q) = %d %q; want %d %q", key.Reveal(), d.Status(), d.Detail, status, detail)
	}
}

func wrongKey(i int) domain.Secret {
	return domain.Secret(fmt.Sprintf("wrong-key-%04d-0123456789-0123456789-0123", i))
}

func TestVerify(t *testing.T) {
	f := newFixture(t, t.TempDir())
	for range 60 { // asking before there is a key counts as nothing
		f.want(t, here, "", http.StatusUnauthorized, "No API key configured. Register a key via POST /auth/register-key or use an existing key.")
		f.want(t, here, goodKey, http.StatusUnauthorized, "No API key configured. Register a key via POST /auth/register-key or use an existing key.")
	}
	row := f.register(t, goodKey)
	for range 3 {
		if d := f.verify(t, here, goodKey); d != (Decision{Outcome: Allowed, KeyID: row.ID}) {
			t.Errorf("good key: %+v", d)
		}
	}
	f.want(t, here, wrongKey(1), http.StatusUnauthorized, "Invalid API key. 4 attempts remaining.")
	f.want(t, here, "", http.StatusUnauthorized, "API key required. 4 attempts remaining.")
	f.want(t, here, goodKey+"x", http.StatusUnauthorized, "Invalid API key. 4 attempts remaining.")
	f.want(t, here, goodKey[:len(goodKey)-1], http.StatusUnauthorized, "Invalid API key. 4 attempts remaining.")
}

func TestLockout(t *testing.T) {
	f := newFixture(t, t.TempDir())
	f.register(t, goodKey)
	for left := 4; left >= 1; left-- {
		f.want(t, here, wrongKey(1), http.StatusUnauthorized, fmt.Sprintf("Invalid API key. %d attempts remaining.", left))
		f.clock = f.clock.Add(time.Second)
	}
	f.want(t, here, wrongKey(1), http.StatusUnauthorized, "Invalid API key.")
	d := f.verify(t, here, wrongKey(1))
	if d.Status() != http.StatusTooManyRequests || d.RetryAfter != 296*time.Second || !strings.HasPrefix(d.Detail, "Too many failed authentication attempts.") {
		t.Errorf("sixth time: %+v", d)
	}
	// Nobody else is locked out by it.
	f.want(t, here, wrongKey(2), http.StatusUnauthorized, "Invalid API key. 4 attempts remaining.")
	f.want(t, "192.0.2.2", wrongKey(1), http.StatusUnauthorized, "Invalid API key. 4 attempts remaining.")
	f.want(t, here, goodKey, http.StatusOK, "")

	f.clock = f.clock.Add(296 * time.Second)
	f.want(t, here, wrongKey(1), http.StatusUnauthorized, "Invalid API key. 4 attempts remaining.")
}

func TestLockoutOfASource(t *testing.T) {
	dir := t.TempDir()
	f := newFixture(t, dir)
	f.register(t, goodKey)
	for i := range 50 {
		want := "Invalid API key."
		if left := min(4, 49-i); left > 0 {
			want = fmt.Sprintf("Invalid API key. %d attempts remaining.", left)
		}
		f.want(t, here, wrongKey(i), http.StatusUnauthorized, want)
	}
	f.want(t, here, wrongKey(51), http.StatusTooManyRequests, detailLocked)
	f.want(t, here, "", http.StatusTooManyRequests, detailLocked)
	f.want(t, "192.0.2.2", wrongKey(51), http.StatusUnauthorized, "Invalid API key. 4 attempts remaining.")

	// After a restart the source is locked still, and the good key, which
	// the new process has never seen, is let in all the same.
	again := newFixture(t, dir)
	again.want(t, here, wrongKey(51), http.StatusTooManyRequests, detailLocked)
	again.want(t, here, goodKey, http.StatusOK, "")

	f.clock = f.clock.Add(300 * time.Second)
	f.want(t, here, wrongKey(51), http.StatusUnauthorized, "Invalid API key. 4 attempts remaining.")
}

func TestRevocationTakesEffectAtOnce(t *testing.T) {
	dir := t.TempDir()
	f := newFixture(t, dir)
	first := f.register(t, goodKey)
	second, secondKey, err := f.Create(t.Context(), "second")
	if err != nil || len(secondKey) != 64 {
		t.Fatalf("%d characters, %v", len(secondKey), err)
	}
	f.want(t, here, goodKey, http.StatusOK, "")
	f.want(t, here, secondKey, http.StatusOK, "")

	if _, err := f.SetActive(t.Context(), first.ID, false); err != nil {
		t.Fatal(err)
	}
	f.want(t, here, goodKey, http.StatusUnauthorized, "Invalid API key. 4 attempts remaining.")
	f.want(t, here, secondKey, http.StatusOK, "")
	if _, err := f.SetActive(t.Context(), first.ID, true); err != nil {
		t.Fatal(err)
	}
	f.want(t, here, goodKey, http.StatusOK, "")

	// By another process too.
	other := newFixture(t, dir)
	if err := other.Delete(t.Context(), second.ID); err != nil {
		t.Fatal(err)
	}
	f.want(t, here, secondKey, http.StatusUnauthorized, "Invalid API key. 4 attempts remaining.")
	if err := other.Delete(t.Context(), first.ID); !errors.Is(err, store.ErrLastActiveKey) {
		t.Errorf("the last key: %v", err)
	}
	keys, err := f.List(t.Context())
	if err != nil || len(keys) != 1 || keys[0].ID != first.ID {
		t.Errorf("%+v, %v", keys, err)
	}
}

func TestAKeyThatFailedBeforeItWasRegistered(t *testing.T) {
	f := newFixture(t, t.TempDir())
	f.register(t, goodKey)
	_, later, err := f.Create(t.Context(), "later")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := f.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.SetActive(t.Context(), keys[0].ID, false); err != nil {
		t.Fatal(err)
	}
	for range 7 {
		f.verify(t, here, later)
	}
	f.want(t, here, later, http.StatusTooManyRequests, detailLocked)
	if _, err := f.SetActive(t.Context(), keys[0].ID, true); err != nil {
		t.Fatal(err)
	}
	f.want(t, here, later, http.StatusOK, "")
}

// Whether a key is still one can be asked without the key, and as often as one
// likes.
func TestActive(t *testing.T) {
	f := newFixture(t, t.TempDir())
	f.register(t, goodKey)
	second, _, err := f.Create(t.Context(), "second")
	if err != nil {
		t.Fatal(err)
	}
	want := func(id int, want bool) {
		t.Helper()
		for range 60 {
			if active, err := f.Active(t.Context(), id); err != nil || active != want {
				t.Fatalf("key %d: %t, %v", id, active, err)
			}
		}
	}
	want(second.ID, true)
	if _, err := f.SetActive(t.Context(), second.ID, false); err != nil {
		t.Fatal(err)
	}
	want(second.ID, false)
	if _, err := f.SetActive(t.Context(), second.ID, true); err != nil {
		t.Fatal(err)
	}
	want(second.ID, true)
	if err := f.Delete(t.Context(), second.ID); err != nil {
		t.Fatal(err)
	}
	want(second.ID, false)
	third, _, err := f.Create(t.Context(), "third")
	if err != nil {
		t.Fatal(err)
	}
	want(second.ID, false) // a number is given once
	want(third.ID, true)
	f.want(t, here, wrongKey(1), http.StatusUnauthorized, "Invalid API key. 4 attempts remaining.")
}

func TestRegisterIsOnceForEver(t *testing.T) {
	dir := t.TempDir()
	fixtures := []*fixture{newFixture(t, dir), newFixture(t, dir)}
	if claimed, err := fixtures[0].Claimed(t.Context()); err != nil || claimed {
		t.Errorf("Claimed = %v, %v", claimed, err)
	}
	var (
		wg  sync.WaitGroup
		mu  sync.Mutex
		won []domain.Secret
	)
	for i := range 20 {
		wg.Go(func() {
			key := wrongKey(i)
			_, err := fixtures[i%2].Register(context.Background(), here, key, "x")
			switch {
			case err == nil:
				mu.Lock()
				defer mu.Unlock()
				won = append(won, key)
			case !errors.Is(err, store.ErrClaimed):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(won) != 1 {
		t.Fatalf("%d claims succeeded", len(won))
	}
	for _, f := range fixtures {
		f.want(t, here, won[0], http.StatusOK, "")
		if claimed, err := f.Claimed(t.Context()); err != nil || !claimed {
			t.Errorf("Claimed = %v, %v", claimed, err)
		}
	}
}

func TestPreset(t *testing.T) {
	f := newFixture(t, t.TempDir())
	for _, tt := range []struct {
		key  domain.Secret
		want Preset
	}{{goodKey, PresetRegistered}, {goodKey, PresetKnown}, {wrongKey(1), PresetUnknown}} {
		if got, err := f.Preset(t.Context(), tt.key); err != nil || got != tt.want {
			t.Errorf("Preset(%q) = %v, %v; want %v", tt.key.Reveal(), got, err, tt.want)
		}
	}
	if _, err := f.Register(t.Context(), here, wrongKey(1), "x"); !errors.Is(err, store.ErrClaimed) {
		t.Errorf("Register = %v; want ErrClaimed", err)
	}
	f.want(t, here, goodKey, http.StatusOK, "")
}

func TestKeyForms(t *testing.T) {
	for _, tt := range []struct {
		name string
		key  string
		ok   bool
	}{
		{"31 characters", strings.Repeat("k", 31), false},
		{"32 characters", strings.Repeat("k", 32), true},
		{"72 characters", strings.Repeat("k", 72), true},
		{"73 characters", strings.Repeat("k", 73), true},
		{"512 characters", strings.Repeat("k", 512), true},
		{"513 characters", strings.Repeat("k", 513), false},
		{"blank", strings.Repeat("k", 32) + " k", false},
		{"line break", strings.Repeat("k", 32) + "\n", false},
		{"not ASCII", strings.Repeat("é", 32), false},
		{"signs", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, t.TempDir())
			_, err := f.Register(t.Context(), here, domain.Secret(tt.key), "x")
			var invalid *store.InvalidError
			if !tt.ok {
				if !errors.As(err, &invalid) || invalid.Field != "api_key" {
					t.Errorf("Register = %v; want *store.InvalidError of api_key", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			f.want(t, here, domain.Secret(tt.key), http.StatusOK, "")
			// All of a long key counts.
			f.want(t, here, domain.Secret(tt.key[:len(tt.key)-1]+"~~"), http.StatusUnauthorized, "Invalid API key. 4 attempts remaining.")
		})
	}
}

// A key whose tag is not known (of an imported hash) is found by bcrypt alone.
func TestKeyWithoutTag(t *testing.T) {
	f := newFixture(t, t.TempDir())
	hash, err := bcrypt.GenerateFromPassword([]byte(goodKey), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.store.Keys().Create(t.Context(), store.APIKey{Hash: string(hash)}, 32); err != nil {
		t.Fatal(err)
	}
	f.want(t, here, goodKey, http.StatusOK, "")
	for range 2 {
		f.want(t, here, wrongKey(1), http.StatusUnauthorized, f.verify(t, "192.0.2.2", wrongKey(1)).Detail)
	}
}

func TestTooManyChecksAtOnce(t *testing.T) {
	f := newFixture(t, t.TempDir())
	f.register(t, goodKey)
	f.cpu = make(semaphore, 1)
	if err := f.cpu.acquire(t.Context()); err != nil { // no check gets its turn
		t.Fatal(err)
	}
	f.flights.max, f.flights.maxGlobal = 2, 3
	ctx, giveUp := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	waiting := func(source string) {
		wg.Go(func() {
			if _, err := f.Verify(ctx, source, goodKey); !errors.Is(err, context.Canceled) {
				t.Errorf("a check that was given up: %v", err)
			}
		})
	}
	inFlight := func(n int) {
		for {
			f.flights.mu.Lock()
			total := f.flights.total
			f.flights.mu.Unlock()
			if total == n {
				return
			}
			runtime.Gosched()
		}
	}
	waiting(here)
	waiting(here)
	inFlight(2)
	busy := Decision{Outcome: Busy, Detail: detailBusy, RetryAfter: time.Second}
	if d := f.verify(t, here, goodKey); d != busy || d.Status() != http.StatusServiceUnavailable {
		t.Errorf("a third check of a source: %+v", d)
	}
	waiting("192.0.2.2")
	inFlight(3)
	if d := f.verify(t, "192.0.2.3", goodKey); d != busy {
		t.Errorf("a fourth check in all: %+v", d)
	}
	// Wrong keys that need no check are answered as ever.
	f.want(t, here, "", http.StatusUnauthorized, "API key required. 4 attempts remaining.")
	giveUp()
	wg.Wait()
	f.cpu.release()
	f.want(t, here, goodKey, http.StatusOK, "")
	if f.flights.total != 0 || len(f.flights.perSource) != 0 {
		t.Errorf("flights that never end: %+v", f.flights.perSource)
	}
}

func TestACheckDoesNotWaitForEver(t *testing.T) {
	f := newFixture(t, t.TempDir())
	f.register(t, goodKey)
	f.cpu = make(semaphore) // nobody gets in
	f.policy.VerificationMax = time.Millisecond
	if d := f.verify(t, here, goodKey); d.Outcome != Busy {
		t.Errorf("%+v; want Busy", d)
	}
}

func TestOneCheckForManyAtOnce(t *testing.T) {
	f := newFixture(t, t.TempDir())
	row := f.register(t, goodKey)
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			if d, err := f.Verify(context.Background(), here, goodKey); err != nil || d.KeyID != row.ID {
				t.Errorf("%+v, %v", d, err)
			}
		})
	}
	wg.Wait()
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	set := &keySet{known: map[string]int{}}
	set.remember("good", 1)
	for i := range 3 * maxKnown {
		set.remember(fmt.Sprint(i), 0)
	}
	if len(set.known) > maxKnown {
		t.Errorf("%d digests", len(set.known))
	}
	if id, ok := set.recall("good"); !ok || id != 1 {
		t.Error("the good key was forgotten")
	}
}

// The keys at rest are bcrypt hashes of the cost that is promised.
func TestCostAtRest(t *testing.T) {
	f := newFixture(t, t.TempDir())
	f.cost = Cost
	row := f.register(t, goodKey)
	if cost, err := bcrypt.Cost([]byte(row.Hash)); err != nil || cost != 12 {
		t.Errorf("cost %d, %v; want 12", cost, err)
	}
	if len(row.Tag) != 1 {
		t.Errorf("a tag of %d bytes; want 1", len(row.Tag))
	}
}

func BenchmarkVerifyKnownKey(b *testing.B) {
	f := newFixture(b, b.TempDir())
	f.register(b, goodKey)
	f.verify(b, here, goodKey)
	b.ReportAllocs()
	for b.Loop() {
		f.verify(b, here, goodKey)
	}
}

func BenchmarkVerifyWrongKeyOfALockedSource(b *testing.B) {
	f := newFixture(b, b.TempDir())
	f.register(b, goodKey)
	for i := range 50 {
		f.verify(b, here, wrongKey(i))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		f.verify(b, here, wrongKey(i))
	}
}
