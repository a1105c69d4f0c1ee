package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"proxbox/internal/domain"
	"proxbox/internal/store"
)

const (
	// Cost is bcrypt's cost for keys at rest, as the Python service has it.
	Cost = 12
	// MinKeyLength and MaxKeyLength bound a key, in characters. The plugin's
	// keys have 40 and more.
	MinKeyLength = 32
	MaxKeyLength = 512
)

// ErrBusy is returned by Register while too many others try the same.
var ErrBusy = errors.New("too many API keys are being checked at the moment")

// Register makes the key the first one, if nobody ever had one. It fails with
// *store.InvalidError, store.ErrClaimed or ErrBusy. Anybody may call it, so
// it is bounded as Verify is.
func (a *Authenticator) Register(ctx context.Context, source string, key domain.Secret, label string) (store.APIKey, error) {
	if !a.flights.begin(source) {
		return store.APIKey{}, ErrBusy
	}
	defer a.flights.end(source)
	return a.claim(ctx, "register", key, label)
}

// Preset is what came of a key that the environment presets.
type Preset int

const (
	PresetRegistered Preset = iota // it became the first key
	PresetKnown                    // it is an active key already
	PresetUnknown                  // another key was first, and this one opens nothing
)

// Preset makes the key of PROXBOX_API_KEY the first one, if nobody ever had
// one. Once there was a first key the variable changes nothing more. It fails
// with *store.InvalidError.
func (a *Authenticator) Preset(ctx context.Context, key domain.Secret) (Preset, error) {
	_, err := a.claim(ctx, "preset", key, "PROXBOX_API_KEY")
	if !errors.Is(err, store.ErrClaimed) {
		return PresetRegistered, err
	}
	set, err := a.current(ctx)
	if err != nil {
		return PresetUnknown, err
	}
	for _, k := range set.candidates(a.tag(key)) {
		if matches(k.Hash, key) {
			return PresetKnown, nil
		}
	}
	return PresetUnknown, nil
}

func (a *Authenticator) claim(ctx context.Context, by string, key domain.Secret, label string) (store.APIKey, error) {
	if err := checkKey(key); err != nil {
		return store.APIKey{}, err
	}
	// Before the hash is made: who comes too late need not cost anything.
	if claimed, err := a.store.Keys().Claimed(ctx); err != nil {
		return store.APIKey{}, err
	} else if claimed {
		return store.APIKey{}, store.ErrClaimed
	}
	row, err := a.newRow(ctx, key, label)
	if err != nil {
		return store.APIKey{}, err
	}
	return a.store.Keys().Claim(ctx, by, row)
}

// Claimed tells whether the first key was registered already, so that
// registration is closed.
func (a *Authenticator) Claimed(ctx context.Context) (bool, error) {
	return a.store.Keys().Claimed(ctx)
}

// Create makes a new random key and returns it with its row. This is the only
// time that it can be seen. It fails with *store.InvalidError or
// *store.ConflictError.
func (a *Authenticator) Create(ctx context.Context, label string) (store.APIKey, domain.Secret, error) {
	raw := make([]byte, 48)
	rand.Read(raw) // never fails
	key := domain.Secret(base64.RawURLEncoding.EncodeToString(raw))
	row, err := a.newRow(ctx, key, label)
	if err != nil {
		return store.APIKey{}, "", err
	}
	row, err = a.store.Keys().Create(ctx, row, a.policy.MaxActiveKeys)
	if err != nil {
		return store.APIKey{}, "", err
	}
	return row, key, nil
}

// List returns all keys, the newest first.
func (a *Authenticator) List(ctx context.Context) ([]store.APIKey, error) {
	return a.store.Keys().List(ctx)
}

// SetActive switches a key on or off, which takes effect with the next
// request. It fails as store.Keys.SetActive does.
func (a *Authenticator) SetActive(ctx context.Context, id int, active bool) (store.APIKey, error) {
	return a.store.Keys().SetActive(ctx, id, active, a.policy.MaxActiveKeys)
}

// Delete removes a key, which takes effect with the next request. It fails as
// store.Keys.Delete does.
func (a *Authenticator) Delete(ctx context.Context, id int) error {
	return a.store.Keys().Delete(ctx, id)
}

func (a *Authenticator) newRow(ctx context.Context, key domain.Secret, label string) (store.APIKey, error) {
	if err := a.cpu.acquire(ctx); err != nil {
		return store.APIKey{}, err
	}
	defer a.cpu.release()
	hash, err := bcrypt.GenerateFromPassword(bcryptInput(key), a.cost)
	if err != nil {
		return store.APIKey{}, fmt.Errorf("hash the API key: %w", err)
	}
	return store.APIKey{Label: label, Hash: string(hash), Tag: a.tag(key), CreatedAt: a.now()}, nil
}

// checkKey takes what can travel in a header and is too long to guess.
func checkKey(key domain.Secret) error {
	text := key.Reveal()
	switch {
	case len(text) < MinKeyLength:
		return &store.InvalidError{Field: "api_key", Reason: fmt.Sprintf("must be at least %d characters", MinKeyLength),
			WayOut: "Use a long random text."}
	case len(text) > MaxKeyLength:
		return &store.InvalidError{Field: "api_key", Reason: fmt.Sprintf("must be at most %d characters", MaxKeyLength)}
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }):
		return &store.InvalidError{Field: "api_key", Reason: "holds a blank or a character that is not ASCII",
			WayOut: "It is sent in an HTTP header: use letters, digits and signs."}
	}
	return nil
}

// bcryptInput is the key itself as long as bcrypt, which reads no more than
// 72 bytes, sees all of it, and else its digest as text.
func bcryptInput(key domain.Secret) []byte {
	if len(key) <= 72 {
		return []byte(key)
	}
	digest := sha256.Sum256([]byte(key))
	return []byte("sha256:" + base64.RawStdEncoding.EncodeToString(digest[:]))
}

func matches(hash string, key domain.Secret) bool {
	return bcrypt.CompareHashAndPassword([]byte(hash), bcryptInput(key)) == nil
}

// tag is the byte that tells most wrong keys apart without bcrypt.
func (a *Authenticator) tag(key domain.Secret) []byte { return keyed(a.tagKey, key)[:1] }

func keyed(with []byte, key domain.Secret) []byte {
	mac := hmac.New(sha256.New, with)
	mac.Write([]byte(key))
	return mac.Sum(nil)
}
