package query_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/parley-api/parley/internal/query"
)

// exchanges is a grammar with a field of every type.
var exchanges = query.Grammar{
	DefaultSort: "-date",
	Searchable:  true,
	Limits:      query.Limits{Default: 100, Max: 1000},
	Fields: []query.Field{
		{Name: "id", Type: query.Text, Sortable: true},
		{Name: "url", Type: query.Link},
		{Name: "date", Type: query.Date, Sortable: true},
		{Name: "due_on", Type: query.Date, Nullable: true, Sortable: true},
		{Name: "started_at", Type: query.LocalTime, Nullable: true},
		{Name: "total", Type: query.Integer, Nullable: true, Sortable: true},
		{Name: "lat", Type: query.Number, Nullable: true},
		{Name: "lon", Type: query.Number, Nullable: true},
		{Name: "kind", Type: query.Enum, Values: []string{"prisoners", "bodies"}},
		{Name: "descriptive", Type: query.Boolean},
		{Name: "mediators", Type: query.Texts},
		{Name: "venue", Type: query.Text, Nullable: true},
		{Name: "note", Type: query.Prose, Nullable: true},
		{Name: "recorded_at", Type: query.Time},
		{Name: "sources", Type: query.Objects, Keyed: true},
		{Name: "party", Type: query.Text, Hidden: true},
		{Name: "after", Type: query.Position, Hidden: true},
	},
}

func day(text string) time.Time {
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return d
}

