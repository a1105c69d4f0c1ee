// Genapi writes the OpenAPI document that the handlers make.
package main

import (
	"log"
	"os"

	"proxbox/internal/server"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: genapi FILE")
	}
	document, err := server.Document()
	if err == nil {
		err = os.WriteFile(os.Args[1], document, 0o644)
	}
	if err != nil {
		log.Fatal(err)
	}
}
