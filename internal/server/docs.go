package server

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strings"
)

const (
	docsPath  = "/docs"
	redocPath = "/redoc" // the same page, where the Python service has another
)

// swagger holds the Swagger UI, each file compressed; gendocs makes it.
//
//go:generate go run ./gendocs swagger /docs /openapi.json swagger-ui.css swagger-ui-bundle.js swagger-ui-standalone-preset.js favicon-16x16.png favicon-32x32.png
//go:embed swagger
var swagger embed.FS

const compressed = ".gz"

// docsRoutes serves the Swagger UI at /docs and below. The links of its page
// are absolute, so that it needs no redirect to /docs/, and its one script of
// its own is allowed by its hash alone.
func (s *Server) docsRoutes() error {
	policy, err := docsPolicy()
	if err != nil {
		return err
	}
	files, err := swagger.ReadDir("swagger")
	if err != nil {
		return err
	}
	for _, f := range files {
		name := strings.TrimSuffix(f.Name(), compressed)
		raw, err := swagger.ReadFile("swagger/" + f.Name())
		if err != nil {
			return err
		}
		serve := docsFile(name, raw, policy)
		s.router.Get(docsPath+"/"+name, serve)
		if name == "index.html" {
			for _, p := range []string{docsPath, docsPath + "/", docsPath + "/index.html", redocPath} {
				s.public[p] = true
				s.router.Get(p, serve)
			}
		}
	}
	return nil
}

// docsFile serves one file, as it is kept to who takes it so.
func docsFile(name string, raw []byte, policy string) http.HandlerFunc {
	kind := mime.TypeByExtension(path.Ext(name))
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", kind)
		h.Set("Content-Security-Policy", policy)
		h.Add("Vary", "Accept-Encoding")
		if name != "index.html" {
			h.Set("Cache-Control", "public, max-age=86400")
		}
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
			_, _ = w.Write(raw)
			return
		}
		_ = expand(w, raw)
	}
}

func expand(w io.Writer, raw []byte) error {
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err == nil {
		_, err = io.Copy(w, z)
	}
	return err
}

var inlineScript = regexp.MustCompile(`(?s)<script>(.*?)</script>`)

// docsPolicy allows the page what it needs and nothing else.
func docsPolicy() (string, error) {
	raw, err := swagger.ReadFile("swagger/index.html" + compressed)
	if err != nil {
		return "", err
	}
	var page bytes.Buffer
	if err := expand(&page, raw); err != nil {
		return "", err
	}
	script := inlineScript.FindSubmatch(page.Bytes())
	if script == nil {
		return "", fmt.Errorf("the page of the Swagger UI has no script of its own in its %d bytes", page.Len())
	}
	digest := sha256.Sum256(script[1])
	return "default-src 'none'; script-src 'self' 'sha256-" + base64.StdEncoding.EncodeToString(digest[:]) + "'; " +
		// The UI sets styles on its elements, which no hash can allow.
		"style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'", nil
}
