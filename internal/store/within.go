package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/query"
)

// What changes within a question: whoever takes its records as of one revision, and then every event in order, has them as
// of each revision that follows, byte by byte. A record may change because something that it shows has: which ones those may
// be, Table.Affected tells; whether they did, is found out by reading them as of the revision before and as of the one that
// came. Both are the past, which does not change: so the events of a changeset are the same whenever, and by whomever, they
// are asked for.

// EventKind is what an event does to the records of a question.
type EventKind string

// The kinds of events.
const (
	Upserted EventKind = "upsert" // a record is new among those of the question, or shows something else
	Left     EventKind = "leave"  // a record is still there, but no longer among them
	Deleted  EventKind = "delete" // a record among them is gone
)

// Event is a change of one record within a question.
type Event struct {
	Revision int64 // the changeset
	Sequence int   // the place among the events of the changeset, from 1: these are in the order of the records' ids
	Kind     EventKind
	ID       string // of the record
	Row      Row    // if it is Upserted: the record in the [Shape] of the question
}

// Changeset bounds: so many changes of it, and so many records that they may affect, are gone through. At most so many
// records are held in memory with what they were and what they became.
const (
	mostChanges  = 100_000
	eventsAtOnce = 200
)

// ErrTooMuch is the error of a changeset that changed more than is gone through: its records are to be read anew.
var ErrTooMuch = errors.New("a changeset changed too much to go through it")

// Step is what one changeset changed.
type Step struct {
	Revision int64

	records       map[string][]string        // ids by collection
	created       map[string]map[string]bool // those of them that were no records before
	tooMuch       bool
	now, previous int64 // the segments of history with the moments after it and before it: see [Question]
}

// Steps returns what each changeset after one revision, through another, changed. If that is much, it is only the first of
// them, one at least if there is one; reached is the revision through which they are told.
func Steps(ctx context.Context, db *pgxpool.Pool, after, through int64) (steps []Step, reached int64, err error) {
	var cuts []int64
	changes := 0
	var batch pgx.Batch
	batch.Queue("select array(select until from as_of.segments order by 1)").QueryRow(func(row pgx.Row) error { return row.Scan(&cuts) })
	const sql = "select revision, collection, record, op = 'create' from changes where revision > $1 and revision <= $2 order by revision, collection, record limit $3"
	batch.Queue(sql, after, through, mostChanges+1).Query(func(rows pgx.Rows) error {
		var revision int64
		var collection, record string
		var created bool
		_, err := pgx.ForEachRow(rows, []any{&revision, &collection, &record, &created}, func() error {
			if len(steps) == 0 || steps[len(steps)-1].Revision != revision {
				steps = append(steps, Step{Revision: revision, records: map[string][]string{}, created: map[string]map[string]bool{}})
			}
			steps[len(steps)-1].add(collection, record, created)
			changes++
			return nil
		})
		return err
	})
	if err := db.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, after, fmt.Errorf("changes after revision %d: %w", after, err)
	}
	if changes > mostChanges { // the last one may not be whole
		if len(steps) > 1 {
			steps = steps[:len(steps)-1]
		} else {
			steps[0] = Step{Revision: steps[0].Revision, tooMuch: true}
		}
		through = steps[len(steps)-1].Revision
	}
	for i := range steps {
		steps[i].now, steps[i].previous = segmentOf(cuts, steps[i].Revision), segmentOf(cuts, steps[i].Revision-1)
	}
	return steps, through, nil
}

func (s *Step) add(collection, record string, created bool) {
	s.records[collection] = append(s.records[collection], record)
	if !created {
		return
	}
	if s.created[collection] == nil {
		s.created[collection] = map[string]bool{}
	}
	s.created[collection][record] = true
}

// segmentOf is the first cut after a revision; 0 if there is none.
func segmentOf(cuts []int64, revision int64) int64 {
	if i, _ := slices.BinarySearch(cuts, revision+1); i < len(cuts) {
		return cuts[i]
	}
	return 0
}

// Between goes through what the changesets after one revision, through another, changed within a question, in order. The
// filters of its list count, the fields and whose figures are shown; its order, its page and its moment do not. A row is
// valid until the next event. It holds no connection while it yields.
func Between(ctx context.Context, db *pgxpool.Pool, q Question, after, through int64) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for after < through {
			steps, reached, err := Steps(ctx, db, after, through)
			if err != nil {
				yield(Event{}, err)
				return
			}
			for i := range steps {
				for event, err := range q.Changed(ctx, db, &steps[i]) {
					if !yield(event, err) || err != nil {
						return
					}
				}
			}
			after = reached
		}
	}
}

