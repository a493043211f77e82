package query

import "slices"

// Type says what the values of a field are, how they are written in a filter, and how they are rendered.
type Type uint8

// The types of fields. In a filter Text, Enum, Texts and Boolean compare by equality; Integer, Number, Date, Time,
// LocalTime and Scalar also by range. Prose, Link, Object and Objects are shown, but not compared.
const (
	Text    Type = iota // a short text: identifiers, names
	Enum                // one of Field.Values
	Integer             // a count, up to 64 bits
	Number              // a floating-point number: degrees
	Boolean
	Date      // a day, YYYY-MM-DD
	Time      // an instant, RFC 3339 in UTC
	LocalTime // an instant, RFC 3339 with the offset of the clock that it was read from
	Scalar    // a number or a text, as JSON; a filter compares the number
	Texts     // a list of short texts; a filter asks whether it contains one
	Prose     // a long text, found by q=
	Link      // an address within the API
	Object    // an object, as JSON; null where there is none
	Objects   // a list of objects, as JSON
	Position  // a place in a feed; a filter asks for what comes after it
	Links     // a list of addresses within the API; in entries only
)

// comparable: may a filter compare values of this type?
func (t Type) comparable() bool { return t <= Texts }

// Ranged reports whether filters on the type understand "a..b".
func (t Type) Ranged() bool {
	return t == Integer || t == Number || t == Date || t == Time || t == LocalTime || t == Scalar
}

// Field is a name by which a collection's records are shown, filtered or sorted: the JSON key, the filter, the sort key
// and the header in CSV are the same word.
type Field struct {
	Name     string
	Type     Type
	Values   []string // the values an Enum may have
	Nullable bool     // the value may be unknown: the filters .known and, for dates, the count of undated rows
	Sortable bool
	Hidden   bool // for filters only: no part of the record
	OfRow    bool // a column of the rows of a flat form, and within a list elsewhere
	Keyed    bool // a list of objects with ids: a filter asks whether it contains one
}

// Operators lists the suffixes that filters on the field may have: "", "not", "known".
func (f Field) Operators() []string {
	var ops []string
	if f.Type.comparable() || f.Keyed {
		ops = append(ops, "", "not")
	}
	if f.Type == Position {
		ops = append(ops, "")
	}
	if f.Nullable {
		ops = append(ops, "known")
	}
	return ops
}

// Grammar is what may be asked of one collection.
type Grammar struct {
	Of          string // whose grammar it is: cursors are bound to it
	Fields      []Field
	DefaultSort string // such as "-date"
	Searchable  bool   // q= is understood
	SearchOnly  bool   // q= is required
	Fixed       bool   // asked for in a form whose parts are the same for all: fields= is not understood
	Flat        bool   // asked for in a flat form: fields= may name columns of rows
	Figures     bool   // reported_by= is understood
	Stream      bool   // asked for as a stream of changes: without what only pages and moments have
	Limits      Limits
	Beside      []string // parameters of the address that are read elsewhere: named among those that there are
}

// Limits on the number of records of a page.
type Limits struct{ Default, Max int }

// Field finds a field by its name.
func (g Grammar) Field(name string) (Field, bool) {
	i := slices.IndexFunc(g.Fields, func(f Field) bool { return f.Name == name })
	if i < 0 {
		return Field{}, false
	}
	return g.Fields[i], true
}

// Located reports whether records have places, which bbox= asks for.
func (g Grammar) Located() bool {
	_, lat := g.Field("lat")
	_, lon := g.Field("lon")
	return lat && lon
}

// names returns those of the fields that keep accepts.
func (g Grammar) names(keep func(Field) bool) []string {
	var names []string
	for _, f := range g.Fields {
		if keep(f) {
			names = append(names, f.Name)
		}
	}
	return names
}

// Shown lists the names that fields= may ask for, in the order in which records show them.
func (g Grammar) Shown() []string {
	return g.names(func(f Field) bool { return !f.Hidden || f.OfRow && g.Flat })
}

// SortKeys lists the names that sort= may ask for.
func (g Grammar) SortKeys() []string { return g.names(func(f Field) bool { return f.Sortable }) }

// controls are the parameters of a list that are no filters.
func (g Grammar) controls() []string {
	names := []string{"sort", "limit", "cursor", "as_of", "min_revision"}
	if !g.Fixed {
		names = append(names, "fields")
	}
	names = append(names, "total_count")
	if g.Stream {
		names = []string{"fields", "min_revision", "snapshot", "last_event_id"}
	}
	if g.Figures {
		names = append(names, "reported_by")
	}
	if g.Searchable {
		names = append(names, "q")
	}
	if g.Located() {
		names = append(names, "bbox")
	}
	return names
}

// recordParameters are those that a single record understands.
func (g Grammar) recordParameters() []string {
	names := []string{"as_of", "min_revision"}
	if !g.Fixed {
		names = append(names, "fields")
	}
	if g.Figures {
		names = append(names, "reported_by")
	}
	return names
}

// TotalsParameters lists every parameter that totals understand: what they are made by, and those of a list that choose
// records.
func (g Grammar) TotalsParameters() []string {
	names := []string{"by", "as_of", "min_revision"}
	for _, name := range g.Parameters() {
		if !slices.Contains([]string{"sort", "limit", "cursor", "as_of", "min_revision", "fields", "total_count"}, name) {
			names = append(names, name)
		}
	}
	return names
}

// Parameters lists every parameter that a list understands: the controls, then the filters with their operators.
func (g Grammar) Parameters() []string {
	names := g.controls()
	for _, f := range g.Fields {
		for _, op := range f.Operators() {
			if op != "" {
				op = "." + op
			}
			names = append(names, f.Name+op)
		}
	}
	return append(names, g.Beside...)
}
