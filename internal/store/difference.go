package store

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/record"
)

// RecordChange is what a changeset did to one record.
type RecordChange struct {
	Op         string // one of talks.ChangeOps
	Kind       *record.Kind
	ID         string
	Difference []record.Difference // field by field
	place      int64               // in the feed
}

// Differences streams what a changeset did to each record, in the order of the feed of changes, in constant memory.
func Differences(ctx context.Context, db *pgxpool.Pool, revision int64) iter.Seq2[RecordChange, error] {
	return func(yield func(RecordChange, error) bool) {
		err := pgx.BeginTxFunc(ctx, db, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, steadyHistory); err != nil {
				return err
			}
			for after := int64(0); ; {
				some, err := someChanges(ctx, tx, revision, after)
				if err != nil || len(some) == 0 {
					return err
				}
				for _, c := range some {
					if !yield(c, nil) {
						return nil
					}
					after = c.place
				}
			}
		})
		if err != nil {
			yield(RecordChange{}, fmt.Errorf("differences of changeset %d: %w", revision, err))
		}
	}
}

// changesOf is what a changeset did to each record, in the transaction of the changeset or a later one.
func changesOf(ctx context.Context, tx pgx.Tx, revision int64) (all []RecordChange, err error) {
	for after := int64(0); ; after = all[len(all)-1].place {
		some, err := someChanges(ctx, tx, revision, after)
		if err != nil || len(some) == 0 {
			return all, err
		}
		all = append(all, some...)
	}
}

// changesAtOnce bounds how many records are held in memory with what they were and what they became.
const changesAtOnce = 500

func someChanges(ctx context.Context, tx pgx.Tx, revision, after int64) ([]RecordChange, error) {
	rows, err := tx.Query(ctx, "select id, op::text, collection, record from public.changes where revision = $1 and id > $2 order by id limit $3", revision, after, changesAtOnce)
	if err != nil {
		return nil, err
	}
	ids := map[*record.Kind][]string{}
	some, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (RecordChange, error) {
		var c RecordChange
		var collection string
		err := row.Scan(&c.place, &c.Op, &collection, &c.ID)
		c.Kind = record.Find(collection)
		ids[c.Kind] = append(ids[c.Kind], c.ID)
		return c, err
	})
	if err != nil {
		return nil, err
	}
	before, err := documentsAt(ctx, tx, revision-1, ids)
	if err != nil {
		return nil, err
	}
	now, err := documentsAt(ctx, tx, revision, ids)
	if err != nil {
		return nil, err
	}
	for i, c := range some {
		some[i].Difference = c.Kind.Diff(before[c.Kind][c.ID], now[c.Kind][c.ID])
	}
	return some, nil
}

// DifferenceOf is what a changeset altered of one record that it updated.
func DifferenceOf(ctx context.Context, db *pgxpool.Pool, k *record.Kind, id string, revision int64) (all []record.Difference, err error) {
	ids := map[*record.Kind][]string{k: {id}}
	err = pgx.BeginTxFunc(ctx, db, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, steadyHistory); err != nil {
			return err
		}
		before, err := documentsAt(ctx, tx, revision-1, ids)
		if err != nil {
			return err
		}
		after, err := documentsAt(ctx, tx, revision, ids)
		all = k.Diff(before[k][id], after[k][id])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("difference of %s/%s at revision %d: %w", k.Collection, id, revision, err)
	}
	return all, nil
}

// documentsAt reads records as they stood at a revision.
func documentsAt(ctx context.Context, tx pgx.Tx, revision int64, ids map[*record.Kind][]string) (map[*record.Kind]map[string]record.Document, error) {
	if _, err := tx.Exec(ctx, readAsOf, revision, ""); err != nil {
		return nil, err
	}
	all := map[*record.Kind]map[string]record.Document{}
	for k, some := range ids {
		rows, err := tx.Query(ctx, "/* as_of */ "+tableOf(k).documents(k, nil), some)
		if err != nil {
			return nil, err
		}
		all[k] = map[string]record.Document{}
		var id string
		var last int64
		var text []byte
		_, err = pgx.ForEachRow(rows, []any{&id, &last, &text}, func() error {
			var shown map[string]any
			err := json.Unmarshal(text, &shown)
			all[k][id] = k.Stored(shown)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}