// Changed goes through what one changeset changed within a question, as [Between] does.
func (q Question) Changed(ctx context.Context, db *pgxpool.Pool, s *Step) iter.Seq2[Event, error] {
	q = q.whole()
	return func(yield func(Event, error) bool) {
		ids, err := q.affected(ctx, db, s)
		if err != nil {
			yield(Event{}, fmt.Errorf("what changeset %d affects of %s: %w", s.Revision, q.Table.Name, err))
			return
		}
		event := Event{Revision: s.Revision}
		for some := range slices.Chunk(ids, eventsAtOnce) {
			c, err := q.compare(ctx, db, s, some)
			if err != nil {
				yield(Event{}, fmt.Errorf("what changeset %d changed of %s: %w", s.Revision, q.Table.Name, err))
				return
			}
			for _, id := range some {
				if event.ID, event.Kind = id, c.kind(id); event.Kind == "" {
					continue
				}
				event.Sequence++
				event.Row = c.now[id]
				if !yield(event, nil) {
					return
				}
			}
		}
	}
}

// whole is the question about all records, of no moment, in the order of their ids.
func (q Question) whole() Question {
	q.At, q.Newest, q.Segment, q.Form, q.Needs, q.mixed = nil, false, 0, Nested, nil, false
	q.List.AsOf, q.List.After, q.List.Limit, q.List.TotalCount = nil, nil, 0, false
	q.List.Sort = query.Order{Field: "id"}
	return q
}

// at is the question about a moment in a segment of history.
func (q Question) at(revision, segment int64) Question {
	q.At, q.Segment = &revision, segment
	return q
}

