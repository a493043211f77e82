package store_test

import (
	"net/url"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/render"
	"github.com/parley-api/parley/internal/store"
)

// BenchmarkRead compares the plain read of the current data with the same read where nothing has a history, and with that
// of the past: at the current revision, and at one with four later versions of everything.
func BenchmarkRead(b *testing.B) {
	db, n := syntheticDB(b, true)
	bare, _ := syntheticDB(b, false)
	middle := "synthetic-" + strconv.Itoa(n/2)
	queries := []struct{ name, parameters, id string }{
		{"record", "", middle},
		{"newest 50 of a country in 60 days", "country=TR&date=2020-01-01..2020-02-29&limit=50", ""},
		{"newest 100", "", ""},
		{"from Russia at least 299", "from=RU&total=299..&limit=50", ""},
		{"count of a country", "country=TR&total_count=true&limit=1", ""},
		{"search of one", "q=synthetic+" + strconv.Itoa(n/3) + "&limit=50", ""},
		{"search of one in a hundred", "q=%22place+77%22&limit=50", ""},
	}
	moments := []struct {
		name string
		db   *pgxpool.Pool
		at   *int64
	}{
		{"without history", bare, nil},
		{"plain", db, nil},
		{"as of the current revision", db, new(int64(versions + 1))},
		{"as of one version ago", db, new(int64(versions))},
		{"as of four versions ago", db, new(int64(2))},
	}
	for _, q := range queries {
		for _, m := range moments {
			b.Run(q.name+"/"+m.name, func(b *testing.B) { benchmarkRead(b, m.db, q.parameters, q.id, m.at) })
		}
	}
}

// BenchmarkFigures is reads that look at all of many records: searches through everything, totals, disputed figures.
func BenchmarkFigures(b *testing.B) {
	db, n := syntheticDB(b, false)
	run := func(table *store.Table, parameters string) func(b *testing.B) {
		return func(b *testing.B) {
			values, _ := url.ParseQuery(parameters)
			parse := query.Parse
			if values.Has("by") {
				parse = func(v url.Values, g query.Grammar) (query.List, error) { return query.Totals(v, g, store.TotalsBy) }
			}
			l, err := parse(values, table.Grammar())
			if err != nil {
				b.Fatal(err)
			}
			question := store.Question{Table: table, List: l}
			rows := 0
			for b.Loop() {
				rows = 0
				add := func(store.Row) { rows++ }
				if l.By != "" {
					_, err = store.Totals(b.Context(), db, question, add)
				} else {
					question.List.Limit = 50
					_, err = store.Page(b.Context(), db, question, add)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(rows), "rows")
		}
	}
	b.Run("search of one among all", run(store.Found, "q=synthetic+"+strconv.Itoa(n/3)))
	b.Run("search of one in a hundred among all", run(store.Found, "q=%22place+77%22"))
	b.Run("search with a slip", run(store.Found, "q=Umerof"))
	b.Run("search on the timeline", run(store.Events, "q=%22place+77%22"))
	b.Run("disputed", run(store.PrisonerExchanges, "disputed=true"))
	b.Run("totals by month", run(store.PrisonerExchanges, "by=month"))
	b.Run("totals by month of a country", run(store.PrisonerExchanges, "by=month&country=TR"))
	b.Run("totals by month of 60 days", run(store.PrisonerExchanges, "by=month&date=2020-01-01..2020-02-29"))
	b.Run("totals by month by a party's figures", run(store.PrisonerExchanges, "by=month&date=2020&reported_by=UA"))
	b.Run("published totals", run(store.PublishedTotals, ""))
	b.Run("commitments with progress", run(store.Commitments, ""))
}

func benchmarkRead(b *testing.B, db *pgxpool.Pool, parameters, id string, at *int64) {
	values, err := url.ParseQuery(parameters)
	if err != nil {
		b.Fatal(err)
	}
	l, err := query.Parse(values, store.PrisonerExchanges.Grammar())
	if err != nil {
		b.Fatal(err)
	}
	if l.Limit == 0 {
		l.Limit = 100
	}
	question := store.Question{Table: store.PrisonerExchanges, List: l, At: at, Newest: at != nil && *at == versions+1}
	record := render.Record{Columns: question.Shape()}
	var answer []byte
	add := func(row store.Row) {
		record.Values = row
		answer = render.AppendJSON(answer, record)
	}
	b.ReportAllocs()
	for b.Loop() {
		answer = answer[:0]
		if id != "" {
			_, err = store.One(b.Context(), db, question, id, add)
		} else {
			_, err = store.Page(b.Context(), db, question, add)
		}
		if err != nil || len(answer) == 0 {
			b.Fatal(len(answer), err)
		}
	}
}

// BenchmarkWithin finds out what a changeset of one exchange changes within a query.
func BenchmarkWithin(b *testing.B) {
	db, n := syntheticDB(b, true)
	revision := pgtest.Change(b, db, nil, "update prisoner_exchanges set note = 'Changed once more' where id = 'synthetic-"+strconv.Itoa(n/2)+"'")
	for _, q := range []struct {
		table      *store.Table
		parameters string
	}{
		{store.PrisonerExchanges, ""},
		{store.PrisonerExchanges, "country=TR&fields=id,date"},
		{store.Events, "type=prisoner_exchange"},
		{store.Commitments, ""},
		{store.Changes, ""},
		{store.Claims, ""},
	} {
		b.Run(q.table.Name+"?"+q.parameters, func(b *testing.B) {
			values, _ := url.ParseQuery(q.parameters)
			l, err := query.Parse(values, q.table.Grammar())
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				for _, err := range store.Between(b.Context(), db, store.Question{Table: q.table, List: l}, revision-1, revision) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
