package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"proxbox/internal/domain"
	"proxbox/internal/secret"
	"proxbox/internal/settings"
)

// secretFlag is a secret that is given as a flag, in a file or on standard
// input, or in the environment. It is never printed.
type secretFlag struct {
	name        string // of the flag; its file is name-file
	value, file string
	env         settings.Key[domain.Secret]
	envFile     settings.Key[string]
}

// secretText is a flag's value that help does not show.
type secretText struct{ text *string }

func (s secretText) String() string     { return "" }
func (s secretText) Set(t string) error { *s.text = t; return nil }
func (s secretText) Type() string       { return "text" }

func (s *secretFlag) add(flags *pflag.FlagSet, what string) {
	flags.Var(secretText{&s.value}, s.name, what+"; it can be seen in the list of processes: --"+s.name+"-file or "+s.env.Env+" hides it")
	flags.StringVar(&s.file, s.name+"-file", "", "`file` with the "+what+"; - reads standard input ("+s.envFile.Env+")")
}

// given returns the secret, "" when there is none.
func (s *secretFlag) given(p *program, v *settings.Values) (domain.Secret, error) {
	switch {
	case s.value != "" && s.file != "":
		return "", fmt.Errorf("give --%s or --%s-file, not both", s.name, s.name)
	case s.value != "":
		return domain.Secret(s.value), nil
	case s.file == "-":
		raw, err := io.ReadAll(io.LimitReader(p.stdin, 64<<10))
		if err != nil {
			return "", fmt.Errorf("--%s-file -: %w", s.name, err)
		}
		return s.notEmpty(string(raw), "standard input")
	case s.file != "":
		raw, err := os.ReadFile(s.file)
		if err != nil {
			return "", fmt.Errorf("--%s-file: %w", s.name, err)
		}
		return s.notEmpty(string(raw), s.file)
	}
	return secret.Given(s.env.Env, s.env.In(v), s.envFile.In(v))
}

func (s *secretFlag) notEmpty(text, from string) (domain.Secret, error) {
	if text = strings.TrimSpace(text); text == "" {
		return "", fmt.Errorf("--%s-file: %s is empty", s.name, from)
	}
	return domain.Secret(text), nil
}

// ask reads a secret from the terminal without showing it; "" where nobody
// sits at one.
func (p *program) ask(ctx context.Context, what string) (domain.Secret, error) {
	in, ok := p.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return "", nil
	}
	before, err := term.GetState(int(in.Fd()))
	if err != nil {
		return "", err
	}
	fmt.Fprintf(p.stderr, "%s: ", what)
	type answer struct {
		text []byte
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		text, err := term.ReadPassword(int(in.Fd()))
		answers <- answer{text, err}
	}()
	select {
	case a := <-answers:
		fmt.Fprintln(p.stderr)
		if a.err != nil {
			return "", fmt.Errorf("read the %s: %w", what, a.err)
		}
		return domain.Secret(strings.TrimSpace(string(a.text))), nil
	case <-ctx.Done():
		fmt.Fprintln(p.stderr)
		return "", errors.Join(errors.New("stopped"), term.Restore(int(in.Fd()), before))
	}
}
