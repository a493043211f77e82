package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
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
type Form uint8

// Nested forms show a record whole; Flat ones are tables of one value a cell; in Entries all records look alike: see [Entry].
const (
	Nested Form = iota
	Flat
	Entries
)

// Question is what is asked of a collection.
type Question struct {
	Table *Table
	List  query.List
	Form  Form
	Needs []string // columns that are read also where List.Fields leaves them out; those that the table does not have are not
	// Counts says that a stream is to find out all of Info, as pages do.
	Counts bool
	AtOnce func() int // how many rows of a stream are fetched next; nil: many
	At     *int64     // the revision to read; nil: the current one

	// Newest says that At was the current revision a moment ago. It is then read as such, which costs nothing more, unless
	// the data set has moved on.
	Newest bool
	// Segment is the cut that ends the segment of history in which At is read, 0 for the open one. It is found out anew with
	// every read; known before, it lets a connection keep its plans for each segment.
	Segment int64

	mixed bool // what is not kept is put together from its rows; else such a record ends the rows
	given int  // how many of the first records the asker has already
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

// selection is what the question selects.
func (q Question) selection() selection {
	use := mixed
	switch {
	case q.Table.Kept == nil || q.Form != Nested || q.At != nil || q.List.ReportedBy != "":
		use = assembled
	case !q.mixed:
		use = kept
	}
	fields := q.List.Fields
	if fields != nil && q.Needs != nil {
		fields = slices.Concat(fields, q.Needs)
	}
	return q.Table.selection(q.Form, use, fields)
}

// statement is the SQL for the question's rows.
func (q Question) statement(expected *int64) (string, []any) {
	sql, args := page(q.Table, q.List, q.selection(), q.Form == Flat, expected)
	return q.spelled(sql), args
}

// steady says whether the best plan for the question's rows is the same whatever values it compares with: PostgreSQL then
// need not think about it each time, which for a page takes longer than reading it.
func (q Question) steady() bool {
	l := q.List
	switch {
	case q.At != nil || l.ReportedBy != "" || l.Search != "" || l.Box != nil:
		return false
	case l.By != "":
		cut, summed := cutMonths(l)
		return summed && cut == nil
	case l.Limit == 0:
		return false
	}
	order := strings.TrimPrefix(q.Table.Sort, "-")
	for _, c := range l.Where {
		name := c.Field.Name
		if name == "id" && !c.Not && len(l.Where) == 1 {
			return true
		}
		if name != order && !slices.Contains(q.Table.Steady, name) {
			return false
		}
	}
	return l.Sort.Field == order
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
	Unplaced   *int64        // records left out only because they have no place; nil without a box
	Next       *query.Cursor // nil on the last page

	given int // the records that were handed out before one of which nothing is kept

	DidYouMean string // the search that was carried out instead, because the one asked for finds nothing
}

// Page reads one page of a list, of at most List.Limit records, and hands each row to add. It takes one round trip. If a
// search finds nothing, that which was probably meant is carried out instead.
func Page(ctx context.Context, db *pgxpool.Pool, q Question, add func(Row)) (info Info, err error) {
	ctx, end := traced(ctx, "Page", q.Table.Name)
	defer func() { end(err) }()
	found := false
	info, err = q.walk(ctx, db, func(row Row) {
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
	batch.Queue(beginReading)
	q.queueMoment(&batch, &info, false)
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

// page reads one page. There are no rows if the data set is not at the revision that is expected, if one is.
//
// First it reads what is kept, which is quick to plan, and no more. A record of which nothing is kept ends that; then a
// second round trip, which can do both, reads on from there at the same revision.
func (q Question) page(ctx context.Context, db *pgxpool.Pool, expected *int64, add func(Row)) (Info, error) {
	info, lacking, err := q.ask(ctx, db, expected, add)
	if err != nil || !lacking {
		return info, err
	}
	q.mixed, q.given = true, info.given
	again, _, err := q.ask(ctx, db, &info.Revision, add)
	if err != nil || again.Revision == info.Revision {
		return again, err
	}
	q.At = &info.Revision
	again, _, err = q.ask(ctx, db, nil, add)
	return again, err
}

// ask asks everything in one batch, within one snapshot. It reports whether the rows ended at a record of which nothing is
// kept.
func (q Question) ask(ctx context.Context, db *pgxpool.Pool, expected *int64, add func(Row)) (info Info, lacking bool, err error) {
	t, l := q.Table, q.List
	var batch pgx.Batch
	batch.Queue(beginReading)
	q.queueMoment(&batch, &info, t.Covers)
	q.queueCounts(&batch, &info)
	sql, args := q.statement(expected)
	batch.Queue(sql, args...).Query(func(rows pgx.Rows) (err error) {
		lacking, err = info.records(rows, l, q.given, add)
		return err
	})
	batch.Queue("commit")
	if err := db.SendBatch(ctx, &batch).Close(); err != nil {
		return Info{}, false, fmt.Errorf("page of %s: %w", t.Name, err)
	}
	return info, lacking, nil
}

// queueCounts asks for the numbers of records that a list says beside its own.
func (q Question) queueCounts(batch *pgx.Batch, info *Info) {
	queue := func(into **int64, sql string, args []any) {
		if sql != "" {
			batch.Queue(q.spelled(sql), args...).QueryRow(func(row pgx.Row) error { return row.Scan(into) })
		}
	}
	if q.List.TotalCount {
		sql, args := count(q.Table, q.List)
		queue(&info.Total, sql, args)
	}
	sql, args := undated(q.Table, q.List)
	queue(&info.Undated, sql, args)
	sql, args = unplaced(q.Table, q.List)
	queue(&info.Unplaced, sql, args)
}

func orNone(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	return err
}

// extra is how many columns stand behind those of the answer: the sort key, the id, and whether something is kept.
const extra = 3

// records hands the rows of at most l.Limit records to add, without those that are given already; if there are more, the
// last of them becomes the cursor. In a flat form several rows in succession may be of one record. A record of which nothing
// is kept, though it should be, ends them.
func (info *Info) records(rows pgx.Rows, l query.List, given int, add func(Row)) (lacking bool, err error) {
	defer rows.Close()
	var key, id []byte
	n := 0
	for rows.Next() {
		row := rows.RawValues()
		last := len(row) - extra
		if next := row[last+1]; n == 0 || !bytes.Equal(next, id) {
			if n == l.Limit {
				cursor := l.Cursor(info.Revision, string(key), string(id))
				info.Next = &cursor
				break
			}
			if holds := row[last+2]; holds[0] == 0 {
				info.given = n
				return true, nil
			}
			n++
			key, id = append(key[:0], row[last]...), append(id[:0], next...)
		}
		if n > given {
			add(row[:last])
		}
	}
	rows.Close()
	return false, rows.Err()
}
