package logbook

import "time"

// Filter says which entries are wanted. The zero Filter wants all.
type Filter struct {
	Level       Level // exactly this; "" for any
	ErrorsOnly  bool  // what has to do with an error; Level is then ignored
	NewerThan   uint64
	OlderThan   uint64 // 0 for no bound
	Since       time.Time
	OperationID string
}

func (f *Filter) wants(e *Entry) bool {
	switch {
	case e.Seq <= f.NewerThan, f.OlderThan > 0 && e.Seq >= f.OlderThan,
		!f.Since.IsZero() && !e.Time.After(f.Since),
		f.OperationID != "" && e.OperationID != f.OperationID:
		return false
	case f.ErrorsOnly:
		return e.OfError()
	}
	return f.Level == "" || e.Level == f.Level
}
