package main

import (
	"bytes"
	"os"
	"testing"
)

func TestDocumentationIsUpToDate(t *testing.T) {
	got, err := os.ReadFile("../../../docs/settings.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, render()) {
		t.Error("docs/settings.md is not what the table says: run go generate ./internal/settings")
	}
}
