package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// History stands in segments: the open one, which is what is valid and what ended since the last cut, and closed ones that
// end at a cut (migrations/00034_history_of_what_ended.sql).
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
// Each cut is a transaction of its own. Readers of the past, and who writes, wait only while it puts the new segment in its
// place; where many are due, they have time for themselves in between. It gives up if exports do not let it do so within a
// few seconds.
func CloseSegments(ctx context.Context, db *pgxpool.Pool, leastEnded int64, share float64) (closed int64, err error) {
	conn, err := db.Acquire(ctx)
	if err != nil {
		return 0, fmt.Errorf("closing segments of history: %w", err)
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, "set statement_timeout = 0; set lock_timeout = '3s'"); err != nil {
		return 0, fmt.Errorf("closing segments of history: %w", err)
	}
	defer func() { _, _ = conn.Exec(context.WithoutCancel(ctx), "reset statement_timeout; reset lock_timeout") }()
	tables := map[string]bool{}
	for {
		var table *string
		begin := time.Now()
		if err := conn.QueryRow(ctx, "select closed::text from close_due_segment($1, $2)", leastEnded, share).Scan(&table); err != nil {
			return closed, fmt.Errorf("closing segments of history: %w", err)
		}
		if table == nil {
			break
		}
		closed++
		tables[*table] = true
		select {
		case <-time.After(2 * time.Since(begin)):
		case <-ctx.Done():
			return closed, fmt.Errorf("closing segments of history: %w", ctx.Err())
		}
	}
	for table := range tables {
		// The room that moved versions leave is for the next ones.
		if _, err := conn.Exec(ctx, "vacuum (analyze) ended."+pgx.Identifier{table}.Sanitize()); err != nil {
			return closed, fmt.Errorf("after closing segments of history: %w", err)
		}
	}
	return closed, nil
}
