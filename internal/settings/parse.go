package settings

import (
	"regexp"
	"strings"
)

// parseBindHost takes the quotes and brackets away that shells and people
// leave around an address.
func parseBindHost(text string) (string, error) {
	host := strings.Trim(text, `"' []`)
	if strings.ContainsAny(host, "/ ") {
		return "", errForm
	}
	return host, nil
}

var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

func parseNodeTemplate(text string) (string, error) {
	node := false
	for _, p := range placeholder.FindAllString(text, -1) {
		switch p {
		case "{node}":
			node = true
		case "{cluster}", "{cluster_slug}", "{endpoint}":
		default:
			return "", errForm
		}
	}
	if !node || strings.ContainsAny(placeholder.ReplaceAllString(text, ""), "{}") {
		return "", errForm
	}
	return text, nil
}
