package secret

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"proxbox/internal/domain"
)

func mustBox(t testing.TB, keys ...domain.Secret) *Box {
	t.Helper()
	b, err := NewBox(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The vectors were made with Python's cryptography 50 at fixed times and
// initialisation vectors, in the way the Python service stores credentials.
func TestOpenReadsWhatPythonSealed(t *testing.T) {
	raw, err := os.ReadFile("testdata/python-cryptography.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct{ Key, Value, Stored string }
	if err := json.Unmarshal(raw, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) == 0 {
		t.Fatal("no vectors")
	}
	for _, v := range vectors {
		got, err := mustBox(t, domain.Secret(v.Key)).Open(v.Stored)
		if err != nil || got.Reveal() != v.Value {
			t.Errorf("key %.10q: Open = %q, %v; want %q", v.Key, got.Reveal(), err, v.Value)
		}
	}
}

func TestOpen(t *testing.T) {
	box := mustBox(t, "the key")
	sealed, err := box.Seal("hunter2")
	if err != nil {
		t.Fatal(err)
	}
	other, err := mustBox(t, "another key").Seal("hunter2")
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		stored string
		want   string
		err    error
	}{
		"sealed":                {sealed, "hunter2", nil},
		"plain text":            {"hunter2", "hunter2", nil},
		"nothing":               {"", "", nil},
		"sealed by another key": {other, "", ErrWrongKey},
		"not base64":            {"enc:%%%", "", ErrWrongKey},
		"no token":              {"enc:", "", ErrWrongKey},
		"cut off":               {sealed[:len(sealed)-8], "", ErrWrongKey},
		"single base64":         {"enc:gAAAAAA=", "", ErrWrongKey},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := box.Open(tt.stored)
			if got.Reveal() != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("Open(%q) = %q, %v; want %q, %v", tt.stored, got.Reveal(), err, tt.want, tt.err)
			}
		})
	}
}

func TestBlanksAroundAKeyDoNotCount(t *testing.T) {
	sealed, err := mustBox(t, " the key\n").Seal("x")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := mustBox(t, "the key").Open(sealed); err != nil || got != "x" {
		t.Errorf("Open = %q, %v", got.Reveal(), err)
	}
}

func TestNewBoxRefusesEmptyKeys(t *testing.T) {
	for _, keys := range [][]domain.Secret{nil, {""}, {"a", " \n"}} {
		if _, err := NewBox(keys...); err == nil {
			t.Errorf("NewBox(%d keys) is no error", len(keys))
		}
	}
}

func TestRotation(t *testing.T) {
	before := mustBox(t, "old")
	sealed, err := before.Seal("hunter2")
	if err != nil {
		t.Fatal(err)
	}
	during := mustBox(t, "new", "old")
	if stale, err := during.Stale(sealed); err != nil || !stale {
		t.Errorf("Stale = %v, %v; want true", stale, err)
	}
	if stale, err := during.Stale("plain"); err != nil || !stale {
		t.Errorf("Stale(plain text) = %v, %v; want true", stale, err)
	}
	value, err := during.Open(sealed)
	if err != nil {
		t.Fatal(err)
	}
	again, err := during.Seal(value)
	if err != nil {
		t.Fatal(err)
	}
	after := mustBox(t, "new")
	if stale, err := after.Stale(again); err != nil || stale {
		t.Errorf("Stale = %v, %v; want false", stale, err)
	}
	if got, err := after.Open(again); err != nil || got != "hunter2" {
		t.Errorf("Open = %q, %v", got.Reveal(), err)
	}
	if _, err := after.Stale(sealed); !errors.Is(err, ErrWrongKey) {
		t.Errorf("Stale of a value of the old key: %v; want ErrWrongKey", err)
	}
}

func TestSealThenOpenIsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfN(rapid.StringMatching(`[!-~].{0,80}[!-~]`), 1, 3).Draw(t, "keys")
		texts := make([]domain.Secret, len(keys))
		for i, k := range keys {
			texts[i] = domain.Secret(k)
		}
		box, err := NewBox(texts...)
		if err != nil {
			t.Fatal(err)
		}
		value := domain.Secret(rapid.String().Draw(t, "value"))
		sealed, err := box.Seal(value)
		if err != nil {
			t.Fatal(err)
		}
		if value != "" && (!Sealed(sealed) || len(value) > 8 && strings.Contains(sealed, value.Reveal())) {
			t.Fatalf("%q is stored as %q", value.Reveal(), sealed)
		}
		if got, err := box.Open(sealed); err != nil || got != value {
			t.Fatalf("Open(Seal(%q)) = %q, %v", value.Reveal(), got.Reveal(), err)
		}
	})
}

func FuzzOpen(f *testing.F) {
	box := mustBox(f, "the key")
	sealed, err := box.Seal("hunter2")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add("enc:")
	f.Add("enc:Z0FBQUFBQmxVX0VB")
	f.Add("plain")
	f.Fuzz(func(t *testing.T, stored string) {
		got, err := box.Open(stored)
		switch {
		case !Sealed(stored) && (err != nil || got.Reveal() != stored):
			t.Errorf("plain text %q came back as %q, %v", stored, got.Reveal(), err)
		case err != nil && (got != "" || !errors.Is(err, ErrWrongKey)):
			t.Errorf("Open(%q) = %q, %v", stored, got.Reveal(), err)
		}
	})
}
