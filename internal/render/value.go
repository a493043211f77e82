package render

import (
	"encoding/binary"
	"math"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/parley-api/parley/internal/query"
)

// Record is a row to be rendered: its columns, its values in PostgreSQL's binary format (nil is null), and the address
// that links begin with, such as "https://example.org/v1/".
type Record struct {
	Columns []query.Field
	Values  [][]byte
	Base    string
}

// Meta is what an answer says of itself. Nil members are left out.
type Meta struct {
	Next string // the address of the following page; "": this is the last

	Revision    int64
	AsOf        *time.Time // when the revision was recorded; nil before the first
	Permalink   string     // the same query, pinned to the revision
	ReportedBy  string     // the party whose figures these are; "": the best-supported ones
	DidYouMean  string     // the search that was carried out instead, because the one asked for found nothing
	By          string     // what totals are made by
	Total       *int64
	Undated     *int64 // records left out only because they have no day
	Unplaced    *int64 // records left out only because they have no place
	Coverage    []byte // JSON
	Licence     string
	Attribution string
}

// appendPlain appends a value of a type that needs no quoting: a number, a truth value, a day or an instant. It reports
// whether it is of such a type.
func appendPlain(b []byte, t query.Type, v []byte) ([]byte, bool) {
	switch t {
	case query.Integer:
		return strconv.AppendInt(b, integer(v), 10), true
	case query.Number:
		return appendNumber(b, math.Float64frombits(binary.BigEndian.Uint64(v))), true
	case query.Boolean:
		return strconv.AppendBool(b, v[0] != 0), true
	}
	return b, false
}

// integer reads an integer of 2, 4 or 8 bytes.
func integer(v []byte) int64 {
	switch len(v) {
	case 2:
		return int64(int16(binary.BigEndian.Uint16(v)))
	case 4:
		return int64(int32(binary.BigEndian.Uint32(v)))
	default:
		return int64(binary.BigEndian.Uint64(v))
	}
}

// appendNumber writes the shortest decimal that reads back the same; never an exponent, which degrees do not need.
func appendNumber(b []byte, x float64) []byte { return strconv.AppendFloat(b, x, 'f', -1, 64) }

// epoch is PostgreSQL's: what its dates and instants count from.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func appendDate(b []byte, v []byte) []byte {
	return epoch.AddDate(0, 0, int(int32(binary.BigEndian.Uint32(v)))).AppendFormat(b, time.DateOnly)
}

func appendTime(b []byte, v []byte) []byte {
	return epoch.Add(time.Duration(int64(binary.BigEndian.Uint64(v)))*time.Microsecond).AppendFormat(b, time.RFC3339Nano)
}

// texts yields the elements of a one-dimensional array of texts without nulls.
func texts(v []byte) func(yield func(i int, text []byte) bool) {
	return func(yield func(int, []byte) bool) {
		const header = 12 // dimensions, nulls, type of elements; then, unless empty, length and lower bound
		if len(v) <= header {
			return
		}
		for i, rest := 0, v[header+8:]; len(rest) >= 4; i++ {
			n := 4 + int(binary.BigEndian.Uint32(rest))
			if !yield(i, rest[4:n]) {
				return
			}
			rest = rest[n:]
		}
	}
}

// quote appends a JSON string. The text is what PostgreSQL stored, which is always valid UTF-8.
func quote(b []byte, text []byte) []byte {
	b, _ = jsontext.AppendQuote(b, text)
	return b
}
