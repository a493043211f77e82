package store

import (
	"slices"
	"strings"

	"github.com/parley-api/parley/internal/query"
)

// Entry says what the records of a collection come to where all records look alike: as entries of feeds and calendars, as
// citations, as linked data.
type Entry struct {
	// Type is what schema.org calls such a record; SQL, for the records of one collection need not all be the same.
	Type string
	// Parts is the SQL of those parts of an entry that no column of the same name shows as it is.
	Parts map[string]string
	// Terms are the properties that schema.org has for such records beyond those parts. Their names are its own.
	Terms []Column
}

// parts are what an entry is made of, of all collections together. What a collection has no column for is null.
var parts = []query.Field{
	{Name: "type", Type: query.Text},
	{Name: "id", Type: query.Text},
	{Name: "url", Type: query.Link},   // of the record
	{Name: "uid", Type: query.Text},   // of a happening, in calendars
	{Name: "title", Type: query.Text}, // in a line
	{Name: "summary", Type: query.Text},
	{Name: "starts_on", Type: query.Date},
	{Name: "ends_on", Type: query.Date},
	{Name: "due_on", Type: query.Date},
	{Name: "started_at", Type: query.Time},
	{Name: "ended_at", Type: query.Time},
	{Name: "status", Type: query.Text},
	{Name: "venue", Type: query.Text},
	{Name: "place", Type: query.Text},
	{Name: "country", Type: query.Text},
	{Name: "lat", Type: query.Number},
	{Name: "lon", Type: query.Number},
	{Name: "place_precision", Type: query.Text},
	{Name: "figures", Type: query.Objects}, // numbers that it is about: see talks.EventFigure
	{Name: "sources", Type: query.Objects},
	{Name: "reports", Type: query.Objects},
	{Name: "voice", Type: query.Text},     // whose number the record is
	{Name: "said_by", Type: query.Text},   // who said it
	{Name: "author", Type: query.Text},    // of a changeset
	{Name: "publisher", Type: query.Text}, // of a page
	{Name: "page", Type: query.Text},      // its address
	{Name: "language", Type: query.Text},
	{Name: "revision", Type: query.Integer},
	{Name: "recorded_at", Type: query.Time},
}

// entry selects for the forms in which all records look alike.
func (t *Table) entry() selection {
	var s selection
	for _, p := range parts {
		if sql := t.part(p); sql != "" {
			s.add(p, sql)
		}
	}
	for i := range t.Entry.Terms {
		c := &t.Entry.Terms[i]
		s.add(query.Field{Name: "schema:" + c.Name, Type: c.Type}, c.shown())
	}
	return s
}

// EntryShape is the parts of the collection's entries; nil: it has none.
func (t *Table) EntryShape() Shape {
	if t.Entry == nil {
		return nil
	}
	return t.selection(Entries, assembled, nil).shape
}

// part is the SQL of a part of an entry; "": there is none.
func (t *Table) part(p query.Field) string {
	if p.Name == "type" {
		return t.Entry.Type
	}
	if sql := t.Entry.Parts[p.Name]; sql != "" {
		return sql
	}
	i := slices.IndexFunc(t.Column, func(c Column) bool { return c.Name == p.Name && !c.Hidden && !c.OfRow })
	if i < 0 {
		return ""
	}
	return t.Column[i].shown()
}

// happening is the Type of what happened on a day.
const happening = "'Event'"

// figuresOf are the numbers that a record is about, as the timeline has them.
func figuresOf(collection string) string {
	return `array_to_json(array(select f from (select f.from_party as "from", f.to_party as "to", f.value, f.qualifier, f.unit
		from event_figures f where f.collection = '` + collection + `' and f.record = x.id order by f.position) f))`
}

// links is a term whose values are records of a collection, by a table of parts.
func links(term, collection, table, column, record string) Column {
	return Column{Name: term, Type: query.Links, Show: "array(select '" + collection + "/' || l." + column + " from " + table + " l where l." + record + " = x.id order by l.position)"}
}

// link is a term whose value is one record of a collection; null where there is none.
func link(term, collection, sql string) Column {
	return Column{Name: term, Type: query.Link, Show: "'" + collection + "/' || " + sql}
}

// schemaWord is a term whose values are words of schema.org, by our own.
func schemaWord(term, sql string, words ...string) Column {
	var b strings.Builder
	for i := 0; i < len(words); i += 2 {
		b.WriteString(" when '" + words[i] + "' then 'https://schema.org/" + words[i+1] + "'")
	}
	return Column{Name: term, Type: query.Text, Show: "(case " + sql + b.String() + " end)"}
}
