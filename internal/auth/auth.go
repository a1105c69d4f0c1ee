package auth

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"proxbox/internal/domain"
	"proxbox/internal/settings"
	"proxbox/internal/store"
)

// Policy says how failures are counted and how much checking goes on at once.
// Every number is above zero.
type Policy struct {
	Threshold         int           // failures of a source with one credential
	SourceThreshold   int           // failures of a source with any
	Window            time.Duration // from the first failure on
	MaxBuckets        int           // counters that are kept
	MaxInFlight       int           // checks of one source at once
	MaxGlobalInFlight int           // checks at once
	VerificationMax   time.Duration // that a check may wait for its turn
	MaxActiveKeys     int
}

// PolicyFrom returns the policy that the settings make.
func PolicyFrom(v *settings.Values) Policy {
	return Policy{
		Threshold:         settings.AuthLockoutThreshold.In(v),
		SourceThreshold:   settings.AuthLockoutSourceThreshold.In(v),
		Window:            settings.AuthLockoutWindow.In(v),
		MaxBuckets:        settings.AuthLockoutMaxBuckets.In(v),
		MaxInFlight:       settings.AuthLockoutMaxInFlight.In(v),
		MaxGlobalInFlight: settings.AuthLockoutMaxGlobalInFlight.In(v),
		VerificationMax:   settings.AuthLockoutVerificationMax.In(v),
		MaxActiveKeys:     settings.AuthMaxActiveKeys.In(v),
	}
}

// Options say how to authenticate.
type Options struct {
	Policy Policy
	// LockoutKey keys the digests of credentials in the counters
	// (PROXBOX_AUTH_LOCKOUT_HMAC_KEY). When it is "" the program uses a
	// random one of its own, which it keeps.
	LockoutKey domain.Secret
}

// Authenticator checks and makes API keys. It may be used from many
// goroutines.
type Authenticator struct {
	store      *store.Store
	policy     Policy
	tagKey     []byte // of the tags at rest
	lockoutKey []byte // of the counters at rest
	processKey []byte // of what is remembered in memory
	keys       atomic.Pointer[keySet]
	checks     singleflight.Group
	flights    flights
	cpu        semaphore

	cost int // of bcrypt; tests have it lower
	now  func() time.Time
}

// New returns an authenticator for the keys in the store.
func New(ctx context.Context, s *store.Store, o Options) (*Authenticator, error) {
	tagKey, err := s.OwnSecret(ctx, "api_key_tag")
	if err != nil {
		return nil, err
	}
	lockoutKey := o.LockoutKey
	if lockoutKey == "" {
		if lockoutKey, err = s.OwnSecret(ctx, "auth_lockout"); err != nil {
			return nil, err
		}
	}
	a := &Authenticator{
		store:      s,
		policy:     o.Policy,
		tagKey:     []byte(tagKey),
		lockoutKey: []byte(lockoutKey),
		processKey: make([]byte, 32),
		flights:    flights{perSource: map[string]int{}, max: o.Policy.MaxInFlight, maxGlobal: o.Policy.MaxGlobalInFlight},
		// Half the cores: control routes answer while keys are checked.
		cpu:  make(semaphore, max(1, runtime.GOMAXPROCS(0)/2)),
		cost: Cost,
		now:  time.Now,
	}
	rand.Read(a.processKey) // never fails
	return a, nil
}

// Outcome is what is decided on a request.
type Outcome int

const (
	Refused Outcome = iota // no key, or a wrong one
	Allowed
	Locked // too many failures
	Busy   // too many checks at once
)

// Decision is an outcome and what to tell the client.
type Decision struct {
	Outcome    Outcome
	KeyID      int           // of the key that was used; Allowed only
	Detail     string        // for people; not for Allowed
	RetryAfter time.Duration // whole seconds; Locked and Busy only
}

// Status is the HTTP status of the decision.
func (d Decision) Status() int {
	switch d.Outcome {
	case Allowed:
		return http.StatusOK
	case Locked:
		return http.StatusTooManyRequests
	case Busy:
		return http.StatusServiceUnavailable
	}
	return http.StatusUnauthorized
}

// What clients are told. The plugin looks for "API key" in what a 401 says.
const (
	detailMissing  = "API key required."
	detailInvalid  = "Invalid API key."
	detailNoKeys   = "No API key configured. Register a key via POST /auth/register-key or use an existing key."
	detailLocked   = "Too many failed authentication attempts. Please try again later."
	detailBusy     = "Too many API keys are being checked at the moment. Please try again."
	detailWithTail = "%s %d attempts remaining."
)

// Verify decides on a request with a key ("" for none) from a source (see
// Source). It fails only when the store does.
func (a *Authenticator) Verify(ctx context.Context, source string, key domain.Secret) (Decision, error) {
	set, err := a.current(ctx)
	if err != nil {
		return Decision{}, err
	}
	if len(set.active) == 0 {
		// Nothing can be guessed yet, so nothing is counted: the plugin asks
		// before it registers its key.
		return Decision{Detail: detailNoKeys}, nil
	}
	if key == "" {
		return a.fail(ctx, source, key, detailMissing)
	}
	id, err := a.check(ctx, set, source, key)
	switch {
	case errors.Is(err, ErrBusy):
		return Decision{Outcome: Busy, Detail: detailBusy, RetryAfter: time.Second}, nil
	case err != nil:
		return Decision{}, err
	case id == 0:
		return a.fail(ctx, source, key, detailInvalid)
	}
	return Decision{Outcome: Allowed, KeyID: id}, nil
}

