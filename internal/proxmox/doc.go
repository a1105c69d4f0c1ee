// Package proxmox is the read side: it takes a Snapshot of what one Proxmox VE
// endpoint runs, and passes single reads through.
//
// Every request goes through one transport that refuses to write (ErrReadOnly)
// and that turns every answer other than success into a *StatusError, so that
// a dead node never reads as an empty one. What could not be read stays
// unknown in the Snapshot and is named in its Problems.
package proxmox
