// Package migrations holds the schema of the database as the steps that lead
// to it. A step that was ever released is never changed again; what has to be
// different comes in a new one.
package migrations

import "embed"

// Files are the steps, in goose's form, in the order of their names.
//
//go:embed *.sql
var Files embed.FS
