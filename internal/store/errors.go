package store

import (
	"errors"
	"fmt"
	"strings"
)

// ErrNotFound is returned for a row that is not there.
var ErrNotFound = errors.New("not found")

// ErrClaimed is returned by Keys.Claim when the first key was registered
// already, whatever became of it since.
var ErrClaimed = errors.New("an API key was registered already")

// ErrLastActiveKey is returned when the last active API key would be removed
// or deactivated: nobody could use the service any more.
var ErrLastActiveKey = errors.New("this is the last active API key; create another one first")

// ConflictError is a change that another row stands in the way of.
type ConflictError struct {
	Field  string // as on the wire
	Value  string
	ID     int // of the row in the way; 0 when it is no one row
	Reason string
	WayOut string
}

func (e *ConflictError) Error() string { return e.Reason + ". " + e.WayOut }

// InvalidError is a value that cannot be taken.
type InvalidError struct {
	Field  string // as on the wire
	Reason string // continues the field's name: "must be between 1 and 65535"
	WayOut string
}

func (e *InvalidError) Error() string {
	msg := e.Field + " " + e.Reason
	if e.WayOut != "" {
		msg += ". " + e.WayOut
	}
	return msg
}

// WrongKeyError is an encryption key that does not open what is stored.
type WrongKeyError struct {
	Path   string   // of the database
	Values []string // what cannot be opened: "password of the Proxmox endpoint px1"
}

func (e *WrongKeyError) Error() string {
	return fmt.Sprintf("the encryption key does not open what %s holds (%s). "+
		"Give the key that was used before, in PROXBOX_ENCRYPTION_KEY or PROXBOX_ENCRYPTION_KEY_FILE, "+
		"or put the key file back into the data directory. "+
		"If that key is lost, move the database away: a new one is made at the next start, "+
		"and the endpoints and API keys have to be entered again",
		e.Path, strings.Join(e.Values, ", "))
}

// NewerError is a database that a newer release of the program has changed.
type NewerError struct {
	Path           string
	Version, Known int64 // of the schema: the database's, and this program's newest
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("%s has schema %d, and this release knows only up to %d. "+
		"Use the release that changed it or a newer one, or restore the database from a backup", e.Path, e.Version, e.Known)
}
