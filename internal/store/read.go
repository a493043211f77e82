package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/query"
)

// ErrNotFound says that a collection has no record of that id.
var ErrNotFound = errors.New("no such record")

// Row is the values of one answer row in PostgreSQL's binary format, in the order of the answer's [Shape]; nil is null.
// It is valid until the next row.
type Row [][]byte

// Form is the kind of representation that an answer is for.
type Form bool

// Nested forms show a record whole; Flat ones are tables of one value a cell.
const (
	Nested Form = false
	Flat   Form = true
)

// Info is what an answer says beside its rows.
type Info struct {
	Revision int64
	Coverage []byte        // JSON; nil for a collection that coverage does not speak of
	Total    *int64        // if asked for
	Undated  *int64        // records left out only because they have no date; nil if no filter can do that
	Next     *query.Cursor // nil on the last page
}

// Revision returns the revision of the data set: the id of its last changeset, 0 before the first.
func Revision(ctx context.Context, db *pgxpool.Pool) (revision int64, err error) {
	err = db.QueryRow(ctx, revisionSQL).Scan(&revision)
	return revision, err
}

const revisionSQL = "select coalesce(max(id), 0) from changesets"

// ErrMoved says that a cursor belongs to an earlier revision of the data set than the current one.
type ErrMoved struct{ From, To int64 }

func (e *ErrMoved) Error() string {
	return fmt.Sprintf("the data set has moved on from revision %d to %d since the walk began", e.From, e.To)
}

// coverageSQL is the coverage of one collection as JSON, or null.
const coverageSQL = `select to_json(c) from (
	select min(starts_on) as "from", max(ends_on) as "to",
		array_to_json(array(select m from (
			select year, missing from coverage where collection = $1 and missing is not null order by year nulls first) m)) as missing
	from coverage where collection = $1 having count(*) > 0) c`

// Shape returns the columns that Page, Each and One answer with.
func (t *Table) Shape(form Form, fields []string) Shape { return t.selection(form, fields).shape }

func (t *Table) selection(form Form, fields []string) selection {
	if form == Flat {
		return t.flat(fields)
	}
	return t.nested(fields)
}

// Page reads one page of a list, of at most l.Limit records, and hands each row to add. It takes one round trip.
func Page(ctx context.Context, db *pgxpool.Pool, t *Table, l query.List, form Form, add func(Row)) (Info, error) {
	var info Info
	var batch pgx.Batch
	batch.Queue("begin isolation level repeatable read read only")
	batch.Queue(revisionSQL).QueryRow(func(row pgx.Row) error { return row.Scan(&info.Revision) })
	if t.Covers {
		batch.Queue(coverageSQL, t.Name).QueryRow(func(row pgx.Row) error { return orNone(row.Scan(&info.Coverage)) })
	}
	if l.TotalCount {
		queueCount(&batch, &info.Total)(count(t, l))
	}
	if sql, args := undated(t, l); sql != "" {
		queueCount(&batch, &info.Undated)(sql, args)
	}
	sql, args := page(t, l, t.selection(form, l.Fields), form == Flat)
	batch.Queue(sql, args...).Query(func(rows pgx.Rows) error { return info.records(rows, l, add) })
	batch.Queue("commit")
	if err := db.SendBatch(ctx, &batch).Close(); err != nil {
		return Info{}, fmt.Errorf("page of %s: %w", t.Name, err)
	}
	if l.After != nil && l.After.Revision != info.Revision {
		return Info{}, &ErrMoved{From: l.After.Revision, To: info.Revision}
	}
	return info, nil
}

func orNone(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	return err
}

func queueCount(batch *pgx.Batch, into **int64) func(sql string, args []any) {
	return func(sql string, args []any) {
		batch.Queue(sql, args...).QueryRow(func(row pgx.Row) error { return row.Scan(into) })
	}
}

// records hands the rows of at most l.Limit records to add; if there are more, the last of them becomes the cursor. In a
// flat form several rows in succession may be of one record.
func (info *Info) records(rows pgx.Rows, l query.List, add func(Row)) error {
	var key, id string
	for n := 0; rows.Next(); {
		row := rows.RawValues()
		last := len(row) - 2
		if next := string(row[last+1]); n == 0 || next != id {
			if n == l.Limit {
				cursor := l.Cursor(info.Revision, key, id)
				info.Next = &cursor
				break
			}
			n++
			key, id = string(row[last]), next
		}
		add(row[:last])
	}
	rows.Close()
	return rows.Err()
}

// Each streams the records of a list, all of them if l.Limit is 0, in constant memory. The revision that they were read
// at is set before the first row comes.
func Each(ctx context.Context, db *pgxpool.Pool, t *Table, l query.List, form Form, revision *int64) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		err := pgx.BeginTxFunc(ctx, db, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
			// A statement lasts as long as its reader takes, who is bounded elsewhere.
			if _, err := tx.Exec(ctx, "set local statement_timeout = 0"); err != nil {
				return err
			}
			if err := tx.QueryRow(ctx, revisionSQL).Scan(revision); err != nil {
				return err
			}
			sql, args := page(t, l, t.selection(form, l.Fields), form == Flat)
			rows, err := tx.Query(ctx, sql, args...)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				row := rows.RawValues()
				if !yield(row[:len(row)-2], nil) {
					return errStopped
				}
			}
			return rows.Err()
		})
		if err != nil && !errors.Is(err, errStopped) {
			yield(nil, fmt.Errorf("stream of %s: %w", t.Name, err))
		}
	}
}

var errStopped = errors.New("the reader has seen enough")

// One reads a single record, or in a flat form its rows, and hands them to add. It returns the revision of the data set
// that it read, and ErrNotFound if there is no record of that id.
func One(ctx context.Context, db *pgxpool.Pool, t *Table, id string, l query.List, form Form, add func(Row)) (int64, error) {
	column := t.column("id")
	if column.Type == query.Integer {
		if _, err := strconv.ParseInt(id, 10, 64); err != nil {
			return 0, ErrNotFound
		}
	}
	l.Where = []query.Condition{{Field: column.field(), Texts: []string{id}}}
	if column.Type == query.Integer {
		n, _ := strconv.ParseInt(id, 10, 64)
		l.Where[0] = query.Condition{Field: column.field(), Ranges: []query.Range{{From: n, To: n}}}
	}
	l.Sort = query.Order{Field: "id"}
	l.Limit = 1
	found := false
	info, err := Page(ctx, db, t.uncounted(), l, form, func(row Row) {
		found = true
		add(row)
	})
	if err == nil && !found {
		err = ErrNotFound
	}
	return info.Revision, err
}

// uncounted is the table without what only lists say.
func (t *Table) uncounted() *Table {
	single := *t
	single.Covers = false
	return &single
}
