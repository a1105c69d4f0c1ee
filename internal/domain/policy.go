package domain

// Policy says what a run may do with objects of a kind.
type Policy int

const (
	// Sync makes, changes and removes them.
	Sync Policy = iota
	// Bootstrap makes them with the tag bootstrap-only, and leaves alone what
	// carries it.
	Bootstrap
	// Leave does nothing to them; what NetBox has is used.
	Leave
)
