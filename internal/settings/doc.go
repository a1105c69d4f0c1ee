// Package settings declares every setting of the program in one table (see
// table.go) and finds its value: the environment's, else the plugin's, else
// the program's own default.
//
// A setting is a Key of its type; NetBoxTimeout.In(values) is a
// time.Duration. A value always knows where it came from.
//
// The plugin sends every one of its settings with every run, whether somebody
// chose it or not. So a value that is the plugin's own default counts as not
// set.
package settings

//go:generate go run ./gendoc ../../docs/settings.md