func TestParse(t *testing.T) {
	days := func(from, to string) query.Range {
		var r query.Range
		if from != "" {
			r.From = day(from)
		}
		if to != "" {
			r.To = day(to)
		}
		return r
	}
	tests := []struct {
		query string
		want  query.Condition // its Field is looked up by name
	}{
		{"party=UA", query.Condition{Texts: []string{"UA"}}},
		{"party=UA,TR", query.Condition{Texts: []string{"UA", "TR"}}},
		{"party.not=RU", query.Condition{Not: true, Texts: []string{"RU"}}},
		{`venue="Brest, Region",Minsk`, query.Condition{Texts: []string{"Brest, Region", "Minsk"}}},
		{`venue="the ""Pripyat"" site"`, query.Condition{Texts: []string{`the "Pripyat" site`}}},
		{"venue.known=true", query.Condition{Known: new(true)}},
		{"note.known=false", query.Condition{Known: new(false)}},
		{"kind=prisoners", query.Condition{Texts: []string{"prisoners"}}},
		{"descriptive=false", query.Condition{Flag: new(false)}},
		{"mediators=TR", query.Condition{Texts: []string{"TR"}}},
		{"after=17", query.Condition{Ranges: []query.Range{{From: int64(17)}}}},
		{"sources=tass-1", query.Condition{Texts: []string{"tass-1"}}},
		{"date=2025-05-16", query.Condition{Ranges: []query.Range{days("2025-05-16", "2025-05-16")}}},
		{"date=2024-02", query.Condition{Ranges: []query.Range{days("2024-02-01", "2024-02-29")}}},
		{"date=2025", query.Condition{Ranges: []query.Range{days("2025-01-01", "2025-12-31")}}},
		{"date=2025-05-01..2025-07", query.Condition{Ranges: []query.Range{days("2025-05-01", "2025-07-31")}}},
		{"date=2025-06-02..", query.Condition{Ranges: []query.Range{days("2025-06-02", "")}}},
		{"date=..2022-12", query.Condition{Ranges: []query.Range{days("", "2022-12-31")}}},
		{"date=2022,2025-07", query.Condition{Ranges: []query.Range{days("2022-01-01", "2022-12-31"), days("2025-07-01", "2025-07-31")}}},
		{"date.not=2025", query.Condition{Not: true, Ranges: []query.Range{days("2025-01-01", "2025-12-31")}}},
		{"total=100..", query.Condition{Ranges: []query.Range{{From: int64(100)}}}},
		{"total=0,5..7", query.Condition{Ranges: []query.Range{{From: int64(0), To: int64(0)}, {From: int64(5), To: int64(7)}}}},
		{"total=-3", query.Condition{Ranges: []query.Range{{From: int64(-3), To: int64(-3)}}}},
		{"lat=46.5..52", query.Condition{Ranges: []query.Range{{From: 46.5, To: 52.0}}}},
		{"recorded_at=2026-11", query.Condition{Ranges: []query.Range{{From: day("2026-11-01"), To: day("2026-12-01"), Below: true}}}},
		{"recorded_at=..2026-11-23T10:00:00Z", query.Condition{Ranges: []query.Range{{To: day("2026-11-23").Add(10 * time.Hour)}}}},
		{"started_at=2025-07-23T20:38:00%2B03:00..", query.Condition{Ranges: []query.Range{{From: day("2025-07-23").Add(17*time.Hour + 38*time.Minute)}}}},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			l := parse(t, tt.query)
			name, _, _ := strings.Cut(tt.query, "=")
			name, _, _ = strings.Cut(name, ".")
			tt.want.Field, _ = exchanges.Field(name)
			if diff := cmp.Diff([]query.Condition{tt.want}, l.Where); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func parse(t testing.TB, raw string) query.List {
	t.Helper()
	values, err := url.ParseQuery(raw)
	if err != nil {
		t.Fatal(err)
	}
	l, err := query.Parse(values, exchanges)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestParseControls(t *testing.T) {
	l := parse(t, "q=+working+groups+&limit=7&fields=total,id&total_count=true&_=17&utm_source=x")
	if l.Search != "working groups" || l.Limit != 7 || !l.TotalCount || cmp.Diff([]string{"id", "total"}, l.Fields) != "" {
		t.Errorf("got %+v", l)
	}
	if want := (query.Order{Field: query.ByRank, Descending: true}); l.Sort != want {
		t.Errorf("a search is sorted by %+v", l.Sort)
	}
	if got := parse(t, "sort=total").Sort; got != (query.Order{Field: "total"}) {
		t.Errorf("sort=total is %+v", got)
	}
	if got := parse(t, "").Sort; got != (query.Order{Field: "date", Descending: true}) {
		t.Errorf("the default is %+v", got)
	}
}

// TestMinRevision: how new the answer must be is no part of what is asked for.
func TestMinRevision(t *testing.T) {
	l := parse(t, "limit=7&min_revision=42")
	if l.MinRevision != 42 || l.Canonical() != parse(t, "limit=7").Canonical() {
		t.Errorf("got %+v", l)
	}
	l, err := query.Record(url.Values{"min_revision": {"42"}}, exchanges)
	if err != nil || l.MinRevision != 42 {
		t.Errorf("of a record: %+v, %v", l, err)
	}
}

func TestParseBox(t *testing.T) {
	for text, want := range map[string]query.Box{
		"bbox=22,44.3,40.3,52.4":     {West: 22, South: 44.3, East: 40.3, North: 52.4},
		"bbox=170,-10.5,-170,10":     {West: 170, South: -10.5, East: -170, North: 10},
		"bbox=-180,-90,180,90":       {West: -180, South: -90, East: 180, North: 90},
		"bbox=30.5,50.25,30.5,50.25": {West: 30.5, South: 50.25, East: 30.5, North: 50.25},
	} {
		if l := parse(t, text); l.Box == nil || *l.Box != want || l.Box.Crosses() != (want.West > want.East) {
			t.Errorf("%s is %+v", text, l.Box)
		}
	}
	values := url.Values{"bbox": {"22,44.3,40.3,52.4"}}
	if _, err := query.Parse(values, query.Grammar{DefaultSort: "id", Fields: []query.Field{{Name: "id", Sortable: true}}}); err == nil {
		t.Error("records without places took bbox=")
	}
}

func TestParseFaults(t *testing.T) {
	tests := []struct{ query, parameter, reason, suggestion string }{
		{"partty=UA", "partty", "no such parameter", "party"},
		{"mediator=UA", "mediator", "no such parameter", "mediators"},
		{"party.nott=UA", "party.nott", "no such parameter", "party.not"},
		{"party.=UA", "party.", "no such parameter", "party"},
		{"url=x", "url", "no such parameter", ""},
		{"note=x", "note", "no such parameter", "q"},
		{"date.known=true", "date.known", "no such parameter", ""},
		{"party=UA&party=RU", "party", "more than once", ""},
		{"party=", "party", "is empty", ""},
		{"party=UA,,RU", "party", "empty value in the list", ""},
		{"party=UA,", "party", "empty value in the list", ""},
		{"party=a%00b", "party", "control character", ""},
		{"party=%ff", "party", "UTF-8", ""},
		{"party=" + strings.Repeat("x", 2001), "party", "longer than", ""},
		{`venue="open`, "venue", "not closed", ""},
		{`venue="a"b`, "venue", "comma or nothing", ""},
		{"kind=prisoner", "kind", "not one of the values", "prisoners"},
		{"descriptive=yes", "descriptive", "neither true nor false", ""},
		{"venue.known=1", "venue.known", "neither true nor false", ""},
		{"date=23.07.2025", "date", "is not a day", ""},
		{"date=2025-13", "date", "is not a day", ""},
		{"date=2025-02-30", "date", "is not a day", ""},
		{"date=0000", "date", "is not a day", ""},
		{"date=..", "date", "at least one end", ""},
		{"date=2025-07..2025-05", "date", "ends before it begins", ""},
		{"total=many", "total", "not a whole number", ""},
		{"total=99999999999999999999", "total", "not a whole number", ""},
		{"total=7..5", "total", "ends before it begins", ""},
		{"lat=NaN", "lat", "is not a number", ""},
		{"lat=1e999", "lat", "is not a number", ""},
		{"recorded_at=yesterday", "recorded_at", "an instant is written", ""},
		{"sort=datee", "sort", "cannot sort by", "date"},
		{"sort=date,id", "sort", "takes one key", ""},
		{"sort=--date", "sort", "cannot sort by", ""},
		{"limit=0", "limit", "from 1 to 1000", ""},
		{"min_revision=-1", "min_revision", "not a revision", ""},
		{"min_revision=2026-11-23", "min_revision", "not a revision", ""},
		{"min_revision=1&min_revision=2", "min_revision", "more than once", ""},
		{"limit=1001", "limit", "from 1 to 1000", ""},
		{"limit=ten", "limit", "from 1 to 1000", ""},
		{"fields=id,dat", "fields", "is not a field", "date"},
		{"fields=id,id", "fields", "asked for twice", ""},
		{"fields=party", "fields", "is not a field", ""},
		{"total_count=maybe", "total_count", "neither true nor false", ""},
		{"venue.known=false&venue=Minsk", "venue.known", "contradicts", ""},
		{"after=x", "after", "not the id of a change", ""},
		{"after=5..", "after", "not the id of a change", ""},
		{"bbox=1,2,3", "bbox", "has 3 numbers; it is west,south,east,north", ""},
		{"bbox=1,2,0,3,4,100", "bbox", "has 6 numbers", ""},
		{"bbox=1,2,3,north", "bbox", "\"north\" is not a number", ""},
		{"bbox=1,2,,4", "bbox", "\"\" is not a number", ""},
		{"bbox=1_0,2,30,4", "bbox", "\"1_0\" is not a number", ""},
		{"bbox=0x1p2,2,30,4", "bbox", "is not a number", ""},
		{"lat=4_6.5..", "lat", "\"4_6.5\" is not a number", ""},
		{"lat=..inf", "lat", "is not a number", ""},
		{"bbox=NaN,2,3,4", "bbox", "is not a number", ""},
		{"bbox=1,2,3,Inf", "bbox", "is not a number", ""},
		{"bbox=1,2,3,1e999", "bbox", "is not a number", ""},
		{"bbox=0,0,181,1", "bbox", "goes beyond the earth", ""},
		{"bbox=200,-91,1,1", "bbox", "goes beyond the earth", ""},
		{"bbox=44.3,122,52.4,140", "bbox", "latitudes where longitudes stand", "122,44.3,140,52.4"},
		{"bbox=22,52.4,40.3,44.3", "bbox", "south north of its north", "22,44.3,40.3,52.4"},
		{"bbox.not=22,44.3,40.3,52.4", "bbox.not", "no such parameter", ""},
		{"cursor=nonsense!", "cursor", "not a cursor of ours", ""},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			values, _ := url.ParseQuery(tt.query)
			_, err := query.Parse(values, exchanges)
			var failed *query.Error
			if !errors.As(err, &failed) {
				t.Fatalf("got %v, want an *Error", err)
			}
			f := failed.Faults[0]
			if len(failed.Faults) != 1 || f.Parameter != tt.parameter || !strings.Contains(f.Reason, tt.reason) {
				t.Errorf("got %+v", failed.Faults)
			}
			if tt.suggestion != "" && f.Suggestion != tt.suggestion {
				t.Errorf("suggests %q, want %q", f.Suggestion, tt.suggestion)
			}
		})
	}
}

func TestParseNamesEveryFault(t *testing.T) {
	values, _ := url.ParseQuery("limit=0&date=x&nonsense=1")
	_, err := query.Parse(values, exchanges)
	var failed *query.Error
	if !errors.As(err, &failed) || len(failed.Faults) != 3 {
		t.Fatalf("got %v, want three faults", err)
	}
}

func TestCanonical(t *testing.T) {
	tests := []struct{ a, b string }{
		{"party=UA&total=1..", "total=1..&party=UA&_=5&utm_campaign=x"},
		{"sort=-date", ""},
		{"fields=id,date", "fields=date,id"},
		{"total_count=false", ""},
		{"bbox=22.0,4.43e1,40.30,52.4", "bbox=22,44.3,40.3,52.4"},
	}
	for _, tt := range tests {
		if a, b := parse(t, tt.a).Canonical(), parse(t, tt.b).Canonical(); a != b {
			t.Errorf("%q and %q ask the same, but have the canonical forms %q and %q", tt.a, tt.b, a, b)
		}
	}
	if parse(t, "party=UA").Canonical() == parse(t, "party.not=UA").Canonical() {
		t.Error("different queries have the same canonical form")
	}
}

func TestCursor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.StringMatching(`[a-z0-9]+(-[a-z0-9]+)*`).Filter(func(s string) bool { return len(s) < 200 }).Draw(t, "id")
		revision := rapid.Int64Range(0, 1<<62).Draw(t, "revision")
		key := rapid.SampledFrom([]string{"2025-07-23", "infinity", "-infinity"}).Draw(t, "key")
		values := url.Values{"party": {"UA"}}
		l, err := query.Parse(values, exchanges)
		if err != nil {
			t.Fatal(err)
		}
		c := l.Cursor(revision, key, id)
		next, err := url.ParseQuery(l.Next(c))
		if err != nil {
			t.Fatal(err)
		}
		again, err := query.Parse(next, exchanges)
		if err != nil {
			t.Fatal(err)
		}
		if again.After == nil || *again.After != c || again.Canonical() != l.Canonical() {
			t.Fatalf("the next page is %+v after %+v", again, c)
		}
		// The page's permalink is of the same page, and its own permalink the same.
		pinned, err := url.ParseQuery(again.Pinned(revision))
		if err != nil {
			t.Fatal(err)
		}
		cited, err := query.Parse(pinned, exchanges)
		if err != nil || cited.After.ID != id || cited.After.Key != key || cited.Pinned(revision) != again.Pinned(revision) {
			t.Fatalf("the page is cited as %s, which is %+v, %v", again.Pinned(revision), cited.After, err)
		}
		// In another query the cursor is refused.
		next.Set("party", "RU")
		if _, err := query.Parse(next, exchanges); err == nil {
			t.Fatal("a cursor was taken for another query")
		}
	})
}

