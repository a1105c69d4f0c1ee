package secret

import "strings"

// Most lines of a log hold nothing that looks like a secret, and a pattern
// costs a hundred times what it costs to see that. What follows tells, for
// each pattern, whether it could match; it may say yes too often, never no
// wrongly.

// holds tells whether a line has one of these words, in any case.
func holds(words ...string) func(line string) bool {
	return func(line string) bool {
		for _, w := range words {
			if foldIndex(line, w) {
				return true
			}
		}
		return false
	}
}

// foldIndex tells whether a word of lower-case letters is in a line.
func foldIndex(line, word string) bool {
	lower, upper := word[0], word[0]
	if 'a' <= lower && lower <= 'z' {
		upper -= 'a' - 'A'
	}
	for i := 0; i+len(word) <= len(line); i++ {
		if (line[i] == lower || line[i] == upper) && strings.EqualFold(line[i:i+len(word)], word) {
			return true
		}
	}
	return false
}

// names tells whether a line has a name that says that its value is secret,
// followed by = or a colon.
func names(line string) bool {
	for i := range len(line) {
		if line[i] != '=' && line[i] != ':' {
			continue
		}
		before := strings.TrimRight(line[:i], " \t\n\f\r")
		if n := len(before); n > 0 && (before[n-1] == '"' || before[n-1] == '\'') {
			before = before[:n-1]
		}
		before = strings.TrimRight(before, `\`)
		for _, word := range lastWords {
			if n := len(before) - len(word); n >= 0 && strings.EqualFold(before[n:], word) {
				return true
			}
		}
	}
	return false
}

// lastWords are how the names of secretNames end.
var lastWords = []string{"key", "keys", "token", "tokens", "value", "password", "passwords", "passwd", "passphrase", "secret", "secrets", "auth", "cookie"}

// folded are the letters beyond ASCII that a pattern takes for a k and an s.
const folded = "\u212A\u017F"
