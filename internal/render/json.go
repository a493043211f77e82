package render

import (
	"strconv"
	"time"

	"github.com/parley-api/parley/internal/query"
)

// AppendJSON appends a record as a JSON object.
func AppendJSON(b []byte, r Record) []byte {
	b = append(b, '{')
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
	case query.Link:
		return quote(b, append([]byte(base), v...))
	case query.Scalar, query.Object, query.Objects:
		return append(b, v...) // PostgreSQL's own JSON
	default:
		return quote(b, v)
	}
}

// List builds the JSON of a page of a list: {"data": […], "next": …, "meta": {…}}.
type List struct {
	buf   []byte
	count int
}

// Add appends a record.
func (l *List) Add(r Record) {
	if l.count == 0 {
		l.buf = append(l.buf, `{"data":[`...)
	} else {
		l.buf = append(l.buf, ',')
	}
	l.count++
	l.buf = AppendJSON(l.buf, r)
}

// Single returns the one record that was added, by itself.
func (l *List) Single() []byte {
	const opening = `{"data":[`
	return append(l.buf[len(opening):], '\n')
}

// Meta is what a list says of itself. Nil members are left out.
type Meta struct {
	Revision    int64
	AsOf        *time.Time // when the revision was recorded; nil before the first
	Permalink   string     // the same query, pinned to the revision
	ReportedBy  string     // the party whose figures these are; "": the best-supported ones
	DidYouMean  string     // the search that was carried out instead, because the one asked for found nothing
	By          string     // what totals are made by
	Total       *int64
	Undated     *int64
	Coverage    []byte // JSON
	Licence     string
	Attribution string
}

// Close returns the whole page; next is the address of the following one, "" on the last.
func (l *List) Close(next string, m Meta) []byte {
	b := l.buf
	if l.count == 0 {
		b = append(b, `{"data":[`...)
	}
	b = append(b, `],"next":`...)
	if next == "" {
		b = append(b, "null"...)
	} else {
		b = quote(b, []byte(next))
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
