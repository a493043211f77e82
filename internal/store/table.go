package store

import (
	"slices"
	"strings"
	"sync"

	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/talks"
)

// Table is a collection whole: what its records show, where each value comes from, and what may be asked of it. It is a
// plain value; everything that serves collections is a function over it.
type Table struct {
	Name    string   // as in the URL: "prisoner-exchanges"
	About   string   // one sentence for the index
	Record  any      // the zero value of the type in package talks that describes a record
	Base    string   // the table in the database, which keeps its history; "": none
	From    string   // what records are selected from, under the alias x; "": from the table
	Column  []Column // in the order in which records show them
	Sort    string   // default order, such as "-date"
	Search  Search   // how q= searches; zero: not at all
	Rows    *Rows    // flat forms have several rows a record; nil: one
	Covers  bool     // meta.coverage speaks of the collection
	Figures bool     // records have figures, which may be shown as one party reported them
	Kept    []string // the columns that are kept as they are shown: see Keep
	Shows   []string // collections of whose records, other ones of its own too, these show something or are filtered by it; nil: it may be any
	Steady  []string // filters that need no other plan, whatever they are given, where records are in the default order: no index knows them
	Entry   *Entry   // what records come to in feeds, calendars and citations; nil: they come in none
	Try     []string // queries worth pasting, for the index

	// Affected is SQL for the ids of the records that a changeset may have changed without writing them: those that show
	// something of the records {ids} of another collection, or are filtered by it, by that collection; and under "", those that
	// changeset $1 may have changed, whatever it wrote. What is found as of the revision before and as of its own counts.
	Affected map[string]string
}

// Column is one name of a collection's vocabulary. SQL expressions refer to the record as x.
type Column struct {
	Name     string
	Type     query.Type
	SQL      string   // what is shown, filtered and sorted by
	Show     string   // what is shown, where it is not the same
	Flat     string   // what flat forms show instead: an array of texts, or a text
	Within   string   // a condition that holds the one on SQL: "exists (select from … where … and %s)"
	Until    string   // the last day of a span that begins on SQL; a filter matches every span that it overlaps
	Equals   string   // the condition that it is one of the texts %s; "": SQL and an operator
	Cast     string   // the enumeration in the database that filters compare with
	Values   []string // the enumeration's values
	Nullable bool
	Sortable bool
	Hidden   bool // for filters only
	Keyed    bool // a list of objects that a filter looks into by id
	OfRow    bool // a column of Rows: nothing of its own in JSON, a column in flat forms
}

// Search is how full-text search looks at a collection. In SQL, {q} stands for the query as a tsquery.
type Search struct {
	Config []string // text search configurations, of which any may understand the query; none: it is not searched
	Where  string   // condition; "": that the vector matches
	Vector string   // what is ranked; "": x.search
	Only   bool     // nothing is listed without a query
}

func (s Search) vector() string {
	if s.Vector != "" {
		return s.Vector
	}
	return "x.search"
}

func (s Search) where() string {
	if s.Where != "" {
		return s.Where
	}
	return s.vector() + " @@ {q}"
}

// english and names are the usual searches: of prose, and of names and titles in many languages.
var (
	english = Search{Config: []string{"parley_english"}}
	names   = Search{Config: []string{"parley_simple"}}
)

// Rows makes a flat form tidy: a row for each element of a nested list, the record's own columns repeated.
type Rows struct {
	Of   string // the name of the nested list that the rows replace
	Join string // "left join … t on …"; "" where the record has one such element and its columns
	Sort string // the order of the rows within a record
}

func (t *Table) from() string {
	if t.From != "" {
		return t.From
	}
	return t.Base + " x"
}

// Grammar is what may be asked of the collection's lists.
func (t *Table) Grammar() query.Grammar {
	g := query.Grammar{
		Of:          t.Name,
		DefaultSort: t.Sort,
		Searchable:  t.Search.Config != nil,
		SearchOnly:  t.Search.Only,
		Figures:     t.Figures,
		Limits:      query.Limits{Default: 100, Max: 1000},
	}
	for _, c := range t.Column {
		g.Fields = append(g.Fields, c.field())
	}
	return g
}

func (c *Column) field() query.Field {
	return query.Field{
		Name:     c.Name,
		Type:     c.Type,
		Values:   c.Values,
		Nullable: c.Nullable,
		Sortable: c.Sortable,
		Hidden:   c.Hidden || c.OfRow,
		OfRow:    c.OfRow,
		Keyed:    c.Keyed,
	}
}

