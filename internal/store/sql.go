package store

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/parley-api/parley/internal/query"
)

// statement is an SQL text in the making. Identifiers and expressions come from our tables only; what a client sent
// goes through arg and nowhere else.
type statement struct {
	strings.Builder
	args []any
}

// arg adds a value and returns the placeholder that stands for it.
func (s *statement) arg(value any) string {
	s.args = append(s.args, value)
	return "$" + strconv.Itoa(len(s.args))
}

// where appends the conditions of a list. Conditions on one table of parts must hold for one and the same part: an
// exchange with from=RU and total=300.. is one in which at least 300 came from Russia.
func (s *statement) where(t *Table, l query.List, expected *int64) {
	var conditions, order []string
	parts := map[string][]string{} // by Within
	for _, c := range l.Where {
		column := t.column(c.Field.Name)
		condition := s.asking(t, l, s.condition(column, c))
		switch {
		case column.Within == "":
			conditions = append(conditions, complement(condition, c.Not))
		case c.Not && !column.OfRow:
			conditions = append(conditions, complement(fmt.Sprintf(column.Within, condition), true))
		default:
			if parts[column.Within] == nil {
				order = append(order, column.Within)
			}
			parts[column.Within] = append(parts[column.Within], complement(condition, c.Not))
		}
	}
	for _, within := range order {
		conditions = append(conditions, fmt.Sprintf(within, strings.Join(parts[within], " and ")))
	}
	if l.Box != nil {
		conditions = append(conditions, s.within(t, *l.Box))
	}
	if l.Search != "" {
		conditions = append(conditions, "("+s.asking(t, l, t.Search.where())+")")
	}
	if expected == nil && l.After != nil {
		expected = &l.After.Revision // see Page
	}
	if expected != nil {
		conditions = append(conditions, s.atRevision(*expected))
	}
	if l.After != nil {
		key, cast := s.key(t, l)
		compare := ">"
		if l.Sort.Descending {
			compare = "<"
		}
		conditions = append(conditions, fmt.Sprintf("(%s, x.id) %s (%s::text::%s, %s)", key, compare, s.arg(l.After.Key), cast, s.id(t, l.After.ID)))
	}
	s.conditions(conditions)
}

// within is the condition that a record has a place in a box.
func (s *statement) within(t *Table, b query.Box) string {
	lat, lon := t.column("lat").SQL, t.column("lon").SQL
	joined, antimeridian := "and", ""
	if b.Crosses() {
		joined = "or"
	}
	if b.West == -180 || b.East == 180 { // the same edge, seen from both sides
		antimeridian = " or abs(" + lon + ") = 180"
	}
	return fmt.Sprintf("(%[1]s between %[3]s::float8 and %[4]s::float8 and (%[2]s >= %[5]s::float8 %[7]s %[2]s <= %[6]s::float8%[8]s))",
		lat, lon, s.arg(b.South), s.arg(b.North), s.arg(b.West), s.arg(b.East), joined, antimeridian)
}

// atRevision is the condition that the data set is at a revision.
func (s *statement) atRevision(expected int64) string {
	return "(select max(id) from changesets) = " + s.arg(expected) + "::bigint"
}

func (s *statement) conditions(all []string) {
	for i, condition := range all {
		if i == 0 {
			s.WriteString(" where ")
		} else {
			s.WriteString(" and ")
		}
		s.WriteString(condition)
	}
}

// rowConditions appends the conditions that the rows of a tidy form must meet by themselves.
func (s *statement) rowConditions(t *Table, l query.List) {
	var conditions []string
	for _, c := range l.Where {
		if column := t.column(c.Field.Name); column.OfRow {
			conditions = append(conditions, complement(s.condition(column, c), c.Not))
		}
	}
	s.conditions(conditions)
}

// complement negates so that what is unknown counts as not matching: NAME=a and NAME.not=a are all records together.
func complement(condition string, not bool) string {
	if not {
		return "(" + condition + ") is not true"
	}
	return condition
}

