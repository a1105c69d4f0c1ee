package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"

	swaggerfiles "github.com/swaggo/files/v2"
	httpSwagger "github.com/swaggo/http-swagger/v2"
)

const docsPath = "/docs"

// docsFiles are what the page loads, all from here.
var docsFiles = []string{"swagger-ui.css", "swagger-ui-bundle.js", "swagger-ui-standalone-preset.js", "favicon-16x16.png", "favicon-32x32.png"}

// docsRoutes serves the Swagger UI at /docs and below. The page is made once:
// its links are absolute, so that it needs no redirect to /docs/, and its one
// script of its own is allowed by its hash alone.
func (s *Server) docsRoutes() error {
	page, err := docsPage()
	if err != nil {
		return err
	}
	policy := docsPolicy(page)
	serve := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", policy)
		_, _ = w.Write(page)
	}
	for _, path := range []string{docsPath, docsPath + "/", docsPath + "/index.html"} {
		s.public[path] = true
		s.router.Get(path, serve)
	}
	for _, name := range docsFiles {
		s.router.Get(docsPath+"/"+name, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy", policy)
			w.Header().Set("Cache-Control", "public, max-age=86400")
			http.ServeFileFS(w, r, swaggerfiles.FS, name)
		})
	}
	return nil
}

func docsPage() ([]byte, error) {
	r, err := http.NewRequest(http.MethodGet, docsPath+"/index.html", nil)
	if err != nil {
		return nil, err
	}
	r.RequestURI = r.URL.Path
	page := &pageWriter{header: http.Header{}}
	httpSwagger.Handler(httpSwagger.URL(documentPath), httpSwagger.DocExpansion("none"), httpSwagger.PersistAuthorization(false))(page, r)
	out := bytes.ReplaceAll(page.Bytes(), []byte(`"./`), []byte(`"`+docsPath+`/`))
	if !inlineScript.Match(out) {
		return nil, fmt.Errorf("the page of the Swagger UI is not what it was: %d bytes", len(out))
	}
	return bytes.Replace(out, []byte("<title>Swagger UI</title>"), []byte("<title>proxbox-api</title>"), 1), nil
}

// pageWriter keeps what a handler writes.
type pageWriter struct {
	bytes.Buffer
	header http.Header
}

// Header implements http.ResponseWriter.
func (p *pageWriter) Header() http.Header { return p.header }

// WriteHeader implements http.ResponseWriter.
func (p *pageWriter) WriteHeader(int) {}

var inlineScript = regexp.MustCompile(`(?s)<script>(.*?)</script>`)

func docsPolicy(page []byte) string {
	digest := sha256.Sum256(inlineScript.FindSubmatch(page)[1])
	return "default-src 'none'; script-src 'self' 'sha256-" + base64.StdEncoding.EncodeToString(digest[:]) + "'; " +
		// The UI sets styles on its elements, which no hash can allow.
		"style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
}
