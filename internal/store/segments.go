package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// History stands in segments: the open one, and closed ones that end at a cut (migrations/00012_history_segments.sql).
const (
	// steadyHistory, before the snapshot of a transaction is taken, keeps history from being cut until it ends.
	steadyHistory = "lock table as_of.segments in access share mode"
	// readAsOf sets a transaction to read the past as it stood at a revision, with the figures of a party ("": the
	// best-supported ones); readReported to read the present with those of a party.
	readAsOf = `select set_config('search_path', case when $2 = '' then '' else 'reported_' || s.past || ', ' end || s.past || ', public', true),
		set_config('parley.as_of', ($1::bigint)::text, true), set_config('parley.reported_by', $2, true)
		from (select coalesce((select 'as_of_' || min(until) from as_of.segments where until > $1::bigint), 'as_of') as past) s`
	readReported = "select set_config('search_path', 'reported, public', true), set_config('parley.reported_by', $1, true)"
)

// How many versions of the rows of a table must have ended before its history is cut: so many (fewer cost a reader of the
// past nothing worth a table of their own), and such a share of the number of rows.
const (
	LeastEnded = 5_000
	EndedShare = 0.5
)

// CloseSegments cuts the history of every table in which enough versions have ended, and returns how many segments it
// closed. Without it, reading the past would cost more with every version; with it, a read of any moment looks through
// little more than its own rows and a share of as many again. Nothing that is read changes.
//
// While it moves versions nobody writes. It gives up if readers of the past, such as exports, do not let it finish within
// a few seconds.
func CloseSegments(ctx context.Context, db *pgxpool.Pool, leastEnded int64, share float64) (closed int64, err error) {
	var tables []string
	err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "set local statement_timeout = 0; set local lock_timeout = '3s'"); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, "select closed::text from close_segments($1, $2)", leastEnded, share)
		if err != nil {
			return err
		}
		tables, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("closing segments of history: %w", err)
	}
	for i, table := range tables {
		if i > 0 && table == tables[i-1] {
			continue
		}
		// The room that moved versions leave is for the next ones.
		if _, err := db.Exec(ctx, "vacuum (analyze) history."+pgx.Identifier{table}.Sanitize()); err != nil {
			return int64(len(tables)), fmt.Errorf("after closing segments of history: %w", err)
		}
	}
	return int64(len(tables)), nil
}
