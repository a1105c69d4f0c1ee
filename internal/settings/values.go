package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Source is where a value came from.
type Source string

// The sources of a value.
const (
	FromEnvironment Source = "environment"
	FromPlugin      Source = "plugin"
	FromDefault     Source = "default"
)

// Values are the values of all settings. They do not change; WithPlugin
// returns others.
type Values struct {
	resolved map[*Setting]resolved
}

type resolved struct {
	text   string
	value  any
	source Source
}

// EnvError is a variable whose value cannot be used.
type EnvError struct {
	Variable string
	Value    string // "" for a secret
	Form     string // that is accepted
}

func (e *EnvError) Error() string {
	return fmt.Sprintf("%s is %q and must be %s", e.Variable, e.Value, e.Form)
}

// Load returns the values that the environment, as os.Environ has it, and the
// defaults make. An empty variable counts as not set. It fails with one
// *EnvError for each variable whose value cannot be used, joined.
func Load(environ []string) (*Values, error) {
	env := map[string]string{}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = strings.TrimSpace(value)
	}
	v := &Values{resolved: make(map[*Setting]resolved, len(table))}
	var errs []error
	for _, s := range table {
		v.resolved[s] = s.byDefault()
		text := env[s.Env]
		if s.Env == "" || text == "" {
			continue
		}
		value, err := s.parse(text)
		if err != nil {
			e := &EnvError{Variable: s.Env, Value: text, Form: s.Form}
			if s.secret {
				e.Value = ""
			}
			errs = append(errs, e)
			continue
		}
		v.resolved[s] = resolved{text, value, FromEnvironment}
	}
	return v, errors.Join(errs...)
}

// byDefault is the setting with its own default, which parses: a test goes
// through the table.
func (s *Setting) byDefault() resolved {
	value, _ := s.parse(s.Default)
	return resolved{s.Default, value, FromDefault}
}

// String names the values without showing them, for there are secrets in
// them. All shows them for people.
func (v *Values) String() string { return fmt.Sprintf("%d settings", len(v.resolved)) }

// GoString is String: %#v shows no secrets either.
func (v *Values) GoString() string { return v.String() }

// WithPlugin returns the values with the plugin's settings between the
// environment and the defaults. Release is the plugin's ("0.0.29.post6"; ""
// when it is not known), fields the settings as its API answers them. What
// cannot be used is left out and said in a sentence.
func (v *Values) WithPlugin(release string, fields map[string]any) (*Values, []string) {
	out := &Values{resolved: maps.Clone(v.resolved)}
	var notices []string
	for _, s := range table {
		given, ok := fields[s.Name]
		if !ok || s.Plugin == nil || v.resolved[s].source == FromEnvironment {
			continue
		}
		text, ok := pluginText(given)
		if !ok || text == "" {
			continue
		}
		value, err := s.parse(text)
		if err != nil {
			notices = append(notices, fmt.Sprintf("the plugin's setting %s is %q and must be %s; it is not used", s.Name, text, s.Form))
			continue
		}
		if s.isPluginDefault(release, value) {
			continue
		}
		out.resolved[s] = resolved{text, value, FromPlugin}
	}
	return out, notices
}

// pluginText writes a JSON value as a person would; false for one that says
// nothing. A reference is its id, whether nested or not.
func pluginText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v), true
	case bool:
		return strconv.FormatBool(v), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case int:
		return strconv.Itoa(v), true
	case json.Number:
		return v.String(), true
	case map[string]any:
		if id, ok := v["id"]; ok {
			return pluginText(id)
		}
		if value, ok := v["value"]; ok { // a choice
			return pluginText(value)
		}
	}
	return "", false
}

// isPluginDefault tells whether a value is the one that this release of the
// plugin has when nobody chose; of any release when it is not known.
func (s *Setting) isPluginDefault(release string, value any) bool {
	for _, r := range slices.Backward(slices.Sorted(maps.Keys(s.Plugin))) {
		if release != "" && CompareReleases(release, string(r)) < 0 {
			continue
		}
		def, err := s.parse(s.Plugin[r])
		if err == nil && reflect.DeepEqual(def, value) {
			return true
		}
		if release != "" {
			return false
		}
	}
	return false
}

// CompareReleases compares releases of the plugin by their numbers alone:
// 0.0.15 < 0.0.29, and 0.0.29.post6 is 0.0.29.
func CompareReleases(a, b string) int { return slices.Compare(releaseNumbers(a), releaseNumbers(b)) }

func releaseNumbers(release string) []int {
	var numbers []int
	for part := range strings.SplitSeq(release, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			break
		}
		numbers = append(numbers, n)
	}
	return numbers
}

// Resolved is a setting with its value, for people.
type Resolved struct {
	*Setting
	Text   string // of a secret only whether there is one
	Source Source
}

// All returns every setting with its value, in the order of the table.
func (v *Values) All() []Resolved {
	all := make([]Resolved, len(table))
	for i, s := range table {
		r := v.resolved[s]
		if s.secret && r.text != "" {
			r.text = "********"
		}
		all[i] = Resolved{s, r.text, r.source}
	}
	return all
}

// UnknownEnv returns the variables that look like settings of this program
// and are none, sorted: most often a misspelling.
func UnknownEnv(environ []string) []string {
	known := map[string]bool{}
	for _, s := range table {
		known[s.Env] = true
	}
	var unknown []string
	for _, pair := range environ {
		name, _, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, "PROXBOX_") && !known[name] {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	return slices.Compact(unknown)
}
