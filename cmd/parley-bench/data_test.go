package main

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/httpapi"
	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/store"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// filled is a database with 200 exchanges, made in two steps and in changesets that end within the second.
func filled(t *testing.T) (*pgxpool.Pool, dataset) {
	t.Helper()
	db := pgtest.DB(t)
	if err := recordAll(t.Context(), db, "as of a run that came no further", foundations()); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{100, 200, 200, 150} { // the last two have nothing to do
		if err := fill(t.Context(), db, size, 70, io.Discard); err != nil {
			t.Fatal(err)
		}
	}
	d, err := look(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	// The seed is 1; people, 100 rounds by sevens, exchanges by seventies up to 100 and from there.
	if want := (dataset{exchanges: 200, rounds: 100, revision: 1 + 1 + 15 + 2 + 2}); d != want {
		t.Fatalf("%+v, want %+v", d, want)
	}
	return db, d
}

func address(s *httptest.Server) string { return strings.TrimPrefix(s.URL, "http://") }

func serveTest(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return address(server)
}

// TestData: the API shows what was promised, and the service written by hand shows the same.
func TestData(t *testing.T) {
	db, d := filled(t)
	parley := serveTest(t, httpapi.New(httpapi.Options{DB: db, Watch: store.NewWatch(db), Log: slog.New(slog.DiscardHandler)}))
	rival := serveTest(t, handwritten{db}.routes())

	for target, parts := range map[string][]string{
		"/v1/prisoner-exchanges/synthetic-133": {
			`"date":"2000-08-15"`, `"place":"Place 33","country":"BY"`, `"place_precision":"city"`, `"summary":"Synthetic exchange 133"`, `"mediators":["AE"]`,
			`{"from":"RU","to":"UA","total":133,"total_low":133,"total_high":134,"total_status":"disputed","pows":119`,
			`{"from":"UA","to":"RU","total":133,"total_low":133,"total_high":133,"total_status":"single_source"`,
			`"sources":[{"id":"synthetic-source-33","publisher":"Synthetic"`,
			`{"field":"transfers.RU-UA.total","value":134,"qualifier":"exactly","party":"UA"`, `{"field":"transfers.UA-RU.total","value":133,"qualifier":"exactly","party":"RU"`,
		},
		"/v1/prisoner-exchanges/synthetic-7":                                {`"country":"BY"`, `"note":"Synthetic note on exchange 7."`, `"commitment":"synthetic-commitment-2003"`, `"mediators":[]`},
		"/v1/rounds/synthetic-round-100":                                    {`"process":"synthetic-process"`, `"parties":["RU","UA"]`, `"reported_size":5`, `{"person":"synthetic-person-0","name":"Synthetic Person 0","role":"Synthetic delegate 1"}`},
		"/v1/prisoner-exchanges?q=synthetic&total_count=true&limit=1":       {`"total":200`},
		"/v1/prisoner-exchanges?place=Place+33&total_count=true&limit=1":    {`"total":2`},
		"/v1/rounds?process=synthetic-process&total_count=true&limit=1":     {`"total":100`},
		"/v1/people?q=synthetic&total_count=true&limit=1":                   {`"total":200`},
		"/v1/sources?publisher=Synthetic&total_count=true&limit=1":          {`"total":100`},
		"/v1/prisoner-exchanges?disputed=true&q=synthetic&total_count=true": {`"total":20`},
	} {
		a, body, err := fetch(parley, get(parley, target, ""))
		if err != nil || a.status != 200 {
			t.Fatal(target, a.status, err)
		}
		for _, part := range parts {
			if !strings.Contains(string(body), part) {
				t.Errorf("%s has no %s:\n%s", target, part, body)
			}
		}
	}

	for _, item := range d.cold() {
		for n := range uint64(30) {
			if err := agree(parley, item.parley(n), rival, item.handwritten(n)); err != nil {
				t.Errorf("%s: %v", item.name, err)
			}
		}
	}
	// Those of the seed have what synthetic ones have not: proposals, claims, texts as values.
	for _, path := range []string{
		"/v1/rounds/istanbul-2025-3", "/v1/rounds/istanbul-2025-2", "/v1/rounds/abu-dhabi-2026-2", "/v1/prisoner-exchanges/exchange-2025-05-23",
		"/v1/prisoner-exchanges?limit=1000", "/v1/prisoner-exchanges?country=JP",
	} {
		if err := agree(parley, path, rival, path); err != nil {
			t.Error(err)
		}
	}
}

// TestExports: the three that whole lists are compared with are the same lists.
func TestExports(t *testing.T) {
	db, _ := filled(t)
	parley := serveTest(t, httpapi.New(httpapi.Options{DB: db, Watch: store.NewWatch(db), Log: slog.New(slog.DiscardHandler)}))
	rival := serveTest(t, handwritten{db}.routes())
	const days = "?date=2000-01-01..2024-12-31"
	var exports [3]string
	for i, from := range []struct{ address, path string }{{parley, "/v1/prisoner-exchanges.ndjson" + days}, {rival, "/v1/prisoner-exchanges.ndjson" + days}, {parley, "/v1/prisoner-exchanges.csv" + days}} {
		a, body, err := fetch(from.address, get(from.address, from.path, ""))
		if err != nil || a.status != 200 {
			t.Fatal(from.path, a.status, err)
		}
		exports[i] = string(body)
	}
	ours, theirs := strings.Split(exports[0], "\n"), strings.Split(exports[1], "\n")
	if len(ours) != len(theirs) {
		t.Fatalf("%d records, %d by hand", len(ours), len(theirs))
	}
	for i := range ours[:len(ours)-1] {
		all, err := differences([]byte(ours[i]), []byte(theirs[i]), parley, rival)
		if err != nil || all != nil {
			t.Error(err, all)
		}
	}
	var copied sink
	conn, err := db.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Conn().PgConn().CopyTo(t.Context(), &copied, csvStatement("http://"+parley, "2000-01-01", "2024-12-31")); err != nil {
		t.Fatal(err)
	}
	plain := strings.ReplaceAll(exports[2], "\r\n", "\n")
	if diff := cmp.Diff(withoutLast(string(copied)), withoutLast(plain)); diff != "" {
		t.Errorf("by COPY (-), by Parley (+):\n%.3000s", diff)
	}
}

// withoutLast is a CSV without its last column: COPY writes an instant in its own way.
func withoutLast(csv string) string {
	rows := strings.Split(csv, "\n")
	for i, row := range rows {
		rows[i] = row[:max(0, strings.LastIndexByte(row, ','))]
	}
	return strings.Join(rows, "\n")
}

func TestDifferences(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want []string
	}{
		{`{"a": 1, "url": "http://one/x"}`, `{"url": "http://two/x", "a": 1}`, nil},
		{`{"a": null}`, `{"a": 0}`, []string{"/a: <nil>, 0"}},
		{`{"a": [1, 2]}`, `{"a": [1]}`, []string{"/a: [1 2], [1]"}},
		{`{"a": {"b": [{"c": 1}]}}`, `{"a": {"b": [{"c": 2}]}}`, []string{"/a/b/0/c: 1, 2"}},
		{`{"next": "http://one/a"}`, `{"next": "http://two/b"}`, nil},
		{`{"next": "http://one/a"}`, `{"next": null}`, []string{"/next: an address, <nil>"}},
	} {
		got, err := differences([]byte(c.a), []byte(c.b), "one", "two")
		if err != nil || !cmp.Equal(got, c.want) {
			t.Errorf("%s and %s: %v %v", c.a, c.b, got, err)
		}
	}
}