func TestCursorOfAnotherShape(t *testing.T) {
	l := parse(t, "")
	for _, key := range []string{"", "tomorrow", "2025-07-23T00:00:00Z", "1"} {
		values := url.Values{"cursor": {l.Cursor(1, key, "a").String()}}
		if _, err := query.Parse(values, exchanges); err == nil {
			t.Errorf("a cursor with the key %q was taken for a list sorted by date", key)
		}
	}
}

func TestRecordAndNone(t *testing.T) {
	if _, err := query.Record(url.Values{"fields": {"id"}, "_": {"1"}}, exchanges); err != nil {
		t.Error(err)
	}
	if _, err := query.Record(url.Values{"limit": {"1"}}, exchanges); err == nil {
		t.Error("a single record took limit=")
	}
	if err := query.None(url.Values{"utm_source": {"x"}}); err != nil {
		t.Error(err)
	}
	if err := query.None(url.Values{"x": {"1"}}); err == nil {
		t.Error("an address without parameters took one")
	}
}

// FuzzParse checks that whatever is sent, the answer is a checked list or faults in words, and that a canonical query is
// understood as the one that it came from.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"party=UA&date=2025", `venue="a,""b""",c`, "total=1..,..5&sort=-total", "q=x&cursor=AQ", "lat=-1.5..2e3", "fields=id,date&limit=3", "bbox=22,44.3,40.3,52.4", "bbox=1e1,-0,-1.5e-300,90&sort=id"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		values, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		l, err := query.Parse(values, exchanges)
		var failed *query.Error
		if errors.As(err, &failed) {
			if len(failed.Faults) == 0 || failed.Faults[0].Reason == "" {
				t.Fatalf("an error without a fault: %#v", failed)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		again, err := url.ParseQuery(l.Canonical())
		if err != nil {
			t.Fatal(err)
		}
		twin, err := query.Parse(again, exchanges)
		if err != nil {
			t.Fatalf("the canonical form %q of %q is refused: %v", l.Canonical(), raw, err)
		}
		if twin.Canonical() != l.Canonical() || cmp.Diff(l.Where, twin.Where) != "" || l.Search != twin.Search || l.Limit != twin.Limit || cmp.Diff(l.Box, twin.Box) != "" {
			t.Fatalf("%q and its canonical form %q differ", raw, l.Canonical())
		}
	})
}

// FuzzCursor checks that a cursor is refused or stands for exactly one page.
func FuzzCursor(f *testing.F) {
	values := url.Values{}
	l, err := query.Parse(values, exchanges)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(l.Cursor(1, "2025-07-23", "exchange-2025-07-23").String())
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := query.Parse(url.Values{"cursor": {text}}, exchanges)
		if err != nil {
			return
		}
		if got := l.After.String(); got != text {
			t.Fatalf("%q is taken for %q", text, got)
		}
	})
}
