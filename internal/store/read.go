package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/query"
)

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

// Question is what is asked of a collection.
type Question struct {
	Table *Table
	List  query.List
	Form  Form
	At    *int64 // the revision to read; nil: the current one

	// Newest says that At was the current revision a moment ago. It is then read as such, which costs nothing more, unless
	// the data set has moved on.
	Newest bool
	// Segment is the cut that ends the segment of history in which At is read, 0 for the open one. It is found out anew with
	// every read; known before, it lets a connection keep its plans for each segment.
	Segment int64
}

// plain is the question without At, if that may do.
func (q Question) plain() (Question, bool) {
	if q.At == nil || !q.Newest {
		return q, false
	}
	q.At = nil
	return q, true
}

// Shape returns the columns that the question is answered with.
func (q Question) Shape() Shape { return q.selection().shape }

func (q Question) selection() selection {
	if q.Form == Flat {
		return q.Table.flat(q.List.Fields)
	}
	return q.Table.nested(q.List.Fields, q.At == nil && q.List.ReportedBy == "")
}

// statement is the SQL for the question's rows.
func (q Question) statement(expected *int64) (string, []any) {
	sql, args := page(q.Table, q.List, q.selection(), q.Form == Flat, expected)
	return q.spelled(sql), args
}

// spelled gives a statement a text of its own for the tables that it reads: PostgreSQL keeps one plan a text, for the
// tables that it found when it made it.
func (q Question) spelled(sql string) string {
	if q.List.ReportedBy != "" {
		sql = "/* reported */ " + sql
	}
	if q.At != nil {
		sql = fmt.Sprintf("/* as_of %d */ %s", q.Segment, sql)
	}
	return sql
}

// Info is what an answer says beside its rows.
type Info struct {
	Revision   int64
	RecordedAt *time.Time    // when that revision was recorded; nil before the first
	Coverage   []byte        // JSON; nil for a collection that coverage does not speak of
	Total      *int64        // if asked for
	Undated    *int64        // records left out only because they have no date; nil if no filter can do that
	Next       *query.Cursor // nil on the last page

	DidYouMean string // the search that was carried out instead, because the one asked for finds nothing
}

// coverageSQL is the coverage of one collection as JSON, or null.
const coverageSQL = `select to_json(c) from (
	select min(starts_on) as "from", max(ends_on) as "to",
		array_to_json(array(select m from (
			select year, missing from coverage where collection = $1 and missing is not null order by year nulls first, id) m)) as missing
	from coverage where collection = $1 having count(*) > 0) c`

// Page reads one page of a list, of at most List.Limit records, and hands each row to add. It takes one round trip. If a
// search finds nothing, that which was probably meant is carried out instead.
func Page(ctx context.Context, db *pgxpool.Pool, q Question, add func(Row)) (Info, error) {
	found := false
	info, err := q.walk(ctx, db, func(row Row) {
		found = true
		add(row)
	})
	if err != nil || found || q.List.Search == "" {
		return info, err
	}
	meant, err := q.meant(ctx, db, info.Revision)
	if err != nil || meant == nil {
		return info, err
	}
	again, err := meant.walk(ctx, db, func(row Row) {
		found = true
		add(row)
	})
	if err != nil || !found {
		return info, err
	}
	again.DidYouMean = meant.List.Search
	return again, nil
}

// mostMeant is how many words a search may have that is tried again: a slip is a slip in few words.
const mostMeant = 8

// meant is the question with the search that was probably meant, at the revision at which nothing was found; nil if there
// is none.
func (q Question) meant(ctx context.Context, db *pgxpool.Pool, revision int64) (*Question, error) {
	if len(strings.Fields(q.List.Search)) > mostMeant {
		return nil, nil //nolint:nilnil // none
	}
	if q.At == nil {
		q.At, q.Newest = &revision, true
	}
	var text *string
	var info Info
	var batch pgx.Batch
	batch.Queue("begin isolation level repeatable read read only")
	q.queueMoment(&batch, &info)
	batch.Queue(q.spelled("select did_you_mean($1)"), q.List.Search).QueryRow(func(row pgx.Row) error { return row.Scan(&text) })
	batch.Queue("commit")
	if err := db.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, fmt.Errorf("looking for what was meant: %w", err)
	}
	if text == nil {
		return nil, nil //nolint:nilnil // none
	}
	q.List.Search = *text
	return &q, nil
}

