package domain

import (
	"cmp"
	"iter"
	"maps"
	"slices"
)

// Inventory is what NetBox has, as far as the program needs to know it.
type Inventory struct {
	Release string // of NetBox, "4.7.3"
	tables  map[Kind]*Table
}

// Table holds the rows of one kind.
type Table struct {
	Kind Kind
	// Unknown is why the rows could not be read to the last one; nothing of
	// the kind, nor what hangs on it, is created on an unknown table.
	Unknown error
	// Absent is true when this NetBox has no such kind (an older release, or
	// no plugin).
	Absent bool
	// Marked holds the ids of the rows that carry the tag proxbox, where the
	// tags themselves are not among the fields that are read.
	Marked map[int]bool
	rows   map[int]*Row
}

// NewInventory returns an empty inventory.
func NewInventory(release string) *Inventory {
	return &Inventory{Release: release, tables: map[Kind]*Table{}}
}

// Table returns the table of a kind; one that was never read is Absent.
func (inv *Inventory) Table(kind Kind) *Table {
	if t, ok := inv.tables[kind]; ok {
		return t
	}
	return &Table{Kind: kind, Absent: true}
}

// Set replaces the table of a kind.
func (inv *Inventory) Set(t *Table) { inv.tables[t.Kind] = t }

// Kinds returns the kinds that were read, sorted.
func (inv *Inventory) Kinds() []Kind { return slices.Sorted(maps.Keys(inv.tables)) }

// NewTable returns a table of the rows given.
func NewTable(kind Kind, rows ...*Row) *Table {
	t := &Table{Kind: kind, rows: make(map[int]*Row, len(rows))}
	for _, r := range rows {
		t.rows[r.ID] = r
	}
	return t
}

// Get returns the row of an id, or nil.
func (t *Table) Get(id int) *Row { return t.rows[id] }

// Len is the number of rows.
func (t *Table) Len() int { return len(t.rows) }

// Put adds a row or replaces the one with its id.
func (t *Table) Put(r *Row) {
	if t.rows == nil {
		t.rows = map[int]*Row{}
	}
	t.rows[r.ID] = r
}

// Mark says that a row carries the tag proxbox.
func (t *Table) Mark(id int) {
	if t.Marked == nil {
		t.Marked = map[int]bool{}
	}
	t.Marked[id] = true
}

// Delete forgets a row.
func (t *Table) Delete(id int) { delete(t.rows, id) }

// Rows returns the rows in the order of their ids.
func (t *Table) Rows() iter.Seq[*Row] {
	ids := slices.SortedFunc(maps.Keys(t.rows), cmp.Compare[int])
	return func(yield func(*Row) bool) {
		for _, id := range ids {
			if !yield(t.rows[id]) {
				return
			}
		}
	}
}

// Row returns the row that a resolved reference points at, or nil.
func (inv *Inventory) Row(ref Ref) *Row {
	if ref.ID == 0 {
		return nil
	}
	return inv.Table(ref.Kind).Get(ref.ID)
}
