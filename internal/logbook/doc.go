// Package logbook keeps the last records of the log in memory, so that they
// can be read over the network: the plugin's page of logs is one reader. What
// is kept has no secrets in it and a bound, and writing to it waits for no
// reader.
package logbook
