package store

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Each streams the records of a list, all of them if List.Limit is 0, in constant memory. What it has read is set in
// info before the first row comes. A search that finds nothing is as with [Page].
func Each(ctx context.Context, db *pgxpool.Pool, q Question, info *Info) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		ctx, end := traced(ctx, "Each", q.Table.Name)
		var failed error
		defer func() { end(failed) }()
		found := false
		for row, err := range q.each(ctx, db, info) {
			found, failed = true, err
			if !yield(row, err) {
				return
			}
		}
		if found || q.List.Search == "" {
			return
		}
		switch meant, err := q.meant(ctx, db, info.Revision); {
		case err != nil:
			yield(nil, err)
		case meant != nil:
			info.DidYouMean = meant.List.Search
			for row, err := range meant.each(ctx, db, info) {
				found = true
				if !yield(row, err) {
					return
				}
			}
			if !found {
				info.DidYouMean = ""
			}
		}
	}
}

func (q Question) each(ctx context.Context, db *pgxpool.Pool, info *Info) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		err := pgx.BeginTxFunc(ctx, db, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
			if q.At != nil { // by itself: a batch is prepared first, and that takes the snapshot
				if _, err := tx.Exec(ctx, steadyHistory); err != nil {
					return err
				}
			}
			plain, ok := q.plain()
			if err := plain.prepare(ctx, tx, info); err != nil {
				return err
			}
			if ok && info.Revision != *q.At {
				if err := q.prepare(ctx, tx, info); err != nil {
					return err
				}
				plain = q
			}
			plain.mixed = true
			return plain.fetch(ctx, tx, func(row Row) bool { return yield(row, nil) })
		})
		if err != nil && !errors.Is(err, errStopped) {
			yield(nil, fmt.Errorf("stream of %s: %w", q.Table.Name, err))
		}
	}
}

// ManyAtOnce is how many rows are asked for at a time where nobody says how many: enough that the way there and back does not
// count. The database makes sentAtOnce of them before it sends any, and makes the next while we take those.
const (
	ManyAtOnce = 8_000
	sentAtOnce = 500
)

// fetch goes through the question's rows by a cursor, so that between the rows that are asked for at a time the database rests
// too. Else it works ahead as far as there is room on the way to us, some thousand rows.
func (q Question) fetch(ctx context.Context, tx pgx.Tx, yield func(Row) bool) error {
	sql, args := q.statement(nil)
	// Connections remember what the rows of a statement are like: so those of other rows have another name.
	shape := fnv.New64a()
	_, _ = shape.Write([]byte(sql))
	name := fmt.Sprintf("rows_%016x", shape.Sum64())
	if _, err := tx.Exec(ctx, "declare "+name+" no scroll cursor for "+sql, args...); err != nil {
		return err
	}
	for {
		most := ManyAtOnce
		if q.AtOnce != nil {
			most = q.AtOnce()
		}
		switch fetched, err := fetchSome(ctx, tx, name, most, yield); {
		case err != nil:
			return err
		case fetched < most:
			return nil
		}
	}
}

// fetchSome fetches at the most so many rows from a cursor.
func fetchSome(ctx context.Context, tx pgx.Tx, cursor string, most int, yield func(Row) bool) (fetched int, err error) {
	var batch pgx.Batch
	for left := most; left > 0; left -= sentAtOnce {
		batch.Queue(fmt.Sprintf("fetch %d from %s", min(left, sentAtOnce), cursor))
	}
	results := tx.SendBatch(ctx, &batch)
	defer func() { err = errors.Join(err, results.Close()) }()
	for range batch.Len() {
		rows, err := results.Query()
		if err != nil {
			return fetched, err
		}
		for ; rows.Next(); fetched++ {
			if row := rows.RawValues(); !yield(row[:len(row)-extra]) {
				return fetched, errStopped
			}
		}
		if rows.Err() != nil {
			return fetched, rows.Err()
		}
	}
	return fetched, nil
}

// prepare sets a transaction to the moment of the question. A statement that is streamed lasts as long as its reader takes: how
// long that may be, the connection says.
func (q Question) prepare(ctx context.Context, tx pgx.Tx, info *Info) error {
	var batch pgx.Batch
	batch.Queue("set local cursor_tuple_fraction = 1") // all rows are wanted
	q.queueMoment(&batch, info, q.Counts && q.Table.Covers)
	if q.Counts {
		q.queueCounts(&batch, info)
	}
	return tx.SendBatch(ctx, &batch).Close()
}

var errStopped = errors.New("the reader has seen enough")
