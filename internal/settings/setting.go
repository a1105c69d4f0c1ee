package settings

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"proxbox/internal/domain"
)

// Setting is one row of the table.
type Setting struct {
	// Name is the setting's own, and its key among the plugin's settings
	// where it is there.
	Name string
	// Env is the variable; "" when the environment cannot set it.
	Env string
	// Plugin holds the plugin's own default by the release that has it
	// first; nil when the plugin has no such setting.
	Plugin map[Release]string
	// Param is the query parameter that sets it for one run; "" for none.
	Param string
	// Default is the program's own, written as a person would.
	Default string
	// Form says what is accepted: "a number from 1 to 65535".
	Form string
	Doc  string // one sentence or two
	// Without is why the setting is accepted without effect; "" when it is
	// honoured.
	Without string

	secret bool
	parse  func(text string) (any, error)
}

// Secret tells whether the value must not be shown.
func (s *Setting) Secret() bool { return s.secret }

// Release is a release of the plugin from which on a default holds.
type Release string

// The releases of the plugin whose defaults are known.
const (
	Release0015 Release = "0.0.15"
	Release0029 Release = "0.0.29"
)

// Key is a setting whose value is a T.
type Key[T any] struct{ *Setting }

// In returns the setting's value.
func (k Key[T]) In(v *Values) T { return v.resolved[k.Setting].value.(T) }

// Source returns where the setting's value came from.
func (k Key[T]) Source(v *Values) Source { return v.resolved[k.Setting].source }

// table is filled by the declarations in table.go, in their order.
var table []*Setting

// All returns the table.
func All() []*Setting { return slices.Clone(table) }

// declare adds a setting to the table.
func declare[T any](s Setting, form string, parse func(string) (T, error)) Key[T] {
	s.Form = form
	s.parse = func(text string) (any, error) { return parse(text) }
	table = append(table, &s)
	return Key[T]{&s}
}

// withoutEffect adds settings that are accepted so that nobody's environment
// has to change, and do nothing.
func withoutEffect(reason string, all ...Setting) struct{} {
	for _, s := range all {
		s.Without = reason
		declare(s, "anything", func(text string) (string, error) { return text, nil })
	}
	return struct{}{}
}

var errForm = errors.New("not of the accepted form")

const booleanForm = "true or false (also 1, 0, yes, no, on, off)"

func boolean(s Setting) Key[bool] { return declare(s, booleanForm, parseBool) }

func parseBool(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "true", "1", "yes", "on":
		return true, nil
	case "false", "0", "no", "off":
		return false, nil
	}
	return false, errForm
}

func integer(s Setting, low, high int) Key[int] {
	return declare(s, fmt.Sprintf("a whole number from %d to %d", low, high), func(text string) (int, error) {
		n, err := strconv.Atoi(text)
		if err != nil {
			// JSON and Django write whole numbers as 5.0 and "5.00" too.
			f, err := strconv.ParseFloat(text, 64)
			if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
				return 0, errForm
			}
			n = int(f)
		}
		if n < low || n > high {
			return 0, errForm
		}
		return n, nil
	})
}

// duration is a number in the unit given.
func duration(s Setting, unit time.Duration, low, high float64) Key[time.Duration] {
	name := map[time.Duration]string{day: "days", time.Second: "seconds", time.Millisecond: "milliseconds"}[unit]
	form := fmt.Sprintf("a number of %s from %v to %v", name, low, high)
	return declare(s, form, func(text string) (time.Duration, error) {
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || !(n >= low && n <= high) { // not NaN either
			return 0, errForm
		}
		return time.Duration(math.Round(n * float64(unit))), nil
	})
}

func seconds(s Setting, low, high float64) Key[time.Duration] {
	return duration(s, time.Second, low, high)
}

const day = 24 * time.Hour

func days(s Setting, low, high float64) Key[time.Duration] { return duration(s, day, low, high) }

func milliseconds(s Setting, low, high float64) Key[time.Duration] {
	return duration(s, time.Millisecond, low, high)
}

func text(s Setting, form string) Key[string] {
	return declare(s, form, func(text string) (string, error) { return text, nil })
}

func choice[T ~string](s Setting, all ...T) Key[T] {
	names := make([]string, len(all))
	for i, c := range all {
		names[i] = string(c)
	}
	return declare(s, "one of "+strings.Join(names, ", "), func(text string) (T, error) {
		c := T(strings.ToLower(text))
		if !slices.Contains(all, c) {
			return "", errForm
		}
		return c, nil
	})
}

func secretText(s Setting) Key[domain.Secret] {
	s.secret = true
	return declare(s, "text", func(text string) (domain.Secret, error) { return domain.Secret(text), nil })
}

func logLevel(s Setting) Key[slog.Level] {
	return declare(s, "one of debug, info, warning, error", func(text string) (slog.Level, error) {
		switch strings.ToLower(text) {
		case "debug":
			return slog.LevelDebug, nil
		case "info":
			return slog.LevelInfo, nil
		case "warning", "warn":
			return slog.LevelWarn, nil
		case "error", "critical":
			return slog.LevelError, nil
		}
		return 0, errForm
	})
}

// list splits what commas, blanks and line breaks part.
func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\r' || r == '\t' })
}

// patterns are what names are matched with.
func patterns(s Setting) Key[[]string] {
	return declare(s, "names or patterns such as web-*, parted by commas or blanks", func(text string) ([]string, error) {
		all := list(text)
		for _, p := range all {
			if _, err := path.Match(p, ""); err != nil {
				return nil, errForm
			}
		}
		return all, nil
	})
}

func networks(s Setting) Key[[]netip.Prefix] {
	return declare(s, "addresses and networks such as 10.0.0.0/8, parted by commas", func(text string) ([]netip.Prefix, error) {
		var all []netip.Prefix
		for _, item := range list(text) {
			p, err := netip.ParsePrefix(item)
			if err != nil {
				ip, err := netip.ParseAddr(item)
				if err != nil {
					return nil, errForm
				}
				p = netip.PrefixFrom(ip, ip.BitLen())
			}
			all = append(all, p.Masked())
		}
		return all, nil
	})
}

func origins(s Setting) Key[[]string] {
	return declare(s, "origins such as https://netbox.example.org, parted by commas", func(text string) ([]string, error) {
		var all []string
		for _, item := range list(text) {
			u, err := url.Parse(strings.TrimSuffix(item, "/"))
			if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Scheme+"://"+u.Host != u.String() {
				return nil, errForm
			}
			all = append(all, u.String())
		}
		return all, nil
	})
}
