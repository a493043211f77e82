package store

import (
	"context"
	"errors"
	"fmt"
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
			sql, args := plain.statement(nil)
			rows, err := tx.Query(ctx, sql, args...)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				row := rows.RawValues()
				if !yield(row[:len(row)-extra], nil) {
					return errStopped
				}
			}
			return rows.Err()
		})
		if err != nil && !errors.Is(err, errStopped) {
			yield(nil, fmt.Errorf("stream of %s: %w", q.Table.Name, err))
		}
	}
}

// prepare sets a transaction to the moment of the question. A statement that is streamed lasts as long as its reader takes: how
// long that may be, the connection says.
func (q Question) prepare(ctx context.Context, tx pgx.Tx, info *Info) error {
	var batch pgx.Batch
	q.queueMoment(&batch, info, q.Counts && q.Table.Covers)
	if q.Counts {
		q.queueCounts(&batch, info)
	}
	return tx.SendBatch(ctx, &batch).Close()
}

var errStopped = errors.New("the reader has seen enough")
