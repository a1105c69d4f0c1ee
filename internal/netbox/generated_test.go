package netbox

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestGeneratedClientIsNotLinked keeps go-netbox's generated API client out of
// the binary: html/template makes the linker keep every method of every type
// that is named, and with APIClient that is 43 MB. It also keeps go-netbox in
// this one package.
func TestGeneratedClientIsNotLinked(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	files, uses := 0, 0
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); path != root && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "testdata") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		files++
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil // the compiler says it better
		}
		for _, spec := range file.Imports {
			imported, _ := strconv.Unquote(spec.Path.Value)
			if !strings.HasPrefix(imported, "github.com/netbox-community/go-netbox") {
				continue
			}
			uses++
			if filepath.Dir(path) != filepath.Join(root, "internal", "netbox") {
				t.Errorf("%s imports go-netbox", path)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok && strings.Contains(id.Name, "API"+"Client") {
					t.Errorf("%s names %s", fset.Position(id.Pos()), id.Name)
				}
				return true
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 10 || uses == 0 {
		t.Errorf("looked at %d files with %d imports of go-netbox: this is not the module", files, uses)
	}
}
