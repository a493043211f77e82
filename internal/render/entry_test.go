package render_test

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/render"
)

// A value of a row that is made for a test: texts, []string, int, float64 and nil stand for themselves.
type (
	day     string // 2025-07-23
	instant string // RFC 3339
	nested  string // JSON
	path    string // the address of a record, below /v1/
	paths   []string
)

// part is a column with its value.
type part struct {
	name  string
	value any
}

var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// encoded is a value as PostgreSQL sends it.
func encoded(t *testing.T, value any) (query.Type, []byte) {
	t.Helper()
	at := func(layout, text string) time.Duration {
		moment, err := time.Parse(layout, text)
		if err != nil {
			t.Fatal(err)
		}
		return moment.Sub(epoch)
	}
	array := func(texts []string) []byte {
		if len(texts) == 0 {
			return make([]byte, 12)
		}
		b := binary.BigEndian.AppendUint32(make([]byte, 12, 20), uint32(len(texts)))
		b = binary.BigEndian.AppendUint32(b, 1)
		for _, text := range texts {
			b = append(binary.BigEndian.AppendUint32(b, uint32(len(text))), text...)
		}
		return b
	}
	switch v := value.(type) {
	case nil:
		return query.Text, nil
	case string:
		return query.Text, []byte(v)
	case path:
		return query.Link, []byte(v)
	case nested:
		return query.Objects, []byte(v)
	case []string:
		return query.Texts, array(v)
	case paths:
		return query.Links, array(v)
	case int:
		return query.Integer, binary.BigEndian.AppendUint64(nil, uint64(v))
	case float64:
		return query.Number, binary.BigEndian.AppendUint64(nil, math.Float64bits(v))
	case day:
		return query.Date, binary.BigEndian.AppendUint32(nil, uint32(at(time.DateOnly, string(v))/(24*time.Hour)))
	case instant:
		return query.Time, binary.BigEndian.AppendUint64(nil, uint64(at(time.RFC3339, string(v))/time.Microsecond))
	}
	t.Fatalf("no value is a %T", value)
	return 0, nil
}

// meeting is a record with all that an entry may have; more replaces parts of it or adds others.
func meeting(more ...part) []part {
	parts := []part{
		{"type", "Event"},
		{"id", "geneva-1"},
		{"url", path("rounds/geneva-1")},
		{"uid", "round-geneva-1"},
		{"title", "First round; Geneva, 2 & 3 <May>"},
		{"summary", "They met."},
		{"starts_on", day("2030-05-02")},
		{"ends_on", day("2030-05-03")},
		{"started_at", nil},
		{"ended_at", nil},
		{"status", "held"},
		{"venue", "Palais"},
		{"place", "Geneva"},
		{"country", "CH"},
		{"lat", 46.2},
		{"lon", 6.1},
		{"place_precision", "city"},
		{"figures", nested(`[{"from":"RU","to":"UA","value":390,"qualifier":"at_least","unit":"people"},{"from":"UA","to":"RU","value":null,"qualifier":"exactly","unit":"people"}]`)},
		{"sources", nested(`[{"id":"wire-1","publisher":"Wire & Co","url":"https://example.org/?a=1&b=2","published_on":"2030-05-03"},{"id":"paper-1","publisher":"Paper","url":null,"published_on":null}]`)},
		{"reports", nested(`[{"field":"duration_minutes","value":40,"qualifier":"about","party":"UA","said_by":"somebody","source":"wire-1","note":null}]`)},
		{"revision", 7},
		{"recorded_at", instant("2030-05-04T10:11:12Z")},
		{"schema:attendee", paths{"parties/RU", "parties/UA"}},
		{"schema:organizer", paths{}},
	}
	for _, p := range more {
		replaced := false
		for i := range parts {
			if parts[i].name == p.name {
				parts[i], replaced = p, true
			}
		}
		if !replaced {
			parts = append(parts, p)
		}
	}
	return parts
}

// meta is what the answers of these tests say of themselves.
func meta() render.Meta {
	at := time.Date(2030, 5, 5, 0, 0, 0, 0, time.UTC)
	return render.Meta{
		Revision: 8, AsOf: &at,

		Licence: "https://creativecommons.org/licenses/by/4.0/", Attribution: "The contributors",
	}
}

// encode makes an answer of records with the same parts.
func encode(t *testing.T, f *render.Form, kind render.Kind, m render.Meta, records ...[]part) string {
	t.Helper()
	s := render.Subject{Kind: kind, Collection: "rounds", Base: "https://parley.test/v1/", Address: "https://parley.test/v1/rounds." + f.Name + "?party=UA&sort=-revision"}
	m.Permalink = "https://parley.test/v1/rounds." + f.Name + "?as_of=8&party=UA"
	var rows [][][]byte
	for i, r := range records {
		var row [][]byte
		for _, p := range r {
			kind, value := encoded(t, p.value)
			if i == 0 {
				s.Columns = append(s.Columns, query.Field{Name: p.name, Type: kind})
			}
			row = append(row, value)
		}
		rows = append(rows, row)
	}
	e := f.New(s)
	var body []byte
	for _, row := range rows {
		body = e.Add(body, row)
	}
	return string(e.End(append(e.Begin(nil, m), body...), m))
}

func decoded[T any](t *testing.T, text string) (value T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return value
}
