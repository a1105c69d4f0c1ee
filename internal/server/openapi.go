package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// documentRoutes serves the OpenAPI document. It is 3.0, for the Swagger UI
// knows no other, and ready before the first request asks for it.
func (s *Server) documentRoutes() error {
	s.describe(documentPath, "openapi", "This document", "application/json")
	s.describe(docsPath, "docs", "This document, for people", "text/html")
	s.describe(redocPath, "redoc", "The same page", "text/html")
	raw, err := s.api.OpenAPI().Downgrade()
	if err != nil {
		return fmt.Errorf("make the OpenAPI document: %w", err)
	}
	s.document = raw
	s.public[documentPath] = true
	s.router.Get(documentPath, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(s.document)
	})
	return nil
}

// describe adds a public route that is not made by a handler of types.
func (s *Server) describe(path, id, summary, contentType string) {
	s.api.OpenAPI().AddOperation(&huma.Operation{Method: http.MethodGet, Path: path, OperationID: id, Summary: summary, Tags: []string{"service"},
		Security: []map[string][]string{}, Responses: map[string]*huma.Response{"200": {Description: http.StatusText(http.StatusOK),
			Content: map[string]*huma.MediaType{contentType: {}}}}})
}

const documentPath = "/openapi.json"

// Document is the OpenAPI document of the service, for people to read.
func Document() ([]byte, error) {
	s := newServer()
	defer s.close()
	if err := s.routes(); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, s.document, "", "  "); err != nil {
		return nil, fmt.Errorf("make the OpenAPI document: %w", err)
	}
	return append(out.Bytes(), '\n'), nil
}
