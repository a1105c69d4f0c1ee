package run

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
)

func TestGate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "writing.lock")
	never := func() { t.Error("it waits for itself") }
	one, other := NewGate(path), NewGate(path) // as two processes have
	leave, err := one.enter(t.Context(), never)
	if err != nil {
		t.Fatal(err)
	}
	again, err := one.enter(t.Context(), never)
	if err != nil {
		t.Fatal(err)
	}
	leave()

	cause := errors.New("told to stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	if _, err := other.enter(ctx, func() { cancel(cause) }); !errors.Is(err, cause) {
		t.Errorf("waiting for the other process ended with %v", err)
	}
	leaveToo, err := other.enter(t.Context(), func() { again() })
	if err != nil {
		t.Fatal(err)
	}
	leaveToo()
	if _, err := NewGate(filepath.Join(path, "nothing")).enter(t.Context(), never); err == nil {
		t.Error("a gate that cannot be made is no error")
	}
}
