package secret

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"proxbox/internal/domain"
)

func TestFindKey(t *testing.T) {
	dir := t.TempDir()
	keyFile := filepath.Join(dir, "given.key")
	emptyFile := filepath.Join(dir, "empty.key")
	for path, text := range map[string]string{keyFile: "from the file\n", emptyFile: " \n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, tt := range map[string]struct {
		o       KeyOptions
		origin  Origin
		opensAs string // a key text that opens what the found box sealed
		err     string // part of the error
	}{
		"variable":               {KeyOptions{Key: "from the variable"}, FromEnv, "from the variable", ""},
		"variable before file":   {KeyOptions{Key: "from the variable", KeyFile: keyFile}, FromEnv, "from the variable", ""},
		"blank variable is none": {KeyOptions{Key: "  ", KeyFile: keyFile}, FromFile, "from the file", ""},
		"file":                   {KeyOptions{KeyFile: keyFile, Require: true}, FromFile, "from the file", ""},
		"file is not there":      {KeyOptions{KeyFile: filepath.Join(dir, "none")}, "", "", EnvKeyFile},
		"file is empty":          {KeyOptions{KeyFile: emptyFile}, "", "", "is empty"},
		"required":               {KeyOptions{Require: true}, "", "", EnvRequireKey + " is true"},
		"no data directory":      {KeyOptions{DataDir: filepath.Join(dir, "none")}, "", "", "writable"},
	} {
		t.Run(name, func(t *testing.T) {
			box, source, err := FindKey(tt.o)
			if tt.err != "" {
				var keyErr *KeyError
				if !errors.As(err, &keyErr) || !strings.Contains(err.Error(), tt.err) || keyErr.WayOut == "" {
					t.Fatalf("FindKey = %v; want a *KeyError with %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if source.Origin != tt.origin || source.String() == "" {
				t.Errorf("source = %+v (%s); want %s", source, source, tt.origin)
			}
			sealed, err := box.Seal("x")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := mustBox(t, domain.Secret(tt.opensAs)).Open(sealed); err != nil {
				t.Errorf("another key was used: %v", err)
			}
		})
	}
}

func TestFindKeyMakesItsOwnOnce(t *testing.T) {
	dir := t.TempDir()
	first, source, err := FindKey(KeyOptions{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if want := (Source{Origin: FromData, Path: filepath.Join(dir, "encryption.key"), Made: true}); source != want {
		t.Errorf("source = %+v; want %+v", source, want)
	}
	info, err := os.Stat(source.Path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v; want 0600", info.Mode().Perm())
	}
	sealed, err := first.Seal("x")
	if err != nil {
		t.Fatal(err)
	}
	second, source, err := FindKey(KeyOptions{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if source.Made {
		t.Error("the second start made a key")
	}
	if _, err := second.Open(sealed); err != nil {
		t.Errorf("the second start has another key: %v", err)
	}
	if _, _, err := FindKey(KeyOptions{DataDir: dir, Require: true}); err == nil {
		t.Error("a key that the program made itself satisfies " + EnvRequireKey)
	}
}

func TestMakeKeyFileAtOnceIsMadeOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "encryption.key")
	var wg sync.WaitGroup
	made := make([]bool, 8)
	for i := range made {
		wg.Go(func() {
			var err error
			if made[i], err = makeKeyFile(path); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	count := 0
	for _, m := range made {
		if m {
			count++
		}
	}
	if count != 1 {
		t.Errorf("made %d times", count)
	}
}

func TestGiven(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("from the file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		value domain.Secret
		file  string
		want  domain.Secret
		err   string
	}{
		{"neither", "", "", "", ""},
		{"value", "itself", "", "itself", ""},
		{"value before file", "itself", file, "itself", ""},
		{"file", "", file, "from the file", ""},
		{"no such file", "", file + "x", "", "PROXBOX_API_KEY_FILE"},
	} {
		got, err := Given("PROXBOX_API_KEY", tt.value, tt.file)
		if got != tt.want || (err != nil) != (tt.err != "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %q, %v; want %q, %q", tt.name, got.Reveal(), err, tt.want.Reveal(), tt.err)
		}
	}
}
