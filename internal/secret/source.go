package secret

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"proxbox/internal/domain"
)

// The variables that name the key, as errors and log lines call them.
const (
	EnvKey        = "PROXBOX_ENCRYPTION_KEY"
	EnvKeyFile    = "PROXBOX_ENCRYPTION_KEY_FILE"
	EnvRequireKey = "PROXBOX_REQUIRE_ENCRYPTION_KEY"
)

// keyFileName is the key file that the program makes in its data directory.
const keyFileName = "encryption.key"

// Origin is where an encryption key came from.
type Origin string

const (
	FromEnv  Origin = "env"  // PROXBOX_ENCRYPTION_KEY
	FromFile Origin = "file" // the file that PROXBOX_ENCRYPTION_KEY_FILE names
	FromData Origin = "data" // the program's own key file in the data directory
)

// Source says where the encryption key came from.
type Source struct {
	Origin Origin
	Path   string // of the file; "" for FromEnv
	Made   bool   // the file did not exist and was made now
}

// String names the source for people: the variable or the file.
func (s Source) String() string {
	switch s.Origin {
	case FromEnv:
		return EnvKey
	case FromFile:
		return s.Path + " (" + EnvKeyFile + ")"
	}
	return s.Path
}

// KeyOptions say where to look for the encryption key.
type KeyOptions struct {
	Key     domain.Secret // PROXBOX_ENCRYPTION_KEY
	KeyFile string        // PROXBOX_ENCRYPTION_KEY_FILE
	// Previous is PROXBOX_ENCRYPTION_KEY_PREVIOUS: the key before this one,
	// which still opens what it sealed; "" when the key was not changed.
	Previous domain.Secret
	// DataDir holds the program's own key file; it exists already.
	DataDir string
	// Require is PROXBOX_REQUIRE_ENCRYPTION_KEY: the program's own key file
	// is neither made nor read; the operator gives the key.
	Require bool
}

// KeyError is a key that could not be had.
type KeyError struct {
	Reason string
	WayOut string
	Err    error // the cause, when there is one
}

func (e *KeyError) Error() string {
	msg := "encryption key: " + e.Reason
	if e.Err != nil {
		msg += ": " + e.Err.Error()
	}
	return msg + ". " + e.WayOut
}

func (e *KeyError) Unwrap() error { return e.Err }

// FindKey returns the box for the operator's key (the variable before the
// file), else for the program's own key file, which it makes when it is not
// there. A key that cannot be
// had is a *KeyError.
func FindKey(o KeyOptions) (*Box, Source, error) {
	text, source, err := findKeyText(o)
	if err != nil {
		return nil, Source{}, err
	}
	keys := []domain.Secret{text}
	if strings.TrimSpace(o.Previous.Reveal()) != "" {
		keys = append(keys, o.Previous)
	}
	box, err := NewBox(keys...)
	return box, source, err
}

func findKeyText(o KeyOptions) (domain.Secret, Source, error) {
	if strings.TrimSpace(o.Key.Reveal()) != "" {
		return o.Key, Source{Origin: FromEnv}, nil
	}
	if o.KeyFile != "" {
		text, err := readKeyFile(o.KeyFile)
		if err != nil {
			return "", Source{}, &KeyError{
				Reason: "the file that " + EnvKeyFile + " names cannot be used",
				WayOut: "Put the key into " + o.KeyFile + ", readable for this process, or set " + EnvKey + ".",
				Err:    err,
			}
		}
		return text, Source{Origin: FromFile, Path: o.KeyFile}, nil
	}
	if o.Require {
		return "", Source{}, &KeyError{
			Reason: EnvRequireKey + " is true and no key is given",
			WayOut: "Set " + EnvKey + " to a long random text, or " + EnvKeyFile + " to a file that holds one.",
		}
	}
	path := filepath.Join(o.DataDir, keyFileName)
	made, err := makeKeyFile(path)
	if err != nil {
		return "", Source{}, &KeyError{
			Reason: "the key file could not be made",
			WayOut: "Make " + o.DataDir + " writable, or set " + EnvKey + " or " + EnvKeyFile + ".",
			Err:    err,
		}
	}
	text, err := readKeyFile(path)
	if err != nil {
		return "", Source{}, &KeyError{
			Reason: "the key file cannot be used",
			WayOut: "Restore " + path + " from a backup; without it the stored credentials cannot be read. " +
				"If there is nothing to lose, remove it and enter the credentials again.",
			Err: err,
		}
	}
	return text, Source{Origin: FromData, Path: path, Made: made}, nil
}

// Given returns a secret that the environment gives either itself or in a
// file, as NAME or NAME_FILE; the former goes first, and "" is none.
func Given(name string, value domain.Secret, file string) (domain.Secret, error) {
	if value != "" || file == "" {
		return value, nil
	}
	text, err := readKeyFile(file)
	if err != nil {
		return "", fmt.Errorf("%s_FILE: %w. Put the secret into the file, readable for this process, or set %s", name, err, name)
	}
	return domain.Secret(strings.TrimSpace(text.Reveal())), nil
}

func readKeyFile(path string) (domain.Secret, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if strings.TrimSpace(string(raw)) == "" {
		return "", fmt.Errorf("%s is empty", path)
	}
	return domain.Secret(raw), nil
}

// makeKeyFile makes a key file when there is none and tells whether it did.
// O_EXCL lets one of two processes that start at once make it, never both.
// The file and its name are on the disk before anything is sealed with it.
func makeKeyFile(path string) (made bool, err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	key := make([]byte, 32)
	rand.Read(key) // never fails
	_, err = f.WriteString(base64.URLEncoding.EncodeToString(key) + "\n")
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return false, errors.Join(err, os.Remove(path))
	}
	return true, syncDir(filepath.Dir(path))
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