// Active tells whether the key of an id may still be used. It costs next to
// nothing and counts as no try, so that it can be asked again and again for
// who stays connected. It fails only when the store does.
func (a *Authenticator) Active(ctx context.Context, id int) (bool, error) {
	set, err := a.current(ctx)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(set.active, func(k store.APIKey) bool { return k.ID == id }), nil
}

// check returns the id of the key, 0 for a wrong one. It fails with ErrBusy
// or with the context.
func (a *Authenticator) check(ctx context.Context, set *keySet, source string, key domain.Secret) (int, error) {
	digest := string(keyed(a.processKey, key))
	if id, ok := set.recall(digest); ok {
		return id, nil
	}
	candidates := set.candidates(a.tag(key))
	if len(candidates) == 0 {
		return 0, nil
	}
	if !a.flights.begin(source) {
		return 0, ErrBusy
	}
	defer a.flights.end(source)
	// The same key many times at once, as after a start, is checked once. The
	// check goes on when the one who began it has gone: others wait for it.
	result := a.checks.DoChan(fmt.Sprint(set.generation, digest), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.policy.VerificationMax)
		defer cancel()
		if err := a.cpu.acquire(ctx); err != nil {
			return 0, ErrBusy
		}
		defer a.cpu.release()
		for _, k := range candidates {
			if matches(k.Hash, key) {
				set.remember(digest, k.ID)
				return k.ID, nil
			}
		}
		set.remember(digest, 0)
		return 0, nil
	})
	select {
	case r := <-result:
		return r.Val.(int), r.Err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// fail counts a failure and says what is left. Who has none left is not
// counted on, so that a flood of requests does not become one of writes.
func (a *Authenticator) fail(ctx context.Context, source string, key domain.Secret, detail string) (Decision, error) {
	bucket := keyed(a.lockoutKey, key)[:16]
	now := a.now()
	one, all, err := a.store.Lockouts().Failures(ctx, source, bucket, now, a.policy.Window)
	if err != nil {
		return Decision{}, err
	}
	switch {
	case all.Count >= a.policy.SourceThreshold:
		return a.locked(all, now), nil
	case one.Count >= a.policy.Threshold:
		return a.locked(one, now), nil
	}
	one, all, err = a.store.Lockouts().Add(ctx, source, bucket, now, a.policy.Window, a.policy.MaxBuckets)
	if err != nil {
		return Decision{}, err
	}
	if left := min(a.policy.Threshold-one.Count, a.policy.SourceThreshold-all.Count); left > 0 {
		detail = fmt.Sprintf(detailWithTail, detail, left)
	}
	return Decision{Detail: detail}, nil
}

func (a *Authenticator) locked(f store.Failures, now time.Time) Decision {
	left := f.First.Add(a.policy.Window).Sub(now)
	return Decision{Outcome: Locked, Detail: detailLocked,
		RetryAfter: time.Duration(math.Ceil(left.Seconds())) * time.Second}
}

// keySet is what is known of the keys as of one generation.
type keySet struct {
	generation int64
	active     []store.APIKey

	mu    sync.RWMutex
	known map[string]int // by digest: the key's id, or 0 for a wrong one
}

// maxKnown bounds what is remembered of wrong keys that cost a bcrypt.
const maxKnown = 4096

// current returns the keys as they are now, whichever process changed them
// last. What was remembered of others is forgotten with them.
func (a *Authenticator) current(ctx context.Context) (*keySet, error) {
	generation, err := a.store.Keys().Generation(ctx)
	if err != nil {
		return nil, err
	}
	if set := a.keys.Load(); set != nil && set.generation == generation {
		return set, nil
	}
	// The generation was read before the keys: what changes in between is
	// seen with the next request at the latest.
	keys, err := a.store.Keys().List(ctx)
	if err != nil {
		return nil, err
	}
	set := &keySet{generation: generation, known: map[string]int{}}
	for _, k := range keys {
		if k.Active {
			set.active = append(set.active, k)
		}
	}
	a.keys.Store(set)
	return set, nil
}

// candidates are the keys that one with this tag may be.
func (s *keySet) candidates(tag []byte) []store.APIKey {
	var some []store.APIKey
	for _, k := range s.active {
		if k.Tag == nil || bytes.Equal(k.Tag, tag) {
			some = append(some, k)
		}
	}
	return some
}

func (s *keySet) recall(digest string) (id int, ok bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	id, ok = s.known[digest]
	return id, ok
}

func (s *keySet) remember(digest string, id int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.known) >= maxKnown {
		for d, id := range s.known {
			if id == 0 {
				delete(s.known, d)
			}
		}
	}
	s.known[digest] = id
}