// affected finds the ids of the records that a changeset may have changed, in order.
func (q Question) affected(ctx context.Context, db *pgxpool.Pool, s *Step) ([]string, error) {
	if s.tooMuch {
		return nil, ErrTooMuch
	}
	found := map[string]bool{}
	for _, id := range s.records[q.Table.Name] {
		found[id] = true
	}
	var batch pgx.Batch
	batch.Queue(beginReading)
	batch.Queue(steadyHistory)
	lookups := 0
	look := func(moment Question, sql string, arg any) {
		lookups++
		sql = fmt.Sprintf("select distinct a.id::text from (%s) a(id) where a.id is not null limit %d", strings.ReplaceAll(sql, "{ids}", "any($1::text[])"), mostChanges+1)
		batch.Queue(moment.spelled(sql), arg).Query(func(rows pgx.Rows) error {
			var id string
			_, err := pgx.ForEachRow(rows, []any{&id}, func() error { found[id] = true; return nil })
			return err
		})
	}
	for _, moment := range []Question{q.at(s.Revision-1, s.previous), q.at(s.Revision, s.now)} {
		batch.Queue(readAsOf, *moment.At, q.List.ReportedBy)
		for _, collection := range slices.Sorted(maps.Keys(q.Table.Affected)) {
			if ids := s.records[collection]; ids != nil {
				look(moment, q.Table.Affected[collection], ids)
			} else if collection == "" {
				look(moment, q.Table.Affected[""], s.Revision)
			}
		}
	}
	batch.Queue("commit")
	if lookups > 0 {
		if err := db.SendBatch(ctx, &batch).Close(); err != nil {
			return nil, err
		}
	}
	if len(found) > mostChanges {
		return nil, ErrTooMuch
	}
	ids := slices.Collect(maps.Keys(found))
	numbers := q.Table.column("id").Type == query.Integer
	slices.SortFunc(ids, func(a, b string) int {
		if numbers && len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	return ids, nil
}

// comparison is some records as a changeset found them and as it left them.
type comparison struct {
	before, now map[string]Row  // those of the question
	there       map[string]bool // those that there still are, of those that are no longer of the question
}

// kind is what happened to a record within the question; "": nothing.
func (c *comparison) kind(id string) EventKind {
	was, wasOne := c.before[id]
	is, isOne := c.now[id]
	switch {
	case isOne && wasOne && slices.EqualFunc(was, is, func(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }):
		return ""
	case isOne:
		return Upserted
	case !wasOne:
		return ""
	case c.there[id]:
		return Left
	}
	return Deleted
}

// compare reads records as of the revision before a changeset, which those had not that it created, and as of its own.
func (q Question) compare(ctx context.Context, db *pgxpool.Pool, s *Step, ids []string) (*comparison, error) {
	c := comparison{before: map[string]Row{}, now: map[string]Row{}, there: map[string]bool{}}
	within := q
	within.List.Where = append(slices.Clip(q.List.Where), q.oneOf(ids))
	now := within.at(s.Revision, s.now)
	var batch pgx.Batch
	batch.Queue(beginReading)
	batch.Queue(steadyHistory)
	if slices.ContainsFunc(ids, func(id string) bool { return !s.created[q.Table.Name][id] }) {
		within.at(s.Revision-1, s.previous).queueRows(&batch, func(id string, row Row) { c.before[id] = row })
	}
	now.queueRows(&batch, func(id string, row Row) { c.now[id] = row })
	batch.Queue("commit")
	if err := db.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, err
	}
	var gone []string
	for id := range c.before {
		if c.now[id] == nil {
			gone = append(gone, id)
		}
	}
	return &c, now.whichAre(ctx, db, gone, c.there)
}

// whichAre finds out which of some records there are at the question's moment, of the question or not.
func (q Question) whichAre(ctx context.Context, db *pgxpool.Pool, ids []string, there map[string]bool) error {
	if ids == nil {
		return nil
	}
	var sql statement
	sql.WriteString("select x.id::text from " + q.Table.from())
	sql.where(q.Table, query.List{Where: []query.Condition{q.oneOf(ids)}}, nil)
	var batch pgx.Batch
	batch.Queue(beginReading)
	batch.Queue(steadyHistory)
	batch.Queue(readAsOf, *q.At, q.List.ReportedBy)
	batch.Queue(q.spelled(sql.String()), sql.args...).Query(func(rows pgx.Rows) error {
		var id string
		_, err := pgx.ForEachRow(rows, []any{&id}, func() error { there[id] = true; return nil })
		return err
	})
	batch.Queue("commit")
	return db.SendBatch(ctx, &batch).Close()
}

// oneOf is the condition that a record is one of some.
func (q Question) oneOf(ids []string) query.Condition {
	return query.Condition{Field: q.Table.column("id").field(), Texts: ids}
}

// queueRows reads the question's rows at its moment, each into memory of its own.
func (q Question) queueRows(batch *pgx.Batch, add func(id string, row Row)) {
	batch.Queue(readAsOf, *q.At, q.List.ReportedBy)
	sql, args := q.statement(nil)
	batch.Queue(sql, args...).Query(func(rows pgx.Rows) error {
		defer rows.Close()
		for rows.Next() {
			row := rows.RawValues()
			last := len(row) - extra
			own := make(Row, last)
			for i, value := range row[:last] {
				own[i] = bytes.Clone(value)
			}
			add(string(row[last+1]), own)
		}
		return rows.Err()
	})
}

// snapshotAtOnce is how many records of a snapshot are held in memory.
const snapshotAtOnce = 200

// Snapshot goes through the records of a question as of a revision in the order of their ids, from the one after an id on; "":
// from the first. As of the revision that is read so far, [Between] goes on. It holds no connection while it yields.
func Snapshot(ctx context.Context, db *pgxpool.Pool, q Question, revision int64, after string) iter.Seq2[Event, error] {
	q = q.whole().at(revision, 0)
	q.List.Limit = snapshotAtOnce
	return func(yield func(Event, error) bool) {
		event := Event{Revision: revision, Kind: Upserted}
		for more := true; more; {
			if after != "" {
				cursor := q.List.Cursor(revision, after, after)
				q.List.After = &cursor
			}
			var ids []string
			var page []Row
			var batch pgx.Batch
			batch.Queue(beginReading)
			batch.Queue(steadyHistory)
			q.queueRows(&batch, func(id string, row Row) { ids, page = append(ids, id), append(page, row) })
			batch.Queue("commit")
			if err := db.SendBatch(ctx, &batch).Close(); err != nil {
				yield(Event{}, fmt.Errorf("snapshot of %s: %w", q.Table.Name, err))
				return
			}
			if more = len(ids) > snapshotAtOnce; more {
				ids = ids[:snapshotAtOnce]
			}
			for i, id := range ids {
				if event.ID, event.Row = id, page[i]; !yield(event, nil) {
					return
				}
				after = id
			}
		}
	}
}