// walk reads one page of a list as it is asked for.
//
// The pages of a walk are all of the revision that it began at: where the data set has moved on since, the statement
// finds no rows, and a second round trip reads the past.
func (q Question) walk(ctx context.Context, db *pgxpool.Pool, add func(Row)) (Info, error) {
	after := q.List.After
	if after != nil && q.At != nil && after.Revision != *q.At { // as_of=2026-11-23 stands for more than when the walk began
		q.At, q.Newest = &after.Revision, false
	}
	if plain, ok := q.plain(); ok {
		info, err := plain.page(ctx, db, q.At, add)
		if err != nil || info.Revision == *q.At {
			return info, err
		}
	}
	info, err := q.page(ctx, db, nil, add)
	if err != nil || after == nil || after.Revision == info.Revision {
		return info, err
	}
	if after.Revision > info.Revision {
		return Info{}, &query.Error{Faults: []query.Fault{{Parameter: "cursor", Reason: "belongs to a revision that is not there; start without cursor"}}}
	}
	q.At = &after.Revision
	return q.page(ctx, db, nil, add)
}

// page asks everything in one batch, within one snapshot. There are no rows if the data set is not at the revision that is
// expected, if one is.
func (q Question) page(ctx context.Context, db *pgxpool.Pool, expected *int64, add func(Row)) (Info, error) {
	t, l := q.Table, q.List
	var info Info
	var batch pgx.Batch
	batch.Queue("begin isolation level repeatable read read only")
	q.queueMoment(&batch, &info)
	if t.Covers {
		batch.Queue(q.spelled(coverageSQL), t.Name).QueryRow(func(row pgx.Row) error { return orNone(row.Scan(&info.Coverage)) })
	}
	if l.TotalCount {
		sql, args := count(t, l)
		batch.Queue(q.spelled(sql), args...).QueryRow(func(row pgx.Row) error { return row.Scan(&info.Total) })
	}
	if sql, args := undated(t, l); sql != "" {
		batch.Queue(q.spelled(sql), args...).QueryRow(func(row pgx.Row) error { return row.Scan(&info.Undated) })
	}
	sql, args := q.statement(expected)
	batch.Queue(sql, args...).Query(func(rows pgx.Rows) error { return info.records(rows, l, add) })
	batch.Queue("commit")
	if err := db.SendBatch(ctx, &batch).Close(); err != nil {
		return Info{}, fmt.Errorf("page of %s: %w", t.Name, err)
	}
	return info, nil
}

func orNone(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	return err
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

// Each streams the records of a list, all of them if List.Limit is 0, in constant memory. What it has read is set in
// info before the first row comes. A search that finds nothing is as with [Page].
func Each(ctx context.Context, db *pgxpool.Pool, q Question, info *Info) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		found := false
		for row, err := range q.each(ctx, db, info) {
			found = true
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
			sql, args := plain.statement(nil)
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
			yield(nil, fmt.Errorf("stream of %s: %w", q.Table.Name, err))
		}
	}
}

// queueMoment sets a transaction to the moment of the question and finds out which revision that is.
func (q Question) queueMoment(batch *pgx.Batch, info *Info) {
	if q.At != nil {
		batch.Queue(steadyHistory)
		batch.Queue(readAsOf, *q.At, q.List.ReportedBy)
	} else if q.List.ReportedBy != "" {
		batch.Queue(readReported, q.List.ReportedBy)
	}
	batch.Queue(q.spelled(momentSQL)).QueryRow(func(row pgx.Row) error { return orNone(row.Scan(&info.Revision, &info.RecordedAt)) })
}

// prepare sets a transaction to the moment of the question and lifts the limit on the time of statements: one that is
// streamed lasts as long as its reader takes, who is bounded elsewhere.
func (q Question) prepare(ctx context.Context, tx pgx.Tx, info *Info) error {
	var batch pgx.Batch
	batch.Queue("set local statement_timeout = 0")
	q.queueMoment(&batch, info)
	return tx.SendBatch(ctx, &batch).Close()
}

var errStopped = errors.New("the reader has seen enough")

// One reads a single record, or in a flat form its rows, and hands them to add. If there is no record of that id, the
// error is an [*Absent].
func One(ctx context.Context, db *pgxpool.Pool, q Question, id string, add func(Row)) (Info, error) {
	field := q.Table.column("id").field()
	is := query.Condition{Field: field, Texts: []string{id}}
	if field.Type == query.Integer {
		n, err := strconv.ParseInt(id, 10, 64)
		if err != nil {
			return Info{}, &Absent{}
		}
		is = query.Condition{Field: field, Ranges: []query.Range{{From: n, To: n}}}
	}
	q.List.Where = []query.Condition{is}
	q.List.Sort = query.Order{Field: "id"}
	q.List.Limit = 1
	q.Table = q.Table.single()
	found := false
	info, err := Page(ctx, db, q, func(row Row) {
		found = true
		add(row)
	})
	if err == nil && !found {
		return info, WhyAbsent(ctx, db, q.Table, id)
	}
	return info, err
}

// single is the table without what only lists say.
func (t *Table) single() *Table {
	single := *t
	single.Covers = false
	return &single
}
