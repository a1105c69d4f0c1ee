package domain

import (
	"strings"
	"unicode/utf8"
)

// Slug is NetBox's form of a name: lower case, runs of other characters one
// dash, none at the ends; "" when nothing is left. What is wanted and what is
// looked up must agree on it.
func Slug(name string) string {
	var out strings.Builder
	dash := false
	for _, r := range strings.ToLower(name) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			if dash && out.Len() > 0 {
				out.WriteByte('-')
			}
			dash = false
			out.WriteRune(r)
			continue
		}
		dash = true
	}
	return out.String()
}

// Cut is the beginning of a text, of so many characters at most.
func Cut(s string, limit int) string {
	limit = max(limit, 0)
	if len(s) <= limit || utf8.RuneCountInString(s) <= limit {
		return s
	}
	return string([]rune(s)[:limit])
}
