package render

import (
	"bytes"

	"github.com/parley-api/parley/internal/query"
)

// CSV is RFC 4180 with a header line always, in UTF-8.
var CSV = &Form{
	Name:     "csv",
	Media:    "text/csv",
	Header:   "text/csv; charset=utf-8; header=present",
	About:    "a table for spreadsheets, pandas and R",
	Of:       Lists | Records | Totals,
	Flat:     true,
	Complete: true,
	New:      func(s Subject) Encoder { return &csv{Record{Columns: s.Columns, Base: s.Base}} },
}

type csv struct{ row Record }

func (e *csv) Begin(b []byte, _ Meta) []byte {
	for i := range e.row.Columns {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, e.row.Columns[i].Name...)
	}
	return append(b, "\r\n"...)
}

func (e *csv) Add(b []byte, values [][]byte) []byte {
	e.row.Values = values
	return AppendCSV(b, e.row)
}

func (e *csv) End(b []byte, _ Meta) []byte { return b }

// AppendCSV appends a row of CSV. Null is an empty cell; the elements of a list are joined by semicolons.
func AppendCSV(b []byte, r Record) []byte {
	for i := range r.Columns {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendCSVValue(b, r.Columns[i].Type, r.Values[i], r.Base)
	}
	return append(b, "\r\n"...)
}

func appendCSVValue(b []byte, t query.Type, v []byte, base string) []byte {
	if v == nil {
		return b
	}
	if b, ok := appendPlain(b, t, v); ok {
		return b
	}
	switch t {
	case query.Date:
		return appendDate(b, v)
	case query.Time:
		return appendTime(b, v)
	case query.Texts:
		var joined []byte
		for i, text := range texts(v) {
			if i > 0 {
				joined = append(joined, ';')
			}
			joined = append(joined, text...)
		}
		return appendCell(b, joined)
	case query.Link:
		return appendCell(b, append([]byte(base), v...))
	default:
		return appendCell(b, v)
	}
}

// appendCell appends a text, quoted where it must be. A text that a spreadsheet would run as a formula gets an
// apostrophe in front, which spreadsheets do not show.
func appendCell(b []byte, text []byte) []byte {
	formula := len(text) > 0 && bytes.IndexByte([]byte("=+-@\t\r"), text[0]) >= 0
	if !formula && !bytes.ContainsAny(text, ",\"\r\n") {
		return append(b, text...)
	}
	b = append(b, '"')
	if formula {
		b = append(b, '\'')
	}
	for {
		i := bytes.IndexByte(text, '"')
		if i < 0 {
			return append(append(b, text...), '"')
		}
		b = append(append(b, text[:i+1]...), '"')
		text = text[i+1:]
	}
}
