package render

import (
	"strconv"
	"strings"
	"time"

	"github.com/parley-api/parley/internal/query"
)

// Catalogue is the data set as a whole at a revision: what its descriptions are made of.
type Catalogue struct {
	Meta
	Base        string // what addresses begin with: "https://example.org/v1/"
	From, To    string // the days that records run from and to; "": none are on record
	Collections []Catalogued
}

// Catalogued is a collection in a catalogue.
type Catalogued struct {
	Name     string
	About    string
	From, To string        // as in Catalogue
	Columns  []query.Field // of its CSV
	Single   bool          // a record is one row of CSV
	Forms    []*Form       // of its lists
}

const (
	catalogueTitle = "Parley: negotiations and their humanitarian results"
	catalogueAbout = "Rounds of talks, delegations, proposals, commitments and claims; exchanges of prisoners and repatriations of bodies; " +
		"published totals; and for every figure each value that someone gave for it, with the source."
)

// home is the address of the index.
func (c *Catalogue) home() string { return strings.TrimSuffix(c.Base, "/") }

// address is that of a collection in a form, pinned to the revision: what is said of it here is true of it for ever.
func (c *Catalogue) address(collection, form string) string {
	return c.Base + collection + "." + form + "?as_of=" + strconv.FormatInt(c.Revision, 10)
}

// updated is when the revision was recorded; "" before the first.
func (c *Catalogue) updated() string {
	if c.AsOf == nil {
		return ""
	}
	return c.AsOf.UTC().Format(time.RFC3339Nano)
}

// span is an interval of days; "" where no records are.
func span(from, to string) string {
	if from == "" || to == "" {
		return ""
	}
	return from + "/" + to
}