// condition is the SQL of one filter, without its negation.
func (s *statement) condition(column *Column, c query.Condition) string {
	switch {
	case c.Known != nil && *c.Known:
		return column.SQL + " is not null"
	case c.Known != nil:
		return column.SQL + " is null"
	case c.Flag != nil:
		if *c.Flag {
			return column.SQL
		}
		return "not " + column.SQL
	case column.Type == query.Position:
		return column.SQL + " > " + s.arg(c.Ranges[0].From) + "::bigint"
	case len(c.Texts) == 1 && column.Equals == "" && !strings.Contains(column.SQL, "%s"):
		// A tenth faster where all rows are looked at; and of ids PostgreSQL knows without looking that there is one at the most.
		return column.SQL + " = " + s.arg(c.Texts[0]) + column.casts("")
	case c.Texts != nil:
		return strings.ReplaceAll(column.equals(), "%s", s.arg(c.Texts)+column.casts("[]"))
	}
	ranges := make([]string, len(c.Ranges))
	for i, r := range c.Ranges {
		ranges[i] = s.interval(column, r)
	}
	return "(" + strings.Join(ranges, " or ") + ")"
}

// casts make what the column is compared with of a text; of an array of texts, if the suffix is that of arrays.
func (c *Column) casts(suffix string) string {
	casts := "::text" + suffix
	if c.Cast != "" {
		casts += "::" + c.Cast + suffix
	}
	if c.Type == query.Integer {
		casts += "::bigint" + suffix
	}
	return casts
}

// equals is the comparison with an array of texts.
func (c *Column) equals() string {
	if c.Equals != "" {
		return c.Equals
	}
	return c.SQL + " = any(%s)"
}

var rangeCast = map[query.Type]string{
	query.Integer:   "::bigint",
	query.Scalar:    "::bigint",
	query.Number:    "::float8",
	query.Date:      "::date",
	query.Time:      "::timestamptz",
	query.LocalTime: "::timestamptz",
}

func (s *statement) interval(column *Column, r query.Range) string {
	begin, end, cast := column.SQL, column.SQL, rangeCast[column.Type]
	if column.Until != "" {
		end = column.Until
	}
	var ends []string
	if r.From != nil {
		ends = append(ends, end+" >= "+s.arg(r.From)+cast)
	}
	if r.To != nil {
		compare := " <= "
		if r.Below {
			compare = " < "
		}
		ends = append(ends, begin+compare+s.arg(r.To)+cast)
	}
	return "(" + strings.Join(ends, " and ") + ")"
}

// asking puts the text search query of a list into an expression that has {q}.
func (s *statement) asking(t *Table, l query.List, expr string) string {
	if !strings.Contains(expr, "{q}") {
		return expr
	}
	understood := func(text string) string {
		queries := make([]string, len(t.Search.Config))
		for i, config := range t.Search.Config {
			queries[i] = "websearch_to_tsquery('" + config + "', " + text + ")"
		}
		return "(" + strings.Join(queries, " || ") + ")"
	}
	asked := l.Search
	var not string
	if len(t.Search.Config) > 1 { // what is not wanted is not wanted however it is understood
		for _, term := range negated.FindAllStringSubmatch(asked, -1) {
			not += " && !!" + understood(s.arg(term[1]))
		}
		asked = negated.ReplaceAllString(asked, " ")
	}
	return strings.ReplaceAll(expr, "{q}", "("+understood(s.arg(asked))+not+")")
}

// negated is a word or a phrase with a - in front.
var negated = regexp.MustCompile(`(?:^|\s)-("[^"]*"|\S+)`)

// id is a placeholder for an id, typed as the collection's ids are.
func (s *statement) id(t *Table, id string) string {
	placeholder := s.arg(id) + "::text"
	if t.column("id").Type == query.Integer {
		placeholder += "::bigint"
	}
	return placeholder
}

