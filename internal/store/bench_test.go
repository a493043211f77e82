package store_test

import (
	"context"
	"net/url"
	"os"
	"strconv"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/render"
	"github.com/parley-api/parley/internal/store"
)

// synthetic is a database with many exchanges of five versions each, made once for all benchmarks of a run.
var synthetic struct {
	once sync.Once
	db   *pgxpool.Pool
	err  error
}

// syntheticDB returns that database and the number of its exchanges: PARLEY_BENCH_RECORDS, or else 20,000.
func syntheticDB(b *testing.B) (*pgxpool.Pool, int) {
	b.Helper()
	n := 20_000
	if text := os.Getenv("PARLEY_BENCH_RECORDS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	synthetic.once.Do(func() {
		synthetic.db = pgtest.DB(b)
		synthetic.err = fill(synthetic.db, n)
	})
	if synthetic.err != nil {
		b.Fatal(synthetic.err)
	}
	return synthetic.db, n
}

// fill makes n exchanges over 9,000 days with two transfers each, and changes each of them four times.
func fill(db *pgxpool.Pool, n int) error {
	ctx := context.Background()
	statements := [][]string{{
		`insert into prisoner_exchanges (id, date, place, country, place_precision, summary)
			select 'synthetic-' || i, date '2000-01-01' + (i::bigint * 7919 % 9000)::int, 'Place ' || i % 100, (array['UA', 'BY', 'TR'])[1 + i % 3], 'city', 'Synthetic exchange ' || i
			from generate_series(1, ` + strconv.Itoa(n) + `) i`,
		`insert into prisoner_exchange_transfers (prisoner_exchange, from_party, to_party, total, position)
			select 'synthetic-' || i, (array['RU', 'UA'])[k], (array['UA', 'RU'])[k], i % 300, k from generate_series(1, ` + strconv.Itoa(n) + `) i, generate_series(1, 2) k`,
	}}
	for range 4 {
		statements = append(statements, []string{"update prisoner_exchanges set note = 'Changed in ' || current_setting('parley.changeset') where id like 'synthetic-%'"})
	}
	for _, changeset := range statements {
		err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "insert into changesets (author, message) values ('bench', 'synthetic')"); err != nil {
				return err
			}
			for _, sql := range changeset {
				if _, err := tx.Exec(ctx, sql); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	_, err := db.Exec(ctx, "vacuum analyze")
	return err
}

// BenchmarkRead compares the plain read of the current data with the same read of the past: at the current revision, and
// at one with four later versions of everything.
func BenchmarkRead(b *testing.B) {
	db, n := syntheticDB(b)
	middle := "synthetic-" + strconv.Itoa(n/2)
	queries := []struct{ name, parameters, id string }{
		{"record", "", middle},
		{"newest 50 of a country in 60 days", "country=TR&date=2020-01-01..2020-02-29&limit=50", ""},
		{"newest 100", "", ""},
		{"search", "q=synthetic+" + strconv.Itoa(n/3) + "&limit=50", ""},
	}
	moments := []struct {
		name string
		at   *int64
	}{{"plain", nil}, {"as of the current revision", new(int64(6))}, {"as of a revision four versions ago", new(int64(2))}}
	for _, q := range queries {
		for _, m := range moments {
			b.Run(q.name+"/"+m.name, func(b *testing.B) {
				parameters, err := url.ParseQuery(q.parameters)
				if err != nil {
					b.Fatal(err)
				}
				l, err := query.Parse(parameters, store.PrisonerExchanges.Grammar())
				if err != nil {
					b.Fatal(err)
				}
				if l.Limit == 0 {
					l.Limit = 100
				}
				question := store.Question{Table: store.PrisonerExchanges, List: l, At: m.at}
				record := render.Record{Columns: question.Shape()}
				var answer []byte
				add := func(row store.Row) {
					record.Values = row
					answer = render.AppendJSON(answer, record)
				}
				b.ReportAllocs()
				for b.Loop() {
					answer = answer[:0]
					if q.id != "" {
						_, err = store.One(b.Context(), db, question, q.id, add)
					} else {
						_, err = store.Page(b.Context(), db, question, add)
					}
					if err != nil || len(answer) == 0 {
						b.Fatal(len(answer), err)
					}
				}
			})
		}
	}
}
