// Gendocs writes the files of the Swagger UI that the service has at /docs.
// The packages that bring them hold eight megabytes of which the page needs
// half of one, and more code than all the rest of the service: so they are
// linked here and not there.
package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	swaggerfiles "github.com/swaggo/files/v2"
	httpSwagger "github.com/swaggo/http-swagger/v2"
)

func main() {
	if len(os.Args) < 4 {
		log.Fatal("usage: gendocs DIRECTORY PAGE DOCUMENT FILE...")
	}
	if err := write(os.Args[1], os.Args[2], os.Args[3], os.Args[4:]); err != nil {
		log.Fatal(err)
	}
}

// write makes the page, whose links are absolute below its path, and
// compresses what it loads.
func write(dir, path, document string, files []string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	r := httptest.NewRequest(http.MethodGet, path+"/index.html", nil)
	w := httptest.NewRecorder()
	httpSwagger.Handler(httpSwagger.URL(document), httpSwagger.DocExpansion("none"), httpSwagger.PersistAuthorization(false))(w, r)
	page := w.Body.Bytes()
	title := []byte("<title>Swagger UI</title>")
	if w.Code != http.StatusOK || !bytes.Contains(page, title) {
		return fmt.Errorf("the page of the Swagger UI is not what it was: %d, %d bytes", w.Code, len(page))
	}
	page = bytes.ReplaceAll(page, []byte(`"./`), []byte(`"`+path+`/`))
	page = bytes.Replace(page, title, []byte("<title>proxbox-api</title>"), 1)
	if err := keep(filepath.Join(dir, "index.html.gz"), page); err != nil {
		return err
	}
	for _, name := range files {
		raw, err := fs.ReadFile(swaggerfiles.FS, name)
		if err == nil {
			err = keep(filepath.Join(dir, name+".gz"), raw)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// keep writes a compressed file, unless one with this content is there: two
// releases of Go may compress differently.
func keep(path string, raw []byte) error {
	old, err := expanded(path)
	if err == nil && bytes.Equal(old, raw) {
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write(raw); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

func expanded(path string) ([]byte, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}
