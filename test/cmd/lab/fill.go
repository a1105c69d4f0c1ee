//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"testing"

	"proxbox/test/lab"
)

// fillPython has the Python service and the plugin fill an empty NetBox and
// writes its database to a file.
func fillPython(ctx context.Context, file string) error {
	l, err := lab.Start(ctx, os.Stderr)
	if err != nil {
		return err
	}
	defer l.Stop()
	// The lab's helpers for tests find it as tests do.
	if err := os.Setenv(lab.Variable, l.Description()); err != nil {
		return err
	}
	return outsideOfTests(ctx, func(t testing.TB) error {
		s := lab.NetBox(t)
		fmt.Fprintln(os.Stderr, lab.FillPython(t, s))
		// Written beside and renamed: a broken dump never replaces a good one.
		if err := s.Store(ctx, file+".new"); err != nil {
			return err
		}
		return os.Rename(file+".new", file)
	})
}

// outside is the part of [testing.TB] that the lab's helpers use, for a
// program that is no test.
type outside struct {
	testing.TB // never set: it lends its unexported method
	ctx        context.Context
	cleanups   []func()
	failed     error
}

// outsideOfTests runs f with helpers that were made for tests, and what they
// left to be cleaned up.
func outsideOfTests(ctx context.Context, f func(testing.TB) error) (err error) {
	t := &outside{ctx: ctx}
	defer func() {
		if broken := recover(); broken != nil {
			if broken != t {
				panic(broken)
			}
			err = t.failed
		}
	}()
	defer func() {
		for i := len(t.cleanups) - 1; i >= 0; i-- {
			t.cleanups[i]()
		}
	}()
	return f(t)
}

func (t *outside) Helper() {}

func (t *outside) Context() context.Context { return t.ctx }

func (t *outside) Cleanup(f func()) { t.cleanups = append(t.cleanups, f) }

func (t *outside) Failed() bool { return t.failed != nil }

func (t *outside) Logf(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", arguments...)
}

func (t *outside) Fatal(arguments ...any) { t.Fatalf("%s", fmt.Sprint(arguments...)) }

func (t *outside) Fatalf(format string, arguments ...any) {
	t.failed = fmt.Errorf(format, arguments...)
	panic(t)
}

func (t *outside) TempDir() string {
	dir, err := os.MkdirTemp("", "proxbox-fill-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
