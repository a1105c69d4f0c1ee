package store

import "encoding/json"

// Optional is a field of a change: not given (the zero value), given as null,
// or given a value. In JSON a field that is absent is not given.
type Optional[T any] struct {
	Given bool
	Null  bool // Value is then zero
	Value T
}

// To is a field that is given a value.
func To[T any](v T) Optional[T] { return Optional[T]{Given: true, Value: v} }

// Null is a field that is given as null.
func Null[T any]() Optional[T] { return Optional[T]{Given: true, Null: true} }

// UnmarshalJSON implements json.Unmarshaler.
func (o *Optional[T]) UnmarshalJSON(raw []byte) error {
	if string(raw) == "null" {
		*o = Null[T]()
		return nil
	}
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		return err
	}
	*o = To(v)
	return nil
}

// replace sets a field that may be empty: null empties it.
func (o Optional[T]) replace(field *T) {
	if o.Given {
		*field = o.Value
	}
}

// fill sets a field that cannot be empty: null leaves it as it is.
func (o Optional[T]) fill(field *T) {
	if o.Given && !o.Null {
		*field = o.Value
	}
}
