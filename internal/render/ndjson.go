package render

// NDJSON is a record a line, each a JSON object.
var NDJSON = &Form{
	Name:     "ndjson",
	Media:    "application/x-ndjson",
	Header:   "application/x-ndjson",
	About:    "a record a line, to be read as it comes",
	Of:       Lists | Records | Totals,
	Complete: true,
	Object:   true,
	New:      func(s Subject) Encoder { return &lines{Record{Columns: s.Columns, Base: s.Base}} },
}

type lines struct{ row Record }

func (e *lines) Begin(b []byte, _ Meta) []byte { return b }

func (e *lines) Add(b []byte, values [][]byte) []byte {
	e.row.Values = values
	return append(AppendJSON(b, e.row), '\n')
}

func (e *lines) End(b []byte, _ Meta) []byte { return b }
