// Package proxmoxsim is a Proxmox VE in memory, for the demo and for tests that
// need nothing but Go. An [Estate] says what it runs, as plain data that can
// also be given to another fake; a [Server] answers from it in Proxmox's own
// shapes and words, the refusals included. [Demo] makes an estate of any size
// in which every shape occurs that the reader knows.
//
// It passes the suite of internal/proxmox/conformance.
package proxmoxsim
