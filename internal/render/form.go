package render

import (
	"slices"

	"github.com/parley-api/parley/internal/query"
)

// Forms are the representations that there are, the one that comes unless another is asked for first. Each is a file of
// this package and a line here; nothing else knows them by name.
var Forms = []*Form{JSON, CSV, NDJSON, Parquet, GeoJSON, JSONLD, Atom, JSONFeed, ICS, Bib, CSL, SSE}

// Form is a representation of answers.
type Form struct {
	Name     string                   // and extension: "csv", "csl.json"
	Media    string                   // type/subtype, by which Accept asks for it
	Header   string                   // Content-Type
	About    string                   // what it is good for, in a few words
	Of       Kind                     // the kinds of answers that it can be
	Has      func([]query.Field) bool // tells by its columns whether a collection has the form; nil: all do
	Needs    []string                 // columns that are read also where fields= leaves them out, if the collection has them
	Entry    bool                     // records all look alike: the columns are the parts of entries
	Recent   bool                     // what was recorded last comes first, unless another order is asked for
	Cites    bool                     // a list is not shown but cited, unless its records are sources themselves
	Flat     bool                     // a table of one value a cell, with several rows a record where that is tidy
	Complete bool                     // all of a list, in constant memory, unless limit is given
	Meta     bool                     // answers hold all of their Meta: also what streams otherwise do not ask for
	// File is an answer that readers take parts of: it has a length, a strong validator and byte ranges, and is never
	// compressed on its way. What it says of itself stands at its end: Begin appends nothing.
	File   bool
	Object bool                    // a record by itself is its JSON object, to which members may be added
	Live   bool                    // it does not end: a stream of changes
	New    func(s Subject) Encoder // of one answer; nil for a stream
}

// RecentFirst is the order, as sort= has it, in which what was recorded last comes first.
const RecentFirst = "-revision"

// Kind is what an answer is: [Lists], [Records] or [Totals]; or a set of these.
type Kind uint8

// The kinds of answers.
const (
	Lists   Kind = 1 << iota // of records
	Records                  // a single one
	Totals                   // sums over the records of a list
)

// Names lists the kinds of a set for people.
func (k Kind) Names() []string {
	var names []string
	for _, one := range []struct {
		kind Kind
		name string
	}{{Lists, "lists"}, {Records, "records"}, {Totals, "totals"}} {
		if k&one.kind != 0 {
			names = append(names, one.name)
		}
	}
	return names
}

// Fits reports whether answers of a kind from a collection have the form: one with these columns, hidden ones included, and
// these parts of entries.
func (f *Form) Fits(k Kind, columns, entry []query.Field) bool {
	if f.Entry {
		columns = entry
	}
	entries := !f.Entry || entry != nil || f.Cites && k&Records == 0 // a query is cited whatever its records come to
	return entries && f.Of&k != 0 && (f.Has == nil || f.Has(columns))
}

// Subject is what an answer is about: all that is known of it before anything is read.
type Subject struct {
	Kind       Kind
	Collection string        // "prisoner-exchanges"
	Of         string        // what it is of, where that is not the collection: "totals of prisoner-exchanges"
	About      string        // the collection in a sentence
	Columns    []query.Field // of the values that come
	Fields     []string      // what fields= asked for; nil: all. Other columns are there because the form needs them
	Base       string        // what the addresses of records begin with: "https://example.org/v1/"
	Address    string        // of the answer

	record string // the title of the one record, once that has come
}

// has reports whether there is a column of a name.
func has(columns []query.Field, name string) bool {
	return slices.ContainsFunc(columns, func(f query.Field) bool { return f.Name == name })
}

// Column is the index of a column, -1 if the answer does not have it.
func (s *Subject) Column(name string) int {
	return slices.IndexFunc(s.Columns, func(f query.Field) bool { return f.Name == name })
}

// Shown reports whether a column was asked for, and is not only there because the form needs it.
func (s *Subject) Shown(i int) bool {
	return s.Fields == nil || slices.Contains(s.Fields, s.Columns[i].Name)
}

// Encoder writes one answer. As append does, its methods append to a slice and return it. They are not called in the order
// in which the answer stands: where it is made in one piece, its beginning is asked for last, when all is known.
//
// What can only be made whole keeps what is added to itself, and appends all of it at the end.
type Encoder interface {
	Begin(b []byte, m Meta) []byte        // what comes before the records; in a stream m.Next is not known yet
	Add(b []byte, values [][]byte) []byte // a record, or a row of a flat form: see Record.Values
	End(b []byte, m Meta) []byte          // what comes after the records
}