// Shape is the columns of an answer: what a renderer needs to know of the rows.
type Shape []query.Field

// Names are the names of the columns.
func (s Shape) Names() []string {
	names := make([]string, len(s))
	for i, f := range s {
		names[i] = f.Name
	}
	return names
}

// use says what an answer makes of what is kept.
type use int

const (
	assembled use = iota // nothing: all is put together from its rows
	mixed                // what does not hold is put together from its rows
	kept                 // only what holds is shown
)

// selection is the columns of an answer with their SQL.
type selection struct {
	shape Shape
	list  string // the SQL
	join  string // " left join …" to what is kept; "": nothing of that is shown
	use   use

	statements *sync.Map // with all columns, by what follows the selection; nil: of such a selection none are remembered
}

func (s *selection) add(f query.Field, expr string) {
	s.shape = append(s.shape, f)
	if s.list != "" {
		s.list += ", "
	}
	s.list += expr
}

// holds is SQL for whether the record can be shown as selected.
func (s *selection) holds() string {
	if s.use == kept && s.join != "" {
		return "k.id is not null"
	}
	return "true"
}

// choice is what a selection of all columns depends on.
type choice struct {
	table string
	form  Form
	use   use
}

// selections are the selections of all columns, by choice, once they are made.
var selections sync.Map

// selection selects columns; nil: all.
func (t *Table) selection(form Form, u use, fields []string) selection {
	c := choice{t.Name, form, u}
	if fields == nil {
		if s, ok := selections.Load(c); ok {
			return s.(selection) //nolint:forcetypeassert // stored below
		}
	}
	var s selection
	switch form {
	case Flat:
		s = t.flat(fields)
	case Entries:
		s = t.entry()
	default:
		s = t.nested(fields, u)
	}
	if fields == nil {
		s.statements = new(sync.Map)
		selections.Store(c, s)
	}
	return s
}

// statement is the text of a statement with the selection, which is written once for each of few ends: it is long.
func (s *selection) statement(end string, write func() string) string {
	if s.statements == nil {
		return write()
	}
	if text, ok := s.statements.Load(end); ok {
		return text.(string) //nolint:forcetypeassert // stored below
	}
	text := write()
	s.statements.Store(end, text)
	return text
}

// nested selects for the forms that nest: JSON.
func (t *Table) nested(fields []string, u use) selection {
	s := selection{use: u}
	for i := range t.Column {
		c := &t.Column[i]
		switch {
		case c.Hidden || c.OfRow || fields != nil && !slices.Contains(fields, c.Name):
		case u != assembled && slices.Contains(t.Kept, c.Name):
			s.join = t.keptJoin()
			s.add(c.field(), c.kept(u))
		default:
			s.add(c.field(), c.shown())
		}
	}
	return s
}

// flat selects for the forms that are tables: CSV. Nested objects are left out unless asked for by name; the nested
// list that makes the rows is replaced by the columns of its elements.
func (t *Table) flat(fields []string) selection {
	var s selection
	for i := range t.Column {
		c := &t.Column[i]
		replaced := t.Rows != nil && c.Name == t.Rows.Of
		asked := fields == nil || slices.Contains(fields, c.Name) || c.OfRow && slices.Contains(fields, t.Rows.Of)
		if c.Hidden || replaced || !asked {
			continue
		}
		f := c.field()
		switch {
		case c.Flat != "":
			f.Type = query.Text
			if c.Type == query.Objects {
				f.Type = query.Texts
			}
			s.add(f, c.Flat)
		case fields != nil || c.Type != query.Object && c.Type != query.Objects:
			s.add(f, c.shown())
		}
	}
	return s
}

func (c *Column) shown() string {
	if c.Show != "" {
		return c.Show
	}
	return c.SQL
}

// column finds a column by name.
func (t *Table) column(name string) *Column {
	i := slices.IndexFunc(t.Column, func(c Column) bool { return c.Name == name })
	return &t.Column[i]
}

// columns joins single columns and groups of them into one list.
func columns(parts ...any) []Column {
	var all []Column
	for _, p := range parts {
		switch p := p.(type) {
		case Column:
			all = append(all, p)
		case []Column:
			all = append(all, p...)
		}
	}
	return all
}