// key is the sort key of a list and its type. It is never null, so that keyset pages meet every record: the unknown
// comes last in either direction.
func (s *statement) key(t *Table, l query.List) (expr, cast string) {
	if l.Sort.Field == query.ByRank {
		return s.asking(t, l, "ts_rank("+t.Search.vector()+", {q})"), "float4"
	}
	column := t.column(l.Sort.Field)
	cast, last := "text", ""
	switch column.Type {
	case query.Integer:
		cast, last = "bigint", "9223372036854775807"
	case query.Number:
		cast, last = "float8", "'infinity'"
	case query.Date:
		cast, last = "date", "'infinity'"
	}
	if !column.Nullable {
		return column.SQL, cast
	}
	if l.Sort.Descending {
		last = strings.Replace("-"+last, "-'", "'-", 1)
	}
	return fmt.Sprintf("coalesce(%s, %s)", column.SQL, last), cast
}

// orderBy appends the order of a list.
func (s *statement) orderBy(key string, l query.List) {
	direction := ""
	if l.Sort.Descending {
		direction = " desc"
	}
	s.WriteString(" order by " + key + direction)
	if key != "x.id" {
		s.WriteString(", x.id" + direction)
	}
}

// page is the statement for the records of a list, or the rows of its tidy form. Behind the columns of the selection
// stand three more: the sort key as text, the id, and whether the record can be shown as selected. A list with a limit is
// cut in a subquery, so that what is costly to show is computed for the records of the page and no others. It finds nothing
// if the data set is at another revision than the one expected, if one is.
func page(t *Table, l query.List, sel selection, flat bool, expected *int64) (string, []any) {
	var s statement
	key, _ := s.key(t, l)
	fmt.Fprintf(&s, "select %s, (%s)::text, x.id::text, %s from ", s.asking(t, l, sel.list), key, sel.holds())
	tidy := flat && t.Rows != nil && t.Rows.Join != ""
	if l.Limit == 0 && !tidy {
		s.WriteString(t.from() + sel.join)
		s.where(t, l, expected)
		s.orderBy(key, l)
		return s.String(), s.args
	}
	s.WriteString("(select x.* from " + t.from())
	s.where(t, l, expected)
	if l.Limit > 0 {
		s.orderBy(key, l)
		// One more than the page has: it tells whether there is a next one. It stands in the text, because a plan that is
		// kept must be one for few records.
		s.WriteString(" limit " + strconv.Itoa(l.Limit+1))
	}
	s.WriteString(") x" + sel.join)
	if tidy {
		s.WriteString(" " + t.Rows.Join)
		s.rowConditions(t, l)
	}
	s.orderBy(key, l)
	if tidy {
		s.WriteString(", " + t.Rows.Sort)
	}
	return s.String(), s.args
}

// count is the statement for the number of records of a list.
func count(t *Table, l query.List) (string, []any) {
	l.After = nil
	var s statement
	s.WriteString("select count(*) from " + t.from())
	s.where(t, l, nil)
	return s.String(), s.args
}

// undated is the statement for the number of records that a list leaves out only because they have no date; "" if its
// filters do not compare dates that may be unknown.
func undated(t *Table, l query.List) (string, []any) {
	var missing []string
	dated := l
	dated.Where = nil
	for _, c := range l.Where {
		if c.Days() && t.column(c.Field.Name).Within == "" { // a date of the record itself
			missing = append(missing, t.column(c.Field.Name).SQL+" is null")
		} else {
			dated.Where = append(dated.Where, c)
		}
	}
	if missing == nil {
		return "", nil
	}
	dated.After = nil
	var s statement
	s.WriteString("select count(*) from (select x.* from " + t.from())
	s.where(t, dated, nil)
	s.WriteString(") x where " + strings.Join(missing, " or "))
	return s.String(), s.args
}

// unplaced is the statement for the number of records that a list leaves out only because they have no place; "" without a
// box.
func unplaced(t *Table, l query.List) (string, []any) {
	if l.Box == nil {
		return "", nil
	}
	l.Box, l.After = nil, nil
	var s statement
	s.WriteString("select count(*) from (select x.* from " + t.from())
	s.where(t, l, nil)
	s.WriteString(") x where " + t.column("lat").SQL + " is null")
	return s.String(), s.args
}
