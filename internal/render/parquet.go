package render

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/parquet-go/parquet-go"

	"github.com/parley-api/parley/internal/query"
)

// Parquet is the table of CSV with types: BIGINT, DOUBLE, BOOLEAN, DATE, TIMESTAMP in UTC to the microsecond, lists of
// texts as LIST, nested objects as JSON. Every column may be null. The same rows make the same bytes.
var Parquet = &Form{
	Name:     "parquet",
	Media:    "application/vnd.apache.parquet",
	Header:   "application/vnd.apache.parquet",
	About:    "the table of CSV with types, for DuckDB, pandas and Arrow, also by byte ranges",
	Of:       Lists | Totals,
	Flat:     true,
	Complete: true,
	File:     true,
	Meta:     true,
	New:      func(s Subject) Encoder { return newParquet(s) },
}

// rowGroup is how many rows are held, compressed, until they are written.
const rowGroup = 1 << 16

// columnar writes a Parquet file. Its writer fails only if what it writes to does, and that does not.
type columnar struct {
	subject Subject
	out     appender
	writer  *parquet.GenericWriter[any]
	row     parquet.Row
	scratch []byte // texts that are made for the row
}

// appender is the slice that a file is appended to.
type appender struct{ b []byte }

func (a *appender) Write(p []byte) (int, error) {
	a.b = append(a.b, p...)
	return len(p), nil
}

func newParquet(s Subject) *columnar {
	e := &columnar{subject: s}
	schema := table{}
	for _, f := range s.Columns {
		schema.fields = append(schema.fields, leaf{parquet.Optional(nodes[f.Type]()), f.Name})
	}
	e.writer = parquet.NewGenericWriter[any](&e.out, &parquet.WriterConfig{
		Schema:             parquet.NewSchema(s.Collection, schema),
		Compression:        &parquet.Snappy, // which every reader understands
		MaxRowsPerRowGroup: rowGroup,
		DictionaryMaxBytes: 1 << 20,
		DataPageStatistics: true,
	})
	return e
}

// table is a group whose columns stand in their order; those of [parquet.Group] are sorted by name.
type table struct {
	parquet.Group
	fields []parquet.Field
}

func (t table) Fields() []parquet.Field { return t.fields }

// leaf is a column of a table. Values come as rows and are never looked for in a Go value.
type leaf struct {
	parquet.Node
	name string
}

func (l leaf) Name() string                             { return l.name }
func (l leaf) Value(reflect.Value) (none reflect.Value) { return none }

// nodes makes the columns for the types of fields.
var nodes = map[query.Type]func() parquet.Node{
	query.Text:      text,
	query.Enum:      text,
	query.Integer:   func() parquet.Node { return parquet.Int(64) },
	query.Number:    func() parquet.Node { return parquet.Leaf(parquet.DoubleType) },
	query.Boolean:   func() parquet.Node { return parquet.Leaf(parquet.BooleanType) },
	query.Date:      parquet.Date,
	query.Time:      instant,
	query.LocalTime: instant,
	query.Scalar:    text,
	query.Texts:     func() parquet.Node { return parquet.List(text()) },
	query.Prose:     text,
	query.Link:      text,
	query.Object:    parquet.JSON,
	query.Objects:   parquet.JSON,
	query.Position:  func() parquet.Node { return parquet.Int(64) },
}

func text() parquet.Node    { return parquet.Encoded(parquet.String(), &parquet.RLEDictionary) }
func instant() parquet.Node { return parquet.Timestamp(parquet.Microsecond) }

// Begin: a file says at its end what it is.
func (e *columnar) Begin(b []byte, _ Meta) []byte { return b }

func (e *columnar) Add(b []byte, values [][]byte) []byte {
	e.row, e.scratch = e.row[:0], e.scratch[:0]
	for i, v := range values {
		e.row = e.append(e.row, i, v)
	}
	e.out.b = b
	if _, err := e.writer.WriteRows([]parquet.Row{e.row}); err != nil {
		panic(err) // our own rows, appended to a slice
	}
	return e.out.b
}

// append appends the value of a column to a row: null, one value, or for a list as many as it has.
func (e *columnar) append(row parquet.Row, i int, v []byte) parquet.Row {
	t := e.subject.Columns[i].Type
	switch {
	case v == nil:
		return append(row, parquet.NullValue().Level(0, 0, i))
	case t != query.Texts:
		return append(row, e.value(t, v).Level(0, 1, i))
	}
	elements := len(row)
	for n, text := range texts(v) {
		row = append(row, parquet.ByteArrayValue(text).Level(min(n, 1), 2, i))
	}
	if len(row) == elements {
		row = append(row, parquet.NullValue().Level(0, 1, i))
	}
	return row
}

// Between PostgreSQL's epoch and that of Unix.
var (
	epochDays   = int32(epoch.Unix() / 86400)
	epochMicros = epoch.UnixMicro()
)

func (e *columnar) value(t query.Type, v []byte) parquet.Value {
	switch t {
	case query.Integer, query.Position:
		return parquet.Int64Value(integer(v))
	case query.Number:
		return parquet.DoubleValue(math.Float64frombits(binary.BigEndian.Uint64(v)))
	case query.Boolean:
		return parquet.BooleanValue(v[0] != 0)
	case query.Date:
		return parquet.Int32Value(int32(binary.BigEndian.Uint32(v)) + epochDays)
	case query.Time:
		return parquet.Int64Value(int64(binary.BigEndian.Uint64(v)) + epochMicros)
	case query.LocalTime: // shown as text, with its offset
		at, err := time.Parse(time.RFC3339, string(v))
		if err != nil {
			panic(fmt.Errorf("a time of ours is none: %w", err))
		}
		return parquet.Int64Value(at.UnixMicro())
	case query.Scalar:
		return parquet.ByteArrayValue(unquoted(v))
	case query.Link:
		from := len(e.scratch)
		e.scratch = append(append(e.scratch, e.subject.Base...), v...)
		return parquet.ByteArrayValue(e.scratch[from:])
	default:
		return parquet.ByteArrayValue(v)
	}
}

// unquoted is a number or a text that is given as JSON.
func unquoted(v []byte) []byte {
	if !bytes.HasPrefix(v, []byte{'"'}) {
		return v
	}
	text, err := jsontext.AppendUnquote(nil, v)
	if err != nil {
		return v
	}
	return text
}

// End writes the footer, with what a list says of itself in its metadata.
func (e *columnar) End(b []byte, m Meta) []byte {
	e.out.b = b
	for _, entry := range [][2]string{
		{"parley.collection", e.subject.Collection},
		{"parley.permalink", m.Permalink},
		{"parley.revision", strconv.FormatInt(m.Revision, 10)},
		{"parley.as_of", e.moment(m.AsOf)},
		{"parley.reported_by", m.ReportedBy},
		{"parley.did_you_mean", m.DidYouMean},
		{"parley.by", m.By},
		{"parley.total", count(m.Total)},
		{"parley.excluded_undated", count(m.Undated)},
		{"parley.excluded_unplaced", count(m.Unplaced)},
		{"parley.coverage", string(m.Coverage)},
		{"parley.licence", m.Licence},
		{"parley.attribution", m.Attribution},
	} {
		if entry[1] != "" {
			e.writer.SetKeyValueMetadata(entry[0], entry[1])
		}
	}
	if err := e.writer.Close(); err != nil {
		panic(err) // as in Add
	}
	return e.out.b
}

func count(n *int64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatInt(*n, 10)
}

func (e *columnar) moment(at *time.Time) string {
	if at == nil {
		return ""
	}
	return at.UTC().Format(time.RFC3339Nano)
}
