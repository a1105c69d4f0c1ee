package domain

// Known is a part of a picture that may not have been readable. The zero
// value is unknown, and unknown is never the same as empty: it clears no
// field, removes no object and downgrades no value (rules.md 6).
type Known[T any] struct {
	Value T
	OK    bool
}

// Is returns a known value.
func Is[T any](v T) Known[T] { return Known[T]{Value: v, OK: true} }

// Else returns what is known, of two readings the first that is.
func (k Known[T]) Else(other Known[T]) Known[T] {
	if k.OK {
		return k
	}
	return other
}

// Or returns the value when it is known, else fallback.
func (k Known[T]) Or(fallback T) T {
	if k.OK {
		return k.Value
	}
	return fallback
}
