package main

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// sums is a question about totals, and the condition on exchanges x and transfers t that a person writes for it.
type sums struct {
	name, query, where string
	target             float64
}

var questions = []sums{
	{"by month", "", "", 200},
	{"by month, of a country", "&country=TR", "where x.country = 'TR'", 20},
	{"by month, in one direction", "&from=RU&to=UA", "where t.from_party = 'RU' and t.to_party = 'UA'", 20},
	{"by month, of a commitment", "&commitment=synthetic-commitment-2010", "where x.commitment = 'synthetic-commitment-2010'", 20},
	{"by month, at a place", "&place=Place%207", "where x.place = 'Place 7'", 1},
}

// plainSums is the aggregate as one writes it over the tables.
const plainSums = `select date_trunc('month', x.date)::date, t.from_party, t.to_party, count(*), count(*) filter (where t.total is null), sum(t.total)
	from prisoner_exchanges x join prisoner_exchange_transfers t on t.prisoner_exchange = x.id %s group by 1, 2, 3 order by 1, 2, 3`

// totals compares sums with the plain aggregate, each on one connection and without any cache.
func (b *bench) totals() (s section, err error) {
	s.about = "Sums by month, without the cache, compared with the plain SQL aggregate through pgx; both on one connection. Median latencies in milliseconds; how many times faster. Where no sums are kept, the target is to be no worse."
	parley, err := b.start(b.url, "", "PARLEY_CACHE=0")
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, parley.stop()) }()
	conn, err := b.db.Acquire(b.ctx)
	if err != nil {
		return s, fmt.Errorf("connecting: %w", err)
	}
	defer conn.Release()
	for _, q := range questions {
		request := get(parley.address, "/v1/prisoner-exchanges/totals?by=month"+q.query, "")
		figures, err := b.alternate(
			func(window time.Duration) (float64, error) { return b.latency(parley.address, always(request), window) },
			func(window time.Duration) (float64, error) {
				return b.statement(conn.Conn(), fmt.Sprintf(plainSums, q.where), window)
			})
		if err != nil {
			return s, fmt.Errorf("%s: %w", q.name, err)
		}
		l := faster(q.name, figures[1], figures[0], "ms", q.target) // rates are the other way round
		if q.target == 1 {
			l = noWorse(q.name, figures[1], figures[0], "ms")
		}
		l.parley, l.rival = l.rival, l.parley
		s.lines = append(s.lines, l)
	}
	return s, nil
}

// latency is the median of what requests take on one connection, in milliseconds.
func (b *bench) latency(address string, r requests, window time.Duration) (float64, error) {
	var next atomic.Uint64
	l, err := load{address: address, connections: 1, window: window, status: 200, requests: r, next: &next}.run(b.ctx)
	return inMillis(percentile(l.latencies, 0.5)), err
}

// statement is the median of what a statement takes, in milliseconds. It is carried out once at least.
func (b *bench) statement(conn *pgx.Conn, sql string, window time.Duration) (float64, error) {
	var took []float64
	for end := time.Now().Add(window); len(took) == 0 || time.Now().Before(end); {
		begin := time.Now()
		rows, err := conn.Query(b.ctx, sql)
		if err != nil {
			return 0, err
		}
		for rows.Next() {
			rows.RawValues()
		}
		if err := rows.Err(); err != nil {
			return 0, err
		}
		took = append(took, inMillis(time.Since(begin)))
	}
	return median(took), nil
}

func inMillis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
