package settings

import (
	"errors"
	"fmt"
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

// CheckNodeTemplate says why a text cannot be what node devices are named by:
// it needs {node}, and may hold {cluster}, {cluster_slug} and {endpoint}.
func CheckNodeTemplate(template string) error {
	node := false
	for _, p := range placeholder.FindAllString(template, -1) {
		switch p {
		case "{node}":
			node = true
		case "{cluster}", "{cluster_slug}", "{endpoint}":
		default:
			return fmt.Errorf("holds %s, which stands for nothing", p)
		}
	}
	if strings.ContainsAny(placeholder.ReplaceAllString(template, ""), "{}") {
		return errors.New("has a brace without its other half")
	}
	if !node {
		return errors.New("has no {node}: every node would get the same name")
	}
	return nil
}

func parseNodeTemplate(text string) (string, error) { return text, CheckNodeTemplate(text) }