// The groups of columns below are those that several collections share. {x} stands for the column by which the tables
// of parts name their record.

func identity(collection string) []Column {
	return []Column{
		{Name: "id", Type: query.Text, SQL: "x.id", Sortable: true},
		{Name: "url", Type: query.Link, Show: "'" + collection + "/' || x.id"},
	}
}

// provenance ends every record: where it is from, and when it was last changed.
func provenance(record string) []Column {
	return append([]Column{cited(record), reported(record)}, recorded()...)
}

// figure is a count with its bounds and its standing: see [talks.Figure].
func figure(name, sql string) []Column {
	return []Column{
		{Name: name, Type: query.Integer, SQL: sql, Nullable: true},
		{Name: name + "_low", Type: query.Integer, SQL: sql + "_low", Nullable: true},
		{Name: name + "_high", Type: query.Integer, SQL: sql + "_high", Nullable: true},
		{Name: name + "_status", Type: query.Enum, SQL: sql + "_status", Cast: "figure_status", Values: talks.FigureStatuses},
	}
}

// figureKeys selects a figure for a nested object.
func figureKeys(alias string, names ...string) string {
	var keys []string
	for _, name := range names {
		for _, suffix := range []string{"", "_low", "_high", "_status"} {
			keys = append(keys, alias+"."+name+suffix)
		}
	}
	return strings.Join(keys, ", ")
}

// disputed is the filter for records that have a disputed figure, which the condition finds.
func disputed(condition string) Column {
	return Column{Name: "disputed", Type: query.Boolean, SQL: condition, Hidden: true}
}

// figuresFrom says whose figures a record shows.
func figuresFrom() Column {
	return Column{Name: "figures_from", Type: query.Prose, Show: "nullif(current_setting('parley.reported_by', true), '')"}
}

func recorded() []Column {
	return []Column{
		{Name: "revision", Type: query.Integer, SQL: "x.revision", Sortable: true},
		{Name: "recorded_at", Type: query.Time, SQL: "(select c.recorded_at from changesets c where c.id = x.revision)"},
	}
}

// cited is the list of sources of a record whose citations stand in the table record_sources.
func cited(record string) Column {
	return Column{
		Name:   "sources",
		Type:   query.Objects,
		Keyed:  true,
		SQL:    "l.source",
		Within: of(record, "exists (select from {x}_sources l where l.{x} = x.id and %s)"),
		Show: of(record, `array_to_json(array(select s from (
			select s.id, s.publisher, s.url, s.published_on from {x}_sources l join sources s on s.id = l.source where l.{x} = x.id order by l.position) s))`),
		Flat: of(record, "array(select l.source::text from {x}_sources l where l.{x} = x.id order by l.position)"),
	}
}

// reportColumns are the keys of a nested report r.
const reportColumns = `r.field, coalesce(to_json(r.value_number), to_json(r.value_text)) as value, r.qualifier, r.party,
			coalesce(r.said_by_person, r.said_by_name) as said_by, r.source, r.note`

// reported is the list of reports on a record's figures; collections without figures of their own have none.
func reported(record string) Column {
	c := Column{Name: "reports", Type: query.Objects, Show: "'[]'::json"}
	switch record {
	case "round", "commitment", "prisoner_exchange", "body_repatriation":
		c.Show = of(record, `array_to_json(array(select r from (
			select `+reportColumns+` from reports r where r.{x} = x.id order by r.position) r))`)
	}
	return c
}

// citing is SQL for the records that cite some sources, citedIn for the sources that some records cite.
func citing(record string) string {
	return of(record, "select l.{x} from {x}_sources l where l.source = {ids}")
}

func citedIn(record string) string {
	return of(record, "select l.source from {x}_sources l where l.{x} = {ids}")
}

// linked is a list of texts that stand in a table of parts; enum is their type in the database, if it is an enumeration.
func linked(name, table, column, record, enum string) Column {
	return Column{
		Name:   name,
		Type:   query.Texts,
		SQL:    "l." + column,
		Within: "exists (select from " + table + " l where l." + record + " = x.id and %s)",
		Show:   "array(select l." + column + "::text from " + table + " l where l." + record + " = x.id order by l.position)",
		Cast:   enum,
	}
}

func of(record, sql string) string { return strings.ReplaceAll(sql, "{x}", record) }

// among makes the texts of a list come from a fixed set.
func (c Column) among(values []string) Column {
	c.Values = values
	return c
}
