package store

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Parts of records are kept as they are shown, in the schema "kept" (migrations/00020_kept.sql). A reader of the present
// takes what holds from there, and puts the rest together from its rows; [Keep] makes what does not hold anew.

// keptJoin joins what is kept of records x as k: all null where it does not hold.
func (t *Table) keptJoin() string {
	return fmt.Sprintf(" left join kept.%s k on k.id = x.id and k.revision = x.revision and k.form = %d", t.Base, t.keptForm())
}

// kept is SQL for what is shown of a column that is kept.
func (c *Column) kept(u use) string {
	if u == kept {
		return "k." + c.Name
	}
	return "case when k.id is null then " + c.shown() + " else k." + c.Name + " end"
}

// keptForm stands for the SQL that makes what is kept.
func (t *Table) keptForm() int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(t.keptSQL()))
	return int64(h.Sum64() >> 1)
}

// keptSQL is what is kept of records x, in the order of Table.Kept.
func (t *Table) keptSQL() string {
	exprs := make([]string, len(t.Kept))
	for i, name := range t.Kept {
		exprs[i] = t.column(name).shown()
	}
	return strings.Join(exprs, ", ")
}

// keptAtOnce is how many records one transaction keeps. No changeset is recorded meanwhile. lookedThrough is how many
// changes it looks through for them.
const (
	keptAtOnce    = 200
	lookedThrough = 10 * keptAtOnce
)

// Keep makes what is not kept yet, or no longer holds, and returns of how many records. Each transaction sees to a few. It
// ends when what was left is less than that, or somebody else is at it; so whoever records changesets one after the other
// is not kept waiting for every single one of them.
func Keep(ctx context.Context, db *pgxpool.Pool) (kept int64, err error) {
	for _, t := range Tables {
		for more := t.Kept != nil; more; {
			var n int64
			if n, more, err = t.keep(ctx, db); err != nil {
				return kept, fmt.Errorf("keeping %s: %w", t.Name, err)
			}
			kept += n
		}
	}
	return kept, nil
}

// keep sees to some records, and reports whether there may be more.
func (t *Table) keep(ctx context.Context, db *pgxpool.Pool) (n int64, more bool, err error) {
	err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		// What a crash undoes is made again.
		const begin = "select pg_try_advisory_xact_lock(hashtext('parley.kept')), set_config('synchronous_commit', 'off', true)"
		var mine bool
		if err := tx.QueryRow(ctx, begin).Scan(&mine, nil); err != nil || !mine {
			return err
		}
		p, err := t.keeping(ctx, tx)
		if err != nil {
			return err
		}
		ids, err := p.due(ctx, tx, t)
		if err != nil || len(ids) == 0 && !p.more && !p.walked {
			return err // the few changes of others are looked through again the next time
		}
		if more = p.more; len(ids) > 0 {
			if err := t.keepRecords(ctx, tx, ids); err != nil {
				return err
			}
		}
		n = int64(len(ids))
		_, err = tx.Exec(ctx, "update kept.progress set change = $3, walked_to = $4 where collection = $1 and form = $2", t.Name, t.keptForm(), p.change, p.walkedTo)
		return err
	})
	return n, more, err
}

// keepRecords keeps records. They must not change between that and the commit.
func (t *Table) keepRecords(ctx context.Context, tx pgx.Tx, ids []string) error {
	// By itself: the lock comes before the snapshot.
	if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock(hashtext('parley.changesets'))"); err != nil {
		return err
	}
	var batch pgx.Batch
	batch.Queue(fmt.Sprintf("delete from kept.%s where id = any($1::text[])", t.Base), ids)
	batch.Queue(fmt.Sprintf("insert into kept.%[1]s (id, revision, form, %[2]s) select x.id, x.revision, $2, %[3]s from %[1]s x where x.id = any($1::text[])",
		t.Base, strings.Join(t.Kept, ", "), t.keptSQL()), ids, t.keptForm())
	return tx.SendBatch(ctx, &batch).Close()
}

// keeping is how far the records of a collection are kept.
type keeping struct {
	change   int64
	walkedTo *string
	walked   bool // further than before
	more     bool // there may be more to keep
}

func (t *Table) keeping(ctx context.Context, tx pgx.Tx) (*keeping, error) {
	var p keeping
	err := tx.QueryRow(ctx, "select change, walked_to from kept.progress where collection = $1 and form = $2", t.Name, t.keptForm()).Scan(&p.change, &p.walkedTo)
	if !errors.Is(err, pgx.ErrNoRows) {
		return &p, err
	}
	p.walkedTo = new(string)
	const begin = `with begun as (select coalesce(max(id), 0) as change from changes), other as (delete from kept.progress where collection = $1)
		insert into kept.progress select $1, $2, change, '' from begun returning change`
	return &p, tx.QueryRow(ctx, begin, t.Name, t.keptForm()).Scan(&p.change)
}

// due finds the next records to keep: on the first walk the next ones by id, then those that changed, and those of which
// something else did.
func (p *keeping) due(ctx context.Context, tx pgx.Tx, t *Table) (ids []string, err error) {
	if p.walkedTo != nil {
		ids, err = texts(ctx, tx, "select id::text from "+t.Base+" where id > $1 order by id limit $2", *p.walkedTo, keptAtOnce)
		p.walked, p.more = true, true
		if len(ids) < keptAtOnce {
			p.walkedTo = nil
		} else {
			p.walkedTo = &ids[len(ids)-1]
		}
		return ids, err
	}
	ids, err = texts(ctx, tx, fmt.Sprintf("select id::text from kept.%s where revision = 0 limit $1", t.Base), keptAtOnce)
	if err != nil || len(ids) == keptAtOnce {
		p.more = true
		return ids, err
	}
	rows, err := tx.Query(ctx, "select id, collection, record from changes where id > $1 order by id limit $2", p.change, lookedThrough)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	seen := map[string]bool{}
	for _, id := range ids {
		seen[id] = true
	}
	for n := 1; rows.Next(); n++ {
		var collection, record string
		if err := rows.Scan(&p.change, &collection, &record); err != nil {
			return nil, err
		}
		if collection == t.Name && !seen[record] {
			seen[record] = true
			ids = append(ids, record)
		}
		if p.more = n == lookedThrough || len(ids) == keptAtOnce; p.more {
			break
		}
	}
	rows.Close() // before its error is asked for: not all may have been read
	return ids, rows.Err()
}

func texts(ctx context.Context, tx pgx.Tx, sql string, args ...any) ([]string, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
