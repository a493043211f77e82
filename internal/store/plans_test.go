package store_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/store"
)

// TestPlans: what is asked most often reads a bounded number of pages of the database, whatever its size: of 20,000 exchanges
// with several versions each, no more than an answer needs. A plan that looks through all of them reads ten times as many.
func TestPlans(t *testing.T) {
	const records = 20_000
	db := pgtest.DB(t)
	if err := fill(t.Context(), db, records, versions); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Keep(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(t.Context(), "vacuum analyze"); err != nil {
		t.Fatal(err)
	}
	pool, tr := traced(t, db)
	past, newest := int64(versions), int64(versions+1) // in a closed segment of history, and in the open one
	for _, c := range []struct {
		name, parameters, id string
		at                   *int64
		most                 int // pages that all statements read, found in memory or not
	}{
		{"a record by id", "", "synthetic-10000", nil, 25},
		{"a record by id in the past", "", "synthetic-10000", &past, 60},
		{"newest 50 of a country in 60 days", "country=TR&date=2020-01-01..2020-02-29&limit=50", "", nil, 600},
		{"newest 50 of a country", "country=TR&limit=50", "", nil, 500},
		{"newest 50 of a country in the past", "country=TR&limit=50", "", &past, 1000},
		{"newest 50", "limit=50", "", nil, 500},
		{"the page after an exchange in the middle", "limit=50&cursor=middle", "", nil, 500},
		{"the page after one of the last exchanges", "limit=50&cursor=end", "", nil, 500},
		{"newest 50 of the past", "limit=50", "", &past, 2000},
		{"a record by id at a revision", "", "synthetic-10000", &newest, 60},
		{"newest 50 at a revision", "limit=50", "", &newest, 1400},
		{"newest 50 of a country at a revision", "country=TR&limit=50", "", &newest, 1000},
		{"a box of few at a revision", "bbox=30,50,30.5,50.5&limit=50", "", &newest, 800},
		{"totals by month at a revision", "by=month", "", &newest, 300},
		{"search that finds one", "q=synthetic+777&limit=50", "", nil, 500},
		{"a box of few", "bbox=30,50,30.5,50.5&limit=50", "", nil, 500},
		{"a box of none", "bbox=100,50,101,50.5&limit=50", "", nil, 100},
		{"a box of many", "bbox=22,44,40,52&limit=50", "", nil, 1000},
		{"a box of few in the past", "bbox=30,50,30.5,50.5&limit=50", "", &past, 800},
		{"totals by month", "by=month", "", nil, 2500},
		{"totals by month of a country", "by=month&country=TR", "", nil, 2500},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := planned(t, c.parameters)
			q.At = c.at
			tr.take()
			var err error
			switch {
			case c.id != "":
				_, err = store.One(t.Context(), pool, q, c.id, func(store.Row) {})
			case q.List.By != "":
				_, err = store.Totals(t.Context(), pool, q, func(store.Row) {})
			default:
				_, err = store.Page(t.Context(), pool, q, func(store.Row) {})
			}
			if err != nil {
				t.Fatal(err)
			}
			read, plans := pagesRead(t, pool, tr.take())
			t.Logf("%d pages", read)
			if read > c.most {
				t.Errorf("reads %d pages, and not %d at the most:\n%s", read, c.most, plans)
			}
		})
	}
}

// planned is the question for some parameters. A cursor stands for one after an exchange of the middle or the end.
func planned(t *testing.T, parameters string) store.Question {
	t.Helper()
	values, err := url.ParseQuery(parameters)
	if err != nil {
		t.Fatal(err)
	}
	grammar := store.PrisonerExchanges.Grammar()
	if after := map[string][2]string{"middle": {"2012-06-01", "synthetic-1"}, "end": {"2000-01-09", "synthetic-1"}}[values.Get("cursor")]; after[0] != "" {
		values.Del("cursor")
		l, err := query.Parse(values, grammar)
		if err != nil {
			t.Fatal(err)
		}
		values.Set("cursor", l.Cursor(versions+1, after[0], after[1]).String())
	}
	parse := query.Parse
	if values.Has("by") {
		parse = func(v url.Values, g query.Grammar) (query.List, error) { return query.Totals(v, g, store.TotalsBy) }
	}
	l, err := parse(values, grammar)
	if err != nil {
		t.Fatal(err)
	}
	if l.Limit == 0 {
		l.Limit = 50
	}
	return store.Question{Table: store.PrisonerExchanges, List: l}
}

// pagesRead carries statements out again and counts the pages that they read; and shows how.
func pagesRead(t *testing.T, db *pgxpool.Pool, all []asked) (read int, plans string) {
	t.Helper()
	tx, err := db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	for _, a := range all {
		switch word, _, _ := strings.Cut(a.sql, " "); word {
		case "begin", "commit":
		case "set", "lock":
			if _, err := tx.Exec(t.Context(), a.sql); err != nil {
				t.Fatal(err)
			}
		default:
			if strings.Contains(a.sql, "set_config") { // it must be set, not explained
				if _, err := tx.Exec(t.Context(), a.sql, a.args...); err != nil {
					t.Fatal(err)
				}
				continue
			}
			p := explain(t, tx, "analyze, buffers", a)
			read += p.Hit + p.Read
			p.walk(func(p plan) {
				plans += strings.Join([]string{p.Type, p.Relation, p.Index, "\n"}, " ")
			})
		}
	}
	return read, plans
}
