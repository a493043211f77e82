package render

import (
	"slices"
	"strconv"
	"time"

	"github.com/parley-api/parley/internal/query"
)

// JSON is a record as an object, and a page of a list as {"data": […], "next": …, "meta": {…}}.
var JSON = &Form{
	Name:   "json",
	Media:  "application/json",
	Header: "application/json",
	About:  "records whole, with all that nests in them, in pages",
	Of:     Lists | Records | Totals,
	Object: true,
	New: func(s Subject) Encoder {
		return &object{row: Record{Columns: s.Columns, Base: s.Base}, list: s.Kind != Records}
	},
}

type object struct {
	row  Record
	list bool // the object is a list
	some bool // a record has been added
}

func (e *object) Begin(b []byte, _ Meta) []byte {
	if e.list {
		b = append(b, `{"data":[`...)
	}
	return b
}

func (e *object) Add(b []byte, values [][]byte) []byte {
	if e.some {
		b = append(b, ',')
	}
	e.some = true
	e.row.Values = values
	return AppendJSON(b, e.row)
}

func (e *object) End(b []byte, m Meta) []byte {
	if e.list {
		return appendTail(append(b, "],"...), m)
	}
	return append(b, '\n')
}

// AppendJSON appends a record as a JSON object.
func AppendJSON(b []byte, r Record) []byte {
	size := 2
	for i := range r.Columns {
		size += len(r.Columns[i].Name) + len(r.Values[i]) + 6 // about: quotes may be escaped, links get a base
	}
	b = append(slices.Grow(b, size+len(r.Base)), '{')
	for i := range r.Columns {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, r.Columns[i].Name...) // ours, and plain ASCII
		b = append(b, '"', ':')
		b = appendJSONValue(b, r.Columns[i].Type, r.Values[i], r.Base)
	}
	return append(b, '}')
}

func appendJSONValue(b []byte, t query.Type, v []byte, base string) []byte {
	if v == nil {
		return append(b, "null"...)
	}
	if b, ok := appendPlain(b, t, v); ok {
		return b
	}
	switch t {
	case query.Date:
		return append(appendDate(append(b, '"'), v), '"')
	case query.Time:
		return append(appendTime(append(b, '"'), v), '"')
	case query.Texts:
		b = append(b, '[')
		for i, text := range texts(v) {
			if i > 0 {
				b = append(b, ',')
			}
			b = quote(b, text)
		}
		return append(b, ']')
	case query.Links:
		b = append(b, '[')
		for i, text := range texts(v) {
			if i > 0 {
				b = append(b, ',')
			}
			b = quote(b, append([]byte(base), text...))
		}
		return append(b, ']')
	case query.Link:
		return quote(b, append([]byte(base), v...))
	case query.Scalar, query.Object, query.Objects:
		return append(b, v...) // PostgreSQL's own JSON
	default:
		return quote(b, v)
	}
}

// appendTail appends the last members of a list, the following page and what the list says of itself, and closes it:
// "next": …, "meta": {…}}.
func appendTail(b []byte, m Meta) []byte {
	b = append(b, `"next":`...)
	if m.Next == "" {
		b = append(b, "null"...)
	} else {
		b = quote(b, []byte(m.Next))
	}
	b = append(b, `,"meta":{"revision":`...)
	b = strconv.AppendInt(b, m.Revision, 10)
	b = append(b, `,"as_of":`...)
	if m.AsOf == nil {
		b = append(b, "null"...)
	} else {
		b = append(m.AsOf.UTC().AppendFormat(append(b, '"'), time.RFC3339Nano), '"')
	}
	b = append(b, `,"permalink":`...)
	b = quote(b, []byte(m.Permalink))
	if m.ReportedBy != "" {
		b = quote(append(b, `,"reported_by":`...), []byte(m.ReportedBy))
	}
	if m.DidYouMean != "" {
		b = quote(append(b, `,"did_you_mean":`...), []byte(m.DidYouMean))
	}
	if m.By != "" {
		b = append(quote(append(b, `,"by":`...), []byte(m.By)), `,"time_zone":"none: the calendar days that sources give; weeks are those of ISO 8601"`...)
	}
	b = appendCount(b, "total", m.Total)
	b = appendCount(b, "excluded_undated", m.Undated)
	b = appendCount(b, "excluded_unplaced", m.Unplaced)
	if m.Coverage != nil {
		b = append(append(b, `,"coverage":`...), m.Coverage...)
	}
	b = append(b, `,"licence":`...)
	b = quote(b, []byte(m.Licence))
	b = append(b, `,"attribution":`...)
	b = quote(b, []byte(m.Attribution))
	return append(b, "}}\n"...)
}

func appendCount(b []byte, name string, n *int64) []byte {
	if n == nil {
		return b
	}
	b = append(append(append(b, `,"`...), name...), `":`...)
	return strconv.AppendInt(b, *n, 10)
}
