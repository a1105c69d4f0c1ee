package secret

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/fernet/fernet-go"

	"proxbox/internal/domain"
)

// sealedPrefix marks a stored value as encrypted. A value without it is read
// as plain text, for that is how the Python service keeps values that it
// wrote before it had a key.
const sealedPrefix = "enc:"

// ErrWrongKey is what Open fails with when no key of the box opens a value:
// another key sealed it, or it was damaged. The two cannot be told apart.
var ErrWrongKey = errors.New("the encryption key does not open this value")

// Box encrypts with its first key and decrypts with any of its keys, so that
// a key is changed by putting the new one before the old one until every
// value has been sealed anew.
//
// What it writes the Python service reads with the same key text, and the
// other way round: Fernet under the SHA-256 of the key text, its token (which
// is base64 already) in URL-safe base64 once more, behind "enc:".
type Box struct {
	keys []*fernet.Key
}

// NewBox returns a box for the key texts given, the newest first. Any text
// will do as a key; blanks around it do not count.
func NewBox(keyTexts ...domain.Secret) (*Box, error) {
	if len(keyTexts) == 0 {
		return nil, errors.New("an encryption key is needed, and none was given")
	}
	b := &Box{}
	for i, text := range keyTexts {
		trimmed := strings.TrimSpace(text.Reveal())
		if trimmed == "" {
			return nil, fmt.Errorf("encryption key %d of %d is empty", i+1, len(keyTexts))
		}
		key := fernet.Key(sha256.Sum256([]byte(trimmed)))
		b.keys = append(b.keys, &key)
	}
	return b, nil
}

// Sealed tells whether a stored value is marked as encrypted.
func Sealed(stored string) bool { return strings.HasPrefix(stored, sealedPrefix) }

// Seal encrypts a value for storage. Nothing stays nothing: an empty value is
// stored empty, so that "not set" can be seen without the key.
func (b *Box) Seal(value domain.Secret) (string, error) {
	if value == "" {
		return "", nil
	}
	token, err := fernet.EncryptAndSign([]byte(value.Reveal()), b.keys[0])
	if err != nil {
		return "", fmt.Errorf("encrypt a credential: %w", err)
	}
	return sealedPrefix + base64.URLEncoding.EncodeToString(token), nil
}

// Open returns the value behind a stored one. It fails with ErrWrongKey when
// the value is marked as encrypted and no key opens it.
func (b *Box) Open(stored string) (domain.Secret, error) {
	value, _, err := b.open(stored)
	return value, err
}

// Stale tells whether a stored value has to be sealed anew to depend on the
// first key alone: it is plain text, or an older key sealed it. It fails as
// Open does.
func (b *Box) Stale(stored string) (bool, error) {
	if stored == "" {
		return false, nil
	}
	_, key, err := b.open(stored)
	return err == nil && key != 0, err
}

// open also returns the index of the key that opened the value, -1 for none.
func (b *Box) open(stored string) (domain.Secret, int, error) {
	encoded, sealed := strings.CutPrefix(stored, sealedPrefix)
	if !sealed {
		return domain.Secret(stored), -1, nil
	}
	token, err := base64.URLEncoding.DecodeString(encoded)
	if err != nil {
		return "", -1, fmt.Errorf("%w: it is not base64", ErrWrongKey)
	}
	for i, key := range b.keys {
		// No time to live: a stored credential does not expire. The only
		// sign of failure is nil; an empty message comes back as non-nil.
		if plain := fernet.VerifyAndDecrypt(token, -1, []*fernet.Key{key}); plain != nil {
			return domain.Secret(plain), i, nil
		}
	}
	return "", -1, ErrWrongKey
}
